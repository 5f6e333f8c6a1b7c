// SPDX-License-Identifier: Apache-2.0
// What a verifier would hand over, built by hand: the result's own contract (verify/verify.h) is all that the reports
// may rely on, and nothing is searched or simulated here.
#ifndef NS_TESTS_REPORT_SAMPLE_VERIFICATION_H
#define NS_TESTS_REPORT_SAMPLE_VERIFICATION_H

#include "sample_log.h"

#include "verify/verify.h"

#include <array>

class SampleVerification {
  public:
    // A scenario with the actors and lines of `log`: a step at each site.
    explicit SampleVerification(SampleLog &log) : log_(log) {
        scenario.file = log->file;
        scenario.name = log->scenario;
        scenario.lines = const_cast<const char **>(log->lines);
        scenario.line_count = log->line_count;
        std::snprintf(scenario.machine.name, sizeof scenario.machine.name, "one-core-wb64");
        for (unsigned i = 0; i < log->actor_count; ++i) {
            if (log->actor[i].actor_class == NS_ACTOR_CLASS_HART) {
                ++scenario.machine.cache.harts;
            } else if (log->actor[i].actor_class == NS_ACTOR_CLASS_DEVICE) {
                devices_.push_back(ns_device{});
            }
        }
        scenario.devices = devices_.data();
        scenario.device_count = devices_.size();
        result.verdict = NS_VERIFY_PROVED;
        result.as_expected = true;
        result.may = scenario.machine.may = NS_MAY_SPECULATIVE_FILL | NS_MAY_EVICT;
        result.stats.states = 13;
        result.stats.transitions = 16;
        result.stats.data_lines = result.stats.line_classes = 1;
    }

    // Which actor each site of the log belongs to, in their order: "cpu0", "nic", "hw".
    void actors(const std::vector<std::string> &names) {
        for (const std::string &name : names) {
            ns_step step{};
            for (unsigned i = 0; i < log_->actor_count; ++i) {
                if (name == log_->actor[i].name) {
                    step.actor_kind = log_->actor[i].actor_class == NS_ACTOR_CLASS_HART     ? NS_ACTOR_HART
                                      : log_->actor[i].actor_class == NS_ACTOR_CLASS_DEVICE ? NS_ACTOR_DEVICE
                                                                                            : NS_ACTOR_HARDWARE;
                    step.actor = log_->actor[i].index;
                }
            }
            steps_.push_back(step);
        }
        scenario.written = steps_.data();
        scenario.written_count = steps_.size();
    }

    void hazard(size_t index, bool expected) {
        const ns_hazard &found = log_->hazard[index];
        std::vector<ns_schedule_item> items;
        std::string text;
        size_t move = 0;
        for (size_t i = 0; i < found.executed; ++i) {
            for (; move < found.moves && log_->move[move].before <= i; ++move) {
                ns_schedule_item item{};
                item.kind = NS_SCHEDULE_FILL;
                item.has_address = true;
                item.address = 0x80000000;
                items.push_back(item);
                text += std::string(text.empty() ? "" : ",") + log_->move[move].text;
            }
            ns_schedule_item item{};
            item.line = log_->site[log_->executed[i]].line;
            items.push_back(item);
            text += (text.empty() ? "" : ",") + std::to_string(item.line);
        }
        items_.push_back(items);
        texts_.push_back(text);
        ns_verify_hazard made{};
        made.log = log_.get();
        made.index = index;
        made.expected = expected;
        made.length = static_cast<uint32_t>(items.size());
        hazards_.push_back(made);
        for (size_t i = 0; i < hazards_.size(); ++i) {
            hazards_[i].schedule = items_[i].data();
            hazards_[i].schedule_count = items_[i].size();
            hazards_[i].schedule_text = &texts_[i][0];
        }
        result.hazards = hazards_.data();
        result.hazard_count = hazards_.size();
        result.verdict = NS_VERIFY_REFUTED;
        result.as_expected = expected;
    }

