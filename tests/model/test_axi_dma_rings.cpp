// SPDX-License-Identifier: Apache-2.0
// Random descriptor rings on both channels against a plain reference: what arrives where, and what each descriptor's
// status says, follows from the lengths of frames and descriptors alone. NS_TEST_SEED=N runs one ring again.
#include "engine_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>

namespace {

using ns_test::engine_memory;
using ns_test::stream_frame;

constexpr uint64_t base = engine_memory::base;
constexpr uint32_t SOF = 1u << 27, EOF_ = 1u << 26, COMPLETE = 1u << 31;

struct slot {
    uint64_t descriptor, buffer;
    uint32_t length;
};

// A ring of its own for one channel, and a driver that hands descriptors out and takes them back.
class ring {
  public:
    ring(engine_memory &engine, std::mt19937_64 &random, unsigned channel, bool realignment)
        : at_(engine), random_(random), channel_(channel), realignment_(realignment),
          size_(2 + static_cast<unsigned>(random() % 9)) {
        const uint64_t start = base + (channel == 0 ? 0x1000 : 0x2000);
        for (unsigned i = 0; i < size_; i++) // descriptors may lie apart
            at_.put_descriptor(start + 128 * i, start + 128 * ((i + 1) % size_), 0, 0);
        start_ = start;
        at_.write(channel, NS_AXI_DMA_CURDESC, static_cast<uint32_t>(start));
        at_.write(channel, NS_AXI_DMA_DMACR, 0x00017001);
    }

    unsigned free_slots() const { return size_ - static_cast<unsigned>(out_.size()); }

    // Gives the next descriptors to the engine, as many as `lengths` has; control flags for each.
    void hand_out(const std::vector<uint32_t> &lengths, const std::vector<uint32_t> &flags) {
        for (size_t i = 0; i < lengths.size(); i++) {
            const uint64_t descriptor = start_ + 128 * next_;
            const uint64_t area = base + 0x4000 + (channel_ == 0 ? 0 : 0x8000) + 0x800 * next_;
            const uint64_t buffer = area + (realignment_ ? random_() % 64 : 4 * (random_() % 16));
            at_.put(descriptor + 8, static_cast<uint32_t>(buffer));
            at_.put(descriptor + 0x18, lengths[i] | flags[i]);
            at_.put(descriptor + 0x1C, 0);
            out_.push_back({descriptor, buffer, lengths[i]});
            next_ = (next_ + 1) % size_;
        }
        at_.write(channel_, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(out_.back().descriptor));
    }

    // The oldest descriptor, complete or not.
    bool oldest(slot *to) const {
        if (out_.empty())
            return false;
        *to = out_.front();
        return true;
    }
    void take_back() { out_.erase(out_.begin()); }

