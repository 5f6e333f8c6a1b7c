/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run as a value change dump (VCD), for waveform viewers such as GTKWave.
 *
 * The file is a four-state VCD as IEEE Std 1364-2005, section 18.2, defines it, without $date: the same log gives the
 * same bytes. Time is the simulated time in picoseconds. Where several changes of a signal have the same time, the last
 * one is written. Texts are regs of 8-bit characters, the last one in the lowest bits, as Verilog keeps strings
 * (section 3.6); unused characters are NUL.
 *
 * docs/manual.md, "Waveforms", has the list of signals.
 */
#ifndef NS_REPORT_VCD_H
#define NS_REPORT_VCD_H

#include "model/log.h"
#include "report/buffer.h"
#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_VCD_LINES 256u /* of each cache, so many lines at most have signals */
#define NS_VCD_TEXT  64u  /* characters of a text at most; a longer one is cut and ends with ".." */

/* What the file does not show; it says so itself, too. */
struct ns_vcd_missing {
    uint64_t lines; /* lines of named memory without signals, of all levels */
    bool held;      /* some of these were in a cache; else they never changed */
    uint64_t names; /* named stretches of memory beyond NS_WAVEFORM_NAMES */
    bool cut;       /* the waveform met its limit: at cut_ps every signal becomes unknown ($dumpoff), and the rest of */
    uint64_t cut_ps; /* the run is not there */
};

/* The log must have kept a waveform (ns_log_keep_waveform); else, and without host memory, out->failed is set. */
void ns_report_run_vcd(const struct ns_scenario *scenario, const struct ns_log *log, struct ns_buffer *out,
                       struct ns_vcd_missing *missing);

#ifdef __cplusplus
}
#endif
#endif
