/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/edit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- candidates ------------------------------------------------------------------------------ */

enum { PARTS = 3, CANDIDATES = 400, RANGES = 24, USEFUL = 24 };

/* One idea: up to PARTS edits that belong together. */
struct candidate {
    struct edit edit[PARTS];
    unsigned edits;
    bool separates, uncached;
};

/* Bytes that a device touches, or that a driver hands over. */
struct range {
    uint32_t object;
    int64_t offset;
    uint64_t length;
    char text[96];
};

struct repair {
    const struct ns_scenario *scenario;
    const struct ns_repair_options *options;
    struct ns_repair_result *result;
    size_t candidate_count;
    struct candidate *candidate;
    size_t range_count;
    struct range range[RANGES];
    uint32_t limit;
    size_t story_count;
    uint64_t *stories;
    enum ns_status status;
};

static struct candidate *new_candidate(struct repair *repair) {
    if (repair->candidate_count == CANDIDATES)
        return NULL;
    struct candidate *made = &repair->candidate[repair->candidate_count++];
    *made = (struct candidate){0};
    return made;
}

static void add_edit(struct candidate *candidate, enum edit_kind kind, uint32_t line, const char *text) {
    if (candidate == NULL || candidate->edits == PARTS)
        return;
    struct edit *edit = &candidate->edit[candidate->edits++];
    *edit = (struct edit){.kind = kind, .line = line};
    snprintf(edit->text, sizeof edit->text, "%s", text);
}

static void insert_before(struct repair *repair, uint32_t line, const char *text) {
    for (size_t i = 0; i < repair->candidate_count; i++)
        if (repair->candidate[i].edits == 1 && repair->candidate[i].edit[0].line == line &&
            strcmp(repair->candidate[i].edit[0].text, text) == 0)
            return;
    add_edit(new_candidate(repair), EDIT_BEFORE, line, text);
}

/* ---- what the scenario is about -------------------------------------------------------------- */

static bool is_hart(const struct ns_step *step) {
    return step->actor_kind == NS_ACTOR_HART;
}

/* The object reference behind a reference: a handle stands for what was mapped. */
static const struct ns_ref *object_ref(const struct ns_scenario *scenario, const struct ns_ref *ref) {
    if (ref->kind == NS_REF_OBJECT)
        return ref;
    for (size_t i = 0; i < scenario->written_count && ref->kind == NS_REF_HANDLE; i++)
        if (scenario->written[i].verb == NS_VERB_MAP && scenario->written[i].result == ref->index &&
            scenario->written[i].ref.kind == NS_REF_OBJECT)
            return &scenario->written[i].ref;
    return NULL;
}

static void add_range(struct repair *repair, const struct ns_ref *ref) {
    const struct ns_ref *object = object_ref(repair->scenario, ref);
    if (object == NULL || repair->range_count == RANGES)
        return;
    for (size_t i = 0; i < repair->range_count; i++)
        if (repair->range[i].object == object->index && repair->range[i].offset == object->offset &&
            repair->range[i].length == object->length)
            return;
    struct range *made = &repair->range[repair->range_count++];
    *made = (struct range){.object = object->index, .offset = object->offset, .length = object->length};
    (void)ns_ref_format(repair->scenario, object, made->text, sizeof made->text);
}

static bool touches(const struct repair *repair, const struct ns_step *step, const struct range *range) {
    const struct ns_ref *refs[2] = {&step->ref, &step->to};
    for (unsigned i = 0; i < 2; i++) {
        const struct ns_ref *object = object_ref(repair->scenario, refs[i]);
        if (object != NULL && object->index == range->object)
            return true;
    }
    return false;
}

static void find_ranges(struct repair *repair) {
    const struct ns_scenario *scenario = repair->scenario;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        const bool device = step->actor_kind == NS_ACTOR_DEVICE &&
                            (step->verb == NS_VERB_READ || step->verb == NS_VERB_WRITE || step->verb == NS_VERB_COPY);
        if (!device && step->verb != NS_VERB_MAP)
            continue;
        add_range(repair, &step->ref);
        if (step->verb == NS_VERB_COPY)
            add_range(repair, &step->to);
    }
}

