#!/usr/bin/env bash
# `maemio calibrate`: this host's file for the simulator, with where each number comes from. What its numbers are worth
# shows on machines whose numbers are known: simulated.sh. And how wrong simulated runs are called, from rows made up.
#   usage: MAE_BUILD=build/release tests/cli/calibrate.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

run calibrate --rounds 1 "$work/host.conf"
ended "a round is measured" 0 ""
keys=$(sed -n 's/^    X([a-z0-9]*, \([a-z0-9_]*\),.*/\1/p' sim/machine.h | sort)
equals "its file has every key" "$(sed -n 's/^\([a-z0-9_]*\) = ..* # ..*/\1/p' "$work/host.conf" | sort)" "$keys"
number() { # KEY
    awk -v key="$1" '$1 == key { print $3 }' "$work/host.conf"
}
cores=$(($(number sockets) * $(number cores_per_socket)))
if [ "$cores" -ge 1 ] && [ "$cores" -le "$(nproc)" ]; then
    ok "its cores are those that are allowed"
else
    bad "its cores are those that are allowed" "$cores, and nproc says $(nproc)"
fi

ends "no file" 2 "name the file to write" calibrate
ends "no rounds" 2 "--rounds: want 1 to 1000" calibrate --rounds 0 "$work/none.conf"
ends "a folder" 1 "cannot be written" calibrate --rounds 1 "$work"
ends "a simulated machine" 2 "MODE=sim" calibrate --machine haswell-ep-2x14 "$work/none.conf"

# ---- scripts/validate-simulation, the table of what was measured and simulated. ----

mkdir "$work/cells"
header=label,txn_type,throughput_txn_per_s,abort_ratio
cell() { # FILE LABEL THROUGHPUT ABORTS: a row over all types, and one of a type, which does not count
    [ -e "$work/cells/$1.csv" ] || echo $header >"$work/cells/$1.csv"
    printf '"%s",all,%s,%s\n"%s",a,1,1\n' "$2" "$3" "$4" "$2" >>"$work/cells/$1.csv"
}
for throughput in 90000 100000 110000; do # three repetitions
    cell measured "YCSB, theta 0; 1; native" $throughput 0
done
cell measured "YCSB, theta 0; 1; silo" 200000 0.5
cell measured "YCSB, theta 0; 1; twopl" 205000 0.5
cell measured "YCSB, theta 0.99; 1; native" 300000 0
cell simulated "YCSB, theta 0; 1; native" 120000 0.02
cell simulated "YCSB, theta 0; 1; silo" 300000 0.4
cell simulated "YCSB, theta 0; 1; twopl" 110000 0.54
for key in misses window memory_near_ns core_socket_ns; do
    echo "$key = 17 # measured" >>"$work/cells/host.conf"
    echo "$key = 37 # measured" >>"$work/cells/host-after.conf"
done
launch scripts/validate-simulation --only table "$work/cells"
ended "cells are put side by side" 0 "| YCSB, theta 0 | 1 | native | 100 | 10% | 120 | +20% | 0.0% | 2.0% |" \
    "Throughput is within 25% in 1 of 3 cells" \
    "The share of aborts is within 5 points in 2 of 3; the largest difference is 10 points." \
    "Of 2 pairs of schemes that are more than 10% apart when measured, 1 have the same order when simulated" \
    "The host before and after it was measured: misses 17 and 37, window 17 and 37,"
launch scripts/validate-simulation --only table "$work"
ended "nothing to compare" 1 "has no cell that was both measured and simulated"
launch scripts/validate-simulation --target none
ended "no such scheme" 2 "none of native, bare,"

finish
