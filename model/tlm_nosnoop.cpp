// SPDX-License-Identifier: Apache-2.0
//
// The C interface of nosnoop.h on top of the SystemC machine.
#include "model/nosnoop.h"

#include "model/tlm_machine.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

using ns::cache_request;

static void refuse(char *reason, size_t size, const char *text) {
    if (reason != nullptr && size > 0)
        std::snprintf(reason, size, "%s", text);
}

// SystemC tells AddressSanitizer of every switch to a process, but not where the stack is to which it returns at the
// end: the search for leaks would then read the stack of a process that is gone.
static void restore_stack_bounds() {
#if defined(__SANITIZE_ADDRESS__)
    pthread_attr_t attributes;
    void *bottom = nullptr, *fake_stack = nullptr;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &bottom, &size) == 0) {
        __sanitizer_start_switch_fiber(&fake_stack, bottom, size);
        __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
    }
    pthread_attr_destroy(&attributes);
#endif
}

static bool engine_is_good(const ns_machine_device &device) {
    const ns_axi_dma_config &engine = *device.axi_dma;
    const bool widths = engine.length_bits >= NS_AXI_DMA_MIN_LENGTH_BITS &&
                        engine.length_bits <= NS_AXI_DMA_MAX_LENGTH_BITS && engine.stream_bytes >= 1 &&
                        engine.stream_bytes <= NS_AXI_DMA_MAX_STREAM_BYTES &&
                        (engine.stream_bytes & (engine.stream_bytes - 1)) == 0;
    bool lines = true;
    for (const uint8_t irq : device.introut)
        lines = lines && (irq < NS_MAX_IRQS || irq == NS_NO_IRQ);
    return widths && lines && engine.prefetch >= 1 && engine.prefetch <= NS_AXI_DMA_MAX_PREFETCH &&
           device.registers % NS_PAGE_SIZE == 0 && device.registers < UINT64_C(1) << 37;
}

extern "C" {

struct ns_machine *ns_machine_create(const struct ns_machine_config *config, const struct ns_machine_device *devices,
                                     size_t device_count, struct ns_log *log, char *reason, size_t reason_size) {
    static bool exists = false; // the SystemC kernel is one per process
    if (ns_machine_config_check(config, reason, reason_size) != NS_OK)
        return nullptr;
    if (device_count > NS_MAX_DEVICES) {
        refuse(reason, reason_size, "a machine has at most 8 devices");
        return nullptr;
    }
    for (size_t i = 0; i < device_count; i++) {
        const ns_machine_device &device = devices[i];
        const bool bits = device.dma_bits >= 16 && device.dma_bits <= 64;
        const bool burst = device.burst == 0 ||
                           (device.burst >= 4 && device.burst <= 4096 && (device.burst & (device.burst - 1)) == 0);
        if (device.name == nullptr || !bits || !burst || device.outstanding > 16 || device.posted_entries > 64) {
            refuse(reason, reason_size,
                   "a device is outside of its ranges: a name, 16 to 64 address bits, bursts of 4 to 4096 bytes");
            return nullptr;
        }
        if (device.axi_dma != nullptr && !engine_is_good(device)) {
            refuse(reason, reason_size, "an engine is outside of its ranges: model/axi_dma.h, and 4 KiB of registers");
            return nullptr;
        }
    }
    if (exists) {
        refuse(reason, reason_size, "this process has a machine already");
        return nullptr;
    }
    exists = true;
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_DO_NOTHING);
    sc_core::sc_report_handler::set_actions(sc_core::SC_ERROR, sc_core::SC_THROW);
    ns_machine *face = nullptr;
    try {
        face = new ns_machine;
        face->body = std::make_unique<ns::machine>("machine", *config, devices, device_count, log, face);
        return face;
    } catch (const std::bad_alloc &) {
        refuse(reason, reason_size, "out of memory");
        delete face;
        return nullptr;
    } catch (const std::exception &problem) {
        refuse(reason, reason_size, problem.what());
        delete face;
        return nullptr;
    }
}

