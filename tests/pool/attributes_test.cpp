// SPDX-License-Identifier: Apache-2.0
#include "pool/attributes.h"

#include "fake_port.h"

namespace {

using fake::Event;
using fake::linear;

constexpr uint64_t kPage = 0x20'0000;
constexpr uint64_t kLength = 0x2000;

// The order that each name promises (attributes.h): P = PTEs stored, T = TLBs, f = fence, F = flush.
TEST(AttributeChange, DoesItsStepsInThePromisedOrder) {
    struct {
        ns_attribute_change change;
        const char *steps;
    } const rows[] = {
        {NS_CHANGE_COMPLETE, "PTfFf"},
        {NS_CHANGE_FLUSH_FIRST, "fFfPT"},
        {NS_CHANGE_WITHOUT_FLUSH, "PT"},
        {NS_CHANGE_WITHOUT_SFENCE, "PfFf"},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.steps);
        fake::Port port;
        std::string steps;
        ASSERT_EQ(ns_change_attribute(port.get(), linear(kPage), kLength, NS_PORT_NC, row.change), NS_POOL_OK);
        for (const Event &event : port.log) {
            steps += event.kind == Event::kRemap      ? 'P'
                     : event.kind == Event::kFlushTlb ? 'T'
                     : event.kind == Event::kBarrier  ? 'f'
                                                      : 'F';
            if (event.kind == Event::kMaintain) {
                EXPECT_EQ(event, fake::maintain(NS_PORT_FLUSH, linear(kPage), kLength));
            } else if (event.kind == Event::kRemap) {
                EXPECT_EQ(event, fake::remap(kPage, kLength));
            }
        }
        EXPECT_EQ(steps, row.steps);
        EXPECT_EQ(port.type_of(linear(kPage)), NS_PORT_NC);
        EXPECT_EQ(port.type_of(linear(kPage) + 0x1000), NS_PORT_NC);
        EXPECT_EQ(port.type_of(linear(kPage) + kLength), -1);
    }
}

TEST(AttributeChange, OnlyTheFlushKeepsADirtyLineFromBeingWrittenBackLater) {
    for (int change = 0; change < NS_ATTRIBUTE_CHANGE_COUNT; change++) {
        fake::Port port;
        port.get()->store(port.get()->context, linear(kPage) + 64, 8, 1);
        ASSERT_EQ(ns_change_attribute(port.get(), linear(kPage), kLength, NS_PORT_NC,
                                      static_cast<ns_attribute_change>(change)),
                  NS_POOL_OK);
        EXPECT_EQ(port.dirty(kPage, kLength), change == NS_CHANGE_WITHOUT_FLUSH);
    }
}

TEST(AttributeChange, GoesBackTheSameWay) {
    fake::Port port;
    for (ns_port_type type : {NS_PORT_NC, NS_PORT_IO, NS_PORT_CACHEABLE}) {
        ASSERT_EQ(ns_change_attribute(port.get(), linear(kPage), kLength, type, NS_CHANGE_COMPLETE), NS_POOL_OK);
        EXPECT_EQ(port.type_of(linear(kPage)), type);
    }
}

TEST(AttributeChange, RefusesWhatIsNotWholeMappedPages) {
    fake::Port port({{0, fake::kMiB}});
    struct {
        uint64_t address, length;
        int type, change;
    } const rows[] = {
        {linear(0x1001), 0x1000, NS_PORT_NC, 0}, {linear(0x1000), 0x800, NS_PORT_NC, 0},
        {linear(0x1000), 0, NS_PORT_NC, 0},      {linear(0xff000), 0x2000, NS_PORT_NC, 0},
        {0x1000, 0x1000, NS_PORT_NC, 0},         {UINT64_MAX - 0xfff, 0x2000, NS_PORT_NC, 0},
        {linear(0x1000), 0x1000, 3, 0},          {linear(0x1000), 0x1000, NS_PORT_NC, NS_ATTRIBUTE_CHANGE_COUNT},
    };
    for (const auto &row : rows)
        EXPECT_EQ(ns_change_attribute(port.get(), row.address, row.length, static_cast<ns_port_type>(row.type),
                                      static_cast<ns_attribute_change>(row.change)),
                  NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(port.log.empty());
}

TEST(AttributeChange, ThatRunsOutOfTablesHasFinishedWhatItBegan) {
    fake::Port port;
    port.fail_set_pte_at = 1;
    EXPECT_EQ(ns_change_attribute(port.get(), linear(kPage), kLength, NS_PORT_NC, NS_CHANGE_COMPLETE),
              NS_POOL_ERROR_EXHAUSTED);
    const Event tlb = {Event::kFlushTlb, 0, 0, linear(kPage), 0x1000};
    EXPECT_EQ(port.log, (std::vector<Event>{fake::remap(kPage, 0x1000), tlb, fake::barrier(),
                                            fake::maintain(NS_PORT_FLUSH, linear(kPage), 0x1000), fake::barrier()}));
}

} // namespace
