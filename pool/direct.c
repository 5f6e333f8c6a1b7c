/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/direct.h"

#include "pool/atomic_pool.h"
#include "pool/coherent.h"
#include "pool/device_pool.h"
#include "pool/direct_pages.h"
#include "pool/remap.h"
#include "pool/say.h"

/* A block on its way from a wish to memory. */
struct block {
    uint64_t size; /* whole pages from step 0 on */
    ns_gfp gfp;
    unsigned attributes;
    uint64_t physical;
    uint64_t virtual_address;
    uint64_t bus;
};

/* A second mapping. */
struct ns_dma_area {
    struct ns_dma_area *next;
    uint64_t virtual_address;
    uint64_t length;
};

static void tell(const struct ns_dma_direct *direct, const char *text, uint64_t first, uint64_t second) {
    ns_say(direct->port, NS_SAY_DECISION, "dma_direct_alloc", text, first, second);
}

static void zero(const struct ns_dma_direct *direct, uint64_t virtual_address, uint64_t size) {
    direct->port->fill(direct->port->context, virtual_address, size, 0);
}

static uint64_t page_align(uint64_t size) {
    return (size + (NS_FRAME_SIZE - 1)) & ~(NS_FRAME_SIZE - 1);
}

/* ---- what the architecture does -------------------------------------------------------------- */

bool ns_dev_is_dma_coherent(const struct ns_dma_direct *direct, const struct ns_pool_device *device) {
    return device->coherent || !direct->config.arch_has_sync_dma;
}

bool ns_dma_highmem(const struct ns_dma_direct *direct, uint64_t physical) {
    return direct->config.linear_limit != 0 && physical >= direct->config.linear_limit;
}

void ns_arch_dma_prep_coherent(struct ns_dma_direct *direct, uint64_t physical, uint64_t length) {
    const struct ns_port *port = direct->port;
    const char *const who = "arch_dma_prep_coherent";
    if (direct->config.prepare == NS_PREPARE_NONE) {
        ns_say(port, NS_SAY_DECISION, who, "flush the linear alias? no: this architecture has no such function", 0, 0);
        return;
    }
    if (ns_dma_highmem(direct, physical))
        return;
    const uint64_t linear = port->to_virtual(port->context, physical);
    if (direct->config.prepare == NS_PREPARE_ZERO_FLUSH)
        port->fill(port->context, linear, length, 0);
    if (direct->config.prepare_waits_for_arch && !direct->arch_ready) {
        ns_say(port, NS_SAY_DECISION, who,
               "flush the linear alias? no: cache operations do nothing before the arch initcall, {x} stays dirty",
               linear, 0);
        return;
    }
    ns_say(port, NS_SAY_DECISION, who, "flush the linear alias {x}, {d} bytes: no dirty line may survive", linear,
           length);
    port->maintain(port->context, NS_PORT_FLUSH, NS_PORT_SCOPE_POC, linear, length);
    port->barrier(port->context);
}

static bool decrypt(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t address,
                    uint64_t size) {
    const struct ns_dma_arch *arch = &direct->config.arch;
    return !device->force_unencrypted || !arch->decrypt || arch->decrypt(arch->context, address, size);
}

static bool encrypt(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t address,
                    uint64_t size) {
    const struct ns_dma_arch *arch = &direct->config.arch;
    return !device->force_unencrypted || !arch->encrypt || arch->encrypt(arch->context, address, size);
}

static uint64_t set_uncached(struct ns_dma_direct *direct, uint64_t address, uint64_t size) {
    const struct ns_dma_arch *arch = &direct->config.arch;
    return arch->set_uncached ? arch->set_uncached(arch->context, address, size) : address;
}

static void clear_uncached(struct ns_dma_direct *direct, uint64_t address, uint64_t size) {
    const struct ns_dma_arch *arch = &direct->config.arch;
    if (arch->clear_uncached)
        arch->clear_uncached(arch->context, address, size);
}

