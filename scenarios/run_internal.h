/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario while it runs: shared by runner.c (order), steps.c and step_api.c (what a step does), chaos.c and judge.c.
 */
#ifndef NS_SCENARIOS_RUN_INTERNAL_H
#define NS_SCENARIOS_RUN_INTERNAL_H

#include "model/nosnoop.h"
#include "model/pool_port.h"
#include "pool/atomic_pool.h"
#include "pool/attributes.h"
#include "pool/buffer_pool.h"
#include "pool/cma.h"
#include "pool/coherent.h"
#include "pool/device_pool.h"
#include "pool/devres.h"
#include "pool/dma_debug.h"
#include "pool/dma_pool.h"
#include "pool/genalloc.h"
#include "pool/kmalloc.h"
#include "pool/mapping.h"
#include "pool/pages.h"
#include "pool/remap.h"
#include "pool/swiotlb.h"
#include "scenarios/place.h"
#include "scenarios/runner.h"

/* Late write-backs per hart where only the machine's `may` list allows them. */
enum { RUN_LATE_LINES = 16 };

/* Where an object is now. */
struct run_object {
    bool exists;
    uint64_t virtual_address;
    uint64_t physical;
    uint64_t bus; /* coherent memory: the handle; else NS_DMA_MAPPING_ERROR */
    uint64_t size;
    uint64_t cookie;         /* what its allocation returned as an address, for free */
    uint32_t tracked;        /* number in the tracker, or NS_NO_OBJECT */
    struct ns_buffer buffer; /* from a buffer pool */
    uint32_t *field_offsets; /* a struct's, for the tracker */
};

struct run_register {
    bool written;
    uint8_t *data; /* size bytes */
    uint32_t size;
    /* a handle of map: */
    uint64_t bus, physical, length;
    uint64_t device_side; /* physical: the bounce slot, or the same */
    uint32_t device;
    enum ns_dma_direction direction;
};

/* What map-sg returned for one entry. */
struct run_segment {
    uint64_t virtual_address, physical, bus, length;
    uint64_t device_side; /* physical: the bounce slot, or the same */
};
struct run_list {
    bool mapped;
    uint32_t device;
    enum ns_dma_direction direction;
    struct run_segment *segment; /* as many as the list has entries */
    struct ns_scatterlist *entry;
};

struct run_pool {
    struct ns_buffer_pool *buffers;
    struct ns_dma_pool *blocks;
    struct ns_gen_pool *gen;
    struct ns_gen_pool_data_align align;
    struct ns_kmalloc *heap;
};

/* A move that a schedule asks for, before or inside the step at this place of the plan. */
struct run_move {
    struct ns_schedule_item item;
    size_t place;
};

/* How far a schedule lets a step at this place of the plan go before others have their turn. */
struct run_stop {
    uint32_t part;    /* before this operation, 0: to its end */
    uint64_t address; /* or where it comes to this physical address; UINT64_MAX: nowhere */
    bool comes;       /* when it comes into the store buffer */
    bool stops;
    bool continues; /* the step has begun at an earlier place */
    size_t goes_on; /* then: the place in the plan where it goes on */
    uint64_t turn;  /* stretches of one actor's steps before this one */
};

struct run {
    const struct ns_scenario *scenario;
    const struct ns_run_options *options;
    struct ns_log *log;
    struct ns_machine *machine;
    struct ns_tracker *tracker;
    bool no_memory; /* of the host: something of this run is missing, and it cannot be judged */
    struct ns_placement placement;
    struct run_object *object;
    struct run_register *reg;
    struct run_pool *pool;
    struct run_list *list;
    struct ns_pool_device device[NS_LIMIT_DEVICES];
    struct ns_bus_range range[NS_LIMIT_DEVICES][NS_CONFIG_MAX_WINDOWS];
    struct ns_machine_port port;
    bool prepared;  /* the declared pools exist */
    bool port_busy; /* one hart in the allocators at a time: their lock */
    struct ns_frames *frames;
    struct ns_cma *area[NS_CONFIG_MAX_KERNEL_CMA];
    struct ns_cma *default_area;
    struct ns_device_pool *global_pool;
    struct ns_dma_direct *direct;
    struct ns_devres *devres[NS_LIMIT_DEVICES]; /* NULL: unbound */
    struct ns_swiotlb *swiotlb;
    struct ns_frame_region ram[NS_CONFIG_MAX_RAMS];
    struct ns_dma *dma;
    struct ns_dma_debug *debug;
    const struct ns_step **plan; /* in order of execution; the log's site n is written step n */
    size_t plan_count;
    struct run_stop *stop;         /* by place in the plan; NULL: every step goes to its end */
    uint32_t begun[NS_MAX_ACTORS]; /* with stops: the number of the operation that the actor has begun last */
    struct run_move *move;         /* of the schedule, in its order */
    size_t move_count, next_move;
    size_t at;          /* place in the plan of the step under way */
    bool as_flush;      /* the operation under way performs invalidates as flushes */
    bool late;          /* the schedule wants late maintenance */
    size_t place[NS_MAX_ACTORS]; /* by actor: of the step that it is at; SIZE_MAX: it has done all */
    bool no_prefetcher; /* the schedule says each fill itself */
    bool no_timers;     /* ... and what leaves a buffer */
    bool free_order;
    uint64_t work;                   /* bytes named by the steps so far */
    const char *limit;               /* a limit of nosnoop was met: why the run stops, or NULL */
    unsigned moving;                 /* actors that are neither finished nor waiting for others */
    bool interrupted;                /* options->stop was seen */
    bool all_steps;                  /* the plan holds every step: finals can be judged */
    bool *executed;                  /* per written step */
    uint8_t *scratch[NS_MAX_ACTORS]; /* NS_LIMIT_ACCESS_BYTES each, for the step that the actor is at */
    uint64_t random;                 /* chaos */
};

