/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#define HELP_COLUMN  26
#define HELP_COLUMNS 80

static void write_row(const char *left, const char *right, struct ns_buffer *out) {
    ns_buffer_format(out, "  %s", left);
    size_t at = strlen(left) + 2;
    if (at + 2 > HELP_COLUMN) {
        ns_buffer_text(out, "\n");
        at = 0;
    }
    ns_buffer_repeat(out, ' ', HELP_COLUMN - at);
    ns_buffer_wrap(out, right, HELP_COLUMN, HELP_COLUMN, HELP_COLUMNS);
}

static void write_option(const struct ns_option_spec *spec, struct ns_buffer *out) {
    struct ns_buffer left = {0};
    if (spec->letter != '\0') {
        ns_buffer_format(&left, "-%c, ", spec->letter);
    } else {
        ns_buffer_text(&left, "    ");
    }
    ns_buffer_format(&left, "--%s", spec->name);
    if (spec->argument != NULL && spec->argument[0] == '[') {
        ns_buffer_format(&left, "[=%s", spec->argument + 1);
    } else if (spec->argument != NULL) {
        ns_buffer_format(&left, "=%s", spec->argument);
    }
    write_row(left.data != NULL ? left.data : "", spec->help, out);
    ns_buffer_release_piece(&left, out);
}

static void write_options(const char *title, enum ns_command command, bool global, struct ns_buffer *out) {
    bool first = true;
    for (size_t i = 0; i < ns_option_count; ++i) {
        const struct ns_option_spec *spec = &ns_option_table[i];
        bool wanted = global ? spec->commands == NS_COMMAND_ALL
                             : spec->commands != NS_COMMAND_ALL && (spec->commands & (unsigned)command) != 0;
        if (wanted) {
            ns_buffer_text(out, first ? title : "");
            write_option(spec, out);
            first = false;
        }
    }
}

void ns_help_short(struct ns_buffer *out) {
    ns_buffer_text(out, "usage: nosnoop COMMAND [OPTION...] [FILE...]\n\n");
    for (size_t i = 0; i < ns_command_count; ++i) {
        const struct ns_command_spec *spec = &ns_command_table[i];
        struct ns_buffer left = {0};
        ns_buffer_format(&left, "%s %s", spec->name, spec->operands);
        write_row(left.data != NULL ? left.data : "", spec->help, out);
        ns_buffer_release_piece(&left, out);
    }
    ns_buffer_text(out, "\n`nosnoop --help` says more.\n");
}

static void write_exit_statuses(struct ns_buffer *out) {
    ns_buffer_text(out, "\nExit status:\n"
                        "  0   everything is as expected\n"
                        "  1   an expectation failed, or a hazard that nobody expected\n"
                        "  2   bad command line or bad file; `test` that found no scenario\n"
                        "  3   no failure found, but not complete\n"
                        "  4   internal error\n"
                        "  77  skipped: the scenario requires something that this build lacks\n");
}

void ns_help_text(enum ns_command command, struct ns_buffer *out) {
    const struct ns_command_spec *spec = ns_command_spec(command);
    if (spec != NULL) {
        ns_buffer_format(out, "usage: nosnoop %s [OPTION...] %s\n\n", spec->name, spec->operands);
        ns_buffer_format(out, "%s.\n", spec->help);
        write_options("\nOptions:\n", command, false, out);
        write_options("\nOptions of every command:\n", command, true, out);
        return;
    }
    ns_buffer_text(out, "usage: nosnoop COMMAND [OPTION...] [FILE...]\n\n"
                        "Simulates a machine whose DMA masters do not snoop the CPU's caches, and finds\n"
                        "the bugs that come from that.\n\n"
                        "Commands:\n");
    for (size_t i = 0; i < ns_command_count; ++i) {
        struct ns_buffer left = {0};
        ns_buffer_format(&left, "%s %s", ns_command_table[i].name, ns_command_table[i].operands);
        write_row(left.data != NULL ? left.data : "", ns_command_table[i].help, out);
        ns_buffer_release_piece(&left, out);
    }
    write_options("\nOptions of every command:\n", command, true, out);
    for (size_t i = 0; i < ns_command_count; ++i) {
        struct ns_buffer title = {0};
        ns_buffer_format(&title, "\nOptions of %s:\n", ns_command_table[i].name);
        write_options(title.data != NULL ? title.data : "", ns_command_table[i].command, false, out);
        ns_buffer_release_piece(&title, out);
    }
    ns_buffer_text(out, "\nA FILE called - is standard input.\n");
    write_exit_statuses(out);
}
