/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's port on the simulated machine: its loads, stores, maintenance and mappings are those of a hart. */
#ifndef NS_MODEL_POOL_PORT_H
#define NS_MODEL_POOL_PORT_H

#include "model/nosnoop.h"
#include "pool/port.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ns_machine_port {
    struct ns_port port; /* what the pool gets; port.context points to this struct */
    struct ns_machine *machine;
    unsigned hart;                /* which hart runs the pool just now; set before each call */
    uint32_t event;               /* the API call's event, for reports of misuse; set before each call */
    struct ns_log *log;           /* where it is written down what is said; NULL: nowhere */
    uint32_t site;                /* the step, for what is said; NS_NO_SITE while the kernel boots */
    enum ns_status status;        /* the first access that failed since it was last cleared */
    struct ns_port_block *blocks; /* book-keeping memory that the pools hold */
};

/* Fills *port. It must not move afterwards, and must outlive every pool made on it. */
void ns_machine_port_init(struct ns_machine_port *port, struct ns_machine *machine);
/* Frees all book-keeping memory: every pool made on this port is gone, busy or not. */
void ns_machine_port_release(struct ns_machine_port *port);

#ifdef __cplusplus
}
#endif
#endif
