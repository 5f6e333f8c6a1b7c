/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels by name. Sources: the architectures' Kconfig files of the versions named; for the vendor kernel its
 * arch/riscv/Kconfig. What only one board has is said at the row. */
#include "pool/direct.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

struct preset {
    const char *name;
    struct ns_zone_limits zones;
    struct ns_dma_direct_config config;
};

/* arch/riscv/Kconfig RISCV_DMA_NONCOHERENT. */
#define RISCV(version, protection)                                                                                     \
    {                                                                                                                  \
        .kernel = (version), .dma_direct_remap = true, .dma_remap = true, .dma_coherent_pool = true, .dma_cma = true,  \
        .arch_has_sync_dma = true, .prepare = NS_PREPARE_FLUSH, .pgprot = (protection)                                 \
    }

static const struct preset presets[NS_DMA_PRESET_COUNT] = {
    [NS_DMA_PRESET_RISCV_6_18] = {"riscv-6.18", {.dma32 = 4 * GIB}, RISCV(NS_KERNEL_6_17, NS_PGPROT_RISCV_6_18)},
    [NS_DMA_PRESET_RISCV_6_17] = {"riscv-6.17", {.dma32 = 4 * GIB}, RISCV(NS_KERNEL_6_17, NS_PGPROT_RISCV_5_19)},
    [NS_DMA_PRESET_RISCV_7] = {"riscv-7", {.dma32 = 4 * GIB}, RISCV(NS_KERNEL_7, NS_PGPROT_RISCV_6_18)},
    [NS_DMA_PRESET_THEAD_5_10] = {"thead-5.10",
                                  {.dma32 = 4 * GIB},
                                  {.kernel = NS_KERNEL_5_10,
                                   .dma_direct_remap = true,
                                   .dma_remap = true,
                                   .dma_coherent_pool = true,
                                   .dma_cma = true,
                                   .arch_has_sync_dma = true,
                                   .arch_has_dma_write_combine = true,
                                   .prepare = NS_PREPARE_ZERO_FLUSH,
                                   .prepare_waits_for_arch = true,
                                   .pgprot = NS_PGPROT_THEAD_5_10}},
    /* ZONE_DMA of 30 bits: the Raspberry Pi 4. Most others have one of 32 bits and nothing in ZONE_DMA32. */
    [NS_DMA_PRESET_ARM64_5_10] = {"arm64-5.10",
                                  {.dma = GIB, .dma32 = 4 * GIB},
                                  {.kernel = NS_KERNEL_5_10,
                                   .dma_ops = true,
                                   .dma_direct_remap = true,
                                   .dma_remap = true,
                                   .dma_coherent_pool = true,
                                   .dma_cma = true,
                                   .arch_has_sync_dma = true,
                                   .prepare = NS_PREPARE_FLUSH,
                                   .pgprot = NS_PGPROT_ARM64}},
    [NS_DMA_PRESET_ARM64_6_17] = {"arm64-6.17",
                                  {.dma = GIB, .dma32 = 4 * GIB},
                                  {.kernel = NS_KERNEL_6_17,
                                   .dma_direct_remap = true,
                                   .dma_remap = true,
                                   .dma_coherent_pool = true,
                                   .dma_cma = true,
                                   .arch_has_sync_dma = true,
                                   .prepare = NS_PREPARE_FLUSH,
                                   .pgprot = NS_PGPROT_ARM64}},
    /* 64 bits, non-coherent: the uncached segment XKPHYS is `arch.set_uncached`. */
    [NS_DMA_PRESET_MIPS_5_10] = {"mips-5.10",
                                 {.dma = 16 * MIB, .dma32 = 4 * GIB},
                                 {.kernel = NS_KERNEL_5_10,
                                  .arch_has_sync_dma = true,
                                  .arch_has_dma_set_uncached = true,
                                  .arch_has_dma_write_combine = true,
                                  .prepare = NS_PREPARE_FLUSH,
                                  .pgprot = NS_PGPROT_MIPS}},
    [NS_DMA_PRESET_X86_5_10] = {"x86-5.10",
                                {.dma = 16 * MIB, .dma32 = 4 * GIB},
                                {.kernel = NS_KERNEL_5_10,
                                 .dma_ops = true,
                                 .dma_coherent_pool = true, /* AMD_MEM_ENCRYPT */
                                 .dma_cma = true,
                                 .prepare = NS_PREPARE_NONE,
                                 .pgprot = NS_PGPROT_X86}},
};

static const struct preset *row(enum ns_dma_preset preset) {
    return &presets[(unsigned)preset < NS_DMA_PRESET_COUNT ? preset : NS_DMA_PRESET_RISCV_6_18];
}

const char *ns_dma_preset_name(enum ns_dma_preset preset) {
    return (unsigned)preset < NS_DMA_PRESET_COUNT ? presets[preset].name : NULL;
}

struct ns_dma_direct_config ns_dma_direct_preset(enum ns_dma_preset preset) {
    return row(preset)->config;
}

struct ns_zone_limits ns_dma_preset_zones(enum ns_dma_preset preset) {
    return row(preset)->zones;
}
