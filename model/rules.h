/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hazard rules as pure decisions: facts about a byte in, hazard out. Whoever finds that a byte is stale or lost
 * gathers the facts (from the event log, see diagnose.c) and asks here; so a situation has one name, whoever met it.
 *
 * Two symptoms exist (docs/semantics.md): an access returned a byte that is not the newest (stale), or the newest
 * version of a byte exists nowhere any more (lost). The rules below only say why. They are tried from top to bottom;
 * the first that holds wins, from the most specific cause to the most general.
 */
#ifndef NS_MODEL_RULES_H
#define NS_MODEL_RULES_H

#include "cache/base.h"
#include "model/hazard.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The two symptoms, of one byte. An access returned version `got` where the flat memory has `newest`. */
static inline bool ns_is_stale(ns_version got, ns_version newest) {
    return got != newest;
}
/* Memory held the newest version and gets another one. elsewhere: some cache or buffer holds the newest too. */
static inline bool ns_is_overwritten(ns_version old, ns_version now, ns_version newest, bool elsewhere) {
    return old == newest && now != newest && !elsewhere;
}
/* A copy is dropped without a write-back. */
static inline bool ns_is_dropped(ns_version dropped, ns_version newest, bool elsewhere) {
    return dropped == newest && !elsewhere;
}

/* An invalidate that names the byte drops a copy, and with it the newest version is given up: nobody is going to write
 * it back. kept: memory holds it, a write of it is under way, or another copy of it is dirty. A clean copy may be left;
 * it can go at any moment, and then nothing more is lost. */
static inline bool ns_is_given_up(ns_version dropped, ns_version newest, bool dirty, bool kept) {
    return dropped == newest && dirty && !kept;
}

/* Who wrote the newest version. */
enum ns_writer { NS_WRITER_NOBODY, NS_WRITER_HART, NS_WRITER_DEVICE };

/* Where the newest version of the byte is. */
enum ns_whereabouts {
    NS_IN_MEMORY,
    NS_IN_CACHE, /* dirty in some level */
    NS_IN_STORE_BUFFER,
    NS_IN_LATE_WRITE_BACK, /* cleaned or flushed, but the maintenance is not complete */
    NS_IN_POSTED_WRITE,
    NS_NOWHERE,
};

/* Maintenance of the right family (invalidate or flush for a reader behind a cache; clean or flush for a device that
 * reads memory) between the hand-over and the access, relative to the newest write. "covers" means that the byte's line
 * was really visited. */
struct ns_maintenance_facts {
    bool after_covers;            /* after the newest write, and the line was visited */
    bool after_under_way;         /* ... but it had not come to its end */
    bool after_some_levels;       /* ... but no single operation reached every level */
    bool after_named_skipped;     /* the byte was named, but the edge policy skipped its line */
    bool after_named_rounded;     /* the byte was named, but rounding inwards left its line out */
    bool after_wrong_range;       /* aimed at this object (or at nothing that exists) and did not name the byte */
    bool after_wrong_op;          /* the line was visited with an operation of the other family */
    bool after_bus_address;       /* the range visited is this byte's bus address, taken for an address of the hart */
    bool after_truncated_address; /* ... or the byte's address without its upper bits */
    bool before_at_hand_over;     /* before the newest write: at map or sync-for-device, or before the doorbell */
    bool before_too_early;        /* before the newest write, where it should have come after it */
};

