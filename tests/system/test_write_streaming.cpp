// SPDX-License-Identifier: Apache-2.0
//
// `write-streaming`, in picoseconds. An L1 of 8 sets and 2 ways over an inclusive L2 of 64 KiB, which so holds whatever
// L1 holds: without write streaming each line that is stored is read first. L1 takes 2 ns for a word of 8 bytes, L2 10
// for a line; a line from memory has the bus for 8 beats of 2 ns, interconnect and memory take 10 + 60 ns more.
#include "bench.h"
#include "rig.h"

#include <random>

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000, elsewhere = A + 0x8000;
constexpr uint64_t word = 2000, look_up = 10000, from_memory = 16000 + 70000;
constexpr uint64_t line_read = 8 * word + look_up + from_memory, line_streamed = 8 * word + look_up;
using Times = std::vector<uint64_t>;

void make(rig &r, unsigned lines) {
    r.two_levels();
    r.config.cache.inclusion = NS_INCLUSION_INCLUSIVE;
    r.config.write_streaming = lines;
    r.build();
}

// The times of a hart's stores of `length` bytes, one behind the other from A on.
Times stores(rig &r, uint64_t offset, unsigned count, uint32_t length = 64) {
    Times times;
    for (unsigned i = 0; i < count; i++)
        times.push_back(r.time_of([&] { r.store(0, A + offset + i * length, Bytes(length, 0x5A)); }));
    return times;
}

// A hart's program behind its first translation, on a machine that reads so many lines first.
void on_hart(unsigned lines, const std::function<void(rig &)> &program) {
    in_child([&] {
        rig r;
        make(r, lines);
        r.run_on_hart([&] {
            r.load(0, elsewhere, 8);
            program(r);
        });
    });
}

// A child's findings.
std::string said_by(const std::function<std::string()> &body) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    in_child([&] {
        const std::string text = body();
        EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    });
    close(ends[1]);
    std::string text;
    char piece[4096];
    for (ssize_t count; (count = read(ends[0], piece, sizeof piece)) > 0;)
        text.append(piece, static_cast<size_t>(count));
    close(ends[0]);
    return text;
}

// What the caches moved on the bus, in lines.
uint64_t lines_moved(unsigned streaming, unsigned lines, uint32_t length) {
    return std::stoull(said_by([&] {
        rig r;
        make(r, streaming);
        r.run_on_hart([&] {
            r.load(0, elsewhere, 8);
            stores(r, 0, lines * 64 / length, length);
        });
        return std::to_string(r.log->stats.caches.bursts);
    }));
}

TEST(WriteStreaming, IsOffUnlessTheMachineSaysIt) {
    ns_machine_config config;
    ns_machine_config_default(&config);
    EXPECT_EQ(config.write_streaming, 0u);
    on_hart(0, [](rig &r) { EXPECT_EQ(stores(r, 0, 5), Times(5, line_read)); });
}

TEST(WriteStreaming, ReadsTheFirstLinesOfARunAndNoOthers) {
    on_hart(2, [](rig &r) {
        EXPECT_EQ(stores(r, 0, 5), (Times{line_read, line_read, line_streamed, line_streamed, line_streamed}));
    });
    const uint64_t others = lines_moved(2, 0, 64); // the translation, and one load
    EXPECT_EQ(lines_moved(0, 5, 64) - others, 5u);
    EXPECT_EQ(lines_moved(2, 5, 64) - others, 2u);
    EXPECT_EQ(lines_moved(2, 5, 8) - others, 2u) << "word by word";
    EXPECT_EQ(lines_moved(3, 5, 16) - others, 3u);
}

// The first word of a line looks L2 up; the others find it in L1.
TEST(WriteStreaming, GathersTheWordsOfALine) {
    on_hart(1, [](rig &r) {
        Times expected(24, word);
        expected[0] += look_up + from_memory;
        expected[8] += look_up;
        expected[16] += look_up;
        EXPECT_EQ(stores(r, 0, 24, 8), expected);
    });
}

TEST(WriteStreaming, OfOneLongStoreIsTheSame) {
    on_hart(2, [](rig &r) {
        // 5 lines: 40 words, 5 look-ups, and two lines from memory.
        EXPECT_EQ(stores(r, 0, 1, 5 * 64), Times{40 * word + 5 * look_up + 2 * from_memory});
    });
}

