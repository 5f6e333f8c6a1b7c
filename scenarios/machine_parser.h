/* SPDX-License-Identifier: Apache-2.0 */
/* A machine block at work: shared by machine_parser.c (the table), machine_caches.c, machine_dram.c and
 * machine_kernel.c. */
#ifndef NS_SCENARIOS_MACHINE_PARSER_H
#define NS_SCENARIOS_MACHINE_PARSER_H

#include "scenarios/parser.h"

#define NS_ADDRESS_END (UINT64_C(1) << NS_PHYSICAL_BITS) /* the first address that no machine has */
#define NS_MOST_CYCLES UINT64_C(100000)

struct ns_machine_builder {
    struct ns_machine_block *block;
    bool fresh;        /* not `from` another machine */
    bool has_encoding; /* a pte-encoding line */
    bool has_attributes;
    bool has_cache, has_ram; /* the defaults have been replaced */
};

void ns_machine_copy_name(char *target, const struct ns_token *name);
bool ns_parser_take_short_name(struct ns_parser *parser, struct ns_token *name, size_t longest, const char *sentence);
/* WORD NUMBER; `example` is for the message. */
bool ns_parser_take_word_then_number(struct ns_parser *parser, const char *word, uint64_t minimum, uint64_t maximum,
                                     uint64_t *value, const char *example);

/* Rows of the table; `target` is the builder. */
bool ns_parse_machine_cache(struct ns_parser *parser, void *target);
bool ns_parse_machine_no_caches_below(struct ns_parser *parser, void *target);
bool ns_parse_machine_second_tlb(struct ns_parser *parser, void *target);
bool ns_parse_machine_store_misses(struct ns_parser *parser, void *target);
bool ns_parse_machine_dram(struct ns_parser *parser, void *target);
bool ns_parse_machine_cma(struct ns_parser *parser, void *target);
bool ns_parse_machine_atomic_pool(struct ns_parser *parser, void *target);
bool ns_parse_machine_global_pool(struct ns_parser *parser, void *target);
bool ns_parse_machine_swiotlb(struct ns_parser *parser, void *target);
bool ns_parse_machine_dma_debug(struct ns_parser *parser, void *target);
/* Values of the kernel's parameters with one word. */
extern const struct ns_choice ns_kernel_choices[];
extern const struct ns_choice ns_uncached_choices[];
extern const struct ns_choice ns_prepare_choices[];
extern const struct ns_choice ns_pgprot_choices[];
extern const struct ns_choice ns_address_test_choices[];
extern const struct ns_choice ns_free_check_choices[];

#endif
