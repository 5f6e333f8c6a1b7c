// SPDX-License-Identifier: Apache-2.0
//
// Write streaming: a line that a run of stores is going to cover wholly comes without a read of memory.
#include "cache/tlm_cache.h"

namespace ns {

// One store of a hart that holds the lock. Its lines' reads arrive in memory_access, which asks the run about them.
ns_status tlm_cache::store(unsigned hart_index, uint64_t address, uint32_t length, const uint8_t *data,
                           const ns_version *versions, ns_cache_result *result) {
    streamed_ = false;
    if (!streams())
        return ns_cache_store(core_, hart_index, address, length, data, versions, result);
    if (!run_goes_on(hart_index, address, length, true))
        end_run(hart_index); // the second piece of an access with byte enables
    ns_write_run &run = runs_[hart_index];
    ns_write_run_begin(&run, address);
    storing_ = &run;
    const ns_status status = ns_cache_store(core_, hart_index, address, length, data, versions, result);
    storing_ = nullptr;
    if (status == NS_OK)
        ns_write_run_end(&run, address, length, config_.level[0].line);
    else
        ns_write_run_forget(&run);
    return status;
}

// A store that L1 serves without a transaction. Where may_hit() said so the run goes on, or has no line to make up for.
void tlm_cache::run_hits(unsigned hart_index, uint64_t address, uint64_t length) {
    ns_write_run_begin(&runs_[hart_index], address);
    ns_write_run_end(&runs_[hart_index], address, length, config_.level[0].line);
}

// The bytes of a line that nobody waits for. Memory gives them as it gives them to a debugger, with their versions:
// those that the run leaves out, if it does, stay what they are. False: memory has none, and the usual way says why.
bool tlm_cache::read_without_time(uint64_t address, uint32_t length, uint8_t *data, ns_version *versions) {
    set_payload(memory_payload_, tlm::TLM_READ_COMMAND, address, data, length);
    memory_attributes_.initiator_id = operating_initiator_;
    memory_attributes_.versions = versions;
    streamed_ = memory_port->transport_dbg(memory_payload_) == length;
    return streamed_;
}

// The hart goes on elsewhere, or needs its stores to be done. A line of the run that was not read and is not covered is
// read now: its bytes are here already, so that only its time is left. Whether it is waited for is as with any store
// that misses.
void tlm_cache::end_run(unsigned hart_index) {
    if (!streams())
        return;
    const uint64_t unread = runs_[hart_index].unread;
    if (unread == NS_NO_ADDRESS)
        return;
    ns_write_run_forget(&runs_[hart_index]);
    const uint32_t line = config_.level[0].line;
    const bool was_demanded = demanded_, was_storing = stores_, passes = hops_ && timing_.passing_stores > 0;
    ns_write_run *const storing = storing_;
    operating_hart_ = hart_index;
    storing_ = nullptr;
    stores_ = passes;
    demanded_ = !passes;
    memory_access(tlm::TLM_READ_COMMAND, unread, line, line_read_late_, nullptr);
    demanded_ = was_demanded;
    stores_ = was_storing;
    storing_ = storing;
    if (!passes)
        finish_those(
            [](const line_on_its_way &one, uint64_t address, uint64_t length) {
                return one.address < address + length && address < one.address + one.length;
            },
            unread, line);
}

} // namespace ns
