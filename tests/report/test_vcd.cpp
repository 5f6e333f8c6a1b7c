// SPDX-License-Identifier: Apache-2.0
// The value change dump of logs built by hand; tests/cli and tests/catalogue have those of runs.
#include "report/vcd.h"

#include "sample_log.h"
#include "vcd_parser.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace {

using ns_test::vcd_file;

// cpu0, nic and hw on one cache of 64-byte lines; rx is the line at 0x8000_0000. Every buffer of the log is the test's.
struct Dump {
    SampleLog log{{"cpu0: load   rx[0..4]   # first",           // 1
                   "cpu0: load   rx[0..4]   expect DC-REFETCH", // 2: the same step again
                   "nic:  write  rx fill 0xAB"},                // 3
                  "rx.dma"};
    ns_scenario scenario{};
    ns_irq irqs[2]{};
    std::string irq_names[2] = {"done", "err-or"};
    ns_vcd_missing missing{};

    Dump() {
        scenario.machine.cache.harts = 1;
        scenario.irqs = irqs;
        scenario.irq_count = 2;
        EXPECT_TRUE(ns_log_keep_waveform(log.get()));
        name("rx", 0x80000000, 64);
    }
    ns_waveform *waveform() { return log->waveform; }
    void name(const char *text, uint64_t address, uint64_t length) {
        ns_waveform_name(waveform(), text, address, length);
    }
    uint32_t site(uint32_t line, uint32_t width) { return ns_log_add_site(log.get(), line, 7, width); }
    void change(const ns_wave_change &made) {
        ns_waveform *to = waveform();
        if (to->count == to->capacity) {
            to->capacity = 2 * to->capacity + 16;
            to->change = static_cast<ns_wave_change *>(std::realloc(to->change, to->capacity * sizeof made));
        }
        to->change[to->count++] = made;
    }
    void line(uint64_t time, uint64_t address, uint32_t value) {
        ns_wave_change made{};
        made.kind = NS_WAVE_LINE;
        made.time_ps = time;
        made.address = address;
        made.value = value;
        change(made);
    }
    std::string text() {
        for (unsigned i = 0; i < 2; i++)
            irqs[i].name = irq_names[i].data();
        ns_buffer out{};
        ns_report_run_vcd(&scenario, log.get(), &out, &missing);
        EXPECT_FALSE(out.failed);
        const std::string made(out.data == nullptr ? "" : out.data, out.length);
        ns_buffer_release(&out);
        return made;
    }
};

const char rx_line[] = "caches.cpu0_L1D.cpu0_L1D_rx_80000000";

TEST(Vcd, OfARunWithoutStepsIsALegalFile) {
    Dump dump;
    const vcd_file file(dump.text());
    EXPECT_EQ(file.end(), 0u);
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_step"), "0 z");
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_line", vcd_file::number), "0 0");
    EXPECT_EQ(file.sequence(rx_line), "0 I");
    EXPECT_EQ(file.sequence("bus.bus_owner"), "0 z");
    EXPECT_FALSE(file.has("hazards.any_hazard")); // a viewer would show an event at 0
    EXPECT_EQ(dump.missing.lines, 0u);
}

TEST(Vcd, FailsWithoutAWaveform) {
    SampleLog log({});
    const ns_scenario scenario{};
    ns_buffer out{};
    ns_vcd_missing missing;
    ns_report_run_vcd(&scenario, log.get(), &out, &missing);
    EXPECT_TRUE(out.failed);
    ns_buffer_release(&out);
}

