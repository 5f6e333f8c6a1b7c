// SPDX-License-Identifier: Apache-2.0
#include "model/tlm_machine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

static constexpr uint64_t linear_limit = UINT64_C(0x2000000000); // 128 GiB: below it, virtual = physical
static constexpr uint64_t sv39_half = UINT64_C(1) << 38;
static constexpr unsigned irq_lines = NS_MAX_IRQS;

static drain_policy policy_of(ns_drain drain) {
    return drain == NS_DRAIN_LAZY    ? drain_policy::lazy
           : drain == NS_DRAIN_EAGER ? drain_policy::eager
                                     : drain_policy::after;
}

machine::machine(sc_core::sc_module_name name, const ns_machine_config &config, const ns_machine_device *devices,
                 size_t device_count, ns_log *log, ::ns_machine *face, const socket_connector &connect)
    : sc_module(name), config_(config), log_(log), face_(face), cycle_(picoseconds(config.hart_clock_ps)),
      register_latency_(picoseconds(config.register_latency_ps)), irqs_(irq_lines), alias_next_(alias_start) {
    unit_per_ps_ = picoseconds(1).value();
    config_.cache.provenance = !config.no_provenance;
    build_memory_map(devices, device_count, connect);

    for (unsigned i = 0; i < config.cache.harts; i++) {
        harts_.push_back(std::make_unique<tlm_hart>(("cpu" + std::to_string(i)).c_str(), *this, i));
        connect(harts_.back()->socket, *cache_->hart[i]);
    }
    for (unsigned i = 0; i < device_count; i++) {
        const ns_machine_device &device = devices[i];
        devices_.push_back(make_ports(device, i, connect));
        engines_.emplace_back();
        if (device.axi_dma != nullptr) {
            ns_axi_dma_config engine = *device.axi_dma;
            engine.address_bits = device.dma_bits;
            engines_.back() = std::make_unique<tlm_axi_dma>(("engine" + std::to_string(i)).c_str(), *this, i, engine,
                                                            registers_of(i), device.introut);
        }
        auto &port = interconnect_->add_target(registers_of(i), tlm_dma::register_bytes, master_of(i));
        if (engines_.back() != nullptr)
            connect(port, engines_.back()->registers);
        else
            connect(port, *this->device(i).registers);
    }

    // The log's cast, then the tracker that watches it.
    const auto cast = [&](unsigned index, const char *actor_name, ns_actor_class actor_class, unsigned number,
                          bool snoops, unsigned ports) {
        ns_log_actor &actor = log_->actor[index];
        std::snprintf(actor.name, sizeof actor.name, "%s", actor_name);
        actor.actor_class = actor_class;
        actor.index = number;
        actor.snoops = snoops;
        actor.ports = ports;
    };
    for (unsigned i = 0; i < hart_count(); i++)
        cast(i, ("cpu" + std::to_string(i)).c_str(), NS_ACTOR_CLASS_HART, i, true, 0);
    for (unsigned i = 0; i < device_count; i++)
        cast(device_actor(i), devices[i].name, NS_ACTOR_CLASS_DEVICE, i, devices[i].snoops,
             static_cast<unsigned>(devices_[i].master.size()));
    cast(hardware_actor(), "hw", NS_ACTOR_CLASS_HW, 0, true, 0);
    log_->actor_count = hardware_actor() + 1;
    log_->levels = config_.cache.levels;
    for (unsigned level = 0; level < config_.cache.levels; level++) {
        std::snprintf(log_->level_name[level], sizeof log_->level_name[level], "%s", config_.level_name[level]);
        log_->line_size[level] = config_.cache.level[level].line;
    }
    const ns_tracker_view view = {this, cache_->core(), memory_->core(), &config_, find_in_flight};
    tracker_.reset(ns_tracker_create(log_, &view));
    if (tracker_ == nullptr)
        throw std::runtime_error("out of memory");
    for (unsigned i = 0; i < device_count; i++) {
        ns_tracked_device facts{};
        facts.snoops = devices[i].snoops;
        facts.declared_coherent = devices[i].declared_coherent;
        facts.starts = devices[i].starts;
        facts.rings_doorbell = devices[i].rings_doorbell;
        facts.signals = devices[i].signals;
        facts.two_channels = devices[i].axi_dma != nullptr;
        facts.bus_offset = windows_[i].empty() ? 0 : windows_[i][0].physical - windows_[i][0].bus;
        ns_tracker_set_device(tracker_.get(), device_actor(i), &facts);
    }
    interconnect_->on_drained(on_drained, this);
    interconnect_->on_leaving(on_leaving, this);
    if (log_->waveform != nullptr) {
        ns_cache_set_watch(cache_->core(), &watch_);
        interconnect_->on_occupied(on_occupied, this);
    }
    build_page_tables();

    actors_.resize(hardware_actor() + 1);
    for (unsigned i = 0; i <= hardware_actor(); i++)
        sc_core::sc_spawn([this, i] { program_thread(i); }, sc_core::sc_gen_unique_name("program"));
}

