/* SPDX-License-Identifier: Apache-2.0 */
/* What kmalloc.c (blocks) and kmalloc_pages.c (where their pages come from) share. Nothing else includes this. */
#ifndef NS_POOL_KMALLOC_INTERNAL_H
#define NS_POOL_KMALLOC_INTERNAL_H

#include "pool/kmalloc.h"

enum { NS_KMALLOC_CHUNK_PAGES = 16, NS_KMALLOC_CHUNK_ORDER = 4 };

/* 64 KiB of the reserve; bit i stands for its page i. */
struct ns_kmalloc_chunk {
    uint64_t physical;
    uint32_t used;
    uint32_t head; /* a block of pages begins here */
};

/* The books of a page group, in granules (the size of a block header) from its start. */
struct ns_kmalloc_group {
    struct ns_kmalloc_group *next;
    uint64_t virtual_address;
    uint64_t physical;
    unsigned order;
    uint64_t granules;
    uint64_t *begins; /* a block's header lies here */
    uint64_t *used;   /* set for the header of a block that is handed out */
    uint64_t words[];
};

enum { NS_KMALLOC_LIST_NORMAL, NS_KMALLOC_LIST_DMA, NS_KMALLOC_LIST_COUNT };

struct ns_kmalloc {
    const struct ns_port *port;
    struct ns_frames *frames;
    struct ns_kmalloc_options options;
    struct ns_kmalloc_counts counts;
    struct ns_kmalloc_group *list[NS_KMALLOC_LIST_COUNT];
    struct ns_kmalloc_chunk chunk[]; /* options.reserve_chunks of them */
};

/* The reserve, at creation and at the end. On failure nothing is kept. */
enum ns_pool_status ns_kmalloc_take_reserve(struct ns_kmalloc *kmalloc);
enum ns_pool_status ns_kmalloc_return_reserve(struct ns_kmalloc *kmalloc);

/* 2^order pages from the reserve or from the frames; no second attempt. */
enum ns_pool_status ns_kmalloc_take_pages(struct ns_kmalloc *kmalloc, ns_gfp gfp, unsigned order, uint64_t *physical);
enum ns_pool_status ns_kmalloc_put_pages(struct ns_kmalloc *kmalloc, uint64_t physical, unsigned order);

#endif
