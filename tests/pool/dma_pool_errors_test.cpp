/* SPDX-License-Identifier: Apache-2.0 */
/* What each design of mm/dmapool.c finds out, without debugging and in a debug build, what its silence leads to, and
 * what strict checking adds. */
#include "dma_pool_fixture.h"

namespace {

using namespace dma_pool_tests;

/* ---- errors, row by row ---------------------------------------------------------------------- */

/* What a call returned, what was told, and what the kernel's log says ("": nothing). */
struct Outcome {
    ns_pool_status status;
    Misuses misuses;
    const char *said;
};

const Outcome kSilent = {NS_POOL_OK, {}, ""};

struct ErrorRow {
    const char *what;
    ns_pool_status (*run)(Fixture &pool, Block live, Block gone);
    Outcome outcome[4]; /* by kBoth */
};

const Outcome kBadDma = {NS_POOL_ERROR_MISUSE, {NS_MISUSE_FOREIGN_FREE}, "(bad dma)"};
const Outcome kBadVaddr = {NS_POOL_ERROR_MISUSE, {NS_MISUSE_FREE_HANDLE}, "(bad vaddr)"};
const Outcome kAlreadyFree = {NS_POOL_ERROR_MISUSE, {NS_MISUSE_DOUBLE_FREE}, "already free"};
const Outcome kCorrupted = {NS_POOL_OK, {NS_MISUSE_FREED_WRITTEN}, "(corrupted)"};
const Outcome kFault = {NS_POOL_ERROR_MISUSE, {NS_MISUSE_FOREIGN_FREE}, "nothing is mapped"};

ns_pool_status alloc_once(Fixture &pool) {
    Block block;
    return pool.try_alloc(block);
}

/* 64-byte blocks; the first one of the page is live, the second one was freed last. */
const ErrorRow kErrors[] = {
    {"free, handle in no page",
     [](Fixture &pool, Block live, Block) {
         return pool.free({live.address, 0x100});
     },
     {kBadDma, kBadDma, kSilent, kBadDma}},
    {"free, virtual address of another block",
     [](Fixture &pool, Block live, Block) {
         return pool.free({live.address + 512, live.bus});
     },
     {kSilent, kBadVaddr, kSilent, kAlreadyFree /* 512 is on the list; the fit itself is not checked */}},
    {"free, virtual address inside of a block",
     [](Fixture &pool, Block live, Block) {
         return pool.free({live.address + 8, live.bus});
     },
     {kSilent, kBadVaddr, kSilent, kSilent /* not checked at all */}},
    {"free, virtual address where nothing is mapped",
     [](Fixture &pool, Block live, Block) {
         return pool.free({kNowhere, live.bus});
     },
     {kFault, kBadVaddr, kFault, kFault}},
    {"double free of the newest free block",
     [](Fixture &pool, Block, Block gone) { return pool.free(gone); },
     {kSilent, kAlreadyFree, kSilent, kAlreadyFree}},
    {"free of a block that was never handed out",
     [](Fixture &pool, Block live, Block) {
         return pool.free({live.address + 640, live.bus + 640});
     },
     {kSilent, kAlreadyFree, kSilent, kAlreadyFree}},
    {"write after free, behind the link",
     [](Fixture &pool, Block, Block gone) {
         pool.device_writes(gone.bus + 63, 1, 0);
         return alloc_once(pool);
     },
     {kSilent, kCorrupted, kSilent, kCorrupted}},
    {"write after free, on the link",
     [](Fixture &pool, Block, Block gone) {
         pool.device_writes(gone.bus, 4, 192); /* seen by nobody in this call */
         return alloc_once(pool);
     },
     {kSilent, kSilent, kSilent, kSilent}},
    {"write after free, bytes 4 to 15",
     [](Fixture &pool, Block, Block gone) {
         pool.device_writes(gone.bus + 4, 12, 0); /* poison in the old design, link in the new one */
         return alloc_once(pool);
     },
     {kSilent, kCorrupted, kSilent, kSilent}},
};

TEST(DmaPoolErrors, ErrorsAreFoundOrNotAsInTheKernel) {
    for (const ErrorRow &row : kErrors)
        for (size_t column = 0; column < 4; column++) {
            SCOPED_TRACE(testing::Message() << row.what << ": " << trace(kBoth[column]));
            const Outcome &expected = row.outcome[column];
            Fixture pool(options(kBoth[column].design, kBoth[column].checks), 64);
            const Block live = pool.alloc(), gone = pool.alloc();
            EXPECT_EQ(pool.free(gone), NS_POOL_OK);
            EXPECT_EQ(row.run(pool, live, gone), expected.status);
            EXPECT_EQ(pool.misuses(), expected.misuses);
            const bool talked = std::any_of(pool.machine.port.said.begin(), pool.machine.port.said.end(),
                                            [](const fake::Said &line) { return line.voice >= NS_SAY_WARN; });
            EXPECT_EQ(talked, *expected.said != '\0');
            EXPECT_TRUE(pool.machine.port.heard(expected.said));
        }
}

/* What the silence leads to. */

TEST(DmaPoolErrors, ADoubleFreeGivesTwoOwnersAndACountBelowZero) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        Fixture pool(options(design, NS_DMA_POOL_KERNEL), 64);
        const Block block = pool.alloc();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(pool.statistics().active, design == NS_DMA_POOL_CHAINS ? UINT32_MAX : UINT64_MAX);
        for (int owner = 0; owner < 5; owner++)
            EXPECT_EQ(pool.alloc(), block) << "the block's link leads to itself";
    }
}

