/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parsed and checked scenario: names are resolved, numbers are in range, every step knows its line.
 * The language itself is docs/language.md (version 1). Nothing here knows the machine's state; the runner
 * (runner.h) executes it.
 *
 * Ownership: everything hangs off struct ns_scenario and is freed by ns_scenario_destroy().
 * Strings are NUL-terminated. Indices are positions in the arrays of the scenario; NS_NONE means "not given".
 */
#ifndef NS_SCENARIOS_SCENARIO_H
#define NS_SCENARIOS_SCENARIO_H

#include "cache/base.h"
#include "model/axi_dma.h"
#include "model/config.h"
#include "scenarios/diagnostic.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_NONE UINT32_MAX

/* Limits on what a hostile file could blow up (docs/language.md, "Limits"). */
#define NS_LIMIT_FILE_BYTES    (1u << 20) /* 1 MiB of text */
#define NS_LIMIT_LINE_BYTES    1024u      /* one line */
#define NS_LIMIT_NAME_BYTES    48u        /* one name */
#define NS_LIMIT_STEPS         1000000u   /* after repeat is unrolled */
#define NS_LIMIT_PLACED_STEPS  150000u    /* of these, those that work on a piece in turn, or at random */
#define NS_LIMIT_PIECE_BYTES   65536u     /* a piece */
#define NS_LIMIT_STATEMENTS    20000u     /* written lines */
#define NS_LIMIT_REPEAT        100000u    /* one repeat count */
#define NS_LIMIT_REPEAT_DEPTH  4u
#define NS_LIMIT_OBJECTS       256u
#define NS_LIMIT_FIELDS        64u /* per struct */
#define NS_LIMIT_DEVICES       8u
#define NS_LIMIT_REGISTERS     256u
#define NS_LIMIT_OBJECT_BYTES  (16u << 20) /* one buffer or struct array */
#define NS_LIMIT_TOTAL_BYTES   (64u << 20) /* all objects together */
#define NS_LIMIT_ACCESS_BYTES  (1u << 20)  /* one load, store or DMA step */
#define NS_LIMIT_EXPECTATIONS  8u          /* per step */
#define NS_LIMIT_POOLS         16u
#define NS_LIMIT_LISTS         32u
#define NS_LIMIT_LIST_ENTRIES  64u         /* of one scatterlist */
#define NS_LIMIT_PAGE_ORDER    10u         /* alloc-pages: 4 MiB */
#define NS_LIMIT_POOL_BYTES    (16u << 20) /* of one gen-pool, or of a device's own memory */
#define NS_LIMIT_DEVICE_IRQS   4u          /* per device */
#define NS_LIMIT_MACHINES      16u         /* machine blocks in one file */
#define NS_LIMIT_MACHINE_DEPTH 4u          /* machine A from B from C ... */
#define NS_LIMIT_REACH_BYTES   (16u << 20) /* how far a maintenance range may reach outside of its object */

struct ns_place {
    uint32_t line, column, width; /* 1-based, bytes */
};

/* ---- declarations ---------------------------------------------------------------------------- */

struct ns_field {
    char *name;
    struct ns_place place;
    uint32_t offset;       /* bytes from the start of the struct, C layout */
    uint32_t element_size; /* 1, 2, 4 or 8 */
    uint32_t count;        /* array elements, 1 for a scalar */
};

enum ns_object_kind {
    NS_OBJECT_BUFFER,    /* buffer NAME size N ... */
    NS_OBJECT_STRUCT,    /* struct NAME ... with fields, `count` elements */
    NS_OBJECT_ALIAS,     /* alias NAME of OBJECT type T: a second mapping of the same physical pages */
    NS_OBJECT_ALLOCATED, /* the target of `alloc`, `alloc-coherent` or `alloc-pages`: exists from that step on */
};

/* Which family of functions an allocated object is of. */
enum ns_allocation { NS_ALLOCATION_POOL, NS_ALLOCATION_COHERENT, NS_ALLOCATION_MANAGED, NS_ALLOCATION_PAGES };

