/* SPDX-License-Identifier: Apache-2.0 */
/* The moves of the hardware that a schedule asks for. */
#include "scenarios/run_internal.h"

#include <stdio.h>

static void move(struct run *run, const struct ns_schedule_item *item) {
    struct ns_machine *machine = run->machine;
    const uint64_t address = item->address;
    uint8_t byte;
    switch (item->kind) {
    case NS_SCHEDULE_FILL:
        if (ns_hw_may_fill(machine, item->actor, address))
            (void)ns_hw_prefetch(machine, item->actor, address);
        break;
    case NS_SCHEDULE_EVICT:
        (void)ns_hw_evict(machine, item->actor, address);
        break;
    case NS_SCHEDULE_EVICT_L1:
        (void)ns_hw_evict_l1(machine, item->actor, address);
        break;
    case NS_SCHEDULE_SAMPLE:
        if (ns_hw_may_fill(machine, item->actor, address))
            (void)ns_hw_sample(machine, item->actor, address);
        break;
    case NS_SCHEDULE_INSTALL:
        (void)ns_hw_install(machine, item->actor, address);
        break;
    case NS_SCHEDULE_DIRTY:
        if (ns_hw_may_fill(machine, item->actor, address))
            (void)ns_hw_speculative_store(machine, item->actor, address);
        break;
    case NS_SCHEDULE_DRAIN:
        if (item->has_address)
            (item->is_device ? ns_hw_drain_device_one : ns_hw_drain_hart_one)(machine, item->actor, address);
        else
            (item->is_device ? ns_hw_drain_device : ns_hw_drain_hart)(machine, item->actor, 0, UINT64_MAX);
        break;
    case NS_SCHEDULE_LOOK: {
        const uint64_t bus = item->is_device ? ns_device_bus_address(machine, item->actor, address) : UINT64_MAX;
        if (bus != UINT64_MAX)
            (void)ns_device_read(machine, item->actor, bus, address, 1, &byte, NULL, NS_ACCESS_POLL);
        if (item->is_device)
            break;
        const uint64_t linear = ns_machine_virtual(machine, address);
        if (linear != 0)
            (void)ns_hart_load(machine, item->actor, linear, 1, &byte, NULL, NS_ACCESS_POLL);
        break;
    }
    case NS_SCHEDULE_WALK:
        ns_hw_walk(machine, item->actor, address);
        break;
    case NS_SCHEDULE_FORGET:
        ns_hw_forget(machine, item->actor, address);
        break;
    case NS_SCHEDULE_RECALL:
        ns_hw_recall(machine, item->actor, address);
        break;
    case NS_SCHEDULE_HOLD:
        ns_hw_hold(machine, item->actor, address);
        break;
    case NS_SCHEDULE_RELEASE:
        ns_hw_release(machine, item->actor, address);
        break;
    case NS_SCHEDULE_AS_FLUSH:
        ns_hw_invalidate_as_flush(machine, true);
        run->as_flush = true;
        break;
    case NS_SCHEDULE_STEP:
    case NS_SCHEDULE_LATE: /* these hold for the whole run */
    case NS_SCHEDULE_NO_PREFETCHER:
    case NS_SCHEDULE_NO_TIMERS:
        break;
    }
}

static void make_next(struct run *run, size_t before) {
    const struct ns_schedule_item *item = &run->move[run->next_move++].item;
    struct ns_machine *machine = run->machine;
    const unsigned hardware = ns_machine_hardware_actor(machine);
    char text[NS_SCHEDULE_ITEM_TEXT];
    (void)ns_schedule_item_text(item, run->scenario, text);
    ns_log_moved(run->log, before, text);
    ns_actor_begin(machine, hardware, NS_NO_SITE, NS_NO_OBJECT);
    if (run->log->waveform != NULL && run->log->move_count > 0)
        ns_waveform_move(run->log->waveform, ns_machine_now_ps(machine), hardware, run->log->move_count - 1);
    const bool before_quiet = ns_machine_set_quiet(machine, true); /* a load of `look` is no operation of its step */
    move(run, item);
    ns_machine_set_quiet(machine, before_quiet);
    run_show_step(run, hardware, NS_NO_SITE);
}

