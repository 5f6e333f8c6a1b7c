/* SPDX-License-Identifier: Apache-2.0 */
/* A heap on a machine of its own. */
#ifndef NS_TESTS_POOL_KMALLOC_FIXTURE_H
#define NS_TESTS_POOL_KMALLOC_FIXTURE_H

#include "fake_port.h"
#include "pool/kmalloc.h"

#include <functional>

namespace kmalloc_tests {

using fake::kGiB;
using fake::kMiB;

/* 8 MiB below 16 MiB, 8 MiB above 4 GiB. */
inline std::vector<ns_frame_region> low_and_high() {
    return {{kMiB, 8 * kMiB}, {4 * kGiB, 8 * kMiB}};
}

constexpr ns_kmalloc_options kPatched = {0, false, false, false, false};

struct Kmalloc {
    explicit Kmalloc(const ns_kmalloc_options &options = kPatched, std::vector<ns_frame_region> ram = low_and_high())
        : machine(std::move(ram), 4 * kGiB, 16 * kMiB) {
        EXPECT_EQ(ns_kmalloc_create(machine.port.get(), machine.frames, &options, &kmalloc), NS_POOL_OK);
    }
    ~Kmalloc() { EXPECT_EQ(ns_kmalloc_destroy(kmalloc), NS_POOL_OK); }
    uint64_t alloc(uint64_t size, ns_gfp gfp = NS_GFP_KERNEL) {
        uint64_t address = 0;
        EXPECT_EQ(ns_kmalloc_alloc(kmalloc, size, gfp, &address), NS_POOL_OK) << size;
        return address;
    }
    void free(uint64_t address) { EXPECT_EQ(ns_kmalloc_free(kmalloc, address), NS_POOL_OK); }
    ns_pool_status try_alloc(uint64_t size, ns_gfp gfp = NS_GFP_KERNEL) {
        uint64_t address = 77;
        const ns_pool_status status = ns_kmalloc_alloc(kmalloc, size, gfp, &address);
        if (status == NS_POOL_OK) {
            free(address);
        } else {
            EXPECT_EQ(address, 77u) << "written on failure";
        }
        return status;
    }
    uint64_t word(uint64_t address, unsigned size) { return machine.port.get()->load(&machine.port, address, size); }
    void poke(uint64_t address, uint8_t value) { machine.port.memory(address - fake::kLinear) = value; }
    ns_kmalloc_counts count() const { return ns_kmalloc_count(kmalloc); }

    fake::Machine machine;
    ns_kmalloc *kmalloc = nullptr;
};

} // namespace kmalloc_tests

#endif
