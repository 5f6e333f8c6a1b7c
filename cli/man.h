/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NS_CLI_MAN_H
#define NS_CLI_MAN_H

#include "report/buffer.h"

/* The manual page nosnoop(1) in man(7) macros; commands and options come from the tables. */
void ns_man_page(const char *version, struct ns_buffer *out);

#endif
