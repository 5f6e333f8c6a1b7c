// SPDX-License-Identifier: Apache-2.0
//
// The AXI DMA engine of axi_dma.h as a module: a target socket for its registers, two streams, two interrupt outputs.
// Descriptors and data go through the DMA masters of its device (tlm_dma), so that address width, windows, bursts,
// posted writes and the tracker's rules are those of any device. As on the part there are three: M_AXI_SG for the
// descriptors of both channels, M_AXI_MM2S and M_AXI_S2MM for their data; each makes one access at a time. To a
// program, and to the tracker, they are one device. Posted writes of the three are in one queue: the status of a
// descriptor is written when its data has been answered, and a program that sees the status may rely on the data.
//
// Registers answer accesses of whole, aligned 32-bit words; others get a generic error (the part's AXI4-Lite port is 32
// bits wide: PG021, "Register Space"). The interrupt outputs are levels.
#ifndef NS_MODEL_TLM_AXI_DMA_H
#define NS_MODEL_TLM_AXI_DMA_H

#include "cache/tlm_attributes.h"
#include "cache/tlm_cache.h"
#include "model/axi_dma.h"
#include "model/nosnoop.h"

#include <deque>
#include <systemc>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

namespace ns {

class machine;

class tlm_axi_dma : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<tlm_axi_dma, 64> registers; // 4 KiB
    // What mm2s_introut and s2mm_introut drive; any process that changes the engine's state writes them.
    sc_core::sc_signal<bool, sc_core::SC_MANY_WRITERS> mm2s_introut, s2mm_introut;

    static constexpr size_t stream_bytes = size_t{1} << 20; // each stream holds so much, and so many frames
    static constexpr size_t stream_frames = 1024;
    static constexpr unsigned no_irq = 0xff;

    // `first_register`: the physical address of its registers. irq: the machine's interrupt line of each channel.
    tlm_axi_dma(sc_core::sc_module_name name, machine &owner, unsigned device, const ns_axi_dma_config &config,
                uint64_t first_register, const uint8_t (&irq)[NS_AXI_DMA_CHANNELS]);

    const ns_axi_dma &core() const { return core_; }

    // The device's side. A frame goes on with the next feed unless `ends`.
    bool takes(size_t length) const { return received_bytes_ + length <= stream_bytes; }
    void feed(const uint8_t *data, size_t length, bool ends, uint32_t site); // waits while the stream is full
    // The oldest frame that was sent: its length, 0 without one. Takes it.
    size_t sent_length() const { return sent_.empty() || !sent_.front().ended ? 0 : sent_.front().data.size(); }
    void wait_for_sent(); // until there is one
    void drain(uint8_t *data, uint32_t site);

    // Nothing to do until a register is written, a stream moves, or the delay timer fires.
    bool quiet() const;
    void settle(); // waits for it
    bool timer_runs() const { return ns_axi_dma_timeout(&core_, 0) != 0 || ns_axi_dma_timeout(&core_, 1) != 0; }
    // A hart is about to write a register, in this step of the program: what follows from it carries its site.
    void written_by(uint32_t site, uint64_t physical);
    // The program has read this register (its offset) and got this value: does that tell of the channel's transfers?
    static bool tells_progress(unsigned channel, uint32_t offset, uint32_t value);
    static unsigned channel_of(uint64_t offset) {
        return offset >= NS_AXI_DMA_S2MM_BASE ? NS_AXI_DMA_S2MM : NS_AXI_DMA_MM2S;
    }

    // Edges that are no interrupts: the tracker's lines of the status registers.
    unsigned status_line(unsigned channel) const { return first_status_line + device_ * NS_AXI_DMA_CHANNELS + channel; }
    static constexpr unsigned first_status_line = 48; // below them are the machine's interrupt lines

  private:
    struct frame {
        std::vector<uint8_t> data;
        size_t taken = 0;
        bool ended = false;
        uint32_t after = 0; // sent: the event that MM2S was at when it ended; received: that of what was sent before it
    };

    void channel_thread(unsigned channel);
    ns_axi_dma_stream stream(unsigned channel) const;
    ns_axi_dma_answer perform(unsigned channel, const ns_axi_dma_access &access);
    void moved(unsigned channel, const ns_axi_dma_access &access);
    void register_transport(tlm::tlm_generic_payload &payload, sc_core::sc_time &delay);
    void catch_up();    // the delay timers, to now
    void changed();     // the state is another: interrupts, and what waits for it
    void tell();        // whoever reads the status registers
    void cut_streams(); // after a reset
    void set_output(unsigned channel, bool level);

    machine &machine_;
    unsigned device_;
    uint64_t first_register_;
    uint8_t irq_[NS_AXI_DMA_CHANNELS];
    ns_axi_dma core_;
    sc_core::sc_time clock_, caught_up_;
    sc_core::sc_event kick_, settled_, room_, frame_sent_;
    operation_lock master_[NS_AXI_DMA_PORTS]; // the channels take turns at M_AXI_SG
    uint32_t site_[NS_AXI_DMA_CHANNELS];
    std::deque<frame> received_, sent_;
    size_t received_bytes_ = 0, sent_bytes_ = 0;
    std::vector<uint8_t> data_[NS_AXI_DMA_CHANNELS];
    bool output_[NS_AXI_DMA_CHANNELS] = {false, false};
    uint32_t resets_ = 0;
    uint32_t told_irqs_[NS_AXI_DMA_CHANNELS] = {0, 0};
    bool told_rest_[NS_AXI_DMA_CHANNELS] = {false, false};
    // Events: up to where a channel's accesses had been answered, now and when its status said so; and what MM2S had
    // read for the frames that have been drained.
    uint32_t answered_[NS_AXI_DMA_CHANNELS] = {0, 0}, told_[NS_AXI_DMA_CHANNELS] = {0, 0}, drained_ = 0;
};

} // namespace ns

#endif
