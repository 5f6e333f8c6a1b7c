/* SPDX-License-Identifier: Apache-2.0 */
/* Machine blocks and presets: each parameter sets its part of the configuration, in the unit that model/config.h
 * states. */
#include "parsed.h"

#include <gtest/gtest.h>

namespace {

/* A file that holds one machine with these lines. */
std::string machine(const std::string &lines) {
    return "machine \"m\"\n" + lines + "end\n";
}

struct Row {
    const char *line;
    uint64_t (*value)(const ns_machine_config &);
    uint64_t expected;
};
#define VALUE(member) [](const ns_machine_config &c) { return static_cast<uint64_t>(c.member); }

/* Times: 1 ns = 1000 ps, 1 us = 1000000 ps; a clock of f MHz has 1000000 / f ps, rounded. */
const Row rows[] = {
    {"harts 8", VALUE(cache.harts), 8},
    {"clock 1 GHz", VALUE(hart_clock_ps), 1000},
    {"clock 1500 MHz", VALUE(hart_clock_ps), 667},
    {"clock 100 GHz", VALUE(hart_clock_ps), 10},
    {"clock 1 MHz", VALUE(hart_clock_ps), 1000000},
    {"cache A private size 8K ways 2 line 32 write-through", VALUE(cache.level[0].size), 8192},
    {"cache A private size 8K ways 2 line 32", VALUE(cache.level[0].ways), 2},
    {"cache A private size 8K ways 2 line 32", VALUE(cache.level[0].line), 32},
    {"cache A private size 8K ways 2 line 32", VALUE(cache.level[0].write_through), 0},
    {"cache A private size 8K ways 2 line 32", VALUE(cache.level[0].no_write_allocate), 0},
    {"cache A private size 8K ways 2 line 32 write-through", VALUE(cache.level[0].write_through), 1},
    {"cache A private size 8K ways 2 line 32 no-write-allocate", VALUE(cache.level[0].no_write_allocate), 1},
    {"cache A private size 8K ways 2 line 32 replacement tree-plru", VALUE(cache.level[0].replacement),
     NS_REPLACE_TREE_PLRU},
    {"cache A private size 8K ways 2 line 32 replacement fifo", VALUE(cache.level[0].replacement), NS_REPLACE_FIFO},
    {"cache A private size 8K ways 2 line 32 replacement random", VALUE(cache.level[0].replacement), NS_REPLACE_RANDOM},
    {"cache A private size 8K ways 2 line 32 hit 5 cycles", VALUE(level_hit_cycles[0]), 5},
    {"cache A private size 8K ways 2 line 32\ncache B shared size 8K ways 2 line 32", VALUE(cache.levels), 2},
    {"inclusion inclusive", VALUE(cache.inclusion), NS_INCLUSION_INCLUSIVE},
    {"inclusion neither", VALUE(cache.inclusion), NS_INCLUSION_NEITHER},
    {"cache A private size 8K ways 2 line 32\ncache B shared size 64K ways 2 line 32\ninclusion exclusive",
     VALUE(cache.inclusion), NS_INCLUSION_EXCLUSIVE},
    {"fill atomic", VALUE(cache.fill), NS_FILL_ATOMIC},
    {"fill ordered", VALUE(cache.fill), NS_FILL_ORDERED},
    {"fill escaping", VALUE(cache.fill), NS_FILL_ESCAPING},
    {"invalidate drops", VALUE(cache.invalidate_as_flush), 0},
    {"invalidate flushes", VALUE(cache.invalidate_as_flush), 1},
    {"rounding inward", VALUE(cache.range.rounding), NS_ROUND_INWARD},
    {"edge-lines same", VALUE(cache.range.edge), NS_EDGE_SAME},
    {"edge-lines flush", VALUE(cache.range.edge), NS_EDGE_FLUSH},
    {"edge-lines skip", VALUE(cache.range.edge), NS_EDGE_SKIP},
    {"maintenance late 8 lines", VALUE(cache.late_write_backs), 8},
    {"maintenance immediate", VALUE(cache.late_write_backs), 0},
    {"maintenance-reach local", VALUE(cache.reach), NS_REACH_LOCAL},
    {"maintenance-reach all-harts", VALUE(cache.reach), NS_REACH_ALL_HARTS},
    {"maintenance-cost 9 cycles", VALUE(maintenance_line_cycles), 9},
    {"maintenance-cost 9 cycles", VALUE(maintenance_absent_cycles), NS_CONFIG_AS_PRESENT},
    {"maintenance-cost 20 cycles absent 6 cycles", VALUE(maintenance_line_cycles), 20},
    {"maintenance-cost 20 cycles absent 6 cycles", VALUE(maintenance_absent_cycles), 6},
    {"maintenance-cost 20 cycles absent 0 cycles", VALUE(maintenance_absent_cycles), 0},
    {"maintenance-cost 0 cycles absent 100000 cycles", VALUE(maintenance_absent_cycles), 100000},
    {"attributes thead-maee", VALUE(attributes), NS_ATTRIBUTES_THEAD_MAEE},
    {"attributes thead-maee", VALUE(pte_encoding), NS_ENCODE_THEAD_6_8},
    {"attributes none", VALUE(pte_encoding), NS_ENCODE_NONE},
    {"attributes thead-maee\npte-encoding svpbmt", VALUE(pte_encoding), NS_ENCODE_SVPBMT},
    {"pte-encoding thead-5.19\nattributes none", VALUE(pte_encoding), NS_ENCODE_THEAD_5_19},
    {"pte-encoding thead-6.7", VALUE(pte_encoding), NS_ENCODE_THEAD_6_7_TYPO},
    {"pte-encoding thead-6.8", VALUE(pte_encoding), NS_ENCODE_THEAD_6_8},
    {"pte-encoding thead-vendor-5.10", VALUE(pte_encoding), NS_ENCODE_THEAD_VENDOR_5_10},
    {"pte-encoding none", VALUE(pte_encoding), NS_ENCODE_NONE},
    {"tlb 64 entries", VALUE(tlb_entries), 64},
    {"pma at 8K size 4K io\npma at 0 size 4K nc", VALUE(pma[0].type), NS_TYPE_NC},
    {"pma at 8K size 4K io\npma at 0 size 4K nc", VALUE(pma[1].start), 8192},
    {"store-buffer 0 entries", VALUE(store_buffer_entries), 0},
    {"store-buffer 4 entries eager", VALUE(store_buffer_drain), NS_DRAIN_EAGER},
    {"store-buffer 4 entries", VALUE(store_buffer_drain), NS_DRAIN_LAZY},
    {"store-buffer 4 entries after 3 ns", VALUE(store_buffer_drain_ps), 3000},
    {"posted-writes 5 entries", VALUE(posted_entries), 5},
    {"posted-writes 5 entries after 2 us", VALUE(posted_drain_ps), 2000000},
    {"posted-writes 5 entries lazy", VALUE(posted_drain), NS_DRAIN_LAZY},
    {"prefetcher next-line", VALUE(prefetch_next_line), 1},
    {"prefetcher none", VALUE(prefetch_next_line), 0},
    {"prefetcher next-line", VALUE(stride.streams), 0},
    {"prefetcher stride", VALUE(prefetch_next_line), 0},
    {"prefetcher stride", VALUE(stride.streams), 8},
    {"prefetcher stride", VALUE(stride.reach), 31},
    {"prefetcher stride", VALUE(stride.ahead), 8},
    {"prefetcher stride streams 4 reach 15 ahead 16", VALUE(stride.streams), 4},
    {"prefetcher stride streams 4 reach 15 ahead 16", VALUE(stride.reach), 15},
    {"prefetcher stride ahead 16", VALUE(stride.ahead), 16},
    {"prefetcher stride ahead 16 streams 1", VALUE(stride.streams), 1},
    {"attributes mpu\ndma-direct none", VALUE(attributes), NS_ATTRIBUTES_MPU},
    {"attributes mpu\ndma-direct none", VALUE(pte_encoding), NS_ENCODE_NONE},
    {"attributes mpu\ndma-direct none\nmpu at 64K size 64K nc\nmpu at 0 size 4K io", VALUE(mpu_count), 2},
    {"attributes mpu\ndma-direct none\nmpu at 64K size 64K nc\nmpu at 0 size 4K io", VALUE(mpu[0].start), 65536},
    {"attributes mpu\ndma-direct none\nmpu at 64K size 64K nc\nmpu at 0 size 4K io", VALUE(mpu[1].type), NS_TYPE_IO},
    {"attributes mpu\ndma-direct none\nmpu-background no", VALUE(mpu_no_background), 1},
    {"mpu-background yes", VALUE(mpu_no_background), 0},
    {"may nothing", VALUE(may), 0},
    {"may evict", VALUE(may), NS_MAY_EVICT},
    {"may late-maintenance, invalidate-as-flush, irq-before-data, speculative-store", VALUE(may),
     NS_MAY_LATE_MAINTENANCE | NS_MAY_INVALIDATE_AS_FLUSH | NS_MAY_IRQ_BEFORE_DATA | NS_MAY_SPECULATIVE_STORE},
    {"dma-ops riscv-6.0", VALUE(dma_operations), NS_DMA_OPS_RISCV_6_0},
    {"dma-ops riscv-6.6", VALUE(dma_operations), NS_DMA_OPS_RISCV_6_6},
    {"dma-ops arm64-5.10", VALUE(dma_operations), NS_DMA_OPS_ARM64_5_10},
    {"dma-ops arm64-5.19", VALUE(dma_operations), NS_DMA_OPS_ARM64_5_19},
    {"dma-ops thead-5.10", VALUE(dma_operations), NS_DMA_OPS_THEAD_5_10},
    {"dma-ops thead-6.0", VALUE(dma_operations), NS_DMA_OPS_THEAD_6_0},
    {"dma-ops arm-v7-5.10", VALUE(dma_operations), NS_DMA_OPS_ARM_V7_5_10},
    {"dma-ops arm-v7-reversed", VALUE(dma_operations), NS_DMA_OPS_ARM_V7_REVERSED},
    {"dma-ops textbook", VALUE(dma_operations), NS_DMA_OPS_TEXTBOOK},
    {"ram a at 1M size 2M", VALUE(ram_count), 1},
    {"ram a at 1M size 2M", VALUE(ram[0].start), 1048576},
    {"ram a at 1M size 2M\nram b at 4M size 1M", VALUE(ram[1].length), 1048576},
    {"dma-window bus 4K to 0x8000_0000 size 1M", VALUE(window[0].bus), 4096},
    {"dma-window bus 4K to 0x8000_0000 size 1M", VALUE(window[0].physical), 0x80000000},
    {"dma-window bus 4K to 0x8000_0000 size 1M for nic", VALUE(window[0].length), 1048576},
    {"zone-dma-limit 1G", VALUE(zone_dma_limit), 1073741824},
    {"kernel linux-5.10", VALUE(kernel.version), NS_CONFIG_KERNEL_5_10},
    {"kernel linux-7", VALUE(kernel.version), NS_CONFIG_KERNEL_7},
    {"zone-dma yes", VALUE(kernel.zone_dma), 1},
    {"dma-direct set-uncached", VALUE(kernel.uncached), NS_CONFIG_UNCACHED_SET},
    {"dma-direct none", VALUE(kernel.uncached), NS_CONFIG_UNCACHED_NONE},
    {"prep-coherent memset-flush", VALUE(kernel.prepare), NS_CONFIG_PREPARE_MEMSET_FLUSH},
    {"prep-coherent not-ready", VALUE(kernel.prepare), NS_CONFIG_PREPARE_NOT_READY},
    {"pgprot thead-5.10", VALUE(kernel.pgprot), NS_CONFIG_PGPROT_THEAD_5_10},
    {"pgprot x86", VALUE(kernel.pgprot), NS_CONFIG_PGPROT_X86},
    {"address-test physical", VALUE(kernel.address_test), NS_CONFIG_TEST_PHYSICAL},
    {"free-checks kernel", VALUE(kernel.kernel_checks), 1},
    {"dma-address-bits 32", VALUE(kernel.dma_address_bits), 32},
    {"cma size 4M at 0x8400_0000 from device-tree", VALUE(kernel.cma[0].address), 0x84000000},
    {"cma size 4M from device-tree", VALUE(kernel.cma[0].source), NS_CONFIG_CMA_DEVICE_TREE},
    {"cma size 4M\ncma size 8M from command-line\ncma size 1M", VALUE(kernel.cma_count), 2},
    {"cma size 4M\ncma size 8M from command-line\ncma size 1M", VALUE(kernel.cma[0].size), 1048576},
    {"cma size 4M for nic", VALUE(kernel.cma[0].source), NS_CONFIG_CMA_DEVICE_TREE},
    {"atomic-pool size 128K", VALUE(kernel.atomic_pool_size), 131072},
    {"atomic-pool size 128K repaired", VALUE(kernel.atomic_pool_repaired), 1},
    {"global-pool size 64K at 0x8100_0000", VALUE(kernel.global_pool_start), 0x81000000},
    {"swiotlb slots 32768 force", VALUE(kernel.swiotlb_slots), 32768},
    {"swiotlb slots 1 force", VALUE(kernel.swiotlb_force), 1},
    {"swiotlb slots 1 version linux-5.17-rc8", VALUE(kernel.swiotlb_version), NS_CONFIG_SWIOTLB_5_17RC8},
    {"swiotlb slots 1 offsets linux-5.15", VALUE(kernel.swiotlb_offsets), NS_CONFIG_OFFSETS_5_15},
    {"dma-debug linux-5.10", VALUE(kernel.dma_debug), NS_CONFIG_DEBUG_5_10},
    {"dma-debug linux-7 all", VALUE(kernel.dma_debug_all), 1},
    {"bus-width 16 bytes", VALUE(bus_width), 16},
    {"bus-clock 250 MHz", VALUE(bus_clock_ps), 4000},
    {"bus-latency 7 ps", VALUE(bus_latency_ps), 7},
    {"memory-latency 70 ns", VALUE(memory_latency_ps), 70000},
    {"snoop-latency 1 us", VALUE(snoop_latency_ps), 1000000},
    {"interrupt-latency 1000000 us", VALUE(interrupt_latency_ps), UINT64_C(1000000000000)},
    {"register-latency 0 ns", VALUE(register_latency_ps), 0},
    {"dma-burst 4096 bytes", VALUE(dma_burst), 4096},
    {"outstanding-loads 8", VALUE(outstanding_loads), 8},
    {"cache L1D private size 32K ways 4 line 64 mshrs 8", VALUE(level_mshrs[0]), 8},
    {"cache L1D private size 32K ways 4 line 64 every 2 cycles", VALUE(level_every_cycles[0]), 2},
    {"cache L1D private size 32K ways 4 line 64 write-streaming 3 lines", VALUE(write_streaming), 3},
    {"cache L1D private size 32K ways 4 line 64 write-streaming 1024 lines\ncache L1D write-streaming 0 lines",
     VALUE(write_streaming), 0},
    {"cache L1D private size 32K ways 4 line 64 write-streaming 7 lines\ncache L1D hit 3 cycles",
     VALUE(write_streaming), 7},
    {"load-misses pass", VALUE(loads_pass), 1},
    {"store-misses pass 32 lines", VALUE(passing_stores), 32},
    {"store-misses wait", VALUE(passing_stores), 0},
    {"tlb 2048 entries", VALUE(tlb_entries), 2048},
    {"second-tlb 1024 entries hit 7 cycles", VALUE(second_tlb_entries), 1024},
    {"second-tlb 1024 entries hit 7 cycles", VALUE(second_tlb_cycles), 7},
    {"second-tlb 16 entries", VALUE(second_tlb_cycles), 0},
    {"second-tlb 0 entries", VALUE(second_tlb_entries), 0},
    {"linear-map small", VALUE(small_pages), 1},
    {"page-frames scattered", VALUE(cache.scattered_frames), 1},
    {"write-back-buffer 4 entries", VALUE(write_back_buffer), 4},
    {"dram ddr3-1600k", VALUE(dram.width), 64},
    {"dram DDR3-1600K width 16 bits", VALUE(dram.width), 16},
    {"dram LPDDR4-3200", VALUE(dram.width), 32},
    {"dram LPDDR4-3200 channels 2", VALUE(dram.channels), 2},
    {"dram DDR4-2400R device 8 bits", VALUE(dram.device), 8},
    {"dram DDR4-2400R density 8 Gbit", VALUE(dram.gigabits), 8},
    {"dram DDR4-2400R", VALUE(dram.map), NS_DRAM_MAP_ROW_BANK_COLUMN_GROUP},
    {"dram DDR4-2400R map row-column-bank", VALUE(dram.map), NS_DRAM_MAP_ROW_COLUMN_BANK},
    {"dram DDR4-2400R order in-order", VALUE(dram.scheduler), NS_DRAM_IN_ORDER},
    {"dram DDR4-2400R queue 8 entries", VALUE(dram.queue), 8},
    {"dram DDR4-2400R cap 3", VALUE(dram.cap), 3},
    {"dram DDR4-2400R refresh no", VALUE(dram.no_refresh), 1},
    {"dram DDR4-2400R latency 30 ns", VALUE(dram.latency_ps), 30000},
    {"dma-outstanding 16 bursts", VALUE(dma_outstanding), 16},
};

TEST(Machine, EachParameterSetsItsPart) {
    for (const Row &row : rows) {
        SCOPED_TRACE(row.line);
        Parsed parsed(machine(std::string(row.line) + "\n"));
        EXPECT_EQ("", parsed.errors());
        EXPECT_EQ(row.expected, row.value(parsed->machine));
    }
}

TEST(Machine, WithoutAParameterTheDefaultStays) {
    ns_machine_config expected;
    ns_machine_config_default(&expected);
    Parsed parsed(machine(""));
    ASSERT_EQ("", parsed.errors());
    EXPECT_STREQ("m", parsed->machine.name);
    EXPECT_EQ(expected.cache.level[0].size, parsed->machine.cache.level[0].size);
    EXPECT_EQ(expected.ram[0].start, parsed->machine.ram[0].start);
    EXPECT_EQ(expected.may, parsed->machine.may);
    EXPECT_EQ(expected.dma_burst, parsed->machine.dma_burst);
}

TEST(Machine, FromAPresetOnlyWhatIsSaidChanges) {
    Parsed parsed("use machine \"mine\"\nmachine \"mine\" from \"one-core-wb64\"\n  cache L2 ways 16\n  ram high at "
                  "0x2_0000_0000 size 1M\nend\n");
    ASSERT_EQ("", parsed.errors());
    EXPECT_STREQ("mine", parsed->machine.name);
    EXPECT_EQ(16u, parsed->machine.cache.level[1].ways);
    EXPECT_EQ(256u << 10, parsed->machine.cache.level[1].size);
    EXPECT_EQ(10u, parsed->machine.level_hit_cycles[1]);
    ASSERT_EQ(2u, parsed->machine.ram_count);
    EXPECT_EQ(UINT64_C(0x80000000), parsed->machine.ram[0].start);
    EXPECT_EQ(UINT64_C(0x200000000), parsed->machine.ram[1].start);
}

TEST(Machine, OneCostOfMaintenanceReplacesTwo) {
    const char *const both = "machine \"m\"\nmaintenance-cost 20 cycles absent 6 cycles\nend\n";
    Parsed kept(std::string(both) + "machine \"n\" from \"m\"\nharts 2\nend\nuse machine \"n\"\n");
    ASSERT_EQ("", kept.errors());
    EXPECT_EQ(20u, kept->machine.maintenance_line_cycles);
    EXPECT_EQ(6u, kept->machine.maintenance_absent_cycles);
    Parsed one(std::string(both) + "machine \"n\" from \"m\"\nmaintenance-cost 30 cycles\nend\nuse machine \"n\"\n");
    ASSERT_EQ("", one.errors());
    EXPECT_EQ(30u, one->machine.maintenance_line_cycles);
    EXPECT_EQ(NS_CONFIG_AS_PRESENT, one->machine.maintenance_absent_cycles);
}

TEST(Machine, LevelsCanBeLeftOut) {
    Parsed parsed("use machine \"m\"\nmachine \"m\" from \"one-core-wb64\"\nno-caches-below L1D\nend\nbuffer b size 4\n"
                  "final cache L2 b absent\n");
    EXPECT_EQ("6:13 the machine has no cache `L2`\n", parsed.errors());
    EXPECT_EQ(1u, parsed->machine.cache.levels);
}

TEST(Machine, ABlockOfTheFileGoesBeforeAPreset) {
    Parsed parsed(
        "machine \"one-core-wb64\" from \"one-core-wb64\"\nharts 3\nend\nuse machine \"one-core-wb64\"\ncpu2: fence\n");
    EXPECT_EQ("", parsed.errors());
}

TEST(Machine, TheBlockMayStandBelowItsUse) {
    EXPECT_EQ("", Parsed("use machine \"m\"\ncpu1: fence\nmachine \"m\"\nharts 2\nend\n").errors());
}

TEST(Machine, AnErrorInAPresetIsToldWhereItIsUsed) {
    Presets presets;
    presets.add("broken", "# comment\nmachine \"broken\"\n  harts 9\nend\n");
    presets.add("other-name", "machine \"something\"\nend\n");
    presets.add("child", "machine \"child\" from \"broken\"\nend\n");
    EXPECT_EQ("1:13 line 3 of the machine file `broken`: `harts` is at most 8, not 9\n",
              Parsed("use machine \"broken\"\ncpu5: fence\n", "t.dma", presets).errors());
    EXPECT_EQ("1:13 the machine file `other-name` holds no machine of this name\n",
              Parsed("use machine \"other-name\"\n", "t.dma", presets).errors());
    EXPECT_EQ(
        "1:13 line 1 of the machine file `child`: line 3 of the machine file `broken`: `harts` is at most 8, not 9\n",
        Parsed("use machine \"child\"\n", "t.dma", presets).errors());
}

TEST(Machine, AWindowOfTheFileIsForADeviceOfTheFile) {
    const std::string text = "use machine \"m\"\nmachine \"m\"\ndma-window bus 0 to 0x8000_0000 size 1G for nic\nend\n";
    EXPECT_EQ("3:45 no device is called `nic`\n", Parsed(text).errors());
    EXPECT_EQ("", Parsed(text + "device nic\n").errors());
    /* A preset does not know the devices of its scenarios. */
    Presets presets;
    presets.add("m", text.substr(text.find("machine \"m\"\nd")));
    EXPECT_EQ("", Parsed("use machine \"m\"\n", "t.dma", presets).errors());
}

TEST(MachineConfig, TheDefaultIsAMachine) {
    ns_machine_config config;
    char reason[128] = "";
    ns_machine_config_default(&config);
    EXPECT_EQ(NS_OK, ns_machine_config_check(&config, reason, sizeof reason)) << reason;
    EXPECT_EQ(1u, config.cache.harts);
    EXPECT_EQ(32u << 10, config.cache.level[0].size);
    EXPECT_EQ(UINT64_C(0x80000000), config.ram[0].start);
    EXPECT_EQ(UINT64_C(256) << 20, config.ram[0].length);
    EXPECT_EQ(UINT64_C(16) << 20, config.zone_dma_limit);
    EXPECT_EQ(NS_DMA_OPS_TEXTBOOK, config.dma_operations);
}

TEST(MachineConfig, WhatCannotBeIsRefusedWithASentence) {
    using Change = void (*)(ns_machine_config &);
    const struct {
        const char *word;
        Change change;
    } changes[] = {
        {"name", [](ns_machine_config &c) { c.name[0] = '\0'; }},
        {"hart", [](ns_machine_config &c) { c.cache.harts = 0; }},
        {"level 0 has no name", [](ns_machine_config &c) { c.level_name[0][0] = '\0'; }},
        {"two levels",
         [](ns_machine_config &c) {
             c.cache.level[1] = c.cache.level[0];
             c.cache.levels = 2;
             std::strcpy(c.level_name[1], "L1D");
         }},
        {"RAM", [](ns_machine_config &c) { c.ram_count = 0; }},
        {"32 MSHRs", [](ns_machine_config &c) { c.level_mshrs[0] = 33; }},
        {"1024 lines", [](ns_machine_config &c) { c.write_streaming = 1025; }},
        {"one size",
         [](ns_machine_config &c) {
             c.cache.level[1] = {256 << 10, 8, 128, NS_REPLACE_LRU, false, false};
             std::strcpy(c.level_name[1], "L2");
             c.cache.levels = 2;
             c.write_streaming = 3;
         }},
        {"32 store misses", [](ns_machine_config &c) { c.passing_stores = 33; }},
        {"1 to 2048", [](ns_machine_config &c) { c.tlb_entries = 2049; }},
        {"1 to 2048", [](ns_machine_config &c) { c.second_tlb_entries = 2049; }},
        {"at most 64",
         [](ns_machine_config &c) {
             c.tlb_entries = 65;
             c.second_tlb_entries = 128;
         }},
        {"fewer entries", [](ns_machine_config &c) { c.second_tlb_entries = c.tlb_entries - 1; }},
        {"first RAM has at least",
         [](ns_machine_config &c) {
             c.small_pages = true;
             c.ram[0].length = UINT64_C(256) << 10;
         }},
        {"whole pages", [](ns_machine_config &c) { c.ram[0].start++; }},
        {"whole pages", [](ns_machine_config &c) { c.ram[0].length = 0; }},
        {"56 bits", [](ns_machine_config &c) { c.ram[0].start = (UINT64_C(1) << 56) - 4096; }},
        {"overlap",
         [](ns_machine_config &c) {
             c.ram[1] = c.ram[0];
             c.ram_count = 2;
         }},
        {"ascending",
         [](ns_machine_config &c) {
             c.pma[0] = {8192, 4096, NS_TYPE_NC};
             c.pma[1] = {0, 4096, NS_TYPE_NC};
             c.pma_count = 2;
         }},
        {"attributes mpu", [](ns_machine_config &c) { c.mpu_count = 1; }},
        {"dma-direct none", [](ns_machine_config &c) { c.attributes = NS_ATTRIBUTES_MPU; }},
        {"no `pma`",
         [](ns_machine_config &c) {
             c.attributes = NS_ATTRIBUTES_MPU;
             c.pma[0] = {0, 4096, NS_TYPE_NC};
             c.pma_count = 1;
         }},
        {"power of two",
         [](ns_machine_config &c) {
             c.attributes = NS_ATTRIBUTES_MPU;
             c.mpu[0] = {0, 12288, NS_TYPE_NC};
             c.mpu_count = 1;
         }},
        {"32 bits",
         [](ns_machine_config &c) {
             c.attributes = NS_ATTRIBUTES_MPU;
             c.ram[0].start = UINT64_C(0x100000000);
         }},
        {"page tables",
         [](ns_machine_config &c) {
             c.attributes = NS_ATTRIBUTES_MPU;
             c.kernel.uncached = NS_CONFIG_UNCACHED_NONE;
             c.kernel.atomic_pool_size = 4096;
         }},
        {"streams",
         [](ns_machine_config &c) {
             c.stride = {17, 32, 2};
         }},
        {"reach",
         [](ns_machine_config &c) {
             c.stride = {8, 64, 2};
         }},
        {"ahead",
         [](ns_machine_config &c) {
             c.stride = {8, 32, 0};
         }},
        {"dma-window",
         [](ns_machine_config &c) {
             c.window[0].bus = 1;
             c.window[0].length = 4096;
             c.window_count = 1;
         }},
        {"dma-window",
         [](ns_machine_config &c) {
             c.window[0].bus = UINT64_MAX - 4095;
             c.window[0].length = 8192;
             c.window_count = 1;
         }},
        {"128M",
         [](ns_machine_config &c) {
             c.cache.harts = 4;
             c.cache.level[0].size = 64u << 20;
         }},
        {"TLB", [](ns_machine_config &c) { c.tlb_entries = 0; }},
        {"TLB", [](ns_machine_config &c) { c.tlb_entries = 2049; }},
        {"store buffer", [](ns_machine_config &c) { c.store_buffer_drain = NS_DRAIN_AFTER; }},
        {"posted", [](ns_machine_config &c) { c.posted_drain = NS_DRAIN_AFTER; }},
        {"clock", [](ns_machine_config &c) { c.hart_clock_ps = 0; }},
        {"clock", [](ns_machine_config &c) { c.bus_clock_ps = 0; }},
        {"power of two", [](ns_machine_config &c) { c.bus_width = 12; }},
        {"burst", [](ns_machine_config &c) { c.dma_burst = 2; }},
        {"in flight", [](ns_machine_config &c) { c.dma_outstanding = 17; }},
    };
    for (const auto &row : changes) {
        ns_machine_config config;
        char reason[160] = "";
        ns_machine_config_default(&config);
        row.change(config);
        EXPECT_EQ(NS_ERROR_ARGUMENT, ns_machine_config_check(&config, reason, sizeof reason)) << row.word;
        EXPECT_NE(nullptr, std::strstr(reason, row.word)) << reason;
    }
}

/* Windows of different devices, or the same bytes in another order, may overlap; one that ends at 2^64 is whole. */
TEST(MachineConfig, WindowsOfDifferentDevicesMayOverlap) {
    ns_machine_config config;
    char reason[160] = "";
    ns_machine_config_default(&config);
    config.window[0] = {0, 0x80000000, 0x10000, "nic"};
    config.window[1] = {0, 0x80000000, 0x10000, "usb"};
    config.window[2] = {UINT64_MAX - 4095, 0x80000000, 4096, "usb"};
    config.window_count = 3;
    EXPECT_EQ(NS_OK, ns_machine_config_check(&config, reason, sizeof reason)) << reason;
}

} // namespace
