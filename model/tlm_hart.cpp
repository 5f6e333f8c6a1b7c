// SPDX-License-Identifier: Apache-2.0
#include "model/tlm_hart.h"

#include "model/tlm_machine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

tlm_hart::tlm_hart(sc_core::sc_module_name name, machine &owner, unsigned index)
    : sc_module(name), socket("socket"), machine_(owner), index_(index), versions_(NS_PAGE_SIZE) {
    if (owner.config().second_tlb_entries > 0)
        ns_tlb_init_levels(&tlb_, owner.config().tlb_entries, owner.config().second_tlb_entries);
    else
        ns_tlb_init(&tlb_, owner.config().tlb_entries);
    second_tlb_time_ = machine_.cycles(owner.config().second_tlb_cycles);
    prefetches_ =
        owner.config().cache.levels > 0 && (owner.config().prefetch_next_line || owner.config().stride.streams > 0);
    if (prefetches_)
        ns_stride_init(&stride_, &owner.config().stride, owner.config().cache.level[0].line);
    ns_store_buffer_init(&buffer_, owner.config().store_buffer_entries);
    payload_.set_extension(&attributes_);
    SC_HAS_PROCESS(tlm_hart);
    if (owner.config().store_buffer_drain == NS_DRAIN_AFTER)
        SC_THREAD(drain_thread);
}

// ---- translation --------------------------------------------------------------------------------

ns_status tlm_hart::translate(uint64_t address, bool store, ns_translation *translation, ns_memory_type *type,
                              const char *what) {
    if (machine_.has_mpu()) {
        if (!machine_.mpu_lookup(address, translation))
            return page_fault(address, *translation, what != nullptr ? what : store ? "store" : "load");
        *type = translation->type;
        return NS_OK;
    }
    const ns_tlb_entry *entry = ns_tlb_lookup(&tlb_, address, store);
    if (tlb_.from_second)
        ask_second_tlb();
    if (entry != nullptr) {
        translation->physical = entry->physical_page + (address - entry->virtual_page);
        translation->override_pma = entry->override_pma;
        translation->type = entry->type;
    } else {
        const auto read = [](void *self, uint64_t at, uint64_t *pte) {
            return static_cast<tlm_hart *>(self)->load_entry(at, pte);
        };
        const ns_status status =
            ns_page_walk(machine_.page_root(), address, store, machine_.config().attributes, read, this, translation);
        if (status != NS_OK)
            return page_fault(address, *translation, what != nullptr ? what : store ? "store" : "load");
        ns_tlb_insert(&tlb_, address, translation);
    }
    *type = ns_effective_type(translation, machine_.pmas().data(), machine_.pmas().size());
    return NS_OK;
}

void tlm_hart::ask_second_tlb() {
    machine_.actor(index_).meter.charge(time_translation, second_tlb_time_);
    ahead_ += second_tlb_time_;
    if (!touching_)
        catch_up();
}

ns_status tlm_hart::page_fault(uint64_t address, const ns_translation &translation, const char *what) {
    ns_event event{};
    event.kind = NS_EVENT_PAGE_FAULT;
    event.address = address;
    event.fault = static_cast<uint8_t>(translation.fault);
    event.peer = 0xff;
    const uint32_t number = machine_.log_event(index_, event);
    char detail[256];
    if (translation.fault == NS_FAULT_NO_REGION)
        std::snprintf(detail, sizeof detail, "%s of address %s faults: %s", what, address_text(address).c_str(),
                      ns_page_fault_text(translation.fault));
    else
        std::snprintf(detail, sizeof detail, "%s of virtual address %s faults: %s (PTE 0x%016llx)", what,
                      address_text(address).c_str(), ns_page_fault_text(translation.fault),
                      static_cast<unsigned long long>(translation.pte));
    // Reserved type bits in an otherwise good entry are a wrong memory type, not a missing page.
    const bool type_bits = translation.fault == NS_FAULT_RESERVED_BITS;
    ns_tracker_report(machine_.tracker(), type_bits ? NS_AT_WRONG_TYPE : NS_AT_PAGE_FAULT, NS_SYMPTOM_FAULT, number,
                      address, address, NS_NO_EVENT, NS_NOTE_OTHER, detail);
    return NS_ERROR_PAGE_FAULT;
}

