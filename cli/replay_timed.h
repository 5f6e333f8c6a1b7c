/* SPDX-License-Identifier: Apache-2.0 */
/* `replay --timed`: a trace on the machine, its cycles and its hazards. */
#ifndef NS_CLI_REPLAY_TIMED_H
#define NS_CLI_REPLAY_TIMED_H

#include "cli/options.h"

enum ns_exit ns_replay_timed(const char *file, const struct ns_options *options);

#endif
