#!/usr/bin/env bash
# Formats all sources with the tools that `make check` compares with.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

.venv/bin/ruff check --quiet --fix-only .
.venv/bin/ruff format .
cargo fmt --manifest-path sfu_pod/media/Cargo.toml --all
npm --prefix web run --silent format -- --log-level=warn
