/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/swiotlb.h"

#include "pool/say.h"

enum { SEGMENT = NS_SWIOTLB_SEGMENT_SLOTS };
#define SLOT           NS_SWIOTLB_SLOT_SIZE
#define MOST_SLOTS     (UINT64_C(1) << 32)
#define LOW_MEMORY_END UINT64_C(0xffffffff) /* ARCH_LOW_ADDRESS_LIMIT */

/* struct io_tlb_slot */
struct slot {
    uint64_t original; /* what the slot stands for, from `offset` on; all ones: free */
    int32_t rest;      /* bytes from there to the end of the mapping; negative when it ends before `offset` */
    uint16_t list;     /* free slots from here to the next used one, or to the segment's end; 0: used */
    uint16_t offset;   /* where its mapping begins in the first slot */
    bool first;        /* the mapping begins here */
};

struct ns_swiotlb {
    const struct ns_port *port;
    struct ns_frames *frames;
    struct ns_swiotlb_config config;
    struct ns_swiotlb_statistics count;
    uint64_t start;  /* physical */
    uint64_t search; /* io_tlb_index: where the next search begins */
    struct slot slots[];
};

static uint64_t slots_for(uint64_t bytes) {
    return bytes / SLOT + (bytes % SLOT != 0);
}

static bool is_mask(uint64_t value) {
    return (value & (value + 1)) == 0;
}

static bool valid_direction(enum ns_dma_direction direction) {
    return (unsigned)direction < NS_DMA_DIRECTION_COUNT;
}

/* ---- creation -------------------------------------------------------------------------------- */

static uint64_t frames_of(const struct ns_swiotlb *swiotlb) {
    return swiotlb->count.slots * SLOT / NS_FRAME_SIZE;
}

static void release_list(struct ns_swiotlb *swiotlb, uint64_t first, uint64_t count);

enum ns_pool_status ns_swiotlb_create(const struct ns_port *port, struct ns_frames *frames,
                                      const struct ns_swiotlb_config *config, struct ns_swiotlb **swiotlb) {
    uint64_t slots = config->slots == 0 ? NS_SWIOTLB_DEFAULT_SLOTS : config->slots;
    if (slots > MOST_SLOTS || (unsigned)config->version >= NS_SWIOTLB_VERSION_COUNT ||
        (unsigned)config->offsets >= NS_SWIOTLB_OFFSETS_COUNT)
        return NS_POOL_ERROR_ARGUMENT;
    slots = (slots + SEGMENT - 1) / SEGMENT * SEGMENT;
    struct ns_swiotlb *made = port->metadata_allocate(port->context, sizeof *made + slots * sizeof(struct slot));
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->frames = frames;
    made->config = *config;
    made->count.slots = slots;
    const struct ns_frames_request request = {.count = frames_of(made),
                                              .alignment = 1,
                                              .lowest = 0,
                                              .highest = config->highest == 0 ? LOW_MEMORY_END : config->highest,
                                              .zone = NS_POOL_ZONE_NORMAL};
    const enum ns_pool_status status = ns_frames_allocate(frames, &request, &made->start);
    if (status != NS_POOL_OK) {
        ns_say(port, NS_SAY_WARN, "swiotlb_init", "cannot allocate {d} bytes below {x} for the bounce buffer",
               slots * SLOT, request.highest);
        port->metadata_free(port->context, made);
        return status;
    }
    for (uint64_t segment = 0; segment < slots; segment += SEGMENT)
        release_list(made, segment, SEGMENT);
    *swiotlb = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_swiotlb_destroy(struct ns_swiotlb *swiotlb) {
    if (!swiotlb)
        return NS_POOL_OK;
    const struct ns_port *port = swiotlb->port;
    if (swiotlb->count.mappings != 0) {
        port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, swiotlb->start, swiotlb->count.slots * SLOT);
        return NS_POOL_ERROR_BUSY;
    }
    const enum ns_pool_status status = ns_frames_free(swiotlb->frames, swiotlb->start, frames_of(swiotlb));
    port->metadata_free(port->context, swiotlb);
    return status;
}

