/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each shape that a verb has: it takes what stands behind the verb, up to `expect`. */
#ifndef NS_SCENARIOS_PARSER_ACTIONS_H
#define NS_SCENARIOS_PARSER_ACTIONS_H

#include "scenarios/parser.h"

#define NS_BUFFER_NEEDED "here stands a buffer, such as `rx` or `rx[0..4]`"
#define NS_TARGET_NEEDED "here stands a buffer or the handle of a map"

/* ---- parser_results.c ------------------------------------------------------------------------ */

/* The line, `->` or `expect`. */
bool ns_parser_at_end_of_options(const struct ns_parser *parser);
/* Complains about a word that has been seen before. */
void ns_parser_twice(struct ns_parser *parser, const struct ns_token *word, bool seen);
bool ns_parser_take_result_name(struct ns_parser *parser, struct ns_token *name);
/* Behind "->": NAME for a register of `size` bytes (0: unknown). */
bool ns_parser_take_register(struct ns_parser *parser, struct ns_step *step, uint64_t size, bool is_handle);
/* "-> NAME" for an object that the step creates. `like` lacks name and place. */
bool ns_parser_take_object(struct ns_parser *parser, struct ns_step *step, const struct ns_object *like,
                           const char *sentence);

/* ---- what stands behind each verb ------------------------------------------------------------ */

bool ns_parse_alloc(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_alloc_pages(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_pin(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_unbind(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_map_sg(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_unmap_sg(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_map_resource(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_mapping_error(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_alloc_coherent(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_copy(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_device_verb(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_mmio_read(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_mmio_write(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_mmio_poll(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_feed(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_drain_stream(struct ns_parser *parser, struct ns_step *step);
/* parser_engine.c: the actor is a device; `feed` and `drain` are for engines, all else is for other devices. */
void ns_parser_check_engine_verb(struct ns_parser *parser, const struct ns_step *step);
bool ns_parse_drain(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_free(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_hart_line(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_line_operation(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_load(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_maintenance(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_map(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_nothing(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_poll(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_raise(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_read(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_set_attr(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_sfence(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_store(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_unmap(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_wait(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_write(struct ns_parser *parser, struct ns_step *step);

#endif
