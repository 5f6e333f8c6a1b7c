# SPDX-License-Identifier: Apache-2.0
# A link stays a link, the mode stays, a hard look shows no file left beside.
printf "use  machine \"one-core-wb64\"\n" >real.dma
chmod 640 real.dma
ln -s real.dma link.dma
nosnoop fmt -v link.dma
[ -L link.dma ] || echo "the link is gone"
stat -c %a real.dma
cat real.dma
ls real.dma* link.dma*
nosnoop fmt -v link.dma
