// SPDX-License-Identifier: Apache-2.0
// What DMA-API debugging shows, counts and compares; its life. The checks one by one are in dma_debug_check_test.cpp.
#include "tests/pool/dma_debug_bench.h"

#include <cstring>

namespace {

using namespace fake;

TEST(DmaDebug, TheTableOfChecksIsComplete) {
    std::set<std::string> keys, texts;
    for (unsigned check = 1; check <= NS_DMA_DEBUG_CHECKS; check++) {
        const ns_dma_debug_check_text *row = ns_dma_debug_check(check);
        ASSERT_NE(row, nullptr) << check;
        EXPECT_EQ(row->number, check);
        keys.insert(row->key);
        texts.insert(row->says);
        EXPECT_GT(std::strlen(row->where), 0u);
        EXPECT_GT(std::strlen(row->since), 0u);
    }
    EXPECT_EQ(keys.size(), 26u);
    EXPECT_EQ(texts.size(), 26u);
    EXPECT_EQ(ns_dma_debug_check(0), nullptr);
    EXPECT_EQ(ns_dma_debug_check(27), nullptr);
}

TEST(DmaDebug, TypesHaveTheirVersionsNames) {
    DebugBench old(NS_DMA_DEBUG_5_10), recent(NS_DMA_DEBUG_7);
    const std::vector<std::string> expected[] = {{"single", "single", "resource"}, {"phy", "noncoherent", "phy"}};
    DebugBench *benches[] = {&old, &recent};
    for (int i = 0; i < 2; i++) {
        DebugBench &bench = *benches[i];
        bench.map(0x4000, 0x40, kTo);
        ns_debug_dma_alloc_pages(bench.debug(), &bench.nic, 0x8000, 0x1000, kTo, 0x8000);
        ns_debug_dma_map_resource(bench.debug(), &bench.nic, kMmio + 0x10000, 0x40, kTo, kMmio + 0x10000, 0);
        std::vector<std::string> names;
        ns_dma_debug_entry entry;
        size_t position = 0;
        while (ns_dma_debug_next_entry(bench.debug(), &position, &entry))
            names.push_back(ns_dma_debug_type_text(entry.type));
        EXPECT_EQ(names, expected[i]);
    }
    EXPECT_STREQ(ns_dma_debug_type_text(NS_DMA_DEBUG_SG), "scatter-gather");
    EXPECT_STREQ(ns_dma_debug_type_text(NS_DMA_DEBUG_COHERENT), "coherent");
    EXPECT_STRNE(ns_dma_debug_type_text(static_cast<ns_dma_debug_type>(6)), nullptr);
}

/* ---- what is shown --------------------------------------------------------------------------- */

TEST(DmaDebug, ShowsOnlyTheFirstErrorByDefault) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    bench.config = ns_dma_debug_defaults(NS_DMA_DEBUG_5_10);
    bench.sync_for_cpu(0x4000, 0x40, kFrom);
    bench.unmap(0x4000, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({14}));
    EXPECT_EQ(ns_dma_debug_get_counters(bench.debug()).error_count, 2u);
    EXPECT_EQ(ns_dma_debug_get_counters(bench.debug()).num_errors, 0u);
    const ns_dma_debug_report last = ns_dma_debug_last_report(bench.debug());
    EXPECT_EQ(last.check, 2u);
    EXPECT_FALSE(last.shown);
}

TEST(DmaDebug, ShowsSoManyErrorsAsWereAskedFor) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    bench.config.all_errors = false;
    bench.config.num_errors = 2;
    for (int i = 0; i < 4; i++)
        bench.unmap(0x4000, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({2, 2}));
    ns_dma_debug_set_errors(bench.debug(), false, 1); /* echo 1 > num_errors */
    for (int i = 0; i < 4; i++)
        bench.unmap(0x4000, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({2}));
    ns_dma_debug_set_errors(bench.debug(), true, 0);
    for (int i = 0; i < 4; i++)
        bench.unmap(0x4000, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({2, 2, 2, 2}));
    EXPECT_EQ(ns_dma_debug_get_counters(bench.debug()).error_count, 12u);
}

