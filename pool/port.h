/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the allocators need from below. The simulated machine implements it, and so can a board-support package:
 * the pool is freestanding C and includes no other header of the project.
 *
 * Addresses: `virtual` is what the running CPU loads and stores through, `physical` is what memory sees, `bus` is what
 * a DMA master puts on the bus. All are 64 bits wide. Every function may be called from the context in which the pool
 * was called (it may take simulated time).
 */
#ifndef NS_POOL_PORT_H
#define NS_POOL_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ns_port_cache_op { NS_PORT_CLEAN, NS_PORT_INVALIDATE, NS_PORT_FLUSH };

/* Clean or invalidate of the L1 only, to the point of coherency (the T-Head cval1/cva difference), or of an outer cache
 * only, which has operations of its own (Arm PL310). */
enum ns_port_scope { NS_PORT_SCOPE_L1, NS_PORT_SCOPE_POC, NS_PORT_SCOPE_OUTER };

enum ns_port_type { NS_PORT_CACHEABLE, NS_PORT_NC, NS_PORT_IO };

/* What the caller of a pool function did wrong. The pool tells the port and then returns an error value; it never stops
 * the program. */
enum ns_port_misuse {
    NS_MISUSE_DOUBLE_FREE,      /* freed memory that is already free */
    NS_MISUSE_FOREIGN_FREE,     /* freed memory that this allocator never handed out */
    NS_MISUSE_DESTROY_BUSY,     /* destroyed a pool with blocks in use */
    NS_MISUSE_UNMAP_UNKNOWN,    /* unmap or sync of an address that is not mapped */
    NS_MISUSE_UNMAP_SIZE,       /* unmap with another size than the map's */
    NS_MISUSE_UNMAP_DIRECTION,  /* unmap or sync with another direction than the map's */
    NS_MISUSE_UNMAP_DEVICE,     /* unmap or sync for another device than the map's */
    NS_MISUSE_SYNC_RANGE,       /* sync outside of the mapped range */
    NS_MISUSE_MAP_OVERLAP,      /* a cache line of the new mapping is in a live one too, not both to-device */
    NS_MISUSE_FREE_MAPPED,      /* memory freed while a device still has it mapped */
    NS_MISUSE_LINK_OVERWRITTEN, /* something wrote into a free block: the free-list link in it is not the pool's */
    NS_MISUSE_FREE_SIZE,        /* freed with another size than it was allocated with */
    NS_MISUSE_FREE_HANDLE,      /* freed with a handle, or a virtual address, of other memory */
    NS_MISUSE_FREE_FUNCTION,    /* freed or unmapped by a function of another family than it came from */
    NS_MISUSE_LEAKED,           /* still allocated or mapped when its driver was released */
    NS_MISUSE_ERROR_UNCHECKED,  /* the handle of a map was used without a look at dma_mapping_error() */
    NS_MISUSE_MAP_SOURCE,       /* mapped memory that must not be: a stack, the kernel's own text, vmalloc space */
    NS_MISUSE_SEGMENT,          /* a scatterlist segment longer than the device takes, or over its boundary */
    NS_MISUSE_DEADLOCK,         /* a lock was taken again on the hart that holds it */
    NS_MISUSE_POOL_CORRUPT,     /* an allocator's own book-keeping contradicts itself: blocks lost or with two owners */
    NS_MISUSE_FREED_WRITTEN,    /* a free block, or the guard behind a block, does not hold its pattern any more */
};
enum { NS_MISUSE_COUNT = NS_MISUSE_FREED_WRITTEN + 1 };

/* What the allocators say on their way: why a path was taken, and the lines that the kernel would print. */
enum ns_port_voice {
    NS_SAY_DECISION, /* a decision and its reason; for `--explain-alloc` */
    NS_SAY_INFO,     /* pr_info, dev_dbg */
    NS_SAY_WARN,     /* pr_err, dev_err, WARN */
    NS_SAY_BUG,      /* BUG, panic: the kernel would stop here; the function returns an error value instead */
};

