// SPDX-License-Identifier: Apache-2.0
#include "model/tlm_machine.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

static constexpr uint64_t page_bytes = NS_PAGE_SIZE;
static constexpr uint64_t linear_limit = UINT64_C(0x2000000000); // 128 GiB: below it, virtual = physical
static constexpr uint64_t alias_start = UINT64_C(0x3000000000);  // second mappings
static constexpr uint64_t alias_end = UINT64_C(0x3F00000000);
static constexpr uint64_t sv39_half = UINT64_C(1) << 38;
static constexpr unsigned irq_lines = NS_MAX_IRQS;

static sc_time picoseconds(uint64_t value) {
    return sc_time(static_cast<double>(value), sc_core::SC_PS);
}

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
    config_.cache.provenance = true;
    build_memory_map(devices, device_count, connect);

    for (unsigned i = 0; i < config.cache.harts; i++) {
        harts_.push_back(std::make_unique<tlm_hart>(("cpu" + std::to_string(i)).c_str(), *this, i));
        connect(harts_.back()->socket, *cache_->hart[i]);
    }
    for (unsigned i = 0; i < device_count; i++) {
        const ns_machine_device &device = devices[i];
        devices_.push_back(std::make_unique<tlm_dma>(
            ("device" + std::to_string(i)).c_str(), *this, device_actor(i), device.dma_bits,
            device.burst != 0 ? device.burst : config.dma_burst,
            device.outstanding != 0 ? device.outstanding : config.dma_outstanding, device.axi_dma == nullptr));
        bus_master master;
        master.dma = true;
        master.snoops = device.snoops;
        master.posted_entries = device.has_posted ? device.posted_entries : config.posted_entries;
        master.drain = policy_of(config.posted_drain);
        master.drain_after = picoseconds(config.posted_drain_ps);
        for (const bool own : {true, false}) // a device's own windows come before those for all
            for (size_t w = 0; w < config.window_count; w++) {
                const ns_dma_window &window = config.window[w];
                if (own ? std::strcmp(window.device, device.name) == 0 : window.device[0] == '\0')
                    master.windows.push_back({window.bus, window.physical, window.length});
            }
        windows_.push_back(master.windows);
        int number;
        connect(devices_.back()->socket, interconnect_->add_master(master, &number));
        masters_.push_back(number);
        engines_.emplace_back();
        if (device.axi_dma != nullptr) {
            ns_axi_dma_config engine = *device.axi_dma;
            engine.address_bits = device.dma_bits;
            engines_.back() = std::make_unique<tlm_axi_dma>(("engine" + std::to_string(i)).c_str(), *this, i, engine,
                                                            registers_of(i), device.introut);
        }
        auto &port = interconnect_->add_target(registers_of(i), tlm_dma::register_bytes, number);
        if (engines_.back() != nullptr)
            connect(port, engines_.back()->registers);
        else
            connect(port, *devices_.back()->registers);
    }

    // The log's cast, then the tracker that watches it.
    const auto cast = [&](unsigned index, const char *actor_name, ns_actor_class actor_class, unsigned number,
                          bool snoops) {
        ns_log_actor &actor = log_->actor[index];
        std::snprintf(actor.name, sizeof actor.name, "%s", actor_name);
        actor.actor_class = actor_class;
        actor.index = number;
        actor.snoops = snoops;
    };
    for (unsigned i = 0; i < hart_count(); i++)
        cast(i, ("cpu" + std::to_string(i)).c_str(), NS_ACTOR_CLASS_HART, i, true);
    for (unsigned i = 0; i < device_count; i++)
        cast(device_actor(i), devices[i].name, NS_ACTOR_CLASS_DEVICE, i, devices[i].snoops);
    cast(hardware_actor(), "hw", NS_ACTOR_CLASS_HW, 0, true);
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
        facts.bus_offset = windows_[i].empty() ? 0 : windows_[i][0].physical - windows_[i][0].bus;
        ns_tracker_set_device(tracker_.get(), device_actor(i), &facts);
    }
    interconnect_->on_drained(on_drained, this);
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

