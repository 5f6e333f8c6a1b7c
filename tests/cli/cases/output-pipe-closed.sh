# SPDX-License-Identifier: Apache-2.0
# The reader is gone before the command writes.
{ sleep 1; nosnoop explain --list; echo "status $?" >&2; } | true