enum ns_zone_wish { NS_ZONE_ANY, NS_ZONE_DMA, NS_ZONE_DMA32, NS_ZONE_NORMAL };

struct ns_object {
    char *name;
    struct ns_place place;
    enum ns_object_kind kind;
    uint32_t size;  /* bytes, all elements together */
    uint32_t align; /* power of two; 0: the machine's largest line (kernel: ARCH_DMA_MINALIGN) */
    bool has_address;
    uint64_t address; /* physical, when has_address */
    enum ns_zone_wish zone;
    bool has_fill;
    uint8_t fill; /* initial content of every byte; 0 without `fill` */
    bool has_type;
    enum ns_memory_type type; /* initial page type */
    bool movable;             /* its pages lie in the CMA area, and can be moved out of it */
    bool descriptor;          /* declared `descriptor`, or a struct with count > 1 */
    uint32_t count;           /* elements (struct arrays); 1 otherwise */
    uint32_t stride;          /* bytes from element to element */
    size_t field_count;
    struct ns_field *fields;
    uint32_t of;                   /* alias: the object; allocated: NS_NONE */
    enum ns_allocation allocation; /* allocated */
    uint32_t pool;                 /* of NS_ALLOCATION_POOL: index, else NS_NONE */
    uint32_t device;               /* alloc-coherent: the device */
    uint32_t order;                /* of NS_ALLOCATION_PAGES: 2^order pages */
    unsigned attributes;           /* alloc-coherent: bits of pool/dma_attributes.h */
};

struct ns_device {
    char *name;
    struct ns_place place;
    uint32_t dma_bits;           /* what the hardware really drives, 16 to 64; default 32 */
    uint32_t dma_mask_bits;      /* what the driver declares to the DMA API; default dma_bits */
    bool snoops;                 /* the hardware is IO-coherent; default no */
    bool declared_coherent;      /* what the firmware tells the kernel; default the truth */
    uint32_t coherent_mask_bits; /* of coherent allocations; default dma_mask_bits */
    uint64_t bus_limit;          /* highest bus address that the path to memory carries, inclusive; 0: no limit */
    uint64_t own_pool_size;      /* memory of its own for coherent allocations, bytes; 0: none */
    uint64_t own_pool_start;     /* physical */
    bool own_pool_historic;      /* a wrong free passes unseen, as in the kernel */
    uint32_t max_segment;        /* bytes of one scatterlist segment; 0: 64 KiB, the kernel's default */
    uint64_t segment_boundary;   /* bytes, a power of two: no segment crosses a multiple of it; 0: none */
    uint64_t min_align_mask;     /* low bits of an address that a bounce keeps; 2^n - 1 */
    bool untrusted;              /* every mapping bounces */
    bool is_engine;              /* axi-dma: its registers say what it does; address_bits of `engine` is dma_bits */
    struct ns_axi_dma_config engine;
    uint64_t registers;   /* of an engine: physical address of its first register; 0: the machine chooses */
    uint32_t burst;       /* bytes per burst, power of two, 4 to 4096; 0: the machine's */
    uint32_t outstanding; /* bursts in flight, 1 to 16; 0: the machine's */
    bool has_posted;
    uint32_t posted; /* posted-write entries in front of memory; overrides the machine's */
    size_t irq_count;
    uint32_t irqs[NS_LIMIT_DEVICE_IRQS]; /* indices into irqs of the scenario */
};

struct ns_irq {
    char *name;
    struct ns_place place;
    uint32_t device;
};