static enum ns_pool_status arch_dma_alloc(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                          struct block *block) {
    const struct ns_dma_arch *arch = &direct->config.arch;
    if (!arch->alloc) {
        ns_say(direct->port, NS_SAY_WARN, "arch_dma_alloc", "this architecture has none", 0, 0);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    block->virtual_address =
        arch->alloc(arch->context, device, block->size, block->gfp, block->attributes, &block->bus);
    return block->virtual_address != 0 ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED;
}

/* ---- second mappings ------------------------------------------------------------------------- */

static enum ns_pool_status remap(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                 struct block *block) {
    const struct ns_port *port = direct->port;
    const enum ns_port_type type = ns_dma_pgprot(direct->config.pgprot, direct->config.arch_has_dma_write_combine,
                                                 ns_dev_is_dma_coherent(direct, device), block->attributes);
    struct ns_dma_area *area = port->metadata_allocate(port->context, sizeof *area);
    if (!area)
        return NS_POOL_ERROR_METADATA;
    const enum ns_pool_status status =
        ns_dma_common_contiguous_remap(port, block->physical, block->size, type, &block->virtual_address);
    if (status != NS_POOL_OK) {
        port->metadata_free(port->context, area);
        return status;
    }
    static const char *const types[] = {"step 5: mapped again at {x} as CACHEABLE memory, type by dma_pgprot",
                                        "step 5: mapped again at {x}, non-cacheable, type by dma_pgprot",
                                        "step 5: mapped again at {x} as IO, type by dma_pgprot"};
    tell(direct, types[type], block->virtual_address, 0);
    *area = (struct ns_dma_area){direct->areas, block->virtual_address, block->size};
    direct->areas = area;
    return NS_POOL_OK;
}

/* The link to the area that holds the address; NULL for one that is not remapped (is_vmalloc_addr). */
static struct ns_dma_area **find_area(struct ns_dma_direct *direct, uint64_t address) {
    for (struct ns_dma_area **link = &direct->areas; *link; link = &(*link)->next)
        if (address >= (*link)->virtual_address && address - (*link)->virtual_address < (*link)->length)
            return link;
    return NULL;
}

/* vunmap: the whole area goes, whatever size the caller has in mind, but only by its first address. */
static void unmap(struct ns_dma_direct *direct, struct ns_dma_area **link, uint64_t address) {
    const struct ns_port *port = direct->port;
    struct ns_dma_area *area = *link;
    if (area->virtual_address != address) {
        ns_say(port, NS_SAY_WARN, "vunmap", "trying to unmap nonexistent area {x}", address, 0);
        return;
    }
    ns_dma_common_free_remap(port, area->virtual_address, area->length);
    *link = area->next;
    port->metadata_free(port->context, area);
}

/* ---- pieces of both orders ------------------------------------------------------------------- */

/* Gives the pages back; `status` is why. */
static enum ns_pool_status out_free_pages(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                          const struct block *block, enum ns_pool_status status) {
    (void)ns_dma_free_contiguous(direct, device, block->physical, block->size);
    return status;
}

static enum ns_pool_status done(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                struct block *block) {
    block->bus = ns_physical_to_bus(device, block->physical);
    tell(direct, "step 9: the handle is bus {x}, for physical {x}", block->bus, block->physical);
    return NS_POOL_OK;
}

/* Step 1. */
static enum ns_pool_status alloc_no_mapping(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                            struct block *block) {
    tell(direct, "step 1: pages only? yes: DMA_ATTR_NO_KERNEL_MAPPING, the result is a cookie", 0, 0);
    const enum ns_pool_status status =
        ns_dma_direct_alloc_pages(direct, device, block->size, block->gfp & ~NS___GFP_ZERO, &block->physical);
    if (status != NS_POOL_OK)
        return status;
    ns_arch_dma_prep_coherent(direct, block->physical, block->size);
    block->virtual_address = block->physical + 1;
    return done(direct, device, block);
}

/* Step 3: dma_direct_alloc_from_pool. */
static enum ns_pool_status alloc_from_pool(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                           struct block *block) {
    tell(direct, "step 3: from an atomic pool? yes: the caller may not block, and a remap or decryption may", 0, 0);
    const ns_gfp gfp = block->gfp | ns_dma_direct_optimal_gfp_mask(direct, device, NULL);
    const enum ns_pool_status status =
        ns_dma_alloc_from_pool(direct, device, block->size, gfp, &block->virtual_address, &block->physical);
    return status == NS_POOL_OK ? done(direct, device, block) : status;
}

/* Step 8. The flush comes after the zeroing, which was cacheable. */
static enum ns_pool_status make_uncached(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                         struct block *block) {
    ns_arch_dma_prep_coherent(direct, block->physical, block->size);
    const uint64_t linear = block->virtual_address;
    block->virtual_address = set_uncached(direct, linear, block->size);
    if (block->virtual_address != 0) {
        tell(direct, "step 8: the uncached alias is {x}", block->virtual_address, 0);
        return NS_POOL_OK;
    }
    if (!encrypt(direct, device, linear, block->size)) /* cannot be given to anyone: leaked */
        return NS_POOL_ERROR_EXHAUSTED;
    return out_free_pages(direct, device, block, NS_POOL_ERROR_EXHAUSTED);
}

/* ---- dma_direct_alloc, Linux 5.10 ------------------------------------------------------------ */

static enum ns_pool_status alloc_5_10(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                      struct block *block) {
    const struct ns_dma_direct_config *config = &direct->config;
    const bool coherent = ns_dev_is_dma_coherent(direct, device);
    const bool unencrypted = device->force_unencrypted;

