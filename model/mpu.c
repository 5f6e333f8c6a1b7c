/* SPDX-License-Identifier: Apache-2.0 */
#include "model/mpu.h"

#define END_OF_ADDRESSES (UINT64_C(1) << 32)

bool ns_mpu_default_type(uint64_t address, enum ns_memory_type *type) {
    /* One entry for each 512 MiB: the map has no finer border that matters here. */
    static const enum ns_memory_type map[8] = {
        NS_TYPE_CACHEABLE, /* 0x0000_0000 Code: normal, write-through */
        NS_TYPE_CACHEABLE, /* 0x2000_0000 SRAM: normal, write-back, write-allocate */
        NS_TYPE_IO,        /* 0x4000_0000 Peripheral: device */
        NS_TYPE_CACHEABLE, /* 0x6000_0000 RAM: normal, write-back, write-allocate */
        NS_TYPE_CACHEABLE, /* 0x8000_0000 RAM: normal, write-through */
        NS_TYPE_IO,        /* 0xA000_0000 Device, shareable */
        NS_TYPE_IO,        /* 0xC000_0000 Device */
        NS_TYPE_IO,        /* 0xE000_0000 System: private peripheral bus, vendor */
    };
    if (address >= END_OF_ADDRESSES)
        return false;
    *type = map[address >> 29];
    return true;
}

bool ns_mpu_type(const struct ns_pma_region *regions, size_t count, bool background, uint64_t address,
                 enum ns_memory_type *type) {
    for (size_t i = count; i-- > 0;)
        if (address >= regions[i].start && address - regions[i].start < regions[i].length) {
            *type = regions[i].type;
            return true;
        }
    return background && ns_mpu_default_type(address, type);
}

bool ns_mpu_is_region(uint64_t start, uint64_t length) {
    return length >= NS_PAGE_SIZE && length <= END_OF_ADDRESSES && (length & (length - 1)) == 0 &&
           start % length == 0 && start < END_OF_ADDRESSES;
}
