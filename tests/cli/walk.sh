#!/usr/bin/env bash
# The walk of docs/durability.md: every command of it is run, in its order, and says what stands there. A number stands
# for any number, and the page may leave lines of the output out.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
page=$PWD/docs/durability.md
PATH=$(dirname "$maemio"):$PATH
cd "$work" || exit 1
if [ "$(stat -f -c %T .)" = tmpfs ]; then
    echo "$work is in memory only: TMPDIR can name a folder on a disk"
    exit 77
fi

plain() { # what is compared: numbers, and how many blanks there are, differ from run to run
    sed -E 's/\b[0-9a-f]{16}\b/N/g; s/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g; s/ $//'
}

demand() { # is each line that the page shows in what the command has said?
    local missing
    missing=$(plain <"$work/shown" | grep -vxFf <(plain <"$work/said") || true)
    if [ -z "$missing" ]; then
        ok "$command"
    else
        bad "$command" "not there: $missing; said: $(head -n 40 "$work/said")"
    fi
}

# The blocks marked `console': a line after a dollar is a command, and the lines below are of its output.
awk '/^```/ { inside = $0 == "```console"; next } inside' "$page" >"$work/console"
command=
while IFS= read -r line <&3; do
    if [ "${line:0:2}" != "\$ " ]; then
        printf '%s\n' "$line" >>"$work/shown"
        continue
    fi
    [ -z "$command" ] || demand
    command=${line:2}
    : >"$work/shown"
    eval "$command" >"$work/said" 2>&1 </dev/null
done 3<"$work/console"
demand
equals "commands" "$((passed + failed))" "$(grep -c '^\$ ' "$work/console")"
finish
