# SPDX-License-Identifier: Apache-2.0
# Whatever the version is, this is the form.
nosnoop --version | sed 's/[0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*/N.N.N/'
