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
#include "pool/zone.h"

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
    NS_PLATFORM_TEXTBOOK,        /* the least that is right on any non-coherent machine */
    NS_PLATFORM_RISCV_6_0,       /* Zicbom, Linux 6.0 to 6.5: flush instead of invalidate after from-device */
    NS_PLATFORM_RISCV_6_6,       /* Zicbom, Linux 6.6 on */
    NS_PLATFORM_ARM64_5_10,      /* arch/arm64/mm/cache.S, Linux 5.10: invalidate at map from-device */
    NS_PLATFORM_ARM64_5_19,      /* since commit c50f11c6196f: clean at map from-device */
    NS_PLATFORM_THEAD_5_10,      /* T-Head vendor kernel, arch/riscv/mm/dma-mapping.c */
    NS_PLATFORM_THEAD_6_0,       /* mainline on T-Head, 6.0 to 6.5: clean is dcache.cval1 by mistake (8eb8fe67e2c8) */
    NS_PLATFORM_ARM_V7_5_10,     /* arch/arm/mm/dma-mapping.c, Linux 5.10: an outer cache (PL310) with its own calls */
    NS_PLATFORM_ARM_V7_REVERSED, /* the same with inner and outer cache in the wrong order, on both ways */
};
enum { NS_PLATFORM_COUNT = 9 };

/* An outer cache that the instructions of the CPU do not reach. Every operation is then done twice, with a barrier
 * after each: on the L1 (NS_PORT_SCOPE_L1) and on the outer cache (NS_PORT_SCOPE_OUTER). Data that leaves must pass
 * inner to outer; for data that comes, the outer cache must be empty before the inner one, which refills from it. */
enum ns_dma_outer_cache {
    NS_DMA_OUTER_NONE,     /* one operation reaches the point of coherency */
    NS_DMA_OUTER_RIGHT,    /* for the device: inner, outer; for the CPU: outer, inner (Linux arch/arm) */
    NS_DMA_OUTER_REVERSED, /* for the device: outer, inner; for the CPU: inner, outer */
};

/* arch_dma_prep_coherent: what is done through the cacheable mapping before pages are used non-cacheable. */
enum ns_dma_prepare { NS_DMA_PREPARE_FLUSH, NS_DMA_PREPARE_ZERO_AND_FLUSH };

/* Indexed by enum ns_dma_direction. */
struct ns_dma_platform_operations {
    const char *name;                                         /* "riscv-6.0" */
    enum ns_dma_operation for_device[NS_DMA_DIRECTION_COUNT]; /* map and sync-for-device */
    enum ns_dma_operation for_cpu[NS_DMA_DIRECTION_COUNT];    /* unmap and sync-for-cpu */
    enum ns_port_scope clean_scope; /* how far clean reaches; all else: point of coherency. Not with an outer cache */
    enum ns_dma_outer_cache outer;  /* also for prepare_coherent, which goes the way to the device */
    enum ns_dma_prepare prepare_coherent;
};

/* NULL for a value that is no platform. */
const struct ns_dma_platform_operations *ns_dma_get_platform_operations(enum ns_dma_platform platform);

/* The `swiotlb=` of the kernel's command line. */
enum ns_dma_bounce {
    NS_DMA_BOUNCE_WHEN_NEEDED,
    NS_DMA_BOUNCE_FORCE, /* every mapping of memory goes through the bounce buffer */
    NS_DMA_BOUNCE_NEVER, /* "noforce": what the device does not reach is refused */
};

struct ns_swiotlb;

/* How this kernel is built, and booted. All zero after mapping_capacity: 64-bit addresses, no bounce buffer. */
struct ns_dma_config {
    enum ns_dma_platform platform;
    uint32_t line_size;      /* bytes, a power of two: edges and the overlap rule */
    size_t mapping_capacity; /* live mappings at one time, 1 or more; each entry of a scatterlist is one */

