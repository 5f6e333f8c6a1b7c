/* SPDX-License-Identifier: Apache-2.0 */
/* The register map. */
#include "model/axi_dma_internal.h"

#include <stddef.h>
#include <string.h>

#define DMACR_WRITABLE 0xFFFF7019u /* delay, threshold, enables, cyclic, keyhole, run; not reset */
#define SG_CTL_MASK    0x00000F0Fu
#define POINTER_MASK   (~(uint32_t)(NS_AXI_DMA_DESCRIPTOR_BYTES - 1))

static const struct {
    const char *name;
    uint32_t offset;
} names[] = {
    {"MM2S_DMACR", 0x00},    {"MM2S_DMASR", 0x04},
    {"MM2S_CURDESC", 0x08},  {"MM2S_CURDESC_MSB", 0x0C},
    {"MM2S_TAILDESC", 0x10}, {"MM2S_TAILDESC_MSB", 0x14},
    {"MM2S_SA", 0x18},       {"MM2S_SA_MSB", 0x1C},
    {"MM2S_LENGTH", 0x28},   {"SG_CTL", 0x2C},
    {"S2MM_DMACR", 0x30},    {"S2MM_DMASR", 0x34},
    {"S2MM_CURDESC", 0x38},  {"S2MM_CURDESC_MSB", 0x3C},
    {"S2MM_TAILDESC", 0x40}, {"S2MM_TAILDESC_MSB", 0x44},
    {"S2MM_DA", 0x48},       {"S2MM_DA_MSB", 0x4C},
    {"S2MM_LENGTH", 0x58},
};
#define NAME_COUNT (sizeof names / sizeof names[0])

const char *const ns_axi_dma_register_names[] = {
    "MM2S_DMACR",        "MM2S_DMASR", "MM2S_CURDESC", "MM2S_CURDESC_MSB", "MM2S_TAILDESC",
    "MM2S_TAILDESC_MSB", "MM2S_SA",    "MM2S_SA_MSB",  "MM2S_LENGTH",      "SG_CTL",
    "S2MM_DMACR",        "S2MM_DMASR", "S2MM_CURDESC", "S2MM_CURDESC_MSB", "S2MM_TAILDESC",
    "S2MM_TAILDESC_MSB", "S2MM_DA",    "S2MM_DA_MSB",  "S2MM_LENGTH",      NULL};

uint32_t ns_axi_dma_register(const char *name, unsigned length) {
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (strlen(names[i].name) == length && memcmp(names[i].name, name, length) == 0)
            return names[i].offset;
    return UINT32_MAX;
}

/* ---- reading --------------------------------------------------------------------------------- */

static uint32_t high_word(const struct ns_axi_dma *dma, uint64_t address) {
    const unsigned bits = dma->config.address_bits;
    if (bits <= 32)
        return 0;
    return (uint32_t)(address >> 32) & (bits >= 64 ? UINT32_MAX : (UINT32_C(1) << (bits - 32)) - 1);
}

static uint32_t status_of(const struct ns_axi_dma *dma, const struct ns_axi_dma_channel *channel) {
    uint32_t status = channel->errors | channel->irqs;
    status |= channel->halted ? NS_AXI_DMA_HALTED : 0;
    status |= channel->idle ? NS_AXI_DMA_IDLE : 0;
    status |= dma->config.scatter_gather ? NS_AXI_DMA_SG_INCLUDED : 0;
    status |= channel->threshold_left << NS_AXI_DMA_THRESHOLD_SHIFT;
    status |= channel->clocks / NS_AXI_DMA_DELAY_CLOCKS << NS_AXI_DMA_DELAY_SHIFT;
    return status;
}

