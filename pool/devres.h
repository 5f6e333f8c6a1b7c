/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Managed coherent memory: dmam_alloc_coherent, dmam_free_coherent (kernel/dma/mapping.c) and the part of
 * drivers/base/devres.c that they need. What a driver does not free is freed when it is unbound, newest first.
 */
#ifndef NS_POOL_DEVRES_H
#define NS_POOL_DEVRES_H

#include "pool/coherent.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Historic: dmam_free_coherent frees the memory first and then removes the record that it finds by virtual address.
 * In between, another allocation can get the same address and add a record; the newest one is found first, so the wrong
 * one goes. "dma: fix call order in dmam_free_coherent" (2024) removes the record first. */
enum ns_devres_order { NS_DEVRES_RECORD_FIRST, NS_DEVRES_MEMORY_FIRST };

struct ns_devres;

struct ns_devres_config {
    enum ns_devres_order order;
    /* What another hart does between the two steps of a free; NULL: nothing. May call functions of this file. */
    void (*between)(void *context);
    void *context;
};

/* One for each bound driver. ARGUMENT, METADATA. `direct` and `device` must outlive it. */
enum ns_pool_status ns_devres_create(struct ns_dma_direct *direct, const struct ns_pool_device *device,
                                     const struct ns_devres_config *config, struct ns_devres **devres);

/* dmam_alloc_attrs: as ns_dma_alloc_attrs, and a record of it. METADATA before anything is allocated. */
enum ns_pool_status ns_dmam_alloc_attrs(struct ns_devres *devres, uint64_t size, ns_gfp gfp, unsigned attributes,
                                        uint64_t *virtual_address, uint64_t *bus);
enum ns_pool_status ns_dmam_alloc_coherent(struct ns_devres *devres, uint64_t size, ns_gfp gfp,
                                           uint64_t *virtual_address, uint64_t *bus);

/* dmam_free_coherent. A record that is missing, or whose size or handle differ, is warned about as in the kernel and
 * told as MISUSE (FOREIGN_FREE; FREE_SIZE, FREE_HANDLE); the memory is freed with the arguments given all the same. */
enum ns_pool_status ns_dmam_free_coherent(struct ns_devres *devres, uint64_t size, uint64_t virtual_address,
                                          uint64_t bus);

/* devres_release_all: the driver is unbound. Frees what is recorded, newest first, and the devres itself. The first
 * error of a free is returned; it goes on after it. NULL is OK. */
enum ns_pool_status ns_devres_release_all(struct ns_devres *devres);

uint64_t ns_devres_count(const struct ns_devres *devres);

#ifdef __cplusplus
}
#endif
#endif
