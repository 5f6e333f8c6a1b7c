/* SPDX-License-Identifier: Apache-2.0 */
/* The tracker's state, shared by tracker.c (what happens to bytes), tracker_lookup.c (what is known of one),
 * ownership.c (whose they are), bounce.c (which of them stand for others), diagnose.c (why) and edges.c (who knows
 * what). */
#ifndef NS_MODEL_TRACKER_INTERNAL_H
#define NS_MODEL_TRACKER_INTERNAL_H

#include "cache/slab.h"
#include "model/byte_state.h"
#include "model/clocks.h"
#include "model/rules.h"
#include "model/tracker.h"

/* Flags of a byte: byte_state.h. What `aux` of it says: DISCARDED: that maintenance; UNDEFINED: the map; LOST: the
 * hazard's index; AGED: the write. */
/* What is only known of bytes that devices, mappings or hazards have touched: most pages never need it. */
struct ghost_traffic {
    ns_version before_dma[NS_PAGE_SIZE];   /* what memory held when a DMA write replaced it */
    ns_version device_write[NS_PAGE_SIZE]; /* the last DMA write */
    ns_version device_read[NS_PAGE_SIZE];  /* the last DMA read */
    uint32_t aux[NS_PAGE_SIZE];            /* see the flags */
    uint16_t mapping[NS_PAGE_SIZE];        /* 1 + index of the newest live mapping */
};

struct ghost_page {
    uint64_t number;
    struct ghost_page *next;             /* of the same hash bucket */
    const struct ghost_traffic *traffic; /* never NULL: all zero until traffic_of() is called */
    bool quiet;                          /* it has not been called: no device, no mapping was here */
    ns_version flat[NS_PAGE_SIZE];
    uint8_t value[NS_PAGE_SIZE];
    uint8_t flags[NS_PAGE_SIZE];
};

struct mapping {
    uint64_t first, length;
    unsigned device;
    uint8_t direction;
    bool live;
    uint16_t other_side; /* bounced: 1 + index of the mapping of the slot, and there of the original; made and ended
                            together */
    uint32_t map_event;
    uint32_t hand_over_event; /* the last map or sync-for-device */
    uint32_t back_event;      /* the last sync-for-cpu or unmap, or NS_NO_EVENT */
};

/* A value that a program keeps in a register; see ns_tracker_finish. */
struct kept_load {
    uint32_t event;
    uint64_t address;
    uint32_t length;
    bool reloaded;
};

/* What a step was last found to read, see told_often(). */
struct repeated_story {
    uint32_t site, newest, got; /* steps: that reads, that wrote the newest bytes, that wrote what it got */
    uint32_t count;
    enum ns_hazard_id id;
};

/* A copy between a bounce slot and its original that a hart makes just now. */
struct bounce_copy {
    bool active, in;
    bool misplaced; /* not between the bytes that stand for one another; `hazard` says so */
    uint32_t event; /* the API call */
    uint64_t slot, original, length;
    size_t hazard;
};

#define STORIES       64u
#define GHOST_BUCKETS 4096u
#define MAPPING_LIMIT 4096u
#define KEPT_LIMIT    4096u
#define PAGE_LIMIT    20480u /* ghost pages, 80 MiB of simulated memory: a run that touches more is stopped */
#define TRAFFIC_LIMIT 8192u  /* of these, pages that devices, mappings or hazards touch */

/* At once, of one actor: an engine has a master for data and one for descriptors. */
#define WRITES_UNDER_WAY 2u
#define ARRIVALS_KEPT    4u /* of each actor: the accesses of others that began before them are few */

