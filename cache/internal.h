/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a cache hierarchy; shared by the .c files of cache/ only.
 *
 * Two layers. A `line_array` is one set-associative cache: tags, states, data, versions, replacement. The
 * hierarchy moves lines between arrays and memory. An `operation` says on whose behalf and why, and collects
 * the result.
 */
#ifndef NS_CACHE_INTERNAL_H
#define NS_CACHE_INTERNAL_H

#include "cache/cache.h"
#include "cache/mesi.h"

#include <assert.h>
#include <string.h>

#define NO_SLOT        UINT32_MAX
#define NO_TAG         UINT64_MAX /* no line number reaches it: addresses have 56 bits */
#define MISS_REGISTERS 16u
#define FRAME_BYTES    4096u /* a page */

/* One set-associative cache, as a structure of arrays. A slot is set * ways + way. */
struct line_array {
    uint64_t *tags;       /* line number (address / line), or NO_TAG when the slot is invalid */
    uint8_t *states;      /* enum ns_mesi; INVALID exactly where the tag is NO_TAG. Never SHARED in a shared level,
                             whose copy is the only one there */
    uint8_t *recent;      /* per set: the way touched last. Touching it again changes no replacement state */
    uint8_t *data;        /* `line` bytes per slot */
    ns_version *versions; /* `line` versions per slot, or NULL without provenance */
    uint32_t *fill_events;
    uint64_t *stamps; /* LRU: time of the last touch; FIFO: time of the fill; otherwise NULL */
    uint64_t *trees;  /* tree-PLRU: node n (root 1) is bit n; a set bit points to the right half; otherwise NULL */
    uint64_t set_mask;
    uint64_t clock;
    uint64_t random;
    uint32_t line_shift;
    uint32_t line;
    uint32_t ways;
    uint32_t sets;
    enum ns_replacement replacement;
    bool write_through;
    bool no_write_allocate;
    bool direct_stores; /* what a store does to an exclusive or modified line concerns nobody else: the cache is
                           write-back, and nobody watches */
    unsigned level;
    unsigned hart;                      /* level 0 only */
    const struct ns_cache_watch *watch; /* NULL: nobody looks */
    struct ns_cache_stats stats;
    uint32_t frame_shift; /* scattered frames: lines of a page, as a power of two; otherwise 0 */
    uint32_t unused32;
    uint64_t unused; /* up to a power of two: a hart's array is found by a shift */
};
static_assert(sizeof(struct line_array) == 256, "a power of two; fill it up when a member comes or goes");

/* A fill between its two steps. */
struct miss_register {
    uint64_t address; /* of the L1 line */
    bool used;
    uint8_t data[NS_LINE_MAX];
    ns_version versions[NS_LINE_MAX];
};

/* Where written bytes come from: the observer wants to know. */
struct origin {
    unsigned level;
    uint32_t set, way;
};

struct late_entry {
    uint64_t address;
    uint32_t length;
    struct origin origin;
    uint8_t data[NS_LINE_MAX];
    ns_version versions[NS_LINE_MAX];
};

/* Oldest first; entries keep their place in `entries`, `order` is what moves. */
struct late_queue {
    struct late_entry *entries;
    uint32_t *order; /* [0, count) in use, oldest first; the rest names the free entries */
    uint32_t count;
};

struct ns_cache {
    struct line_array l1[NS_CACHE_MAX_HARTS];
    struct line_array shared[NS_CACHE_MAX_LEVELS - 1]; /* level 1, level 2 */
    struct ns_cache_config config;
    struct ns_cache_backing backing;
    struct ns_cache_observer observer;
    struct miss_register *registers; /* MISS_REGISTERS per hart */
    uint32_t registers_used;
    struct late_queue late[NS_CACHE_MAX_HARTS];
    uint32_t late_total;
    uint64_t total_lines;
    bool inclusive, exclusive; /* only with more than one level */
};

struct operation {
    struct ns_cache *cache;
    struct ns_cache_result *result; /* never NULL */
    unsigned hart;
    enum ns_cache_cause cause;
    bool late; /* writes to memory wait in the hart's queue */
};

/* A line on its way between arrays. */
struct line_buffer {
    uint8_t data[NS_LINE_MAX];
    ns_version versions[NS_LINE_MAX];
};

