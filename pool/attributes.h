/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the memory type of pages that are in use: the order of steps that loses nothing, and what happens when one
 * is left out. Two mappings of one address that differ in cacheability may lose coherence; the specification asks for
 * `fence iorw,iorw; cbo.flush; fence iorw,iorw` between accesses through the one and the other (RISC-V privileged ISA,
 * Svpbmt, mismatched attributes; ISA manual 1d472b80). With a page table that gives:
 *
 *   1. nobody uses the pages (the caller's duty)
 *   2. the new PTEs are stored
 *   3. SFENCE.VMA on every hart: until then a stale TLB entry may still allocate lines by the old type
 *   4. fence; flush of every line; fence
 *   5. the pages are used by the new type
 *
 * What the PTE's memory-type bits look like is the port's business (pte_type_bits): the same call writes Svpbmt on one
 * kernel and the T-Head field on another.
 */
#ifndef NS_POOL_ATTRIBUTES_H
#define NS_POOL_ATTRIBUTES_H

#include "pool/port.h"
#include "pool/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each order other than COMPLETE is a bug that drivers and kernels have had. */
enum ns_attribute_change {
    NS_CHANGE_COMPLETE,
    NS_CHANGE_FLUSH_FIRST,   /* flush, then PTE and SFENCE: speculation through the old translation can fill lines again
                                behind the flush. They are clean, so nothing is written back; they are stale when
                                somebody reads through a cacheable alias (Linux dma_direct_alloc relies on that) */
    NS_CHANGE_WITHOUT_FLUSH, /* dirty lines stay, and are evicted over what is written non-cacheable later */
    NS_CHANGE_WITHOUT_SFENCE, /* harts go on with the old type as long as their TLB holds it */
};
enum { NS_ATTRIBUTE_CHANGE_COUNT = NS_CHANGE_WITHOUT_SFENCE + 1 };

/*
 * [virtual_address, virtual_address + length): whole pages of 4096 bytes, all mapped. Does not block. ARGUMENT for
 * anything else, and then nothing has changed. EXHAUSTED: no memory for a page table (a superpage had to be split); the
 * pages before that one have the new type, and the remaining steps have been done for them.
 */
enum ns_pool_status ns_change_attribute(const struct ns_port *port, uint64_t virtual_address, uint64_t length,
                                        enum ns_port_type type, enum ns_attribute_change change);

/* The leaf PTE of a kernel page: PAGE_KERNEL (V R W A D) with this type's bits. `physical` is a multiple of 4096.
 * RISC-V privileged ISA "Sv39"; Linux arch/riscv/include/asm/pgtable.h. */
uint64_t ns_make_pte(const struct ns_port *port, uint64_t physical, enum ns_port_type type);

#ifdef __cplusplus
}
#endif
#endif
