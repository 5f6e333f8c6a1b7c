/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/program.h"

#include "verify/freedom.h"
#include "verify/queues.h"

#include <stdlib.h>
#include <string.h>

/* ---- conversations --------------------------------------------------------------------------- */

static bool device_writes(const struct ns_scenario *scenario, uint32_t device, uint32_t object) {
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        const struct ns_ref *target = step->verb == NS_VERB_COPY ? &step->to : &step->ref;
        if (step->actor_kind == NS_ACTOR_DEVICE && step->actor == device &&
            (step->verb == NS_VERB_WRITE || step->verb == NS_VERB_COPY) && target->kind == NS_REF_OBJECT &&
            target->index == object)
            return true;
    }
    return false;
}

static void find_conversations(struct program *program, const struct ns_scenario *scenario) {
    for (uint32_t d = 0; d < scenario->device_count; d++) {
        struct program_device *device = &program->device[d];
        for (size_t i = 0; i < scenario->written_count; i++) {
            const struct ns_step *step = &scenario->written[i];
            const bool own = step->actor_kind == NS_ACTOR_DEVICE && step->actor == d;
            device->starts |= own && step->verb == NS_VERB_START;
            device->polls |= own && step->verb == NS_VERB_POLL;
            device->rung |= step->verb == NS_VERB_DOORBELL && step->device == d;
            device->signals |= step->verb == NS_VERB_WAIT && scenario->irqs[step->irq].device == d;
            device->signals |= step->verb == NS_VERB_POLL && step->actor_kind == NS_ACTOR_HART &&
                               step->ref.kind == NS_REF_OBJECT && device_writes(scenario, d, step->ref.index);
        }
        program->clocks |= device->starts || device->rung || device->signals;
    }
}

/* ---- operations ------------------------------------------------------------------------------ */

/* Does the machine do by itself what this step of the hardware says? Then nothing needs to be said of it. */
static bool covered_by_may(const struct program *program, const struct ns_recorded *entry) {
    const uint32_t may = program->may;
    const bool two_steps = program->machine->cache.fill != NS_FILL_ATOMIC;
    switch ((enum ns_verb)entry->op) {
    case NS_VERB_PREFETCH:
        return (may & NS_MAY_SPECULATIVE_FILL) != 0;
    case NS_VERB_SAMPLE:
    case NS_VERB_INSTALL:
        return (may & NS_MAY_SPECULATIVE_FILL) != 0 || !two_steps;
    case NS_VERB_EVICT:
        return (may & NS_MAY_EVICT) != 0;
    case NS_VERB_DRAIN:
        return (may & NS_MAY_DRAIN) != 0;
    default: /* NS_VERB_SPECULATIVE_STORE */
        return (may & NS_MAY_SPECULATIVE_STORE) != 0;
    }
}

static uint32_t live_mapping(const struct program *program, const bool *live, const struct ns_recorded *entry) {
    for (size_t i = program->mapping_count; i-- > 0;) {
        const struct program_mapping *mapping = &program->mappings[i];
        if (live[i] && mapping->device == entry->peer && entry->address >= mapping->address &&
            entry->address - mapping->address < mapping->length)
            return (uint32_t)i;
    }
    return NO_INDEX;
}

static void add_mapping(struct program *program, struct program_op *op, bool *live) {
    const struct ns_recorded *entry = &op->recorded;
    const uint32_t number = (uint32_t)program->mapping_count++;
    op->mapping = number;
    live[number] = true;
    program->mappings[number] = (struct program_mapping){.address = entry->address,
                                                         .length = entry->length,
                                                         .device = entry->peer,
                                                         .direction = entry->direction,
                                                         .undefined = (entry->flags & NS_RECORDED_UNDEFINED) != 0,
                                                         .pair = NO_INDEX};
    if ((entry->flags & NS_RECORDED_BOUNCED) != 0 && number > 0) {
        program->mappings[number].pair = number - 1;
        program->mappings[number - 1].pair = number;
    }
}

