/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_port.h"
#include "pool/cma_reserve.h"

#include <algorithm>

namespace {

using fake::kGiB;
using fake::kMiB;

constexpr uint64_t kRam = 0x8000'0000;
constexpr uint64_t kEnd = kRam + kGiB;

TEST(CmaReserve, ParsesTheCommandLineAsTheKernelDoes) {
    struct {
        const char *text;
        uint64_t size, base, limit;
        bool fixed;
    } const rows[] = {
        {"64M", 64 * kMiB, 0, 0, false},
        {"64m", 64 * kMiB, 0, 0, false},
        {"0x4000000", 64 * kMiB, 0, 0, false},
        {"0X4000k", 16 * kMiB, 0, 0, false},
        {"0100", 64, 0, 0, false},
        {"4096", 4096, 0, 0, false},
        {"1G", kGiB, 0, 0, false},
        {"1T", 1024 * kGiB, 0, 0, false},
        {"0", 0, 0, 0, true},
        {"", 0, 0, 0, true},
        {"lots", 0, 0, 0, true},
        {"0xg", 0, 0, 0, true},
        {"M", 0, 0, 0, true},
        {"64M@0x80000000", 64 * kMiB, kRam, kRam + 64 * kMiB, true},
        {"64M@2G-3G", 64 * kMiB, 2 * kGiB, 3 * kGiB, false},
        {"64M@0-1G", 64 * kMiB, 0, kGiB, false},
        {"64M@2G-0x84000000", 64 * kMiB, 2 * kGiB, 2 * kGiB + 64 * kMiB, true},
        {"64M@", 64 * kMiB, 0, 64 * kMiB, true},
        {"64Mfoo", 64 * kMiB, 0, 0, false},
        {"64M-1G", 64 * kMiB, 0, 0, false}, /* a limit needs a base before it */
        {"64M@2G-", 64 * kMiB, 2 * kGiB, 0, false},
        {"99999999999999999999", UINT64_MAX, 0, 0, false},
        {"17179869184G", UINT64_MAX, 0, 0, false},
        {"16E", UINT64_MAX, 0, 0, false},
        {"15e", UINT64_C(15) << 60, 0, 0, false},
        {"2p", UINT64_C(2) << 50, 0, 0, false},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.text);
        ns_cma_command_line line{};
        ASSERT_EQ(ns_cma_parse_command_line(row.text, &line), NS_POOL_OK);
        EXPECT_EQ(line.size, row.size);
        EXPECT_EQ(line.base, row.base);
        EXPECT_EQ(line.limit, row.limit);
        EXPECT_EQ(line.fixed, row.fixed);
    }
    ns_cma_command_line line{};
    EXPECT_EQ(ns_cma_parse_command_line(nullptr, &line), NS_POOL_ERROR_ARGUMENT);
}

/* 1 GiB of RAM at 2 GiB, 16 MiB built in, nothing else said. */
struct Boot {
    std::vector<ns_frame_region> ram = {{kRam, kGiB}};
    std::vector<ns_frame_region> reserved;
    std::vector<ns_cma_node> nodes;
    fake::Port port;
    ns_cma_reserve_config config{};
    std::vector<ns_cma_reservation> made;

    Boot() {
        config.built_in = {16, 10, NS_CMA_SELECT_MBYTES};
        config.limit = 4 * kGiB;
    }
    ns_pool_status reserve() {
        config.memory = {ram.data(), ram.size(), reserved.data(), reserved.size(), {0, 4 * kGiB}, 0};
        config.nodes = nodes.data();
        config.node_count = nodes.size();
        made.resize(nodes.size() + 1);
        size_t count = 0;
        const ns_pool_status status = ns_cma_reserve(port.get(), &config, made.data(), made.size(), &count);
        made.resize(count);
        EXPECT_EQ(port.metadata_blocks(), 0u);
        return status;
    }
    const ns_cma_reservation *default_area() const {
        const ns_cma_reservation *found = nullptr;
        for (const ns_cma_reservation &one : made) {
            EXPECT_FALSE(found && one.is_default) << "two defaults";
            if (one.is_default)
                found = &one;
        }
        return found;
    }
    bool default_is(ns_cma_source source, uint64_t base, uint64_t size) const {
        const ns_cma_reservation *found = default_area();
        return found && found->source == source && found->request.base == base && found->request.size == size &&
               found->request.fixed;
    }
};

ns_cma_node node(uint64_t base, uint64_t size, bool is_default) {
    ns_cma_node made{};
    made.has_reg = true;
    made.base = base;
    made.size = size;
    made.reusable = true;
    made.is_default = is_default;
    return made;
}

