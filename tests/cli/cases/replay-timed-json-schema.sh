# SPDX-License-Identifier: Apache-2.0
nosnoop replay --timed --json driver.xdin | check-schema
nosnoop replay --timed --json --machine bcm2711 loop.xdin | check-schema
nosnoop replay --timed --json=driver.json driver.xdin | tail -n 1
grep -E '"(id|line|total_ps|device_reads|verdict)"' driver.json
