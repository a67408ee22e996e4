#!/usr/bin/env bash
# Race points (engine/base/race.h) cost a release build nothing: the library has no symbol and no name of them, and the
# machine code of every source is the same with all RACE(...) cut out of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${MAE_BUILD:-build/release}
CC=${CC:-gcc}
case ${build##*/} in
release | clang-release) ;;
*)
    echo "skipped: release builds only"
    exit 77
    ;;
esac

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
names='race_hook|race_point|READ_VERSION|LEADER_SCAN'

# The control: a debug object has all of it.
"$CC" -std=gnu17 -I. -DMAE_DEBUG -c engine/base/race.c -o "$stage/debug.o"
[ "$(nm "$stage/debug.o" | grep -cE ' (race_hook|race_point_name)$')" -eq 2 ]
grep -q READ_VERSION "$stage/debug.o"

nm "$build/engine.o" >"$stage/symbols"
[ "$(wc -l <"$stage/symbols")" -gt 100 ]
if grep -E 'race_(hook|point)' "$stage/symbols"; then
    echo "$build/engine.o has symbols of race points"
    exit 1
fi
objcopy --strip-debug "$build/engine.o" "$stage/engine.o"
if grep -qaE "$names" "$stage/engine.o"; then
    echo "$build/engine.o has names of race points"
    exit 1
fi

# The same sources twice, in folders of equal names below, once without the points.
mkdir "$stage/with" "$stage/without"
cp -r engine "$stage/with"
cp -r engine "$stage/without"
# The semicolon stays: a point may be the whole body of an if.
find "$stage/without/engine" -name '*.[ch]' ! -name 'race.h' -exec sed -i 's/\bRACE([A-Z_]*);/;/' {} +
if grep -rE '\bRACE\(' "$stage/without/engine" --include='*.[ch]' | grep -v 'race\.h:'; then
    echo "these were not cut out: the comparison would show nothing"
    exit 1
fi
mapfile -t sources < <(grep -rlE '\bRACE\(|(visible|access_inline|hash_index)\.h"' engine --include='*.c')
[ ${#sources[@]} -ge 8 ]

compile() { # compile with|without SOURCE FLAG...: to its .dump
    (cd "$stage/$1" && "$CC" -std=gnu17 -O3 -I. "${@:3}" -c "$2" -o object.o && objdump -d object.o) >"$stage/$1.dump"
}
# The control again: in a debug build they make a difference.
compile with engine/txn/commit.c -DMAE_DEBUG
compile without engine/txn/commit.c -DMAE_DEBUG
if cmp -s "$stage/with.dump" "$stage/without.dump"; then
    echo "the debug code is the same with and without race points: the comparison shows nothing"
    exit 1
fi
for source in "${sources[@]}"; do
    compile with "$source"
    compile without "$source"
    [ "$(wc -l <"$stage/with.dump")" -gt 20 ]
    if ! cmp -s "$stage/with.dump" "$stage/without.dump"; then
        echo "$source: the release code differs with and without race points"
        exit 1
    fi
done
echo "race points: no symbols, and the same code with and without them in ${#sources[@]} sources"
