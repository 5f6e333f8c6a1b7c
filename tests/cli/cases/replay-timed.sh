# SPDX-License-Identifier: Apache-2.0
# A driver's trace on the machine: cycles that add up, and its two mistakes with their lines.
nosnoop replay --timed driver.xdin
