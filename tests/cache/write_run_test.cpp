// SPDX-License-Identifier: Apache-2.0
//
// The run of stores of a hart (cache/write_run.h), without a cache: which lines it says need no read. Lines of 64
// bytes.
#include "cache/write_run.h"

#include <gtest/gtest.h>

#include <vector>

namespace {

constexpr uint32_t line = 64;

class run {
  public:
    explicit run(uint32_t after) : after_(after) { ns_write_run_forget(&run_); }

    // A store that misses every line it touches; the lines that it has to read.
    std::vector<uint64_t> store(uint64_t address, uint64_t length) {
        std::vector<uint64_t> read;
        if (!ns_write_run_goes_on(&run_, address, length, true, line)) {
            read.push_back(run_.unread);
            ns_write_run_forget(&run_);
        }
        ns_write_run_begin(&run_, address);
        for (uint64_t at = address / line * line; at < address + length; at += line)
            if (!ns_write_run_streams(&run_, at, line, after_))
                read.push_back(at);
        ns_write_run_end(&run_, address, length, line);
        return read;
    }
    bool load_goes_on(uint64_t address, uint64_t length) const {
        return ns_write_run_goes_on(&run_, address, length, false, line);
    }
    uint64_t unread() const { return run_.unread; }

  private:
    ns_write_run run_;
    uint32_t after_;
};
using Lines = std::vector<uint64_t>;

TEST(WriteRun, NeedsNoLineBehindSoManyWholeOnes) {
    run r(3);
    for (uint64_t at = 0; at < 3 * line; at += line)
        EXPECT_EQ(r.store(at, line), Lines{at});
    for (uint64_t at = 3 * line; at < 10 * line; at += line)
        EXPECT_EQ(r.store(at, line), Lines{});
    EXPECT_EQ(r.unread(), NS_NO_ADDRESS);
}

TEST(WriteRun, OfOneStoreIsTheSame) {
    run r(2);
    EXPECT_EQ(r.store(0x1000, 5 * line), (Lines{0x1000, 0x1040}));
    EXPECT_EQ(r.unread(), NS_NO_ADDRESS);
}

TEST(WriteRun, CountsNoLineThatItCoversInPart) {
    run r(1);
    EXPECT_EQ(r.store(32, 32), Lines{0});
    EXPECT_EQ(r.store(64, 64), Lines{64}) << "the first whole one";
    EXPECT_EQ(r.store(128, 8), Lines{});
    EXPECT_EQ(r.unread(), 128u);
}

TEST(WriteRun, ForgetsAnUnreadLineWhenItIsCovered) {
    run r(1);
    r.store(0, 64);
    for (uint64_t at = 64; at < 128; at += 8) {
        EXPECT_EQ(r.store(at, 8), Lines(at == 64 ? 0 : 1, 64)) << "its copy is gone: it is read like any other";
        EXPECT_EQ(r.unread(), at == 64 ? 64u : NS_NO_ADDRESS);
    }
}

TEST(WriteRun, EndsAtAStoreElsewhere) {
    for (const uint64_t elsewhere : {uint64_t{136 + 8}, uint64_t{128}, uint64_t{0}, uint64_t{0x1000}}) {
        run r(2);
        r.store(0, 128);
        EXPECT_EQ(r.store(128, 8), Lines{});
        EXPECT_EQ(r.store(elsewhere, 8).front(), 128u) << "was not covered, and is read now";
        EXPECT_EQ(r.unread(), NS_NO_ADDRESS);
        EXPECT_EQ(r.store(elsewhere + 8, 8).size(), 1u) << "one line does not make a run";
    }
}

TEST(WriteRun, MindsLoadsOfItsUnreadLineAlone) {
    run r(1);
    r.store(0, 64);
    EXPECT_TRUE(r.load_goes_on(0, 4096));
    r.store(64, 8);
    EXPECT_TRUE(r.load_goes_on(0, 64));
    EXPECT_TRUE(r.load_goes_on(128, 64));
    EXPECT_FALSE(r.load_goes_on(63, 2));
    EXPECT_FALSE(r.load_goes_on(127, 1));
    EXPECT_FALSE(r.load_goes_on(0, 4096));
}

// The highest line of the physical address space.
TEST(WriteRun, ReachesTheLastLine) {
    const uint64_t last = (uint64_t{1} << 56) - line;
    run r(1);
    EXPECT_EQ(r.store(last - line, line), Lines{last - line});
    EXPECT_EQ(r.store(last, line), Lines{});
    EXPECT_EQ(r.unread(), NS_NO_ADDRESS);
}

} // namespace
