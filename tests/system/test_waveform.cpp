// SPDX-License-Identifier: Apache-2.0
//
// The waveform that a machine keeps beside its log: what it says of lines, bus and interrupts, and that it says it of
// every change. What is expected follows from docs/semantics.md. NS_TEST_SEED=N repeats a run.
#include "rig.h"

#include <cstdlib>
#include <map>
#include <random>
#include <tuple>

namespace {

using namespace ns_test;

constexpr uint64_t A = base + 0x100000, B = A + 64;

// A copy as the waveform has it at this point: "M", "E!" (stale), "I" (also when it has never heard of it).
std::string shown(const rig &r, unsigned level, unsigned hart, uint64_t line) {
    uint32_t value = NS_MESI_INVALID;
    const ns_waveform *waveform = r.log->waveform;
    for (size_t i = 0; i < waveform->count; i++) {
        const ns_wave_change &change = waveform->change[i];
        if (change.kind == NS_WAVE_LINE && change.level == level && change.hart == hart && change.address == line)
            value = change.value;
    }
    return std::string(ns_mesi_name(static_cast<ns_mesi>(value & ~NS_WAVE_STALE))) +
           ((value & NS_WAVE_STALE) != 0 ? "!" : "");
}

void keep(rig &r) {
    ASSERT_TRUE(ns_log_keep_waveform(r.log));
    r.build();
}

TEST(Waveform, IsNotKeptUnlessItIsAskedFor) {
    in_child([] {
        rig r;
        r.build();
        r.run_on_hart([&] { r.store(0, A, {1}); });
        EXPECT_EQ(r.log->waveform, nullptr);
    });
}

TEST(Waveform, ShowsALineAsItsOperationsLeaveIt) {
    in_child([] {
        rig r;
        r.device("nic");
        keep(r);
        r.run_on_hart([&] {
            const auto state = [&] { return shown(r, 0, 0, A); };
            EXPECT_EQ(state(), "I");
            r.load(0, A, 4);
            EXPECT_EQ(state(), "E");
            r.store(0, A, {1, 2, 3, 4});
            EXPECT_EQ(state(), "M"); // dirty, and memory is older: the copy is not stale
            r.maintain(0, NS_CACHE_CLEAN, A, 64);
            EXPECT_EQ(state(), "E");
            r.dma_write(0, A + 8, {9});
            EXPECT_EQ(state(), "E!"); // nobody snoops
            r.load(0, A, 4);
            EXPECT_EQ(state(), "E!"); // a hit changes nothing
            r.store(0, A, {5});
            EXPECT_EQ(state(), "M!"); // byte 8 is still older than memory's
            r.store(0, A + 8, {6});
            EXPECT_EQ(state(), "M"); // and now newer
            r.dma_write(0, A + 8, {7});
            EXPECT_EQ(state(), "M!");
            r.maintain(0, NS_CACHE_INVALIDATE, A, 64);
            EXPECT_EQ(state(), "I");
            r.store(0, A, {1});
            r.maintain(0, NS_CACHE_FLUSH, A, 64);
            EXPECT_EQ(state(), "I");
        });
    });
}

TEST(Waveform, ShowsWhatTheHardwareDoesByItself) {
    in_child([] {
        rig r;
        r.device("nic");
        keep(r);
        r.run_on_hart([&] {
            r.load(0, B, 1); // a translation of the page
            ns_hw_prefetch(r.machine, 0, A);
            EXPECT_EQ(shown(r, 0, 0, A), "E");
            r.dma_write(0, A, {1});
            EXPECT_EQ(shown(r, 0, 0, A), "E!");
            ns_hw_evict(r.machine, 0, A);
            EXPECT_EQ(shown(r, 0, 0, A), "I");
            ns_hw_speculative_store(r.machine, 0, A);
            EXPECT_EQ(shown(r, 0, 0, A), "M"); // dirty although no byte changed
            EXPECT_EQ(shown(r, 0, 0, B), "E"); // the neighbour all the time
        });
    });
}

// A posted write changes memory when it drains, and not before.
TEST(Waveform, ShowsACopyAsStaleOnlyWhenThePostedWriteHasArrived) {
    in_child([] {
        rig r;
        r.device("nic");
        r.config.posted_entries = 4;
        keep(r);
        r.run_on_hart([&] {
            r.load(0, A, 1);
            r.dma_write(0, A, {1});
            EXPECT_EQ(shown(r, 0, 0, A), "E");
            ns_hw_drain_device(r.machine, 0, 0, UINT64_MAX);
            EXPECT_EQ(shown(r, 0, 0, A), "E!");
        });
    });
}

TEST(Waveform, ShowsTheProtocolBetweenTheHarts) {
    in_child([] {
        rig r;
        r.config.cache.harts = 2;
        keep(r);
        r.run_on_hart([&] {
            const auto both = [&] { return shown(r, 0, 0, A) + shown(r, 0, 1, A); };
            r.load(0, A, 1);
            EXPECT_EQ(both(), "EI");
            r.load(1, A, 1);
            EXPECT_EQ(both(), "SS");
            r.store(1, A, {1});
            EXPECT_EQ(both(), "IM");
            r.load(0, A, 1);
            EXPECT_EQ(both(), "SS"); // the modified copy went down first
            r.store(0, A, {2});
            EXPECT_EQ(both(), "MI");
        });
    });
}

TEST(Waveform, ShowsALineMoveFromL1ToL2) {
    in_child([] {
        rig r;
        r.two_levels();
        keep(r);
        r.run_on_hart([&] {
            const auto both = [&] { return shown(r, 0, 0, A) + shown(r, 1, 0, A); };
            r.store(0, A, {1});
            EXPECT_EQ(both(), "ME");
            ns_hw_evict_l1(r.machine, 0, A);
            EXPECT_EQ(both(), "IM");
            r.load(0, A, 1);
            EXPECT_EQ(both(), "EM");
            r.maintain(0, NS_CACHE_CLEAN, A, 1);
            EXPECT_EQ(both(), "EE");
        });
    });
}

TEST(Waveform, ShowsWhoHasMemoryForAsLongAsTheStatisticsSay) {
    in_child([] {
        rig r;
        r.two_levels();
        r.device("nic");
        keep(r);
        r.on(0, [&] {
            for (unsigned i = 0; i < 20; i++)
                r.store(0, A + 64 * i, {1});
            r.maintain(0, NS_CACHE_FLUSH, A, 20 * 64);
        });
        r.on_device(0, [&] {
            r.dma_write(0, A + 0x10000, Bytes(1024));
            r.dma_read(0, A + 0x20000, 512);
        });
        EXPECT_EQ(r.run(), NS_OK);
        std::map<unsigned, uint64_t> busy;
        const ns_wave_change *held = nullptr;
        unsigned device_writes = 0;
        for (size_t i = 0; i < r.log->waveform->count; i++) {
            const ns_wave_change &change = r.log->waveform->change[i];
            if (change.kind != NS_WAVE_BUS)
                continue;
            if (change.value == NS_WAVE_BUS_IDLE) {
                ASSERT_NE(held, nullptr);
                EXPECT_EQ(held->actor, change.actor);
                busy[change.actor] += change.time_ps - held->time_ps;
                held = nullptr;
                continue;
            }
            EXPECT_EQ(held, nullptr) << "one at a time";
            held = &change;
            if (change.actor == r.device_actor(0) && change.value == NS_WAVE_BUS_WRITE) {
                EXPECT_GE(change.address, A + 0x10000);
                EXPECT_LT(change.address, A + 0x10400);
                device_writes++;
            }
        }
        EXPECT_EQ(device_writes, 1024 / r.config.dma_burst);
        EXPECT_EQ(busy[0], r.log->stats.caches.busy_ps);
        EXPECT_EQ(busy[r.device_actor(0)], r.log->stats.master[r.device_actor(0)].busy_ps);
        EXPECT_EQ(busy.size(), 2u);
    });
}

TEST(Waveform, ShowsAnInterruptFromItsRaiseUntilAHartTakesIt) {
    in_child([] {
        rig r;
        r.device("nic");
        keep(r);
        uint64_t raised = 0, taken = 0;
        r.on_device(0, [&] {
            ns_actor_pause(r.machine, r.device_actor(0), 5000);
            raised = r.now();
            ns_device_raise(r.machine, 0, 3);
        });
        r.on(0, [&] {
            ns_hart_wait(r.machine, 0, 3);
            taken = r.now();
        });
        EXPECT_EQ(r.run(), NS_OK);
        std::vector<std::tuple<uint64_t, unsigned, uint32_t>> seen;
        for (size_t i = 0; i < r.log->waveform->count; i++)
            if (r.log->waveform->change[i].kind == NS_WAVE_IRQ)
                seen.emplace_back(r.log->waveform->change[i].time_ps, r.log->waveform->change[i].irq,
                                  r.log->waveform->change[i].value);
        EXPECT_EQ(seen, (std::vector<std::tuple<uint64_t, unsigned, uint32_t>>{{raised, 3, 1}, {taken, 3, 0}}));
        EXPECT_EQ(taken, raised + r.config.interrupt_latency_ps);
    });
}

TEST(Waveform, EndsWhereItsLimitIsAndSaysSo) {
    in_child([] {
        rig r;
        ASSERT_TRUE(ns_log_keep_waveform(r.log));
        r.log->waveform->limit = 10;
        r.build();
        r.run_on_hart([&] {
            for (unsigned i = 0; i < 40; i++)
                r.store(0, A + 64 * i, {1});
        });
        EXPECT_TRUE(r.log->waveform->lost);
        EXPECT_EQ(r.log->waveform->count, 10u);
        EXPECT_GE(r.log->waveform->lost_ps, r.log->waveform->change[9].time_ps);
        EXPECT_LT(r.log->waveform->lost_ps, r.log->end_ps);
    });
}

// ---- every change, whatever happens ---------------------------------------------------------------------------

struct Hardware {
    const char *name;
    unsigned harts, levels;
    bool snoops;
    void (*set)(ns_machine_config &);
};
void PrintTo(const Hardware &hardware, std::ostream *out) {
    *out << hardware.name;
}

const Hardware machines[] = {
    {"one hart", 1, 1, false, [](ns_machine_config &) {}},
    {"two harts, shared L2", 2, 2, false, [](ns_machine_config &) {}},
    {"inclusive L2", 2, 2, false, [](ns_machine_config &c) { c.cache.inclusion = NS_INCLUSION_INCLUSIVE; }},
    {"inclusive L2 with longer lines", 2, 2, false,
     [](ns_machine_config &c) {
         c.cache.inclusion = NS_INCLUSION_INCLUSIVE;
         c.cache.level[0].line = 32;
     }},
    {"exclusive L2", 2, 2, false, [](ns_machine_config &c) { c.cache.inclusion = NS_INCLUSION_EXCLUSIVE; }},
    {"write-through", 2, 2, false, [](ns_machine_config &c) { c.cache.level[0].write_through = true; }},
    {"no write-allocate", 2, 2, false, [](ns_machine_config &c) { c.cache.level[0].no_write_allocate = true; }},
    {"fills in two steps", 3, 2, false, [](ns_machine_config &c) { c.cache.fill = NS_FILL_ORDERED; }},
    {"fills that escape", 2, 1, false, [](ns_machine_config &c) { c.cache.fill = NS_FILL_ESCAPING; }},
    {"late maintenance over L2", 2, 2, false, [](ns_machine_config &c) { c.cache.late_write_backs = 3; }},
    {"a device that snoops", 2, 2, true, [](ns_machine_config &) {}},
    {"a device that snoops an exclusive L2", 2, 2, true,
     [](ns_machine_config &c) { c.cache.inclusion = NS_INCLUSION_EXCLUSIVE; }},
};

using place = std::tuple<unsigned, unsigned, uint64_t>; // level, hart, line

// Takes the waveform's changes in as they come.
class replay {
  public:
    explicit replay(const ns_waveform *waveform) : waveform_(waveform) {}
    const std::map<place, uint32_t> &now() {
        for (; next_ < waveform_->count; next_++) {
            const ns_wave_change &change = waveform_->change[next_];
            EXPECT_GE(change.time_ps, time_);
            time_ = change.time_ps;
            if (change.kind != NS_WAVE_LINE)
                continue;
            const place at{change.level, change.hart, change.address};
            if (change.value == NS_MESI_INVALID)
                lines_.erase(at);
            else
                lines_[at] = change.value;
        }
        return lines_;
    }

