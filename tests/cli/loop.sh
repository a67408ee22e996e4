#!/usr/bin/env bash
# A loss of power with a real file system. ext4 lies in a file that serves as a disk (a loop device). A program counts
# there, each count made safe before it is printed (examples/counter.c), and a run of a workload keeps the disk busy.
# Then both are stopped, and the file is copied as it is: what they and the file system had in memory only is not in it.
# The copy is mounted, which lets ext4 read its journal, and what was printed before must be there. Then the disk is
# full for a while, another one to the end of a run, and at last it cannot be written.
#   usage: tests/cli/loop.sh       LOOP_CRASHES: how often, 2 by default
# Skipped where that cannot be had: it needs root, and a loop device with ext4 that can be mounted.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${MAE_BUILD:-build/release}
maemio=$build/maemio
stage=$(mktemp -d)
pids=()

clean() {
    [ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
    wait
    for place in "$stage/disk" "$stage/little"; do
        ! mountpoint -q "$place" || umount "$place" || umount -l "$place"
    done
    rm -rf "$stage"
}
trap clean EXIT

skip() {
    echo "skipped: $1"
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip 'a loop device needs root'
for tool in losetup mkfs.ext4 mount mountpoint; do
    command -v "$tool" >/dev/null || skip "there is no $tool"
done
mkdir "$stage/disk" "$stage/little"
truncate -s 1G "$stage/image" # of which little is ever written
mkfs.ext4 -q -F "$stage/image"
mount -o loop "$stage/image" "$stage/disk" 2>"$stage/why" || skip "no loop device: $(tail -n 1 "$stage/why")"
disk=/sys/block/$(basename "$(losetup -j "$stage/image" -n -O NAME | head -n 1)")/stat

case ${build##*/} in
*asan) extra=-fsanitize=address,undefined ;;
*tsan) extra=-fsanitize=thread ;;
*cov) extra=--coverage ;;
*) extra= ;;
esac
mkdir "$stage/include"
cp engine/maemio.h "$stage/include"
# shellcheck disable=SC2086 # a list of flags
"${CC:-gcc}" -O2 $extra -I"$stage/include" examples/counter.c "$build/libmaemio.a" -lpthread -lm -o "$stage/counter"

# Copies the file while nothing is written to the disk: the system may still do so for a moment, on its own.
copy() {
    local before
    for _ in $(seq 50); do
        before=$(cat "$disk")
        cp --sparse=always "$stage/image" "$stage/crashed"
        [ "$before" != "$(cat "$disk")" ] || return 0
        sleep 0.05
    done
    echo 'the disk is never at rest'
    return 1
}

# Whether the log has gone on to a second segment. The first ones may be gone: checkpoints give them back.
later_segment() { # later_segment FOLDER
    compgen -G "$1/log-*[1-9]*" >/dev/null
}

crash() { # crash SECONDS
    : >"$stage/numbers"
    "$stage/counter" "$stage/disk/count" 100000000 sync >"$stage/numbers" &
    pids=($!)
    "$maemio" run --workload bank --threads 2 --pin none --warmup 0 --time 60s --set durability=group \
        --set "log_dir=$stage/disk/bank" --set log_segment_bytes=1M --set checkpoint_log_bytes=4M >"$stage/run" 2>&1 &
    pids+=($!)
    until [ "$(wc -l <"$stage/numbers")" -gt 5 ] && later_segment "$stage/disk/bank"; do
        if ! kill -0 "${pids[0]}" || ! kill -0 "${pids[1]}"; then
            cat "$stage/numbers" "$stage/run"
            exit 1
        fi
        sleep 0.05
    done
    sleep "$1"
    kill -STOP "${pids[@]}"
    copy
    last=$(sed '$!d' <"$stage/numbers") # the last whole line, if it is one
    [ "$(tail -c 1 "$stage/numbers" | wc -l)" -eq 1 ] || last=$(tail -n 2 "$stage/numbers" | head -n 1)
    kill -9 "${pids[@]}"
    wait "${pids[@]}" 2>/dev/null || true
    pids=()
    umount "$stage/disk"
    mv "$stage/crashed" "$stage/image"
    mount -o loop "$stage/image" "$stage/disk"
    disk=/sys/block/$(basename "$(losetup -j "$stage/image" -n -O NAME | head -n 1)")/stat
    "$maemio" recover "$stage/disk/bank" >"$stage/out"
    grep -q 'verification  *ok' "$stage/out"
    next=$("$stage/counter" "$stage/disk/count" 1 sync | tail -n 1)
    echo "printed up to $last, goes on with $next; bank: $(grep '^transactions restored' "$stage/out")"
    [ "$next" -gt "$last" ]
    rm -rf "$stage/disk/bank"
}

