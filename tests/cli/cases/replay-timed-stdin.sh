# SPDX-License-Identifier: Apache-2.0
# A pipe is kept for the second reading; so is what is compressed, and a file from where it stands.
cat driver.xdin | nosnoop replay --timed -q -
xz -c driver.xdin >driver.xdin.xz
nosnoop replay --timed -q driver.xdin.xz
{ read -r first; nosnoop replay --timed -q -; } <driver.xdin
