/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow. */
#ifndef NS_VERIFY_GROW_H
#define NS_VERIFY_GROW_H

#include <stdbool.h>
#include <stdlib.h>

/* Room for `wanted` elements of `size` bytes, at least 1, in a malloc'd array; false without host memory, and then
 * array and capacity are as they were. */
static inline bool grow(void **array, size_t *capacity, size_t wanted, size_t size) {
    if (wanted <= *capacity)
        return true;
    size_t larger = *capacity == 0 ? 16 : *capacity;
    while (larger < wanted)
        larger *= 2;
    void *grown = realloc(*array, larger * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = larger;
    return true;
}

#endif
