// SPDX-License-Identifier: Apache-2.0
//
// Small random programs, and how they are written as scenarios.
#include "naive.h"

#include <random>

namespace naive {

namespace {

class maker {
  public:
    explicit maker(uint64_t seed) : random_(seed) {}
    program make() {
        machine_of(what_.on);
        what_.devices = 1;
        what_.lines = 1 + (chance(3) ? 1 : 0);
        what_.actors.resize(what_.on.harts + 1);
        switch (below(6)) {
        case 0:
            transmit();
            break;
        case 1:
        case 2:
            receive();
            break;
        case 3:
            publish();
            break;
        case 4:
            neighbour();
            break;
        default:
            noise();
        }
        while (chance(3))
            disturb();
        return what_;
    }

  private:
    std::mt19937_64 random_;
    program what_;

    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    bool chance(unsigned one_in) { return below(one_in) == 0; }

    void machine_of(machine &m) {
        m.harts = chance(5) ? 2 : 1;
        m.levels = chance(3) ? 2 : 1;
        m.may_fill = !chance(4);
        m.may_evict = !chance(4);
        m.may_drain = !chance(4);
        m.may_late = chance(5);
        m.may_as_flush = chance(6);
        m.fills = chance(5) ? (chance(2) ? fill::ordered : fill::escaping) : fill::atomic;
        m.posted = chance(5);
        m.may_irq_first = m.posted && chance(2);
    }
    std::vector<step> &hart() { return what_.actors[0]; }
    std::vector<step> &device() { return what_.actors[what_.on.harts]; }
    static step on(verb what, unsigned line = 0, unsigned first = 0, unsigned end = cells) {
        step one{};
        one.what = what;
        one.line = line;
        one.first = first;
        one.end = end;
        return one;
    }
    static step mapped(verb what, direction dir, unsigned first, unsigned end) {
        step one = on(what, 0, first, end);
        one.dir = dir;
        return one;
    }

