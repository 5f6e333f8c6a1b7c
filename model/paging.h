/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sv39 page tables with real PTE bits, their memory types, and a TLB.
 *
 * Addresses and sizes are bytes. Harts translate as S-mode does with sstatus.SUM = 0 and sstatus.MXR = 0, on a core
 * with Svade (A and D belong to software) and without Svnapot. Nothing here allocates host memory.
 *
 * Sources: RISC-V Privileged ISA, "Virtual Address Translation Process", "Sv39" and "Svpbmt" (PTE bits 62:61); C910
 * User Manual table 6.1 and section 6.2.4.5 (MAEE: bits 63:59 = SO C B SH SEC); Linux
 * arch/riscv/include/asm/pgtable-64.h and errata_list.h for what kernels write.
 */
#ifndef NS_MODEL_PAGING_H
#define NS_MODEL_PAGING_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How the core reads the memory-type bits of a leaf. */
enum ns_attribute_scheme {
    NS_ATTRIBUTES_SVPBMT, /* bits 62:61: 0 PMA, 1 NC, 2 IO, 3 reserved; bits 60:54 reserved, 63 = N must be 0 here */
    NS_ATTRIBUTES_THEAD_MAEE, /* bits 63:59: SO C B SH SEC; bits 58:54 reserved */
    NS_ATTRIBUTES_NONE,       /* bits 63:54 reserved: any set bit is a page fault */
    NS_ATTRIBUTES_MPU,        /* no page tables: the regions of an MPU (model/mpu.h) */
};

/*
 * What software writes for a memory type, one name per kernel and core. T-Head fields are bits 63:59 = SO C B SH SEC;
 * every T-Head kernel writes "normal" as 01110.
 */
enum ns_pte_encoding {
    NS_ENCODE_SVPBMT,     /* Linux >= 5.19 on Svpbmt: PMA 0, NC bit 61, IO bit 62 */
    NS_ENCODE_THEAD_5_19, /* Linux 5.19 to 6.6 on T-Head: NC 00000, IO 10000 */
    /* Linux 6.7 as built (commit dbfbda3bd6bf): NC 00010 with PTE bit 0 set, IO 10010. NC was meant to be 00110; a
     * missing '<' turned "1 << 61" into the comparison "1 < 61", which is 1. Bit 0 is V, set in every mapping anyway.
     */
    NS_ENCODE_THEAD_6_7_TYPO,
    NS_ENCODE_THEAD_6_8,         /* Linux 6.8 and 6.7-stable (commit c21f01481860): NC 00110, IO 10010 */
    NS_ENCODE_THEAD_VENDOR_5_10, /* T-Head's own 5.10, fixed at compile time: NC 00010, IO 10010 */
    NS_ENCODE_NONE,              /* no memory-type bits at all: every mapping falls back to the PMA */
};

#define NS_PTE_V         (UINT64_C(1) << 0)
#define NS_PTE_R         (UINT64_C(1) << 1)
#define NS_PTE_W         (UINT64_C(1) << 2)
#define NS_PTE_X         (UINT64_C(1) << 3)
#define NS_PTE_U         (UINT64_C(1) << 4)
#define NS_PTE_G         (UINT64_C(1) << 5)
#define NS_PTE_A         (UINT64_C(1) << 6)
#define NS_PTE_D         (UINT64_C(1) << 7)
#define NS_PTE_PPN_SHIFT 10
#define NS_PTE_PPN_MASK  (((UINT64_C(1) << 44) - 1) << NS_PTE_PPN_SHIFT)

enum ns_page_fault_reason {
    NS_FAULT_NONE,
    NS_FAULT_NOT_CANONICAL,   /* bits 63:39 of the virtual address differ from bit 38 */
    NS_FAULT_NOT_VALID,       /* V = 0, or W without R */
    NS_FAULT_NO_PERMISSION,   /* load without R, store without W, or a user page (U = 1) */
    NS_FAULT_MISALIGNED_LEAF, /* superpage with low PPN bits set */
    NS_FAULT_RESERVED_BITS,   /* reserved bits or memory-type encoding; bits 63:54, A, D or U in a non-leaf */
    NS_FAULT_NO_LEAF,         /* three levels without a leaf */
    NS_FAULT_ACCESSED_DIRTY,  /* A = 0, or a store with D = 0: this core leaves both to software */
    NS_FAULT_BUS,             /* the walk itself met an address without a target */
    NS_FAULT_NO_REGION,       /* NS_ATTRIBUTES_MPU: no region covers the address, and neither does the default map */
};
/* One sentence for people, without a full stop; static. */
const char *ns_page_fault_text(enum ns_page_fault_reason reason);

