#!/usr/bin/env bash
# --interleave: several transactions take turns on each worker's thread. Their histories are serializable, the
# workloads' own checks pass, and counts, latencies and shares are those of all of them.
#   usage: tests/cli/interleave.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
[ "$(uname -m)" = x86_64 ] || {
    echo "not made for $(uname -m)"
    exit 77
}
short=(run --pin none --warmup 0 --txns 2000 --progress off)

recorded() { # arguments of run; records, and checks the history
    ends "runs: $*" 0 "" "${short[@]}" --history "$work/history" --check fast "$@"
    ends "serializable: $*" 0 "serializable, in timestamp order" check "$work/history"
}

# ---- Histories. ----

recorded --workload ycsb --records 20 --ops-per-txn 4 --read-ratio 0.5 --threads 2 --interleave 4
recorded --workload ycsb --records 1000 --index ordered --threads 1 --interleave 16
recorded --workload ycsb --preset E --records 100 --scan-length-max 10 --threads 2 --interleave 3
recorded --workload ycsb --records 50 --threads 2 --interleave 2 --set order=strict --set pending=abort
recorded --workload skew --threads 2 --interleave 3
recorded --workload append --threads 2 --interleave 4
recorded --workload tpcc --mode paper-np --threads 2 --interleave 4
ends "a sample of TPC-C" 0 "serializable in timestamp order" "${short[@]}" --check full --workload tpcc --threads 2 \
    --interleave 3

# ---- Checks of what must hold, with the options that transactions of a thread could wait in. ----

for settings in order=strict durability=group durability=async overtake_us=1 "backoff=fixed:50"; do
    folder=()
    [ "${settings%%=*}" = durability ] && folder=(--set "log_dir=$work/$settings")
    ends "bank with $settings" 0 "check          passed" "${short[@]}" --workload bank --accounts 10 --threads 2 \
        --interleave 4 --set "$settings" "${folder[@]}"
done
ends "acknowledged when safe" 0 "durable" "${short[@]}" --workload ycsb --records 1000 --threads 1 --interleave 4 \
    --set durability=group --set "log_dir=$work/safe"

# ---- What is counted. ----

run "${short[@]:0:5}" --progress off --workload ycsb --records 1000 --threads 2 --interleave 4 --txns 30 \
    --csv "$work/csv"
ended "a number of requests" 0 "30 transactions each"
equals "the thread's requests are dealt out to its transactions" "$(python3 -c '
import csv, sys
rows = [r for r in csv.DictReader(open(sys.argv[1])) if r["txn_type"] == "all"]
print(rows[0]["commits"], rows[0]["threads"], rows[0]["interleave"])' "$work/csv")" "60 2 4"
run "${short[@]:0:5}" --progress off --workload ycsb --records 1000 --threads 2 --interleave 3 --txns-total 31 \
    --csv "$work/total"
equals "requests in all" "$(python3 -c '
import csv, sys
rows = [r for r in csv.DictReader(open(sys.argv[1])) if r["txn_type"] == "all"]
print(rows[0]["commits"])' \
    "$work/total")" "31"

# ---- What does not go together. ----

ends "more than 16" 2 "--interleave" "${short[@]}" --interleave 17
ends "none" 2 "--interleave" "${short[@]}" --interleave 0
ends "another target" 2 "target silo cannot let a thread go on" "${short[@]}" --target silo --interleave 2
ends "bare" 2 "target bare cannot" "${short[@]}" --target bare --interleave 2
ends "sync" 2 "durability=sync" "${short[@]}" --interleave 2 --set durability=sync --set "log_dir=$work/sync"
ends "a rate" 2 "with --rate a thread would wait" "${short[@]}" --interleave 2 --rate 100
ends "users who think" 2 "users who think" "${short[@]}" --workload tpcc --think spec --interleave 2
ends "a second workload" 2 "--beside" "${short[@]}" --interleave 2 --threads 2 --beside scan
ends "too many workers" 2 "target native allows 256 workers" "${short[@]}" --threads 20 --interleave 16
finish