void machine::build_memory_map(const ns_machine_device *devices, size_t device_count, const socket_connector &connect) {
    ns_memory_config memory{};
    memory.regions = config_.ram_count;
    memory.provenance = true;
    for (size_t i = 0; i < config_.ram_count; i++)
        memory.region[i] = {config_.ram[i].start, config_.ram[i].length};
    const ns_memory_observer memory_observer = {this, before_memory_write};
    memory_ = std::make_unique<tlm_memory>("memory", memory, picoseconds(config_.memory_latency_ps), &memory_observer);

    cache_timing timing;
    for (unsigned level = 0; level < config_.cache.levels; level++)
        timing.hit[level] = cycle_ * config_.level_hit_cycles[level];
    timing.snoop = picoseconds(config_.snoop_latency_ps);
    timing.maintenance_line = cycle_ * config_.maintenance_line_cycles;
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
    translation->page_size = page_bytes;
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
    table_next_ = first + page_bytes;
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
        if (ns_page_map(&builder, page_root_, at, ram.start, ram.length, bits, true) != NS_OK)
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
        if (owner->table_next_ + page_bytes > owner->table_end_)
            return UINT64_C(0);
        const uint64_t page = owner->table_next_;
        owner->table_next_ += page_bytes;
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

// ---- page tables
// ------------------------------------------------------------------------------------------------------

uint64_t machine::linear(uint64_t physical) const {
    for (const linear_window &window : linear_)
        if (physical >= window.physical && physical - window.physical < window.length)
            return window.virtual_start + (physical - window.physical);
    return 0;
}

static void whole_pages(uint64_t *address, uint64_t *length) {
    const uint64_t end = (*address + *length + page_bytes - 1) & ~(page_bytes - 1);
    *address &= ~(page_bytes - 1);
    *length = end - *address;
}

// While a hart changes page tables: one hart at a time, as under the kernel's lock, and the PTEs are not the object
// that its step is about. Without a hart (before the run) it does nothing.
class page_table_change {
  public:
    page_table_change(operation_lock &lock, actor_state *actor)
        : lock_(lock), actor_(actor), object_(actor == nullptr ? NS_NO_OBJECT : actor->object) {
        if (actor_ == nullptr)
            return;
        lock_.lock();
        actor_->object = NS_NO_OBJECT;
    }
    ~page_table_change() {
        if (actor_ == nullptr)
            return;
        actor_->object = object_;
        lock_.unlock();
    }
    page_table_change(const page_table_change &) = delete;
    page_table_change &operator=(const page_table_change &) = delete;

  private:
    operation_lock &lock_;
    actor_state *actor_;
    uint32_t object_;
};

uint64_t machine::reserve_pages(uint64_t length) {
    if (length > alias_end - alias_start || alias_next_ + length + page_bytes > alias_end)
        return 0;
    const uint64_t result = alias_next_;
    alias_next_ += length + page_bytes; // a hole behind each mapping, as vmap leaves one
    return result;
}

uint64_t machine::alias(uint64_t physical, uint64_t length, ns_memory_type type) {
    if (has_mpu())
        return 0;
    const uint64_t offset = physical % page_bytes;
    whole_pages(&physical, &length);
    const uint64_t start = reserve_pages(length);
    const ns_page_builder builder = direct_builder();
    const uint64_t bits = ns_pte_encode_type(config_.pte_encoding, type);
    if (start == 0 || ns_page_map(&builder, page_root_, start, physical, length, bits, false) != NS_OK)
        return 0;
    aliases_.push_back({start, physical, length});
    tell_pages(start, length);
    return start + offset;
}

ns_status machine::set_pte_by(unsigned hart_index, uint64_t address, uint64_t pte) {
    if (has_mpu())
        return NS_ERROR_MISUSE;
    const page_table_change change(page_table_lock_, &actors_[hart_index]);
    const ns_page_builder builder = hart_builder(hart_index);
    if ((pte & NS_PTE_V) == 0) {
        const ns_status unmapped = ns_page_unmap(&builder, page_root_, address, page_bytes);
        tell_pages(address, page_bytes);
        return unmapped;
    }
    const uint64_t physical = (pte & NS_PTE_PPN_MASK) >> NS_PTE_PPN_SHIFT << 12;
    const uint64_t type_bits = pte & UINT64_C(0xf800000000000001);
    const ns_status status = ns_page_map(&builder, page_root_, address, physical, page_bytes, type_bits, false);
    tell_pages(address, page_bytes);
    if (status != NS_OK || address < alias_start || address >= alias_end)
        return status;
    alias_page *last = aliases_.empty() ? nullptr : &aliases_.back();
    if (last != nullptr && last->virtual_page + last->length == address && last->physical + last->length == physical)
        last->length += page_bytes;
    else
        aliases_.push_back({address, physical, page_bytes});
    return NS_OK;
}

ns_status machine::set_type_directly(uint64_t address, uint64_t length, ns_memory_type type) {
    whole_pages(&address, &length);
    if (has_mpu()) { // the regions decide; `type` is what the caller relies on
        tell_pages(address, length);
        return NS_OK;
    }
    const ns_page_builder builder = direct_builder();
    const ns_status status =
        ns_page_set_type(&builder, page_root_, address, length, ns_pte_encode_type(config_.pte_encoding, type));
    tell_pages(address, length);
    return status;
}

ns_status machine::set_type_by(unsigned hart_index, uint64_t address, uint64_t length, ns_memory_type type) {
    if (has_mpu())
        return NS_ERROR_MISUSE;
    whole_pages(&address, &length);
    ns_translation translation{};
    ns_memory_type old_type;
    ns_event event{};
    event.kind = NS_EVENT_SET_TYPE;
    event.address = walk(address, &translation, &old_type) ? translation.physical : address;
    event.length = static_cast<uint32_t>(length);
    event.type = static_cast<uint8_t>(type);
    event.peer = 0xff;
    log_event(hart_index, event);
    const page_table_change change(page_table_lock_, &actors_[hart_index]);
    const ns_page_builder builder = hart_builder(hart_index);
    const ns_status status =
        ns_page_set_type(&builder, page_root_, address, length, ns_pte_encode_type(config_.pte_encoding, type));
    tell_pages(address, length);
    return status;
}

// What the tables say of these pages from now on, for a recording. The newest event is the change.
void machine::tell_pages(uint64_t address, uint64_t length) {
    if (tracker_ == nullptr || ns_tracker_recording(tracker_.get()) == nullptr)
        return;
    const uint32_t event = static_cast<uint32_t>(log_->event_count - 1);
    for (const uint64_t end = address + length; address < end; address += page_bytes) {
        ns_translation translation{};
        ns_memory_type type = NS_TYPE_IO;
        const bool good = walk(address, &translation, &type);
        ns_tracker_page(tracker_.get(), event, address, good ? translation.physical : UINT64_MAX, page_bytes, type,
                        !good);
    }
}

// A walk that sees what the tables hold now, wherever their newest bytes are, and changes nothing.
bool machine::walk(uint64_t address, ns_translation *translation, ns_memory_type *type) {
    if (has_mpu()) {
        const bool good = mpu_lookup(address, translation);
        *type = translation->type;
        return good;
    }
    const auto read = [](void *self, uint64_t at, uint64_t *pte) {
        machine *owner = static_cast<machine *>(self);
        uint8_t bytes[8];
        if (ns_memory_read(owner->memory_core(), at, 8, bytes, nullptr) != NS_OK)
            return false;
        for (unsigned level = owner->config_.cache.levels; level-- > 0;)
            for (unsigned h = 0; h < (level == 0 ? owner->hart_count() : 1); h++) {
                ns_cache_copy copy;
                if (ns_cache_peek(owner->cache_core(), level, h, at, &copy) &&
                    (level > 0 || copy.state == NS_LINE_DIRTY || h == 0))
                    std::memcpy(bytes, copy.data + (at - copy.line_address), 8);
            }
        std::memcpy(pte, bytes, 8);
        return true;
    };
    if (ns_page_walk(page_root_, address, false, config_.attributes, read, this, translation) != NS_OK)
        return false;
    *type = ns_effective_type(translation, pmas_.data(), pmas_.size());
    return true;
}

bool machine::may_fill(unsigned hart_index, uint64_t physical) {
    ns_translation translation{};
    ns_memory_type type;
    const uint64_t by_linear = linear(physical);
    if (by_linear != 0 && walk(by_linear, &translation, &type) && type == NS_TYPE_CACHEABLE)
        return true;
    for (const alias_page &page : aliases_)
        if (physical >= page.physical && physical - page.physical < page.length &&
            walk(page.virtual_page + (physical - page.physical), &translation, &type) && type == NS_TYPE_CACHEABLE)
            return true;
    return harts_[hart_index]->has_cacheable_translation(physical);
}

// ---- the log
// ------------------------------------------------------------------------------------------------------------

operation_scope::operation_scope(machine &owner, unsigned actor) : actor_(owner.quiet ? nullptr : &owner.actor(actor)) {
    if (actor_ == nullptr || actor_->nesting++ > 0)
        return;
    owner.call_hook(actor, actor_->operations);
    actor_->operations++;
}

operation_scope::~operation_scope() {
    if (actor_ != nullptr)
        actor_->nesting--;
}

uint32_t machine::log_event(unsigned actor_index, ns_event event) {
    if (actor_index < actors_.size()) {
        const actor_state &actor = actors_[actor_index];
        event.part = static_cast<uint16_t>(actor.operations - (actor.nesting > 0 && actor.operations > 0 ? 1 : 0));
    }
    event.time_ps = now_ps();
    event.site = actor_index < actors_.size() ? actors_[actor_index].site : NS_NO_SITE;
    event.actor = static_cast<uint8_t>(actor_index);
    return ns_log_append(log_, &event);
}

void machine::report_bus_error(unsigned actor_index, uint64_t bus, uint64_t address, uint32_t length) {
    ns_event event{};
    event.kind = NS_EVENT_BUS_ERROR;
    event.address = address;
    event.bus_address = bus;
    event.length = length;
    event.peer = 0xff;
    const uint32_t number = log_event(actor_index, event);
    char detail[256];
    std::snprintf(detail, sizeof detail, "%s puts %s on the bus: no window and no target answers",
                  log_->actor[actor_index].name, address_text(bus).c_str());
    ns_tracker_report(tracker_.get(), NS_AD_DECODE_ERROR, NS_SYMPTOM_ADDRESS, number, address, address + length - 1,
                      NS_NO_EVENT, NS_NOTE_OTHER, detail);
}

ns_status machine::maintain_piece(tlm_hart &on, unsigned index, const ns_maintenance &piece, attributes &attribute,
                                  tlm::tlm_generic_payload &payload) {
    ns_event event{};
    event.kind = NS_EVENT_MAINTENANCE;
    event.address = piece.address;
    event.length = static_cast<uint32_t>(piece.length);
    event.op = static_cast<uint8_t>(piece.op);
    event.scope = static_cast<uint8_t>(piece.scope);
    event.link = actors_[index].inside;
    event.inside = actors_[index].inside != NS_NO_EVENT;
    event.exact = piece.extent == NS_EXACT_LINES;
    event.local = piece.scope == NS_SCOPE_POC && config_.cache.reach == NS_REACH_LOCAL && hart_count() > 1;
    event.peer = 0xff;
    maintenance_lock_.lock(); // the tracker knows one operation at a time
    const uint32_t number = log_event(index, event);
    if (piece.extent != NS_WHOLE_CACHE && piece.length == 0) {
        maintenance_lock_.unlock();
        return NS_OK; // it names nothing
    }
    const actor_state &who = actors_[index];
    ns_tracker_maintenance_begin(tracker_.get(), number, who.named_length > 0 ? who.named : piece.address,
                                 who.named_length > 0 ? who.named_length : piece.length,
                                 piece.extent == NS_WHOLE_CACHE);
    attribute.initiator_id = index;
    attribute.request = cache_request::maintain;
    attribute.maintenance = piece;
    attribute.event = number;
    set_request(payload, piece.address, attribute);
    sc_time delay = SC_ZERO_TIME;
    on.socket->b_transport(payload, delay);
    ns_tracker_maintenance_end(tracker_.get());
    maintenance_lock_.unlock();
    attribute.request = cache_request::access;
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);
    return payload_status(payload);
}

