/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes -> calls of every allocator of pool/ and of the streaming API, on one machine, with one reference for all: a
 * map of what is handed out. No two live blocks share a byte, whoever gave them; each lies in RAM and at its alignment;
 * nobody writes into a block of another; a wrong free is an error value that changes nothing; and when everything has
 * been given back, nothing is left. Book-keeping memory, page table entries and kernel addresses may run out at any
 * call that takes something. What fake_port.h expects of its caller is required as well.
 */
#include "buffer_pool_fixture.h"
#include "fake_direct.h"
#include "pool/dma_pool.h"
#include "pool/genalloc.h"
#include "pool/kmalloc.h"
#include "pool/mapping.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace {

constexpr uint64_t kBase = 0x8000'0000, kSize = 4 * fake::kMiB, kPage = NS_FRAME_SIZE;
constexpr uint64_t kGenPages = 8, kStreamPages = 8;
constexpr size_t kCalls = 1000;

void require(bool condition, const char *promise) {
    if (!condition) {
        std::fprintf(stderr, "promise broken: %s\n", promise);
        std::abort();
    }
}

class Bytes {
  public:
    Bytes(const uint8_t *data, size_t size) : data_(data), size_(size) {}
    bool empty() const { return size_ == 0; }
    uint64_t take(unsigned count = 1) {
        uint64_t value = 0;
        for (; count > 0 && size_ > 0; count--, data_++, size_--)
            value = value << 8 | *data_;
        return value;
    }

  private:
    const uint8_t *data_;
    size_t size_;
};

enum Kind { kFrames, kGen, kList, kChains, kHeap, kBuffer, kCoherent, kKinds };

struct Block {
    Kind kind;
    uint64_t physical, length;
    uint64_t virtual_address;
    uint64_t asked; /* bytes, or frames of kFrames */
    ns_buffer buffer;
    uint8_t mark;
};

struct Mapping {
    uint64_t bus, length;
    ns_dma_direction direction;
};

ns_dma_direct_config strict() {
    ns_dma_direct_config result = ns_dma_direct_preset(NS_DMA_PRESET_RISCV_6_18);
    result.checks = NS_CHECKS_STRICT;
    return result;
}

class Sequence {
  public:
    explicit Sequence(Bytes bytes) : bytes_(bytes), machine_(strict(), {{kBase, kSize}}) {
        nic_.coherent_dma_mask = nic_.dma_mask = 0xffff'ffff;
        const uint64_t shape = bytes_.take();
        order_ = 5 + shape % 8;
        block_ = UINT64_C(4) << (shape / 8 % 8);
        boundary_ = bytes_.take() % 3 == 0 ? 4096 : 0;
        const ns_frames_request request = {kGenPages + kStreamPages, 1, 0, UINT64_MAX, NS_POOL_ZONE_NORMAL};
        ok(ns_frames_allocate(machine_.frames, &request, &area_));
        ok(ns_gen_pool_create(port(), static_cast<unsigned>(order_), &gen_));
        ns_gen_pool_set_strict(gen_, true);
        ok(ns_gen_pool_add_virt(gen_, fake::linear(area_), area_, kGenPages * kPage));
        for (int design = 0; design < 2; design++) {
            ns_dma_pool_options options{};
            options.design = design == 0 ? NS_DMA_POOL_LIST : NS_DMA_POOL_CHAINS;
            ok(ns_dma_pool_create(machine_.direct, &nic_, "fuzz", block_, block_align(), boundary_, &options,
                                  &pools_[design]));
        }
        const ns_kmalloc_options heap{};
        ok(ns_kmalloc_create(port(), machine_.frames, &heap, &heap_));
        ok(ns_buffer_pool_create(port(), machine_.frames, 6, nullptr, &buffers_));
        ns_dma_config config{};
        config.platform = NS_PLATFORM_TEXTBOOK;
        config.line_size = 64;
        config.mapping_capacity = 8;
        ok(ns_dma_create(port(), &config, &dma_));
    }

