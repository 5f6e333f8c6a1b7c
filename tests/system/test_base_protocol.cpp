// SPDX-License-Identifier: Apache-2.0
//
// Caches, interconnect and memory against the base protocol and against flat memory: random transactions with monitors
// between all sockets. NS_TEST_SEED=N repeats a run.
#include "bench.h"
#include "tests/model/in_child.h"

#include <algorithm>
#include <array>
#include <deque>

// SC_THREADs run on stacks of their own, which this check takes for frames that have returned.
extern "C" const char *__asan_default_options() {
    return "detect_stack_use_after_return=0";
}

namespace {

using namespace ns_test;
using tlm::tlm_generic_payload;

// Random transactions of one initiator, and the flat memory that they should amount to.
class traffic {
  public:
    traffic(initiator &through, std::vector<uint8_t> &flat, uint64_t base, uint64_t seed)
        : through_(through), flat_(flat), base_(base), random_(seed) {}

    // Only bytes [first, first + length) modulo `period` are this initiator's own; 0: all of RAM.
    void only(uint64_t first, uint64_t length, uint64_t period) {
        first_ = first;
        length_ = length;
        period_ = period;
    }
    void non_blocking(bool yes) { non_blocking_ = yes; }
    void may_read_only_memory_debug(bool yes) { debug_ = yes; }

    void one() {
        switch (below(20)) {
        case 0:
            outside();
            break;
        case 1:
            streaming();
            break;
        case 2:
            ignore();
            break;
        case 3:
            debug_ ? debug() : access();
            break;
        case 4:
            direct();
            break;
        default:
            access();
        }
    }

  private:
    uint64_t below(uint64_t limit) { return random_() % limit; }

    void send(tlm::tlm_command command, uint64_t address, unsigned length) {
        data_.resize(length);
        for (uint8_t &byte : data_)
            byte = static_cast<uint8_t>(random_());
        sent_ = data_;
        // Every attribute is set, each time.
        payload_.set_command(command);
        payload_.set_address(address);
        payload_.set_data_ptr(data_.data());
        payload_.set_data_length(length);
        payload_.set_streaming_width(length + static_cast<unsigned>(below(3)) * 8);
        payload_.set_byte_enable_ptr(nullptr);
        payload_.set_byte_enable_length(0);
        payload_.set_dmi_allowed(false);
        payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    }
    tlm::tlm_response_status go() {
        return non_blocking_ && below(2) == 0 ? through_.non_blocking(payload_)
                                              : through_.blocking(payload_, bench::ns(static_cast<double>(below(4))));
    }
    void place(uint64_t *offset, unsigned *length) {
        if (period_ == 0) {
            *length = 1 + static_cast<unsigned>(below(below(8) == 0 ? 200 : 16));
            *offset = below(8) == 0 ? below(ram_bytes - *length) : below(4096);
        } else {
            *length = 1 + static_cast<unsigned>(below(length_));
            *offset = below(64) * period_ + first_ + below(length_ - *length + 1);
        }
    }

    void access() {
        uint64_t offset;
        unsigned length;
        place(&offset, &length);
        const bool write = below(2) == 0;
        send(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, base_ + offset, length);
        std::array<unsigned char, 24> enable{};
        unsigned period = 1;
        enable.fill(TLM_BYTE_ENABLED);
        if (below(3) == 0) {
            period = 1 + static_cast<unsigned>(below(enable.size()));
            for (unsigned char &value : enable)
                value = below(2) == 0 ? TLM_BYTE_ENABLED : TLM_BYTE_DISABLED;
            payload_.set_byte_enable_ptr(enable.data());
            payload_.set_byte_enable_length(period);
        }
        ASSERT_EQ(go(), tlm::TLM_OK_RESPONSE);
        for (unsigned i = 0; i < length; i++) {
            const bool enabled = enable[i % period] == TLM_BYTE_ENABLED;
            if (write && enabled)
                flat_[offset + i] = sent_[i];
            if (!write) {
                ASSERT_EQ(data_[i], enabled ? flat_[offset + i] : sent_[i]) << "byte " << offset + i;
            }
        }
    }

