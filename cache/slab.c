/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise */
#include "cache/slab.h"

#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

enum { CHUNK = 2 << 20, HEADER = 16 };

/* At the start of each chunk. */
struct header {
    void *next;
};

/* Fresh memory from the host is zero. Twice as much is mapped and trimmed, so that the chunk is aligned as a huge page
 * must be. */
static char *map_chunk(void) {
    char *mapped = mmap(NULL, 2 * (size_t)CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    const size_t before = (CHUNK - (uintptr_t)mapped % CHUNK) % CHUNK;
    if (before != 0)
        (void)munmap(mapped, before);
    (void)munmap(mapped + before + CHUNK, CHUNK - before);
    return mapped + before;
}

void *ns_slab_take(struct ns_slab *slab, size_t size) {
    assert(size <= CHUNK / 2);
    size = (size + 15) & ~(size_t)15;
    if (slab->left < size) {
        char *chunk = map_chunk();
        if (!chunk)
            return NULL;
#ifdef MADV_HUGEPAGE
        if (slab->chunks)
            (void)madvise(chunk, CHUNK, MADV_HUGEPAGE);
#endif
        ((struct header *)(void *)chunk)->next = slab->chunks;
        slab->chunks = chunk;
        slab->free = chunk + HEADER;
        slab->left = CHUNK - HEADER;
    }
    void *object = slab->free;
    slab->free += size;
    slab->left -= size;
    return object;
}

void ns_slab_release(struct ns_slab *slab) {
    while (slab->chunks) {
        void *next = ((struct header *)slab->chunks)->next;
        (void)munmap(slab->chunks, CHUNK);
        slab->chunks = next;
    }
    *slab = (struct ns_slab){0};
}
