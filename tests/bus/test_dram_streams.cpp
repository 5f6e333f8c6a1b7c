// SPDX-License-Identifier: Apache-2.0
// Whole streams of requests, clock by clock. DDR3-1600K as in test_dram.cpp: tCK 1.25 ns; CL 11, CWL 8, BL/2 4, tRCD
// 11, tRP 11, tRAS 28, tWR 12, tRTP 6, tWTR 6, tRRD 6, tFAW 32, tCCD 4, tREFI 6240, tRFC 208. A request at clock n is
// seen at n + 1. Reads end 15 behind their command, writes 12.
#include "tests/bus/dram_driver.h"

#include <gtest/gtest.h>

namespace {

using dram_test::at;
using dram_test::config;
using dram_test::Driver;
using dram_test::Ends;
using dram_test::Request;

std::vector<Request> sequential(size_t count) {
    std::vector<Request> requests;
    for (size_t i = 0; i < count; i++)
        requests.push_back({0, i * 64});
    return requests;
}

// ACT 1, RD 12, then a RD every tCCD. Read 128 is the first of bank 1. It is in the queue of 32 from read 96's command
// on, which is at 396: its ACT at 397 is over long before its turn. The data bus has no gap.
TEST(DramStreams, SequentialReadsFillTheDataBus) {
    Driver driver(config("DDR3-1600K"));
    const Ends ends = driver.run(sequential(300));
    for (size_t i = 0; i < ends.size(); i++)
        ASSERT_EQ(ends[i], 27 + 4 * i) << i;
    EXPECT_EQ(driver.stats().row_hits, 297u);
    EXPECT_EQ(driver.stats().row_misses, 3u);
    EXPECT_EQ(driver.stats().row_conflicts, 0u);
    // Read i < 32 takes 27 + 4 i; the others come in when read i - 32 has its command, at 12 + 4 (i - 32), and take
    // 143.
    EXPECT_EQ(driver.stats().latency_ps / 1250, 32u * 27 + 4 * (31 * 32 / 2) + 268 * 143);
}

// ACT 1, RD 12, PRE max(1 + tRAS 28, 12 + tRTP 6) = 29, ACT 40: tRC is 39.
TEST(DramStreams, RowsOfOneBankTakeTrcEach) {
    for (const ns_dram_scheduler scheduler : {NS_DRAM_IN_ORDER, NS_DRAM_FR_FCFS}) {
        ns_dram_config c = config("DDR3-1600K");
        c.scheduler = scheduler;
        Driver driver(c);
        std::vector<Request> requests;
        for (uint64_t row = 0; row < 20; row++)
            requests.push_back({0, at(row, 0, 0)});
        const Ends ends = driver.run(requests);
        for (size_t i = 0; i < ends.size(); i++)
            EXPECT_EQ(ends[i], 27 + 39 * i);
        EXPECT_EQ(driver.stats().row_misses, 1u);
        EXPECT_EQ(driver.stats().row_conflicts, 19u);
    }
}

// ACT 1, WR 12, PRE 12 + CWL 8 + 4 + tWR 12 = 36, ACT 47: 46 clocks each.
TEST(DramStreams, WrittenRowsOfOneBankWaitForTwrEach) {
    Driver driver(config("DDR3-1600K"));
    std::vector<Request> requests;
    for (uint64_t row = 0; row < 20; row++)
        requests.push_back({0, at(row, 0, 0), true});
    const Ends ends = driver.run(requests);
    for (size_t i = 0; i < ends.size(); i++)
        EXPECT_EQ(ends[i], 24 + 46 * i);
}

// ACTs tRRD 6 apart, four in 32 clocks: 1, 7, 13, 19, then 1 + 32, ... Row 1 of bank 0 could be opened at 40 (PRE at
// 29), but its turn is at 65. A RD follows each ACT by 11.
TEST(DramStreams, ActivatesComeFourInTfaw) {
    Driver driver(config("DDR3-1600K"));
    std::vector<Request> requests;
    for (uint64_t i = 0; i < 16; i++)
        requests.push_back({0, at(i / 8, i % 8, 0)});
    const Ends ends = driver.run(requests);
    for (size_t i = 0; i < ends.size(); i++)
        EXPECT_EQ(ends[i], (1 + i / 4 * 32 + i % 4 * 6) + 11 + 15) << i;
    EXPECT_EQ(driver.stats().row_misses, 8u);
    EXPECT_EQ(driver.stats().row_conflicts, 8u);
}

// RD 12; WR RL 11 + 4 + 2 - WL 8 = 9 later; RD WL 8 + 4 + tWTR 6 = 18 later: 27 clocks for both.
TEST(DramStreams, ReadsAndWritesInTurnsTurnTheBusRoundEachTime) {
    ns_dram_config c = config("DDR3-1600K");
    c.scheduler = NS_DRAM_IN_ORDER;
    Driver driver(c);
    std::vector<Request> requests;
    for (uint64_t i = 0; i < 20; i++)
        requests.push_back({0, at(0, 0, i), i % 2 == 1});
    const Ends ends = driver.run(requests);
    for (size_t i = 0; i < ends.size(); i += 2) {
        EXPECT_EQ(ends[i], 12 + 27 * (i / 2) + 15);
        EXPECT_EQ(ends[i + 1], 21 + 27 * (i / 2) + 12);
    }
}

// FR-FCFS gathers the same twenty: ten reads from 12 on, the last at 48; the writes from 48 + 9 on.
TEST(DramStreams, FrFcfsTurnsTheBusRoundOnce) {
    Driver driver(config("DDR3-1600K"));
    std::vector<Request> requests;
    for (uint64_t i = 0; i < 20; i++)
        requests.push_back({0, at(0, 0, i), i % 2 == 1});
    const Ends ends = driver.run(requests);
    for (size_t i = 0; i < ends.size(); i += 2) {
        EXPECT_EQ(ends[i], 12 + 4 * (i / 2) + 15);
        EXPECT_EQ(ends[i + 1], 57 + 4 * (i / 2) + 12);
    }
}

// PRE for the read at 101. The fourth write comes at 105 and turns to writes (4 of 5 entries): their bank could have
// been opened from 102 on, but nobody knew. ACT 105, WR 116, 120, 124; with one write left the read goes on: ACT 125,
// RD 124 + 18. The last WR is 9 behind that.
TEST(DramStreams, NothingIsDoneBeforeTheRequestThatCausesIt) {
    ns_dram_config c = config("DDR3-1600K");
    c.queue = 5;
    Driver driver(c);
    EXPECT_EQ(driver.run({{0, at(0, 0, 0)},
                          {100, at(1, 0, 0)},
                          {100, at(0, 1, 0), true},
                          {100, at(0, 1, 1), true},
                          {100, at(0, 1, 2), true},
                          {105, at(0, 1, 3), true}}),
              (Ends{27, 142 + 15, 116 + 12, 120 + 12, 124 + 12, 151 + 12}));
}

// Row 0 is open; of two rows in turns FR-FCFS takes all of row 0 first: RD 101, 105, 109; PRE 109 + tRTP 6, ACT 126,
// RD 137, 141, 145. In order every one of the six is a conflict but the first.
TEST(DramStreams, FrFcfsGathersHitsOfTwoRowsInTurns) {
    const std::vector<Request> requests = {{0, at(0, 0, 0)},   {100, at(1, 0, 0)}, {100, at(0, 0, 1)},
                                           {100, at(1, 0, 1)}, {100, at(0, 0, 2)}, {100, at(1, 0, 2)},
                                           {100, at(0, 0, 3)}};
    Driver gathered(config("DDR3-1600K"));
    EXPECT_EQ(gathered.run(requests), (Ends{27, 137 + 15, 101 + 15, 141 + 15, 105 + 15, 145 + 15, 109 + 15}));
    EXPECT_EQ(gathered.stats().row_hits, 5u);
    EXPECT_EQ(gathered.stats().row_conflicts, 1u);
    ns_dram_config c = config("DDR3-1600K");
    c.scheduler = NS_DRAM_IN_ORDER;
    Driver in_order(c);
    in_order.run(requests);
    EXPECT_EQ(in_order.stats().row_hits, 0u);
    EXPECT_EQ(in_order.stats().row_conflicts, 6u);
}

// The last RD before tREFI at 6240 is read 1556, at 12 + 4 * 1556 = 6236. PRE of all banks at 6236 + tRTP 6, REF 11
// later at 6253, ACT at 6253 + 208, RD at 6472. What had been open is closed: one row more has to be opened.
TEST(DramStreams, RefreshTakesItsTimeOutOfASequentialStream) {
    Driver driver(config("DDR3-1600K"));
    const Ends ends = driver.run(sequential(2000));
    for (size_t i = 0; i < ends.size(); i++)
        ASSERT_EQ(ends[i], i <= 1556 ? 27 + 4 * i : 6472 + 15 + 4 * (i - 1557)) << i;
    EXPECT_EQ(driver.stats().refreshes, 1u);
    EXPECT_EQ(driver.stats().row_hits, 2000u - 16 - 1) << "16 rows begun, one of them twice";
}

// A burst of 64 bytes each tCCD of another bank group: row, bank, column, group. DDR4-3200AA, devices of 16 bits: two
// groups, tCCD_S 4, tCCD_L 8 (5 ns), tRRD_S 9, tRCD 22, CL 22. ACT 1 and 10; RD 23 and, tCCD_L 8 later, 31: the other
// group's first is at 32, so read 2 goes before read 1, and read 4 before 3 ... From then on each group is busy.
TEST(DramStreams, BankGroupsKeepTheDataBusFull) {
    for (const ns_dram_map map : {NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP, NS_DRAM_MAP_ROW_BANK_COLUMN}) {
        ns_dram_config c = config("DDR4-3200AA");
        c.map = map;
        Driver driver(c);
        Ends ends = driver.run(sequential(100));
        std::sort(ends.begin(), ends.end());
        const uint64_t gap = map == NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP ? 4 : 8;
        for (size_t i = 50; i < 95; i++) // the last ones are of one group only
            EXPECT_EQ(ends[i], ends[i - 1] + gap) << i;
    }
}

// DDR4-2400R, devices of 16 bits: two groups, of banks with even and odd numbers. tRRD_S 7, tRRD_L 8, tRCD 16, CL 16,
// CWL 12, tWTR_S 3, tWTR_L 9. Rows are opened by the first two requests; then WR 501 and a RD 12 + 4 + tWTR later.
TEST(DramStreams, WithinABankGroupTrrdAndTwtrAreLonger) {
    const uint64_t bank = 128 * 64;
    for (const bool same_group : {false, true}) {
        ns_dram_config c = config("DDR4-2400R");
        c.map = NS_DRAM_MAP_ROW_BANK_COLUMN;
        Driver driver(c);
        const uint64_t other = same_group ? 2 * bank : bank;
        EXPECT_EQ(driver.run({{0, 0}, {0, other}, {500, 64, true}, {502, other + 64}}),
                  (Ends{1 + 16 + 20, (same_group ? 9u : 8u) + 16 + 20, 501 + 16, 517 + (same_group ? 9u : 3u) + 20}));
    }
}

// LPDDR4-3200: tRPpb 29, tRPab 34, tPPD 4, tRCD 29, tREFI 6246, tRFCab of 4 Gbit 288. Rows of banks 0 and 1 are open.
// PRE of bank 0 at 6245 for the third request; the refresh that is due may close all banks 4 clocks later, at 6249. REF
// 6283, ACT 6571, RD 6600, its data 28 + 3 + 8 later.
TEST(DramStreams, Lpddr4KeepsTppdBetweenPrecharges) {
    Driver driver(config("LPDDR4-3200"));
    const uint64_t row = 64 * 64, round = 8 * row; // bytes of a row of two devices; of one row in each bank
    EXPECT_EQ(driver.run({{0, 0}, {0, row}, {6244, round}})[2], 6600u + 39);
}

// ACTs 16 apart (tRRD), so the fifth of tFAW 64 is no later; RD 29 behind each; 39 to the end.
TEST(DramStreams, Lpddr4ActivatesComeTrrdApart) {
    Driver driver(config("LPDDR4-3200"));
    std::vector<Request> requests;
    for (uint64_t bank = 0; bank < 8; bank++)
        requests.push_back({0, bank * 64 * 64});
    const Ends ends = driver.run(requests);
    for (size_t i = 0; i < ends.size(); i++)
        EXPECT_EQ(ends[i], 1 + 16 * i + 29 + 39);
}

// Nobody asks for anything after the first read; the part is refreshed all the same.
TEST(DramStreams, RefreshesBehindTheLastRequestAreCounted) {
    for (const uint32_t channels : {1u, 2u}) {
        ns_dram_config c = config("DDR3-1600K");
        c.channels = channels;
        Driver driver(c);
        driver.run({{0, 0}});
        EXPECT_EQ(driver.stats(6239).refreshes, 0u);
        EXPECT_EQ(driver.stats(6240).refreshes, 1u * channels);
        EXPECT_EQ(driver.stats(62400).refreshes, 10u * channels);
        driver.run({{63000, 0}}); // they are not counted twice when the next request comes
        EXPECT_EQ(driver.stats(63100).refreshes, 10u * channels);
    }
    ns_dram_config c = config("DDR3-1600K");
    c.no_refresh = true;
    EXPECT_EQ(Driver(c).stats(1000000).refreshes, 0u);
}

} // namespace
