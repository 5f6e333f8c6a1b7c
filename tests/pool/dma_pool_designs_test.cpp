/* SPDX-License-Identifier: Apache-2.0 */
/* The two designs of mm/dmapool.c, before and since Linux 6.4, and what each of them finds out, without debugging and
 * in a debug build. */
#include "fake_port.h"
#include "interrupts.h"
#include "pool/dma_pool.h"

#include <algorithm>

namespace {

using fake::kMiB;

constexpr uint64_t kBase = 0x8000'0000;
constexpr uint64_t kNowhere = 0xdead'0000; /* nothing is mapped there */
constexpr uint8_t kFreed = 0xa7, kAllocated = 0xa9;

struct Block {
    uint64_t address = 0, bus = 0;
    bool operator==(const Block &other) const { return address == other.address && bus == other.bus; }
};

ns_dma_pool_options options(ns_dma_pool_design design, ns_dma_pool_checks checks = NS_DMA_POOL_STRICT) {
    ns_dma_pool_options result{};
    result.design = design;
    result.checks = checks;
    return result;
}

const char *name_of(ns_dma_pool_design design) {
    return design == NS_DMA_POOL_LIST ? "list" : "chains";
}

/* A machine with one pool. The destructor gives back what destroy has lost. */
struct Fixture {
    Fixture(const ns_dma_pool_options &how, uint64_t size, uint64_t align = 0, uint64_t boundary = 0,
            bool coherent = false)
        : machine({{kBase, kMiB}}) {
        nic.coherent_dma_mask = nic.dma_mask = 0xffff'ffff;
        nic.coherent = coherent;
        pool = make(how, size, align, boundary);
    }
    ~Fixture() {
        for (uint64_t physical = kBase; physical < kBase + kMiB; physical += NS_FRAME_SIZE)
            for (uint64_t count = 1; count < 4; count++)
                if (machine.holds(physical, count)) {
                    EXPECT_EQ(ns_frames_free(machine.frames, physical, count), NS_POOL_OK);
                }
    }
    Fixture(const Fixture &) = delete;
    Fixture &operator=(const Fixture &) = delete;

    ns_dma_pool *make(const ns_dma_pool_options &how, uint64_t size, uint64_t align = 0, uint64_t boundary = 0) {
        ns_dma_pool *made = nullptr;
        EXPECT_EQ(ns_dma_pool_create(machine.port.get(), machine.frames, &nic, "descriptors", size, align, boundary,
                                     &how, &made),
                  NS_POOL_OK);
        return made;
    }
    ns_pool_status try_alloc(Block &block, ns_gfp gfp = NS_GFP_KERNEL) {
        return ns_dma_pool_alloc_gfp(pool, gfp, &block.address, &block.bus);
    }
    Block alloc(ns_gfp gfp = NS_GFP_KERNEL) {
        Block block;
        EXPECT_EQ(try_alloc(block, gfp), NS_POOL_OK);
        return block;
    }
    ns_pool_status free(Block block) { return ns_dma_pool_free(pool, block.address, block.bus); }
    ns_dma_pool_statistics statistics() const { return ns_dma_pool_get_statistics(pool); }
    uint64_t load(uint64_t address, unsigned size) { return machine.port.get()->load(&machine.port, address, size); }
    /* As the device does: straight into memory. */
    void device_writes(uint64_t bus, uint64_t length, uint64_t value) {
        for (uint64_t i = 0; i < length; i++)
            machine.port.memory(bus + i) = static_cast<uint8_t>(value >> (8 * (i % 8)));
    }
    bool holds_only(uint64_t bus, uint64_t length, uint8_t value) {
        for (uint64_t done = 0; done < length;) {
            const uint64_t part = std::min(length - done, NS_FRAME_SIZE - (bus + done) % NS_FRAME_SIZE);
            const uint8_t *bytes = &machine.port.memory(bus + done); /* of one frame */
            if (std::any_of(bytes, bytes + part, [value](uint8_t byte) { return byte != value; }))
                return false;
            done += part;
        }
        return true;
    }
    std::vector<ns_port_misuse> misuses() const {
        std::vector<ns_port_misuse> result;
        for (const fake::Misuse &misuse : machine.port.misuses)
            result.push_back(misuse.what);
        return result;
    }
    bool bug() const {
        return std::any_of(machine.port.said.begin(), machine.port.said.end(),
                           [](const fake::Said &line) { return line.voice == NS_SAY_BUG; });
    }

