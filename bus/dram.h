/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timing of a DRAM controller and the SDRAM behind it: when a burst that arrives at some time has been read or written.
 * No data: memory.h holds the bytes. Plain C; tlm_memory.h gives it a socket.
 *
 * Commands (ACT, RD, WR, PRE, REF) are issued one for each clock of a channel, each as early as the standard's timing
 * parameters let it. Pages stay open until another row of their bank is wanted, or a refresh comes. A request
 * gets no command before the first clock edge after its arrival.
 *
 * What is simpler than a part: one rank; REF for all banks; no power-down; no auto-precharge; LPDDR4's commands, which
 * take two or four clocks, take one; its channels of 16 bits work in lockstep where `width` is more; a read is not
 * served from a write that waits in the queue.
 *
 * Sources of the timing parameters (dram_grades.c says with what each was compared):
 *   DDR3    JEDEC JESD79-3F: "Standard Speed Bins", "Timing Parameters by Speed Bin", "Refresh parameters by density"
 *   DDR4    JEDEC JESD79-4B: "Speed Bins by Speed Grade", "Timing Parameters by Speed Bin", "Rounding Algorithms"
 *   LPDDR4  JEDEC JESD209-4B: "Core timing", "Read and Write Latencies", "Refresh Requirement Parameters"
 */
#ifndef NS_BUS_DRAM_H
#define NS_BUS_DRAM_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_DRAM_MOST_QUEUE    64u
#define NS_DRAM_MOST_CHANNELS 4u
#define NS_DRAM_MOST_BANKS    16u  /* of a channel, all groups together */
#define NS_DRAM_MOST_CAP      255u /* requests that may overtake one */

enum ns_dram_kind { NS_DRAM_DDR3, NS_DRAM_DDR4, NS_DRAM_LPDDR4 };

/* One speed bin. Times are picoseconds; where the standard says max(n nCK, t), both are there. `_ck`: clocks. */
struct ns_dram_grade {
    const char *name; /* JEDEC's: "DDR3-1600K" */
    enum ns_dram_kind kind;
    uint32_t tck_ps;        /* tCK(avg).min of the bin, cut to whole picoseconds */
    uint32_t cl_ck, cwl_ck; /* CL and CWL; LPDDR4: RL and WL without DBI, set A */
    uint32_t dqs_ps;        /* LPDDR4: the least tDQSCK after RL; others 0: DLL-aligned */
    uint32_t rcd_ps, rp_ps, ras_ps;
    uint32_t wr_ps;          /* tWR, from the last data of a write to PRE */
    uint32_t rtp_ps, rtp_ck; /* tRTP */
    uint32_t wtr_s_ps, wtr_s_ck, wtr_l_ps,
        wtr_l_ck;                          /* tWTR; _s: other bank group, _l: the same one. Without groups equal */
    uint32_t rrd_s_ps[2], rrd_l_ps[2];     /* tRRD, not below 4 nCK; [0]: pages of 1 KiB, [1]: of 2 KiB */
    uint32_t faw_ps[2];                    /* tFAW, the same */
    uint32_t ccd_s_ck, ccd_l_ps, ccd_l_ck; /* tCCD */
    uint32_t refi_ps;                      /* tREFI up to 85 degrees C; LPDDR4: all-bank */
    uint32_t burst;                        /* beats: BL8, BL16 */
};

/* NULL beyond the last one. */
const struct ns_dram_grade *ns_dram_grade_at(size_t index);
/* NULL: no such grade. `length` bytes; letters in any case. */
const struct ns_dram_grade *ns_dram_grade_find(const char *name, size_t length);
/* tRFC (LPDDR4: tRFCab) in picoseconds of a device of `gigabits` (LPDDR4: of one channel of it); 0: the table has no
 * such density. DDR3: 1, 2, 4, 8; DDR4: 2, 4, 8, 16; LPDDR4: 2, 3, 4, 6, 8, 12, 16. */
uint32_t ns_dram_rfc_ps(enum ns_dram_kind kind, uint32_t gigabits);
/* The least number of clocks that takes a time. DDR4 as JESD79-4B rounds ("Rounding Algorithms": up, but for 2.6 % of a
 * clock). DDR3 and LPDDR4: up, RU{t / tCK(avg)} (JESD79-3F, jitter note e; JESD209-4B writes it into its formulas),
 * with the exact clock of the data rate: 15 ns are 14 clocks of DDR3-1866, though 14 * 1071 ps are less. */
uint32_t ns_dram_clocks(const struct ns_dram_grade *grade, uint32_t ps);

