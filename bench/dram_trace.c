/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trace of memory requests through the DRAM alone, without caches and bus: to be compared with what a DRAM simulator
 * says of the same trace.
 *
 *   dram_trace MACHINE.dma TRACE [--clocks N] [--each]
 *
 * MACHINE.dma holds a machine with a `dram` line. A line of the trace is `0xADDRESS READ|WRITE CLOCK`, as DRAMsim3
 * reads it; R and W will do, and without a clock it is 0. Clocks must not go down. A request is one burst. One that
 * finds the queue full waits, and all behind it. Ends with the last request, or behind N clocks. --each: a line for
 * each request, in the order of the trace: when it came into the queue, and when its last data were there.
 */
#include "bus/dram.h"
#include "scenarios/scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    uint64_t clock, address;
    uint64_t came, ended; /* clocks; ended 0: not yet */
    bool write;
};

struct trace {
    struct request *request;
    size_t count, capacity;
};

static char *read_file(const char *name, size_t *length) {
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        return NULL;
    }
    size_t capacity = 1 << 16, used = 0;
    char *text = malloc(capacity);
    while (text != NULL) {
        used += fread(text + used, 1, capacity - 1 - used, file);
        if (used < capacity - 1) {
            break;
        }
        char *larger = realloc(text, capacity *= 2);
        if (larger == NULL) {
            free(text);
        }
        text = larger;
    }
    fclose(file);
    if (text != NULL) {
        text[used] = '\0';
    }
    *length = used;
    return text;
}

static bool read_machine(const char *name, struct ns_dram_config *dram) {
    size_t length;
    char *text = read_file(name, &length);
    if (text == NULL) {
        fprintf(stderr, "dram_trace: cannot read `%s`\n", name);
        return false;
    }
    struct ns_diagnostics messages;
    ns_diagnostics_init(&messages);
    struct ns_scenario *scenario = ns_scenario_parse(name, text, length, NULL, &messages);
    free(text);
    for (size_t i = 0; i < messages.count; i++) {
        char message[2048];
        ns_diagnostic_format(&messages, i, message, sizeof message);
        fputs(message, stderr);
    }
    const bool good = scenario != NULL && messages.count == 0;
    if (good) {
        *dram = scenario->machine.dram;
    }
    ns_diagnostics_release(&messages);
    ns_scenario_destroy(scenario);
    if (good && dram->grade == NULL) {
        fprintf(stderr, "dram_trace: the machine of `%s` has no `dram` line\n", name);
    }
    return good && dram->grade != NULL;
}

#define LAST_CLOCK UINT64_C(1000000000000)

/* One line; false: it is no request. */
static bool parse_line(const char *line, struct request *request) {
    char kind[8] = "", rest[2] = "";
    uint64_t clock = 0;
    char *end;
    request->address = strtoull(line, &end, 16);
    if (end == line || sscanf(end, "%7s %" SCNu64 " %1s", kind, &clock, rest) < 1 || rest[0] != '\0' ||
        clock > LAST_CLOCK) {
        return false;
    }
    request->clock = clock;
    request->write = strcmp(kind, "WRITE") == 0 || strcmp(kind, "W") == 0;
    return request->write || strcmp(kind, "READ") == 0 || strcmp(kind, "R") == 0;
}

static bool read_trace(const char *name, struct trace *trace) {
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        fprintf(stderr, "dram_trace: cannot read `%s`\n", name);
        return false;
    }
    char line[256];
    bool good = true;
    for (unsigned number = 1; good && fgets(line, sizeof line, file) != NULL; number++) {
        if (trace->count == trace->capacity) {
            trace->capacity = trace->capacity == 0 ? 4096 : trace->capacity * 2;
            struct request *larger = realloc(trace->request, trace->capacity * sizeof *larger);
            if (larger == NULL) {
                fputs("dram_trace: out of memory\n", stderr);
                good = false;
                break;
            }
            trace->request = larger;
        }
        struct request request = {0};
        good = line[strspn(line, " \t\r\n")] == '\0' || parse_line(line, &request);
        const uint64_t before = trace->count == 0 ? 0 : trace->request[trace->count - 1].clock;
        if (!good) {
            fprintf(stderr, "%s:%u: a line is an address, READ or WRITE, and a clock\n", name, number);
        } else if (line[strspn(line, " \t\r\n")] != '\0') {
            good = request.clock >= before;
            if (!good) {
                fprintf(stderr, "%s:%u: clock %" PRIu64 " lies before that of the line above\n", name, number,
                        request.clock);
            }
            trace->request[trace->count++] = request;
        }
    }
    fclose(file);
    return good;
}

