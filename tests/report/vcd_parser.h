// SPDX-License-Identifier: Apache-2.0
//
// A strict reader of four-state value change dumps: IEEE Std 1364-2005, section 18.2, and nothing beyond it. What it
// does not like is an exception with one sentence. On top of the standard it asks for what makes a dump easy to
// compare: times that grow, values in their shortest form, no change to the value that a signal has already.
#ifndef NS_TESTS_REPORT_VCD_PARSER_H
#define NS_TESTS_REPORT_VCD_PARSER_H

#include <cstdint>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ns_test {

struct vcd_change {
    uint64_t time;
    std::string value; // bits, the highest one first, without leading zeros; "1" of an event
};

struct vcd_variable {
    std::string path; // "caches.L2.L2_rx_80000000"
    std::string type;
    unsigned width = 0;
    std::vector<vcd_change> changes; // the first one is the initial value, except of events
};

class vcd_file {
  public:
    explicit vcd_file(const std::string &text) : tokens_(text) {
        if (text.empty() || text.back() != '\n')
            fail("the file does not end with a newline");
        for (const char c : text)
            if (c != '\n' && (c < ' ' || c > '~'))
                fail("a byte that is no printable ASCII");
        read_declarations();
        read_simulation();
    }

    const std::vector<vcd_variable> &variables() const { return variables_; }
    uint64_t end() const { return time_; }
    bool cut() const { return cut_; }
    bool has(const std::string &path) const { return find(path) != nullptr; }
    const vcd_variable &at(const std::string &path) const {
        const vcd_variable *found = find(path);
        if (found == nullptr)
            throw std::runtime_error("no variable " + path);
        return *found;
    }
    // What it has at the end.
    std::string last(const std::string &path) const {
        const vcd_variable &variable = at(path);
        return variable.changes.empty() ? "" : variable.changes.back().value;
    }
    // Bits as the characters that they pack, as Verilog keeps strings (3.6); "" for no character at all.
    static std::string characters(const std::string &bits) {
        if (bits == "x" || bits == "z")
            return bits;
        std::string padded(bits.size() % 8 == 0 ? 0 : 8 - bits.size() % 8, '0'), text;
        padded += bits;
        for (size_t i = 0; i < padded.size(); i += 8)
            if (const char c = static_cast<char>(std::stoi(padded.substr(i, 8), nullptr, 2)))
                text += c;
        return text;
    }
    static std::string number(const std::string &bits) {
        if (bits == "x" || bits == "z")
            return bits;
        return std::to_string(std::stoull(bits, nullptr, 2));
    }
    // "0 I, 282000 E, 294000 I"
    std::string sequence(const std::string &path, std::string (*shown)(const std::string &) = characters) const {
        std::string all;
        for (const vcd_change &change : at(path).changes)
            all += (all.empty() ? "" : ", ") + std::to_string(change.time) + " " + shown(change.value);
        return all;
    }

  private:
    [[noreturn]] static void fail(const std::string &what) { throw std::runtime_error(what); }

    const vcd_variable *find(const std::string &path) const {
        for (const vcd_variable &variable : variables_)
            if (variable.path == path)
                return &variable;
        return nullptr;
    }

    std::string next(const char *where) {
        std::string token;
        if (!(tokens_ >> token))
            fail(std::string("the file ends in ") + where);
        return token;
    }
    void expect_end(const char *where) {
        const std::string token = next(where);
        if (token != "$end")
            fail(std::string(where) + " does not end: " + token);
    }
    // Free text up to $end.
    void skip_text(const char *where) {
        std::string token;
        while ((token = next(where)) != "$end")
            if (token[0] == '$')
                fail(std::string(where) + " holds " + token);
    }