enum ns_pool_kind {
    NS_POOL_BUFFERS, /* buffers N: page frames with a reference count */
    NS_POOL_BLOCKS,  /* dma-pool: small blocks of coherent memory */
    NS_POOL_GEN,     /* gen-pool: any memory, in granules */
    NS_POOL_HEAP,    /* heap: kmalloc */
};
enum ns_block_checks { NS_BLOCKS_STRICT, NS_BLOCKS_KERNEL, NS_BLOCKS_KERNEL_DEBUG };
enum ns_gen_algorithm { NS_GEN_FIRST_FIT, NS_GEN_BEST_FIT, NS_GEN_ORDER_ALIGN, NS_GEN_ALIGN };
struct ns_pool_declaration {
    char *name;
    struct ns_place place;
    enum ns_pool_kind kind;
    uint32_t buffers;            /* NS_POOL_BUFFERS: 1 to 512 */
    uint32_t size;               /* usable bytes of a buffer (at most 2048) or of a block; all bytes of a gen-pool */
    uint32_t align;              /* NS_POOL_BLOCKS; NS_GEN_ALIGN: bytes */
    uint64_t boundary;           /* NS_POOL_BLOCKS; 0 none */
    uint64_t limit;              /* first physical address not allowed; 0: 4 GiB */
    uint32_t device;             /* NS_POOL_BLOCKS, NS_POOL_BUFFERS: for DEV, or NS_NONE */
    uint32_t of;                 /* struct whose layout the blocks have, or NS_NONE */
    bool faithful;               /* BUFFERS: with its published defects */
    bool guard;                  /* BUFFERS: the spare bytes behind a buffer hold a pattern */
    bool zero;                   /* BUFFERS: cleared when it is taken */
    bool old_design;             /* BLOCKS: before Linux 6.4 */
    enum ns_block_checks checks; /* BLOCKS */
    enum ns_gen_algorithm algorithm; /* GEN */
    uint32_t granule;                /* GEN: bytes, a power of two */
    bool has_address;                /* GEN: the memory lies at `address` */
    uint64_t address;                /* GEN: physical */
    bool strict;                     /* GEN: refuses what the kernel's takes without a look */
    bool historic;                   /* HEAP: with its published defects */
};

/* What `map-sg` returned. */
struct ns_list {
    char *name;
    struct ns_place place;
    uint32_t count;    /* entries */
    uint64_t *lengths; /* bytes of each */
};

/* A register: a name that a step wrote with `-> NAME`. Holds bytes of the last load or read, or a handle of a map. */
struct ns_register {
    char *name;
    struct ns_place place;
    uint32_t size; /* bytes it will hold; 8 for a handle */
    bool is_handle;
};

/* ---- operands -------------------------------------------------------------------------------- */

enum ns_ref_kind {
    NS_REF_NONE,
    NS_REF_OBJECT,  /* bytes [offset, offset + length) of an object. Maintenance verbs may reach outside of it. */
    NS_REF_ADDRESS, /* @ADDRESS[a..b]: virtual for harts, bus address for devices */
    NS_REF_HANDLE,  /* a handle register: the mapping's bytes, or [a..b] of them */
    NS_REF_SEGMENT, /* one segment of a list: index the list, element the segment */
};
struct ns_ref {
    enum ns_ref_kind kind;
    struct ns_place place;
    uint32_t index;   /* object, register or list */
    uint64_t address; /* NS_REF_ADDRESS */
    int64_t offset;   /* bytes from the start of object, address or mapping; may be negative for maintenance verbs */
    uint64_t length;  /* bytes; 0 with NS_REF_HANDLE: the whole mapping */
    uint32_t element; /* struct array element, list segment, or NS_NONE */
    uint32_t field;   /* field, or NS_NONE */
};

enum ns_value_kind { NS_VALUE_NONE, NS_VALUE_NUMBER, NS_VALUE_FILL, NS_VALUE_REGISTER, NS_VALUE_OBJECT };
struct ns_value {
    enum ns_value_kind kind;
    struct ns_place place;
    uint64_t number; /* NUMBER: little-endian over the reference's length (at most 8 bytes); FILL: 0 to 255 */
    uint32_t index;  /* REGISTER; OBJECT: the handle that its allocation gave */
};