/* From the most significant bits of an address to the least; below it come the channel and the bytes of a burst. */
enum ns_dram_map {
    NS_DRAM_MAP_ROW_BANK_COLUMN,       /* a row of one bank behind the other */
    NS_DRAM_MAP_ROW_COLUMN_BANK,       /* each burst in another bank, groups first */
    NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP, /* each burst in another bank group; without groups as the first */
};
enum ns_dram_scheduler {
    NS_DRAM_IN_ORDER, /* one request at a time is given commands; its data overlap the next one's commands */
    NS_DRAM_FR_FCFS,  /* first ready, first come first served: column commands before others, older before younger */
};

struct ns_dram_config {
    const struct ns_dram_grade *grade; /* NULL: no such model */
    uint32_t channels;                 /* 1, 2 or 4; bursts go round them */
    uint32_t width;                    /* bits of one channel's data bus: 8, 16, 32, 64 */
    /* Bits of one device, 8 or 16, at most the width; LPDDR4: 16. A device of 8 bits has pages of 1 KiB (DDR3 of 8
     * Gbit: 2 KiB), and DDR4 four bank groups; one of 16 bits pages of 2 KiB and two groups. Banks: DDR3 and LPDDR4 8,
     * DDR4 4 in each group. */
    uint32_t device;
    uint32_t gigabits; /* density of a device (LPDDR4: of one channel of it), for tRFC */
    enum ns_dram_map map;
    enum ns_dram_scheduler scheduler;
    uint32_t queue; /* bursts that a channel's controller holds, 1 to NS_DRAM_MOST_QUEUE */
    uint32_t cap;   /* a request that so many column commands have overtaken is not overtaken again; 0: FCFS */
    bool no_refresh;
    uint64_t latency_ps; /* of controller and PHY, both ways together; added to each request's end */
};

/* FR-FCFS, 32 entries, cap 16, one channel of 64 bits (LPDDR4: 32), devices of 16 bits and 4 Gbit; the map is row,
 * bank, column, for DDR4 with the bank group lowest. */
void ns_dram_config_default(struct ns_dram_config *config, const struct ns_dram_grade *grade);
/* What is wrong with a configuration. A device and a channel that do not fit are the device's fault. */
enum ns_dram_fault {
    NS_DRAM_NO_FAULT,
    NS_DRAM_FAULT_GRADE,
    NS_DRAM_FAULT_CHANNELS,
    NS_DRAM_FAULT_WIDTH,
    NS_DRAM_FAULT_DEVICE,
    NS_DRAM_FAULT_DENSITY,
    NS_DRAM_FAULT_QUEUE,
    NS_DRAM_FAULT_CAP,
};
/* The first fault, and then in *sentence what is to be said about it; static. */
enum ns_dram_fault ns_dram_config_fault(const struct ns_dram_config *config, const char **sentence);
/* NS_OK, or NS_ERROR_ARGUMENT and that sentence. */
enum ns_status ns_dram_config_check(const struct ns_dram_config *config, char *reason, size_t reason_size);
/* Bytes of one burst: what one request moves at most. */
uint32_t ns_dram_burst_bytes(const struct ns_dram_config *config);

struct ns_dram_stats {
    uint64_t reads, writes;                       /* bursts */
    uint64_t row_hits, row_misses, row_conflicts; /* the row was open; the bank was closed; another row was open */
    uint64_t refreshes;                           /* of all channels; due up to the time that is asked about */
    uint64_t latency_ps;                          /* sum of the reads', from arrival to the last data */
};

struct ns_dram_done {
    uint64_t tag;
    uint64_t ready_ps; /* when the last data are there (read) or in the array's buffers (write) */
};

struct ns_dram;
/* NULL on a bad configuration or without host memory. The grade is not owned, the rest is copied. */
struct ns_dram *ns_dram_create(const struct ns_dram_config *config);
void ns_dram_destroy(struct ns_dram *dram);

/* One burst; `address` is where it begins, in a space of RAM without holes. False, and nothing happens, when the
 * channel's queue is full. Times must not go backwards over all calls, and the steps up to now have been done: no
 * command is issued before the clock at which the last request came. */
bool ns_dram_push(struct ns_dram *dram, uint64_t now_ps, uint64_t address, bool write, uint64_t tag);
/* Issues commands up to `now_ps` until a request has its column command: then true, and *done says when it ends. To be
 * called until it says false. */
bool ns_dram_step(struct ns_dram *dram, uint64_t now_ps, struct ns_dram_done *done);
/* When the next command can be issued; UINT64_MAX: nothing waits. */
uint64_t ns_dram_next_ps(const struct ns_dram *dram);
/* `now_ps`: not before the last call of the others. */
void ns_dram_get_stats(const struct ns_dram *dram, uint64_t now_ps, struct ns_dram_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