    if ((block->attributes & NS_DMA_NO_KERNEL_MAPPING) != 0 && !unencrypted)
        return alloc_no_mapping(direct, device, block);

    if (!config->arch_has_dma_set_uncached && !config->dma_direct_remap && !coherent) {
        tell(direct, "step 2: from the architecture? yes: non-coherent device, neither set_uncached nor remap", 0, 0);
        return arch_dma_alloc(direct, device, block);
    }

    if (config->dma_coherent_pool && !ns_gfp_may_block(block->gfp) &&
        (unencrypted || (config->dma_direct_remap && !coherent)))
        return alloc_from_pool(direct, device, block);

    tell(direct, "step 4: pages from CMA or the buddy allocator", 0, 0);
    enum ns_pool_status status =
        ns_dma_direct_alloc_pages(direct, device, block->size, block->gfp & ~NS___GFP_ZERO, &block->physical);
    if (status != NS_POOL_OK)
        return status;
    const bool highmem = ns_dma_highmem(direct, block->physical);

    if ((config->dma_direct_remap && !coherent) || (config->dma_remap && highmem)) {
        tell(direct,
             highmem ? "step 5: remap? yes: highmem, it has no other mapping"
                     : "step 5: remap? yes: the device is not coherent, DMA_DIRECT_REMAP",
             0, 0);
        ns_arch_dma_prep_coherent(direct, block->physical, block->size);
        status = remap(direct, device, block);
        if (status != NS_POOL_OK)
            return out_free_pages(direct, device, block, status);
        if (!decrypt(direct, device, block->virtual_address, block->size)) /* the mapping stays: as published */
            return out_free_pages(direct, device, block, NS_POOL_ERROR_EXHAUSTED);
        tell(direct, "step 5: zeroed through the new mapping", 0, 0);
        zero(direct, block->virtual_address, block->size);
        return done(direct, device, block);
    }

    if (highmem) {
        ns_say(direct->port, NS_SAY_INFO, "dma_direct_alloc", "step 6: rejecting highmem page {x} from CMA",
               block->physical, 0);
        return out_free_pages(direct, device, block, NS_POOL_ERROR_EXHAUSTED);
    }

    block->virtual_address = direct->port->to_virtual(direct->port->context, block->physical);
    if (!decrypt(direct, device, block->virtual_address, block->size))
        return out_free_pages(direct, device, block, NS_POOL_ERROR_EXHAUSTED);
    tell(direct, "step 7: no remap: zeroed through the cacheable linear mapping {x}", block->virtual_address, 0);
    zero(direct, block->virtual_address, block->size);

    if (config->arch_has_dma_set_uncached && !coherent) {
        status = make_uncached(direct, device, block);
        if (status != NS_POOL_OK)
            return status;
    }
    return done(direct, device, block);
}

/* ---- dma_direct_alloc, recent ---------------------------------------------------------------- */

/* Step 2c. */
static enum ns_pool_status not_supported(struct ns_dma_direct *direct) {
    if (!direct->warned_unsupported)
        ns_say(direct->port, NS_SAY_WARN, "dma_direct_alloc", "coherent DMA allocations not supported on this platform",
               0, 0);
    direct->warned_unsupported = true;
    return NS_POOL_ERROR_EXHAUSTED;
}

static enum ns_pool_status alloc_recent(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                        struct block *block) {
    const struct ns_dma_direct_config *config = &direct->config;
    const bool unencrypted = device->force_unencrypted;
    bool remaps = false;
    bool sets_uncached = false;

    if ((block->attributes & NS_DMA_NO_KERNEL_MAPPING) != 0 && !unencrypted)
        return alloc_no_mapping(direct, device, block);

