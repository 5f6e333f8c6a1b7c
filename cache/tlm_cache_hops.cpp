// SPDX-License-Identifier: Apache-2.0
//
// An access line by line, on a machine that says how many lines a level has under way and how often it takes a request.
// The bytes move at once, and in one piece, as ever; what is worked out here is when each line is there.
//
// The hart asks for one word after the other. A line that misses L1 needs an MSHR of it; the levels below look it up
// one behind the other, each no sooner than it takes a request again; memory is asked when the hart comes to the line,
// and the look-ups on the way there are added behind, where no later line waits for them.
#include "cache/tlm_cache.h"

#include <algorithm>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

static constexpr unsigned most_lines = 32, most_window = 16;

static bool is_said(const cache_timing &timing, unsigned level) {
    return timing.mshrs[level] > 0 || timing.every[level] != SC_ZERO_TIME;
}

void tlm_cache::start_hops() {
    hops_ = timing_.passing_stores > 0 || timing_.loads_pass;
    for (unsigned level = 0; level < config_.levels; level++)
        hops_ = hops_ || is_said(timing_, level);
    if (!hops_)
        return;
    const unsigned last = timing_.mshrs[config_.levels - 1], first = timing_.mshrs[0];
    const unsigned places = config_.levels > 1 && last > 0 ? last
                            : first > 0                    ? first * config_.harts
                            : timing_.passing_stores > 0   ? most_lines
                                                           : timing_.outstanding * config_.harts;
    while (fills_.size() < places)
        fills_.push_back(std::make_unique<line_on_its_way>());
    fills_.resize(places);
    for (unsigned i = 0; i < config_.harts; i++)
        hart_mshr_[i].resize(first > 0 ? first : most_lines);
}

// ---- lines on their way -------------------------------------------------------------------------

tlm_cache::line_on_its_way *tlm_cache::overlapping(uint64_t address, uint64_t length) {
    for (auto &line : fills_)
        if (line->length > 0 && line->address < address + length && address < line->address + line->length)
            return line.get();
    return nullptr;
}

// What has arrived gives its place back.
void tlm_cache::reap() {
    const sc_time now = sc_core::sc_time_stamp();
    for (auto &line : fills_)
        if (line->length > 0 && line->access.bursts == 0 && line->access.ready + line->on_bus <= now) {
            line->length = 0;
            lines_under_way_--;
        }
}

// A hart has only so many loads on their way, or stores that it does not wait for. True: it had to wait.
bool tlm_cache::wait_for_window() {
    bool waited = false;
    for (const unsigned places = demanded_ ? timing_.outstanding : timing_.passing_stores;;) {
        unsigned lines = 0;
        line_on_its_way *oldest = nullptr;
        for (auto &line : fills_)
            if (line->length > 0 && line->hart == operating_hart_ && (demanded_ ? line->demanded : line->is_store)) {
                lines++;
                oldest = oldest == nullptr || line->number < oldest->number ? line.get() : oldest;
            }
        if (lines < places)
            return waited;
        waited = true;
        const time_scope memory(operating_meter_, time_memory);
        finish(*oldest);
    }
}

// A free place, once the hart, its L1 and the last level have one.
tlm_cache::line_on_its_way &tlm_cache::make_room() {
    reap();
    if (demanded_ || stores_)
        wait_for_window();
    for (;;) {
        unsigned own = 0;
        line_on_its_way *free = nullptr, *oldest = nullptr, *oldest_own = nullptr;
        const auto older = [](line_on_its_way *line, line_on_its_way *than) {
            return than == nullptr || line->number < than->number ? line : than;
        };
        for (auto &line : fills_) {
            if (line->length == 0) {
                free = line.get();
                continue;
            }
            oldest = older(line.get(), oldest);
            if (line->hart != operating_hart_)
                continue;
            oldest_own = older(line.get(), oldest_own);
            own++;
        }
        const bool l1_is_full = timing_.mshrs[0] > 0 && own >= timing_.mshrs[0];
        if (!l1_is_full && free != nullptr)
            return *free;
        counts_.full++;
        finish(l1_is_full ? *oldest_own : *oldest);
    }
}

// A prefetch that finds no MSHR is not made.
bool tlm_cache::may_prefetch(unsigned hart_index) {
    reap();
    unsigned lines = 0;
    for (auto &line : fills_)
        lines += line->length > 0 && line->hart == hart_index;
    if (lines_under_way_ < fills_.size() && (timing_.mshrs[0] == 0 || lines < timing_.mshrs[0]))
        return true;
    counts_.dropped++;
    return false;
}

void tlm_cache::wait_for_hart(unsigned hart_index) {
    for (auto &line : fills_)
        if (line->length > 0 && line->hart == hart_index)
            finish(*line);
}

void tlm_cache::wait_for_range(uint64_t address, uint64_t length) {
    while (line_on_its_way *line = overlapping(address, length))
        finish(*line);
}

// Where an initiator is that may be ahead.
sc_time tlm_cache::here(const sc_time *ahead) {
    return ahead == nullptr ? sc_core::sc_time_stamp() : sc_core::sc_time_stamp() + *ahead;
}

// The time until which the hart has been asking for words is the L1's.
void tlm_cache::reach_due() {
    const sc_time now = here(operating_ahead_);
    if (due_ <= now)
        return;
    if (operating_meter_ != nullptr)
        operating_meter_->charge(time_level(0), due_ - now);
    if (operating_ahead_ != nullptr)
        *operating_ahead_ = SC_ZERO_TIME;
    sc_core::wait(due_ - sc_core::sc_time_stamp());
}

// ---- an access ----------------------------------------------------------------------------------

