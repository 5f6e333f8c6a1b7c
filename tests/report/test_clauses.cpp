// SPDX-License-Identifier: Apache-2.0
// A summary in lines of the terminal: behind a clause where one fits, behind a word where it does not.
#include "report/buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace {

std::string wrapped(const std::string &text, size_t at, size_t width) {
    ns_buffer out = {};
    ns_buffer_wrap_clauses(&out, text.c_str(), at, width);
    std::string got(out.data, out.length);
    ns_buffer_release(&out);
    return got;
}

TEST(Clauses, ThatFitStayOnOneLine) {
    EXPECT_EQ(wrapped(": one; two", 5, 15), ": one; two\n");
}

TEST(Clauses, ThatDoNotFitBeginALineOfTheirOwnTwoColumnsIn) {
    EXPECT_EQ(wrapped(": one; two", 6, 15), ": one;\n  two\n");
    EXPECT_EQ(wrapped("aaaa bbbb; cc dd; ee", 0, 12), "aaaa bbbb;\n  cc dd; ee\n");
}

TEST(Clauses, LongerThanALineAreBrokenBetweenWords) {
    EXPECT_EQ(wrapped("aaaa bbbb cccc; dd", 0, 10), "aaaa bbbb\n  cccc; dd\n");
    EXPECT_EQ(wrapped("a; bbbb cccc dddd", 0, 10), "a;\n  bbbb\n  cccc\n  dddd\n");
}

TEST(Clauses, WithAWordLongerThanALineLoseNothing) {
    EXPECT_EQ(wrapped("aaaaaaaaaaaa; b", 0, 8), "aaaaaaaaaaaa;\n  b\n");
    EXPECT_EQ(wrapped("a; bbbbbbbbbbbb", 0, 8), "a;\n  bbbbbbbbbbbb\n");
}

} // namespace
