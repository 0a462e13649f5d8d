#!/usr/bin/env bash
# libFuzzer on every parser, two at a time: scripts/fuzz.sh [SECONDS [TARGET…]]. Stops with the input of the first failure.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

seconds=${1:-60}
shift || true
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "not a number of seconds: $seconds" "Usage: scripts/fuzz.sh [SECONDS [TARGET…]]"
export PATH="$TOOLS/cargo-fuzz-$CARGO_FUZZ_VERSION/bin:$PATH"
if ! [ -x "$TOOLS/cargo-fuzz-$CARGO_FUZZ_VERSION/bin/cargo-fuzz" ]; then
    say "compiling cargo-fuzz $CARGO_FUZZ_VERSION (a minute, once)"
    quietly "cargo install cargo-fuzz" cargo install cargo-fuzz --version "$CARGO_FUZZ_VERSION" --locked \
        --root "$TOOLS/cargo-fuzz-$CARGO_FUZZ_VERSION"
fi
have c++ || apt_install g++

# Coverage is an unstable flag of the compiler; this lets the pinned stable one take it. Nothing here is shipped.
export RUSTC_BOOTSTRAP=1
fuzz=$ROOT/tests/fuzz
work=${CARGO_TARGET_DIR:-$ROOT/target}/fuzz
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(basename -s .rs "$fuzz"/targets/*.rs)
mkdir -p "$work/artifacts" "$work/logs"
say "building ${#targets[@]} targets with coverage"
cd "$ROOT/tests"
# No sanitizer: the code is safe Rust, and it is twice as fast.
quietly "cargo fuzz build" cargo fuzz build --release --debug-assertions --sanitizer none --target-dir "$work/target"
bin=$work/target/x86_64-unknown-linux-gnu/release

one() {
    local name=$1 log=$work/logs/$1.log
    mkdir -p "$work/corpus/$name"
    if ! TIFFIN_FUZZ_SEEDS=$work/corpus/$name nice -n 10 "$bin/$name" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=20000 -print_final_stats=1 \
        -dict="$fuzz/words.dict" -artifact_prefix="$work/artifacts/$name-" "$work/corpus/$name" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "$name failed" "Run it again: $bin/$name $(ls -t "$work/artifacts/$name-"* | head -n 1)"
    fi
    done_ "$name: $(awk -F ':' '/number_of_executed_units/ { print $4 + 0 }' "$log") executions, $(
        grep -o 'cov: [0-9]*' "$log" | tail -n 1) edges, $(find "$work/corpus/$name" -type f | wc -l) inputs kept"
}
failed=0
for ((at = 0; at < ${#targets[@]}; at += 2)); do
    pids=()
    for name in "${targets[@]:at:2}"; do
        one "$name" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
done
exit "$failed"
