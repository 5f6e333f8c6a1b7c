/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/layout.h"

static uint64_t round_up(uint64_t value, uint64_t align) {
    return (value + align - 1) & ~(align - 1);
}

uint64_t ns_layout_field(struct ns_layout *layout, uint32_t element_size, uint64_t count) {
    uint64_t offset = round_up(layout->end, element_size);
    layout->end = offset + element_size * count;
    layout->align = element_size > layout->align ? element_size : layout->align;
    return offset;
}

void ns_layout_pad(struct ns_layout *layout, uint64_t bytes) {
    layout->end += bytes;
}

uint64_t ns_layout_stride(const struct ns_layout *layout, uint32_t align) {
    return round_up(layout->end, align > layout->align ? align : layout->align);
}
