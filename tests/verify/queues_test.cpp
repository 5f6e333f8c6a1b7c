// SPDX-License-Identifier: Apache-2.0
//
// What a full store buffer, or a full queue of posted writes, must let go: known although lines are searched one by
// one.
#include "support.h"

namespace {

std::string on_machine(const std::string &lines, const std::string &steps) {
    return "machine \"m\" from \"one-core-wb64\"\n" + lines + "end\nuse machine \"m\"\ndevice nic irq done\n" + steps;
}

// The verdict; every counterexample must be shown by the timed machine.
ns_verify_verdict verdict_of(const std::string &text) {
    SCOPED_TRACE(text);
    const parsed_scenario scenario(text);
    if (!scenario.good())
        return NS_VERIFY_INCOMPLETE;
    const verified found(scenario.get());
    EXPECT_EQ(found.result.unreplayed, 0u);
    return found.result.verdict;
}

std::string stored_and_read(const std::string &stores, const std::string &read) {
    return "buffer b size 256 align 64 type nc\nbuffer c size 256 align 64 type nc\n" + stores +
           "cpu0: doorbell nic\nnic: start\nnic: read " + read + "\n";
}

std::string written_and_loaded(const std::string &writes, const std::string &load) {
    return "buffer b size 256 align 64 type nc\nbuffer c size 256 align 64 type nc\ncpu0: doorbell nic\nnic: start\n" +
           writes + "nic: raise done\ncpu0: wait done\ncpu0: load " + load + "\n";
}

} // namespace

// Four entries of 8 bytes; the parts of one store leave together within 64 bytes (model/store_buffer.h).
TEST(FullStoreBuffer, KeepsTheEndOfALongStoreAndNothingElse) {
    const std::string small = "  store-buffer 4 entries lazy\n  may nothing\n", store = "cpu0: store b[0..64] fill 9\n";
    EXPECT_EQ(verdict_of(on_machine(small, stored_and_read(store, "b[0..8]"))), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine(small, stored_and_read(store, "b[24..32]"))), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine(small, stored_and_read(store, "b[32..40]"))), NS_VERIFY_REFUTED);
    EXPECT_EQ(verdict_of(on_machine(small, stored_and_read(store, "b[56..64]"))), NS_VERIFY_REFUTED);
    // eight entries hold all of it
    EXPECT_EQ(
        verdict_of(on_machine("  store-buffer 8 entries lazy\n  may nothing\n", stored_and_read(store, "b[0..8]"))),
        NS_VERIFY_REFUTED);
}

TEST(FullStoreBuffer, LetsEntriesOfOneLineGoForStoresToAnother) {
    const std::string two = "  store-buffer 2 entries lazy\n  may nothing\n", first = "cpu0: store b[0..8] fill 1\n",
                      second = "cpu0: store c[0..8] fill 2\n", third = "cpu0: store c[64..72] fill 3\n";
    EXPECT_EQ(verdict_of(on_machine(two, stored_and_read(first + second, "b[0..8]"))), NS_VERIFY_REFUTED);
    EXPECT_EQ(verdict_of(on_machine(two, stored_and_read(first + second + third, "b[0..8]"))), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine(two, stored_and_read(first + second + third, "c[0..8]"))), NS_VERIFY_REFUTED);
    // a load takes its own bytes out of the buffer: there is room for the third
    EXPECT_EQ(verdict_of(on_machine(two, stored_and_read(first + second + "cpu0: load c[0..8]\n" + third, "b[0..8]"))),
              NS_VERIFY_REFUTED);
}

// Any entry may be the one that stays, as the others can leave by themselves; but not where there is one entry only.
TEST(FullStoreBuffer, MayKeepAnyEntryWhereTheyLeaveByThemselves) {
    const std::string store = "cpu0: store b[0..64] fill 9\n";
    const std::string steps = stored_and_read(store, "b[0..8]");
    EXPECT_EQ(verdict_of(on_machine("  store-buffer 4 entries lazy\n  may drain\n", steps)), NS_VERIFY_REFUTED);
    EXPECT_EQ(verdict_of(on_machine("  store-buffer 2 entries lazy\n  may drain\n", steps)), NS_VERIFY_REFUTED);
    EXPECT_EQ(verdict_of(on_machine("  store-buffer 1 entries lazy\n  may drain\n", steps)), NS_VERIFY_PROVED);
    EXPECT_EQ(
        verdict_of(on_machine("  store-buffer 1 entries lazy\n  may drain\n", stored_and_read(store, "b[56..64]"))),
        NS_VERIFY_REFUTED);
}

// Two entries of one burst each, in order, on a machine whose interrupt does not wait for data.
TEST(FullQueueOfPostedWrites, KeepsTheLastBurstsWhateverLineTheyAreOn) {
    for (const char *may : {"irq-before-data", "irq-before-data, drain"}) {
        const std::string two =
            std::string("  posted-writes 2 entries lazy\n  dma-burst 64 bytes\n  may ") + may + "\n";
        const std::string write = "nic: write b[0..256] fill 5\n", more = "nic: write c[0..64] fill 6\n";
        EXPECT_EQ(verdict_of(on_machine(two, written_and_loaded(write, "b[0..64]"))), NS_VERIFY_PROVED);
        EXPECT_EQ(verdict_of(on_machine(two, written_and_loaded(write, "b[64..128]"))), NS_VERIFY_PROVED);
        EXPECT_EQ(verdict_of(on_machine(two, written_and_loaded(write, "b[128..192]"))), NS_VERIFY_REFUTED);
        EXPECT_EQ(verdict_of(on_machine(two, written_and_loaded(write + more, "b[128..192]"))), NS_VERIFY_PROVED);
        EXPECT_EQ(verdict_of(on_machine(two, written_and_loaded(write + more, "b[192..256]"))), NS_VERIFY_REFUTED);
    }
}
