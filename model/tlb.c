/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries are found by a hash of their page's number: a look-up asks once for each page size that there is an entry of.
 * Their order of age is a list, because a fence takes entries out of its middle.
 */
#include "model/paging.h"

#include <assert.h>
#include <string.h>

#define NO_ENTRY UINT16_MAX

static bool covers(const struct ns_tlb_entry *entry, uint64_t virtual_address);
static bool serves(const struct ns_tlb_entry *entry, uint64_t virtual_address, bool store);
static uint16_t find(const struct ns_tlb *tlb, uint64_t virtual_address, unsigned size);
static void take_out(struct ns_tlb *tlb, uint16_t index);
static void use_first(struct ns_tlb *tlb, uint16_t index);
static void empty_first(struct ns_tlb *tlb);

static const uint64_t page_sizes[3] = {UINT64_C(1) << 12, UINT64_C(1) << 21, UINT64_C(1) << 30};

void ns_tlb_init(struct ns_tlb *tlb, unsigned capacity) {
    assert(capacity >= 1 && capacity <= NS_TLB_MAX_ENTRIES);
    memset(tlb, 0, sizeof *tlb);
    tlb->capacity = capacity;
    ns_tlb_fence_all(tlb);
}

void ns_tlb_init_levels(struct ns_tlb *tlb, unsigned first_capacity, unsigned capacity) {
    assert(first_capacity >= 1 && first_capacity <= NS_TLB_MAX_FIRST_ENTRIES);
    ns_tlb_init(tlb, capacity);
    tlb->first_capacity = first_capacity;
}

static const struct ns_tlb_entry *hit(struct ns_tlb *tlb, uint16_t index) {
    struct ns_tlb_entry *entry = &tlb->entry[index];
    tlb->last_hit = index;
    tlb->hits++;
    tlb->from_second = tlb->first_capacity != 0 && entry->first_place == 0;
    if (tlb->from_second) {
        tlb->second_hits++;
        use_first(tlb, index);
    }
    return entry;
}

const struct ns_tlb_entry *ns_tlb_lookup(struct ns_tlb *tlb, uint64_t virtual_address, bool store) {
    if (serves(&tlb->entry[tlb->last_hit], virtual_address, store))
        return hit(tlb, (uint16_t)tlb->last_hit);
    uint16_t best = NO_ENTRY; /* the oldest, where several would do */
    for (unsigned size = 0; size < 3; size++) {
        const uint16_t index = tlb->sized[size] == 0 ? NO_ENTRY : find(tlb, virtual_address, size);
        if (index != NO_ENTRY && serves(&tlb->entry[index], virtual_address, store) &&
            (best == NO_ENTRY || tlb->entry[index].age < tlb->entry[best].age))
            best = index;
    }
    if (best != NO_ENTRY)
        return hit(tlb, best);
    tlb->misses++;
    tlb->from_second = tlb->first_capacity != 0; /* it was asked, too */
    return NULL;
}

static unsigned size_of(uint64_t page_size) {
    return page_size == page_sizes[0] ? 0 : page_size == page_sizes[1] ? 1 : 2;
}

static unsigned bucket_of(uint64_t virtual_page, unsigned size) {
    return (unsigned)((virtual_page / page_sizes[size] + size) % NS_TLB_BUCKETS);
}

void ns_tlb_insert(struct ns_tlb *tlb, uint64_t virtual_address, const struct ns_translation *translation) {
    assert(translation->fault == NS_FAULT_NONE && translation->page_size != 0);
    const uint64_t offset_mask = translation->page_size - 1;
    /* An entry for this address that could not serve (a store without D or W) gives way: one address, one entry. */
    ns_tlb_fence_address(tlb, virtual_address);
    if (tlb->free == NO_ENTRY)
        take_out(tlb, tlb->oldest);
    const uint16_t index = tlb->free;
    struct ns_tlb_entry *entry = &tlb->entry[index];
    const unsigned size = size_of(translation->page_size);
    tlb->free = entry->chain;
    *entry = (struct ns_tlb_entry){
        .virtual_page = virtual_address & ~offset_mask,
        .physical_page = translation->physical & ~offset_mask,
        .page_size = translation->page_size,
        .pte = translation->pte,
        .override_pma = translation->override_pma,
        .type = translation->type,
        .age = tlb->inserted++,
        .older = tlb->newest,
        .newer = NO_ENTRY,
    };
    uint16_t *bucket = &tlb->bucket[bucket_of(entry->virtual_page, size)];
    entry->chain = *bucket;
    *bucket = index;
    tlb->sized[size]++;
    *(tlb->newest == NO_ENTRY ? &tlb->oldest : &tlb->entry[tlb->newest].newer) = index;
    tlb->newest = index;
    tlb->last_hit = index;
    if (tlb->first_capacity != 0)
        use_first(tlb, index);
}