    static bool is_keyword(const std::string &word) { // annex B
        static const std::set<std::string> keywords = {"always",
                                                       "and",
                                                       "assign",
                                                       "automatic",
                                                       "begin",
                                                       "buf",
                                                       "bufif0",
                                                       "bufif1",
                                                       "case",
                                                       "casex",
                                                       "casez",
                                                       "cell",
                                                       "cmos",
                                                       "config",
                                                       "deassign",
                                                       "default",
                                                       "defparam",
                                                       "design",
                                                       "disable",
                                                       "edge",
                                                       "else",
                                                       "end",
                                                       "endcase",
                                                       "endconfig",
                                                       "endfunction",
                                                       "endgenerate",
                                                       "endmodule",
                                                       "endprimitive",
                                                       "endspecify",
                                                       "endtable",
                                                       "endtask",
                                                       "event",
                                                       "for",
                                                       "force",
                                                       "forever",
                                                       "fork",
                                                       "function",
                                                       "generate",
                                                       "genvar",
                                                       "highz0",
                                                       "highz1",
                                                       "if",
                                                       "ifnone",
                                                       "incdir",
                                                       "include",
                                                       "initial",
                                                       "inout",
                                                       "input",
                                                       "instance",
                                                       "integer",
                                                       "join",
                                                       "large",
                                                       "liblist",
                                                       "library",
                                                       "localparam",
                                                       "macromodule",
                                                       "medium",
                                                       "module",
                                                       "nand",
                                                       "negedge",
                                                       "nmos",
                                                       "nor",
                                                       "noshowcancelled",
                                                       "not",
                                                       "notif0",
                                                       "notif1",
                                                       "or",
                                                       "output",
                                                       "parameter",
                                                       "pmos",
                                                       "posedge",
                                                       "primitive",
                                                       "pull0",
                                                       "pull1",
                                                       "pulldown",
                                                       "pullup",
                                                       "pulsestyle_onevent",
                                                       "pulsestyle_ondetect",
                                                       "rcmos",
                                                       "real",
                                                       "realtime",
                                                       "reg",
                                                       "release",
                                                       "repeat",
                                                       "rnmos",
                                                       "rpmos",
                                                       "rtran",
                                                       "rtranif0",
                                                       "rtranif1",
                                                       "scalared",
                                                       "showcancelled",
                                                       "signed",
                                                       "small",
                                                       "specify",
                                                       "specparam",
                                                       "strong0",
                                                       "strong1",
                                                       "supply0",
                                                       "supply1",
                                                       "table",
                                                       "task",
                                                       "time",
                                                       "tran",
                                                       "tranif0",
                                                       "tranif1",
                                                       "tri",
                                                       "tri0",
                                                       "tri1",
                                                       "triand",
                                                       "trior",
                                                       "trireg",
                                                       "unsigned",
                                                       "use",
                                                       "uwire",
                                                       "vectored",
                                                       "wait",
                                                       "wand",
                                                       "weak0",
                                                       "weak1",
                                                       "while",
                                                       "wire",
                                                       "wor",
                                                       "xnor",
                                                       "xor"};
        return keywords.count(word) > 0;
    }
    static void check_identifier(const std::string &name) { // 3.7
        const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
        bool good = !name.empty() && letter(name[0]) && name.size() <= 1024 && !is_keyword(name);
        for (const char c : name)
            good = good && (letter(c) || (c >= '0' && c <= '9') || c == '$');
        if (!good)
            fail("`" + name + "` is no identifier");
    }
    static uint64_t natural(const std::string &text, const char *what) {
        if (text.empty() || text.size() > 20 || text.find_first_not_of("0123456789") != std::string::npos ||
            (text.size() > 1 && text[0] == '0'))
            fail(std::string(what) + " is no number: " + text);
        return std::stoull(text);
    }

    void read_declarations() {
        bool timescale = false;
        for (std::string token; (token = next("the declarations")) != "$enddefinitions";) {
            if (token == "$comment" || token == "$version") {
                skip_text(token.c_str());
            } else if (token == "$timescale") {
                const std::string count = next("$timescale"), unit = next("$timescale");
                if (timescale || (count != "1" && count != "10" && count != "100") ||
                    std::set<std::string>{"s", "ms", "us", "ns", "ps", "fs"}.count(unit) == 0)
                    fail("a bad $timescale");
                timescale = true;
                expect_end("$timescale");
            } else if (token == "$scope") {
                const std::string type = next("$scope"), name = next("$scope");
                if (std::set<std::string>{"begin", "fork", "function", "module", "task"}.count(type) == 0)
                    fail("a bad scope type: " + type);
                check_identifier(name);
                scopes_.push_back(name);
                if (!names_.insert(path_of("")).second)
                    fail("two scopes " + path_of(""));
                expect_end("$scope");
            } else if (token == "$upscope") {
                if (scopes_.empty())
                    fail("$upscope without $scope");
                scopes_.pop_back();
                expect_end("$upscope");
            } else if (token == "$var") {
                read_variable();
            } else {
                fail("no declaration: " + token); // $date, too: the time of day is in no file of ours
            }
        }
        expect_end("$enddefinitions");
        if (!timescale || !scopes_.empty())
            fail(timescale ? "a scope does not end" : "no $timescale");
    }

    std::string path_of(const std::string &name) const {
        std::string path;
        for (const std::string &scope : scopes_)
            path += scope + ".";
        return path + name;
    }

