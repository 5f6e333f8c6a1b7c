/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JEDEC's speed bins. DDR3: JESD79-3F, the tables "DDR3-... Speed Bins and Operating Conditions" (CL-tRCD-tRP, tRAS)
 * and "Timing Parameters by Speed Bin" (tWR, tRTP, tWTR, tRRD, tCCD, tFAW). DDR4: JESD79-4B, the tables of the same
 * names. LPDDR4: JESD209-4B, "Read and Write Latencies" and the core timing table; it has no bins but data rates.
 */
#include "bus/dram.h"

/* DDR3: BL8; tWR 15 ns, tRTP and tWTR max(4 nCK, 7.5 ns), tCCD 4 nCK, tREFI 7.8 us. */
#define DDR3(name, tck, cl, cwl, rcd, ras, rrd1, rrd2, faw1, faw2)                                                     \
    {                                                                                                                  \
        name, NS_DRAM_DDR3, tck, cl, cwl, 0, rcd, rcd, ras, 15000, 7500, 4, 7500, 4, 7500, 4, {rrd1, rrd2},            \
            {rrd1, rrd2}, {faw1, faw2}, 4, 0, 4, 7800000, 8                                                            \
    }
/* DDR4: BL8; tWR 15 ns, tRTP max(4 nCK, 7.5 ns), tWTR_S max(2 nCK, 2.5 ns), tWTR_L max(4 nCK, 7.5 ns), tCCD_S 4 nCK,
 * tCCD_L max(5 nCK, ccd_l), tREFI 7.8 us. CWL is that of the first set, with a preamble of 1 tCK. */
#define DDR4(name, tck, cl, cwl, rcd, ras, ccd_l, rates)                                                               \
    {                                                                                                                  \
        name, NS_DRAM_DDR4, tck, cl, cwl, 0, rcd, rcd, ras, 15000, 7500, 4, 2500, 2, 7500, 4, rates, 4, ccd_l, 5,      \
            7800000, 8                                                                                                 \
    }
/* tRRD_S, tRRD_L and tFAW by data rate. */
#define AT_1600                                                                                                        \
    {5000, 6000}, {6000, 7500}, {                                                                                      \
        25000, 35000                                                                                                   \
    }
#define AT_1866                                                                                                        \
    {4200, 5300}, {5300, 6400}, {                                                                                      \
        23000, 30000                                                                                                   \
    }
#define AT_2133                                                                                                        \
    {3700, 5300}, {5300, 6400}, {                                                                                      \
        21000, 30000                                                                                                   \
    }
#define AT_2400                                                                                                        \
    {3300, 5300}, {4900, 6400}, {                                                                                      \
        21000, 30000                                                                                                   \
    }
#define AT_2666                                                                                                        \
    {3000, 5300}, {4900, 6400}, {                                                                                      \
        21000, 30000                                                                                                   \
    }
#define AT_2933                                                                                                        \
    {2700, 5300}, {4900, 6400}, {                                                                                      \
        21000, 30000                                                                                                   \
    }
#define AT_3200                                                                                                        \
    {2500, 5300}, {4900, 6400}, {                                                                                      \
        21000, 30000                                                                                                   \
    }
/* LPDDR4: BL16; tDQSCK 1.5 to 3.5 ns (the least here); tRCD and tRPpb 18 ns, tRAS 42 ns, tWR 18 ns, tRTP max(8 nCK,
 * 7.5 ns), tWTR max(8 nCK, 10 ns), tCCD 8 nCK, tREFI 3.904 us. Pages of 2 KiB only. */
#define LPDDR4(name, tck, rl, wl, rrd, faw)                                                                            \
    {                                                                                                                  \
        name, NS_DRAM_LPDDR4, tck, rl, wl, 1500, 18000, 18000, 42000, 18000, 7500, 8, 10000, 8, 10000, 8, {rrd, rrd},  \
            {rrd, rrd}, {faw, faw}, 8, 0, 8, 3904000, 16                                                               \
    }

