// SPDX-License-Identifier: Apache-2.0
#include "naive.h"

#include <cstring>
#include <deque>
#include <unordered_map>

namespace naive {

namespace {

constexpr unsigned max_actors = max_harts + max_devices;
constexpr unsigned max_flights = 24;

enum flag : uint8_t { discarded = 1, undefined = 2, lost = 4, unmapped = 8, cpu_owns = 16 };
enum kind : uint8_t { none, store_buffer, late, posted };

// A write on its way: an entry of a store buffer (one per cell), a line that a clean has handed over, a posted write.
struct flight {
    uint8_t what, actor, line, first, end;
    uint8_t version[cells];
};

struct copy {
    uint8_t state; // 0 absent, 1 clean, 2 dirty
    uint8_t version[cells];
};

// Everything; compared as bytes.
struct state {
    uint8_t pc[max_actors];
    copy l1[max_harts][max_lines], l2[max_lines];
    uint8_t sampled[max_harts][max_lines]; // a fill in flight ...
    uint8_t sample[max_harts][max_lines][cells];
    uint8_t memory[max_lines][cells], flat[max_lines][cells];
    uint8_t flags[max_lines][cells];
    uint8_t aged[max_lines][cells]; // 1 + step that gave memory an older version while a copy kept the newest; 0: none
    uint8_t map_device[max_lines][cells], map_dir[max_lines][cells]; // 1 + device, 0: not mapped
    uint8_t wrote[max_lines][cells], read[max_lines][cells];         // last device access: number of its step
    uint8_t rung[max_devices], started[max_devices], pending[max_irqs];
    uint8_t clock[max_actors][max_actors], doorbell[max_devices][max_actors], irq[max_irqs][max_actors];
    uint8_t learnt[max_actors];
    uint8_t flights;
    flight way[max_flights];
};

struct explorer {
    const program &on;
    const machine m;
    unsigned harts, actors, lines;
    result out;
    state s;                 // at work
    std::set<finding> found; // by the move at work
    unsigned number = 0;     // of the step at work, 0: the hardware
    bool stale = false, overflow = false;
    int named_line = -1; // an invalidate names cells [named_first, named_end)
    unsigned named_first = 0, named_end = 0;

    explorer(const program &what, bool late)
        : on(what), m(with_late(what.on, late)), harts(what.on.harts), actors(what.on.harts + what.devices),
          lines(what.lines + what.nc_lines) {}

    static machine with_late(machine on, bool late) {
        on.may_late = late;
        return on;
    }
    static unsigned actor_of(unsigned version) { return (version - 1) / 32; }
    bool cacheable(unsigned line) const { return line < on.lines; }
    bool signals(unsigned device) const {
        for (unsigned h = 0; h < harts; h++)
            for (const step &one : on.actors[h])
                if ((one.what == verb::wait && one.device == device) ||
                    (one.what == verb::poll && actor_of(one.awaits) == harts + device))
                    return true;
        return false;
    }
    void report(unsigned at, const char *symptom) { found.insert({at, symptom}); }

    // ---- where versions are ----
    bool elsewhere(unsigned line, unsigned cell, uint8_t version, bool memory_too) const {
        if (memory_too && s.memory[line][cell] == version)
            return true;
        for (unsigned h = 0; h < harts; h++)
            if (s.l1[h][line].state && s.l1[h][line].version[cell] == version)
                return true;
        if (s.l2[line].state && s.l2[line].version[cell] == version)
            return true;
        for (unsigned i = 0; i < s.flights; i++)
            if (s.way[i].line == line && cell >= s.way[i].first && cell < s.way[i].end &&
                s.way[i].version[cell] == version)
                return true;
        return false;
    }

