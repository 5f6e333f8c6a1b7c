// SPDX-License-Identifier: Apache-2.0
// docs/linux-dma-memory.md names functions: each is declared in the header that its link leads to, and every other link
// to a file of the project leads somewhere.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace {

std::string read(const std::filesystem::path &path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(Chapter, FunctionsAreDeclaredWhereTheirLinksLead) {
    const std::filesystem::path docs = NS_SOURCE_DIR "/docs";
    const std::string text = read(docs / "linux-dma-memory.md");
    const std::regex link(R"(\[`(ns_\w+)`\]\((\.\./pool/\w+\.h)\))");
    int count = 0;
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at, ++count)
        EXPECT_NE(read(docs / (*at)[2].str()).find((*at)[1].str() + "("), std::string::npos)
            << (*at)[1] << " in " << (*at)[2];
    EXPECT_GE(count, 22);
}

TEST(Chapter, LinksBetweenDocumentsLeadSomewhere) {
    const std::filesystem::path root = NS_SOURCE_DIR;
    const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
    for (const char *page : {"README.md", "CONTRIBUTING.md", "docs/README.md", "docs/manual.md", "docs/language.md",
                             "docs/semantics.md", "docs/machines.md", "docs/fidelity.md", "docs/linux-dma-memory.md"}) {
        const std::string text = read(root / page);
        ASSERT_FALSE(text.empty()) << page;
        for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at)
            EXPECT_TRUE(std::filesystem::exists((root / page).parent_path() / (*at)[1].str()))
                << page << ": " << (*at)[1];
    }
}

} // namespace
