/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/dram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

enum command { READ, WRITE, ACTIVATE, PRECHARGE };

/* One grade in clocks. */
struct clocks {
    uint32_t cl, cwl, data; /* data: a burst on the bus */
    uint32_t dqs;           /* tDQSCK, the least */
    uint32_t dqs_most;      /* ... and the most: the bus turns round behind it */
    uint32_t rp_all;        /* tRPab: of all banks at once */
    uint32_t dqss;          /* tDQSS: the data of a write behind WL */
    uint32_t ppd;           /* tPPD: from one PRE to the next, of any bank */
    uint32_t rcd, rp, ras, wr, rtp, wtr_s, wtr_l, rrd_s, rrd_l, ccd_s, ccd_l, faw, refi, rfc;
};

/* The earliest clock of each command, as far as the bank itself is concerned. */
struct bank {
    uint64_t activate, precharge, column;
    uint64_t row;
    bool open;
};

struct request {
    uint64_t clock; /* seen from here on */
    uint64_t arrival_ps;
    uint64_t row, tag;
    uint32_t bank, group;
    uint32_t overtaken; /* column commands given to younger requests */
    bool write;
    bool activated, precharged; /* for its sake */
};

struct channel {
    struct bank bank[NS_DRAM_MOST_BANKS];
    struct request queue[NS_DRAM_MOST_QUEUE]; /* oldest first */
    uint32_t queued, writes;
    bool draining;         /* writes go first */
    uint64_t clock;        /* of the last command; one each clock */
    bool busy;             /* there was one */
    uint64_t pushed;       /* clock of the last request's arrival: what it changes comes no earlier */
    uint64_t activates[4]; /* the last four, for tFAW; next_activate is the oldest */
    uint32_t next_activate, activate_count;
    uint64_t read[NS_DRAM_MOST_BANKS], write[NS_DRAM_MOST_BANKS]; /* earliest column commands, by group */
    uint64_t activate_group[NS_DRAM_MOST_BANKS];                  /* tRRD, by group */
    uint64_t precharge;                                           /* tPPD */
    uint64_t refresh;                                             /* when the next one is due */
};

struct ns_dram {
    struct ns_dram_config config;
    struct clocks t;
    uint32_t tck, burst_bytes, bursts_per_row;
    uint32_t groups, banks; /* banks: of all groups together */
    struct ns_dram_stats stats;
    struct channel channel[NS_DRAM_MOST_CHANNELS];
};

/* ---- configuration --------------------------------------------------------------------------- */

