// SPDX-License-Identifier: Apache-2.0
// Building page tables: mapping, splitting, changing types, unmapping.
#include "page_tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

namespace {

constexpr uint64_t KiB4 = PageTables::KiB4, MiB2 = PageTables::MiB2, GiB1 = PageTables::GiB1;
constexpr uint64_t upper_half = 0xffff'ffc0'0000'0000;
constexpr uint64_t type_field = UINT64_C(0x1F) << 59;
const uint64_t nc = ns_pte_encode_type(NS_ENCODE_SVPBMT, NS_TYPE_NC);
const uint64_t io = ns_pte_encode_type(NS_ENCODE_SVPBMT, NS_TYPE_IO);

class PagingBuild : public ::testing::Test {
  protected:
    PageTables tables;
    ns_page_builder builder = tables.builder();

    ns_status map(uint64_t address, uint64_t physical, uint64_t length, uint64_t bits = 0, bool superpages = false) {
        return ns_page_map(&builder, tables.root, address, physical, length, bits, superpages);
    }
    ns_status set_type(uint64_t address, uint64_t length, uint64_t bits) {
        return ns_page_set_type(&builder, tables.root, address, length, bits);
    }
    ns_status unmap(uint64_t address, uint64_t length) { return ns_page_unmap(&builder, tables.root, address, length); }
    uint64_t size_at(uint64_t address) { return tables.walk(address).page_size; }
};

TEST_F(PagingBuild, ARangeMapsEveryPageOfItAndNoNeighbour) {
    const uint64_t starts[] = {KiB4, GiB1 - KiB4, MiB2 - 2 * KiB4, upper_half};
    for (const uint64_t start : starts) {
        ASSERT_EQ(map(start, 8 * GiB1, 3 * KiB4), NS_OK);
        for (uint64_t offset = 0; offset < 3 * KiB4; offset += 0x400) {
            const ns_translation translation = tables.walk(start + offset, true);
            ASSERT_EQ(tables.status, NS_OK) << std::hex << start + offset;
            EXPECT_EQ(translation.physical, 8 * GiB1 + offset);
            EXPECT_EQ(translation.page_size, KiB4);
        }
        tables.walk(start - 1);
        EXPECT_EQ(tables.status, NS_ERROR_PAGE_FAULT) << std::hex << start;
        tables.walk(start + 3 * KiB4);
        EXPECT_EQ(tables.status, NS_ERROR_PAGE_FAULT) << std::hex << start;
    }
}

TEST_F(PagingBuild, ALeafHasVRWADAndTheTypeBitsAndNothingElse) {
    ASSERT_EQ(map(0, GiB1, KiB4, nc), NS_OK);
    EXPECT_EQ(tables.walk(0).pte, PageTables::leaf(GiB1, PageTables::rwad | nc));
    ASSERT_EQ(map(MiB2, GiB1, MiB2, io, true), NS_OK);
    EXPECT_EQ(tables.walk(MiB2).pte, PageTables::leaf(GiB1, PageTables::rwad | io));
}

TEST_F(PagingBuild, SuperpagesAreUsedExactlyWhereBothAddressesAndTheLengthAllow) {
    ASSERT_EQ(map(MiB2 - KiB4, 4 * GiB1 - KiB4, 2 * MiB2 + 2 * KiB4, 0, true), NS_OK);
    EXPECT_EQ(size_at(MiB2 - KiB4), KiB4);
    EXPECT_EQ(size_at(MiB2), MiB2);
    EXPECT_EQ(size_at(2 * MiB2), MiB2);
    EXPECT_EQ(size_at(3 * MiB2), KiB4);
    ASSERT_EQ(map(GiB1, 4 * GiB1 + KiB4, 2 * MiB2, 0, true), NS_OK); // physical address not aligned
    EXPECT_EQ(size_at(GiB1), KiB4);
    EXPECT_EQ(size_at(GiB1 + MiB2), KiB4);
    ASSERT_EQ(map(2 * GiB1, 4 * GiB1, MiB2, 0, false), NS_OK); // not asked for
    EXPECT_EQ(size_at(2 * GiB1), KiB4);
}

TEST_F(PagingBuild, ATableThatHangsInTheWayOfASuperpageStaysInUse) {
    ASSERT_EQ(map(5 * KiB4, GiB1, KiB4), NS_OK);
    const unsigned tables_before = tables.tables_left;
    ASSERT_EQ(map(0, 2 * GiB1, 2 * MiB2, nc, true), NS_OK);
    EXPECT_EQ(tables.tables_left, tables_before);
    EXPECT_EQ(size_at(5 * KiB4), KiB4);
    EXPECT_EQ(size_at(MiB2), MiB2);
    EXPECT_EQ(tables.walk(5 * KiB4).physical, 2 * GiB1 + 5 * KiB4);
}

TEST_F(PagingBuild, OnePhysicalPageMayHaveSeveralMappingsOfDifferentTypes) {
    ASSERT_EQ(map(0, GiB1, KiB4, 0), NS_OK);
    ASSERT_EQ(map(GiB1, GiB1, KiB4, nc), NS_OK);
    EXPECT_EQ(tables.walk(0).physical, tables.walk(GiB1).physical);
    EXPECT_FALSE(tables.walk(0).override_pma);
    EXPECT_TRUE(tables.walk(GiB1).override_pma);
}

TEST_F(PagingBuild, SplittingKeepsTheOther511Pages) {
    const uint64_t odd_bits = PageTables::rwad | NS_PTE_X | NS_PTE_G | UINT64_C(2) << 8 | io;
    const struct {
        unsigned level;
        uint64_t size;
    } cases[] = {{1, MiB2}, {2, GiB1}};
    for (const auto &c : cases) {
        SCOPED_TRACE(c.level);
        const uint64_t base = c.level * 4 * GiB1;
        tables.put_leaf(base, c.level, PageTables::leaf(16 * GiB1, odd_bits));
        const uint64_t changed = base + c.size / 2 + 7 * KiB4;
        ASSERT_EQ(map(changed, 32 * GiB1, KiB4), NS_OK);
        EXPECT_EQ(tables.walk(changed).physical, 32 * GiB1);
        for (uint64_t address = base; address < base + c.size; address += c.level == 1 ? KiB4 : 37 * KiB4) {
            if (address == changed)
                continue;
            const ns_translation translation = tables.walk(address + 0x123, true);
            ASSERT_EQ(tables.status, NS_OK) << std::hex << address;
            ASSERT_EQ(translation.physical, 16 * GiB1 + (address - base) + 0x123);
            ASSERT_EQ(translation.pte & ~NS_PTE_PPN_MASK, odd_bits);
        }
        EXPECT_EQ(size_at(changed + KiB4), KiB4);
    }
    EXPECT_EQ(size_at(8 * GiB1), MiB2) << "the other parts of the 1 GiB page split into 2 MiB pages only";
}

TEST_F(PagingBuild, TheTableIsCompleteBeforeThePointerIsSwitched) {
    const uint64_t entry = tables.put_leaf(0, 1, PageTables::leaf(GiB1));
    struct Watcher {
        PageTables *tables;
        uint64_t entry;
        unsigned walks = 0;
        static bool write(void *context, uint64_t address, uint64_t pte) {
            auto *self = static_cast<Watcher *>(context);
            PageTables::write(self->tables, address, pte);
            for (const uint64_t page : {UINT64_C(0), UINT64_C(300), UINT64_C(511)}) {
                const ns_translation translation = self->tables->walk(page * KiB4);
                EXPECT_EQ(translation.physical, GiB1 + page * KiB4) << std::hex << address;
                self->walks++;
            }
            return true;
        }
        static bool read(void *context, uint64_t address, uint64_t *pte) {
            return PageTables::read(static_cast<Watcher *>(context)->tables, address, pte);
        }
        static uint64_t allocate(void *context) {
            return PageTables::allocate(static_cast<Watcher *>(context)->tables);
        }
    } watcher{&tables, entry};
    const ns_page_builder watched = {&watcher, Watcher::read, Watcher::write, Watcher::allocate};
    ASSERT_EQ(ns_page_set_type(&watched, tables.root, 0, KiB4, nc), NS_OK);
    EXPECT_EQ(watcher.walks, 3u * (512 + 1 + 1));
}

TEST_F(PagingBuild, SetTypeChangesOnlyTheTypeBits) {
    const uint64_t bits = PageTables::rwad | NS_PTE_X | NS_PTE_G | UINT64_C(3) << 8;
    tables.put_leaf(0, 0, PageTables::leaf(GiB1, bits | type_field));
    ASSERT_EQ(set_type(0, KiB4, nc), NS_OK);
    EXPECT_EQ(tables.walk(0).pte, PageTables::leaf(GiB1, bits | nc));
    ASSERT_EQ(set_type(0, KiB4, 0), NS_OK);
    EXPECT_EQ(tables.walk(0).pte, PageTables::leaf(GiB1, bits));
}

TEST_F(PagingBuild, SetTypeReachesItsRangeAndNoNeighbour) {
    ASSERT_EQ(map(0, GiB1, 2 * MiB2, 0, true), NS_OK);
    ASSERT_EQ(set_type(MiB2 - KiB4, 3 * KiB4, nc), NS_OK);
    for (uint64_t address = 0; address < 2 * MiB2; address += KiB4) {
        const bool inside = address >= MiB2 - KiB4 && address < MiB2 + 2 * KiB4;
        const ns_translation translation = tables.walk(address);
        ASSERT_EQ(translation.override_pma, inside) << std::hex << address;
        ASSERT_EQ(translation.physical, GiB1 + address);
    }
}

TEST_F(PagingBuild, TheTypoOfLinux6_7LeavesAPageThatIsMappedAnyway) {
    // Its NC is 00010 plus bit 0; bit 0 is V, which every mapping has: the page works, as NC without B.
    ASSERT_EQ(map(0, GiB1, KiB4, ns_pte_encode_type(NS_ENCODE_THEAD_6_7_TYPO, NS_TYPE_CACHEABLE)), NS_OK);
    ASSERT_EQ(set_type(0, KiB4, ns_pte_encode_type(NS_ENCODE_THEAD_6_7_TYPO, NS_TYPE_NC)), NS_OK);
    const ns_translation translation = tables.walk(0, true, NS_ATTRIBUTES_THEAD_MAEE);
    EXPECT_EQ(tables.status, NS_OK);
    EXPECT_EQ(translation.pte, PageTables::leaf(GiB1, PageTables::rwad | field("00010")));
    EXPECT_EQ(translation.type, NS_TYPE_NC);
}

TEST_F(PagingBuild, SetTypeNeverMakesAHoleAMapping) {
    ASSERT_EQ(map(0, GiB1, KiB4), NS_OK);
    const uint64_t typo = ns_pte_encode_type(NS_ENCODE_THEAD_6_7_TYPO, NS_TYPE_NC);
    EXPECT_EQ(set_type(0, 2 * KiB4, typo), NS_ERROR_PAGE_FAULT);
    EXPECT_EQ(set_type(4 * GiB1, KiB4, typo), NS_ERROR_PAGE_FAULT);
    EXPECT_EQ(tables.walk(KiB4).fault, NS_FAULT_NOT_VALID);
    EXPECT_EQ(tables.walk(4 * GiB1).fault, NS_FAULT_NOT_VALID);
}

TEST_F(PagingBuild, UnmapClearsVAndNothingElse) {
    ASSERT_EQ(map(0, GiB1, 3 * KiB4, nc), NS_OK);
    const ns_translation before = tables.walk(KiB4);
    ASSERT_EQ(unmap(KiB4, KiB4), NS_OK);
    EXPECT_EQ(tables.walk(KiB4).fault, NS_FAULT_NOT_VALID);
    EXPECT_EQ(tables.ptes[before.pte_address], before.pte & ~NS_PTE_V);
    EXPECT_EQ(tables.walk(0).fault, NS_FAULT_NONE);
    EXPECT_EQ(tables.walk(2 * KiB4).fault, NS_FAULT_NONE);
}

TEST_F(PagingBuild, UnmapTakesASuperpageWholeOrSplitsIt) {
    ASSERT_EQ(map(0, GiB1, 2 * MiB2, 0, true), NS_OK);
    const unsigned tables_before = tables.tables_left;
    ASSERT_EQ(unmap(0, MiB2), NS_OK);
    EXPECT_EQ(tables.tables_left, tables_before) << "a whole superpage needs no table";
    EXPECT_EQ(tables.walk(MiB2 - 1).fault, NS_FAULT_NOT_VALID);
    ASSERT_EQ(unmap(MiB2, KiB4), NS_OK);
    EXPECT_EQ(tables.walk(MiB2).fault, NS_FAULT_NOT_VALID);
    EXPECT_EQ(tables.walk(MiB2 + KiB4).physical, GiB1 + MiB2 + KiB4);
}

TEST_F(PagingBuild, UnmapPassesOverHolesWithoutTakingPages) {
    ASSERT_EQ(map(3 * GiB1, GiB1, KiB4), NS_OK);
    const unsigned tables_before = tables.tables_left;
    ASSERT_EQ(unmap(0, 5 * GiB1), NS_OK);
    EXPECT_EQ(tables.tables_left, tables_before);
    EXPECT_EQ(tables.walk(3 * GiB1).fault, NS_FAULT_NOT_VALID);
}

TEST_F(PagingBuild, BadArgumentsAreRefusedAndNothingChanges) {
    const uint64_t end = UINT64_C(1) << 56;
    EXPECT_EQ(map(1, 0, KiB4), NS_ERROR_ARGUMENT);
    EXPECT_EQ(map(0, 1, KiB4), NS_ERROR_ARGUMENT);
    EXPECT_EQ(map(0, 0, KiB4 + 1), NS_ERROR_ARGUMENT);
    EXPECT_EQ(map(0x40'0000'0000, 0, KiB4), NS_ERROR_ARGUMENT);            // not canonical
    EXPECT_EQ(map(0x40'0000'0000 - KiB4, 0, 2 * KiB4), NS_ERROR_ARGUMENT); // runs out of the lower half
    EXPECT_EQ(map(upper_half - KiB4, 0, 2 * KiB4), NS_ERROR_ARGUMENT);     // starts below the upper half
    EXPECT_EQ(map(0 - KiB4, 0, 2 * KiB4), NS_ERROR_ARGUMENT);              // wraps
    EXPECT_EQ(map(0, end, KiB4), NS_ERROR_ARGUMENT);                       // physical, 56 bits
    EXPECT_EQ(map(0, end - KiB4, 2 * KiB4), NS_ERROR_ARGUMENT);            // runs out of them
    EXPECT_EQ(map(0, 0, KiB4, UINT64_C(1) << 58), NS_ERROR_ARGUMENT);      // not a type bit
    EXPECT_EQ(map(0, 0, KiB4, NS_PTE_X), NS_ERROR_ARGUMENT);
    EXPECT_EQ(set_type(0, KiB4, NS_PTE_D), NS_ERROR_ARGUMENT);
    EXPECT_EQ(set_type(8, KiB4, 0), NS_ERROR_ARGUMENT);
    EXPECT_EQ(unmap(0, 8), NS_ERROR_ARGUMENT);
    EXPECT_EQ(ns_page_map(&builder, tables.root + 8, 0, 0, KiB4, 0, false), NS_ERROR_ARGUMENT);
    EXPECT_TRUE(tables.ptes.empty());
}

TEST_F(PagingBuild, RangesMayEndWhereTheAddressSpaceEnds) {
    const uint64_t end = UINT64_C(1) << 56;
    EXPECT_EQ(map(0 - 2 * KiB4, end - 2 * KiB4, 2 * KiB4), NS_OK);
    EXPECT_EQ(tables.walk(~UINT64_C(0)).physical, end - 1);
    EXPECT_EQ(map(0x40'0000'0000 - MiB2, end - MiB2, MiB2, 0, true), NS_OK);
    EXPECT_EQ(tables.walk(0x3f'ffff'ffff).physical, end - 1);
}

TEST_F(PagingBuild, AnEmptyRangeChangesNothing) {
    EXPECT_EQ(map(0, 0, 0), NS_OK);
    EXPECT_EQ(set_type(0, 0, 0), NS_OK);
    EXPECT_EQ(unmap(0, 0), NS_OK);
    EXPECT_TRUE(tables.ptes.empty());
}

TEST_F(PagingBuild, RunningOutOfTablePagesIsAnError) {
    tables.tables_left = 1; // a 4 KiB mapping needs two below the root
    EXPECT_EQ(map(0, GiB1, KiB4), NS_ERROR_EXHAUSTED);
    tables.tables_left = 1;
    EXPECT_EQ(map(0, GiB1, KiB4), NS_OK) << "the table made before the shortage is used";
    tables.put_leaf(GiB1, 2, PageTables::leaf(GiB1));
    tables.tables_left = 0;
    EXPECT_EQ(set_type(GiB1, KiB4, nc), NS_ERROR_EXHAUSTED);
    EXPECT_EQ(tables.walk(GiB1 + 5).physical, GiB1 + 5) << "the superpage is as it was";
}

TEST_F(PagingBuild, AnEntryWithoutATargetIsAnError) {
    tables.missing = PageTables::entry(tables.root, 2, GiB1);
    EXPECT_EQ(map(GiB1, GiB1, KiB4), NS_ERROR_ADDRESS);
    EXPECT_EQ(unmap(GiB1, KiB4), NS_ERROR_ADDRESS);
    EXPECT_EQ(map(0, GiB1, KiB4), NS_OK);
}

TEST_F(PagingBuild, AnEntryThatNoWalkWouldFollowIsNotFollowed) {
    const struct {
        const char *what;
        uint64_t pte;
    } cases[] = {
        {"pointer with a type", PageTables::pointer(4 * GiB1) | nc},
        {"pointer with A", PageTables::pointer(4 * GiB1) | NS_PTE_A},
        {"W without R", PageTables::pointer(4 * GiB1) | NS_PTE_W},
        {"misaligned superpage", PageTables::leaf(KiB4)},
    };
    for (const auto &c : cases) {
        tables.ptes.clear();
        tables.ptes[PageTables::entry(tables.root, 2, 0)] = c.pte;
        EXPECT_EQ(map(0, GiB1, KiB4), NS_ERROR_PAGE_FAULT) << c.what;
        EXPECT_EQ(set_type(0, KiB4, 0), NS_ERROR_PAGE_FAULT) << c.what;
        EXPECT_EQ(unmap(0, KiB4), NS_ERROR_PAGE_FAULT) << c.what;
        EXPECT_EQ(tables.ptes[PageTables::entry(tables.root, 2, 0)], c.pte) << c.what;
    }
}

/* The same operations on a flat map from page to leaf: no levels, no superpages, no splitting. */
TEST_F(PagingBuild, RandomOperationsAgreeWithAFlatMap) {
    const char *given = std::getenv("NS_TEST_SEED");
    const uint64_t seed = given ? std::strtoull(given, nullptr, 0) : 20240411;
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t limit) { return random() % limit; };
    struct Page {
        uint64_t physical, type_bits;
    };
    std::map<uint64_t, Page> flat;
    /* Two windows of 8 MiB that lie across borders of 1 GiB pages, the second with 1 GiB leaves under it. */
    const uint64_t windows[] = {GiB1 - 2 * MiB2, upper_half + 3 * GiB1 - 2 * MiB2};
    const uint64_t window_pages = 4 * MiB2 / KiB4;
    for (const uint64_t leaf : {upper_half + 2 * GiB1, upper_half + 3 * GiB1})
        tables.put_leaf(leaf, 2, PageTables::leaf(64 * GiB1 + leaf % (8 * GiB1)));
    for (uint64_t i = 0; i < window_pages; i++) {
        const uint64_t address = windows[1] + i * KiB4;
        flat[address] = {64 * GiB1 + address % (8 * GiB1), 0};
    }
    const uint64_t types[] = {0, nc, io};

