/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool's port on host memory: sparse RAM, a linear mapping at a fixed offset, remaps, a log of what was asked for,
 * and a set of dirty lines (a store through the linear mapping dirties, clean and flush to the point of coherency
 * clear), so that a test can ask what an eviction could still write back. An access outside any mapping fails the test.
 */
#ifndef NS_TESTS_POOL_FAKE_PORT_H
#define NS_TESTS_POOL_FAKE_PORT_H

#include "pool/port.h"
#include "pool/zone.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace fake {

constexpr uint64_t kLinear = 0xffff'ffd6'0000'0000; /* virtual address of physical 0 */
constexpr uint64_t kRemaps = 0xffff'ffc8'0000'0000; /* where remapped ranges begin */
constexpr uint64_t kRemapsEnd = 0xffff'ffd0'0000'0000;
constexpr uint64_t kLine = 64;
constexpr uint64_t kUnmapped = UINT64_MAX;
constexpr unsigned kTypeShift = 61; /* where enum ns_port_type lies in this port's PTEs, as in Svpbmt */
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

struct Event {
    enum Kind { kMaintain, kBarrier, kFill, kRemap, kUnmap, kFlushTlb } kind;
    int detail; /* enum ns_port_cache_op or enum ns_port_type */
    int scope;
    uint64_t address; /* virtual; physical for kRemap */
    uint64_t length;
    bool operator==(const Event &other) const {
        return kind == other.kind && detail == other.detail && scope == other.scope && address == other.address &&
               length == other.length;
    }
};

inline Event maintain(ns_port_cache_op op, uint64_t address, uint64_t length, ns_port_scope scope = NS_PORT_SCOPE_POC) {
    return {Event::kMaintain, op, scope, address, length};
}
inline Event barrier() {
    return {Event::kBarrier, 0, 0, 0, 0};
}
inline Event fill(uint64_t address, uint64_t length) {
    return {Event::kFill, 0, 0, address, length};
}
inline Event remap(uint64_t physical, uint64_t length) {
    return {Event::kRemap, NS_PORT_NC, 0, physical, length};
}

inline std::ostream &operator<<(std::ostream &out, const Event &event) {
    static const char *const names[] = {"maintain", "barrier", "fill", "remap", "unmap", "flush-tlb"};
    return out << names[event.kind] << "(" << event.detail << ", scope " << event.scope << ", 0x" << std::hex
               << event.address << ", 0x" << event.length << std::dec << ")";
}

struct Misuse {
    ns_port_misuse what;
    uint64_t address;
    uint64_t length;
    bool operator==(const Misuse &other) const {
        return what == other.what && address == other.address && length == other.length;
    }
};

inline std::ostream &operator<<(std::ostream &out, const Misuse &misuse) {
    return out << "misuse " << misuse.what << " at 0x" << std::hex << misuse.address << ", length 0x" << misuse.length
               << std::dec;
}

struct Said {
    ns_port_voice voice;
    const char *function;
    const char *text;
    uint64_t first, second;
};

struct Bounce {
    ns_bounce_event what;
    uint64_t slot, original, length;
    bool operator==(const Bounce &other) const {
        return what == other.what && slot == other.slot && original == other.original && length == other.length;
    }
};

inline uint64_t linear(uint64_t physical) {
    return kLinear + physical;
}

