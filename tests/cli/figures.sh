#!/usr/bin/env bash
# The experiments, `maemio figure` and `maemio report`: every job file is accepted at every effort and has its plot and
# its head; a tiny run gives points, pictures and a page; other systems' lines are drawn; refusals.
#   usage: tests/cli/figures.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
command -v gnuplot >/dev/null || {
    echo "no gnuplot"
    exit 77
}
out=$work/figures

# ---- The data: each figure has its job file, head and plot; each job file its figure. ----
figures=$("$maemio" figure --list | awk '{ print $1 }')
equals "figures and job files are the same list" "$(sort <<<"$figures")" \
    "$(basename -a -s .conf scripts/experiments/*.conf | sort)"
for figure in $figures; do
    head=$(sed -n '/^#/!q;p' "scripts/experiments/$figure.conf" | grep -oE '^# (Claim|Paper|Here):' | tr -d '\n')
    equals "$figure: claim, paper and scale stand at the head" "$head" '# Claim:# Paper:# Here:'
    [ -f "plots/$figure.gp" ] || bad "$figure: plot" "no plots/$figure.gp"
done
for effort in quick normal paper; do
    ends "every job file is accepted, effort $effort" 0 "to run" \
        figure all --dry-run --effort "$effort" --out "$work/$effort"
done
ends "contention.conf runs by itself" 0 "to run" sweep scripts/experiments/contention.conf --dry-run --out "$work/c"

# ---- A tiny run. ----
tiny=(--override records=1k --override time=30ms --override warmup=0 --override repetitions=4)
ends "a figure" 0 "fig6b.svg .pdf .png" figure fig6b --out "$out" "${tiny[@]}"
equals "its points" "$(cut -d, -f1-5 "$out/fig6b/data.csv" | tr '\n' ' ')" \
    'line,x,place,oversubscribed,runs native,0,1,0,4 native,0.60,2,0,4 native,0.90,3,0,4 native,0.99,4,0,4 '
for format in svg pdf png; do
    equals "$format" "$(head -c 200 "$out/fig6b.$format" | grep -acE '<svg|%PDF|PNG')" 1
done
equals "the caption has the machine and the date" \
    "$(grep -c "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1 | cut -c1-30)" "$out/fig6b.svg")" 1
equals "gnuplot warns of nothing" "$(lines warning)" 0
rm "$out/fig6b.svg"
ends "drawn again without running" 0 "fig6b.svg .pdf .png" figure fig6b --plot-only --out "$out"
ends "another figure" 0 "contention.svg .pdf .png" figure contention --out "$out" "${tiny[@]}"
equals "ends with its verdict" "$(grep -cE '(wins|is ahead): .*against ' "$work/out")" 1
ends "an unmeasured one" 1 "fig7/results.csv: No such file" figure fig7 --plot-only --out "$out"

# ---- Lines of other systems. ----
results=$out/fig6b/results.csv
target=$(head -n 1 "$results" | tr , '\n' | grep -nx target | cut -d: -f1)
cp "$results" "$work/native.csv"
for system in silo tictoc 2pl hekaton something-new; do
    awk -F, -v OFS=, -v at="$target" -v name="$system" 'NR > 1 { $at = name; print }' "$work/native.csv" >>"$results"
done
ends "other systems are drawn" 0 "fig6b.svg" figure fig6b --plot-only --out "$out"
equals "with their names" \
    "$(grep -oE "Silo'|TicToc|2PL|Hekaton|something-new|Maemio<" "$out/fig6b.svg" | sort -u | wc -l)" 6
cp "$work/native.csv" "$results"

# ---- The page. ----
ends "a report" 0 "report.html" report "$out"
page=$out/report.html
equals "it says how often a point was measured" "$(grep -c "up to 4 repetitions" "$page")" 1
equals "it fetches nothing" "$(grep -cE '(src|href)="(https?:)?//|@import|url\(http' "$page")" 0
equals "the figures are in it" "$(grep -o '<svg role="img"' "$page" | wc -l)" 2
equals "ids are unique" "$(grep -oE ' id="[^"]*"' "$page" | sort | uniq -d | wc -l)" 0
equals "every claim is in it" "$(grep -oE 'class="verdict [a-z]+"' "$page" | wc -l)" \
    "$(grep -c '^CLAIM(' harness/claims.def)"
equals "and in the CSV" "$(wc -l <"$out/claims.csv")" $(($(grep -c '^CLAIM(' harness/claims.def) + 1))
equals "what was not measured cannot be told" \
    "$(grep -c '^Figure 9.*cannot be told here,Not measured' "$out/claims.csv")" 3
equals "settings are compared" "$(grep -cE 'wins: |No winner beyond noise' "$page")" 1
ends "a report of one sweep" 0 "contention/report.html" report "$out/contention"
equals "compares with the first setting of the job file" \
    "$(grep -oE '<tbody>|<td><strong>[a-z0-9-]*' "$out/contention/report.html" | sed -n 2p)" '<td><strong>default'

# ---- Sections of any name. ----
{
    printf 'workload = bank\naccounts = 10\ntime = 20ms\nwarmup = 0\nthreads = 1\ncounters = off\nlatency = off\n'
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
ends "an unknown figure" 2 "there is no figure 'fig99'" figure fig99
ends "an unknown effort" 2 "'huge' is none of quick|normal|paper" figure fig7 --effort huge
ends "an unknown override" 2 "" figure fig7 --dry-run --out "$work/x" --override bananas=3
ends "a folder without results" 1 "no results here" report "$work"
printf 'a,b\n1,2\n' >"$out/fig6b/results.csv"
ends "foreign results" 1 "these are no results of maemio" report "$out"
(cd "$work" && "$maemio" figure fig7 >"$work/log" 2>&1)
equals "elsewhere than in the project" "$? $(grep -c "run it from the project's root" "$work/log")" "2 1"

finish
