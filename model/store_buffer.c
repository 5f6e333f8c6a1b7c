/* SPDX-License-Identifier: Apache-2.0 */
#include "model/store_buffer.h"

#include <assert.h>
#include <string.h>

void ns_store_buffer_init(struct ns_store_buffer *buffer, unsigned capacity) {
    buffer->capacity = capacity > NS_STORE_BUFFER_LIMIT ? NS_STORE_BUFFER_LIMIT : capacity;
    buffer->count = 0;
}

void ns_store_buffer_push(struct ns_store_buffer *buffer, const struct ns_store_entry *entry) {
    assert(!ns_store_buffer_full(buffer));
    assert(entry->length >= 1 && entry->length <= NS_STORE_ENTRY_BYTES);
    buffer->entry[buffer->count++] = *entry;
}

void ns_store_buffer_take(struct ns_store_buffer *buffer, unsigned index, unsigned count) {
    assert(index < buffer->count && count <= buffer->count - index);
    buffer->count -= count;
    memmove(&buffer->entry[index], &buffer->entry[index + count], (buffer->count - index) * sizeof buffer->entry[0]);
}

int ns_store_buffer_find(const struct ns_store_buffer *buffer, uint64_t address, uint64_t length) {
    for (unsigned i = 0; i < buffer->count; i++) {
        const struct ns_store_entry *entry = &buffer->entry[i];
        const bool starts_before_end = entry->address < address || entry->address - address < length;
        const bool ends_after_start = address < entry->address || address - entry->address < entry->length;
        if (starts_before_end && ends_after_start)
            return (int)i;
    }
    return -1;
}

unsigned ns_store_buffer_gathered(const struct ns_store_buffer *buffer, unsigned index) {
    const uint64_t burst = 64;
    unsigned count = 1;
    assert(index < buffer->count);
    for (; index + count < buffer->count; count++) {
        const struct ns_store_entry *before = &buffer->entry[index + count - 1], *next = &buffer->entry[index + count];
        if (next->event != before->event || next->address != before->address + before->length ||
            next->address % burst == 0)
            break;
    }
    return count;
}

const struct ns_store_entry *ns_store_buffer_newest(const struct ns_store_buffer *buffer, uint64_t address) {
    for (unsigned i = buffer->count; i-- > 0;) {
        const struct ns_store_entry *entry = &buffer->entry[i];
        if (address >= entry->address && address - entry->address < entry->length)
            return entry;
    }
    return NULL;
}
