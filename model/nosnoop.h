/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine, from C. A machine is made from a configuration and a list of devices; each actor (harts, devices, and
 * the hardware itself) gets a program, a C function that calls the blocking operations below; ns_machine_run() lets
 * simulated time pass until every program has returned. Everything that happens goes to the log.
 *
 *     struct ns_machine *machine = ns_machine_create(&config, devices, 1, log, reason, sizeof reason);
 *     ns_machine_set_program(machine, 0, driver, &my_state);
 *     ns_machine_run(machine);
 *
 * One machine per process: the SystemC kernel cannot be set up twice. Operations may be called only from the program of
 * the actor that they name, except those marked "any time".
 *
 * Actors are numbered: harts 0 to harts - 1, then devices in the order given, last the hardware.
 * Virtual addresses: RAM below 128 GiB is mapped one to one, cacheable; higher RAM at ns_machine_virtual(); device
 * registers one to one, as IO.
 */
#ifndef NS_MODEL_NOSNOOP_H
#define NS_MODEL_NOSNOOP_H

#include "model/axi_dma.h"
#include "model/config.h"
#include "model/log.h"
#include "model/tracker.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_MAX_DEVICES 8
#define NS_MAX_IRQS    48u /* interrupt lines */
#define NS_NO_IRQ      0xffu

struct ns_machine_device {
    const char *name;       /* copied */
    unsigned dma_bits;      /* address bits that the master drives, 16 to 64: higher ones are cut off */
    bool snoops;            /* IO-coherent in hardware */
    bool declared_coherent; /* what the firmware says */
    uint32_t burst;         /* bytes, a power of two, 4 to 4096; 0: the machine's */
    uint32_t outstanding;   /* bursts in flight, 1 to 16; 0: the machine's */
    bool has_posted;        /* posted_entries replaces the machine's */
    uint32_t posted_entries;
    bool starts, rings_doorbell, signals;    /* see struct ns_tracked_device */
    const struct ns_axi_dma_config *axi_dma; /* the device is this engine; NULL: its program says what it does. Copied;
                                                address_bits is dma_bits */
    uint64_t registers;                      /* of an engine: physical, page aligned, where no RAM is; 0: chosen */
    uint8_t introut[NS_AXI_DMA_CHANNELS];    /* of an engine: interrupt lines of mm2s_introut and s2mm_introut, below
                                                NS_MAX_IRQS; NS_NO_IRQ: not connected. They may be the same */
};

struct ns_machine;
typedef void (*ns_program)(struct ns_machine *machine, unsigned actor, void *context);

/* NULL when the configuration or a device is outside of its ranges, memory is short, or a machine already exists in
 * this process; `reason` (reason_size bytes, may be NULL) then holds one sentence. The configuration and the devices
 * are copied. `log` must come from ns_log_create() and outlive the machine; the caller frees both. */
struct ns_machine *ns_machine_create(const struct ns_machine_config *config, const struct ns_machine_device *devices,
                                     size_t device_count, struct ns_log *log, char *reason, size_t reason_size);
/* NULL is ok. After it no other machine can be made in this process. */
void ns_machine_destroy(struct ns_machine *machine);
/* Before the run; an actor without a program does nothing. `context` is passed on and must outlive the run. */
void ns_machine_set_program(struct ns_machine *machine, unsigned actor, ns_program program, void *context);
/* Lets time pass until every program has returned: NS_OK. NS_ERROR_TIMEOUT: nothing can happen any more, or
 * ns_machine_stop() was called, and some program still waits. NS_ERROR_MEMORY. NS_ERROR_MISUSE: a second call. */
enum ns_status ns_machine_run(struct ns_machine *machine);
/* From a program: the run ends when the caller waits next. */
void ns_machine_stop(struct ns_machine *machine);
/* Numbers of actors; device counts from 0. The tracker, log and configuration belong to the machine or its maker. */
unsigned ns_machine_hardware_actor(const struct ns_machine *machine);
unsigned ns_machine_device_actor(const struct ns_machine *machine, unsigned device);
struct ns_tracker *ns_machine_tracker(struct ns_machine *machine);
const struct ns_log *ns_machine_log(const struct ns_machine *machine);
const struct ns_machine_config *ns_machine_get_config(const struct ns_machine *machine);
/* Simulated time since the start, picoseconds. */
uint64_t ns_machine_now_ps(const struct ns_machine *machine);

