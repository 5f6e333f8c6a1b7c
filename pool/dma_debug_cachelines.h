/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The active cache lines of DMA-API debugging: for each line in which a mapping BEGINS, the first mapping that began
 * there and how many more do. Source: kernel/dma/debug.c (active_cacheline_*), 5.10 and 7.x. There it is a radix tree
 * whose three tag bits hold the number, hence 0 to 7.
 *
 * Part of dma_debug.c; nothing else needs it.
 */
#ifndef NS_POOL_DMA_DEBUG_CACHELINES_H
#define NS_POOL_DMA_DEBUG_CACHELINES_H

#include "pool/port.h"
#include "pool/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NS_DEBUG_CACHELINE_MAX_OVERLAP = 7 };

struct ns_debug_cachelines;

/* Room for `capacity` lines (1 or more) of `line_size` bytes (a power of two). ARGUMENT, METADATA. */
enum ns_pool_status ns_debug_cachelines_create(const struct ns_port *port, size_t capacity, uint32_t line_size,
                                               struct ns_debug_cachelines **lines);
/* With lines in it or not. NULL is fine. */
void ns_debug_cachelines_destroy(struct ns_debug_cachelines *lines);

enum ns_debug_cacheline_result {
    NS_DEBUG_CACHELINE_NEW,
    NS_DEBUG_CACHELINE_EXISTS,   /* counted as one more overlap */
    NS_DEBUG_CACHELINE_EXCEEDED, /* exists, and the number was at its end: this one is not counted */
    NS_DEBUG_CACHELINE_NO_MEMORY,
};

/* For the line that holds `physical`. When it exists, *owner becomes what the insertion that made it was given: the
 * mapping may be over by now, and what the pointer leads to may be another's (so in the kernel). */
enum ns_debug_cacheline_result ns_debug_cachelines_insert(struct ns_debug_cachelines *lines, uint64_t physical,
                                                          const void **owner);

/* One mapping less; the line goes when the number was 0. Nothing for a line that is not there, which happens after
 * EXCEEDED. */
void ns_debug_cachelines_remove(struct ns_debug_cachelines *lines, uint64_t physical);

/* 0 to 7; -1: the line is not active. */
int ns_debug_cachelines_overlap(const struct ns_debug_cachelines *lines, uint64_t physical);

#ifdef __cplusplus
}
#endif
#endif