    // Memory gets a cell. `blame`: the step that made the write, 0 the hardware.
    void memory_cell(unsigned line, unsigned cell, uint8_t version, unsigned blame) {
        const uint8_t flat = s.flat[line][cell];
        if (s.memory[line][cell] == flat && version != flat && !(s.flags[line][cell] & lost)) {
            if (!elsewhere(line, cell, flat, false)) {
                s.flags[line][cell] |= lost;
                report(blame, "lost");
            } else if (!(s.flags[line][cell] & (discarded | undefined))) {
                s.aged[line][cell] = static_cast<uint8_t>(1 + blame);
            }
        }
        s.memory[line][cell] = version;
    }
    void memory_line(unsigned line, const uint8_t *version, unsigned blame) {
        // Compared with what memory held before the whole line came.
        for (unsigned c = 0; c < cells; c++)
            memory_cell(line, c, version[c], blame);
    }
    // Some write of this version is still to come, or has been: memory has it, or a dirty copy, or one on its way.
    bool is_safe(unsigned line, unsigned cell, uint8_t version) const {
        bool safe = s.memory[line][cell] == version || (s.l2[line].state == 2 && s.l2[line].version[cell] == version);
        for (unsigned h = 0; h < harts; h++)
            safe |= s.l1[h][line].state == 2 && s.l1[h][line].version[cell] == version;
        for (unsigned i = 0; i < s.flights; i++)
            safe |= s.way[i].line == line && cell >= s.way[i].first && cell < s.way[i].end &&
                    s.way[i].version[cell] == version;
        return safe;
    }
    // A copy is gone without a write-back; it is out of its cache already. A program that names bytes has given them
    // up with the last copy that would have been written back, though clean ones may be left for a while.
    void dropped(unsigned line, const copy &before) {
        for (unsigned c = 0; c < cells; c++) {
            const uint8_t flat = s.flat[line][c];
            if (before.version[c] != flat || (s.flags[line][c] & (lost | discarded)))
                continue;
            const bool named = named_line == static_cast<int>(line) && c >= named_first && c < named_end;
            if (elsewhere(line, c, flat, true) && !(named && before.state == 2 && !is_safe(line, c, flat)))
                continue;
            if (named) {
                s.flags[line][c] |= discarded;
            } else {
                // Of a clean copy memory had the bytes: who put older ones there has destroyed them.
                const bool aged = before.state != 2 && s.aged[line][c] != 0 && !(s.flags[line][c] & undefined);
                s.flags[line][c] |= lost;
                report(aged ? s.aged[line][c] - 1u : number, "lost");
            }
        }
    }

    // ---- what is on its way ----
    void push(kind what, unsigned actor, unsigned line, unsigned first, unsigned end, const uint8_t *version) {
        if (s.flights == max_flights) {
            overflow = true;
            return;
        }
        flight &f = s.way[s.flights++];
        f = {};
        f.what = what;
        f.actor = static_cast<uint8_t>(actor);
        f.line = static_cast<uint8_t>(line);
        f.first = static_cast<uint8_t>(first);
        f.end = static_cast<uint8_t>(end);
        for (unsigned c = first; c < end; c++)
            f.version[c] = version[c];
    }
    void arrive(unsigned index) {
        const flight f = s.way[index];
        std::memmove(&s.way[index], &s.way[index + 1], (s.flights - index - 1) * sizeof(flight));
        s.way[--s.flights] = flight{};
        if (f.what == store_buffer) // it passes the caches as a non-cacheable access
            drain_late(f.line);
        // Lines that are cleaned late are written by the hardware or the step at work; other writes by who issued them.
        for (unsigned c = f.first; c < f.end; c++)
            memory_cell(f.line, c, f.version[c], f.what == late ? number : f.version[c]);
    }
    void drain_late(unsigned line) {
        for (unsigned i = 0; i < s.flights;)
            if (s.way[i].what == late && s.way[i].line == line)
                arrive(i), i = 0;
            else
                i++;
    }
    void drain_late_of(unsigned hart) {
        for (unsigned i = 0; i < s.flights;)
            if (s.way[i].what == late && s.way[i].actor == hart)
                arrive(i), i = 0;
            else
                i++;
    }
    void drain_stores(unsigned hart, int line, unsigned first, unsigned end) {
        for (unsigned i = 0; i < s.flights;)
            if (s.way[i].what == store_buffer && s.way[i].actor == hart &&
                (line < 0 || (s.way[i].line == line && s.way[i].first < end && first < s.way[i].end)))
                arrive(i), i = 0;
            else
                i++;
    }
    void drain_posted(unsigned device) {
        for (unsigned i = 0; i < s.flights;)
            if (s.way[i].what == posted && s.way[i].actor == harts + device)
                arrive(i), i = 0;
            else
                i++;
    }

