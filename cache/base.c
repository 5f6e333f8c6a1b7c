/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/base.h"

const char *ns_status_text(enum ns_status status) {
    switch (status) {
    case NS_OK:
        return "success";
    case NS_ERROR_ARGUMENT:
        return "an argument is out of range";
    case NS_ERROR_MEMORY:
        return "the host is out of memory";
    case NS_ERROR_LIMIT:
        return "a limit of the simulator is reached";
    case NS_ERROR_ADDRESS:
        return "there is no target at this address";
    case NS_ERROR_PAGE_FAULT:
        return "page fault: no valid mapping for this access";
    case NS_ERROR_EXHAUSTED:
        return "the simulated pool or zone has nothing left that fits";
    case NS_ERROR_BUSY:
        return "the object is still in use";
    case NS_ERROR_MISUSE:
        return "the contract of the interface was broken";
    case NS_ERROR_TIMEOUT:
        return "nothing can end this wait";
    }
    return "unknown status";
}
