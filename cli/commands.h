/* SPDX-License-Identifier: Apache-2.0 */
/* One function per sub-command. Each writes its result and returns the exit status. */
#ifndef NS_CLI_COMMANDS_H
#define NS_CLI_COMMANDS_H

#include "cli/options.h"
#include "report/buffer.h"
#include "verify/verify.h"

enum ns_exit ns_check_main(const struct ns_options *options);
enum ns_exit ns_run_main(const struct ns_options *options);
enum ns_exit ns_verify_main(const struct ns_options *options);
enum ns_exit ns_repair_main(const struct ns_options *options);
enum ns_exit ns_test_main(const struct ns_options *options);
enum ns_exit ns_replay_main(const struct ns_options *options);
enum ns_exit ns_explain_main(const struct ns_options *options);
enum ns_exit ns_fmt_main(const struct ns_options *options);
enum ns_exit ns_init_main(const struct ns_options *options);
enum ns_exit ns_completion_main(const struct ns_options *options);

/* Stands in a name between that of the scenario and that of its machine. No name holds it (ns_format_source). */
#define NS_NAME_MACHINE "\037"

/* What `run` does with one file, short of printing: the text report goes to `text`; the scenario's name,
 * NS_NAME_MACHINE and the machine's name to `name`;
 * `json` may be NULL. Messages go to standard error. Used by `test` in a process of its own. */
enum ns_exit ns_run_file(const char *file, const struct ns_options *options, bool color, struct ns_buffer *text,
                         struct ns_buffer *name, struct ns_buffer *json);

/* The columns that `test` puts in front of each line of a report. */
static inline unsigned ns_report_indent(const struct ns_options *options) {
    return options->command == NS_COMMAND_TEST ? 4 : 0;
}

/* What `verify` does with one file, likewise. Must come before anything makes a machine in this process. */
enum ns_exit ns_verify_file(const char *file, const struct ns_options *options, bool color, struct ns_buffer *text,
                            struct ns_buffer *name, struct ns_buffer *json);
/* `verify --mutate` of a scenario. */
enum ns_exit ns_mutate(const struct ns_scenario *scenario, const struct ns_options *options, bool color,
                       struct ns_buffer *text, struct ns_buffer *json);
/* From now on SIGINT ends verifications early; what they were told by the command line. */
void ns_catch_interrupt(void);
struct ns_verify_options ns_verify_options_of(const struct ns_options *options);

#endif