    // ---- caches ----
    // A dirty line goes one level down, whatever that holds.
    void down(unsigned line, const uint8_t *version) {
        if (m.levels == 2) {
            s.l2[line].state = 2;
            std::memcpy(s.l2[line].version, version, cells);
        } else {
            drain_late(line);
            memory_line(line, version, number);
        }
    }
    // ... or to the nearest level that holds it, or to memory; late when maintenance may be.
    void down_present(unsigned hart, unsigned line, const uint8_t *version, bool may_wait) {
        if (m.levels == 2 && s.l2[line].state) {
            s.l2[line].state = 2;
            std::memcpy(s.l2[line].version, version, cells);
            return;
        }
        to_memory(hart, line, version, may_wait);
    }
    void to_memory(unsigned hart, unsigned line, const uint8_t *version, bool may_wait) {
        drain_late(line);
        if (may_wait && m.may_late)
            push(late, hart, line, 0, cells, version);
        else
            memory_line(line, version, number);
    }
    void others_before_load(unsigned hart, unsigned line) {
        for (unsigned h = 0; h < harts; h++)
            if (h != hart && s.l1[h][line].state == 2) {
                s.l1[h][line].state = 1;
                down(line, s.l1[h][line].version);
            }
    }
    void others_before_store(unsigned hart, unsigned line) {
        for (unsigned h = 0; h < harts; h++) {
            if (h == hart)
                continue;
            copy &other = s.l1[h][line];
            if (other.state == 2) {
                down(line, other.version);
                other = {};
            } else if (other.state == 1) {
                const copy gone = other;
                other = {};
                dropped(line, gone);
            }
            s.sampled[h][line] = 0;
            std::memset(s.sample[h][line], 0, cells);
        }
    }
    void fetch(unsigned line, uint8_t *version) {
        drain_late(line);
        if (m.levels == 2) {
            if (!s.l2[line].state) {
                s.l2[line].state = 1;
                std::memcpy(s.l2[line].version, s.memory[line], cells);
            }
            std::memcpy(version, s.l2[line].version, cells);
        } else {
            std::memcpy(version, s.memory[line], cells);
        }
    }
    void fill_l1(unsigned hart, unsigned line) {
        others_before_load(hart, line);
        fetch(line, s.l1[hart][line].version);
        s.l1[hart][line].state = 1;
        s.sampled[hart][line] = 0;
        std::memset(s.sample[hart][line], 0, cells);
    }
    void maintain(unsigned hart, verb op, unsigned line, unsigned first, unsigned end) {
        const bool writes = op != verb::invalidate, drops = op != verb::clean;
        named_line = static_cast<int>(line);
        named_first = first;
        named_end = end;
        for (unsigned h = 0; h < harts; h++) {
            copy &c = s.l1[h][line];
            if (!c.state || (m.local && h != hart))
                continue;
            const copy before = c;
            if (before.state == 2 && writes) {
                // The line is still there, or gone, when its bytes arrive below: it holds them anyway.
                down_present(hart, line, before.version, true);
                s.l1[h][line].state = 1;
                if (drops)
                    s.l1[h][line] = {};
            } else if (drops) {
                c = {};
                dropped(line, before);
            }
        }
        if (m.levels == 2 && s.l2[line].state) {
            const copy before = s.l2[line];
            if (before.state == 2 && writes) {
                to_memory(hart, line, before.version, true);
                s.l2[line].state = 1;
                if (drops)
                    s.l2[line] = {};
            } else if (drops) {
                s.l2[line] = {};
                dropped(line, before);
            }
        }
        named_line = -1;
        if (m.fills == fill::ordered)
            for (unsigned h = 0; h < harts; h++) {
                if (m.local && h != hart)
                    continue;
                s.sampled[h][line] = 0;
                std::memset(s.sample[h][line], 0, cells);
            }
    }

