#!/usr/bin/env bash
# The command line of ./maemio: help, lists, every refusal with its exact message, exit codes, CSV, deadline, signals.
#   usage: tests/cli/run.sh            the program is $MAE_BUILD/maemio, or ./maemio
# Prints ok or FAIL for each case and "N passed, N failed" in the end.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

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

# A busy machine may keep a worker from its CPU for some 50 ms, and a window without a commit fails.
short=(run --threads 1 --pin none --records 1000 --warmup 0 --time 200ms)

# ---- Help and lists. ----
ends "help" 0 "Usage: maemio [OPTION...] COMMAND" --help
for command in run sweep node compare figure report check trend latency recover log sql doctor topology calibrate \
    list; do
    ends "help names $command" 0 "  $command " --help
    ends "$command --help" 0 "Usage: maemio $command" $command --help
done
ends "only a build that simulates has machines" 2 "--machine: this build measures" run --machine haswell-ep-2x14
ends "only simulated cores are chosen" 2 "--cores: this build measures" run --cores 2
ends "version" 0 "maemio 0." --version
ends "-h" 0 "Usage: maemio [OPTION...] COMMAND" -h
ends "help, the word" 0 "Usage: maemio [OPTION...] COMMAND" help
ends "help of a command" 0 "Usage: maemio run [OPTION...]" help run
ends "run -h" 0 "Usage: maemio run [OPTION...]" run -h
ends "report -h" 0 "Usage: maemio report" report -h
ends "version, the word" 0 "maemio 0." version
ends "version of a command" 0 "maemio 0." run --version
for arguments in --help 'list --help'; do
    # shellcheck disable=SC2086 # a list of words
    run $arguments
    equals "each entry of $arguments fits its line" \
        "$(sed -n '/^\(Commands\|Topics\):/,/^`/p' "$work/out" | grep -cvE '^ |^`|^[A-Z][a-z]*:$')" 0
done
ends "run help" 0 "Usage: maemio run [OPTION...]" run --help
for option in workload preset target threads pin warmup time txns txns-total repetitions reload seed check deadline \
    csv label progress set records record-bytes theta; do
    ends "run help has --$option" 0 "--$option" run --help
done
ends "run help has the exit codes" 0 "  124  the deadline passed" run --help
ends "list help" 0 "  distributions  which keys a workload can ask for" list --help
for topic in options columns workloads targets distributions counters figures; do
    ends "list $topic" 0 "" list $topic
    equals "list $topic prints" "$([ -s "$work/out" ] && [ ! -s "$work/err" ] && echo yes)" yes
done
ends "list without a topic names them" 0 "  distributions  which keys" list
ends "list figures has the paper's" 0 "Figure 6a" list figures
ends "list options has the engine's" 0 "  gc_interval_us " list options
ends "list targets says what bare is" 0 "not transactional" list targets
ends "list workloads has the presets" 0 "presets: A B C D E F" list workloads
ends "list distributions" 0 "zipfian-gray" list distributions

# ---- Letters, and times without a unit. ----
ends "letters are their options" 0 "skeleton on native, 1 worker" run -w skeleton -d native -j 1 -W 0 -T .2 -r 1 -s 7 \
    --pin none -o "$work/letters.csv"
ends "one worker is on one CPU" 0 "1 worker on CPU " run -w skeleton -j 1 -t 5
equals "a time without a unit is in seconds" "$(field "$work/letters.csv" 1 time_s)" 0.2
equals "the letter of the seed" "$(field "$work/letters.csv" 1 seed)" 7
ends "a number of transactions by its letter" 0 "skeleton on native, 1 worker" run -w skeleton -j 1 -t 5k --pin none
ends "a rate by its letter" 0 "due" "${short[@]}" -R 5k

# ---- Refusals, each with its message. ----
names="there are $(sed -n '/^#define COMMAND_TABLE/,/^$/s/^ *X(\([a-z]*\),.*/\1/p' harness/cli/commands.h |
    paste -sd, | sed 's/,/, /g')"
refuses "maemio: name a command; $names"
refuses "maemio: there is no command 'ruin'; did you mean 'run'?" help ruin
refuses "maemio: there is no command 'ran'; did you mean 'run'?" ran
refuses "maemio: unrecognized option '--foo'" --foo
topics="there are options, columns, workloads, targets, counters, figures, distributions"
refuses "maemio list: there is no list of 'foo'; $topics" list foo
refuses "maemio list: there is no list of 'colums'; did you mean 'columns'?" list colums
refuses "maemio list: unexpected argument 'columns'" list options columns
refuses "maemio run: there is no option '--foo'" run --foo
refuses "maemio run: there is no option '--recods'; did you mean '--records'?" run --recods 5
refuses "maemio run: there is no option '--backoff'; it is a setting of the target: --set NAME=VALUE" run --backoff off
refuses "maemio run: there is no option '--no-relaod'; did you mean '--no-reload'?" run --no-relaod
refuses "maemio run: there is no option '--recods'; did you mean '--records'?" run --csv --name --recods=5
refuses "maemio compare: there is no option '--treshold'; did you mean '--threshold'?" compare --treshold=3%
refuses "maemio topology: --allowed: 'x' is no list of CPUs such as 0,2,4-7" topology --allowed x
refuses "maemio run: unexpected argument 'ycsb'" run ycsb
refuses "maemio run: option '--threads' requires an argument" run --threads
refuses "maemio run: --threads: '0' is out of range, it can be auto|1.." run --threads 0
refuses "maemio run: --threads: '-1' is not a whole number such as 1000, 10k, 10M" run --threads -1
refuses "maemio run: --threads: 257 is too many; target native allows 256 workers" run --threads 257
refuses "maemio run: --time: '5x' is not a time such as 500us, 200ms, 5s, 1m" run --time 5x
refuses "maemio run: --target: there is no 'slio'; did you mean 'silo'?" run --target slio
refuses "maemio run: --workload: there is no 'ycbs'; did you mean 'ycsb'?" run --workload ycbs
refuses "maemio run: --set nativ.backoff: there is no target 'nativ'; did you mean 'native'?" run \
    --set nativ.backoff=off