/* Pushes what has come and fits; true: the queue is full. */
static bool push(struct ns_dram *dram, uint32_t tck, uint64_t now, struct trace *trace, size_t *next) {
    while (*next < trace->count && trace->request[*next].clock * tck <= now) {
        struct request *request = &trace->request[*next];
        if (!ns_dram_push(dram, now, request->address, request->write, *next)) {
            return true;
        }
        request->came = now / tck;
        (*next)++;
    }
    return false;
}

/* Returns the clock at which it ended. */
static uint64_t run(struct ns_dram *dram, uint32_t tck, uint64_t last, struct trace *trace) {
    size_t next = 0, done = 0;
    bool full = false;
    uint64_t now = 0, end = 0;
    while (done < trace->count) {
        const uint64_t due = ns_dram_next_ps(dram);
        const uint64_t comes = next < trace->count && !full ? trace->request[next].clock * tck : UINT64_MAX;
        const uint64_t then = due < comes ? due : comes;
        now = then > now ? then : now;
        if (now / tck >= last) {
            return last;
        }
        full = push(dram, tck, now, trace, &next);
        struct ns_dram_done over;
        while (ns_dram_step(dram, now, &over)) {
            trace->request[over.tag].ended = over.ready_ps / tck;
            end = over.ready_ps / tck > end ? over.ready_ps / tck : end;
            done++;
            full = push(dram, tck, now, trace, &next);
        }
    }
    return end < last ? end : last;
}

static void print_each(const struct trace *trace) {
    for (size_t i = 0; i < trace->count; i++) {
        const struct request *request = &trace->request[i];
        if (request->ended == 0) {
            printf("0x%" PRIx64 " %s not ended\n", request->address, request->write ? "WRITE" : "READ");
        } else {
            printf("0x%" PRIx64 " %s came %" PRIu64 ", ended %" PRIu64 "\n", request->address,
                   request->write ? "WRITE" : "READ", request->came, request->ended);
        }
    }
}

static void print_sums(const struct ns_dram *dram, uint32_t tck, uint64_t end, const struct trace *trace) {
    struct ns_dram_stats stats;
    ns_dram_get_stats(dram, end * tck, &stats);
    uint64_t read_clocks = 0, reads = 0, writes = 0;
    for (size_t i = 0; i < trace->count; i++) {
        const struct request *request = &trace->request[i];
        if (request->ended != 0 && request->ended <= end) {
            reads += !request->write;
            writes += request->write;
            read_clocks += request->write ? 0 : request->ended - request->came;
        }
    }
    printf("clocks          %12" PRIu64 "\n", end);
    printf("reads done      %12" PRIu64 "\n", reads);
    printf("writes done     %12" PRIu64 "\n", writes);
    printf("row hits        %12" PRIu64 "\n", stats.row_hits);
    printf("bank closed     %12" PRIu64 "\n", stats.row_misses);
    printf("row conflicts   %12" PRIu64 "\n", stats.row_conflicts);
    printf("refreshes       %12" PRIu64 "\n", stats.refreshes);
    printf("mean read       %12.1f clocks\n", reads == 0 ? 0 : (double)read_clocks / (double)reads);
}

int main(int count, char **argument) {
    const char *file[2];
    unsigned files = 0;
    bool each = false, bad = false;
    uint64_t last = UINT64_MAX;
    for (int i = 1; i < count; i++) {
        if (strcmp(argument[i], "--each") == 0) {
            each = true;
        } else if (strcmp(argument[i], "--clocks") == 0 && i + 1 < count) {
            char *end;
            last = strtoull(argument[++i], &end, 10);
            bad = bad || *end != '\0' || last == 0;
        } else if (files < 2 && argument[i][0] != '-') {
            file[files++] = argument[i];
        } else {
            bad = true;
        }
    }
    if (bad || files != 2) {
        fputs("usage: dram_trace MACHINE.dma TRACE [--clocks N] [--each]\n", stderr);
        return 2;
    }
    struct ns_dram_config config;
    struct trace trace = {0};
    struct ns_dram *dram = NULL;
    if (read_machine(file[0], &config) && read_trace(file[1], &trace)) {
        config.latency_ps = 0; /* of controller and PHY: no part of the DRAM */
        dram = ns_dram_create(&config);
    }
    if (dram != NULL) {
        const uint64_t end = run(dram, config.grade->tck_ps, last, &trace);
        if (each) {
            print_each(&trace);
        }
        print_sums(dram, config.grade->tck_ps, end, &trace);
    }
    const int status = dram == NULL ? 2 : 0;
    ns_dram_destroy(dram);
    free(trace.request);
    return status;
}
