#!/usr/bin/env bash
# The command line of ./maemio: help, lists, every refusal with its exact message, exit codes, CSV, deadline, signals.
#   usage: tests/cli/run.sh            the program is $MAE_BUILD/maemio, or ./maemio
# Prints ok or FAIL for each case and "N passed, N failed" in the end.
set -u
cd "$(dirname "$0")/../.." || exit 1
maemio=${MAE_BUILD:-.}/maemio
[ -x "$maemio" ] || {
    echo "FAIL: there is no $maemio; run make first"
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

ok() {
    passed=$((passed + 1))
    echo "ok    $1"
}

bad() { # name, what was seen
    failed=$((failed + 1))
    echo "FAIL  $1"
    printf '    | %s\n' "${2//$'\n'/$'\n    | '}"
}

run() { # arguments; sets code, leaves $work/out and $work/err
    timeout -k 5 100 "$maemio" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

ends() { # name, expected code, a text of stdout or stderr (may be empty), arguments
    local name=$1 expected=$2 text=$3
    shift 3
    run "$@"
    if [ $code -ne "$expected" ]; then
        bad "$name" "exit code $code, not $expected; $(cat "$work/out" "$work/err")"
    elif [ -n "$text" ] && ! grep -qF -- "$text" "$work/out" "$work/err"; then
        bad "$name" "does not say '$text' but: $(cat "$work/out" "$work/err")"
    else
        ok "$name"
    fi
}

refuses() { # expected first line on stderr, arguments; nothing on stdout, exit code 2
    local expected=$1
    shift
    run "$@"
    local first
    first=$(head -n 1 "$work/err")
    if [ $code -ne 2 ] || [ "$first" != "$expected" ] || [ -s "$work/out" ]; then
        bad "refuses: $*" "exit code $code, '$first', not '$expected'"
    else
        ok "refuses: $*"
    fi
}

field() { # file, row (1 is the first after the header), column; only for rows without quoted commas before the column
    awk -F, -v row="$2" -v name="$3" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i }
        NR == row + 1 { print at ? $at : "no column " name }' "$1"
}

equals() { # name, seen, expected
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "'$2', not '$3'"; fi
}

short=(run --threads 1 --pin none --records 1000 --warmup 0 --time 50ms)

# ---- Help and lists. ----
ends "help" 0 "Usage: maemio [OPTION...] COMMAND" --help
ends "help names the commands" 0 "  run    run a workload on a target and measure it" --help
ends "version" 0 "maemio 0." --version
ends "run help" 0 "Usage: maemio run [OPTION...]" run --help
for option in workload preset target threads pin warmup time txns repetitions reload seed check deadline csv label \
    progress set records record-bytes theta; do
    ends "run help has --$option" 0 "--$option" run --help
done
ends "run help has the exit codes" 0 "  124  the deadline passed" run --help
ends "list help" 0 "  distributions  which keys a workload can ask for" list --help
for topic in options columns workloads targets distributions; do
    ends "list $topic" 0 "" list $topic
    equals "list $topic prints" "$([ -s "$work/out" ] && [ ! -s "$work/err" ] && echo yes)" yes
done
ends "list options has the engine's" 0 "  gc_interval_us " list options
ends "list targets says what bare is" 0 "not transactional" list targets
ends "list workloads has the presets" 0 "presets: A B C D E F" list workloads
ends "list distributions" 0 "zipfian-gray" list distributions

# ---- Refusals, each with its message. ----
refuses "maemio: name a command"
refuses "maemio: there is no command 'ran'" ran
refuses "maemio: unrecognized option '--foo'" --foo
refuses "maemio list: name what to list" list
refuses "maemio list: there is no list of 'foo'" list foo
refuses "maemio list: unexpected argument 'columns'" list options columns
refuses "maemio run: unrecognized option '--foo'" run --foo
refuses "maemio run: unexpected argument 'ycsb'" run ycsb
refuses "maemio run: option '--threads' requires an argument" run --threads
refuses "maemio run: --threads: '0' is out of range, it can be auto|1.." run --threads 0
refuses "maemio run: --threads: '-1' is not a whole number such as 1000, 10k, 10M" run --threads -1
refuses "maemio run: --threads: target native allows 256 workers" run --threads 257
refuses "maemio run: --time: '5' is not a time such as 500us, 200ms, 5s, 1m" run --time 5
refuses "maemio run: --time: '0' is out of range, it can be 1ms.." run --time 0
refuses "maemio run: --warmup: 'long' is not a time such as 500us, 200ms, 5s, 1m" run --warmup long
refuses "maemio run: --repetitions: '0' is out of range, it can be 1..1M" run --repetitions 0
refuses "maemio run: --check: 'perhaps' is neither on nor off" run --check=perhaps
refuses "maemio run: --progress: 'loud' is none of auto|on|off" run --progress loud
refuses "maemio run: --seed: '' is not a whole number such as 1000, 10k, 10M" run --seed=
refuses "maemio run: --deadline: shorter than warm-ups and windows together" run --deadline 3s
refuses "maemio run: --time and --txns exclude each other" run --txns 5 --time 1s
refuses "maemio run: --set: 'backoff' is not key=value" run --set backoff
refuses "maemio run: --target: there is no 'oracle'; there are native, bare" run --target oracle
refuses "maemio run: --records: '10X' is not a whole number such as 1000, 10k, 10M" run --records 10X
refuses "maemio run: --theta: 'x' is not a number such as 0.99" run --theta x
refuses "maemio run: --read-ratio: '1.5' is out of range, it can be 0..1" run --read-ratio 1.5
refuses "maemio run: --preset: workload ycsb has no preset 'Z'; it has A, B, C, D, E, F" run --preset Z
refuses "maemio run: --warehouses is an option of workload tpcc, not of ycsb" run --warehouses 2
refuses "maemio: --pin: 'sideways' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7" \
    run --pin sideways
refuses "maemio: --pin: CPU 0 is listed twice" run --pin 0,0
run run --workload nope
equals "an unknown workload lists the known ones" "$(head -n 1 "$work/err" | cut -d, -f1)" \
    "maemio run: --workload: there is no 'nope'; there are ycsb"
for setting in backof=off backoff=sometimes gc_interval_us=0 clock_sync_us=x inline_bytes=-1 promote=2 pending=never \
    timestamps=none memory_limit=lots huge_pages=7 sort_writes= precheck=maybe adaptive_skip=- early_abort_newer=x \
    clock_boost_ns=1h phase_times=3; do
    run "${short[@]}" --set "$setting"
    if [ $code -eq 2 ] && grep -q "^maemio: --set: .*${setting%%=*}" "$work/err"; then
        ok "refuses: --set $setting"
    else
        bad "refuses: --set $setting" "exit code $code, $(head -n 1 "$work/err")"
    fi
done

# ---- Runs. ----
ends "a run" 0 "throughput" "${short[@]}"
ends "a run is checked" 0 "check          passed" "${short[@]}"
ends "--no-check" 0 "check          skipped" "${short[@]}" --no-check
ends "--check off" 0 "check          skipped" "${short[@]}" --check off
ends "the bare target says what it is" 0 "not transactional" "${short[@]}" --target bare
ends "settings are taken" 0 "passed" "${short[@]}" --set backoff=off --set inline-bytes=0
ends "progress when asked" 0 "load " run --threads 1 --pin none --records 300k --warmup 0 --time 1500ms --progress=on
ends "no progress otherwise" 0 "" "${short[@]}"
equals "stderr is silent then" "$(cat "$work/err")" ""
ends "more workers than CPUs are marked" 0 "warning: more workers than CPUs" \
    run --threads $(($(nproc) + 1)) --records 1000 --warmup 0 --time 50ms

# ---- CSV. ----
csv=$work/a.csv
ends "csv file" 0 "" "${short[@]}" --repetitions 2 --csv "$csv" --label one
ends "csv appends, whatever the target" 0 "" "${short[@]}" --target bare --csv "$csv"
ends "csv appends, whatever the workload" 0 "" run --workload bank --threads 1 --pin none --txns 100 --csv "$csv"
equals "the header stands once" "$(grep -c '^workload,preset,target,threads,' "$csv")" 1
equals "the header is the list of columns" "$(head -n 1 "$csv")" \
    "$("$maemio" list columns | awk '{ print $1 }' | paste -sd,)"
equals "names are unique" "$(head -n 1 "$csv" | tr , '\n' | sort | uniq -d)" ""
equals "the first columns" "$(head -n 1 "$csv" | cut -d, -f1-14)" \
    "workload,preset,target,threads,pin,warmup_s,time_s,txns,repetitions,reload,seed,check,deadline_s,label"
for column in txn_type repetition outcome commits throughput_txn_per_s abort_ratio ns_per_op versions_per_row \
    bytes_per_row mem_hugetlb_bytes mem_transparent_bytes mem_small_bytes check_result aborts_newer aborts_precheck \
    eng_commits eng_ticks_execute wl_records wl_theta opt_backoff \
    opt_gc_interval_us revision dirty compiler kernel thp; do
    equals "column $column" "$(head -n 1 "$csv" | tr , '\n' | grep -cx $column)" 1
done
equals "check_result" "$(field "$csv" 1 check_result)" passed
equals "label" "$(field "$csv" 1 label)" one
equals "the workload's options are there" "$(field "$csv" 1 wl_records)" 1000
equals "the engine's options are there" "$(field "$csv" 1 opt_gc_interval_us)" 10
ends "csv on stdout" 0 "" "${short[@]}" --csv -
equals "nothing but csv there" "$(head -c 9 "$work/out") $(grep -c throughput "$work/out")" "workload, 1"
equals "the same seed and --txns give the same work" \
    "$(for _ in 1 2; do "$maemio" run --threads 1 --records 1000 --txns 2000 --seed 7 --csv - | sed 1d | head -n 1 |
        cut -d, -f24,26,30; done | sort -u | wc -l)" 1
