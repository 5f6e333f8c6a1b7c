/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JEDEC's speed bins. DDR3: JESD79-3F, the tables "DDR3-... Speed Bins and Operating Conditions" (CL-tRCD-tRP, tRAS)
 * and "Timing Parameters by Speed Bin" (tWR, tRTP, tWTR, tRRD, tCCD, tFAW). DDR4: JESD79-4B, the tables of the same
 * names. LPDDR4: JESD209-4B, "Read and Write Latencies" and the core timing table; it has no bins but data rates.
 *
 * The standards themselves were not at hand. Each number was compared with documents that quote them:
 *   DDR3    Micron's model parameters of its 2 Gbit part, 2048Mb_ddr3_parameters.vh (data sheet, Rev. P): tRCD, tRP
 *           and tRAS of 2133N, 1866M, 1600K, 1333H and slower ones; tRRD and tFAW of both page sizes; tRTP, tWTR, tWR,
 *           tCCD; CWL by clock. Samsung M393B5273CH0, "Timing Parameters by Speed Bin", 800 to 1600. Alliance
 *           AS4C256M16D3B: tRFC of 4 Gbit is 260 ns (data sheets before JESD79-3F say 300). tRCD of the bins that
 *           none of them has: CL times the tCK of the rate, 1.07 and 0.935 ns of 1866 and 2133, as in the others.
 *   DDR4    Micron 4Gb DDR4, Rev. G, tables 150, 152 and 157: bins of 1866 and 2400, tCCD, tRTP. Alliance
 *           AS4C256M16D4, table 92: tRRD, tFAW, tWTR, tWR of pages of 2 KiB at 2400 and 2666. Micron 4Gb automotive
 *           DDR4, table 159: tRFC, tREFI. Letters and times of the bins: en.wikipedia.org/wiki/DDR4_SDRAM. Ramulator
 *           2.0, src/dram/impl/DDR4.cpp: CWL, tRAS, tWTR, tRRD and tFAW of 1600 to 3200 in clocks. DRAMsim3's tRRD_S
 *           of DDR4-2666 with devices of 16 bits is one clock shorter (7 for 5.3 ns of 0.75).
 *   LPDDR4  Synopsys' start-up code for its DDR controllers (dwc_cinit, the defaults of LPDDR4): RL, WL, nWR, nRTP,
 *           tRRD, tFAW, tPPD, tDQSCK, tRFC of each rate. DRAMSys, JEDEC_8Gb_LPDDR4-3200_16bit.json. Ramulator,
 *           src/LPDDR4.cpp: tRFCab, tREFI. 2400 lies in the range of clocks of 2666 and has its RL and WL.
 */
#include "bus/dram.h"

/* DDR3: BL8; tWR 15 ns, tRTP and tWTR max(4 nCK, 7.5 ns), tCCD 4 nCK, tREFI 7.8 us. */
#define DDR3(name, tck, cl, cwl, rcd, ras, rrd1, rrd2, faw1, faw2)                                                     \
    {                                                                                                                  \
        name, NS_DRAM_DDR3, tck, cl, cwl, 0, rcd, rcd, ras, 15000, 7500, 4, 7500, 4, 7500, 4, {rrd1, rrd2},            \
            {rrd1, rrd2}, {faw1, faw2}, 4, 0, 4, 7800000, 8                                                            \
    }
#define DDR3_800(bin, cl, rcd)  DDR3("DDR3-800" bin, 2500, cl, 5, rcd, 37500, 10000, 10000, 40000, 50000)
#define DDR3_1066(bin, cl, rcd) DDR3("DDR3-1066" bin, 1875, cl, 6, rcd, 37500, 7500, 10000, 37500, 50000)
#define DDR3_1333(bin, cl, rcd) DDR3("DDR3-1333" bin, 1500, cl, 7, rcd, 36000, 6000, 7500, 30000, 45000)
#define DDR3_1600(bin, cl, rcd) DDR3("DDR3-1600" bin, 1250, cl, 8, rcd, 35000, 6000, 7500, 30000, 40000)
#define DDR3_1866(bin, cl, rcd) DDR3("DDR3-1866" bin, 1071, cl, 9, rcd, 34000, 5000, 6000, 27000, 35000)
#define DDR3_2133(bin, cl, rcd) DDR3("DDR3-2133" bin, 937, cl, 10, rcd, 33000, 5000, 6000, 25000, 35000)

/* DDR4: BL8; tWR 15 ns, tRTP max(4 nCK, 7.5 ns), tWTR_S max(2 nCK, 2.5 ns), tWTR_L max(4 nCK, 7.5 ns), tCCD_S 4 nCK,
 * tCCD_L max(5 nCK, ccd_l), tREFI 7.8 us. CWL is that of the first set, with a preamble of 1 tCK. tRRD_S, tRRD_L and
 * tFAW: pages of 1 KiB, then of 2 KiB. */
#define DDR4(name, tck, cl, cwl, rcd, ras, ccd_l, s1, s2, l1, l2, faw1, faw2)                                          \
    {                                                                                                                  \
        name, NS_DRAM_DDR4, tck, cl, cwl, 0, rcd, rcd, ras, 15000, 7500, 4, 2500, 2, 7500, 4, {s1, s2}, {l1, l2},      \
            {faw1, faw2}, 4, ccd_l, 5, 7800000, 8                                                                      \
    }
#define DDR4_1600(bin, cl, rcd)                                                                                        \
    DDR4("DDR4-1600" bin, 1250, cl, 9, rcd, 35000, 6250, 5000, 6000, 6000, 7500, 25000, 35000)
