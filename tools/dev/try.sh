#!/usr/bin/env bash
# From a clone to an answer: installs what is missing, builds the `waypath` binary and asks it about a cluster that is shipped
# with the sources. With arguments, runs `waypath` with them instead.
set -euo pipefail
. "$(dirname "$0")/common.sh"

install_packages
step "building waypath (release)"
configure release
build release waypath
WAYPATH=$BUILD_ROOT/release/waypath
if [ $# -eq 0 ]; then
  set -- trace internet https://prometheus.dev.bigbang.mil/graph -f scenarios/clusters/bigbang-waypoint
fi
step "waypath $*"
"$WAYPATH" "$@"
