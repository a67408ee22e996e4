#!/usr/bin/env bash
# maemio trend: each configuration has a series; its entries stand in the order of time, each once; a series is written
# whole or not at all. Also refusals and the picture.
#   usage: tests/cli/trend.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

# Two configurations under one label, twice each.
mkdir -p "$work/now"
for records in 1000 2000; do
    "$maemio" run --threads 1 --pin none --txns 500 --records $records --repetitions 2 --label "a/b" \
        --csv "$work/now/results.csv" >/dev/null 2>&1
done
year=$(date -u +%Y)
trend=(trend --no-plot --into "$work/h")

ends "two configurations are two series" 0 "2 added, 0 known already" "${trend[@]}" --commit c1 "$work/now"
series=$(find "$work/h" -name '*.csv' | sort | head -n 1)
equals "named for label and configuration" "$(find "$work/h" -name 'a_b-????????.csv' | wc -l)" 2
equals "time, commit, machine, runs" "$(cut -d, -f1,2,4 "$series" | sed -E '2s/^[0-9TZ:-]+,/TIME,/')" \
    $'time,commit,runs\nTIME,c1,2'
equals "medians lie in their intervals" "$(awk -F, 'NR == 2 { print ($6 <= $5 && $5 <= $7 && $5 > 0) }' "$series")" 1
ends "the same again adds nothing" 0 "0 added, 2 known already" "${trend[@]}" --commit c1 "$work/now/results.csv"
sed "s/$year-/1999-/" "$work/now/results.csv" >"$work/old.csv"
ends "an older run" 0 "2 added" "${trend[@]}" --commit c0 "$work/old.csv"
equals "stands before the newer" "$(sed 1d "$series" | cut -d, -f2 | tr '\n' ' ')" "c0 c1 "
ends "a folder of folders" 0 "0 added, 2 known already" "${trend[@]}" --commit c1 "$work"
ends "the revision is the commit" 0 "2 added" "${trend[@]}" "$work/now"
revision=$(sed -n '$p' "$series" | cut -d, -f2)
equals "as the row names it" "$(grep -cF ",${revision%-dirty}," "$work/now/results.csv")" \
    "$(sed 1d "$work/now/results.csv" | wc -l)"
before=$(cat "$series")
: >"$series.part" # what an interruption leaves
ends "after an interruption" 0 "0 added, 2 known already" "${trend[@]}" "$work/now"
equals "the series is whole" "$(cat "$series")" "$before"
if [ "$(id -u)" -ne 0 ]; then
    chmod a-w "$work/h"
    ends "a folder that cannot be written" 1 "cannot be written" "${trend[@]}" --commit c9 "$work/now"
    chmod u+w "$work/h"
fi

sed "s/,${revision%-dirty},/,unknown,/" "$work/now/results.csv" >"$work/unknown.csv"
ends "no commit" 1 "of a build without a commit: give --commit" "${trend[@]}" "$work/unknown.csv"
sed 's/,complete,/,interrupted,/' "$work/now/results.csv" >"$work/cut.csv"
ends "no complete run" 1 "holds no complete result" "${trend[@]}" "$work/cut.csv"
printf '%s' "$before" >"$series"
ends "a torn series" 1 "$series" "${trend[@]}" --commit c2 "$work/now"
echo 'time,commit,x' >"$series"
ends "a foreign series" 1 "these are not the columns of a series" "${trend[@]}" --commit c2 "$work/now"
ends "nothing there" 1 "No such file" "${trend[@]}" "$work/none"
mkdir "$work/empty"
ends "no results there" 1 "no results.csv there" "${trend[@]}" "$work/empty"
ends "no folder" 2 "name a folder of results" trend
ends "help tells the two histories apart" 0 "results over commits" --help

if command -v gnuplot >/dev/null; then
    ends "pictures" 0 ".svg" trend --into "$work/p" --commit c1 "$work/now"
    ends "with a second entry" 0 "2 added" trend --into "$work/p" --commit c0 "$work/old.csv"
    equals "without a word from gnuplot" "$(lines warning)" 0
    equals "have both commits" "$(cat "$work"/p/*.svg | grep -oE '>c[01]<' | sort | uniq -c | awk '{ print $1 }' |
        tr '\n' ' ')" "2 2 "
    # As an open loop leaves it: columns 8 to 10, ns_per_txn, are empty.
    awk -F, -v OFS=, 'NR > 1 { $8 = $9 = $10 = "" } { print }' "$work/p/${series##*/}" >"$work/open"
    cp "$work/open" "$work/p/${series##*/}"
    ends "a series without a metric is drawn" 0 ".svg" trend --into "$work/p" --commit c1 "$work/now"
fi

finish
