// SPDX-License-Identifier: Apache-2.0
//
// The interconnect: any number of initiators and targets, an address map, windows that translate a DMA master's bus
// addresses (a device tree's dma-ranges), arbitration for memory, and posted writes of DMA masters.
//
// * An address without a window or a target is answered with TLM_ADDRESS_ERROR_RESPONSE at once.
// * Memory serves one transaction at a time: round robin among the initiators that wait; it is occupied for the beats
// of the burst.
// * A posted write is acknowledged when it is queued and reaches memory later; order is kept per queue. Reads of a
// master
//   of that queue, and a hart's read of its registers, push it out first (PCI ordering rules do the same). Each master
//   has a queue of its own, unless it shares that of another: masters of one device behind one bridge.
// * An IO-coherent master's accesses to memory go through `coherent`, so that the caches see them.
#ifndef NS_BUS_TLM_INTERCONNECT_H
#define NS_BUS_TLM_INTERCONNECT_H

#include "cache/tlm_attributes.h"
#include "cache/tlm_target_port.h"

#include <deque>
#include <memory>
#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <vector>

namespace ns {

struct bus_timing {
    unsigned width = 8;       // bytes per beat
    sc_core::sc_time beat;    // one beat
    sc_core::sc_time latency; // through the interconnect and back
    sc_core::sc_time snoop;   // an IO-coherent access's look into the caches
};

struct bus_window {
    uint64_t bus, physical, length;
};

enum class drain_policy { lazy, eager, after };

struct bus_master {
    bool dma = false; // false: the cache hierarchy; addresses are physical
    bool snoops = false;
    std::vector<bus_window> windows; // empty: identity
    unsigned posted_entries = 0;     // 0: writes wait for memory
    drain_policy drain = drain_policy::lazy;
    sc_core::sc_time drain_after;
    int posted_with = -1; // another master, whose queue and whose posted_entries, drain and drain_after it shares
};

struct posted_write {
    uint64_t address; // physical
    std::vector<uint8_t> data;
    std::vector<ns_version> versions;
    uint32_t event;
    unsigned initiator_id;
    sc_core::sc_time due;
};

// What a master moved to and from memory, or through the caches when it snoops; register accesses do not count. `busy`:
// how long it held memory; a posted write leaves in no time.
struct bus_traffic {
    uint64_t bursts = 0, bytes = 0;
    sc_core::sc_time busy = sc_core::SC_ZERO_TIME;
};

class tlm_interconnect : public sc_core::sc_module {
  public:
    using initiator_port = ns::target_port<tlm_interconnect>;
    using target_port = tlm_utils::simple_initiator_socket<tlm_interconnect, 64>;
    static constexpr int no_master = -1;

    // Called when a posted write has reached memory: the event that wrote it, address and length.
    using drained_function = void (*)(void *context, unsigned initiator_id, uint32_t event, uint64_t address,
                                      uint32_t length);

    // Called before a DMA master's write leaves for memory: a burst that is not posted, one that will not wait in its
    // queue, or the oldest one of a queue that needs room. It may let time pass.
    using leaving_function = void (*)(void *context, unsigned initiator_id, uint64_t address, uint32_t length);

    // Called when a transfer of a master begins to hold memory, and when it ends; the payload's address is physical.
    // Posted writes hold it for no time, and are not among them.
    using occupied_function = void (*)(void *context, int master, unsigned initiator_id,
                                       const tlm::tlm_generic_payload &payload, bool begins);

    tlm_interconnect(sc_core::sc_module_name name, const bus_timing &timing);

    target_port memory;   // RAM: everything that no other target claims
    target_port coherent; // towards the caches, for IO-coherent masters

    // All before simulation starts. Returns the port to bind and, for masters, its number through `index`.
    initiator_port &add_master(const bus_master &master, int *index);
    // [start, start + length) goes to the returned port; a read there pushes out the posted writes of `registers_of`.
    target_port &add_target(uint64_t start, uint64_t length, int registers_of = no_master);
    void on_drained(drained_function function, void *context);
    void on_leaving(leaving_function function, void *context);
    void on_occupied(occupied_function function, void *context); // without it nobody is called

    // Where a master's bus address leads: through the first window that holds the whole range. False: nowhere.
    static bool translate(const bus_master &master, uint64_t address, uint64_t length, uint64_t *physical);
    const bus_traffic &traffic(int index) const { return masters_[static_cast<size_t>(index)].traffic; }
    const bus_master &master(int index) const { return masters_[static_cast<size_t>(index)].config; }

    // Of a master that shares the queue of another these are about that queue.
    // The oldest posted write of a master that touches the byte, after what lies before it under the same bytes; false
    // when there is none.
    bool drain_one(int master, uint64_t address);
    // Posted writes of a master: all of them, or only those that touch [address, address + length). Returns how many
    // went.
    unsigned drain(int master, uint64_t address, uint64_t length);
    unsigned drain_all(int master) { return drain(master, 0, UINT64_MAX); }
    size_t posted_count(int master) const { return masters_[queue_of(master)].posted.size(); }
    // The newest queued write of `address`, or null.
    const posted_write *posted_at(uint64_t address) const;

  private:
    struct master_state {
        bus_master config;
        std::unique_ptr<initiator_port> port;
        std::deque<posted_write> posted;
        sc_core::sc_event granted;
        // Bursts of one master are served in the order in which they ask (AXI: one ID, IHI 0022, A5.3).
        uint64_t asked = 0, served = 0;
        unsigned waiting = 0;
        bus_traffic traffic;
    };
    struct target_state {
        uint64_t start, length;
        int registers_of;
        std::unique_ptr<target_port> port;
    };

    size_t queue_of(int master) const {
        const int with = masters_[static_cast<size_t>(master)].config.posted_with;
        return static_cast<size_t>(with == no_master ? master : with);
    }
    void transport(int index, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    unsigned debug(int index, tlm::tlm_generic_payload &payload);
    target_state *target_at(uint64_t address, uint64_t length);
    void tell_leaving(unsigned initiator_id, uint64_t address, size_t length);
    void post(master_state &master, const tlm::tlm_generic_payload &payload, const attributes *attribute);
    void send_oldest(master_state &master, size_t position);
    void occupy(int index, const tlm::tlm_generic_payload &payload);
    void acquire(int index);
    void release(int index);
    void drain_thread();

    bus_timing timing_;
    std::deque<master_state> masters_; // addresses stay valid while it grows
    std::deque<target_state> targets_;
    bool busy_ = false;
    bool timed_drain_ = false;
    sc_core::sc_event posted_event_;
    std::vector<uint8_t> probe_data_;
    drained_function drained_ = nullptr;
    void *drained_context_ = nullptr;
    leaving_function leaving_ = nullptr;
    void *leaving_context_ = nullptr;
    occupied_function occupied_ = nullptr;
    void *occupied_context_ = nullptr;
};

} // namespace ns

#endif