/* The hart that an inserted line belongs to: that of the next step of one, else of the one before. */
static uint32_t hart_at(const struct ns_scenario *scenario, size_t site) {
    for (size_t i = site; i < scenario->written_count; i++)
        if (is_hart(&scenario->written[i]))
            return scenario->written[i].actor;
    for (size_t i = site; i-- > 0;)
        if (is_hart(&scenario->written[i]))
            return scenario->written[i].actor;
    return 0;
}

/* ---- maintenance, fences, API calls ---------------------------------------------------------- */

/* The line in front of which something stands behind a step. */
static uint32_t line_behind(const struct ns_scenario *scenario, size_t site) {
    return scenario->written[site].line + 1;
}

static void add_maintenance(struct repair *repair, uint32_t line, uint32_t hart, const struct range *range) {
    static const char *const ops[] = {"clean", "invalidate", "flush"};
    for (unsigned op = 0; op < 3; op++) {
        char text[EDIT_TEXT];
        snprintf(text, sizeof text, "cpu%u: %s %s", hart, ops[op], range->text);
        insert_before(repair, line, text);
    }
}

static void add_call(struct repair *repair, uint32_t line, uint32_t hart, const char *call, const char *what) {
    char text[EDIT_TEXT];
    snprintf(text, sizeof text, "cpu%u: %s%s%s", hart, call, what[0] != '\0' ? " " : "", what);
    insert_before(repair, line, text);
}

static bool is_mapped(const struct repair *repair, const struct range *range) {
    for (size_t i = 0; i < repair->scenario->written_count; i++)
        if (repair->scenario->written[i].verb == NS_VERB_MAP && touches(repair, &repair->scenario->written[i], range))
            return true;
    return false;
}

static void propose_insertions(struct repair *repair) {
    const struct ns_scenario *scenario = repair->scenario;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        const uint32_t hart = hart_at(scenario, i);
        const bool device_access =
            step->actor_kind == NS_ACTOR_DEVICE && (step->verb == NS_VERB_READ || step->verb == NS_VERB_WRITE);
        const bool access = is_hart(step) && (step->verb == NS_VERB_LOAD || step->verb == NS_VERB_COPY);
        const bool learns = is_hart(step) && (step->verb == NS_VERB_WAIT || step->verb == NS_VERB_POLL);
        for (size_t r = 0; r < repair->range_count; r++) {
            const struct range *range = &repair->range[r];
            if (step->verb == NS_VERB_DOORBELL || (device_access && touches(repair, step, range)) ||
                (access && touches(repair, step, range)))
                add_maintenance(repair, step->line, hart, range);
            if (learns)
                add_maintenance(repair, line_behind(scenario, i), hart, range);
            if (is_mapped(repair, range)) {
                if (access && touches(repair, step, range)) {
                    add_call(repair, step->line, hart, "unmap", range->text);
                    add_call(repair, step->line, hart, "sync-for-cpu", range->text);
                }
                if (step->verb == NS_VERB_DOORBELL)
                    add_call(repair, step->line, hart, "sync-for-device", range->text);
            }
        }
        const bool publishes = is_hart(step) && step->verb == NS_VERB_STORE;
        const bool cleans = is_hart(step) && (step->verb == NS_VERB_CLEAN || step->verb == NS_VERB_FLUSH ||
                                              step->verb == NS_VERB_CBO || step->verb == NS_VERB_DCACHE);
        if (step->verb == NS_VERB_DOORBELL || publishes)
            add_call(repair, step->line, is_hart(step) ? step->actor : hart, "fence", "");
        if (cleans)
            add_call(repair, line_behind(scenario, i), step->actor, "fence", "");
        if (step->actor_kind == NS_ACTOR_DEVICE && device_access)
            add_call(repair, step->line, hart, "fence", "");
        if (learns)
            for (uint32_t d = 0; d < scenario->device_count; d++)
                add_call(repair, line_behind(scenario, i), step->actor, "mmio-read", scenario->devices[d].name);
        if (step->verb == NS_VERB_SET_ATTR)
            add_call(repair, line_behind(scenario, i), step->actor, "sfence", "");
    }
}

/* ---- moves ----------------------------------------------------------------------------------- */

