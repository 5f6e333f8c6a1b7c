/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live mappings of one struct ns_dma, private to the pool. Each is found by its age, by bus address or by physical
 * address, in a number of steps that grows with the logarithm of their number. Adding and removing moves 4 bytes for
 * each live mapping, in each of the three orders.
 */
#ifndef NS_POOL_MAPPING_TABLE_H
#define NS_POOL_MAPPING_TABLE_H

#include "pool/mapping.h"

enum ns_mapping_order { NS_MAPPING_BY_AGE, NS_MAPPING_BY_BUS, NS_MAPPING_BY_PHYSICAL };
enum { NS_MAPPING_ORDERS = 3 };
enum { NS_MAPPING_LENGTH_CLASSES = 65 };

struct ns_mapping_table {
    size_t capacity;
    size_t count;
    uint64_t maps;                      /* in all, for ns_dma_mapping.sequence */
    struct ns_dma_mapping *cell;        /* `capacity` of them; which are in use, the orders say */
    uint32_t *order[NS_MAPPING_ORDERS]; /* cell numbers: `count` in use in that order; behind them, by age, the free */
    size_t of_length[NS_MAPPING_LENGTH_CLASSES]; /* live mappings of 2^(i-1) to 2^i - 1 bytes */
};

/* Bytes of memory for the cells and orders; 0 when no machine has as many. */
size_t ns_mapping_table_size(size_t capacity);

/* `memory`: ns_mapping_table_size(capacity) bytes, aligned for uint64_t; stays the caller's. */
void ns_mapping_table_init(struct ns_mapping_table *table, size_t capacity, void *memory);

/* The table must not be full. Copies *mapping, with the next sequence number; bus + length may not wrap, nor may
 * physical + length. */
void ns_mapping_table_add(struct ns_mapping_table *table, const struct ns_dma_mapping *mapping);

/* `mapping` points into the table, and is of no use afterwards. */
void ns_mapping_table_remove(struct ns_mapping_table *table, const struct ns_dma_mapping *mapping);

/* index < count. */
struct ns_dma_mapping *ns_mapping_table_at(const struct ns_mapping_table *table, enum ns_mapping_order order,
                                           size_t index);

/*
 * To visit all mappings that have a byte in [first, last] of bus or physical addresses: those at indexes begin to
 * end - 1 are all of them, and some more that begin before `first`.
 */
struct ns_mapping_span {
    size_t begin, end;
};
struct ns_mapping_span ns_mapping_table_near(const struct ns_mapping_table *table, enum ns_mapping_order order,
                                             uint64_t first, uint64_t last);

#endif