    // A fence; calls of the DMA API that maintain caches end with one (docs/machines.md).
    void barrier(unsigned hart) {
        drain_stores(hart, -1, 0, 0);
        drain_late_of(hart);
    }

    // ---- order ----
    static void join(uint8_t *into, const uint8_t *from) {
        for (unsigned a = 0; a < max_actors; a++)
            into[a] = into[a] > from[a] ? into[a] : from[a];
    }
    bool before(unsigned version, unsigned actor) const {
        if (version == 0)
            return true;
        const unsigned writer = actor_of(version), stamp = (version - 1) % 32 + 1;
        return writer == actor || s.clock[actor][writer] >= stamp;
    }
    void tell(unsigned hart, unsigned device, unsigned stamp) {
        s.clock[hart][hart] = static_cast<uint8_t>(stamp);
        join(s.doorbell[device], s.clock[hart]);
        for (unsigned h = 0; h < harts; h++)
            s.doorbell[device][h] = static_cast<uint8_t>(h == hart ? stamp : s.pc[h]);
        if (s.started[device]) {
            join(s.clock[harts + device], s.doorbell[device]);
            s.learnt[harts + device] = s.pc[harts + device];
        }
    }

    // ---- accesses ----
    void wrote_flat(unsigned line, unsigned cell, unsigned version) {
        s.flat[line][cell] = static_cast<uint8_t>(version);
        s.flags[line][cell] &= static_cast<uint8_t>(~(discarded | undefined | lost));
        s.aged[line][cell] = 0;
    }
    bool hart_owner(unsigned hart, const step &one, bool is_store) {
        for (unsigned c = one.first; c < one.end; c++) {
            const uint8_t flags = s.flags[one.line][c];
            if (s.map_device[one.line][c]) {
                if ((flags & cpu_owns) || (!is_store && s.map_dir[one.line][c] == to_device))
                    continue;
                report(number, "ownership");
                return true;
            }
            if (flags & unmapped)
                continue;
            const unsigned wrote = s.wrote[one.line][c], read = s.read[one.line][c];
            if ((wrote && signals(actor_of(wrote) - harts) && !before(wrote, hart)) ||
                (is_store && read && signals(actor_of(read) - harts) && !before(read, hart))) {
                report(number, "ownership");
                return true;
            }
        }
        return false;
    }
    void device_owner(unsigned device, const step &one, bool is_write) {
        for (unsigned c = one.first; c < one.end; c++) {
            const uint8_t flags = s.flags[one.line][c];
            const bool mapped = s.map_device[one.line][c] != 0, own = s.map_device[one.line][c] == device + 1;
            const bool own_before = c > one.first && s.map_device[one.line][c - 1] == device + 1;
            bool bad = !mapped && ((flags & unmapped) || own_before);
            if (own)
                bad = (flags & cpu_owns) || (is_write && s.map_dir[one.line][c] == to_device) ||
                      (!is_write && s.map_dir[one.line][c] == from_device);
            else if (!bad && s.flat[one.line][c] && actor_of(s.flat[one.line][c]) < harts)
                bad = !before(s.flat[one.line][c], harts + device);
            if (bad) {
                report(number, "ownership");
                return;
            }
        }
    }
    void compare(const step &one, const uint8_t *got) {
        for (unsigned c = one.first; c < one.end; c++)
            if (got[c] != s.flat[one.line][c]) {
                stale = true;
                const uint8_t flags = s.flags[one.line][c];
                if (flags & lost)
                    continue;
                // What a map has dropped and the device never wrote has a name of its own (docs/semantics.md).
                const bool leaks = (flags & discarded) && (flags & undefined) && actor_of(number) < harts;
                report(number, leaks ? "leak" : "stale");
            }
    }
    void hart_read(unsigned hart, const step &one, uint8_t *got) {
        drain_stores(hart, static_cast<int>(one.line), one.first, one.end);
        if (cacheable(one.line)) {
            if (!s.l1[hart][one.line].state)
                fill_l1(hart, one.line);
            std::memcpy(got, s.l1[hart][one.line].version, cells);
        } else {
            drain_late(one.line);
            std::memcpy(got, s.memory[one.line], cells);
        }
    }
    void learn(unsigned actor, unsigned version) {
        if (version == 0 || actor_of(version) == actor)
            return;
        const unsigned writer = actor_of(version), stamp = (version - 1) % 32 + 1;
        uint8_t knew[max_actors] = {};
        if (s.learnt[writer] < stamp)
            std::memcpy(knew, s.clock[writer], max_actors);
        knew[writer] = static_cast<uint8_t>(stamp);
        join(s.clock[actor], knew);
        s.learnt[actor] = static_cast<uint8_t>(s.pc[actor] + 1);
    }

