/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_input.h"

#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK    (256u << 10)       /* bytes read at a time: the host's second cache holds them */
#define ACCESSES NS_REPLAY_ACCESSES /* parsed at a time */

struct source {
    const char *file;
    int stream;          /* text comes from here */
    int original;        /* the file itself; its offset says how far we are, also through a child */
    pid_t child;         /* that unpacks it, or 0 */
    const char *unpacks; /* its name */
    uint64_t size;       /* bytes of the file; 0: not known */
};

/* One line on a terminal, which replaces itself. */
struct progress {
    bool wanted, shown;
    struct timespec start;
    double last; /* seconds since the start */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

static ssize_t read_some(int stream, char *text, size_t size) {
    ssize_t got;
    do
        got = read(stream, text, size);
    while (got < 0 && errno == EINTR && !interrupted);
    return got < 0 && errno == EINTR ? 0 : got;
}

/* ---- compressed files ------------------------------------------------------------------------ */

/* The program that unpacks a file which begins like this, or NULL. */
static const char *unpacker(const unsigned char *head, size_t length) {
    if (length >= 6 && memcmp(head, "\3757zXZ\0", 6) == 0)
        return "xz";
    return length >= 2 && head[0] == 0x1f && head[1] == 0x8b ? "gzip" : NULL;
}

static bool start_unpacker(struct source *source) {
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    source->child = fork();
    if (source->child == 0) {
        signal(SIGPIPE, SIG_DFL); /* we may stop reading before its end */
        dup2(source->original, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp(source->unpacks, source->unpacks, "-dc", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (source->child < 0) {
        source->child = 0;
        close(ends[0]);
        return false;
    }
    source->stream = ends[0];
    return true;
}

/* Waits for the child; false after a message when it found the file wrong. `all` says that we have read to the end. */
static bool end_unpacker(struct source *source, bool all) {
    int status = 0;
    close(source->stream);
    source->stream = -1;
    while (waitpid(source->child, &status, 0) < 0 && errno == EINTR) {
    }
    source->child = 0;
    if (!all || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        ns_error("cannot read `%s`: it is compressed, and there is no command `%s` to unpack it", source->file,
                 source->unpacks);
    else
        ns_error("cannot read `%s`: `%s` finds that it is damaged or cut off", source->file, source->unpacks);
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool open_source(struct source *source, const char *file) {
    *source = (struct source){.file = file, .stream = -1, .original = STDIN_FILENO};
    if (strcmp(file, "-") != 0)
        source->original = open(file, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (source->original < 0 || fstat(source->original, &facts) != 0)
        return false;
    if (S_ISDIR(facts.st_mode)) {
        errno = EISDIR;
        return false;
    }
    source->stream = source->original;
    if (!S_ISREG(facts.st_mode))
        return true;
    source->size = (uint64_t)facts.st_size;
    unsigned char head[6];
    ssize_t length = pread(source->original, head, sizeof head, lseek(source->original, 0, SEEK_CUR));
    source->unpacks = length > 0 ? unpacker(head, (size_t)length) : NULL;
    return source->unpacks == NULL || start_unpacker(source);
}

static void close_source(struct source *source) {
    if (source->child != 0)
        end_unpacker(source, false);
    if (source->original > STDIN_FILENO)
        close(source->original);
}

static void show_progress(struct progress *progress, const struct source *source,
                          const struct ns_trace_parser *parser) {
    struct timespec now;
    if (!progress->wanted)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds =
        (double)(now.tv_sec - progress->start.tv_sec) + 1e-9 * (double)(now.tv_nsec - progress->start.tv_nsec);
    if (seconds < 0.5 || seconds - progress->last < 0.2)
        return;
    progress->last = seconds;
    progress->shown = true;
    fprintf(stderr, "\r\033[K%.1f million lines, %.1f million a second", (double)parser->lines / 1e6,
            (double)parser->lines / 1e6 / seconds);
    off_t at = source->size > 0 ? lseek(source->original, 0, SEEK_CUR) : 0;
    if (at > 0 && (uint64_t)at <= source->size) {
        double share = (double)at / (double)source->size;
        fprintf(stderr, ", %.0f %%, %.0f s left", share * 100, seconds / share - seconds);
    }
}

static void hide_progress(const struct progress *progress) {
    if (progress->shown)
        fputs("\r\033[K", stderr);
}

static void complain(const char *file, const struct ns_trace_error *error) {
    ns_error("%s:%" PRIu64 ":%" PRIu32 ": %s", file, error->line, error->column, error->text);
}

struct window {
    char *memory, *text; /* text: behind the padding */
    size_t have;
    uint64_t address[ACCESSES];
    uint16_t what[ACCESSES];
};

/* Everything that the window holds; *ended when the consumer or an error ends the reading. */
static bool consume_window(struct window *window, bool end, struct ns_trace_parser *parser, ns_replay_consumer consumer,
                           void *context, const char *file) {
    size_t used = 0;
    for (bool more = true; more;) {
        struct ns_accesses accesses = {window->address, window->what, 0};
        size_t bad = 0;
        char reason[200] = "";
        used += ns_trace_parse(parser, window->text + used, window->have - used, end, &accesses, ACCESSES);
        const bool records = parser->records != NULL && parser->records->count > 0;
        more = accesses.count + 2 > ACCESSES || (records && parser->records->count == parser->records->capacity);
        if (parser->error.line != 0 && !parser->lenient)
            return true; /* ns_trace_finish will say so */
        if ((accesses.count > 0 || records) && !consumer(context, &accesses, &bad, reason)) {
            if (parser->line_of != NULL)
                ns_error("%s:%zu:1: %s", file, bad, reason);
            else
                ns_error("%s: %s: an access to 0x%" PRIx64, file, reason, accesses.address[bad]);
            return false;
        }
    }
    window->have -= used;
    memmove(window->text, window->text + used, window->have);
    return true;
}

static enum ns_exit read_all(struct source *source, struct window *window, bool quiet, struct ns_trace_parser *parser,
                             ns_replay_consumer consumer, void *context) {
    struct progress progress = {.wanted = !quiet && isatty(STDERR_FILENO) == 1};
    clock_gettime(CLOCK_MONOTONIC, &progress.start);
    bool end = false, good = true, all = false; /* all: the source has nothing more */
    while (!end && good && !interrupted) {
        errno = 0;
        ssize_t got = read_some(source->stream, window->text + window->have, BLOCK);
        if (got < 0) {
            hide_progress(&progress);
            ns_error("cannot read `%s`: %s", source->file, strerror(errno));
            return NS_EXIT_BAD_INPUT;
        }
        if (interrupted)
            break;
        /* A file is unpacked on the way; a pipe cannot be looked at before it is read. */
        const char *packed = parser->lines == 0 && source->child == 0
                                 ? unpacker((const unsigned char *)window->text, window->have + (size_t)got)
                                 : NULL;
        if (packed != NULL) {
            hide_progress(&progress);
            ns_error("`%s` is compressed, which only a file may be: %s -dc ... | nosnoop replay -", source->file,
                     packed);
            return NS_EXIT_BAD_INPUT;
        }
        window->have += (size_t)got;
        end = all = got == 0;
        good = consume_window(window, end, parser, consumer, context, source->file);
        end = end || (parser->error.line != 0 && !parser->lenient);
        show_progress(&progress, source, parser);
    }
    hide_progress(&progress);
    if (!good)
        return NS_EXIT_BAD_INPUT;
    if (interrupted)
        return NS_EXIT_INCOMPLETE;
    /* What is cut off may end in a wrong line, which is then not the trace's fault. */
    if (all && source->child != 0 && !end_unpacker(source, true))
        return NS_EXIT_BAD_INPUT;
    if (!ns_trace_finish(parser)) {
        complain(source->file, &parser->error);
        return NS_EXIT_BAD_INPUT;
    }
    return NS_EXIT_HELD;
}

enum ns_exit ns_replay_read(const char *file, bool quiet, struct ns_trace_parser *parser, ns_replay_consumer consumer,
                            void *context) {
    struct source source;
    if (!open_source(&source, file)) {
        ns_error("cannot read `%s`: %s", file, strerror(errno));
        close_source(&source);
        return NS_EXIT_BAD_INPUT;
    }
    struct sigaction action = {.sa_handler = on_interrupt}, before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before);
    enum ns_exit result = NS_EXIT_INTERNAL;
    struct window *window = malloc(sizeof *window);
    /* What is left of a window is shorter than the longest line. */
    char *memory = calloc(1, NS_TRACE_PADDING + NS_TRACE_MAX_LINE + BLOCK + NS_TRACE_PADDING + 1);
    if (window != NULL && memory != NULL) {
        window->memory = memory;
        window->text = memory + NS_TRACE_PADDING;
        window->have = 0;
        result = read_all(&source, window, quiet, parser, consumer, context);
    } else {
        ns_error("out of memory");
    }
    free(memory);
    free(window);
    close_source(&source);
    sigaction(SIGINT, &before, NULL);
    return result;
}
