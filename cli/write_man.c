/* SPDX-License-Identifier: Apache-2.0 */
/* Prints nosnoop(1); part of the build, not installed. */
#include "cli/man.h"
#include "cli/output.h"

int main(void) {
    struct ns_buffer page = {0};
    ns_man_page(NS_VERSION, &page);
    bool good = ns_output_write(&page) && ns_output_finish();
    ns_buffer_release(&page);
    return good ? 0 : 1;
}
