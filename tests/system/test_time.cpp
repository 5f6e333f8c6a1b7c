// SPDX-License-Identifier: Apache-2.0
//
// Time through nosnoop.h: doorbells, interrupts, latencies derived from the configuration, arbitration; and what a
// machine is in a process.
#include "rig.h"

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000;

// ---- doorbells and interrupts -------------------------------------------------------------------

// Through the interconnect (10 ns) to the register (50 ns).
TEST(Doorbell, ReachesTheDeviceAfterItsLatency) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        uint64_t rung = 0, started = 0;
        unsigned starts = 0;
        r.on(0, [&] {
            uint32_t value;
            EXPECT_EQ(ns_hart_register_read(r.machine, 0, dev, &value), NS_OK); // the TLB is warm now
            rung = r.now();
            EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK);
            EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK);
        });
        r.on_device(dev, [&] {
            ns_device_start(r.machine, dev);
            started = r.now();
            starts++;
            ns_device_start(r.machine, dev);
            starts++;
            EXPECT_FALSE(ns_device_rung(r.machine, dev));
        });
        EXPECT_EQ(r.run(), NS_OK);
        EXPECT_EQ(starts, 2u);
        EXPECT_EQ(started - rung, 60000u);
    });
}

TEST(Doorbell, OfOneDeviceStartsNoOther) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev"), other = r.device("other");
        r.build();
        bool started = false;
        r.on(0, [&] { EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK); });
        r.on_device(other, [&] {
            ns_device_start(r.machine, other);
            started = true;
        });
        EXPECT_EQ(r.run(), NS_ERROR_TIMEOUT);
        EXPECT_FALSE(started);
        EXPECT_TRUE(ns_device_rung(r.machine, dev));
        EXPECT_FALSE(ns_device_rung(r.machine, other));
    });
}

TEST(Interrupt, ArrivesAfterItsLatencyHoweverOftenItIsRaisedMeanwhile) {
    for (const bool twice : {false, true})
        in_child([&] {
            rig r;
            const unsigned dev = r.device("dev");
            r.build();
            uint64_t raised = 0, taken = 0;
            r.on(0, [&] {
                ns_hart_wait(r.machine, 0, 5);
                taken = r.now();
                EXPECT_FALSE(ns_machine_irq_pending(r.machine, 5));
            });
            r.on_device(dev, [&] {
                ns_actor_pause(r.machine, r.device_actor(dev), 1000000);
                raised = r.now();
                ns_device_raise(r.machine, dev, 5);
                ns_actor_pause(r.machine, r.device_actor(dev), 100000);
                if (twice)
                    ns_device_raise(r.machine, dev, 5);
            });
            EXPECT_EQ(r.run(), NS_OK);
            EXPECT_EQ(taken - raised, 200000u);
        });
}

TEST(Interrupt, StaysPendingUntilSomebodyWaitsForIt) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        r.run_on_hart([&] {
            ns_device_raise(r.machine, dev, 5);
            ns_actor_pause(r.machine, 0, 10000000);
            EXPECT_TRUE(ns_machine_irq_pending(r.machine, 5));
            EXPECT_EQ(r.time_of([&] { ns_hart_wait(r.machine, 0, 5); }), 0u);
            EXPECT_FALSE(ns_machine_irq_pending(r.machine, 5));
        });
    });
}

TEST(Interrupt, ThatNobodyRaisesIsATimeout) {
    in_child([] {
        rig r;
        r.build();
        r.on(0, [&] { ns_hart_wait(r.machine, 0, 5); });
        EXPECT_EQ(r.run(), NS_ERROR_TIMEOUT);
    });
}

// ---- time ---------------------------------------------------------------------------------------

