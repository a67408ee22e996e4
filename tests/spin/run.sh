#!/usr/bin/env bash
# Verifies protocol.pml as it is, and with each fault, which must be found. A line a case; exit status 1 if any is not
# as
# it should be, 77 where spin is missing (apt-get install spin).
#   usage: run.sh [--long]     --long: also three transactions with blind writes or collection (minutes, gigabytes)
set -u
cd "$(dirname "$0")" || exit 1
if ! command -v spin >/dev/null; then
    echo "skipped: spin is not installed (apt-get install spin)"
    exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# verify EXPECTED(ok|error) WHAT SWITCH...
verify() {
    local expected=$1 what=$2
    shift 2
    local folder=$work/${what//[^a-z0-9]/-}
    mkdir -p "$folder"
    if ! (cd "$folder" && spin "${@/#/-D}" -a "$OLDPWD/protocol.pml" && ${CC:-gcc} -O2 -w -DSAFETY -DCOLLAPSE \
        -DMEMLIM=8000 -DVECTORSZ=2048 -o pan pan.c && ./pan -m1000000 -E) >"$folder/log" 2>&1; then
        echo "FAIL  $what: did not run"
        tail -n 20 "$folder/log"
        failed=1
        return
    fi
    local found=ok
    grep -q 'errors: 0' "$folder/log" || found=error
    if ! grep -q 'errors: ' "$folder/log" || grep -qE 'max search depth too small|reached -DMEMLIM' "$folder/log"; then
        found=incomplete
    fi
    local states
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$folder/log")
    if [ "$found" = "$expected" ]; then
        echo "ok    $what: $([ $found = ok ] && echo 'no error' || echo 'the error is found'), $states states"
    else
        echo "FAIL  $what: $found where $expected should be"
        tail -n 20 "$folder/log"
        failed=1
    fi
}

verify ok 'three transactions'
verify error 'ORD-3 dropped' DROP_ORD3
verify error 'no check' SKIP_CHECK
verify error 'no raise of rts' SKIP_RAISE
verify error 'pending versions ignored in the check' IGNORE_PENDING_IN_CHECK
verify ok 'two transactions with blind writes' BLIND TWO
verify error 'ORD-3 dropped, two transactions' DROP_ORD3 TWO
verify ok 'two transactions with collection' GC TWO
verify error 'collection, horizon too high' GC TWO HORIZON_TOO_HIGH
if [ "${1:-}" = --long ]; then
    verify ok 'three transactions with blind writes' BLIND
    verify ok 'three transactions with collection' GC
    verify error 'collection, rts not bounded by what workers published' GC NO_RTS_BOUND
fi
exit $failed
