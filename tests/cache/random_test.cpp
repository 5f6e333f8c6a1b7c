// SPDX-License-Identifier: Apache-2.0
// Random operations on random hierarchies against flat memory. Without a DMA master nobody may tell them apart.
#include "support.h"

#include <algorithm>
#include <random>
#include <tuple>

namespace {

constexpr uint64_t kSize = 2048; // bytes of memory: a few times the caches, so that everything collides

class Random {
  public:
    explicit Random(uint64_t seed) : engine(seed) {}
    uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine() % n); }
    bool chance(uint32_t percent) { return below(100) < percent; }

  private:
    std::mt19937_64 engine;
};

ns_cache_config random_config(Random &random) {
    ns_cache_config config{};
    config.harts = 1 + random.below(3);
    config.levels = 1 + random.below(3);
    config.inclusion = static_cast<ns_inclusion>(random.below(3));
    config.fill = static_cast<ns_fill_kind>(random.below(3));
    config.invalidate_as_flush = random.chance(25);
    config.range.rounding = static_cast<ns_range_rounding>(random.below(2));
    config.range.edge = static_cast<ns_edge_policy>(random.below(3));
    config.late_write_backs = random.chance(50) ? 1 + random.below(4) : 0;
    config.provenance = random.chance(75);
    config.seed = random.below(1000);
    uint32_t line = 16u << random.below(3);
    for (unsigned level = 0; level < config.levels; level++) {
        if (level > 0 && config.inclusion != NS_INCLUSION_EXCLUSIVE)
            line = std::min(line << random.below(2), 256u);
        config.level[level] =
            level_of(1u << random.below(3), 1u << random.below(3), line, static_cast<ns_replacement>(random.below(4)));
        config.level[level].write_through = random.chance(20);
        config.level[level].no_write_allocate = random.chance(20);
    }
    return config;
}

std::string describe(const ns_cache_config &config) {
    std::string text = "harts " + std::to_string(config.harts) + " inclusion " + std::to_string(config.inclusion) +
                       " fill " + std::to_string(config.fill) + " late " + std::to_string(config.late_write_backs);
    for (unsigned level = 0; level < config.levels; level++) {
        const ns_cache_level_config &l = config.level[level];
        text += "; L" + std::to_string(level + 1) + " size " + std::to_string(l.size) + " ways " +
                std::to_string(l.ways) + " line " + std::to_string(l.line) + " repl " + std::to_string(l.replacement) +
                (l.write_through ? " write-through" : "") + (l.no_write_allocate ? " no-allocate" : "");
    }
    return text;
}

struct Flat {
    std::vector<uint8_t> bytes = std::vector<uint8_t>(kSize);
    std::vector<ns_version> versions = std::vector<ns_version>(kSize);
};

class Story {
  public:
    explicit Story(uint64_t seed, unsigned fewest_harts = 1)
        : random(seed), config(with_harts(random_config(random), fewest_harts, random)), machine(config, kSize),
          cache(machine.cache.get()) {
        machine.record = false;
        for (uint64_t i = 0; i < kSize; i++)
            flat.bytes[i] = machine.bytes[i] = static_cast<uint8_t>(random.below(256));
    }

    void run(int steps) {
        ASSERT_NE(cache, nullptr) << describe(config);
        for (int i = 0; i < steps; i++) {
            step();
            expect_mesi();
            ASSERT_TRUE(machine.sound()) << "step " << i << ": " << what << "; " << describe(config);
            if (::testing::Test::HasFailure())
                FAIL() << "step " << i << ": " << what << "; " << describe(config);
        }
        finish();
    }

  private:
    static ns_cache_config with_harts(ns_cache_config config, unsigned fewest, Random &random) {
        if (fewest > 1) {
            config.harts = fewest + random.below(NS_CACHE_MAX_HARTS - fewest + 1);
            config.reach = random.chance(30) ? NS_REACH_LOCAL : NS_REACH_ALL_HARTS;
        }
        return config;
    }
    void choose_range(uint32_t longest) {
        length = random.chance(60) ? 1 + random.below(8) : 1 + random.below(longest);
        offset = random.below(static_cast<uint32_t>(kSize - length));
        hart = random.below(config.harts);
    }