    void run() {
        for (size_t call = 0; call < kCalls && !bytes_.empty(); call++) {
            const uint64_t what = bytes_.take();
            if (what < 112)
                allocate(static_cast<Kind>(what % kKinds));
            else if (what < 176)
                give_back(pick());
            else if (what < 200)
                wrong_free();
            else if (what < 216)
                fail_next(what);
            else if (what < 220)
                ok(ns_kmalloc_collect(heap_, nullptr));
            else
                stream(what);
        }
    }

    void end() {
        heal();
        while (!live_.empty())
            give_back(live_.begin()->first);
        while (!mappings_.empty())
            unmap(mappings_.begin()->first);
        ok(ns_dma_destroy(dma_));
        ok(ns_buffer_pool_destroy(buffers_));
        ok(ns_kmalloc_destroy(heap_));
        for (ns_dma_pool *pool : pools_)
            ok(ns_dma_pool_destroy(pool));
        require(ns_gen_pool_avail(gen_) == ns_gen_pool_size(gen_), "a gen-pool has all its memory back");
        ok(ns_gen_pool_destroy(gen_));
        ok(ns_frames_free(machine_.frames, area_, kGenPages + kStreamPages));
        require(machine_.free_frames() == kSize / kPage, "all frames are back");
        require(machine_.port.remaps() == 0 && machine_.port.remapped_pages() == 0, "all mappings are gone");
    }

  private:
    const ns_port *port() { return machine_.port.get(); }
    uint64_t block_align() const { return block_ < 16 ? block_ : 16; }
    static void ok(ns_pool_status status) { require(status == NS_POOL_OK, "a right call is no error"); }
    void heal() {
        machine_.port.fail_metadata_at = machine_.port.fail_set_pte_at = -1;
        machine_.port.fail_remap = false;
    }
    void fail_next(uint64_t what) {
        const int count = static_cast<int>(bytes_.take() % 16);
        if (what % 3 == 0)
            machine_.port.fail_metadata_at = count;
        else if (what % 3 == 1)
            machine_.port.fail_set_pte_at = count;
        else
            machine_.port.fail_remap = true;
    }

    void allocate(Kind kind) {
        Block block{};
        uint64_t align = 1, bus = 0;
        ns_pool_status status = NS_POOL_ERROR_EXHAUSTED;
        block.kind = kind;
        switch (kind) {
        case kFrames: {
            align = UINT64_C(1) << bytes_.take() % 5;
            const ns_frames_request request = {block.asked = 1 + bytes_.take() % 40, align, 0, UINT64_MAX,
                                               NS_POOL_ZONE_NORMAL};
            status = ns_frames_allocate(machine_.frames, &request, &block.physical);
            block.length = block.asked * kPage;
            align *= kPage;
            break;
        }
        case kGen:
            block.length = block.asked = bytes_.take(2) % (kGenPages * kPage + 2);
            align = UINT64_C(1) << order_;
            block.virtual_address = ns_gen_pool_dma_alloc(gen_, block.asked, &block.physical);
            status = block.virtual_address != 0 ? NS_POOL_OK : NS_POOL_ERROR_EXHAUSTED;
            require(status != NS_POOL_OK || ns_gen_pool_virt_to_phys(gen_, block.virtual_address) == block.physical,
                    "a gen-pool knows where its memory lies");
            break;
        case kList:
        case kChains:
            status = ns_dma_pool_alloc(pools_[kind - kList], &block.virtual_address, &block.physical);
            block.length = block_;
            align = block_align();
            require(status != NS_POOL_OK || boundary_ == 0 ||
                        block.physical / boundary_ == (block.physical + block_ - 1) / boundary_,
                    "no block crosses its boundary");
            break;
        case kHeap:
            block.length = block.asked = 1 + bytes_.take(2) % 20000;
            align = 8;
            status = ns_kmalloc_alloc(heap_, block.asked, NS_GFP_KERNEL, &block.virtual_address);
            if (status == NS_POOL_OK) {
                block.physical = machine_.port.translate(block.virtual_address);
                require(ns_kmalloc_block_size(heap_, block.virtual_address) >= block.asked, "a block is large enough");
            }
            break;
        case kBuffer: {
            ns_buffer_address where{};
            status = ns_buffer_pool_allocate(buffers_, &block.buffer);
            block.length = NS_BUFFER_SIZE;
            if (status == NS_POOL_OK) {
                ok(ns_buffer_pool_address(buffers_, block.buffer, &where));
                block.physical = where.physical;
                block.virtual_address = where.virtual_address;
            }
            break;
        }
        default:
            block.asked = 1 + bytes_.take(2) % 40000;
            block.length = (block.asked + kPage - 1) / kPage * kPage;
            align = kPage;
            status =
                ns_dma_alloc_coherent(machine_.direct, &nic_, block.asked, NS_GFP_KERNEL, &block.virtual_address, &bus);
            block.physical = bus;
            break;
        }
        heal();
        if (status == NS_POOL_OK)
            admit(block, align);
    }

