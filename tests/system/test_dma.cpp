// SPDX-License-Identifier: Apache-2.0
//
// DMA masters through nosnoop.h: bus errors, widths, windows, coherence, posted writes.
#include "rig.h"

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000;
constexpr uint64_t B = base + 0x200000;

// ---- errors -------------------------------------------------------------------------------------

TEST(BusErrors, AreAStatusAndAHazard) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        const uint64_t nowhere = ns_machine_alias(r.machine, 0x50000000, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            uint8_t data[64] = {};
            r.step(0);
            EXPECT_EQ(ns_hart_load(r.machine, 0, nowhere, 4, data, nullptr, 0), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR");
            r.step(0);
            EXPECT_EQ(ns_hart_store(r.machine, 0, nowhere, 4, data), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.log->hazard_count, 2u);
            r.step(r.device_actor(dev));
            EXPECT_EQ(ns_device_read(r.machine, dev, 0x50000000, unknown, 64, data, nullptr, 0), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.log->hazard_count, 3u);
            r.step(0);
            EXPECT_EQ(ns_hart_load(r.machine, 0, 0x7000, 4, data, nullptr, 0), NS_ERROR_PAGE_FAULT);
            EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR AD-DECODE-ERROR AD-DECODE-ERROR AT-PAGE-FAULT");
            EXPECT_EQ(r.load(0, A, 4), Bytes(4)) << "and the machine goes on";
        });
    });
}

// The part of a transfer that lies in RAM happened, and is known to have.
TEST(BusErrors, ATransferThatRunsOffTheEndOfRamWritesWhatIsThere) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.ram[0].length = 64 << 20;
        r.config.ram_count = 2;
        r.config.ram[1] = {"high", UINT64_C(0x90000000), 1 << 20};
        r.build();
        const uint64_t end = 0x90000000 + (1 << 20);
        r.run_on_hart([&] {
            const Bytes data(128, 7);
            r.step(r.device_actor(dev));
            EXPECT_EQ(ns_device_write(r.machine, dev, end - 64, unknown, 128, data.data()), NS_ERROR_ADDRESS);
            EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR");
            EXPECT_EQ(r.load(0, end - 64, 64), Bytes(64, 7));
        });
        EXPECT_EQ(r.hazards(), "AD-DECODE-ERROR") << r.details();
    });
}

// ---- DMA masters --------------------------------------------------------------------------------

struct Width {
    unsigned bits;
    uint64_t programmed, driven; // driven: what is left of it in so many bits
};
void PrintTo(const Width &width, std::ostream *out) {
    *out << width.bits << " bits";
}

class MasterOfWidth : public ::testing::TestWithParam<Width> {};
TEST_P(MasterOfWidth, CutsOffTheAddressBitsThatItDoesNotHave) {
    const Width &width = GetParam();
    in_child([&] {
        rig r;
        const unsigned dev = r.device("dev", width.bits);
        r.config.ram_count = 3;
        r.config.ram[1] = {"dma", 0x00100000, 14 << 20};
        r.config.ram[2] = {"high", UINT64_C(0x10000000000), 4 << 20};
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, width.programmed, {1, 2, 3}, width.programmed);
            EXPECT_EQ(r.memory(width.driven, 3), (Bytes{1, 2, 3}));
            EXPECT_EQ(r.hazards(), width.programmed == width.driven ? "" : "AD-MASK-TRUNC") << r.details();
            r.dma_write(dev, width.driven, {4, 5, 6}, width.driven);
            EXPECT_EQ(r.dma_read(dev, width.driven, 3, width.driven), (Bytes{4, 5, 6}));
        });
        EXPECT_EQ(r.log->hazard_count, width.programmed == width.driven ? 0u : 1u) << r.details();
    });
}
const Width widths[] = {
    {24, 0x1200400, 0x200400},       {24, 0x200400, 0x200400},       {32, 0x180100000, 0x80100000},
    {32, 0x80100000, 0x80100000},    {36, 0x1080100000, 0x80100000}, {36, 0x80100000, 0x80100000},
    {40, 0x10080100000, 0x80100000}, {40, 0x80100000, 0x80100000},   {64, 0x10000000400, 0x10000000400},
    {64, 0x80100000, 0x80100000},
};
INSTANTIATE_TEST_SUITE_P(Dma, MasterOfWidth, ::testing::ValuesIn(widths));

