#!/usr/bin/env bash
# Prints the path of a helm: ROTUNDA_HELM, else one on PATH that is new enough, else one built from its Go modules.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/go.sh

HELM_WANTED=3.17

on_path() {
    local found
    found=$(helm version --template '{{.Version}}' 2>/dev/null | sed 's/^v//' || true)
    [ -n "$found" ] && at_least "$HELM_WANTED" "$found" && command -v helm
}

if [ -n "${ROTUNDA_HELM:-}" ]; then
    echo "$ROTUNDA_HELM"
elif ! on_path; then
    flags="-s -w -X helm.sh/helm/v3/internal/version.version=v$(version_in helm helm.sh/helm/v3)"
    echo "$(go_tool helm "$flags" helm=helm.sh/helm/v3/cmd/helm)/helm"
fi