refuses "maemio run: --set backof: target native has no such setting; did you mean 'backoff'?" run --set backof=off
refuses "maemio run: there is no option '--hepl'; did you mean '--help'?" run --hepl
refuses "maemio run: invalid option -- 'x'" run -x
refuses "maemio run: --time: '0' is out of range, it can be 1ms.." run --time 0
refuses "maemio run: --rate: '2G' is out of range, it can be 0..1G" run --rate 2G
refuses "maemio run: --warmup: 'long' is not a time such as 500us, 200ms, 5s, 1m" run --warmup long
refuses "maemio run: --repetitions: '0' is out of range, it can be 1..1M" run --repetitions 0
refuses "maemio run: --check: 'perhaps' is none of fast|full|off" run --check=perhaps
refuses "maemio run: --progress: 'loud' is none of auto|on|off" run --progress loud
refuses "maemio run: --seed: '' is not a whole number such as 1000, 10k, 10M" run --seed=
refuses "maemio run: --deadline: shorter than warm-ups and windows together" run --deadline 3s
refuses "maemio run: --time and --txns exclude each other" run --txns 5 --time 1s
refuses "maemio run: --set: 'backoff' is not key=value" run --set backoff
ends "a target that is not there" 2 "there is no 'oracle'; there are native, bare" run --target oracle
refuses "maemio run: --arrival: in a closed loop nothing arrives; say with --rate or --rate-plan how much does" run \
    --arrival uniform
refuses "maemio run: exp_ratio: workload ycsb wants distribution=exponential with it, not zipfian" \
    run --exp-ratio 0.5
refuses "maemio run: hot_ratio: workload blind wants distribution=hotspot with it, not zipfian" \
    run --beside blind:hot-ratio=0.5
refuses "maemio run: terminals: workload tpcc wants think=spec with it, not off" \
    run --workload tpcc --terminals 5
refuses "maemio run: think_scale: workload tpcc wants think=spec with it, not off" \
    run --workload tpcc --think-scale 0.5
refuses "maemio run: --records: '10X' is not a whole number such as 1000, 10k, 10M" run --records 10X
refuses "maemio run: --theta: 'x' is not a number such as 0.99" run --theta x
refuses "maemio run: --read-ratio: '1.5' is out of range, it can be 0..1" run --read-ratio 1.5
refuses "maemio run: --preset: workload ycsb has no preset 'Z'; it has A, B, C, D, E, F" run --preset Z
refuses "maemio run: --warehouses is an option of workload tpcc, not of ycsb" run --warehouses 2
refuses "maemio: --pin: 'sideways' is none of compact, scatter, none, and no list of CPUs such as 0,2,4-7" \
    run --pin sideways
cpu=$(taskset -pc $$ | sed 's/.*: //;s/[,-].*//') # one that we may use
refuses "maemio: --pin: CPU $cpu is listed twice" run --pin "$cpu,$cpu"
run run --workload nope
equals "an unknown workload lists the known ones" "$(head -n 1 "$work/err" | cut -d, -f1)" \
    "maemio run: --workload: there is no 'nope'; there are ycsb"
for setting in backof=off backoff=sometimes gc_interval_us=0 clock_sync_us=x inline_bytes=-1 promote=2 pending=never \
    timestamps=none memory_limit=lots huge_pages=7 sort_writes= precheck=maybe adaptive_skip=- early_abort_newer=x \
    clock_boost_ns=1h phase_times=3 settle=perhaps; do
    run "${short[@]}" --set "$setting"
    if [ $code -eq 2 ] && grep -q "^maemio run: --set ${setting%%=*}: " "$work/err"; then
        ok "refuses: --set $setting"
    else
        bad "refuses: --set $setting" "exit code $code, $(head -n 1 "$work/err")"
    fi
done

# ---- Runs. ----
ends "a run" 0 "throughput" "${short[@]}"
ends "the harness says what it costs" 0 "harness cost " "${short[@]}"
ends "a run is checked" 0 "check          passed" "${short[@]}"
for workload in "ycsb --records 1000" "ycsb --preset E --records 500" "bank --accounts 10" "churn --keys 500" append; do
    # shellcheck disable=SC2086 # options
    ends "--check full of $workload" 0 "was serializable in timestamp order" run --workload $workload --threads 2 \
        --pin none --warmup 0 --txns 500 --check full
done
ends "--check off" 0 "check          skipped" "${short[@]}" --check off
ends "--check full holds weaker settings against their promises" 0 "what is promised (serializable but for phantoms)" \
    run --workload scan --records 500 --threads 2 --pin none --warmup 0 --txns 200 --check full \
    --set simple_index_update=on
ends "--check full says that bare owes nothing" 0 "not transactional and owes none" run --workload counter \
    --target bare --threads 2 --txns 200 --warmup 0 --check full
ends "the bare target says what it is" 0 "not transactional" "${short[@]}" --target bare
ends "settings of another target are taken" 0 "throughput" \
    "${short[@]}" --target bare --set memory_limit=64M --csv "$work/bare.csv"
equals "and have a column" "$(field "$work/bare.csv" 1 opt_memory_limit)" 67108864
equals "those of other targets are empty" "$(field "$work/bare.csv" 1 opt_backoff)" ""
ends "settings are taken" 0 "passed" "${short[@]}" --set backoff=off --set inline-bytes=0
ends "progress when asked" 0 "load " run --threads 1 --pin none --records 300k --warmup 0 --time 1500ms --progress=on
ends "no progress otherwise" 0 "" "${short[@]}"
equals "stderr is silent then" "$(cat "$work/err")" ""
ends "more workers than CPUs are marked" 0 "warning: more workers than CPUs" \
    run --threads $(($(nproc) + 1)) --records 1000 --warmup 0 --time 500ms

# ---- CSV. ----
csv=$work/a.csv
ends "csv file" 0 "" "${short[@]}" --repetitions 2 --csv "$csv" --label one
ends "csv appends, whatever the target" 0 "" "${short[@]}" --target bare --csv "$csv"
ends "csv appends, whatever the workload" 0 "" run --workload bank --threads 1 --pin none --txns 100 --csv "$csv"
equals "the header stands once" "$(grep -c '^workload,preset,target,threads,' "$csv")" 1
equals "the header is the list of columns" "$(head -n 1 "$csv")" \
    "$("$maemio" list columns | awk '{ print $1 }' | paste -sd,)"
equals "names are unique" "$(head -n 1 "$csv" | tr , '\n' | sort | uniq -d)" ""
columns=workload,preset,target,threads,interleave,machine,cores,pin,warmup_s,time_s,txns,txns_total,repetitions,reload
equals "the first columns" "$(head -n 1 "$csv" | cut -d, -f1-18)" "$columns,seed,check,deadline_s,label"
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
for _ in 1 2; do
    "$maemio" run --threads 1 --records 1000 --txns 2000 --seed 7 --csv "$work/seed.csv" >"$work/out"
