// SPDX-License-Identifier: Apache-2.0
// Long random runs of a driver that keeps every rule, which DMA-API debugging must have nothing against, and the same
// runs with one mistake, which it must name.
#include "tests/pool/dma_debug_bench.h"

namespace {

using namespace fake;

constexpr uint64_t kSlot = 0x2000; /* each mapping has a slot of memory to itself */
constexpr uint64_t kSlots = 200;
constexpr uint64_t kFirstSlot = 16 * kSlot;

enum class Kind { kPage, kList, kCoherent, kPages, kResource };

/* A mapping as the driver remembers it. */
struct Held {
    Kind kind;
    uint64_t slot;
    uint64_t address;
    uint64_t size;
    ns_dma_direction direction;
    unsigned attributes;
    std::vector<ns_debug_segment> list;
};

class Driver {
  public:
    Driver(ns_dma_debug_version version, uint64_t seed) : bench(version), version_(version), random(seed) {
        for (uint64_t slot = 0; slot < kSlots; slot++)
            free_slots_.push_back(slot);
    }

    /* One legal call, or a few that belong together. */
    void step() {
        const uint64_t choice = random.below(10);
        if (choice < 4 && !free_slots_.empty())
            map(any_kind());
        else if (choice < 7 && !held.empty())
            sync(held[random.below(held.size())]);
        else if (!held.empty())
            unmap_any();
    }

    Kind any_kind() {
        /* 5.10 has something against dma_free_pages whatever the driver does. */
        const Kind kinds[] = {Kind::kPage, Kind::kList, Kind::kCoherent, Kind::kResource, Kind::kPages};
        return kinds[random.below(version_ == NS_DMA_DEBUG_5_10 ? 4 : 5)];
    }

    Held &map(Kind kind, bool ask = true) {
        Held made{};
        const size_t index = random.below(free_slots_.size());
        made.slot = free_slots_[index];
        free_slots_.erase(free_slots_.begin() + static_cast<long>(index));
        made.kind = kind;
        made.direction = static_cast<ns_dma_direction>(random.below(3));
        made.address = (kind == Kind::kResource ? kMmio : kFirstSlot) + made.slot * kSlot;
        const bool pages = kind == Kind::kCoherent || kind == Kind::kPages;
        made.size = pages ? 0x1000 : 2 + random.below(kSlot - 2);
        made.attributes = random.below(4) == 0 ? NS_DMA_PRIVILEGED : 0;
        switch (kind) {
        case Kind::kPage:
            ns_debug_dma_map_single(bench.debug(), &bench.nic, linear(made.address), made.size);
            bench.map_unchecked(made.address, made.size, made.direction, made.attributes);
            break;
        case Kind::kResource:
            ns_debug_dma_map_resource(bench.debug(), &bench.nic, made.address, made.size, made.direction, made.address,
                                      made.attributes);
            break;
        case Kind::kCoherent:
            made.direction = kBoth;
            made.attributes = 0;
            bench.alloc(made.address, made.size);
            break;
        case Kind::kPages:
            made.attributes = 0;
            ns_debug_dma_alloc_pages(bench.debug(), &bench.nic, made.address, made.size, made.direction, made.address);
            break;
        case Kind::kList:
            made.attributes = 0;
            for (uint64_t i = 0, last = random.below(4); i <= last; i++) /* in lines of their own */
                made.list.push_back(segment(made.address + i * 0x200, 1 + random.below(0x1c0)));
            bench.map_sg(made.list, made.direction);
            break;
        }
        if (ask && (kind == Kind::kPage || kind == Kind::kResource))
            ns_debug_dma_mapping_error(bench.debug(), &bench.nic, made.address);
        held.push_back(made);
        return held.back();
    }

    void sync(const Held &what) {
        if (what.kind == Kind::kList) {
            bench.sync_sg_for_cpu(what.list, what.list.size(), what.direction);
            bench.sync_sg_for_device(what.list, what.list.size(), what.direction);
        } else if (what.kind != Kind::kCoherent) {
            const uint64_t offset = random.below(what.size);
            const uint64_t size = 1 + random.below(what.size - offset);
            bench.sync_for_cpu(what.address + offset, size, what.direction);
            bench.sync_for_device(what.address + offset, size, what.direction);
        }
    }

