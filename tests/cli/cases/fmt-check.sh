# SPDX-License-Identifier: Apache-2.0
printf "use machine \"one-core-wb64\"\nbuffer b size 4\n" >messy.dma
nosnoop fmt --check good.dma messy.dma refetch.dma
