// SPDX-License-Identifier: Apache-2.0
//
// A machine without SystemC around the tracker: two harts with real caches, real memory, two devices, and lists in the
// place of store buffers and posted writes. It tells the tracker what nosnoop.h's machine tells it, and keeps no time.
#ifndef NS_TESTS_MODEL_SMALL_MACHINE_H
#define NS_TESTS_MODEL_SMALL_MACHINE_H

#include "model/tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace ns_test {

constexpr uint64_t ram = 0x80000000;
constexpr uint32_t line = 64;
enum Actor : unsigned { cpu0, cpu1, dev0, dev1, hw };
enum Direction : uint8_t { to_device = 1, from_device = 2, both_ways = 3 };

class SmallMachine : public ::testing::Test {
  protected:
    using Bytes = std::vector<uint8_t>;

    SmallMachine() {
        ns_machine_config_default(&config);
        config.cache.harts = 2;
        config.cache.level[0].size = 4096;
        config.cache.provenance = true;
        ns_memory_config memory_config{};
        memory_config.regions = 1;
        memory_config.region[0] = {ram, 1 << 20};
        memory_config.provenance = true;
        const ns_memory_observer memory_observer = {this, before_write};
        memory = ns_memory_create(&memory_config, &memory_observer);
        const ns_cache_backing backing = {this, read_memory, write_memory};
        const ns_cache_observer observer = {this, on_fill, on_write_back, on_drop};
        cache = ns_cache_create(&config.cache, &backing, &observer);

        const char *const names[] = {"cpu0", "cpu1", "dev0", "dev1", "hw"};
        for (unsigned i = cpu0; i <= hw; i++) {
            std::snprintf(log->actor[i].name, sizeof log->actor[i].name, "%s", names[i]);
            log->actor[i].actor_class = i < dev0 ? NS_ACTOR_CLASS_HART
                                        : i < hw ? NS_ACTOR_CLASS_DEVICE
                                                 : NS_ACTOR_CLASS_HW;
        }
        log->actor_count = hw + 1;
        log->levels = 1;
        log->line_size[0] = line;
        const ns_tracker_view view = {this, cache, memory, &config, find_in_flight};
        tracker = ns_tracker_create(log, &view);
        set_device(dev0, {});
        set_device(dev1, {});
    }
    ~SmallMachine() override {
        ns_tracker_destroy(tracker);
        ns_cache_destroy(cache);
        ns_memory_destroy(memory);
        ns_log_destroy(log);
    }

    void set_device(unsigned device, ns_tracked_device facts) { ns_tracker_set_device(tracker, device, &facts); }
    // Rings are told to start, and completion is waited for: their order is checked.
    void order_matters(unsigned device) {
        ns_tracked_device facts{};
        facts.starts = facts.rings_doorbell = facts.signals = true;
        set_device(device, facts);
    }
    uint32_t object(const char *name, uint64_t first, uint64_t length, ns_memory_type type = NS_TYPE_CACHEABLE,
                    bool descriptor = false, uint32_t stride = 0) {
        ns_tracked_object made{};
        std::snprintf(made.name, sizeof made.name, "%s", name);
        made.first = first;
        made.length = length;
        made.type = type;
        made.coherent = type != NS_TYPE_CACHEABLE;
        made.descriptor = descriptor;
        made.stride = stride;
        return ns_tracker_add_object(tracker, &made);
    }

