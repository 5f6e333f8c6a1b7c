/* SPDX-License-Identifier: Apache-2.0 */
/* Random sequences of gen_pool against one bool for each granule. */
#include "fake_port.h"
#include "pool/genalloc.h"

namespace {

constexpr uint64_t kGranule = 0x1000;
constexpr uint64_t kVirtual = 0xffff'ffc8'0000'0000;

struct PlainChunk {
    uint64_t start;
    std::vector<bool> taken;
    uint64_t avail;
};

enum class Fit { kFirst, kAlign, kOrder, kBest, kFixed };

/* Tries every position; -1 when none is right. */
int64_t plain_choice(const PlainChunk &chunk, Fit fit, uint64_t count, uint64_t value) {
    const auto size = static_cast<int64_t>(chunk.taken.size()), need = static_cast<int64_t>(count);
    uint64_t order = 1;
    while (order < count)
        order *= 2;
    int64_t best = -1, best_hole = 0;
    for (int64_t at = 0; at + need <= size; at++) {
        int64_t run = 0;
        while (at + run < size && !chunk.taken[static_cast<size_t>(at + run)])
            run++;
        const auto bit = static_cast<uint64_t>(at);
        const bool hole_start = at == 0 || chunk.taken[static_cast<size_t>(at - 1)];
        if (run < need || (fit == Fit::kOrder && bit % order != 0) || (fit == Fit::kFixed && bit != value) ||
            (fit == Fit::kAlign && (chunk.start + bit * kGranule) % value != 0) || (fit == Fit::kBest && !hole_start))
            continue;
        if (fit != Fit::kBest)
            return at;
        if (best < 0 || run < best_hole) {
            best = at;
            best_hole = run;
        }
    }
    return best;
}

TEST(GenAllocRandom, LongRandomSequencesAgreeWithAPlainModel) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    const ns_gen_pool_algorithm algorithms[] = {ns_gen_pool_first_fit, ns_gen_pool_first_fit_align,
                                                ns_gen_pool_first_fit_order_align, ns_gen_pool_best_fit,
                                                ns_gen_pool_fixed_alloc};
    for (int round = 0; round < 12; round++) {
        fake::Port port;
        {
            ns_gen_pool *pool = nullptr;
            ASSERT_EQ(ns_gen_pool_create(port.get(), 12, &pool), NS_POOL_OK);
            ns_gen_pool_set_strict(pool, true);
            std::vector<PlainChunk> chunks; /* newest first */
            std::map<uint64_t, uint64_t> live;
            uint64_t next = kVirtual;
            for (int step = 0; step < 3000; step++) {
                const uint64_t dice = random.below(100);
                if (chunks.empty() || (dice == 0 && chunks.size() < 4)) {
                    const uint64_t granules = 1 + random.below(150), tail = random.below(2) * 0x800;
                    next += (1 + random.below(5)) * kGranule;
                    if (random.below(3) == 0)
                        port.fail_metadata_at = 0;
                    const bool fails = port.fail_metadata_at == 0;
                    ASSERT_EQ(ns_gen_pool_add_virt(pool, next, next - kVirtual, granules * kGranule + tail),
                              fails ? NS_POOL_ERROR_METADATA : NS_POOL_OK);
                    if (!fails)
                        chunks.insert(chunks.begin(),
                                      {next, std::vector<bool>(granules, false), granules * kGranule + tail});
                    next += (granules + 1) * kGranule;
                } else if (dice < 60) {
                    const auto fit = static_cast<Fit>(random.below(5));
                    const uint64_t size = 1 + random.below(random.below(4) ? 6 * kGranule : 60 * kGranule);
                    const uint64_t count = (size + kGranule - 1) / kGranule;
                    const uint64_t value = fit == Fit::kAlign ? kGranule << random.below(5) : random.below(150);
                    const ns_gen_pool_data_align align = {value};
                    const ns_gen_pool_data_fixed fixed = {value * kGranule};
                    const void *data = fit == Fit::kAlign ? static_cast<const void *>(&align) : &fixed;
                    uint64_t expected = 0;
                    for (PlainChunk &chunk : chunks) {
                        const int64_t at = size <= chunk.avail ? plain_choice(chunk, fit, count, value) : -1;
                        if (at < 0)
                            continue;
                        for (uint64_t i = 0; i < count; i++)
                            chunk.taken[static_cast<size_t>(at) + i] = true;
                        chunk.avail -= count * kGranule;
                        expected = chunk.start + static_cast<uint64_t>(at) * kGranule;
                        break;
                    }
                    uint64_t physical = 0;
                    ASSERT_EQ(
                        ns_gen_pool_dma_alloc_algorithm(pool, size, &physical, algorithms[static_cast<int>(fit)], data),
                        expected)
                        << "step " << step << " fit " << static_cast<int>(fit) << " size " << size;
                    if (expected != 0) {
                        EXPECT_EQ(physical, expected - kVirtual);
                        auto above = live.lower_bound(expected);
                        ASSERT_TRUE(above == live.end() || expected + size <= above->first) << "two owners";
                        live[expected] = size;
                    }
                } else if (!live.empty()) {
                    auto block = live.begin();
                    std::advance(block, static_cast<long>(random.below(live.size())));
                    const auto [address, size] = *block;
                    ASSERT_EQ(ns_gen_pool_free(pool, address, size), NS_POOL_OK);
                    if (random.below(8) == 0) {
                        ASSERT_EQ(ns_gen_pool_free(pool, address, size), NS_POOL_ERROR_MISUSE);
                    }
                    for (PlainChunk &chunk : chunks) {
                        if (address < chunk.start || address >= chunk.start + chunk.taken.size() * kGranule)
                            continue;
                        const uint64_t count = (size + kGranule - 1) / kGranule;
                        for (uint64_t i = 0; i < count; i++)
                            chunk.taken[(address - chunk.start) / kGranule + i] = false;
                        chunk.avail += count * kGranule;
                    }
                    live.erase(block);
                }
                uint64_t avail = 0;
                for (const PlainChunk &chunk : chunks)
                    avail += chunk.avail;
                ASSERT_EQ(ns_gen_pool_avail(pool), avail);
            }
            for (const auto &[address, size] : live)
                ASSERT_EQ(ns_gen_pool_free(pool, address, size), NS_POOL_OK);
            EXPECT_EQ(ns_gen_pool_avail(pool), ns_gen_pool_size(pool));
            EXPECT_EQ(ns_gen_pool_destroy(pool), NS_POOL_OK);
        }
        EXPECT_EQ(port.metadata_blocks(), 0u);
    }
}

} // namespace
