/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/atomic_pool.h"

#include "pool/cma.h"
#include "pool/direct_pages.h"
#include "pool/dma_mask.h"
#include "pool/genalloc.h"
#include "pool/pages.h"
#include "pool/remap.h"
#include "pool/say.h"

enum { PAGE_SHIFT = 12, CMA_ALIGNMENT = 8, MAX_ORDER_LIMIT = 20 };
#define KIB_128 (UINT64_C(128) << 10)

/* Memory of a pool. The kernel never gives it back and keeps no such list. */
struct chunk {
    struct chunk *next;
    uint64_t virtual_address;
    uint64_t physical;
    unsigned order;
    bool from_cma;
};

/* A block that is out, for repairs.check_free. */
struct handed_out {
    struct handed_out *next;
    uint64_t virtual_address;
    uint64_t size;
};

struct ns_atomic_pools {
    struct ns_atomic_pools_config config;
    uint64_t size; /* atomic_pool_size, bytes */
    struct ns_gen_pool *pool[NS_ATOMIC_POOL_COUNT];
    struct chunk *chunks;
    struct handed_out *out;
    bool work_pending;
};

static const ns_gfp gfp_of[NS_ATOMIC_POOL_COUNT] = {
    [NS_ATOMIC_POOL_DMA] = NS_GFP_KERNEL | NS_GFP_DMA,
    [NS_ATOMIC_POOL_DMA32] = NS_GFP_KERNEL | NS_GFP_DMA32,
    [NS_ATOMIC_POOL_KERNEL] = NS_GFP_KERNEL,
};

static uint64_t bytes_of(unsigned order) {
    return NS_FRAME_SIZE << order;
}

/* ---- memory for a pool ----------------------------------------------------------------------- */

/* Whether all of the default CMA area is in the zone of the flags: an area never crosses a zone's border. */
static bool cma_in_zone(const struct ns_dma_direct *direct, ns_gfp gfp) {
    const struct ns_cma *area = direct->config.dma_cma ? direct->config.cma : NULL;
    if (!area || ns_cma_get_size(area) == 0)
        return false;
    const uint64_t last = ns_cma_get_base(area) + ns_cma_get_size(area) - 1;
    if (direct->zone_dma && (gfp & NS___GFP_DMA) != 0)
        return last <= direct->config.zone_dma_limit;
    if (direct->zone_dma32 && (gfp & NS___GFP_DMA32) != 0)
        return last <= ns_dma_bit_mask(32);
    return true;
}

static bool take_cma(struct ns_dma_direct *direct, struct chunk *chunk) {
    const unsigned largest = direct->config.cma_alignment != 0 ? direct->config.cma_alignment : CMA_ALIGNMENT;
    const unsigned alignment = chunk->order < largest ? chunk->order : largest;
    return ns_cma_alloc(direct->config.cma, UINT64_C(1) << chunk->order, alignment, false, &chunk->physical) ==
           NS_POOL_OK;
}

/* The largest block that there is, downward from chunk->order; CMA first at each order. */
static bool take_pages(struct ns_dma_direct *direct, ns_gfp gfp, struct chunk *chunk) {
    if (direct->config.kernel != NS_KERNEL_5_10)
        gfp |= NS___GFP_NOWARN;
    for (;; chunk->order--) {
        chunk->from_cma = cma_in_zone(direct, gfp) && take_cma(direct, chunk);
        if (chunk->from_cma || ns_alloc_pages(direct->frames, gfp, chunk->order, &chunk->physical) == NS_POOL_OK)
            return true;
        if (chunk->order == 0)
            return false;
    }
}

static void give_back_pages(struct ns_dma_direct *direct, const struct chunk *chunk) {
    if (chunk->from_cma)
        (void)ns_cma_release(direct->config.cma, chunk->physical, UINT64_C(1) << chunk->order);
    else
        (void)ns_free_pages(direct->frames, chunk->physical, chunk->order);
}

