// SPDX-License-Identifier: Apache-2.0
//
// Random programs on random hardware behaviour: what is right stays right. NS_TEST_SEED=N repeats a run.
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

class dice {
  public:
    explicit dice(uint64_t seed) : random_(seed) {}
    uint64_t below(uint64_t limit) { return random_() % limit; }
    bool one_in(uint64_t count) { return below(count) == 0; }
    Bytes bytes(uint64_t count) {
        Bytes made(count);
        for (uint8_t &byte : made)
            byte = static_cast<uint8_t>(random_());
        return made;
    }

  private:
    std::mt19937_64 random_;
};

struct Hardware {
    const char *name;
    unsigned harts, levels;
    void (*set)(ns_machine_config &);
};
void PrintTo(const Hardware &hardware, std::ostream *out) {
    *out << hardware.name;
}

const Hardware machines[] = {
    {"one hart", 1, 1, [](ns_machine_config &) {}},
    {"two harts", 2, 1, [](ns_machine_config &) {}},
    {"three harts, shared L2", 3, 2, [](ns_machine_config &) {}},
    {"inclusive L2", 2, 2, [](ns_machine_config &c) { c.cache.inclusion = NS_INCLUSION_INCLUSIVE; }},
    {"exclusive L2", 2, 2, [](ns_machine_config &c) { c.cache.inclusion = NS_INCLUSION_EXCLUSIVE; }},
    {"write-through", 2, 2, [](ns_machine_config &c) { c.cache.level[0].write_through = true; }},
    {"no write-allocate", 2, 2, [](ns_machine_config &c) { c.cache.level[0].no_write_allocate = true; }},
    {"fills in two steps", 3, 2, [](ns_machine_config &c) { c.cache.fill = NS_FILL_ORDERED; }},
    {"late maintenance", 3, 1, [](ns_machine_config &c) { c.cache.late_write_backs = 3; }},
    {"late maintenance over L2", 2, 2, [](ns_machine_config &c) { c.cache.late_write_backs = 3; }},
    {"prefetcher, random replacement", 3, 2,
     [](ns_machine_config &c) {
         c.prefetch_next_line = true;
         c.cache.level[0].replacement = c.cache.level[1].replacement = NS_REPLACE_RANDOM;
     }},
    {"stride prefetcher", 3, 2,
     [](ns_machine_config &c) {
         c.stride = {4, 32, 8};
     }},
    {"an MPU", 2, 2,
     [](ns_machine_config &c) {
         c.attributes = NS_ATTRIBUTES_MPU;
         c.kernel.uncached = NS_CONFIG_UNCACHED_NONE;
     }},
    {"flush at the edges", 2, 1, [](ns_machine_config &c) { c.cache.range.edge = NS_EDGE_FLUSH; }},
    {"a TLB of one entry", 2, 2, [](ns_machine_config &c) { c.tlb_entries = 1; }},
};

// Caches so small that lines leave all the time.
void make(rig &r, const Hardware &hardware) {
    r.config.cache.harts = hardware.harts;
    r.config.cache.level[0].size = 1024;
    r.config.cache.level[0].ways = 2;
    if (hardware.levels == 2) {
        r.two_levels();
        r.config.cache.level[1].size = 4096;
    }
    hardware.set(r.config);
}

std::string failures_named(const char *what, uint64_t seed) {
    return std::string(what) + ", NS_TEST_SEED=" + std::to_string(seed);
}

class HartsAlone : public ::testing::TestWithParam<Hardware> {};