TEST(Vcd, ShowsTheStepThatEachActorBeganLast) {
    Dump dump;
    const uint32_t first = dump.site(1, 4), again = dump.site(2, 4), write = dump.site(3, 5);
    ns_waveform_step(dump.waveform(), 0, 0, first);
    ns_waveform_step(dump.waveform(), 10, 0, NS_NO_SITE);
    ns_waveform_step(dump.waveform(), 10, 1, write);
    ns_waveform_step(dump.waveform(), 10, 1, NS_NO_SITE); // takes no time
    ns_waveform_step(dump.waveform(), 20, 0, again);
    ns_waveform_step(dump.waveform(), 35, 0, NS_NO_SITE);
    dump.log->end_ps = 40;
    const vcd_file file(dump.text());
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_line", vcd_file::number), "0 1, 20 2");
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_step"), "0 load rx[0..4]"); // as written, without what it expects
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_begins", vcd_file::number), "0 1, 20 1");
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_active", vcd_file::number), "0 1, 10 0, 20 1, 35 0");
    EXPECT_EQ(file.sequence("actors.nic.nic_step"), "0 z, 10 write rx fill 0xAB");
    EXPECT_EQ(file.sequence("actors.nic.nic_active", vcd_file::number), "0 0");
    EXPECT_EQ(file.sequence("actors.nic.nic_begins", vcd_file::number), "10 1");
    EXPECT_EQ(file.end(), 40u);
}

TEST(Vcd, ShowsAMoveOfAScheduleAsAStepWithoutALine) {
    Dump dump;
    ns_log_moved(dump.log.get(), 0, "fill:cpu0:0x8000_0000@1");
    ns_waveform_move(dump.waveform(), 5, 2, 0);
    ns_waveform_step(dump.waveform(), 9, 2, NS_NO_SITE);
    const vcd_file file(dump.text());
    EXPECT_EQ(file.sequence("actors.hw.hw_step"), "0 z, 5 fill 0x8000_0000");
    EXPECT_EQ(file.sequence("actors.hw.hw_line", vcd_file::number), "0 0");
}

TEST(Vcd, WritesTheLastOfSeveralChangesOfOneTime) {
    Dump dump;
    dump.line(0, 0x80000000, NS_MESI_EXCLUSIVE);
    dump.line(7, 0x80000000, NS_MESI_SHARED);
    dump.line(7, 0x80000000, NS_MESI_EXCLUSIVE); // nothing to be seen
    dump.line(8, 0x80000000, NS_MESI_EXCLUSIVE | NS_WAVE_STALE);
    dump.line(8, 0x80000000, NS_MESI_MODIFIED | NS_WAVE_STALE);
    dump.line(9, 0x80000000, NS_MESI_INVALID);
    const std::string text = dump.text();
    const vcd_file file(text);
    EXPECT_EQ(file.sequence(rx_line), "0 E, 8 M, 9 I");
    EXPECT_EQ(file.sequence(std::string(rx_line) + "_stale", vcd_file::number), "0 0, 8 1, 9 0");
    EXPECT_EQ(text.find("#7"), std::string::npos);
}

TEST(Vcd, ShowsTheBusOnlyWhileSomebodyHasIt) {
    Dump dump;
    ns_waveform_bus(dump.waveform(), 3, 1, 0, 0x80000040, NS_WAVE_BUS_WRITE);
    ns_waveform_bus(dump.waveform(), 5, 1, 0, 0x80000040, NS_WAVE_BUS_IDLE);
    ns_waveform_bus(dump.waveform(), 5, 0, 0, 0x80000000, NS_WAVE_BUS_READ);
    ns_waveform_bus(dump.waveform(), 9, 0, 0, 0x80000000, NS_WAVE_BUS_IDLE);
    const vcd_file file(dump.text());
    EXPECT_EQ(file.sequence("bus.bus_owner"), "0 z, 3 nic, 5 cpu0, 9 z");
    EXPECT_EQ(file.sequence("bus.bus_busy", vcd_file::number), "0 0, 3 1, 9 0");
    EXPECT_EQ(file.sequence("bus.bus_write", vcd_file::number), "0 z, 3 1, 5 0, 9 z");
    EXPECT_EQ(file.sequence("bus.bus_address", vcd_file::number), "0 z, 3 2147483712, 5 2147483648, 9 z");
}

