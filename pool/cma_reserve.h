/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where contiguous-memory areas come from at boot, and which of them is the default one. Source: Linux 5.10
 * kernel/dma/contiguous.c and drivers/of/of_reserved_mem.c. For the default area the first of these decides:
 *
 *   1. command line  cma=size[@base[-limit]]; size 0 means that there is no default area
 *   2. device tree   a shared-dma-pool node with `reusable`, without `no-map`, marked `linux,cma-default`
 *   3. built in      CMA_SIZE_MBYTES, a percentage of RAM, or the smaller or the larger of the two
 *
 * Nodes without linux,cma-default become areas of their own for the devices that name them in `memory-region`, whatever
 * the command line says. Nothing here is fatal, as in Linux: what cannot be reserved is a log line, and the machine
 * boots without it. Each decision is said (NS_SAY_DECISION). Nothing blocks; metadata memory is used during the call.
 */
#ifndef NS_POOL_CMA_RESERVE_H
#define NS_POOL_CMA_RESERVE_H

#include "pool/cma.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- cma= ------------------------------------------------------------------------------------ */

struct ns_cma_command_line {
    uint64_t size;  /* bytes */
    uint64_t base;  /* 0 when not given */
    uint64_t limit; /* base + size when only a base is given; 0 when neither is */
    bool fixed;     /* base + size is the limit: this place or none. Also true for size 0 without a base (0 = 0 + 0) */
};

/*
 * Parses the text behind "cma=" as early_cma does. Numbers are decimal, 0x hexadecimal or 0 octal, with one suffix of
 * K M G T P E (powers of 1024, either case). As in Linux, whatever follows is ignored, and a text that begins with no
 * number is size 0, which disables the default area. Unlike Linux, where they wrap, numbers above 64 bits become
 * UINT64_MAX. ARGUMENT: text is NULL ("cma" without a value).
 */
enum ns_pool_status ns_cma_parse_command_line(const char *text, struct ns_cma_command_line *parsed);

/* ---- device tree ----------------------------------------------------------------------------- */

/* A child of /reserved-memory that is compatible with shared-dma-pool. */
struct ns_cma_node {
    bool has_reg;       /* base is given; else the area goes anywhere in [lowest, limit) */
    uint64_t base;      /* reg; bytes */
    uint64_t size;      /* reg or size; bytes */
    uint64_t alignment; /* alignment, without reg: bytes, a power of two; 0: not given */
    uint64_t lowest;    /* alloc-ranges, without reg; bytes */
    uint64_t limit;     /* alloc-ranges, without reg: first address above; 0: end of RAM */
    bool reusable;
    bool no_map;
    bool is_default; /* linux,cma-default */
};

/* ---- built in -------------------------------------------------------------------------------- */

/* CONFIG_CMA_SIZE_SEL_... */
enum ns_cma_selector { NS_CMA_SELECT_MBYTES, NS_CMA_SELECT_PERCENTAGE, NS_CMA_SELECT_MIN, NS_CMA_SELECT_MAX };

struct ns_cma_built_in {
    uint64_t mbytes;     /* CONFIG_CMA_SIZE_MBYTES: 16 by default, 0 on x86; below 2^44 */
    unsigned percentage; /* CONFIG_CMA_SIZE_PERCENTAGE of RAM: 10 by default; up to 100 */
    enum ns_cma_selector selector;
};

/* ---- the decision ---------------------------------------------------------------------------- */

struct ns_cma_reserve_config {
    struct ns_cma_memory memory;
    const char *command_line; /* the text behind "cma="; NULL: not given */
    const struct ns_cma_node *nodes;
    size_t node_count;
    struct ns_cma_built_in built_in;
    /* What the architecture passes to dma_contiguous_reserve: nothing of the default area above it, unless it is a
     * node's. RISC-V and arm64: the end of ZONE_DMA32 or ZONE_DMA. 0: no limit. */
    uint64_t limit;
    uint64_t minimum_alignment; /* as in struct ns_cma_request */
};

enum ns_cma_source { NS_CMA_FROM_COMMAND_LINE, NS_CMA_FROM_NODE, NS_CMA_FROM_BUILT_IN };

struct ns_cma_reservation {
    enum ns_cma_source source;
    size_t node; /* its index, when from a node */
    bool is_default;
    struct ns_cma_request request; /* fixed, for ns_cma_create: base and size are decided */
};

/*
 * Decides. Areas of nodes come first, those with reg before the others, in the order of the nodes; then the default
 * from the command line or built in. At most one is the default (of several nodes, the last one processed). `capacity`
 * must be node_count + 1 or more. A node is refused, with a log line, when its base or size is not aligned to the
 * minimum alignment, when memory is taken already (Linux only warns about overlapping nodes), when it begins at address
 * 0, or for the reasons of ns_cma_declare. Errors: ARGUMENT for values outside of the ranges above, METADATA.
 */
enum ns_pool_status ns_cma_reserve(const struct ns_port *port, const struct ns_cma_reserve_config *config,
                                   struct ns_cma_reservation *reservations, size_t capacity, size_t *count);

/*
 * The RAM that the page allocator may have: all of it but the areas, whose frames must stay out of ns_frames_create.
 * `capacity` must be memory->ram_count + count or more, else ARGUMENT. Zero-length pieces are left out.
 */
enum ns_pool_status ns_cma_remaining_ram(const struct ns_cma_memory *memory,
                                         const struct ns_cma_reservation *reservations, size_t count,
                                         struct ns_frame_region *rest, size_t capacity, size_t *rest_count);

#ifdef __cplusplus
}
#endif
#endif