/* What a store stores: a register, or what the load before it in the same step has got. */
static void find_source(struct program *program, struct program_op *op, const struct ns_step *written) {
    op->source = op->source_reg = NO_INDEX;
    if (written->value.kind == NS_VALUE_REGISTER && !program->scenario->registers[written->value.index].is_handle)
        op->source_reg = written->value.index;
    if (program->op_count == 0)
        return;
    const struct program_op *before = op - 1;
    const bool reads = before->recorded.kind == NS_RECORDED_LOAD || before->recorded.kind == NS_RECORDED_DMA_READ;
    const bool copies =
        written->verb == NS_VERB_COPY || (op->recorded.flags & before->recorded.flags & NS_RECORDED_COPIES) != 0;
    if (copies && reads && before->recorded.step == op->recorded.step && before->recorded.length == op->recorded.length)
        op->source = (uint32_t)program->op_count - 1;
}

static bool is_page_table(const struct program *program, const struct ns_recorded *entry) {
    uint64_t first, length;
    ns_machine_reserved(program->machine, &first, &length);
    return entry->address >= first && entry->address - first < length;
}

/* A long access comes in pieces, page by page or chunk by chunk: the same story for every line. */
static bool continues(const struct program *program, const struct ns_recorded *entry) {
    if (program->op_count == 0)
        return false;
    const struct ns_recorded *before = &program->ops[program->op_count - 1].recorded;
    if (entry->kind == before->kind && entry->step == before->step && entry->actor == before->actor &&
        before->view + before->length == entry->view && entry->step != UINT32_MAX && entry->flags == before->flags) {
        if (entry->kind == NS_RECORDED_SFENCE)
            return (entry->flags & NS_RECORDED_WHOLE) == 0;
        if (entry->kind == NS_RECORDED_PTE)
            return entry->type == before->type && (entry->address == before->address + before->length ||
                                                   (entry->address == UINT64_MAX && before->address == UINT64_MAX));
    }
    if (entry->kind == NS_RECORDED_INITIAL && before->kind == NS_RECORDED_INITIAL)
        return before->address + before->length == entry->address && before->data + before->length == entry->data;
    const bool access = entry->kind == NS_RECORDED_LOAD || entry->kind == NS_RECORDED_STORE ||
                        entry->kind == NS_RECORDED_DMA_READ || entry->kind == NS_RECORDED_DMA_WRITE;
    const bool alike = before->kind == entry->kind && before->step == entry->step && before->actor == entry->actor &&
                       before->type == entry->type && before->meant == entry->meant && before->flags == entry->flags;
    /* Parts of one store leave a store buffer together, those of several do not; at a multiple of 64 neither does. */
    if (entry->kind == NS_RECORDED_STORE && entry->type == NS_TYPE_NC && entry->address % 64 != 0)
        return false;
    const bool data = entry->data == 0 ? before->data == 0 : before->data + before->length == entry->data;
    return access && alike && data && (entry->flags & NS_RECORDED_COPIES) == 0 && entry->step != UINT32_MAX &&
           before->address + before->length == entry->address &&
           (entry->kind == NS_RECORDED_DMA_READ || entry->kind == NS_RECORDED_DMA_WRITE ||
            before->view + before->length == entry->view);
}

bool program_is_polled(const struct program *program, uint64_t first, uint64_t end, unsigned actor) {
    bool polled = false;
    for (size_t i = 0; i < program->poll_count && !polled; i++)
        polled = program->polls[i].actor != actor && program->polls[i].first < end && first < program->polls[i].end;
    return polled;
}

static enum ns_status find_polls(struct program *program) {
    for (int pass = 0; pass < 2; pass++) {
        size_t count = 0;
        for (size_t i = 0; i < program->op_count; i++) {
            const struct program_op *op = &program->ops[i];
            if (op->poll == NO_INDEX)
                continue;
            if (pass == 1)
                program->polls[count] = (struct program_poll){
                    op->recorded.address, op->recorded.address + op->poll_length, op->recorded.actor};
            count++;
        }
        if (pass == 0 && (program->polls = malloc((count + 1) * sizeof *program->polls)) == NULL)
            return NS_ERROR_MEMORY;
        program->poll_count = count;
    }
    return NS_OK;
}

