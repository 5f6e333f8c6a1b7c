/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for a scenario's texts, the one space of names, and names that look alike. */
#ifndef NS_SCENARIOS_NAMES_H
#define NS_SCENARIOS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory that is freed all at once. Zero-initialised is empty. */
struct ns_arena_block;
struct ns_arena {
    struct ns_arena_block *blocks;
    size_t used; /* of the newest block */
};
/* Zeroed, aligned for any struct here; NULL when the host is out of memory. */
void *ns_arena_alloc(struct ns_arena *arena, size_t size);
char *ns_arena_text(struct ns_arena *arena, const char *start, size_t length);
void ns_arena_release(struct ns_arena *arena);

enum ns_name_kind {
    NS_NAME_BAD, /* declared on a line with an error: its uses are not complained about */
    NS_NAME_DEVICE,
    NS_NAME_OBJECT,
    NS_NAME_IRQ,
    NS_NAME_POOL,
    NS_NAME_REGISTER,
    NS_NAME_LIST,
};

struct ns_name {
    const char *text; /* not NUL-terminated */
    uint32_t length;
    uint32_t hash;
    enum ns_name_kind kind;
    uint32_t index; /* in the array of its kind */
    uint32_t line;  /* where it was declared */
};

/* Open addressing, at most half full. Zero-initialised is empty. Pointers to entries live until the next add. */
struct ns_names {
    struct ns_name *entries;
    size_t count, capacity;
    uint32_t *slots; /* index + 1 of the entry, 0: free */
    size_t slot_count;
};
struct ns_name *ns_names_find(const struct ns_names *names, const char *text, size_t length);
/* The name must not be there yet. NULL: the host is out of memory. `text` must outlive the table. */
struct ns_name *ns_names_add(struct ns_names *names, const char *text, size_t length, enum ns_name_kind kind,
                             uint32_t index, uint32_t line);
void ns_names_release(struct ns_names *names);

/* The search for "did you mean": offer all candidates, the nearest one stays. A candidate counts when it differs in
 * case only, or in few letters (one below 6 letters, two below 12, else three) that are added, left out, replaced or
 * swapped with their neighbour. */
struct ns_nearest {
    const char *wanted;
    size_t length;
    const char *best; /* NULL: nothing is close */
    size_t best_length;
    size_t best_distance;
};
void ns_nearest_start(struct ns_nearest *search, const char *wanted, size_t length);
void ns_nearest_offer(struct ns_nearest *search, const char *candidate, size_t length);

#ifdef __cplusplus
}
#endif
#endif
