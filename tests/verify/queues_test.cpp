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

// Two stores into two entries fit into a buffer of two, though one of them is read in part only.
TEST(FullStoreBuffer, CountsEntriesAndNotTheirParts) {
    EXPECT_EQ(
        verdict_of(on_machine("  store-buffer 2 entries lazy\n",
                              "buffer a size 64 align 64 type nc\ncpu0: store a[0..8] fill 7\ncpu0: store a[8..12] "
                              "= 1\ncpu0: doorbell nic\ncpu0: fence\nnic: start\nnic: read a[0..4]\n")),
        NS_VERIFY_REFUTED);
}

// A line with many parts on their way is searched part by part: the others make room all the same.
TEST(FullStoreBuffer, LetsEntriesOfALineGoForStoresToTheSameLine) {
    std::string stores = "buffer a size 64 align 64 type nc\n";
    for (unsigned i = 0; i < 4; i++)
        stores += "cpu0: store a[" + std::to_string(8 * i) + ".." + std::to_string(8 * i + 4) + "] = 1\n";
    const std::string one = "  may nothing\n  store-buffer 1 entries lazy\n", end = "cpu0: doorbell nic\nnic: start\n";
    EXPECT_EQ(verdict_of(on_machine(one, stores + end + "nic: read a[0..4]\n")), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine(one, stores + end + "nic: read a[16..20]\n")), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine(one, stores + end + "nic: read a[24..28]\n")), NS_VERIFY_REFUTED);
}

TEST(FullStoreBuffer, LosesAWholeEntryToALoadOfAPartOfIt) {
    std::string steps = "buffer a size 64 align 64 type nc\ncpu0: store a[0..8] fill 7\n@";
    for (unsigned i = 1; i < 8; i++)
        steps += "cpu0: store a[" + std::to_string(8 * i) + ".." + std::to_string(8 * i + 4) + "] = 1\n";
    steps += "cpu0: doorbell nic\nnic: start\nnic: read a[0..4]\n";
    std::string with = steps, without = steps;
    with.replace(with.find('@'), 1, "cpu0: load a[4..8]\n");
    without.erase(without.find('@'), 1);
    const std::string sixteen = "  may nothing\n  store-buffer 16 entries lazy\n";
    EXPECT_EQ(verdict_of(on_machine(sixteen, with)), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine(sixteen, without)), NS_VERIFY_REFUTED);
}

// cbo.zero is a store for each line: the full buffer lets go the parts of the first one alone.
TEST(FullStoreBuffer, LetsThePartsOfOneStoreGoAndNotOfSeveral) {
    const std::string lines =
        "  cache L1D private size 32K ways 4 line 16 replacement lru write-back write-allocate hit 2 "
        "cycles\n  no-caches-below L1D\n  may nothing\n  store-buffer 4 entries lazy\n";
    const std::string steps = "buffer a size 32 align 64 type nc\nbuffer b size 64 align 64 type nc\ncpu0: cbo.zero a\n"
                              "cpu0: store b[0..8] fill 1\ncpu0: doorbell nic\nnic: start\nnic: read ";
    EXPECT_EQ(verdict_of(on_machine(lines, steps + "a[0..16]\n")), NS_VERIFY_PROVED);
    EXPECT_EQ(verdict_of(on_machine(lines, steps + "a[16..32]\n")), NS_VERIFY_REFUTED);
}