TEST(CmaReserve, TheFirstSourceThatSpeaksDecides) {
    const ns_cma_node default_node = node(kRam + 64 * kMiB, 32 * kMiB, true);
    struct {
        const char *command_line;
        bool with_node;
        bool exists;
        ns_cma_source source;
        uint64_t base, size;
        const char *why;
    } const rows[] = {
        {nullptr, false, true, NS_CMA_FROM_BUILT_IN, kEnd - 16 * kMiB, 16 * kMiB, "neither cma= nor"},
        {nullptr, true, true, NS_CMA_FROM_NODE, kRam + 64 * kMiB, 32 * kMiB, "a node is the default area"},
        {"8M", false, true, NS_CMA_FROM_COMMAND_LINE, kEnd - 8 * kMiB, 8 * kMiB, "the command line asks for"},
        {"8M", true, true, NS_CMA_FROM_COMMAND_LINE, kEnd - 8 * kMiB, 8 * kMiB, "bypass node"},
        {"8M@0x80000000", true, true, NS_CMA_FROM_COMMAND_LINE, kRam, 8 * kMiB, "bypass node"},
        {"8M@0x80000000-0x84000000", true, true, NS_CMA_FROM_COMMAND_LINE, kRam + 56 * kMiB, 8 * kMiB, "bypass node"},
        {"0", false, false, NS_CMA_FROM_COMMAND_LINE, 0, 0, "its size is 0"},
        {"0", true, false, NS_CMA_FROM_COMMAND_LINE, 0, 0, "bypass node"},
        {"8M@0x1000", true, false, NS_CMA_FROM_COMMAND_LINE, 0, 0, "cannot be reserved"}, /* not aligned, and fixed */
        {"64G", true, false, NS_CMA_FROM_COMMAND_LINE, 0, 0, "cannot be reserved"},
        {"99999999999999999999G", true, false, NS_CMA_FROM_COMMAND_LINE, 0, 0, "cannot be reserved"},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << (row.command_line ? row.command_line : "none") << row.with_node);
        Boot boot;
        boot.config.command_line = row.command_line;
        if (row.with_node)
            boot.nodes = {default_node};
        ASSERT_EQ(boot.reserve(), NS_POOL_OK);
        EXPECT_EQ(boot.made.size(), row.exists ? 1u : 0u);
        if (row.exists) {
            EXPECT_TRUE(boot.default_is(row.source, row.base, row.size));
        }
        EXPECT_TRUE(boot.port.heard(row.why));
    }
}

TEST(CmaReserve, BuiltInSizeFollowsItsSelector) {
    struct {
        uint64_t mbytes;
        unsigned percentage;
        ns_cma_selector selector;
        uint64_t size;
    } const rows[] = {
        /* 10 % of 1 GiB is 26214 pages = 102.4 MiB, rounded up to 104. */
        {16, 10, NS_CMA_SELECT_MBYTES, 16 * kMiB},
        {16, 10, NS_CMA_SELECT_PERCENTAGE, 104 * kMiB},
        {16, 10, NS_CMA_SELECT_MIN, 16 * kMiB},
        {16, 10, NS_CMA_SELECT_MAX, 104 * kMiB},
        {200, 10, NS_CMA_SELECT_MIN, 104 * kMiB},
        {200, 10, NS_CMA_SELECT_MAX, 200 * kMiB},
        {0, 10, NS_CMA_SELECT_MBYTES, 0},
        {0, 10, NS_CMA_SELECT_MIN, 0},
        {16, 0, NS_CMA_SELECT_PERCENTAGE, 0},
        {16, 100, NS_CMA_SELECT_PERCENTAGE, kGiB},
        {2048, 10, NS_CMA_SELECT_MBYTES, 0} /* cannot */,
        {UINT64_C(1) << 43, 10, NS_CMA_SELECT_MBYTES, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << row.mbytes << " " << row.percentage << " " << row.selector);
        Boot boot;
        boot.config.built_in = {row.mbytes, row.percentage, row.selector};
        ASSERT_EQ(boot.reserve(), NS_POOL_OK);
        EXPECT_EQ(boot.default_area() ? boot.default_area()->request.size : 0, row.size);
    }
}

