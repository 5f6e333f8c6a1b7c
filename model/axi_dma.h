/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AXI DMA engine as pure state: registers, descriptor queue, interrupt counters, and what each channel does next.
 * It knows neither time nor memory: who drives it asks for the next access (ns_axi_dma_next), makes it, and hands the
 * answer back (ns_axi_dma_done). model/tlm_axi_dma.h is its SystemC shell.
 *
 * Facts are from the AXI DMA v7.1 LogiCORE IP Product Guide, PG021 ("the guide"): "AXI DMA Register Address Map",
 * "MM2S_DMACR", "MM2S_DMASR", "S2MM_DMASR", "MM2S_CURDESC", "S2MM_LENGTH", "Scatter Gather Descriptor", "Descriptor
 * Management", "Direct Register Mode"; and from what the public bare-metal driver documents (Xilinx embeddedsw,
 * XilinxProcessorIPLib/drivers/axidma/src: xaxidma_hw.h, xaxidma.c, xaxidma_bdring.c).
 *
 * Where the guide is silent or says "undefined", this is what happens here:
 *  - A register that the configuration lacks (CURDESC without scatter-gather, LENGTH with it) reads 0 and ignores
 *    writes. SG_CTL, which the guide has for multichannel only, holds its bits and has no effect. Keyhole likewise.
 *  - An address that is not aligned to the stream's width, without the realignment engine, is an internal error (the
 *    guide: undefined), on MM2S in direct mode too, where the guide says that the bit is not used.
 *  - A length in a descriptor that is wider than the length field is an internal error. LENGTH itself has no such bits.
 *  - A descriptor pointer loses its bits 5:0.
 *  - A channel fetches first, up to `prefetch` descriptors (4 by default: a guess) or the tail, and then moves data.
 *    A descriptor that is fetched is not read again.
 *  - Errors are met in the order of the descriptors: those in front of the bad one complete.
 *  - The status of a descriptor with a data mover error has the complete bit too: the driver looks for error bits in
 *    descriptors that are complete.
 *  - Stopping (RS = 0) lets the descriptor or direct transfer that has moved a byte run to its end; others are dropped.
 *  - RS cannot be set again while an error bit is set: only a reset ends an error.
 *  - Idle is 0 until the first descriptor or transfer has completed.
 *  - Writing another threshold reloads the counter; writing the same one does not, so that a driver can change the
 *    enable bits. The delay timer runs while frames are counted that no interrupt has told, from the end of one frame
 *    to the start of the next.
 *  - TAILDESC of a halted channel is kept and starts nothing. Written again with the address of the tail that was
 *    reached, it lets the channel go once around.
 */
#ifndef NS_MODEL_AXI_DMA_H
#define NS_MODEL_AXI_DMA_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ns_axi_dma_channel_id { NS_AXI_DMA_MM2S, NS_AXI_DMA_S2MM };
#define NS_AXI_DMA_CHANNELS 2u

/* Its AXI masters (the guide, "Port Descriptions"): M_AXI_MM2S and M_AXI_S2MM move the data of their channel, M_AXI_SG
 * has the descriptors of both and is there with scatter-gather only. */
enum ns_axi_dma_port { NS_AXI_DMA_PORT_MM2S, NS_AXI_DMA_PORT_S2MM, NS_AXI_DMA_PORT_SG };
#define NS_AXI_DMA_PORTS 3u

/* Offsets within a channel's registers, bytes; MM2S begins at 0x00, S2MM at 0x30. */
#define NS_AXI_DMA_S2MM_BASE    0x30u
#define NS_AXI_DMA_DMACR        0x00u
#define NS_AXI_DMA_DMASR        0x04u
#define NS_AXI_DMA_CURDESC      0x08u
#define NS_AXI_DMA_CURDESC_MSB  0x0Cu
#define NS_AXI_DMA_TAILDESC     0x10u
#define NS_AXI_DMA_TAILDESC_MSB 0x14u
#define NS_AXI_DMA_ADDRESS      0x18u /* MM2S_SA, S2MM_DA */
#define NS_AXI_DMA_ADDRESS_MSB  0x1Cu
#define NS_AXI_DMA_LENGTH       0x28u
#define NS_AXI_DMA_SG_CTL       0x2Cu /* of MM2S only */