static void take_op(struct program *program, const struct ns_recorded *entry, bool *live) {
    if (continues(program, entry)) {
        program->ops[program->op_count - 1].recorded.length += entry->length;
        return;
    }
    /* What is recorded without any step comes from no line. */
    const struct ns_step *written =
        program->scenario->written_count > 0 ? &program->scenario->written[entry->site] : NULL;
    struct program_op *op = &program->ops[program->op_count];
    *op = (struct program_op){.recorded = *entry,
                              .mapping = NO_INDEX,
                              .source = NO_INDEX,
                              .reg = NO_INDEX,
                              .source_reg = NO_INDEX,
                              .poll = NO_INDEX};
    const bool in_step = entry->step != UINT32_MAX;
    switch ((enum ns_recorded_kind)entry->kind) {
    case NS_RECORDED_STORE:
    case NS_RECORDED_DMA_WRITE:
        if (is_page_table(program, entry))
            return;
        if (in_step)
            find_source(program, op, written);
        break;
    case NS_RECORDED_LOAD:
    case NS_RECORDED_DMA_READ:
        if (in_step && (written->verb == NS_VERB_LOAD || written->verb == NS_VERB_READ))
            op->reg = written->result;
        break;
    case NS_RECORDED_MAP:
        add_mapping(program, op, live);
        break;
    case NS_RECORDED_UNMAP:
    case NS_RECORDED_SYNC:
        op->mapping = live_mapping(program, live, entry);
        if (op->mapping == NO_INDEX)
            return;
        if (entry->kind == NS_RECORDED_UNMAP) {
            const uint32_t pair = program->mappings[op->mapping].pair;
            live[op->mapping] = false;
            if (pair != NO_INDEX)
                live[pair] = false;
        }
        break;
    case NS_RECORDED_MAINTAIN:
        program->scoped |= entry->scope != NS_SCOPE_POC;
        break;
    case NS_RECORDED_POLL: {
        struct program_op *access = program->op_count > 0 ? op - 1 : NULL;
        if (access != NULL && access->recorded.step == entry->step) {
            access->poll = entry->data - 1;
            access->poll_length = (uint32_t)entry->length;
        }
        return;
    }
    default:
        break;
    }
    program->op_count++;
    if (!in_step) {
        program->setup_count = program->op_count;
        return;
    }
    struct program_step *step = &program->steps[entry->step];
    if (step->count++ == 0)
        step->first = (uint32_t)program->op_count - 1;
}

static void take_step(struct program *program, const struct ns_recorded *entry, uint32_t *numbers) {
    struct program_step *step = &program->steps[entry->step];
    *step = (struct program_step){.site = entry->site,
                                  .line = program->scenario->written[entry->site].line,
                                  .first = (uint32_t)program->op_count,
                                  .number = numbers[entry->actor]++,
                                  .actor = entry->actor,
                                  .exists = true};
}

/* ---- edges ----------------------------------------------------------------------------------- */

struct edges {
    struct program *program;
    uint32_t *last;   /* per actor: its last step before the present one, or NO_INDEX */
    uint32_t *rung;   /* per device: the last step that rang it */
    uint32_t *ended;  /* per device without signals: its last step */
    uint32_t *object; /* per object: the step that made it, or NO_INDEX */
    uint32_t *reg;
    uint32_t *list;
};

static uint32_t *need_row(const struct program *program, uint32_t step) {
    return &program->needs[(size_t)step * program->actors];
}

/* `step` begins after `earlier` is over, and after all that `earlier` had to wait for. */
static void comes_after(struct program *program, uint32_t step, uint32_t earlier) {
    if (earlier == NO_INDEX || earlier == step)
        return;
    uint32_t *row = need_row(program, step);
    const uint32_t *before = need_row(program, earlier);
    for (unsigned actor = 0; actor < program->actors; actor++)
        row[actor] = before[actor] > row[actor] ? before[actor] : row[actor];
    const struct program_step *over = &program->steps[earlier];
    if (over->kind == STEP_MANDATORY && over->number + 1 > row[over->actor])
        row[over->actor] = over->number + 1;
}

static void uses_ref(const struct edges *edges, uint32_t step, const struct ns_ref *ref) {
    if (ref->kind == NS_REF_OBJECT)
        comes_after(edges->program, step, edges->object[ref->index]);
    else if (ref->kind == NS_REF_HANDLE)
        comes_after(edges->program, step, edges->reg[ref->index]);
    else if (ref->kind == NS_REF_SEGMENT)
        comes_after(edges->program, step, edges->list[ref->index]);
}

