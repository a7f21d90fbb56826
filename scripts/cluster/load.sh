#!/usr/bin/env bash
# Brings images that `make images` built into the nodes of the local cluster: load.sh [NAME...]. REGISTRY and TAG
# as there. Those that the nodes have already are left out, and so is the control plane, which runs no pods of ours.
source "$(dirname "${BASH_SOURCE[0]}")/../images/lib.sh"

LOADED=/kind/rotunda-images
is_running || die "the local cluster is not running: make cluster"
check_names "$@"
nodes=$(cluster_nodes worker)
missing=()
for name in "${@:-${IMAGES[@]}}"; do
    image="$REGISTRY/$name:$TAG"
    id=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null) || die "there is no image $image: make images"
    for node in $nodes; do
        if ! docker exec "$node" grep -qxF "$image $id" "$LOADED" 2>/dev/null; then
            missing+=("$image")
            break
        fi
    done
done
if [ "${#missing[@]}" = 0 ]; then exit 0; fi
begun=$(date +%s)
"$CLUSTER_HOME/bin/kind" load docker-image --name "$CLUSTER" --nodes "${nodes//$'\n'/,}" --quiet "${missing[@]}"
for node in $nodes; do
    for image in "${missing[@]}"; do
        docker image inspect --format "$image {{.Id}}" "$image" | docker exec -i "$node" tee -a "$LOADED" >/dev/null
    done
done
say "loaded ${#missing[@]} images into the nodes in $(seconds_since "$begun")"
