/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/mapping.h"

/* One row for each platform; columns: bidirectional, to-device, from-device. Sources:
 *  - riscv: arch/riscv/mm/dma-noncoherent.c before and after the 2023 series that unified the architectures (6.6);
 *  - arm64: arch/arm64/mm/cache.S, __dma_map_area and __dma_unmap_area;
 *  - thead-5.10: arch/riscv/mm/dma-mapping.c of the vendor kernel 5.10.113 (dma_wb_range, dma_wbinv_range);
 *  - thead-6.0: as riscv-6.0, with "THEAD_clean" encoded as dcache.cval1, which stops at the L2;
 *  - arm-v7: arch/arm/mm/dma-mapping.c 5.10, __dma_page_cpu_to_dev and __dma_page_dev_to_cpu, __dma_clear_buffer;
 * partly covered lines: arch/arm/mm/cache-v7.S v7_dma_inv_range and arch/arm/mm/cache-l2x0.c l2c210_inv_range. */
#define NONE       NS_DMA_OPERATION_NONE
#define CLEAN      NS_DMA_OPERATION_CLEAN
#define INVALIDATE NS_DMA_OPERATION_INVALIDATE
#define FLUSH      NS_DMA_OPERATION_FLUSH
#define EDGE_FLUSH NS_DMA_OPERATION_EDGE_FLUSH
#define POC        NS_PORT_SCOPE_POC
#define L1         NS_PORT_SCOPE_L1
#define ONE        NS_DMA_OUTER_NONE
#define RIGHT      NS_DMA_OUTER_RIGHT
#define REVERSED   NS_DMA_OUTER_REVERSED
#define PREP_F     NS_DMA_PREPARE_FLUSH
#define PREP_ZF    NS_DMA_PREPARE_ZERO_AND_FLUSH

static const struct ns_dma_platform_operations platforms[NS_PLATFORM_COUNT] = {
    /* clang-format off */
    [NS_PLATFORM_TEXTBOOK] =
        {"textbook",        {FLUSH, CLEAN, INVALIDATE}, {INVALIDATE, NONE, INVALIDATE}, POC, ONE,      PREP_F},
    [NS_PLATFORM_RISCV_6_0] =
        {"riscv-6.0",       {FLUSH, CLEAN, CLEAN},      {FLUSH, NONE, FLUSH},           POC, ONE,      PREP_F},
    [NS_PLATFORM_RISCV_6_6] =
        {"riscv-6.6",       {CLEAN, CLEAN, CLEAN},      {INVALIDATE, NONE, INVALIDATE}, POC, ONE,      PREP_F},
    [NS_PLATFORM_ARM64_5_10] =
        {"arm64-5.10",      {CLEAN, CLEAN, EDGE_FLUSH}, {EDGE_FLUSH, NONE, EDGE_FLUSH}, POC, ONE,      PREP_F},
    [NS_PLATFORM_ARM64_5_19] =
        {"arm64-5.19",      {CLEAN, CLEAN, CLEAN},      {INVALIDATE, NONE, INVALIDATE}, POC, ONE,      PREP_F},
    [NS_PLATFORM_THEAD_5_10] =
        {"thead-5.10",      {FLUSH, CLEAN, FLUSH},      {FLUSH, NONE, FLUSH},           POC, ONE,      PREP_ZF},
    [NS_PLATFORM_THEAD_6_0] =
        {"thead-6.0",       {FLUSH, CLEAN, CLEAN},      {FLUSH, NONE, FLUSH},           L1,  ONE,      PREP_F},
    [NS_PLATFORM_ARM_V7_5_10] =
        {"arm-v7-5.10",     {CLEAN, CLEAN, EDGE_FLUSH}, {EDGE_FLUSH, NONE, EDGE_FLUSH}, POC, RIGHT,    PREP_ZF},
    [NS_PLATFORM_ARM_V7_REVERSED] =
        {"arm-v7-reversed", {CLEAN, CLEAN, EDGE_FLUSH}, {EDGE_FLUSH, NONE, EDGE_FLUSH}, POC, REVERSED, PREP_ZF},
    /* clang-format on */
};

const struct ns_dma_platform_operations *ns_dma_get_platform_operations(enum ns_dma_platform platform) {
    return (unsigned)platform < NS_PLATFORM_COUNT ? &platforms[platform] : NULL;
}
