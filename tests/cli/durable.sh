#!/usr/bin/env bash
# A run with a log, and what `maemio recover' finds of it; a killed run; refusals; the example counter, killed.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${MAE_BUILD:-build/release}
maemio=$build/maemio
stage=$(mktemp -d)
trap 'kill -9 $(jobs -p) 2>/dev/null || true; rm -rf "$stage"' EXIT

short=(--threads 2 --pin none --warmup 0)

# Where temporary files live in memory, async is all that can be had.
mode=group
if ! "$maemio" run --workload counter "${short[@]}" --txns 100 --set durability=group --set log_dir="$stage/probe" \
    >"$stage/out" 2>&1; then
    grep -q 'in memory only' "$stage/out" || { cat "$stage/out"; exit 1; }
    mode=async
fi
echo "durability=$mode"

# By io_uring, where that is allowed; else it is said, with what would do instead, and no folder is made.
if "$maemio" run --workload counter "${short[@]}" --txns 100 --set "durability=$mode" --set log_io=uring \
    --set log_dir="$stage/ring" --csv "$stage/ring.csv" >"$stage/out" 2>&1; then
    head -n 1 "$stage/ring.csv" | grep -q opt_log_io
    grep -q ',uring,' "$stage/ring.csv"
    grep -q 'promises .*io_uring.* durability' "$stage/out"
    "$maemio" recover "$stage/ring" | grep -q 'verification  *ok'
else
    grep 'cannot use io_uring: .*; log_io=sync' "$stage/out"
    [ ! -e "$stage/ring" ]
fi

# What the target has said to be safe is counted and timed behind the commits.
"$maemio" run --workload bank "${short[@]}" --txns 2000 --set "durability=$mode" --set log_dir="$stage/columns" \
    --csv "$stage/columns.csv" >"$stage/out"
grep -q 'acknowledged .* bytes of log a transaction' "$stage/out"
column() { # column NAME: of the row over all types
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["txn_type"] == "all" { print $at[name] }' "$stage/columns.csv"
}
[ "$(column durable_count)" = "$(column commits)" ] # all of them became safe
[ "$(column durable_p50_ns)" -ge "$(column latency_p50_ns)" ]
awk -v bytes="$(column log_bytes_per_txn)" 'BEGIN { exit !(bytes > 50) }'

refused() { # refused CODE TEXT COMMAND...
    local code=$1 text=$2 got=0
    shift 2
    "$@" >"$stage/out" 2>&1 || got=$?
    if [ "$got" != "$code" ] || ! grep -q "$text" "$stage/out"; then
        echo "expected $code and '$text' of: $*; got $got:"
        cat "$stage/out"
        exit 1
    fi
}

small=(--workload bank "${short[@]}" --set "durability=$mode" --set log_segment_bytes=1M)
"$maemio" run "${small[@]}" --time 200ms --set log_dir="$stage/log" | tee "$stage/out"
grep -q "durability $mode" "$stage/out"
"$maemio" recover "$stage/log" | tee "$stage/out"
grep -q 'verification  *ok' "$stage/out"
grep -q 'opened before  *1 ' "$stage/out"
grep -q 'cut off  *0,' "$stage/out" # the run has closed its log
"$maemio" recover "$stage/log" | grep -q 'opened before  *2 '

# What stands in the folder, told without opening it. Each recovery above was a life.
"$maemio" log "$stage/log" | tee "$stage/out"
[ "$(grep -c '^life ' "$stage/out")" = 3 ]
grep -q '^log-00000001 .* \(whole\|end\)$' "$stage/out"
grep -q '^database .*, opened 3 times' "$stage/out"
"$maemio" log --verify "$stage/log" | grep -q '^verification: ok'
"$maemio" log --records --limit 3 "$stage/log" >"$stage/out"
[ "$(grep -cE '^[0-9]+ +(PUT|ADD) +bank' "$stage/out")" = 3 ]
"$maemio" log --records "$stage/log" >"$stage/out"
grep -E '^[0-9]+ +(PUT|DELETE|ADD|REMOVE) ' "$stage/out" >"$stage/records"
[ "$(sed -n 's/.* with \([0-9]*\) changes.*/\1/p' "$stage/out")" = "$(wc -l <"$stage/records")" ]
middle=$(awk '{ print $1 }' "$stage/records" | sort -n | sed -n '100p')
"$maemio" log --records --after "$middle" "$stage/log" | grep -E '^[0-9]+ +(PUT|DELETE|ADD|REMOVE) ' >"$stage/out"
[ "$(wc -l <"$stage/out")" = "$(awk -v after="$middle" '$1 > after' "$stage/records" | wc -l)" ]
files() {
    find "$stage/log" -printf '%p %s %T@\n' | sort
}
before=$(files)
"$maemio" log --verify "$stage/log" >"$stage/out"
[ "$(files)" = "$before" ] # nothing was written
if [ "$(id -u)" = 0 ]; then # as somebody who must not write there
    install -m 755 "$maemio" "$stage/maemio"
    chmod a+rx "$stage" "$stage/log"
    chmod -R a+r "$stage/log"
    setpriv --reuid 65534 --clear-groups "$stage/maemio" log --verify "$stage/log" | grep -q '^verification: ok'
    refused 1 'log/lock: Permission denied; who opens a database must be allowed to write' \
        setpriv --reuid 65534 --clear-groups "$stage/maemio" recover "$stage/log"
