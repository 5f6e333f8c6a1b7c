// SPDX-License-Identifier: Apache-2.0
//
// Traces on the timed machine. Each machine has a process of its own.
#include "model/hazard.h"
#include "report/stats.h"
#include "tests/model/in_child.h"

// A header of the command, which is C throughout.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#include "cli/replay_machine.h"
}
#pragma GCC diagnostic pop

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

// 1 GHz, 8 bytes a beat of 2 ns, and latencies that can be told apart in a sum. No levels below L1.
ns_machine_config plain_machine() {
    ns_machine_config config;
    ns_machine_config_default(&config);
    config.hart_clock_ps = 1000;
    config.cache.level[0] = {1024, 2, 64, NS_REPLACE_LRU, false, false};
    config.level_hit_cycles[0] = 3;
    config.bus_width = 8;
    config.bus_clock_ps = 2000;
    config.bus_latency_ps = 10000;
    config.memory_latency_ps = 50000;
    return config;
}

// What a trace came to.
struct outcome {
    enum ns_exit exit = NS_EXIT_INTERNAL;
    ns_log_stats stats{};
    uint64_t end_ps = 0;
    std::vector<std::string> hazards; // "ID@LINE<LINE": found at a line; the newest bytes were written at the other
    std::vector<std::string> shown;   // the text of the first line
    std::vector<unsigned> repeats;
    ns_trace_parser parser{};
    size_t pages = 0;
};

outcome run_trace(const std::string &text, const ns_machine_config &machine, bool watch_all = false) {
    outcome got;
    char name[] = "/tmp/nosnoop-trace-XXXXXX";
    const int file = mkstemp(name);
    FILE *stream = fdopen(file, "w");
    fwrite(text.data(), 1, text.size(), stream);
    fclose(stream);
    ns_timed_replay replay{};
    replay.file = name;
    replay.machine = machine;
    replay.quiet = true;
    replay.watch_all = watch_all;
    ns_log *log = ns_log_create();
    ns_timed_result *result = nullptr;
    got.exit = ns_timed_run(&replay, log, &result);
    std::remove(name);
    got.stats = log->stats;
    got.end_ps = log->end_ps;
    got.parser = replay.parser;
    got.pages = replay.pages;
    for (size_t i = 0; i < log->hazard_count; i++) {
        const ns_hazard &hazard = log->hazard[i];
        std::string what = ns_hazard_text(hazard.id)->id;
        what += "@" + std::to_string(log->site[hazard.site].line);
        for (uint32_t n = 0; n < hazard.note_count; n++)
            if (hazard.note[n].role == NS_NOTE_WROTE)
                what += "<" + std::to_string(log->site[log->event[hazard.note[n].event].site].line);
        got.hazards.push_back(what);
        got.repeats.push_back(hazard.repeats);
        got.shown.push_back(log->lines[log->site[hazard.site].line - 1]);
    }
    ns_log_destroy(log);
    ns_timed_release(result);
    return got;
}

uint64_t spent(const outcome &got, unsigned part) {
    return got.stats.part_ps[0][part];
}

TEST(Timed, three_accesses_take_what_their_parts_add_up_to) {
    ns_test::in_child([] {
        // A line of 64 bytes is 8 beats of 2 ns, 16 ns; with 10 ns of the bus and 50 ns of memory a fill takes 76 ns.
        // The first access walks the page table before: two entries (the leaf maps 2 MiB), each of another page, so
        // two lines filled and two L1 accesses. Then one miss, a hit in the same line, and a hit of 16 bytes, which are
        // two words: 3 cycles each.
        //   L1      3 + 3 (walk) + 3 + 3 + 6       =  18 ns
        //   memory  76 + 76 (walk) + 76            = 228 ns
        const outcome got = run_trace("r 7fff0000 8\nw 7fff0008 4\nr 7fff0010 10\n", plain_machine());
        EXPECT_EQ(got.exit, NS_EXIT_HELD);
        EXPECT_EQ(spent(got, NS_TIME_LEVEL), 18000u);
        EXPECT_EQ(spent(got, NS_TIME_MEMORY), 228000u);
        EXPECT_EQ(got.stats.time_ps[0], 246000u);
        EXPECT_EQ(got.end_ps, 246000u);
        EXPECT_EQ(got.stats.l1[0].load_hits, 1u);
        EXPECT_EQ(got.stats.l1[0].load_misses, 3u);
        EXPECT_EQ(got.stats.l1[0].store_hits, 1u);
        EXPECT_EQ(got.stats.caches.bytes, 3u * 64);
        EXPECT_EQ(got.stats.caches.busy_ps, 3u * 16000);
        EXPECT_EQ(got.pages, 1u);
    });
}