ns_status tlm_hart::bus_error(uint64_t physical, uint32_t length, ns_status status) {
    machine_.report_bus_error(index_, machine_.site_of(index_), physical, physical, length);
    return status;
}

// ---- transactions -------------------------------------------------------------------------------

// One transaction of this hart's own; attributes_ are set by the caller except for what is the same every time.
ns_status tlm_hart::transport(tlm::tlm_command command, uint64_t physical, uint8_t *data, uint32_t length) {
    set_payload(payload_, command, physical, data, length);
    attributes_.initiator_id = index_;
    attributes_.meter = &machine_.actor(index_).meter;
    sc_time delay = SC_ZERO_TIME;
    socket->b_transport(payload_, delay);
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);
    return payload_status(payload_);
}

bool tlm_hart::load_entry(uint64_t physical, uint64_t *value) {
    catch_up();
    attributes_.type = NS_TYPE_CACHEABLE;
    attributes_.request = cache_request::access;
    attributes_.versions = versions_.data();
    uint8_t bytes[8];
    if (transport(tlm::TLM_READ_COMMAND, physical, bytes, sizeof bytes) != NS_OK)
        return false;
    std::memcpy(value, bytes, sizeof bytes); // PTEs are little-endian, as the hosts are
    return true;
}

bool tlm_hart::store_entry(uint64_t physical, uint64_t value) {
    uint8_t bytes[8];
    std::memcpy(bytes, &value, sizeof bytes);
    return store_piece(physical, physical, NS_TYPE_CACHEABLE, sizeof bytes, bytes) == NS_OK; // no translation
}

ns_status tlm_hart::hardware(cache_request request, unsigned initiator, uint64_t physical, bool *present,
                             uint64_t length) {
    tlm::tlm_generic_payload payload;
    attributes attribute;
    attribute.initiator_id = initiator;
    attribute.request = request;
    attribute.maintenance.address = physical;
    attribute.maintenance.length = length;
    set_request(payload, physical, attribute);
    payload.set_extension(&attribute);
    sc_time delay = SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    payload.clear_extension(&attribute);
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);
    if (present != nullptr)
        *present = attribute.present;
    return payload_status(payload);
}

// The registers of an engine are 32 bits wide: one access for each word. The bus refuses parts of one.
ns_status tlm_hart::engine_words(unsigned device, uint64_t physical, uint32_t length,
                                 const std::function<ns_status(uint32_t offset, uint32_t at)> &access) {
    const uint64_t offset = physical - machine_.registers_of(device);
    if (offset % 4 != 0 || length % 4 != 0)
        return bus_error(physical, length, NS_ERROR_ADDRESS);
    ns_status status = NS_OK;
    for (uint32_t at = 0; at < length && status == NS_OK; at += 4)
        status = access(static_cast<uint32_t>(offset) + at, at);
    return status;
}

// ---- loads --------------------------------------------------------------------------------------

static uint32_t piece_of(uint64_t address, uint32_t length) {
    return static_cast<uint32_t>(std::min<uint64_t>(length, NS_PAGE_SIZE - address % NS_PAGE_SIZE));
}

ns_status tlm_hart::load(uint64_t address, uint32_t length, uint8_t *data, ns_version *versions, unsigned flags) {
    while (length > 0) {
        const uint32_t piece = piece_of(address, length);
        ns_translation translation{};
        ns_memory_type type = NS_TYPE_IO;
        ns_status status = translate(address, false, &translation, &type);
        if (status == NS_OK)
            status = load_piece(address, translation.physical, type, piece, data, versions, flags);
        if (status != NS_OK)
            return status;
        address += piece;
        data += piece;
        length -= piece;
        if (versions != nullptr)
            versions += piece;
    }
    return NS_OK;
}

