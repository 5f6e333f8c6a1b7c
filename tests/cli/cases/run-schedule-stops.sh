# SPDX-License-Identifier: Apache-2.0
# A schedule stops a step in its middle, others go on, and what is said for replay says so too. The buffer has one entry
# of 8 bytes: when the second one leaves, the polled first one has left.
cat >stops.dma <<'END'
scenario "stops"
machine "one-entry" from "one-core-wb64"
  store-buffer 1 entries lazy
end
use machine "one-entry"
device nic
buffer b size 128 align 64 type nc
cpu0: store b[0..120] fill 7
nic: poll b[0..4] == 0x07070707
nic: read b[64..72]
END
nosnoop run stops.dma --schedule 8,9,10 | tail -n 1
nosnoop run stops.dma --schedule 8@0x8000_0008,9,10 >text
sed -n "1p;s/^ *= replay: //p" text
$(sed -n "s/^ *= replay: //p" text) | cmp text - && echo "the same"
echo "-- it goes on to the end of the store before the read"
nosnoop run stops.dma --schedule 8@0x8000_0008,9,8,10 | tail -n 1
echo "-- the poll sees nothing before an entry has come"
nosnoop run stops.dma --schedule 8@+0x8000_0000,9,10
echo "$?"
echo "-- refused"
nosnoop run stops.dma --schedule 9@1,10 2>&1
echo "$?"
