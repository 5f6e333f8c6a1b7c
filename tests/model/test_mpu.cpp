// SPDX-License-Identifier: Apache-2.0
// Memory types as Armv7-M gives them: the expected values are the table of Arm DUI 0646C, 2.2.3, and the rules of Arm
// DDI 0403, B3.5.
#include "model/mpu.h"

#include <gtest/gtest.h>
#include <vector>

namespace {

constexpr int fault = -1;

int type_of(const std::vector<ns_pma_region> &regions, bool background, uint64_t address) {
    ns_memory_type type = NS_TYPE_NC;
    return ns_mpu_type(regions.data(), regions.size(), background, address, &type) ? static_cast<int>(type) : fault;
}

TEST(Mpu, TheDefaultMapIsThatOfTheManual) {
    const struct {
        uint64_t first, last;
        ns_memory_type type;
    } rows[] = {
        {0x00000000, 0x1FFFFFFF, NS_TYPE_CACHEABLE}, // Code
        {0x20000000, 0x3FFFFFFF, NS_TYPE_CACHEABLE}, // SRAM
        {0x40000000, 0x5FFFFFFF, NS_TYPE_IO},        // Peripheral
        {0x60000000, 0x9FFFFFFF, NS_TYPE_CACHEABLE}, // RAM, twice
        {0xA0000000, 0xDFFFFFFF, NS_TYPE_IO},        // Device, twice
        {0xE0000000, 0xFFFFFFFF, NS_TYPE_IO},        // private peripheral bus and vendor
    };
    for (const auto &row : rows) {
        EXPECT_EQ(type_of({}, true, row.first), row.type) << std::hex << row.first;
        EXPECT_EQ(type_of({}, true, row.last), row.type) << std::hex << row.last;
    }
}

TEST(Mpu, ThereIsNothingAboveFourGiB) {
    EXPECT_EQ(type_of({}, true, UINT64_C(1) << 32), fault);
    EXPECT_EQ(type_of({}, true, UINT64_MAX), fault);
}

TEST(Mpu, ARegionCountsBeforeTheDefaultMap) {
    const std::vector<ns_pma_region> regions = {{0x20010000, 0x1000, NS_TYPE_NC}};
    EXPECT_EQ(type_of(regions, true, 0x2000FFFF), NS_TYPE_CACHEABLE);
    EXPECT_EQ(type_of(regions, true, 0x20010000), NS_TYPE_NC);
    EXPECT_EQ(type_of(regions, true, 0x20010FFF), NS_TYPE_NC);
    EXPECT_EQ(type_of(regions, true, 0x20011000), NS_TYPE_CACHEABLE);
}

TEST(Mpu, OfOverlappingRegionsTheHighestNumberCounts) {
    std::vector<ns_pma_region> regions = {{0x20000000, 0x100000, NS_TYPE_NC}, {0x20001000, 0x1000, NS_TYPE_CACHEABLE}};
    EXPECT_EQ(type_of(regions, true, 0x20001000), NS_TYPE_CACHEABLE);
    EXPECT_EQ(type_of(regions, true, 0x20002000), NS_TYPE_NC);
    std::swap(regions[0], regions[1]);
    EXPECT_EQ(type_of(regions, true, 0x20001000), NS_TYPE_NC);
}

TEST(Mpu, WithoutTheBackgroundWhatNoRegionCoversFaults) {
    const std::vector<ns_pma_region> regions = {{0x20000000, 0x1000, NS_TYPE_CACHEABLE}};
    EXPECT_EQ(type_of(regions, false, 0x20000FFF), NS_TYPE_CACHEABLE);
    EXPECT_EQ(type_of(regions, false, 0x20001000), fault);
    EXPECT_EQ(type_of({}, false, 0x20000000), fault);
}

TEST(Mpu, ARegionIsAPowerOfTwoAtAMultipleOfItsSize) {
    EXPECT_TRUE(ns_mpu_is_region(0x20000000, 0x1000));
    EXPECT_TRUE(ns_mpu_is_region(0, UINT64_C(1) << 32));
    EXPECT_FALSE(ns_mpu_is_region(0x20001000, 0x2000)); // not at a multiple
    EXPECT_FALSE(ns_mpu_is_region(0x20000000, 0x3000)); // no power of two
    EXPECT_FALSE(ns_mpu_is_region(0x20000000, 32));     // the architecture has it, this model has not
    EXPECT_FALSE(ns_mpu_is_region(0x20000000, 0));
    EXPECT_FALSE(ns_mpu_is_region(UINT64_C(1) << 32, 0x1000));
}

} // namespace
