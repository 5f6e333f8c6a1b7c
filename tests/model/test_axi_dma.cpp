// SPDX-License-Identifier: Apache-2.0
// The register map and the behaviour of the AXI DMA engine, from PG021 (AXI DMA v7.1 LogiCORE IP Product Guide); what
// the guide leaves open is what model/axi_dma.h says.
#include "engine_memory.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using ns_test::engine_memory;
using ns_test::stream_frame;

constexpr unsigned MM2S = NS_AXI_DMA_MM2S, S2MM = NS_AXI_DMA_S2MM;
constexpr uint64_t base = engine_memory::base;
constexpr uint64_t ring = base + 0x1000;   // descriptors
constexpr uint64_t buffer = base + 0x4000; // data
constexpr uint32_t SOF = 1u << 27, EOF_ = 1u << 26, COMPLETE = 1u << 31;
constexpr uint32_t run = 0x00017001; // run, all interrupts, threshold 1

ns_axi_dma_config direct() {
    ns_axi_dma_config config = ns_axi_dma_default_config();
    config.scatter_gather = false;
    return config;
}
uint64_t descriptor(unsigned i) {
    return ring + 64 * i;
}

// A chain of `count` descriptors, each with its own buffer of `length` bytes.
void chain(engine_memory &at, unsigned count, uint32_t length, uint32_t flags) {
    for (unsigned i = 0; i < count; i++)
        at.put_descriptor(descriptor(i), descriptor((i + 1) % count), buffer + 0x100 * i, length | flags);
}
void start(engine_memory &at, unsigned channel, uint32_t control, uint64_t first, uint64_t tail) {
    at.write(channel, NS_AXI_DMA_CURDESC, static_cast<uint32_t>(first));
    at.write(channel, NS_AXI_DMA_DMACR, control);
    at.write(channel, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(tail));
}
stream_frame frame(size_t length, uint8_t first = 0, bool ended = true) {
    stream_frame one;
    for (size_t i = 0; i < length; i++)
        one.data.push_back(static_cast<uint8_t>(first + i));
    one.ended = ended;
    return one;
}

// ---- the register map ---------------------------------------------------------------------------

struct register_row {
    const char *name;
    uint32_t offset, reset;
    uint32_t writable; // while halted
};
// PG021, "Scatter/Gather Mode Register Address Map" and the register sections: reset values and access types.
const register_row sg_map[] = {
    {"MM2S_DMACR", 0x00, 0x00010002, 0xFFFF7019},
    {"MM2S_DMASR", 0x04, 0x00010009, 0},
    {"MM2S_CURDESC", 0x08, 0, 0xFFFFFFC0},
    {"MM2S_CURDESC_MSB", 0x0C, 0, 0},
    {"MM2S_TAILDESC", 0x10, 0, 0xFFFFFFC0},
    {"MM2S_TAILDESC_MSB", 0x14, 0, 0},
    {"MM2S_SA", 0x18, 0, 0},
    {"MM2S_SA_MSB", 0x1C, 0, 0},
    {"MM2S_LENGTH", 0x28, 0, 0},
    {"SG_CTL", 0x2C, 0x00000003, 0x00000F0F},
    {"S2MM_DMACR", 0x30, 0x00010002, 0xFFFF7019},
    {"S2MM_DMASR", 0x34, 0x00010009, 0},
    {"S2MM_CURDESC", 0x38, 0, 0xFFFFFFC0},
    {"S2MM_CURDESC_MSB", 0x3C, 0, 0},
    {"S2MM_TAILDESC", 0x40, 0, 0xFFFFFFC0},
    {"S2MM_TAILDESC_MSB", 0x44, 0, 0},
    {"S2MM_DA", 0x48, 0, 0},
    {"S2MM_DA_MSB", 0x4C, 0, 0},
    {"S2MM_LENGTH", 0x58, 0, 0},
};
const register_row direct_map[] = {
    {"MM2S_DMACR", 0x00, 0x00010002, 0xFFFF7019},
    {"MM2S_DMASR", 0x04, 0x00010001, 0},
    {"MM2S_CURDESC", 0x08, 0, 0},
    {"MM2S_TAILDESC", 0x10, 0, 0},
    {"MM2S_SA", 0x18, 0, 0xFFFFFFFF},
    {"MM2S_SA_MSB", 0x1C, 0, 0},
    {"MM2S_LENGTH", 0x28, 0, 0x00003FFF},
    {"SG_CTL", 0x2C, 0, 0},
    {"S2MM_DA", 0x48, 0, 0xFFFFFFFF},
    {"S2MM_DA_MSB", 0x4C, 0, 0},
    {"S2MM_LENGTH", 0x58, 0, 0x00003FFF},
};