TEST(Vcd, ShowsWhichMasterOfAnEngineHasTheBus) {
    Dump dump;
    dump.log->actor[1].ports = 3;
    ns_waveform_bus(dump.waveform(), 3, 1, NS_AXI_DMA_PORT_SG, 0x80000040, NS_WAVE_BUS_READ);
    ns_waveform_bus(dump.waveform(), 5, 1, NS_AXI_DMA_PORT_SG, 0x80000040, NS_WAVE_BUS_IDLE);
    ns_waveform_bus(dump.waveform(), 5, 1, NS_AXI_DMA_PORT_MM2S, 0x80000000, NS_WAVE_BUS_READ);
    ns_waveform_bus(dump.waveform(), 9, 1, NS_AXI_DMA_PORT_MM2S, 0x80000000, NS_WAVE_BUS_IDLE);
    ns_waveform_bus(dump.waveform(), 9, 0, 0, 0x80000000, NS_WAVE_BUS_READ);
    EXPECT_EQ(vcd_file(dump.text()).sequence("bus.bus_owner"), "0 z, 3 nic.SG, 5 nic.MM2S, 9 cpu0");
}

TEST(Vcd, ShowsInterruptsByTheirNames) {
    Dump dump;
    ns_waveform_irq(dump.waveform(), 4, 1, true);
    ns_waveform_irq(dump.waveform(), 6, 1, false);
    const vcd_file file(dump.text());
    EXPECT_EQ(file.sequence("interrupts.done", vcd_file::number), "0 0");
    EXPECT_EQ(file.sequence("interrupts.err_or", vcd_file::number), "0 0, 4 1, 6 0");
}

TEST(Vcd, ShowsHazardsWhenTheyWereFoundAndWhoFoundThem) {
    Dump dump;
    const uint32_t site = dump.site(2, 4);
    ns_event load = SampleLog::event(NS_EVENT_LOAD, SampleLog::CPU0, site);
    load.time_ps = 12;
    const ns_hazard hazard = SampleLog::hazard(NS_DC_REFETCH, NS_SYMPTOM_STALE, dump.log.append(load), site, 0);
    ns_log_add_hazard(dump.log.get(), &hazard);
    const vcd_file file(dump.text());
    EXPECT_EQ(file.sequence("hazards.any_hazard", vcd_file::number), "12 1");
    EXPECT_EQ(file.sequence("hazards.DC_REFETCH", vcd_file::number), "12 1");
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_hazard", vcd_file::number), "12 1");
    EXPECT_FALSE(file.has("actors.nic.nic_hazard"));
}

TEST(Vcd, ShowsTheHardwaresOwnMovesAsEvents) {
    Dump dump;
    const auto log = [&](ns_event_kind kind, uint64_t time, uint8_t actor, ns_cache_cause cause) {
        ns_event event = SampleLog::event(kind, actor, NS_NO_SITE);
        event.time_ps = time;
        event.cause = static_cast<uint8_t>(cause);
        dump.log.append(event);
    };
    log(NS_EVENT_FILL, 1, SampleLog::HW, NS_CAUSE_PREFETCH);
    log(NS_EVENT_FILL, 2, SampleLog::CPU0, NS_CAUSE_DEMAND);
    log(NS_EVENT_DROP, 3, SampleLog::CPU0, NS_CAUSE_EVICTION); // somebody's victim
    log(NS_EVENT_WRITE_BACK, 4, SampleLog::HW, NS_CAUSE_EVICTION);
    log(NS_EVENT_DRAIN, 5, SampleLog::NIC, NS_CAUSE_DEMAND);
    log(NS_EVENT_SPECULATIVE_STORE, 6, SampleLog::HW, NS_CAUSE_DEMAND);
    const vcd_file file(dump.text());
    EXPECT_EQ(file.sequence("actors.hw.hw_fill", vcd_file::number), "1 1");
    EXPECT_EQ(file.sequence("actors.hw.hw_evict", vcd_file::number), "4 1");
    EXPECT_EQ(file.sequence("actors.nic.nic_drained", vcd_file::number), "5 1");
    EXPECT_EQ(file.sequence("actors.hw.hw_dirty", vcd_file::number), "6 1");
    EXPECT_FALSE(file.has("actors.hw.hw_sample"));
}

TEST(Vcd, CutsALongTextAndSaysSo) {
    Dump dump;
    SampleLog log({"cpu0: store  " + std::string(300, 'a')});
    ASSERT_TRUE(ns_log_keep_waveform(log.get()));
    ns_waveform_step(log->waveform, 0, 0, ns_log_add_site(log.get(), 1, 7, 5));
    dump.scenario.irq_count = 0;
    ns_buffer out{};
    ns_report_run_vcd(&dump.scenario, log.get(), &out, &dump.missing);
    const vcd_file file(std::string(out.data, out.length));
    ns_buffer_release(&out);
    EXPECT_EQ(file.sequence("actors.cpu0.cpu0_step"),
              "0 store " + std::string(NS_VCD_TEXT - 2 - std::strlen("store "), 'a') + "..");
}

