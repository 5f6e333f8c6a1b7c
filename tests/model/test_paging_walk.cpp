// SPDX-License-Identifier: Apache-2.0
// Sv39 walks over page tables that were written by hand.
#include "page_tables.h"

#include <gtest/gtest.h>

namespace {

constexpr uint64_t KiB4 = PageTables::KiB4, MiB2 = PageTables::MiB2, GiB1 = PageTables::GiB1;
constexpr uint64_t rwad = PageTables::rwad;
/* Three different indices (0x123, 0x0AB, 0x1CD) and an offset that reaches into every level. */
constexpr uint64_t somewhere = UINT64_C(0x123) << 30 | UINT64_C(0x0AB) << 21 | UINT64_C(0x1CD) << 12 | 0x678;
constexpr uint64_t virtual_address = somewhere | ~UINT64_C(0) << 39; // index 0x123 has bit 38 set

TEST(PagingWalk, LeavesOfAllThreeSizesTranslate) {
    const struct {
        unsigned level;
        uint64_t size, physical;
        unsigned reads;
    } cases[] = {
        {0, KiB4, 0xAB'CDEF'0123'4000, 3},
        {1, MiB2, 0xAB'CDEF'0120'0000, 2},
        {2, GiB1, 0xAB'CDEF'0000'0000 & ~(GiB1 - 1), 1},
    };
    for (const auto &c : cases) {
        SCOPED_TRACE(c.level);
        PageTables tables;
        const uint64_t pte = PageTables::leaf(c.physical);
        const uint64_t pte_address = tables.put_leaf(virtual_address, c.level, pte);
        const ns_translation translation = tables.walk(virtual_address, true);
        ASSERT_EQ(tables.status, NS_OK) << ns_page_fault_text(translation.fault);
        EXPECT_EQ(translation.physical, c.physical + virtual_address % c.size);
        EXPECT_EQ(translation.page_size, c.size);
        EXPECT_EQ(translation.pte, pte);
        EXPECT_EQ(translation.pte_address, pte_address);
        EXPECT_EQ(translation.reads, c.reads);
        EXPECT_EQ(translation.fault, NS_FAULT_NONE);
    }
}

TEST(PagingWalk, PhysicalAddressesHave56Bits) {
    PageTables tables;
    tables.put_leaf(0, 0, NS_PTE_PPN_MASK | rwad);
    EXPECT_EQ(tables.walk(0xfff).physical, (UINT64_C(1) << 56) - 1);
    EXPECT_EQ(tables.status, NS_OK);
}

TEST(PagingWalk, OnlyCopiesOfBit38AreCanonical) {
    PageTables tables;
    for (const uint64_t leaf : {UINT64_C(0), UINT64_C(255), UINT64_C(256), UINT64_C(511)})
        tables.put_leaf(leaf << 30, 2, PageTables::leaf(leaf << 30));
    const struct {
        uint64_t address;
        bool canonical;
    } cases[] = {
        {0, true},
        {0x3f'ffff'ffff, true},
        {0x40'0000'0000, false},
        {0x80'0000'0000, false},
        {UINT64_C(1) << 63, false},
        {0xffff'ffbf'ffff'ffff, false},
        {0xffff'ffc0'0000'0000, true},
        {0xffff'ffff'ffff'ffff, true},
        {0x7fff'ffff'ffff'ffff, false},
    };
    for (const auto &c : cases) {
        const ns_translation translation = tables.walk(c.address);
        EXPECT_EQ(translation.fault, c.canonical ? NS_FAULT_NONE : NS_FAULT_NOT_CANONICAL) << std::hex << c.address;
        EXPECT_EQ(tables.status, c.canonical ? NS_OK : NS_ERROR_PAGE_FAULT);
        EXPECT_EQ(translation.reads, c.canonical ? 1u : 0u);
    }
}

struct LeafCase {
    const char *what;
    uint64_t bits;
    ns_page_fault_reason load, store;
};

/* Steps 3 and 5 to 9 of the translation process, for S-mode with SUM = MXR = 0 and Svade. */
const LeafCase leaf_cases[] = {
    {"nothing", 0, NS_FAULT_NOT_VALID, NS_FAULT_NOT_VALID},
    {"all but V", rwad & ~NS_PTE_V, NS_FAULT_NOT_VALID, NS_FAULT_NOT_VALID},
    {"W without R", rwad & ~NS_PTE_R, NS_FAULT_NOT_VALID, NS_FAULT_NOT_VALID},
    {"W and X without R", (rwad & ~NS_PTE_R) | NS_PTE_X, NS_FAULT_NOT_VALID, NS_FAULT_NOT_VALID},
    {"W without R and reserved bits", (rwad & ~NS_PTE_R) | UINT64_C(1) << 54, NS_FAULT_NOT_VALID, NS_FAULT_NOT_VALID},
    {"read only", rwad & ~NS_PTE_W, NS_FAULT_NONE, NS_FAULT_NO_PERMISSION},
    {"execute only", NS_PTE_V | NS_PTE_X | NS_PTE_A | NS_PTE_D, NS_FAULT_NO_PERMISSION, NS_FAULT_NO_PERMISSION},
    {"user page", rwad | NS_PTE_U, NS_FAULT_NO_PERMISSION, NS_FAULT_NO_PERMISSION},
    {"A clear", rwad & ~NS_PTE_A, NS_FAULT_ACCESSED_DIRTY, NS_FAULT_ACCESSED_DIRTY},
    {"D clear", rwad & ~NS_PTE_D, NS_FAULT_NONE, NS_FAULT_ACCESSED_DIRTY},
    {"read only and D clear", rwad & ~(NS_PTE_W | NS_PTE_D), NS_FAULT_NONE, NS_FAULT_NO_PERMISSION},
    {"global and software bits", rwad | NS_PTE_G | UINT64_C(3) << 8, NS_FAULT_NONE, NS_FAULT_NONE},
    {"bit 54", rwad | UINT64_C(1) << 54, NS_FAULT_RESERVED_BITS, NS_FAULT_RESERVED_BITS},
    {"N without Svnapot", rwad | UINT64_C(1) << 63, NS_FAULT_RESERVED_BITS, NS_FAULT_RESERVED_BITS},
    {"PBMT 3", rwad | UINT64_C(3) << 61, NS_FAULT_RESERVED_BITS, NS_FAULT_RESERVED_BITS},
    {"PBMT 3, no permission, A clear", NS_PTE_V | NS_PTE_X | UINT64_C(3) << 61, NS_FAULT_RESERVED_BITS,
     NS_FAULT_RESERVED_BITS},
};

TEST(PagingWalk, EachBadLeafFaultsForItsReason) {
    for (const LeafCase &c : leaf_cases) {
        for (unsigned level = 0; level < 3; level++) {
            SCOPED_TRACE(std::string(c.what) + ", level " + std::to_string(level));
            PageTables tables;
            const uint64_t pte_address = tables.put_leaf(virtual_address, level, PageTables::leaf(4 * GiB1, c.bits));
            for (const bool store : {false, true}) {
                const ns_page_fault_reason expected = store ? c.store : c.load;
                const ns_translation translation = tables.walk(virtual_address, store);
                EXPECT_EQ(translation.fault, expected) << (store ? "store" : "load");
                EXPECT_EQ(tables.status, expected == NS_FAULT_NONE ? NS_OK : NS_ERROR_PAGE_FAULT);
                EXPECT_EQ(translation.pte_address, pte_address);
                EXPECT_EQ(translation.pte, PageTables::leaf(4 * GiB1, c.bits));
                EXPECT_EQ(translation.page_size != 0, expected == NS_FAULT_NONE);
            }
        }
    }
}

TEST(PagingWalk, ASuperpageMustBeAlignedInEveryBit) {
    const struct {
        unsigned level;
        uint64_t offset;
    } cases[] = {{1, KiB4}, {1, MiB2 / 2}, {2, KiB4}, {2, MiB2}, {2, GiB1 / 2}};
    for (const auto &c : cases) {
        PageTables tables;
        tables.put_leaf(virtual_address, c.level, PageTables::leaf(4 * GiB1 + c.offset));
        EXPECT_EQ(tables.walk(virtual_address).fault, NS_FAULT_MISALIGNED_LEAF) << c.level << " " << c.offset;
    }
}

TEST(PagingWalk, AMisalignedSuperpageIsFoundBeforePermissionIsLookedAt) {
    PageTables tables;
    tables.put_leaf(0, 1, PageTables::leaf(KiB4, NS_PTE_V | NS_PTE_X));
    EXPECT_EQ(tables.walk(0, true).fault, NS_FAULT_MISALIGNED_LEAF);
}

TEST(PagingWalk, ANonLeafMayOnlyHoldVAndGAndSoftwareBits) {
    const uint64_t reserved = ~UINT64_C(0) << 54 | NS_PTE_A | NS_PTE_D | NS_PTE_U;
    const uint64_t not_a_pointer = NS_PTE_V | NS_PTE_R | NS_PTE_W | NS_PTE_X | NS_PTE_PPN_MASK;
    for (const auto scheme : {NS_ATTRIBUTES_SVPBMT, NS_ATTRIBUTES_THEAD_MAEE, NS_ATTRIBUTES_NONE}) {
        for (unsigned level = 1; level < 3; level++) {
            for (unsigned bit = 0; bit < 64; bit++) {
                const uint64_t mask = UINT64_C(1) << bit;
                if (mask & not_a_pointer)
                    continue;
                SCOPED_TRACE("scheme " + std::to_string(scheme) + " level " + std::to_string(level) + " bit " +
                             std::to_string(bit));
                PageTables tables;
                tables.put_leaf(0, 0, PageTables::leaf(MiB2));
                const uint64_t top = PageTables::entry(tables.root, 2, 0);
                const uint64_t middle = (tables.ptes[top] & NS_PTE_PPN_MASK) << 2;
                tables.ptes[level == 2 ? top : middle] |= mask;
                EXPECT_EQ(tables.walk(0, true, scheme).fault, mask & reserved ? NS_FAULT_RESERVED_BITS : NS_FAULT_NONE);
            }
        }
    }
}

TEST(PagingWalk, ThreeLevelsWithoutALeafFault) {
    PageTables tables;
    tables.put_leaf(virtual_address, 0, PageTables::pointer(0x1000));
    const ns_translation translation = tables.walk(virtual_address);
    EXPECT_EQ(translation.fault, NS_FAULT_NO_LEAF);
    EXPECT_EQ(translation.reads, 3u);
}

TEST(PagingWalk, AReadWithoutATargetFaultsAtEachLevel) {
    for (unsigned level = 0; level < 3; level++) {
        PageTables tables;
        tables.missing = tables.put_leaf(virtual_address, level, PageTables::leaf(4 * GiB1));
        const ns_translation translation = tables.walk(virtual_address);
        EXPECT_EQ(tables.status, NS_ERROR_PAGE_FAULT);
        EXPECT_EQ(translation.fault, NS_FAULT_BUS) << level;
        EXPECT_EQ(translation.pte_address, tables.missing);
        EXPECT_EQ(translation.reads, 2 - level);
    }
}

} // namespace
