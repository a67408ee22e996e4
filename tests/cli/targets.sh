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
    try_run "$1: TPC-C in parts" --target "$1" --workload tpcc --preset spec --split-rows --txns 100
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

column() { # a result file, name: of its first row; a field in quotes may have commas
    awk -v name="$2" '
        {
            quoted = count = 0
            text = ""
            for (i = 1; i <= length($0); i++) {
                letter = substr($0, i, 1)
                if (letter == "\"")
                    quoted = !quoted
                else if (letter == "," && !quoted) {
                    field[++count] = text
                    text = ""
                } else
                    text = text letter
            }
            field[++count] = text
        }
        NR == 1 { for (i = 1; i <= count; i++) if (field[i] == name) at = i }
        NR == 2 { print field[at] }' "$1"
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

catches_interrupts() { # process
    grep -q '^SigCgt:.*[2367abef]$' "/proc/$1/status" # SIGINT is the second bit
}

interrupted() { # target: SIGINT in the middle of a run
    "$maemio" run --target "$1" --workload ycsb --records 1k --ring-requests 10k --pin none --warmup 0 --time 1h \
        --progress off >"$work/out" 2>"$work/err" </dev/null &
    # A shell lets its background jobs ignore SIGINT: what comes before the run takes it would be lost.
    until { [ -n "$(ls -A "$TMPDIR")" ] && catches_interrupts $!; } || ! kill -0 $!; do sleep 0.1; done
    kill -INT $!
    wait $!
    nothing_left "SIGINT, $1"
}

announced() { # target, a server: sixteen keys that are announced, and all workers' round trips counted
    local batch trips
    for batch in off on; do
        try_run "$1: sixteen requests, batch=$batch" --target "$1" --workload ycsb --preset C --records 1k \
            --ring-requests 10k --ops-per-txn 16 --batch $batch --txns 1000 --csv "$work/$1.$batch.csv" --json off
        trips=$(column "$work/$1.$batch.csv" round_trips_per_txn)
        equals "$1: have that many round trips, batch=$batch" "${trips%%.*}" "$([ $batch = on ] && echo 2 || echo 17)"
    done
}

is_quiet() { # no process and no folder of a target is there
    ! pgrep -f -- "$TMPDIR/maemio-target" >/dev/null && [ -z "$(ls -A "$TMPDIR")" ]
}

server_is_held() { # target, the process of the run, a CPU
    local pid='' inodes file
    until [ -n "$pid" ] || ! kill -0 "$2"; do
        sleep 0.1
        for file in "$TMPDIR"/maemio-target*/{server.pid,data/postmaster.pid}; do
            [ ! -s "$file" ] || pid=$(sed -n '1{/^[1-9]/p}' "$file") # below 0: not a server yet
        done
    done
    inodes=$(find "/proc/$pid/fd" -printf '%l\n' | grep -o '[0-9]*]$' | tr -d ']')
    equals "$1: its server runs where it was said" "$(taskset -cp "$pid" | sed 's/.*: //')" "$3"
    equals "$1: not as root" "$([ "$(stat -c %u "/proc/$pid")" -ne 0 ] && echo yes)" yes
    equals "$1: on no port" "$(awk '$4 == "0A" { print $10 }' /proc/net/tcp* | grep -cxF -- "$inodes")" 0
}

killed() { # target, a server: SIGKILL in the middle of a run; who stops the server and removes the folder is its guard
    local cpu
    cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
    "$maemio" run --target "$1" --workload ycsb --records 1k --ring-requests 10k --pin none --warmup 0 --time 1h \
        --progress off --set server_cpus="$cpu" >"$work/out" 2>"$work/err" </dev/null &
    local program=$!
    server_is_held "$1" $program "$cpu"
    kill -KILL $program
    { wait $program; } 2>/dev/null
    until is_quiet; do sleep 0.1; done # a test that waits for ever is ended by scripts/run-tests
    nothing_left "SIGKILL, $1"
}

# Stand-ins for what other servers than PostgreSQL answer, since none is here. They are made of PostgreSQL itself.
other_servers() { # arguments of run for a server that runs elsewhere, and its socket's folder
    local folder=$1 finds="dbname=postgres options='-c search_path=stand_in,pg_catalog'"
    shift
    # Some statements and some commits fail as if the transaction could not be serialized.
    psql -q -X -h "$folder" -U maemio postgres >"$work/psql" 2>&1 <<'SQL'
CREATE SCHEMA stand_in;
CREATE FUNCTION stand_in.version() RETURNS text LANGUAGE sql AS
    $$ SELECT 'CockroachDB CCL v23.1.0 (x86_64-pc-linux-gnu, built 2023/05/15)' $$;
CREATE SEQUENCE stand_in.calls;
CREATE FUNCTION stand_in.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF least(nextval('stand_in.calls') % 4, currval('stand_in.calls') % 7) = 0 THEN
        RAISE EXCEPTION 'restart transaction' USING ERRCODE = '40001';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION stand_in.install() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE made record; BEGIN
    FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
        EXECUTE format('CREATE TRIGGER a BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION stand_in.fail()',
            made.objid::regclass);
        EXECUTE format('CREATE CONSTRAINT TRIGGER b AFTER UPDATE ON %s DEFERRABLE INITIALLY DEFERRED '
            'FOR EACH ROW EXECUTE FUNCTION stand_in.fail()', made.objid::regclass);
    END LOOP;
END $$;
CREATE EVENT TRIGGER install ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION stand_in.install();
SQL
    equals "the stand-ins are there" "$(cat "$work/psql")" ""
    try_run "postgresql: 40001 of statements and of COMMIT is tried again" "$@" --csv "$work/again.csv" --json off
    equals "and counted as conflicts" "$(awk -v n="$(column "$work/again.csv" aborts_conflict)" \
        'BEGIN { print (n > 20) }')" 1
    psql -q -X -h "$folder" -U maemio -c 'DROP EVENT TRIGGER install' postgres
    # What stands before the server's own functions is found first, and so is what it says of itself.
    try_run "postgresql: a server that says it is another one" "${@/dbname=postgres/$finds}" \
        --csv "$work/other.csv" --json off
    equals "is told as that" "$(column "$work/other.csv" target_version | grep -c '^CockroachDB CCL v23.1.0')" 1
    # Between the two stands who changes what the client asks for into the default level, which is weaker.
    mkdir "$work/between"
    python3 - "$folder/.s.PGSQL.5432" "$work/between/.s.PGSQL.5432" 2>"$work/between.err" <<'PYTHON' &
import os, socket, sys, threading
def carry(source, sink, change):
    while data := source.recv(65536):
        sink.sendall(change(data))
    sink.shutdown(socket.SHUT_WR)
def weaken(data):
    asked = b'BEGIN ISOLATION LEVEL serializable'
    return data.replace(asked, b'BEGIN'.ljust(len(asked)))
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[2] + '.new')
listener.listen()
os.rename(sys.argv[2] + '.new', sys.argv[2])
while True:
    client, server = listener.accept()[0], socket.socket(socket.AF_UNIX)
    server.connect(sys.argv[1])
    threading.Thread(target=carry, args=(client, server, weaken), daemon=True).start()
    threading.Thread(target=carry, args=(server, client, lambda data: data), daemon=True).start()
PYTHON
    local between=$!
    await test -S "$work/between/.s.PGSQL.5432"
    run run "${@/$folder/$work/between}"
    ended "postgresql: a server that gives less isolation than was asked is refused" 2 \
        "isolation: asked for serializable, the server gives 'read committed'"
    kill $between
    { wait $between; } 2>/dev/null
}

