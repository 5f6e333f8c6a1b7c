/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/names.h"
#include "scenarios/scenario.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 8192u
#define LONGEST_COMPARED  NS_LIMIT_NAME_BYTES

struct ns_arena_block {
    struct ns_arena_block *older;
    size_t size;
    max_align_t memory[];
};

void *ns_arena_alloc(struct ns_arena *arena, size_t size) {
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (arena->blocks == NULL || arena->blocks->size - arena->used < size) {
        size_t capacity = size > ARENA_BLOCK_BYTES ? size : ARENA_BLOCK_BYTES;
        struct ns_arena_block *block = calloc(1, sizeof *block + capacity);
        if (block == NULL) {
            return NULL;
        }
        block->size = capacity;
        block->older = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
    }
    void *memory = (char *)arena->blocks->memory + arena->used;
    arena->used += size;
    return memory;
}

char *ns_arena_text(struct ns_arena *arena, const char *start, size_t length) {
    char *copy = ns_arena_alloc(arena, length + 1);
    if (copy != NULL && length > 0) { /* a text that is missing is NULL */
        memcpy(copy, start, length);
    }
    return copy;
}

void ns_arena_release(struct ns_arena *arena) {
    while (arena->blocks != NULL) {
        struct ns_arena_block *older = arena->blocks->older;
        free(arena->blocks);
        arena->blocks = older;
    }
    arena->used = 0;
}

/* ---- table ----------------------------------------------------------------------------------- */

/* FNV-1a, 32 bits. */
static uint32_t hash_of(const char *text, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    }
    return hash;
}

static size_t find_slot(const struct ns_names *names, const char *text, size_t length, uint32_t hash) {
    size_t slot = hash & (names->slot_count - 1);
    while (names->slots[slot] != 0) {
        const struct ns_name *entry = &names->entries[names->slots[slot] - 1];
        if (entry->hash == hash && entry->length == length && memcmp(entry->text, text, length) == 0) {
            break;
        }
        slot = (slot + 1) & (names->slot_count - 1);
    }
    return slot;
}

struct ns_name *ns_names_find(const struct ns_names *names, const char *text, size_t length) {
    if (names->slot_count == 0) {
        return NULL;
    }
    uint32_t entry = names->slots[find_slot(names, text, length, hash_of(text, length))];
    return entry == 0 ? NULL : &names->entries[entry - 1];
}

static bool grow(struct ns_names *names) {
    size_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
    struct ns_name *entries = realloc(names->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    names->entries = entries;
    uint32_t *slots = calloc(capacity * 2, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(names->slots);
    names->slots = slots;
    names->slot_count = capacity * 2;
    names->capacity = capacity;
    for (size_t i = 0; i < names->count; i++) {
        const struct ns_name *entry = &entries[i];
        slots[find_slot(names, entry->text, entry->length, entry->hash)] = (uint32_t)i + 1;
    }
    return true;
}

struct ns_name *ns_names_add(struct ns_names *names, const char *text, size_t length, enum ns_name_kind kind,
                             uint32_t index, uint32_t line) {
    if (names->count == names->capacity && !grow(names)) {
        return NULL;
    }
    uint32_t hash = hash_of(text, length);
    struct ns_name *entry = &names->entries[names->count];
    *entry = (struct ns_name){text, (uint32_t)length, hash, kind, index, line};
    names->slots[find_slot(names, text, length, hash)] = (uint32_t)++names->count;
    return entry;
}

void ns_names_release(struct ns_names *names) {
    free(names->entries);
    free(names->slots);
    memset(names, 0, sizeof *names);
}

/* ---- nearest --------------------------------------------------------------------------------- */

static char lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Edit distance with swaps of neighbours; case is ignored. Both at most LONGEST_COMPARED long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[3][LONGEST_COMPARED + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++) {
        above[j] = j;
        before[j] = 0;
    }
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = above[j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

void ns_nearest_start(struct ns_nearest *search, const char *wanted, size_t length) {
    *search = (struct ns_nearest){.wanted = wanted, .length = length, .best_distance = SIZE_MAX};
}

void ns_nearest_offer(struct ns_nearest *search, const char *candidate, size_t length) {
    size_t difference = length > search->length ? length - search->length : search->length - length;
    size_t longer = length > search->length ? length : search->length;
    size_t allowed = longer < 6 ? 1 : longer < 12 ? 2 : 3;
    if (longer > LONGEST_COMPARED || difference > allowed) {
        return;
    }
    size_t found = distance(search->wanted, search->length, candidate, length);
    if (found <= allowed && found < search->best_distance && found < longer) {
        search->best = candidate;
        search->best_length = length;
        search->best_distance = found;
    }
}
