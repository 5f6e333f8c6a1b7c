// SPDX-License-Identifier: Apache-2.0
//
// The machine: its page tables.
#include "model/tlm_machine.h"

#include <cstring>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

static constexpr uint64_t alias_end = UINT64_C(0x3F00000000);

uint64_t machine::linear(uint64_t physical) const {
    for (const linear_window &window : linear_)
        if (physical >= window.physical && physical - window.physical < window.length)
            return window.virtual_start + (physical - window.physical);
    return 0;
}

static void whole_pages(uint64_t *address, uint64_t *length) {
    const uint64_t end = (*address + *length + NS_PAGE_SIZE - 1) & ~(NS_PAGE_SIZE - 1);
    *address &= ~(NS_PAGE_SIZE - 1);
    *length = end - *address;
}

// While a hart changes page tables: one hart at a time, as under the kernel's lock, and the PTEs are not the object
// that its step is about. Without a hart (before the run) it does nothing.
class page_table_change {
  public:
    page_table_change(operation_lock &lock, actor_state *actor)
        : lock_(lock), actor_(actor), object_(actor == nullptr ? NS_NO_OBJECT : actor->object) {
        if (actor_ == nullptr)
            return;
        lock_.lock();
        actor_->object = NS_NO_OBJECT;
    }
    ~page_table_change() {
        if (actor_ == nullptr)
            return;
        actor_->object = object_;
        lock_.unlock();
    }
    page_table_change(const page_table_change &) = delete;
    page_table_change &operator=(const page_table_change &) = delete;

  private:
    operation_lock &lock_;
    actor_state *actor_;
    uint32_t object_;
};

uint64_t machine::reserve_pages(uint64_t length) {
    if (length > alias_end - alias_start || alias_next_ + length + NS_PAGE_SIZE > alias_end)
        return 0;
    const uint64_t result = alias_next_;
    alias_next_ += length + NS_PAGE_SIZE; // a hole behind each mapping, as vmap leaves one
    return result;
}

uint64_t machine::alias(uint64_t physical, uint64_t length, ns_memory_type type) {
    if (has_mpu())
        return 0;
    const uint64_t offset = physical % NS_PAGE_SIZE;
    whole_pages(&physical, &length);
    const uint64_t start = reserve_pages(length);
    const ns_page_builder builder = direct_builder();
    const uint64_t bits = ns_pte_encode_type(config_.pte_encoding, type);
    if (start == 0 || ns_page_map(&builder, page_root_, start, physical, length, bits, false) != NS_OK)
        return 0;
    aliases_.push_back({start, physical, length});
    tell_pages(start, length);
    return start + offset;
}

ns_status machine::set_pte_by(unsigned hart_index, uint64_t address, uint64_t pte) {
    if (has_mpu())
        return NS_ERROR_MISUSE;
    const page_table_change change(page_table_lock_, &actors_[hart_index]);
    const ns_page_builder builder = hart_builder(hart_index);
    if ((pte & NS_PTE_V) == 0) {
        const ns_status unmapped = ns_page_unmap(&builder, page_root_, address, NS_PAGE_SIZE);
        tell_pages(address, NS_PAGE_SIZE);
        return unmapped;
    }
    const uint64_t physical = (pte & NS_PTE_PPN_MASK) >> NS_PTE_PPN_SHIFT << 12;
    const uint64_t type_bits = pte & UINT64_C(0xf800000000000001);
    const ns_status status = ns_page_map(&builder, page_root_, address, physical, NS_PAGE_SIZE, type_bits, false);
    tell_pages(address, NS_PAGE_SIZE);
    if (status != NS_OK || address < alias_start || address >= alias_end)
        return status;
    alias_page *last = aliases_.empty() ? nullptr : &aliases_.back();
    if (last != nullptr && last->virtual_page + last->length == address && last->physical + last->length == physical)
        last->length += NS_PAGE_SIZE;
    else
        aliases_.push_back({address, physical, NS_PAGE_SIZE});
    return NS_OK;
}

ns_status machine::set_type_directly(uint64_t address, uint64_t length, ns_memory_type type) {
    whole_pages(&address, &length);
    if (has_mpu()) { // the regions decide; `type` is what the caller relies on
        tell_pages(address, length);
        return NS_OK;
    }
    const ns_page_builder builder = direct_builder();
    const ns_status status =
        ns_page_set_type(&builder, page_root_, address, length, ns_pte_encode_type(config_.pte_encoding, type));
    tell_pages(address, length);
    return status;
}

