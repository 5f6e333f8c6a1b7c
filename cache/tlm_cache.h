// SPDX-License-Identifier: Apache-2.0
//
// The cache hierarchy behind sockets, with time. One target socket for each hart, one for IO-coherent masters, and one
// initiator socket towards the interconnect, on which fills and write-backs travel as transactions of the hierarchy's
// own.
//
// With `outstanding` above 1 the lines of one access are filled at the same time, a prefetch goes on behind the access
// that made it, an access to a line that is on its way waits for it, and the words of one access follow each other
// every cycle. An access ends when all its own lines are there: the next one may depend on it.
//
// With a word about a hop (`mshrs`, `every`, `passing_stores`) an access is timed line by line (tlm_cache_hops.cpp). A
// line that misses a level takes one of its MSHRs until it is there, and a second miss of it waits for the first; a
// level takes a request every so often; a hart has `outstanding` loads that miss under way; and the caches are free for
// others while an access waits for the last of its lines.
//
// With `write_streaming` a line that a run of stores reaches is not read from memory once so many whole lines of it
// have been stored (write_run.h). That is a matter of time alone: the line is allocated as ever, with the bytes that
// memory holds, but they come without a transaction and nobody waits for them. The stores cost the look-ups and what
// the victims' write-backs take. If the run ends within such a line, or the line is loaded, cleaned, or fenced off
// before it is stored wholly, it is read then, and that is the time of whoever ended the run.
//
// An initiator may be ahead of the simulation (attributes::ahead): what the caches do by themselves is done at once,
// and memory is asked when its time has come.
//
// Either style (tlm_target_port.h). What a hart's L1 serves alone, b_transport does at once: it leaves the delay that
// it is given and adds the hit's time, so that an initiator with a quantum (IEEE 1666-2011, 12.2) needs no wait. Before
// all else it waits out the delay, so that other harts, the bus and memory are met at the time that the initiator says;
// then it may wait for memory and for its turn, and returns the time of the levels in `delay`. So one initiator loses
// nothing by its quantum; of several, a hit does not see what others do between the simulation's time and its own. One
// operation is under way at a time; a second caller waits, with a hit too. With a word about a hop, or with write
// streaming, nothing is done at once.
//
// Byte enables are honoured; a streaming width smaller than the data length is refused with TLM_BURST_ERROR_RESPONSE.
// DMI is never granted: data may be dirty here.
#ifndef NS_CACHE_TLM_CACHE_H
#define NS_CACHE_TLM_CACHE_H

#include "cache/cache.h"
#include "cache/tlm_attributes.h"
#include "cache/tlm_target_port.h"
#include "cache/write_run.h"

#include <memory>
#include <string>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace ns {

struct cache_timing {
    sc_core::sc_time hit[NS_CACHE_MAX_LEVELS];   // added for each level that an access reaches
    sc_core::sc_time maintenance_present;        // for each line that maintenance visits and a cache in its reach holds
    sc_core::sc_time maintenance_absent;         // for each that none holds, and once if it visits none
    sc_core::sc_time snoop;                      // for each line for which the other L1s are asked
    sc_core::sc_time cycle;                      // of a hart
    unsigned outstanding = 1;                    // line fills under way at once (MSHRs of the last level), 1 to 16
    unsigned write_backs = 0;                    // that memory has not taken yet and nobody waits for, 0 to 16
    unsigned bytes_per_cycle = 8;                // what a hart moves per access, of L1 or past the caches
    unsigned mshrs[NS_CACHE_MAX_LEVELS] = {};    // lines under way that missed the level, 0 to 32; 0: nothing is said
    sc_core::sc_time every[NS_CACHE_MAX_LEVELS]; // from one request to the next; zero: nothing is said
    unsigned passing_stores = 0;  // lines that stores missed, and behind which their hart goes on, 0 to 32
    bool loads_pass = false;      // the same of loads: nothing depends on them; `outstanding` is how many
    unsigned write_streaming = 0; // whole lines of a run of stores, behind which none is read; 0: all are. Above 0 the
                                  // lines of all levels have one size
};

// Lines that were asked of memory, on a machine that says something about a hop.
struct hop_counts {
    uint64_t asked = 0;   // lines
    uint64_t merged = 0;  // accesses that waited for a line which was on its way already
    uint64_t full = 0;    // waits for a free MSHR, of the hart's L1 or of the last level
    uint64_t dropped = 0; // prefetches that found none
    unsigned most = 0;    // lines under way at once
};

// Serialises callers that may wait inside, first come, first served: accesses take effect in the order in which they
// were issued. Uncontended use costs two counters.
class operation_lock {
  public:
    bool is_taken() const { return next_ != serving_; }
    void lock() {
        const uint64_t ticket = next_++;
        while (ticket != serving_)
            sc_core::wait(released_);
    }
    void unlock() {
        if (++serving_ != next_)
            released_.notify(sc_core::SC_ZERO_TIME);
    }