#define DDR4_1866(bin, cl, rcd)                                                                                        \
    DDR4("DDR4-1866" bin, 1071, cl, 10, rcd, 34000, 5355, 4200, 5300, 5300, 6400, 23000, 30000)
#define DDR4_2133(bin, cl, rcd)                                                                                        \
    DDR4("DDR4-2133" bin, 937, cl, 11, rcd, 33000, 5355, 3700, 5300, 5300, 6400, 21000, 30000)
#define DDR4_2400(bin, cl, rcd)                                                                                        \
    DDR4("DDR4-2400" bin, 833, cl, 12, rcd, 32000, 5000, 3300, 5300, 4900, 6400, 21000, 30000)
#define DDR4_2666(bin, cl, rcd)                                                                                        \
    DDR4("DDR4-2666" bin, 750, cl, 14, rcd, 32000, 5000, 3000, 5300, 4900, 6400, 21000, 30000)
#define DDR4_2933(bin, cl, rcd)                                                                                        \
    DDR4("DDR4-2933" bin, 682, cl, 16, rcd, 32000, 5000, 2700, 5300, 4900, 6400, 21000, 30000)
#define DDR4_3200(bin, cl, rcd)                                                                                        \
    DDR4("DDR4-3200" bin, 625, cl, 16, rcd, 32000, 5000, 2500, 5300, 4900, 6400, 21000, 30000)

/* LPDDR4: BL16; tDQSCK 1.5 to 3.5 ns (the least here); tRCD and tRPpb 18 ns, tRAS 42 ns, tWR 18 ns, tRTP max(8 nCK,
 * 7.5 ns), tWTR max(8 nCK, 10 ns), tCCD 8 nCK, tREFI 3.904 us. Pages of 2 KiB only. */
#define LPDDR4(name, tck, rl, wl, rrd, faw)                                                                            \
    {                                                                                                                  \
        name, NS_DRAM_LPDDR4, tck, rl, wl, 1500, 18000, 18000, 42000, 18000, 7500, 8, 10000, 8, 10000, 8, {rrd, rrd},  \
            {rrd, rrd}, {faw, faw}, 8, 0, 8, 3904000, 16                                                               \
    }

static const struct ns_dram_grade grades[] = {
    DDR3_800("D", 5, 12500),
    DDR3_800("E", 6, 15000),
    DDR3_1066("E", 6, 11250),
    DDR3_1066("F", 7, 13125),
    DDR3_1066("G", 8, 15000),
    DDR3_1333("F", 7, 10500),
    DDR3_1333("G", 8, 12000),
    DDR3_1333("H", 9, 13500),
    DDR3_1333("J", 10, 15000),
    DDR3_1600("G", 8, 10000),
    DDR3_1600("H", 9, 11250),
    DDR3_1600("J", 10, 12500),
    DDR3_1600("K", 11, 13750),
    DDR3_1866("J", 10, 10700),
    DDR3_1866("K", 11, 11770),
    DDR3_1866("L", 12, 12840),
    DDR3_1866("M", 13, 13910),
    DDR3_2133("K", 11, 10285),
    DDR3_2133("L", 12, 11220),
    DDR3_2133("M", 13, 12155),
    DDR3_2133("N", 14, 13090),

    DDR4_1600("J", 10, 12500),
    DDR4_1600("K", 11, 13750),
    DDR4_1600("L", 12, 15000),
    DDR4_1866("L", 12, 12850),
    DDR4_1866("M", 13, 13920),
    DDR4_1866("N", 14, 15000),
    DDR4_2133("N", 14, 13130),
    DDR4_2133("P", 15, 14060),
    DDR4_2133("R", 16, 15000),
    DDR4_2400("P", 15, 12500),
    DDR4_2400("R", 16, 13320),
    DDR4_2400("T", 17, 14160),
    DDR4_2400("U", 18, 15000),
    DDR4_2666("T", 17, 12750),
    DDR4_2666("U", 18, 13500),
    DDR4_2666("V", 19, 14250),
    DDR4_2666("W", 20, 15000),
    DDR4_2933("V", 19, 12960),
    DDR4_2933("W", 20, 13640),
    DDR4_2933("Y", 21, 14320),
    DDR4_2933("AA", 22, 15000),
    DDR4_3200("W", 20, 12500),
    DDR4_3200("AA", 22, 13750),
    DDR4_3200("AC", 24, 15000),

    LPDDR4("LPDDR4-1600", 1250, 14, 8, 10000, 40000),
    LPDDR4("LPDDR4-2133", 937, 20, 10, 10000, 40000),
    LPDDR4("LPDDR4-2400", 833, 24, 12, 10000, 40000),
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

/* Data rates are multiples of 133 1/3 MT/s, and a tCK is cut to whole picoseconds: in thirds of MT/s the rate is exact
 * again. 1071 ps are 5600 thirds. */
static uint64_t thirds_of_rate(uint32_t tck_ps) {
    return (UINT64_C(6000000) / tck_ps + 200) / 400 * 400;
}

uint32_t ns_dram_clocks(const struct ns_dram_grade *grade, uint32_t ps) {
    if (grade->kind == NS_DRAM_DDR4) {
        return (uint32_t)(((uint64_t)ps * 1000 / grade->tck_ps + 974) / 1000);
    }
    return (uint32_t)((ps * thirds_of_rate(grade->tck_ps) + 5999999) / 6000000);
}