    // Runs an operation, now and then with a memory that fails in the middle. After a failure nothing may be lost or
    // broken, so that the same operation, done again, ends as if nothing had happened.
    template <typename Operation> void attempt(Operation operation) {
        if (random.chance(10))
            (random.chance(50) ? machine.fail_reads_after : machine.fail_writes_after) =
                static_cast<int>(random.below(3));
        ns_status status = operation();
        machine.fail_reads_after = machine.fail_writes_after = -1;
        if (status == NS_ERROR_ADDRESS) {
            ASSERT_TRUE(machine.sound()) << "after a failed " << what;
            status = operation();
        }
        EXPECT_EQ(status, NS_OK);
    }

    void step() {
        choose_range(200);
        uint64_t address = Machine::kBase + offset;
        std::vector<uint8_t> data(length);
        std::vector<ns_version> versions(length);
        ns_cache_result result;
        uint32_t kind = random.below(100);
        if (kind < 30) {
            what = "load";
            attempt([&] { return ns_cache_load(cache, hart, address, length, data.data(), versions.data(), &result); });
            compare(data, versions);
        } else if (kind < 60) {
            what = "store";
            write(data, versions);
            attempt(
                [&] { return ns_cache_store(cache, hart, address, length, data.data(), versions.data(), &result); });
        } else if (kind < 64) {
            what = "snoop read";
            attempt([&] { return ns_cache_snoop_read(cache, address, length, data.data(), versions.data(), &result); });
            compare(data, versions);
        } else if (kind < 68) {
            what = "snoop write";
            write(data, versions);
            attempt(
                [&] { return ns_cache_snoop_write(cache, address, length, data.data(), versions.data(), &result); });
        } else if (kind < 78) {
            what = "clean or flush";
            // An invalidate may lose data by design, so it has tests of its own; as a flush it must not.
            auto op = random.chance(50) ? NS_CACHE_CLEAN : NS_CACHE_FLUSH;
            if (config.invalidate_as_flush && random.chance(50))
                op = NS_CACHE_INVALIDATE;
            auto extent = static_cast<ns_maintenance_extent>(random.chance(5) ? 2 : random.below(2));
            ns_maintenance request = {op, static_cast<ns_cache_scope>(random.below(2)), extent, address, length};
            attempt([&] { return ns_cache_maintain(cache, hart, &request, &result); });
        } else if (kind < 83) {
            what = "prefetch";
            attempt([&] { return ns_cache_prefetch(cache, hart, address, &result); });
        } else if (kind < 88) {
            what = "sample";
            attempt([&] {
                ns_status status = ns_cache_fill_sample(cache, hart, address, &result);
                return status == NS_ERROR_LIMIT ? NS_OK : status; // all registers in use
            });
            sampled.push_back({hart, address});
        } else if (kind < 92) {
            what = "install";
            if (!sampled.empty()) {
                size_t i = random.below(static_cast<uint32_t>(sampled.size()));
                bool installed;
                attempt([&] { return ns_cache_fill_install(cache, sampled[i].first, sampled[i].second, &installed); });
                sampled.erase(sampled.begin() + static_cast<std::ptrdiff_t>(i));
            }
        } else if (kind < 95) {
            what = "evict";
            bool present;
            attempt([&] { return ns_cache_evict(cache, hart, address, &present, &result); });
        } else if (kind < 97) {
            what = "speculative store";
            attempt([&] { return ns_cache_speculative_store(cache, hart, address, &result); });
        } else if (kind < 99) {
            what = "drain";
            attempt([&] { return ns_cache_drain(cache, hart, &result); });
            EXPECT_EQ(ns_cache_late_count(cache, hart), 0u);
        } else {
            what = "drain line";
            attempt([&] { return ns_cache_drain_line(cache, address, length, &result); });
        }
    }