enum ns_direction { NS_DIRECTION_NONE, NS_DIRECTION_TO_DEVICE, NS_DIRECTION_FROM_DEVICE, NS_DIRECTION_BIDIRECTIONAL };

/* ---- steps ----------------------------------------------------------------------------------- */

enum ns_actor_kind { NS_ACTOR_HART, NS_ACTOR_DEVICE, NS_ACTOR_HARDWARE };

enum ns_verb {
    /* harts */
    NS_VERB_LOAD,
    NS_VERB_STORE,
    NS_VERB_COPY,
    NS_VERB_FENCE,
    NS_VERB_CLEAN,
    NS_VERB_INVALIDATE,
    NS_VERB_FLUSH,  /* range, page or whole cache, by this machine's policy */
    NS_VERB_CBO,    /* one Zicbom/Zicboz instruction: `instruction` */
    NS_VERB_DCACHE, /* one T-Head instruction: `instruction` */
    NS_VERB_SYNC,   /* T-Head sync, sync.s, sync.i, sync.is */
    NS_VERB_MAP,
    NS_VERB_UNMAP,
    NS_VERB_SYNC_FOR_CPU,
    NS_VERB_SYNC_FOR_DEVICE,
    NS_VERB_MAP_SG,
    NS_VERB_UNMAP_SG,
    NS_VERB_SYNC_SG_FOR_CPU,
    NS_VERB_SYNC_SG_FOR_DEVICE,
    NS_VERB_MAP_RESOURCE,
    NS_VERB_UNMAP_RESOURCE,
    NS_VERB_MAPPING_ERROR,
    NS_VERB_ALLOC,
    NS_VERB_FREE,
    NS_VERB_ALLOC_COHERENT,
    NS_VERB_ALLOC_PAGES,
    NS_VERB_PIN,
    NS_VERB_UNPIN,
    NS_VERB_UNBIND,
    NS_VERB_WORKER,
    NS_VERB_SET_ATTR,
    NS_VERB_SFENCE,
    NS_VERB_DOORBELL,
    NS_VERB_MMIO_READ,
    NS_VERB_MMIO_WRITE,
    NS_VERB_MMIO_POLL,
    NS_VERB_POLL,
    NS_VERB_WAIT,
    /* devices (LOAD.. not allowed) */
    NS_VERB_READ,
    NS_VERB_WRITE,
    NS_VERB_RAISE,
    NS_VERB_START,
    NS_VERB_DEVICE_FLUSH, /* POLL and COPY too */
    NS_VERB_FEED,         /* an engine's streams: a frame for S2MM, a frame of MM2S */
    NS_VERB_DRAIN_STREAM,
    /* hw */
    NS_VERB_PREFETCH,
    NS_VERB_EVICT,
    NS_VERB_DRAIN,
    NS_VERB_SAMPLE,
    NS_VERB_INSTALL,
    NS_VERB_SPECULATIVE_STORE,
    NS_VERB_COUNT
};
/* The word as written in a scenario ("sync-for-cpu"); for CBO, DCACHE and SYNC the family ("cbo"). */
const char *ns_verb_text(enum ns_verb verb);

enum ns_instruction { /* NS_VERB_CBO, NS_VERB_DCACHE, NS_VERB_SYNC */
                      NS_CBO_CLEAN,
                      NS_CBO_INVAL,
                      NS_CBO_FLUSH,
                      NS_CBO_ZERO,
                      NS_DCACHE_CVA,
                      NS_DCACHE_CVAL1,
                      NS_DCACHE_CIVA,
                      NS_DCACHE_IVA,
                      NS_DCACHE_CPA,
                      NS_DCACHE_CPAL1,
                      NS_DCACHE_CIPA,
                      NS_DCACHE_IPA,
                      NS_DCACHE_CALL,
                      NS_DCACHE_CIALL,
                      NS_DCACHE_IALL,
                      NS_SYNC,
                      NS_SYNC_S,
                      NS_SYNC_I,
                      NS_SYNC_IS,
                      NS_INSTRUCTION_COUNT
};
const char *ns_instruction_text(enum ns_instruction instruction);

