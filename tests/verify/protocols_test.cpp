// SPDX-License-Identifier: Apache-2.0
//
// The protocols that every driver is made of, each with the verdict that follows from the architecture: what a line of
// a write-back cache may do by itself (fill, be evicted) and when maintenance, stores and doorbells take effect
// (docs/semantics.md, "Hardware freedom"). None of these expectations comes from the program's own output.
#include "support.h"

#include <vector>

namespace {

struct protocol {
    const char *name; // what is promised
    const char *machine;
    const char *steps;
    ns_verify_verdict verdict;
    int symptom; // ns_symptom of a hazard that must be among those found; no_symptom where proved
    ns_hazard_id id;
};

const char *const plain = "machine \"m\" from \"one-core-wb64\"\nend\n";
const char *const no_speculation = "machine \"m\" from \"one-core-wb64\"\n  may evict, drain\nend\n";
const char *const fills_ordered = "machine \"m\" from \"one-core-wb64\"\n  fill ordered\nend\n";
const char *const fills_escaping = "machine \"m\" from \"one-core-wb64\"\n  fill escaping\nend\n";
constexpr ns_hazard_id none = NS_HAZARD_NONE;
constexpr int no_symptom = -1;

const protocol protocols[] = {
    {"TxStoreCleanFenceDoorbellIsProved", plain,
     "cpu0: store tx fill 0x5A\ncpu0: clean tx\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: read tx\n",
     NS_VERIFY_PROVED, no_symptom, none},
    {"TxWithoutTheCleanIsStale", plain,
     "cpu0: store tx fill 0x5A\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: read tx\n", NS_VERIFY_REFUTED,
     NS_SYMPTOM_STALE, NS_DC_CLEAN_MISSING},
    {"RxInvalidatedOnBothSidesIsProved", plain,
     "cpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: write rx fill "
     "0xAB\nnic: raise done\ncpu0: wait done\ncpu0: invalidate rx\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_PROVED, no_symptom, none},
    {"RxWithoutTheFirstInvalidateLosesTheDevicesWrite", plain,
     "cpu0: store rx fill 1\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: write rx fill 0xAB\nnic: raise "
     "done\ncpu0: wait done\ncpu0: invalidate rx\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_REFUTED, NS_SYMPTOM_LOST, NS_DC_EVICT_OVER_DMA},
    {"RxWithoutTheSecondInvalidateIsStaleWhereTheMachineSpeculates", plain,
     "cpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: write rx fill "
     "0xAB\nnic: raise done\ncpu0: wait done\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_REFUTED, NS_SYMPTOM_STALE, NS_DC_REFETCH},
    {"RxWithoutTheSecondInvalidateIsProvedWhereTheMachineDoesNotSpeculate", no_speculation,
     "cpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: write rx fill "
     "0xAB\nnic: raise done\ncpu0: wait done\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_PROVED, no_symptom, none},
    {"RxSharingItsLineWithAVariableIsRefuted", plain,
     "cpu0: store both[32..64] fill 1\ncpu0: flush both\ncpu0: fence\ncpu0: doorbell nic\nnic: start\ncpu0: store "
     "both[32..64] fill 2\nnic: write both[0..32] fill 0xAB\nnic: raise done\ncpu0: wait done\ncpu0: flush both\n"
     "cpu0: load both[0..4] -> got\n",
     NS_VERIFY_REFUTED, NS_SYMPTOM_LOST, none},
    {"DescriptorPublishedBeforeItsPayloadIsRefuted", plain,
     "cpu0: store desc[0].len = 64\ncpu0: store desc[0].own = 1\nnic: poll desc[0].own == 1\nnic: read "
     "desc[0].len\n",
     NS_VERIFY_REFUTED, NS_SYMPTOM_STALE, NS_OR_DESC_PUBLISH},
    {"DescriptorPublishedBehindAFenceIsProved", plain,
     "cpu0: store desc[0].len = 64\ncpu0: fence\ncpu0: store desc[0].own = 1\nnic: poll desc[0].own == 1\nnic: read "
     "desc[0].len\n",
     NS_VERIFY_PROVED, no_symptom, none},
    {"CachedBufferRemappedNonCacheableWithoutTheFlushIsLost", plain,
     "cpu0: store rx fill 1\ncpu0: set-attr rx nc sequence without-flush\ncpu0: doorbell nic\nnic: start\nnic: "
     "write rx fill 0xAB\nnic: raise done\ncpu0: wait done\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_REFUTED, NS_SYMPTOM_LOST, NS_AT_ALIAS_DIRTY},
    {"TxWithTheDoorbellBeforeTheCleanIsStale", plain,
     "cpu0: store tx fill 0x5A\ncpu0: doorbell nic\ncpu0: clean tx\ncpu0: fence\nnic: start\nnic: read tx\n",
     NS_VERIFY_REFUTED, NS_SYMPTOM_STALE, none},
    {"RxWithOrderedFillsIsProved", fills_ordered,
     "cpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: write rx fill "
     "0xAB\nnic: raise done\ncpu0: wait done\ncpu0: invalidate rx\ncpu0: fence\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_PROVED, no_symptom, none},
    {"RxWithEscapingFillsIsRefuted", fills_escaping,
     "cpu0: store rx fill 1\ncpu0: invalidate rx\ncpu0: fence\ncpu0: doorbell nic\nnic: start\nnic: write rx fill "
     "0xAB\nnic: raise done\ncpu0: wait done\ncpu0: invalidate rx\ncpu0: fence\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_REFUTED, NS_SYMPTOM_STALE, NS_HW_CMO_ERRATUM},
    {"RxWithoutTheFirstInvalidateIsProvedWhereTheCpuNeverWrote", plain,
     "cpu0: doorbell nic\nnic: start\nnic: write rx fill 0xAB\nnic: raise done\ncpu0: wait done\ncpu0: invalidate "
     "rx\ncpu0: load rx[0..4] -> got\n",
     NS_VERIFY_PROVED, no_symptom, none},
};

std::string text_of(const protocol &protocol) {
    return std::string(protocol.machine) +
           "use machine \"m\"\ndevice nic irq done\nstruct desc count 2 type nc\n  u32 "
           "len\n  u32 own\nend\nbuffer tx size 64\nbuffer rx size 4K align 4K\nbuffer both "
           "size 64\n" +
           protocol.steps;
}

class Protocol : public testing::TestWithParam<protocol> {};

} // namespace

TEST_P(Protocol, HasTheVerdictThatFollowsFromTheArchitecture) {
    const protocol &protocol = GetParam();
    const parsed_scenario scenario(text_of(protocol));
    ASSERT_TRUE(scenario.good());
    const verified found(scenario.get());
    ASSERT_EQ(found.status, NS_OK);
    EXPECT_STREQ(ns_verify_verdict_text(found.result.verdict), ns_verify_verdict_text(protocol.verdict));
    EXPECT_EQ(found.result.unreplayed, 0u);
    EXPECT_EQ(found.result.hazard_count == 0, protocol.verdict == NS_VERIFY_PROVED);
    if (protocol.symptom != no_symptom) {
        EXPECT_TRUE(found.shows((ns_symptom)protocol.symptom));
    }
    if (protocol.id != none) {
        EXPECT_TRUE(found.shows(protocol.id));
    }
}

INSTANTIATE_TEST_SUITE_P(Verify, Protocol, testing::ValuesIn(protocols),
                         [](const testing::TestParamInfo<protocol> &one) { return std::string(one.param.name); });