TEST(DmaDebug, TheFilterShowsOneDriverOnly) {
    DebugBench bench(NS_DMA_DEBUG_7);
    ns_pool_device disk = bench.nic;
    disk.driver = "disk";
    ns_pool_device unbound = bench.nic;
    unbound.driver = nullptr;
    bench.config.driver = "disk";
    bench.unmap(0x4000, 0x40, kTo);
    ns_debug_dma_unmap_page(bench.debug(), &unbound, 0x4000, 0x40, kTo, 0);
    ns_debug_dma_unmap_page(bench.debug(), nullptr, 0x4000, 0x40, kTo, 0);
    EXPECT_EQ(bench.shown(), Checks());
    ns_debug_dma_unmap_page(bench.debug(), &disk, 0x4000, 0x40, kTo, 0);
    EXPECT_EQ(bench.shown(), Checks({2}));
}

TEST(DmaDebug, AnErrorThatTheFilterHidesUsesUpTheFirstError) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    ns_pool_device disk = bench.nic;
    disk.driver = "disk";
    bench.config.driver = "disk";
    bench.config.all_errors = false;
    bench.config.num_errors = 1;
    bench.unmap(0x4000, 0x40, kTo); /* the card's, hidden */
    ns_debug_dma_unmap_page(bench.debug(), &disk, 0x4000, 0x40, kTo, 0);
    EXPECT_EQ(bench.shown(), Checks());
}

TEST(DmaDebug, TheFilterIsTheFirstWord) {
    const struct {
        const char *written;
        const char *driver;
        bool shown;
    } rows[] = {
        {"disk\n", "disk", true}, {"disk nic", "nic", false},  {"disk\tx", "disk", true},
        {"dis", "disk", false},   {"diskette", "disk", false}, {" disk", "anything", true},
        {"", "anything", true},   {nullptr, "anything", true}, {"-", "anything", true},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.written ? row.written : "NULL");
        DebugBench bench(NS_DMA_DEBUG_5_10);
        bench.config.driver = "other";
        bench.nic.driver = row.driver;
        ns_dma_debug_set_filter(bench.debug(), row.written);
        bench.unmap(0x4000, 0x40, kTo);
        EXPECT_EQ(bench.shown().size(), row.shown ? 1u : 0u);
    }
}

TEST(DmaDebug, AFilterOf63CharactersStandsForLongerNames) {
    const std::string longest(63, 'd');
    DebugBench bench(NS_DMA_DEBUG_5_10);
    const std::string driver = longest + "e", filter = longest + "f";
    bench.nic.driver = driver.c_str();
    bench.config.driver = filter.c_str();
    bench.unmap(0x4000, 0x40, kTo);
    EXPECT_EQ(bench.shown(), Checks({2}));
}

TEST(DmaDebug, OverlapsAndExhaustionAreLinesOfTheLogThatNothingHides) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    bench.config.all_errors = false;
    bench.config.num_errors = 0;
    bench.config.driver = "disk";
    bench.config.entries = 9;
    for (int i = 0; i < 10; i++)
        bench.map(0x4000, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({23, 25}));
    EXPECT_EQ(ns_dma_debug_get_counters(bench.debug()).error_count, 0u);
    EXPECT_TRUE(bench.port.heard("out of memory"));
}

/* The port's context is the fake port, so what this one hears lies outside. */
struct Heard {
    unsigned check;
    std::string text;
    uint64_t address, length;
};
std::vector<Heard> heard;

