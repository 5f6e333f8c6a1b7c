/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/test_child.h"

#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Begins the child's result: what comes before it are messages of the process. Neither occurs in a report
 * (ns_format_source). */
#define RESULT_MARK '\036'

uint64_t ns_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A failure counts more than a run or a search that was not complete, and that more than success. */
static enum ns_exit worse(enum ns_exit run, enum ns_exit verified) {
    if (run == NS_EXIT_HELD || (run == NS_EXIT_INCOMPLETE && verified != NS_EXIT_HELD)) {
        return verified;
    }
    return run;
}

/* Verifies first, because a process that has made a machine cannot; shows the run first, because it is the simpler
 * story. */
static enum ns_exit run_and_verify(const char *file, const struct ns_options *options, bool color,
                                   struct ns_buffer *text, struct ns_buffer *name) {
    struct ns_options how = *options;
    struct ns_buffer proof = {0}, again = {0};
    how.jobs = 1;
    how.pass_over_engines = true;
    how.timeout_given = true; /* ends as incomplete, before it is killed */
    how.timeout_s = options->timeout_s > 1 ? options->timeout_s - 1 : 1;
    const enum ns_exit verified = ns_verify_file(file, &how, color, &proof, name, NULL);
    if (verified == NS_EXIT_BAD_INPUT || verified == NS_EXIT_SKIPPED) { /* the run would only say the same */
        ns_buffer_release_piece(&proof, text);
        return verified;
    }
    const enum ns_exit run = ns_run_file(file, options, color, text, &again, NULL);
    ns_buffer_text(text, "\n");
    ns_buffer_add(text, proof.data != NULL ? proof.data : "", proof.length);
    ns_buffer_release_piece(&proof, text);
    ns_buffer_release_piece(&again, name);
    return worse(run, verified);
}

static enum ns_exit test_file(const void *what, const struct ns_options *options, bool color, struct ns_buffer *text,
                              struct ns_buffer *name) {
    const char *file = what;
    return options->no_verify ? ns_run_file(file, options, color, text, name, NULL)
                              : run_and_verify(file, options, color, text, name);
}

static void child_main(ns_child_work *work, const void *what, const struct ns_options *options, bool color,
                       int output) {
    struct ns_options quiet_options = *options;
    struct ns_buffer text = {0}, name = {0};
    int nothing = open("/dev/null", O_RDONLY);
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0) {
        _exit(NS_EXIT_INTERNAL);
    }
    close(nothing);
    close(output);
    quiet_options.quiet = false;
    quiet_options.verbose = false;
    enum ns_exit result = work(what, &quiet_options, color, &text, &name);
    fflush(stderr);
    printf("%c%s\n", RESULT_MARK, name.data != NULL ? name.data : "");
    if (name.failed) {
        ns_error("out of memory");
    }
    if (name.failed || !ns_output_write(&text) || !ns_output_finish()) {
        result = NS_EXIT_INTERNAL;
    }
    ns_buffer_release(&text);
    ns_buffer_release(&name);
    _exit((int)result);
}

bool ns_child_start(const char *file, const struct ns_options *options, bool color, struct ns_child *child) {
    return ns_child_start_work(test_file, file, options, color, child);
}

bool ns_child_start_work(ns_child_work *work, const void *what, const struct ns_options *options, bool color,
                         struct ns_child *child) {
    int ends[2];
    fflush(stdout); /* or the child would write it again */
    if (pipe(ends) != 0) {
        ns_error("cannot make a pipe: %s", strerror(errno));
        return false;
    }
    pid_t pid = fork();
    if (pid < 0) {
        ns_error("cannot start a process: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    if (pid == 0) {
        close(ends[0]);
        child_main(work, what, options, color, ends[1]);
    }
    close(ends[1]);
    setpgid(pid, pid); /* here as well: whoever comes first */
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    *child = (struct ns_child){
        .pid = pid, .pipe = ends[0], .deadline_ms = ns_clock_ms() + (uint64_t)options->timeout_s * 1000};
    return true;
}

void ns_child_read(struct ns_child *child) {
    char piece[16384];
    while (child->pipe >= 0) {
        ssize_t length = read(child->pipe, piece, sizeof piece);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return;
        }
        if (length <= 0) {
            close(child->pipe);
            child->pipe = -1;
            return;
        }
        size_t room = NS_CHILD_OUTPUT_LIMIT - child->output.length;
        size_t kept = (size_t)length < room ? (size_t)length : room;
        child->overflowed = child->overflowed || kept < (size_t)length;
        ns_buffer_add(&child->output, piece, kept);
    }
}

/* "messages MARK name NEWLINE report" */
static void split_output(const struct ns_child *child, struct ns_child_result *result) {
    const char *data = child->output.data != NULL ? child->output.data : "";
    const char *end = data + child->output.length;
    const char *mark = memchr(data, RESULT_MARK, child->output.length);
    const char *line = mark != NULL ? memchr(mark, '\n', (size_t)(end - mark)) : NULL;
    if (line == NULL) {
        ns_buffer_add(&result->report, data, child->output.length);
    } else {
        ns_buffer_add(&result->report, data, (size_t)(mark - data));
        const char *machine = memchr(mark, NS_NAME_MACHINE[0], (size_t)(line - mark));
        ns_buffer_add(&result->name, mark + 1, (size_t)((machine != NULL ? machine : line) - mark - 1));
        if (machine != NULL) {
            ns_buffer_add(&result->machine, machine + 1, (size_t)(line - machine - 1));
        }
        ns_buffer_add(&result->report, line + 1, (size_t)(end - line - 1));
    }
    if (child->overflowed) {
        ns_buffer_text(&result->report, "\nnote: there was more output than fits here\n");
    }
}

bool ns_child_finish(struct ns_child *child, struct ns_child_result *result) {
    int status = 0;
    if (!child->timed_out && ns_clock_ms() >= child->deadline_ms) {
        child->timed_out = true;
        kill(-child->pid, SIGKILL);
    }
    if (waitpid(child->pid, &status, WNOHANG) != child->pid) {
        return false;
    }
    ns_child_read(child);
    *result = (struct ns_child_result){.exit = -1, .timed_out = child->timed_out};
    if (WIFEXITED(status)) {
        result->exit = WEXITSTATUS(status);
        result->timed_out = false; /* it came just in time */
    } else if (WIFSIGNALED(status)) {
        result->signal = WTERMSIG(status);
    }
    split_output(child, result);
    result->no_memory =
        child->output.failed || result->name.failed || result->machine.failed || result->report.failed;
    ns_buffer_release(&child->output);
    if (child->pipe >= 0) {
        close(child->pipe);
    }
    *child = (struct ns_child){.pipe = -1};
    return true;
}

void ns_child_kill(struct ns_child *child) {
    if (child->pid > 0) {
        kill(-child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (child->pipe >= 0) {
        close(child->pipe);
    }
    ns_buffer_release(&child->output);
    *child = (struct ns_child){.pipe = -1};
}
