/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/pgprot.h"

/* Sources, by row:
 *  - riscv: arch/riscv/include/asm/pgtable.h since 5.19 (noncached = _PAGE_IO, writecombine = _PAGE_NOCACHE), and
 * commit ca525d53f994 "RISC-V: Define pgprot_dmacoherent() for non-coherent devices" (6.18);
 *  - riscv-5.10: that header defines none of them, so include/linux/pgtable.h makes each give back its argument;
 *  - thead-5.10: the vendor kernel's pgtable.h. Its non-cacheable pattern lacks bits that the manual wants set; that
 *    is the encoding's business;
 *  - arm64, arm, mips, x86: arch/.../include/asm/pgtable.h of 5.10. */
#define CACHEABLE NS_PORT_CACHEABLE
#define NC        NS_PORT_NC
#define IO        NS_PORT_IO

static const struct ns_pgprot rows[NS_PGPROT_ARCH_COUNT] = {
    /*                         name          noncached  writecombine  dmacoherent */
    /* clang-format off */
    [NS_PGPROT_RISCV_6_18] = {"riscv-6.18",  IO,        NC,           NC},
    [NS_PGPROT_RISCV_5_19] = {"riscv-5.19",  IO,        NC,           IO},
    [NS_PGPROT_RISCV_5_10] = {"riscv-5.10",  CACHEABLE, CACHEABLE,    CACHEABLE},
    [NS_PGPROT_THEAD_5_10] = {"thead-5.10",  IO,        NC,           NC},
    [NS_PGPROT_ARM64]      = {"arm64",       IO,        NC,           NC},
    [NS_PGPROT_ARM]        = {"arm",         IO,        NC,           NC},
    [NS_PGPROT_ARM_STRONG] = {"arm-strong",  IO,        NC,           IO},
    [NS_PGPROT_MIPS]       = {"mips",        IO,        NC,           IO},
    [NS_PGPROT_X86]        = {"x86",         IO,        NC,           IO},
    /* clang-format on */
};

const struct ns_pgprot *ns_pgprot_of(enum ns_pgprot_arch arch) {
    return (unsigned)arch < NS_PGPROT_ARCH_COUNT ? &rows[arch] : NULL;
}

enum ns_port_type ns_dma_pgprot(enum ns_pgprot_arch arch, bool has_write_combine, bool device_is_coherent,
                                unsigned attributes) {
    const struct ns_pgprot *row = ns_pgprot_of(arch);
    if (!row)
        row = &rows[0];
    if (device_is_coherent)
        return NS_PORT_CACHEABLE;
    if (has_write_combine && (attributes & NS_DMA_WRITE_COMBINE) != 0)
        return row->writecombine;
    return row->dmacoherent;
}
