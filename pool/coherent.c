/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/coherent.h"

#include "pool/device_pool.h"
#include "pool/dma_mask.h"
#include "pool/say.h"

static void tell(const struct ns_dma_direct *direct, const char *text, uint64_t first, uint64_t second) {
    ns_say(direct->port, NS_SAY_DECISION, "dma_alloc_attrs", text, first, second);
}

static bool recent(const struct ns_dma_direct *direct) {
    return direct->config.kernel != NS_KERNEL_5_10;
}

/* get_dma_ops. */
static const struct ns_dma_ops *ops_of(const struct ns_dma_direct *direct, const struct ns_pool_device *device) {
    const bool iommu = recent(direct) && device->use_dma_iommu;
    return direct->config.dma_ops || iommu ? device->dma_ops : NULL;
}

/* ---- records --------------------------------------------------------------------------------- */

/* What an allocation said, to compare its free with. */
struct ns_coherent_record {
    struct ns_coherent_record *next;
    const struct ns_pool_device *device;
    uint64_t virtual_address;
    uint64_t bus;
    uint64_t pages;
    unsigned attributes;
};

static uint64_t pages_of(uint64_t size) {
    return size / NS_FRAME_SIZE + (size % NS_FRAME_SIZE != 0);
}

/* The link to the record; NULL when nothing that is allocated begins at the address. */
static struct ns_coherent_record **find_record(struct ns_dma_direct *direct, uint64_t virtual_address) {
    for (struct ns_coherent_record **link = &direct->records; *link; link = &(*link)->next)
        if ((*link)->virtual_address == virtual_address)
            return link;
    return NULL;
}

static enum ns_pool_status refuse(const struct ns_dma_direct *direct, enum ns_port_misuse what,
                                  uint64_t virtual_address, uint64_t size) {
    direct->port->misuse(direct->port->context, what, virtual_address, size);
    return NS_POOL_ERROR_MISUSE;
}

/* Memory that the allocators below have free now was freed before, or never allocated: they cannot tell, and a driver
 * that frees it has mostly done so twice. */
static bool free_already(const struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                         uint64_t virtual_address, uint64_t bus) {
    if (device->device_pool && ns_device_pool_contains(device->device_pool, virtual_address))
        return true;
    const uint64_t physical = ns_bus_to_physical(device, bus);
    return ns_frames_block_state(direct->frames, physical, pages_of(size)) == NS_FRAMES_BLOCK_FREE;
}

static enum ns_pool_status check_free(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                      uint64_t virtual_address, uint64_t bus, unsigned attributes) {
    struct ns_coherent_record **link = find_record(direct, virtual_address);
    if (!link)
        return refuse(direct,
                      free_already(direct, device, size, virtual_address, bus) ? NS_MISUSE_DOUBLE_FREE
                                                                               : NS_MISUSE_FOREIGN_FREE,
                      virtual_address, size);
    const struct ns_coherent_record *record = *link;
    if (record->pages != pages_of(size))
        return refuse(direct, NS_MISUSE_FREE_SIZE, virtual_address, size);
    if (record->bus != bus || record->device != device)
        return refuse(direct, NS_MISUSE_FREE_HANDLE, virtual_address, size);
    if (((record->attributes ^ attributes) & NS_DMA_NO_KERNEL_MAPPING) != 0)
        return refuse(direct, NS_MISUSE_FREE_FUNCTION, virtual_address, size);
    return NS_POOL_OK;
}

/* ---- dma_alloc_attrs ------------------------------------------------------------------------- */

/* dma_go_direct. */
bool ns_dma_alloc_direct(const struct ns_dma_direct *direct, const struct ns_pool_device *device) {
    if (recent(direct) && device->use_dma_iommu) {
        tell(direct, "step 5: direct? no: the device is behind an IOMMU", 0, 0);
        return false;
    }
    if (!ops_of(direct, device)) {
        tell(direct, "step 5: direct? yes: no dma_ops", 0, 0);
        return true;
    }
    if (!direct->config.dma_ops_bypass || !device->dma_ops_bypass) {
        tell(direct, "step 5: direct? no: the device has dma_ops, and no permission to bypass them", 0, 0);
        return false;
    }
    const uint64_t limit = ns_dma_coherent_limit(device);
    const uint64_t required = ns_dma_direct_get_required_mask(direct, device);
    tell(direct,
         limit >= required ? "step 5: direct? yes: bypass allowed, and the limit {x} covers all memory, {x}"
                           : "step 5: direct? no: bypass allowed, but the limit {x} does not cover all memory, {x}",
         limit, required);
    return limit >= required;
}

/* Steps 5 and 6. */
static enum ns_pool_status allocate(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                    ns_gfp gfp, unsigned attributes, uint64_t *virtual_address, uint64_t *bus) {
    if (ns_dma_alloc_direct(direct, device))
        return ns_dma_direct_alloc(direct, device, size, gfp, attributes, virtual_address, bus);
    const struct ns_dma_ops *ops = ops_of(direct, device);
    if (!ops || !ops->alloc) {
        tell(direct, "step 6: allocate? no: the operations have no alloc", 0, 0);
        return NS_POOL_ERROR_EXHAUSTED;
    }
    tell(direct, "step 6: allocate through the operations", 0, 0);
    return ops->alloc(ops->context, device, size, gfp, attributes, virtual_address, bus);
}

/* Steps 1 to 6. */
static enum ns_pool_status alloc_attrs(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                       ns_gfp gfp, unsigned attributes, uint64_t *virtual_address, uint64_t *bus) {
    tell(direct,
         ops_of(direct, device) ? "step 1: has the device dma_ops? yes"
                                : "step 1: has the device dma_ops? no, or this kernel knows none (DMA_OPS)",
         0, 0);

