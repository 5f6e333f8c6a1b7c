/* SPDX-License-Identifier: Apache-2.0 */
/* The streaming API's cache operations: arch_sync_dma_for_device, arch_sync_dma_for_cpu, arch_dma_prep_coherent. */
#include "pool/mapping_internal.h"
#include "pool/say.h"

/* ---- one operation on a mapped range --------------------------------------------------------- */

/* How far the three cache operations reach. */
struct reach {
    enum ns_port_scope clean, other;
};

static void maintain(const struct ns_dma *dma, enum ns_port_cache_op op, const struct reach *reach, uint64_t address,
                     uint64_t length) {
    if (length != 0)
        dma->port->maintain(dma->port->context, op, op == NS_PORT_CLEAN ? reach->clean : reach->other, address, length);
}

/* arm64 5.10 __dma_inv_area: lines that the range covers only in part are flushed, the end before the start, because
 * a neighbour may have dirtied them. */
static void flush_edges_invalidate_rest(const struct ns_dma *dma, const struct reach *reach, uint64_t address,
                                        uint64_t length) {
    const uint64_t line_mask = dma->config.line_size - UINT64_C(1);
    const uint64_t end = address + length;
    const uint64_t first_whole = (address + line_mask) & ~line_mask;
    const uint64_t end_whole = end & ~line_mask;
    if (first_whole > end_whole) { /* inside one line */
        maintain(dma, NS_PORT_FLUSH, reach, address, length);
        return;
    }
    maintain(dma, NS_PORT_FLUSH, reach, end_whole, end - end_whole);
    maintain(dma, NS_PORT_FLUSH, reach, address, first_whole - address);
    maintain(dma, NS_PORT_INVALIDATE, reach, first_whole, end_whole - first_whole);
}

static void operate_within(const struct ns_dma *dma, enum ns_dma_operation operation, const struct reach *reach,
                           uint64_t address, uint64_t length) {
    switch (operation) {
    case NS_DMA_OPERATION_NONE:
        return;
    case NS_DMA_OPERATION_CLEAN:
        maintain(dma, NS_PORT_CLEAN, reach, address, length);
        break;
    case NS_DMA_OPERATION_INVALIDATE:
        maintain(dma, NS_PORT_INVALIDATE, reach, address, length);
        break;
    case NS_DMA_OPERATION_FLUSH:
        maintain(dma, NS_PORT_FLUSH, reach, address, length);
        break;
    case NS_DMA_OPERATION_EDGE_FLUSH:
        flush_edges_invalidate_rest(dma, reach, address, length);
        break;
    }
    dma->port->barrier(dma->port->context);
}

static void operate(const struct ns_dma *dma, enum ns_mapping_side side, enum ns_dma_operation operation,
                    uint64_t address, uint64_t length) {
    if (operation == NS_DMA_OPERATION_NONE)
        return;
    if (!dma->arch_ready) {
        ns_say(dma->port, NS_SAY_DECISION, "arch_sync_dma",
               "no cache operation on {x}: the arch_initcall that enables it has not run", address, 0);
        return;
    }
    const struct reach both = {dma->operations->clean_scope, NS_PORT_SCOPE_POC};
    const struct reach inner = {NS_PORT_SCOPE_L1, NS_PORT_SCOPE_L1}, outer = {NS_PORT_SCOPE_OUTER, NS_PORT_SCOPE_OUTER};
    const enum ns_dma_outer_cache order = dma->operations->outer;
    if (order == NS_DMA_OUTER_NONE) {
        operate_within(dma, operation, &both, address, length);
        return;
    }
    const bool inner_first = (side == NS_MAPPING_FOR_DEVICE) == (order == NS_DMA_OUTER_RIGHT);
    operate_within(dma, operation, inner_first ? &inner : &outer, address, length);
    operate_within(dma, operation, inner_first ? &outer : &inner, address, length);
}

static enum ns_dma_operation operation_of(const struct ns_dma *dma, enum ns_mapping_side side,
                                          enum ns_dma_direction direction) {
    return side == NS_MAPPING_FOR_DEVICE ? dma->operations->for_device[direction] : dma->operations->for_cpu[direction];
}

void ns_mapping_maintain_address(const struct ns_dma *dma, enum ns_mapping_side side, enum ns_dma_direction direction,
                                 uint64_t address, uint64_t length) {
    operate(dma, side, operation_of(dma, side, direction), address, length);
}