void machine::shoot_down(unsigned index, bool all, uint64_t address, uint64_t length) {
    harts_[index]->forget_range(all, address, length);
    unsigned fences = all ? 1 : static_cast<unsigned>((length + page_bytes - 1) / page_bytes);
    if (hart_count() > 1) {
        sc_core::wait(picoseconds(config_.interrupt_latency_ps)); // all at once, and all answer
        for (unsigned other = 0; other < hart_count(); other++)
            if (other != index)
                harts_[other]->forget_range(all, address, length);
        fences *= 2; // the others execute as many, beside each other
    }
    ns_event event{};
    event.kind = NS_EVENT_SFENCE;
    event.address = all ? 0 : address;
    event.length = all ? 0 : static_cast<uint32_t>(length);
    event.peer = 0xff;
    ns_tracker_sfence(tracker_.get(), log_event(index, event), all, address, length, true);
    sc_core::wait(cycles(fences));
}

void machine::log_stats() {
    const auto copy = [&](ns_log_master &to, int master) {
        const bus_traffic &from = interconnect_->traffic(master);
        to = {from.bursts, from.bytes, from.busy.value() / unit_per_ps_};
    };
    ns_log_stats &stats = log_->stats;
    stats.harts = hart_count();
    for (unsigned i = 0; i < hart_count(); i++)
        ns_cache_get_hart_stats(cache_core(), i, &stats.l1[i]);
    for (unsigned level = 0; level < config_.cache.levels; level++)
        ns_cache_get_stats(cache_core(), level, &stats.level[level]);
    copy(stats.caches, cache_master_);
    for (unsigned i = 0; i < device_count(); i++)
        copy(stats.master[device_actor(i)], masters_[i]);
    stats.known = true;
}

