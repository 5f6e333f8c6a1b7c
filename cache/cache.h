/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data-holding cache hierarchy: a private L1D for each hart and, optionally, shared levels below it.
 *
 * The core knows no time and no SystemC. It reaches memory through `ns_cache_backing` and tells what it does
 * through `ns_cache_observer`; tlm_cache.h gives it sockets and latencies.
 *
 * Units: addresses are physical, sizes are bytes. Every function that takes (address, length) accepts any
 * alignment and splits at line borders. Functions return NS_OK or the first error of the backing; on an error
 * the state stays consistent (ns_cache_check passes) and the line concerned is not installed.
 *
 * Re-entrancy: one operation at a time per hierarchy. The backing may suspend the caller (a SystemC wait); the
 * shell holds a lock meanwhile.
 */
#ifndef NS_CACHE_CACHE_H
#define NS_CACHE_CACHE_H

#include "cache/base.h"
#include "cache/line.h"
#include "cache/mesi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_CACHE_MAX_LEVELS  3
#define NS_CACHE_MAX_HARTS   8
#define NS_LINE_MIN          16u  /* bytes */
#define NS_LINE_MAX          256u /* bytes */
#define NS_CACHE_MAX_WAYS    64u
#define NS_CACHE_MAX_SIZE    (256u << 20)        /* bytes, of one cache */
#define NS_CACHE_MAX_LATE    1024u               /* lines in one hart's queue of late write-backs */
#define NS_CACHE_MAX_RANGE   (UINT64_C(1) << 32) /* bytes that one range operation may name */
#define NS_CACHE_CHECK_LINES 512u /* debug builds check all lines of smaller hierarchies after each operation */

enum ns_replacement { NS_REPLACE_LRU, NS_REPLACE_TREE_PLRU, NS_REPLACE_FIFO, NS_REPLACE_RANDOM };

/* What a lower level holds relative to the private L1s. */
enum ns_inclusion {
    NS_INCLUSION_NEITHER,   /* fills allocate in both; each level evicts on its own */
    NS_INCLUSION_INCLUSIVE, /* evicting below also evicts above (C910 User Manual: strictly inclusive L2) */
    NS_INCLUSION_EXCLUSIVE, /* a line is in L1 or below, not both: L1 victims, clean ones too, move down (a clean one
                               is dropped while another hart's L1 holds the line). All levels have one line size;
                               shared levels take victims and IO-coherent writes, never a hart's stores, so
                               no_write_allocate does not concern them */
};

/* How a fill happens on this machine. */
enum ns_fill_kind {
    NS_FILL_ATOMIC,   /* memory is read and the line installed in one step */
    NS_FILL_ORDERED,  /* two steps; a completed maintenance operation on the line also cancels a fill in flight */
    NS_FILL_ESCAPING, /* two steps; a fill in flight survives an invalidate (an erratum) */
};

/* Whose L1s a maintenance operation to the point of coherency acts on. */
enum ns_maintenance_reach {
    NS_REACH_ALL_HARTS, /* it is broadcast: RISC-V CMO, Arm since v7 in the inner shareable domain */
    NS_REACH_LOCAL,     /* the executing hart's L1, then the shared levels: ARM11 MPCore, whose snoop control unit does
                           not see these operations (Linux f4d6477f7f07) */
};

struct ns_cache_level_config {
    uint32_t size; /* bytes, per cache; size = sets x ways x line, sets a power of two */
    uint32_t ways; /* 1 to 64; a power of two for tree-PLRU */
    uint32_t line; /* bytes, a power of two, 16 to 256; not smaller than the line of the level above */
    enum ns_replacement replacement;
    bool write_through;     /* default: write-back */
    bool no_write_allocate; /* default: a store miss fills the line. A store of the whole line needs no byte of it:
                               unless the levels are inclusive or exclusive, it is installed without a read (as
                               Dinero IV counts) */
};

