// SPDX-License-Identifier: Apache-2.0
// The counting levels against the data-holding caches of cache/, access by access, on random geometries and streams.
#include "support.h"

#include <cstring>
#include <random>

namespace {

// Debug builds check the caches of cache/ after every access, which takes most of the time.
#ifdef NDEBUG
constexpr uint64_t kRounds = 120;
#else
constexpr uint64_t kRounds = 24;
#endif

class Random {
  public:
    explicit Random(uint64_t seed) : engine(seed) {}
    uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine() % n); }
    bool chance(uint32_t percent) { return below(100) < percent; }

  private:
    std::mt19937_64 engine;
};

// What goes to memory and comes from it, in order.
struct Event {
    bool write;
    uint64_t address;
    uint32_t size;
    bool operator==(const Event &other) const {
        return write == other.write && address == other.address && size == other.size;
    }
};

ns_cache_level_config random_level(Random &random, uint32_t line) {
    const uint32_t sets = 1u << random.below(4);
    const auto policy = static_cast<ns_replacement>(random.below(4));
    uint32_t ways = 1 + random.below(random.chance(30) ? 24 : 9);
    if (policy == NS_REPLACE_TREE_PLRU)
        ways = 1u << random.below(5);
    return geometry(sets * ways * line, ways, line, policy, random.chance(25), random.chance(25));
}

std::string describe(const ns_cache_config &config) {
    std::string text;
    for (unsigned i = 0; i < config.levels; i++) {
        const ns_cache_level_config &l = config.level[i];
        text += " L" + std::to_string(i + 1) + ": size " + std::to_string(l.size) + " ways " + std::to_string(l.ways) +
                " line " + std::to_string(l.line) + " policy " + std::to_string(l.replacement) +
                (l.write_through ? " wt" : "") + (l.no_write_allocate ? " nwa" : "");
    }
    return text;
}

// Some accesses near each other, some near the ends of what addresses can be; of all sizes.
class Stream {
  public:
    Stream(Random &source, unsigned bits) : random(source), base(random.chance(50) ? 0 : (UINT64_C(1) << bits) / 2) {
        if (random.chance(20))
            base = (UINT64_C(1) << bits) - 16384;
    }
    void next(Trace &trace) {
        const uint32_t size =
            random.chance(80) ? 1u << random.below(4) : 1 + random.below(random.chance(90) ? 100 : 4096);
        const uint64_t offset = random.chance(70) ? random.below(1024) : random.below(8192);
        trace.add(random.chance(40) ? NS_ACCESS_WRITE : NS_ACCESS_READ, base + (offset & ~(size < 16 ? size - 1 : 0)),
                  size);
    }

  private:
    Random &random;
    uint64_t base;
};

class Reference {
  public:
    explicit Reference(const ns_cache_config &config) : levels(config.levels), cache(nullptr, ns_cache_destroy) {
        const ns_cache_backing memory = {this, read, write};
        cache.reset(ns_cache_create(&config, &memory, nullptr));
    }
    void access(uint64_t address, uint16_t what) {
        uint8_t data[NS_ACCESS_MAX_SIZE] = {};
        const uint32_t size = ns_access_size_of(what);
        if (ns_access_kind_of(what) == NS_ACCESS_WRITE)
            ASSERT_EQ(ns_cache_store(cache.get(), 0, address, size, data, nullptr, nullptr), NS_OK);
        else
            ASSERT_EQ(ns_cache_load(cache.get(), 0, address, size, data, nullptr, nullptr), NS_OK);
    }
    uint64_t dirty(unsigned level) const {
        std::pair<unsigned, uint64_t> count{level, 0};
        ns_cache_for_each(
            cache.get(),
            [](void *context, unsigned at, unsigned, const ns_cache_copy *copy) {
                auto *so_far = static_cast<std::pair<unsigned, uint64_t> *>(context);
                so_far->second += at == so_far->first && copy->state == NS_LINE_DIRTY;
                return true;
            },
            &count);
        return count.second;
    }
    void expect_equal(unsigned level, const ns_level_counts &got) const {
        ns_cache_stats stats;
        ns_cache_get_stats(cache.get(), level, &stats);
        EXPECT_EQ(got.reads, stats.load_hits + stats.load_misses);
        EXPECT_EQ(got.read_misses, stats.load_misses);
        EXPECT_EQ(got.writes, stats.store_hits + stats.store_misses);
        EXPECT_EQ(got.write_misses, stats.store_misses);
        EXPECT_EQ(got.fills, stats.fills);
        EXPECT_EQ(got.evictions, stats.evictions);
        EXPECT_EQ(got.writebacks, stats.write_backs);
        EXPECT_EQ(got.writebacks_final, stats.write_backs + dirty(level));
    }

    std::vector<Event> events;
    unsigned levels;

