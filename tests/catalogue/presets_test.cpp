// SPDX-License-Identifier: Apache-2.0
// The machines that are built in: each parses, says of each number where it comes from or that it is a guess, leaves
// nothing to a default, and is shown by a small program, by a bug of its part, and in the documents.
#include "scenarios/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path &path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

char *read_machine(void *, const char *name) {
    const fs::path path = fs::path(NS_MACHINES_FOLDER) / (std::string(name) + ".dma");
    return fs::exists(path) ? strdup(read_file(path).c_str()) : nullptr;
}

// Name and text of the presets that stand for a real part. The teaching machine says in its file that it is none.
std::map<std::string, std::string> parts() {
    std::map<std::string, std::string> found;
    for (const auto &entry : fs::directory_iterator(NS_MACHINES_FOLDER)) {
        const std::string text = read_file(entry.path());
        if (entry.path().extension() == ".dma" && text.find("# It is no real part.") == std::string::npos)
            found[entry.path().stem().string()] = text;
    }
    return found;
}

// The machine of a preset, parsed; nullptr when that fails.
struct deleter {
    void operator()(ns_scenario *scenario) const { ns_scenario_destroy(scenario); }
};
std::unique_ptr<ns_scenario, deleter> parsed(const std::string &name) {
    const std::string text = "use machine \"" + name + "\"\nbuffer rx size 64\ncpu0: load rx\n";
    const ns_machine_source machines = {nullptr, read_machine, nullptr};
    ns_diagnostics diagnostics;
    ns_diagnostics_init(&diagnostics);
    std::unique_ptr<ns_scenario, deleter> scenario(
        ns_scenario_parse("preset.dma", text.data(), text.size(), &machines, &diagnostics));
    for (size_t i = 0; i < diagnostics.count; i++) {
        char message[1024];
        ns_diagnostic_format(&diagnostics, i, message, sizeof message);
        ADD_FAILURE() << message;
    }
    const bool good = diagnostics.count == 0;
    ns_diagnostics_release(&diagnostics);
    return good ? std::move(scenario) : nullptr;
}

struct Parameter {
    std::string keyword, line, comment;
};

std::vector<Parameter> parameters_of(const std::string &text) {
    std::vector<Parameter> parameters;
    for (const std::string &line : lines_of(text)) {
        std::smatch word;
        if (!std::regex_search(line, word, std::regex(R"(^  ([a-z][a-z-]*) )")))
            continue;
        const size_t hash = line.find('#');
        parameters.push_back({word[1], line, hash == std::string::npos ? "" : line.substr(hash + 1)});
    }
    return parameters;
}

// The sources that the head of a file defines: `# [KEY]  what it is`.
std::map<std::string, std::string> sources_of(const std::string &text) {
    std::map<std::string, std::string> sources;
    for (const std::string &line : lines_of(text)) {
        std::smatch parts;
        if (std::regex_search(line, parts, std::regex(R"(^# \[([A-Z0-9]+)\] +(.+)$)")))
            sources[parts[1]] = parts[2];
    }
    return sources;
}

std::set<std::string> keys_in(const std::string &comment) {
    std::set<std::string> keys;
    const std::regex key(R"(\[([A-Z0-9]+)\])");
    for (std::sregex_iterator at(comment.begin(), comment.end(), key), end; at != end; ++at)
        keys.insert((*at)[1]);
    return keys;
}

TEST(Presets, StandForTenPartsAndATeachingMachine) {
    const auto found = parts();
    for (const char *name :
         {"thead-c910", "thead-c920", "spacemit-k1", "stm32h743", "zynq-7000", "sifive-fu740", "isa-486", "bcm2711",
          "allwinner-h616", "jh7110"})
        EXPECT_EQ(found.count(name), 1u) << name;
    EXPECT_NE(parsed("one-core-wb64"), nullptr);
}

TEST(Presets, ParseUnderTheNameOfTheirFile) {
    for (const auto &[name, text] : parts()) {
        EXPECT_NE(text.find("\nmachine \"" + name + "\"\n"), std::string::npos) << name;
        EXPECT_NE(parsed(name), nullptr) << name;
    }
}

TEST(Presets, EveryParameterNamesItsSourceOrIsAGuessWithAReason) {
    const std::regex guess(R"(guess: [^ ].{2,})");
    for (const auto &[name, text] : parts()) {
        const auto sources = sources_of(text);
        const auto parameters = parameters_of(text);
        EXPECT_GE(parameters.size(), 30u) << name;
        std::set<std::string> used;
        for (const Parameter &parameter : parameters) {
            const std::set<std::string> keys = keys_in(parameter.comment);
            used.insert(keys.begin(), keys.end());
            EXPECT_TRUE(!keys.empty() || std::regex_search(parameter.comment, guess)) << name << ": " << parameter.line;
            for (const std::string &key : keys)
                EXPECT_EQ(sources.count(key), 1u) << name << ": nothing says what [" << key << "] is";
            EXPECT_LE(parameter.line.size(), 140u) << name << ": " << parameter.line;
        }
        for (const auto &[key, source] : sources)
            EXPECT_TRUE(used.count(key)) << name << ": [" << key << "] is the source of nothing";
    }
}