template <size_t Count> void check_map(const register_row (&rows)[Count], const ns_axi_dma_config &config) {
    for (const register_row &row : rows) {
        ns_axi_dma dma;
        ns_axi_dma_init(&dma, &config);
        EXPECT_EQ(ns_axi_dma_register(row.name, static_cast<unsigned>(std::string(row.name).size())), row.offset);
        EXPECT_EQ(ns_axi_dma_read(&dma, row.offset), row.reset) << row.name;
        for (unsigned bit = 0; bit < 32; bit++) {
            if (row.offset % 0x30 == 0 && (bit == 0 || bit == 2))
                continue; // run and reset do something: tests of their own
            ns_axi_dma_init(&dma, &config);
            const uint32_t value = 1u << bit;
            EXPECT_FALSE(ns_axi_dma_write(&dma, row.offset, value)) << row.name << " starts nothing while halted";
            uint32_t expected = (row.writable & value) != 0 ? value : 0;
            if (row.writable == 0)
                expected = row.reset;
            else if (row.offset % 0x30 == 0) // bit 1 reads 1; a threshold of 0 is not taken
                expected |= 2u | ((value & 0x00FF0000) == 0 ? 0x00010000 : 0);
            EXPECT_EQ(ns_axi_dma_read(&dma, row.offset), expected) << row.name << " bit " << bit;
        }
    }
}