// L1 2 cycles and L2 10 cycles of 1 ns. A line of 64 bytes is 8 beats of 2 ns; the interconnect takes 10 ns, memory 60
// ns.
TEST(Time, OfLoadsIsTheSumOfTheLevelsReached) {
    in_child([] {
        rig r;
        r.two_levels();
        r.build();
        r.run_on_hart([&] {
            r.load(0, A + 0x8000, 8); // the translation, and its page table lines
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 8); }), 2000u + 10000u + 10000u + 16000u + 60000u);
            EXPECT_EQ(r.time_of([&] { r.load(0, A + 8, 8); }), 2000u);
            EXPECT_EQ(r.time_of([&] { r.store(0, A + 8, Bytes(8)); }), 2000u);
            r.load(0, A + 512, 8); // set 0 of 8 again; the L1 has two ways
            r.load(0, A + 1024, 8);
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 8); }), 2000u + 10000u);
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 32); }), 4 * 2000u) << "a hart moves 8 bytes at a time";
            EXPECT_EQ(r.time_of([&] { r.fence(0); }), 1000u);
        });
    });
}

// Three lines of 8 words, of which L1 has the second one: the other two are looked up in L2 and read from memory.
TEST(Time, OfALoadOfManyLinesIsTheSumOfItsLines) {
    const uint64_t words = 8 * 2000, from_memory = 10000 + 86000;
    for (const bool together : {true, false})
        in_child([&] {
            rig r;
            r.two_levels();
            r.build();
            r.run_on_hart([&] {
                r.load(0, A + 0x8000, 8);
                r.load(0, A + 64, 8);
                const uint64_t time = r.time_of([&] {
                    for (uint64_t done = 0; done < 192; done += together ? 192 : 64)
                        r.load(0, A + done, together ? 192 : 64);
                });
                EXPECT_EQ(time, 3 * words + 2 * from_memory) << together;
            });
        });
}

TEST(Time, OfAStoreToManyLinesIsTheSumOfItsLines) {
    in_child([] {
        rig r;
        r.two_levels();
        r.build();
        r.run_on_hart([&] {
            r.load(0, A + 0x8000, 8);
            r.store(0, A + 64, {1});
            // 4 words of the first line, 8 of the second, 1 of the third
            EXPECT_EQ(r.time_of([&] { r.store(0, A + 32, Bytes(104)); }), 13 * 2000u + 2 * (10000u + 86000u));
        });
    });
}

// Each level takes its time for the lines that got so far. Of four lines one is in L1, one in L2, one in L3.
TEST(Time, OfALoadCountsTheLinesThatReachALevel) {
    in_child([] {
        rig r;
        r.two_levels();
        r.config.cache.levels = 3;
        r.config.cache.level[2] = r.config.cache.level[1];
        r.config.cache.level[1].size = 2048; // 16 sets of 2 ways
        r.config.cache.level[1].ways = 2;
        r.config.level_hit_cycles[2] = 30;
        std::snprintf(r.config.level_name[2], sizeof r.config.level_name[2], "L3");
        r.build();
        r.run_on_hart([&] {
            r.load(0, A + 0x8000 + 0x200, 8);
            const uint64_t in_l1 = A, in_l2 = A + 64, in_l3 = A + 128;
            r.load(0, in_l2, 8);
            r.load(0, in_l2 + 512, 8); // the L1's set again, another one of the L2
            r.load(0, in_l2 + 1536, 8);
            for (unsigned i = 0; i < 3; i++)
                r.load(0, in_l3 + 1024 * i, 8); // one set of both
            r.load(0, in_l1, 8);
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 256); }), 32 * 2000u + 3 * 10000u + 2 * 30000u + 86000u);
        });
    });
}

// The lines that are in L2 come three at a time, and their words follow each other every cycle.
TEST(Time, OfLinesAtTheSameTimeCountsThoseThatMissed) {
    in_child([] {
        rig r;
        r.two_levels();
        r.config.outstanding_loads = 3;
        r.build();
        r.run_on_hart([&] {
            r.load(0, A + 0x8000, 8);
            for (unsigned i = 0; i < 3; i++) // an L1's set has two ways: the first ones stay in L2 alone
                for (unsigned line = 0; line < 4; line++)
                    r.load(0, A + 512 * i + 64 * line, 8);
            r.load(0, A + 64, 8);
            EXPECT_EQ(r.time_of([&] { r.load(0, A, 256); }), 2000u + 31 * 1000u + 10000u);
        });
    });
}

