// SPDX-License-Identifier: Apache-2.0
//
// The time meter by itself: each moment is one part's.
#include "cache/time_meter.h"

#include "tests/model/in_child.h"

#include <functional>
#include <gtest/gtest.h>

namespace {

using sc_core::SC_NS;
using sc_core::sc_time;

SC_MODULE(metered) {
    SC_HAS_PROCESS(metered);
    metered(sc_core::sc_module_name name, std::function<void()> what) : sc_module(name), body(std::move(what)) {
        SC_THREAD(run);
    }
    void run() {
        body();
        ended = true;
    }
    std::function<void()> body;
    bool ended = false;
};

// Runs it in simulated time, in a process of its own.
void simulate(std::function<void()> body) {
    ns_test::in_child([&] {
        metered module("metered", body);
        sc_core::sc_start();
        EXPECT_TRUE(module.ended);
    });
}

void pass(unsigned ns) {
    sc_core::wait(sc_time(ns, SC_NS));
}

uint64_t spent(const ns::time_meter &meter, unsigned part) {
    return static_cast<uint64_t>(meter.spent(part) / sc_time(1, SC_NS));
}

uint64_t sum(const ns::time_meter &meter) {
    uint64_t all = 0;
    for (unsigned part = 0; part < ns::time_parts; part++)
        all += spent(meter, part);
    return all;
}

TEST(TimeMeter, GivesTimeToThePartThatWasEntered) {
    simulate([] {
        ns::time_meter meter;
        pass(100); // before the actor begins
        meter.start();
        pass(1);
        EXPECT_EQ(meter.enter(ns::time_memory), ns::time_compute);
        pass(20);
        EXPECT_EQ(meter.enter(ns::time_level(1)), ns::time_memory);
        pass(300);
        EXPECT_EQ(meter.enter(ns::time_memory), ns::time_level(1));
        pass(4000);
        meter.stop();
        pass(50000); // behind its end
        EXPECT_EQ(spent(meter, ns::time_compute), 1u);
        EXPECT_EQ(spent(meter, ns::time_memory), 4020u);
        EXPECT_EQ(spent(meter, ns::time_level(1)), 300u);
        EXPECT_EQ(meter.total(), sc_time(4321, SC_NS));
        EXPECT_EQ(sum(meter), 4321u);
    });
}

TEST(TimeMeter, AScopeReturnsToThePartBefore) {
    simulate([] {
        ns::time_meter meter;
        meter.start();
        {
            const ns::time_scope maintenance(&meter, ns::time_maintenance);
            pass(1);
            {
                const ns::time_scope waiting(&meter, ns::time_waiting);
                pass(20);
            }
            pass(300);
            EXPECT_EQ(meter.part(), ns::time_maintenance);
        }
        EXPECT_EQ(meter.part(), ns::time_compute);
        pass(4000);
        meter.stop();
        EXPECT_EQ(spent(meter, ns::time_maintenance), 301u);
        EXPECT_EQ(spent(meter, ns::time_waiting), 20u);
        EXPECT_EQ(spent(meter, ns::time_compute), 4000u);
    });
}

TEST(TimeMeter, AScopeWithoutAMeterDoesNothing) {
    const ns::time_scope scope(nullptr, ns::time_memory);
}

// What is charged has not passed yet; when it passes it is not given away again, whatever part is entered meanwhile.
TEST(TimeMeter, ChargesTimeAheadOnce) {
    simulate([] {
        ns::time_meter meter;
        meter.start();
        pass(1);
        meter.charge(ns::time_level(0), sc_time(20, SC_NS));
        meter.charge(ns::time_memory, sc_time(300, SC_NS));
        EXPECT_EQ(meter.part(), ns::time_compute) << "charging enters nothing";
        pass(100);
        meter.enter(ns::time_waiting);
        pass(220);
        EXPECT_EQ(spent(meter, ns::time_waiting), 0u) << "all of it has been charged";
        pass(4000);
        meter.stop();
        EXPECT_EQ(spent(meter, ns::time_compute), 1u);
        EXPECT_EQ(spent(meter, ns::time_level(0)), 20u);
        EXPECT_EQ(spent(meter, ns::time_memory), 300u);
        EXPECT_EQ(spent(meter, ns::time_waiting), 4000u);
        EXPECT_EQ(sum(meter), 4321u);
        EXPECT_EQ(meter.total(), sc_time(4321, SC_NS));
    });
}

TEST(TimeMeter, CountsNothingBeforeItsStart) {
    simulate([] {
        ns::time_meter meter;
        EXPECT_FALSE(meter.running());
        meter.charge(ns::time_memory, sc_time(5, SC_NS));
        pass(7);
        meter.enter(ns::time_waiting);
        EXPECT_EQ(sum(meter), 0u);
        meter.start();
        EXPECT_TRUE(meter.running());
        pass(9);
        meter.stop();
        EXPECT_FALSE(meter.running());
        EXPECT_EQ(sum(meter), 9u);
        EXPECT_EQ(spent(meter, ns::time_waiting), 9u) << "the part that was entered before";
    });
}

} // namespace
