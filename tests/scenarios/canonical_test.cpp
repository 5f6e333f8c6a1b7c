/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical layout: it keeps every word and comment, a second time changes nothing, and shipped files have it. */
#include "scenarios/canonical.h"

#include "parsed.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>

namespace {

std::string layout(const std::string &text) {
    size_t length = 0;
    char *formatted = ns_canonical_layout(text.data(), text.size(), &length);
    EXPECT_NE(nullptr, formatted);
    std::string result(formatted != nullptr ? formatted : "", formatted != nullptr ? length : 0);
    std::free(formatted);
    return result;
}

std::vector<std::string> shipped_files() {
    std::vector<std::string> files;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(NS_SOURCE_DIR "/scenarios")) {
        if (entry.path().extension() == ".dma") {
            files.push_back(entry.path().string());
        }
    }
    std::sort(files.begin(), files.end());
    EXPECT_GE(files.size(), 170u);
    return files;
}

Presets shipped_machines() {
    Presets machines;
    for (const auto &entry : std::filesystem::directory_iterator(NS_SOURCE_DIR "/scenarios/machines"))
        machines.add(entry.path().stem().string(), read_file(entry.path().string()));
    return machines;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

/* Where the comment of a line starts; its length without one. A `#` inside of quotes starts none. */
size_t comment_start(const std::string &line) {
    bool quoted = false;
    for (size_t i = 0; i < line.size(); i++) {
        quoted = quoted != (line[i] == '"');
        if (line[i] == '#' && !quoted) {
            return i;
        }
    }
    return line.size();
}

/* A line without the blanks outside of quotes and comments: written without the lexer, so that it can disagree. */
std::string bare(const std::string &line) {
    std::string result;
    size_t comment = comment_start(line);
    bool quoted = false;
    for (size_t i = 0; i < comment; i++) {
        quoted = quoted != (line[i] == '"');
        if (quoted || (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')) {
            result += line[i];
        }
    }
    result += line.substr(comment);
    while (!result.empty() && std::isspace(static_cast<unsigned char>(result.back()))) {
        result.pop_back();
    }
    return result;
}

std::vector<std::string> bare_lines(const std::string &text) {
    std::vector<std::string> result;
    for (const std::string &line : lines_of(text)) {
        if (std::string words = bare(line); !words.empty()) {
            result.push_back(words);
        }
    }
    return result;
}

/* What two parses of one program agree in, whatever the columns are. */
void expect_same_program(const std::string &one, const std::string &other) {
    const Presets machines = shipped_machines();
    Parsed a(one, "test.dma", machines), b(other, "test.dma", machines);
    ASSERT_EQ("", a.errors());
    ASSERT_EQ("", b.errors());
    EXPECT_STREQ(a->name, b->name);
    ASSERT_EQ(a->step_count, b->step_count);
    ASSERT_EQ(a->written_count, b->written_count);
    ASSERT_EQ(a->judgement_count, b->judgement_count);
    ASSERT_EQ(a->object_count, b->object_count);
    for (size_t i = 0; i < a->written_count; i++) {
        EXPECT_EQ(a->written[i].verb, b->written[i].verb);
        EXPECT_EQ(a->written[i].actor, b->written[i].actor);
        EXPECT_EQ(a->written[i].expect_count, b->written[i].expect_count);
    }
    for (size_t i = 0; i < a->object_count; i++) {
        EXPECT_EQ(a->objects[i].address, b->objects[i].address);
        EXPECT_EQ(a->objects[i].size, b->objects[i].size);
    }
}

class Random {
  public:
    Random() {
        const char *text = std::getenv("NS_TEST_SEED");
        seed_ = text != nullptr ? std::strtoull(text, nullptr, 0) : std::random_device()();
        engine_.seed(seed_);
    }
    std::string trace() const { return "NS_TEST_SEED=" + std::to_string(seed_); }
    size_t below(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(engine_); }
    std::string blanks(size_t least) {
        std::string result;
        for (size_t i = below(6) + least; i > 0; i--) {
            result += below(4) == 0 ? '\t' : ' ';
        }
        return result;
    }

  private:
    unsigned long long seed_;
    std::mt19937_64 engine_;
};

/* Other blanks where blanks may stand, other line ends, more blank lines; the place of comments on lines of their own
 * is part of the layout and stays. */
std::string shaken(const std::string &text, Random &random) {
    std::string result = random.below(4) == 0 ? "\xEF\xBB\xBF" : "";
    const std::string end = random.below(4) == 0 ? "\r\n" : "\n";
    for (const std::string &line : lines_of(text)) {
        size_t comment = comment_start(line), first = line.find_first_not_of(" \t");
        if (first != comment) {
            bool quoted = false;
            result += random.blanks(0);
            for (size_t i = first == std::string::npos ? 0 : first; i < comment; i++) {
                char byte = line[i];
                quoted = quoted != (byte == '"');
                if (!quoted && byte == ' ') {
                    result += i + 1 < comment && line[i + 1] == ' ' ? "" : random.blanks(1);
                } else if (!quoted && (byte == '[' || byte == ']' || byte == ',' || byte == ':')) {
                    bool dotted = byte == ']' && i + 1 < comment && line[i + 1] == '.';
                    result += random.blanks(0) + byte + (dotted ? "" : random.blanks(0));
                } else {
                    result += byte;
                }
            }
        } else {
            result += line.substr(0, first);
        }
        result += line.substr(comment) + random.blanks(0) + end;
        for (size_t more = first == std::string::npos ? random.below(3) : 0; more > 0; more--) {
            result += random.blanks(0) + end;
        }
    }
    return result;
}

TEST(Canonical, EveryShippedFileHasTheLayout) {
    for (const std::string &file : shipped_files()) {
        EXPECT_EQ(read_file(file), layout(read_file(file))) << "nosnoop fmt " << file;
    }
}

TEST(Canonical, ShakenFilesComeBackToTheSameTextAndTheSameProgram) {
    Random random;
    SCOPED_TRACE(random.trace());
    for (const std::string &file : shipped_files()) {
        SCOPED_TRACE(file);
        std::string text = read_file(file), other = shaken(text, random), formatted = layout(other);
        ASSERT_EQ("", Parsed(other, "test.dma", shipped_machines()).errors());
        EXPECT_EQ(layout(text), formatted);
        EXPECT_EQ(bare_lines(text), bare_lines(formatted));
        EXPECT_TRUE(ns_canonical_same(other.data(), other.size(), formatted.data(), formatted.size()));
        expect_same_program(other, formatted);
    }
}

/* Whole lines taken out, doubled or moved: mostly still scenarios, with other columns. */
TEST(Canonical, ASecondTimeChangesNothing) {
    Random random;
    SCOPED_TRACE(random.trace());
    size_t scenarios = 0;
    for (const std::string &file : shipped_files()) {
        SCOPED_TRACE(file);
        for (int round = 0; round < 8; round++) {
            std::vector<std::string> lines = lines_of(shaken(read_file(file), random));
            size_t at = random.below(lines.size());
            switch (random.below(3)) {
            case 0:
                lines.erase(lines.begin() + static_cast<long>(at));
                break;
            case 1:
                lines.insert(lines.begin() + static_cast<long>(at), lines[random.below(lines.size())]);
                break;
            default:
                lines[at] = random.blanks(0) + "# " + lines[at];
            }
            std::string text;
            for (const std::string &line : lines) {
                text += line + "\n";
            }
            std::string formatted = layout(text);
            if (Parsed(text, "text.dma", shipped_machines()).good()) {
                EXPECT_EQ(formatted, layout(formatted));
                scenarios++;
                EXPECT_TRUE(ns_canonical_same(text.data(), text.size(), formatted.data(), formatted.size()));
                EXPECT_EQ(bare_lines(text).size(), bare_lines(formatted).size());
                expect_same_program(text, formatted);
            }
        }
    }
    EXPECT_GE(scenarios, 300u);
}

TEST(Canonical, HostileBytesAreLaidOutWithoutHarm) {
    Random random;
    SCOPED_TRACE(random.trace());
    std::vector<std::string> files = shipped_files();
    for (int round = 0; round < 2000; round++) {
        std::string text = read_file(files[random.below(files.size())]);
        for (size_t i = random.below(8) + 1; i > 0 && !text.empty(); i--) {
            text[random.below(text.size())] = static_cast<char>(random.below(256));
        }
        std::unique_ptr<char[]> exact(new char[text.size() + 1]); /* no NUL behind it that could help */
        std::memcpy(exact.get() + 1, text.data(), text.size());
        size_t length = 0;
        char *formatted = ns_canonical_layout(exact.get() + 1, text.size(), &length);
        ASSERT_NE(nullptr, formatted);
        EXPECT_EQ('\0', formatted[length]);
        ns_canonical_same(exact.get() + 1, text.size(), formatted, length);
        std::free(formatted);
    }
}

TEST(Canonical, LinesWouldNotGrowBeyondWhatTheLanguageAllows) {
    std::string machine = "use machine \"one-core-wb64\"\nbuffer rx      size 64\n\n";
    std::string shorter = "cpu0: load rx # x\n", longer = "cpu0: invalidate rx # y\n";
    std::string comment(1024 - std::string("cpu0: load rx #").size(), 'z');
    std::string text = machine + longer + "cpu0: load rx #" + comment + "\n";
    ASSERT_EQ("", Parsed(text).errors());
    std::string formatted = layout(text);
    EXPECT_EQ("", Parsed(formatted).errors());
    EXPECT_EQ(formatted, layout(formatted));
    EXPECT_EQ(bare_lines(text), bare_lines(formatted));
}

TEST(Canonical, TheRulesOfTheManual) {
    const char *const text = "\n\nuse machine \"one-core-wb64\"   \n"
                             "buffer   rx size 64 # one\n"
                             "device nic irq done\r\n"
                             "\n\n\n"
                             "cpu0:map rx for nic from-device->h\n"
                             " nic :write h[ 0 .. 4 ]=1   expect DC-REFETCH,OW-DOUBLE-MAP # two\n"
                             "            # aside\n"
                             "  # own line\n"
                             "repeat 2\n"
                             "# inside\n"
                             "cpu0: fence\n"
                             "# before the end\n"
                             "end\n"
                             "final h!=0\n\n";
    EXPECT_EQ("use machine \"one-core-wb64\"\n"
              "buffer rx      size 64  # one\n"
              "device nic     irq done\n"
              "\n"
              "cpu0: map   rx for nic from-device -> h\n"
              "nic:  write h[0..4] = 1  expect DC-REFETCH, OW-DOUBLE-MAP  # two\n"
              "                         # aside\n"
              "# own line\n"
              "repeat 2\n"
              "  # inside\n"
              "  cpu0: fence\n"
              "  # before the end\n"
              "end\n"
              "final    h != 0\n",
              layout(text));
    EXPECT_EQ("", layout(""));
    EXPECT_EQ("", layout("\n \n\t\n"));
    EXPECT_EQ("# only\n", layout("# only"));
}

TEST(Canonical, OtherWordsAreNotTheSame) {
    auto same = [](const std::string &a, const std::string &b) {
        return ns_canonical_same(a.data(), a.size(), b.data(), b.size());
    };
    EXPECT_TRUE(same("cpu0: load rx # a\n", "\ncpu0:   load rx  # a"));
    EXPECT_FALSE(same("cpu0: load rx\n", "cpu0: load ry\n"));
    EXPECT_FALSE(same("cpu0: load rx # a\n", "cpu0: load rx # b\n"));
    EXPECT_FALSE(same("cpu0: load rx\n", "cpu0: load rx\ncpu0: fence\n"));
    EXPECT_FALSE(same("cpu0: load rx\ncpu0: fence\n", "cpu0: load rx cpu0: fence\n"));
    EXPECT_FALSE(same("scenario \"a  b\"\n", "scenario \"a b\"\n"));
}

} // namespace