/* Set-up before the run, without time. */
/* Initial content of physical bytes of RAM (any alignment); one NS_EVENT_INITIAL. NS_ERROR_ADDRESS outside of RAM,
 * NS_ERROR_LIMIT when the simulated memory is full. */
enum ns_status ns_machine_fill(struct ns_machine *machine, uint32_t site, uint64_t physical, uint64_t length,
                               uint8_t value);
/* Maps [physical, + length), page-wise, a second time; returns the virtual address, 0 when there is no room, and on a
 * machine with NS_ATTRIBUTES_MPU, which has no page tables. */
uint64_t ns_machine_alias(struct ns_machine *machine, uint64_t physical, uint64_t length, enum ns_memory_type type);
/* Changes the memory type of the pages that a virtual range touches, in the tables directly. NS_ERROR_PAGE_FAULT where
 * nothing is mapped, NS_ERROR_EXHAUSTED without room for a table. With NS_ATTRIBUTES_MPU nothing changes, and that is
 * NS_OK: the machine's regions decide, as a page table without type bits does (NS_ENCODE_NONE). */
enum ns_status ns_machine_set_type(struct ns_machine *machine, uint64_t virtual_address, uint64_t length,
                                   enum ns_memory_type type);

/* At first every byte is watched: where it is, and whether what an access gets is the newest. Once this has been
 * called, only pages that [physical, + length) of some call touches are; length 0 names none. Of the others there are
 * no events and no hazards, and no harts or devices but through ns_hart_touch() may use them. A page must be watched
 * before its first use. Once the log is full nothing is watched any more, and the time goes on. Any time. */
void ns_machine_watch_only(struct ns_machine *machine, uint64_t physical, uint64_t length);

/* The linear, cacheable mapping of a byte of RAM; 0 when there is none. Any time. With NS_ATTRIBUTES_MPU: the physical
 * address. */
uint64_t ns_machine_virtual(const struct ns_machine *machine, uint64_t physical);

/* The step that an actor is about to do: events carry this site from now on. `object` is a tracked object or
 * NS_NO_OBJECT. */
void ns_actor_begin(struct ns_machine *machine, unsigned actor, uint32_t site, uint32_t object);
/* The site that an actor's events carry now. */
uint32_t ns_actor_site(const struct ns_machine *machine, unsigned actor);
/* Events of maintenance from now on are inside the API call `event`; NS_NO_EVENT ends it. */
void ns_actor_inside(struct ns_machine *machine, unsigned actor, uint32_t event);
/* The actor's operations are counted from here on: its step begins. An operation is one call of an ns_hart_ or
 * ns_device_ function (but wait and start) that no other one has made. */
void ns_actor_count(struct ns_machine *machine, unsigned actor);
/* Called when an operation begins, with its number in the step. What the hook does is nobody's operation. NULL: none.
 */
typedef void (*ns_operation_hook)(struct ns_machine *machine, unsigned actor, unsigned number, void *context);
void ns_machine_set_hook(struct ns_machine *machine, ns_operation_hook hook, void *context);
/* While it is so, what is called is nobody's operation either: a move of the hardware. Returns what was. */
bool ns_machine_set_quiet(struct ns_machine *machine, bool quiet);
/* Where a program may be made to stop in the middle of its step: called when an operation begins (`number`, behind the
 * hook above), and where the address of ns_actor_stop_at() is come to (NS_AT_ADDRESS). It may let others take their
 * turns. True: it has done so, and the hook above is called once more. NULL: none. */
#define NS_AT_ADDRESS UINT32_MAX
typedef bool (*ns_stop_hook)(struct ns_machine *machine, unsigned actor, uint32_t number, void *context);
void ns_machine_set_stop_hook(struct ns_machine *machine, ns_stop_hook hook, void *context);
/* The actor's program comes to this physical address when an entry with it is about to leave the store buffer or the
 * queue of posted writes because it must, when a burst of a device's write that is not posted begins there, and before
 * the line that holds it in the middle of maintenance or of a cacheable store. Once; UINT64_MAX: nowhere. Meanwhile a
 * device sends its bursts one by one. comes: before an entry with it comes into the store buffer, and nowhere else. */
