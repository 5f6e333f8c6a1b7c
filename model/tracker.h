/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte provenance and ownership. The tracker keeps the flat memory (the ghost that a machine without caches and buffers
 * would hold: for each byte the newest version in the order in which actors issue their writes), compares every access
 * with it, and watches what happens to copies. It never changes the machine. What it finds it adds to the log as
 * hazards.
 *
 * The machine tells it about each event right after appending that event to the log. Addresses are physical unless a
 * name says otherwise.
 */
#ifndef NS_MODEL_TRACKER_H
#define NS_MODEL_TRACKER_H

#include "bus/memory.h"
#include "cache/cache.h"
#include "model/config.h"
#include "model/log.h"
#include "model/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A byte on its way to memory. */
enum ns_flight { NS_FLIGHT_STORE_BUFFER, NS_FLIGHT_LATE_WRITE_BACK, NS_FLIGHT_POSTED };
struct ns_in_flight {
    enum ns_flight where;
    ns_version version;
};

/* How the tracker looks at the machine. `in_flight` finds the newest version of a byte in store buffers, late
 * write-backs and posted writes; false when there is none. */
struct ns_tracker_view {
    void *context;
    const struct ns_cache *cache;
    const struct ns_memory *memory;
    const struct ns_machine_config *config;
    bool (*in_flight)(void *context, uint64_t address, struct ns_in_flight *out);
};

/* What software thinks about some physical bytes. */
struct ns_tracked_object {
    char name[48];
    uint64_t first, length;   /* physical, contiguous */
    enum ns_memory_type type; /* the type that accesses through its own mapping are meant to have */
    bool coherent;   /* the protocol of these bytes is non-cacheable: coherent memory, or declared type nc or io */
    bool descriptor; /* its elements are descriptors, each with an owner of its own */
    uint32_t stride; /* bytes from element to element; 0: one element */
    const uint32_t *field_offset; /* fields within an element, ascending; NULL: the element is one unit. Must outlive
                                     the tracker. */
    uint32_t field_count;
    uint32_t part_of; /* 1 + the object of which this is a part with a memory type of its own; 0: none */
};
#define NS_NO_OBJECT UINT32_MAX

struct ns_tracked_device {
    bool snoops;
    bool declared_coherent;
    bool starts;         /* the program says where it starts (a `start`); else it has once the doorbell rings */
    bool rings_doorbell; /* the program tells it to start (doorbell or start): its order is then checked */
    bool signals;        /* the program waits for it (interrupt or poll): likewise */
    bool two_channels;   /* an engine: each of its channels, 0 and 1, learns and tells by itself. Events say which */
    uint64_t bus_offset; /* physical - bus of its first window; 0 without */
};

struct ns_tracker;

/* The log's actors must be set before. The view's and log's pointees must outlive the tracker. NULL without host
 * memory. */
struct ns_tracker *ns_tracker_create(struct ns_log *log, const struct ns_tracker_view *view);
void ns_tracker_destroy(struct ns_tracker *tracker);
/* actor: of class device. */
void ns_tracker_set_device(struct ns_tracker *tracker, unsigned actor, const struct ns_tracked_device *device);
/* Returns its number, or NS_NO_OBJECT without host memory (the log is then `truncated`). Later objects win where they
 * overlap earlier ones. */
uint32_t ns_tracker_add_object(struct ns_tracker *tracker, const struct ns_tracked_object *object);
/* Does a live mapping of this device (its actor) hold this byte? */
bool ns_tracker_is_mapped(struct ns_tracker *tracker, unsigned device, uint64_t address);
/* Does a declared or allocated object hold this byte? */
bool ns_tracker_is_object(const struct ns_tracker *tracker, uint64_t address);
void ns_tracker_set_object_type(struct ns_tracker *tracker, uint32_t object, enum ns_memory_type type, bool coherent);
/* The number now stands for another object: an allocation made again. */
void ns_tracker_replace_object(struct ns_tracker *tracker, uint32_t object, const struct ns_tracked_object *now);

/* Accesses. `event` is already in the log; its kind, actor, type and site are read from there. The versions of written
 * bytes are the event's number. `object`: whose mapping the access went through, or NS_NO_OBJECT. */
void ns_tracker_initial(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length,
                        const uint8_t *data);
void ns_tracker_store(struct ns_tracker *tracker, uint32_t event, uint32_t object, uint64_t address, uint32_t length,
                      const uint8_t *data);
/* The write `event` of a hart or device has arrived: in a cache, a buffer, or memory. Until then its bytes are on their
 * way. */
void ns_tracker_arrived(struct ns_tracker *tracker, uint32_t event);
struct ns_load_facts {
    bool polling;     /* an older version is allowed; nothing is reported */
    bool to_register; /* the program keeps the value */
};
void ns_tracker_load(struct ns_tracker *tracker, uint32_t event, uint32_t object, uint64_t address, uint32_t length,
                     const uint8_t *data, const ns_version *versions, const struct ns_load_facts *facts);
void ns_tracker_dma_write(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                          const uint8_t *data);
void ns_tracker_dma_read(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint32_t length,
                         const uint8_t *data, const ns_version *versions, const struct ns_load_facts *facts);

/* What happens to copies: called by the observers of memory and cache. */
void ns_tracker_memory_write(struct ns_tracker *tracker, uint32_t cause_event, uint64_t address, uint32_t length,
                             const uint8_t *old_data, const ns_version *old_versions, const uint8_t *data,
                             const ns_version *versions);
void ns_tracker_drop(struct ns_tracker *tracker, uint32_t event, const struct ns_cache_line_event *line, bool dirty);
/* Between these two, dropped dirty bytes inside [address, address + length) are dropped on purpose. whole: every byte
 * is. */