    fake::Machine machine;
    ns_pool_device nic{};
    ns_dma_pool *pool = nullptr;
};

using Misuses = std::vector<ns_port_misuse>;

/* ---- carving --------------------------------------------------------------------------------- */

struct Count {
    uint64_t size, align, boundary;
    uint64_t old_count, new_count;
    const char *why;
};

/* Old loop: the next block begins at next = offset + size, or at the boundary's end if next + size >= that end; while
 * the offset is below the page's end. New loop: a block is made if it ends at or below the boundary's end and the
 * page's. */
const Count kCounts[] = {
    {1024, 0, 0, 3, 4, "B1: 3072 + 1024 = 4096"},
    {2048, 0, 0, 1, 2, "B1"},
    {64, 64, 0, 63, 64, "B1"},
    {1024, 0, 2048, 2, 4, "B1: one in each 2048"},
    {100, 32, 256, 16, 32, "B1: size 128, one in each 256"},
    {1536, 0, 0, 2, 2, "1024 bytes are left"},
    {1536, 0, 8192, 3, 2, "B2: 3072 + 1536 = 4608"},
    {1000, 0, 0, 4, 4, "96 bytes are left"},
    {3, 1, 0, 1023, 256, "smallest blocks 4 and 16; B1"},
    {48, 16, 128, 64, 64, "2 in each 128"},
    {4096, 0, 0, 1, 1, "a page"},
    {6000, 0, 0, 1, 1, "a page of its own"},
};

TEST(DmaPoolDesigns, BlocksPerPage) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_LIST, NS_DMA_POOL_CHAINS})
        for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL})
            for (const Count &row : kCounts) {
                SCOPED_TRACE(testing::Message() << name_of(design) << ", checks " << checks << ": " << row.size << ", "
                                                << row.align << ", " << row.boundary << ": " << row.why);
                Fixture pool(options(design, checks), row.size, row.align, row.boundary);
                const uint64_t expected = design == NS_DMA_POOL_LIST ? row.new_count : row.old_count;
                std::vector<Block> blocks;
                for (uint64_t i = 0; i < expected; i++) {
                    blocks.push_back(pool.alloc());
                    ASSERT_EQ(pool.statistics().pages, 1u);
                }
                EXPECT_EQ(pool.statistics().blocks, expected);
                EXPECT_EQ(pool.statistics().active, expected);
                blocks.push_back(pool.alloc());
                EXPECT_EQ(pool.statistics().pages, 2u);
                for (const Block &block : blocks)
                    EXPECT_EQ(pool.free(block), NS_POOL_OK);
                EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
                EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
            }
}

TEST(DmaPoolDesigns, B1_AnExactFitCountsAsCrossing) {
    Fixture old_pool(options(NS_DMA_POOL_CHAINS), 1024, 0, 2048);
    const uint64_t first = old_pool.alloc().bus;
    EXPECT_EQ(old_pool.alloc().bus, first + 2048) << "the block at 1024 would end at the boundary, not behind it";
    Fixture new_pool(options(NS_DMA_POOL_LIST), 1024, 0, 2048);
    const uint64_t same = new_pool.alloc().bus;
    EXPECT_EQ(new_pool.alloc().bus, same + 1024);
}

/* A coherent device's page is in the linear mapping, so what lies behind it is somebody's memory. */
TEST(DmaPoolDesigns, B2_TheLastBlockRunsIntoTheNextFrame) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        Fixture pool(options(design, NS_DMA_POOL_KERNEL), 1536, 0, 8192, true);
        const Block first = pool.alloc();
        pool.device_writes(first.bus + 4096, 4096, 0xEEEE'EEEE'EEEE'EEEE);
        Block blocks[2];
        for (Block &block : blocks)
            block = pool.alloc(NS_GFP_KERNEL | NS___GFP_ZERO);
        if (design == NS_DMA_POOL_CHAINS) {
            EXPECT_EQ(blocks[1].bus, first.bus + 3072);
            EXPECT_TRUE(pool.holds_only(first.bus + 4096, 512, 0)) << "zeroed, and not the pool's";
            EXPECT_TRUE(pool.holds_only(first.bus + 4608, 3584, 0xEE));
        } else {
            EXPECT_EQ(pool.statistics().pages, 2u) << "a page of its own instead";
        }
        EXPECT_TRUE(pool.misuses().empty()) << "the kernel sees nothing";
    }
}