TEST(CmaReserve, TheArchitecturesLimitHoldsForAllButNodes) {
    Boot boot;
    boot.ram = {{kRam, 4 * kGiB}}; /* up to 6 GiB */
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_TRUE(boot.default_is(NS_CMA_FROM_BUILT_IN, 4 * kGiB - 16 * kMiB, 16 * kMiB));
    boot.config.command_line = "8M@0-5G"; /* the lower of the two limits */
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_TRUE(boot.default_is(NS_CMA_FROM_COMMAND_LINE, 4 * kGiB - 8 * kMiB, 8 * kMiB));
    boot.config.command_line = "8M@0-3G";
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_TRUE(boot.default_is(NS_CMA_FROM_COMMAND_LINE, 3 * kGiB - 8 * kMiB, 8 * kMiB));
    boot.config.command_line = nullptr;
    boot.config.limit = 0;
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_TRUE(boot.default_is(NS_CMA_FROM_BUILT_IN, 6 * kGiB - 16 * kMiB, 16 * kMiB));
    boot.config.limit = 4 * kGiB;
    boot.nodes = {node(5 * kGiB, 4 * kMiB, true)};
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_TRUE(boot.default_is(NS_CMA_FROM_NODE, 5 * kGiB, 4 * kMiB));
}

TEST(CmaReserve, WrongNodesAreRefusedAndTheBuiltInAreaComesInstead) {
    ns_cma_node not_reusable = node(kRam, 4 * kMiB, true), no_map = not_reusable;
    not_reusable.reusable = false;
    no_map.no_map = true;
    struct {
        const char *name;
        ns_cma_node node;
        const char *line;
    } const rows[] = {
        {"not reusable", not_reusable, "not reusable"},
        {"no-map", no_map, "not reusable"},
        {"base", node(kRam + kMiB, 4 * kMiB, true), "incorrect alignment"},
        {"size", node(kRam, 5 * kMiB, true), "incorrect alignment"},
        {"size 0", node(kRam, 0, true), "incorrect alignment"},
        {"address 0", node(0, 4 * kMiB, true), "begins at address 0"},
        {"taken", node(kRam + 32 * kMiB, 4 * kMiB, true), "cannot be reserved"},
        {"above RAM", node(kEnd, 4 * kMiB, true), "cannot be reserved"},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.name);
        Boot boot;
        boot.reserved = {{kRam + 35 * kMiB, 4096}};
        boot.nodes = {row.node};
        ASSERT_EQ(boot.reserve(), NS_POOL_OK);
        EXPECT_TRUE(boot.port.heard(row.line));
        EXPECT_EQ(boot.made.size(), 1u);
        EXPECT_TRUE(boot.default_is(NS_CMA_FROM_BUILT_IN, kEnd - 16 * kMiB, 16 * kMiB));
    }
}

TEST(CmaReserve, NodesOfDevicesStandBesideTheDefault) {
    Boot boot;
    boot.config.command_line = "8M";
    ns_cma_node anywhere{};
    anywhere.size = 4 * kMiB;
    anywhere.reusable = true;
    anywhere.limit = kRam + 256 * kMiB;
    anywhere.alignment = 8 * kMiB;
    /* Dynamic nodes go after those with reg, so this one must go around the second. */
    boot.nodes = {anywhere, node(kRam + 248 * kMiB, 8 * kMiB, false), node(kRam, 4 * kMiB, true)};
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    ASSERT_EQ(boot.made.size(), 3u);
    EXPECT_EQ(boot.made[0].node, 1u);
    EXPECT_EQ(boot.made[0].request.base, kRam + 248 * kMiB);
    EXPECT_EQ(boot.made[1].node, 0u);
    EXPECT_EQ(boot.made[1].request.base, kRam + 240 * kMiB);
    EXPECT_EQ(boot.made[1].request.size, 8 * kMiB) << "rounded up to its alignment";
    EXPECT_FALSE(boot.made[0].is_default || boot.made[1].is_default);
    EXPECT_TRUE(boot.default_is(NS_CMA_FROM_COMMAND_LINE, kEnd - 8 * kMiB, 8 * kMiB));
}

TEST(CmaReserve, TheLastOfSeveralDefaultNodesIsTheDefault) {
    Boot boot;
    boot.nodes = {node(kRam, 4 * kMiB, true), node(kRam + 4 * kMiB, 4 * kMiB, true)};
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_EQ(boot.made.size(), 2u);
    EXPECT_TRUE(boot.default_is(NS_CMA_FROM_NODE, kRam + 4 * kMiB, 4 * kMiB));
}

TEST(CmaReserve, OverlappingNodesAndTooManyAreRefused) {
    Boot boot;
    boot.nodes = {node(kRam, 8 * kMiB, false), node(kRam + 4 * kMiB, 8 * kMiB, false)};
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_EQ(boot.made.size(), 2u) << "one node, and the built-in default";
    boot.nodes.clear();
    for (uint64_t i = 0; i < 9; i++)
        boot.nodes.push_back(node(kRam + i * 4 * kMiB, 4 * kMiB, false));
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    EXPECT_EQ(boot.made.size(), 8u);
    EXPECT_EQ(boot.default_area(), nullptr) << "all slots are used";
    EXPECT_TRUE(boot.port.heard("not enough slots"));
}