    // One modified or exclusive copy of a line, or any number of shared ones; and each is as new as flat memory.
    void expect_mesi() {
        struct Seen {
            const Flat *flat;
            unsigned copies[kSize / NS_LINE_MIN], alone[kSize / NS_LINE_MIN];
            const char *wrong;
        } seen = {&flat, {}, {}, nullptr};
        const auto look = [](void *context, unsigned level, unsigned, const ns_cache_copy *copy) {
            Seen *so_far = static_cast<Seen *>(context);
            if (level > 0)
                return false; // the L1s come first
            const size_t at = copy->line_address - Machine::kBase;
            so_far->copies[at / NS_LINE_MIN]++;
            so_far->alone[at / NS_LINE_MIN] += copy->mesi != NS_MESI_SHARED;
            if (std::memcmp(copy->data, &so_far->flat->bytes[at], copy->line_size) != 0)
                so_far->wrong = "an old byte in an L1";
            if (so_far->alone[at / NS_LINE_MIN] > 0 && so_far->copies[at / NS_LINE_MIN] > 1)
                so_far->wrong = "a modified or exclusive copy beside another one";
            return so_far->wrong == nullptr;
        };
        ns_cache_for_each(cache, look, &seen);
        ASSERT_EQ(seen.wrong, nullptr) << seen.wrong;
    }

    void write(std::vector<uint8_t> &data, std::vector<ns_version> &versions) {
        next_version++;
        for (uint32_t i = 0; i < length; i++) {
            flat.bytes[offset + i] = data[i] = static_cast<uint8_t>(random.below(256));
            flat.versions[offset + i] = versions[i] = next_version;
        }
    }

    void compare(const std::vector<uint8_t> &data, const std::vector<ns_version> &versions) {
        for (uint32_t i = 0; i < length; i++) {
            ASSERT_EQ(data[i], flat.bytes[offset + i]) << "at offset " << offset + i;
            if (config.provenance) {
                ASSERT_EQ(versions[i], flat.versions[offset + i]) << "at offset " << offset + i;
            }
        }
    }

    void finish() {
        for (unsigned round = 0; round < 2 * config.harts; round++) { // twice: an L1 after the one that it goes down to
            const unsigned h = round % config.harts;
            machine.maintain(h, NS_CACHE_FLUSH, 0, 0, NS_WHOLE_CACHE);
            EXPECT_EQ(ns_cache_drain(cache, h, nullptr), NS_OK);
        }
        ASSERT_EQ(machine.bytes, flat.bytes) << describe(config);
        if (config.provenance) {
            ASSERT_EQ(machine.versions, flat.versions) << describe(config);
        }
        auto visit = [](void *, unsigned, unsigned, const ns_cache_copy *) {
            ADD_FAILURE() << "a line is left after flush";
            return false;
        };
        ns_cache_for_each(cache, visit, nullptr);
    }

    Random random;
    ns_cache_config config;
    Machine machine;
    ns_cache *cache;
    Flat flat;
    ns_version next_version = 0;
    std::vector<std::pair<unsigned, uint64_t>> sampled;
    const char *what = "";
    uint64_t offset = 0;
    uint32_t length = 0;
    unsigned hart = 0;
};

TEST(CacheRandom, NobodyCanTellAHierarchyFromFlatMemory) {
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 300; i++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + ", story " + std::to_string(i));
        Story(seed + i).run(400);
        if (HasFatalFailure() || HasFailure())
            return;
    }
}

TEST(CacheRandom, TwoToEightHartsEqualFlatMemoryAndKeepMesi) {
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 300; i++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + ", story " + std::to_string(i));
        Story(seed + i, 2).run(400);
        if (HasFatalFailure() || HasFailure())
            return;
    }
}

// With invalidates data is lost, but never silently: the observer hears of each dirty copy that is dropped and of no
// other, every other byte stays as it was, and the dropped ones fall back to what lies in memory.
class LossyStory {
  public:
    explicit LossyStory(uint64_t seed) : random(seed), config(configuration(random)), machine(config, kSize) {
        machine.record = false;
    }

    void run(int steps) {
        for (int i = 0; i < steps && !::testing::Test::HasFailure(); i++) {
            SCOPED_TRACE("step " + std::to_string(i) + "; " + describe(config));
            step();
            ASSERT_TRUE(machine.sound());
        }
    }

