// SPDX-License-Identifier: Apache-2.0
//
// Several harts on the assembled machine: what coherence costs, shoot-downs, the two views of an address, and random
// programs against flat memory. NS_TEST_SEED=N repeats the random ones.
#include "rig.h"

#include <cstdlib>
#include <random>

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000;

uint64_t test_seed() {
    const char *text = std::getenv("NS_TEST_SEED");
    return text == nullptr ? 20240607 : std::strtoull(text, nullptr, 0);
}

// ---- time ---------------------------------------------------------------------------------------

TEST(Coherence, EachLineForWhichAnotherHartIsAskedCostsOneSnoop) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        r.config.snoop_latency_ps = 70000;
        r.build();
        r.run_on_hart([&] {
            r.load(0, A, 4);
            const uint64_t hit = r.time_of([&] { r.load(0, A, 4); });
            EXPECT_EQ(r.time_of([&] { r.store(0, A, Bytes(4, 1)); }), hit) << "exclusive: silent";
            r.load(0, A + 64, 4);
            r.load(1, A + 64, 4);
            r.load(0, A + 128, 4); // its translation, and hart 1's, are there by now
            EXPECT_EQ(r.time_of([&] { r.store(0, A + 64, Bytes(4, 2)); }), hit + 70000) << "shared: an upgrade";
            EXPECT_EQ(r.time_of([&] { r.store(0, A + 64, Bytes(4, 3)); }), hit) << "modified";
        });
        EXPECT_EQ(r.hazards(), "");
    });
}

// ---- shoot-down ---------------------------------------------------------------------------------

TEST(ShootDown, EveryHartForgetsAndASimpleFenceOnlyItsOwn) {
    for (const bool all_harts : {false, true})
        in_child([&] {
            rig r;
            r.config.cache.harts = 3;
            r.build();
            r.run_on_hart([&] {
                for (unsigned hart = 0; hart < 3; hart++)
                    r.load(hart, A, 4);
                EXPECT_EQ(ns_hart_set_type(r.machine, 0, A, 2 * 4096, NS_TYPE_NC), NS_OK);
                if (all_harts)
                    ns_hart_shoot_down(r.machine, 0, false, A + 8, 4096); // touches two pages
                else
                    ns_hart_sfence(r.machine, 0, false, A + 8);
                for (unsigned hart = 0; hart < 3; hart++) {
                    r.load(hart, A, 4);
                    EXPECT_EQ(r.type_of_last(NS_EVENT_LOAD), hart == 0 || all_harts ? NS_TYPE_NC : NS_TYPE_CACHEABLE)
                        << hart;
                }
            });
        });
}

TEST(ShootDown, TakesAnInterruptAndACycleForEachPageOnEitherSide) {
    for (const unsigned harts : {1u, 2u, 4u})
        in_child([&] {
            rig r;
            r.config.cache.harts = harts;
            r.config.hart_clock_ps = 1000;
            r.config.interrupt_latency_ps = 200000;
            r.build();
            r.run_on_hart([&] {
                const uint64_t interrupt = harts == 1 ? 0 : 200000, sides = harts == 1 ? 1 : 2;
                EXPECT_EQ(r.time_of([&] { ns_hart_shoot_down(r.machine, 0, true, 0, 0); }), interrupt + 1000 * sides);
                EXPECT_EQ(r.time_of([&] { ns_hart_shoot_down(r.machine, 0, false, A, 3 * 4096); }),
                          interrupt + 3000 * sides);
            });
        });
}

// ---- the two views ------------------------------------------------------------------------------

