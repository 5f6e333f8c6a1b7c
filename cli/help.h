/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NS_CLI_HELP_H
#define NS_CLI_HELP_H

#include "cli/options.h"
#include "report/buffer.h"

/* The help of the whole command (NS_COMMAND_NONE) or of one sub-command, from the tables. */
void ns_help_text(enum ns_command command, struct ns_buffer *out);
/* A few lines for somebody who typed only the name. */
void ns_help_short(struct ns_buffer *out);

#endif
