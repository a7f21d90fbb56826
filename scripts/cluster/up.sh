#!/usr/bin/env bash
# Starts the local cluster of e2e/kind.yaml, or finds it running: kind with one control plane and two workers. Takes
# kind's own node image where it can be pulled, else one that is built from packages. Prints how to use it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
begun=$(date +%s)
scripts/cluster/engine.sh up
source scripts/cluster/lib.sh # the engine may stand only now
source scripts/go.sh

OWN_IMAGE=rotunda.local/node
kind="$(go_tool kind "-s -w" kind=sigs.k8s.io/kind)/kind"

# can_pull IMAGE, or has it already.
can_pull() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1; }

# The one that this version of kind was released with.
stock_image() { sed -n 's/^const Image = "\(.*\)"$/\1/p' "$(go_module kind sigs.k8s.io/kind)/pkg/apis/config/defaults/image.go"; }

start() {
    local image
    image=$(stock_image)
    if ! can_pull "$image"; then
        say "$image cannot be pulled: taking a node image of our own"
        image=$OWN_IMAGE
        scripts/cluster/node_image.sh "$image"
    fi
    mkdir -p "$CLUSTER_HOME"
    "$kind" create cluster --name "$CLUSTER" --config e2e/kind.yaml --image "$image" --kubeconfig "$KUBECONFIG" --wait 300s
}

# kind, and the kubectl that suits the cluster, which its nodes have.
install_commands() {
    mkdir -p "$CLUSTER_HOME/bin"
    ln -sf "$kind" "$CLUSTER_HOME/bin/kind"
    if [ "$(uname -s)" = Linux ] && [ ! -x "$CLUSTER_HOME/bin/kubectl" ]; then
        docker cp "$CLUSTER-control-plane:/usr/bin/kubectl" - | tar -x -C "$CLUSTER_HOME/bin"
    fi
}

if is_running; then
    say "the cluster is running already"
    "$kind" export kubeconfig --name "$CLUSTER" --kubeconfig "$KUBECONFIG" 2>/dev/null
else
    "$kind" delete cluster --name "$CLUSTER" --kubeconfig "$KUBECONFIG" 2>/dev/null
    start
fi
install_commands
write_environment
say "the cluster is ready after $(seconds_since "$begun"). For kubectl, kind and docker: source $CLUSTER_HOME/env"
