#!/usr/bin/env bash
# Builds the images, or some: build.sh [NAME...]. REGISTRY and TAG name them, REGISTRY/NAME:TAG; they stand in the
# engine afterwards. Stock images of Python, Debian and Rust are taken where they can be pulled. Elsewhere Debian is
# put together from its packages, and the native module comes from this machine.
# BASE_IMAGE, BUILD_IMAGE, DEBIAN_IMAGE, RUST_IMAGE and PARTS=compiled|prebuilt set aside what is found.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
check_names "$@"
case ${PARTS:-} in '' | compiled | prebuilt) ;; *) die "PARTS must be compiled or prebuilt, and is $PARTS" ;; esac
scripts/cluster/engine.sh up
source scripts/cluster/lib.sh # an engine may stand only now

# can_have IMAGE: whether it is here, or could be pulled.
can_have() { docker image inspect "$1" >/dev/null 2>&1 || docker pull --quiet "$1" >/dev/null 2>&1; }

# stock DOCKERFILE ARGUMENT: what it takes by default.
stock() { sed -n "s/^ARG $2=//p" "$1"; }

# The one that coturn, redis and postgres stand on; the others' too where there is no Python image.
choose_debian() {
    DEBIAN_IMAGE=${DEBIAN_IMAGE:-$(stock coturn/Dockerfile BASE_IMAGE)}
    if can_have "$DEBIAN_IMAGE"; then return 0; fi
    say "$DEBIAN_IMAGE cannot be pulled"
    DEBIAN_IMAGE=$LOCAL/debian:bookworm
    docker image inspect "$DEBIAN_IMAGE" >/dev/null 2>&1 || scripts/images/debian.sh "$DEBIAN_IMAGE"
}

choose_python() {
    BASE_IMAGE=${BASE_IMAGE:-$(stock images/Dockerfile BASE_IMAGE)}
    if can_have "$BASE_IMAGE"; then
        BUILD_IMAGE=${BUILD_IMAGE:-$BASE_IMAGE}
        return 0
    fi
    say "$BASE_IMAGE cannot be pulled: taking Debian's Python"
    BASE_IMAGE=$LOCAL/python BUILD_IMAGE=$LOCAL/python-build
    build -f images/offline/python.Dockerfile --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" --target python -t "$BASE_IMAGE"
    build -f images/offline/python.Dockerfile --build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE" --target python-build -t "$BUILD_IMAGE"
}

choose_parts() {
    RUST_IMAGE=${RUST_IMAGE:-$(stock images/Dockerfile RUST_IMAGE)}
    if [ -z "${PARTS:-}" ]; then
        PARTS=compiled
        can_have "$RUST_IMAGE" || PARTS=prebuilt
    fi
    if [ "$PARTS" = prebuilt ]; then prebuild; fi
}

# On this machine, as `make run` would; .venv stays as it is.
prebuild() {
    say "no image of Rust: building the native module on this machine"
    [ -x .venv/bin/maturin ] || scripts/setup.sh run
    when_changed images/prebuilt/.native sfu_pod/media -- native
}

native() {
    rm -f images/prebuilt/*.whl
    .venv/bin/maturin build --quiet --release --locked -m sfu_pod/media/py/Cargo.toml -i .venv/bin/python -o images/prebuilt
}

# build OPTION...: from the root, with the certificate authorities of this machine.
build() { docker build --quiet --secret "id=ca,src=${SSL_CERT_FILE:-/dev/null}" "$@" . >/dev/null; }

build_image() {
    local begun name="$REGISTRY/$1:$TAG"
    begun=$(date +%s)
    case $1 in
    operator | sfu | signaling)
        build -f images/Dockerfile --target "$1" -t "$name" --build-arg "BASE_IMAGE=$BASE_IMAGE" \
            --build-arg "BUILD_IMAGE=$BUILD_IMAGE" --build-arg "RUST_IMAGE=$RUST_IMAGE" \
            --build-arg "PARTS=$PARTS"
        ;;
    coturn) build -f coturn/Dockerfile -t "$name" --build-arg "BASE_IMAGE=$DEBIAN_IMAGE" ;;
    *) build -f "images/$1.Dockerfile" -t "$name" --build-arg "BASE_IMAGE=$DEBIAN_IMAGE" ;;
    esac
    say "$name: $(docker image inspect --format '{{.Size}}' "$name" | awk '{ printf "%.0f MB", $1 / 1e6 }'), $(seconds_since "$begun")"
}

choose_debian
choose_python
choose_parts
for name in "${@:-${IMAGES[@]}}"; do build_image "$name"; done
