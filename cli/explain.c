/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/output.h"
#include "model/hazard.h"
#include "scenarios/names.h"

#include <string.h>

#define EXPLAIN_COLUMNS 80
#define LIST_COLUMN     23 /* where the sentences of --list start */

static void write_section(const char *title, const char *text, struct ns_buffer *out) {
    if (text[0] != '\0') {
        ns_buffer_format(out, "\n%s\n  ", title);
        ns_buffer_wrap(out, text, 2, 2, EXPLAIN_COLUMNS);
    }
}

static void write_picture(const char *picture, struct ns_buffer *out) {
    ns_buffer_text(out, "\n");
    while (*picture != '\0') {
        size_t length = strcspn(picture, "\n");
        ns_buffer_text(out, length > 0 ? "    " : "");
        ns_buffer_add(out, picture, length);
        ns_buffer_text(out, "\n");
        picture += length + (picture[length] == '\n' ? 1 : 0);
    }
}

static void write_explanation(const struct ns_hazard_entry *text, struct ns_buffer *out) {
    ns_buffer_format(out, "%s: ", text->id);
    ns_buffer_wrap(out, text->title, strlen(text->id) + 2, 2, EXPLAIN_COLUMNS);
    write_section("What happens", text->happens, out);
    write_picture(text->picture, out);
    write_section("The fix", text->fix, out);
    write_section("In Linux", text->linux_name, out);
    write_section("Elsewhere", text->other_names, out);
    write_section("A published case", text->published, out);
}

static void write_list(struct ns_buffer *out) {
    for (int id = NS_HAZARD_NONE + 1; id < NS_HAZARD_COUNT; ++id) {
        const struct ns_hazard_entry *text = ns_hazard_text((enum ns_hazard_id)id);
        ns_buffer_format(out, "%-*s ", LIST_COLUMN - 1, text->id);
        ns_buffer_wrap(out, text->title, LIST_COLUMN, LIST_COLUMN, EXPLAIN_COLUMNS);
    }
}

/* The hazard ids are capitals: compare in capitals, so that "dc-refech" still finds its neighbour. */
static void complain_about_id(const char *id) {
    char capitals[64];
    size_t length = strnlen(id, sizeof capitals);
    struct ns_nearest nearest;
    for (size_t i = 0; i < length; ++i) {
        capitals[i] = id[i] >= 'a' && id[i] <= 'z' ? (char)(id[i] - 'a' + 'A') : id[i];
    }
    ns_nearest_start(&nearest, capitals, length);
    for (int other = NS_HAZARD_NONE + 1; other < NS_HAZARD_COUNT; ++other) {
        const char *name = ns_hazard_text((enum ns_hazard_id)other)->id;
        ns_nearest_offer(&nearest, name, strlen(name));
    }
    if (nearest.best != NULL) {
        ns_error("no hazard is called `%s`; did you mean `%.*s`?", id, (int)nearest.best_length, nearest.best);
    } else {
        ns_error("no hazard is called `%s`; `nosnoop explain --list` lists all of them", id);
    }
}

enum ns_exit ns_explain_main(const struct ns_options *options) {
    if (options->list ? options->operand_count != 0 : options->operand_count != 1) {
        ns_error("`nosnoop explain` needs one hazard, or --list: nosnoop explain DC-REFETCH");
        return NS_EXIT_BAD_INPUT;
    }
    struct ns_buffer text = {0};
    if (options->list) {
        write_list(&text);
    } else {
        const struct ns_hazard_entry *hazard = ns_hazard_text(ns_hazard_by_name(options->operands[0]));
        if (hazard == NULL) {
            complain_about_id(options->operands[0]);
            return NS_EXIT_BAD_INPUT;
        }
        write_explanation(hazard, &text);
    }
    bool written = ns_output_write(&text);
    ns_buffer_release(&text);
    return written ? NS_EXIT_HELD : NS_EXIT_INTERNAL;
}
