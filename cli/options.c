/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "cli/output.h"
#include "scenarios/names.h"

#include <stdlib.h>
#include <string.h>

const struct ns_option_spec ns_option_table[] = {
    {NS_OPTION_HELP, 'h', "help", NULL, NS_COMMAND_ALL, "show this help, or that of a sub-command"},
    {NS_OPTION_VERSION, '\0', "version", NULL, NS_COMMAND_ALL, "show the version"},
    {NS_OPTION_QUIET, 'q', "quiet", NULL, NS_COMMAND_ALL, "say less: summary lines only"},
    {NS_OPTION_VERBOSE, 'v', "verbose", NULL, NS_COMMAND_ALL, "say more"},
    {NS_OPTION_COLOR, '\0', "color", "WHEN", NS_COMMAND_ALL, "colour: auto (default), always, never"},
    {NS_OPTION_JSON, '\0', "json", "[FILE]",
     NS_COMMAND_CHECK | NS_COMMAND_RUN | NS_COMMAND_TEST | NS_COMMAND_VERIFY | NS_COMMAND_REPAIR | NS_COMMAND_REPLAY,
     "write the result as JSON to FILE; without FILE or with - to standard output, in place of the text"},
    {NS_OPTION_CHDIR, '\0', "chdir", "DIR", NS_COMMAND_ALL, "change to DIR first"},
    {NS_OPTION_JOBS, '\0', "jobs", "N", NS_COMMAND_TEST | NS_COMMAND_VERIFY | NS_COMMAND_REPAIR,
     "run N processes at a time (default: number of processors)"},
    {NS_OPTION_TIMEOUT, '\0', "timeout", "SECONDS", NS_COMMAND_TEST | NS_COMMAND_VERIFY | NS_COMMAND_REPAIR,
     "stop a scenario after SECONDS (test: 60 by default; else no limit)"},
    {NS_OPTION_STATES, '\0', "states", "N", NS_COMMAND_VERIFY | NS_COMMAND_REPAIR,
     "explore N states at most (default: 50 million)"},
    {NS_OPTION_MEMORY, '\0', "memory", "SIZE", NS_COMMAND_VERIFY | NS_COMMAND_REPAIR,
     "take SIZE bytes of memory at most, such as 512M or 8G (default: 4G)"},
    {NS_OPTION_SEED, '\0', "seed", "N", NS_COMMAND_RUN | NS_COMMAND_TEST | NS_COMMAND_REPLAY,
     "seed for what the machine draws at random"},
    {NS_OPTION_ORDER, '\0', "order", "ORDER", NS_COMMAND_RUN,
     "written: steps in the order of the file; free: the clock decides"},
    {NS_OPTION_SCHEDULE, '\0', "schedule", "LIST", NS_COMMAND_RUN,
     "run the steps on these lines, in this order: 11,12,14"},
    {NS_OPTION_CHAOS, '\0', "chaos", "SEED", NS_COMMAND_RUN,
     "let the hardware do at random what the machine allows it to do"},
    {NS_OPTION_EXPLAIN_ALLOC, '\0', "explain-alloc", NULL, NS_COMMAND_RUN,
     "show what the kernel's allocators and mappings decided at each step, and why"},
    {NS_OPTION_MUTATE, '\0', "mutate", NULL, NS_COMMAND_VERIFY,
     "take out, swap or shrink each maintenance call, fence and ordering edge in turn: which are needed?"},
    {NS_OPTION_WRITE, '\0', "write", NULL, NS_COMMAND_REPAIR, "write the repaired scenario to its file"},
    {NS_OPTION_MINIMISE, '\0', "minimise", NULL, NS_COMMAND_REPAIR,
     "also take out maintenance without which the proof still holds"},
    {NS_OPTION_NO_VERIFY, '\0', "no-verify", NULL, NS_COMMAND_TEST, "run the scenarios only"},
    {NS_OPTION_GRADE, '\0', "grade", "DIR", NS_COMMAND_TEST,
     "grade the answers in PATH against the exercises in DIR, whose machines and expectations count"},
    {NS_OPTION_JUNIT, '\0', "junit", "FILE", NS_COMMAND_TEST, "write the result as JUnit XML to FILE; - as for --json"},
    {NS_OPTION_TAP, '\0', "tap", "FILE", NS_COMMAND_TEST,
     "write the result as KTAP, which is TAP, to FILE; - as for --json"},
    {NS_OPTION_STATS, '\0', "stats", NULL, NS_COMMAND_RUN,
     "count hits, misses, write-backs, maintenance, bursts; where the cycles went"},
    {NS_OPTION_LANES, '\0', "lanes", NULL, NS_COMMAND_RUN, "show the steps in a lane for each actor, and what changed"},
    {NS_OPTION_TRACE, '\0', "trace", "FILE", NS_COMMAND_RUN,
     "write a line per step to FILE: time, step, what changed; - as for --json"},
    {NS_OPTION_VCD, '\0', "vcd", "FILE", NS_COMMAND_RUN,
     "write waveforms of steps, cache lines, bus and interrupts (VCD) to FILE; - as for --json"},
    {NS_OPTION_MACHINE, '\0', "machine", "NAME", NS_COMMAND_REPLAY,
     "the caches of a machine: one of `nosnoop init --list`, or a file (default: one-core-wb64)"},
    {NS_OPTION_TIMED, '\0', "timed", NULL, NS_COMMAND_REPLAY,
     "send the trace through the machine itself: cycles, stalls, use of the bus, and hazards of device accesses"},
    {NS_OPTION_L1D, '\0', "l1d", "CACHE", NS_COMMAND_REPLAY,
     "the data cache: SIZE,WAYS,LINE and, if wanted, lru|fifo|plru|random, wb|wt, wa|nwa: 32K,8,64,lru,wb,wa"},
    {NS_OPTION_L1I, '\0', "l1i", "CACHE", NS_COMMAND_REPLAY,
     "the instruction cache, likewise (default: fetches are left out)"},
    {NS_OPTION_L2, '\0', "l2", "CACHE", NS_COMMAND_REPLAY, "the second level, likewise"},
    {NS_OPTION_L3, '\0', "l3", "CACHE", NS_COMMAND_REPLAY, "the third level, likewise"},
    {NS_OPTION_LIKE, '\0', "like", "SIMULATOR", NS_COMMAND_REPLAY,
     "count as dinero (default) or as cachegrind does: docs/replay.md"},
    {NS_OPTION_LENIENT, '\0', "lenient", NULL, NS_COMMAND_REPLAY, "skip lines that are wrong, and count them"},
    {NS_OPTION_SWEEP, '\0', "sweep", "[RANGES]", NS_COMMAND_REPLAY,
     "many data caches in one pass: SIZES,WAYS,LINES[,POLICIES], each one number or FIRST..LAST (default: "
     "4K..256K,1..8,64)"},
    {NS_OPTION_CSV, '\0', "csv", "FILE", NS_COMMAND_REPLAY,
     "with --sweep: write the table as CSV to FILE; - as for --json"},
    {NS_OPTION_PLOT, '\0', "plot", "FILE", NS_COMMAND_REPLAY,
     "with --sweep: draw the misses over the size as SVG into FILE (needs gnuplot); - as for --json"},
    {NS_OPTION_LIST, '\0', "list", NULL, NS_COMMAND_EXPLAIN | NS_COMMAND_INIT,
     "explain: list all hazards; init: list all starters and machines; one per line"},
    {NS_OPTION_CHECK, '\0', "check", NULL, NS_COMMAND_FMT, "write nothing: list the files whose layout differs"},
    {NS_OPTION_STARTER, '\0', "starter", "STARTER", NS_COMMAND_INIT, "which starter (default: receive)"},
};
const size_t ns_option_count = sizeof ns_option_table / sizeof ns_option_table[0];

