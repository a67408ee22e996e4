#!/usr/bin/env bash
# scripts/published-points: what is wrong is refused, and the runs of its cells have options that this program knows. It
# simulates nothing, since a cell takes seconds and another build. And what the Python scripts share: who stops reading
# what one of them prints, as `head` does, ends it without a message.
#   usage: tests/cli/published.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

launch scripts/published-points --only nothing "$work/out"
ended "no such cell" 2 "no cell 'nothing': there are one, one-counter, tpcc, "
equals "nothing was made for it" "$(ls "$work")" "err
out"
launch scripts/published-points --records
ended "a value that is missing" 2 "--records: needs a value"
launch scripts/published-points --only list
ended "its cells" 0 "no-precheck"
equals "each line's cells are there, and their options are known" "$(
    python3 -B - "$maemio" <<'END'
import importlib.machinery, importlib.util, sys
sys.path.insert(0, 'scripts')
loader = importlib.machinery.SourceFileLoader('points', 'scripts/published-points')
sys.argv[0] = 'published-points'
import common
common.begin = lambda function: None
points = importlib.util.module_from_spec(importlib.util.spec_from_loader('points', loader))
loader.exec_module(points)
print(*(cell for *_, first, base in points.LINES for cell in (first, base) if cell and cell not in points.CELLS))
arguments = sorted({argument for cell in points.CELLS.values() for argument in (*points.COMMON, *cell)})
print(*common.without_unknown(sys.argv[1], arguments)[1])
END
)" ""

# ---- Who has read enough. ----

unread() { # a command, whose output nobody reads any more; sets code, leaves $work/err
    exec 3> >(true)
    wait $!
    "$@" >&3 2>"$work/err" </dev/null
    code=$?
    exec 3>&-
}
for script in published-points bench soak; do
    unread scripts/$script --help
    equals "$script that nobody reads ends without a message" "$code $(cat "$work/err")" "141 "
done
unread "$maemio" run --help
equals "so does the command" "$code $(cat "$work/err")" "141 "

finish