class Port {
  public:
    explicit Port(std::vector<ns_frame_region> ram = {{0, 64 * kMiB}}) : ram_(std::move(ram)) {
        port_.context = this;
        port_.load = [](void *self, uint64_t address, unsigned size) { return of(self).load(address, size); };
        port_.store = [](void *self, uint64_t address, unsigned size, uint64_t value) {
            of(self).store(address, size, value);
        };
        port_.fill = [](void *self, uint64_t address, uint64_t length, uint8_t value) {
            of(self).log.push_back(fake::fill(address, length));
            while (length > 0) {
                const uint64_t part = std::min(length, NS_FRAME_SIZE - address % NS_FRAME_SIZE);
                of(self).fill_in_page(address, part, value);
                address += part;
                length -= part;
            }
        };
        port_.copy = [](void *self, uint64_t to, uint64_t from, uint64_t length) {
            for (uint64_t i = 0; i < length; i++)
                of(self).write(to + i, of(self).read(from + i));
        };
        port_.maintain = [](void *self, ns_port_cache_op op, ns_port_scope scope, uint64_t address, uint64_t length) {
            of(self).maintain(op, scope, address, length);
        };
        port_.barrier = [](void *self) { of(self).log.push_back(fake::barrier()); };
        port_.to_virtual = [](void *, uint64_t physical) { return linear(physical); };
        port_.to_physical = [](void *self, uint64_t address) { return of(self).translate(address); };
        port_.reserve_virtual = [](void *self, uint64_t length) { return of(self).reserve(length); };
        port_.release_virtual = [](void *self, uint64_t address, uint64_t length) {
            of(self).release(address, length);
        };
        port_.get_pte = [](void *self, uint64_t address) { return of(self).get_pte(address); };
        port_.set_pte = [](void *self, uint64_t address, uint64_t pte) { return of(self).set_pte(address, pte); };
        port_.flush_tlb = [](void *self, uint64_t address, uint64_t length) {
            of(self).log.push_back({Event::kFlushTlb, 0, 0, address, length});
        };
        port_.pte_type_bits = [](void *, ns_port_type type) { return static_cast<uint64_t>(type) << kTypeShift; };
        port_.say = [](void *self, ns_port_voice voice, const char *function, const char *text, uint64_t first,
                       uint64_t second) {
            of(self).said.push_back({voice, function, text, first, second});
        };
        port_.dma_debug = [](void *self, unsigned check, const char *, uint64_t, uint64_t) {
            of(self).debug_checks.push_back(check);
        };
        port_.bounce = [](void *self, ns_bounce_event what, uint64_t slot, uint64_t original, uint64_t length) {
            of(self).bounces.push_back({what, slot, original, length});
        };
        port_.metadata_allocate = [](void *self, size_t size) { return of(self).metadata_allocate(size); };
        port_.metadata_free = [](void *self, void *memory) { of(self).metadata_free(memory); };
        port_.misuse = [](void *self, ns_port_misuse what, uint64_t address, uint64_t length) {
            of(self).misuses.push_back({what, address, length});
        };
    }
    ~Port() {
        for (void *memory : metadata_)
            std::free(memory);
    }
    Port(const Port &) = delete;
    Port &operator=(const Port &) = delete;

    const ns_port *get() const { return &port_; }
    size_t metadata_blocks() const { return metadata_.size(); }
    void alias(uint64_t address, uint64_t physical) { pages_of_[address] = physical / NS_FRAME_SIZE << 10 | 1; }
    size_t remapped_pages() const { return pages_of_.size(); }
    size_t remaps() const { return reserved_.size(); }
    /* Of a page mapped by set_pte; -1 elsewhere. */
    int type_of(uint64_t address) const {
        auto page = pages_of_.find(address - address % NS_FRAME_SIZE);
        return page == pages_of_.end() ? -1 : static_cast<int>(page->second >> kTypeShift & 3);
    }
    bool heard(const std::string &part) const {
        for (const Said &line : said)
            if (std::string(line.text).find(part) != std::string::npos)
                return true;
        return false;
    }
    bool dirty(uint64_t physical, uint64_t length) const {
        auto line = dirty_.lower_bound(physical / kLine);
        return line != dirty_.end() && *line <= (physical + length - 1) / kLine;
    }
    uint8_t &memory(uint64_t physical) { return pages_[physical / NS_FRAME_SIZE][physical % NS_FRAME_SIZE]; }
    bool in_ram(uint64_t physical) const {
        for (const ns_frame_region &region : ram_)
            if (physical >= region.base && physical - region.base < region.length)
                return true;
        return false;
    }
    uint64_t translate(uint64_t address) const {
        if (address >= kLinear && in_ram(address - kLinear))
            return address - kLinear;
        auto page = pages_of_.find(address - address % NS_FRAME_SIZE);
        return page == pages_of_.end() ? kUnmapped : physical_of(page->second) + address % NS_FRAME_SIZE;
    }