    // ---- a step; false: it cannot happen now ----
    bool hart_step(unsigned hart, const step &one, bool as_flush) {
        const unsigned stamp = s.pc[hart] + 1u;
        uint8_t got[cells];
        switch (one.what) {
        case verb::load: {
            hart_read(hart, one, got);
            compare(one, got);
            if (!stale && !hart_owner(hart, one, false))
                for (unsigned c = one.first; c < one.end; c++)
                    if (!(s.flags[one.line][c] & lost) && (s.flags[one.line][c] & undefined)) {
                        report(number, "leak");
                        break;
                    }
            return true;
        }
        case verb::store:
            hart_owner(hart, one, true);
            if (cacheable(one.line))
                drain_stores(hart, static_cast<int>(one.line), one.first, one.end);
            for (unsigned c = one.first; c < one.end; c++)
                wrote_flat(one.line, c, number);
            if (!cacheable(one.line)) {
                uint8_t version[cells];
                std::memset(version, static_cast<int>(number), cells);
                for (unsigned c = one.first; c < one.end; c++)
                    push(store_buffer, hart, one.line, c, c + 1, version);
                return true;
            }
            others_before_store(hart, one.line);
            if (!s.l1[hart][one.line].state) {
                if (one.first == 0 && one.end == cells) {
                    drain_late(one.line);
                    s.sampled[hart][one.line] = 0;
                    std::memset(s.sample[hart][one.line], 0, cells);
                } else {
                    fill_l1(hart, one.line);
                }
            }
            s.l1[hart][one.line].state = 2;
            for (unsigned c = one.first; c < one.end; c++)
                s.l1[hart][one.line].version[c] = static_cast<uint8_t>(number);
            return true;
        case verb::clean:
        case verb::invalidate:
        case verb::flush:
            maintain(hart, one.what == verb::invalidate && as_flush ? verb::flush : one.what, one.line, one.first,
                     one.end);
            return true;
        case verb::fence:
            barrier(hart);
            return true;
        case verb::doorbell:
            s.rung[one.device]++;
            tell(hart, one.device, stamp);
            return true;
        case verb::wait:
            if (!s.pending[one.device])
                return false;
            s.pending[one.device] = 0;
            join(s.clock[hart], s.irq[one.device]);
            s.learnt[hart] = static_cast<uint8_t>(stamp);
            return true;
        case verb::map:
        case verb::sync_device: {
            const verb op = one.dir == to_device     ? verb::clean
                            : one.dir == from_device ? (as_flush ? verb::flush : verb::invalidate)
                                                     : verb::flush;
            maintain(hart, op, one.line, one.first, one.end);
            barrier(hart);
            for (unsigned c = one.first; c < one.end; c++) {
                uint8_t &flags = s.flags[one.line][c];
                flags &= static_cast<uint8_t>(~cpu_owns);
                if (one.what == verb::sync_device)
                    continue;
                s.map_device[one.line][c] = static_cast<uint8_t>(one.device + 1);
                s.map_dir[one.line][c] = one.dir;
                flags &= static_cast<uint8_t>(~unmapped);
                if (one.dir == from_device)
                    flags = static_cast<uint8_t>((flags | undefined) & ~lost);
            }
            tell(hart, one.device, stamp);
            return true;
        }
        case verb::unmap:
        case verb::sync_cpu:
            if (one.dir != to_device) {
                maintain(hart, as_flush ? verb::flush : verb::invalidate, one.line, one.first, one.end);
                barrier(hart);
            }
            for (unsigned c = one.first; c < one.end; c++) {
                uint8_t &flags = s.flags[one.line][c];
                if (one.what == verb::sync_cpu) {
                    flags |= cpu_owns;
                    continue;
                }
                s.map_device[one.line][c] = s.map_dir[one.line][c] = 0;
                flags = static_cast<uint8_t>((flags & ~cpu_owns) | unmapped);
            }
            return true;
        case verb::poll:
            hart_read(hart, one, got);
            if (got[one.first] != one.awaits)
                return false;
            learn(hart, one.awaits);
            return true;
        default:
            return false;
        }
    }
    bool device_step(unsigned device, const step &one) {
        const unsigned actor = harts + device, stamp = s.pc[actor] + 1u;
        switch (one.what) {
        case verb::start:
            if (!s.rung[device])
                return false;
            s.rung[device]--;
            join(s.clock[actor], s.doorbell[device]);
            s.learnt[actor] = static_cast<uint8_t>(stamp);
            s.started[device] = 1;
            return true;
        case verb::read:
            drain_posted(device);
            for (unsigned c = one.first; c < one.end; c++)
                s.read[one.line][c] = static_cast<uint8_t>(number);
            compare(one, s.memory[one.line]);
            if (!stale)
                device_owner(device, one, false);
            return true;
        case verb::write: {
            uint8_t version[cells];
            std::memset(version, static_cast<int>(number), cells);
            device_owner(device, one, true);
            for (unsigned c = one.first; c < one.end; c++) {
                wrote_flat(one.line, c, number);
                s.wrote[one.line][c] = static_cast<uint8_t>(number);
            }
            if (m.posted)
                push(posted, actor, one.line, one.first, one.end, version);
            else
                for (unsigned c = one.first; c < one.end; c++)
                    memory_cell(one.line, c, static_cast<uint8_t>(number), number);
            return true;
        }
        case verb::raise:
            if (!m.may_irq_first)
                drain_posted(device);
            s.pending[device] = 1;
            s.clock[actor][actor] = static_cast<uint8_t>(stamp);
            join(s.irq[device], s.clock[actor]);
            return true;
        case verb::device_flush:
            drain_posted(device);
            return true;
        case verb::poll:
            drain_posted(device);
            if (s.memory[one.line][one.first] != one.awaits)
                return false;
            learn(actor, one.awaits);
            return true;
        default:
            return false;
        }
    }
    bool act(unsigned actor, bool as_flush) {
        const step &one = on.actors[actor][s.pc[actor]];
        number = 1 + actor * 32 + s.pc[actor];
        stale = false;
        const bool done = actor < harts ? hart_step(actor, one, as_flush) : device_step(actor - harts, one);
        if (done)
            s.pc[actor]++;
        return done;
    }

