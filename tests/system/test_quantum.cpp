// SPDX-License-Identifier: Apache-2.0
//
// A loosely timed initiator that runs ahead of the simulation (IEEE 1666-2011, chapters 11 and 12): what its L1
// serves alone takes no wait, and all else happens at the time at which the initiator says that it is. Times by hand
// from bench.h: L1 2 ns, L2 10 ns more; memory 10 (interconnect) + 16 (8 beats) + 60 ns more.
#include "bench.h"
#include "tests/model/in_child.h"

#include <algorithm>
#include <tlm_utils/tlm_quantumkeeper.h>

namespace {

using namespace ns_test;
using sc_core::sc_time;
using sc_core::sc_time_stamp;
using sc_core::SC_ZERO_TIME;
using tlm::tlm_generic_payload;

constexpr double l1 = 2, l2 = 2 + 10, memory = 2 + 10 + 10 + 16 + 60;

struct call {
    bool write = false;
    uint64_t offset = 0;
    unsigned length = 8;
    ns_memory_type type = NS_TYPE_CACHEABLE;
    uint8_t fill = 0; // what a write writes
};

// `enables`: all bytes enabled by an array, which is the same access, but never taken for a hit at once.
struct answer {
    sc_time delay;
    std::vector<uint8_t> data;
    tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;
    ns_cache_result result{};
};
answer transport(bench &made, unsigned hart, const call &what, sc_time delay = SC_ZERO_TIME, bool enables = false) {
    static const unsigned char enabled = TLM_BYTE_ENABLED;
    answer got;
    got.data.assign(what.length, what.fill);
    tlm_generic_payload payload;
    ns::attributes attribute;
    attribute.type = what.type;
    ns::set_payload(payload, what.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, ram_start + what.offset,
                    got.data.data(), what.length);
    if (enables) {
        payload.set_byte_enable_ptr(const_cast<unsigned char *>(&enabled));
        payload.set_byte_enable_length(1);
    }
    payload.set_extension(&attribute);
    made.harts[hart]->socket->b_transport(payload, delay);
    payload.clear_extension(&attribute);
    got.delay = delay;
    got.status = payload.get_response_status();
    got.result = attribute.result;
    return got;
}

void finish(bench &made, unsigned hart, const call &what) {
    const answer got = transport(made, hart, what);
    EXPECT_EQ(got.status, tlm::TLM_OK_RESPONSE);
    sc_core::wait(got.delay);
}

ns_cache_stats stats_of(const bench &made, unsigned hart) {
    ns_cache_stats stats;
    ns_cache_get_hart_stats(made.cache->core(), hart, &stats);
    return stats;
}

// ---- one access, both ways ----------------------------------------------------------------------

struct one_case {
    const char *name;
    std::vector<std::pair<unsigned, call>> before; // hart, and what it did
    call what;
    double time;                                               // ns
    uint8_t byte;                                              // that a load brings; 0 also of a write
    uint64_t load_hits, load_misses, store_hits, store_misses; // of hart 0 by this access
};

constexpr uint64_t line = 32; // of L1
const one_case cases[] = {
    {"load miss", {}, {}, memory, 0, 0, 1, 0, 0},
    {"load hit", {{0, {}}}, {false, 8}, l1, 0, 1, 0, 0, 0},
    {"load that hits L2", {{0, {}}}, {false, line}, l2, 0, 0, 1, 0, 0},
    {"load of what it stored", {{0, {true, 0, 8, NS_TYPE_CACHEABLE, 7}}}, {false, 0, 4}, l1, 7, 1, 0, 0, 0},
    {"load of a whole line, four words", {{0, {}}}, {false, 0, 32}, 4 * l1, 0, 1, 0, 0, 0},
    {"load of three bytes", {{0, {}}}, {false, 5, 3}, l1, 0, 1, 0, 0, 0},
    {"load across two lines", {{0, {}}, {0, {false, line}}}, {false, line - 4}, l1, 0, 2, 0, 0, 0},
    {"store hit", {{0, {}}}, {true, 8, 8, NS_TYPE_CACHEABLE, 9}, l1, 0, 0, 0, 1, 0},
    {"store miss", {}, {true, 8, 8, NS_TYPE_CACHEABLE, 9}, memory, 0, 0, 0, 0, 1},
    {"store to a line that the other hart shares", {{0, {}}, {1, {}}}, {true, 0}, l1, 0, 0, 0, 1, 0},
    {"load of a line that the other hart shares", {{0, {}}, {1, {}}}, {}, l1, 0, 1, 0, 0, 0},
    {"load of what the other hart stored", {{0, {}}, {1, {true, 0, 8, NS_TYPE_CACHEABLE, 6}}}, {}, l2, 6, 0, 1, 0, 0},
    {"non-cacheable load past a dirty line",
     {{0, {true, 0, 8, NS_TYPE_CACHEABLE, 7}}},
     {false, 0, 8, NS_TYPE_NC},
     10 + 2 + 60,
     0,
     0,
     0,
     0,
     0},
};

void check(const one_case &one, bool enables, bool ahead) {
    in_child([&] {
        SCOPED_TRACE(one.name);
        bench made("bench");
        made.harts[0]->program = [&] {
            for (const auto &[hart, what] : one.before)
                finish(made, hart, what);
            const ns_cache_stats old = stats_of(made, 0);
            const sc_time begin = sc_time_stamp();
            const sc_time lead = ahead ? bench::ns(1000) : SC_ZERO_TIME;
            const answer got = transport(made, 0, one.what, lead, enables);
            EXPECT_EQ(sc_time_stamp() + got.delay - begin, bench::ns(one.time) + lead);
            EXPECT_EQ(got.status, tlm::TLM_OK_RESPONSE);
            if (!one.what.write) {
                EXPECT_EQ(got.data, std::vector<uint8_t>(one.what.length, one.byte));
            }
            const ns_cache_stats now = stats_of(made, 0);
            EXPECT_EQ(now.load_hits - old.load_hits, one.load_hits);
            EXPECT_EQ(now.load_misses - old.load_misses, one.load_misses);
            EXPECT_EQ(now.store_hits - old.store_hits, one.store_hits);
            EXPECT_EQ(now.store_misses - old.store_misses, one.store_misses);
            if (one.what.type == NS_TYPE_CACHEABLE) {
                EXPECT_EQ(got.result.hit_level, one.time == memory ? 2u : one.time == l2 ? 1u : 0u);
                EXPECT_EQ(got.result.lines, one.what.offset % line + one.what.length > line ? 2u : 1u);
            }
            if (one.what.write) { // what was written is what the other hart finds
                sc_core::wait(got.delay);
                EXPECT_EQ(transport(made, 1, {false, one.what.offset}).data, std::vector<uint8_t>(8, one.what.fill));
            }
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
}

TEST(Quantum, EachAccessTakesItsTimeAndCountsOnceWhicheverWayItGoes) {
    for (const one_case &one : cases)
        for (const bool enables : {false, true})
            for (const bool ahead : {false, true})
                check(one, enables, ahead);
}

// ---- runs ---------------------------------------------------------------------------------------

struct outcome {
    double end_ns = 0;
    uint64_t bytes = 0; // a sum that depends on the order of what was read
    uint64_t load_hits = 0, load_misses = 0, store_hits = 0, store_misses = 0;
};

// One initiator; a quantum of zero waits after each call. The parent gets the outcome through a pipe.
outcome run(double quantum_ns, unsigned count) {
    int channel[2];
    EXPECT_EQ(pipe(channel), 0);
    in_child([&] {
        bench made("bench");
        made.harts[0]->program = [&] {
            outcome out;
            std::mt19937_64 random(test_seed());
            tlm_utils::tlm_quantumkeeper::set_global_quantum(bench::ns(quantum_ns));
            tlm_utils::tlm_quantumkeeper keeper;
            keeper.reset();
            for (unsigned i = 0; i < count; i++) {
                const bool wide = random() % 8 == 0; // beyond L1, and at times beyond L2
                call what;
                what.write = random() % 3 == 0;
                what.offset = random() % (wide ? ram_bytes - 8 : 256);
                what.length = 1 + static_cast<unsigned>(random() % 8);
                what.fill = static_cast<uint8_t>(random());
                what.type = random() % 50 == 0 ? NS_TYPE_NC : NS_TYPE_CACHEABLE;
                const answer got = transport(made, 0, what, keeper.get_local_time());
                EXPECT_EQ(got.status, tlm::TLM_OK_RESPONSE);
                for (const uint8_t byte : got.data)
                    out.bytes = out.bytes * 31 + byte;
                keeper.set(got.delay);
                if (quantum_ns == 0 || keeper.need_sync())
                    keeper.sync();
            }
            keeper.sync();
            out.end_ns = sc_time_stamp() / bench::ns(1);
            const ns_cache_stats stats = stats_of(made, 0);
            out.load_hits = stats.load_hits;
            out.load_misses = stats.load_misses;
            out.store_hits = stats.store_hits;
            out.store_misses = stats.store_misses;
            EXPECT_EQ(write(channel[1], &out, sizeof out), static_cast<ssize_t>(sizeof out));
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
    outcome out;
    close(channel[1]);
    EXPECT_EQ(read(channel[0], &out, sizeof out), static_cast<ssize_t>(sizeof out));
    close(channel[0]);
    return out;
}

TEST(Quantum, OneInitiatorLosesNothingByRunningAhead) {
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(test_seed()));
    const outcome waits = run(0, 20000);
    EXPECT_GT(waits.load_hits, 5000u);
    EXPECT_GT(waits.load_misses, 500u);
    for (const double quantum_ns : {10.0, 1000.0, 100000.0}) {
        SCOPED_TRACE(quantum_ns);
        const outcome ahead = run(quantum_ns, 20000);
        EXPECT_EQ(ahead.end_ns, waits.end_ns);
        EXPECT_EQ(ahead.bytes, waits.bytes);
        EXPECT_EQ(ahead.load_hits, waits.load_hits);
        EXPECT_EQ(ahead.load_misses, waits.load_misses);
        EXPECT_EQ(ahead.store_hits, waits.store_hits);
        EXPECT_EQ(ahead.store_misses, waits.store_misses);
    }
}

// The first and the last of three words: the second piece finds the line that the first one fetched. L1 takes its time
// for three words, L2 and memory theirs for one line.
TEST(ByteEnables, ALineOfTwoPiecesIsLookedUpBelowOnce) {
    in_child([] {
        bench made("bench");
        made.harts[0]->program = [&] {
            std::vector<uint8_t> data(24);
            std::vector<unsigned char> enables(24, TLM_BYTE_ENABLED);
            std::fill(enables.begin() + 8, enables.begin() + 16, TLM_BYTE_DISABLED);
            tlm_generic_payload payload;
            ns::set_payload(payload, tlm::TLM_READ_COMMAND, ram_start, data.data(), 24);
            payload.set_byte_enable_ptr(enables.data());
            payload.set_byte_enable_length(24);
            EXPECT_EQ(made.harts[0]->blocking(payload), tlm::TLM_OK_RESPONSE);
            EXPECT_EQ(sc_time_stamp(), bench::ns(2 * l1 + memory));
            payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
            EXPECT_EQ(made.harts[0]->blocking(payload), tlm::TLM_OK_RESPONSE);
            EXPECT_EQ(sc_time_stamp(), bench::ns(2 * l1 + memory + 3 * l1));
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
}

// ---- several initiators -------------------------------------------------------------------------

TEST(Quantum, HitsLetNoTimePassAndAMissHappensAtTheInitiatorsTime) {
    in_child([] {
        bench made("bench");
        made.harts[0]->program = [&] {
            finish(made, 0, {});
            const sc_time begin = sc_time_stamp();
            sc_time local = SC_ZERO_TIME;
            for (unsigned i = 0; i < 100; i++)
                local = transport(made, 0, {i % 2 == 0, i % 4 * 8}, local).delay;
            EXPECT_EQ(sc_time_stamp(), begin);
            EXPECT_EQ(local, bench::ns(100 * l1));
            local = transport(made, 0, {false, 4096}, local).delay;
            EXPECT_EQ(sc_time_stamp() - begin, bench::ns(100 * l1 + 10 + 16 + 60)) << "the bus saw it at its time";
            EXPECT_EQ(local, bench::ns(l2)) << "no lead is left but the caches' own time";
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
}

// What a quantum loses, and for how long: the price that the initiator chose.
TEST(Quantum, AHitAheadOfAnotherHartsStoreSeesTheBytesBeforeIt) {
    in_child([] {
        bench made("bench");
        made.harts[0]->program = [&] {
            finish(made, 0, {});
            finish(made, 1, {});
            const sc_time begin = sc_time_stamp();
            const answer early = transport(made, 0, {}, bench::ns(100)); // at 100 ns by its own clock
            EXPECT_EQ(early.data[0], 0);
            sc_core::wait(bench::ns(50));
            finish(made, 1, {true, 0, 8, NS_TYPE_CACHEABLE, 5}); // at 50 ns: the store came first
            sc_core::wait(begin + early.delay - sc_time_stamp());
            EXPECT_EQ(transport(made, 0, {}).data[0], 5) << "after the synchronisation it is seen";
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
}

TEST(Quantum, AHitWaitsForTheOperationThatIsUnderWay) {
    for (const double lead : {0.0, 200.0})
        in_child([lead] {
            bench made("bench");
            sc_time begin;
            made.harts[0]->program = [&] {
                finish(made, 0, {});
                begin = sc_time_stamp();
                sc_core::wait(bench::ns(10)); // hart 1's fill has begun
                const answer got = transport(made, 0, {}, bench::ns(lead));
                // One operation is in the caches at a time: hart 1's holds them for 10 + 16 + 60 ns.
                EXPECT_EQ(sc_time_stamp() - begin, bench::ns(lead == 0 ? 86 : 10 + lead));
                EXPECT_EQ(got.delay, bench::ns(l1));
            };
            made.harts[1]->program = [&] {
                sc_core::wait(bench::ns(memory)); // hart 0's first load is over
                finish(made, 1, {false, 4096});
            };
            sc_core::sc_start();
            made.expect_no_complaints();
        });
}

// ---- four phases --------------------------------------------------------------------------------

TEST(FourPhases, ARequestTakesTheTimeThatABlockingCallTakes) {
    in_child([] {
        bench made("bench");
        made.harts[0]->program = [&] {
            const auto time_of = [&](uint64_t offset) {
                uint8_t data[8] = {};
                tlm_generic_payload payload;
                ns::set_payload(payload, tlm::TLM_READ_COMMAND, ram_start + offset, data, sizeof data);
                const sc_time begin = sc_time_stamp();
                EXPECT_EQ(made.harts[0]->non_blocking(payload), tlm::TLM_OK_RESPONSE);
                return sc_time_stamp() - begin;
            };
            EXPECT_EQ(time_of(0), bench::ns(memory));
            EXPECT_EQ(time_of(0), bench::ns(l1));
            EXPECT_EQ(time_of(line), bench::ns(l2));
            EXPECT_EQ(time_of(4096), bench::ns(memory));
            EXPECT_EQ(time_of(0), bench::ns(l1));
        };
        sc_core::sc_start();
        const ns_cache_stats stats = stats_of(made, 0);
        EXPECT_EQ(stats.load_hits, 2u);
        EXPECT_EQ(stats.load_misses, 3u);
        made.expect_no_complaints();
    });
}

} // namespace
