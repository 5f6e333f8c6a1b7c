/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coherent memory straight from the page allocator, without an IOMMU: kernel/dma/direct.c, in the order of Linux 5.10
 * and in that of recent kernels (read at about 6.17 and at 7.x). pool/coherent.h is the door that drivers use;
 * pool/direct_pages.h chooses the pages.
 *
 * struct ns_dma_direct is what the kernel keeps in its configuration and in globals: one for each simulated kernel. All
 * files of the coherent path share it, so it is not hidden; only `config.prepare` may be changed between calls.
 *
 * The steps of dma_direct_alloc in 5.10, as they are numbered in the code and in what it says:
 *
 *   0  round the size up to pages; DMA_ATTR_NO_WARN becomes __GFP_NOWARN
 *   1  DMA_ATTR_NO_KERNEL_MAPPING: pages only, the result is a cookie
 *   2  the architecture's own allocator, for a non-coherent device where nothing below can make memory uncached
 *   3  an atomic pool, when the caller may not block and the pages would need a remap or decryption
 *   4  pages: CMA, then the buddy allocator, zone by zone, until the device reaches them
 *   5  remap: flush the linear alias, map again with dma_pgprot, zero through the new mapping
 *   6  highmem without remap: refused
 *   7  lowmem: zero through the cacheable linear mapping
 *   8  set_uncached: flush, then the architecture's uncached alias
 *   9  the handle is the bus address of the pages
 *
 * In recent kernels 2 is asked of every non-coherent device and has three parts: 2a the architecture's allocator, where
 * there is one; 2b the global pool, where it is configured; 2c uncached alias or remap, and with neither a refusal. 6
 * is gone, highmem is always remapped. A failure to decrypt leaks the pages on purpose, where 5.10 frees them (and in
 * step 5 leaves them mapped).
 *
 * Left out: restricted DMA pools (swiotlb for allocation), NUMA nodes, memory encryption itself (only the calls that
 * change it, and what their failure costs), 32-bit dma_addr_t.
 */
#ifndef NS_POOL_DIRECT_H
#define NS_POOL_DIRECT_H

#include "pool/device.h"
#include "pool/gfp.h"
#include "pool/pgprot.h"
#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_atomic_pools;
struct ns_coherent_record;
struct ns_dma_area;

/* Whose order of decisions. */
enum ns_kernel {
    NS_KERNEL_5_10,
    NS_KERNEL_6_17, /* also stands for what lies between, where nothing else is said */
    NS_KERNEL_7,    /* 2026: as 6.17, with another choice of the atomic pool and of the required mask */
};

/* arch_dma_prep_coherent: what is done to the cacheable linear mapping before pages get an uncached one. */
enum ns_prepare_coherent {
    NS_PREPARE_FLUSH,      /* clean and invalidate to the point of coherency (arm64, RISC-V Zicbom) */
    NS_PREPARE_ZERO_FLUSH, /* memset through the cacheable mapping, then flush (T-Head 5.10 dma-mapping.c) */
    NS_PREPARE_NONE,       /* ARCH_HAS_DMA_PREP_COHERENT forgotten: dirty lines stay, to be evicted over DMA data */
};

/* dma_coherent_ok, and the ways in which allocators got it wrong. `a` is the bus address of the first byte. */
enum ns_address_test {
    NS_ADDRESS_LAST_BYTE,        /* a + size - 1 <= min_not_zero(mask, bus_dma_limit): Linux */
    NS_ADDRESS_FIRST_BYTE,       /* a <= limit: the end may stick out */
    NS_ADDRESS_PAST_END,         /* a + size <= limit: refuses the block that ends exactly at the limit */
    NS_ADDRESS_IGNORE_BUS_LIMIT, /* compares with the mask alone */
    NS_ADDRESS_PHYSICAL,         /* compares the physical address of the last byte */
};

enum ns_coherent_checks {
    NS_CHECKS_STRICT, /* a free that does not fit its allocation is told to the port, and nothing is freed */
    NS_CHECKS_KERNEL, /* it has the effect that it has in the kernel, which is silent */
};