done
for column in commits operations aborts; do
    equals "the same seed and --txns give the same $column" "$(field "$work/seed.csv" 1 $column)" \
        "$(field "$work/seed.csv" 4 $column)"
done
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
equals "a full disk under a list" "$? $(cat "$work/err")" "1 maemio list: stdout cannot be written"
for arguments in --help --version 'run --help' 'list --help'; do
    # shellcheck disable=SC2086 # the arguments are split on purpose
    "$maemio" $arguments >/dev/full 2>"$work/err"
    equals "a full disk under $arguments" "$? $(cat "$work/err")" "1 maemio: stdout cannot be written"
done
for place in --interval-csv --latency-csv --counters-csv --hdr-log --json; do
    ends "a full disk under $place" 1 "$place: /dev/full: cannot be written: No space left on device" \
        "${short[@]}" $place /dev/full
done
"$maemio" "${short[@]}" --csv - >/dev/full 2>"$work/err"
equals "a full disk under --csv -" "$? $(grep -c 'stdout: cannot be written: No space left' "$work/err")" "1 1"
"$maemio" "${short[@]}" >&- 2>"$work/err"
equals "no stdout for the summary" "$? $(cat "$work/err")" "1 maemio: the summary cannot be written to stdout"
"$maemio" list options >&- 2>"$work/err"
equals "no stdout for a list" "$? $(cat "$work/err")" "1 maemio list: stdout cannot be written"
equals "a reader that closes early" "$("$maemio" list options 2>"$work/err" | head -n 1 | wc -l)$(cat "$work/err")" 1
refuses "maemio run: $work/none.conf: No such file or directory" run --config-file "$work/none.conf"
refuses "maemio run: $work: is a folder; a plain file is wanted" run --config-file "$work"
refuses "maemio run: -P: $work/none.properties: No such file or directory" run -P "$work/none.properties"

# ---- Beside the CSV: latency, counters, intervals, JSON. ----
ends "all outputs" 0 "latency        p50 " run --workload bank --threads 1 --pin none --warmup 50ms --time 200ms \
    --repetitions 2 --csv "$work/o.csv" --latency-csv "$work/o.lat" --counters-csv "$work/o.cnt" --interval 10ms \
    --interval-csv "$work/o.int" --hdr-log "$work/o.hlog"
for column in latency_count latency_mean_ns latency_p50_ns latency_p99_9_ns latency_p99_99_ns latency_max_ns \
    attempts_per_commit harness_ns_per_txn pmu_task_clock pmu_task_clock_per_txn config_hash; do
    equals "$column is filled" "$([ -n "$(field "$work/o.csv" 1 $column)" ] && echo yes)" yes
done
equals "percentiles are in order" "$(for p in p50 p90 p95 p99 p99_9 p99_99 max; do
    field "$work/o.csv" 1 latency_${p}_ns; done | sort -nc && echo yes)" yes
equals "a counter that is not there is empty, or counted" \
    "$(awk -F, 'NR > 1 && $11 != "counted" && ($12 != "" || $13 != "" || NF < 17)' "$work/o.cnt" | wc -l)" 0
equals "each worker and all" "$(sed 1d "$work/o.cnt" | cut -d, -f9 | sort -u | paste -sd' ')" "0 all"
# Of the histograms' totals: the sum over worker and type is the column.
equals "the dump adds up" "$(awk -F, '$7 == 1 && $11 == "service_ns" && $12 == "total" { n += $15 } END { print n }' \
    "$work/o.lat")" "$(field "$work/o.csv" 1 latency_count)"
equals "the buckets add up" \
    "$(awk -F, '$7 == 1 && $11 == "service_ns" && $12 == "bucket" { n += $15 } END { print n }' "$work/o.lat")" \
    "$(field "$work/o.csv" 1 latency_count)"
launch python3 tests/support/hdr_log.py "$work/o.hlog"
ended "a decoder of HdrHistogram's logs reads ours" 0 "service.transfer "
equals "without a tag: all transactions of each repetition" "$(awk '$1 == "-" { print $2 }' "$work/out" | paste -sd,)" \
    "$(field "$work/o.csv" 1 latency_count),$(field "$work/o.csv" $(($(wc -l <"$work/o.csv") / 2 + 1)) latency_count)"
equals "its median is the column's, within a bucket" "$(awk -v ns="$(field "$work/o.csv" 1 latency_p50_ns)" \
    '$1 == "-" && ++n == 1 { print ($3 >= ns && $3 <= ns * 129 / 128 + 1) }' "$work/out")" 1
refuses "maemio run: --hdr-log: nothing is timed with --latency off" run --hdr-log "$work/x" --latency off
equals "intervals of warm-up and window" "$(sed 1d "$work/o.int" | cut -d, -f9 | sort -u | paste -sd' ')" \
    "measure warm-up"
equals "intervals have as many fields as the header" "$(awk -F, '{ print NF }' "$work/o.int" | sort -u | wc -l)" 1
equals "the window's intervals hold its commits" \
    "$(awk -F, '$7 == 1 && $9 == "measure" { n += $13 } END { print n }' "$work/o.int")" \
    "$(field "$work/o.csv" 1 commits)"
equals "one JSON object a repetition" "$(wc -l <"$work/o.jsonl")" 2
equals "with the hash of the row" "$(grep -c "$(field "$work/o.csv" 1 config_hash)" "$work/o.jsonl")" 2
ends "calls can be timed" 0 "  by call        p50/p99: begin " "${short[@]}" --latency-operations \
    --hdr-log "$work/call.hlog" --latency-csv "$work/call.csv" --check full
launch python3 tests/support/hdr_log.py "$work/call.hlog"
ended "the log has them by name" 0 "call.commit "
equals "as has the dump" "$("$maemio" latency "$work/call.csv" | cut -d, -f6,7 | grep -c '^[a-z_]*,call_ns$')" \
    "$(grep -c '^call\.' "$work/out")"
refuses "maemio run: --latency-operations: nothing is timed with --latency off" run --latency-operations --latency off
refuses "maemio run: --latency-operations and --history exclude each other: recording takes longer than calls" run \
    --latency-operations --history "$work/none"
contended=(run --threads 2 --records 20 --ops-per-txn 4 --read-ratio 0 --theta 0.99 --warmup 0 --time 300ms)
ends "requests can be given up" 0 "; given up: " "${contended[@]}" --give-up-after 1 --latency-aborted \
    --csv "$work/given.csv" --latency-csv "$work/given.lat"
equals "none was tried twice" "$(field "$work/given.csv" 1 attempts_max)" 1
equals "each abort is one that was given up" "$(field "$work/given.csv" 1 given_up)" \
    "$(field "$work/given.csv" 1 aborts)"