ns_status tlm_hart::load_piece(uint64_t address, uint64_t physical, ns_memory_type type, uint32_t length, uint8_t *data,
                               ns_version *versions, unsigned flags) {
    if (const int device = machine_.device_at(physical); device >= 0) {
        const unsigned index = static_cast<unsigned>(device);
        std::memset(data, 0, length);
        if (versions != nullptr) // a register's bytes have no versions
            std::fill_n(versions, length, NS_VERSION_POWER_ON);
        if (machine_.engine(index) == nullptr) {
            uint32_t value = 0;
            return ns_hart_register_read(machine_.face(), index_, index, &value);
        }
        return engine_words(index, physical, length, [&](uint32_t offset, uint32_t at) {
            uint32_t value = 0;
            const ns_status status = ns_hart_register_load(machine_.face(), index_, index, offset, &value);
            std::memcpy(data + at, &value, 4);
            return status;
        });
    }
    drain_touching(physical, length); // a load sees the hart's own earlier stores
    // The event stands where the load is issued: what others write while it is under way is not older than it.
    ns_event event{};
    event.kind = NS_EVENT_LOAD;
    event.address = physical;
    event.bus_address = address;
    event.length = length;
    event.type = static_cast<uint8_t>(type);
    event.level = static_cast<uint8_t>(machine_.config().cache.levels);
    event.peer = 0xff;
    const uint32_t number = machine_.log_event(index_, event);

    ns_version *seen = versions == nullptr ? versions_.data() : versions;
    std::fill_n(seen, length, NS_VERSION_POWER_ON); // for a target that knows no versions
    attributes_.type = type;
    attributes_.request = cache_request::access;
    attributes_.versions = seen;
    attributes_.event = number;
    set_payload(payload_, tlm::TLM_READ_COMMAND, physical, data, length);
    attributes_.initiator_id = index_;
    attributes_.meter = &machine_.actor(index_).meter;
    sc_time delay = SC_ZERO_TIME;
    socket->b_transport(payload_, delay);
    if (!payload_.is_response_ok())
        return bus_error(physical, length, payload_status(payload_));

    const ns_cache_result result = attributes_.result;
    ns_log *log = machine_.log();
    if (number != NS_NO_EVENT) {
        ns_event &entry = log->event[number];
        entry.data_length = static_cast<uint8_t>(std::min(length, 8u));
        std::memcpy(entry.data, data, entry.data_length);
        ns_cache_copy copy;
        if (type == NS_TYPE_CACHEABLE && ns_cache_peek(machine_.cache_core(), 0, index_, physical, &copy)) {
            entry.level = static_cast<uint8_t>(result.hit_level);
            entry.link = copy.fill_event;
            entry.set = copy.set;
            entry.way = static_cast<uint16_t>(copy.way);
        }
    }
    ns_load_facts facts{};
    facts.polling = (flags & NS_ACCESS_POLL) != 0;
    facts.to_register = (flags & NS_ACCESS_TO_REGISTER) != 0;
    ns_tracker_load(machine_.tracker(), number, machine_.actor(index_).object, physical, length, data, seen, &facts);
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);

    if (prefetches_ && type == NS_TYPE_CACHEABLE)
        train_prefetcher(physical, length, result.hit_level > 0);
    return NS_OK;
}

// What the prefetchers make of a load that has just ended. It lies within one page.
void tlm_hart::train_prefetcher(uint64_t physical, uint32_t length, bool missed) {
    const uint32_t line = machine_.config().cache.level[0].line;
    const uint64_t next_line = (physical / line + 1) * line;
    if (machine_.config().prefetch_next_line && missed && next_line / NS_PAGE_SIZE == physical / NS_PAGE_SIZE)
        prefetch_for_load(next_line);
    if (stride_.config.streams == 0)
        return;
    for (uint64_t at = physical / line * line; at < physical + length; at += line) {
        uint64_t fill[NS_PREFETCH_MOST_AHEAD];
        const size_t count = ns_stride_load(&stride_, at, missed, fill);
        for (size_t i = 0; i < count; i++)
            if (ns_memory_holds(machine_.memory_core(), fill[i], line))
                prefetch_for_load(fill[i]);
    }
}

