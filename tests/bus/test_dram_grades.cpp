// SPDX-License-Identifier: Apache-2.0
// The timing parameters of the speed bins in clocks, as others published them.
#include "bus/dram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace {

// The bins of one data rate.
std::vector<const ns_dram_grade *> rate(const std::string &name) {
    std::vector<const ns_dram_grade *> result;
    const ns_dram_grade *grade;
    for (size_t i = 0; (grade = ns_dram_grade_at(i)) != nullptr; i++)
        if (std::strncmp(grade->name, name.c_str(), name.size()) == 0 && !std::isdigit(grade->name[name.size()]))
            result.push_back(grade);
    return result;
}

uint32_t clocks(const ns_dram_grade *grade, uint32_t ps, uint32_t least = 0) {
    return std::max(ns_dram_clocks(grade, ps), least);
}

// JESD79-3F "Standard Speed Bins": each letter is one CL-nRCD-nRP.
TEST(DramGrades, BinsOfDdr3AndDdr4HaveTheirLetters) {
    struct Bins {
        const char *rate, *letters[4];
        uint32_t first;
        uint32_t step = 1;
    };
    const Bins table[] = {
        {"DDR3-800", {"D", "E"}, 5},
        {"DDR3-1066", {"E", "F", "G"}, 6},
        {"DDR3-1333", {"F", "G", "H", "J"}, 7},
        {"DDR3-1600", {"G", "H", "J", "K"}, 8},
        {"DDR3-1866", {"J", "K", "L", "M"}, 10},
        {"DDR3-2133", {"K", "L", "M", "N"}, 11},
        {"DDR4-1600", {"J", "K", "L"}, 10},
        {"DDR4-1866", {"L", "M", "N"}, 12},
        {"DDR4-2133", {"N", "P", "R"}, 14},
        {"DDR4-2400", {"P", "R", "T", "U"}, 15},
        {"DDR4-2666", {"T", "U", "V", "W"}, 17},
        {"DDR4-2933", {"V", "W", "Y", "AA"}, 19},
        {"DDR4-3200", {"W", "AA", "AC"}, 20, 2},
    };
    for (const Bins &bins : table) {
        const auto found = rate(bins.rate);
        for (size_t i = 0; i < found.size(); i++) {
            SCOPED_TRACE(found[i]->name);
            ASSERT_LT(i, 4u);
            ASSERT_NE(bins.letters[i], nullptr);
            EXPECT_EQ(found[i]->name, bins.rate + std::string(bins.letters[i]));
            EXPECT_EQ(found[i]->cl_ck, bins.first + bins.step * i);
            EXPECT_EQ(clocks(found[i], found[i]->rcd_ps), found[i]->cl_ck);
            EXPECT_EQ(clocks(found[i], found[i]->rp_ps), found[i]->cl_ck);
        }
        EXPECT_TRUE(found.size() == 4 || bins.letters[found.size()] == nullptr) << bins.rate;
    }
}

struct Clocks {
    const char *rate;
    uint32_t cwl, ras, wr, rtp, ccd_l, wtr_s, wtr_l, rrd_s[2], rrd_l[2], faw[2]; // pages of 1 KiB, of 2 KiB
};

void expect(const ns_dram_grade *grade, const Clocks &row) {
    SCOPED_TRACE(grade->name);
    EXPECT_EQ(grade->cwl_ck, row.cwl);
    EXPECT_EQ(clocks(grade, grade->ras_ps), row.ras);
    EXPECT_EQ(clocks(grade, grade->wr_ps), row.wr);
    EXPECT_EQ(clocks(grade, grade->rtp_ps, grade->rtp_ck), row.rtp);
    EXPECT_EQ(grade->ccd_s_ck, 4u);
    EXPECT_EQ(clocks(grade, grade->ccd_l_ps, grade->ccd_l_ck), row.ccd_l);
    EXPECT_EQ(clocks(grade, grade->wtr_s_ps, grade->wtr_s_ck), row.wtr_s);
    EXPECT_EQ(clocks(grade, grade->wtr_l_ps, grade->wtr_l_ck), row.wtr_l);
    for (unsigned page = 0; page < 2; page++) {
        EXPECT_EQ(clocks(grade, grade->rrd_s_ps[page], 4), row.rrd_s[page]);
        EXPECT_EQ(clocks(grade, grade->rrd_l_ps[page], 4), row.rrd_l[page]);
        EXPECT_EQ(clocks(grade, grade->faw_ps[page]), row.faw[page]);
    }
    EXPECT_EQ(grade->refi_ps, 7800000u);
}

