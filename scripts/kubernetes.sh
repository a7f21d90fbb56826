#!/usr/bin/env bash
# Makes etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl from their Go modules, for
# tests against a real API server; with the argument nodes also kubelet, kubeadm and kube-proxy. Prints the folder
# that holds them. Built once: the folder's name is a hash of what it was built from. With KUBEBUILDER_ASSETS set,
# that folder is taken and nothing is built.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/go.sh

KUBERNETES=$(sed -n 's#^\tk8s.io/kubernetes \(v[0-9.]*\).*#\1#p' tools/kubernetes/go.mod)

# Kubernetes tells its version from these variables, which its own build sets.
version_flags() {
    local minor=${KUBERNETES#v1.} package flags="-s -w"
    minor=${minor%%.*}
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=$KUBERNETES -X $package.gitMajor=1 -X $package.gitMinor=$minor"
        flags+=" -X $package.gitTreeState=clean -X $package.buildDate=1970-01-01T00:00:00Z"
    done
    echo "$flags"
}

# build MODULE LDFLAGS NAME PACKAGE: into the folder, complete or not at all, unless it is there.
build() {
    if [ -x "$folder/$3" ]; then return 0; fi
    go_build "$1" "$2" "$folder/.$3" "$4"
    mv "$folder/.$3" "$folder/$3"
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ "${1:-}" != nodes ]; then
    echo "$KUBEBUILDER_ASSETS"
    exit
fi
need_go
key=$(cat tools/{kubernetes,etcd}/go.{mod,sum} <(version_flags; go env GOVERSION GOARCH) | sha256sum | cut -c 1-16)
folder="$ROTUNDA_CACHE/kubernetes/$key"
names=(kube-apiserver kubectl kube-controller-manager kube-scheduler)
[ "${1:-}" != nodes ] || names+=(kubelet kubeadm kube-proxy)
mkdir -p "$folder"
# Two at once would build the same: the second waits, and finds it done.
exec 9>"$folder/.lock"
flock 9
build etcd "-s -w" etcd go.etcd.io/etcd/server/v3
for name in "${names[@]}"; do
    build kubernetes "$(version_flags)" "$name" "k8s.io/kubernetes/cmd/$name"
done
echo "$folder"
