/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that call the allocators and the DMA API: the frame around each call. */
#include "scenarios/run_internal.h"

/* ---- one call at a time ---------------------------------------------------------------------- */

/* The allocators' lock, and the frame around each call: what they do happens on this hart, inside this event. */
uint32_t run_call_begin(struct run *run, unsigned hart, struct ns_event *event) {
    while (run->port_busy && run->stop != NULL) {
        run->limit = "a call begins while a hart is stopped in one";
        ns_machine_stop(run->machine);
        ns_actor_pause(run->machine, hart, UINT32_MAX);
    }
    while (run->port_busy)
        ns_actor_pause(run->machine, hart, run->scenario->machine.hart_clock_ps);
    run->port_busy = true;
    run->port.hart = hart;
    const uint32_t number = ns_actor_log(run->machine, hart, event);
    run->port.event = number;
    run->port.site = ns_actor_site(run->machine, hart);
    run->port.status = NS_OK;
    ns_actor_inside(run->machine, hart, number);
    return number;
}

/* The caller's own accesses carry its object; the allocators' do not. */
void run_call_end(struct run *run, unsigned hart) {
    ns_actor_inside(run->machine, hart, NS_NO_EVENT);
    run->port_busy = false;
}

void run_report(struct run *run, enum ns_hazard_id id, enum ns_symptom symptom, uint32_t event, uint64_t first,
                uint64_t length, const char *detail) {
    ns_tracker_report(run->tracker, id, symptom, event, first, length == 0 ? first : first + length - 1, NS_NO_EVENT,
                      NS_NOTE_OTHER, detail);
}

void run_api_step(struct run *run, const struct ns_step *step) {
    ns_actor_begin(run->machine, step->actor, run_site(run, step), NS_NO_OBJECT);
    switch (step->verb) {
    case NS_VERB_MAP:
    case NS_VERB_MAP_RESOURCE:
        run_map(run, step);
        break;
    case NS_VERB_UNMAP:
    case NS_VERB_UNMAP_RESOURCE:
    case NS_VERB_SYNC_FOR_CPU:
    case NS_VERB_SYNC_FOR_DEVICE:
        run_unmap_or_sync(run, step);
        break;
    case NS_VERB_MAP_SG:
        run_map_sg(run, step);
        break;
    case NS_VERB_UNMAP_SG:
    case NS_VERB_SYNC_SG_FOR_CPU:
    case NS_VERB_SYNC_SG_FOR_DEVICE:
        run_unmap_or_sync_sg(run, step);
        break;
    case NS_VERB_MAPPING_ERROR:
        run_mapping_error(run, step);
        break;
    case NS_VERB_ALLOC:
        run_alloc(run, step);
        break;
    case NS_VERB_ALLOC_COHERENT:
        run_alloc_coherent(run, step);
        break;
    case NS_VERB_ALLOC_PAGES:
        run_alloc_pages(run, step);
        break;
    case NS_VERB_PIN:
    case NS_VERB_UNPIN:
        run_pin(run, step);
        break;
    case NS_VERB_UNBIND:
        run_unbind(run, step);
        break;
    case NS_VERB_WORKER:
        run_worker(run, step);
        break;
    default: /* NS_VERB_FREE */
        run_free(run, step);
    }
}
