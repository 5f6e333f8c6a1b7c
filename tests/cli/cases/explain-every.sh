# SPDX-License-Identifier: Apache-2.0
# Every hazard in the list can be explained, within 80 columns.
nosnoop explain --list | grep "^[A-Z]" | while read -r id title; do
    nosnoop explain "$id" >text || echo "$id: status $?"
    head -n 1 text | grep -q "^$id: " || echo "$id: wrong headline"
    awk -v id="$id" 'length > 80 { print id ": " $0 }' text
done
