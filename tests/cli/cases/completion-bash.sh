# SPDX-License-Identifier: Apache-2.0
# What bash offers at the cursor, asked for as bash would.
command -v bash >/dev/null || exit 0
nosnoop completion bash >completion
cat >ask <<"EOF"
source ./completion
ask() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _nosnoop
    echo "$*: ${COMPREPLY[*]}"
}
ask nosnoop ""
ask nosnoop ver
ask nosnoop run --o
ask nosnoop run --order = f
ask nosnoop run --order w
ask nosnoop --color = ""
ask nosnoop -q --chdir . ex
ask nosnoop --json = out.json ver
ask nosnoop explain dc-ref
ask nosnoop fmt --
ask nosnoop completion ""
ask nosnoop init --starter = tr
ask nosnoop check goo
EOF
bash ./ask