/* set-attr: the PTEs alone, or the whole sequence, or what is left of it when a kernel forgets something. */
enum ns_attribute_sequence {
    NS_SEQUENCE_PTE_ONLY,
    NS_SEQUENCE_COMPLETE,
    NS_SEQUENCE_FLUSH_FIRST,
    NS_SEQUENCE_WITHOUT_FLUSH,
    NS_SEQUENCE_WITHOUT_SFENCE,
};

#define NS_LIMIT_DEBUG_CHECK 26u /* the last of the kernel's checks of the DMA API */

/* A step as written: one line. */
/* `load a in-turn 64`: one piece behind the other, from the start again at the end; `at-random`: any of them. */
enum ns_piece_order { NS_PIECE_IN_TURN, NS_PIECE_AT_RANDOM };

struct ns_step {
    uint32_t line;   /* of the file */
    uint32_t number; /* of the written steps */
    enum ns_actor_kind actor_kind;
    uint32_t actor; /* hart number or device index; 0 for hw */
    struct ns_place actor_place, verb_place;
    enum ns_verb verb;
    enum ns_instruction instruction;
    struct ns_ref ref;           /* what the step works on (copy: the source) */
    struct ns_ref to;            /* copy: the destination */
    enum ns_piece_order piece;   /* load, store: which piece of the reference; `ref` is the first one here, and the one
                                    meant in the steps of a program */
    uint64_t pieces;             /* how many there are; 0: the step works on all of it */
    struct ns_value value;       /* store, write: what; poll: the value waited for (with ==) */
    uint32_t result;             /* register of `-> NAME`, or object of alloc, or NS_NONE */
    uint32_t device;             /* map, unmap, doorbell, mmio-read, alloc-coherent, drain of a device: or NS_NONE */
    uint32_t hart;               /* hw: which hart, or NS_NONE */
    uint32_t irq;                /* raise, wait */
    uint32_t pool;               /* alloc */
    uint32_t list;               /* map-sg, unmap-sg and its syncs: index, or NS_NONE */
    uint32_t entry_count;        /* map-sg: of `entries`; unmap-sg ... entries N: N; 0: as mapped */
    struct ns_ref *entries;      /* map-sg */
    enum ns_direction direction; /* NONE: as mapped */
    enum ns_memory_type type;    /* set-attr */
    enum ns_cache_scope scope;   /* clean, invalidate, flush: `scope l1` or `scope poc` (default) */
    bool whole_cache;            /* clean all, invalidate all, flush all */
    bool all_harts;              /* sfence ... all-harts: a shoot-down */
    bool by_page;                /* ... REF by page: widened to whole 4 KiB pages */
    bool skip_cpu_sync;          /* map, unmap */
    bool using_physical;         /* device verbs: the address programmed is the physical one, not the bus address */
    bool skip_flush;             /* alloc-coherent ... skip-flush: the historic bug */
    bool has_size;               /* unmap ... size N, free ... size N, alloc ... size N; feed N, drain N */
    uint64_t size;
    bool has_handle;                     /* free ... handle: `value` is what is passed instead of the right one */
    uint32_t reg;                        /* mmio-write, mmio-read, mmio-poll of an engine: offset of the register */
    uint32_t mask;                       /* mmio-poll: the bits that are compared */
    bool goes_on;                        /* feed: the next feed goes on with this frame */
    bool has_offset;                     /* alloc ... offset N: exactly there in a gen-pool */
    uint64_t offset;                     /* bytes */
    bool has_gfp;                        /* gfp WORDS */
    uint32_t gfp;                        /* bits of pool/gfp.h */
    bool overwrite;                      /* map: DMA_ATTR_OVERWRITE */
    unsigned attributes;                 /* alloc-coherent: bits of pool/dma_attributes.h */
    uint32_t order;                      /* alloc-pages */
    enum ns_attribute_sequence sequence; /* set-attr */
    uint32_t expect_count;
    uint16_t expect[NS_LIMIT_EXPECTATIONS]; /* enum ns_hazard_id, model/hazard.h */
    struct ns_place expect_place[NS_LIMIT_EXPECTATIONS];
    uint32_t check_count;
    uint8_t check[NS_LIMIT_EXPECTATIONS]; /* expect dma-debug N */
    struct ns_place check_place[NS_LIMIT_EXPECTATIONS];
};

