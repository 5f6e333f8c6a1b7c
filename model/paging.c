/* SPDX-License-Identifier: Apache-2.0 */
#include "model/paging.h"

#include <assert.h>

enum { LEVELS = 3, PAGE_SHIFT = 12, INDEX_BITS = 9, VIRTUAL_BITS = 39 };

#define BIT(n) (UINT64_C(1) << (n))

/* Svpbmt: PTE bits 62:61; N (Svnapot) in bit 63 is not implemented by this core, so it is reserved too. */
#define PBMT_NC       BIT(61)
#define PBMT_IO       BIT(62)
#define PBMT_RESERVED (PBMT_NC | PBMT_IO)

/* T-Head MAEE: PTE bits 63:59. */
#define THEAD_SO  BIT(63)
#define THEAD_C   BIT(62)
#define THEAD_B   BIT(61)
#define THEAD_SH  BIT(60)
#define THEAD_SEC BIT(59)

#define BITS_63_TO_54        (~UINT64_C(0) << 54)
#define THEAD_RESERVED       (BITS_63_TO_54 & ~(THEAD_SO | THEAD_C | THEAD_B | THEAD_SH | THEAD_SEC))
#define SVPBMT_RESERVED      (BITS_63_TO_54 & ~(PBMT_NC | PBMT_IO))
#define RESERVED_IN_NON_LEAF (BITS_63_TO_54 | NS_PTE_A | NS_PTE_D | NS_PTE_U)

static bool is_canonical(uint64_t virtual_address);
static bool is_leaf(uint64_t pte);
static enum ns_page_fault_reason check_non_leaf(uint64_t pte, unsigned level);
static enum ns_page_fault_reason check_leaf(uint64_t pte, unsigned level, bool store);

const char *ns_page_fault_text(enum ns_page_fault_reason reason) {
    switch (reason) {
    case NS_FAULT_NONE:
        return "no fault";
    case NS_FAULT_NOT_CANONICAL:
        return "bits 63 to 39 of the virtual address are not copies of bit 38";
    case NS_FAULT_NOT_VALID:
        return "the page-table entry is not valid (V = 0, or W without R)";
    case NS_FAULT_NO_PERMISSION:
        return "the page does not allow this access (load without R, store without W, or a user page)";
    case NS_FAULT_MISALIGNED_LEAF:
        return "the entry of a superpage points into the middle of one";
    case NS_FAULT_RESERVED_BITS:
        return "the page-table entry has reserved bits or a reserved memory type";
    case NS_FAULT_NO_LEAF:
        return "three levels of page table end without a leaf";
    case NS_FAULT_ACCESSED_DIRTY:
        return "A is clear, or a store found D clear, and this core leaves both to software";
    case NS_FAULT_BUS:
        return "the page-table walk read an address without a target";
    case NS_FAULT_NO_REGION:
        return "no region of the MPU covers it, and neither does the default memory map";
    }
    return "unknown page fault";
}

enum ns_page_fault_reason ns_pte_decode_type(uint64_t pte, enum ns_attribute_scheme scheme, bool *override_pma,
                                             enum ns_memory_type *type, bool *shareable) {
    *override_pma = false;
    *type = NS_TYPE_CACHEABLE;
    if (shareable)
        *shareable = true;
    switch (scheme) {
    case NS_ATTRIBUTES_SVPBMT:
        if ((pte & SVPBMT_RESERVED) != 0 || (pte & PBMT_RESERVED) == PBMT_RESERVED)
            return NS_FAULT_RESERVED_BITS;
        *override_pma = (pte & (PBMT_NC | PBMT_IO)) != 0;
        if (*override_pma)
            *type = pte & PBMT_NC ? NS_TYPE_NC : NS_TYPE_IO;
        return NS_FAULT_NONE;
    case NS_ATTRIBUTES_THEAD_MAEE:
        if ((pte & THEAD_RESERVED) != 0)
            return NS_FAULT_RESERVED_BITS;
        *override_pma = true;
        if (pte & THEAD_SO)
            *type = NS_TYPE_IO;
        else
            *type = pte & THEAD_C ? NS_TYPE_CACHEABLE : NS_TYPE_NC;
        if (shareable)
            *shareable = (pte & THEAD_SH) != 0;
        return NS_FAULT_NONE;
    case NS_ATTRIBUTES_MPU: /* no entry is ever read */
    case NS_ATTRIBUTES_NONE:
        return (pte & BITS_63_TO_54) != 0 ? NS_FAULT_RESERVED_BITS : NS_FAULT_NONE;
    }
    assert(!"unknown attribute scheme");
    return NS_FAULT_RESERVED_BITS;
}

