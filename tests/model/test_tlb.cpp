// SPDX-License-Identifier: Apache-2.0
// The TLB: what it keeps, until when, and what it forgets first.
#include "page_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

namespace {

constexpr uint64_t KiB4 = PageTables::KiB4, MiB2 = PageTables::MiB2, GiB1 = PageTables::GiB1;

class Tlb : public ::testing::Test {
  protected:
    PageTables tables;
    ns_page_builder builder = tables.builder();
    ns_tlb tlb;

    void SetUp() override { ns_tlb_init(&tlb, 4); }

    void map(uint64_t address, uint64_t physical, uint64_t length, bool superpages = false, uint64_t type_bits = 0) {
        ASSERT_EQ(ns_page_map(&builder, tables.root, address, physical, length, type_bits, superpages), NS_OK);
    }
    /* What a hart does: look up, walk on a miss, insert. */
    ns_tlb_entry access(uint64_t address, bool store = false) {
        if (const ns_tlb_entry *entry = ns_tlb_lookup(&tlb, address, store))
            return *entry;
        const ns_translation translation = tables.walk(address, store);
        EXPECT_EQ(tables.status, NS_OK);
        ns_tlb_insert(&tlb, address, &translation);
        const ns_tlb_entry *entry = ns_tlb_lookup(&tlb, address, store);
        tlb.hits--;
        EXPECT_NE(entry, nullptr);
        return entry ? *entry : ns_tlb_entry{};
    }
    bool holds(uint64_t address) { return ns_tlb_lookup(&tlb, address, false) != nullptr; }
};

TEST_F(Tlb, AnEmptyOneMissesEverywhere) {
    for (const uint64_t address : {UINT64_C(0), UINT64_C(1), ~UINT64_C(0), UINT64_C(0x8000'0000)})
        EXPECT_EQ(ns_tlb_lookup(&tlb, address, false), nullptr);
    EXPECT_EQ(tlb.misses, 4u);
    EXPECT_EQ(tlb.hits, 0u);
}

TEST_F(Tlb, AnEntryServesExactlyItsPage) {
    const uint64_t top = 0 - GiB1; // ends at 2^64
    map(MiB2, 4 * GiB1, KiB4);
    map(GiB1, 5 * GiB1, MiB2, true);
    tables.put_leaf(top, 2, PageTables::leaf(6 * GiB1));
    const struct {
        uint64_t address, size, physical;
    } pages[] = {{MiB2, KiB4, 4 * GiB1}, {GiB1, MiB2, 5 * GiB1}, {top, GiB1, 6 * GiB1}};
    for (const auto &page : pages) {
        ns_tlb_fence_all(&tlb);
        const ns_tlb_entry entry = access(page.address + page.size / 2);
        EXPECT_EQ(entry.virtual_page, page.address);
        EXPECT_EQ(entry.physical_page, page.physical);
        EXPECT_EQ(entry.page_size, page.size);
        EXPECT_FALSE(holds(page.address - 1));
        EXPECT_TRUE(holds(page.address));
        EXPECT_TRUE(holds(page.address + page.size - 1));
        EXPECT_FALSE(holds(page.address + page.size));
    }
}

TEST_F(Tlb, HitsAndMissesAreCounted) {
    map(0, GiB1, 2 * KiB4);
    access(0);
    access(8);
    access(KiB4);
    access(0);
    EXPECT_EQ(tlb.misses, 2u);
    EXPECT_EQ(tlb.hits, 2u);
}

TEST_F(Tlb, AChangedTypeShowsOnlyAfterAFenceOfItsAddress) {
    map(0, GiB1, 2 * KiB4);
    access(0);
    access(KiB4);
    ASSERT_EQ(ns_page_set_type(&builder, tables.root, 0, 2 * KiB4, ns_pte_encode_type(NS_ENCODE_SVPBMT, NS_TYPE_NC)),
              NS_OK);
    EXPECT_FALSE(access(0).override_pma);
    EXPECT_FALSE(access(KiB4).override_pma);
    ns_tlb_fence_address(&tlb, 0xabc);
    EXPECT_TRUE(access(0).override_pma);
    EXPECT_EQ(access(0).type, NS_TYPE_NC);
    EXPECT_FALSE(access(KiB4).override_pma) << "the other page was not fenced";
}

TEST_F(Tlb, AnUnmappedPageStaysReachableUntilAFenceOfAll) {
    map(0, GiB1, 2 * KiB4);
    access(0);
    access(KiB4);
    ASSERT_EQ(ns_page_unmap(&builder, tables.root, 0, 2 * KiB4), NS_OK);
    EXPECT_EQ(access(0).physical_page, GiB1);
    EXPECT_EQ(access(KiB4).physical_page, GiB1 + KiB4);
    ns_tlb_fence_all(&tlb);
    EXPECT_FALSE(holds(0));
    EXPECT_FALSE(holds(KiB4));
}

TEST_F(Tlb, AFenceOfAnyAddressInASuperpageDropsIt) {
    map(MiB2, GiB1, MiB2, true);
    access(MiB2);
    ns_tlb_fence_address(&tlb, MiB2 - 1);
    ns_tlb_fence_address(&tlb, 2 * MiB2);
    EXPECT_TRUE(holds(MiB2));
    ns_tlb_fence_address(&tlb, 2 * MiB2 - 1);
    EXPECT_FALSE(holds(MiB2));
}

TEST_F(Tlb, TheOldestEntryGoesFirstHoweverOftenItWasUsed) {
    map(0, GiB1, 8 * KiB4);
    for (uint64_t page = 0; page < 4; page++)
        access(page * KiB4);
    for (int i = 0; i < 10; i++)
        access(0);
    access(4 * KiB4);
    EXPECT_FALSE(holds(0));
    EXPECT_TRUE(holds(KiB4));
    access(5 * KiB4);
    EXPECT_FALSE(holds(KiB4));
    for (uint64_t page = 2; page < 6; page++)
        EXPECT_TRUE(holds(page * KiB4)) << page;
}

TEST_F(Tlb, AFreeEntryIsUsedBeforeAnyIsReplaced) {
    map(0, GiB1, 8 * KiB4);
    for (uint64_t page = 0; page < 5; page++) // 1 2 3 4 remain
        access(page * KiB4);
    ns_tlb_fence_address(&tlb, 2 * KiB4);
    access(5 * KiB4);
    for (const uint64_t page : {1, 3, 4, 5})
        EXPECT_TRUE(holds(page * KiB4)) << page;
    access(6 * KiB4); // full again: the oldest, 1, goes
    EXPECT_FALSE(holds(KiB4));
    for (const uint64_t page : {3, 4, 5, 6})
        EXPECT_TRUE(holds(page * KiB4)) << page;
}

TEST_F(Tlb, EachCapacityHoldsThatManyPages) {
    map(0, GiB1, (NS_TLB_MAX_ENTRIES + 1) * KiB4);
    for (unsigned capacity = 1; capacity <= NS_TLB_MAX_ENTRIES;
         capacity = capacity < 80 ? capacity + 1 : capacity * 2) {
        ns_tlb_init(&tlb, capacity);
        for (uint64_t page = 0; page <= capacity; page++)
            access(page * KiB4);
        EXPECT_FALSE(holds(0)) << capacity;
        for (uint64_t page = 1; page <= capacity; page++)
            EXPECT_TRUE(holds(page * KiB4)) << capacity << " " << page;
    }
}

TEST_F(Tlb, AStoreToAnEntryWithoutDOrWMissesWhileALoadHits) {
    for (const uint64_t clear : {NS_PTE_D, NS_PTE_W}) {
        ns_tlb_fence_all(&tlb);
        tables.put_leaf(0, 0, PageTables::leaf(GiB1, PageTables::rwad & ~clear));
        access(0);
        EXPECT_NE(ns_tlb_lookup(&tlb, 0, false), nullptr);
        EXPECT_EQ(ns_tlb_lookup(&tlb, 0, true), nullptr);
    }
}

TEST_F(Tlb, AWalkForAStoreReplacesTheEntryThatCouldNotServeIt) {
    map(0, GiB1, 4 * KiB4);
    const uint64_t pte_address = tables.put_leaf(0, 0, PageTables::leaf(GiB1, PageTables::rwad & ~NS_PTE_D));
    access(0);
    tables.ptes[pte_address] = PageTables::leaf(2 * GiB1); // software set D and moved the page
    EXPECT_EQ(access(0, true).physical_page, 2 * GiB1);
    EXPECT_EQ(access(0).physical_page, 2 * GiB1) << "the old entry must not answer any more";
    unsigned used = 0;
    for (const ns_tlb_entry &entry : tlb.entry)
        used += entry.page_size != 0;
    EXPECT_EQ(used, 1u);
}

// Every translation that may be used, in order of age: what the comment in paging.h says, without a table.
struct Reference {
    struct entry {
        uint64_t page, size, physical, pte;
    };
    size_t capacity;
    std::vector<entry> entries;

    void fence(uint64_t address) {
        entries.erase(std::remove_if(entries.begin(), entries.end(),
                                     [=](const entry &one) { return address - one.page < one.size; }),
                      entries.end());
    }
    void insert(uint64_t address, const ns_translation &what) {
        fence(address);
        if (entries.size() == capacity)
            entries.erase(entries.begin());
        const uint64_t mask = what.page_size - 1;
        entries.push_back({address & ~mask, what.page_size, what.physical & ~mask, what.pte});
    }
    // Of the entries that serve, the physical pages.
    std::vector<uint64_t> find(uint64_t address, bool store) const {
        std::vector<uint64_t> found;
        const uint64_t needed = store ? NS_PTE_W | NS_PTE_D : NS_PTE_R;
        for (const entry &one : entries)
            if (address - one.page < one.size && (one.pte & needed) == needed)
                found.push_back(one.physical);
        return found;
    }
};

TEST(TlbAtRandom, ItHoldsWhatAListOfTheSameLengthHolds) {
    const char *given = std::getenv("NS_TEST_SEED");
    const uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
    for (uint64_t seed = first; seed < first + 20; seed++) {
        std::mt19937_64 random(seed);
        const unsigned capacity = 1 + static_cast<unsigned>(random() % (seed % 2 == 0 ? 12 : 700));
        auto tlb = std::make_unique<ns_tlb>();
        ns_tlb_init(tlb.get(), capacity);
        Reference reference{capacity, {}};
        for (int step = 0; step < 6000; step++) {
            const uint64_t address =
                (random() % 4 << 30) + (random() % 3 << 21) + random() % 512 * KiB4 + random() % KiB4;
            const unsigned what = static_cast<unsigned>(random() % 100);
            if (what < 50) {
                const uint64_t size = what < 40 ? KiB4 : what < 48 ? MiB2 : GiB1;
                ns_translation walked{};
                walked.page_size = size;
                walked.physical = (random() % 1000 * GiB1) + address % size;
                walked.pte = NS_PTE_V | NS_PTE_R | (random() % 2 == 0 ? NS_PTE_W | NS_PTE_D : 0);
                ns_tlb_insert(tlb.get(), address, &walked);
                reference.insert(address, walked);
            } else if (what < 58) {
                ns_tlb_fence_address(tlb.get(), address);
                reference.fence(address);
            } else if (what < 59 && random() % 20 == 0) {
                ns_tlb_fence_all(tlb.get());
                reference.entries.clear();
            } else {
                const bool store = random() % 2 == 0;
                const std::vector<uint64_t> may = reference.find(address, store);
                const ns_tlb_entry *entry = ns_tlb_lookup(tlb.get(), address, store);
                ASSERT_EQ(entry == nullptr, may.empty()) << "seed " << seed << " step " << step;
                ASSERT_TRUE(entry == nullptr || std::find(may.begin(), may.end(), entry->physical_page) != may.end())
                    << "seed " << seed;
            }
        }
    }
}

TEST_F(Tlb, OfTwoLevelsTheFirstIsFilledInTurn) {
    ns_tlb_init_levels(&tlb, 2, 4);
    map(0, GiB1, 8 * KiB4);
    const auto from_second = [this](uint64_t page) {
        EXPECT_NE(ns_tlb_lookup(&tlb, page * KiB4, false), nullptr) << page;
        return tlb.from_second;
    };
    for (uint64_t page = 0; page < 3; page++)
        access(page * KiB4);
    EXPECT_FALSE(from_second(2));
    EXPECT_FALSE(from_second(1));
    EXPECT_TRUE(from_second(0)); // and takes the place of 1, which came before 2
    EXPECT_FALSE(from_second(2));
    EXPECT_FALSE(from_second(0));
    EXPECT_TRUE(from_second(1));
    EXPECT_EQ(tlb.second_hits, 2u);
}

TEST_F(Tlb, AMissAsksBothLevels) {
    ns_tlb_init_levels(&tlb, 2, 4);
    EXPECT_EQ(ns_tlb_lookup(&tlb, 0, false), nullptr);
    EXPECT_TRUE(tlb.from_second);
    ns_tlb_init(&tlb, 4);
    EXPECT_EQ(ns_tlb_lookup(&tlb, 0, false), nullptr);
    EXPECT_FALSE(tlb.from_second);
}

TEST_F(Tlb, WhatLeavesTheSecondLevelIsNotInTheFirst) {
    ns_tlb_init_levels(&tlb, 2, 2);
    map(0, GiB1, 8 * KiB4);
    access(0);
    access(KiB4);
    access(2 * KiB4); // 0 leaves both
    EXPECT_FALSE(holds(0));
    ns_tlb_fence_address(&tlb, 2 * KiB4);
    EXPECT_FALSE(holds(2 * KiB4));
    EXPECT_TRUE(holds(KiB4));
    EXPECT_FALSE(tlb.from_second) << "a fence of another address leaves it where it is";
    ns_tlb_fence_all(&tlb);
    EXPECT_FALSE(holds(KiB4));
}

TEST_F(Tlb, ALevelOfTimeDecidesNothingAboutWhatIsHeld) {
    map(0, GiB1, 64 * KiB4);
    auto plain = std::make_unique<ns_tlb>();
    std::mt19937_64 random(7);
    ns_tlb_init(plain.get(), 16);
    ns_tlb_init_levels(&tlb, 4, 16);
    for (int i = 0; i < 4000; i++) {
        const uint64_t address = random() % 64 * KiB4;
        const ns_tlb_entry *one = ns_tlb_lookup(plain.get(), address, false);
        EXPECT_EQ(ns_tlb_lookup(&tlb, address, false) == nullptr, one == nullptr);
        if (one == nullptr) {
            const ns_translation walked = tables.walk(address, false);
            ns_tlb_insert(plain.get(), address, &walked);
            ns_tlb_insert(&tlb, address, &walked);
        }
        if (random() % 10 == 0) {
            const uint64_t fenced = random() % 64 * KiB4;
            ns_tlb_fence_address(plain.get(), fenced);
            ns_tlb_fence_address(&tlb, fenced);
        }
    }
    EXPECT_EQ(plain->hits, tlb.hits);
    EXPECT_EQ(plain->misses, tlb.misses);
}

} // namespace
