/* SPDX-License-Identifier: Apache-2.0 */
/* Registers and streams of engines. */
#include "scenarios/run_internal.h"

#include <stdio.h>

enum { FIRST_PAUSE_PS = 10000, LAST_PAUSE_PS = 10000000, IDLE_LOOKS = 32 };

bool run_engines_at_work(const struct run *run) {
    for (uint32_t i = 0; i < run->scenario->device_count; i++)
        if (run->scenario->devices[i].is_engine &&
            (!ns_engine_is_quiet(run->machine, i) || ns_engine_timer_runs(run->machine, i)))
            return true;
    return false;
}

void run_engines_settle(struct run *run) {
    for (uint32_t i = 0; i < run->scenario->device_count; i++)
        if (run->scenario->devices[i].is_engine)
            ns_engine_settle(run->machine, i);
}

/* As `poll`: it ends when the value is seen, or when nobody is left who could bring it. */
static void poll_register(struct run *run, const struct ns_step *step) {
    uint64_t pause = FIRST_PAUSE_PS;
    unsigned idle = 0;
    run->moving--;
    while (idle < IDLE_LOOKS && !run->log->truncated) {
        uint32_t value = 0;
        const enum ns_status status = ns_hart_register_load(run->machine, step->actor, step->device, step->reg, &value);
        if (status != NS_OK || (value & step->mask) == step->value.number) {
            run->moving++;
            return;
        }
        const bool alone = (!run->free_order || run->moving == 0) && !run_engines_at_work(run);
        if (alone && !run->free_order)
            break;
        idle = alone ? idle + 1 : 0;
        ns_actor_pause(run->machine, step->actor, pause);
        pause = pause < LAST_PAUSE_PS ? 2 * pause : pause;
    }
    run->moving++;
    run_report_hang(run, step->actor,
                    "the poll never ends: the engine has come to rest, and its register has another value");
}

void run_register_step(struct run *run, const struct ns_step *step) {
    uint8_t data[4];
    uint32_t value = 0;
    switch (step->verb) {
    case NS_VERB_MMIO_WRITE:
        run_value_bytes(run, &step->value, data, sizeof data);
        for (unsigned i = 0; i < sizeof data; i++)
            value |= (uint32_t)data[i] << (8 * i);
        (void)ns_hart_register_write(run->machine, step->actor, step->device, step->reg, value);
        break;
    case NS_VERB_MMIO_POLL:
        poll_register(run, step);
        break;
    default:
        if (ns_hart_register_load(run->machine, step->actor, step->device, step->reg, &value) != NS_OK)
            break;
        for (unsigned i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)(value >> (8 * i));
        run_keep(run, step->result, data, sizeof data);
    }
}

static void feed(struct run *run, const struct ns_step *step, unsigned actor) {
    uint8_t *data = run_scratch(run, actor);
    const uint32_t length = (uint32_t)step->size;
    if (!run->free_order && !ns_engine_takes(run->machine, step->actor, length)) {
        run_report_hang(run, actor, "the feed never ends: the stream is full, and the engine takes nothing from it");
        return;
    }
    run_value_bytes(run, &step->value, data, length);
    run->moving--;
    ns_engine_feed(run->machine, step->actor, data, length, !step->goes_on);
    run->moving++;
}

static void drain(struct run *run, const struct ns_step *step, unsigned actor) {
    char why[128];
    if (!run->free_order && ns_engine_sent(run->machine, step->actor) == 0) {
        run_report_hang(run, actor, "the drain never ends: the engine has sent no frame");
        return;
    }
    run->moving--;
    ns_engine_wait_sent(run->machine, step->actor);
    run->moving++;
    const uint32_t length = ns_engine_sent(run->machine, step->actor);
    if (length != step->size) {
        snprintf(why, sizeof why, "the drain waits for a frame of %u bytes, and the engine has sent one of %u",
                 (unsigned)step->size, length);
        run_report_hang(run, actor, why);
        return;
    }
    uint8_t *data = run_scratch(run, actor);
    ns_engine_drain(run->machine, step->actor, data);
    run_keep(run, step->result, data, length);
}

void run_stream_step(struct run *run, const struct ns_step *step) {
    const unsigned actor = run_actor(run, step);
    if (step->verb == NS_VERB_FEED)
        feed(run, step, actor);
    else
        drain(run, step, actor);
}
