// SPDX-License-Identifier: Apache-2.0
// Memory types: what software encodes, what a core decodes, and what an access gets in the end.
#include "page_tables.h"

#include <gtest/gtest.h>

#include <set>

namespace {

enum Outcome { FAULT, PMA, CACHEABLE, NC, IO };

/*
 * Every software encoding on every core. The fields are those that the kernels write; the outcomes follow from
 *   Svpbmt: 62:61 = 0 PMA, 1 NC, 2 IO, 3 reserved; bit 63 (N, no Svnapot here) and bits 60:54 reserved: page fault;
 *   MAEE:   SO = 1 IO, else C = 1 cacheable, else NC; a field of zeros is a field like any other;
 *   none:   bits 63:54 reserved, so only a field of zeros translates, and falls back to the PMA.
 */
struct Row {
    ns_pte_encoding encoding;
    ns_memory_type type;
    const char *bits; /* 63:59 */
    uint64_t bit0;
    Outcome svpbmt, maee, none;
};

const Row rows[] = {
    {NS_ENCODE_SVPBMT, NS_TYPE_CACHEABLE, "00000", 0, PMA, NC, PMA},
    {NS_ENCODE_SVPBMT, NS_TYPE_NC, "00100", 0, NC, NC, FAULT},        // bit 61 is B on T-Head
    {NS_ENCODE_SVPBMT, NS_TYPE_IO, "01000", 0, IO, CACHEABLE, FAULT}, // bit 62 is C on T-Head
    {NS_ENCODE_THEAD_5_19, NS_TYPE_CACHEABLE, "01110", 0, FAULT, CACHEABLE, FAULT},
    {NS_ENCODE_THEAD_5_19, NS_TYPE_NC, "00000", 0, PMA, NC, PMA},
    {NS_ENCODE_THEAD_5_19, NS_TYPE_IO, "10000", 0, FAULT, IO, FAULT},
    {NS_ENCODE_THEAD_6_7_TYPO, NS_TYPE_CACHEABLE, "01110", 0, FAULT, CACHEABLE, FAULT},
    {NS_ENCODE_THEAD_6_7_TYPO, NS_TYPE_NC, "00010", 1, FAULT, NC, FAULT},
    {NS_ENCODE_THEAD_6_7_TYPO, NS_TYPE_IO, "10010", 0, FAULT, IO, FAULT},
    {NS_ENCODE_THEAD_6_8, NS_TYPE_CACHEABLE, "01110", 0, FAULT, CACHEABLE, FAULT},
    {NS_ENCODE_THEAD_6_8, NS_TYPE_NC, "00110", 0, FAULT, NC, FAULT},
    {NS_ENCODE_THEAD_6_8, NS_TYPE_IO, "10010", 0, FAULT, IO, FAULT},
    {NS_ENCODE_THEAD_VENDOR_5_10, NS_TYPE_CACHEABLE, "01110", 0, FAULT, CACHEABLE, FAULT},
    {NS_ENCODE_THEAD_VENDOR_5_10, NS_TYPE_NC, "00010", 0, FAULT, NC, FAULT},
    {NS_ENCODE_THEAD_VENDOR_5_10, NS_TYPE_IO, "10010", 0, FAULT, IO, FAULT},
    {NS_ENCODE_NONE, NS_TYPE_CACHEABLE, "00000", 0, PMA, NC, PMA},
    {NS_ENCODE_NONE, NS_TYPE_NC, "00000", 0, PMA, NC, PMA},
    {NS_ENCODE_NONE, NS_TYPE_IO, "00000", 0, PMA, NC, PMA},
};

Outcome decoded(uint64_t pte, ns_attribute_scheme scheme) {
    bool override_pma;
    ns_memory_type type;
    const ns_page_fault_reason reason = ns_pte_decode_type(pte, scheme, &override_pma, &type, nullptr);
    if (reason != NS_FAULT_NONE) {
        EXPECT_EQ(reason, NS_FAULT_RESERVED_BITS);
        return FAULT;
    }
    if (!override_pma)
        return PMA;
    return type == NS_TYPE_CACHEABLE ? CACHEABLE : type == NS_TYPE_NC ? NC : IO;
}

std::string name(const Row &row) {
    return "encoding " + std::to_string(row.encoding) + " type " + std::to_string(row.type);
}

TEST(PagingTypes, EveryKernelWritesItsOwnBits) {
    for (const Row &row : rows)
        EXPECT_EQ(ns_pte_encode_type(row.encoding, row.type), field(row.bits) | row.bit0) << name(row);
}

TEST(PagingTypes, EveryEncodingMeansOnEveryCoreWhatItsManualSays) {
    for (const Row &row : rows) {
        SCOPED_TRACE(name(row));
        const uint64_t pte = PageTables::leaf(0x9000'0000) | ns_pte_encode_type(row.encoding, row.type);
        EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_SVPBMT), row.svpbmt);
        EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_THEAD_MAEE), row.maee);
        EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_NONE), row.none);
    }
}

