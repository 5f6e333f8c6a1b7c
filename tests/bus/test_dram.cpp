// SPDX-License-Identifier: Apache-2.0
// Timing of DRAM. Clocks are counted by hand from the standard's parameters. DDR3-1600K over 64 bits, devices of 16
// bits and 4 Gbit, tCK 1.25 ns (JESD79-3F): CL 11, CWL 8, BL/2 4, tRCD 11, tRP 11, tRAS 28, tWR 12, tRTP 6, tWTR 6,
// tRRD 6 (7.5 ns), tFAW 32 (40 ns), tCCD 4, tREFI 6240, tRFC 208 (260 ns). A request at clock n is seen at n + 1.
#include "tests/bus/dram_driver.h"

#include <random>
#include <string>

namespace {

using dram_test::at;
using dram_test::config;
using dram_test::Destroy;
using dram_test::Driver;
using dram_test::Ends;
using dram_test::Request;

const char *const k1600 = "DDR3-1600K";

TEST(Dram, ReadOfAClosedBankTakesTrcdClBurst) {
    Driver driver(config(k1600));
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}}), (Ends{1 + 11 + 11 + 4}));
    EXPECT_EQ(driver.stats().row_misses, 1u);
    EXPECT_EQ(driver.stats().latency_ps, 27u * 1250);
}

TEST(Dram, ReadOfAnOpenRowTakesClBurst) {
    Driver driver(config(k1600));
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {100, at(0, 0, 1)}}), (Ends{27, 101 + 11 + 4}));
    EXPECT_EQ(driver.stats().row_hits, 1u);
}

TEST(Dram, ReadOfAnotherRowTakesTrpTrcdClBurst) {
    Driver driver(config(k1600));
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {100, at(1, 0, 0)}}), (Ends{27, 101 + 11 + 11 + 11 + 4}));
    EXPECT_EQ(driver.stats().row_conflicts, 1u);
    EXPECT_EQ(driver.stats().row_misses, 1u);
}

TEST(Dram, RowStaysOpenForTras) {
    Driver driver(config(k1600));
    // ACT at 1; the second is seen at 12, but PRE has to wait for 1 + 28.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {11, at(1, 0, 0)}}), (Ends{27, 29 + 11 + 11 + 11 + 4}));
}

TEST(Dram, ReadToPrechargeWaitsForTrtp) {
    Driver driver(config(k1600));
    // RD at 101, PRE not before 101 + 6.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {100, at(0, 0, 1)}, {101, at(1, 0, 0)}}),
              (Ends{27, 116, 107 + 11 + 11 + 11 + 4}));
}

TEST(Dram, HitsFollowEachOtherEveryTccd) {
    Driver driver(config(k1600));
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {0, at(0, 0, 1)}, {0, at(0, 0, 2)}}), (Ends{27, 31, 35}));
    EXPECT_EQ(driver.stats().row_hits, 2u);
}

TEST(Dram, BanksOpenInParallelTrrdApart) {
    Driver driver(config(k1600));
    // ACT at 1 and 7, RD at 12 and 7 + 11.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {0, at(0, 1, 0)}}), (Ends{27, 18 + 11 + 4}));
}

TEST(Dram, InOrderTheNextRequestWaitsForTheColumnCommand) {
    ns_dram_config c = config(k1600);
    c.scheduler = NS_DRAM_IN_ORDER;
    Driver driver(c);
    // RD at 12, ACT of the other bank at 13.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {0, at(0, 1, 0)}}), (Ends{27, 13 + 11 + 11 + 4}));
}

TEST(Dram, FiveActivatesWaitForTfaw) {
    Driver driver(config(k1600));
    // ACT at 1, 7, 13, 19; the fifth not at 25 but at 1 + 32.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {0, at(0, 1, 0)}, {0, at(0, 2, 0)}, {0, at(0, 3, 0)}, {0, at(0, 4, 0)}}),
              (Ends{27, 33, 39, 45, 33 + 11 + 11 + 4}));
}