    if (!ns_dev_is_dma_coherent(direct, device)) {
        if (config->arch_has_dma_alloc) {
            tell(direct, "step 2a: from the architecture? yes: non-coherent device, ARCH_HAS_DMA_ALLOC", 0, 0);
            return arch_dma_alloc(direct, device, block);
        }
        if (config->dma_global_pool) {
            tell(direct, "step 2b: from the global pool? yes: DMA_GLOBAL_POOL, and there is no fallback", 0, 0);
            return config->global_pool ? ns_device_pool_alloc(config->global_pool, device, block->size,
                                                              &block->virtual_address, &block->bus)
                                       : NS_POOL_ERROR_EXHAUSTED;
        }
        sets_uncached = config->arch_has_dma_set_uncached;
        remaps = config->dma_direct_remap;
        if (!sets_uncached && !remaps)
            return not_supported(direct);
        tell(direct,
             remaps ? "step 2c: how uncached? by a remap: DMA_DIRECT_REMAP" : "step 2c: how uncached? by set_uncached",
             0, 0);
    }

    if ((remaps || unencrypted) && !ns_gfp_may_block(block->gfp)) {
        if (config->dma_coherent_pool)
            return alloc_from_pool(direct, device, block);
        ns_say(direct->port, NS_SAY_WARN, "dma_direct_alloc_from_pool", "there are no atomic pools (DMA_COHERENT_POOL)",
               0, 0);
        return NS_POOL_ERROR_EXHAUSTED;
    }

    tell(direct, "step 4: pages from CMA or the buddy allocator", 0, 0);
    enum ns_pool_status status =
        ns_dma_direct_alloc_pages(direct, device, block->size, block->gfp & ~NS___GFP_ZERO, &block->physical);
    if (status != NS_POOL_OK)
        return status;

    if (ns_dma_highmem(direct, block->physical)) {
        tell(direct, "step 5: remap? yes: highmem, it has no other mapping", 0, 0);
        remaps = true;
        sets_uncached = false;
    }

    if (remaps) {
        ns_arch_dma_prep_coherent(direct, block->physical, block->size);
        status = remap(direct, device, block); /* with unencrypted memory the PTE says so: nothing to fail */
        if (status != NS_POOL_OK)
            return out_free_pages(direct, device, block, status);
    } else {
        block->virtual_address = direct->port->to_virtual(direct->port->context, block->physical);
        if (!decrypt(direct, device, block->virtual_address, block->size)) {
            ns_say(direct->port, NS_SAY_WARN, "dma_direct_alloc", "decryption failed: {d} bytes at {x} are leaked",
                   block->size, block->physical);
            return NS_POOL_ERROR_EXHAUSTED;
        }
    }

    tell(direct,
         remaps ? "step 5: zeroed through the new mapping"
                : "step 7: no remap: zeroed through the cacheable linear mapping",
         0, 0);
    zero(direct, block->virtual_address, block->size);

    if (sets_uncached) {
        status = make_uncached(direct, device, block);
        if (status != NS_POOL_OK)
            return status;
    }
    return done(direct, device, block);
}

enum ns_pool_status ns_dma_direct_alloc(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                        uint64_t size, ns_gfp gfp, unsigned attributes, uint64_t *virtual_address,
                                        uint64_t *bus) {
    *virtual_address = 0;
    *bus = NS_DMA_MAPPING_ERROR;
    if (size == 0)
        return NS_POOL_ERROR_ARGUMENT;
    if (size > UINT64_C(1) << 62) /* no sum below can wrap */
        return NS_POOL_ERROR_EXHAUSTED;

    struct block block = {.size = page_align(size), .gfp = gfp, .attributes = attributes};
    if ((attributes & NS_DMA_NO_WARN) != 0)
        block.gfp |= NS___GFP_NOWARN;
    tell(direct, "step 0: {d} bytes are {d} pages", size, block.size / NS_FRAME_SIZE);

    const enum ns_pool_status status = direct->config.kernel == NS_KERNEL_5_10 ? alloc_5_10(direct, device, &block)
                                                                               : alloc_recent(direct, device, &block);
    if (status == NS_POOL_OK) {
        *virtual_address = block.virtual_address;
        *bus = block.bus;
    }
    return status;
}

/* ---- dma_direct_free ------------------------------------------------------------------------- */

static enum ns_pool_status free_nothing(struct ns_dma_direct *direct, uint64_t address, uint64_t size) {
    direct->port->misuse(direct->port->context, NS_MISUSE_FOREIGN_FREE, address, size);
    return NS_POOL_ERROR_MISUSE;
}

/* The architecture's and the global pool's memory. False: not theirs. */
static bool free_elsewhere(struct ns_dma_direct *direct, const struct ns_pool_device *device, const struct block *block,
                           enum ns_pool_status *status) {
    const struct ns_dma_direct_config *config = &direct->config;
    const bool recent = config->kernel != NS_KERNEL_5_10;
    *status = NS_POOL_OK;
    if (ns_dev_is_dma_coherent(direct, device))
        return false;
    if (recent ? config->arch_has_dma_alloc : !config->arch_has_dma_set_uncached && !config->dma_direct_remap) {
        if (config->arch.free)
            config->arch.free(config->arch.context, device, block->size, block->virtual_address, block->bus,
                              block->attributes);
        return true;
    }
    if (recent && config->dma_global_pool) {
        if (config->global_pool && ns_device_pool_contains(config->global_pool, block->virtual_address)) {
            *status = ns_device_pool_free(config->global_pool, block->size, block->virtual_address);
        } else {
            ns_say(direct->port, NS_SAY_WARN, "dma_direct_free", "{x} is not from the global pool",
                   block->virtual_address, 0);
            *status = free_nothing(direct, block->virtual_address, block->size);
        }
        return true;
    }
    return false;
}

enum ns_pool_status ns_dma_direct_free(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                       uint64_t virtual_address, uint64_t bus, unsigned attributes) {
    if (size == 0 || size > UINT64_C(1) << 62)
        return NS_POOL_ERROR_ARGUMENT;
    const struct block block = {
        .size = page_align(size), .attributes = attributes, .virtual_address = virtual_address, .bus = bus};

