// SPDX-License-Identifier: Apache-2.0
//
// The C interface of nosnoop.h on top of the SystemC machine: what devices and engines do.
#include "model/nosnoop.h"

#include "model/tlm_machine.h"

#include <algorithm>
#include <cstring>

extern "C" {

/* Where an address that was programmed really leads, and what is wrong with it. */
struct destination {
    uint64_t driven;   /* on the bus */
    uint64_t physical; /* UINT64_MAX: nowhere */
    enum ns_hazard_id problem;
};

/* A bare address that leads elsewhere, while a buffer lies where it would lead with the window's offset left out or
 * applied once less: the offset was applied twice, or not at all. Returns that buffer's byte, or UINT64_MAX.
 * "Elsewhere" is where no object is; or where the device has nothing mapped, if it has the buffer mapped. */
static uint64_t meant_by(ns::machine &body, unsigned device, const destination &to) {
    const unsigned actor = body.device_actor(device);
    ns_tracker *tracker = body.tracker();
    const bool in_object = to.physical != UINT64_MAX && ns_tracker_is_object(tracker, to.physical);
    if (to.physical != UINT64_MAX && ns_tracker_is_mapped(tracker, actor, to.physical))
        return UINT64_MAX;
    for (const ns::bus_window &window : body.windows_of(device)) {
        const uint64_t offset = window.physical - window.bus;
        const uint64_t candidates[] = {to.driven, body.device(device).driven(to.driven + 2 * offset)};
        for (const uint64_t candidate : candidates)
            if (offset != 0 && candidate != to.physical &&
                (in_object ? ns_tracker_is_mapped(tracker, actor, candidate)
                           : ns_tracker_is_object(tracker, candidate)))
                return candidate;
    }
    return UINT64_MAX;
}

static destination resolve(ns::machine &body, const ns::tlm_dma &dma, unsigned device, uint64_t bus, uint64_t intended,
                           uint32_t length) {
    destination to = {dma.driven(bus), UINT64_MAX, NS_HAZARD_NONE};
    const auto &windows = body.windows_of(device);
    const ns::bus_master &master = body.interconnect().master(body.master_of(device));
    uint64_t physical;
    if (ns::tlm_interconnect::translate(master, to.driven, length, &physical))
        to.physical = physical;
    if (to.driven != bus)
        to.problem = NS_AD_MASK_TRUNC;
    else if (intended != UINT64_MAX && to.physical != intended &&
             ns_tracker_bounce_original(body.tracker(), to.physical) != intended)
        for (const ns::bus_window &window : windows) /* wrong only if a right address exists */
            if (intended >= window.physical && intended - window.physical < window.length)
                to.problem = NS_AD_OFFSET;
    return to;
}

static void report_address(ns::machine &body, unsigned device, uint32_t event, const destination &to, uint64_t bus,
                           uint64_t intended, uint32_t length, bool write) {
    const unsigned actor = body.device_actor(device);
    const char *name = body.log()->actor[actor].name;
    const uint64_t first = intended != UINT64_MAX ? intended : bus;
    const std::string where =
        to.physical == UINT64_MAX ? "no window of its bus covers" : "is physical " + ns::address_text(to.physical);
    std::string detail = std::string(name) + " was given " + ns::address_text(bus);
    if (to.problem == NS_AD_MASK_TRUNC)
        detail += " but drives only " + ns::address_text(to.driven) + ", which " + where;
    else
        detail += ", which " + where + "; the buffer lies at physical " + ns::address_text(intended);
    const size_t hazard = ns_tracker_report(body.tracker(), to.problem, NS_SYMPTOM_ADDRESS, event, first,
                                            first + length - 1, NS_NO_EVENT, NS_NOTE_OTHER, detail.c_str());
    if (write && intended != UINT64_MAX)
        ns_tracker_misdirected(body.tracker(), hazard, intended, length);
}

/* How many of the bytes from `bus` on lie behind each other in one piece: up to where the address register wraps, or a
 * window or a RAM ends. */
static uint32_t contiguous(const ns::machine &body, unsigned device, const ns::tlm_dma &dma, uint64_t bus,
                           uint32_t length) {
    const auto shorten = [&length](uint64_t limit) {
        length = limit != 0 && limit < length ? static_cast<uint32_t>(limit) : length;
    };
    shorten(dma.until_wrap(bus));
    uint64_t physical = dma.driven(bus);
    for (const ns::bus_window &window : body.windows_of(device))
        if (dma.driven(bus) >= window.bus && dma.driven(bus) - window.bus < window.length) {
            shorten(window.length - (dma.driven(bus) - window.bus));
            physical = window.physical + (dma.driven(bus) - window.bus);
            break; /* the first one, as the interconnect takes it */
        }
    for (size_t i = 0; i < body.config().ram_count; i++) {
        const ns_ram &ram = body.config().ram[i];
        if (physical >= ram.start && physical - ram.start < ram.length)
            shorten(ram.length - (physical - ram.start));
    }
    return length;
}

/* Who makes a transfer: a master of a device, for a step of the program. */
struct requester {
    unsigned device, port;
    uint32_t site;
    unsigned channel = 0; // of an engine
};

static enum ns_status transfer_piece(ns::machine &body, const requester &by, tlm::tlm_command command, uint64_t bus,
                                     uint64_t intended, uint32_t length, uint8_t *data, ns_version *versions,
                                     unsigned flags) {
    const unsigned device = by.device, actor = body.device_actor(device);
    ns::tlm_dma &dma = body.device(device, by.port);
    destination to = resolve(body, dma, device, bus, intended, length);
    if (intended == UINT64_MAX && to.problem == NS_HAZARD_NONE && (intended = meant_by(body, device, to)) != UINT64_MAX)
        to.problem = NS_AD_OFFSET;
    const bool write = command == tlm::TLM_WRITE_COMMAND;
    const bool reaches = to.physical != UINT64_MAX && ns_memory_holds(body.memory_core(), to.physical, length);

    ns_event event{};
    event.kind = write ? NS_EVENT_DMA_WRITE : NS_EVENT_DMA_READ;
    event.address = to.physical;
    event.bus_address = bus;
    event.length = length;
    event.level = static_cast<uint8_t>(body.config().cache.levels);
    event.peer = 0xff;
    event.channel = static_cast<uint8_t>(by.channel);
    if (write) {
        event.data_length = static_cast<uint8_t>(std::min(length, 8u));
        std::memcpy(event.data, data, event.data_length);
    }
    const uint32_t number = body.log_event(actor, event, by.site);
    if (to.problem != NS_HAZARD_NONE)
        report_address(body, device, number, to, bus, intended, length, write);
    std::vector<ns_version> own;
    if (versions == nullptr) {
        own.resize(length);
        versions = own.data();
    }
    if (write && reaches) {
        ns_tracker_dma_write(body.tracker(), number, to.physical, length, data);
        std::fill_n(versions, length, number);
    }
    const enum ns_status status = dma.transfer(command, to.driven, length, data, versions, number);
    if (write)
        ns_tracker_arrived(body.tracker(), number);
    if (status != NS_OK) {
        if (to.problem == NS_HAZARD_NONE)
            body.report_bus_error(actor, by.site, bus, bus, length);
        return status;
    }
    if (!write) {
        if (number != NS_NO_EVENT) {
            ns_event &entry = body.log()->event[number];
            entry.data_length = static_cast<uint8_t>(std::min(length, 8u));
            std::memcpy(entry.data, data, entry.data_length);
        }
        ns_load_facts facts{};
        facts.polling = (flags & NS_ACCESS_POLL) != 0;
        /* A read at a wrong address gets what is there; that it is not the buffer was said already. */
        if (to.problem == NS_HAZARD_NONE)
            ns_tracker_dma_read(body.tracker(), number, to.physical, length, data, versions, &facts);
    }
    return NS_OK;
}

static enum ns_status device_transfer(ns::machine &body, const requester &by, tlm::tlm_command command, uint64_t bus,
                                      uint64_t intended, uint32_t length, uint8_t *data, ns_version *versions,
                                      unsigned flags) {
    enum ns_status status = NS_OK;
    while (length > 0 && status == NS_OK) {
        const uint32_t piece = contiguous(body, by.device, body.device(by.device), bus, length);
        status = transfer_piece(body, by, command, bus, intended, piece, data, versions, flags);
        bus += piece;
        intended += intended == UINT64_MAX ? 0 : piece;
        data += piece;
        length -= piece;
        if (versions != nullptr)
            versions += piece;
    }
    return status;
}

enum ns_status ns_device_read(struct ns_machine *machine, unsigned device, uint64_t bus, uint64_t intended,
                              uint32_t length, uint8_t *data, ns_version *versions, unsigned flags) {
    const unsigned actor = machine->body->device_actor(device);
    const ns::operation_scope scope(*machine->body, actor);
    return device_transfer(*machine->body, {device, 0, machine->body->site_of(actor), 0}, tlm::TLM_READ_COMMAND, bus,
                           intended, length, data, versions, flags);
}

enum ns_status ns_device_write(struct ns_machine *machine, unsigned device, uint64_t bus, uint64_t intended,
                               uint32_t length, const uint8_t *data) {
    const unsigned actor = machine->body->device_actor(device);
    const ns::operation_scope scope(*machine->body, actor);
    /* One data pointer serves both directions in TLM; a target does not change write data. */
    return device_transfer(*machine->body, {device, 0, machine->body->site_of(actor), 0}, tlm::TLM_WRITE_COMMAND, bus,
                           intended, length, const_cast<uint8_t *>(data), nullptr, 0);
}

/* ---- engines --------------------------------------------------------------------------------- */

bool ns_engine_takes(const struct ns_machine *machine, unsigned device, uint32_t length) {
    return machine->body->engine(device)->takes(length);
}
void ns_engine_feed(struct ns_machine *machine, unsigned device, const uint8_t *data, uint32_t length, bool ends) {
    ns::machine &body = *machine->body;
    body.engine(device)->feed(data, length, ends, body.actor(body.device_actor(device)).site);
}
uint32_t ns_engine_sent(const struct ns_machine *machine, unsigned device) {
    return static_cast<uint32_t>(machine->body->engine(device)->sent_length());
}
void ns_engine_wait_sent(struct ns_machine *machine, unsigned device) {
    machine->body->engine(device)->wait_for_sent();
}
void ns_engine_drain(struct ns_machine *machine, unsigned device, uint8_t *data) {
    ns::machine &body = *machine->body;
    body.engine(device)->drain(data, body.actor(body.device_actor(device)).site);
}
void ns_engine_settle(struct ns_machine *machine, unsigned device) {
    machine->body->engine(device)->settle();
}
bool ns_engine_is_quiet(const struct ns_machine *machine, unsigned device) {
    return machine->body->engine(device)->quiet();
}
bool ns_engine_timer_runs(const struct ns_machine *machine, unsigned device) {
    return machine->body->engine(device)->timer_runs();
}
const struct ns_axi_dma *ns_machine_engine(const struct ns_machine *machine, unsigned device) {
    const ns::tlm_axi_dma *engine = machine->body->engine(device);
    return engine == nullptr ? nullptr : &engine->core();
}

uint64_t ns_device_bus_address(const struct ns_machine *machine, unsigned device, uint64_t physical) {
    const auto &windows = machine->body->windows_of(device);
    if (windows.empty())
        return physical;
    for (const ns::bus_window &window : windows)
        if (physical >= window.physical && physical - window.physical < window.length)
            return window.bus + (physical - window.physical);
    return UINT64_MAX;
}

void ns_device_flush(struct ns_machine *machine, unsigned device) {
    const ns::operation_scope scope(*machine->body, machine->body->device_actor(device));
    machine->body->interconnect().drain_all(machine->body->master_of(device));
}

void ns_device_raise(struct ns_machine *machine, unsigned device, unsigned irq) {
    const ns::operation_scope scope(*machine->body, machine->body->device_actor(device));
    ns::machine &body = *machine->body;
    if ((body.config().may & NS_MAY_IRQ_BEFORE_DATA) == 0)
        ns_device_flush(machine,
                        device); /* the interrupt is a message on the same path and pushes the data before it */
    ns_event event{};
    event.kind = NS_EVENT_RAISE;
    event.irq = static_cast<uint8_t>(irq);
    event.peer = 0xff;
    body.log_event(body.device_actor(device), event);
    ns_tracker_raise(body.tracker(), body.device_actor(device), irq);
    body.raise(irq);
}

bool ns_device_rung(const struct ns_machine *machine, unsigned device) {
    return machine->body->device(device).rung();
}

void ns_device_start(struct ns_machine *machine, unsigned device) {
    ns::machine &body = *machine->body;
    body.device(device).wait_for_ring();
    ns_event event{};
    event.kind = NS_EVENT_START;
    event.peer = 0xff;
    body.log_event(body.device_actor(device), event);
    ns_tracker_start(body.tracker(), body.device_actor(device));
}

} // extern "C"