static const struct ns_dram_grade grades[] = {
    DDR3("DDR3-800D", 2500, 5, 5, 12500, 37500, 10000, 10000, 40000, 50000),
    DDR3("DDR3-800E", 2500, 6, 5, 15000, 37500, 10000, 10000, 40000, 50000),
    DDR3("DDR3-1066E", 1875, 6, 6, 11250, 37500, 7500, 10000, 37500, 50000),
    DDR3("DDR3-1066F", 1875, 7, 6, 13125, 37500, 7500, 10000, 37500, 50000),
    DDR3("DDR3-1066G", 1875, 8, 6, 15000, 37500, 7500, 10000, 37500, 50000),
    DDR3("DDR3-1333G", 1500, 8, 7, 12000, 36000, 6000, 7500, 30000, 45000),
    DDR3("DDR3-1333H", 1500, 9, 7, 13500, 36000, 6000, 7500, 30000, 45000),
    DDR3("DDR3-1333J", 1500, 10, 7, 15000, 36000, 6000, 7500, 30000, 45000),
    DDR3("DDR3-1600H", 1250, 9, 8, 11250, 35000, 6000, 7500, 30000, 40000),
    DDR3("DDR3-1600J", 1250, 10, 8, 12500, 35000, 6000, 7500, 30000, 40000),
    DDR3("DDR3-1600K", 1250, 11, 8, 13750, 35000, 6000, 7500, 30000, 40000),
    DDR3("DDR3-1866L", 1071, 12, 9, 12840, 34000, 5000, 6000, 27000, 35000),
    DDR3("DDR3-1866M", 1071, 13, 9, 13910, 34000, 5000, 6000, 27000, 35000),
    DDR3("DDR3-2133M", 937, 13, 10, 12155, 33000, 5000, 6000, 25000, 35000),
    DDR3("DDR3-2133N", 937, 14, 10, 13090, 33000, 5000, 6000, 25000, 35000),

    DDR4("DDR4-1600J", 1250, 10, 9, 12500, 35000, 6250, AT_1600),
    DDR4("DDR4-1600K", 1250, 11, 9, 13750, 35000, 6250, AT_1600),
    DDR4("DDR4-1600L", 1250, 12, 9, 15000, 35000, 6250, AT_1600),
    DDR4("DDR4-1866M", 1071, 13, 10, 13920, 34000, 5355, AT_1866),
    DDR4("DDR4-1866N", 1071, 14, 10, 15000, 34000, 5355, AT_1866),
    DDR4("DDR4-2133P", 937, 15, 11, 14060, 33000, 5355, AT_2133),
    DDR4("DDR4-2133R", 937, 16, 11, 15000, 33000, 5355, AT_2133),
    DDR4("DDR4-2400P", 833, 15, 12, 12500, 32000, 5000, AT_2400),
    DDR4("DDR4-2400R", 833, 16, 12, 13320, 32000, 5000, AT_2400),
    DDR4("DDR4-2400T", 833, 17, 12, 14160, 32000, 5000, AT_2400),
    DDR4("DDR4-2400U", 833, 18, 12, 15000, 32000, 5000, AT_2400),
    DDR4("DDR4-2666U", 750, 18, 14, 13500, 32000, 5000, AT_2666),
    DDR4("DDR4-2666V", 750, 19, 14, 14250, 32000, 5000, AT_2666),
    DDR4("DDR4-2666W", 750, 20, 14, 15000, 32000, 5000, AT_2666),
    DDR4("DDR4-2933Y", 682, 21, 16, 14320, 32000, 5000, AT_2933),
    DDR4("DDR4-3200W", 625, 20, 16, 12500, 32000, 5000, AT_3200),
    DDR4("DDR4-3200AA", 625, 22, 16, 13750, 32000, 5000, AT_3200),
    DDR4("DDR4-3200AC", 625, 24, 16, 15000, 32000, 5000, AT_3200),

    LPDDR4("LPDDR4-1600", 1250, 14, 8, 10000, 40000),
    LPDDR4("LPDDR4-2133", 937, 20, 10, 10000, 40000),
    LPDDR4("LPDDR4-2666", 750, 24, 12, 10000, 40000),
    LPDDR4("LPDDR4-3200", 625, 28, 14, 10000, 40000),
    LPDDR4("LPDDR4-3733", 535, 32, 16, 10000, 40000),
    LPDDR4("LPDDR4-4266", 468, 36, 18, 7500, 30000),
};

const struct ns_dram_grade *ns_dram_grade_at(size_t index) {
    return index < sizeof grades / sizeof grades[0] ? &grades[index] : NULL;
}

static char upper(char letter) {
    return letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
}

const struct ns_dram_grade *ns_dram_grade_find(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof grades / sizeof grades[0]; i++) {
        size_t same = 0;
        while (same < length && grades[i].name[same] != '\0' && upper(name[same]) == grades[i].name[same]) {
            same++;
        }
        if (same == length && grades[i].name[same] == '\0') {
            return &grades[i];
        }
    }
    return NULL;
}

uint32_t ns_dram_rfc_ps(enum ns_dram_kind kind, uint32_t gigabits) {
    static const struct {
        enum ns_dram_kind kind;
        uint32_t gigabits, ns;
    } table[] = {
        {NS_DRAM_DDR3, 1, 110},   {NS_DRAM_DDR3, 2, 160},    {NS_DRAM_DDR3, 4, 260},    {NS_DRAM_DDR3, 8, 350},
        {NS_DRAM_DDR4, 2, 160},   {NS_DRAM_DDR4, 4, 260},    {NS_DRAM_DDR4, 8, 350},    {NS_DRAM_DDR4, 16, 550},
        {NS_DRAM_LPDDR4, 2, 130}, {NS_DRAM_LPDDR4, 3, 180},  {NS_DRAM_LPDDR4, 4, 180},  {NS_DRAM_LPDDR4, 6, 280},
        {NS_DRAM_LPDDR4, 8, 280}, {NS_DRAM_LPDDR4, 12, 380}, {NS_DRAM_LPDDR4, 16, 380},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].kind == kind && table[i].gigabits == gigabits) {
            return table[i].ns * 1000;
        }
    }
    return 0;
}

uint32_t ns_dram_clocks(uint32_t ps, uint32_t tck_ps) {
    return (uint32_t)(((uint64_t)ps * 1000 / tck_ps + 974) / 1000);
}