TEST(WriteStreaming, CountsNoLineInPart) {
    on_hart(1, [](rig &r) {
        EXPECT_EQ(stores(r, 32, 1, 32), Times{4 * word + look_up + from_memory});
        EXPECT_EQ(stores(r, 64, 2), (Times{line_read, line_streamed}));
    });
}

TEST(WriteStreaming, BeginsAnewBehindAGap) {
    on_hart(2, [](rig &r) {
        EXPECT_EQ(stores(r, 0, 3), (Times{line_read, line_read, line_streamed}));
        EXPECT_EQ(stores(r, 256, 3), (Times{line_read, line_read, line_streamed})); // line 3 is left out
        EXPECT_EQ(stores(r, 456, 1, 56), Times{7 * word + look_up + from_memory});  // its first word is
        EXPECT_EQ(stores(r, 512, 3), (Times{line_read, line_read, line_streamed}));
    });
}

TEST(WriteStreaming, BeginsAnewWhereItGoesBack) {
    on_hart(2, [](rig &r) {
        EXPECT_EQ(stores(r, 0, 2), (Times{line_read, line_read}));
        EXPECT_EQ(stores(r, 64, 3), (Times{8 * word, line_read, line_streamed}));
    });
}

// What was stored of the line is not enough: it is read when that shows.
TEST(WriteStreaming, ReadsALineThatAStoreElsewhereLeavesUnfinished) {
    on_hart(2, [](rig &r) {
        stores(r, 0, 2);
        EXPECT_EQ(stores(r, 128, 1, 8), Times{word + look_up});
        EXPECT_EQ(stores(r, 0x4000, 1, 8), Times{from_memory + word + look_up + from_memory});
        EXPECT_EQ(stores(r, 136, 1, 8), Times{word}) << "it is there";
        EXPECT_EQ(stores(r, 192, 1), Times{line_read}) << "and the run has ended";
    });
}

TEST(WriteStreaming, ReadsALineThatIsLoadedBeforeItsEnd) {
    on_hart(2, [](rig &r) {
        stores(r, 0, 2);
        stores(r, 128, 1, 8);
        EXPECT_EQ(r.time_of([&] { r.load(0, A + 128, 8); }), from_memory + word);
        EXPECT_EQ(r.time_of([&] { r.load(0, A + 128, 8); }), word);
        EXPECT_EQ(stores(r, 136, 7, 8), Times(7, word));
        EXPECT_EQ(stores(r, 192, 1), Times{line_read});
    });
}

TEST(WriteStreaming, GoesOnOverLoadsOfOtherLines) {
    on_hart(2, [](rig &r) {
        stores(r, 0, 2);
        stores(r, 128, 1, 8);
        EXPECT_EQ(r.time_of([&] { r.load(0, elsewhere, 8); }), word);
        EXPECT_EQ(r.time_of([&] { r.load(0, A + 64, 8); }), word);
        EXPECT_EQ(stores(r, 136, 7, 8), Times(7, word));
        EXPECT_EQ(r.time_of([&] { r.load(0, A + 128, 8); }), word) << "it is covered now";
        EXPECT_EQ(stores(r, 192, 1), Times{line_streamed});
    });
}

// A fence is for what was stored; a line that is covered is done.
TEST(WriteStreaming, ReadsAnUnfinishedLineBeforeAFence) {
    on_hart(2, [](rig &r) {
        const uint64_t alone = r.time_of([&] { r.fence(0); });
        stores(r, 0, 3);
        EXPECT_EQ(r.time_of([&] { r.fence(0); }), alone);
        EXPECT_EQ(stores(r, 192, 1), Times{line_streamed}) << "the run goes on behind it";
        stores(r, 256, 1, 8);
        EXPECT_EQ(r.time_of([&] { r.fence(0); }), from_memory + alone);
    });
}