static inline uint32_t run_site(const struct run *run, const struct ns_step *step) {
    (void)run; /* sites are the written steps, in their order */
    return step->number;
}

/* steps.c: the bytes that a value stands for, and a result that a step keeps. */
void run_value_bytes(const struct run *run, const struct ns_value *value, uint8_t *data, uint32_t length);
void run_keep(struct run *run, uint32_t index, const uint8_t *data, uint32_t length);
/* steps.c: executes one step as its actor. */
void run_step(struct run *run, const struct ns_step *step);
/* What a step's reference means. */
uint64_t run_virtual(const struct run *run, const struct ns_ref *ref);
uint64_t run_physical(const struct run *run, const struct ns_ref *ref);
uint64_t run_length(const struct run *run, const struct ns_ref *ref);
unsigned run_actor(const struct run *run, const struct ns_step *step);
/* The address that a device's step puts on its bus, and what it is meant for; UINT64_MAX: it does not say. */
uint64_t run_programmed(const struct run *run, const struct ns_step *step, const struct ns_ref *ref,
                        uint64_t *intended);
uint8_t *run_scratch(struct run *run, unsigned actor);
/* For the waveform, when the log keeps one: the actor's step begins at this site, or ends (NS_NO_SITE). */
void run_show_step(struct run *run, unsigned actor, uint32_t site);

/* step_api.c: steps that call the allocators and the DMA API, run on the step's hart. */
void run_api_step(struct run *run, const struct ns_step *step);
/* Around each call: the allocators' lock, and the event that what they do belongs to. Fills the event in and gives its
 * number. */
uint32_t run_call_begin(struct run *run, unsigned hart, struct ns_event *event);
void run_call_end(struct run *run, unsigned hart);
/* A hazard of the call itself; length 0: without bytes. */
void run_report(struct run *run, enum ns_hazard_id id, enum ns_symptom symptom, uint32_t event, uint64_t first,
                uint64_t length, const char *detail);

/* step_streaming.c */
void run_map(struct run *run, const struct ns_step *step);
void run_unmap_or_sync(struct run *run, const struct ns_step *step);
void run_map_sg(struct run *run, const struct ns_step *step);
void run_unmap_or_sync_sg(struct run *run, const struct ns_step *step);
void run_mapping_error(struct run *run, const struct ns_step *step);

/* step_allocators.c */
void run_alloc(struct run *run, const struct ns_step *step);
void run_alloc_coherent(struct run *run, const struct ns_step *step);
void run_alloc_pages(struct run *run, const struct ns_step *step);
void run_free(struct run *run, const struct ns_step *step);
void run_pin(struct run *run, const struct ns_step *step);
void run_unbind(struct run *run, const struct ns_step *step);
void run_worker(struct run *run, const struct ns_step *step);

/* run_kernel.c. Makes the declared pools; called on hart 0 before its first step. False with a message when one cannot
 * be made. */
bool run_prepare_pools(struct run *run, char *message, size_t message_size);

/* chaos.c: what the machine may do to maintenance, drawn once for a run; the hardware's own moves before a step. */
void run_chaos_machine(struct run *run, struct ns_machine_config *config);
void run_chaos(struct run *run);

static inline bool run_same_actor(const struct ns_step *a, const struct ns_step *b) {
    return a->actor_kind == b->actor_kind && a->actor == b->actor;
}

/* schedule_plan.c: the plan of options->schedule. NS_OK, NS_ERROR_MEMORY, or NS_ERROR_ARGUMENT with one sentence. */
enum ns_status run_plan_schedule(struct run *run, char *message, size_t size);

/* schedule_run.c: the step at this place of the plan is executed from here on: for the log. */
void run_log_executed(struct run *run, uint32_t site);
/* schedule_run.c: the step at this place of the plan begins, and may have to stop for others; it does, when the
 * operation `number`, or the address, is come to. */
void run_stop_arm(struct run *run, size_t place);
bool run_stop_here(struct ns_machine *machine, unsigned actor, uint32_t number, void *context);
/* Some step has stopped and not gone on yet. */
bool run_has_stopped(const struct run *run);

/* schedule_run.c: the moves that a schedule has before the step at this place of the plan, and those inside of it when
 * the operation begins; the step's end. */
void run_moves_before(struct run *run, size_t place);
void run_moves_inside(struct ns_machine *machine, unsigned actor, unsigned number, void *context);
void run_moves_end(struct run *run);

/* step_engine.c: registers and streams of engines. After each step of the written order: engines come to rest. */
void run_register_step(struct run *run, const struct ns_step *step);
void run_stream_step(struct run *run, const struct ns_step *step);
void run_engines_settle(struct run *run);
bool run_engines_at_work(const struct run *run); /* they have something to do, or a delay timer runs */

/* record.c: a run that only takes steps down. The step at this place of the plan begins; a step of the hardware, and
 * one that would wait; what judgements look at. */
void run_record_begin(struct run *run, size_t place);
bool run_record_step(struct run *run, const struct ns_step *step);
void run_record_conditions(struct run *run);

/* step_poll.c: a poll until it ends; one turn of it, without its loop. */
void run_poll(struct run *run, const struct ns_step *step);
void run_record_poll(struct run *run, const struct ns_step *step);

/* judge.c: fills log->outcome. */
void run_judge(struct run *run);

/* A hazard of the program's own making at this step: a wait or poll that nothing can end. */
void run_report_hang(struct run *run, unsigned actor, const char *detail);

#endif
