/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each shape that a verb has: it takes what stands behind the verb, up to `expect`. */
#ifndef NS_SCENARIOS_PARSER_ACTIONS_H
#define NS_SCENARIOS_PARSER_ACTIONS_H

#include "scenarios/parser.h"

bool ns_parse_alloc(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_alloc_coherent(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_copy(struct ns_parser *parser, struct ns_step *step);
bool ns_parse_device_verb(struct ns_parser *parser, struct ns_step *step);
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