/* ---- the free list --------------------------------------------------------------------------- */

/* Below a run that ends at `end`, whose first slot then counts `count` free ones: the free slots that touch it in its
 * segment count on. */
static void renumber_below(struct ns_swiotlb *swiotlb, uint64_t end, uint16_t count) {
    for (uint64_t i = end; i % SEGMENT != 0 && swiotlb->slots[i - 1].list != 0; i--)
        swiotlb->slots[i - 1].list = ++count;
}

/* Slots [first, first + count), in one segment, join their free neighbours. */
static void release_list(struct ns_swiotlb *swiotlb, uint64_t first, uint64_t count) {
    uint64_t i = first + count;
    uint16_t free = i % SEGMENT != 0 ? swiotlb->slots[i].list : 0;
    while (i-- > first)
        swiotlb->slots[i] = (struct slot){.original = NS_DMA_MAPPING_ERROR, .list = ++free};
    renumber_below(swiotlb, first, free);
}

static void take_list(struct ns_swiotlb *swiotlb, uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; i++)
        swiotlb->slots[i].list = 0;
    renumber_below(swiotlb, first, 0);
}

/* ---- finding slots --------------------------------------------------------------------------- */

/* What a mapping asks of its place. */
struct wish {
    uint64_t count;      /* slots, 1 or more */
    uint64_t stride;     /* slots from one candidate to the next */
    uint64_t align_mask; /* bits of the bus address above the slot that must be those of the original */
    uint64_t original;   /* physical */
    uint64_t bus_start;  /* of the bounce memory, below the boundary */
    uint64_t boundary;   /* slots from boundary to boundary */
};

static struct wish wish_of(const struct ns_swiotlb *swiotlb, const struct ns_pool_device *device, uint64_t original,
                           uint64_t size, uint64_t offset) {
    const uint64_t boundary = ns_dma_segment_boundary(device);
    const bool aligns = swiotlb->config.offsets != NS_SWIOTLB_OFFSETS_5_10;
    struct wish wish = {.count = size > NS_SWIOTLB_LARGEST ? SEGMENT + 1 : slots_for(size + offset),
                        .align_mask = aligns ? device->min_align_mask & ~(SLOT - 1) : 0,
                        .original = original,
                        .bus_start = ns_physical_to_bus(device, swiotlb->start) & boundary,
                        .boundary = boundary / SLOT + 1};
    wish.stride = wish.align_mask / SLOT + 1;
    if (size >= NS_FRAME_SIZE)
        wish.stride = wish.stride * (NS_FRAME_SIZE / SLOT);
    return wish;
}

/* iommu_is_span_boundary */
static bool crosses_boundary(const struct wish *wish, uint64_t index) {
    const uint64_t place = (slots_for(wish->bus_start) + index) & (wish->boundary - 1);
    return place + wish->count > wish->boundary;
}

/* The kernel's order: from behind the last mapping, around the end, once. All slots when there is none. */
static uint64_t find_slots(const struct ns_swiotlb *swiotlb, const struct wish *wish) {
    const uint64_t slots = swiotlb->count.slots;
    if (wish->count > slots - swiotlb->count.used)
        return slots;
    uint64_t index = (swiotlb->search + wish->stride - 1) / wish->stride * wish->stride;
    for (uint64_t checked = 0; checked < slots;) {
        if (index >= slots)
            index = 0;
        uint64_t step = wish->stride;
        if (((wish->bus_start + index * SLOT) & wish->align_mask) != (wish->original & wish->align_mask))
            step = 1;
        else if (swiotlb->slots[index].list >= wish->count && !crosses_boundary(wish, index))
            return index;
        checked += step;
        index += step;
    }
    return slots;
}