TEST(AxiDmaRegisters, HaveTheResetValuesAndWritableBitsOfTheGuideWithScatterGather) {
    check_map(sg_map, ns_axi_dma_default_config());
}
TEST(AxiDmaRegisters, HaveThoseOfDirectModeWithoutIt) {
    check_map(direct_map, direct());
}
TEST(AxiDmaRegisters, ThatDoNotExistReadZero) {
    engine_memory at(ns_axi_dma_default_config());
    for (const uint32_t offset : {0x20u, 0x24u, 0x50u, 0x54u, 0x5Cu, 0x60u, 0xFFCu}) {
        ns_axi_dma_write(&at.dma, offset, UINT32_MAX);
        EXPECT_EQ(ns_axi_dma_read(&at.dma, offset), 0u) << offset;
    }
    EXPECT_EQ(ns_axi_dma_register("MM2S_DMACRX", 11), UINT32_MAX);
    EXPECT_EQ(ns_axi_dma_register("MM2S_DMAC", 9), UINT32_MAX);
}
TEST(AxiDmaRegisters, HaveUpperHalvesAbove32BitsAsWideAsTheAddress) {
    ns_axi_dma_config config = ns_axi_dma_default_config();
    config.address_bits = 40;
    engine_memory at(config);
    at.write(MM2S, NS_AXI_DMA_CURDESC_MSB, UINT32_MAX);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_CURDESC_MSB), 0xFFu);
    at.write(MM2S, NS_AXI_DMA_CURDESC_MSB, 0);
    at.write(MM2S, NS_AXI_DMA_DMACR, run);
    EXPECT_FALSE(at.write(MM2S, NS_AXI_DMA_TAILDESC, 0x80001000)) << "the upper half starts it";
    EXPECT_TRUE(at.write(MM2S, NS_AXI_DMA_TAILDESC_MSB, 0));
    EXPECT_EQ(at.next(MM2S).work, NS_AXI_DMA_FETCH);
}
TEST(AxiDmaRegisters, LengthIsAsWideAsItsParameter) {
    for (unsigned bits = 8; bits <= 26; bits++) {
        ns_axi_dma_config config = direct();
        config.length_bits = bits;
        engine_memory at(config);
        at.write(S2MM, NS_AXI_DMA_LENGTH, UINT32_MAX);
        EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_LENGTH), (1u << bits) - 1) << bits;
    }
}
TEST(AxiDmaRegisters, CurdescIsReadOnlyWhileTheChannelRuns) {
    engine_memory at(ns_axi_dma_default_config());
    at.write(MM2S, NS_AXI_DMA_CURDESC, 0x80001000);
    at.write(MM2S, NS_AXI_DMA_DMACR, run);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & NS_AXI_DMA_HALTED, 0u);
    at.write(MM2S, NS_AXI_DMA_CURDESC, 0x80002000);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_CURDESC), 0x80001000u);
    at.write(MM2S, NS_AXI_DMA_DMACR, 0x00010000);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & NS_AXI_DMA_HALTED, 1u);
    at.write(MM2S, NS_AXI_DMA_CURDESC, 0x80002000);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_CURDESC), 0x80002000u);
}
TEST(AxiDmaRegisters, InterruptBitsAreClearedByWritingOnesAndErrorsAreNot) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 1, 0, SOF | EOF_); // length 0: an internal error
    start(at, MM2S, run, descriptor(0), descriptor(0));
    at.settle();
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x00014019u);
    at.write(MM2S, NS_AXI_DMA_DMASR, ~NS_AXI_DMA_ERROR_IRQ);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x00014019u) << "other bits clear nothing";
    at.write(MM2S, NS_AXI_DMA_DMASR, NS_AXI_DMA_ERROR_IRQ);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x00010019u) << "the error stays until a reset";
}
TEST(AxiDmaRegisters, AnInterruptIsDrivenAsLongAsItsBitAndItsEnableBitAreSet) {
    engine_memory at(direct());
    at.write(MM2S, NS_AXI_DMA_ADDRESS, static_cast<uint32_t>(buffer));
    at.write(MM2S, NS_AXI_DMA_DMACR, 1);
    at.write(MM2S, NS_AXI_DMA_LENGTH, 4);
    at.settle();
    EXPECT_FALSE(ns_axi_dma_interrupt(&at.dma, MM2S)) << "not enabled";
    at.write(MM2S, NS_AXI_DMA_DMACR, 0x1001);
    EXPECT_TRUE(ns_axi_dma_interrupt(&at.dma, MM2S));
    EXPECT_FALSE(ns_axi_dma_interrupt(&at.dma, S2MM));
    at.write(MM2S, NS_AXI_DMA_DMASR, NS_AXI_DMA_IOC_IRQ);
    EXPECT_FALSE(ns_axi_dma_interrupt(&at.dma, MM2S));
}

// ---- direct mode --------------------------------------------------------------------------------

