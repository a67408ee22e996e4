#!/usr/bin/env bash
# scripts/regress and scripts/instructions: decisions, exit codes, refusals, interruption. The revisions are those of a
# made-up repository: its `make` takes no time, and its maemio makes numbers up. The maemio that judges them is real.
#   usage: tests/cli/regress.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
MAE_BUILD=$(realpath "${MAE_BUILD:-.}")
export MAE_BUILD
. tests/support/cli.sh
unset MAKEFLAGS MFLAGS MAKELEVEL # this may run below another make
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
run() { # any command: it is scripts that are tested here
    launch "$@"
}

# ---- A repository: SPEED in blocks of odd and even number. ----
repo=$work/repo
mkdir -p "$repo/scripts"
cp scripts/regress scripts/instructions scripts/common.py "$repo/scripts"
cat >"$repo/fake" <<'END'
#!/usr/bin/env bash
speeds=(@SPEEDS@)
check=passed
case $1 in
list)
    echo "instructions - counted here"
    # One that is older than the job file.
    [ "${speeds[0]} $2" != "99999 options" ] ||
        printf '  --%s  help\n' workload threads time warmup check records txns
    exit 0
    ;;
esac
for argument in "$@"; do
    case $argument in
    --theta=*) [ "${speeds[0]}" != 99999 ] || exit 2 ;;
    --csv=*) csv=${argument#*=} ;;
    --label=*) label=${argument#*=} ;;
    --first-repetition=*) block=${argument#*=} ;;
    --check=off) check=skipped ;;
    esac
done
[ -e "$csv" ] || echo "txn_type,outcome,check_result,label,repetition,throughput_txn_per_s,pmu_instructions_per_txn,\
compiler,build_flags,build_mode,libc,revision" >"$csv"
speed=$((${speeds[${block:-0} % 2]} + $(date +%N | cut -c4-6 | sed 's/^0*//;s/^$/0/') / 10))
[ "${speeds[0]}" != 77777 ] || [ $check = skipped ] || check=failed
[ "${speeds[0]}" != 66666 ] || check=skipped
echo "all,complete,$check,${label-},${block-},$speed,${speeds[0]},gcc 1,-O3,release,glibc,r" >>"$csv"
[ $check != failed ] || exit 3
END
printf 'all:\n\t%s\n\t%s\n\t%s\n\t%s\n' 'test ! -e broken' \
    'test ! -e slow-build || { touch slow-build-began; exec sleep 300; }' \
    "sed \"s/@SPEEDS@/\$\$(cat speeds)/\" fake >maemio" 'chmod +x maemio' >"$repo/Makefile"
printf 'build/\nmaemio\n' >"$repo/.gitignore"
commit() { # speeds, name of the tag
    echo "$1" >"$repo/speeds"
    git -C "$repo" add -A
    git -C "$repo" -c user.name=t -c user.email=t@localhost commit -qm "$2"
    git -C "$repo" tag "$2"
}
git -C "$repo" init -q
commit "100000 100000" fast
commit "90000 90000" slower
commit "80000 120000" unsteady
commit "77777 77777" wrong
commit "66666 66666" unchecked
commit "99999 99999" old
touch "$repo/broken"
commit "1 1" broken
git -C "$repo" rm -q broken
touch "$repo/slow-build"
commit "100000 100000" endless
printf '%s\n' 'threads = 1' 'time = 1ms' 'warmup = 0' 'check = off' 'records = 1k' \
    '[one]' 'theta = 0' '[two]' 'theta = 0.9' >"$work/two.conf"
sed '/^.one/,/^theta/d' "$work/two.conf" >"$work/one.conf"
regress=("$repo/scripts/regress" --gate timing --metric throughput --blocks 8 --job "$work/two.conf")

