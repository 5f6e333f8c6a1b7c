/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of DMA-API debugging: taking, finding, giving back, and the way of a report. Source: kernel/dma/debug.c
 * (dma_entry_alloc, add_dma_entry, __hash_bucket_find, bucket_find_contain, err_printk), 5.10 and 7.x.
 *
 * Between dma_debug.c, which has these, and dma_debug_hooks.c, which has the checks; nothing else needs it.
 */
#ifndef NS_POOL_DMA_DEBUG_ENTRIES_H
#define NS_POOL_DMA_DEBUG_ENTRIES_H

#include "pool/dma_debug.h"
#include "pool/dma_debug_cachelines.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The kernel's hash: 16384 buckets of 8192 bytes of bus addresses each. */
enum { NS_DEBUG_HASH_SIZE = 16384, NS_DEBUG_HASH_SHIFT = 13 };

struct ns_debug_entry {
    struct ns_debug_entry *next; /* in its bucket, oldest first, or in the free list */
    bool live;                   /* in the hash */
    struct ns_dma_debug_entry is;
};

struct ns_dma_debug {
    const struct ns_port *port;
    struct ns_dma_debug_config config; /* .driver is not used after create */
    char filter[NS_DMA_DEBUG_DRIVER_NAME];
    struct ns_dma_debug_counters counters;
    struct ns_dma_debug_report last;
    bool exceeded_once; /* check 23 is a WARN_ONCE */
    struct ns_debug_cachelines *lines;
    struct ns_debug_entry **buckets; /* fewer than the kernel's: a bucket here holds the entries of several there */
    size_t bucket_mask;
    struct ns_debug_entry *free_entries; /* the one given back last is taken first */
    struct ns_debug_entry entries[];
};

/* Counts an error and shows it if the filter and num_errors allow (err_printk). `entry` may be NULL. */
void ns_debug_report_error(struct ns_dma_debug *debug, const struct ns_dma_debug_report *report,
                           const struct ns_debug_entry *entry);
/* A line of the log that neither filter nor num_errors touch: checks 23 and 25. */
void ns_debug_report_always(struct ns_dma_debug *debug, const struct ns_dma_debug_report *report);

/* A zeroed entry; NULL after check 25. */
struct ns_debug_entry *ns_debug_entry_take(struct ns_dma_debug *debug);
/* Into the hash and the active lines: checks 23, 24, 25. */
void ns_debug_entry_add(struct ns_dma_debug *debug, struct ns_debug_entry *entry);
/* Out of both, and free. */
void ns_debug_entry_remove(struct ns_dma_debug *debug, struct ns_debug_entry *entry);

/* The entry that begins at reference->bus and is of its device; of several the one that agrees in size, type, direction
 * and sg call entries; NULL when there are several and none agrees in all. */
struct ns_debug_entry *ns_debug_find_exact(struct ns_dma_debug *debug, const struct ns_dma_debug_entry *reference);
/* Likewise, the entry that contains the reference, bucket by bucket downwards from its address. */
struct ns_debug_entry *ns_debug_find_containing(struct ns_dma_debug *debug, const struct ns_dma_debug_entry *reference);

#ifdef __cplusplus
}
#endif
#endif
