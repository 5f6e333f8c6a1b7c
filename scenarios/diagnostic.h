/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about a file: a place, the line with a caret, one sentence, and sometimes a suggestion. */
#ifndef NS_SCENARIOS_DIAGNOSTIC_H
#define NS_SCENARIOS_DIAGNOSTIC_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* At most this many are kept per file; then one last message says that more were left out. */
#define NS_DIAGNOSTIC_LIMIT 50

struct ns_diagnostic {
    uint32_t line;    /* 1-based; 0: about the file as a whole */
    uint32_t column;  /* 1-based byte column */
    uint32_t width;   /* bytes to underline, at least 1 */
    char *message;    /* one sentence in the scenario's own terms, no full stop; owned by the list */
    char *suggestion; /* "did you mean `rx`?" or NULL; owned by the list */
};

struct ns_diagnostics {
    char *file;    /* name as given by the user; owned */
    char *text;    /* the file's text without a byte order mark and without '\r' at line ends; NUL-terminated; owned */
    size_t length; /* bytes of `text`: a bad file may hold NULs */
    size_t count;  /* in order of line and column; messages about the whole file (line 0) last */
    struct ns_diagnostic entry[NS_DIAGNOSTIC_LIMIT + 1];
};

void ns_diagnostics_init(struct ns_diagnostics *list);
void ns_diagnostics_release(struct ns_diagnostics *list);
/* Forgets all entries and takes copies of a file's name and text. False: the host is out of memory. */
bool ns_diagnostics_set_file(struct ns_diagnostics *list, const char *file, const char *text, size_t length);
/* False when the list is full and this place lies behind everything kept: nothing needs to be formatted then. */
bool ns_diagnostics_wants(const struct ns_diagnostics *list, uint32_t line, uint32_t column);
/* Adds a message; both texts are copied, `suggestion` may be NULL. Of two messages about one place the first is kept;
 * of more than NS_DIAGNOSTIC_LIMIT the first in file order are kept. False: the host is out of memory. */
bool ns_diagnostics_add(struct ns_diagnostics *list, uint32_t line, uint32_t column, uint32_t width,
                        const char *message, const char *suggestion);
/* The text of entry `index`, ready for a terminal:
 *   error: no buffer is called `rxx`
 *     --> file.dma:18:12
 *      |
 *   18 | cpu0: load   rxx[0..4]
 *      |              ^^^
 *      = did you mean `rx`?
 * Each line ends with '\n'. An entry of line 0 has only its sentence and the file's name.
 * Control characters and invalid UTF-8 of the file are shown as '?', tabs as one space; long lines are cut around the
 * caret to 100 columns. Returns the length that the whole text needs (as snprintf does). */
size_t ns_diagnostic_format(const struct ns_diagnostics *list, size_t index, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
