/* SPDX-License-Identifier: Apache-2.0 */
#include "model/config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ns_machine_config_default(struct ns_machine_config *config) {
    memset(config, 0, sizeof *config);
    snprintf(config->name, sizeof config->name, "default");
    config->cache.harts = 1;
    config->cache.levels = 1;
    config->cache.level[0] = (struct ns_cache_level_config){.size = 32u << 10, .ways = 4, .line = 64};
    snprintf(config->level_name[0], sizeof config->level_name[0], "L1D");
    config->level_hit_cycles[0] = 2;
    config->maintenance_line_cycles = 4;
    config->maintenance_absent_cycles = NS_CONFIG_AS_PRESENT;
    config->hart_clock_ps = 1000;
    config->attributes = NS_ATTRIBUTES_SVPBMT;
    config->pte_encoding = NS_ENCODE_SVPBMT;
    config->tlb_entries = 16;
    config->store_buffer_entries = 16;
    config->store_buffer_drain = NS_DRAIN_LAZY;
    config->posted_drain = NS_DRAIN_LAZY;
    config->may = NS_MAY_SPECULATIVE_FILL | NS_MAY_EVICT | NS_MAY_DRAIN;
    config->dma_operations = NS_DMA_OPS_TEXTBOOK;
    config->ram_count = 1;
    config->ram[0] = (struct ns_ram){.name = "low", .start = UINT64_C(0x80000000), .length = UINT64_C(256) << 20};
    config->zone_dma_limit = UINT64_C(16) << 20;
    config->kernel = (struct ns_kernel_config){.version = NS_CONFIG_KERNEL_6_17,
                                               .uncached = NS_CONFIG_UNCACHED_REMAP,
                                               .prepare = NS_CONFIG_PREPARE_FLUSH,
                                               .dma_address_bits = 64,
                                               .swiotlb_version = NS_CONFIG_SWIOTLB_5_18,
                                               .swiotlb_offsets = NS_CONFIG_OFFSETS_6_9};
    config->bus_width = 8;
    config->bus_clock_ps = 2000;
    config->bus_latency_ps = 10000;
    config->memory_latency_ps = 60000;
    config->outstanding_loads = 1;
    config->snoop_latency_ps = 10000;
    config->interrupt_latency_ps = 200000;
    config->register_latency_ps = 50000;
    config->dma_burst = 64;
    config->dma_outstanding = 4;
}

/* ---- check ----------------------------------------------------------------------------------- */

struct reason {
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool wrong(const struct reason *reason, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (reason->size > 0) {
        vsnprintf(reason->text, reason->size, format, arguments);
    }
    va_end(arguments);
    return false;
}

static bool is_power_of_two(uint64_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static bool overlap(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length) {
    return a < b + b_length && b < a + a_length;
}

/* Whole pages below 2^56. */
static bool check_region(const struct reason *reason, const char *what, uint64_t start, uint64_t length) {
    if (start % NS_PAGE_SIZE != 0 || length % NS_PAGE_SIZE != 0 || length == 0) {
        return wrong(reason, "%s at 0x%" PRIx64 " does not consist of whole pages of 4096 bytes", what, start);
    }
    const uint64_t end = UINT64_C(1) << NS_PHYSICAL_BITS;
    if (start >= end || length > end - start) {
        return wrong(reason, "%s at 0x%" PRIx64 " reaches past the last physical address (56 bits)", what, start);
    }
    return true;
}

static bool check_names(const struct ns_machine_config *config, const struct reason *reason) {
    if (config->name[0] == '\0') {
        return wrong(reason, "the machine has no name");
    }
    for (unsigned i = 0; i < config->cache.levels; i++) {
        if (config->level_name[i][0] == '\0') {
            return wrong(reason, "cache level %u has no name", i);
        }
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(config->level_name[i], config->level_name[j]) == 0) {
                return wrong(reason, "two levels of cache are called `%s`", config->level_name[i]);
            }
        }
    }
    return true;
}

/* Every byte of a simulated cache costs the host five: data, and its version. */
static bool check_cache_total(const struct ns_machine_config *config, const struct reason *reason) {
    uint64_t total = 0;
    for (unsigned i = 0; i < config->cache.levels; i++) {
        total += (uint64_t)config->cache.level[i].size * (i == 0 ? config->cache.harts : 1);
    }
    if (total > NS_CONFIG_MAX_CACHE_BYTES) {
        return wrong(reason, "all caches of a machine together hold at most 128M");
    }
    return true;
}