// Past the caches each word is an access of its own: interconnect, a beat, memory.
TEST(Time, OfANonCacheableLoadIsThatOfItsWords) {
    const struct {
        unsigned offset, length, words;
    } rows[] = {{0, 4, 1}, {0, 8, 1}, {0, 64, 8}, {4, 12, 2}, {6, 4, 2}, {4, 16, 3}};
    in_child([&] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        const uint64_t nc = ns_machine_alias(r.machine, A, 4096, NS_TYPE_NC);
        r.run_on_hart([&] {
            Bytes counted(64);
            for (uint8_t i = 0; i < 64; i++)
                counted[i] = i;
            r.dma_write(dev, A, counted);
            r.load(0, nc + 128, 8); // the translation
            for (const auto &row : rows) {
                Bytes got;
                EXPECT_EQ(r.time_of([&] { got = r.load(0, nc + row.offset, row.length); }), row.words * 72000u)
                    << row.length << " bytes at " << row.offset;
                EXPECT_EQ(got, Bytes(counted.begin() + row.offset, counted.begin() + row.offset + row.length));
            }
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

TEST(Time, OfMaintenanceIsPerLineVisited) {
    in_child([] {
        rig r;
        r.build();
        r.run_on_hart([&] {
            r.load(0, A, 8);
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_CLEAN, A, 256); }), 4 * 4000u);
            r.store(0, A, {1});
            // and a write-back: interconnect, 8 beats, memory
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_CLEAN, A, 256); }), 4 * 4000u + 86000u);
        });
    });
}

// 20 cycles for a line that is there, 6 for one that is not, of 1 ns.
void tell_present_from_absent(rig &r) {
    r.config.maintenance_line_cycles = 20;
    r.config.maintenance_absent_cycles = 6;
}

TEST(Time, OfMaintenanceTellsLinesThatAreThereFromThoseThatAreNot) {
    const struct { unsigned lines, present; } rows[] = {{1, 0}, {1, 1}, {4, 0}, {4, 1}, {4, 4}, {16, 5}};
    for (const ns_cache_op op : {NS_CACHE_CLEAN, NS_CACHE_INVALIDATE, NS_CACHE_FLUSH})
        in_child([&] {
            rig r;
            tell_present_from_absent(r);
            r.build();
            r.run_on_hart([&] {
                uint64_t at = A;
                r.load(0, A + 0x8000, 8); // the translation
                for (const auto &row : rows) {
                    const uint64_t length = row.lines * 64;
                    for (unsigned i = 0; i < row.present; i++)
                        r.load(0, at + 64 * (row.lines - 1 - i), 8);
                    EXPECT_EQ(r.time_of([&] { r.maintain(0, op, at, length); }),
                              row.present * 20000u + (row.lines - row.present) * 6000u)
                        << row.present << " of " << row.lines;
                    const unsigned kept = op == NS_CACHE_CLEAN ? row.present : 0;
                    EXPECT_EQ(r.time_of([&] { r.maintain(0, op, at, length); }),
                              kept * 20000u + (row.lines - kept) * 6000u);
                    at += length;
                }
            });
        });
}

// A write-back is the interconnect's 10 ns, 8 beats of 2 ns and memory's 60 ns.
TEST(Time, OfMaintenanceOfADirtyLineIsThatOfALineThatIsThereAndItsWriteBack) {
    in_child([] {
        rig r;
        tell_present_from_absent(r);
        r.build();
        r.run_on_hart([&] {
            r.store(0, A, {1});
            r.load(0, A + 128, 8);
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_FLUSH, A, 256); }), 2 * 20000u + 2 * 6000u + 86000u);
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_FLUSH, A, 256); }), 4 * 6000u);
        });
    });
}

