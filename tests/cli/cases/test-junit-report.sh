# SPDX-License-Identifier: Apache-2.0
# A real failure: the body is the whole report that the text shows, and all forms come from one call. The counts of
# both forms agree with the text's.
mkdir suite && cp good.dma refetch.dma bad.dma suite/
nosnoop test --no-verify --junit out.xml --tap out.tap --json=out.json suite >text
echo "status $?"
tail -n 1 text
sed '1,/^FAIL.*refetch/d;s/^    //' text | head -n -2 >shown # without the empty line and the sum behind it
xmllint --xpath 'string(//failure)' out.xml | sed '${/^$/d}' >body
grep -c 'DC-REFETCH' body
diff shown body && echo "the same report"
xmllint --xpath '//testcase/@name' out.xml
for what in failure error; do echo "$what: $(xmllint --xpath "count(//$what)" out.xml) = $(xmllint --xpath "string(/testsuites/testsuite/@${what}s)" out.xml)"; done
grep -c '^ok' out.tap
grep '^not ok' out.tap
check-schema <out.json
