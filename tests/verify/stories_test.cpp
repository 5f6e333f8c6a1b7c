// SPDX-License-Identifier: Apache-2.0
//
// Programs in which one step goes wrong for several reasons: each has its name, and its counterexample. The reasons are
// in the first lines of tests/verify/stories, with their lines (0: the hardware by itself); `run --chaos` shows them
// too.
#include "support.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace {

bool shows(const verified &found, const std::string &id, unsigned line) {
    for (size_t i = 0; i < found.result.hazard_count; i++)
        if (ns_hazard_text(static_cast<ns_hazard_id>(found.hazard(i).id))->id == id && found.line(i) == line)
            return true;
    return false;
}

} // namespace

TEST(Stories, OfOneStepAreToldUnderEachOfTheirNames) {
    unsigned files = 0, names = 0;
    for (const auto &entry : std::filesystem::directory_iterator(NS_PROJECT_FOLDER "/tests/verify/stories")) {
        SCOPED_TRACE(entry.path());
        std::ifstream in(entry.path());
        std::stringstream text;
        text << in.rdbuf();
        const std::string all = text.str(), key = "# shows: ";
        const size_t at = all.find(key);
        ASSERT_NE(at, std::string::npos);
        const parsed_scenario scenario(all);
        ASSERT_TRUE(scenario.good());
        const verified found(scenario.get());
        EXPECT_EQ(found.result.verdict, NS_VERIFY_REFUTED);
        EXPECT_EQ(found.result.unreplayed, 0u);
        EXPECT_FALSE(found.shows(NS_LS_INVAL_NEIGHBOUR)); // in none of them an invalidate drops a neighbour's bytes
        std::stringstream wanted(all.substr(at + key.size(), all.find('\n', at) - at - key.size()));
        std::string id;
        unsigned line;
        while (wanted >> id >> line) {
            EXPECT_TRUE(shows(found, id, line)) << id << " at line " << line;
            names++;
            wanted.ignore(1, ',');
        }
        files++;
    }
    EXPECT_EQ(files, 8u);
    EXPECT_EQ(names, 14u);
}
