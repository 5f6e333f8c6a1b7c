/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 3 };

struct lines {
    const char **start;
    size_t *length;
    size_t count;
};

static bool split(const char *text, struct lines *lines) {
    size_t count = 0;
    for (const char *at = text; *at != '\0'; at++)
        count += *at == '\n';
    lines->start = malloc((count + 2) * sizeof *lines->start);
    lines->length = malloc((count + 2) * sizeof *lines->length);
    lines->count = 0;
    if (lines->start == NULL || lines->length == NULL)
        return false;
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        lines->start[lines->count] = text;
        lines->length[lines->count++] = length;
        text += length + (text[length] == '\n');
    }
    return true;
}

static void release(struct lines *lines) {
    free(lines->start);
    free(lines->length);
}

static bool equal(const struct lines *a, size_t i, const struct lines *b, size_t j) {
    return a->length[i] == b->length[j] && memcmp(a->start[i], b->start[j], a->length[i]) == 0;
}

/* keep[i]: the line of `before` that stays, by a longest common subsequence of what lies between the common beginning
 * and the common end. `match` gets the line of `after`, or SIZE_MAX. */
static bool match_lines(const struct lines *before, const struct lines *after, size_t *match) {
    size_t first = 0, end_before = before->count, end_after = after->count;
    for (size_t i = 0; i < before->count; i++)
        match[i] = SIZE_MAX;
    for (; first < end_before && first < end_after && equal(before, first, after, first); first++)
        match[first] = first;
    while (end_before > first && end_after > first && equal(before, end_before - 1, after, end_after - 1))
        match[--end_before] = --end_after;
    const size_t rows = end_before - first, columns = end_after - first;
    if (rows == 0 || columns == 0)
        return true;
    if (rows > 8000000 / columns)
        return true; /* a change of everything: shown as such */
    unsigned *longest = calloc((rows + 1) * (columns + 1), sizeof *longest);
    if (longest == NULL)
        return false;
    for (size_t i = rows; i-- > 0;)
        for (size_t j = columns; j-- > 0;) {
            unsigned *here = &longest[i * (columns + 1) + j];
            const unsigned down = here[columns + 1], right = here[1], both = here[columns + 2];
            *here = equal(before, first + i, after, first + j) ? both + 1 : down > right ? down : right;
        }
    for (size_t i = 0, j = 0; i < rows && j < columns;) {
        const unsigned *here = &longest[i * (columns + 1) + j];
        if (equal(before, first + i, after, first + j))
            match[first + i++] = first + j++;
        else if (here[columns + 1] >= here[1])
            i++;
        else
            j++;
    }
    free(longest);
    return true;
}

static void write_line(struct ns_buffer *out, char mark, const struct lines *lines, size_t index) {
    ns_buffer_format(out, "%c", mark);
    ns_buffer_add(out, lines->start[index], lines->length[index]);
    ns_buffer_text(out, "\n");
}

/* One hunk: before[b0, b1) and after[a0, a1). */
static void write_hunk(const struct lines *before, const struct lines *after, const size_t *match, size_t b0, size_t b1,
                       size_t a0, size_t a1, struct ns_buffer *out) {
    ns_buffer_format(out, "@@ -%zu,%zu +%zu,%zu @@\n", b1 > b0 ? b0 + 1 : b0, b1 - b0, a1 > a0 ? a0 + 1 : a0, a1 - a0);
    size_t a = a0;
    for (size_t b = b0; b < b1; b++) {
        if (match[b] == SIZE_MAX) {
            write_line(out, '-', before, b);
            continue;
        }
        for (; a < match[b]; a++)
            write_line(out, '+', after, a);
        write_line(out, ' ', before, b);
        a++;
    }
    for (; a < a1; a++)
        write_line(out, '+', after, a);
}

static void write_hunks(const struct lines *before, const struct lines *after, const size_t *match,
                        struct ns_buffer *out) {
    size_t b = 0, a = 0; /* everything in front of these is written or common */
    while (b < before->count || a < after->count) {
        if (b < before->count && match[b] == a) {
            b++;
            a++;
            continue;
        }
        const size_t lead = b < CONTEXT ? b : CONTEXT;
        const size_t b0 = b - lead, a0 = a - lead;
        size_t common = 0;
        while ((b < before->count || a < after->count) && common <= 2 * CONTEXT) {
            if (b < before->count && match[b] == a) {
                b++;
                a++;
                common++;
            } else {
                common = 0;
                if (b < before->count && match[b] == SIZE_MAX)
                    b++;
                else
                    a++;
            }
        }
        const size_t back = common > CONTEXT ? common - CONTEXT : 0;
        write_hunk(before, after, match, b0, b - back, a0, a - back, out);
    }
}

void ns_diff(const char *file, const char *before, const char *after, struct ns_buffer *out) {
    struct lines old, new;
    const bool good = split(before, &old) & split(after, &new);
    size_t *match = good ? malloc((old.count + 1) * sizeof *match) : NULL;
    if (strcmp(before, after) == 0) {
        /* nothing to say */
    } else if (match == NULL || !match_lines(&old, &new, match)) {
        out->failed = true;
    } else {
        ns_buffer_format(out, "--- %s\n+++ %s\n", file, file);
        write_hunks(&old, &new, match, out);
    }
    free(match);
    release(&old);
    release(&new);
}
