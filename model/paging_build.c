/* SPDX-License-Identifier: Apache-2.0 */
#include "model/paging.h"

#include <assert.h>

enum { PAGE_SHIFT = 12, INDEX_BITS = 9, ENTRIES = 512, ENTRY_BYTES = 8, TOP_LEVEL = 2, VIRTUAL_BITS = 39 };

#define TYPE_BITS (UINT64_C(0x1F) << 59)
#define LEAF_BITS (NS_PTE_V | NS_PTE_R | NS_PTE_W | NS_PTE_A | NS_PTE_D)
#define POINTER_MEANING                                                                                                \
    (NS_PTE_V | NS_PTE_R | NS_PTE_W | NS_PTE_X | NS_PTE_U | NS_PTE_A | NS_PTE_D | ~UINT64_C(0) << 54)

/* What to do with one entry of a table that the range reaches. */
enum action { SKIP, WRITE, DESCEND, FAULT };

struct edit {
    const struct ns_page_builder *builder;
    uint64_t virtual_address; /* of the whole range; positions in it are offsets, because its end may be 2^64 */
    uint64_t physical;
    uint64_t type_bits;
    bool superpages;
    /* Looks at *pte, which maps `whole` pages of the range or fewer, and changes it when it answers WRITE. */
    enum action (*visit)(const struct edit *edit, unsigned level, uint64_t offset, bool whole, uint64_t *pte);
};

static bool range_is_valid(uint64_t root, uint64_t virtual_address, uint64_t length);
static enum ns_status edit_range(const struct edit *edit, uint64_t table, unsigned level, uint64_t offset,
                                 uint64_t end);
static enum action visit_map(const struct edit *edit, unsigned level, uint64_t offset, bool whole, uint64_t *pte);
static enum action visit_set_type(const struct edit *edit, unsigned level, uint64_t offset, bool whole, uint64_t *pte);
static enum action visit_unmap(const struct edit *edit, unsigned level, uint64_t offset, bool whole, uint64_t *pte);

enum ns_status ns_page_map(const struct ns_page_builder *builder, uint64_t root, uint64_t virtual_address,
                           uint64_t physical, uint64_t length, uint64_t type_bits, bool superpages) {
    const uint64_t end_of_space = UINT64_C(1) << NS_PHYSICAL_BITS;
    if (!range_is_valid(root, virtual_address, length) || (type_bits & ~(TYPE_BITS | NS_PTE_V)) != 0)
        return NS_ERROR_ARGUMENT;
    if (physical % NS_PAGE_SIZE != 0 || physical > end_of_space || length > end_of_space - physical)
        return NS_ERROR_ARGUMENT;
    const struct edit edit = {
        .builder = builder,
        .virtual_address = virtual_address,
        .physical = physical,
        .type_bits = type_bits,
        .superpages = superpages,
        .visit = visit_map,
    };
    return edit_range(&edit, root, TOP_LEVEL, 0, length);
}

enum ns_status ns_page_set_type(const struct ns_page_builder *builder, uint64_t root, uint64_t virtual_address,
                                uint64_t length, uint64_t type_bits) {
    if (!range_is_valid(root, virtual_address, length) || (type_bits & ~(TYPE_BITS | NS_PTE_V)) != 0)
        return NS_ERROR_ARGUMENT;
    const struct edit edit = {
        .builder = builder, .virtual_address = virtual_address, .type_bits = type_bits, .visit = visit_set_type};
    return edit_range(&edit, root, TOP_LEVEL, 0, length);
}

enum ns_status ns_page_unmap(const struct ns_page_builder *builder, uint64_t root, uint64_t virtual_address,
                             uint64_t length) {
    if (!range_is_valid(root, virtual_address, length))
        return NS_ERROR_ARGUMENT;
    const struct edit edit = {.builder = builder, .virtual_address = virtual_address, .visit = visit_unmap};
    return edit_range(&edit, root, TOP_LEVEL, 0, length);
}

static bool range_is_valid(uint64_t root, uint64_t virtual_address, uint64_t length) {
    if (root % NS_PAGE_SIZE != 0 || virtual_address % NS_PAGE_SIZE != 0 || length % NS_PAGE_SIZE != 0)
        return false;
    const uint64_t half = UINT64_C(1) << (VIRTUAL_BITS - 1);
    const uint64_t start_of_upper_half = 0 - half;
    if (virtual_address < half)
        return length <= half - virtual_address;
    return virtual_address >= start_of_upper_half && length <= 0 - virtual_address;
}

static bool is_leaf(uint64_t pte) {
    return (pte & NS_PTE_V) != 0 && (pte & (NS_PTE_R | NS_PTE_X)) != 0 && (pte & (NS_PTE_R | NS_PTE_W)) != NS_PTE_W;
}

/* A pointer that a walk would follow. */
static bool is_pointer(uint64_t pte) {
    return (pte & POINTER_MEANING) == NS_PTE_V;
}

