/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/memory.h"

#include "cache/slab.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SHIFT = 12, PAGE_BYTES = 4096, FIRST_SLOTS = 64 };
#define DEFAULT_PAGE_LIMIT UINT64_C(262144)

struct page {
    ns_version *versions; /* PAGE_BYTES of them; NULL while all are NS_VERSION_POWER_ON */
    uint8_t data[PAGE_BYTES];
};

struct slot {
    uint64_t number;
    struct page *page; /* NULL = the slot is free */
};

struct ns_memory {
    struct ns_memory_config config;
    struct ns_memory_observer observer;
    struct slot *slots;  /* open addressing, linear probing; at most half of them are used */
    unsigned slot_shift; /* 64 - log2(number of slots): the top bits of the hash are the index */
    uint64_t pages;
    struct ns_slab slab; /* the pages and their versions */
    struct slot *last;   /* the page used last; an allocation of its own, because reading moves it too */
};

/* What a byte without a version looks like to readers and to the observer. */
static const ns_version power_on_versions[PAGE_BYTES];

static bool configuration_is_valid(const struct ns_memory_config *config);
static struct page *find_page(const struct ns_memory *memory, uint64_t number);
static enum ns_status prepare_pages(struct ns_memory *memory, uint64_t address, uint64_t length, bool with_versions);
static void write_piece(struct ns_memory *memory, struct page *page, uint64_t tag, uint64_t address, uint32_t length,
                        const uint8_t *data, const ns_version *versions);
static uint64_t slot_count(const struct ns_memory *memory);
static uint32_t piece_length(uint64_t address, uint64_t length);

struct ns_memory *ns_memory_create(const struct ns_memory_config *config, const struct ns_memory_observer *observer) {
    if (!configuration_is_valid(config))
        return NULL;
    struct ns_memory *memory = calloc(1, sizeof *memory);
    if (!memory)
        return NULL;
    memory->config = *config;
    if (memory->config.page_limit == 0)
        memory->config.page_limit = DEFAULT_PAGE_LIMIT;
    if (observer)
        memory->observer = *observer;
    memory->slot_shift = 64 - 6;
    static_assert(FIRST_SLOTS == 1 << 6, "slot_shift and FIRST_SLOTS state the same number");
    memory->slots = calloc(FIRST_SLOTS, sizeof *memory->slots);
    memory->last = calloc(1, sizeof *memory->last);
    if (!memory->slots || !memory->last) {
        ns_memory_destroy(memory);
        return NULL;
    }
    return memory;
}

void ns_memory_destroy(struct ns_memory *memory) {
    if (!memory)
        return;
    ns_slab_release(&memory->slab);
    free(memory->slots);
    free(memory->last);
    free(memory);
}

enum ns_status ns_memory_read(const struct ns_memory *memory, uint64_t address, uint64_t length, uint8_t *data,
                              ns_version *versions) {
    if (!ns_memory_holds(memory, address, length))
        return NS_ERROR_ADDRESS;
    while (length > 0) {
        const uint32_t piece = piece_length(address, length);
        const size_t offset = (size_t)(address % PAGE_BYTES);
        const struct page *page = find_page(memory, address >> PAGE_SHIFT);
        if (page)
            memcpy(data, page->data + offset, piece);
        else
            memset(data, 0, piece);
        if (versions) {
            const ns_version *source = page && page->versions ? page->versions + offset : power_on_versions;
            memcpy(versions, source, piece * sizeof *versions);
            versions += piece;
        }
        address += piece;
        data += piece;
        length -= piece;
    }
    return NS_OK;
}

static bool all_power_on(const ns_version *versions, uint64_t length) {
    ns_version any = NS_VERSION_POWER_ON;
    for (uint64_t i = 0; i < length; i++)
        any |= versions[i];
    return any == NS_VERSION_POWER_ON;
}

enum ns_status ns_memory_write(struct ns_memory *memory, uint64_t tag, uint64_t address, uint64_t length,
                               const uint8_t *data, const ns_version *versions) {
    if (!ns_memory_holds(memory, address, length))
        return NS_ERROR_ADDRESS;
    if (!memory->config.provenance || (versions && all_power_on(versions, length)))
        versions = NULL; /* a page that has only such bytes needs no room for versions */
    /* All pages first: a write that does not fit leaves every byte as it was. */
    const enum ns_status status = prepare_pages(memory, address, length, versions != NULL);
    if (status != NS_OK)
        return status;
    while (length > 0) {
        const uint32_t piece = piece_length(address, length);
        write_piece(memory, find_page(memory, address >> PAGE_SHIFT), tag, address, piece, data, versions);
        address += piece;
        data += piece;
        length -= piece;
        if (versions)
            versions += piece;
    }
    return NS_OK;
}

bool ns_memory_holds(const struct ns_memory *memory, uint64_t address, uint64_t length) {
    /* Regions consist of whole pages and only their pages are ever touched, so the last page needs no search. */
    if (memory->last->page && address >> PAGE_SHIFT == memory->last->number &&
        length <= PAGE_BYTES - address % PAGE_BYTES)
        return true;
    for (size_t i = 0; i < memory->config.regions; i++) {
        const struct ns_memory_region *region = &memory->config.region[i];
        if (address >= region->start && address - region->start < region->length)
            return length <= region->length - (address - region->start);
    }
    return false;
}

