#!/usr/bin/env bash
# scripts/run-tests: it names the tests that do not end, and the variable that gives them more time; it keeps what they
# have printed; it ends when the time for all of them is over; only TEST_ORDER changes the order; and tests run beside
# each other, unless they are to run alone.
#   usage: tests/cli/runner.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
tests=$work/tests
mkdir -p "$tests"
tried() { # name, exit code, text, variables, tests: runs them
    local name=$1 expected=$2 text=$3 variables=$4
    # shellcheck disable=SC2086 # a list
    (cd "$work" && env RESULTS= TEST_ORDER= TEST_UNTIL= LAUNCH= TEST_JOBS=1 $variables "$runner" "$tests" "${@:5}") \
        >"$work/out" 2>"$work/err"
    code=$?
    ended "$name" "$expected" "$text"
}
runner=$PWD/scripts/run-tests
make_test() { # name, commands
    printf '#!/usr/bin/env bash\n%s\n' "$2" >"$tests/$1"
    chmod +x "$tests/$1"
}
make_test fine 'exit 0'
make_test bad 'echo why; exit 3'
make_test spins 'echo begun; while :; do :; done'
make_test sleeps 'echo begun; exec sleep 1000'
make_test slow 'sleep 3'
for i in 1 2 3 4 5 6; do make_test "number$i" 'exit 0'; done

tried "a test that passes" 0 "1 passed, 0 failed" "" tests/fine
tried "one that fails" 1 "exit status 3; the end of" "" tests/bad
equals "with its output" "$(lines '^ +\| why$')" 1
tried "one that spins" 1 "no end after 1 s of CPU; TEST_TIMEOUT=2 gives twice as much" \
    'TEST_TIMEOUT=1 TEST_CLOCK=600' tests/spins
equals "with what it has printed" "$(lines '^ +\| begun$')" 1
tried "one that hangs" 1 "no end after 4 s; TEST_CLOCK=8 gives twice as long" TEST_TIMEOUT=1 tests/sleeps
equals "with what it has printed" "$(lines '^ +\| begun$')" 1
tried "time by the clock is no matter" 0 "1 passed, 0 failed" 'TEST_TIMEOUT=1 TEST_CLOCK=600' tests/slow
tried "the time for all tests ends" 1 "no end when the time for all tests was over (TEST_LIMIT)" \
    TEST_UNTIL=$((EPOCHSECONDS + 2)) tests/sleeps tests/fine
equals "then the rest is not run" "$(lines '^FAIL .*fine .*not run: .*TEST_LIMIT')" 1
orders=
for order in '' 1 2 1; do
    tried "order '$order'" 0 "6 passed, 0 failed" "TEST_ORDER=$order" tests/number{1,2,3,4,5,6}
    orders+="$(sed -n 's/^ok .*number\([0-9]\) .*/\1/p' "$work/out" | tr -d '\n') "
done
read -r plain first second again <<<"$orders"
equals "in turn" "$plain" 123456
equals "the same number is the same order" "$again" "$first"
equals "another one another" "$([ "$first" != "$second" ] && [ "$first" != "$plain" ] && echo yes)" yes

make_test waits 'until [ -e tests/met ]; do sleep 0.05; done'
make_test meets 'touch tests/met'
tried "tests run beside each other" 0 "2 passed, 0 failed" "TEST_JOBS=2 TEST_TIMEOUT=3" tests/waits tests/meets
make_test lonely 'mkdir tests/here && sleep 0.3 && rmdir tests/here'
tried "some alone" 0 "3 passed, 0 failed" TEST_JOBS=3 tests/lonely --alone tests/lonely tests/lonely
make_test stays 'echo $$ >tests/new && mv tests/new tests/pid && exec sleep 1000'
(cd "$work" && RESULTS='' TEST_ORDER='' TEST_UNTIL='' LAUNCH='' exec "$runner" "$tests" tests/stays) >"$work/out" 2>&1 &
await test -e "$tests/pid"
kill $!
wait $!
equals "one that is ended says so" $? 130
while kill -0 "$(cat "$tests/pid")" 2>/dev/null; do sleep 0.1; done
ok "and ends its tests"

for script in setup demo test; do
    launch scripts/$script --help
    ended "scripts/$script says what it does" 0 "usage: $script ["
done
launch env TEST_LIMIT=0 scripts/test style
ended "scripts/test ends, too" 1 "scripts/style: not run: the 0 s of TEST_LIMIT are over" "0 passed, 1 failed"
finish
