/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two diagnoses; see explain.c. */
#ifndef NS_MODEL_DIAGNOSE_H
#define NS_MODEL_DIAGNOSE_H

#include "model/tracker_internal.h"

/* Do two ranges share a byte? An empty one shares none. */
bool ranges_meet(uint64_t first, uint64_t length, uint64_t other, uint64_t other_length);
/* The mapping that was in force for the byte and the device, live or the latest dead one; NULL when there was none. */
const struct mapping *relevant_mapping(const struct ns_tracker *tracker, unsigned device, uint64_t address);
/* Was this access already found to have another memory type than its mapping was meant to have? */
bool had_wrong_type(const struct ns_tracker *tracker, uint32_t event);

/* The first bytes of a run, in hexadecimal. */
void hex(char *text, size_t size, const uint8_t *data, unsigned length);
/* What the bytes are and what they should be; sets `latent` when all have the right value by chance. */
void fill_samples(struct ns_tracker *tracker, struct ns_hazard *hazard, uint64_t first, uint32_t length,
                  const uint8_t *got);
/* An earlier event to show, kept in order of time; NS_NO_EVENT, a second time, or one too many adds nothing. */
void add_note(struct ns_hazard *hazard, uint32_t event, enum ns_note_role role);
/* Continues the hazard's sentence. */
void add_detail(struct ns_hazard *hazard, const char *text);

#endif