struct ns_cache_config {
    unsigned harts;  /* 1 to NS_CACHE_MAX_HARTS: number of private L1 caches */
    unsigned levels; /* 1 to NS_CACHE_MAX_LEVELS: level 0 is private, the others are shared */
    struct ns_cache_level_config level[NS_CACHE_MAX_LEVELS];
    enum ns_inclusion inclusion;
    enum ns_fill_kind fill;
    bool invalidate_as_flush; /* NS_CACHE_INVALIDATE is performed as NS_CACHE_FLUSH (CBIE = 01, blackfin) */
    enum ns_maintenance_reach reach;
    struct ns_range_policy range; /* rounding and edge lines of range operations */
    uint32_t late_write_backs;    /* > 0: write-backs of clean and flush wait in a queue of so many lines per hart
                                     (up to NS_CACHE_MAX_LATE) until ns_cache_drain (a fence), until the queue is
                                     full (then the oldest goes), or until something fills or evicts the line or
                                     writes memory for it; an L1 hit and an invalidate leave the queue alone.
                                     0: they reach memory within the operation */
    bool scattered_frames;        /* the sets of a line in a shared level are those that it would have if its page of
                                     4096 bytes lay in a frame drawn by chance (ns_cache_set). Nothing else of it
                                     shows: addresses stay. An L1's sets stay, too, as if its index were virtual */
    bool provenance;              /* keep a version per byte; without it every `versions` argument may be NULL */
    uint64_t seed;                /* of NS_REPLACE_RANDOM; same seed, same victims */
};

/* Memory below the last level. Lengths are one line of the last level, or fewer bytes, within one such line: a store
 * that no level keeps, an IO-coherent access, or a smaller line of an upper level that the last level does not hold.
 * `versions` is NULL without provenance. */
struct ns_cache_backing {
    void *context;
    enum ns_status (*read)(void *context, uint64_t address, uint32_t length, uint8_t *data, ns_version *versions);
    enum ns_status (*write)(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                            const ns_version *versions);
};

/* Why a line left a cache or memory was written. */
enum ns_cache_cause {
    NS_CAUSE_DEMAND,      /* a load or store missed */
    NS_CAUSE_PREFETCH,    /* the hardware filled it by itself */
    NS_CAUSE_EVICTION,    /* victim of a fill, or evicted by itself, or by inclusion */
    NS_CAUSE_MAINTENANCE, /* clean, invalidate, flush */
    NS_CAUSE_SNOOP,       /* another hart's or an IO-coherent master's access */
    NS_CAUSE_STORE,       /* a write-through or no-allocate store passing on */
};

struct ns_cache_line_event {
    unsigned level;   /* 0 = L1 */
    unsigned hart;    /* whose L1 (level 0), or on whose behalf */
    uint64_t address; /* of the line or of the first byte written */
    uint32_t length;  /* bytes */
    enum ns_cache_cause cause;
    const uint8_t *data;        /* `length` bytes, valid during the call; NULL where there is no data */
    const ns_version *versions; /* `length` versions or NULL without provenance */
    uint32_t set, way;
};

/* Called from inside an operation; must not call back into the hierarchy except ns_cache_peek. Any member may be
 * NULL. */
struct ns_cache_observer {
    void *context;
    /* A line was installed in a level. The return value is kept with the line as its fill event. */
    uint32_t (*fill)(void *context, const struct ns_cache_line_event *event);
    /* Bytes are about to go to memory (before backing->write is called; for a late write-back, when it leaves its
     * queue). `level` is the one that they come from. */
    void (*write_back)(void *context, const struct ns_cache_line_event *event);
    /* A copy is gone from a level without a write-back: it was clean, or dirty and discarded (then `dirty`).
     * Called after removal. Not called for a line that moved down to the next level. */
    void (*drop)(void *context, const struct ns_cache_line_event *event, bool dirty);
};

/* Somebody who wants to know of every line that changed: that it came, went, or has another state or other bytes. An
 * operation may change a line more than once. Moves between the levels are seen too, which no other observer is told
 * of. Called from inside an operation, after the change; must not call back except ns_cache_peek, which shows what
 * became of the line. */
struct ns_cache_watch {
    void *context;
    void (*changed)(void *context, unsigned level, unsigned hart, uint64_t line_address); /* hart: 0 below L1 */
};