/* The kernel's error path: __free_pages, wherever they came from. */
static void free_page(struct ns_dma_direct *direct, const struct chunk *chunk) {
    if (direct->atomic_pools->config.repairs.free_cma_to_cma || !chunk->from_cma) {
        give_back_pages(direct, chunk);
        return;
    }
    ns_say(direct->port, NS_SAY_DECISION, "atomic_pool_expand",
           "{d} pages of CMA go to the buddy allocator; {x} stays taken in the area", UINT64_C(1) << chunk->order,
           chunk->physical);
    if (direct->config.checks == NS_CHECKS_STRICT)
        (void)ns_free_pages(direct->frames, chunk->physical, chunk->order);
}

/* ---- expansion ------------------------------------------------------------------------------- */

static bool change_encryption(struct ns_dma_direct *direct, const struct chunk *chunk,
                              bool (*change)(void *context, uint64_t virtual_address, uint64_t size)) {
    const struct ns_port *port = direct->port;
    return !change || change(direct->config.arch.context, port->to_virtual(port->context, chunk->physical),
                             bytes_of(chunk->order));
}

static void remove_mapping(struct ns_dma_direct *direct, const struct chunk *chunk) {
    if (direct->config.dma_direct_remap)
        ns_dma_common_free_remap(direct->port, chunk->virtual_address, bytes_of(chunk->order));
}

/* From pages to memory of the pool. On an error everything is given back, as far as the kernel does. */
static enum ns_pool_status publish(struct ns_dma_direct *direct, struct ns_gen_pool *pool, struct chunk *chunk) {
    const struct ns_port *port = direct->port;
    const struct ns_dma_direct_config *config = &direct->config;
    const bool keep_error = direct->atomic_pools->config.repairs.keep_add_error;
    const uint64_t size = bytes_of(chunk->order);

    ns_arch_dma_prep_coherent(direct, chunk->physical, size);

    chunk->virtual_address = port->to_virtual(port->context, chunk->physical);
    if (config->dma_direct_remap) {
        const struct ns_pgprot *protection = ns_pgprot_of(config->pgprot);
        const enum ns_pool_status remapped = ns_dma_common_contiguous_remap(
            port, chunk->physical, size, protection->dmacoherent, &chunk->virtual_address);
        if (remapped != NS_POOL_OK) {
            free_page(direct, chunk);
            return remapped;
        }
    }
    enum ns_pool_status status = NS_POOL_ERROR_EXHAUSTED;
    if (change_encryption(direct, chunk, config->arch.decrypt)) {
        status = ns_gen_pool_add_virt(pool, chunk->virtual_address, chunk->physical, size);
        if (status == NS_POOL_OK)
            return NS_POOL_OK;
        if (!change_encryption(direct, chunk, config->arch.encrypt))
            return NS_POOL_ERROR_EXHAUSTED; /* decrypted memory that nobody may have: leaked on purpose */
        if (!keep_error)
            status = NS_POOL_OK; /* the answer of the re-encryption has taken its place */
    }
    remove_mapping(direct, chunk);
    if (config->dma_direct_remap || keep_error)
        free_page(direct, chunk);
    return status;
}

/* atomic_pool_expand. OK with chunk->order such that nothing was added: the published defect. */
static enum ns_pool_status expand(struct ns_dma_direct *direct, enum ns_atomic_pool which, uint64_t wanted) {
    struct ns_atomic_pools *pools = direct->atomic_pools;
    struct ns_gen_pool *pool = pools->pool[which];
    const struct ns_port *port = direct->port;
    struct chunk *chunk = port->metadata_allocate(port->context, sizeof *chunk);
    if (!chunk)
        return NS_POOL_ERROR_METADATA;
    /* get_order(0) is the largest there is: an empty pool grows by as much as it can. */
    const unsigned order = wanted == 0 ? pools->config.max_order : ns_order_of(wanted);
    chunk->order = order < pools->config.max_order ? order : pools->config.max_order;

