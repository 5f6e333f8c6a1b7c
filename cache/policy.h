/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replacement policies as pure functions on one word of state: what the data-holding cache (replacement.c) and the
 * counting levels of replay/ both do. LRU and FIFO need no function: their state is an order.
 *
 * Tree-PLRU: node n (root 1) is bit n of the word; a set bit points to the right half, where the victim is looked for.
 * `ways` is a power of two, 1 to 64. Random: xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled", 2016), scaled to the number of ways; the same seed gives the same victims everywhere.
 */
#ifndef NS_CACHE_POLICY_H
#define NS_CACHE_POLICY_H

#include <stdint.h>

/* The tree after `way` was touched: every node on the path to it points to the other half. */
static inline uint64_t ns_policy_tree_touch(uint64_t tree, uint32_t ways, uint32_t way) {
    for (uint32_t node = 1, half = ways / 2; half > 0; half /= 2) {
        uint32_t right = (way & half) != 0;
        if (right)
            tree &= ~(UINT64_C(1) << node);
        else
            tree |= UINT64_C(1) << node;
        node = 2 * node + right;
    }
    return tree;
}

/* The way that the tree points to. */
static inline uint32_t ns_policy_tree_victim(uint64_t tree, uint32_t ways) {
    uint32_t node = 1;
    while (node < ways)
        node = 2 * node + (uint32_t)((tree >> node) & 1);
    return node - ways;
}

/* A way by chance; *state, which is never 0, moves on. */
static inline uint32_t ns_policy_random_victim(uint64_t *state, uint32_t ways) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    uint64_t high = (x * UINT64_C(0x2545F4914F6CDD1D)) >> 32;
    return (uint32_t)((high * ways) >> 32);
}

/* The first state for a seed: the finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", 2014), which turns neighbouring seeds into unrelated states. `cache` tells the caches of a hierarchy
 * apart. */
static inline uint64_t ns_policy_random_start(uint64_t seed, uint32_t cache) {
    uint64_t value = (seed + cache + 1) * UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    value ^= value >> 31;
    return value ? value : 1; /* xorshift must not start at zero */
}

#endif