fi

# A copy, which is another database.
"$maemio" recover --backup "$stage/copy" "$stage/log" | tee "$stage/out"
"$maemio" recover "$stage/copy" | tee "$stage/copied"
grep -q 'verification  *ok' "$stage/copied"
[ "$(grep '^rows' "$stage/out")" = "$(grep '^rows' "$stage/copied")" ]
[ "$(grep '^database' "$stage/out")" != "$(grep '^database' "$stage/copied")" ]

# Damage in what was safe, whichever block that meets: refused with file and place, and cut there only on demand.
cp -r "$stage/log" "$stage/damaged"
head -c 4096 /dev/zero | tr '\0' x | dd of="$stage/damaged/log-00000001" bs=4096 seek=1 conv=notrunc status=none
refused 3 'damaged/log-00000001 at [0-9]*: .*on the disk for certain' "$maemio" recover "$stage/damaged"
refused 3 'damaged/log-00000001 at [0-9]*: .*on the disk for certain' "$maemio" log "$stage/damaged"
grep -q '^log-00000001 .* damaged$' "$stage/out"
"$maemio" recover --salvage "$stage/damaged" | tee "$stage/out"
grep -q 'cut off at damage  *.*damaged/log-00000001 at ' "$stage/out"
grep -q 'verification  *ok' "$stage/out"
"$maemio" recover "$stage/damaged" >"$stage/out" # the cut is for good, and nothing is asked for any more
if grep -q 'cut off at damage' "$stage/out"; then
    echo "FAIL  cut twice"
    exit 1
fi

# Killed in the middle, with a log in two folders, which are both needed.
"$maemio" run "${small[@]}" --time 600s --set log_dir="$stage/killed,$stage/other" >/dev/null 2>&1 &
pid=$!
until [ -e "$stage/other/log-00000001" ] || ! kill -0 "$pid"; do sleep 0.1; done
sleep 0.3
"$maemio" log "$stage/killed,$stage/other" >"$stage/out" # beside the process
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
"$maemio" log --verify "$stage/killed,$stage/other" >"$stage/told"
"$maemio" recover "$stage/killed,$stage/other" | tee "$stage/out"
[ "$(sed -n 's/^read: \([0-9]*\) .*/\1/p' "$stage/told")" = \
    "$(sed -n 's/^transactions restored *\([0-9]*\)$/\1/p' "$stage/out")" ]
grep -q 'verification  *ok' "$stage/out"
refused 1 "in 2 folders, and log_dir names 1: $stage/other is missing" "$maemio" recover "$stage/killed"
refused 1 "$stage/other is missing" "$maemio" log "$stage/killed"
refused 1 "No such file" "$maemio" recover "$stage/moved.none,$stage/killed"
mv "$stage/other" "$stage/moved"
refused 3 "$stage/other: this is not folder 1" "$maemio" recover "$stage/killed,$stage/other"
refused 3 "$stage/log has a database already" "$maemio" recover "$stage/killed,$stage/moved,$stage/log"
"$maemio" recover --backup "$stage/both" "$stage/killed,$stage/moved" >"$stage/out"
"$maemio" recover "$stage/both" >"$stage/copied"
[ "$(grep '^rows' "$stage/out")" = "$(grep '^rows' "$stage/copied")" ]

# One in one folder, killed, and torn: of the last block, which nothing says was safe, the beginning is there. It begins
# with the magic number.
"$maemio" run "${small[@]}" --time 600s --set log_dir="$stage/torn" >/dev/null 2>&1 &
pid=$!
until [ -e "$stage/torn/log-00000001" ] || ! kill -0 "$pid"; do sleep 0.1; done
sleep 0.3
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
"$maemio" log "$stage/torn" >"$stage/out"
read -r name bytes < <(awk '$8 == "end" { name = $1; bytes = $6 } END { print name, bytes }' "$stage/out")
until [ "$(dd if="$stage/torn/$name" bs=4 skip=$((bytes / 4)) count=1 status=none | tr -d '\0')" = LeaM ]; do
    bytes=$((bytes - 4096))
done
printf torn | dd of="$stage/torn/$name" bs=1 seek=$((bytes + 40)) conv=notrunc status=none
"$maemio" log "$stage/torn" | grep -q "^$name .* torn end\$"
"$maemio" recover "$stage/torn" | tee "$stage/out"
grep -q "torn end, cut off  *.*/$name at $bytes: " "$stage/out"
grep -q 'verification  *ok' "$stage/out"

