/* SPDX-License-Identifier: Apache-2.0 */
/* What a bad file is told: place and sentence, all errors at once, and nothing that only follows from another error. */
#include "parsed.h"

#include <gtest/gtest.h>

namespace {

struct Row {
    const char *text;     /* from line 8 on, behind the prelude of parsed.h; `^` marks the places of messages */
    const char *messages; /* one a line */
};

const Row rows[] = {
#include "errors_table.inc"
};

/* The text without its marks, and the places of these as "line:column". */
std::string take_marks(const std::string &marked, std::vector<std::string> *places) {
    std::string text;
    size_t line = 8, column = 1;
    for (char byte : marked) {
        if (byte == '^') {
            places->push_back(std::to_string(line) + ":" + std::to_string(column));
            continue;
        }
        text += byte;
        line += byte == '\n';
        column = byte == '\n' ? 1 : column + 1;
    }
    return text;
}

TEST(Errors, EachHasItsPlaceAndSentence) {
    for (const Row &row : rows) {
        SCOPED_TRACE(row.text);
        std::vector<std::string> places;
        std::string text = take_marks(row.text, &places), expected, message;
        std::istringstream messages(row.messages);
        for (size_t i = 0; std::getline(messages, message); i++) {
            ASSERT_LT(i, places.size());
            expected += places[i] + " " + message + "\n";
        }
        ASSERT_FALSE(places.empty());
        EXPECT_EQ(expected, Parsed(with_prelude(text)).errors());
    }
    EXPECT_GE(sizeof rows / sizeof rows[0], 60u);
}

/* The sentence is the cache room's; the place is the machine's name. */
TEST(Errors, AMachineThatCannotBeBuiltIsToldAtItsName) {
    Parsed parsed(with_prelude("machine \"m\"\ncache L1D private size 33K ways 4 line 64\nend\n"));
    ASSERT_EQ(1u, parsed.diagnostics().count);
    EXPECT_EQ(0u, parsed.errors().find("8:9 ")) << parsed.errors();
    EXPECT_NE(nullptr, std::strstr(parsed.diagnostics().entry[0].message, "33792")) << "the size that was written";
}

TEST(Errors, AScenarioNeedsAMachine) {
    const char *const expected = "0:1 this scenario uses no machine [such as `use machine \"one-core-wb64\"`]\n";
    EXPECT_EQ(expected, Parsed("buffer rx size 4\n").errors());
    EXPECT_EQ(expected, Parsed("").errors());
    EXPECT_EQ("1:13 no machine is called `one-core-wb46` [did you mean `one-core-wb64`?]\n",
              Parsed("use machine \"one-core-wb46\"\n").errors());
    EXPECT_EQ("1:13 no machine is called `z` [there are `one-core-wb64`]\n", Parsed("use machine \"z\"\n").errors());
    EXPECT_EQ("1:5 a machine is chosen with `use machine \"NAME\"`\n", Parsed("use \"one-core-wb64\"\n").errors());
    EXPECT_EQ("1:13 the name of a machine stands in quotes: `use machine \"NAME\"`\n",
              Parsed("use machine one-core-wb64\n").errors());
}

TEST(Errors, AnotherVersionStopsEverythingElse) {
    EXPECT_EQ("1:9 this is version 2 of the language; only version 1 is known\n",
              Parsed("version 2\nfoo\nbar\n").errors());
    EXPECT_EQ("2:1 `version` is the first statement of a file\n",
              Parsed("use machine \"one-core-wb64\"\nversion 1\n").errors());
}

TEST(Errors, AllOfAFileComeAtOnceInItsOrder) {
    Parsed parsed(with_prelude("final r == 1\n"       /* 8: no step writes r */
                               "cpu0: load nowhere\n" /* 9 */
                               "buffer b\n"           /* 10 */
                               "order sideways\n"     /* 11 */
                               "nic: load rx\n"       /* 12 */
                               "machine \"m\"\n"      /* 13 */
                               "  harts 9\n"          /* 14 */
                               "end\n"));
    std::vector<uint32_t> lines;
    for (size_t i = 0; i < parsed.diagnostics().count; i++) {
        lines.push_back(parsed.diagnostics().entry[i].line);
    }
    EXPECT_EQ((std::vector<uint32_t>{8, 9, 10, 11, 12, 14}), lines);
}

/* The line of each declaration is wrong; every use of what it would have declared stays silent. */
TEST(Errors, NothingFollowsFromANameThatWasDeclaredBadly) {
    const struct {
        const char *declaration, *uses;
    } silent[] = {
        {"buffer b size",
         "cpu0: load b[0..4] -> r\nfinal r == 1\nfinal memory b[0..4] == 1\nalias c of b type nc\ncpu0: load c"},
        {"buffer b size 17M", "cpu0: load b[0..4]"},
        {"bufer b size 4", "cpu0: load b"},
        {"buffer b size 4 junk 9", "cpu0: load b"},
        {"buffer rx size 4", "cpu0: load rx[0..64]"},
        {"buffer b size 0x", "nic: write b fill 1"},
        {"device d dma-bits 99 irq a", "d: raise a\ncpu0: wait a\ncpu0: doorbell d\nhw: drain d"},
        {"device d dma-bits irq a", "d: raise a\ncpu0: wait a"},
        {"devise d irq a", "d: write rx fill 1"},
        {"struct s\nu32 a\nu23 b\nu8 c", "cpu0: load s.c\ncpu0: load s.nothing"},
        {"strukt s\nu32 a\nend", "cpu0: load s.a"},
        {"struct s count 0\nu32 a", "cpu0: load s.a"},
        {"struct s\n$ x\nu32 a\nend", "cpu0: load s.a"},
        {"pool p buffers 0", "cpu0: alloc p -> x\ncpu0: load x\ncpu0: free x"},
        {"alias a of nowhere type nc", "cpu0: load a"},
        {"cpu0: load nowhere -> r", "cpu0: store rx[0..4] = r\nfinal r == 1"},
        {"cpu0: laod rx -> r", "final r == 1"},
        {"cpu0 load rx -> r", "final r == 1"},
        {"nobody: read rx -> r", "final r == 1"},
        {"cpu0: load rx[0..4 -> r", "final r == 1"},
        {"cpu0: load rx[0..4] $ -> r", "final r == 1"},
        {"cpu0: map rx for nic -> h", "cpu0: unmap h\nnic: write h fill 1"},
        {"cpu0: load rx[0..4] -> r expect NO-SUCH", "final r == 1"},
        {"cpu7: load rx[0..4] -> r", "final r == 1"},
        {"repeat 0\ncpu0: fence", "end"},
        {"repaet 3\ncpu0: fence", "end"},
        {"repeat 3\ncpu0: fence\nfinal memory tx fill 1", "end"},
        {"machin \"m\"\nharts 1", "end"},
    };
    for (const auto &row : silent) {
        SCOPED_TRACE(std::string(row.declaration) + "\n" + row.uses);
        Parsed parsed(with_prelude(std::string(row.declaration) + "\n" + row.uses + "\n"));
        EXPECT_EQ(1u, parsed.diagnostics().count) << parsed.errors();
    }
}

TEST(Errors, AMachineWithAnErrorSilencesWhatDependsOnIt) {
    Parsed parsed("use machine \"m\"\nmachine \"m\"\nharts many\nend\nbuffer rx size 4 zone dma\n"
                  "cpu3: load rx\nfinal cache L9 cpu3 rx absent\n");
    EXPECT_EQ("3:7 `harts` needs a number\n", parsed.errors());
}

TEST(Errors, AtMostFiftyAndAClosingMessage) {
    std::string text = "use machine \"one-core-wb64\"\n";
    for (int i = 0; i < 50; i++) {
        text += "cpu0: load nowhere\n";
    }
    EXPECT_EQ(50u, Parsed(text).diagnostics().count);
    for (int i = 0; i < 1000; i++) {
        text += "cpu0: load nowhere\n";
    }
    Parsed parsed(text);
    ASSERT_EQ(51u, parsed.diagnostics().count);
    for (uint32_t i = 0; i < 50; i++) {
        EXPECT_EQ(i + 2, parsed.diagnostics().entry[i].line);
    }
    EXPECT_EQ(0u, parsed.diagnostics().entry[50].line);
    EXPECT_STREQ("there are more errors; only the first 50 are shown", parsed.diagnostics().entry[50].message);
}

TEST(Errors, TheFirstFiftyAreKeptWhateverPassFindsThem) {
    std::string text = "use machine \"one-core-wb64\"\n";
    for (int i = 0; i < 30; i++) {
        text += "final memory nowhere fill 1\n"; /* found last */
    }
    for (int i = 0; i < 60; i++) {
        text += "buffer b" + std::to_string(i) + "\n"; /* found first */
    }
    Parsed parsed(text);
    ASSERT_EQ(51u, parsed.diagnostics().count);
    for (uint32_t i = 0; i < 50; i++) {
        EXPECT_EQ(i + 2, parsed.diagnostics().entry[i].line);
    }
}

} // namespace