struct ns_cache;

/* What one operation did: the shell turns it into time. */
struct ns_cache_result {
    unsigned hit_level;     /* deepest level needed: 0 = hit in L1; config.levels = memory */
    uint32_t lines;         /* lines visited (split accesses, ranges) */
    uint32_t lines_present; /* of these, lines found in some level (maintenance) */
    uint32_t memory_reads;  /* lines read from backing */
    uint32_t memory_writes; /* writes to backing */
    uint32_t snoops;        /* lines for which the other L1s had to be asked: one of them held the line, or a shared
                               copy became the only one */
};

/* Of one level. References are what reached it: at L1 the harts' loads and stores, one per line touched; below, the
 * fills of the level above count as loads, its victims' write-backs and stores passing through it as stores. */
struct ns_cache_stats {
    uint64_t load_hits, load_misses, store_hits, store_misses;
    uint64_t fills;             /* lines installed */
    uint64_t write_backs;       /* whole dirty lines that went to the level below or to memory */
    uint64_t discards;          /* dirty lines dropped */
    uint64_t evictions;         /* lines, clean or dirty, that left for another line, by the hardware's own choice, or
                                   because the level below evicted them */
    uint64_t prefetches;        /* L1: fills without a load or store */
    uint64_t maintenance_lines; /* lines of this level that a clean, invalidate or flush found */
    uint64_t upgrades;          /* L1: stores to a shared copy, for which the other copies had to go */
    uint64_t snooped;           /* L1: lines here that another hart's, or an IO-coherent master's, access found */
    /* L1: lines that this hart's maintenance named, and that some level in its scope held, or none. */
    uint64_t named_present, named_absent;
};

/* Checks a configuration. On an error returns NS_ERROR_ARGUMENT and writes one sentence to `reason`. */
enum ns_status ns_cache_config_check(const struct ns_cache_config *config, char *reason, size_t reason_size);

/* The observer and the backing are copied; their contexts must outlive the cache. NULL observer: nobody looks.
 * Returns NULL on a bad configuration or when the host is out of memory. Free with ns_cache_destroy (NULL is ok);
 * destroying writes nothing back. */
struct ns_cache *ns_cache_create(const struct ns_cache_config *config, const struct ns_cache_backing *backing,
                                 const struct ns_cache_observer *observer);
void ns_cache_destroy(struct ns_cache *cache);
/* Watches from now on; the watch must outlive the cache. NULL, as at first: nobody. It does not see
 * ns_cache_restore. */
void ns_cache_set_watch(struct ns_cache *cache, const struct ns_cache_watch *watch);
const struct ns_cache_config *ns_cache_get_config(const struct ns_cache *cache);
/* The set of a level in which the line of this address lies, in a cache of this configuration. */
uint32_t ns_cache_set(const struct ns_cache_config *config, unsigned level, uint64_t address);

/* Cacheable accesses of a hart. With provenance, load fills `versions` (length entries) and store takes them.
 * `result` may be NULL. length: 1 to 2^31-1. */
enum ns_status ns_cache_load(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, uint8_t *data,
                             ns_version *versions, struct ns_cache_result *result);
enum ns_status ns_cache_store(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length,
                              const uint8_t *data, const ns_version *versions, struct ns_cache_result *result);

/* A load or store that the hart's L1 serves alone, without its bytes: counts as ns_cache_load and ns_cache_store do,
 * and true. False, and nothing has happened: the access misses, crosses a line, or concerns another cache or memory;
 * the caller goes the long way. For accesses whose bytes nobody looks at: what the line holds after a store is not
 * defined. */
bool ns_cache_hit(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, bool store);
/* The same with the bytes: what ns_cache_load or ns_cache_store would have done, or false and nothing. With provenance
 * a store without versions is false, too. hart: below config.harts. */
bool ns_cache_hit_load(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, uint8_t *data,
                       ns_version *versions);
bool ns_cache_hit_store(struct ns_cache *cache, unsigned hart, uint64_t address, uint32_t length, const uint8_t *data,
                        const ns_version *versions);

