/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop for usual levels (LRU or FIFO, up to 16 ways, write-back, write-allocate) on hosts with AVX2. A row is one
 * or two vectors of 32-bit entries, newest first: one comparison finds a line in eight ways, and a hit at position p is
 * one permutation, so that no branch depends on the position, which the host could not predict. A miss is a branch.
 */
#include "replay/level_internal.h"

#ifdef NS_LEVEL_HAS_AVX2

#include <immintrin.h>

#define AVX2   __attribute__((target("avx2,bmi,bmi2")))
#define INLINE inline __attribute__((always_inline)) AVX2

bool level_avx2_suits(const struct ns_level *level) {
    return level->in_order && level->ways <= 16 && !level->config.write_through && !level->config.no_write_allocate &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

/* Row 1 << p: entries 0 to p - 1 move one place back, entry p comes to the front. Reached by the mask that the
 * comparison gives, without a count of its zeros on the way: the time from one access of a set to the next is what
 * bounds the loop. */
static const uint32_t rotation[129][8] __attribute__((aligned(32))) = {
    [1] = {0, 1, 2, 3, 4, 5, 6, 7},  [2] = {1, 0, 2, 3, 4, 5, 6, 7},   [4] = {2, 0, 1, 3, 4, 5, 6, 7},
    [8] = {3, 0, 1, 2, 4, 5, 6, 7},  [16] = {4, 0, 1, 2, 3, 5, 6, 7},  [32] = {5, 0, 1, 2, 3, 4, 6, 7},
    [64] = {6, 0, 1, 2, 3, 4, 5, 7}, [128] = {7, 0, 1, 2, 3, 4, 5, 6},
};

/* What the loop keeps in registers as far as they go. */
struct loop {
    uint32_t *rows;
    uint64_t set_mask;
    uint32_t line_shift, set_bits, last_way;
    uint64_t *address; /* of what goes below */
    uint16_t *what;
    size_t below;
    uint64_t misses, write_misses, writebacks, whole_lines;
    __m256i miss; /* rows of eight: the rotation that a miss does */
};

/* A row of eight or, with `high`, of sixteen entries. */
struct row {
    __m256i low, high;
};

static INLINE uint32_t search(const struct row *row, uint32_t tag, bool wide) {
    const __m256i one = _mm256_set1_epi32(1), key = _mm256_set1_epi32((int)(tag << 1 | 1));
    uint32_t found =
        (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_or_si256(row->low, one), key)));
    if (wide)
        found |=
            (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_or_si256(row->high, one), key)))
            << 8;
    return found;
}

/* The entry that `found` (one bit) names comes to the front with the bits of `more` added to it; those before it move
 * one place back, the others stay. */
static INLINE void rotate8(__m256i row, uint32_t *at, uint32_t found, uint32_t more) {
    __m256i next = _mm256_permutevar8x32_epi32(row, _mm256_load_si256((const __m256i *)rotation[found]));
    next = _mm256_or_si256(next, _mm256_castsi128_si256(_mm_cvtsi32_si128((int)more)));
    _mm256_store_si256((__m256i *)at, next);
}

/* The same of sixteen entries; `entry` is what comes to the front. */
static INLINE void rotate16(const struct row *row, uint32_t *at, uint32_t position, uint32_t entry) {
    const __m256i front = _mm256_castsi128_si256(_mm_cvtsi32_si128((int)entry));
    const __m256i back = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6), place = _mm256_set1_epi32((int)position);
    const __m256i stay_low = _mm256_cmpgt_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), place);
    const __m256i stay_high = _mm256_cmpgt_epi32(_mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15), place);
    __m256i low = _mm256_permutevar8x32_epi32(row->low, back); /* its last entry is the first of the high half */
    __m256i high = _mm256_blend_epi32(_mm256_permutevar8x32_epi32(row->high, back), low, 1);
    low = _mm256_blendv_epi8(_mm256_blend_epi32(low, front, 1), row->low, stay_low);
    _mm256_store_si256((__m256i *)at, low);
    _mm256_store_si256((__m256i *)(at + 8), _mm256_blendv_epi8(high, row->high, stay_high));
}

/* One reference within a line. `write` and `whole` are 0 or 1. */
static INLINE void refer(struct loop *loop, uint64_t line, uint32_t write, uint32_t whole, bool wide, bool fifo,
                         bool emit) {
    uint32_t set = (uint32_t)(line & loop->set_mask), tag = (uint32_t)(line >> loop->set_bits);
    uint32_t *at = loop->rows + (size_t)set * (wide ? 16 : 8);
    struct row row = {.low = _mm256_load_si256((const __m256i *)at)};
    if (wide)
        row.high = _mm256_load_si256((const __m256i *)(at + 8));
    uint32_t found = search(&row, tag, wide);
    if (__builtin_expect(found != 0, 1)) {
        if (fifo) {
            at[_tzcnt_u32(found)] |= write;
        } else if (wide) {
            uint32_t position = _tzcnt_u32(found);
            rotate16(&row, at, position, at[position] | write);
        } else {
            rotate8(row.low, at, found, write);
        }
        return;
    }
    uint32_t victim = at[loop->last_way], dirty = victim & 1; /* an empty entry is not dirty */
    if (wide) {
        rotate16(&row, at, loop->last_way, tag << 1 | write);
    } else {
        __m256i next = _mm256_permutevar8x32_epi32(row.low, loop->miss);
        next = _mm256_blend_epi32(next, _mm256_castsi128_si256(_mm_cvtsi32_si128((int)(tag << 1 | write))), 1);
        _mm256_store_si256((__m256i *)at, next);
    }
    loop->misses++;
    loop->write_misses += write;
    loop->whole_lines += whole;
    loop->writebacks += dirty;
    if (emit) { /* always written, for which there is room; kept by moving on */
        uint32_t size = UINT32_C(1) << loop->line_shift;
        loop->address[loop->below] = line << loop->line_shift;
        loop->what[loop->below] = ns_access_what(NS_ACCESS_READ, size);
        loop->below += !whole;
        loop->address[loop->below] = ((uint64_t)(victim >> 1) << loop->set_bits | set) << loop->line_shift;
        loop->what[loop->below] = ns_access_what(NS_ACCESS_WRITE, size);
        loop->below += dirty;
    }
}