    // line 0: a register.
    void observation(uint32_t line, const char *text, ns_verify_quantifier found, bool judged = false,
                     bool held = false, const char *schedule = nullptr) {
        ns_verify_observation made{};
        made.line = line;
        std::snprintf(made.text, sizeof made.text, "%s", text);
        made.found = found;
        made.judged = judged;
        made.held = held;
        made.schedule_text = const_cast<char *>(schedule);
        observations_.push_back(made);
        result.observations = observations_.data();
        result.observation_count = observations_.size();
    }

    void judgement(uint32_t line, ns_mode mode) {
        ns_judgement made{};
        made.line = line;
        made.mode = mode;
        judgements_.push_back(made);
        scenario.judgements = judgements_.data();
        scenario.judgement_count = judgements_.size();
    }

    void missing(ns_hazard_id id, uint32_t line, uint32_t column, uint32_t width) {
        missing_.push_back(ns_verify_missing{id, line, column, width});
        result.missing = missing_.data();
        result.missing_count = missing_.size();
        result.as_expected = false;
    }

    ns_scenario scenario{};
    ns_verify_result result{};

  private:
    SampleLog &log_;
    std::vector<ns_device> devices_;
    std::vector<ns_step> steps_;
    std::vector<std::vector<ns_schedule_item>> items_;
    std::vector<std::string> texts_;
    std::vector<ns_verify_hazard> hazards_;
    std::vector<ns_verify_observation> observations_;
    std::vector<ns_judgement> judgements_;
    std::vector<ns_verify_missing> missing_;
};

// The story of rx-missing-invalidate.dma as a verifier finds it: the line comes into the cache by itself. `condition`
// stands in front of the steps.
inline SampleLog refetch_by_move(const char *condition = nullptr) {
    SampleLog log({
        "use machine \"one-core-wb64\"", "device nic irq irq1", "buffer rx size 64 fill 0x00",
        "cpu0: map    rx for nic from-device       # 4", "nic:  write  rx fill 0xAB", "nic:  raise  irq1",
        "cpu0: wait   irq1", "cpu0: load   rx[0..4] -> got               expect DC-REFETCH", // 8
        "verify always got == 0",                                                            // 9
    });
    const std::vector<uint8_t> zeros(4, 0x00), filled(4, 0xab);
    log->scheduled = true;
    if (condition != nullptr)
        ns_log_moved(log.get(), 0, condition);
    ns_event map = SampleLog::event(NS_EVENT_MAP, SampleLog::CPU0, log.step(4, 7, 3));
    map.peer = SampleLog::NIC;
    log.append(map);
    ns_log_moved(log.get(), 1, "fill:cpu0:0x8000_0000");
    ns_event fill_event = SampleLog::event(NS_EVENT_FILL, SampleLog::HW, NS_NO_SITE);
    fill_event.peer = SampleLog::CPU0;
    fill_event.time_ps = 10;
    uint32_t fill = log.append(fill_event, zeros);
    uint32_t write = log.append(SampleLog::event(NS_EVENT_DMA_WRITE, SampleLog::NIC, log.step(5, 7, 5)), filled);
    log.step(6, 7, 5);
    log.step(7, 7, 4);
    uint32_t site = log.step(8, 7, 4);
    ns_event load = SampleLog::event(NS_EVENT_LOAD, SampleLog::CPU0, site);
    load.link = fill;
    uint32_t found = log.append(load, zeros);
    ns_hazard hazard = SampleLog::hazard(NS_DC_REFETCH, NS_SYMPTOM_STALE, found, site, SampleLog::CPU0);
    SampleLog::note(hazard, NS_NOTE_FILLED, fill);
    SampleLog::note(hazard, NS_NOTE_WROTE, write);
    SampleLog::sample(hazard, zeros, filled);
    ns_log_add_hazard(log.get(), &hazard);
    return log;
}

#endif