TEST(AxiDmaDirect, SendsOneFrameAndIsIdle) {
    engine_memory at(direct());
    for (unsigned i = 0; i < 9000; i++)
        at.memory[buffer - base + i] = static_cast<uint8_t>(i * 7);
    at.write(MM2S, NS_AXI_DMA_ADDRESS, static_cast<uint32_t>(buffer));
    EXPECT_FALSE(at.write(MM2S, NS_AXI_DMA_LENGTH, 9000)) << "halted: no effect";
    at.settle();
    EXPECT_TRUE(at.sent.empty());
    at.write(MM2S, NS_AXI_DMA_DMACR, run);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x00010000u) << "neither halted nor idle before the first transfer";
    EXPECT_FALSE(at.write(MM2S, NS_AXI_DMA_LENGTH, 0)) << "zero has no effect";
    EXPECT_TRUE(at.write(MM2S, NS_AXI_DMA_LENGTH, 9000));
    at.settle();
    ASSERT_EQ(at.sent.size(), 1u);
    EXPECT_TRUE(at.sent[0].ended);
    ASSERT_EQ(at.sent[0].data.size(), 9000u);
    EXPECT_EQ(at.sent[0].data[8999], static_cast<uint8_t>(8999 * 7));
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x00011002u);
    for (const ns_axi_dma_access &access : at.log)
        EXPECT_EQ(access.work, NS_AXI_DMA_MOVE) << "no descriptors in direct mode";
}
TEST(AxiDmaDirect, ReportsTheBytesReceived) {
    engine_memory at(direct());
    at.write(S2MM, NS_AXI_DMA_DMACR, run);
    at.write(S2MM, NS_AXI_DMA_ADDRESS, static_cast<uint32_t>(buffer));
    at.write(S2MM, NS_AXI_DMA_LENGTH, 256);
    at.settle();
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMASR), 0x00010000u) << "waits for a frame";
    at.received.push_back(frame(100, 1));
    at.settle();
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_LENGTH), 100u);
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMASR), 0x00011002u);
    EXPECT_EQ(at.memory[buffer - base + 99], 100);
    EXPECT_EQ(at.memory[buffer - base + 100], 0);
}
TEST(AxiDmaDirect, AFrameThatIsLongerThanLengthIsAnInternalError) {
    engine_memory at(direct());
    at.write(S2MM, NS_AXI_DMA_DMACR, run);
    at.write(S2MM, NS_AXI_DMA_ADDRESS, static_cast<uint32_t>(buffer));
    at.write(S2MM, NS_AXI_DMA_LENGTH, 64);
    at.received.push_back(frame(65));
    at.settle();
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMASR), 0x00014011u);
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMACR) & NS_AXI_DMA_RUN, 0u) << "the hardware clears it";
    EXPECT_EQ(at.memory[buffer - base + 64], 0) << "nothing is written behind the buffer";
}
TEST(AxiDmaDirect, AFrameMayComeInParts) {
    engine_memory at(direct());
    at.write(S2MM, NS_AXI_DMA_DMACR, run);
    at.write(S2MM, NS_AXI_DMA_ADDRESS, static_cast<uint32_t>(buffer));
    at.write(S2MM, NS_AXI_DMA_LENGTH, 64);
    at.received.push_back(frame(10, 0, false));
    at.settle();
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMASR), 0x00010000u);
    at.received.front().data.push_back(0x77);
    at.received.front().ended = true;
    at.settle();
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_LENGTH), 11u);
    EXPECT_EQ(at.memory[buffer - base + 10], 0x77);
}
TEST(AxiDmaDirect, StoppingFinishesTheTransferInFlight) {
    engine_memory at(direct());
    at.write(MM2S, NS_AXI_DMA_DMACR, run);
    at.write(MM2S, NS_AXI_DMA_ADDRESS, static_cast<uint32_t>(buffer));
    at.write(MM2S, NS_AXI_DMA_LENGTH, 9000);
    ASSERT_TRUE(at.step(MM2S));
    at.write(MM2S, NS_AXI_DMA_DMACR, run & ~1u);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & NS_AXI_DMA_HALTED, 0u) << "there can be a lag";
    at.settle();
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & (NS_AXI_DMA_HALTED | NS_AXI_DMA_IDLE | NS_AXI_DMA_IOC_IRQ),
              NS_AXI_DMA_HALTED | NS_AXI_DMA_IOC_IRQ);
    ASSERT_EQ(at.sent.size(), 1u);
    EXPECT_EQ(at.sent[0].data.size(), 9000u);
}

// ---- scatter-gather -----------------------------------------------------------------------------

