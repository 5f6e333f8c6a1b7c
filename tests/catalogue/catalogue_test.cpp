// SPDX-License-Identifier: Apache-2.0
// The catalogue is complete: every rule that the code knows has a published bug in which it fires, and a repaired twin
// without it. That the files behave as they say is what `nosnoop test` proves beside this.
#include "model/hazard.h"
#include "scenarios/scenario.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>

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
    for (const char *name : {"DC", "LS", "OW", "OR", "AT", "AD", "BB", "PL"})
        EXPECT_GE(pairs[name], 2) << name;
    EXPECT_GE(bugs().size(), 86u); // 57, and 29 of allocators and mapping paths
}

TEST(Catalogue, EveryBugNamesItsSourceInAComment) {
    for (const auto &[path, ids] : bugs()) {
        const std::string text = read_file(path);
        EXPECT_NE(text.find("Source"), std::string::npos) << path << " has no `# Source:` comment";
    }
}

} // namespace