TEST(DmaDebug, APortIsToldTheTextAndWhere) {
    fake::Port port;
    ns_port listening = *port.get();
    listening.dma_debug = [](void *, unsigned check, const char *text, uint64_t address, uint64_t length) {
        heard.push_back({check, text, address, length});
    };
    heard.clear();
    const ns_dma_debug_config config = ns_dma_debug_defaults(NS_DMA_DEBUG_7);
    ns_dma_debug *debug = nullptr;
    ASSERT_EQ(ns_dma_debug_create(&listening, &config, &debug), NS_POOL_OK);
    const ns_pool_device nic{};
    ns_debug_dma_sync_single_for_cpu(debug, &nic, 0x1234, 0x56, kFrom);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].check, 14u);
    EXPECT_EQ(heard[0].text, ns_dma_debug_check(14)->says);
    EXPECT_EQ(heard[0].address, 0x1234u);
    EXPECT_EQ(heard[0].length, 0x56u);
    ns_dma_debug_destroy(debug);

    listening.dma_debug = nullptr; /* nobody listens */
    ASSERT_EQ(ns_dma_debug_create(&listening, &config, &debug), NS_POOL_OK);
    ns_debug_dma_sync_single_for_cpu(debug, &nic, 0x1234, 0x56, kFrom);
    EXPECT_EQ(ns_dma_debug_get_counters(debug).error_count, 1u);
    ns_dma_debug_destroy(debug);
}

TEST(DmaDebug, AReportHasWhatWasMappedAndWhatWasSaid) {
    DebugBench bench(NS_DMA_DEBUG_7);
    bench.map(0x4000, 0x100, kFrom);
    bench.unmap(0x4000, 0x80, kFrom);
    const ns_dma_debug_report report = ns_dma_debug_last_report(bench.debug());
    EXPECT_EQ(report.check, 3u);
    EXPECT_TRUE(report.shown);
    EXPECT_EQ(report.device, &bench.nic);
    ASSERT_TRUE(report.has_entry);
    EXPECT_EQ(report.entry.size, 0x100u);
    EXPECT_EQ(report.said.size, 0x80u);
}

TEST(DmaDebug, ALeakHasItsNumberAndAnExampleOfTheDevice) {
    DebugBench bench(NS_DMA_DEBUG_7);
    ns_pool_device disk = bench.nic;
    ns_debug_dma_map_page(bench.debug(), &disk, 0xf000, 0x40, kTo, 0xf000, 0);
    bench.map(0x4000, 0x100, kFrom);
    bench.alloc(0x8000, 0x1000);
    ns_debug_dma_driver_released(bench.debug(), &bench.nic);
    EXPECT_EQ(bench.shown(), Checks({22}));
    const ns_dma_debug_report report = ns_dma_debug_last_report(bench.debug());
    EXPECT_EQ(report.count, 2u);
    EXPECT_EQ(report.entry.device, &bench.nic);
    EXPECT_EQ(report.address, report.entry.bus);
    EXPECT_EQ(bench.live(), 3u) << "they stay";
}

/* ---- life ------------------------------------------------------------------------------------ */

TEST(DmaDebug, CountsItsEntries) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    bench.config.entries = 10;
    bench.map(0x4000, 0x40, kTo);
    bench.map(0x5000, 0x40, kTo);
    bench.unmap(0x4000, 0x40, kTo);
    const ns_dma_debug_counters counters = ns_dma_debug_get_counters(bench.debug());
    EXPECT_EQ(counters.total_entries, 10u);
    EXPECT_EQ(counters.free_entries, 9u);
    EXPECT_EQ(counters.min_free_entries, 8u);
    EXPECT_FALSE(counters.disabled);
}

TEST(DmaDebug, EntriesThatShareABucketKeepApart) {
    DebugBench bench(NS_DMA_DEBUG_5_10);
    bench.config.entries = 8; /* 8 buckets here, 16384 in the kernel */
    for (uint64_t i = 0; i < 8; i++)
        bench.map(0x4000 + (i << 16), 0x40, kTo);
    for (uint64_t i = 8; i-- > 0;) {
        bench.sync_for_device(0x4000 + (i << 16), 0x40, kTo);
        bench.unmap(0x4000 + (i << 16), 0x40, kTo);
    }
    EXPECT_EQ(bench.shown(), Checks());
    EXPECT_EQ(bench.live(), 0u);
}