TEST(PagingTypes, AMappingAndAWalkGiveTheSameAsTheTable) {
    const ns_pma_region ram = {0x9000'0000, 0x1000'0000, NS_TYPE_CACHEABLE};
    for (const Row &row : rows) {
        for (const bool superpages : {false, true}) {
            SCOPED_TRACE(name(row) + (superpages ? " 2 MiB" : " 4 KiB"));
            PageTables tables;
            const ns_page_builder builder = tables.builder();
            ASSERT_EQ(ns_page_map(&builder, tables.root, 0, 0x9000'0000, PageTables::MiB2,
                                  ns_pte_encode_type(row.encoding, row.type), superpages),
                      NS_OK);
            const Outcome expected[] = {row.svpbmt, row.maee, row.none};
            for (const auto scheme : {NS_ATTRIBUTES_SVPBMT, NS_ATTRIBUTES_THEAD_MAEE, NS_ATTRIBUTES_NONE}) {
                const ns_translation translation = tables.walk(0x1234, true, scheme);
                const Outcome outcome = expected[scheme];
                if (outcome == FAULT) {
                    EXPECT_EQ(tables.status, NS_ERROR_PAGE_FAULT);
                    EXPECT_EQ(translation.fault, NS_FAULT_RESERVED_BITS);
                    continue;
                }
                ASSERT_EQ(tables.status, NS_OK);
                EXPECT_EQ(translation.physical, 0x9000'1234u);
                EXPECT_EQ(translation.override_pma, outcome != PMA);
                EXPECT_EQ(ns_effective_type(&translation, &ram, 1), outcome == NC   ? NS_TYPE_NC
                                                                    : outcome == IO ? NS_TYPE_IO
                                                                                    : NS_TYPE_CACHEABLE);
            }
        }
    }
}

TEST(PagingTypes, ATheadFieldDecodesByStrongOrderThenCacheable) {
    for (uint64_t value = 0; value < 32; value++) {
        const bool so = value & 16, c = value & 8, sh = value & 2;
        bool override_pma, shareable;
        ns_memory_type type;
        ASSERT_EQ(ns_pte_decode_type(value << 59 | PageTables::rwad, NS_ATTRIBUTES_THEAD_MAEE, &override_pma, &type,
                                     &shareable),
                  NS_FAULT_NONE);
        EXPECT_TRUE(override_pma) << value;
        EXPECT_EQ(type, so ? NS_TYPE_IO : c ? NS_TYPE_CACHEABLE : NS_TYPE_NC) << value;
        EXPECT_EQ(shareable, sh) << value;
    }
}

TEST(PagingTypes, OtherSchemesAreAlwaysShareable) {
    for (const auto scheme : {NS_ATTRIBUTES_SVPBMT, NS_ATTRIBUTES_NONE}) {
        bool override_pma, shareable = false;
        ns_memory_type type;
        ASSERT_EQ(ns_pte_decode_type(PageTables::rwad, scheme, &override_pma, &type, &shareable), NS_FAULT_NONE);
        EXPECT_TRUE(shareable);
    }
}

TEST(PagingTypes, EachReservedBitOfEachSchemeFaults) {
    for (unsigned bit = 54; bit < 64; bit++) {
        const uint64_t pte = PageTables::rwad | UINT64_C(1) << bit;
        EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_SVPBMT) == FAULT, bit != 61 && bit != 62) << bit;
        EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_THEAD_MAEE) == FAULT, bit < 59) << bit;
        EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_NONE), FAULT) << bit;
    }
    EXPECT_EQ(decoded(PageTables::rwad | UINT64_C(3) << 61, NS_ATTRIBUTES_SVPBMT), FAULT);
}

