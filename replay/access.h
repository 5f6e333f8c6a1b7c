/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses in memory: what a trace is made of, and what one level asks of the next. Two parallel arrays, because the
 * loops over them read every byte: ten bytes an access instead of sixteen.
 */
#ifndef NS_REPLAY_ACCESS_H
#define NS_REPLAY_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bit 0 says that memory is written. */
enum ns_access_kind {
    NS_ACCESS_READ = 0,
    NS_ACCESS_WRITE = 1,
    NS_ACCESS_FETCH = 2, /* of an instruction: a read that goes to the instruction cache */
};

#define NS_ACCESS_MAX_SIZE  4096u /* bytes: one page */
#define NS_ACCESS_KIND_BITS 3u

/* `count` accesses, oldest first. address[i] is the first byte, any 64-bit address such that the last byte is one too;
 * what[i] is made by ns_access_what. Whoever made the arrays owns them. */
struct ns_accesses {
    uint64_t *address;
    uint16_t *what;
    size_t count;
};

/* size: bytes, 1 to NS_ACCESS_MAX_SIZE. */
static inline uint16_t ns_access_what(enum ns_access_kind kind, uint32_t size) {
    return (uint16_t)(size << NS_ACCESS_KIND_BITS | (uint32_t)kind);
}

static inline enum ns_access_kind ns_access_kind_of(uint16_t what) {
    return (enum ns_access_kind)(what & ((1u << NS_ACCESS_KIND_BITS) - 1));
}

static inline uint32_t ns_access_size_of(uint16_t what) {
    return (uint32_t)what >> NS_ACCESS_KIND_BITS;
}

#ifdef __cplusplus
}
#endif
#endif
