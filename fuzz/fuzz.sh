#!/usr/bin/env bash
# Runs the fuzz targets, and keeps their corpora: docs/fuzzing.md tells more.
#
#   fuzz/fuzz.sh run [--seconds N] [TARGET…]   replay every committed input, then fuzz each target for N seconds (0)
#   fuzz/fuzz.sh seed [TARGET…]                add the seeds that the transcripts make to the corpora at hand
#   fuzz/fuzz.sh pack [TARGET…]                minimise the corpora at hand, and make them the committed ones
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
    echo "error: $1" >&2
    exit 2
}

# With a nightly toolchain the address sanitizer looks on; without, only the targets' own assertions do.
if [ -n "${FUZZ_TOOLCHAIN:-}" ]; then
    toolchain="$FUZZ_TOOLCHAIN"
elif cargo +nightly --version >/dev/null 2>&1; then
    toolchain=nightly
else
    toolchain=stable
fi
case $toolchain in
nightly*) sanitizer=address ;;
*) sanitizer=none ;;
esac

cargo_fuzz() {
    local command=$1
    shift
    # Toolchains are chosen by rustup; without it there is only one.
    if cargo "+$toolchain" --version >/dev/null 2>&1; then
        cargo "+$toolchain" fuzz "$command" --sanitizer "$sanitizer" "$@"
    else
        cargo fuzz "$command" --sanitizer "$sanitizer" "$@"
    fi
}

# The targets that are named, or all of them.
targets() {
    local known target
    known=$(cargo fuzz list)
    for target in "$@"; do
        grep --quiet --line-regexp --fixed-strings -- "$target" <<<"$known" || die "there is no target '$target'"
    done
    if [ $# -gt 0 ]; then printf '%s\n' "$@"; else echo "$known"; fi
}

# The committed inputs, beside whatever an earlier run has found.
unpack() {
    mkdir -p "fuzz/corpus/$1" "fuzz/artifacts/$1"
    if [ -f "fuzz/corpora/$1.tar.gz" ]; then
        tar --extract --gzip --file "fuzz/corpora/$1.tar.gz" --directory "fuzz/corpus/$1"
    fi
}

dictionary() {
    case $1 in
    query) echo -dict=fuzz/dictionaries/query.dict ;;
    wire | client_ops | desktop_ops | driver | ffi_ops) echo -dict=fuzz/dictionaries/json.dict ;;
    esac
}

run() {
    local seconds=0 target targets
    if [ "${1:-}" = --seconds ]; then
        seconds=${2:-}
        [[ $seconds =~ ^[0-9]+$ ]] || die "--seconds wants a number, not '$seconds'"
        shift 2
    fi
    echo "== $toolchain, sanitizer $sanitizer"
    targets=$(targets "$@")
    # All that are built, also where only some are run: they share nearly everything.
    cargo_fuzz build
    for target in $targets; do
        unpack "$target"
        echo "== $target: $(find "fuzz/corpus/$target" -type f | wc -l) inputs again"
        cargo_fuzz run "$target" -- -runs=0 -timeout=300 -verbosity=0
        if [ "$seconds" -gt 0 ]; then
            echo "== $target: $seconds s of new ones"
            # The timeout only bounds a hang: a machine that has other things to do may take its time.
            # shellcheck disable=SC2046  # no word, or one without blanks
            cargo_fuzz run "$target" -- -max_total_time="$seconds" -timeout=300 -verbosity=0 -print_final_stats=1 \
                $(dictionary "$target")
        fi
    done
}

seed() {
    local seeds target targets
    targets=$(targets "$@")
    seeds=$(mktemp -d)
    cargo run --quiet --manifest-path fuzz/Cargo.toml --example seeds -- "$seeds"
    for target in $targets; do
        unpack "$target"
        cp "$seeds/$target"/* "fuzz/corpus/$target/"
    done
    rm -r "$seeds"
}

pack() {
    local target targets
    targets=$(targets "$@")
    mkdir -p fuzz/corpora
    for target in $targets; do
        cargo_fuzz cmin "$target"
        # The same files make the same archive.
        tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 \
            --directory "fuzz/corpus/$target" $(cd "fuzz/corpus/$target" && ls) |
            gzip -9 --no-name >"fuzz/corpora/$target.tar.gz"
        ls -l "fuzz/corpora/$target.tar.gz"
    done
}

command=${1:-help}
shift || true
case $command in
run | seed | pack) "$command" "$@" ;;
*) sed -n 's/^# \{0,1\}//p' "$0" | sed -n '2,6p' ;;
esac
