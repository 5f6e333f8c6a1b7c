/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/orders.h"

#include "verify/program.h"

#include <stdlib.h>
#include <string.h>

struct builder {
    const struct ns_scenario *scenario;
    struct orders *orders;
    uint32_t *allocation; /* the steps that allocate, in written order */
    size_t count;
    uint32_t *chosen; /* the order under way */
    bool *used;
    bool failed;
};

static const struct ns_step *step_at(const struct builder *builder, uint32_t number) {
    return builder->scenario->steps[number].step;
}

/* Does a step use what an earlier allocation made? Then it cannot come before it. */
static bool uses(const struct ns_step *step, const struct ns_step *maker) {
    const bool makes =
        maker->verb == NS_VERB_ALLOC || maker->verb == NS_VERB_ALLOC_COHERENT || maker->verb == NS_VERB_ALLOC_PAGES;
    return makes && step->ref.kind == NS_REF_OBJECT && step->ref.index == maker->result;
}

/* All steps, with the allocations in the chosen order: others stay as early as they can. */
static void write_order(struct builder *builder) {
    struct orders *orders = builder->orders;
    const size_t steps = builder->scenario->step_count;
    if (orders->count == ORDERS_LIMIT) {
        orders->more = true;
        return;
    }
    uint32_t *order = malloc((steps + 1) * sizeof *order);
    bool *done = calloc(steps + 1, sizeof *done);
    if (order == NULL || done == NULL) {
        builder->failed = true;
        free(order);
        free(done);
        return;
    }
    size_t count = 0, next = 0;
    while (count < steps) {
        bool moved = false;
        uint32_t blocked_harts = 0, blocked_devices = 0;
        for (uint32_t i = 0; i < steps && !moved; i++) {
            if (done[i])
                continue;
            const struct ns_step *step = step_at(builder, i);
            uint32_t *blocked = step->actor_kind == NS_ACTOR_HART ? &blocked_harts : &blocked_devices;
            const bool waits =
                (*blocked >> step->actor & 1) != 0 || (program_allocates(step->verb) && builder->chosen[next] != i);
            if (waits) {
                *blocked |= 1u << step->actor;
                continue;
            }
            next += program_allocates(step->verb);
            done[i] = true;
            order[count++] = i;
            moved = true;
        }
        if (!moved) {
            free(order);
            free(done);
            return; /* no order of the whole program has these allocations in this order */
        }
    }
    free(done);
    orders->order[orders->count++] = order;
}

static void choose(struct builder *builder, size_t place) {
    if (place == builder->count) {
        write_order(builder);
        return;
    }
    for (size_t i = 0; i < builder->count && !builder->failed && !builder->orders->more; i++) {
        bool free_to_come = !builder->used[i];
        for (size_t before = 0; before < i && free_to_come; before++) {
            const struct ns_step *earlier = step_at(builder, builder->allocation[before]);
            const struct ns_step *step = step_at(builder, builder->allocation[i]);
            const bool same_hart = earlier->actor == step->actor;
            free_to_come = builder->used[before] || (!same_hart && !uses(step, earlier));
        }
        if (!free_to_come)
            continue;
        builder->used[i] = true;
        builder->chosen[place] = builder->allocation[i];
        choose(builder, place + 1);
        builder->used[i] = false;
    }
}

bool orders_create(struct orders *orders, const struct ns_scenario *scenario) {
    *orders = (struct orders){0};
    struct builder builder = {.scenario = scenario, .orders = orders};
    uint32_t harts = 0;
    builder.allocation = malloc((scenario->step_count + 1) * sizeof *builder.allocation);
    builder.chosen = malloc((scenario->step_count + 1) * sizeof *builder.chosen);
    builder.used = calloc(scenario->step_count + 1, sizeof *builder.used);
    bool good = builder.allocation != NULL && builder.chosen != NULL && builder.used != NULL;
    for (uint32_t i = 0; i < scenario->step_count && good; i++) {
        const struct ns_step *step = scenario->steps[i].step;
        if (!program_allocates(step->verb))
            continue;
        builder.allocation[builder.count++] = i;
        harts |= 1u << step->actor;
    }
    if ((harts & (harts - 1)) != 0)
        choose(&builder, 0);
    good = good && !builder.failed;
    free(builder.allocation);
    free(builder.chosen);
    free(builder.used);
    if (orders->count == 0)
        orders->count = 1; /* one hart allocates, or none: as written */
    if (!good)
        orders_release(orders);
    return good;
}

void orders_release(struct orders *orders) {
    for (size_t i = 0; i < orders->count; i++)
        free(orders->order[i]);
    *orders = (struct orders){0};
}
