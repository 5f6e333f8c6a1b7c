/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/remap.h"

#include "pool/attributes.h"
#include "pool/say.h"

enum { PAGE = 4096 };

static bool set_pte_at(const struct ns_port *port, uint64_t virtual_address, uint64_t pte) {
    return port->set_pte(port->context, virtual_address, pte);
}

static void unmap_kernel_range(const struct ns_port *port, uint64_t virtual_address, uint64_t length) {
    for (uint64_t offset = 0; offset < length; offset += PAGE)
        if (port->get_pte(port->context, virtual_address + offset) != 0)
            (void)set_pte_at(port, virtual_address + offset, 0);
    port->flush_tlb(port->context, virtual_address, length);
}

static enum ns_pool_status vmap_pte_range(const struct ns_port *port, uint64_t virtual_address, uint64_t physical,
                                          uint64_t length, enum ns_port_type type) {
    for (uint64_t offset = 0; offset < length; offset += PAGE) {
        enum ns_pool_status status = NS_POOL_OK;
        if (port->get_pte(port->context, virtual_address + offset) != 0) {
            ns_say(port, NS_SAY_WARN, "vmap_pte_range", "a PTE for {x} is there already (-EBUSY)",
                   virtual_address + offset, 0);
            status = NS_POOL_ERROR_BUSY;
        } else if (!set_pte_at(port, virtual_address + offset, ns_make_pte(port, physical + offset, type))) {
            status = NS_POOL_ERROR_EXHAUSTED;
        }
        if (status != NS_POOL_OK) {
            if (offset != 0)
                unmap_kernel_range(port, virtual_address, offset);
            return status;
        }
    }
    return NS_POOL_OK;
}

enum ns_pool_status ns_dma_common_contiguous_remap(const struct ns_port *port, uint64_t physical, uint64_t length,
                                                   enum ns_port_type type, uint64_t *virtual_address) {
    const uint64_t area = port->reserve_virtual(port->context, length);
    if (area == 0)
        return NS_POOL_ERROR_EXHAUSTED;
    const enum ns_pool_status status = vmap_pte_range(port, area, physical, length, type);
    if (status != NS_POOL_OK) {
        port->release_virtual(port->context, area, length);
        return status;
    }
    *virtual_address = area;
    return NS_POOL_OK;
}

void ns_dma_common_free_remap(const struct ns_port *port, uint64_t virtual_address, uint64_t length) {
    unmap_kernel_range(port, virtual_address, length);
    port->release_virtual(port->context, virtual_address, length);
}
