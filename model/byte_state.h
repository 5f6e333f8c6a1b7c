/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of one byte beside its versions, and how it changes: for the tracker and the verifier alike. */
#ifndef NS_MODEL_BYTE_STATE_H
#define NS_MODEL_BYTE_STATE_H

#include "cache/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ns_byte_flags {
    NS_BYTE_DISCARDED = 1, /* the newest version was dropped by an invalidate that named it */
    NS_BYTE_UNDEFINED = 2, /* mapped from-device, not written since */
    NS_BYTE_LOST = 4,      /* reported as lost */
    NS_BYTE_FREED = 8,     /* returned to its pool */
    NS_BYTE_UNMAPPED = 16, /* was mapped for a device, and is no longer */
    NS_BYTE_CPU_OWNS = 32, /* mapped, and lent to the CPU by sync-for-cpu until sync-for-device */
    NS_BYTE_BEHIND = 64,   /* a device wrote the bounce slot that stands for it, and that was not copied out */
    NS_BYTE_AGED = 128,    /* memory had the newest version and was given an older one, while a copy kept the newest */
};

/* Somebody wrote it: it is defined, wanted, and nobody's loss. */
static inline uint8_t ns_byte_written(uint8_t flags) {
    return (uint8_t)(flags & ~(NS_BYTE_DISCARDED | NS_BYTE_UNDEFINED | NS_BYTE_LOST | NS_BYTE_BEHIND | NS_BYTE_AGED));
}
/* direction: 1 to-device, 2 from-device, 3 bidirectional. undefined: map drops what the CPU wrote. */
static inline uint8_t ns_byte_mapped(uint8_t flags, uint8_t direction, bool undefined) {
    flags = (uint8_t)(flags & ~(NS_BYTE_UNMAPPED | NS_BYTE_CPU_OWNS));
    return direction == 2 && undefined ? (uint8_t)((flags | NS_BYTE_UNDEFINED) & ~NS_BYTE_LOST) : flags;
}
/* still_mapped: by another live mapping. */
static inline uint8_t ns_byte_unmapped(uint8_t flags, bool still_mapped) {
    flags = (uint8_t)(flags & ~NS_BYTE_CPU_OWNS);
    return still_mapped ? flags : (uint8_t)(flags | NS_BYTE_UNMAPPED);
}
static inline uint8_t ns_byte_synced(uint8_t flags, bool for_cpu) {
    return (uint8_t)(for_cpu ? flags | NS_BYTE_CPU_OWNS : flags & ~NS_BYTE_CPU_OWNS);
}
static inline uint8_t ns_byte_freed(uint8_t flags) {
    return (uint8_t)(flags | NS_BYTE_FREED);
}
static inline uint8_t ns_byte_allocated(uint8_t flags) {
    return (uint8_t)(flags & ~(NS_BYTE_FREED | NS_BYTE_UNMAPPED | NS_BYTE_BEHIND));
}
/* Its newest version was dropped inside the range that an invalidate named. */
static inline uint8_t ns_byte_discarded(uint8_t flags) {
    return (uint8_t)(flags | NS_BYTE_DISCARDED);
}

#ifdef __cplusplus
}
#endif
#endif
