/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/queues.h"

#include "model/grow.h"
#include "model/store_buffer.h"

#include <stdlib.h>

enum { PHASES = 255 };

struct builder {
    struct program *program;
    size_t capacity;
    /* what leaves at the operation at work, in order */
    struct program_leave *going;
    size_t going_count, going_capacity;
    /* what comes with it, and how much has left before each */
    struct coming {
        uint64_t first, end;
        size_t behind;
    } * coming;
    size_t coming_count, coming_capacity, come_capacity;
    bool failed;
};

static void add_leave(struct builder *builder, const struct program_leave *leave) {
    struct program *program = builder->program;
    struct program_leave *last = program->leave_count == 0 ? NULL : &program->leaves[program->leave_count - 1];
    if (last != NULL && last->op == leave->op && last->at == leave->at && last->end == leave->first &&
        last->phase == leave->phase) {
        last->end = leave->end;
        return;
    }
    if (!grow((void **)&program->leaves, &builder->capacity, program->leave_count + 1, sizeof *program->leaves)) {
        builder->failed = true;
        return;
    }
    program->leaves[program->leave_count++] = *leave;
}

static void goes(struct builder *builder, uint32_t op, uint64_t first, uint64_t end) {
    if (!grow((void **)&builder->going, &builder->going_capacity, builder->going_count + 1, sizeof *builder->going)) {
        builder->failed = true;
        return;
    }
    builder->going[builder->going_count++] = (struct program_leave){.op = op, .first = first, .end = end};
}

static void comes(struct builder *builder, uint64_t first, uint64_t end) {
    if (!grow((void **)&builder->coming, &builder->coming_capacity, builder->coming_count + 1,
              sizeof *builder->coming)) {
        builder->failed = true;
        return;
    }
    builder->coming[builder->coming_count++] = (struct coming){first, end, builder->going_count};
}

static void add_come(struct builder *builder, uint32_t op, uint64_t first, uint64_t end, unsigned phase) {
    struct program *program = builder->program;
    struct program_come *last = program->come_count == 0 ? NULL : &program->comes[program->come_count - 1];
    if (phase == 0)
        return;
    if (last != NULL && last->op == op && last->end == first && last->phase == phase) {
        last->end = end;
        return;
    }
    if (!grow((void **)&program->comes, &builder->come_capacity, program->come_count + 1, sizeof *program->comes)) {
        builder->failed = true;
        return;
    }
    program->comes[program->come_count++] =
        (struct program_come){.op = op, .first = first, .end = end, .phase = (uint8_t)phase};
}

/* All that leaves at operation `at` is known. Behind each part that others poll a phase begins. must: it is told even
 * when nobody can come between. */
static void settle(struct builder *builder, uint32_t at, bool must) {
    struct program *program = builder->program;
    struct program_op *op = &program->ops[at];
    const bool in_step = op->recorded.step != UINT32_MAX;
    unsigned phase = 0;
    for (size_t i = 0; i < builder->going_count; i++) {
        struct program_leave *one = &builder->going[i];
        one->at = at;
        one->phase = (uint8_t)phase;
        if (in_step && i + 1 < builder->going_count && phase < PHASES &&
            program_is_polled(program, one->first, one->end, op->recorded.actor))
            phase++;
    }
    op->phases = (uint8_t)phase;
    for (size_t i = 0; i < builder->going_count && (must || phase > 0); i++) {
        struct program_leave *one = &builder->going[i];
        if (program_phases_first(op)) /* the last one is the operation's own */
            one->phase = one->phase == phase ? 0 : (uint8_t)(one->phase + 1);
        add_leave(builder, one);
    }
    phase = 0;
    for (size_t c = 0, gone = 0; c < builder->coming_count && op->phases > 0; c++) {
        const struct coming *one = &builder->coming[c];
        for (; gone < one->behind; gone++)
            phase +=
                gone + 1 < builder->going_count &&
                program_is_polled(program, builder->going[gone].first, builder->going[gone].end, op->recorded.actor) &&
                phase < PHASES;
        add_come(builder, at, one->first, one->end, phase);
    }
    builder->going_count = builder->coming_count = 0;
}

static bool is_there(const struct program *program, const struct ns_recorded *entry) {
    return entry->step == UINT32_MAX || program->steps[entry->step].exists;
}

/* ---- store buffers --------------------------------------------------------------------------- */

static void take(struct builder *builder, struct ns_store_buffer *buffer, unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; i++)
        goes(builder, buffer->entry[i].event, buffer->entry[i].address,
             buffer->entry[i].address + buffer->entry[i].length);
    ns_store_buffer_take(buffer, first, count);
}

