/* SPDX-License-Identifier: Apache-2.0 */
/* `nosnoop init`: a scenario to start from. Never overwrites. */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/presets.h"
#include "scenarios/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_STARTER "receive"

/* What a starter or a machine is: its first comment below the licence, up to the first full stop. */
static void write_summary(const struct ns_preset *preset, struct ns_buffer *out) {
    const char *at = (const char *)preset->text, *end = at + preset->length;
    const char *line = memchr(at, '\n', preset->length);
    size_t left = line != NULL ? strlen(preset->name) : 0;
    ns_buffer_format(out, "  %s", preset->name);
    if (line == NULL || line + 2 >= end || line[1] != '#') {
        ns_buffer_text(out, "\n");
        return;
    }
    line += 3;
    struct ns_buffer sentence = {0};
    while (line < end && *line != '.') {
        /* A sentence may go on in the next line of the comment. */
        bool wraps = *line == '\n';
        ns_buffer_add(&sentence, wraps ? " " : line, 1);
        line += wraps ? 3 : 1;
    }
    ns_buffer_repeat(out, ' ', left + 2 < 20 ? 20 - left - 2 : 1);
    ns_buffer_wrap(out, sentence.data != NULL ? sentence.data : "", 20, 20, 80);
    ns_buffer_release_piece(&sentence, out);
}

static enum ns_exit list(void) {
    struct ns_buffer out = {0};
    ns_buffer_text(&out, "Starters (nosnoop init NAME --starter STARTER):\n");
    for (const struct ns_preset *starter = ns_starters; starter->name != NULL; ++starter) {
        write_summary(starter, &out);
    }
    ns_buffer_text(&out, "\nMachines (use machine \"NAME\"):\n");
    for (const struct ns_preset *preset = ns_presets; preset->name != NULL; ++preset) {
        write_summary(preset, &out);
    }
    enum ns_exit result = ns_output_write(&out) ? NS_EXIT_HELD : NS_EXIT_INTERNAL;
    ns_buffer_release(&out);
    return result;
}

static const struct ns_preset *find_starter(const char *name) {
    struct ns_nearest nearest;
    ns_nearest_start(&nearest, name, strlen(name));
    for (const struct ns_preset *starter = ns_starters; starter->name != NULL; ++starter) {
        if (strcmp(starter->name, name) == 0) {
            return starter;
        }
        ns_nearest_offer(&nearest, starter->name, strlen(starter->name));
    }
    if (nearest.best != NULL) {
        ns_error("no starter is called `%s`; did you mean `%.*s`?", name, (int)nearest.best_length, nearest.best);
    } else {
        ns_error("no starter is called `%s`; `nosnoop init --list` lists all of them", name);
    }
    return NULL;
}

/* The last part of the path, without ".dma". False when it cannot stand in a scenario's name. */
static bool take_name(const char *path, const char **name, size_t *length) {
    const char *slash = strrchr(path, '/');
    *name = slash != NULL ? slash + 1 : path;
    *length = strlen(*name);
    if (*length > 4 && strcmp(*name + *length - 4, ".dma") == 0) {
        *length -= 4;
    }
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *length > 0 && *length <= 48 && strspn(*name, allowed) >= *length;
}

/* The starter's text with another name in its `scenario` line. */
static void fill(const struct ns_preset *starter, const char *name, size_t length, struct ns_buffer *out) {
    static const char word[] = "\nscenario \"";
    const char *text = (const char *)starter->text, *end = text + starter->length;
    const char *found = strstr(text, word); /* the array ends with a 0 */
    const char *quote = found != NULL ? strchr(found + sizeof word - 1, '"') : NULL;
    if (quote == NULL) {
        ns_buffer_add(out, text, starter->length);
        return;
    }
    ns_buffer_add(out, text, (size_t)(found - text) + sizeof word - 1);
    ns_buffer_add(out, name, length);
    ns_buffer_add(out, quote, (size_t)(end - quote));
}

static enum ns_exit write_new(const char *file, const struct ns_buffer *text) {
    if (text->failed) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    FILE *stream = fopen(file, "wbx");
    if (stream == NULL) {
        ns_error(errno == EEXIST ? "`%s` exists already; `init` overwrites nothing" : "cannot write `%s`: %s", file,
                 strerror(errno));
        return NS_EXIT_BAD_INPUT;
    }
    bool good = text->length == 0 || fwrite(text->data, 1, text->length, stream) == text->length;
    int reason = errno;
    if (fclose(stream) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (!good) {
        remove(file);
        ns_error("cannot write `%s`: %s", file, strerror(reason));
        return NS_EXIT_BAD_INPUT;
    }
    return NS_EXIT_HELD;
}

enum ns_exit ns_init_main(const struct ns_options *options) {
    if (options->list && options->operand_count == 0) {
        return list();
    }
    if (options->list || options->operand_count > 1) {
        ns_error("`nosnoop init` takes one name, or `--list`");
        return NS_EXIT_BAD_INPUT;
    }
    const struct ns_preset *starter = find_starter(options->starter != NULL ? options->starter : DEFAULT_STARTER);
    if (starter == NULL) {
        return NS_EXIT_BAD_INPUT;
    }
    const char *path = options->operand_count == 1 ? options->operands[0] : starter->name, *name;
    size_t length;
    if (!take_name(path, &name, &length)) {
        ns_error("`%s` is no name for a scenario: at most 48 letters, digits, `.`, `_` and `-`", path);
        return NS_EXIT_BAD_INPUT;
    }
    struct ns_buffer text = {0}, file = {0}, said = {0};
    fill(starter, name, length, &text);
    ns_buffer_add(&file, path, (size_t)(name - path) + length);
    ns_buffer_text(&file, ".dma");
    enum ns_exit result = file.failed ? NS_EXIT_INTERNAL : write_new(file.data, &text);
    if (result == NS_EXIT_HELD && !options->quiet) {
        ns_buffer_format(&said, "%s\n", file.data);
        result = ns_output_write(&said) ? NS_EXIT_HELD : NS_EXIT_INTERNAL;
    }
    ns_buffer_release(&said);
    ns_buffer_release(&file);
    ns_buffer_release(&text);
    return result;
}
