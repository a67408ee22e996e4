#!/usr/bin/env bash
# Verifies protocol.pml as it is, and with each fault, which must be found. A line a case; exit status 1 if any is not
# as it should be, 77 where spin is missing (apt-get install spin).
#   usage: run.sh [--long]     --long: one case more, of a minute and 2.5 GB
set -u
export LC_ALL=C.UTF-8 # numbers have decimal points, whatever the user's locale
cd "$(dirname "$0")" || exit 1
if ! command -v spin >/dev/null; then
    echo "skipped: spin is not installed (apt-get install spin)"
    exit 77
fi
. ../../scripts/lanes.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
MEMORY_MB=4000

# verify EXPECTED(ok|error) WHAT SWITCH...: every state, stored without loss.
verify() {
    local expected=$1 what=$2 started=$EPOCHREALTIME
    shift 2
    local folder=$work/${what//[^a-z0-9]/-}
    mkdir -p "$folder"
    if ! (cd "$folder" && spin "${@/#/-D}" -a "$OLDPWD/protocol.pml" && ${CC:-gcc} -O1 -w -DSAFETY -DCOLLAPSE \
        -DMEMLIM=$MEMORY_MB -DVECTORSZ=2048 -o pan pan.c && ./pan -m1000000 -E) >"$folder/log" 2>&1; then
        echo "FAIL  $what: did not run"
        tail -n 20 "$folder/log"
        touch "$work/failed"
        return
    fi
    local found=ok
    grep -q 'errors: 0' "$folder/log" || found=error
    if ! grep -q 'errors: ' "$folder/log" || grep -qE 'max search depth too small|reached -DMEMLIM' "$folder/log"; then
        found='incomplete (out of memory or depth)'
    fi
    local states ms=$(((${EPOCHREALTIME/[.,]/} - ${started/[.,]/}) / 1000))
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$folder/log")
    if [ "$found" = "$expected" ]; then
        printf 'ok    %-62s %-18s %10s states, %d s\n' "$what" \
            "$([ $found = ok ] && echo 'no error' || echo 'the error is found')" "$states" $((ms / 1000))
    else
        echo "FAIL  $what: $found where $expected should be"
        tail -n 20 "$folder/log"
        touch "$work/failed"
    fi
}

in_lane verify ok 'three transactions, two rows' # the longest first
in_lane verify error 'ORD-3 dropped in the writer' DROP_ORD3_WRITER
in_lane verify error 'ORD-3 dropped in the reader' DROP_ORD3_READER
in_lane verify error 'ORD-3 dropped in the writer, two transactions' DROP_ORD3_WRITER TWO
in_lane verify error 'no check' SKIP_CHECK
in_lane verify error 'no raise of rts' SKIP_RAISE
in_lane verify error 'pending versions ignored in the check' IGNORE_PENDING_IN_CHECK
in_lane verify error 'updates that do not say they rest on what is below' RESTS_UNMARKED
in_lane verify error 'no look at what is newer after the link' BELOW_UNCHECKED
in_lane verify error 'collection, horizon too high' GC TWO HORIZON_TOO_HIGH
in_lane verify error 'collection, rts not bounded by what workers published' GC ONE_ROW NO_RTS_BOUND
in_lane verify ok 'two transactions, blind writes, two rows' BLIND TWO
in_lane verify ok 'two transactions, blind writes, collection, two rows' GC BLIND TWO
in_lane verify ok 'three transactions, collection, one row' GC ONE_ROW
in_lane verify ok 'three transactions, blind writes, collection, one row' GC BLIND ONE_ROW
if [ "${1:-}" = --long ]; then
    in_lane verify ok 'three transactions, blind writes, two rows' BLIND
fi
lanes_end
[ ! -e "$work/failed" ]
