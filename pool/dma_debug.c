/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/dma_debug.h"

#include "pool/dma_debug_entries.h"
#include "pool/say.h"

enum { DEFAULT_ENTRIES = 4096 };

/* ---- create, settings ------------------------------------------------------------------------ */

struct ns_dma_debug_config ns_dma_debug_defaults(enum ns_dma_debug_version version) {
    return (struct ns_dma_debug_config){.version = version, .line_size = 64, .num_errors = 1};
}

static bool valid_areas(const struct ns_debug_area *areas, size_t count) {
    if (count != 0 && !areas)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct ns_debug_area *area = &areas[i];
        if ((unsigned)area->kind >= NS_DEBUG_AREA_KINDS || area->length == 0 ||
            area->start + (area->length - 1) < area->start)
            return false;
        if (area->kind == NS_DEBUG_AREA_STACK && area->length > NS_DEBUG_STACK_MAX)
            return false;
    }
    return true;
}

static bool valid_config(const struct ns_dma_debug_config *config) {
    const uint32_t line_size = config->line_size;
    return (config->version == NS_DMA_DEBUG_5_10 || config->version == NS_DMA_DEBUG_7) && line_size >= 4 &&
           line_size <= 4096 && (line_size & (line_size - 1)) == 0 && valid_areas(config->areas, config->area_count);
}

static size_t round_to_power_of_two(size_t value) {
    size_t power = 1;
    while (power < value)
        power *= 2;
    return power;
}

enum ns_pool_status ns_dma_debug_create(const struct ns_port *port, const struct ns_dma_debug_config *config,
                                        struct ns_dma_debug **debug) {
    if (!valid_config(config))
        return NS_POOL_ERROR_ARGUMENT;
    const size_t entries = config->entries != 0 ? config->entries : DEFAULT_ENTRIES;
    const size_t cachelines = config->cachelines != 0 ? config->cachelines : entries;
    const size_t buckets = round_to_power_of_two(entries < NS_DEBUG_HASH_SIZE ? entries : NS_DEBUG_HASH_SIZE);
    if (entries > SIZE_MAX / 2 / sizeof(struct ns_debug_entry))
        return NS_POOL_ERROR_METADATA;
    struct ns_dma_debug *made =
        port->metadata_allocate(port->context, sizeof *made + entries * sizeof made->entries[0]);
    if (!made)
        return NS_POOL_ERROR_METADATA;
    made->port = port;
    made->buckets = port->metadata_allocate(port->context, buckets * sizeof made->buckets[0]);
    const enum ns_pool_status status =
        made->buckets ? ns_debug_cachelines_create(port, cachelines, config->line_size, &made->lines)
                      : NS_POOL_ERROR_METADATA;
    if (status != NS_POOL_OK) {
        ns_dma_debug_destroy(made);
        return status;
    }
    made->config = *config;
    if (made->config.cache_alignment == 0)
        made->config.cache_alignment = config->line_size;
    made->bucket_mask = buckets - 1;
    made->counters = (struct ns_dma_debug_counters){.num_errors = config->num_errors,
                                                    .total_entries = entries,
                                                    .free_entries = entries,
                                                    .min_free_entries = entries};
    for (size_t i = entries; i-- > 0;) {
        made->entries[i].next = made->free_entries;
        made->free_entries = &made->entries[i];
    }
    ns_dma_debug_set_filter(made, config->driver);
    *debug = made;
    return NS_POOL_OK;
}

void ns_dma_debug_destroy(struct ns_dma_debug *debug) {
    if (!debug)
        return;
    const struct ns_port *port = debug->port;
    ns_debug_cachelines_destroy(debug->lines);
    if (debug->buckets)
        port->metadata_free(port->context, debug->buckets);
    port->metadata_free(port->context, debug);
}