struct ns_stale_facts {
    bool reader_is_device;
    enum ns_writer writer;
    enum ns_whereabouts newest;
    bool nothing_cached;       /* the access itself went to memory (non-cacheable) */
    bool writer_non_cacheable; /* the newest write was a hart's NC or IO store */
    bool object_is_coherent;   /* the protocol of these bytes is non-cacheable: coherent memory, or declared type nc */
    bool type_mismatch; /* the access's (or the newest store's) effective type is not the one that its own mapping was
                           meant to have */
    bool declared_coherent_only;   /* the device is declared coherent, but does not snoop */
    bool snoops_undeclared;        /* the device snoops, but is declared non-coherent */
    bool discarded;                /* the newest version was dropped inside the range that an invalidate named */
    bool discarded_by_map;         /* ... by a map or sync for the wrong direction */
    bool discarded_from_elsewhere; /* ... whose range began in another object */
    bool undefined;                /* mapped from-device and never written by the device */
    bool wrong_direction;          /* that (or the last) mapping's direction forbids what was done */
    bool filled_after_maintenance; /* the stale line was installed after a maintenance operation that should have
                                      removed it */
    bool told;                     /* the reader was told (doorbell, interrupt, poll) after the newest write */
    bool told_by_memory;           /* the device saw a flag in memory that was stored after the newest write */
    bool torn;                     /* the same access returned other bytes of the very same write */
    struct ns_maintenance_facts maintenance;
};
enum ns_hazard_id ns_rule_stale(const struct ns_stale_facts *facts);

struct ns_lost_facts {
    enum ns_writer writer;  /* of the bytes that are lost */
    bool by_invalidate;     /* a dirty line was dropped; the bytes lie outside the range that was named */
    bool by_device_write;   /* an older DMA write reached memory after the newer bytes */
    bool by_buffered_store; /* an older buffered store did */
    bool both_descriptors;  /* the lost bytes and those that the program touched are different descriptors */
    bool own_bytes_dirty;   /* the line was dirty because of the lost bytes' own buffer */
    bool neighbour_dirty;   /* ... because of bytes beside it */
    bool speculative_dirty; /* ... because of a store that was squashed */
    bool object_is_coherent;
    bool type_mismatch; /* the store that dirtied it used its own mapping, with a type that was not meant */
    bool writer_non_cacheable;
    bool declared_coherent_only;
    bool wrong_direction;
    bool told;
};
enum ns_hazard_id ns_rule_lost(const struct ns_lost_facts *facts);

/* ---- rules that need no symptom: whose a byte is ---------------------------------------------- */

/* Which sentence of the rule was broken; the report words it. */
enum ns_owner_reason {
    NS_OWNER_FINE,
    NS_OWNER_MAPPED,       /* a hart touches what belongs to a device */
    NS_OWNER_DEVICE_WROTE, /* ... what a device wrote, and may still be writing */
    NS_OWNER_DEVICE_READ,  /* a hart stores to what a device read, and may still be reading */
    NS_OWNER_FREED,        /* a device uses freed memory */
    NS_OWNER_UNMAPPED,     /* ... memory after it was handed back */
    NS_OWNER_BEYOND,       /* ... bytes behind the end of its mapping */
    NS_OWNER_CPU,          /* ... what is lent to the CPU */
    NS_OWNER_DIRECTION,    /* ... against the direction of the mapping */
    NS_OWNER_NOT_TOLD,     /* ... bytes that were stored after it was told to start */
};

/* A hart loads or stores the byte. */
struct ns_hart_access_facts {
    bool mapped; /* a live mapping holds it */
    bool cpu_owns;
    uint8_t direction; /* of the live mapping: 1 to-device, 2 from-device, 3 bidirectional */
    bool store;
    bool unmapped;      /* it was handed back */
    bool device_wrote;  /* some device wrote it ... */
    bool write_ordered; /* ... and that happened before; ordered by an edge */
    bool write_signals; /* the program waits for this device: its end is checked */
    bool device_read, read_ordered, read_signals;
};
enum ns_owner_reason ns_rule_hart_access(const struct ns_hart_access_facts *facts, enum ns_hazard_id *id);

/* A device reads or writes the byte. */
struct ns_device_access_facts {
    bool freed; /* returned to its pool, or used by an old address */
    bool mapped;
    bool mapped_for_this_device;
    bool before_mapped_for_this_device; /* the byte before it, in the same access */
    bool unmapped;
    bool cpu_owns;
    uint8_t direction; /* of this device's mapping */
    bool write;
    bool newest_is_store;       /* a hart's */
    bool store_happened_before; /* ... and the device was told since */
    bool rings_doorbell;        /* the program says when this device starts */
};
enum ns_owner_reason ns_rule_device_access(const struct ns_device_access_facts *facts, enum ns_hazard_id *id);

#ifdef __cplusplus
}
#endif
#endif
