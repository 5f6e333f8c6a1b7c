/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's voice: decisions and kernel log lines for struct ns_port.say, where there is one. */
#ifndef NS_POOL_SAY_H
#define NS_POOL_SAY_H

#include "pool/port.h"

/* {x} and {d} in `text` stand for `first`, then `second`. */
static inline void ns_say(const struct ns_port *port, enum ns_port_voice voice, const char *function, const char *text,
                          uint64_t first, uint64_t second) {
    if (port->say)
        port->say(port->context, voice, function, text, first, second);
}

#endif
