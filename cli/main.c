/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum ns_exit write_and_release(struct ns_buffer *text) {
    bool written = ns_output_write(text);
    ns_buffer_release(text);
    return written ? NS_EXIT_HELD : NS_EXIT_INTERNAL;
}

static enum ns_exit run_command(const struct ns_options *options) {
    struct ns_buffer text = {0};
    if (options->help) {
        ns_help_text(options->command, &text);
        return write_and_release(&text);
    }
    if (options->version) {
        ns_buffer_text(&text, "nosnoop " NS_VERSION "\n");
        return write_and_release(&text);
    }
    if (options->command == NS_COMMAND_NONE) {
        ns_help_short(&text);
        fputs(text.data != NULL ? text.data : "", stderr);
        ns_buffer_release(&text);
        return NS_EXIT_BAD_INPUT;
    }
    if (options->chdir != NULL && chdir(options->chdir) != 0) {
        ns_error("cannot change to `%s`: %s", options->chdir, strerror(errno));
        return NS_EXIT_BAD_INPUT;
    }
    switch (options->command) {
    case NS_COMMAND_CHECK:
        return ns_check_main(options);
    case NS_COMMAND_RUN:
        return ns_run_main(options);
    case NS_COMMAND_VERIFY:
        return ns_verify_main(options);
    case NS_COMMAND_REPAIR:
        return ns_repair_main(options);
    case NS_COMMAND_TEST:
        return ns_test_main(options);
    case NS_COMMAND_REPLAY:
        return ns_replay_main(options);
    case NS_COMMAND_EXPLAIN:
        return ns_explain_main(options);
    case NS_COMMAND_FMT:
        return ns_fmt_main(options);
    case NS_COMMAND_INIT:
        return ns_init_main(options);
    case NS_COMMAND_COMPLETION:
        return ns_completion_main(options);
    case NS_COMMAND_NONE:
    case NS_COMMAND_ALL:
        break;
    }
    return NS_EXIT_INTERNAL;
}

int main(int argc, char **argv) {
    struct ns_options options;
    enum ns_exit result = NS_EXIT_BAD_INPUT;
    /* A reader that went away is a write error with a message, not a silent death. */
    signal(SIGPIPE, SIG_IGN);
    if (ns_options_parse(argc, argv, &options)) {
        result = run_command(&options);
    } else if (options.operands == NULL) {
        result = NS_EXIT_INTERNAL; /* no memory */
    }
    ns_options_release(&options);
    if (!ns_output_finish()) {
        result = NS_EXIT_INTERNAL;
    }
    return (int)result;
}
