#!/usr/bin/env bash
# Runs the benchmarks one after the other and prints their tables. Read them on a quiet machine only.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export PYTHONPATH=tests
for bench in bench/*.py; do
    say "$bench"
    .venv/bin/python "$bench"
done
say "sfu_pod/media/bench"
cargo run --quiet --release --locked --manifest-path sfu_pod/media/Cargo.toml -p rotunda-media-bench