    // ---- what actors do; each is a step of its own --------------------------------------------------
    uint32_t step(unsigned actor, ns_event_kind kind, uint64_t address = 0, uint64_t length = 0) {
        return append(actor, kind, address, length, NS_TYPE_CACHEABLE, ++site);
    }
    uint32_t store(unsigned hart, uint64_t address, const Bytes &data, uint32_t object_used = NS_NO_OBJECT) {
        const uint32_t event = step(hart, NS_EVENT_STORE, address, data.size());
        const auto length = static_cast<uint32_t>(data.size());
        ns_tracker_store(tracker, event, object_used, address, length, data.data());
        const std::vector<ns_version> versions(length, event);
        EXPECT_EQ(ns_cache_store(cache, hart, address, length, data.data(), versions.data(), nullptr), NS_OK);
        ns_tracker_arrived(tracker, event);
        return event;
    }
    // A non-cacheable store: it waits in the buffer until drain().
    uint32_t store_nc(unsigned hart, uint64_t address, const Bytes &data, uint32_t object_used = NS_NO_OBJECT) {
        const uint32_t event = append(hart, NS_EVENT_STORE, address, data.size(), NS_TYPE_NC, ++site);
        ns_tracker_store(tracker, event, object_used, address, static_cast<uint32_t>(data.size()), data.data());
        waiting.push_back({NS_FLIGHT_STORE_BUFFER, address, data, event});
        ns_tracker_arrived(tracker, event);
        return event;
    }
    Bytes load(unsigned hart, uint64_t address, uint32_t length, ns_load_facts facts = {}) {
        const uint32_t event = step(hart, NS_EVENT_LOAD, address, length);
        return finish_load(hart, event, address, length, facts);
    }
    Bytes finish_load(unsigned hart, uint32_t event, uint64_t address, uint32_t length, ns_load_facts facts = {}) {
        Bytes data(length);
        std::vector<ns_version> versions(length);
        EXPECT_EQ(ns_cache_load(cache, hart, address, length, data.data(), versions.data(), nullptr), NS_OK);
        ns_cache_copy copy;
        if (ns_cache_peek(cache, 0, hart, address, &copy))
            log->event[event].link = copy.fill_event;
        ns_tracker_load(tracker, event, NS_NO_OBJECT, address, length, data.data(), versions.data(), &facts);
        return data;
    }
    Bytes load_nc(unsigned hart, uint64_t address, uint32_t length, ns_load_facts facts = {},
                  uint32_t object_used = NS_NO_OBJECT) {
        const uint32_t event = append(hart, NS_EVENT_LOAD, address, length, NS_TYPE_NC, ++site);
        log->event[event].level = 1;
        Bytes data(length);
        std::vector<ns_version> versions(length);
        EXPECT_EQ(ns_memory_read(memory, address, length, data.data(), versions.data()), NS_OK);
        ns_tracker_load(tracker, event, object_used, address, length, data.data(), versions.data(), &facts);
        return data;
    }
    uint32_t dma_write(unsigned device, uint64_t address, const Bytes &data, bool posted = false) {
        const uint32_t event = step(device, NS_EVENT_DMA_WRITE, address, data.size());
        const auto length = static_cast<uint32_t>(data.size());
        ns_tracker_dma_write(tracker, event, address, length, data.data());
        waiting.push_back({NS_FLIGHT_POSTED, address, data, event});
        if (!posted)
            drain(event);
        ns_tracker_arrived(tracker, event);
        return event;
    }
    Bytes dma_read(unsigned device, uint64_t address, uint32_t length, ns_load_facts facts = {}) {
        const uint32_t event = step(device, NS_EVENT_DMA_READ, address, length);
        return finish_dma_read(event, address, length, facts);
    }
    Bytes finish_dma_read(uint32_t event, uint64_t address, uint32_t length, ns_load_facts facts = {}) {
        Bytes data(length);
        std::vector<ns_version> versions(length);
        EXPECT_EQ(ns_memory_read(memory, address, length, data.data(), versions.data()), NS_OK);
        ns_tracker_dma_read(tracker, event, address, length, data.data(), versions.data(), &facts);
        return data;
    }
    // What waits under this event number reaches memory.
    void drain(uint32_t event) {
        const auto found =
            std::find_if(waiting.begin(), waiting.end(), [&](const Waiting &w) { return w.event == event; });
        ASSERT_NE(found, waiting.end());
        const Waiting write = *found;
        waiting.erase(found);
        const std::vector<ns_version> versions(write.data.size(), event);
        ASSERT_EQ(ns_memory_write(memory, event, write.address, write.data.size(), write.data.data(), versions.data()),
                  NS_OK);
    }
    uint32_t maintain(unsigned hart, ns_cache_op op, uint64_t address, uint64_t length, uint32_t inside = NS_NO_EVENT) {
        const uint32_t event = step(hart, NS_EVENT_MAINTENANCE, address, length);
        log->event[event].op = static_cast<uint8_t>(op);
        log->event[event].scope = NS_SCOPE_POC;
        log->event[event].inside = inside != NS_NO_EVENT;
        log->event[event].link = inside;
        ns_tracker_maintenance_begin(tracker, event, address, length, false);
        const ns_maintenance what = {op, NS_SCOPE_POC, NS_RANGE, address, length};
        EXPECT_EQ(ns_cache_maintain(cache, hart, &what, nullptr), NS_OK);
        ns_tracker_maintenance_end(tracker);
        return event;
    }
    void evict(unsigned hart, uint64_t address) {
        bool present;
        site++;
        EXPECT_EQ(ns_cache_evict(cache, hart, address, &present, nullptr), NS_OK);
    }
    void prefetch(unsigned hart, uint64_t address) {
        EXPECT_EQ(ns_cache_prefetch(cache, hart, address, nullptr), NS_OK);
    }