    for (int step = 0; step < 600; step++) {
        const uint64_t window = windows[below(2)];
        uint64_t first = below(window_pages);
        uint64_t pages = 1 + below(below(3) == 0 ? window_pages : 8);
        if (below(3) == 0)
            first = first / 512 * 512;
        pages = std::min(pages, window_pages - first);
        const uint64_t address = window + first * KiB4;
        const uint64_t type_bits = types[below(3)];
        SCOPED_TRACE("step " + std::to_string(step));
        switch (below(4)) {
        case 0:
        case 1: {
            uint64_t physical = below(1 << 20) * KiB4;
            if (below(2) == 0)
                physical = physical / MiB2 * MiB2 + address % MiB2;
            ASSERT_EQ(map(address, physical, pages * KiB4, type_bits, below(2) == 0), NS_OK);
            for (uint64_t i = 0; i < pages; i++)
                flat[address + i * KiB4] = {physical + i * KiB4, type_bits};
            break;
        }
        case 2: {
            ns_status expected = NS_OK;
            for (uint64_t i = 0; i < pages && expected == NS_OK; i++) {
                const auto found = flat.find(address + i * KiB4);
                if (found == flat.end())
                    expected = NS_ERROR_PAGE_FAULT;
                else
                    found->second.type_bits = type_bits;
            }
            ASSERT_EQ(set_type(address, pages * KiB4, type_bits), expected);
            break;
        }
        default:
            if (pages > 600) // else little stays mapped
                pages = 1;
            ASSERT_EQ(unmap(address, pages * KiB4), NS_OK);
            for (uint64_t i = 0; i < pages; i++)
                flat.erase(address + i * KiB4);
        }
        for (const uint64_t base : windows) {
            for (uint64_t i = step % 20 == 0 ? 0 : below(61); i < window_pages; i += step % 20 == 0 ? 1 : 61) {
                const uint64_t probe = base + i * KiB4 + below(KiB4);
                const ns_translation translation = tables.walk(probe, true);
                const auto found = flat.find(base + i * KiB4);
                ASSERT_EQ(tables.status, found == flat.end() ? NS_ERROR_PAGE_FAULT : NS_OK) << std::hex << probe;
                if (found == flat.end())
                    continue;
                ASSERT_EQ(translation.physical, found->second.physical + probe % KiB4) << std::hex << probe;
                ASSERT_EQ(translation.pte & type_field, found->second.type_bits) << std::hex << probe;
            }
        }
    }
}

} // namespace