void ns_tlb_fence_all(struct ns_tlb *tlb) {
    memset(tlb->entry, 0, tlb->capacity * sizeof tlb->entry[0]);
    memset(tlb->bucket, 0xff, sizeof tlb->bucket); /* NO_ENTRY */
    memset(tlb->sized, 0, sizeof tlb->sized);
    for (unsigned i = 0; i < tlb->capacity; i++)
        tlb->entry[i].chain = i + 1 < tlb->capacity ? (uint16_t)(i + 1) : NO_ENTRY;
    tlb->oldest = tlb->newest = NO_ENTRY;
    tlb->free = 0;
    tlb->last_hit = 0;
    empty_first(tlb);
}

void ns_tlb_fence_address(struct ns_tlb *tlb, uint64_t virtual_address) {
    for (unsigned size = 0; size < 3; size++) {
        const uint16_t index = tlb->sized[size] == 0 ? NO_ENTRY : find(tlb, virtual_address, size);
        if (index != NO_ENTRY)
            take_out(tlb, index);
    }
}

static bool covers(const struct ns_tlb_entry *entry, uint64_t virtual_address) {
    /* Wraps to a large number below the page, and no offset is below the size 0 of an empty entry. */
    return virtual_address - entry->virtual_page < entry->page_size;
}

static bool serves(const struct ns_tlb_entry *entry, uint64_t virtual_address, bool store) {
    const uint64_t needed = store ? NS_PTE_W | NS_PTE_D : NS_PTE_R;
    return covers(entry, virtual_address) && (entry->pte & needed) == needed;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Of this page size there is at most one entry for an address: whoever comes drives the others out. */
static uint16_t find(const struct ns_tlb *tlb, uint64_t virtual_address, unsigned size) {
    const uint64_t page = virtual_address & ~(page_sizes[size] - 1);
    uint16_t index = tlb->bucket[bucket_of(page, size)];
    while (index != NO_ENTRY &&
           (tlb->entry[index].virtual_page != page || tlb->entry[index].page_size != page_sizes[size]))
        index = tlb->entry[index].chain;
    return index;
}

static void take_out(struct ns_tlb *tlb, uint16_t index) {
    struct ns_tlb_entry *entry = &tlb->entry[index];
    const unsigned size = size_of(entry->page_size);
    uint16_t *link = &tlb->bucket[bucket_of(entry->virtual_page, size)];
    while (*link != index)
        link = &tlb->entry[*link].chain;
    *link = entry->chain;
    *(entry->older == NO_ENTRY ? &tlb->oldest : &tlb->entry[entry->older].newer) = entry->newer;
    *(entry->newer == NO_ENTRY ? &tlb->newest : &tlb->entry[entry->newer].older) = entry->older;
    if (entry->first_place != 0)
        tlb->first[entry->first_place - 1] = NO_ENTRY;
    tlb->sized[size]--;
    *entry = (struct ns_tlb_entry){.chain = tlb->free};
    tlb->free = index;
}

/* ---- the first of two levels ----------------------------------------------------------------- */

static void use_first(struct ns_tlb *tlb, uint16_t index) {
    const uint16_t leaves = tlb->first[tlb->first_next];
    if (leaves != NO_ENTRY)
        tlb->entry[leaves].first_place = 0;
    tlb->first[tlb->first_next] = index;
    tlb->entry[index].first_place = (uint8_t)(tlb->first_next + 1);
    tlb->first_next = (tlb->first_next + 1) % tlb->first_capacity;
}

/* No entry says that it is there. */
static void empty_first(struct ns_tlb *tlb) {
    memset(tlb->first, 0xff, sizeof tlb->first); /* NO_ENTRY */
    tlb->first_next = 0;
}
