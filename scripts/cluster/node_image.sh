#!/usr/bin/env bash
# Makes an image of a kind node from packages, for places where kind's own cannot be pulled: node_image.sh NAME.
# The archive is kept in the cache, so that a new engine has it in seconds.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source scripts/go.sh

NAME=${1:?usage: node_image.sh NAME}
DEBIAN_IMAGE=rotunda.local/debian:bookworm
STAGING=rotunda.local/staging

# stage FOLDER: the build context, and in it all that goes into the image.
stage() {
    local folder name
    mkdir -p "$1/bin"
    cp -rT scripts/cluster/node "$1"
    cp -rT "$(kind_files)" "$1/kind"
    chmod -R u+w "$1/kind"
    for folder in "${binaries[@]}"; do cp -l "$folder"/* "$1/bin/" 2>/dev/null || cp "$folder"/* "$1/bin/"; done
    control_plane_images "$1"
}

# The files of kind's own node image, in Go's module cache.
kind_files() {
    local files
    files="$(go_module kind sigs.k8s.io/kind)/images/base/files"
    [ -d "$files" ] || die "the kind module holds no $files"
    echo "$files"
}

# control_plane_images CONTEXT: images.tar in it, under the names that kubeadm and containerd will ask for.
control_plane_images() {
    local name names=()
    mapfile -t names < <("$1/bin/kubeadm" config images list --kubernetes-version "$KUBERNETES" | grep -v '/pause:')
    names+=("$(sed -n 's/.*sandbox_image = "\(.*\)"/\1/p' "$1/kind/etc/containerd/config.toml")" rotunda.local/node-agent:1)
    for name in "${names[@]}"; do
        docker build --quiet -f "$1/images.Dockerfile" --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" \
            --target "$(basename "${name%:*}")" -t "$name" "$1" >/dev/null
    done
    docker save -o "$1/images.tar" "${names[@]}"
}

make_archive() {
    local context partial="$archive.partial"
    context=$(mktemp -d "$ROTUNDA_CACHE/images/context.XXXXXX")
    # shellcheck disable=SC2064 # these
    trap "rm -rf '$context' '$partial'" EXIT
    docker image inspect "$DEBIAN_IMAGE" >/dev/null 2>&1 || scripts/images/debian.sh "$DEBIAN_IMAGE"
    say "putting a node image together: Kubernetes $KUBERNETES on Debian (minutes; once)"
    stage "$context"
    docker build --quiet -t "$STAGING" --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" --build-arg "KUBERNETES=$KUBERNETES" "$context" >/dev/null
    docker save "$STAGING" | zstd -q -T0 -3 -o "$partial"
    mv "$partial" "$archive"
}

need_packages zstd=zstd jq=jq
mkdir -p "$ROTUNDA_CACHE/images"
mapfile -t binaries < <(scripts/cluster/binaries.sh)
KUBERNETES=v$(version_in kubernetes k8s.io/kubernetes)
key=$({ find scripts/cluster/node scripts/images/debian.sh tools/kind -type f -print0 | sort -z | xargs -0 cat; echo "${binaries[@]}"; } |
    sha256sum | cut -c 1-16)
archive="$ROTUNDA_CACHE/images/node-$KUBERNETES-$key.tar.zst"
if [ "$(docker image inspect --format '{{index .Config.Labels "dev.rotunda.key"}}' "$NAME" 2>/dev/null)" = "$key" ]; then exit 0; fi
if [ -f "$archive" ]; then
    say "loading the node image"
    zstd -dc "$archive" | docker load --quiet >/dev/null
else
    make_archive
fi
printf 'FROM %s\nLABEL dev.rotunda.key=%s\n' "$STAGING" "$key" | docker build --quiet -t "$NAME" - >/dev/null
