// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <functional>

namespace {

TEST(Config, RejectsWhatTheHeaderForbidsAndSaysWhy) {
    struct Row {
        const char *word; // must appear in the reason
        std::function<void(ns_cache_config &)> spoil;
    };
    const Row rows[] = {
        {"harts", [](ns_cache_config &c) { c.harts = 0; }},
        {"harts", [](ns_cache_config &c) { c.harts = NS_CACHE_MAX_HARTS + 1; }},
        {"levels", [](ns_cache_config &c) { c.levels = 0; }},
        {"levels", [](ns_cache_config &c) { c.levels = NS_CACHE_MAX_LEVELS + 1; }},
        {"line", [](ns_cache_config &c) { c.level[0].line = 8; }},
        {"line", [](ns_cache_config &c) { c.level[0].line = 48; }},
        {"line", [](ns_cache_config &c) { c.level[1].line = 512; }},
        {"smaller", [](ns_cache_config &c) { c.level[1].line = 32; }},
        {"ways", [](ns_cache_config &c) { c.level[0].ways = 0; }},
        {"ways", [](ns_cache_config &c) { c.level[0].ways = 65; }},
        {"tree-PLRU", [](ns_cache_config &c) { c.level[0] = level_of(4, 3, 64, NS_REPLACE_TREE_PLRU); }},
        {"size", [](ns_cache_config &c) { c.level[0].size = 0; }},
        {"size", [](ns_cache_config &c) { c.level[0].size += 1; }},
        {"sets", [](ns_cache_config &c) { c.level[0] = level_of(3, 2, 64); }},
        {"size", [](ns_cache_config &c) { c.level[0] = level_of(1u << 23, 1, 64); }},
        {"exclusive",
         [](ns_cache_config &c) {
             c.inclusion = NS_INCLUSION_EXCLUSIVE;
             c.level[1] = level_of(4, 2, 128);
         }},
        {"late", [](ns_cache_config &c) { c.late_write_backs = NS_CACHE_MAX_LATE + 1; }},
    };
    for (const Row &row : rows) {
        ns_cache_config config = two_levels(NS_INCLUSION_NEITHER);
        row.spoil(config);
        char reason[200] = "";
        EXPECT_EQ(ns_cache_config_check(&config, reason, sizeof reason), NS_ERROR_ARGUMENT) << row.word;
        EXPECT_NE(std::string(reason).find(row.word), std::string::npos) << reason;
        ns_cache_backing backing = {nullptr, nullptr, nullptr};
        EXPECT_EQ(ns_cache_create(&config, &backing, nullptr), nullptr) << row.word;
    }
}

TEST(Config, AcceptsTheExtremesOfTheHeader) {
    for (uint32_t line : {NS_LINE_MIN, NS_LINE_MAX})
        for (uint32_t ways : {1u, 64u}) {
            ns_cache_config config = one_level(1, ways, line);
            config.level[0].replacement = NS_REPLACE_TREE_PLRU;
            config.harts = NS_CACHE_MAX_HARTS;
            char reason[200] = "";
            EXPECT_EQ(ns_cache_config_check(&config, reason, sizeof reason), NS_OK) << reason;
        }
    ns_cache_config config = two_levels(NS_INCLUSION_INCLUSIVE, 16, 256);
    char reason[200] = "";
    EXPECT_EQ(ns_cache_config_check(&config, reason, sizeof reason), NS_OK) << reason;
    ns_cache_destroy(nullptr);
}

} // namespace
