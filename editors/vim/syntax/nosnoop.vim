" SPDX-License-Identifier: Apache-2.0
" Vim syntax file: scenarios and machines of nosnoop (docs/language.md).
if exists("b:current_syntax")
  finish
endif

" Words hold `-` and `.`: cbo.clean, alloc-coherent, linux-6.17.
syn iskeyword @,48-57,_,-,.
syn case match

syn match nosnoopNumber /\v<%(0x[0-9A-Fa-f_]+|[0-9][0-9_]*)[KMG]?>/
syn match nosnoopNumber /\v[0-9][0-9_]*[KMG]?\ze\.\./
syn match nosnoopNumber /\v\.\.\zs%(0x[0-9A-Fa-f_]+|[0-9][0-9_]*)[KMG]?/
syn match nosnoopActor /\v^\s*\zs[A-Za-z_][A-Za-z0-9_-]*\ze\s*:/
syn match nosnoopHazard /\v<[A-Z]{2}(-[A-Z0-9]+)+>/
syn region nosnoopString start=/"/ end=/"/ oneline
syn match nosnoopComment /#.*/ contains=nosnoopTodo,@Spell
syn keyword nosnoopTodo TODO FIXME contained

syn keyword nosnoopStatement alias buffer device end final machine order pad pool repeat requires scenario
syn keyword nosnoopStatement seed struct u16 u32 u64 u8 use verify version
syn keyword nosnoopVerb alloc alloc-coherent alloc-pages cbo.clean cbo.flush cbo.inval cbo.zero clean copy
syn keyword nosnoopVerb dcache.call dcache.ciall dcache.cipa dcache.civa dcache.cpa dcache.cpal1 dcache.cva
syn keyword nosnoopVerb dcache.cval1 dcache.iall dcache.ipa dcache.iva doorbell drain evict feed fence flush
syn keyword nosnoopVerb free install invalidate load map map-resource map-sg mapping-error mmio-poll mmio-read
syn keyword nosnoopVerb mmio-write pin poll prefetch raise read sample set-attr sfence speculative-store start
syn keyword nosnoopVerb store sync sync-for-cpu sync-for-device sync-sg-for-cpu sync-sg-for-device sync.i
syn keyword nosnoopVerb sync.is sync.s unbind unmap unmap-resource unmap-sg unpin wait worker write
syn keyword nosnoopJudgement absent always expect never sometimes
syn keyword nosnoopWord address-test after ahead algorithm align all all-harts arm arm-strong arm-v7-5.10
syn keyword nosnoopWord arm-v7-reversed arm64 arm64-5.10 arm64-5.19 at atomic atomic-pool attributes axi-dma
syn keyword nosnoopWord best-fit bidirectional boundary buffers built-in burst bursts bus bus-clock
syn keyword nosnoopWord bus-latency bus-limit bus-width by bytes cache cacheable checks clock cma coherent
syn keyword nosnoopWord coherent-mask coherent-pool command-line comp count cycles declared descriptor design
syn keyword nosnoopWord device-tree dma dma-address-bits dma-bits dma-burst dma-debug dma-direct dma-mask
syn keyword nosnoopWord dma-ops dma-outstanding dma-pool dma-ranges dma-window dma32 drops eager edge-lines
syn keyword nosnoopWord entries escaping exclusive faithful fifo fill first-byte first-fit flush-first flushes
syn keyword nosnoopWord for force free-checks from from-device gen-pool gfp global-pool goes-on granule guard
syn keyword nosnoopWord handle harts heap highmem historic hit hw ignore-bus-limit immediate inclusion
syn keyword nosnoopWord inclusive interrupt-latency invalidate-as-flush inward io irq irq-before-data kernel
syn keyword nosnoopWord kernel-debug l1 last-byte late late-maintenance lazy length-bits limit line lines
syn keyword nosnoopWord linux-5.10 linux-5.12 linux-5.15 linux-5.17-rc6 linux-5.17-rc8 linux-5.18 linux-6.17
syn keyword nosnoopWord linux-6.9 linux-7 local lru maintenance maintenance-cost maintenance-reach managed
syn keyword nosnoopWord mask max-segment may memory memory-latency memset-flush min-align-mask mips movable
syn keyword nosnoopWord mpu mpu-background nc neither new next-line no no-caches-below no-kernel-mapping
syn keyword nosnoopWord no-warn no-write-allocate nofs noio non-coherent none normal not-ready nothing nowait
syn keyword nosnoopWord nowarn ns of off offset offsets old order-align ordered outer outstanding outward
syn keyword nosnoopWord overwrite page past-end pgprot physical pma poc posted posted-writes prefetcher
syn keyword nosnoopWord prep-coherent private ps pte-encoding ram random reach realignment register-latency
syn keyword nosnoopWord registers remap repaired replacement riscv-5.10 riscv-5.19 riscv-6.0 riscv-6.18
syn keyword nosnoopWord riscv-6.6 rounding same scope segment-boundary sequence set-uncached sg shared size
syn keyword nosnoopWord skip skip-cpu-sync skip-flush slots snoop-latency snoops speculative-fill store-buffer
syn keyword nosnoopWord stream-width streams strict stride svpbmt swiotlb textbook thead-5.10 thead-5.19
syn keyword nosnoopWord thead-6.0 thead-6.7 thead-6.8 thead-maee thead-vendor-5.10 tlb to to-device tree-plru
syn keyword nosnoopWord type untrusted us using ways without-flush without-sfence write-allocate write-back
syn keyword nosnoopWord write-combine write-through written x86 yes zero zone zone-dma zone-dma-limit
syn keyword nosnoopWord bits cap channels density dram fr-fcfs Gbit in-order latency large linear-map outstanding-loads page-frames queue refresh row-bank-column row-bank-column-group row-column-bank scattered second-tlb small width write-back-buffer
syn keyword nosnoopWord at-random every in-turn load-misses mshrs pass store-misses write-streaming

hi def link nosnoopNumber Number
hi def link nosnoopActor Identifier
hi def link nosnoopHazard Special
hi def link nosnoopString String
hi def link nosnoopComment Comment
hi def link nosnoopTodo Todo
hi def link nosnoopStatement Statement
hi def link nosnoopVerb Function
hi def link nosnoopJudgement Conditional
hi def link nosnoopWord Type

let b:current_syntax = "nosnoop"
