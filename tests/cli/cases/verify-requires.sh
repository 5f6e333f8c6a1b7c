# SPDX-License-Identifier: Apache-2.0
# `requires` knows the feature `verify`, and skips what it does not know.
{ cat good.dma; echo 'requires verify'; } >v.dma
nosnoop verify -q v.dma
{ cat good.dma; echo 'requires telepathy'; } >t.dma
nosnoop verify -q t.dma