static bool check_memory(const struct ns_machine_config *config, const struct reason *reason) {
    if (config->ram_count == 0 || config->ram_count > NS_CONFIG_MAX_RAMS) {
        return wrong(reason, "a machine has 1 to %d RAM regions", NS_CONFIG_MAX_RAMS);
    }
    for (size_t i = 0; i < config->ram_count; i++) {
        const struct ns_ram *ram = &config->ram[i];
        if (!check_region(reason, "RAM", ram->start, ram->length)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (overlap(ram->start, ram->length, config->ram[j].start, config->ram[j].length)) {
                return wrong(reason, "the RAM regions `%s` and `%s` overlap", config->ram[j].name, ram->name);
            }
        }
    }
    const bool has_tables = config->attributes != NS_ATTRIBUTES_MPU;
    if (has_tables && config->ram[0].length < NS_CONFIG_MIN_FIRST_RAM) {
        return wrong(reason, "the first RAM has at least 256K: the page tables lie in it");
    }
    uint64_t first, reserved;
    ns_machine_reserved(config, &first, &reserved);
    if (has_tables && config->small_pages && config->ram[0].length / 2 < reserved) {
        return wrong(reason,
                     "with `linear-map small`, this machine's first RAM has at least %" PRIu64
                     "K: the page tables lie in it",
                     reserved * 2 / 1024);
    }
    if (config->pma_count > NS_CONFIG_MAX_PMAS) {
        return wrong(reason, "a machine has at most %d `pma` regions", NS_CONFIG_MAX_PMAS);
    }
    for (size_t i = 0; i < config->pma_count; i++) {
        const struct ns_pma_region *pma = &config->pma[i];
        if (!check_region(reason, "the `pma` region", pma->start, pma->length)) {
            return false;
        }
        if (i > 0 && config->pma[i - 1].start + config->pma[i - 1].length > pma->start) {
            return wrong(reason, "two `pma` regions overlap, or are not in ascending order, at 0x%" PRIx64, pma->start);
        }
    }
    return true;
}

/* Without page tables there is no second mapping of anything. */
static bool check_mpu(const struct ns_machine_config *config, const struct reason *reason) {
    if (config->attributes != NS_ATTRIBUTES_MPU) {
        return config->mpu_count == 0 ||
               wrong(reason, "`mpu` regions need `attributes mpu`; other machines have `pma`");
    }
    if (config->pma_count > 0) {
        return wrong(reason, "with `attributes mpu`, a machine has `mpu` regions, and no `pma`");
    }
    if (config->mpu_count > NS_MPU_MOST_REGIONS) {
        return wrong(reason, "an MPU has at most %d regions", NS_MPU_MOST_REGIONS);
    }
    for (size_t i = 0; i < config->mpu_count; i++) {
        if (!ns_mpu_is_region(config->mpu[i].start, config->mpu[i].length)) {
            return wrong(reason,
                         "the `mpu` region at 0x%" PRIx64 " is not a power of two of at least 4096 bytes, at a "
                         "multiple of its size, below 4 GiB",
                         config->mpu[i].start);
        }
    }
    for (size_t i = 0; i < config->ram_count; i++) {
        if (config->ram[i].start + config->ram[i].length > UINT64_C(1) << 32) {
            return wrong(reason, "with `attributes mpu`, addresses have 32 bits: no RAM above 4 GiB");
        }
    }
    if (config->kernel.uncached != NS_CONFIG_UNCACHED_NONE) {
        return wrong(reason, "without page tables nothing can be mapped a second time: `dma-direct none`");
    }
    if (config->kernel.global_pool_size != 0 || config->kernel.atomic_pool_size != 0) {
        return wrong(reason, "`global-pool` and `atomic-pool` are mapped a second time, which needs page tables");
    }
    return true;
}

static bool check_windows(const struct ns_machine_config *config, const struct reason *reason) {
    if (config->window_count > NS_CONFIG_MAX_WINDOWS) {
        return wrong(reason, "a machine has at most %d `dma-window` lines", NS_CONFIG_MAX_WINDOWS);
    }
    for (size_t i = 0; i < config->window_count; i++) {
        const struct ns_dma_window *window = &config->window[i];
        if (!check_region(reason, "the target of a `dma-window`", window->physical, window->length)) {
            return false;
        }
        if (window->bus % NS_PAGE_SIZE != 0 || window->length - 1 > UINT64_MAX - window->bus) {
            return wrong(reason, "the `dma-window` at bus address 0x%" PRIx64 " is not whole pages below 2^64",
                         window->bus);
        }
        for (size_t j = 0; j < i; j++) {
            const struct ns_dma_window *other = &config->window[j];
            bool same_device = strcmp(window->device, other->device) == 0;
            /* Written without sums: a window may end at 2^64. */
            bool apart = window->bus > other->bus ? window->bus - other->bus >= other->length
                                                  : other->bus - window->bus >= window->length;
            if (same_device && !apart) {
                return wrong(reason, "two `dma-window` lines overlap at bus address 0x%" PRIx64, window->bus);
            }
        }
    }
    return true;
}