/* DMACR */
#define NS_AXI_DMA_RUN             (1u << 0)
#define NS_AXI_DMA_RESERVED_ONE    (1u << 1) /* always reads 1 */
#define NS_AXI_DMA_RESET           (1u << 2)
#define NS_AXI_DMA_KEYHOLE         (1u << 3)
#define NS_AXI_DMA_CYCLIC          (1u << 4)
#define NS_AXI_DMA_THRESHOLD_SHIFT 16
#define NS_AXI_DMA_DELAY_SHIFT     24
/* DMASR */
#define NS_AXI_DMA_HALTED       (1u << 0)
#define NS_AXI_DMA_IDLE         (1u << 1)
#define NS_AXI_DMA_SG_INCLUDED  (1u << 3)
#define NS_AXI_DMA_INT_ERROR    (1u << 4)
#define NS_AXI_DMA_SLV_ERROR    (1u << 5)
#define NS_AXI_DMA_DEC_ERROR    (1u << 6)
#define NS_AXI_DMA_SG_INT_ERROR (1u << 8)
#define NS_AXI_DMA_SG_SLV_ERROR (1u << 9)
#define NS_AXI_DMA_SG_DEC_ERROR (1u << 10)
#define NS_AXI_DMA_ALL_ERRORS   0x770u
/* DMASR: write 1 to clear; DMACR: enable bits */
#define NS_AXI_DMA_IOC_IRQ   (1u << 12)
#define NS_AXI_DMA_DELAY_IRQ (1u << 13)
#define NS_AXI_DMA_ERROR_IRQ (1u << 14)
#define NS_AXI_DMA_ALL_IRQS  0x7000u

/* A descriptor: 16 words, at a multiple of 64 bytes; the engine reads the first eight. */
#define NS_AXI_DMA_DESCRIPTOR_BYTES 64u
#define NS_AXI_DMA_FETCH_BYTES      32u
#define NS_AXI_DMA_STATUS_OFFSET    0x1Cu
#define NS_AXI_DMA_LENGTH_MASK      0x03FFFFFFu
#define NS_AXI_DMA_END_OF_FRAME     (1u << 26) /* control: TXEOF; status: RXEOF */
#define NS_AXI_DMA_START_OF_FRAME   (1u << 27) /* control: TXSOF; status: RXSOF */
#define NS_AXI_DMA_STATUS_INT       (1u << 28)
#define NS_AXI_DMA_STATUS_SLV       (1u << 29)
#define NS_AXI_DMA_STATUS_DEC       (1u << 30)
#define NS_AXI_DMA_COMPLETE         (1u << 31)

#define NS_AXI_DMA_MAX_PREFETCH     8u
#define NS_AXI_DMA_MOVE_BYTES       4096u /* at most, in one access */
#define NS_AXI_DMA_DELAY_CLOCKS     125u  /* clocks of one unit of IRQDelay */
#define NS_AXI_DMA_MIN_LENGTH_BITS  8u
#define NS_AXI_DMA_MAX_LENGTH_BITS  26u
#define NS_AXI_DMA_MAX_STREAM_BYTES 128u

struct ns_axi_dma_config {
    bool scatter_gather;   /* false: direct register mode. A part has one of the two */
    unsigned length_bits;  /* of the length field, 8 to 26; the part's default is 14 */
    unsigned address_bits; /* 16 to 64. Above 32 the MSB registers exist, and TAILDESC_MSB starts instead of TAILDESC */
    unsigned stream_bytes; /* the stream's width, a power of two, 1 to 128 */
    bool realignment;      /* addresses may have any alignment */
    unsigned prefetch;     /* descriptors fetched ahead, 1 to 8 */
};
/* Scatter-gather, 14 bits, 32 bits, 4 bytes, no realignment, 4 descriptors. */
struct ns_axi_dma_config ns_axi_dma_default_config(void);

enum ns_axi_dma_work {
    NS_AXI_DMA_NOTHING,
    NS_AXI_DMA_FETCH,  /* read a descriptor */
    NS_AXI_DMA_MOVE,   /* MM2S: read, and send; S2MM: write what was received */
    NS_AXI_DMA_UPDATE, /* write a descriptor's status: `status`, little-endian */
};
struct ns_axi_dma_access {
    enum ns_axi_dma_work work;
    uint64_t address; /* as programmed: in a narrow configuration higher bits may be set, and are not driven */
    uint32_t length;  /* bytes; 0 with NOTHING */
    uint32_t status;  /* UPDATE */
    bool ends_frame;  /* MOVE: the last byte ends a frame */
};
/* The stream at this moment. MM2S: how many bytes it takes. S2MM: how many bytes of one frame wait, and whether the
 * last of them ends it. */
struct ns_axi_dma_stream {
    uint64_t bytes;
    bool ends_frame;
};
enum ns_axi_dma_answer { NS_AXI_DMA_OKAY, NS_AXI_DMA_SLAVE_ERROR, NS_AXI_DMA_DECODE_ERROR };

struct ns_axi_dma_descriptor {
    uint64_t address, next, buffer;
    uint32_t control;
    uint32_t problem; /* a bit of DMASR, 0 none: met when its turn comes */
};

