// SPDX-License-Identifier: Apache-2.0
// Each policy against a reference that keeps lists instead of stamps and trees.
#include "support.h"

#include <algorithm>
#include <list>
#include <random>

namespace {

constexpr uint32_t kLine = 64;

// One set of one cache: what a policy's definition says, without our data structures.
class Reference {
  public:
    Reference(ns_replacement policy, uint32_t ways) : policy_(policy), line_(ways, kNone) {
        for (uint32_t half = ways; half > 1; half /= 2)
            depth_++;
        bits_.resize(depth_ + 1);
        for (uint32_t d = 0; d <= depth_; d++)
            bits_[d].assign(size_t{1} << d, false);
    }
    // Returns whether the line was present; on a miss `victim` is the line that had to go, or kNone.
    bool access(uint64_t line, uint64_t *victim) {
        *victim = kNone;
        auto at = std::find(line_.begin(), line_.end(), line);
        if (at != line_.end()) {
            uint32_t way = static_cast<uint32_t>(at - line_.begin());
            if (policy_ == NS_REPLACE_LRU) {
                order_.remove(way);
                order_.push_back(way);
            }
            point_away(way);
            return true;
        }
        auto empty = std::find(line_.begin(), line_.end(), kNone);
        uint32_t way = 0;
        if (empty != line_.end())
            way = static_cast<uint32_t>(empty - line_.begin());
        else if (policy_ == NS_REPLACE_TREE_PLRU)
            way = pointed();
        else
            way = order_.front(); // LRU: least recently touched; FIFO: first filled
        *victim = line_[way];
        line_[way] = line;
        order_.remove(way);
        order_.push_back(way);
        point_away(way);
        return false;
    }
    void remove(uint64_t line) {
        auto at = std::find(line_.begin(), line_.end(), line);
        if (at != line_.end()) {
            order_.remove(static_cast<uint32_t>(at - line_.begin()));
            *at = kNone;
        }
    }
    static constexpr uint64_t kNone = UINT64_MAX;

  private:
    // Node (d, prefix) covers the ways whose top d bits are `prefix`; its bit says that the upper half is older.
    void point_away(uint32_t way) {
        for (uint32_t d = 0; d < depth_; d++)
            bits_[d][way >> (depth_ - d)] = ((way >> (depth_ - d - 1)) & 1) == 0;
    }
    uint32_t pointed() const {
        uint32_t prefix = 0;
        for (uint32_t d = 0; d < depth_; d++)
            prefix = prefix * 2 + (bits_[d][prefix] ? 1 : 0);
        return prefix;
    }
    ns_replacement policy_;
    uint32_t depth_ = 0;
    std::vector<uint64_t> line_;
    std::list<uint32_t> order_;
    std::vector<std::vector<bool>> bits_;
};

struct Case {
    ns_replacement policy;
    uint32_t ways;
};

class Replacement : public testing::TestWithParam<Case> {};

TEST_P(Replacement, HitsAndVictimsAreThoseOfTheDefinition) {
    const auto [policy, ways] = GetParam();
    const uint32_t sets = 4;
    ns_cache_config config = one_level(sets, ways, kLine);
    config.level[0].replacement = policy;
    Machine machine(config, 1u << 18);
    std::vector<Reference> reference(sets, Reference(policy, ways));
    const uint64_t seed = test_seed();
    SCOPED_TRACE("NS_TEST_SEED=" + std::to_string(seed));
    std::mt19937_64 random(seed + ways);
    for (int i = 0; i < 4000; i++) {
        machine.events.clear();
        uint64_t line = random() % (sets * (ways + 1 + ways / 2));
        Reference &set = reference[line % sets];
        if (random() % 20 == 0) {
            machine.maintain(0, NS_CACHE_INVALIDATE, line * kLine, 1);
            set.remove(line);
            continue;
        }
        uint64_t victim;
        bool hit = set.access(line, &victim);
        machine.load(0, line * kLine + random() % kLine);
        ASSERT_EQ(machine.result.hit_level == 0, hit) << "access " << i;
        auto drops = machine.only(Event::Drop);
        ASSERT_EQ(drops.size(), victim == Reference::kNone ? 0u : 1u) << "access " << i;
        if (!drops.empty()) {
            ASSERT_EQ(drops[0].address, victim * kLine) << "access " << i;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Policies, Replacement,
                         testing::Values(Case{NS_REPLACE_LRU, 1}, Case{NS_REPLACE_LRU, 3}, Case{NS_REPLACE_LRU, 8},
                                         Case{NS_REPLACE_LRU, 64}, Case{NS_REPLACE_FIFO, 1}, Case{NS_REPLACE_FIFO, 4},
                                         Case{NS_REPLACE_FIFO, 7}, Case{NS_REPLACE_TREE_PLRU, 1},
                                         Case{NS_REPLACE_TREE_PLRU, 2}, Case{NS_REPLACE_TREE_PLRU, 4},
                                         Case{NS_REPLACE_TREE_PLRU, 16}, Case{NS_REPLACE_TREE_PLRU, 64}));

// Fills one set of `ways` ways and returns the lines dropped by `more` further fills.
std::vector<uint64_t> random_victims(uint64_t seed, uint32_t ways, uint64_t more) {
    ns_cache_config config = one_level(1, ways, kLine);
    config.level[0].replacement = NS_REPLACE_RANDOM;
    config.seed = seed;
    Machine machine(config, 1u << 20);
    for (uint64_t line = 0; line < ways + more; line++)
        machine.load(0, line * kLine);
    std::vector<uint64_t> victims;
    for (const Event &event : machine.only(Event::Drop))
        victims.push_back(event.address);
    return victims;
}

TEST(RandomReplacement, TheSameSeedGivesTheSameVictims) {
    EXPECT_EQ(random_victims(1, 8, 200), random_victims(1, 8, 200));
    EXPECT_NE(random_victims(1, 8, 200), random_victims(2, 8, 200));
}

// Each of 6 ways is expected 1000 times of 6000 with a standard deviation below 30; 200 is far outside chance.
TEST(RandomReplacement, EveryWayIsChosenAboutAsOften) {
    ns_cache_config config = one_level(1, 6, kLine);
    config.level[0].replacement = NS_REPLACE_RANDOM;
    Machine machine(config, 1u << 20);
    std::vector<int> chosen(6);
    for (uint64_t i = 0; i < 6006; i++) {
        uint64_t line = i % 4096;
        machine.load(0, line * kLine);
        ns_cache_copy copy;
        ASSERT_TRUE(ns_cache_peek(machine.cache.get(), 0, 0, Machine::kBase + line * kLine, &copy));
        if (i >= 6)
            chosen[copy.way]++;
    }
    for (int count : chosen)
        EXPECT_NEAR(count, 1000, 200);
}

} // namespace