ends "requests can be given up in time" 0 "check          passed" "${contended[@]}" --give-up-time 5us
refuses "maemio run: --latency-aborted: nothing is timed with --latency off" run --latency-aborted --latency off
ends "--latency off" 0 "" "${short[@]}" --latency off --csv "$work/nolat.csv" --json off
equals "then latency is empty" "$(field "$work/nolat.csv" 1 latency_p50_ns)" ""
equals "--json off" "$([ -e "$work/nolat.jsonl" ] || echo none)" none
ends "--counters off" 0 "" "${short[@]}" --counters off --csv "$work/nocnt.csv"
equals "then counters are empty" "$(field "$work/nocnt.csv" 1 pmu_task_clock)" ""
launch env LIBPFM_DISABLED_PMUS=perf "$maemio" "${short[@]}"
ended "a libpfm4 that finds no perf events, as without /proc, takes nothing but the counters" 0 throughput \
    "no counter cycles and "
launch env LIBPFM_DISABLED_PMUS=perf "$maemio" list counters
ended "and the list says why" 0 "libpfm4 knows no such event here"
launch env LIBPFM_DISABLED_PMUS=perf "$maemio" "${short[@]}" --counters require
ended "unless they are required" 1 "required counter cycles is not to be had"
ends "an unknown counter" 2 "maemio: --counters: " "${short[@]}" --counters no-such-event
if "$maemio" list counters | grep -q '^cycles .* counted'; then
    ends "counters can be required" 0 "" "${short[@]}" --counters require:cycles
else
    ends "a counter that is required and missing fails the run" 1 "maemio: --counters: " "${short[@]}" \
        --counters require:cycles
    ends "else one warning line" 0 "warning: no counter " "${short[@]}"
    equals "and only one" "$(grep -c 'no counter' "$work/out")" 1
    equals "a short one" "$(grep 'no counter' "$work/out" | grep -c '^.\{1,79\}$')" 1
fi

# ---- Live numbers. ----
sample() { # file, the beginning of a sample: its value
    awk -v name="$2" 'index($0, name) == 1 { print $NF }' "$1"
}
ends "live numbers go to a file" 0 "" "${short[@]}" --label "a \"b\\" --metrics-file "$work/m.prom" --csv "$work/m.csv"
commits=$(sample "$work/m.prom" 'maemio_transactions_total{txn_type="read_write"}')
equals "the last ones have all of the window" "$((commits >= $(field "$work/m.csv" 1 commits)))" 1
equals "labels are escaped" "$(grep -cF ',label="a \"b\\",' "$work/m.prom")" 1
equals "each line is a sample or says what it is" \
    "$(grep -cvE '^# (HELP|TYPE) maemio_|^maemio_[a-z_]+(\{.*\})? [0-9.e+-]+$' "$work/m.prom")" 0
equals "nothing else is left" "$(ls "$work"/m.prom*)" "$work/m.prom"
ends "a file that cannot be written is told" 0 "--metrics-file: /nowhere/m: cannot be written" "${short[@]}" \
    --metrics-file /nowhere/m
refuses "maemio run: --metrics-file: stdout cannot be rewritten; --status prints lines" run --metrics-file -
refuses "maemio: --csv and --metrics-file: both write to $work/m.csv" "${short[@]}" --csv "$work/m.csv" \
    --metrics-file "$work/m.csv"
mkfifo "$work/pipe"
ends "what is no plain file is not replaced" 0 "$work/pipe: cannot be written: Operation not permitted" \
    "${short[@]}" --metrics-file "$work/pipe"
equals "it is still there, and nothing else" "$(stat -c %F "$work"/pipe*)" fifo
ask='import sys, time, urllib.request
while True:
    try:
        text = urllib.request.urlopen("http://127.0.0.1:%s/metrics" % sys.argv[1], timeout=5).read().decode()
    except OSError:
        time.sleep(0.05)
        continue
    if "maemio_transactions_total{" in text:
        break
print(text)'
port=$((20000 + RANDOM % 10000))
"$maemio" run --threads 1 --pin none --workload bank --warmup 0 --time 1m --metrics-port $port >/dev/null 2>&1 &
timeout 60 python3 -c "$ask" $port >"$work/live"
equals "and to whoever asks the port" "$(grep -cE '^maemio_phase\{phase="(measure|warm-up)"\}' "$work/live")" 1
run run --threads 1 --pin none --metrics-port $port --time 200ms
ended "a port is one run's" 1 "--metrics-port: port $port cannot be had: Address already in use"
kill -INT $! && wait $!
equals "the run goes on meanwhile, until it is told to end" $? 130

# ---- Rest, priority, and cores without a worker. ----
begin=$EPOCHREALTIME
ends "a run rests before each repetition" 0 "" "${short[@]}" --repetitions 2 --cooldown 500ms --csv "$work/rest.csv"
equals "so long" "$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print(b - a > 1.4) }')" 1
equals "which is a column" "$(field "$work/rest.csv" 1 cooldown_s)" 0.5
ends "low priority is anybody's" 0 "throughput" "${short[@]}" --priority low
ends "some core must have a worker" 2 "are to be free; that leaves none" run --free-cores 4000
ends "threads must leave it free" 2 "cores 1 are to be free; that leaves " run --free-cores 1 --threads 256

# ---- A rate that changes. ----
ends "a rate goes up by a plan" 0 "txn/s due" run --workload bank --threads 1 --pin none --warmup 0 --arrival uniform \
    --rate-plan 0..4k/1s --csv "$work/plan.csv"
equals "so many requests are due" "$(field "$work/plan.csv" 1 requests_due | awk '{ print($1 > 1950 && $1 < 2100) }')" 1
printf 'workload = bank\nrate_plan = "1k/100ms,2k/100ms"\n[a]\n' >"$work/plan.conf"
ends "it is one key of a job file" 0 "bank" run --config-file "$work/plan.conf" --warmup 0 --threads 1 --pin none
run sweep "$work/plan.conf" --no-page --out "$work/plan" --override warmup=0 --override threads=1 --override pin=none
run sweep "$work/plan/job.conf" --dry-run --out "$work/again"
equals "the frozen job of a plan may run again" "$code" 0
refuses "maemio run: --rate-plan and --time exclude each other: the plan says both" run --rate-plan 1k/1s --time 5s
refuses "maemio run: --rate-plan: '1k' is no stage such as 10k/5s, or 10k..50k/20s for a rate that changes" run \
    --rate-plan 1k
