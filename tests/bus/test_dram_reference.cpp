// SPDX-License-Identifier: Apache-2.0
// The DRAM against another one that is written the slow way: it looks at every clock, keeps all commands that were ever
// issued, and asks of each candidate whether any earlier command still forbids it. Its numbers are clocks of published
// tables, not those of bus/dram_grades.c. Requests have to end at the same clocks, and be counted as the same hits.
#include "tests/bus/dram_driver.h"

#include <gtest/gtest.h>

#include <random>

namespace {

using dram_test::config;
using dram_test::Driver;
using dram_test::Ends;
using dram_test::Request;

struct Part {
    const char *grade;
    uint32_t device, gigabits;
    uint64_t cl, cwl, data, dqs, dqs_most, dqss; // data: BL/2
    uint64_t rcd, rp, rp_all, ras, wr, rtp, wtr_s, wtr_l, rrd_s, rrd_l, ccd_s, ccd_l, faw, ppd, refi, rfc;
    uint32_t groups, banks, bursts; // banks: of all groups; bursts of 64 bytes in a row of all devices
};

// DDR3-1600K and DDR4-2400R, -3200AA: Ramulator 2.0, src/dram/impl/DDR3.cpp and DDR4.cpp (DDR3's CWL: JESD79-3F, 8 at
// 1600). LPDDR4-3200 of 8 Gbit: DRAMSys, JEDEC_8Gb_LPDDR4-3200_16bit.json; the least tDQSCK 1.5 ns, 3 clocks. tREFI is
// 7.8 us, 3.904 us of LPDDR4, in whole clocks of 1.25, 0.833, 0.625 ns; tRFC 260, 350, 550, 280 ns.
const Part parts[] = {
    {"DDR3-1600K", 16, 4, 11, 8, 4, 0, 0, 0, 11, 11, 11, 28, 12, 6, 6, 6, 6, 6, 4, 4, 32, 1, 6240, 208, 1, 8, 128},
    {"DDR4-2400R", 8, 8, 16, 12, 4, 0, 0, 0, 16, 16, 16, 39, 18, 9, 3, 9, 4, 6, 4, 6, 26, 1, 9363, 421, 4, 16, 128},
    {"DDR4-3200AA", 16,  16, 22, 16, 4, 0, 0, 0, 22, 22, 22, 52, 24, 12, 4, 12, 9, 11, 4, 8, 48, 1,
     12480,         880, 2,  8,  128},
    {"LPDDR4-3200", 16,  8, 28, 14, 8, 3, 6, 1, 29, 29, 34, 68, 29, 12, 16, 16, 16, 16, 8, 8, 64, 4,
     6246,          448, 1, 8,  64},
};

enum Kind { ACT, RD, WR, PRE, PREA, REF };

struct Command {
    Kind kind;
    uint64_t clock;
    uint32_t bank, group;
};

struct Waiting {
    size_t tag;
    uint64_t seen, row;
    uint32_t bank, group, overtaken = 0;
    bool write, activated = false, precharged = false;
};

class Slow {
  public:
    Slow(const Part &part, const ns_dram_config &c) : p_(part), config_(c), open_(part.banks, -1) {}

    Ends run(const std::vector<Request> &requests) {
        ends_.assign(requests.size(), 0);
        size_t next = 0;
        for (clock_ = 0; done_ < requests.size(); clock_++) {
            accept(requests, next);
            const size_t before = done_;
            if (clock_ >= due_)
                refresh();
            else
                issue();
            if (done_ != before) {
                accept(requests, next);
                choose_side();
            }
        }
        return ends_;
    }
    uint64_t hits = 0, misses = 0, conflicts = 0, refreshes = 0;

  private:
    void accept(const std::vector<Request> &requests, size_t &next) {
        for (; next < requests.size() && requests[next].clock <= clock_ && queue_.size() < config_.queue; next++) {
            queue_.push_back(decode(requests[next], next));
            choose_side();
        }
    }

