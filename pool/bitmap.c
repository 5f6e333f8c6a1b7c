/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/bitmap.h"

enum { BITS = 64 };

uint64_t ns_bitmap_words(uint64_t bits) {
    return bits / BITS + (bits % BITS != 0);
}

bool ns_bitmap_test(const uint64_t *words, uint64_t bit) {
    return (words[bit / BITS] >> (bit % BITS)) & 1;
}

/* The bits of word number `word` that lie in [from, to). */
static uint64_t mask_of(uint64_t word, uint64_t from, uint64_t to) {
    uint64_t mask = UINT64_MAX;
    if (word == from / BITS)
        mask &= UINT64_MAX << (from % BITS);
    if (word == to / BITS)
        mask &= (UINT64_C(1) << (to % BITS)) - 1;
    return mask;
}

void ns_bitmap_set(uint64_t *words, uint64_t first, uint64_t count) {
    const uint64_t end = first + count;
    for (uint64_t word = first / BITS; word < ns_bitmap_words(end) && count != 0; word++)
        words[word] |= mask_of(word, first, end);
}

void ns_bitmap_clear(uint64_t *words, uint64_t first, uint64_t count) {
    const uint64_t end = first + count;
    for (uint64_t word = first / BITS; word < ns_bitmap_words(end) && count != 0; word++)
        words[word] &= ~mask_of(word, first, end);
}

uint64_t ns_bitmap_find(const uint64_t *words, uint64_t from, uint64_t to, bool value) {
    for (uint64_t word = from / BITS; from < to && word < ns_bitmap_words(to); word++) {
        const uint64_t hits = (value ? words[word] : ~words[word]) & mask_of(word, from, to);
        if (hits != 0)
            return word * BITS + (uint64_t)__builtin_ctzll(hits);
    }
    return to;
}

uint64_t ns_bitmap_count(const uint64_t *words, uint64_t from, uint64_t to) {
    uint64_t count = 0;
    for (uint64_t word = from / BITS; from < to && word < ns_bitmap_words(to); word++)
        count += (uint64_t)__builtin_popcountll(words[word] & mask_of(word, from, to));
    return count;
}

uint64_t ns_bitmap_find_zero_area(const uint64_t *words, uint64_t size, uint64_t start, uint64_t count,
                                  uint64_t align_mask, uint64_t offset) {
    for (;;) {
        uint64_t index = ns_bitmap_find(words, start, size, false);
        index = ((index + offset + align_mask) & ~align_mask) - offset;
        if (index > size || count > size - index)
            return index;
        const uint64_t taken = ns_bitmap_find(words, index, index + count, true);
        if (taken == index + count)
            return index;
        start = taken + 1;
    }
}
