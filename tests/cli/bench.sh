#!/usr/bin/env bash
# scripts/bench: what is wrong is refused, and each run of its tables of ratios has options that this program knows. It
# measures nothing, since a table takes minutes and an idle machine.
#   usage: tests/cli/bench.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

launch scripts/bench --help
ended "help" 0 "--long "
launch scripts/bench --short
ended "an unknown table" 2 "unknown option '--short'"
launch env BENCH=slow scripts/bench "$work/out"
ended "an unknown effort" 2 "BENCH=slow: must be quick or full"

equals "each table has runs, and each run's options are known" "$(python3 -B - "$maemio" "$work" <<'END'
import sys
sys.path.insert(0, 'scripts')
import rounds
from common import without_unknown
rounds.NORMAL = sys.argv[1]
for name, kind in rounds.TABLES.items():
    table = kind(sys.argv[2], 'quick')
    if name == 'long': # the others' preparations build or count CPUs
        table.prepare()
    runs = table.runs()
    # --set=TARGET.OPTION is known by its option.
    arguments = {argument.replace('--set=twopl.', '--set=') for _, given in runs.values() for argument in given}
    unknown = without_unknown(rounds.NORMAL, sorted(arguments))[1]
    print(name, 'no runs' if not runs else f'unknown: {" ".join(unknown)}' if unknown else 'known')
END
)" "contended known
updates known
march known
options known
long known
schemes known"

equals "ratios are of rounds with the CPUs as far apart" "$(python3 -B -c '
import sys
sys.path.insert(0, "scripts")
import rounds
line = {("a", "A"): [40, 40, 160, None], ("a", "B"): [41, 160, 170, 40]}
rate = {("a", "A"): [2, 2, 4, 2], ("a", "B"): [3, 2, 8, 6]}
ratios = rounds.Pairs.ratios(rate, line, "a")
print(ratios, rounds.spread_text(ratios), rounds.spread_text([None]) or "none")')" \
    "[1.5, None, 2.0, 3.0] 2.00 (1.50 .. 3.00) none"

finish
