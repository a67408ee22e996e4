#!/usr/bin/env bash
# `maemio calibrate`: this host's file for the simulator, with where each number comes from. What its numbers are worth
# shows on machines whose numbers are known: simulated.sh.
#   usage: MAE_BUILD=build/release tests/cli/calibrate.sh
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh

run calibrate --rounds 1 "$work/host.conf"
ended "a round is measured" 0 ""
keys=$(sed -n 's/^    X([a-z0-9]*, \([a-z0-9_]*\),.*/\1/p' sim/machine.h | sort)
equals "its file has every key" "$(sed -n 's/^\([a-z0-9_]*\) = ..* # ..*/\1/p' "$work/host.conf" | sort)" "$keys"
number() { # KEY
    awk -v key="$1" '$1 == key { print $3 }' "$work/host.conf"
}
cores=$(($(number sockets) * $(number cores_per_socket)))
if [ "$cores" -ge 1 ] && [ "$cores" -le "$(nproc)" ]; then
    ok "its cores are those that are allowed"
else
    bad "its cores are those that are allowed" "$cores, and nproc says $(nproc)"
fi

ends "no file" 2 "name the file to write" calibrate
ends "no rounds" 2 "--rounds: want 1 to 1000" calibrate --rounds 0 "$work/none.conf"
ends "a folder" 1 "cannot be written" calibrate --rounds 1 "$work"
ends "a simulated machine" 2 "MODE=sim" calibrate --machine haswell-ep-2x14 "$work/none.conf"

finish
