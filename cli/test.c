/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/grade.h"
#include "cli/output.h"
#include "cli/test_find.h"
#include "cli/test_report.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* The one thing a signal handler can reach. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

static enum ns_verdict judge(const struct ns_child_result *result) {
    switch (result->exit) {
    case NS_EXIT_HELD:
        return NS_VERDICT_PASS;
    case NS_EXIT_INCOMPLETE:
        return NS_VERDICT_INCOMPLETE;
    case NS_EXIT_SKIPPED:
        return NS_VERDICT_SKIPPED;
    default:
        return NS_VERDICT_FAIL;
    }
}

/* In the order of the list, whatever order they end in. */
static void print_finished(struct ns_campaign *campaign) {
    while (campaign->printed < campaign->count && campaign->items[campaign->printed].verdict != NS_VERDICT_UNKNOWN &&
           !campaign->broken) {
        ns_test_print_item(campaign, &campaign->items[campaign->printed++]);
    }
}

static void start_children(struct ns_campaign *campaign) {
    for (size_t i = 0; i < campaign->jobs && campaign->started < campaign->count && !campaign->broken; ++i) {
        if (campaign->children[i].pid != 0) {
            continue;
        }
        campaign->item_of_child[i] = campaign->started;
        if (!ns_child_start(campaign->items[campaign->started].file, campaign->options, campaign->color,
                            &campaign->children[i])) {
            campaign->broken = true;
            return;
        }
        ++campaign->started;
    }
}

/* Waits until some child has written, ended or run out of time. */
static void wait_for_children(struct ns_campaign *campaign, struct pollfd *descriptors) {
    nfds_t count = 0;
    uint64_t now = ns_clock_ms(), wait = 1000;
    for (size_t i = 0; i < campaign->jobs; ++i) {
        const struct ns_child *child = &campaign->children[i];
        if (child->pid == 0) {
            continue;
        }
        if (child->pipe >= 0 && !child->timed_out) {
            uint64_t left = child->deadline_ms > now ? child->deadline_ms - now : 0;
            wait = left < wait ? left : wait;
            descriptors[count++] = (struct pollfd){.fd = child->pipe, .events = POLLIN};
        } else {
            wait = 1; /* it has closed its pipe or was killed: the end is near */
        }
    }
    poll(descriptors, count, (int)wait);
}

static void collect(struct ns_campaign *campaign) {
    for (size_t i = 0; i < campaign->jobs; ++i) {
        struct ns_child *child = &campaign->children[i];
        if (child->pid == 0) {
            continue;
        }
        struct ns_test_item *item = &campaign->items[campaign->item_of_child[i]];
        ns_child_read(child);
        if (ns_child_finish(child, &item->result)) {
            if (item->result.no_memory) { /* what it has said is lost */
                ns_error("out of memory");
                campaign->broken = true;
                return;
            }
            item->verdict = judge(&item->result);
            ++campaign->tally[item->verdict];
            ns_test_add_death(campaign, item);
        }
    }
    print_finished(campaign);
}

static bool has_children(const struct ns_campaign *campaign) {
    for (size_t i = 0; i < campaign->jobs; ++i) {
        if (campaign->children[i].pid != 0) {
            return true;
        }
    }
    return false;
}

static void run_campaign(struct ns_campaign *campaign, struct pollfd *descriptors) {
    struct sigaction action = {.sa_handler = on_interrupt};
    struct sigaction old_interrupt, old_terminate;
    interrupted = 0;
    sigaction(SIGINT, &action, &old_interrupt);
    sigaction(SIGTERM, &action, &old_terminate);
    start_children(campaign);
    while (has_children(campaign) && interrupted == 0 && !campaign->broken) {
        wait_for_children(campaign, descriptors);
        collect(campaign);
        start_children(campaign);
    }
    for (size_t i = 0; i < campaign->jobs; ++i) {
        ns_child_kill(&campaign->children[i]);
    }
    campaign->interrupted = interrupted != 0;
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGTERM, &old_terminate, NULL);
}

static enum ns_exit campaign_exit(const struct ns_campaign *campaign) {
    if (campaign->broken) {
        return NS_EXIT_INTERNAL;
    }
    if (campaign->interrupted) {
        return NS_EXIT_INCOMPLETE;
    }
    if (campaign->tally[NS_VERDICT_FAIL] > 0) {
        return NS_EXIT_FAILED;
    }
    if (campaign->tally[NS_VERDICT_INCOMPLETE] > 0) {
        return NS_EXIT_INCOMPLETE;
    }
    return campaign->tally[NS_VERDICT_PASS] > 0 ? NS_EXIT_HELD : NS_EXIT_SKIPPED;
}

