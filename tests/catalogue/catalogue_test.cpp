// SPDX-License-Identifier: Apache-2.0
// The catalogue is complete: every rule that the code knows has a published bug in which it fires, and a repaired twin
// without it. That the files behave as they say is what `nosnoop test` proves beside this.
#include "model/hazard.h"
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

char *read_machine(void *, const char *name) {
    const fs::path path = fs::path(NS_MACHINES_FOLDER) / (std::string(name) + ".dma");
    return fs::exists(path) ? strdup(read_file(path).c_str()) : nullptr;
}

struct deleter {
    void operator()(ns_scenario *scenario) const { ns_scenario_destroy(scenario); }
};

// The ids that a scenario expects; fails the test when it does not parse.
std::set<ns_hazard_id> expected_ids(const fs::path &path) {
    const std::string text = read_file(path);
    const ns_machine_source machines = {nullptr, read_machine, nullptr};
    ns_diagnostics diagnostics;
    ns_diagnostics_init(&diagnostics);
    const std::unique_ptr<ns_scenario, deleter> scenario(
        ns_scenario_parse(path.c_str(), text.data(), text.size(), &machines, &diagnostics));
    EXPECT_EQ(diagnostics.count, 0u) << path;
    ns_diagnostics_release(&diagnostics);
    std::set<ns_hazard_id> ids;
    for (size_t i = 0; i < scenario->written_count; i++)
        for (uint32_t e = 0; e < scenario->written[i].expect_count; e++)
            ids.insert(static_cast<ns_hazard_id>(scenario->written[i].expect[e]));
    return ids;
}

bool is_fixed(const fs::path &path) {
    const std::string stem = path.stem().string();
    return stem.size() > 6 && stem.compare(stem.size() - 6, 6, "-fixed") == 0;
}

fs::path twin_of(const fs::path &bug) {
    return bug.parent_path() / (bug.stem().string() + "-fixed.dma");
}

std::map<fs::path, std::set<ns_hazard_id>> bugs() {
    std::map<fs::path, std::set<ns_hazard_id>> found;
    for (const auto &entry : fs::directory_iterator(NS_BUGS_FOLDER))
        if (entry.path().extension() == ".dma" && !is_fixed(entry.path()))
            found[entry.path()] = expected_ids(entry.path());
    return found;
}

TEST(Catalogue, EveryBugExpectsAHazardAndHasARepairedTwinThatExpectsNone) {
    for (const auto &[path, ids] : bugs()) {
        EXPECT_FALSE(ids.empty()) << path << " expects no hazard";
        ASSERT_TRUE(fs::exists(twin_of(path))) << path << " has no repaired twin";
        EXPECT_TRUE(expected_ids(twin_of(path)).empty()) << twin_of(path) << " expects a hazard";
    }
    for (const auto &entry : fs::directory_iterator(NS_BUGS_FOLDER))
        if (is_fixed(entry.path())) {
            const std::string stem = entry.path().stem().string();
            EXPECT_TRUE(fs::exists(entry.path().parent_path() / (stem.substr(0, stem.size() - 6) + ".dma")))
                << entry.path() << " repairs nothing";
        }
}

TEST(Catalogue, EveryHazardIdFiresInSomeBug) {
    std::set<ns_hazard_id> covered;
    for (const auto &[path, ids] : bugs())
        covered.insert(ids.begin(), ids.end());
    for (int id = NS_HAZARD_NONE + 1; id < NS_HAZARD_COUNT; id++)
        EXPECT_TRUE(covered.count(static_cast<ns_hazard_id>(id)))
            << ns_hazard_text(static_cast<ns_hazard_id>(id))->id << " fires in no shipped scenario";
}

TEST(Catalogue, HoldsAtLeastTwoPairsOfEachClass) {
    std::map<std::string, int> pairs;
    for (const auto &[path, ids] : bugs()) {
        std::set<std::string> classes;
        for (const ns_hazard_id id : ids)
            classes.insert(std::string(ns_hazard_text(id)->id).substr(0, 2));
        for (const std::string &name : classes)
            pairs[name]++;
    }
    for (const char *name : {"DC", "LS", "OW", "OR", "AT", "AD", "BB", "PL", "HW"})
        EXPECT_GE(pairs[name], 2) << name;
    EXPECT_GE(bugs().size(), 94u); // 65, and 29 of allocators and mapping paths
}

