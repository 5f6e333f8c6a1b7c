// SPDX-License-Identifier: Apache-2.0
//
// A hart: translation, store buffer and fences in front of a socket into the caches. In order, one access at a time,
// taken from whatever program drives it.
#ifndef NS_MODEL_TLM_HART_H
#define NS_MODEL_TLM_HART_H

#include "cache/tlm_attributes.h"
#include "cache/tlm_cache.h"
#include "model/config.h"
#include "model/nosnoop.h"
#include "model/paging.h"
#include "model/store_buffer.h"

#include <functional>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace ns {

class machine;

class tlm_hart : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<tlm_hart, 64> socket;

    tlm_hart(sc_core::sc_module_name name, machine &owner, unsigned index);
    ~tlm_hart() override { payload_.clear_extension(&attributes_); }

    // See nosnoop.h for what each means.
    ns_status load(uint64_t address, uint32_t length, uint8_t *data, ns_version *versions, unsigned flags);
    ns_status store(uint64_t address, uint32_t length, const uint8_t *data);
    ns_status touch(const ns_touch *touches, size_t count, size_t *done);
    void fence(bool maintenance_too);
    ns_status maintain(const ns_maintenance &what);
    void walk(uint64_t address);   // the TLB takes a translation, if there is one
    void forget(uint64_t address); // and drops it
    void recall(uint64_t address); // and takes one back that it dropped since the last SFENCE.VMA
    bool drain_entry(uint64_t physical) { return drain_one(physical, 1); } // the oldest that holds the byte, if any
    void hold(uint64_t physical); // stores to these 8 bytes stay in a full buffer while others can go
    void release(uint64_t physical);
    void sfence(bool all, uint64_t address);
    // The TLB forgets every page that the range touches, or all. No event, no time.
    void forget_range(bool all, uint64_t address, uint64_t length);
    ns_status register_access(tlm::tlm_command command, uint64_t address, uint32_t *value);

    // Cacheable accesses by physical address, for page tables: a walk's reads, and the kernel's stores to them.
    bool load_entry(uint64_t physical, uint64_t *value);
    bool store_entry(uint64_t physical, uint64_t value);

    // The hardware's own moves in this hart's caches, from any thread.
    ns_status hardware(cache_request request, unsigned initiator, uint64_t physical, bool *present = nullptr,
                       uint64_t length = 0);
    void drain(uint64_t physical, uint64_t length);

    bool is_cacheable(const ns_tlb_entry &entry, uint64_t physical) const;
    bool has_cacheable_translation(uint64_t physical) const;
    const ns_store_buffer &buffer() const { return buffer_; }
    const ns_tlb &tlb() const { return tlb_; }
    const sc_core::sc_time &ahead() const { return ahead_; } // of the simulation, within touch()

  private:
    // `what` the program does, for a report: load or store by default.
    ns_status translate(uint64_t address, bool store, ns_translation *translation, ns_memory_type *type,
                        const char *what = nullptr);
    void ask_second_tlb();
    ns_status page_fault(uint64_t address, const ns_translation &translation, const char *what);
    ns_status gather(uint64_t *address, uint64_t *length, ns_maintenance *run);
    ns_status bus_error(uint64_t physical, uint32_t length, ns_status status);
    ns_status engine_words(unsigned device, uint64_t physical, uint32_t length,
                           const std::function<ns_status(uint32_t offset, uint32_t at)> &access);
    ns_status load_piece(uint64_t address, uint64_t physical, ns_memory_type type, uint32_t length, uint8_t *data,
                         ns_version *versions, unsigned flags);
    ns_status store_piece(uint64_t address, uint64_t physical, ns_memory_type type, uint32_t length,
                          const uint8_t *data);
    ns_status write_through(ns_memory_type type, uint64_t physical, uint32_t length, const uint8_t *data,
                            uint32_t event);
    void buffer_store(uint64_t physical, uint32_t length, const uint8_t *data, uint32_t event);
    void train_prefetcher(uint64_t physical, uint32_t length, bool missed);
    void prefetch_for_load(uint64_t line);
    bool drain_one(uint64_t physical, uint64_t length);
    void drain_touching(uint64_t physical, uint64_t length);
    ns_status transport(tlm::tlm_command command, uint64_t physical, uint8_t *data, uint32_t length);
    void drain_thread();

    // Pages that nobody watches, for touch(): by the low bits of their number.
    struct quick_page {
        uint64_t number = UINT64_MAX; // virtual
        uint64_t physical = 0;
        unsigned tlb_entry = 0; // that must still translate it
        bool writable = false;
    };
    static constexpr size_t quick_pages = 256;
    const quick_page *find_quick(uint64_t address, uint32_t length, bool store) const;
    void make_quick(uint64_t address, uint64_t physical);
    ns_status touch_slowly(const ns_touch &touch);
    ns_status transport_touch(bool store, uint64_t physical, uint32_t length);
    void charge_hits();
    void catch_up();

    machine &machine_;
    unsigned index_;
    std::vector<quick_page> quick_;
    std::vector<uint8_t> scratch_; // bytes of touches, one page
    // Time that has been given to touches, and that the simulation has not waited out; of it, what no part has been
    // charged with.
    sc_core::sc_time ahead_, uncharged_;
    bool touching_ = false;
    ns_tlb tlb_;
    std::vector<ns_tlb_entry> dropped_; // by forget(); an outer level may still hold them
    sc_core::sc_time second_tlb_time_;
    ns_stride_prefetcher stride_{};
    bool prefetches_ = false;    // there is a prefetcher, and a cache for it to fill
    std::vector<uint64_t> held_; // places of 8 bytes
    void drain_victim();
    ns_store_buffer buffer_;
    std::vector<ns_version> versions_; // scratch: one page
    tlm::tlm_generic_payload payload_;
    attributes attributes_;
    sc_core::sc_event buffered_;
    operation_lock leaving_; // one entry leaves the store buffer at a time
};

} // namespace ns

#endif