uint64_t ns_pte_encode_type(enum ns_pte_encoding encoding, enum ns_memory_type type) {
    static const struct {
        uint64_t cacheable, nc, io;
    } encodings[] = {
        [NS_ENCODE_SVPBMT] = {0, PBMT_NC, PBMT_IO},
        [NS_ENCODE_THEAD_5_19] = {THEAD_C | THEAD_B | THEAD_SH, 0, THEAD_SO},
        /* "1 < 61" instead of "1 << 61": the comparison yields 1, which is V. */
        [NS_ENCODE_THEAD_6_7_TYPO] = {THEAD_C | THEAD_B | THEAD_SH, THEAD_SH | NS_PTE_V, THEAD_SO | THEAD_SH},
        [NS_ENCODE_THEAD_6_8] = {THEAD_C | THEAD_B | THEAD_SH, THEAD_B | THEAD_SH, THEAD_SO | THEAD_SH},
        [NS_ENCODE_THEAD_VENDOR_5_10] = {THEAD_C | THEAD_B | THEAD_SH, THEAD_SH, THEAD_SO | THEAD_SH},
        [NS_ENCODE_NONE] = {0, 0, 0},
    };
    assert((size_t)encoding < sizeof encodings / sizeof encodings[0]);
    switch (type) {
    case NS_TYPE_CACHEABLE:
        return encodings[encoding].cacheable;
    case NS_TYPE_NC:
        return encodings[encoding].nc;
    case NS_TYPE_IO:
        return encodings[encoding].io;
    }
    assert(!"unknown memory type");
    return 0;
}

enum ns_status ns_page_walk(uint64_t root, uint64_t virtual_address, bool store, enum ns_attribute_scheme scheme,
                            ns_pte_reader read, void *context, struct ns_translation *translation) {
    assert(root % NS_PAGE_SIZE == 0);
    *translation = (struct ns_translation){.fault = NS_FAULT_NOT_CANONICAL};
    if (!is_canonical(virtual_address))
        return NS_ERROR_PAGE_FAULT;
    uint64_t table = root;
    for (unsigned level = LEVELS; level-- > 0;) {
        const unsigned shift = PAGE_SHIFT + INDEX_BITS * level;
        const uint64_t index = virtual_address >> shift & ((1u << INDEX_BITS) - 1);
        uint64_t pte = 0;
        translation->pte_address = table + index * sizeof pte;
        translation->fault = NS_FAULT_BUS;
        if (!read(context, translation->pte_address, &pte))
            return NS_ERROR_PAGE_FAULT;
        translation->pte = pte;
        translation->reads++;
        translation->fault = NS_FAULT_NOT_VALID;
        if ((pte & NS_PTE_V) == 0 || (pte & (NS_PTE_R | NS_PTE_W)) == NS_PTE_W)
            return NS_ERROR_PAGE_FAULT;
        const uint64_t page = (pte & NS_PTE_PPN_MASK) >> NS_PTE_PPN_SHIFT << PAGE_SHIFT;
        if (!is_leaf(pte)) {
            translation->fault = check_non_leaf(pte, level);
            if (translation->fault != NS_FAULT_NONE)
                return NS_ERROR_PAGE_FAULT;
            table = page;
            continue;
        }
        translation->fault = ns_pte_decode_type(pte, scheme, &translation->override_pma, &translation->type, NULL);
        if (translation->fault == NS_FAULT_NONE)
            translation->fault = check_leaf(pte, level, store);
        if (translation->fault != NS_FAULT_NONE)
            return NS_ERROR_PAGE_FAULT;
        translation->page_size = BIT(shift);
        translation->physical = page | (virtual_address & (translation->page_size - 1));
        return NS_OK;
    }
    assert(!"check_non_leaf ends the walk at level 0");
    return NS_ERROR_PAGE_FAULT;
}

enum ns_memory_type ns_pma_type(const struct ns_pma_region *regions, size_t count, uint64_t address) {
    size_t low = 0;
    size_t high = count;
    while (low < high) { /* the first region that starts above the address */
        const size_t middle = low + (high - low) / 2;
        if (regions[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && address - regions[low - 1].start < regions[low - 1].length)
        return regions[low - 1].type;
    return NS_TYPE_IO;
}

enum ns_memory_type ns_effective_type(const struct ns_translation *translation, const struct ns_pma_region *regions,
                                      size_t count) {
    return translation->override_pma ? translation->type : ns_pma_type(regions, count, translation->physical);
}

static bool is_canonical(uint64_t virtual_address) {
    const uint64_t upper = virtual_address >> (VIRTUAL_BITS - 1);
    return upper == 0 || upper == ~UINT64_C(0) >> (VIRTUAL_BITS - 1);
}

static bool is_leaf(uint64_t pte) {
    return (pte & (NS_PTE_R | NS_PTE_X)) != 0;
}

static enum ns_page_fault_reason check_non_leaf(uint64_t pte, unsigned level) {
    if ((pte & RESERVED_IN_NON_LEAF) != 0)
        return NS_FAULT_RESERVED_BITS;
    return level == 0 ? NS_FAULT_NO_LEAF : NS_FAULT_NONE;
}

static enum ns_page_fault_reason check_leaf(uint64_t pte, unsigned level, bool store) {
    const uint64_t low_page_number = BIT(INDEX_BITS * level) - 1;
    if ((pte >> NS_PTE_PPN_SHIFT & low_page_number) != 0)
        return NS_FAULT_MISALIGNED_LEAF;
    if ((pte & NS_PTE_U) != 0 || (pte & (store ? NS_PTE_W : NS_PTE_R)) == 0)
        return NS_FAULT_NO_PERMISSION;
    if ((pte & NS_PTE_A) == 0 || (store && (pte & NS_PTE_D) == 0))
        return NS_FAULT_ACCESSED_DIRTY;
    return NS_FAULT_NONE;
}
