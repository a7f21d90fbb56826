#!/usr/bin/env bash
# Removes the local cluster, and our Docker engine with all its images where one was started. What was built for
# them stays in the cache: another start takes seconds.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ -x "$CLUSTER_HOME/bin/kind" ] && docker version >/dev/null 2>&1; then
    "$CLUSTER_HOME/bin/kind" delete cluster --name "$CLUSTER" --kubeconfig "$KUBECONFIG"
    # kind's network, unless another cluster is in it.
    if [ -z "$("$CLUSTER_HOME/bin/kind" get clusters 2>/dev/null)" ]; then docker network rm kind >/dev/null 2>&1 || true; fi
fi
scripts/cluster/engine.sh down
rm -rf "$CLUSTER_HOME"
say "the cluster is gone; built binaries and images stay in $ROTUNDA_CACHE"