    const uint64_t before = ns_gen_pool_size(pool);
    enum ns_pool_status status = NS_POOL_ERROR_EXHAUSTED;
    if (take_pages(direct, gfp_of[which], chunk))
        status = publish(direct, pool, chunk);
    if (status == NS_POOL_OK && ns_gen_pool_size(pool) > before) {
        ns_say(port, NS_SAY_DECISION, "atomic_pool_expand", "{d} KiB more, at physical {x}",
               bytes_of(chunk->order) / 1024, chunk->physical);
        chunk->next = pools->chunks;
        pools->chunks = chunk;
        return NS_POOL_OK;
    }
    port->metadata_free(port->context, chunk);
    return status;
}

bool ns_atomic_pools_work_pending(const struct ns_dma_direct *direct) {
    return direct->atomic_pools && direct->atomic_pools->work_pending;
}

void ns_atomic_pools_work(struct ns_dma_direct *direct) {
    struct ns_atomic_pools *pools = direct->atomic_pools;
    if (!pools)
        return;
    pools->work_pending = false;
    for (int which = NS_ATOMIC_POOL_DMA; which < NS_ATOMIC_POOL_COUNT; which++) {
        struct ns_gen_pool *pool = pools->pool[which];
        if (pool && ns_gen_pool_avail(pool) < pools->size)
            (void)expand(direct, (enum ns_atomic_pool)which, ns_gen_pool_size(pool));
    }
}

/* ---- creation -------------------------------------------------------------------------------- */

uint64_t ns_atomic_pool_default_size(uint64_t total_pages, unsigned max_order) {
    uint64_t pages = total_pages / 8192; /* 128 KiB for each GiB */
    if (pages > UINT64_C(1) << max_order)
        pages = UINT64_C(1) << max_order;
    return pages << PAGE_SHIFT > KIB_128 ? pages << PAGE_SHIFT : KIB_128;
}

static uint64_t total_pages(const struct ns_frames *frames) {
    uint64_t total = 0;
    for (int zone = 0; zone < NS_POOL_ZONE_COUNT; zone++)
        total += ns_frames_total_count(frames, (enum ns_zone)zone);
    return total;
}

/* Whether this kernel tries to make the pool. */
static bool wanted(const struct ns_dma_direct *direct, enum ns_atomic_pool which) {
    const bool needs_pages =
        direct->atomic_pools->config.dma_pool_needs_pages || direct->config.kernel != NS_KERNEL_5_10;
    const bool newest = direct->config.kernel == NS_KERNEL_7;
    switch (which) {
    case NS_ATOMIC_POOL_DMA:
        return needs_pages ? ns_frames_total_count(direct->frames, NS_POOL_ZONE_DMA) != 0 : direct->zone_dma;
    case NS_ATOMIC_POOL_DMA32:
        return direct->zone_dma32 && (!newest || ns_frames_total_count(direct->frames, NS_POOL_ZONE_DMA32) != 0);
    case NS_ATOMIC_POOL_KERNEL:
        return !newest || ns_frames_total_count(direct->frames, NS_POOL_ZONE_NORMAL) != 0;
    case NS_ATOMIC_POOL_NONE:
        break;
    }
    return false;
}

/* __dma_atomic_pool_init. */
static enum ns_pool_status make_pool(struct ns_dma_direct *direct, enum ns_atomic_pool which) {
    struct ns_atomic_pools *pools = direct->atomic_pools;
    enum ns_pool_status status = ns_gen_pool_create(direct->port, PAGE_SHIFT, &pools->pool[which]);
    if (status != NS_POOL_OK) {
        pools->pool[which] = NULL;
        return status;
    }
    ns_gen_pool_set_algorithm(pools->pool[which], ns_gen_pool_first_fit_order_align, NULL);
    status = expand(direct, which, pools->size);
    if (status == NS_POOL_OK) {
        ns_say(direct->port, NS_SAY_INFO, "dma_atomic_pool_init", "preallocated {d} KiB, flags {x}",
               ns_gen_pool_size(pools->pool[which]) / 1024, gfp_of[which]);
        return NS_POOL_OK;
    }
    (void)ns_gen_pool_destroy(pools->pool[which]);
    pools->pool[which] = NULL;
    ns_say(direct->port, NS_SAY_WARN, "dma_atomic_pool_init", "failed to allocate {d} KiB, flags {x}",
           pools->size / 1024, gfp_of[which]);
    return NS_POOL_ERROR_EXHAUSTED;
}

