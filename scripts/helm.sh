#!/usr/bin/env bash
# Prints the path of a helm: ROTUNDA_HELM, else one on PATH that is new enough, else one made from its Go modules.
# Built once: the folder's name is a hash of what it was built from.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

HELM_WANTED=3.17
GO_WANTED=$(sed -n 's/^go //p' tools/helm/go.mod)
VERSION=$(sed -n 's#^\thelm.sh/helm/v3 \(v[0-9.]*\).*#\1#p' tools/helm/go.mod)

check_go() {
    local found
    found=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
    if [ -z "$found" ] || ! at_least "$GO_WANTED" "$found"; then
        die "helm $HELM_WANTED or newer, or Go $GO_WANTED or newer to build one, is needed and go is ${found:-missing}. See README.md, Prerequisites."
    fi
}

on_path() {
    local found
    found=$(helm version --template '{{.Version}}' 2>/dev/null | sed 's/^v//' || true)
    [ -n "$found" ] && at_least "$HELM_WANTED" "$found" && command -v helm
}

if [ -n "${ROTUNDA_HELM:-}" ]; then
    echo "$ROTUNDA_HELM"
    exit
fi
if on_path; then exit; fi
check_go
key=$(cat tools/helm/go.{mod,sum} scripts/helm.sh <(go env GOVERSION GOARCH) | sha256sum | cut -c 1-16)
folder="$ROTUNDA_CACHE/helm/$key"
if [ ! -x "$folder/helm" ]; then
    say "building helm (the first time only; it takes minutes)"
    mkdir -p "$ROTUNDA_CACHE/helm"
    partial=$(mktemp -d "$ROTUNDA_CACHE/helm/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    (cd tools/helm && CGO_ENABLED=0 go build -trimpath -buildvcs=false -mod=readonly \
        -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$VERSION" -o "$partial/helm" helm.sh/helm/v3/cmd/helm)
    mv "$partial" "$folder"
fi
echo "$folder/helm"
