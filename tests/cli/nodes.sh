#!/usr/bin/env bash
# maemio sweep --launcher: runs on nodes that a command, ssh or Slurm leads to. All nodes are this machine.
#   usage: tests/cli/nodes.sh        the program is $MAE_BUILD/maemio, or ./maemio
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/support/cli.sh
export TMPDIR=$work # where nodes have their folders
cat >"$work/job.conf" <<'END'
workload = ycsb
records = 1000
threads = 1
pin = none
warmup = 0
time = 50ms
repetitions = 2
theta = 0, 0.9
latency_csv = latency.csv
END

placed() { # folder: setting, repetition and node of each row
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
        NR > 1 && $at["txn_type"] == "all" { print $at["wl_theta"] "/" $at["repetition"] "/" $at["node"] }' \
        "$1/results.csv" | sort | paste -sd' '
}
swept() { # folder, arguments of sweep
    run sweep "$work/job.conf" --no-page --out "$work/$1" "${@:2}"
}
no_folder_left() {
    equals "$1: no folder is left" "$(find "$work" -maxdepth 1 -name 'maemio-*')" ""
}

# ---- By a command. ----
swept two --launcher env --nodes a,b
ended "two nodes" 0 " on a: " " on b: " "4/4 "
equals "they are compared" "$(grep -cE '^node [ab], 2 runs: .* against the other nodes' "$work/out")" 2
equals "a round is on one node, and each setting on all" "$(placed "$work/two")" "0.9/1/a 0.9/2/b 0/1/a 0/2/b"
equals "what a run leaves comes back" "$(find "$work/two/runs" -name latency.csv | wc -l) $(find "$work/two/runs" \
    -name log.txt | wc -l) $(find "$work/two/runs" -name 'answer*' -o -name exit-code)" "4 4 "
no_folder_left "two nodes"
run report "$work/two"
ended "a page compares them" 0
equals "in a section" "$(grep -c 'id="nodes"' "$work/two/report.html")" 1
swept two --launcher env --nodes a,b
ended "goes on: nothing is to do" 0
equals "and nothing is said" "$(wc -c <"$work/err")" 0
swept three --launcher env --nodes a,b,c
ended "more nodes than rounds" 0 " on c: "
equals "share a round's points" "$(placed "$work/three" | tr ' ' '\n' | cut -d/ -f3 | sort -u | paste -sd' ')" "a b c"
swept said --launcher "sh -c 'echo \$MAEMIO_NODE >>$work/names; exec \"\$@\"' x" --nodes first,second
ended "the command knows the node" 0
equals "by its name" "$(sort -u "$work/names" | paste -sd' ')" "first second"
swept prefix --launcher "MAEMIO_WORD=there sh -c 'echo \$MAEMIO_WORD >>$work/words; exec \"\$@\"' x" \
    --override repetitions=1 --override theta=0
ended "a command with a setting before it" 0 "1/1 "
equals "has it" "$(sort -u "$work/words")" "there"
swept inside --launcher env --override repetitions=1 --override theta=0 --override set.durability=async \
    --override set.log_dir=database
ended "a database in the run's folder" 0 "1/1 "
equals "does not come back" "$(find "$work/inside/runs" -name database)" ""
no_folder_left "a database in the run's folder"
for launcher in local "env --ignore-signal=CHLD"; do # waiting for a child's end then fails, if nothing is done
    launch timeout 300 env --ignore-signal=CHLD "$maemio" sweep "$work/job.conf" --no-page \
        --out "$work/heeds-$launcher" --launcher "$launcher" --override repetitions=1 --override theta=0
    ended "started without children's ends: $launcher" 0 "1/1 "
done

