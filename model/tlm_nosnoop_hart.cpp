// SPDX-License-Identifier: Apache-2.0
//
// The C interface of nosnoop.h on top of the SystemC machine: what harts do.
#include "model/nosnoop.h"

#include "model/tlm_machine.h"

extern "C" {

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
enum ns_status ns_hart_touch(struct ns_machine *machine, unsigned hart, const struct ns_touch *touches, size_t count,
                             ns_touch_site site, void *context, size_t *done) {
    const ns::operation_scope scope(*machine->body, hart);
    machine->body->touch = {hart, site, context, 0, SIZE_MAX, NS_NO_SITE};
    const enum ns_status status = machine->body->hart(hart).touch(touches, count, done);
    machine->body->touch.site = nullptr;
    return status;
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
    if (starts && engine == nullptr)
        ns_tracker_doorbell(body.tracker(), hart, body.device_actor(device));
    else if (starts)
        ns_tracker_doorbell_of_channel(body.tracker(), hart, body.device_actor(device),
                                       ns::tlm_axi_dma::channel_of(offset));
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
    for (unsigned channel = 0; status == NS_OK && engine != nullptr && channel < NS_AXI_DMA_CHANNELS; channel++)
        if (engine->tells_progress(channel, offset, *value))
            ns_tracker_wait(body.tracker(), hart, engine->status_line(channel));
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

} // extern "C"
