#!/usr/bin/env bash
# What has to hold before a change lands, on a machine with nothing but git: packages, format, layers, README, one build of clang with
# AddressSanitizer and UndefinedBehaviorSanitizer for the tests and a minute of fuzzing, the release build with warnings as errors, how
# many instructions it takes and its tests; the output ends with ctest's summary.
#   --full   also the threaded tests under ThreadSanitizer
set -euo pipefail
. "$(dirname "$0")/common.sh"

full=0
[ "${1:-}" = --full ] && full=1

install_packages
install_peers

step "format, layers, README"
tools/dev/check_format.sh
tools/dev/check_layers.sh
tools/dev/check_readme.sh

run_ctest() {
  local preset=$1
  shift
  ctest --test-dir "$BUILD_ROOT/$preset" -j "$JOBS" --output-on-failure --no-tests=error "$@"
}

step "address and undefined behaviour sanitizers"
configure sanitize
build sanitize
# What runs programs of others is left to the release build: those are slow to start and find no error of memory.
run_ctest sanitize -LE 'envoy|snapshot|fleet|consumers|shells' --quiet --output-log "$BUILD_ROOT/sanitize.ctest.log" || { tail -n 200 "$BUILD_ROOT/sanitize.ctest.log"; exit 1; }
tail -n 4 "$BUILD_ROOT/sanitize.ctest.log"

if [ "$full" = 1 ]; then
  step "thread sanitizer: tests tagged [threads]"
  configure tsan
  build tsan waypath_tests
  for program in "$BUILD_ROOT"/tsan/waypath_tests_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    if "$program" --list-test-names-only "[threads]" | grep -q .; then "$program" "[threads]" | tail -n 2; fi
  done
fi

step "fuzz targets"
tools/dev/fuzz.sh 60

step "release build, warnings as errors"
configure release
build release

step "instruction counts"
tools/dev/check_instructions.sh

step "tests"
corpus=${WAYPATH_CORPUS:-$ROOT/../shared/corpus}
log=$BUILD_ROOT/release.ctest.log
run_ctest release --output-log "$log" >"$BUILD_ROOT/release.ctest.out" 2>&1 || { cat "$BUILD_ROOT/release.ctest.out"; exit 1; }
if [ "${CI:-}" = true ] && [ -d "$corpus" ] && grep -E 'conformance: ' "$log" | grep -q 'Skipped'; then
  echo "error: the corpus is there ($(basename "$corpus")), but conformance cases were skipped" >&2
  exit 1
fi
cat "$BUILD_ROOT/release.ctest.out"