ns_status machine::set_type_by(unsigned hart_index, uint64_t address, uint64_t length, ns_memory_type type) {
    if (has_mpu())
        return NS_ERROR_MISUSE;
    whole_pages(&address, &length);
    ns_translation translation{};
    ns_memory_type old_type;
    ns_event event{};
    event.kind = NS_EVENT_SET_TYPE;
    event.address = walk(address, &translation, &old_type) ? translation.physical : address;
    event.length = static_cast<uint32_t>(length);
    event.type = static_cast<uint8_t>(type);
    event.peer = 0xff;
    log_event(hart_index, event);
    const page_table_change change(page_table_lock_, &actors_[hart_index]);
    const ns_page_builder builder = hart_builder(hart_index);
    const ns_status status =
        ns_page_set_type(&builder, page_root_, address, length, ns_pte_encode_type(config_.pte_encoding, type));
    tell_pages(address, length);
    return status;
}

// What the tables say of these pages from now on, for a recording. The newest event is the change.
void machine::tell_pages(uint64_t address, uint64_t length) {
    if (tracker_ == nullptr || ns_tracker_recording(tracker_.get()) == nullptr)
        return;
    const uint32_t event = static_cast<uint32_t>(log_->event_count - 1);
    for (const uint64_t end = address + length; address < end; address += NS_PAGE_SIZE) {
        ns_translation translation{};
        ns_memory_type type = NS_TYPE_IO;
        const bool good = walk(address, &translation, &type);
        ns_tracker_page(tracker_.get(), event, address, good ? translation.physical : UINT64_MAX, NS_PAGE_SIZE, type,
                        !good);
    }
}

// A walk that sees what the tables hold now, wherever their newest bytes are, and changes nothing.
bool machine::walk(uint64_t address, ns_translation *translation, ns_memory_type *type) {
    if (has_mpu()) {
        const bool good = mpu_lookup(address, translation);
        *type = translation->type;
        return good;
    }
    const auto read = [](void *self, uint64_t at, uint64_t *pte) {
        machine *owner = static_cast<machine *>(self);
        uint8_t bytes[8];
        if (ns_memory_read(owner->memory_core(), at, 8, bytes, nullptr) != NS_OK)
            return false;
        for (unsigned level = owner->config_.cache.levels; level-- > 0;)
            for (unsigned h = 0; h < (level == 0 ? owner->hart_count() : 1); h++) {
                ns_cache_copy copy;
                if (ns_cache_peek(owner->cache_core(), level, h, at, &copy) &&
                    (level > 0 || copy.state == NS_LINE_DIRTY || h == 0))
                    std::memcpy(bytes, copy.data + (at - copy.line_address), 8);
            }
        std::memcpy(pte, bytes, 8);
        return true;
    };
    if (ns_page_walk(page_root_, address, false, config_.attributes, read, this, translation) != NS_OK)
        return false;
    *type = ns_effective_type(translation, pmas_.data(), pmas_.size());
    return true;
}

bool machine::may_fill(unsigned hart_index, uint64_t physical) {
    ns_translation translation{};
    ns_memory_type type;
    const uint64_t by_linear = linear(physical);
    if (by_linear != 0 && walk(by_linear, &translation, &type) && type == NS_TYPE_CACHEABLE)
        return true;
    for (const alias_page &page : aliases_)
        if (physical >= page.physical && physical - page.physical < page.length &&
            walk(page.virtual_page + (physical - page.physical), &translation, &type) && type == NS_TYPE_CACHEABLE)
            return true;
    return harts_[hart_index]->has_cacheable_translation(physical);
}

void machine::shoot_down(unsigned index, bool all, uint64_t address, uint64_t length) {
    harts_[index]->forget_range(all, address, length);
    unsigned fences = all ? 1 : static_cast<unsigned>((length + NS_PAGE_SIZE - 1) / NS_PAGE_SIZE);
    if (hart_count() > 1) {
        sc_core::wait(picoseconds(config_.interrupt_latency_ps)); // all at once, and all answer
        for (unsigned other = 0; other < hart_count(); other++)
            if (other != index)
                harts_[other]->forget_range(all, address, length);
        fences *= 2; // the others execute as many, beside each other
    }
    ns_event event{};
    event.kind = NS_EVENT_SFENCE;
    event.address = all ? 0 : address;
    event.length = all ? 0 : static_cast<uint32_t>(length);
    event.peer = 0xff;
    ns_tracker_sfence(tracker_.get(), log_event(index, event), all, address, length, true);
    sc_core::wait(cycles(fences));
}

} // namespace ns
