// SPDX-License-Identifier: Apache-2.0
//
// A hart's accesses whose bytes nobody looks at. What hits in L1 asks the caches for its time without a transaction,
// and the hart goes on ahead of the simulation by that time, as an initiator does within a quantum (IEEE 1666-2011,
// 12.2); before anything that somebody else could see, or a time that decides, it waits until the simulation has caught
// up. So every access takes the time that it would have taken, had each been waited for.
#include "model/tlm_machine.h"

#include <algorithm>

namespace ns {

using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

ns_status tlm_hart::touch(const ns_touch *touches, size_t count, size_t *done) {
    tlm_cache &caches = machine_.caches();
    const bool trains = prefetches_ && stride_.config.streams > 0;
    ns_status status = NS_OK;
    size_t i = 0;
    if (quick_.empty()) {
        quick_.resize(quick_pages);
        scratch_.resize(NS_PAGE_SIZE);
    }
    touching_ = true;
    for (; i < count && status == NS_OK; i++) {
        const ns_touch &access = touches[i];
        const quick_page *page = find_quick(access.address, access.length, access.store);
        sc_time time;
        machine_.touch.index = i;
        if (page == nullptr ||
            !caches.hit(index_, page->physical + access.address % NS_PAGE_SIZE, access.length, access.store, &time)) {
            status = touch_slowly(access);
            continue;
        }
        ahead_ += time;
        uncharged_ += time;
        if (trains && !access.store)
            train_prefetcher(page->physical + access.address % NS_PAGE_SIZE, access.length, false);
    }
    touching_ = false;
    catch_up();
    *done = status == NS_OK ? i : i - 1;
    return status;
}

const tlm_hart::quick_page *tlm_hart::find_quick(uint64_t address, uint32_t length, bool store) const {
    const quick_page &page = quick_[address / NS_PAGE_SIZE % quick_pages];
    if (page.number != address / NS_PAGE_SIZE || length > NS_PAGE_SIZE - address % NS_PAGE_SIZE ||
        (store && !page.writable))
        return nullptr;
    if (machine_.has_mpu())
        return &page;
    const ns_tlb_entry &entry = tlb_.entry[page.tlb_entry];
    if (tlb_.first_capacity != 0 && entry.first_place == 0)
        return nullptr;
    return address - entry.virtual_page < entry.page_size ? &page : nullptr;
}

// The address has just been translated, by an entry that was then used last.
void tlm_hart::make_quick(uint64_t address, uint64_t physical) {
    constexpr uint64_t writable = NS_PTE_W | NS_PTE_D;
    quick_page &page = quick_[address / NS_PAGE_SIZE % quick_pages];
    page.number = address / NS_PAGE_SIZE;
    page.physical = physical / NS_PAGE_SIZE * NS_PAGE_SIZE;
    page.tlb_entry = tlb_.last_hit;
    page.writable = machine_.has_mpu() || (tlb_.entry[tlb_.last_hit].pte & writable) == writable;
}

ns_status tlm_hart::touch_slowly(const ns_touch &touch) {
    uint64_t address = touch.address;
    for (uint32_t rest = touch.length; rest > 0;) {
        const uint32_t piece = static_cast<uint32_t>(std::min<uint64_t>(rest, NS_PAGE_SIZE - address % NS_PAGE_SIZE));
        ns_translation translation{};
        ns_memory_type type = NS_TYPE_IO;
        ns_status status = translate(address, touch.store, &translation, &type);
        if (status != NS_OK)
            return status;
        const uint64_t physical = translation.physical;
        if (type == NS_TYPE_CACHEABLE && !machine_.is_watched(physical)) {
            make_quick(address, physical);
            status = transport_touch(touch.store, physical, piece);
        } else {
            catch_up();
            status = touch.store ? store_piece(address, physical, type, piece, scratch_.data())
                                 : load_piece(address, physical, type, piece, scratch_.data(), nullptr, 0);
        }
        if (status != NS_OK)
            return status;
        address += piece;
        rest -= piece;
    }
    return NS_OK;
}

ns_status tlm_hart::transport_touch(bool store, uint64_t physical, uint32_t length) {
    attributes_.type = NS_TYPE_CACHEABLE;
    attributes_.request = cache_request::access;
    attributes_.versions = nullptr;
    attributes_.event = NS_NO_EVENT;
    attributes_.initiator_id = index_;
    attributes_.meter = &machine_.actor(index_).meter;
    set_payload(payload_, store ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, physical, scratch_.data(), length);
    charge_hits();
    attributes_.ahead = &ahead_;
    sc_time delay = SC_ZERO_TIME;
    socket->b_transport(payload_, delay);
    attributes_.ahead = nullptr;
    if (!payload_.is_response_ok())
        return bus_error(physical, length, payload_status(payload_));
    ahead_ += delay; // the caches have charged it
    if (prefetches_ && !store)
        train_prefetcher(physical, length, attributes_.result.hit_level > 0);
    return NS_OK;
}

void tlm_hart::charge_hits() {
    machine_.actor(index_).meter.charge(time_level(0), uncharged_);
    uncharged_ = SC_ZERO_TIME;
}

void tlm_hart::catch_up() {
    if (ahead_ == SC_ZERO_TIME)
        return;
    charge_hits();
    const sc_time lead = ahead_;
    ahead_ = SC_ZERO_TIME;
    sc_core::wait(lead);
}

} // namespace ns