// The comment that tells a bug, wherever it stands in the file:
//   # mechanism, one or two lines        what goes wrong, and how
//   # Repair: ...                        why it does not any more; one line
//   # Part: ...                          on which hardware, or "any"
//   # Source: ...                        a commit, an issue, a manual, a file of a kernel; or "constructed"
//   # Evidence: ...                      how much of it the source says
struct Story {
    std::vector<std::string> mechanism, repair, part, source, evidence;
    size_t longest = 0; // bytes of its longest line
};

Story story_of(const fs::path &path) {
    std::ifstream in(path);
    Story story;
    std::vector<std::string> *field = nullptr; // a line that is indented goes on
    std::vector<std::string> above;            // comment lines in front of `Repair`
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("# ", 0) != 0 || line.find("SPDX") != std::string::npos) {
            field = nullptr;
            above.clear();
            continue;
        }
        const std::pair<const char *, std::vector<std::string> *> labels[] = {{"# Repair: ", &story.repair},
                                                                              {"# Part: ", &story.part},
                                                                              {"# Source: ", &story.source},
                                                                              {"# Evidence: ", &story.evidence}};
        bool labelled = false;
        for (const auto &[label, into] : labels)
            if (line.rfind(label, 0) == 0) {
                if (into == &story.repair)
                    story.mechanism = above;
                field = into;
                field->push_back(line.substr(std::string(label).size()));
                labelled = true;
            }
        if (!labelled && field != nullptr && line.rfind("#   ", 0) == 0)
            field->push_back(line.substr(4));
        else if (!labelled)
            above.push_back(line.substr(2));
        story.longest = std::max(story.longest, line.size());
    }
    return story;
}

TEST(Catalogue, EveryBugTellsMechanismRepairPartSourceAndEvidence) {
    for (const auto &[path, ids] : bugs()) {
        const Story story = story_of(path);
        EXPECT_GE(story.mechanism.size(), 1u) << path << ": no mechanism stands above `# Repair:`";
        EXPECT_LE(story.mechanism.size() + story.repair.size(), 3u) << path << ": mechanism and repair in three lines";
        EXPECT_EQ(story.repair.size(), 1u) << path << ": one line `# Repair:`";
        EXPECT_GE(story.part.size(), 1u) << path << ": a line `# Part:`";
        EXPECT_GE(story.source.size(), 1u) << path << ": a line `# Source:`";
        EXPECT_GE(story.evidence.size(), 1u) << path << ": a line `# Evidence:`";
        EXPECT_LE(story.longest, 120u) << path;
    }
}

// Something that can be looked up: a commit, an issue or request, a CVE, an erratum, a file, a named change, a manual.
TEST(Catalogue, EverySourceCanBeLookedUpOrSaysThatItIsConstructed) {
    const std::regex known(
        R"(\b[0-9a-f]{7,40}\b|(issue|PR|review) [0-9D]|CVE-\d|ERRATUM|erratum|[a-z]+/[a-z0-9_.-]+\.(c|h|rs|rst)\b)"
        R"(|"[^"]+"|privileged ISA|^constructed)");
    for (const auto &[path, ids] : bugs()) {
        std::string source;
        for (const std::string &line : story_of(path).source)
            source += (source.empty() ? "" : " ") + line;
        EXPECT_TRUE(std::regex_search(source, known)) << path << ": " << source;
    }
}

// Pairs that were taken from a report or a repair, and not only from reading an allocator's source.
TEST(Catalogue, HoldsFortyPublishedBugs) {
    size_t published = 0;
    for (const auto &[path, ids] : bugs())
        published += story_of(path).evidence.at(0).rfind("read in the source", 0) != 0;
    EXPECT_GE(published, 40u);
}

TEST(Catalogue, EveryRepairNamesWhatItRepairs) {
    for (const auto &[path, ids] : bugs())
        EXPECT_NE(read_file(twin_of(path)).find("# Repair of " + path.stem().string()), std::string::npos)
            << twin_of(path);
}

} // namespace