TEST(AxiDmaSg, SendsAFrameOfSeveralDescriptorsAndStopsAtTheTail) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 16, 0);
    at.put(descriptor(0) + 0x18, 16 | SOF);
    at.put(descriptor(2) + 0x18, 16 | EOF_);
    at.memory[buffer - base + 0x100] = 0x42;
    start(at, MM2S, run, descriptor(0), descriptor(2));
    at.settle();
    ASSERT_EQ(at.sent.size(), 1u);
    EXPECT_EQ(at.sent[0].data.size(), 48u);
    EXPECT_EQ(at.sent[0].data[16], 0x42);
    for (unsigned i = 0; i < 3; i++)
        EXPECT_EQ(at.status(descriptor(i)), COMPLETE | 16) << i;
    EXPECT_EQ(at.status(descriptor(3)), 0u) << "behind the tail";
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x0001100Au);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_CURDESC), static_cast<uint32_t>(descriptor(2)));
}
TEST(AxiDmaSg, FetchesAheadUpToItsDepthAndNotBeyondTheTail) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 8, 16, SOF | EOF_);
    start(at, MM2S, run, descriptor(0), descriptor(7));
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQ(at.next(MM2S).work, NS_AXI_DMA_FETCH);
        EXPECT_EQ(at.next(MM2S).address, descriptor(i));
        at.step(MM2S);
    }
    EXPECT_EQ(at.next(MM2S).work, NS_AXI_DMA_MOVE);
    at.put(descriptor(3) + 0x18, 4 | SOF | EOF_); // too late: it was fetched
    at.put(descriptor(4) + 0x18, 8 | SOF | EOF_); // early enough
    at.settle();
    EXPECT_EQ(at.status(descriptor(3)), COMPLETE | 16);
    EXPECT_EQ(at.status(descriptor(4)), COMPLETE | 8);
    engine_memory small(ns_axi_dma_default_config());
    chain(small, 8, 16, SOF | EOF_);
    start(small, MM2S, run, descriptor(0), descriptor(1));
    small.step(MM2S);
    small.step(MM2S);
    EXPECT_EQ(small.next(MM2S).work, NS_AXI_DMA_MOVE) << "the tail has been fetched";
}
TEST(AxiDmaSg, ANewTailExtendsTheWorkAndOneAtRestContinuesBehindTheOld) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 8, 16, SOF | EOF_);
    start(at, MM2S, run, descriptor(0), descriptor(1));
    at.step(MM2S);
    at.write(MM2S, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(descriptor(3)));
    at.settle();
    EXPECT_EQ(at.sent.size(), 4u);
    EXPECT_NE(at.read(MM2S, NS_AXI_DMA_DMASR) & NS_AXI_DMA_IDLE, 0u);
    at.write(MM2S, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(descriptor(5)));
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & NS_AXI_DMA_IDLE, 0u);
    EXPECT_EQ(at.next(MM2S).address, descriptor(4));
    at.settle();
    EXPECT_EQ(at.sent.size(), 6u);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & NS_AXI_DMA_ALL_ERRORS, 0u);
}
TEST(AxiDmaSg, TheTailOfAHaltedChannelStartsNothing) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 2, 16, SOF | EOF_);
    at.write(MM2S, NS_AXI_DMA_CURDESC, static_cast<uint32_t>(descriptor(0)));
    EXPECT_FALSE(at.write(MM2S, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(descriptor(1))));
    at.write(MM2S, NS_AXI_DMA_DMACR, run);
    at.settle();
    EXPECT_TRUE(at.log.empty());
}
TEST(AxiDmaSg, AReceivedFrameFillsDescriptorsAndMarksItsFirstAndLast) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 64, 0);
    start(at, S2MM, run, descriptor(0), descriptor(3));
    at.received.push_back(frame(150, 3));
    at.received.push_back(frame(64, 9));
    at.settle();
    EXPECT_EQ(at.status(descriptor(0)), COMPLETE | SOF | 64);
    EXPECT_EQ(at.status(descriptor(1)), COMPLETE | 64);
    EXPECT_EQ(at.status(descriptor(2)), COMPLETE | EOF_ | 22);
    EXPECT_EQ(at.status(descriptor(3)), COMPLETE | SOF | EOF_ | 64) << "an exact fit";
    EXPECT_EQ(at.memory[buffer - base + 0x200 + 21], static_cast<uint8_t>(3 + 149));
    EXPECT_EQ(at.memory[buffer - base + 0x200 + 22], 0);
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMASR), 0x0001100Au);
}
TEST(AxiDmaSg, WithoutDescriptorsAFrameWaits) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 64, 0);
    start(at, S2MM, run, descriptor(0), descriptor(0));
    at.received.push_back(frame(100));
    at.settle();
    EXPECT_EQ(at.received.size(), 1u);
    at.write(S2MM, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(descriptor(1)));
    at.settle();
    EXPECT_TRUE(at.received.empty());
    EXPECT_EQ(at.status(descriptor(1)), COMPLETE | EOF_ | 36);
}
TEST(AxiDmaSg, StoppingFinishesTheDescriptorInFlightAndDropsTheRest) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 3, 6000, SOF | EOF_);
    start(at, MM2S, run, descriptor(0), descriptor(2));
    while (at.next(MM2S).work == NS_AXI_DMA_FETCH)
        at.step(MM2S);
    at.step(MM2S); // 4096 of 6000
    at.write(MM2S, NS_AXI_DMA_DMACR, run & ~1u);
    at.settle();
    EXPECT_EQ(at.status(descriptor(0)), COMPLETE | 6000);
    EXPECT_EQ(at.status(descriptor(1)), 0u);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & (NS_AXI_DMA_HALTED | NS_AXI_DMA_IDLE), NS_AXI_DMA_HALTED);
    // It can go on where the driver says.
    start(at, MM2S, run, descriptor(1), descriptor(2));
    at.settle();
    EXPECT_EQ(at.status(descriptor(2)), COMPLETE | 6000);
}
TEST(AxiDmaSg, CyclicModeIgnoresTheCompleteBitAndTheTail) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 3, 16, SOF | EOF_);
    start(at, MM2S, run | NS_AXI_DMA_CYCLIC, descriptor(0), base + 0xFC0); // a tail that is not in the ring
    for (unsigned i = 0; i < 90; i++) // a fetch, a move and an update for each descriptor
        ASSERT_TRUE(at.step(MM2S));
    EXPECT_GE(at.sent.size(), 28u);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) & (NS_AXI_DMA_ALL_ERRORS | NS_AXI_DMA_IDLE), 0u);
}

