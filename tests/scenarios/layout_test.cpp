/* SPDX-License-Identifier: Apache-2.0 */
/* A struct of the language lies in memory as the same struct of C does. */
#include "parsed.h"

#include <cstddef>
#include <gtest/gtest.h>

namespace {

struct Mixed {
    uint8_t a;
    uint16_t b;
    uint8_t c;
    uint32_t d;
    uint8_t e;
    uint64_t f;
    uint8_t g;
};
struct Arrays {
    uint32_t stats;
    uint8_t rx[33];
    uint16_t tail[3];
    uint64_t last;
};
struct Bytes {
    uint8_t a, b, c;
};
struct alignas(64) Aligned {
    uint32_t a;
    uint8_t b;
};
struct Padded {
    uint8_t a;
    uint8_t pad[5]; /* pad 5 */
    uint32_t b;
};

struct Row {
    const char *text;
    std::vector<size_t> offsets;
    size_t size;
};

TEST(Layout, IsThatOfC) {
    const Row rows[] = {
        {"struct s\nu8 a\nu16 b\nu8 c\nu32 d\nu8 e\nu64 f\nu8 g\n",
         {offsetof(Mixed, a), offsetof(Mixed, b), offsetof(Mixed, c), offsetof(Mixed, d), offsetof(Mixed, e),
          offsetof(Mixed, f), offsetof(Mixed, g)},
         sizeof(Mixed)},
        {"struct s\nu32 stats\nu8 rx[33]\nu16 tail[3]\nu64 last\nend\n",
         {offsetof(Arrays, stats), offsetof(Arrays, rx), offsetof(Arrays, tail), offsetof(Arrays, last)},
         sizeof(Arrays)},
        {"struct s\nu8 a\nu8 b\nu8 c\n", {offsetof(Bytes, a), offsetof(Bytes, b), offsetof(Bytes, c)}, sizeof(Bytes)},
        {"struct s align 64\nu32 a\nu8 b\n", {offsetof(Aligned, a), offsetof(Aligned, b)}, sizeof(Aligned)},
        {"struct s\nu8 a\npad 5\nu32 b\n", {offsetof(Padded, a), offsetof(Padded, b)}, sizeof(Padded)},
    };
    for (const Row &row : rows) {
        SCOPED_TRACE(row.text);
        Parsed parsed("use machine \"one-core-wb64\"\n" + std::string(row.text));
        ASSERT_EQ("", parsed.errors());
        const ns_object &object = parsed->objects[0];
        ASSERT_EQ(row.offsets.size(), object.field_count);
        for (size_t i = 0; i < row.offsets.size(); i++) {
            EXPECT_EQ(row.offsets[i], object.fields[i].offset) << object.fields[i].name;
        }
        EXPECT_EQ(row.size, object.stride);
        EXPECT_EQ(row.size, object.size);
    }
}

TEST(Layout, ElementsFollowEachOtherAsInAnArrayOfC) {
    Parsed parsed("use machine \"one-core-wb64\"\nstruct s count 5\nu8 a\nu16 b\nu8 c\nu32 d\nu8 e\nu64 f\nu8 g\nend\n"
                  "cpu0: load s[3].d\n");
    ASSERT_EQ("", parsed.errors());
    EXPECT_EQ(sizeof(Mixed[5]), parsed->objects[0].size);
    EXPECT_EQ(int64_t(3 * sizeof(Mixed) + offsetof(Mixed, d)), parsed->written[0].ref.offset);
    EXPECT_EQ(sizeof(uint32_t), parsed->written[0].ref.length);
    EXPECT_TRUE(parsed->objects[0].descriptor) << "an array of structs is a descriptor ring";
}

} // namespace