/*
 * Decodes the memory-type bits of a leaf PTE; returns NS_FAULT_NONE or NS_FAULT_RESERVED_BITS. *override_pma says
 * whether *type replaces the physical region's attribute; without an override *type is NS_TYPE_CACHEABLE and means
 * nothing. *shareable (may be NULL) is SH for T-Head, true for the other schemes.
 *
 * A T-Head field always overrides, so an all-zero one means NC. The manual's table 6.1 lists four combinations; the
 * others decode as: SO = 1 -> IO whatever C and B say; SO = 0, C = 1 -> cacheable; SO = 0, C = 0 -> NC whatever B says.
 * SEC is ignored. That bits 63:59 of a T-Head non-leaf fault is this model's choice: the manual is silent there.
 */
enum ns_page_fault_reason ns_pte_decode_type(uint64_t pte, enum ns_attribute_scheme scheme, bool *override_pma,
                                             enum ns_memory_type *type, bool *shareable);

/* The bits that software with `encoding` ORs into a PTE for `type`: a subset of bits 63:59 and bit 0. */
uint64_t ns_pte_encode_type(enum ns_pte_encoding encoding, enum ns_memory_type type);

/* What a walk reads: 8 bytes at a physical, 8-byte aligned address. Returns false when no target answers. */
typedef bool (*ns_pte_reader)(void *context, uint64_t address, uint64_t *pte);

struct ns_translation {
    uint64_t physical;    /* address of the byte asked for */
    uint64_t pte;         /* the leaf; after a fault the PTE read last */
    uint64_t pte_address; /* where it lies; after NS_FAULT_BUS the address that did not answer */
    uint64_t page_size;   /* 4096, 2 MiB or 1 GiB; 0 after a fault */
    bool override_pma;
    enum ns_memory_type type; /* meaningful when override_pma */
    enum ns_page_fault_reason fault;
    unsigned reads; /* PTEs read, 0 to 3 */
};

/*
 * Sv39 walk from the table at `root` (physical, page aligned). Returns NS_OK, or NS_ERROR_PAGE_FAULT with
 * translation->fault set. Checks come in the order of the specification's steps 2 to 9 (version 20240411 and later),
 * which decides the reason where a PTE is wrong in several ways.
 */
enum ns_status ns_page_walk(uint64_t root, uint64_t virtual_address, bool store, enum ns_attribute_scheme scheme,
                            ns_pte_reader read, void *context, struct ns_translation *translation);

/*
 * Building tables. The builder reads and writes PTEs through `read` and `write` (8 bytes, aligned; false when no target
 * answers) and takes table pages from `allocate` (the physical address of a zeroed 4 KiB page; 0 when none is left). It
 * never gives a table page back.
 *
 * Ranges: virtual_address, physical and length are multiples of 4096 and may be empty; the virtual range lies in one
 * canonical half, the physical one below 2^56. type_bits come from ns_pte_encode_type. Otherwise NS_ERROR_ARGUMENT, and
 * nothing changes. NS_ERROR_EXHAUSTED: no table page left. NS_ERROR_ADDRESS: a PTE lies where no target answers.
 * NS_ERROR_PAGE_FAULT: an entry in the way that a walk would refuse as well. After these three, what came before the
 * entry in question has changed already.
 *
 * A superpage in the way of a smaller change is split: 512 leaves one level down that keep its bits, then the pointer.
 * TLBs are the caller's business.
 */
struct ns_page_builder {
    void *context;
    ns_pte_reader read;
    bool (*write)(void *context, uint64_t address, uint64_t pte);
    uint64_t (*allocate)(void *context);
};
/* Maps a range with V, R, W, A, D and type_bits, over whatever was there. With `superpages`, leaves of 2 MiB where both
 * addresses and the rest of the length allow, except where a table for 4 KiB leaves hangs already. */
enum ns_status ns_page_map(const struct ns_page_builder *builder, uint64_t root, uint64_t virtual_address,
                           uint64_t physical, uint64_t length, uint64_t type_bits, bool superpages);
