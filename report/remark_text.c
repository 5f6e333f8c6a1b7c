/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's code said: decisions for --explain-alloc, and warnings and checks for everybody. */
#include "report/format.h"
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

static void add_text(const struct ns_remark *remark, struct ns_buffer *out) {
    ns_buffer_format(out, "%s: %s", remark->function, remark->text);
    if (remark->repeats > 0) {
        ns_buffer_format(out, " (and %" PRIu32 " more time%s)", remark->repeats, remark->repeats == 1 ? "" : "s");
    }
}

/* The step that it was said in, with its line; false when there is none. */
static bool write_place(const struct ns_log *log, uint32_t number, const struct ns_report_style *style,
                        struct ns_buffer *out, size_t *gutter) {
    const struct ns_site *site = ns_site_at(log, number);
    *gutter = 1;
    if (site == NULL) {
        return false;
    }
    struct ns_snippet_mark mark = {.line = site->line, .column = site->column, .width = site->width, .primary = true};
    *gutter = ns_snippet_gutter(&mark, 1);
    ns_snippet_write(log, style, &mark, 1, &mark, out);
    return true;
}

/* ---- decisions ------------------------------------------------------------------------------- */

static const char *tag(const struct ns_remark *remark) {
    static const char *const texts[] = {[NS_REMARK_DECISION] = "decision",
                                        [NS_REMARK_INFO] = "info",
                                        [NS_REMARK_WARN] = "warning",
                                        [NS_REMARK_BUG] = "bug",
                                        [NS_REMARK_CHECK] = "check"};
    return texts[remark->kind];
}

static void write_step(const struct ns_log *log, size_t first, size_t end, const struct ns_report_style *style,
                       struct ns_buffer *out) {
    const uint32_t site = log->remark[first].site;
    const struct ns_site *place = ns_site_at(log, site);
    size_t gutter;
    ns_paint_begin(out, style, NS_PAINT_STRONG);
    if (place != NULL) {
        ns_buffer_format(out, "explained: line %" PRIu32, place->line);
    } else {
        ns_buffer_text(out, "explained: before the first step");
    }
    ns_paint_end(out, style);
    ns_buffer_text(out, "\n");
    write_place(log, site, style, out, &gutter);
    for (size_t i = first; i < end; ++i) {
        struct ns_buffer text = {0};
        add_text(&log->remark[i], &text);
        ns_snippet_remark(style, gutter, tag(&log->remark[i]), text.data != NULL ? text.data : "", out);
        ns_buffer_release_piece(&text, out);
    }
    ns_buffer_text(out, "\n");
}

void ns_report_decisions_text(const struct ns_log *log, const struct ns_report_style *style, struct ns_buffer *out) {
    for (size_t i = 0; i < log->remark_count;) {
        size_t end = i;
        while (end < log->remark_count && log->remark[end].site == log->remark[i].site) {
            ++end;
        }
        write_step(log, i, end, style, out);
        i = end;
    }
    if (log->remarks_lost > 0) {
        ns_buffer_format(out, "note: %" PRIu64 " more remarks are not kept\n\n", log->remarks_lost);
    }
}

/* ---- warnings -------------------------------------------------------------------------------- */

static void write_warning(const struct ns_log *log, const struct ns_remark *remark, const struct ns_report_style *style,
                          struct ns_buffer *out) {
    size_t gutter;
    ns_paint_begin(out, style, remark->expected ? NS_PAINT_EXPECTED : NS_PAINT_NOTE);
    if (remark->kind == NS_REMARK_CHECK) {
        ns_buffer_format(out, "dma-debug: check %u", remark->check);
        ns_buffer_text(out, remark->expected ? " (expected)" : "");
    } else {
        ns_buffer_text(out, remark->kind == NS_REMARK_BUG ? "note: kernel BUG" : "note: kernel warning");
    }
    ns_paint_end(out, style);
    ns_buffer_text(out, ": ");
    if (remark->kind == NS_REMARK_CHECK) {
        ns_buffer_text(out, remark->text);
        if (remark->repeats > 0) {
            ns_buffer_format(out, " (and %" PRIu32 " more time%s)", remark->repeats, remark->repeats == 1 ? "" : "s");
        }
    } else {
        add_text(remark, out);
    }
    ns_buffer_text(out, "\n");
    if (!write_place(log, remark->site, style, out, &gutter)) {
        ns_buffer_text(out, " --> before the first step\n");
    }
    ns_buffer_text(out, "\n");
}

void ns_report_warnings_text(const struct ns_log *log, const struct ns_report_style *style, struct ns_buffer *out) {
    for (size_t i = 0; i < log->remark_count; ++i) {
        const struct ns_remark *remark = &log->remark[i];
        if (remark->kind == NS_REMARK_WARN || remark->kind == NS_REMARK_BUG || remark->kind == NS_REMARK_CHECK) {
            write_warning(log, remark, style, out);
        }
    }
}
