#!/usr/bin/env bash
# Runs every fuzz target; the seconds given (default 60) are shared out among them. New findings stay in build/fuzz/findings.
set -euo pipefail
. "$(dirname "$0")/common.sh"

total=${1:-60}
command -v clang++-16 >/dev/null || { echo "error: clang++-16 (package clang-16) is not installed" >&2; exit 1; }
mapfile -t targets < <(find tests/fuzz -name '*.cc' -exec basename {} .cc \; 2>/dev/null | sort)
[ ${#targets[@]} -gt 0 ] || { echo "fuzz: no targets"; exit 0; }
configure sanitize
build sanitize waypath_fuzz
kept=$BUILD_ROOT/fuzz
each=$((total / ${#targets[@]}))
[ "$each" -gt 0 ] || each=1
mkdir -p "$kept/findings"
for target in "${targets[@]}"; do
  corpus=$kept/corpus/$target
  mkdir -p "$corpus"
  seeds=()
  for folder in "tests/fuzz/seeds/$target" tests/broken tests/broken_logs scenarios/clusters scenarios/logs; do
    [ -d "$folder" ] && seeds+=("$folder")
  done
  step "fuzz_$target for $each s"
  "$BUILD_ROOT/sanitize/fuzz_$target" -max_total_time="$each" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=0 \
    -artifact_prefix="$kept/findings/$target-" "$corpus" "${seeds[@]}" 2>"$kept/$target.log" ||
    { tail -n 60 "$kept/$target.log"; exit 1; }
  tail -n 1 "$kept/$target.log"
done
