/* SPDX-License-Identifier: Apache-2.0 */
#include "model/paging.h"

#include <assert.h>
#include <string.h>

static bool covers(const struct ns_tlb_entry *entry, uint64_t virtual_address);
static bool serves(const struct ns_tlb_entry *entry, uint64_t virtual_address, bool store);

void ns_tlb_init(struct ns_tlb *tlb, unsigned capacity) {
    assert(capacity >= 1 && capacity <= NS_TLB_MAX_ENTRIES);
    memset(tlb, 0, sizeof *tlb);
    tlb->capacity = capacity;
}

const struct ns_tlb_entry *ns_tlb_lookup(struct ns_tlb *tlb, uint64_t virtual_address, bool store) {
    if (serves(&tlb->entry[tlb->last_hit], virtual_address, store)) {
        tlb->hits++;
        return &tlb->entry[tlb->last_hit];
    }
    for (unsigned i = 0; i < tlb->capacity; i++) {
        if (serves(&tlb->entry[i], virtual_address, store)) {
            tlb->last_hit = i;
            tlb->hits++;
            return &tlb->entry[i];
        }
    }
    tlb->misses++;
    return NULL;
}

void ns_tlb_insert(struct ns_tlb *tlb, uint64_t virtual_address, const struct ns_translation *translation) {
    assert(translation->fault == NS_FAULT_NONE && translation->page_size != 0);
    const uint64_t offset_mask = translation->page_size - 1;
    /* An entry for this address that could not serve (a store without D or W) gives way: one address, one entry. */
    ns_tlb_fence_address(tlb, virtual_address);
    tlb->entry[tlb->next] = (struct ns_tlb_entry){
        .virtual_page = virtual_address & ~offset_mask,
        .physical_page = translation->physical & ~offset_mask,
        .page_size = translation->page_size,
        .pte = translation->pte,
        .override_pma = translation->override_pma,
        .type = translation->type,
    };
    tlb->last_hit = tlb->next;
    tlb->next = (tlb->next + 1) % tlb->capacity;
}

void ns_tlb_fence_all(struct ns_tlb *tlb) {
    memset(tlb->entry, 0, sizeof tlb->entry);
    tlb->next = 0;
    tlb->last_hit = 0;
}

void ns_tlb_fence_address(struct ns_tlb *tlb, uint64_t virtual_address) {
    bool found = false;
    for (unsigned i = 0; i < tlb->capacity; i++)
        found |= covers(&tlb->entry[i], virtual_address);
    if (!found)
        return;
    /* The survivors close ranks, oldest first, so that no hole disturbs the order of replacement. */
    const struct ns_tlb old = *tlb;
    ns_tlb_fence_all(tlb);
    for (unsigned i = 0; i < old.capacity; i++) {
        const struct ns_tlb_entry *entry = &old.entry[(old.next + i) % old.capacity];
        if (entry->page_size != 0 && !covers(entry, virtual_address))
            tlb->entry[tlb->next++] = *entry;
    }
    assert(tlb->next < tlb->capacity);
}

static bool covers(const struct ns_tlb_entry *entry, uint64_t virtual_address) {
    /* Wraps to a large number below the page, and no offset is below the size 0 of an empty entry. */
    return virtual_address - entry->virtual_page < entry->page_size;
}

static bool serves(const struct ns_tlb_entry *entry, uint64_t virtual_address, bool store) {
    const uint64_t needed = store ? NS_PTE_W | NS_PTE_D : NS_PTE_R;
    return covers(entry, virtual_address) && (entry->pte & needed) == needed;
}