/* Maintenance on the range that the program named, with this machine's rounding and edge policy (NS_RANGE), or
 * without them: NS_EXACT_LINES visits exactly the lines the range touches with exactly this operation (a single
 * cbo or dcache instruction); NS_WHOLE_CACHE visits every line in scope. NS_SCOPE_POC acts on all harts' L1s (as
 * config.reach says) and all levels from the top down (inner to outer for write-backs, so that an invalidate leaves
 * nothing to refill from); NS_SCOPE_OUTER acts on the shared levels alone (with inclusive levels, copies above go too);
 * NS_SCOPE_L1 acts on this hart's L1 alone: dirty data of a clean moves to the next level (in an exclusive hierarchy
 * the line itself moves).
 * The lines visited are L1 lines. Where a lower level's line is bigger, the operation acts on that whole line, as such
 * hardware does; in an inclusive hierarchy its other parts, if L1s hold them, first merge into it.
 * A range may have up to NS_CACHE_MAX_RANGE bytes, else NS_ERROR_LIMIT. On an error of the backing the lines before
 * the one concerned are done. */
enum ns_maintenance_extent { NS_RANGE, NS_EXACT_LINES, NS_WHOLE_CACHE };
struct ns_maintenance {
    enum ns_cache_op op;
    enum ns_cache_scope scope;
    enum ns_maintenance_extent extent;
    uint64_t address; /* first byte named; ignored for NS_WHOLE_CACHE */
    uint64_t length;  /* bytes named */
};
enum ns_status ns_cache_maintain(struct ns_cache *cache, unsigned hart, const struct ns_maintenance *what,
                                 struct ns_cache_result *result);

/* The hardware's own moves. */
/* Fill the line that holds `address` into the hart's L1 (and below, by inclusion), unless present. */
enum ns_status ns_cache_prefetch(struct ns_cache *cache, unsigned hart, uint64_t address,
                                 struct ns_cache_result *result);
/* The two steps of a fill: sample reads the level below into a miss register (up to 16 per hart; NS_ERROR_LIMIT
 * beyond); install puts it into L1 unless a maintenance operation cancelled it (NS_FILL_ORDERED) or the line has become
 * present meanwhile; then nothing happens and *installed is false. With NS_FILL_ATOMIC, sample fills at once and
 * install does nothing. A demand access to a line in flight fills by itself and drops the miss register, and so does a
 * store of another hart or of an IO-coherent master: fills in flight take part in coherence. */
enum ns_status ns_cache_fill_sample(struct ns_cache *cache, unsigned hart, uint64_t address,
                                    struct ns_cache_result *result);
enum ns_status ns_cache_fill_install(struct ns_cache *cache, unsigned hart, uint64_t address, bool *installed);
/* Evict the line that holds `address` from the hart's L1 and then from every shared level: dirty data reaches
 * memory. *present says whether any level held it. */
enum ns_status ns_cache_evict(struct ns_cache *cache, unsigned hart, uint64_t address, bool *present,
                              struct ns_cache_result *result);
/* The line leaves the hart's L1 alone, as the victim of a fill would: dirty data goes one level down, in an exclusive
 * hierarchy clean data too. With one level the same as ns_cache_evict. */
enum ns_status ns_cache_evict_l1(struct ns_cache *cache, unsigned hart, uint64_t address, bool *present,
                                 struct ns_cache_result *result);
/* From now on NS_CACHE_INVALIDATE is, or is not, performed as NS_CACHE_FLUSH, whatever the configuration said. */
void ns_cache_set_invalidate_as_flush(struct ns_cache *cache, bool as_flush);
/* A store that was executed speculatively and squashed: the line is present and dirty although no byte changed
 * (R10000). */
enum ns_status ns_cache_speculative_store(struct ns_cache *cache, unsigned hart, uint64_t address,
                                          struct ns_cache_result *result);
/* Late write-backs (config.late_write_backs). drain sends every queued line of the hart to memory, oldest first (a
 * fence); drain_line only the entries that touch [address, address + length), of any hart (a non-cacheable access to
 * the line). */
