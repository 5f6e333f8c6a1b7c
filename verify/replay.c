/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/replay.h"

#include "model/grow.h"
#include "verify/verify_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- matching -------------------------------------------------------------------------------- */

static bool fits(enum ns_symptom symptom, enum finding_kind kind) {
    switch (kind) {
    case FOUND_STALE:
        return symptom == NS_SYMPTOM_STALE || symptom == NS_SYMPTOM_LEAK;
    case FOUND_LOST:
        return symptom == NS_SYMPTOM_LOST;
    case FOUND_TYPE:
    case FOUND_FAULT:
        return symptom == NS_SYMPTOM_FAULT;
    case FOUND_LEAK:
        return symptom == NS_SYMPTOM_LEAK;
    case FOUND_OWNER:
        return symptom == NS_SYMPTOM_OWNERSHIP || symptom == NS_SYMPTOM_ORDER;
    case FOUND_HANG:
    case FOUND_KINDS:
        break;
    }
    return true; /* a poll that hangs is told by its cause */
}

/* Does the hazard, or a repeat of it, concern bytes of the finding? */
static bool meets(const struct ns_hazard *hazard, const struct discovery *discovery) {
    bool met = hazard->first <= discovery->last && discovery->first <= hazard->last;
    for (uint32_t i = 0; i < hazard->repeat_count && !met; i++)
        met = hazard->repeat[i].first <= discovery->last && discovery->first <= hazard->repeat[i].last;
    return met;
}

/* A poll of bytes that were lost meets the damage and hangs: that is told with the loss. */
static bool is_met_at(const struct ns_hazard *hazard, uint32_t site) {
    bool met = false;
    for (uint32_t c = 0; c < hazard->consequence_count && !met; c++)
        met = hazard->consequence_site[c] == site;
    return met;
}

size_t replay_match(const struct ns_log *log, const struct discovery *discovery, uint32_t site) {
    const enum finding_kind kind = (enum finding_kind)discovery->finding.kind;
    size_t here = SIZE_MAX, late = SIZE_MAX;
    /* A schedule ends with what it shows: of several that fit, the last one. Of bytes that were never written a report
     * tells the first. */
    for (size_t i = 0; i < log->hazard_count; i++) {
        const struct ns_hazard *hazard = &log->hazard[i];
        if (!fits(hazard->symptom, kind) || (!meets(hazard, discovery) && kind != FOUND_HANG && kind != FOUND_LEAK))
            continue;
        if ((hazard->site == site || (kind == FOUND_HANG && is_met_at(hazard, site))) &&
            (here == SIZE_MAX || hazard->event >= log->hazard[here].event))
            here = i;
        if (late == SIZE_MAX || hazard->event >= log->hazard[late].event)
            late = i;
    }
    /* A write that arrives late is blamed on the step that made it, whenever that was. */
    return here == SIZE_MAX && kind == FOUND_LOST ? late : here;
}

/* ---- the list of hazards --------------------------------------------------------------------- */

