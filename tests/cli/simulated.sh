#!/usr/bin/env bash
# Runs on simulated machines: the build of MODE=sim. They repeat from their seed byte for byte, their checks and
# histories hold, rows say what they are, and a change of the machine changes the times.
#   usage: MAE_BUILD=build/sim tests/cli/simulated.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

simulate() { # arguments of run
    run run --machine haswell-ep-2x14 --workload smallbank --accounts 500 --warmup 200us --time 1ms --json off "$@"
}

column() { # FILE NAME: the value in the row over all types
    python3 -c 'import csv, sys
print(next(row[sys.argv[2]] for row in csv.DictReader(open(sys.argv[1])) if row["txn_type"] == "all"))' "$1" "$2"
}

measured() { # FILE: what the engine and the loop counted
    python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
    print([row[name] for name in row if name.startswith("eng_") or name in ("commits", "attempts")])' "$1"
}

# All but what tells of the host: when it was, its load, its memory.
own_columns() { # FILE
    python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
    for host in ("start_utc", "load_average", "memory_available_bytes", "cpu_mhz", "process_peak_bytes"):
        row[host] = ""
    print(row)' "$1"
}

# ---- A run repeats, whatever the file's name and the environment are, and another seed makes another one. ----

simulate --cores 3 --csv "$work/first.csv"
ended "a run is simulated" 0 ""
MAE_UNUSED=$(seq 1 500) simulate --cores 3 --csv "$work/second-with-a-longer-name.csv"
ended "and once more" 0 ""
equals "both are the same" "$(own_columns "$work/first.csv" | cksum)" \
    "$(own_columns "$work/second-with-a-longer-name.csv" | cksum)"
simulate --cores 3 --csv "$work/second-with-a-longer-name.csv"
ended "and into a file that is there" 0 ""
equals "which changes nothing" "$(own_columns "$work/first.csv" | sort -u | cksum)" \
    "$(own_columns "$work/second-with-a-longer-name.csv" | sort -u | cksum)"
simulate --cores 3 --seed 2 --csv "$work/other.csv"
ended "another seed" 0 ""
if [ "$(measured "$work/first.csv")" != "$(measured "$work/other.csv")" ]; then
    ok "is another run"
else
    bad "is another run" "both measured $(measured "$work/first.csv")"
fi

# ---- Rows say what they are. ----

equals "rows are simulated" "$(column "$work/first.csv" simulated)" 1
equals "rows name the machine" "$(column "$work/first.csv" machine)" haswell-ep-2x14
equals "and how many of its cores there were" "$(column "$work/first.csv" cores)" 3
equals "the window is the machine's time" "$(column "$work/first.csv" window_s | cut -c 1-5)" 0.001
equals "the check passed" "$(column "$work/first.csv" check_result)" passed

# ---- Cores of both sockets, other targets and machines; histories are serializable. ----

simulate --cores 16 --history "$work/history"
ended "cores of two sockets" 0 "NUMA node 0,1"
ends "their history is serializable" 0 "serializable, in timestamp order" check "$work/history"
for target in bare silo twopl; do
    simulate --cores 2 --target $target
    ended "target $target" 0 "throughput"
done
for workload in "ycsb --records 200" "tatp --subscribers 200"; do
    # shellcheck disable=SC2086 # a name and an option
    run run --machine epyc-2x64 --cores 2 --workload $workload --warmup 100us --time 1ms --json off
    ended "workload $workload" 0 "passed"
done
run run --machine abyss-1000 --cores 4 --workload smallbank --accounts 100 --warmup 100us --time 1ms --json off
ended "in-order cores" 0 "passed"

# ---- A machine of one's own: what it says decides. ----

sed 's/^memory_near_ns *=[^#]*/memory_near_ns = 960 /' sim/machines/haswell-ep-2x14.conf >"$work/slow.conf"
for machine in haswell-ep-2x14 "$work/slow.conf"; do
    run run --machine "$machine" --cores 1 --workload smallbank --accounts 100k --warmup 0s --time 1ms --json off \
        --csv "$work/memory-$(basename "$machine").csv"
    ended "memory of $(basename "$machine")" 0 ""
done
fast=$(column "$work/memory-haswell-ep-2x14.csv" commits)
slow=$(column "$work/memory-slow.conf.csv" commits)
if [ "$slow" -lt $((fast / 2)) ]; then
    ok "slow memory costs transactions"
else
    bad "slow memory costs transactions" "$fast commits became $slow"
fi

# ---- Which places wait for lines. ----

simulate --cores 4 --profile lines
ended "a profile of lines" 0 "transfers of lines, a committed transaction"
if grep -qE '^ +[0-9.]+ +[0-9.]+ .* commit\.c:[0-9]+ .* in txn_commit$' "$work/out" &&
    grep -qE ' sum:[0-9]+ places in all$' "$work/out"; then
    ok "its places have names"
else
    bad "its places have names" "$(tail -30 "$work/out")"
fi

# ---- A figure: threads to the machine's cores; caption and claims say that it is simulated. ----

