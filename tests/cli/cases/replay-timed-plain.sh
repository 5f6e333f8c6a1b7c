# SPDX-License-Identifier: Apache-2.0
# A program's trace: no device, no hazard. With DRAM, and quietly.
nosnoop replay --timed --machine bcm2711 small.lackey
nosnoop replay --timed -q loop.xdin
