/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/search_internal.h"

#include "model/grow.h"
#include "verify/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- states ---------------------------------------------------------------------------------- */

static bool rehash(struct search_state *search) {
    const size_t size = search->slot == NULL ? 128 : 2 * (search->mask + 1);
    uint32_t *slot = malloc(size * sizeof *slot);
    if (slot == NULL)
        return false;
    memset(slot, 0xff, size * sizeof *slot);
    for (uint32_t i = 0; i < search->count; i++) {
        size_t at = hash_bytes(state_words(search, i), search->words * 4, 2) & (size - 1);
        while (slot[at] != NO_INDEX)
            at = (at + 1) & (size - 1);
        slot[at] = i;
    }
    free(search->slot);
    search->slot = slot;
    search->mask = size - 1;
    return true;
}

static bool room_for_state(struct search_state *search) {
    if (search->count + 1 >= search->capacity) {
        const uint32_t capacity = search->capacity == 0 ? 32 : 2 * search->capacity;
        uint32_t *word = realloc(search->word, (size_t)capacity * search->words * sizeof *word);
        if (word != NULL)
            search->word = word;
        struct state_info *info = realloc(search->info, (size_t)capacity * sizeof *info);
        if (info != NULL)
            search->info = info;
        if (word == NULL || info == NULL)
            return false;
        search->capacity = capacity;
    }
    return (search->slot != NULL && 4 * (size_t)search->count < 3 * search->mask) || rehash(search);
}

static bool enqueue(struct search_state *search, uint32_t state, uint32_t distance) {
    while (search->bucket_count <= distance) {
        const size_t wanted = search->bucket_count == 0 ? 32 : 2 * search->bucket_count;
        struct bucket *grown = realloc(search->bucket, wanted * sizeof *grown);
        if (grown == NULL)
            return false;
        memset(grown + search->bucket_count, 0, (wanted - search->bucket_count) * sizeof *grown);
        search->bucket = grown;
        search->bucket_count = wanted;
    }
    struct bucket *bucket = &search->bucket[distance];
    if (!grow((void **)&bucket->state, &bucket->capacity, bucket->count + 1, sizeof *bucket->state))
        return false;
    bucket->state[bucket->count++] = state;
    return true;
}

