/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own checker of the DMA API, CONFIG_DMA_API_DEBUG: all of its 26 checks, as they are, with what they miss
 * and what they report by mistake. It is here so that the same driver can be shown to it and to this project's hazards.
 * Source: kernel/dma/debug.c of Linux 5.10 and of 7.x (2026), the calls to it in kernel/dma/mapping.c.
 *
 * It keeps one entry for each mapping and each coherent allocation, found by (device, bus address), and compares what a
 * later call says with it. It never looks at data, and never changes the outcome of a call: all hooks return nothing.
 * The mapping code calls the hooks where kernel/dma/mapping.c does. Every hook may be called with NULL for `debug` (the
 * kernel built without it: nothing happens), from any context, and does not block.
 *
 * WHAT IT DOES NOT SEE, and which hazard of this project does:
 *   - Only the FIRST cache line of a mapping is in the tree of active lines (checks 23, 24). Sharing of the last line
 *     with other data or with another mapping, and a mapping inside another: LS-ALIGN, LS-INVAL-NEIGHBOUR,
 *     LS-WB-NEIGHBOUR, LS-DESC-SHARE; OW-DOUBLE-MAP.
 *   - To-device mappings are never in the tree, so one that overlaps a from-device mapping: OW-DOUBLE-MAP.
 *   - A CPU access to a mapped buffer: OW-CPU-ACCESS. Of a freed one: OW-UAF.
 *   - A sync that is missing, too early, or does the wrong cache operation: DC-CLEAN-MISSING, DC-INVAL-MISSING,
 *     DC-REFETCH, DC-EVICT-OVER-DMA, DC-EARLY-SYNC, DC-WRONG-OP, DC-WRONG-RANGE.
 *   - Memory of a device's own coherent pool (dma_alloc_from_dev_coherent returns before the hook), and coherent memory
 *     without a kernel address (NS_DMA_NO_KERNEL_MAPPING): misuse reports of the allocators; OW-UAF.
 *   - A leak before the driver is released (check 22): the allocators' live counts; PL-EXHAUSTED when it bites.
 *   - Anything once it ran out of memory (check 25): it switches itself off, with one line in the log.
 *   - Which of two live mappings at one bus address is meant, when a call fits neither in all of size, type, direction
 *     and sg entry count: it then takes NONE. A wrong unmap is called check 2, whatever was wrong, and its entry stays;
 *     a sync of a part is called check 14: OW-UNMAP-MISMATCH, OW-DOUBLE-MAP.
 *   - dma_sync_sg_* of a list that was never mapped: it looks for the number of mapped entries first, finds none, and
 *     returns without a word: OW-CPU-ACCESS, DC-*.
 *   - With num_errors 1, checks 13, 17 and 18: 13 comes after 12 always, 17 and 18 after 16.
 *   - Which stack: only that of the task that maps. Only the first byte's page is looked at.
 *
 * WHAT IT REPORTS BY MISTAKE:
 *   - 7.x, check 24: overlap of mappings on hardware that is coherent. 7.x has exceptions: NS_DMA_SKIP_CPU_SYNC on the
 *     new mapping; both mappings IGNORE_CACHELINES or REQUIRE_COHERENT; dma_get_cache_alignment() below the line size;
 *     bouncing of unaligned kmalloc memory.
 *   - 5.10, check 8 at every dma_free_pages: nothing asks dma_alloc_pages' address for an error (repaired in 6.17).
 *   - 5.10, check 14 for a sync that begins too far behind the start of its mapping: the search goes back through
 *     max_segment_size / 8192 buckets of 8192 bytes (65536 bytes unless the driver sets it), not to the mapping's
 * start.
 *   - 7.x, check 14 for a sync of an address that is mapped twice, even with the right size: syncs still say "single"
 *     where maps say "phy", so no fit is perfect.
 *   - 5.10, check 22 after a dma_map_resource that failed: its hook keeps an entry without a look at the address.
 */
#ifndef NS_POOL_DMA_DEBUG_H
#define NS_POOL_DMA_DEBUG_H

#include "pool/device.h"
#include "pool/dma_attributes.h"
#include "pool/mapping.h"
#include "pool/port.h"
#include "pool/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { NS_DMA_DEBUG_CHECKS = 26 };

