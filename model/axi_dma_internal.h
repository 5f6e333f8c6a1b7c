/* SPDX-License-Identifier: Apache-2.0 */
/* Between axi_dma.c (what channels do) and axi_dma_registers.c (what registers hold). */
#ifndef NS_MODEL_AXI_DMA_INTERNAL_H
#define NS_MODEL_AXI_DMA_INTERNAL_H

#include "model/axi_dma.h"

#define AXI_DMA_SG_CTL_RESET 0x003u /* SG_CACHE 0011, SG_USER 0000 */

static inline unsigned axi_dma_threshold(const struct ns_axi_dma_channel *channel) {
    return channel->control >> NS_AXI_DMA_THRESHOLD_SHIFT & 0xffu;
}
static inline unsigned axi_dma_delay(const struct ns_axi_dma_channel *channel) {
    return channel->control >> NS_AXI_DMA_DELAY_SHIFT & 0xffu;
}

void axi_dma_reset(struct ns_axi_dma *dma);
/* A reset, or a stop of this channel, takes effect unless something is in flight. */
void axi_dma_stop_when_possible(struct ns_axi_dma *dma, struct ns_axi_dma_channel *channel);
void axi_dma_start_direct(const struct ns_axi_dma *dma, struct ns_axi_dma_channel *channel);
void axi_dma_go_to_tail(struct ns_axi_dma_channel *channel);

#endif
