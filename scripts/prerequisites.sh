#!/usr/bin/env bash
# Checks what must be there already, and installs the Debian packages that are missing.
# Usage: prerequisites.sh run|test|go. Sourced by setup.sh for $PYTHON.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PYTHON_WANTED=3.11
RUST_WANTED=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' sfu_pod/media/Cargo.toml)

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if at_least "$PYTHON_WANTED" "$("$name" -c 'import platform; print(platform.python_version())' 2>/dev/null || echo 0)"; then
            command -v "$name"
            return
        fi
    done
    die "Python $PYTHON_WANTED or newer is needed and python3 is $(python3 --version 2>/dev/null || echo missing). See README.md, Prerequisites."
}

check_rust() {
    local found
    found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2 || true)
    if [ -z "$found" ] || ! command -v cargo >/dev/null || ! at_least "$RUST_WANTED" "$found"; then
        die "Rust $RUST_WANTED or newer (rustc and cargo) is needed and rustc is ${found:-missing}. See README.md, Prerequisites."
    fi
}

# The packages of Debian and Ubuntu that are missing, one a line, by what shows their presence.
missing_packages() {
    if [ "$1" != go ]; then
        command -v cc >/dev/null || echo gcc
        [ -e /usr/include/stdlib.h ] || echo libc6-dev
    fi
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || echo "python$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$1" = test ]; then
        [ -n "${ROTUNDA_CHROMIUM:-}" ] || command -v chromium >/dev/null || echo chromium
        [ -n "${ROTUNDA_FIREFOX:-}" ] || command -v firefox-esr >/dev/null || echo firefox-esr
        command -v ffmpeg >/dev/null || echo ffmpeg
        command -v jq >/dev/null || echo jq
        command -v redis-server >/dev/null || echo redis-server
        compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || echo postgresql
        command -v turnserver >/dev/null || echo coturn
    fi
}

install_packages() {
    local as_root=()
    command -v apt-get >/dev/null || die "Missing: $*. This is no Debian or Ubuntu: please install them by hand."
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "Missing: $*. Install them as root: apt-get install $*"
        as_root=(sudo)
    fi
    say "installing with apt-get: $*"
    "${as_root[@]}" apt-get update -q
    # Tests start coturn themselves; its service, as Debian sets it up, would be a relay for everybody.
    local relay=
    if [[ " $* " == *" coturn "* && -d /run/systemd/system ]]; then relay=coturn; fi
    [ -z "$relay" ] || "${as_root[@]}" systemctl mask --runtime "$relay"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
    [ -z "$relay" ] || "${as_root[@]}" systemctl unmask --runtime "$relay"
    [ -z "$relay" ] || "${as_root[@]}" systemctl disable "$relay"
}

PYTHON=$(find_python)
if [ "${1:-run}" != go ]; then check_rust; fi
mapfile -t packages < <(missing_packages "${1:-run}")
if [ "${#packages[@]}" -gt 0 ]; then install_packages "${packages[@]}"; fi