enum ns_pool_status ns_atomic_pools_create(struct ns_dma_direct *direct, const struct ns_atomic_pools_config *config) {
    if (direct->atomic_pools)
        return NS_POOL_ERROR_BUSY;
    if (config->max_order > MAX_ORDER_LIMIT)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_atomic_pools *made = direct->port->metadata_allocate(direct->port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->config = *config;
    if (made->config.max_order == 0)
        made->config.max_order = NS_MAX_ORDER;
    const uint64_t pages = config->total_pages != 0 ? config->total_pages : total_pages(direct->frames);
    made->size =
        config->coherent_pool != 0 ? config->coherent_pool : ns_atomic_pool_default_size(pages, made->config.max_order);
    direct->atomic_pools = made;
    static const enum ns_atomic_pool order[] = {NS_ATOMIC_POOL_KERNEL, NS_ATOMIC_POOL_DMA, NS_ATOMIC_POOL_DMA32};
    enum ns_pool_status status = NS_POOL_OK;
    for (int i = 0; i < NS_ATOMIC_POOL_COUNT; i++)
        if (wanted(direct, order[i]) && make_pool(direct, order[i]) != NS_POOL_OK)
            status = NS_POOL_ERROR_EXHAUSTED;
    return status;
}

enum ns_pool_status ns_atomic_pools_destroy(struct ns_dma_direct *direct) {
    struct ns_atomic_pools *pools = direct->atomic_pools;
    const struct ns_port *port = direct->port;
    if (!pools)
        return NS_POOL_OK;
    for (int which = 0; which < NS_ATOMIC_POOL_COUNT; which++) {
        if (pools->pool[which] && ns_gen_pool_avail(pools->pool[which]) != ns_gen_pool_size(pools->pool[which])) {
            port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, 0, 0);
            return NS_POOL_ERROR_BUSY;
        }
    }
    for (int which = 0; which < NS_ATOMIC_POOL_COUNT; which++)
        (void)ns_gen_pool_destroy(pools->pool[which]);
    while (pools->chunks) {
        struct chunk *chunk = pools->chunks;
        pools->chunks = chunk->next;
        remove_mapping(direct, chunk);
        give_back_pages(direct, chunk);
        port->metadata_free(port->context, chunk);
    }
    port->metadata_free(port->context, pools);
    direct->atomic_pools = NULL;
    return NS_POOL_OK;
}

/* ---- which pool ------------------------------------------------------------------------------ */

static enum ns_atomic_pool first_that_exists(const struct ns_atomic_pools *pools, enum ns_atomic_pool a,
                                             enum ns_atomic_pool b, enum ns_atomic_pool c) {
    const enum ns_atomic_pool order[] = {a, b, c};
    for (int i = 0; i < 3; i++)
        if (order[i] != NS_ATOMIC_POOL_NONE && pools->pool[order[i]])
            return order[i];
    return NS_ATOMIC_POOL_NONE;
}

#define DMA    NS_ATOMIC_POOL_DMA
#define DMA32  NS_ATOMIC_POOL_DMA32
#define KERNEL NS_ATOMIC_POOL_KERNEL
#define NONE   NS_ATOMIC_POOL_NONE

/* Where a walk begins in 5.10 to 6.18: at one pool, and nowhere when that one is missing. */
static enum ns_atomic_pool first_guess(const struct ns_dma_direct *direct, ns_gfp gfp) {
    const struct ns_atomic_pools *pools = direct->atomic_pools;
    if (direct->zone_dma32 && (gfp & NS___GFP_DMA32) != 0)
        return first_that_exists(pools, DMA32, NONE, NONE);
    const bool dma = pools->pool[DMA] || (direct->zone_dma && direct->config.kernel == NS_KERNEL_5_10 &&
                                          !pools->config.dma_pool_needs_pages);
    if (dma && (gfp & NS___GFP_DMA) != 0)
        return first_that_exists(pools, DMA, NONE, NONE);
    return first_that_exists(pools, KERNEL, NONE, NONE);
}

