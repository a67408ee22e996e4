#!/usr/bin/env bash
# Other people's databases as targets: those that were built run YCSB, TPC-C and the micro-workloads, with their checks;
# recorded histories are serializable, or what each promises; what is not built, or not promised, is refused with the
# reason; nothing stays behind. Skipped where none was built (scripts/setup --targets installs what they need).
#   usage: tests/cli/targets.sh            the program is $MAE_BUILD/maemio, or ./maemio; TARGET=name: that one only
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
export TMPDIR=$work/tmp # where databases have their files
mkdir "$TMPDIR"
chmod 711 "$work" # servers run as other users than root

# name, tab, "built" or why not
externals=$("$maemio" list targets | awk '
    /^[a-z]/ { name = $1; next }
    /\[external/ { external = name; print name "\tbuilt"; next }
    /not built|no server/ { sub(/^ */, ""); print external "\t" $0 }' | awk -F '\t' '
    { said[$1] = $2; if (!seen[$1]++) order[++n] = $1 }
    END { for (i = 1; i <= n; i++) print order[i] "\t" said[order[i]] }')

nothing_left() { # after what
    equals "no server is left after $1" "$(pgrep -f -- "$TMPDIR/maemio-target")" ""
    equals "nothing is left after $1" "$(ls -A "$TMPDIR")" ""
}

try_run() { # name, options of run
    local name=$1
    shift
    run run --pin none --warmup 0 --threads 2 --check fast "$@"
    ended "$name" 0 "passed"
}

workloads() { # target
    local preset
    for preset in A B C D E F; do
        try_run "$1: YCSB $preset" --target "$1" --workload ycsb --preset $preset --records 1k --ring-requests 10k \
            --scan-length-max 20 --txns 200
    done
    try_run "$1: TPC-C to the specification" --target "$1" --workload tpcc --preset spec --txns 100
    for micro in bank skew append counter singlekey churn blind; do
        [ "$1 $micro" != "wiredtiger skew" ] || continue # it shows what snapshot isolation is
        try_run "$1: $micro" --target "$1" --workload $micro --txns 200
    done
}

isolation_word() { # target: what its histories are held against
    case $1 in
    wiredtiger) echo snapshot ;;
    rocksdb) echo repeatable-read ;; # phantoms are excepted
    *) echo serializable ;;
    esac
}

histories() { # target
    local found="no cycle found"
    [ "$(isolation_word "$1")" = serializable ] || found="nothing that this isolation forbids"
    for micro in append bank; do
        rm -rf "$work/history"
        run run --target "$1" --workload $micro --history "$work/history" --check off --pin none --warmup 0 \
            --threads 3 --txns 200
        ended "$1: records $micro" 0 ""
        run check --isolation "$(isolation_word "$1")" "$work/history"
        ended "$1: the history of $micro" 0 "$found"
    done
}

durable_word() { # target: what its durability= has for commits that are safe
    case $1 in
    lmdb | sqlite) echo sync ;;
    *) echo group ;;
    esac
}

column() { # a result file, name: of its first row
    awk -F , -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR == 2 { print $at }' "$1"
}

outside() { # target, a result file of its: what it took outside of the program
    local trips
    trips=$(column "$2" round_trips_per_txn)
    equals "$1: it says what it is" "$(column "$2" target_version | grep -ciF "$1")" 1
    equals "$1: its files have a size" "$(($(column "$2" bytes_on_disk) > 0))" 1
    case $1 in
    postgresql | redis)
        equals "$1: a read and a commit are two round trips at least" "$((${trips%%.*} >= 2))" 1
        equals "$1: the server's CPU time is known" "$(column "$2" server_cpu_s | grep -c '^[0-9]')" 1
        ;;
    *) equals "$1: no round trips" "$trips" "" ;;
    esac
}

settings() { # target
    local isolation=serializable weaker=()
    case $1 in
    rocksdb | wiredtiger) # the former locks no ranges, the latter has nothing stronger
        isolation=snapshot
        weaker=(--set isolation=snapshot)
        ;;
    esac
    run run --target "$1" --workload counter --txns 10 --require $isolation,durable \
        --set durability=off "${weaker[@]}"
    ended "$1: --require refuses what is not durable" 2 "--require durable: target $1 promises"
    run run --target "$1" --workload counter --txns 10 --require $isolation,durable \
        --set "durability=$(durable_word "$1")" "${weaker[@]}" --set dir="$work/kept.$1" --csv "$work/$1.csv" --json off
    ended "$1: what is durable is taken" 0 "durability $(durable_word "$1")"
    outside "$1" "$work/$1.csv"
    equals "$1: the folder is kept" "$([ -n "$(ls -A "$work/kept.$1")" ] && echo yes)" yes
    run run --target "$1" --workload counter --txns 10 --set dir="$work/kept.$1"
    ended "$1: a folder in use is refused" 2 "want an empty folder"
}

