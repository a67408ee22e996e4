# shellcheck shell=bash
# cli.sh - for tests/cli: counts cases, runs $maemio and compares what it says. Sourced from the project's folder; makes
# $work, a folder that goes away in the end. `finish` prints "N passed, N failed" and exits.
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

run() { # arguments; sets code, leaves $work/out and $work/err
    timeout -k 5 100 "$maemio" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
}

ends() { # name, expected code, texts of stdout or stderr (until --), arguments
    local name=$1 expected=$2 texts=()
    shift 2
    while [ "$1" != -- ]; do
        texts+=("$1")
        shift
    done
    shift
    run "$@"
    local complaint=
    [ $code -eq "$expected" ] || complaint="exit code $code, not $expected"
    for text in "${texts[@]}"; do
        grep -qF -- "$text" "$work/out" "$work/err" || complaint+="; does not say '$text'"
    done
    if [ -z "$complaint" ]; then
        ok "$name"
    else
        bad "$name" "$complaint: $(head -n 40 "$work/out" "$work/err")"
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    exit $((failed > 0))
}