const struct ns_command_spec ns_command_table[] = {
    {NS_COMMAND_CHECK, "check", "FILE...", "read scenarios and report every error, without running them"},
    {NS_COMMAND_RUN, "run", "FILE", "run a scenario once and report the hazards"},
    {NS_COMMAND_VERIFY, "verify", "FILE...", "explore every order and all that the hardware may do; prove or refute"},
    {NS_COMMAND_REPAIR, "repair", "FILE", "print the cheapest change that makes the proof go through"},
    {NS_COMMAND_TEST, "test", "PATH...", "run and verify every scenario found below PATH and judge its expectations"},
    {NS_COMMAND_REPLAY, "replay", "TRACE", "count what an address trace does in caches: hits, misses, write-backs"},
    {NS_COMMAND_EXPLAIN, "explain", "ID | --list", "explain a hazard: what happens, the fix, its names elsewhere"},
    {NS_COMMAND_FMT, "fmt", "FILE...", "write scenario and machine files in their canonical layout"},
    {NS_COMMAND_INIT, "init", "[NAME] | --list", "write an annotated scenario to start from"},
    {NS_COMMAND_COMPLETION, "completion", "bash | zsh | fish", "print the completions for a shell"},
};
const size_t ns_command_count = sizeof ns_command_table / sizeof ns_command_table[0];