# ---- Decisions. ----
ends "a slower revision" 4 "REGRESSION" "${regress[@]}" fast slower
equals "both configurations are slower" "$(grep -c ',slower,' "$repo/build/regress/report/report.csv")" 2
equals "it stopped as soon as the U test can tell" "$(lines '^regress: look')" 2
equals "what to do to see it" "$(lines '^(To repeat: scripts/regress|One run of )')" 2
equals "the report is JSON, too" "$(grep -c '"verdict": "slower"' "$repo/build/regress/report/report.json")" 2
ends "the other way round" 0 "No regression was found." "${regress[@]}" --strict slower fast
equals "builds are kept" "$(lines 'building')" 0
ends "the same, of one configuration" 0 "1 same" "${regress[@]}" --job "$work/one.conf" --strict fast fast
ends "programs instead of revisions" 4 "REGRESSION" "${regress[@]}" --out "$work/report" --binaries \
    "$repo"/build/regress/programs/"$(git -C "$repo" rev-parse --short=12 fast)"-* \
    "$repo"/build/regress/programs/"$(git -C "$repo" rev-parse --short=12 slower)"-*
ends "what cannot be told passes" 0 "could not be told" "${regress[@]}" --job "$work/one.conf" fast unsteady
ends "unless --strict" 5 "It could not be told" "${regress[@]}" --job "$work/one.conf" --strict fast unsteady
equals "all looks were taken" "$(lines '^regress: look')" 4
ends "the same seed gives the same order" 4 "" "${regress[@]}" --seed 7 --out "$work/report" fast slower
order=$(cut -d, -f4,5 "$work/report/a.csv")
ends "as before" 4 "" "${regress[@]}" --seed 7 --out "$work/report" fast slower
equals "in fact" "$(cut -d, -f4,5 "$work/report/a.csv")" "$order"

# ---- Older than the job file. ----
ends "an option that A is too old for is named" 0 "A does not know --theta=0.9: left out there" "${regress[@]}" old fast

# ---- What is wrong is not compared. ----
ends "a revision whose check fails" 3 "B FAILED ITS CHECK at one" "${regress[@]}" slower wrong
equals "is not timed" "$(find "$repo/build/regress/report" -name 'a.csv' | wc -l)" 0
ends "nor the one compared with" 3 "A FAILED ITS CHECK at one" "${regress[@]}" wrong fast
ends "nor are its instructions counted" 3 "B FAILED ITS CHECK" "${regress[@]}" --gate instructions fast wrong
ends "one that skips its check proves nothing" 1 "not every configuration was checked" "${regress[@]}" unchecked fast

# ---- Instructions: a counter of the CPU. ----
cp scripts/instructions.conf "$repo/scripts"
ends "instructions that grew" 4 "6 grew by more than 2%" "${regress[@]}" --gate instructions slower fast
ends "instructions that shrank" 0 "No regression" "${regress[@]}" --gate instructions fast slower
ends "of a program too old for the job file" 0 "does not know --set=overtake_us=0: left out" \
    "${regress[@]}" --gate instructions fast old
ends "noise beyond the threshold turns to instructions" 4 "timing cannot tell here" \
    "${regress[@]}" --gate auto --threshold 0.0001% slower fast
ends "so does too little time" 0 "is too short for timing" "${regress[@]}" --gate auto --blocks 0 --time 0s fast slower

# ---- Refusals. ----
ends "no revision" 2 "name a revision" "${regress[@]}"
ends "an unknown revision" 1 "there is no revision 'nowhere'" "${regress[@]}" nowhere
ends "one that does not build" 1 "does not build" "${regress[@]}" broken
ends "too little space" 1 "MB are free there, building needs 99999999" \
    env REGRESS_SPACE_MB=99999999 "${regress[@]}" fast~0 endless
ends "too little time" 1 "is too short for timing 2 configurations here: at least" \
    "${regress[@]}" --blocks 0 --time 0s fast slower