// Ramulator, src/DDR3.h and DDR3.cpp, and Ramulator 2.0, src/dram/impl/DDR3.cpp (tRRD of 2133); CWL and tFAW of 2133
// with pages of 2 KiB (38, not 34: 35 ns) from Micron's parameters for -093.
TEST(DramGrades, Ddr3InClocks) {
    const struct {
        Clocks clocks;
        uint32_t rfc[4]; // 1, 2, 4, 8 Gbit
    } table[] = {
        {{"DDR3-800", 5, 15, 6, 4, 4, 4, 4, {4, 4}, {4, 4}, {16, 20}}, {44, 64, 104, 140}},
        {{"DDR3-1066", 6, 20, 8, 4, 4, 4, 4, {4, 6}, {4, 6}, {20, 27}}, {59, 86, 139, 187}},
        {{"DDR3-1333", 7, 24, 10, 5, 4, 5, 5, {4, 5}, {4, 5}, {20, 30}}, {74, 107, 174, 234}},
        {{"DDR3-1600", 8, 28, 12, 6, 4, 6, 6, {5, 6}, {5, 6}, {24, 32}}, {88, 128, 208, 280}},
        {{"DDR3-1866", 9, 32, 14, 7, 4, 7, 7, {5, 6}, {5, 6}, {26, 33}}, {103, 150, 243, 327}},
        {{"DDR3-2133", 10, 36, 16, 8, 4, 8, 8, {6, 7}, {6, 7}, {27, 38}}, {118, 171, 278, 374}},
    };
    for (const auto &row : table)
        for (const ns_dram_grade *grade : rate(row.clocks.rate)) {
            expect(grade, row.clocks);
            for (unsigned i = 0; i < 4; i++)
                EXPECT_EQ(clocks(grade, ns_dram_rfc_ps(NS_DRAM_DDR3, 1u << i)), row.rfc[i]) << grade->name;
        }
}

// Ramulator 2.0, src/dram/impl/DDR4.cpp: nRAS, nWR, nRTP, nCWL, nCCDL, nWTRS, nWTRL; nRRDS, nRRDL and nFAW of devices
// of 8 and 16 bits (it names JESD79-4C, tables 169 and 170). tRFC in nanoseconds.
TEST(DramGrades, Ddr4InClocks) {
    const Clocks table[] = {
        {"DDR4-1600", 9, 28, 12, 6, 5, 2, 6, {4, 5}, {5, 6}, {20, 28}},
        {"DDR4-1866", 10, 32, 14, 7, 5, 3, 7, {4, 5}, {5, 6}, {22, 28}},
        {"DDR4-2133", 11, 36, 16, 8, 6, 3, 8, {4, 6}, {6, 7}, {23, 32}},
        {"DDR4-2400", 12, 39, 18, 9, 6, 3, 9, {4, 7}, {6, 8}, {26, 36}},
        {"DDR4-2666", 14, 43, 20, 10, 7, 4, 10, {4, 8}, {7, 9}, {28, 40}},
        {"DDR4-2933", 16, 47, 22, 11, 8, 4, 11, {4, 8}, {8, 10}, {31, 44}},
        {"DDR4-3200", 16, 52, 24, 12, 8, 4, 12, {4, 9}, {8, 11}, {34, 48}},
    };
    for (const Clocks &row : table)
        for (const ns_dram_grade *grade : rate(row.rate))
            expect(grade, row);
    EXPECT_EQ(ns_dram_rfc_ps(NS_DRAM_DDR4, 2), 160000u);
    EXPECT_EQ(ns_dram_rfc_ps(NS_DRAM_DDR4, 4), 260000u);
    EXPECT_EQ(ns_dram_rfc_ps(NS_DRAM_DDR4, 8), 350000u);
    EXPECT_EQ(ns_dram_rfc_ps(NS_DRAM_DDR4, 16), 550000u);
}