const struct ns_command_spec *ns_command_spec(enum ns_command command) {
    for (size_t i = 0; i < ns_command_count; ++i) {
        if (ns_command_table[i].command == command) {
            return &ns_command_table[i];
        }
    }
    return NULL;
}

const char *const *ns_option_words(enum ns_option_id id) {
    static const char *const colors[] = {"auto", "always", "never", NULL}; /* as enum ns_color */
    static const char *const orders[] = {"written", "free", NULL};
    static const char *const simulators[] = {"dinero", "cachegrind", NULL};
    return id == NS_OPTION_COLOR ? colors : id == NS_OPTION_ORDER ? orders : id == NS_OPTION_LIKE ? simulators : NULL;
}

static void complain_about_option(const char *name, size_t length) {
    struct ns_nearest nearest;
    ns_nearest_start(&nearest, name, length);
    for (size_t i = 0; i < ns_option_count; ++i) {
        ns_nearest_offer(&nearest, ns_option_table[i].name, strlen(ns_option_table[i].name));
    }
    if (nearest.best != NULL) {
        ns_error("unknown option `--%.*s`; did you mean `--%.*s`?", (int)length, name, (int)nearest.best_length,
                 nearest.best);
    } else {
        ns_error("unknown option `--%.*s`; `nosnoop --help` lists all options", (int)length, name);
    }
}

static bool complain_about_command(const char *name) {
    struct ns_nearest nearest;
    ns_nearest_start(&nearest, name, strlen(name));
    for (size_t i = 0; i < ns_command_count; ++i) {
        ns_nearest_offer(&nearest, ns_command_table[i].name, strlen(ns_command_table[i].name));
    }
    size_t length = strlen(name);
    if (nearest.best != NULL) {
        ns_error("unknown command `%s`; did you mean `%.*s`?", name, (int)nearest.best_length, nearest.best);
    } else if (length > 4 && strcmp(name + length - 4, ".dma") == 0) {
        ns_error("unknown command `%s`; did you mean `nosnoop run %s`?", name, name);
    } else {
        ns_error("unknown command `%s`; `nosnoop --help` lists all commands", name);
    }
    return false;
}

/* Decimal digits, or 0x and hexadecimal digits, and nothing else. */
static bool parse_number(const char *text, size_t length, uint64_t *number) {
    unsigned base = length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    *number = 0;
    for (size_t i = base == 16 ? 2 : 0; i < length; ++i) {
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 99;
        if (digit >= base || *number > (UINT64_MAX - digit) / base) {
            return false;
        }
        *number = *number * base + digit;
    }
    return length > 0;
}

static bool take_number(const struct ns_option_spec *spec, const char *value, uint64_t least, uint64_t most,
                        uint64_t *number) {
    if (parse_number(value, strlen(value), number) && *number >= least && *number <= most) {
        return true;
    }
    ns_error("`--%s` takes a number from %llu to %llu, not `%s`", spec->name, (unsigned long long)least,
             (unsigned long long)most, value);
    return false;
}