void ns_machine_destroy(struct ns_machine *machine) {
    delete machine;
}

void ns_machine_set_program(struct ns_machine *machine, unsigned actor, ns_program program, void *context) {
    machine->body->set_program(actor, program, context);
}

enum ns_status ns_machine_run(struct ns_machine *machine) {
    if (machine->ran)
        return NS_ERROR_MISUSE;
    machine->ran = true;
    try {
        sc_core::sc_start();
        restore_stack_bounds();
    } catch (const std::bad_alloc &) {
        return NS_ERROR_MEMORY;
    }
    machine->body->log()->end_ps = machine->body->now_ps();
    machine->body->log_stats();
    return machine->body->finished() ? NS_OK : NS_ERROR_TIMEOUT;
}

void ns_machine_stop(struct ns_machine *) {
    sc_core::sc_stop();
}

unsigned ns_machine_hardware_actor(const struct ns_machine *machine) {
    return machine->body->hardware_actor();
}
unsigned ns_machine_device_actor(const struct ns_machine *machine, unsigned device) {
    return machine->body->device_actor(device);
}
struct ns_tracker *ns_machine_tracker(struct ns_machine *machine) {
    return machine->body->tracker();
}
const struct ns_log *ns_machine_log(const struct ns_machine *machine) {
    return machine->body->log();
}
const struct ns_machine_config *ns_machine_get_config(const struct ns_machine *machine) {
    return &machine->body->config();
}
uint64_t ns_machine_now_ps(const struct ns_machine *machine) {
    return machine->body->now_ps();
}

enum ns_status ns_machine_fill(struct ns_machine *machine, uint32_t site, uint64_t physical, uint64_t length,
                               uint8_t value) {
    ns::machine &body = *machine->body;
    ns_event event{};
    event.kind = NS_EVENT_INITIAL;
    event.address = physical;
    event.length = static_cast<uint32_t>(length);
    event.peer = 0xff;
    event.site = site;
    event.actor = static_cast<uint8_t>(body.hardware_actor());
    event.data_length = static_cast<uint8_t>(std::min<uint64_t>(length, 8));
    std::memset(event.data, value, event.data_length);
    const uint32_t number = ns_log_append(body.log(), &event);
    uint8_t data[NS_PAGE_SIZE];
    ns_version versions[NS_PAGE_SIZE];
    std::memset(data, value, sizeof data);
    std::fill_n(versions, NS_PAGE_SIZE, number);
    for (uint64_t done = 0; done < length; done += sizeof data) {
        const uint64_t part = std::min<uint64_t>(sizeof data, length - done);
        ns_tracker_initial(body.tracker(), number, physical + done, part, data);
        const ns_status status = ns_memory_write(body.memory_core(), number, physical + done, part, data, versions);
        if (status != NS_OK)
            return status;
    }
    return NS_OK;
}

uint64_t ns_machine_alias(struct ns_machine *machine, uint64_t physical, uint64_t length, enum ns_memory_type type) {
    return machine->body->alias(physical, length, type);
}
enum ns_status ns_machine_set_type(struct ns_machine *machine, uint64_t address, uint64_t length,
                                   enum ns_memory_type type) {
    return machine->body->set_type_directly(address, length, type);
}
uint64_t ns_machine_virtual(const struct ns_machine *machine, uint64_t physical) {
    return machine->body->linear(physical);
}
uint64_t ns_machine_physical(struct ns_machine *machine, uint64_t address) {
    ns_translation translation{};
    ns_memory_type type;
    return machine->body->walk(address, &translation, &type) ? translation.physical : UINT64_MAX;
}