// The prefetcher's fill is the hardware's doing, at the step that made it look.
void tlm_hart::prefetch_for_load(uint64_t line) {
    catch_up();
    actor_state &hw = machine_.actor(machine_.hardware_actor());
    const uint32_t site = hw.site;
    hw.site = machine_.actor(index_).site;
    const time_scope memory(machine_.running_meter(), time_memory);
    hardware(cache_request::prefetch, machine_.hardware_actor(), line);
    hw.site = site;
}

// ---- stores -------------------------------------------------------------------------------------

ns_status tlm_hart::store(uint64_t address, uint32_t length, const uint8_t *data) {
    while (length > 0) {
        const uint32_t piece = piece_of(address, length);
        ns_translation translation{};
        ns_memory_type type = NS_TYPE_IO;
        ns_status status = translate(address, true, &translation, &type);
        if (status == NS_OK)
            status = store_piece(address, translation.physical, type, piece, data);
        if (status != NS_OK)
            return status;
        address += piece;
        data += piece;
        length -= piece;
    }
    return NS_OK;
}

ns_status tlm_hart::store_piece(uint64_t address, uint64_t physical, ns_memory_type type, uint32_t length,
                                const uint8_t *data) {
    if (const int device = machine_.device_at(physical); device >= 0) {
        const unsigned index = static_cast<unsigned>(device);
        if (machine_.engine(index) == nullptr)
            return ns_hart_doorbell(machine_.face(), index_, index);
        return engine_words(index, physical, length, [&](uint32_t offset, uint32_t at) {
            uint32_t value;
            std::memcpy(&value, data + at, 4);
            return ns_hart_register_write(machine_.face(), index_, index, offset, value);
        });
    }
    if (!ns_memory_holds(machine_.memory_core(), physical, length))
        return bus_error(physical, length, NS_ERROR_ADDRESS);
    if (type != NS_TYPE_NC || buffer_.capacity == 0)
        drain_touching(physical, length); // own stores to one address stay in order
    ns_event event{};
    event.kind = NS_EVENT_STORE;
    event.address = physical;
    event.bus_address = address;
    event.length = length;
    event.type = static_cast<uint8_t>(type);
    event.peer = 0xff;
    event.data_length = static_cast<uint8_t>(std::min(length, 8u));
    std::memcpy(event.data, data, event.data_length);
    const uint32_t number = machine_.log_event(index_, event);
    ns_tracker_store(machine_.tracker(), number, machine_.actor(index_).object, physical, length, data);

    if (type == NS_TYPE_NC && buffer_.capacity > 0) {
        buffer_store(physical, length, data, number);
        ns_tracker_arrived(machine_.tracker(), number);
        return NS_OK;
    }
    ns_status status = NS_OK;
    if (const uint64_t stop = machine_.stop_inside(index_, physical, length); stop != 0 && type == NS_TYPE_CACHEABLE) {
        const uint32_t before = static_cast<uint32_t>(stop - physical);
        status = write_through(type, physical, before, data, number);
        machine_.come_to(index_, stop, length - before);
        physical += before;
        data += before;
        length -= before;
    }
    if (status == NS_OK)
        status = write_through(type, physical, length, data, number);
    ns_tracker_arrived(machine_.tracker(), number);
    return status;
}

// Bytes of a store that do not wait in the buffer.
ns_status tlm_hart::write_through(ns_memory_type type, uint64_t physical, uint32_t length, const uint8_t *data,
                                  uint32_t event) {
    std::fill_n(versions_.begin(), length, event);
    attributes_.type = type;
    attributes_.request = cache_request::access;
    attributes_.versions = versions_.data();
    attributes_.event = event;
    return transport(tlm::TLM_WRITE_COMMAND, physical, const_cast<uint8_t *>(data), length);
}

