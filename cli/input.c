/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include "cli/output.h"
#include "cli/presets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At most `limit` bytes of a stream. False with errno set. */
static bool read_stream(FILE *stream, char *text, size_t limit, size_t *length) {
    errno = 0;
    *length = fread(text, 1, limit, stream);
    return ferror(stream) == 0;
}

static bool read_file(const char *file, char *text, size_t limit, size_t *length) {
    if (strcmp(file, "-") == 0) {
        return read_stream(stdin, text, limit, length);
    }
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) {
        return false;
    }
    bool good = read_stream(stream, text, limit, length);
    int reason = errno;
    fclose(stream);
    errno = reason;
    return good;
}

enum ns_exit ns_input_load(const char *file, char **text, size_t *length) {
    const size_t limit =
        (size_t)NS_LIMIT_FILE_BYTES + 1; /* one more, so that the parser sees that a file is too long */
    *text = malloc(limit);
    if (*text == NULL) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    if (!read_file(file, *text, limit, length)) {
        ns_error("cannot read `%s`: %s", file, strerror(errno));
        free(*text);
        *text = NULL;
        return NS_EXIT_BAD_INPUT;
    }
    return NS_EXIT_HELD;
}

enum ns_exit ns_input_parse(const char *file, const char *text, size_t length, struct ns_input *input) {
    const char *names[NS_PRESET_LIMIT + 1];
    struct ns_machine_source machines;
    ns_diagnostics_init(&input->diagnostics);
    ns_preset_source(&machines, names);
    input->scenario = ns_scenario_parse(file, text, length, &machines, &input->diagnostics);
    if (input->scenario == NULL) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    return NS_EXIT_HELD;
}

enum ns_exit ns_input_read(const char *file, struct ns_input *input) {
    char *text = NULL;
    size_t length = 0;
    input->scenario = NULL;
    ns_diagnostics_init(&input->diagnostics);
    enum ns_exit result = ns_input_load(file, &text, &length);
    if (result == NS_EXIT_HELD) {
        result = ns_input_parse(file, text, length, input);
    }
    free(text);
    return result;
}

void ns_input_release(struct ns_input *input) {
    ns_scenario_destroy(input->scenario);
    ns_diagnostics_release(&input->diagnostics);
    input->scenario = NULL;
}

void ns_input_complain(const struct ns_input *input) {
    for (size_t i = 0; i < input->diagnostics.count; ++i) {
        size_t size = ns_diagnostic_format(&input->diagnostics, i, NULL, 0) + 1;
        char *text = malloc(size);
        if (text == NULL) {
            ns_error("out of memory");
            return;
        }
        ns_diagnostic_format(&input->diagnostics, i, text, size);
        fputs(text, stderr);
        free(text);
    }
}