static void copy_line(const struct ns_scenario *scenario, uint32_t line, char text[EDIT_TEXT]) {
    const char *from = scenario->lines[line - 1];
    size_t length = strcspn(from, "\n");
    snprintf(text, EDIT_TEXT, "%.*s", (int)(length < EDIT_TEXT - 1 ? length : EDIT_TEXT - 1), from);
}

static bool can_move(const struct ns_step *step) {
    switch (step->verb) {
    case NS_VERB_CLEAN:
    case NS_VERB_INVALIDATE:
    case NS_VERB_FLUSH:
    case NS_VERB_CBO:
    case NS_VERB_DCACHE:
    case NS_VERB_SYNC:
    case NS_VERB_FENCE:
    case NS_VERB_UNMAP:
    case NS_VERB_SYNC_FOR_CPU:
    case NS_VERB_SYNC_FOR_DEVICE:
    case NS_VERB_DOORBELL:
        return true;
    default:
        return false; /* loads and stores are what the program is for: they stay where they are */
    }
}

/* Each step that may be moved, in front of another one of its hart, or behind it: near ones first. */
static void propose_moves(struct repair *repair) {
    const struct ns_scenario *scenario = repair->scenario;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        unsigned passed = 0;
        if (!is_hart(step) || !can_move(step))
            continue;
        for (size_t j = i; j-- > 0 && passed < 4;) {
            if (!is_hart(&scenario->written[j]) || scenario->written[j].actor != step->actor)
                continue;
            char text[EDIT_TEXT];
            copy_line(scenario, step->line, text);
            struct candidate *made = new_candidate(repair);
            add_edit(made, EDIT_BEFORE, scenario->written[j].line, text);
            add_edit(made, EDIT_REPLACE, step->line, "");
            passed++;
        }
        passed = 0;
        for (size_t j = i + 1; j < scenario->written_count && passed < 4; j++) {
            if (!is_hart(&scenario->written[j]) || scenario->written[j].actor != step->actor)
                continue;
            char text[EDIT_TEXT];
            copy_line(scenario, step->line, text);
            struct candidate *made = new_candidate(repair);
            add_edit(made, EDIT_REPLACE, step->line, "");
            add_edit(made, EDIT_BEFORE, line_behind(scenario, j), text);
            passed++;
        }
    }
}

/* Maintenance of a part, or of something else, that becomes one of a whole range that the device touches. */
static void propose_widening(struct repair *repair) {
    const struct ns_scenario *scenario = repair->scenario;
    for (size_t i = 0; i < scenario->written_count; i++) {
        const struct ns_step *step = &scenario->written[i];
        const bool maintains = step->verb == NS_VERB_CLEAN || step->verb == NS_VERB_INVALIDATE ||
                               step->verb == NS_VERB_FLUSH || step->verb == NS_VERB_CBO || step->verb == NS_VERB_DCACHE;
        if (!maintains || step->whole_cache || step->ref.kind == NS_REF_NONE)
            continue;
        for (size_t r = 0; r < repair->range_count; r++) {
            const struct range *range = &repair->range[r];
            const bool same = step->ref.kind == NS_REF_OBJECT && step->ref.index == range->object &&
                              step->ref.offset == range->offset && step->ref.length == range->length;
            char old[EDIT_TEXT], text[EDIT_TEXT];
            copy_line(scenario, step->line, old);
            const size_t at = step->ref.place.column - 1, width = step->ref.place.width;
            if (same || at + width > strlen(old))
                continue;
            snprintf(text, sizeof text, "%.*s%s%.60s", (int)(at < 90 ? at : 90), old, range->text, old + at + width);
            add_edit(new_candidate(repair), EDIT_REPLACE, step->line, text);
        }
    }
}

/* ---- separation ------------------------------------------------------------------------------ */

static uint32_t longest_line(const struct ns_scenario *scenario) {
    const struct ns_cache_config *cache = &scenario->machine.cache;
    return cache->level[cache->levels - 1].line;
}