ends "a wrong time" 2 "'5' is not a time such as 90s or 10m" "${regress[@]}" --time 5 fast
ends "too few blocks" 2 "'7' is not a number of at least 8" "${regress[@]}" --blocks 7 fast
ends "a wrong threshold" 2 "'x' is not a share" "${regress[@]}" --threshold x fast
ends "a wrong gate" 2 "'x' is none of auto, timing, instructions" "${regress[@]}" --gate x fast
ends "a wrong job" 2 "cannot be read" "${regress[@]}" --job "$work/none" fast
ends "another folder" 1 "holds something else than a report" "${regress[@]}" --out "$repo" fast fast
mkdir -p "$work/bare/scripts"
cp "$repo"/scripts/* "$work/bare/scripts"
ends "no repository" 1 "not a git repository" \
    env GIT_CEILING_DIRECTORIES="$work" "$work/bare/scripts/regress" --job "$work/two.conf" HEAD
# shellcheck disable=SC2317 # `await` calls it
builds() { # the slow build of `endless` has begun
    [ -e "$repo/build/regress/tree/slow-build-began" ]
}
code=$(
    set -m
    "${regress[@]}" endless >"$work/log" 2>&1 &
    await builds
    kill -s TERM $!
    wait $!
    echo $?
)
equals "an interruption ends it at once" "$code" 130
equals "and leaves no worktree" "$(git -C "$repo" worktree list | wc -l) $(find "$repo/build/regress/tree" 2>&1 |
    grep -c 'No such')" "1 1"

# ---- Counting. ----
base=$work/base.csv
printf '# counted by: callgrind\n# compiler: gcc 1\n# flags: -O3\n# libc: a\n' >"$base"
printf 'case,function,instructions_per_txn,inclusive_per_txn\na,total,1000,1000\na,f,600,1000\na,g,400,400\n' >>"$base"
sed 's/^a,total.*/a,total,1015,1015/; s/^a,g.*/a,g,415,415/' "$base" >"$work/head.csv"
ends "compare: more than the bound" 4 "+1.50%  grew" scripts/instructions compare "$base" "$work/head.csv"
equals "the function that grew" "$(lines '^    g +400.0 -> +415.0 ')" 1
equals "and no other" "$(lines '->')" 1
ends "compare: within the bound" 0 "0 grew by more than 2%" \
    scripts/instructions compare --bound 2% "$base" "$work/head.csv"
sed 's/gcc 1/gcc 2/' "$work/head.csv" >"$work/other.csv"
ends "another compiler is no failure" 0 "cannot compare: compiler of" \
    scripts/instructions compare "$base" "$work/other.csv"
ends "unless --strict" 5 "nothing was judged" scripts/instructions compare --strict "$base" "$work/other.csv"
echo 'b,total,5,5' >>"$work/head.csv"
ends "a case of one file is listed" 0 "only in $work/head.csv" \
    scripts/instructions compare --bound 2% "$base" "$work/head.csv"
ends "and not told" 5 "1 not matched" scripts/instructions compare --strict --bound 2% "$base" "$work/head.csv"
ends "another file" 1 "is not of scripts/instructions" scripts/instructions compare "$base" "$work/two.conf"
ends "the baseline has every case" 0 "0 not matched" scripts/instructions compare scripts/baseline/instructions.csv \
    scripts/baseline/instructions.csv
equals "of the job file" "$(grep -c ',total,' scripts/baseline/instructions.csv)" \
    "$(grep -c '^\[' scripts/instructions.conf)"
if command -v valgrind >/dev/null && [[ $MAE_BUILD != *[at]san* && $MAE_BUILD != *cov* ]]; then
    sed '/^\[/q' scripts/instructions.conf >"$work/tiny.conf"
    printf 'records = 100\nring_requests = 1024\nops_per_txn = 4\ntxns = 200\n' >>"$work/tiny.conf"
    for i in 1 2; do
        ends "a count" 0 "" scripts/instructions measure --with valgrind --job "$work/tiny.conf" "$MAE_BUILD/maemio" \
            "$work/count-$i.csv"
    done
    equals "repeats to the last digit" "$(cmp "$work/count-1.csv" "$work/count-2.csv" 2>&1)" ""
    equals "counts the transaction" \
        "$(grep -cE '^ycsb-1op-half,(total|mae_commit|loop_requests),[1-9]' "$work/count-1.csv")" 3
fi

finish
