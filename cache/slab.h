/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host memory for very many zeroed objects of one size that all live until the end: pages of simulated memory and what
 * is known about them. It is taken from the host in chunks of 2 MiB, and from the second chunk on asks for huge pages:
 * touching a megabyte costs tens of microseconds then, not hundreds.
 */
#ifndef NS_CACHE_SLAB_H
#define NS_CACHE_SLAB_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All zero is an empty slab. */
struct ns_slab {
    char *free;  /* of the newest chunk */
    size_t left; /* bytes there */
    void *chunks;
};

/* `size` zeroed bytes, at most 1 MiB, 16-byte aligned; NULL without host memory. They live until ns_slab_release. */
void *ns_slab_take(struct ns_slab *slab, size_t size);
void ns_slab_release(struct ns_slab *slab);

#ifdef __cplusplus
}
#endif
#endif