/* A declaration's line with an option added, or its value changed. */
static void with_option(const struct ns_scenario *scenario, uint32_t line, const char *option, const char *value,
                        char text[EDIT_TEXT]) {
    char old[EDIT_TEXT], pattern[32];
    copy_line(scenario, line, old);
    char *comment = strchr(old, '#');
    char tail[EDIT_TEXT] = "";
    if (comment != NULL) {
        snprintf(tail, sizeof tail, "  %s", comment);
        *comment = '\0';
    }
    for (size_t end = strlen(old); end > 0 && old[end - 1] == ' ';)
        old[--end] = '\0';
    snprintf(pattern, sizeof pattern, " %s ", option);
    char *at = strstr(old, pattern);
    if (at == NULL) {
        snprintf(text, EDIT_TEXT, "%.150s %s %s%.60s", old, option, value, tail);
        return;
    }
    char *from = at + strlen(pattern);
    while (*from == ' ')
        from++;
    const char *rest = from + strcspn(from, " ");
    *at = '\0';
    snprintf(text, EDIT_TEXT, "%.100s %s %s%.80s%.40s", old, option, value, rest, tail);
}

/* A declaration's line without an option and its value. */
static void without_option(const struct ns_scenario *scenario, uint32_t line, const char *option,
                           char text[EDIT_TEXT]) {
    char pattern[32];
    copy_line(scenario, line, text);
    snprintf(pattern, sizeof pattern, " %s ", option);
    char *at = strstr(text, pattern);
    if (at == NULL)
        return;
    char *from = at + strlen(pattern);
    while (*from == ' ')
        from++;
    from += strcspn(from, " #");
    memmove(at, from, strlen(from) + 1);
}

static bool is_memory(const struct ns_object *object) {
    return object->kind == NS_OBJECT_BUFFER || object->kind == NS_OBJECT_STRUCT;
}

/* Two objects whose addresses put them into one line: the later one is placed by itself, which gives it lines of its
 * own. */
static void propose_free_placement(struct repair *repair, uint32_t object) {
    const struct ns_scenario *scenario = repair->scenario;
    const struct ns_object *what = &scenario->objects[object];
    const uint64_t line = longest_line(scenario);
    char text[EDIT_TEXT];
    for (uint32_t other = 0; what->has_address && other < scenario->object_count; other++) {
        const struct ns_object *next = &scenario->objects[other];
        if (other == object || !is_memory(next) || !next->has_address || next->size == 0 || what->size == 0 ||
            next->address / line > (what->address + what->size - 1) / line ||
            what->address / line > (next->address + next->size - 1) / line)
            continue;
        const struct ns_object *later = next->address > what->address ? next : what;
        struct candidate *made = new_candidate(repair);
        without_option(scenario, later->place.line, "at", text);
        add_edit(made, EDIT_REPLACE, later->place.line, text);
        if (made != NULL)
            made->separates = true;
    }
}

static void propose_alignment(struct repair *repair, uint32_t object) {
    const struct ns_scenario *scenario = repair->scenario;
    const struct ns_object *what = &scenario->objects[object];
    const uint32_t line = longest_line(scenario);
    char value[16], text[EDIT_TEXT];
    if (!is_memory(what))
        return;
    snprintf(value, sizeof value, "%u", line);
    struct candidate *made = NULL;
    if (!what->has_address && what->align != 0 && what->align % line != 0) {
        made = new_candidate(repair);
        with_option(scenario, what->place.line, "align", value, text);
        add_edit(made, EDIT_REPLACE, what->place.line, text);
    }
    /* What lies behind it and is packed into its last line. */
    for (uint32_t other = object + 1; other < scenario->object_count; other++) {
        const struct ns_object *next = &scenario->objects[other];
        if (!is_memory(next) || next->has_address)
            continue;
        if (next->align == 0 || next->align % line == 0)
            break;
        if (made == NULL)
            made = new_candidate(repair);
        with_option(scenario, next->place.line, "align", value, text);
        add_edit(made, EDIT_REPLACE, next->place.line, text);
        break;
    }
    if (made != NULL)
        made->separates = true;
}

