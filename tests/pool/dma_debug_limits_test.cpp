// SPDX-License-Identifier: Apache-2.0
// What DMA-API debugging does not see, and what it reports by mistake: promises of dma_debug.h, each with the bug as a
// driver would have it. A test here that fails means that the model has become better than the kernel.
#include "tests/pool/dma_debug_bench.h"

namespace {

using namespace fake;

class DmaDebug : public testing::TestWithParam<ns_dma_debug_version> {
  protected:
    DebugBench bench{GetParam()};
    Checks both(const Checks &in_5_10, const Checks &in_7) const {
        return GetParam() == NS_DMA_DEBUG_5_10 ? in_5_10 : in_7;
    }
};

INSTANTIATE_TEST_SUITE_P(Limits, DmaDebug, testing::Values(NS_DMA_DEBUG_5_10, NS_DMA_DEBUG_7),
                         [](const testing::TestParamInfo<ns_dma_debug_version> &version) {
                             return name_of(version.param);
                         });

/* ---- does not see ---------------------------------------------------------------------------- */

/* LS-ALIGN, LS-INVAL-NEIGHBOUR. Two receive buffers of 96 bytes, back to back: bytes 64 to 127 are a line of both. */
TEST_P(DmaDebug, DoesNotSeeTheSharedLastLine) {
    bench.map(0x4000, 96, kFrom);
    bench.map(0x4060, 96, kFrom); /* begins in the last line of the first, which is not in the tree */
    EXPECT_EQ(bench.shown(), Checks());
}

/* Only two that BEGIN in the shared line are seen, by 7.x. */
TEST_P(DmaDebug, SeesASharedFirstLine) {
    bench.map(0x4000, 32, kFrom);
    bench.map(0x4020, 32, kFrom);
    EXPECT_EQ(bench.shown(), both({}, {24}));
}

/* OW-DOUBLE-MAP. */
TEST_P(DmaDebug, DoesNotSeeAMappingInsideAnother) {
    bench.map(0x4000, 0x1000, kFrom);
    bench.map(0x4400, 0x100, kFrom);
    EXPECT_EQ(bench.shown(), Checks());
}

/* OW-DOUBLE-MAP: the device writes what another reads, or the other way round. */
TEST_P(DmaDebug, DoesNotSeeToDeviceMappings) {
    bench.map(0x4000, 0x100, kTo);
    bench.map(0x4000, 0x100, kFrom);
    EXPECT_EQ(bench.shown(), Checks());
}

/* OW-CPU-ACCESS: nothing tells it. */
TEST_P(DmaDebug, DoesNotSeeStoresToAMappedBuffer) {
    bench.map(0x4000, 0x100, kTo);
    bench.port.get()->fill(bench.port.get()->context, linear(0x4000), 0x100, 0xaa);
    bench.unmap(0x4000, 0x100, kTo);
    EXPECT_EQ(bench.shown(), Checks());
}

/* DC-INVAL-MISSING, DC-REFETCH: the driver reads its receive buffer while it is mapped, without dma_sync_*_for_cpu. */
TEST_P(DmaDebug, DoesNotSeeAMissingSync) {
    bench.map(0x4000, 0x100, kFrom);
    (void)bench.port.get()->load(bench.port.get()->context, linear(0x4000), 8);
    bench.unmap(0x4000, 0x100, kFrom);
    EXPECT_EQ(bench.shown(), Checks());
}

/* DC-INVAL-MISSING: NS_DMA_SKIP_CPU_SYNC at the unmap, and nobody syncs. 7.x lets this attribute differ. */
TEST_P(DmaDebug, DoesNotSeeAnUnmapThatSkipsItsSync) {
    bench.map(0x4000, 0x100, kFrom);
    bench.unmap(0x4000, 0x100, kFrom, NS_DMA_SKIP_CPU_SYNC);
    EXPECT_EQ(bench.shown(), Checks());
}

/* dma_alloc_from_dev_coherent returns before the hook, so neither call comes here: what it sees is nothing. Told of the
 * free alone, as when a driver frees such memory through the wrong device, it can only say "not allocated". */
TEST_P(DmaDebug, DoesNotSeeTheDevicesOwnCoherentPool) {
    ns_debug_dma_driver_released(bench.debug(), &bench.nic);
    EXPECT_EQ(bench.shown(), Checks());
    bench.free(0x4000, 0x1000);
    EXPECT_EQ(bench.shown(), Checks({2}));
}

TEST_P(DmaDebug, DoesNotSeeMemoryWithoutAKernelAddress) {
    ns_debug_dma_alloc_coherent(bench.debug(), &bench.nic, 0x1000, 0x4000, linear(0x4000), NS_DMA_NO_KERNEL_MAPPING);
    ns_debug_dma_alloc_coherent(bench.debug(), &bench.nic, 0x1000, 0x5000, kRemaps, 0); /* does not translate */
    ns_debug_dma_alloc_coherent(bench.debug(), &bench.nic, 0x1000, 0x6000, 0, 0);       /* failed */
    EXPECT_EQ(bench.live(), 0u);
    ns_debug_dma_driver_released(bench.debug(), &bench.nic);
    EXPECT_EQ(bench.shown(), Checks());
}

/* OW-UNMAP-MISMATCH. Two mappings of one address; the unmap has another size than both. One mapping: check 3. Two:
 * neither is taken, so it is called "not allocated", and both entries stay. */
TEST_P(DmaDebug, DoesNotSeeWhichOfTwoMappingsIsMeant) {
    bench.map(0x4000, 0x100, kTo);
    bench.map(0x4000, 0x200, kTo);
    bench.unmap(0x4000, 0x180, kTo);
    EXPECT_EQ(bench.shown(), Checks({2}));
    EXPECT_EQ(bench.live(), 2u);
    bench.unmap(0x4000, 0x200, kTo); /* fits one in all fields */
    EXPECT_EQ(bench.shown(), Checks());
    bench.unmap(0x4000, 0x180, kTo); /* one is left, so it is this one */
    EXPECT_EQ(bench.shown(), Checks({3}));
}

TEST_P(DmaDebug, TellsTwoMappingsOfDifferentDevicesApart) {
    ns_pool_device disk = bench.nic;
    bench.map(0x4000, 0x100, kTo);
    ns_debug_dma_map_page(bench.debug(), &disk, 0x4000, 0x200, kTo, 0x4000, 0);
    bench.unmap(0x4000, 0x180, kTo);
    EXPECT_EQ(bench.shown(), Checks({3}));
}

/* The first mapping that is not marked is: asking twice for the same one hides that nobody asked for the other. */
TEST_P(DmaDebug, DoesNotSeeWhichOfTwoMappingsWasAskedFor) {
    bench.map(0x4000, 0x100, kTo);
    bench.map_unchecked(0x4000, 0x200, kTo);
    ns_debug_dma_mapping_error(bench.debug(), &bench.nic, 0x4000); /* the first one's address, again */
    bench.unmap(0x4000, 0x100, kTo);
    bench.unmap(0x4000, 0x200, kTo);
    EXPECT_EQ(bench.shown(), Checks());
}

/* OW-CPU-ACCESS, DC-*. The single form is seen, as check 14. */
TEST_P(DmaDebug, DoesNotSeeASyncOfAListThatWasNeverMapped) {
    const DebugBench::List list = {segment(0x4000, 0x100), segment(0x8000, 0x100)};
    bench.sync_sg_for_cpu(list, 2, kFrom);
    bench.sync_sg_for_device(list, 2, kFrom);
    EXPECT_EQ(bench.shown(), Checks());
    bench.unmap_sg(list, 2, kFrom);
    EXPECT_EQ(bench.shown(), Checks({2, 2})) << "the unmap, though, is told for each element";
}

/* OW-UNMAP-MISMATCH: what the short unmap left is only found when the driver goes. */
TEST_P(DmaDebug, DoesNotSeeElementsThatWereLeftMappedUntilTheRelease) {
    const std::vector<ns_debug_segment> list = {segment(0x4000, 0x100), segment(0x8000, 0x100), segment(0xc000, 0x100)};
    bench.map_sg(list, kFrom);
    bench.unmap_sg(list, 2, kFrom);
    EXPECT_EQ(bench.shown(), Checks({6, 6}));
    EXPECT_EQ(bench.live(), 1u);
    ns_debug_dma_driver_released(bench.debug(), &bench.nic);
    EXPECT_EQ(bench.shown(), Checks({22}));
}

TEST_P(DmaDebug, DoesNotSeeAnythingWhenMemoryHasRunOut) {
    bench.config.entries = 1;
    bench.map(0x4000, 0x100, kTo);
    bench.map(0x8000, 0x100, kTo);
    EXPECT_EQ(bench.shown(), Checks({25}));
    EXPECT_TRUE(ns_dma_debug_get_counters(bench.debug()).disabled);
    bench.unmap(0x4000, 0x80, kFrom);
    bench.unmap(0x4000, 0x80, kFrom);
    bench.sync_for_cpu(0x1234, 1, kFrom);
    bench.map(0x9000, 0x100, kTo);
    ns_debug_dma_driver_released(bench.debug(), &bench.nic);
    EXPECT_EQ(bench.shown(), Checks()) << "and not even that it is off";
}

TEST_P(DmaDebug, DoesNotSeeTheStackBehindTheFirstByte) {
    const ns_debug_area stack = {linear(0x5000), 0x2000, NS_DEBUG_AREA_STACK};
    bench.config.areas = &stack;
    bench.config.area_count = 1;
    bench.map(0x4fc0, 0x100, kFrom); /* runs into it */
    EXPECT_EQ(bench.shown(), Checks());
}

/* With the kernel's default only the first error of each pair is shown. */
TEST_P(DmaDebug, DoesNotShowChecks13And17And18ByDefault) {
    const ns_debug_area vmalloc = {kRemaps, 0x1000, NS_DEBUG_AREA_VMALLOC};
    bench.config.areas = &vmalloc;
    bench.config.area_count = 1;
    ns_dma_debug_set_errors(bench.debug(), false, 1);
    ns_debug_dma_map_single(bench.debug(), &bench.nic, kRemaps, 0x40);
    EXPECT_EQ(bench.shown(), Checks({12}));
    bench.map(0x4000, 0x40, kTo);
    ns_dma_debug_set_errors(bench.debug(), false, 1);
    bench.sync_for_cpu(0x4000, 0x40, kFrom);
    EXPECT_EQ(bench.shown(), Checks({16}));
    bench.map(0x8000, 0x40, kFrom);
    ns_dma_debug_set_errors(bench.debug(), false, 1);
    bench.sync_for_device(0x8000, 0x40, kTo);
    EXPECT_EQ(bench.shown(), Checks({16}));
}

/* Nine mappings of a line, one more than can be counted. When eight are over the line is forgotten, though the ninth
 * is still mapped: a new mapping of it overlaps with nothing. */
TEST_P(DmaDebug, DoesNotSeeALineThatWasMappedTooOften) {
    for (int i = 0; i < 9; i++)
        bench.map(0x4000, 0x40, kFrom, NS_DMA_SKIP_CPU_SYNC);
    EXPECT_EQ(bench.shown(), Checks({23}));
    for (int i = 0; i < 8; i++)
        bench.unmap(0x4000, 0x40, kFrom, NS_DMA_SKIP_CPU_SYNC);
    bench.map(0x4000, 0x40, kBoth);
    EXPECT_EQ(bench.shown(), Checks());
}

/* The tree keeps the entry that was there first, after its mapping is over. 7.x reads from it whether that mapping was
 * cache-clean, so the live one's attributes do not count. */
TEST_P(DmaDebug, DoesNotSeeAnOverlapBehindACacheCleanMappingThatIsOver) {
    bench.map(0x4000, 0x20, kFrom, NS_DMA_IGNORE_CACHELINES);
    bench.map(0x4020, 0x20, kFrom, NS_DMA_IGNORE_CACHELINES);
    bench.map(0x4030, 0x10, kFrom, NS_DMA_SKIP_CPU_SYNC); /* not clean */
    bench.unmap(0x4000, 0x20, kFrom);
    bench.unmap(0x4020, 0x20, kFrom);
    bench.map(0x4000, 0x20, kFrom, NS_DMA_IGNORE_CACHELINES); /* only one of the two is clean */
    EXPECT_EQ(bench.shown(), Checks());
}

/* ---- reports by mistake ---------------------------------------------------------------------- */

/* Nothing is wrong with two receive buffers in one line when all caches snoop. 7.x knows if told the alignment. */
TEST_P(DmaDebug, ReportsOverlapOnCoherentHardware) {
    bench.nic.coherent = true;
    bench.map(0x4000, 0x20, kFrom);
    bench.map(0x4020, 0x20, kFrom);
    EXPECT_EQ(bench.shown(), both({}, {24}));
}

/* dma_alloc_pages of 5.10 calls the hook of map_page; no driver asks its address for an error. */
TEST_P(DmaDebug, ReportsPagesAsUncheckedMapping) {
    ns_debug_dma_alloc_pages(bench.debug(), &bench.nic, 0x4000, 0x1000, kFrom, 0x4000);
    ns_debug_dma_free_pages(bench.debug(), &bench.nic, 0x4000, 0x1000, kFrom, 0x4000);
    EXPECT_EQ(bench.shown(), both({8}, {}));
}

/* A ring of 1 MiB, synced entry by entry. 5.10 goes 8 buckets back from the one of the sync, 7.x as far as address 0.
 */
TEST_P(DmaDebug, ReportsASyncFarBehindTheStartOfItsMapping) {
    bench.map(0x100000, 0x100000, kFrom);
    bench.sync_for_cpu(0x100000 + 9 * 8192 - 64, 64, kFrom); /* bucket 8 of the mapping */
    EXPECT_EQ(bench.shown(), Checks());
    bench.sync_for_cpu(0x100000 + 9 * 8192, 64, kFrom);
    EXPECT_EQ(bench.shown(), both({14}, {}));
    bench.nic.max_segment_size = 0x100000; /* the driver's repair */
    bench.sync_for_cpu(0x1fffc0, 64, kFrom);
    EXPECT_EQ(bench.shown(), Checks());
}

/* 0xffffe000 and above: a search that finds nothing goes on for ever. */
TEST_P(DmaDebug, HangsIn5_10WithTheLongestSegment) {
    bench.nic.max_segment_size = UINT32_MAX;
    bench.sync_for_cpu(0x4000, 64, kFrom);
    EXPECT_EQ(bench.shown(), Checks({14}));
    EXPECT_EQ(bench.port.heard("never ends"), GetParam() == NS_DMA_DEBUG_5_10);
    bench.port.said.clear();
    bench.nic.max_segment_size = 0xffffdfff;
    bench.sync_for_cpu(0x4000, 64, kFrom);
    EXPECT_FALSE(bench.port.heard("never ends"));
}

/* A buffer that is sent twice at the same time is mapped twice, to-device, which is allowed. A sync of it is right. */
TEST_P(DmaDebug, ReportsASyncOfABufferThatIsMappedTwice) {
    bench.map(0x4000, 0x100, kTo);
    bench.map(0x4000, 0x100, kTo);
    bench.sync_for_device(0x4000, 0x100, kTo); /* 5.10: a perfect fit. 7.x: single is not phy */
    EXPECT_EQ(bench.shown(), both({}, {14}));
    bench.sync_for_device(0x4000, 0x80, kTo); /* a part fits none perfectly */
    EXPECT_EQ(bench.shown(), Checks({14}));
}

TEST_P(DmaDebug, ReportsAFailedMapOfAResourceAsLeak) {
    ns_debug_dma_map_resource(bench.debug(), &bench.nic, kMmio, 0x100, kTo, NS_DMA_MAPPING_ERROR, 0);
    ns_debug_dma_mapping_error(bench.debug(), &bench.nic, NS_DMA_MAPPING_ERROR);
    ns_debug_dma_driver_released(bench.debug(), &bench.nic);
    EXPECT_EQ(bench.shown(), both({22}, {}));
}

/* Twice the same page in the table of pages of a buffer, as with a shared page of zeros. */
TEST_P(DmaDebug, ReportsAListThatHoldsOnePageTwice) {
    bench.map_sg({segment(0x4000, 0x1000), segment(0x4000, 0x1000)}, kBoth);
    EXPECT_EQ(bench.shown(), both({}, {24}));
}

} // namespace
