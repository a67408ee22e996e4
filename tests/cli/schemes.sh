#!/usr/bin/env bash
# Histories of every scheme, over workloads that between them read, write, insert, delete and scan, are found
# serializable by `maemio check`. The runs' own checks are off, so that what fails is the history. Runs end after a
# number of commits: in a short window a busy machine may let nobody commit, and a run without commits fails. Of TicToc,
# ERMIA and SQL no order is known; their histories are judged by the graph alone, which takes the longest.
# Each scheme also says why it aborts: in the columns of the reasons, which add up to its aborts.
# cli/history.sh does the same with native, and tests/conformance with single steps of each scheme.
#   usage: tests/cli/schemes.sh            the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
history=$work/history
modes=(spec paper paper-np) # of TPC-C, which each target takes in turn, as a load takes seconds
tpcc_runs=0
bakery="--factories 2 --product-types 30 --material-types 20 --raw-material-types 20 --target-products 5"

recorded() { # options of a target, then of a workload; records, and checks the history
    rm -rf "$history"
    run run --history "$history" --check off --pin none --warmup 0 --threads 3 "$@"
    if [ $code -ne 0 ]; then
        bad "records: $*" "exit code $code: $(cat "$work/err")"
    else
        run check "$history"
        ended "checks: $*" 0 "$finding"
    fi
}

reasons() { # target
    rm -f "$work/aborts.csv"
    run run --target "$1" --workload tpcc --mode paper --check off --pin none --warmup 0 --threads 3 --txns 3000 \
        --csv "$work/aborts.csv" --json off
    equals "why $1 aborts: some, and each for a reason" "$code $(awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
        {
            aborts = 0
            for (i = 1; i <= NF; i++) {
                if (name[i] == "txn_type") type = $i
                if (name[i] == "aborts") aborts = $i
                if (name[i] ~ /^aborts_/) sum[NR] += $i
            }
            all += type == "all" ? aborts : 0
            wrong += sum[NR] != aborts
        }
        END { print (all > 0), wrong + 0 }' "$work/aborts.csv")" "0 1 0"
}

workloads() { # options of a target
    recorded "$@" --workload ycsb --preset E --records 50 --scan-length-max 20 --ring-requests 10k --txns 1000
    recorded "$@" --workload churn --txns 2000
    recorded "$@" --workload tatp --subscribers 10 --mix 10/10/10/10/20/20/20 --txns 1000
    recorded "$@" --workload smallbank --accounts 20 --txns 2000
    # shellcheck disable=SC2086 # a list of options
    recorded "$@" --workload bomb $bakery --material-tree-size 4 --txns 200
    recorded "$@" --workload tpcc --mode "${modes[tpcc_runs++ % 3]}" --txns 300
}

# Each target of the program, so that a new scheme is tried, too. Native has a test of its own, bare promises nothing,
# and external ones are tried by targets.sh.
for target in $("$maemio" list targets | sed -n '/^[a-z]/{N;/\[external/d;s/^\([a-z_]*\) .*/\1/;P}'); do
    finding="serializable, in "
    case $target in
    native | bare) continue ;;
    tictoc* | ermia | sql) finding="no cycle found" ;;
    esac
    workloads --target "$target"
    if [ "$target" = sql ]; then
        recorded --target sql --workload bank --accounts 20 --txns 2000
        recorded --target sql --workload append --txns 1000
    fi
    case ${MAE_BUILD:-} in *cov*) ;; *) reasons "$target" ;; esac # it takes minutes there
done
finding="serializable, in "
for lock_wait in wait_die wound_wait detect; do
    workloads --target twopl --set lock_wait=$lock_wait
done
finish
