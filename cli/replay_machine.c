/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/replay_machine.h"

#include "cli/output.h"
#include "cli/replay_pages.h"
#include "model/nosnoop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDS 256u
#define NEAR    1024u
#define PIECE   (64u << 10) /* bytes that a device moves at a time */

/* What a step of the trace says, for the report. */
struct said {
    char kind;
    uint64_t address, length;
};

struct ns_timed_result {
    char (*text)[64];   /* of lines that a hazard names */
    const char **lines; /* of the log; NULL where no hazard is */
};

/* The device's turn: what it has to do. */
struct job {
    bool end, write;
    uint64_t physical;
    uint32_t length, site;
};

struct run {
    struct ns_timed_replay *replay;
    struct ns_log *log;
    struct ns_machine *machine;
    struct ns_page_map *map;
    struct ns_trace_records records;
    struct ns_trace_record record[RECORDS];
    uint64_t line_of[NS_REPLAY_ACCESSES];
    /* Accesses to pages that are not watched, waiting to be made together. */
    struct ns_touch touch[NS_REPLAY_ACCESSES];
    uint64_t touch_line[NS_REPLAY_ACCESSES];
    size_t touches;
    struct said *said; /* of each site of the log */
    size_t said_capacity;
    uint64_t turn;
    struct job job;
    /* Pages used lately, by the low bits of their number. */
    struct {
        uint64_t number, virtual_address;
        bool watched;
    } near[NEAR];
    uint8_t data[PIECE]; /* the trace has no values: zeros, and what is read */
    const char *problem; /* why the run cannot go on, ... */
    uint64_t problem_line;
    enum ns_exit read; /* what reading it came to */
    char reason[200];
};

/* ---- places ----------------------------------------------------------------------------------- */

static uint32_t site_for(struct run *run, uint64_t line, const struct said *said) {
    if (line > UINT32_MAX || run->log->truncated)
        return NS_NO_SITE;
    const uint32_t site = ns_log_add_site(run->log, (uint32_t)line, 1, 1);
    if (site == NS_NO_SITE)
        return site;
    if (site >= run->said_capacity) {
        const size_t capacity = run->said_capacity == 0 ? 256 : 2 * run->said_capacity;
        struct said *grown = realloc(run->said, capacity * sizeof *grown);
        if (grown == NULL) {
            run->log->truncated = true;
            return NS_NO_SITE;
        }
        run->said = grown;
        run->said_capacity = capacity;
    }
    run->said[site] = *said;
    return site;
}

/* Of an access that nobody watches, and that takes a watched line out of the caches. */
static uint32_t site_of_touch(void *context, size_t index) {
    struct run *run = context;
    const struct ns_touch *touch = &run->touch[index];
    struct said said = {.kind = touch->store ? 'w' : 'r', .address = touch->address, .length = touch->length};
    (void)ns_page_map_back(run->map, ns_machine_physical(run->machine, touch->address), &said.address);
    return site_for(run, run->touch_line[index], &said);
}

/* False, with the problem noted. */
static bool stop(struct run *run, uint64_t line, const char *problem) {
    run->problem = problem;
    run->problem_line = line;
    return false;
}

static bool place(struct run *run, uint64_t address, uint64_t line, struct ns_placed_page *page) {
    switch (ns_page_map_place(run->map, address, page)) {
    case NS_PAGE_PLACED:
        break;
    case NS_PAGE_RAM_FULL:
        snprintf(run->reason, sizeof run->reason,
                 "the machine's RAM is full: it has room for %" PRIu64 " pages of 4 KiB, and the trace touches more",
                 ns_page_map_room(run->map));
        return stop(run, line, run->reason);
    case NS_PAGE_NO_MEMORY:
        return stop(run, line, "out of memory");
    }
    page->watched = page->watched || run->replay->watch_all;
    if (page->fresh && page->watched)
        ns_machine_watch_only(run->machine, page->physical, NS_PAGE_SIZE);
    return true;
}

/* ---- accesses --------------------------------------------------------------------------------- */