TEST(Dram, WriteEndsCwlBurstAfterItsCommand) {
    Driver driver(config(k1600));
    EXPECT_EQ(driver.run({{0, at(0, 0, 0), true}}), (Ends{1 + 11 + 8 + 4}));
    EXPECT_EQ(driver.stats().writes, 1u);
}

TEST(Dram, WriteToReadWaitsForTwtr) {
    Driver driver(config(k1600));
    // WR at 12; RD not before 12 + CWL 8 + 4 + tWTR 6.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0), true}, {13, at(0, 0, 1)}}), (Ends{24, 30 + 11 + 4}));
}

TEST(Dram, WriteToPrechargeWaitsForTwr) {
    Driver driver(config(k1600));
    // WR at 12; PRE not before 12 + 8 + 4 + tWR 12.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0), true}, {13, at(1, 0, 0)}}), (Ends{24, 36 + 11 + 11 + 11 + 4}));
}

TEST(Dram, ReadToWriteTurnsTheBusRound) {
    Driver driver(config(k1600));
    // RD at 12; WR not before 12 + RL 11 + 4 + 2 - WL 8.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {12, at(0, 0, 1), true}}), (Ends{27, 21 + 8 + 4}));
}

TEST(Dram, RequestThatMeetsARefreshWaitsForTrfc) {
    Driver driver(config(k1600));
    // REF at 6240, ACT at 6240 + 208.
    EXPECT_EQ(driver.run({{6240, at(0, 0, 0)}}), (Ends{6448 + 11 + 11 + 4}));
    EXPECT_EQ(driver.stats().refreshes, 1u);
}

TEST(Dram, RefreshClosesAnOpenRowAfterTrp) {
    Driver driver(config(k1600));
    // PRE at 6240, REF 11 later, ACT 208 after that.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {6240, at(0, 0, 1)}}), (Ends{27, 6251 + 208 + 11 + 11 + 4}));
    EXPECT_EQ(driver.stats().row_misses, 2u) << "the row was closed";
}

TEST(Dram, RefreshWaitsForTrasOfARowJustOpened) {
    Driver driver(config(k1600));
    // ACT at 6239, RD would be at 6250: PRE at 6239 + 28, REF at 6278, ACT at 6486.
    EXPECT_EQ(driver.run({{6238, at(0, 0, 0)}}), (Ends{6486 + 11 + 11 + 4}));
}

TEST(Dram, RefreshesOfAnIdleTimeHaveHappened) {
    Driver driver(config(k1600));
    // Ten refreshes are over (the last at 62400 + 208); the bank is closed.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {63000, at(0, 0, 1)}}), (Ends{27, 63001 + 11 + 11 + 4}));
    EXPECT_EQ(driver.stats().refreshes, 10u);
}

TEST(Dram, WithoutRefreshARowStaysOpen) {
    ns_dram_config c = config(k1600);
    c.no_refresh = true;
    Driver driver(c);
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {63000, at(0, 0, 1)}}), (Ends{27, 63001 + 11 + 4}));
}

TEST(Dram, FrFcfsServesAHitBeforeAnOlderConflict) {
    Driver driver(config(k1600));
    // Row 0 is open. RD of the younger at 101; PRE at 101 + tRTP 6.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {100, at(1, 0, 0)}, {100, at(0, 0, 1)}}),
              (Ends{27, 107 + 11 + 11 + 11 + 4, 116}));
}

TEST(Dram, InOrderAConflictIsServedBeforeAYoungerHit) {
    ns_dram_config c = config(k1600);
    c.scheduler = NS_DRAM_IN_ORDER;
    Driver driver(c);
    // PRE 101, ACT 112, RD 123; PRE at 112 + tRAS 28, ACT 151, RD 162.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {100, at(1, 0, 0)}, {100, at(0, 0, 1)}}), (Ends{27, 138, 177}));
}

