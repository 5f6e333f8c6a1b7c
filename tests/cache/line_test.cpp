// SPDX-License-Identifier: Apache-2.0
#include "cache/line.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace {

// semantics: clean keeps, invalidate drops dirty or not, flush cleans then drops; a clean line is never written back.
TEST(Line, MaintenanceOfEveryStateByEveryOperation) {
    struct Row {
        ns_line_state state;
        ns_cache_op op;
        bool as_flush;
        ns_line_state next;
        bool write_back, discard;
    };
    const Row rows[] = {
        {NS_LINE_INVALID, NS_CACHE_CLEAN, false, NS_LINE_INVALID, false, false},
        {NS_LINE_INVALID, NS_CACHE_CLEAN, true, NS_LINE_INVALID, false, false},
        {NS_LINE_INVALID, NS_CACHE_INVALIDATE, false, NS_LINE_INVALID, false, false},
        {NS_LINE_INVALID, NS_CACHE_INVALIDATE, true, NS_LINE_INVALID, false, false},
        {NS_LINE_INVALID, NS_CACHE_FLUSH, false, NS_LINE_INVALID, false, false},
        {NS_LINE_INVALID, NS_CACHE_FLUSH, true, NS_LINE_INVALID, false, false},
        {NS_LINE_CLEAN, NS_CACHE_CLEAN, false, NS_LINE_CLEAN, false, false},
        {NS_LINE_CLEAN, NS_CACHE_CLEAN, true, NS_LINE_CLEAN, false, false},
        {NS_LINE_CLEAN, NS_CACHE_INVALIDATE, false, NS_LINE_INVALID, false, false},
        {NS_LINE_CLEAN, NS_CACHE_INVALIDATE, true, NS_LINE_INVALID, false, false},
        {NS_LINE_CLEAN, NS_CACHE_FLUSH, false, NS_LINE_INVALID, false, false},
        {NS_LINE_CLEAN, NS_CACHE_FLUSH, true, NS_LINE_INVALID, false, false},
        {NS_LINE_DIRTY, NS_CACHE_CLEAN, false, NS_LINE_CLEAN, true, false},
        {NS_LINE_DIRTY, NS_CACHE_CLEAN, true, NS_LINE_CLEAN, true, false},
        {NS_LINE_DIRTY, NS_CACHE_INVALIDATE, false, NS_LINE_INVALID, false, true},
        {NS_LINE_DIRTY, NS_CACHE_INVALIDATE, true, NS_LINE_INVALID, true, false},
        {NS_LINE_DIRTY, NS_CACHE_FLUSH, false, NS_LINE_INVALID, true, false},
        {NS_LINE_DIRTY, NS_CACHE_FLUSH, true, NS_LINE_INVALID, true, false},
    };
    for (const Row &row : rows) {
        SCOPED_TRACE(testing::Message() << "state " << row.state << " op " << row.op << " as flush " << row.as_flush);
        ns_line_effect effect = ns_line_maintain(row.state, row.op, row.as_flush);
        EXPECT_EQ(effect.next, row.next);
        EXPECT_EQ(effect.write_back, row.write_back);
        EXPECT_EQ(effect.discard, row.discard);
    }
}

TEST(Line, AVictimIsWrittenBackOnlyWhenDirty) {
    EXPECT_FALSE(ns_line_evict(NS_LINE_INVALID).write_back);
    EXPECT_FALSE(ns_line_evict(NS_LINE_CLEAN).write_back);
    EXPECT_TRUE(ns_line_evict(NS_LINE_DIRTY).write_back);
    for (ns_line_state state : {NS_LINE_INVALID, NS_LINE_CLEAN, NS_LINE_DIRTY}) {
        EXPECT_EQ(ns_line_evict(state).next, NS_LINE_INVALID);
        EXPECT_FALSE(ns_line_evict(state).discard);
    }
}

TEST(Line, AStoreDirtiesUnlessItIsWrittenThrough) {
    EXPECT_EQ(ns_line_store(NS_LINE_CLEAN, false).next, NS_LINE_DIRTY);
    EXPECT_EQ(ns_line_store(NS_LINE_DIRTY, false).next, NS_LINE_DIRTY);
    EXPECT_EQ(ns_line_store(NS_LINE_CLEAN, true).next, NS_LINE_CLEAN);
    EXPECT_EQ(ns_line_store(NS_LINE_DIRTY, true).next, NS_LINE_DIRTY); /* the rest of the line is still not below */
    EXPECT_FALSE(ns_line_store(NS_LINE_CLEAN, true).write_back);       /* the bytes pass on, not the line */
}