/* A step as executed: `repeat` lets one written step occur many times. */
struct ns_occurrence {
    const struct ns_step *step;
    uint32_t iteration; /* 0-based occurrence of this line within the unrolled program */
};

/* ---- judgements ------------------------------------------------------------------------------ */

enum ns_operand_kind { NS_OPERAND_REGISTER, NS_OPERAND_MEMORY, NS_OPERAND_CACHE };
struct ns_condition {
    struct ns_place place;
    enum ns_operand_kind kind;
    uint32_t reg;          /* REGISTER */
    struct ns_ref ref;     /* MEMORY, CACHE: an object's bytes */
    uint32_t level;        /* CACHE: level index */
    uint32_t hart;         /* CACHE, level 0 */
    bool absent;           /* CACHE ... absent */
    bool not_equal;        /* != */
    struct ns_value value; /* NUMBER or FILL; NONE when absent */
};
enum ns_mode { NS_FINAL, NS_VERIFY_ALWAYS, NS_VERIFY_SOMETIMES, NS_VERIFY_NEVER };
struct ns_judgement {
    uint32_t line;
    enum ns_mode mode;
    struct ns_condition condition;
    char *text; /* the condition as written, for reports */
};

/* ---- the whole ------------------------------------------------------------------------------- */

struct ns_scenario {
    char *file; /* as given */
    char *text; /* the source, NUL-terminated */
    size_t line_count;
    const char **lines; /* start of each line in `text`; line i ends before '\n' */
    char *name;         /* scenario "NAME", or the file's base name without .dma */
    char *machine_name;
    struct ns_machine_config machine;
    bool order_free;
    uint64_t seed;
    size_t object_count;
    struct ns_object *objects;
    size_t device_count;
    struct ns_device *devices;
    size_t irq_count;
    struct ns_irq *irqs;
    size_t pool_count;
    struct ns_pool_declaration *pools;
    size_t register_count;
    struct ns_register *registers;
    size_t list_count;
    struct ns_list *lists;
    size_t written_count;
    struct ns_step *written; /* each step line once, in file order */
    size_t step_count;
    struct ns_occurrence *steps; /* the program: repeat unrolled, in written order */
    size_t judgement_count;
    struct ns_judgement *judgements;
    char *missing_requirement; /* `requires X` that this build lacks, or NULL */
};

/* How `use machine "NAME"` is resolved: returns the text of the preset (malloc'd, NUL-terminated) or NULL. */
struct ns_machine_source {
    void *context;
    char *(*read)(void *context, const char *name);
    /* Names of all presets, for "did you mean"; NULL-terminated, owned by the source; may be NULL. */
    const char *const *names;
};

/* Parses and checks. `text` need not be NUL-terminated; it may hold any bytes. Always returns a scenario unless the
 * host is out of memory (NULL); it is usable only when diagnostics->count == 0. `diagnostics` must be initialised
 * (ns_diagnostics_init); what it held is released. `machines` may be NULL: there are no presets then. A file that holds
 * machine blocks and nothing else needs no `use machine`: its last block is the machine, and it has no steps. */
struct ns_scenario *ns_scenario_parse(const char *file, const char *text, size_t length,
                                      const struct ns_machine_source *machines, struct ns_diagnostics *diagnostics);
void ns_scenario_destroy(struct ns_scenario *scenario);

/* A reference as the user would write it ("rx[0..4]"); for reports. Returns what snprintf would. */
size_t ns_ref_format(const struct ns_scenario *scenario, const struct ns_ref *ref, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