    if (device->coherent_dma_mask == 0 && !direct->warned_zero_mask) {
        ns_say(direct->port, NS_SAY_WARN, "dma_alloc_attrs", "step 2: coherent_dma_mask is 0; going on", 0, 0);
        direct->warned_zero_mask = true;
    }

    if (recent(direct) && (gfp & NS___GFP_COMP) != 0) {
        ns_say(direct->port, NS_SAY_WARN, "dma_alloc_attrs", "compound pages (__GFP_COMP) make no sense here", 0, 0);
        return NS_POOL_ERROR_ARGUMENT;
    }

    if (device->device_pool) {
        tell(direct, "step 3: has it a pool of its own? yes: that one's answer is the answer", 0, 0);
        return ns_device_pool_alloc(device->device_pool, device, size, virtual_address, bus);
    }
    tell(direct, "step 3: has it a pool of its own? no", 0, 0);

    if ((gfp & NS___GFP_ZONES) != 0)
        tell(direct, "step 4: zone flags {x} of the caller? cleared: the mask {x} decides", gfp & NS___GFP_ZONES,
             device->coherent_dma_mask);
    return allocate(direct, device, size, gfp & ~NS___GFP_ZONES, attributes, virtual_address, bus);
}

enum ns_pool_status ns_dma_alloc_attrs(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                       ns_gfp gfp, unsigned attributes, uint64_t *virtual_address, uint64_t *bus) {
    *virtual_address = 0;
    *bus = NS_DMA_MAPPING_ERROR;
    if (size == 0)
        return NS_POOL_ERROR_ARGUMENT;
    const struct ns_port *port = direct->port;
    struct ns_coherent_record *record = NULL;
    if (direct->config.checks == NS_CHECKS_STRICT) {
        record = port->metadata_allocate(port->context, sizeof *record);
        if (!record)
            return NS_POOL_ERROR_METADATA;
    }
    const enum ns_pool_status status = alloc_attrs(direct, device, size, gfp, attributes, virtual_address, bus);
    if (status != NS_POOL_OK) {
        tell(direct, "no memory", 0, 0);
        *virtual_address = 0;
        *bus = NS_DMA_MAPPING_ERROR;
        if (record)
            port->metadata_free(port->context, record);
        return status;
    }
    /* Step 7. */
    direct->live++;
    if (record) {
        *record =
            (struct ns_coherent_record){direct->records, device, *virtual_address, *bus, pages_of(size), attributes};
        direct->records = record;
    }
    return NS_POOL_OK;
}

/* ---- dma_free_attrs -------------------------------------------------------------------------- */

static enum ns_pool_status free_attrs(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                      uint64_t virtual_address, uint64_t bus, unsigned attributes) {
    if (device->device_pool && ns_device_pool_contains(device->device_pool, virtual_address))
        return ns_device_pool_free(device->device_pool, size, virtual_address);
    if (ns_dma_alloc_direct(direct, device))
        return ns_dma_direct_free(direct, device, size, virtual_address, bus, attributes);
    const struct ns_dma_ops *ops = ops_of(direct, device);
    return ops && ops->free ? ops->free(ops->context, device, size, virtual_address, bus, attributes) : NS_POOL_OK;
}

enum ns_pool_status ns_dma_free_attrs(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                      uint64_t virtual_address, uint64_t bus, unsigned attributes) {
    if (virtual_address == 0)
        return NS_POOL_OK;
    enum ns_pool_status status = NS_POOL_OK;
    if (direct->config.checks == NS_CHECKS_STRICT)
        status = check_free(direct, device, size, virtual_address, bus, attributes);
    if (status == NS_POOL_OK)
        status = free_attrs(direct, device, size, virtual_address, bus, attributes);
    if (status != NS_POOL_OK)
        return status;
    if (direct->live > 0)
        direct->live--;
    struct ns_coherent_record **link = find_record(direct, virtual_address);
    if (link) {
        struct ns_coherent_record *record = *link;
        *link = record->next;
        direct->port->metadata_free(direct->port->context, record);
    }
    return NS_POOL_OK;
}

/* ---- the usual names ------------------------------------------------------------------------- */

static unsigned no_warn(ns_gfp gfp) {
    return (gfp & NS___GFP_NOWARN) != 0 ? NS_DMA_NO_WARN : 0;
}

enum ns_pool_status ns_dma_alloc_coherent(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                          uint64_t size, ns_gfp gfp, uint64_t *virtual_address, uint64_t *bus) {
    return ns_dma_alloc_attrs(direct, device, size, gfp, no_warn(gfp), virtual_address, bus);
}

enum ns_pool_status ns_dma_free_coherent(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                         uint64_t size, uint64_t virtual_address, uint64_t bus) {
    return ns_dma_free_attrs(direct, device, size, virtual_address, bus, 0);
}

enum ns_pool_status ns_dma_alloc_wc(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                    ns_gfp gfp, uint64_t *virtual_address, uint64_t *bus) {
    return ns_dma_alloc_attrs(direct, device, size, gfp, NS_DMA_WRITE_COMBINE | no_warn(gfp), virtual_address, bus);
}

enum ns_pool_status ns_dma_free_wc(struct ns_dma_direct *direct, const struct ns_pool_device *device, uint64_t size,
                                   uint64_t virtual_address, uint64_t bus) {
    return ns_dma_free_attrs(direct, device, size, virtual_address, bus, NS_DMA_WRITE_COMBINE);
}