uint64_t ns_memory_pages(const struct ns_memory *memory) {
    return memory->pages;
}

static bool configuration_is_valid(const struct ns_memory_config *config) {
    if (config->regions < 1 || config->regions > NS_MEMORY_MAX_REGIONS)
        return false;
    const uint64_t end_of_space = UINT64_C(1) << NS_PHYSICAL_BITS;
    for (size_t i = 0; i < config->regions; i++) {
        const struct ns_memory_region *region = &config->region[i];
        if (region->start % PAGE_BYTES != 0 || region->length % PAGE_BYTES != 0 || region->length == 0)
            return false;
        if (region->start >= end_of_space || region->length > end_of_space - region->start)
            return false;
        for (size_t j = 0; j < i; j++) {
            const struct ns_memory_region *other = &config->region[j];
            if (region->start < other->start + other->length && other->start < region->start + region->length)
                return false;
        }
    }
    return true;
}

static uint64_t slot_count(const struct ns_memory *memory) {
    return UINT64_C(1) << (64 - memory->slot_shift);
}

static uint32_t piece_length(uint64_t address, uint64_t length) {
    const uint64_t rest_of_page = PAGE_BYTES - address % PAGE_BYTES;
    return (uint32_t)(length < rest_of_page ? length : rest_of_page);
}

/* The slot that holds page `number`, or the free slot where it belongs. */
static struct slot *find_slot(const struct ns_memory *memory, uint64_t number) {
    /* Fibonacci hashing: neighbours in memory, the common case, spread over the whole table. */
    uint64_t i = number * UINT64_C(0x9E3779B97F4A7C15) >> memory->slot_shift;
    const uint64_t mask = slot_count(memory) - 1;
    while (memory->slots[i].page && memory->slots[i].number != number)
        i = (i + 1) & mask;
    return &memory->slots[i];
}

static struct page *find_page(const struct ns_memory *memory, uint64_t number) {
    if (memory->last->page && memory->last->number == number)
        return memory->last->page;
    const struct slot *slot = find_slot(memory, number);
    if (slot->page)
        *memory->last = *slot;
    return slot->page;
}

static enum ns_status double_slots(struct ns_memory *memory) {
    const uint64_t old_count = slot_count(memory);
    struct slot *old_slots = memory->slots;
    struct slot *new_slots = calloc((size_t)old_count * 2, sizeof *new_slots);
    if (!new_slots)
        return NS_ERROR_MEMORY;
    memory->slots = new_slots;
    memory->slot_shift--;
    for (uint64_t i = 0; i < old_count; i++)
        if (old_slots[i].page)
            *find_slot(memory, old_slots[i].number) = old_slots[i];
    free(old_slots);
    return NS_OK;
}

static enum ns_status touch_page(struct ns_memory *memory, uint64_t number) {
    if ((memory->pages + 1) * 2 > slot_count(memory)) {
        const enum ns_status status = double_slots(memory);
        if (status != NS_OK)
            return status;
    }
    struct page *page = ns_slab_take(&memory->slab, sizeof *page);
    if (!page)
        return NS_ERROR_MEMORY;
    *find_slot(memory, number) = (struct slot){.number = number, .page = page};
    memory->pages++;
    return NS_OK;
}

static enum ns_status prepare_pages(struct ns_memory *memory, uint64_t address, uint64_t length, bool with_versions) {
    if (length == 0)
        return NS_OK;
    const uint64_t first = address >> PAGE_SHIFT;
    const uint64_t last = (address + length - 1) >> PAGE_SHIFT;
    uint64_t missing = 0;
    for (uint64_t number = first; number <= last; number++)
        missing += !find_page(memory, number);
    if (missing > 0 &&
        (memory->pages >= memory->config.page_limit || missing > memory->config.page_limit - memory->pages))
        return NS_ERROR_LIMIT;
    for (uint64_t number = first; number <= last; number++) {
        struct page *page = find_page(memory, number);
        if (!page) {
            const enum ns_status status = touch_page(memory, number);
            if (status != NS_OK)
                return status;
            page = find_page(memory, number);
        }
        if (with_versions && !page->versions) {
            page->versions = ns_slab_take(&memory->slab, PAGE_BYTES * sizeof *page->versions);
            if (!page->versions)
                return NS_ERROR_MEMORY;
        }
    }
    return NS_OK;
}

static void write_piece(struct ns_memory *memory, struct page *page, uint64_t tag, uint64_t address, uint32_t length,
                        const uint8_t *data, const ns_version *versions) {
    assert(page);
    const size_t offset = (size_t)(address % PAGE_BYTES);
    if (memory->observer.before_write) {
        const bool provenance = memory->config.provenance;
        const ns_version *old_versions = page->versions ? page->versions + offset : power_on_versions;
        memory->observer.before_write(memory->observer.context, tag, address, length, page->data + offset,
                                      provenance ? old_versions : NULL, data,
                                      provenance && !versions ? power_on_versions : versions);
    }
    memcpy(page->data + offset, data, length);
    if (versions)
        memcpy(page->versions + offset, versions, length * sizeof *versions);
    else if (page->versions)
        memset(page->versions + offset, 0, length * sizeof *page->versions);
}
