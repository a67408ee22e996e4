# shellcheck shell=bash
# cli.sh - for tests/cli: counts cases, runs $maemio and compares what it says. Sourced from the project's folder; makes
# $work, a folder that goes away in the end. `finish` prints "N passed, N failed" and exits. A command may take as long
# as it does on a busy machine: what ends a test that hangs is scripts/run-tests (TEST_TIMEOUT).
maemio=$(realpath "${MAE_BUILD:-.}/maemio")
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

launch() { # a command; sets code, leaves $work/out and $work/err
    "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

run() { # arguments of maemio
    launch "$maemio" "$@"
}

ended() { # name, expected code, texts of stdout or stderr (may be empty): judges what was launched last
    local name=$1 expected=$2 complaint= text
    shift 2
    [ $code -eq "$expected" ] || complaint="exit code $code, not $expected"
    for text in "$@"; do
        [ -z "$text" ] || grep -qF -- "$text" "$work/out" "$work/err" || complaint+="; does not say '$text'"
    done
    if [ -z "$complaint" ]; then
        ok "$name"
    else
        bad "$name" "$complaint: $(head -n 40 "$work/out" "$work/err")"
    fi
}

ends() { # name, expected code, a text, arguments of run
    run "${@:4}"
    ended "$1" "$2" "$3"
}

await() { # a command, again and again until it succeeds or the last background job has ended
    until "$@" || ! kill -0 $! 2>/dev/null; do
        sleep 0.1
    done
}

lines() { # how many lines of what was launched last the pattern fits
    cat "$work/out" "$work/err" | grep -cE -- "$1"
}

equals() { # name, seen, expected
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "'$2', not '$3'"; fi
}

finish() {
    echo "$passed passed, $failed failed"
    exit $((failed > 0))
}
