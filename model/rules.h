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

#ifdef __cplusplus
}
#endif
#endif
