/* SPDX-License-Identifier: Apache-2.0 */
/* What the documents point at exists. */
#include "parsed.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <regex>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> documents() {
    std::vector<fs::path> found = {fs::path(NS_SOURCE_DIR) / "README.md"};
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(NS_SOURCE_DIR "/docs")) {
        if (entry.path().extension() == ".md") {
            found.push_back(entry.path());
        }
    }
    return found;
}

TEST(Documents, EveryLinkToAFileOfTheProjectLeadsToOne) {
    const std::regex link(R"(\]\(([^)#\s]+)(#[^)]*)?\))");
    size_t links = 0;
    for (const fs::path &document : documents()) {
        const std::string text = read_file(document.string());
        for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
            const std::string target = (*at)[1];
            if (target.find("://") != std::string::npos) {
                continue;
            }
            links++;
            EXPECT_TRUE(fs::exists(document.parent_path() / target)) << document << " links to " << target;
        }
    }
    EXPECT_GE(links, 40u);
}

/* [`ns_name`](../pool/file.h): the header declares it. */
TEST(Documents, EveryFunctionOfTheChapterIsDeclaredInTheHeaderItLinksTo) {
    const fs::path chapter = fs::path(NS_SOURCE_DIR) / "docs/linux-dma-memory.md";
    const std::string text = read_file(chapter.string());
    const std::regex link(R"(\[`(ns_[a-z0-9_]+)`\]\(([^)]+\.h)\))");
    size_t functions = 0;
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
        const std::string header = read_file((chapter.parent_path() / (*at)[2].str()).string());
        /* A declaration begins a line; a mention in a comment does not. */
        const std::regex declaration(R"((^|\n)(struct |enum |const )*[a-z0-9_]+ \*?)" + (*at)[1].str() + R"(\()");
        EXPECT_TRUE(std::regex_search(header, declaration)) << (*at)[1] << " in " << (*at)[2];
        functions++;
    }
    EXPECT_GE(functions, 24u);
}

} // namespace
