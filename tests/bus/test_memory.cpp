// SPDX-License-Identifier: Apache-2.0
// Simulated RAM: regions, sparse pages, versions, the observer.
#include "bus/memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace {

constexpr uint64_t page_size = NS_PAGE_SIZE;
constexpr uint64_t end_of_space = UINT64_C(1) << 56;

struct Destroy {
    void operator()(ns_memory *memory) const { ns_memory_destroy(memory); }
};
using Memory = std::unique_ptr<ns_memory, Destroy>;

ns_memory_config config(std::vector<ns_memory_region> regions, bool provenance = true, uint64_t page_limit = 0) {
    ns_memory_config result = {};
    result.regions = regions.size();
    for (size_t i = 0; i < regions.size() && i < NS_MEMORY_MAX_REGIONS; i++)
        result.region[i] = regions[i];
    result.provenance = provenance;
    result.page_limit = page_limit;
    return result;
}

Memory create(const ns_memory_config &c, const ns_memory_observer *observer = nullptr) {
    return Memory(ns_memory_create(&c, observer));
}

std::vector<uint8_t> bytes(uint64_t length, uint8_t first = 1) {
    std::vector<uint8_t> result(length);
    std::iota(result.begin(), result.end(), first);
    return result;
}

std::vector<ns_version> versions(uint64_t length, ns_version first = 100) {
    std::vector<ns_version> result(length);
    std::iota(result.begin(), result.end(), first);
    return result;
}

TEST(Memory, BadConfigurationsAreRefused) {
    EXPECT_FALSE(create(config({})));
    EXPECT_FALSE(create(config({{0, 0}})));
    EXPECT_FALSE(create(config({{1, page_size}})));
    EXPECT_FALSE(create(config({{0, page_size + 1}})));
    EXPECT_FALSE(create(config({{end_of_space, page_size}})));
    EXPECT_FALSE(create(config({{end_of_space - page_size, 2 * page_size}})));
    EXPECT_FALSE(create(config({{page_size, 0 - page_size}}))); // the sum wraps
    EXPECT_FALSE(create(config({{0, 2 * page_size}, {page_size, page_size}})));
    EXPECT_FALSE(create(config({{page_size, page_size}, {0, 3 * page_size}})));
    EXPECT_FALSE(create(config({{page_size, page_size}, {page_size, page_size}})));
    ns_memory_config too_many = config({{0, page_size}});
    too_many.regions = NS_MEMORY_MAX_REGIONS + 1;
    EXPECT_FALSE(create(too_many));
}

TEST(Memory, GoodConfigurationsAreTaken) {
    EXPECT_TRUE(create(config({{0, end_of_space}})));
    EXPECT_TRUE(create(config({{page_size, page_size}, {0, page_size}}))); // they touch, in any order
    std::vector<ns_memory_region> regions;
    for (uint64_t i = 0; i < NS_MEMORY_MAX_REGIONS; i++)
        regions.push_back({2 * i * page_size, page_size});
    EXPECT_TRUE(create(config(regions)));
}

TEST(Memory, DestroyingNothingIsAllowed) {
    ns_memory_destroy(nullptr);
}

TEST(Memory, UntouchedBytesAreZeroWithThePowerOnVersion) {
    const Memory memory = create(config({{0, end_of_space}}));
    std::vector<uint8_t> data(3 * page_size, 0xff);
    std::vector<ns_version> got(3 * page_size, 77);
    ASSERT_EQ(ns_memory_read(memory.get(), 100, data.size(), data.data(), got.data()), NS_OK);
    EXPECT_EQ(data, std::vector<uint8_t>(3 * page_size, 0));
    EXPECT_EQ(got, std::vector<ns_version>(3 * page_size, NS_VERSION_POWER_ON));
    EXPECT_EQ(ns_memory_pages(memory.get()), 0u) << "a read touches nothing";
}

