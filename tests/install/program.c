/* SPDX-License-Identifier: Apache-2.0 */
/* A small program of a user: a hart stores a byte and loads it again, in simulated time. */
#include <model/nosnoop.h>

#include <stdio.h>

static void driver(struct ns_machine *machine, unsigned actor, void *context) {
    const uint64_t address = 0x80000000; /* RAM of the default machine */
    const uint8_t byte = 0x5A;
    uint8_t *loaded = context;
    if (ns_hart_store(machine, actor, address, 1, &byte) != NS_OK ||
        ns_hart_load(machine, actor, address, 1, loaded, NULL, 0) != NS_OK) {
        *loaded = 0;
    }
}

int main(void) {
    char reason[200] = "";
    uint8_t loaded = 0;
    struct ns_machine_config config;
    ns_machine_config_default(&config);
    struct ns_log *log = ns_log_create();
    struct ns_machine *machine = ns_machine_create(&config, NULL, 0, log, reason, sizeof reason);
    if (machine == NULL) {
        fprintf(stderr, "no machine: %s\n", reason);
        return 1;
    }
    ns_machine_set_program(machine, 0, driver, &loaded);
    enum ns_status status = ns_machine_run(machine);
    printf("%s 0x%02X %s\n", ns_status_text(status), loaded, ns_machine_now_ps(machine) > 0 ? "later" : "at once");
    ns_machine_destroy(machine);
    ns_log_destroy(log);
    return status == NS_OK && loaded == 0x5A ? 0 : 1;
}