TEST(PagingTypes, BitsForSoftwareAndThePageNumberDoNotMatter) {
    const uint64_t pte = PageTables::rwad | UINT64_C(3) << 8 | NS_PTE_PPN_MASK | NS_PTE_G | NS_PTE_X;
    EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_SVPBMT), PMA);
    EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_THEAD_MAEE), NC);
    EXPECT_EQ(decoded(pte, NS_ATTRIBUTES_NONE), PMA);
}

TEST(PagingTypes, AnAddressHasTheTypeOfItsRegionAndIsIoOutsideOfAll) {
    const ns_pma_region regions[] = {
        {0x1000, 0x1000, NS_TYPE_NC},
        {0x2000, 0x2000, NS_TYPE_CACHEABLE}, // touches the one before
        {0x8000, 0x1000, NS_TYPE_IO},
        {0xff'ffff'ffff'f000, 0x1000, NS_TYPE_CACHEABLE}, // the last page of 56 bits
    };
    const struct {
        uint64_t address;
        ns_memory_type type;
    } cases[] = {
        {0, NS_TYPE_IO},
        {0xfff, NS_TYPE_IO},
        {0x1000, NS_TYPE_NC},
        {0x1fff, NS_TYPE_NC},
        {0x2000, NS_TYPE_CACHEABLE},
        {0x3fff, NS_TYPE_CACHEABLE},
        {0x4000, NS_TYPE_IO},
        {0x8000, NS_TYPE_IO},
        {0xff'ffff'ffff'efff, NS_TYPE_IO},
        {0xff'ffff'ffff'f000, NS_TYPE_CACHEABLE},
        {0xff'ffff'ffff'ffff, NS_TYPE_CACHEABLE},
    };
    for (const auto &c : cases)
        EXPECT_EQ(ns_pma_type(regions, 4, c.address), c.type) << std::hex << c.address;
    EXPECT_EQ(ns_pma_type(nullptr, 0, 0x1000), NS_TYPE_IO);
}

TEST(PagingTypes, AnOverrideBeatsTheRegionAndNoOverrideFallsBackToIt) {
    const ns_pma_region region = {0x1000, 0x1000, NS_TYPE_NC};
    ns_translation translation = {};
    translation.physical = 0x1800;
    translation.type = NS_TYPE_CACHEABLE;
    EXPECT_EQ(ns_effective_type(&translation, &region, 1), NS_TYPE_NC);
    translation.override_pma = true;
    EXPECT_EQ(ns_effective_type(&translation, &region, 1), NS_TYPE_CACHEABLE);
    translation.type = NS_TYPE_IO;
    EXPECT_EQ(ns_effective_type(&translation, &region, 1), NS_TYPE_IO);
}

TEST(PagingTypes, EachFaultHasItsOwnSentence) {
    std::set<std::string> sentences;
    for (int reason = NS_FAULT_NONE; reason <= NS_FAULT_BUS; reason++) {
        const std::string sentence = ns_page_fault_text(static_cast<ns_page_fault_reason>(reason));
        EXPECT_FALSE(sentence.empty());
        EXPECT_NE(sentence.back(), '.');
        sentences.insert(sentence);
    }
    EXPECT_EQ(sentences.size(), static_cast<size_t>(NS_FAULT_BUS) + 1);
}

} // namespace
