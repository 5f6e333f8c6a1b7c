// SPDX-License-Identifier: Apache-2.0
#include "model/tlm_axi_dma.h"

#include "model/tlm_machine.h"

#include <algorithm>
#include <cstring>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

tlm_axi_dma::tlm_axi_dma(sc_core::sc_module_name name, machine &owner, unsigned device, const ns_axi_dma_config &config,
                         uint64_t first_register, const uint8_t (&irq)[NS_AXI_DMA_CHANNELS])
    : sc_module(name), registers("registers"), mm2s_introut("mm2s_introut"), s2mm_introut("s2mm_introut"),
      machine_(owner), device_(device), first_register_(first_register), irq_{irq[0], irq[1]},
      clock_(static_cast<double>(owner.config().bus_clock_ps), sc_core::SC_PS), site_{NS_NO_SITE, NS_NO_SITE} {
    ns_axi_dma_init(&core_, &config);
    registers.register_b_transport(this, &tlm_axi_dma::register_transport);
    for (unsigned channel = 0; channel < NS_AXI_DMA_CHANNELS; channel++) {
        data_[channel].resize(NS_AXI_DMA_MOVE_BYTES);
        sc_core::sc_spawn([this, channel] { channel_thread(channel); }, sc_core::sc_gen_unique_name("channel"));
    }
}

// ---- streams ------------------------------------------------------------------------------------

ns_axi_dma_stream tlm_axi_dma::stream(unsigned channel) const {
    if (channel == NS_AXI_DMA_MM2S)
        return {sent_.size() < stream_frames ? stream_bytes - sent_bytes_ : 0, false};
    if (received_.empty())
        return {0, false};
    return {received_.front().data.size() - received_.front().taken, received_.front().ended};
}

void tlm_axi_dma::feed(const uint8_t *data, size_t length, bool ends, uint32_t site) {
    while (!takes(length))
        sc_core::wait(room_);
    site_[NS_AXI_DMA_S2MM] = site;
    if (received_.empty() || received_.back().ended)
        received_.emplace_back();
    frame &to = received_.back();
    to.after = drained_;
    to.data.insert(to.data.end(), data, data + length);
    to.ended = ends;
    received_bytes_ += length;
    kick_.notify(SC_ZERO_TIME);
}

void tlm_axi_dma::wait_for_sent() {
    while (sent_length() == 0)
        sc_core::wait(frame_sent_);
}

void tlm_axi_dma::drain(uint8_t *data, uint32_t site) {
    site_[NS_AXI_DMA_MM2S] = site; // what goes on because there is room again
    std::memcpy(data, sent_.front().data.data(), sent_.front().data.size());
    sent_bytes_ -= sent_.front().data.size();
    drained_ = sent_.front().after;
    sent_.pop_front();
    kick_.notify(SC_ZERO_TIME);
}

// A move has been answered well: its bytes have left one stream, or entered the other.
void tlm_axi_dma::moved(unsigned channel, const ns_axi_dma_access &access) {
    if (channel == NS_AXI_DMA_S2MM) {
        frame &from = received_.front();
        if (from.after != 0) // what comes in may be what went out
            ns_tracker_channel_follows(machine_.tracker(), machine_.device_actor(device_), channel, from.after);
        from.taken += access.length;
        received_bytes_ -= access.length;
        if (from.ended && from.taken == from.data.size())
            received_.pop_front();
        room_.notify(SC_ZERO_TIME);
        return;
    }
    if (sent_.empty() || sent_.back().ended)
        sent_.emplace_back();
    frame &to = sent_.back();
    to.data.insert(to.data.end(), data_[channel].begin(), data_[channel].begin() + access.length);
    to.ended = access.ends_frame;
    to.after = answered_[channel];
    sent_bytes_ += access.length;
    if (to.ended)
        frame_sent_.notify(SC_ZERO_TIME);
}

// ---- the channels -------------------------------------------------------------------------------

