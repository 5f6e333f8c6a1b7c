/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical layout of scenario and machine files; docs/manual.md, "fmt", has the rules. */
#ifndef NS_SCENARIOS_CANONICAL_H
#define NS_SCENARIOS_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The text in canonical layout: malloc'd, NUL-terminated, its bytes without the NUL in *formatted. NULL when the host
 * is out of memory. The text must be one that ns_scenario_parse() takes without a diagnostic; of another the layout is
 * unspecified, and ns_canonical_same() may be false. The same layout again gives the same bytes. */
char *ns_canonical_layout(const char *text, size_t length, size_t *formatted);

/* Whether two texts have the same tokens and the same comments on the same lines, but for blanks and blank lines. */
bool ns_canonical_same(const char *one, size_t one_length, const char *other, size_t other_length);

#ifdef __cplusplus
}
#endif
#endif
