/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log: everything that a machine did, in order, plus the hazards found and the outcome of what the program
 * expected. The machine appends; reports and later analyses read nothing else. An event's number is the version of the
 * bytes that it wrote.
 */
#ifndef NS_MODEL_LOG_H
#define NS_MODEL_LOG_H

#include "bus/dram.h"
#include "cache/cache.h"
#include "model/axi_dma.h"
#include "model/hazard.h"
#include "model/paging.h"
#include "model/waveform.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_NO_EVENT ((uint32_t)0) /* event 0 is "power on" and writes every byte that nobody wrote */
#define NS_NO_SITE  UINT32_MAX
#define NS_LOG_EVENT_LIMIT                                                                                             \
    (UINT32_C(1) << 22) /* some 300 MB of events: a run that needs more is stopped as incomplete */
#define NS_LOG_HAZARD_LIMIT 1000u
#define NS_MAX_ACTORS       20 /* harts, devices, and hw */

/* Who does things. Actor numbers index ns_log.actor. */
enum ns_actor_class { NS_ACTOR_CLASS_HART, NS_ACTOR_CLASS_DEVICE, NS_ACTOR_CLASS_HW };
struct ns_log_actor {
    char name[48];
    enum ns_actor_class actor_class;
    unsigned index; /* hart number, device number */
    bool snoops;    /* devices: IO-coherent in hardware */
    unsigned ports; /* devices: bus masters; more than one: those of an engine, enum ns_axi_dma_port */
};

enum ns_event_kind {
    NS_EVENT_POWER_ON,
    NS_EVENT_INITIAL, /* initial content of an object: address, length */
    /* accesses; address is physical, data the first bytes */
    NS_EVENT_LOAD,  /* level: where it was served (0 = L1, `levels` = memory); link: fill event of the line that served
                       it */
    NS_EVENT_STORE, /* type: cacheable, nc, io */
    NS_EVENT_DMA_READ, /* bus_address: what the master drove */
    NS_EVENT_DMA_WRITE,
    /* the hierarchy's and memory's own moves */
    NS_EVENT_FILL,       /* a line was installed: level, cause, set, way, data */
    NS_EVENT_WRITE_BACK, /* a dirty line goes to memory: level, cause */
    NS_EVENT_DROP,       /* a copy is gone: level, cause; dirty */
    NS_EVENT_SAMPLE,     /* first step of a two-step fill */
    NS_EVENT_SPECULATIVE_STORE,
    NS_EVENT_DRAIN, /* store-buffer or posted entries reach memory; link: the event that wrote them */
    /* what programs ask for */
    NS_EVENT_MAINTENANCE, /* op, scope; address, length: the range named (0, all-ones: whole cache) */
    NS_EVENT_FENCE,
    NS_EVENT_SFENCE,
    NS_EVENT_SET_TYPE,  /* type: the new memory type of [address, length) */
    NS_EVENT_DOORBELL,  /* peer: the device */
    NS_EVENT_START,     /* a device begins after a doorbell; link: the doorbell */
    NS_EVENT_RAISE,     /* irq */
    NS_EVENT_WAIT,      /* irq; link: the raise */
    NS_EVENT_POLL,      /* a poll that ended; link: the event that wrote what it saw */
    NS_EVENT_MMIO_READ, /* peer: the device */
    NS_EVENT_MAP,       /* peer: device; direction; bus_address; link on the later three: the map */
    NS_EVENT_UNMAP,
    NS_EVENT_SYNC_FOR_CPU,
    NS_EVENT_SYNC_FOR_DEVICE,
    NS_EVENT_ALLOC, /* pool memory; address, length */
    NS_EVENT_FREE,
    NS_EVENT_ALLOC_COHERENT,
    NS_EVENT_FREE_COHERENT,
    NS_EVENT_MAPPING_ERROR, /* the driver asks whether a map failed: bus_address */
    NS_EVENT_PIN,           /* pages must stay where they are, or need not any more (op 0) */
    NS_EVENT_UNBIND,        /* a driver is released: peer */
    NS_EVENT_WORKER,        /* the kernel's deferred work */
    NS_EVENT_PAGE_FAULT,    /* address: virtual; fault */
    NS_EVENT_BUS_ERROR,     /* address: what was put on the bus */
    NS_EVENT_MMIO_WRITE,    /* a register of an engine, but not one that starts it: peer, data */
    NS_EVENT_KIND_COUNT
};
const char *ns_event_kind_text(enum ns_event_kind kind); /* "load", "fill", "dma-write", "write-back", ...; static */

