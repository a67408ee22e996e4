#!/usr/bin/env bash
# Every workload, recorded with a few threads (`maemio run --history`), is found serializable by `maemio check`. The
# runs' own checks are off, so that what fails is the history: with a mutation of the engine that breaks
# serializability (MAE_MUTATION), `maemio check` must find a cycle here (tests/mutations).
#   usage: tests/cli/history.sh            the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
history=$work/history

recorded() { # arguments of run; records, and checks the history
    local name=$*
    run run --history "$history" --check off --pin none --warmup 0 --time 200ms "$@"
    if [ $code -ne 0 ]; then
        bad "records: $name" "exit code $code: $(cat "$work/err")"
    else
        ends "checks: $name" 0 "serializable, in timestamp order" check "$history"
    fi
    [ "$failed" -eq 0 ] || finish # the rest, with an engine that is wrong, takes minutes and tells no more
}

# ---- Recorded runs, the most contended first. ----

recorded --workload skew --threads 4
recorded --workload counter --threads 3
recorded --workload append --threads 4 --no-snapshot-reads --read-ratio 0.5
recorded --workload ycsb --preset A --records 10 --threads 4
recorded --workload ycsb --records 20 --ops-per-txn 4 --threads 4 --read-ratio 0.7
recorded --workload ycsb --preset D --records 1000 --threads 2
recorded --workload ycsb --preset E --records 50 --scan-length-max 20 --threads 4
recorded --workload ycsb --preset F --records 50 --threads 3
recorded --workload ycsb --records 50 --index ordered --threads 2 --set promote=off --set inline_bytes=0
recorded --workload ycsb --records 50 --threads 4 --set timestamps=central --set pending=abort
recorded --workload bank --threads 4
recorded --workload append --threads 3
recorded --workload blind --preset thomas --threads 4
recorded --workload churn --keys 500 --ordered-keys text --threads 4
recorded --workload smallbank --accounts 20 --threads 4
recorded --workload tatp --subscribers 10 --mix 10/10/10/10/20/20/20 --threads 4
bakery="--factories 2 --product-types 30 --material-types 20 --raw-material-types 20 --target-products 5"
# shellcheck disable=SC2086 # a list of options
recorded --workload bomb $bakery --material-tree-size 4 --threads 3
# shellcheck disable=SC2086
recorded --workload bomb $bakery --material-tree-size 4 --long-workers 0 --long-ratio 0.05 --threads 4
recorded --workload tatp --subscribers 100 --threads 3 --snapshot-reads
recorded --workload smallbank --preset alomari --accounts 20 --threads 3 --snapshot-reads
recorded --workload singlekey --threads 2
recorded --workload counter --rows 4 --ops-per-txn 2 --commit-updates --threads 3
recorded --workload scan --records 1000 --threads 2
recorded --workload ycsb --records 100 --ops-per-txn 2 --threads 2 --repetitions 3
recorded --workload ycsb --records 1000 --threads 64 --time 300ms --ring-requests 10k # on as many CPUs as there are
presets="spec paper paper-np"
case ${MAE_BUILD:-} in *asan* | *tsan* | *cov*) presets=paper-np ;; esac # loads take minutes there
for preset in $presets; do
    recorded --workload tpcc --preset "$preset" --warehouses 1 --threads 3
    recorded --workload tpcc --preset "$preset" --warehouses 1 --threads 3 --split-rows --commit-updates
done
finish