static uint64_t take_slots(struct ns_swiotlb *swiotlb, const struct wish *wish) {
    const struct ns_port *port = swiotlb->port;
    if (port->lock)
        port->lock(port->context, true);
    const uint64_t index = find_slots(swiotlb, wish);
    if (index < swiotlb->count.slots) {
        take_list(swiotlb, index, wish->count);
        swiotlb->search = index + wish->count < swiotlb->count.slots ? index + wish->count : 0;
        swiotlb->count.used += wish->count;
        if (swiotlb->count.used > swiotlb->count.most_used)
            swiotlb->count.most_used = swiotlb->count.used;
    }
    if (port->unlock)
        port->unlock(port->context, true);
    return index;
}

static void free_slots(struct ns_swiotlb *swiotlb, uint64_t first, uint64_t count) {
    const struct ns_port *port = swiotlb->port;
    if (port->lock)
        port->lock(port->context, true);
    release_list(swiotlb, first, count);
    swiotlb->count.used -= count;
    swiotlb->count.mappings--;
    if (port->unlock)
        port->unlock(port->context, true);
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void tell(const struct ns_swiotlb *swiotlb, enum ns_bounce_event what, uint64_t slot, uint64_t original,
                 uint64_t length) {
    if (swiotlb->port->bounce)
        swiotlb->port->bounce(swiotlb->port->context, what, slot, original, length);
}

static struct slot *slot_at(const struct ns_swiotlb *swiotlb, uint64_t address) {
    return (struct slot *)&swiotlb->slots[(address - swiotlb->start) / SLOT];
}

/* Where the kernel of `offsets` believes that the original of a slot address lies; all ones: it refuses to copy. */
static uint64_t believed_original(const struct ns_swiotlb *swiotlb, uint64_t address) {
    const struct slot *slot = slot_at(swiotlb, address);
    const uint64_t inside = (address - swiotlb->start) % SLOT;
    if (swiotlb->config.offsets == NS_SWIOTLB_OFFSETS_5_12)
        return slot->original;
    if (swiotlb->config.offsets == NS_SWIOTLB_OFFSETS_5_15 && inside < slot->offset) {
        ns_say(swiotlb->port, NS_SAY_WARN, "swiotlb_bounce",
               "Access before mapping start detected. orig offset {d}, requested offset {d}", slot->offset, inside);
        return NS_DMA_MAPPING_ERROR;
    }
    return slot->original + inside - slot->offset;
}

/* From a slot address of a live mapping to the mapping's end. */
static uint64_t rest_from(const struct ns_swiotlb *swiotlb, uint64_t address) {
    const struct slot *slot = slot_at(swiotlb, address);
    const int64_t rest = (int64_t)slot->rest + slot->offset - (int64_t)((address - swiotlb->start) % SLOT);
    return rest > 0 ? (uint64_t)rest : 0;
}

static void bounce(struct ns_swiotlb *swiotlb, enum ns_bounce_event way, uint64_t address, uint64_t size) {
    const struct ns_port *port = swiotlb->port;
    const uint64_t rest = rest_from(swiotlb, address);
    if (size > rest) {
        ns_say(port, NS_SAY_WARN, "swiotlb_bounce", "Buffer overflow detected. Allocation size: {d}. Mapping size: {d}",
               rest, size);
        size = rest;
    }
    const uint64_t original = believed_original(swiotlb, address);
    if (original == NS_DMA_MAPPING_ERROR)
        return;
    tell(swiotlb, way, address, original, size);
    const uint64_t of_slot = port->to_virtual(port->context, address);
    const uint64_t of_original = port->to_virtual(port->context, original);
    if (way == NS_BOUNCE_COPY_IN) {
        port->copy(port->context, of_slot, of_original, size);
        swiotlb->count.copied_in += size;
    } else {
        port->copy(port->context, of_original, of_slot, size);
        swiotlb->count.copied_out += size;
    }
}

static bool copies_in_at_map(const struct ns_swiotlb *swiotlb, enum ns_dma_direction direction, unsigned attributes) {
    const enum ns_swiotlb_version version = swiotlb->config.version;
    if (version == NS_SWIOTLB_5_17_AA6F || version == NS_SWIOTLB_5_18)
        return true;
    if (attributes & NS_DMA_SKIP_CPU_SYNC)
        return false;
    return direction != NS_DMA_FROM_DEVICE || (version == NS_SWIOTLB_5_17_RC && !(attributes & NS_DMA_OVERWRITE));
}

/* ---- map and unmap --------------------------------------------------------------------------- */

static bool is_ram(const struct ns_port *port, uint64_t physical) {
    return physical != NS_DMA_MAPPING_ERROR &&
           port->to_physical(port->context, port->to_virtual(port->context, physical)) == physical;
}

static void write_slots(struct ns_swiotlb *swiotlb, uint64_t index, const struct wish *wish, uint64_t size,
                        uint64_t offset) {
    for (uint64_t i = 0; i < wish->count; i++)
        swiotlb->slots[index + i] = (struct slot){.original = wish->original + i * SLOT,
                                                  .rest = (int32_t)((int64_t)size - (int64_t)(i * SLOT)),
                                                  .offset = (uint16_t)offset,
                                                  .first = i == 0};
}

enum ns_pool_status ns_swiotlb_map(struct ns_swiotlb *swiotlb, const struct ns_pool_device *device, uint64_t original,
                                   uint64_t size, enum ns_dma_direction direction, unsigned attributes,
                                   uint64_t *slot) {
    const struct ns_port *port = swiotlb->port;
    *slot = NS_DMA_MAPPING_ERROR;
    if (size == 0 || !valid_direction(direction) || original + (size - 1) < original ||
        !is_mask(device->segment_boundary) || !is_mask(device->min_align_mask) || !is_ram(port, original) ||
        !is_ram(port, original + (size - 1)))
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t offset =
        swiotlb->config.offsets == NS_SWIOTLB_OFFSETS_5_10 ? 0 : original & device->min_align_mask & (SLOT - 1);
    const struct wish wish = wish_of(swiotlb, device, original, size, offset);
    const uint64_t index = take_slots(swiotlb, &wish);
    if (index >= swiotlb->count.slots) {
        swiotlb->count.failures++;
        if (!(attributes & NS_DMA_NO_WARN))
            ns_say(port, NS_SAY_WARN, "swiotlb_tbl_map_single",
                   "swiotlb buffer is full (sz: {d} bytes), used {d} (slots)", size, swiotlb->count.used);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    swiotlb->count.mappings++;
    write_slots(swiotlb, index, &wish, size, offset);
    const uint64_t address = swiotlb->start + index * SLOT + offset;
    tell(swiotlb, NS_BOUNCE_MAPPED, address, original, size);
    if (copies_in_at_map(swiotlb, direction, attributes))
        bounce(swiotlb, NS_BOUNCE_COPY_IN, address, size);
    if (!ns_dma_capable(device, ns_physical_to_bus(device, address), size)) {
        ns_say(port, NS_SAY_WARN, "swiotlb_map", "swiotlb addr {x} overflow (bus limit {x})", address,
               ns_dma_limit(device));
        (void)ns_swiotlb_unmap(swiotlb, address, size, direction, attributes | NS_DMA_SKIP_CPU_SYNC);
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    }
    ns_say(port, NS_SAY_DECISION, "swiotlb_map", "{x} is bounced: slot {x} stands for it", original, address);
    *slot = address;
    return NS_POOL_OK;
}

static bool in_live_mapping(const struct ns_swiotlb *swiotlb, uint64_t address) {
    if (!ns_swiotlb_holds(swiotlb, address) || slot_at(swiotlb, address)->original == NS_DMA_MAPPING_ERROR)
        return false;
    const struct slot *slot = slot_at(swiotlb, address);
    const bool before_it = slot->first && (address - swiotlb->start) % SLOT < slot->offset;
    return !before_it && rest_from(swiotlb, address) != 0;
}

static enum ns_pool_status misused(const struct ns_swiotlb *swiotlb, enum ns_port_misuse what, uint64_t address,
                                   uint64_t length) {
    swiotlb->port->misuse(swiotlb->port->context, what, address, length);
    return NS_POOL_ERROR_MISUSE;
}

enum ns_pool_status ns_swiotlb_unmap(struct ns_swiotlb *swiotlb, uint64_t slot, uint64_t size,
                                     enum ns_dma_direction direction, unsigned attributes) {
    if (size == 0 || !valid_direction(direction))
        return NS_POOL_ERROR_ARGUMENT;
    if (!in_live_mapping(swiotlb, slot) || !slot_at(swiotlb, slot)->first ||
        (slot - swiotlb->start) % SLOT != slot_at(swiotlb, slot)->offset)
        return misused(swiotlb, NS_MISUSE_UNMAP_UNKNOWN, slot, size);
    const struct slot mapped = *slot_at(swiotlb, slot);
    enum ns_pool_status status = NS_POOL_OK;
    const uint64_t mapped_size = (uint64_t)mapped.rest;
    if (size != mapped_size)
        status = misused(swiotlb, NS_MISUSE_UNMAP_SIZE, slot, size);
    if (direction != NS_DMA_TO_DEVICE && !(attributes & NS_DMA_SKIP_CPU_SYNC)) {
        bounce(swiotlb, NS_BOUNCE_COPY_OUT, slot, size);
        if (swiotlb->config.version == NS_SWIOTLB_5_10)
            bounce(swiotlb, NS_BOUNCE_COPY_OUT, slot, size);
    }
    tell(swiotlb, NS_BOUNCE_UNMAPPED, slot, mapped.original, mapped_size);
    free_slots(swiotlb, (slot - swiotlb->start) / SLOT, slots_for(mapped_size + mapped.offset));
    return status;
}

/* ---- sync ------------------------------------------------------------------------------------ */

static enum ns_pool_status check_sync(const struct ns_swiotlb *swiotlb, uint64_t slot, uint64_t size,
                                      enum ns_dma_direction direction) {
    if (size == 0 || !valid_direction(direction))
        return NS_POOL_ERROR_ARGUMENT;
    if (!in_live_mapping(swiotlb, slot))
        return misused(swiotlb, NS_MISUSE_UNMAP_UNKNOWN, slot, size);
    return NS_POOL_OK;
}

enum ns_pool_status ns_swiotlb_sync_for_cpu(struct ns_swiotlb *swiotlb, uint64_t slot, uint64_t size,
                                            enum ns_dma_direction direction) {
    const enum ns_pool_status status = check_sync(swiotlb, slot, size, direction);
    if (status == NS_POOL_OK && direction != NS_DMA_TO_DEVICE)
        bounce(swiotlb, NS_BOUNCE_COPY_OUT, slot, size);
    return status;
}

enum ns_pool_status ns_swiotlb_sync_for_device(struct ns_swiotlb *swiotlb, uint64_t slot, uint64_t size,
                                               enum ns_dma_direction direction) {
    const enum ns_pool_status status = check_sync(swiotlb, slot, size, direction);
    if (status == NS_POOL_OK && (direction != NS_DMA_FROM_DEVICE || swiotlb->config.version == NS_SWIOTLB_5_17_AA6F))
        bounce(swiotlb, NS_BOUNCE_COPY_IN, slot, size);
    return status;
}

/* ---- questions ------------------------------------------------------------------------------- */

bool ns_swiotlb_holds(const struct ns_swiotlb *swiotlb, uint64_t physical) {
    return physical >= swiotlb->start && physical - swiotlb->start < swiotlb->count.slots * SLOT;
}

uint64_t ns_swiotlb_original(const struct ns_swiotlb *swiotlb, uint64_t slot) {
    if (!in_live_mapping(swiotlb, slot))
        return NS_DMA_MAPPING_ERROR;
    const struct slot *held = slot_at(swiotlb, slot);
    return held->original + (slot - swiotlb->start) % SLOT - held->offset;
}

struct ns_swiotlb_statistics ns_swiotlb_get_statistics(const struct ns_swiotlb *swiotlb) {
    return swiotlb->count;
}