refuses "maemio run: --rate-plan and --txns exclude each other: the plan ends the window" run --rate-plan 1k/1s --txns 5
refuses "maemio run: --rate-plan: no request is due in all of it" run --rate-plan 0/1s
refuses "maemio run: --rate-plan: '1..2G/1s' is no stage such as 10k/5s, or 10k..50k/20s for a rate that changes" run \
    --rate-plan 1..2G/1s

# ---- Two workloads in one run. ----
ends "bank transfers beside scans" 0 "bank beside scan (1) on native, 2 workers" run --workload bank --audit-ratio 0 \
    --beside scan:records=1k,scan-ratio=1 --threads 2 --pin none --warmup 0 --time 300ms --csv "$work/beside.csv"
equals "each has rows by its types" "$(grep -oE ',(transfer|audit|scan.scan|scan.update),' "$work/beside.csv" |
    tr -d , | paste -sd' ')" "transfer audit scan.scan scan.update"
refuses "maemio run: --beside: there is no 'skan'; did you mean 'scan'?" run --beside skan
refuses "maemio run: --beside: workload scan has no option record; did you mean 'records'?" run --beside scan:record=1
refuses "maemio run: --beside: records: 'x' is not a whole number such as 1000, 10k, 10M" run --beside scan:records=x
refuses "maemio run: --beside: 'records' is not key=value" run --beside scan:records
refuses "maemio run: --beside: it is --workload already; the two take different tables, by their names" run \
    --beside ycsb
refuses "maemio run: --beside: users who key in and think go with one workload only" run --workload tpcc --think spec \
    --beside scan
refuses "maemio run: --beside-threads: say with --beside what they are to run" run --beside-threads 2
refuses "maemio: --beside-threads: 2 of 2 workers leave none for --workload" run --threads 2 --pin none --beside scan \
    --beside-threads 2

# ---- As many workers as the target takes. ----
ends "256 workers pass their check" 0 "check          passed" run --threads 256 --pin none --records 1000 \
    --ring-requests 1024 --txns 2
refuses "maemio run: --check-every: the check is a worker, too; target native allows 256" run --workload tpcc \
    --warehouses 1 --threads 256 --check-every 1s

# ---- What would be mixed, or would not be true, is refused. ----
: >"$work/two"
ln -s two "$work/also-two"
ends "one file for two outputs" 2 "maemio: --csv and --json: both write to $work/one" run --csv "$work/one" \
    --json "$work/one"
ends "under two names" 2 "maemio: --csv and --latency-csv: both write to $work/also-two" run --csv "$work/two" \
    --latency-csv "$work/also-two"
ends "one of them by itself" 2 "maemio: --json and --interval-csv: both write to $work/./mixed.jsonl" run \
    --csv "$work/mixed.csv" --interval-csv "$work/./mixed.jsonl"
ends "one of them a history" 2 "maemio: --csv and --history: both write to $work/three" run --csv "$work/three" \
    --history "$work/three"
ends "stdout for two" 2 "maemio: --csv and --json: both write to stdout" run --csv - --json -
equals "nothing of it is made" "$(ls "$work"/one "$work"/mixed.* "$work"/three 2>/dev/null)" ""
ends "JSON on stdout has no summary" 0 '{"config_hash":' "${short[@]}" --json -
equals "but one object" "$(wc -l <"$work/out")" 1
ends "/dev/null takes everything" 0 "throughput" "${short[@]}" --csv /dev/null --interval-csv /dev/null
refuses "maemio run: --label: is not UTF-8, so CSV and JSON could not hold the same" run --label $'\xff'
ends "a label in UTF-8, all digits" 0 "" "${short[@]}" --label 'ä 7' --csv "$work/types.csv"
equals "is the same in JSON" "$(grep -c '"label":"ä 7"' "$work/types.jsonl")" 1
equals "where numbers are numbers" "$(grep -cE '"records":1000,.*"window_s":[0-9.]+,"commits":[0-9]+,' \
    "$work/types.jsonl")" 1
equals "and hashes are not" "$(grep -cE '"config_hash":"[0-9a-f]{16}"' "$work/types.jsonl")" 1
for variable in "HWLOC_SYNTHETIC=pack:1 core:8 pu:1" HWLOC_THISSYSTEM=0; do
    launch env "$variable" "$maemio" "${short[@]}"
    ended "hwloc on another machine: ${variable%%=*}" 1 "maemio: hwloc describes another machine than this one"
    launch env "$variable" "$maemio" topology
    ended "which can be drawn, ${variable%%=*}" 0 "Not this machine"
done

# ---- Memory, files that may not grow, short windows. ----
ends "a load that cannot fit" 1 "1.00G rows need more than 101 GiB" run --records 1000M
ends "what limits it is said" 1 "there are 64.0 MiB (memory_limit)" run --records 1M --set memory_limit=64M
case ${MAE_BUILD:-} in
*asan* | *tsan*) ;; # the sanitizers themselves reserve terabytes of addresses
*)
    launch bash -c 'ulimit -v 6000000 && exec "$@"' bash "$maemio" run --records 100M
    ended "address space is a limit" 1 "(address space, ulimit -v)"
    ;;
esac
launch bash -c 'ulimit -f 1 && exec "$@"' bash "$maemio" "${short[@]}" --csv "$work/grows.csv"
ended "a file that may not grow" 1 "maemio: --csv: $work/grows.csv: "

# ---- A source file that git does not know is compiled in, so the tree is dirty. ----
revision() { env -u MAKEFLAGS -u MAKELEVEL make -C "$work/tree" -pn 2>/dev/null | sed -n 's/^REVISION := //p'; }
if git rev-parse --git-dir >/dev/null 2>&1 && git clone -q . "$work/tree" 2>/dev/null; then
    equals "a clean tree is no dirty one" "$(revision | grep -c dirty)" 0
    touch "$work/tree/notes.txt"
    equals "nor is one with other files" "$(revision | grep -c dirty)" 0
    touch "$work/tree/workloads/micro/mine.c"
    equals "one with a source of its own is" "$(revision | grep -c -- '-dirty$')" 1
    echo '*.c' >"$work/tree/.git/info/exclude"
    equals "even if git ignores it" "$(revision | grep -c -- '-dirty$')" 1
fi

# ---- Open loop, steady state, checks meanwhile. ----
ends "an open loop" 0 "open loop      5.00k txn/s due" \
    "${short[@]}" --rate 5k --arrival uniform --time 200ms --csv "$work/ol.csv"
if [ "$(field "$work/ol.csv" 1 saturated)" = 0 ]; then # a worker may have to wait for its CPU, which is said then
    ended "has response times" 0 "response time  p50 "