TEST(CmaReserve, RefusesArgumentsOutOfRange) {
    struct {
        uint64_t mbytes;
        unsigned percentage;
        int selector;
        uint64_t minimum;
    } const rows[] = {
        {16, 101, 0, 0},   {UINT64_C(1) << 44, 10, 0, 0}, {16, 10, 4, 0}, {16, 10, -1, 0}, {16, 10, 0, 5000},
        {16, 10, 0, 2048},
    };
    for (const auto &row : rows) {
        Boot boot;
        boot.config.built_in.mbytes = row.mbytes;
        boot.config.built_in.percentage = row.percentage;
        std::memcpy(&boot.config.built_in.selector, &row.selector, sizeof row.selector);
        boot.config.minimum_alignment = row.minimum;
        EXPECT_EQ(boot.reserve(), NS_POOL_ERROR_ARGUMENT);
    }
    Boot boot;
    size_t count = 0;
    EXPECT_EQ(ns_cma_reserve(boot.port.get(), &boot.config, nullptr, 0, &count), NS_POOL_ERROR_ARGUMENT);
    boot.port.fail_metadata_at = 0;
    EXPECT_EQ(boot.reserve(), NS_POOL_ERROR_METADATA);
}

TEST(CmaReserve, WhatRemainsAndTheAreasAreAllOfRamAndShareNothing) {
    Boot boot;
    boot.ram = {{kRam, 64 * kMiB}, {kRam + 128 * kMiB, 64 * kMiB}, {kRam + 192 * kMiB, 64 * kMiB}};
    boot.config.command_line = "4M";
    boot.nodes = {node(kRam, 4 * kMiB, false),               /* the head of a region */
                  node(kRam + 16 * kMiB, 8 * kMiB, false),   /* its middle */
                  node(kRam + 188 * kMiB, 8 * kMiB, false)}; /* over two regions; the default is the tail of the last */
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    ASSERT_EQ(boot.made.size(), 4u);
    std::vector<ns_frame_region> rest(boot.ram.size() + boot.made.size());
    size_t count = 0;
    ASSERT_EQ(
        ns_cma_remaining_ram(&boot.config.memory, boot.made.data(), boot.made.size(), rest.data(), rest.size(), &count),
        NS_POOL_OK);
    rest.resize(count);
    std::sort(rest.begin(), rest.end(), [](auto &a, auto &b) { return a.base < b.base; });
    const std::vector<std::pair<uint64_t, uint64_t>> expected = {
        {4, 12}, {24, 40}, {128, 60}, {196, 56} /* to 252 of 256 */};
    ASSERT_EQ(rest.size(), expected.size());
    for (size_t i = 0; i < rest.size(); i++) {
        EXPECT_EQ(rest[i].base, kRam + expected[i].first * kMiB);
        EXPECT_EQ(rest[i].length, expected[i].second * kMiB);
    }
    EXPECT_EQ(ns_cma_remaining_ram(&boot.config.memory, boot.made.data(), boot.made.size(), rest.data(), 6, &count),
              NS_POOL_ERROR_ARGUMENT);
}

TEST(CmaReserve, AReservationBecomesAnAreaBesideItsPageAllocator) {
    Boot boot;
    ASSERT_EQ(boot.reserve(), NS_POOL_OK);
    std::vector<ns_frame_region> rest(2);
    size_t count = 0;
    ASSERT_EQ(ns_cma_remaining_ram(&boot.config.memory, boot.made.data(), 1, rest.data(), 2, &count), NS_POOL_OK);
    fake::Port port(boot.ram);
    ns_frames *frames = nullptr;
    ASSERT_EQ(ns_frames_create(port.get(), rest.data(), count, &boot.config.memory.zones, &frames), NS_POOL_OK);
    ns_cma_config config{};
    config.memory = boot.config.memory;
    config.request = boot.made[0].request;
    config.frames = frames;
    ns_cma *cma = nullptr;
    ASSERT_EQ(ns_cma_create(port.get(), &config, &cma), NS_POOL_OK);
    EXPECT_EQ(ns_cma_get_base(cma), kEnd - 16 * kMiB);
    EXPECT_EQ(ns_cma_get_size(cma), 16 * kMiB);
    EXPECT_EQ(ns_frames_block_state(frames, ns_cma_get_base(cma), 1), NS_FRAMES_BLOCK_FOREIGN);
    EXPECT_EQ(ns_frames_total_count(frames, NS_POOL_ZONE_DMA32), (kGiB - 16 * kMiB) / NS_FRAME_SIZE);
    EXPECT_EQ(ns_cma_destroy(cma), NS_POOL_OK);
    EXPECT_EQ(ns_frames_destroy(frames), NS_POOL_OK);
}

} // namespace