uint32_t machine::log_line_event(ns_event_kind kind, const ns_cache_line_event &line, bool dirty) {
    ns_event event{};
    event.kind = static_cast<uint8_t>(kind);
    event.address = line.address;
    event.length = line.length;
    event.level = static_cast<uint8_t>(line.level);
    event.cause = static_cast<uint8_t>(line.cause);
    event.set = line.set;
    event.way = static_cast<uint16_t>(line.way);
    event.dirty = dirty;
    event.peer = static_cast<uint8_t>(line.hart);
    if (line.data != nullptr) {
        event.data_length = static_cast<uint8_t>(std::min(line.length, 8u));
        std::memcpy(event.data, line.data, event.data_length);
    }
    return log_event(cache_->operating_initiator(), event);
}

uint32_t machine::on_fill(void *self, const ns_cache_line_event *line) {
    return static_cast<machine *>(self)->log_line_event(NS_EVENT_FILL, *line, false);
}

void machine::on_write_back(void *self, const ns_cache_line_event *line) {
    machine *owner = static_cast<machine *>(self);
    owner->cache_->write_back_event = owner->log_line_event(NS_EVENT_WRITE_BACK, *line, true);
}

void machine::on_drop(void *self, const ns_cache_line_event *line, bool dirty) {
    machine *owner = static_cast<machine *>(self);
    const uint32_t number = owner->log_line_event(NS_EVENT_DROP, *line, dirty);
    ns_tracker_drop(owner->tracker_.get(), number, line, dirty);
}

