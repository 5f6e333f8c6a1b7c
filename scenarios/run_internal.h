/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario while it runs: shared by runner.c (order), steps.c and step_api.c (what a step does), chaos.c and judge.c.
 */
#ifndef NS_SCENARIOS_RUN_INTERNAL_H
#define NS_SCENARIOS_RUN_INTERNAL_H

#include "model/nosnoop.h"
#include "model/pool_port.h"
#include "pool/buffer_pool.h"
#include "pool/coherent.h"
#include "pool/dma_pool.h"
#include "pool/mapping.h"
#include "scenarios/place.h"
#include "scenarios/runner.h"

/* Where an object is now. */
struct run_object {
    bool exists;
    uint64_t virtual_address;
    uint64_t physical;
    uint64_t bus; /* coherent memory: the handle; else NS_DMA_MAPPING_ERROR */
    uint64_t size;
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
    uint32_t device;
    enum ns_dma_direction direction;
};

struct run_pool {
    struct ns_buffer_pool *buffers;
    struct ns_dma_pool *blocks;
};

struct run {
    const struct ns_scenario *scenario;
    const struct ns_run_options *options;
    struct ns_log *log;
    struct ns_machine *machine;
    struct ns_tracker *tracker;
    struct ns_placement placement;
    struct run_object *object;
    struct run_register *reg;
    struct run_pool *pool;
    struct ns_pool_device device[NS_LIMIT_DEVICES];
    struct ns_bus_range range[NS_LIMIT_DEVICES][NS_CONFIG_MAX_WINDOWS];
    struct ns_machine_port port;
    bool prepared;  /* the declared pools exist */
    bool port_busy; /* one hart in the allocators at a time: their lock */
    struct ns_frames *frames;
    struct ns_dma_direct *direct; /* the kernel's coherent path */
    struct ns_dma *dma;
    const struct ns_step **plan; /* in order of execution; the log's site n is written step n */
    size_t plan_count;
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
    return (uint32_t)(step - run->scenario->written);
}

/* steps.c: executes one step as its actor. */
void run_step(struct run *run, const struct ns_step *step);
/* What a step's reference means. */
uint64_t run_virtual(const struct run *run, const struct ns_ref *ref);
uint64_t run_physical(const struct run *run, const struct ns_ref *ref);
uint64_t run_length(const struct run *run, const struct ns_ref *ref);
unsigned run_actor(const struct run *run, const struct ns_step *step);
uint8_t *run_scratch(struct run *run, unsigned actor);

/* step_api.c: map, unmap, sync, alloc, free: the pool's functions, run on the step's hart. */
void run_api_step(struct run *run, const struct ns_step *step);
/* Makes the declared pools; called on hart 0 before its first step. False with a message when one cannot be made. */
bool run_prepare_pools(struct run *run, char *message, size_t message_size);

/* chaos.c: what the machine may do to maintenance, drawn once for a run; the hardware's own moves before a step. */
void run_chaos_machine(struct run *run, struct ns_machine_config *config);
void run_chaos(struct run *run);

/* judge.c: fills log->outcome. */
void run_judge(struct run *run);

/* A hazard of the program's own making at this step: a wait or poll that nothing can end. */
void run_report_hang(struct run *run, unsigned actor, const char *detail);

#endif