struct ns_tracker {
    struct ns_log *log;
    struct ns_recording *recording; /* or NULL */
    struct ns_tracker_view view;
    struct ns_tracked_device device[NS_MAX_ACTORS];
    struct ns_tracked_object *object;
    size_t object_count, object_capacity;
    struct ghost_page *bucket[GHOST_BUCKETS];
    struct ghost_page *last;
    struct mapping *mapping;
    size_t mapping_count;
    struct bounced *bounced; /* live bounce slots, in no order; see bounce.c */
    size_t bounced_count, bounced_capacity;
    struct bounce_copy bounce_copy[NS_MAX_ACTORS];
    struct kept_load *kept; /* a ring: the newest KEPT_LIMIT loads of descriptor fields */
    size_t kept_count;      /* ever kept */
    struct {
        bool active, whole;
        uint32_t event;
        uint64_t first, length;
    } maintenance;
    /* the writes that an actor has issued and that have not arrived everywhere; the rest NS_NO_EVENT */
    uint32_t under_way[NS_MAX_ACTORS][WRITES_UNDER_WAY];
    struct {
        uint32_t write, at; /* its event, and the newest one when it had arrived */
    } arrived[NS_MAX_ACTORS][ARRIVALS_KEPT];
    uint32_t arrived_count[NS_MAX_ACTORS]; /* ever */
    struct {
        uint32_t event, at; /* its last maintenance that has ended, and the newest event then */
    } maintained[NS_MAX_ACTORS];
    uint32_t maintaining[NS_MAX_ACTORS];   /* the maintenance event that it is at, or NS_NO_EVENT */
    size_t page_count, traffic_count;
    struct ns_slab pages; /* and their traffic */
    struct repeated_story story[STORIES];
    struct { /* what has been told of the newest access with stale bytes, in a long log */
        uint32_t event, count;
        enum ns_hazard_id id; /* the last */
    } lately;
    struct ns_clocks clocks;
    uint32_t now[NS_CLOCK_ACTORS];  /* scratch of edges.c */
    unsigned second[NS_MAX_ACTORS]; /* devices: the time line of their second channel; 0: they have one */
    bool uses_freed[NS_MAX_ACTORS]; /* devices: see ns_tracker_uses_freed */
    uint32_t told_event[NS_CLOCK_ACTORS]
                       [NS_CLOCK_ACTORS]; /* [who][by whom]: newest event of the other that was told about */
};

static inline const struct ns_event *event_at(const struct ns_tracker *tracker, uint32_t event) {
    return &tracker->log->event[event < tracker->log->event_count ? event : 0];
}
static inline bool is_device(const struct ns_tracker *tracker, unsigned actor) {
    return actor < tracker->log->actor_count && tracker->log->actor[actor].actor_class == NS_ACTOR_CLASS_DEVICE;
}
static inline bool range_holds(uint64_t first, uint64_t length, uint64_t address) {
    return address >= first && address - first < length;
}

/* Bytes of [address, end) in the page of `address`. */
static inline size_t bytes_in_page(uint64_t address, uint64_t end) {
    const uint64_t rest = NS_PAGE_SIZE - address % NS_PAGE_SIZE;
    return (size_t)(end - address < rest ? end - address : rest);
}

/* tracker_lookup.c. NULL without host memory: the page is then not watched. */
struct ghost_page *ghost_find(struct ns_tracker *tracker, uint64_t address);
static inline struct ghost_page *ghost_at(struct ns_tracker *tracker, uint64_t address) {
    if (tracker->last != NULL && tracker->last->number == address / NS_PAGE_SIZE)
        return tracker->last;
    return ghost_find(tracker, address);
}
/* To write the page's traffic; NULL without host memory, and then the setters do nothing. */
struct ghost_traffic *traffic_of(struct ns_tracker *tracker, struct ghost_page *page);
void set_aux(struct ns_tracker *tracker, struct ghost_page *page, size_t offset, uint32_t value);
void set_device_access(struct ns_tracker *tracker, struct ghost_page *page, size_t offset, uint32_t event, bool write);
void clear_device_accesses(struct ns_tracker *tracker, struct ghost_page *page, size_t offset);
void set_mapping(struct ns_tracker *tracker, struct ghost_page *page, size_t offset, uint16_t number);
uint32_t object_at(const struct ns_tracker *tracker, uint64_t address);
/* The smallest declared thing that holds the byte: field, element, or object. False when it lies in no object. */
bool unit_at(const struct ns_tracker *tracker, uint64_t address, uint64_t *first, uint64_t *length);
struct mapping *mapping_of(struct ns_tracker *tracker, const struct ghost_page *page, uint64_t address);
ns_version memory_version(const struct ns_tracker *tracker, uint64_t address);
/* Is the version of this byte in some cache, in memory or in flight? */
bool version_exists(const struct ns_tracker *tracker, uint64_t address, ns_version version, bool look_in_memory);
/* The same, but of the caches only dirty copies count. */
bool version_is_kept(const struct ns_tracker *tracker, uint64_t address, ns_version version);

