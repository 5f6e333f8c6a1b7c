/* SPDX-License-Identifier: Apache-2.0 */
/* Each production of the grammar in docs/language.md is accepted and means what the manual says. */
#include "model/hazard.h"
#include "parsed.h"

#include <gtest/gtest.h>

namespace {

const char *const accepted[] = {
    /* header */
    "scenario \"with # and 'marks'\"",
    "order written",
    "order free",
    "seed 18446744073709551615",
    "requires run",
    /* device */
    "device d",
    "device d dma-bits 16 dma-mask 64 irq a irq b irq c irq d4 snoops yes declared non-coherent burst 4 outstanding 16 "
    "posted 0",
    "device d posted 64 burst 4096 snoops no declared coherent",
    "device d coherent-mask 16 bus-limit 0xFFFF_FFFF max-segment 1 segment-boundary 4K min-align-mask 4095 untrusted",
    "device d coherent-pool size 4K at 0x8100_0000\ndevice e coherent-pool size 16M at 0x8200_0000 historic",
    "machine \"d\" from \"one-core-wb64\"\ncma size 4M\nend\nbuffer b size 4K movable align 4K",
    /* buffer, struct, pool, alias */
    "buffer b size 1",
    "buffer b descriptor type nc fill 255 align 1 size 4K",
    "buffer b size 16 at 0x8000_0010",
    "buffer b size 16 zone dma32",
    "buffer b size 16 zone normal",
    "struct s\nu8 a\nu16 b[2]\npad 3\nu32 c\nu64 d\nend",
    "struct s count 2 align 128 type io fill 1 descriptor\nu8 a",
    "pool p buffers 1",
    "pool p buffers 512 limit 4G size 1",
    "pool p dma-pool size 1 for nic",
    "pool p dma-pool for nic of desc boundary 4K align 64 size 128",
    "pool p buffers 2 for nic guard zero\npool q buffers 2 faithful",
    "pool p dma-pool size 8 for nic design old checks kernel\npool q dma-pool size 8 for nic checks kernel-debug "
    "design new",
    "pool p dma-pool size 8 for nic checks strict",
    "pool p gen-pool size 4K\npool q gen-pool size 16M granule 1M at 0x8100_0000 strict algorithm order-align",
    "pool p gen-pool size 4K granule 1 algorithm first-fit\npool q gen-pool size 4K algorithm best-fit",
    "pool p gen-pool size 64 granule 16 align 32",
    "pool p heap\npool q heap historic",
    "alias a of rx type nc",
    /* harts */
    "cpu0: load rx",
    "cpu0: load rx[0..4] -> r",
    "cpu0: load desc[3].addr -> r expect DC-REFETCH",
    "cpu0: load @0x8000_0000[0..4] expect DC-REFETCH, LS-ALIGN, OW-UAF",
    "cpu0: store rx[0..4] = 0xFFFF_FFFF",
    "cpu0: store rx fill 0",
    "cpu0: load rx[0..4] -> r\ncpu0: store tx[0..8] = r",
    "cpu0: copy rx[0..32] to tx",
    "cpu0: fence",
    "cpu0: clean rx",
    "cpu0: clean all",
    "cpu0: clean rx[-64..128] by page scope l1",
    "cpu0: invalidate rx scope poc by page",
    "cpu0: flush all scope l1",
    "cpu0: cbo.clean rx\ncpu0: cbo.inval rx\ncpu0: cbo.flush rx\ncpu0: cbo.zero @0x8000_0000",
    "cpu0: dcache.cva rx\ncpu0: dcache.cval1 rx\ncpu0: dcache.civa rx\ncpu0: dcache.iva rx",
    "cpu0: dcache.cpa rx\ncpu0: dcache.cpal1 rx\ncpu0: dcache.cipa rx\ncpu0: dcache.ipa rx",
    "cpu0: dcache.call\ncpu0: dcache.ciall\ncpu0: dcache.iall",
    "cpu0: sync\ncpu0: sync.s\ncpu0: sync.i\ncpu0: sync.is",
    "cpu0: map rx for nic from-device",
    "cpu0: map rx[0..4] skip-cpu-sync to-device for nic -> h",
    "cpu0: map rx for nic bidirectional -> h\ncpu0: unmap h",
    "cpu0: unmap rx",
    "cpu0: unmap rx[-4..128] size 16 skip-cpu-sync bidirectional for nic",
    "cpu0: sync-for-cpu rx for nic from-device\ncpu0: sync-for-device rx[0..4]",
    "pool p buffers 4\ncpu0: alloc p -> x\ncpu0: store x fill 1\ncpu0: free x",
    "pool p buffers 4\nrepeat 3\ncpu0: alloc p -> x\ncpu0: free x\nend",
    "cpu0: alloc-coherent size 4096 for nic -> ring",
    "cpu0: alloc-coherent skip-flush of desc for nic -> ring\ncpu0: store ring[3].addr = 1\ncpu0: free ring",
    "cpu0: alloc-coherent of desc size 80 for nic -> ring\ncpu0: store ring[9].addr = 1",
    "cpu0: alloc-coherent size 64 for nic gfp atomic, zero write-combine no-kernel-mapping no-warn managed -> x",
    "cpu0: alloc-coherent size 64 for nic -> x\ncpu0: free x\ncpu0: free x size 1 handle 0 for dma0",
    "cpu0: alloc-coherent size 64 for nic -> x\ncpu0: alloc-coherent size 64 for nic -> y\ncpu0: free x handle y",
    "cpu0: alloc-coherent size 64 for nic -> x\ncpu0: map rx for nic to-device -> h\ncpu0: free x handle h",
    "pool p dma-pool size 8 for nic\ncpu0: alloc p gfp nowait -> x\ncpu0: free x handle 0x1000",
    "pool p gen-pool size 4K\ncpu0: alloc p size 8 -> x\ncpu0: alloc p size 8 offset 0 -> y\ncpu0: free x size 4096",
    "pool p heap\ncpu0: alloc p size 1 gfp kernel -> x\ncpu0: alloc p size 16M gfp noio, nofs, nowarn, comp -> y",
    "cpu0: alloc-pages 0 -> x\ncpu0: alloc-pages 10 gfp dma, dma32, highmem, movable -> y\ncpu0: free x",
    "machine \"d\" from \"one-core-wb64\"\ncma size 8K\nend\nbuffer b size 64 movable\nbuffer c size 4K movable\n"
    "cpu0: pin b[0..4]\ncpu0: unpin b",
    "cpu0: unbind nic\ncpu0: worker expect PL-EXHAUSTED",
    "cpu0: map-sg rx, tx[0..4], desc[2].addr skip-cpu-sync for nic to-device -> l\ncpu0: unmap-sg l",
    "cpu0: map-sg rx for nic to-device -> l\ncpu0: unmap-sg l\ncpu0: map-sg rx for nic to-device -> l",
    "cpu0: map-sg rx, tx for nic to-device -> l\ncpu0: sync-sg-for-cpu l entries 1\ncpu0: sync-sg-for-device l\n"
    "cpu0: unmap-sg l for dma0 entries 2 from-device skip-cpu-sync\nnic: read l[1]\nnic: write l[0][4..8] = 1\n"
    "cpu0: unmap l[0] size 4\ncpu0: mapping-error l[1]",
    "cpu0: map-resource @0x1000_0000[0..64] for nic to-device skip-cpu-sync -> h\ncpu0: mapping-error h\n"
    "cpu0: unmap-resource h size 64 for dma0 from-device skip-cpu-sync",
    "cpu0: map rx overwrite for nic from-device",
    "cpu0: set-attr rx nc sequence\ncpu0: set-attr rx nc sequence flush-first\n"
    "cpu0: set-attr rx nc sequence without-flush\ncpu0: set-attr rx io sequence without-sfence expect AT-WRONG-TYPE",
    "machine \"d\" from \"one-core-wb64\"\ndma-debug linux-7\nend\ncpu0: fence expect AT-WRONG-TYPE, dma-debug 1, "
    "dma-debug "
    "26",
    "cpu0: set-attr rx cacheable\ncpu0: set-attr rx nc\ncpu0: set-attr rx io",
    "cpu0: sfence\ncpu0: sfence rx\ncpu0: sfence all-harts\ncpu0: sfence rx all-harts\ncpu0: sfence expect "
    "AT-WRONG-TYPE",
    "cpu0: doorbell nic\ncpu0: mmio-read nic",
    "cpu0: poll rx[0..4] == 1",
    "cpu0: wait irq1",
    /* devices */
    "nic: read rx",
    "nic: read rx[0..4] -> r using physical",
    "nic: read @0x8000_0000[0..4] -> r",
    "nic: write rx fill 1 using physical",
    "nic: write rx[0..2] = 0xFFFF",
    "nic: copy rx[0..32] to tx",
    "nic: raise irq1",
    "nic: start",
    "nic: poll rx[0..1] == 255",
    "nic: flush",
    "cpu0: map rx for nic to-device -> h\nnic: read h[0..8] -> r\nnic: write h fill 1\nnic: copy h to rx",
    /* hardware */
    "hw: prefetch cpu0 rx\nhw: evict cpu0 rx\nhw: sample cpu0 rx\nhw: install cpu0 rx\nhw: speculative-store cpu0 rx",
    "hw: prefetch cpu0 @0x8000_0000",
    "hw: drain cpu0\nhw: drain nic\nhw: drain cpu0 rx\nhw: drain nic rx[0..4] expect OR-DRAIN",
    /* repeat, also empty and nested */
    "repeat 1\nend",
    "repeat 2\nrepeat 2\nrepeat 2\nrepeat 2\ncpu0: fence\nend\nend\nend\nend",
    /* judgements */
    "final memory rx == 0\nfinal memory rx[0..4] != 1",
    "final memory rx fill 0xAB",
    "final cache L1D rx absent\nfinal cache L1D cpu0 rx[0..8] == 1\nfinal cache L2 rx fill 2",
    "verify always memory tx[0..1] == 255\nverify sometimes memory tx fill 1\nverify never cache L2 tx absent",
    "final r == 1\ncpu0: load rx[0..4] -> r",
    "final r fill 3\ncpu0: load rx -> r",
    /* names that are also words elsewhere; blanks; comments; Tabs */
    "buffer load size 4\ncpu0: load load",
    "device store\nstore: read rx # said the device",
    "\t cpu0\t:load\trx[ 0 .. 4 ]->r#comment",
    "buffer a_b-c9 size 0x1_0",
};

TEST(Grammar, EveryProductionIsAccepted) {
    for (const char *text : accepted) {
        SCOPED_TRACE(text);
        /* `final memory rx == 0` needs 8 bytes or fewer: the buffer of this test. */
        std::string prelude = with_prelude(std::string(text) + "\n");
        if (std::string(text).rfind("final memory rx ==", 0) == 0) {
            prelude.replace(prelude.find("buffer rx size 64"), 17, "buffer rx size 8");
        }
        if (std::string(text).rfind("machine \"d\"", 0) == 0) {
            prelude.replace(prelude.find("use machine \"one-core-wb64\""), 27, "use machine \"d\"");
        }
        Parsed parsed(prelude);
        EXPECT_EQ("", parsed.errors());
    }
}

TEST(Grammar, VersionMayStandFirst) {
    Parsed parsed("# a comment\n\nversion 1\nuse machine \"one-core-wb64\"\n");
    EXPECT_EQ("", parsed.errors());
}

TEST(Grammar, StructsEndByThemselvesOrWithEnd) {
    Parsed parsed("use machine \"one-core-wb64\"\nstruct a\nu8 x\nstruct b\n\n# between\nu8 y\nend\nbuffer c size 1\n");
    ASSERT_EQ("", parsed.errors());
    EXPECT_EQ(3u, parsed->object_count);
}

TEST(Grammar, TheNameIsThatOfTheFileWithoutItsEnding) {
    EXPECT_STREQ("rx-bug", Parsed("use machine \"one-core-wb64\"\n", "some/where/rx-bug.dma")->name);
    EXPECT_STREQ("said", Parsed("scenario \"said\"\nuse machine \"one-core-wb64\"\n", "rx.dma")->name);
}

TEST(Grammar, AnUnknownRequirementIsNotAnError) {
    Parsed parsed("use machine \"one-core-wb64\"\nrequires run\nrequires quantum-cache\n");
    ASSERT_EQ("", parsed.errors());
    EXPECT_STREQ("quantum-cache", parsed->missing_requirement);
    EXPECT_EQ(nullptr, Parsed("use machine \"one-core-wb64\"\nrequires run\n")->missing_requirement);
}

TEST(Grammar, NumbersHaveBasesSuffixesAndUnderscores) {
    const struct {
        const char *text;
        uint64_t value;
    } rows[] = {{"0", 0},
                {"42", 42},
                {"0x2A", 42},
                {"0X2a", 42},
                {"1_000", 1000},
                {"4K", 4096},
                {"2M", 2097152},
                {"3G", UINT64_C(3221225472)},
                {"0x10K", 16384},
                {"0xFF_FF", 65535},
                {"18446744073709551615", UINT64_MAX},
                {"0xFFFF_FFFF_FFFF_FFFF", UINT64_MAX}};
    for (const auto &row : rows) {
        Parsed parsed("use machine \"one-core-wb64\"\nseed " + std::string(row.text) + "\n");
        EXPECT_EQ("", parsed.errors()) << row.text;
        EXPECT_EQ(row.value, parsed->seed) << row.text;
    }
}

TEST(Steps, KeepWhatWasWritten) {
    Parsed parsed(with_prelude("cpu0: load rx[4..8] -> got expect DC-REFETCH, LS-ALIGN\n" /* 8 */
                               "cpu0: map rx[0..32] for nic from-device skip-cpu-sync -> h\n"
                               "cpu0: unmap h[0..16] for nic from-device size 16\n" /* 10 */
                               "cpu0: clean rx[-16..80] by page scope l1\n"
                               "dma0: write desc[2].addr = h\n" /* 12 */
                               "nic: read @0x9000_0000[2..6] -> got\n"
                               "hw: drain dma0 rx\n" /* 14 */
                               "dma0: raise irq2\n"
                               "cpu0: cbo.inval @0x9000_0001\n" /* 16 */
                               "cpu0: set-attr rx nc\n"
                               "nic: write rx fill 0xAB using physical\n"));
    ASSERT_EQ("", parsed.errors());
    ASSERT_EQ(11u, parsed->written_count);
    const ns_step *steps = parsed->written;

    EXPECT_EQ(8u, steps[0].line);
    EXPECT_EQ(NS_ACTOR_HART, steps[0].actor_kind);
    EXPECT_EQ(NS_VERB_LOAD, steps[0].verb);
    EXPECT_EQ(NS_REF_OBJECT, steps[0].ref.kind);
    EXPECT_EQ(4, steps[0].ref.offset);
    EXPECT_EQ(4u, steps[0].ref.length);
    EXPECT_EQ(12u, steps[0].ref.place.column);
    EXPECT_EQ(8u, steps[0].ref.place.width);
    EXPECT_EQ(1u, steps[0].actor_place.column);
    EXPECT_EQ(4u, steps[0].actor_place.width);
    EXPECT_EQ(7u, steps[0].verb_place.column);
    ASSERT_EQ(2u, steps[0].expect_count);
    EXPECT_EQ(NS_DC_REFETCH, steps[0].expect[0]);
    EXPECT_EQ(NS_LS_ALIGN, steps[0].expect[1]);
    EXPECT_EQ(35u, steps[0].expect_place[0].column);
    EXPECT_STREQ("got", parsed->registers[steps[0].result].name);
    EXPECT_EQ(4u, parsed->registers[steps[0].result].size);

    EXPECT_EQ(0u, steps[1].device);
    EXPECT_EQ(NS_DIRECTION_FROM_DEVICE, steps[1].direction);
    EXPECT_TRUE(steps[1].skip_cpu_sync);
    EXPECT_TRUE(parsed->registers[steps[1].result].is_handle);

    EXPECT_EQ(NS_REF_HANDLE, steps[2].ref.kind);
    EXPECT_EQ(steps[1].result, steps[2].ref.index);
    EXPECT_EQ(16u, steps[2].ref.length);
    EXPECT_TRUE(steps[2].has_size);
    EXPECT_EQ(16u, steps[2].size);

    EXPECT_EQ(-16, steps[3].ref.offset);
    EXPECT_EQ(96u, steps[3].ref.length);
    EXPECT_TRUE(steps[3].by_page);
    EXPECT_EQ(NS_SCOPE_L1, steps[3].scope);

    EXPECT_EQ(NS_ACTOR_DEVICE, steps[4].actor_kind);
    EXPECT_EQ(1u, steps[4].actor);
    EXPECT_EQ(2u, steps[4].ref.element);
    EXPECT_EQ(0u, steps[4].ref.field);
    EXPECT_EQ(16, steps[4].ref.offset);
    EXPECT_EQ(NS_VALUE_REGISTER, steps[4].value.kind);
    EXPECT_EQ(steps[1].result, steps[4].value.index);

    EXPECT_EQ(NS_REF_ADDRESS, steps[5].ref.kind);
    EXPECT_EQ(UINT64_C(0x90000000), steps[5].ref.address);
    EXPECT_EQ(2, steps[5].ref.offset);
    EXPECT_EQ(steps[0].result, steps[5].result);

    EXPECT_EQ(NS_ACTOR_HARDWARE, steps[6].actor_kind);
    EXPECT_EQ(1u, steps[6].device);
    EXPECT_EQ(uint32_t(NS_NONE), steps[6].hart);
    EXPECT_EQ(64u, steps[6].ref.length);

    EXPECT_STREQ("irq2", parsed->irqs[steps[7].irq].name);
    EXPECT_EQ(1u, parsed->irqs[steps[7].irq].device);
    EXPECT_EQ(NS_VERB_CBO, steps[8].verb);
    EXPECT_EQ(NS_CBO_INVAL, steps[8].instruction);
    EXPECT_EQ(1u, steps[8].ref.length);
    EXPECT_EQ(NS_TYPE_NC, steps[9].type);
    EXPECT_TRUE(steps[10].using_physical);
    EXPECT_EQ(NS_VALUE_FILL, steps[10].value.kind);
    EXPECT_EQ(0xABu, steps[10].value.number);
    EXPECT_EQ(NS_SCOPE_POC, steps[10].scope);
}

TEST(Steps, OfTheAllocatorsKeepWhatWasWritten) {
    Parsed parsed(with_prelude("pool p gen-pool size 64K granule 64 at 0x8100_0000 align 128\n" /* 8 */
                               "cpu0: alloc p size 192 -> x\n"
                               "cpu0: alloc p size 64 offset 4K -> y\n" /* 10 */
                               "cpu0: alloc-coherent for nic size 4K gfp atomic, dma write-combine managed -> c\n"
                               "cpu0: free c handle y size 8K for dma0\n" /* 12 */
                               "cpu0: alloc-pages 3 gfp dma32 -> g\n"
                               "cpu0: map-sg rx[0..8], tx for dma0 from-device -> l\n" /* 14 */
                               "cpu0: unmap-sg l entries 1\n"
                               "dma0: write l[1][4..8] = 7\n" /* 16 */
                               "cpu0: set-attr rx nc sequence without-flush\n"));
    ASSERT_EQ("", parsed.errors());
    const ns_step *steps = parsed->written;
    const ns_pool_declaration &pool = parsed->pools[0];
    EXPECT_EQ(NS_POOL_GEN, pool.kind);
    EXPECT_EQ(64u << 10, pool.size);
    EXPECT_EQ(64u, pool.granule);
    EXPECT_EQ(NS_GEN_ALIGN, pool.algorithm);
    EXPECT_EQ(128u, pool.align);
    EXPECT_EQ(UINT64_C(0x81000000), pool.address);
    EXPECT_EQ(192u, parsed->objects[steps[0].result].size);
    EXPECT_EQ(NS_ALLOCATION_POOL, parsed->objects[steps[0].result].allocation);
    EXPECT_TRUE(steps[1].has_offset);
    EXPECT_EQ(4096u, steps[1].offset);
    const ns_object &managed = parsed->objects[steps[2].result];
    EXPECT_EQ(NS_ALLOCATION_MANAGED, managed.allocation);
    EXPECT_EQ(1u << 2, managed.attributes) << "DMA_ATTR_WRITE_COMBINE";
    EXPECT_EQ(0xa21u, steps[2].gfp) << "GFP_ATOMIC | __GFP_DMA of Linux 5.10";
    EXPECT_EQ(NS_VALUE_OBJECT, steps[3].value.kind);
    EXPECT_EQ(steps[1].result, steps[3].value.index);
    EXPECT_EQ(8192u, steps[3].size);
    EXPECT_EQ(1u, steps[3].device);
    EXPECT_EQ(3u, steps[4].order);
    EXPECT_EQ(0xcc4u, steps[4].gfp) << "GFP_KERNEL | __GFP_DMA32: nothing says how it may wait";
    EXPECT_EQ(32768u, parsed->objects[steps[4].result].size);
    ASSERT_EQ(2u, steps[5].entry_count);
    EXPECT_EQ(8u, steps[5].entries[0].length);
    EXPECT_EQ(32u, parsed->lists[steps[5].list].lengths[1]);
    EXPECT_EQ(steps[5].list, steps[6].list);
    EXPECT_EQ(1u, steps[6].entry_count);
    EXPECT_EQ(NS_REF_SEGMENT, steps[7].ref.kind);
    EXPECT_EQ(1u, steps[7].ref.element);
    EXPECT_EQ(4, steps[7].ref.offset);
    EXPECT_EQ("l[1][4..8]", parsed.ref(steps[7].ref));
    EXPECT_EQ(NS_SEQUENCE_WITHOUT_FLUSH, steps[8].sequence);
}

TEST(Steps, ReferencesReadAsWritten) {
    const char *const refs[] = {"rx",         "rx[0..4]",     "rx[60..64]",         "desc",
                                "desc[2]",    "desc[2].addr", "desc[1].addr[4..8]", "desc[1][2..4]",
                                "desc[0..4]", "rx[-16..80]",  "@0x8000_0000[0..4]", "@0x1_0000_0010[2..3]"};
    for (const char *ref : refs) {
        Parsed parsed(with_prelude("cpu0: clean " + std::string(ref) + "\n"));
        ASSERT_EQ("", parsed.errors()) << ref;
        EXPECT_EQ(ref, parsed.ref(parsed->written[0].ref));
    }
    Parsed handle(with_prelude("cpu0: map rx for nic from-device -> h\ncpu0: unmap h\ncpu0: unmap h[0..4]\n"));
    EXPECT_EQ("h", handle.ref(handle->written[1].ref));
    EXPECT_EQ("h[0..4]", handle.ref(handle->written[2].ref));
    /* A whole range of a buffer is the buffer. */
    Parsed whole(with_prelude("cpu0: clean rx[0..64]\n"));
    EXPECT_EQ("rx", whole.ref(whole->written[0].ref));
}

TEST(Steps, EveryVerbAndInstructionHasItsWord) {
    for (int i = 0; i < NS_VERB_COUNT; i++) {
        ASSERT_NE(nullptr, ns_verb_text(static_cast<ns_verb>(i))) << i;
    }
    for (int i = 0; i < NS_INSTRUCTION_COUNT; i++) {
        ASSERT_NE(nullptr, ns_instruction_text(static_cast<ns_instruction>(i))) << i;
    }
    EXPECT_STREQ("sync-for-cpu", ns_verb_text(NS_VERB_SYNC_FOR_CPU));
    EXPECT_STREQ("flush", ns_verb_text(NS_VERB_DEVICE_FLUSH));
    EXPECT_STREQ("dcache.cval1", ns_instruction_text(NS_DCACHE_CVAL1));
}

TEST(Repeat, IsWrittenOutInOrderWithItsIterations) {
    Parsed parsed(with_prelude("repeat 2\n"        /* 8 */
                               "cpu0: fence\n"     /* 9 */
                               "repeat 3\n"        /* 10 */
                               "cpu0: sync\n"      /* 11 */
                               "end\n"             /* 12 */
                               "end\n"             /* 13 */
                               "cpu0: sfence\n")); /* 14 */
    ASSERT_EQ("", parsed.errors());
    EXPECT_EQ(3u, parsed->written_count);
    std::string program;
    for (size_t i = 0; i < parsed->step_count; i++) {
        program += std::to_string(parsed->steps[i].step->line) + "." + std::to_string(parsed->steps[i].iteration) + " ";
    }
    EXPECT_EQ("9.0 11.0 11.1 11.2 9.1 11.3 11.4 11.5 14.0 ", program);
}

TEST(Judgements, KeepWhatWasWritten) {
    Parsed parsed(with_prelude("cpu0: load rx[0..4] -> got\n"
                               "final got == 0x1234   # comment\n"
                               "verify never cache L1D cpu0 rx[0..2] absent\n"
                               "verify sometimes memory desc[1].addr != 7\n"
                               "final cache L2 rx fill 3\n"));
    ASSERT_EQ("", parsed.errors());
    ASSERT_EQ(4u, parsed->judgement_count);
    const ns_judgement *all = parsed->judgements;
    EXPECT_EQ(9u, all[0].line);
    EXPECT_EQ(NS_FINAL, all[0].mode);
    EXPECT_STREQ("got == 0x1234", all[0].text);
    EXPECT_EQ(NS_OPERAND_REGISTER, all[0].condition.kind);
    EXPECT_EQ(0x1234u, all[0].condition.value.number);
    EXPECT_EQ(7u, all[0].condition.place.column);
    EXPECT_EQ(13u, all[0].condition.place.width);
    EXPECT_EQ(NS_VERIFY_NEVER, all[1].mode);
    EXPECT_TRUE(all[1].condition.absent);
    EXPECT_EQ(0u, all[1].condition.level);
    EXPECT_EQ(NS_VALUE_NONE, all[1].condition.value.kind);
    EXPECT_EQ(NS_VERIFY_SOMETIMES, all[2].mode);
    EXPECT_EQ(NS_OPERAND_MEMORY, all[2].condition.kind);
    EXPECT_TRUE(all[2].condition.not_equal);
    EXPECT_EQ(8, all[2].condition.ref.offset);
    EXPECT_EQ(NS_OPERAND_CACHE, all[3].condition.kind);
    EXPECT_EQ(1u, all[3].condition.level);
    EXPECT_EQ(NS_VALUE_FILL, all[3].condition.value.kind);
}

TEST(Declarations, KeepWhatWasWrittenAndFillInTheRest) {
    Parsed parsed("use machine \"one-core-wb64\"\n"
                  "device a\n"
                  "device b dma-bits 36 snoops yes irq ix irq y posted 0\n"
                  "device c snoops no declared coherent dma-mask 24\n"
                  "buffer rx size 4K at 0x8000_0040 align 64 fill 7 type nc\n"
                  "struct d count 3\nu32 a\nu8 b\n"
                  "alias rx2 of rx type cacheable\n"
                  "pool p dma-pool of d for b boundary 4K\n"
                  "pool q buffers 9\n"
                  "cpu0: alloc p -> x\ncpu0: store x.b = 1\n"
                  "cpu0: alloc-coherent of d for c -> ring\n");
    ASSERT_EQ("", parsed.errors());
    EXPECT_EQ(32u, parsed->devices[0].dma_bits);
    EXPECT_EQ(32u, parsed->devices[0].dma_mask_bits);
    EXPECT_FALSE(parsed->devices[0].declared_coherent);
    EXPECT_EQ(0u, parsed->devices[0].burst);
    EXPECT_FALSE(parsed->devices[0].has_posted);
    EXPECT_EQ(36u, parsed->devices[1].dma_mask_bits);
    EXPECT_TRUE(parsed->devices[1].declared_coherent) << "the firmware tells the truth unless told otherwise";
    EXPECT_TRUE(parsed->devices[1].has_posted);
    ASSERT_EQ(2u, parsed->devices[1].irq_count);
    EXPECT_STREQ("y", parsed->irqs[parsed->devices[1].irqs[1]].name);
    EXPECT_TRUE(parsed->devices[2].declared_coherent);
    EXPECT_EQ(24u, parsed->devices[2].dma_mask_bits);
    EXPECT_EQ(32u, parsed->devices[2].dma_bits);

    const ns_object &rx = parsed->objects[0], &d = parsed->objects[1], &alias = parsed->objects[2];
    EXPECT_TRUE(rx.has_address);
    EXPECT_EQ(UINT64_C(0x80000040), rx.address);
    EXPECT_EQ(7u, rx.fill);
    EXPECT_EQ(NS_TYPE_NC, rx.type);
    EXPECT_EQ(NS_ZONE_ANY, rx.zone);
    EXPECT_EQ(0u, d.align) << "0 stands for the machine's largest line";
    EXPECT_EQ(8u, d.stride);
    EXPECT_EQ(24u, d.size);
    EXPECT_EQ(NS_OBJECT_ALIAS, alias.kind);
    EXPECT_EQ(0u, alias.of);
    EXPECT_EQ(4096u, alias.size);
    EXPECT_EQ(NS_TYPE_CACHEABLE, alias.type);
    EXPECT_EQ(8u, parsed->pools[0].size) << "from the struct";
    EXPECT_EQ(4096u, parsed->pools[0].boundary);
    EXPECT_EQ(2048u, parsed->pools[1].size);
    EXPECT_EQ(0u, parsed->pools[1].limit);
    const ns_object &x = parsed->objects[parsed->written[0].result], &ring = parsed->objects[parsed->written[2].result];
    EXPECT_EQ(NS_OBJECT_ALLOCATED, x.kind);
    EXPECT_EQ(0u, x.pool);
    EXPECT_EQ(8u, x.size);
    EXPECT_EQ(2u, x.field_count);
    EXPECT_EQ(uint32_t(NS_NONE), ring.pool);
    EXPECT_EQ(2u, ring.device);
    EXPECT_EQ(3u, ring.count);
    EXPECT_EQ(24u, ring.size);
}

} // namespace
