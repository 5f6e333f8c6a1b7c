// SPDX-License-Identifier: Apache-2.0
//
// The machine: what it tells the log, the tracker and the waveform.
#include "model/tlm_machine.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

operation_scope::operation_scope(machine &owner, unsigned actor) : actor_(owner.quiet ? nullptr : &owner.actor(actor)) {
    if (actor_ == nullptr || actor_->nesting++ > 0)
        return;
    owner.begin_operation(actor);
    actor_->operations++;
}

operation_scope::~operation_scope() {
    if (actor_ != nullptr)
        actor_->nesting--;
}

void machine::begin_operation(unsigned actor) {
    call_hook(actor, actors_[actor].operations);
    while (stop_hook_ != nullptr && stop_hook_(face_, actor, actors_[actor].operations, stop_hook_context_))
        call_hook(actor, actors_[actor].operations);
}

void machine::come_to(unsigned index, uint64_t physical, uint64_t length, bool comes) {
    actor_state &actor = actors_[index];
    // What its program makes others do, or the hardware does by itself, is not the program's.
    if (actor.stop_when_it_comes != comes || physical > actor.stop_at || actor.stop_at - physical >= length ||
        stop_hook_ == nullptr || actor.process != sc_core::sc_get_current_process_handle().get_process_object())
        return;
    actor.stop_at = UINT64_MAX;
    if (stop_hook_(face_, index, NS_AT_ADDRESS, stop_hook_context_))
        call_hook(index, actor.operations - 1);
}

uint64_t machine::stop_inside(unsigned index, uint64_t physical, uint64_t length) const {
    const uint64_t stop = actors_[index].stop_at;
    if (config_.cache.levels == 0 || stop == UINT64_MAX || stop < physical || stop - physical >= length)
        return 0;
    const uint64_t line = stop / config_.cache.level[0].line * config_.cache.level[0].line;
    return line > physical ? line : 0;
}

uint32_t machine::log_event(unsigned actor_index, ns_event event, uint32_t site) {
    if (actor_index < actors_.size()) {
        const actor_state &actor = actors_[actor_index];
        event.part = static_cast<uint16_t>(actor.operations - (actor.nesting > 0 && actor.operations > 0 ? 1 : 0));
    }
    event.time_ps = now_ps();
    if (touch.site != nullptr)
        event.time_ps += harts_[touch.hart]->ahead().value() / unit_per_ps_;
    event.site = site;
    event.actor = static_cast<uint8_t>(actor_index);
    return ns_log_append(log_, &event);
}

void machine::watch_only(uint64_t physical, uint64_t length) {
    watches_all_ = false;
    for (uint64_t page = physical / NS_PAGE_SIZE; length > 0 && page <= (physical + length - 1) / NS_PAGE_SIZE; page++)
        watched_pages_.insert(page);
}

uint32_t machine::site_of_touch() {
    if (touch.asked != touch.index) {
        touch.asked = touch.index;
        touch.answer = touch.site(touch.context, touch.index);
    }
    return touch.answer;
}

void machine::report_bus_error(unsigned actor_index, uint32_t site, uint64_t bus, uint64_t address, uint32_t length) {
    ns_event event{};
    event.kind = NS_EVENT_BUS_ERROR;
    event.address = address;
    event.bus_address = bus;
    event.length = length;
    event.peer = 0xff;
    const uint32_t number = log_event(actor_index, event, site);
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
    const time_scope maintaining(&actors_[index].meter, time_maintenance);
    maintenance_lock_.lock(); // the tracker knows one operation at a time
    const uint32_t number = log_event(index, event);
    if (piece.extent != NS_WHOLE_CACHE && piece.length == 0) {
        maintenance_lock_.unlock();
        return NS_OK; // it names nothing
    }
    attribute.initiator_id = index;
    attribute.meter = &actors_[index].meter;
    attribute.event = number;
    ns_tracker_maintaining(tracker_.get(), index, number);
    // Others may have to come before the rest of its lines.
    ns_maintenance part = piece, rest = piece;
    const uint64_t stop = piece.extent == NS_WHOLE_CACHE ? 0 : stop_inside(index, piece.address, piece.length);
    sc_time delay = SC_ZERO_TIME;
    if (stop != 0) {
        part.length = stop - piece.address;
        rest.address = stop;
        rest.length = piece.length - part.length;
        visit_lines(on, index, piece, part, attribute, payload, delay);
        maintenance_lock_.unlock();
        come_to(index, rest.address, rest.length);
        maintenance_lock_.lock();
    }
    visit_lines(on, index, piece, rest, attribute, payload, delay);
    ns_tracker_maintaining(tracker_.get(), index, NS_NO_EVENT);
    maintenance_lock_.unlock();
    attribute.request = cache_request::access;
    if (delay != SC_ZERO_TIME)
        sc_core::wait(delay);
    return payload_status(payload);
}