/* diagnose.c: adds one hazard for a run of bytes with the same history. */
struct stale_bytes {
    uint32_t event;  /* the access */
    uint32_t object; /* whose mapping it used */
    uint64_t first;
    uint32_t length;
    ns_version got, newest;
    const uint8_t *data; /* what the access saw */
    bool torn;
};
void diagnose_stale(struct ns_tracker *tracker, const struct stale_bytes *bytes);
struct lost_bytes {
    uint32_t cause_event; /* what overwrote or dropped them */
    uint64_t first;
    uint32_t length;
    ns_version newest;
    bool dropped; /* with the last copy */
    bool aged;    /* ... which was clean: `cause_event` had put older bytes into memory before */
    /* the whole write or line that did it */
    uint64_t line_address;
    uint32_t line_length;
    const uint8_t *data;
    const ns_version *versions, *old_versions; /* old: what memory held, or NULL */
};
void diagnose_lost(struct ns_tracker *tracker, const struct lost_bytes *bytes);

/* ownership.c. The name of the object that holds the byte, or "memory". */
const char *object_name(const struct ns_tracker *tracker, uint64_t address);
/* True when a hazard was reported. */
bool check_type(struct ns_tracker *tracker, uint32_t event, uint32_t object, uint64_t address, uint32_t length);
bool check_hart_ownership(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, bool store);
/* Only: was the memory that a device reads freed? */
bool check_device_lifetime(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length);
bool check_device_access(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, bool write);

/* bounce.c. Both addresses of a byte that is bounced just now, given either; false for any other byte. */
bool bounce_sides(const struct ns_tracker *tracker, uint64_t address, uint64_t *original, uint64_t *slot);
/* Is this access (a load or store of a hart) a part of the copy that was told? */
bool bounce_copies(const struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length);
/* Such a load; such a store before and after the flat memory takes it. */
void bounce_loaded(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, const uint8_t *data);
void bounce_stores(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length, const uint8_t *data);
void bounce_stored(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length);
/* Accesses that are no copies. */
void bounce_device_wrote(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length);
bool bounce_check_load(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                       const uint8_t *data);
void bounce_check_device_read(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                              const uint8_t *data);
void bounce_release(struct ns_tracker *tracker);

/* record.c: what the tracker is told goes to its recording. */
void record_access(struct ns_tracker *tracker, enum ns_recorded_kind kind, uint32_t event, uint32_t object,
                   uint64_t address, uint32_t length, const uint8_t *data, unsigned flags);
void record_entry(struct ns_tracker *tracker, uint32_t event, struct ns_recorded *entry);
void record_signal(struct ns_tracker *tracker, enum ns_recorded_kind kind, unsigned actor, unsigned peer, unsigned irq);
void record_map(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address, uint64_t length,
                uint8_t direction, bool undefined_until_written);

/* edges.c. Whose clock an event belongs to: its actor's, or its channel's. */
static inline unsigned time_line_of(const struct ns_tracker *tracker, uint32_t event) {
    const struct ns_event *what = event_at(tracker, event);
    return what->channel != 0 && tracker->second[what->actor] != 0 ? tracker->second[what->actor] : what->actor;
}
/* Before what that time line does now? */
bool happened_before(const struct ns_tracker *tracker, uint32_t event, unsigned time_line);

#endif