TEST(Time, OfMaintenanceOfOneCostIsTheSameForLinesThatAreThereOrNot) {
    in_child([] {
        rig r;
        r.config.maintenance_line_cycles = 9;
        r.build();
        r.run_on_hart([&] {
            r.load(0, A, 8);
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_FLUSH, A, 256); }), 4 * 9000u);
            EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_FLUSH, A, 256); }), 4 * 9000u);
        });
    });
}

TEST(Time, OfMaintenanceLooksAtTheLevelsThatItReaches) {
    in_child([] {
        rig r;
        r.two_levels();
        tell_present_from_absent(r);
        r.build();
        r.run_on_hart([&] {
            const auto clean = [&](ns_cache_scope scope) {
                return r.time_of([&] { r.maintain(0, NS_CACHE_CLEAN, A, 64, scope); });
            };
            const auto drop = [&](ns_cache_scope scope) {
                return r.time_of([&] { r.maintain(0, NS_CACHE_INVALIDATE, A, 64, scope); });
            };
            for (unsigned i = 0; i < 3; i++)
                r.load(0, A + 512 * i, 8); // a set of two ways: the first line is left in L2
            EXPECT_EQ(clean(NS_SCOPE_L1), 6000u);
            EXPECT_EQ(clean(NS_SCOPE_OUTER), 20000u);
            EXPECT_EQ(clean(NS_SCOPE_POC), 20000u);
            r.load(0, A, 8);
            EXPECT_EQ(clean(NS_SCOPE_POC), 20000u) << "a line in both is one line";
            EXPECT_EQ(drop(NS_SCOPE_OUTER), 20000u);
            EXPECT_EQ(clean(NS_SCOPE_OUTER), 6000u) << "L1 still has it";
            EXPECT_EQ(drop(NS_SCOPE_POC), 20000u);
            EXPECT_EQ(drop(NS_SCOPE_POC), 6000u);
        });
    });
}

TEST(Time, OfMaintenanceLooksAtTheHartsThatItReaches) {
    for (const ns_maintenance_reach reach : {NS_REACH_ALL_HARTS, NS_REACH_LOCAL})
        in_child([&] {
            rig r;
            r.config.cache.harts = 2;
            r.config.cache.reach = reach;
            tell_present_from_absent(r);
            r.build();
            r.on(1, [&] { r.load(1, A, 8); });
            r.on(0, [&] {
                r.load(0, A + 0x8000, 8);
                ns_actor_pause(r.machine, 0, 10000000);
                EXPECT_EQ(r.time_of([&] { r.maintain(0, NS_CACHE_FLUSH, A, 64); }),
                          reach == NS_REACH_ALL_HARTS ? 20000u : 6000u);
            });
            EXPECT_EQ(r.run(), NS_OK);
        });
}

// Empty places cost nothing; to find that there is nothing costs one line that is absent.
TEST(Time, OfWholeCacheMaintenanceIsThatOfTheCopiesFound) {
    in_child([] {
        rig r;
        r.two_levels();
        tell_present_from_absent(r);
        r.build();
        r.run_on_hart([&] {
            const auto all = [&](ns_cache_op op, ns_cache_scope scope) {
                const ns_maintenance what = {op, scope, NS_WHOLE_CACHE, 0, 0};
                r.step(0);
                return r.time_of([&] { EXPECT_EQ(ns_hart_maintain(r.machine, 0, &what), NS_OK); });
            };
            r.load(0, A, 8); // the translation
            all(NS_CACHE_FLUSH, NS_SCOPE_POC);
            EXPECT_EQ(all(NS_CACHE_FLUSH, NS_SCOPE_POC), 6000u);
            r.load(0, A, 8);
            EXPECT_EQ(all(NS_CACHE_CLEAN, NS_SCOPE_POC), 2 * 20000u) << "one in L1, one in L2";
            EXPECT_EQ(all(NS_CACHE_CLEAN, NS_SCOPE_L1), 20000u);
            EXPECT_EQ(all(NS_CACHE_FLUSH, NS_SCOPE_POC), 2 * 20000u);
            EXPECT_EQ(all(NS_CACHE_FLUSH, NS_SCOPE_POC), 6000u);
        });
    });
}

