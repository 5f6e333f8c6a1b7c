/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streaming mappings: hand ordinary cacheable memory to a device and take it back. Which cache operation that needs
 * depends on the platform's code, and differs enough between published kernels to be a source of bugs; each is a row of
 * the table that ns_dma_get_platform_operations gives.
 *
 * A call that does maintenance ends with the port's barrier: arm64 ends its loops with dsb, T-Head with sync.s; on
 * Zicbom Linux leaves that to the fence in the following writel, which a driver cannot go without either. A call that
 * does none (coherent device, skip_cpu_sync, an operation "none") has no barrier: nor has Linux.
 *
 * Unlike the kernel without CONFIG_DMA_API_DEBUG, live mappings are kept in a table, and calls that do not fit it are
 * told to the port. They then go on with the arguments given, as the kernel would, so that the effect can be seen.
 */
#ifndef NS_POOL_MAPPING_H
#define NS_POOL_MAPPING_H

#include "pool/device.h"
#include "pool/dma_attributes.h"
#include "pool/port.h"
#include "pool/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers as in Linux include/linux/dma-direction.h. */
enum ns_dma_direction { NS_DMA_BIDIRECTIONAL = 0, NS_DMA_TO_DEVICE = 1, NS_DMA_FROM_DEVICE = 2 };
enum { NS_DMA_DIRECTION_COUNT = 3 };

enum ns_dma_operation {
    NS_DMA_OPERATION_NONE,
    NS_DMA_OPERATION_CLEAN,
    NS_DMA_OPERATION_INVALIDATE,
    NS_DMA_OPERATION_FLUSH,
    NS_DMA_OPERATION_EDGE_FLUSH, /* flush of the partly covered lines at either end, invalidate of the lines between */
};

enum ns_dma_platform {
    NS_PLATFORM_TEXTBOOK,   /* the least that is right on any non-coherent machine */
    NS_PLATFORM_RISCV_6_0,  /* Zicbom, Linux 6.0 to 6.5: flush instead of invalidate after from-device */
    NS_PLATFORM_RISCV_6_6,  /* Zicbom, Linux 6.6 on */
    NS_PLATFORM_ARM64_5_10, /* arch/arm64/mm/cache.S, Linux 5.10: invalidate at map from-device */
    NS_PLATFORM_ARM64_5_19, /* since commit c50f11c6196f: clean at map from-device */
    NS_PLATFORM_THEAD_5_10, /* T-Head vendor kernel, arch/riscv/mm/dma-mapping.c */
    NS_PLATFORM_THEAD_6_0,  /* mainline on T-Head, 6.0 to 6.5: clean is dcache.cval1 by mistake (8eb8fe67e2c8) */
};
enum { NS_PLATFORM_COUNT = 7 };

/* Indexed by enum ns_dma_direction. */
struct ns_dma_platform_operations {
    const char *name;                                         /* "riscv-6.0" */
    enum ns_dma_operation for_device[NS_DMA_DIRECTION_COUNT]; /* map and sync-for-device */
    enum ns_dma_operation for_cpu[NS_DMA_DIRECTION_COUNT];    /* unmap and sync-for-cpu */
    enum ns_port_scope clean_scope;                           /* how far clean reaches; all else: point of coherency */
};

/* NULL for a value that is no platform. */
const struct ns_dma_platform_operations *ns_dma_get_platform_operations(enum ns_dma_platform platform);

struct ns_dma_config {
    enum ns_dma_platform platform;
    uint32_t line_size;      /* bytes, a power of two: edges and the overlap rule */
    size_t mapping_capacity; /* live mappings at one time, 1 or more */
};

struct ns_dma_mapping {
    const struct ns_pool_device *device; /* NULL: no such mapping */
    uint64_t virtual_address;            /* as given to map */
    uint64_t physical;
    uint64_t bus;
    uint64_t length; /* bytes */
    enum ns_dma_direction direction;
    unsigned attributes;
};

struct ns_dma;

/* The table's memory is taken here; no other call needs any. The port must outlive it. */
enum ns_pool_status ns_dma_create(const struct ns_port *port, const struct ns_dma_config *config, struct ns_dma **dma);

/* BUSY and misuse DESTROY_BUSY while mappings are live; nothing is freed then. NULL is OK. */
enum ns_pool_status ns_dma_destroy(struct ns_dma *dma);

/*
 * Hands `length` bytes (1 or more, physically contiguous) at `virtual_address` to the device, which must stay valid
 * until the unmap. On any error *bus is NS_DMA_MAPPING_ERROR and no maintenance has been done: ARGUMENT (also: not
 * mapped memory), NOT_ADDRESSABLE, METADATA (the table is full).
 * A cache line shared with another live mapping is told as MAP_OVERLAP, once, unless both are to-device or both devices
 * are declared coherent; the mapping is made all the same, and the status is OK.
 */
enum ns_pool_status ns_dma_map(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t virtual_address,
                               uint64_t length, enum ns_dma_direction direction, unsigned attributes, uint64_t *bus);

/*
 * Takes it back: arguments as for map. MISUSE, after the maintenance on the arguments as given: UNMAP_UNKNOWN (no live
 * mapping begins at `bus`), UNMAP_DEVICE, UNMAP_SIZE, UNMAP_DIRECTION (each that applies). Except for UNMAP_UNKNOWN,
 * the mapping is over.
 */
enum ns_pool_status ns_dma_unmap(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus, uint64_t length,
                                 enum ns_dma_direction direction, unsigned attributes);

/*
 * Hand all or a part of a live mapping back and forth. MISUSE, after the maintenance: UNMAP_UNKNOWN (no live mapping
 * holds `bus`), UNMAP_DEVICE, SYNC_RANGE, UNMAP_DIRECTION (not for a mapping that is bidirectional; as
 * kernel/dma/debug.c).
 */
enum ns_pool_status ns_dma_sync_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                        uint64_t length, enum ns_dma_direction direction);
enum ns_pool_status ns_dma_sync_for_device(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                           uint64_t length, enum ns_dma_direction direction);

/* The oldest live mapping that has a byte in [virtual_address, virtual_address + length), by physical address, so any
 * alias finds it; .device is NULL when there is none. */
struct ns_dma_mapping ns_dma_find(const struct ns_dma *dma, uint64_t virtual_address, uint64_t length);

/* To be called before memory goes back to its allocator: MISUSE with FREE_MAPPED when a live mapping has a byte in it.
 */
enum ns_pool_status ns_dma_check_free(const struct ns_dma *dma, uint64_t virtual_address, uint64_t length);

size_t ns_dma_live_count(const struct ns_dma *dma);

/* The live mappings in the order of their maps, for reports; `index` < ns_dma_live_count(). */
struct ns_dma_mapping ns_dma_live_mapping(const struct ns_dma *dma, size_t index);

#ifdef __cplusplus
}
#endif
#endif