    uint32_t map(unsigned hart, unsigned device, uint64_t address, uint64_t length, Direction direction,
                 bool undefined = false) {
        const uint32_t event = call(hart, NS_EVENT_MAP, device, address, length, direction);
        ns_tracker_map(tracker, event, device, address, length, direction, undefined);
        return event;
    }
    void unmap(unsigned hart, unsigned device, uint64_t address, uint64_t length) {
        ns_tracker_unmap(tracker, call(hart, NS_EVENT_UNMAP, device, address, length), device, address);
    }
    void sync(unsigned hart, unsigned device, uint64_t address, uint64_t length, bool for_cpu) {
        const auto kind = for_cpu ? NS_EVENT_SYNC_FOR_CPU : NS_EVENT_SYNC_FOR_DEVICE;
        ns_tracker_sync(tracker, call(hart, kind, device, address, length), device, address, length, for_cpu);
    }
    // Bounce slots, as model/pool_port.c tells them: the API call's event, then each copy with its loads and stores.
    uint32_t bounce_map(unsigned hart, uint64_t slot, uint64_t original, uint64_t length) {
        const uint32_t event = call(hart, NS_EVENT_MAP, dev0, original, length);
        ns_tracker_bounce_map(tracker, event, slot, original, length);
        return event;
    }
    uint32_t bounce_copy(unsigned hart, uint64_t slot, uint64_t original, uint32_t length, bool in) {
        const auto kind = in ? NS_EVENT_SYNC_FOR_DEVICE : NS_EVENT_SYNC_FOR_CPU;
        const uint32_t event = call(hart, kind, dev0, original, length);
        ns_tracker_bounce_copy(tracker, event, slot, original, length, in);
        store(hart, in ? slot : original, load(hart, in ? original : slot, length));
        ns_tracker_bounce_done(tracker, hart);
        return event;
    }
    void free_memory(unsigned hart, uint64_t address, uint64_t length) {
        ns_tracker_free(tracker, step(hart, NS_EVENT_FREE, address, length), address, length);
    }
    void allocate(unsigned hart, uint64_t address, uint64_t length) {
        ns_tracker_alloc(tracker, step(hart, NS_EVENT_ALLOC, address, length), address, length);
    }
    void ring(unsigned hart, unsigned device) {
        const uint32_t event = step(hart, NS_EVENT_DOORBELL);
        log->event[event].peer = static_cast<uint8_t>(device);
        ns_tracker_doorbell(tracker, hart, device);
    }
    void start(unsigned device) {
        step(device, NS_EVENT_START);
        ns_tracker_start(tracker, device);
    }
    void raise_irq(unsigned device, unsigned irq) {
        step(device, NS_EVENT_RAISE);
        ns_tracker_raise(tracker, device, irq);
    }
    void wait_irq(unsigned hart, unsigned irq) {
        step(hart, NS_EVENT_WAIT);
        ns_tracker_wait(tracker, hart, irq);
    }
    void poll_saw(unsigned actor, uint32_t event) {
        step(actor, NS_EVENT_POLL);
        ns_tracker_poll(tracker, actor, event);
    }