void ns_actor_stop_at(struct ns_machine *machine, unsigned actor, uint64_t physical, bool comes);
/* Appends an event of this actor with site and time filled in; returns its number. */
uint32_t ns_actor_log(struct ns_machine *machine, unsigned actor, struct ns_event *event);
/* Lets time pass. */
void ns_actor_pause(struct ns_machine *machine, unsigned actor, uint64_t picoseconds);
/* A counter that programs use to take turns: wait until it is `turn`; advance it by one. */
void ns_machine_wait_turn(struct ns_machine *machine, uint64_t turn);
void ns_machine_next_turn(struct ns_machine *machine);

/* ---- harts ----------------------------------------------------------------------------------- */
/* Addresses are virtual, any alignment; lengths are bytes, at least 1. NS_ERROR_PAGE_FAULT and NS_ERROR_ADDRESS are
 * also hazards in the log; what lies before the address at fault has been done. */

/* Flags of a load or read: it polls (an older version is allowed, nothing is reported); the program keeps the value. */
enum ns_access_flags { NS_ACCESS_POLL = 1, NS_ACCESS_TO_REGISTER = 2 };
/* versions out: one for each byte, or NULL. flags: enum ns_access_flags. length: at least 1. */
enum ns_status ns_hart_load(struct ns_machine *machine, unsigned hart, uint64_t address, uint32_t length, uint8_t *data,
                            ns_version *versions, unsigned flags);
enum ns_status ns_hart_store(struct ns_machine *machine, unsigned hart, uint64_t address, uint32_t length,
                             const uint8_t *data);
/* An access whose bytes nobody looks at. */
struct ns_touch {
    uint64_t address;
    uint32_t length; /* at least 1 */
    bool store;
};
/* The place of the program that touch number `index` is. */
typedef uint32_t (*ns_touch_site)(void *context, size_t index);
/* Accesses one after the other, in the time of loads and stores, and counted like these; what is stored is not defined.
 * In pages that are not watched they are no events, and those that hit in L1 are many times faster than loads and
 * stores; elsewhere they are ordinary ones. Meanwhile no other hart may be at work. `site`, which gets `context`, is
 * asked only when an event needs it. *done: how many have ended, all of them with NS_OK. */
enum ns_status ns_hart_touch(struct ns_machine *machine, unsigned hart, const struct ns_touch *touches, size_t count,
                             ns_touch_site site, void *context, size_t *done);
/* FENCE RW,RW / DSB: earlier stores and maintenance are complete at the point of coherency. */
void ns_hart_fence(struct ns_machine *machine, unsigned hart);
/* T-Head sync and sync.i (C910 User Manual, table 6.2: not shareable): the store buffer is empty, late maintenance may
 * still be under way. */
void ns_hart_fence_local(struct ns_machine *machine, unsigned hart);
/* what->address is virtual; ignored with NS_WHOLE_CACHE. */
enum ns_status ns_hart_maintain(struct ns_machine *machine, unsigned hart, const struct ns_maintenance *what);
/* The same by a routine that rounds further than the program asked: what->address and length are what is maintained,
 * `named` (virtual) what the program named. Dirty bytes outside of what was named are lost at once. */
enum ns_status ns_hart_maintain_around(struct ns_machine *machine, unsigned hart, const struct ns_maintenance *what,
                                       uint64_t named, uint64_t named_length);
/* SFENCE.VMA of this hart alone: all addresses, or the page of one. */
void ns_hart_sfence(struct ns_machine *machine, unsigned hart, bool all, uint64_t address);
/* A TLB shoot-down: SFENCE.VMA on every hart, of all addresses or of the pages of [address, + length). The hart
 * interrupts the others and waits for them: one interrupt latency and a cycle for each page on either side; with one
 * hart the cycles alone. (SBI specification, "RFENCE Extension", sbi_remote_sfence_vma; Linux 6.1
 * arch/riscv/mm/tlbflush.c.) */
void ns_hart_shoot_down(struct ns_machine *machine, unsigned hart, bool all, uint64_t address, uint64_t length);
/* Stores new memory-type bits to the PTEs of a virtual range, through the caches as any store. No SFENCE.
 * NS_ERROR_MISUSE with NS_ATTRIBUTES_MPU, which has no PTEs; the same for ns_hart_set_pte(). */
enum ns_status ns_hart_set_type(struct ns_machine *machine, unsigned hart, uint64_t address, uint64_t length,
                                enum ns_memory_type type);
/* Kernel addresses for second mappings: `length` bytes, whole pages, without a PTE; 0 when there is no room. They are
 * not given out again. Any time. */