TEST(Memory, ARangeIsHeldExactlyWhenOneRegionHoldsAllOfIt) {
    const Memory memory = create(config({{4 * page_size, page_size}, // touches the next one
                                         {5 * page_size, page_size},
                                         {end_of_space - page_size, page_size}}));
    const struct {
        uint64_t address, length;
        bool held;
    } cases[] = {
        {4 * page_size, page_size, true},
        {4 * page_size, page_size + 1, false},
        {4 * page_size - 1, 1, false},
        {4 * page_size - 1, 2, false},
        {5 * page_size - 1, 1, true},
        {5 * page_size - 1, 2, false},
        {5 * page_size, page_size, true},
        {6 * page_size - 1, 1, true},
        {6 * page_size, 1, false},
        {4 * page_size, UINT64_MAX, false},
        {4 * page_size + 1, UINT64_MAX - 4 * page_size, false},
        {end_of_space - 1, 1, true},
        {end_of_space - 1, 2, false},
        {end_of_space, 1, false},
        {UINT64_MAX, 1, false},
        {5 * page_size - 1, 0, true},
        {6 * page_size, 0, false},
        {0, 0, false},
    };
    /* Twice: before and after the pages were used, since a page that was used last is found on a shorter path. */
    for (const bool touched : {false, true}) {
        for (const auto &c : cases) {
            SCOPED_TRACE(std::to_string(c.address) + " + " + std::to_string(c.length));
            if (touched) {
                const uint64_t near = std::min(std::max(c.address, 4 * page_size), 6 * page_size - 1);
                const uint8_t byte = 1;
                ASSERT_EQ(ns_memory_write(memory.get(), 0, near, 1, &byte, nullptr), NS_OK);
            }
            EXPECT_EQ(ns_memory_holds(memory.get(), c.address, c.length), c.held);
        }
    }
}

TEST(Memory, AnAccessThatLeavesItsRegionChangesNothing) {
    const Memory memory = create(config({{page_size, page_size}, {2 * page_size, page_size}}));
    const std::vector<uint8_t> data = bytes(16);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 2 * page_size - 8, 16, data.data(), nullptr), NS_ERROR_ADDRESS);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 3 * page_size - 8, 16, data.data(), nullptr), NS_ERROR_ADDRESS);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, page_size - 1, 1, data.data(), nullptr), NS_ERROR_ADDRESS);
    EXPECT_EQ(ns_memory_pages(memory.get()), 0u);
    std::vector<uint8_t> got(16, 0xEE);
    EXPECT_EQ(ns_memory_read(memory.get(), 2 * page_size - 8, 16, got.data(), nullptr), NS_ERROR_ADDRESS);
    EXPECT_EQ(got, std::vector<uint8_t>(16, 0xEE));
    ASSERT_EQ(ns_memory_read(memory.get(), 2 * page_size - 16, 16, got.data(), nullptr), NS_OK);
    EXPECT_EQ(got, std::vector<uint8_t>(16, 0));
}

TEST(Memory, AWriteAcrossPagesReadsBackWithItsVersions) {
    const Memory memory = create(config({{0, 16 * page_size}}));
    const uint64_t start = page_size - 5, length = 2 * page_size + 11;
    const auto data = bytes(length);
    const auto wrote = versions(length);
    ASSERT_EQ(ns_memory_write(memory.get(), 0, start, length, data.data(), wrote.data()), NS_OK);
    EXPECT_EQ(ns_memory_pages(memory.get()), 4u);
    std::vector<uint8_t> got(length + 2);
    std::vector<ns_version> got_versions(length + 2);
    ASSERT_EQ(ns_memory_read(memory.get(), start - 1, length + 2, got.data(), got_versions.data()), NS_OK);
    EXPECT_EQ(got.front(), 0);
    EXPECT_EQ(got.back(), 0);
    EXPECT_EQ(std::vector<uint8_t>(got.begin() + 1, got.end() - 1), data);
    EXPECT_EQ(got_versions.front(), NS_VERSION_POWER_ON);
    EXPECT_EQ(got_versions.back(), NS_VERSION_POWER_ON);
    EXPECT_EQ(std::vector<ns_version>(got_versions.begin() + 1, got_versions.end() - 1), wrote);
}

