/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of a level a value change dump shows, and what it calls them. */
#ifndef NS_REPORT_VCD_LINES_H
#define NS_REPORT_VCD_LINES_H

#include "report/vcd.h"

#define NS_VCD_NAME 192 /* bytes of a reference name with its NUL */

struct vcd_line {
    uint64_t address;
    char name[NS_VCD_NAME]; /* "rx_80000040": who lies there, and the address; unique within a cache */
};

struct vcd_lines {
    size_t count; /* in ascending order of address */
    struct vcd_line line[NS_VCD_LINES];
    bool full;         /* there was no room for some line */
    uint64_t missing;  /* lines of named memory that are not among them */
    bool missing_held; /* and some of these were in a cache */
};

/* The lines of one level that hold named memory, at most NS_VCD_LINES: those that some cache of the level has held
 * before others, lower addresses before higher ones. False without host memory. */
bool vcd_lines_find(const struct ns_log *log, unsigned level, struct vcd_lines *lines);
/* The index of the line at this address, or SIZE_MAX. */
size_t vcd_lines_index(const struct vcd_lines *lines, uint64_t address);

/* A name as a simple identifier (IEEE Std 1364-2005, section 3.7): letters, digits, '_' and '$' only, every
 * other byte becomes '_'; one is put in front of a digit or '$', and behind a keyword. At most `size` bytes with the
 * NUL. */
void vcd_identifier(const char *name, char *identifier, size_t size);

#endif