/* What happens to a bounce slot (struct ns_port.bounce). */
enum ns_bounce_event {
    NS_BOUNCE_MAPPED,   /* the slot stands for the original from here on */
    NS_BOUNCE_COPY_IN,  /* original to slot, before the copy */
    NS_BOUNCE_COPY_OUT, /* slot to original, before the copy */
    NS_BOUNCE_UNMAPPED, /* the slot is free again */
};

struct ns_port {
    void *context;
    /* Loads and stores of the running CPU, through its translation and its caches. size: 1, 2, 4 or 8, naturally
     * aligned; little-endian value. */
    uint64_t (*load)(void *context, uint64_t virtual_address, unsigned size);
    void (*store)(void *context, uint64_t virtual_address, unsigned size, uint64_t value);
    /* memset and memcpy through the same path; length may be 0. */
    void (*fill)(void *context, uint64_t virtual_address, uint64_t length, uint8_t value);
    void (*copy)(void *context, uint64_t to, uint64_t from, uint64_t length);
    /* Cache maintenance of a virtual range with the platform's own rounding; complete only after barrier(). */
    void (*maintain)(void *context, enum ns_port_cache_op op, enum ns_port_scope scope, uint64_t virtual_address,
                     uint64_t length);
    /* Waits until earlier stores and maintenance are complete at the point of coherency. */
    void (*barrier)(void *context);
    /* The linear (cacheable) mapping of RAM. to_physical works for any mapped address, remapped ones too; all-ones when
     * unmapped. */
    uint64_t (*to_virtual)(void *context, uint64_t physical_address);
    uint64_t (*to_physical)(void *context, uint64_t virtual_address);
    /*
     * Kernel page tables. Addresses and lengths are multiples of 4096. reserve_virtual gives a range of kernel
     * addresses without a PTE (vmalloc space), 0 when there is no room; release_virtual gives the whole range back.
     * get_pte: the leaf that translates an address now; 0 when none does. set_pte stores one leaf, through the running
     * CPU's caches: an Sv39 leaf for a 4 KiB page (PPN, V R W A D, memory-type bits), or 0 to clear; where a superpage
     * covers the address, it is split. False: no memory for a table. flush_tlb: SFENCE.VMA on every hart.
     * pte_type_bits: what this kernel ORs into a leaf for a memory type, by the encoding that it was built for.
     */
    uint64_t (*reserve_virtual)(void *context, uint64_t length);
    void (*release_virtual)(void *context, uint64_t virtual_address, uint64_t length);
    uint64_t (*get_pte)(void *context, uint64_t virtual_address);
    bool (*set_pte)(void *context, uint64_t virtual_address, uint64_t pte);
    void (*flush_tlb)(void *context, uint64_t virtual_address, uint64_t length);
    uint64_t (*pte_type_bits)(void *context, enum ns_port_type type);
    /* Book-keeping memory of the pool itself, not visible to devices: 16-byte aligned, zeroed; NULL when exhausted. */
    void *(*metadata_allocate)(void *context, size_t size);
    void (*metadata_free)(void *context, void *memory);
    /* Told before the error is returned. `address` is the one the caller passed, `length` what it concerns (0:
     * unknown). */
    void (*misuse)(void *context, enum ns_port_misuse what, uint64_t address, uint64_t length);

    /* ---- from here on every function may be NULL ---- */

    /* `function` names who speaks, as the kernel calls it. `text` is one line without a full stop; {x} in it stands for
     * the next value in hexadecimal, {d} for the next in decimal, at most two in all. Both are static strings. */
    void (*say)(void *context, enum ns_port_voice voice, const char *function, const char *text, uint64_t first,
                uint64_t second);
    /* A check of the DMA-API debugging fired: its number (1 to 26, dma_debug.h) and what it says. */
    void (*dma_debug)(void *context, unsigned check, const char *text, uint64_t address, uint64_t length);
    /* Bytes [slot, slot + length) of a bounce buffer stand for [original, original + length); physical addresses. */
    void (*bounce)(void *context, enum ns_bounce_event what, uint64_t slot, uint64_t original, uint64_t length);
    /* A spin lock is taken or given back. With irqs_off an interrupt handler cannot run meanwhile; without, one may,
     * and may call into the same allocator. */
    void (*lock)(void *context, bool irqs_off);
    void (*unlock)(void *context, bool irqs_off);
};

#ifdef __cplusplus
}
#endif
#endif