# ---- What fails. ----
swept lost --launcher "sh -c 'test \$MAEMIO_NODE = a || { echo it broke >&2; exit 7; }; exec \"\$@\"' x" --nodes a,b
ended "a node that is lost" 0 "node b is lost: its launcher ended with exit code 7" "it broke" "4/4 "
equals "has its runs done by the other" "$(placed "$work/lost")" "0.9/1/a 0.9/2/a 0/1/a 0/2/a"
printf '#!/bin/sh\n[ -e %s/cut ] && exec "$@"\n>%s/cut\n"$@" 2>&1 | head -c 1024\n' "$work" "$work" >"$work/cuts"
chmod +x "$work/cuts"
swept half --launcher "$work/cuts" --override repetitions=1 --override theta=0
ended "half an answer is none, though tar takes it" 0 "node 1 is lost" "gave no answer" "1/1 "
no_folder_left "a node whom nobody listens to"
cat >"$work/tires" <<END
#!/bin/sh
[ \$MAEMIO_NODE = a ] && sleep 9 && exec "\$@"
[ -e $work/tired ] && exec "\$@"
>$work/tired
END
chmod +x "$work/tires"
swept rest --launcher "$work/tires" --nodes a,b --override theta=0
ended "a node that has rested goes on while another one works" 0 "node b is lost" "2/2 "
equals "with its own runs" "$(placed "$work/rest")" "0/1/a 0/2/b"
swept deaf --launcher "env </dev/null"
ended "a launcher that hands nothing on" 1 "node 1 is out" "no request on its input" "no node is left for 4 of 4 runs"
swept deaf --launcher env
ended "the same with one that does" 0 "4/4 "
swept absent --launcher env --program "$work/no-such-program" --override repetitions=1 --override theta=0
ended "no program on the node" 1 "no-such-program" "its nodes were lost"
equals "no half of a run is left" "$(find "$work/absent/runs" -name '*.part')" ""
launch bash -c "printf 'maemio-node 1\0other\0\0' | '$maemio' node"
ended "another build" 2 "this node has the build" "and the sweep other: --program"
launch bash -c "printf 'maemio-node 1\0' | '$maemio' node"
ended "half a request" 2 "no request on its input"
swept failing --launcher env --override set.memory_limit=16M --override records=1M --override repetitions=1
ended "a run that fails fails the sweep" 1 "2 of 2 runs failed; the same command repeats them"
equals "with the node's messages" "$(grep -c 'rows need more than' "$work/err")" 2
no_folder_left "what fails"
refuses() { # name, text, arguments
    swept refused "${@:3}"
    ended "$1" 2 "$2"
}
refuses "no host" "ssh:HOSTS: '' is no list of names such as a,b" --launcher ssh
refuses "a host twice" "ssh:HOSTS: a is there twice" --launcher ssh:a,b,a
refuses "an option as a host" "is no list of names" --launcher ssh:-oProxyCommand=x
refuses "no command" "--launcher: is empty" --launcher ' '
refuses "nodes of nothing" "--nodes: goes with a --launcher that is not local" --nodes a
refuses "nodes of ssh" "--nodes: the nodes of ssh and slurm stand in --launcher" --launcher ssh:a --nodes a
refuses "a node of one's own" "--override: node cannot be set" --override node=x

# ---- What is interrupted. ----
work_mark="--seed=$RANDOM$RANDOM"
# shellcheck disable=SC2317 # `await` calls what calls it
runs() { # the processes of `maemio run` with that seed
    grep -lsaF -- "$work_mark" /proc/[0-9]*/cmdline
}
# shellcheck disable=SC2317 # `await` calls it
both_run() {
    [ "$(runs | wc -l)" -ge 2 ]
}
# shellcheck disable=SC2317 # `await` calls it
a_run() {
    runs >"$work/pids"
    [ -s "$work/pids" ]
}
# shellcheck disable=SC2317 # `await` calls it
none_runs() {
    runs >"$work/pids"
    [ ! -s "$work/pids" ]
}
for signal in INT KILL; do
    code=$(
        set -m
        "$maemio" sweep "$work/job.conf" --no-page --out "$work/cut-$signal" --launcher env --nodes a,b \
            --override time=60s --override "${work_mark#--}" >"$work/out" 2>"$work/err" &
        await both_run
        kill -s $signal $!
        wait $!
        echo $?
    )
    sleep 60 & # `await` looks whether the last job still runs
    await none_runs
    kill $!
    equals "SIG$signal ends the sweep" "$code" "$([ $signal = INT ] && echo 130 || echo 137)"
    equals "SIG$signal: no run goes on" "$(cat "$work/pids")" ""