    std::vector<Event> log;
    std::vector<Misuse> misuses;
    int fail_metadata_at = -1; /* counts down; the call that finds 0 fails, all others succeed */
    int fail_set_pte_at = -1;  /* likewise for set_pte */
    bool fail_remap = false;   /* there are no kernel addresses left */
    std::vector<Said> said;
    std::vector<unsigned> debug_checks;
    std::vector<Bounce> bounces;

  private:
    static Port &of(void *self) { return *static_cast<Port *>(self); }

    uint8_t read(uint64_t address) {
        const uint64_t physical = translate(address);
        if (physical == kUnmapped) {
            ADD_FAILURE() << "load from unmapped 0x" << std::hex << address;
            return 0;
        }
        return memory(physical);
    }
    void write(uint64_t address, uint8_t value) { fill_in_page(address, 1, value); }
    void fill_in_page(uint64_t address, uint64_t length, uint8_t value) {
        const uint64_t physical = translate(address);
        if (physical == kUnmapped) {
            ADD_FAILURE() << "store to unmapped 0x" << std::hex << address;
            return;
        }
        std::memset(&memory(physical), value, length);
        for (uint64_t line = physical / kLine; address >= kLinear && line <= (physical + length - 1) / kLine; line++)
            dirty_.insert(line);
    }
    uint64_t load(uint64_t address, unsigned size) {
        EXPECT_EQ(address % size, 0u) << "misaligned load";
        uint64_t value = 0;
        for (unsigned i = size; i-- > 0;)
            value = value << 8 | read(address + i);
        return value;
    }
    void store(uint64_t address, unsigned size, uint64_t value) {
        EXPECT_EQ(address % size, 0u) << "misaligned store";
        for (unsigned i = 0; i < size; i++)
            write(address + i, static_cast<uint8_t>(value >> (8 * i)));
    }
    void maintain(ns_port_cache_op op, ns_port_scope scope, uint64_t address, uint64_t length) {
        log.push_back(fake::maintain(op, address, length, scope));
        EXPECT_NE(length, 0u);
        const uint64_t first = translate(address);
        const uint64_t last = translate(address + length - 1);
        if (first == kUnmapped || last == kUnmapped) {
            ADD_FAILURE() << "maintenance of unmapped 0x" << std::hex << address;
            return;
        }
        if (scope == NS_PORT_SCOPE_POC)
            dirty_.erase(dirty_.lower_bound(first / kLine), dirty_.upper_bound(last / kLine));
    }
    uint64_t reserve(uint64_t length) {
        EXPECT_EQ(length % NS_FRAME_SIZE, 0u);
        if (fail_remap)
            return 0;
        const uint64_t address = next_remap_;
        EXPECT_LT(address + length, kRemapsEnd);
        next_remap_ += length + NS_FRAME_SIZE;
        reserved_[address] = length;
        return address;
    }
    void release(uint64_t address, uint64_t length) {
        auto found = reserved_.find(address);
        if (found == reserved_.end() || found->second != length)
            ADD_FAILURE() << "release of what is not reserved: 0x" << std::hex << address;
        else
            reserved_.erase(found);
    }
    uint64_t get_pte(uint64_t address) const {
        auto found = pages_of_.find(address);
        return found == pages_of_.end() ? 0 : found->second;
    }
    /* Consecutive pages are logged as one remap, or one unmap. */
    bool set_pte(uint64_t address, uint64_t pte) {
        EXPECT_EQ(address % NS_FRAME_SIZE, 0u);
        if (fail_set_pte_at >= 0 && fail_set_pte_at-- == 0)
            return false;
        if (pte == 0) {
            EXPECT_EQ(pages_of_.erase(address), 1u) << "unmap of what is not mapped: 0x" << std::hex << address;
            if (!log.empty() && log.back().kind == Event::kUnmap && log.back().address + log.back().length == address)
                log.back().length += NS_FRAME_SIZE;
            else
                log.push_back({Event::kUnmap, 0, 0, address, NS_FRAME_SIZE});
            return true;
        }
        const uint64_t physical = physical_of(pte);
        const int type = static_cast<int>(pte >> kTypeShift & 3);
        pages_of_[address] = pte;
        if (!log.empty() && log.back().kind == Event::kRemap && log.back().detail == type &&
            log.back().address + log.back().length == physical && last_remapped_ + NS_FRAME_SIZE == address)
            log.back().length += NS_FRAME_SIZE;
        else
            log.push_back({Event::kRemap, type, 0, physical, NS_FRAME_SIZE});
        last_remapped_ = address;
        return true;
    }
    void *metadata_allocate(size_t size) {
        if (fail_metadata_at >= 0 && fail_metadata_at-- == 0)
            return nullptr;
        void *memory = std::aligned_alloc(16, (size + 15) / 16 * 16);
        if (!memory)
            return nullptr;
        std::memset(memory, 0, size);
        metadata_.insert(memory);
        return memory;
    }
    void metadata_free(void *memory) {
        EXPECT_EQ(metadata_.erase(memory), 1u) << "metadata freed twice, or never allocated";
        std::free(memory);
    }