/* One row of the table of checks. */
struct ns_dma_debug_check_text {
    unsigned number;   /* 1 to 26 */
    const char *key;   /* "free-unknown": lower case, stable, for options and documents */
    const char *says;  /* what it says, in our words, without a full stop: the text that the port is given */
    const char *where; /* which calls can make it */
    const char *since; /* kernel versions, and where they differ */
};

/* NULL for a number outside 1 to NS_DMA_DEBUG_CHECKS. Static storage. */
const struct ns_dma_debug_check_text *ns_dma_debug_check(unsigned number);

enum ns_dma_debug_version {
    NS_DMA_DEBUG_5_10, /* entry types single, sg, coherent, resource */
    NS_DMA_DEBUG_7,    /* 7.x: phy, sg, coherent, noncoherent; checks 9, 24 and 26; 20 and 21 always on */
};

/* What an entry was made by. */
enum ns_dma_debug_type {
    NS_DMA_DEBUG_SINGLE, /* 5.10: dma_map_single, dma_map_page; in 7.x only what a sync calls itself */
    NS_DMA_DEBUG_SG,
    NS_DMA_DEBUG_COHERENT,
    NS_DMA_DEBUG_RESOURCE,    /* 5.10 */
    NS_DMA_DEBUG_NONCOHERENT, /* 7.x: dma_alloc_pages */
    NS_DMA_DEBUG_PHY,         /* 7.x: dma_map_phys, so dma_map_single, dma_map_page and dma_map_resource */
};
/* "single", "scatter-gather", ...; never NULL. */
const char *ns_dma_debug_type_text(enum ns_dma_debug_type type);

/* Whether the driver called dma_mapping_error(). */
enum ns_dma_debug_map_error {
    NS_DMA_DEBUG_NOT_APPLICABLE, /* nothing to ask: sg, coherent, noncoherent */
    NS_DMA_DEBUG_NOT_CHECKED,
    NS_DMA_DEBUG_CHECKED,
};

/*
 * What kind of memory an address is: the port cannot tell. Virtual addresses, as the running CPU uses them.
 * The kernel compares the LINEAR address of what is mapped with its text and rodata; when the kernel image lies outside
 * of the linear mapping, its check 11 can never fire. A caller who wants it to gives the linear address of the image.
 */
enum ns_debug_area_kind {
    NS_DEBUG_AREA_STACK,    /* stack of the running task, in the linear mapping or remapped page by page; check 10 */
    NS_DEBUG_AREA_TEXT,     /* kernel text or rodata; check 11 */
    NS_DEBUG_AREA_INVALID,  /* not memory in the linear mapping (!virt_addr_valid); check 12 */
    NS_DEBUG_AREA_VMALLOC,  /* checks 12 and 13: an address in it is not valid either */
    NS_DEBUG_AREA_RESERVED, /* linear address of RAM that firmware keeps: check 26 allows it */
};
enum { NS_DEBUG_AREA_KINDS = 5, NS_DEBUG_STACK_MAX = 1 << 20 };
struct ns_debug_area {
    uint64_t start;
    uint64_t length; /* bytes, 1 or more, without wrap; a stack at most NS_DEBUG_STACK_MAX */
    enum ns_debug_area_kind kind;
};

enum { NS_DMA_DEBUG_DRIVER_NAME = 64 }; /* longest driver filter, with its end */

struct ns_dma_debug_config {
    enum ns_dma_debug_version version;
    /* Entries, 0: 4096. The kernel begins with 65536 (dma_debug_entries=) and takes a page more each time that they are
     * used up, until an atomic allocation fails; this number stands for all of it. Check 25 is when it is reached. */
    size_t entries;
    size_t cachelines;        /* lines in the tree of active lines, 0: as entries. Check 25 when it is reached */
    uint32_t line_size;       /* L1_CACHE_BYTES: a power of two, 4 to 4096 */
    uint32_t cache_alignment; /* dma_get_cache_alignment(); 0: line_size. 1 where all devices are coherent */
    bool segments;            /* CONFIG_DMA_API_DEBUG_SG: checks 20 and 21 in 5.10 (7.x: always) */
    bool bounces_kmalloc;     /* CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC, and there is a bounce buffer */
    bool all_errors;          /* show every error */
    uint32_t num_errors;      /* else show so many, then none; the kernel's default is 1 */
    const char *driver;       /* dma_debug_driver=: show only errors of its devices; NULL or "": of all. Copied */
    const struct ns_debug_area *areas; /* owned by the caller, for as long as it is in use; may be NULL */
    size_t area_count;
};