/* The same in 7.x: at whatever pool there is. */
static enum ns_atomic_pool first_guess_7(const struct ns_atomic_pools *pools, ns_gfp gfp) {
    if ((gfp & NS___GFP_DMA32) != 0)
        return first_that_exists(pools, DMA32, DMA, KERNEL);
    if ((gfp & NS___GFP_DMA) != 0)
        return first_that_exists(pools, DMA, DMA32, KERNEL);
    return first_that_exists(pools, KERNEL, DMA32, DMA);
}

enum ns_atomic_pool ns_dma_guess_pool(const struct ns_dma_direct *direct, enum ns_atomic_pool previous, ns_gfp gfp) {
    const struct ns_atomic_pools *pools = direct->atomic_pools;
    if (!pools)
        return NONE;
    switch (previous) {
    case NONE:
        return direct->config.kernel == NS_KERNEL_7 ? first_guess_7(pools, gfp) : first_guess(direct, gfp);
    case KERNEL:
        return first_that_exists(pools, DMA32, DMA, NONE);
    case DMA32:
        return first_that_exists(pools, DMA, NONE, NONE);
    case DMA:
        break;
    }
    return NONE;
}

/* ---- allocation ------------------------------------------------------------------------------ */

/* __dma_alloc_from_pool, of one pool. */
static enum ns_pool_status alloc_from(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                      struct ns_gen_pool *pool, uint64_t *virtual_address, uint64_t *physical) {
    const struct ns_port *port = direct->port;
    const char *const who = "__dma_alloc_from_pool";
    const uint64_t address = ns_gen_pool_alloc(pool, size);
    if (address == 0) {
        ns_say(port, NS_SAY_DECISION, who, "room for {d} bytes? no, {d} free", size, ns_gen_pool_avail(pool));
        return NS_POOL_ERROR_EXHAUSTED;
    }
    const uint64_t found = ns_gen_pool_virt_to_phys(pool, address);
    if (!ns_dma_coherent_ok(direct, device, found, size)) {
        ns_say(port, NS_SAY_DECISION, who,
               "does the device reach physical {x}? no: given back, and no other chunk of this pool is tried", found,
               0);
        (void)ns_gen_pool_free(pool, address, size);
        return NS_POOL_ERROR_NOT_ADDRESSABLE;
    }
    ns_say(port, NS_SAY_DECISION, who, "{d} bytes at physical {x}, zeroed through the pool's mapping", size, found);
    if (ns_gen_pool_avail(pool) < direct->atomic_pools->size) {
        ns_say(port, NS_SAY_DECISION, who, "below the threshold, {d} of {d} bytes free: the worker is scheduled",
               ns_gen_pool_avail(pool), direct->atomic_pools->size);
        direct->atomic_pools->work_pending = true;
    }
    port->fill(port->context, address, size, 0);
    *virtual_address = address;
    *physical = found;
    return NS_POOL_OK;
}

static void warn_no_memory(struct ns_dma_direct *direct, bool found_pool, ns_gfp gfp) {
    const bool newer = direct->config.kernel != NS_KERNEL_5_10;
    if (newer && found_pool) {
        if ((gfp & NS___GFP_NOWARN) == 0)
            ns_say(direct->port, NS_SAY_WARN, "dma_alloc_from_pool", "DMA pool exhausted", 0, 0);
    } else {
        ns_say(direct->port, NS_SAY_WARN, "dma_alloc_from_pool", "failed to get a suitable pool", 0, 0);
    }
}

static const char *const try_texts[NS_ATOMIC_POOL_COUNT] = {"try the pool dma", "try the pool dma32",
                                                            "try the pool kernel"};

