/* SPDX-License-Identifier: Apache-2.0 */
/* Long random sequences of the whole streaming API against a plain list of what is mapped. */
#include "mapping_fixture.h"
#include "pool/swiotlb.h"

namespace {

using fake::kGiB;
using fake::kMiB;
using fake::linear;

constexpr uint64_t kLow = 0x4000'0000, kHigh = 0x1'0000'0000; /* with linear mappings, each 1 MiB */
constexpr uint64_t kHighMemory = 0x5000'0000;                 /* without one, 64 KiB */
constexpr uint64_t kBufferSlots = NS_SWIOTLB_SEGMENT_SLOTS;
constexpr size_t kCapacity = 60;

struct Live {
    ns_dma_mapping_kind kind;
    const ns_pool_device *device;
    uint64_t physical, bus, length;
    ns_dma_direction direction;
    size_t list; /* of a scatterlist: its number in `lists`; else SIZE_MAX */
    bool checked, bounced;
};

/* What the API promises, done the slow way. */
struct Plain {
    std::vector<Live> live; /* oldest first */

    static bool same_line(const Live &a, const Live &b) {
        const uint64_t unit = a.bounced || b.bounced ? 1 : 64;
        return a.physical / unit <= (b.physical + b.length - 1) / unit &&
               b.physical / unit <= (a.physical + a.length - 1) / unit;
    }
    bool conflicts(const Live &made) const {
        return std::any_of(live.begin(), live.end(), [&](const Live &other) {
            return made.kind != NS_DMA_MAPPING_RESOURCE && other.kind != NS_DMA_MAPPING_RESOURCE &&
                   (made.direction != NS_DMA_TO_DEVICE || other.direction != NS_DMA_TO_DEVICE) &&
                   !(made.device->coherent && other.device->coherent) && same_line(made, other);
        });
    }
    size_t bounced() const {
        return static_cast<size_t>(
            std::count_if(live.begin(), live.end(), [](const Live &one) { return one.bounced; }));
    }
    const Live *oldest_at(uint64_t physical) const {
        for (const Live &one : live)
            if (one.kind != NS_DMA_MAPPING_RESOURCE && physical >= one.physical && physical - one.physical < one.length)
                return &one;
        return nullptr;
    }
    /* An unmap with these arguments ends the oldest that agrees in all of them. */
    void end(const Live &meant) {
        auto found = std::find_if(live.begin(), live.end(), [&](const Live &one) {
            return one.kind == meant.kind && one.device == meant.device && one.bus == meant.bus &&
                   one.length == meant.length && one.direction == meant.direction;
        });
        ASSERT_NE(found, live.end());
        live.erase(found);
    }
};

class Sequence {
  public:
    Sequence(ns_dma_platform platform, uint64_t seed) : random_(seed), port_({{kLow, kMiB}, {kHigh, kMiB}}) {
        const ns_frame_region low = {kLow, kMiB / 2};
        const ns_zone_limits limits = {0, 4 * kGiB};
        EXPECT_EQ(ns_frames_create(port_.get(), &low, 1, &limits, &frames_), NS_POOL_OK);
        ns_swiotlb_config pool{};
        pool.slots = kBufferSlots;
        pool.version = NS_SWIOTLB_5_18;
        EXPECT_EQ(ns_swiotlb_create(port_.get(), frames_, &pool, &swiotlb_), NS_POOL_OK);
        ns_dma_config config = fake::dma_config(platform, kCapacity);
        config.swiotlb = swiotlb_;
        config.ram = ram_;
        config.ram_count = 3;
        EXPECT_EQ(ns_dma_create(port_.get(), &config, &dma_), NS_POOL_OK);
        devices_[1].dma_mask = UINT64_MAX;
        devices_[2].coherent = true;
    }
    ~Sequence() {
        EXPECT_EQ(ns_dma_destroy(dma_), NS_POOL_OK);
        EXPECT_EQ(ns_swiotlb_destroy(swiotlb_), NS_POOL_OK);
        EXPECT_EQ(ns_frames_destroy(frames_), NS_POOL_OK);
        EXPECT_EQ(port_.metadata_blocks(), 0u);
        EXPECT_EQ(port_.remaps(), 0u);
        EXPECT_EQ(port_.remapped_pages(), 0u);
    }
    void step() {
        switch (random_.below(8)) {
        case 0:
        case 1:
            return map_one();
        case 2:
            return map_list();
        case 3:
        case 4:
            return unmap_one();
        case 5:
            return unmap_list();
        case 6:
            return sync();
        default:
            return ask();
        }
    }
    void end_all() {
        while (!plain_.live.empty() && !testing::Test::HasFatalFailure()) {
            unmap_one();
            unmap_list();
        }
    }
    void check() {
        ASSERT_EQ(ns_dma_live_count(dma_), plain_.live.size());
        ASSERT_EQ(ns_swiotlb_get_statistics(swiotlb_).mappings, plain_.bounced());
        for (size_t i = 0; i < plain_.live.size(); i++) {
            const ns_dma_mapping mapping = ns_dma_live_mapping(dma_, i);
            const Live &one = plain_.live[i];
            ASSERT_EQ(mapping.kind, one.kind);
            ASSERT_EQ(mapping.device, one.device);
            ASSERT_EQ(mapping.bus, one.bus);
            ASSERT_EQ(mapping.physical, one.physical);
            ASSERT_EQ(mapping.length, one.length);
            ASSERT_EQ(mapping.direction, one.direction);
            ASSERT_EQ(mapping.error_checked, one.checked);
            ASSERT_EQ(mapping.slot != NS_DMA_MAPPING_ERROR, one.bounced);
        }
        const uint64_t probe = (random_.below(2) ? kLow : kHigh) + kMiB / 2 + random_.below(kWindow);
        const Live *oldest = plain_.oldest_at(probe);
        const ns_dma_mapping found = ns_dma_find(dma_, linear(probe), 1);
        ASSERT_EQ(found.device, oldest ? oldest->device : nullptr);
        ASSERT_EQ(found.physical, oldest ? oldest->physical : 0);
        ASSERT_TRUE(port_.misuses.empty());
        port_.log.clear();
        port_.said.clear();
        port_.bounces.clear();
    }
    size_t failures = 0, lists_failed = 0, bounces = 0;