// A clean takes 4 ns a line and the write-back. What a device reads then is what was stored.
TEST(WriteStreaming, ReadsAnUnfinishedLineBeforeItIsCleaned) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        make(r, 2);
        r.on_device(dev, [&] {
            r.dma_write(dev, A + 256, Bytes(64, 0x77));
            ns_device_start(r.machine, dev);
            Bytes line(64, 0x77);
            std::fill_n(line.begin(), 8, uint8_t{0x5A});
            EXPECT_EQ(r.dma_read(dev, A + 192, 64), Bytes(64, 0x5A));
            EXPECT_EQ(r.dma_read(dev, A + 256, 64), line);
        });
        r.on(0, [&] {
            r.load(0, elsewhere, 8); // the device has written long before the first store
            stores(r, 0, 4);
            const uint64_t clean = 4000 + from_memory;
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_CLEAN, A + 192, 64); }), clean);
            stores(r, 256, 1, 8);
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_CLEAN, A + 256, 64); }), from_memory + clean);
            EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK);
        });
        EXPECT_EQ(r.run(), NS_OK);
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(WriteStreaming, LetsOtherHartsSeeEveryByte) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        make(r, 2);
        r.on(0, [&] {
            stores(r, 0, 4);
            stores(r, 256, 1, 8);
        });
        r.on(1, [&] {
            for (uint64_t at = 0; at < 264; at += 8) // until the other one has been there
                while (r.load(1, A + at, 8) != Bytes(8, 0x5A))
                    ;
            r.store(1, A + 264, Bytes(56, 0x11));
        });
        EXPECT_EQ(r.run(), NS_OK);
        Bytes seen(64);
        ASSERT_EQ(ns_machine_cpu_view(r.machine, 0, A + 256, 64, seen.data()), NS_OK);
        Bytes expected(64, 0x11);
        std::fill_n(expected.begin(), 8, uint8_t{0x5A});
        EXPECT_EQ(seen, expected);
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

// Lines of 32 bytes in one level. A store of 128 bytes leaves out most of the third line, by its byte enables: that
// line is read behind the two whole ones after all, in 10 + 4 x 2 + 60 ns. With all bytes there is nothing to read.
TEST(WriteStreaming, BeginsAnewBehindBytesThatAreNotEnabled) {
    for (const unsigned end_of_gap : {72u, 96u})
        in_child([end_of_gap] {
            bench_options options;
            options.levels = 1;
            options.streaming = 2;
            bench made("bench", options);
            made.harts[0]->program = [&] {
                Bytes data(128, 0x5A), enable(128, TLM_BYTE_ENABLED);
                std::fill(enable.begin() + 72, enable.begin() + end_of_gap, uint8_t{TLM_BYTE_DISABLED});
                tlm::tlm_generic_payload payload;
                ns::set_payload(payload, tlm::TLM_WRITE_COMMAND, ram_start, data.data(), 128);
                payload.set_byte_enable_ptr(enable.data());
                payload.set_byte_enable_length(128);
                sc_core::sc_time delay;
                made.harts[0]->socket->b_transport(payload, delay);
                EXPECT_TRUE(payload.is_response_ok());
                EXPECT_EQ(sc_core::sc_time_stamp(), bench::ns(end_of_gap == 72 ? 0 : 78));
            };
            sc_core::sc_start();
            made.expect_no_complaints();
        });
}

// ---- where misses overlap -----------------------------------------------------------------------

// L1 takes a word each ns then. A line is asked for at once; it is there 86 ns later, and 10 + 2 + 7 ns behind that the
// store has ended. Of a streamed line only the latter is left.
TEST(WriteStreaming, OfStoresThatAreWaitedForTakesTheLookUps) {
    in_child([] {
        rig r;
        r.config.level_mshrs[0] = 4;
        make(r, 2);
        r.run_on_hart([&] {
            r.load(0, elsewhere, 8);
            EXPECT_EQ(stores(r, 0, 4), (Times{105000, 105000, 19000, 19000}));
            EXPECT_EQ(r.time_of([&] { r.load(0, elsewhere + 64, 8); }), from_memory + look_up + word) << "as ever";
            stores(r, 256, 1, 8);
            EXPECT_EQ(r.time_of([&] { r.load(0, A + 264, 8); }), from_memory + word);
        });
    });
}