static bool make_touches(struct run *run) {
    size_t done = 0;
    if (run->touches == 0)
        return true;
    const enum ns_status status = ns_hart_touch(run->machine, 0, run->touch, run->touches, site_of_touch, run, &done);
    run->touches = 0;
    return status == NS_OK || stop(run, run->touch_line[done], ns_status_text(status));
}

static bool access_watched(struct run *run, uint64_t line, const struct said *said, uint64_t address) {
    ns_actor_begin(run->machine, 0, site_for(run, line, said), NS_NO_OBJECT);
    const enum ns_status status =
        said->kind == 'w' ? ns_hart_store(run->machine, 0, address, (uint32_t)said->length, run->data)
                          : ns_hart_load(run->machine, 0, address, (uint32_t)said->length, run->data, NULL, 0);
    return status == NS_OK || stop(run, line, ns_status_text(status));
}

static bool find_near(struct run *run, uint64_t address, uint64_t line) {
    struct ns_placed_page page;
    if (!place(run, address, line, &page))
        return false;
    const uint64_t number = address / NS_PAGE_SIZE;
    run->near[number % NEAR].number = number;
    run->near[number % NEAR].virtual_address = ns_machine_virtual(run->machine, page.physical);
    run->near[number % NEAR].watched = page.watched;
    return true;
}

/* An access, a page at a time. */
static inline bool access_memory(struct run *run, uint64_t line, uint64_t address, uint32_t length, bool store) {
    while (length > 0) {
        const uint64_t number = address / NS_PAGE_SIZE, offset = address % NS_PAGE_SIZE;
        const uint32_t piece = length < NS_PAGE_SIZE - offset ? length : (uint32_t)(NS_PAGE_SIZE - offset);
        if (run->near[number % NEAR].number != number && !find_near(run, address, line))
            return false;
        const uint64_t there = run->near[number % NEAR].virtual_address + offset;
        if (run->near[number % NEAR].watched && !run->log->truncated) { /* a full log finds nothing any more */
            const struct said said = {store ? 'w' : 'r', address, piece};
            if (!make_touches(run) || !access_watched(run, line, &said, there))
                return false;
        } else {
            run->touch[run->touches] = (struct ns_touch){there, piece, store};
            run->touch_line[run->touches++] = line;
            if (run->touches == NS_REPLAY_ACCESSES && !make_touches(run))
                return false;
        }
        address += piece;
        length -= piece;
    }
    return true;
}

/* ---- records ---------------------------------------------------------------------------------- */

/* The longest part of [address, + length) that lies in one piece of RAM, at most `most` bytes. */
static bool find_piece(struct run *run, uint64_t line, uint64_t address, uint64_t length, uint64_t most,
                       uint64_t *physical, uint64_t *piece) {
    struct ns_placed_page page;
    if (!place(run, address, line, &page))
        return false;
    *physical = page.physical + address % NS_PAGE_SIZE;
    *piece = 0;
    do {
        const uint64_t rest = NS_PAGE_SIZE - (address + *piece) % NS_PAGE_SIZE;
        *piece += length - *piece < rest ? length - *piece : rest;
        if (*piece >= length || *piece + NS_PAGE_SIZE > most)
            return true;
        if (!place(run, address + *piece, line, &page))
            return false;
    } while (page.physical == *physical + *piece);
    return true;
}

/* The device does it, and the hart waits until it is done. */
static void let_device(struct run *run, const struct job *job) {
    run->job = *job;
    run->turn += 2;
    ns_machine_next_turn(run->machine);
    ns_machine_wait_turn(run->machine, run->turn);
}

static enum ns_status maintain(struct run *run, enum ns_cache_op op, uint64_t physical, uint64_t length) {
    const struct ns_maintenance what = {.op = op,
                                        .scope = NS_SCOPE_POC,
                                        .extent = NS_RANGE,
                                        .address = ns_machine_virtual(run->machine, physical),
                                        .length = length};
    return ns_hart_maintain(run->machine, 0, &what);
}

