/* SPDX-License-Identifier: Apache-2.0 */
/* Sets a scenario up on a machine, lets its actors run in the wanted order, and has it judged. */
#include "scenarios/runner.h"

#include "scenarios/run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- order ----------------------------------------------------------------------------------- */

/* The steps as written. */
static bool plan_all(struct run *run) {
    const struct ns_scenario *scenario = run->scenario;
    run->plan = malloc((scenario->step_count + 1) * sizeof *run->plan);
    if (run->plan == NULL)
        return false;
    for (size_t i = 0; i < scenario->step_count; i++)
        run->plan[i] = scenario->steps[run->options->record_order != NULL ? run->options->record_order[i] : i].step;
    run->plan_count = scenario->step_count;
    run->all_steps = true;
    return true;
}

/* Behind the last step of the actor's stretch that begins here. */
static size_t stretch_end(const struct run *run, size_t first) {
    size_t end = first;
    while (end < run->plan_count && run_same_actor(run->plan[end], run->plan[first]))
        end++;
    return end;
}

/* In free order a step of the hardware comes behind all that stands before it, unless that never ends. */
static void wait_for_those_before(struct run *run, size_t place) {
    const unsigned hardware = ns_machine_hardware_actor(run->machine);
    enum { FIRST_PAUSE_PS = 1000, LONGEST_PAUSE_PS = 10000000, IDLE_TURNS = 32 };
    uint64_t pause = FIRST_PAUSE_PS;
    run->moving--;
    for (unsigned idle = 0; idle < IDLE_TURNS;) {
        bool over = true;
        for (unsigned other = 0; other < hardware && over; other++)
            over = run->place[other] > place;
        if (over)
            break;
        idle = run->moving == 0 && !run_engines_at_work(run) ? idle + 1 : 0;
        ns_actor_pause(run->machine, hardware, pause);
        pause = idle > 0 && pause < LONGEST_PAUSE_PS ? 2 * pause : pause;
    }
    run->moving++;
}

/* An actor's share. In written order turns count the stretches in which one actor is at work, so that an actor with
 * many steps in a row goes on without a word to the others. */
