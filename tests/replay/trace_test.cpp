// SPDX-License-Identifier: Apache-2.0
// Text in: the three formats, and what is wrong with a line.
#include "support.h"

#include <random>

namespace {

struct Access {
    ns_access_kind kind;
    uint64_t address;
    uint32_t size;
};

constexpr ns_access_kind R = NS_ACCESS_READ, W = NS_ACCESS_WRITE, I = NS_ACCESS_FETCH;

// In one piece, and in pieces of one byte: where a block ends changes nothing.
void expect_accesses(const std::string &text, ns_trace_format format, const std::vector<Access> &expected) {
    for (const size_t piece : {size_t{1} << 20, size_t{1}, size_t{7}}) {
        SCOPED_TRACE("pieces of " + std::to_string(piece) + ": " + text);
        ns_trace_parser parser{};
        const Trace got = parse(text, parser, piece, 4);
        EXPECT_EQ(parser.error.line, 0u) << parser.error.text;
        EXPECT_TRUE(ns_trace_finish(&parser));
        EXPECT_EQ(parser.format, format);
        ASSERT_EQ(got.address.size(), expected.size());
        for (size_t i = 0; i < expected.size(); i++) {
            EXPECT_EQ(got.address[i], expected[i].address) << "access " << i;
            EXPECT_EQ(got.what[i], ns_access_what(expected[i].kind, expected[i].size)) << "access " << i;
        }
    }
}

TEST(Trace, DinIsWordsAtTheAddressRoundedDown) {
    expect_accesses("0 1fc780\n1 7ffebac\n2 408ed7\n0 3\n2 0x10 a comment\n", NS_TRACE_DIN,
                    {{R, 0x1fc780, 4}, {W, 0x7ffebac, 4}, {I, 0x408ed4, 4}, {R, 0, 4}, {I, 0x10, 4}});
}

TEST(Trace, ExtendedDinHasHexadecimalAddressesAndSizes) {
    expect_accesses("r 1fff000d18 8\nw 1fff000d10 20\ni 40 f\nR 0X2A 0x1\n", NS_TRACE_XDIN,
                    {{R, 0x1fff000d18, 8}, {W, 0x1fff000d10, 32}, {I, 0x40, 15}, {R, 42, 1}});
}

TEST(Trace, ExtendedDinMayHaveCommentsBlanksAndEmptyLines) {
    expect_accesses("\n  r\t10   4   a comment\r\n\n\nw 20 1000\r\n", NS_TRACE_XDIN, {{R, 0x10, 4}, {W, 0x20, 4096}});
}

TEST(Trace, LackeyHasDecimalSizesAndModifiesAreTwoAccesses) {
    expect_accesses("==12== Lackey, an example Valgrind tool\n==12== \nI  04001000,3\n S 1ffeffe7e8,8\n L 0421c7a0,16\n"
                    " M 0421c7a0,4\nI  04001003,10\n==12== Counted 1 call to main()\n",
                    NS_TRACE_LACKEY,
                    {{I, 0x4001000, 3},
                     {W, 0x1ffeffe7e8, 8},
                     {R, 0x421c7a0, 16},
                     {R, 0x421c7a0, 4},
                     {W, 0x421c7a0, 4},
                     {I, 0x4001003, 10}});
}

TEST(Trace, LackeyWithoutItsHeaderIsRecognised) {
    expect_accesses("I  04001000,3\n S 1ffeffe7e8,8\n", NS_TRACE_LACKEY, {{I, 0x4001000, 3}, {W, 0x1ffeffe7e8, 8}});
    expect_accesses(" M 1000,8\n L 1000,8\n", NS_TRACE_LACKEY, {{R, 0x1000, 8}, {W, 0x1000, 8}, {R, 0x1000, 8}});
}

TEST(Trace, TheLastLineNeedsNoNewline) {
    expect_accesses("r 10 4\nr 20 4", NS_TRACE_XDIN, {{R, 0x10, 4}, {R, 0x20, 4}});
}

TEST(Trace, TheLargestAndTheSmallestFit) {
    expect_accesses("r ffffffffffffffff 1\nw fffffffffffff000 1000\nr 0 1\nr 000000000000000000000042 1\n",
                    NS_TRACE_XDIN, {{R, UINT64_MAX, 1}, {W, UINT64_MAX - 4095, 4096}, {R, 0, 1}, {R, 0x42, 1}});
}

// Records of devices and maintenance, their places among the accesses, and the line of each.
TEST(Trace, RecordsStandBeforeTheAccessThatFollowsThem) {
    const std::string text = "d 1000 40\ni 40 4\nw 2000 8\nc 2000 1000000\nb\nF 2000 8\nr 2008 8\nr 2010 8\n"
                             "D ffffffffffffffc0 40\nv 3000 1 the rest is a comment\nB and here\n";
    for (const size_t piece : {size_t{1} << 20, size_t{1}, size_t{7}})
        for (const size_t capacity : {size_t{1}, size_t{2}, size_t{100}}) {
            std::vector<ns_trace_record> record(capacity);
            std::vector<uint64_t> line_of(1000);
            ns_trace_records records{record.data(), 0, capacity};
            ns_trace_parser parser{};
            parser.records = &records;
            parser.line_of = line_of.data();
            parser.drop_fetches = true;
            std::string got;
            const std::string padded = std::string(NS_TRACE_PADDING, '1') + text + std::string(NS_TRACE_PADDING, '1');
            for (size_t used = 0, given = 0; used < text.size();) {
                given = std::min(text.size(), std::max(given, used) + piece);
                uint64_t address[1000];
                uint16_t what[1000];
                ns_accesses out = {address, what, 0};
                used += ns_trace_parse(&parser, padded.data() + NS_TRACE_PADDING + used, given - used,
                                       given == text.size(), &out, 1000);
                size_t next = 0;
                for (size_t i = 0; i <= out.count; i++) {
                    for (; next < records.count && record[next].before == i; next++) {
                        char line[80];
                        snprintf(line, sizeof line, "%d:%d %llx+%llx ", static_cast<int>(record[next].line),
                                 static_cast<int>(record[next].kind),
                                 static_cast<unsigned long long>(record[next].address),
                                 static_cast<unsigned long long>(record[next].length));
                        got += line;
                    }
                    if (i < out.count)
                        got += std::to_string(line_of[i]) + " ";
                }
                records.count = 0;
            }
            EXPECT_EQ(got, "1:0 1000+40 3 4:2 2000+1000000 5:5 0+0 6:4 2000+8 7 8 9:1 ffffffffffffffc0+40 10:3 3000+1 "
                           "11:5 0+0 ");
            EXPECT_EQ(parser.error.line, 0u) << parser.error.text;
            EXPECT_EQ(parser.device_reads, 1u);
            EXPECT_EQ(parser.device_writes, 1u);
            EXPECT_EQ(parser.maintenance, 3u);
            EXPECT_EQ(parser.fences, 2u);
        }
}

TEST(Trace, FetchesAreCountedWhenTheyAreDropped) {
    ns_trace_parser parser{};
    parser.drop_fetches = true;
    std::string text;
    for (int i = 0; i < 100; i++)
        text += "i 400000 4\nr 1000 8\nw 2000 8\n";
    const Trace got = parse(text, parser, 64, 10);
    EXPECT_EQ(got.address.size(), 200u);
    EXPECT_EQ(parser.fetches, 100u);
    EXPECT_EQ(parser.reads, 100u);
    EXPECT_EQ(parser.writes, 100u);
    EXPECT_EQ(parser.lines, 300u);
}

// Numbers of every length, in the usual form and in others, come back as they were written.
TEST(Trace, WhatIsWrittenIsRead) {
    const uint64_t seed = test_seed();
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed);
    for (const ns_trace_format format : {NS_TRACE_DIN, NS_TRACE_XDIN, NS_TRACE_LACKEY}) {
        std::string text;
        std::vector<Access> expected;
        for (int i = 0; i < 3000; i++) {
            Access access = {static_cast<ns_access_kind>(random() % 3), random() >> (random() % 64),
                             1 + static_cast<uint32_t>(random() % (random() % 4 == 0 ? 4096 : 99))};
            access.address = std::min(access.address, UINT64_MAX - 4096);
            char line[80];
            const char *upper = random() % 8 == 0 ? "X" : "x";
            std::string shape;
            if (format == NS_TRACE_DIN) {
                shape = std::string("%d %l") + upper + "\n";
                snprintf(line, sizeof line, shape.c_str(), static_cast<int>(access.kind), access.address);
                access.address &= ~UINT64_C(3);
                access.size = 4;
            } else if (format == NS_TRACE_XDIN) {
                shape = std::string("%c %l") + upper + " %" + upper + "\n";
                snprintf(line, sizeof line, shape.c_str(), "rwi"[access.kind], access.address, access.size);
            } else {
                shape = std::string("%s %08l") + upper + ",%u\n";
                const char *const kinds[] = {" L", " S", "I "};
                snprintf(line, sizeof line, shape.c_str(), kinds[access.kind], access.address, access.size);
            }
            text += line;
            expected.push_back(access);
        }
        ns_trace_parser parser{};
        const Trace got = parse(text, parser, 1000, 50);
        EXPECT_EQ(parser.format, format);
        EXPECT_EQ(parser.error.line, 0u) << parser.error.line << ": " << parser.error.text;
        ASSERT_EQ(got.address.size(), expected.size());
        for (size_t i = 0; i < expected.size(); i++) {
            ASSERT_EQ(got.address[i], expected[i].address) << "access " << i;
            ASSERT_EQ(got.what[i], ns_access_what(expected[i].kind, expected[i].size)) << "access " << i;
        }
    }
}

