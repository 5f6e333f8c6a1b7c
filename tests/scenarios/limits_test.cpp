/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of docs/language.md: each is reached without complaint and refused one further. */
#include "parsed.h"

#include <chrono>
#include <gtest/gtest.h>

namespace {

const char *const use = "use machine \"one-core-wb64\"\n";

std::string repeated(size_t count, const std::string &text) {
    std::string all;
    for (size_t i = 0; i < count; i++) {
        all += text;
    }
    return all;
}

/* `make(i)` for i below count. */
template <typename Make> std::string listed(size_t count, Make make) {
    std::string all;
    for (size_t i = 0; i < count; i++) {
        all += make(std::to_string(i));
    }
    return all;
}

struct Limit {
    const char *name;
    std::string within, beyond, message;
};

std::vector<Limit> limits() {
    auto buffers = [](const std::string &i) { return "buffer b" + i + " size 1\n"; };
    auto devices = [](const std::string &i) { return "device d" + i + "\n"; };
    auto pools = [](const std::string &i) { return "pool p" + i + " buffers 1\n"; };
    auto registers = [](const std::string &i) { return "cpu0: load b -> r" + i + "\n"; };
    auto fields = [](const std::string &i) { return "u8 f" + i + "\n"; };
    auto machines = [](const std::string &i) { return "machine \"m" + i + "\"\nend\n"; };
    const std::string b = std::string(use) + "buffer b size 1\n";
    const std::string u = use;
    std::vector<Limit> all;
    all.push_back({"name", u + "buffer " + std::string(48, 'n') + " size 1\n",
                   u + "buffer " + std::string(49, 'n') + " size 1\n", "2:8 this name is longer than 48 bytes\n"});
    all.push_back({"line", u + "#" + std::string(1023, 'x') + "\n", u + "#" + std::string(1024, 'x') + "\n",
                   "2:1025 this line is longer than 1024 bytes\n"});
    all.push_back({"statements", u + "device nic\n" + repeated(19998, "nic: start\n"),
                   u + "device nic\n" + repeated(19999, "nic: start\n"),
                   "20001:1 a scenario has at most 20000 statements; the rest is not read\n"});
    all.push_back({"repeat count", u + "repeat 100000\ncpu0: fence\nend\n", u + "repeat 100001\ncpu0: fence\nend\n",
                   "2:8 `repeat` is at most 100000, not 100001\n"});
    all.push_back({"repeat depth", u + repeated(4, "repeat 2\n") + "cpu0: fence\n" + repeated(4, "end\n"),
                   u + repeated(5, "repeat 2\n") + "cpu0: fence\n" + repeated(5, "end\n"),
                   "6:1 `repeat` blocks stand at most 4 deep\n"});
    all.push_back({"steps", u + "repeat 1000\nrepeat 1000\ncpu0: fence\nend\nend\n",
                   u + "cpu0: fence\nrepeat 1000\nrepeat 1000\ncpu0: fence\nend\nend\n",
                   "3:1 with `repeat` written out, the scenario has more than 1000000 steps\n"});
    all.push_back({"objects", u + listed(256, buffers), u + listed(257, buffers),
                   "258:8 a scenario has at most 256 buffers, structs and other objects\n"});
    all.push_back(
        {"devices", u + listed(8, devices), u + listed(9, devices), "10:8 a scenario has at most 8 devices\n"});
    all.push_back({"pools", u + listed(16, pools), u + listed(17, pools), "18:6 a scenario has at most 16 pools\n"});
    all.push_back({"registers", b + listed(256, registers), b + listed(257, registers),
                   "259:17 a scenario has at most 256 registers\n"});
    all.push_back({"fields", u + "struct s\n" + listed(64, fields), u + "struct s\n" + listed(65, fields),
                   "67:4 a struct has at most 64 fields\n"});
    all.push_back({"machines", u + listed(16, machines), u + listed(17, machines),
                   "34:1 a file has at most 16 machine blocks\n"});
    all.push_back({"object", u + "buffer a size 16M\n", u + "buffer a size 16777217\n",
                   "2:15 `size` is at most 16M, not 16777217\n"});
    all.push_back({"struct array", u + "struct a count 2M\nu64 x\n", u + "struct a count 2097153\nu64 x\n",
                   "2:8 2097153 elements of 8 bytes are larger than 16M\n"});
    all.push_back({"struct", u + "struct a\nu8 x[16M]\n", u + "struct a\nu8 x[16M]\nu8 y\n",
                   "4:4 with this field the struct is larger than 16M\n"});
    all.push_back(
        {"all objects", u + listed(4, [](const std::string &i) { return "buffer b" + i + " size 16M\n"; }),
         u + listed(4, [](const std::string &i) { return "buffer b" + i + " size 16M\n"; }) + "buffer c size 1\n",
         "6:15 with this one, the objects are larger than 64M together\n"});
    all.push_back({"access", u + "buffer a size 2M\ncpu0: load a[0..1M]\n",
                   u + "buffer a size 2M\ncpu0: load a[0..1048577]\n", "3:12 one step moves at most 1M bytes\n"});
    all.push_back({"device access", u + "device nic\nbuffer a size 2M\nnic: write a[0..1M] fill 1\n",
                   u + "device nic\nbuffer a size 2M\nnic: write a fill 1\n",
                   "4:12 one step moves at most 1M bytes\n"});
    all.push_back({"expectations", u + "cpu0: fence expect OR-DRAIN" + repeated(7, ", OR-DRAIN") + "\n",
                   u + "cpu0: fence expect OR-DRAIN" + repeated(8, ", OR-DRAIN") + "\n",
                   "2:100 a step expects at most 8 hazards\n"});
    auto refs = [](const std::string &i) { return std::string(i == "0" ? "b" : ", b"); };
    auto lists = [](const std::string &i) { return "cpu0: map-sg b for nic to-device -> l" + i + "\n"; };
    auto areas = [](const std::string &i) { return "cma size 4K for d" + i + "\n"; };
    const std::string n = b + "device nic\n";
    all.push_back({"list entries", n + "cpu0: map-sg " + listed(64, refs) + " for nic to-device -> l\n",
                   n + "cpu0: map-sg " + listed(65, refs) + " for nic to-device -> l\n",
                   "4:206 a list has at most 64 entries\n"});
    all.push_back({"entries of an unmap", n + "cpu0: map-sg b, b for nic to-device -> l\ncpu0: unmap-sg l entries 2\n",
                   n + "cpu0: map-sg b, b for nic to-device -> l\ncpu0: unmap-sg l entries 3\n",
                   "5:7 `l` has 2 entries; the kernel would read behind its end\n"});
    all.push_back({"lists", n + listed(32, lists), n + listed(33, lists), "36:37 a scenario has at most 32 lists\n"});
    all.push_back({"list bytes", u + "device nic\nbuffer a size 16M\ncpu0: map-sg a for nic to-device -> l\n",
                   n + "buffer a size 16M\ncpu0: map-sg a, b for nic to-device -> l\n",
                   "5:7 a list has at most 16M bytes\n"});
    all.push_back({"page order", u + "cpu0: alloc-pages 10 -> x\n", u + "cpu0: alloc-pages 11 -> x\n",
                   "2:19 the order of pages is at most 10, not 11\n"});
    all.push_back({"gen-pool", u + "pool p gen-pool size 16M\n", u + "pool p gen-pool size 16781312\n",
                   "2:22 `size` is at most 16M, not 16388K\n"});
    all.push_back({"gen-pools together",
                   u + listed(4, [](const std::string &i) { return "pool p" + i + " gen-pool size 16M\n"; }),
                   u + listed(4, [](const std::string &i) { return "pool p" + i + " gen-pool size 16M\n"; }) +
                       "pool q gen-pool size 4K\n",
                   "6:22 with this one, the objects are larger than 64M together\n"});
    all.push_back({"memory of a device", u + "device d coherent-pool size 16M at 0x8100_0000\n",
                   u + "device d coherent-pool size 16781312 at 0x8100_0000\n",
                   "2:29 `size` is at most 16M, not 16388K\n"});
    all.push_back({"allocation", u + "pool p heap\ncpu0: alloc p size 16M -> x\n",
                   u + "pool p heap\ncpu0: alloc p size 16777217 -> x\n",
                   "3:20 `size` is at most 16M, not 16777217\n"});
    all.push_back({"areas", "machine \"m\"\n" + listed(8, areas) + "end\n",
                   "machine \"m\"\n" + listed(9, areas) + "end\n", "10:5 a machine has at most 8 `cma` areas\n"});
    all.push_back({"area", "machine \"m\"\ncma size 64M\nend\n", "machine \"m\"\ncma size 67112960\nend\n",
                   "2:10 `size` is at most 64M, not 65540K\n"});
    all.push_back({"atomic pool", "machine \"m\"\natomic-pool size 64M\nend\n",
                   "machine \"m\"\natomic-pool size 67112960\nend\n", "2:18 `size` is at most 64M, not 65540K\n"});
    all.push_back({"slots", "machine \"m\"\nswiotlb slots 32768\nend\n", "machine \"m\"\nswiotlb slots 32769\nend\n",
                   "2:15 `slots` is at most 32K, not 32769\n"});
    all.push_back({"checks",
                   "machine \"m\"\ndma-debug linux-7\nend\nuse machine \"m\"\ncpu0: fence expect dma-debug 26" +
                       repeated(7, ", dma-debug 1") + "\n",
                   "machine \"m\"\ndma-debug linux-7\nend\nuse machine \"m\"\ncpu0: fence expect dma-debug 26" +
                       repeated(8, ", dma-debug 1") + "\n",
                   "5:135 a step expects at most 8 checks\n"});
    all.push_back({"reach", b + "cpu0: clean b[-16M..1]\n", b + "cpu0: clean b[-16777217..1]\n",
                   "3:14 a range reaches at most 16M beyond `b`\n"});
    return all;
}

TEST(Limits, EachIsReachedAndRefusedOneFurther) {
    for (const Limit &limit : limits()) {
        SCOPED_TRACE(limit.name);
        EXPECT_EQ("", Parsed(limit.within).errors());
        EXPECT_EQ(limit.message, Parsed(limit.beyond).errors());
    }
}

TEST(Limits, AFileHasOneMebibyte) {
    std::string text = use;
    while (text.size() + 100 <= NS_LIMIT_FILE_BYTES) {
        text += std::string(99, '#') + "\n";
    }
    text += std::string(NS_LIMIT_FILE_BYTES - text.size(), '\n');
    ASSERT_EQ(NS_LIMIT_FILE_BYTES, text.size());
    EXPECT_EQ("", Parsed(text).errors());
    EXPECT_EQ("0:1 this file is larger than 1 MiB; it is not read\n", Parsed(text + "\n").errors());
}

/* 100000^4 rounds around nothing, and around one step: neither is ever counted out. */
TEST(Limits, NestedRepeatsAreMultipliedBeforeTheyAreWrittenOut) {
    auto start = std::chrono::steady_clock::now();
    Parsed empty(use + repeated(4, "repeat 100000\n") + repeated(4, "end\n"));
    EXPECT_EQ("", empty.errors());
    EXPECT_EQ(0u, empty->step_count);
    Parsed mixed(std::string(use) + "repeat 100000\ncpu0: fence\nrepeat 100000\nrepeat 100000\nend\nend\nend\n");
    EXPECT_EQ("", mixed.errors());
    EXPECT_EQ(100000u, mixed->step_count);
    Parsed many(use + repeated(4, "repeat 100000\n") + "cpu0: fence\n" + repeated(4, "end\n"));
    EXPECT_EQ("4:1 with `repeat` written out, the scenario has more than 1000000 steps\n", many.errors());
    EXPECT_EQ(0u, many->step_count);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Limits, PresetsStartFromEachOtherFourTimes) {
    Presets presets;
    presets.add("a0", "machine \"a0\"\nend\n");
    for (int i = 1; i <= 5; i++) {
        std::string name = "a" + std::to_string(i);
        presets.add(name, "machine \"" + name + "\" from \"a" + std::to_string(i - 1) + "\"\nend\n");
    }
    presets.add("loop", "machine \"loop\" from \"loop\"\nend\n");
    EXPECT_EQ("", Parsed("use machine \"a3\"\n", "t.dma", presets).errors());
    EXPECT_NE(std::string::npos, Parsed("use machine \"a5\"\n", "t.dma", presets).errors().find("more than 4 times"));
    EXPECT_NE(std::string::npos, Parsed("use machine \"loop\"\n", "t.dma", presets).errors().find("more than 4 times"));
}

} // namespace
