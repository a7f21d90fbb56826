#!/usr/bin/env bash
# Generates requirements/*.txt from pyproject.toml: every package pinned and hashed, for every platform,
# without the name of any index. With --upgrade it takes the newest versions, else it keeps what is pinned.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

uv=$(command -v .venv/bin/uv || command -v uv) || die "uv is missing: run 'make setup' first"

compile() {
    local output=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-annotate --custom-compile-command "make requirements" \
        -o "requirements/$output.txt" pyproject.toml "$@"
}

compile runtime --extra sfu --extra signaling --extra operator --extra caller --group build "$@"
for image in operator signaling; do compile "$image" --extra "$image" -c requirements/runtime.txt "$@"; done
compile sfu --extra sfu --extra caller -c requirements/runtime.txt "$@" # `rotunda check-call` runs in it
compile build --group build -c requirements/runtime.txt "$@"
compile dev --extra sfu --extra signaling --extra operator --extra caller --group build --group dev -c requirements/runtime.txt "$@"
sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements/runtime.txt | "$uv" pip compile --quiet --universal --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make requirements" \
    -c requirements/runtime.txt -o requirements/uv.txt -
"$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
    --custom-compile-command "make requirements" --group go -o requirements/go.txt "$@"
