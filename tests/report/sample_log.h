// SPDX-License-Identifier: Apache-2.0
// A log as the machine would write it for the receive buffer of docs/manual.md: the line is prefetched, the device
// writes, the CPU reads the old copy. Built by hand, so that reports are tested without any machine.
#ifndef NS_TESTS_REPORT_SAMPLE_LOG_H
#define NS_TESTS_REPORT_SAMPLE_LOG_H

#include "model/log.h"

#include <cstring>
#include <memory>
#include <string>
#include <vector>

class SampleLog {
  public:
    static constexpr uint8_t CPU0 = 0, NIC = 1, HW = 2;

    explicit SampleLog(std::vector<std::string> source, const char *file = "rx.dma")
        : source_(std::move(source)), log_(ns_log_create(), ns_log_destroy) {
        for (const std::string &line : source_) {
            lines_.push_back(line.c_str());
        }
        log_->file = strdup(file);
        log_->scenario = strdup("rx-missing-invalidate");
        log_->machine = strdup("one-core-wb64");
        log_->lines = lines_.data();
        log_->line_count = lines_.size();
        log_->actor_count = 3;
        set_actor(CPU0, "cpu0", NS_ACTOR_CLASS_HART);
        set_actor(NIC, "nic", NS_ACTOR_CLASS_DEVICE);
        set_actor(HW, "hw", NS_ACTOR_CLASS_HW);
        log_->levels = 1;
        std::strcpy(log_->level_name[0], "L1D");
        log_->line_size[0] = 64;
    }

    ns_log *get() { return log_.get(); }
    ns_log *operator->() { return log_.get(); }

    void set_actor(unsigned index, const char *name, ns_actor_class actor_class) {
        std::strcpy(log_->actor[index].name, name);
        log_->actor[index].actor_class = actor_class;
    }

    // The site of the verb that begins at `column` of `line`, executed now.
    uint32_t step(uint32_t line, uint32_t column, uint32_t width) {
        uint32_t site = ns_log_add_site(get(), line, column, width);
        ns_log_executed(get(), site);
        return site;
    }

    static ns_event event(ns_event_kind kind, uint8_t actor, uint32_t site) {
        ns_event made{};
        made.kind = kind;
        made.actor = actor;
        made.peer = 0xff;
        made.site = site;
        made.address = 0x80000000;
        made.length = 4;
        return made;
    }

    uint32_t append(ns_event event, const std::vector<uint8_t> &data = {}) {
        event.data_length = static_cast<uint8_t>(data.size());
        std::copy(data.begin(), data.end(), event.data);
        return ns_log_append(get(), &event);
    }

    static ns_hazard hazard(ns_hazard_id id, ns_symptom symptom, uint32_t event, uint32_t site, uint8_t actor) {
        ns_hazard made{};
        made.id = id;
        made.symptom = symptom;
        made.event = event;
        made.site = site;
        made.actor = actor;
        made.first = 0x80000000;
        made.last = 0x80000003;
        return made;
    }

    static void note(ns_hazard &hazard, ns_note_role role, uint32_t event) {
        hazard.note[hazard.note_count++] = {event, role};
    }

    static void sample(ns_hazard &hazard, const std::vector<uint8_t> &got, const std::vector<uint8_t> &newest) {
        hazard.sample_length = static_cast<uint8_t>(got.size());
        std::copy(got.begin(), got.end(), hazard.got);
        std::copy(newest.begin(), newest.end(), hazard.newest);
    }

    void outcome(ns_outcome_kind kind, ns_hazard_id id, uint32_t hazard, uint32_t line = 0, uint32_t column = 0,
                 uint32_t width = 0, const char *text = "", const char *actual = "") {
        ns_outcome made{};
        made.kind = kind;
        made.id = id;
        made.hazard = hazard;
        made.line = line;
        made.column = column;
        made.width = width;
        std::strcpy(made.text, text);
        std::strcpy(made.actual, actual);
        ns_log_add_outcome(get(), &made);
    }

  private:
    std::vector<std::string> source_;
    std::vector<const char *> lines_;
    std::unique_ptr<ns_log, void (*)(ns_log *)> log_;
};

// The story of the manual, without any outcome.
inline SampleLog refetch_log() {
    SampleLog log({
        "# The CPU reads a receive buffer without giving it back to itself first.", // 1
        "scenario \"rx-missing-invalidate\"", "use machine \"one-core-wb64\"", "", "device nic   dma-bits 32 irq irq1",
        "buffer rx    size 64 align 64 fill 0x00", "",
        "cpu0: load   rx[0..4]                      # the line is now in the cache", // 8
        "cpu0: map    rx for nic from-device",
        "hw:   prefetch cpu0 rx                     # allowed on a real core, at any time", // 10
        "nic:  write  rx fill 0xAB", "nic:  raise  irq1", "cpu0: wait   irq1",
        "                                           # missing here:  cpu0: unmap rx",
        "cpu0: load   rx[0..4] -> got               expect DC-REFETCH", // 15
        "",
        "final    got == 0x00000000", // 17
    });
    const std::vector<uint8_t> zeros(4, 0x00), filled(4, 0xab);
    log.step(8, 7, 4);
    log.step(9, 7, 3);
    uint32_t fill = log.append(SampleLog::event(NS_EVENT_FILL, SampleLog::CPU0, log.step(10, 7, 8)), zeros);
    uint32_t write = log.append(SampleLog::event(NS_EVENT_DMA_WRITE, SampleLog::NIC, log.step(11, 7, 5)), filled);
    log.step(12, 7, 5);
    log.step(13, 7, 4);
    uint32_t site = log.step(15, 7, 4);
    ns_event load = SampleLog::event(NS_EVENT_LOAD, SampleLog::CPU0, site);
    load.link = fill;
    uint32_t found = log.append(load, zeros);
    ns_hazard hazard = SampleLog::hazard(NS_DC_REFETCH, NS_SYMPTOM_STALE, found, site, SampleLog::CPU0);
    SampleLog::note(hazard, NS_NOTE_FILLED, fill);
    SampleLog::note(hazard, NS_NOTE_WROTE, write);
    SampleLog::sample(hazard, zeros, filled);
    ns_log_add_hazard(log.get(), &hazard);
    log->end_ps = 1240000;
    return log;
}

#endif