interrupted() { # target: SIGINT in the middle of a run
    "$maemio" run --target "$1" --workload ycsb --records 1k --ring-requests 10k --pin none --warmup 0 --time 1h \
        --progress off >"$work/out" 2>"$work/err" </dev/null &
    until [ -n "$(ls -A "$TMPDIR")" ] || ! kill -0 $!; do sleep 0.1; done
    kill -INT $!
    wait $!
    nothing_left "SIGINT, $1"
}

is_quiet() { # no process and no folder of a target is there
    ! pgrep -f -- "$TMPDIR/maemio-target" >/dev/null && [ -z "$(ls -A "$TMPDIR")" ]
}

killed() { # target, a server: SIGKILL in the middle of a run; who stops the server and removes the folder is its guard
    "$maemio" run --target "$1" --workload ycsb --records 1k --ring-requests 10k --pin none --warmup 0 --time 1h \
        --progress off >"$work/out" 2>"$work/err" </dev/null &
    local program=$!
    until pgrep -f -- "$TMPDIR/maemio-target" >/dev/null || ! kill -0 $program; do sleep 0.1; done
    kill -KILL $program
    { wait $program; } 2>/dev/null
    until is_quiet; do sleep 0.1; done # a test that waits for ever is ended by scripts/run-tests
    nothing_left "SIGKILL, $1"
}

postgresql() {
    try_run "postgresql: single requests" --target postgresql --workload bank --txns 100 --set requests=single
    for isolation in snapshot read_committed; do
        run run --require serializable --target postgresql --set isolation=$isolation --workload counter --txns 10
        ended "postgresql: $isolation is not serializable" 2 "--require serializable: target postgresql promises"
    done
    "$maemio" run --target postgresql --workload counter --pin none --warmup 0 --time 1h --progress off \
        --set dir="$work/elsewhere.pg" >"$work/first.out" 2>&1 </dev/null &
    await test -S "$work/elsewhere.pg/.s.PGSQL.5432"
    local elsewhere=(--target postgresql --workload counter --txns 100
        --set conninfo="host=$work/elsewhere.pg user=maemio dbname=postgres")
    await "$maemio" run "${elsewhere[@]}" --pin none --progress off >"$work/second.out" 2>&1 </dev/null
    try_run "postgresql: a server that runs elsewhere" "${elsewhere[@]}"
    run run "${elsewhere[@]}" --set durability=group
    ended "postgresql: it is asked whether it flushes" 2 "durability: the server has fsync='off'"
    kill -INT $!
    wait $!
    ends "postgresql: nobody there" 2 "PostgreSQL: connection to server" run --target postgresql --workload counter \
        --txns 10 --set conninfo="host=127.0.0.1 port=1"
}

built=0
while IFS=$'\t' read -r target state <&3; do
    if [ -n "${TARGET:-}" ] && [ "$TARGET" != "$target" ]; then
        continue
    fi
    if [ "$state" != built ]; then
        echo "skipped: $target is $state"
        run run --target "$target" --workload counter --txns 10
        ended "$target: a run says why there is none" 2 "apt install"
        continue
    fi
    built=$((built + 1))
    workloads "$target"
    histories "$target"
    settings "$target"
    nothing_left "the runs of $target"
    interrupted "$target"
    case $target in
    postgresql)
        killed "$target"
        postgresql
        ;;
    redis) killed "$target" ;;
    esac
done 3<<<"$externals"

ends "--require wants words it knows" 2 "'fast' is no promise" run --target native --require fast
ends "--require is kept by native" 2 "--require durable: target native" run --require serializable,durable
ends "--require is kept by bare" 2 "--require serializable: target bare" run --target bare --require serializable

# A shared object of another version, or none at all, beside the program.
mkdir -p "$work/elsewhere/targets"
cp "$maemio" "$work/elsewhere/maemio"
echo 'not a shared object' >"$work/elsewhere/targets/lmdb.so"
launch "$work/elsewhere/maemio" run --target lmdb --workload counter --txns 10
ended "what is no shared object is refused" 2 "targets/lmdb.so"
cat >"$work/old.c" <<'C'
#include <stddef.h>
const struct { unsigned abi; size_t ops_bytes; const size_t *options_bytes; const void *ops; } maemio_target = {0};
C
"${CC:-gcc}" -shared -fPIC -o "$work/elsewhere/targets/lmdb.so" "$work/old.c"
launch "$work/elsewhere/maemio" run --target lmdb --workload counter --txns 10
ended "one of another version is refused" 2 "was not built for this program"

if [ $built -eq 0 ] && [ $failed -eq 0 ]; then
    echo "no database was built; scripts/setup --targets installs what apt has"
    exit 77
fi
finish
