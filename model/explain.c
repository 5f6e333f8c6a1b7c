/* SPDX-License-Identifier: Apache-2.0 */
/* What diagnose.c (stale) and diagnose_lost.c share: questions to the log and the mappings, and the filling-in of a
 * hazard. */
#include "model/diagnose.h"

#include <stdio.h>
#include <string.h>

bool ranges_meet(uint64_t first, uint64_t length, uint64_t other, uint64_t other_length) {
    return length != 0 && other_length != 0 && first < other + other_length && other < first + length;
}

/* The mapping that was in force for the byte and the device, live or the latest dead one; NULL when there was none. */
const struct mapping *relevant_mapping(const struct ns_tracker *tracker, unsigned device, uint64_t address) {
    const struct mapping *found = NULL;
    for (size_t i = 0; i < tracker->mapping_count; i++) {
        const struct mapping *mapping = &tracker->mapping[i];
        if (mapping->device == device && range_holds(mapping->first, mapping->length, address) &&
            (found == NULL || mapping->map_event > found->map_event))
            found = mapping;
    }
    return found;
}

/* Was this access already found to have another memory type than its mapping was meant to have? */
bool had_wrong_type(const struct ns_tracker *tracker, uint32_t event) {
    for (size_t i = 0; i < tracker->log->hazard_count && event != NS_NO_EVENT; i++)
        if (tracker->log->hazard[i].id == NS_AT_WRONG_TYPE &&
            tracker->log->hazard[i].site == event_at(tracker, event)->site)
            return true;
    return false;
}

void hex(char *text, size_t size, const uint8_t *data, unsigned length) {
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < length && i < 4 && used + 4 < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%02x", i == 0 ? "" : " ", data[i]);
    if (length > 4)
        snprintf(text + used, size - used, " ..");
}

void fill_samples(struct ns_tracker *tracker, struct ns_hazard *hazard, uint64_t first, uint32_t length,
                  const uint8_t *got) {
    hazard->sample_length = (uint8_t)(length > 8 ? 8 : length);
    hazard->latent = true;
    for (uint32_t i = 0; i < length; i++) {
        const struct ghost_page *page = ghost_at(tracker, first + i);
        const uint8_t newest = page == NULL ? 0 : page->value[(first + i) % NS_PAGE_SIZE];
        if (i < hazard->sample_length) {
            hazard->got[i] = got[i];
            hazard->newest[i] = newest;
        }
        if (newest != got[i])
            hazard->latent = false;
    }
}

void add_note(struct ns_hazard *hazard, uint32_t event, enum ns_note_role role) {
    if (event == NS_NO_EVENT || hazard->note_count == NS_HAZARD_NOTES)
        return;
    uint32_t at = 0;
    while (at < hazard->note_count && hazard->note[at].event < event)
        at++;
    if (at < hazard->note_count && hazard->note[at].event == event)
        return;
    memmove(&hazard->note[at + 1], &hazard->note[at], (hazard->note_count - at) * sizeof hazard->note[0]);
    hazard->note[at] = (struct ns_note){.event = event, .role = role};
    hazard->note_count++;
}

void add_detail(struct ns_hazard *hazard, const char *text) {
    const size_t used = strlen(hazard->detail);
    snprintf(hazard->detail + used, sizeof hazard->detail - used, "%s", text);
}