static bool do_record(struct run *run, const struct ns_trace_record *record) {
    static const char kinds[] = "dDcvfb"; /* by enum ns_trace_record_kind */
    static const enum ns_cache_op op[] = {[NS_TRACE_CLEAN] = NS_CACHE_CLEAN,
                                          [NS_TRACE_INVALIDATE] = NS_CACHE_INVALIDATE,
                                          [NS_TRACE_FLUSH] = NS_CACHE_FLUSH};
    const struct said said = {kinds[record->kind], record->address, record->length};
    if (!make_touches(run))
        return false;
    const uint32_t site = site_for(run, record->line, &said);
    ns_actor_begin(run->machine, 0, site, NS_NO_OBJECT);
    if (record->kind == NS_TRACE_FENCE)
        ns_hart_fence(run->machine, 0);
    const bool device = record->kind == NS_TRACE_DEVICE_READ || record->kind == NS_TRACE_DEVICE_WRITE;
    for (uint64_t done = 0; done < record->length;) {
        uint64_t physical, piece;
        if (!find_piece(run, record->line, record->address + done, record->length - done, device ? PIECE : UINT64_MAX,
                        &physical, &piece))
            return false;
        if (device) {
            const struct job job = {false, record->kind == NS_TRACE_DEVICE_WRITE, physical, (uint32_t)piece, site};
            let_device(run, &job);
        } else {
            const enum ns_status status = maintain(run, op[record->kind], physical, piece);
            if (status != NS_OK)
                return stop(run, record->line, ns_status_text(status));
        }
        done += piece;
    }
    return true;
}

/* ---- programs --------------------------------------------------------------------------------- */

static bool consume(void *context, const struct ns_accesses *accesses, size_t *bad, char *reason) {
    struct run *run = context;
    bool good = true;
    size_t next = 0;
    for (size_t i = 0; i <= accesses->count && good; i++) {
        for (; good && next < run->records.count && run->record[next].before <= i; next++)
            good = do_record(run, &run->record[next]);
        if (good && i < accesses->count)
            good = access_memory(run, run->line_of[i], accesses->address[i], ns_access_size_of(accesses->what[i]),
                                 ns_access_kind_of(accesses->what[i]) == NS_ACCESS_WRITE);
    }
    good = good && make_touches(run);
    run->records.count = 0;
    if (!good) {
        *bad = (size_t)run->problem_line;
        snprintf(reason, 200, "%s", run->problem);
    }
    return good;
}

static struct ns_trace_parser parser_for(struct run *run) {
    return (struct ns_trace_parser){
        .lenient = run->replay->lenient, .drop_fetches = true, .records = &run->records, .line_of = run->line_of};
}

static void hart_program(struct ns_machine *machine, unsigned hart, void *context) {
    struct run *run = context;
    (void)machine, (void)hart;
    run->replay->parser = parser_for(run);
    run->read = ns_replay_read(run->replay->file, run->replay->quiet, &run->replay->parser, consume, run);
    let_device(run, &(struct job){.end = true});
}

static void device_program(struct ns_machine *machine, unsigned actor, void *context) {
    struct run *run = context;
    for (uint64_t turn = 1;; turn += 2) {
        ns_machine_wait_turn(machine, turn);
        const struct job job = run->job;
        const unsigned flags = run->log->truncated ? NS_ACCESS_POLL : 0;
        ns_actor_begin(machine, actor, job.site, NS_NO_OBJECT);
        if (!job.end && job.write)
            (void)ns_device_write(machine, 0, job.physical, job.physical, job.length, run->data);
        else if (!job.end)
            (void)ns_device_read(machine, 0, job.physical, job.physical, job.length, run->data, NULL, flags);
        ns_machine_next_turn(machine);
        if (job.end)
            return;
    }
}

/* ---- before: which pages to watch -------------------------------------------------------------- */

static bool note_records(void *context, const struct ns_accesses *accesses, size_t *bad, char *reason) {
    struct run *run = context;
    (void)accesses;
    for (size_t i = 0; i < run->records.count; i++) {
        const struct ns_trace_record *record = &run->record[i];
        if (record->length > 0 && !ns_page_map_watch(run->map, record->address, record->length)) {
            *bad = (size_t)record->line;
            snprintf(reason, 200, "out of memory");
            return false;
        }
    }
    run->records.count = 0;
    return true;
}