/* Bytes, with K, M or G behind the number. */
static bool take_size(const struct ns_option_spec *spec, const char *value, uint64_t *size) {
    size_t length = strlen(value);
    const char *unit = length > 0 ? strchr("KMG", value[length - 1]) : NULL;
    unsigned shift = unit == NULL ? 0 : *unit == 'K' ? 10 : *unit == 'M' ? 20 : 30;
    length -= shift > 0;
    if (parse_number(value, length, size) && *size > 0 && *size <= UINT64_MAX >> shift) {
        *size <<= shift;
        return true;
    }
    ns_error("`--%s` takes a size such as 512M or 8G, not `%s`", spec->name, value);
    return false;
}

static bool take_small_number(const struct ns_option_spec *spec, const char *value, uint32_t most, uint32_t *number) {
    uint64_t wide = 0;
    bool good = take_number(spec, value, 1, most, &wide);
    *number = (uint32_t)wide;
    return good;
}

/* `value` is one of `words` (NULL-terminated); its position goes to *choice. */
static bool take_word(const struct ns_option_spec *spec, const char *value, const char *const *words, int *choice) {
    for (int i = 0; words[i] != NULL; ++i) {
        if (strcmp(words[i], value) == 0) {
            *choice = i;
            return true;
        }
    }
    if (words[2] != NULL) {
        ns_error("`--%s` takes %s, %s or %s, not `%s`", spec->name, words[0], words[1], words[2], value);
    } else {
        ns_error("`--%s` takes %s or %s, not `%s`", spec->name, words[0], words[1], value);
    }
    return false;
}

static bool apply(const struct ns_option_spec *spec, const char *value, struct ns_options *options) {
    int choice = 0;
    bool good = true;
    switch (spec->id) {
    case NS_OPTION_HELP:
        options->help = true;
        break;
    case NS_OPTION_VERSION:
        options->version = true;
        break;
    case NS_OPTION_QUIET:
        options->quiet = true;
        break;
    case NS_OPTION_VERBOSE:
        options->verbose = true;
        break;
    case NS_OPTION_COLOR:
        good = take_word(spec, value, ns_option_words(spec->id), &choice);
        options->color = (enum ns_color)choice;
        break;
    case NS_OPTION_JSON:
        options->json = true;
        options->json_file = value != NULL && strcmp(value, "-") != 0 ? value : NULL;
        break;
    case NS_OPTION_CHDIR:
        options->chdir = value;
        break;
    case NS_OPTION_JOBS:
        good = take_small_number(spec, value, NS_MAX_JOBS, &options->jobs);
        break;
    case NS_OPTION_TIMEOUT:
        options->timeout_given = true;
        good = take_small_number(spec, value, NS_MAX_TIMEOUT, &options->timeout_s);
        break;
    case NS_OPTION_SEED:
        options->seed_given = true;
        good = take_number(spec, value, 0, NS_MAX_SEED, &options->seed);
        break;
    case NS_OPTION_ORDER:
        options->order_given = true;
        good = take_word(spec, value, ns_option_words(spec->id), &choice);
        options->order_free = choice == 1;
        break;
    case NS_OPTION_SCHEDULE:
        options->schedule = value;
        break;
    case NS_OPTION_CHAOS:
        options->chaos = true;
        good = take_number(spec, value, 0, NS_MAX_SEED, &options->chaos_seed);
        break;
    case NS_OPTION_EXPLAIN_ALLOC:
        options->explain_alloc = true;
        break;
    case NS_OPTION_LIST:
        options->list = true;
        break;
    case NS_OPTION_STATES:
        good = take_number(spec, value, 1, UINT32_MAX, &options->state_limit);
        break;
    case NS_OPTION_MEMORY:
        good = take_size(spec, value, &options->memory_limit);
        break;
    case NS_OPTION_MUTATE:
        options->mutate = true;
        break;
    case NS_OPTION_WRITE:
        options->write = true;
        break;
    case NS_OPTION_MINIMISE:
        options->minimise = true;
        break;
    case NS_OPTION_NO_VERIFY:
        options->no_verify = true;
        break;
    case NS_OPTION_GRADE:
        options->grade = value;
        break;
    case NS_OPTION_CHECK:
        options->check = true;
        break;
    case NS_OPTION_STARTER:
        options->starter = value;
        break;
    case NS_OPTION_STATS:
        options->stats = true;
        break;
    case NS_OPTION_LANES:
        options->lanes = true;
        break;
    case NS_OPTION_TRACE:
        options->trace = value;
        break;
    case NS_OPTION_VCD:
        options->vcd = value;
        break;
    case NS_OPTION_JUNIT:
        options->junit = value;
        break;
    case NS_OPTION_MACHINE:
        options->machine = value;
        break;
    case NS_OPTION_TIMED:
        options->timed = true;
        break;
    case NS_OPTION_L1D:
        options->l1d = value;
        break;
    case NS_OPTION_L1I:
        options->l1i = value;
        break;
    case NS_OPTION_L2:
        options->l2 = value;
        break;
    case NS_OPTION_L3:
        options->l3 = value;
        break;
    case NS_OPTION_LIKE:
        good = take_word(spec, value, ns_option_words(spec->id), &choice);
        options->like_cachegrind = choice == 1;
        break;
    case NS_OPTION_LENIENT:
        options->lenient = true;
        break;
    case NS_OPTION_SWEEP:
        options->sweep = true;
        options->sweep_range = value;
        break;
    case NS_OPTION_CSV:
        options->csv = value;
        break;
    case NS_OPTION_PLOT:
        options->plot = value;
        break;
    case NS_OPTION_TAP:
        options->tap = value;
        break;
    }
    return good;
}

