/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bare-metal driver for the AXI DMA engine, in plain C, by the steps that the public one documents (Xilinx
 * embeddedsw, XilinxProcessorIPLib/drivers/axidma/src: CfgInitialize, Reset, ResetIsDone, BdRingCreate, BdRingStart,
 * BdRingToHw, BdRingFromHw, BdRingSetCoalesce, BdRingGetIrq, BdRingAckIrq): which register is touched when, and which
 * descriptor is flushed or invalidated when. The code is this project's own.
 */
#ifndef NS_TESTS_SYSTEM_AXI_DMA_DRIVER_H
#define NS_TESTS_SYSTEM_AXI_DMA_DRIVER_H

#include "model/nosnoop.h"

#include <string.h>

#define DRIVER_RESET_LOOKS 500

struct driver_ring {
    struct ns_machine *machine;
    unsigned hart, device, channel;
    uint64_t first; /* descriptors, physical = virtual = bus */
    unsigned count, free_head, hw_head, free_count, hw_count;
    bool runs;
};

static inline void driver_write(const struct driver_ring *ring, uint32_t offset, uint32_t value) {
    (void)ns_hart_register_write(ring->machine, ring->hart, ring->device,
                                 (ring->channel == 0 ? 0 : NS_AXI_DMA_S2MM_BASE) + offset, value);
}
static inline uint32_t driver_read(const struct driver_ring *ring, uint32_t offset) {
    uint32_t value = 0;
    (void)ns_hart_register_load(ring->machine, ring->hart, ring->device,
                                (ring->channel == 0 ? 0 : NS_AXI_DMA_S2MM_BASE) + offset, &value);
    return value;
}
static inline void driver_maintain(const struct driver_ring *ring, enum ns_cache_op op, uint64_t at, uint64_t length) {
    struct ns_maintenance what;
    memset(&what, 0, sizeof what);
    what.op = op;
    what.scope = NS_SCOPE_POC;
    what.extent = NS_RANGE;
    what.address = at;
    what.length = length;
    (void)ns_hart_maintain(ring->machine, ring->hart, &what);
}
static inline void driver_put(const struct driver_ring *ring, uint64_t at, uint32_t word) {
    uint8_t data[4];
    unsigned i;
    for (i = 0; i < 4; i++)
        data[i] = (uint8_t)(word >> (8 * i));
    (void)ns_hart_store(ring->machine, ring->hart, at, 4, data);
}
/* A look at a word that the engine may be writing. What it sees, the hart knows of. */
static inline uint32_t driver_look(const struct driver_ring *ring, uint64_t at) {
    uint8_t data[4] = {0};
    ns_version versions[4] = {0};
    (void)ns_hart_load(ring->machine, ring->hart, at, 4, data, versions, NS_ACCESS_POLL);
    const uint32_t word =
        (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
    if ((word & NS_AXI_DMA_COMPLETE) != 0)
        ns_tracker_poll(ns_machine_tracker(ring->machine), ring->hart, versions[3]);
    return word;
}
static inline uint64_t driver_descriptor(const struct driver_ring *ring, unsigned index) {
    return ring->first + (uint64_t)NS_AXI_DMA_DESCRIPTOR_BYTES * (index % ring->count);
}

/* Resets the engine, and waits. False: it does not come back. */
static inline bool driver_reset(struct driver_ring *tx, struct driver_ring *rx) {
    unsigned looks;
    driver_write(tx, NS_AXI_DMA_DMACR, NS_AXI_DMA_RESET);
    tx->runs = rx->runs = false;
    for (looks = 0; looks < DRIVER_RESET_LOOKS; looks++)
        if ((driver_read(tx, NS_AXI_DMA_DMACR) & NS_AXI_DMA_RESET) == 0 &&
            (driver_read(rx, NS_AXI_DMA_DMACR) & NS_AXI_DMA_RESET) == 0)
            return true;
    return false;
}

/* Clears the ring, links it, flushes it. */
static inline void driver_ring_create(struct driver_ring *ring) {
    const uint8_t zero[NS_AXI_DMA_DESCRIPTOR_BYTES] = {0};
    unsigned i;
    for (i = 0; i < ring->count; i++) {
        const uint64_t at = driver_descriptor(ring, i);
        (void)ns_hart_store(ring->machine, ring->hart, at, sizeof zero, zero);
        driver_put(ring, at, (uint32_t)driver_descriptor(ring, i + 1));
        driver_maintain(ring, NS_CACHE_FLUSH, at, NS_AXI_DMA_DESCRIPTOR_BYTES);
    }
    ring->free_head = ring->hw_head = 0;
    ring->free_count = ring->count;
    ring->hw_count = 0;
}

/* CURDESC, run, and a look whether it does; interrupts and coalescing before. */
static inline bool driver_ring_start(struct driver_ring *ring, unsigned threshold, unsigned delay, uint32_t irqs) {
    driver_write(ring, NS_AXI_DMA_DMACR, (uint32_t)delay << 24 | (uint32_t)threshold << 16);
    driver_write(ring, NS_AXI_DMA_CURDESC, (uint32_t)driver_descriptor(ring, ring->hw_head));
    driver_write(ring, NS_AXI_DMA_DMACR, driver_read(ring, NS_AXI_DMA_DMACR) | irqs);
    driver_write(ring, NS_AXI_DMA_DMACR, driver_read(ring, NS_AXI_DMA_DMACR) | NS_AXI_DMA_RUN);
    ring->runs = (driver_read(ring, NS_AXI_DMA_DMASR) & NS_AXI_DMA_HALTED) == 0;
    return ring->runs;
}

/* Fills the next free descriptor in. The caller has seen to it that there is one. */
static inline void driver_fill(struct driver_ring *ring, uint64_t buffer, uint32_t control) {
    const uint64_t at = driver_descriptor(ring, ring->free_head);
    driver_put(ring, at + 8, (uint32_t)buffer);
    driver_put(ring, at + 0x18, control);
    driver_put(ring, at + 0x1C, 0);
    driver_maintain(ring, NS_CACHE_FLUSH, at, NS_AXI_DMA_DESCRIPTOR_BYTES);
    ring->free_head = (ring->free_head + 1) % ring->count;
    ring->free_count--;
    ring->hw_count++;
}
static inline void driver_submit(struct driver_ring *ring) {
    ns_hart_fence(ring->machine, ring->hart);
    driver_write(ring, NS_AXI_DMA_TAILDESC, (uint32_t)driver_descriptor(ring, ring->free_head + ring->count - 1));
}

/* Takes the oldest descriptor back when the engine is done with it: its index and status. */
static inline bool driver_from_hw(struct driver_ring *ring, unsigned *index, uint32_t *status) {
    const uint64_t at = driver_descriptor(ring, ring->hw_head);
    if (ring->hw_count == 0)
        return false;
    driver_maintain(ring, NS_CACHE_INVALIDATE, at, NS_AXI_DMA_DESCRIPTOR_BYTES);
    *status = driver_look(ring, at + NS_AXI_DMA_STATUS_OFFSET);
    if ((*status & NS_AXI_DMA_COMPLETE) == 0)
        return false;
    *index = ring->hw_head;
    ring->hw_head = (ring->hw_head + 1) % ring->count;
    ring->hw_count--;
    ring->free_count++;
    return true;
}

/* Reads which interrupts there are, and acknowledges them. */
static inline uint32_t driver_acknowledge(struct driver_ring *ring) {
    const uint32_t irqs = driver_read(ring, NS_AXI_DMA_DMASR) & NS_AXI_DMA_ALL_IRQS;
    driver_write(ring, NS_AXI_DMA_DMASR, irqs);
    return irqs;
}

#endif
