#!/usr/bin/env bash
# Shows that each fuzz target finds a bug that was planted: planted.sh [TARGET...]. Nothing here is changed: it works in a
# checkout of its own, from an empty corpus. Needs nightly and cargo-fuzz.
set -euo pipefail
root="$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)"
targets=("$@")
((${#targets[@]})) || targets=(pdu proxy receipt segment session text tlv)
seconds="${SECONDS_MAX:-600}"

cargo +nightly fuzz --version >/dev/null || {
  echo "nightly or cargo-fuzz is missing: rustup toolchain install nightly, cargo install cargo-fuzz" >&2
  exit 1
}

scratch="$(mktemp -d)"
trap 'git -C "$root" worktree remove --force "$scratch/checkout" >/dev/null 2>&1 || true; rm -rf "$scratch"' EXIT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$scratch/target}"
git -C "$root" worktree add --quiet --detach "$scratch/checkout" HEAD
cd "$scratch/checkout"

for target in "${targets[@]}"; do
  patch="$root/core/fuzz/planted/$target.patch"
  git apply "$patch"
  mkdir "$scratch/$target"
  if cargo +nightly fuzz run --fuzz-dir core/fuzz --sanitizer none "$target" "$scratch/$target" -- \
    -max_len=1200 -max_total_time="$seconds" -print_final_stats=1 >"$scratch/$target.log" 2>&1; then
    echo "$target: the planted bug was NOT found in $seconds s" >&2
    exit 1
  fi
  if ! grep --quiet "panicked at" "$scratch/$target.log"; then
    tail -n 20 "$scratch/$target.log" >&2
    exit 1
  fi
  executions="$(sed --quiet 's/^stat::number_of_executed_units: *//p' "$scratch/$target.log")"
  echo "$target: found after $executions executions: $(grep --max-count=1 --after-context=1 'panicked at' "$scratch/$target.log" | tail -n 1)"
  git apply --reverse "$patch"
done