static bool is_power_of_two(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static uint32_t more(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

void ns_dram_config_default(struct ns_dram_config *config, const struct ns_dram_grade *grade) {
    const bool low_power = grade != NULL && grade->kind == NS_DRAM_LPDDR4;
    *config = (struct ns_dram_config){
        .grade = grade,
        .channels = 1,
        .width = low_power ? 32 : 64,
        .device = 16,
        .gigabits = 4,
        .map = grade != NULL && grade->kind == NS_DRAM_DDR4 ? NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP
                                                            : NS_DRAM_MAP_ROW_BANK_COLUMN,
        .scheduler = NS_DRAM_FR_FCFS,
        .queue = 32,
        .cap = 16,
    };
}

uint32_t ns_dram_burst_bytes(const struct ns_dram_config *config) {
    return config->grade->burst * config->width / 8;
}

enum ns_status ns_dram_config_check(const struct ns_dram_config *config, char *reason, size_t size) {
    const char *sentence;
    if (ns_dram_config_fault(config, &sentence) == NS_DRAM_NO_FAULT) {
        return NS_OK;
    }
    snprintf(reason, size, "%s", sentence);
    return NS_ERROR_ARGUMENT;
}

static enum ns_dram_fault fault(enum ns_dram_fault part, const char *says, const char **sentence) {
    *sentence = says;
    return part;
}

enum ns_dram_fault ns_dram_config_fault(const struct ns_dram_config *config, const char **sentence) {
    if (config->grade == NULL) {
        return fault(NS_DRAM_FAULT_GRADE, "a DRAM has a speed bin, such as `DDR3-1600K`", sentence);
    }
    if (!is_power_of_two(config->channels) || config->channels > NS_DRAM_MOST_CHANNELS) {
        return fault(NS_DRAM_FAULT_CHANNELS, "a DRAM has 1, 2 or 4 channels", sentence);
    }
    if (!is_power_of_two(config->width) || config->width < 8 || config->width > 64) {
        return fault(NS_DRAM_FAULT_WIDTH, "a channel of DRAM is 8, 16, 32 or 64 bits wide", sentence);
    }
    if ((config->device != 8 && config->device != 16) || config->device > config->width) {
        return fault(NS_DRAM_FAULT_DEVICE, "a device of DRAM is 8 or 16 bits wide, and not wider than its channel",
                     sentence);
    }
    if (config->grade->kind == NS_DRAM_LPDDR4 && config->device != 16) {
        return fault(NS_DRAM_FAULT_DEVICE, "a device of LPDDR4 is 16 bits wide", sentence);
    }
    if (ns_dram_rfc_ps(config->grade->kind, config->gigabits) == 0) {
        static const char *const known[] = {[NS_DRAM_DDR3] = "a device of DDR3 has 1, 2, 4 or 8 Gbit",
                                            [NS_DRAM_DDR4] = "a device of DDR4 has 2, 4, 8 or 16 Gbit",
                                            [NS_DRAM_LPDDR4] =
                                                "a channel of an LPDDR4 device has 2, 3, 4, 6, 8, 12 or 16 Gbit"};
        return fault(NS_DRAM_FAULT_DENSITY, known[config->grade->kind], sentence);
    }
    if (config->queue < 1 || config->queue > NS_DRAM_MOST_QUEUE) {
        return fault(NS_DRAM_FAULT_QUEUE, "the queue of a DRAM controller has 1 to 64 entries", sentence);
    }
    if (config->cap > NS_DRAM_MOST_CAP) {
        return fault(NS_DRAM_FAULT_CAP, "a request to DRAM is overtaken at most 255 times", sentence);
    }
    return NS_DRAM_NO_FAULT;
}

static uint32_t clocks_of(const struct ns_dram_grade *grade, uint32_t ps, uint32_t least) {
    return more(ns_dram_clocks(grade, ps), least);
}

struct ns_dram *ns_dram_create(const struct ns_dram_config *config) {
    char reason[160];
    if (ns_dram_config_check(config, reason, sizeof reason) != NS_OK) {
        return NULL;
    }
    struct ns_dram *dram = calloc(1, sizeof *dram);
    if (dram == NULL) {
        return NULL;
    }
    const struct ns_dram_grade *grade = config->grade;
    dram->config = *config;
    dram->tck = grade->tck_ps;
    dram->burst_bytes = ns_dram_burst_bytes(config);
    /* Pages of 2 KiB: devices of 16 bits, and DDR3 of 8 Gbit whatever its width (JESD79-3F, "8Gb Addressing"). */
    const bool wide = config->device == 16 || (grade->kind == NS_DRAM_DDR3 && config->gigabits == 8);
    const uint32_t page = (wide ? 2048 : 1024) * (config->width / config->device);
    dram->bursts_per_row = page / dram->burst_bytes;
    dram->groups = grade->kind != NS_DRAM_DDR4 ? 1 : wide ? 2 : 4;
    dram->banks = grade->kind != NS_DRAM_DDR4 ? 8 : dram->groups * 4;
    dram->t = (struct clocks){
        .cl = grade->cl_ck,
        .cwl = grade->cwl_ck,
        .data = grade->burst / 2,
        .dqs = clocks_of(grade, grade->dqs_ps, 0),
        /* JESD209-4B, "Timing parameters": tDQSCK up to 3.5 ns; tRPab max(21 ns, 4 nCK). The others have one tRP. */
        .dqs_most = grade->kind == NS_DRAM_LPDDR4 ? clocks_of(grade, 3500, 0) : 0,
        .rp_all = grade->kind == NS_DRAM_LPDDR4 ? clocks_of(grade, 21000, 4) : clocks_of(grade, grade->rp_ps, 1),
        .dqss = grade->kind == NS_DRAM_LPDDR4,
        .ppd = grade->kind == NS_DRAM_LPDDR4 ? 4 : 1, /* JESD209-4B, core timing: 4 nCK */
        .rcd = clocks_of(grade, grade->rcd_ps, 1),
        .rp = clocks_of(grade, grade->rp_ps, 1),
        .ras = clocks_of(grade, grade->ras_ps, 1),
        .wr = clocks_of(grade, grade->wr_ps, 1),
        .rtp = clocks_of(grade, grade->rtp_ps, grade->rtp_ck),
        .wtr_s = clocks_of(grade, grade->wtr_s_ps, grade->wtr_s_ck),
        .wtr_l = clocks_of(grade, grade->wtr_l_ps, grade->wtr_l_ck),
        .rrd_s = clocks_of(grade, grade->rrd_s_ps[wide], 4),
        .rrd_l = clocks_of(grade, grade->rrd_l_ps[wide], 4),
        .ccd_s = grade->ccd_s_ck,
        .ccd_l = clocks_of(grade, grade->ccd_l_ps, grade->ccd_l_ck),
        .faw = clocks_of(grade, grade->faw_ps[wide], 1),
        .refi = grade->refi_ps / grade->tck_ps,
        .rfc = clocks_of(grade, ns_dram_rfc_ps(grade->kind, config->gigabits), 1),
    };
    for (uint32_t i = 0; i < config->channels; i++) {
        dram->channel[i].refresh = config->no_refresh ? NEVER : dram->t.refi;
    }
    return dram;
}

void ns_dram_destroy(struct ns_dram *dram) {
    free(dram);
}

/* Without requests, refreshes are made up for when the next one comes (step_channel); here they are only counted. */
void ns_dram_get_stats(const struct ns_dram *dram, uint64_t now_ps, struct ns_dram_stats *stats) {
    const uint64_t now = now_ps / dram->tck;
    *stats = dram->stats;
    for (uint32_t i = 0; i < dram->config.channels; i++) {
        const struct channel *channel = &dram->channel[i];
        stats->refreshes += channel->refresh <= now ? (now - channel->refresh) / dram->t.refi + 1 : 0;
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Most masters post their writes, so reads go first: writes wait until no read is there or three quarters of the queue
 * are writes, and then go until a quarter is left. Whoever has been overtaken too often decides before that. */
static void choose_side(const struct ns_dram *dram, struct channel *channel) {
    for (uint32_t i = 0; i < channel->queued; i++) {
        if (channel->queue[i].overtaken >= dram->config.cap) {
            channel->draining = channel->queue[i].write;
            return;
        }
    }
    const bool no_reads = channel->writes == channel->queued;
    const uint32_t quarters = channel->draining ? 1 : 3;
    channel->draining = no_reads || (channel->writes > 0 && channel->writes * 4 > dram->config.queue * quarters);
}

/* Which channel, and into *request which bank, group and row. */
static uint32_t locate(const struct ns_dram *dram, uint64_t address, struct request *request) {
    const uint32_t groups = dram->groups;
    uint64_t rest = address / dram->burst_bytes;
    const uint32_t channel = (uint32_t)(rest % dram->config.channels);
    rest /= dram->config.channels;
    uint32_t bank;
    switch (dram->config.map) {
    case NS_DRAM_MAP_ROW_COLUMN_BANK:
        bank = (uint32_t)(rest % dram->banks);
        rest = rest / dram->banks / dram->bursts_per_row;
        break;
    case NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP:
        bank = (uint32_t)(rest % groups);
        rest = rest / groups / dram->bursts_per_row;
        bank += groups * (uint32_t)(rest % (dram->banks / groups));
        rest /= dram->banks / groups;
        break;
    case NS_DRAM_MAP_ROW_BANK_COLUMN:
    default:
        rest /= dram->bursts_per_row;
        bank = (uint32_t)(rest % dram->banks);
        rest /= dram->banks;
        break;
    }
    request->bank = bank;
    request->group = bank % groups;
    request->row = rest;
    return channel;
}

bool ns_dram_push(struct ns_dram *dram, uint64_t now_ps, uint64_t address, bool write, uint64_t tag) {
    struct request request = {.clock = now_ps / dram->tck + 1, .arrival_ps = now_ps, .tag = tag, .write = write};
    struct channel *channel = &dram->channel[locate(dram, address, &request)];
    if (channel->queued == dram->config.queue) {
        return false;
    }
    channel->pushed = (now_ps + dram->tck - 1) / dram->tck;
    channel->queue[channel->queued++] = request;
    channel->writes += write;
    choose_side(dram, channel);
    return true;
}

/* ---- timing ---------------------------------------------------------------------------------- */

static enum command next_command(const struct channel *channel, const struct request *request) {
    const struct bank *bank = &channel->bank[request->bank];
    if (!bank->open) {
        return ACTIVATE;
    }
    return bank->row != request->row ? PRECHARGE : request->write ? WRITE : READ;
}

/* The earliest clock of a request's next command. */
static uint64_t earliest(const struct ns_dram *dram, const struct channel *channel, const struct request *request) {
    const struct bank *bank = &channel->bank[request->bank];
    uint64_t at = later(later(request->clock, channel->pushed), channel->busy ? channel->clock + 1 : 0);
    switch (next_command(channel, request)) {
    case READ:
        return later(at, later(bank->column, channel->read[request->group]));
    case WRITE:
        return later(at, later(bank->column, channel->write[request->group]));
    case ACTIVATE:
        at = later(at, later(bank->activate, channel->activate_group[request->group]));
        if (channel->activate_count == 4) { /* tFAW: at most four in any such window */
            at = later(at, channel->activates[channel->next_activate] + dram->t.faw);
        }
        return at;
    case PRECHARGE:
    default:
        return later(at, later(bank->precharge, channel->precharge));
    }
}

static void note_column(const struct ns_dram *dram, struct channel *channel, const struct request *request,
                        uint64_t at) {
    const struct clocks *t = &dram->t;
    struct bank *bank = &channel->bank[request->bank];
    /* Read to write: the bus turns round, RL + BL/2 + 2 - WL (LPDDR4 adds the longest tDQSCK). Write to read: tWTR from
     * the last data. */
    const uint32_t read_write = t->cl + t->dqs_most + t->data + 2 - t->cwl; /* no WL exceeds its RL */
    for (uint32_t group = 0; group < dram->groups; group++) {
        const bool same = group == request->group;
        const uint32_t ccd = same ? t->ccd_l : t->ccd_s;
        const uint32_t write_read = t->cwl + t->dqss + t->data + (same ? t->wtr_l : t->wtr_s);
        channel->read[group] = later(channel->read[group], at + (request->write ? write_read : ccd));
        channel->write[group] = later(channel->write[group], at + (request->write ? ccd : more(read_write, ccd)));
    }
    bank->precharge = later(bank->precharge, at + (request->write ? t->cwl + t->dqss + t->data + t->wr : t->rtp));
}

static void note_activate(const struct ns_dram *dram, struct channel *channel, const struct request *request,
                          uint64_t at) {
    const struct clocks *t = &dram->t;
    struct bank *bank = &channel->bank[request->bank];
    bank->open = true;
    bank->row = request->row;
    bank->column = at + t->rcd;
    bank->precharge = at + t->ras;
    bank->activate = at + t->ras + t->rp; /* tRC */
    for (uint32_t group = 0; group < dram->groups; group++) {
        channel->activate_group[group] =
            later(channel->activate_group[group], at + (group == request->group ? t->rrd_l : t->rrd_s));
    }
    channel->activates[channel->next_activate] = at;
    channel->next_activate = (channel->next_activate + 1) % 4;
    channel->activate_count += channel->activate_count < 4;
}

static void note_precharge(const struct ns_dram *dram, struct channel *channel, struct bank *bank, uint64_t at) {
    bank->open = false;
    bank->activate = later(bank->activate, at + dram->t.rp);
    channel->precharge = at + dram->t.ppd;
}

/* The refresh that is due: PRE of all banks as soon as each may be closed, then REF. Nothing else goes meanwhile. */
static void refresh(struct ns_dram *dram, struct channel *channel) {
    uint64_t at = later(channel->refresh, channel->busy ? channel->clock + 1 : 0);
    bool open = false;
    for (uint32_t i = 0; i < dram->banks; i++) {
        if (channel->bank[i].open) {
            open = true;
            at = later(at, later(channel->bank[i].precharge, channel->precharge));
        }
    }
    uint64_t start = open ? at + dram->t.rp_all : at;
    for (uint32_t i = 0; i < dram->banks; i++) {
        if (!channel->bank[i].open) { /* its own precharge must be over; tRC is not asked for */
            start = later(start, channel->bank[i].activate);
        }
    }
    for (uint32_t i = 0; i < dram->banks; i++) {
        channel->bank[i].open = false;
        channel->bank[i].activate = start + dram->t.rfc;
    }
    channel->clock = start;
    channel->busy = true;
    channel->refresh += dram->t.refi;
    dram->stats.refreshes++;
}

/* ---- which request is next ------------------------------------------------------------------- */

/* Whether a request of this side wants the row that is open in its bank. */
static bool row_is_wanted(const struct channel *channel, uint32_t bank) {
    for (uint32_t i = 0; i < channel->queued; i++) {
        const struct request *request = &channel->queue[i];
        if (request->bank == bank && request->row == channel->bank[bank].row && request->write == channel->draining) {
            return true;
        }
    }
    return false;
}

struct choice {
    uint32_t index;
    uint64_t at; /* NEVER: no request */
};

static struct choice choose(const struct ns_dram *dram, const struct channel *channel) {
    if (channel->queued == 0) {
        return (struct choice){0, NEVER};
    }
    if (dram->config.scheduler == NS_DRAM_IN_ORDER) {
        return (struct choice){0, earliest(dram, channel, &channel->queue[0])};
    }
    struct choice best = {0, NEVER};
    bool best_is_column = false;
    for (uint32_t i = 0; i < channel->queued; i++) {
        const struct request *request = &channel->queue[i];
        if (request->write != channel->draining) {
            continue;
        }
        const bool late = request->overtaken >= dram->config.cap;
        const enum command command = next_command(channel, request);
        const bool column = command == READ || command == WRITE;
        if (command != PRECHARGE || late || !row_is_wanted(channel, request->bank)) {
            const uint64_t at = earliest(dram, channel, request);
            if (at < best.at || (at == best.at && column && !best_is_column)) {
                best = (struct choice){i, at};
                best_is_column = column;
            }
        }
        if (late) { /* no younger one goes before it, in any bank */
            return best;
        }
    }
    return best;
}

static void take_out(struct channel *channel, uint32_t index) {
    channel->writes -= channel->queue[index].write;
    channel->queued--;
    memmove(&channel->queue[index], &channel->queue[index + 1], (channel->queued - index) * sizeof channel->queue[0]);
}

/* The column command of a request: it is over but for the data. */
static void finish(struct ns_dram *dram, struct channel *channel, uint32_t index, uint64_t at,
                   struct ns_dram_done *done) {
    const struct clocks *t = &dram->t;
    const struct request request = channel->queue[index];
    note_column(dram, channel, &request, at);
    for (uint32_t i = 0; i < index; i++) {
        channel->queue[i].overtaken++;
    }
    take_out(channel, index);
    const uint64_t end = at + (request.write ? t->cwl + t->dqss : t->cl + t->dqs) + t->data;
    *done = (struct ns_dram_done){request.tag, end * dram->tck + dram->config.latency_ps};
    dram->stats.row_conflicts += request.precharged;
    dram->stats.row_misses += request.activated && !request.precharged;
    dram->stats.row_hits += !request.activated && !request.precharged;
    if (request.write) {
        dram->stats.writes++;
    } else {
        dram->stats.reads++;
        dram->stats.latency_ps += done->ready_ps - request.arrival_ps;
    }
}

static bool step_channel(struct ns_dram *dram, struct channel *channel, uint64_t now, struct ns_dram_done *done) {
    for (;;) {
        choose_side(dram, channel);
        const struct choice choice = choose(dram, channel);
        if (choice.at != NEVER && choice.at >= channel->refresh) {
            if (channel->refresh > now) {
                return false;
            }
            refresh(dram, channel);
            continue;
        }
        if (choice.at > now) {
            return false;
        }
        struct request *request = &channel->queue[choice.index];
        channel->clock = choice.at;
        channel->busy = true;
        switch (next_command(channel, request)) {
        case ACTIVATE:
            request->activated = true;
            note_activate(dram, channel, request, choice.at);
            break;
        case PRECHARGE:
            request->precharged = true;
            note_precharge(dram, channel, &channel->bank[request->bank], choice.at);
            break;
        default:
            finish(dram, channel, choice.index, choice.at, done);
            return true;
        }
    }
}

bool ns_dram_step(struct ns_dram *dram, uint64_t now_ps, struct ns_dram_done *done) {
    for (uint32_t i = 0; i < dram->config.channels; i++) {
        if (step_channel(dram, &dram->channel[i], now_ps / dram->tck, done)) {
            return true;
        }
    }
    return false;
}

uint64_t ns_dram_next_ps(const struct ns_dram *dram) {
    uint64_t next = NEVER;
    for (uint32_t i = 0; i < dram->config.channels; i++) {
        const struct channel *channel = &dram->channel[i];
        struct choice choice = choose(dram, channel);
        if (choice.at != NEVER && choice.at >= channel->refresh) {
            choice.at = channel->refresh;
        }
        if (choice.at != NEVER && choice.at * dram->tck < next) {
            next = choice.at * dram->tck;
        }
    }
    return next;
}
