/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine is: everything that a `machine` block can say, as plain data. Times are picoseconds unless a
 * name says cycles; sizes are bytes.
 */
#ifndef NS_MODEL_CONFIG_H
#define NS_MODEL_CONFIG_H

#include "bus/dram.h"
#include "cache/cache.h"
#include "model/kernel_config.h"
#include "model/mpu.h"
#include "model/paging.h"
#include "model/prefetcher.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_CONFIG_NAME_BYTES      48
#define NS_CONFIG_MAX_RAMS        8
#define NS_CONFIG_MAX_PMAS        8
#define NS_CONFIG_MAX_QUEUE       64u /* store-buffer entries, posted writes */
#define NS_CONFIG_MIN_FIRST_RAM   (UINT64_C(256) << 10)
#define NS_CONFIG_MAX_CACHE_BYTES (UINT64_C(128) << 20) /* all caches together */
#define NS_CONFIG_MAX_WINDOWS     8
#define NS_CONFIG_MAX_LINES       16u        /* fills, or write-backs, under way at once */
#define NS_CONFIG_MAX_MSHRS       32u        /* of a level */
#define NS_CONFIG_MAX_STREAMING   1024u      /* lines behind which stores stream */
#define NS_CONFIG_AS_PRESENT      UINT32_MAX /* maintenance of an absent line has no cost of its own */

/* What the kernel's map, unmap and sync do (docs/manual.md, "DMA operations"). Same order as enum ns_dma_platform of
 * the pool. */
enum ns_dma_operations {
    NS_DMA_OPS_TEXTBOOK,
    NS_DMA_OPS_RISCV_6_0,       /* Linux RISC-V Zicbom 6.0 to 6.5 */
    NS_DMA_OPS_RISCV_6_6,       /* Linux RISC-V Zicbom 6.6 on */
    NS_DMA_OPS_ARM64_5_10,      /* Linux arm64 5.10 */
    NS_DMA_OPS_ARM64_5_19,      /* Linux arm64 5.19 on */
    NS_DMA_OPS_THEAD_5_10,      /* T-Head's 5.10 */
    NS_DMA_OPS_THEAD_6_0,       /* Linux 6.0 to 6.5 on T-Head: clean reaches the L1 only (dcache.cval1) */
    NS_DMA_OPS_ARM_V7_5_10,     /* Linux arm 5.10 on ARMv7: an outer cache with operations of its own */
    NS_DMA_OPS_ARM_V7_REVERSED, /* the same with inner and outer cache in the wrong order */
};

/* When entries of the store buffer (and of a posted-write queue) leave by themselves. Fences and full buffers always
 * drain. */
enum ns_drain { NS_DRAIN_LAZY, NS_DRAIN_EAGER, NS_DRAIN_AFTER };

/* What the hardware may do by itself; `--chaos` and verification draw from this list. Bits. */
enum ns_may {
    NS_MAY_SPECULATIVE_FILL = 1u << 0, /* fill any line that a hart has a live cacheable mapping for */
    NS_MAY_EVICT = 1u << 1,            /* evict any line */
    NS_MAY_DRAIN = 1u << 2,            /* drain any store-buffer or posted entry */
    NS_MAY_LATE_MAINTENANCE = 1u << 3, /* maintenance completes as late as the next fence */
    NS_MAY_INVALIDATE_AS_FLUSH = 1u << 4,
    NS_MAY_IRQ_BEFORE_DATA = 1u << 5,   /* an interrupt overtakes posted data */
    NS_MAY_SPECULATIVE_STORE = 1u << 6, /* a squashed store leaves a dirty line (R10000) */
};

struct ns_ram {
    char name[NS_CONFIG_NAME_BYTES];
    uint64_t start, length;
};

/* A window that DMA masters see: bus addresses [bus, bus + length) reach physical [physical, physical + length).
 * Without any window every bus address is the physical address. Device tree: one entry of dma-ranges. */
struct ns_dma_window {
    uint64_t bus, physical, length;
    char device[NS_CONFIG_NAME_BYTES]; /* only for this device; empty: for all */
};

