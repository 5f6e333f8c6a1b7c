// SPDX-License-Identifier: Apache-2.0
#ifndef NS_TESTS_VERIFY_SUPPORT_H
#define NS_TESTS_VERIFY_SUPPORT_H

#include "model/hazard.h"
#include "scenarios/scenario.h"
#include "verify/verify.h"

extern "C" {
#include "cli/presets.h"
}

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

// A scenario from its text, with the presets of the command.
class parsed_scenario {
  public:
    explicit parsed_scenario(const std::string &text, const char *name = "test.dma") {
        ns_diagnostics_init(&diagnostics_);
        const char *names[NS_PRESET_LIMIT + 1];
        ns_machine_source source;
        ns_preset_source(&source, names);
        scenario_ = ns_scenario_parse(name, text.data(), text.size(), &source, &diagnostics_);
        for (size_t i = 0; i < diagnostics_.count; i++) {
            char message[1024];
            ns_diagnostic_format(&diagnostics_, i, message, sizeof message);
            ADD_FAILURE() << message << text;
        }
    }
    ~parsed_scenario() {
        ns_scenario_destroy(scenario_);
        ns_diagnostics_release(&diagnostics_);
    }
    parsed_scenario(const parsed_scenario &) = delete;
    parsed_scenario &operator=(const parsed_scenario &) = delete;
    const ns_scenario *get() const { return scenario_; }
    bool good() const { return scenario_ != nullptr && diagnostics_.count == 0; }

  private:
    ns_diagnostics diagnostics_;
    ns_scenario *scenario_ = nullptr;
};

// The result of a verification, released at the end.
class verified {
  public:
    explicit verified(const ns_scenario *scenario, const ns_verify_options &options = {}) {
        char message[512] = "";
        status = ns_verify_scenario(scenario, &options, &result, message, sizeof message);
        EXPECT_EQ(status, NS_OK) << message;
    }
    ~verified() {
        if (status == NS_OK)
            ns_verify_release(&result);
    }
    verified(const verified &) = delete;
    verified &operator=(const verified &) = delete;
    const ns_hazard &hazard(size_t index) const {
        return result.hazards[index].log->hazard[result.hazards[index].index];
    }
    uint32_t line(size_t index) const {
        const ns_hazard &one = hazard(index);
        const ns_log *log = result.hazards[index].log;
        return one.site < log->site_count ? log->site[one.site].line : 0;
    }
    bool shows(ns_hazard_id id) const {
        for (size_t i = 0; i < result.hazard_count; i++)
            if (hazard(i).id == id || hazard(i).also == id)
                return true;
        return false;
    }
    bool shows(ns_symptom symptom) const {
        for (size_t i = 0; i < result.hazard_count; i++)
            if (hazard(i).symptom == symptom)
                return true;
        return false;
    }
    ns_status status = NS_OK;
    ns_verify_result result{};
};

#endif