struct Bad {
    const char *text;
    uint64_t line;
    uint32_t column;
    const char *says; // part of the sentence
};

// Each is wrong at one place.
const Bad bad_traces[] = {
    {"", 1, 1, "empty"},
    {"\n\n", 2, 1, "empty"},
    {"==1== Lackey\n", 1, 1, "empty"},
    {"\x7f"
     "ELF\n",
     1, 1, "the byte 0x7f"},
    {"hello world\n", 1, 1, "no trace"},
    {"r 10 4\nr 10\n", 2, 5, "ends before its size"},
    {"r 10 4\nr 1fff00", 2, 9, "ends before its size"},
    {"r 10 4\nr\n", 2, 2, "ends before its address"},
    {"r 10 4\nx 10 4\n", 2, 1, "no kind of access"},
    {"r 10 4\nd 10 4\n", 2, 1, "access of a device"},
    {"r 10 4\nD 10 4\n", 2, 1, "access of a device"},
    {"r 10 4\nm 10 4\n", 2, 1, "not replayed"},
    {"r 10 4\nc 10 4\n", 2, 1, "maintenance"},
    {"r 10 4\nV 10 4\n", 2, 1, "maintenance"},
    {"f 10 4\n", 1, 1, "maintenance"},
    {"r 10 4\nb\n", 2, 1, "a fence"},
    {"r 10 4\nr10 4\n", 2, 2, "a space is missing"},
    {"r 10 4\nr 1g 4\n", 2, 4, "space is missing"},
    {"r 10 4\nr zz 4\n", 2, 3, "no digit"},
    {"r 10 4\nr 10 4g\n", 2, 7, "no digit"},
    {"r 10 0\n", 1, 6, "size is 0"},
    {"r 10 00\n", 1, 6, "size is 0"},
    {"r 10 -4\n", 1, 6, "negative"},
    {"r -10 4\n", 1, 3, "negative"},
    {"r 10 1001\n", 1, 6, "larger than a page"},
    {"r 10 ffffffffffffffffffff\n", 1, 6, "larger than a page"},
    {"r 10000000000000000 4\n", 1, 3, "64 bits"},
    {"r ffffffffffffffff 2\n", 1, 20, "behind the last"},
    {"0 10\n3 10\n", 2, 1, "not replayed"},
    {"0 10\nz 10\n", 2, 1, "no digit"},
    {"0 10\n0 10000000000000000\n", 2, 3, "64 bits"},
    {"0 10\n0 12g\n", 2, 5, "no digit"},
    {"0 10\n0\n", 2, 2, "ends before its address"},
    {" L 10,8\n L 10\n", 2, 6, "ends before its size"},
    {" L 10,8\n L 10 8\n", 2, 6, "comma"},
    {" L 10,8\n L 10,0\n", 2, 7, "size is 0"},
    {" L 10,8\n L 10,4097\n", 2, 7, "larger than a page"},
    {" L 10,8\n L 10,8x\n", 2, 8, "must end"},
    {" L 10,8\n X 10,8\n", 2, 2, "begins no access"},
    {" L 10,8\nhello\n", 2, 1, "begins no access"},
};

