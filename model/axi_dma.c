/* SPDX-License-Identifier: Apache-2.0 */
/* What a channel does: fetch, move, update; and its interrupts. */
#include "model/axi_dma.h"

#include "model/axi_dma_internal.h"

#include <string.h>

struct ns_axi_dma_config ns_axi_dma_default_config(void) {
    return (struct ns_axi_dma_config){
        .scatter_gather = true, .length_bits = 14, .address_bits = 32, .stream_bytes = 4, .prefetch = 4};
}

static void reset_channel(struct ns_axi_dma_channel *channel) {
    *channel = (struct ns_axi_dma_channel){
        .control = NS_AXI_DMA_RESERVED_ONE | 1u << NS_AXI_DMA_THRESHOLD_SHIFT, .halted = true, .threshold_left = 1};
}

void axi_dma_reset(struct ns_axi_dma *dma) {
    for (unsigned i = 0; i < NS_AXI_DMA_CHANNELS; i++)
        reset_channel(&dma->channel[i]);
    dma->sg_ctl = AXI_DMA_SG_CTL_RESET;
    dma->resetting = false;
    dma->resets++;
}

void ns_axi_dma_init(struct ns_axi_dma *dma, const struct ns_axi_dma_config *config) {
    dma->config = *config;
    axi_dma_reset(dma);
    dma->resets = 0;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

bool ns_axi_dma_interrupt(const struct ns_axi_dma *dma, unsigned channel) {
    return (dma->channel[channel].irqs & dma->channel[channel].control & NS_AXI_DMA_ALL_IRQS) != 0;
}

static void count_frame(struct ns_axi_dma_channel *channel) {
    if (--channel->threshold_left == 0) {
        channel->irqs |= NS_AXI_DMA_IOC_IRQ;
        channel->threshold_left = axi_dma_threshold(channel);
    }
    channel->timing = axi_dma_delay(channel) != 0 && channel->threshold_left != axi_dma_threshold(channel);
    channel->clocks = 0;
}

uint32_t ns_axi_dma_timeout(const struct ns_axi_dma *dma, unsigned channel) {
    const struct ns_axi_dma_channel *at = &dma->channel[channel];
    return at->timing ? axi_dma_delay(at) * NS_AXI_DMA_DELAY_CLOCKS - at->clocks : 0;
}

void ns_axi_dma_elapse(struct ns_axi_dma *dma, unsigned channel, uint32_t clocks) {
    struct ns_axi_dma_channel *at = &dma->channel[channel];
    const uint32_t left = ns_axi_dma_timeout(dma, channel);
    if (left == 0)
        return;
    if (clocks < left) {
        at->clocks += clocks;
        return;
    }
    at->irqs |= NS_AXI_DMA_DELAY_IRQ;
    at->threshold_left = axi_dma_threshold(at);
    at->timing = false;
    at->clocks = 0;
}

/* ---- halting --------------------------------------------------------------------------------- */

static void halt(struct ns_axi_dma_channel *channel) {
    channel->control &= ~NS_AXI_DMA_RUN;
    channel->halted = true;
    channel->idle = false;
    channel->queued = 0;
    channel->fetching = false;
    channel->active = false;
    channel->update = false;
    channel->in_frame = false;
    channel->moved = 0;
    channel->timing = false;
}

static void fail(struct ns_axi_dma_channel *channel, uint32_t errors) {
    channel->errors |= errors;
    channel->irqs |= NS_AXI_DMA_ERROR_IRQ;
    halt(channel);
}

void axi_dma_stop_when_possible(struct ns_axi_dma *dma, struct ns_axi_dma_channel *channel) {
    if (dma->resetting) {
        for (unsigned i = 0; i < NS_AXI_DMA_CHANNELS; i++)
            if (dma->channel[i].under_way != NS_AXI_DMA_NOTHING)
                return;
        axi_dma_reset(dma);
        return;
    }
    const bool in_flight = channel->under_way != NS_AXI_DMA_NOTHING || channel->update || channel->moved > 0;
    if ((channel->control & NS_AXI_DMA_RUN) == 0 && !channel->halted && !in_flight)
        halt(channel);
}

/* ---- the next access ------------------------------------------------------------------------- */

static uint64_t driven(const struct ns_axi_dma *dma, uint64_t address) {
    return dma->config.address_bits >= 64 ? address : address & ((UINT64_C(1) << dma->config.address_bits) - 1);
}

/* How many bytes the transfer at work has left; 0: there is none. */
static uint32_t left_to_move(const struct ns_axi_dma *dma, const struct ns_axi_dma_channel *channel) {
    if (!dma->config.scatter_gather)
        return channel->active ? channel->length - channel->moved : 0;
    return channel->queued > 0 ? (channel->queue[0].control & NS_AXI_DMA_LENGTH_MASK) - channel->moved : 0;
}

static struct ns_axi_dma_access next_move(const struct ns_axi_dma *dma, const struct ns_axi_dma_channel *channel,
                                          struct ns_axi_dma_stream stream) {
    struct ns_axi_dma_access access = {.work = NS_AXI_DMA_NOTHING};
    const bool receives = channel == &dma->channel[NS_AXI_DMA_S2MM];
    const uint32_t left = left_to_move(dma, channel);
    uint64_t length = left < NS_AXI_DMA_MOVE_BYTES ? left : NS_AXI_DMA_MOVE_BYTES;
    length = stream.bytes < length ? stream.bytes : length;
    if (length == 0)
        return access;
    access.work = NS_AXI_DMA_MOVE;
    access.length = (uint32_t)length;
    access.address = (dma->config.scatter_gather ? channel->queue[0].buffer : channel->address) + channel->moved;
    if (receives)
        access.ends_frame = stream.ends_frame && length == stream.bytes;
    else
        access.ends_frame = length == left &&
                            (!dma->config.scatter_gather || (channel->queue[0].control & NS_AXI_DMA_END_OF_FRAME) != 0);
    return access;
}

struct ns_axi_dma_access ns_axi_dma_next(const struct ns_axi_dma *dma, unsigned channel,
                                         struct ns_axi_dma_stream stream) {
    const struct ns_axi_dma_channel *at = &dma->channel[channel];
    const struct ns_axi_dma_access nothing = {.work = NS_AXI_DMA_NOTHING};
    if (at->halted || dma->resetting || at->under_way != NS_AXI_DMA_NOTHING)
        return nothing;
    if (at->update)
        return (struct ns_axi_dma_access){.work = NS_AXI_DMA_UPDATE,
                                          .address = at->queue[0].address + NS_AXI_DMA_STATUS_OFFSET,
                                          .length = 4,
                                          .status = at->status};
    const bool bad_ahead = at->queued > 0 && at->queue[at->queued - 1].problem != 0;
    if (at->fetching && at->queued < dma->config.prefetch && !bad_ahead && (at->control & NS_AXI_DMA_RUN) != 0)
        return (struct ns_axi_dma_access){
            .work = NS_AXI_DMA_FETCH, .address = at->fetch, .length = NS_AXI_DMA_FETCH_BYTES};
    return next_move(dma, at, stream);
}

enum ns_axi_dma_port ns_axi_dma_port_of(unsigned channel, enum ns_axi_dma_work work) {
    return work == NS_AXI_DMA_FETCH || work == NS_AXI_DMA_UPDATE ? NS_AXI_DMA_PORT_SG
           : channel == NS_AXI_DMA_MM2S                          ? NS_AXI_DMA_PORT_MM2S
                                                                 : NS_AXI_DMA_PORT_S2MM;
}

const char *ns_axi_dma_port_name(unsigned port) {
    static const char *const names[] = {"MM2S", "S2MM", "SG"};
    return names[port];
}

void ns_axi_dma_begin(struct ns_axi_dma *dma, unsigned channel, const struct ns_axi_dma_access *access) {
    dma->channel[channel].under_way = access->work;
    if (access->work == NS_AXI_DMA_MOVE && !dma->channel[channel].in_frame) {
        dma->channel[channel].timing = false; /* a new frame: the time starts again at its end */
        dma->channel[channel].clocks = 0;
    }
}

/* ---- what follows an answer ------------------------------------------------------------------ */

static uint32_t word_at(const uint8_t *data) {
    return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

static bool aligned(const struct ns_axi_dma *dma, uint64_t address) {
    return dma->config.realignment || address % dma->config.stream_bytes == 0;
}

/* The descriptor at the head of the queue has its turn. */
static void look_at_head(struct ns_axi_dma_channel *channel) {
    channel->moved = 0;
    channel->sof = false;
    channel->ended = false;
    if (channel->queued == 0)
        return;
    const struct ns_axi_dma_descriptor *head = &channel->queue[0];
    channel->current = head->address;
    if (head->problem == NS_AXI_DMA_INT_ERROR) { /* the data mover refuses it: its status can be written */
        channel->update = true;
        channel->status = NS_AXI_DMA_COMPLETE | NS_AXI_DMA_STATUS_INT;
        channel->failed = head->problem;
    } else if (head->problem != 0) {
        fail(channel, head->problem);
    }
}

static void take_descriptor(const struct ns_axi_dma *dma, struct ns_axi_dma_channel *channel,
                            enum ns_axi_dma_answer answer, const uint8_t *data) {
    struct ns_axi_dma_descriptor *to = &channel->queue[channel->queued++];
    *to = (struct ns_axi_dma_descriptor){.address = channel->fetch};
    if (answer != NS_AXI_DMA_OKAY) {
        to->problem = answer == NS_AXI_DMA_SLAVE_ERROR ? NS_AXI_DMA_SG_SLV_ERROR : NS_AXI_DMA_SG_DEC_ERROR;
    } else {
        to->next = (word_at(data) & ~(NS_AXI_DMA_DESCRIPTOR_BYTES - 1)) | (uint64_t)word_at(data + 4) << 32;
        to->buffer = word_at(data + 8) | (uint64_t)word_at(data + 12) << 32;
        to->control = word_at(data + 24);
        const bool stale = (word_at(data + NS_AXI_DMA_STATUS_OFFSET) & NS_AXI_DMA_COMPLETE) != 0;
        const uint32_t length = to->control & NS_AXI_DMA_LENGTH_MASK;
        if (stale && (channel->control & NS_AXI_DMA_CYCLIC) == 0)
            to->problem = NS_AXI_DMA_SG_INT_ERROR;
        else if (length == 0 || length >> dma->config.length_bits != 0 || !aligned(dma, to->buffer))
            to->problem = NS_AXI_DMA_INT_ERROR;
    }
    const bool at_tail = driven(dma, channel->fetch) == driven(dma, channel->tail);
    if (at_tail && (channel->control & NS_AXI_DMA_CYCLIC) == 0)
        channel->fetching = false;
    channel->fetch = to->next;
    if (channel->queued == 1)
        look_at_head(channel);
}

static void after_move(struct ns_axi_dma *dma, unsigned index, const struct ns_axi_dma_access *access,
                       enum ns_axi_dma_answer answer) {
    struct ns_axi_dma_channel *channel = &dma->channel[index];
    const bool receives = index == NS_AXI_DMA_S2MM;
    const uint32_t error = answer == NS_AXI_DMA_SLAVE_ERROR    ? NS_AXI_DMA_SLV_ERROR
                           : answer == NS_AXI_DMA_DECODE_ERROR ? NS_AXI_DMA_DEC_ERROR
                                                               : 0;
    if (error == 0) {
        channel->sof = channel->sof || !channel->in_frame;
        channel->in_frame = !access->ends_frame;
        channel->moved += access->length;
    }
    const bool full = left_to_move(dma, channel) == 0;
    const bool over = full || (receives && access->ends_frame);
    if (!dma->config.scatter_gather) {
        if (error != 0) {
            fail(channel, error);
        } else if (receives && full && !access->ends_frame) {
            fail(channel, NS_AXI_DMA_INT_ERROR); /* the frame is longer than LENGTH */
        } else if (over) {
            channel->length = channel->moved;
            channel->moved = 0;
            channel->active = false;
            channel->idle = true;
            channel->in_frame = false;
            channel->irqs |= NS_AXI_DMA_IOC_IRQ; /* neither threshold nor delay: the guide, "Direct Register Mode" */
        }
        return;
    }
    if (error == 0 && !over)
        return;
    channel->update = true;
    channel->failed = error;
    channel->ended = error == 0 && access->ends_frame;
    channel->status = NS_AXI_DMA_COMPLETE | channel->moved;
    if (error != 0)
        channel->status |= error << 24; /* bits 4 to 6 of DMASR are bits 28 to 30 of a descriptor's status */
    if (receives && channel->sof)
        channel->status |= NS_AXI_DMA_START_OF_FRAME;
    if (receives && channel->ended)
        channel->status |= NS_AXI_DMA_END_OF_FRAME;
}

static void after_update(struct ns_axi_dma_channel *channel, enum ns_axi_dma_answer answer) {
    channel->update = false;
    if (answer != NS_AXI_DMA_OKAY) {
        fail(channel,
             channel->failed | (answer == NS_AXI_DMA_SLAVE_ERROR ? NS_AXI_DMA_SG_SLV_ERROR : NS_AXI_DMA_SG_DEC_ERROR));
        return;
    }
    if (channel->failed != 0) {
        fail(channel, channel->failed);
        return;
    }
    if (channel->ended)
        count_frame(channel);
    channel->moved = 0;
    channel->queued--;
    memmove(&channel->queue[0], &channel->queue[1], channel->queued * sizeof channel->queue[0]);
    if ((channel->control & NS_AXI_DMA_RUN) == 0)
        return; /* it stops here: the descriptors that follow are dropped unread */
    look_at_head(channel);
    channel->idle = !channel->halted && channel->queued == 0 && !channel->fetching;
}

void ns_axi_dma_done(struct ns_axi_dma *dma, unsigned channel, const struct ns_axi_dma_access *access,
                     enum ns_axi_dma_answer answer, const uint8_t *data) {
    struct ns_axi_dma_channel *at = &dma->channel[channel];
    at->under_way = NS_AXI_DMA_NOTHING;
    switch (dma->resetting ? NS_AXI_DMA_NOTHING : access->work) {
    case NS_AXI_DMA_FETCH:
        take_descriptor(dma, at, answer, data);
        break;
    case NS_AXI_DMA_MOVE:
        after_move(dma, channel, access, answer);
        break;
    case NS_AXI_DMA_UPDATE:
        after_update(at, answer);
        break;
    case NS_AXI_DMA_NOTHING:
        break;
    }
    axi_dma_stop_when_possible(dma, at);
}

/* ---- what a register write starts ------------------------------------------------------------ */

void axi_dma_start_direct(const struct ns_axi_dma *dma, struct ns_axi_dma_channel *channel) {
    channel->idle = false;
    channel->moved = 0;
    channel->sof = false;
    channel->in_frame = false;
    channel->active = true;
    if (!aligned(dma, channel->address))
        fail(channel, NS_AXI_DMA_INT_ERROR);
}

void axi_dma_go_to_tail(struct ns_axi_dma_channel *channel) {
    channel->idle = false;
    if (channel->from_start)
        channel->fetch = channel->current;
    channel->from_start = false;
    channel->fetching = true;
}
