/* SPDX-License-Identifier: Apache-2.0 */
#include "report/snippet.h"

#include "report/format.h"

#include <inttypes.h>
#include <string.h>

void ns_paint_begin(struct ns_buffer *out, const struct ns_report_style *style, enum ns_paint paint) {
    static const char *const code[] = {
        [NS_PAINT_ERROR] = "\033[1;31m", [NS_PAINT_EXPECTED] = "\033[1;33m", [NS_PAINT_NOTE] = "\033[34m",
        [NS_PAINT_STRONG] = "\033[1m",   [NS_PAINT_GOOD] = "\033[32m",
    };
    if (style->color) {
        ns_buffer_text(out, code[paint]);
    }
}

void ns_paint_end(struct ns_buffer *out, const struct ns_report_style *style) {
    if (style->color) {
        ns_buffer_text(out, "\033[0m");
    }
}

size_t ns_snippet_gutter(const struct ns_snippet_mark *marks, size_t count) {
    uint32_t largest = 1;
    for (size_t i = 0; i < count; ++i) {
        largest = marks[i].line > largest ? marks[i].line : largest;
    }
    size_t width = 0;
    for (; largest > 0; largest /= 10) {
        ++width;
    }
    return width;
}

static bool is_before(const struct ns_snippet_mark *left, const struct ns_snippet_mark *right) {
    if (left->line != right->line) {
        return left->line < right->line;
    }
    if (left->column != right->column) {
        return left->column < right->column;
    }
    if (left->primary != right->primary) {
        return left->primary; /* its underline wins where several marks share a place */
    }
    return left->number < right->number;
}

static void sort_marks(struct ns_snippet_mark *marks, size_t count) {
    for (size_t i = 1; i < count; ++i) {
        struct ns_snippet_mark moved = marks[i];
        size_t at = i;
        for (; at > 0 && is_before(&moved, &marks[at - 1]); --at) {
            marks[at] = marks[at - 1];
        }
        marks[at] = moved;
    }
}

/* One source line as it is shown: a window of it, and what turns a byte column into a screen column. */
struct shown_line {
    const char *text;
    size_t length;
    size_t first; /* byte where the window begins */
    size_t last;  /* byte behind the window */
};

