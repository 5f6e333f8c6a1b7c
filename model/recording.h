/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program does, taken down while it runs once: every operation of every actor in the order of the run, with its
 * addresses resolved, and nothing of what came of it. The tracker writes it (ns_tracker_record); verification reads it.
 *
 * While it is written, nothing is compared and nothing waits: only what the program asks for is of interest. Plain
 * data, so that it passes through a pipe as it is.
 */
#ifndef NS_MODEL_RECORDING_H
#define NS_MODEL_RECORDING_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ns_recorded_kind {
    NS_RECORDED_STEP,          /* a step begins: `site`, `step` */
    NS_RECORDED_INITIAL,       /* content at power-on: address, length, data */
    NS_RECORDED_LOAD,          /* address, length, type, meant, view */
    NS_RECORDED_STORE,         /* likewise, data */
    NS_RECORDED_DMA_READ,      /* peer unused; actor is the device */
    NS_RECORDED_DMA_WRITE,     /* data */
    NS_RECORDED_MAINTAIN,      /* op, scope, address, length; named, named_length: what the program named */
    NS_RECORDED_FENCE,         /* LOCAL: late maintenance may still be under way behind it */
    NS_RECORDED_SFENCE,        /* view: the first page, length: whole pages; WHOLE: all; ALL_HARTS: a shoot-down */
    NS_RECORDED_PTE,           /* view: virtual address; address: physical; length; type; FAULTS: accesses fault */
    NS_RECORDED_REGISTER_READ, /* peer: the device, whose posted writes arrive first */
    NS_RECORDED_DEVICE_FLUSH,
    NS_RECORDED_DOORBELL, /* peer: the device */
    NS_RECORDED_START,
    NS_RECORDED_RAISE, /* irq */
    NS_RECORDED_WAIT,  /* irq */
    NS_RECORDED_POLL,  /* the load or read before it polls: data is what it waits for */
    NS_RECORDED_MAP,   /* peer: the device; address, length, direction; UNDEFINED: content is until written */
    NS_RECORDED_UNMAP, /* peer, address: ends the live mapping that holds it */
    NS_RECORDED_SYNC,  /* peer, address, length; FOR_CPU or for the device */
    NS_RECORDED_FREE,
    NS_RECORDED_ALLOC,
    NS_RECORDED_MISDIRECTED, /* the device's write was meant for address, length, and went elsewhere: that was said */
    NS_RECORDED_HARDWARE,    /* a step of `hw`: op is its enum ns_verb; peer the hart or device; address, length */
    NS_RECORDED_CONDITION,   /* judgement number `site` looks at address, length; data: the value of a handle */
};

enum ns_recorded_flags {
    NS_RECORDED_POLLING = 1u << 0,
    NS_RECORDED_COPIES = 1u << 1, /* LOAD, STORE: a part of the kernel's copy from or to a bounce slot */
    NS_RECORDED_UNDEFINED = 1u << 2,
    NS_RECORDED_FOR_CPU = 1u << 3,
    NS_RECORDED_LOCAL = 1u << 4,
    NS_RECORDED_EXACT = 1u << 5,        /* MAINTAIN: instructions on exactly the lines touched */
    NS_RECORDED_WHOLE = 1u << 6,        /* MAINTAIN, SFENCE: everything */
    NS_RECORDED_USES_FREED = 1u << 7,   /* the device goes on using freed memory by an old address */
    NS_RECORDED_NOT_COMPARED = 1u << 8, /* DMA_READ: at a wrong address, which was said */
    NS_RECORDED_TO_REGISTER = 1u << 9,
    NS_RECORDED_FAULTS = 1u << 10,
    NS_RECORDED_BOUNCED = 1u << 11,  /* MAP: the mapping before this one is its other side */
    NS_RECORDED_COHERENT = 1u << 12, /* the bytes are meant to be non-cacheable */
    NS_RECORDED_ALL_HARTS = 1u << 13,
};

#define NS_RECORDED_NO_TYPE 0xff

struct ns_recorded {
    uint64_t address, length; /* physical, bytes */
    uint64_t view;            /* LOAD, STORE: the virtual address */
    uint64_t named, named_length;
    uint32_t site; /* written step */
    uint32_t step; /* step as executed, 0-based; UINT32_MAX: before the first */
    uint32_t data; /* 1 + offset into the data, 0: none */
    uint16_t flags;
    uint16_t part; /* operations of its step that the actor had begun before this one */
    uint8_t kind;  /* enum ns_recorded_kind */
    uint8_t actor, peer, irq;
    uint8_t type;  /* enum ns_memory_type */
    uint8_t meant; /* the type that the access was meant to have, or NS_RECORDED_NO_TYPE */
    uint8_t op, scope;
    uint8_t direction; /* 1 to-device, 2 from-device, 3 bidirectional */
    uint8_t unused[3];
};

#define NS_RECORDING_LIMIT      (UINT32_C(8) << 20)   /* operations */
#define NS_RECORDING_DATA_LIMIT (UINT32_C(256) << 20) /* bytes */

struct ns_recording {
    size_t count, capacity;
    struct ns_recorded *entry;
    size_t data_count, data_capacity;
    uint8_t *data;
    bool failed;                /* a limit, or no_memory: what follows is missing */
    bool no_memory;             /* of the host */
    uint32_t site, step;        /* of the step under way */
    uint16_t device_uses_freed; /* bit per actor */
};

/* Zero-initialise, with step UINT32_MAX. Appends one; site and step are filled in. `data`: `length` bytes, or NULL. */
void ns_recording_add(struct ns_recording *recording, struct ns_recorded *entry, const uint8_t *data, uint64_t length);
void ns_recording_release(struct ns_recording *recording);

#ifdef __cplusplus
}
#endif
#endif