    void unmap(const Held &what) {
        switch (what.kind) {
        case Kind::kPage:
            bench.unmap(what.address, what.size, what.direction, what.attributes);
            break;
        case Kind::kResource:
            ns_debug_dma_unmap_resource(bench.debug(), &bench.nic, what.address, what.size, what.direction,
                                        what.attributes);
            break;
        case Kind::kCoherent:
            bench.free(what.address, what.size);
            break;
        case Kind::kPages:
            ns_debug_dma_free_pages(bench.debug(), &bench.nic, what.address, what.size, what.direction, what.address);
            break;
        case Kind::kList:
            bench.unmap_sg(what.list, what.list.size(), what.direction);
            break;
        }
    }

    void forget(size_t index) {
        free_slots_.push_back(held[index].slot);
        held.erase(held.begin() + static_cast<long>(index));
    }

    void unmap_any() {
        const size_t index = random.below(held.size());
        unmap(held[index]);
        forget(index);
    }

    /* Bus address, size and direction of each element that is mapped. */
    std::multiset<std::tuple<uint64_t, uint64_t, int>> expected() const {
        std::multiset<std::tuple<uint64_t, uint64_t, int>> result;
        for (const Held &one : held) {
            if (one.kind != Kind::kList)
                result.emplace(one.address, one.size, one.direction);
            for (const ns_debug_segment &element : one.list)
                result.emplace(element.bus, element.bus_length, one.direction);
        }
        return result;
    }
    std::multiset<std::tuple<uint64_t, uint64_t, int>> known() {
        std::multiset<std::tuple<uint64_t, uint64_t, int>> result;
        ns_dma_debug_entry entry;
        for (size_t position = 0; ns_dma_debug_next_entry(bench.debug(), &position, &entry);)
            result.emplace(entry.bus, entry.size, entry.direction);
        return result;
    }

    DebugBench bench;
    std::vector<Held> held;

  private:
    ns_dma_debug_version version_;
    std::vector<uint64_t> free_slots_;

  public:
    Random random;
};

class DmaDebugRandom : public testing::TestWithParam<ns_dma_debug_version> {};

INSTANTIATE_TEST_SUITE_P(All, DmaDebugRandom, testing::Values(NS_DMA_DEBUG_5_10, NS_DMA_DEBUG_7),
                         [](const testing::TestParamInfo<ns_dma_debug_version> &version) {
                             return name_of(version.param);
                         });

TEST_P(DmaDebugRandom, ADriverThatKeepsTheRulesHearsNothing) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    Driver driver(GetParam(), seed);
    driver.bench.config.entries = 5 * kSlots;
    for (int step = 0; step < 20'000; step++) {
        driver.step();
        ASSERT_EQ(driver.bench.shown(), Checks()) << "step " << step;
        if (step % 100 == 0) {
            ASSERT_EQ(driver.bench.live(), driver.expected().size());
            ASSERT_EQ(driver.known(), driver.expected());
        }
    }
    while (!driver.held.empty())
        driver.unmap_any();
    ns_debug_dma_driver_released(driver.bench.debug(), &driver.bench.nic);
    EXPECT_EQ(driver.bench.shown(), Checks());
    EXPECT_EQ(driver.bench.live(), 0u);
}

/* A mistake: what it is, and what is told then. It may use one mapping that it makes itself. */
struct Mistake {
    const char *name;
    Checks in_5_10, in_7;
    void (*make)(Driver &driver, Held &mine);
};