TEST(Timed, a_dirty_line_that_has_to_go_costs_its_way_to_memory) {
    ns_test::in_child([] {
        // One set: a cache of 128 bytes with two ways. Behind the walk (two fills, of lines that both stay) the store
        // fills its line in place of the older entry's, and the two reads then put out the other entry's line and the
        // dirty one: 5 fills and 1 write-back of 76 ns, and 5 L1 accesses.
        ns_machine_config machine = plain_machine();
        machine.cache.level[0].size = 128;
        const outcome got = run_trace("w 1000 8\nr 1040 8\nr 1080 8\n", machine);
        EXPECT_EQ(spent(got, NS_TIME_MEMORY), 6u * 76000);
        EXPECT_EQ(spent(got, NS_TIME_LEVEL), 5u * 3000);
        EXPECT_EQ(got.stats.l1[0].write_backs, 1u);
    });
}

TEST(Timed, a_second_tlb_costs_its_look_up_where_the_first_does_not_hold_a_page) {
    ns_test::in_child([] {
        // Pages of 4 KiB: a walk is three loads, of three pages that share a set of 4 ways. The data lie in other sets.
        //   first read    TLB 5, walk 3 x (3 + 76), data 3 + 76
        //   second page   TLB 5, walk 3 x 3: its entry lies in the line of the first page's; data 3 + 76
        //   first page    TLB 5: the first level has one place; data 3
        //   once more     data 3
        ns_machine_config machine = plain_machine();
        machine.cache.level[0].size = 4096;
        machine.cache.level[0].ways = 4;
        machine.tlb_entries = 1;
        machine.second_tlb_entries = 4;
        machine.second_tlb_cycles = 5;
        machine.small_pages = true;
        const outcome got = run_trace("r 100 8\nr 1140 8\nr 100 8\nr 108 8\n", machine);
        EXPECT_EQ(spent(got, NS_TIME_TRANSLATION), 15000u);
        EXPECT_EQ(spent(got, NS_TIME_LEVEL), 12000u + 12000u + 3000u + 3000u);
        EXPECT_EQ(spent(got, NS_TIME_MEMORY), 5u * 76000);
        EXPECT_EQ(got.stats.time_ps[0], 425000u);
        EXPECT_TRUE(got.stats.second_tlb);
        EXPECT_EQ(got.stats.tlb[0].second_hits, 1u);
        EXPECT_EQ(got.stats.tlb[0].walks, 2u);
    });
}

TEST(Timed, the_hart_waits_while_the_device_is_at_work) {
    ns_test::in_child([] {
        // One burst of 64 bytes: 10 + 16 + 50 ns.
        const outcome got = run_trace("d 1000 40\n", plain_machine());
        EXPECT_EQ(spent(got, NS_TIME_WAITING), 76000u);
        EXPECT_EQ(got.end_ps, 76000u);
        EXPECT_EQ(got.stats.master[1].bytes, 64u);
        EXPECT_TRUE(got.hazards.empty());
    });
}

struct story {
    const char *promise, *trace;
    std::vector<std::string> hazards;
};