/* ---- physical addresses ---------------------------------------------------------------------- */

bool ns_mapping_translates(const struct ns_port *port, uint64_t address, uint64_t length, uint64_t physical) {
    const uint64_t more = length - 1;
    return address + more >= address && physical + more >= physical &&
           port->to_physical(port->context, address) == physical &&
           port->to_physical(port->context, address + more) == physical + more;
}

static bool linear(const struct ns_dma *dma, uint64_t physical, uint64_t length, uint64_t *address) {
    *address = dma->port->to_virtual(dma->port->context, physical);
    return ns_mapping_translates(dma->port, *address, length, physical);
}

static bool show_in_window(const struct ns_dma *dma, uint64_t physical) {
    const struct ns_port *port = dma->port;
    const uint64_t read_write_accessed_dirty = 0xc6, valid = 1;
    const uint64_t pte = physical / NS_FRAME_SIZE << 10 | port->pte_type_bits(port->context, NS_PORT_CACHEABLE) |
                         read_write_accessed_dirty | valid;
    return port->set_pte(port->context, dma->window, pte);
}

static void clear_window(const struct ns_dma *dma) {
    const struct ns_port *port = dma->port;
    (void)port->set_pte(port->context, dma->window, 0);
    port->flush_tlb(port->context, dma->window, NS_FRAME_SIZE);
}

enum ns_pool_status ns_mapping_can_maintain(struct ns_dma *dma, uint64_t physical, uint64_t length) {
    const struct ns_port *port = dma->port;
    uint64_t address = 0;
    if (dma->window != 0 || linear(dma, physical, length, &address))
        return NS_POOL_OK;
    dma->window = port->reserve_virtual(port->context, NS_FRAME_SIZE);
    if (dma->window == 0)
        return NS_POOL_ERROR_EXHAUSTED;
    /* Once tried, the table for this address exists. */
    if (show_in_window(dma, physical & ~(NS_FRAME_SIZE - 1))) {
        clear_window(dma);
        return NS_POOL_OK;
    }
    port->release_virtual(port->context, dma->window, NS_FRAME_SIZE);
    dma->window = 0;
    return NS_POOL_ERROR_EXHAUSTED;
}

void ns_mapping_maintain_physical(struct ns_dma *dma, enum ns_mapping_side side, enum ns_dma_direction direction,
                                  uint64_t physical, uint64_t length) {
    const enum ns_dma_operation operation = operation_of(dma, side, direction);
    uint64_t address = 0;
    if (operation == NS_DMA_OPERATION_NONE)
        return;
    if (linear(dma, physical, length, &address)) {
        operate(dma, side, operation, address, length);
        return;
    }
    if (!ns_mapping_is_ram(dma, physical, length))
        return;
    bool shown = ns_mapping_can_maintain(dma, physical, length) == NS_POOL_OK;
    while (shown && length != 0) {
        const uint64_t in_page = physical % NS_FRAME_SIZE;
        const uint64_t part = length < NS_FRAME_SIZE - in_page ? length : NS_FRAME_SIZE - in_page;
        shown = show_in_window(dma, physical - in_page);
        if (!shown)
            break;
        operate(dma, side, operation, dma->window + in_page, part);
        clear_window(dma);
        physical += part;
        length -= part;
    }
    if (!shown)
        ns_say(dma->port, NS_SAY_WARN, "dma_cache_maint_page", "no kernel address for the page at {x}: not maintained",
               physical, 0);
}

/* ---- coherent memory, and the boot ----------------------------------------------------------- */

void ns_dma_arch_ready(struct ns_dma *dma) {
    dma->arch_ready = true;
}

enum ns_pool_status ns_dma_prepare_coherent(struct ns_dma *dma, uint64_t virtual_address, uint64_t length) {
    const struct ns_port *port = dma->port;
    if (length == 0)
        return NS_POOL_ERROR_ARGUMENT;
    const uint64_t physical = port->to_physical(port->context, virtual_address);
    if (physical == NS_DMA_MAPPING_ERROR || !ns_mapping_translates(port, virtual_address, length, physical))
        return NS_POOL_ERROR_ARGUMENT;
    if (dma->operations->prepare_coherent == NS_DMA_PREPARE_ZERO_AND_FLUSH)
        port->fill(port->context, virtual_address, length, 0);
    operate(dma, NS_MAPPING_FOR_DEVICE, NS_DMA_OPERATION_FLUSH, virtual_address, length);
    return NS_POOL_OK;
}
