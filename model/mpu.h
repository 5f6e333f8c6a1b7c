/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory types without translation: the regions of a memory protection unit, over a fixed default memory map.
 *
 * Armv7-M (Armv7-M Architecture Reference Manual, Arm DDI 0403): B3.1 is the default memory map, B3.5 the unit
 * (PMSAv7). Where regions overlap, the one with the highest number counts (B3.5.3). What no region covers has the type
 * of the default map when MPU_CTRL.PRIVDEFENA is 1 and the access is privileged, and faults (MemManage) when it is 0
 * (B3.5.4). Software here is privileged throughout, the MPU is on, and all regions allow loads and stores: only types
 * are looked at.
 *
 * Addresses and sizes are bytes.
 */
#ifndef NS_MODEL_MPU_H
#define NS_MODEL_MPU_H

#include "model/paging.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_MPU_MOST_REGIONS 16 /* the most that a Cortex-M7 can have */

/*
 * The type of the default memory map (DDI 0403, B3.1; for the Cortex-M7 also Arm DUI 0646C, 2.2.3, tables 2.11 and
 * 2.12). False, and *type is not written, from 4 GiB on: there is no such address. Code, SRAM and external RAM are
 * cacheable; that code and the upper half of the RAM are write-through there is not kept (a cache here writes through
 * as a whole or not at all). Peripherals, devices and the system area are NS_TYPE_IO.
 */
bool ns_mpu_default_type(uint64_t address, enum ns_memory_type *type);

/* The type of an access with `count` regions, numbered in their order, each as ns_mpu_is_region() wants it.
 * `background` is PRIVDEFENA. False: it faults, and *type is not written. */
bool ns_mpu_type(const struct ns_pma_region *regions, size_t count, bool background, uint64_t address,
                 enum ns_memory_type *type);

/* Is this a region as PMSAv7 has them: a power of two, at a multiple of its size, below 4 GiB? The architecture begins
 * at 32 bytes; here a region is at least a page of 4096 bytes. */
bool ns_mpu_is_region(uint64_t start, uint64_t length);

#ifdef __cplusplus
}
#endif
#endif
