/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NS_CLI_TEST_FIND_H
#define NS_CLI_TEST_FIND_H

#include "cli/commands.h"

#include <stddef.h>

struct ns_file_list {
    char **name;
    size_t count, capacity;
};

/* Adds `path` itself when it is a file, else every *.dma below it. Names that begin with a dot, links to folders and
 * folders called "machines" (presets, not scenarios) are passed over. NS_EXIT_HELD, or after a message NS_EXIT_BAD_INPUT or, without
 * host memory, NS_EXIT_INTERNAL. */
enum ns_exit ns_find_scenarios(const char *path, struct ns_file_list *list);
/* By bytes, each name once. */
void ns_file_list_sort(struct ns_file_list *list);
void ns_file_list_release(struct ns_file_list *list);

#endif