TEST(Views, TheCpusAndMemorysDifferWhereALineIsDirty) {
    in_child([] {
        rig r;
        r.two_levels();
        r.config.cache.harts = 2;
        r.build();
        const auto cpu = [&](unsigned hart) {
            uint8_t byte = 0xee;
            EXPECT_EQ(ns_machine_cpu_view(r.machine, hart, A, 1, &byte), NS_OK);
            return byte;
        };
        const auto memory = [&] {
            uint8_t byte = 0xee;
            EXPECT_EQ(ns_machine_memory_view(r.machine, A, 1, &byte), NS_OK);
            return byte;
        };
        r.run_on_hart([&] {
            r.store(0, A, Bytes(1, 7));
            const uint64_t before = r.now();
            const size_t events = r.log->event_count;
            EXPECT_EQ(cpu(0), 7);
            EXPECT_EQ(cpu(1), 7) << "a modified copy of another hart is what a load would get";
            EXPECT_EQ(memory(), 0);
            r.maintain(0, NS_CACHE_CLEAN, A, 1, NS_SCOPE_L1);
            EXPECT_EQ(cpu(1), 7) << "from the shared level";
            EXPECT_EQ(memory(), 0);
            r.maintain(0, NS_CACHE_CLEAN, A, 1);
            EXPECT_EQ(memory(), 7);
            EXPECT_EQ(r.log->event_count > events, true);
            EXPECT_GT(r.now(), before);
        });
        uint8_t byte;
        EXPECT_EQ(ns_machine_cpu_view(r.machine, 2, A, 1, &byte), NS_ERROR_ARGUMENT);
        EXPECT_EQ(ns_machine_cpu_view(r.machine, 0, 0x100, 1, &byte), NS_ERROR_ADDRESS);
        EXPECT_EQ(ns_machine_memory_view(r.machine, 0x100, 1, &byte), NS_ERROR_ADDRESS);
    });
}

TEST(Views, TheCpusIsStaleWhereItsCopyIs) {
    in_child([] {
        rig r;
        const unsigned nic = r.device("nic");
        r.build();
        uint8_t cpu = 0, memory = 0;
        r.on_device(nic, [&] {
            ns_machine_wait_turn(r.machine, 1);
            r.dma_write(nic, A, Bytes(1, 9));
            const uint64_t now = r.now();
            const size_t events = r.log->event_count;
            EXPECT_EQ(ns_machine_cpu_view(r.machine, 0, A, 1, &cpu), NS_OK);
            EXPECT_EQ(ns_machine_memory_view(r.machine, A, 1, &memory), NS_OK);
            EXPECT_EQ(r.now(), now);
            EXPECT_EQ(r.log->event_count, events);
        });
        r.on(0, [&] {
            r.load(0, A, 1);
            ns_machine_next_turn(r.machine);
        });
        EXPECT_EQ(r.run(), NS_OK);
        EXPECT_EQ(cpu, 0);
        EXPECT_EQ(memory, 9);
    });
}

// ---- flat memory --------------------------------------------------------------------------------

