/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second mapping of whole pages, from dma_common_contiguous_remap down to set_pte_at, under the kernel's own names
 * (Linux 5.10 kernel/dma/remap.c, mm/vmalloc.c; RISC-V arch/riscv/include/asm/pgtable.h). The memory type enters the
 * PTE at the bottom of this chain. The cacheable linear alias of the same pages stays mapped.
 */
#ifndef NS_POOL_REMAP_H
#define NS_POOL_REMAP_H

#include "pool/port.h"
#include "pool/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Maps [physical, physical + length), multiples of 4096, length not 0. Gives the virtual address. May block (vmap
 * does). EXHAUSTED: no kernel addresses, or no memory for a table. BUSY: a PTE in the way (what the kernel answers with
 * a WARN and -EBUSY). Nothing stays mapped after an error. */
enum ns_pool_status ns_dma_common_contiguous_remap(const struct ns_port *port, uint64_t physical, uint64_t length,
                                                   enum ns_port_type type, uint64_t *virtual_address);

/* dma_common_free_remap, vunmap: clears the PTEs, then the TLBs of all harts, and gives the addresses back. */
void ns_dma_common_free_remap(const struct ns_port *port, uint64_t virtual_address, uint64_t length);

#ifdef __cplusplus
}
#endif
#endif