static bool check_queues(const struct ns_machine_config *config, const struct reason *reason) {
    if (config->store_buffer_entries > NS_CONFIG_MAX_QUEUE || config->posted_entries > NS_CONFIG_MAX_QUEUE) {
        return wrong(reason, "a store buffer or queue of posted writes has at most 64 entries");
    }
    if (config->store_buffer_drain == NS_DRAIN_AFTER && config->store_buffer_drain_ps == 0) {
        return wrong(reason, "the store buffer drains after a time above zero; `eager` drains at once");
    }
    if (config->posted_drain == NS_DRAIN_AFTER && config->posted_drain_ps == 0) {
        return wrong(reason, "posted writes drain after a time above zero; `eager` drains at once");
    }
    if (config->tlb_entries < 1 || config->tlb_entries > NS_TLB_MAX_ENTRIES ||
        config->second_tlb_entries > NS_TLB_MAX_ENTRIES) {
        return wrong(reason, "a TLB has 1 to %d entries", NS_TLB_MAX_ENTRIES);
    }
    if (config->second_tlb_entries > 0 && config->tlb_entries > NS_TLB_MAX_FIRST_ENTRIES) {
        return wrong(reason, "before a `second-tlb`, the `tlb` has at most %d entries", NS_TLB_MAX_FIRST_ENTRIES);
    }
    if (config->second_tlb_entries > 0 && config->second_tlb_entries < config->tlb_entries) {
        return wrong(reason, "the `second-tlb` has fewer entries than the `tlb`, whose translations it holds too");
    }
    return true;
}

static bool check_prefetcher(const struct ns_machine_config *config, const struct reason *reason) {
    const struct ns_stride_config *stride = &config->stride;
    if (stride->streams > NS_PREFETCH_MOST_STREAMS) {
        return wrong(reason, "a stride prefetcher follows at most %u streams", NS_PREFETCH_MOST_STREAMS);
    }
    if (stride->streams > 0 && (stride->reach < 1 || stride->reach > NS_PREFETCH_MOST_REACH)) {
        return wrong(reason, "the strides of a prefetcher reach 1 to %u lines", NS_PREFETCH_MOST_REACH);
    }
    if (stride->streams > 0 && (stride->ahead < 1 || stride->ahead > NS_PREFETCH_MOST_AHEAD)) {
        return wrong(reason, "a stride prefetcher runs 1 to %u strides ahead", NS_PREFETCH_MOST_AHEAD);
    }
    return true;
}

static bool check_times(const struct ns_machine_config *config, const struct reason *reason) {
    if (config->hart_clock_ps == 0 || config->bus_clock_ps == 0) {
        return wrong(reason, "a clock cycle takes at least one picosecond");
    }
    if (!is_power_of_two(config->bus_width) || config->bus_width > 64) {
        return wrong(reason, "the bus is 1 to 64 bytes wide, a power of two");
    }
    if (!is_power_of_two(config->dma_burst) || config->dma_burst < 4 || config->dma_burst > 4096) {
        return wrong(reason, "a DMA burst is 4 to 4096 bytes long, a power of two");
    }
    if (config->outstanding_loads < 1 || config->outstanding_loads > NS_CONFIG_MAX_LINES) {
        return wrong(reason, "a hart has 1 to %u lines on their way", NS_CONFIG_MAX_LINES);
    }
    for (unsigned i = 0; i < config->cache.levels; i++) {
        if (config->level_mshrs[i] > NS_CONFIG_MAX_MSHRS) {
            return wrong(reason, "a level of cache has at most %u MSHRs", NS_CONFIG_MAX_MSHRS);
        }
    }
    if (config->passing_stores > NS_CONFIG_MAX_MSHRS) {
        return wrong(reason, "a hart goes on behind at most %u store misses", NS_CONFIG_MAX_MSHRS);
    }
    if (config->write_streaming > NS_CONFIG_MAX_STREAMING) {
        return wrong(reason, "stores stream behind at most %u lines", NS_CONFIG_MAX_STREAMING);
    }
    for (unsigned i = 1; config->write_streaming > 0 && i < config->cache.levels; i++) {
        if (config->cache.level[i].line != config->cache.level[0].line) {
            return wrong(reason, "write streaming needs lines of one size in all caches");
        }
    }
    if (config->write_back_buffer > NS_CONFIG_MAX_LINES) {
        return wrong(reason, "a write-back buffer has at most %u entries", NS_CONFIG_MAX_LINES);
    }
    if (config->dram.grade != NULL && ns_dram_config_check(&config->dram, reason->text, reason->size) != NS_OK) {
        return false;
    }
    if (config->dma_outstanding < 1 || config->dma_outstanding > 16) {
        return wrong(reason, "a DMA master has 1 to 16 bursts in flight");
    }
    return true;
}

