/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: sub-commands and options, each in one table that parsing and --help both read. */
#ifndef NS_CLI_OPTIONS_H
#define NS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses (docs/manual.md, "Exit status"). */
enum ns_exit {
    NS_EXIT_HELD = 0,
    NS_EXIT_FAILED = 1,
    NS_EXIT_BAD_INPUT = 2,
    NS_EXIT_INCOMPLETE = 3,
    NS_EXIT_INTERNAL = 4,
    NS_EXIT_SKIPPED = 77,
};

/* Bits: an option says which sub-commands take it. */
enum ns_command {
    NS_COMMAND_NONE = 0,
    NS_COMMAND_CHECK = 1u << 0,
    NS_COMMAND_RUN = 1u << 1,
    NS_COMMAND_TEST = 1u << 2,
    NS_COMMAND_EXPLAIN = 1u << 3,
    NS_COMMAND_VERIFY = 1u << 4,
    NS_COMMAND_REPAIR = 1u << 5,
    NS_COMMAND_FMT = 1u << 6,
    NS_COMMAND_INIT = 1u << 7,
    NS_COMMAND_COMPLETION = 1u << 8,
    NS_COMMAND_REPLAY = 1u << 9,
    NS_COMMAND_ALL = 0x3ff,
};

enum ns_option_id {
    NS_OPTION_HELP,
    NS_OPTION_VERSION,
    NS_OPTION_QUIET,
    NS_OPTION_VERBOSE,
    NS_OPTION_COLOR,
    NS_OPTION_JSON,
    NS_OPTION_CHDIR,
    NS_OPTION_JOBS,
    NS_OPTION_SEED,
    NS_OPTION_ORDER,
    NS_OPTION_SCHEDULE,
    NS_OPTION_CHAOS,
    NS_OPTION_EXPLAIN_ALLOC,
    NS_OPTION_TIMEOUT,
    NS_OPTION_LIST,
    NS_OPTION_STATES,
    NS_OPTION_MEMORY,
    NS_OPTION_MUTATE,
    NS_OPTION_WRITE,
    NS_OPTION_MINIMISE,
    NS_OPTION_NO_VERIFY,
    NS_OPTION_GRADE,
    NS_OPTION_CHECK,
    NS_OPTION_STARTER,
    NS_OPTION_JUNIT,
    NS_OPTION_TAP,
    NS_OPTION_STATS,
    NS_OPTION_LANES,
    NS_OPTION_TRACE,
    NS_OPTION_VCD,
    NS_OPTION_MACHINE,
    NS_OPTION_TIMED,
    NS_OPTION_L1D,
    NS_OPTION_L1I,
    NS_OPTION_L2,
    NS_OPTION_L3,
    NS_OPTION_LIKE,
    NS_OPTION_LENIENT,
    NS_OPTION_SWEEP,
    NS_OPTION_CSV,
    NS_OPTION_PLOT,
};

struct ns_option_spec {
    enum ns_option_id id;
    char letter;          /* '\0': none */
    const char *name;     /* without the dashes */
    const char *argument; /* "FILE"; "[FILE]" when it may be left out; NULL when it takes none */
    unsigned commands;    /* enum ns_command */
    const char *help;
};
extern const struct ns_option_spec ns_option_table[];
extern const size_t ns_option_count;
/* The words that an option takes, NULL-terminated; NULL when its value is free. */
const char *const *ns_option_words(enum ns_option_id id);

struct ns_command_spec {
    enum ns_command command;
    const char *name;
    const char *operands; /* "FILE..." */
    const char *help;
};
extern const struct ns_command_spec ns_command_table[];
extern const size_t ns_command_count;
const struct ns_command_spec *ns_command_spec(enum ns_command command); /* NULL for NONE */

enum ns_color { NS_COLOR_AUTO, NS_COLOR_ALWAYS, NS_COLOR_NEVER };

#define NS_MAX_SEED     (UINT64_MAX >> 1) /* JSON readers take signed 64-bit integers */
#define NS_MAX_SCHEDULE 1000000u
#define NS_MAX_JOBS     256u
#define NS_MAX_TIMEOUT  86400u

struct ns_options {
    enum ns_command command;
    const char **operands; /* points into argv */
    size_t operand_count;
    bool help, version, quiet, verbose, list;
    enum ns_color color;
    bool json;
    const char *json_file;              /* NULL: standard output */
    const char *chdir;                  /* NULL: stay */
    uint32_t jobs;                      /* 0: one per processor */
    uint64_t state_limit, memory_limit; /* 0: not given */
    bool timeout_given, mutate, write, minimise, no_verify, check;
    bool pass_over_engines; /* inside `test`: a scenario that cannot be searched, and asks for no search, is only run */
    bool seed_given, order_given, order_free, chaos, explain_alloc, stats, lanes;
    uint64_t seed, chaos_seed;
    const char *schedule;                      /* as given; NULL without --schedule */
    const char *grade;                         /* folder of exercises; NULL without --grade */
    const char *starter;                       /* NULL: the first */
    const char *junit, *tap, *trace, *vcd;     /* files, "-" for standard output; NULL: not asked for */
    const char *machine, *l1d, *l1i, *l2, *l3; /* as given; NULL when not */
    bool like_cachegrind, lenient, sweep, timed;
    const char *sweep_range; /* NULL: the usual one */
    const char *csv, *plot;  /* files; NULL: not asked for */
    unsigned stdout_taken;   /* 1: a document goes to standard output, in place of the text */
    uint32_t timeout_s;
};

/* False after a message on standard error; release in either case. */
bool ns_options_parse(int argc, char **argv, struct ns_options *options);
void ns_options_release(struct ns_options *options);

#endif
