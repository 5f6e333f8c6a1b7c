// SPDX-License-Identifier: Apache-2.0
// The table of counts, from a log whose every number is another one: none may stand in another's place.
#include "report/stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>

namespace {

struct Log {
    ns_log *log = ns_log_create();
    Log() {
        const char *names[] = {"cpu0", "cpu1", "nic", "hw"};
        log->actor_count = 4;
        for (unsigned i = 0; i < 4; i++) {
            std::strcpy(log->actor[i].name, names[i]);
            log->actor[i].actor_class = i < 2    ? NS_ACTOR_CLASS_HART
                                        : i == 2 ? NS_ACTOR_CLASS_DEVICE
                                                 : NS_ACTOR_CLASS_HW;
        }
        log->levels = 2;
        std::strcpy(log->level_name[0], "L1D");
        std::strcpy(log->level_name[1], "L2");
        ns_log_stats &stats = log->stats;
        stats.known = true;
        stats.harts = 2;
        uint64_t next = 1;
        for (ns_cache_stats *one : {&stats.l1[0], &stats.l1[1], &stats.level[1]}) {
            one->load_hits = next++;
            one->load_misses = next++;
            one->store_hits = next++;
            one->store_misses = next++;
            one->fills = next++;
            one->evictions = next++;
            one->write_backs = next++;
            one->discards = next++;
            one->named_present = next++;
            one->named_absent = next++;
        }
        stats.caches = {41, 42, 43};
        stats.master[2] = {51, 52, 53000};
        // Cut to whole cycles where the sum of the parts so far is: 1.5, 3.0, 3.0, 4.4, 6.4, 10.0.
        stats.hart_clock_ps = 1000;
        stats.time_ps[0] = 10000;
        const uint64_t parts[] = {1500, 1400, 2000, 3600, 1500}; // by enum ns_time_part
        std::copy(std::begin(parts), std::end(parts), stats.part_ps[0]);
        add(NS_EVENT_RAISE, 2);
        add(NS_EVENT_RAISE, 2);
        add(NS_EVENT_WAIT, 1);
    }
    ~Log() { ns_log_destroy(log); }
    void add(ns_event_kind kind, unsigned actor) {
        ns_event event{};
        event.kind = static_cast<uint8_t>(kind);
        event.actor = static_cast<uint8_t>(actor);
        ns_log_append(log, &event);
    }
    std::string text() const {
        ns_buffer out{};
        ns_report_stats_text(log, &out);
        const std::string result(out.data, out.length);
        ns_buffer_release(&out);
        return result;
    }
};

TEST(Statistics, EachCountStandsInItsColumn) {
    const Log log;
    EXPECT_EQ(log.text(), "\nstatistics\n"
                          "                   load   load    store  store                 write-   dis-\n"
                          "  caches            hit   miss      hit   miss    fills evict.  backs  cards\n"
                          "  cpu0 L1D            1      2        3      4        5      6      7      8\n"
                          "  cpu1 L1D           11     12       13     14       15     16     17     18\n"
                          "  L2                 21     22       23     24       25     26     27     28\n"
                          "\n  lines named by maintenance   in a cache    in none\n"
                          "  cpu0                                  9        10\n"
                          "  cpu1                                 19        20\n"
                          "\n  bus             bursts      bytes   memory held for\n"
                          "  caches             41         42   43 ps\n"
                          "  nic                51         52   53.0 ns\n"
                          "\n  cycles            total compute     L1D      L2  memory  maint. waiting\n"
                          "  cpu0                 10       1       2       0       1       2       4\n"
                          "  cpu1                  0       0       0       0       0       0       0\n"
                          "  nic                   0       0       0       0       0       0       0\n"
                          "\n  interrupts      raised      taken\n"
                          "  cpu1                0          1\n"
                          "  nic                 2          0\n");
}

TEST(Statistics, EachMasterOfAnEngineHasARow) {
    const Log log;
    log.log->actor[2].ports = 3;
    ns_log_master *port = log.log->stats.port[2];
    port[NS_AXI_DMA_PORT_MM2S] = {61, 62, 63};
    port[NS_AXI_DMA_PORT_S2MM] = {64, 65, 66};
    port[NS_AXI_DMA_PORT_SG] = {67, 68, 69};
    const std::string text = log.text();
    EXPECT_NE(text.find("  caches             41         42   43 ps\n"
                        "  nic MM2S           61         62   63 ps\n"
                        "  nic S2MM           64         65   66 ps\n"
                        "  nic SG             67         68   69 ps\n"
                        "\n  cycles"),
              std::string::npos)
        << text;
}

TEST(Statistics, ARunThatDidNotEndHasNone) {
    Log log;
    log.log->stats.known = false;
    EXPECT_EQ(log.text(), "\nstatistics: none, the run did not come to its end\n");
}

} // namespace