TEST(Memory, AWriteWithoutVersionsSetsThePowerOnVersion) {
    const Memory memory = create(config({{0, page_size}}));
    const auto data = bytes(4);
    const auto wrote = versions(4);
    ASSERT_EQ(ns_memory_write(memory.get(), 0, 0, 4, data.data(), wrote.data()), NS_OK);
    ASSERT_EQ(ns_memory_write(memory.get(), 0, 1, 2, data.data(), nullptr), NS_OK);
    std::vector<uint8_t> got(4);
    std::vector<ns_version> got_versions(4);
    ASSERT_EQ(ns_memory_read(memory.get(), 0, 4, got.data(), got_versions.data()), NS_OK);
    EXPECT_EQ(got, (std::vector<uint8_t>{1, 1, 2, 4}));
    EXPECT_EQ(got_versions, (std::vector<ns_version>{100, NS_VERSION_POWER_ON, NS_VERSION_POWER_ON, 103}));
}

TEST(Memory, WithoutProvenanceVersionsAreDropped) {
    const Memory memory = create(config({{0, page_size}}, false));
    const auto data = bytes(4);
    const auto wrote = versions(4);
    ASSERT_EQ(ns_memory_write(memory.get(), 0, 0, 4, data.data(), wrote.data()), NS_OK);
    std::vector<uint8_t> got(4);
    std::vector<ns_version> got_versions(4, 9);
    ASSERT_EQ(ns_memory_read(memory.get(), 0, 4, got.data(), got_versions.data()), NS_OK);
    EXPECT_EQ(got, data);
    EXPECT_EQ(got_versions, std::vector<ns_version>(4, NS_VERSION_POWER_ON));
}

TEST(Memory, ThePageLimitStopsAWriteAsAWhole) {
    const Memory memory = create(config({{0, 16 * page_size}}, true, 2));
    const auto data = bytes(3 * page_size);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 0, 3 * page_size, data.data(), nullptr), NS_ERROR_LIMIT);
    EXPECT_EQ(ns_memory_pages(memory.get()), 0u);
    ASSERT_EQ(ns_memory_write(memory.get(), 0, 5 * page_size, 1, data.data(), nullptr), NS_OK);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 5 * page_size, 3 * page_size, data.data(), nullptr), NS_ERROR_LIMIT);
    ASSERT_EQ(ns_memory_write(memory.get(), 0, 5 * page_size, 2 * page_size, data.data(), nullptr), NS_OK);
    EXPECT_EQ(ns_memory_pages(memory.get()), 2u);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 0, 1, data.data(), nullptr), NS_ERROR_LIMIT);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 6 * page_size, page_size, data.data(), nullptr), NS_OK)
        << "pages that are there stay writable";
    uint8_t got = 0xff;
    ASSERT_EQ(ns_memory_read(memory.get(), 0, 1, &got, nullptr), NS_OK) << "and the others readable";
    EXPECT_EQ(got, 0);
}