TEST(Dram, CapOfHitsEndsTheWaitOfAConflict) {
    ns_dram_config c = config(k1600);
    c.cap = 4;
    Driver driver(c);
    std::vector<Request> requests = {{0, at(0, 0, 0)}, {100, at(1, 0, 0)}};
    for (unsigned i = 1; i <= 20; i++)
        requests.push_back({100, at(0, 0, i)});
    const Ends ends = driver.run(requests);
    // Hits at 101, 105, 109, 113; PRE at 113 + tRTP 6, ACT 130, RD 141.
    EXPECT_EQ(ends[1], 141u + 11 + 4);
    EXPECT_EQ(ends[2], 116u);
    EXPECT_EQ(ends[5], 128u);
    EXPECT_GT(ends[6], ends[1]) << "the fifth hit goes behind it";
}

TEST(Dram, EndlessHitsStarveNobody) {
    for (const bool write : {false, true}) {
        Driver driver(config(k1600));
        std::vector<Request> requests = {{0, at(0, 0, 0)}, {100, at(1, 0, 0), write}};
        for (unsigned i = 0; i < 5000; i++)
            requests.push_back({100 + i * 4, at(0, 0, i % 128)});
        const Ends ends = driver.run(requests);
        EXPECT_LT(ends[1], 100u + 400) << (write ? "write" : "read");
    }
}

TEST(Dram, ReadsAreNotStarvedByEndlessWrites) {
    Driver driver(config(k1600));
    std::vector<Request> requests = {{0, at(0, 0, 0), true}};
    for (unsigned i = 0; i < 60; i++)
        requests.push_back({0, at(0, 0, i), true});
    requests.push_back({100, at(1, 1, 0)});
    for (unsigned i = 0; i < 5000; i++)
        requests.push_back({100 + i * 4, at(0, 0, i % 128), true});
    EXPECT_LT(driver.run(requests)[61], 100u + 800);
}

TEST(Dram, PostedWritesWaitForReads) {
    Driver driver(config(k1600));
    // The read is the younger one and goes first: RD at 101; WR at 101 + 11 + 4 + 2 - 8.
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)}, {100, at(0, 0, 1), true}, {100, at(0, 0, 2)}}),
              (Ends{27, 110 + 8 + 4, 116}));
}

// DDR4-2400R, tCK 0.833 ns, devices of 16 bits: tCCD_S 4, tCCD_L 6 (5 ns), two bank groups (JESD79-4B).
TEST(Dram, BankGroupsTakeTurnsEveryTccdS) {
    for (const bool groups : {true, false}) {
        ns_dram_config c = config("DDR4-2400R");
        c.map = groups ? NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP : NS_DRAM_MAP_ROW_BANK_COLUMN;
        Driver driver(c);
        const Ends ends =
            driver.run({{0, 0}, {0, 64}, {500, 0}, {500, 64}, {500, 128}, {500, 192}}); // the first two open the rows
        const uint64_t gap = groups ? 4 : 6, first = 501 + 16 + 4;
        EXPECT_EQ(ends[2], first);
        EXPECT_EQ(ends[3], first + gap);
        EXPECT_EQ(ends[4], first + 2 * gap);
        EXPECT_EQ(ends[5], first + 3 * gap);
    }
}

// LPDDR4-3200, tCK 0.625 ns: tRCD 29 (18 ns), RL 28, tDQSCK 3 (1.5 ns), BL16/2 8 (JESD209-4B).
TEST(Dram, Lpddr4AddsTdqsckToReadLatency) {
    Driver driver(config("LPDDR4-3200"));
    EXPECT_EQ(driver.run({{0, 0}}), (Ends{1 + 29 + 28 + 3 + 8}));
}

