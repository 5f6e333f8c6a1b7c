/* SPDX-License-Identifier: Apache-2.0 */
/* The machine presets of scenarios/machines/, as they were when the command was built. */
#ifndef NS_CLI_PRESETS_H
#define NS_CLI_PRESETS_H

#include <stddef.h>

struct ns_preset {
    const char *name; /* without .dma */
    const unsigned char *text;
    size_t length;
};

/* Sorted by name; ends with a NULL name. */
extern const struct ns_preset ns_presets[];
/* The same for scenarios/starters/, which `init` writes. */
extern const struct ns_preset ns_starters[];

struct ns_machine_source;

#define NS_PRESET_LIMIT 255
/* `names` has room for NS_PRESET_LIMIT names and a NULL, and must live as long as the source. */
void ns_preset_source(struct ns_machine_source *source, const char *names[NS_PRESET_LIMIT + 1]);

#endif
