/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer pool, faithful or repaired, on a machine of its own, for the tests of its defects. */
#ifndef NS_TESTS_POOL_BUFFER_POOL_FIXTURE_H
#define NS_TESTS_POOL_BUFFER_POOL_FIXTURE_H

#include "fake_port.h"
#include "pool/buffer_pool.h"

namespace buffer_pool_tests {

using fake::kGiB;
using fake::kMiB;
using fake::linear;

constexpr uint64_t kBase = 0x8000'0000;
constexpr uint32_t kLost = UINT32_MAX; /* low half of a count of 2^64 - 1 */

/* A pool of either kind. What a faithful one loses is given back by the destructor, so that the machine can end. */
struct Pool {
    Pool(fake::Machine &owner, size_t count, ns_buffer_pool_options options, const ns_port *port = nullptr)
        : machine(owner), faithful(options.faithful) {
        status = ns_buffer_pool_create(port ? port : machine.port.get(), machine.frames, count, &options, &pool);
    }
    ~Pool() {
        if (!pool)
            return;
        std::vector<uint64_t> frames;
        for (uint32_t number = 0; faithful && number < NS_BUFFER_COUNT_MAX; number++) {
            ns_buffer_address where{};
            if (ns_buffer_pool_address(pool, {number, 0}, &where) == NS_POOL_OK)
                frames.push_back(where.physical);
        }
        EXPECT_EQ(ns_buffer_pool_destroy(pool), NS_POOL_OK);
        for (uint64_t physical : frames)
            EXPECT_EQ(ns_frames_free(machine.frames, physical, 1), NS_POOL_OK);
    }
    Pool(const Pool &) = delete;
    Pool &operator=(const Pool &) = delete;

    ns_buffer allocate() {
        ns_buffer buffer{};
        EXPECT_EQ(ns_buffer_pool_allocate(pool, &buffer), NS_POOL_OK);
        return buffer;
    }
    ns_pool_status try_allocate() {
        ns_buffer buffer{};
        return ns_buffer_pool_allocate(pool, &buffer);
    }
    ns_pool_status release(ns_buffer buffer) { return ns_buffer_pool_release(pool, buffer); }
    uint32_t references(ns_buffer buffer) { return ns_buffer_pool_references(pool, buffer); }
    ns_buffer_address address(ns_buffer buffer) {
        ns_buffer_address where{};
        EXPECT_EQ(ns_buffer_pool_address(pool, buffer, &where), NS_POOL_OK);
        return where;
    }
    struct ns_buffer_pool_statistics statistics() {
        return ns_buffer_pool_get_statistics(pool);
    }

    fake::Machine &machine;
    bool faithful;
    ns_pool_status status;
    ns_buffer_pool *pool = nullptr;
};

inline ns_buffer_pool_options faithful(uint64_t high_turns = 0) {
    ns_buffer_pool_options options{};
    options.faithful = true;
    options.faithful_high_turns = high_turns;
    return options;
}

inline ns_buffer_pool_options repaired() {
    return {};
}

/* RAM on both sides of 4 GiB. */
inline std::vector<ns_frame_region> low_and_high() {
    return {{kBase, kMiB}, {4 * kGiB, kMiB}};
}

} // namespace buffer_pool_tests
#endif
