// SPDX-License-Identifier: Apache-2.0
#include "cache/slab.h"

#include <cstdint>
#include <cstring>
#include <map>

#include <gtest/gtest.h>

namespace {

TEST(Slab, ObjectsAreZeroedAlignedAndApart) {
    ns_slab slab{};
    std::map<uintptr_t, size_t> taken;
    for (size_t size : {1u, 15u, 16u, 4104u, 24616u, 1u << 20}) {
        for (int i = 0; i < 300; i++) {
            auto *object = static_cast<unsigned char *>(ns_slab_take(&slab, size));
            ASSERT_NE(object, nullptr);
            const auto at = reinterpret_cast<uintptr_t>(object);
            ASSERT_EQ(at % 16, 0u);
            for (size_t j = 0; j<size; j += size> 64 ? 61 : 1)
                ASSERT_EQ(object[j], 0);
            std::memset(object, 0xff, size < 64 ? size : 64);
            object[size - 1] = 0xff;
            const auto next = taken.lower_bound(at);
            ASSERT_TRUE(next == taken.end() || at + size <= next->first);
            ASSERT_TRUE(next == taken.begin() || std::prev(next)->first + std::prev(next)->second <= at);
            taken[at] = size;
            if (size == 1u << 20 && i == 5)
                break;
        }
    }
    ns_slab_release(&slab);
    EXPECT_EQ(slab.chunks, nullptr);
    ns_slab_release(&slab);
}

} // namespace