const story stories[] = {
    {"a device reads what is dirty in the cache", "w 1000 4\nd 1000 4\n", {"DC-CLEAN-MISSING@2<1"}},
    {"a clean before it brings it the bytes", "w 1000 4\nc 1000 4\nd 1000 4\n", {}},
    {"so does a flush", "w 1000 4\nf 1000 4\nd 1000 4\n", {}},
    {"a clean before the last store is too early", "w 1000 4\nc 1000 4\nw 1000 4\nd 1000 4\n", {"DC-EARLY-SYNC@4<3"}},
    {"an invalidate is the wrong operation, and destroys the bytes",
     "w 1000 4\nv 1000 4\nd 1000 4\n",
     {"DC-WRONG-OP@3<1"}},
    {"the hart reads a line that it had before the device wrote",
     "r 1000 4\nD 1000 40\nr 1000 4\n",
     {"DC-INVAL-MISSING@3<2"}},
    {"an invalidate after the device brings it the new bytes", "r 1000 4\nD 1000 40\nv 1000 40\nr 1000 4\n", {}},
    {"a line that was not there before is read anew", "D 1000 40\nr 1000 4\n", {}},
    {"bytes beside those that the device writes are not stale", "r 1000 4\nD 1004 4\nr 1000 4\n", {}},
    {"a dirty line is written back over what the device wrote",
     "w 1000 4\nD 1004 4\nf 1000 4\n",
     {"LS-WB-NEIGHBOUR@3<2"}},
    {"an access of nobody's page puts the dirty line out",
     "w 1000 4\nD 1004 4\nr 2000 4\nr 3000 4\nr 4000 4\n",
     {"LS-WB-NEIGHBOUR@4<2"}},
    {"what a device never touches is nobody's hazard", "w 1000 4\nD 2000 40\nr 1000 4\n", {}},
    {"stack addresses have a page of their own", "w 7ffffffff000 4\nd 7ffffffff000 4\n", {"DC-CLEAN-MISSING@2<1"}},
};

TEST(Timed, hazards_are_those_of_a_run_and_name_the_lines_of_the_trace) {
    for (const story &one : stories)
        ns_test::in_child([&] {
            ns_machine_config machine = plain_machine();
            machine.cache.level[0].size = 128; // two lines
            const outcome got = run_trace(one.trace, machine);
            EXPECT_EQ(got.hazards, one.hazards) << one.promise;
        });
}

TEST(Timed, a_device_access_of_many_pages_reaches_each_where_it_lies) {
    ns_test::in_child([] {
        // Pages are placed by first use: 0x3000, then 0x1000, then 0x2000. The device's 12 KiB from 0x1000 on are two
        // pieces, and what is wrong in the second is the same hazard once more.
        const outcome got = run_trace("w 3ff8 8\nw 1000 8\nd 1000 3000\n", plain_machine());
        EXPECT_EQ(got.hazards, std::vector<std::string>{"DC-CLEAN-MISSING@3<2"});
        EXPECT_EQ(got.repeats, std::vector<unsigned>{1});
        EXPECT_EQ(got.stats.master[1].bytes, 0x3000u);
        EXPECT_EQ(got.pages, 3u);
    });
}

// A trace of loads and stores, with some locality, and now and then one of many bytes.
std::string random_trace(uint64_t seed, size_t length, bool devices) {
    std::mt19937_64 random(seed);
    std::string text;
    uint64_t at = 0x7fff0000;
    for (size_t i = 0; i < length; i++) {
        char line[64];
        if (random() % 8 == 0)
            at = 0x10000 * (random() % 3) + random() % 0x6000;
        at += random() % 24;
        const unsigned size = random() % 16 == 0 ? 1 + static_cast<unsigned>(random() % 200) : 1u << random() % 4;
        static const char records[] = "dDcvf";
        const char kind = devices && random() % 50 == 0 ? records[random() % 5] : random() % 3 == 0 ? 'w' : 'r';
        snprintf(line, sizeof line, "%c %llx %x\n", kind, static_cast<unsigned long long>(at), size);
        text += line;
    }
    return text;
}

