/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that every room shares: result codes, byte versions, memory types, cache operations.
 *
 * It lies in cache/ because cache/ is the lowest room; it depends on the C library only.
 */
#ifndef NS_CACHE_BASE_H
#define NS_CACHE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Outcome of a call. Zero is success, everything else is an error whose text comes from ns_status_text(). */
enum ns_status {
    NS_OK = 0,
    NS_ERROR_ARGUMENT,   /* an argument is outside the range that its header states */
    NS_ERROR_MEMORY,     /* the host is out of memory */
    NS_ERROR_LIMIT,      /* a limit of nosnoop (not of the simulated machine) is reached */
    NS_ERROR_ADDRESS,    /* no target at this address */
    NS_ERROR_PAGE_FAULT, /* translation failed: no mapping, or a reserved encoding */
    NS_ERROR_EXHAUSTED,  /* a simulated pool or zone has nothing left that fits */
    NS_ERROR_BUSY,       /* destroyed or freed while still in use */
    NS_ERROR_MISUSE,     /* the caller broke the contract of an API (double free, unknown handle, ...) */
    NS_ERROR_TIMEOUT,    /* a wait or poll that nothing can end */
};

/* A short English sentence without a full stop; never NULL. The string is static. */
const char *ns_status_text(enum ns_status status);

/*
 * The version of a byte: the number of the event that wrote it, hence its actor, source line and time.
 * Version 0 is the content that memory had at power-on.
 */
typedef uint32_t ns_version;
#define NS_VERSION_POWER_ON ((ns_version)0)

/* Physical memory is byte-addressed, up to 56 bits (RISC-V Privileged, Sv39: PPN 44 bits + 12). */
#define NS_PHYSICAL_BITS 56
#define NS_PAGE_SIZE     UINT64_C(4096)

/* Effective memory type of an access (RISC-V Privileged, chapter "Svpbmt"; C910 User Manual, table 6.1). */
enum ns_memory_type {
    NS_TYPE_CACHEABLE, /* served by the cache hierarchy */
    NS_TYPE_NC, /* non-cacheable, idempotent: goes to memory, ignores any cached copy, may wait in the store buffer */
    NS_TYPE_IO, /* non-cacheable, strongly ordered */
};

/* Cache-maintenance operations (RISC-V Zicbom: cbo.clean, cbo.inval, cbo.flush; Arm: DC CVAC, IVAC, CIVAC). */
enum ns_cache_op {
    NS_CACHE_CLEAN,      /* write a dirty line back and keep it, clean */
    NS_CACHE_INVALIDATE, /* drop the line, dirty or not */
    NS_CACHE_FLUSH,      /* clean, then drop */
};

/* How far a maintenance operation reaches. */
enum ns_cache_scope {
    NS_SCOPE_L1,    /* the issuing hart's L1 only; dirty data moves one level down (T-Head dcache.cval1) */
    NS_SCOPE_POC,   /* to the point of coherency: every level, every hart */
    NS_SCOPE_OUTER, /* the shared levels only: an outer cache with operations of its own (Arm PL310) */
};

#ifdef __cplusplus
}
#endif
#endif
