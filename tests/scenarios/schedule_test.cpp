// SPDX-License-Identifier: Apache-2.0
// The word behind `--schedule`: every item of it is read, printed back the same, and refused with a reason where wrong.
#include "parsed.h"

extern "C" {
#include "scenarios/schedule.h"
}

#include <gtest/gtest.h>

namespace {

const char *const program = "use machine \"one-core-wb64\"\ndevice nic\nbuffer a size 64\ncpu0: store a fill 1\n"
                            "cpu0: clean a\nnic: read a\n";

// The text that comes back; "" and the message where it is refused.
std::string round_trip(const std::string &text, std::string *refusal) {
    const Parsed parsed(program);
    EXPECT_NE(parsed.get(), nullptr);
    ns_schedule_item *items = nullptr;
    size_t count = 0;
    char message[256] = "";
    const ns_status status = ns_schedule_parse(text.c_str(), parsed.get(), &items, &count, message, sizeof message);
    *refusal = message;
    if (status != NS_OK)
        return "";
    char *again = ns_schedule_text(items, count, parsed.get());
    const std::string result = again == nullptr ? "" : again;
    std::free(again);
    std::free(items);
    return result;
}

} // namespace

TEST(Schedule, ReadsEveryKindOfItemAndPrintsTheSame) {
    for (const char *text : {"4,5,6",
                             "fill:cpu0:0x8000_0000,4",
                             "4,evict:cpu0:0x8000_0040@2,5",
                             "evict-l1:cpu0:0x8000_0000,4",
                             "sample:cpu0:0x8000_0000,install:cpu0:0x8000_0000,4",
                             "dirty:cpu0:0x8000_0000,4",
                             "4,drain:cpu0,5",
                             "4,drain:cpu0:0x8000_0000,5",
                             "drain:nic,4",
                             "look:cpu0:0x8000_0000,4", "look:nic:0x8000_0000,4",
                             "walk:cpu0:0x8000_0000,4",
                             "forget:cpu0:0x8000_0000,4",
                             "recall:cpu0:0x8000_0000,4",
                             "hold:cpu0:0x8000_0000,4,release:cpu0:0x8000_0000,5",
                             "late,4,5",
                             "no-prefetcher,4,5",
                             "no-timers,4,5",
                             "as-flush,4",
                             "4,as-flush@1,5",
                             "4@2,5,4",
                             "4@0x8000_0040,5,4@0x8000_0080,6,4",
                             "4@2:0x8000_0040,5,4",
                             "4@+0x8000_0040,5,4",
                             "4@2:+0x8000_0040,5,4"}) {
        std::string refusal;
        EXPECT_EQ(round_trip(text, &refusal), text) << refusal;
    }
}

TEST(Schedule, ReadsAddressesInEveryNotation) {
    std::string refusal;
    EXPECT_EQ(round_trip("fill:cpu0:0x80000000,4", &refusal), "fill:cpu0:0x8000_0000,4");
    EXPECT_EQ(round_trip("4,evict:cpu0:0x80000000@0,5", &refusal), "4,evict:cpu0:0x8000_0000,5");
}

TEST(Schedule, RefusesWhatIsNoItemWithASentence) {
    for (const char *text : {"",
                             ",",
                             "4,,5",
                             "x",
                             "4x",
                             "-4",
                             "99999999999999999999",
                             "fill",
                             "fill:",
                             "fill:cpu0",
                             "fill:cpu0:",
                             "fill:cpu0:x",
                             "fill:cpu1:0x8000_0000",
                             "fill:nic:0x8000_0000",
                             "fill:cpu0:0x8000_0000@",
                             "fill:cpu0:0x8000_0000@x",
                             "4@0",
                             "4@0:0x8000_0000",
                             "4@+",
                             "4@+2",
                             "4@2:",
                             "4@0x8000_0000:2:3",
                             "4@",
                             "4@x",
                             "4@0x",
                             "4@65536",
                             "drain",
                             "drain:dsp",
                             "fill:cpu0:0x1_0000_0000_0000_0000",
                             "jump:cpu0:0x8000_0000",
                             "4 ,5"}) {
        std::string refusal;
        EXPECT_EQ(round_trip(text, &refusal), "") << text;
        EXPECT_NE(refusal, "") << text;
    }
}

TEST(Schedule, HasALimit) {
    std::string text = "4", refusal;
    for (unsigned i = 0; i < NS_SCHEDULE_LIMIT; i++)
        text += ",drain:cpu0";
    EXPECT_EQ(round_trip(text, &refusal), "");
    EXPECT_NE(refusal, "");
}
