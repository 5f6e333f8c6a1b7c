/* SPDX-License-Identifier: Apache-2.0 */
/* What a message looks like on a terminal: scenarios/diagnostic.h shows the shape. */
#include "parsed.h"

#include <gtest/gtest.h>

namespace {

std::string first(const std::string &text) {
    Parsed parsed(text);
    return parsed.diagnostics().count > 0 ? parsed.formatted(0) : "";
}

TEST(Diagnostic, ShowsPlaceLineCaretAndSuggestion) {
    EXPECT_EQ("error: no buffer is called `rxx`\n"
              " --> test.dma:8:14\n"
              "  |\n"
              "8 | cpu0: load   rxx[0..4]\n"
              "  |              ^^^\n"
              "  = did you mean `rx`?\n",
              first(with_prelude("cpu0: load   rxx[0..4]\n")));
    EXPECT_EQ("error: `fill` is at most 255, not 256\n"
              "  --> test.dma:10:21\n"
              "   |\n"
              "10 | cpu0: store rx fill 256\n"
              "   |                     ^^^\n",
              first(with_prelude("\n\ncpu0: store rx fill 256\n")));
}

TEST(Diagnostic, AMessageAboutTheWholeFileHasNoLine) {
    EXPECT_EQ("error: this scenario uses no machine\n"
              "  --> test.dma\n"
              "  = such as `use machine \"one-core-wb64\"`\n",
              first("buffer rx size 4\n"));
}

TEST(Diagnostic, TheEndOfALineHasACaretBehindIt) {
    EXPECT_EQ("error: `size` needs a number\n"
              " --> test.dma:2:14\n"
              "  |\n"
              "2 | buffer b size   # how much?\n"
              "  |              ^\n",
              first("use machine \"one-core-wb64\"\nbuffer b size   # how much?\n"));
}

TEST(Diagnostic, TabsAreOneColumnAndBadBytesAQuestionMark) {
    EXPECT_EQ("error: no buffer is called `x`\n"
              " --> test.dma:8:13\n"
              "  |\n"
              "8 |  cpu0: load x\n"
              "  |             ^\n"
              "  = did you mean `rx`?\n",
              first(with_prelude("\tcpu0:\tload x\n")));
    EXPECT_EQ("error: this is not valid UTF-8\n"
              " --> test.dma:2:5\n"
              "  |\n"
              "2 | # \xc3\xbc?\xe2\x82\xac ??[\n"
              "  |    ^\n",
              first("use machine \"one-core-wb64\"\n# \xc3\xbc\xff\xe2\x82\xac \x1b\x7f[\n"));
}

TEST(Diagnostic, CharactersThatTurnTheReadingDirectionAreHidden) {
    std::string shown = first(with_prelude("cpu0: load y # \xe2\x80\xae right to left\n"));
    EXPECT_NE(std::string::npos, shown.find("cpu0: load y # ? right to left\n"));
}

TEST(Diagnostic, LongLinesAreCutAroundTheCaret) {
    std::string line = "cpu0: load yy # " + std::string(200, 'c');
    std::string shown = first(with_prelude(line + "\n"));
    EXPECT_NE(std::string::npos, shown.find("8 | " + line.substr(0, 97) + "...\n")) << shown;

    line = std::string(150, ' ') + "cpu0: load yy " + std::string(200, ' ') + "# c";
    shown = first(with_prelude(line + "\n"));
    std::istringstream stream(shown);
    std::vector<std::string> lines;
    for (std::string text; std::getline(stream, text);) {
        lines.push_back(text);
    }
    ASSERT_GE(lines.size(), 5u);
    EXPECT_EQ(4u + 100u, lines[3].size());
    EXPECT_EQ("8 | ...", lines[3].substr(0, 7));
    EXPECT_EQ("...", lines[3].substr(lines[3].size() - 3));
    EXPECT_EQ(lines[3].find("yy"), lines[4].find("^^"));

    line = std::string(300, ' ') + "cpu0: load yy";
    shown = first(with_prelude(line + "\n"));
    EXPECT_NE(std::string::npos, shown.find("cpu0: load yy\n")) << "the end is shown without dots";
}

TEST(Diagnostic, NamesOfFilesAreShownSafely) {
    Parsed parsed("x\n", "a\x1b[2Jb.dma");
    EXPECT_NE(std::string::npos, parsed.formatted(0).find("--> a?[2Jb.dma:1:1\n"));
}

TEST(Diagnostic, FormattingSaysHowMuchRoomItNeeds) {
    Parsed parsed("x\n");
    char buffer[16];
    std::memset(buffer, 'z', sizeof buffer);
    size_t needed = ns_diagnostic_format(&parsed.diagnostics(), 0, buffer, 8);
    EXPECT_EQ(parsed.formatted(0).size(), needed);
    EXPECT_STREQ("error: ", buffer);
    EXPECT_EQ('z', buffer[8]) << "nothing is written behind the buffer";
}

TEST(Diagnostic, OfTwoMessagesAboutOnePlaceTheFirstStays) {
    ns_diagnostics list;
    ns_diagnostics_init(&list);
    ASSERT_TRUE(ns_diagnostics_set_file(&list, "f", "text", 4));
    ASSERT_TRUE(ns_diagnostics_add(&list, 1, 2, 1, "first", nullptr));
    ASSERT_TRUE(ns_diagnostics_add(&list, 1, 2, 1, "second", "hint"));
    ASSERT_TRUE(ns_diagnostics_add(&list, 1, 1, 1, "before", nullptr));
    ASSERT_EQ(2u, list.count);
    EXPECT_STREQ("before", list.entry[0].message);
    EXPECT_STREQ("first", list.entry[1].message);
    ns_diagnostics_release(&list);
}

} // namespace