// Read to write: RL 28 + the longest tDQSCK 6 (3.5 ns) + 8 + 2 - WL 14 = 30; data of the write behind WL 14 + tDQSS 1.
TEST(Dram, Lpddr4TurnsTheBusRoundBehindTheLongestTdqsck) {
    Driver driver(config("LPDDR4-3200"));
    EXPECT_EQ(driver.run({{0, 0}, {100, 64, true}, {100, 128}}), (Ends{69, 101 + 30 + 14 + 1 + 8, 101 + 28 + 3 + 8}));
}

// tRPab is 21 ns, 34 clocks, where one bank takes 18 ns: a refresh that finds a row open begins so much later.
TEST(Dram, Lpddr4ClosesAllBanksInTrpabBeforeARefresh) {
    Driver open(config("LPDDR4-3200")), closed(config("LPDDR4-3200"));
    EXPECT_EQ(open.run({{0, 0}, {6300, 0}})[1], closed.run({{6300, 0}})[0] + 34) << "tREFI is at 6247, tRFC 288";
}

// JESD79-3F, 8Gb addressing: 2 KiB also with 8 bits. Eight devices make rows of 16 KiB.
TEST(Dram, Ddr3Of8GbitHasPagesOf2KibWhateverItsWidth) {
    for (const uint32_t gigabits : {4u, 8u}) {
        ns_dram_config c = config(k1600);
        c.device = 8;
        c.gigabits = gigabits;
        c.map = NS_DRAM_MAP_ROW_BANK_COLUMN;
        Driver driver(c);
        driver.run({{0, 0}, {500, 8192}, {1000, 16320}});
        EXPECT_EQ(driver.stats().row_hits, gigabits == 8 ? 2u : 1u);
    }
}

TEST(Dram, ChannelsWorkAtTheSameTime) {
    ns_dram_config c = config("LPDDR4-3200");
    c.channels = 2;
    Driver driver(c);
    EXPECT_EQ(driver.run({{0, 0}, {0, 64}, {0, 128}}), (Ends{69, 69, 77})) << "32 bits, BL16: 64 bytes each";
}

TEST(Dram, FullQueueRefuses) {
    ns_dram_config c = config(k1600);
    c.queue = 2;
    std::unique_ptr<ns_dram, Destroy> dram(ns_dram_create(&c));
    EXPECT_TRUE(ns_dram_push(dram.get(), 0, 0, false, 0));
    EXPECT_TRUE(ns_dram_push(dram.get(), 0, 64, false, 1));
    EXPECT_FALSE(ns_dram_push(dram.get(), 0, 128, false, 2));
    ns_dram_done done;
    EXPECT_FALSE(ns_dram_step(dram.get(), 11 * 1250, &done)) << "RD is at 12";
    EXPECT_TRUE(ns_dram_step(dram.get(), 12 * 1250, &done));
    EXPECT_TRUE(ns_dram_push(dram.get(), 12 * 1250, 128, false, 2));
}

TEST(Dram, LatencyOfTheControllerIsAddedToTheEnd) {
    ns_dram_config c = config(k1600);
    c.latency_ps = 20000;
    std::unique_ptr<ns_dram, Destroy> dram(ns_dram_create(&c));
    ns_dram_push(dram.get(), 0, 0, false, 7);
    ns_dram_done done;
    ASSERT_TRUE(ns_dram_step(dram.get(), 1000000, &done));
    EXPECT_EQ(done.tag, 7u);
    EXPECT_EQ(done.ready_ps, 27u * 1250 + 20000);
}

// A bin's letter stands for CL-nRCD-nRP, which are one number in every bin here; the name has the data rate.
TEST(Dram, EveryGradeIsItsBin) {
    size_t count = 0;
    for (const ns_dram_grade *grade; (grade = ns_dram_grade_at(count)) != nullptr; count++) {
        SCOPED_TRACE(grade->name);
        const double rate = std::atof(std::strchr(grade->name, '-') + 1);
        EXPECT_NEAR(grade->tck_ps, 2e6 / rate, 1.2); // 1066 stands for 1066.67
        EXPECT_LE(grade->cwl_ck, grade->cl_ck);
        if (grade->kind == NS_DRAM_LPDDR4)
            continue;
        EXPECT_EQ(ns_dram_clocks(grade, grade->rcd_ps), grade->cl_ck);
        EXPECT_EQ(grade->rp_ps, grade->rcd_ps);
    }
    EXPECT_EQ(count, 21u + 24u + 7u) << "DDR3, DDR4, LPDDR4";
}

