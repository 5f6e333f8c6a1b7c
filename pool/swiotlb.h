/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounce buffers: when a device cannot reach a buffer, a slot of low memory stands for it, and the kernel copies
 * between the two at map, sync and unmap. Source: kernel/dma/swiotlb.c, of the versions that the enumerations below
 * name.
 *
 * Slots are 2 KiB, in segments of 128; a mapping is a run of slots in one segment, so 256 KiB at most. For each slot
 * the address is kept that it stands for, so that a sync of a part finds the right original.
 *
 * This file only copies. Cache maintenance of the slot is the caller's (ns_dma_map and its kin), in the kernel's order:
 * copy in, then clean; invalidate, then copy out. Each mapping and each copy is told to the port (bounce) before it is
 * made, with the exact bytes.
 *
 * No function blocks. "Slot address" is a physical address inside the bounce memory.
 */
#ifndef NS_POOL_SWIOTLB_H
#define NS_POOL_SWIOTLB_H

#include "pool/device.h"
#include "pool/dma_attributes.h"
#include "pool/mapping.h"
#include "pool/zone.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_SWIOTLB_SLOT_SIZE UINT64_C(2048)
enum { NS_SWIOTLB_SEGMENT_SLOTS = 128 };
#define NS_SWIOTLB_LARGEST       (NS_SWIOTLB_SLOT_SIZE * NS_SWIOTLB_SEGMENT_SLOTS)
#define NS_SWIOTLB_DEFAULT_SLOTS (UINT64_C(64) * 1024 * 1024 / NS_SWIOTLB_SLOT_SIZE)

/*
 * When it copies. All versions copy in at map and at sync-for-device, and out at sync-for-cpu and unmap, where the
 * direction has data to carry. They differ for from-device, where nothing need be copied in unless the device writes
 * less than was mapped: then the rest of the slot is copied out too, and unless it was set at map, that is what an
 * earlier user of the slot left there (CVE-2022-0854).
 */
enum ns_swiotlb_version {
    /* 5.10: nothing is copied in for from-device. Unmap copies out twice: dma_direct_sync_single_for_cpu does, and
     * swiotlb_tbl_unmap_single again. */
    NS_SWIOTLB_5_10,
    /* 5.17-rc6, ddbd89deb7d3: copies in at map unless NS_DMA_OVERWRITE says that the device will write everything. */
    NS_SWIOTLB_5_17_RC,
    /* 5.17-rc8, aa6f8dcbab47: copies in at every map and also at every sync-for-device, and ignores the hint. This
     * overwrote what a device had received already (ath9k), and was taken back (bddac7c1e02b). */
    NS_SWIOTLB_5_17_AA6F,
    /* 5.18, 901c7280ca0d: copies in at every map; sync-for-device as in 5.10. */
    NS_SWIOTLB_5_18,
};
enum { NS_SWIOTLB_VERSION_COUNT = 4 };

/* Where a mapping lies in its slots, and which original a slot address inside a mapping stands for. */
enum ns_swiotlb_offsets {
    /* 5.10: a mapping begins at the beginning of a slot, whatever the original's low bits are. */
    NS_SWIOTLB_OFFSETS_5_10,
    /* 5.12, 1f221a0d0dbf and 16fc3cef33a0: the device's min_align_mask is respected, so that a mapping may begin inside
     * a slot; a sync copies from or to the original of the slot's beginning, and where it began inside the slot is
     * forgotten. */
    NS_SWIOTLB_OFFSETS_5_12,
    /* 5.15, 5f89468e2f06 and 868c9ddc182b: repaired, but a sync that begins in a second or later slot nearer to its
     * beginning than the mapping does to that of the first is taken for one that begins before the mapping, and copies
     * nothing. (5f89468e2f06 alone, 5.13, is right here.) */
    NS_SWIOTLB_OFFSETS_5_15,
    /* 6.9, e8068f2d756d: right. */
    NS_SWIOTLB_OFFSETS_6_9,
};
enum { NS_SWIOTLB_OFFSETS_COUNT = 4 };

struct ns_swiotlb_config {
    uint64_t slots;   /* rounded up to whole segments; 0: NS_SWIOTLB_DEFAULT_SLOTS */
    uint64_t highest; /* physical address of the last byte that may be used, inclusive; 0: 4 GiB - 1 */
    enum ns_swiotlb_version version;
    enum ns_swiotlb_offsets offsets;
};

