#!/usr/bin/env bash
# Builds the optimised programs, measures every goal and rewrites bench/RESULTS.md; some eight minutes on two quiet cores.
#   --quick      fewer repetitions and sizes
#   --no-build   the programs that are there
#   --no-peers   without the other tools
set -euo pipefail
. "$(dirname "$0")/../tools/dev/common.sh"

wanted=1
for argument in "$@"; do
  [ "$argument" != --no-build ] || wanted=0
done
if [ "$wanted" = 1 ]; then
  install_packages
  configure release
  build release waypath waypath_bench waypath_gen
fi
exec python3 bench/results.py --build "$BUILD_ROOT/release" "$@"