  private:
    // Equal lines: with bigger ones below, a clean copy above may be newer than what an invalidate left.
    static ns_cache_config configuration(Random &random) {
        ns_cache_config config = random_config(random);
        for (unsigned level = 1; level < config.levels; level++) {
            config.level[level].size = config.level[level].size / config.level[level].line * config.level[0].line;
            config.level[level].line = config.level[0].line;
        }
        config.invalidate_as_flush = false;
        return config;
    }

    using Copy = std::tuple<unsigned, unsigned, uint64_t>; // level, hart (0 for shared), line address

    std::vector<Copy> dirty_copies_of(uint64_t first, uint64_t length) {
        std::vector<Copy> copies;
        uint32_t line = config.level[0].line;
        for (uint64_t a = first / line * line; a < first + length; a += line)
            for (unsigned level = 0; level < config.levels; level++)
                for (unsigned hart = 0; hart < (level == 0 ? config.harts : 1); hart++)
                    if (machine.state(level, hart, a) == NS_LINE_DIRTY)
                        copies.push_back({level, hart, a});
        std::sort(copies.begin(), copies.end());
        return copies;
    }

    void step() {
        uint32_t length = 1 + random.below(100);
        uint64_t offset = random.below(static_cast<uint32_t>(kSize - length));
        unsigned hart = random.below(config.harts);
        uint32_t kind = random.below(10);
        std::vector<uint8_t> data(length);
        std::vector<ns_version> versions(length);
        if (kind < 4) {
            ASSERT_EQ(ns_cache_load(machine.cache.get(), hart, Machine::kBase + offset, length, data.data(),
                                    versions.data(), nullptr),
                      NS_OK);
            for (uint32_t i = 0; i < length; i++)
                ASSERT_EQ(data[i], flat.bytes[offset + i]) << "at offset " << offset + i;
        } else if (kind < 7) {
            for (uint32_t i = 0; i < length; i++)
                flat.bytes[offset + i] = data[i] = static_cast<uint8_t>(random.below(256));
            ASSERT_EQ(ns_cache_store(machine.cache.get(), hart, Machine::kBase + offset, length, data.data(),
                                     versions.data(), nullptr),
                      NS_OK);
        } else if (kind < 9) {
            machine.maintain(hart, random.chance(50) ? NS_CACHE_CLEAN : NS_CACHE_FLUSH, offset, length);
        } else {
            std::vector<Copy> expected = dirty_copies_of(offset, length), dropped;
            machine.events.clear();
            machine.record = true;
            machine.maintain(hart, NS_CACHE_INVALIDATE, offset, length);
            machine.record = false;
            for (const Event &event : machine.only(Event::DirtyDrop))
                dropped.push_back({event.level, event.level == 0 ? event.hart : 0, event.address});
            std::sort(dropped.begin(), dropped.end());
            ASSERT_EQ(dropped, expected);
            ASSERT_EQ(machine.count(Event::WriteBack), 0u);
            for (const Copy &copy : dropped)
                for (uint64_t a = std::get<2>(copy); a < std::get<2>(copy) + config.level[0].line; a++) {
                    flat.bytes[a] = machine.bytes[a];
                    ns_cache_late_peek(machine.cache.get(), Machine::kBase + a, nullptr, &flat.bytes[a], nullptr);
                }
        }
    }

    Random random;
    ns_cache_config config;
    Machine machine;
    Flat flat;
};

TEST(CacheRandom, AnInvalidateLosesExactlyWhatItReports) {
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 100 && !HasFailure(); i++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + ", story " + std::to_string(i));
        LossyStory(seed + i).run(300);
    }
}

// Two to eight harts that are put back to where they were, again and again: versions equal flat memory, and every state
// keeps MESI, although a saved state does not tell shared from exclusive.
struct Saved {
    std::vector<uint8_t> cache;
    std::vector<ns_version> memory, flat;
};

