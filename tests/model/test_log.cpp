// SPDX-License-Identifier: Apache-2.0
#include "model/log.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace {

class Log : public ::testing::Test {
  protected:
    static ns_hazard hazard(ns_hazard_id id, uint32_t site, uint8_t actor) {
        ns_hazard made{};
        made.id = id;
        made.site = site;
        made.actor = actor;
        return made;
    }
    void add_outcome(ns_outcome_kind kind) {
        ns_outcome outcome{};
        outcome.kind = kind;
        ASSERT_TRUE(ns_log_add_outcome(log.get(), &outcome));
    }
    std::unique_ptr<ns_log, void (*)(ns_log *)> log{ns_log_create(), ns_log_destroy};
};

TEST_F(Log, BeginsWithPowerOnAsEventZero) {
    ASSERT_NE(log, nullptr);
    ASSERT_EQ(log->event_count, 1u);
    EXPECT_EQ(log->event[0].kind, NS_EVENT_POWER_ON);
    EXPECT_EQ(log->event[0].site, NS_NO_SITE);
}

TEST_F(Log, NumbersEventsInOrderAndKeepsThemWhenItGrows) {
    for (uint32_t i = 1; i <= 1000; ++i) {
        ns_event event{};
        event.kind = NS_EVENT_STORE;
        event.address = i * 3;
        ASSERT_EQ(ns_log_append(log.get(), &event), i);
    }
    for (uint32_t i = 1; i <= 1000; ++i) {
        EXPECT_EQ(log->event[i].address, i * 3);
    }
    EXPECT_FALSE(log->truncated);
}

TEST_F(Log, KeepsSitesAndTheirOrderOfExecution) {
    for (uint32_t i = 0; i < 300; ++i) {
        ASSERT_EQ(ns_log_add_site(log.get(), i + 1, 7, 4), i);
    }
    for (uint32_t i = 300; i > 0; --i) {
        ns_log_executed(log.get(), i - 1);
    }
    ASSERT_EQ(log->executed_count, 300u);
    EXPECT_EQ(log->executed[0], 299u);
    EXPECT_EQ(log->site[log->executed[0]].line, 300u);
}

TEST_F(Log, KeepsWhereTheEventsOfEachStepAndMoveBegin) {
    const ns_event event{};
    ns_log_executed(log.get(), 0);
    ns_log_append(log.get(), &event);
    ns_log_moved(log.get(), 1, "fill:cpu0:0x8000_0000");
    ns_log_append(log.get(), &event);
    ns_log_executed(log.get(), 0);
    ASSERT_EQ(log->begun_count, log->executed_count);
    EXPECT_EQ(log->begun[0], 1u);
    EXPECT_EQ(log->move[0].event, 2u);
    EXPECT_EQ(log->begun[1], 3u);
}

TEST_F(Log, CountsTheSameHazardAtTheSameSiteByTheSameActorAsARepeat) {
    ns_hazard first = hazard(NS_DC_REFETCH, 4, 0);
    EXPECT_EQ(ns_log_add_hazard(log.get(), &first), 0u);
    first.event++;
    EXPECT_EQ(ns_log_add_hazard(log.get(), &first), 0u);
    first.event++;
    EXPECT_EQ(ns_log_add_hazard(log.get(), &first), 0u);
    ASSERT_EQ(log->hazard_count, 1u);
    EXPECT_EQ(log->hazard[0].repeats, 2u);
}

TEST_F(Log, JoinsMoreBytesOfOneEventInOneHazard) {
    ns_hazard first = hazard(NS_DC_REFETCH, 4, 0), more = first;
    first.first = 16, first.last = 23, first.latent = true;
    more.first = 40, more.last = 47;
    EXPECT_EQ(ns_log_add_hazard(log.get(), &first), 0u);
    EXPECT_EQ(ns_log_add_hazard(log.get(), &more), 0u);
    EXPECT_EQ(log->hazard[0].first, 16u);
    EXPECT_EQ(log->hazard[0].last, 47u);
    EXPECT_FALSE(log->hazard[0].latent) << "latent only when all bytes are";
    EXPECT_EQ(log->hazard[0].repeats, 0u);
}