    if ((attributes & NS_DMA_NO_KERNEL_MAPPING) != 0 && !device->force_unencrypted)
        return virtual_address % NS_FRAME_SIZE == 1
                   ? ns_dma_free_contiguous(direct, device, virtual_address - 1, block.size)
                   : free_nothing(direct, virtual_address, size);

    enum ns_pool_status status;
    if (free_elsewhere(direct, device, &block, &status))
        return status;

    if (direct->config.dma_coherent_pool && ns_dma_free_from_pool(direct, virtual_address, block.size, &status))
        return status;

    struct ns_dma_area **area = find_area(direct, virtual_address);
    const bool recent = direct->config.kernel != NS_KERNEL_5_10;
    if (!recent)
        (void)encrypt(direct, device, virtual_address, block.size); /* nobody looks at the answer */
    if (area)
        unmap(direct, area, virtual_address);
    else if (direct->config.arch_has_dma_set_uncached)
        clear_uncached(direct, virtual_address, block.size);
    if (recent && !area && !encrypt(direct, device, virtual_address, block.size)) {
        ns_say(direct->port, NS_SAY_WARN, "dma_direct_free", "encryption failed: {d} bytes at bus {x} are leaked",
               block.size, bus);
        return NS_POOL_OK;
    }

    const uint64_t physical = ns_bus_to_physical(device, bus);
    if (physical == NS_DMA_MAPPING_ERROR || physical % NS_FRAME_SIZE != 0)
        return free_nothing(direct, virtual_address, size);
    return ns_dma_free_contiguous(direct, device, physical, block.size);
}

/* ---- life ------------------------------------------------------------------------------------ */

enum ns_pool_status ns_dma_direct_create(const struct ns_port *port, struct ns_frames *frames,
                                         const struct ns_dma_direct_config *config, struct ns_dma_direct **direct) {
    if (config->ram_end < NS_FRAME_SIZE || (unsigned)config->kernel > NS_KERNEL_7 ||
        (unsigned)config->prepare > NS_PREPARE_NONE || (unsigned)config->pgprot >= NS_PGPROT_ARCH_COUNT ||
        (unsigned)config->checks > NS_CHECKS_KERNEL || (unsigned)config->address_test > NS_ADDRESS_PHYSICAL)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_dma_direct *made = port->metadata_allocate(port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->frames = frames;
    made->config = *config;
    const uint64_t dma = ns_frames_limit(frames, NS_POOL_ZONE_DMA);
    made->zone_dma = dma != 0;
    made->zone_dma32 = ns_frames_limit(frames, NS_POOL_ZONE_DMA32) != dma;
    if (made->config.zone_dma_limit == 0)
        made->config.zone_dma_limit = made->zone_dma ? dma - 1 : (UINT64_C(1) << 24) - 1;
    *direct = made;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_direct_destroy(struct ns_dma_direct *direct) {
    if (!direct)
        return NS_POOL_OK;
    const struct ns_port *port = direct->port;
    if (direct->live != 0 || direct->atomic_pools) {
        port->misuse(port->context, NS_MISUSE_DESTROY_BUSY, 0, 0);
        return NS_POOL_ERROR_BUSY;
    }
    while (direct->areas)
        unmap(direct, &direct->areas, direct->areas->virtual_address);
    port->metadata_free(port->context, direct);
    return NS_POOL_OK;
}

void ns_dma_direct_arch_ready(struct ns_dma_direct *direct) {
    direct->arch_ready = true;
}