uint32_t ns_axi_dma_read(const struct ns_axi_dma *dma, uint32_t offset) {
    const bool sg = dma->config.scatter_gather;
    if (offset == NS_AXI_DMA_SG_CTL)
        return sg ? dma->sg_ctl : 0;
    const unsigned index = offset >= NS_AXI_DMA_S2MM_BASE ? NS_AXI_DMA_S2MM : NS_AXI_DMA_MM2S;
    const struct ns_axi_dma_channel *channel = &dma->channel[index];
    switch (offset - (index == NS_AXI_DMA_S2MM ? NS_AXI_DMA_S2MM_BASE : 0)) {
    case NS_AXI_DMA_DMACR:
        return channel->control | (dma->resetting ? NS_AXI_DMA_RESET : 0);
    case NS_AXI_DMA_DMASR:
        return status_of(dma, channel);
    case NS_AXI_DMA_CURDESC:
        return sg ? (uint32_t)channel->current : 0;
    case NS_AXI_DMA_CURDESC_MSB:
        return sg ? high_word(dma, channel->current) : 0;
    case NS_AXI_DMA_TAILDESC:
        return sg ? (uint32_t)channel->tail : 0;
    case NS_AXI_DMA_TAILDESC_MSB:
        return sg ? high_word(dma, channel->tail) : 0;
    case NS_AXI_DMA_ADDRESS:
        return sg ? 0 : (uint32_t)channel->address;
    case NS_AXI_DMA_ADDRESS_MSB:
        return sg ? 0 : high_word(dma, channel->address);
    case NS_AXI_DMA_LENGTH:
        return sg ? 0 : channel->length;
    default:
        return 0;
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_control(struct ns_axi_dma *dma, struct ns_axi_dma_channel *channel, uint32_t value) {
    if ((value & NS_AXI_DMA_RESET) != 0) {
        dma->resetting = true;
        axi_dma_stop_when_possible(dma, channel);
        return;
    }
    const unsigned old_threshold = axi_dma_threshold(channel), old_delay = axi_dma_delay(channel);
    const bool ran = (channel->control & NS_AXI_DMA_RUN) != 0;
    if ((value >> NS_AXI_DMA_THRESHOLD_SHIFT & 0xffu) == 0) /* the least is 1: a write of 0 leaves it */
        value |= old_threshold << NS_AXI_DMA_THRESHOLD_SHIFT;
    if (channel->errors != 0)
        value &= ~NS_AXI_DMA_RUN;
    channel->control = (value & DMACR_WRITABLE) | NS_AXI_DMA_RESERVED_ONE;
    if (axi_dma_threshold(channel) != old_threshold)
        channel->threshold_left = axi_dma_threshold(channel);
    if (axi_dma_delay(channel) != old_delay || axi_dma_threshold(channel) != old_threshold) {
        channel->clocks = 0;
        channel->timing =
            axi_dma_delay(channel) != 0 && !channel->in_frame && channel->threshold_left != axi_dma_threshold(channel);
    }
    const bool runs = (channel->control & NS_AXI_DMA_RUN) != 0;
    if (runs && !ran && channel->halted) {
        channel->halted = false;
        channel->idle = false;
        channel->from_start = true;
    }
    if (!runs)
        axi_dma_stop_when_possible(dma, channel);
}

static void set_low(uint64_t *address, uint32_t value) {
    *address = (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(uint64_t *address, uint32_t value) {
    *address = (*address & UINT32_MAX) | (uint64_t)value << 32;
}

static bool is_running(const struct ns_axi_dma_channel *channel) {
    return (channel->control & NS_AXI_DMA_RUN) != 0 && !channel->halted;
}

bool ns_axi_dma_is_doorbell(const struct ns_axi_dma *dma, uint32_t offset) {
    const uint32_t within = offset >= NS_AXI_DMA_S2MM_BASE ? offset - NS_AXI_DMA_S2MM_BASE : offset;
    if (!dma->config.scatter_gather)
        return within == NS_AXI_DMA_LENGTH;
    return within == (dma->config.address_bits > 32 ? NS_AXI_DMA_TAILDESC_MSB : NS_AXI_DMA_TAILDESC);
}

bool ns_axi_dma_write(struct ns_axi_dma *dma, uint32_t offset, uint32_t value) {
    const bool sg = dma->config.scatter_gather, wide = dma->config.address_bits > 32;
    const unsigned index = offset >= NS_AXI_DMA_S2MM_BASE ? NS_AXI_DMA_S2MM : NS_AXI_DMA_MM2S;
    struct ns_axi_dma_channel *channel = &dma->channel[index];
    const uint32_t within = offset - (index == NS_AXI_DMA_S2MM ? NS_AXI_DMA_S2MM_BASE : 0);
    const bool halted = channel->halted && (channel->control & NS_AXI_DMA_RUN) == 0;
    if (dma->resetting)
        return false;
    if (offset == NS_AXI_DMA_SG_CTL) {
        dma->sg_ctl = sg ? value & SG_CTL_MASK : dma->sg_ctl;
        return false;
    }
    switch (within) {
    case NS_AXI_DMA_DMACR:
        write_control(dma, channel, value);
        return false;
    case NS_AXI_DMA_DMASR:
        channel->irqs &= ~value;
        return false;
    case NS_AXI_DMA_CURDESC:
        if (sg && halted)
            set_low(&channel->current, value & POINTER_MASK);
        return false;
    case NS_AXI_DMA_CURDESC_MSB:
        if (sg && halted)
            set_high(&channel->current, value);
        return false;
    case NS_AXI_DMA_TAILDESC:
    case NS_AXI_DMA_TAILDESC_MSB:
        if (!sg)
            return false;
        if (within == NS_AXI_DMA_TAILDESC)
            set_low(&channel->tail, value & POINTER_MASK);
        else
            set_high(&channel->tail, value);
        if (wide != (within == NS_AXI_DMA_TAILDESC_MSB) || !is_running(channel))
            return false;
        axi_dma_go_to_tail(channel);
        return true;
    case NS_AXI_DMA_ADDRESS:
        if (!sg && !channel->active)
            set_low(&channel->address, value);
        return false;
    case NS_AXI_DMA_ADDRESS_MSB:
        if (!sg && !channel->active)
            set_high(&channel->address, value);
        return false;
    case NS_AXI_DMA_LENGTH:
        value &= (UINT32_C(1) << dma->config.length_bits) - 1;
        if (sg || channel->active)
            return false;
        channel->length = value;
        if (value == 0 || !is_running(channel))
            return false;
        axi_dma_start_direct(dma, channel);
        return true;
    default:
        return false;
    }
}