    void admit(Block &block, uint64_t align) {
        require(block.length > 0 && block.physical >= kBase && block.physical + block.length <= kBase + kSize,
                "a block lies in RAM");
        require(block.physical % align == 0, "a block lies at its alignment");
        const auto above = live_.lower_bound(block.physical);
        require(above == live_.end() || block.physical + block.length <= above->first, "no two live blocks overlap");
        if (above != live_.begin()) {
            const Block &below = std::prev(above)->second;
            require(below.physical + below.length <= block.physical, "no two live blocks overlap");
        }
        const uint64_t stream = area_ + kGenPages * kPage;
        require(block.physical + block.length <= stream || block.physical >= stream + kStreamPages * kPage,
                "memory in use is not handed out");
        block.mark = static_cast<uint8_t>(marks_++);
        machine_.port.memory(block.physical) = block.mark;
        machine_.port.memory(block.physical + block.length - 1) = block.mark;
        live_[block.physical] = block;
    }

    uint64_t pick() {
        if (live_.empty())
            return 0;
        auto found = live_.begin();
        std::advance(found, static_cast<long>(bytes_.take() % live_.size()));
        return found->first;
    }

    ns_pool_status free_block(const Block &block) {
        switch (block.kind) {
        case kFrames:
            return ns_frames_free(machine_.frames, block.physical, block.asked);
        case kGen:
            return ns_gen_pool_free(gen_, block.virtual_address, block.asked);
        case kList:
        case kChains:
            return ns_dma_pool_free(pools_[block.kind - kList], block.virtual_address, block.physical);
        case kHeap:
            return ns_kmalloc_free(heap_, block.virtual_address);
        case kBuffer:
            return ns_buffer_pool_release(buffers_, block.buffer);
        default:
            return ns_dma_free_coherent(machine_.direct, &nic_, block.asked, block.virtual_address, block.physical);
        }
    }

    void give_back(uint64_t physical) {
        const auto found = live_.find(physical);
        if (found == live_.end())
            return;
        const Block block = found->second;
        heal();
        require(machine_.port.memory(block.physical) == block.mark &&
                    machine_.port.memory(block.physical + block.length - 1) == block.mark,
                "nobody writes into a live block");
        live_.erase(found);
        ok(free_block(block));
        last_ = block;
        has_last_ = true;
    }

