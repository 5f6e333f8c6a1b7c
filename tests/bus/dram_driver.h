// SPDX-License-Identifier: Apache-2.0
// Sends requests to one DRAM, as a controller's user would. Times are clocks.
#ifndef NS_TESTS_BUS_DRAM_DRIVER_H
#define NS_TESTS_BUS_DRAM_DRIVER_H

#include "bus/dram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace dram_test {

struct Destroy {
    void operator()(ns_dram *dram) const { ns_dram_destroy(dram); }
};

inline ns_dram_config config(const char *grade) {
    ns_dram_config result;
    ns_dram_config_default(&result, ns_dram_grade_find(grade, std::strlen(grade)));
    return result;
}

struct Request {
    uint64_t clock, address;
    bool write = false;
};

// Row, bank, column of the default configuration of DDR3: eight banks, rows of 8 KiB (four devices of 2 KiB).
inline uint64_t at(uint64_t row, uint64_t bank, uint64_t column) {
    return ((row * 8 + bank) * 128 + column) * 64;
}

using Ends = std::vector<uint64_t>;

class Driver {
  public:
    explicit Driver(const ns_dram_config &c) : tck_(c.grade->tck_ps), dram_(ns_dram_create(&c)) {}

    // Ends of requests, in the order in which they are given. One that finds the queue full waits, and those behind it,
    // until a column command has made room.
    Ends run(const std::vector<Request> &requests) {
        requests_ = &requests;
        ends_.assign(requests.size(), 0);
        next_ = done_ = 0;
        while (done_ < requests.size()) {
            const uint64_t due = ns_dram_next_ps(dram_.get());
            const uint64_t arrival = next_ < requests.size() && !full_ ? requests[next_].clock * tck_ : UINT64_MAX;
            now_ = std::max(now_, std::min(due, arrival));
            push();
            ns_dram_done over;
            while (ns_dram_step(dram_.get(), now_, &over)) {
                EXPECT_EQ(ends_[over.tag], 0u) << "ends once";
                EXPECT_EQ(over.ready_ps % tck_, 0u);
                ends_[over.tag] = over.ready_ps / tck_;
                done_++;
                push();
            }
        }
        return ends_;
    }
    ns_dram_stats stats() const { return stats(now_ / tck_); }
    ns_dram_stats stats(uint64_t clock) const {
        ns_dram_stats result;
        ns_dram_get_stats(dram_.get(), clock * tck_, &result);
        return result;
    }

  private:
    void push() {
        full_ = false;
        while (next_ < requests_->size() && (*requests_)[next_].clock * tck_ <= now_ && !full_) {
            const Request &request = (*requests_)[next_];
            full_ = !ns_dram_push(dram_.get(), now_, request.address, request.write, next_);
            next_ += !full_;
        }
    }

    uint64_t tck_, now_ = 0;
    std::unique_ptr<ns_dram, Destroy> dram_;
    const std::vector<Request> *requests_ = nullptr;
    size_t next_ = 0, done_ = 0;
    bool full_ = false;
    Ends ends_;
};

} // namespace dram_test

#endif
