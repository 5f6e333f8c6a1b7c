/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario text, parsed, for tests. */
#ifndef NS_TESTS_SCENARIOS_PARSED_H
#define NS_TESTS_SCENARIOS_PARSED_H

#include "scenarios/scenario.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

inline std::string read_file(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

/* The presets of the tests: the shipped teaching machine, and what a test adds. */
class Presets {
  public:
    Presets() { add("one-core-wb64", read_file(NS_SOURCE_DIR "/scenarios/machines/one-core-wb64.dma")); }
    void add(const std::string &name, const std::string &text) {
        texts_[name] = text;
        names_.clear();
        for (const auto &entry : texts_) {
            names_.push_back(entry.first.c_str());
        }
        names_.push_back(nullptr);
        source_ = {this, &Presets::read, names_.data()};
    }
    const ns_machine_source *source() const { return &source_; }

  private:
    static char *read(void *context, const char *name) {
        const auto &texts = static_cast<Presets *>(context)->texts_;
        auto found = texts.find(name);
        return found == texts.end() ? nullptr : strdup(found->second.c_str());
    }
    std::map<std::string, std::string> texts_;
    std::vector<const char *> names_;
    ns_machine_source source_;
};

class Parsed {
  public:
    explicit Parsed(const std::string &text, const std::string &file = "test.dma") : Parsed(text, file, Presets()) {}
    Parsed(const std::string &text, const std::string &file, const Presets &presets) {
        /* A heap copy of exactly this size: the sanitizer sees any read past the end. */
        std::unique_ptr<char[]> exact(new char[text.size() + (text.empty() ? 1 : 0)]);
        std::memcpy(exact.get(), text.data(), text.size());
        Presets fresh = presets;
        fresh.add("one-core-wb64", read_file(NS_SOURCE_DIR "/scenarios/machines/one-core-wb64.dma"));
        ns_diagnostics_init(&diagnostics_);
        scenario_ = ns_scenario_parse(file.c_str(), exact.get(), text.size(), fresh.source(), &diagnostics_);
    }
    ~Parsed() {
        ns_scenario_destroy(scenario_);
        ns_diagnostics_release(&diagnostics_);
    }
    Parsed(const Parsed &) = delete;
    Parsed &operator=(const Parsed &) = delete;

    const ns_scenario *operator->() const { return scenario_; }
    const ns_scenario *get() const { return scenario_; }
    const ns_diagnostics &diagnostics() const { return diagnostics_; }
    bool good() const { return scenario_ != nullptr && diagnostics_.count == 0; }

    /* "line:column message [suggestion]", one per line. */
    std::string errors() const {
        std::ostringstream text;
        for (size_t i = 0; i < diagnostics_.count; i++) {
            const ns_diagnostic &entry = diagnostics_.entry[i];
            text << entry.line << ":" << entry.column << " " << entry.message;
            if (entry.suggestion != nullptr) {
                text << " [" << entry.suggestion << "]";
            }
            text << "\n";
        }
        return text.str();
    }
    std::string formatted(size_t index) const {
        std::string text(ns_diagnostic_format(&diagnostics_, index, nullptr, 0), '\0');
        std::vector<char> buffer(text.size() + 1);
        ns_diagnostic_format(&diagnostics_, index, buffer.data(), buffer.size());
        return std::string(buffer.data());
    }
    std::string ref(const ns_ref &ref) const {
        char buffer[256];
        ns_ref_format(scenario_, &ref, buffer, sizeof buffer);
        return buffer;
    }

  private:
    ns_scenario *scenario_ = nullptr;
    ns_diagnostics diagnostics_;
};

/* Declarations that most tests share, on one line each: seven lines. A test's own text starts on line 8. */
inline std::string with_prelude(const std::string &text) {
    return "use machine \"one-core-wb64\"\n"
           "device nic irq irq1\n"
           "device dma0 irq irq2\n"
           "struct desc count 4\n  u64 addr\n"
           "buffer rx size 64\n"
           "buffer tx size 32\n" +
           text;
}

#endif