void tlm_hart::buffer_store(uint64_t physical, uint32_t length, const uint8_t *data, uint32_t event) {
    while (length > 0) {
        ns_store_entry entry{};
        entry.address = physical;
        entry.length =
            static_cast<uint32_t>(std::min<uint64_t>(length, NS_STORE_ENTRY_BYTES - physical % NS_STORE_ENTRY_BYTES));
        entry.event = event;
        entry.due_ps = machine_.now_ps() + machine_.config().store_buffer_drain_ps;
        std::memcpy(entry.data, data, entry.length);
        machine_.come_to(index_, entry.address, entry.length, true);
        while (ns_store_buffer_full(&buffer_)) {
            const time_scope memory(machine_.running_meter(), time_memory);
            drain_victim();
        }
        ns_store_buffer_push(&buffer_, &entry);
        physical += entry.length;
        data += entry.length;
        length -= entry.length;
    }
    sc_core::wait(machine_.cycles(1));
    if (machine_.config().store_buffer_drain == NS_DRAIN_EAGER)
        drain_touching(0, UINT64_MAX);
    else if (machine_.config().store_buffer_drain == NS_DRAIN_AFTER)
        buffered_.notify(SC_ZERO_TIME);
}

// The oldest entry that touches the range reaches memory, with what it gathers when the range is everything; false when
// there is none. Until it has arrived it stays in the buffer, where loads, fences and the tracker find it.
bool tlm_hart::drain_one(uint64_t physical, uint64_t length) {
    if (const int next = ns_store_buffer_find(&buffer_, physical, length); next >= 0)
        machine_.come_to(index_, buffer_.entry[next].address, buffer_.entry[next].length);
    leaving_.lock();
    int index = ns_store_buffer_find(&buffer_, physical, length);
    if (index < 0) {
        leaving_.unlock();
        return false;
    }
    // Stores to one address stay in order: an older entry under the same bytes goes first.
    for (int older;
         (older = ns_store_buffer_find(&buffer_, buffer_.entry[index].address, buffer_.entry[index].length)) < index;)
        index = older;
    const unsigned first = static_cast<unsigned>(index);
    const unsigned count = length == UINT64_MAX ? ns_store_buffer_gathered(&buffer_, first) : 1;
    const uint64_t address = buffer_.entry[first].address;
    const uint32_t store = buffer_.entry[first].event;
    uint8_t data[NS_STORE_ENTRY_BYTES * NS_STORE_BUFFER_LIMIT];
    uint32_t bytes = 0;
    for (unsigned i = first; i < first + count; bytes += buffer_.entry[i++].length)
        std::memcpy(data + bytes, buffer_.entry[i].data, buffer_.entry[i].length);
    tlm::tlm_generic_payload payload; // own payload: another thread may be draining while the program waits
    attributes attribute;
    ns_version versions[sizeof data];
    std::fill_n(versions, bytes, store);
    attribute.initiator_id = index_;
    attribute.type = NS_TYPE_NC;
    attribute.versions = versions;
    attribute.event = store;
    set_payload(payload, tlm::TLM_WRITE_COMMAND, address, data, bytes);
    payload.set_extension(&attribute);
    sc_time delay = SC_ZERO_TIME;
    socket->b_transport(payload, delay);
    payload.clear_extension(&attribute);
    ns_store_buffer_take(&buffer_, first, count); // only new entries have come meanwhile, behind them
    ns_event event{};
    event.kind = NS_EVENT_DRAIN;
    event.address = address;
    event.length = bytes;
    event.link = store;
    event.peer = 0xff;
    machine_.log_event(index_, event);
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);
    leaving_.unlock();
    return true;
}

void tlm_hart::hold(uint64_t physical) {
    constexpr size_t limit = 16;
    if (held_.size() < limit)
        held_.push_back(physical / NS_STORE_ENTRY_BYTES);
}

void tlm_hart::release(uint64_t physical) {
    held_.erase(std::remove(held_.begin(), held_.end(), physical / NS_STORE_ENTRY_BYTES), held_.end());
}

// The buffer is full: the oldest entry goes, or the oldest one that is not held back.
void tlm_hart::drain_victim() {
    for (unsigned i = 0; i < buffer_.count && !held_.empty(); i++) {
        const uint64_t place = buffer_.entry[i].address / NS_STORE_ENTRY_BYTES;
        if (std::find(held_.begin(), held_.end(), place) == held_.end()) {
            drain_one(buffer_.entry[i].address, buffer_.entry[i].length);
            return;
        }
    }
    drain_one(0, UINT64_MAX);
}

void tlm_hart::drain_touching(uint64_t physical, uint64_t length) {
    while (ns_store_buffer_find(&buffer_, physical, length) >= 0)
        drain_one(physical, length);
}