TEST(DmaDebug, WithoutItEveryHookDoesNothing) {
    const ns_pool_device nic{};
    const ns_debug_segment element = segment(0x4000, 0x40);
    const ns_debug_list list = ns_debug_list_of(&element, 1);
    ns_debug_dma_map_single(nullptr, &nic, 0, 0);
    ns_debug_dma_map_page(nullptr, &nic, 0, 0, kTo, 0, 0);
    ns_debug_dma_mapping_error(nullptr, &nic, 0);
    ns_debug_dma_unmap_page(nullptr, &nic, 0, 0, kTo, 0);
    ns_debug_dma_map_sg(nullptr, &nic, &list, 1, kTo, 0);
    ns_debug_dma_unmap_sg(nullptr, &nic, &list, 1, kTo, 0);
    ns_debug_dma_alloc_coherent(nullptr, &nic, 0, 0, 1, 0);
    ns_debug_dma_free_coherent(nullptr, &nic, 0, 1, 0, 0);
    ns_debug_dma_alloc_pages(nullptr, &nic, 0, 0, kTo, 0);
    ns_debug_dma_free_pages(nullptr, &nic, 0, 0, kTo, 0);
    ns_debug_dma_map_resource(nullptr, &nic, 0, 0, kTo, 0, 0);
    ns_debug_dma_unmap_resource(nullptr, &nic, 0, 0, kTo, 0);
    ns_debug_dma_sync_single_for_cpu(nullptr, &nic, 0, 0, kTo);
    ns_debug_dma_sync_single_for_device(nullptr, &nic, 0, 0, kTo);
    ns_debug_dma_sync_sg_for_cpu(nullptr, &nic, &list, 1, kTo);
    ns_debug_dma_sync_sg_for_device(nullptr, &nic, &list, 1, kTo);
    ns_debug_dma_driver_released(nullptr, &nic);
    ns_dma_debug_destroy(nullptr);
}

TEST(DmaDebug, CreateRefusesWhatItCannotDo) {
    const struct {
        const char *what;
        void (*change)(ns_dma_debug_config &config, ns_debug_area &area);
        ns_pool_status status;
    } rows[] = {
        {"nothing wrong", [](ns_dma_debug_config &, ns_debug_area &) {}, NS_POOL_OK},
        {"version",
         [](ns_dma_debug_config &config, ns_debug_area &) {
             const int two = 2;
             std::memcpy(&config.version, &two, sizeof config.version);
         },
         NS_POOL_ERROR_ARGUMENT},
        {"no line", [](ns_dma_debug_config &config, ns_debug_area &) { config.line_size = 0; }, NS_POOL_ERROR_ARGUMENT},
        {"odd line", [](ns_dma_debug_config &config, ns_debug_area &) { config.line_size = 48; },
         NS_POOL_ERROR_ARGUMENT},
        {"line over a page", [](ns_dma_debug_config &config, ns_debug_area &) { config.line_size = 8192; },
         NS_POOL_ERROR_ARGUMENT},
        {"areas missing", [](ns_dma_debug_config &config, ns_debug_area &) { config.areas = nullptr; },
         NS_POOL_ERROR_ARGUMENT},
        {"empty area", [](ns_dma_debug_config &, ns_debug_area &area) { area.length = 0; }, NS_POOL_ERROR_ARGUMENT},
        {"area kind", [](ns_dma_debug_config &, ns_debug_area &area) { area.kind = ns_debug_area_kind(5); },
         NS_POOL_ERROR_ARGUMENT},
        {"area wraps", [](ns_dma_debug_config &, ns_debug_area &area) { area.start = UINT64_MAX; },
         NS_POOL_ERROR_ARGUMENT},
        {"huge stack", [](ns_dma_debug_config &, ns_debug_area &area) { area.length = NS_DEBUG_STACK_MAX + 1; },
         NS_POOL_ERROR_ARGUMENT},
        {"more entries than memory", [](ns_dma_debug_config &config, ns_debug_area &) { config.entries = SIZE_MAX; },
         NS_POOL_ERROR_METADATA},
        {"more lines than memory", [](ns_dma_debug_config &config, ns_debug_area &) { config.cachelines = SIZE_MAX; },
         NS_POOL_ERROR_METADATA},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Port port;
        ns_debug_area area = {0x1000, 0x1000, NS_DEBUG_AREA_STACK};
        ns_dma_debug_config config = ns_dma_debug_defaults(NS_DMA_DEBUG_7);
        config.areas = &area;
        config.area_count = 1;
        row.change(config, area);
        ns_dma_debug *debug = nullptr;
        EXPECT_EQ(ns_dma_debug_create(port.get(), &config, &debug), row.status);
        EXPECT_EQ(debug != nullptr, row.status == NS_POOL_OK);
        ns_dma_debug_destroy(debug);
        EXPECT_EQ(port.metadata_blocks(), 0u);
    }
}

