/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitmaps in 64-bit words: bit i is bit i % 64 of word i / 64, 1 means taken. All searches skip whole words, so their
 * cost is linear in words at worst. The caller owns the words; those behind the last bit in use may hold anything.
 * Semantics of the search with an offset: Linux 5.10 lib/bitmap.c, bitmap_find_next_zero_area_off.
 */
#ifndef NS_POOL_BITMAP_H
#define NS_POOL_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Words that hold `bits` bits. */
uint64_t ns_bitmap_words(uint64_t bits);

bool ns_bitmap_test(const uint64_t *words, uint64_t bit);
/* Bits [first, first + count); count may be 0. */
void ns_bitmap_set(uint64_t *words, uint64_t first, uint64_t count);
void ns_bitmap_clear(uint64_t *words, uint64_t first, uint64_t count);

/* The first bit in [from, to) whose value is `value`; `to` when there is none. */
uint64_t ns_bitmap_find(const uint64_t *words, uint64_t from, uint64_t to, bool value);
/* Bits set in [from, to). */
uint64_t ns_bitmap_count(const uint64_t *words, uint64_t from, uint64_t to);

/*
 * The lowest run of `count` clear bits (1 or more) at or behind `start`, inside [0, size), whose first bit i has
 * (i + offset) divisible by align_mask + 1 (a power of two). What is returned when there is none is larger than
 * size - count, and need not be `size`: compare `found + count > size`, as the kernel's callers do.
 */
uint64_t ns_bitmap_find_zero_area(const uint64_t *words, uint64_t size, uint64_t start, uint64_t count,
                                  uint64_t align_mask, uint64_t offset);

#ifdef __cplusplus
}
#endif
#endif
