#!/usr/bin/env bash
# `maemio figure` and `maemio report`: every figure's file is accepted at every effort; a tiny run gives points,
# pictures and a page; results of other systems are drawn as lines of their own; wrong use is refused.
#   usage: tests/cli/figures.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
command -v gnuplot >/dev/null || {
    echo "no gnuplot"
    exit 77
}
out=$work/figures
logs=$work/logs # where runs put a log for a while
mkdir "$logs"
tiny_run=(--workload ycsb --records 1k --time 20ms --warmup 0 --set durability=group --set log_dir=auto)

# ---- The data: each figure has its file and its plot; each file is listed. ----
figures=$("$maemio" figure --list | awk '{ print $1 }')
equals "figures and files are the same list" "$(sort <<<"$figures")" "$(basename -a -s .conf plots/*.conf | sort)"
for effort in quick normal paper; do
    ends "every job file is accepted, effort $effort" 0 "to run" \
        figure all --dry-run --effort "$effort" --out "$work/$effort"
    mv "$work/err" "$work/$effort.err"
    mv "$work/out" "$work/$effort.plan" # of all figures, in the order of their list
done

equals "quick leaves out what takes long" \
    "$(grep -c 'databases: .all. has it from --effort normal on' "$work/quick.err")" 1

# ---- What the efforts promise: quick is short, and normal measures what claims name, often enough to judge. ----
if [ "$(nproc)" -eq 2 ]; then # the number of points depends on it
    seconds=$(sed -n 's/.* about \([0-9]*\)s in all$/\1/p' "$work/quick.plan" | paste -sd+)
    equals "EFFORT=quick takes half an hour at most" "$((seconds <= 1800))" 1
