// SPDX-License-Identifier: Apache-2.0
// The part of JSON Schema (draft 2020-12) that docs/nosnoop-report.schema.json uses. A keyword outside of that part is
// an error, so that the schema cannot promise something that nobody checks.
#ifndef NS_TESTS_REPORT_SCHEMA_CHECK_H
#define NS_TESTS_REPORT_SCHEMA_CHECK_H

#include <jansson.h>

#include <regex>
#include <string>

class SchemaCheck {
  public:
    // Empty: the value follows the schema; otherwise what is wrong, with the path to it. With `closed`, a key that the
    // schema does not name is wrong as well (the schema allows it, but what we write should be documented).
    static std::string check(json_t *root, json_t *value, bool closed) {
        SchemaCheck checker{root, closed};
        return checker.visit(root, value, "$");
    }

  private:
    json_t *root_;
    bool closed_;

    SchemaCheck(json_t *root, bool closed) : root_(root), closed_(closed) {}

    static bool is_type(json_t *value, const std::string &type) {
        return (type == "object" && json_is_object(value)) || (type == "array" && json_is_array(value)) ||
               (type == "string" && json_is_string(value)) || (type == "integer" && json_is_integer(value)) ||
               (type == "boolean" && json_is_boolean(value)) || (type == "null" && json_is_null(value));
    }

    std::string visit_type(json_t *type, json_t *value, const std::string &path) {
        if (json_is_string(type)) {
            return is_type(value, json_string_value(type)) ? "" : path + ": not of type " + json_string_value(type);
        }
        size_t index;
        json_t *one;
        json_array_foreach(type, index, one) {
            if (is_type(value, json_string_value(one))) {
                return "";
            }
        }
        return path + ": of none of the types";
    }

    std::string visit_enum(json_t *choices, json_t *value, const std::string &path) {
        size_t index;
        json_t *one;
        json_array_foreach(choices, index, one) {
            if (json_equal(one, value)) {
                return "";
            }
        }
        return path + ": not one of the choices";
    }

    std::string visit_one_of(json_t *choices, json_t *value, const std::string &path) {
        int matches = 0;
        std::string problems;
        size_t index;
        json_t *one;
        json_array_foreach(choices, index, one) {
            std::string problem = visit(one, value, path);
            matches += problem.empty();
            problems += problem.empty() ? "" : "\n  " + problem;
        }
        return matches == 1 ? "" : path + ": matches " + std::to_string(matches) + " of the alternatives" + problems;
    }

    std::string visit_required(json_t *keys, json_t *value, const std::string &path) {
        size_t index;
        json_t *key;
        json_array_foreach(keys, index, key) {
            if (json_object_get(value, json_string_value(key)) == nullptr) {
                return path + ": lacks " + json_string_value(key);
            }
        }
        return "";
    }

    std::string visit_properties(json_t *properties, json_t *value, const std::string &path) {
        const char *key;
        json_t *member;
        json_object_foreach(value, key, member) {
            json_t *schema = json_object_get(properties, key);
            if (schema == nullptr && closed_) {
                return path + ": has the undocumented key " + key;
            }
            std::string problem = schema != nullptr ? visit(schema, member, path + "." + key) : "";
            if (!problem.empty()) {
                return problem;
            }
        }
        return "";
    }

    std::string visit_items(json_t *schema, json_t *value, const std::string &path) {
        size_t index;
        json_t *item;
        json_array_foreach(value, index, item) {
            std::string problem = visit(schema, item, path + "[" + std::to_string(index) + "]");
            if (!problem.empty()) {
                return problem;
            }
        }
        return "";
    }

    std::string visit_ref(const std::string &reference, json_t *value, const std::string &path) {
        const std::string prefix = "#/$defs/";
        json_t *target = reference.compare(0, prefix.size(), prefix) == 0
                             ? json_object_get(json_object_get(root_, "$defs"), reference.c_str() + prefix.size())
                             : nullptr;
        return target != nullptr ? visit(target, value, path) : path + ": the schema refers to " + reference;
    }

    std::string visit(json_t *schema, json_t *value, const std::string &path) {
        const char *keyword;
        json_t *rule;
        json_object_foreach(schema, keyword, rule) {
            std::string word = keyword, problem;
            if (word == "$schema" || word == "$id" || word == "title" || word == "description" || word == "$defs") {
                continue;
            } else if (word == "$ref") {
                problem = visit_ref(json_string_value(rule), value, path);
            } else if (word == "type") {
                problem = visit_type(rule, value, path);
            } else if (word == "const") {
                problem = json_equal(rule, value) ? "" : path + ": not the constant";
            } else if (word == "enum") {
                problem = visit_enum(rule, value, path);
            } else if (word == "oneOf") {
                problem = visit_one_of(rule, value, path);
            } else if (word == "required") {
                problem = visit_required(rule, value, path);
            } else if (word == "properties") {
                problem = visit_properties(rule, value, path);
            } else if (word == "items") {
                problem = visit_items(rule, value, path);
            } else if (word == "minimum") {
                const bool small = json_is_integer(value) && json_integer_value(value) < json_integer_value(rule);
                problem = small ? path + ": too small" : "";
            } else if (word == "minItems") {
                problem = json_array_size(value) >= static_cast<size_t>(json_integer_value(rule))
                              ? ""
                              : path + ": too few items";
            } else if (word == "maxItems") {
                problem = json_array_size(value) <= static_cast<size_t>(json_integer_value(rule))
                              ? ""
                              : path + ": too many items";
            } else if (word == "pattern") {
                problem = !json_is_string(value) ||
                                  std::regex_search(json_string_value(value), std::regex(json_string_value(rule)))
                              ? ""
                              : path + ": has another form";
            } else {
                problem = path + ": the schema uses " + word + ", which is not checked";
            }
            if (!problem.empty()) {
                return problem;
            }
        }
        return "";
    }
};

#endif