done
equals "an interrupted sweep leaves no half of a run" "$(find "$work/cut-INT/runs" -name '*.part')" ""

# A run that heeds nobody, of a sweep that is gone: the node kills it in the end, and only then the next one begins. The
# launcher ends with the sweep, as ssh does, and the node does not.
(
    set -m
    "$maemio" sweep "$work/job.conf" --no-page --out "$work/stale" --nodes a \
        --launcher "sh -c 'exec 3<&0; \"\$@\" <&3 & wait' x" --override time=60s \
        --override "${work_mark#--}" >"$work/out" 2>"$work/err" &
    await a_run
    xargs -n 1 dirname <"$work/pids" | xargs -n 1 basename | xargs kill -STOP
    kill -KILL $!
    wait $!
)
swept next --launcher env --nodes a --override repetitions=1 --override theta=0
ended "a node with a run that was left behind" 0 "1/1 "
runs >"$work/pids"
equals "has ended it before" "$(cat "$work/pids")" ""

# ---- By ssh: a server of our own. ----
skip() {
    echo "skip  $1: $2"
}
sshd=
# shellcheck disable=SC2317 # the trap calls it, too
ssh_end() {
    [ -z "$sshd" ] || { kill "$sshd" && wait "$sshd"; }
    sshd=
}
ssh_begin() { # a server on a free port; false: it does not start
    ssh-keygen -q -t ed25519 -N '' -f "$work/host_key" && ssh-keygen -q -t ed25519 -N '' -f "$work/key" || return 1
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 10000))
        cat >"$work/sshd.conf" <<END
ListenAddress 127.0.0.1
Port $port
HostKey $work/host_key
PidFile $work/sshd.pid
AuthorizedKeysFile $work/key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
END
        cat >"$work/ssh.conf" <<END
Host one two
    HostName 127.0.0.1
    Port $port
    IdentityFile $work/key
    IdentitiesOnly yes
    StrictHostKeyChecking no
    UserKnownHostsFile $work/known
END
        /usr/sbin/sshd -D -f "$work/sshd.conf" -E "$work/sshd.log" >"$work/sshd.out" 2>&1 &
        sshd=$!
        await test -s "$work/sshd.pid" # it listens
        printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$work/ssh.conf" >"$work/bin/ssh"
        chmod +x "$work/bin/ssh"
        PATH="$work/bin:$PATH" ssh -oBatchMode=yes one true 2>"$work/ssh.err" && return 0
        ssh_end
    done
    return 1
}
mkdir "$work/bin"
if [ ! -x /usr/sbin/sshd ] || ! command -v ssh >/dev/null; then
    skip ssh "openssh-server is not installed (scripts/setup --nodes)"
elif [ "$(id -u)" -eq 0 ] && ! mkdir -p /run/sshd; then
    skip ssh "/run/sshd cannot be made"
elif ssh_begin; then
    PATH="$work/bin:$PATH" swept ssh --launcher ssh:one,two
    ended "over ssh" 0 " on one: " " on two: " "4/4 "
    equals "every row tells its node" "$(placed "$work/ssh")" "0.9/1/one 0.9/2/two 0/1/one 0/2/two"
    ssh_end
else
    skip ssh "no server starts here: $(cat "$work/ssh.err" "$work/sshd.log" 2>/dev/null | tail -n 1)"
fi