  private:
    const ns_waveform *waveform_;
    size_t next_ = 0;
    uint64_t time_ = 0;
    std::map<place, uint32_t> lines_;
};

// What the caches hold, with the versions that a device below them reads.
std::map<place, uint32_t> truth(rig &r, unsigned reader) {
    struct visitor {
        rig *r;
        unsigned reader;
        std::map<place, uint32_t> lines;
        std::vector<std::pair<place, std::vector<ns_version>>> copies;
    } visitor{&r, reader, {}, {}};
    ns_cache_for_each(
        ns_machine_cache(r.machine),
        [](void *context, unsigned level, unsigned hart, const ns_cache_copy *copy) {
            auto *self = static_cast<struct visitor *>(context);
            const place at{level, hart, copy->line_address};
            self->lines[at] = static_cast<uint32_t>(copy->mesi);
            self->copies.emplace_back(at, std::vector<ns_version>(copy->versions, copy->versions + copy->line_size));
            return true;
        },
        &visitor);
    for (const auto &[at, versions] : visitor.copies) {
        Bytes data(versions.size());
        std::vector<ns_version> memory(versions.size());
        EXPECT_EQ(ns_device_read(r.machine, reader, std::get<2>(at), unknown, static_cast<uint32_t>(data.size()),
                                 data.data(), memory.data(), NS_ACCESS_POLL),
                  NS_OK);
        for (size_t i = 0; i < versions.size(); i++)
            if (memory[i] > versions[i])
                visitor.lines[at] |= NS_WAVE_STALE;
    }
    return visitor.lines;
}

class EveryChange : public ::testing::TestWithParam<Hardware> {};

TEST_P(EveryChange, OfEveryLineIsInTheWaveform) {
    in_child([] {
        const char *text = std::getenv("NS_TEST_SEED");
        const uint64_t seed = text == nullptr ? 20261128 : std::strtoull(text, nullptr, 0);
        SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
        const Hardware &hardware = GetParam();
        rig r;
        r.config.cache.harts = hardware.harts;
        r.config.cache.level[0].size = 1024;
        r.config.cache.level[0].ways = 2;
        if (hardware.levels == 2) {
            r.two_levels();
            r.config.cache.level[1].size = 4096;
        }
        hardware.set(r.config);
        const unsigned nic = r.device("nic"), reader = r.device("reader");
        r.devices[nic].snoops = hardware.snoops;
        keep(r);
        r.run_on_hart([&] {
            std::mt19937_64 random(seed);
            const auto below = [&](uint64_t limit) { return random() % limit; };
            replay waveform(r.log->waveform);
            for (unsigned i = 0; i < 1200 && !::testing::Test::HasFailure(); i++) {
                const unsigned hart = static_cast<unsigned>(below(hardware.harts));
                const uint64_t at = A + below(below(3) == 0 ? 8192 : 512);
                switch (below(13)) {
                case 0:
                case 1:
                    r.load(hart, at, 8);
                    break;
                case 2:
                case 3:
                    r.store(hart, at, Bytes(1 + below(24), static_cast<uint8_t>(i)));
                    break;
                case 4:
                    r.maintain(hart, static_cast<ns_cache_op>(below(3)), at, 1 + below(200));
                    break;
                case 5:
                    r.maintain(hart, static_cast<ns_cache_op>(below(3)), at, 1 + below(200), NS_SCOPE_L1);
                    break;
                case 6:
                    r.dma_write(nic, at, Bytes(1 + below(100), static_cast<uint8_t>(i)));
                    break;
                case 7:
                    r.dma_read(nic, at, 64);
                    break;
                case 8:
                    ns_hw_prefetch(r.machine, hart, at);
                    break;
                case 9:
                    below(2) == 0 ? ns_hw_evict(r.machine, hart, at) : ns_hw_evict_l1(r.machine, hart, at);
                    break;
                case 10:
                    below(2) == 0 ? ns_hw_sample(r.machine, hart, at) : ns_hw_install(r.machine, hart, at);
                    break;
                case 11:
                    ns_hw_speculative_store(r.machine, hart, at);
                    break;
                default:
                    below(2) == 0 ? ns_hw_drain_hart(r.machine, hart, at, 8) : r.fence(hart);
                }
                if (i % 8 == 7) {
                    EXPECT_EQ(waveform.now(), truth(r, reader)) << "after operation " << i;
                }
            }
        });
        EXPECT_FALSE(r.log->waveform->lost);
    });
}

INSTANTIATE_TEST_SUITE_P(Machines, EveryChange, ::testing::ValuesIn(machines));

} // namespace