    struct ns_swiotlb *swiotlb; /* pool/swiotlb.h; NULL: the buffer could not be reserved at boot. Must outlive this */
    enum ns_dma_bounce bounce;
    /* A bounce without a buffer: true, the kernel panics (Linux 5.10 swiotlb_tbl_map_single; here NS_SAY_BUG and
     * NOT_ADDRESSABLE); false, it warns (5.15 on). */
    bool panics_without_buffer;
    /* CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC (Linux 6.5 dma_kmalloc_needs_bounce): a mapping not to-device, for a device
     * that is not coherent, whose length is one that kmalloc would serve from a cache with objects that share lines,
     * is bounced; line_size stands for ARCH_DMA_MINALIGN. */
    bool bounce_unaligned_kmalloc;
    /* Maintenance does nothing until ns_dma_arch_ready(): T-Head 5.10 checks the vendor in an arch_initcall, and atomic
     * pools are filled at postcore_initcall, before it. */
    bool waits_for_arch_ready;
    /* Of dma_addr_t: 32 or 64 (0: 64). With 32 a bus address loses its upper half; dma_capable then only refuses RAM
     * that seems to lie below the first RAM (Linux 5.10 include/linux/dma-direct.h), which misses a wrap to an address
     * above it, and every wrap of dma_map_resource. */
    unsigned dma_addr_bits;
    bool dma_addr_exact; /* the repair: what does not fit into dma_addr_bits is refused */
    /* What is RAM, for map_page, map_resource, and the first RAM above. Owned by the caller, must outlive this. Count
     * 0: what the linear mapping has is RAM, and the first lies at 0. */
    const struct ns_frame_region *ram;
    size_t ram_count;
};

/* By which family of functions a mapping was made, and must be ended. map_single and map_page are one, as in Linux. */
enum ns_dma_mapping_kind { NS_DMA_MAPPING_SINGLE, NS_DMA_MAPPING_SG, NS_DMA_MAPPING_RESOURCE };

/* The virtual address of a mapping that has none. */
#define NS_DMA_NO_VIRTUAL UINT64_MAX

struct ns_dma_mapping {
    const struct ns_pool_device *device; /* NULL: no such mapping */
    uint64_t virtual_address;            /* as given to map; NS_DMA_NO_VIRTUAL for pages and resources */
    uint64_t physical;                   /* of the caller's memory, also of a bounced mapping */
    uint64_t bus;                        /* of the bounce slot, when bounced */
    uint64_t length;                     /* bytes */
    enum ns_dma_direction direction;
    unsigned attributes;
    enum ns_dma_mapping_kind kind;
    uint64_t slot;      /* physical address of the bounce slot; NS_DMA_MAPPING_ERROR when not bounced */
    size_t sg_count;    /* entries given to the ns_dma_map_sg that made this; 0 for other kinds */
    size_t sg_index;    /* this one's number among them */
    bool error_checked; /* ns_dma_mapping_error() was asked about it; always true for entries of a scatterlist */
    uint64_t sequence;  /* counts all maps of this ns_dma, from 1 */
};

/* One piece of memory of a scatterlist (struct scatterlist; here an array, without chains). */
struct ns_scatterlist {
    bool by_page;             /* which of the two follows */
    uint64_t virtual_address; /* as for ns_dma_map */
    uint64_t page;            /* as for ns_dma_map_page */
    uint64_t offset;
    uint64_t length;     /* bytes, 1 or more */
    uint64_t bus;        /* out: sg_dma_address(), NS_DMA_MAPPING_ERROR when not mapped */
    uint64_t dma_length; /* out: sg_dma_len(), 0 when not mapped. Direct mappings never merge entries */
};

struct ns_dma;

/*
 * No function from here on blocks; all may be called where GFP_ATOMIC is needed. A direction that does not exist
 * (DMA_NONE) is BUG_ON in the kernel: NS_SAY_BUG and ARGUMENT. A map for a device without a DMA mask (dma_mask 0:
 * dev->dma_mask is NULL) is a WARN and NOT_ADDRESSABLE.
 */

/* The table's memory is taken here; no other call needs any. The port must outlive it. ARGUMENT for a configuration
 * outside of its ranges. */
enum ns_pool_status ns_dma_create(const struct ns_port *port, const struct ns_dma_config *config, struct ns_dma **dma);

/* BUSY and misuse DESTROY_BUSY while mappings are live; nothing is freed then. NULL is OK. */
enum ns_pool_status ns_dma_destroy(struct ns_dma *dma);