printf 'a,b\n1,2\n' >"$work/other.csv"
ends "a foreign file is refused" 1 "other.csv: has other columns than this build writes" \
    "${short[@]}" --csv "$work/other.csv"
equals "and left alone" "$(cat "$work/other.csv")" $'a,b\n1,2'
printf 'half' >>"$csv"
ends "a torn line is refused" 1 "the last line is incomplete" "${short[@]}" --csv "$csv"
ends "a folder that is not there" 1 "cannot be opened: No such file or directory" "${short[@]}" --csv "$work/no/x.csv"
ends "a full disk" 1 "No space left on device" "${short[@]}" --csv /dev/full
"$maemio" "${short[@]}" >/dev/full 2>"$work/err"
equals "a full disk under the summary" "$? $(cat "$work/err")" "1 maemio: the summary cannot be written to stdout"
"$maemio" list columns >/dev/full 2>"$work/err"
equals "a full disk under a list" "$? $(cat "$work/err")" "1 maemio list: the list cannot be written to stdout"

# ---- Ends. ----
ends "out of memory in the load" 1 "phase load failed on worker 0: MAE_NO_MEMORY: out of memory" \
    run --threads 1 --pin none --records 200k --record-bytes 1000 --set memory_limit=100M
ends "out of memory in set-up" 1 "out of memory: the memory limit is reached" \
    run --threads 1 --pin none --records 10M --set memory_limit=16M
ends "deadline" 124 "maemio: the deadline of 500ms passed in phase " \
    run --threads 1 --pin none --records 3M --warmup 0 --time 1ms --deadline 500ms
for signal in INT TERM; do
    csv=$work/$signal.csv
    # bash starts background jobs with SIGINT ignored; a subshell with job control does not.
    code=$(
        set -m
        "$maemio" run --threads 1 --pin none --records 1000 --warmup 0 --time 60s --csv "$csv" \
            >"$work/out" 2>"$work/err" &
        sleep 1.5
        kill -s $signal $!
        wait $!
        echo $?
    )
    equals "SIG$signal ends with 130" "$code" 130
    equals "SIG$signal keeps what was measured" "$(field "$csv" 1 outcome)" interrupted
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
