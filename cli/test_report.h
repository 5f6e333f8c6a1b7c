/* SPDX-License-Identifier: Apache-2.0 */
/* What `test` knows about its scenarios, and how it shows that. */
#ifndef NS_CLI_TEST_REPORT_H
#define NS_CLI_TEST_REPORT_H

#include "cli/test_child.h"

enum ns_verdict {
    NS_VERDICT_UNKNOWN,
    NS_VERDICT_PASS,
    NS_VERDICT_FAIL,
    NS_VERDICT_SKIPPED,
    NS_VERDICT_INCOMPLETE,
    NS_VERDICT_COUNT
};

struct ns_test_item {
    const char *file;
    enum ns_verdict verdict; /* UNKNOWN until it has run */
    struct ns_child_result result;
};

struct ns_campaign {
    const struct ns_options *options;
    bool color;
    size_t count, started, printed;
    struct ns_test_item *items;
    size_t jobs;
    struct ns_child *children; /* pid 0: free */
    size_t *item_of_child;
    size_t tally[NS_VERDICT_COUNT];
    bool interrupted;
    bool broken; /* standard output or the system failed */
};

/* Appends to the item's report what a process that did not end by itself could not say. */
void ns_test_add_death(const struct ns_campaign *campaign, struct ns_test_item *item);
/* "pass  FILE", "FAIL  FILE" and the report; sets `broken` when standard output fails. */
void ns_test_print_item(struct ns_campaign *campaign, const struct ns_test_item *item);
/* "N passed, M failed" */
void ns_test_print_summary(struct ns_campaign *campaign);
/* The scenario's name, or when that is unknown its file's without folder and ".dma". Not NUL-terminated: at most
 * `length` bytes of the result count. */
const char *ns_test_name(const struct ns_test_item *item, size_t *length);
void ns_test_json(const struct ns_campaign *campaign, enum ns_exit result, struct ns_buffer *out);
/*
 * The same for CI systems: JUnit XML in the form that Jenkins' plugin, GitLab and others read, and KTAP version 1
 * (Linux, Documentation/dev-tools/ktap.rst) without nesting, which is TAP as well. Each test is called
 * "FILE::SCENARIO[MACHINE]"; the file makes the name unique. Scenarios that were not run because of an interrupt are
 * errors here: both forms know only tests that have a result.
 */
void ns_test_junit(const struct ns_campaign *campaign, struct ns_buffer *out);
void ns_test_tap(const struct ns_campaign *campaign, struct ns_buffer *out);

#endif
