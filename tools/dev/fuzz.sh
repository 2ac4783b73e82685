#!/usr/bin/env bash
# Runs every fuzz target; the seconds given (default 60) are shared out among them. New findings stay in build/fuzz/findings.
set -euo pipefail
. "$(dirname "$0")/common.sh"

total=${1:-60}
command -v clang++-16 >/dev/null || { echo "fuzz: skipped, clang++-16 is not installed"; exit 0; }
mapfile -t targets < <(find tests/fuzz -name '*.cc' -exec basename {} .cc \; 2>/dev/null | sort)
[ ${#targets[@]} -gt 0 ] || { echo "fuzz: no targets"; exit 0; }
configure fuzz
build fuzz waypath_fuzz
each=$((total / ${#targets[@]}))
[ "$each" -gt 0 ] || each=1
mkdir -p "$BUILD_ROOT/fuzz/findings"
for target in "${targets[@]}"; do
  corpus=$BUILD_ROOT/fuzz/corpus/$target
  mkdir -p "$corpus"
  seeds=()
  for folder in "tests/fuzz/seeds/$target" tests/broken tests/broken_logs scenarios/clusters scenarios/logs; do
    [ -d "$folder" ] && seeds+=("$folder")
  done
  step "fuzz_$target for $each s"
  "$BUILD_ROOT/fuzz/fuzz_$target" -max_total_time="$each" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=0 \
    -artifact_prefix="$BUILD_ROOT/fuzz/findings/$target-" "$corpus" "${seeds[@]}" 2>"$BUILD_ROOT/fuzz/$target.log" ||
    { tail -n 60 "$BUILD_ROOT/fuzz/$target.log"; exit 1; }
  tail -n 1 "$BUILD_ROOT/fuzz/$target.log"
done