fi
plan_lacks() { # condition of a claim, such as label=full: whether no run of the plan "$work/one.plan" is so
    case $1 in
    *@* | threads=*) return 1 ;; # of the machine
    best:target:target!=native) # of several
        [ "$(grep -oE ' target=[a-z_]+' "$work/one.plan" | sort -u | grep -vc =native)" -lt 2 ]
        return
        ;;
    best:*) # of several, too
        [ "$(grep -cE " ${1#best:*:}( |$)" "$work/one.plan")" -lt 12 ]
        return
        ;;
    esac
    local run=${1/#opt_/set.}
    run=${run/#wl_/}
    grep -q " ${run%%=*}=" "$work/one.plan" && ! grep -qE " ${run//./\\.}( |$)" "$work/one.plan"
}
number=0 missing='' judged=0
for figure in $figures; do
    awk -v figure=$number '/ points, /{ seen++ } seen == figure && / \[/' "$work/normal.plan" >"$work/one.plan"
    number=$((number + 1))
    files=$(sed -n 's/^include = //p' "plots/$figure.conf" | tr -d ,)
    # shellcheck disable=SC2086 # a list of files
    for condition in $(cd plots && sed -n 's/^\(of\|against\) = //p' "$figure.conf" $files | tr '&' ' '); do
        judged=$((judged + 1))
        plan_lacks "$condition" && missing+=" $figure:$condition"
    done
    repetitions=$(sed 's/^[^-]*-\([0-9]*\) .*/\1/' "$work/one.plan" | sort -n | tail -n 1)
    # shellcheck disable=SC2086 # a list of files
    (cd plots && grep -qs '^against = ' "$figure.conf" $files) && [ "$repetitions" -lt 6 ] &&
        missing+=" $figure:repetitions"
done
equals "EFFORT=normal runs what every claim names, six times or more" "$missing" ""
equals "and there are such claims" "$((judged > 50))" 1
ends "contention.conf runs by itself" 0 "to run" sweep plots/contention.conf --dry-run --out "$work/c"

# ---- A tiny run. ----
tiny=(--override records=1k --override time=200ms --override warmup=0 --override repetitions=2)
named=,records=1k,time=200ms,warmup=0,repetitions=2
ends "a figure" 0 "fig6b$named.svg .pdf .png" figure fig6b --out "$out" "${tiny[@]}"
equals "has the overrides in its title" "$(grep -c 'changed: records=1k, time=200ms' "$out/fig6b$named.svg")" 1
equals "and in its job, resolved, with what the figure shows" \
    "$(grep -cE '^(records = 1000|ops_per_txn = 16|set.backoff = adaptive|\[figure\]|axis = wl_theta)$|^include' \
    "$out/fig6b$named.conf")" 5
col() { # file, columns: distinct values in its rows
    awk -F, -v names="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(names, name, " "); next }
        { line = ""; for (i = 1; i <= n; i++) line = line " " $at[name[i]]; print line }' "$1" | sort -u
}
ends "the frozen job runs again" 0 "report.html" sweep "$out/fig6b$named.conf" --out "$work/again"
equals "as the same configurations" "$(col "$work/again/results.csv" "label config_hash")" \
    "$(col "$out/fig6b$named/results.csv" "label config_hash")"
before=$(cat "$out/fig6b$named/results.csv" "$out/fig6b$named.svg" "$out/fig6b$named.conf" | cksum)
ends "a value that cannot work is found before anything runs" 2 "--override: theta: workload ycsb: theta 5" \
    figure fig6b --out "$out" "${tiny[@]}" --override theta=5
equals "and leaves nothing" "$(find "$out" -name '*theta=5*' | wc -l)" 0
ends "an override that fails late" 1 "(memory_limit)" \
    figure fig6b --out "$out" --override set.memory_limit=16M --override records=1M --override repetitions=1
equals "spoils nothing" "$(cat "$out/fig6b$named/results.csv" "$out/fig6b$named.svg" "$out/fig6b$named.conf" | cksum)" \
    "$before"
# The page and the claims look at figures without overrides: put these there.
for ending in svg pdf png conf; do cp "$out/fig6b$named.$ending" "$out/fig6b.$ending"; done
cp -r "$out/fig6b$named" "$out/fig6b"
equals "its points" "$(cut -d, -f1-5 "$out/fig6b/data.csv" | tr '\n' ' ')" \
    "line,x,place,oversubscribed,runs $(for system in native silo_paper tictoc twopl; do
        printf '%s,0,1,0,2 %s,0.6,2,0,2 %s,0.9,3,0,2 %s,0.99,4,0,2 ' $system $system $system $system
    done)"
equals "its terms" 1 \
    "$(grep -c 'back-off adaptive; retry of the same transaction; index entries late' "$out/fig6b.svg")"
for format in svg pdf png; do
    equals "$format" "$(head -c 200 "$out/fig6b.$format" | grep -acE '<svg|%PDF|PNG')" 1
done
equals "the caption has the machine and the date" \
    "$(grep -c "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1 | cut -c1-30)" "$out/fig6b.svg")" 1
equals "and records and steadiness" \
    "$(grep -cE '1k records; (all [0-9]+ runs steady|[0-9]+ of [0-9]+ runs not|not known)' "$out/fig6b.svg")" 1
equals "gnuplot warns of nothing" "$(lines warning)" 0
rm "$out/fig6b.svg"
ends "drawn again without running" 0 "fig6b.svg .pdf .png" figure fig6b --plot-only --out "$out"
ends "another figure" 0 "contention$named.svg .pdf .png" figure contention --out "$out" "${tiny[@]}"
equals "ends with its verdict" "$(grep -cE '(wins|is ahead).*: .*against ' "$work/out")" 1
for ending in svg pdf png conf; do mv "$out/contention$named.$ending" "$out/contention.$ending"; done
mv "$out/contention$named" "$out/contention"
ends "an unmeasured one" 1 "fig7/results.csv: No such file" figure fig7 --plot-only --out "$out"

# ---- Lines of other systems. ----
results=$out/fig6b/results.csv
place_of() { # column: its number
    head -n 1 "$results" | tr , '\n' | grep -nx "$1" | cut -d: -f1
}
cp "$results" "$work/measured.csv"
for system in hekaton ermia something-new; do
    awk -F, -v OFS=, -v at="$(place_of target)" -v label="$(place_of label)" -v name="$system" \
        'NR > 1 && $at == "native" { $at = $label = name; print }' "$work/measured.csv" >>"$results"
done
ends "other systems are drawn" 0 "fig6b.svg" figure fig6b --plot-only --out "$out"
equals "with their names" \
    "$(grep -oE "Silo'|TicToc|2PL|Hekaton|ERMIA|something-new|Maemio<" "$out/fig6b.svg" | sort -u | wc -l)" 7
cp "$work/measured.csv" "$results"

# ---- On the terms of the paper. ----
few=("${tiny[@]}" --override theta=0.9 --override threads=1)
terms=,terms=paper$named,theta=0.9,threads=1
ends "a figure on the paper's terms" 0 "fig6b$terms.svg" figure fig6b --terms paper --out "$out" "${few[@]}"
equals "which its caption has" \
    "$(grep -c 'back-off adaptive (native), dbx1000 (silo_paper tictoc twopl);' "$out/fig6b$terms.svg")" 1
equals "and its title" "$(grep -c 'changed: terms=paper, records=1k' "$out/fig6b$terms.svg")" 1
mv "$out/fig6b$terms" "$out/fig6b,terms=paper"
ends "all on the paper's terms" 0 "to run" figure all --terms paper --dry-run --out "$work/terms"
equals "are those that compare systems" "$(grep -c 'points,.* to run' "$work/out")" \
    "$(grep -lE '^include.*common/systems.conf' plots/*.conf | wc -l)"
ends "one that compares none" 2 "--terms: fig9 compares no systems" figure fig9 --terms paper --out "$out"
ends "unknown terms" 2 "'fair' is none of equal|paper" figure fig6b --terms fair --out "$out"

# ---- All systems on one page. ----
chosen=,theta=0.9,threads=1
ends "all systems side by side" 0 "schemes$named$chosen.svg" figure schemes --out "$out" "${tiny[@]}" \
    --override theta=0.9 --override threads=1
equals "end with a verdict for each share of reads" "$(grep -cE '^read_ratio 0.*(wins|is ahead)' "$work/out")" 2
equals "are drawn without a warning" "$(lines warning)" 0
mv "$out/schemes$named$chosen" "$out/schemes"

# ---- What a log costs: on a disk. ----
: >"$work/file"
TMPDIR=$work/file ends "a log needs a folder" 1 'log_dir=auto: no folder can be made' run "${tiny_run[@]}"
safe=1
TMPDIR=$logs "$maemio" run "${tiny_run[@]}" >"$work/out" 2>&1 || safe=0
if [ $safe = 1 ]; then
    TMPDIR=$logs ends "the modes of the log" 0 "durable$named.svg" figure durable --out "$work/durable" "${tiny[@]}"
    equals "are all in it" "$(cut -d, -f2,5 "$work/durable/durable$named/data.csv" | tr '\n' ' ')" \
        "x,runs off,2 async,2 group,2 sync,2 "
    equals "with the disk" "$(grep -c "log: .* on " "$work/durable/durable$named.svg")" 1
    equals "are drawn without a warning" "$(lines warning)" 0
    equals "and leave no log behind" "$(find "$logs" -mindepth 1 | wc -l)" 0
else
    grep 'in memory only' "$work/out" || bad "a log for a while" "$(cat "$work/out")"
    echo "skipped: no figure of the log, since $logs is in memory only"
fi
if [ -d /dev/shm ] && [ "$(stat -f -c %T /dev/shm)" = tmpfs ]; then
    TMPDIR=/dev/shm ends "in memory there is no such figure" 1 "durable: /dev/shm is in memory only" \
        figure durable --out "$work/memory" "${tiny[@]}"
fi

# ---- Other databases: those that are there; the others are left out, and the picture says so. ----
mkdir "$work/plots" "$work/alone"
cp "$maemio" "$work/alone" # no shared object of an external target beside it
cp -r plots/common plots/effort "$work/plots"
sed -i 's/^records = .*/records = 1k/' "$work/plots/common/databases-ycsb.conf"
sed -i 's/^warehouses = .*/warehouses = 1/' "$work/plots/common/databases-tpcc.conf"
awk '/^\[/ { other = /^\[(tpcc (group|sync|optimistic)|figure|claim)/ } !other' plots/databases.conf |
    sed '/^\[tpcc off\]/,$ s/^target = .*/target = native, sql/' >"$work/plots/few.conf"
chmod 711 "$work" # servers run as other users than root
databases() { # program, folder: measures few points and draws them; the sweep's messages are in $work/sweep
    launch env TMPDIR="$logs" "$1" sweep "$work/plots/few.conf" --no-page --skip-missing --out "$2/databases" \
        --override time=200ms --override warmup=0 --override repetitions=1
    ended "databases that are there" 0
    cp "$work/err" "$work/sweep"
    cp "$2/databases/job.conf" "$2/databases.conf"
    ends "are drawn" 0 "databases.svg .pdf .png" figure databases --plot-only --out "$2"
    equals "without a warning" "$(lines warning)" 0
}
if [ $safe = 1 ]; then
    databases "$maemio" "$work/there"
    names='Maemio|LMDB|WiredTiger|RocksDB, locks|RocksDB, optimistic|Maemio, by SQL|SQLite|Redis|PostgreSQL'
    equals "each that is there has its name" \
        "$(grep -oE ">($names)( [^<]*)?<" "$work/there/databases.svg" | sort -u | wc -l)" \
        "$((9 - $(grep -c 'left out: ' "$work/sweep") - $(grep -c 'left out: rocksdb' "$work/sweep")))"
    databases "$work/alone/maemio" "$work/none"
    equals "what is missing is said" "$(grep -c 'left out: [a-z]*: not built' "$work/sweep")" 6
    equals "in the picture, too" "$(grep -c 'left out: lmdb: not built' "$work/none/databases.svg")" 1
    equals "which has the others" "$(grep -cE '>(Maemio|Silo|Maemio, by SQL|LMDB|Redis)<' "$work/none/databases.svg")" 6
    equals "with what SQL costs" "$(grep -c '+ SQL: Maemio below SQLite' "$work/none/databases.svg")" 2
    ends "a page" 0 "report.html" report "$work/none"
    equals "says it as well" "$(grep -c 'Left out: .*: not built' "$work/none/report.html")" 6
else
    echo "skipped: no figure of other databases, since $logs is in memory only"
fi
launch "$work/alone/maemio" sweep "$work/plots/few.conf" --no-page --out "$work/refused"
ended "without --skip-missing they are refused" 2 "--target lmdb: not built"
launch "$work/alone/maemio" sweep <(echo 'target = lmdb') --no-page --skip-missing --out "$work/refused"
ended "nothing that is there" 2 "there is nothing to run in it: lmdb: not built"

# ---- The page. ----
ends "a report" 0 "report.html" report "$out"
page=$out/report.html
equals "it says how often a point was measured" "$(grep -c "up to 2 repetitions" "$page")" 1
equals "it fetches nothing" "$(grep -cE '(src|href)="(https?:)?//|@import|url\(http' "$page")" 0
equals "the figures are in it" "$(grep -o '<img src="data:image/svg' "$page" | wc -l)" 3
equals "the changed one as such" "$(grep -c 'Not as above: records=1k,time=200ms' "$page")" 1
equals "what failed is named" "$(grep -c 'Begun, but without results.*: fig6b,set.memory_limit=16M' "$page")" 1
equals "ids are unique" "$(grep -oE ' id="[^"]*"' "$page" | sort | uniq -d | wc -l)" 0
claims=$(($(cat plots/*.conf | grep -c '^\[claim ') + $(grep -c '^\[claim ' plots/fig6b.conf)))
equals "every claim is in it, on all terms that were measured" \
    "$(grep -oE 'class="verdict [a-z]+"' "$page" | wc -l)" "$claims"
equals "and in the CSV" "$(wc -l <"$out/claims.csv")" $((claims + 1))
equals "on which terms" "$(grep -c '^Figure 6b,.*,"\?fig6b,terms=paper' "$out/claims.csv")" 1
equals "what was not measured cannot be told" \
    "$(grep -c '^Figure 9.*cannot be told here,Not measured' "$out/claims.csv")" 3
equals "settings are compared, and systems for each share of reads" \
    "$(grep -cE 'wins: |No winner beyond noise' "$page")" 3
equals "with why they aborted" "$(grep -cE '<td data-name="aborted, and why">[0-9.]+%' "$page")" \
    "$(($(tail -n +2 "$out/contention/data.csv" | wc -l) + 8))"
ends "a report of one sweep" 0 "contention/report.html" report "$out/contention"
equals "compares with the first setting of the job file" \
    "$(grep -oE '<tbody>|<td><strong>[a-z0-9-]*' "$out/contention/report.html" | sed -n 2p)" '<td><strong>default'

# ---- One configuration in two figures. ----
mkdir -p "$work/two/fig6c"
cp -r "$out/fig6b" "$work/two/fig6b"
awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
    NR > 1 { $at["throughput_txn_per_s"] /= 100 } { print }' "$out/fig6b/results.csv" >"$work/two/fig6c/results.csv"
ends "a page of two figures with one configuration" 0 "report.html" report "$work/two"
equals "warns where they disagree" "$(grep -c 'One configuration, [a-z_]* with .* workers, in two figures' \
    "$work/two/report.html")" 16
equals "and counts" "$(grep -c '16 times two figures measured the same configuration; 16 of these' \
    "$work/two/report.html")" 1

# ---- What is there stays until the new is whole. ----
printf 'workload = bank\naccounts = 10\ntxns = 500\nthreads = 1\nrepetitions = 2\n' >"$work/first.conf"
ends "a sweep" 0 "report.html" sweep "$work/first.conf" --out "$work/kept"
before=$(cksum <"$work/kept/results.csv")
ends "another one in its folder that fails" 1 "stay there until this one is whole" \
    sweep "$work/first.conf" --out "$work/kept" --override accounts=1M \
    --override set.memory_limit=16M
equals "leaves the first one's results" "$(cksum <"$work/kept/results.csv")" "$before"
ends "one that does not fail" 0 "report.html" sweep "$work/first.conf" --out "$work/kept" --override accounts=20
equals "replaces them, with its job" \
    "$(col "$work/kept/results.csv" wl_accounts) $(grep -c '^accounts = 20$' "$work/kept/job.conf")" " 20 1"
printf 'workload = bank\naccounts = 1000, 1k\n' >"$work/twice.conf"
ends "one value under two spellings" 2 "twice.conf:2: key 'accounts': '1k' is '1000' once more" \
    sweep "$work/twice.conf" --dry-run --out "$work/twice"
ends "an override makes one point of two" 0 "1 points, 1 runs" \
    sweep <(printf 'workload = bank\naccounts = 10, 20\n') --dry-run --out "$work/twice" --override accounts=30

# ---- Sections of any name. ----
{
    printf 'workload = bank\naccounts = 10\ntxns = 500\nthreads = 1\ncounters = off\nlatency = off\n'
    printf '[R]\nset.backoff = off\n[R&D]\nset.backoff = fixed:1\n[@cores]\nset.backoff = fixed:5\n'
    printf '[%0500d]\nset.backoff = fixed:6\n[%0500d]\nset.backoff = fixed:7\n' 1 2
} >"$work/names.conf"
ends "a sweep with sections of any name" 0 "report.html" sweep "$work/names.conf" --out "$work/names"
median_of() { # label: the only run's throughput in the results
    awk -F, -v label="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        $at["label"] == label && $at["txn_type"] == "all" { print $at["throughput_txn_per_s"] }' \
        "$work/names/results.csv"
}
shown_of() { # section as HTML: its throughput on the page
    sed -n "s|^<tr><td><strong>$1</strong></td><td[^>]*>\([^ ]*\) .*|\1|p" "$work/names/report.html"
}
for name in R 'R&D' @cores "$(printf %0500d 1)" "$(printf %0500d 2)"; do
    equals "section ${name:0:6} shows its own numbers" "$(shown_of "${name/&/&amp;}")" \
        "$(median_of "$name" | awk "{ printf(\$1 < 1e6 ? \"%.3gk\" : \"%.2fM\", \$1 / (\$1 < 1e6 ? 1e3 : 1e6)) }")"
done

printf 'time = 20ms\n[%0600d]\nthreads = 1\n' 1 >"$work/long.conf"
ends "a name that is too long is found before anything runs" 2 "longer than 511 bytes" \
    sweep "$work/long.conf" --dry-run --out "$work/long"

# ---- Refusals. ----
ends "no figure" 2 "name a figure" figure
ends "an unknown figure" 2 "there is no figure 'fig99'; did you mean 'fig9'?" figure fig99
ends "an unknown effort" 2 "'huge' is none of quick|normal|paper" figure fig7 --effort huge
ends "an unknown override" 2 "" figure fig7 --dry-run --out "$work/x" --override bananas=3
ends "a folder without results" 1 "no results here" report "$work"
printf 'a,b\n1,2\n' >"$out/fig6b/results.csv"
ends "foreign results" 1 "these are no results of maemio" report "$out"
ends "a folder has no columns to choose from" 2 "--metric: is for a file of results" report --metric x "$out"

# ---- Elsewhere than in the project: a program by itself refuses, an installed one needs nothing else. ----
for command in "figure fig7" "trend $out/fig6b" "report $out" "sweep $work/first.conf"; do
    # shellcheck disable=SC2086
    launch env -C "$work/alone" ./maemio $command
    ended "a program by itself: ${command%% *}" 2 "run it from the project's root, or installed"
done
away=$work/away
mode=${MAE_BUILD:-release}
mode=${mode##*/}
unset MAKEFLAGS MFLAGS MAKELEVEL # this may run below another make
mkdir "$away"
launch make -s MODE="${mode#clang-}" CC="${CC:-gcc}" DESTDIR= PREFIX="$work/prefix" install
ended "installs" 0
launch env -C "$away" "$work/prefix/bin/maemio" figure fig6b "${tiny[@]}"
ended "an installed figure" 0 "results/figures/quick/fig6b$named.svg .pdf .png"
equals "lies below the folder it was run in" "$(cd "$away" && find . -name '*.svg')" \
    "./results/figures/quick/fig6b$named.svg"
launch env -C "$away" "$work/prefix/bin/maemio" report results/figures/quick
ended "an installed page" 0 "results/figures/quick/report.html"
launch env -C "$away" "$work/prefix/bin/maemio" trend "results/figures/quick/fig6b$named"
ended "an installed trend" 0 "results/trend/"
equals "is drawn" "$(find "$away/results/trend" -name '*.svg' | wc -l)" 16
echo '[figure' >>"$work/prefix/share/maemio/plots/fig7.conf"
launch env -C "$away" "$work/prefix/bin/maemio" figure fig6b --plot-only
ended "a figure's file that is wrong is named, with the line" 2 "plots/fig7.conf:" "a section's header ends with ]"

finish