    // ---- the hardware: move `index`; false: there is none of this number; *happens: it changes something ----
    bool hardware(unsigned index, bool *happens) {
        *happens = false;
        number = 0;
        const unsigned per_line = 4; // fill or sample, install, evict, late
        if (index < harts * lines * per_line) {
            const unsigned hart = index / (lines * per_line), line = index / per_line % lines, what = index % per_line;
            if (!cacheable(line))
                return true;
            copy &c = s.l1[hart][line];
            if (what == 0 && m.may_fill && !c.state && !s.sampled[hart][line]) {
                *happens = true;
                if (m.fills == fill::atomic) {
                    fill_l1(hart, line);
                } else {
                    others_before_load(hart, line);
                    fetch(line, s.sample[hart][line]);
                    s.sampled[hart][line] = 1;
                }
            } else if (what == 1 && s.sampled[hart][line]) {
                *happens = true;
                bool dirty_elsewhere = false;
                for (unsigned h = 0; h < harts; h++)
                    dirty_elsewhere |= h != hart && s.l1[h][line].state == 2;
                if (!c.state && !dirty_elsewhere) {
                    drain_late(line);
                    c.state = 1;
                    std::memcpy(c.version, s.sample[hart][line], cells);
                }
                s.sampled[hart][line] = 0;
                std::memset(s.sample[hart][line], 0, cells);
            } else if (what == 2 && m.may_evict && (c.state || (hart == 0 && s.l2[line].state))) {
                *happens = true;
                evict(hart, line);
            } else if (what == 3 && (m.may_drain || m.may_late) && hart == 0) {
                for (unsigned i = 0; i < s.flights; i++)
                    *happens |= s.way[i].what == late && s.way[i].line == line;
                if (*happens)
                    drain_late(line);
            }
            return true;
        }
        index -= harts * lines * per_line;
        if (index >= s.flights)
            return false;
        const flight f = s.way[index];
        bool older = false;
        for (unsigned i = 0; i < index; i++)
            older |=
                s.way[i].what == f.what && s.way[i].actor == f.actor &&
                (f.what == posted || (s.way[i].line == f.line && s.way[i].first < f.end && f.first < s.way[i].end));
        if (m.may_drain && !older && f.what != late) {
            *happens = true;
            arrive(index);
        }
        return true;
    }
    void evict(unsigned hart, unsigned line) {
        copy &c = s.l1[hart][line];
        if (c.state) {
            drain_late(line);
            const copy before = c;
            if (before.state == 2) {
                down_present(hart, line, before.version, false);
                s.l1[hart][line] = {};
            } else {
                c = {};
                dropped(line, before);
            }
        }
        if (m.levels == 2 && s.l2[line].state) {
            drain_late(line);
            const copy before = s.l2[line];
            if (before.state == 2) {
                memory_line(line, before.version, number);
                s.l2[line] = {};
            } else {
                s.l2[line] = {};
                dropped(line, before);
            }
        }
    }