/* What leaves together is one part. */
static void take_gathered(struct builder *builder, struct ns_store_buffer *buffer) {
    const unsigned count = ns_store_buffer_gathered(buffer, 0);
    const struct ns_store_entry *last = &buffer->entry[count - 1];
    goes(builder, buffer->entry[0].event, buffer->entry[0].address, last->address + last->length);
    ns_store_buffer_take(buffer, 0, count);
}

/* The entry's `event` is the number of its operation. */
static void push_store(struct builder *builder, struct ns_store_buffer *buffer, uint32_t op,
                       const struct ns_recorded *store) {
    uint64_t at = store->address;
    for (uint64_t left = store->length; left > 0;) {
        const uint64_t room = NS_STORE_ENTRY_BYTES - at % NS_STORE_ENTRY_BYTES;
        const struct ns_store_entry entry = {
            .address = at, .length = (uint32_t)(left < room ? left : room), .event = op};
        while (ns_store_buffer_full(buffer))
            take_gathered(builder, buffer);
        comes(builder, at, at + entry.length);
        ns_store_buffer_push(buffer, &entry);
        at += entry.length;
        left -= entry.length;
    }
}

/* An access of the hart's own: what it touches goes first, after what is older under the same bytes. */
static void take_touching(struct builder *builder, struct ns_store_buffer *buffer, const struct ns_recorded *access) {
    for (int index; (index = ns_store_buffer_find(buffer, access->address, access->length)) >= 0;) {
        for (int older;
             (older = ns_store_buffer_find(buffer, buffer->entry[index].address, buffer->entry[index].length)) < index;)
            index = older;
        take(builder, buffer, (unsigned)index, 1);
    }
}

static void drain_range(struct ns_store_buffer *buffer, const struct ns_recorded *drain) {
    if (drain->length == UINT64_MAX || drain->length == 0)
        buffer->count = 0;
    for (int index; (index = ns_store_buffer_find(buffer, drain->address, drain->length)) >= 0;)
        ns_store_buffer_take(buffer, (unsigned)index, 1);
}

static void play_hart(struct builder *builder, unsigned hart) {
    const struct program *program = builder->program;
    const bool eager = program->machine->store_buffer_drain == NS_DRAIN_EAGER;
    struct ns_store_buffer buffer;
    ns_store_buffer_init(&buffer, program->machine->store_buffer_entries);
    for (uint32_t op = 0; op < program->op_count && !builder->failed; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->kind == NS_RECORDED_HARDWARE && entry->op == NS_VERB_DRAIN && entry->peer == hart &&
            program->may == 0 && is_there(program, entry))
            drain_range(&buffer, entry); /* exactly where it is written */
        if (entry->actor != hart || !is_there(program, entry))
            continue;
        const bool buffered = entry->kind == NS_RECORDED_STORE && entry->type == NS_TYPE_NC;
        if (buffered)
            push_store(builder, &buffer, op, entry);
        while (buffer.count > 0 && (entry->kind == NS_RECORDED_FENCE || (buffered && eager)))
            take_gathered(builder, &buffer);
        if (!buffered && (entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE))
            take_touching(builder, &buffer, entry);
        if (!buffered && entry->kind == NS_RECORDED_STORE)
            builder->going_count = builder->coming_count = 0; /* it makes room for itself first, as one piece */
        settle(builder, op, buffered && !eager);
    }
}

/* Does every entry stay until something of its own hart makes it leave, and is it known which stores make one? */
static bool can_play_harts(const struct program *program) {
    const struct ns_machine_config *machine = program->machine;
    if (machine->store_buffer_entries == 0 ||
        (machine->store_buffer_drain == NS_DRAIN_EAGER && program->poll_count == 0))
        return false;
    if (program_stores_leave(program) && machine->store_buffer_entries > 1)
        return false;
    for (size_t op = 0; op < program->op_count; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->kind == NS_RECORDED_PTE && entry->step != UINT32_MAX)
            return false;
        if (entry->kind == NS_RECORDED_HARDWARE && entry->op == NS_VERB_DRAIN && entry->peer < program->harts &&
            machine->store_buffer_entries > 1 && machine->store_buffer_drain != NS_DRAIN_EAGER && program->may != 0)
            return false;
    }
    return true;
}