void ns_actor_begin(struct ns_machine *machine, unsigned actor, uint32_t site, uint32_t object) {
    machine->body->actor(actor).site = site;
    machine->body->actor(actor).object = object;
}
uint32_t ns_actor_site(const struct ns_machine *machine, unsigned actor) {
    return machine->body->actor(actor).site;
}
void ns_actor_inside(struct ns_machine *machine, unsigned actor, uint32_t event) {
    machine->body->actor(actor).inside = event;
}
void ns_actor_count(struct ns_machine *machine, unsigned actor) {
    machine->body->actor(actor).operations = 0;
}
void ns_machine_set_hook(struct ns_machine *machine, ns_operation_hook hook, void *context) {
    machine->body->set_hook(hook, context);
}
uint32_t ns_actor_log(struct ns_machine *machine, unsigned actor, struct ns_event *event) {
    return machine->body->log_event(actor, *event);
}
void ns_actor_pause(struct ns_machine *, unsigned, uint64_t picoseconds) {
    sc_core::wait(sc_core::sc_time(static_cast<double>(picoseconds), sc_core::SC_PS));
}
void ns_machine_wait_turn(struct ns_machine *machine, uint64_t turn) {
    machine->body->wait_turn(turn);
}
void ns_machine_next_turn(struct ns_machine *machine) {
    machine->body->next_turn();
}

/* ---- harts ----------------------------------------------------------------------------------- */

enum ns_status ns_hart_load(struct ns_machine *machine, unsigned hart, uint64_t address, uint32_t length, uint8_t *data,
                            ns_version *versions, unsigned flags) {
    const ns::operation_scope scope(*machine->body, hart);
    return machine->body->hart(hart).load(address, length, data, versions, flags);
}
enum ns_status ns_hart_store(struct ns_machine *machine, unsigned hart, uint64_t address, uint32_t length,
                             const uint8_t *data) {
    const ns::operation_scope scope(*machine->body, hart);
    return machine->body->hart(hart).store(address, length, data);
}
void ns_hart_fence(struct ns_machine *machine, unsigned hart) {
    const ns::operation_scope scope(*machine->body, hart);
    machine->body->hart(hart).fence(true);
}
void ns_hart_fence_local(struct ns_machine *machine, unsigned hart) {
    const ns::operation_scope scope(*machine->body, hart);
    machine->body->hart(hart).fence(false);
}
enum ns_status ns_hart_maintain(struct ns_machine *machine, unsigned hart, const struct ns_maintenance *what) {
    const ns::operation_scope scope(*machine->body, hart);
    return machine->body->hart(hart).maintain(*what);
}
enum ns_status ns_hart_maintain_around(struct ns_machine *machine, unsigned hart, const struct ns_maintenance *what,
                                       uint64_t named, uint64_t named_length) {
    const ns::operation_scope scope(*machine->body, hart);
    ns::actor_state &actor = machine->body->actor(hart);
    actor.named = ns_machine_physical(machine, named);
    actor.named_length = named_length;
    const enum ns_status status = machine->body->hart(hart).maintain(*what);
    actor.named_length = 0;
    return status;
}
void ns_hart_sfence(struct ns_machine *machine, unsigned hart, bool all, uint64_t address) {
    const ns::operation_scope scope(*machine->body, hart);
    machine->body->hart(hart).sfence(all, address);
}
void ns_hart_shoot_down(struct ns_machine *machine, unsigned hart, bool all, uint64_t address, uint64_t length) {
    const ns::operation_scope scope(*machine->body, hart);
    machine->body->shoot_down(hart, all, address, length);
}
enum ns_status ns_hart_set_type(struct ns_machine *machine, unsigned hart, uint64_t address, uint64_t length,
                                enum ns_memory_type type) {
    const ns::operation_scope scope(*machine->body, hart);
    return machine->body->set_type_by(hart, address, length, type);
}
uint64_t ns_machine_reserve_pages(struct ns_machine *machine, uint64_t length) {
    return machine->body->reserve_pages(length);
}
enum ns_status ns_hart_set_pte(struct ns_machine *machine, unsigned hart, uint64_t address, uint64_t pte) {
    const ns::operation_scope scope(*machine->body, hart);
    return machine->body->set_pte_by(hart, address, pte);
}
uint64_t ns_machine_get_pte(struct ns_machine *machine, uint64_t address) {
    ns_translation translation{};
    ns_memory_type type;
    if (machine->body->walk(address, &translation, &type))
        return translation.pte;
    const bool leaf = translation.fault == NS_FAULT_RESERVED_BITS || translation.fault == NS_FAULT_ACCESSED_DIRTY ||
                      translation.fault == NS_FAULT_NO_PERMISSION;
    return leaf ? translation.pte : 0;
}