static void program(struct ns_machine *machine, unsigned actor, void *context) {
    struct run *run = context;
    uint64_t turn = 0;
    for (size_t i = 0; i < run->plan_count; turn++) {
        size_t end = stretch_end(run, i);
        if (run_actor(run, run->plan[i]) != actor) {
            i = end;
            continue;
        }
        if (!run->free_order)
            ns_machine_wait_turn(machine, turn);
        for (; i < end; i++) {
            if (run->stop != NULL && run->stop[i].continues) { /* it had come to its end before it could stop */
                run_moves_before(run, i);
                run_moves_end(run);
                continue;
            }
            run->place[actor] = i;
            if (run->free_order && actor == ns_machine_hardware_actor(machine))
                wait_for_those_before(run, i);
            if (run->options->recording != NULL)
                run_record_begin(run, i);
            if (run->move_count > 0)
                run_moves_before(run, i);
            if (run->stop != NULL)
                run_stop_arm(run, i);
            run_step(run, run->plan[i]);
            if (run->stop != NULL && run->at != i) { /* others were at work, and it went on in a later stretch */
                i = run->at;
                turn = run->stop[i].turn;
                end = stretch_end(run, i);
            }
            run_show_step(run, actor, NS_NO_SITE);
            if (run->move_count > 0)
                run_moves_end(run);
            if (run->move_count > 0 && i + 1 == run->plan_count)
                run_moves_before(run, run->plan_count);
            run->interrupted = run->options->stop != NULL && *run->options->stop != 0;
            if (run->log->truncated || run->interrupted || run->limit != NULL) {
                ns_machine_stop(machine); /* what follows could not be told apart any more */
                ns_actor_pause(machine, actor, UINT32_MAX);
            }
        }
        if (!run->free_order)
            ns_machine_next_turn(machine);
    }
    run->place[actor] = SIZE_MAX;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

/* How the program and a device tell each other where they are: what it says is checked, what it does not say is taken
 * from the written order. */
struct conversation {
    bool starts, rings_doorbell, signals;
};

static bool writes_to(const struct ns_scenario *scenario, uint32_t device, uint32_t object) {
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

/* Does this step find out whether an engine is done: by its registers, or by the status of a descriptor? */
static bool looks_for_end(const struct ns_scenario *scenario, const struct ns_step *step, uint32_t device) {
    if (step->verb == NS_VERB_MMIO_POLL)
        return step->device == device;
    return step->verb == NS_VERB_POLL && step->actor_kind == NS_ACTOR_HART && step->ref.kind == NS_REF_OBJECT &&
           scenario->objects[step->ref.index].descriptor;
}

static struct conversation conversation_with(const struct ns_scenario *scenario, uint32_t device) {
    struct conversation with = {0};
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        if (step->verb == NS_VERB_START && step->actor == device)
            with.starts = true;
        if (step->verb == NS_VERB_DOORBELL && step->device == device)
            with.rings_doorbell = true;
        if (step->verb == NS_VERB_WAIT && scenario->irqs[step->irq].device == device)
            with.signals = true;
        if (step->verb == NS_VERB_POLL && step->actor_kind == NS_ACTOR_HART && step->ref.kind == NS_REF_OBJECT &&
            writes_to(scenario, device, step->ref.index))
            with.signals = true;
    }
    with.rings_doorbell = with.rings_doorbell || with.starts;
    if (scenario->devices[device].is_engine) {
        with.rings_doorbell = true; /* it does nothing before its registers are written */
        for (size_t i = 0; i < scenario->written_count; i++)
            with.signals = with.signals || looks_for_end(scenario, &scenario->written[i], device);
    }
    return with;
}

static uint64_t mask_of(uint32_t bits) {
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

static void describe_device(struct run *run, uint32_t index, struct ns_machine_device *machine_device) {
    const struct ns_scenario *scenario = run->scenario;
    const struct ns_device *declared = &scenario->devices[index];
    const struct conversation with = conversation_with(scenario, index);
    *machine_device = (struct ns_machine_device){.name = declared->name,
                                                 .dma_bits = declared->dma_bits,
                                                 .snoops = declared->snoops,
                                                 .declared_coherent = declared->declared_coherent,
                                                 .burst = declared->burst,
                                                 .outstanding = declared->outstanding,
                                                 .has_posted = declared->has_posted,
                                                 .posted_entries = declared->posted,
                                                 .starts = with.starts,
                                                 .rings_doorbell = with.rings_doorbell,
                                                 .signals = with.signals};
    if (declared->is_engine) {
        machine_device->axi_dma = &declared->engine;
        machine_device->registers = declared->registers;
        for (unsigned c = 0; c < NS_AXI_DMA_CHANNELS; c++) /* one line for both, when only one is named */
            machine_device->introut[c] =
                declared->irq_count == 0 ? NS_NO_IRQ : (uint8_t)declared->irqs[c < declared->irq_count ? c : 0];
    }
    size_t ranges = 0;
    for (size_t turn = 0; turn < 2 * scenario->machine.window_count; turn++) {
        /* The device's own windows come before those for all, as in the interconnect. */
        const bool own = turn < scenario->machine.window_count;
        const struct ns_dma_window *window = &scenario->machine.window[turn % scenario->machine.window_count];
        if (own ? strcmp(window->device, declared->name) == 0 : window->device[0] == '\0')
            run->range[index][ranges++] = (struct ns_bus_range){window->physical, window->bus, window->length};
    }
    run->device[index] = (struct ns_pool_device){
        .name = declared->name,
        .dma_mask = mask_of(declared->dma_mask_bits),
        .coherent_dma_mask = mask_of(declared->coherent_mask_bits),
        .bus_dma_limit = declared->bus_limit,
        .coherent = declared->declared_coherent,
        .ranges = ranges == 0 ? NULL : run->range[index],
        .range_count = ranges,
        .driver = declared->name,
        .max_segment_size = declared->max_segment,
        .segment_boundary = declared->segment_boundary == 0 ? 0 : declared->segment_boundary - 1,
        .min_align_mask = declared->min_align_mask,
        .untrusted = declared->untrusted};
}

static bool place_object(struct run *run, uint32_t index) {
    const struct ns_object *declared = &run->scenario->objects[index];
    struct run_object *object = &run->object[index];
    object->tracked = NS_NO_OBJECT;
    object->bus = NS_DMA_MAPPING_ERROR;
    if (declared->kind == NS_OBJECT_ALLOCATED)
        return true;
    object->exists = true;
    object->size = declared->size;
    struct ns_tracked_object tracked = {.length = declared->size, .descriptor = declared->descriptor};
    tracked.type = declared->has_type ? declared->type : NS_TYPE_CACHEABLE;
    tracked.coherent = tracked.type != NS_TYPE_CACHEABLE;
    if (declared->kind == NS_OBJECT_ALIAS) {
        object->physical = run->object[declared->of].physical;
        object->size = run->object[declared->of].size;
        object->virtual_address = ns_machine_alias(run->machine, object->physical, object->size, declared->type);
        if (object->virtual_address == 0)
            return false;
        /* The same bytes as its target: it only says what type accesses through it are meant to have. */
        tracked.length = 0;
    } else {
        object->physical = run->placement.address[index];
        object->virtual_address = ns_machine_virtual(run->machine, object->physical);
        if (tracked.coherent &&
            ns_machine_set_type(run->machine, object->virtual_address, object->size, declared->type) != NS_OK)
            return false;
        const uint32_t site =
            ns_log_add_site(run->log, declared->place.line, declared->place.column, declared->place.width);
        if (ns_machine_fill(run->machine, site, object->physical, object->size,
                            declared->has_fill ? declared->fill : 0) != NS_OK)
            return false;
        if (declared->count > 1)
            tracked.stride = declared->stride;
    }
    tracked.first = object->physical;
    snprintf(tracked.name, sizeof tracked.name, "%s", declared->name);
    if (declared->field_count > 0) {
        uint32_t *offsets = malloc(declared->field_count * sizeof *offsets);
        if (offsets == NULL)
            return false;
        for (size_t f = 0; f < declared->field_count; f++)
            offsets[f] = declared->fields[f].offset;
        tracked.field_offset = offsets;
        tracked.field_count = (uint32_t)declared->field_count;
        object->field_offsets = offsets;
    }
    object->tracked = ns_tracker_add_object(run->tracker, &tracked);
    return true;
}

static char *copy_text(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    return copy == NULL ? NULL : strcpy(copy, text);
}

/* False without host memory. */
static bool describe_log(struct run *run) {
    const struct ns_scenario *scenario = run->scenario;
    run->log->file = copy_text(scenario->file);
    run->log->scenario = copy_text(scenario->name);
    run->log->machine = copy_text(scenario->machine.name);
    run->log->lines = scenario->lines;
    run->log->line_count = scenario->line_count;
    run->log->order_free = run->free_order;
    run->log->chaos = run->options->chaos;
    run->log->scheduled = run->options->schedule != NULL;
    run->log->seed = run->options->chaos        ? run->options->chaos_seed
                     : run->options->seed_given ? run->options->seed
                                                : scenario->seed;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        ns_log_add_site(run->log, step->line, step->verb_place.column, step->verb_place.width);
    }
    return run->log->file != NULL && run->log->scenario != NULL && run->log->machine != NULL;
}

/* Some program still waits and nothing can happen any more: each waits at the step that it began last. */
static void report_stuck(struct run *run, const bool *finished) {
    for (unsigned actor = 0; actor <= ns_machine_hardware_actor(run->machine); actor++)
        if (!finished[actor])
            run_report_hang(run, actor, "this step never ends: what it waits for does not happen");
}

static enum ns_status set_up(struct run *run, char *message, size_t size) {
    const struct ns_scenario *scenario = run->scenario;
    uint32_t at_fault;
    char reason[256] = "";
    enum ns_status status = ns_scenario_place(scenario, &run->placement, &at_fault, reason, sizeof reason);
    if (status != NS_OK) {
        snprintf(message, size, "%s", reason);
        return status;
    }
    struct ns_machine_device devices[NS_LIMIT_DEVICES];
    for (uint32_t i = 0; i < scenario->device_count; i++)
        describe_device(run, i, &devices[i]);
    struct ns_machine_config config = scenario->machine;
    if (run->options->chaos)
        run_chaos_machine(run, &config);
    if (run->late && config.cache.late_write_backs == 0)
        config.cache.late_write_backs = RUN_LATE_LINES;
    if (run->no_prefetcher) {
        config.prefetch_next_line = false;
        config.stride.streams = 0;
    }
    if (run->no_timers && config.store_buffer_drain == NS_DRAIN_AFTER)
        config.store_buffer_drain = NS_DRAIN_LAZY;
    if (run->no_timers && config.posted_drain == NS_DRAIN_AFTER)
        config.posted_drain = NS_DRAIN_LAZY;
    config.cache.seed = run->options->seed_given ? run->options->seed : scenario->seed;
    if (!describe_log(run))
        return NS_ERROR_MEMORY;
    run->machine = ns_machine_create(&config, devices, scenario->device_count, run->log, reason, sizeof reason);
    if (run->machine == NULL) {
        snprintf(message, size, "machine \"%s\" cannot be built: %s", config.name, reason);
        return strcmp(reason, "out of memory") == 0 ? NS_ERROR_MEMORY : NS_ERROR_ARGUMENT;
    }
    run->tracker = ns_machine_tracker(run->machine);
    run->at = SIZE_MAX; /* no step yet: the kernel boots */
    if (run->move_count > 0)
        ns_machine_set_hook(run->machine, run_moves_inside, run);
    if (run->stop != NULL)
        ns_machine_set_stop_hook(run->machine, run_stop_here, run);
    if (run->options->recording != NULL)
        ns_tracker_record(run->tracker, run->options->recording);
    for (uint32_t i = 0; i < scenario->object_count; i++)
        if (!place_object(run, i)) {
            snprintf(message, size, "`%s` cannot be mapped: the machine's page tables are full",
                     scenario->objects[i].name);
            return NS_ERROR_LIMIT;
        }
    ns_machine_port_init(&run->port, run->machine);
    run->port.log = run->log;
    return NS_OK;
}

struct actor_program {
    struct run *run;
    bool finished;
    bool prepares; /* hart 0 makes the pools before its first step */
    char message[256];
};

static void actor_main(struct ns_machine *machine, unsigned actor, void *context) {
    struct actor_program *own = context;
    if (own->prepares && !run_prepare_pools(own->run, own->message, sizeof own->message)) {
        ns_machine_stop(machine);
        return;
    }
    if (own->prepares)
        own->run->prepared = true;
    while (!own->run->prepared)
        ns_actor_pause(machine, actor, own->run->scenario->machine.hart_clock_ps);
    program(machine, actor, own->run);
    if (own->run->free_order) /* what was started comes to its end */
        run_engines_settle(own->run);
    own->finished = true;
    own->run->moving--;
}

static enum ns_status execute(struct run *run, char *message, size_t size) {
    struct actor_program own[NS_MAX_ACTORS];
    const unsigned actors = ns_machine_hardware_actor(run->machine) + 1;
    run->moving = actors;
    for (unsigned i = 0; i < actors; i++) {
        own[i] = (struct actor_program){.run = run, .prepares = i == 0};
        ns_machine_set_program(run->machine, i, actor_main, &own[i]);
    }
    enum ns_status status = ns_machine_run(run->machine);
    if (own[0].message[0] != '\0') {
        snprintf(message, size, "%s", own[0].message);
        return run->no_memory ? NS_ERROR_MEMORY : NS_ERROR_ARGUMENT;
    }
    if (status == NS_ERROR_TIMEOUT && (run->log->truncated || run->interrupted || run->limit != NULL))
        status = NS_OK;
    if (status == NS_ERROR_TIMEOUT) {
        bool finished[NS_MAX_ACTORS];
        for (unsigned i = 0; i < actors; i++)
            finished[i] = own[i].finished;
        report_stuck(run, finished);
        status = NS_OK;
    }
    return status;
}

static void release_lists(struct run_list *list, size_t count) {
    for (size_t i = 0; list != NULL && i < count; i++) {
        free(list[i].segment);
        free(list[i].entry);
    }
    free(list);
}

/* Every list with room for its entries, none of them mapped. */
static struct run_list *make_lists(const struct ns_scenario *scenario) {
    struct run_list *list = calloc(scenario->list_count + 1, sizeof *list);
    for (size_t i = 0; list != NULL && i < scenario->list_count; i++) {
        list[i].segment = calloc(scenario->lists[i].count, sizeof *list[i].segment);
        list[i].entry = calloc(scenario->lists[i].count, sizeof *list[i].entry);
        if (list[i].segment == NULL || list[i].entry == NULL) {
            release_lists(list, i + 1);
            return NULL;
        }
        for (uint32_t s = 0; s < scenario->lists[i].count; s++)
            list[i].segment[s] =
                (struct run_segment){.bus = NS_DMA_MAPPING_ERROR, .length = scenario->lists[i].lengths[s]};
    }
    return list;
}

static void release(struct run *run) {
    if (run->machine != NULL)
        ns_machine_port_release(&run->port);
    ns_machine_destroy(run->machine);
    ns_placement_release(&run->placement);
    for (size_t i = 0; run->reg != NULL && i < run->scenario->register_count; i++)
        free(run->reg[i].data);
    for (size_t i = 0; run->object != NULL && i < run->scenario->object_count; i++)
        free(run->object[i].field_offsets);
    for (size_t i = 0; i < NS_MAX_ACTORS; i++)
        free(run->scratch[i]);
    free(run->object);
    free(run->reg);
    free(run->pool);
    release_lists(run->list, run->scenario->list_count);
    free(run->plan);
    free(run->stop);
    free(run->move);
    free(run->executed);
}

enum ns_status ns_run_scenario(const struct ns_scenario *scenario, const struct ns_run_options *options,
                               struct ns_log *log, char *message, size_t message_size) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NS_ERROR_MEMORY;
    message[0] = '\0';
    run->scenario = scenario;
    run->options = options;
    run->log = log;
    run->random = options->chaos_seed;
    run->free_order = options->schedule == NULL && (options->order_given ? options->order_free : scenario->order_free);
    run->object = calloc(scenario->object_count + 1, sizeof *run->object);
    run->reg = calloc(scenario->register_count + 1, sizeof *run->reg);
    run->pool = calloc(scenario->pool_count + 1, sizeof *run->pool);
    run->list = make_lists(scenario);
    run->executed = calloc(scenario->written_count + 1, sizeof *run->executed);
    enum ns_status status = NS_ERROR_MEMORY;
    if (run->object != NULL && run->reg != NULL && run->pool != NULL && run->list != NULL && run->executed != NULL)
        status = options->schedule != NULL ? run_plan_schedule(run, message, message_size)
                 : plan_all(run)           ? NS_OK
                                           : NS_ERROR_MEMORY;
    if (status == NS_OK)
        status = set_up(run, message, message_size);
    if (status == NS_OK)
        status = execute(run, message, message_size);
    if (status == NS_OK) {
        if (options->recording == NULL)
            ns_tracker_finish(run->tracker);
        if (log->truncated || run->interrupted || run->limit != NULL) {
            struct ns_outcome outcome = {.kind = NS_OUTCOME_INCOMPLETE, .hazard = UINT32_MAX};
            const char *why = run->limit != NULL ? run->limit
                              : log->truncated
                                  ? "it has more events or hazards, or touches more memory, than nosnoop keeps"
                                  : "it was interrupted";
            snprintf(outcome.text, sizeof outcome.text, "the run was stopped: %s", why);
            ns_log_add_outcome(log, &outcome);
            run->all_steps = false;
        }
        if (options->recording != NULL)
            run_record_conditions(run);
        else
            run_judge(run);
        const bool unrecorded = options->recording != NULL && options->recording->no_memory;
        if (run->no_memory || unrecorded ||
            (log->truncated && ns_log_passed(log))) /* the outcomes themselves found no room */
            status = NS_ERROR_MEMORY;
    }
    if (status != NS_OK && message[0] == '\0')
        snprintf(message, message_size, "%s", ns_status_text(status));
    release(run);
    free(run);
    return status;
}
