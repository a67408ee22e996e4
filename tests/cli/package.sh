#!/usr/bin/env bash
# What installing brings: the Debian package goes into an empty root, runs there, and leaves nothing when it is removed;
# the manual page has every option of the tables; the completions for bash and zsh know the command.
#   usage: tests/cli/package.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

launch scripts/manual "$maemio"
ended "the manual page is written" 0 ".TH MAEMIO 1" ".SH MAEMIO SWEEP"
mv "$work/out" "$work/maemio.1"
"$maemio" list options | sed -n 's/^  --\([a-z0-9-]*\) .*/\\-\\-\1/p; s/^  \([a-z][a-z0-9_]*\) .*/\1/p' |
    sed 's/\([a-z0-9]\)-/\1\\-/g' | sort -u >"$work/options"
missing=$(while read -r option; do grep -qF -- "$option" "$work/maemio.1" || echo "$option"; done <"$work/options")
equals "the page has every option and setting" "$missing" ""
equals "there are many" "$(($(wc -l <"$work/options") > 100))" 1
if command -v man >/dev/null; then
    launch env GROFF_NO_SGR=1 MANPAGER=cat man --warnings=w -Tutf8 -l "$work/maemio.1"
    sed "s/.\x08//g" "$work/out" >"$work/page" && mv "$work/page" "$work/out"
    ended "man shows it" 0 "--workload"
    equals "without a complaint" "$(grep -vc 'cannot adjust line' "$work/err")" 0
else
    echo "skip  man is not installed: the manual page is not rendered"
fi

export completions=$PWD/completions
completes() { # the words of a command line, the last one being completed: prints what bash would offer
    bash -c '
        complete() { :; }
        compopt() { :; }
        . "$completions/maemio.bash"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _maemio
        printf "%s\n" "${COMPREPLY[@]}"' bash "$maemio" "$@"
}
equals "bash completes commands" "$(completes swe)" sweep
equals "workloads" "$(completes run --workload = smallb)" smallbank
equals "workloads by the letter" "$(completes run -w smallb)" smallbank
equals "targets" "$(completes run --target tictoc_)" tictoc_paper
equals "options of a run" "$(completes run --thr)" --threads=
equals "of other commands" "$(completes sweep --dry)" --dry-run
equals "the words of an option" "$(completes run --check fa)" fast
equals "figures" "$(completes figure fig6a)" fig6a
equals "topics of list" "$(completes list col)" columns
equals "files" "$(cd "$work" && touch a_job.conf && completes sweep "$work/a_j")" \
    "$work/a_job.conf"
if command -v zsh >/dev/null; then
    launch zsh -n completions/_maemio
    ended "zsh can read its completion" 0
else
    echo "skip  zsh is not installed: its completion is not read"
fi

if ! command -v dpkg-deb >/dev/null; then
    echo "skip  this is not Debian: no package is built"
    finish
fi
launch scripts/package "$work"
ended "a package is built" 0 ".deb"
package=$(tail -n 1 "$work/out")
launch dpkg-deb --field "$package" Depends
ended "it names the libraries that the command needs" 0 libhwloc15 libjansson4
launch dpkg-deb --contents "$package"
ended "all belongs to root" 0 ./usr/bin/maemio ./usr/share/man/man1/maemio.1.gz ./usr/share/doc/maemio/copyright
equals "and to nobody else" "$(grep -vc ' root/root ' "$work/out")" 0

# An empty root: dpkg knows of no other package there, so what the package depends on comes from this machine.
bare=$work/bare
mkdir -p "$bare/var/lib/dpkg/info" "$bare/var/lib/dpkg/updates" "$bare/usr"
: >"$bare/var/lib/dpkg/status"
files() {
    (cd "$bare" && find . -path ./var -prune -o -type f -print | sort)
}
before=$(files)
in_bare=(dpkg "--root=$bare" --log=/dev/null --force-depends --force-not-root --force-script-chrootless)
launch "${in_bare[@]}" --install "$package"
ended "it installs into an empty root" 0
launch "${in_bare[@]}" --verify maemio
ended "as it was built" 0
equals "every file" "$(cat "$work/out")" ""
launch env -C "$work" "$bare/usr/bin/maemio" --version
ended "it runs there" 0 "maemio "
launch env -C "$work" "$bare/usr/bin/maemio" run --records 1k --txns 10 --threads 1
ended "a workload, too" 0 "throughput"
launch env -C "$work" "$bare/usr/bin/maemio" figure fig6b --dry-run --out figures
ended "and its own experiments" 0 "to run"
launch "${in_bare[@]}" --purge maemio
ended "it is removed" 0
equals "and leaves nothing" "$(files)" "$before"
finish