enum ns_pool_status ns_dma_debug_set_areas(struct ns_dma_debug *debug, const struct ns_debug_area *areas,
                                           size_t count) {
    if (!valid_areas(areas, count))
        return NS_POOL_ERROR_ARGUMENT;
    debug->config.areas = areas;
    debug->config.area_count = count;
    return NS_POOL_OK;
}

void ns_dma_debug_set_errors(struct ns_dma_debug *debug, bool all_errors, uint32_t num_errors) {
    debug->config.all_errors = all_errors;
    debug->counters.num_errors = num_errors;
}

static bool alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void ns_dma_debug_set_filter(struct ns_dma_debug *debug, const char *name) {
    size_t length = 0;
    if (name && alphanumeric(name[0]))
        for (; length < NS_DMA_DEBUG_DRIVER_NAME - 1 && name[length] != '\0' && !space(name[length]); length++)
            debug->filter[length] = name[length];
    debug->filter[length] = '\0';
}

/* ---- reports --------------------------------------------------------------------------------- */

/* Names agree in the characters that the filter can hold. */
static bool passes_filter(const struct ns_dma_debug *debug, const struct ns_pool_device *device) {
    if (debug->filter[0] == '\0')
        return true;
    if (!device || !device->driver)
        return false;
    for (size_t i = 0; i < NS_DMA_DEBUG_DRIVER_NAME - 1; i++) {
        if (debug->filter[i] != device->driver[i])
            return false;
        if (debug->filter[i] == '\0')
            break;
    }
    return true;
}

static void show(struct ns_dma_debug *debug, const struct ns_dma_debug_report *report) {
    const struct ns_port *port = debug->port;
    if (port->dma_debug)
        port->dma_debug(port->context, report->check, ns_dma_debug_check(report->check)->says, report->address,
                        report->length);
}

/* An error that the filter hides counts against num_errors all the same: the kernel tests the filter only where it
 * prints. */
void ns_debug_report_error(struct ns_dma_debug *debug, const struct ns_dma_debug_report *report,
                           const struct ns_debug_entry *entry) {
    struct ns_dma_debug_counters *counters = &debug->counters;
    const bool all = debug->config.all_errors;
    debug->last = *report;
    debug->last.shown = passes_filter(debug, report->device) && (all || counters->num_errors > 0);
    debug->last.has_entry = entry != NULL;
    if (entry)
        debug->last.entry = entry->is;
    counters->error_count++;
    if (!all && counters->num_errors > 0)
        counters->num_errors--;
    if (debug->last.shown)
        show(debug, report);
}

void ns_debug_report_always(struct ns_dma_debug *debug, const struct ns_dma_debug_report *report) {
    debug->last = *report;
    debug->last.shown = true;
    show(debug, report);
}

static void disable(struct ns_dma_debug *debug, const char *text) {
    debug->counters.disabled = true;
    ns_say(debug->port, NS_SAY_WARN, "DMA-API", text, debug->counters.total_entries, 0);
    const struct ns_dma_debug_report report = {.check = 25};
    ns_debug_report_always(debug, &report);
}

/* ---- entries --------------------------------------------------------------------------------- */

static uint64_t kernel_bucket(uint64_t bus) {
    return (bus >> NS_DEBUG_HASH_SHIFT) % NS_DEBUG_HASH_SIZE;
}

static struct ns_debug_entry **bucket_of(const struct ns_dma_debug *debug, uint64_t bus) {
    return &debug->buckets[(size_t)kernel_bucket(bus) & debug->bucket_mask];
}

struct ns_debug_entry *ns_debug_entry_take(struct ns_dma_debug *debug) {
    struct ns_dma_debug_counters *counters = &debug->counters;
    struct ns_debug_entry *entry = debug->free_entries;
    if (!entry) {
        disable(debug, "out of memory with {d} entries, disabling");
        return NULL;
    }
    debug->free_entries = entry->next;
    *entry = (struct ns_debug_entry){.next = NULL};
    counters->free_entries--;
    if (counters->free_entries < counters->min_free_entries)
        counters->min_free_entries = counters->free_entries;
    return entry;
}

