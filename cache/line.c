/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/line.h"

#include <assert.h>

static inline bool is_line_size(uint32_t line) {
    return line >= 16 && line <= 256 && (line & (line - 1)) == 0;
}

struct ns_line_effect ns_line_maintain(enum ns_line_state state, enum ns_cache_op op, bool invalidate_as_flush) {
    if (op == NS_CACHE_INVALIDATE && invalidate_as_flush)
        op = NS_CACHE_FLUSH;
    bool dirty = state == NS_LINE_DIRTY;
    switch (op) {
    case NS_CACHE_CLEAN:
        return (struct ns_line_effect){.next = dirty ? NS_LINE_CLEAN : state, .write_back = dirty};
    case NS_CACHE_INVALIDATE:
        return (struct ns_line_effect){.next = NS_LINE_INVALID, .discard = dirty};
    case NS_CACHE_FLUSH:
        return (struct ns_line_effect){.next = NS_LINE_INVALID, .write_back = dirty};
    }
    assert(!"unknown cache operation");
    return (struct ns_line_effect){.next = state};
}

struct ns_line_effect ns_line_evict(enum ns_line_state state) {
    return (struct ns_line_effect){.next = NS_LINE_INVALID, .write_back = state == NS_LINE_DIRTY};
}

struct ns_line_effect ns_line_store(enum ns_line_state state, bool write_through) {
    assert(state != NS_LINE_INVALID);
    return (struct ns_line_effect){.next = write_through ? state : NS_LINE_DIRTY};
}

struct ns_line_range ns_line_span(uint64_t first, uint64_t length, uint32_t line, enum ns_range_rounding rounding) {
    assert(is_line_size(line));
    uint64_t start = first / line;
    if (length == 0)
        return (struct ns_line_range){.start = start * line, .count = 0};
    assert(length - 1 <= UINT64_MAX - first);
    uint64_t last = first + (length - 1); /* the last byte, not the end: the end may be 2^64 */
    uint64_t end = last / line + 1;
    if (rounding == NS_ROUND_INWARD) {
        if (first % line != 0)
            start++;
        if (last % line != line - 1)
            end--;
        if (end <= start)
            return (struct ns_line_range){.start = first / line * line, .count = 0};
    }
    return (struct ns_line_range){.start = start * line, .count = end - start};
}

bool ns_line_operation(uint64_t line_address, uint32_t line, uint64_t first, uint64_t length, enum ns_cache_op op,
                       const struct ns_range_policy *policy, enum ns_cache_op *performed) {
    assert(is_line_size(line) && line_address % line == 0);
    if (length == 0)
        return false;
    assert(length - 1 <= UINT64_MAX - first);
    uint64_t last = first + (length - 1), line_last = line_address + (line - 1);
    if (last < line_address || first > line_last)
        return false;
    bool partial = first > line_address || last < line_last;
    if (partial && policy->rounding == NS_ROUND_INWARD)
        return false;
    if (partial && op == NS_CACHE_INVALIDATE) {
        if (policy->edge == NS_EDGE_SKIP)
            return false;
        if (policy->edge == NS_EDGE_FLUSH)
            op = NS_CACHE_FLUSH;
    }
    *performed = op;
    return true;
}
