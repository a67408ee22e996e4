#!/usr/bin/env bash
# `maemio run --history` and `maemio check`: refusals, histories that are broken or not serializable, histories as text
# and in Elle's form, and runs that are interrupted, killed, stopped or out of space.
#   usage: tests/cli/history_files.sh      the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
history=$work/history

# ---- What the run says of it, and where else it can be asked for. ----

run run --records 100 --threads 2 --warmup 0 --time 300ms --history "$history" --csv "$work/runs.csv"
column=$(head -n 1 "$work/runs.csv" | tr , '\n' | grep -nx recorded | cut -d : -f 1)
if [ $code -eq 0 ] && [ "$(sed -n 2p "$work/runs.csv" | cut -d , -f "$column")" = 1 ]; then
    ok "the row says that it was recorded"
else
    bad "the row says that it was recorded" "exit code $code: $(cat "$work/err")"
fi
printf 'records = 100\nthreads = 2\nwarmup = 0\ntxns = 200\nhistory = job.hist\nrepetitions = 2\n' >"$work/job.conf"
(cd "$work" && "$maemio" run --config-file job.conf >out 2>err)
ends "a job file records" 0 "serializable" check "$work/job.hist"
run sweep "$work/job.conf" --out "$work/sweep"
if [ $code -eq 0 ] && [ "$(find "$work/sweep/runs" -name job.hist | wc -l)" -eq 2 ]; then
    ok "each run of a sweep keeps its history in its folder"
    ends "which is whole" 0 "serializable" check "$(find "$work/sweep/runs" -name job.hist | head -n 1)"
else
    bad "each run of a sweep keeps its history in its folder" "exit code $code: $(cat "$work/err")"
fi
run run --workload counter --target bare --threads 1 --txns 200 --history "$history"
ends "a target that does not know its order is judged by the graph" 0 "no cycle found; the target does not know" \
    check "$history"
ends "and its text says the same" 0 "write counter" check --text "$history"
printf 'MAEHIST1........' >"$work/old"
ends "another version of the format is named" 1 "the format is MAEHIST1, this program reads MAEHIST3" check "$work/old"
ends "stdout is refused" 2 "does not go to stdout" run --history -
ends "reloaded repetitions are refused" 2 "--history and --reload exclude each other" \
    run --history "$history" --reload --repetitions 2
ends "a file that cannot be written is named" 1 "--history /nowhere/x: No such file" run --history /nowhere/x
ends "a full disk is noticed at once" 1 "--history /dev/full: No space left" run --history /dev/full

# ---- Text, and Elle's form. ----

run run --workload append --lists 8 --threads 3 --txns 200 --history "$history"
"$maemio" check --text "$history" >"$work/text"
ends "text says the same as binary" 0 "serializable, in timestamp order" check "$work/text"
committed=$(grep -c '^commit' "$work/text")
run check "$history" --elle "$work/edn"
# Elle's rules for list-append: each completion follows its invocation, :index counts, and of each list every read saw a
# prefix of the longest.
op='\[:(append [0-9]+ [0-9]+|r [0-9]+ (nil|\[[0-9 ]*\]))\]'
line="^\\{:index [0-9]+, :type :(invoke|ok|fail), :f :txn, :process [0-9]+, :value \\[($op ?)*\\]\\}\$"
grep -vE "$line" "$work/edn" >"$work/strange" && bad "each line is one of Elle's" "$(head -c 1000 "$work/strange")"
elle=$(awk -v committed="$committed" '
    $2 != (NR - 1) "," { print "line " NR ": index " $2 }
    { type = $4; process = $8 }
    NR % 2 && type != ":invoke," || NR % 2 == 0 && (type == ":invoke," || process != before) {
        print "line " NR ": " type
    }
    { before = process; ok += type == ":ok," }
    type == ":ok," {
        rest = $0
        while (match(rest, /\[:r [0-9]+ \[[0-9 ]*\]\]/)) {
            read = substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
            split(read, words, " ")
            list = substr(read, index(read, " [") + 2)
            sub(/\]\]$/, " ", list)
            reads[++count] = list
            of[count] = words[2]
            if (length(list) > length(longest[words[2]])) longest[words[2]] = list
        }
    }
    END {
        if (ok != committed || !count) print ok " of " committed " transactions, " count " reads"
        for (i = 1; i <= count; i++)
            if (index(longest[of[i]], reads[i]) != 1) print "a read of list " of[i] " is no prefix: " reads[i]
    }' "$work/edn")
if [ $code -eq 0 ] && [ -z "$elle" ]; then
    ok "a history of list appends in Elle's form"
else
    bad "a history of list appends in Elle's form" "exit code $code: $(head -c 2000 <<<"$elle")"
fi
run check "$history" --elle -
if [ $code -eq 0 ] && cmp -s "$work/out" "$work/edn" && grep -q serializable "$work/err"; then
    ok "Elle's form on stdout, the verdict on stderr"
else
    bad "Elle's form on stdout, the verdict on stderr" "exit code $code"
fi
ends "text or Elle's form" 2 "exclude each other" check --text --elle - "$history"

# ---- Bad histories. ----

cat >"$work/skew" <<'END'
begin 10 rw worker 0
  insert x 1
  insert y 2
commit 10
begin 20 rw worker 1
  read y 10.2
  write x 1 over 10.1
