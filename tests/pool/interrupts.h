/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port whose locks are seen: an interrupt is pending all the time, its handler runs at the first lock that leaves
 * interrupts on, or when one that turned them off is given back. What is asked of memory is noted with the locks.
 */
#ifndef NS_TESTS_POOL_INTERRUPTS_H
#define NS_TESTS_POOL_INTERRUPTS_H

#include "fake_port.h"

#include <functional>

namespace fake {

class Interrupts {
  public:
    explicit Interrupts(Machine &machine) : port(*machine.port.get()), machine_(machine) {
        EXPECT_EQ(current(), nullptr);
        current() = this;
        port.lock = [](void *, bool irqs_off) { current()->lock(irqs_off); };
        port.unlock = [](void *, bool irqs_off) { current()->unlock(irqs_off); };
        port.fill = [](void *self, uint64_t address, uint64_t length, uint8_t value) {
            current()->fills_under_lock += current()->depth_ != 0;
            current()->machine_.port.get()->fill(self, address, length, value);
        };
    }
    ~Interrupts() {
        EXPECT_EQ(depth_, 0) << "a lock was not given back";
        current() = nullptr;
    }
    Interrupts(const Interrupts &) = delete;
    Interrupts &operator=(const Interrupts &) = delete;

    ns_port port;
    std::function<void()> handler; /* runs once for each time that it is set */
    int locks_irqs_on = 0;
    int locks_irqs_off = 0;
    int fills_under_lock = 0;

  private:
    static Interrupts *&current() {
        static Interrupts *instance = nullptr;
        return instance;
    }
    void lock(bool irqs_off) {
        EXPECT_EQ(depth_, 0) << "taken twice: a spin lock would hang";
        depth_++;
        (irqs_off ? locks_irqs_off : locks_irqs_on)++;
        if (!irqs_off)
            interrupt();
    }
    void unlock(bool irqs_off) {
        depth_--;
        if (irqs_off)
            interrupt();
    }
    void interrupt() {
        const std::function<void()> now = std::move(handler);
        handler = nullptr;
        if (now)
            now();
    }

    Machine &machine_;
    int depth_ = 0;
};

} // namespace fake
#endif
