// SPDX-License-Identifier: Apache-2.0
//
// An assembled machine behind nosnoop.h, with programs as lambdas. Make one in each child (in_child.h).
#ifndef NS_TESTS_SYSTEM_RIG_H
#define NS_TESTS_SYSTEM_RIG_H

#include "model/nosnoop.h"
#include "tests/model/in_child.h"

#include <cstdio>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace ns_test {

constexpr uint64_t base = 0x80000000; // RAM of the default machine, mapped one to one
constexpr uint64_t unknown = UINT64_MAX;
using Bytes = std::vector<uint8_t>;

class rig {
  public:
    rig() {
        ns_machine_config_default(&config);
        config.cache.harts = 1;
        config.dma_outstanding = 1;
    }
    ns_machine_config config{};
    std::vector<ns_machine_device> devices;
    ns_machine *machine = nullptr;
    ns_log *log = ns_log_create();

    unsigned device(const char *name, unsigned bits = 64) {
        ns_machine_device made{};
        made.name = name;
        made.dma_bits = bits;
        devices.push_back(made);
        return static_cast<unsigned>(devices.size() - 1);
    }
    // A second level of 64 KiB below an L1 of 1 KiB: 8 sets of 2 ways.
    void two_levels() {
        config.cache.levels = 2;
        config.cache.level[0].size = 1024;
        config.cache.level[0].ways = 2;
        config.cache.level[1] = config.cache.level[0];
        config.cache.level[1].size = 64 << 10;
        config.cache.level[1].ways = 4;
        config.level_hit_cycles[1] = 10;
        std::snprintf(config.level_name[1], sizeof config.level_name[1], "L2");
    }
    void build() {
        char reason[200] = "";
        machine = ns_machine_create(&config, devices.data(), devices.size(), log, reason, sizeof reason);
        if (machine == nullptr) {
            ADD_FAILURE() << reason;
            throw std::runtime_error("no machine");
        }
    }
    unsigned device_actor(unsigned number) const { return ns_machine_device_actor(machine, number); }

    void on(unsigned actor, std::function<void()> program) {
        programs.push_back(std::make_unique<std::function<void()>>(std::move(program)));
        ns_machine_set_program(
            machine, actor,
            [](ns_machine *, unsigned, void *context) { (*static_cast<std::function<void()> *>(context))(); },
            programs.back().get());
    }
    void on_device(unsigned number, std::function<void()> program) { on(device_actor(number), std::move(program)); }
    void on_hardware(std::function<void()> program) { on(ns_machine_hardware_actor(machine), std::move(program)); }
    ns_status run() { return ns_machine_run(machine); }
    // One hart does everything.
    void run_on_hart(std::function<void()> program) {
        on(0, std::move(program));
        EXPECT_EQ(run(), NS_OK);
    }

    // Each call is a step of its own.
    void step(unsigned actor, uint32_t object = NS_NO_OBJECT) { ns_actor_begin(machine, actor, ++site, object); }
    Bytes load(unsigned hart, uint64_t address, uint32_t length) {
        Bytes data(length);
        step(hart);
        EXPECT_EQ(ns_hart_load(machine, hart, address, length, data.data(), nullptr, 0), NS_OK);
        return data;
    }
    void store(unsigned hart, uint64_t address, const Bytes &data) {
        step(hart);
        EXPECT_EQ(ns_hart_store(machine, hart, address, static_cast<uint32_t>(data.size()), data.data()), NS_OK);
    }
    void maintain(unsigned hart, ns_cache_op op, uint64_t address, uint64_t length,
                  ns_cache_scope scope = NS_SCOPE_POC) {
        const ns_maintenance what = {op, scope, NS_RANGE, address, length};
        step(hart);
        EXPECT_EQ(ns_hart_maintain(machine, hart, &what), NS_OK);
    }
    void fence(unsigned hart) {
        step(hart);
        ns_hart_fence(machine, hart);
    }
    Bytes dma_read(unsigned number, uint64_t bus, uint32_t length, uint64_t intended = unknown) {
        Bytes data(length);
        step(device_actor(number));
        EXPECT_EQ(ns_device_read(machine, number, bus, intended, length, data.data(), nullptr, 0), NS_OK);
        return data;
    }
    void dma_write(unsigned number, uint64_t bus, const Bytes &data, uint64_t intended = unknown) {
        step(device_actor(number));
        EXPECT_EQ(ns_device_write(machine, number, bus, intended, static_cast<uint32_t>(data.size()), data.data()),
                  NS_OK);
    }
    Bytes memory(uint64_t physical, uint32_t length) const {
        Bytes data(length);
        EXPECT_EQ(ns_machine_memory_view(machine, physical, length, data.data()), NS_OK);
        return data;
    }
    uint64_t now() const { return ns_machine_now_ps(machine); }
    template <typename What> uint64_t time_of(What what) {
        const uint64_t start = now();
        what();
        return now() - start;
    }

    std::string hazards() const {
        std::string all;
        for (size_t i = 0; i < log->hazard_count; i++)
            all += (i == 0 ? "" : " ") + std::string(ns_hazard_text(log->hazard[i].id)->id);
        return all;
    }
    std::string details() const {
        std::string all;
        for (size_t i = 0; i < log->hazard_count && i < 5; i++)
            all += std::string(ns_hazard_text(log->hazard[i].id)->id) + ": " + log->hazard[i].detail + "\n";
        return all;
    }
    ns_memory_type type_of_last(ns_event_kind kind) const {
        for (size_t i = log->event_count; i-- > 0;)
            if (log->event[i].kind == kind)
                return static_cast<ns_memory_type>(log->event[i].type);
        ADD_FAILURE() << "no such event";
        return NS_TYPE_CACHEABLE;
    }

  private:
    std::vector<std::unique_ptr<std::function<void()>>> programs;
    uint32_t site = 0;
};

} // namespace ns_test

#endif