void machine::before_memory_write(void *self, uint64_t tag, uint64_t address, uint32_t length, const uint8_t *old_data,
                                  const ns_version *old_versions, const uint8_t *data, const ns_version *versions) {
    machine *owner = static_cast<machine *>(self);
    if (owner->tracker_ != nullptr)
        ns_tracker_memory_write(owner->tracker_.get(), static_cast<uint32_t>(tag), address, length, old_data,
                                old_versions, data, versions);
    if (owner->log_->waveform != nullptr)
        ns_waveform_memory(owner->log_->waveform, owner->now_ps(), owner->cache_core(), owner->memory_core(), address,
                           length, versions);
}

void machine::on_drained(void *self, unsigned initiator, uint32_t written, uint64_t address, uint32_t length) {
    ns_event event{};
    event.kind = NS_EVENT_DRAIN;
    event.address = address;
    event.length = length;
    event.link = written;
    event.peer = 0xff;
    static_cast<machine *>(self)->log_event(initiator, event);
}

bool machine::find_in_flight(void *self, uint64_t address, ns_in_flight *out) {
    machine *owner = static_cast<machine *>(self);
    bool found = false;
    for (const auto &hart : owner->harts_)
        if (const ns_store_entry *entry = ns_store_buffer_newest(&hart->buffer(), address)) {
            if (!found || entry->event > out->version)
                *out = {NS_FLIGHT_STORE_BUFFER, entry->event};
            found = true;
        }
    unsigned hart_index;
    uint8_t data;
    ns_version version;
    if (ns_cache_late_peek(owner->cache_core(), address, &hart_index, &data, &version) &&
        (!found || version > out->version)) {
        *out = {NS_FLIGHT_LATE_WRITE_BACK, version};
        found = true;
    }
    if (const posted_write *write = owner->interconnect_->posted_at(address))
        if (!found || write->event > out->version) {
            *out = {NS_FLIGHT_POSTED, write->event};
            found = true;
        }
    return found;
}