    void read_variable() {
        vcd_variable made;
        made.type = next("$var");
        made.width = static_cast<unsigned>(natural(next("$var"), "a width"));
        const std::string code = next("$var"), name = next("$var");
        std::string token = next("$var");
        if (std::set<std::string>{"event", "integer", "parameter", "real", "realtime", "reg", "supply0", "supply1",
                                  "time", "tri", "triand", "trior", "trireg", "tri0", "tri1", "wand", "wire", "wor"}
                    .count(made.type) == 0 ||
            made.width == 0 || ((made.type == "event") && made.width != 1) ||
            (made.type == "integer" && made.width != 32))
            fail("a bad $var " + made.type + " " + std::to_string(made.width));
        check_identifier(name);
        made.path = path_of(name);
        if (token != "$end") {
            if (token != "[" + std::to_string(made.width - 1) + ":0]")
                fail("the range of " + made.path + " does not fit its width: " + token);
            expect_end("$var");
        } else if (made.width > 1 && made.type != "integer") {
            fail(made.path + " has no range");
        }
        if (scopes_.empty() || !names_.insert(made.path).second)
            fail("a name that is not alone in its scope: " + made.path);
        if (!codes_.emplace(code, variables_.size()).second)
            fail("the identifier code " + code + " is declared twice");
        variables_.push_back(made);
    }

    // One value change; the rest of a vector is read. Returns the variable's index.
    size_t read_value(const std::string &token, std::string *value) {
        std::string code;
        const bool vector = token[0] == 'b' || token[0] == 'B';
        if (vector) {
            *value = token.substr(1);
            code = next("a vector");
        } else {
            *value = token.substr(0, 1);
            code = token.substr(1);
        }
        const auto found = codes_.find(code);
        if (found == codes_.end())
            fail("no such identifier code: " + token + " " + code);
        const vcd_variable &variable = variables_[found->second];
        if (value->empty() || value->find_first_not_of("01xz") != std::string::npos || value->size() > variable.width)
            fail("a bad value of " + variable.path + ": " + *value);
        if (vector != (variable.width > 1))
            fail(variable.path + " is " + (vector ? "no vector" : "a vector"));
        if (value->size() > 1 && (*value)[0] != '1' &&
            !((*value)[0] == '0' && ((*value)[1] == 'x' || (*value)[1] == 'z')))
            fail("a value of " + variable.path + " that is not in its shortest form: " + *value);
        if (variable.type == "event" && *value != "1")
            fail("an event with a value: " + variable.path);
        return found->second;
    }

    // All variables but events, each once.
    void read_checkpoint(const char *name, bool unknown) {
        std::set<size_t> seen;
        for (std::string token; (token = next(name)) != "$end";) {
            std::string value;
            const size_t index = read_value(token, &value);
            if (variables_[index].type == "event" || !seen.insert(index).second || (unknown && value != "x"))
                fail(std::string("a bad value in ") + name + ": " + variables_[index].path);
            variables_[index].changes.push_back({time_, value});
        }
        for (size_t i = 0; i < variables_.size(); i++)
            if (variables_[i].type != "event" && seen.count(i) == 0)
                fail(std::string(name) + " leaves out " + variables_[i].path);
    }

    void read_simulation() {
        if (next("the simulation") != "#0" || next("the simulation") != "$dumpvars")
            fail("the simulation does not begin with #0 and $dumpvars");
        read_checkpoint("$dumpvars", false);
        bool changed = true; // something happened at the present time
        for (std::string token; tokens_ >> token;) {
            if (token[0] == '#') {
                const uint64_t time = natural(token.substr(1), "a time");
                if (time <= time_)
                    fail("time goes from " + std::to_string(time_) + " to " + std::to_string(time));
                if (!changed)
                    fail("nothing happens at " + std::to_string(time_));
                time_ = time;
                changed = false;
                changed_now_.clear();
            } else if (token == "$comment") {
                skip_text("$comment");
            } else if (token == "$dumpoff") {
                if (cut_)
                    fail("a second $dumpoff");
                read_checkpoint("$dumpoff", true);
                cut_ = changed = true;
            } else if (cut_) {
                fail("a change after $dumpoff: " + token);
            } else {
                take_change(token);
                changed = true;
            }
        }
    }

    void take_change(const std::string &token) {
        std::string value;
        const size_t index = read_value(token, &value);
        vcd_variable &variable = variables_[index];
        if (!changed_now_.insert(index).second)
            fail(variable.path + " changes twice at " + std::to_string(time_));
        if (variable.type != "event" && variable.changes.back().value == value)
            fail(variable.path + " changes to what it is at " + std::to_string(time_));
        variable.changes.push_back({time_, value});
    }

    std::istringstream tokens_;
    std::vector<vcd_variable> variables_;
    std::map<std::string, size_t> codes_;
    std::set<std::string> names_;
    std::vector<std::string> scopes_;
    std::set<size_t> changed_now_;
    uint64_t time_ = 0;
    bool cut_ = false;
};

} // namespace ns_test

#endif