// ---- errors -------------------------------------------------------------------------------------

struct error_row {
    const char *what;
    uint32_t bit;          // of DMASR
    uint32_t status;       // what the descriptor shows afterwards
    uint32_t control;      // of the descriptor
    uint64_t at;           // its buffer
    uint32_t was;          // its status before
    uint64_t slave_error;  // an address that answers with one
    bool descriptor_there; // or nothing answers at its address
};
const error_row errors[] = {
    {"a zero length", NS_AXI_DMA_INT_ERROR, COMPLETE | 1u << 28, SOF | EOF_, buffer, 0, 0, true},
    {"a length wider than the field", NS_AXI_DMA_INT_ERROR, COMPLETE | 1u << 28, SOF | EOF_ | 0x4000, buffer, 0, 0,
     true},
    {"an unaligned buffer", NS_AXI_DMA_INT_ERROR, COMPLETE | 1u << 28, SOF | EOF_ | 16, buffer + 2, 0, 0, true},
    {"a buffer where nothing is", NS_AXI_DMA_DEC_ERROR, COMPLETE | 1u << 30, SOF | EOF_ | 16, 0x1000, 0, 0, true},
    {"a buffer that answers with an error", NS_AXI_DMA_SLV_ERROR, COMPLETE | 1u << 29, SOF | EOF_ | 16, buffer, 0,
     buffer, true},
    {"a complete descriptor", NS_AXI_DMA_SG_INT_ERROR, COMPLETE | 5, SOF | EOF_ | 16, buffer, COMPLETE | 5, 0, true},
    {"a descriptor that answers with an error", NS_AXI_DMA_SG_SLV_ERROR, 0, SOF | EOF_ | 16, buffer, 0, ring, true},
    {"a status that cannot be written", NS_AXI_DMA_SG_SLV_ERROR, 0, SOF | EOF_ | 16, buffer, 0, ring + 0x1C, true},
    {"a descriptor where nothing is", NS_AXI_DMA_SG_DEC_ERROR, 0, SOF | EOF_ | 16, buffer, 0, 0, false},
};

