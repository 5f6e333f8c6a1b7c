/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that `replay --machine` names. */
#ifndef NS_CLI_REPLAY_NAMED_H
#define NS_CLI_REPLAY_NAMED_H

#include "cli/options.h"
#include "model/config.h"

/* A preset, or a file that ends in .dma; NULL: one-core-wb64. NS_EXIT_HELD, or after a message the status. */
enum ns_exit ns_replay_machine(const char *name, struct ns_machine_config *machine);

#endif
