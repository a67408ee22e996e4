#!/usr/bin/env bash
# scripts/soak: a soak of ten seconds leaves the same files as one of an hour. Its judge finds growth where there is
# some, and only there: the series given to it are those of the soak with memory or versions replaced.
#   usage: tests/cli/soak.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
command -v gnuplot >/dev/null || {
    echo "no gnuplot"
    exit 77
}

launch scripts/soak --time 10 --bound 1000 --maemio "$maemio" "$work/real"
ended "ten seconds" 0 "churn    memory" "append   versions" "ycsb     memory"
equals "every workload was checked" "$(cat "$work"/real/{churn,append,ycsb}.txt | grep -c 'check  *passed')" 3
equals "what it leaves" "$(find "$work/real" -name 'series.csv' -o -name 'soak.*' -o -name verdict.txt | wc -l)" 4

# The last three quarters of a run are judged: 270 samples of some 360.
judged() { # name, exit code, churn's quantity, its column, the value in awk: i counts the samples, n are all
    rm -rf "$work/made"
    cp -r "$work/real" "$work/made"
    for workload in churn append ycsb; do
        awk -F, -v OFS=, -v column="$4" -v workload=$workload -v n=360 '
            NR == 1 { for (k = 1; k <= NF; k++) at[$k] = k; print; next }
            $at["phase"] != "measure" { print; next }
            {
                i++
                $at["process_bytes"] = 1e8
                $at["versions_growth"] = 0
                if (workload == "churn") $at[column] = '"$5"'
                print
            }' "$work/real/$workload-intervals.csv" >"$work/made/$workload-intervals.csv"
    done
    launch scripts/soak --judge "$work/made"
    ended "$1" "$2"
    equals "$1: verdict" "$(awk -v what="$3" '$1 == "churn" && $2 == what { print $NF }' "$work/made/verdict.txt")" \
        "$([ "$2" -eq 0 ] && echo flat || echo GROWS)"
}
judged "nothing changes" 0 memory process_bytes '1e8'
judged "memory grows by 2%" 1 memory process_bytes '1e8 * (1 + 0.02 * i / n)'
judged "memory grows by half a percent" 0 memory process_bytes '1e8 * (1 + 0.005 * i / n)'
judged "memory grows in six steps of 1%" 1 memory process_bytes '1e8 * (1 + 0.01 * int(6 * i / n))'
judged "memory takes one step of 5%" 0 memory process_bytes '1e8 * (1 + 0.05 * (i > n / 2))'
judged "memory goes up and down by 3%" 0 memory process_bytes '1e8 * (1 + 0.03 * (i % 7) / 7)'
judged "a version is lost now and then" 1 versions versions_growth 'i % 2 * 10'
judged "versions come and go" 0 versions versions_growth 'i % 2 ? 100 : -100'

ends_soak() { # name, message, arguments
    launch scripts/soak "${@:3}"
    ended "$1" 2 "$2"
}
ends_soak "an unknown option" "unknown option '--hours'" --hours 1
ends_soak "a time that is none" "--time: '1h' is not whole seconds, 10 or more" --time 1h
ends_soak "no program" "no program '/nowhere/maemio'" --maemio /nowhere/maemio
ends_soak "no results" "has no results of churn" --judge "$work"
finish