TEST(AxiDmaErrors, EachSetsItsBitHaltsTheChannelAndInterrupts) {
    for (const unsigned channel : {MM2S, S2MM})
        for (const error_row &row : errors) {
            engine_memory at(ns_axi_dma_default_config());
            at.put_descriptor(ring, ring, row.at, row.control, row.was);
            if (row.slave_error != 0)
                at.slave_errors.insert(row.slave_error);
            at.received.push_back(frame(16));
            const uint64_t first = row.descriptor_there ? ring : 0x2000;
            start(at, channel, run, first, first);
            at.settle();
            EXPECT_EQ(at.read(channel, NS_AXI_DMA_DMASR), 0x00014009u | row.bit) << row.what;
            EXPECT_EQ(at.read(channel, NS_AXI_DMA_DMACR) & NS_AXI_DMA_RUN, 0u) << row.what;
            EXPECT_EQ(at.read(channel, NS_AXI_DMA_CURDESC), static_cast<uint32_t>(first)) << row.what;
            EXPECT_EQ(at.status(ring), row.status) << row.what;
            EXPECT_TRUE(ns_axi_dma_interrupt(&at.dma, channel)) << row.what;
            at.write(channel, NS_AXI_DMA_DMACR, run);
            EXPECT_NE(at.read(channel, NS_AXI_DMA_DMASR) & NS_AXI_DMA_HALTED, 0u)
                << "only a reset ends it: " << row.what;
            at.write(channel, NS_AXI_DMA_DMACR, NS_AXI_DMA_RESET);
            EXPECT_EQ(at.read(channel, NS_AXI_DMA_DMASR), 0x00010009u) << row.what;
        }
}
TEST(AxiDmaErrors, DescriptorsInFrontOfABadOneComplete) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 16, SOF | EOF_);
    at.put(descriptor(2) + 0x1C, COMPLETE);
    start(at, MM2S, run, descriptor(0), descriptor(3));
    at.settle();
    EXPECT_EQ(at.sent.size(), 2u);
    EXPECT_EQ(at.status(descriptor(1)), COMPLETE | 16);
    EXPECT_EQ(at.status(descriptor(3)), 0u);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_CURDESC), static_cast<uint32_t>(descriptor(2)));
}
TEST(AxiDmaErrors, InDirectModeReachTheRegister) {
    engine_memory at(direct());
    at.write(MM2S, NS_AXI_DMA_DMACR, run);
    at.write(MM2S, NS_AXI_DMA_ADDRESS, 0x1000);
    at.write(MM2S, NS_AXI_DMA_LENGTH, 4);
    at.settle();
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x00014041u);
    at.write(MM2S, NS_AXI_DMA_DMACR, NS_AXI_DMA_RESET);
    at.write(S2MM, NS_AXI_DMA_DMACR, run);
    at.write(S2MM, NS_AXI_DMA_ADDRESS, static_cast<uint32_t>(buffer) + 1);
    at.write(S2MM, NS_AXI_DMA_LENGTH, 4);
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMASR), 0x00014011u) << "unaligned";
}
TEST(AxiDmaErrors, TheRealignmentEngineTakesAnyAddress) {
    ns_axi_dma_config config = ns_axi_dma_default_config();
    config.realignment = true;
    engine_memory at(config);
    at.put_descriptor(ring, ring, buffer + 3, SOF | EOF_ | 5);
    start(at, MM2S, run, ring, ring);
    at.settle();
    EXPECT_EQ(at.status(ring), COMPLETE | 5);
}
TEST(AxiDmaErrors, AChannelDoesNotSeeThoseOfTheOther) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 1, 0, SOF | EOF_);
    start(at, MM2S, run, descriptor(0), descriptor(0));
    at.settle();
    EXPECT_EQ(at.read(S2MM, NS_AXI_DMA_DMASR), 0x00010009u);
}

// ---- reset --------------------------------------------------------------------------------------

TEST(AxiDmaReset, OfOneChannelResetsBothAndWaitsForWhatIsUnderWay) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 16, SOF | EOF_);
    start(at, MM2S, run, descriptor(0), descriptor(3));
    at.write(S2MM, NS_AXI_DMA_DMACR, 0x12345001);
    const ns_axi_dma_access access = at.next(MM2S);
    ns_axi_dma_begin(&at.dma, MM2S, &access);
    at.write(S2MM, NS_AXI_DMA_DMACR, NS_AXI_DMA_RESET);
    EXPECT_NE(at.read(MM2S, NS_AXI_DMA_DMACR) & NS_AXI_DMA_RESET, 0u) << "in progress, in both";
    EXPECT_NE(at.read(S2MM, NS_AXI_DMA_DMACR) & NS_AXI_DMA_RESET, 0u);
    EXPECT_FALSE(at.write(MM2S, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(descriptor(1)))) << "no effect meanwhile";
    at.finish(MM2S, access);
    for (const unsigned channel : {MM2S, S2MM}) {
        EXPECT_EQ(at.read(channel, NS_AXI_DMA_DMACR), 0x00010002u);
        EXPECT_EQ(at.read(channel, NS_AXI_DMA_DMASR), 0x00010009u);
        EXPECT_EQ(at.read(channel, NS_AXI_DMA_CURDESC), 0u);
    }
    at.settle();
    EXPECT_TRUE(at.sent.empty());
}