    Waiting decode(const Request &request, size_t tag) const {
        Waiting result{};
        result.tag = tag;
        result.seen = clock_ + 1;
        result.write = request.write;
        uint64_t unit = request.address / 64;
        const auto take = [&](uint64_t size) {
            const uint64_t field = unit % size;
            unit /= size;
            return static_cast<uint32_t>(field);
        };
        const uint32_t in_group = p_.banks / p_.groups;
        uint32_t group = 0, bank = 0;
        switch (config_.map) { // from the least bits up
        case NS_DRAM_MAP_ROW_COLUMN_BANK:
            group = take(p_.groups), bank = take(in_group), take(p_.bursts);
            break;
        case NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP:
            group = take(p_.groups), take(p_.bursts), bank = take(in_group);
            break;
        case NS_DRAM_MAP_ROW_BANK_COLUMN:
            take(p_.bursts), group = take(p_.groups), bank = take(in_group);
            break;
        }
        result.group = group;
        result.bank = bank * p_.groups + group;
        result.row = unit;
        return result;
    }

    // How long after `earlier` a command of this kind has to wait.
    uint64_t distance(const Command &earlier, Kind kind, uint32_t bank, uint32_t group) const {
        const bool same_bank = earlier.bank == bank, same_group = earlier.group == group;
        const uint64_t ccd = same_group ? p_.ccd_l : p_.ccd_s;
        const uint64_t write_end = p_.cwl + p_.dqss + p_.data;
        switch (earlier.kind) {
        case ACT:
            if (kind == ACT)
                return std::max(same_group ? p_.rrd_l : p_.rrd_s, same_bank ? p_.ras + p_.rp : 0);
            if (kind == PRE || kind == PREA)
                return same_bank || kind == PREA ? p_.ras : 1;
            return same_bank && kind != REF ? p_.rcd : 1;
        case RD:
            if (kind == RD)
                return ccd;
            if (kind == WR)
                return std::max(ccd, p_.cl + p_.dqs_most + p_.data + 2 - p_.cwl);
            return kind == PREA || (kind == PRE && same_bank) ? p_.rtp : 1;
        case WR:
            if (kind == WR)
                return ccd;
            if (kind == RD)
                return write_end + (same_group ? p_.wtr_l : p_.wtr_s);
            return kind == PREA || (kind == PRE && same_bank) ? write_end + p_.wr : 1;
        case PRE:
            if (kind == PRE || kind == PREA)
                return p_.ppd;
            return kind == REF || (kind == ACT && same_bank) ? p_.rp : 1;
        case PREA:
            return kind == REF ? p_.rp_all : p_.rp;
        case REF:
            return kind == ACT || kind == REF ? p_.rfc : 1;
        }
        return 1;
    }

    bool allowed(Kind kind, uint32_t bank, uint32_t group) const {
        unsigned activates = 0;
        for (auto earlier = commands_.rbegin(); earlier != commands_.rend() && earlier->clock + 1000 > clock_;
             ++earlier) {
            // PREA asks only the banks that are open.
            const bool counts = kind != PREA || earlier->kind == PRE || open_[earlier->bank] >= 0;
            if (counts && clock_ < earlier->clock + distance(*earlier, kind, bank, group))
                return false;
            if (kind == ACT && earlier->kind == ACT && ++activates == 4 && clock_ < earlier->clock + p_.faw)
                return false;
        }
        return true;
    }

    void note(Kind kind, uint32_t bank, uint32_t group) { commands_.push_back({kind, clock_, bank, group}); }

    void refresh() {
        const bool any_open = std::any_of(open_.begin(), open_.end(), [](int64_t row) { return row >= 0; });
        if (any_open && allowed(PREA, 0, 0)) {
            note(PREA, 0, 0);
            std::fill(open_.begin(), open_.end(), -1);
        } else if (!any_open && allowed(REF, 0, 0)) {
            note(REF, 0, 0);
            due_ += p_.refi;
            refreshes++;
        }
    }

    Kind wants(const Waiting &request) const {
        const int64_t row = open_[request.bank];
        if (row < 0)
            return ACT;
        return static_cast<uint64_t>(row) != request.row ? PRE : request.write ? WR : RD;
    }

    bool late(const Waiting &request) const { return request.overtaken >= config_.cap; }

    // Reads before writes, but for the marks of the queue; who was overtaken too often decides. Asked whenever a
    // request has come or gone.
    void choose_side() {
        const auto oldest_late =
            std::find_if(queue_.begin(), queue_.end(), [&](const Waiting &one) { return late(one); });
        if (oldest_late != queue_.end()) {
            draining_ = oldest_late->write;
            return;
        }
        const size_t writes = static_cast<size_t>(
            std::count_if(queue_.begin(), queue_.end(), [](const Waiting &one) { return one.write; }));
        const bool above = writes > 0 && writes * 4 > config_.queue * (draining_ ? 1u : 3u);
        draining_ = writes == queue_.size() || above;
    }

