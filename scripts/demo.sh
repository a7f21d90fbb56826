#!/usr/bin/env bash
# Installs the chart on the local cluster, applies a Room and prints the address at which people join it.
source "$(dirname "${BASH_SOURCE[0]}")/cluster/lib.sh"
scripts/cluster/up.sh
scripts/images/build.sh
scripts/cluster/load.sh
source scripts/cluster/lib.sh # the engine may stand only now

NAMESPACE=${NAMESPACE:-meet}
helm=$(scripts/helm.sh)
export PATH="$CLUSTER_HOME/bin:$PATH"

kubectl create namespace "$NAMESPACE" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
# Media and TURN pods use the network of their Kubernetes nodes.
kubectl label --overwrite namespace "$NAMESPACE" pod-security.kubernetes.io/enforce=privileged >/dev/null
begun=$(date +%s)
"$helm" upgrade --install rotunda charts/rotunda --namespace "$NAMESPACE" \
    --values charts/rotunda/values-kind.yaml --wait --timeout 15m "$@" >/dev/null
kubectl -n "$NAMESPACE" wait mediacluster/default --for=condition=Ready --timeout=10m >/dev/null
kubectl -n "$NAMESPACE" apply -f e2e/room.yaml >/dev/null
kubectl -n "$NAMESPACE" wait room/standup --for=condition=Ready --timeout=5m >/dev/null
say "installed in $(seconds_since "$begun"); the certificate is the operator's own, of which browsers warn"
kubectl -n "$NAMESPACE" get room standup -o wide
echo "Open it in two browsers: $(kubectl -n "$NAMESPACE" get room standup -o jsonpath='{.status.joinURL}')"