const Mistake kMistakes[] = {
    {"unmaps twice", {2}, {2}, [](Driver &driver, Held &mine) { driver.unmap(mine), driver.unmap(mine); }},
    {"unmaps with a smaller size",
     {3},
     {3},
     [](Driver &driver, Held &mine) {
         driver.bench.unmap(mine.address, mine.size - 1, mine.direction, mine.attributes);
     }},
    {"unmaps with another direction",
     {7},
     {7},
     [](Driver &driver, Held &mine) {
         driver.bench.unmap(mine.address, mine.size, static_cast<ns_dma_direction>((mine.direction + 1) % 3),
                            mine.attributes);
     }},
    {"unmaps a part of it by its address",
     {2},
     {2},
     [](Driver &driver, Held &mine) {
         driver.bench.unmap(mine.address + 1, mine.size - 1, mine.direction, mine.attributes);
     }},
    {"unmaps with another attribute",
     {},
     {9},
     [](Driver &driver, Held &mine) {
         driver.bench.unmap(mine.address, mine.size, mine.direction, mine.attributes ^ NS_DMA_PRIVILEGED);
     }},
    {"unmaps it as a list",
     {4, 6},
     {4, 6},
     [](Driver &driver, Held &mine) {
         driver.bench.unmap_sg({segment(mine.address, mine.size)}, 1, mine.direction, mine.attributes);
     }},
    {"unmaps it for another device",
     {2},
     {2},
     [](Driver &driver, Held &mine) {
         const ns_pool_device other = driver.bench.nic;
         ns_debug_dma_unmap_page(driver.bench.debug(), &other, mine.address, mine.size, mine.direction,
                                 mine.attributes);
     }},
    {"unmaps the error value",
     {1},
     {1},
     [](Driver &driver, Held &mine) {
         driver.bench.unmap(NS_DMA_MAPPING_ERROR, mine.size, mine.direction, mine.attributes);
     }},
    {"syncs one byte too much",
     {14},
     {14},
     [](Driver &driver, Held &mine) { driver.bench.sync_for_cpu(mine.address, mine.size + 1, mine.direction); }},
    {"syncs after the unmap",
     {14},
     {14},
     [](Driver &driver, Held &mine) {
         driver.unmap(mine);
         driver.bench.sync_for_device(mine.address, mine.size, mine.direction);
     }},
    {"leaves it mapped",
     {22},
     {22},
     [](Driver &driver, Held &) { ns_debug_dma_driver_released(driver.bench.debug(), &driver.bench.nic); }},
};

TEST_P(DmaDebugRandom, OneMistakeInALongRunIsNamed) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    Random random(seed);
    for (const Mistake &mistake : kMistakes) {
        for (int run = 0; run < 20; run++) {
            SCOPED_TRACE(testing::Message() << mistake.name << ", run " << run);
            Driver driver(GetParam(), random.below(UINT64_MAX));
            const uint64_t length = random.below(300);
            for (uint64_t step = 0; step < length; step++)
                driver.step();
            ASSERT_EQ(driver.bench.shown(), Checks());
            driver.map(Kind::kPage);
            mistake.make(driver, driver.held.back());
            EXPECT_EQ(driver.bench.shown(), GetParam() == NS_DMA_DEBUG_5_10 ? mistake.in_5_10 : mistake.in_7);
        }
    }
}

TEST_P(DmaDebugRandom, AMapErrorThatWasNotAskedForIsNamedAtTheUnmap) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    Driver driver(GetParam(), seed);
    for (int step = 0; step < 100; step++)
        driver.step();
    const Held mine = driver.map(Kind::kPage, false);
    for (int step = 0; step < 10; step++)
        driver.map(driver.any_kind());
    EXPECT_EQ(driver.bench.shown(), Checks());
    driver.unmap(mine);
    EXPECT_EQ(driver.bench.shown(), Checks({8}));
}

/* In 7.x, two mappings that begin in one line are told when the second comes, if neither is to-device. */
TEST_P(DmaDebugRandom, ASecondMappingOfAFirstLineIsNamedIn7) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    Random random(seed);
    for (int run = 0; run < 100; run++) {
        Driver driver(GetParam(), random.below(UINT64_MAX));
        for (int step = 0; step < 50; step++)
            driver.step();
        const Held mine = driver.map(Kind::kPage);
        const auto direction = static_cast<ns_dma_direction>(random.below(3));
        driver.bench.map(mine.address + random.below(64), 1, direction);
        const bool told = GetParam() == NS_DMA_DEBUG_7 && direction != kTo && mine.direction != kTo;
        EXPECT_EQ(driver.bench.shown(), told ? Checks({24}) : Checks());
    }
}

} // namespace