TEST_F(Log, KeepsHazardsApartThatDifferInIdSiteOrActor) {
    ns_hazard first = hazard(NS_DC_REFETCH, 4, 0), other_id = hazard(NS_DC_WRONG_OP, 4, 0),
              other_site = hazard(NS_DC_REFETCH, 5, 0), other_actor = hazard(NS_DC_REFETCH, 4, 1);
    EXPECT_EQ(ns_log_add_hazard(log.get(), &first), 0u);
    EXPECT_EQ(ns_log_add_hazard(log.get(), &other_id), 1u);
    EXPECT_EQ(ns_log_add_hazard(log.get(), &other_site), 2u);
    EXPECT_EQ(ns_log_add_hazard(log.get(), &other_actor), 3u);
    other_site.event++;
    EXPECT_EQ(ns_log_add_hazard(log.get(), &other_site), 2u);
    EXPECT_EQ(log->hazard[2].repeats, 1u);
    EXPECT_EQ(log->hazard[0].repeats, 0u);
}

TEST_F(Log, StopsAtTheHazardLimitAndSaysSo) {
    for (uint32_t i = 0; i < NS_LOG_HAZARD_LIMIT; ++i) {
        ns_hazard one = hazard(NS_DC_REFETCH, i, 0);
        ASSERT_EQ(ns_log_add_hazard(log.get(), &one), i);
    }
    EXPECT_FALSE(log->truncated);
    ns_hazard beyond = hazard(NS_DC_REFETCH, NS_LOG_HAZARD_LIMIT, 0), known = hazard(NS_DC_REFETCH, 5, 0);
    EXPECT_EQ(ns_log_add_hazard(log.get(), &beyond), SIZE_MAX);
    EXPECT_TRUE(log->truncated);
    EXPECT_EQ(log->hazard_count, static_cast<size_t>(NS_LOG_HAZARD_LIMIT));
    EXPECT_EQ(ns_log_add_hazard(log.get(), &known), 5u) << "a repeat needs no room";
}

// What the verdict is, for each outcome alone and together with an INCOMPLETE one.
TEST_F(Log, JudgesByItsOutcomes) {
    const struct {
        ns_outcome_kind kind;
        bool fails;
    } table[] = {
        {NS_OUTCOME_EXPECTED, false},   {NS_OUTCOME_MISSING, true},      {NS_OUTCOME_UNEXPECTED, true},
        {NS_OUTCOME_FINAL_HELD, false}, {NS_OUTCOME_FINAL_FAILED, true}, {NS_OUTCOME_NOT_JUDGED, false},
    };
    EXPECT_TRUE(ns_log_passed(log.get())) << "an empty log has no failure";
    EXPECT_FALSE(ns_log_incomplete(log.get()));
    for (const auto &row : table) {
        SCOPED_TRACE(row.kind);
        log.reset(ns_log_create());
        add_outcome(row.kind);
        EXPECT_EQ(ns_log_passed(log.get()), !row.fails);
        EXPECT_FALSE(ns_log_incomplete(log.get()));
        add_outcome(NS_OUTCOME_INCOMPLETE);
        EXPECT_FALSE(ns_log_passed(log.get()));
        EXPECT_EQ(ns_log_incomplete(log.get()), !row.fails);
    }
}

TEST_F(Log, NamesEveryEventKindDifferently) {
    std::set<std::string> names;
    for (int kind = 0; kind < NS_EVENT_KIND_COUNT; ++kind) {
        const char *name = ns_event_kind_text(static_cast<ns_event_kind>(kind));
        ASSERT_NE(name, nullptr);
        EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_EQ(names.count("unknown"), 0u);
    EXPECT_STREQ(ns_event_kind_text(NS_EVENT_KIND_COUNT), "unknown");
}

TEST_F(Log, DestroysNothingWithoutComplaint) {
    ns_log_destroy(nullptr);
}

} // namespace