else
    ended "says that it was not on time" 0 "was saturated"
fi
equals "counts what was due" "$(awk -v n="$(field "$work/ol.csv" 1 requests_due)" \
    -v s="$(field "$work/ol.csv" 1 window_s)" 'BEGIN { print (n >= 5000 * s - 2 && n <= 5000 * s + 2) }')" 1
equals "never more than is due" "$(awk -v n="$(field "$work/ol.csv" 1 commits)" \
    -v s="$(field "$work/ol.csv" 1 window_s)" 'BEGIN { print (n > 0 && n <= 5000 * s + 2) }')" 1
equals "response takes at least service" "$(awk -v a="$(field "$work/ol.csv" 1 latency_mean_ns)" \
    -v b="$(field "$work/ol.csv" 1 response_mean_ns)" 'BEGIN { print (b == "" || b + 0 >= a + 0) }')" 1
equals "no worker time per transaction is claimed" "$(field "$work/ol.csv" 1 ns_per_txn)" ""
ends "saturation is said" 0 "warning: repetition 1 was saturated: " \
    "${short[@]}" --rate 100M --time 300ms --csv "$work/sat.csv"
equals "and marked" "$(field "$work/sat.csv" 1 saturated)" 1
equals "and response times are left out" "$(field "$work/sat.csv" 1 response_p50_ns)" ""
ends "a number of requests at a rate" 0 "open loop" "${short[@]:0:7}" --rate 500 --arrival uniform --txns-total 200 \
    --csv "$work/counted.csv"
equals "all of them are done" "$(field "$work/counted.csv" 1 commits) $(field "$work/counted.csv" 1 requests_due)" \
    "200 200"
equals "no faster than that" "$(awk -v s="$(field "$work/counted.csv" 1 window_s)" 'BEGIN { print (s > 0.39) }')" 1
equals "with response times, unless it was not on time" \
    "$(field "$work/counted.csv" 1 response_max_ns | grep -c '[0-9]')" $((1 - $(field "$work/counted.csv" 1 saturated)))
run "${short[@]}" --time 700ms --status 200ms
told='^20[0-9-]+ [0-9:]+ measure .* s: [0-9]+ transactions; .*/s: read_only .*, read_write .*; aborts .*; . s left$'
equals "status lines" "$(grep -qE "$told" "$work/err" && echo yes)" yes
ends "a warm-up until steady" 0 "throughput" "${short[@]}" --warmup-until steady --warmup-max 3s --interval 10ms \
    --csv "$work/steady.csv"
equals "tells how it ended" "$(field "$work/steady.csv" 1 warmup_settled | grep -c '^[01]$')" 1
equals "is bounded" "$(awk -v s="$(field "$work/steady.csv" 1 warmup_actual_s)" \
    -v settled="$(field "$work/steady.csv" 1 warmup_settled)" 'BEGIN { print (s > 0.19 && (settled || s >= 3)) }')" 1
refuses "maemio run: --warmup-max: shorter than --warmup" run --warmup-until steady --warmup 2m
refuses "maemio run: --interval: a run would have more than a million of them" run --interval 1ms --time 2000s
refuses "maemio run: --check-every: the check of workload ycsb needs the workers at rest" run --check-every 1s
for time in 500ms 5s 50s; do # a busy machine may not come to a check so soon
    run run --workload tpcc --warehouses 1 --threads 1 --pin none --warmup 0 --time $time --check-every 100ms \
        --csv "$work/live.csv"
    ! grep -q "while it ran" "$work/out" || break
    rm -f "$work/live.csv"
done
ended "TPC-C is checked while it runs" 0 "while it ran"
ends "users who think make tpmC" 0 "TPC-C's limits" run --workload tpcc --threads 2 --pin none --warmup 0 \
    --time 2s --think spec --think-scale 0.002 --csv "$work/think.csv"
equals "its lines fit a screen" "$(sed -n '/ tpmC/,/ throughput/p' "$work/out" | grep -c '.\{81\}')" 0
equals "and their requests have been keyed in" "$(field "$work/think.csv" 1 response_mean_ns | grep -c '[0-9]')" 1
equals "time per transaction is not theirs" "$(field "$work/think.csv" 1 ns_per_txn)" ""
equals "shares are columns" "$(field "$work/think.csv" 1 share_payments_by_name | grep -c '^0\.[56]')" 1
refuses "maemio run: --rate and users who think exclude each other: their number decides how many requests come" \
    run --workload tpcc --think spec --rate 10
refuses "maemio run: --txns and users who think exclude each other: they need a window in time" \
    run --workload tpcc --think spec --txns 10
for target in native silo; do
    run run --workload tpcc --warehouses 1 --threads 1 --pin none --txns 10 --check off --target $target \
        --csv "$work/tpcc-$target.csv"
done
native=$(field "$work/tpcc-native.csv" 1 mem_committed_bytes) silo=$(field "$work/tpcc-silo.csv" 1 mem_committed_bytes)
equals "orders that are not to be inlined take little more room where there is no choice" $((silo < 2 * native)) 1
ends "TPC-C is checked after the load" 0 "and after the load" run --workload tpcc --warehouses 1 --threads 1 \
    --pin none --txns 200 --csv "$work/loaded.csv"
for column in load_check_s loaded_resident_bytes loaded_data_bytes loaded_space_bytes bytes_per_scale \
    growth_bytes_per_commit; do
    equals "$column is known" "$(awk -v n="$(field "$work/loaded.csv" 1 "$column")" 'BEGIN { print (n > 0) }')" 1
done
equals "space of one warehouse" "$(field "$work/loaded.csv" 1 bytes_per_scale)" \
    "$(field "$work/loaded.csv" 1 loaded_space_bytes)"
equals "how often" "$(awk -v n="$(field "$work/live.csv" 1 live_checks)" 'BEGIN { print (n >= 1) }')" 1

# ---- Files with options. ----
printf 'records = 1000\nthreads = 1\npin = none\nwarmup = 0\ntxns = 1000\n[one]\ntheta = 0.5\nset.backoff = off\n' \
    >"$work/one.conf"
ends "--config-file" 0 "" run --config-file "$work/one.conf" --csv "$work/conf.csv"
equals "its options" "$(field "$work/conf.csv" 1 wl_theta)" 0.5
equals "its settings" "$(field "$work/conf.csv" 1 opt_backoff)" off
ends "single options win, wherever they stand" 0 "" \
    run --theta 0.7 --config-file "$work/one.conf" --csv "$work/conf.csv"