// Where the hart is, and what it waits for.
struct tlm_cache::line_clock {
    sc_time asks;                // for the next word
    sc_time there;               // the last word so far; zero: none yet
    sc_time window[most_window]; // when the loads that missed were there, by turns
    unsigned missed = 0;         // of them
    unsigned deepest = 0;        // level that a line came from
    uint64_t memory_from = 0;    // lines asked of memory have higher numbers
    bool from_memory = false;
    sc_time of_l1;         // what L1 takes for the last line
    sc_time behind_memory; // the look-ups and words of the last line from there
};

ns_status tlm_cache::access_by_hops(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute,
                                    sc_time &delay) {
    if (!is_physical(payload))
        return NS_ERROR_ADDRESS;
    const bool passes = this->passes(payload.is_write());
    bool merged = false;
    for (;;) { // a line of it may be asked for by others while the caches are theirs
        take_lock(attribute);
        operating_hart_ = hart_index;
        if (!run_goes_on(hart_index, payload.get_address(), payload.get_data_length(), payload.is_write()))
            end_run(hart_index);
        reap();
        line_on_its_way *line = overlapping(payload.get_address(), payload.get_data_length());
        merged = merged || line != nullptr;
        if (line == nullptr || passes)
            break;
        operating_meter_ = nullptr;
        operating_ahead_ = nullptr;
        lock_.unlock();
        const time_scope memory(attribute.meter, time_memory);
        wait_for(*line, line->number, attribute.ahead);
    }
    counts_.merged += merged;
    attribute.result = {};
    line_clock clock;
    clock.asks = here(attribute.ahead);
    clock.memory_from = lines_asked_;
    stores_ = passes && payload.is_write();
    demanded_ = !stores_;
    due_ = clock.asks;
    const ns_status status =
        move_lines(hart_index, payload, attribute, [&](unsigned bytes, const ns_cache_result &line) {
            time_line(hart_index, bytes, line, passes, clock);
            due_ = clock.asks;
        });
    demanded_ = stores_ = false;
    operating_meter_ = nullptr;
    operating_ahead_ = nullptr;
    lock_.unlock();

    if (clock.from_memory && !passes) {
        const time_scope memory(attribute.meter, time_memory);
        for (auto &line : fills_)
            if (line->length > 0 && line->hart == hart_index && line->demanded && line->number > clock.memory_from)
                wait_for(*line, line->number, attribute.ahead);
        clock.there = std::max(clock.there, here(attribute.ahead) + clock.behind_memory);
    }
    const auto cost = [&](unsigned part, const sc_time &time) {
        delay += time;
        if (attribute.meter != nullptr)
            attribute.meter->charge(part, time);
    };
    const sc_time now = here(attribute.ahead), rest = clock.there > now ? clock.there - now : SC_ZERO_TIME;
    const sc_time first = clock.deepest == 0 ? rest : std::min(rest, clock.of_l1);
    cost(time_level(0), first);
    if (rest > first)
        cost(time_level(std::min(clock.deepest, config_.levels - 1)), rest - first);
    if (attribute.result.snoops > 0)
        cost(time_level(std::min(1u, config_.levels - 1)), timing_.snoop * attribute.result.snoops);
    return status;
}

// When the words of a line are there. Its bytes have moved, and memory has been asked if it had to be.
void tlm_cache::time_line(unsigned hart_index, unsigned bytes, const ns_cache_result &one, bool passes,
                          line_clock &clock) {
    const sc_time step = std::max(timing_.cycle, timing_.every[0]);
    const sc_time words = step * ((bytes + timing_.bytes_per_cycle - 1) / timing_.bytes_per_cycle);
    const bool from_memory = one.hit_level >= config_.levels && !streamed_;
    if (from_memory)
        clock.asks = std::max(clock.asks, asked_);
    else if (one.hit_level > 0 && !streamed_ && demanded_ && wait_for_window())
        clock.asks = std::max(clock.asks, here(operating_ahead_));
    sc_time arrives = clock.asks;
    if (one.hit_level > 0) {
        sc_time &place = hart_mshr_[hart_index][hart_mshr_next_[hart_index]];
        const unsigned places = static_cast<unsigned>(hart_mshr_[hart_index].size());
        if (streamed_) { // it is nobody's line to wait for, and takes no MSHR; the next level must take it
            if (config_.levels > 1)
                arrives = std::max(arrives, level_free_[1]);
        } else {
            if (demanded_ && clock.missed >= timing_.outstanding)
                arrives = std::max(arrives, clock.window[(clock.missed - timing_.outstanding) % most_window]);
            arrives = std::max(arrives, place);
        }
        clock.asks = arrives;
        for (unsigned level = 1; level <= std::min(one.hit_level, config_.levels - 1); level++) {
            const sc_time start = std::max(arrives, level_free_[level]);
            level_free_[level] = start + timing_.every[level];
            arrives = start + timing_.hit[level];
        }
        if (!from_memory && !streamed_) { // what memory has to bring holds its place by itself
            place = arrives;
            hart_mshr_next_[hart_index] = (hart_mshr_next_[hart_index] + 1) % places;
        }
        if (demanded_ && !streamed_)
            clock.window[clock.missed++ % most_window] = from_memory ? clock.asks : arrives;
        if (!passes) {
            clock.deepest = std::max(clock.deepest, one.hit_level);
            if (from_memory) {
                clock.from_memory = true;
                clock.behind_memory = arrives - clock.asks + timing_.hit[0] + (words - step);
            }
        }
    }
    clock.of_l1 = timing_.hit[0] + (words - step);
    if (passes)
        arrives = clock.asks;
    clock.asks += words;
    const sc_time before = clock.there;
    clock.there = arrives + timing_.hit[0] + (words - step);
    if (before != SC_ZERO_TIME)
        clock.there = std::max(clock.there, before + words);
}

} // namespace ns
