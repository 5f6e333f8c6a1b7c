/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/queues.h"

#include "model/grow.h"
#include "model/store_buffer.h"

#include <stdlib.h>

struct builder {
    struct program *program;
    size_t capacity;
    bool failed;
};

static void add_leave(struct builder *builder, uint32_t op, uint64_t first, uint64_t end, uint32_t at) {
    struct program *program = builder->program;
    struct program_leave *last = program->leave_count == 0 ? NULL : &program->leaves[program->leave_count - 1];
    if (last != NULL && last->op == op && last->at == at && last->end == first) {
        last->end = end;
        return;
    }
    if (!grow((void **)&program->leaves, &builder->capacity, program->leave_count + 1, sizeof *program->leaves)) {
        builder->failed = true;
        return;
    }
    program->leaves[program->leave_count++] = (struct program_leave){.op = op, .at = at, .first = first, .end = end};
}

static bool is_there(const struct program *program, const struct ns_recorded *entry) {
    return entry->step == UINT32_MAX || program->steps[entry->step].exists;
}

/* ---- store buffers --------------------------------------------------------------------------- */

/* The entry's `event` is the number of its operation. */
static void push_store(struct builder *builder, struct ns_store_buffer *buffer, uint32_t op,
                       const struct ns_recorded *store) {
    uint64_t at = store->address;
    for (uint64_t left = store->length; left > 0;) {
        const uint64_t room = NS_STORE_ENTRY_BYTES - at % NS_STORE_ENTRY_BYTES;
        const struct ns_store_entry entry = {
            .address = at, .length = (uint32_t)(left < room ? left : room), .event = op};
        while (ns_store_buffer_full(buffer)) {
            const unsigned count = ns_store_buffer_gathered(buffer, 0);
            for (unsigned i = 0; i < count; i++)
                add_leave(builder, buffer->entry[i].event, buffer->entry[i].address,
                          buffer->entry[i].address + buffer->entry[i].length, op);
            ns_store_buffer_take(buffer, 0, count);
        }
        ns_store_buffer_push(buffer, &entry);
        at += entry.length;
        left -= entry.length;
    }
}

/* An access of the hart's own: what it touches goes first, after what is older under the same bytes. */
static void take_touching(struct ns_store_buffer *buffer, const struct ns_recorded *access) {
    for (int index; (index = ns_store_buffer_find(buffer, access->address, access->length)) >= 0;) {
        for (int older;
             (older = ns_store_buffer_find(buffer, buffer->entry[index].address, buffer->entry[index].length)) < index;)
            index = older;
        ns_store_buffer_take(buffer, (unsigned)index, 1);
    }
}

static void play_hart(struct builder *builder, unsigned hart) {
    const struct program *program = builder->program;
    struct ns_store_buffer buffer;
    ns_store_buffer_init(&buffer, program->machine->store_buffer_entries);
    for (uint32_t op = 0; op < program->op_count && !builder->failed; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->actor != hart || !is_there(program, entry))
            continue;
        if (entry->kind == NS_RECORDED_FENCE)
            buffer.count = 0;
        else if (entry->kind == NS_RECORDED_STORE && entry->type == NS_TYPE_NC)
            push_store(builder, &buffer, op, entry);
        else if (entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE)
            take_touching(&buffer, entry);
    }
}

/* Does every entry stay until something of its own hart makes it leave, and is it known which stores make one? */
static bool can_play_harts(const struct program *program) {
    const struct ns_machine_config *machine = program->machine;
    if (machine->store_buffer_entries == 0 || machine->store_buffer_drain == NS_DRAIN_EAGER)
        return false;
    const bool leaves_by_itself = (program->may & NS_MAY_DRAIN) != 0 || machine->store_buffer_drain == NS_DRAIN_AFTER;
    if (leaves_by_itself && machine->store_buffer_entries > 1)
        return false;
    for (size_t op = 0; op < program->op_count; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->kind == NS_RECORDED_PTE && entry->step != UINT32_MAX)
            return false;
        if (entry->kind == NS_RECORDED_HARDWARE && entry->op == NS_VERB_DRAIN && entry->peer < program->harts &&
            machine->store_buffer_entries > 1)
            return false;
    }
    return true;
}

/* ---- posted writes --------------------------------------------------------------------------- */

static void play_device(struct builder *builder, unsigned actor) {
    const struct program *program = builder->program;
    const struct ns_device *device = &program->scenario->devices[actor - program->harts];
    const uint32_t capacity = device->has_posted ? device->posted : program->machine->posted_entries;
    const uint64_t burst = device->burst != 0 ? device->burst : program->machine->dma_burst;
    struct {
        uint32_t op;
        uint64_t first, end;
    } queue[NS_CONFIG_MAX_QUEUE];
    uint64_t count = 0; /* ever; the newest `capacity` of them are in the queue */
    for (uint32_t op = 0; op < program->op_count && !builder->failed; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->actor != actor || entry->kind != NS_RECORDED_DMA_WRITE || !is_there(program, entry))
            continue;
        const uint64_t end = entry->address + entry->length;
        for (uint64_t at = entry->address; at < end;) {
            const uint64_t border = (at / burst + 1) * burst, next = border < end ? border : end;
            if (count >= capacity)
                add_leave(builder, queue[count % capacity].op, queue[count % capacity].first,
                          queue[count % capacity].end, op);
            queue[count % capacity].op = op;
            queue[count % capacity].first = at;
            queue[count++ % capacity].end = next;
            at = next;
        }
    }
}

static bool can_play_device(const struct program *program, unsigned actor) {
    const struct ns_device *device = &program->scenario->devices[actor - program->harts];
    const uint32_t capacity = device->has_posted ? device->posted : program->machine->posted_entries;
    return !device->snoops && capacity > 0 && capacity <= NS_CONFIG_MAX_QUEUE &&
           program->machine->posted_drain != NS_DRAIN_EAGER;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
    const struct program_leave *left = a, *right = b;
    if (left->op != right->op)
        return left->op < right->op ? -1 : 1;
    return left->first < right->first ? -1 : left->first > right->first;
}

enum ns_status queues_create(struct program *program) {
    struct builder builder = {.program = program};
    const bool harts = can_play_harts(program);
    for (unsigned hart = 0; harts && hart < program->harts; hart++) {
        play_hart(&builder, hart);
        program->queues_known |= 1u << hart;
    }
    for (unsigned actor = program->harts; actor < program->harts + program->devices; actor++)
        if (can_play_device(program, actor)) {
            play_device(&builder, actor);
            program->queues_known |= 1u << actor;
        }
    if (program->leave_count > 0)
        qsort(program->leaves, program->leave_count, sizeof *program->leaves, by_place);
    return builder.failed ? NS_ERROR_MEMORY : NS_OK;
}

uint32_t queues_leaves_at(const struct program *program, uint32_t op, uint64_t address) {
    size_t low = 0, high = program->leave_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct program_leave *leave = &program->leaves[middle];
        if (leave->op < op || (leave->op == op && leave->end <= address))
            low = middle + 1;
        else
            high = middle;
    }
    const bool found =
        low < program->leave_count && program->leaves[low].op == op && program->leaves[low].first <= address;
    return found ? program->leaves[low].at : NO_INDEX;
}