/* A field that shares its lines with others gets lines of its own. */
static void propose_padding(struct repair *repair, const struct range *range) {
    const struct ns_scenario *scenario = repair->scenario;
    const struct ns_object *what = &scenario->objects[range->object];
    const uint32_t line = longest_line(scenario);
    for (size_t f = 0; f < what->field_count; f++) {
        const struct ns_field *field = &what->fields[f];
        const uint32_t size = field->element_size * field->count;
        if (what->count != 1 || (int64_t)field->offset != range->offset || size != range->length)
            continue;
        char text[EDIT_TEXT], value[16];
        struct candidate *made = new_candidate(repair);
        if (made == NULL)
            return;
        const uint32_t before = (line - field->offset % line) % line;
        const uint32_t behind = (line - size % line) % line;
        if (before > 0 && f > 0) {
            snprintf(text, sizeof text, "  pad %u", before);
            add_edit(made, EDIT_BEFORE, field->place.line, text);
        }
        if (behind > 0) {
            snprintf(text, sizeof text, "  pad %u", behind);
            add_edit(made, EDIT_BEFORE, field->place.line + 1, text);
        }
        if (what->align % line != 0) {
            snprintf(value, sizeof value, "%u", line);
            with_option(scenario, what->place.line, "align", value, text);
            add_edit(made, EDIT_REPLACE, what->place.line, text);
        }
        made->separates = true;
        if (made->edits == 0)
            repair->candidate_count--;
    }
}

static void propose_separation(struct repair *repair) {
    bool seen[NS_LIMIT_OBJECTS] = {false};
    for (size_t r = 0; r < repair->range_count; r++) {
        const struct range *range = &repair->range[r];
        const struct ns_object *what = &repair->scenario->objects[range->object];
        propose_padding(repair, range);
        if (seen[range->object])
            continue;
        seen[range->object] = true;
        propose_alignment(repair, range->object);
        propose_free_placement(repair, range->object);
        if (is_memory(what) && !what->has_type) {
            char text[EDIT_TEXT];
            struct candidate *made = new_candidate(repair);
            with_option(repair->scenario, what->place.line, "type", "nc", text);
            add_edit(made, EDIT_REPLACE, what->place.line, text);
            if (made != NULL)
                made->separates = made->uncached = true;
        }
    }
}

/* ---- trying ---------------------------------------------------------------------------------- */

static bool stopped(struct repair *repair) {
    const struct ns_verify_options *verify = &repair->options->verify;
    const bool stop = (verify->stop != NULL && *verify->stop != 0) || repair->result->tried >= repair->limit;
    repair->result->exhausted |= stop;
    return stop || repair->status != NS_OK;
}

static char *text_of(struct repair *repair, const size_t *which, size_t count) {
    struct edit edits[EDIT_SET * PARTS];
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        for (unsigned e = 0; e < repair->candidate[which[i]].edits; e++)
            edits[total++] = repair->candidate[which[i]].edit[e];
    char *text = edit_apply(repair->scenario, edits, total, false, true);
    if (text == NULL)
        repair->status = NS_ERROR_MEMORY;
    return text;
}

/* Two ideas that change the same line do not go together. */
static bool compatible(const struct repair *repair, const size_t *which, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            for (unsigned a = 0; a < repair->candidate[which[i]].edits; a++)
                for (unsigned b = 0; b < repair->candidate[which[j]].edits; b++) {
                    const struct edit *one = &repair->candidate[which[i]].edit[a];
                    const struct edit *other = &repair->candidate[which[j]].edit[b];
                    if (one->kind == EDIT_REPLACE && other->kind == EDIT_REPLACE && one->line == other->line)
                        return false;
                }
    return true;
}

static char *summary_of(struct repair *repair, const size_t *which, size_t count) {
    char *summary = malloc(count * PARTS * (EDIT_TEXT + 32) + 1);
    size_t used = 0;
    if (summary == NULL)
        return NULL;
    summary[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct candidate *candidate = &repair->candidate[which[i]];
        for (unsigned e = 0; e < candidate->edits; e++) {
            const struct edit *edit = &candidate->edit[e];
            const bool removes = edit->kind == EDIT_REPLACE && edit->text[0] == '\0';
            used += (size_t)sprintf(summary + used, "line %" PRIu32 ": %s%s\n", edit->line,
                                    edit->kind == EDIT_BEFORE ? "before it, "
                                    : removes                 ? "moved from here"
                                                              : "becomes ",
                                    edit->text);
        }
    }
    return summary;
}