TEST(LineSpan, CoversTheLinesOfTheRangeByRounding) {
    struct Row {
        uint64_t first, length;
        uint32_t line;
        uint64_t outward_start, outward_count, inward_start, inward_count;
    };
    const Row rows[] = {
        {0x1000, 64, 64, 0x1000, 1, 0x1000, 1},                   // exactly one line
        {0x1000, 128, 64, 0x1000, 2, 0x1000, 2},                  // exactly two
        {0x1000, 1, 64, 0x1000, 1, 0x1000, 0},                    // aligned start, shorter than a line
        {0x1010, 16, 64, 0x1000, 1, 0x1000, 0},                   // strictly inside a line
        {0x1030, 16, 64, 0x1000, 1, 0x1000, 0},                   // ends at the line's end
        {0x103f, 2, 64, 0x1000, 2, 0x1000, 0},                    // straddles a border
        {0x1020, 0x60, 64, 0x1000, 2, 0x1040, 1},                 // unaligned start, aligned end
        {0x1000, 0x60, 64, 0x1000, 2, 0x1000, 1},                 // aligned start, unaligned end
        {0x1020, 0x80, 64, 0x1000, 3, 0x1040, 1},                 // both unaligned
        {0x1001, 0xfe, 16, 0x1000, 16, 0x1010, 14},               // both unaligned, small lines
        {0x1000, 0x7fffff, 32, 0x1000, 0x40000, 0x1000, 0x3ffff}, // Xilinx issue 103: the tail line of 31 bytes
        {UINT64_MAX - 15, 16, 16, UINT64_MAX - 15, 1, UINT64_MAX - 15, 1}, // the last line of the address space
        {UINT64_MAX, 1, 256, UINT64_MAX - 255, 1, UINT64_MAX - 255, 0},
    };
    for (const Row &row : rows) {
        SCOPED_TRACE(testing::Message() << std::hex << "0x" << row.first << "+0x" << row.length << " line "
                                        << row.line);
        ns_line_range outward = ns_line_span(row.first, row.length, row.line, NS_ROUND_OUTWARD);
        EXPECT_EQ(outward.start, row.outward_start);
        EXPECT_EQ(outward.count, row.outward_count);
        ns_line_range inward = ns_line_span(row.first, row.length, row.line, NS_ROUND_INWARD);
        EXPECT_EQ(inward.count, row.inward_count);
        if (row.inward_count > 0) {
            EXPECT_EQ(inward.start, row.inward_start);
        }
    }
}

TEST(LineSpan, AnEmptyRangeHasNoLines) {
    for (uint64_t first : {UINT64_C(0), UINT64_C(0x1000), UINT64_C(0x1001), UINT64_MAX})
        for (ns_range_rounding rounding : {NS_ROUND_OUTWARD, NS_ROUND_INWARD})
            EXPECT_EQ(ns_line_span(first, 0, 64, rounding).count, 0u);
}

// A span names exactly the lines for which a definition byte by byte says so.
TEST(LineSpan, AgreesWithCountingBytes) {
    for (uint32_t line : {16u, 32u})
        for (uint64_t first = 0; first < 2 * line; first++)
            for (uint64_t length = 0; length < 4 * line; length++) {
                for (ns_range_rounding rounding : {NS_ROUND_OUTWARD, NS_ROUND_INWARD}) {
                    ns_line_range span = ns_line_span(first, length, line, rounding);
                    for (uint64_t address = 0; address < 8 * line; address += line) {
                        uint64_t covered = 0;
                        for (uint64_t byte = address; byte < address + line; byte++)
                            covered += byte >= first && byte < first + length;
                        bool expected = rounding == NS_ROUND_OUTWARD ? covered > 0 : covered == line;
                        bool visited = address >= span.start && address < span.start + span.count * line;
                        ASSERT_EQ(visited, expected) << first << "+" << length << " line " << address;
                    }
                }
            }
}

constexpr ns_range_policy kPolicies[2][3] = {
    {{NS_ROUND_OUTWARD, NS_EDGE_SAME}, {NS_ROUND_OUTWARD, NS_EDGE_FLUSH}, {NS_ROUND_OUTWARD, NS_EDGE_SKIP}},
    {{NS_ROUND_INWARD, NS_EDGE_SAME}, {NS_ROUND_INWARD, NS_EDGE_FLUSH}, {NS_ROUND_INWARD, NS_EDGE_SKIP}},
};

std::optional<ns_cache_op> operation(uint64_t line, uint64_t first, uint64_t length, ns_cache_op op,
                                     const ns_range_policy &policy) {
    ns_cache_op performed;
    if (!ns_line_operation(line, 64, first, length, op, &policy, &performed))
        return std::nullopt;
    return performed;
}