ns_machine_config random_machine(uint64_t seed) {
    std::mt19937_64 random(seed);
    ns_machine_config machine = plain_machine();
    machine.cache.level[0] = {
        1024, 2, 32, static_cast<ns_replacement>(random() % 4), random() % 4 == 0, random() % 4 == 0};
    machine.cache.levels = 1 + static_cast<unsigned>(random() % 2);
    machine.cache.level[1] = {4096, 4, 64, static_cast<ns_replacement>(random() % 4), random() % 4 == 0, false};
    snprintf(machine.level_name[1], sizeof machine.level_name[1], "L2");
    machine.level_hit_cycles[1] = 11;
    if (machine.cache.levels == 2 && random() % 3 == 0)
        machine.cache.inclusion = NS_INCLUSION_INCLUSIVE;
    machine.outstanding_loads = random() % 2 == 0 ? 1 : 4;
    machine.write_back_buffer = random() % 2 == 0 ? 0 : 4;
    machine.prefetch_next_line = random() % 3 == 0;
    if (random() % 3 == 0) {
        machine.stride = {4, 8, 2};
    }
    if (random() % 3 == 0)
        ns_dram_config_default(&machine.dram, ns_dram_grade_find("DDR3-800D", 9));
    machine.tlb_entries = 1 + static_cast<unsigned>(random() % 3);
    if (random() % 2 == 0) {
        machine.second_tlb_entries = machine.tlb_entries + static_cast<unsigned>(random() % 5);
        machine.second_tlb_cycles = static_cast<uint32_t>(random() % 9);
    }
    machine.small_pages = random() % 2 == 0;
    if (random() % 2 == 0) {
        for (unsigned level = 0; level < machine.cache.levels; level++) {
            machine.level_mshrs[level] = static_cast<uint32_t>(random() % 5);
            machine.level_every_cycles[level] = static_cast<uint32_t>(random() % 4);
        }
        machine.passing_stores = static_cast<uint32_t>(random() % 4);
        machine.loads_pass = random() % 3 == 0;
    }
    if (machine.cache.levels == 2 && random() % 2 == 0) { // more than a page in a way, so that frames matter
        machine.cache.level[1].size = 64u << 10;
        machine.cache.scattered_frames = true;
    }
    return machine;
}

// The way of accesses that nobody watches is a short one; each count and each time is that of the long one, which is
// that of a scenario's loads and stores.
TEST(Timed, unwatched_accesses_take_the_time_of_watched_ones) {
    const char *given = std::getenv("NS_TEST_SEED");
    for (uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 1, end = seed + 40; seed < end;
         seed++) {
        std::string results[2];
        for (const bool watch_all : {false, true}) {
            int ends[2];
            ASSERT_EQ(pipe(ends), 0);
            ns_test::in_child([&] {
                const outcome got = run_trace(random_trace(seed, 3000, seed % 2 == 0), random_machine(seed), watch_all);
                std::string text = std::to_string(got.exit) + " " + std::to_string(got.end_ps);
                for (const uint64_t part : got.stats.part_ps[0])
                    text += " " + std::to_string(part);
                for (unsigned level = 0; level < 2; level++) {
                    const ns_cache_stats &stats = got.stats.level[level];
                    for (const uint64_t count :
                         {stats.load_hits, stats.load_misses, stats.store_hits, stats.store_misses, stats.fills,
                          stats.write_backs, stats.evictions, stats.prefetches, stats.discards})
                        text += " " + std::to_string(count);
                }
                for (const std::string &hazard : got.hazards)
                    text += " " + hazard;
                const ssize_t written = write(ends[1], text.data(), text.size());
                EXPECT_EQ(written, static_cast<ssize_t>(text.size()));
            });
            close(ends[1]);
            char piece[4096];
            for (ssize_t count; (count = read(ends[0], piece, sizeof piece)) > 0;)
                results[watch_all].append(piece, static_cast<size_t>(count));
            close(ends[0]);
        }
        EXPECT_EQ(results[false], results[true]) << "seed " << seed;
        EXPECT_EQ(results[false].substr(0, 2), "0 ") << "seed " << seed;
    }
}

} // namespace