/* Clears bits 63:59 of each 4 KiB leaf of a range, then ORs type_bits (bit 0 too); touches no other bit. Splits each
 * superpage that it meets. NS_ERROR_PAGE_FAULT where the range is not mapped. */
enum ns_status ns_page_set_type(const struct ns_page_builder *builder, uint64_t root, uint64_t virtual_address,
                                uint64_t length, uint64_t type_bits);
/* Clears V, and nothing else, in the leaves of a range; passes over holes. */
enum ns_status ns_page_unmap(const struct ns_page_builder *builder, uint64_t root, uint64_t virtual_address,
                             uint64_t length);

/*
 * A fully associative TLB of one hart. It keeps what the PTE said at fill time until SFENCE.VMA or replacement. FIFO: a
 * free entry first, else the one inserted longest ago. Only `hits` and `misses` are for others to write.
 *
 * It may have two levels. The second is what was said above: every translation that the hart may use. The first holds
 * some of those and decides time alone: its places are taken in turn by the translations that were used and not found
 * in it, as in a micro TLB. What leaves the second leaves the first.
 */
#define NS_TLB_MAX_ENTRIES       2048
#define NS_TLB_MAX_FIRST_ENTRIES 64
#define NS_TLB_BUCKETS           512
struct ns_tlb_entry {
    uint64_t virtual_page; /* virtual address of the first byte of the page */
    uint64_t physical_page;
    uint64_t page_size; /* 0 = entry is empty */
    uint64_t pte;
    bool override_pma;
    enum ns_memory_type type;
    uint64_t age;        /* entries inserted before it */
    uint16_t older;      /* the one before it by age, ... */
    uint16_t newer;      /* ... and the one after it */
    uint16_t chain;      /* the next of its bucket, or of the free ones */
    uint8_t first_place; /* 1 + its place in the first level; 0: not there */
};
struct ns_tlb {
    unsigned capacity;       /* 1 to NS_TLB_MAX_ENTRIES */
    unsigned first_capacity; /* of the first level, up to NS_TLB_MAX_FIRST_ENTRIES; 0: there is one level */
    unsigned last_hit;       /* tried first */
    bool from_second;        /* the last look-up did not find it in the first of two levels */
    uint64_t hits, misses;   /* lookups since init */
    uint64_t second_hits;    /* of the hits, those of the second level */
    uint64_t inserted;
    uint16_t oldest, newest, free;
    uint16_t sized[3]; /* entries of 4 KiB, 2 MiB and 1 GiB */
    uint16_t bucket[NS_TLB_BUCKETS];
    uint16_t first[NS_TLB_MAX_FIRST_ENTRIES];
    unsigned first_next;
    struct ns_tlb_entry entry[NS_TLB_MAX_ENTRIES];
};
void ns_tlb_init(struct ns_tlb *tlb, unsigned capacity);
/* Two levels; first_capacity is 1 to NS_TLB_MAX_FIRST_ENTRIES. */
void ns_tlb_init_levels(struct ns_tlb *tlb, unsigned first_capacity, unsigned capacity);
/* NULL on a miss. The pointer is valid until the next insert or fence. A store to an entry without D or W misses, so
 * that the walk decides. Where a stale superpage entry and a newer one overlap, either may answer, as the ISA allows.
 */
const struct ns_tlb_entry *ns_tlb_lookup(struct ns_tlb *tlb, uint64_t virtual_address, bool store);
/* `translation` is of a walk of virtual_address that succeeded. Entries that hold virtual_address already give way. */
void ns_tlb_insert(struct ns_tlb *tlb, uint64_t virtual_address, const struct ns_translation *translation);
/* SFENCE.VMA x0 (all) and SFENCE.VMA rs1 (every entry whose page holds the address). */
void ns_tlb_fence_all(struct ns_tlb *tlb);
void ns_tlb_fence_address(struct ns_tlb *tlb, uint64_t virtual_address);

/* Physical memory attributes: regions in ascending, disjoint order; an address in none of them is IO. */
struct ns_pma_region {
    uint64_t start, length; /* bytes; multiples of 4096 */
    enum ns_memory_type type;
};
enum ns_memory_type ns_pma_type(const struct ns_pma_region *regions, size_t count, uint64_t address);
/* The type an access really gets: the page's override, else the region's. */
enum ns_memory_type ns_effective_type(const struct ns_translation *translation, const struct ns_pma_region *regions,
                                      size_t count);

#ifdef __cplusplus
}
#endif
#endif