static void keep_fix(struct repair *repair, const size_t *which, size_t count, char *text) {
    struct ns_repair_result *result = repair->result;
    for (size_t i = 0; i < result->fix_count; i++)
        if (strcmp(result->fixes[i].text, text) == 0) {
            free(text); /* the same by another way */
            return;
        }
    struct ns_repair_fix *grown = realloc(result->fixes, (result->fix_count + 1) * sizeof *grown);
    char *summary = summary_of(repair, which, count);
    if (grown == NULL || summary == NULL) {
        if (grown != NULL)
            result->fixes = grown;
        free(summary);
        free(text);
        repair->status = NS_ERROR_MEMORY;
        return;
    }
    result->fixes = grown;
    struct ns_repair_fix *made = &result->fixes[result->fix_count++];
    *made = (struct ns_repair_fix){.text = text, .summary = summary, .parts = (unsigned)count};
    for (size_t i = 0; i < count; i++) {
        made->separates |= repair->candidate[which[i]].separates;
        made->uncached |= repair->candidate[which[i]].uncached;
        for (unsigned e = 0; e < repair->candidate[which[i]].edits; e++)
            made->flushes += strstr(repair->candidate[which[i]].edit[e].text, ": flush ") != NULL;
    }
    const uint64_t run_ps = edit_run_time(repair->scenario, text, repair->options);
    made->cost_ps = (int64_t)run_ps - (int64_t)result->run_ps;
}

/* Does the set make the proof go through? `stories`: also notes whether it helps at all. */
static void try_set(struct repair *repair, const size_t *which, size_t count) {
    if (stopped(repair) || !compatible(repair, which, count))
        return;
    char *text = text_of(repair, which, count);
    if (text == NULL)
        return;
    repair->result->tried++;
    enum ns_verify_verdict verdict;
    bool parsed;
    repair->status = edit_verdict(repair->scenario, text, repair->options, &verdict, &parsed);
    if (repair->status == NS_OK && parsed && verdict == NS_VERIFY_PROVED)
        keep_fix(repair, which, count, text);
    else
        free(text);
}

/* Some story of the original is gone with this idea alone. */
static bool helps(struct repair *repair, size_t which) {
    char *text = text_of(repair, &which, 1);
    if (text == NULL)
        return false;
    struct ns_diagnostics diagnostics;
    ns_diagnostics_init(&diagnostics);
    struct ns_scenario *scenario = edit_parse(repair->scenario, text, repair->options->machines, &diagnostics);
    bool gone = false;
    if (scenario != NULL) {
        struct ns_verify_options how = repair->options->verify;
        struct ns_verify_result result;
        how.stories_only = true;
        how.progress = NULL;
        repair->result->tried++;
        if (ns_verify_scenario(scenario, &how, &result, NULL, 0) == NS_OK) {
            for (size_t i = 0; i < repair->story_count && !gone; i++) {
                bool there = false;
                for (size_t j = 0; j < result.story_count; j++)
                    there |= result.stories[j] == repair->stories[i];
                gone = !there;
            }
            ns_verify_release(&result);
        }
    }
    ns_scenario_destroy(scenario);
    ns_diagnostics_release(&diagnostics);
    free(text);
    return gone;
}

static void try_all(struct repair *repair) {
    bool *alone = calloc(CANDIDATES, sizeof *alone);
    size_t useful[USEFUL], useful_count = 0;
    if (alone == NULL) {
        repair->status = NS_ERROR_MEMORY;
        return;
    }
    for (size_t i = 0; i < repair->candidate_count && !stopped(repair); i++) {
        const size_t before = repair->result->fix_count;
        try_set(repair, &i, 1);
        alone[i] = repair->result->fix_count > before;
    }
    for (size_t i = 0; i < repair->candidate_count && useful_count < USEFUL && !stopped(repair); i++)
        if (!alone[i] && helps(repair, i))
            useful[useful_count++] = i;
    for (size_t a = 0; a < useful_count && !stopped(repair); a++)
        for (size_t b = a + 1; b < useful_count && !stopped(repair); b++)
            try_set(repair, (const size_t[]){useful[a], useful[b]}, 2);
    bool found = false;
    for (size_t i = 0; i < repair->result->fix_count; i++)
        found |= !repair->result->fixes[i].separates;
    for (size_t a = 0; a < useful_count && !found && !stopped(repair); a++)
        for (size_t b = a + 1; b < useful_count && !stopped(repair); b++)
            for (size_t c = b + 1; c < useful_count && !stopped(repair); c++)
                try_set(repair, (const size_t[]){useful[a], useful[b], useful[c]}, 3);
    free(alone);
}