/* Whole pages, inside of one RAM region. */
static bool check_reserved(const struct ns_machine_config *config, const struct reason *reason, const char *what,
                           uint64_t start, uint64_t length) {
    if (!check_region(reason, what, start, length)) {
        return false;
    }
    for (size_t i = 0; i < config->ram_count; i++) {
        const struct ns_ram *ram = &config->ram[i];
        if (start >= ram->start && start - ram->start <= ram->length && length <= ram->length - (start - ram->start)) {
            return true;
        }
    }
    return wrong(reason, "%s at 0x%" PRIx64 " does not lie in RAM", what, start);
}

static bool check_kernel(const struct ns_machine_config *config, const struct reason *reason) {
    const struct ns_kernel_config *kernel = &config->kernel;
    if (kernel->cma_count > NS_CONFIG_MAX_KERNEL_CMA) {
        return wrong(reason, "a machine has at most %d `cma` lines", NS_CONFIG_MAX_KERNEL_CMA);
    }
    for (size_t i = 0; i < kernel->cma_count; i++) {
        const struct ns_config_cma *cma = &kernel->cma[i];
        if (cma->size % NS_PAGE_SIZE != 0 || cma->size > NS_CONFIG_MAX_KERNEL_BYTES) {
            return wrong(reason, "a `cma` area consists of whole pages of 4096 bytes, at most 64M");
        }
        if (cma->size == 0 && (cma->source != NS_CONFIG_CMA_COMMAND_LINE || cma->has_address)) {
            return wrong(reason, "only `cma size 0 from command-line` may be empty: it means no area at all");
        }
        if (cma->has_address && !check_reserved(config, reason, "the `cma` area", cma->address, cma->size)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            const struct ns_config_cma *other = &kernel->cma[j];
            if (other->source == cma->source && strcmp(other->device, cma->device) == 0) {
                return wrong(reason, "two `cma` lines say the same thing from the same place");
            }
        }
    }
    if (kernel->atomic_pool_size % NS_PAGE_SIZE != 0 || kernel->atomic_pool_size > NS_CONFIG_MAX_KERNEL_BYTES) {
        return wrong(reason, "an atomic pool consists of whole pages of 4096 bytes, at most 64M");
    }
    if (kernel->global_pool_size != 0 &&
        !check_reserved(config, reason, "the global pool", kernel->global_pool_start, kernel->global_pool_size)) {
        return false;
    }
    if (kernel->global_pool_size > NS_CONFIG_MAX_KERNEL_BYTES) {
        return wrong(reason, "the global pool has at most 64M");
    }
    if (kernel->swiotlb_slots > NS_CONFIG_MAX_KERNEL_SLOTS || (kernel->swiotlb_force && kernel->swiotlb_slots == 0)) {
        return wrong(reason, "swiotlb has 1 to %u slots", NS_CONFIG_MAX_KERNEL_SLOTS);
    }
    if (kernel->dma_address_bits != 32 && kernel->dma_address_bits != 64) {
        return wrong(reason, "`dma-address-bits` is 32 or 64");
    }
    return true;
}

enum ns_status ns_machine_config_check(const struct ns_machine_config *config, char *reason, size_t reason_size) {
    struct reason out = {reason, reason_size};
    enum ns_status status = ns_cache_config_check(&config->cache, reason, reason_size);
    if (status != NS_OK) {
        return status;
    }
    bool good = check_names(config, &out) && check_cache_total(config, &out) && check_memory(config, &out) &&
                check_mpu(config, &out) && check_windows(config, &out) && check_queues(config, &out) &&
                check_prefetcher(config, &out) && check_times(config, &out) && check_kernel(config, &out);
    return good ? NS_OK : NS_ERROR_ARGUMENT;
}
