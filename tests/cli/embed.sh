#!/usr/bin/env bash
# The library as an embedding program meets it: installs below a temporary DESTDIR, compiles examples/bank.c against the
# installed header with plain flags through pkg-config, runs it, and finds nothing but mae_* in the libraries' symbols.
# Likewise embed.cc, as a C++ program whose exceptions pass through the library. Both with the static library and, in
# modes that have one, with the shared one.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${MAE_BUILD:-build/release}
name=${build##*/}
mode=${name#clang-}
CC=${CC:-gcc}

unset MAKEFLAGS MFLAGS MAKELEVEL # this may run below another make

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
make -s MODE="$mode" CC="$CC" DESTDIR="$stage" PREFIX=/opt/maemio install

export PKG_CONFIG_SYSROOT_DIR=$stage PKG_CONFIG_PATH=$stage/opt/maemio/lib/pkgconfig
[ "$(pkg-config --modversion maemio)" = "$(sed -n 's/^#define MAE_VERSION "\(.*\)"/\1/p' engine/maemio.h)" ]

# A sanitizer's run-time library has to come along; nothing else of this build's flags does.
case $mode in
asan) extra=-fsanitize=address,undefined ;;
tsan) extra=-fsanitize=thread ;;
cov) extra=--coverage ;;
*) extra= ;;
esac
case $CC in
*clang*) CXX=${CXX:-clang++} ;;
*) CXX=${CXX:-g++} ;;
esac
shared=$stage/opt/maemio/lib/libmaemio.so.0
embed() { # embed FLAG...: with these flags of the linker
    # shellcheck disable=SC2046,SC2086 # lists of flags
    "$CC" -O2 -Wall -Wextra -Werror $extra examples/bank.c $(pkg-config --cflags maemio) "$@" -o "$stage/bank"
    "$stage/bank" | tee "$stage/out"
    grep -q 'the total stayed 100000 cents' "$stage/out"
    # shellcheck disable=SC2046,SC2086 # lists of flags
    "$CXX" -O2 -Wall -Wextra -Werror $extra tests/cli/embed.cc $(pkg-config --cflags maemio) "$@" -o "$stage/embed"
    "$stage/embed" | tee "$stage/out"
    grep -q 'the worker went on after every exception' "$stage/out"
}
# shellcheck disable=SC2046 # lists of flags
embed -Wl,-Bstatic $(pkg-config --static --libs maemio | sed 's/-lmaemio/& -Wl,-Bdynamic/')
if readelf -d "$stage/bank" | grep libmaemio; then
    echo "the program with the static library needs the shared one"
    exit 1
fi
if [ -e "$shared" ]; then
    export LD_LIBRARY_PATH=$stage/opt/maemio/lib
    # shellcheck disable=SC2046 # lists of flags
    embed $(pkg-config --libs maemio)
    readelf -d "$stage/bank" | grep -q 'NEEDED.*\[libmaemio.so.0\]'
    unset LD_LIBRARY_PATH
    # It exports what the header declares, each name with the version of its first release, and nothing else.
    grep -oE '\bmae_[a-z0-9_]+\(' engine/maemio.h | tr -d '(' | sort -u >"$stage/declared"
    nm -D --defined-only "$shared" | awk '$2 == "T" { print $3 }' | sort >"$stage/exported"
    sed 's/@@MAEMIO_[0-9]*$//' "$stage/exported" | diff - "$stage/declared"
    if grep -v '@@MAEMIO_[0-9]*$' "$stage/exported" ||
        nm -D --defined-only "$shared" | awk '$2 != "T" && $2 != "A"' | grep .; then
        echo "libmaemio.so.0 exports what has no version or is no function"
        exit 1
    fi
else
    [ "$mode" != release ] && [ "$mode" != debug ]
fi

"$stage/opt/maemio/bin/maemio" --help >/dev/null
(cd "$stage" && opt/maemio/bin/maemio figure fig6b --dry-run --out figures) | grep -q 'to run' # with its own job files
[ -d "$stage/figures" ]

foreign=$(nm --defined-only --extern-only "$stage/opt/maemio/lib/libmaemio.a" |
    awk 'NF == 3 && $3 !~ /^mae_/ && $3 !~ /^_*(gcov|asan|tsan|ubsan|odr)/ { print $3 }')
if [ -n "$foreign" ]; then
    echo "libmaemio.a exports names that are not public: $foreign"
    exit 1
fi

make -s MODE="$mode" CC="$CC" DESTDIR="$stage" PREFIX=/opt/maemio uninstall
make -s MODE="$mode" CC="$CC" DESTDIR="$stage" PREFIX=/opt/maemio LIBDIR=/opt/lib/far install
grep -qx 'libdir=/opt/lib/far' "$stage/opt/lib/far/pkgconfig/maemio.pc"
[ -s "$stage/opt/lib/far/libmaemio.a" ] && [ ! -e "$stage/opt/maemio/lib/libmaemio.a" ]
make -s MODE="$mode" CC="$CC" DESTDIR="$stage" PREFIX=/opt/maemio LIBDIR=/opt/lib/far uninstall

# Whether warnings are errors makes no other objects, so nothing is compiled again.
said=$(make MODE="$mode" CC="$CC" WERROR= all)
if grep -E ' (CC|LD) ' <<<"$said"; then
    echo "WERROR= compiles again"
    exit 1
fi
# A database whose header is not there is left out; a rule for its shared object would have no source here.
make -n MODE=debug CC="$CC" DATABASES=nothing:no/such/header.h:-lnothing all >/dev/null
# Elsewhere than in build/; the rest of the tree is left alone. Two makes at once do not disturb each other.
BUILD=$stage/elsewhere make -s MODE=debug CC="$CC" "$stage/elsewhere/debug/engine.o" &
BUILD=$stage/elsewhere make -s MODE=debug CC="$CC" "$stage/elsewhere/debug/engine.o"
wait $!
BUILD=$stage/elsewhere make -s MODE=debug CC="$CC" "$stage/elsewhere/debug/libmaemio.a"
left=$(find "$stage/elsewhere" -name '*.part*')
[ -s "$stage/elsewhere/debug/libmaemio.a" ] && [ -z "$left" ]
left=$(find "$stage/opt" -type f -o -type l)
[ -z "$left" ] || { echo "uninstall left: $left"; exit 1; }