// 2 to 8 harts, no DMA: whatever they and the hardware do, memory looks flat. One hart at a time, so that the flat
// memory is exact; who moves next is random.
void random_harts(uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t limit) { return random() % limit; };
    rig r;
    r.config.cache.harts = 2 + static_cast<unsigned>(below(7));
    if (below(3) > 0)
        r.two_levels();
    r.config.cache.level[0].size = 1024;
    r.config.cache.level[0].ways = 2;
    r.config.cache.inclusion = static_cast<ns_inclusion>(below(3));
    r.config.cache.fill = static_cast<ns_fill_kind>(below(2));
    r.config.cache.late_write_backs = below(2) == 0 ? 4 : 0;
    r.config.cache.reach = below(3) == 0 ? NS_REACH_LOCAL : NS_REACH_ALL_HARTS;
    r.config.prefetch_next_line = below(2) == 0;
    r.config.tlb_entries = 1 + static_cast<unsigned>(below(4));
    r.build();
    constexpr uint64_t size = 3 * 4096; // three pages, several times the caches
    Bytes flat(size);
    unsigned steps = 0;
    r.run_on_hart([&] {
        for (; steps < 400 && !::testing::Test::HasFailure(); steps++) {
            const unsigned hart = static_cast<unsigned>(below(r.config.cache.harts));
            const uint32_t length = 1 + static_cast<uint32_t>(below(below(4) == 0 ? 300 : 16));
            const uint64_t offset = below(size - length), at = A + offset;
            switch (below(12)) {
            case 0:
            case 1:
            case 2:
            case 3:
                ASSERT_EQ(r.load(hart, at, length), Bytes(flat.begin() + static_cast<std::ptrdiff_t>(offset),
                                                          flat.begin() + static_cast<std::ptrdiff_t>(offset + length)))
                    << "step " << steps;
                break;
            case 4:
            case 5:
            case 6: {
                Bytes data(length);
                for (uint8_t &byte : data)
                    byte = static_cast<uint8_t>(random());
                std::copy(data.begin(), data.end(), flat.begin() + static_cast<std::ptrdiff_t>(offset));
                r.store(hart, at, data);
                break;
            }
            case 7: // an invalidate may lose what was stored, by design
                r.maintain(hart, below(2) == 0 ? NS_CACHE_CLEAN : NS_CACHE_FLUSH, at, length,
                           static_cast<ns_cache_scope>(below(3)));
                break;
            case 8:
                r.step(ns_machine_hardware_actor(r.machine));
                ns_hw_prefetch(r.machine, hart, at);
                break;
            case 9:
                r.step(ns_machine_hardware_actor(r.machine));
                (below(2) == 0 ? ns_hw_evict : ns_hw_evict_l1)(r.machine, hart, at);
                break;
            case 10:
                r.step(ns_machine_hardware_actor(r.machine));
                (below(2) == 0 ? ns_hw_sample : ns_hw_install)(r.machine, hart, at);
                break;
            default:
                r.step(hart);
                if (below(2) == 0)
                    ns_hart_fence(r.machine, hart);
                else
                    ns_hart_shoot_down(r.machine, hart, false, at, length);
            }
            char reason[200] = "";
            ASSERT_EQ(ns_cache_check(ns_machine_cache(r.machine), reason, sizeof reason), NS_OK) << reason;
            uint8_t byte = 0;
            ASSERT_EQ(ns_machine_cpu_view(r.machine, hart, at, 1, &byte), NS_OK);
            ASSERT_EQ(byte, flat[offset]) << "step " << steps;
        }
    });
    EXPECT_EQ(steps, 400u);
    EXPECT_EQ(r.hazards(), "") << r.details();
}

TEST(RandomHarts, TwoToEightHartsWithoutDmaEqualFlatMemoryAndNeverMeetAHazard) {
    for (uint64_t i = 0; i < 40 && !HasFailure(); i++) {
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(test_seed()) + ", program " + std::to_string(i));
        in_child([&] { random_harts(test_seed() + i); });
    }
}

// All at once: each hart has bytes of its own in lines that they share, so that flat memory is exact for each.
TEST(RandomHarts, HartsThatMoveAtOnceEqualFlatMemoryOnTheirOwnBytes) {
    for (const unsigned harts : {2u, 5u, 8u})
        in_child([&] {
            SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(test_seed()) + ", " + std::to_string(harts) + " harts");
            rig r;
            r.two_levels();
            r.config.cache.harts = harts;
            r.config.prefetch_next_line = true;
            r.build();
            unsigned done = 0;
            for (unsigned hart = 0; hart < harts; hart++)
                r.on(hart, [&, hart] {
                    std::mt19937_64 random(test_seed() + hart);
                    Bytes own(64);
                    for (unsigned i = 0; i < 300 && !::testing::Test::HasFailure(); i++, done++) {
                        const uint64_t line = random() % 64, at = A + line * 64 + hart * 8;
                        if (random() % 2 == 0) {
                            own[line] = static_cast<uint8_t>(random());
                            r.store(hart, at, Bytes(1, own[line]));
                        } else {
                            ASSERT_EQ(r.load(hart, at, 1), Bytes(1, own[line])) << i;
                        }
                        if (random() % 8 == 0)
                            r.maintain(hart, NS_CACHE_FLUSH, at, 64);
                    }
                });
            EXPECT_EQ(r.run(), NS_OK);
            EXPECT_EQ(done, harts * 300);
            EXPECT_EQ(r.hazards(), "") << r.details();
        });
}

} // namespace
