/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/bitmap.h"
#include "pool/kmalloc_internal.h"
#include "pool/pages.h"
#include "pool/say.h"

enum { GROUP_HEADER = 16, GROUP_SIZE = 0, GROUP_NEXT = 8 };

struct ns_kmalloc_options ns_kmalloc_gnu_mach(unsigned reserve_chunks) {
    return (struct ns_kmalloc_options){.reserve_chunks = reserve_chunks,
                                       .ignore_flags = true,
                                       .size_in_16_bits = true,
                                       .count_order_plus_one = true,
                                       .coalesce_on_failure_only = true};
}

/* ---- geometry -------------------------------------------------------------------------------- */

/* A block header is one granule, and so is the alignment of payloads. */
static unsigned granule(const struct ns_kmalloc *kmalloc) {
    return kmalloc->options.size_in_16_bits ? 4 : 8;
}

static uint64_t first_block(const struct ns_kmalloc *kmalloc) {
    return GROUP_HEADER / granule(kmalloc);
}

static uint64_t header_address(const struct ns_kmalloc *kmalloc, const struct ns_kmalloc_group *group, uint64_t block) {
    return group->virtual_address + block * granule(kmalloc);
}

/* Where the next block begins, or the group ends. */
static uint64_t block_end(const struct ns_kmalloc_group *group, uint64_t block) {
    return ns_bitmap_find(group->begins, block + 1, group->granules, true);
}

/* The block in front; `block` itself when it is the first. */
static uint64_t block_before(const struct ns_kmalloc *kmalloc, const struct ns_kmalloc_group *group, uint64_t block) {
    uint64_t place = block;
    while (place > first_block(kmalloc)) {
        if (place % 64 == 0 && place > 64 && group->begins[place / 64 - 1] == 0) {
            place -= 64;
            continue;
        }
        place--;
        if (ns_bitmap_test(group->begins, place))
            return place;
    }
    return block;
}

/* Payload granules of a request that is not too large. */
static uint64_t wanted_granules(const struct ns_kmalloc *kmalloc, uint64_t size) {
    const uint64_t bytes = size < NS_KMALLOC_SIZE_MIN ? NS_KMALLOC_SIZE_MIN : size;
    return (bytes + granule(kmalloc) - 1) / granule(kmalloc);
}

uint64_t ns_kmalloc_size_max(const struct ns_kmalloc *kmalloc) {
    const bool one_chunk = kmalloc->options.reserve_chunks != 0 || kmalloc->options.size_in_16_bits;
    const uint64_t group = one_chunk ? NS_KMALLOC_CHUNK_SIZE : NS_FRAME_SIZE << NS_MAX_ORDER;
    return group - GROUP_HEADER - granule(kmalloc);
}

/* ---- headers in the simulated memory --------------------------------------------------------- */

static void lock(const struct ns_kmalloc *kmalloc) {
    if (kmalloc->port->lock)
        kmalloc->port->lock(kmalloc->port->context, true);
}

static void unlock(const struct ns_kmalloc *kmalloc) {
    if (kmalloc->port->unlock)
        kmalloc->port->unlock(kmalloc->port->context, true);
}

static void store_header(const struct ns_kmalloc *kmalloc, const struct ns_kmalloc_group *group, uint64_t block) {
    const struct ns_port *port = kmalloc->port;
    const unsigned field = granule(kmalloc) / 2;
    const uint64_t address = header_address(kmalloc, group, block);
    const uint64_t bytes = (block_end(group, block) - block - 1) * granule(kmalloc);
    port->store(port->context, address, field, ns_bitmap_test(group->used, block) ? 0 : 1);
    port->store(port->context, address + field, field, bytes);
}