/* The architecture's functions; any may be NULL. */
struct ns_dma_arch {
    void *context;
    /* arch_dma_alloc, arch_dma_free (ARCH_HAS_DMA_ALLOC in recent kernels). 0: no memory. */
    uint64_t (*alloc)(void *context, const struct ns_pool_device *device, uint64_t size, ns_gfp gfp,
                      unsigned attributes, uint64_t *bus);
    void (*free)(void *context, const struct ns_pool_device *device, uint64_t size, uint64_t virtual_address,
                 uint64_t bus, unsigned attributes);
    /* arch_dma_set_uncached: the uncached alias of a linear address; 0 is an error. NULL: the same address. */
    uint64_t (*set_uncached)(void *context, uint64_t virtual_address, uint64_t size);
    void (*clear_uncached)(void *context, uint64_t virtual_address, uint64_t size);
    /* set_memory_decrypted, set_memory_encrypted of linear addresses. NULL: nothing to do, succeeds. */
    bool (*decrypt)(void *context, uint64_t virtual_address, uint64_t size);
    bool (*encrypt)(void *context, uint64_t virtual_address, uint64_t size);
};

/* Kconfig, what the architecture provides, and ours. Take one from ns_dma_direct_preset and change what differs. */
struct ns_dma_direct_config {
    enum ns_kernel kernel;

    /* CONFIG_... of the same name */
    bool dma_ops;        /* devices may have dma_ops */
    bool dma_ops_bypass; /* and be allowed to bypass them */
    bool dma_direct_remap;
    bool dma_remap;          /* highmem pages can be remapped (v5.10: CONFIG_DMA_REMAP) */
    bool dma_coherent_pool;  /* atomic pools; ns_atomic_pools_create must have been called to have any */
    bool dma_global_pool;    /* recent kernels: non-coherent devices get memory from `global_pool` only */
    bool dma_cma;            /* without it nobody asks CMA */
    unsigned cma_alignment;  /* CONFIG_CMA_ALIGNMENT: no CMA block is aligned to more than this order; 0: 8, 1 MiB */
    uint64_t zone_dma_limit; /* highest address that ZONE_DMA stands for, inclusive; 0: the frames' DMA zone, and
                              * 2^24 - 1 where they have none */

    /* ARCH_HAS_... */
    bool arch_has_sync_dma; /* ARCH_HAS_SYNC_DMA_FOR_{DEVICE,CPU}: without it every device counts as coherent */
    bool arch_has_dma_set_uncached;
    bool arch_has_dma_alloc; /* v5.10: the architecture has a real arch_dma_alloc */
    bool arch_has_dma_write_combine;
    enum ns_prepare_coherent prepare;
    bool prepare_waits_for_arch; /* T-Head 5.10: its cache operations return at once until ns_dma_direct_arch_ready */
    enum ns_pgprot_arch pgprot;  /* what noncached, writecombine and dmacoherent give */
    struct ns_dma_arch arch;

    /* the machine */
    uint64_t ram_end;      /* first physical address above all RAM, max_pfn << 12; not 0 */
    uint64_t linear_limit; /* first physical address without a linear mapping (highmem); 0: all RAM has one */
    struct ns_cma *cma;    /* dma_contiguous_default_area; may be NULL; not owned */
    struct ns_device_pool *global_pool; /* dma_coherent_default_memory; may be NULL; not owned */

    /* teaching */
    enum ns_coherent_checks checks;
    enum ns_address_test address_test;
    /* Not in Linux: memory must lie within one entry of dma-ranges with both of its ends, and when the zones' choice
     * fails for that, each entry is tried by itself. Where Linux gives up, or hands out what has a hole in it. */
    bool search_ranges;
};

struct ns_dma_direct {
    const struct ns_port *port;
    struct ns_frames *frames;
    struct ns_dma_direct_config config;
    bool zone_dma;                        /* CONFIG_ZONE_DMA: the frames have a limit for it */
    bool zone_dma32;                      /* CONFIG_ZONE_DMA32 */
    struct ns_atomic_pools *atomic_pools; /* set by ns_atomic_pools_create; NULL: none */
    struct ns_dma_area *areas;            /* what is mapped a second time, newest first (the kernel's vm_struct list) */
    struct ns_coherent_record *records;   /* live allocations; only kept with NS_CHECKS_STRICT */
    uint64_t live;                        /* allocations of ns_dma_alloc_attrs that were not freed, in either mode */
    bool arch_ready;                      /* ns_dma_direct_arch_ready was called */
    bool warned_zero_mask;                /* WARN_ON_ONCE was said */
    bool warned_unsupported;              /* likewise */
    bool warned_no_pool;                  /* likewise */
};

/* ---- configurations -------------------------------------------------------------------------- */

