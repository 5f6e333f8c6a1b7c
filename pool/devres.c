/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/devres.h"

#include "pool/say.h"

struct record {
    struct record *next; /* older */
    uint64_t size;
    uint64_t virtual_address;
    uint64_t bus;
    unsigned attributes;
};

struct ns_devres {
    struct ns_dma_direct *direct;
    const struct ns_pool_device *device;
    struct ns_devres_config config;
    struct record *newest;
};

enum ns_pool_status ns_devres_create(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                     const struct ns_devres_config *config, struct ns_devres **devres) {
    if (!device || (unsigned)config->order > NS_DEVRES_MEMORY_FIRST)
        return NS_POOL_ERROR_ARGUMENT;
    struct ns_devres *made = direct->port->metadata_allocate(direct->port->context, sizeof *made);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->direct = direct;
    made->device = device;
    made->config = *config;
    *devres = made;
    return NS_POOL_OK;
}

/* ---- allocation ------------------------------------------------------------------------------ */

enum ns_pool_status ns_dmam_alloc_attrs(struct ns_devres *devres, uint64_t size, ns_gfp gfp, unsigned attributes,
                                        uint64_t *virtual_address, uint64_t *bus) {
    const struct ns_port *port = devres->direct->port;
    *virtual_address = 0;
    *bus = NS_DMA_MAPPING_ERROR;
    struct record *record = port->metadata_allocate(port->context, sizeof *record);
    if (!record)
        return NS_POOL_ERROR_METADATA;
    const enum ns_pool_status status =
        ns_dma_alloc_attrs(devres->direct, devres->device, size, gfp, attributes, virtual_address, bus);
    if (status != NS_POOL_OK) {
        port->metadata_free(port->context, record);
        return status;
    }
    *record = (struct record){devres->newest, size, *virtual_address, *bus, attributes};
    devres->newest = record;
    return NS_POOL_OK;
}

enum ns_pool_status ns_dmam_alloc_coherent(struct ns_devres *devres, uint64_t size, ns_gfp gfp,
                                           uint64_t *virtual_address, uint64_t *bus) {
    return ns_dmam_alloc_attrs(devres, size, gfp, 0, virtual_address, bus);
}

/* ---- return ---------------------------------------------------------------------------------- */

static enum ns_pool_status warn(const struct ns_devres *devres, enum ns_port_misuse what, const char *text,
                                uint64_t virtual_address, uint64_t size) {
    const struct ns_port *port = devres->direct->port;
    ns_say(port, NS_SAY_WARN, "dmam_free_coherent", text, virtual_address, size);
    port->misuse(port->context, what, virtual_address, size);
    return NS_POOL_ERROR_MISUSE;
}

/* devres_destroy with dmam_match: the newest record with this virtual address, whatever else it says. */
static enum ns_pool_status remove_record(struct ns_devres *devres, uint64_t size, uint64_t virtual_address,
                                         uint64_t bus) {
    for (struct record **link = &devres->newest; *link; link = &(*link)->next) {
        struct record *record = *link;
        if (record->virtual_address != virtual_address)
            continue;
        enum ns_pool_status status = NS_POOL_OK;
        if (record->size != size)
            status =
                warn(devres, NS_MISUSE_FREE_SIZE, "the record of {x} has another size than {d}", virtual_address, size);
        else if (record->bus != bus)
            status = warn(devres, NS_MISUSE_FREE_HANDLE, "the record of {x} has another handle", virtual_address, size);
        *link = record->next;
        devres->direct->port->metadata_free(devres->direct->port->context, record);
        return status;
    }
    return warn(devres, NS_MISUSE_FOREIGN_FREE, "there is no record of {x}", virtual_address, size);
}

static void between(const struct ns_devres *devres) {
    if (devres->config.between)
        devres->config.between(devres->config.context);
}

enum ns_pool_status ns_dmam_free_coherent(struct ns_devres *devres, uint64_t size, uint64_t virtual_address,
                                          uint64_t bus) {
    enum ns_pool_status record;
    enum ns_pool_status memory;
    if (devres->config.order == NS_DEVRES_RECORD_FIRST) {
        record = remove_record(devres, size, virtual_address, bus);
        between(devres);
        memory = ns_dma_free_coherent(devres->direct, devres->device, size, virtual_address, bus);
    } else {
        memory = ns_dma_free_coherent(devres->direct, devres->device, size, virtual_address, bus);
        between(devres);
        record = remove_record(devres, size, virtual_address, bus);
    }
    return record != NS_POOL_OK ? record : memory;
}

enum ns_pool_status ns_devres_release_all(struct ns_devres *devres) {
    if (!devres)
        return NS_POOL_OK;
    const struct ns_port *port = devres->direct->port;
    enum ns_pool_status status = NS_POOL_OK;
    while (devres->newest) {
        struct record *record = devres->newest;
        devres->newest = record->next;
        const enum ns_pool_status freed = ns_dma_free_attrs(devres->direct, devres->device, record->size,
                                                            record->virtual_address, record->bus, record->attributes);
        if (status == NS_POOL_OK)
            status = freed;
        port->metadata_free(port->context, record);
    }
    port->metadata_free(port->context, devres);
    return status;
}

uint64_t ns_devres_count(const struct ns_devres *devres) {
    uint64_t count = 0;
    for (const struct record *record = devres->newest; record; record = record->next)
        count++;
    return count;
}
