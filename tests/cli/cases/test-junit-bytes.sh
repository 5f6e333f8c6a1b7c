# SPDX-License-Identifier: Apache-2.0
# Whatever stands in a file's name or comes out of a scenario: the XML is well-formed, names stay apart, TAP keeps its
# lines.
mkdir suite
echo pass >"suite/$(printf 'a\001').dma"
echo pass >"suite/$(printf 'a\002').dma"
echo pass >"suite/a\\x01.dma"
echo pass >'suite/b <&"> # 1.dma'
echo bytes >"suite/$(printf 'c\377\303\251').dma"
faulty-nosnoop test --junit out.xml --tap out.tap suite >text
echo "status $?"
cat out.xml out.tap
xmllint --noout out.xml && echo well-formed
echo "$(xmllint --xpath 'count(//testcase[not(@name = preceding-sibling::testcase/@name)])' out.xml) different names"
prove -e cat out.tap 2>&1 | grep -E 'Failed tests?:'