TEST(Vcd, FailsWhenSomethingOfTheWaveformFoundNoMemory) {
    Dump dump;
    dump.waveform()->failed = true;
    ns_buffer out{};
    ns_report_run_vcd(&dump.scenario, dump.log.get(), &out, &dump.missing);
    EXPECT_TRUE(out.failed);
    ns_buffer_release(&out);
}

// ---- names -----------------------------------------------------------------------------------------------------

TEST(Vcd, MakesIdentifiersOfAllNames) {
    Dump dump;
    dump.name("t x-$end.b\xc3\xa4", 0x80000040, 64);
    dump.name("0digit", 0x80000080, 64);
    std::strcpy(dump.log->actor[1].name, "module"); // a keyword of Verilog
    dump.irq_names[0] = "wire";
    dump.irq_names[1] = "$end";
    const vcd_file file(dump.text());
    EXPECT_TRUE(file.has("caches.cpu0_L1D.cpu0_L1D_t_x_$end_b___80000040"));
    EXPECT_TRUE(file.has("caches.cpu0_L1D.cpu0_L1D__0digit_80000080"));
    EXPECT_TRUE(file.has("actors.module_.module__step"));
    EXPECT_TRUE(file.has("interrupts.wire_"));
    EXPECT_TRUE(file.has("interrupts._$end"));
}

TEST(Vcd, TellsNamesApartThatBecomeOneIdentifier) {
    Dump dump;
    std::strcpy(dump.log->actor[0].name, "a-b");
    std::strcpy(dump.log->actor[1].name, "a_b");
    dump.irq_names[0] = "x-y";
    dump.irq_names[1] = "x_y";
    const vcd_file file(dump.text());
    EXPECT_TRUE(file.has("actors.a_b.a_b_line"));
    EXPECT_TRUE(file.has("actors.a_b_2.a_b_2_line"));
    EXPECT_TRUE(file.has("interrupts.x_y"));
    EXPECT_TRUE(file.has("interrupts.x_y_2"));
}

TEST(Vcd, KeepsTheScenariosNameFromEndingItsComment) {
    Dump dump;
    std::free(dump.log->scenario);
    dump.log->scenario = strdup("a $end\n$var wire 1 ! b $end \x1b[2J");
    const vcd_file file(dump.text());
    EXPECT_TRUE(file.has(rx_line));
}

// False sharing is to be seen from the name.
TEST(Vcd, NamesEverybodyWhoSharesALine) {
    Dump dump;
    dump.name("flag", 0x80000078, 16); // behind rx: the last bytes of one line, the first of another
    dump.name("tx", 0x80000088, 8);
    dump.name("a", 0x80000090, 8);
    dump.name("b", 0x80000098, 8);
    dump.name("b", 0x800000a0, 8); // the same, allocated again
    const vcd_file file(dump.text());
    EXPECT_TRUE(file.has(rx_line));
    EXPECT_TRUE(file.has("caches.cpu0_L1D.cpu0_L1D_flag_80000040"));
    EXPECT_TRUE(file.has("caches.cpu0_L1D.cpu0_L1D_flag_tx_a_and_2_more_80000080"));
}

// ---- limits ----------------------------------------------------------------------------------------------------

TEST(Vcd, ShowsTheLinesThatWereInACacheWhenThereAreTooMany) {
    Dump dump;
    dump.name("big", 0x90000000, 64 * 1000);
    for (unsigned i = 0; i < 10; i++)
        dump.line(1, 0x90000000 + 64 * (990 + i), NS_MESI_EXCLUSIVE);
    dump.line(1, 0xa0000000, NS_MESI_EXCLUSIVE); // nobody's: page tables
    const std::string text = dump.text();
    const vcd_file file(text);
    EXPECT_EQ(dump.missing.lines, 1001u - NS_VCD_LINES);
    EXPECT_FALSE(dump.missing.held);
    EXPECT_NE(text.find("745 lines of named memory have no signals; none was in a cache"), std::string::npos);
    EXPECT_TRUE(file.has(rx_line)); // there is room for more
    size_t lines = 0, last = 0;
    for (const auto &variable : file.variables()) {
        lines += variable.path.rfind("caches.", 0) == 0 && variable.type == "reg";
        last += variable.path.find("_stale") == std::string::npos && file.last(variable.path) == "1000101"; // 'E'
    }
    EXPECT_EQ(lines, NS_VCD_LINES);
    EXPECT_EQ(last, 10u);
}