struct ns_machine_config {
    char name[NS_CONFIG_NAME_BYTES];
    struct ns_cache_config cache;                   /* harts, levels, policies; provenance is set by the machine */
    bool no_provenance;                             /* bytes have no versions, and nothing is ever found stale or lost:
                                                       for runs that only ask for time and counts */
    char level_name[NS_CACHE_MAX_LEVELS][16];       /* "L1D", "L2", "L3" */
    uint32_t level_hit_cycles[NS_CACHE_MAX_LEVELS]; /* added per level reached */
    uint32_t level_mshrs[NS_CACHE_MAX_LEVELS];      /* lines under way that missed the level; 0: nothing is said */
    uint32_t level_every_cycles[NS_CACHE_MAX_LEVELS]; /* from one request to the next; 0: nothing is said */
    uint32_t write_streaming; /* whole lines of a run of stores behind which the hart's L1 has no line read any more
                                 (cache/tlm_cache.h), 0 to NS_CONFIG_MAX_STREAMING; 0: all are read. Above 0 the lines
                                 of all levels have one size. Decides time alone */
    uint32_t passing_stores;  /* lines that stores missed and whose hart goes on, 0 to NS_CONFIG_MAX_MSHRS */
    uint32_t maintenance_line_cycles;   /* per line visited that some cache in reach of the operation holds */
    uint32_t maintenance_absent_cycles; /* per line visited that none of them holds, and of an operation that visits no
                                           line; NS_CONFIG_AS_PRESENT: as for a line that is there */
    bool loads_pass; /* a hart goes on behind loads that miss, up to outstanding_loads of them if those are more than 1
                      */
    uint64_t hart_clock_ps; /* one cycle */

    enum ns_attribute_scheme attributes;
    enum ns_pte_encoding pte_encoding; /* what software writes */
    unsigned tlb_entries;        /* of the TLB, or of the first of two levels (then at most NS_TLB_MAX_FIRST_ENTRIES) */
    unsigned second_tlb_entries; /* 0: there is one level. Not fewer than the first has */
    uint32_t second_tlb_cycles;  /* added to what the first level does not hold, a walk too */
    bool small_pages;            /* RAM is mapped by pages of 4 KiB; otherwise by larger ones where possible */
    size_t pma_count;
    struct ns_pma_region pma[NS_CONFIG_MAX_PMAS]; /* over or beside RAM, which is cacheable without one */

    /* NS_ATTRIBUTES_MPU: no page tables, no TLB; every address is physical. */
    size_t mpu_count;
    struct ns_pma_region mpu[NS_MPU_MOST_REGIONS]; /* region 0 first; ns_mpu_is_region() holds for each */
    bool mpu_no_background;                        /* MPU_CTRL.PRIVDEFENA = 0: what no region covers faults */

    uint32_t store_buffer_entries; /* 0 to 64; 0: none */
    enum ns_drain store_buffer_drain;
    uint64_t store_buffer_drain_ps; /* NS_DRAIN_AFTER */

    uint32_t posted_entries; /* DMA writes held in front of memory, 0 to 64; 0: none */
    enum ns_drain posted_drain;
    uint64_t posted_drain_ps;

    bool prefetch_next_line;        /* the prefetcher fills the next line after an L1 load miss */
    struct ns_stride_config stride; /* a stride prefetcher; streams = 0: none */
    uint32_t may;                   /* enum ns_may */

    enum ns_dma_operations dma_operations;
    size_t ram_count;
    struct ns_ram ram[NS_CONFIG_MAX_RAMS];
    size_t window_count;
    struct ns_dma_window window[NS_CONFIG_MAX_WINDOWS];
    uint64_t zone_dma_limit; /* first physical address above ZONE_DMA; 16 MiB default */
    struct ns_kernel_config kernel;

    uint32_t bus_width;         /* bytes per beat, 1 to 64, a power of two */
    uint64_t bus_clock_ps;      /* per beat */
    uint64_t bus_latency_ps;    /* request to grant, and back */
    uint64_t memory_latency_ps; /* first beat; without a DRAM */
    struct ns_dram_config dram; /* grade NULL: none, memory has the fixed latency above */
    uint32_t outstanding_loads; /* line fills under way at once for the loads and stores of one access, and prefetches,
                                   1 to NS_CONFIG_MAX_LINES; 1: each is waited for */
    uint32_t write_back_buffer; /* lines written back that nobody waits for, 0 to NS_CONFIG_MAX_LINES */
    uint64_t snoop_latency_ps;
    uint64_t interrupt_latency_ps;
    uint64_t register_latency_ps; /* a device register access */
    uint32_t dma_burst;           /* bytes, power of two */
    uint32_t dma_outstanding;     /* bursts in flight per master */
};

/* Defaults for everything: one hart, one 32 KiB L1D, 256 MiB of RAM at 0x8000_0000, Svpbmt, textbook DMA operations. */
void ns_machine_config_default(struct ns_machine_config *config);

/* NS_OK, or NS_ERROR_ARGUMENT and one sentence. */
enum ns_status ns_machine_config_check(const struct ns_machine_config *config, char *reason, size_t reason_size);

/* The part of RAM that the machine keeps for its page tables: nothing else should be placed there. Empty on a machine
 * without page tables. */
void ns_machine_reserved(const struct ns_machine_config *config, uint64_t *first, uint64_t *length);

#ifdef __cplusplus
}
#endif
#endif