static uint32_t keep_taken(struct search_state *search, const struct taken *taken, size_t count) {
    if (!grow((void **)&search->taken, &search->taken_capacity, search->taken_count + count, sizeof *taken)) {
        search->failed = true;
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        search->taken[search->taken_count++] = taken[i];
    return (uint32_t)(search->taken_count - count);
}

/* Does the transition come in the middle of another actor's step? On top of what came before. */
static uint16_t stops_by(const struct search_state *search, const struct transition *by) {
    const struct projection *projection = search->projection;
    if (by->parent == NO_INDEX)
        return 0;
    const uint16_t *pcs = state_pcs(state_words(search, by->parent));
    uint16_t stops = search->info[by->parent].stops;
    for (unsigned actor = 0; actor < projection->actors; actor++)
        stops = (uint16_t)(stops + (actor != by->actor && is_in_a_step(projection, actor, pcs[actor])));
    return stops;
}

/* A state was reached; it is queued when that is news. `words`: search->words, not in the table. */
void search_reach(struct search_state *search, const uint32_t *words, uint32_t distance, struct transition by,
                  const struct taken *taken) {
    search->result->transitions++;
    if (!room_for_state(search)) {
        search->failed = true;
        return;
    }
    size_t at = hash_bytes(words, search->words * 4, 2) & search->mask;
    uint32_t state = NO_INDEX;
    for (; search->slot[at] != NO_INDEX; at = (at + 1) & search->mask)
        if (memcmp(state_words(search, search->slot[at]), words, search->words * 4) == 0) {
            state = search->slot[at];
            break;
        }
    const uint16_t stops = stops_by(search, &by);
    if (state != NO_INDEX && (search->info[state].settled || search->info[state].distance < distance ||
                              (search->info[state].distance == distance && search->info[state].stops <= stops)))
        return;
    const bool queued = state != NO_INDEX && search->info[state].distance == distance;
    if (state == NO_INDEX) {
        state = search->count++;
        search->slot[at] = state;
        memcpy(state_words(search, state), words, search->words * 4);
    }
    by.taken = keep_taken(search, taken, by.count);
    search->info[state] = (struct state_info){.by = by, .distance = distance, .stops = stops};
    if (!queued && !enqueue(search, state, distance))
        search->failed = true;
}

/* ---- findings -------------------------------------------------------------------------------- */

/* What is one story has one key: the site of the step at work, whatever part of it shows the finding (a call's own
 * barrier may), what the finding says, and the operations that the report may speak of. */
static uint64_t story_of(const struct search_state *search, const struct finding *finding, uint32_t unit,
                         const struct transition *by, uint32_t told) {
    const struct projection *projection = search->projection;
    const bool by_hardware = by->actor == projection->actors || by->index == NO_INDEX;
    const uint32_t step =
        by_hardware ? NO_INDEX : projection->program->ops[projection->ops[by->actor][by->index].op].recorded.site;
    const uint32_t history = finding->kind == FOUND_HANG ? 0 : world_history(projection->world[unit], finding->first);
    struct {
        uint64_t a, b, c, d;
    } story = {(uint64_t)step << 32 | finding->newest, (uint64_t)finding->got << 32 | (uint32_t)finding->stamp << 16,
               (uint64_t)finding->kind << 32 | (uint64_t)finding->where << 16 | (uint64_t)finding->torn << 8 |
                   finding->reason,
               ((uint64_t)history << 32 | (uint64_t)finding->dirty << 16 | finding->past) ^ hash_mix(told)};
    return hash_bytes(&story, sizeof story, 3);
}

/* Keeps the shortest way to each story. `by`: the transition at work, whose taken are in `taken`. */
void search_report(struct search_state *search, const struct finding *finding, uint32_t unit, uint32_t distance,
                   struct transition by, const struct taken *taken, uint32_t last_node, uint32_t told) {
    const uint64_t key = story_of(search, finding, unit, &by, told);
    if (search->limits->first_only) {
        search->ended = true;
    }
    size_t at = 0;
    while (at < search->candidate_count && search->candidate[at].key != key)
        at++;
    const uint16_t stops = stops_by(search, &by);
    if (at < search->candidate_count &&
        (search->candidate[at].distance < distance ||
         (search->candidate[at].distance == distance && search->candidate[at].stops <= stops)))
        return;
    if (at == search->candidate_count) {
        if (!grow((void **)&search->candidate, &search->candidate_capacity, at + 1, sizeof *search->candidate)) {
            search->failed = true;
            return;
        }
        search->candidate_count++;
    }
    by.taken = keep_taken(search, taken, by.count);
    search->candidate[at] = (struct candidate){.key = key,
                                               .finding = *finding,
                                               .unit = unit,
                                               .distance = distance,
                                               .stops = stops,
                                               .state = by.parent,
                                               .by = by,
                                               .last_node = last_node};
}

void search_give_up(struct search_state *search, const struct world *world) {
    search->failed |= world_out_of_memory(world);
    if (!search->failed)
        search->stopped = world_trouble(world);
}

/* What the hardware alone makes of a state. */
void search_report_closures(struct search_state *search, uint32_t state) {
    const struct projection *projection = search->projection;
    for (unsigned u = 0; u < projection->units; u++) {
        const uint32_t of = state_units(search, state_words(search, state))[u];
        const struct closure *closure = world_closure(projection->world[u], of);
        if (closure == NULL) {
            search_give_up(search, projection->world[u]);
            return;
        }
        for (size_t i = 0; i < closure->finding_count; i++)
            search_report(search, &closure->findings[i].finding, u,
                          search->info[state].distance + closure->findings[i].cost,
                          (struct transition){.parent = state, .actor = (uint8_t)projection->actors}, NULL,
                          closure->findings[i].node, 0);
    }
}
