/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NS_CLI_REPLACE_H
#define NS_CLI_REPLACE_H

#include <stdbool.h>
#include <stddef.h>

/* Puts `text` in the place of what the existing file `name` holds: written beside it, then renamed, so that the file
 * has either all of the old text or all of the new. Mode and, where that is allowed, owner stay; a symbolic link stays
 * one. False after a message; the file is as it was then. */
bool ns_replace_file(const char *name, const char *text, size_t length);

#endif