static bool keep_log(struct ns_verify_result *result, struct ns_log *log) {
    struct ns_log **grown = realloc(result->logs, (result->log_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    result->logs = grown;
    result->logs[result->log_count++] = log;
    return true;
}

static bool is_known(const struct ns_verify_result *result, const struct ns_hazard *hazard) {
    for (size_t i = 0; i < result->hazard_count; i++) {
        const struct ns_hazard *other = &result->hazards[i].log->hazard[result->hazards[i].index];
        if (other->id == hazard->id && other->site == hazard->site && other->symptom == hazard->symptom)
            return true;
    }
    return false;
}

static bool is_expected(const struct ns_scenario *scenario, const struct ns_hazard *hazard) {
    for (uint32_t c = 0; c <= hazard->consequence_count; c++) {
        const uint32_t site = c == 0 ? hazard->site : hazard->consequence_site[c - 1];
        if (site >= scenario->written_count)
            continue;
        const struct ns_step *step = &scenario->written[site];
        for (uint32_t e = 0; e < step->expect_count; e++)
            if (step->expect[e] == hazard->id || step->expect[e] == hazard->also)
                return true;
    }
    return false;
}

static bool add_hazard(struct verification *all, struct ns_log *log, size_t index, const struct discovery *discovery) {
    struct ns_verify_result *result = all->result;
    struct ns_verify_hazard *grown = realloc(result->hazards, (result->hazard_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    result->hazards = grown;
    struct ns_verify_hazard *made = &result->hazards[result->hazard_count];
    const struct ns_hazard *hazard = &log->hazard[index];
    *made = (struct ns_verify_hazard){.log = log, .index = index, .expected = is_expected(all->scenario, hazard)};
    const size_t count = discovery != NULL ? discovery->schedule_count : hazard->executed;
    struct ns_schedule_item *schedule = malloc((count + 1) * sizeof *schedule);
    if (schedule == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        schedule[i] = discovery != NULL ? discovery->schedule[i]
                                        : (struct ns_schedule_item){.kind = NS_SCHEDULE_STEP,
                                                                    .line = log->site[log->executed[i]].line};
    made->schedule = schedule;
    made->schedule_count = count;
    made->length = discovery != NULL ? discovery->length : (uint32_t)count;
    made->schedule_text = ns_schedule_text(schedule, count, all->scenario);
    result->hazard_count++;
    return made->schedule_text != NULL;
}

/* ---- refusals and the plain run -------------------------------------------------------------- */

static struct ns_log *copy_for_keeping(struct verification *all) {
    struct ns_log *log = ns_log_create();
    if (log != NULL && !keep_log(all->result, log)) {
        ns_log_destroy(log);
        return NULL;
    }
    return log;
}

/* Everything that a run shows is a behaviour too. *ended_ps: when it ended. */
static enum ns_status take_run(struct verification *all, struct child *child, uint64_t *ended_ps) {
    struct ns_log *log = copy_for_keeping(all);
    if (log == NULL)
        return NS_ERROR_MEMORY;
    char message[256];
    const enum ns_status status = child_finish(child, log, NULL, message, sizeof message);
    if (status != NS_OK)
        return status == NS_ERROR_MEMORY ? status : NS_OK;
    log->lines = all->scenario->lines;
    log->line_count = all->scenario->line_count;
    *ended_ps = log->end_ps;
    for (size_t i = 0; i < log->hazard_count; i++)
        if (!is_known(all->result, &log->hazard[i]) && !add_hazard(all, log, i, NULL))
            return NS_ERROR_MEMORY;
    return NS_OK;
}

static enum ns_status run_in_order(struct verification *all, const uint32_t *order) {
    const struct ns_scenario *scenario = all->scenario;
    struct ns_schedule_item *schedule = calloc(scenario->step_count + 1, sizeof *schedule);
    struct child child;
    uint64_t ended_ps;
    if (schedule == NULL)
        return NS_ERROR_MEMORY;
    for (size_t i = 0; i < scenario->step_count; i++)
        schedule[i] = (struct ns_schedule_item){.kind = NS_SCHEDULE_STEP, .line = scenario->steps[order[i]].step->line};
    const enum ns_status status = child_run(&child, scenario, schedule, scenario->step_count)
                                      ? take_run(all, &child, &ended_ps)
                                      : NS_ERROR_MEMORY;
    free(schedule);
    return status;
}

enum ns_status keep_refusals(struct verification *all, const struct ns_log *log, const uint32_t *order) {
    if (log->hazard_count == 0)
        return NS_OK;
    if (all->options->verdict_only || all->options->stories_only) {
        all->found.refused += log->hazard_count;
        return NS_OK;
    }
    /* In the written order, the plain run shows the same with all that belongs to a report. */
    return order == NULL ? NS_OK : run_in_order(all, order);
}

/* ---- replays --------------------------------------------------------------------------------- */

static int shorter_first(const void *a, const void *b) {
    const struct discovery *left = a, *right = b;
    if (left->length != right->length)
        return left->length < right->length ? -1 : 1;
    if (left->step != right->step)
        return left->step < right->step ? -1 : 1;
    return left->key < right->key ? -1 : left->key > right->key;
}

/* One story of several lines is told once, by its shortest way. */
static void drop_repetitions(struct search_result *found) {
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        bool known = false;
        for (size_t j = 0; j < kept && !known; j++)
            known = found->discoveries[j].key == found->discoveries[i].key;
        if (known)
            free(found->discoveries[i].schedule);
        else
            found->discoveries[kept++] = found->discoveries[i];
    }
    found->count = kept;
}

/* What a reader would call the same trouble: at this step, of this kind, with the bytes of that write. */
static bool is_alike(const struct discovery *a, const struct discovery *b) {
    return a->step == b->step && a->newest_step == b->newest_step && a->finding.kind == b->finding.kind &&
           a->finding.reason == b->finding.reason;
}

/* More ways than are replayed: of each trouble the shortest ones, of each as many. They come first, in their order. */
static bool choose(struct search_result *found, size_t chosen) {
    uint32_t *rank = calloc(found->count, sizeof *rank);
    struct discovery *ordered = calloc(found->count, sizeof *ordered);
    size_t count = 0;
    if (rank == NULL || ordered == NULL) {
        free(rank);
        free(ordered);
        return false;
    }
    for (size_t i = 0; i < found->count; i++)
        for (size_t j = i; j-- > 0;)
            if (is_alike(&found->discoveries[i], &found->discoveries[j])) {
                rank[i] = rank[j] + 1;
                break;
            }
    uint32_t turn = 0;
    for (; count < chosen; turn++)
        for (size_t i = 0; i < found->count; i++)
            if (rank[i] == turn)
                ordered[count++] = found->discoveries[i];
    for (size_t i = 0; i < found->count; i++)
        if (rank[i] >= turn)
            ordered[count++] = found->discoveries[i];
    memcpy(found->discoveries, ordered, count * sizeof *ordered);
    qsort(found->discoveries, chosen, sizeof *found->discoveries, shorter_first);
    free(rank);
    free(ordered);
    return true;
}

static uint32_t site_of(const struct ns_scenario *scenario, const struct discovery *discovery) {
    return discovery->step == UINT32_MAX ? NS_NO_SITE : scenario->steps[discovery->step].step->number;
}

/* The other lines of an access, of which the report speaks as well: put in order by the hardware, where it may, so that
 * what is left to report is this line's. Whose a byte is, is judged only where all of the access is well: then what
 * waits for other bytes of this line arrives too. */
enum others {
    OTHERS_BEFORE_THE_STEP,
    OTHERS_BEFORE_THE_WRITE, /* ... and before the newest bytes were written */
    OTHERS_ALIKE,            /* ... and wherever the hardware does something with this line */
    OTHERS_ALWAYS,           /* before every step */
    OTHERS_FLUSHED,          /* ... and every invalidate is performed as a flush */
    OTHERS_WAYS
};
enum { OTHER_LINES = 16 };

struct variant {
    const struct verification *all;
    const struct discovery *discovery;
    struct ns_schedule_item *item;
    size_t count, capacity;
    bool failed;
};

static void add_item(struct variant *variant, struct ns_schedule_item item) {
    if (grow((void **)&variant->item, &variant->capacity, variant->count + 1, sizeof item))
        variant->item[variant->count++] = item;
    else
        variant->failed = true;
}

static bool is_other_line(const struct discovery *discovery, uint64_t at) {
    return at / discovery->line != discovery->first / discovery->line;
}

/* Do entries leave by themselves, at any moment? */
static bool drains_at_will(const struct verification *all, enum ns_drain drain) {
    return (all->result->may & NS_MAY_DRAIN) != 0 || drain == NS_DRAIN_AFTER;
}

/* What waits for the line arrives, and it leaves the caches. */
static void put_in_order(struct variant *variant, uint64_t line) {
    const struct ns_scenario *scenario = variant->all->scenario;
    const struct ns_machine_config *machine = &scenario->machine;
    const bool drains = drains_at_will(variant->all, machine->store_buffer_drain);
    const bool posted_drain = drains_at_will(variant->all, machine->posted_drain);
    const bool evicts = (variant->all->result->may & NS_MAY_EVICT) != 0;
    struct ns_schedule_item move = {.kind = NS_SCHEDULE_DRAIN, .has_address = true};
    const uint64_t end = line + variant->discovery->line;
    for (move.actor = 0; drains && machine->store_buffer_entries > 0 && move.actor < machine->cache.harts; move.actor++)
        for (move.address = line; move.address < end; move.address += 8)
            add_item(variant, move);
    /* Posted writes leave in order: all of them. */
    move = (struct ns_schedule_item){.kind = NS_SCHEDULE_DRAIN, .is_device = true};
    for (move.actor = 0; posted_drain && move.actor < scenario->device_count; move.actor++) {
        const struct ns_device *device = &scenario->devices[move.actor];
        if ((device->has_posted ? device->posted : machine->posted_entries) > 0)
            add_item(variant, move);
    }
    move = (struct ns_schedule_item){.kind = NS_SCHEDULE_EVICT, .has_address = true, .address = line};
    const bool other = is_other_line(variant->discovery, line);
    for (move.actor = 0; evicts && other && move.actor < machine->cache.harts; move.actor++)
        add_item(variant, move);
}

/* Whose bytes are, and whether they were ever written, is judged only where an access reads what it should. Where other
 * lines cannot be put in order, that is what is wrong with the step. */
static bool is_judged_last(const struct discovery *discovery) {
    return discovery->finding.kind == FOUND_OWNER || discovery->finding.kind == FOUND_LEAK;
}

static void put_others_in_order(struct variant *variant) {
    const struct discovery *discovery = variant->discovery;
    for (uint64_t at = discovery->other_first / discovery->line * discovery->line; at < discovery->other_end;
         at += discovery->line)
        if (is_other_line(discovery, at) || is_judged_last(discovery))
            put_in_order(variant, at);
}

/* A move of the hardware with this line, for the others too. */
static void repeat_for_others(struct variant *variant, const struct ns_schedule_item *move) {
    const struct discovery *discovery = variant->discovery;
    if (move->kind == NS_SCHEDULE_STEP || move->kind == NS_SCHEDULE_HOLD || move->kind == NS_SCHEDULE_RELEASE ||
        !move->has_address || move->is_device ||
        is_other_line(discovery, move->address)) /* posted writes of other lines have their order */
        return;
    struct ns_schedule_item copy = *move;
    for (uint64_t at = discovery->other_first / discovery->line * discovery->line; at < discovery->other_end;
         at += discovery->line) {
        copy.address = at + move->address % discovery->line;
        if (is_other_line(discovery, at))
            add_item(variant, copy);
    }
}

/* The same way with the other lines in order. False: there is no other line, nothing that the hardware may do, or no
 * host memory. */
static bool with_others(const struct verification *all, const struct discovery *discovery, enum others how,
                        struct discovery *made) {
    struct variant variant = {.all = all, .discovery = discovery};
    const struct ns_machine_config *machine = &all->scenario->machine;
    const uint32_t may = all->result->may;
    const bool can = how == OTHERS_FLUSHED
                         ? (may & NS_MAY_INVALIDATE_AS_FLUSH) != 0
                         : (may & NS_MAY_EVICT) != 0 || drains_at_will(all, machine->store_buffer_drain) ||
                               drains_at_will(all, machine->posted_drain);
    if (discovery->other_end == 0 || !can ||
        (discovery->other_end - discovery->other_first) / discovery->line >= OTHER_LINES ||
        (how == OTHERS_BEFORE_THE_WRITE && discovery->newest_step == UINT32_MAX))
        return false;
    for (size_t i = 0; i < discovery->schedule_count; i++) {
        const struct ns_schedule_item *item = &discovery->schedule[i];
        const bool writes = how == OTHERS_BEFORE_THE_WRITE && item->kind == NS_SCHEDULE_STEP &&
                            item->line == all->scenario->steps[discovery->newest_step].step->line;
        const bool always = (how == OTHERS_ALWAYS || how == OTHERS_FLUSHED) && item->kind == NS_SCHEDULE_STEP;
        if (writes || always || i + 1 == discovery->schedule_count) /* the step itself comes last */
            put_others_in_order(&variant);
        if (how == OTHERS_FLUSHED && always)
            add_item(&variant, (struct ns_schedule_item){.kind = NS_SCHEDULE_AS_FLUSH});
        add_item(&variant, *item);
        if (how == OTHERS_ALIKE)
            repeat_for_others(&variant, item);
    }
    if (variant.failed) {
        free(variant.item);
        return false;
    }
    *made = *discovery;
    made->length += (uint32_t)(variant.count - discovery->schedule_count);
    made->schedule = variant.item;
    made->schedule_count = variant.count;
    return true;
}

/* Runs of counterexamples: each may show more than what it was made for. */
struct shown {
    struct ns_log *log;
    struct discovery discovery; /* with a schedule of its own */
};
struct replays {
    struct verification *all;
    size_t count, capacity;
    struct shown *shown;
    bool excused; /* at the step of the discovery at work some replay read wrong bytes: whose they are is not judged
                     then */
};

static bool keep_shown(struct replays *replays, struct ns_log *log, const struct discovery *discovery) {
    const size_t size = (discovery->schedule_count + 1) * sizeof *discovery->schedule;
    if (!grow((void **)&replays->shown, &replays->capacity, replays->count + 1, sizeof *replays->shown))
        return false;
    struct shown *made = &replays->shown[replays->count];
    *made = (struct shown){.log = log, .discovery = *discovery};
    made->discovery.schedule = malloc(size);
    if (made->discovery.schedule == NULL)
        return false;
    memcpy(made->discovery.schedule, discovery->schedule, discovery->schedule_count * sizeof *discovery->schedule);
    replays->count++;
    return true;
}

/* What no counterexample was made for, and some of them shows: behaviours too. */
static enum ns_status take_the_rest(struct replays *replays, enum ns_status status) {
    for (size_t i = 0; i < replays->count; i++) {
        const struct ns_log *log = replays->shown[i].log;
        for (size_t h = 0; h < log->hazard_count && status == NS_OK; h++)
            if (!is_known(replays->all->result, &log->hazard[h]) &&
                !add_hazard(replays->all, replays->shown[i].log, h, &replays->shown[i].discovery))
                status = NS_ERROR_MEMORY;
        free(replays->shown[i].discovery.schedule);
    }
    free(replays->shown);
    return status;
}

/* Does the step at the site meet the damage that another one has done? */
static bool meets_damage_there(const struct ns_log *log, uint32_t site) {
    bool meets = false;
    for (size_t i = 0; i < log->hazard_count && !meets; i++)
        meets = is_met_at(&log->hazard[i], site);
    return meets;
}

static bool is_stale_there(const struct ns_log *log, uint32_t site) {
    bool stale = false;
    for (size_t i = 0; i < log->hazard_count; i++)
        stale |= log->hazard[i].site == site &&
                 (log->hazard[i].symptom == NS_SYMPTOM_STALE || log->hazard[i].symptom == NS_SYMPTOM_LEAK);
    return stale;
}

/* What the run of a counterexample shows; *named: something of it was. */
static enum ns_status finish_replay(struct replays *replays, struct child *child, const struct discovery *discovery,
                                    bool *named) {
    struct verification *all = replays->all;
    struct ns_log *log = copy_for_keeping(all);
    if (log == NULL)
        return NS_ERROR_MEMORY;
    const enum ns_status status = child_finish(child, log, NULL, NULL, 0);
    log->lines = all->scenario->lines;
    log->line_count = all->scenario->line_count;
    if (status == NS_ERROR_MEMORY)
        return status;
    const uint32_t site = site_of(all->scenario, discovery);
    const size_t index = replay_match(log, discovery, site);
    *named |= index != SIZE_MAX;
    replays->excused |= is_judged_last(discovery) && (is_stale_there(log, site) || meets_damage_there(log, site));
    if (index != SIZE_MAX && !is_known(all->result, &log->hazard[index]) && !add_hazard(all, log, index, discovery))
        return NS_ERROR_MEMORY;
    return keep_shown(replays, log, discovery) ? NS_OK : NS_ERROR_MEMORY;
}

/* An access to several lines has the name of the first one that is wrong: this one's own shows when the others are not.
 */
static enum ns_status replay_alone(struct replays *replays, const struct discovery *discovery, bool *named) {
    enum ns_status status = NS_OK;
    for (unsigned how = 0; how < OTHERS_WAYS && status == NS_OK; how++) {
        struct discovery alone;
        struct child child;
        if ((how >= OTHERS_ALIKE && *named) || !with_others(replays->all, discovery, (enum others)how, &alone))
            continue;
        status = child_run(&child, replays->all->scenario, alone.schedule, alone.schedule_count)
                     ? finish_replay(replays, &child, &alone, named)
                     : NS_ERROR_MEMORY;
        free(alone.schedule);
    }
    return status;
}

static enum ns_status replay_all(struct verification *all) {
    struct search_result *found = &all->found;
    enum { AT_ONCE = 8 };
    struct child child[AT_ONCE];
    const size_t at_once = all->options->jobs > AT_ONCE ? AT_ONCE : all->options->jobs > 0 ? all->options->jobs : 1;
    if (found->count > 0)
        qsort(found->discoveries, found->count, sizeof *found->discoveries, shorter_first);
    drop_repetitions(found);
    const size_t limit = all->options->replay_limit != 0 ? all->options->replay_limit : NS_VERIFY_REPLAYS;
    const size_t count = found->count < limit ? found->count : limit;
    if (count < found->count && !choose(found, count))
        return NS_ERROR_MEMORY;
    all->result->unnamed = found->count - count;
    enum ns_status status = NS_OK;
    struct replays replays = {.all = all};
    size_t started = 0;
    for (size_t i = 0; i < count; i++) {
        for (; started < count && started < i + at_once && status == NS_OK; started++)
            if (!child_run(&child[started % at_once], all->scenario, found->discoveries[started].schedule,
                           found->discoveries[started].schedule_count))
                status = NS_ERROR_MEMORY;
        if (i >= started)
            break;
        bool named = false;
        replays.excused = false;
        enum ns_status one = finish_replay(&replays, &child[i % at_once], &found->discoveries[i], &named);
        if (one == NS_OK)
            one = replay_alone(&replays, &found->discoveries[i], &named);
        named |= replays.excused;
        all->result->unreplayed += one == NS_OK && !named;
        if (!named && all->result->unreplayed_text == NULL)
            all->result->unreplayed_text =
                ns_schedule_text(found->discoveries[i].schedule, found->discoveries[i].schedule_count, all->scenario);
        status = status == NS_OK ? one : status;
    }
    return take_the_rest(&replays, status);
}

/* ---- expectations ---------------------------------------------------------------------------- */

static bool shows(const struct ns_verify_result *result, uint32_t site, unsigned id) {
    for (size_t l = 0; l < result->log_count; l++)
        for (size_t h = 0; h < result->logs[l]->hazard_count; h++) {
            const struct ns_hazard *hazard = &result->logs[l]->hazard[h];
            bool here = hazard->site == site;
            for (uint32_t c = 0; c < hazard->consequence_count; c++)
                here |= hazard->consequence_site[c] == site;
            if (here && (hazard->id == id || hazard->also == id))
                return true;
        }
    return false;
}

static enum ns_status find_missing(struct verification *all) {
    struct ns_verify_result *result = all->result;
    for (uint32_t site = 0; site < all->scenario->written_count; site++) {
        const struct ns_step *step = &all->scenario->written[site];
        for (uint32_t e = 0; e < step->expect_count; e++) {
            if (shows(result, site, step->expect[e]))
                continue;
            struct ns_verify_missing *grown = realloc(result->missing, (result->missing_count + 1) * sizeof *grown);
            if (grown == NULL)
                return NS_ERROR_MEMORY;
            result->missing = grown;
            result->missing[result->missing_count++] =
                (struct ns_verify_missing){.id = (enum ns_hazard_id)step->expect[e],
                                           .line = step->line,
                                           .column = step->expect_place[e].column,
                                           .width = step->expect_place[e].width};
        }
    }
    return NS_OK;
}

static int by_length(const void *a, const void *b) {
    const struct ns_verify_hazard *left = a, *right = b;
    if (left->length != right->length)
        return left->length < right->length ? -1 : 1;
    const struct ns_hazard *one = &left->log->hazard[left->index], *other = &right->log->hazard[right->index];
    if (one->site != other->site)
        return one->site < other->site ? -1 : 1;
    return one->id < other->id ? -1 : one->id > other->id;
}

enum ns_status name_hazards(struct verification *all, enum ns_status status) {
    if (status == NS_OK)
        status = replay_all(all);
    if (all->plain.pipe >= 0) {
        const enum ns_status plain = take_run(all, &all->plain, &all->result->cycles_ps);
        status = status == NS_OK ? plain : status;
    }
    if (status == NS_OK)
        status = find_missing(all);
    if (status == NS_OK && all->result->hazard_count > 0)
        qsort(all->result->hazards, all->result->hazard_count, sizeof *all->result->hazards, by_length);
    return status;
}
