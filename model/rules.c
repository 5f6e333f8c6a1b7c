/* SPDX-License-Identifier: Apache-2.0 */
#include "model/rules.h"

/* The newest bytes are on their way, in a buffer that the reader does not see. */
static enum ns_hazard_id in_flight(const struct ns_stale_facts *facts) {
    if (facts->torn && !facts->told)
        return NS_OR_TORN; /* nobody said that the object was ready: it was read while it changed */
    if (facts->writer == NS_WRITER_DEVICE)
        return facts->told || facts->reader_is_device ? NS_OR_IRQ_BEFORE_DATA : NS_OW_CPU_ACCESS;
    return facts->told_by_memory ? NS_OR_DESC_PUBLISH : NS_OR_DRAIN;
}

/* The newest bytes were dropped by an invalidate that named them. */
static enum ns_hazard_id discarded(const struct ns_stale_facts *facts) {
    if (facts->writer == NS_WRITER_DEVICE && facts->snoops_undeclared)
        return NS_AT_COHERENCY_DECL_REV;
    if (facts->reader_is_device)
        return facts->wrong_direction || facts->discarded_by_map ? NS_DC_WRONG_DIR
               : facts->discarded_from_elsewhere                 ? NS_DC_WRONG_RANGE
                                                                 : NS_DC_WRONG_OP;
    if (facts->undefined)
        return NS_BB_LEAK;
    return facts->discarded_from_elsewhere ? NS_DC_WRONG_RANGE : NS_DC_WRONG_OP;
}

/* Right family of maintenance, wrong place: common to both directions. NS_HAZARD_NONE when none of it applies. */
static enum ns_hazard_id misplaced(const struct ns_maintenance_facts *done) {
    if (done->after_covers && done->after_some_levels)
        return NS_DC_WRONG_SCOPE;
    if (done->after_named_skipped)
        return NS_LS_ALIGN;
    if (done->after_named_rounded || done->after_wrong_range)
        return NS_DC_WRONG_RANGE;
    if (done->after_bus_address)
        return NS_AD_OFFSET;
    if (done->after_truncated_address)
        return NS_AD_MASK_TRUNC;
    if (done->after_wrong_op)
        return NS_DC_WRONG_OP;
    return NS_HAZARD_NONE;
}

static enum ns_hazard_id stale_for_device(const struct ns_stale_facts *facts) {
    if (facts->newest == NS_IN_MEMORY)
        return NS_AT_ALIAS_STALE; /* it snoops, and what it found in a cache is older than memory */
    if (facts->type_mismatch)
        return NS_AT_WRONG_TYPE;
    if (facts->object_is_coherent)
        return NS_AT_ALIAS_DIRTY;
    if (facts->declared_coherent_only)
        return NS_AT_COHERENCY_DECL;
    if (facts->wrong_direction)
        return NS_DC_WRONG_DIR;
    const enum ns_hazard_id id = misplaced(&facts->maintenance);
    if (id != NS_HAZARD_NONE)
        return id;
    if (facts->maintenance.after_covers && facts->maintenance.after_under_way)
        return in_flight(facts);
    if (facts->maintenance.after_covers)
        return NS_HW_CMO_ERRATUM; /* the right operation on the right line, complete, and memory is still old */
    if (facts->maintenance.before_too_early || facts->maintenance.before_at_hand_over)
        return NS_DC_EARLY_SYNC;
    return NS_DC_CLEAN_MISSING;
}

static enum ns_hazard_id stale_for_hart(const struct ns_stale_facts *facts) {
    if (facts->type_mismatch)
        return NS_AT_WRONG_TYPE;
    if (facts->nothing_cached)
        return facts->snoops_undeclared && facts->writer == NS_WRITER_DEVICE ? NS_AT_COHERENCY_DECL_REV
                                                                             : NS_AT_ALIAS_DIRTY;
    if (facts->object_is_coherent || facts->writer_non_cacheable)
        return NS_AT_ALIAS_STALE;
    if (facts->declared_coherent_only)
        return NS_AT_COHERENCY_DECL;
    if (facts->maintenance.after_covers && !facts->maintenance.after_some_levels &&
        !facts->maintenance.after_under_way && facts->filled_after_maintenance)
        return NS_HW_CMO_ERRATUM;
    if (facts->wrong_direction)
        return NS_DC_WRONG_DIR;
    const enum ns_hazard_id id = misplaced(&facts->maintenance);
    if (id != NS_HAZARD_NONE)
        return id;
    if (facts->maintenance.before_too_early)
        return NS_DC_EARLY_SYNC;
    return facts->maintenance.before_at_hand_over ? NS_DC_REFETCH : NS_DC_INVAL_MISSING;
}