enum ns_status ns_hart_register_write(struct ns_machine *machine, unsigned hart, unsigned device, uint32_t offset,
                                      uint32_t value) {
    const ns::operation_scope scope(*machine->body, hart);
    ns::machine &body = *machine->body;
    ns::tlm_axi_dma *engine = body.engine(device);
    const bool starts = engine == nullptr || ns_axi_dma_is_doorbell(&engine->core(), offset);
    ns_event event{};
    event.kind = starts ? NS_EVENT_DOORBELL : NS_EVENT_MMIO_WRITE;
    event.address = body.registers_of(device) + offset;
    event.length = 4;
    event.peer = static_cast<uint8_t>(body.device_actor(device));
    if (engine != nullptr) {
        event.data_length = 4;
        for (unsigned i = 0; i < 4; i++)
            event.data[i] = static_cast<uint8_t>(value >> (8 * i));
    }
    body.log_event(hart, event);
    if (starts)
        ns_tracker_doorbell(body.tracker(), hart, body.device_actor(device));
    if (engine != nullptr)
        engine->written_by(body.actor(hart).site, event.address);
    return body.hart(hart).register_access(tlm::TLM_WRITE_COMMAND, event.address, &value);
}

enum ns_status ns_hart_register_load(struct ns_machine *machine, unsigned hart, unsigned device, uint32_t offset,
                                     uint32_t *value) {
    const ns::operation_scope scope(*machine->body, hart);
    ns::machine &body = *machine->body;
    ns_event event{};
    event.kind = NS_EVENT_MMIO_READ;
    event.address = body.registers_of(device) + offset;
    event.length = 4;
    event.peer = static_cast<uint8_t>(body.device_actor(device));
    ns_tracker_register_read(body.tracker(), body.log_event(hart, event), body.device_actor(device));
    *value = 0;
    const ns_status status = body.hart(hart).register_access(tlm::TLM_READ_COMMAND, event.address, value);
    const ns::tlm_axi_dma *engine = body.engine(device);
    if (status == NS_OK && engine != nullptr && engine->tells_progress(event.address, *value))
        ns_tracker_wait(body.tracker(), hart,
                        engine->status_line(offset >= NS_AXI_DMA_S2MM_BASE ? NS_AXI_DMA_S2MM : NS_AXI_DMA_MM2S));
    return status;
}

enum ns_status ns_hart_doorbell(struct ns_machine *machine, unsigned hart, unsigned device) {
    return ns_hart_register_write(machine, hart, device, 0, 1);
}

enum ns_status ns_hart_register_read(struct ns_machine *machine, unsigned hart, unsigned device, uint32_t *value) {
    return ns_hart_register_load(machine, hart, device, 0, value);
}

void ns_hart_wait(struct ns_machine *machine, unsigned hart, unsigned irq) {
    ns::machine &body = *machine->body;
    body.wait_irq(irq);
    ns_event event{};
    event.kind = NS_EVENT_WAIT;
    event.irq = static_cast<uint8_t>(irq);
    event.peer = 0xff;
    const ns_log *log = body.log();
    for (uint32_t i = static_cast<uint32_t>(log->event_count); i-- > 1 && event.link == NS_NO_EVENT;)
        if (log->event[i].kind == NS_EVENT_RAISE && log->event[i].irq == irq)
            event.link = i;
    body.log_event(hart, event);
    ns_tracker_wait(body.tracker(), hart, irq);
}

