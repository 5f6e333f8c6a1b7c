/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes -> parse -> one run (in written order, in free order, or under chaos) or one search -> text and JSON, as `run`
 * and `verify` do. A hash of the bytes chooses which of the four, so that a file replays by itself.
 *
 * SystemC allows one machine for each process, so that each run has a child. libFuzzer counts what was executed in
 * memory of this process; the child copies its counters to a shared page before it ends, and the parent adds them to
 * its own. Nothing of the coverage is lost but that of children of the child (replays of a search).
 *
 * A run that does not end is stopped after a short processor time, which every scenario allows, and must then end: one
 * that does not is a finding, and so is a child that ends in any other way than by itself with 0.
 */
#include "cli/presets.h"
#include "report/buffer.h"
#include "report/report.h"
#include "report/verify_report.h"
#include "scenarios/runner.h"
#include "verify/verify.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STOP_AFTER_MS = 200, HANG_AFTER_TURNS = 300, STATES = 2000 };

/* The counters of -fsanitize=fuzzer-no-link; both are NULL in a build without it. */
extern uint8_t __start___sancov_cntrs[] __attribute__((weak));
extern uint8_t __stop___sancov_cntrs[] __attribute__((weak));

static volatile sig_atomic_t stop;

static void on_timer(int signal_number) {
    (void)signal_number;
    stop = stop + 1;
    if (stop > HANG_AFTER_TURNS) {
        static const char message[] = "promise broken: a run ends soon after it is told to\n";
        const ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
        (void)written;
        abort();
    }
}

static void require(bool condition, const char *promise) {
    if (!condition) {
        fprintf(stderr, "promise broken: %s\n", promise);
        abort();
    }
}

static void check_status(enum ns_status status, const char *message) {
    require(status == NS_OK || status == NS_ERROR_ARGUMENT || status == NS_ERROR_LIMIT || status == NS_ERROR_MEMORY,
            "a run ends with one of its documented values");
    require(status == NS_OK || status == NS_ERROR_MEMORY || message[0] != '\0', "an error has a sentence");
}

static void run(const struct ns_scenario *scenario, unsigned way) {
    const struct ns_report_style style = {.verbose = true, .explain_alloc = true};
    const struct ns_run_options how = {
        .order_given = true, .order_free = way == 1, .chaos = way == 2, .chaos_seed = 7, .stop = &stop};
    struct ns_buffer text = {0}, json = {0};
    char message[512] = "";
    struct ns_log *log = ns_log_create();
    require(log != NULL, "the host has memory");
    const enum ns_status status = ns_run_scenario(scenario, &how, log, message, sizeof message);
    check_status(status, message);
    if (status == NS_OK) {
        ns_report_run_text(log, &style, &text);
        ns_report_run_json(log, &json);
        require(text.length > 0 && json.length > 0, "a run has a report");
    }
    ns_buffer_release(&text);
    ns_buffer_release(&json);
    ns_log_destroy(log);
}

static void search(const struct ns_scenario *scenario) {
    const struct ns_report_style style = {.verbose = true};
    const struct ns_verify_options how = {.jobs = 1, .state_limit = STATES, .stop = &stop};
    struct ns_verify_result result;
    struct ns_buffer text = {0}, json = {0};
    char message[512] = "";
    const enum ns_status status = ns_verify_scenario(scenario, &how, &result, message, sizeof message);
    check_status(status, message);
    if (status == NS_OK) {
        ns_report_verify_text(scenario, &result, &style, &text);
        ns_report_verify_json(scenario, &result, &json);
        require(text.length > 0 && json.length > 0, "a search has a report");
        ns_verify_release(&result);
    }
    ns_buffer_release(&text);
    ns_buffer_release(&json);
}

static void child(const struct ns_scenario *scenario, unsigned way, uint8_t *shared, size_t counters) {
    struct sigaction action = {.sa_handler = on_timer};
    const struct timeval turn = {.tv_usec = STOP_AFTER_MS * 1000};
    const struct itimerval timer = {.it_interval = turn, .it_value = turn};
    sigaction(SIGVTALRM, &action, NULL);
    setitimer(ITIMER_VIRTUAL, &timer, NULL); /* processor time: a busy host is no finding */
    if (way == 3) {
        search(scenario);
    } else {
        run(scenario, way);
    }
    if (counters > 0) {
        memcpy(shared, __start___sancov_cntrs, counters);
    }
    fflush(stderr);
    _exit(0);
}

static void in_child(const struct ns_scenario *scenario, unsigned way) {
    static uint8_t *shared;
    const size_t counters = (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs);
    int status = 0;
    if (shared == NULL) {
        shared = mmap(NULL, counters + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        require(shared != MAP_FAILED, "the host has memory");
    }
    memset(shared, 0, counters);
    fflush(stdout);
    const pid_t pid = fork();
    require(pid >= 0, "the host has processes");
    if (pid == 0) {
        child(scenario, way, shared, counters);
    }
    pid_t ended;
    do {
        ended = waitpid(pid, &status, 0);
    } while (ended < 0 && errno == EINTR); /* libFuzzer's alarm clock */
    require(ended == pid, "a child ends");
    for (size_t i = 0; i < counters; i++) { /* the child began with those of the parent */
        __start___sancov_cntrs[i] = shared[i] > __start___sancov_cntrs[i] ? shared[i] : __start___sancov_cntrs[i];
    }
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "no scenario ends the process that runs it");
}

/* FNV-1a: the offset basis and prime of 32 bits (draft-eastlake-fnv, section 5). */
static unsigned hash(const uint8_t *data, size_t size) {
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        value = (value ^ data[i]) * 16777619u;
    }
    return value ^ value >> 16;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *names[NS_PRESET_LIMIT + 1];
    struct ns_machine_source machines;
    struct ns_diagnostics messages;
    ns_preset_source(&machines, names);
    ns_diagnostics_init(&messages);
    struct ns_scenario *scenario = ns_scenario_parse("fuzz.dma", (const char *)data, size, &machines, &messages);
    require(scenario != NULL, "any bytes give a scenario or messages");
    if (messages.count == 0 && scenario->missing_requirement == NULL) {
        in_child(scenario, hash(data, size) % 4);
    }
    ns_scenario_destroy(scenario);
    ns_diagnostics_release(&messages);
    return 0;
}
