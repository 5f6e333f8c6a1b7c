/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernel runs on the machine: the build options and the command line that decide how DMA memory is allocated and
 * mapped. They belong to the platform, so that the same driver can be tried on another one. Plain data; the runner
 * turns it into the configurations of pool/.
 */
#ifndef NS_MODEL_KERNEL_CONFIG_H
#define NS_MODEL_KERNEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NS_CONFIG_KERNEL_NAME_BYTES 48
#define NS_CONFIG_MAX_KERNEL_CMA    8
#define NS_CONFIG_MAX_KERNEL_BYTES  (UINT64_C(64) << 20) /* of one area or pool */
#define NS_CONFIG_MAX_KERNEL_SLOTS  32768u               /* of 2 KiB: 64 MiB, swiotlb's own default */

/* The order in which an allocation is decided (Linux kernel/dma/mapping.c, direct.c, pool.c). */
enum ns_config_kernel { NS_CONFIG_KERNEL_5_10, NS_CONFIG_KERNEL_6_17, NS_CONFIG_KERNEL_7 };

/* How memory becomes uncached: CONFIG_DMA_DIRECT_REMAP, CONFIG_ARCH_HAS_DMA_SET_UNCACHED, or not at all. */
enum ns_config_uncached { NS_CONFIG_UNCACHED_REMAP, NS_CONFIG_UNCACHED_SET, NS_CONFIG_UNCACHED_NONE };

/* arch_dma_prep_coherent. */
enum ns_config_prepare {
    NS_CONFIG_PREPARE_FLUSH,        /* flush: Linux arm64, RISC-V */
    NS_CONFIG_PREPARE_MEMSET_FLUSH, /* zeroes through the cache, then a flush: T-Head 5.10 */
    NS_CONFIG_PREPARE_NOT_READY, /* the same while the maintenance routines still return at once: T-Head 5.10 before its
                             arch_initcall has run, when the atomic pools are filled */
    NS_CONFIG_PREPARE_NONE,      /* nothing: CONFIG_ARCH_HAS_DMA_PREP_COHERENT is missing */
};

/* Where an area is declared. The first in this order that exists wins (kernel/dma/contiguous.c). */
enum ns_config_cma_source { NS_CONFIG_CMA_COMMAND_LINE, NS_CONFIG_CMA_DEVICE_TREE, NS_CONFIG_CMA_BUILT_IN };
struct ns_config_cma {
    uint64_t size; /* bytes; 0 only on the command line: no default area */
    bool has_address;
    uint64_t address; /* physical */
    enum ns_config_cma_source source;
    char device[NS_CONFIG_KERNEL_NAME_BYTES]; /* only for this device (memory-region); empty: the default area */
};

/* Which kernel's bounce buffers (kernel/dma/swiotlb.c): when a slot is copied, and where in its slots a mapping lies.
 */
enum ns_config_swiotlb {
    NS_CONFIG_SWIOTLB_5_10,    /* at map only what the device will read */
    NS_CONFIG_SWIOTLB_5_17RC6, /* at map always, unless the caller promises an overwrite */
    NS_CONFIG_SWIOTLB_5_17RC8, /* at map always, and at each sync-for-device: overwrites what was received */
    NS_CONFIG_SWIOTLB_5_18,    /* at map always */
};
enum ns_config_offsets {
    NS_CONFIG_OFFSETS_5_10,
    NS_CONFIG_OFFSETS_5_12,
    NS_CONFIG_OFFSETS_5_15,
    NS_CONFIG_OFFSETS_6_9,
};

/* What pgprot_noncached, pgprot_writecombine and pgprot_dmacoherent are. Same order as enum ns_pgprot_arch of the pool.
 */
enum ns_config_pgprot {
    NS_CONFIG_PGPROT_RISCV_6_18,
    NS_CONFIG_PGPROT_RISCV_5_19,
    NS_CONFIG_PGPROT_RISCV_5_10,
    NS_CONFIG_PGPROT_THEAD_5_10,
    NS_CONFIG_PGPROT_ARM64,
    NS_CONFIG_PGPROT_ARM,
    NS_CONFIG_PGPROT_ARM_STRONG,
    NS_CONFIG_PGPROT_MIPS,
    NS_CONFIG_PGPROT_X86,
};

/* dma_coherent_ok, and how allocators got it wrong. Same order as enum ns_address_test of the pool. */
enum ns_config_address_test {
    NS_CONFIG_TEST_LAST_BYTE,
    NS_CONFIG_TEST_FIRST_BYTE,
    NS_CONFIG_TEST_PAST_END,
    NS_CONFIG_TEST_IGNORE_BUS_LIMIT,
    NS_CONFIG_TEST_PHYSICAL,
};

enum ns_config_dma_debug { NS_CONFIG_DEBUG_OFF, NS_CONFIG_DEBUG_5_10, NS_CONFIG_DEBUG_7 };

struct ns_kernel_config {
    enum ns_config_kernel version;
    bool zone_dma; /* CONFIG_ZONE_DMA: the zone below zone_dma_limit exists */
    enum ns_config_uncached uncached;
    enum ns_config_prepare prepare;
    unsigned dma_address_bits; /* of dma_addr_t: 32 or 64 */
    size_t cma_count;
    struct ns_config_cma cma[NS_CONFIG_MAX_KERNEL_CMA];
    enum ns_config_pgprot pgprot;
    enum ns_config_address_test address_test;
    bool kernel_checks;         /* coherent memory is freed as the kernel does it: a wrong free has its effect */
    uint64_t atomic_pool_size;  /* bytes of each of the atomic pools; 0: there are none */
    bool atomic_pool_repaired;  /* the atomic pools without their published defects */
    uint64_t global_pool_size;  /* CONFIG_DMA_GLOBAL_POOL; 0: none */
    uint64_t global_pool_start; /* physical */
    uint32_t swiotlb_slots;     /* 0: no bounce buffers */
    enum ns_config_swiotlb swiotlb_version;
    enum ns_config_offsets swiotlb_offsets;
    bool swiotlb_force; /* swiotlb=force: every mapping bounces */
    enum ns_config_dma_debug dma_debug;
    bool dma_debug_all; /* all_errors: not only the first */
};

#ifdef __cplusplus
}
#endif
#endif