    // No target: below, above, and across the end of RAM.
    void outside() {
        static const uint64_t offsets[] = {ram_bytes + 0x1000, ram_bytes, ram_bytes - 3, UINT64_MAX - 0x90000000,
                                           0x100000000000000};
        const unsigned length =
            4 + static_cast<unsigned>(below(12)); // never a whole line: a cache would take that on trust
        send(below(2) == 0 ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, base_ + offsets[below(4)], length);
        if (payload_.get_address() == base_ + ram_bytes - 3)
            payload_.set_command(tlm::TLM_READ_COMMAND); // a store would change the bytes inside
        ASSERT_EQ(go(), tlm::TLM_ADDRESS_ERROR_RESPONSE) << payload_.get_address();
    }
    void streaming() {
        uint64_t offset;
        unsigned length;
        place(&offset, &length);
        send(below(2) == 0 ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, base_ + offset, length + 1);
        payload_.set_streaming_width(length);
        ASSERT_EQ(go(), tlm::TLM_BURST_ERROR_RESPONSE);
        ASSERT_EQ(data_, sent_);
    }
    void ignore() {
        uint64_t offset;
        unsigned length;
        place(&offset, &length);
        send(tlm::TLM_IGNORE_COMMAND, base_ + offset, length);
        ASSERT_EQ(go(), tlm::TLM_OK_RESPONSE);
        ASSERT_EQ(data_, sent_);
    }
    void debug() {
        uint64_t offset;
        unsigned length;
        place(&offset, &length);
        send(tlm::TLM_READ_COMMAND, base_ + offset, length);
        ASSERT_EQ(through_.socket->transport_dbg(payload_), length);
        ASSERT_TRUE(std::equal(data_.begin(), data_.end(), flat_.begin() + static_cast<std::ptrdiff_t>(offset)))
            << offset;
        send(tlm::TLM_IGNORE_COMMAND, base_ + offset, length);
        ASSERT_EQ(through_.socket->transport_dbg(payload_), 0u);
        send(tlm::TLM_READ_COMMAND, base_ + ram_bytes + 64, length);
        ASSERT_EQ(through_.socket->transport_dbg(payload_), 0u);
    }
    void direct() {
        send(tlm::TLM_READ_COMMAND, base_ + below(4096), 4);
        tlm::tlm_dmi dmi;
        ASSERT_FALSE(through_.socket->get_direct_mem_ptr(payload_, dmi));
    }