TEST(Dram, GradesAreFoundByNameInAnyCase) {
    EXPECT_STREQ(ns_dram_grade_find("ddr4-3200aa", 11)->name, "DDR4-3200AA");
    EXPECT_EQ(ns_dram_grade_find("DDR4-3200A", 10), nullptr);
    EXPECT_EQ(ns_dram_grade_find("DDR4-3200AAA", 12), nullptr);
    EXPECT_EQ(ns_dram_grade_find("", 0), nullptr);
}

TEST(Dram, WrongConfigurationsAreRefusedWithASentence) {
    const auto refused = [](auto change) {
        ns_dram_config c = config(k1600);
        change(c);
        char reason[160] = "";
        EXPECT_EQ(ns_dram_config_check(&c, reason, sizeof reason), NS_ERROR_ARGUMENT);
        EXPECT_NE(reason[0], '\0');
        EXPECT_EQ(ns_dram_create(&c), nullptr);
    };
    refused([](ns_dram_config &c) { c.grade = nullptr; });
    refused([](ns_dram_config &c) { c.channels = 3; });
    refused([](ns_dram_config &c) { c.channels = 8; });
    refused([](ns_dram_config &c) { c.width = 24; });
    refused([](ns_dram_config &c) { c.width = 128; });
    refused([](ns_dram_config &c) { c.device = 4; });
    refused([](ns_dram_config &c) { c.width = 8; });
    refused([](ns_dram_config &c) { c.gigabits = 3; });
    refused([](ns_dram_config &c) { c.queue = 0; });
    refused([](ns_dram_config &c) { c.queue = 65; });
    refused([](ns_dram_config &c) { c.cap = 256; });
}

// No order of service can beat the data bus, or the latency of a hit; and what came in comes out once (Driver).
TEST(Dram, RandomStreamsKeepTheBoundsOfBusAndLatency) {
    std::mt19937 random(1);
    for (unsigned round = 0; round < 40; round++) {
        const char *const names[] = {k1600, "DDR4-2400R", "LPDDR4-3200"};
        ns_dram_config c = config(names[round % 3]);
        c.scheduler = round % 2 == 0 ? NS_DRAM_FR_FCFS : NS_DRAM_IN_ORDER;
        c.map = static_cast<ns_dram_map>(random() % 3);
        c.cap = static_cast<uint32_t>(random() % 20);
        Driver driver(c);
        std::vector<Request> requests;
        uint64_t clock = 0;
        for (unsigned i = 0; i < 500; i++)
            requests.push_back({clock += random() % 12, random() % (1u << 22), random() % 3 == 0});
        Ends ends = driver.run(requests);
        const uint32_t data = c.grade->burst / 2;
        for (size_t i = 0; i < ends.size(); i++)
            EXPECT_GE(ends[i], requests[i].clock + 1 + data + (requests[i].write ? c.grade->cwl_ck : c.grade->cl_ck));
        const ns_dram_stats stats = driver.stats();
        EXPECT_EQ(stats.reads + stats.writes, 500u);
        EXPECT_EQ(stats.row_hits + stats.row_misses + stats.row_conflicts, 500u);
        std::sort(ends.begin(), ends.end());
        for (size_t i = 10; i < ends.size(); i++) // reads and writes end at different distances from their data
            EXPECT_GE(ends[i] + c.grade->cl_ck, ends[i - 10] + 10 * data);
    }
}

} // namespace