static void name_edges(const struct edges *edges, uint32_t number, const struct ns_step *written) {
    uses_ref(edges, number, &written->ref);
    uses_ref(edges, number, &written->to);
    for (uint32_t i = 0; i < written->entry_count && written->entries != NULL; i++)
        uses_ref(edges, number, &written->entries[i]);
    if (written->value.kind == NS_VALUE_REGISTER)
        comes_after(edges->program, number, edges->reg[written->value.index]);
    if (written->value.kind == NS_VALUE_OBJECT)
        comes_after(edges->program, number, edges->object[written->value.index]);
    if (written->list != NS_NONE && written->verb != NS_VERB_MAP_SG)
        comes_after(edges->program, number, edges->list[written->list]);
}

static void makes_names(const struct edges *edges, uint32_t number, const struct ns_step *written) {
    const bool allocates = written->verb == NS_VERB_ALLOC || written->verb == NS_VERB_ALLOC_COHERENT ||
                           written->verb == NS_VERB_ALLOC_PAGES;
    if (written->verb == NS_VERB_MAP_SG && written->list != NS_NONE)
        edges->list[written->list] = number;
    else if (allocates && written->result != NS_NONE)
        edges->object[written->result] = number;
    else if (written->result != NS_NONE && written->result < edges->program->scenario->register_count)
        edges->reg[written->result] = number;
}

static bool is_api(enum ns_verb verb) {
    return verb == NS_VERB_MAP || verb == NS_VERB_UNMAP || verb == NS_VERB_SYNC_FOR_CPU ||
           verb == NS_VERB_SYNC_FOR_DEVICE || verb == NS_VERB_MAP_SG || verb == NS_VERB_UNMAP_SG ||
           verb == NS_VERB_SYNC_SG_FOR_CPU || verb == NS_VERB_SYNC_SG_FOR_DEVICE || verb == NS_VERB_FREE;
}

/* Do two steps' calls work on the same object, handle or list? Two different names of the same bytes are left free. */
static bool same_target(const struct ns_step *a, const struct ns_step *b) {
    if (a->list != NS_NONE && a->list == b->list)
        return true;
    return a->ref.kind != NS_REF_NONE && a->ref.kind == b->ref.kind && a->ref.kind != NS_REF_ADDRESS &&
           a->ref.index == b->ref.index;
}

static void api_edges(struct edges *edges, uint32_t number, const struct ns_step *written) {
    struct program *program = edges->program;
    const unsigned own = program->steps[number].actor;
    if (!is_api(written->verb) || program->harts < 2)
        return;
    for (unsigned hart = 0; hart < program->harts; hart++)
        for (uint32_t at = number; hart != own && at-- > 0;) {
            const struct ns_step *other = &program->scenario->written[program->steps[at].site];
            if (program->steps[at].actor == hart && is_api(other->verb) && same_target(written, other)) {
                program->calls_ordered |= program->steps[at].kind == STEP_MANDATORY &&
                                          need_row(program, number)[hart] <= program->steps[at].number;
                comes_after(program, number, at);
                break;
            }
        }
}

static void position_edges(struct edges *edges, uint32_t number, const struct ns_step *written) {
    struct program *program = edges->program;
    const unsigned own = program->steps[number].actor;
    if (written->actor_kind == NS_ACTOR_DEVICE) {
        const struct program_device *device = &program->device[written->actor];
        if (!device->starts && device->rung) {
            comes_after(program, number, edges->rung[written->actor]);
        } else if (!device->starts && !device->polls) {
            program->order_assumed = true;
            for (unsigned actor = 0; actor < program->harts + program->devices; actor++)
                comes_after(program, number, edges->last[actor]);
        }
    }
    if (program->steps[number].kind == STEP_OPTIONAL || written->actor_kind == NS_ACTOR_HARDWARE)
        for (unsigned actor = 0; actor < program->harts + program->devices; actor++)
            comes_after(program, number, edges->last[actor]);
    for (unsigned d = 0; d < program->devices; d++)
        if (!program->device[d].signals && edges->ended[d] != NO_INDEX && program->harts + d != own) {
            program->order_assumed = true;
            comes_after(program, number, edges->ended[d]);
        }
    if (program->may == 0 && edges->last[program->actors - 1] != NO_INDEX) {
        program->hardware_ordered = true;
        comes_after(program, number, edges->last[program->actors - 1]);
    }
}

