/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the streaming API share: mapping.c (one piece of memory), mapping_sg.c (lists and resources),
 * mapping_place.c (what is decided at a map), mapping_cache.c (the operations of the architectures). Private to the
 * pool. */
#ifndef NS_POOL_MAPPING_INTERNAL_H
#define NS_POOL_MAPPING_INTERNAL_H

#include "pool/mapping_table.h"

struct ns_dma {
    const struct ns_port *port;
    struct ns_dma_config config;
    const struct ns_dma_platform_operations *operations;
    bool arch_ready;
    uint64_t window; /* a page of kernel addresses for maintenance of pages without a linear mapping; 0: none yet */
    struct ns_mapping_table table;
};

/* What a caller says about a mapping that it ends or syncs. */
struct ns_mapping_claim {
    const struct ns_pool_device *device;
    uint64_t bus;    /* in the mapping; for an unmap its beginning */
    uint64_t offset; /* from bus: where the range begins */
    uint64_t length;
    enum ns_dma_direction direction;
    enum ns_dma_mapping_kind kind;
};

enum ns_mapping_side { NS_MAPPING_FOR_DEVICE, NS_MAPPING_FOR_CPU };

/* ---- mapping.c ---- */

/* The port is told, and the status is MISUSE. */
enum ns_pool_status ns_mapping_misused(const struct ns_dma *dma, enum ns_port_misuse what, uint64_t address,
                                       uint64_t length);

/* dma_direct_map_page: decides, adds to the table, and does the work. `wanted` has everything but bus, slot and
 * sequence. *bus is NS_DMA_MAPPING_ERROR on an error. */
enum ns_pool_status ns_mapping_make(struct ns_dma *dma, const struct ns_dma_mapping *wanted, uint64_t *bus);

/* dma_direct_unmap_page for the three kinds, and dma_direct_sync_single_for_*. */
enum ns_pool_status ns_mapping_end(struct ns_dma *dma, const struct ns_mapping_claim *claim, unsigned attributes);
enum ns_pool_status ns_mapping_sync(struct ns_dma *dma, const struct ns_mapping_claim *claim,
                                    enum ns_mapping_side side);

/* ---- mapping_place.c ---- */

/* The checks that every function of the API makes first, and those of a map, which include the mask (Linux
 * kernel/dma/mapping.c). `function` is who speaks. */
enum ns_pool_status ns_mapping_check(const struct ns_dma *dma, const char *function,
                                     const struct ns_pool_device *device, enum ns_dma_direction direction);
enum ns_pool_status ns_mapping_check_map(const struct ns_dma *dma, const char *function,
                                         const struct ns_pool_device *device, enum ns_dma_direction direction);

/* RAM, whether or not it has a linear mapping. `length` 1 or more. */
bool ns_mapping_is_ram(const struct ns_dma *dma, uint64_t physical, uint64_t length);

/* dma_capable: gives the bus address as dma_addr_t holds it. `full` is the address before it is cut. */
bool ns_mapping_capable(const struct ns_dma *dma, const struct ns_pool_device *device, uint64_t full, uint64_t length,
                        bool is_ram, uint64_t *bus);

/* Fills in `wanted`'s virtual_address and physical, by address or by page. ARGUMENT for what cannot be mapped. */
enum ns_pool_status ns_mapping_by_address(const struct ns_dma *dma, uint64_t virtual_address,
                                          struct ns_dma_mapping *wanted);
enum ns_pool_status ns_mapping_by_page(const struct ns_dma *dma, uint64_t page, uint64_t offset,
                                       struct ns_dma_mapping *wanted);

/* Decides where the device finds the bytes: sets bus and slot; a slot is taken, and what is to be copied into it is.
 * METADATA when the table is full. */
enum ns_pool_status ns_mapping_settle(struct ns_dma *dma, struct ns_dma_mapping *mapping);

/* ---- mapping_cache.c ---- */

/* Both ends of a range translate as one would expect, and it does not wrap. */
bool ns_mapping_translates(const struct ns_port *port, uint64_t address, uint64_t length, uint64_t physical);

/* What the platform does to the caches for a transfer; ends with the barrier when it does something. By address: the
 * range is mapped. By physical address: through the linear mapping, or page by page through the window; where there is
 * no RAM, the kernel would fault, and here nothing is done. */
void ns_mapping_maintain_address(const struct ns_dma *dma, enum ns_mapping_side side, enum ns_dma_direction direction,
                                 uint64_t address, uint64_t length);
void ns_mapping_maintain_physical(struct ns_dma *dma, enum ns_mapping_side side, enum ns_dma_direction direction,
                                  uint64_t physical, uint64_t length);

/* Whether ns_mapping_maintain_physical will be able to do its work: EXHAUSTED when it needs the window and there is no
 * room for one. */
enum ns_pool_status ns_mapping_can_maintain(struct ns_dma *dma, uint64_t physical, uint64_t length);

#endif