// RL, WL of set A, nRTP and nWR of JESD209-4's mode registers 1 and 2; nWR is tWR made even. (2400 shares the setting
// of 2667 there, its own clocks are fewer.) Other clocks of 3200:
// DRAMSys, JEDEC_8Gb_LPDDR4-3200_16bit.json.
TEST(DramGrades, Lpddr4InClocks) {
    struct Row {
        const char *rate;
        uint32_t rl, wl, rtp, wr, faw_ps;
    };
    const Row table[] = {
        {"LPDDR4-1600", 14, 8, 8, 16, 40000},   {"LPDDR4-2133", 20, 10, 8, 20, 40000},
        {"LPDDR4-2400", 24, 12, 9, 22, 40000},  {"LPDDR4-2666", 24, 12, 10, 24, 40000},
        {"LPDDR4-3200", 28, 14, 12, 30, 40000}, {"LPDDR4-3733", 32, 16, 14, 34, 40000},
        {"LPDDR4-4266", 36, 18, 16, 40, 30000},
    };
    for (const Row &row : table) {
        SCOPED_TRACE(row.rate);
        const ns_dram_grade *grade = ns_dram_grade_find(row.rate, std::strlen(row.rate));
        ASSERT_NE(grade, nullptr);
        EXPECT_EQ(grade->cl_ck, row.rl);
        EXPECT_EQ(grade->cwl_ck, row.wl);
        EXPECT_EQ(clocks(grade, grade->rtp_ps, grade->rtp_ck), row.rtp);
        EXPECT_EQ((clocks(grade, grade->wr_ps) + 1) / 2 * 2, row.wr);
        EXPECT_EQ(grade->faw_ps[1], row.faw_ps);
        EXPECT_EQ(grade->rrd_s_ps[1] * 4, row.faw_ps) << "10 and 40 ns, 7.5 and 30 ns";
    }
    const ns_dram_grade *grade = ns_dram_grade_find("LPDDR4-3200", 11);
    EXPECT_EQ(clocks(grade, grade->rcd_ps), 29u);
    EXPECT_EQ(clocks(grade, grade->rp_ps), 29u);
    EXPECT_EQ(clocks(grade, grade->ras_ps), 68u);
    EXPECT_EQ(clocks(grade, grade->rrd_s_ps[1], 4), 16u);
    EXPECT_EQ(clocks(grade, grade->faw_ps[1]), 64u);
    EXPECT_EQ(clocks(grade, grade->wtr_l_ps, grade->wtr_l_ck), 16u);
    EXPECT_EQ(clocks(grade, ns_dram_rfc_ps(NS_DRAM_LPDDR4, 8)), 448u);
    EXPECT_EQ(grade->ccd_l_ck, 8u);
    EXPECT_EQ(grade->refi_ps / grade->tck_ps, 6246u);
    const std::pair<uint32_t, uint32_t> rfc[] = {{2, 130}, {3, 180},  {4, 180}, {6, 280},
                                                 {8, 280}, {12, 380}, {16, 380}};
    for (const auto &[gigabits, ns] : rfc)
        EXPECT_EQ(ns_dram_rfc_ps(NS_DRAM_LPDDR4, gigabits), ns * 1000);
}

// DDR3 and LPDDR4 round up, with the clock of the data rate; DDR4 up but for 2.6 % of a clock, with the tCK of the bin.
TEST(DramGrades, EachStandardRoundsInItsWay) {
    const auto rounded = [](const char *name, uint32_t ps) {
        return ns_dram_clocks(ns_dram_grade_find(name, std::strlen(name)), ps);
    };
    EXPECT_EQ(rounded("DDR3-1866M", 15000), 14u) << "15 ns * 933.33 MHz = 14";
    EXPECT_EQ(rounded("DDR3-1866M", 15001), 15u);
    EXPECT_EQ(rounded("DDR3-1600K", 12501), 11u) << "0.08 % of a clock more than 10";
    EXPECT_EQ(rounded("LPDDR4-4266", 7500), 16u) << "7.5 ns * 2133.33 MHz = 16";
    EXPECT_EQ(rounded("LPDDR4-3200", 7501), 13u);
    EXPECT_EQ(rounded("DDR4-2400R", 15000), 18u) << "15 / 0.833 = 18.007";
    EXPECT_EQ(rounded("DDR4-1600K", 12532), 10u) << "10.0256 clocks";
    EXPECT_EQ(rounded("DDR4-1600K", 12534), 11u) << "10.0272 clocks";
    EXPECT_EQ(rounded("DDR4-1600K", 0), 0u);
    EXPECT_EQ(rounded("DDR3-1600K", 0), 0u);
}

} // namespace
