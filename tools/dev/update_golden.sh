#!/usr/bin/env bash
# Runs the commands of tests/golden again and keeps what they print now. Read the difference before you commit it.
#   tools/dev/update_golden.sh [BUILD_DIRECTORY]    default: build/release
# A new case is a file tests/golden/NAME.txt whose first line is "$ waypath ARGUMENTS".
set -euo pipefail
. "$(dirname "$0")/common.sh"

dir=${1:-$BUILD_ROOT/release}
if [ $# -eq 0 ]; then
  configure release
  build release waypath_tests_tools
else
  cmake --build "$dir" -j "$JOBS" --target waypath_tests_tools
fi
WAYPATH_UPDATE_GOLDEN=1 "$dir/waypath_tests_tools" "commands print what tests/golden holds" >/dev/null
git --no-pager diff --stat -- tests/golden