/* The options given, to be checked against the sub-command once that is known. */
struct given {
    uint64_t seen; /* bit per entry of the table */
};

/* "--name", "--name=value" or "--name value"; *index moves past what was used. */
static bool parse_long(int argc, char **argv, int *index, struct given *given, struct ns_options *options) {
    const char *text = argv[*index] + 2;
    size_t length = strcspn(text, "=");
    const char *value = text[length] == '=' ? text + length + 1 : NULL;
    for (size_t i = 0; i < ns_option_count; ++i) {
        const struct ns_option_spec *spec = &ns_option_table[i];
        if (strlen(spec->name) != length || strncmp(spec->name, text, length) != 0) {
            continue;
        }
        bool optional = spec->argument != NULL && spec->argument[0] == '[';
        if (spec->argument == NULL && value != NULL) {
            ns_error("`--%s` takes no value", spec->name);
            return false;
        }
        if (spec->argument != NULL && !optional && value == NULL) {
            if (*index + 1 >= argc) {
                ns_error("`--%s` needs a value: --%s %s", spec->name, spec->name, spec->argument);
                return false;
            }
            value = argv[++*index];
        }
        given->seen |= UINT64_C(1) << i;
        return apply(spec, value, options);
    }
    complain_about_option(text, length);
    return false;
}

/* "-q", "-qv" */
static bool parse_short(const char *text, struct given *given, struct ns_options *options) {
    for (++text; *text != '\0'; ++text) {
        size_t i = 0;
        while (i < ns_option_count && ns_option_table[i].letter != *text) {
            ++i;
        }
        if (i == ns_option_count) {
            ns_error("unknown option `-%c`; `nosnoop --help` lists all options",
                     *text >= ' ' && *text < 0x7f ? *text : '?');
            return false;
        }
        given->seen |= UINT64_C(1) << i;
        if (!apply(&ns_option_table[i], NULL, options)) {
            return false;
        }
    }
    return true;
}

static bool take_command(const char *name, struct ns_options *options) {
    for (size_t i = 0; i < ns_command_count; ++i) {
        if (strcmp(ns_command_table[i].name, name) == 0) {
            options->command = ns_command_table[i].command;
            return true;
        }
    }
    return complain_about_command(name);
}