struct ns_axi_dma_channel {
    uint32_t control; /* DMACR without the reset bit */
    uint32_t errors, irqs;
    bool halted, idle;
    uint64_t current, tail;
    /* direct mode */
    uint64_t address;
    uint32_t length;
    /* scatter-gather */
    struct ns_axi_dma_descriptor queue[NS_AXI_DMA_MAX_PREFETCH];
    unsigned queued;
    bool fetching;   /* the tail has not been fetched */
    bool from_start; /* the next TAILDESC starts at CURDESC */
    uint64_t fetch;  /* the descriptor that is fetched next */
    /* the transfer at work: of queue[0], or of the registers */
    bool active;    /* direct mode: LENGTH was written */
    bool in_frame;  /* a frame began in this transfer or an earlier one */
    bool sof;       /* S2MM: it began in this one */
    uint32_t moved; /* bytes */
    bool update;    /* queue[0] is done, its status is to be written */
    uint32_t status;
    uint32_t failed; /* of queue[0], error bits of DMASR that follow its update */
    bool ended;      /* queue[0] ended a frame */
    enum ns_axi_dma_work under_way;
    /* interrupts */
    unsigned threshold_left;
    bool timing;
    uint32_t clocks; /* since the timer started */
};

struct ns_axi_dma {
    struct ns_axi_dma_config config;
    struct ns_axi_dma_channel channel[NS_AXI_DMA_CHANNELS];
    uint32_t sg_ctl;
    bool resetting;  /* until the accesses that are under way have been answered */
    uint32_t resets; /* so many have taken place; the streams lose a frame that was under way */
};

/* After power-on. The configuration must be in its ranges. */
void ns_axi_dma_init(struct ns_axi_dma *dma, const struct ns_axi_dma_config *config);

/* A register, by its offset from the base of the part; a multiple of 4. Offsets without a register read 0. */
uint32_t ns_axi_dma_read(const struct ns_axi_dma *dma, uint32_t offset);
/* True when the write told a channel that there is work for it: TAILDESC (TAILDESC_MSB above 32 bits) or LENGTH. In a
 * configuration without MSB registers what is written there stays with the address as bits that are not driven. */
bool ns_axi_dma_write(struct ns_axi_dma *dma, uint32_t offset, uint32_t value);
/* Is this the offset of a register whose write may do so? */
bool ns_axi_dma_is_doorbell(const struct ns_axi_dma *dma, uint32_t offset);
/* A register's offset by its name in the guide ("S2MM_DMACR"), length bytes long; UINT32_MAX: there is none. */
uint32_t ns_axi_dma_register(const char *name, unsigned length);
/* All names in the order of their offsets; NULL-terminated. */
extern const char *const ns_axi_dma_register_names[];

/* The master that makes an access of a channel; its name without M_AXI_. */
enum ns_axi_dma_port ns_axi_dma_port_of(unsigned channel, enum ns_axi_dma_work work);
const char *ns_axi_dma_port_name(unsigned port);
static inline unsigned ns_axi_dma_ports(const struct ns_axi_dma_config *config) {
    return config->scatter_gather ? NS_AXI_DMA_PORTS : NS_AXI_DMA_PORTS - 1;
}

/* What the channel does next. The same answer until something changes; NOTHING while an access is under way, when it
 * has nothing to do, or when the stream has nothing for it. */
struct ns_axi_dma_access ns_axi_dma_next(const struct ns_axi_dma *dma, unsigned channel,
                                         struct ns_axi_dma_stream stream);
/* The access begins: until ns_axi_dma_done() the channel has nothing else to do, and a reset waits for it. */
void ns_axi_dma_begin(struct ns_axi_dma *dma, unsigned channel, const struct ns_axi_dma_access *access);
/* It has been answered. data: FETCH only, NS_AXI_DMA_FETCH_BYTES bytes. A MOVE that failed has moved nothing. */
void ns_axi_dma_done(struct ns_axi_dma *dma, unsigned channel, const struct ns_axi_dma_access *access,
                     enum ns_axi_dma_answer answer, const uint8_t *data);

/* The level of mm2s_introut or s2mm_introut. */
bool ns_axi_dma_interrupt(const struct ns_axi_dma *dma, unsigned channel);
/* Clocks until the delay timer fires, at least 1; 0: it does not run. Letting them pass. */
uint32_t ns_axi_dma_timeout(const struct ns_axi_dma *dma, unsigned channel);
void ns_axi_dma_elapse(struct ns_axi_dma *dma, unsigned channel, uint32_t clocks);

#ifdef __cplusplus
}
#endif
#endif