bool program_allocates(enum ns_verb verb) {
    return verb == NS_VERB_ALLOC || verb == NS_VERB_FREE || verb == NS_VERB_ALLOC_COHERENT ||
           verb == NS_VERB_ALLOC_PAGES || verb == NS_VERB_UNBIND || verb == NS_VERB_WORKER;
}

static void find_edges(struct edges *edges, const uint32_t *order) {
    struct program *program = edges->program;
    uint32_t allocation = NO_INDEX;
    for (uint32_t place = 0; place < program->step_count; place++) {
        const uint32_t number = order == NULL ? place : order[place];
        const struct program_step *step = &program->steps[number];
        if (!step->exists)
            continue;
        const struct ns_step *written = &program->scenario->written[step->site];
        uint32_t *row = need_row(program, number);
        if (edges->last[step->actor] != NO_INDEX) {
            memcpy(row, need_row(program, edges->last[step->actor]), program->actors * sizeof *row);
            if (row[step->actor] < step->number)
                row[step->actor] = step->number;
        }
        name_edges(edges, number, written);
        if (order != NULL && program_allocates(written->verb)) {
            comes_after(program, number, allocation);
            allocation = number;
        }
        api_edges(edges, number, written);
        position_edges(edges, number, written);
        row[step->actor] = step->number; /* its own order; nothing of its own can lie behind it */
        makes_names(edges, number, written);
        edges->last[step->actor] = number;
        if (written->verb == NS_VERB_DOORBELL)
            edges->rung[written->device] = number;
        if (written->actor_kind == NS_ACTOR_DEVICE)
            edges->ended[written->actor] = number;
    }
}

static uint32_t *filled(size_t count) {
    uint32_t *array = malloc((count + 1) * sizeof *array);
    if (array != NULL)
        memset(array, 0xff, (count + 1) * sizeof *array);
    return array;
}

static enum ns_status make_edges(struct program *program, const uint32_t *order) {
    const struct ns_scenario *scenario = program->scenario;
    struct edges edges = {.program = program,
                          .last = filled(program->actors),
                          .rung = filled(scenario->device_count),
                          .ended = filled(scenario->device_count),
                          .object = filled(scenario->object_count),
                          .reg = filled(scenario->register_count),
                          .list = filled(scenario->list_count)};
    program->needs = calloc(program->step_count * program->actors + 1, sizeof *program->needs);
    enum ns_status status = NS_ERROR_MEMORY;
    if (edges.last != NULL && edges.rung != NULL && edges.ended != NULL && edges.object != NULL && edges.reg != NULL &&
        edges.list != NULL && program->needs != NULL) {
        find_edges(&edges, order);
        status = NS_OK;
    }
    free(edges.last);
    free(edges.rung);
    free(edges.ended);
    free(edges.object);
    free(edges.reg);
    free(edges.list);
    return status;
}

/* Whose L1s take part. Harts that the scenario never names are all alike: nothing but the hardware fills their L1s, and
 * stale translations are the same in each. A clean copy goes nowhere but to a device that snoops, which takes the one
 * of the last hart, so what some of them do together the last one can do alone. It cannot where copies move between the
 * levels, as whether another hart holds the line decides that, nor where stores are speculated. */
static void find_caching(struct program *program) {
    const struct ns_scenario *scenario = program->scenario;
    uint32_t named = 0;
    for (size_t i = 0; i < program->op_count; i++) {
        const struct ns_recorded *entry = &program->ops[i].recorded;
        if (entry->kind == NS_RECORDED_INITIAL)
            continue;
        if (entry->actor < program->harts)
            named |= 1u << entry->actor;
        if (entry->kind == NS_RECORDED_HARDWARE && entry->peer < program->harts)
            named |= 1u << entry->peer;
    }
    for (unsigned hart = 0; hart < program->harts; hart++)
        program->acting += named >> hart & 1;
    for (size_t i = 0; i < scenario->judgement_count; i++)
        if (scenario->judgements[i].condition.kind == NS_OPERAND_CACHE)
            named |= 1u << scenario->judgements[i].condition.hart;
    const uint32_t all = (1u << program->harts) - 1;
    unsigned last = program->harts;
    while (last > 0 && (named >> (last - 1) & 1) != 0)
        last--;
    const bool moves =
        program->machine->cache.inclusion == NS_INCLUSION_EXCLUSIVE || (program->may & NS_MAY_SPECULATIVE_STORE) != 0;
    program->caching = moves || last == 0 ? all : named | 1u << (last - 1);
}

