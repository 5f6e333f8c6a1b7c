/* SPDX-License-Identifier: Apache-2.0 */
/* A hart or a device that waits for a value in memory. */
#include "scenarios/run_internal.h"

#include <stdio.h>
#include <string.h>

/* A poll looks each 10 ns at first, then ever more seldom. Alone, it gives up after so many looks without a change:
 * time for what is under way on the bus to arrive. */
enum { POLL_PAUSE_PS = 10000, POLL_PAUSE_LIMIT_PS = 10000000, DRAIN_EACH = 64, IDLE_TURNS = 32 };

/* Lets buffers drain that could hold what a poll waits for: time passes while it spins. False when nothing is left to
 * drain. */
static bool drain_something(struct run *run) {
    for (unsigned i = 0; i < ns_machine_hardware_actor(run->machine); i++)
        if (ns_machine_buffered(run->machine, i) > 0) {
            if (i < run->scenario->machine.cache.harts)
                ns_hw_drain_hart(run->machine, i, 0, UINT64_MAX);
            else
                ns_hw_drain_device(run->machine, i - run->scenario->machine.cache.harts, 0, UINT64_MAX);
            return true;
        }
    return false;
}

struct poll {
    struct run *run;
    const struct ns_step *step;
    unsigned actor;
    uint32_t length;
    uint8_t wanted[8], data[8];
    ns_version versions[8];
};

static enum ns_status poll_once(struct poll *poll, unsigned flags) {
    struct run *run = poll->run;
    const struct ns_step *step = poll->step;
    if (step->actor_kind == NS_ACTOR_HART)
        return ns_hart_load(run->machine, step->actor, run_virtual(run, &step->ref), poll->length, poll->data,
                            poll->versions, flags);
    uint64_t intended;
    const uint64_t bus = run_programmed(run, step, &step->ref, &intended);
    return ns_device_read(run->machine, step->actor, bus, intended, poll->length, poll->data, poll->versions, flags);
}

/* The value was written, and this poll will never see it. An ordinary load says why, unless a look of the poll has said
 * it already; the report adds what that means for the program. */
static void report_blind_poll(struct poll *poll) {
    struct ns_log *log = poll->run->log;
    size_t first = log->hazard_count, end;
    (void)poll_once(poll, 0);
    end = log->hazard_count;
    if (end == first) {
        while (first > 0 && log->hazard[first - 1].site != run_site(poll->run, poll->step))
            first--;
        end = first;
        first -= first > 0;
    }
    for (size_t i = first; i < end; i++) {
        char why[sizeof log->hazard[i].detail];
        memcpy(why, log->hazard[i].detail, sizeof why);
        log->hazard[i].also = NS_OR_NO_PROGRESS;
        snprintf(log->hazard[i].detail, sizeof log->hazard[i].detail, "this poll never ends: %.*s",
                 (int)sizeof why - 32, why);
    }
}

static void end_poll(struct poll *poll) {
    struct run *run = poll->run;
    struct ns_event event = {
        .kind = NS_EVENT_POLL, .address = run_physical(run, &poll->step->ref), .length = poll->length, .peer = 0xff};
    for (uint32_t i = 0; i < poll->length; i++)
        event.link = poll->versions[i] > event.link ? poll->versions[i] : event.link;
    ns_actor_log(run->machine, poll->actor, &event);
    for (uint32_t i = 0; i < poll->length; i++)
        ns_tracker_poll(run->tracker, poll->actor, poll->versions[i]);
}

/* `poll` stands for the loop that a program spins in. It ends when the value is seen. What it does not see although
 * nobody else can move and every buffer has drained, it will never see. In the written order nobody else moves while it
 * spins. */
void run_poll(struct run *run, const struct ns_step *step) {
    struct poll poll = {
        .run = run, .step = step, .actor = run_actor(run, step), .length = (uint32_t)run_length(run, &step->ref)};
    run_value_bytes(run, &step->value, poll.wanted, poll.length);
    /* What leaves by a clock can do so behind a look: the next one sees it. */
    const struct ns_machine_config *machine = &run->scenario->machine;
    const bool timers = machine->store_buffer_drain == NS_DRAIN_AFTER || machine->posted_drain == NS_DRAIN_AFTER;
    const unsigned idle_turns = run->free_order ? IDLE_TURNS : timers ? 2 : 1;
    uint64_t pause = POLL_PAUSE_PS;
    unsigned idle = 0;
    run->moving--;
    for (uint64_t turn = 0; idle < idle_turns && !run->log->truncated; turn++) {
        if (poll_once(&poll, NS_ACCESS_POLL) != NS_OK) {
            run->moving++;
            return;
        }
        if (memcmp(poll.data, poll.wanted, poll.length) == 0) {
            run->moving++;
            end_poll(&poll);
            return;
        }
        const bool alone = !run->free_order || (run->moving == 0 && !run_engines_at_work(run));
        const bool drains = (alone || turn % DRAIN_EACH == DRAIN_EACH - 1) && drain_something(run);
        idle = alone && !drains ? idle + 1 : 0;
        if (!run->free_order && idle == idle_turns && run_has_stopped(run)) {
            run->moving++;
            run->limit = "a poll waits for a step that is stopped";
            return;
        }
        if (!run->free_order && idle == idle_turns)
            break;
        ns_actor_pause(run->machine, poll.actor, pause);
        pause = pause < POLL_PAUSE_LIMIT_PS ? 2 * pause : pause; /* a long wait need not fill the log */
    }
    run->moving++;
    if (ns_tracker_flat_equals(run->tracker, run_physical(run, &step->ref), poll.length, poll.wanted))
        report_blind_poll(&poll);
    else
        run_report_hang(run, poll.actor, "the poll never ends: nobody writes the value that it waits for");
}

void run_record_poll(struct run *run, const struct ns_step *step) {
    struct poll poll = {
        .run = run, .step = step, .actor = run_actor(run, step), .length = (uint32_t)run_length(run, &step->ref)};
    run_value_bytes(run, &step->value, poll.wanted, poll.length);
    if (poll_once(&poll, NS_ACCESS_POLL) != NS_OK)
        return;
    struct ns_recorded entry = {.kind = NS_RECORDED_POLL,
                                .actor = (uint8_t)poll.actor,
                                .address = run_physical(run, &step->ref),
                                .length = poll.length};
    ns_recording_add(run->options->recording, &entry, poll.wanted, poll.length);
}