/* Behind a remapped page there is no page: clearing the block faults there. */
TEST(DmaPoolDesigns, B2_TheLastBlockFaultsBehindARemappedPage) {
    for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL, NS_DMA_POOL_KERNEL_DEBUG}) {
        Fixture pool(options(NS_DMA_POOL_CHAINS, checks), 1536, 0, 8192);
        (void)pool.alloc();
        (void)pool.alloc();
        Block block;
        EXPECT_EQ(pool.try_alloc(block, NS_GFP_KERNEL | NS___GFP_ZERO), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_POOL_CORRUPT});
        EXPECT_TRUE(pool.bug());
    }
}

/* The same when it is freed: strict checking tells, and keeps the block. */
TEST(DmaPoolDesigns, B2_FreeingTheLastBlockFaultsToo) {
    ns_dma_pool_options how = options(NS_DMA_POOL_CHAINS);
    how.init_on_free = true;
    Fixture pool(how, 1536, 0, 8192);
    const Block blocks[] = {pool.alloc(), pool.alloc(), pool.alloc()};
    EXPECT_EQ(pool.free(blocks[0]), NS_POOL_OK);
    EXPECT_EQ(pool.free(blocks[1]), NS_POOL_OK);
    EXPECT_EQ(pool.free(blocks[2]), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(pool.statistics().active, 0u);
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
    EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
}

/* 4094 of 4096 bytes: the second block begins 2 bytes before the end, so that its link of 4 does not fit either. */
TEST(DmaPoolDesigns, B2_ALinkBehindTheEndLosesThePageOnly) {
    for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL}) {
        Fixture pool(options(NS_DMA_POOL_CHAINS, checks), 4094, 2, 8192);
        Block block;
        EXPECT_EQ(pool.try_alloc(block), NS_POOL_ERROR_MISUSE);
        EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_POOL_CORRUPT});
        EXPECT_EQ(pool.statistics().pages, 0u);
        EXPECT_EQ(pool.statistics().blocks, 0u);
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
    }
}

/* ---- creation -------------------------------------------------------------------------------- */

TEST(DmaPoolDesigns, ChainsRoundAndRefuseAs5_10Does) {
    struct {
        const char *what;
        uint64_t size, align, boundary;
        ns_pool_status status;
        uint64_t rounded_size, rounded_boundary;
    } const rows[] = {
        {"the smallest block", 1, 0, 0, NS_POOL_OK, 4, 4096},
        {"size up to align", 100, 32, 256, NS_POOL_OK, 128, 256},
        {"boundary is not clamped", 1536, 0, 8192, NS_POOL_OK, 1536, 8192},
        {"no upper limit", UINT64_C(1) << 31, 0, 0, NS_POOL_OK, UINT64_C(1) << 31, UINT64_C(1) << 31},
        {"nor for align", 64, UINT64_C(1) << 40, 0, NS_POOL_OK, UINT64_C(1) << 40, UINT64_C(1) << 40},
        {"a boundary that 32 bits do not hold", 64, 0, UINT64_C(1) << 32, NS_POOL_OK, 64, UINT64_C(1) << 32},
        {"a size that wraps", (UINT64_C(1) << 63) + 1, UINT64_C(1) << 63, 0, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"size 0", 0, 0, 0, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"align no power of two", 64, 48, 0, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"boundary below size", 128, 0, 64, NS_POOL_ERROR_ARGUMENT, 0, 0},
        {"boundary no power of two", 64, 0, 96, NS_POOL_ERROR_ARGUMENT, 0, 0},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(row.what);
        fake::Machine machine;
        ns_pool_device nic{};
        nic.coherent_dma_mask = UINT64_MAX;
        const ns_dma_pool_options how = options(NS_DMA_POOL_CHAINS);
        ns_dma_pool *pool = nullptr;
        ASSERT_EQ(ns_dma_pool_create(machine.port.get(), machine.frames, &nic, "x", row.size, row.align, row.boundary,
                                     &how, &pool),
                  row.status);
        if (!pool)
            continue;
        EXPECT_EQ(ns_dma_pool_get_statistics(pool).size, row.rounded_size);
        EXPECT_EQ(ns_dma_pool_get_statistics(pool).boundary, row.rounded_boundary);
        Block block;
        const ns_pool_status status = ns_dma_pool_alloc(pool, &block.address, &block.bus);
        EXPECT_EQ(status, row.rounded_size > INT32_MAX ? NS_POOL_ERROR_EXHAUSTED : NS_POOL_OK);
        if (status == NS_POOL_OK) {
            EXPECT_EQ(ns_dma_pool_free(pool, block.address, block.bus), NS_POOL_OK);
        }
        EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
    }
}