// The lines of a part of what the maintenance names.
void machine::visit_lines(tlm_hart &on, unsigned index, const ns_maintenance &whole, const ns_maintenance &part,
                          attributes &attribute, tlm::tlm_generic_payload &payload, sc_time &delay) {
    const actor_state &who = actors_[index];
    ns_tracker_maintenance_begin(tracker_.get(), attribute.event, who.named_length > 0 ? who.named : whole.address,
                                 who.named_length > 0 ? who.named_length : whole.length,
                                 whole.extent == NS_WHOLE_CACHE);
    attribute.request = cache_request::maintain;
    attribute.maintenance = part;
    set_request(payload, part.address, attribute);
    on.socket->b_transport(payload, delay);
    ns_tracker_maintenance_end(tracker_.get());
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
        for (unsigned port = 0; port < devices_[i].master.size(); port++) {
            ns_log_master &one = stats.port[device_actor(i)][port], &all = stats.master[device_actor(i)];
            copy(one, devices_[i].master[port]);
            all = {all.bursts + one.bursts, all.bytes + one.bytes, all.busy_ps + one.busy_ps};
        }
    if (memory_->dram() != nullptr) {
        std::snprintf(stats.dram_name, sizeof stats.dram_name, "%s", config_.dram.grade->name);
        ns_dram_get_stats(memory_->dram(), now_ps(), &stats.dram);
    }
    stats.hart_clock_ps = config_.hart_clock_ps;
    if (const hop_counts *counts = cache_->counts())
        stats.misses = {true, counts->asked, counts->merged, counts->full, counts->dropped, counts->most};
    stats.second_tlb = config_.second_tlb_entries > 0;
    for (unsigned i = 0; i < hart_count(); i++)
        stats.tlb[i] = {harts_[i]->tlb().second_hits, harts_[i]->tlb().misses};
    for (unsigned i = 0; i < actors_.size(); i++) {
        time_meter &meter = actors_[i].meter;
        if (meter.running())
            meter.stop(); // its program waits for something that did not come
        stats.time_ps[i] = meter.total().value() / unit_per_ps_;
        for (unsigned part = 0; part < time_parts; part++)
            stats.part_ps[i][part] = meter.spent(part).value() / unit_per_ps_;
    }
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
    machine *owner = static_cast<machine *>(self);
    return owner->is_watched(line->address) ? owner->log_line_event(NS_EVENT_FILL, *line, false) : NS_NO_EVENT;
}

void machine::on_write_back(void *self, const ns_cache_line_event *line) {
    machine *owner = static_cast<machine *>(self);
    owner->cache_->write_back_event =
        owner->is_watched(line->address) ? owner->log_line_event(NS_EVENT_WRITE_BACK, *line, true) : NS_NO_EVENT;
}

void machine::on_drop(void *self, const ns_cache_line_event *line, bool dirty) {
    machine *owner = static_cast<machine *>(self);
    if (!owner->is_watched(line->address))
        return;
    const uint32_t number = owner->log_line_event(NS_EVENT_DROP, *line, dirty);
    ns_tracker_drop(owner->tracker_.get(), number, line, dirty);
}

void machine::before_memory_write(void *self, uint64_t tag, uint64_t address, uint32_t length, const uint8_t *old_data,
                                  const ns_version *old_versions, const uint8_t *data, const ns_version *versions) {
    machine *owner = static_cast<machine *>(self);
    if (owner->tracker_ != nullptr && owner->is_watched(address))
        ns_tracker_memory_write(owner->tracker_.get(), static_cast<uint32_t>(tag), address, length, old_data,
                                old_versions, data, versions);
    if (owner->log_->waveform != nullptr)
        ns_waveform_memory(owner->log_->waveform, owner->now_ps(), owner->cache_core(), owner->memory_core(), address,
                           length, versions);
}

void machine::on_leaving(void *self, unsigned initiator, uint64_t address, uint32_t length) {
    machine &owner = *static_cast<machine *>(self);
    if (initiator < owner.actors_.size())
        owner.come_to(initiator, address, length);
}

void machine::on_drained(void *self, unsigned initiator, uint32_t written, uint64_t address, uint32_t length) {
    ns_event event{};
    event.kind = NS_EVENT_DRAIN;
    event.address = address;
    event.length = length;
    event.link = written;
    event.peer = 0xff;
    machine *owner = static_cast<machine *>(self);
    const unsigned device = initiator - owner->hart_count();
    // An engine's program is elsewhere by now: the step is the one that led to the write.
    const bool engine =
        initiator >= owner->hart_count() && device < owner->device_count() && owner->engine(device) != nullptr;
    owner->log_event(initiator, event, engine ? owner->log_->event[written].site : owner->site_of(initiator));
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

void machine::on_occupied(void *self, int master, unsigned initiator, const tlm::tlm_generic_payload &payload,
                          bool begins) {
    const machine *owner = static_cast<machine *>(self);
    const ns_wave_bus what = !begins ? NS_WAVE_BUS_IDLE : payload.is_read() ? NS_WAVE_BUS_READ : NS_WAVE_BUS_WRITE;
    const unsigned port = owner->port_of_master_[static_cast<size_t>(master)];
    ns_waveform_bus(owner->log_->waveform, owner->now_ps(), initiator, port, payload.get_address(), what);
}

void machine::show_irq(unsigned irq) {
    if (log_->waveform != nullptr)
        ns_waveform_irq(log_->waveform, now_ps(), irq, irq_pending(irq));
}

std::string address_text(uint64_t address) {
    char text[NS_ADDRESS_TEXT];
    return ns_format_address(address, text);
}

} // namespace ns