// ---- coalescing ---------------------------------------------------------------------------------

TEST(AxiDmaCoalescing, TheThresholdCountsFramesDownAndStartsAgain) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 8, 16, 0);
    for (unsigned i = 0; i < 8; i++) // frames of one descriptor, but for 2 and 3, which are one frame
        at.put(descriptor(i) + 0x18, 16 | (i == 3 ? 0 : SOF) | (i == 2 ? 0 : EOF_));
    at.write(MM2S, NS_AXI_DMA_CURDESC, static_cast<uint32_t>(descriptor(0)));
    at.write(MM2S, NS_AXI_DMA_DMACR, 0x00031001);
    const unsigned left[] = {2, 1, 1, 3, 2, 1, 3, 2}; // after each descriptor
    for (unsigned i = 0; i < 8; i++) {
        at.write(MM2S, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(descriptor(i)));
        at.settle();
        EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) >> 16 & 0xFF, left[i]) << i;
        EXPECT_EQ(ns_axi_dma_interrupt(&at.dma, MM2S), i == 3 || i == 6) << i;
        at.write(MM2S, NS_AXI_DMA_DMASR, NS_AXI_DMA_IOC_IRQ);
    }
}
TEST(AxiDmaCoalescing, AnotherThresholdReloadsTheCounterAndZeroIsNotTaken) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 16, SOF | EOF_);
    start(at, MM2S, 0x00051001, descriptor(0), descriptor(1));
    at.settle();
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) >> 16, 3u);
    at.write(MM2S, NS_AXI_DMA_DMACR, 0x00057001);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) >> 16, 3u) << "the same threshold, other enable bits";
    at.write(MM2S, NS_AXI_DMA_DMACR, 0x00001001);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMACR) >> 16, 5u);
    at.write(MM2S, NS_AXI_DMA_DMACR, 0x00081001);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) >> 16, 8u);
}
TEST(AxiDmaCoalescing, TheDelayTimerTellsOfFramesThatWaitAndReloadsTheThreshold) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 16, SOF | EOF_);
    start(at, MM2S, 0x02043001, descriptor(0), descriptor(0)); // threshold 4, delay 2
    EXPECT_EQ(ns_axi_dma_timeout(&at.dma, MM2S), 0u) << "no frame waits";
    at.settle();
    EXPECT_EQ(ns_axi_dma_timeout(&at.dma, MM2S), 250u) << "PG021: 125 clocks for each unit";
    ns_axi_dma_elapse(&at.dma, MM2S, 200);
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR) >> 24, 1u);
    at.write(MM2S, NS_AXI_DMA_TAILDESC, static_cast<uint32_t>(descriptor(1)));
    at.settle(); // another frame: the time starts again
    EXPECT_EQ(ns_axi_dma_timeout(&at.dma, MM2S), 250u);
    ns_axi_dma_elapse(&at.dma, MM2S, 249);
    EXPECT_FALSE(ns_axi_dma_interrupt(&at.dma, MM2S));
    ns_axi_dma_elapse(&at.dma, MM2S, 1);
    EXPECT_TRUE(ns_axi_dma_interrupt(&at.dma, MM2S));
    EXPECT_EQ(at.read(MM2S, NS_AXI_DMA_DMASR), 0x0004200Au);
    EXPECT_EQ(ns_axi_dma_timeout(&at.dma, MM2S), 0u);
}
TEST(AxiDmaCoalescing, TheDelayTimerStopsWhenTheThresholdHasTold) {
    engine_memory at(ns_axi_dma_default_config());
    chain(at, 4, 16, SOF | EOF_);
    start(at, MM2S, 0x02023001, descriptor(0), descriptor(1));
    at.settle();
    EXPECT_NE(at.read(MM2S, NS_AXI_DMA_DMASR) & NS_AXI_DMA_IOC_IRQ, 0u);
    EXPECT_EQ(ns_axi_dma_timeout(&at.dma, MM2S), 0u);
}

} // namespace