bool tlm_axi_dma::quiet() const {
    for (unsigned channel = 0; channel < NS_AXI_DMA_CHANNELS; channel++)
        if (core_.channel[channel].under_way != NS_AXI_DMA_NOTHING ||
            ns_axi_dma_next(&core_, channel, stream(channel)).work != NS_AXI_DMA_NOTHING)
            return false;
    return true;
}

void tlm_axi_dma::settle() {
    while (!quiet() && !machine_.log()->truncated)
        sc_core::wait(settled_);
}

ns_axi_dma_answer tlm_axi_dma::perform(unsigned channel, const ns_axi_dma_access &access) {
    uint8_t *data = data_[channel].data();
    const bool write =
        access.work == NS_AXI_DMA_UPDATE || (access.work == NS_AXI_DMA_MOVE && channel == NS_AXI_DMA_S2MM);
    if (access.work == NS_AXI_DMA_UPDATE)
        for (unsigned i = 0; i < 4; i++)
            data[i] = static_cast<uint8_t>(access.status >> (8 * i));
    else if (write)
        std::copy_n(received_.front().data.begin() + static_cast<std::ptrdiff_t>(received_.front().taken),
                    access.length, data);
    const ns_axi_dma_port port = ns_axi_dma_port_of(channel, access.work);
    master_[port].lock();
    const ns_status status =
        engine_access(machine_, {device_, channel, port, site_[channel]},
                      write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, access.address, access.length, data);
    master_[port].unlock();
    answered_[channel] = static_cast<uint32_t>(machine_.log()->event_count) - 1;
    return status == NS_OK              ? NS_AXI_DMA_OKAY
           : status == NS_ERROR_ADDRESS ? NS_AXI_DMA_DECODE_ERROR
                                        : NS_AXI_DMA_SLAVE_ERROR;
}

void tlm_axi_dma::channel_thread(unsigned channel) {
    for (;;) {
        catch_up();
        if (machine_.log()->truncated) { // the run ends here: a ring may go round for ever
            settled_.notify(SC_ZERO_TIME);
            sc_core::wait(kick_);
            continue;
        }
        const ns_axi_dma_access access = ns_axi_dma_next(&core_, channel, stream(channel));
        if (access.work == NS_AXI_DMA_NOTHING) {
            changed();
            const uint32_t clocks = ns_axi_dma_timeout(&core_, channel);
            if (clocks != 0)
                sc_core::wait(clock_ * clocks, kick_);
            else
                sc_core::wait(kick_);
            continue;
        }
        ns_axi_dma_begin(&core_, channel, &access);
        const ns_axi_dma_answer answer = perform(channel, access);
        catch_up();
        if (access.work == NS_AXI_DMA_MOVE && answer == NS_AXI_DMA_OKAY)
            moved(channel, access);
        ns_axi_dma_done(&core_, channel, &access, answer, data_[channel].data());
        changed();
    }
}

void tlm_axi_dma::catch_up() {
    const sc_time passed = sc_core::sc_time_stamp() - caught_up_;
    const uint64_t clocks = passed.value() / clock_.value();
    for (unsigned channel = 0; channel < NS_AXI_DMA_CHANNELS && clocks > 0; channel++)
        ns_axi_dma_elapse(&core_, channel, static_cast<uint32_t>(std::min<uint64_t>(clocks, UINT32_MAX)));
    caught_up_ += clock_ * static_cast<double>(clocks);
    tell();
}

// ---- interrupts ---------------------------------------------------------------------------------

void tlm_axi_dma::set_output(unsigned channel, bool level) {
    if (output_[channel] == level)
        return;
    output_[channel] = level;
    (channel == NS_AXI_DMA_MM2S ? mm2s_introut : s2mm_introut).write(level);
    if (irq_[channel] == no_irq)
        return;
    if (level)
        engine_raise(machine_, {device_, channel, NS_AXI_DMA_PORT_SG, site_[channel]}, irq_[channel], told_[channel]);
    machine_.set_level(irq_[channel], level);
}