void tlm_hart::drain(uint64_t physical, uint64_t length) {
    if (length == UINT64_MAX) {
        drain_touching(0, UINT64_MAX);
        hardware(cache_request::fence, machine_.hardware_actor(), 0);
        return;
    }
    drain_touching(physical, length);
    hardware(cache_request::drain_range, machine_.hardware_actor(), physical, nullptr, length);
}

void tlm_hart::drain_thread() {
    for (;;) {
        while (buffer_.count > 0 && buffer_.entry[0].due_ps <= machine_.now_ps())
            drain_one(0, UINT64_MAX);
        if (buffer_.count == 0)
            sc_core::wait(buffered_);
        else
            sc_core::wait(sc_time(static_cast<double>(buffer_.entry[0].due_ps - machine_.now_ps()), sc_core::SC_PS),
                          buffered_);
    }
}

// ---- fences and maintenance ---------------------------------------------------------------------

void tlm_hart::fence(bool maintenance_too) {
    const time_scope waiting(machine_.running_meter(), time_waiting);
    drain_touching(0, UINT64_MAX);
    if (maintenance_too)
        hardware(cache_request::fence, index_, 0);
    ns_event event{};
    event.kind = NS_EVENT_FENCE;
    event.peer = 0xff;
    ns_tracker_fence(machine_.tracker(), machine_.log_event(index_, event), !maintenance_too);
    sc_core::wait(machine_.cycles(1));
}

// The longest run of a virtual range whose pages lie one behind the other in physical memory: one range, so that its
// edge lines are edges. Moves *address and *length past it. A page that faults ends the run, and its status is
// returned.
ns_status tlm_hart::gather(uint64_t *address, uint64_t *length, ns_maintenance *run) {
    static const char *const op_text[] = {"clean", "invalidate", "flush"}; // by enum ns_cache_op
    run->length = 0;
    while (*length > 0) {
        ns_translation translation{};
        ns_memory_type type = NS_TYPE_IO;
        const ns_status status = translate(*address, false, &translation, &type, op_text[run->op]);
        if (status != NS_OK)
            return status;
        if (run->length == 0)
            run->address = translation.physical;
        else if (translation.physical != run->address + run->length)
            break;
        const uint32_t part = piece_of(*address, static_cast<uint32_t>(std::min<uint64_t>(*length, UINT32_MAX)));
        run->length += part;
        *address += part;
        *length -= part;
    }
    return NS_OK;
}

ns_status tlm_hart::maintain(const ns_maintenance &what) {
    ns_maintenance run = what;
    if (what.extent == NS_WHOLE_CACHE) {
        run.address = UINT64_MAX;
        run.length = 0;
    }
    if (run.length == 0)
        return machine_.maintain_piece(*this, index_, run, attributes_, payload_);
    uint64_t address = what.address, length = what.length;
    while (length > 0) {
        const ns_status fault = gather(&address, &length, &run);
        // What lies before a page that faults is done, as a loop of instructions would have done it.
        const ns_status status =
            run.length > 0 ? machine_.maintain_piece(*this, index_, run, attributes_, payload_) : NS_OK;
        if (fault != NS_OK || status != NS_OK)
            return fault != NS_OK ? fault : status;
    }
    return NS_OK;
}

ns_status tlm_hart::register_access(tlm::tlm_command command, uint64_t address, uint32_t *value) {
    ns_translation translation{};
    ns_memory_type type = NS_TYPE_IO;
    const ns_status status = translate(address, command == tlm::TLM_WRITE_COMMAND, &translation, &type);
    if (status != NS_OK)
        return status;
    uint8_t bytes[4];
    std::memcpy(bytes, value, sizeof bytes);
    attributes_.type = NS_TYPE_IO;
    attributes_.request = cache_request::access;
    attributes_.versions = nullptr;
    attributes_.event = 0;
    const ns_status result = transport(command, translation.physical, bytes, sizeof bytes);
    std::memcpy(value, bytes, sizeof bytes);
    return result == NS_OK ? NS_OK : bus_error(translation.physical, 4, result);
}

} // namespace ns