struct ns_event {
    uint64_t time_ps;
    uint64_t address;
    uint64_t bus_address; /* LOAD, STORE: the virtual address */
    uint32_t length;
    uint32_t site; /* which step caused it, index into ns_log.site; NS_NO_SITE for set-up */
    uint32_t link; /* another event, see the kinds; NS_NO_EVENT */
    uint8_t kind;  /* enum ns_event_kind */
    uint8_t actor; /* for the hierarchy's moves: who caused them */
    uint8_t peer;  /* another actor, 0xff none; FILL, WRITE_BACK, DROP: the hart whose cache it was */
    uint8_t level;
    uint8_t cause;     /* enum ns_cache_cause */
    uint8_t op;        /* enum ns_cache_op */
    uint8_t scope;     /* enum ns_cache_scope */
    uint8_t type;      /* enum ns_memory_type */
    uint8_t direction; /* 1 to-device, 2 from-device, 3 bidirectional; 0 none */
    uint8_t fault;     /* enum ns_page_fault_reason */
    uint8_t dirty;     /* DROP: modified data went */
    uint8_t irq;
    uint8_t inside;      /* MAINTENANCE: issued inside an API call (map, unmap, sync, alloc), link: that call */
    uint8_t data_length; /* valid bytes in data */
    uint8_t local;       /* MAINTENANCE: of the L1s only this hart's was reached; SFENCE: only its own translations */
    uint8_t exact;       /* MAINTENANCE: instructions on exactly the lines touched; no rounding, no edges */
    uint8_t channel;     /* DMA_READ, DMA_WRITE, RAISE of an engine: which of its channels; else 0 */
    uint32_t set;
    uint16_t way;
    uint16_t part;   /* operations of its step that the actor had begun before the one that this belongs to */
    uint8_t data[8]; /* the first bytes read or written */
};

/* A place of the program, one per step of the scenario (or per call from C). */
struct ns_site {
    uint32_t line, column, width; /* 1-based; of the verb. 0: no source */
};

/* Why an earlier event is shown with a hazard; the report words it. */
enum ns_note_role {
    NS_NOTE_FILLED,       /* the line came into the cache here */
    NS_NOTE_WROTE,        /* the newest bytes were written here */
    NS_NOTE_DIRTIED,      /* this store made the line dirty */
    NS_NOTE_MAPPED,       /* handed to the device here */
    NS_NOTE_UNMAPPED,     /* handed back here */
    NS_NOTE_MAINTAINED,   /* this maintenance was the wrong kind, range, scope or time */
    NS_NOTE_DISCARDED,    /* the data was dropped here */
    NS_NOTE_WRITTEN_BACK, /* old data reached memory here */
    NS_NOTE_SIGNALLED,    /* doorbell, interrupt: the other side was told here */
    NS_NOTE_TYPE_CHANGED,
    NS_NOTE_ALLOCATED,
    NS_NOTE_FREED,
    NS_NOTE_READ,
    NS_NOTE_OTHER
};
struct ns_note {
    uint32_t event;
    enum ns_note_role role;
};

