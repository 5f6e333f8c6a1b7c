/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow, of the model and of the search. */
#ifndef NS_MODEL_GROW_H
#define NS_MODEL_GROW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Room for `wanted` elements of `size` bytes, at least 1, in a malloc'd array; false without host memory, and then
 * array and capacity are as they were. */
static inline bool grow(void **array, size_t *capacity, size_t wanted, size_t size) {
    if (wanted <= *capacity)
        return true;
    size_t larger = *capacity == 0 ? 16 : *capacity;
    while (larger < wanted && larger <= SIZE_MAX / 2 / size)
        larger *= 2;
    if (larger < wanted)
        return false;
    void *grown = realloc(*array, larger * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = larger;
    return true;
}

#endif
