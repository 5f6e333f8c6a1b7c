/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer pool as VeridianOS 0.25.2 has it (kernel/src/net/dma_pool.rs), defects and all; buffer_pool.h lists them.
 * Behind the functions of buffer_pool.h when options.faithful is set; not for direct use. A buffer is named by the
 * number that it carries, which is not always its place in the pool (D1): what the original does through a reference
 * to the buffer finds it by that number, and what it does by index takes the number for a place.
 */
#ifndef NS_POOL_BUFFER_POOL_FAITHFUL_H
#define NS_POOL_BUFFER_POOL_FAITHFUL_H

#include "pool/buffer_pool.h"

struct ns_faithful_pool;

/* DmaBufferPool::new. ARGUMENT above 512; 0 is taken. EXHAUSTED when no frame was to be had. */
enum ns_pool_status ns_faithful_pool_create(const struct ns_port *port, struct ns_frames *frames, size_t count,
                                            uint64_t high_turns, struct ns_faithful_pool **pool);
/* There is no teardown: the book-keeping goes, the frames stay taken. */
void ns_faithful_pool_destroy(struct ns_faithful_pool *pool);
/* alloc. MISUSE: where the original stops or spins for ever. */
enum ns_pool_status ns_faithful_pool_allocate(struct ns_faithful_pool *pool, struct ns_buffer *buffer);
/* free, by index. ARGUMENT: not below the number of buffers. */
enum ns_pool_status ns_faithful_pool_free(struct ns_faithful_pool *pool, uint32_t place);
/* DmaBuffer::acquire and release: the count alone, without the pool's lock. ARGUMENT: there is no such buffer. */
enum ns_pool_status ns_faithful_pool_acquire(struct ns_faithful_pool *pool, uint32_t number);
enum ns_pool_status ns_faithful_pool_drop(struct ns_faithful_pool *pool, uint32_t number);
/* False: there is no such buffer. Nobody asks whether it is in use. */
bool ns_faithful_pool_address(const struct ns_faithful_pool *pool, uint32_t number, struct ns_buffer_address *address);
/* The buffer, in use or not, whose usable half holds the physical address. */
bool ns_faithful_pool_find(const struct ns_faithful_pool *pool, uint64_t physical, struct ns_buffer *buffer);
/* The count, 64 bits as in the original; 0 for no such buffer. */
uint64_t ns_faithful_pool_references(const struct ns_faithful_pool *pool, uint32_t number);
struct ns_buffer_pool_statistics ns_faithful_pool_get_statistics(const struct ns_faithful_pool *pool);

#endif