    void transmit() {
        const bool api = chance(2);
        const unsigned end = chance(3) ? 2 : cells;
        if (chance(3))
            hart().push_back(on(verb::load, 0, 0, end));
        hart().push_back(on(verb::store, 0, 0, end));
        hart().push_back(api ? mapped(verb::map, to_device, 0, end) : on(verb::clean, 0, 0, end));
        hart().push_back(on(verb::fence));
        hart().push_back(on(verb::doorbell));
        device().push_back(on(verb::start));
        device().push_back(on(verb::read, 0, 0, end));
        device().push_back(on(verb::raise));
        hart().push_back(on(verb::wait));
        if (api)
            hart().push_back(mapped(verb::unmap, to_device, 0, end));
        if (chance(3))
            hart().push_back(on(verb::store, 0, 0, end));
    }
    void receive() {
        const bool api = chance(2);
        const unsigned end = chance(3) ? 2 : cells;
        if (chance(2))
            hart().push_back(on(verb::store, 0, 0, chance(2) ? 1 : cells));
        hart().push_back(api ? mapped(verb::map, from_device, 0, end) : on(verb::invalidate, 0, 0, end));
        hart().push_back(on(verb::doorbell));
        device().push_back(on(verb::start));
        if (chance(3) && end == cells)
            device().push_back(on(verb::write, 0, 0, 2));
        device().push_back(on(verb::write, 0, 0, end));
        device().push_back(on(verb::raise));
        hart().push_back(on(verb::wait));
        hart().push_back(api ? mapped(chance(3) ? verb::sync_cpu : verb::unmap, from_device, 0, end)
                             : on(verb::invalidate, 0, 0, end));
        hart().push_back(on(verb::load, 0, 0, end));
    }
    // A payload and a flag that the device polls.
    void publish() {
        what_.nc_lines = 1;
        const unsigned flag = what_.lines;
        const bool cached = chance(2);
        hart().push_back(cached ? on(verb::store, 0, 0, 2) : on(verb::store, flag, 2, cells));
        if (cached)
            hart().push_back(on(verb::clean, 0, 0, 2));
        if (chance(2))
            hart().push_back(on(verb::fence));
        hart().push_back(on(verb::store, flag, 0, 1));
        step poll = on(verb::poll, flag, 0, 1);
        poll.awaits = 1 + static_cast<unsigned>(hart().size() - 1);
        device().push_back(poll);
        device().push_back(cached ? on(verb::read, 0, 0, 2) : on(verb::read, flag, 2, cells));
    }
    void neighbour() {
        hart().push_back(on(verb::store, 0, 2, 3));
        hart().push_back(on(chance(2) ? verb::flush : verb::invalidate, 0, 0, 2));
        hart().push_back(on(verb::doorbell));
        if (chance(2))
            hart().push_back(on(verb::store, 0, 2, 3));
        device().push_back(on(verb::start));
        device().push_back(on(verb::write, 0, 0, 2));
        device().push_back(on(verb::raise));
        hart().push_back(on(verb::wait));
        hart().push_back(on(verb::invalidate, 0, 0, 2));
        hart().push_back(on(verb::load, 0, 0, 3));
    }
    void noise() {
        static const verb verbs[] = {verb::load,       verb::store, verb::store, verb::clean,
                                     verb::invalidate, verb::flush, verb::fence};
        for (unsigned h = 0; h < what_.on.harts; h++)
            for (unsigned i = 0; i < 2 + below(2); i++) {
                const unsigned first = below(cells), line = below(what_.lines);
                what_.actors[h].push_back(on(verbs[below(7)], line, first, first + 1 + below(cells - first)));
            }
        hart().push_back(on(verb::doorbell));
        device().push_back(on(verb::start));
        for (unsigned i = 0; i < 1 + below(2); i++) {
            const unsigned first = below(cells), line = below(what_.lines);
            device().push_back(on(chance(2) ? verb::read : verb::write, line, first, first + 1 + below(cells - first)));
        }
        if (chance(2)) {
            device().push_back(on(verb::raise));
            hart().push_back(on(verb::wait));
            hart().push_back(on(verb::load, 0));
        }
    }
    static bool is_signal(verb what) {
        return what == verb::doorbell || what == verb::start || what == verb::raise || what == verb::wait ||
               what == verb::poll;
    }
    // Leaves a step out, swaps two, or shortens one. Signals stay, or a program would only hang.
    void disturb() {
        std::vector<step> &steps = what_.actors[below(static_cast<unsigned>(what_.actors.size()))];
        if (steps.size() < 2)
            return;
        const unsigned at = below(static_cast<unsigned>(steps.size()));
        // Who polls counts steps: such programs keep their number.
        for (const std::vector<step> &actor : what_.actors)
            for (const step &one : actor)
                if (one.what == verb::poll)
                    return;
        const bool api = steps[at].what == verb::map || steps[at].what == verb::unmap;
        switch (below(3)) {
        case 0:
            if (!is_signal(steps[at].what) && !api)
                steps.erase(steps.begin() + at);
            break;
        case 1:
            if (at + 1 < steps.size() && !(api && steps[at + 1].what == verb::unmap) &&
                !(is_signal(steps[at].what) && is_signal(steps[at + 1].what)) && steps[at + 1].what != verb::sync_cpu)
                std::swap(steps[at], steps[at + 1]);
            break;
        default:
            if (!api && steps[at].what != verb::sync_cpu && steps[at].end - steps[at].first > 1)
                steps[at].end--;
        }
    }
};

// Where a store buffer is small, a non-cacheable cell is one entry; then half of the line is left alone.
unsigned bytes_of_cell(const program &what, const step &one) {
    return what.on.entries < 64 && one.line >= what.lines ? 8 : 16;
}

std::string range(const program &what, const step &one) {
    const bool cacheable = one.line < what.lines;
    std::string text = (cacheable ? "line" : "nc") + std::to_string(cacheable ? one.line : one.line - what.lines);
    const unsigned bytes = bytes_of_cell(what, one);
    return text + "[" + std::to_string(bytes * one.first) + ".." + std::to_string(bytes * one.end) + "]";
}

std::string action(const program &what, const step &one, unsigned number) {
    static const char *const directions[] = {"", "to-device", "from-device", "bidirectional"};
    char value[16];
    snprintf(value, sizeof value, "0x%02X", number);
    const std::string at = range(what, one), irq = "irq" + std::to_string(one.device),
                      device = "dev" + std::to_string(one.device);
    switch (one.what) {
    case verb::load:
        return "load " + at;
    case verb::store:
        return "store " + at + " fill " + value;
    case verb::clean:
        return "clean " + at;
    case verb::invalidate:
        return "invalidate " + at;
    case verb::flush:
        return "flush " + at;
    case verb::fence:
        return "fence";
    case verb::doorbell:
        return "doorbell " + device;
    case verb::wait:
        return "wait " + irq;
    case verb::map:
        return "map " + at + " for " + device + " " + directions[one.dir];
    case verb::unmap:
        return "unmap " + at;
    case verb::sync_cpu:
        return "sync-for-cpu " + at;
    case verb::sync_device:
        return "sync-for-device " + at;
    case verb::poll: {
        // One byte of the cell: a number of one byte.
        snprintf(value, sizeof value, "0x%02X", one.awaits);
        const std::string name = at.substr(0, at.find('['));
        const unsigned first = bytes_of_cell(what, one) * one.first;
        return "poll " + name + "[" + std::to_string(first) + ".." + std::to_string(first + 1) + "] == " + value;
    }
    case verb::start:
        return "start";
    case verb::read:
        return "read " + at;
    case verb::write:
        return "write " + at + " fill " + value;
    case verb::raise:
        return "raise " + irq;
    case verb::device_flush:
        return "flush";
    }
    return "";
}

} // namespace

program generate(uint64_t seed) {
    return maker(seed).make();
}

std::string print(const program &what, const std::string &name, std::vector<unsigned> *line_of_step) {
    const machine &m = what.on;
    unsigned line = 0;
    std::string text;
    const auto add = [&](const std::string &one) {
        text += one + "\n";
        line++;
    };
    std::string may;
    const auto allow = [&may](bool yes, const char *word) {
        if (yes)
            may += (may.empty() ? "" : ", ") + std::string(word);
    };
    allow(m.may_fill, "speculative-fill");
    allow(m.may_evict, "evict");
    allow(m.may_drain, "drain");
    allow(m.may_late, "late-maintenance");
    allow(m.may_as_flush, "invalidate-as-flush");
    allow(m.may_irq_first, "irq-before-data");
    add("scenario \"" + name + "\"");
    add("machine \"generated\" from \"one-core-wb64\"");
    add("  harts " + std::to_string(m.harts));
    if (m.local)
        add("  maintenance-reach local");
    if (m.levels == 1)
        add("  no-caches-below L1D");
    add(std::string("  fill ") + (m.fills == fill::atomic    ? "atomic"
                                  : m.fills == fill::ordered ? "ordered"
                                                             : "escaping"));
    if (m.prefetcher != nullptr)
        add(std::string("  prefetcher ") + m.prefetcher);
    add("  store-buffer " + std::to_string(m.entries) + " entries lazy");
    add("  posted-writes " + std::string(m.posted ? "16" : "0") + " entries lazy");
    add("  dma-burst 64 bytes");
    add("  may " + (may.empty() ? "nothing" : may));
    add("end");
    add("use machine \"generated\"");
    for (unsigned d = 0; d < what.devices; d++)
        add("device dev" + std::to_string(d) + " irq irq" + std::to_string(d));
    for (unsigned l = 0; l < what.lines; l++)
        add("buffer line" + std::to_string(l) + " size 64 align 64");
    for (unsigned l = 0; l < what.nc_lines; l++)
        add("buffer nc" + std::to_string(l) + " size 64 align 64 type nc");
    line_of_step->assign(1 + what.actors.size() * 32, 0);
    // Actors in turns, each to where it waits for another: an order that the written run can follow.
    std::vector<size_t> at(what.actors.size(), 0);
    std::vector<unsigned> rung(what.devices, 0), raised(what.devices, 0);
    std::vector<bool> written(line_of_step->size(), false);
    for (bool moved = true, force = false; moved || !force;) {
        force = !moved;
        moved = false;
        for (unsigned a = 0; a < what.actors.size(); a++)
            while (at[a] < what.actors[a].size()) {
                const step &one = what.actors[a][at[a]];
                const unsigned device = a < m.harts ? one.device : a - m.harts;
                const bool blocked = (one.what == verb::start && rung[device] == 0) ||
                                     (one.what == verb::wait && raised[one.device] == 0) ||
                                     (one.what == verb::poll && !written[one.awaits]);
                if (blocked && !force)
                    break;
                const unsigned number = 1 + a * 32 + static_cast<unsigned>(at[a]);
                rung[device] += one.what == verb::doorbell;
                raised[device] += one.what == verb::raise;
                written[number] = true;
                add((a < m.harts ? "cpu" + std::to_string(a) : "dev" + std::to_string(device)) + ": " +
                    action(what, one, number));
                (*line_of_step)[number] = line;
                at[a]++;
                moved = true;
                if (force) {
                    force = false;
                    break;
                }
            }
    }
    return text;
}

} // namespace naive
