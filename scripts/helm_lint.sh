#!/usr/bin/env bash
# helm lint with every file of values that the chart ships or its tests use.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

helm=$(scripts/helm.sh)
for values in charts/rotunda/values-*.yaml charts/tests/values/*.yaml; do
    "$helm" lint charts/rotunda --strict --quiet --values "$values" --namespace meet --kube-version 1.36.0
    say "$values: no complaints"
done
