#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (60) each. cargo-fuzz is kept in the cache; it wants flags of the
# nightly compiler, which RUSTC_BOOTSTRAP=1 allows on a stable one.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
"$(dirname "${BASH_SOURCE[0]}")/prerequisites.sh" run

VERSION=0.13.2
tools="$ROTUNDA_CACHE/cargo-fuzz-$VERSION"
if [ ! -x "$tools/bin/cargo-fuzz" ]; then
    say "installing cargo-fuzz $VERSION"
    cargo install --quiet --locked --version "$VERSION" --root "$tools" cargo-fuzz
fi
export PATH="$tools/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$CARGO_TARGET_DIR/fuzz"

cd sfu_pod/media
targets=$(cargo fuzz list)
[ -n "$targets" ] || die "no fuzz targets in sfu_pod/media/fuzz"
for target in $targets; do
    say "fuzzing $target for ${FUZZ_SECONDS:-60} s"
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=1
done