# Through SQL: a run that ends, and one that is killed. COMMIT returns when it is on the disk.
if [ $mode = group ] && "$maemio" list targets | grep -q '^ *sql '; then
    sql=(--target sql --workload churn "${short[@]}" --set durability=group)
    "$maemio" run "${sql[@]}" --txns 300 --set log_dir="$stage/sql" | tee "$stage/out"
    grep -q 'durability group' "$stage/out"
    refused 1 'if an earlier run has left it in log_dir' "$maemio" run "${sql[@]}" --txns 10 --set log_dir="$stage/sql"
    "$maemio" run "${sql[@]}" --time 600s --set log_dir="$stage/killed-sql" >/dev/null 2>&1 &
    pid=$!
    until [ -e "$stage/killed-sql/log-00000001" ] || ! kill -0 "$pid"; do sleep 0.1; done
    sleep 1
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    for folder in sql killed-sql; do # each row has its entry in both indexes
        "$maemio" sql "$stage/$folder" -c 'SELECT (SELECT count(*) FROM churn) =
            (SELECT count(*) FROM "churn.churn_key"), (SELECT count(*) FROM churn) =
            (SELECT count(*) FROM "churn.churn_ordered")' | grep -qx '1|1'
        "$maemio" recover "$stage/$folder" | grep -q 'verification  *ok'
    done
    refused 2 'log_dir without durability' "$maemio" run --target sql "${short[@]}" --txns 10 \
        --set log_dir="$stage/none"
    refused 2 'needs log_dir' "$maemio" run "${sql[@]}" --txns 10
fi

# TPC-C, killed: the twelve conditions hold in what is restored. Elsewhere loading takes too long.
if [[ ${build##*/} == *release* ]]; then
    "$maemio" run --workload tpcc "${short[@]}" --time 600s --set "durability=$mode" --set log_dir="$stage/tpcc" \
        >"$stage/out" 2>&1 &
    pid=$!
    for _ in $(seq 600); do
        [ -e "$stage/tpcc/log-00000004" ] && break # the load takes three
        sleep 0.1
    done
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
    "$maemio" recover "$stage/tpcc" --workload tpcc --with warehouses=1 | tee "$stage/out"
    grep -q 'check of tpcc  *passed' "$stage/out"
fi

# Refusals.
refused 2 'name the folder' "$maemio" recover
refused 1 'has a database already' "$maemio" recover --backup "$stage/copy" "$stage/log"
refused 2 'its check needs the run' "$maemio" recover "$stage/log" --workload bank
refused 2 'not an option of tpcc' "$maemio" recover "$stage/log" --workload tpcc --with nonsense=1
refused 2 'name that with --workload' "$maemio" recover "$stage/log" --with warehouses=1
refused 1 'No such file or directory' "$maemio" recover "$stage/none"
[ ! -e "$stage/none" ] || { echo "FAIL  recover has made a folder"; exit 1; }
mkdir "$stage/empty"
refused 1 'there is no log in this folder' "$maemio" recover "$stage/empty"
refused 1 'there is no database in this folder' "$maemio" log "$stage/empty"
refused 2 'they choose among --records' "$maemio" log "$stage/empty" --limit 3
refused 2 'name the folder' "$maemio" log
[ -z "$(ls "$stage/empty")" ] || { echo "FAIL  recover has begun a log"; exit 1; }
printf 'maemio-log 1\n' >"$stage/log/manifest"
refused 1 'format 1' "$maemio" recover "$stage/log"
printf 'something else\n' >"$stage/log/manifest"
refused 3 'manifest' "$maemio" recover "$stage/log"
: >"$stage/file"
refused 1 "$stage/file" "$maemio" recover "$stage/file"
refused 1 'is a file; log_dir must be a folder' "$maemio" run --records 1000 --time 20ms --warmup 0 --threads 1 \
    --pin none --set durability=async --set "log_dir=$stage/file"

# The example, against the library of this build.
case ${build##*/} in
*asan) extra=-fsanitize=address,undefined ;;
*tsan) extra=-fsanitize=thread ;;
*cov) extra=--coverage ;;
*) extra= ;;
esac
mkdir "$stage/include"
cp engine/maemio.h "$stage/include"
# shellcheck disable=SC2086 # a list of flags
"${CC:-gcc}" -O2 -Wall -Wextra -Werror $extra -I"$stage/include" examples/counter.c "$build/libmaemio.a" -lpthread -lm \
    -o "$stage/counter"
sync=sync
[ $mode = group ] || sync=async
"$stage/counter" "$stage/count" 3 $sync | tail -n 1 | grep -qx 3
"$stage/counter" "$stage/count" 100000000 $sync >"$stage/numbers" &
pid=$!
until [ "$(wc -l <"$stage/numbers")" -gt 20 ] || ! kill -0 "$pid"; do sleep 0.1; done
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
last=$(grep -c . "$stage/numbers") # whole lines
next=$("$stage/counter" "$stage/count" 1 $sync)
echo "killed after $((last + 3)), goes on with $next"
[ $mode = async ] || [ "$next" -ge "$((last + 3))" ]
[ "$next" -gt 3 ]