static bool cache_clean(const struct ns_dma_debug_entry *entry) {
    return (entry->attributes & (NS_DMA_IGNORE_CACHELINES | NS_DMA_REQUIRE_COHERENT)) != 0;
}

static void report_exceeded(struct ns_dma_debug *debug, const struct ns_debug_entry *entry) {
    const uint64_t line_size = debug->config.line_size;
    if (debug->exceeded_once || (debug->config.version == NS_DMA_DEBUG_7 && cache_clean(&entry->is)))
        return;
    debug->exceeded_once = true;
    const struct ns_dma_debug_report report = {.check = 23,
                                               .device = entry->is.device,
                                               .address = entry->is.physical & ~(line_size - 1),
                                               .length = line_size,
                                               .has_entry = true,
                                               .entry = entry->is};
    ns_debug_report_always(debug, &report);
}

/* 5.10 has a TODO in this place. */
static void report_overlap(struct ns_dma_debug *debug, const struct ns_debug_entry *entry, bool first_is_clean) {
    const struct ns_dma_debug_config *config = &debug->config;
    if (config->version != NS_DMA_DEBUG_7 || (entry->is.attributes & NS_DMA_SKIP_CPU_SYNC) ||
        (cache_clean(&entry->is) && first_is_clean) || config->cache_alignment < config->line_size ||
        config->bounces_kmalloc)
        return;
    const struct ns_dma_debug_report report = {
        .check = 24, .device = entry->is.device, .address = entry->is.bus, .length = entry->is.size};
    ns_debug_report_error(debug, &report, entry);
}

/* A device that only reads leaves nothing stale behind, so to-device mappings may overlap with anything. The entry
 * stays in the hash when there is no room for its line: debugging is off from then on. */
static void add_cacheline(struct ns_dma_debug *debug, const struct ns_debug_entry *entry) {
    if (entry->is.direction == NS_DMA_TO_DEVICE)
        return;
    const void *owner = entry;
    const enum ns_debug_cacheline_result result = ns_debug_cachelines_insert(debug->lines, entry->is.physical, &owner);
    const struct ns_debug_entry *first = owner;
    switch (result) {
    case NS_DEBUG_CACHELINE_NEW:
        return;
    case NS_DEBUG_CACHELINE_NO_MEMORY:
        disable(debug, "no memory to track a cache line, with {d} entries, disabled");
        return;
    case NS_DEBUG_CACHELINE_EXCEEDED:
        report_exceeded(debug, entry);
        break;
    case NS_DEBUG_CACHELINE_EXISTS:
        break;
    }
    report_overlap(debug, entry, cache_clean(&first->is));
}

void ns_debug_entry_add(struct ns_dma_debug *debug, struct ns_debug_entry *entry) {
    struct ns_debug_entry **end = bucket_of(debug, entry->is.bus);
    while (*end)
        end = &(*end)->next;
    *end = entry;
    entry->live = true;
    add_cacheline(debug, entry);
}

void ns_debug_entry_remove(struct ns_dma_debug *debug, struct ns_debug_entry *entry) {
    struct ns_debug_entry **place = bucket_of(debug, entry->is.bus);
    while (*place != entry)
        place = &(*place)->next;
    *place = entry->next;
    entry->live = false;
    if (entry->is.direction != NS_DMA_TO_DEVICE)
        ns_debug_cachelines_remove(debug->lines, entry->is.physical);
    entry->next = debug->free_entries;
    debug->free_entries = entry;
    debug->counters.free_entries++;
}

/* ---- finding --------------------------------------------------------------------------------- */

static bool begins_at(const struct ns_dma_debug_entry *entry, const struct ns_dma_debug_entry *reference) {
    return entry->bus == reference->bus;
}

/* The kernel's sums, which wrap. */
static bool contains(const struct ns_dma_debug_entry *entry, const struct ns_dma_debug_entry *reference) {
    return entry->bus <= reference->bus && entry->bus + entry->size >= reference->bus + reference->size;
}