  private:
    static ns_status read(void *context, uint64_t address, uint32_t length, uint8_t *, ns_version *) {
        static_cast<Reference *>(context)->events.push_back({false, address, length});
        return NS_OK;
    }
    static ns_status write(void *context, uint64_t address, uint32_t length, const uint8_t *, const ns_version *) {
        static_cast<Reference *>(context)->events.push_back({true, address, length});
        return NS_OK;
    }
    std::unique_ptr<ns_cache, void (*)(ns_cache *)> cache;
};

// One level: what memory sees is the same, in the same order, after every access.
TEST(Equality, MemorySeesTheSameAccessesInTheSameOrder) {
    const uint64_t seed = test_seed();
    std::vector<uint64_t> below_address(8192);
    std::vector<uint16_t> below_what(8192);
    for (uint64_t round = 0; round < kRounds; round++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
        Random random(seed + round);
        ns_cache_config config{};
        config.harts = config.levels = 1;
        config.seed = random.below(1000);
        config.level[0] = random_level(random, 16u << random.below(5));
        Reference reference(config);
        std::unique_ptr<ns_level, void (*)(ns_level *)> level(ns_level_create(&config.level[0], config.seed, 0),
                                                              ns_level_destroy);
        if (random.chance(25))
            ns_level_make_portable(level.get());
        Stream stream(random, random.chance(30) ? 30 : 56);
        for (int i = 0; i < 600; i++) {
            Trace one;
            stream.next(one);
            reference.events.clear();
            ASSERT_NO_FATAL_FAILURE(reference.access(one.address[0], one.what[0]));
            ns_accesses below = {below_address.data(), below_what.data(), 0};
            const ns_accesses access = one.accesses();
            ASSERT_EQ(ns_level_run(level.get(), &access, 0, &below, below_address.size()), 1u);
            std::vector<Event> events;
            for (size_t k = 0; k < below.count; k++)
                events.push_back({ns_access_kind_of(below.what[k]) == NS_ACCESS_WRITE, below.address[k],
                                  ns_access_size_of(below.what[k])});
            ASSERT_TRUE(events == reference.events) << "access " << i << describe(config);
            ns_level_counts counts;
            ns_level_get_counts(level.get(), &counts);
            reference.expect_equal(0, counts);
            if (::testing::Test::HasFailure())
                FAIL() << "access " << i << describe(config);
        }
    }
}

// Several levels: every count of every level is the same after every access.
TEST(Equality, EveryCountOfEveryLevelIsTheSame) {
    const uint64_t seed = test_seed();
    for (uint64_t round = 0; round < kRounds; round++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
        Random random(seed + 1000 + round);
        ns_replay_config config{};
        config.cache.harts = 1;
        config.cache.levels = 1 + random.below(3);
        config.cache.seed = random.below(1000);
        config.cache.inclusion = random.chance(80) ? NS_INCLUSION_NEITHER : NS_INCLUSION_INCLUSIVE;
        uint32_t line = 16u << random.below(3);
        for (unsigned i = 0; i < config.cache.levels; i++) {
            config.cache.level[i] = random_level(random, line);
            line <<= random.below(2);
        }
        Reference reference(config.cache);
        const Replay replay(ns_replay_create(&config));
        if (random.chance(25))
            ns_replay_make_portable(replay.get());
        Stream stream(random, random.chance(30) ? 30 : 56);
        for (int i = 0; i < 400; i++) {
            Trace one;
            stream.next(one);
            ASSERT_NO_FATAL_FAILURE(reference.access(one.address[0], one.what[0]));
            const auto rows = run(replay.get(), one);
            for (unsigned k = 0; k < config.cache.levels; k++)
                reference.expect_equal(k, rows.at(k).counts);
            if (::testing::Test::HasFailure())
                FAIL() << "access " << i << describe(config.cache);
        }
    }
}

// A trace in one piece gives what it gives access by access, also when it fills every buffer between levels.
TEST(Equality, BlocksOfAnyLengthGiveTheSameCounts) {
    const uint64_t seed = test_seed();
    for (uint64_t round = 0; round < kRounds / 3; round++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
        Random random(seed + 2000 + round);
        const ns_replay_config config =
            hierarchy({random_level(random, 16), random_level(random, 32), random_level(random, 32)});
        const Replay one(ns_replay_create(&config)), many(ns_replay_create(&config));
        Stream stream(random, 40);
        Trace trace;
        for (int i = 0; i < 5000; i++)
            stream.next(trace);
        const auto expected = run(one.get(), trace);
        for (size_t at = 0; at < trace.address.size();) {
            const size_t count = 1 + random.below(100);
            const ns_accesses some = trace.accesses(at, count);
            size_t bad;
            ASSERT_EQ(ns_replay_run(many.get(), &some, &bad), NS_OK);
            at += some.count;
        }
        std::vector<ns_replay_row> got(NS_REPLAY_MAX_ROWS);
        got.resize(ns_replay_rows(many.get(), got.data()));
        for (size_t k = 0; k < got.size(); k++)
            EXPECT_EQ(std::memcmp(&got[k].counts, &expected[k].counts, sizeof got[k].counts), 0)
                << describe(config.cache);
    }
}

