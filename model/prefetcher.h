/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stride prefetcher: which lines the hardware fills by itself because a hart's loads step through memory evenly.
 *
 * What is taken from the T-Head C910, from its sources (openc910 at 4c4981a51c27, gen_rtl/lsu/rtl): 8 streams
 * (ct_lsu_pfu.v, PFB_ENTRY); the addresses of three loads are compared, and a stride has a sign and 11 bits, so that it
 * is less than 2 KiB, which is 31 lines (ct_lsu_pfu_sdb_cmp.v); lines are filled into the first cache 1, 2, 4 or 8
 * strides ahead of the load, as firmware chooses (ct_lsu_ctrl.v, ct_lsu_pfu_pfb_entry.v), and stores fill nothing
 * there.
 *
 * What is simpler here. The part tells streams apart by the address of the load instruction. There are no instructions
 * here: a load belongs to the stream of its page that stopped nearest to it. All lines of the distance are filled at
 * once, from the third load on; the part takes its time, and has a larger distance for the second cache. The part
 * translates anew where a stream leaves its page of 4 KiB; here a stream ends there.
 *
 * Addresses are physical. Nothing here allocates, or knows caches.
 */
#ifndef NS_MODEL_PREFETCHER_H
#define NS_MODEL_PREFETCHER_H

#include "cache/base.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NS_PREFETCH_MOST_STREAMS 16u
#define NS_PREFETCH_MOST_AHEAD   16u
#define NS_PREFETCH_MOST_REACH   63u /* lines: the largest stride within 4 KiB of 64-byte lines */

struct ns_stride_config {
    unsigned streams; /* 1 to NS_PREFETCH_MOST_STREAMS; 0: there is no stride prefetcher */
    unsigned reach;   /* the largest stride that counts, in lines, 1 to NS_PREFETCH_MOST_REACH */
    unsigned ahead;   /* how many strides in front of the load lines are filled, 1 to NS_PREFETCH_MOST_AHEAD */
};

struct ns_stride_stream {
    uint64_t line;  /* the line loaded last, as a number: address / line size */
    int32_t stride; /* lines; 0: only one load so far */
    bool steady;    /* the newest two differences were equal */
};

struct ns_stride_prefetcher {
    struct ns_stride_config config;
    uint32_t line_size; /* bytes, a power of two, at most 4096 */
    unsigned count;     /* streams in use */
    unsigned oldest;    /* which one a new stream replaces when all are in use */
    struct ns_stride_stream stream[NS_PREFETCH_MOST_STREAMS];
};

void ns_stride_init(struct ns_stride_prefetcher *prefetcher, const struct ns_stride_config *config, uint32_t line_size);

/*
 * A load of the line that holds `address`; `missed`: it was not in the first cache. Only a miss begins a stream, any
 * load goes on with one. Returns how many addresses of lines to fill it has written to `fill`, nearest first.
 */
size_t ns_stride_load(struct ns_stride_prefetcher *prefetcher, uint64_t address, bool missed,
                      uint64_t fill[NS_PREFETCH_MOST_AHEAD]);

#ifdef __cplusplus
}
#endif
#endif