TEST(LineOperation, EdgeLinesFollowThePolicyAndInnerLinesDoNot) {
    const auto none = std::nullopt;
    const std::optional<ns_cache_op> inval = NS_CACHE_INVALIDATE, flush = NS_CACHE_FLUSH;
    struct Row {
        const char *what;
        uint64_t line, first, length;
        std::optional<ns_cache_op> same, flushed, skipped, inward;
    };
    const Row rows[] = {
        {"whole line", 0x1000, 0x1000, 64, inval, inval, inval, inval},
        {"inner line of a longer unaligned range", 0x1040, 0x1020, 0x80, inval, inval, inval, inval},
        {"head line, unaligned start", 0x1000, 0x1020, 0x60, inval, flush, none, none},
        {"tail line, unaligned end", 0x1040, 0x1000, 0x60, inval, flush, none, none},
        {"aligned start, shorter than a line", 0x1000, 0x1000, 32, inval, flush, none, none},
        {"both ends inside one line", 0x1000, 0x1010, 16, inval, flush, none, none},
        {"last byte only", 0x1000, 0x103f, 1, inval, flush, none, none},
        {"line before the range", 0x0fc0, 0x1000, 64, none, none, none, none},
        {"line after the range", 0x1040, 0x1000, 64, none, none, none, none},
        {"empty range", 0x1000, 0x1000, 0, none, none, none, none},
    };
    for (const Row &row : rows) {
        SCOPED_TRACE(row.what);
        EXPECT_EQ(operation(row.line, row.first, row.length, NS_CACHE_INVALIDATE, kPolicies[0][0]), row.same);
        EXPECT_EQ(operation(row.line, row.first, row.length, NS_CACHE_INVALIDATE, kPolicies[0][1]), row.flushed);
        EXPECT_EQ(operation(row.line, row.first, row.length, NS_CACHE_INVALIDATE, kPolicies[0][2]), row.skipped);
        for (const ns_range_policy &policy : kPolicies[1])
            EXPECT_EQ(operation(row.line, row.first, row.length, NS_CACHE_INVALIDATE, policy), row.inward);
    }
}

TEST(LineOperation, CleanAndFlushNeedNoEdgePolicy) {
    for (const ns_range_policy &policy : kPolicies[0])
        for (ns_cache_op op : {NS_CACHE_CLEAN, NS_CACHE_FLUSH})
            EXPECT_EQ(operation(0x1000, 0x1010, 8, op, policy), op);
}

TEST(LineOperation, InwardRoundingLeavesPartialLinesAloneWhateverTheOperation) {
    for (ns_cache_op op : {NS_CACHE_CLEAN, NS_CACHE_INVALIDATE, NS_CACHE_FLUSH}) {
        EXPECT_EQ(operation(0x1000, 0x1010, 48, op, kPolicies[1][0]), std::nullopt);
        EXPECT_EQ(operation(0x1000, 0x1000, 64, op, kPolicies[1][0]), op);
    }
}

// Xilinx issue 269: range shorter than a line with an aligned start; the old code flushed it, the new one does not.
TEST(LineOperation, ShortAlignedRangeIsAnEdgeToo) {
    EXPECT_EQ(operation(0x1000, 0x1000, 20, NS_CACHE_INVALIDATE, kPolicies[0][NS_EDGE_FLUSH]), NS_CACHE_FLUSH);
    EXPECT_EQ(operation(0x1000, 0x1000, 20, NS_CACHE_INVALIDATE, kPolicies[0][NS_EDGE_SAME]), NS_CACHE_INVALIDATE);
}

TEST(LineOperation, ReachesTheEndOfTheAddressSpace) {
    const uint64_t last = UINT64_MAX - 63;
    EXPECT_EQ(operation(last, last, 64, NS_CACHE_INVALIDATE, kPolicies[0][NS_EDGE_FLUSH]), NS_CACHE_INVALIDATE);
    EXPECT_EQ(operation(last, UINT64_MAX, 1, NS_CACHE_INVALIDATE, kPolicies[0][NS_EDGE_FLUSH]), NS_CACHE_FLUSH);
}

TEST(Status, EveryStatusHasItsOwnSentence) {
    for (int a = NS_OK; a <= NS_ERROR_TIMEOUT; a++) {
        std::string text = ns_status_text(static_cast<ns_status>(a));
        EXPECT_FALSE(text.empty());
        EXPECT_NE(text.back(), '.');
        for (int b = NS_OK; b < a; b++)
            EXPECT_NE(text, ns_status_text(static_cast<ns_status>(b)));
    }
    EXPECT_NE(ns_status_text(static_cast<ns_status>(15)), nullptr);
}

} // namespace