    void wrong_free() {
        const uint64_t how = bytes_.take() % 4;
        const size_t told = machine_.port.misuses.size();
        ns_pool_status status = NS_POOL_ERROR_MISUSE;
        heal();
        if (how == 0 && has_last_) { /* twice, unless its place is in use again */
            const auto above = live_.lower_bound(last_.physical);
            if ((above != live_.end() && above->first < last_.physical + last_.length) ||
                (above != live_.begin() &&
                 std::prev(above)->second.physical + std::prev(above)->second.length > last_.physical))
                return;
            status = free_block(last_);
        } else if (how == 1) {
            const auto found = live_.find(pick());
            if (found == live_.end() || found->second.kind != kFrames)
                return;
            status = ns_frames_free(machine_.frames, found->first, found->second.asked + 1 + bytes_.take() % 4);
        } else if (how == 2) {
            const auto found = live_.find(pick());
            if (found == live_.end() || found->second.kind != kCoherent)
                return;
            status = ns_dma_free_coherent(machine_.direct, &nic_, found->second.length + 1 + bytes_.take(2),
                                          found->second.virtual_address, found->first);
        } else {
            const auto found = live_.find(pick()); /* the middle of a block */
            if (found == live_.end() || found->second.kind != kHeap || found->second.asked < 2)
                return;
            /* Behind its end the next one may begin: that would be right. */
            status = ns_kmalloc_free(heap_, found->second.virtual_address + 1 +
                                                bytes_.take() % std::min<uint64_t>(found->second.asked - 1, 64));
        }
        require(status == NS_POOL_ERROR_MISUSE, "a wrong free is refused");
        require(how == 0 || machine_.port.misuses.size() > told, "a wrong free is told");
    }

    void stream(uint64_t what) {
        const uint64_t offset = bytes_.take(2) % (kStreamPages * kPage);
        const uint64_t length = 1 + bytes_.take(2) % (kStreamPages * kPage - offset);
        const auto direction = static_cast<ns_dma_direction>(what % 3);
        const uint64_t physical = area_ + kGenPages * kPage + offset;
        const auto found = mappings_.lower_bound(physical);
        if (what < 236 && mappings_.count(physical) == 0) {
            uint64_t bus = 0;
            const ns_pool_status status = ns_dma_map(dma_, &nic_, fake::linear(physical), length, direction, 0, &bus);
            if (status == NS_POOL_OK) {
                require(bus == physical, "without a window a bus address is the physical one");
                mappings_[physical] = {bus, length, direction};
            }
        } else if (found == mappings_.end()) {
            return;
        } else if (what < 244) {
            unmap(found->first);
        } else {
            const Mapping &m = found->second;
            require(ns_dma_sync_for_cpu(dma_, &nic_, m.bus, m.length + kStreamPages * kPage, m.direction) ==
                        NS_POOL_ERROR_MISUSE,
                    "a sync outside of its mapping is refused");
            ok(ns_dma_sync_for_cpu(dma_, &nic_, m.bus, m.length, m.direction));
            ok(ns_dma_sync_for_device(dma_, &nic_, m.bus, m.length, m.direction));
        }
        heal();
    }

    void unmap(uint64_t physical) {
        const Mapping m = mappings_[physical];
        heal();
        ok(ns_dma_unmap(dma_, &nic_, m.bus, m.length, m.direction, 0));
        mappings_.erase(physical);
    }

    Bytes bytes_;
    fake::Kernel machine_;
    ns_pool_device nic_{};
    ns_gen_pool *gen_ = nullptr;
    ns_dma_pool *pools_[2] = {};
    ns_kmalloc *heap_ = nullptr;
    ns_buffer_pool *buffers_ = nullptr;
    ns_dma *dma_ = nullptr;
    uint64_t area_ = 0, order_ = 0, block_ = 0, boundary_ = 0;
    std::map<uint64_t, Block> live_; /* by physical address */
    std::map<uint64_t, Mapping> mappings_;
    Block last_{};
    bool has_last_ = false;
    unsigned marks_ = 1;
};

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const bool once = [] {
        GTEST_FLAG_SET(throw_on_failure, true); /* what the fake port expects is a promise too */
        return true;
    }();
    (void)once;
    Sequence sequence{Bytes(data, size)};
    sequence.run();
    sequence.end();
    return 0;
}
