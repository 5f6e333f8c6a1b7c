/* SPDX-License-Identifier: Apache-2.0 */
/* The caches of a machine block, how misses pass, and the TLB that is behind the first. */
#include "scenarios/machine_parser.h"

#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

enum sharing { SHARING_UNSAID, SHARING_PRIVATE, SHARING_SHARED };
struct cache_line {
    struct ns_cache_level_config level;
    uint32_t hit;
    uint32_t mshrs, every;
    uint32_t streaming; /* of the first cache */
    uint32_t sharing;
};

static const struct ns_choice replacements[] = {{"lru", NS_REPLACE_LRU},
                                                {"tree-plru", NS_REPLACE_TREE_PLRU},
                                                {"fifo", NS_REPLACE_FIFO},
                                                {"random", NS_REPLACE_RANDOM},
                                                {NULL, 0}};
#define CACHE(member) NS_MEMBER(struct cache_line, member)
#define PLAIN         false, NULL, NULL, NS_NO_OFFSET, NULL, false
static const struct ns_option cache_options[] = {
    {"private", NS_OPTION_SET, CACHE(sharing), SHARING_PRIVATE, 0, PLAIN},
    {"shared", NS_OPTION_SET, CACHE(sharing), SHARING_SHARED, 0, PLAIN},
    {"size", NS_OPTION_NUMBER, CACHE(level.size), 16, 64u << 20, PLAIN},
    {"ways", NS_OPTION_NUMBER, CACHE(level.ways), 1, 64, PLAIN},
    {"line", NS_OPTION_NUMBER, CACHE(level.line), NS_LINE_MIN, NS_LINE_MAX, true, NULL, NULL, NS_NO_OFFSET, NULL,
     false},
    {"replacement", NS_OPTION_CHOICE, CACHE(level.replacement), 0, 0, false, NULL, replacements, NS_NO_OFFSET, NULL,
     false},
    {"write-back", NS_OPTION_SET, CACHE(level.write_through), 0, 0, PLAIN},
    {"write-through", NS_OPTION_SET, CACHE(level.write_through), 1, 0, PLAIN},
    {"write-allocate", NS_OPTION_SET, CACHE(level.no_write_allocate), 0, 0, PLAIN},
    {"no-write-allocate", NS_OPTION_SET, CACHE(level.no_write_allocate), 1, 0, PLAIN},
    {"hit", NS_OPTION_NUMBER, CACHE(hit), 0, NS_MOST_CYCLES, false, "cycles", NULL, NS_NO_OFFSET, NULL, false},
    {"mshrs", NS_OPTION_NUMBER, CACHE(mshrs), 1, NS_CONFIG_MAX_MSHRS, PLAIN},
    {"every", NS_OPTION_NUMBER, CACHE(every), 1, NS_MOST_CYCLES, false, "cycles", NULL, NS_NO_OFFSET, NULL, false},
    {"write-streaming", NS_OPTION_NUMBER, CACHE(streaming), 0, NS_CONFIG_MAX_STREAMING, false, "lines", NULL,
     NS_NO_OFFSET, NULL, false},
};

static unsigned find_level(const struct ns_machine_config *config, const struct ns_token *name) {
    unsigned index = 0;
    while (index < config->cache.levels && !ns_token_is(name, config->level_name[index])) {
        index++;
    }
    return index;
}

