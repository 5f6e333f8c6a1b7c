/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clean, invalidate and flush.
 *
 * A range operation is a loop over L1 lines, as drivers write it; what the loop visits comes from ns_line_span and
 * ns_line_operation. At a lower level the operation acts on the whole line that holds the L1 line, which may be
 * bigger: that is what such hardware does to software that knows only the smaller size.
 */
#include "cache/internal.h"

static enum ns_status maintain_range(struct operation *operation, const struct ns_maintenance *what);
static enum ns_status maintain_whole(struct operation *operation, const struct ns_maintenance *what);
static enum ns_status maintain_line(struct operation *operation, enum ns_cache_op op, enum ns_cache_scope scope,
                                    uint64_t address);
static enum ns_status maintain_slot(struct operation *operation, enum ns_cache_op op, enum ns_cache_scope scope,
                                    struct line_array *array, uint32_t slot);
static void cancel_fills(struct ns_cache *cache, unsigned hart, enum ns_cache_scope scope, uint64_t address,
                         uint32_t length);

enum ns_status ns_cache_maintain(struct ns_cache *cache, unsigned hart, const struct ns_maintenance *what,
                                 struct ns_cache_result *result) {
    struct ns_cache_result ignored;
    struct operation operation = {cache, result ? result : &ignored, hart, NS_CAUSE_MAINTENANCE,
                                  cache->config.late_write_backs > 0};
    *operation.result = (struct ns_cache_result){0};
    if (hart >= cache->config.harts || (unsigned)what->op > NS_CACHE_FLUSH || (unsigned)what->scope > NS_SCOPE_OUTER)
        return NS_ERROR_ARGUMENT;
    enum ns_status status = NS_ERROR_ARGUMENT;
    switch (what->extent) {
    case NS_WHOLE_CACHE:
        status = maintain_whole(&operation, what);
        check_after(cache, 0, 0);
        break;
    case NS_RANGE:
    case NS_EXACT_LINES:
        if (!range_is_physical(what->address, what->length))
            break;
        if (what->length > NS_CACHE_MAX_RANGE)
            return NS_ERROR_LIMIT;
        status = maintain_range(&operation, what);
        check_after(cache, what->address, what->length);
        break;
    }
    cache->l1[hart].stats.named_present += operation.result->lines_present;
    cache->l1[hart].stats.named_absent += operation.result->lines - operation.result->lines_present;
    return status;
}

static unsigned first_level(enum ns_cache_scope scope) {
    return scope == NS_SCOPE_OUTER ? 1 : 0;
}

/* Does the operation act on the L1s of all harts? */
static bool is_broadcast(const struct ns_cache *cache, enum ns_cache_scope scope) {
    return scope == NS_SCOPE_POC && cache->config.reach == NS_REACH_ALL_HARTS;
}

/* Does it cancel the fills of all harts? What goes into another L1 passes the shared levels. */
static bool reaches_fills_of_all(const struct ns_cache *cache, enum ns_cache_scope scope) {
    return is_broadcast(cache, scope) || scope == NS_SCOPE_OUTER;
}

static enum ns_status maintain_range(struct operation *operation, const struct ns_maintenance *what) {
    static const struct ns_range_policy exact = {.rounding = NS_ROUND_OUTWARD, .edge = NS_EDGE_SAME};
    struct ns_cache *cache = operation->cache;
    const struct ns_range_policy *policy = what->extent == NS_RANGE ? &cache->config.range : &exact;
    uint32_t line = cache->config.level[0].line;
    struct ns_line_range span = ns_line_span(what->address, what->length, line, policy->rounding);
    for (uint64_t i = 0; i < span.count; i++) {
        uint64_t address = span.start + i * line;
        enum ns_cache_op op;
        if (!ns_line_operation(address, line, what->address, what->length, what->op, policy, &op))
            continue;
        operation->result->lines++;
        enum ns_status status = maintain_line(operation, op, what->scope, address);
        if (status != NS_OK)
            return status;
        cancel_fills(cache, operation->hart, what->scope, address, line);
    }
    return NS_OK;
}

