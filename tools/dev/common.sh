# Sourced by the scripts of this folder: where the sources are, installing packages, building.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
ROOT=$PWD
BUILD_ROOT=${WAYPATH_BUILD_ROOT:-$ROOT/build}
JOBS=${JOBS:-$(nproc)}
# ccache sees the same paths from every clone, and takes files that read precompiled headers.
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$ROOT CCACHE_SLOPPINESS=pch_defines,time_macros

step() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# Installs what is missing of packages.txt. Without apt the packages have to be there already.
install_packages() {
  local wanted missing=()
  wanted=$(sed -e 's/#.*//' tools/dev/packages.txt | grep -v :)
  command -v dpkg-query >/dev/null || return 0
  for package in $wanted; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  step "installing ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "error: these packages are missing and need root to install: ${missing[*]}" >&2
    return 1
  fi
  as_root apt-get update -q >/dev/null
  as_root apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}

# Installs the programs that tests are checked against, and the linker (`package:command` in packages.txt). One that cannot be
# had is said; its tests are skipped, the compiler's own linker is taken.
install_peers() {
  local entry missing=()
  command -v apt-get >/dev/null || return 0
  for entry in $(sed -e 's/#.*//' tools/dev/packages.txt | grep :); do
    command -v "${entry#*:}" >/dev/null || missing+=("${entry%:*}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  step "installing ${missing[*]}"
  as_root apt-get update -q >/dev/null 2>&1 || true
  for entry in "${missing[@]}"; do
    as_root apt-get install -y -q --no-install-recommends "$entry" >/dev/null 2>&1 ||
      echo "not installed: $entry; what needs it is left out"
  done
}

# configure PRESET [flags...]: into $BUILD_ROOT/PRESET, with ccache when it is there.
configure() {
  local preset=$1
  shift
  local launcher=()
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$preset" -B "$BUILD_ROOT/$preset" "${launcher[@]}" "$@" >"$BUILD_ROOT/$preset.configure.log" 2>&1 ||
    { cat "$BUILD_ROOT/$preset.configure.log"; return 1; }
}

# build PRESET [targets...]: quiet unless it fails.
build() {
  local preset=$1
  shift
  local targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  cmake --build "$BUILD_ROOT/$preset" -j "$JOBS" "${targets[@]}" >"$BUILD_ROOT/$preset.build.log" 2>&1 ||
    { tail -n 100 "$BUILD_ROOT/$preset.build.log"; return 1; }
}

mkdir -p "$BUILD_ROOT"
