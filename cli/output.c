/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include "report/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void ns_error(const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct ns_buffer clean = {0};
    ns_format_source(&clean, text, strlen(text));
    fprintf(stderr, "nosnoop: %s\n", clean.failed ? "out of memory" : clean.data != NULL ? clean.data : "");
    ns_buffer_release(&clean);
}

static bool complain_about_stdout(void) {
    /* An earlier write may have failed, whose reason is gone. */
    ns_error("cannot write to standard output%s%s", errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    return false;
}

bool ns_output_write(const struct ns_buffer *text) {
    if (text->failed) {
        ns_error("out of memory");
        return false;
    }
    errno = 0;
    if (text->length > 0 && fwrite(text->data, 1, text->length, stdout) != text->length) {
        return complain_about_stdout();
    }
    return true;
}

bool ns_output_finish(void) {
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return complain_about_stdout();
    }
    return true;
}

/* Names such as /dev/stdout and /dev/fd/3 are links by the system's own hand. */
static bool is_system_name(const char *name) {
    static const char *const folders[] = {"/dev/", "/dev/fd/", "/proc/self/fd/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; ++i) {
        const size_t length = strlen(folders[i]);
        if (strncmp(name, folders[i], length) == 0 && strchr(name + length, '/') == NULL) {
            return true;
        }
    }
    return false;
}

/* A link is not followed: it may lie in somebody else's folder, and lead to whatever the caller can write. */
static FILE *open_document(const char *name) {
    const int follow = is_system_name(name) ? 0 : O_NOFOLLOW;
    const int descriptor = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | follow, 0666);
    int reason = errno;
    struct stat status;
    FILE *file = NULL;
    if (descriptor >= 0 && (file = fdopen(descriptor, "wb")) == NULL) {
        reason = errno;
        close(descriptor);
    }
    if (file == NULL) {
        const bool link = follow != 0 && lstat(name, &status) == 0 && S_ISLNK(status.st_mode);
        ns_error("cannot write `%s`: %s", name, link ? "it is a symbolic link" : strerror(reason));
    }
    return file;
}

static enum ns_exit write_file(const char *name, const struct ns_buffer *text) {
    if (text->failed) {
        ns_error("out of memory");
        return NS_EXIT_INTERNAL;
    }
    FILE *file = open_document(name);
    if (file == NULL) {
        return NS_EXIT_BAD_INPUT;
    }
    /* The bytes of an empty text may be nowhere, which fwrite() must not be given. */
    bool good = text->length == 0 || fwrite(text->data, 1, text->length, file) == text->length;
    int reason = errno;
    if (fclose(file) != 0 && good) {
        good = false;
        reason = errno;
    }
    if (!good) {
        ns_error("cannot write `%s`: %s", name, strerror(reason));
    }
    return good ? NS_EXIT_HELD : NS_EXIT_INTERNAL;
}

enum ns_exit ns_output_document(const char *name, const struct ns_buffer *text) {
    if (strcmp(name, "-") != 0) {
        return write_file(name, text);
    }
    return ns_output_write(text) ? NS_EXIT_HELD : NS_EXIT_INTERNAL;
}

enum ns_exit ns_output_json(const struct ns_options *options, const struct ns_buffer *text) {
    return ns_output_document(options->json_file != NULL ? options->json_file : "-", text);
}

bool ns_output_is_json(const struct ns_options *options) {
    return options->stdout_taken > 0;
}

bool ns_output_color(const struct ns_options *options) {
    const char *no_color = getenv("NO_COLOR"); /* https://no-color.org: set and not empty */
    const char *terminal = getenv("TERM");
    if (options->color != NS_COLOR_AUTO) {
        return options->color == NS_COLOR_ALWAYS;
    }
    return isatty(STDOUT_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}