static INLINE size_t run(struct ns_level *level, const struct ns_accesses *accesses, size_t first,
                         struct ns_accesses *below, size_t capacity, bool wide, bool fifo, bool emit) {
    struct loop loop = {
        .rows = level->narrow,
        .set_mask = level->set_mask,
        .line_shift = level->line_shift,
        .set_bits = level->set_bits,
        .last_way = level->ways - 1,
        .address = emit ? below->address : NULL,
        .what = emit ? below->what : NULL,
        .below = emit ? below->count : 0,
        .miss = wide ? _mm256_setzero_si256()
                     : _mm256_load_si256((const __m256i *)rotation[UINT32_C(1) << (level->ways - 1)]),
    };
    const uint64_t *address = accesses->address;
    const uint16_t *what = accesses->what;
    const size_t count = accesses->count, limit = emit ? capacity - NS_LEVEL_ROOM : 0;
    const uint32_t size_of_line = UINT32_C(1) << level->line_shift;
    uint64_t split = 0, split_writes = 0;
    size_t i = first;
    while (i < count && (!emit || loop.below <= limit)) {
        /* Accesses within a line. Each may send two on. */
        size_t end = emit && (limit - loop.below) / 2 < count - i ? i + (limit - loop.below) / 2 + 1 : count;
        for (; i < end; i++) {
            uint32_t offset = (uint32_t)address[i] & (size_of_line - 1), size = ns_access_size_of(what[i]);
            uint32_t write = what[i] & 1u;
            if (__builtin_expect(offset + size > size_of_line, 0))
                break;
            refer(&loop, address[i] >> loop.line_shift, write, write & (size == size_of_line), wide, fifo, emit);
        }
        if (i == end)
            continue;
        /* One that crosses into others. */
        uint64_t line = address[i] >> loop.line_shift;
        uint32_t offset = (uint32_t)address[i] & (size_of_line - 1), left = ns_access_size_of(what[i]);
        uint32_t write = what[i] & 1u;
        while (left > 0) {
            uint32_t room = size_of_line - offset, piece = left < room ? left : room;
            refer(&loop, line, write, write & (piece == size_of_line), wide, fifo, emit);
            line++;
            offset = 0;
            left -= piece;
            split += left > 0;
            split_writes += write & (left > 0);
        }
        i++;
    }
    uint64_t writes = split_writes;
    for (size_t j = first; j < i; j++)
        writes += what[j] & 1u;
    struct ns_level_counts *counts = &level->counts;
    counts->reads += i - first + split - writes;
    counts->writes += writes;
    counts->read_misses += loop.misses - loop.write_misses;
    counts->write_misses += loop.write_misses;
    counts->fills += loop.misses;
    counts->writebacks += loop.writebacks;
    counts->split += split;
    counts->bytes_read += (loop.misses - loop.whole_lines) * size_of_line;
    counts->bytes_written += loop.writebacks * size_of_line;
    if (emit)
        below->count = loop.below;
    return i;
}

/* One loop for each combination, so that none is decided for each access. */
#define RUN(name, wide, fifo, emit)                                                                                    \
    static AVX2 __attribute__((noinline)) size_t name(struct ns_level *level, const struct ns_accesses *accesses,      \
                                                      size_t first, struct ns_accesses *below, size_t capacity) {      \
        return run(level, accesses, first, below, capacity, wide, fifo, emit);                                         \
    }
RUN(lru8, false, false, true)
RUN(lru8_last, false, false, false)
RUN(fifo8, false, true, true)
RUN(fifo8_last, false, true, false)
RUN(lru16, true, false, true)
RUN(lru16_last, true, false, false)
RUN(fifo16, true, true, true)
RUN(fifo16_last, true, true, false)

size_t level_avx2_run(struct ns_level *level, const struct ns_accesses *accesses, size_t first,
                      struct ns_accesses *below, size_t capacity) {
    typedef size_t (*run_loop)(struct ns_level *, const struct ns_accesses *, size_t, struct ns_accesses *, size_t);
    static const run_loop loops[2][2][2] = {{{lru8_last, lru8}, {fifo8_last, fifo8}},
                                            {{lru16_last, lru16}, {fifo16_last, fifo16}}};
    assert(!below || capacity > NS_LEVEL_ROOM);
    bool fifo = level->config.replacement == NS_REPLACE_FIFO;
    return loops[level->stride == 16][fifo][below != NULL](level, accesses, first, below, capacity);
}

#endif