// Cacheable accesses and maintenance that drops nothing, all harts at once, in lines that they share: coherent
// hardware.
TEST_P(HartsAlone, NeverMeetAHazardAndReadWhatFlatMemoryHolds) {
    in_child([] {
        SCOPED_TRACE(failures_named(GetParam().name, test_seed()));
        rig r;
        make(r, GetParam());
        r.build();
        const unsigned harts = GetParam().harts;
        constexpr uint64_t slice = 24, slices = 200;
        std::vector<Bytes> own(harts, Bytes(slice * slices)); // what each hart wrote to its slices
        unsigned finished = 0;
        for (unsigned hart = 0; hart < harts; hart++)
            r.on(hart, [&r, &own, &finished, hart, harts] {
                dice d(test_seed() * 31 + hart);
                for (unsigned i = 0; i < 1500 && !::testing::Test::HasFailure(); i++) {
                    // Slice n of a hart lies at (n x harts + hart) x 24: neighbours share lines.
                    const uint64_t number = d.below(d.one_in(3) ? slices : 20);
                    const uint64_t length = 1 + d.below(slice), offset = d.below(slice - length + 1);
                    const uint64_t address = A + (number * harts + hart) * slice + offset;
                    const uint64_t anywhere = A + d.below(slice * slices * harts - 64);
                    switch (d.below(12)) {
                    case 0:
                        r.maintain(hart, NS_CACHE_CLEAN, anywhere, d.below(64) + 1);
                        break;
                    case 1:
                        r.maintain(hart, NS_CACHE_FLUSH, anywhere, d.below(64) + 1);
                        break;
                    case 2:
                        ns_hw_prefetch(r.machine, hart, anywhere);
                        break;
                    case 3:
                        ns_hw_evict(r.machine, hart, anywhere);
                        break;
                    case 4:
                        r.load(hart, anywhere, 8); // somebody else's, perhaps: no hazard, whatever it reads
                        break;
                    case 5:
                        d.one_in(2) ? static_cast<void>(ns_hw_sample(r.machine, hart, anywhere))
                                    : static_cast<void>(ns_hw_install(r.machine, hart, anywhere));
                        break;
                    case 6:
                        d.one_in(2) ? r.fence(hart) : ns_hw_drain_hart(r.machine, hart, anywhere, 8);
                        break;
                    case 7:
                    case 8: {
                        const Bytes data = d.bytes(length);
                        r.store(hart, address, data);
                        std::copy(data.begin(), data.end(),
                                  own[hart].begin() + static_cast<std::ptrdiff_t>(number * slice + offset));
                        break;
                    }
                    default: {
                        const auto start = own[hart].begin() + static_cast<std::ptrdiff_t>(number * slice + offset);
                        EXPECT_EQ(r.load(hart, address, static_cast<uint32_t>(length)),
                                  Bytes(start, start + static_cast<std::ptrdiff_t>(length)))
                            << "hart " << hart << ", operation " << i;
                    }
                    }
                }
                // The last one out compares everything with the tracker's flat memory.
                if (++finished < harts)
                    return;
                for (uint64_t at = A; at < A + slice * slices * harts; at += 8) {
                    const Bytes seen = r.load(hart, at, 8);
                    EXPECT_TRUE(ns_tracker_flat_equals(ns_machine_tracker(r.machine), at, 8, seen.data())) << at - A;
                }
            });
        EXPECT_EQ(r.run(), NS_OK);
        EXPECT_EQ(finished, harts);
        EXPECT_EQ(r.hazards(), "") << r.details();
        char reason[200] = "";
        EXPECT_EQ(ns_cache_check(ns_machine_cache(r.machine), reason, sizeof reason), NS_OK) << reason;
    });
}
INSTANTIATE_TEST_SUITE_P(Property, HartsAlone, ::testing::ValuesIn(machines));

// ---- one device, the whole protocol, and hardware that does what it may
// ------------------------------------------------------

class Protocol : public ::testing::TestWithParam<Hardware> {};

constexpr unsigned transfers = 150;
constexpr uint64_t buffer_lines = 6;

struct transfer {
    bool to_device;
    uint64_t address, length;
    Bytes data;
};

std::vector<transfer> plan(uint64_t seed) {
    dice d(seed);
    std::vector<transfer> all;
    for (unsigned i = 0; i < transfers; i++) {
        const uint64_t first = d.below(8), lines = 1 + d.below(buffer_lines);
        all.push_back({d.one_in(2), A + first * 64, lines * 64, d.bytes(lines * 64)});
    }
    return all;
}

// Which step of the receive and send protocols is left out, to show that the property can fail.
enum class Omit { nothing, invalidate_after, invalidate_before, clean, fence, wait };

