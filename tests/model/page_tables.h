/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated memory for page tables: a map from addresses to PTEs, and a range of pages to take tables from. */
#ifndef NS_TESTS_MODEL_PAGE_TABLES_H
#define NS_TESTS_MODEL_PAGE_TABLES_H

#include "model/paging.h"

#include <cstdint>
#include <string>
#include <unordered_map>

class PageTables {
  public:
    static constexpr uint64_t KiB4 = UINT64_C(1) << 12;
    static constexpr uint64_t MiB2 = UINT64_C(1) << 21;
    static constexpr uint64_t GiB1 = UINT64_C(1) << 30;
    static constexpr uint64_t rwad = NS_PTE_V | NS_PTE_R | NS_PTE_W | NS_PTE_A | NS_PTE_D;

    uint64_t root = 0x8000'0000;
    uint64_t next_table = root + KiB4;
    unsigned tables_left = 100000;
    uint64_t missing = 0; /* the aligned address where no target answers; 0 = none */
    std::unordered_map<uint64_t, uint64_t> ptes;

    ns_page_builder builder() { return ns_page_builder{this, read, write, allocate}; }

    static uint64_t leaf(uint64_t physical, uint64_t bits = rwad) { return physical >> 12 << 10 | bits; }
    static uint64_t pointer(uint64_t table) { return table >> 12 << 10 | NS_PTE_V; }

    /* Where the entry of `address` lies in a table of a level (2 = root). */
    static uint64_t entry(uint64_t table, unsigned level, uint64_t address) {
        return table + (address >> (12 + 9 * level) & 511) * 8;
    }

    /* Puts one leaf by hand, at level 0, 1 or 2, below fresh tables, and answers where it lies. */
    uint64_t put_leaf(uint64_t address, unsigned level, uint64_t pte) {
        uint64_t table = root;
        for (unsigned i = 2; i > level; i--) {
            const uint64_t fresh = allocate(this);
            ptes[entry(table, i, address)] = pointer(fresh);
            table = fresh;
        }
        ptes[entry(table, level, address)] = pte;
        return entry(table, level, address);
    }

    ns_translation walk(uint64_t address, bool store = false, ns_attribute_scheme scheme = NS_ATTRIBUTES_SVPBMT) {
        ns_translation translation;
        status = ns_page_walk(root, address, store, scheme, read, this, &translation);
        return translation;
    }
    ns_status status = NS_OK; /* of the last walk */

    static bool read(void *context, uint64_t address, uint64_t *pte) {
        auto *self = static_cast<PageTables *>(context);
        if (address % 8 != 0 || (self->missing != 0 && address == self->missing))
            return false;
        const auto found = self->ptes.find(address);
        *pte = found == self->ptes.end() ? 0 : found->second;
        return true;
    }
    static bool write(void *context, uint64_t address, uint64_t pte) {
        auto *self = static_cast<PageTables *>(context);
        if (address % 8 != 0 || (self->missing != 0 && address == self->missing))
            return false;
        self->ptes[address] = pte;
        return true;
    }
    static uint64_t allocate(void *context) {
        auto *self = static_cast<PageTables *>(context);
        if (self->tables_left == 0)
            return 0;
        self->tables_left--;
        const uint64_t table = self->next_table;
        self->next_table += KiB4;
        return table;
    }
};

/* PTE bits 63:59 from a string such as "01110": SO C B SH SEC. */
inline uint64_t field(const char *text) {
    return static_cast<uint64_t>(std::stoul(text, nullptr, 2)) << 59;
}

#endif
