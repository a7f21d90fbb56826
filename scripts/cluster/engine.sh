#!/usr/bin/env bash
# A Docker engine for the local cluster. Usage: engine.sh up|down.
# up takes the engine that runs already; where none does, it installs Debian's and starts a private one, whose
# socket, data and logs are below ~/.cache/rotunda/cluster/engine. down ends the private one and removes what
# it left in the kernel: containers' cgroups, bridges, iptables chains. It never touches another engine.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BRIDGE_ADDRESS=10.201.0.1/24
NETWORKS=base=10.202.0.0/16,size=24
CAP_SYS_RESOURCE=24

up() {
    if [ -n "$(running_version)" ]; then return 0; fi
    [ "$(uname -s)" = Linux ] || die "No Docker engine answers. Please start Docker Desktop (or set DOCKER_HOST), then try again."
    rm -f "$ENGINE_SOCKET"
    say "no Docker engine answers: starting one of our own in $ENGINE (make cluster-down removes it)"
    need_packages dockerd=docker.io iptables=iptables jq=jq
    prepare
    start
    wait_for_engine
}

running_version() { timeout 20 docker version --format '{{.Server.Version}}' 2>/dev/null || true; }

prepare() {
    mkdir -p "$ENGINE/bin" "$ENGINE/logs"
    ln -sf /usr/bin/docker "$ENGINE/bin/docker"
    # dockerd sets it too, but then drops all that the machine forwards for others.
    cat /proc/sys/net/ipv4/ip_forward >"$ENGINE/ip_forward"
    as_root sysctl -qw net.ipv4.ip_forward=1
    as_root iptables-save >"$ENGINE/iptables.before"
}

start() {
    local options=(
        --host "unix://$ENGINE_SOCKET" --group "$(id -gn)" --pidfile "$ENGINE/docker.pid"
        --data-root "$ENGINE/data" --exec-root "$ENGINE/run" --config-file "$ENGINE/daemon.json"
        --bip "$BRIDGE_ADDRESS" --default-address-pool "$NETWORKS" --exec-opt native.cgroupdriver=cgroupfs
        --oom-score-adjust 0
    )
    echo '{}' >"$ENGINE/daemon.json"
    if ! may_raise_limits; then
        say "this machine has no CAP_SYS_RESOURCE: containers get none either, privileged ones included"
        options+=(--add-runtime "limited=$PWD/scripts/cluster/runc-without-sys-resource" --default-runtime limited)
    fi
    as_root setsid dockerd "${options[@]}" >"$ENGINE/logs/dockerd.log" 2>&1 </dev/null &
}

# Whether CAP_SYS_RESOURCE is in the bounding set of processes started from here.
may_raise_limits() {
    local mask
    mask=$(sed -n 's/^CapBnd:\t//p' /proc/self/status)
    [ $(((0x$mask >> CAP_SYS_RESOURCE) & 1)) = 1 ]
}

wait_for_engine() {
    local tries
    export DOCKER_HOST="unix://$ENGINE_SOCKET" PATH="$ENGINE/bin:$PATH"
    for ((tries = 0; tries < 120; tries++)); do
        if [ -n "$(running_version)" ]; then return 0; fi
        sleep 0.5
    done
    tail -n 20 "$ENGINE/logs/dockerd.log" >&2
    die "dockerd did not start; its last words are above, all of them in $ENGINE/logs/dockerd.log"
}

down() {
    if [ ! -d "$ENGINE" ]; then return 0; fi
    say "ending our Docker engine and removing what it left"
    if [ -f "$ENGINE/docker.pid" ]; then end "$(cat "$ENGINE/docker.pid")"; fi
    unmount_all
    remove_chains
    remove_cgroups
    remove_bridges
    if [ -f "$ENGINE/ip_forward" ]; then as_root sysctl -qw "net.ipv4.ip_forward=$(cat "$ENGINE/ip_forward")"; fi
    as_root rm -rf "$ENGINE"
}

# end PID: dockerd stops its containers and its containerd itself.
end() {
    local tries
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" = dockerd ] || return 0
    as_root kill "$1"
    for ((tries = 0; tries < 120; tries++)); do
        if [ ! -d "/proc/$1" ]; then return 0; fi
        sleep 0.5
    done
    as_root kill -9 "$1"
}

unmount_all() {
    local mounted
    awk -v under="$ENGINE/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mounted; do
        as_root umount -l "$mounted"
    done
}

# Docker's chains, the rules that lead to them, and the rules of its bridges.
remove_chains() {
    local tool table rule
    for tool in iptables ip6tables; do
        for table in nat filter; do
            as_root "$tool" -w -t "$table" -S 2>/dev/null | grep -E '^-A .*(DOCKER|docker0|10\.201\.|10\.202\.| br-[0-9a-f]{12})' |
                sed 's/^-A/-D/' | while read -r rule; do
                    # shellcheck disable=SC2086 # the rule's words
                    as_root "$tool" -w -t "$table" $rule || true
                done || true
            as_root "$tool" -w -t "$table" -S 2>/dev/null | sed -n 's/^-N \(DOCKER.*\)/\1/p' | while read -r rule; do
                as_root "$tool" -w -t "$table" -F "$rule" && as_root "$tool" -w -t "$table" -X "$rule"
            done || true
        done
    done
    # The policy is ours to reset only where Docker changed it.
    if grep -q '^:FORWARD ACCEPT' "$ENGINE/iptables.before" 2>/dev/null; then as_root iptables -w -P FORWARD ACCEPT; fi
}

# docker0 and those of its networks, by the addresses that we gave them.
remove_bridges() {
    ip -o -4 address | awk '$4 ~ /^10\.20[12]\./ && $2 ~ /^(docker0|br-)/ { print $2 }' | while read -r bridge; do
        as_root ip link delete "$bridge"
    done
}

# Every engine has the same ones, so that they are ours only where no other runs.
remove_cgroups() {
    local cgroup
    if pgrep -x dockerd >/dev/null; then return 0; fi
    for cgroup in /sys/fs/cgroup/docker /sys/fs/cgroup/*/docker; do
        if [ -d "$cgroup" ]; then as_root find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true; fi
    done
}

case "${1:-}" in
up | down) "$1" ;;
*) die "usage: engine.sh up|down" ;;
esac