void ns_tracker_maintenance_begin(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length,
                                  bool whole);
void ns_tracker_maintenance_end(struct ns_tracker *tracker);
/* The actor is at this maintenance event, whose lines are visited one after the other; NS_NO_EVENT: at none. */
void ns_tracker_maintaining(struct ns_tracker *tracker, unsigned actor, uint32_t event);

/* Hand-over and lifetime. device: its actor number. */
void ns_tracker_map(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address, uint64_t length,
                    uint8_t direction, bool undefined_until_written);
/* Ends the device's live mapping that holds `address`; nothing without one. */
void ns_tracker_unmap(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address);
void ns_tracker_sync(struct ns_tracker *tracker, uint32_t event, unsigned device, uint64_t address, uint64_t length,
                     bool for_cpu);
void ns_tracker_free(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length);
void ns_tracker_alloc(struct ns_tracker *tracker, uint32_t event, uint64_t address, uint64_t length);

/*
 * Bounce buffers. Bytes [slot, slot + length) stand for [original, original + length) from map to unmap; both are what
 * the device's mapping is then about, whichever of them ns_tracker_map, _unmap and _sync are given. A copy is told
 * before it is made; the loads and stores that follow of the event's actor inside its two ranges are its own, until
 * done. `event`: the API call.
 */
void ns_tracker_bounce_map(struct ns_tracker *tracker, uint32_t event, uint64_t slot, uint64_t original,
                           uint64_t length);
void ns_tracker_bounce_copy(struct ns_tracker *tracker, uint32_t event, uint64_t slot, uint64_t original,
                            uint64_t length, bool in);
void ns_tracker_bounce_done(struct ns_tracker *tracker, unsigned actor);
/* slot: any byte of it. */
void ns_tracker_bounce_unmap(struct ns_tracker *tracker, uint64_t slot);
/* What a byte of a live slot stands for; UINT64_MAX for any other byte. */
uint64_t ns_tracker_bounce_original(const struct ns_tracker *tracker, uint64_t slot);

/* Synchronisation edges. What a whole device is told or tells, both of its channels are. */
void ns_tracker_doorbell(struct ns_tracker *tracker, unsigned hart, unsigned device);
void ns_tracker_doorbell_of_channel(struct ns_tracker *tracker, unsigned hart, unsigned device, unsigned channel);
/* What an interrupt or a status bit of one channel says: everything up to `done`, an event, that this channel did. */
void ns_tracker_raise_of_channel(struct ns_tracker *tracker, unsigned device, unsigned channel, uint32_t done,
                                 unsigned irq);
/* One channel has got what the other had done up to `done`: its data came to it through the device. */
void ns_tracker_channel_follows(struct ns_tracker *tracker, unsigned device, unsigned channel, uint32_t done);
void ns_tracker_start(struct ns_tracker *tracker, unsigned device);
void ns_tracker_raise(struct ns_tracker *tracker, unsigned device, unsigned irq);
void ns_tracker_wait(struct ns_tracker *tracker, unsigned hart, unsigned irq);
/* A poll ended because it saw `version`. */
void ns_tracker_poll(struct ns_tracker *tracker, unsigned actor, ns_version version);

/* A hazard that the machine or an API found by itself: misuse, faults, addresses. Returns its index in the log, or
 * SIZE_MAX. `earlier`: an event to show, or NS_NO_EVENT. */
size_t ns_tracker_report(struct ns_tracker *tracker, enum ns_hazard_id id, enum ns_symptom symptom, uint32_t event,
                         uint64_t first, uint64_t last, uint32_t earlier, enum ns_note_role role, const char *detail);

/* After a report (`hazard`, its index) that a device's write went elsewhere: these bytes, which it was meant for, are
 * not hazards of their own when they are met. */
void ns_tracker_misdirected(struct ns_tracker *tracker, size_t hazard, uint64_t address, uint64_t length);

/* What a program would have got from flat memory: true when every byte of [address, address + length) has this value
 * there. */
bool ns_tracker_flat_equals(struct ns_tracker *tracker, uint64_t address, uint32_t length, const uint8_t *data);
/* The device goes on using, by an old address, memory that was freed, even if it has a new owner now. Until called
 * again with false. */
void ns_tracker_uses_freed(struct ns_tracker *tracker, unsigned device, bool freed);

/* What only a recording asks about: the event is of the actor that did it. `local`: late maintenance is not waited for.
 * A page table entry: accesses to [virtual_address, + length) go to `physical` with this type, or fault. */
void ns_tracker_fence(struct ns_tracker *tracker, uint32_t event, bool local);
void ns_tracker_sfence(struct ns_tracker *tracker, uint32_t event, bool all, uint64_t virtual_address, uint64_t length,
                       bool all_harts);
void ns_tracker_page(struct ns_tracker *tracker, uint32_t event, uint64_t virtual_address, uint64_t physical,
                     uint64_t length, enum ns_memory_type type, bool faults);
void ns_tracker_register_read(struct ns_tracker *tracker, uint32_t event, unsigned device);
void ns_tracker_device_flush(struct ns_tracker *tracker, unsigned device);

/* From now on every operation is written to `recording`, which must outlive the tracker, and nothing is compared: only
 * what an API refuses is still reported. NULL ends it. */
void ns_tracker_record(struct ns_tracker *tracker, struct ns_recording *recording);
struct ns_recording *ns_tracker_recording(struct ns_tracker *tracker);

/* At the end of a run: rules that only then can be decided. */
void ns_tracker_finish(struct ns_tracker *tracker);

#ifdef __cplusplus
}
#endif
#endif