/* Which entry leaves next is not known. They come one behind the other all the same. */
static void let_come(struct builder *builder, unsigned hart) {
    struct program *program = builder->program;
    for (uint32_t number = 0; number < program->op_count && !builder->failed; number++) {
        struct program_op *op = &program->ops[number];
        const struct ns_recorded *entry = &op->recorded;
        if (entry->actor != hart || entry->kind != NS_RECORDED_STORE || entry->type != NS_TYPE_NC ||
            entry->step == UINT32_MAX || !is_there(program, entry))
            continue;
        const uint64_t end = entry->address + entry->length;
        unsigned phase = 0;
        for (uint64_t at = entry->address; at < end;) {
            const uint64_t border = (at / NS_STORE_ENTRY_BYTES + 1) * NS_STORE_ENTRY_BYTES;
            const uint64_t next = border < end ? border : end;
            add_come(builder, number, at, next, phase);
            phase += next < end && phase < PHASES && program_is_polled(program, at, next, hart);
            at = next;
        }
        op->phases = (uint8_t)phase;
        op->loose = phase > 0;
    }
}

/* ---- posted writes --------------------------------------------------------------------------- */

static void play_device(struct builder *builder, unsigned actor, uint32_t capacity) {
    const struct program *program = builder->program;
    const struct ns_device *device = &program->scenario->devices[actor - program->harts];
    const uint64_t burst = device->burst != 0 ? device->burst : program->machine->dma_burst;
    struct {
        uint32_t op;
        uint64_t first, end;
    } queue[NS_CONFIG_MAX_QUEUE + 1];
    uint64_t count = 0; /* ever; the newest `capacity` of them are in the queue */
    for (uint32_t op = 0; op < program->op_count && !builder->failed; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->actor != actor || entry->kind != NS_RECORDED_DMA_WRITE || !is_there(program, entry))
            continue;
        const uint64_t end = entry->address + entry->length;
        for (uint64_t at = entry->address; at < end;) {
            const uint64_t border = (at / burst + 1) * burst, next = border < end ? border : end;
            const uint64_t slot = capacity == 0 ? 0 : count % capacity;
            if (capacity > 0 && count >= capacity)
                goes(builder, queue[slot].op, queue[slot].first, queue[slot].end);
            comes(builder, at, next);
            queue[slot].op = op;
            queue[slot].first = at;
            queue[slot].end = next;
            if (capacity == 0)
                goes(builder, op, at, next);
            count++;
            at = next;
        }
        settle(builder, op, capacity > 0);
    }
}

/* How many bursts wait in its queue; 0: they go at once. */
static uint32_t capacity_of(const struct program *program, unsigned actor) {
    const struct ns_device *device = &program->scenario->devices[actor - program->harts];
    const uint32_t capacity = device->has_posted ? device->posted : program->machine->posted_entries;
    return device->snoops || program->machine->posted_drain == NS_DRAIN_EAGER ? 0 : capacity;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
    const struct program_leave *left = a, *right = b;
    if (left->op != right->op)
        return left->op < right->op ? -1 : 1;
    return left->first < right->first ? -1 : left->first > right->first;
}

static int by_place_of_come(const void *a, const void *b) {
    const struct program_come *left = a, *right = b;
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
    const bool waits = program->machine->store_buffer_entries > 0 &&
                       program->machine->store_buffer_drain != NS_DRAIN_EAGER && program->poll_count > 0;
    for (unsigned hart = 0; !harts && waits && hart < program->harts; hart++)
        let_come(&builder, hart);
    for (unsigned actor = program->harts; actor < program->harts + program->devices; actor++)
        if (capacity_of(program, actor) <= NS_CONFIG_MAX_QUEUE &&
            (capacity_of(program, actor) > 0 || program->poll_count > 0)) {
            play_device(&builder, actor, capacity_of(program, actor));
            program->queues_known |= 1u << actor;
        }
    free(builder.going);
    free(builder.coming);
    if (program->come_count > 0)
        qsort(program->comes, program->come_count, sizeof *program->comes, by_place_of_come);
    if (program->leave_count > 0)
        qsort(program->leaves, program->leave_count, sizeof *program->leaves, by_place);
    return builder.failed ? NS_ERROR_MEMORY : NS_OK;
}

const struct program_leave *queues_leave(const struct program *program, uint32_t op, uint64_t address) {
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
    return found ? &program->leaves[low] : NULL;
}

uint32_t queues_leaves_at(const struct program *program, uint32_t op, uint64_t address) {
    const struct program_leave *leave = queues_leave(program, op, address);
    return leave == NULL ? NO_INDEX : leave->at;
}

