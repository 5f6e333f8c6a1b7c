// SPDX-License-Identifier: Apache-2.0
//
// The assembled machine: harts, caches, interconnect, memory, DMA masters and interrupt lines, the log and the tracker.
// nosnoop.h is its C face; this header is for the modules.
#ifndef NS_MODEL_TLM_MACHINE_H
#define NS_MODEL_TLM_MACHINE_H

#include "bus/tlm_interconnect.h"
#include "bus/tlm_memory.h"
#include "cache/tlm_cache.h"
#include "model/nosnoop.h"
#include "model/tlm_axi_dma.h"
#include "model/tlm_dma.h"
#include "model/tlm_hart.h"

#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <unordered_set>
#include <vector>

namespace ns {

constexpr uint64_t alias_start = UINT64_C(0x3000000000); // second mappings begin here

inline sc_core::sc_time picoseconds(uint64_t value) {
    return sc_core::sc_time(static_cast<double>(value), sc_core::SC_PS);
}

struct actor_state {
    uint32_t site = NS_NO_SITE;
    uint32_t object = NS_NO_OBJECT;
    uint32_t inside = NS_NO_EVENT;
    uint64_t stop_at = UINT64_MAX; // physical: where the program stops for others, see ns_actor_stop_at()
    bool stop_when_it_comes = false;
    uint64_t named = 0, named_length = 0; // physical: what the program named, when a routine maintains more than that
    ns_program program = nullptr;
    void *context = nullptr;
    unsigned operations = 0;                     // begun since its step began
    unsigned nesting = 0;                        // operations under way: one may make others
    time_meter meter;                            // of its program
    const sc_core::sc_object *process = nullptr; // that runs its program
};

// Binds an initiator's socket to a target's. The machine calls it for every pair of its sockets, so that something (a
// protocol checker, a tracer) can be put between them; it must outlive the simulation.
using socket_connector = std::function<void(tlm::tlm_initiator_socket<64> &, tlm::tlm_target_socket<64> &)>;
inline void connect_directly(tlm::tlm_initiator_socket<64> &from, tlm::tlm_target_socket<64> &to) {
    from.bind(to);
}

// An address as reports write it: 0x8000_0040.
std::string address_text(uint64_t address);

class machine;
// What an engine does in its own time, as its device and for a step of the program: an access at a programmed address
// by one of its masters, for a channel; an interrupt of a channel, which tells of what that channel had done up to the
// event `done`. The masters may be at work at the same time, each with one access.
struct engine_access_by {
    unsigned device, channel;
    ns_axi_dma_port port;
    uint32_t site;
};
ns_status engine_access(machine &body, const engine_access_by &by, tlm::tlm_command command, uint64_t bus,
                        uint32_t length, uint8_t *data);
void engine_raise(machine &body, const engine_access_by &by, unsigned irq, uint32_t done);

// An operation of an actor's program, from its call to its end.
class operation_scope {
  public:
    operation_scope(machine &owner, unsigned actor);
    ~operation_scope();
    operation_scope(const operation_scope &) = delete;
    operation_scope &operator=(const operation_scope &) = delete;

  private:
    actor_state *actor_;
};

class machine : public sc_core::sc_module {
  public:
    machine(sc_core::sc_module_name name, const ns_machine_config &config, const ns_machine_device *devices,
            size_t device_count, ns_log *log, ::ns_machine *face, const socket_connector &connect = connect_directly);
    ~machine() override = default;