// Where records are wanted.
const Bad bad_records[] = {
    {"d 10\n", 1, 5, "ends before its size"},
    {"D 10 0\n", 1, 6, "size is 0"},
    {"c 10 1000001\n", 1, 6, "larger than 16 MiB"},
    {"v ffffffffffffffff 2\n", 1, 20, "behind the last"},
    {"b\nb1\n", 2, 2, "must follow the kind"},
    {"f\n", 1, 2, "ends before its address"},
    {"d 10 4\nr 10 1001\n", 2, 6, "larger than a page"},
};

TEST(BadTrace, RecordsAreCheckedAsAccessesAre) {
    for (const Bad &bad : bad_records) {
        SCOPED_TRACE(bad.text);
        ns_trace_record record[10];
        ns_trace_records records{record, 0, 10};
        ns_trace_parser parser{};
        parser.records = &records;
        parse(bad.text, parser);
        EXPECT_FALSE(ns_trace_finish(&parser));
        EXPECT_EQ(parser.error.line, bad.line);
        EXPECT_EQ(parser.error.column, bad.column);
        EXPECT_NE(std::string(parser.error.text).find(bad.says), std::string::npos) << parser.error.text;
    }
}

TEST(BadTrace, EveryErrorHasItsLineColumnAndSentence) {
    for (const Bad &bad : bad_traces) {
        for (const size_t piece : {size_t{1} << 20, size_t{1}}) {
            SCOPED_TRACE(bad.text);
            ns_trace_parser parser{};
            parse(bad.text, parser, piece);
            EXPECT_FALSE(ns_trace_finish(&parser));
            EXPECT_EQ(parser.error.line, bad.line);
            EXPECT_EQ(parser.error.column, bad.column);
            EXPECT_NE(std::string(parser.error.text).find(bad.says), std::string::npos) << parser.error.text;
        }
    }
}