uint64_t queues_first(const struct program *program, uint32_t at, unsigned phase) {
    const struct program_leave *first = NULL;
    for (size_t i = 0; i < program->leave_count; i++) {
        const struct program_leave *leave = &program->leaves[i];
        if (leave->at == at && leave->phase == phase && (first == NULL || leave->op < first->op))
            first = leave; /* of one operation they are in the order of their addresses, as they leave */
    }
    for (size_t i = 0; i < program->come_count && first == NULL; i++)
        if (program->ops[at].loose && program->comes[i].op == at && program->comes[i].phase == phase)
            return program->comes[i].first;
    return first == NULL ? UINT64_MAX : first->first;
}

unsigned queues_comes_in(const struct program *program, uint32_t op, uint64_t address) {
    size_t low = 0, high = program->come_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct program_come *come = &program->comes[middle];
        if (come->op < op || (come->op == op && come->end <= address))
            low = middle + 1;
        else
            high = middle;
    }
    const bool found =
        low < program->come_count && program->comes[low].op == op && program->comes[low].first <= address;
    return found ? program->comes[low].phase : 0;
}

static bool leave_alike(const struct program_leave *a, const struct program_leave *b) {
    return a == NULL || b == NULL ? a == b : a->at == b->at && a->phase == b->phase;
}

bool queues_fare_alike(const struct program *program, uint32_t op, uint64_t a, uint64_t b) {
    return leave_alike(queues_leave(program, op, a), queues_leave(program, op, b)) &&
           queues_comes_in(program, op, a) == queues_comes_in(program, op, b);
}

static bool is_between(const struct program *program, const struct program_leave *leave, uint32_t at, unsigned from,
                       unsigned end) {
    const bool first = program_phases_first(&program->ops[at]);
    const unsigned order = !first ? leave->phase : leave->phase == 0 ? program->ops[at].phases : leave->phase - 1u;
    return leave->at == at && order >= from && order < end;
}

bool queues_leaves_between(const struct program *program, uint32_t op, uint64_t address, uint32_t at, unsigned from,
                           unsigned end) {
    const struct program_leave *leave = queues_leave(program, op, address);
    return leave != NULL && is_between(program, leave, at, from, end);
}

unsigned queues_leaves_before(const struct program *program, uint32_t at, unsigned from, unsigned end,
                              uint64_t address) {
    unsigned count = 0;
    for (size_t i = 0; i < program->leave_count; i++) {
        const struct program_leave *leave = &program->leaves[i];
        count += is_between(program, leave, at, from, end) && address >= leave->first && address < leave->end;
    }
    return count;
}

/* More lines are maintained than a queue of late maintenance has room for. */
static bool has_a_full_late_queue(const struct program *program) {
    const uint64_t room = program->machine->cache.late_write_backs;
    const uint64_t line = program->machine->cache.levels > 0 ? program->machine->cache.level[0].line : 1;
    uint64_t lines = 0;
    for (size_t op = 0; op < program->op_count && room > 0; op++) {
        const struct ns_recorded *entry = &program->ops[op].recorded;
        if (entry->kind == NS_RECORDED_MAINTAIN && entry->op != NS_CACHE_INVALIDATE)
            lines += (entry->flags & NS_RECORDED_WHOLE) != 0 ? room + 1 : entry->length / line + 2;
    }
    return room > 0 && lines > room;
}

/* A store whose page changes its type may be one that waits in the buffer, or none. */
static bool changes_types(const struct program *program) {
    bool changes = false;
    for (size_t op = 0; op < program->op_count && !changes; op++)
        changes = program->ops[op].recorded.kind == NS_RECORDED_PTE && program->ops[op].recorded.step != UINT32_MAX;
    return changes;
}

bool program_is_rough(const struct program *program) {
    const struct ns_machine_config *machine = program->machine;
    const bool changes = changes_types(program);
    bool rough = false;
    if (has_a_full_late_queue(program))
        return true;
    for (unsigned hart = 0; hart < program->harts && !rough; hart++) {
        uint64_t entries = 0;
        for (size_t op = 0; op < program->op_count; op++) {
            const struct ns_recorded *entry = &program->ops[op].recorded;
            if (entry->kind == NS_RECORDED_STORE && entry->actor == hart &&
                (changes || entry->type != NS_TYPE_CACHEABLE))
                entries += (entry->length + NS_STORE_ENTRY_BYTES - 1) / NS_STORE_ENTRY_BYTES + 1;
        }
        rough = entries > machine->store_buffer_entries && !queues_know(program, hart);
    }
    return rough && machine->store_buffer_entries > 0 && machine->store_buffer_drain == NS_DRAIN_LAZY &&
           (changes || !program_stores_leave(program));
}
