/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/mapping.h"

/* One row for each platform; columns: bidirectional, to-device, from-device. Sources:
 *  - riscv: arch/riscv/mm/dma-noncoherent.c before and after the 2023 series that unified the architectures (6.6);
 *  - arm64: arch/arm64/mm/cache.S, __dma_map_area and __dma_unmap_area;
 *  - thead-5.10: arch/riscv/mm/dma-mapping.c of the vendor kernel 5.10.113 (dma_wb_range, dma_wbinv_range);
 *  - thead-6.0: as riscv-6.0, with "THEAD_clean" encoded as dcache.cval1, which stops at the L2. */
#define NONE       NS_DMA_OPERATION_NONE
#define CLEAN      NS_DMA_OPERATION_CLEAN
#define INVALIDATE NS_DMA_OPERATION_INVALIDATE
#define FLUSH      NS_DMA_OPERATION_FLUSH
#define EDGE_FLUSH NS_DMA_OPERATION_EDGE_FLUSH
#define POC        NS_PORT_SCOPE_POC
#define L1         NS_PORT_SCOPE_L1

static const struct ns_dma_platform_operations platforms[NS_PLATFORM_COUNT] = {
    /* clang-format off */
    [NS_PLATFORM_TEXTBOOK]   = {"textbook",   {FLUSH, CLEAN, INVALIDATE}, {INVALIDATE, NONE, INVALIDATE}, POC},
    [NS_PLATFORM_RISCV_6_0]  = {"riscv-6.0",  {FLUSH, CLEAN, CLEAN},      {FLUSH,      NONE, FLUSH},      POC},
    [NS_PLATFORM_RISCV_6_6]  = {"riscv-6.6",  {CLEAN, CLEAN, CLEAN},      {INVALIDATE, NONE, INVALIDATE}, POC},
    [NS_PLATFORM_ARM64_5_10] = {"arm64-5.10", {CLEAN, CLEAN, EDGE_FLUSH}, {EDGE_FLUSH, NONE, EDGE_FLUSH}, POC},
    [NS_PLATFORM_ARM64_5_19] = {"arm64-5.19", {CLEAN, CLEAN, CLEAN},      {INVALIDATE, NONE, INVALIDATE}, POC},
    [NS_PLATFORM_THEAD_5_10] = {"thead-5.10", {FLUSH, CLEAN, FLUSH},      {FLUSH,      NONE, FLUSH},      POC},
    [NS_PLATFORM_THEAD_6_0]  = {"thead-6.0",  {FLUSH, CLEAN, CLEAN},      {FLUSH,      NONE, FLUSH},      L1},
    /* clang-format on */
};

const struct ns_dma_platform_operations *ns_dma_get_platform_operations(enum ns_dma_platform platform) {
    return (unsigned)platform < NS_PLATFORM_COUNT ? &platforms[platform] : NULL;
}
