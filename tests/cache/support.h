// SPDX-License-Identifier: Apache-2.0
// A memory behind the cache, a record of what the cache tells its observer, and short configurations.
#ifndef NS_TESTS_CACHE_SUPPORT_H
#define NS_TESTS_CACHE_SUPPORT_H

#include "cache/cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

struct CacheDeleter {
    void operator()(ns_cache *cache) const { ns_cache_destroy(cache); }
};
using CachePointer = std::unique_ptr<ns_cache, CacheDeleter>;

// What the observer was told, or the backing was asked, in order.
struct Event {
    enum Kind { Fill, WriteBack, Drop, DirtyDrop, Read, Write } kind;
    unsigned level, hart;
    uint64_t address;
    uint32_t length;
    ns_cache_cause cause;
    std::vector<uint8_t> data;
    std::vector<ns_version> versions;
};

class Machine {
  public:
    static constexpr uint64_t kBase = 0x80000000;

    explicit Machine(const ns_cache_config &configuration, size_t size = 1u << 16)
        : config(configuration), bytes(size), versions(size) {
        ns_cache_backing backing = {this, read, write};
        ns_cache_observer observer = {this, on_fill, on_write_back, on_drop};
        cache.reset(ns_cache_create(&configuration, &backing, &observer));
    }

    uint8_t load(unsigned hart, uint64_t offset) {
        uint8_t value = 0;
        EXPECT_EQ(ns_cache_load(cache.get(), hart, kBase + offset, 1, &value, nullptr, &result), NS_OK);
        return value;
    }
    void store(unsigned hart, uint64_t offset, uint8_t value, ns_version version = 1) {
        EXPECT_EQ(ns_cache_store(cache.get(), hart, kBase + offset, 1, &value, &version, &result), NS_OK);
    }
    void maintain(unsigned hart, ns_cache_op op, uint64_t offset, uint64_t length,
                  ns_maintenance_extent extent = NS_EXACT_LINES, ns_cache_scope scope = NS_SCOPE_POC) {
        ns_maintenance what = {op, scope, extent, kBase + offset, length};
        EXPECT_EQ(ns_cache_maintain(cache.get(), hart, &what, &result), NS_OK);
    }
    ns_line_state state(unsigned level, unsigned hart, uint64_t offset) const {
        ns_cache_copy copy;
        return ns_cache_peek(cache.get(), level, hart, kBase + offset, &copy) ? copy.state : NS_LINE_INVALID;
    }
    ns_mesi mesi(unsigned hart, uint64_t offset) const {
        ns_cache_copy copy;
        return ns_cache_peek(cache.get(), 0, hart, kBase + offset, &copy) ? copy.mesi : NS_MESI_INVALID;
    }
    uint8_t cached(unsigned level, unsigned hart, uint64_t offset) const {
        ns_cache_copy copy;
        if (!ns_cache_peek(cache.get(), level, hart, kBase + offset, &copy))
            return 0xEE;
        return copy.data[kBase + offset - copy.line_address];
    }
    ns_cache_stats stats(unsigned level) const {
        ns_cache_stats stats;
        ns_cache_get_stats(cache.get(), level, &stats);
        return stats;
    }
    size_t count(Event::Kind kind) const {
        size_t n = 0;
        for (const Event &event : events)
            n += event.kind == kind;
        return n;
    }
    std::vector<Event> only(Event::Kind kind) const {
        std::vector<Event> found;
        for (const Event &event : events)
            if (event.kind == kind)
                found.push_back(event);
        return found;
    }
    ::testing::AssertionResult sound() const {
        char reason[200] = "";
        if (ns_cache_check(cache.get(), reason, sizeof reason) == NS_OK)
            return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << reason;
    }

    ns_cache_config config;
    CachePointer cache;
    std::vector<uint8_t> bytes;
    std::vector<ns_version> versions;
    std::vector<Event> events;
    bool record = true;
    ns_cache_result result{};
    // The backing refuses accesses from this many on; negative: never.
    int fail_reads_after = -1, fail_writes_after = -1;

