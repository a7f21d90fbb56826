#!/usr/bin/env bash
# Pushes the images that `make images` built with the same REGISTRY and TAG.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ "$REGISTRY" != "$LOCAL" ] || die "make push needs a registry to push to: make images push REGISTRY=registry.example.org/rotunda TAG=$TAG"
for name in "${IMAGES[@]}"; do
    docker image inspect "$REGISTRY/$name:$TAG" >/dev/null 2>&1 ||
        die "there is no image $REGISTRY/$name:$TAG: make images REGISTRY=$REGISTRY TAG=$TAG"
done
for name in "${IMAGES[@]}"; do
    say "pushing $REGISTRY/$name:$TAG"
    docker push --quiet "$REGISTRY/$name:$TAG" >/dev/null
done