postgresql() {
    try_run "postgresql: single requests" --target postgresql --workload bank --txns 100 --set requests=single
    for isolation in snapshot read_committed; do
        run run --require serializable --target postgresql --set isolation=$isolation --workload counter --txns 10
        ended "postgresql: $isolation is not serializable" 2 "--require serializable: target postgresql promises"
    done
    "$maemio" run --target postgresql --workload counter --pin none --warmup 0 --time 1h --progress off \
        --set dir="$work/elsewhere.pg" >"$work/first.out" 2>&1 </dev/null &
    local first=$!
    await test -S "$work/elsewhere.pg/.s.PGSQL.5432"
    local elsewhere=(--target postgresql --workload counter --txns 100
        --set conninfo="host=$work/elsewhere.pg user=maemio dbname=postgres")
    await "$maemio" run "${elsewhere[@]}" --pin none --progress off >"$work/second.out" 2>&1 </dev/null
    try_run "postgresql: a server that runs elsewhere" "${elsewhere[@]}"
    run run "${elsewhere[@]}" --set durability=group
    ended "postgresql: it is asked whether it flushes" 2 "durability: the server has fsync='off'"
    if command -v psql >/dev/null && command -v python3 >/dev/null; then
        other_servers "$work/elsewhere.pg" "${elsewhere[@]}"
    else
        echo "skipped: stand-ins for other servers than PostgreSQL want psql and python3"
    fi
    kill -INT "$first"
    wait "$first"
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
        announced "$target"
        killed "$target"
        postgresql
        ;;
    redis)
        announced "$target"
        killed "$target"
        ;;
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
