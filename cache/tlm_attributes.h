// SPDX-License-Identifier: Apache-2.0
//
// The payload extension that carries what the base protocol has no field for. It is ignorable: a target that does not
// know it may treat the transaction as a plain access, and a payload without it means a cacheable access of initiator 0
// with unknown versions. It lies in cache/ because the cache's shell is the lowest module that reads it.
//
// Facts: IEEE 1666-2011 section 14.21 (extensions); the field initiator_id has the meaning that the SystemC
// common-practices extension of the same name has.
#ifndef NS_CACHE_TLM_ATTRIBUTES_H
#define NS_CACHE_TLM_ATTRIBUTES_H

#include "cache/cache.h"
#include "cache/time_meter.h"

#include <tlm>

namespace ns {

// What a payload with TLM_IGNORE_COMMAND asks of a cache. A memory that ignores it is right.
enum class cache_request {
    access,            // an ordinary read or write
    maintain,          // `maintenance` says what
    fence,             // late write-backs of this initiator reach memory
    prefetch,          // the line at the address
    sample,            // first step of a two-step fill
    install,           // second step
    evict,             // from every level
    evict_l1,          // from the hart's first cache to the next level
    drain_range,       // late write-backs that touch [maintenance.address, + maintenance.length), of any hart
    speculative_store, // the line becomes dirty without a changed byte
};

// An access whose data move at once and whose time runs on: the initiator goes on meanwhile, and waits here before it
// relies on the end. A target that does not know it leaves it alone, and says its time in `delay` as ever.
struct deferred_access {
    unsigned bursts = 0;    // that memory has not finished
    sc_core::sc_time ready; // when the last one has
    sc_core::sc_event finished;
};

struct attributes : tlm::tlm_extension<attributes> {
    // Set by the initiator.
    unsigned initiator_id = 0;
    ns_memory_type type = NS_TYPE_CACHEABLE;
    cache_request request = cache_request::access;
    ns_maintenance maintenance{}; // request == maintain; addresses are physical
    uint32_t event = 0;           // the log event that this transaction belongs to
    ns_version *versions =
        nullptr;                 // one per data byte: written by a read's target, read by a write's target; may be null
    time_meter *meter = nullptr; // whose time this takes; may be null
    // By how much the initiator is ahead of the simulation; null: not at all. Who needs the present waits that out
    // first, and sets it to zero; who does not leaves it alone. The meter has been charged with it.
    sc_core::sc_time *ahead = nullptr;
    deferred_access *deferred = nullptr; // the initiator goes on before the end; may be null
    bool posted = false;                 // a write whose end nobody waits for
    uint8_t no_data = 0;                 // what the data pointer of a payload without data points to, see set_request
    // Set by the target that served it.
    ns_cache_result result{};
    bool present = false; // evict: some level held the line; install: it was installed

    tlm::tlm_extension_base *clone() const override { return new attributes(*this); }
    void copy_from(const tlm::tlm_extension_base &other) override { *this = static_cast<const attributes &>(other); }
};

// Sets every attribute of a payload for a plain use, as the base protocol demands before each transaction.
inline void set_payload(tlm::tlm_generic_payload &payload, tlm::tlm_command command, uint64_t address, uint8_t *data,
                        unsigned length) {
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(data);
    payload.set_data_length(length);
    payload.set_streaming_width(length);
    payload.set_byte_enable_ptr(nullptr);
    payload.set_byte_enable_length(0);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
}

// A payload that carries a request of `attribute` and moves no data. Even so the base protocol wants a data pointer and
// a length above zero (IEEE 1666-2011, 14.11 and 14.12).
inline void set_request(tlm::tlm_generic_payload &payload, uint64_t address, attributes &attribute) {
    set_payload(payload, tlm::TLM_IGNORE_COMMAND, address, &attribute.no_data, 1);
}

// Calls fn(offset, length) for each run of enabled bytes of a payload, in order, until it returns something else than
// NS_OK. A byte-enable array shorter than the data repeats (IEEE 1666-2011, 14.14).
template <typename Function> ns_status for_each_enabled_run(const tlm::tlm_generic_payload &payload, Function fn) {
    const unsigned length = payload.get_data_length();
    const unsigned char *enable = payload.get_byte_enable_ptr();
    if (enable == nullptr)
        return fn(0u, length);
    const unsigned period = payload.get_byte_enable_length();
    unsigned start = 0;
    while (start < length) {
        if (enable[start % period] != TLM_BYTE_ENABLED) {
            start++;
            continue;
        }
        unsigned end = start;
        while (end < length && enable[end % period] == TLM_BYTE_ENABLED)
            end++;
        const ns_status status = fn(start, end - start);
        if (status != NS_OK)
            return status;
        start = end;
    }
    return NS_OK;
}

// What every target here refuses before it looks at the address. TLM_OK_RESPONSE when there is nothing to refuse.
inline tlm::tlm_response_status refusal(const tlm::tlm_generic_payload &payload) {
    if (payload.get_command() == tlm::TLM_IGNORE_COMMAND)
        return tlm::TLM_OK_RESPONSE;
    if (!payload.is_read() && !payload.is_write())
        return tlm::TLM_COMMAND_ERROR_RESPONSE;
    if (payload.get_data_ptr() == nullptr || payload.get_data_length() == 0)
        return tlm::TLM_GENERIC_ERROR_RESPONSE;
    if (payload.get_streaming_width() < payload.get_data_length())
        return tlm::TLM_BURST_ERROR_RESPONSE;
    if (payload.get_byte_enable_ptr() != nullptr && payload.get_byte_enable_length() == 0)
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    return tlm::TLM_OK_RESPONSE;
}

// The result of a transaction as one of our status values.
inline ns_status payload_status(const tlm::tlm_generic_payload &payload) {
    if (payload.is_response_ok())
        return NS_OK;
    return payload.get_response_status() == tlm::TLM_ADDRESS_ERROR_RESPONSE ? NS_ERROR_ADDRESS : NS_ERROR_ARGUMENT;
}

inline tlm::tlm_response_status response_for(ns_status status) {
    if (status == NS_OK)
        return tlm::TLM_OK_RESPONSE;
    return status == NS_ERROR_ADDRESS ? tlm::TLM_ADDRESS_ERROR_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE;
}

} // namespace ns

#endif