TEST(DmaPoolErrors, AForeignBlockGoesOnTheListOfTheNewDesign) {
    Fixture pool(options(NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL), 64);
    ns_dma_pool *other = pool.make(options(NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL), 64);
    const Block mine = pool.alloc();
    Block foreign;
    ASSERT_EQ(ns_dma_pool_alloc(other, &foreign.address, &foreign.bus), NS_POOL_OK);
    EXPECT_EQ(pool.free(foreign), NS_POOL_OK);
    EXPECT_EQ(pool.alloc(), foreign) << "handed out by a pool that does not own it";
    EXPECT_EQ(pool.free(mine), NS_POOL_OK);
    EXPECT_EQ(ns_dma_pool_destroy(other), NS_POOL_ERROR_BUSY);
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

/* Old: offset = vaddr - the page's, whatever it is; here beyond the page, so that its other blocks are hidden. */
TEST(DmaPoolErrors, AWrongVirtualAddressHidesTheRestOfAnOldPage) {
    Fixture pool(options(NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL), 64);
    const Block block = pool.alloc();
    EXPECT_EQ(pool.free({fake::linear(block.bus) + 64, block.bus}), NS_POOL_OK);
    EXPECT_EQ(pool.load(block.address + 64, 4), 64u) << "the link went into that memory";
    (void)pool.alloc();
    EXPECT_EQ(pool.statistics().pages, 2u) << "62 blocks of the first page are never seen again";
}

TEST(DmaPoolErrors, AnOverwrittenOffsetHidesThePageOrGivesAMisalignedBlock) {
    for (bool beyond : {true, false}) {
        Fixture pool(options(NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL), 64, 64);
        const Block block = pool.alloc();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        pool.device_writes(block.bus, 4, beyond ? 0xABAB'ABAB : 131);
        EXPECT_EQ(pool.alloc(), block);
        const Block next = pool.alloc();
        if (beyond) {
            EXPECT_EQ(pool.statistics().pages, 2u);
        } else {
            EXPECT_EQ(next.bus, block.bus + 131);
        }
        EXPECT_TRUE(pool.misuses().empty());
    }
}

/* The last bytes of the page: the link of the "block" lies partly behind it. */
TEST(DmaPoolErrors, AnOverwrittenOffsetAtThePagesEndFaults) {
    Fixture pool(options(NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL), 64);
    const Block block = pool.alloc();
    EXPECT_EQ(pool.free(block), NS_POOL_OK);
    pool.device_writes(block.bus, 4, 4094);
    EXPECT_EQ(pool.alloc(), block);
    Block wild;
    EXPECT_EQ(pool.try_alloc(wild), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_LINK_OVERWRITTEN});
    EXPECT_TRUE(pool.bug());
}

TEST(DmaPoolErrors, AnOverwrittenPointerIsFollowedUntilItFaults) {
    for (ns_dma_pool_checks checks : {NS_DMA_POOL_KERNEL, NS_DMA_POOL_KERNEL_DEBUG})
        for (uint64_t wild : {UINT64_C(0xABAB'ABAB'ABAB'ABAB), UINT64_MAX, UINT64_MAX - 7, kNowhere}) {
            SCOPED_TRACE(wild);
            Fixture pool(options(NS_DMA_POOL_LIST, checks), 64);
            const Block block = pool.alloc();
            EXPECT_EQ(pool.free(block), NS_POOL_OK);
            pool.device_writes(block.bus, 8, wild);
            EXPECT_EQ(pool.alloc(), block) << "this one is still right";
            for (int again = 0; again < 2; again++) {
                Block next;
                EXPECT_EQ(pool.try_alloc(next), NS_POOL_ERROR_MISUSE);
            }
            EXPECT_EQ(pool.misuses(), (Misuses{NS_MISUSE_LINK_OVERWRITTEN, NS_MISUSE_LINK_OVERWRITTEN}));
            EXPECT_TRUE(pool.bug());
        }
}

TEST(DmaPoolErrors, AnOverwrittenPointerToMemoryBecomesABlock) {
    Fixture pool(options(NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL), 64);
    const Block block = pool.alloc();
    EXPECT_EQ(pool.free(block), NS_POOL_OK);
    const uint64_t victim = fake::linear(kBase + 0x8'0000);
    pool.device_writes(kBase + 0x8'0000, 16, 0x1111'1111'1111'1111);
    pool.device_writes(block.bus, 8, victim);
    EXPECT_EQ(pool.alloc(), block);
    const Block stolen = pool.alloc();
    EXPECT_EQ(stolen.address, victim);
    EXPECT_EQ(stolen.bus, 0x1111'1111'1111'1111u) << "what lies there is taken for the bus address";
}

/* A debug build looks for the block in the list: one that goes in a circle would keep it there for ever. */
TEST(DmaPoolErrors, ASearchInACircleEnds) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST})
        for (unsigned length : {1u, 2u, 5u}) {
            SCOPED_TRACE(testing::Message() << name_of(design) << ", " << length);
            Fixture pool(options(design, NS_DMA_POOL_KERNEL_DEBUG), 64);
            const Block live = pool.alloc();
            std::vector<Block> gone;
            for (unsigned i = 0; i < 8; i++)
                gone.push_back(pool.alloc());
            for (const Block &block : gone)
                EXPECT_EQ(pool.free(block), NS_POOL_OK);
            /* The list begins with gone[7], gone[6]...; gone[3] gets a link back into it. */
            const Block &target = gone[3 + length - 1];
            if (design == NS_DMA_POOL_LIST)
                pool.device_writes(gone[3].bus, 8, target.address);
            else
                pool.device_writes(gone[3].bus, 4, target.bus - live.bus);
            EXPECT_EQ(pool.free(live), NS_POOL_ERROR_MISUSE);
            EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_LINK_OVERWRITTEN});
            EXPECT_TRUE(pool.machine.port.heard("no end"));
        }
}

