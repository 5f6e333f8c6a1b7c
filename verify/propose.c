/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/repair_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- candidates ------------------------------------------------------------------------------ */

struct candidate *repair_new_candidate(struct repair *repair) {
    if (repair->candidate_count == CANDIDATES)
        return NULL;
    struct candidate *made = &repair->candidate[repair->candidate_count++];
    *made = (struct candidate){0};
    return made;
}

void repair_add_edit(struct candidate *candidate, enum edit_kind kind, uint32_t line, const char *text) {
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
    repair_add_edit(repair_new_candidate(repair), EDIT_BEFORE, line, text);
}

/* ---- what the scenario is about -------------------------------------------------------------- */

static bool is_hart(const struct ns_step *step) {
    return step->actor_kind == NS_ACTOR_HART;
}

const struct ns_ref *repair_object_ref(const struct ns_scenario *scenario, const struct ns_ref *ref) {
    if (ref->kind == NS_REF_OBJECT)
        return ref;
    for (size_t i = 0; i < scenario->written_count && ref->kind == NS_REF_HANDLE; i++)
        if (scenario->written[i].verb == NS_VERB_MAP && scenario->written[i].result == ref->index &&
            scenario->written[i].ref.kind == NS_REF_OBJECT)
            return &scenario->written[i].ref;
    return NULL;
}

static void add_range(struct repair *repair, const struct ns_ref *ref) {
    const struct ns_ref *object = repair_object_ref(repair->scenario, ref);
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
        const struct ns_ref *object = repair_object_ref(repair->scenario, refs[i]);
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
            add_call(repair, line_behind(scenario, i), step->actor, "sfence",
                     scenario->machine.cache.harts > 1 ? "all-harts" : "");
    }
}

/* ---- moves ----------------------------------------------------------------------------------- */

void repair_copy_line(const struct ns_scenario *scenario, uint32_t line, char text[EDIT_TEXT]) {
    const char *from = scenario->lines[line - 1];
    size_t length = strcspn(from, "\n");
    bool expects = false;
    snprintf(text, EDIT_TEXT, "%.*s", (int)(length < EDIT_TEXT - 1 ? length : EDIT_TEXT - 1), from);
    for (size_t i = 0; i < scenario->written_count; i++)
        expects = expects || (scenario->written[i].line == line && scenario->written[i].expect_count > 0);
    char *expect = expects ? strstr(text, " expect ") : NULL;
    const char *comment = strchr(text, '#');
    if (expect == NULL || (comment != NULL && comment < expect))
        return;
    while (expect > text && expect[-1] == ' ')
        expect--;
    if (comment == NULL) {
        *expect = '\0';
    } else {
        expect[0] = expect[1] = ' ';
        memmove(expect + 2, comment, strlen(comment) + 1);
    }
}

static bool can_move(const struct ns_step *step) {
    switch (step->verb) {
    case NS_VERB_SYNC:
    case NS_VERB_FENCE:
    case NS_VERB_UNMAP:
    case NS_VERB_DOORBELL:
        return true;
    default:
        return step_maintains(step); /* loads and stores are what the program is for (but see propose_other_times) */
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
            repair_copy_line(scenario, step->line, text);
            struct candidate *made = repair_new_candidate(repair);
            repair_add_edit(made, EDIT_BEFORE, scenario->written[j].line, text);
            repair_add_edit(made, EDIT_REPLACE, step->line, "");
            passed++;
        }
        passed = 0;
        for (size_t j = i + 1; j < scenario->written_count && passed < 4; j++) {
            if (!is_hart(&scenario->written[j]) || scenario->written[j].actor != step->actor)
                continue;
            char text[EDIT_TEXT];
            repair_copy_line(scenario, step->line, text);
            struct candidate *made = repair_new_candidate(repair);
            repair_add_edit(made, EDIT_REPLACE, step->line, "");
            repair_add_edit(made, EDIT_BEFORE, line_behind(scenario, j), text);
            passed++;
        }
    }
}

/* Does a device touch bytes of the object that the step names? Then another object was not meant. */
static bool means_its_object(const struct repair *repair, const struct ns_step *step) {
    bool touched = false;
    for (size_t r = 0; r < repair->range_count; r++)
        touched |= step->ref.kind == NS_REF_OBJECT && repair->range[r].object == step->ref.index;
    return touched;
}

/* Maintenance of a part, or of something that no device touches, that becomes one of a whole range that the device
 * touches. */
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
            const bool other = means_its_object(repair, step) && step->ref.index != range->object;
            char old[EDIT_TEXT], text[EDIT_TEXT];
            repair_copy_line(scenario, step->line, old);
            const size_t at = step->ref.place.column - 1, width = step->ref.place.width;
            if (same || other || at + width > strlen(old))
                continue;
            snprintf(text, sizeof text, "%.*s%s%.60s", (int)(at < 90 ? at : 90), old, range->text, old + at + width);
            repair_add_edit(repair_new_candidate(repair), EDIT_REPLACE, step->line, text);
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
    repair_copy_line(scenario, line, old);
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
    repair_copy_line(scenario, line, text);
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
        struct candidate *made = repair_new_candidate(repair);
        without_option(scenario, later->place.line, "at", text);
        repair_add_edit(made, EDIT_REPLACE, later->place.line, text);
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
        made = repair_new_candidate(repair);
        with_option(scenario, what->place.line, "align", value, text);
        repair_add_edit(made, EDIT_REPLACE, what->place.line, text);
    }
    /* What lies behind it and is packed into its last line. */
    for (uint32_t other = object + 1; other < scenario->object_count; other++) {
        const struct ns_object *next = &scenario->objects[other];
        if (!is_memory(next) || next->has_address)
            continue;
        if (next->align == 0 || next->align % line == 0)
            break;
        if (made == NULL)
            made = repair_new_candidate(repair);
        with_option(scenario, next->place.line, "align", value, text);
        repair_add_edit(made, EDIT_REPLACE, next->place.line, text);
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
        struct candidate *made = repair_new_candidate(repair);
        if (made == NULL)
            return;
        const uint32_t before = (line - field->offset % line) % line;
        const uint32_t behind = (line - size % line) % line;
        if (before > 0 && f > 0) {
            snprintf(text, sizeof text, "  pad %u", before);
            repair_add_edit(made, EDIT_BEFORE, field->place.line, text);
        }
        if (behind > 0) {
            snprintf(text, sizeof text, "  pad %u", behind);
            repair_add_edit(made, EDIT_BEFORE, field->place.line + 1, text);
        }
        if (what->align % line != 0) {
            snprintf(value, sizeof value, "%u", line);
            with_option(scenario, what->place.line, "align", value, text);
            repair_add_edit(made, EDIT_REPLACE, what->place.line, text);
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
            struct candidate *made = repair_new_candidate(repair);
            with_option(repair->scenario, what->place.line, "type", "nc", text);
            repair_add_edit(made, EDIT_REPLACE, what->place.line, text);
            if (made != NULL)
                made->separates = made->uncached = true;
        }
    }
}

void propose(struct repair *repair) {
    find_ranges(repair);
    propose_other_operations(repair);
    propose_other_times(repair);
    propose_insertions(repair);
    propose_widening(repair);
    propose_separation(repair);
    propose_moves(repair);
}