/* ---- what can go ----------------------------------------------------------------------------- */

/* A line without this step's maintenance: nothing, or a call that leaves it out. False: there is none to leave out. */
static bool without_maintenance(const struct ns_scenario *scenario, const struct ns_step *step, char text[EDIT_TEXT]) {
    switch (step->verb) {
    case NS_VERB_CLEAN:
    case NS_VERB_INVALIDATE:
    case NS_VERB_FLUSH:
    case NS_VERB_CBO:
    case NS_VERB_DCACHE:
    case NS_VERB_SYNC:
    case NS_VERB_FENCE:
    case NS_VERB_SYNC_FOR_CPU:
    case NS_VERB_SYNC_FOR_DEVICE:
        text[0] = '\0';
        return true;
    case NS_VERB_MAP:
    case NS_VERB_UNMAP: {
        if (step->skip_cpu_sync)
            return false;
        char old[EDIT_TEXT];
        copy_line(scenario, step->line, old);
        /* In front of a result, of what is expected, and of a comment. */
        size_t at = strcspn(old, "#");
        char *arrow = strstr(old, "->"), *expect = strstr(old, " expect ");
        if (arrow != NULL && (size_t)(arrow - old) < at)
            at = (size_t)(arrow - old);
        if (expect != NULL && (size_t)(expect - old) < at)
            at = (size_t)(expect - old);
        const char *rest = old + at;
        size_t end = at;
        while (end > 0 && old[end - 1] == ' ')
            end--;
        snprintf(text, EDIT_TEXT, "%.*s skip-cpu-sync%s%.80s", (int)(end < 120 ? end : 120), old,
                 rest[0] != '\0' && rest[0] != ' ' ? " " : "", rest);
        return true;
    }
    default:
        return false;
    }
}