/* `as-flush` without a place belongs to the step's first operation: it is made there. */
static bool waits_for_operation(const struct ns_schedule_item *item) {
    return item->part > 0 || item->kind == NS_SCHEDULE_AS_FLUSH;
}

void run_moves_before(struct run *run, size_t place) {
    run->at = place;
    while (run->next_move < run->move_count && run->move[run->next_move].place == place &&
           (place == run->plan_count || !waits_for_operation(&run->move[run->next_move].item)))
        make_next(run, run->log->executed_count);
}

void run_moves_inside(struct ns_machine *machine, unsigned actor, unsigned number, void *context) {
    struct run *run = context;
    if (run->at >= run->plan_count || run_actor(run, run->plan[run->at]) != actor)
        return;
    if (run->as_flush) {
        ns_hw_invalidate_as_flush(machine, false);
        run->as_flush = false;
    }
    while (run->next_move < run->move_count && run->move[run->next_move].place == run->at &&
           run->move[run->next_move].item.part <= number)
        make_next(run, run->log->executed_count == 0 ? 0 : run->log->executed_count - 1);
}

/* What the step did not come to is no part of it: its operations were fewer. */
void run_moves_end(struct run *run) {
    if (run->as_flush)
        ns_hw_invalidate_as_flush(run->machine, false);
    run->as_flush = false;
    while (run->next_move < run->move_count && run->move[run->next_move].place == run->at)
        make_next(run, run->log->executed_count);
}

/* ---- steps that stop for others -------------------------------------------------------------- */

void run_log_executed(struct run *run, uint32_t site) {
    ns_log_executed(run->log, site);
    if (run->stop == NULL || !run->stop[run->at].stops)
        return;
    const struct run_stop *stop = &run->stop[run->at];
    char address[NS_ADDRESS_TEXT], text[NS_LOG_STOP_BYTES];
    int used = stop->part > 0 ? snprintf(text, sizeof text, "@%u", stop->part) : 0;
    if (stop->address != UINT64_MAX)
        snprintf(text + used, sizeof text - (size_t)used, "%c%s%s", used > 0 ? ':' : '@', stop->comes ? "+" : "",
                 ns_format_address(stop->address, address));
    ns_log_stopped(run->log, text);
}

/* Its address counts from its operation number `part` on. */
static void arm(struct run *run, unsigned actor) {
    const struct run_stop *stop = &run->stop[run->at];
    ns_actor_stop_at(run->machine, actor, run->begun[actor] >= stop->part ? stop->address : UINT64_MAX, stop->comes);
}

void run_stop_arm(struct run *run, size_t place) {
    const unsigned actor = run_actor(run, run->plan[place]);
    run->at = place;
    if (!run->stop[place].continues)
        run->begun[actor] = 0;
    arm(run, actor);
}

bool run_stop_here(struct ns_machine *machine, unsigned actor, uint32_t number, void *context) {
    struct run *run = context;
    if (run->at >= run->plan_count || run_actor(run, run->plan[run->at]) != actor)
        return false;
    const struct run_stop *stop = &run->stop[run->at];
    if (number != NS_AT_ADDRESS) {
        run->begun[actor] = number;
        arm(run, actor);
    }
    if (!stop->stops || (number == NS_AT_ADDRESS) != (stop->address != UINT64_MAX) ||
        (number != NS_AT_ADDRESS && number < stop->part))
        return false;
    if (run->stop[stop->goes_on].turn != stop->turn) {
        ns_machine_next_turn(machine);
        ns_machine_wait_turn(machine, run->stop[stop->goes_on].turn);
    }
    run_stop_arm(run, stop->goes_on);
    run_log_executed(run, run_site(run, run->plan[run->at]));
    return true;
}

bool run_has_stopped(const struct run *run) {
    bool has = false;
    for (size_t i = 0; run->stop != NULL && i < run->at && i < run->plan_count && !has; i++)
        has = run->stop[i].stops && run->stop[i].goes_on > run->at;
    return has;
}
