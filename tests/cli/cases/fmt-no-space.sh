# SPDX-License-Identifier: Apache-2.0
# The new text does not fit: the old one must survive.
printf "use  machine \"one-core-wb64\"\n" >full.dma
(ulimit -f 0; trap "" XFSZ; nosnoop fmt full.dma)
echo "exit $?"
cat full.dma
ls full.dma*