TEST(Dma, AnAddressRegisterWrapsInTheMiddleOfATransfer) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev", 24);
        r.config.window_count = 1;
        r.config.window[0] = {0, base, 0x1000000, ""};
        r.build();
        r.run_on_hart([&] {
            Bytes data(32);
            for (size_t i = 0; i < data.size(); i++)
                data[i] = static_cast<uint8_t>(i + 1);
            r.dma_write(dev, 0xFFFFF0, data, base + 0xFFFFF0);
            EXPECT_EQ(r.hazards(), "AD-MASK-TRUNC") << r.details();
            EXPECT_EQ(r.memory(base + 0xFFFFF0, 16), Bytes(data.begin(), data.begin() + 16));
            EXPECT_EQ(r.memory(base + 0x1000000, 16), Bytes(16)) << "where a wider register would have gone";
            EXPECT_EQ(r.memory(base, 16), Bytes(data.begin() + 16, data.end()));
        });
    });
}

TEST(Dma, AWindowTranslatesByItsOffset) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        const unsigned other = r.device("other");
        r.config.window_count = 2;
        r.config.window[0] = {0x40000000, base, 0x1000000, "dev"};
        r.config.window[1] = {0xC0000000, base, 0x1000000, "other"};
        r.build();
        EXPECT_EQ(ns_device_bus_address(r.machine, dev, A), A - base + 0x40000000);
        EXPECT_EQ(ns_device_bus_address(r.machine, other, A), A - base + 0xC0000000);
        EXPECT_EQ(ns_device_bus_address(r.machine, dev, base + 0x1000000), unknown);
        r.run_on_hart([&] {
            r.dma_write(dev, A - base + 0x40000000, {1, 2}, A);
            EXPECT_EQ(r.memory(A, 2), (Bytes{1, 2}));
            EXPECT_EQ(r.dma_read(other, A - base + 0xC0000000, 2, A), (Bytes{1, 2}));
            EXPECT_EQ(r.hazards(), "") << r.details();
            uint8_t byte = 0;
            r.step(r.device_actor(dev));
            EXPECT_EQ(ns_device_read(r.machine, dev, A, A, 1, &byte, nullptr, 0), NS_ERROR_ADDRESS)
                << "a physical address";
            EXPECT_EQ(r.hazards(), "AD-OFFSET") << r.details();
        });
    });
}

