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
syn keyword nosnoopVerb dcache.cval1 dcache.iall dcache.ipa dcache.iva doorbell drain evict fence flush free
syn keyword nosnoopVerb install invalidate load map map-resource map-sg mapping-error mmio-read pin poll
syn keyword nosnoopVerb prefetch raise read sample set-attr sfence speculative-store start store sync
syn keyword nosnoopVerb sync-for-cpu sync-for-device sync-sg-for-cpu sync-sg-for-device sync.i sync.is sync.s
syn keyword nosnoopVerb unbind unmap unmap-resource unmap-sg unpin wait worker write
syn keyword nosnoopJudgement absent always expect never sometimes
syn keyword nosnoopWord address-test after algorithm align all arm arm-strong arm-v7-5.10 arm-v7-reversed
syn keyword nosnoopWord arm64 arm64-5.10 arm64-5.19 at atomic atomic-pool attributes best-fit bidirectional
syn keyword nosnoopWord boundary buffers built-in burst bursts bus bus-clock bus-latency bus-limit bus-width
syn keyword nosnoopWord by bytes cache cacheable checks clock cma coherent coherent-mask coherent-pool
syn keyword nosnoopWord command-line comp count cycles declared descriptor design device-tree dma
syn keyword nosnoopWord dma-address-bits dma-bits dma-burst dma-debug dma-direct dma-mask dma-ops
syn keyword nosnoopWord dma-outstanding dma-pool dma-ranges dma-window dma32 drops eager edge-lines entries
syn keyword nosnoopWord escaping exclusive faithful fifo fill first-byte first-fit flush-first flushes for
syn keyword nosnoopWord force free-checks from from-device gen-pool gfp global-pool granule guard handle harts
syn keyword nosnoopWord heap highmem historic hit hw ignore-bus-limit immediate inclusion inclusive
syn keyword nosnoopWord interrupt-latency invalidate-as-flush inward io irq irq-before-data kernel
syn keyword nosnoopWord kernel-debug l1 last-byte late late-maintenance lazy limit line lines linux-5.10
syn keyword nosnoopWord linux-5.12 linux-5.15 linux-5.17-rc6 linux-5.17-rc8 linux-5.18 linux-6.17 linux-6.9
syn keyword nosnoopWord linux-7 lru maintenance maintenance-cost managed max-segment may memory memory-latency
syn keyword nosnoopWord memset-flush min-align-mask mips movable nc neither new next-line no no-caches-below
syn keyword nosnoopWord no-kernel-mapping no-warn no-write-allocate nofs noio non-coherent none normal
syn keyword nosnoopWord not-ready nothing nowait nowarn ns of off offset offsets old order-align ordered outer
syn keyword nosnoopWord outstanding outward overwrite page past-end pgprot physical pma poc posted
syn keyword nosnoopWord posted-writes prefetcher prep-coherent private ps pte-encoding ram random
syn keyword nosnoopWord register-latency remap repaired replacement riscv-5.10 riscv-5.19 riscv-6.0 riscv-6.18
syn keyword nosnoopWord riscv-6.6 rounding same scope segment-boundary sequence set-uncached shared size skip
syn keyword nosnoopWord skip-cpu-sync skip-flush slots snoop-latency snoops speculative-fill store-buffer
syn keyword nosnoopWord strict svpbmt swiotlb textbook thead-5.10 thead-5.19 thead-6.0 thead-6.7 thead-6.8
syn keyword nosnoopWord thead-maee thead-vendor-5.10 tlb to to-device tree-plru type untrusted us using ways
syn keyword nosnoopWord without-flush without-sfence write-allocate write-back write-combine write-through
syn keyword nosnoopWord written x86 yes zero zone zone-dma zone-dma-limit

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