TEST(DmaPoolErrors, ASearchThatLeavesMemoryEnds) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        Fixture pool(options(design, NS_DMA_POOL_KERNEL_DEBUG), 64);
        const Block live = pool.alloc(), gone = pool.alloc();
        EXPECT_EQ(pool.free(gone), NS_POOL_OK);
        pool.device_writes(gone.bus, 8, design == NS_DMA_POOL_LIST ? kNowhere : 4094);
        EXPECT_EQ(pool.free(live), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_LINK_OVERWRITTEN});
    }
}

/* ---- strict checking of the chains ----------------------------------------------------------- */

TEST(DmaPoolErrors, StrictChainsAreToldOfEveryWrongFree) {
    Fixture pool(options(NS_DMA_POOL_CHAINS), 48, 16, 128); /* blocks at 0 and 48 of each 128 bytes */
    const Block live = pool.alloc(), gone = pool.alloc();
    EXPECT_EQ(pool.free(gone), NS_POOL_OK);
    struct {
        const char *what;
        Block block;
        ns_port_misuse misuse;
    } const rows[] = {
        {"again", gone, NS_MISUSE_DOUBLE_FREE},
        {"never handed out", {live.address + 128, live.bus + 128}, NS_MISUSE_DOUBLE_FREE},
        {"inside a block", {live.address + 16, live.bus + 16}, NS_MISUSE_FOREIGN_FREE},
        {"gap before the boundary", {live.address + 96, live.bus + 96}, NS_MISUSE_FOREIGN_FREE},
        {"another block's handle", {live.address, gone.bus}, NS_MISUSE_FOREIGN_FREE},
        {"wild", {kNowhere, kNowhere}, NS_MISUSE_FOREIGN_FREE},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        pool.machine.port.misuses.clear();
        EXPECT_EQ(pool.free(row.block), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(pool.misuses(), Misuses{row.misuse});
        EXPECT_EQ(pool.statistics().active, 1u);
    }
    EXPECT_EQ(pool.free(live), NS_POOL_OK);
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

TEST(DmaPoolErrors, StrictChainsDoNotFollowAnOverwrittenOffset) {
    for (uint64_t value : {UINT64_C(0xABAB'ABAB), UINT64_C(0), UINT64_C(64), UINT64_C(131), UINT64_C(192)}) {
        SCOPED_TRACE(value);
        Fixture pool(options(NS_DMA_POOL_CHAINS), 64);
        const Block a = pool.alloc(), b = pool.alloc(); /* a keeps the page; b's link says 128 */
        EXPECT_EQ(pool.free(b), NS_POOL_OK);
        pool.device_writes(b.bus, 4, value);
        Block block;
        EXPECT_EQ(pool.try_alloc(block), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(pool.machine.port.misuses, (std::vector<fake::Misuse>{{NS_MISUSE_LINK_OVERWRITTEN, b.address, 4}}));
        block = pool.alloc();
        EXPECT_EQ(pool.statistics().pages, 2u) << "this page's chain is not used any more";
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(pool.free(a), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
    }
}

/* The list design compares too, so a link to another block that is free is found out. */
TEST(DmaPoolErrors, StrictListsFindALinkToAnotherFreeBlock) {
    Fixture pool(options(NS_DMA_POOL_LIST), 64);
    const Block a = pool.alloc();
    EXPECT_EQ(pool.free(a), NS_POOL_OK);
    pool.device_writes(a.bus, 8, a.address + 5 * 64);
    Block block;
    EXPECT_EQ(pool.try_alloc(block), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_LINK_OVERWRITTEN});
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

} // namespace