// The usual form, so that the fast loop meets it: every byte of a line replaced by every other.
TEST(BadTrace, TheFastLoopTakesNothingThatTheSlowOneRefuses) {
    const std::string lines[] = {"r 1fff000d18 8\n",       "0 1fff000d18\n",          " L 1fff000d18,8\n",
                                 "I  1fff000d18,12\n",     "w ffff888012345678 10\n", "i 123456789abcdef 4\n",
                                 "r fFFFffffffffffff 1\n", "1 ffffffffffffffff\n",    " S ffff888012345678,16\n",
                                 " L fffffffffffff001,8\n"};
    for (const std::string &good : lines) {
        for (size_t at = 0; at + 1 < good.size(); at++) {
            for (int byte = 1; byte < 256; byte++) {
                if (byte == '\n')
                    continue;
                std::string line = good;
                line[at] = static_cast<char>(byte);
                const std::string rest = good + good + good; // so many bytes follow that the fast loop takes the line
                ns_trace_parser fast{}, slow{};
                const Trace got = parse(good + line + rest, fast);
                const Trace expected = parse(good + line, slow, 3); // pieces too short for the fast loop
                SCOPED_TRACE(line);
                EXPECT_EQ(fast.error.line, slow.error.line);
                EXPECT_EQ(fast.error.column, slow.error.column);
                EXPECT_STREQ(fast.error.text, slow.error.text);
                if (slow.error.line != 0)
                    continue;
                ASSERT_EQ(expected.address.size(), 2u + (slow.lines > 0 && expected.address.size() == 3));
                for (size_t i = 0; i < expected.address.size(); i++) {
                    EXPECT_EQ(got.address[i], expected.address[i]);
                    EXPECT_EQ(got.what[i], expected.what[i]);
                }
            }
        }
    }
}

TEST(BadTrace, LenientSkipsAndCountsAndKeepsTheFirstError) {
    ns_trace_parser parser{};
    parser.lenient = true;
    const Trace got = parse("garbage\nr 10 4\nr 10 0\nw 20 8\nnonsense\nr 30 4\n", parser);
    EXPECT_TRUE(ns_trace_finish(&parser));
    EXPECT_EQ(got.address, (std::vector<uint64_t>{0x10, 0x20, 0x30}));
    EXPECT_EQ(parser.skipped, 3u);
    EXPECT_EQ(parser.error.line, 1u);
    EXPECT_EQ(parser.lines, 6u);
}

TEST(BadTrace, AnEndlessLineIsAnErrorAndNotABufferThatGrows) {
    ns_trace_parser parser{};
    parse("r 10 4\n" + std::string(200000, 'r'), parser, 1u << 20);
    EXPECT_FALSE(ns_trace_finish(&parser));
    EXPECT_EQ(parser.error.line, 2u);
    EXPECT_NE(std::string(parser.error.text).find("longer than 64 KiB"), std::string::npos);
}

} // namespace
