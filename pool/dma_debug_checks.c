/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the checks: numbers, keys and what each says. */
#include "pool/dma_debug.h"

static const char both_versions[] = "5.10 and 7.x";

static const struct ns_dma_debug_check_text checks[NS_DMA_DEBUG_CHECKS] = {
    {1, "free-invalid", "frees an address that is the error value of a failed map", "unmap, free", both_versions},
    {2, "free-unknown", "frees DMA memory that it has not mapped or allocated", "unmap, free", both_versions},
    {3, "free-size", "frees DMA memory with another size than it was mapped with", "unmap, free", both_versions},
    {4, "free-function", "frees DMA memory with the wrong function", "unmap, free", both_versions},
    {5, "free-cpu-address", "frees DMA memory with another CPU address than it was allocated with", "free",
     "5.10 and 7.x; in 7.x for noncoherent memory, too"},
    {6, "free-sg-count", "frees an sg list with another entry count than it was mapped with", "unmap_sg",
     both_versions},
    {7, "free-direction", "frees DMA memory with another direction than it was mapped with", "unmap, free",
     both_versions},
    {8, "map-error-unchecked", "never asked dma_mapping_error about this mapping", "unmap, free", both_versions},
    {9, "free-attributes", "frees DMA memory with other attributes than it was mapped with", "unmap, free", "7.x"},
    {10, "map-stack", "maps memory on the stack", "map_page, map_sg", both_versions},
    {11, "map-text", "maps kernel text or read-only data", "map_page, map_sg", both_versions},
    {12, "map-invalid", "maps an address that is not in the linear mapping", "map_single", both_versions},
    {13, "map-vmalloc", "maps an address of the vmalloc area", "map_single", both_versions},
    {14, "sync-unknown", "syncs DMA memory that it has not mapped", "sync", both_versions},
    {15, "sync-range", "syncs more than was mapped", "sync", both_versions},
    {16, "sync-direction", "syncs DMA memory with another direction than it was mapped with", "sync", both_versions},
    {17, "sync-read-only-for-cpu", "syncs memory for the CPU that the device only reads", "sync_for_cpu",
     both_versions},
    {18, "sync-write-only-for-device", "syncs memory for the device that the device only writes", "sync_for_device",
     both_versions},
    {19, "sync-sg-count", "syncs an sg list with another entry count than it was mapped with", "sync_sg",
     both_versions},
    {20, "sg-length", "maps an sg segment longer than the device takes", "map_sg",
     "5.10 with DMA_API_DEBUG_SG; 7.x always"},
    {21, "sg-boundary", "maps an sg segment across the device's boundary", "map_sg",
     "5.10 with DMA_API_DEBUG_SG; 7.x always"},
    {22, "leak", "has DMA mappings left while its driver is released", "release of the driver", both_versions},
    {23, "overlap-exceeded", "more than 7 mappings overlap the first of this cache line", "map, alloc",
     "5.10 and 7.x; once"},
    {24, "overlap", "maps a cache line in which another mapping begins", "map, alloc",
     "about 5.14, first as a line in the log only; not 5.10"},
    {25, "out-of-memory", "is out of memory and disables itself", "map, alloc", both_versions},
    {26, "resource-ram", "maps RAM as a device resource", "map_resource",
     "7.x; in 5.10 dma_map_resource warns and refuses by itself"},
};

const struct ns_dma_debug_check_text *ns_dma_debug_check(unsigned number) {
    return number >= 1 && number <= NS_DMA_DEBUG_CHECKS ? &checks[number - 1] : NULL;
}

const char *ns_dma_debug_type_text(enum ns_dma_debug_type type) {
    switch (type) {
    case NS_DMA_DEBUG_SINGLE:
        return "single";
    case NS_DMA_DEBUG_SG:
        return "scatter-gather";
    case NS_DMA_DEBUG_COHERENT:
        return "coherent";
    case NS_DMA_DEBUG_RESOURCE:
        return "resource";
    case NS_DMA_DEBUG_NONCOHERENT:
        return "noncoherent";
    case NS_DMA_DEBUG_PHY:
        return "phy";
    }
    return "no type";
}