// Stores that pass wait for the 16 ns of the beats, which hide the words; a streamed line has none, and 2 + 7 ns
// remain. Of one MSHR the two lines that are read wait for each other, but the others need none.
TEST(WriteStreaming, OfStoresThatPassTakesTheirWordsAndNoMshr) {
    for (const unsigned mshrs : {4u, 1u})
        in_child([mshrs] {
            rig r;
            r.config.level_mshrs[0] = mshrs;
            r.config.passing_stores = 2;
            make(r, 2);
            r.run_on_hart([&] {
                r.load(0, elsewhere, 8);
                r.fence(0);
                // The first is there at 86; with one MSHR the second begins then, 70 behind the end of the first.
                EXPECT_EQ(stores(r, 0, 4), (Times{16000, mshrs == 1 ? 70000u + 16000 : 16000, 9000, 9000}));
            });
        });
}

// An L2 of 64 lines, all stored to: each further line pushes one out, whose 16 ns on the bus hide the 9 of the store.
// The buffer has room: a write-back is over after 86 ns, and there are 8 places.
TEST(WriteStreaming, BehindAFullCacheTakesTheBeatsOfTheWriteBacks) {
    in_child([] {
        rig r;
        r.two_levels();
        r.config.cache.level[1].size = 4096;
        r.config.cache.inclusion = NS_INCLUSION_INCLUSIVE;
        r.config.level_mshrs[0] = 4;
        r.config.passing_stores = 2;
        r.config.write_back_buffer = 8;
        r.config.write_streaming = 2;
        r.build();
        r.run_on_hart([&] {
            r.store(0, A + 0x4000 - 8, Bytes(8)); // the translation
            stores(r, 0, 128);
            EXPECT_EQ(stores(r, 128 * 64, 16), Times(16, 16000));
        });
    });
}

// L2 takes a line every 40 ns: so does the hart.
TEST(WriteStreaming, WaitsForALevelThatIsBusy) {
    in_child([] {
        rig r;
        r.config.level_every_cycles[1] = 40;
        r.config.passing_stores = 2;
        make(r, 1);
        r.run_on_hart([&] {
            r.load(0, elsewhere, 8);
            r.fence(0);
            stores(r, 0, 2);
            EXPECT_EQ(stores(r, 128, 8), Times(8, 40000));
        });
    });
}

// ---- what must not change -----------------------------------------------------------------------

struct Hardware {
    const char *name;
    void (*set)(ns_machine_config &);
};
const Hardware hardware[] = {
    {"inclusive", [](ns_machine_config &c) { c.cache.inclusion = NS_INCLUSION_INCLUSIVE; }},
    {"neither", [](ns_machine_config &) {}},
    {"exclusive", [](ns_machine_config &c) { c.cache.inclusion = NS_INCLUSION_EXCLUSIVE; }},
    {"write-through", [](ns_machine_config &c) { c.cache.level[0].write_through = true; }},
    {"no write-allocate", [](ns_machine_config &c) { c.cache.level[0].no_write_allocate = true; }},
    {"late maintenance", [](ns_machine_config &c) { c.cache.late_write_backs = 3; }},
    {"one level", [](ns_machine_config &c) { c.cache.levels = 1; }},
    {"fills at the same time", [](ns_machine_config &c) { c.outstanding_loads = 4; }},
    {"hops",
     [](ns_machine_config &c) {
         c.cache.inclusion = NS_INCLUSION_INCLUSIVE;
         c.level_mshrs[0] = 2;
         c.level_every_cycles[1] = 3;
         c.passing_stores = 3;
         c.write_back_buffer = 2;
     }},
    {"hops that wait",
     [](ns_machine_config &c) {
         c.cache.inclusion = NS_INCLUSION_INCLUSIVE;
         c.level_mshrs[1] = 2;
         c.outstanding_loads = 4;
     }},
};

struct Access {
    uint64_t address;
    uint32_t length;
    enum { load, store, clean, flush, fence } what;
};

// Runs of stores, which often break off, and loads and maintenance near them.
std::vector<Access> random_accesses(uint64_t seed, bool plain) {
    std::mt19937_64 random(seed);
    std::vector<Access> all;
    while (all.size() < 1500) {
        uint64_t at = A + random() % 0x4000 / 8 * 8;
        const uint32_t length = uint32_t{1} << (3 + random() % 5); // 8 to 128
        for (uint64_t count = random() % 40; count > 0; count--) {
            all.push_back({at, length, Access::store});
            if (random() % 12 == 0)
                all.push_back({at - random() % 128 / 8 * 8, 8, Access::load});
            if (!plain && random() % 30 == 0)
                all.push_back({at - random() % 128, 64, random() % 2 == 0 ? Access::clean : Access::flush});
            if (!plain && random() % 30 == 0)
                all.push_back({at, 8, Access::fence});
            at += length;
        }
    }
    return all;
}