/* Leaves out, one after the other, what the proof does not need: what saves most first. */
static void minimise(struct repair *repair) {
    const struct ns_scenario *scenario = repair->scenario;
    struct edit *kept = calloc(scenario->written_count + 1, sizeof *kept);
    bool *done = calloc(scenario->written_count + 1, sizeof *done);
    size_t kept_count = 0;
    if (kept == NULL || done == NULL)
        repair->status = NS_ERROR_MEMORY;
    uint64_t best_run = repair->result->run_ps;
    for (bool again = true; again && !stopped(repair);) {
        struct edit best = {0};
        size_t best_site = 0;
        uint64_t run = 0;
        again = false;
        for (size_t i = 0; i < scenario->written_count && !stopped(repair); i++) {
            struct edit one = {.kind = EDIT_REPLACE, .line = scenario->written[i].line};
            if (done[i] || !without_maintenance(scenario, &scenario->written[i], one.text))
                continue;
            kept[kept_count] = one;
            char *text = edit_apply(scenario, kept, kept_count + 1, false, true);
            enum ns_verify_verdict verdict = NS_VERIFY_REFUTED;
            bool parsed = false;
            repair->result->tried++;
            if (text == NULL)
                repair->status = NS_ERROR_MEMORY;
            else
                repair->status = edit_verdict(scenario, text, repair->options, &verdict, &parsed);
            if (repair->status == NS_OK && parsed && verdict == NS_VERIFY_PROVED) {
                const uint64_t time = edit_run_time(scenario, text, repair->options);
                if (!again || time < run) {
                    best = one;
                    best_site = i;
                    run = time;
                }
                again = true;
            } else {
                done[i] = true; /* what is needed now is needed with less around it, too */
            }
            free(text);
        }
        if (again) {
            kept[kept_count++] = best;
            done[best_site] = true;
            best_run = run;
        }
    }
    if (kept_count > 0 && repair->status == NS_OK) {
        struct ns_repair_fix *fix = calloc(1, sizeof *fix);
        if (fix != NULL) {
            fix->text = edit_apply(scenario, kept, kept_count, false, true);
            fix->summary = malloc(kept_count * (EDIT_TEXT + 48) + 1);
            fix->parts = (unsigned)kept_count;
            fix->cost_ps = (int64_t)best_run - (int64_t)repair->result->run_ps;
            size_t used = 0;
            for (size_t i = 0; i < kept_count && fix->summary != NULL; i++)
                used += (size_t)sprintf(fix->summary + used, "line %" PRIu32 ": %s%s\n", kept[i].line,
                                        kept[i].text[0] == '\0' ? "left out" : "becomes ", kept[i].text);
            repair->result->fixes = fix;
            repair->result->fix_count = 1;
        }
        if (fix == NULL || fix->text == NULL || fix->summary == NULL)
            repair->status = NS_ERROR_MEMORY;
    }
    free(kept);
    free(done);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int cheapest_first(const void *a, const void *b) {
    const struct ns_repair_fix *left = a, *right = b;
    if (left->uncached != right->uncached)
        return left->uncached ? 1 : -1;
    if (left->cost_ps != right->cost_ps)
        return left->cost_ps < right->cost_ps ? -1 : 1;
    if (left->parts != right->parts)
        return left->parts < right->parts ? -1 : 1;
    if (left->flushes != right->flushes) /* the weakest operation that does says most about what was missing */
        return left->flushes < right->flushes ? -1 : 1;
    return strcmp(left->text, right->text);
}

enum ns_status ns_repair_scenario(const struct ns_scenario *scenario, const struct ns_repair_options *options,
                                  struct ns_repair_result *result, char *message, size_t message_size) {
    struct repair repair = {.scenario = scenario,
                            .options = options,
                            .result = result,
                            .limit = options->candidates != 0 ? options->candidates : NS_REPAIR_CANDIDATES};
    *result = (struct ns_repair_result){.cycle_ps = scenario->machine.hart_clock_ps};
    struct ns_verify_options how = options->verify;
    struct ns_verify_result original;
    how.stories_only = true;
    repair.status = ns_verify_scenario(scenario, &how, &original, message, message_size);
    if (repair.status != NS_OK)
        return repair.status;
    result->before = original.verdict;
    repair.stories = original.stories;
    repair.story_count = original.story_count;
    char *same = edit_apply(scenario, NULL, 0, false, true);
    result->run_ps = same == NULL ? 0 : edit_run_time(scenario, same, options);
    free(same);
    repair.candidate = calloc(CANDIDATES, sizeof *repair.candidate);
    if (repair.candidate == NULL)
        repair.status = NS_ERROR_MEMORY;
    if (repair.status == NS_OK && original.verdict == NS_VERIFY_REFUTED) {
        find_ranges(&repair);
        propose_insertions(&repair);
        propose_widening(&repair);
        propose_separation(&repair);
        propose_moves(&repair);
        try_all(&repair);
        if (result->fix_count > 0)
            qsort(result->fixes, result->fix_count, sizeof *result->fixes, cheapest_first);
        result->only_separation = result->fix_count > 0;
        for (size_t i = 0; i < result->fix_count; i++)
            result->only_separation &= result->fixes[i].separates;
    } else if (repair.status == NS_OK && original.verdict == NS_VERIFY_PROVED && options->minimise) {
        minimise(&repair);
    }
    free(repair.candidate);
    ns_verify_release(&original);
    if (repair.status != NS_OK) {
        if (message_size > 0)
            snprintf(message, message_size, "%s", ns_status_text(repair.status));
        ns_repair_release(result);
    }
    return repair.status;
}

void ns_repair_release(struct ns_repair_result *result) {
    for (size_t i = 0; i < result->fix_count; i++) {
        free(result->fixes[i].text);
        free(result->fixes[i].summary);
    }
    free(result->fixes);
    result->fixes = NULL;
    result->fix_count = 0;
}