/* How many documents want standard output for themselves. */
static unsigned standard_outputs(const struct ns_options *options) {
    const char *const file[] = {options->junit, options->tap, options->trace,
                                options->vcd,   options->csv, options->plot};
    unsigned count = options->json && options->json_file == NULL ? 1 : 0;
    for (size_t i = 0; i < sizeof file / sizeof file[0]; ++i) {
        count += file[i] != NULL && strcmp(file[i], "-") == 0 ? 1 : 0;
    }
    return count;
}

static bool check_fit(const struct given *given, struct ns_options *options) {
    for (size_t i = 0; i < ns_option_count; ++i) {
        const struct ns_option_spec *spec = &ns_option_table[i];
        if ((given->seen & (UINT64_C(1) << i)) != 0 && (spec->commands & options->command) == 0) {
            ns_error("`nosnoop %s` has no option `--%s`", ns_command_spec(options->command)->name, spec->name);
            return false;
        }
    }
    if (options->schedule != NULL && options->order_given) {
        ns_error("`--schedule` gives the order itself: it does not go with `--order`");
        return false;
    }
    if (options->quiet && options->verbose) {
        ns_error("`-q` and `-v` contradict each other");
        return false;
    }
    if (options->grade != NULL && (options->junit != NULL || options->tap != NULL)) {
        ns_error("`--grade` does not go with `--%s`", options->junit != NULL ? "junit" : "tap");
        return false;
    }
    if ((options->csv != NULL || options->plot != NULL) && !options->sweep) {
        ns_error("`--%s` shows a sweep: it needs `--sweep`", options->csv != NULL ? "csv" : "plot");
        return false;
    }
    if (options->sweep && (options->machine != NULL || options->l1d != NULL || options->l1i != NULL ||
                           options->l2 != NULL || options->l3 != NULL || options->like_cachegrind)) {
        ns_error("`--sweep` has data caches of its own, and counts as Dinero does: it goes with none of `--machine`, "
                 "`--l1d`, `--l1i`, `--l2`, `--l3` and `--like cachegrind`");
        return false;
    }
    if (options->timed && (options->sweep || options->l1d != NULL || options->l1i != NULL || options->l2 != NULL ||
                           options->l3 != NULL || options->like_cachegrind)) {
        ns_error(
            "`--timed` takes all of its machine, and counts as that does: it goes with none of `--sweep`, `--l1d`, "
            "`--l1i`, `--l2`, `--l3` and `--like cachegrind`");
        return false;
    }
    options->stdout_taken = standard_outputs(options);
    if (options->stdout_taken > 1) {
        ns_error("only one document can go to standard output: give the others a file");
        return false;
    }
    return true;
}

bool ns_options_parse(int argc, char **argv, struct ns_options *options) {
    *options = (struct ns_options){.timeout_s = 60};
    struct given given = {0};
    bool only_operands = false;
    options->operands = calloc((size_t)argc + 1, sizeof *options->operands);
    if (options->operands == NULL) {
        ns_error("out of memory");
        return false;
    }
    for (int i = 1; i < argc; ++i) {
        const char *text = argv[i];
        bool good = true;
        if (only_operands || text[0] != '-' || text[1] == '\0') {
            if (options->command == NS_COMMAND_NONE) {
                good = take_command(text, options);
            } else {
                options->operands[options->operand_count++] = text;
            }
        } else if (strcmp(text, "--") == 0) {
            only_operands = true;
        } else if (text[1] == '-') {
            good = parse_long(argc, argv, &i, &given, options);
        } else {
            good = parse_short(text, &given, options);
        }
        if (!good) {
            return false;
        }
    }
    return options->command == NS_COMMAND_NONE || options->help || options->version || check_fit(&given, options);
}

void ns_options_release(struct ns_options *options) {
    free(options->operands);
    options->operands = NULL;
    options->schedule = NULL;
}