enum ns_dma_preset {
    NS_DMA_PRESET_RISCV_6_18, /* Zicbom, Svpbmt, 6.17's order, pgprot_dmacoherent = write-combine: the default */
    NS_DMA_PRESET_RISCV_6_17, /* the same before 6.18: coherent memory is IO */
    NS_DMA_PRESET_RISCV_7,
    NS_DMA_PRESET_THEAD_5_10, /* the vendor kernel of the C910 and C920 */
    NS_DMA_PRESET_ARM64_5_10,
    NS_DMA_PRESET_ARM64_6_17,
    NS_DMA_PRESET_MIPS_5_10, /* uncached segment instead of a remap, write-combine attribute */
    NS_DMA_PRESET_X86_5_10,  /* everything coherent, ISA zone */
    NS_DMA_PRESET_COUNT
};

/* "riscv-6.18" and so on; NULL for a value that is no preset. */
const char *ns_dma_preset_name(enum ns_dma_preset preset);
/* ram_end, cma and global_pool are left 0. A value that is no preset gives the first. */
struct ns_dma_direct_config ns_dma_direct_preset(enum ns_dma_preset preset);
/* The zones that this kernel has, for ns_frames_create. */
struct ns_zone_limits ns_dma_preset_zones(enum ns_dma_preset preset);

/* ---- life ------------------------------------------------------------------------------------ */

/* Copies the config. ARGUMENT: ram_end 0, or an enum value that does not exist. METADATA. The port, the frames and what
 * the config points to must outlive it. */
enum ns_pool_status ns_dma_direct_create(const struct ns_port *port, struct ns_frames *frames,
                                         const struct ns_dma_direct_config *config, struct ns_dma_direct **direct);

/* The atomic pools must have been destroyed: BUSY and misuse DESTROY_BUSY while there are some, or while allocations
 * are live; nothing is freed then. NULL is OK. */
enum ns_pool_status ns_dma_direct_destroy(struct ns_dma_direct *direct);

/* The architecture's initcall has run (level 3): from now on prepare_waits_for_arch does not matter. The atomic pools
 * are filled at level 2. T-Head 5.10 arch/riscv/mm/dma-mapping.c. */
void ns_dma_direct_arch_ready(struct ns_dma_direct *direct);

/* ---- questions ------------------------------------------------------------------------------- */

/* dev_is_dma_coherent (include/linux/dma-map-ops.h): constant true where the architecture has no cache maintenance. */
bool ns_dev_is_dma_coherent(const struct ns_dma_direct *direct, const struct ns_pool_device *device);

/* arch_dma_prep_coherent on lowmem pages; nothing for highmem, which has no linear mapping to clean. */
void ns_arch_dma_prep_coherent(struct ns_dma_direct *direct, uint64_t physical, uint64_t length);

/* Whether the page has no linear mapping (PageHighMem). */
bool ns_dma_highmem(const struct ns_dma_direct *direct, uint64_t physical);

/* ---- allocation ------------------------------------------------------------------------------ */

/*
 * dma_direct_alloc: the table above for 5.10, or the recent order. `size` 1 or more, rounded up to pages. `gfp` without
 * zone flags (ns_dma_alloc_attrs has cleared them). Blocks unless gfp lacks __GFP_DIRECT_RECLAIM; what then cannot
 * be had without blocking comes from an atomic pool, where there are some.
 * Errors, with *virtual_address 0 and *bus NS_DMA_MAPPING_ERROR: ARGUMENT (size 0, or one that no machine has);
 * EXHAUSTED (no memory, no room for the remap, refused as highmem or as not supported); NOT_ADDRESSABLE (there is
 * memory, and the device reaches none that was tried); METADATA. With NO_KERNEL_MAPPING *virtual_address is the cookie:
 * the physical address of the pages plus 1, so that it is never 0 and no access through it can pass for a good one.
 */
enum ns_pool_status ns_dma_direct_alloc(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                        uint64_t size, ns_gfp gfp, unsigned attributes, uint64_t *virtual_address,
                                        uint64_t *bus);

/* dma_direct_free, with no check whether the arguments belong together: the mapping is found from the virtual address,
 * the pages from the handle. MISUSE when there is nothing there that could be freed. */
enum ns_pool_status ns_dma_direct_free(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                       uint64_t virtual_address, uint64_t bus, unsigned attributes);

#ifdef __cplusplus
}
#endif
#endif
