#!/usr/bin/env bash
# The seed alone decides a schedule: the trace of each case is the same in another folder, with another environment and
# after other work in the same process. Wrong use is refused with what would be right.
set -euo pipefail
cd "$(dirname "$0")/../.."
explore=$PWD/${MAE_BUILD:-build/release}/tests/schedule/explore

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
status=0
MAE_SECONDS=0 CASE=bank "$explore" >"$stage/out" || status=$?
[ $status -ne 77 ] || { tail -n 1 "$stage/out" && exit 77; }
[ $status -eq 0 ]
grep -qE '^[1-9][0-9]* schedules in ' "$stage/out"

mapfile -t cases < <(sed -n 's/^    {\.name = "\([a-z-]*\)",$/\1/p' tests/schedule/explore.c)
[ ${#cases[@]} -ge 18 ]
for case in "${cases[@]}"; do
    SEED=$case:0x5eed:3 "$explore" >"$stage/here"
    (cd / && env -i FILLER="$(seq 1000 | tr -d '\n')" SEED=0x5eed:3 "$explore" "$case" some more words >"$stage/there")
    [ "$(wc -l <"$stage/here")" -gt 20 ]
    cmp "$stage/here" "$stage/there"
    SEED=$case:0x5eee:3 "$explore" >"$stage/other"
    if cmp -s "$stage/here" "$stage/other"; then
        echo "$case: another seed gives the same trace"
        exit 1
    fi
done

refused() { # refused MESSAGE VARIABLE=VALUE...
    local status=0
    env "${@:2}" "$explore" >"$stage/out" 2>&1 || status=$?
    if [ $status -ne 2 ] || ! grep -q -- "$1" "$stage/out"; then
        echo "with ${*:2}: status $status where 2 should be, and '$1' in:"
        cat "$stage/out"
        exit 1
    fi
}
refused "no case 'nonsense'" CASE=nonsense
refused 'must be CASE:NUMBER' SEED=nonsense:1
refused 'must be CASE:NUMBER' SEED=1:2
refused 'must be CASE:NUMBER' SEED=bank:
refused 'must be CASE:NUMBER' SEED=bank:0x1:2x
case ${MAE_BUILD:-} in *debug) refused 'no such mutation' MAE_MUTATION=nonsense ;; esac
echo "schedules: ${#cases[@]} cases repeat"
