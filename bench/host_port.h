// SPDX-License-Identifier: Apache-2.0
// The pool's port on plain host memory, for benchmarks: no simulation, no checks, no log. A virtual address is a host
// pointer, so a load is a load. RAM is one shared-memory object, and a PTE that the pool stores becomes a second host
// mapping of the same page: remapped memory costs what linear memory does. Maintenance, barriers and TLB flushes do
// nothing. What a caller does wrong is counted (misuses) and otherwise ignored.
#ifndef NS_BENCH_HOST_PORT_H
#define NS_BENCH_HOST_PORT_H

#include "pool/port.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <unordered_map>

namespace host {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBase = 0x80000000; // physical address of the first byte of RAM
constexpr uint64_t kUnmapped = UINT64_MAX;

class Port {
  public:
    // `bytes` of zeroed RAM at physical address kBase; a multiple of 4096. Untouched pages cost the host nothing.
    explicit Port(uint64_t bytes) : bytes_(bytes), file_(memfd_create("ram", 0)) {
        if (file_ < 0 || ftruncate(file_, static_cast<off_t>(bytes)) != 0)
            give_up("memfd_create");
        void *ram = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
        if (ram == MAP_FAILED)
            give_up("mmap");
        ram_ = reinterpret_cast<uint64_t>(ram);
        connect();
    }
    ~Port() {
        munmap(reinterpret_cast<void *>(ram_), bytes_);
        close(file_);
    }
    Port(const Port &) = delete;
    Port &operator=(const Port &) = delete;

    const ns_port *get() const { return &port_; }

    uint64_t misuses = 0;

  private:
    static Port &of(void *self) { return *static_cast<Port *>(self); }
    [[noreturn]] static void give_up(const char *what) {
        std::perror(what);
        std::exit(1);
    }

    // One host instruction for each size: a copy of variable length is a call, and would be what is measured.
    template <class Word> static uint64_t load_as(uint64_t address) {
        Word value;
        std::memcpy(&value, reinterpret_cast<const void *>(address), sizeof value);
        return value;
    }
    template <class Word> static void store_as(uint64_t address, uint64_t value) {
        const Word word = static_cast<Word>(value);
        std::memcpy(reinterpret_cast<void *>(address), &word, sizeof word);
    }
    static uint64_t load(void *, uint64_t address, unsigned size) {
        return size == 8   ? load_as<uint64_t>(address)
               : size == 4 ? load_as<uint32_t>(address)
               : size == 2 ? load_as<uint16_t>(address)
                           : load_as<uint8_t>(address);
    }
    static void store(void *, uint64_t address, unsigned size, uint64_t value) {
        if (size == 8)
            store_as<uint64_t>(address, value);
        else if (size == 4)
            store_as<uint32_t>(address, value);
        else if (size == 2)
            store_as<uint16_t>(address, value);
        else
            store_as<uint8_t>(address, value);
    }
    static void fill(void *, uint64_t address, uint64_t length, uint8_t value) {
        std::memset(reinterpret_cast<void *>(address), value, length);
    }
    static void copy(void *, uint64_t to, uint64_t from, uint64_t length) {
        std::memcpy(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), length);
    }

    static uint64_t to_virtual(void *self, uint64_t physical) { return of(self).ram_ + (physical - kBase); }
    static uint64_t to_physical(void *self, uint64_t address) {
        const Port &port = of(self);
        if (address - port.ram_ < port.bytes_)
            return kBase + (address - port.ram_);
        auto page = port.pte_of_.find(address - address % kPage);
        return page == port.pte_of_.end() ? kUnmapped : (page->second >> 10) * kPage + address % kPage;
    }

    static uint64_t reserve_virtual(void *, uint64_t length) {
        void *room = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return room == MAP_FAILED ? 0 : reinterpret_cast<uint64_t>(room);
    }
    static void release_virtual(void *, uint64_t address, uint64_t length) {
        munmap(reinterpret_cast<void *>(address), length);
    }
    static uint64_t get_pte(void *self, uint64_t address) {
        auto page = of(self).pte_of_.find(address);
        return page == of(self).pte_of_.end() ? 0 : page->second;
    }
    static bool set_pte(void *self, uint64_t address, uint64_t pte) {
        Port &port = of(self);
        void *page = reinterpret_cast<void *>(address);
        if (pte == 0) {
            port.pte_of_.erase(address);
            return mmap(page, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
                   MAP_FAILED;
        }
        const auto offset = static_cast<off_t>((pte >> 10) * kPage - kBase);
        if (mmap(page, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, port.file_, offset) == MAP_FAILED)
            return false;
        port.pte_of_[address] = pte;
        return true;
    }

    void connect() {
        port_.context = this;
        port_.load = load;
        port_.store = store;
        port_.fill = fill;
        port_.copy = copy;
        port_.maintain = [](void *, ns_port_cache_op, ns_port_scope, uint64_t, uint64_t) {};
        port_.barrier = [](void *) {};
        port_.to_virtual = to_virtual;
        port_.to_physical = to_physical;
        port_.reserve_virtual = reserve_virtual;
        port_.release_virtual = release_virtual;
        port_.get_pte = get_pte;
        port_.set_pte = set_pte;
        port_.flush_tlb = [](void *, uint64_t, uint64_t) {};
        port_.pte_type_bits = [](void *, ns_port_type) { return UINT64_C(0); };
        port_.metadata_allocate = [](void *, size_t size) { return std::calloc(1, size); };
        port_.metadata_free = [](void *, void *memory) { std::free(memory); };
        port_.misuse = [](void *self, ns_port_misuse, uint64_t, uint64_t) { of(self).misuses++; };
    }

    uint64_t bytes_;
    int file_;
    uint64_t ram_ = 0; // host address of physical kBase
    std::unordered_map<uint64_t, uint64_t> pte_of_;
    ns_port port_{};
};

} // namespace host
#endif