bool program_goes_by_lines(const struct program *program, const struct ns_recorded *entry) {
    const uint64_t line = program->machine->cache.level[0].line;
    if (program->poll_count == 0 || program->machine->cache.levels == 0 || entry->length == 0 ||
        entry->step == UINT32_MAX || entry->address / line == (entry->address + entry->length - 1) / line)
        return false;
    return (entry->kind == NS_RECORDED_MAINTAIN && (entry->flags & NS_RECORDED_WHOLE) == 0) ||
           (entry->kind == NS_RECORDED_STORE && entry->type == NS_TYPE_CACHEABLE);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Steps of the hardware: what `may` covers is nobody's step; on a machine that may nothing they are done where they are
 * written; otherwise they may be done from there on. */
static void judge_hardware_steps(struct program *program) {
    for (size_t i = 0; i < program->step_count; i++) {
        struct program_step *step = &program->steps[i];
        if (!step->exists || step->actor != program->actors - 1)
            continue;
        if (step->count == 0 || covered_by_may(program, &program->ops[step->first].recorded))
            step->exists = false;
        else if (program->may != 0)
            step->kind = STEP_OPTIONAL;
    }
    uint32_t number = 0;
    for (size_t i = 0; i < program->step_count; i++)
        if (program->steps[i].exists && program->steps[i].actor == program->actors - 1)
            program->steps[i].number = number++;
}

enum ns_status program_create(struct program *program, const struct ns_scenario *scenario,
                              const struct ns_recording *recording, const uint32_t *order,
                              const struct ns_scenario *conversation) {
    *program = (struct program){.scenario = scenario, .machine = &scenario->machine, .data = recording->data};
    if (!freedom_of(program->machine, recording, &program->may))
        return NS_ERROR_MEMORY;
    program->harts = scenario->machine.cache.harts;
    program->devices = (unsigned)scenario->device_count;
    program->actors = program->harts + program->devices + 1;
    program->step_count = scenario->step_count;
    if (recording->failed || recording->count > UINT32_MAX / 2)
        return NS_ERROR_LIMIT;
    size_t maps = 0;
    for (size_t i = 0; i < recording->count; i++)
        maps += recording->entry[i].kind == NS_RECORDED_MAP;
    bool *live = calloc(maps + 1, sizeof *live);
    uint32_t *numbers = calloc(program->actors, sizeof *numbers);
    program->ops = malloc((recording->count + 1) * sizeof *program->ops);
    program->steps = calloc(program->step_count + 1, sizeof *program->steps);
    program->mappings = malloc((maps + 1) * sizeof *program->mappings);
    program->conditions = calloc(scenario->judgement_count + 1, sizeof *program->conditions);
    enum ns_status status = NS_ERROR_MEMORY;
    if (live != NULL && numbers != NULL && program->ops != NULL && program->steps != NULL &&
        program->mappings != NULL && program->conditions != NULL) {
        find_conversations(program, conversation != NULL ? conversation : scenario);
        for (size_t i = 0; i < recording->count; i++) {
            const struct ns_recorded *entry = &recording->entry[i];
            if (entry->kind == NS_RECORDED_STEP)
                take_step(program, entry, numbers);
            else if (entry->kind == NS_RECORDED_CONDITION)
                program->conditions[program->condition_count++] = *entry;
            else
                take_op(program, entry, live);
        }
        find_caching(program);
        judge_hardware_steps(program);
        status = make_edges(program, order);
        if (status == NS_OK)
            status = find_polls(program);
        if (status == NS_OK)
            status = queues_create(program);
    }
    free(live);
    free(numbers);
    if (status != NS_OK)
        program_release(program);
    return status;
}

void program_explore_all(struct program *program) {
    program->unreduced = true;
    program->caching = (1u << program->harts) - 1;
}

void program_release(struct program *program) {
    free(program->ops);
    free(program->steps);
    free(program->mappings);
    free(program->conditions);
    free(program->needs);
    free(program->polls);
    free(program->comes);
    free(program->leaves);
    *program = (struct program){0};
}
