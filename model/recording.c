/* SPDX-License-Identifier: Apache-2.0 */
#include "model/recording.h"

#include <stdlib.h>
#include <string.h>

/* Room for `more` further elements; false without it. */
static bool reserve(struct ns_recording *recording, void **array, size_t *capacity, size_t count, size_t more,
                    size_t size, size_t limit) {
    if (more > limit - count)
        return false;
    if (count + more <= *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 256 : 2 * *capacity;
    while (wanted < count + more)
        wanted *= 2;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL) {
        recording->no_memory = true;
        return false;
    }
    *array = grown;
    *capacity = wanted;
    return true;
}

void ns_recording_add(struct ns_recording *recording, struct ns_recorded *entry, const uint8_t *data, uint64_t length) {
    entry->site = entry->kind == NS_RECORDED_CONDITION ? entry->site : recording->site;
    entry->step = recording->step;
    entry->data = 0;
    if (data == NULL)
        length = 0;
    if (recording->failed ||
        !reserve(recording, (void **)&recording->entry, &recording->capacity, recording->count, 1, sizeof *entry,
                 NS_RECORDING_LIMIT) ||
        !reserve(recording, (void **)&recording->data, &recording->data_capacity, recording->data_count, length, 1,
                 NS_RECORDING_DATA_LIMIT)) {
        recording->failed = true;
        return;
    }
    if (length > 0) {
        entry->data = (uint32_t)recording->data_count + 1;
        memcpy(recording->data + recording->data_count, data, length);
        recording->data_count += length;
    }
    recording->entry[recording->count++] = *entry;
}

void ns_recording_release(struct ns_recording *recording) {
    free(recording->entry);
    free(recording->data);
    *recording = (struct ns_recording){0};
}