// PG021, "MM2S_DMACR", on reset: streams are potentially terminated early. What was under way is no frame any more.
void tlm_axi_dma::cut_streams() {
    resets_ = core_.resets;
    if (!sent_.empty() && !sent_.back().ended) {
        sent_bytes_ -= sent_.back().data.size();
        sent_.pop_back();
    }
    if (!received_.empty() && received_.front().taken > 0) {
        received_bytes_ -= received_.front().data.size() - received_.front().taken;
        received_.pop_front();
        room_.notify(SC_ZERO_TIME);
    }
}

// Whoever reads it in the status register knows of what the channel had done when the bit came. An interrupt that is
// enabled later says no more than that.
void tlm_axi_dma::tell() {
    for (unsigned channel = 0; channel < NS_AXI_DMA_CHANNELS; channel++) {
        const ns_axi_dma_channel &at = core_.channel[channel];
        const bool rests = at.idle || at.halted;
        const bool news = (at.irqs & ~told_irqs_[channel]) != 0 || (rests && !told_rest_[channel]);
        told_irqs_[channel] = at.irqs;
        told_rest_[channel] = rests;
        if (!news)
            continue;
        told_[channel] = answered_[channel];
        ns_tracker_raise_of_channel(machine_.tracker(), machine_.device_actor(device_), channel, told_[channel],
                                    status_line(channel));
    }
}

void tlm_axi_dma::changed() {
    if (core_.resets != resets_)
        cut_streams();
    tell();
    for (unsigned channel = 0; channel < NS_AXI_DMA_CHANNELS; channel++)
        set_output(channel, ns_axi_dma_interrupt(&core_, channel));
    if (quiet())
        settled_.notify(SC_ZERO_TIME);
}

// ---- registers ----------------------------------------------------------------------------------

void tlm_axi_dma::written_by(uint32_t site, uint64_t physical) {
    site_[channel_of(physical - first_register_)] = site;
}

bool tlm_axi_dma::tells_progress(unsigned channel, uint32_t offset, uint32_t value) {
    const uint32_t within = offset >= NS_AXI_DMA_S2MM_BASE ? offset - NS_AXI_DMA_S2MM_BASE : offset;
    if (within == NS_AXI_DMA_DMACR) // a reset is over, which is one of both channels
        return value == (NS_AXI_DMA_RESERVED_ONE | 1u << NS_AXI_DMA_THRESHOLD_SHIFT);
    return within == NS_AXI_DMA_DMASR && channel_of(offset) == channel &&
           (value & (NS_AXI_DMA_HALTED | NS_AXI_DMA_IDLE | NS_AXI_DMA_ALL_IRQS)) != 0;
}

void tlm_axi_dma::register_transport(tlm::tlm_generic_payload &payload, sc_time &delay) {
    const tlm::tlm_response_status refused = refusal(payload);
    if (refused != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
        payload.set_response_status(refused);
        return;
    }
    const uint64_t offset = payload.get_address() - first_register_;
    const unsigned length = payload.get_data_length();
    if (payload.get_byte_enable_ptr() != nullptr || offset % 4 != 0 || length % 4 != 0) {
        payload.set_response_status(payload.get_byte_enable_ptr() != nullptr ? tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE
                                                                             : tlm::TLM_GENERIC_ERROR_RESPONSE);
        return;
    }
    // The access happens here and now, so that the engine does not start before it has arrived.
    sc_core::wait(delay + machine_.register_latency());
    delay = SC_ZERO_TIME;
    catch_up();
    uint8_t *data = payload.get_data_ptr();
    for (unsigned i = 0; i < length; i += 4) {
        const uint32_t at = static_cast<uint32_t>(offset) + i;
        uint32_t value = 0;
        if (payload.is_read()) {
            value = ns_axi_dma_read(&core_, at);
            for (unsigned b = 0; b < 4; b++)
                data[i + b] = static_cast<uint8_t>(value >> (8 * b));
        } else {
            for (unsigned b = 0; b < 4; b++)
                value |= static_cast<uint32_t>(data[i + b]) << (8 * b);
            (void)ns_axi_dma_write(&core_, at, value);
        }
    }
    if (payload.is_write()) {
        changed();
        kick_.notify(SC_ZERO_TIME);
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

} // namespace ns
