/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_named.h"

#include "cli/input.h"
#include "cli/output.h"
#include "cli/presets.h"
#include "scenarios/names.h"

#include <string.h>

#define DEFAULT_MACHINE "one-core-wb64"

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), least = strlen(end);
    return length >= least && strcmp(text + length - least, end) == 0;
}

static enum ns_exit no_machine(const char *name) {
    struct ns_nearest nearest;
    ns_nearest_start(&nearest, name, strlen(name));
    for (const struct ns_preset *preset = ns_presets; preset->name != NULL; ++preset)
        ns_nearest_offer(&nearest, preset->name, strlen(preset->name));
    if (nearest.best != NULL)
        ns_error("no machine is called `%s`; did you mean `%.*s`?", name, (int)nearest.best_length, nearest.best);
    else
        ns_error("no machine is called `%s`; `nosnoop init --list` lists them", name);
    return NS_EXIT_BAD_INPUT;
}

enum ns_exit ns_replay_machine(const char *name, struct ns_machine_config *machine) {
    if (name == NULL)
        name = DEFAULT_MACHINE;
    struct ns_input input = {0};
    enum ns_exit result;
    if (ends_with(name, ".dma")) {
        result = ns_input_read(name, &input);
    } else {
        const struct ns_preset *preset = ns_presets;
        while (preset->name != NULL && strcmp(preset->name, name) != 0)
            preset++;
        if (preset->name == NULL)
            return no_machine(name);
        result = ns_input_parse(name, (const char *)preset->text, preset->length, &input);
    }
    if (result == NS_EXIT_HELD && input.diagnostics.count > 0) {
        ns_input_complain(&input);
        result = NS_EXIT_BAD_INPUT;
    } else if (result == NS_EXIT_HELD) {
        *machine = input.scenario->machine;
    }
    ns_input_release(&input);
    return result;
}
