/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/attributes.h"

#include "pool/zone.h"

/* V, R, W, A, D. G would mean nothing: all harts share one table. */
#define PAGE_KERNEL (UINT64_C(1) | UINT64_C(1) << 1 | UINT64_C(1) << 2 | UINT64_C(1) << 6 | UINT64_C(1) << 7)
enum { PPN_SHIFT = 10 };

uint64_t ns_make_pte(const struct ns_port *port, uint64_t physical, enum ns_port_type type) {
    return physical / NS_FRAME_SIZE << PPN_SHIFT | PAGE_KERNEL | port->pte_type_bits(port->context, type);
}

static bool all_mapped(const struct ns_port *port, uint64_t virtual_address, uint64_t length) {
    for (uint64_t offset = 0; offset < length; offset += NS_FRAME_SIZE)
        if (port->to_physical(port->context, virtual_address + offset) == UINT64_MAX)
            return false;
    return true;
}

/* How many bytes from the start on have the new PTE afterwards. */
static uint64_t store_ptes(const struct ns_port *port, uint64_t virtual_address, uint64_t length,
                           enum ns_port_type type) {
    for (uint64_t offset = 0; offset < length; offset += NS_FRAME_SIZE) {
        const uint64_t physical = port->to_physical(port->context, virtual_address + offset);
        if (!port->set_pte(port->context, virtual_address + offset, ns_make_pte(port, physical, type)))
            return offset;
    }
    return length;
}

static void flush(const struct ns_port *port, uint64_t virtual_address, uint64_t length) {
    if (length == 0)
        return;
    port->barrier(port->context);
    port->maintain(port->context, NS_PORT_FLUSH, NS_PORT_SCOPE_POC, virtual_address, length);
    port->barrier(port->context);
}

enum ns_pool_status ns_change_attribute(const struct ns_port *port, uint64_t virtual_address, uint64_t length,
                                        enum ns_port_type type, enum ns_attribute_change change) {
    if (virtual_address % NS_FRAME_SIZE != 0 || length % NS_FRAME_SIZE != 0 || length == 0 ||
        virtual_address + (length - 1) < virtual_address || (unsigned)type > NS_PORT_IO ||
        (unsigned)change >= NS_ATTRIBUTE_CHANGE_COUNT || !all_mapped(port, virtual_address, length))
        return NS_POOL_ERROR_ARGUMENT;
    if (change == NS_CHANGE_FLUSH_FIRST)
        flush(port, virtual_address, length);
    const uint64_t changed = store_ptes(port, virtual_address, length, type);
    if (change != NS_CHANGE_WITHOUT_SFENCE && changed != 0)
        port->flush_tlb(port->context, virtual_address, changed);
    if (change == NS_CHANGE_COMPLETE || change == NS_CHANGE_WITHOUT_SFENCE)
        flush(port, virtual_address, changed);
    return changed == length ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED;
}
