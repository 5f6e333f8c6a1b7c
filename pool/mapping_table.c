/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/mapping_table.h"

size_t ns_mapping_table_size(size_t capacity) {
    const size_t each = sizeof(struct ns_dma_mapping) + NS_MAPPING_ORDERS * sizeof(uint32_t);
    /* Half of the address space, so that the caller may add something. */
    return capacity > UINT32_MAX || capacity > SIZE_MAX / 2 / each ? 0 : capacity * each;
}

void ns_mapping_table_init(struct ns_mapping_table *table, size_t capacity, void *memory) {
    *table = (struct ns_mapping_table){.capacity = capacity, .cell = memory};
    uint32_t *orders = (uint32_t *)(table->cell + capacity);
    for (unsigned i = 0; i < NS_MAPPING_ORDERS; i++)
        table->order[i] = orders + i * capacity;
    for (size_t i = 0; i < capacity; i++)
        table->order[NS_MAPPING_BY_AGE][i] = (uint32_t)i;
}

/* ---- order ----------------------------------------------------------------------------------- */

static uint64_t key_of(const struct ns_dma_mapping *mapping, enum ns_mapping_order order) {
    switch (order) {
    case NS_MAPPING_BY_BUS:
        return mapping->bus;
    case NS_MAPPING_BY_PHYSICAL:
        return mapping->physical;
    default:
        return mapping->sequence;
    }
}

/* How many live mappings come before (key, sequence). */
static size_t count_before(const struct ns_mapping_table *table, enum ns_mapping_order order, uint64_t key,
                           uint64_t sequence) {
    size_t low = 0, high = table->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct ns_dma_mapping *mapping = ns_mapping_table_at(table, order, middle);
        const uint64_t this_key = key_of(mapping, order);
        if (this_key < key || (this_key == key && mapping->sequence < sequence))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static unsigned length_class(uint64_t length) {
    unsigned bits = 0;
    for (; length != 0; length >>= 1)
        bits++;
    return bits;
}

/* No live mapping has more bytes. */
static uint64_t longest(const struct ns_mapping_table *table) {
    for (unsigned i = NS_MAPPING_LENGTH_CLASSES; i-- > 0;)
        if (table->of_length[i] != 0)
            return i == 64 ? UINT64_MAX : (UINT64_C(1) << i) - 1;
    return 0;
}

struct ns_dma_mapping *ns_mapping_table_at(const struct ns_mapping_table *table, enum ns_mapping_order order,
                                           size_t index) {
    return &table->cell[table->order[order][index]];
}

struct ns_mapping_span ns_mapping_table_near(const struct ns_mapping_table *table, enum ns_mapping_order order,
                                             uint64_t first, uint64_t last) {
    /* What begins `longest` bytes before `first`, or earlier, ends before it. */
    const uint64_t reach = longest(table);
    return (struct ns_mapping_span){.begin = first < reach ? 0 : count_before(table, order, first - reach + 1, 0),
                                    .end = count_before(table, order, last, UINT64_MAX)};
}

/* ---- add and remove -------------------------------------------------------------------------- */

void ns_mapping_table_add(struct ns_mapping_table *table, const struct ns_dma_mapping *mapping) {
    const uint32_t number = table->order[NS_MAPPING_BY_AGE][table->count];
    struct ns_dma_mapping *cell = &table->cell[number];
    *cell = *mapping;
    cell->sequence = ++table->maps;
    for (unsigned i = NS_MAPPING_BY_BUS; i < NS_MAPPING_ORDERS; i++) {
        const enum ns_mapping_order order = (enum ns_mapping_order)i;
        const size_t place = count_before(table, order, key_of(cell, order), cell->sequence);
        for (size_t at = table->count; at > place; at--)
            table->order[order][at] = table->order[order][at - 1];
        table->order[order][place] = number;
    }
    table->of_length[length_class(cell->length)]++;
    table->count++; /* the newest is behind all others by age, where its number is already */
}

void ns_mapping_table_remove(struct ns_mapping_table *table, const struct ns_dma_mapping *mapping) {
    const uint32_t number = (uint32_t)(mapping - table->cell);
    for (unsigned i = 0; i < NS_MAPPING_ORDERS; i++) {
        const enum ns_mapping_order order = (enum ns_mapping_order)i;
        const size_t place = count_before(table, order, key_of(mapping, order), mapping->sequence);
        for (size_t at = place; at + 1 < table->count; at++)
            table->order[order][at] = table->order[order][at + 1];
    }
    table->count--;
    table->order[NS_MAPPING_BY_AGE][table->count] = number;
    table->of_length[length_class(mapping->length)]--;
}
