// SPDX-License-Identifier: Apache-2.0
#include "report/format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace {

std::string take(ns_buffer &buffer) {
    std::string text = buffer.data != nullptr ? std::string(buffer.data, buffer.length) : "";
    ns_buffer_release(&buffer);
    return text;
}

TEST(Format, AddressesHaveEightDigitsOrMoreInGroupsOfFour) {
    const struct {
        uint64_t address;
        const char *text;
    } table[] = {
        {0, "0x0000_0000"},
        {0x80000000, "0x8000_0000"},
        {0xffffffff, "0xffff_ffff"},
        {0x100000000, "0x0001_0000_0000"},
        {UINT64_C(0x00ffffffffffffff), "0x00ff_ffff_ffff_ffff"},
        {UINT64_MAX, "0xffff_ffff_ffff_ffff"},
    };
    for (const auto &row : table) {
        char text[NS_ADDRESS_TEXT];
        EXPECT_STREQ(ns_format_address(row.address, text), row.text);
    }
}

TEST(Format, TimesHaveThreeSignificantDigitsRoundedHalfUp) {
    const struct {
        uint64_t picoseconds;
        const char *text;
    } table[] = {
        {0, "0 ps"},
        {999, "999 ps"},
        {1000, "1.00 ns"},
        {1004, "1.00 ns"},
        {1005, "1.01 ns"},
        {1240000, "1.24 us"},
        {12340, "12.3 ns"},
        {12350, "12.4 ns"},
        {123456, "123 ns"},
        {9994, "9.99 ns"},
        {9995, "10.0 ns"},
        {99949, "99.9 ns"},
        {99950, "100 ns"},
        {999499, "999 ns"},
        {999500, "1.00 us"},
        {UINT64_C(1000000000000), "1.00 s"},
        {UINT64_C(3600000000000000), "3600 s"},
    };
    for (const auto &row : table) {
        char text[NS_TIME_TEXT];
        EXPECT_STREQ(ns_format_time(row.picoseconds, text), row.text) << row.picoseconds;
    }
    char text[NS_TIME_TEXT];
    EXPECT_STREQ(ns_format_time(UINT64_MAX, text), "18446744 s");
}

// What a hostile file holds never reaches the terminal as control codes.
TEST(Format, SourceLinesAreSafeForATerminal) {
    const struct {
        std::string raw, shown;
    } table[] = {
        {"plain", "plain"},
        {"a\tb", "a b"},
        {"\x1b[31m", "?[31m"},
        {std::string("a\0b", 3), "a?b"},
        {"\x7f", "?"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
        {"\xc2\x9b", "?"},            // C1 control sequence introducer
        {"\xc0\xaf", "??"},           // overlong
        {"\xed\xa0\x80", "???"},      // surrogate
        {"\xf4\x90\x80\x80", "????"}, // beyond U+10FFFF
        {"\xe2\x82", "??"},           // cut off
        {"\xff", "?"},
    };
    for (const auto &row : table) {
        ns_buffer out{};
        ns_format_source(&out, row.raw.data(), row.raw.size());
        EXPECT_EQ(take(out), row.shown);
    }
}

TEST(Format, FileNamesComeBackFromAShellUnchanged) {
    const struct {
        const char *name, *quoted;
    } table[] = {
        {"scenarios/bugs/x.dma", "scenarios/bugs/x.dma"},
        {"two words.dma", "'two words.dma'"},
        {"it's.dma", "'it'\\''s.dma'"},
        {"$(reboot).dma", "'$(reboot).dma'"},
        {"", "''"},
        {"~x", "'~x'"},
    };
    for (const auto &row : table) {
        ns_buffer out{};
        ns_format_shell(&out, row.name);
        EXPECT_EQ(take(out), row.quoted);
    }
}

TEST(Buffer, WrapsAtTheWidthAndNeverInsideACall) {
    ns_buffer out{};
    ns_buffer_wrap(&out, "aaa bbb ccc", 2, 2, 9);
    EXPECT_EQ(take(out), "aaa bbb\n  ccc\n");
    ns_buffer_wrap(&out, "see f(a, b) now", 0, 1, 8);
    EXPECT_EQ(take(out), "see\n f(a, b)\n now\n");
    ns_buffer_wrap(&out, "averylongword x", 0, 0, 4);
    EXPECT_EQ(take(out), "averylongword\nx\n");
    ns_buffer_wrap(&out, "aaa bbbb", 0, 0, 8); // fills the line exactly
    EXPECT_EQ(take(out), "aaa bbbb\n");
    ns_buffer_wrap(&out, "aaa bbbb", 0, 0, 7);
    EXPECT_EQ(take(out), "aaa\nbbbb\n");
    ns_buffer_wrap(&out, "", 0, 0, 4);
    EXPECT_EQ(take(out), "\n");
}

} // namespace