// ---- construction -------------------------------------------------------------------------------

machine::device_ports machine::make_ports(const ns_machine_device &device, unsigned index,
                                          const socket_connector &connect) {
    bus_master master;
    master.dma = true;
    master.snoops = device.snoops;
    master.posted_entries = device.has_posted ? device.posted_entries : config_.posted_entries;
    master.drain = policy_of(config_.posted_drain);
    master.drain_after = picoseconds(config_.posted_drain_ps);
    for (const bool own : {true, false}) // a device's own windows come before those for all
        for (size_t w = 0; w < config_.window_count; w++) {
            const ns_dma_window &window = config_.window[w];
            if (own ? std::strcmp(window.device, device.name) == 0 : window.device[0] == '\0')
                master.windows.push_back({window.bus, window.physical, window.length});
        }
    windows_.push_back(master.windows);

    device_ports ports;
    for (unsigned i = 0; i < (device.axi_dma == nullptr ? 1 : ns_axi_dma_ports(device.axi_dma)); i++) {
        std::string name = "device" + std::to_string(index);
        if (device.axi_dma != nullptr)
            name += std::string("_") + ns_axi_dma_port_name(i);
        ports.dma.push_back(std::make_unique<tlm_dma>(
            name.c_str(), *this, device_actor(index), device.dma_bits,
            device.burst != 0 ? device.burst : config_.dma_burst,
            device.outstanding != 0 ? device.outstanding : config_.dma_outstanding, device.axi_dma == nullptr));
        int number;
        connect(ports.dma.back()->socket, interconnect_->add_master(master, &number));
        ports.master.push_back(number);
        port_of_master_.resize(static_cast<size_t>(number) + 1);
        port_of_master_.back() = i;
        master.posted_with = ports.master.front();
    }
    return ports;
}

void machine::build_memory_map(const ns_machine_device *devices, size_t device_count, const socket_connector &connect) {
    ns_memory_config memory{};
    memory.regions = config_.ram_count;
    memory.provenance = !config_.no_provenance;
    for (size_t i = 0; i < config_.ram_count; i++)
        memory.region[i] = {config_.ram[i].start, config_.ram[i].length};
    const ns_memory_observer memory_observer = {this, before_memory_write};
    memory_ = std::make_unique<tlm_memory>("memory", memory, picoseconds(config_.memory_latency_ps), &memory_observer,
                                           config_.dram.grade == nullptr ? nullptr : &config_.dram);

    cache_timing timing;
    for (unsigned level = 0; level < config_.cache.levels; level++) {
        timing.hit[level] = cycle_ * config_.level_hit_cycles[level];
        timing.mshrs[level] = config_.level_mshrs[level];
        timing.every[level] = cycle_ * config_.level_every_cycles[level];
    }
    timing.write_streaming = config_.write_streaming;
    timing.passing_stores = config_.passing_stores;
    timing.loads_pass = config_.loads_pass && config_.outstanding_loads > 1;
    timing.cycle = cycle_;
    timing.outstanding = config_.outstanding_loads;
    timing.write_backs = config_.write_back_buffer;
    timing.snoop = picoseconds(config_.snoop_latency_ps);
    timing.maintenance_present = cycle_ * config_.maintenance_line_cycles;
    timing.maintenance_absent = config_.maintenance_absent_cycles == NS_CONFIG_AS_PRESENT
                                    ? timing.maintenance_present
                                    : cycle_ * config_.maintenance_absent_cycles;
    const ns_cache_observer cache_observer = {this, on_fill, on_write_back, on_drop};
    cache_ = std::make_unique<tlm_cache>("caches", config_.cache, timing, &cache_observer);

    bus_timing bus;
    bus.width = config_.bus_width;
    bus.beat = picoseconds(config_.bus_clock_ps);
    bus.latency = picoseconds(config_.bus_latency_ps);
    bus.snoop = picoseconds(config_.snoop_latency_ps);
    interconnect_ = std::make_unique<tlm_interconnect>("interconnect", bus);
    connect(interconnect_->memory, memory_->socket);
    connect(interconnect_->coherent, cache_->coherent_port);
    connect(cache_->memory_port, interconnect_->add_master(bus_master{}, &cache_master_));
    port_of_master_.resize(static_cast<size_t>(cache_master_) + 1);

    place_registers(devices, device_count);

    // Physical memory attributes: RAM is cacheable except where the machine says otherwise.
    std::vector<ns_pma_region> pieces;
    for (size_t i = 0; i < config_.ram_count; i++)
        pieces.push_back({config_.ram[i].start, config_.ram[i].length, NS_TYPE_CACHEABLE});
    for (size_t i = 0; i < config_.pma_count; i++) {
        const ns_pma_region &over = config_.pma[i];
        std::vector<ns_pma_region> rest;
        for (const ns_pma_region &piece : pieces) {
            const uint64_t end = piece.start + piece.length, over_end = over.start + over.length;
            if (end <= over.start || over_end <= piece.start) {
                rest.push_back(piece);
                continue;
            }
            if (piece.start < over.start)
                rest.push_back({piece.start, over.start - piece.start, piece.type});
            if (over_end < end)
                rest.push_back({over_end, end - over_end, piece.type});
        }
        rest.push_back(over);
        pieces = std::move(rest);
    }
    std::sort(pieces.begin(), pieces.end(),
              [](const ns_pma_region &a, const ns_pma_region &b) { return a.start < b.start; });
    pmas_ = std::move(pieces);
}