enum ns_hazard_id ns_rule_stale(const struct ns_stale_facts *facts) {
    switch (facts->newest) {
    case NS_IN_STORE_BUFFER:
    case NS_IN_LATE_WRITE_BACK:
    case NS_IN_POSTED_WRITE:
        return in_flight(facts);
    case NS_NOWHERE:
        if (facts->discarded)
            return discarded(facts);
        break;
    case NS_IN_MEMORY:
    case NS_IN_CACHE:
        break;
    }
    return facts->reader_is_device ? stale_for_device(facts) : stale_for_hart(facts);
}

enum ns_hazard_id ns_rule_lost(const struct ns_lost_facts *facts) {
    if (facts->by_device_write)
        return facts->told ? NS_OR_IRQ_BEFORE_DATA : NS_OW_CPU_ACCESS;
    if (facts->by_buffered_store)
        return NS_OR_DRAIN;
    if (facts->by_invalidate)
        return facts->both_descriptors ? NS_LS_DESC_SHARE : NS_LS_INVAL_NEIGHBOUR;
    if (facts->speculative_dirty)
        return NS_HW_SPEC_DIRTY;
    if (facts->type_mismatch)
        return NS_AT_WRONG_TYPE;
    if (facts->object_is_coherent || facts->writer_non_cacheable)
        return NS_AT_ALIAS_DIRTY;
    if (facts->declared_coherent_only)
        return NS_AT_COHERENCY_DECL;
    if (facts->neighbour_dirty && !facts->own_bytes_dirty)
        return facts->both_descriptors ? NS_LS_DESC_SHARE : NS_LS_WB_NEIGHBOUR;
    if (facts->wrong_direction)
        return NS_DC_WRONG_DIR;
    return NS_DC_EVICT_OVER_DMA;
}

static enum ns_owner_reason broken(enum ns_owner_reason reason, enum ns_hazard_id id, enum ns_hazard_id *out) {
    *out = id;
    return reason;
}

enum ns_owner_reason ns_rule_hart_access(const struct ns_hart_access_facts *facts, enum ns_hazard_id *id) {
    *id = NS_HAZARD_NONE;
    if (facts->mapped) {
        const bool allowed = facts->cpu_owns || (!facts->store && facts->direction == 1);
        return allowed ? NS_OWNER_FINE : broken(NS_OWNER_MAPPED, NS_OW_CPU_ACCESS, id);
    }
    /* What a program never waits for is taken as ordered, and so is what was handed back with unmap. */
    if (facts->unmapped)
        return NS_OWNER_FINE;
    if (facts->device_wrote && facts->write_signals && !facts->write_ordered)
        return broken(NS_OWNER_DEVICE_WROTE, NS_OW_CPU_ACCESS, id);
    if (facts->store && facts->device_read && facts->read_signals && !facts->read_ordered)
        return broken(NS_OWNER_DEVICE_READ, NS_OW_CPU_ACCESS, id);
    return NS_OWNER_FINE;
}

enum ns_owner_reason ns_rule_device_access(const struct ns_device_access_facts *facts, enum ns_hazard_id *id) {
    *id = NS_HAZARD_NONE;
    if (facts->freed)
        return broken(NS_OWNER_FREED, NS_OW_UAF, id);
    if (!facts->mapped && facts->unmapped)
        return broken(NS_OWNER_UNMAPPED, NS_OW_UAF, id);
    if (!facts->mapped && facts->before_mapped_for_this_device)
        return broken(NS_OWNER_BEYOND, NS_DC_WRONG_RANGE, id);
    if (facts->mapped_for_this_device) {
        if (facts->cpu_owns)
            return broken(NS_OWNER_CPU, NS_OW_UAF, id);
        if ((facts->write && facts->direction == 1) || (!facts->write && facts->direction == 2))
            return broken(NS_OWNER_DIRECTION, NS_DC_WRONG_DIR, id);
        return NS_OWNER_FINE; /* the mapping says whose it is, and a store to it was reported there */
    }
    if (facts->rings_doorbell && facts->newest_is_store && !facts->store_happened_before)
        return broken(NS_OWNER_NOT_TOLD, NS_OR_DESC_PUBLISH, id);
    return NS_OWNER_FINE;
}