equals "over the file" "$(field "$work/conf.csv" $(($(wc -l <"$work/conf.csv") - 1)) wl_theta)" 0.7
printf 'theta = 0, 1\n' >"$work/two.conf"
refuses "maemio run: --config-file: $work/two.conf describes 2 points; a run is one, \`maemio sweep' runs them all" \
    run --config-file "$work/two.conf"
printf 'recordcount=1000\nfieldcount=2\nfieldlength=50\nreadproportion=1\nupdateproportion=0\n' \
    >"$work/ycsb.properties"
ends "-P and -p" 0 "" run -P "$work/ycsb.properties" -p readproportion=0.5 -p updateproportion=0.5 --threads 1 \
    --pin none --warmup 0 --time 500ms --csv "$work/p.csv"
equals "properties are translated" "$(field "$work/p.csv" 1 wl_records) $(field "$work/p.csv" 1 wl_record_bytes) $(
    field "$work/p.csv" 1 wl_read_ratio)" "1000 100 0.5"

# ---- Sweeps. ----
cat >"$work/sweep.conf" <<'END'
# two points, twice
threads = 1
pin = none
warmup = 0
time = 300ms
repetitions = 2
latency_csv = latency.csv
[ycsb]
records = 1000
theta = 0, 0.99
END
ends "a dry run" 0 "2 points, 4 runs, 0 of them finished; 4 to run" sweep "$work/sweep.conf" --dry-run
equals "runs nothing" "$([ -e "$work/swept" ] || echo none)" none
ends "arguments for scripts" 0 $'[ycsb] theta=0.99\t--threads=1\t--pin=none' sweep "$work/sweep.conf" --print-arguments
equals "a line for each point" "$(grep -c -- '--theta=0' "$work/out")" 2
ends "a sweep" 0 "4/4 " sweep "$work/sweep.conf" --out "$work/swept"
equals "leaves a page" "$(cat "$work/out") $(grep -c '</html>' "$work/swept/report.html")" "$work/swept/report.html 1"
rows=$(wc -l <"$work/swept/results.csv")
equals "every point and repetition" "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
    NR > 1 && $at["txn_type"] == "all" { print $at["point"], $at["repetition"], $at["label"] }' \
    "$work/swept/results.csv" | sort -u | wc -l)" 4
equals "with JSON" "$(wc -l <"$work/swept/results.jsonl")" 4
ends "latency merges" 0 "ycsb,ycsb,native,1,read_write,service_ns," latency "$work/swept/latency.csv"
ends "a second time" 0 "" sweep "$work/sweep.conf" --out "$work/swept"
equals "nothing is repeated" "$(wc -c <"$work/err") $(wc -l <"$work/swept/results.csv")" "0 $rows"
torn=$(find "$work/swept/runs" -name '*-2' | sort | head -n 1)
head -c 2000 "$torn/results.csv" >"$work/torn" && cp "$work/torn" "$torn/results.csv"
ends "a half-written run is noticed" 0 "half-written, will be repeated: ${torn##*/}" \
    sweep "$work/sweep.conf" --out "$work/swept"
equals "and repeated" "$(wc -l <"$work/swept/results.csv") $(grep -c '/4 ' "$work/err")" "$rows 1"
ends "overrides are other points" 0 "2 points, 2 runs, 0 of them finished; 2 to run" \
    sweep "$work/sweep.conf" --out "$work/swept" --dry-run --override repetitions=1
ends "a sweep with a second workload" 0 "4/4 " sweep "$work/sweep.conf" --out "$work/pair" \
    --override 'beside=bank:accounts=100' --override threads=2 --override time=100ms
ends "a run that fails fails the sweep" 1 "2 of 2 runs failed; the same command repeats them" \
    sweep "$work/sweep.conf" --out "$work/failing" --override set.memory_limit=16M --override records=1M \
    --override repetitions=1
equals "with its messages" "$(grep -c 'rows need more than' "$work/err")" 2
equals "and no row" "$([ -e "$work/failing/results.csv" ] || echo none)" none
refuses "maemio sweep: name a job file" sweep
launch env -C "$work" "$maemio" sweep sweep.conf --no-page --override repetitions=1
ended "has a folder by itself" 0 "2/2 "
equals "below results" "$(cd "$work" && ls results/sweep)" \
    $'job.conf\nlatency.csv\nplan.txt\nresults.csv\nresults.jsonl\nruns'
printf '' >"$work/file"
ends "a file is no folder" 1 "$work/file/runs: cannot make this folder: Not a directory" \
    sweep "$work/sweep.conf" --out "$work/file"
printf 'records = 1000\ntheta = 0, x\n' >"$work/bad.conf"
run sweep "$work/bad.conf" --dry-run
equals "a mistake has file, line and key" "$code $(grep -c "bad.conf:2: .*theta" "$work/err")" "2 1"
# shellcheck disable=SC2317 # `await` calls it
begun() { # the first run of a sweep
    compgen -G "$work/cut/runs/*.part" >"$work/parts"
}
code=$(
    set -m
    "$maemio" sweep "$work/sweep.conf" --out "$work/cut" --override time=60s >"$work/out" 2>"$work/err" &
    await begun
    kill -s INT $!
    wait $!
    echo $?
)
equals "an interrupted sweep" "$code $(grep -c 'goes on where this one stopped' "$work/err")" "130 1"
equals "leaves no half of a run" "$(find "$work/cut/runs" -name '*.part' | wc -l)" 0

# ---- What is done with results. ----
ends "report" 0 "wl_theta=0.99" report "$work/swept/results.csv"
ends "report of another column" 0 "median" report "$work/swept/results.csv" --metric latency_p99_ns --format csv
ends "report of no column" 1 "has no column 'speed'" report "$work/swept/results.csv" --metric speed
made_up() { # throughput, repetitions: results of the two configurations of conf.csv, that fast
    awk -F, -v OFS=, -v speed="$1" -v count="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print; next }
        $at["txn_type"] == "all" { for (n = 1; n <= count; n++) {
            $at["repetition"] = n; $at["throughput_txn_per_s"] = speed * (1 + n / 1000); print } }' "$work/conf.csv"
}
made_up 1000 7 >"$work/fast.csv"
made_up 900 7 >"$work/slow.csv"
made_up 900 2 >"$work/few.csv"
# Two blocks of four rows, the inner two a third slower.
made_up 900 8 | awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print; next }
    { n = (NR - 2) % 4; $at["repetition"] = int((NR - 2) / 4)
      if (n == 1 || n == 2) $at["throughput_txn_per_s"] /= 1.5; print }' >"$work/noise.csv"
