#!/usr/bin/env bash
# Builds what a node image consists of from Go modules, the first time, and prints the folders with the binaries:
# one a line. kube-apiserver and others are the same that the operator's tests use (scripts/kubernetes.sh).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/go.sh

scripts/kubernetes.sh nodes
go_tool containerd "-s -w -X github.com/containerd/containerd/v2/version.Version=$(version_in containerd github.com/containerd/containerd/v2)" \
    containerd=github.com/containerd/containerd/v2/cmd/containerd \
    containerd-shim-runc-v2=github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 \
    ctr=github.com/containerd/containerd/v2/cmd/ctr
go_tool coredns "-s -w" coredns=.
go_tool node "-s -w" agent=./agent pause=./pause