/* Without the line end, and without a trailing comment: the report is about the step. */
static size_t step_length(const char *text) {
    size_t length = strcspn(text, "\r\n");
    bool quoted = false;
    for (size_t i = 0; i < length; ++i) {
        quoted = text[i] == '"' ? !quoted : quoted;
        if (text[i] == '#' && !quoted && i > 0) {
            length = i;
        }
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        --length;
    }
    return length;
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

static struct shown_line show_line(const struct ns_log *log, const struct ns_snippet_mark *mark, size_t room) {
    struct shown_line shown = {.text = ""};
    if (log->lines != NULL && mark->line >= 1 && mark->line <= log->line_count) {
        shown.text = log->lines[mark->line - 1];
    }
    shown.length = step_length(shown.text);
    shown.last = shown.length;
    if (shown.length <= room) {
        return shown;
    }
    size_t caret = mark->column > 0 ? mark->column - 1u : 0;
    caret = caret > shown.length ? shown.length : caret;
    shown.first = caret > room / 2 ? caret - room / 2 : 0;
    shown.last = shown.first + room < shown.length ? shown.first + room : shown.length;
    while (shown.first > 0 && is_continuation(shown.text[shown.first])) {
        --shown.first;
    }
    while (shown.last < shown.length && is_continuation(shown.text[shown.last])) {
        --shown.last;
    }
    return shown;
}

/* Screen column of a byte of the window, 0-based; `out` fails without host memory. */
static size_t screen_column(const struct shown_line *shown, size_t byte, struct ns_buffer *out) {
    size_t column = shown->first > 0 ? 3 : 0;
    struct ns_buffer text = {0};
    if (byte > shown->first) {
        size_t end = byte < shown->last ? byte : shown->last;
        ns_format_source(&text, shown->text + shown->first, end - shown->first);
        for (size_t i = 0; i < text.length; ++i) {
            column += is_continuation(text.data[i]) ? 0 : 1;
        }
        column += byte > end ? byte - end : 0;
    }
    ns_buffer_release_piece(&text, out);
    return column;
}

static void write_source(const struct shown_line *shown, uint32_t line, size_t gutter, struct ns_buffer *out) {
    ns_buffer_format(out, "%*" PRIu32 " |", (int)gutter, line);
    if (shown->length > 0) {
        ns_buffer_text(out, shown->first > 0 ? " ..." : " ");
        ns_format_source(out, shown->text + shown->first, shown->last - shown->first);
        ns_buffer_text(out, shown->last < shown->length ? "..." : "");
    }
    ns_buffer_text(out, "\n");
}

/* How much of `text` fits into `room` columns: whole words, but at least one. Rather ends behind a comma than between
 * the bytes of a list. */
static size_t fitting_length(const char *text, size_t room) {
    size_t length = strlen(text);
    if (length <= room) {
        return length;
    }
    size_t space = 0, comma = 0;
    for (size_t i = 1; i <= room; ++i) {
        if (text[i] == ' ') {
            space = i;
            comma = text[i - 1] == ',' || text[i - 1] == ';' ? i : comma;
        }
    }
    if (comma > room / 2) {
        return comma;
    }
    return space > 0 ? space : strcspn(text, " ");
}

/* The label, from screen column `column` on; what does not fit goes below, behind the gutter. */
static void write_label(const char *text, size_t column, size_t gutter, const struct ns_report_style *style,
                        struct ns_buffer *out) {
    enum { LEAST_ROOM = 24 };
    const size_t columns = ns_report_columns(style);
    size_t room = column + LEAST_ROOM < columns ? columns - column : LEAST_ROOM;
    while (true) {
        size_t length = fitting_length(text, room);
        ns_buffer_add(out, text, length);
        text += length;
        text += strspn(text, " ");
        if (*text == '\0') {
            return;
        }
        ns_buffer_text(out, "\n");
        ns_buffer_repeat(out, ' ', gutter);
        ns_buffer_text(out, " | ");
        ns_buffer_repeat(out, ' ', column - gutter - 3);
    }
}

/* The underline (blank where the mark before stands at the same place) and the label. */
static void write_mark(const struct ns_report_style *style, const struct shown_line *shown,
                       const struct ns_snippet_mark *mark, bool underline, size_t gutter, struct ns_buffer *out) {
    size_t limit = NS_REPORT_LINE_COLUMNS + 6; /* with the dots of a cut line */
    size_t start = screen_column(shown, mark->column > 0 ? mark->column - 1u : 0, out);
    start = start < limit ? start : limit - 1;
    size_t width = mark->width > 0 ? mark->width : 1;
    width = start + width > limit ? limit - start : width;
    ns_buffer_repeat(out, ' ', gutter);
    ns_buffer_text(out, " | ");
    ns_buffer_repeat(out, ' ', start);
    ns_paint_begin(out, style, mark->primary ? NS_PAINT_ERROR : NS_PAINT_NOTE);
    ns_buffer_repeat(out, !underline ? ' ' : mark->primary ? '^' : '-', width);
    ns_paint_end(out, style);
    if (mark->label.length > 0) {
        size_t before = out->length;
        ns_buffer_text(out, " ");
        if (mark->number > 0) {
            ns_buffer_format(out, "(%u) ", mark->number);
        }
        write_label(mark->label.data, gutter + 3 + start + width + (out->length - before), gutter, style, out);
    }
    ns_buffer_text(out, "\n");
}

static bool is_same_place(const struct ns_snippet_mark *left, const struct ns_snippet_mark *right) {
    return left->line == right->line && left->column == right->column;
}

void ns_snippet_write(const struct ns_log *log, const struct ns_report_style *style, struct ns_snippet_mark *marks,
                      size_t count, const struct ns_snippet_mark *place, struct ns_buffer *out) {
    size_t gutter = ns_snippet_gutter(marks, count);
    ns_buffer_repeat(out, ' ', gutter);
    ns_buffer_text(out, "--> ");
    ns_format_source(out, log->file, strlen(log->file));
    ns_buffer_format(out, ":%" PRIu32 ":%" PRIu32 "\n", place->line, place->column);
    ns_buffer_repeat(out, ' ', gutter);
    ns_buffer_text(out, " |\n");
    sort_marks(marks, count);
    struct shown_line shown = {.text = ""};
    for (size_t i = 0; i < count; ++i) {
        bool new_line = i == 0 || marks[i].line != marks[i - 1].line;
        if (new_line) {
            if (i > 0 && marks[i].line > marks[i - 1].line + 1) {
                ns_buffer_text(out, "...\n");
            }
            shown = show_line(log, &marks[i], NS_REPORT_LINE_COLUMNS - gutter - 3);
            write_source(&shown, marks[i].line, gutter, out);
        }
        write_mark(style, &shown, &marks[i], new_line || !is_same_place(&marks[i], &marks[i - 1]), gutter, out);
    }
}

void ns_snippet_remark(const struct ns_report_style *style, size_t gutter, const char *word, const char *text,
                       struct ns_buffer *out) {
    size_t column = gutter + 3 + strlen(word) + 2;
    ns_buffer_repeat(out, ' ', gutter);
    ns_buffer_text(out, " = ");
    ns_paint_begin(out, style, NS_PAINT_STRONG);
    ns_buffer_format(out, "%s:", word);
    ns_paint_end(out, style);
    ns_buffer_text(out, " ");
    ns_buffer_wrap(out, text, column, column, ns_report_columns(style));
}