ends "too few repetitions" 0 "2 inconclusive" compare "$work/fast.csv" "$work/few.csv"
ends "compare --strict" 5 "2 inconclusive" compare --strict "$work/fast.csv" "$work/few.csv"
ends "a regression" 4 "2 slower" compare "$work/fast.csv" "$work/slow.csv"
ends "an improvement" 0 "2 faster" compare "$work/slow.csv" "$work/fast.csv"
ends "within the threshold" 0 "2 same" compare "$work/fast.csv" "$work/slow.csv" --threshold 20%
ends "as JSON" 4 '"verdict": "slower"' compare "$work/fast.csv" "$work/slow.csv" --format json
ends "blocks side by side" 4 "within blocks of runs side by side" compare --blocks --match wl_theta \
    "$work/fast.csv" "$work/slow.csv"
ends "noise measured here" 0 "2 same" compare --blocks --noise-file "$work/noise.csv" "$work/fast.csv" "$work/slow.csv"
ends "what lets them match is said" 1 "say --ignore " compare "$work/fast.csv" "$work/swept/results.csv"
ends "other configurations do not match" 1 "only in $work/fast.csv" compare "$work/fast.csv" "$work/swept/results.csv"
column_set() { # column, text, first row: of fast.csv, with that text in the rows from that one on
    awk -F, -v OFS=, -v column="$1" -v text="$2" -v first="$3" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        NR > first { $at[column] = text } { print }' "$work/fast.csv"
}
column_set check_result failed 3 >"$work/failed.csv"
ends "a failed check" 3 "12 rows failed a correctness check" compare "$work/fast.csv" "$work/failed.csv"
ends "in the file compared with, too" 3 "not used" compare "$work/failed.csv" "$work/fast.csv"
column_set throughput_txn_per_s 0 1 >"$work/none.csv"
ends "nothing any more is slower" 4 "2 slower" compare "$work/fast.csv" "$work/none.csv"
ends "something again is faster" 0 "2 faster" compare "$work/none.csv" "$work/fast.csv"
column_set latency_p99_ns 1000 1 >"$work/short.csv"
column_set latency_p99_ns 3000 1 >"$work/long.csv"
ends "a longer latency is slower" 4 "lower is better" \
    compare --metric latency_p99_ns "$work/short.csv" "$work/long.csv"
ends "a shorter one is faster" 0 "2 faster" compare --metric latency_p99_ns "$work/long.csv" "$work/short.csv"
ends "a metric without a direction" 2 "say --lower-is-better or --higher-is-better" \
    compare --metric latency_count "$work/short.csv" "$work/long.csv"
ends "unless it is said" 0 "2 same" compare --metric latency_count --higher-is-better "$work/long.csv" "$work/long.csv"
ends "but not against what is known" 2 "lower is better, whatever is said" \
    compare --metric latency_p99_ns --higher-is-better "$work/long.csv" "$work/long.csv"
ends "an unknown column to ignore" 1 "is called 'nosuchcolumn'" \
    compare --ignore nosuchcolumn "$work/fast.csv" "$work/slow.csv"
refuses "maemio compare: name two result files" compare "$work/fast.csv"
refuses "maemio compare: --noise-file: holds blocks of runs, so say --blocks" compare --noise-file a a b
refuses "maemio compare: --threshold: 'x' is not a share such as 3% or 0.03" compare --threshold x a b

# ---- The machine. ----
ends "doctor" 0 "checks: " doctor
ends "doctor finds the clock source" 0 "clocksource" doctor
ends "doctor measures distances" 0 "distance: " doctor
mkdir "$work/disk"
ends "doctor measures a disk" 0 "disk: $work/disk is in " doctor --log-dir "$work/disk"
equals "flushes of three sizes" \
    "$(lines '^ +a flush of .* takes .* ms, 99% of them at most .* ms \([0-9]+ flushes\)')" 3
equals "and a rate" "$(lines 'the most that a log')" 1
equals "and leaves nothing there" "$(ls "$work/disk")" ""
ends "doctor of no folder" 1 "creation of $work/none/maemio-doctor-" doctor --log-dir "$work/none"
ends "topology" 0 "CPU 0" topology
ends "an imagined machine" 0 "CPU 2  worker 1" topology \
    --synthetic "pack:2 numa:1 core:2 pu:1" --pin scatter --threads 3
ends "restricted" 0 "CPU 0  not allowed" topology --synthetic "pack:1 core:4 pu:1" --allowed 2-3
ends "a wrong machine" 2 "--synthetic: 'pack:x' is no machine in hwloc's words, such as" topology --synthetic "pack:x"

# ---- Ends. ----
ends "out of memory in the load" 1 "phase load failed on worker 0: TARGET_NO_MEMORY: out of memory" \
    run --threads 1 --pin none --records 1M --size-hint off --set memory_limit=128M
ended "says how far it came" 1 "% of the load took 128 MiB, so all of it needs some "
ends "out of memory in set-up" 1 "out of memory: a limit is reached" \
    run --threads 1 --pin none --records 10M --record-bytes 8 --set memory_limit=160M
ended "says what limits it" 1 "; there are 160 MiB (memory_limit)"
ends "deadline" 124 "maemio: the deadline of 500ms passed in phase " \
    run --threads 1 --pin none --records 3M --warmup 0 --time 1ms --deadline 500ms
# shellcheck disable=SC2317 # `await` calls it
measures() { # the run of this moment
    grep -q ' measure ' "$work/err"
}
for signal in INT TERM HUP; do
    csv=$work/$signal.csv
    : >"$work/err"
    # bash starts background jobs with SIGINT ignored; a subshell with job control does not.
    code=$(
        set -m
        "$maemio" run --threads 1 --pin none --records 1000 --warmup 0 --time 60s --csv "$csv" --progress on \
            >"$work/out" 2>"$work/err" &
        await measures
        kill -s $signal $!
        wait $!
        echo $?
    )
    equals "SIG$signal ends with 130" "$code" 130
    equals "SIG$signal keeps what was measured" "$(field "$csv" 1 outcome)" interrupted
done
: >"$work/err"
(
    trap '' HUP # as nohup does
    exec "$maemio" run --threads 1 --pin none --records 1000 --warmup 0 --time 3s --csv "$work/nohup.csv" \
        --progress on
) >"$work/out" 2>"$work/err" &
await measures
kill -s HUP $!
wait $!
equals "an ignored SIGHUP stays ignored" "$? $(field "$work/nohup.csv" 1 outcome)" "0 complete"

finish
