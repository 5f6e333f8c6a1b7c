/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that pools, devices and the machine keep for themselves: where it lies, and that nothing else does. */
#include "parsed.h"
#include "scenarios/place.h"

#include <gtest/gtest.h>

namespace {

/* one-core-wb64 has 256 MiB at 0x8000_0000 and 256 MiB at 4 GiB. */
std::string on(const std::string &parameters, const std::string &rest) {
    return "machine \"m\" from \"one-core-wb64\"\n" + parameters + "end\nuse machine \"m\"\ndevice nic\ndevice dsp\n" +
           rest;
}

struct Placed {
    explicit Placed(const std::string &text) : parsed(text) {
        EXPECT_EQ("", parsed.errors());
        uint32_t object;
        char reason[256] = "";
        EXPECT_EQ(NS_OK, ns_scenario_place(parsed.get(), &placement, &object, reason, sizeof reason)) << reason;
    }
    ~Placed() { ns_placement_release(&placement); }
    bool in_a_gap(uint64_t start, uint64_t length) const {
        for (size_t i = 0; i < placement.gap_count; i++)
            if (start < placement.gap[i].start + placement.gap[i].length && placement.gap[i].start < start + length)
                return true;
        return false;
    }
    Parsed parsed;
    ns_placement placement{};
};

TEST(Reserved, MemoryWithAPlaceIsNotForOthers) {
    Placed placed(on("global-pool size 64K at 0x8100_0000\ncma size 4M at 0x8400_0000\n",
                     "pool p gen-pool size 8K at 0x8200_0000\n"
                     "device own coherent-pool size 4K at 0x8300_0000\n"));
    EXPECT_FALSE(placed.in_a_gap(0x81000000, 0x10000));
    EXPECT_FALSE(placed.in_a_gap(0x82000000, 0x2000));
    EXPECT_FALSE(placed.in_a_gap(0x83000000, 0x1000));
    EXPECT_FALSE(placed.in_a_gap(0x84000000, 0x400000));
    EXPECT_TRUE(placed.in_a_gap(0x84400000, 0x1000));
}

/* kernel/dma/contiguous.c: the command line goes before the device tree, that before what is built in; of 0 bytes on
 * the command line nothing is left. A device's own area is beside all that. */
TEST(Reserved, OfSeveralAreasTheFirstSourceDecides) {
    const struct {
        const char *lines;
        uint64_t length;
    } rows[] = {
        {"cma size 4M\n", 4 << 20},
        {"cma size 4M\ncma size 8M from device-tree\n", 8 << 20},
        {"cma size 4M\ncma size 8M from device-tree\ncma size 12M from command-line\n", 12 << 20},
        {"cma size 4M\ncma size 8M from device-tree\ncma size 0 from command-line\n", 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.lines);
        Placed placed(on(row.lines, ""));
        ASSERT_EQ(placed.placement.area_count, row.length == 0 ? 0u : 1u);
        if (row.length != 0) {
            EXPECT_EQ(placed.placement.area[0].length, row.length);
            EXPECT_EQ(placed.placement.area[0].device, uint32_t(NS_NONE));
        }
    }
    Placed own(on("cma size 4M\ncma size 8M for dsp\n", ""));
    ASSERT_EQ(own.placement.area_count, 2u);
    EXPECT_EQ(own.placement.area[1].device, 1u);
}

TEST(Reserved, AnAreaWithoutAPlaceIsAsHighAsPossibleBelowFourGibibytes) {
    Placed placed(on("cma size 4M\n", ""));
    EXPECT_GE(placed.placement.area[0].start, UINT64_C(0x8f000000));
    EXPECT_LT(placed.placement.area[0].start, UINT64_C(0x90000000));
    EXPECT_EQ(placed.placement.area[0].start % (4 << 20), 0u);
    Placed around(on("cma size 4M\n", "buffer b size 4K at " + std::to_string(placed.placement.area[0].start) + "\n"));
    EXPECT_EQ(around.placement.area[0].start, placed.placement.area[0].start - (4 << 20));
}

TEST(Reserved, MovableBuffersHaveTheFirstPagesOfTheArea) {
    Placed placed(on("cma size 8K at 0x8400_0000\n", "buffer a size 64 movable\nbuffer b size 4K movable\n"));
    EXPECT_EQ(placed.placement.address[0], UINT64_C(0x84000000));
    EXPECT_EQ(placed.placement.address[1], UINT64_C(0x84001000));
    EXPECT_EQ(
        "9:8 `c` finds no page in the machine's `cma` area\n",
        Parsed(on("cma size 8K\n", "buffer a size 64 movable\nbuffer b size 4K movable\nbuffer c size 1 movable\n"))
            .errors());
}

TEST(Reserved, OverlapsAreErrors) {
    EXPECT_EQ("4:13 the machine's `cma` area lies over the memory of pool `p`\n",
              Parsed(on("cma size 4M at 0x8400_0000\n", "pool p gen-pool size 4K at 0x8400_0000\n")).errors());
    EXPECT_EQ(
        "6:13 machine \"m\" has no room for its `cma` areas\n",
        Parsed(on("ram low at 0x8000_0000 size 1M\nram high at 0x1_0000_0000 size 1M\ncma size 4M\n", "")).errors());
}

} // namespace