// Returns the hazards; empty when none.
void run_protocol(const Hardware &hardware, Omit omit, bool posted, std::string *hazards, std::string *details) {
    rig r;
    const unsigned dev = r.device("dev");
    r.devices[dev].starts = r.devices[dev].rings_doorbell = r.devices[dev].signals = true;
    make(r, hardware);
    r.config.posted_entries = posted ? 3 : 0;
    r.config.dma_outstanding = 3;
    r.build();
    const std::vector<transfer> all = plan(test_seed());
    bool done = false;
    r.on(0, [&] {
        const bool strict = omit == Omit::nothing;
        for (const transfer &one : all) {
            if (one.to_device) {
                r.store(0, one.address, one.data);
                if (omit != Omit::clean)
                    r.maintain(0, NS_CACHE_CLEAN, one.address, one.length);
            } else {
                r.store(0, one.address,
                        Bytes(one.length)); // dirty lines, which might be written back over the device's data
                if (omit != Omit::invalidate_before)
                    r.maintain(0, NS_CACHE_INVALIDATE, one.address, one.length);
            }
            if (omit != Omit::fence)
                r.fence(0);
            EXPECT_EQ(ns_hart_doorbell(r.machine, 0, dev), NS_OK);
            if (omit != Omit::wait)
                ns_hart_wait(r.machine, 0, 1);
            if (!one.to_device) {
                if (omit != Omit::invalidate_after)
                    r.maintain(0, NS_CACHE_INVALIDATE, one.address, one.length);
                r.fence(0);
                const Bytes seen = r.load(0, one.address, static_cast<uint32_t>(one.length));
                if (strict) {
                    EXPECT_EQ(seen, one.data);
                }
            }
            if (omit == Omit::wait)
                ns_hart_wait(r.machine, 0, 1);
        }
        done = true;
    });
    r.on_device(dev, [&] {
        for (const transfer &one : all) {
            ns_device_start(r.machine, dev);
            if (one.to_device) {
                const Bytes seen = r.dma_read(dev, one.address, static_cast<uint32_t>(one.length));
                if (omit == Omit::nothing) {
                    EXPECT_EQ(seen, one.data);
                }
            } else {
                r.dma_write(dev, one.address, one.data);
            }
            ns_device_raise(r.machine, dev, 1);
        }
    });
    r.on_hardware([&] {
        dice d(test_seed() + 77);
        ns_actor_begin(r.machine, ns_machine_hardware_actor(r.machine), NS_NO_SITE, NS_NO_OBJECT);
        while (!done) {
            ns_actor_pause(r.machine, 0, 1000 + d.below(60000));
            const uint64_t address = A - 64 + d.below((8 + buffer_lines + 2) * 64);
            const unsigned hart = static_cast<unsigned>(d.below(hardware.harts));
            switch (d.below(6)) {
            case 0:
            case 1:
                ns_hw_prefetch(r.machine, hart, address);
                break;
            case 2:
                ns_hw_evict(r.machine, hart, address);
                break;
            case 3:
                ns_hw_sample(r.machine, hart, address);
                break;
            case 4:
                ns_hw_install(r.machine, hart, address);
                break;
            default:
                d.one_in(2) ? ns_hw_drain_hart(r.machine, hart, address, 1)
                            : ns_hw_drain_device(r.machine, dev, address, 1);
            }
        }
    });
    EXPECT_EQ(r.run(), NS_OK);
    EXPECT_TRUE(done);
    *hazards = r.hazards();
    *details = r.details();
}

TEST_P(Protocol, IsSafeUnderEverythingThatTheHardwareMayDo) {
    for (const bool posted : {false, true})
        in_child([posted] {
            SCOPED_TRACE(failures_named(GetParam().name, test_seed()));
            std::string hazards, details;
            run_protocol(GetParam(), Omit::nothing, posted, &hazards, &details);
            EXPECT_EQ(hazards, "") << details;
        });
}
INSTANTIATE_TEST_SUITE_P(Property, Protocol, ::testing::ValuesIn(machines));