  private:
    engine_memory &at_;
    std::mt19937_64 &random_;
    unsigned channel_;
    bool realignment_;
    unsigned size_, next_ = 0;
    uint64_t start_ = 0;
    std::vector<slot> out_;
};

// Returns what differs from the reference, or nothing.
std::string one_ring(uint64_t seed, uint64_t *frames) {
    std::mt19937_64 random(seed);
    ns_axi_dma_config config = ns_axi_dma_default_config();
    config.realignment = random() % 2 == 0;
    config.prefetch = 1 + static_cast<unsigned>(random() % NS_AXI_DMA_MAX_PREFETCH);
    engine_memory at(config, 0x14000);
    ring tx(at, random, NS_AXI_DMA_MM2S, config.realignment), rx(at, random, NS_AXI_DMA_S2MM, config.realignment);
    std::vector<std::vector<uint8_t>> expected_sent; // frames
    std::vector<uint8_t> open_frame;                 // of MM2S, not ended
    std::vector<std::vector<uint8_t>> fed;           // frames that S2MM gets
    size_t rx_frame = 0, rx_offset = 0;              // where the reference stands in `fed`
    std::vector<uint32_t> tx_status;                 // expected, oldest first
    uint8_t value = static_cast<uint8_t>(random());
    const auto where = [seed](const char *what) {
        return std::string(what) + ", NS_TEST_SEED=" + std::to_string(seed);
    };

    for (unsigned turn = 0; turn < 40; turn++) {
        if (const unsigned room = tx.free_slots(); room > 0 && random() % 2 == 0) {
            const unsigned count = 1 + static_cast<unsigned>(random() % room);
            std::vector<uint32_t> lengths, flags;
            std::vector<uint8_t> fresh; // what these descriptors send
            for (unsigned i = 0; i < count; i++) {
                const bool ends = random() % 3 != 0;
                lengths.push_back(1 + static_cast<uint32_t>(random() % 300));
                flags.push_back((open_frame.empty() ? SOF : 0) | (ends ? EOF_ : 0));
                std::vector<uint8_t> data(lengths.back());
                for (uint8_t &byte : data)
                    byte = value++;
                open_frame.insert(open_frame.end(), data.begin(), data.end());
                fresh.insert(fresh.end(), data.begin(), data.end());
                tx_status.push_back(COMPLETE | lengths.back());
                if (ends) {
                    expected_sent.push_back(open_frame);
                    open_frame.clear();
                }
            }
            // The bytes go to where hand_out() puts the buffers: write them behind it, before the engine moves.
            tx.hand_out(lengths, flags);
            size_t offset = 0;
            const std::vector<slot> now = [&] {
                std::vector<slot> list;
                ring copy = tx;
                slot one;
                while (copy.oldest(&one)) {
                    list.push_back(one);
                    copy.take_back();
                }
                return std::vector<slot>(list.end() - count, list.end());
            }();
            for (const slot &one : now) {
                std::copy_n(fresh.begin() + static_cast<std::ptrdiff_t>(offset), one.length,
                            at.memory.begin() + static_cast<std::ptrdiff_t>(one.buffer - base));
                offset += one.length;
            }
        }
        if (const unsigned room = rx.free_slots(); room > 0 && random() % 2 == 0) {
            std::vector<uint32_t> lengths(1 + random() % room), flags(lengths.size(), 0);
            for (uint32_t &length : lengths)
                length = 1 + static_cast<uint32_t>(random() % 300);
            rx.hand_out(lengths, flags);
        }
        if (random() % 2 == 0) {
            stream_frame one;
            one.data.resize(1 + random() % 700);
            for (uint8_t &byte : one.data)
                byte = value++;
            fed.push_back(one.data);
            at.received.push_back(one);
        }
        at.room = random() % 4 == 0 ? random() % 200 : UINT64_MAX; // sometimes nobody takes what is sent
        for (uint64_t steps = random() % 40; steps > 0; steps--)
            at.step(static_cast<unsigned>(random() % 2));
        if (random() % 3 == 0)
            at.settle();

        slot one;
        while (tx.oldest(&one) && (at.status(one.descriptor) & COMPLETE) != 0) {
            if (at.status(one.descriptor) != tx_status.front())
                return where("the status of a descriptor that was sent");
            tx_status.erase(tx_status.begin());
            tx.take_back();
        }
        while (rx.oldest(&one) && (at.status(one.descriptor) & COMPLETE) != 0) {
            if (rx_frame >= fed.size())
                return where("a descriptor is complete, and nothing was sent to it");
            const std::vector<uint8_t> &frame = fed[rx_frame];
            const uint32_t length = std::min<uint32_t>(one.length, static_cast<uint32_t>(frame.size() - rx_offset));
            const bool ends = rx_offset + length == frame.size();
            const uint32_t expected = COMPLETE | (rx_offset == 0 ? SOF : 0) | (ends ? EOF_ : 0) | length;
            if (at.status(one.descriptor) != expected)
                return where("the status of a descriptor that was received into");
            if (!std::equal(frame.begin() + static_cast<std::ptrdiff_t>(rx_offset),
                            frame.begin() + static_cast<std::ptrdiff_t>(rx_offset + length),
                            at.memory.begin() + static_cast<std::ptrdiff_t>(one.buffer - base)))
                return where("bytes received");
            rx_offset = ends ? 0 : rx_offset + length;
            rx_frame += ends ? 1 : 0;
            rx.take_back();
        }
        if ((at.read(0, NS_AXI_DMA_DMASR) & NS_AXI_DMA_ALL_ERRORS) != 0 ||
            (at.read(1, NS_AXI_DMA_DMASR) & NS_AXI_DMA_ALL_ERRORS) != 0)
            return where("an error that nobody made");
    }
    at.room = UINT64_MAX;
    at.settle();
    size_t ended = 0;
    for (const stream_frame &frame : at.sent) {
        const std::vector<uint8_t> &expected = frame.ended ? expected_sent.at(ended) : open_frame;
        if (frame.data != expected)
            return where("bytes sent");
        ended += frame.ended ? 1 : 0;
    }
    if (ended != expected_sent.size())
        return where("the number of frames sent");
    if ((at.read(0, NS_AXI_DMA_DMASR) & NS_AXI_DMA_IDLE) == 0 && !at.log.empty() && ended > 0)
        return where("MM2S is not idle at its tail");
    *frames += ended + rx_frame;
    return "";
}

TEST(AxiDmaRings, MoveWhatThePlainReferenceMoves) {
    const char *text = std::getenv("NS_TEST_SEED");
    const uint64_t first = text == nullptr ? 1 : std::strtoull(text, nullptr, 0);
#if defined(__SANITIZE_ADDRESS__) // some fifty times slower
    const uint64_t all = 400;
#else
    const uint64_t all = 4000;
#endif
    const uint64_t count = text == nullptr ? all : 1;
    uint64_t frames = 0;
    for (uint64_t seed = first; seed < first + count; seed++)
        ASSERT_EQ(one_ring(seed, &frames), "");
    if (text == nullptr) {
        EXPECT_GT(frames, 12 * all) << "the rings carry too little to show anything";
    }
}

} // namespace
