// SPDX-License-Identifier: Apache-2.0
// Lines that are no accesses, and ends of lines: what valgrind writes of its own, and carriage returns.
#include "support.h"

namespace {

std::vector<uint64_t> addresses(const std::string &text, ns_trace_parser &parser) {
    return parse(text, parser, 7, 4).address;
}

// Valgrind begins what it says itself with ==PID==, what its core says with --PID--, and what the program prints
// through it (VALGRIND_PRINTF) with **PID**: valgrind's manual, "The Commentary", and "The Client Request mechanism".
TEST(TraceLines, OfValgrindItselfAreHeadersWhicheverComesFirst) {
    for (const char *first : {"==12== Lackey\n", "--12-- warning: unhandled syscall: 999\n", "**12** hello\n"}) {
        SCOPED_TRACE(first);
        ns_trace_parser parser{};
        const std::string text =
            std::string(first) + "--12--\n L 1000,8\n**12** a r w\n--12-- Reading syms\n S 2000,4\n";
        EXPECT_EQ(addresses(text, parser), (std::vector<uint64_t>{0x1000, 0x2000}));
        EXPECT_EQ(parser.format, NS_TRACE_LACKEY);
        EXPECT_TRUE(ns_trace_finish(&parser)) << parser.error.text;
    }
}

TEST(TraceLines, WithDashesOrStarsAndNoProcessAreNotValgrinds) {
    for (const char *wrong : {"----\n", "--x12--\n", "--12-\n", "**12\n", "--\n", "*12*\n"}) {
        SCOPED_TRACE(wrong);
        ns_trace_parser first{}, later{};
        (void)addresses(std::string(wrong) + " L 1000,8\n", first);
        EXPECT_FALSE(ns_trace_finish(&first));
        EXPECT_EQ(first.error.line, 1u);
        (void)addresses(std::string(" L 1000,8\n") + wrong, later);
        EXPECT_FALSE(ns_trace_finish(&later));
        EXPECT_EQ(later.error.line, 2u);
    }
}

// In din and extended din the rest of such a line would be a comment, and all accesses but the first be lost.
TEST(TraceLines, ThatEndWithACarriageReturnAloneAreRefusedAtIt) {
    for (const char *text : {"0 10\r1 20\r", "r 10 4\rw 20 4\r", " L 10,4\r S 20,4\r", "r 10 4\r\rw 20 4\n"}) {
        SCOPED_TRACE(text);
        ns_trace_parser parser{};
        EXPECT_TRUE(addresses(text, parser).empty());
        EXPECT_FALSE(ns_trace_finish(&parser));
        EXPECT_EQ(parser.error.line, 1u);
        EXPECT_EQ(parser.error.column, std::string(text).find('\r') + 1);
        EXPECT_NE(std::string(parser.error.text).find("carriage return"), std::string::npos) << parser.error.text;
    }
}

TEST(TraceLines, ThatEndWithACarriageReturnAndANewlineAreRead) {
    for (const char *text : {"0 10\r\n1 20\r\n", "r 10 4\r\nw 20 4\r", "==1== x\r\n L 10,4\r\r\n S 20,4\r\n"}) {
        SCOPED_TRACE(text);
        ns_trace_parser parser{};
        EXPECT_EQ(addresses(text, parser), (std::vector<uint64_t>{0x10, 0x20}));
        EXPECT_TRUE(ns_trace_finish(&parser)) << parser.error.text;
    }
}

} // namespace