void configure(rig &r, const Hardware &one, unsigned lines) {
    r.two_levels();
    r.config.cache.level[1].size = 4096;
    one.set(r.config);
    r.config.write_streaming = lines;
    r.build();
}

std::string counts_of(const rig &r) {
    std::string text;
    for (unsigned level = 0; level < 2; level++) {
        const ns_cache_stats &s = r.log->stats.level[level];
        for (const uint64_t count : {s.load_hits, s.load_misses, s.store_hits, s.store_misses, s.fills, s.evictions,
                                     s.write_backs, s.discards, s.named_present, s.named_absent})
            text += std::to_string(count) + " ";
    }
    return text + std::to_string(r.log->event_count) + " " + r.hazards();
}

// It is time alone: every byte loaded, every byte of memory at the end, each count and each event are the same.
TEST(WriteStreaming, ChangesNoByteAndNoCount) {
    for (const Hardware &one : hardware)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            const auto outcome = [&](unsigned lines) {
                return said_by([&] {
                    rig r;
                    configure(r, one, lines);
                    std::string text;
                    r.run_on_hart([&] {
                        uint8_t value = 0;
                        Bytes flat(0x8000);
                        for (const Access &access : random_accesses(seed, false)) {
                            switch (access.what) {
                            case Access::load:
                                EXPECT_EQ(r.load(0, access.address, access.length),
                                          Bytes(flat.begin() + static_cast<ptrdiff_t>(access.address - A + 0x1000),
                                                flat.begin() + static_cast<ptrdiff_t>(access.address - A + 0x1000 +
                                                                                      access.length)));
                                break;
                            case Access::store:
                                r.store(0, access.address, Bytes(access.length, ++value));
                                std::fill_n(flat.begin() + static_cast<ptrdiff_t>(access.address - A + 0x1000),
                                            access.length, value);
                                break;
                            case Access::fence:
                                r.fence(0);
                                break;
                            default:
                                r.maintain(0, access.what == Access::clean ? NS_CACHE_CLEAN : NS_CACHE_FLUSH,
                                           access.address, access.length);
                            }
                        }
                    });
                    const Bytes memory = r.memory(A - 0x1000, 0x8000);
                    text += std::to_string(std::hash<std::string>()(std::string(memory.begin(), memory.end())));
                    return text + " " + counts_of(r);
                });
            };
            EXPECT_EQ(outcome(0), outcome(2)) << one.name << ", seed " << seed;
        }
}

// A hart that runs ahead (ns_hart_touch) ends when one that waits for each access does.
TEST(WriteStreaming, TakesTheSameTimeWithoutTransactionsForHits) {
    for (const Hardware &one : hardware)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            const auto outcome = [&](bool touches) {
                return said_by([&] {
                    rig r;
                    configure(r, one, 2);
                    const std::vector<Access> accesses = random_accesses(seed, true);
                    r.run_on_hart([&] {
                        std::vector<ns_touch> all;
                        for (const Access &access : accesses)
                            all.push_back({access.address, access.length, access.what == Access::store});
                        size_t done = 0;
                        if (touches) {
                            ns_machine_watch_only(r.machine, 0, 0);
                            EXPECT_EQ(ns_hart_touch(r.machine, 0, all.data(), all.size(), nullptr, nullptr, &done),
                                      NS_OK);
                            return;
                        }
                        for (const Access &access : accesses) {
                            if (access.what == Access::load)
                                r.load(0, access.address, access.length);
                            else
                                r.store(0, access.address, Bytes(access.length, 1));
                        }
                    });
                    return std::to_string(r.log->stats.time_ps[0]) + " " + std::to_string(r.log->stats.caches.bursts);
                });
            };
            EXPECT_EQ(outcome(false), outcome(true)) << one.name << ", seed " << seed;
        }
}

} // namespace