  private:
    uint64_t next_ = 0, serving_ = 0;
    sc_core::sc_event released_;
};

class tlm_cache : public sc_core::sc_module {
  public:
    using hart_socket = target_port<tlm_cache>;
    std::vector<std::unique_ptr<hart_socket>> hart; // one for each hart
    target_port<tlm_cache> coherent_port;
    tlm_utils::simple_initiator_socket<tlm_cache, 64> memory_port;

    // `observer` may be null. The configuration must pass ns_cache_config_check.
    tlm_cache(sc_core::sc_module_name name, const ns_cache_config &config, const cache_timing &timing,
              const ns_cache_observer *observer);
    ~tlm_cache() override;

    ns_cache *core() { return core_; }

    // An access that L1 serves at once, without a transaction and without its bytes: true, and *time is what it takes,
    // all of it L1's. False, and nothing has happened. Only for an initiator that nobody else shares the caches with
    // just now, and that waits out its times before its next transaction.
    bool hit(unsigned hart_index, uint64_t address, uint32_t length, bool store, sc_core::sc_time *time) {
        if ((lines_under_way_ > 0 || streams()) && !may_hit(hart_index, address, length, store))
            return false;
        if (!ns_cache_hit(core_, hart_index, address, length, store))
            return false;
        if (store && streams())
            run_hits(hart_index, address, length);
        *time = length <= timing_.bytes_per_cycle ? timing_.hit[0] : hit_time(length);
        return true;
    }

