// SPDX-License-Identifier: Apache-2.0
#include "bus/tlm_memory.h"

#include <new>

namespace ns {

tlm_memory::tlm_memory(sc_core::sc_module_name name, const ns_memory_config &config, sc_core::sc_time latency,
                       const ns_memory_observer *observer)
    : sc_module(name), socket("socket", this, &tlm_memory::transport, &tlm_memory::debug), latency_(latency) {
    core_ = ns_memory_create(&config, observer);
    if (core_ == nullptr)
        throw std::bad_alloc(); // a machine has checked its configuration
}

tlm_memory::~tlm_memory() {
    ns_memory_destroy(core_);
}

void tlm_memory::transport(int, tlm::tlm_generic_payload &payload, sc_core::sc_time &delay) {
    const tlm::tlm_response_status refused = refusal(payload);
    if (refused != tlm::TLM_OK_RESPONSE || payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
        payload.set_response_status(refused);
        return;
    }
    const attributes *attribute = payload.get_extension<attributes>();
    ns_version *versions = attribute == nullptr ? nullptr : attribute->versions;
    const uint32_t event = attribute == nullptr ? 0 : attribute->event;
    uint8_t *data = payload.get_data_ptr();
    // Nothing may be written when a part of the range has no RAM behind it.
    ns_status status =
        ns_memory_holds(core_, payload.get_address(), payload.get_data_length()) ? NS_OK : NS_ERROR_ADDRESS;
    if (status == NS_OK)
        status = for_each_enabled_run(payload, [&](unsigned offset, unsigned length) {
            const uint64_t address = payload.get_address() + offset;
            ns_version *some = versions == nullptr ? nullptr : versions + offset;
            return payload.is_read() ? ns_memory_read(core_, address, length, data + offset, some)
                                     : ns_memory_write(core_, event, address, length, data + offset, some);
        });
    delay += latency_;
    payload.set_response_status(response_for(status));
}

unsigned tlm_memory::debug(int, tlm::tlm_generic_payload &payload) {
    const unsigned length = payload.get_data_length();
    if (!payload.is_read() && !payload.is_write())
        return 0;
    const ns_status status =
        payload.is_read() ? ns_memory_read(core_, payload.get_address(), length, payload.get_data_ptr(), nullptr)
                          : ns_memory_write(core_, 0, payload.get_address(), length, payload.get_data_ptr(), nullptr);
    return status == NS_OK ? length : 0;
}

} // namespace ns