TEST(DmaDebug, NoMetadataAtAnyStepLeaksNothing) {
    const ns_dma_debug_config config = ns_dma_debug_defaults(NS_DMA_DEBUG_7);
    int step = 0;
    for (ns_pool_status status = NS_POOL_ERROR_METADATA; status != NS_POOL_OK; step++) {
        fake::Port port;
        port.fail_metadata_at = step;
        ns_dma_debug *debug = nullptr;
        status = ns_dma_debug_create(port.get(), &config, &debug);
        if (status != NS_POOL_OK) {
            EXPECT_EQ(status, NS_POOL_ERROR_METADATA);
            EXPECT_EQ(debug, nullptr);
        }
        ns_dma_debug_destroy(debug);
        EXPECT_EQ(port.metadata_blocks(), 0u);
    }
    EXPECT_GT(step, 2) << "some step must have failed";
}

TEST(DmaDebug, SurvivesEveryArgument) {
    const uint64_t values[] = {0, 1, 63, 0x4000, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    for (const ns_dma_debug_version version : {NS_DMA_DEBUG_5_10, NS_DMA_DEBUG_7}) {
        DebugBench bench(version);
        const ns_debug_area areas[] = {{0, 0x5000, NS_DEBUG_AREA_STACK},
                                       {0x5000, UINT64_MAX - 0x5000, NS_DEBUG_AREA_TEXT}};
        bench.config.areas = areas;
        bench.config.area_count = std::size(areas);
        bench.nic.max_segment_size = UINT32_MAX;
        for (const uint64_t address : values)
            for (const uint64_t size : values)
                for (const int number : {0, 1, 2, 3}) {
                    const auto direction = static_cast<ns_dma_direction>(number);
                    const ns_debug_segment element = segment(address, size);
                    ns_debug_dma_map_single(bench.debug(), &bench.nic, address, size);
                    bench.map(address, size, direction, ~0u);
                    bench.sync_for_cpu(address, size, direction);
                    bench.sync_for_device(size, address, direction);
                    bench.unmap(address, size, direction);
                    bench.unmap(address, size, direction);
                    bench.map_sg({element}, direction);
                    bench.map_sg({element}, SIZE_MAX, direction);
                    bench.map_sg({}, 9, direction);
                    const ns_debug_list list = ns_debug_list_of(&element, 1);
                    ns_debug_dma_map_sg(bench.debug(), nullptr, &list, 1, direction, 0);
                    bench.sync_sg_for_cpu({element}, SIZE_MAX, direction);
                    bench.sync_sg_for_device({}, 1, direction);
                    bench.unmap_sg({element}, SIZE_MAX, direction);
                    bench.unmap_sg({}, 1, direction);
                    ns_debug_dma_alloc_coherent(bench.debug(), &bench.nic, size, address, address, 0);
                    ns_debug_dma_free_coherent(bench.debug(), &bench.nic, size, address, address, 0);
                    ns_debug_dma_map_resource(bench.debug(), &bench.nic, address, size, direction, address, 0);
                    ns_debug_dma_unmap_resource(bench.debug(), &bench.nic, address, size, direction, 0);
                }
    }
}

} // namespace
