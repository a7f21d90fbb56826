#!/usr/bin/env bash
# The stories of e2e/, on the cluster of KUBECONFIG, or on the local one with the demo where that is not set.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if [ -z "${KUBECONFIG:-}" ]; then
    scripts/demo.sh
    source scripts/images/lib.sh
    export PATH="$CLUSTER_HOME/bin:$PATH"
    # The same images under another tag: all pods are replaced by an upgrade to it.
    for name in "${IMAGES[@]}"; do docker tag "$REGISTRY/$name:$TAG" "$REGISTRY/$name:next"; done
    TAG=next scripts/cluster/load.sh
    export ROTUNDA_E2E_NEXT_TAG=next
fi
ROTUNDA_HELM=$(scripts/helm.sh)
export ROTUNDA_HELM
exec .venv/bin/pytest e2e -s --durations=10 "$@"