TEST(Vcd, ShowsTheLowerOnesWhenTooManyLinesWereInACache) {
    Dump dump;
    dump.name("big", 0x90000000, 64 * 1000);
    for (unsigned i = 1000; i-- > 0;)
        dump.line(1, 0x90000000 + 64 * i, NS_MESI_EXCLUSIVE);
    const vcd_file file(dump.text());
    EXPECT_EQ(dump.missing.lines, 1001u - NS_VCD_LINES);
    EXPECT_TRUE(dump.missing.held);
    EXPECT_FALSE(file.has(rx_line));
    EXPECT_TRUE(file.has("caches.cpu0_L1D.cpu0_L1D_big_90000000"));
    EXPECT_TRUE(file.has("caches.cpu0_L1D.cpu0_L1D_big_90003fc0"));
    EXPECT_FALSE(file.has("caches.cpu0_L1D.cpu0_L1D_big_90004000"));
}

// Addresses of 56 bits and a buffer up to the very end of them.
TEST(Vcd, ReachesTheEndOfTheAddressSpace) {
    Dump dump;
    const uint64_t end = UINT64_C(1) << 56;
    dump.name("top", end - 70, 70);
    dump.line(2, end - 64, NS_MESI_MODIFIED);
    const vcd_file file(dump.text());
    EXPECT_EQ(file.sequence("caches.cpu0_L1D.cpu0_L1D_top_ffffffffffffc0"), "0 I, 2 M");
    EXPECT_TRUE(file.has("caches.cpu0_L1D.cpu0_L1D_top_ffffffffffff80"));
}

TEST(Vcd, BecomesUnknownWhereTheWaveformMetItsLimit) {
    Dump dump;
    dump.log->end_ps = 100;
    dump.waveform()->limit = 1;
    ns_waveform_irq(dump.waveform(), 4, 0, true);
    ns_waveform_irq(dump.waveform(), 50, 0, false);
    const vcd_file file(dump.text());
    EXPECT_TRUE(dump.missing.cut);
    EXPECT_EQ(dump.missing.cut_ps, 50u);
    EXPECT_TRUE(file.cut());
    EXPECT_EQ(file.sequence("interrupts.done", vcd_file::number), "0 0, 4 1, 50 x");
    EXPECT_EQ(file.sequence(rx_line), "0 I, 50 x");
    EXPECT_EQ(file.end(), 100u);
}

TEST(Vcd, MayBeUnknownFromTheBeginning) {
    Dump dump;
    dump.waveform()->limit = 0;
    ns_waveform_irq(dump.waveform(), 0, 0, true);
    const vcd_file file(dump.text());
    EXPECT_TRUE(file.cut());
    EXPECT_EQ(file.end(), 0u);
}

TEST(Vcd, CountsTheNamesThatItHasNoRoomFor) {
    Dump dump;
    for (unsigned i = 0; i < NS_WAVEFORM_NAMES + 10; i++)
        dump.name("b", 0x90000000 + 64 * i, 8);
    const std::string text = dump.text();
    EXPECT_EQ(dump.missing.names, 11u); // rx is one of them
    EXPECT_NE(text.find("11 named buffers are not shown"), std::string::npos);
    const vcd_file file(text);
}

TEST(Vcd, IsTheSameBytesForTheSameLog) {
    Dump one, other;
    one.line(3, 0x80000000, NS_MESI_EXCLUSIVE);
    other.line(3, 0x80000000, NS_MESI_EXCLUSIVE);
    EXPECT_EQ(one.text(), other.text());
    EXPECT_EQ(one.text(), one.text());
}

} // namespace