    bool wanted(const Waiting &request) const {
        return std::any_of(queue_.begin(), queue_.end(), [&](const Waiting &other) {
            return other.write == draining_ && other.bank == request.bank &&
                   open_[other.bank] == static_cast<int64_t>(other.row);
        });
    }

    void issue() {
        size_t choice = queue_.size();
        for (size_t i = 0; i < queue_.size(); i++) {
            const Waiting &request = queue_[i];
            const bool in_order = config_.scheduler == NS_DRAM_IN_ORDER;
            if (!in_order && request.write != draining_)
                continue;
            const Kind kind = wants(request);
            const bool kept = !in_order && kind == PRE && !late(request) && wanted(request);
            const bool can = !kept && request.seen <= clock_ && allowed(kind, request.bank, request.group);
            const bool column = kind == RD || kind == WR;
            const bool better =
                choice == queue_.size() || (column && wants(queue_[choice]) != RD && wants(queue_[choice]) != WR);
            if (can && better)
                choice = i;
            if (in_order || late(request))
                break;
        }
        if (choice < queue_.size())
            give(choice);
    }

    void give(size_t index) {
        Waiting &request = queue_[index];
        const Kind kind = wants(request);
        note(kind, request.bank, request.group);
        if (kind == ACT) {
            open_[request.bank] = static_cast<int64_t>(request.row);
            request.activated = true;
        } else if (kind == PRE) {
            open_[request.bank] = -1;
            request.precharged = true;
        } else {
            ends_[request.tag] = clock_ + p_.data + (request.write ? p_.cwl + p_.dqss : p_.cl + p_.dqs);
            (request.precharged ? conflicts : request.activated ? misses : hits)++;
            for (size_t i = 0; i < index; i++)
                queue_[i].overtaken++;
            queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(index));
            done_++;
        }
    }

    const Part &p_;
    ns_dram_config config_;
    std::vector<int64_t> open_; // row, or -1
    std::vector<Waiting> queue_;
    std::vector<Command> commands_;
    uint64_t clock_ = 0, due_ = p_.refi;
    size_t done_ = 0;
    bool draining_ = false;
    Ends ends_;
};

class DramReference : public testing::TestWithParam<size_t> {};

std::vector<Request> random_stream(std::mt19937 &random) {
    std::vector<Request> requests;
    const uint64_t spread = 1 + random() % 40, near = random() % 4, writes = 1 + random() % 5;
    uint64_t clock = 0, address = 0;
    for (unsigned i = 0; i < 900; i++) {
        clock += random() % 97 == 0 ? random() % 3000 : random() % spread;
        address = random() % 4 < near ? address + 64 : random() % (1u << 20) / 64 * 64;
        requests.push_back({clock, address % (1u << 20), random() % writes == 0});
    }
    return requests;
}

TEST_P(DramReference, EveryRequestEndsAtTheSameClock) {
    const Part &part = parts[GetParam()];
    std::mt19937 random(static_cast<uint32_t>(GetParam()) + 1);
    for (unsigned round = 0; round < 12; round++) {
        ns_dram_config c = config(part.grade);
        c.device = part.device;
        c.gigabits = part.gigabits;
        c.map = static_cast<ns_dram_map>(round % 3);
        c.scheduler = round % 4 == 3 ? NS_DRAM_IN_ORDER : NS_DRAM_FR_FCFS;
        c.queue = round % 2 == 0 ? 16 : 5;
        c.cap = round % 5 == 0 ? 2 : 16;
        const std::vector<Request> requests = random_stream(random);
        SCOPED_TRACE(std::string(part.grade) + ", round " + std::to_string(round));
        Slow slow(part, c);
        Driver driver(c);
        const Ends expected = slow.run(requests), got = driver.run(requests);
        for (size_t i = 0; i < requests.size(); i++)
            ASSERT_EQ(got[i], expected[i]) << "request " << i;
        EXPECT_EQ(driver.stats().row_hits, slow.hits);
        EXPECT_EQ(driver.stats().row_misses, slow.misses);
        EXPECT_EQ(driver.stats().row_conflicts, slow.conflicts);
        EXPECT_GT(slow.hits * slow.misses * slow.conflicts * slow.refreshes, 0u) << "the stream has all of them";
    }
}

INSTANTIATE_TEST_SUITE_P(Parts, DramReference, testing::Range<size_t>(0, 4));

} // namespace