#define NS_HAZARD_NOTES   4
#define NS_HAZARD_REPEATS 8 /* whose places are kept */
struct ns_hazard {
    enum ns_hazard_id id;
    enum ns_hazard_id also; /* another name that an expectation may use: a poll that hangs because of `id` */
    enum ns_symptom symptom;
    uint32_t event; /* where it was found */
    uint32_t site;
    uint8_t actor;
    uint64_t first, last; /* physical addresses of the bytes, inclusive */
    bool latent;          /* the wrong bytes happened to have the right values */
    uint32_t repeats;     /* further occurrences at the same site, not kept apart, ... */
    struct {
        uint64_t first, last; /* ... but for the bytes of the first of them, each different from those before */
    } repeat[NS_HAZARD_REPEATS];
    uint32_t repeat_count;
    size_t executed; /* how many entries of log->executed led here; set by ns_log_add_hazard */
    size_t moves;    /* likewise, of log->move */
    uint32_t note_count;
    struct ns_note note[NS_HAZARD_NOTES]; /* earlier events, in order of time */
    uint8_t sample_length;                /* up to 8 bytes from `first` on: */
    uint8_t got[8];                       /* what the access saw (stale), or what replaced the bytes (lost) */
    uint8_t newest[8];                    /* what flat memory holds */
    char detail[256];                     /* one sentence with the facts of this case, for the report's last label */
    uint32_t consequence_count;           /* later accesses that met the damage and are not hazards of their own */
    uint32_t consequence_site[4];
};

/* What the kernel's code said on its way. */
enum ns_remark_kind {
    NS_REMARK_DECISION, /* why a path was taken */
    NS_REMARK_INFO,     /* a line of the kernel's log */
    NS_REMARK_WARN,
    NS_REMARK_BUG,   /* the kernel would have stopped here */
    NS_REMARK_CHECK, /* a check of the DMA-API debugging fired: `check` */
};
#define NS_LOG_REMARK_LIMIT 10000u
struct ns_remark {
    enum ns_remark_kind kind;
    uint32_t site;    /* the step that it was said in, or NS_NO_SITE: while the kernel boots */
    uint32_t event;   /* the call that it was said in */
    uint32_t repeats; /* further times at the same site, not kept apart */
    unsigned check;   /* CHECK: its number */
    bool expected;    /* CHECK: the step expects it */
    char function[64];
    char text[200]; /* one line without a full stop */
};

/* What the program expected and what came of it. */
enum ns_outcome_kind {
    NS_OUTCOME_EXPECTED,   /* an expected hazard occurred */
    NS_OUTCOME_MISSING,    /* an expected hazard did not */
    NS_OUTCOME_UNEXPECTED, /* a hazard that nobody expected: index = hazard */
    NS_OUTCOME_FINAL_HELD,
    NS_OUTCOME_FINAL_FAILED,
    NS_OUTCOME_NOT_JUDGED, /* `verify ...` lines in a run; finals of a run cut short by --schedule */
    NS_OUTCOME_INCOMPLETE, /* the run stopped early: hang, limit */
};
struct ns_outcome {
    enum ns_outcome_kind kind;
    enum ns_hazard_id id; /* EXPECTED, MISSING, UNEXPECTED */
    unsigned check;       /* EXPECTED, MISSING: of the kernel's check with this number, and not of a hazard; else 0 */
    uint32_t hazard;      /* index, or UINT32_MAX */
    uint32_t line;        /* of the expectation or judgement; 0 none */
    uint32_t column, width;
    char text[160];   /* finals: the condition as written */
    char actual[160]; /* finals: what was found */
};

/* Where a schedule stopped a step for others: `executed`: its entry in ns_log.executed; text: what a schedule writes
 * behind its line, "@2" or "@0x8000_0040". The step's next entry goes on with it. */
#define NS_LOG_STOP_BYTES 32
struct ns_log_stop {
    size_t executed;
    char text[NS_LOG_STOP_BYTES];
};