  private:
    bool serve_hit(int hart_index, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    void transport(int hart_index, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    void transport_past_l1(int hart_index, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    void coherent_transport(int tag, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    unsigned debug(int hart_index, tlm::tlm_generic_payload &payload);
    ns_status access_by_hops(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute,
                             sc_core::sc_time &delay);
    ns_status access(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute,
                     sc_core::sc_time &delay);
    template <typename Moved>
    ns_status move_lines(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute, Moved moved);
    static bool is_physical(const tlm::tlm_generic_payload &payload);
    void take_lock(const attributes &attribute);
    ns_version *versions_of(const tlm::tlm_generic_payload &payload, const attributes &attribute);
    ns_status bypass(tlm::tlm_generic_payload &payload, attributes &attribute, sc_core::sc_time &delay);
    void load_words(tlm::tlm_generic_payload &payload, attributes &attribute, sc_core::sc_time &delay);
    ns_status hardware_request(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute,
                               sc_core::sc_time &delay);
    ns_status memory_access(tlm::tlm_command command, uint64_t address, uint32_t length, uint8_t *data,
                            ns_version *versions);
    static ns_status backing_read(void *self, uint64_t address, uint32_t length, uint8_t *data, ns_version *versions);
    static ns_status backing_write(void *self, uint64_t address, uint32_t length, const uint8_t *data,
                                   const ns_version *versions);

    ns_cache_config config_;
    cache_timing timing_;
    ns_cache *core_ = nullptr;
    operation_lock lock_;
    tlm::tlm_generic_payload memory_payload_; // reused: one operation at a time
    attributes memory_attributes_;
    std::vector<ns_version> unknown_versions_; // of writers that say none
    unsigned operating_initiator_ = 0;
    time_meter *operating_meter_ = nullptr;
    sc_core::sc_time *operating_ahead_ = nullptr;
    sc_core::sc_time caught_up_; // of the time since the operation's beginning, what was its initiator's lead
    void catch_up();

    struct line_on_its_way {
        deferred_access access;
        uint64_t address = 0;
        uint32_t length = 0; // 0: none
        unsigned hart = 0;   // whose L1 asked
        uint64_t number = 0; // of all lines asked for, or written back
        bool is_fill = false, is_store = false;
        bool demanded = false;   // by an access, not by a prefetcher
        sc_core::sc_time on_bus; // after memory's end
    };
    using line_ring = std::vector<std::unique_ptr<line_on_its_way>>;
    bool is_on_its_way(uint64_t address, uint64_t length) const;
    sc_core::sc_time hit_time(uint32_t length) const;                       // of an access that hits in one line
    sc_core::sc_time maintenance_time(const ns_cache_result &result) const; // without the write-backs
    void finish(line_on_its_way &line);
    void wait_for(line_on_its_way &line, uint64_t number, sc_core::sc_time *ahead);
    void finish_those(bool (*those)(const line_on_its_way &line, uint64_t address, uint64_t length), uint64_t address,
                      uint64_t length);
    ns_status defer(line_ring &ring, unsigned &next);
    line_ring fills_, write_backs_; // empty: each is waited for
    unsigned next_fill_ = 0, next_write_back_ = 0;
    unsigned lines_under_way_ = 0; // fills_ with a length
    uint64_t lines_asked_ = 0;
    bool demanded_ = false, stores_ = false;

    bool may_hit(unsigned hart_index, uint64_t address, uint64_t length, bool store) const;
    bool hits_wait_ = false; // none is served at once, whatever its initiator's lead

    // Write streaming: tlm_cache_streaming.cpp.
    bool streams() const { return timing_.write_streaming > 0; }
    bool run_goes_on(unsigned hart_index, uint64_t address, uint64_t length, bool store) const {
        return !streams() || ns_write_run_goes_on(&runs_[hart_index], address, length, store, config_.level[0].line);
    }
    void run_hits(unsigned hart_index, uint64_t address, uint64_t length);
    ns_status store(unsigned hart_index, uint64_t address, uint32_t length, const uint8_t *data,
                    const ns_version *versions, ns_cache_result *result);
    void end_run(unsigned hart_index);
    bool read_without_time(uint64_t address, uint32_t length, uint8_t *data, ns_version *versions);
    ns_write_run runs_[NS_CACHE_MAX_HARTS];
    ns_write_run *storing_ = nullptr; // of the store under way
    bool streamed_ = false;           // by that store: a line came without a read
    uint8_t line_read_late_[NS_LINE_MAX] = {};

    // Of a machine that says something about a hop: tlm_cache_hops.cpp.
    struct line_clock;
    bool hops_ = false;
    unsigned operating_hart_ = 0;
    sc_core::sc_time due_;   // when the line at hand is asked for
    sc_core::sc_time asked_; // when memory was asked for it; what the bus takes is not the hart's time
    sc_core::sc_time level_free_[NS_CACHE_MAX_LEVELS];            // takes its next request
    std::vector<sc_core::sc_time> hart_mshr_[NS_CACHE_MAX_HARTS]; // free again, where the line comes from a cache
    unsigned hart_mshr_next_[NS_CACHE_MAX_HARTS] = {};
    hop_counts counts_;
    void start_hops();
    bool passes(bool store) const { return store ? timing_.passing_stores > 0 : timing_.loads_pass; }
    void time_line(unsigned hart_index, unsigned bytes, const ns_cache_result &one, bool passes, line_clock &clock);
    line_on_its_way *overlapping(uint64_t address, uint64_t length);
    static sc_core::sc_time here(const sc_core::sc_time *ahead);
    void reach_due();
    bool wait_for_window();
    void reap();
    line_on_its_way &make_room();
    bool may_prefetch(unsigned hart_index);
    void wait_for_hart(unsigned hart_index);
    void wait_for_range(uint64_t address, uint64_t length);

  public:
    const hop_counts *counts() const { return hops_ ? &counts_ : nullptr; }
    // On whose behalf the operation under way is; for observers.
    unsigned operating_initiator() const { return operating_initiator_; }
    // The event that explains the write-back under way; the observer sets it, the memory transaction carries it.
    uint32_t write_back_event = 0;
};

// The lines of an access, one behind the other: their bytes move, attribute.result adds up what they did, and `moved`
// is told of each, with its bytes and what it alone did. Ends with the first that fails.
template <typename Moved>
ns_status tlm_cache::move_lines(unsigned hart_index, tlm::tlm_generic_payload &payload, attributes &attribute,
                                Moved moved) {
    uint8_t *const data = payload.get_data_ptr();
    ns_version *const all_versions = versions_of(payload, attribute);
    const uint32_t line = config_.level[0].line;
    return for_each_enabled_run(payload, [&](unsigned offset, unsigned length) {
        const unsigned end = offset + length;
        do { // once, too, for an access of no bytes, which is an error
            const uint64_t address = payload.get_address() + offset;
            const unsigned room = line - static_cast<unsigned>(address & (line - 1));
            const unsigned bytes = end - offset < room ? end - offset : room;
            ns_version *const versions = all_versions == nullptr ? nullptr : all_versions + offset;
            ns_cache_result one{};
            const ns_status status =
                payload.is_read() ? ns_cache_load(core_, hart_index, address, bytes, data + offset, versions, &one)
                                  : store(hart_index, address, bytes, data + offset, versions, &one);
            moved(bytes, one);
            if (one.hit_level > attribute.result.hit_level)
                attribute.result.hit_level = one.hit_level;
            attribute.result.lines += one.lines;
            attribute.result.memory_reads += one.memory_reads;
            attribute.result.memory_writes += one.memory_writes;
            attribute.result.snoops += one.snoops;
            if (status != NS_OK)
                return status;
            offset += bytes;
        } while (offset < end);
        return NS_OK;
    });
}

} // namespace ns

#endif