uint64_t ns_machine_reserve_pages(struct ns_machine *machine, uint64_t length);
/* Stores the leaf PTE of one 4 KiB page, through the caches as any store: PPN and memory-type bits of `pte` with V, R,
 * W, A and D; 0 clears V. A superpage there is split. No SFENCE. NS_ERROR_ARGUMENT for an address that is not page
 * aligned; NS_ERROR_EXHAUSTED without room for a table. */
enum ns_status ns_hart_set_pte(struct ns_machine *machine, unsigned hart, uint64_t address, uint64_t pte);
/* The leaf that the tables hold for an address now, also one that a walk refuses; 0 without one. Any time. */
uint64_t ns_machine_get_pte(struct ns_machine *machine, uint64_t address);
/* The physical address behind a virtual one, by a walk without side effects; UINT64_MAX when unmapped. Any time. */
uint64_t ns_machine_physical(struct ns_machine *machine, uint64_t address);
/* An IO store to the device's doorbell register: it does not wait for the store buffer. */
enum ns_status ns_hart_doorbell(struct ns_machine *machine, unsigned hart, unsigned device);
/* An IO load from it: pushes the device's posted writes to memory first. */
enum ns_status ns_hart_register_read(struct ns_machine *machine, unsigned hart, unsigned device, uint32_t *value);
/* Until the line has been raised since the last wait for it. */
void ns_hart_wait(struct ns_machine *machine, unsigned hart, unsigned irq);
/* One 32-bit register of a device, `offset` bytes (a multiple of 4, below 4096) behind its first. Of a device that is
 * no engine, each is its doorbell. A write that starts an engine is a doorbell; a read of a status register that shows
 * an interrupt, idle or halted, or of a control register as a reset leaves it, tells the hart what the channel has
 * done. */
enum ns_status ns_hart_register_write(struct ns_machine *machine, unsigned hart, unsigned device, uint32_t offset,
                                      uint32_t value);
enum ns_status ns_hart_register_load(struct ns_machine *machine, unsigned hart, unsigned device, uint32_t offset,
                                     uint32_t *value);
bool ns_machine_irq_pending(const struct ns_machine *machine, unsigned irq);

/* ---- devices --------------------------------------------------------------------------------- */
/* Addresses are what the driver programmed; `device` is the device number, not the actor. NS_ERROR_ADDRESS: no window
 * or no memory, also a hazard. */

/* `intended`: the physical address that the program means, UINT64_MAX unknown; used to tell a wrong address from a
 * right one. */
enum ns_status ns_device_read(struct ns_machine *machine, unsigned device, uint64_t bus, uint64_t intended,
                              uint32_t length, uint8_t *data, ns_version *versions, unsigned flags);
enum ns_status ns_device_write(struct ns_machine *machine, unsigned device, uint64_t bus, uint64_t intended,
                               uint32_t length, const uint8_t *data);
/* The bus address under which this device reaches a physical one; UINT64_MAX when no window holds it. Any time. */
uint64_t ns_device_bus_address(const struct ns_machine *machine, unsigned device, uint64_t physical);
/* The device's own posted writes reach memory. */
void ns_device_flush(struct ns_machine *machine, unsigned device);
void ns_device_raise(struct ns_machine *machine, unsigned device, unsigned irq);
/* Has a doorbell arrived that no start has taken? */
bool ns_device_rung(const struct ns_machine *machine, unsigned device);
/* An engine's streams, at the device's end. Feeding: a frame of `length` bytes for S2MM, or a part of one that the next
 * feed goes on with; waits while the stream is full (ns_engine_takes: it is not). Draining: the oldest frame that MM2S
 * has sent, ns_engine_sent() bytes (0: there is none); waits for one. */
bool ns_engine_takes(const struct ns_machine *machine, unsigned device, uint32_t length);
void ns_engine_feed(struct ns_machine *machine, unsigned device, const uint8_t *data, uint32_t length, bool ends);
uint32_t ns_engine_sent(const struct ns_machine *machine, unsigned device);
void ns_engine_wait_sent(struct ns_machine *machine, unsigned device);
void ns_engine_drain(struct ns_machine *machine, unsigned device, uint8_t *data);
/* Until the engine has nothing to do before a register is written or a stream moves; its delay timers may run. */
void ns_engine_settle(struct ns_machine *machine, unsigned device);
bool ns_engine_is_quiet(const struct ns_machine *machine, unsigned device); /* it would not wait */
bool ns_engine_timer_runs(const struct ns_machine *machine, unsigned device);
/* Its state, any time; NULL for a device that is no engine. */
const struct ns_axi_dma *ns_machine_engine(const struct ns_machine *machine, unsigned device);
/* Waits for the next doorbell. */
void ns_device_start(struct ns_machine *machine, unsigned device);