/* The arch_initcall that waits_for_arch_ready waits for; otherwise of no effect. */
void ns_dma_arch_ready(struct ns_dma *dma);

/*
 * dma_map_single. Hands `length` bytes (1 or more, physically contiguous) at `virtual_address` to the device, which
 * must stay valid until the unmap. On any error *bus is NS_DMA_MAPPING_ERROR and no maintenance has been done: ARGUMENT
 * (also: not mapped memory), NOT_ADDRESSABLE, METADATA (the table is full), EXHAUSTED (no bounce slot).
 * Order of work (Linux 5.10 kernel/dma/direct.h dma_direct_map_page): bounce when forced, or the device is untrusted;
 * bounce when not dma_capable, or for a small kmalloc; else the operation for the device, on the caller's memory. A
 * bounce is: slot, copy into it, then the operation on the slot. NS_DMA_SKIP_CPU_SYNC leaves out the operation (and
 * what the bounce buffer says about its copy).
 * A cache line shared with another live mapping is told as MAP_OVERLAP, once, unless both are to-device or both devices
 * are declared coherent (for a bounced one: a shared byte); the mapping is made all the same, and the status is OK.
 */
enum ns_pool_status ns_dma_map(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t virtual_address,
                               uint64_t length, enum ns_dma_direction direction, unsigned attributes, uint64_t *bus);

/* dma_map_page: the same for memory at `offset` in the page with physical address `page` (a multiple of 4096; `offset`
 * may lie in a later page). Pages need no linear mapping; their maintenance goes through a temporary one, page by page
 * (as kmap_atomic in Linux 5.10 arch/arm dma_cache_maint_page; one page of kernel addresses is kept for it, EXHAUSTED
 * when there is none). What is not RAM has no struct page: ARGUMENT. */
enum ns_pool_status ns_dma_map_page(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t page,
                                    uint64_t offset, uint64_t length, enum ns_dma_direction direction,
                                    unsigned attributes, uint64_t *bus);

/*
 * dma_unmap_single, dma_unmap_page: takes it back, arguments as for map. Order of work: the operation for the CPU, on
 * the slot where there is one; the copy back; the slot is free. MISUSE, after the work on the arguments as given:
 * UNMAP_UNKNOWN (no live mapping begins at `bus`, which NS_DMA_MAPPING_ERROR never does), FREE_FUNCTION (it is of
 * another kind), UNMAP_DEVICE, UNMAP_SIZE, UNMAP_DIRECTION (each that applies). Except for UNMAP_UNKNOWN, the mapping
 * is over. The slot of a bounced mapping is found by its bus address, and released with the size of the map.
 */
enum ns_pool_status ns_dma_unmap(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus, uint64_t length,
                                 enum ns_dma_direction direction, unsigned attributes);

/*
 * Hand all or a part of a live mapping back and forth. For the CPU: the operation, then the copy out of a bounce slot.
 * For the device: the copy into the slot, then the operation (Linux 5.10 dma_direct_sync_single_for_cpu, _for_device).
 * MISUSE, after the work: UNMAP_UNKNOWN (no live mapping holds `bus`), FREE_FUNCTION (a resource has nothing to sync),
 * UNMAP_DEVICE, SYNC_RANGE, UNMAP_DIRECTION (not for a mapping that is bidirectional; as kernel/dma/debug.c).
 */
enum ns_pool_status ns_dma_sync_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                        uint64_t length, enum ns_dma_direction direction);
enum ns_pool_status ns_dma_sync_for_device(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                           uint64_t length, enum ns_dma_direction direction);

/* dma_sync_single_range_for_*: `length` bytes from `offset` in the mapping that holds `bus`. The same work; a range
 * that leaves the mapping is SYNC_RANGE wherever it ends. ARGUMENT when bus + offset wraps. */
enum ns_pool_status ns_dma_sync_range_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                              uint64_t offset, uint64_t length, enum ns_dma_direction direction);
enum ns_pool_status ns_dma_sync_range_for_device(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                                 uint64_t offset, uint64_t length, enum ns_dma_direction direction);

