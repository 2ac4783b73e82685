#!/usr/bin/env bash
# Counts the instructions of three fixed workloads (bench/instructions/workloads.cc) under callgrind and holds them against
# bench/instructions/counts.json: fails when one has grown by more than 10 %.
#   --update   writes the counts of now; commit the file with the change that made them, and say why
# Counts of another compiler or processor than the file's are not comparable: reported as skipped, as when valgrind cannot be installed.
set -euo pipefail
. "$(dirname "$0")/common.sh"

update=0
[ "${1:-}" = --update ] && update=1

command -v valgrind >/dev/null || install_peers
command -v valgrind >/dev/null || { echo "instructions: skipped, valgrind cannot be installed (package valgrind)"; exit 0; }

configure release
build release waypath_instructions
program=$BUILD_ROOT/release/waypath_instructions
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$program" input "$scratch/cluster.yaml"

# The same on every machine: no variant of a libc function that only some processors have, the same address space, no threads.
count() {
  env -i PATH="$PATH" LC_ALL=C \
    GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX2_Usable,-AVX,-ERMS,-FSRM,-BMI2,-MOVBE \
    valgrind --tool=callgrind --collect-atstart=no --toggle-collect=counted --callgrind-out-file="$scratch/$1.out" \
    "$program" "$@" >"$scratch/$1.log" 2>&1 || { cat "$scratch/$1.log" >&2; return 1; }
  sed -n 's/^summary: //p' "$scratch/$1.out"
}

load=$(count load "$scratch/cluster.yaml")
reach=$(count reach "$scratch/cluster.yaml")
trace=$(count trace)
compiler=$(grep -m1 '^CMAKE_CXX_COMPILER:' "$BUILD_ROOT/release/CMakeCache.txt" | cut -d= -f2)
# The scanner of lines takes AVX2 where the processor has it (model/yaml/line_scan.cc), so the processor counts as part of the compiler.
built_by=$("$compiler" --version | sed -n '1s/^[^ ]* //p')$(grep -qw avx2 /proc/cpuinfo && echo ", AVX2" || true)
python3 tools/dev/instruction_counts.py bench/instructions/counts.json "$update" "$built_by" \
  "load=$load" "reach=$reach" "trace=$trace"