    const ns_machine_config &config() const { return config_; }
    ns_log *log() { return log_; }
    ns_tracker *tracker() { return tracker_.get(); }
    void set_hook(ns_operation_hook hook, void *context) {
        hook_ = hook;
        hook_context_ = context;
    }
    bool quiet = false; // moves of the hardware are under way: nobody's operations
    void call_hook(unsigned actor, unsigned number) {
        if (hook_ == nullptr)
            return;
        quiet = true;
        hook_(face_, actor, number, hook_context_);
        quiet = false;
    }
    void set_stop_hook(ns_stop_hook hook, void *context) {
        stop_hook_ = hook;
        stop_hook_context_ = context;
    }
    // The actor's program is about to do something at these bytes in the middle of an operation.
    void come_to(unsigned actor, uint64_t physical, uint64_t length, bool comes = false);
    // Where, strictly inside of these bytes, the program has to stop: the first byte of that line; 0: nowhere.
    uint64_t stop_inside(unsigned actor, uint64_t physical, uint64_t length) const;
    void begin_operation(unsigned actor); // calls the hooks
    ns_cache *cache_core() { return cache_->core(); }
    tlm_cache &caches() { return *cache_; }
    ns_memory *memory_core() { return memory_->core(); }
    void watch_only(uint64_t physical, uint64_t length);
    bool is_watched(uint64_t physical) const {
        return watches_all_ || (!log_->truncated && watched_pages_.count(physical / NS_PAGE_SIZE) > 0);
    }
    // Whose sites are asked for while a hart touches memory; context of nobody: null.
    struct touching {
        unsigned hart = 0;
        ns_touch_site site = nullptr;
        void *context = nullptr;
        size_t index = 0;        // of the touch under way
        size_t asked = SIZE_MAX; // the one that `answer` is of
        uint32_t answer = NS_NO_SITE;
    };
    touching touch;
    tlm_interconnect &interconnect() { return *interconnect_; }
    tlm_hart &hart(unsigned index) { return *harts_[index]; }
    tlm_dma &device(unsigned index, unsigned port = 0) { return *devices_[index].dma[port]; }
    tlm_axi_dma *engine(unsigned index) { return engines_[index].get(); } // null: the device is none
    unsigned hart_count() const { return static_cast<unsigned>(harts_.size()); }
    unsigned device_count() const { return static_cast<unsigned>(devices_.size()); }
    // The interconnect's number of its first master. Windows and posted writes are those of all of them.
    int master_of(unsigned device) const { return devices_[device].master[0]; }
    unsigned device_actor(unsigned device) const { return hart_count() + device; }
    unsigned hardware_actor() const { return hart_count() + device_count(); }
    actor_state &actor(unsigned index) { return actors_[index]; }
    time_meter *running_meter(); // of the actor whose program calls; null: nobody's
    const std::vector<ns_pma_region> &pmas() const { return pmas_; }
    const std::vector<bus_window> &windows_of(unsigned device) const { return windows_[device]; }
    uint64_t page_root() const { return page_root_; }
    // The device whose registers lie at this physical address, or -1.
    int device_at(uint64_t physical) const {
        for (unsigned i = 0; i < device_count(); i++)
            if (physical >= registers_[i] && physical - registers_[i] < tlm_dma::register_bytes)
                return static_cast<int>(i);
        return -1;
    }
    ::ns_machine *face() { return face_; }
    uint64_t registers_of(unsigned device) const { return registers_[device]; }
    sc_core::sc_time cycles(unsigned count) const { return cycle_ * count; }
    sc_core::sc_time register_latency() const { return register_latency_; }
    uint64_t now_ps() const { return sc_core::sc_time_stamp().value() / unit_per_ps_; }

