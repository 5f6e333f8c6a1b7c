// SPDX-License-Identifier: Apache-2.0
// check-schema: standard input is a JSON document; says "follows the schema", or what is wrong (exit status 1).
#include "tests/report/schema_check.h"

#include <cstdio>

int main() {
    json_error_t error;
    json_t *schema = json_load_file(NS_SCHEMA_FILE, JSON_REJECT_DUPLICATES, &error);
    json_t *document = schema != nullptr ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error) : nullptr;
    std::string problem = document != nullptr ? SchemaCheck::check(schema, document, true) : error.text;
    json_decref(document);
    json_decref(schema);
    std::puts(problem.empty() ? "follows the schema" : problem.c_str());
    return problem.empty() ? 0 : 1;
}