struct ns_swiotlb_statistics {
    uint64_t slots;      /* in all */
    uint64_t used;       /* now */
    uint64_t most_used;  /* at one time since the creation (debugfs io_tlb_used_hiwater) */
    uint64_t mappings;   /* live */
    uint64_t failures;   /* maps that found no room */
    uint64_t copied_in;  /* bytes from originals to slots */
    uint64_t copied_out; /* bytes from slots to originals */
};

struct ns_swiotlb;

/* Takes its memory from `frames`, as the boot allocator's memblock_alloc_low does; the content is what it was. The port
 * and the frames must outlive it. ARGUMENT, EXHAUSTED, METADATA; nothing is kept then. */
enum ns_pool_status ns_swiotlb_create(const struct ns_port *port, struct ns_frames *frames,
                                      const struct ns_swiotlb_config *config, struct ns_swiotlb **swiotlb);

/* BUSY and misuse DESTROY_BUSY while mappings are live; nothing is freed then. NULL is OK. */
enum ns_pool_status ns_swiotlb_destroy(struct ns_swiotlb *swiotlb);

/*
 * Finds slots for `size` bytes (1 or more) at physical address `original`, RAM with a linear mapping, and copies in as
 * the version does. *slot is the slot address of the first byte; on an error it is NS_DMA_MAPPING_ERROR.
 * Attributes that count: NS_DMA_SKIP_CPU_SYNC (not since aa6f8dcbab47), NS_DMA_OVERWRITE, NS_DMA_NO_WARN.
 * The search goes on behind the last mapping; it keeps page-sized mappings page-aligned in the bounce memory, never
 * crosses the device's segment boundary, and (offsets 5_12 on) keeps the bits of min_align_mask.
 * ARGUMENT: also a boundary or alignment mask that is not 2^n - 1. EXHAUSTED: no run of slots, or larger than a segment
 * takes; says "swiotlb buffer is full". NOT_ADDRESSABLE: the device does not reach the slot either; nothing is kept
 * (the kernel's swiotlb_map copies first and finds out then, so the copy is made).
 */
enum ns_pool_status ns_swiotlb_map(struct ns_swiotlb *swiotlb, const struct ns_pool_device *device, uint64_t original,
                                   uint64_t size, enum ns_dma_direction direction, unsigned attributes, uint64_t *slot);

/* Does a physical address lie in the bounce memory (is_swiotlb_buffer)? True also for slots that are free. */
bool ns_swiotlb_holds(const struct ns_swiotlb *swiotlb, uint64_t physical);

/* The original that a slot address of a live mapping stands for, whatever the config's `offsets`; all ones where there
 * is none. For reports. */
uint64_t ns_swiotlb_original(const struct ns_swiotlb *swiotlb, uint64_t slot);

/*
 * Copy a part of a live mapping, from any slot address in it on, as version, offsets and direction have it. A range
 * that runs out of its mapping is cut, with the kernel's warning (868c9ddc182b; before, it ran on into the neighbour's
 * slots, which this does not do).
 * MISUSE, with nothing copied: UNMAP_UNKNOWN, `slot` lies in no live mapping. ARGUMENT: size 0, no such direction.
 */
enum ns_pool_status ns_swiotlb_sync_for_cpu(struct ns_swiotlb *swiotlb, uint64_t slot, uint64_t size,
                                            enum ns_dma_direction direction);
enum ns_pool_status ns_swiotlb_sync_for_device(struct ns_swiotlb *swiotlb, uint64_t slot, uint64_t size,
                                               enum ns_dma_direction direction);

/*
 * Copies out as direction and attributes (NS_DMA_SKIP_CPU_SYNC) have it and frees the slots. This is all of the
 * kernel's unmap behind its cache maintenance: no sync-for-cpu is needed before.
 * MISUSE: UNMAP_UNKNOWN, no live mapping begins at `slot` (nothing is done); UNMAP_SIZE, it has another size (then at
 * most the mapped bytes are copied, and all its slots are freed, as since 5.14; 5.10 frees as many as the caller says).
 */
enum ns_pool_status ns_swiotlb_unmap(struct ns_swiotlb *swiotlb, uint64_t slot, uint64_t size,
                                     enum ns_dma_direction direction, unsigned attributes);

struct ns_swiotlb_statistics ns_swiotlb_get_statistics(const struct ns_swiotlb *swiotlb);

#ifdef __cplusplus
}
#endif
#endif