// A document with a number or section, a file with the commit or version, or an address.
TEST(Presets, EverySourceCanBeLookedUp) {
    const std::regex known(
        R"([a-z0-9-]+\.(com|dev|org)/?|at [0-9a-f]{12}|Linux [0-9.]+ |[0-9a-f]{12} \(|\.(c|h|yaml|x|dtsi)\b)"
        R"(|"[^"]+"|UG585|DDI [0-9]+|DUI [0-9]+|\([0-9]\))");
    for (const auto &[name, text] : parts())
        for (const auto &[key, source] : sources_of(text))
            EXPECT_TRUE(std::regex_search(source, known)) << name << ": [" << key << "] " << source;
}

// A default of the language is a number without a source.
TEST(Presets, LeaveNoParameterOfTheHardwareToADefault) {
    const char *const needed[] = {"harts",
                                  "clock",
                                  "cache",
                                  "inclusion",
                                  "fill",
                                  "invalidate",
                                  "rounding",
                                  "edge-lines",
                                  "maintenance",
                                  "attributes",
                                  "pte-encoding",
                                  "maintenance-cost",
                                  "tlb",
                                  "store-buffer",
                                  "posted-writes",
                                  "prefetcher",
                                  "may",
                                  "dma-ops",
                                  "ram",
                                  "zone-dma",
                                  "bus-width",
                                  "bus-clock",
                                  "bus-latency",
                                  "memory-latency",
                                  "snoop-latency",
                                  "dma-burst",
                                  "interrupt-latency",
                                  "register-latency",
                                  "dma-outstanding"};
    for (const auto &[name, text] : parts()) {
        std::set<std::string> said;
        for (const Parameter &parameter : parameters_of(text))
            said.insert(parameter.keyword);
        for (const char *keyword : needed)
            EXPECT_TRUE(said.count(keyword)) << name << " says nothing about " << keyword;
    }
}

// Sizes and sets are what device trees and manuals state; ways follow, and must be what the file says.
TEST(Presets, CachesHaveTheSetsOfTheirDeviceTreesAndManuals) {
    struct Row {
        const char *preset;
        unsigned level;
        uint64_t size, sets, line;
    };
    const Row rows[] = {
        {"thead-c910", 0, 65536, 512, 64},    // th1520.dtsi: d-cache-size, d-cache-sets, d-cache-block-size
        {"thead-c910", 1, 1048576, 1024, 64}, // l2-cache
        {"thead-c920", 0, 65536, 512, 64},    // sg2044-cpus.dtsi
        {"thead-c920", 1, 2097152, 2048, 64},
        {"spacemit-k1", 0, 32768, 128, 64}, // k1.dtsi
        {"spacemit-k1", 1, 524288, 512, 64},
        {"sifive-fu740", 0, 32768, 64, 64}, // fu740-c000.dtsi
        {"sifive-fu740", 1, 2097152, 2048, 64},
        {"bcm2711", 0, 32768, 256, 64}, // bcm2711.dtsi: d-cache-sets; l2-cache0: cache-sets
        {"bcm2711", 1, 1048576, 1024, 64},
        {"allwinner-h616", 0, 32768, 128, 64}, // sun50i-h616.dtsi
        {"allwinner-h616", 1, 262144, 256, 64},
        {"jh7110", 0, 32768, 64, 64}, // jh7110.dtsi: U74_1, ccache
        {"jh7110", 1, 2097152, 2048, 64},
        {"isa-486", 0, 8192, 128, 16}, // Intel486 Hardware Reference Manual 9.3.1
        // UG585 page 96: of the 8 ways each is 64 KiB, which is 2048 sets of 32 bytes.
        {"zynq-7000", 1, 524288, 2048, 32},
    };
    for (const Row &row : rows) {
        const auto scenario = parsed(row.preset);
        ASSERT_NE(scenario, nullptr) << row.preset;
        ASSERT_LT(row.level, scenario->machine.cache.levels) << row.preset;
        const ns_cache_level_config &level = scenario->machine.cache.level[row.level];
        EXPECT_EQ(level.size, row.size) << row.preset;
        EXPECT_EQ(level.line, row.line) << row.preset;
        EXPECT_EQ(level.size / level.line / level.ways, row.sets) << row.preset;
    }
}

// That the programs and pairs do as they say is what `nosnoop test` proves beside this.
TEST(Presets, EachIsRunByASmallProgramAndByAPairOfTheCatalogue) {
    for (const auto &[name, text] : parts()) {
        const std::string program = read_file(fs::path(NS_RUNS_FOLDER) / ("transfers-both-ways-on-" + name + ".dma"));
        EXPECT_NE(program.find("use machine \"" + name + "\""), std::string::npos) << name;
        EXPECT_NE(program.find("verify always"), std::string::npos) << name;
        bool has_bug = false, has_repair = false;
        for (const auto &entry : fs::directory_iterator(NS_BUGS_FOLDER)) {
            const std::string bug = read_file(entry.path());
            if (bug.find("use machine \"" + name + "\"") == std::string::npos &&
                bug.find(" from \"" + name + "\"") == std::string::npos)
                continue;
            const std::string stem = entry.path().stem().string();
            const bool fixed = stem.size() > 6 && stem.compare(stem.size() - 6, 6, "-fixed") == 0;
            (fixed ? has_repair : has_bug) = true;
        }
        EXPECT_TRUE(has_bug && has_repair) << name << " is in no pair of scenarios/bugs";
    }
}

TEST(Presets, TheDocumentsHaveASectionOfEachAndSayWhatIsNotModelled) {
    const std::string machines = read_file(NS_DOCS_FOLDER "/machines.md");
    const std::string fidelity = read_file(NS_DOCS_FOLDER "/fidelity.md");
    for (const auto &[name, text] : parts()) {
        EXPECT_NE(machines.find("\n### `" + name + "`"), std::string::npos) << name;
        EXPECT_NE(fidelity.find("| `" + name + "` |"), std::string::npos) << name;
    }
}

} // namespace
