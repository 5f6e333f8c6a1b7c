/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hart's store buffer: non-cacheable stores that have been issued but have not reached memory. Oldest first; which
 * entry leaves next is the caller's choice, because weakly ordered hardware may drain any of them (RISC-V RVWMO orders
 * stores to different addresses only by FENCE).
 */
#ifndef NS_MODEL_STORE_BUFFER_H
#define NS_MODEL_STORE_BUFFER_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_STORE_ENTRY_BYTES  8u /* a store of RV64: it lies within 8 aligned bytes; longer ones are several */
#define NS_STORE_BUFFER_LIMIT 64u

struct ns_store_entry {
    uint64_t address; /* physical */
    uint32_t length;  /* 1 to NS_STORE_ENTRY_BYTES */
    uint32_t event;   /* the store's event; also the version of its bytes */
    uint64_t due_ps;  /* when it leaves by itself, for NS_DRAIN_AFTER */
    uint8_t data[NS_STORE_ENTRY_BYTES];
};

struct ns_store_buffer {
    unsigned capacity; /* 0 to NS_STORE_BUFFER_LIMIT; 0: no buffer */
    unsigned count;
    struct ns_store_entry entry[NS_STORE_BUFFER_LIMIT]; /* [0] is the oldest */
};

void ns_store_buffer_init(struct ns_store_buffer *buffer, unsigned capacity);
static inline bool ns_store_buffer_full(const struct ns_store_buffer *buffer) {
    return buffer->count >= buffer->capacity;
}
/* The buffer must not be full. */
void ns_store_buffer_push(struct ns_store_buffer *buffer, const struct ns_store_entry *entry);
/* Removes `count` entries (0 or more) from `index` on. */
void ns_store_buffer_take(struct ns_store_buffer *buffer, unsigned index, unsigned count);
/* Index of the oldest entry that touches [address, address + length), or -1. */
int ns_store_buffer_find(const struct ns_store_buffer *buffer, uint64_t address, uint64_t length);
/* How many entries from `index` on leave as one burst when the oldest has to go: parts of one store that follow each
 * other within 64 aligned bytes, as cores gather the stores of a memset to non-cacheable memory. 1 or more. */
unsigned ns_store_buffer_gathered(const struct ns_store_buffer *buffer, unsigned index);
/* The newest entry that holds the byte, or NULL. */
const struct ns_store_entry *ns_store_buffer_newest(const struct ns_store_buffer *buffer, uint64_t address);

#ifdef __cplusplus
}
#endif
#endif
