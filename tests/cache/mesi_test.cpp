// SPDX-License-Identifier: Apache-2.0
// The MESI protocol: the table of Papamarcos and Patel (ISCA 1984), by itself and between the L1s of two harts; what it
// costs; and which L1s a maintenance operation reaches.
#include "support.h"

#include <cctype>

namespace {

ns_mesi mesi_of(char name) {
    switch (name) {
    case 'S':
        return NS_MESI_SHARED;
    case 'E':
        return NS_MESI_EXCLUSIVE;
    case 'M':
        return NS_MESI_MODIFIED;
    default:
        return NS_MESI_INVALID;
    }
}

// Every state, with each thing that can happen to it. `asks`: a request to the other L1s; `writes`: the line goes down.
struct Row {
    char state;
    ns_mesi_event event;
    bool others;
    char next;
    ns_mesi_request asks;
    bool writes;
};
const Row rows[] = {
    {'I', NS_MESI_LOAD, false, 'E', NS_MESI_READ, false}, // nobody answers: exclusive
    {'I', NS_MESI_LOAD, true, 'S', NS_MESI_READ, false},
    {'I', NS_MESI_STORE, false, 'M', NS_MESI_OWN, false},
    {'I', NS_MESI_STORE, true, 'M', NS_MESI_OWN, false},
    {'I', NS_MESI_CLEAN, false, 'I', NS_MESI_NO_REQUEST, false},
    {'I', NS_MESI_LEAVE, false, 'I', NS_MESI_NO_REQUEST, false},
    {'I', NS_MESI_OTHER_LOAD, false, 'I', NS_MESI_NO_REQUEST, false},
    {'I', NS_MESI_OTHER_STORE, false, 'I', NS_MESI_NO_REQUEST, false},
    {'S', NS_MESI_LOAD, true, 'S', NS_MESI_NO_REQUEST, false},
    {'S', NS_MESI_LOAD, false, 'S', NS_MESI_NO_REQUEST, false}, // the last shared copy does not know that it is
    {'S', NS_MESI_STORE, true, 'M', NS_MESI_OWN, false},        // the upgrade
    {'S', NS_MESI_STORE, false, 'M', NS_MESI_OWN, false},
    {'S', NS_MESI_CLEAN, true, 'S', NS_MESI_NO_REQUEST, false},
    {'S', NS_MESI_LEAVE, true, 'I', NS_MESI_NO_REQUEST, false},
    {'S', NS_MESI_OTHER_LOAD, true, 'S', NS_MESI_NO_REQUEST, false},
    {'S', NS_MESI_OTHER_STORE, true, 'I', NS_MESI_NO_REQUEST, false},
    {'E', NS_MESI_LOAD, false, 'E', NS_MESI_NO_REQUEST, false},
    {'E', NS_MESI_STORE, false, 'M', NS_MESI_NO_REQUEST, false}, // silent
    {'E', NS_MESI_CLEAN, false, 'E', NS_MESI_NO_REQUEST, false},
    {'E', NS_MESI_LEAVE, false, 'I', NS_MESI_NO_REQUEST, false},
    {'E', NS_MESI_OTHER_LOAD, false, 'S', NS_MESI_NO_REQUEST, false},
    {'E', NS_MESI_OTHER_STORE, false, 'I', NS_MESI_NO_REQUEST, false},
    {'M', NS_MESI_LOAD, false, 'M', NS_MESI_NO_REQUEST, false},
    {'M', NS_MESI_STORE, false, 'M', NS_MESI_NO_REQUEST, false},
    {'M', NS_MESI_CLEAN, false, 'E', NS_MESI_NO_REQUEST, true},
    {'M', NS_MESI_LEAVE, false, 'I', NS_MESI_NO_REQUEST, false}, // whether its data goes down says the operation
    {'M', NS_MESI_OTHER_LOAD, false, 'S', NS_MESI_NO_REQUEST, true},
    {'M', NS_MESI_OTHER_STORE, false, 'I', NS_MESI_NO_REQUEST, true},
};

TEST(Mesi, EveryTransitionIsThatOfTheProtocol) {
    for (const Row &row : rows) {
        SCOPED_TRACE(testing::Message() << row.state << ", event " << row.event);
        const ns_mesi_effect effect = ns_mesi_step(mesi_of(row.state), row.event, row.others, false);
        EXPECT_STREQ(ns_mesi_name(effect.next), std::string(1, row.next).c_str());
        EXPECT_EQ(effect.request, row.asks);
        EXPECT_EQ(effect.write_back, row.writes);
    }
}

TEST(Mesi, AStoreToAWriteThroughCacheLeavesTheOnlyCopyClean) {
    for (const char state : {'I', 'S', 'E'}) {
        const ns_mesi_effect effect = ns_mesi_step(mesi_of(state), NS_MESI_STORE, false, true);
        EXPECT_EQ(effect.next, NS_MESI_EXCLUSIVE) << state;
        EXPECT_EQ(effect.request, state == 'E' ? NS_MESI_NO_REQUEST : NS_MESI_OWN) << state;
    }
}

TEST(Mesi, OnlyAModifiedCopyIsDirty) {
    EXPECT_EQ(ns_mesi_line(NS_MESI_INVALID), NS_LINE_INVALID);
    EXPECT_EQ(ns_mesi_line(NS_MESI_SHARED), NS_LINE_CLEAN);
    EXPECT_EQ(ns_mesi_line(NS_MESI_EXCLUSIVE), NS_LINE_CLEAN);
    EXPECT_EQ(ns_mesi_line(NS_MESI_MODIFIED), NS_LINE_DIRTY);
}

// ---- two harts -----------------------------------------------------------------------------------

ns_cache_config harts(unsigned count, ns_inclusion inclusion = NS_INCLUSION_NEITHER) {
    ns_cache_config config = two_levels(inclusion);
    config.harts = count;
    return config;
}

std::string pair_of(const Machine &m) {
    return std::string(ns_mesi_name(m.mesi(0, 0))) + ns_mesi_name(m.mesi(1, 0));
}

// Brings the line into the states that a name says ("ES" is none of the protocol's).
void bring(Machine &m, const std::string &states) {
    if (states == "SI" || states == "IS" || states == "SS") {
        m.load(0, 0);
        m.load(1, 0);
        if (states != "SS") {
            const ns_status gone =
                ns_cache_evict_l1(m.cache.get(), states == "SI" ? 1 : 0, Machine::kBase, nullptr, nullptr);
            EXPECT_EQ(gone, NS_OK);
        }
    }
    for (unsigned hart = 0; hart < 2; hart++) {
        if (states[hart] == 'E')
            m.load(hart, 0);
        if (states[hart] == 'M')
            m.store(hart, 0, 7);
    }
    ASSERT_EQ(pair_of(m), states);
}

struct PairRow {
    const char *before;
    char what; // hart 0: l load, s store, c clean, i invalidate, f flush, e evict; hart 1: L, S
    const char *after;
    unsigned snoops;
};
const PairRow pair_rows[] = {
    {"II", 'l', "EI", 0}, {"II", 's', "MI", 0}, {"II", 'L', "IE", 0}, {"II", 'S', "IM", 0}, {"EI", 'l', "EI", 0},
    {"EI", 's', "MI", 0}, {"EI", 'c', "EI", 0}, {"EI", 'i', "II", 0}, {"EI", 'f', "II", 0}, {"EI", 'e', "II", 0},
    {"EI", 'L', "SS", 1}, {"EI", 'S', "IM", 1}, {"MI", 'l', "MI", 0}, {"MI", 's', "MI", 0}, {"MI", 'c', "EI", 0},
    {"MI", 'i', "II", 0}, {"MI", 'f', "II", 0}, {"MI", 'e', "II", 0}, {"MI", 'L', "SS", 1}, {"MI", 'S', "IM", 1},
    {"SS", 'l', "SS", 0}, {"SS", 's', "MI", 1}, {"SS", 'c', "SS", 0}, {"SS", 'i', "II", 0}, {"SS", 'f', "II", 0},
    {"SS", 'e', "IS", 0}, {"SS", 'L', "SS", 0}, {"SS", 'S', "IM", 1}, {"SI", 'l', "SI", 0}, {"SI", 's', "MI", 1},
    {"SI", 'L', "SS", 1}, {"SI", 'S', "IM", 1}, {"IS", 'l', "SS", 1}, {"IS", 's', "MI", 1}, {"IE", 'l', "SS", 1},
    {"IE", 's', "MI", 1}, {"IM", 'l', "SS", 1}, {"IM", 's', "MI", 1}, {"IM", 'c', "IE", 0}, {"IM", 'i', "II", 0},
    {"IM", 'f', "II", 0},
};

TEST(Mesi, TwoHartsMoveAsTheTableSaysAndCountWhoWasAsked) {
    for (const ns_inclusion inclusion : {NS_INCLUSION_NEITHER, NS_INCLUSION_INCLUSIVE})
        for (const PairRow &row : pair_rows) {
            SCOPED_TRACE(testing::Message() << "inclusion " << inclusion << ": " << row.before << " " << row.what);
            Machine m(harts(2, inclusion));
            bring(m, row.before);
            const unsigned hart = std::isupper(static_cast<unsigned char>(row.what)) != 0;
            m.result = {};
            switch (std::tolower(static_cast<unsigned char>(row.what))) {
            case 'l':
                m.load(hart, 0);
                break;
            case 's':
                m.store(hart, 0, 9);
                break;
            case 'c':
                m.maintain(hart, NS_CACHE_CLEAN, 0, 1);
                break;
            case 'i':
                m.maintain(hart, NS_CACHE_INVALIDATE, 0, 1);
                break;
            case 'f':
                m.maintain(hart, NS_CACHE_FLUSH, 0, 1);
                break;
            default:
                EXPECT_EQ(ns_cache_evict_l1(m.cache.get(), hart, Machine::kBase, nullptr, &m.result), NS_OK);
            }
            EXPECT_EQ(pair_of(m), row.after);
            EXPECT_EQ(m.result.snoops, row.snoops);
            EXPECT_TRUE(m.sound());
        }
}

TEST(Mesi, TheReaderOfAModifiedLineGetsItsDataAndTheLevelBelowToo) {
    Machine m(harts(2));
    m.store(0, 0, 42);
    EXPECT_EQ(m.load(1, 0), 42);
    EXPECT_EQ(m.cached(1, 0, 0), 42);
    EXPECT_EQ(m.state(1, 0, 0), NS_LINE_DIRTY);
    EXPECT_EQ(m.stats(0).write_backs, 1u);
    EXPECT_EQ(m.stats(0).snooped, 1u);
}

TEST(Mesi, UpgradesAndSnoopedLinesAreCounted) {
    Machine m(harts(3));
    for (unsigned hart = 0; hart < 3; hart++)
        m.load(hart, 0); // the second and the third find copies: 1 + 2
    EXPECT_EQ(m.stats(0).snooped, 3u);
    m.store(1, 0, 1); // an upgrade, for which two copies go
    EXPECT_EQ(m.stats(0).upgrades, 1u);
    EXPECT_EQ(m.stats(0).snooped, 5u);
    m.store(1, 0, 2); // its own now
    EXPECT_EQ(m.stats(0).upgrades, 1u);
    EXPECT_EQ(m.count(Event::Drop), 2u);
}

TEST(Mesi, OneHartNeverAsksAndNeverShares) {
    Machine m(harts(1));
    m.load(0, 0);
    EXPECT_EQ(m.mesi(0, 0), NS_MESI_EXCLUSIVE);
    m.store(0, 0, 1);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    m.store(0, 0, 2);
    EXPECT_EQ(m.result.snoops, 0u);
    EXPECT_EQ(m.stats(0).upgrades, 0u);
    EXPECT_EQ(m.stats(0).snooped, 0u);
}

TEST(Mesi, AFillInFlightElsewhereIsACopyThatMayCome) {
    ns_cache_config config = harts(2);
    config.fill = NS_FILL_ORDERED;
    Machine m(config);
    EXPECT_EQ(ns_cache_fill_sample(m.cache.get(), 0, Machine::kBase, nullptr), NS_OK);
    m.load(1, 0);
    EXPECT_EQ(pair_of(m), "IS"); // exclusive, it could store without asking, and the fill would bring old bytes
    m.store(1, 0, 5);
    bool installed = true;
    EXPECT_EQ(ns_cache_fill_install(m.cache.get(), 0, Machine::kBase, &installed), NS_OK);
    EXPECT_FALSE(installed);
    EXPECT_EQ(m.load(0, 0), 5);
}

TEST(Mesi, ASecondStepOfAFillMakesBothCopiesShared) {
    ns_cache_config config = harts(2);
    config.fill = NS_FILL_ORDERED;
    Machine m(config);
    m.load(1, 0);
    EXPECT_EQ(ns_cache_fill_sample(m.cache.get(), 0, Machine::kBase, nullptr), NS_OK);
    EXPECT_EQ(pair_of(m), "IS");
    bool installed = false;
    EXPECT_EQ(ns_cache_fill_install(m.cache.get(), 0, Machine::kBase, &installed), NS_OK);
    EXPECT_TRUE(installed);
    EXPECT_EQ(pair_of(m), "SS");
}

TEST(Mesi, AnIoCoherentReadLeavesTheStatesAloneAndAWriteTakesAllCopies) {
    Machine m(harts(2));
    bring(m, "MI");
    uint8_t byte = 0;
    EXPECT_EQ(ns_cache_snoop_read(m.cache.get(), Machine::kBase, 1, &byte, nullptr, nullptr), NS_OK);
    EXPECT_EQ(byte, 7);
    EXPECT_EQ(pair_of(m), "MI");
    m.load(1, 0);
    EXPECT_EQ(ns_cache_snoop_write(m.cache.get(), Machine::kBase, 1, &byte, nullptr, nullptr), NS_OK);
    EXPECT_EQ(pair_of(m), "II");
}

// The search over states keeps what data depends on: a shared and an exclusive copy give the same bytes.
TEST(Mesi, ASavedStateKnowsCleanAndDirtyOnly) {
    ns_cache_config config = harts(2);
    config.provenance = true;
    for (unsigned level = 0; level < 2; level++)
        config.level[level] = level_of(1, 1, 64);
    Machine m(config);
    ASSERT_TRUE(ns_cache_can_save(m.cache.get()));
    const auto saved = [&] {
        std::vector<uint8_t> bytes(ns_cache_save_size(m.cache.get()));
        bytes.resize(ns_cache_save(m.cache.get(), bytes.data()));
        return bytes;
    };
    // Addresses begin at 0 here.
    uint8_t byte = 0;
    ns_version version = 0;
    const auto load = [&](unsigned hart) {
        EXPECT_EQ(ns_cache_load(m.cache.get(), hart, 0, 1, &byte, &version, nullptr), NS_ERROR_ADDRESS);
    };
    m.fail_reads_after = 0; // nothing may be read from there: the states are written by hand below
    load(0);
    std::vector<uint8_t> state = saved();
    ASSERT_EQ(state, std::vector<uint8_t>({0, 0, 0})); // hart 0, hart 1, the shared level
    const std::vector<uint8_t> line(64 * sizeof(ns_version), 0);
    const auto with = [&](std::vector<uint8_t> states) {
        std::vector<uint8_t> bytes;
        for (const uint8_t one : states) {
            bytes.push_back(one);
            if (one != NS_LINE_INVALID)
                bytes.insert(bytes.end(), line.begin(), line.end());
        }
        return bytes;
    };
    const auto mesi = [&](unsigned hart) {
        ns_cache_copy copy;
        return std::string(ns_mesi_name(ns_cache_peek(m.cache.get(), 0, hart, 0, &copy) ? copy.mesi : NS_MESI_INVALID));
    };
    struct {
        std::vector<uint8_t> states;
        const char *first, *second;
    } const cases[] = {{{NS_LINE_CLEAN, NS_LINE_INVALID, 0}, "E", "I"},
                       {{NS_LINE_CLEAN, NS_LINE_CLEAN, 0}, "S", "S"},
                       {{NS_LINE_INVALID, NS_LINE_DIRTY, NS_LINE_CLEAN}, "I", "M"}};
    for (const auto &one : cases) {
        const std::vector<uint8_t> bytes = with(one.states);
        EXPECT_EQ(ns_cache_restore(m.cache.get(), bytes.data()), bytes.size());
        EXPECT_EQ(mesi(0), one.first);
        EXPECT_EQ(mesi(1), one.second);
        EXPECT_EQ(saved(), bytes);
        EXPECT_TRUE(m.sound());
    }
}

// ---- which L1s maintenance reaches ---------------------------------------------------------------

// Hart 0 executes; does the operation act on what hart 1 holds? Linux f4d6477f7f07 describes a part where it does not.
TEST(Reach, LocalMaintenanceLeavesTheOtherHartsCopy) {
    for (const ns_maintenance_extent extent : {NS_RANGE, NS_EXACT_LINES, NS_WHOLE_CACHE})
        for (const ns_cache_op op : {NS_CACHE_CLEAN, NS_CACHE_INVALIDATE, NS_CACHE_FLUSH}) {
            SCOPED_TRACE(testing::Message() << "extent " << extent << " op " << op);
            for (const bool local : {false, true}) {
                ns_cache_config config = harts(2);
                config.reach = local ? NS_REACH_LOCAL : NS_REACH_ALL_HARTS;
                Machine m(config);
                m.store(1, 0, 7);
                m.store(0, 64, 8);
                m.maintain(0, op, 0, 128, extent);
                EXPECT_EQ(m.mesi(1, 0), local                  ? NS_MESI_MODIFIED
                                        : op == NS_CACHE_CLEAN ? NS_MESI_EXCLUSIVE
                                                               : NS_MESI_INVALID);
                EXPECT_EQ(m.mesi(0, 64), op == NS_CACHE_CLEAN ? NS_MESI_EXCLUSIVE : NS_MESI_INVALID);
                EXPECT_EQ(m.bytes[0], local || op == NS_CACHE_INVALIDATE ? 0 : 7);
                EXPECT_EQ(m.bytes[64], op == NS_CACHE_INVALIDATE ? 0 : 8); // its own went to memory, not just below
                EXPECT_TRUE(m.sound());
            }
        }
}

TEST(Reach, LocalMaintenanceStillReachesTheSharedLevels) {
    ns_cache_config config = harts(2);
    config.reach = NS_REACH_LOCAL;
    Machine m(config);
    m.store(1, 0, 7);
    m.load(0, 0); // hart 1's copy went down, dirty there
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    EXPECT_EQ(m.bytes[0], 7);
}

TEST(Reach, ReadForOwnershipMakesALocalCleanEnough) {
    // The repair of f4d6477f7f07: a load before the clean brings the line to where the clean acts.
    ns_cache_config config = harts(2);
    config.reach = NS_REACH_LOCAL;
    Machine m(config);
    m.store(1, 0, 7);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    EXPECT_EQ(m.bytes[0], 0);
    m.load(0, 0);
    m.maintain(0, NS_CACHE_CLEAN, 0, 1);
    EXPECT_EQ(m.bytes[0], 7);
}

TEST(Reach, AnInclusiveSharedLevelTakesEveryCopyWithIt) {
    ns_cache_config config = harts(2, NS_INCLUSION_INCLUSIVE);
    config.reach = NS_REACH_LOCAL;
    Machine m(config);
    m.load(1, 0);
    m.maintain(0, NS_CACHE_INVALIDATE, 0, 1);
    EXPECT_EQ(m.mesi(1, 0), NS_MESI_INVALID);
}

TEST(Reach, LocalMaintenanceLeavesAnotherHartsFillInFlight) {
    for (const bool local : {false, true}) {
        ns_cache_config config = harts(2);
        config.fill = NS_FILL_ORDERED;
        config.reach = local ? NS_REACH_LOCAL : NS_REACH_ALL_HARTS;
        Machine m(config);
        EXPECT_EQ(ns_cache_fill_sample(m.cache.get(), 1, Machine::kBase, nullptr), NS_OK);
        m.maintain(0, NS_CACHE_INVALIDATE, 0, 1);
        bool installed = false;
        EXPECT_EQ(ns_cache_fill_install(m.cache.get(), 1, Machine::kBase, &installed), NS_OK);
        EXPECT_EQ(installed, local);
    }
}

} // namespace