void machine::on_line_changed(void *self, unsigned level, unsigned hart, uint64_t line_address) {
    machine *owner = static_cast<machine *>(self);
    ns_waveform_line(owner->log_->waveform, owner->now_ps(), owner->cache_core(), owner->memory_core(), level, hart,
                     line_address);
}

void machine::on_occupied(void *self, unsigned initiator, const tlm::tlm_generic_payload &payload, bool begins) {
    const machine *owner = static_cast<machine *>(self);
    const ns_wave_bus what = !begins ? NS_WAVE_BUS_IDLE : payload.is_read() ? NS_WAVE_BUS_READ : NS_WAVE_BUS_WRITE;
    ns_waveform_bus(owner->log_->waveform, owner->now_ps(), initiator, payload.get_address(), what);
}

void machine::show_irq(unsigned irq) {
    if (log_->waveform != nullptr)
        ns_waveform_irq(log_->waveform, now_ps(), irq, irq_pending(irq));
}

std::string address_text(uint64_t address) {
    char text[NS_ADDRESS_TEXT];
    return ns_format_address(address, text);
}

// ---- programs, turns, interrupts
// -------------------------------------------------------------------------------------------

void machine::set_program(unsigned index, ns_program program, void *context) {
    actors_[index].program = program;
    actors_[index].context = context;
    running_++;
}

void machine::program_thread(unsigned index) {
    if (actors_[index].program == nullptr)
        return;
    actors_[index].program(face_, index, actors_[index].context);
    finish_program();
}

void machine::finish_program() {
    if (--running_ == 0)
        sc_core::sc_stop();
}

void machine::wait_turn(uint64_t turn) {
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