bool ns_machine_irq_pending(const struct ns_machine *machine, unsigned irq) {
    return machine->body->irq_pending(irq);
}

/* ---- devices --------------------------------------------------------------------------------- */

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

static enum ns_status transfer_piece(ns::machine &body, unsigned device, tlm::tlm_command command, uint64_t bus,
                                     uint64_t intended, uint32_t length, uint8_t *data, ns_version *versions,
                                     unsigned flags) {
    ns::tlm_dma &dma = body.device(device);
    const unsigned actor = body.device_actor(device);
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
    if (write) {
        event.data_length = static_cast<uint8_t>(std::min(length, 8u));
        std::memcpy(event.data, data, event.data_length);
    }
    const uint32_t number = body.log_event(actor, event);
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
            body.report_bus_error(actor, bus, bus, length);
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

static enum ns_status device_transfer(ns::machine &body, unsigned device, tlm::tlm_command command, uint64_t bus,
                                      uint64_t intended, uint32_t length, uint8_t *data, ns_version *versions,
                                      unsigned flags) {
    enum ns_status status = NS_OK;
    while (length > 0 && status == NS_OK) {
        const uint32_t piece = contiguous(body, device, body.device(device), bus, length);
        status = transfer_piece(body, device, command, bus, intended, piece, data, versions, flags);
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
    const ns::operation_scope scope(*machine->body, machine->body->device_actor(device));
    return device_transfer(*machine->body, device, tlm::TLM_READ_COMMAND, bus, intended, length, data, versions, flags);
}

enum ns_status ns_device_write(struct ns_machine *machine, unsigned device, uint64_t bus, uint64_t intended,
                               uint32_t length, const uint8_t *data) {
    const ns::operation_scope scope(*machine->body, machine->body->device_actor(device));
    /* One data pointer serves both directions in TLM; a target does not change write data. */
    return device_transfer(*machine->body, device, tlm::TLM_WRITE_COMMAND, bus, intended, length,
                           const_cast<uint8_t *>(data), nullptr, 0);
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

/* ---- the hardware by itself ------------------------------------------------------------------ */

static enum ns_status hardware(struct ns_machine *machine, unsigned hart, cache_request request, uint64_t physical) {
    return machine->body->hart(hart).hardware(request, machine->body->hardware_actor(), physical);
}

static void log_hardware(struct ns_machine *machine, enum ns_event_kind kind, unsigned hart, uint64_t physical) {
    const uint32_t line = machine->body->config().cache.level[0].line;
    ns_event event{};
    event.kind = static_cast<uint8_t>(kind);
    event.address = physical / line * line;
    event.length = line;
    event.peer = static_cast<uint8_t>(hart);
    machine->body->log_event(machine->body->hardware_actor(), event);
}

bool ns_hw_may_fill(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    return machine->body->may_fill(hart, physical);
}

enum ns_status ns_hw_prefetch(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    return hardware(machine, hart, cache_request::prefetch, physical);
}
enum ns_status ns_hw_sample(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    log_hardware(machine, NS_EVENT_SAMPLE, hart, physical);
    return hardware(machine, hart, cache_request::sample, physical);
}
enum ns_status ns_hw_install(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    return hardware(machine, hart, cache_request::install, physical);
}
enum ns_status ns_hw_evict(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    return hardware(machine, hart, cache_request::evict, physical);
}
enum ns_status ns_hw_evict_l1(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    return hardware(machine, hart, cache_request::evict_l1, physical);
}
void ns_hw_walk(struct ns_machine *machine, unsigned hart, uint64_t virtual_address) {
    machine->body->hart(hart).walk(virtual_address);
}
void ns_hw_forget(struct ns_machine *machine, unsigned hart, uint64_t virtual_address) {
    machine->body->hart(hart).forget(virtual_address);
}
void ns_hw_hold(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    machine->body->hart(hart).hold(physical);
}
void ns_hw_invalidate_as_flush(struct ns_machine *machine, bool as_flush) {
    const bool always = machine->body->config().cache.invalidate_as_flush;
    ns_cache_set_invalidate_as_flush(machine->body->cache_core(), as_flush || always);
}
enum ns_status ns_hw_speculative_store(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    log_hardware(machine, NS_EVENT_SPECULATIVE_STORE, hart, physical);
    return hardware(machine, hart, cache_request::speculative_store, physical);
}
void ns_hw_drain_hart(struct ns_machine *machine, unsigned hart, uint64_t physical, uint64_t length) {
    machine->body->hart(hart).drain(physical, length);
}
void ns_hw_drain_hart_one(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    ns::tlm_hart &on = machine->body->hart(hart);
    if (!on.drain_entry(physical))
        on.hardware(cache_request::drain_range, machine->body->hardware_actor(), physical, nullptr, 1);
}
void ns_hw_drain_device_one(struct ns_machine *machine, unsigned device, uint64_t physical) {
    machine->body->interconnect().drain_one(machine->body->master_of(device), physical);
}
void ns_hw_drain_device(struct ns_machine *machine, unsigned device, uint64_t physical, uint64_t length) {
    machine->body->interconnect().drain(machine->body->master_of(device), length == UINT64_MAX ? 0 : physical, length);
}

/* ---- looking --------------------------------------------------------------------------------- */

enum ns_status ns_machine_cpu_view(const struct ns_machine *machine, unsigned hart, uint64_t physical, uint32_t length,
                                   uint8_t *data) {
    if (hart >= machine->body->hart_count())
        return NS_ERROR_ARGUMENT;
    tlm::tlm_generic_payload payload;
    ns::set_payload(payload, tlm::TLM_READ_COMMAND, physical, data, length);
    return machine->body->hart(hart).socket->transport_dbg(payload) == length ? NS_OK : NS_ERROR_ADDRESS;
}
enum ns_status ns_machine_memory_view(const struct ns_machine *machine, uint64_t physical, uint32_t length,
                                      uint8_t *data) {
    tlm::tlm_generic_payload payload;
    ns::set_payload(payload, tlm::TLM_READ_COMMAND, physical, data, length);
    return machine->body->interconnect().memory->transport_dbg(payload) == length ? NS_OK : NS_ERROR_ADDRESS;
}
const struct ns_cache *ns_machine_cache(const struct ns_machine *machine) {
    return machine->body->cache_core();
}
size_t ns_machine_buffered(const struct ns_machine *machine, unsigned actor) {
    ns::machine &body = *machine->body;
    if (actor < body.hart_count())
        return body.hart(actor).buffer().count + ns_cache_late_count(body.cache_core(), actor);
    if (actor < body.hardware_actor())
        return body.interconnect().posted_count(body.master_of(actor - body.hart_count()));
    return 0;
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

ns_status engine_access(machine &body, unsigned device, tlm::tlm_command command, uint64_t bus, uint32_t length,
                        uint8_t *data) {
    const uint64_t meant = before_the_cut(body, device, bus);
    return device_transfer(body, device, command, meant,
                           meant != body.device(device).driven(meant) ? meant : UINT64_MAX, length, data, nullptr, 0);
}

void engine_raise(machine &body, unsigned device, unsigned irq, uint32_t site) {
    const unsigned actor = body.device_actor(device);
    if ((body.config().may & NS_MAY_IRQ_BEFORE_DATA) == 0) // as ns_device_raise
        body.interconnect().drain_all(body.master_of(device));
    body.actor(actor).site = site;
    ns_event event{};
    event.kind = NS_EVENT_RAISE;
    event.irq = static_cast<uint8_t>(irq);
    event.peer = 0xff;
    body.log_event(actor, event);
    ns_tracker_raise(body.tracker(), actor, irq);
}

} // namespace ns