    // ---- the search ----
    struct hash {
        size_t operator()(const std::string &text) const { return std::hash<std::string>()(text); }
    };
    std::unordered_map<std::string, unsigned, hash> seen;
    std::deque<const std::string *> queue;

    void reach(unsigned distance) {
        for (const finding &one : found)
            if (out.findings.insert(one).second && (out.shortest == 0 || distance < out.shortest))
                out.shortest = distance;
        const auto inserted = seen.emplace(std::string(reinterpret_cast<const char *>(&s), sizeof s), distance);
        if (inserted.second)
            queue.push_back(&inserted.first->first);
    }

    // Entries come one by one, and a full buffer lets any go. So behind a store its last entry is there and, beside it,
    // as many as there is room for: of a cell of two entries one is enough to keep it.
    void make_room(unsigned hart, const step &store, unsigned version, unsigned distance) {
        unsigned waits = 1; // the last one, followed or not
        for (unsigned i = 0; i < s.flights; i++)
            waits += s.way[i].what == store_buffer && s.way[i].actor == hart &&
                     !(s.way[i].first == store.end - 1 && s.way[i].version[store.end - 1] == version);
        if (waits <= m.entries) {
            reach(distance);
            return;
        }
        const state full = s;
        const std::set<finding> before = found;
        for (unsigned i = 0; i < full.flights; i++) {
            const flight &f = full.way[i];
            bool stays = f.what != store_buffer || f.actor != hart;
            for (unsigned older = 0; older < i; older++)
                stays |= full.way[older].what == f.what && full.way[older].actor == hart &&
                         full.way[older].line == f.line && full.way[older].first == f.first;
            if (stays)
                continue;
            s = full;
            found = before;
            number = 0; // by itself: it may have left before
            arrive(i);
            make_room(hart, store, version, distance);
        }
    }