static uint64_t page_of(uint64_t pte) {
    return (pte & NS_PTE_PPN_MASK) >> NS_PTE_PPN_SHIFT << PAGE_SHIFT;
}

static uint64_t page_number_bits(uint64_t physical) {
    return physical >> PAGE_SHIFT << NS_PTE_PPN_SHIFT;
}

static uint64_t level_size(unsigned level) {
    return UINT64_C(1) << (PAGE_SHIFT + INDEX_BITS * level);
}

static enum action visit_map(const struct edit *edit, unsigned level, uint64_t offset, bool whole, uint64_t *pte) {
    const uint64_t physical = edit->physical + offset;
    /* A table that hangs here stays in use, since nobody takes its page back. */
    const bool superpage =
        level == 1 && edit->superpages && whole && physical % level_size(1) == 0 && !is_pointer(*pte);
    if (level > 0 && !superpage)
        return DESCEND;
    *pte = page_number_bits(physical) | LEAF_BITS | edit->type_bits;
    return WRITE;
}

static enum action visit_set_type(const struct edit *edit, unsigned level, uint64_t offset, bool whole, uint64_t *pte) {
    (void)offset;
    (void)whole;
    if ((*pte & NS_PTE_V) == 0)
        return FAULT;
    if (level > 0)
        return DESCEND;
    if (!is_leaf(*pte))
        return FAULT;
    *pte = (*pte & ~TYPE_BITS) | edit->type_bits;
    return WRITE;
}

static enum action visit_unmap(const struct edit *edit, unsigned level, uint64_t offset, bool whole, uint64_t *pte) {
    (void)edit;
    (void)offset;
    if ((*pte & NS_PTE_V) == 0)
        return SKIP;
    if (level > 0 && !(whole && is_leaf(*pte)))
        return DESCEND;
    *pte &= ~NS_PTE_V;
    return WRITE;
}

/* Replaces a leaf by a table of leaves one level down that map the same pages with the same bits. */
static enum ns_status split(const struct ns_page_builder *builder, uint64_t leaf, unsigned level, uint64_t table) {
    assert(level > 0);
    if (page_of(leaf) % level_size(level) != 0)
        return NS_ERROR_PAGE_FAULT;
    for (unsigned i = 0; i < ENTRIES; i++) {
        const uint64_t pte = leaf + page_number_bits(i * level_size(level - 1));
        if (!builder->write(builder->context, table + i * ENTRY_BYTES, pte))
            return NS_ERROR_ADDRESS;
    }
    return NS_OK;
}

/* Finds the table below the entry at `address`, or makes one. */
static enum ns_status descend(const struct ns_page_builder *builder, uint64_t address, uint64_t pte, unsigned level,
                              uint64_t *table) {
    if (is_pointer(pte)) {
        *table = page_of(pte);
        return NS_OK;
    }
    const bool valid = (pte & NS_PTE_V) != 0;
    if (valid && !is_leaf(pte))
        return NS_ERROR_PAGE_FAULT;
    *table = builder->allocate(builder->context);
    if (*table == 0)
        return NS_ERROR_EXHAUSTED;
    assert(*table % NS_PAGE_SIZE == 0 && *table >> NS_PHYSICAL_BITS == 0);
    if (valid) {
        const enum ns_status status = split(builder, pte, level, *table);
        if (status != NS_OK)
            return status;
    }
    /* Last, so that a walk at any moment finds either the old leaf or the complete table. */
    if (!builder->write(builder->context, address, page_number_bits(*table) | NS_PTE_V))
        return NS_ERROR_ADDRESS;
    return NS_OK;
}

static enum ns_status edit_range(const struct edit *edit, uint64_t table, unsigned level, uint64_t offset,
                                 uint64_t end) {
    const struct ns_page_builder *builder = edit->builder;
    const uint64_t size = level_size(level);
    for (uint64_t span; offset < end; offset += span) {
        const uint64_t virtual_address = edit->virtual_address + offset;
        const uint64_t rest = size - virtual_address % size;
        span = end - offset < rest ? end - offset : rest;
        const uint64_t address = table + virtual_address / size % ENTRIES * ENTRY_BYTES;
        uint64_t pte;
        if (!builder->read(builder->context, address, &pte))
            return NS_ERROR_ADDRESS;
        uint64_t lower_table;
        enum ns_status status = NS_OK;
        switch (edit->visit(edit, level, offset, span == size, &pte)) {
        case SKIP:
            break;
        case WRITE:
            if (!builder->write(builder->context, address, pte))
                return NS_ERROR_ADDRESS;
            break;
        case DESCEND:
            status = descend(builder, address, pte, level, &lower_table);
            if (status == NS_OK)
                status = edit_range(edit, lower_table, level - 1, offset, offset + span);
            break;
        case FAULT:
            status = NS_ERROR_PAGE_FAULT;
            break;
        }
        if (status != NS_OK)
            return status;
    }
    return NS_OK;
}
