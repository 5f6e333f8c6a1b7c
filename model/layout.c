/* SPDX-License-Identifier: Apache-2.0 */
#include "model/config.h"

/* The end of the first RAM region: objects are placed from its start, so that a scenario's first buffer lies at a round
 * address. */
void ns_machine_reserved(const struct ns_machine_config *config, uint64_t *first, uint64_t *length) {
    const struct ns_ram *ram = &config->ram[0];
    *length = ram->length >= (UINT64_C(16) << 20) ? UINT64_C(2) << 20 : UINT64_C(64) << 10;
    if (config->small_pages) { /* a table of 4 KiB for each 2 MiB, or part of them */
        uint64_t tables = 0;
        for (size_t i = 0; i < config->ram_count; i++)
            tables += config->ram[i].length / (UINT64_C(2) << 20) + 2;
        *length += (tables * NS_PAGE_SIZE + (UINT64_C(2) << 20) - 1) / (UINT64_C(2) << 20) * (UINT64_C(2) << 20);
    }
    if (config->attributes == NS_ATTRIBUTES_MPU)
        *length = 0;
    *first = ram->start + ram->length - *length;
}
