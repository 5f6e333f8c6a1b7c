/* SPDX-License-Identifier: Apache-2.0 */
/* `nosnoop fmt`: canonical layout. What cannot be parsed is left alone. */
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/replace.h"
#include "report/format.h"
#include "scenarios/canonical.h"

#include <stdlib.h>
#include <string.h>

/* Bad input wins over a layout that differs, and an internal error over both. */
static enum ns_exit worse(enum ns_exit one, enum ns_exit other) {
    return one > other ? one : other;
}

static void write_name(const char *file, struct ns_buffer *out) {
    ns_format_source(out, file, strlen(file));
    ns_buffer_text(out, "\n");
}

static enum ns_exit finish(const char *file, const struct ns_options *options, const char *text, size_t length,
                           struct ns_buffer *out) {
    size_t formatted_length = 0;
    char *formatted = ns_canonical_layout(text, length, &formatted_length);
    enum ns_exit result = NS_EXIT_HELD;
    if (formatted == NULL) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    bool differs = formatted_length != length || memcmp(formatted, text, length) != 0;
    if (!ns_canonical_same(text, length, formatted, formatted_length)) {
        ns_error("%s: its layout cannot be changed without changing its words; please report this", file);
        result = NS_EXIT_INTERNAL;
    } else if (options->check && differs) {
        write_name(file, out);
        result = NS_EXIT_FAILED;
    } else if (!options->check && strcmp(file, "-") == 0) {
        ns_buffer_add(out, formatted, formatted_length);
    } else if (!options->check && differs) {
        result = ns_replace_file(file, formatted, formatted_length) ? NS_EXIT_HELD : NS_EXIT_BAD_INPUT;
        if (result == NS_EXIT_HELD && options->verbose) {
            write_name(file, out);
        }
    }
    free(formatted);
    return result;
}

static enum ns_exit format_file(const char *file, const struct ns_options *options, struct ns_buffer *out) {
    struct ns_input input = {0};
    char *text = NULL;
    size_t length = 0;
    enum ns_exit result = ns_input_load(file, &text, &length);
    if (result != NS_EXIT_HELD) {
        return result;
    }
    result = ns_input_parse(file, text, length, &input);
    if (result == NS_EXIT_HELD && input.diagnostics.count > 0) {
        ns_input_complain(&input);
        result = NS_EXIT_BAD_INPUT;
    } else if (result == NS_EXIT_HELD) {
        result = finish(file, options, text, length, out);
    }
    ns_input_release(&input);
    free(text);
    return result;
}

enum ns_exit ns_fmt_main(const struct ns_options *options) {
    enum ns_exit result = NS_EXIT_HELD;
    struct ns_buffer out = {0};
    if (options->operand_count == 0) {
        ns_error("`nosnoop fmt` needs a file: nosnoop fmt FILE...");
        return NS_EXIT_BAD_INPUT;
    }
    for (size_t i = 0; i < options->operand_count; ++i) {
        result = worse(result, format_file(options->operands[i], options, &out));
    }
    if (!(options->check && options->quiet) && !ns_output_write(&out)) {
        result = NS_EXIT_INTERNAL;
    }
    ns_buffer_release(&out);
    return result;
}
