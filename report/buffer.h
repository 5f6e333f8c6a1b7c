/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows. A buffer that ran out of host memory says so once, at the end, instead of after every piece. */
#ifndef NS_REPORT_BUFFER_H
#define NS_REPORT_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero-initialise; release with ns_buffer_release. `data` is NUL-terminated as soon as something was added. */
struct ns_buffer {
    char *data;
    size_t length, capacity;
    bool failed; /* host memory ran out: the text is incomplete */
};

void ns_buffer_add(struct ns_buffer *buffer, const char *data, size_t length);
void ns_buffer_text(struct ns_buffer *buffer, const char *text);
void ns_buffer_repeat(struct ns_buffer *buffer, char c, size_t count);
void ns_buffer_format(struct ns_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Words of `text` up to `width` columns per line, each new line after `indent` spaces, with a newline at the end. The
 * first line starts at column `at` (0-based). A word longer than a line stands alone; a call
 * such as "f(..., X)" is one word. */
void ns_buffer_wrap(struct ns_buffer *buffer, const char *text, size_t at, size_t indent, size_t width);
/* Clauses that are separated by "; ": a line ends behind one of them, and the next begins two columns further in. A
 * clause that is longer than a line is wrapped by its words. */
void ns_buffer_wrap_clauses(struct ns_buffer *buffer, const char *text, size_t at, size_t width);
void ns_buffer_release(struct ns_buffer *buffer);
/* Releases a text of which another was made: what failed in the one is missing in the other. */
void ns_buffer_release_piece(struct ns_buffer *piece, struct ns_buffer *whole);

#ifdef __cplusplus
}
#endif
#endif