/* The kernel's defaults for a version: 64-byte lines, one error shown, no filter, no areas, no segment checks. */
struct ns_dma_debug_config ns_dma_debug_defaults(enum ns_dma_debug_version version);

struct ns_dma_debug;

/* ARGUMENT for a config out of its ranges; METADATA. All memory is taken here. May block. The port outlives it. */
enum ns_pool_status ns_dma_debug_create(const struct ns_port *port, const struct ns_dma_debug_config *config,
                                        struct ns_dma_debug **debug);
/* With entries live or not: it owns nothing of the drivers'. NULL is fine. */
void ns_dma_debug_destroy(struct ns_dma_debug *debug);

/* Other areas from now on, for instance the stack of another task. ARGUMENT: as in create; the old ones stay. */
enum ns_pool_status ns_dma_debug_set_areas(struct ns_dma_debug *debug, const struct ns_debug_area *areas, size_t count);
/* The files all_errors, num_errors and driver_filter of debugfs. The filter is the first word of `name`; NULL, and what
 * does not begin with a letter or a digit, switches it off. */
void ns_dma_debug_set_errors(struct ns_dma_debug *debug, bool all_errors, uint32_t num_errors);
void ns_dma_debug_set_filter(struct ns_dma_debug *debug, const char *name);

/* ---- what it knows --------------------------------------------------------------------------- */

struct ns_dma_debug_entry {
    const struct ns_pool_device *device;
    enum ns_dma_debug_type type;
    uint64_t physical;
    uint64_t bus;
    uint64_t size; /* bytes */
    enum ns_dma_direction direction;
    size_t sg_call_entries;   /* what the driver gave to dma_map_sg; 0: not an sg entry */
    size_t sg_mapped_entries; /* what dma_map_sg returned */
    unsigned attributes;      /* 5.10: 0, it does not keep them */
    enum ns_dma_debug_map_error map_error;
};

/* The files of debugfs. */
struct ns_dma_debug_counters {
    uint32_t error_count; /* all errors of err_printk, shown or not: not checks 23 and 25 */
    uint32_t num_errors;  /* how many more will be shown. Errors that the driver filter hides count down, too */
    size_t total_entries;
    size_t free_entries;
    size_t min_free_entries; /* the least there ever were */
    bool disabled;           /* check 25 happened: no hook does anything any more */
};
struct ns_dma_debug_counters ns_dma_debug_get_counters(const struct ns_dma_debug *debug);

/* The last report that was made, shown or not; .check is 0 when there was none. In port->dma_debug it is this one. */
struct ns_dma_debug_report {
    unsigned check;
    bool shown;
    const struct ns_pool_device *device;
    uint64_t address; /* bus address; for checks 10 to 13 virtual, 26 physical, 23 the line's, 25: 0 */
    uint64_t length;  /* bytes as the caller said; 22: of the example */
    bool has_entry;   /* the entry that the call was compared with, as it was then */
    struct ns_dma_debug_entry entry;
    struct ns_dma_debug_entry said; /* what the call said; fields that it has not are 0 */
    size_t count;                   /* 22: entries left; 6 and 19: the entry count of the call; else 0 */
};
struct ns_dma_debug_report ns_dma_debug_last_report(const struct ns_dma_debug *debug);

/* The live entries one after the other, in no particular order: *position is 0 before the first call and moves on;
 * false behind the last. As debug_dma_dump_mappings and the file dump of debugfs. */
bool ns_dma_debug_next_entry(const struct ns_dma_debug *debug, size_t *position, struct ns_dma_debug_entry *entry);

/*
 * ---- hooks ------------------------------------------------------------------------------------
 * Named after the kernel's debug_dma_*. `size` is in bytes, whatever it is. Addresses and sizes that make no sense are
 * compared as the kernel would compare them, with sums that wrap.
 */

/* Before the map, on the caller's virtual address: checks 12 and 13. In both versions dma_map_single() itself refuses a
 * vmalloc address before it comes here, so that a driver never sees check 13. */
void ns_debug_dma_map_single(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t virtual_address,
                             uint64_t size);
/* After the map, with its result; an error makes no entry. debug_dma_map_page, in 7.x debug_dma_map_phys. Checks 10,
 * 11, 23, 24, 25; 7.x with NS_DMA_MMIO: 26. */