# ---- By Slurm: a cluster of our own, of two nodes on this machine. ----
daemons=()
# shellcheck disable=SC2317 # the trap calls it
slurm_end() {
    [ ${#daemons[@]} -eq 0 ] || { kill "${daemons[@]}"; wait "${daemons[@]}"; } # they write to the folder until then
}
slurm_begin() { # false: it does not start; says why
    local port=$((30000 + RANDOM % 2000)) host node
    host=$(uname -n)
    mkdir -p "$work/slurm/state"
    chmod 755 "$work" "$work/slurm"
    head -c 1024 /dev/urandom >"$work/slurm/key"
    chmod 600 "$work/slurm/key"
    munged --foreground --force --key-file="$work/slurm/key" --socket="$work/slurm/munge.socket" \
        --pid-file="$work/slurm/munge.pid" --log-file="$work/slurm/munge.log" --seed-file="$work/slurm/munge.seed" \
        >"$work/slurm/out" 2>&1 &
    daemons=($!)
    await test -S "$work/slurm/munge.socket"
    cat >"$work/slurm/slurm.conf" <<END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/slurm/munge.socket
StateSaveLocation=$work/slurm/state
SlurmdSpoolDir=$work/slurm/spool-%n
SlurmctldPidFile=$work/slurm/slurmctld.pid
SlurmdPidFile=$work/slurm/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=3
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=3
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
    export SLURM_CONF=$work/slurm/slurm.conf
    slurmctld -D -f "$SLURM_CONF" >"$work/slurm/slurmctld.out" 2>&1 &
    daemons+=($!)
    for node in n1 n2; do
        slurmd -D -N $node -f "$SLURM_CONF" >"$work/slurm/$node.out" 2>&1 &
        daemons+=($!)
    done
    for _ in $(seq 100); do
        sinfo --noheader --Node --states=idle --format=%N >"$work/slurm/idle" 2>"$work/slurm/out"
        [ "$(sort -u "$work/slurm/idle" | wc -l)" -eq 2 ] && return 0
        sleep 0.3
    done
    echo "its nodes do not become idle: $(grep -hE 'error|fatal' "$work"/slurm/*.out | tail -n 1)" >"$work/slurm/out"
    return 1
}
trap 'ssh_end 2>/dev/null; slurm_end 2>/dev/null; rm -rf "$work"' EXIT
if ! command -v slurmctld >/dev/null || ! command -v slurmd >/dev/null || ! command -v munged >/dev/null; then
    skip slurm "slurmctld, slurmd or munge is not installed (scripts/setup --nodes)"
elif [ "$(id -u)" -ne 0 ]; then
    skip slurm "starting Slurm's daemons takes root"
elif slurm_begin; then
    printf '#!/bin/sh\nprintenv SLURM_CPUS_ON_NODE >>%s/cpus\nexec %s "$@"\n' "$work" "$maemio" >"$work/tells"
    chmod +x "$work/tells"
    swept slurm --launcher slurm --program "$work/tells"
    ended "over Slurm" 0 " on n1: " " on n2: " "4/4 "
    equals "each run has all CPUs of its node" "$(sort -u "$work/cpus")" 3
    equals "every row tells its node" "$(placed "$work/slurm")" "0.9/1/n1 0.9/2/n2 0/1/n1 0/2/n2"
    swept slurm2 --launcher slurm:n2
    ended "one of its nodes" 0 "4/4 "
    rm "$work/cpus"
    launch salloc --quiet --nodes=2 --exclusive "$maemio" sweep "$work/job.conf" --no-page --out "$work/allocated" \
        --launcher slurm --program "$work/tells"
    ended "within an allocation" 0 " on n1: " " on n2: " "4/4 "
    equals "there, too" "$(sort -u "$work/cpus")" 3
else
    skip slurm "it does not start here: $(tail -n 1 "$work/slurm/out")"
fi
finish
