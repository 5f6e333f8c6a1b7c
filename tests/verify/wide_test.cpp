// SPDX-License-Identifier: Apache-2.0
//
// Programs that the naive explorer is too small for: objects of several lines, objects that share lines, small queues,
// protection regions, prefetchers, local maintenance. Whatever a run shows, the search has found.
#include "run_hazards.h"
#include "support.h"

#include <random>

namespace {

class wide {
  public:
    explicit wide(uint64_t seed) : random_(seed) {}
    std::string text() {
        const bool mpu = chance(6);
        machine(mpu);
        objects(mpu);
        steps();
        return out_;
    }

  private:
    std::mt19937_64 random_;
    std::string out_;
    unsigned harts_ = 1, objects_ = 0, sizes_[3] = {};

    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned one_in) { return below(one_in) == 0; }
    void line(const std::string &text) { out_ += text + "\n"; }
    std::string number(unsigned n) { return std::to_string(n); }

    void machine(bool mpu) {
        harts_ = mpu || !chance(3) ? 1 : 2;
        line(mpu ? "machine \"g\"\n  ram sram at 0x20000000 size 256K\n  attributes mpu\n  dma-direct none\n"
                   "  mpu at 0x20000000 size 16384 " +
                       std::string(chance(2) ? "nc" : "cacheable")
                 : "machine \"g\" from \"one-core-wb64\"");
        line("  harts " + number(harts_));
        if (!mpu && chance(3))
            line("  no-caches-below L1D");
        if (harts_ == 2 && chance(3))
            line("  maintenance-reach local");
        if (chance(4))
            line("  rounding inward");
        std::string may;
        for (const char *word : {"speculative-fill", "evict", "drain", "late-maintenance", "invalidate-as-flush"})
            if (!chance(3) && (word[0] != 'l' || chance(4)) && (word[0] != 'i' || chance(4)))
                may += (may.empty() ? "" : ", ") + std::string(word);
        line("  may " + (may.empty() ? "nothing" : may));
        if (chance(4))
            line(std::string("  fill ") + (chance(2) ? "ordered" : "escaping"));
        line("  store-buffer " + number(1u << below(5)) + " entries " + drain());
        if (chance(3))
            line("  posted-writes " + number(1u << below(4)) + " entries " + drain());
        if (chance(4))
            line(std::string("  prefetcher ") + (chance(2) ? "next-line" : "stride"));
        line("end\nuse machine \"g\"\ndevice nic irq done");
    }
    std::string drain() { return chance(8) ? "eager" : chance(6) ? "after " + number(30 << below(6)) + " ns" : "lazy"; }
    void objects(bool mpu) {
        objects_ = 2 + below(2);
        unsigned at = (mpu ? 0x20000000u : 0x80000000u) + 64 * below(2);
        const bool packed = mpu || chance(2);
        for (unsigned i = 0; i < objects_; i++) {
            sizes_[i] = 32 * (1 + below(6));
            char place[32];
            snprintf(place, sizeof place, packed ? "at 0x%08x" : "align %u", packed ? at : 64u);
            line("buffer b" + number(i) + " size " + number(sizes_[i]) + " " + place +
                 (!packed && chance(4) ? " type nc" : ""));
            at += sizes_[i] + (chance(2) ? 0 : 32);
        }
    }
    std::string range() {
        const unsigned which = below(objects_), units = sizes_[which] / 16;
        if (chance(2))
            return "b" + number(which);
        const unsigned first = below(units), end = first + 1 + below(units - first);
        return "b" + number(which) + "[" + number(16 * first) + ".." + number(16 * end) + "]";
    }
    std::string hart() { return "cpu" + number(below(harts_)) + ": "; }
    std::string value() { return " fill " + number(1 + below(200)); }
    void hart_step() {
        if (chance(16))
            line("hw: drain " + std::string(chance(2) ? "cpu0" : "nic") + (chance(2) ? "" : " " + range()));
        switch (below(9)) {
        case 0:
        case 1:
            line(hart() + "store " + range() + value());
            break;
        case 2:
            line(hart() + "load " + range());
            break;
        case 3:
            line(hart() + "clean " + range());
            break;
        case 4:
        case 5:
            line(hart() + "invalidate " + range());
            break;
        case 6:
            line(hart() + "flush " + range() + (chance(3) ? " scope l1" : ""));
            break;
        case 7:
            line(hart() + (chance(3) ? "cbo.zero " : "cbo.clean ") + range());
            break;
        default:
            line(hart() + "fence");
        }
    }
    void device_step() { line(chance(2) ? "nic: read " + range() : "nic: write " + range() + value()); }
    void steps() {
        const bool maps = chance(3), rings = chance(2);
        const std::string mapped = "b" + number(below(objects_));
        static const char *const directions[] = {"to-device", "from-device", "bidirectional"};
        for (unsigned i = 1 + below(3); i > 0; i--)
            hart_step();
        if (maps)
            line("cpu0: map " + mapped + " for nic " + directions[below(3)]);
        if (chance(3))
            hart_step();
        if (rings)
            line("cpu0: doorbell nic\nnic: start");
        for (unsigned i = 1 + below(2); i > 0; i--)
            device_step();
        const bool raises = rings && chance(2);
        if (chance(3))
            hart_step();
        if (raises)
            line("nic: raise done\ncpu0: wait done");
        if (maps)
            line("cpu0: unmap " + mapped);
        for (unsigned i = below(3); i > 0; i--)
            hart_step();
    }
};

} // namespace

TEST(WidePrograms, ShowNothingInRunsThatTheSearchHasNotFoundAndEveryCounterexampleIsShown) {
    search_programs(
        6, [](uint64_t seed) { return wide(seed).text(); }, [](uint64_t, const verified &) {});
}
