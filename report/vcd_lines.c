/* SPDX-License-Identifier: Apache-2.0 */
#include "report/vcd_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SHOWN = 3 }; /* of those who share a line */

/* Whole lines that hold named memory, first and last; neighbours are joined. */
struct stretch {
    uint64_t first, last;
};

static int by_first(const void *a, const void *b) {
    const uint64_t one = ((const struct stretch *)a)->first, other = ((const struct stretch *)b)->first;
    return one < other ? -1 : one > other;
}

static size_t find_stretches(const struct ns_waveform *waveform, uint32_t line, struct stretch *stretch) {
    size_t count = 0;
    for (size_t i = 0; i < waveform->name_count; ++i) {
        const struct ns_wave_name *name = &waveform->name[i];
        stretch[i].first = name->address / line * line;
        stretch[i].last = (name->address + (name->length - 1)) / line * line;
    }
    qsort(stretch, waveform->name_count, sizeof *stretch, by_first);
    for (size_t i = 0; i < waveform->name_count; ++i) {
        if (count == 0 || stretch[i].first > stretch[count - 1].last + line) {
            stretch[count++] = stretch[i];
        } else if (stretch[i].last > stretch[count - 1].last) {
            stretch[count - 1].last = stretch[i].last;
        }
    }
    return count;
}

static bool is_named(const struct stretch *stretch, size_t count, uint64_t address) {
    size_t low = 0, high = count; /* the first stretch that ends at the address or behind it */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (stretch[middle].last < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && stretch[low].first <= address;
}

/* The place of the first line that is not below the address. */
static size_t place_of(const struct vcd_lines *lines, uint64_t address) {
    size_t low = 0, high = lines->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (lines->line[middle].address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t vcd_lines_index(const struct vcd_lines *lines, uint64_t address) {
    const size_t place = place_of(lines, address);
    return place < lines->count && lines->line[place].address == address ? place : SIZE_MAX;
}

/* When there is no room, the highest one goes. */
static void insert(struct vcd_lines *lines, uint64_t address) {
    const size_t place = place_of(lines, address);
    if (place < lines->count && lines->line[place].address == address) {
        return;
    }
    if (place == NS_VCD_LINES) {
        lines->full = true;
        return;
    }
    lines->full |= lines->count == NS_VCD_LINES;
    lines->count -= lines->count == NS_VCD_LINES;
    memmove(&lines->line[place + 1], &lines->line[place], (lines->count - place) * sizeof lines->line[0]);
    lines->line[place].address = address;
    lines->count++;
}

/* IEEE Std 1364-2005, annex B: these are no identifiers. */
static bool is_keyword(const char *word) {
    static const char keywords[] =
        " always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config deassign"
        " default defparam design disable edge else end endcase endconfig endfunction endgenerate endmodule"
        " endprimitive endspecify endtable endtask event for force forever fork function generate genvar"
        " highz0 highz1 if ifnone incdir include initial inout input instance integer join large liblist"
        " library localparam macromodule medium module nand negedge nmos nor noshowcancelled not notif0 notif1"
        " or output parameter pmos posedge primitive pull0 pull1 pulldown pullup pulsestyle_ondetect"
        " pulsestyle_onevent rcmos real realtime reg release repeat rnmos rpmos rtran rtranif0 rtranif1"
        " scalared showcancelled signed small specify specparam strong0 strong1 supply0 supply1 table task"
        " time tran tranif0 tranif1 tri tri0 tri1 triand trior trireg unsigned use uwire vectored wait wand"
        " weak0 weak1 while wire wor xnor xor"
        " ";
    char spaced[32];
    if (strlen(word) > sizeof spaced - 3) {
        return false;
    }
    snprintf(spaced, sizeof spaced, " %s ", word);
    return strstr(keywords, spaced) != NULL;
}

void vcd_identifier(const char *name, char *identifier, size_t size) {
    size_t length = 0;
    const bool letter = (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_';
    if (!letter && size > 1) {
        identifier[length++] = '_';
    }
    for (; *name != '\0' && length + 1 < size; ++name) {
        const char c = *name;
        const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '$';
        identifier[length++] = good ? c : '_';
    }
    identifier[length] = '\0';
    if (is_keyword(identifier) && length + 1 < size) {
        strcpy(identifier + length, "_");
    }
}

static void name_line(const struct ns_waveform *waveform, uint32_t size, struct vcd_line *line) {
    char text[80] = ""; /* the cache, the address and "_stale" come to it */
    size_t length = 0, more = 0, shown = 0;
    const struct ns_wave_name *before[NAMES_SHOWN];
    for (size_t i = 0; i < waveform->name_count; ++i) {
        const struct ns_wave_name *name = &waveform->name[i];
        bool again = name->address >= line->address + size || name->address + (name->length - 1) < line->address;
        for (size_t k = 0; k < shown && !again; ++k) {
            again = strcmp(before[k]->name, name->name) == 0; /* the same object, allocated a second time */
        }
        if (again) {
            continue;
        }
        if (shown == NAMES_SHOWN) {
            more++;
            continue;
        }
        before[shown++] = name;
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", shown > 1 ? "_" : "", name->name);
        length = length < sizeof text ? length : sizeof text - 1;
    }
    vcd_identifier(text, line->name, sizeof text);
    length = strlen(line->name);
    if (more > 0) {
        length += (size_t)snprintf(line->name + length, sizeof line->name - length, "_and_%zu_more", more);
    }
    snprintf(line->name + length, sizeof line->name - length, "_%08" PRIx64, line->address);
}

bool vcd_lines_find(const struct ns_log *log, unsigned level, struct vcd_lines *lines) {
    const struct ns_waveform *waveform = log->waveform;
    const uint32_t size = log->line_size[level];
    struct stretch *stretch = malloc((waveform->name_count + 1) * sizeof *stretch);
    lines->count = 0;
    lines->full = false;
    if (stretch == NULL) {
        return false;
    }
    const size_t count = find_stretches(waveform, size, stretch);
    for (size_t i = 0; i < waveform->count; ++i) {
        const struct ns_wave_change *change = &waveform->change[i];
        if (change->kind == NS_WAVE_LINE && change->level == level && is_named(stretch, count, change->address)) {
            insert(lines, change->address);
        }
    }
    lines->missing_held = lines->full;
    uint64_t all = 0;
    for (size_t i = 0; i < count; ++i) {
        all += (stretch[i].last - stretch[i].first) / size + 1;
        for (uint64_t at = stretch[i].first; lines->count < NS_VCD_LINES && at <= stretch[i].last; at += size) {
            insert(lines, at);
        }
    }
    lines->missing = all - lines->count;
    for (size_t i = 0; i < lines->count; ++i) {
        name_line(waveform, size, &lines->line[i]);
    }
    free(stretch);
    return true;
}
