/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nosnoop test` with another runner and another verifier: the first word of a file says how its run goes, the second
 * how its verification does. So the tests see what becomes of a scenario that crashes or hangs, which no scenario
 * should.
 */
#include "cli/commands.h"
#include "cli/output.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_words(const char *file, char run[32], char verified[32]) {
    FILE *stream = fopen(file, "r");
    const int count = stream != NULL ? fscanf(stream, "%31s %31s", run, verified) : 0;
    if (stream != NULL) {
        fclose(stream);
    }
    return count >= 1;
}

enum ns_exit ns_verify_file(const char *file, const struct ns_options *options, bool color, struct ns_buffer *text,
                            struct ns_buffer *name, struct ns_buffer *json) {
    char word[32] = "", verified[32] = "proved";
    (void)options;
    (void)color;
    (void)json;
    if (!read_words(file, word, verified)) {
        return NS_EXIT_BAD_INPUT;
    }
    ns_buffer_format(name, "the %s one" NS_NAME_MACHINE "a machine", word);
    ns_buffer_format(text, "verification of the %s one: %s\n", word, verified);
    return strcmp(verified, "refuted") == 0      ? NS_EXIT_FAILED
           : strcmp(verified, "incomplete") == 0 ? NS_EXIT_INCOMPLETE
                                                 : NS_EXIT_HELD;
}

enum ns_exit ns_run_file(const char *file, const struct ns_options *options, bool color, struct ns_buffer *text,
                         struct ns_buffer *name, struct ns_buffer *json) {
    char word[32] = "", verified[32] = "";
    (void)options;
    (void)color;
    (void)json;
    if (!read_words(file, word, verified)) {
        return NS_EXIT_BAD_INPUT;
    }
    ns_buffer_format(name, "the %s one" NS_NAME_MACHINE "a machine", word);
    ns_buffer_format(text, "report of the %s one\n", word);
    if (strcmp(word, "crash") == 0) {
        fputs("about to crash\n", stderr);
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    } else if (strcmp(word, "hang") == 0) {
        for (;;) {
            pause();
        }
    } else if (strcmp(word, "deaf") == 0) { /* hangs with its output closed */
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        for (;;) {
            pause();
        }
    } else if (strcmp(word, "flood") == 0) {
        for (int i = 0; i < 3000000; ++i) {
            fputs("x", stderr);
        }
        return NS_EXIT_FAILED;
    } else if (strcmp(word, "bytes") ==
               0) { /* what XML 1.0 cannot hold: controls, no UTF-8, U+FFFE; and what it must */
        fputs("\033[1m <&>\"]]> \x01 \xff \xef\xbf\xbe \xc3\xa9\r\n", stderr);
        return NS_EXIT_FAILED;
    } else if (strcmp(word, "leave") == 0) {
        _exit(9);
    } else if (strcmp(word, "slow") == 0) {
        usleep(300000);
    }
    return strcmp(word, "fail") == 0         ? NS_EXIT_FAILED
           : strcmp(word, "incomplete") == 0 ? NS_EXIT_INCOMPLETE
           : strcmp(word, "skip") == 0       ? NS_EXIT_SKIPPED
                                             : NS_EXIT_HELD;
}

int main(int argc, char **argv) {
    struct ns_options options;
    enum ns_exit result = NS_EXIT_BAD_INPUT;
    signal(SIGPIPE, SIG_IGN);
    if (ns_options_parse(argc, argv, &options)) {
        result = ns_test_main(&options);
    }
    ns_options_release(&options);
    return ns_output_finish() ? (int)result : NS_EXIT_INTERNAL;
}