commit 20
begin 30 rw worker 2
  read x 10.1
  write y 1 over 10.2
commit 30
END
run check "$work/skew"
ended "write skew is shown with its cycle" 3 "NOT serializable" "G2-item: a cycle with several rw on rows" \
    "the shortest cycle has 2 transactions" "begin 20 rw worker 1" "    read y 10.2" \
    "rw: read a version that the next one replaced, y" "stale-read"
ends "no file" 1 "$work/none: No such file" check "$work/none"
: >"$work/empty"
printf 'begin 1 rw worker 0\nread x 9.1\nread y 9.2\nwrite x 1 over 9.1\ncommit\n%s' \
    $'begin 2 rw worker 1\nread x 9.1\nread y 9.2\nwrite y 1 over 9.2\ncommit\n' > "$work/skew"
ends "write skew is not serializable" 3 "NOT serializable" check "$work/skew"
ends "snapshot isolation allows it" 0 "nothing that this isolation forbids" check --isolation snapshot "$work/skew"
ends "and says what it was" 0 "write skew (allowed)" check --isolation snapshot "$work/skew"
printf '%s' $'begin 1 rw worker 0\ninsert z 1\ncommit\nbegin 2 rw worker 0\ndelete z 1 over 1.1\ncommit\n' \
    $'begin 3 rw worker 0\ninsert z 1\ncommit\nbegin 4 rw worker 1\nmiss z\ncommit\n' > "$work/open"
ends "what nothing tells is not decided" 0 "not decided: 1" check "$work/open"
ends "an empty file" 1 "the file is empty" check "$work/empty"
ends "a folder" 1 "is a folder; a plain file is wanted" check "$work"
ends "not a history" 1 "neither a binary history" check "$maemio"
ends "a text that is no history" 1 "README.md:3: 'Maemio' is no record of a history" check README.md
if [ "$(id -u)" -ne 0 ]; then # root may read everything
    cp "$work/skew" "$work/secret"
    chmod 0 "$work/secret"
    ends "no permission" 1 "Permission denied" check "$work/secret"
fi
head -c -8 "$history" >"$work/cut"
ends "a history without its end" 1 "cut off: its end is missing" check "$work/cut"
end=$(tail -c 8 "$history" | od -An -tx1)
[ "$end" = " 00 00 00 00 00 00 ff ff" ] || bad "a history ends with an empty block" "$end"
{ head -c 2000 "$history" && tail -c 8 "$history"; } >"$work/hole"
ends "a history with a hole" 1 "damaged: a block at byte" check "$work/hole"
{ head -c 16 "$history" && head -c 8 /dev/zero && tail -c +25 "$history"; } >"$work/broken"
ends "a history with a broken record" 1 "the history itself is broken" check "$work/broken"
ends "two histories" 2 "one history at a time" check "$history" "$history"

# ---- Runs that end in other ways. ----

# shellcheck disable=SC2317 # `await` calls it
has_grown() {
    [ "$(stat -c %s "$history")" -gt 1000000 ]
}

# Sends signals to a run while it records; sets code.
during_run() { # signals, seconds, or `grown`: once the history has more than a block; then -- and the arguments
    local actions=()
    while [ "$1" != -- ]; do
        actions+=("$1")
        shift
    done
    shift
    : >"$history"
    "$maemio" "$@" >"$work/out" 2>"$work/err" </dev/null &
    local program=$!
    for action in "${actions[@]}"; do
        case $action in
        [0-9]*) sleep "$action" ;;
        grown) await has_grown ;;
        *) kill "-$action" $program ;;
        esac
    done
    wait $program
    code=$?
}

{ during_run grown INT -- run --records 1000 --threads 2 --warmup 0 --time 60s --history "$history"; } 2>/dev/null
if [ $code -eq 130 ]; then
    ends "an interrupted run leaves a whole history" 0 "serializable, in timestamp order" check "$history"
else
    bad "an interrupted run leaves a whole history" "exit code $code: $(cat "$work/err")"
fi
{ during_run grown KILL -- run --records 1000 --threads 2 --warmup 0 --time 60s --history "$history"; } 2>/dev/null
ends "a killed run does not" 1 "cut off: its end is missing" check "$history"
(
    trap '' XFSZ
    ulimit -f 400 # KiB
    during_run -- run --records 1000 --threads 2 --warmup 0 --txns 100k --history "$history"
    exit $code
)
code=$?
if [ $code -eq 1 ] && grep -q -- "--history $history: File too large" "$work/err"; then
    ok "a history that cannot be written fails the run"
    ends "and is told from a whole one" 1 "cut off: its end is missing" check "$history"
else
    bad "a history that cannot be written fails the run" "exit code $code: $(cat "$work/err")"
fi
# All threads stand still for a second, some of them inside a transaction.
during_run grown STOP 1 CONT 0.2 STOP 0.5 CONT -- run --workload bank --threads 4 --pin none --warmup 0 --time 2s \
    --history "$history" --csv "$work/stopped.csv"
if [ $code -eq 0 ]; then
    ends "a run that was stopped and continued ends in time, and its history is right" 0 "serializable" \
        check "$history"
else
    bad "a run that was stopped and continued ends in time" "exit code $code: $(cat "$work/err")"
fi

finish
