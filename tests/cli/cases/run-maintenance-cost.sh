# SPDX-License-Identifier: Apache-2.0
# One of four lines is there: 20 cycles, and 3 x 6 for the others. With one number for both, 4 x 20.
cat >case.dma <<'END'
machine "m"
  clock            1 GHz
  cache            L1D private size 4K ways 4 line 64 hit 3 cycles
  maintenance-cost 20 cycles absent 6 cycles
end
use machine "m"
buffer a size 256 align 4096
cpu0: load       a[64..72]
cpu0: invalidate a
END
sed 's/ absent 6 cycles//' case.dma >one.dma
for file in case one; do
    nosnoop run --json $file.dma >$file.json
    check-schema <$file.json
    sed -n 's/^ *"\(maintained_[a-z]*\|maintenance_ps\)": \([0-9]*\),*$/'$file' \1 \2/p' $file.json
done
