/* SPDX-License-Identifier: Apache-2.0 */
/* What every function of the pool returns. Zero is success; on any other value the out-parameters are not written,
 * unless the function's own comment says otherwise. */
#ifndef NS_POOL_STATUS_H
#define NS_POOL_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

enum ns_pool_status {
    NS_POOL_OK = 0,
    NS_POOL_ERROR_ARGUMENT,        /* a parameter outside of its documented range */
    NS_POOL_ERROR_EXHAUSTED,       /* no memory that fits, or no room for a second mapping */
    NS_POOL_ERROR_BUSY,            /* destroy with something still in use; nothing was given back */
    NS_POOL_ERROR_MISUSE,          /* the caller broke a rule; the port's misuse() was told which one */
    NS_POOL_ERROR_NOT_ADDRESSABLE, /* the device cannot put the address on its bus */
    NS_POOL_ERROR_METADATA,        /* no book-keeping memory, or no room left in a table of fixed capacity */
};

/* A short English phrase for a message, without a full stop; never NULL, whatever the value. Static storage. */
const char *ns_pool_status_text(enum ns_pool_status status);

#ifdef __cplusplus
}
#endif
#endif