enum ns_status ns_cache_drain(struct ns_cache *cache, unsigned hart, struct ns_cache_result *result);
enum ns_status ns_cache_drain_line(struct ns_cache *cache, uint64_t address, uint64_t length,
                                   struct ns_cache_result *result);
size_t ns_cache_late_count(const struct ns_cache *cache, unsigned hart);
/* Copies the newest queued byte at `address` if some hart's queue holds it: hart, data and version out. */
bool ns_cache_late_peek(const struct ns_cache *cache, uint64_t address, unsigned *hart, uint8_t *data,
                        ns_version *version);

/* An IO-coherent master's access: sees and updates cached copies. Read: newest copy or memory, allocates nothing.
 * Write: cached copies in L1s are merged down and dropped, the bytes go into the last shared level (allocating
 * there, dirty) or, with one level only, to memory. */
enum ns_status ns_cache_snoop_read(struct ns_cache *cache, uint64_t address, uint32_t length, uint8_t *data,
                                   ns_version *versions, struct ns_cache_result *result);
enum ns_status ns_cache_snoop_write(struct ns_cache *cache, uint64_t address, uint32_t length, const uint8_t *data,
                                    const ns_version *versions, struct ns_cache_result *result);

/* Looking without touching: no replacement update, no statistics. */
struct ns_cache_copy {
    enum ns_line_state state;
    enum ns_mesi mesi; /* of an L1's copy; a shared level's is EXCLUSIVE or MODIFIED, being the only one there */
    uint64_t line_address;
    uint32_t line_size;
    uint32_t set, way;
    uint32_t fill_event;        /* what observer->fill returned */
    const uint8_t *data;        /* the whole line; valid until the next operation */
    const ns_version *versions; /* the whole line, or NULL */
};
/* The copy that `hart`'s L1 (level 0) or a shared level holds; false when absent. */
bool ns_cache_peek(const struct ns_cache *cache, unsigned level, unsigned hart, uint64_t address,
                   struct ns_cache_copy *copy);
/* Calls `visit` for every valid line of every cache, level by level, until it returns false. */
void ns_cache_for_each(const struct ns_cache *cache,
                       bool (*visit)(void *context, unsigned level, unsigned hart, const struct ns_cache_copy *copy),
                       void *context);

/*
 * The whole state as bytes, for a search over states: equal bytes, equal future. For hierarchies of one way, at most
 * 255 sets and provenance, whose addresses begin at 0 and fill no set twice (ns_cache_can_save). Lines are kept by
 * their versions alone; data, statistics and fill events are not part of it. save writes at most ns_cache_save_size
 * bytes and returns how many; restore returns how many it has read. Whether a clean copy is shared or exclusive decides
 * nothing about data and is not kept: a restored one is exclusive when no other L1 has the line or is about to get it.
 */
bool ns_cache_can_save(const struct ns_cache *cache);
size_t ns_cache_save_size(const struct ns_cache *cache);
size_t ns_cache_save(const struct ns_cache *cache, uint8_t *state);
size_t ns_cache_restore(struct ns_cache *cache, const uint8_t *state);

/* level 0: sum over all harts. */
void ns_cache_get_stats(const struct ns_cache *cache, unsigned level, struct ns_cache_stats *stats);
/* Of the L1 of one hart; zeros for a hart that there is not. */
void ns_cache_get_hart_stats(const struct ns_cache *cache, unsigned hart, struct ns_cache_stats *stats);

/* The whole structure's invariants: no line twice in a cache, tags in their set, inclusion or exclusion, at most one
 * hart's L1 modified or exclusive and then no other copy in an L1 and no fill of it in flight, replacement state well
 * formed, queues within bounds. NS_OK, or NS_ERROR_MISUSE with one sentence in `reason`. Debug builds (NDEBUG not
 * defined) call it after every operation that is more than an L1 hit when the hierarchy has at most
 * NS_CACHE_CHECK_LINES lines; larger ones check the sets at the addresses of the operation. */
enum ns_status ns_cache_check(const struct ns_cache *cache, char *reason, size_t reason_size);

#ifdef __cplusplus
}
#endif
#endif
