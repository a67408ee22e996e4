# shellcheck shell=bash
# lanes.sh - runs commands beside each other, as many at a time as there are CPUs, or as `lanes` says. Sourced.
lanes=$(nproc)
in_lanes=0

in_lane() { # a command: begins it in the background, as soon as fewer than that many run
    if ((in_lanes >= lanes)); then
        wait -n
        in_lanes=$((in_lanes - 1))
    fi
    "$@" &
    in_lanes=$((in_lanes + 1))
}

lanes_end() { # waits for all
    wait
    in_lanes=0
}