bool ns_parse_machine_cache(struct ns_parser *parser, void *target) {
    struct ns_machine_builder *builder = target;
    struct ns_machine_config *config = &builder->block->config;
    struct ns_token name;
    if (!ns_parser_take_short_name(parser, &name, sizeof config->level_name[0] - 1,
                                   "a cache needs a name, such as `L1D`")) {
        return false;
    }
    struct ns_place place = ns_parser_place(parser, &name);
    if (builder->fresh && !builder->has_cache) {
        config->cache.levels = 0;
    }
    builder->has_cache = true;
    unsigned index = find_level(config, &name);
    bool is_new = index == config->cache.levels;
    if (index == NS_CACHE_MAX_LEVELS) {
        ns_parser_error(parser, place, "a machine has at most %u levels of cache", NS_CACHE_MAX_LEVELS);
        return false;
    }
    struct cache_line line = {.hit = index == 0 ? 2 : 10};
    if (!is_new) {
        line.level = config->cache.level[index];
        line.hit = config->level_hit_cycles[index];
        line.mshrs = config->level_mshrs[index];
        line.every = config->level_every_cycles[index];
    }
    line.streaming = index == 0 && !is_new ? config->write_streaming : 0;
    uint64_t seen = 0;
    if (!ns_parser_options(parser, cache_options, ROWS(cache_options), &line, &seen, "a cache")) {
        return false;
    }
    static const char *const required[] = {"size", "ways", "line"};
    for (size_t i = 0; is_new && i < ROWS(required); i++) {
        if ((seen & (UINT64_C(4) << i)) == 0) {
            ns_parser_error(parser, place, "a new cache needs `%s`", required[i]);
        }
    }
    if (parser->failed) {
        return false;
    }
    if (index == 0 && (line.sharing == SHARING_SHARED || (is_new && line.sharing != SHARING_PRIVATE))) {
        ns_parser_error(parser, place, "the first cache belongs to each hart: it is `private`");
    } else if (index > 0 && (line.sharing == SHARING_PRIVATE || (is_new && line.sharing != SHARING_SHARED))) {
        ns_parser_error(parser, place, "every cache below the first is `shared`");
    } else if (index > 0 && line.streaming > 0) {
        ns_parser_error(parser, place, "`write-streaming` belongs to the first cache");
    }
    ns_machine_copy_name(config->level_name[index], &name);
    config->cache.level[index] = line.level;
    config->level_hit_cycles[index] = line.hit;
    config->level_mshrs[index] = line.mshrs;
    config->level_every_cycles[index] = line.every;
    if (index == 0) {
        config->write_streaming = line.streaming;
    }
    config->cache.levels += is_new;
    return true;
}

bool ns_parse_machine_no_caches_below(struct ns_parser *parser, void *target) {
    struct ns_machine_builder *builder = target;
    struct ns_machine_config *config = &builder->block->config;
    struct ns_token name;
    if (!ns_parser_take(parser, NS_TOKEN_WORD, &name, "`no-caches-below` names a cache, such as `L1D`")) {
        return false;
    }
    unsigned index = find_level(config, &name);
    if (index == config->cache.levels) {
        struct ns_nearest search;
        ns_nearest_start(&search, name.start, name.length);
        for (unsigned i = 0; i < config->cache.levels; i++) {
            ns_nearest_offer(&search, config->level_name[i], strlen(config->level_name[i]));
        }
        ns_parser_error_near(parser, ns_parser_place(parser, &name), &search, "the machine has no cache `%.*s`",
                             (int)name.length, name.start);
        return false;
    }
    config->cache.levels = index + 1;
    return true;
}

bool ns_parse_machine_second_tlb(struct ns_parser *parser, void *target) {
#define PART(member) NS_MEMBER(struct ns_machine_config, member)
    static const struct ns_option parts[] = {{"hit", NS_OPTION_NUMBER, PART(second_tlb_cycles), 0, NS_MOST_CYCLES,
                                              false, "cycles", NULL, NS_NO_OFFSET, NULL, false}};
#undef PART
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    uint64_t entries = 0, seen = 0;
    if (!ns_parser_take_number(parser, 0, NS_TLB_MAX_ENTRIES, &entries, "`second-tlb`")) {
        return false;
    }
    if (!ns_parser_accept_word(parser, "entries")) {
        return ns_parser_unexpected(parser,
                                    "`second-tlb` is given in `entries`: `second-tlb 512 entries hit 7 cycles`");
    }
    config->second_tlb_entries = (unsigned)entries;
    config->second_tlb_cycles = 0;
    return entries == 0 || ns_parser_options(parser, parts, ROWS(parts), config, &seen, "`second-tlb`");
}

bool ns_parse_machine_store_misses(struct ns_parser *parser, void *target) {
    static const struct ns_choice kinds[] = {{"wait", 0}, {"pass", 1}, {NULL, 0}};
    struct ns_machine_config *config = &((struct ns_machine_builder *)target)->block->config;
    uint64_t passes = 0, lines = 0;
    if (!ns_parser_take_choice(parser, kinds, &passes, "`store-misses`")) {
        return false;
    }
    if (passes && !ns_parser_take_number(parser, 1, NS_CONFIG_MAX_MSHRS, &lines, "`store-misses pass`")) {
        return false;
    }
    config->passing_stores = (uint32_t)lines;
    return !passes || ns_parser_accept_word(parser, "lines") ||
           ns_parser_unexpected(parser, "here stands `lines`, as in `store-misses pass 4 lines`");
}
