// SPDX-License-Identifier: Apache-2.0
//
// The engine's core on plain memory: makes the accesses that it asks for, one at a time, and plays the device at the
// other end of its streams.
#ifndef NS_TESTS_MODEL_ENGINE_MEMORY_H
#define NS_TESTS_MODEL_ENGINE_MEMORY_H

#include "model/axi_dma.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <set>
#include <vector>

namespace ns_test {

struct stream_frame {
    std::vector<uint8_t> data;
    bool ended = true;
    size_t taken = 0;
};

class engine_memory {
  public:
    static constexpr uint64_t base = 0x80000000;

    explicit engine_memory(const ns_axi_dma_config &config, size_t bytes = 1 << 16) : memory(bytes) {
        ns_axi_dma_init(&dma, &config);
    }

    // Registers of a channel, by the offset within it.
    uint32_t read(unsigned channel, uint32_t offset) const { return ns_axi_dma_read(&dma, channel * 0x30 + offset); }
    bool write(unsigned channel, uint32_t offset, uint32_t value) {
        return ns_axi_dma_write(&dma, channel * 0x30 + offset, value);
    }

    void put(uint64_t address, uint32_t word) {
        for (unsigned i = 0; i < 4; i++)
            memory[address - base + i] = static_cast<uint8_t>(word >> (8 * i));
    }
    uint32_t get(uint64_t address) const {
        uint32_t word = 0;
        for (unsigned i = 0; i < 4; i++)
            word |= static_cast<uint32_t>(memory[address - base + i]) << (8 * i);
        return word;
    }
    void put_descriptor(uint64_t at, uint64_t next, uint64_t buffer, uint32_t control, uint32_t status = 0) {
        put(at, static_cast<uint32_t>(next));
        put(at + 4, static_cast<uint32_t>(next >> 32));
        put(at + 8, static_cast<uint32_t>(buffer));
        put(at + 12, static_cast<uint32_t>(buffer >> 32));
        put(at + 0x18, control);
        put(at + 0x1C, status);
    }
    uint32_t status(uint64_t descriptor) const { return get(descriptor + 0x1C); }

    ns_axi_dma_stream stream(unsigned channel) const {
        if (channel == NS_AXI_DMA_MM2S)
            return {room, false};
        if (received.empty())
            return {0, false};
        return {received.front().data.size() - received.front().taken, received.front().ended};
    }
    ns_axi_dma_access next(unsigned channel) const { return ns_axi_dma_next(&dma, channel, stream(channel)); }

    // One access of the channel; false: it has nothing to do.
    bool step(unsigned channel) {
        const ns_axi_dma_access access = next(channel);
        if (access.work == NS_AXI_DMA_NOTHING)
            return false;
        ns_axi_dma_begin(&dma, channel, &access);
        finish(channel, access);
        return true;
    }
    void finish(unsigned channel, const ns_axi_dma_access &access) {
        uint8_t data[NS_AXI_DMA_MOVE_BYTES] = {};
        ns_axi_dma_answer answer = NS_AXI_DMA_OKAY;
        const uint64_t address = access.address & 0xFFFFFFFF; // a 32-bit part drives no more
        if (address < base || address - base + access.length > memory.size())
            answer = NS_AXI_DMA_DECODE_ERROR;
        else if (slave_errors.count(address) > 0)
            answer = NS_AXI_DMA_SLAVE_ERROR;
        else
            perform(channel, access, address - base, data);
        log.push_back(access);
        ns_axi_dma_done(&dma, channel, &access, answer, data);
    }
    // Both channels, until neither has anything to do.
    void settle() {
        for (bool any = true; any;) {
            any = false;
            for (unsigned channel = 0; channel < NS_AXI_DMA_CHANNELS; channel++)
                any = step(channel) || any;
        }
    }

    ns_axi_dma dma;
    std::vector<uint8_t> memory;
    std::deque<stream_frame> received; // waiting for S2MM
    std::vector<stream_frame> sent;    // by MM2S
    uint64_t room = UINT64_MAX;        // of whoever takes what MM2S sends
    std::set<uint64_t> slave_errors;   // addresses that answer an access that begins there with an error
    std::vector<ns_axi_dma_access> log;

  private:
    void perform(unsigned channel, const ns_axi_dma_access &access, uint64_t offset, uint8_t *data) {
        if (access.work == NS_AXI_DMA_FETCH) {
            std::memcpy(data, &memory[offset], access.length);
        } else if (access.work == NS_AXI_DMA_UPDATE) {
            put(base + offset, access.status);
        } else if (channel == NS_AXI_DMA_MM2S) {
            if (sent.empty() || sent.back().ended)
                sent.push_back({{}, false, 0});
            sent.back().data.insert(sent.back().data.end(), memory.begin() + static_cast<std::ptrdiff_t>(offset),
                                    memory.begin() + static_cast<std::ptrdiff_t>(offset + access.length));
            sent.back().ended = access.ends_frame;
            room -= room == UINT64_MAX ? 0 : access.length;
        } else {
            stream_frame &from = received.front();
            std::memcpy(&memory[offset], from.data.data() + from.taken, access.length);
            from.taken += access.length;
            if (from.ended && from.taken == from.data.size())
                received.pop_front();
        }
    }
};

} // namespace ns_test

#endif