/* False, told and repaired, when the header is not what the books say. */
static bool check_header(const struct ns_kmalloc *kmalloc, const struct ns_kmalloc_group *group, uint64_t block) {
    const struct ns_port *port = kmalloc->port;
    const unsigned field = granule(kmalloc) / 2;
    const uint64_t address = header_address(kmalloc, group, block);
    const uint64_t bytes = (block_end(group, block) - block - 1) * granule(kmalloc);
    if (port->load(port->context, address, field) == (ns_bitmap_test(group->used, block) ? 0 : 1) &&
        port->load(port->context, address + field, field) == bytes)
        return true;
    port->misuse(port->context, NS_MISUSE_POOL_CORRUPT, address, granule(kmalloc));
    store_header(kmalloc, group, block);
    return false;
}

static void store_group_header(const struct ns_kmalloc *kmalloc, const struct ns_kmalloc_group *group) {
    const struct ns_port *port = kmalloc->port;
    port->store(port->context, group->virtual_address + GROUP_SIZE, 4, NS_FRAME_SIZE << group->order);
    port->store(port->context, group->virtual_address + GROUP_NEXT, 8, group->next ? group->next->virtual_address : 0);
}

static bool check_group_header(const struct ns_kmalloc *kmalloc, const struct ns_kmalloc_group *group) {
    const struct ns_port *port = kmalloc->port;
    const uint64_t next = group->next ? group->next->virtual_address : 0;
    if (port->load(port->context, group->virtual_address + GROUP_SIZE, 4) == NS_FRAME_SIZE << group->order &&
        port->load(port->context, group->virtual_address + GROUP_NEXT, 8) == next)
        return true;
    port->misuse(port->context, NS_MISUSE_POOL_CORRUPT, group->virtual_address, GROUP_HEADER);
    store_group_header(kmalloc, group);
    return false;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Takes a free block, and leaves what it does not need as a free block behind it, if that is worth a header. */
static void use_block(struct ns_kmalloc *kmalloc, struct ns_kmalloc_group *group, uint64_t block, uint64_t wanted) {
    const uint64_t rest = block_end(group, block) - block - 1 - wanted;
    ns_bitmap_set(group->used, block, 1);
    if (rest * granule(kmalloc) >= NS_KMALLOC_SIZE_MIN + granule(kmalloc)) {
        ns_bitmap_set(group->begins, block + 1 + wanted, 1);
        store_header(kmalloc, group, block + 1 + wanted);
    }
    store_header(kmalloc, group, block);
    kmalloc->counts.blocks_used++;
}

/* The first free block that is large enough. OK with *found NULL when there is none. */
static enum ns_pool_status first_fit(const struct ns_kmalloc *kmalloc, struct ns_kmalloc_group *list, uint64_t wanted,
                                     struct ns_kmalloc_group **found, uint64_t *block) {
    *found = NULL;
    for (struct ns_kmalloc_group *group = list; group; group = group->next) {
        if (!check_group_header(kmalloc, group))
            return NS_POOL_ERROR_MISUSE;
        uint64_t end = 0;
        for (uint64_t at = first_block(kmalloc); at < group->granules; at = end) {
            end = block_end(group, at);
            if (!check_header(kmalloc, group, at))
                return NS_POOL_ERROR_MISUSE;
            if (!ns_bitmap_test(group->used, at) && end - at - 1 >= wanted) {
                *found = group;
                *block = at;
                return NS_POOL_OK;
            }
        }
    }
    return NS_POOL_OK;
}

/* Makes one block of free neighbours `block` and the one that ends it. */
static void merge(const struct ns_kmalloc *kmalloc, struct ns_kmalloc_group *group, uint64_t block) {
    ns_bitmap_clear(group->begins, block_end(group, block), 1);
    store_header(kmalloc, group, block);
}

static enum ns_pool_status coalesce_list(struct ns_kmalloc *kmalloc, struct ns_kmalloc_group *list) {
    kmalloc->counts.coalesced++;
    for (struct ns_kmalloc_group *group = list; group; group = group->next) {
        if (!check_group_header(kmalloc, group))
            return NS_POOL_ERROR_MISUSE;
        uint64_t end = 0;
        for (uint64_t at = first_block(kmalloc); at < group->granules; at = end) {
            if (!check_header(kmalloc, group, at))
                return NS_POOL_ERROR_MISUSE;
            for (;;) {
                end = block_end(group, at);
                if (ns_bitmap_test(group->used, at) || end == group->granules || ns_bitmap_test(group->used, end))
                    break;
                if (!check_header(kmalloc, group, end))
                    return NS_POOL_ERROR_MISUSE;
                merge(kmalloc, group, at);
            }
        }
    }
    return NS_POOL_OK;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static bool group_is_free(const struct ns_kmalloc *kmalloc, const struct ns_kmalloc_group *group) {
    const uint64_t first = first_block(kmalloc);
    return !ns_bitmap_test(group->used, first) && block_end(group, first) == group->granules;
}

/* Takes the group that *link points to off its list and gives its pages back. */
static enum ns_pool_status drop_group(struct ns_kmalloc *kmalloc, struct ns_kmalloc_group *before,
                                      struct ns_kmalloc_group **link) {
    struct ns_kmalloc_group *group = *link;
    const enum ns_pool_status status = ns_kmalloc_put_pages(kmalloc, group->physical, group->order);
    if (status != NS_POOL_OK)
        return status;
    *link = group->next;
    if (before)
        store_group_header(kmalloc, before);
    kmalloc->counts.groups--;
    kmalloc->counts.group_pages -= UINT64_C(1) << group->order;
    kmalloc->port->metadata_free(kmalloc->port->context, group);
    return NS_POOL_OK;
}

static enum ns_pool_status collect_list(struct ns_kmalloc *kmalloc, struct ns_kmalloc_group **list, uint64_t *pages) {
    enum ns_pool_status status = coalesce_list(kmalloc, *list);
    struct ns_kmalloc_group *before = NULL;
    struct ns_kmalloc_group **link = list;
    while (status == NS_POOL_OK && *link) {
        if (!group_is_free(kmalloc, *link)) {
            before = *link;
            link = &before->next;
            continue;
        }
        const uint64_t count = UINT64_C(1) << (*link)->order;
        status = drop_group(kmalloc, before, link);
        *pages += status == NS_POOL_OK ? count : 0;
    }
    return status;
}

static enum ns_pool_status collect(struct ns_kmalloc *kmalloc, uint64_t *pages) {
    *pages = 0;
    enum ns_pool_status status = NS_POOL_OK;
    for (int list = 0; list < NS_KMALLOC_LIST_COUNT && status == NS_POOL_OK; list++)
        status = collect_list(kmalloc, &kmalloc->list[list], pages);
    return status;
}

/* Pages, if need be after whole free groups were collected. */
static enum ns_pool_status supply_pages(struct ns_kmalloc *kmalloc, ns_gfp gfp, unsigned order, uint64_t *physical) {
    enum ns_pool_status status = ns_kmalloc_take_pages(kmalloc, gfp, order, physical);
    if (status != NS_POOL_ERROR_EXHAUSTED)
        return status;
    kmalloc->counts.collected++;
    uint64_t pages = 0;
    status = collect(kmalloc, &pages);
    if (status != NS_POOL_OK)
        return status;
    ns_say(kmalloc->port, NS_SAY_DECISION, "__get_free_pages", "out of pages: {d} collected from kmalloc", pages, 0);
    status = pages != 0 ? ns_kmalloc_take_pages(kmalloc, gfp, order, physical) : NS_POOL_ERROR_EXHAUSTED;
    if (status != NS_POOL_OK && (gfp & NS___GFP_NOWARN) == 0)
        ns_say(kmalloc->port, NS_SAY_WARN, "__get_free_pages", "ran out of pages: order {d}, mode {x}", order, gfp);
    return status;
}

/* A new group at the head of a list, with one free block for all of it. */
static enum ns_pool_status add_group(struct ns_kmalloc *kmalloc, struct ns_kmalloc_group **list, ns_gfp gfp,
                                     unsigned order, struct ns_kmalloc_group **made) {
    const struct ns_port *port = kmalloc->port;
    const uint64_t granules = (NS_FRAME_SIZE << order) / granule(kmalloc);
    const uint64_t words = ns_bitmap_words(granules);
    struct ns_kmalloc_group *group =
        port->metadata_allocate(port->context, sizeof *group + 2 * words * sizeof(uint64_t));
    if (!group)
        return NS_POOL_ERROR_METADATA;
    const enum ns_pool_status status = supply_pages(kmalloc, gfp, order, &group->physical);
    if (status != NS_POOL_OK) {
        port->metadata_free(port->context, group);
        return status;
    }
    group->virtual_address = port->to_virtual(port->context, group->physical);
    group->order = order;
    group->granules = granules;
    group->begins = group->words;
    group->used = group->words + words;
    group->next = *list;
    *list = group;
    kmalloc->counts.groups++;
    kmalloc->counts.group_pages += UINT64_C(1) << order;
    ns_bitmap_set(group->begins, first_block(kmalloc), 1);
    store_group_header(kmalloc, group);
    store_header(kmalloc, group, first_block(kmalloc));
    *made = group;
    return NS_POOL_OK;
}

/* The group of any list whose pages contain the address. */
static struct ns_kmalloc_group *find_group(const struct ns_kmalloc *kmalloc, uint64_t virtual_address) {
    for (int list = 0; list < NS_KMALLOC_LIST_COUNT; list++)
        for (struct ns_kmalloc_group *group = kmalloc->list[list]; group; group = group->next)
            if (virtual_address >= group->virtual_address &&
                virtual_address - group->virtual_address < NS_FRAME_SIZE << group->order)
                return group;
    return NULL;
}

/* ---- creation -------------------------------------------------------------------------------- */

enum ns_pool_status ns_kmalloc_create(const struct ns_port *port, struct ns_frames *frames,
                                      const struct ns_kmalloc_options *options, struct ns_kmalloc **kmalloc) {
    if (options->reserve_chunks > NS_KMALLOC_CHUNKS_MAX)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_kmalloc *made = port->metadata_allocate(
        port->context, sizeof *made + options->reserve_chunks * sizeof(struct ns_kmalloc_chunk));
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->frames = frames;
    made->options = *options;
    const enum ns_pool_status status = ns_kmalloc_take_reserve(made);
    if (status != NS_POOL_OK) {
        port->metadata_free(port->context, made);
        return status;
    }
    *kmalloc = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_kmalloc_destroy(struct ns_kmalloc *kmalloc) {
    if (!kmalloc)
        return NS_POOL_OK;
    const struct ns_port *port = kmalloc->port;
    if (kmalloc->counts.blocks_used != 0 || kmalloc->counts.page_blocks != 0) {
        port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, 0, 0);
        return NS_POOL_ERROR_BUSY;
    }
    for (int list = 0; list < NS_KMALLOC_LIST_COUNT; list++) {
        while (kmalloc->list[list]) {
            const enum ns_pool_status status = drop_group(kmalloc, NULL, &kmalloc->list[list]);
            if (status != NS_POOL_OK)
                return status;
        }
    }
    const enum ns_pool_status status = ns_kmalloc_return_reserve(kmalloc);
    if (status == NS_POOL_OK)
        port->metadata_free(port->context, kmalloc);
    return status;
}

/* ---- kmalloc and kfree ----------------------------------------------------------------------- */

static ns_gfp fix_flags(const struct ns_kmalloc *kmalloc, ns_gfp gfp) {
    const ns_gfp illegal = gfp & (NS___GFP_DMA32 | NS___GFP_HIGHMEM);
    if (illegal == 0 || kmalloc->options.ignore_flags)
        return gfp;
    ns_say(kmalloc->port, NS_SAY_WARN, "kmalloc_fix_flags", "unexpected gfp: {x}, fixing up to {x}", illegal,
           gfp & ~illegal);
    return gfp & ~illegal;
}

static enum ns_pool_status find_room(struct ns_kmalloc *kmalloc, struct ns_kmalloc_group **list, ns_gfp gfp,
                                     uint64_t wanted, struct ns_kmalloc_group **group, uint64_t *block) {
    enum ns_pool_status status = first_fit(kmalloc, *list, wanted, group, block);
    if (status == NS_POOL_OK && !*group && kmalloc->options.coalesce_on_failure_only) {
        status = coalesce_list(kmalloc, *list);
        if (status == NS_POOL_OK)
            status = first_fit(kmalloc, *list, wanted, group, block);
    }
    if (status != NS_POOL_OK || *group)
        return status;
    const unsigned order = ns_order_of(GROUP_HEADER + (1 + wanted) * granule(kmalloc));
    *block = first_block(kmalloc);
    return add_group(kmalloc, list, gfp & ~NS___GFP_ZERO, order, group);
}

enum ns_pool_status ns_kmalloc_alloc(struct ns_kmalloc *kmalloc, uint64_t size, ns_gfp gfp, uint64_t *virtual_address) {
    const struct ns_port *port = kmalloc->port;
    if (size > ns_kmalloc_size_max(kmalloc)) {
        ns_say(port, NS_SAY_WARN, "linux_kmalloc", "{d} bytes are more than the largest block, {d}", size,
               ns_kmalloc_size_max(kmalloc));
        return NS_POOL_ERROR_ARGUMENT;
    }
    gfp = fix_flags(kmalloc, gfp);
    const bool dma = (gfp & NS___GFP_DMA) != 0 && !kmalloc->options.ignore_flags;
    const uint64_t wanted = wanted_granules(kmalloc, size);
    struct ns_kmalloc_group *group = NULL;
    uint64_t block = 0;
    lock(kmalloc);
    const enum ns_pool_status status = find_room(
        kmalloc, &kmalloc->list[dma ? NS_KMALLOC_LIST_DMA : NS_KMALLOC_LIST_NORMAL], gfp, wanted, &group, &block);
    if (status == NS_POOL_OK)
        use_block(kmalloc, group, block, wanted);
    unlock(kmalloc);
    if (status != NS_POOL_OK)
        return status;
    const uint64_t address = header_address(kmalloc, group, block) + granule(kmalloc);
    if ((gfp & NS___GFP_ZERO) != 0 && !kmalloc->options.ignore_flags)
        port->fill(port->context, address, wanted * granule(kmalloc), 0);
    *virtual_address = address;
    return NS_POOL_OK;
}

/* The block whose payload begins at the address, used or free; NULL when there is none. */
static struct ns_kmalloc_group *find_block(const struct ns_kmalloc *kmalloc, uint64_t virtual_address,
                                           uint64_t *block) {
    struct ns_kmalloc_group *group = find_group(kmalloc, virtual_address);
    if (!group)
        return NULL;
    const uint64_t offset = virtual_address - group->virtual_address;
    const uint64_t place = offset / granule(kmalloc);
    if (offset % granule(kmalloc) != 0 || place == 0 || !ns_bitmap_test(group->begins, place - 1))
        return NULL;
    *block = place - 1;
    return group;
}

static enum ns_pool_status free_block(struct ns_kmalloc *kmalloc, struct ns_kmalloc_group *group, uint64_t block) {
    const uint64_t after = block_end(group, block);
    const uint64_t before = block_before(kmalloc, group, block);
    const bool merge_now = !kmalloc->options.coalesce_on_failure_only;
    const bool merge_after = merge_now && after != group->granules && !ns_bitmap_test(group->used, after);
    const bool merge_before = merge_now && before != block && !ns_bitmap_test(group->used, before);
    if (!check_header(kmalloc, group, block) || (merge_after && !check_header(kmalloc, group, after)) ||
        (merge_before && !check_header(kmalloc, group, before)))
        return NS_POOL_ERROR_MISUSE;
    ns_bitmap_clear(group->used, block, 1);
    store_header(kmalloc, group, block);
    kmalloc->counts.blocks_used--;
    if (merge_after)
        merge(kmalloc, group, block);
    if (merge_before)
        merge(kmalloc, group, before);
    return NS_POOL_OK;
}

/* Merging takes away the begin of a freed block: what lies inside of a free one counts as freed. */
static enum ns_port_misuse wrong_free(const struct ns_kmalloc *kmalloc, uint64_t virtual_address) {
    const struct ns_kmalloc_group *group = find_group(kmalloc, virtual_address);
    const uint64_t place = group ? (virtual_address - group->virtual_address) / granule(kmalloc) : 0;
    if (!group || place <= first_block(kmalloc) || virtual_address % granule(kmalloc) != 0)
        return NS_MISUSE_FOREIGN_FREE;
    const uint64_t block = block_before(kmalloc, group, place);
    return ns_bitmap_test(group->used, block) ? NS_MISUSE_FOREIGN_FREE : NS_MISUSE_DOUBLE_FREE;
}

enum ns_pool_status ns_kmalloc_free(struct ns_kmalloc *kmalloc, uint64_t virtual_address) {
    const struct ns_port *port = kmalloc->port;
    if (virtual_address == 0)
        return NS_POOL_OK;
    uint64_t block = 0;
    lock(kmalloc);
    enum ns_pool_status status = NS_POOL_ERROR_MISUSE;
    struct ns_kmalloc_group *group = find_block(kmalloc, virtual_address, &block);
    if (group && ns_bitmap_test(group->used, block))
        status = free_block(kmalloc, group, block);
    else
        port->misuse(port->context, wrong_free(kmalloc, virtual_address), virtual_address, 0);
    unlock(kmalloc);
    return status;
}

/* ---- pages and inspection -------------------------------------------------------------------- */

enum ns_pool_status ns_kmalloc_collect(struct ns_kmalloc *kmalloc, uint64_t *pages) {
    uint64_t count = 0;
    lock(kmalloc);
    const enum ns_pool_status status = collect(kmalloc, &count);
    unlock(kmalloc);
    if (pages)
        *pages = count;
    return status;
}

enum ns_pool_status ns_kmalloc_get_free_pages(struct ns_kmalloc *kmalloc, ns_gfp gfp, unsigned order,
                                              uint64_t *virtual_address) {
    const struct ns_port *port = kmalloc->port;
    uint64_t physical = 0;
    lock(kmalloc);
    const enum ns_pool_status status = supply_pages(kmalloc, gfp, order, &physical);
    if (status == NS_POOL_OK)
        kmalloc->counts.page_blocks++;
    unlock(kmalloc);
    if (status == NS_POOL_OK)
        *virtual_address = port->to_virtual(port->context, physical);
    return status;
}

enum ns_pool_status ns_kmalloc_free_pages(struct ns_kmalloc *kmalloc, uint64_t virtual_address, unsigned order) {
    const struct ns_port *port = kmalloc->port;
    const uint64_t physical = port->to_physical(port->context, virtual_address);
    enum ns_pool_status status = NS_POOL_ERROR_MISUSE;
    lock(kmalloc);
    if (physical == UINT64_MAX || kmalloc->counts.page_blocks == 0 || find_group(kmalloc, virtual_address))
        port->misuse(port->context, NS_MISUSE_FOREIGN_FREE, virtual_address, 0);
    else
        status = ns_kmalloc_put_pages(kmalloc, physical, order);
    if (status == NS_POOL_OK)
        kmalloc->counts.page_blocks--;
    unlock(kmalloc);
    return status;
}

uint64_t ns_kmalloc_block_size(const struct ns_kmalloc *kmalloc, uint64_t virtual_address) {
    uint64_t block = 0;
    const struct ns_kmalloc_group *group = find_block(kmalloc, virtual_address, &block);
    if (!group || !ns_bitmap_test(group->used, block))
        return 0;
    return (block_end(group, block) - block - 1) * granule(kmalloc);
}

struct ns_kmalloc_counts ns_kmalloc_count(const struct ns_kmalloc *kmalloc) {
    return kmalloc->counts;
}
