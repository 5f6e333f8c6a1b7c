// SPDX-License-Identifier: Apache-2.0
//
// The C interface of nosnoop.h on top of the SystemC machine: the machine, its actors, and the hardware by itself.
// Harts are in tlm_nosnoop_hart.cpp, devices in tlm_nosnoop_device.cpp.
#include "model/nosnoop.h"

#include "model/tlm_machine.h"

#include <algorithm>
#include <cstdio>
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

void ns_machine_watch_only(struct ns_machine *machine, uint64_t physical, uint64_t length) {
    machine->body->watch_only(physical, length);
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
bool ns_machine_set_quiet(struct ns_machine *machine, bool quiet) {
    const bool before = machine->body->quiet;
    machine->body->quiet = quiet;
    return before;
}
void ns_machine_set_stop_hook(struct ns_machine *machine, ns_stop_hook hook, void *context) {
    machine->body->set_stop_hook(hook, context);
}
void ns_actor_stop_at(struct ns_machine *machine, unsigned actor, uint64_t physical, bool comes) {
    machine->body->actor(actor).stop_at = physical;
    machine->body->actor(actor).stop_when_it_comes = comes;
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
void ns_hw_recall(struct ns_machine *machine, unsigned hart, uint64_t virtual_address) {
    machine->body->hart(hart).recall(virtual_address);
}
void ns_hw_hold(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    machine->body->hart(hart).hold(physical);
}
void ns_hw_release(struct ns_machine *machine, unsigned hart, uint64_t physical) {
    machine->body->hart(hart).release(physical);
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