static inline struct line_array *array_at(struct ns_cache *cache, unsigned level, unsigned hart) {
    return level == 0 ? &cache->l1[hart] : &cache->shared[level - 1];
}

static inline uint64_t line_start(const struct line_array *array, uint64_t address) {
    return address & ~(uint64_t)(array->line - 1);
}

/* The lines of a page keep their order, and the page goes where chance puts it: a set is found by a mix of the page's
 * number. The mix is the last part of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static inline uint64_t frame_of(uint64_t page) {
    page = (page ^ (page >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    page = (page ^ (page >> 27)) * UINT64_C(0x94D049BB133111EB);
    return page ^ (page >> 31);
}

static inline uint32_t set_in(uint64_t address, uint32_t line_shift, uint32_t frame_shift, uint64_t set_mask) {
    uint64_t line = address >> line_shift;
    if (frame_shift != 0)
        line ^= frame_of(address / FRAME_BYTES) << frame_shift;
    return (uint32_t)(line & set_mask);
}

static inline uint32_t set_of(const struct line_array *array, uint64_t address) {
    return set_in(address, array->line_shift, array->frame_shift, array->set_mask);
}

static inline uint64_t slot_address(const struct line_array *array, uint32_t slot) {
    return array->tags[slot] << array->line_shift;
}

static inline uint8_t *slot_data(const struct line_array *array, uint32_t slot) {
    return array->data + ((size_t)slot << array->line_shift);
}

static inline ns_version *slot_versions(const struct line_array *array, uint32_t slot) {
    return array->versions ? array->versions + ((size_t)slot << array->line_shift) : NULL;
}

static inline struct origin slot_origin(const struct line_array *array, uint32_t slot) {
    return (struct origin){.level = array->level, .set = slot / array->ways, .way = slot % array->ways};
}

static inline enum ns_mesi slot_mesi(const struct line_array *array, uint32_t slot) {
    return (enum ns_mesi)array->states[slot];
}

static inline enum ns_line_state slot_state(const struct line_array *array, uint32_t slot) {
    return ns_mesi_line(slot_mesi(array, slot));
}

/* array.c */
void tell_watch(const struct line_array *array, uint64_t line_address);

/* The last thing in every change of a line that stays or comes: its bytes are written before. */
static inline void set_slot_mesi(struct line_array *array, uint32_t slot, enum ns_mesi next) {
    array->states[slot] = (uint8_t)next;
    if (array->watch)
        tell_watch(array, slot_address(array, slot));
}

/* What becomes of a line that stays where it is: a clean copy is exclusive unless it was shared before. */
static inline void set_slot_state(struct line_array *array, uint32_t slot, enum ns_line_state next) {
    assert(next != NS_LINE_INVALID);
    set_slot_mesi(array, slot,
                  next == NS_LINE_DIRTY                   ? NS_MESI_MODIFIED
                  : array->states[slot] != NS_MESI_SHARED ? NS_MESI_EXCLUSIVE
                                                          : NS_MESI_SHARED);
}

/* NULL stays NULL: without provenance nobody has versions. */
static inline const ns_version *versions_at(const ns_version *versions, size_t offset) {
    return versions ? versions + offset : NULL;
}

