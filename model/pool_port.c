/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pool_port.h"

#include "model/paging.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void remember(struct ns_machine_port *port, enum ns_status status) {
    if (port->status == NS_OK)
        port->status = status;
}

static uint64_t port_load(void *context, uint64_t address, unsigned size) {
    struct ns_machine_port *port = context;
    uint8_t bytes[8] = {0};
    uint64_t value = 0;
    remember(port, ns_hart_load(port->machine, port->hart, address, size, bytes, NULL, 0));
    for (unsigned i = size; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

static void port_store(void *context, uint64_t address, unsigned size, uint64_t value) {
    struct ns_machine_port *port = context;
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    remember(port, ns_hart_store(port->machine, port->hart, address, size, bytes));
}

enum { CHUNK = 1024 }; /* bytes moved by one access of a fill or copy */

static void port_fill(void *context, uint64_t address, uint64_t length, uint8_t value) {
    struct ns_machine_port *port = context;
    uint8_t bytes[CHUNK];
    memset(bytes, value, sizeof bytes);
    for (uint64_t done = 0; done < length; done += CHUNK)
        remember(port, ns_hart_store(port->machine, port->hart, address + done,
                                     (uint32_t)(length - done < CHUNK ? length - done : CHUNK), bytes));
}

static void port_copy(void *context, uint64_t to, uint64_t from, uint64_t length) {
    struct ns_machine_port *port = context;
    uint8_t bytes[CHUNK];
    for (uint64_t done = 0; done < length; done += CHUNK) {
        const uint32_t part = (uint32_t)(length - done < CHUNK ? length - done : CHUNK);
        remember(port, ns_hart_load(port->machine, port->hart, from + done, part, bytes, NULL, 0));
        remember(port, ns_hart_store(port->machine, port->hart, to + done, part, bytes));
    }
    ns_tracker_bounce_done(ns_machine_tracker(port->machine), port->hart);
}

static void port_bounce(void *context, enum ns_bounce_event what, uint64_t slot, uint64_t original, uint64_t length) {
    const struct ns_machine_port *port = context;
    struct ns_tracker *tracker = ns_machine_tracker(port->machine);
    switch (what) {
    case NS_BOUNCE_MAPPED:
        ns_tracker_bounce_map(tracker, port->event, slot, original, length);
        break;
    case NS_BOUNCE_COPY_IN:
    case NS_BOUNCE_COPY_OUT:
        ns_tracker_bounce_copy(tracker, port->event, slot, original, length, what == NS_BOUNCE_COPY_IN);
        break;
    case NS_BOUNCE_UNMAPPED:
        ns_tracker_bounce_unmap(tracker, slot);
        break;
    }
}

static void port_maintain(void *context, enum ns_port_cache_op op, enum ns_port_scope scope, uint64_t address,
                          uint64_t length) {
    static const enum ns_cache_op operation[] = {
        [NS_PORT_CLEAN] = NS_CACHE_CLEAN, [NS_PORT_INVALIDATE] = NS_CACHE_INVALIDATE, [NS_PORT_FLUSH] = NS_CACHE_FLUSH};
    static const enum ns_cache_scope reach[] = {
        [NS_PORT_SCOPE_L1] = NS_SCOPE_L1, [NS_PORT_SCOPE_POC] = NS_SCOPE_POC, [NS_PORT_SCOPE_OUTER] = NS_SCOPE_OUTER};
    struct ns_machine_port *port = context;
    const struct ns_maintenance what = {
        .op = operation[op], .scope = reach[scope], .extent = NS_RANGE, .address = address, .length = length};
    remember(port, ns_hart_maintain(port->machine, port->hart, &what));
}

static void port_barrier(void *context) {
    struct ns_machine_port *port = context;
    ns_hart_fence(port->machine, port->hart);
}

static uint64_t port_to_virtual(void *context, uint64_t physical) {
    const struct ns_machine_port *port = context;
    return ns_machine_virtual(port->machine, physical);
}

static uint64_t port_to_physical(void *context, uint64_t address) {
    const struct ns_machine_port *port = context;
    return ns_machine_physical(port->machine, address);
}

static uint64_t port_reserve_virtual(void *context, uint64_t length) {
    struct ns_machine_port *port = context;
    return ns_machine_reserve_pages(port->machine, length);
}

/* Kernel addresses are never used a second time in a run, so that an access to released ones is a page fault. */
static void port_release_virtual(void *context, uint64_t address, uint64_t length) {
    (void)context;
    (void)address;
    (void)length;
}

static uint64_t port_get_pte(void *context, uint64_t address) {
    const struct ns_machine_port *port = context;
    return ns_machine_get_pte(port->machine, address);
}

static bool port_set_pte(void *context, uint64_t address, uint64_t pte) {
    struct ns_machine_port *port = context;
    return ns_hart_set_pte(port->machine, port->hart, address, pte) == NS_OK;
}

static void port_flush_tlb(void *context, uint64_t address, uint64_t length) {
    struct ns_machine_port *port = context;
    ns_hart_shoot_down(port->machine, port->hart, false, address, length);
}

static uint64_t port_pte_type_bits(void *context, enum ns_port_type type) {
    const struct ns_machine_port *port = context;
    const enum ns_memory_type meant = type == NS_PORT_CACHEABLE ? NS_TYPE_CACHEABLE
                                      : type == NS_PORT_NC      ? NS_TYPE_NC
                                                                : NS_TYPE_IO;
    return ns_pte_encode_type(ns_machine_get_config(port->machine)->pte_encoding, meant);
}

/* A block of book-keeping memory, listed so that all of it can be given back. The header keeps the 16-byte alignment.
 */
struct ns_port_block {
    struct ns_port_block *next, *previous;
};

static void *port_metadata_allocate(void *context, size_t size) {
    struct ns_machine_port *port = context;
    struct ns_port_block *block = calloc(1, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->next = port->blocks;
    if (port->blocks != NULL)
        port->blocks->previous = block;
    port->blocks = block;
    return block + 1;
}

static void port_metadata_free(void *context, void *memory) {
    struct ns_machine_port *port = context;
    if (memory == NULL)
        return;
    struct ns_port_block *block = (struct ns_port_block *)memory - 1;
    if (block->previous != NULL)
        block->previous->next = block->next;
    else
        port->blocks = block->next;
    if (block->next != NULL)
        block->next->previous = block->previous;
    free(block);
}

void ns_machine_port_release(struct ns_machine_port *port) {
    while (port->blocks != NULL)
        port_metadata_free(port, port->blocks + 1);
}

/* The newest earlier call of a kind that the misused address belongs to: given as a bus, physical or virtual address.
 */
static uint32_t earlier_call(const struct ns_machine_port *port, enum ns_event_kind kind, uint64_t address,
                             uint64_t length) {
    const struct ns_log *log = ns_machine_log(port->machine);
    const uint64_t physical = ns_machine_physical(port->machine, address);
    const uint64_t line = log->line_size[log->levels - 1]; /* an overlap may be of lines only */
    for (uint32_t i = port->event; i-- > 1;) {
        const struct ns_event *event = &log->event[i];
        if (event->kind != (uint8_t)kind)
            continue;
        const uint64_t start[] = {address, address, physical},
                       base[] = {event->bus_address, event->address, event->address};
        for (unsigned way = 0; way < 3; way++)
            if (start[way] != UINT64_MAX && start[way] / line * line < base[way] + event->length &&
                base[way] < start[way] + (length == 0 ? 1 : length))
                return i;
    }
    return NS_NO_EVENT;
}

static void port_misuse(void *context, enum ns_port_misuse what, uint64_t address, uint64_t length) {
    static const struct {
        enum ns_hazard_id id;
        const char *text;
        enum ns_event_kind earlier;
        enum ns_note_role role;
    } meaning[NS_MISUSE_COUNT] = {
        [NS_MISUSE_DOUBLE_FREE] = {NS_OW_UNMAP_MISMATCH, "this memory is free already", NS_EVENT_FREE, NS_NOTE_FREED},
        [NS_MISUSE_FOREIGN_FREE] = {NS_OW_UNMAP_MISMATCH, "this pool never handed out this memory in this form",
                                    NS_EVENT_FREE, NS_NOTE_FREED},
        [NS_MISUSE_DESTROY_BUSY] = {NS_OW_UNMAP_MISMATCH, "destroyed while blocks are still in use", NS_EVENT_ALLOC,
                                    NS_NOTE_ALLOCATED},
        [NS_MISUSE_UNMAP_UNKNOWN] = {NS_OW_UNMAP_MISMATCH, "no mapping starts at this handle", NS_EVENT_UNMAP,
                                     NS_NOTE_UNMAPPED},
        [NS_MISUSE_UNMAP_SIZE] = {NS_OW_UNMAP_MISMATCH, "the size is not the one that was mapped", NS_EVENT_MAP,
                                  NS_NOTE_MAPPED},
        [NS_MISUSE_UNMAP_DIRECTION] = {NS_OW_UNMAP_MISMATCH, "the direction is not the one that was mapped",
                                       NS_EVENT_MAP, NS_NOTE_MAPPED},
        [NS_MISUSE_UNMAP_DEVICE] = {NS_OW_UNMAP_MISMATCH, "this is another device's mapping", NS_EVENT_MAP,
                                    NS_NOTE_MAPPED},
        [NS_MISUSE_SYNC_RANGE] = {NS_OW_UNMAP_MISMATCH, "the range reaches outside of the mapping", NS_EVENT_MAP,
                                  NS_NOTE_MAPPED},
        [NS_MISUSE_MAP_OVERLAP] = {NS_OW_DOUBLE_MAP, "a live mapping already covers one of these cache lines",
                                   NS_EVENT_MAP, NS_NOTE_MAPPED},
        [NS_MISUSE_FREE_MAPPED] = {NS_PL_REF, "freed while a device still has it mapped", NS_EVENT_MAP, NS_NOTE_MAPPED},
        [NS_MISUSE_LINK_OVERWRITTEN] =
            {NS_OW_UAF, "the link in a free block was overwritten: somebody still writes to freed memory",
             NS_EVENT_FREE, NS_NOTE_FREED},
        [NS_MISUSE_FREE_SIZE] = {NS_OW_UNMAP_MISMATCH, "the size is not the one that was allocated", NS_EVENT_ALLOC,
                                 NS_NOTE_ALLOCATED},
        [NS_MISUSE_FREE_HANDLE] = {NS_OW_UNMAP_MISMATCH, "the handle belongs to other memory", NS_EVENT_ALLOC,
                                   NS_NOTE_ALLOCATED},
        [NS_MISUSE_FREE_FUNCTION] = {NS_OW_UNMAP_MISMATCH, "a function of another family made this", NS_EVENT_MAP,
                                     NS_NOTE_MAPPED},
        [NS_MISUSE_LEAKED] = {NS_PL_REF, "still in use when its driver was released", NS_EVENT_ALLOC,
                              NS_NOTE_ALLOCATED},
        [NS_MISUSE_ERROR_UNCHECKED] = {NS_OW_UNMAP_MISMATCH, "nobody asked dma_mapping_error() about this handle",
                                       NS_EVENT_MAP, NS_NOTE_MAPPED},
        [NS_MISUSE_MAP_SOURCE] = {NS_OW_UNMAP_MISMATCH, "memory of this kind must not be mapped for a device",
                                  NS_EVENT_MAP, NS_NOTE_MAPPED},
        [NS_MISUSE_SEGMENT] = {NS_OW_UNMAP_MISMATCH, "a segment that the device says it cannot take", NS_EVENT_MAP,
                               NS_NOTE_MAPPED},
        [NS_MISUSE_DEADLOCK] = {NS_OR_NO_PROGRESS, "the allocator's lock is held by the code that was interrupted",
                                NS_EVENT_ALLOC, NS_NOTE_ALLOCATED},
        [NS_MISUSE_POOL_CORRUPT] = {NS_PL_POOL, "the pool's own book-keeping contradicts itself", NS_EVENT_FREE,
                                    NS_NOTE_FREED},
        [NS_MISUSE_FREED_WRITTEN] = {NS_OW_UAF, "memory outside of any block in use was written to", NS_EVENT_FREE,
                                     NS_NOTE_FREED},
    };
    const struct ns_machine_port *port = context;
    const uint32_t earlier = earlier_call(port, meaning[what].earlier, address, length);
    /* The pool passes what its caller gave it, a virtual or bus address; reports speak of physical ones. */
    const struct ns_event *call = &ns_machine_log(port->machine)->event[earlier];
    uint64_t first = ns_machine_physical(port->machine, address);
    if (earlier != NS_NO_EVENT && address - call->bus_address < call->length)
        first = call->address + (address - call->bus_address);
    else if (first == UINT64_MAX)
        first = address;
    ns_tracker_report(ns_machine_tracker(port->machine), meaning[what].id, NS_SYMPTOM_MISUSE, port->event, first,
                      length == 0 ? first : first + length - 1, earlier, meaning[what].role, meaning[what].text);
}

/* {x} and {d} in `text` stand for `first`, then `second`; addresses as reports write them. */
static void fill_in(char *out, size_t size, const char *text, uint64_t first, uint64_t second) {
    uint64_t value[2] = {first, second};
    unsigned used = 0;
    size_t at = 0;
    while (*text != '\0' && at + NS_ADDRESS_TEXT < size) {
        const bool hexadecimal = strncmp(text, "{x}", 3) == 0, decimal = strncmp(text, "{d}", 3) == 0;
        if (!hexadecimal && !decimal) {
            out[at++] = *text++;
            continue;
        }
        char number[NS_ADDRESS_TEXT];
        const uint64_t next = used < 2 ? value[used] : 0;
        used++;
        if (hexadecimal)
            ns_format_address(next, number);
        else
            snprintf(number, sizeof number, "%" PRIu64, next);
        at += (size_t)snprintf(out + at, size - at, "%s", number);
        text += 3;
    }
    out[at] = '\0';
}

static void port_say(void *context, enum ns_port_voice voice, const char *function, const char *text, uint64_t first,
                     uint64_t second) {
    static const enum ns_remark_kind kind[] = {[NS_SAY_DECISION] = NS_REMARK_DECISION,
                                               [NS_SAY_INFO] = NS_REMARK_INFO,
                                               [NS_SAY_WARN] = NS_REMARK_WARN,
                                               [NS_SAY_BUG] = NS_REMARK_BUG};
    struct ns_machine_port *port = context;
    struct ns_remark remark = {.kind = kind[voice], .site = port->site, .event = port->event};
    snprintf(remark.function, sizeof remark.function, "%s", function);
    fill_in(remark.text, sizeof remark.text, text, first, second);
    if (port->log != NULL)
        ns_log_add_remark(port->log, &remark);
}

static void port_dma_debug(void *context, unsigned check, const char *text, uint64_t address, uint64_t length) {
    struct ns_machine_port *port = context;
    struct ns_remark remark = {
        .kind = NS_REMARK_CHECK, .site = port->site, .event = port->event, .check = check, .function = "debug_dma"};
    char first[NS_ADDRESS_TEXT];
    snprintf(remark.text, sizeof remark.text, "%s [address %s, %" PRIu64 " bytes]", text,
             ns_format_address(address, first), length);
    if (port->log != NULL)
        ns_log_add_remark(port->log, &remark);
}

void ns_machine_port_init(struct ns_machine_port *port, struct ns_machine *machine) {
    *port = (struct ns_machine_port){
        .port = {.context = port,
                 .load = port_load,
                 .store = port_store,
                 .fill = port_fill,
                 .copy = port_copy,
                 .maintain = port_maintain,
                 .barrier = port_barrier,
                 .to_virtual = port_to_virtual,
                 .to_physical = port_to_physical,
                 .reserve_virtual = port_reserve_virtual,
                 .release_virtual = port_release_virtual,
                 .get_pte = port_get_pte,
                 .set_pte = port_set_pte,
                 .flush_tlb = port_flush_tlb,
                 .pte_type_bits = port_pte_type_bits,
                 .metadata_allocate = port_metadata_allocate,
                 .metadata_free = port_metadata_free,
                 .misuse = port_misuse,
                 .say = port_say,
                 .dma_debug = port_dma_debug,
                 .bounce = port_bounce},
        .machine = machine,
        .site = NS_NO_SITE,
    };
}
