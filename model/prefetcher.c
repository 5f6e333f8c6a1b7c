/* SPDX-License-Identifier: Apache-2.0 */
#include "model/prefetcher.h"

#include <assert.h>
#include <string.h>

void ns_stride_init(struct ns_stride_prefetcher *prefetcher, const struct ns_stride_config *config,
                    uint32_t line_size) {
    assert(config->streams <= NS_PREFETCH_MOST_STREAMS && config->ahead <= NS_PREFETCH_MOST_AHEAD);
    assert(line_size != 0 && line_size <= NS_PAGE_SIZE);
    memset(prefetcher, 0, sizeof *prefetcher);
    prefetcher->config = *config;
    prefetcher->line_size = line_size;
}

static uint64_t page_of(const struct ns_stride_prefetcher *prefetcher, uint64_t line) {
    return line / (NS_PAGE_SIZE / prefetcher->line_size);
}

static uint64_t distance(uint64_t a, uint64_t b) {
    return a > b ? a - b : b - a;
}

/* The stream of this page, within reach, that stopped nearest to the line; of two equally near ones the earlier entry.
 * NULL without one. */
static struct ns_stride_stream *stream_of(struct ns_stride_prefetcher *prefetcher, uint64_t line) {
    struct ns_stride_stream *nearest = NULL;
    for (unsigned i = 0; i < prefetcher->count; i++) {
        struct ns_stride_stream *stream = &prefetcher->stream[i];
        if (page_of(prefetcher, stream->line) != page_of(prefetcher, line) ||
            distance(stream->line, line) > prefetcher->config.reach)
            continue;
        if (nearest == NULL || distance(stream->line, line) < distance(nearest->line, line))
            nearest = stream;
    }
    return nearest;
}

static void begin_stream(struct ns_stride_prefetcher *prefetcher, uint64_t line) {
    unsigned index = prefetcher->count;
    if (prefetcher->count < prefetcher->config.streams) {
        prefetcher->count++;
    } else {
        index = prefetcher->oldest;
        prefetcher->oldest = (prefetcher->oldest + 1) % prefetcher->config.streams;
    }
    prefetcher->stream[index] = (struct ns_stride_stream){.line = line};
}

size_t ns_stride_load(struct ns_stride_prefetcher *prefetcher, uint64_t address, bool missed,
                      uint64_t fill[NS_PREFETCH_MOST_AHEAD]) {
    if (prefetcher->config.streams == 0)
        return 0;
    const uint64_t line = address / prefetcher->line_size;
    struct ns_stride_stream *stream = stream_of(prefetcher, line);
    if (stream == NULL) {
        if (missed)
            begin_stream(prefetcher, line);
        return 0;
    }
    if (stream->line == line)
        return 0; /* another word of the same line is no step */
    const int32_t stride = (int32_t)(int64_t)(line - stream->line);
    stream->steady = stream->stride == stride;
    stream->stride = stride;
    stream->line = line;
    size_t count = 0;
    for (unsigned step = 1; stream->steady && step <= prefetcher->config.ahead; step++) {
        const uint64_t next = line + (uint64_t)((int64_t)stride * step); /* may wrap below 0: then another page */
        if (page_of(prefetcher, next) != page_of(prefetcher, line))
            break;
        fill[count++] = next * prefetcher->line_size;
    }
    return count;
}