for _ in $(seq "${LOOP_CRASHES:-2}"); do
    crash "0.$((RANDOM % 6 + 1))"
done

# Full: a counter that waits for the disk goes on as soon as there is space, and nothing is lost. It is open before.
: >"$stage/numbers"
"$stage/counter" "$stage/disk/count" 100000000 sync >"$stage/numbers" &
pids=($!)
until [ -s "$stage/numbers" ] || ! kill -0 "${pids[0]}"; do sleep 0.05; done
"$maemio" run --workload bank --threads 2 --pin none --warmup 0 --time 4s --set durability=group \
    --set "log_dir=$stage/disk/full" --set log_segment_bytes=1M --set checkpoint_log_bytes=0 --csv "$stage/full.csv" \
    >"$stage/run" 2>&1 &
pids+=($!)
until [ -e "$stage/disk/full/log-00000002" ] || ! kill -0 "${pids[1]}"; do sleep 0.05; done
fallocate -l "$(df --output=avail -B1 "$stage/disk" | tail -n 1)" "$stage/disk/filler" || true # writes nothing
for block in 1M 4K; do
    if dd if=/dev/zero of="$stage/disk/filler.$block" bs=$block status=none 2>"$stage/why"; then
        echo 'the disk has no end'
        exit 1
    fi
    grep 'No space left' "$stage/why"
done
sleep 1
if "$maemio" run --workload counter --threads 1 --pin none --warmup 0 --txns 10 --set durability=group \
    --set "log_dir=$stage/disk/late" >"$stage/late" 2>&1; then
    echo 'a database was made on a full disk'
    exit 1
fi
# The file system may still have had the few pages of an empty one: then the first table has none.
grep -qE 'No space left on device|no space on the disk' "$stage/late"
rm "$stage/disk"/filler*
wait "${pids[1]}" || { cat "$stage/run"; exit 1; }
aborts=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["txn_type"] == "all" { print $at["aborts_log"] }' "$stage/full.csv")
kill -9 "${pids[0]}"
wait "${pids[0]}" 2>/dev/null || true
pids=()
last=$(grep -c . "$stage/numbers")
echo "full: $last counts, and $aborts commits of bank that found no space"
[ "$aborts" -gt 0 ]
"$maemio" recover "$stage/disk/full" >"$stage/out"
grep -q 'verification  *ok' "$stage/out"
next=$("$stage/counter" "$stage/disk/count" 1 sync | tail -n 1)
[ "$next" -gt "$(sed '$!d' <"$stage/numbers")" ]

# Full to the end: the run fails, and says from where on commits are lost.
mount -t tmpfs -o size=6m none "$stage/little"
if "$maemio" run --workload counter --threads 1 --pin none --warmup 0 --time 1s --set durability=async \
    --set "log_dir=$stage/little" --set log_segment_bytes=2M --set checkpoint_log_bytes=0 >"$stage/out" 2>&1; then
    echo 'commits were lost, and the run was fine'
    exit 1
fi
umount "$stage/little"
grep 'commits from timestamp [0-9]* on are lost: the log has no space' "$stage/out"

# Read only: it can be looked into, and is not opened.
mount -o remount,ro "$stage/disk"
"$maemio" log "$stage/disk/full" --verify >"$stage/out"
grep -q 'verification: ok' "$stage/out"
if "$maemio" recover "$stage/disk/full" >"$stage/out" 2>&1; then
    echo 'what cannot be written was opened'
    exit 1
fi
grep 'full/lock: Read-only file system' "$stage/out"
