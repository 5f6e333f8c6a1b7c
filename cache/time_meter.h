// SPDX-License-Identifier: Apache-2.0
//
// Where an actor's time goes. A meter knows one part at any moment, and all time that passes is that part's: the parts
// add up to the whole by construction. Whoever makes an actor wait says in which part (time_scope).
#ifndef NS_CACHE_TIME_METER_H
#define NS_CACHE_TIME_METER_H

#include "cache/cache.h"

#include <systemc>

namespace ns {

// The caches are parts too: time_level(0) and so on.
constexpr unsigned time_compute = 0, time_memory = 1, time_maintenance = 2, time_waiting = 3, time_first_level = 4,
                   time_translation = time_first_level + NS_CACHE_MAX_LEVELS, time_parts = time_translation + 1;
constexpr unsigned time_level(unsigned level) {
    return time_first_level + level;
}

class time_meter {
  public:
    void start() {
        begin_ = since_ = sc_core::sc_time_stamp();
        running_ = true;
    }
    void stop() {
        enter(part_);
        end_ = sc_core::sc_time_stamp();
        running_ = false;
    }
    // Time from now on is this part's. Returns the part before.
    unsigned enter(unsigned part) {
        const unsigned before = part_;
        const sc_core::sc_time now = sc_core::sc_time_stamp();
        if (running_ && now > since_) {
            spent_[before] += now - since_;
            since_ = now;
        }
        part_ = part;
        return before;
    }
    // The actor is about to wait for so long, and it is this part's.
    void charge(unsigned part, const sc_core::sc_time &amount) {
        if (!running_)
            return;
        enter(part_);
        spent_[part] += amount;
        since_ += amount;
    }
    unsigned part() const { return part_; }
    bool running() const { return running_; }
    const sc_core::sc_time &spent(unsigned part) const { return spent_[part]; }
    sc_core::sc_time total() const { return end_ - begin_; }

  private:
    bool running_ = false;
    unsigned part_ = time_compute;
    sc_core::sc_time begin_, since_, end_; // since_: up to when all time has been given to a part
    sc_core::sc_time spent_[time_parts];
};

// Until its end the time is one part's. `meter` may be null.
class time_scope {
  public:
    time_scope(time_meter *meter, unsigned part) : meter_(meter), before_(meter == nullptr ? 0 : meter->enter(part)) {}
    ~time_scope() {
        if (meter_ != nullptr)
            meter_->enter(before_);
    }
    time_scope(const time_scope &) = delete;
    time_scope &operator=(const time_scope &) = delete;

  private:
    time_meter *meter_;
    unsigned before_;
};

} // namespace ns

#endif
