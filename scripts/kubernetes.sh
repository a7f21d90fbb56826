#!/usr/bin/env bash
# Makes etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl from their Go modules, for
# tests against a real API server. Prints the folder that holds them. Built once: the folder's name is a hash
# of what it was built from. With KUBEBUILDER_ASSETS set, that folder is taken and nothing is built.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

GO_WANTED=$(sed -n 's/^go //p' tools/kubernetes/go.mod)
KUBERNETES=$(sed -n 's#^\tk8s.io/kubernetes \(v[0-9.]*\).*#\1#p' tools/kubernetes/go.mod)

check_go() {
    local found
    found=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
    if [ -z "$found" ] || ! at_least "$GO_WANTED" "$found"; then
        die "Go $GO_WANTED or newer is needed for the tests against a real API server and go is ${found:-missing}. See README.md, Prerequisites."
    fi
}

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

# build MODULE LDFLAGS OUTPUT PACKAGE
build() {
    say "building $3 (the first time only; kube-apiserver takes minutes)"
    (cd "tools/$1" && CGO_ENABLED=0 go build -p 2 -trimpath -buildvcs=false -mod=readonly -ldflags "$2" -o "$partial/$3" "$4")
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    echo "$KUBEBUILDER_ASSETS"
    exit
fi
check_go
key=$(cat tools/{kubernetes,etcd}/go.{mod,sum} scripts/kubernetes.sh <(go env GOVERSION GOARCH) | sha256sum | cut -c 1-16)
folder="$ROTUNDA_CACHE/kubernetes/$key"
if [ ! -d "$folder" ]; then
    partial=$(mktemp -d "$(mkdir -p "$ROTUNDA_CACHE/kubernetes" && echo "$ROTUNDA_CACHE/kubernetes")/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    build etcd "-s -w" etcd go.etcd.io/etcd/server/v3
    for name in kube-apiserver kubectl kube-controller-manager kube-scheduler; do
        build kubernetes "$(version_flags)" "$name" "k8s.io/kubernetes/cmd/$name"
    done
    mv "$partial" "$folder"
fi
echo "$folder"
