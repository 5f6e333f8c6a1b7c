/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masks: which are accepted (kernel/dma/mapping.c dma_set_mask, kernel/dma/direct.c dma_direct_supported), which is
 * needed to reach all memory, and what the device tree makes of them (drivers/of/device.c of_dma_configure_id). Linux
 * 5.10.
 */
#ifndef NS_POOL_DMA_MASK_H
#define NS_POOL_DMA_MASK_H

#include "pool/direct.h"

#ifdef __cplusplus
extern "C" {
#endif

/* DMA_BIT_MASK: the highest address of `bits` bits; 0 for 0, all ones for 64 and more. */
uint64_t ns_dma_bit_mask(unsigned bits);

/* dma_direct_get_required_mask: all ones, wide enough for the bus address of the last page of RAM: of its first byte in
 * 5.10 and 6.17, of its last byte in 7.x. */
uint64_t ns_dma_direct_get_required_mask(const struct ns_dma_direct *direct, const struct ns_pool_device *device);

/* dma_direct_supported: 32 bits and more always; less only when it reaches the last page of RAM, or the end of ZONE_DMA
 * where that is configured and lower. */
bool ns_dma_direct_supported(const struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t mask);

/* dma_set_mask, dma_set_coherent_mask, and both. NOT_ADDRESSABLE (-EIO), with nothing changed, for a mask that is not
 * supported; a device with dma_ops is not asked about (its ops decide): accepted. */
enum ns_pool_status ns_dma_set_mask(const struct ns_dma_direct *direct, struct ns_pool_device *device, uint64_t mask);
enum ns_pool_status ns_dma_set_coherent_mask(const struct ns_dma_direct *direct, struct ns_pool_device *device,
                                             uint64_t mask);
enum ns_pool_status ns_dma_set_mask_and_coherent(const struct ns_dma_direct *direct, struct ns_pool_device *device,
                                                 uint64_t mask);

/*
 * of_dma_configure_id: what a driver finds in the device before it sets masks of its own. coherent_dma_mask 0 becomes
 * 32 bits, dma_mask 0 becomes the coherent mask. With ranges (dma-ranges, `count` of them, kept by reference): size =
 * the span from the lowest to the highest bus address; both masks &= all ones up to its last address, bus_dma_limit =
 * that address. Without (count 0): size from the coherent mask, the masks are ANDed likewise, and there is no bus
 * limit. `coherent`: dma-coherent is there. The port hears a WARN for a size that is a mask (the odd-size workaround: 1
 * is added). ARGUMENT, with nothing changed: no device, or the ranges span nothing, or wrap.
 */
enum ns_pool_status ns_of_dma_configure(const struct ns_port *port, struct ns_pool_device *device,
                                        const struct ns_bus_range *ranges, size_t count, bool coherent);

#ifdef __cplusplus
}
#endif
#endif