/* ---- after: the log speaks of the trace -------------------------------------------------------- */

static void say(const struct said *said, char text[64]) {
    if (said->kind == 'b')
        snprintf(text, 64, "b");
    else
        snprintf(text, 64, "%c %" PRIx64 " %" PRIx64, said->kind, said->address, said->length);
}

/* How the hazard showed, without the values, which the trace does not know. */
static void tell_without_values(const struct ns_log *log, struct ns_hazard *hazard) {
    const struct ns_event *event = &log->event[hazard->event];
    if (hazard->symptom == NS_SYMPTOM_STALE && event->kind == NS_EVENT_LOAD && event->level < log->levels)
        snprintf(hazard->detail, sizeof hazard->detail, "hit in %s set %u way %u: older bytes",
                 log->level_name[event->level], event->set, event->way);
    else if (hazard->symptom == NS_SYMPTOM_STALE)
        snprintf(hazard->detail, sizeof hazard->detail, "got older bytes from %s",
                 event->kind == NS_EVENT_LOAD ? "the caches" : "memory");
    else if (hazard->symptom == NS_SYMPTOM_LOST)
        snprintf(hazard->detail, sizeof hazard->detail, "%s",
                 event->kind == NS_EVENT_WRITE_BACK || event->kind == NS_EVENT_DMA_WRITE
                     ? "the write to memory here carries older bytes over them"
                     : "the line was dropped with them in it, and nobody had written them back");
    hazard->sample_length = 0;
    hazard->latent = false;
}

static uint64_t in_trace(const struct run *run, uint64_t physical) {
    uint64_t address;
    return ns_page_map_back(run->map, physical, &address) ? address : physical;
}

static void translate_log(const struct run *run) {
    struct ns_log *log = run->log;
    for (size_t i = 0; i < log->hazard_count; i++) {
        struct ns_hazard *hazard = &log->hazard[i];
        const uint64_t bytes = hazard->last - hazard->first;
        tell_without_values(log, hazard);
        hazard->first = in_trace(run, hazard->first);
        hazard->last = hazard->first + bytes;
        for (uint32_t r = 0; r < hazard->repeat_count; r++) {
            const uint64_t more = hazard->repeat[r].last - hazard->repeat[r].first;
            hazard->repeat[r].first = in_trace(run, hazard->repeat[r].first);
            hazard->repeat[r].last = hazard->repeat[r].first + more;
        }
    }
    for (size_t i = 1; i < log->event_count; i++) {
        log->event[i].address = in_trace(run, log->event[i].address);
        log->event[i].data_length = 0;
    }
}

/* The lines that the reports show: as many as the hazards name. */
struct naming {
    const struct run *run;
    struct ns_timed_result *result; /* NULL: count only */
    size_t count;
    uint32_t last; /* line */
};

static void name_site(struct naming *naming, uint32_t site) {
    const struct ns_log *log = naming->run->log;
    if (site >= log->site_count)
        return;
    const uint32_t line = log->site[site].line;
    naming->last = line > naming->last ? line : naming->last;
    if (naming->result != NULL) {
        say(&naming->run->said[site], naming->result->text[naming->count]);
        naming->result->lines[line - 1] = naming->result->text[naming->count];
    }
    naming->count++;
}

static void name_sites(struct naming *naming) {
    const struct ns_log *log = naming->run->log;
    for (size_t i = 0; i < log->hazard_count; i++) {
        name_site(naming, log->hazard[i].site);
        for (uint32_t n = 0; n < log->hazard[i].note_count; n++)
            name_site(naming, log->event[log->hazard[i].note[n].event].site);
    }
}

