/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation flags as plain bits, with the values of Linux 5.10 include/linux/gfp.h, and what follows from them. The
 * values changed between kernels (6.10 derives them from an enum); names and rules did not.
 */
#ifndef NS_POOL_GFP_H
#define NS_POOL_GFP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t ns_gfp;

/* Where: zone modifiers. */
#define NS___GFP_DMA     UINT32_C(0x1)
#define NS___GFP_HIGHMEM UINT32_C(0x2)
#define NS___GFP_DMA32   UINT32_C(0x4)
#define NS___GFP_MOVABLE UINT32_C(0x8)
/* How: may it wait, dip into reserves, start IO or call a file system. */
#define NS___GFP_HIGH           UINT32_C(0x20)
#define NS___GFP_IO             UINT32_C(0x40)
#define NS___GFP_FS             UINT32_C(0x80)
#define NS___GFP_ZERO           UINT32_C(0x100)
#define NS___GFP_ATOMIC         UINT32_C(0x200)
#define NS___GFP_DIRECT_RECLAIM UINT32_C(0x400)
#define NS___GFP_KSWAPD_RECLAIM UINT32_C(0x800)
#define NS___GFP_NOWARN         UINT32_C(0x2000)
#define NS___GFP_COMP           UINT32_C(0x40000)

#define NS___GFP_RECLAIM (NS___GFP_DIRECT_RECLAIM | NS___GFP_KSWAPD_RECLAIM)
#define NS___GFP_ZONES   (NS___GFP_DMA | NS___GFP_HIGHMEM | NS___GFP_DMA32)

/* Combinations that drivers write. */
#define NS_GFP_ATOMIC (NS___GFP_HIGH | NS___GFP_ATOMIC | NS___GFP_KSWAPD_RECLAIM) /* 0xa20 */
#define NS_GFP_NOWAIT NS___GFP_KSWAPD_RECLAIM                                     /* 0x800 */
#define NS_GFP_NOIO   NS___GFP_RECLAIM                                            /* 0xc00 */
#define NS_GFP_NOFS   (NS___GFP_RECLAIM | NS___GFP_IO)                            /* 0xc40 */
#define NS_GFP_KERNEL (NS___GFP_RECLAIM | NS___GFP_IO | NS___GFP_FS)              /* 0xcc0 */
#define NS_GFP_DMA    NS___GFP_DMA
#define NS_GFP_DMA32  NS___GFP_DMA32

/* gfpflags_allow_blocking: the caller can sleep, so reclaim, CMA and vmap are possible. */
bool ns_gfp_may_block(ns_gfp gfp);

/* At most one of DMA, DMA32 and HIGHMEM (the illegal rows of GFP_ZONE_BAD, with and without MOVABLE). */
bool ns_gfp_zone_valid(ns_gfp gfp);

#ifdef __cplusplus
}
#endif
#endif