    // Appends an event with the time, and the actor's site or another one.
    uint32_t log_event(unsigned actor, const ns_event &event) { return log_event(actor, event, site_of(actor)); }
    uint32_t log_event(unsigned actor, ns_event event, uint32_t site);
    uint32_t site_of(unsigned actor) {
        if (touch.site != nullptr && (actor == touch.hart || actor == hardware_actor()))
            return site_of_touch();
        return actor < actors_.size() ? actors_[actor].site : NS_NO_SITE;
    }
    uint32_t site_of_touch();
    // Copies what caches and bus have counted into the log.
    void log_stats();
    void report_bus_error(unsigned actor, uint32_t site, uint64_t bus, uint64_t address, uint32_t length);
    void visit_lines(tlm_hart &hart, unsigned index, const ns_maintenance &whole, const ns_maintenance &part,
                     attributes &attribute, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    ns_status maintain_piece(tlm_hart &hart, unsigned index, const ns_maintenance &piece, attributes &attribute,
                             tlm::tlm_generic_payload &payload);

    // SFENCE.VMA on every hart; the caller goes on when all have answered.
    void shoot_down(unsigned hart, bool all, uint64_t address, uint64_t length);

    // Page tables.
    uint64_t linear(uint64_t physical) const; // the cacheable linear mapping; 0 outside of RAM
    // Before the run PTEs go straight to memory, later they are stored by a hart.
    uint64_t alias(uint64_t physical, uint64_t length, ns_memory_type type);
    uint64_t reserve_pages(uint64_t length);
    ns_status set_pte_by(unsigned hart, uint64_t address, uint64_t pte);
    ns_status set_type_directly(uint64_t address, uint64_t length, ns_memory_type type);
    ns_status set_type_by(unsigned hart, uint64_t address, uint64_t length, ns_memory_type type);
    void tell_pages(uint64_t address, uint64_t length);
    bool walk(uint64_t address, ns_translation *translation, ns_memory_type *type);
    bool has_mpu() const { return config_.attributes == NS_ATTRIBUTES_MPU; }
    // Without page tables: the address itself, and the type that the MPU gives it; false for a fault.
    bool mpu_lookup(uint64_t address, ns_translation *translation) const;
    bool may_fill(unsigned hart, uint64_t physical);

    // Interrupt lines: raised until taken, or as long as somebody drives them.
    void raise(unsigned irq);
    void set_level(unsigned irq, bool level); // one driver more or less
    void wait_irq(unsigned irq);
    bool irq_pending(unsigned irq) const { return irqs_[irq].pending > 0 || irqs_[irq].drivers > 0; }

    void finish_program();
    bool finished() const { return running_ == 0; }
    void set_program(unsigned actor, ns_program program, void *context);
    void wait_turn(uint64_t turn);
    void next_turn();

  private:
    // The bus masters of a device: one, or those of an engine by enum ns_axi_dma_port.
    struct device_ports {
        std::vector<std::unique_ptr<tlm_dma>> dma;
        std::vector<int> master; // interconnect number of each
    };
    struct irq_line {
        unsigned pending = 0;
        unsigned drivers = 0;
        sc_core::sc_time arrives;
        sc_core::sc_event event;
    };

    device_ports make_ports(const ns_machine_device &device, unsigned index, const socket_connector &connect);
    void build_memory_map(const ns_machine_device *devices, size_t device_count, const socket_connector &connect);
    void place_registers(const ns_machine_device *devices, size_t device_count);
    void build_page_tables();
    void program_thread(unsigned actor);
    ns_page_builder direct_builder();
    ns_page_builder hart_builder(unsigned hart);
    // Observers of the C cores.
    static uint32_t on_fill(void *self, const ns_cache_line_event *line);
    static void on_write_back(void *self, const ns_cache_line_event *line);
    static void on_drop(void *self, const ns_cache_line_event *line, bool dirty);
    static void before_memory_write(void *self, uint64_t tag, uint64_t address, uint32_t length,
                                    const uint8_t *old_data, const ns_version *old_versions, const uint8_t *data,
                                    const ns_version *versions);
    static void on_drained(void *self, unsigned initiator, uint32_t event, uint64_t address, uint32_t length);
    static void on_leaving(void *self, unsigned initiator, uint64_t address, uint32_t length);
    static bool find_in_flight(void *self, uint64_t address, ns_in_flight *out);
    // Only when the log keeps a waveform.
    static void on_line_changed(void *self, unsigned level, unsigned hart, uint64_t line_address);
    static void on_occupied(void *self, int master, unsigned initiator, const tlm::tlm_generic_payload &payload,
                            bool begins);
    void show_irq(unsigned irq);
    uint32_t log_line_event(ns_event_kind kind, const ns_cache_line_event &line, bool dirty);

    ns_machine_config config_;
    ns_log *log_;
    ns_operation_hook hook_ = nullptr;
    void *hook_context_ = nullptr;
    ns_stop_hook stop_hook_ = nullptr;
    void *stop_hook_context_ = nullptr;
    ::ns_machine *face_;
    struct tracker_deleter {
        void operator()(ns_tracker *tracker) const { ns_tracker_destroy(tracker); }
    };
    std::unique_ptr<ns_tracker, tracker_deleter> tracker_;
    sc_core::sc_time cycle_, register_latency_;
    uint64_t unit_per_ps_ = 1;
    std::unique_ptr<tlm_memory> memory_;
    std::unique_ptr<tlm_cache> cache_;
    std::unique_ptr<tlm_interconnect> interconnect_;
    std::vector<std::unique_ptr<tlm_hart>> harts_;
    std::vector<device_ports> devices_;
    std::vector<std::unique_ptr<tlm_axi_dma>> engines_; // of each device, or null
    int cache_master_ = 0;                              // interconnect number of the caches
    std::vector<unsigned> port_of_master_;              // of each interconnect number
    std::vector<std::vector<bus_window>> windows_;
    std::vector<ns_pma_region> pmas_;
    std::vector<actor_state> actors_;
    std::vector<irq_line> irqs_;
    std::vector<uint64_t> registers_; // of each device, physical
    uint64_t page_root_ = 0, table_next_ = 0, table_end_ = 0;
    uint64_t alias_next_ = 0;
    struct alias_page {
        uint64_t virtual_page, physical, length;
    };
    std::vector<alias_page> aliases_;
    struct linear_window {
        uint64_t physical, length, virtual_start;
    };
    std::vector<linear_window> linear_;
    unsigned running_ = 0;
    unsigned table_hart_ = 0; // on whose behalf the hart builder works
    operation_lock maintenance_lock_, page_table_lock_;
    ns_cache_watch watch_{this, on_line_changed};
    uint64_t turn_ = 0;
    sc_core::sc_event turn_event_;
    bool watches_all_ = true;
    std::unordered_set<uint64_t> watched_pages_; // by number
};

} // namespace ns

struct ns_machine {
    std::unique_ptr<ns::machine> body;
    bool ran = false;
};

#endif