/*
 * dma_map_sg: maps `count` (1 or more) entries one after the other, and writes bus and dma_length of each. *mapped is
 * `count`, or 0 on any error. An entry that fails ends it: the earlier ones are unmapped with NS_DMA_SKIP_CPU_SYNC,
 * every bus and dma_length is reset, and the status says why, as the negative codes inside of later kernels do
 * (ARGUMENT -EINVAL, METADATA and EXHAUSTED -ENOMEM, NOT_ADDRESSABLE -EIO); the caller of dma_map_sg sees the 0.
 * (Linux 5.10 dma_direct_map_sg.) The list is the caller's, and must stay as it is until the unmap.
 */
enum ns_pool_status ns_dma_map_sg(struct ns_dma *dma, const struct ns_pool_device *device, struct ns_scatterlist *list,
                                  size_t count, enum ns_dma_direction direction, unsigned attributes, size_t *mapped);

/* dma_unmap_sg: `count` is that of the map, not what it returned. Each entry given is unmapped at its bus address, with
 * its dma_length; misuse as for ns_dma_unmap, told for each entry. Another count than the map's is told once as
 * UNMAP_SIZE, with the bus address of the first entry; entries left out stay live. */
enum ns_pool_status ns_dma_unmap_sg(struct ns_dma *dma, const struct ns_pool_device *device,
                                    const struct ns_scatterlist *list, size_t count, enum ns_dma_direction direction,
                                    unsigned attributes);

/* dma_sync_sg_for_*: each entry in turn, whole. Another count than the map's is told once as SYNC_RANGE, with the bus
 * address of the first entry. */
enum ns_pool_status ns_dma_sync_sg_for_cpu(struct ns_dma *dma, const struct ns_pool_device *device,
                                           const struct ns_scatterlist *list, size_t count,
                                           enum ns_dma_direction direction);
enum ns_pool_status ns_dma_sync_sg_for_device(struct ns_dma *dma, const struct ns_pool_device *device,
                                              const struct ns_scatterlist *list, size_t count,
                                              enum ns_dma_direction direction);

/* dma_map_resource: device registers, for a DMA engine that writes to another device. No cache operation, no bounce,
 * and no translation: the bus address is the physical one (Linux 5.10 kernel/dma/direct.c dma_direct_map_resource).
 * RAM at the first byte: WARN and ARGUMENT (WARN_ON_ONCE(pfn_valid()) looks at the first page only, too).
 * NOT_ADDRESSABLE and METADATA as for map. */
enum ns_pool_status ns_dma_map_resource(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t physical,
                                        uint64_t length, enum ns_dma_direction direction, unsigned attributes,
                                        uint64_t *bus);
/* dma_unmap_resource. Does no work; misuse as for ns_dma_unmap. */
enum ns_pool_status ns_dma_unmap_resource(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus,
                                          uint64_t length, enum ns_dma_direction direction, unsigned attributes);

/* dma_mapping_error: whether `bus` is what a failed map gave. The oldest live mapping of this device that begins at
 * `bus` and was not asked about yet counts as checked from here on (kernel/dma/debug.c debug_dma_mapping_error). */
bool ns_dma_mapping_error(struct ns_dma *dma, const struct ns_pool_device *device, uint64_t bus);

/* arch_dma_prep_coherent of this platform, on `length` bytes (1 or more) of RAM at `virtual_address`, a cacheable
 * mapping: no dirty line of it survives. Before ns_dma_arch_ready() a platform that waits for it only zeroes, and
 * leaves the zeros dirty in the cache. */
enum ns_pool_status ns_dma_prepare_coherent(struct ns_dma *dma, uint64_t virtual_address, uint64_t length);

/* The oldest live mapping of memory that has a byte in [virtual_address, virtual_address + length), by physical
 * address, so any alias finds it; .device is NULL when there is none. */
struct ns_dma_mapping ns_dma_find(const struct ns_dma *dma, uint64_t virtual_address, uint64_t length);

/* The mapping that an unmap of `bus` would end if all else agreed, the oldest of several; .device is NULL when there is
 * none. */
struct ns_dma_mapping ns_dma_find_bus(const struct ns_dma *dma, uint64_t bus);

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