    // ---- what came of it ----------------------------------------------------------------------------
    std::string hazards() const {
        std::string all;
        for (size_t i = 0; i < log->hazard_count; i++)
            all += (i == 0 ? "" : " ") + std::string(ns_hazard_text(log->hazard[i].id)->id);
        return all;
    }
    const ns_hazard &hazard(size_t index) const { return log->hazard[index]; }
    static bool notes(const ns_hazard &hazard, uint32_t event) {
        for (uint32_t i = 0; i < hazard.note_count; i++)
            if (hazard.note[i].event == event)
                return true;
        return false;
    }

    ns_machine_config config{};
    ns_log *log = ns_log_create();
    ns_memory *memory = nullptr;
    ns_cache *cache = nullptr;
    ns_tracker *tracker = nullptr;
    uint32_t site = 0;

  private:
    struct Waiting {
        ns_flight where;
        uint64_t address;
        Bytes data;
        uint32_t event;
    };
    std::vector<Waiting> waiting;
    uint32_t write_back_event = 0;

    uint32_t append(unsigned actor, ns_event_kind kind, uint64_t address, uint64_t length, ns_memory_type type,
                    uint32_t at) {
        ns_event event{};
        event.kind = static_cast<uint8_t>(kind);
        event.actor = static_cast<uint8_t>(actor);
        event.address = address;
        event.length = static_cast<uint32_t>(length);
        event.type = static_cast<uint8_t>(type);
        event.site = at;
        event.peer = 0xff;
        return ns_log_append(log, &event);
    }
    uint32_t call(unsigned hart, ns_event_kind kind, unsigned device, uint64_t address, uint64_t length,
                  uint8_t direction = 0) {
        const uint32_t event = step(hart, kind, address, length);
        log->event[event].peer = static_cast<uint8_t>(device);
        log->event[event].direction = direction;
        return event;
    }
    uint32_t line_event(ns_event_kind kind, const ns_cache_line_event *of) {
        const uint32_t event = append(of->hart, kind, of->address, of->length, NS_TYPE_CACHEABLE, site);
        log->event[event].cause = static_cast<uint8_t>(of->cause);
        return event;
    }
    static SmallMachine &self(void *context) { return *static_cast<SmallMachine *>(context); }
    static uint32_t on_fill(void *context, const ns_cache_line_event *of) {
        return self(context).line_event(NS_EVENT_FILL, of);
    }
    static void on_write_back(void *context, const ns_cache_line_event *of) {
        self(context).write_back_event = self(context).line_event(NS_EVENT_WRITE_BACK, of);
    }
    static void on_drop(void *context, const ns_cache_line_event *of, bool dirty) {
        ns_tracker_drop(self(context).tracker, self(context).line_event(NS_EVENT_DROP, of), of, dirty);
    }
    static ns_status read_memory(void *context, uint64_t address, uint32_t length, uint8_t *data,
                                 ns_version *versions) {
        return ns_memory_read(self(context).memory, address, length, data, versions);
    }
    static ns_status write_memory(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                                  const ns_version *versions) {
        return ns_memory_write(self(context).memory, self(context).write_back_event, address, length, data, versions);
    }
    static void before_write(void *context, uint64_t tag, uint64_t address, uint32_t length, const uint8_t *old_data,
                             const ns_version *old_versions, const uint8_t *data, const ns_version *versions) {
        ns_tracker_memory_write(self(context).tracker, static_cast<uint32_t>(tag), address, length, old_data,
                                old_versions, data, versions);
    }
    static bool find_in_flight(void *context, uint64_t address, ns_in_flight *out) {
        bool found = false;
        for (const Waiting &write : self(context).waiting)
            if (address >= write.address && address - write.address < write.data.size() &&
                (!found || write.event > out->version)) {
                *out = {write.where, write.event};
                found = true;
            }
        return found;
    }
};

} // namespace ns_test

#endif
