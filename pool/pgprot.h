/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which memory type a kernel asks for when it remaps DMA memory: dma_pgprot (Linux 5.10 kernel/dma/mapping.c) and what
 * pgprot_noncached, pgprot_writecombine and pgprot_dmacoherent are on each architecture. How the type is then encoded
 * in a PTE is the port's business (pte_type_bits).
 */
#ifndef NS_POOL_PGPROT_H
#define NS_POOL_PGPROT_H

#include "pool/dma_attributes.h"
#include "pool/port.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ns_pgprot_arch {
    NS_PGPROT_RISCV_6_18, /* since commit ca525d53f994: pgprot_dmacoherent = pgprot_writecombine */
    NS_PGPROT_RISCV_5_19, /* Svpbmt or T-Head by alternatives; pgprot_dmacoherent is the generic pgprot_noncached: IO */
    NS_PGPROT_RISCV_5_10, /* nothing defined: every pgprot_ function gives back what it got */
    NS_PGPROT_THEAD_5_10, /* vendor kernel: dmacoherent = writecombine */
    NS_PGPROT_ARM64,      /* noncached Device-nGnRnE; writecombine and dmacoherent Normal-NC */
    NS_PGPROT_ARM,        /* with ARM_DMA_MEM_BUFFERABLE (ARMv6 and later) */
    NS_PGPROT_ARM_STRONG, /* without it: dmacoherent is strongly ordered */
    NS_PGPROT_MIPS,       /* dmacoherent is the generic noncached */
    NS_PGPROT_X86,        /* noncached UC-, writecombine WC */
    NS_PGPROT_ARCH_COUNT
};

/* One row of the table. CACHEABLE in a column is the trap: the "uncached" mapping is an ordinary one. */
struct ns_pgprot {
    const char *name; /* "riscv-6.18" */
    enum ns_port_type noncached;
    enum ns_port_type writecombine;
    enum ns_port_type dmacoherent;
};

/* NULL for a value that is no architecture. */
const struct ns_pgprot *ns_pgprot_of(enum ns_pgprot_arch arch);

/*
 * dma_pgprot(dev, PAGE_KERNEL, attributes): CACHEABLE for a coherent device; pgprot_writecombine for
 * NS_DMA_WRITE_COMBINE where has_write_combine (ARCH_HAS_DMA_WRITE_COMBINE); else pgprot_dmacoherent.
 * An arch that does not exist counts as the first.
 */
enum ns_port_type ns_dma_pgprot(enum ns_pgprot_arch arch, bool has_write_combine, bool device_is_coherent,
                                unsigned attributes);

#ifdef __cplusplus
}
#endif
#endif