    ns_port port_{};
    std::vector<ns_frame_region> ram_;
    std::map<uint64_t, std::array<uint8_t, NS_FRAME_SIZE>> pages_;
    static uint64_t physical_of(uint64_t pte) { return (pte >> 10 & ((UINT64_C(1) << 44) - 1)) * NS_FRAME_SIZE; }

    std::map<uint64_t, uint64_t> pages_of_; /* virtual page -> PTE */
    std::map<uint64_t, uint64_t> reserved_; /* start -> length */
    uint64_t last_remapped_ = 0;
    std::set<uint64_t> dirty_;
    std::set<void *> metadata_;
    uint64_t next_remap_ = kRemaps;
};

/* A port with a frame allocator on all of its RAM. */
struct Machine {
    explicit Machine(std::vector<ns_frame_region> ram = {{0, 64 * kMiB}}, uint64_t dma32_limit = 4 * kGiB,
                     uint64_t dma_limit = 0)
        : port(ram) {
        const ns_zone_limits limits = {dma_limit, dma32_limit};
        EXPECT_EQ(ns_frames_create(port.get(), ram.data(), ram.size(), &limits, &frames), NS_POOL_OK);
    }
    ~Machine() { EXPECT_EQ(ns_frames_destroy(frames), NS_POOL_OK) << "frames leaked"; }
    uint64_t free_frames() const {
        return ns_frames_free_count(frames, NS_POOL_ZONE_DMA) + ns_frames_free_count(frames, NS_POOL_ZONE_DMA32) +
               ns_frames_free_count(frames, NS_POOL_ZONE_NORMAL);
    }
    bool holds(uint64_t physical, uint64_t count) const {
        return ns_frames_block_state(frames, physical, count) == NS_FRAMES_BLOCK_HELD;
    }

    Port port;
    ns_frames *frames = nullptr;
};

inline uint64_t seed() {
    const char *text = std::getenv("NS_TEST_SEED");
    return text ? std::strtoull(text, nullptr, 0) : 20240607;
}

/* Uniform in [0, bound), the same on every C++ library. */
class Random {
  public:
    explicit Random(uint64_t seed) : engine_(seed) {}
    uint64_t below(uint64_t bound) { return engine_() % bound; }

  private:
    std::mt19937_64 engine_;
};

} // namespace fake
#endif