/* False without host memory. */
static bool name_lines(struct run *run, struct ns_timed_result *result) {
    struct naming naming = {.run = run};
    name_sites(&naming);
    if (naming.count == 0)
        return true;
    result->text = calloc(naming.count, sizeof *result->text);
    result->lines = calloc(naming.last, sizeof *result->lines); /* most of it is never touched */
    if (result->text == NULL || result->lines == NULL)
        return false;
    naming = (struct naming){.run = run, .result = result};
    name_sites(&naming);
    run->log->lines = result->lines;
    run->log->line_count = naming.last;
    return true;
}

void ns_timed_release(struct ns_timed_result *result) {
    if (result == NULL)
        return;
    free(result->text);
    free(result->lines);
    free(result);
}

/* ---- the whole -------------------------------------------------------------------------------- */

static bool copy_text(const char *text, char **copy) {
    *copy = malloc(strlen(text) + 1);
    if (*copy != NULL)
        strcpy(*copy, text);
    return *copy != NULL;
}

static enum ns_exit no_memory(void) {
    ns_error("out of memory");
    return NS_EXIT_INTERNAL;
}

static enum ns_exit run_machine(struct run *run) {
    struct ns_timed_replay *replay = run->replay;
    const struct ns_machine_device device = {.name = "device", .dma_bits = 64};
    char reason[256] = "";
    replay->machine.window_count = 0; /* the trace's device addresses are the hart's */
    run->machine = ns_machine_create(&replay->machine, &device, 1, run->log, reason, sizeof reason);
    if (run->machine == NULL) {
        ns_error("machine \"%s\" cannot be built: %s", replay->machine.name, reason);
        return strcmp(reason, "out of memory") == 0 ? NS_EXIT_INTERNAL : NS_EXIT_BAD_INPUT;
    }
    ns_machine_watch_only(run->machine, 0, 0);
    ns_machine_set_program(run->machine, 0, hart_program, run);
    ns_machine_set_program(run->machine, ns_machine_device_actor(run->machine, 0), device_program, run);
    const enum ns_status status = ns_machine_run(run->machine);
    if (status != NS_OK) {
        ns_error("%s: %s", replay->file, ns_status_text(status));
        return NS_EXIT_INTERNAL;
    }
    if (run->read == NS_EXIT_HELD || run->read == NS_EXIT_INCOMPLETE)
        ns_tracker_finish(ns_machine_tracker(run->machine));
    return run->read;
}

enum ns_exit ns_timed_run(struct ns_timed_replay *replay, struct ns_log *log, struct ns_timed_result **result) {
    struct run *run = calloc(1, sizeof *run);
    *result = calloc(1, sizeof **result);
    if (run == NULL || *result == NULL) {
        free(run);
        return no_memory();
    }
    run->replay = replay;
    run->log = log;
    run->records = (struct ns_trace_records){run->record, 0, RECORDS};
    for (size_t i = 0; i < NEAR; i++)
        run->near[i].number = UINT64_MAX; /* none: pages have 52 bits */
    run->map = ns_page_map_create(&replay->machine);
    struct ns_trace_parser first = parser_for(run);
    const off_t start = strcmp(replay->file, "-") == 0 ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    enum ns_exit exit = NS_EXIT_INTERNAL;
    if (run->map == NULL || !copy_text(replay->file, &log->file) || !copy_text(replay->file, &log->scenario) ||
        !copy_text(replay->machine.name, &log->machine))
        exit = no_memory();
    else
        exit = ns_replay_read(replay->file, replay->quiet, &first, note_records, run);
    if (exit == NS_EXIT_HELD) {
        if (strcmp(replay->file, "-") == 0)
            (void)lseek(STDIN_FILENO, start, SEEK_SET);
        const bool devices = first.device_reads + first.device_writes + first.maintenance > 0;
        replay->machine.no_provenance = !devices && !replay->watch_all;
        exit = run_machine(run);
    }
    if (exit == NS_EXIT_HELD || exit == NS_EXIT_INCOMPLETE) {
        replay->pages = ns_page_map_used(run->map);
        replay->pages_room = ns_page_map_room(run->map);
        translate_log(run);
        if (!name_lines(run, *result))
            exit = no_memory();
    }
    ns_machine_destroy(run->machine);
    ns_page_map_destroy(run->map);
    free(run->said);
    free(run);
    return exit;
}