/* ---- the hardware by itself ------------------------------------------------------------------ */
/* Addresses are physical, and stand for the line that holds them. Called from any program; the events carry the
 * hardware actor's site. */

/* May the hart fill this line by itself: does it have a live cacheable mapping of the page? */
bool ns_hw_may_fill(struct ns_machine *machine, unsigned hart, uint64_t physical);

enum ns_status ns_hw_prefetch(struct ns_machine *machine, unsigned hart, uint64_t physical);
enum ns_status ns_hw_sample(struct ns_machine *machine, unsigned hart, uint64_t physical);
enum ns_status ns_hw_install(struct ns_machine *machine, unsigned hart, uint64_t physical);
enum ns_status ns_hw_evict(struct ns_machine *machine, unsigned hart, uint64_t physical);
/* Out of the hart's first cache, to the next level. */
enum ns_status ns_hw_evict_l1(struct ns_machine *machine, unsigned hart, uint64_t physical);
/* The hart's TLB takes the translation of a virtual page as the page tables have it now (nothing when they have none),
 * drops it, or uses another one again that it dropped since the last SFENCE.VMA: an outer level still held it (RISC-V
 * privileged specification, "Supervisor Memory-Management Fence Instruction": any translation since then may be used). */
void ns_hw_walk(struct ns_machine *machine, unsigned hart, uint64_t virtual_address);
void ns_hw_forget(struct ns_machine *machine, unsigned hart, uint64_t virtual_address);
void ns_hw_recall(struct ns_machine *machine, unsigned hart, uint64_t virtual_address);
/* From now on, until it is released, a full store buffer of this hart lets others go first than entries of these 8
 * bytes: hardware may choose any. When all that it has are held, the oldest goes. Up to 16 places. */
void ns_hw_hold(struct ns_machine *machine, unsigned hart, uint64_t physical);
void ns_hw_release(struct ns_machine *machine, unsigned hart, uint64_t physical);
/* Invalidates are performed as flushes from now on, or as the machine's configuration says. */
void ns_hw_invalidate_as_flush(struct ns_machine *machine, bool as_flush);
enum ns_status ns_hw_speculative_store(struct ns_machine *machine, unsigned hart, uint64_t physical);
/* Store-buffer entries and late write-backs of a hart, or posted writes of a device, that touch the range; length
 * UINT64_MAX: all. */
void ns_hw_drain_hart(struct ns_machine *machine, unsigned hart, uint64_t physical, uint64_t length);
/* One entry: the oldest one that holds the byte (of a hart, a store before a late write-back). */
void ns_hw_drain_hart_one(struct ns_machine *machine, unsigned hart, uint64_t physical);
void ns_hw_drain_device_one(struct ns_machine *machine, unsigned device, uint64_t physical);
void ns_hw_drain_device(struct ns_machine *machine, unsigned device, uint64_t physical, uint64_t length);

/* ---- looking, any time ----------------------------------------------------------------------- */
/* Two answers to "what is at this physical address?", by debug transport: no time, no event, nothing moves.
 * - the CPU's view: what a cacheable load of this hart would get now, wherever it lies: a copy that its caches would
 *   hit, a modified one of another hart, a write-back on its way, else memory. (Its own non-cacheable stores that still
 *   wait in the store buffer are not in it.)
 * - memory's view: what a device below the caches would get, whatever caches and buffers hold.
 * They differ where a line is dirty, or where a copy is stale. NS_ERROR_ADDRESS outside of RAM. SystemC code asks the
 * same by transport_dbg() at a hart's socket of the caches, and at the memory's. */
enum ns_status ns_machine_cpu_view(const struct ns_machine *machine, unsigned hart, uint64_t physical, uint32_t length,
                                   uint8_t *data);
enum ns_status ns_machine_memory_view(const struct ns_machine *machine, uint64_t physical, uint32_t length,
                                      uint8_t *data);
const struct ns_cache *ns_machine_cache(const struct ns_machine *machine);
/* How many entries a hart (store buffer and late write-backs) or device (posted) still holds. */
size_t ns_machine_buffered(const struct ns_machine *machine, unsigned actor);

#ifdef __cplusplus
}
#endif
#endif
