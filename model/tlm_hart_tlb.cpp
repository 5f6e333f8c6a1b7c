// SPDX-License-Identifier: Apache-2.0
// What a hart's TLB holds, and what it still may hold: translations leave it at any time, and may come back from an
// outer level until an SFENCE.VMA.
#include "model/tlm_hart.h"
#include "model/tlm_machine.h"

#include <algorithm>

namespace ns {

bool tlm_hart::is_cacheable(const ns_tlb_entry &entry, uint64_t physical) const {
    if (entry.page_size == 0 || physical < entry.physical_page || physical - entry.physical_page >= entry.page_size)
        return false;
    ns_translation translation{};
    translation.physical = physical;
    translation.override_pma = entry.override_pma;
    translation.type = entry.type;
    return ns_effective_type(&translation, machine_.pmas().data(), machine_.pmas().size()) == NS_TYPE_CACHEABLE;
}

bool tlm_hart::has_cacheable_translation(uint64_t physical) const {
    const auto is = [&](const ns_tlb_entry &entry) { return is_cacheable(entry, physical); };
    return std::any_of(tlb_.entry, tlb_.entry + tlb_.capacity, is) || std::any_of(dropped_.begin(), dropped_.end(), is);
}

void tlm_hart::walk(uint64_t address) {
    if (machine_.has_mpu())
        return; // no TLB either
    ns_translation translation{};
    const auto read = [](void *self, uint64_t at, uint64_t *pte) {
        return static_cast<tlm_hart *>(self)->load_entry(at, pte);
    };
    forget(address);
    if (ns_page_walk(machine_.page_root(), address, false, machine_.config().attributes, read, this, &translation) ==
        NS_OK)
        ns_tlb_insert(&tlb_, address, &translation);
}

void tlm_hart::forget(uint64_t address) {
    if (const ns_tlb_entry *entry = ns_tlb_lookup(&tlb_, address, false))
        dropped_.push_back(*entry);
    ns_tlb_fence_address(&tlb_, address);
}

void tlm_hart::recall(uint64_t address) {
    const ns_tlb_entry *now = ns_tlb_lookup(&tlb_, address, false);
    for (size_t i = dropped_.size(); i-- > 0;) {
        const ns_tlb_entry old = dropped_[i];
        if (address < old.virtual_page || address - old.virtual_page >= old.page_size ||
            (now != nullptr && now->pte == old.pte))
            continue;
        ns_translation translation{};
        translation.physical = old.physical_page + (address - old.virtual_page);
        translation.page_size = old.page_size;
        translation.pte = old.pte;
        translation.override_pma = old.override_pma;
        translation.type = old.type;
        ns_tlb_insert(&tlb_, address, &translation);
        return;
    }
}

void tlm_hart::forget_range(bool all, uint64_t address, uint64_t length) {
    const auto is_in = [&](const ns_tlb_entry &entry) {
        return all || (entry.virtual_page < address + length && address < entry.virtual_page + entry.page_size);
    };
    dropped_.erase(std::remove_if(dropped_.begin(), dropped_.end(), is_in), dropped_.end());
    if (all)
        ns_tlb_fence_all(&tlb_);
    for (uint64_t page = address / NS_PAGE_SIZE * NS_PAGE_SIZE; !all && page < address + length; page += NS_PAGE_SIZE)
        ns_tlb_fence_address(&tlb_, page);
}

void tlm_hart::sfence(bool all, uint64_t address) {
    forget_range(all, address, 1);
    ns_event event{};
    event.kind = NS_EVENT_SFENCE;
    event.address = all ? 0 : address;
    event.local = true;
    event.peer = 0xff;
    ns_tracker_sfence(machine_.tracker(), machine_.log_event(index_, event), all, address, 1, false);
    sc_core::wait(machine_.cycles(1));
}

} // namespace ns