  private:
    static ns_status read(void *context, uint64_t address, uint32_t length, uint8_t *data, ns_version *to) {
        auto *self = static_cast<Machine *>(context);
        if (self->fail_reads_after == 0)
            return NS_ERROR_ADDRESS;
        self->fail_reads_after -= self->fail_reads_after > 0;
        EXPECT_LE(address - kBase + length, self->bytes.size());
        std::memcpy(data, &self->bytes[address - kBase], length);
        EXPECT_EQ(to != nullptr, self->config.provenance);
        if (to)
            std::memcpy(to, &self->versions[address - kBase], length * sizeof *to);
        if (self->record)
            self->events.push_back({Event::Read, 0, 0, address - kBase, length, NS_CAUSE_DEMAND, {}, {}});
        return NS_OK;
    }
    static ns_status write(void *context, uint64_t address, uint32_t length, const uint8_t *data,
                           const ns_version *from) {
        auto *self = static_cast<Machine *>(context);
        if (self->fail_writes_after == 0)
            return NS_ERROR_ADDRESS;
        self->fail_writes_after -= self->fail_writes_after > 0;
        EXPECT_LE(address - kBase + length, self->bytes.size());
        std::memcpy(&self->bytes[address - kBase], data, length);
        EXPECT_EQ(from != nullptr, self->config.provenance);
        if (from)
            std::memcpy(&self->versions[address - kBase], from, length * sizeof *from);
        if (self->record)
            self->events.push_back({Event::Write, 0, 0, address - kBase, length, NS_CAUSE_DEMAND, {}, {}});
        return NS_OK;
    }
    void add(Event::Kind kind, const ns_cache_line_event *event) {
        if (!record)
            return;
        Event e{kind, event->level, event->hart, event->address - kBase, event->length, event->cause, {}, {}};
        if (event->data)
            e.data.assign(event->data, event->data + event->length);
        if (event->versions)
            e.versions.assign(event->versions, event->versions + event->length);
        events.push_back(e);
    }
    static uint32_t on_fill(void *context, const ns_cache_line_event *event) {
        auto *self = static_cast<Machine *>(context);
        self->add(Event::Fill, event);
        return static_cast<uint32_t>(self->events.size());
    }
    static void on_write_back(void *context, const ns_cache_line_event *event) {
        static_cast<Machine *>(context)->add(Event::WriteBack, event);
    }
    static void on_drop(void *context, const ns_cache_line_event *event, bool dirty) {
        static_cast<Machine *>(context)->add(dirty ? Event::DirtyDrop : Event::Drop, event);
    }
};

// `sets` x `ways` lines of `line` bytes, LRU, write-back, write-allocate.
inline ns_cache_level_config level_of(uint32_t sets, uint32_t ways, uint32_t line,
                                      ns_replacement replacement = NS_REPLACE_LRU) {
    return {sets * ways * line, ways, line, replacement, false, false};
}

inline ns_cache_config one_level(uint32_t sets = 4, uint32_t ways = 2, uint32_t line = 64) {
    ns_cache_config config{};
    config.harts = 1;
    config.levels = 1;
    config.level[0] = level_of(sets, ways, line);
    return config;
}

inline ns_cache_config two_levels(ns_inclusion inclusion, uint32_t line1 = 64, uint32_t line2 = 64) {
    ns_cache_config config = one_level(2, 2, line1);
    config.levels = 2;
    config.level[1] = level_of(4, 2, line2);
    config.inclusion = inclusion;
    return config;
}

// The seed of the random tests: NS_TEST_SEED replays a failure.
inline uint64_t test_seed() {
    const char *text = std::getenv("NS_TEST_SEED");
    return text ? std::strtoull(text, nullptr, 0) : 20240607;
}

#endif
