/* SPDX-License-Identifier: Apache-2.0 */
/* Both syntax files know every word of the language: those of the grammar, and those that shipped files use. */
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <jansson.h>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

std::string read_file(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::string between(const std::string &text, const std::string &first, const std::string &last) {
    size_t from = text.find(first), to = text.find(last, from + first.size());
    EXPECT_NE(std::string::npos, from);
    EXPECT_NE(std::string::npos, to);
    return text.substr(from, to - from);
}

void add_matches(const std::string &text, const char *pattern, std::set<std::string> &words) {
    const std::regex expression(pattern);
    for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) {
        words.insert((*at)[1].str());
    }
}

/* The quoted words of the grammar; the first words of the rows of the tables of machine parameters. */
std::set<std::string> language_words() {
    std::string manual = read_file(NS_SOURCE_DIR "/docs/language.md");
    std::set<std::string> words;
    add_matches(between(manual, "```ebnf", "\n```"), "\"([a-z][A-Za-z0-9.-]*)\"", words);
    for (const char *none : {"cpu"}) { /* part of cpu0 */
        words.erase(none);
    }
    EXPECT_GE(words.size(), 170u);
    std::set<std::string> parameters;
    add_matches(between(manual, "## Machine blocks", "\n## Limits"), "\n\\| `([a-z][a-z-]*)", parameters);
    EXPECT_GE(parameters.size(), 35u);
    words.insert(parameters.begin(), parameters.end());
    return words;
}

/* Whatever the parser compares a word of a machine block with. */
std::set<std::string> parser_words() {
    std::set<std::string> words;
    for (const auto &entry : std::filesystem::directory_iterator(NS_SOURCE_DIR "/scenarios")) {
        std::string name = entry.path().filename().string();
        if (name.rfind("parser", 0) == 0 || name.rfind("machine_", 0) == 0) {
            add_matches(read_file(entry.path().string()), "\\{\"([a-z][a-z0-9.-]*)\",", words); /* tables */
            add_matches(read_file(entry.path().string()), "accept_word\\([a-z]+, \"([a-z][a-z0-9.-]*)\"\\)", words);
            add_matches(read_file(entry.path().string()),
                        "token_is\\([^()]*(?:\\([^()]*\\))?, \"([a-z][a-z0-9.-]*)\"\\)", words);
        }
    }
    EXPECT_GE(words.size(), 80u);
    return words;
}

std::set<std::string> vim_words() {
    std::set<std::string> words;
    std::istringstream lines(read_file(NS_SOURCE_DIR "/editors/vim/syntax/nosnoop.vim"));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream parts(line);
        std::string syn, keyword, group, word;
        if (parts >> syn >> keyword >> group && syn == "syn" && keyword == "keyword" && group != "nosnoopTodo") {
            while (parts >> word) {
                EXPECT_TRUE(words.insert(word).second) << word << " is in two groups";
            }
        }
    }
    return words;
}

std::set<std::string> textmate_words() {
    std::set<std::string> words;
    json_t *grammar = json_load_file(NS_SOURCE_DIR "/editors/nosnoop.tmLanguage.json", 0, nullptr);
    EXPECT_NE(nullptr, grammar);
    size_t index;
    json_t *pattern;
    json_array_foreach(json_object_get(grammar, "patterns"), index, pattern) {
        std::string match = json_string_value(json_object_get(pattern, "match"));
        const std::string start = "(?<![A-Za-z0-9_.-])(?:";
        if (match.rfind(start, 0) == 0) {
            std::istringstream parts(match.substr(start.size(), match.find(')', start.size()) - start.size()));
            for (std::string word; std::getline(parts, word, '|');) {
                word.erase(std::remove(word.begin(), word.end(), '\\'), word.end());
                EXPECT_TRUE(words.insert(word).second) << word << " is in two patterns";
            }
        }
    }
    json_decref(grammar);
    return words;
}

TEST(Editors, VimKnowsEveryWordOfTheLanguage) {
    std::set<std::string> known = vim_words();
    for (const std::string &word : language_words()) {
        EXPECT_EQ(1u, known.count(word)) << word;
    }
    for (const std::string &word : parser_words()) {
        EXPECT_EQ(1u, known.count(word)) << word;
    }
}

TEST(Editors, TheTextMateGrammarHasTheSameWords) {
    EXPECT_EQ(vim_words(), textmate_words());
}

} // namespace