// Beats take turns on the bus; latencies of bursts in flight overlap.
TEST(Time, OfATransferIsThatOfItsBursts) {
    const struct {
        uint32_t outstanding, length;
        uint64_t picoseconds;
    } rows[] = {
        {1, 64, 86000},
        {1, 32, 10000 + 8000 + 60000}, // 4 beats
        {1, 256, 4 * 86000},
        {4, 256, 4 * 16000 + 70000},
        {2, 256, 86000 + 16000 + 86000}, // two pairs, the second starts when the first burst is answered
    };
    for (const auto &row : rows)
        for (const bool write : {false, true})
            in_child([&] {
                rig r;
                const unsigned dev = r.device("dev");
                r.config.dma_outstanding = row.outstanding;
                r.build();
                r.on_device(dev, [&] {
                    EXPECT_EQ(r.time_of([&] {
                        write ? r.dma_write(dev, A, Bytes(row.length))
                              : static_cast<void>(r.dma_read(dev, A, row.length));
                    }),
                              row.picoseconds)
                        << row.outstanding << " outstanding, " << row.length << " bytes, write " << write;
                });
                EXPECT_EQ(r.run(), NS_OK);
            });
}

TEST(Time, BurstsEndAtMultiplesOfTheirSize) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        r.on_device(dev, [&] {
            // 8 + 64 + 24 bytes: three bursts of 1, 8 and 3 beats
            EXPECT_EQ(r.time_of([&] { r.dma_read(dev, A + 56, 96); }), 3 * 70000u + 12 * 2000u);
        });
        EXPECT_EQ(r.run(), NS_OK);
    });
}

TEST(Arbitration, GivesTwoMastersEqualShares) {
    for (const uint32_t outstanding : {4u, 8u})
        in_child([&] {
            rig r;
            r.device("first");
            r.device("second");
            r.config.dma_outstanding = outstanding;
            r.build();
            uint64_t moved[2] = {0, 0};
            for (unsigned dev = 0; dev < 2; dev++)
                r.on_device(dev, [&r, &moved, dev] {
                    for (;;) {
                        r.dma_read(dev, A + dev * 0x10000, 1024);
                        moved[dev] += 1024;
                    }
                });
            r.on_hardware([&] {
                ns_actor_pause(r.machine, 3, UINT64_C(1000000000)); // 1 ms
                ns_machine_stop(r.machine);
            });
            r.run();
            EXPECT_GT(moved[0], 100000u);
            EXPECT_NEAR(static_cast<double>(moved[0]), static_cast<double>(moved[1]),
                        0.1 * static_cast<double>(moved[0]));
        });
}

TEST(Machine, ThereIsOneInAProcess) {
    in_child([] {
        rig r;
        r.build();
        char reason[200] = "";
        EXPECT_EQ(ns_machine_create(&r.config, nullptr, 0, r.log, reason, sizeof reason), nullptr);
        EXPECT_STRNE(reason, "");
        r.run_on_hart([] {});
        EXPECT_EQ(r.run(), NS_ERROR_MISUSE) << "and it runs once";
    });
}

TEST(Machine, InitialContentIsNotStale) {
    in_child([] {
        rig r;
        const unsigned dev = r.device("dev");
        r.build();
        EXPECT_EQ(ns_machine_fill(r.machine, 0, A, 5000, 0x5a), NS_OK);
        r.run_on_hart([&] {
            EXPECT_EQ(r.load(0, A + 4990, 12), (Bytes{90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 0, 0}));
            EXPECT_EQ(r.dma_read(dev, A, 4), Bytes(4, 90));
        });
        EXPECT_EQ(r.hazards(), "") << r.details();
    });
}

} // namespace