TEST(Dma, ATransferMayCrossFromOneWindowIntoTheNext) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.window_count = 2;
        r.config.window[0] = {0x40000000, base + 0x100000, 0x1000, ""};
        r.config.window[1] = {0x40001000, base + 0x300000, 0x1000, ""};
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, 0x40001000 - 64, Bytes(128, 5));
            EXPECT_EQ(r.memory(base + 0x101000 - 64, 64), Bytes(64, 5));
            EXPECT_EQ(r.memory(base + 0x300000, 64), Bytes(64, 5));
            EXPECT_EQ(r.load(0, base + 0x300000, 64), Bytes(64, 5));
            EXPECT_EQ(r.load(0, base + 0x101000 - 64, 64), Bytes(64, 5));
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(Dma, AnIoCoherentMasterSeesAndUpdatesTheCaches) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        const unsigned dev = r.device("dev");
        r.devices[dev].snoops = r.devices[dev].declared_coherent = true;
        r.build();
        r.run_on_hart([&] {
            r.store(0, A, {1, 2, 3, 4});
            EXPECT_EQ(r.dma_read(dev, A, 4), (Bytes{1, 2, 3, 4}));
            EXPECT_EQ(r.memory(A, 4), Bytes(4)) << "the line was still dirty: this shows the snoop";
            r.load(1, A + 64, 4);
            r.dma_write(dev, A + 2, {9});
            r.dma_write(dev, A + 64, {8});
            EXPECT_EQ(r.load(0, A, 4), (Bytes{1, 2, 9, 4}));
            EXPECT_EQ(r.load(1, A, 4), (Bytes{1, 2, 9, 4}));
            EXPECT_EQ(r.load(1, A + 64, 1), Bytes{8});
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

// ---- posted writes ------------------------------------------------------------------------------

struct Push {
    const char *what;
    bool pushes;
    void (*act)(rig &, unsigned dev);
};
void PrintTo(const Push &push, std::ostream *out) {
    *out << push.what;
}
class PostedWrite : public ::testing::TestWithParam<Push> {};
TEST_P(PostedWrite, IsPushedToMemoryByWhatSharesItsPath) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.posted_entries = 4;
        r.device("other");
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, A, {1, 2});
            EXPECT_EQ(ns_machine_buffered(r.machine, r.device_actor(dev)), 1u);
            EXPECT_EQ(r.memory(A, 2), Bytes(2));
            GetParam().act(r, dev);
            EXPECT_EQ(r.memory(A, 2), GetParam().pushes ? (Bytes{1, 2}) : Bytes(2));
        });
    });
}
const Push pushes[] = {
    {"nothing", false, [](rig &, unsigned) {}},
    {"the device's own read", true, [](rig &r, unsigned dev) { r.dma_read(dev, B, 4); }},
    {"another device's read", false, [](rig &r, unsigned dev) { r.dma_read(dev + 1, B, 4); }},
    {"a hart's read of its register", true,
     [](rig &r, unsigned dev) {
         uint32_t value;
         EXPECT_EQ(ns_hart_register_read(r.machine, 0, dev, &value), NS_OK);
     }},
    {"a hart's read of another's register", false,
     [](rig &r, unsigned dev) {
         uint32_t value;
         EXPECT_EQ(ns_hart_register_read(r.machine, 0, dev + 1, &value), NS_OK);
     }},
    {"its doorbell", false, [](rig &r, unsigned dev) { EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK); }},
    {"its interrupt", true, [](rig &r, unsigned dev) { ns_device_raise(r.machine, dev, 1); }},
    {"a flush by the device", true, [](rig &r, unsigned dev) { ns_device_flush(r.machine, dev); }},
    {"the hardware", true, [](rig &r, unsigned dev) { ns_hw_drain_device(r.machine, dev, A + 1, 1); }},
    {"the hardware, elsewhere", false, [](rig &r, unsigned dev) { ns_hw_drain_device(r.machine, dev, A + 2, 1); }},
    {"a hart's load of other memory", false, [](rig &r, unsigned) { r.load(0, B, 4); }},
    {"a fence of a hart", false, [](rig &r, unsigned) { r.fence(0); }},
    {"the fifth write", true,
     [](rig &r, unsigned dev) {
         for (unsigned i = 1; i <= 4; i++)
             r.dma_write(dev, A + i * 64, {1});
     }},
    {"three more writes", false,
     [](rig &r, unsigned dev) {
         for (unsigned i = 1; i <= 3; i++)
             r.dma_write(dev, A + i * 64, {1});
     }},
};
INSTANTIATE_TEST_SUITE_P(Dma, PostedWrite, ::testing::ValuesIn(pushes));

TEST(PostedWrites, AreOvertakenByAnInterruptWhereTheMachineMay) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.devices[dev].signals = true;
        r.config.posted_entries = 4;
        r.config.may |= NS_MAY_IRQ_BEFORE_DATA;
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, A, {1});
            ns_device_raise(r.machine, dev, 1);
            ns_hart_wait(r.machine, 0, 1);
            EXPECT_EQ(r.load(0, A, 1), Bytes{0});
        });
        EXPECT_EQ(r.hazards(), "OR-IRQ-BEFORE-DATA") << r.details();
    });
}

TEST(PostedWrites, LeaveByThemselvesAfterTheirTime) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.config.posted_entries = 4;
        r.config.posted_drain = NS_DRAIN_AFTER;
        r.config.posted_drain_ps = 500000;
        r.build();
        r.run_on_hart([&] {
            r.dma_write(dev, A, {1});
            ns_actor_pause(r.machine, 0, 400000);
            EXPECT_EQ(r.memory(A, 1), Bytes{0});
            ns_actor_pause(r.machine, 0, 110000);
            EXPECT_EQ(r.memory(A, 1), Bytes{1});
        });
    });
}

} // namespace
