/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run of stores of one hart: bytes that it has stored one behind the other, upwards. After some whole lines of a
 * run a part with write streaming reads no line any more that the run reaches, because it will be stored wholly.
 * Whether it was shows later, so the last such line is remembered until then.
 *
 * Nothing here moves data or knows time: cache/tlm_cache.h leaves out the time of the reads, and makes up for one that
 * was left out wrongly.
 *
 * Units: addresses are physical, sizes are bytes. No memory is allocated.
 *
 * Facts: Arm Cortex-A53 TRM, ARM DDI 0500D, 6.2 (ends at a write burst that is no whole line, or at a load of the line
 * under way) and CPUACTLR_EL1.L1RADIS (a number of lines; the table as others quote it); openc910 at 4c4981a51c27,
 * ct_lsu_amr.v (a count of bytes stored one behind the other, which another store takes back).
 */
#ifndef NS_CACHE_WRITE_RUN_H
#define NS_CACHE_WRITE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NS_NO_ADDRESS UINT64_MAX /* physical addresses have 56 bits */

struct ns_write_run {
    uint64_t begin, end; /* stored so far: [begin, end); both NS_NO_ADDRESS: there is no run */
    uint64_t unread;     /* a line that was not read, and that the run has not covered yet; NS_NO_ADDRESS: none */
};

static inline void ns_write_run_forget(struct ns_write_run *run) {
    run->begin = run->end = run->unread = NS_NO_ADDRESS;
}

/* What is asked first: true if the access leaves the run as it is, or continues it; false: an unread line must be read
 * now, for the run ends here with a part of it stored. Then ns_write_run_forget. */
static inline bool ns_write_run_goes_on(const struct ns_write_run *run, uint64_t address, uint64_t length, bool store,
                                        uint32_t line) {
    if (run->unread == NS_NO_ADDRESS)
        return true;
    return store ? address == run->end : address >= run->unread + line || address + length <= run->unread;
}

/* A store at `address` is about to be made: the run goes on, or another one begins. */
static inline void ns_write_run_begin(struct ns_write_run *run, uint64_t address) {
    if (address == run->end)
        return;
    run->begin = run->end = address;
    run->unread = NS_NO_ADDRESS;
}

/* Between ns_write_run_begin and ns_write_run_end: the store needs the line at `line_address` (a multiple of `line`,
 * which is a power of two). True: `after` whole lines (1 or more) of the run lie before it, and it need not be read.
 * False: it is read, and so is the unread line if that is it, which has left the caches meanwhile. */
static inline bool ns_write_run_streams(struct ns_write_run *run, uint64_t line_address, uint32_t line,
                                        uint32_t after) {
    const uint64_t first_whole = (run->begin + line - 1) & ~(uint64_t)(line - 1);
    if (line_address == run->unread)
        run->unread = NS_NO_ADDRESS;
    if (line_address < run->end || line_address - first_whole < (uint64_t)after * line)
        return false;
    run->unread = line_address;
    return true;
}

/* The store of [address, address + length) has been made. */
static inline void ns_write_run_end(struct ns_write_run *run, uint64_t address, uint64_t length, uint32_t line) {
    run->end = address + length;
    if (run->unread != NS_NO_ADDRESS && run->end >= run->unread + line)
        run->unread = NS_NO_ADDRESS;
}

#ifdef __cplusplus
}
#endif
#endif
