/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fields of a struct lie: the layout rules of C on RV64 and AArch64 (natural alignment). */
#ifndef NS_SCENARIOS_LAYOUT_H
#define NS_SCENARIOS_LAYOUT_H

#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_layout {
    uint64_t end;   /* bytes used so far */
    uint32_t align; /* largest alignment of a field so far; 1 for none */
};
#define NS_LAYOUT_EMPTY                                                                                                \
    { 0, 1 }

/* Appends `count` elements of `element_size` bytes (1, 2, 4, 8) at the next multiple of their size; returns the offset.
 */
uint64_t ns_layout_field(struct ns_layout *layout, uint32_t element_size, uint64_t count);
/* Appends `bytes` that belong to no field. */
void ns_layout_pad(struct ns_layout *layout, uint64_t bytes);
/* From element to element: the size, rounded up to the alignment; `align` is the struct's own wish (0 or a power of
 * two). */
uint64_t ns_layout_stride(const struct ns_layout *layout, uint32_t align);

#ifdef __cplusplus
}
#endif
#endif