enum ns_pool_status ns_dma_alloc_from_pool(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                           uint64_t size, ns_gfp gfp, uint64_t *virtual_address, uint64_t *physical) {
    struct ns_atomic_pools *pools = direct->atomic_pools;
    const struct ns_port *port = direct->port;
    struct handed_out *note = NULL;
    if (pools && pools->config.repairs.check_free) {
        note = port->metadata_allocate(port->context, sizeof *note);
        if (!note)
            return NS_POOL_ERROR_METADATA;
    }
    enum ns_pool_status status = NS_POOL_ERROR_EXHAUSTED;
    bool found_pool = false;
    for (enum ns_atomic_pool which = ns_dma_guess_pool(direct, NONE, gfp); which != NONE;
         which = ns_dma_guess_pool(direct, which, gfp)) {
        found_pool = true;
        ns_say(port, NS_SAY_DECISION, "dma_guess_pool", try_texts[which], 0, 0);
        const enum ns_pool_status one = alloc_from(direct, device, size, pools->pool[which], virtual_address, physical);
        if (one == NS_POOL_OK) {
            if (note) {
                *note = (struct handed_out){pools->out, *virtual_address, size};
                pools->out = note;
            }
            return NS_POOL_OK;
        }
        if (one == NS_POOL_ERROR_NOT_ADDRESSABLE)
            status = one;
    }
    if (note)
        port->metadata_free(port->context, note);
    warn_no_memory(direct, found_pool, gfp);
    return status;
}

/* ---- return ---------------------------------------------------------------------------------- */

/* Whether exactly this block is out; then it is crossed off. */
static enum ns_pool_status cross_off(struct ns_dma_direct *direct, uint64_t virtual_address, uint64_t size) {
    const struct ns_port *port = direct->port;
    for (struct handed_out **link = &direct->atomic_pools->out; *link; link = &(*link)->next) {
        struct handed_out *note = *link;
        const uint64_t offset = virtual_address - note->virtual_address; /* wraps for an address below */
        if (offset >= note->size)
            continue;
        if (offset != 0 || note->size != size) {
            port->misuse(port->context, NS_MISUSE_FREE_SIZE, virtual_address, size);
            return NS_POOL_ERROR_MISUSE;
        }
        *link = note->next;
        port->metadata_free(port->context, note);
        return NS_POOL_OK;
    }
    port->misuse(port->context, NS_MISUSE_DOUBLE_FREE, virtual_address, size);
    return NS_POOL_ERROR_MISUSE;
}

static enum ns_atomic_pool holder(const struct ns_dma_direct *direct, uint64_t virtual_address, uint64_t size) {
    const struct ns_atomic_pools *pools = direct->atomic_pools;
    if (pools->config.repairs.free_looks_everywhere) {
        for (int which = 0; which < NS_ATOMIC_POOL_COUNT; which++)
            if (pools->pool[which] && ns_gen_pool_has_address(pools->pool[which], virtual_address, size))
                return (enum ns_atomic_pool)which;
        return NONE;
    }
    enum ns_atomic_pool which = ns_dma_guess_pool(direct, NONE, 0);
    while (which != NONE && !ns_gen_pool_has_address(pools->pool[which], virtual_address, size))
        which = ns_dma_guess_pool(direct, which, 0);
    return which;
}

bool ns_dma_free_from_pool(struct ns_dma_direct *direct, uint64_t virtual_address, uint64_t size,
                           enum ns_pool_status *status) {
    struct ns_atomic_pools *pools = direct->atomic_pools;
    *status = NS_POOL_OK;
    if (!pools)
        return false;
    const enum ns_atomic_pool which = holder(direct, virtual_address, size);
    if (which == NONE)
        return false;
    if (pools->config.repairs.check_free)
        *status = cross_off(direct, virtual_address, size);
    if (*status == NS_POOL_OK)
        *status = ns_gen_pool_free(pools->pool[which], virtual_address, size);
    return true;
}

struct ns_atomic_pool_statistics ns_atomic_pool_get_statistics(const struct ns_dma_direct *direct,
                                                               enum ns_atomic_pool pool) {
    const struct ns_atomic_pools *pools = direct->atomic_pools;
    if (!pools || (unsigned)pool >= NS_ATOMIC_POOL_COUNT || !pools->pool[pool])
        return (struct ns_atomic_pool_statistics){0};
    return (struct ns_atomic_pool_statistics){
        .exists = true, .size = ns_gen_pool_size(pools->pool[pool]), .avail = ns_gen_pool_avail(pools->pool[pool])};
}
