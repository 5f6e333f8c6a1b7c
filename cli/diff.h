/* SPDX-License-Identifier: Apache-2.0 */
/* A unified diff of two texts, as `patch` reads it. */
#ifndef NS_CLI_DIFF_H
#define NS_CLI_DIFF_H

#include "report/buffer.h"

/* With three lines around each change, and FILE and FILE (repaired) as names. Nothing when the texts are equal. */
void ns_diff(const char *file, const char *before, const char *after, struct ns_buffer *out);

#endif
