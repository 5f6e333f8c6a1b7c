// SPDX-License-Identifier: Apache-2.0
// Accesses that L1 serves alone (ns_cache_hit_load, ns_cache_hit_store): what they do is what a load or store does, and
// what they refuse they leave untouched.
#include "support.h"

#include <random>

namespace {

constexpr uint64_t base = Machine::kBase;

bool hit_load(Machine &machine, unsigned hart, uint64_t offset, uint32_t length, uint8_t *data,
              ns_version *versions = nullptr) {
    return ns_cache_hit_load(machine.cache.get(), hart, base + offset, length, data, versions);
}
bool hit_store(Machine &machine, unsigned hart, uint64_t offset, uint32_t length, const uint8_t *data,
               const ns_version *versions = nullptr) {
    return ns_cache_hit_store(machine.cache.get(), hart, base + offset, length, data, versions);
}

std::vector<uint64_t> counts(const Machine &machine) {
    std::vector<uint64_t> all;
    for (unsigned level = 0; level < machine.config.levels; level++) {
        const ns_cache_stats s = machine.stats(level);
        all.insert(all.end(), {s.load_hits, s.load_misses, s.store_hits, s.store_misses, s.fills, s.write_backs,
                               s.evictions, s.upgrades, s.snooped});
    }
    return all;
}

TEST(Hit, WhatL1CannotServeAloneIsRefusedAndNothingHappens) {
    ns_cache_config config = one_level();
    config.harts = 2;
    Machine machine(config);
    uint8_t data[16] = {};
    machine.load(0, 0); // both harts: a shared line
    machine.load(1, 0);
    machine.store(1, 64, 7); // modified in the other L1
    machine.load(0, 128);    // hart 0's alone
    const std::vector<uint64_t> before = counts(machine);
    EXPECT_FALSE(hit_load(machine, 0, 64, 1, data)) << "the other hart's";
    EXPECT_FALSE(hit_load(machine, 0, 1024, 1, data)) << "absent";
    EXPECT_FALSE(hit_load(machine, 0, 128 + 60, 8, data)) << "across a line's end";
    EXPECT_FALSE(hit_load(machine, 0, 128, 0, data)) << "no bytes";
    EXPECT_FALSE(hit_store(machine, 0, 0, 1, data)) << "the other copy has to go first";
    EXPECT_FALSE(hit_store(machine, 0, 128 + 60, 8, data));
    EXPECT_EQ(counts(machine), before);
    EXPECT_EQ(machine.mesi(0, 0), NS_MESI_SHARED);
    EXPECT_TRUE(hit_load(machine, 0, 0, 1, data)) << "a load of a shared line asks nobody";
    EXPECT_TRUE(hit_store(machine, 0, 128, 1, data));
    EXPECT_EQ(machine.mesi(0, 128), NS_MESI_MODIFIED);
}

TEST(Hit, AStoreThatGoesThroughOrLacksItsVersionsIsRefused) {
    const uint8_t data = 5;
    ns_cache_config config = one_level();
    config.level[0].write_through = true;
    Machine through(config);
    through.load(0, 0);
    EXPECT_FALSE(hit_store(through, 0, 0, 1, &data));
    EXPECT_EQ(through.cached(0, 0, 0), 0);

    config = one_level();
    config.provenance = true;
    Machine versioned(config);
    versioned.load(0, 0);
    EXPECT_FALSE(hit_store(versioned, 0, 0, 1, &data));
    EXPECT_EQ(versioned.cached(0, 0, 0), 0);
    const ns_version version = 9;
    EXPECT_TRUE(hit_store(versioned, 0, 0, 1, &data, &version));
    EXPECT_EQ(versioned.cached(0, 0, 0), 5);
    uint8_t seen = 0;
    ns_version seen_version = 0;
    EXPECT_TRUE(hit_load(versioned, 0, 0, 1, &seen, &seen_version));
    EXPECT_EQ(seen, 5);
    EXPECT_EQ(seen_version, 9u);
}

// Two machines get the same accesses; one of them tries the short way first.
void compare(const ns_cache_config &config, uint64_t seed) {
    Machine whole(config), brief(config);
    ASSERT_NE(whole.cache, nullptr);
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t n) { return random() % n; };
    unsigned short_ways = 0;
    for (unsigned i = 0; i < 20000; i++) {
        const unsigned hart = static_cast<unsigned>(below(config.harts));
        const uint64_t offset = below(below(4) == 0 ? 4096 : 256);
        const uint32_t length = 1 + static_cast<uint32_t>(below(below(8) == 0 ? 70 : 8));
        std::vector<uint8_t> data(length), other(length);
        std::vector<ns_version> versions(length), other_versions(length);
        if (below(2) == 0) {
            for (uint32_t b = 0; b < length; b++) {
                data[b] = static_cast<uint8_t>(random());
                versions[b] = i;
            }
            ASSERT_EQ(
                ns_cache_store(whole.cache.get(), hart, base + offset, length, data.data(), versions.data(), nullptr),
                NS_OK);
            if (hit_store(brief, hart, offset, length, data.data(), versions.data()))
                short_ways++;
            else
                ASSERT_EQ(ns_cache_store(brief.cache.get(), hart, base + offset, length, data.data(), versions.data(),
                                         nullptr),
                          NS_OK);
        } else {
            ASSERT_EQ(
                ns_cache_load(whole.cache.get(), hart, base + offset, length, data.data(), versions.data(), nullptr),
                NS_OK);
            if (hit_load(brief, hart, offset, length, other.data(), other_versions.data()))
                short_ways++;
            else
                ASSERT_EQ(ns_cache_load(brief.cache.get(), hart, base + offset, length, other.data(),
                                        other_versions.data(), nullptr),
                          NS_OK);
            ASSERT_EQ(data, other) << "access " << i;
            ASSERT_EQ(versions, other_versions) << "access " << i;
        }
        ASSERT_EQ(counts(whole), counts(brief)) << "access " << i;
        ASSERT_EQ(whole.events.size(), brief.events.size()) << "access " << i;
    }
    EXPECT_GT(short_ways, 2000u);
    EXPECT_EQ(whole.bytes, brief.bytes);
    EXPECT_TRUE(brief.sound());
}

TEST(Hit, TheShortWayEqualsTheLongOneForEveryPolicy) {
    for (const ns_replacement policy : {NS_REPLACE_LRU, NS_REPLACE_FIFO, NS_REPLACE_TREE_PLRU, NS_REPLACE_RANDOM})
        for (const bool provenance : {false, true})
            for (const unsigned harts : {1u, 2u}) {
                SCOPED_TRACE(::testing::Message() << "policy " << policy << ", provenance " << provenance << ", harts "
                                                  << harts << ", NS_TEST_SEED=" << test_seed());
                ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
                config.level[0] = level_of(2, 4, 64, policy);
                config.harts = harts;
                config.provenance = provenance;
                compare(config, test_seed());
                if (HasFatalFailure())
                    return;
            }
}

} // namespace
