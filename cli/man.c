/* SPDX-License-Identifier: Apache-2.0 */
/* nosnoop(1), from the tables of options.c. Macros: groff_man(7). */
#include "cli/man.h"

#include "cli/options.h"

#include <stddef.h>
#include <string.h>

/* Text of a paragraph: a `-` of the command line is `\-`, and no line may start with a control character. */
static void add_text(const char *text, struct ns_buffer *out) {
    if (*text == '.' || *text == '\'') {
        ns_buffer_text(out, "\\&");
    }
    for (; *text != '\0'; ++text) {
        switch (*text) {
        case '-':
            ns_buffer_text(out, "\\-");
            break;
        case '\\':
            ns_buffer_text(out, "\\e");
            break;
        case '`':
            ns_buffer_text(out, "\\(ga");
            break;
        case '\'':
            ns_buffer_text(out, "\\(aq");
            break;
        default:
            ns_buffer_add(out, text, 1);
        }
    }
}

static void add_option(const struct ns_option_spec *spec, struct ns_buffer *out) {
    ns_buffer_text(out, ".TP\n");
    if (spec->letter != '\0') {
        ns_buffer_format(out, "\\fB\\-%c\\fR, ", spec->letter);
    }
    ns_buffer_text(out, "\\fB\\-\\-");
    add_text(spec->name, out);
    ns_buffer_text(out, "\\fR");
    if (spec->argument != NULL && spec->argument[0] == '[') {
        /* "[FILE]": the brackets stand outside of the italics. */
        ns_buffer_text(out, "[=\\fI");
        ns_buffer_add(out, spec->argument + 1, strlen(spec->argument) - 2);
        ns_buffer_text(out, "\\fR]");
    } else if (spec->argument != NULL) {
        ns_buffer_format(out, "=\\fI%s\\fR", spec->argument);
    }
    ns_buffer_text(out, "\n");
    add_text(spec->help, out);
    ns_buffer_text(out, ".\n");
}

static bool has_options(enum ns_command command) {
    for (size_t i = 0; i < ns_option_count; ++i) {
        if (ns_option_table[i].commands != NS_COMMAND_ALL && (ns_option_table[i].commands & (unsigned)command) != 0) {
            return true;
        }
    }
    return false;
}

static void add_options(struct ns_buffer *out) {
    ns_buffer_text(out, ".SH OPTIONS\n.SS Of every command\n");
    for (size_t i = 0; i < ns_option_count; ++i) {
        if (ns_option_table[i].commands == NS_COMMAND_ALL) {
            add_option(&ns_option_table[i], out);
        }
    }
    for (size_t k = 0; k < ns_command_count; ++k) {
        if (!has_options(ns_command_table[k].command)) {
            continue;
        }
        ns_buffer_format(out, ".SS Of %s\n", ns_command_table[k].name);
        for (size_t i = 0; i < ns_option_count; ++i) {
            const struct ns_option_spec *spec = &ns_option_table[i];
            if (spec->commands != NS_COMMAND_ALL && (spec->commands & (unsigned)ns_command_table[k].command) != 0) {
                add_option(spec, out);
            }
        }
    }
}

void ns_man_page(const char *version, struct ns_buffer *out) {
    ns_buffer_text(out, ".\\\" SPDX-License-Identifier: Apache-2.0\n");
    /* No date: the same sources give the same bytes. */
    ns_buffer_format(out, ".TH NOSNOOP 1 \"\" \"nosnoop %s\" \"User Commands\"\n", version);
    ns_buffer_text(out, ".SH NAME\n"
                        "nosnoop \\- find DMA bugs of machines whose devices do not snoop the CPU\\(aqs caches\n"
                        ".SH SYNOPSIS\n"
                        ".B nosnoop\n"
                        "\\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIFILE\\fR...]\n"
                        ".SH DESCRIPTION\n"
                        ".B nosnoop\n"
                        "simulates a machine whose DMA masters do not snoop the caches of the CPU.\n"
                        "It runs scenario files\n"
                        ".RI ( .dma ),\n"
                        "says which rule of DMA was broken, where and by whom, explores every order and\n"
                        "all that the hardware may do, and proposes repairs.\n"
                        ".PP\n"
                        "A \\fIFILE\\fR called \\- is standard input.\n"
                        ".SH COMMANDS\n");
    for (size_t i = 0; i < ns_command_count; ++i) {
        const struct ns_command_spec *spec = &ns_command_table[i];
        ns_buffer_format(out, ".TP\n\\fB%s\\fR \\fI", spec->name);
        add_text(spec->operands, out);
        ns_buffer_text(out, "\\fR\n");
        add_text(spec->help, out);
        ns_buffer_text(out, ".\n");
    }
    add_options(out);
    ns_buffer_text(
        out, ".SH EXIT STATUS\n"
             ".TP\n0\nEverything is as expected.\n"
             ".TP\n1\nAn expectation failed, or a hazard that nobody expected; with \\fBfmt \\-\\-check\\fR, a layout\n"
             "that differs.\n"
             ".TP\n2\nBad command line or bad file; \\fBtest\\fR that found no scenario.\n"
             ".TP\n3\nNo failure found, but not complete.\n"
             ".TP\n4\nInternal error.\n"
             ".TP\n77\nSkipped: the scenario requires something that this build lacks.\n"
             ".SH ENVIRONMENT\n"
             ".TP\n.B NO_COLOR\nWhen it is set and not empty, \\fB\\-\\-color=auto\\fR means no colour.\n"
             ".TP\n.B TERM\nWith \\(lqdumb\\(rq, or without it, \\fB\\-\\-color=auto\\fR means no colour.\n"
             ".SH EXAMPLES\n"
             ".EX\n"
             "nosnoop init first\n"
             "nosnoop run first.dma\n"
             "nosnoop verify first.dma\n"
             "nosnoop explain DC\\-REFETCH\n"
             ".EE\n");
}
