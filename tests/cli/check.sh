#!/usr/bin/env bash
# The proof behind every run: workers fight for a few rows, and the check finds each row intact and no update lost. With
# the mutation skip_check built in, this must fail (tests/mutations).
set -euo pipefail
cd "$(dirname "$0")/../.."
maemio=${MAE_BUILD:-.}/maemio
for workload in "ycsb --records 10 --ops-per-txn 2 --read-ratio 0" "ycsb --records 100 --index ordered" "counter" \
    "skew" "bank"; do
    echo "== $workload"
    # shellcheck disable=SC2086 # options
    "$maemio" run --workload $workload --threads 4 --pin none --warmup 0 --time 500ms --repetitions 2
done