void travel(uint64_t seed) {
    constexpr uint32_t line = 16, lines = 4, size = lines * line; // a saved cache fills no set twice
    Random random(seed);
    ns_cache_config config = one_level(lines, 1, line);
    config.harts = 2 + random.below(7);
    config.levels = 1 + random.below(3);
    for (unsigned level = 1; level < config.levels; level++)
        config.level[level] = config.level[0];
    config.inclusion = static_cast<ns_inclusion>(random.below(3));
    config.fill = static_cast<ns_fill_kind>(random.below(3));
    config.late_write_backs = random.chance(50) ? 2 : 0;
    config.reach = random.chance(50) ? NS_REACH_LOCAL : NS_REACH_ALL_HARTS;
    config.provenance = true;
    std::vector<ns_version> memory(size), flat(size);
    const ns_cache_backing backing = {
        &memory,
        [](void *of, uint64_t address, uint32_t length, uint8_t *, ns_version *versions) {
            std::copy_n(static_cast<std::vector<ns_version> *>(of)->begin() + static_cast<std::ptrdiff_t>(address),
                        length, versions);
            return NS_OK;
        },
        [](void *of, uint64_t address, uint32_t length, const uint8_t *, const ns_version *versions) {
            std::copy_n(versions, length,
                        static_cast<std::vector<ns_version> *>(of)->begin() + static_cast<std::ptrdiff_t>(address));
            return NS_OK;
        }};
    const CachePointer cache(ns_cache_create(&config, &backing, nullptr));
    ASSERT_TRUE(cache && ns_cache_can_save(cache.get()));
    std::vector<Saved> kept;
    ns_version newest = 0;
    const auto save = [&] {
        std::vector<uint8_t> bytes(ns_cache_save_size(cache.get()));
        bytes.resize(ns_cache_save(cache.get(), bytes.data()));
        return bytes;
    };
    for (unsigned i = 0; i < 500; i++) {
        const uint32_t length = 1 + random.below(20), at = random.below(size - length);
        const unsigned hart = random.below(config.harts);
        uint8_t data[size] = {};
        ns_version versions[size] = {};
        switch (random.below(10)) {
        case 0:
        case 1:
        case 2:
            ASSERT_EQ(ns_cache_load(cache.get(), hart, at, length, data, versions, nullptr), NS_OK);
            for (uint32_t byte = 0; byte < length; byte++)
                ASSERT_EQ(versions[byte], flat[at + byte]) << "step " << i;
            break;
        case 3:
        case 4:
            newest++;
            for (uint32_t byte = 0; byte < length; byte++)
                flat[at + byte] = versions[byte] = newest;
            ASSERT_EQ(ns_cache_store(cache.get(), hart, at, length, data, versions, nullptr), NS_OK);
            break;
        case 5: {
            const ns_maintenance what = {random.chance(50) ? NS_CACHE_CLEAN : NS_CACHE_FLUSH, NS_SCOPE_POC, NS_RANGE,
                                         at, length};
            ASSERT_EQ(ns_cache_maintain(cache.get(), hart, &what, nullptr), NS_OK);
            break;
        }
        case 6:
            ASSERT_EQ(ns_cache_fill_sample(cache.get(), hart, at, nullptr), NS_OK);
            break;
        case 7:
            ASSERT_EQ(ns_cache_fill_install(cache.get(), hart, at, nullptr), NS_OK);
            break;
        case 8:
            ASSERT_EQ(ns_cache_evict_l1(cache.get(), hart, at, nullptr, nullptr), NS_OK);
            break;
        default:
            if (kept.size() < 8) {
                kept.push_back({save(), memory, flat});
            } else {
                const Saved &back = kept[random.below(8)];
                ASSERT_EQ(ns_cache_restore(cache.get(), back.cache.data()), back.cache.size());
                memory = back.memory;
                flat = back.flat;
                ASSERT_EQ(save(), back.cache) << "step " << i;
            }
        }
        char reason[200] = "";
        ASSERT_EQ(ns_cache_check(cache.get(), reason, sizeof reason), NS_OK) << "step " << i << ": " << reason;
    }
}

TEST(CacheRandom, HartsThatArePutBackEqualFlatMemoryAndKeepMesi) {
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 200 && !HasFailure(); i++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed) + ", story " + std::to_string(i));
        travel(seed + i);
    }
}

} // namespace