struct Omission {
    const char *what;
    Omit omit;
    size_t machine;
    std::string expected; // among the hazards
};
void PrintTo(const Omission &omission, std::ostream *out) {
    *out << omission.what;
}
class ProtocolWithout : public ::testing::TestWithParam<Omission> {};
TEST_P(ProtocolWithout, OneStepIsCaught) {
    in_child([] {
        std::string hazards, details;
        run_protocol(machines[GetParam().machine], GetParam().omit, false, &hazards, &details);
        EXPECT_NE(hazards.find(GetParam().expected), std::string::npos) << GetParam().what << ": " << hazards << "\n"
                                                                        << details;
    });
}
const Omission omissions[] = {
    {"the invalidate after completion", Omit::invalidate_after, 0, "DC-REFETCH"},
    {"the invalidate before", Omit::invalidate_before, 0, "DC-EVICT-OVER-DMA"},
    {"the clean", Omit::clean, 0, "DC-CLEAN-MISSING"},
    {"the fence, where maintenance is late", Omit::fence, 8, "OR-DRAIN"},
    {"the wait", Omit::wait, 0, "OW-CPU-ACCESS"},
};
INSTANTIATE_TEST_SUITE_P(Property, ProtocolWithout, ::testing::ValuesIn(omissions));

// ---- determinism
// --------------------------------------------------------------------------------------------------------------

uint64_t hash(uint64_t so_far, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        so_far = (so_far ^ static_cast<const uint8_t *>(data)[i]) * UINT64_C(0x100000001b3); // FNV-1a
    return so_far;
}

void print_log_of_a_random_run(uint64_t seed) {
    rig r;
    const unsigned dev = r.device("dev");
    make(r, machines[10]);
    r.config.posted_entries = 2;
    r.config.dma_outstanding = 4;
    r.build();
    for (unsigned hart = 0; hart < 3; hart++)
        r.on(hart, [&r, hart, seed] {
            dice d(seed + hart);
            for (unsigned i = 0; i < 300; i++) {
                const uint64_t address = A + d.below(0x2000);
                d.one_in(3) ? r.store(hart, address, d.bytes(1 + d.below(16)))
                            : static_cast<void>(r.load(hart, address, 8));
                if (d.one_in(10))
                    r.maintain(hart, NS_CACHE_FLUSH, address, 64);
            }
        });
    r.on_device(dev, [&r, dev, seed] {
        dice d(seed + 9);
        for (unsigned i = 0; i < 100; i++)
            d.one_in(2) ? r.dma_write(dev, A + d.below(0x2000), d.bytes(100))
                        : static_cast<void>(r.dma_read(dev, A + d.below(0x2000), 200));
    });
    EXPECT_EQ(r.run(), NS_OK);
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < r.log->event_count; i++) {
        const ns_event &e = r.log->event[i]; // field by field: padding has no promised content
        const uint64_t fields[] = {e.time_ps, e.address, e.bus_address, e.length, e.site,  e.link,
                                   e.kind,    e.actor,   e.peer,        e.level,  e.cause, e.op,
                                   e.scope,   e.type,    e.dirty,       e.set,    e.way};
        value = hash(value, fields, sizeof fields);
        value = hash(value, e.data, e.data_length);
    }
    for (size_t i = 0; i < r.log->hazard_count; i++) {
        const uint64_t fields[] = {static_cast<uint64_t>(r.log->hazard[i].id), r.log->hazard[i].event,
                                   r.log->hazard[i].first, r.log->hazard[i].last, r.log->hazard[i].repeats};
        value = hash(value, fields, sizeof fields);
    }
    std::printf("LOG %zu events %zu hazards %llx\n", r.log->event_count, r.log->hazard_count,
                static_cast<unsigned long long>(value));
}

std::string log_of(uint64_t seed) {
    std::string output;
    EXPECT_TRUE(passes_in_child([seed] { print_log_of_a_random_run(seed); }, &output)) << output;
    const size_t start = output.find("LOG ");
    return start == std::string::npos ? "" : output.substr(start, output.find('\n', start) - start);
}

TEST(Determinism, TheSameRunTwiceWritesTheSameLog) {
    for (uint64_t seed = test_seed(); seed < test_seed() + 3; seed++) {
        const std::string first = log_of(seed);
        EXPECT_NE(first, "");
        EXPECT_EQ(first, log_of(seed)) << "seed " << seed;
    }
    EXPECT_NE(log_of(test_seed()), log_of(test_seed() + 1)) << "the hash sees nothing";
}

} // namespace
