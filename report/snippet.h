/* SPDX-License-Identifier: Apache-2.0 */
/* Source lines with numbered, underlined labels. */
#ifndef NS_REPORT_SNIPPET_H
#define NS_REPORT_SNIPPET_H

#include "model/log.h"
#include "report/buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_REPORT_COLUMNS      80  /* labels are wrapped here */
#define NS_REPORT_LINE_COLUMNS 100 /* source lines are cut here */

struct ns_report_style {
    bool color; /* ANSI escapes; every fact is in the text as well */
    bool verbose;
    bool quiet;         /* the summary line only */
    bool stats;         /* what caches, bus and interrupts counted */
    bool explain_alloc; /* what the kernel's code decided, step by step */
    unsigned indent;    /* columns that the caller will put in front of each line */
};
/* Where text is wrapped. */
static inline size_t ns_report_columns(const struct ns_report_style *style) {
    return NS_REPORT_COLUMNS - style->indent;
}

enum ns_paint { NS_PAINT_ERROR, NS_PAINT_EXPECTED, NS_PAINT_NOTE, NS_PAINT_STRONG, NS_PAINT_GOOD };
void ns_paint_begin(struct ns_buffer *out, const struct ns_report_style *style, enum ns_paint paint);
void ns_paint_end(struct ns_buffer *out, const struct ns_report_style *style);

struct ns_snippet_mark {
    uint32_t line, column, width; /* 1-based bytes of the source */
    unsigned number;              /* "(1)" before the label; 0: none */
    bool primary;                 /* underlined with ^ instead of - */
    struct ns_buffer label;       /* owned by the caller */
};

/* Width of the line numbers that `marks` need. */
size_t ns_snippet_gutter(const struct ns_snippet_mark *marks, size_t count);
/* "  --> file:line:column" and the lines. `place` is the mark that the arrow names; count is at least 1, `marks` gets
 * sorted. */
void ns_snippet_write(const struct ns_log *log, const struct ns_report_style *style, struct ns_snippet_mark *marks,
                      size_t count, const struct ns_snippet_mark *place, struct ns_buffer *out);
/* "   = word: text", wrapped. */
void ns_snippet_remark(const struct ns_report_style *style, size_t gutter, const char *word, const char *text,
                       struct ns_buffer *out);

#ifdef __cplusplus
}
#endif
#endif