TEST(DmaPoolDesigns, RefusesNullDeviceAndUnknownChecks) {
    fake::Machine machine;
    ns_pool_device nic{};
    ns_dma_pool *pool = nullptr;
    auto create = [&](const ns_pool_device *device, ns_dma_pool_options how) {
        return ns_dma_pool_create(machine.port.get(), machine.frames, device, "x", 64, 0, 0, &how, &pool);
    };
    EXPECT_EQ(create(nullptr, options(NS_DMA_POOL_LIST)), NS_POOL_ERROR_ARGUMENT);
    EXPECT_TRUE(machine.port.said.empty());
    EXPECT_EQ(create(nullptr, options(NS_DMA_POOL_CHAINS)), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(machine.port.said.at(0).voice, NS_SAY_BUG);
    EXPECT_EQ(create(&nic, options(NS_DMA_POOL_LIST, static_cast<ns_dma_pool_checks>(3))), NS_POOL_ERROR_ARGUMENT);
    EXPECT_EQ(pool, nullptr);
}

/* ---- which block, and what is in it ---------------------------------------------------------- */

TEST(DmaPoolDesigns, ChainsTakeFromTheNewestPageThatHasOne) {
    Fixture pool(options(NS_DMA_POOL_CHAINS), 1024); /* 3 in a page */
    Block blocks[6];
    for (Block &block : blocks)
        block = pool.alloc();
    ASSERT_EQ(pool.statistics().pages, 2u);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(blocks[i].bus, blocks[0].bus + 1024u * static_cast<unsigned>(i));
        EXPECT_EQ(blocks[3 + i].bus, blocks[3].bus + 1024u * static_cast<unsigned>(i));
    }
    for (int i : {4, 0, 3, 1})
        EXPECT_EQ(pool.free(blocks[i]), NS_POOL_OK);
    /* Last in first out in the newer page, then in the older one, whatever came between: not the pool's order. */
    for (int i : {3, 4, 1, 0})
        EXPECT_EQ(pool.alloc(), blocks[i]);
    for (const Block &block : blocks)
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

TEST(DmaPoolDesigns, ChainsKeepAnOffsetOfFourBytesInTheFreeBlock) {
    Fixture pool(options(NS_DMA_POOL_CHAINS), 64);
    const Block a = pool.alloc(), b = pool.alloc();
    pool.device_writes(a.bus, 64, 0xEEEE'EEEE'EEEE'EEEE);
    EXPECT_EQ(pool.free(a), NS_POOL_OK);
    EXPECT_EQ(pool.load(a.address, 4), 128u) << "the next free one";
    EXPECT_EQ(pool.load(a.address + 4, 4), 0xEEEE'EEEEu) << "no more is touched";
    EXPECT_EQ(pool.free(b), NS_POOL_OK);
    EXPECT_EQ(pool.load(b.address, 4), 0u) << "block a";
    EXPECT_EQ(pool.load(a.address + 62 * 64, 4), 4096u) << "the last one: the page's end";
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

struct Both {
    ns_dma_pool_design design;
    ns_dma_pool_checks checks;
    uint64_t link; /* bytes at the start of a free block */
};

const Both kBoth[] = {
    {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL, 4},
    {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL_DEBUG, 4},
    {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL, 16},
    {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL_DEBUG, 16},
};

testing::Message trace(const Both &both) {
    return testing::Message() << name_of(both.design)
                              << (both.checks == NS_DMA_POOL_KERNEL ? ", non-debug" : ", debug build");
}

TEST(DmaPoolDesigns, ADebugBuildPoisonsFreeAndAllocatedBlocks) {
    for (const Both &both : kBoth) {
        SCOPED_TRACE(trace(both));
        Fixture pool(options(both.design, both.checks), 64);
        const bool debug = both.checks == NS_DMA_POOL_KERNEL_DEBUG;
        const Block block = pool.alloc();
        EXPECT_EQ(pool.holds_only(block.bus, 64, kAllocated), debug);
        EXPECT_EQ(pool.holds_only(block.bus + 64 + both.link, 64 - both.link, kFreed), debug) << "free from the start";
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(pool.holds_only(block.bus + both.link, 64 - both.link, kFreed), debug);
        EXPECT_EQ(pool.alloc(NS_GFP_ATOMIC | NS___GFP_ZERO), block);
        EXPECT_TRUE(pool.holds_only(block.bus, 64, 0)) << "zeroing wins";
        EXPECT_TRUE(pool.misuses().empty());
    }
}

TEST(DmaPoolDesigns, InitOnAllocAndOnFreeZeroTheBlock) {
    for (const Both &both : kBoth) {
        SCOPED_TRACE(trace(both));
        const bool debug = both.checks == NS_DMA_POOL_KERNEL_DEBUG;
        ns_dma_pool_options how = options(both.design, both.checks);
        how.init_on_alloc = how.init_on_free = true;
        Fixture pool(how, 64);
        const Block block = pool.alloc();
        EXPECT_TRUE(pool.holds_only(block.bus, 64, 0));
        pool.device_writes(block.bus, 64, 0xEEEE'EEEE'EEEE'EEEE);
        pool.machine.port.log.clear();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_TRUE(pool.holds_only(block.bus + both.link, 64 - both.link, debug ? kFreed : 0));
        /* The old one zeroes, and then poisons in a debug build; the new one does the one or the other. */
        EXPECT_EQ(pool.machine.port.log.size(), both.design == NS_DMA_POOL_CHAINS && debug ? 2u : 1u);
        EXPECT_NE(pool.load(block.address, both.link == 4 ? 4 : 8), 0u) << "the link is written after the zeros";
    }
}

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

TEST(DmaPoolDesigns, ErrorsAreFoundOrNotAsInTheKernel) {
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

TEST(DmaPoolDesigns, ADoubleFreeGivesTwoOwnersAndACountBelowZero) {
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

TEST(DmaPoolDesigns, AForeignBlockGoesOnTheListOfTheNewDesign) {
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
TEST(DmaPoolDesigns, AWrongVirtualAddressHidesTheRestOfAnOldPage) {
    Fixture pool(options(NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL), 64);
    const Block block = pool.alloc();
    EXPECT_EQ(pool.free({fake::linear(block.bus) + 64, block.bus}), NS_POOL_OK);
    EXPECT_EQ(pool.load(block.address + 64, 4), 64u) << "the link went into that memory";
    (void)pool.alloc();
    EXPECT_EQ(pool.statistics().pages, 2u) << "62 blocks of the first page are never seen again";
}

TEST(DmaPoolDesigns, AnOverwrittenOffsetHidesThePageOrGivesAMisalignedBlock) {
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
TEST(DmaPoolDesigns, AnOverwrittenOffsetAtThePagesEndFaults) {
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

TEST(DmaPoolDesigns, AnOverwrittenPointerIsFollowedUntilItFaults) {
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

TEST(DmaPoolDesigns, AnOverwrittenPointerToMemoryBecomesABlock) {
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
TEST(DmaPoolDesigns, ASearchInACircleEnds) {
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

TEST(DmaPoolDesigns, ASearchThatLeavesMemoryEnds) {
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

/* ---- destroy --------------------------------------------------------------------------------- */

/* Two pages full, a third with one block; the first page has one block out, the others none. */
TEST(DmaPoolDesigns, DestroyWhileBusyLosesThePageOrAllPages) {
    struct {
        ns_dma_pool_design design;
        ns_dma_pool_checks checks;
        ns_pool_status status;
        size_t complaints;
        uint64_t lost; /* pages */
    } const rows[] = {
        {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL, NS_POOL_ERROR_BUSY, 1, 1},
        {NS_DMA_POOL_CHAINS, NS_DMA_POOL_KERNEL_DEBUG, NS_POOL_ERROR_BUSY, 1, 1},
        {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL, NS_POOL_ERROR_BUSY, 1, 3},
        {NS_DMA_POOL_LIST, NS_DMA_POOL_KERNEL_DEBUG, NS_POOL_ERROR_BUSY, 1, 3},
        {NS_DMA_POOL_CHAINS, NS_DMA_POOL_STRICT, NS_POOL_ERROR_BUSY, 1, 3},
        {NS_DMA_POOL_LIST, NS_DMA_POOL_STRICT, NS_POOL_ERROR_BUSY, 1, 3},
    };
    for (const auto &row : rows) {
        SCOPED_TRACE(testing::Message() << name_of(row.design) << ", checks " << row.checks);
        Fixture pool(options(row.design, row.checks), 1000); /* 4 in a page, in both designs */
        std::vector<Block> blocks;
        for (int i = 0; i < 9; i++)
            blocks.push_back(pool.alloc());
        for (size_t i = 1; i < blocks.size(); i++)
            EXPECT_EQ(pool.free(blocks[i]), NS_POOL_OK);
        ASSERT_EQ(pool.statistics().pages, 3u);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), row.status);
        EXPECT_EQ(pool.misuses(), Misuses(row.complaints, NS_MISUSE_DESTROY_BUSY));
        EXPECT_TRUE(pool.machine.port.heard("busy"));
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE - row.lost);
        EXPECT_EQ(pool.machine.port.remaps(), row.lost);
        if (row.checks == NS_DMA_POOL_STRICT) { /* still there, and whole */
            EXPECT_EQ(pool.free(blocks[0]), NS_POOL_OK);
            EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
            EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
        }
        EXPECT_EQ(pool.machine.port.metadata_blocks(), 1u) << "kfree is never forgotten";
    }
}

TEST(DmaPoolDesigns, ADebugBuildPoisonsTheOldDesignsFreedPages) {
    for (const Both &both : kBoth) {
        SCOPED_TRACE(trace(both));
        Fixture pool(options(both.design, both.checks), 64);
        const Block block = pool.alloc();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
        EXPECT_EQ(pool.holds_only(block.bus, 4096, kFreed),
                  both.design == NS_DMA_POOL_CHAINS && both.checks == NS_DMA_POOL_KERNEL_DEBUG);
    }
}

TEST(DmaPoolDesigns, ACountBelowZeroIsBusyAtDestroy) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        Fixture pool(options(design, NS_DMA_POOL_KERNEL), 64);
        const Block block = pool.alloc();
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_ERROR_BUSY);
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE - 1);
    }
}

/* ---- strict checking of the chains ----------------------------------------------------------- */

TEST(DmaPoolDesigns, StrictChainsAreToldOfEveryWrongFree) {
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

TEST(DmaPoolDesigns, StrictChainsDoNotFollowAnOverwrittenOffset) {
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
TEST(DmaPoolDesigns, StrictListsFindALinkToAnotherFreeBlock) {
    Fixture pool(options(NS_DMA_POOL_LIST), 64);
    const Block a = pool.alloc();
    EXPECT_EQ(pool.free(a), NS_POOL_OK);
    pool.device_writes(a.bus, 8, a.address + 5 * 64);
    Block block;
    EXPECT_EQ(pool.try_alloc(block), NS_POOL_ERROR_MISUSE);
    EXPECT_EQ(pool.misuses(), Misuses{NS_MISUSE_LINK_OVERWRITTEN});
    EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
}

/* ---- the lock -------------------------------------------------------------------------------- */

TEST(DmaPoolDesigns, TheLockIsGivenBackWhileAPageIsAllocated) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST}) {
        SCOPED_TRACE(name_of(design));
        fake::Machine machine;
        fake::Interrupts interrupts(machine);
        ns_pool_device nic{};
        nic.coherent_dma_mask = UINT64_MAX;
        const ns_dma_pool_options how = options(design);
        ns_dma_pool *pool = nullptr;
        ASSERT_EQ(ns_dma_pool_create(&interrupts.port, machine.frames, &nic, "x", 64, 0, 0, &how, &pool), NS_POOL_OK);
        Block outer, inner;
        ns_pool_status status = NS_POOL_ERROR_MISUSE;
        interrupts.handler = [&] { status = ns_dma_pool_alloc(pool, &inner.address, &inner.bus); };
        EXPECT_EQ(ns_dma_pool_alloc(pool, &outer.address, &outer.bus), NS_POOL_OK);
        EXPECT_EQ(status, NS_POOL_OK) << "the handler ran while the first call was out for a page";
        EXPECT_EQ(ns_dma_pool_get_statistics(pool).pages, 2u) << "and took one too";
        EXPECT_FALSE(outer == inner);
        EXPECT_EQ(interrupts.locks_irqs_on, 0);
        EXPECT_EQ(interrupts.fills_under_lock, 0);
        EXPECT_EQ(ns_dma_pool_free(pool, outer.address, outer.bus), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_free(pool, inner.address, inner.bus), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
    }
}

/* ---- long sequences -------------------------------------------------------------------------- */

/* With right calls, what a pool promises holds in each design and with all checks. */
TEST(DmaPoolDesigns, RandomSequencesKeepAlignmentBoundaryAndAccounts) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    for (int round = 0; round < 48; round++) {
        const auto design = static_cast<ns_dma_pool_design>(random.below(2));
        const auto checks = static_cast<ns_dma_pool_checks>(random.below(3));
        ns_dma_pool_options how = options(design, checks);
        how.init_on_alloc = random.below(4) == 0;
        how.init_on_free = random.below(4) == 0;
        const uint64_t align = UINT64_C(1) << random.below(8);
        const uint64_t size = 1 + random.below(round % 8 ? 600 : 9000);
        const uint64_t smallest = design == NS_DMA_POOL_LIST ? 16 : 4;
        const uint64_t rounded = (std::max(size, smallest) + align - 1) / align * align;
        uint64_t boundary = 0;
        if (random.below(2)) {
            boundary = 16;
            while (boundary < rounded || (boundary < 4096 && random.below(2)))
                boundary *= 2;
        }
        /* B2: what the old design does with such a boundary has tests of its own. */
        if (design == NS_DMA_POOL_CHAINS && boundary > std::max<uint64_t>(rounded, 4096))
            boundary = 0;
        SCOPED_TRACE(testing::Message() << "round " << round << ": " << name_of(design) << ", checks " << checks << ": "
                                        << size << ", " << align << ", " << boundary);
        Fixture pool(how, size, align, boundary);
        std::vector<Block> live;
        std::map<uint64_t, uint64_t> held; /* bus address -> end */
        for (int step = 0; step < 300; step++) {
            if (random.below(5) < 3) {
                Block block;
                const ns_pool_status status = pool.try_alloc(block);
                if (status == NS_POOL_ERROR_EXHAUSTED) {
                    ASSERT_EQ(pool.statistics().active, pool.statistics().blocks);
                    continue;
                }
                ASSERT_EQ(status, NS_POOL_OK);
                ASSERT_EQ(pool.machine.port.translate(block.address), block.bus);
                if (rounded <= 4096) {
                    ASSERT_EQ(block.bus % align, 0u);
                }
                if (boundary != 0) {
                    ASSERT_EQ(block.bus / boundary, (block.bus + rounded - 1) / boundary);
                }
                auto next = held.lower_bound(block.bus);
                ASSERT_TRUE(next == held.end() || block.bus + rounded <= next->first);
                ASSERT_TRUE(next == held.begin() || std::prev(next)->second <= block.bus);
                held[block.bus] = block.bus + rounded;
                if (how.init_on_alloc) {
                    ASSERT_TRUE(pool.holds_only(block.bus, rounded, 0));
                }
                pool.machine.port.get()->fill(&pool.machine.port, block.address, rounded, 0xEE);
                live.push_back(block);
            } else if (!live.empty()) {
                const size_t victim = random.below(live.size());
                ASSERT_TRUE(pool.holds_only(live[victim].bus, rounded, 0xEE)) << "nobody else wrote there";
                held.erase(live[victim].bus);
                ASSERT_EQ(pool.free(live[victim]), NS_POOL_OK);
                live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
            }
            ASSERT_EQ(pool.statistics().active, live.size());
        }
        for (const Block &block : live)
            EXPECT_EQ(pool.free(block), NS_POOL_OK);
        EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK);
        EXPECT_TRUE(pool.misuses().empty());
        EXPECT_EQ(pool.machine.free_frames(), kMiB / NS_FRAME_SIZE);
        EXPECT_EQ(pool.machine.port.remaps(), 0u);
    }
}

/* With wrong calls and a device that writes where it likes: no access outside of mapped memory (the fake port would
 * fail the test), no endless loop, and nothing but values as answers. */
TEST(DmaPoolDesigns, RandomMisuseIsNeverWorseThanAnErrorValue) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    fake::Random random(seed);
    int bugs = 0;
    for (int round = 0; round < 90; round++) {
        const auto design = static_cast<ns_dma_pool_design>(round % 2);
        const auto checks = static_cast<ns_dma_pool_checks>(round % 3);
        const uint64_t size = 4 + random.below(300);
        SCOPED_TRACE(testing::Message() << "round " << round << ", size " << size);
        Fixture pool(options(design, checks), size, 0, round % 5 ? 0 : 8192);
        std::vector<Block> known = {{kBase, kBase}, {kNowhere, kNowhere}, {0, 0}, {UINT64_MAX, UINT64_MAX}};
        auto any = [&] { return known[random.below(known.size())]; };
        for (int step = 0; step < 300; step++) {
            Block block;
            switch (random.below(8)) {
            case 0:
            case 1:
            case 2:
                if (pool.try_alloc(block, random.below(4) ? NS_GFP_ATOMIC : NS_GFP_KERNEL | NS___GFP_ZERO) ==
                    NS_POOL_OK)
                    known.push_back(block);
                break;
            case 3:
            case 4:
                (void)pool.free(any());
                break;
            case 5:
                (void)pool.free({any().address + random.below(80), any().bus});
                break;
            case 6:
                (void)pool.free({fake::linear(kBase + random.below(kMiB)), any().bus + random.below(4096)});
                break;
            default:
                block = any();
                if (pool.machine.port.in_ram(block.bus) && pool.machine.port.in_ram(block.bus + 7))
                    pool.device_writes(block.bus, 1 + random.below(8),
                                       random.below(2) ? any().address : random.below(5000));
                break;
            }
        }
        bugs += pool.bug();
        const ns_pool_status status = ns_dma_pool_destroy(pool.pool);
        if (status == NS_POOL_ERROR_BUSY && checks == NS_DMA_POOL_STRICT) {
            for (const Block &block : known)
                (void)pool.free(block);
            EXPECT_EQ(ns_dma_pool_destroy(pool.pool), NS_POOL_OK) << "strict checking loses nothing";
        }
        EXPECT_EQ(pool.machine.port.metadata_blocks(), 1u);
    }
    EXPECT_GT(bugs, 5) << "the walk must reach what it is for";
}

TEST(DmaPoolDesigns, FailuresAtAnyCallLeakNothing) {
    for (ns_dma_pool_design design : {NS_DMA_POOL_CHAINS, NS_DMA_POOL_LIST})
        for (ns_dma_pool_checks checks : {NS_DMA_POOL_STRICT, NS_DMA_POOL_KERNEL})
            for (int kind = 0; kind < 2; kind++) {
                SCOPED_TRACE(testing::Message() << name_of(design) << ", kind " << kind);
                int failures = 0;
                for (int n = 0;; n++) {
                    fake::Machine machine({{kBase, 0x4000}}); /* 4 pages: memory runs out too */
                    ns_pool_device nic{};
                    nic.coherent_dma_mask = UINT64_MAX;
                    (kind ? machine.port.fail_set_pte_at : machine.port.fail_metadata_at) = n;
                    const ns_dma_pool_options how = options(design, checks);
                    ns_dma_pool *pool = nullptr;
                    bool failed = ns_dma_pool_create(machine.port.get(), machine.frames, &nic, "x", 1000, 0, 0, &how,
                                                     &pool) != NS_POOL_OK;
                    std::vector<Block> blocks;
                    for (int i = 0; pool && i < 20; i++) { /* 4 in a page; one call fails, the next one works */
                        Block block;
                        const ns_pool_status status = ns_dma_pool_alloc(pool, &block.address, &block.bus);
                        if (status == NS_POOL_OK)
                            blocks.push_back(block);
                        else if (blocks.size() < 16)
                            failed = true;
                        else
                            EXPECT_TRUE(status == NS_POOL_ERROR_EXHAUSTED || status == NS_POOL_ERROR_METADATA);
                    }
                    if (pool) {
                        EXPECT_EQ(blocks.size(), 16u) << "one failure costs one call";
                        for (const Block &block : blocks)
                            EXPECT_EQ(ns_dma_pool_free(pool, block.address, block.bus), NS_POOL_OK);
                    }
                    EXPECT_EQ(ns_dma_pool_destroy(pool), NS_POOL_OK);
                    EXPECT_EQ(machine.port.metadata_blocks(), 1u);
                    EXPECT_EQ(machine.port.remaps(), 0u);
                    EXPECT_EQ(machine.free_frames(), 4u);
                    EXPECT_TRUE(machine.port.misuses.empty());
                    if (!failed)
                        break;
                    failures++;
                }
                /* The pool and 4 pages (the 5th page's header is given back for want of memory: it fails after the 16
                 * blocks, so that it does not count); a PTE for each page. */
                EXPECT_EQ(failures, kind ? 4 : 5);
            }
}

} // namespace
