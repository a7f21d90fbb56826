# Shared by the scripts of the local cluster: sourced, not run. They work from the repository's root.
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

CLUSTER=rotunda
CLUSTER_HOME="$ROTUNDA_CACHE/cluster"
ENGINE="$CLUSTER_HOME/engine"
ENGINE_SOCKET="$ENGINE/docker.sock"
export KUBECONFIG="$CLUSTER_HOME/kubeconfig"
# Debian keeps dockerd, iptables and debootstrap where only root's PATH leads.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# An engine of our own (engine.sh) wins over the one that the environment names, once it runs.
if [ -S "$ENGINE_SOCKET" ]; then
    export DOCKER_HOST="unix://$ENGINE_SOCKET"
    # Its own client: a newer one would build images only with a plugin that Debian does not have.
    export PATH="$ENGINE/bin:$PATH" DOCKER_BUILDKIT=1
fi

# as_root COMMAND...: with sudo unless we are root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || die "This must be done as root, and there is no sudo: $*"
        sudo "$@"
    fi
}

# need_packages COMMAND=PACKAGE...: installs the Debian packages whose command is missing.
need_packages() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair##*=}")
    done
    if [ "${#missing[@]}" = 0 ]; then return 0; fi
    command -v apt-get >/dev/null || die "Missing: ${missing[*]}. This is no Debian or Ubuntu: please install them by hand."
    say "installing with apt-get: ${missing[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
}

# cache_key PATH...: sixteen digits that change with the files (or what is on standard input).
cache_key() { { [ "$#" = 0 ] || find "$@" -type f -print0 | sort -z | xargs -0 sha256sum; cat; } | sha256sum | cut -c 1-16; }

seconds_since() { echo "$(($(date +%s) - $1)) s"; }

# cluster_nodes [ROLE]: the names of the containers that are its nodes.
cluster_nodes() {
    docker ps --filter "label=io.x-k8s.kind.cluster=$CLUSTER" ${1:+--filter "label=io.x-k8s.kind.role=$1"} --format '{{.Names}}' 2>/dev/null
}

# Whether all its nodes run and its API server answers.
is_running() {
    [ "$(cluster_nodes | wc -l)" = "$(grep -c '^  - role:' e2e/kind.yaml)" ] && [ -f "$KUBECONFIG" ] &&
        docker exec "$CLUSTER-control-plane" kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout 10s get --raw /readyz >/dev/null 2>&1
}

# write_environment: a file to source for kubectl, kind and docker.
write_environment() {
    local path="$CLUSTER_HOME/bin"
    {
        if [ -S "$ENGINE_SOCKET" ]; then
            path+=":$ENGINE/bin"
            echo "export DOCKER_HOST='unix://$ENGINE_SOCKET' DOCKER_BUILDKIT=1"
        fi
        echo "export KUBECONFIG='$KUBECONFIG' PATH='$path':\"\$PATH\""
    } >"$CLUSTER_HOME/env"
}
