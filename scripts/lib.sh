# Shared by the shell scripts here: sourced, not run. They all work from the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export ROTUNDA_CACHE="${ROTUNDA_CACHE:-$HOME/.cache/rotunda}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$ROTUNDA_CACHE/target}"
export UV_CACHE_DIR="${UV_CACHE_DIR:-$ROTUNDA_CACHE/uv}"
export UV_LINK_MODE="${UV_LINK_MODE:-copy}"
# The checkout's own tools (python, node, go) come before the machine's.
export PATH="$PWD/.venv/bin:$PATH"

say() { printf '\033[1m· %s\033[0m\n' "$*" >&2; }

die() {
    printf '\033[1;31m%s\033[0m\n' "$*" >&2
    exit 1
}

# at_least WANTED FOUND: whether version FOUND is WANTED or newer.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# fingerprint PATH...: one hash over the names and contents of all source files below the paths.
fingerprint() {
    find "$@" \( -name node_modules -o -name target -o -name dist -o -name __pycache__ -o -name '.*' \) -prune \
        -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

# when_changed STAMP PATH... -- COMMAND...: runs the command unless its last success, which the stamp
# records, saw the same paths. The stamp lies inside the product, so deleting the product deletes it.
when_changed() {
    local stamp=$1 paths=()
    shift
    while [ "$1" != -- ]; do paths+=("$1"); shift; done
    shift
    local now
    now="$* $(fingerprint "${paths[@]}")"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ]; then return 0; fi
    rm -f "$stamp"
    "$@"
    mkdir -p "$(dirname "$stamp")"
    printf '%s\n' "$now" >"$stamp"
}