bool machine::mpu_lookup(uint64_t address, ns_translation *translation) const {
    *translation = ns_translation{};
    translation->physical = address;
    translation->override_pma = true;
    translation->page_size = NS_PAGE_SIZE;
    if (ns_mpu_type(config_.mpu, config_.mpu_count, !config_.mpu_no_background, address, &translation->type))
        return true;
    translation->fault = NS_FAULT_NO_REGION;
    return false;
}

// Device registers go where no RAM is; an engine's where it says, if it says so.
void machine::place_registers(const ns_machine_device *devices, size_t device_count) {
    const auto is_free = [this](uint64_t start, uint64_t length) {
        for (size_t i = 0; i < config_.ram_count; i++)
            if (start < config_.ram[i].start + config_.ram[i].length && config_.ram[i].start < start + length)
                return false;
        return std::none_of(registers_.begin(), registers_.end(), [=](uint64_t taken) {
            return start < taken + tlm_dma::register_bytes && taken < start + length;
        });
    };
    for (size_t i = 0; i < device_count; i++) // others can move out of their way
        if (devices[i].axi_dma != nullptr && devices[i].registers != 0) {
            if (!is_free(devices[i].registers, tlm_dma::register_bytes))
                throw std::runtime_error("the registers of an engine lie in RAM, or on those of another device");
            registers_.push_back(devices[i].registers);
        }
    const uint64_t needed = std::max<uint64_t>(device_count, 1) * tlm_dma::register_bytes;
    // An Armv7-M core has its peripherals from 0x4000_0000 to 0x5FFF_FFFF (Arm DUI 0646C, 2.2.3): device memory by
    // default.
    static constexpr uint64_t places[2][3] = {{0x10000000, 0x02000000, 0x1FFFF00000},
                                              {0x40000000, 0x50000000, 0x58000000}};
    uint64_t base = 0;
    for (const uint64_t candidate : places[has_mpu()])
        if (base == 0 && is_free(candidate, needed))
            base = candidate;
    if (base == 0)
        throw std::runtime_error(
            has_mpu() ? "RAM covers every place for the device registers (0x4000_0000, 0x5000_0000, 0x5800_0000)"
                      : "RAM covers every place for the device registers (0x1000_0000, 0x0200_0000, 0x1f_fff0_0000)");
    registers_.clear();
    for (size_t i = 0; i < device_count; i++)
        registers_.push_back(devices[i].axi_dma != nullptr && devices[i].registers != 0
                                 ? devices[i].registers
                                 : base + i * tlm_dma::register_bytes);
}

// The boot firmware's work: tables written straight to memory before anything runs.
void machine::build_page_tables() {
    if (has_mpu()) {
        for (size_t i = 0; i < config_.ram_count; i++)
            linear_.push_back({config_.ram[i].start, config_.ram[i].length, config_.ram[i].start});
        return;
    }
    uint64_t first, length;
    ns_machine_reserved(&config_, &first, &length);
    page_root_ = first;
    table_next_ = first + NS_PAGE_SIZE;
    table_end_ = first + length;
    const ns_page_builder builder = direct_builder();
    uint64_t high_next = linear_limit;
    for (size_t i = 0; i < config_.ram_count; i++) {
        const ns_ram &ram = config_.ram[i];
        uint64_t at = ram.start;
        if (ram.start + ram.length > linear_limit) {
            at = high_next;
            high_next += (ram.length + 0x3FFFFFFF) & ~UINT64_C(0x3FFFFFFF);
            if (high_next > alias_start)
                throw std::runtime_error("the RAM above 128 GiB is too large to be mapped");
        }
        linear_.push_back({ram.start, ram.length, at});
        const uint64_t bits = ns_pte_encode_type(config_.pte_encoding, NS_TYPE_CACHEABLE);
        if (ns_page_map(&builder, page_root_, at, ram.start, ram.length, bits, !config_.small_pages) != NS_OK)
            throw std::runtime_error("the RAM is too large for the page tables that the machine reserves");
    }
    const uint64_t io_bits = ns_pte_encode_type(config_.pte_encoding, NS_TYPE_IO);
    for (unsigned i = 0; i < device_count(); i++)
        if (ns_page_map(&builder, page_root_, registers_of(i), registers_of(i), tlm_dma::register_bytes, io_bits,
                        false) != NS_OK)
            throw std::runtime_error("the device registers cannot be mapped");
}