    bool finished() const {
        for (unsigned a = 0; a < actors; a++)
            if (s.pc[a] < on.actors[a].size())
                return false;
        return true;
    }
    // Nobody can step; what is on its way arrives in the end. Is it still so?
    bool hangs(const state &from) {
        s = from;
        found.clear();
        while (s.flights > 0)
            arrive(0);
        const state drained = s;
        for (unsigned a = 0; a < actors; a++) {
            s = drained;
            if (s.pc[a] < on.actors[a].size() && act(a, false))
                return false;
        }
        return true;
    }

    result run(size_t limit) {
        std::memset(static_cast<void *>(&s), 0, sizeof s);
        reach(0);
        while (!queue.empty()) {
            if (seen.size() > limit || overflow) {
                out.complete = false;
                break;
            }
            state from;
            const std::string *key = queue.front();
            queue.pop_front();
            std::memcpy(static_cast<void *>(&from), key->data(), sizeof from);
            const unsigned distance = seen.at(*key);
            bool steps = false;
            for (unsigned a = 0; a < actors; a++)
                for (unsigned as_flush = 0; as_flush <= (m.may_as_flush ? 1u : 0u); as_flush++) {
                    s = from;
                    found.clear();
                    if (s.pc[a] < on.actors[a].size() && act(a, as_flush != 0)) {
                        steps = true;
                        const step &one = on.actors[a][from.pc[a]];
                        if (a < harts && m.entries < 64 && one.what == verb::store && !cacheable(one.line))
                            make_room(a, one, 1 + a * 32 + from.pc[a], distance + 1);
                        else
                            reach(distance + 1);
                    }
                }
            bool happens;
            for (unsigned index = 0;; index++) {
                s = from;
                found.clear();
                if (!hardware(index, &happens))
                    break;
                if (happens)
                    reach(distance + 1);
            }
            // Somebody polls, and time passes: of each actor the oldest one leaves in the end.
            bool spins = false;
            for (unsigned a = 0; a < actors; a++)
                spins |= from.pc[a] < on.actors[a].size() && on.actors[a][from.pc[a]].what == verb::poll;
            for (unsigned a = 0; a < actors && spins && !m.may_drain; a++)
                for (unsigned i = 0; i < from.flights; i++)
                    if (from.way[i].actor == a && from.way[i].what != late) {
                        s = from;
                        found.clear();
                        number = 0;
                        arrive(i);
                        reach(distance + 1);
                        break;
                    }
            s = from;
            if (!steps && !finished() && hangs(from))
                out.findings.insert({0, "hang"});
        }
        out.states = seen.size();
        return out;
    }
};

} // namespace

result explore(const program &what, size_t state_limit) {
    result all = explorer(what, what.on.may_late).run(state_limit);
    if (!what.on.may_late || !all.complete)
        return all;
    // Maintenance that may be late may also be complete at once, in the whole run.
    const result at_once = explorer(what, false).run(state_limit);
    all.complete = at_once.complete;
    all.findings.insert(at_once.findings.begin(), at_once.findings.end());
    if (all.shortest == 0 || (at_once.shortest != 0 && at_once.shortest < all.shortest))
        all.shortest = at_once.shortest;
    all.states += at_once.states;
    return all;
}

} // namespace naive
