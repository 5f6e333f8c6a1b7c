/* SPDX-License-Identifier: Apache-2.0 */
/* Every example of the manual, and every shipped machine, is what the parser accepts. */
#include "parsed.h"

#include <cctype>
#include <gtest/gtest.h>

namespace {

struct Example {
    size_t line;
    std::string text;
};

std::vector<Example> examples(const std::string &markdown, const std::string &language) {
    std::vector<Example> found;
    std::istringstream stream(markdown);
    std::string line;
    bool inside = false;
    for (size_t number = 1; std::getline(stream, line); number++) {
        if (!inside && line == "```" + language) {
            inside = true;
            found.push_back({number, ""});
        } else if (inside && line == "```") {
            inside = false;
        } else if (inside) {
            found.back().text += line + "\n";
        }
    }
    EXPECT_FALSE(inside) << "an example has no end";
    return found;
}

std::string manual() {
    return read_file(NS_SOURCE_DIR "/docs/language.md");
}

TEST(Examples, EveryScenarioOfTheManualParses) {
    std::vector<Example> found = examples(manual(), "dma");
    EXPECT_GE(found.size(), 5u);
    for (const Example &example : found) {
        SCOPED_TRACE("docs/language.md:" + std::to_string(example.line));
        Parsed parsed(example.text);
        EXPECT_EQ("", parsed.errors());
    }
}

TEST(Examples, EveryScenarioOfTheChapterOnDmaMemoryParses) {
    std::vector<Example> found = examples(read_file(NS_SOURCE_DIR "/docs/linux-dma-memory.md"), "dma");
    EXPECT_GE(found.size(), 2u);
    for (const Example &example : found) {
        SCOPED_TRACE("docs/linux-dma-memory.md:" + std::to_string(example.line));
        Parsed parsed(example.text);
        EXPECT_EQ("", parsed.errors());
    }
}

/* The manual says so: a fragment stands behind the declarations of its section "Fragments". */
TEST(Examples, EveryFragmentOfTheManualParsesBehindItsDeclarations) {
    std::vector<Example> scenarios = examples(manual(), "dma"), fragments = examples(manual(), "dma-fragment");
    std::string declarations;
    for (const Example &scenario : scenarios) {
        if (scenario.text.rfind("# Declarations of all fragments", 0) == 0) {
            declarations = scenario.text;
        }
    }
    ASSERT_NE("", declarations);
    EXPECT_GE(fragments.size(), 10u);
    for (const Example &fragment : fragments) {
        SCOPED_TRACE("docs/language.md:" + std::to_string(fragment.line));
        Parsed parsed(declarations + fragment.text);
        EXPECT_EQ("", parsed.errors());
    }
}

bool has_word(const std::string &text, const std::string &word) {
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        bool starts = at == 0 || !std::isalnum(static_cast<unsigned char>(text[at - 1]));
        bool ends =
            at + word.size() >= text.size() || !std::isalnum(static_cast<unsigned char>(text[at + word.size()]));
        if (starts && ends) {
            return true;
        }
    }
    return false;
}

/* No verb, option or parameter exists without a word about it: each literal of the grammar occurs outside of it, too.
 */
TEST(Examples, EveryWordOfTheGrammarIsExplained) {
    std::string text = manual(), prose;
    std::vector<Example> grammars = examples(text, "ebnf");
    ASSERT_EQ(2u, grammars.size());
    std::string grammar = grammars[0].text + grammars[1].text;
    prose = text;
    for (const Example &part : grammars) {
        size_t at = prose.find(part.text);
        ASSERT_NE(std::string::npos, at);
        prose.erase(at, part.text.size());
    }
    for (size_t at = grammar.find('"'); at != std::string::npos;) {
        size_t end = grammar.find('"', at + 1);
        ASSERT_NE(std::string::npos, end);
        std::string word = grammar.substr(at + 1, end - at - 1);
        EXPECT_TRUE(!std::isalpha(static_cast<unsigned char>(word[0])) || has_word(prose, word))
            << "`" << word << "` is only in the grammar";
        at = grammar.find('"', end + 1);
    }
}

TEST(Examples, TheTeachingMachineIsAFileOfItsOwn) {
    Parsed parsed(read_file(NS_SOURCE_DIR "/scenarios/machines/one-core-wb64.dma"), "machines/one-core-wb64.dma");
    ASSERT_EQ("", parsed.errors());
    EXPECT_STREQ("one-core-wb64", parsed->machine_name);
    EXPECT_EQ(0u, parsed->step_count);
}

/* The values that the manual promises for `use machine "one-core-wb64"`. */
TEST(Examples, TheTeachingMachineIsAsTheManualSays) {
    Parsed parsed("use machine \"one-core-wb64\"\n");
    ASSERT_EQ("", parsed.errors());
    const ns_machine_config &machine = parsed->machine;
    EXPECT_EQ(1u, machine.cache.harts);
    EXPECT_EQ(1000u, machine.hart_clock_ps);
    ASSERT_EQ(2u, machine.cache.levels);
    EXPECT_STREQ("L1D", machine.level_name[0]);
    EXPECT_EQ(32u << 10, machine.cache.level[0].size);
    EXPECT_EQ(4u, machine.cache.level[0].ways);
    EXPECT_EQ(64u, machine.cache.level[0].line);
    EXPECT_EQ(2u, machine.level_hit_cycles[0]);
    EXPECT_STREQ("L2", machine.level_name[1]);
    EXPECT_EQ(256u << 10, machine.cache.level[1].size);
    EXPECT_EQ(8u, machine.cache.level[1].ways);
    EXPECT_EQ(10u, machine.level_hit_cycles[1]);
    EXPECT_EQ(NS_INCLUSION_NEITHER, machine.cache.inclusion);
    EXPECT_EQ(NS_FILL_ATOMIC, machine.cache.fill);
    EXPECT_EQ(0u, machine.cache.late_write_backs);
    EXPECT_EQ(NS_ATTRIBUTES_SVPBMT, machine.attributes);
    EXPECT_EQ(16u, machine.store_buffer_entries);
    EXPECT_EQ(NS_DRAIN_LAZY, machine.store_buffer_drain);
    EXPECT_EQ(0u, machine.posted_entries);
    EXPECT_EQ(NS_DMA_OPS_TEXTBOOK, machine.dma_operations);
    ASSERT_EQ(2u, machine.ram_count);
    EXPECT_EQ(UINT64_C(0x80000000), machine.ram[0].start);
    EXPECT_EQ(UINT64_C(0x100000000), machine.ram[1].start);
    EXPECT_EQ(UINT64_C(256) << 20, machine.ram[1].length);
    EXPECT_EQ(unsigned(NS_MAY_SPECULATIVE_FILL | NS_MAY_EVICT | NS_MAY_DRAIN), machine.may);
}

} // namespace