namespace ns {

// The byte that a driver meant which cut its address to the width of a register or a descriptor's field: at the same
// low bits further up lies what the device was given, and nothing of that kind where the cut address leads.
static uint64_t before_the_cut(machine &body, unsigned device, uint64_t bus) {
    const unsigned actor = body.device_actor(device);
    ns_tracker *tracker = body.tracker();
    const uint64_t low = body.device(device).driven(bus), step = body.device(device).until_wrap(0);
    if (low != bus || step == 0 || !body.windows_of(device).empty() || ns_tracker_is_mapped(tracker, actor, low))
        return bus;
    for (size_t i = 0; i < body.config().ram_count; i++) {
        const ns_ram &ram = body.config().ram[i];
        const uint64_t end = ram.start + ram.length;
        for (uint64_t at = ram.start / step * step + low; at < end; at += step)
            if (at > low && at >= ram.start &&
                (ns_tracker_is_mapped(tracker, actor, at) ||
                 (ns_tracker_is_object(tracker, at) && !ns_tracker_is_object(tracker, low))))
                return at;
    }
    return bus;
}

ns_status engine_access(machine &body, const engine_access_by &by, tlm::tlm_command command, uint64_t bus,
                        uint32_t length, uint8_t *data) {
    const uint64_t meant = before_the_cut(body, by.device, bus);
    return device_transfer(body, {by.device, by.port, by.site, by.channel}, command, meant,
                           meant != body.device(by.device).driven(meant) ? meant : UINT64_MAX, length, data, nullptr,
                           0);
}

void engine_raise(machine &body, const engine_access_by &by, unsigned irq, uint32_t done) {
    const unsigned actor = body.device_actor(by.device);
    if ((body.config().may & NS_MAY_IRQ_BEFORE_DATA) == 0) // as ns_device_raise
        body.interconnect().drain_all(body.master_of(by.device));
    ns_event event{};
    event.kind = NS_EVENT_RAISE;
    event.irq = static_cast<uint8_t>(irq);
    event.peer = 0xff;
    event.channel = static_cast<uint8_t>(by.channel);
    body.log_event(actor, event, by.site);
    ns_tracker_raise_of_channel(body.tracker(), actor, by.channel, done, irq);
}

} // namespace ns