void ns_debug_dma_map_page(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                           uint64_t size, enum ns_dma_direction direction, uint64_t bus, unsigned attributes);
/* From dma_mapping_error(): the first entry at the address that is not marked is marked, for check 8. */
void ns_debug_dma_mapping_error(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus);
/* After the unmap: checks 1 to 9. */
void ns_debug_dma_unmap_page(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                             uint64_t size, enum ns_dma_direction direction, unsigned attributes);

/* One element of a scatterlist. */
struct ns_debug_segment {
    uint64_t physical; /* sg_phys */
    uint64_t length;   /* bytes, as the driver filled it in */
    uint64_t bus;      /* sg_dma_address, for elements that the map left one for */
    uint64_t bus_length;
};
/* A scatterlist in whatever form its owner has it. */
struct ns_debug_list {
    const void *list;
    size_t count;                                                       /* elements that it has */
    struct ns_debug_segment (*segment)(const void *list, size_t index); /* index < count */
};
/* One that is an array already; it must outlive the list. */
struct ns_debug_list ns_debug_list_of(const struct ns_debug_segment *segments, size_t count);

/* After the map of the whole list, `mapped` is its result: the first so many elements have bus addresses (more than the
 * list has: all); 0 is a failed map. Checks 10, 11, 20, 21, 23 to 25. */
void ns_debug_dma_map_sg(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                         const struct ns_debug_list *list, size_t mapped, enum ns_dma_direction direction,
                         unsigned attributes);
/* BEFORE the unmap (unlike unmap_page). `entries` as the driver says; elements that the list has not are left out.
 * Checks 1 to 9. */
void ns_debug_dma_unmap_sg(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                           const struct ns_debug_list *list, size_t entries, enum ns_dma_direction direction,
                           unsigned attributes);

/* After the allocation; not for the device's own coherent pool. A NULL (0) or unmapped address, and
 * NS_DMA_NO_KERNEL_MAPPING, make no entry. */
void ns_debug_dma_alloc_coherent(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t size,
                                 uint64_t bus, uint64_t virtual_address, unsigned attributes);
/* Before the free, while the virtual address still translates. */
void ns_debug_dma_free_coherent(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t size,
                                uint64_t virtual_address, uint64_t bus, unsigned attributes);

/* dma_alloc_pages (after) and dma_free_pages (before), with the size rounded up to pages. 5.10 has no hook of its own
 * for them and uses those of map_page, hence its check 8 at every free. */
void ns_debug_dma_alloc_pages(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                              uint64_t size, enum ns_dma_direction direction, uint64_t bus);
void ns_debug_dma_free_pages(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                             uint64_t size, enum ns_dma_direction direction, uint64_t bus);

/* After map and unmap. 5.10: called with every result, an error too; RAM was refused before, in dma_map_resource, with
 * a warning there (check 26 is 7.x). 7.x: map_page and unmap_page with NS_DMA_MMIO. */
void ns_debug_dma_map_resource(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t physical,
                               uint64_t size, enum ns_dma_direction direction, uint64_t bus, unsigned attributes);
void ns_debug_dma_unmap_resource(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                                 uint64_t size, enum ns_dma_direction direction, unsigned attributes);

/*
 * After the sync. Checks 14 to 18. The entry must contain all of [bus, bus + size), so that a sync that is too long is
 * check 14, not 15; 15 is left for sums that wrap, as with a length that went below zero.
 */
void ns_debug_dma_sync_single_for_cpu(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                                      uint64_t size, enum ns_dma_direction direction);
void ns_debug_dma_sync_single_for_device(struct ns_dma_debug *debug, const struct ns_pool_device *device, uint64_t bus,
                                         uint64_t size, enum ns_dma_direction direction);
/* And 19. Silent when no entry begins at the first element's address. */
void ns_debug_dma_sync_sg_for_cpu(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                                  const struct ns_debug_list *list, size_t entries, enum ns_dma_direction direction);
void ns_debug_dma_sync_sg_for_device(struct ns_dma_debug *debug, const struct ns_pool_device *device,
                                     const struct ns_debug_list *list, size_t entries, enum ns_dma_direction direction);

/* BUS_NOTIFY_UNBOUND_DRIVER: check 22, once, with the number of entries left and one of them. They stay. */
void ns_debug_dma_driver_released(struct ns_dma_debug *debug, const struct ns_pool_device *device);

#ifdef __cplusplus
}
#endif
#endif
