/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/status.h"

const char *ns_pool_status_text(enum ns_pool_status status) {
    switch (status) {
    case NS_POOL_OK:
        return "ok";
    case NS_POOL_ERROR_ARGUMENT:
        return "invalid argument";
    case NS_POOL_ERROR_EXHAUSTED:
        return "out of memory";
    case NS_POOL_ERROR_BUSY:
        return "still in use";
    case NS_POOL_ERROR_MISUSE:
        return "misuse of the allocator";
    case NS_POOL_ERROR_NOT_ADDRESSABLE:
        return "the device cannot address this memory";
    case NS_POOL_ERROR_METADATA:
        return "out of book-keeping memory";
    }
    return "unknown status";
}