    initiator &through_;
    std::vector<uint8_t> &flat_;
    uint64_t base_;
    std::mt19937_64 random_;
    uint64_t first_ = 0, length_ = 0, period_ = 0;
    bool non_blocking_ = false, debug_ = false;
    tlm_generic_payload payload_;
    std::vector<uint8_t> data_, sent_;
};

uint64_t total(const bench &of) {
    uint64_t sum = 0;
    for (const auto &one : of.monitors)
        sum += one->transactions;
    return sum;
}

// The promise of 100,000; the sanitizers' build does fewer.
#ifdef NDEBUG
constexpr unsigned many = 100000;
#else
constexpr unsigned many = 10000;
#endif

// One transaction at a time, from either hart or the snooping master: flat memory exactly.
void run_in_turn(const bench_options &options, unsigned count, bool non_blocking) {
    in_child([&] {
        bench made("bench", options);
        std::vector<uint8_t> flat(ram_bytes);
        std::deque<traffic> from;
        from.emplace_back(*made.harts[0], flat, ram_start, test_seed());
        from.emplace_back(*made.harts[1], flat, ram_start, test_seed() + 1);
        from.emplace_back(*made.coherent, flat, ram_start, test_seed() + 2);
        for (size_t i = 0; i < 3; i++) {
            from[i].non_blocking(non_blocking);
            from[i].may_read_only_memory_debug(i < 2);
        }
        std::mt19937_64 random(test_seed() + 3);
        unsigned done = 0;
        sc_core::sc_event turn;
        size_t whose = 0;
        for (size_t i = 0; i < 3; i++) {
            initiator &one = i < 2 ? *made.harts[i] : *made.coherent;
            one.program = [&, i] {
                while (done < count && !::testing::Test::HasFailure()) {
                    if (whose != i) {
                        sc_core::wait(turn);
                        continue;
                    }
                    SCOPED_TRACE("seed " + std::to_string(test_seed()) + ", transaction " + std::to_string(done));
                    from[i].one();
                    done++;
                    whose = random() % 3;
                    turn.notify(sc_core::SC_ZERO_TIME);
                }
                whose = 3;
                turn.notify(sc_core::SC_ZERO_TIME);
            };
        }
        sc_core::sc_start();
        EXPECT_EQ(done, count);
        made.expect_no_complaints();
        EXPECT_GT(total(made), count / 2);
    });
}

TEST(BaseProtocol, RandomTransactionsEqualFlatMemoryLooselyTimed) {
    run_in_turn({}, many, false);
}

TEST(BaseProtocol, RandomTransactionsEqualFlatMemoryThroughFourPhases) {
    run_in_turn({}, many, true);
}

TEST(BaseProtocol, RandomTransactionsEqualFlatMemoryWithOneLevel) {
    bench_options options;
    options.levels = 1;
    run_in_turn(options, 10000, true);
}

TEST(BaseProtocol, PayloadsWithoutOurExtensionWorkWhereVersionsAreKept) {
    bench_options options;
    options.provenance = true;
    run_in_turn(options, 10000, true);
}

// All at once, each initiator on bytes of its own in lines that they share: flat memory for each.
TEST(BaseProtocol, ConcurrentTransactionsEqualFlatMemory) {
    in_child([] {
        bench made("bench");
        std::vector<uint8_t> flat(ram_bytes);
        std::deque<traffic> from;
        initiator *const through[] = {made.harts[0].get(), made.harts[1].get(), made.coherent.get()};
        for (uint64_t i = 0; i < 3; i++) {
            from.emplace_back(*through[i], flat, ram_start, test_seed() + i);
            from[i].only(i * 16, 16, 48);
            from[i].non_blocking(true);
        }
        unsigned done = 0;
        for (size_t i = 0; i < 3; i++)
            through[i]->program = [&, i] {
                for (unsigned mine = 0; mine < 7000 && !::testing::Test::HasFailure(); mine++, done++) {
                    SCOPED_TRACE("seed " + std::to_string(test_seed()) + ", initiator " + std::to_string(i) +
                                 ", transaction " + std::to_string(mine));
                    from[i].one();
                }
            };
        sc_core::sc_start();
        EXPECT_EQ(done, 21000u);
        made.expect_no_complaints();
    });
}

// A master that does not snoop, behind its window, on a region that no cache holds; its writes may be posted.
void run_windowed(unsigned posted) {
    in_child([&] {
        bench_options options;
        options.posted = posted;
        bench made("bench", options);
        std::vector<uint8_t> flat(ram_bytes);
        traffic from(*made.dma, flat, bus_start, test_seed());
        made.dma->program = [&] {
            for (unsigned done = 0; done < 20000 && !::testing::Test::HasFailure(); done++) {
                SCOPED_TRACE("seed " + std::to_string(test_seed()) + ", transaction " + std::to_string(done));
                from.one();
                ASSERT_LE(made.interconnect->posted_count(made.dma_number), posted);
            }
        };
        sc_core::sc_start();
        made.interconnect->drain_all(made.dma_number);
        std::vector<uint8_t> memory(ram_bytes);
        EXPECT_EQ(ns_memory_read(made.memory->core(), ram_start, ram_bytes, memory.data(), nullptr), NS_OK);
        EXPECT_EQ(memory, flat);
        made.expect_no_complaints();
    });
}
TEST(BaseProtocol, AWindowedMasterEqualsFlatMemory) {
    run_windowed(0);
}
TEST(BaseProtocol, AWindowedMasterWithPostedWritesEqualsFlatMemory) {
    run_windowed(3);
}

// What the base protocol forbids to ask, and what a target here does not do: each has its own answer, in both styles,
// and no byte moves.
TEST(BaseProtocol, EveryTargetRefusesWithTheErrorThatSaysWhy) {
    in_child([] {
        bench made("bench");
        initiator *const through[] = {made.harts[0].get(), made.coherent.get(), made.dma.get()};
        unsigned asked = 0;
        for (initiator *const one : through)
            one->program = [&, one] {
                const uint64_t start = one == made.dma.get() ? bus_start : ram_start;
                for (const bool non_blocking : {false, true})
                    for (const bool write : {false, true}) {
                        uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
                        unsigned char enable = TLM_BYTE_ENABLED;
                        tlm_generic_payload payload;
                        const auto answer_to = [&](uint64_t address,
                                                   const std::function<void()> &spoil) -> tlm::tlm_response_status {
                            ns::set_payload(payload, write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, address,
                                            data, sizeof data);
                            spoil();
                            asked++;
                            return non_blocking ? one->non_blocking(payload) : one->blocking(payload);
                        };
                        EXPECT_EQ(answer_to(start + ram_bytes + 64, [] {}), tlm::TLM_ADDRESS_ERROR_RESPONSE);
                        EXPECT_EQ(answer_to(start, [&] { payload.set_streaming_width(4); }),
                                  tlm::TLM_BURST_ERROR_RESPONSE);
                        EXPECT_EQ(answer_to(start, [&] { payload.set_byte_enable_ptr(&enable); }),
                                  tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
                        EXPECT_EQ(answer_to(start, [&] { payload.set_command(static_cast<tlm::tlm_command>(3)); }),
                                  tlm::TLM_COMMAND_ERROR_RESPONSE);
                        EXPECT_EQ(data[0], 1);
                    }
            };
        sc_core::sc_start();
        EXPECT_EQ(asked, 3u * 4u * 4u);
        uint8_t memory[8] = {};
        EXPECT_EQ(ns_memory_read(made.memory->core(), ram_start, 8, memory, nullptr), NS_OK);
        EXPECT_EQ(memory[0], 0);
        for (const auto &one : made.monitors) // only the initiators were wrong, on purpose
            for (const rule broken : one->broken_rules)
                EXPECT_TRUE(broken == rule::enable_length || broken == rule::command) << text_of(broken);
    });
}

TEST(BaseProtocol, NobodyGrantsDirectMemoryAccess) {
    in_child([] {
        bench made("bench");
        tlm_generic_payload payload;
        uint8_t data[8] = {};
        for (initiator *const one : {made.harts[0].get(), made.coherent.get(), made.dma.get()})
            for (const uint64_t address : {ram_start, bus_start, uint64_t{0}}) {
                ns::set_payload(payload, tlm::TLM_READ_COMMAND, address, data, sizeof data);
                tlm::tlm_dmi dmi;
                dmi.set_start_address(1);
                dmi.set_end_address(2); // whatever the caller's object held
                EXPECT_FALSE(one->socket->get_direct_mem_ptr(payload, dmi));
                EXPECT_EQ(dmi.get_start_address(), 0u);
                EXPECT_EQ(dmi.get_end_address(), UINT64_MAX);
            }
        made.expect_no_complaints();
    });
}

TEST(BaseProtocol, DebugReadsSeeALateWriteBack) {
    in_child([] {
        bench_options options;
        options.late = 8;
        bench made("bench", options);
        made.harts[0]->program = [&] {
            uint8_t data[4] = {1, 2, 3, 4};
            tlm_generic_payload payload;
            ns::set_payload(payload, tlm::TLM_WRITE_COMMAND, ram_start, data, 4);
            ASSERT_EQ(made.harts[0]->blocking(payload), tlm::TLM_OK_RESPONSE);
            ns::attributes attribute;
            attribute.request = ns::cache_request::maintain;
            attribute.maintenance = {NS_CACHE_FLUSH, NS_SCOPE_POC, NS_RANGE, ram_start, 4};
            ns::set_request(payload, ram_start, attribute);
            payload.set_extension(&attribute);
            ASSERT_EQ(made.harts[0]->blocking(payload), tlm::TLM_OK_RESPONSE);
            payload.clear_extension(&attribute);
            uint8_t seen[4] = {};
            ns::set_payload(payload, tlm::TLM_READ_COMMAND, ram_start, seen, 4);
            ASSERT_EQ(made.harts[1]->socket->transport_dbg(payload), 4u);
            EXPECT_EQ(seen[3], 4);
            EXPECT_EQ(ns_memory_read(made.memory->core(), ram_start, 4, seen, nullptr), NS_OK);
            EXPECT_EQ(seen[3], 0) << "the write-back was not late, and the test shows nothing";
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
}

TEST(BaseProtocol, APostedWriteThatBeginsOutsideOfRamIsRefused) {
    in_child([] {
        bench_options options;
        options.posted = 4;
        bench made("bench", options);
        // The window is as large as the RAM, so reach past its end from inside: both are refused, and nothing is
        // written.
        made.dma->program = [&] {
            uint8_t data[8] = {9, 9, 9, 9, 9, 9, 9, 9};
            tlm_generic_payload payload;
            for (const uint64_t address : {bus_start - 4, bus_start + ram_bytes - 4}) {
                ns::set_payload(payload, tlm::TLM_WRITE_COMMAND, address, data, 8);
                EXPECT_EQ(made.dma->blocking(payload), tlm::TLM_ADDRESS_ERROR_RESPONSE);
            }
            EXPECT_EQ(made.interconnect->posted_count(made.dma_number), 0u);
        };
        sc_core::sc_start();
        made.expect_no_complaints();
    });
}

TEST(BaseProtocol, PostedWritesToOneAddressStayInOrderWhenAMiddleOneIsDrained) {
    in_child([] {
        bench_options options;
        options.posted = 8;
        bench made("bench", options);
        made.dma->program = [&] {
            tlm_generic_payload payload;
            const auto write = [&](uint64_t offset, unsigned length, uint8_t value) {
                std::vector<uint8_t> data(length, value);
                ns::set_payload(payload, tlm::TLM_WRITE_COMMAND, bus_start + offset, data.data(), length);
                ASSERT_EQ(made.dma->blocking(payload), tlm::TLM_OK_RESPONSE);
            };
            write(100, 4, 9); // not concerned
            write(0, 8, 1);
            write(4, 8, 2); // covers half of the one before
            EXPECT_EQ(made.interconnect->drain(made.dma_number, ram_start + 8, 4), 2u);
            EXPECT_EQ(made.interconnect->posted_count(made.dma_number), 1u); // the older one had to go first
            made.interconnect->drain_all(made.dma_number);
            uint8_t memory[12];
            EXPECT_EQ(ns_memory_read(made.memory->core(), ram_start, 12, memory, nullptr), NS_OK);
            EXPECT_EQ(memory[3], 1);
            EXPECT_EQ(memory[4], 2);
            EXPECT_EQ(memory[11], 2);
        };
        sc_core::sc_start();
    });
}

TEST(Extension, IsClonedAndCopiedWhole) {
    ns::attributes original;
    original.initiator_id = 7;
    original.type = NS_TYPE_NC;
    original.request = ns::cache_request::evict;
    original.maintenance = {NS_CACHE_FLUSH, NS_SCOPE_L1, NS_RANGE, 64, 128};
    original.event = 42;
    const auto same = [&](const ns::attributes &other) {
        return other.initiator_id == 7 && other.type == NS_TYPE_NC && other.request == ns::cache_request::evict &&
               other.maintenance.length == 128 && other.event == 42;
    };
    tlm::tlm_extension_base *clone = original.clone();
    EXPECT_TRUE(same(static_cast<const ns::attributes &>(*clone)));
    clone->free();
    ns::attributes copy;
    EXPECT_FALSE(same(copy));
    copy.copy_from(original);
    EXPECT_TRUE(same(copy));
}

} // namespace