ns_page_builder machine::direct_builder() {
    ns_page_builder builder{};
    builder.context = this;
    builder.read = [](void *self, uint64_t address, uint64_t *pte) {
        uint8_t bytes[8];
        if (ns_memory_read(static_cast<machine *>(self)->memory_core(), address, 8, bytes, nullptr) != NS_OK)
            return false;
        std::memcpy(pte, bytes, 8);
        return true;
    };
    builder.write = [](void *self, uint64_t address, uint64_t pte) {
        uint8_t bytes[8];
        std::memcpy(bytes, &pte, 8);
        return ns_memory_write(static_cast<machine *>(self)->memory_core(), 0, address, 8, bytes, nullptr) == NS_OK;
    };
    builder.allocate = [](void *self) {
        machine *owner = static_cast<machine *>(self);
        if (owner->table_next_ + NS_PAGE_SIZE > owner->table_end_)
            return UINT64_C(0);
        const uint64_t page = owner->table_next_;
        owner->table_next_ += NS_PAGE_SIZE;
        return page;
    };
    return builder;
}

// The kernel's work while the machine runs: loads and stores of a hart, through its caches.
ns_page_builder machine::hart_builder(unsigned hart_index) {
    ns_page_builder builder = direct_builder();
    table_hart_ = hart_index;
    builder.read = [](void *self, uint64_t address, uint64_t *pte) {
        machine *owner = static_cast<machine *>(self);
        return owner->harts_[owner->table_hart_]->load_entry(address, pte);
    };
    builder.write = [](void *self, uint64_t address, uint64_t pte) {
        machine *owner = static_cast<machine *>(self);
        return owner->harts_[owner->table_hart_]->store_entry(address, pte);
    };
    return builder;
}

// ---- programs, turns, interrupts -----------------------------------------------------------------

void machine::set_program(unsigned index, ns_program program, void *context) {
    actors_[index].program = program;
    actors_[index].context = context;
    running_++;
}

void machine::program_thread(unsigned index) {
    if (actors_[index].program == nullptr)
        return;
    actors_[index].process = sc_core::sc_get_current_process_handle().get_process_object();
    actors_[index].meter.start();
    actors_[index].program(face_, index, actors_[index].context);
    actors_[index].meter.stop();
    finish_program();
}

void machine::finish_program() {
    if (--running_ == 0)
        sc_core::sc_stop();
}

time_meter *machine::running_meter() {
    const sc_core::sc_object *process = sc_core::sc_get_current_process_handle().get_process_object();
    for (actor_state &actor : actors_)
        if (actor.process == process && process != nullptr)
            return &actor.meter;
    return nullptr;
}

void machine::wait_turn(uint64_t turn) {
    const time_scope waiting(running_meter(), time_waiting);
    while (turn_ != turn)
        sc_core::wait(turn_event_);
}

void machine::next_turn() {
    turn_++;
    turn_event_.notify();
}

void machine::raise(unsigned irq) {
    irq_line &line = irqs_[irq];
    if (line.pending++ > 0)
        return; // the line is up already, or on its way
    show_irq(irq);
    line.arrives = sc_core::sc_time_stamp() + picoseconds(config_.interrupt_latency_ps);
    line.event.notify(picoseconds(config_.interrupt_latency_ps));
}

void machine::set_level(unsigned irq, bool level) {
    irq_line &line = irqs_[irq];
    line.drivers += level ? 1 : -1;
    show_irq(irq);
    if (!level || line.drivers > 1 || line.pending > 0)
        return;
    line.arrives = sc_core::sc_time_stamp() + picoseconds(config_.interrupt_latency_ps);
    line.event.notify(picoseconds(config_.interrupt_latency_ps));
}

void machine::wait_irq(unsigned irq) {
    const time_scope waiting(running_meter(), time_waiting);
    irq_line &line = irqs_[irq];
    for (;;) {
        while (!irq_pending(irq))
            sc_core::wait(line.event);
        if (line.arrives <= sc_core::sc_time_stamp())
            break;
        sc_core::wait(line.arrives - sc_core::sc_time_stamp()); // a level may be gone by then
    }
    line.pending = 0;
    show_irq(irq);
}

} // namespace ns
