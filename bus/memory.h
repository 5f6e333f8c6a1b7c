/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated RAM: sparse pages of data, each byte with the version that wrote it, in regions of a 56-bit space.
 * Plain C; tlm_memory.h puts it behind a socket with time.
 */
#ifndef NS_BUS_MEMORY_H
#define NS_BUS_MEMORY_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_MEMORY_MAX_REGIONS 16

struct ns_memory_region {
    uint64_t start;  /* physical address, multiple of 4096 */
    uint64_t length; /* bytes, multiple of 4096, not 0; start + length <= 2^56 */
};

struct ns_memory_config {
    size_t regions; /* 1 to NS_MEMORY_MAX_REGIONS, disjoint */
    struct ns_memory_region region[NS_MEMORY_MAX_REGIONS];
    uint64_t page_limit; /* host pages that may be touched; 0 = 262144 (1 GiB of data); beyond: NS_ERROR_LIMIT */
    bool provenance;     /* keep versions */
};

/*
 * Called before bytes are overwritten, with what is there and what comes, once for each page that a write reaches, in
 * ascending order; all of one call's bytes lie in one page. `tag` is what the writer passed. With provenance both
 * version arrays are there, without it both are NULL. The call may read the memory; it must not write to it.
 */
struct ns_memory_observer {
    void *context; /* not owned */
    /* NULL = nobody watches */
    void (*before_write)(void *context, uint64_t tag, uint64_t address, uint32_t length, const uint8_t *old_data,
                         const ns_version *old_versions, const uint8_t *data, const ns_version *versions);
};

struct ns_memory;

/* NULL on a bad configuration (regions overlap, unaligned, too many) or without host memory. Both arguments are copied;
 * observer may be NULL. Untouched bytes read 0 with version 0. One thread at a time, for reads too. */
struct ns_memory *ns_memory_create(const struct ns_memory_config *config, const struct ns_memory_observer *observer);
void ns_memory_destroy(struct ns_memory *memory);

/*
 * The whole range must lie in one region, or NS_ERROR_ADDRESS. Any alignment; may cross pages; an empty range needs an
 * address inside a region. `versions` holds one entry per byte; NULL on read: not wanted; NULL on write: all
 * NS_VERSION_POWER_ON. Without provenance reads give version 0 and versions written are dropped. A write touches the
 * pages it reaches, a read none. NS_ERROR_LIMIT: more pages than page_limit; NS_ERROR_MEMORY: the host has none left.
 * After an error no byte has changed and the observer has not been called.
 */
enum ns_status ns_memory_read(const struct ns_memory *memory, uint64_t address, uint64_t length, uint8_t *data,
                              ns_version *versions);
enum ns_status ns_memory_write(struct ns_memory *memory, uint64_t tag, uint64_t address, uint64_t length,
                               const uint8_t *data, const ns_version *versions);
/* Does one region hold the whole range? For length 0: is the address inside a region? */
bool ns_memory_holds(const struct ns_memory *memory, uint64_t address, uint64_t length);
/* Host pages touched so far. */
uint64_t ns_memory_pages(const struct ns_memory *memory);

#ifdef __cplusplus
}
#endif
#endif