  private:
    static constexpr uint64_t kWindow = 0x8000; /* small, so that mappings meet */

    Live draw() {
        Live made{};
        made.device = &devices_[random_.below(3)];
        made.length = 1 + random_.below(300);
        made.direction = static_cast<ns_dma_direction>(random_.below(3));
        made.list = SIZE_MAX;
        const uint64_t where = random_.below(5);
        made.physical = (where < 2    ? kLow + kMiB / 2
                         : where == 2 ? kHighMemory
                                      : kHigh + kMiB / 2) +
                        random_.below(kWindow);
        return made;
    }
    /* CPU stores, whose lines must not stay dirty once the device may write. */
    void dirty(const Live &made) {
        if (made.physical < kHighMemory || made.physical >= kHighMemory + kWindow + kMiB)
            port_.get()->store(port_.get()->context, linear(made.physical), 1, random_.below(256));
    }
    void mapped(Live &made, ns_pool_status status, unsigned attributes) {
        if (status != NS_POOL_OK) {
            failures++;
            /* The reasons there are: a full table, a full buffer, and high memory bounced (never here). */
            ASSERT_TRUE(plain_.live.size() == kCapacity || status == NS_POOL_ERROR_EXHAUSTED) << status;
            ASSERT_EQ(made.bus, NS_DMA_MAPPING_ERROR);
            ASSERT_TRUE(port_.misuses.empty());
            return;
        }
        const bool reachable = made.physical + made.length - 1 <= made.device->dma_mask;
        made.bounced = !reachable && made.kind != NS_DMA_MAPPING_RESOURCE;
        bounces += made.bounced;
        ASSERT_EQ(ns_swiotlb_holds(swiotlb_, made.bus), made.bounced);
        if (!made.bounced) {
            ASSERT_EQ(made.bus, made.physical);
        }
        ASSERT_EQ(port_.misuses.size(), plain_.conflicts(made) ? 1u : 0u);
        port_.misuses.clear();
        const bool operated =
            made.kind != NS_DMA_MAPPING_RESOURCE && !made.device->coherent && !(attributes & NS_DMA_SKIP_CPU_SYNC);
        if (operated) {
            ASSERT_FALSE(port_.dirty(made.bus, made.length)) << "an eviction would overwrite what the device writes";
        }
        plain_.live.push_back(made);
    }
    void map_one() {
        Live made = draw();
        const unsigned attributes = random_.below(4) == 0 ? NS_DMA_SKIP_CPU_SYNC : 0;
        const bool page = made.physical >= kHighMemory && made.physical < kHigh;
        ns_pool_status status;
        if (random_.below(8) == 0) {
            made.kind = NS_DMA_MAPPING_RESOURCE;
            made.physical = 0x1000'0000 + random_.below(kWindow);
            status = ns_dma_map_resource(dma_, made.device, made.physical, made.length, made.direction, attributes,
                                         &made.bus);
        } else if (page || random_.below(2)) {
            dirty(made);
            status = ns_dma_map_page(dma_, made.device, made.physical & ~UINT64_C(0xfff), made.physical & 0xfff,
                                     made.length, made.direction, attributes, &made.bus);
        } else {
            dirty(made);
            status = ns_dma_map(dma_, made.device, linear(made.physical), made.length, made.direction, attributes,
                                &made.bus);
        }
        mapped(made, status, attributes);
    }
    void map_list() {
        const Live common = draw();
        std::vector<Live> made;
        std::vector<ns_scatterlist> list;
        const uint64_t count = 1 + random_.below(6);
        const uint64_t bad = random_.below(12); /* often behind the end: no failure */
        for (uint64_t i = 0; i < count; i++) {
            Live one = draw();
            one.kind = NS_DMA_MAPPING_SG;
            one.device = common.device;
            one.direction = common.direction;
            one.checked = true;
            ns_scatterlist entry{};
            entry.by_page = true;
            entry.page = one.physical & ~UINT64_C(0xfff);
            entry.offset = one.physical & 0xfff;
            entry.length = i == bad ? 0 : one.length;
            made.push_back(one);
            list.push_back(entry);
        }
        size_t mapped_count = 0;
        const ns_pool_status status = ns_dma_map_sg(dma_, common.device, list.data(), list.size(), common.direction,
                                                    NS_DMA_SKIP_CPU_SYNC, &mapped_count);
        ASSERT_EQ(mapped_count, status == NS_POOL_OK ? list.size() : 0u);
        for (const fake::Misuse &misuse : std::exchange(port_.misuses, {}))
            ASSERT_EQ(misuse.what, NS_MISUSE_MAP_OVERLAP);
        if (status != NS_POOL_OK) {
            lists_failed++;
            return;
        }
        ASSERT_GE(bad, count);
        for (size_t i = 0; i < made.size(); i++) {
            made[i].list = next_list_;
            made[i].bus = list[i].bus;
            made[i].bounced = made[i].physical + made[i].length - 1 > made[i].device->dma_mask;
            bounces += made[i].bounced;
            plain_.live.push_back(made[i]);
        }
        lists_.push_back({next_list_++, list});
    }
    void unmap_one() {
        if (plain_.live.empty())
            return;
        const Live gone = plain_.live[random_.below(plain_.live.size())];
        if (gone.kind == NS_DMA_MAPPING_SG)
            return;
        const auto unmap = gone.kind == NS_DMA_MAPPING_RESOURCE ? ns_dma_unmap_resource : ns_dma_unmap;
        const unsigned attributes = random_.below(4) == 0 ? NS_DMA_SKIP_CPU_SYNC : 0;
        ASSERT_EQ(unmap(dma_, gone.device, gone.bus, gone.length, gone.direction, attributes), NS_POOL_OK);
        plain_.end(gone);
    }
    void unmap_list() {
        if (lists_.empty())
            return;
        const size_t victim = random_.below(lists_.size());
        auto [number, list] = lists_[victim];
        std::vector<Live> gone;
        for (const Live &one : plain_.live)
            if (one.list == number)
                gone.push_back(one);
        ASSERT_EQ(ns_dma_unmap_sg(dma_, gone[0].device, list.data(), list.size(), gone[0].direction, 0), NS_POOL_OK);
        /* Of two lists with an equal entry the older one's is ended: whose it is by number does not matter. */
        for (const Live &one : gone) {
            for (Live &other : plain_.live)
                if (other.list != number && other.kind == one.kind && other.device == one.device &&
                    other.bus == one.bus && other.length == one.length && other.direction == one.direction)
                    std::swap(other.list, *list_of(one));
            plain_.end(one);
        }
        lists_.erase(lists_.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    size_t *list_of(const Live &one) {
        for (Live &other : plain_.live)
            if (other.list == one.list && other.bus == one.bus && other.length == one.length)
                return &other.list;
        ADD_FAILURE();
        return &plain_.live.front().list;
    }
    void sync() {
        if (plain_.live.empty())
            return;
        const Live one = plain_.live[random_.below(plain_.live.size())];
        if (one.kind == NS_DMA_MAPPING_RESOURCE)
            return;
        const uint64_t offset = random_.below(one.length), length = 1 + random_.below(one.length - offset);
        const auto call = random_.below(2) ? ns_dma_sync_range_for_cpu : ns_dma_sync_range_for_device;
        ASSERT_EQ(call(dma_, one.device, one.bus, offset, length, one.direction), NS_POOL_OK);
    }
    void ask() {
        ASSERT_TRUE(ns_dma_mapping_error(dma_, &devices_[0], NS_DMA_MAPPING_ERROR));
        if (plain_.live.empty())
            return;
        const Live one = plain_.live[random_.below(plain_.live.size())];
        ASSERT_FALSE(ns_dma_mapping_error(dma_, one.device, one.bus));
        for (Live &other : plain_.live) {
            if (other.bus == one.bus && other.device == one.device && !other.checked) {
                other.checked = true;
                break;
            }
        }
    }

    fake::Random random_;
    fake::Port port_;
    const ns_frame_region ram_[3] = {{kLow, kMiB}, {kHigh, kMiB}, {kHighMemory, kWindow + kMiB}};
    ns_pool_device devices_[3] = {fake::device_of_32_bits(), fake::device_of_32_bits(), fake::device_of_32_bits()};
    ns_frames *frames_ = nullptr;
    ns_swiotlb *swiotlb_ = nullptr;
    ns_dma *dma_ = nullptr;
    Plain plain_;
    std::vector<std::pair<size_t, std::vector<ns_scatterlist>>> lists_;
    size_t next_list_ = 0;
};

TEST(MappingRandom, SequencesKeepTheTableTheSlotsAndTheCaches) {
    const uint64_t seed = fake::seed();
    SCOPED_TRACE(testing::Message() << "NS_TEST_SEED=" << seed);
    size_t failures = 0, lists_failed = 0, bounces = 0;
    for (ns_dma_platform platform : {NS_PLATFORM_TEXTBOOK, NS_PLATFORM_RISCV_6_0, NS_PLATFORM_RISCV_6_6,
                                     NS_PLATFORM_ARM64_5_10, NS_PLATFORM_ARM64_5_19, NS_PLATFORM_THEAD_5_10}) {
        SCOPED_TRACE(ns_dma_get_platform_operations(platform)->name);
        Sequence sequence(platform, seed + platform);
        for (int step = 0; step < 6000; step++) {
            SCOPED_TRACE(testing::Message() << "step " << step);
            sequence.step();
            if (!testing::Test::HasFatalFailure())
                sequence.check();
            if (testing::Test::HasFatalFailure())
                return;
        }
        sequence.end_all();
        failures += sequence.failures;
        lists_failed += sequence.lists_failed;
        bounces += sequence.bounces;
    }
    EXPECT_GT(failures, 100u) << "the sequences must reach the limits";
    EXPECT_GT(lists_failed, 100u);
    EXPECT_GT(bounces, 1000u);
}

} // namespace