sed 's/^cores_per_socket *=[^#]*/cores_per_socket = 2 /; s/^cores_per_l3 *=[^#]*/cores_per_l3 = 2 /
    s/^sockets *=[^#]*/sockets = 1 /' sim/machines/haswell-ep-2x14.conf >"$work/two.conf"
figure() { # arguments of figure
    run figure fig6a --machine "$work/two.conf" --out "$work/figures" --override records=1k --override time=1ms \
        --override warmup=100us --override repetitions=2 "$@"
}
figure
ended "a figure is simulated" 0 ""
folder=$(echo "$work"/figures/fig6a,machine=*/)
threads=$(python3 -c 'import csv, sys
print(*sorted({int(row["threads"]) for row in csv.DictReader(open(sys.argv[1]))}))' "$folder/results.csv")
equals "its threads go to the machine's cores" "$threads" "1 2"
repeated=$(python3 -c 'import csv, sys
rows = [row for row in csv.DictReader(open(sys.argv[1])) if row["txn_type"] == "all" and row["threads"] == "2"]
print(len({row["label"] for row in rows}), len({row["window_s"] + row["latency_mean_ns"] for row in rows}))' \
    "$folder/results.csv")
equals "its repetitions differ" "$repeated" "3 6"
if grep -q "SIMULATED machine $work/two.conf" "${folder%/}.svg"; then
    ok "its caption names the machine"
else
    bad "its caption names the machine" "$(grep -o '<text[^>]*>[^<]*' "${folder%/}.svg" | tail -5)"
fi
cp -r "${folder%/}" "$work/figures/fig6a,machine=two" # as if nothing but the machine had been replaced
run report "$work/figures"
ended "its page is made" 0 "report.html"
judged=$(grep -c "in simulation: cannot be told" "$work/figures/claims.csv")
equals "its claims say that they are judged in simulation" "$judged" 1
figure --dry-run
ended "a figure that is there is not simulated again" 0 "12 of them finished; 0 to run"
ends "a figure's machine" 2 "--machine: this build simulates" figure fig6a --out "$work/none"
ends "a figure's machine that is not there" 2 "sim/machines/none.conf" figure fig6a --machine none --out "$work/none"
ends "a figure too long" 2 "--effort: paper" figure fig6a --machine epyc-2x64 --effort paper --out "$work/none"

# ---- Calibration finds the numbers of a machine, of which it knows none. ----

sed 's/^cores_per_socket *=[^#]*/cores_per_socket = 4 /; s/^cores_per_l3 *=[^#]*/cores_per_l3 = 2 /
    s/^l3_socket_ns *=[^#]*/l3_socket_ns = 60 /; s/^core_socket_ns *=[^#]*/core_socket_ns = 80 /
    s/^l3_bytes *=[^#]*/l3_bytes = 5M /; s/^link_gb_per_s *=[^#]*/link_gb_per_s = 8 /' \
    sim/machines/haswell-ep-2x14.conf >"$work/eight.conf"
run calibrate --machine "$work/eight.conf" --rounds 1 "$work/found.conf"
ended "a simulated machine is calibrated" 0 ""
number() { # FILE KEY
    awk -v key="$2" '$1 == key { print $3 }' "$1"
}
# Loads side by side are told apart by instructions, too, so that there seem to be fewer.
for key in sockets cores_per_socket cores_per_l3 tsc_ghz l2_bytes l3_bytes instruction_ns atomic_ns atomic_waits \
    branch_ns clock_ns pause_ns l2_ns l3_ns l3_socket_ns l3_remote_ns core_near_ns core_socket_ns core_remote_ns \
    memory_near_ns memory_remote_ns link_gb_per_s misses window barrier_ns yield_ns wake_ns; do
    size=$(number "$work/eight.conf" $key | sed 's/K$/ * 1024/; s/M$/ * 1048576/')
    found=$(number "$work/found.conf" $key)
    most=0.15
    [ $key != misses ] || most=0.2
    equals "it finds $key" "$(python3 -c "print(abs($found / ($size) - 1) < $most)")" True
done
sed 's/^sockets *=[^#]*/sockets = 1 /; s/^atomic_waits *=[^#]*/atomic_waits = 0 /' "$work/two.conf" \
    >"$work/overlaps.conf"
run calibrate --machine "$work/overlaps.conf" --rounds 1 "$work/found-overlaps.conf"
ended "a machine whose locked instructions overlap is calibrated" 0 ""
equals "it finds that they do" "$(number "$work/found-overlaps.conf" atomic_waits)" 0
run run --machine "$work/found.conf" --workload smallbank --accounts 100 --warmup 100us --time 1ms --json off
ended "what it found is a machine" 0 "passed"

# ---- What is refused. ----

ends "no machine" 2 "--machine: this build simulates" run
ends "no such machine" 2 "sim/machines/none.conf" run --machine none
ends "more cores than there are" 2 "want 1 to 28" run --machine haswell-ep-2x14 --cores 29
ends "more workers than cores" 2 "want at most 2 --threads" run --machine haswell-ep-2x14 --cores 2 --threads 3
ends "calibration of no machine" 2 "--machine: this build simulates" calibrate "$work/none.conf"
ends "calibration of none that is there" 2 "sim/machines/none.conf" calibrate --machine none "$work/none.conf"
ends "counters" 2 "--counters: a simulated machine has none" run --machine haswell-ep-2x14 --counters cycles
echo "sockets = two" >"$work/wrong.conf"
ends "a machine that is wrong" 2 "wrong.conf:1: key 'sockets': " run --machine "$work/wrong.conf"

finish