/* A move as a schedule writes it, before the step that is entry `before` of ns_log.executed. */
#define NS_LOG_MOVE_BYTES 96
struct ns_log_move {
    size_t before;
    size_t event; /* its events begin with this number */
    char text[NS_LOG_MOVE_BYTES];
};

/* What the caches and the bus counted in the whole run, copied once at its end. */
#define NS_LOG_BUS_MASTERS NS_MAX_ACTORS
struct ns_log_master {
    uint64_t bursts;  /* transfers to or from memory, or through the caches for a device that snoops */
    uint64_t bytes;   /* of these */
    uint64_t busy_ps; /* how long it held memory; 0 for posted writes and for snooping devices, which the model charges
                         with latency only */
};
/* What an actor's time went to. Levels of cache are parts of their own: NS_TIME_LEVEL + level. */
enum ns_time_part {
    NS_TIME_COMPUTE,     /* the actor's own cycles: stores into its buffer, pauses, and all that no other part names */
    NS_TIME_MEMORY,      /* fills, write-backs, non-cacheable accesses, a device's transfers: bus beats and RAM */
    NS_TIME_MAINTENANCE, /* cleans, invalidates and flushes with the write-backs that they make */
    NS_TIME_WAITING,     /* turns, interrupts, doorbells, arbitration, other harts in the caches, fences, registers */
    NS_TIME_LEVEL,
    NS_TIME_TRANSLATION = NS_TIME_LEVEL + NS_CACHE_MAX_LEVELS, /* look-ups of a second TLB; a walk's loads are the
                                                                  caches' */
    NS_TIME_PARTS
};
struct ns_log_stats {
    bool known; /* false: the run did not come to its end, or this is no log of a run */
    unsigned harts;
    struct ns_cache_stats l1[NS_CACHE_MAX_HARTS];
    struct ns_cache_stats level[NS_CACHE_MAX_LEVELS]; /* [0] is the sum of the L1s */
    struct ns_log_master caches;                      /* fills and write-backs of memory, and non-cacheable accesses */
    struct ns_log_master master[NS_LOG_BUS_MASTERS];  /* of a device: by its actor; of an engine the sum of its ports */
    struct ns_log_master port[NS_LOG_BUS_MASTERS][NS_AXI_DMA_PORTS]; /* of an engine: as many as ns_log_actor.ports */
    char dram_name[16];                                              /* its speed bin; empty: the machine has no DRAM */
    struct ns_dram_stats dram;
    struct ns_log_misses {
        bool known; /* the machine says something about a hop; otherwise nobody counts */
        uint64_t asked, merged, full, dropped, most;
    } misses; /* lines asked of memory, accesses that met one on its way, waits for an MSHR, prefetches without one, and
                 the most lines at once */
    uint64_t hart_clock_ps;
    bool second_tlb; /* the machine has one */
    struct ns_log_tlb {
        uint64_t second_hits, walks; /* look-ups that its first level did not answer */
    } tlb[NS_CACHE_MAX_HARTS];
    uint64_t time_ps[NS_MAX_ACTORS];                /* from the beginning to the end of its program */
    uint64_t part_ps[NS_MAX_ACTORS][NS_TIME_PARTS]; /* these add up to time_ps */
};

