/* SPDX-License-Identifier: Apache-2.0 */
/* What observations have gathered; filled by observe.c during the searches, judged by judge.c when all is explored. */
#ifndef NS_VERIFY_SINK_H
#define NS_VERIFY_SINK_H

#include "scenarios/schedule.h"
#include "verify/lines.h"

enum { SINK_VALUES = 8 };

struct sink_schedule {
    struct ns_schedule_item *item;
    size_t count;
};

/* The bytes of one unit that a condition or register is about. */
struct sink_part {
    uint32_t class_unit;  /* the unit that is searched for it */
    uint16_t first, end;  /* bytes of the unit */
    uint32_t value_first; /* which byte of the value the first one is compared with */
    bool seen_true, seen_false;
    struct sink_schedule when_true, when_false;
};

struct sink_value {
    uint8_t byte[8];
    uint32_t length; /* bytes; above 8: every byte is byte[0] */
};

struct sink_condition {
    const struct ns_judgement *judgement; /* NULL: a register that is only shown */
    uint32_t reg;                         /* register, or NO_INDEX: memory or a cache */
    uint32_t op;                          /* the last operation that writes the register */
    bool constant, holds;                 /* a handle: known already */
    bool unclear;                         /* it cannot be decided line by line: says so */
    size_t part_count;
    struct sink_part *parts;
    size_t value_count; /* a register that is shown: its values */
    struct sink_value value[SINK_VALUES];
    bool more_values;
};

struct observation_sink {
    const struct program *program;
    const struct lines *lines;
    const uint32_t *unit_of; /* of the present search: its units */
    size_t condition_count;
    struct sink_condition *conditions;
    bool failed;
    uint64_t ends; /* complete behaviours seen */
};

/* Which bytes the lines must keep an eye on: before lines_create, so that they are searched. */
bool sink_wants_register(const struct ns_scenario *scenario, uint32_t reg);
enum ns_status sink_create(struct observation_sink *sink, const struct program *program, const struct lines *lines);
/* The bytes of a unit that are observed; false: none. */
bool sink_range(const struct observation_sink *sink, const struct unit *unit, uint16_t *first, uint16_t *end);
void sink_release(struct observation_sink *sink);

#endif
