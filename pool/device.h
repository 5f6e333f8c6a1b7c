/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A DMA master as the allocators see it: which bus addresses it can drive, and how bus addresses relate to physical
 * ones. Sources: Linux 5.10 include/linux/dma-direct.h (phys_to_dma, dma_to_phys, dma_capable), kernel/dma/direct.c
 * (dma_coherent_ok).
 */
#ifndef NS_POOL_DEVICE_H
#define NS_POOL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The address that no mapping has (Linux DMA_MAPPING_ERROR). It also stands for "no such physical address". */
#define NS_DMA_MAPPING_ERROR UINT64_MAX

/* One entry of a dma-ranges property: `length` bytes at `physical` appear at `bus`. */
struct ns_bus_range {
    uint64_t physical;
    uint64_t bus;
    uint64_t length;
};

struct ns_device_pool;
struct ns_cma;
struct ns_dma_ops;

/* All members that are zero or NULL: a device without any of it. Nothing pointed to is owned. */
struct ns_pool_device {
    const char *name;                  /* for reports; may be NULL */
    uint64_t dma_mask;                 /* highest bus address of streaming mappings, inclusive */
    uint64_t coherent_dma_mask;        /* the same for coherent allocations */
    uint64_t bus_dma_limit;            /* highest bus address that the path to memory carries, inclusive; 0: no limit */
    bool coherent;                     /* what the firmware declares (dma-coherent): no cache maintenance is done */
    const struct ns_bus_range *ranges; /* owned by the caller; the first range that contains an address decides */
    size_t range_count;                /* 0: bus addresses are physical addresses */
    const char *driver;                /* the bound driver, for filters and reports; may be NULL */
    /* dma_parameters of include/linux/device.h */
    uint32_t max_segment_size; /* dma_set_max_seg_size, bytes; 0: 65536, what Linux takes when a driver sets none */
    uint64_t segment_boundary; /* dma_set_seg_boundary, 2^n - 1: one segment never crosses a bus address that is a
                                  multiple of it plus 1; 0: none (all ones) */
    uint64_t min_align_mask;   /* 2^n - 1: these low bits of an address must be the same in a bounce slot as in the
                                  original (dma_set_min_align_mask, Linux 5.12; NVMe: 4095) */
    bool untrusted; /* may see no byte but its mappings': all of them bounce (restricted DMA pool, Linux 5.15) */

    /* For coherent memory only (pool/coherent.h). */
    struct ns_device_pool *device_pool; /* dev->dma_mem: memory of its own, the only source when there is one */
    struct ns_cma *cma_area;            /* dev->cma_area; NULL: the default area */
    const struct ns_dma_ops *dma_ops;   /* get_dma_ops(dev): an IOMMU's, say; NULL: none */
    bool dma_ops_bypass;                /* the ops may be bypassed where the mask reaches all memory */
    bool use_dma_iommu;                 /* recent kernels: behind the common IOMMU code, never direct */
    bool force_unencrypted;             /* the device cannot read encrypted memory (force_dma_unencrypted) */
};

/* dma_get_max_seg_size and dma_get_seg_boundary of Linux 5.10 include/linux/dma-mapping.h: the values in force. */
uint32_t ns_dma_max_segment_size(const struct ns_pool_device *device);
uint64_t ns_dma_segment_boundary(const struct ns_pool_device *device);

/* Without ranges the identity. With ranges, an address in none of them gives NS_DMA_MAPPING_ERROR. */
uint64_t ns_physical_to_bus(const struct ns_pool_device *device, uint64_t physical);
uint64_t ns_bus_to_physical(const struct ns_pool_device *device, uint64_t bus);

/* The smaller of mask and bus_dma_limit, where 0 means "no limit" (Linux min_not_zero). Inclusive. */
uint64_t ns_dma_limit(const struct ns_pool_device *device);
uint64_t ns_dma_coherent_limit(const struct ns_pool_device *device);

/* Whether the device reaches all `size` bytes at `bus`: the last byte must not lie above the limit. False for size 0,
 * for NS_DMA_MAPPING_ERROR and for a range that wraps around the end of the address space (Linux lets a 32-bit
 * dma_addr_t wrap). Like Linux, only the end is tested: that `bus` came from one range is the translation's promise. */
bool ns_dma_capable(const struct ns_pool_device *device, uint64_t bus, uint64_t size);
bool ns_dma_coherent_capable(const struct ns_pool_device *device, uint64_t bus, uint64_t size);

#ifdef __cplusplus
}
#endif
#endif
