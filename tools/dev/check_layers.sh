#!/usr/bin/env bash
# Fails when a folder includes from a folder above it. Downward order: tools -> scenarios -> sim -> model.
# tests and bench may use all four; nothing uses them.
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=0
# forbid FOLDER REGEX: no file of FOLDER includes a path that matches REGEX.
forbid() {
  local folder=$1 regex=$2
  [ -d "$folder" ] || return 0
  if grep -rnE --include='*.h' --include='*.cc' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<](${regex})/" "$folder"; then
    echo "error: ${folder}/ includes from a folder above it" >&2
    bad=1
  fi
}
# only REGEX FILES...: the library whose headers match REGEX stays in the files named.
only() {
  local regex=$1
  shift
  local hits
  hits=$(grep -rlE --include='*.h' --include='*.cc' "^[[:space:]]*#[[:space:]]*include[[:space:]]*<(${regex})" model sim scenarios tools | sort || true)
  for hit in $hits; do
    local allowed=0
    for pattern in "$@"; do
      # shellcheck disable=SC2053
      if [[ $hit == $pattern ]]; then allowed=1; fi
    done
    if [ "$allowed" = 0 ]; then
      echo "error: $hit includes <$regex>, which belongs to: $*" >&2
      bad=1
    fi
  done
}

forbid model 'sim|scenarios|tools|tests|bench'
forbid sim 'scenarios|tools|tests|bench'
forbid scenarios 'tools|tests|bench'
forbid tools 'tests|bench'
only 'yaml-cpp/' 'model/yaml/*.cc'
only 'simdjson' 'model/yaml/*.cc' 'sim/*.cc' 'scenarios/*.cc'
only 'boost/graph/' 'sim/topology.cc' 'tools/render/picture_dot.cc'
only 'nlohmann/json\.hpp' '*.cc'
only 'CLI/' 'tools/waypath/*.cc'
only 'tbb/|oneapi/tbb' 'model/base/parallel.cc'
[ "$bad" = 0 ] && echo "layers: clean"
exit "$bad"