TEST(Memory, ThousandsOfPagesFarApartKeepTheirContent) {
    const Memory memory = create(config({{0, end_of_space}}));
    const uint64_t count = 5000;
    const auto address = [](uint64_t i) { return (i * UINT64_C(0x9E37'79B9'7F4A'7C15) >> 8) & ~UINT64_C(7); };
    for (uint64_t i = 0; i < count; i++)
        ASSERT_EQ(ns_memory_write(memory.get(), 0, address(i), 8, reinterpret_cast<uint8_t *>(&i), nullptr), NS_OK);
    EXPECT_EQ(ns_memory_pages(memory.get()), count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t got = 0;
        ASSERT_EQ(ns_memory_read(memory.get(), address(i), 8, reinterpret_cast<uint8_t *>(&got), nullptr), NS_OK);
        ASSERT_EQ(got, i);
    }
}

TEST(Memory, AnEmptyAccessDoesNothing) {
    const Memory memory = create(config({{page_size, page_size}}));
    EXPECT_EQ(ns_memory_write(memory.get(), 0, page_size, 0, nullptr, nullptr), NS_OK);
    EXPECT_EQ(ns_memory_read(memory.get(), page_size, 0, nullptr, nullptr), NS_OK);
    EXPECT_EQ(ns_memory_read(memory.get(), 0, 0, nullptr, nullptr), NS_ERROR_ADDRESS);
    EXPECT_EQ(ns_memory_pages(memory.get()), 0u);
}

struct Seen {
    uint64_t tag, address;
    std::vector<uint8_t> old_data, data;
    std::vector<ns_version> old_versions, new_versions;
    bool has_versions;
};

struct Log {
    std::vector<Seen> calls;
    const ns_memory *memory = nullptr; /* read during the call, if set */

    static void before_write(void *context, uint64_t tag, uint64_t address, uint32_t length, const uint8_t *old_data,
                             const ns_version *old_versions, const uint8_t *data, const ns_version *new_versions) {
        auto *self = static_cast<Log *>(context);
        Seen seen = {tag, address, {old_data, old_data + length}, {data, data + length}, {}, {}, false};
        EXPECT_EQ(old_versions == nullptr, new_versions == nullptr);
        if (old_versions && new_versions) {
            seen.has_versions = true;
            seen.old_versions.assign(old_versions, old_versions + length);
            seen.new_versions.assign(new_versions, new_versions + length);
        }
        if (self->memory) {
            std::vector<uint8_t> now(length);
            EXPECT_EQ(ns_memory_read(self->memory, address, length, now.data(), nullptr), NS_OK);
            EXPECT_EQ(now, seen.old_data) << "the bytes are still the old ones";
        }
        self->calls.push_back(seen);
    }
    ns_memory_observer observer() { return ns_memory_observer{this, before_write}; }
};

TEST(Memory, TheObserverSeesOldAndNewForEachPageOfAWrite) {
    Log log;
    const ns_memory_observer observer = log.observer();
    const Memory memory = create(config({{0, 4 * page_size}}), &observer);
    log.memory = memory.get();
    const auto first = bytes(8, 1), second = bytes(8, 11);
    const auto first_versions = versions(8, 100), second_versions = versions(8, 200);
    ASSERT_EQ(ns_memory_write(memory.get(), 7, page_size - 3, 8, first.data(), first_versions.data()), NS_OK);
    ASSERT_EQ(ns_memory_write(memory.get(), 8, page_size + 1, 8, second.data(), second_versions.data()), NS_OK);
    ASSERT_EQ(log.calls.size(), 3u);

    EXPECT_EQ(log.calls[0].tag, 7u);
    EXPECT_EQ(log.calls[0].address, page_size - 3);
    EXPECT_EQ(log.calls[0].old_data, (std::vector<uint8_t>{0, 0, 0}));
    EXPECT_EQ(log.calls[0].old_versions, (std::vector<ns_version>{0, 0, 0}));
    EXPECT_EQ(log.calls[0].data, (std::vector<uint8_t>{1, 2, 3}));
    EXPECT_EQ(log.calls[0].new_versions, (std::vector<ns_version>{100, 101, 102}));

    EXPECT_EQ(log.calls[1].address, page_size);
    EXPECT_EQ(log.calls[1].data, (std::vector<uint8_t>{4, 5, 6, 7, 8}));
    EXPECT_EQ(log.calls[1].new_versions, (std::vector<ns_version>{103, 104, 105, 106, 107}));

    EXPECT_EQ(log.calls[2].tag, 8u);
    EXPECT_EQ(log.calls[2].address, page_size + 1);
    EXPECT_EQ(log.calls[2].old_data, (std::vector<uint8_t>{5, 6, 7, 8, 0, 0, 0, 0}));
    EXPECT_EQ(log.calls[2].old_versions, (std::vector<ns_version>{104, 105, 106, 107, 0, 0, 0, 0}));
    EXPECT_EQ(log.calls[2].data, second);
    EXPECT_EQ(log.calls[2].new_versions, second_versions);
}

TEST(Memory, TheObserverAlwaysGetsVersionsWithProvenanceAndNeverWithout) {
    for (const bool provenance : {false, true}) {
        Log log;
        const ns_memory_observer observer = log.observer();
        const Memory memory = create(config({{0, page_size}}, provenance), &observer);
        const auto data = bytes(4);
        const auto wrote = versions(4);
        ASSERT_EQ(ns_memory_write(memory.get(), 0, 0, 4, data.data(), wrote.data()), NS_OK);
        ASSERT_EQ(ns_memory_write(memory.get(), 0, 0, 4, data.data(), nullptr), NS_OK);
        ASSERT_EQ(log.calls.size(), 2u);
        EXPECT_EQ(log.calls[0].has_versions, provenance);
        EXPECT_EQ(log.calls[1].has_versions, provenance);
        if (provenance) {
            EXPECT_EQ(log.calls[1].old_versions, wrote);
            EXPECT_EQ(log.calls[1].new_versions, std::vector<ns_version>(4, NS_VERSION_POWER_ON));
        }
    }
}

TEST(Memory, TheObserverHearsNothingOfAWriteThatFails) {
    Log log;
    const ns_memory_observer observer = log.observer();
    const Memory memory = create(config({{0, 4 * page_size}}, true, 1), &observer);
    const auto data = bytes(2 * page_size);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 0, 2 * page_size, data.data(), nullptr), NS_ERROR_LIMIT);
    EXPECT_EQ(ns_memory_write(memory.get(), 0, 4 * page_size - 1, 2, data.data(), nullptr), NS_ERROR_ADDRESS);
    EXPECT_TRUE(log.calls.empty());
}

TEST(Memory, RandomAccessesAgreeWithAMapOfBytes) {
    const char *given = std::getenv("NS_TEST_SEED");
    const uint64_t seed = given ? std::strtoull(given, nullptr, 0) : 4096;
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t limit) { return random() % limit; };
    const std::vector<ns_memory_region> regions = {{8 * page_size, 8 * page_size},
                                                   {16 * page_size, 4 * page_size},
                                                   {0x8000'0000, 64 * page_size},
                                                   {end_of_space - 4 * page_size, 4 * page_size}};
    struct Byte {
        uint8_t data;
        ns_version version;
    };
    std::map<uint64_t, Byte> flat;
    Log log;
    const ns_memory_observer observer = log.observer();
    const Memory memory = create(config(regions), &observer);
    ns_version next_version = 1;

    for (int step = 0; step < 4000; step++) {
        SCOPED_TRACE("step " + std::to_string(step));
        const ns_memory_region &region = regions[below(regions.size())];
        const uint64_t length = 1 + below(below(10) == 0 ? 3 * page_size : 70);
        uint64_t address = region.start + below(region.length + 128) - 64;
        if (below(2) == 0) // often across a page border
            address = address / page_size * page_size - below(length + 1);
        bool held = false;
        for (const ns_memory_region &r : regions)
            held |= address >= r.start && address < r.start + r.length && r.start + r.length - address >= length;
        const ns_status expected = held ? NS_OK : NS_ERROR_ADDRESS;

        std::vector<uint8_t> data(length, 0xEE);
        std::vector<ns_version> stamps(length, 0xEEEE);
        if (below(2) == 0) {
            const bool with_versions = below(4) != 0;
            for (uint64_t i = 0; i < length; i++) {
                data[i] = static_cast<uint8_t>(random());
                stamps[i] = next_version++;
            }
            log.calls.clear();
            ASSERT_EQ(
                ns_memory_write(memory.get(), 0, address, length, data.data(), with_versions ? stamps.data() : nullptr),
                expected);
            uint64_t position = 0;
            for (const Seen &seen : log.calls) {
                ASSERT_EQ(seen.address, address + position);
                for (size_t i = 0; i < seen.data.size(); i++, position++) {
                    const auto found = flat.find(seen.address + i);
                    const Byte old = found == flat.end() ? Byte{0, 0} : found->second;
                    ASSERT_EQ(seen.old_data[i], old.data);
                    ASSERT_EQ(seen.old_versions[i], old.version);
                    ASSERT_EQ(seen.data[i], data[position]);
                    ASSERT_EQ(seen.new_versions[i], with_versions ? stamps[position] : 0);
                }
            }
            ASSERT_EQ(position, held ? length : 0);
            for (uint64_t i = 0; held && i < length; i++)
                flat[address + i] = {data[i], with_versions ? stamps[i] : 0};
        } else {
            ASSERT_EQ(ns_memory_read(memory.get(), address, length, data.data(), stamps.data()), expected);
            for (uint64_t i = 0; i < length; i++) {
                const auto found = flat.find(address + i);
                const Byte byte = !held ? Byte{0xEE, 0xEEEE} : found == flat.end() ? Byte{0, 0} : found->second;
                ASSERT_EQ(data[i], byte.data);
                ASSERT_EQ(stamps[i], byte.version);
            }
        }
    }
}

} // namespace
