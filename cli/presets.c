/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/presets.h"

#include "scenarios/scenario.h"

#include <stdlib.h>
#include <string.h>

static char *read_preset(void *context, const char *name) {
    (void)context;
    for (const struct ns_preset *preset = ns_presets; preset->name != NULL; ++preset) {
        if (strcmp(preset->name, name) == 0) {
            char *text = malloc(preset->length + 1);
            if (text != NULL) {
                memcpy(text, preset->text, preset->length);
                text[preset->length] = '\0';
            }
            return text;
        }
    }
    return NULL;
}

void ns_preset_source(struct ns_machine_source *source, const char *names[NS_PRESET_LIMIT + 1]) {
    size_t count = 0;
    while (count < NS_PRESET_LIMIT && ns_presets[count].name != NULL) {
        names[count] = ns_presets[count].name;
        ++count;
    }
    names[count] = NULL;
    *source = (struct ns_machine_source){.read = read_preset, .names = names};
}