static enum ns_status maintain_line(struct operation *operation, enum ns_cache_op op, enum ns_cache_scope scope,
                                    uint64_t address) {
    struct ns_cache *cache = operation->cache;
    unsigned levels = scope == NS_SCOPE_L1 ? 1 : cache->config.levels;
    bool present = false;
    for (unsigned level = first_level(scope); level < levels; level++) {
        bool all = level == 0 && is_broadcast(cache, scope);
        unsigned first = level == 0 && !all ? operation->hart : 0;
        unsigned end = all ? cache->config.harts : first + 1;
        for (unsigned hart = first; hart < end; hart++) {
            struct line_array *array = array_at(cache, level, hart);
            uint32_t slot = array_find(array, address);
            if (slot == NO_SLOT)
                continue;
            present = true;
            enum ns_status status = maintain_slot(operation, op, scope, array, slot);
            if (status != NS_OK)
                return status;
        }
    }
    operation->result->lines_present += present;
    return NS_OK;
}

static enum ns_status maintain_whole(struct operation *operation, const struct ns_maintenance *what) {
    struct ns_cache *cache = operation->cache;
    unsigned levels = what->scope == NS_SCOPE_L1 ? 1 : cache->config.levels;
    for (unsigned level = first_level(what->scope); level < levels; level++) {
        bool all = level == 0 && is_broadcast(cache, what->scope);
        unsigned first = level == 0 && !all ? operation->hart : 0;
        unsigned end = all ? cache->config.harts : first + 1;
        for (unsigned hart = first; hart < end; hart++) {
            struct line_array *array = array_at(cache, level, hart);
            uint32_t slots = array->sets * array->ways;
            for (uint32_t slot = 0; slot < slots; slot++) {
                if (array->tags[slot] == NO_TAG)
                    continue;
                operation->result->lines++;
                operation->result->lines_present++;
                enum ns_status status = maintain_slot(operation, what->op, what->scope, array, slot);
                if (status != NS_OK)
                    return status;
            }
        }
    }
    if (cache->config.fill == NS_FILL_ORDERED)
        for (unsigned hart = 0; hart < cache->config.harts; hart++)
            for (unsigned i = 0; i < MISS_REGISTERS; i++)
                if (reaches_fills_of_all(cache, what->scope) || hart == operation->hart) {
                    struct miss_register *pending = &cache->registers[hart * MISS_REGISTERS + i];
                    cache->registers_used -= pending->used;
                    pending->used = false;
                }
    return NS_OK;
}

static enum ns_status maintain_slot(struct operation *operation, enum ns_cache_op op, enum ns_cache_scope scope,
                                    struct line_array *array, uint32_t slot) {
    struct ns_cache *cache = operation->cache;
    uint64_t address = slot_address(array, slot);
    bool as_flush = cache->config.invalidate_as_flush;
    struct ns_line_effect effect = ns_line_maintain(slot_state(array, slot), op, as_flush);
    array->stats.maintenance_lines++;
    if (effect.next == NS_LINE_INVALID && cache->inclusive && array->level > 0) {
        enum ns_status status = absorb_upper_copies(operation, array, slot);
        if (status != NS_OK)
            return status;
        if (cache->config.fill == NS_FILL_ORDERED)
            miss_register_cancel_all_harts(cache, address, array->line);
        effect = ns_line_maintain(slot_state(array, slot), op, as_flush);
    }
    if (effect.write_back) {
        if (scope == NS_SCOPE_L1 && cache->exclusive)
            return evict_slot(operation, array, slot); /* a clean, too, moves the line: it cannot lie in both */
        enum ns_status (*write)(struct operation *, struct origin, unsigned, uint64_t, uint32_t, const uint8_t *,
                                const ns_version *) = scope == NS_SCOPE_L1 ? write_below : write_present;
        enum ns_status status = write(operation, slot_origin(array, slot), array->level + 1, address, array->line,
                                      slot_data(array, slot), slot_versions(array, slot));
        if (status != NS_OK)
            return status;
        array->stats.write_backs++;
    }
    if (effect.next != NS_LINE_INVALID)
        set_slot_state(array, slot, effect.next);
    else if (effect.write_back)
        array_clear(array, slot);
    else
        drop_slot(operation, array, slot, effect.discard);
    return NS_OK;
}

/* A fill in flight was sampled before this operation; only on NS_FILL_ESCAPING machines does it survive. */
static void cancel_fills(struct ns_cache *cache, unsigned hart, enum ns_cache_scope scope, uint64_t address,
                         uint32_t length) {
    if (cache->config.fill != NS_FILL_ORDERED)
        return;
    if (reaches_fills_of_all(cache, scope))
        miss_register_cancel_all_harts(cache, address, length);
    else
        miss_register_cancel(cache, hart, address);
}
