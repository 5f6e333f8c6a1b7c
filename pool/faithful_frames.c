/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/faithful_frames.h"

enum ns_pool_status ns_faithful_frames_allocate(struct ns_faithful_frames *frames, enum ns_zone zone, uint64_t lowest,
                                                uint64_t *physical) {
    (void)zone; /* the defect: only a request for one NUMA node looks at it */
    /* One zone at a time from below, so that the lowest address of all comes first. */
    for (int any = 0; any < NS_POOL_ZONE_COUNT; any++) {
        const struct ns_frames_request request = {
            .count = 1, .alignment = 1, .lowest = lowest, .highest = UINT64_MAX, .zone = (enum ns_zone)any};
        if (ns_frames_allocate(frames->frames, &request, physical) == NS_POOL_OK)
            return NS_POOL_OK;
    }
    if (frames->buddy_count == 0)
        return NS_POOL_ERROR_EXHAUSTED;
    *physical = frames->buddy[--frames->buddy_count];
    return NS_POOL_OK;
}

enum ns_pool_status ns_faithful_frames_free(struct ns_faithful_frames *frames, uint64_t physical) {
    if (ns_frames_block_state(frames->frames, physical, 1) == NS_FRAMES_BLOCK_HELD)
        return ns_frames_free(frames->frames, physical, 1);
    if (frames->buddy_count == NS_FAITHFUL_BUDDY_MAX)
        return NS_POOL_ERROR_MISUSE;
    frames->buddy[frames->buddy_count++] = physical;
    return NS_POOL_OK;
}