static bool agrees(const struct ns_dma_debug_entry *entry, const struct ns_dma_debug_entry *reference) {
    return entry->size == reference->size && entry->type == reference->type &&
           entry->direction == reference->direction && entry->sg_call_entries == reference->sg_call_entries;
}

/* In the kernel's bucket of `address`. The best of several imperfect ones is not looked for: the kernel computes it,
 * but gives it back only when it is the only one. */
static struct ns_debug_entry *
find_in_bucket(struct ns_dma_debug *debug, uint64_t address, const struct ns_dma_debug_entry *reference,
               bool (*match)(const struct ns_dma_debug_entry *entry, const struct ns_dma_debug_entry *reference)) {
    struct ns_debug_entry *found = NULL;
    size_t matches = 0;
    for (struct ns_debug_entry *entry = *bucket_of(debug, address); entry; entry = entry->next) {
        if (kernel_bucket(entry->is.bus) != kernel_bucket(address) || entry->is.device != reference->device ||
            !match(&entry->is, reference))
            continue;
        if (agrees(&entry->is, reference))
            return entry;
        found = entry;
        matches++;
    }
    return matches == 1 ? found : NULL;
}

struct ns_debug_entry *ns_debug_find_exact(struct ns_dma_debug *debug, const struct ns_dma_debug_entry *reference) {
    return find_in_bucket(debug, reference->bus, reference, begins_at);
}

/* How many buckets the search for a containing entry looks into. */
static uint64_t search_length(struct ns_dma_debug *debug, const struct ns_dma_debug_entry *reference) {
    const uint64_t bucket_size = UINT64_C(1) << NS_DEBUG_HASH_SHIFT;
    uint64_t length = reference->bus / bucket_size + 1;
    if (debug->config.version == NS_DMA_DEBUG_5_10) {
        const uint64_t longest = reference->device ? ns_dma_max_segment_size(reference->device) : 65536;
        length = longest / bucket_size + 1;
    }
    return length < NS_DEBUG_HASH_SIZE ? length : NS_DEBUG_HASH_SIZE;
}

/* 5.10 counts the bytes that it went back in 32 bits and compares with <=: from this size on the count wraps before it
 * is over. Here the search ends after one turn through the hash, which finds as much. */
#define ENDLESS_SEGMENT_SIZE UINT32_C(0xffffe000)

struct ns_debug_entry *ns_debug_find_containing(struct ns_dma_debug *debug,
                                                const struct ns_dma_debug_entry *reference) {
    const uint64_t length = search_length(debug, reference);
    for (uint64_t i = 0; i < length; i++) {
        struct ns_debug_entry *found =
            find_in_bucket(debug, reference->bus - (i << NS_DEBUG_HASH_SHIFT), reference, contains);
        if (found)
            return found;
    }
    if (debug->config.version == NS_DMA_DEBUG_5_10 && reference->device &&
        ns_dma_max_segment_size(reference->device) >= ENDLESS_SEGMENT_SIZE)
        ns_say(debug->port, NS_SAY_BUG, "bucket_find_contain",
               "the search for {x} never ends: the longest segment is {x}", reference->bus,
               ns_dma_max_segment_size(reference->device));
    return NULL;
}

/* ---- questions ------------------------------------------------------------------------------- */

struct ns_dma_debug_counters ns_dma_debug_get_counters(const struct ns_dma_debug *debug) {
    return debug->counters;
}

struct ns_dma_debug_report ns_dma_debug_last_report(const struct ns_dma_debug *debug) {
    return debug->last;
}

bool ns_dma_debug_next_entry(const struct ns_dma_debug *debug, size_t *position, struct ns_dma_debug_entry *entry) {
    while (*position < debug->counters.total_entries) {
        const struct ns_debug_entry *next = &debug->entries[(*position)++];
        if (next->live) {
            *entry = next->is;
            return true;
        }
    }
    return false;
}