struct ns_log {
    /* about the run */
    char *file;     /* as the user named it */
    char *scenario; /* its name */
    char *machine;  /* its name */
    char *again;    /* the command that repeats the run; NULL: `nosnoop run`, with what follows from the rest */
    const char *const
        *lines; /* source lines, not NUL-terminated: each ends at '\n' or NUL; owned by the caller who set them */
    size_t line_count;
    bool order_free;
    bool chaos;
    bool scheduled; /* the run followed a schedule */
    uint64_t seed;
    /* who and where */
    unsigned actor_count;
    struct ns_log_actor actor[NS_MAX_ACTORS];
    size_t site_count, site_capacity;
    struct ns_site *site;
    unsigned levels;
    char level_name[NS_CACHE_MAX_LEVELS][16];
    uint32_t line_size[NS_CACHE_MAX_LEVELS];
    /* what happened */
    size_t event_count, event_capacity;
    struct ns_event *event; /* event[0] is NS_EVENT_POWER_ON */
    bool truncated;         /* NS_LOG_EVENT_LIMIT or host memory reached: later events are missing */
    size_t hazard_count, hazard_capacity;
    struct ns_hazard *hazard;
    size_t outcome_count, outcome_capacity;
    struct ns_outcome *outcome;
    size_t remark_count, remark_capacity;
    struct ns_remark *remark;
    uint64_t remarks_lost; /* more than NS_LOG_REMARK_LIMIT: how many are missing */
    /* the order in which sites were executed, for --schedule */
    size_t executed_count, executed_capacity;
    uint32_t *executed; /* site numbers */
    size_t begun_count, begun_capacity;
    size_t
        *begun; /* of each: its events begin with this number (in free order, those of a step that waited end there) */
    size_t stop_count, stop_capacity;
    struct ns_log_stop *stop; /* by `executed` */
    /* moves of the hardware that a schedule asked for */
    size_t move_count, move_capacity;
    struct ns_log_move *move;
    uint64_t end_ps; /* simulated time at the end */
    /* bytes whose newest value, stored by a hart, an invalidate has dropped, and that nobody has written or missed
     * since; set by ns_tracker_finish */
    uint64_t discarded;
    struct ns_log_stats stats;
    struct ns_waveform *waveform; /* owned; NULL: not asked for. Does not pass through a pipe (log_io.h) */
};

#define NS_ADDRESS_TEXT 24 /* bytes that ns_format_address needs at most */
/* How reports write an address: "0x8000_0000", at least 8 hexadecimal digits in groups of four. Returns `text`. */
const char *ns_format_address(uint64_t address, char text[NS_ADDRESS_TEXT]);

/* An empty log with event 0, or NULL without host memory. */
struct ns_log *ns_log_create(void);
void ns_log_destroy(struct ns_log *log);
/* Asks the machine, which is made after it, to keep a waveform too. False without host memory. */
bool ns_log_keep_waveform(struct ns_log *log);
/* Appends; returns the event's number, or NS_NO_EVENT when the log is full (then `truncated` is set). */
uint32_t ns_log_append(struct ns_log *log, const struct ns_event *event);
/* Appends a hazard. One with the same id, site and actor as an earlier one joins it: more bytes of the same event, or a
 * repeat. Returns its index, or SIZE_MAX when the log is full: what is found after that is not trusted. */
size_t ns_log_add_hazard(struct ns_log *log, const struct ns_hazard *hazard);
/* Appends a remark; the same one at the same site again joins it. What does not fit is counted. */
void ns_log_add_remark(struct ns_log *log, const struct ns_remark *remark);
bool ns_log_add_outcome(struct ns_log *log, const struct ns_outcome *outcome);
uint32_t ns_log_add_site(struct ns_log *log, uint32_t line, uint32_t column, uint32_t width);
void ns_log_executed(struct ns_log *log, uint32_t site);
void ns_log_moved(struct ns_log *log, size_t before, const char *text);
/* The newest entry of `executed` stops there, for others. */
void ns_log_stopped(struct ns_log *log, const char *text);
/* What stands behind the line of an executed entry, or ""; and whether the entry goes on with an earlier one. */
const char *ns_log_stop_text(const struct ns_log *log, size_t executed);
bool ns_log_goes_on(const struct ns_log *log, size_t executed);

/* True when nothing failed: no MISSING, UNEXPECTED, FINAL_FAILED or INCOMPLETE outcome. */
bool ns_log_passed(const struct ns_log *log);
/* True when nothing failed except that the run is INCOMPLETE because of a limit (exit status 3). */
bool ns_log_incomplete(const struct ns_log *log);

#ifdef __cplusplus
}
#endif
#endif
