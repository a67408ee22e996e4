#!/usr/bin/env bash
# In a locale with decimal commas the program and the scripts write and draw the same as in any other. The test makes
# the locale, so that it need not be installed.
#   usage: tests/cli/locale.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
if ! localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" 2>"$work/err"; then
    echo "no de_DE.UTF-8 can be made here"
    exit 77
fi
mkdir "$work/bin" # mawk heeds the locale, where there is one
ln -s "$(command -v mawk || command -v awk)" "$work/bin/awk"
abroad=(env "LOCPATH=$work" LC_ALL=de_DE.UTF-8 "PATH=$work/bin:$PATH")
equals "the control: printf has a comma there" "$("${abroad[@]}" /usr/bin/printf '%.1f' 1,5)" "1,5"

# ---- Scripts: what they say there is what they say here. ----
printf 'label,theta,speed\na,0.99,1000.25\na,0.99,1000.75\nb,0.5,1.5\n' >"$work/in.csv"
aggregate=(scripts/aggregate "label,theta" speed "$work/in.csv")
"${aggregate[@]}" >"$work/here"
launch "${abroad[@]}" "${aggregate[@]}"
equals "medians" "$code $(cat "$work/out")" "0 $(cat "$work/here")"
equals "have points" "$(sed -n 2p "$work/out")" "a,0.99,2,1000.5,1000.25,1000.75"
{
    printf '# counted by: callgrind\n# compiler: gcc 1\n# flags: -O3\n# libc: a\n'
    printf 'case,function,instructions_per_txn,inclusive_per_txn\n'
    printf 'a,total,1000.5,1000.5\na,f,600.25,1000.5\na,g,400.25,400.25\n'
} >"$work/base.csv"
sed 's/^a,total.*/a,total,1015.75,1015.75/; s/^a,g.*/a,g,415.5,415.5/' "$work/base.csv" >"$work/head.csv"
gate=(scripts/instructions compare "$work/base.csv" "$work/head.csv")
"${gate[@]}" >"$work/here"
launch "${abroad[@]}" "${gate[@]}"
equals "instruction counts" "$code $(cat "$work/out")" "4 $(cat "$work/here")"
equals "with those of callees" "$(lines 'with callees 400\.[23] -> 415\.5$')" 1
for script in scripts/* .ci/run; do
    if [ -f "$script" ] && head -n 1 "$script" | grep -q '^#!.*bash'; then
        equals "$script leaves the user's locale" "$(grep -c '^export LC_ALL=C' "$script")" 1
    fi
done

# ---- The program. ----
launch "${abroad[@]}" "$maemio" run --threads 1 --pin none --records 1000 --txns 2000 --theta 0.875 \
    --csv "$work/runs.csv"
ended "a run" 0
equals "its row has points" "$(grep -c ',0\.875,' "$work/runs.csv") $(grep -c '0,875' "$work/runs.csv")" "3 0"
if command -v gnuplot >/dev/null; then
    launch "${abroad[@]}" "$maemio" figure fig6b --out "$work/figures" --override records=1k --override time=200ms \
        --override warmup=0 --override repetitions=2 --override threads=1
    ended "a figure" 0 ".svg .pdf .png"
    equals "its lines have points" "$(cat "$work"/figures/*.svg | grep -cE '>0[.]99<') $(
        cat "$work"/figures/*.svg | grep -cE '>[0-9]+,[0-9]+<')" "1 0"
fi

# ---- The demo, as short as it can be. Only where it finds the program built: it measures ./maemio. ----
if command -v gnuplot >/dev/null && [ "$maemio" -ef build/release/maemio ] && [ -e maemio ]; then
    launch "${abroad[@]}" env -u LANG DEMO_SECONDS=1 DEMO_RECORDS=1000 scripts/demo "$work/demo"
    ended "the demo" 0 "demo: done"
    equals "gnuplot warns of nothing" "$(lines 'warning|iconv')" 0
    equals "medians are not cut to integers" "$(awk -F, 'NR > 1 && $5 ~ /^[0-9]+\.[0-9]/ { n++ }
        END { print (n > 0) }' "$work/demo/throughput.csv") $(grep -c ';' "$work/demo/throughput.csv")" "1 0"
    equals "rows are whole" "$(awk -F, 'NR == 1 { n = NF } NF != n { bad = 1 } END { print bad + 0 }' \
        "$work/demo/throughput.csv" "$work/demo/aborts.csv")" 0
    equals "no number has a comma" "$(cat "$work"/demo/*.svg | grep -cE '>[0-9]+,[0-9]+<')" 0
fi
finish