static inline uint32_t lower_of(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static inline void need_level(struct operation *operation, unsigned level) {
    if (operation->result->hit_level < level)
        operation->result->hit_level = level;
}

/* array.c: one cache. */
bool array_create(struct line_array *array, const struct ns_cache_config *all, unsigned level, unsigned hart);
void array_destroy(struct line_array *array);
uint32_t array_find(const struct line_array *array, uint64_t address); /* or NO_SLOT */
void array_read(const struct line_array *array, uint32_t slot, uint64_t address, uint32_t length, uint8_t *data,
                ns_version *versions);
void array_write(struct line_array *array, uint32_t slot, uint64_t address, uint32_t length, const uint8_t *data,
                 const ns_version *versions);
void array_place(struct line_array *array, uint32_t slot, uint64_t address, enum ns_line_state state,
                 const uint8_t *data, const ns_version *versions);
void array_clear(struct line_array *array, uint32_t slot);

/* replacement.c */
void replacement_touch(struct line_array *array, uint32_t slot);         /* a hit */
void replacement_filled(struct line_array *array, uint32_t slot);        /* a new line */
uint32_t replacement_victim(struct line_array *array, uint64_t address); /* a slot of the set: an invalid one first */

/* hierarchy.c: moving lines. On an error nothing of the step that failed has happened. */
enum ns_status memory_read(struct operation *operation, uint64_t address, uint32_t length, uint8_t *data,
                           ns_version *versions);
enum ns_status memory_write(struct operation *operation, struct origin origin, uint64_t address, uint32_t length,
                            const uint8_t *data, const ns_version *versions);
/* Writes now, whatever operation->late says. */
enum ns_status memory_write_now(struct operation *operation, struct origin origin, uint64_t address, uint32_t length,
                                const uint8_t *data, const ns_version *versions);
/* Reads bytes of one line from `level` or below; levels on the way that miss are filled. Not for exclusive. */
enum ns_status fetch(struct operation *operation, unsigned level, uint64_t address, uint32_t length, uint8_t *data,
                     ns_version *versions);
/* Fills the L1 line at `address` of operation->hart and returns its slot. */
enum ns_status fill_l1(struct operation *operation, uint64_t address, uint32_t *slot);
/* Puts a line, whose data the caller has, into an array: makes room, places, tells the observer. */
enum ns_status install(struct operation *operation, struct line_array *array, uint64_t address,
                       enum ns_line_state state, const uint8_t *data, const ns_version *versions, uint32_t *slot);
/* Writes bytes that come from above into `level` or below; allocates as the level's policy says. */
enum ns_status write_below(struct operation *operation, struct origin origin, unsigned level, uint64_t address,
                           uint32_t length, const uint8_t *data, const ns_version *versions);
/* Writes bytes into the nearest level from `level` on that holds them, or to memory; allocates nothing. */
enum ns_status write_present(struct operation *operation, struct origin origin, unsigned level, uint64_t address,
                             uint32_t length, const uint8_t *data, const ns_version *versions);
/* Removes a victim: dirty data goes one level down, in exclusive hierarchies clean data too. */
enum ns_status evict_slot(struct operation *operation, struct line_array *array, uint32_t slot);
/* Inclusive: takes what the levels above hold of this line back into it (write_present), and drops it there. */
enum ns_status absorb_upper_copies(struct operation *operation, struct line_array *array, uint32_t slot);
/* Wherever a line leaves an array by way of an eviction. */
static inline void count_eviction(const struct operation *operation, struct line_array *array) {
    array->stats.evictions += operation->cause == NS_CAUSE_EVICTION;
}
/* Removes without a write-back; tells the observer. */
void drop_slot(struct operation *operation, struct line_array *array, uint32_t slot, bool dirty);

/* coherence.c: other harts' L1s. `address` is an L1 line. The first two tell every other L1 what operation->hart is
 * about to do (enum ns_mesi_event), and count who had to answer. */
enum ns_status others_before_load(struct operation *operation, uint64_t address);
enum ns_status others_before_store(struct operation *operation, uint64_t address);
bool other_l1_holds(struct ns_cache *cache, unsigned hart, uint64_t address);
bool other_l1_dirty(struct ns_cache *cache, unsigned hart, uint64_t address);
/* Another L1 holds the line, or has a fill of it in flight. */
bool other_l1_shares(struct ns_cache *cache, unsigned hart, uint64_t address);

/* hardware.c: fills in flight. */
bool miss_register_holds(const struct ns_cache *cache, unsigned hart, uint64_t address);
void miss_register_cancel(struct ns_cache *cache, unsigned hart, uint64_t address);
void miss_register_cancel_all_harts(struct ns_cache *cache, uint64_t address, uint32_t length);

/* late.c */
bool late_create(struct ns_cache *cache);
void late_destroy(struct ns_cache *cache);
enum ns_status late_push(struct operation *operation, struct origin origin, uint64_t address, uint32_t length,
                         const uint8_t *data, const ns_version *versions);
enum ns_status late_drain_range(struct operation *operation, uint64_t address, uint64_t length);

/* check.c: the debug build's check after an operation on [address, address + length). */
#ifdef NDEBUG
#define check_after(cache, address, length) ((void)0)
#else
void check_after(struct ns_cache *cache, uint64_t address, uint64_t length);
#endif

/* config.c */
bool range_is_physical(uint64_t address, uint64_t length);

#endif
