/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The searches of one program: each class of lines by itself, together with the control lines. They share nothing that
 * changes, so several threads take them in turn; what each finds is put together in the order of the lines, so that the
 * number of threads makes no difference to the result.
 */
#include "verify/search.h"
#include "verify/sink.h"
#include "verify/verify_internal.h"
#include "verify/waits.h"

#include <pthread.h>
#include <stdlib.h>

/* One line to search. unit NULL: a program that touches none may still hang. */
struct job {
    struct pool *pool;
    const struct unit *unit;
    struct observation_sink *sink; /* NULL: nothing of it is observed. Not NULL: done by the first thread only, in
                                      order, as they share it */
    struct search_result found;
    enum ns_status status;
    bool done;
};

struct pool {
    struct verification *all;
    const struct lines *lines;
    size_t count;
    struct job *jobs;
    unsigned threads;
    pthread_mutex_t lock; /* of what follows, and of the progress function */
    size_t end;           /* jobs from here on are no longer wanted: a limit was met before them */
    size_t next[2];       /* the first one that may not be taken yet, without and with observations */
    size_t done;
    uint64_t states; /* of those that are done */
};

static void tell_progress(void *context, uint64_t states) {
    struct job *job = context;
    struct pool *pool = job->pool;
    const struct ns_verify_options *options = pool->all->options;
    if (options->progress == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    const struct ns_verify_progress now = {.states =
                                               pool->all->found.states + pool->states + job->found.states + states,
                                           .lines_done = pool->done,
                                           .lines = pool->count};
    options->progress(options->progress_context, &now);
    pthread_mutex_unlock(&pool->lock);
}

static uint64_t states_left(const struct verification *all) {
    const uint64_t limit = all->options->state_limit != 0 ? all->options->state_limit : NS_VERIFY_STATES;
    return all->found.states < limit ? limit - all->found.states : 0;
}

/* What one search is about: a line, and which of its bytes; NULL: only what is polled. */
struct subject {
    const struct unit *unit;
    bool focused;
    uint16_t first, end;
};

/* Does one of the kept polls look at the line? */
static bool takes_part(const struct lines *lines, const struct unit *unit, const bool *keep) {
    bool part = keep == NULL;
    for (uint32_t i = 0; i < unit->count && !part; i++)
        part = keep[lines->ops[unit->first + i].op];
    return part;
}

static struct search_limits limits_of(struct job *job) {
    const struct verification *all = job->pool->all;
    const struct ns_verify_options *options = all->options;
    const uint64_t states = states_left(all);
    const uint64_t bytes = options->memory_limit != 0 ? options->memory_limit : NS_VERIFY_MEMORY;
    return (struct search_limits){.states = job->found.states < states ? states - job->found.states : 0,
                                  .bytes = bytes / job->pool->threads,
                                  .deadline_us =
                                      options->time_limit_ms == 0 ? 0 : all->begin_us + options->time_limit_ms * 1000,
                                  .stop = options->stop,
                                  .progress = tell_progress,
                                  .context = job,
                                  .first_only = options->verdict_only};
}

/* Searches the subject with the control lines, of which only the polled bytes matter to it; keep: with these polls
 * only, or NULL. may: of the machine's hardware, in this search. */
static enum ns_status search_what_may(struct job *job, const struct subject *subject, const bool *keep, uint32_t may,
                                      struct observation_sink *sink, struct search_result *found) {
    const struct lines *lines = job->pool->lines;
    const struct unit *units[SEARCH_UNITS + 1];
    struct world_options options[SEARCH_UNITS + 1];
    unsigned count = 0;
    if (subject->unit != NULL) {
        units[count] = subject->unit;
        options[count++] = (struct world_options){.may = may,
                                                  .keep_contents = sink != NULL,
                                                  .focused = subject->focused,
                                                  .first = subject->first,
                                                  .end = subject->end,
                                                  .polls = keep};
    }
    for (size_t i = 0; i < lines->unit_count && count <= SEARCH_UNITS; i++) {
        if (!lines->units[i].control || &lines->units[i] == subject->unit || !takes_part(lines, &lines->units[i], keep))
            continue;
        units[count] = &lines->units[i];
        options[count++] = (struct world_options){.may = may, .focused = true, .polls = keep};
    }
    if (count > SEARCH_UNITS) {
        found->incomplete = "more lines are polled than are searched together";
        return NS_OK;
    }
    const struct search_limits limits = limits_of(job);
    struct projection *projection = malloc(sizeof *projection);
    enum ns_status status = NS_ERROR_MEMORY;
    if (projection != NULL)
        status = projection_create(projection, lines, units, count, options, keep);
    if (status == NS_OK) {
        status = search(projection, &limits, sink, found);
        projection_release(projection);
    } else if (status == NS_ERROR_LIMIT) {
        found->incomplete = "an actor has more operations on one line than are searched";
        status = NS_OK;
    }
    free(projection);
    return status;
}

/* Where maintenance may complete late but need not, both: it is one choice for the whole run, and an operation that is
 * complete at once is not one whose write-back comes a moment later (the step itself, not the hardware, replaces what
 * memory holds). */
static enum ns_status search_with(struct job *job, const struct subject *subject, const bool *keep,
                                  struct observation_sink *sink, struct search_result *found) {
    const struct program *program = job->pool->lines->program;
    const bool choice = (program->may & NS_MAY_LATE_MAINTENANCE) != 0 && program->machine->cache.late_write_backs == 0;
    enum ns_status status = search_what_may(job, subject, keep, program->may, sink, found);
    if (!choice || status != NS_OK || found->incomplete != NULL ||
        (job->pool->all->options->verdict_only && found->count > 0))
        return status;
    return search_what_may(job, subject, keep, program->may & ~(uint32_t)NS_MAY_LATE_MAINTENANCE, sink, found);
}

/* Was anything found about these bytes of the subject, a poll of them that does not end included? What else is in the
 * search because it is polled has a search of its own. */
static bool shows(const struct search_result *found, const struct subject *subject, uint16_t from, uint16_t to) {
    const uint64_t first = subject->unit->address + from, last = subject->unit->address + to - 1;
    for (size_t i = 0; i < found->count; i++) {
        const struct discovery *one = &found->discoveries[i];
        if (one->first <= last && first <= one->last)
            return true;
    }
    return false;
}

/* With few polls first, where that can prove it: then nothing more is to be done. */
static enum ns_status search_subject(struct job *job, const struct subject *subject, struct observation_sink *sink) {
    const struct lines *lines = job->pool->lines;
    uint16_t first, end;
    const bool observed = subject->unit != NULL && sink != NULL && sink_range(sink, subject->unit, &first, &end);
    if (job->pool->all->static_waits && subject->unit != NULL && !observed) {
        bool *keep = calloc(lines->program->op_count + 1, sizeof *keep);
        if (keep == NULL)
            return NS_ERROR_MEMORY;
        const uint16_t from = subject->focused ? subject->first : 0;
        const uint16_t to = subject->focused ? subject->end : (uint16_t)lines->size;
        struct search_result found = {0};
        (void)waits_near(lines, subject->unit, from, to, keep);
        const enum ns_status status = search_with(job, subject, keep, NULL, &found);
        const bool proved = status == NS_OK && !shows(&found, subject, from, to) && found.incomplete == NULL;
        job->found.states += found.states;
        job->found.transitions += found.transitions;
        job->found.worlds.states += found.worlds.states;
        job->found.worlds.moves += found.worlds.moves;
        job->found.bytes = found.bytes > job->found.bytes ? found.bytes : job->found.bytes;
        search_result_release(&found);
        free(keep);
        if (proved || status != NS_OK)
            return status;
    }
    return search_with(job, subject, NULL, sink, &job->found);
}

static bool may_go_on(const struct job *job) {
    return job->found.incomplete == NULL && !(job->pool->all->options->verdict_only && job->found.count > 0);
}

/* The next cell with bytes of its own. */
static uint32_t behind(const struct unit *unit, const uint16_t *cut, uint32_t cell) {
    uint32_t next = cell + 1;
    while (next < unit->cells && cut[next] == cut[cell])
        next++;
    return next;
}

/* One line: in one search, or cell by cell where many of its bytes may be on their way at a time, and two together
 * where a read could find one of them new and the other old; then what is observed of it is searched together. */
static enum ns_status search_unit(struct job *job, const struct unit *unit, struct observation_sink *sink) {
    const struct lines *lines = job->pool->lines;
    enum { TOGETHER = 3 };
    if (world_flying_cells(lines, unit) <= TOGETHER)
        return search_subject(job, &(struct subject){.unit = unit}, sink);
    struct unit_op *ops = malloc((unit->count + 1) * sizeof *ops);
    uint16_t cut[UNIT_MAX + 1];
    if (ops == NULL)
        return NS_ERROR_MEMORY;
    unit_fold(lines, unit, ops, cut);
    free(ops);
    enum ns_status status = NS_OK;
    bool searched = false; /* with the one before */
    for (uint32_t cell = 0; cell < unit->cells && status == NS_OK && may_go_on(job);) {
        const uint32_t next = behind(unit, cut, cell);
        const bool torn = next < unit->cells && lines_torn_at(lines, unit, cut[next]);
        const uint16_t end = cut[torn ? behind(unit, cut, next) : next];
        if (torn || !searched)
            status = search_subject(
                job, &(struct subject){.unit = unit, .focused = true, .first = cut[cell], .end = end}, NULL);
        searched = torn;
        cell = next;
    }
    uint16_t first, end;
    if (status == NS_OK && may_go_on(job) && sink_range(sink, unit, &first, &end)) {
        const struct subject subject = {.unit = unit, .focused = true, .first = first, .end = end};
        status = search_subject(job, &subject, sink);
    }
    return status;
}

/* ---- threads --------------------------------------------------------------------------------- */

/* The next job that is wanted: those with observations for the first thread only, and before the others. */
static struct job *take(struct pool *pool, bool first_thread) {
    struct job *taken = NULL;
    pthread_mutex_lock(&pool->lock);
    for (int observed = first_thread ? 1 : 0; observed >= 0 && taken == NULL; observed--) {
        size_t *next = &pool->next[observed];
        while (*next < pool->end && (pool->jobs[*next].sink != NULL) != (observed == 1))
            ++*next;
        if (*next < pool->end)
            taken = &pool->jobs[(*next)++];
    }
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

static void work_on(struct pool *pool, bool first_thread) {
    for (struct job *job = take(pool, first_thread); job != NULL; job = take(pool, first_thread)) {
        job->status = job->unit != NULL ? search_unit(job, job->unit, job->sink)
                                        : search_subject(job, &(struct subject){0}, job->sink);
        const size_t number = (size_t)(job - pool->jobs);
        pthread_mutex_lock(&pool->lock);
        job->done = true;
        pool->done++;
        pool->states += job->found.states;
        if (pool->all->options->verdict_only && job->found.count > 0)
            pool->end = 0;
        else if ((job->status != NS_OK || job->found.incomplete != NULL) && number < pool->end)
            pool->end = number;
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *other_thread(void *context) {
    work_on(context, false);
    return NULL;
}

static void run(struct pool *pool) {
    enum { MOST = 64 };
    pthread_t thread[MOST];
    const unsigned wanted = pool->threads > MOST ? MOST : pool->threads;
    unsigned started = 0;
    while (started + 1 < wanted && pthread_create(&thread[started], NULL, other_thread, pool) == 0)
        started++;
    work_on(pool, true);
    while (started > 0)
        pthread_join(thread[--started], NULL);
}

/* ---- together -------------------------------------------------------------------------------- */

static bool take_discoveries(struct search_result *all, struct search_result *from) {
    if (from->count == 0)
        return true;
    struct discovery *grown = realloc(all->discoveries, (all->count + from->count) * sizeof *grown);
    if (grown == NULL)
        return false;
    all->discoveries = grown;
    for (size_t i = 0; i < from->count; i++)
        grown[all->count++] = from->discoveries[i];
    all->capacity = all->count;
    from->count = 0; /* their schedules have a new owner */
    return true;
}

static enum ns_status put_together(struct pool *pool) {
    struct search_result *all = &pool->all->found;
    const uint64_t left = states_left(pool->all), before = all->states;
    enum ns_status status = NS_OK;
    for (size_t i = 0; i < pool->count && status == NS_OK && all->incomplete == NULL; i++) {
        struct job *job = &pool->jobs[i];
        if (!job->done) /* only the verdict was asked for */
            continue;
        status = job->status;
        all->states += job->found.states;
        all->transitions += job->found.transitions;
        all->worlds.states += job->found.worlds.states;
        all->worlds.moves += job->found.worlds.moves;
        all->bytes = job->found.bytes > all->bytes ? job->found.bytes : all->bytes;
        all->incomplete = job->found.incomplete;
        if (status == NS_OK && !take_discoveries(all, &job->found))
            status = NS_ERROR_MEMORY;
        if (all->incomplete == NULL && all->states - before > left)
            all->incomplete = "the limit of states was met";
        pool->all->lines_done += all->incomplete == NULL;
    }
    return status;
}

enum ns_status search_lines(struct verification *all, const struct lines *lines, struct observation_sink *sink) {
    struct pool pool = {.all = all, .lines = lines, .lock = PTHREAD_MUTEX_INITIALIZER};
    pool.jobs = calloc(lines->unit_count + 1, sizeof *pool.jobs);
    if (pool.jobs == NULL)
        return NS_ERROR_MEMORY;
    for (size_t i = 0; i < lines->unit_count; i++) {
        const struct unit *unit = &lines->units[i];
        uint16_t first, end;
        if ((unit->interesting || unit->control) && unit->class_of == i)
            pool.jobs[pool.count++] =
                (struct job){.pool = &pool, .unit = unit, .sink = sink_range(sink, unit, &first, &end) ? sink : NULL};
    }
    if (lines->classes == 0)
        pool.jobs[pool.count++] = (struct job){.pool = &pool, .sink = sink};
    const size_t threads = all->options->jobs > 0 ? all->options->jobs : 1;
    pool.threads = (unsigned)(threads < pool.count ? threads : pool.count > 0 ? pool.count : 1);
    pool.end = pool.count;
    all->lines_all = pool.count;
    all->lines_done = 0;
    run(&pool);
    const enum ns_status status = put_together(&pool);
    for (size_t i = 0; i < pool.count; i++)
        search_result_release(&pool.jobs[i].found);
    free(pool.jobs);
    return status;
}