/* A document that cannot be written decides the exit status; the first one does, of several. */
static enum ns_exit write_document(const struct ns_campaign *campaign, const char *file,
                                   void (*form)(const struct ns_campaign *, struct ns_buffer *), enum ns_exit result) {
    if (file == NULL) {
        return result;
    }
    struct ns_buffer document = {0};
    form(campaign, &document);
    const enum ns_exit written = ns_output_document(file, &document);
    ns_buffer_release(&document);
    return written == NS_EXIT_HELD || result == NS_EXIT_BAD_INPUT || result == NS_EXIT_INTERNAL ? result : written;
}

static enum ns_exit finish_campaign(struct ns_campaign *campaign) {
    if (!ns_output_is_json(campaign->options) && !campaign->broken) {
        ns_test_print_summary(campaign);
    }
    enum ns_exit result = campaign_exit(campaign);
    if (campaign->options->json && !campaign->broken) {
        struct ns_buffer document = {0};
        ns_test_json(campaign, result, &document);
        enum ns_exit written = ns_output_json(campaign->options, &document);
        result = written != NS_EXIT_HELD ? written : result;
        ns_buffer_release(&document);
    }
    if (!campaign->broken) {
        result = write_document(campaign, campaign->options->junit, ns_test_junit, result);
        result = write_document(campaign, campaign->options->tap, ns_test_tap, result);
    }
    return result;
}

static size_t job_count(const struct ns_options *options, size_t files) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t jobs = options->jobs > 0 ? options->jobs : processors > 0 ? (size_t)processors : 1;
    jobs = jobs > NS_MAX_JOBS ? NS_MAX_JOBS : jobs;
    return jobs < files ? jobs : files;
}

static enum ns_exit test_files(const struct ns_options *options, const struct ns_file_list *files) {
    struct ns_campaign campaign = {.options = options,
                                   .color = ns_output_color(options) && !options->json && options->junit == NULL &&
                                            options->tap == NULL,
                                   .count = files->count,
                                   .jobs = job_count(options, files->count)};
    enum ns_exit result = NS_EXIT_INTERNAL;
    struct pollfd *descriptors = calloc(campaign.jobs, sizeof *descriptors);
    campaign.items = calloc(campaign.count, sizeof *campaign.items);
    campaign.children = calloc(campaign.jobs, sizeof *campaign.children);
    campaign.item_of_child = calloc(campaign.jobs, sizeof *campaign.item_of_child);
    if (descriptors == NULL || campaign.items == NULL || campaign.children == NULL || campaign.item_of_child == NULL) {
        ns_error("out of memory");
    } else {
        for (size_t i = 0; i < campaign.count; ++i) {
            campaign.items[i].file = files->name[i];
        }
        for (size_t i = 0; i < campaign.jobs; ++i) {
            campaign.children[i].pipe = -1;
        }
        run_campaign(&campaign, descriptors);
        result = finish_campaign(&campaign);
    }
    for (size_t i = 0; campaign.items != NULL && i < campaign.count; ++i) {
        ns_buffer_release(&campaign.items[i].result.name);
        ns_buffer_release(&campaign.items[i].result.machine);
        ns_buffer_release(&campaign.items[i].result.report);
    }
    free(descriptors);
    free(campaign.items);
    free(campaign.children);
    free(campaign.item_of_child);
    return result;
}

enum ns_exit ns_test_main(const struct ns_options *options) {
    struct ns_file_list files = {0};
    enum ns_exit result = NS_EXIT_HELD;
    if (options->grade != NULL) {
        return ns_grade(options);
    }
    if (options->operand_count == 0) {
        ns_error("`nosnoop test` needs a file or folder: nosnoop test PATH...");
        return NS_EXIT_BAD_INPUT;
    }
    for (size_t i = 0; result == NS_EXIT_HELD && i < options->operand_count; ++i) {
        result = ns_find_scenarios(options->operands[i], &files);
    }
    ns_file_list_sort(&files);
    if (result == NS_EXIT_HELD && files.count == 0) {
        ns_error("no scenario (*.dma) found");
        result = NS_EXIT_BAD_INPUT;
    } else if (result == NS_EXIT_HELD) {
        result = test_files(options, &files);
    }
    ns_file_list_release(&files);
    return result;
}