// The least room that there may be, and accesses that touch as many lines as can be, all of which write one back.
TEST(Equality, TheLargestAccessesStayWithinTheRoomBelow) {
    for (const bool portable : {false, true}) {
        const ns_cache_level_config config = geometry(8192, 8, 16);
        std::unique_ptr<ns_level, void (*)(ns_level *)> level(ns_level_create(&config, 0, 0), ns_level_destroy);
        if (portable)
            ns_level_make_portable(level.get());
        Trace trace;
        for (uint64_t i = 0; i < 20; i++)
            trace.add(NS_ACCESS_WRITE, 8 + i * 4112, NS_ACCESS_MAX_SIZE); // 257 lines, the ends in part
        const ns_accesses accesses = trace.accesses();
        uint64_t read = 0, written = 0;
        for (size_t done = 0; done < accesses.count;) {
            std::vector<uint64_t> address(NS_LEVEL_ROOM + 1); // afresh, for the sanitizer
            std::vector<uint16_t> what(NS_LEVEL_ROOM + 1);
            ns_accesses below = {address.data(), what.data(), 0};
            const size_t next = ns_level_run(level.get(), &accesses, done, &below, address.size());
            ASSERT_GT(next, done);
            done = next;
            for (size_t i = 0; i < below.count; i++)
                (ns_access_kind_of(what[i]) == NS_ACCESS_WRITE ? written : read)++;
        }
        EXPECT_EQ(read, 20u * 2);            // the two lines at the ends of each; the others are written as a whole
        EXPECT_EQ(written, 20u * 257 - 512); // all lines but those that the cache still holds
    }
}

// The fast loop holds 30 bits of tag; an address with more arrives in the middle, and nothing is forgotten.
TEST(Equality, AnAddressTooLongForTheFastLoopChangesNoCount) {
    const ns_replay_config config = hierarchy({geometry(1024, 4, 64), geometry(8192, 16, 64)});
    const Replay fast(ns_replay_create(&config)), portable(ns_replay_create(&config));
    ns_replay_make_portable(portable.get());
    Random random(test_seed());
    Trace trace;
    for (int i = 0; i < 9000; i++)
        trace.add(random.chance(40) ? NS_ACCESS_WRITE : NS_ACCESS_READ,
                  (i > 4000 && random.chance(10) ? UINT64_C(0xffffffff81000000) : 0x1000) + random.below(1u << 14), 8);
    const auto got = run(fast.get(), trace), expected = run(portable.get(), trace);
    for (size_t k = 0; k < got.size(); k++)
        EXPECT_EQ(std::memcmp(&got[k].counts, &expected[k].counts, sizeof got[k].counts), 0);
    EXPECT_STREQ(ns_replay_loop(fast.get()), "portable");
}

// The sweep's stacks against simulation, for write-backs, evictions and what is left.
TEST(Sweep, OnePassGivesTheCountsOfEachCacheByItself) {
    const uint64_t seed = test_seed();
    for (uint64_t round = 0; round < kRounds / 12; round++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
        Random random(seed + 3000 + round);
        std::vector<ns_cache_level_config> configs;
        for (uint32_t sets = 1; sets <= 8; sets *= 2)
            for (uint32_t ways = 1; ways <= 9; ways++)
                configs.push_back(geometry(sets * ways * 32, ways, 32));
        for (int i = 0; i < 6; i++)
            configs.push_back(random_level(random, 32));
        std::unique_ptr<ns_sweep, void (*)(ns_sweep *)> sweep(ns_sweep_create(configs.data(), configs.size(), 5),
                                                              ns_sweep_destroy);
        EXPECT_LE(ns_sweep_passes(sweep.get()), 4u + 6u);
        Stream stream(random, 56);
        Trace trace;
        for (int i = 0; i < 3000; i++)
            stream.next(trace);
        const ns_accesses all = trace.accesses();
        ns_sweep_run(sweep.get(), &all);
        for (size_t i = 0; i < configs.size(); i++) {
            ns_cache_config config{};
            config.harts = config.levels = 1;
            config.seed = 5;
            config.level[0] = configs[i];
            Reference reference(config);
            for (size_t k = 0; k < trace.address.size(); k++)
                ASSERT_NO_FATAL_FAILURE(reference.access(trace.address[k], trace.what[k]));
            ns_level_counts counts;
            ns_sweep_get_counts(sweep.get(), i, &counts);
            reference.expect_equal(0, counts);
            if (::testing::Test::HasFailure())
                FAIL() << describe(config);
        }
    }
}

} // namespace
