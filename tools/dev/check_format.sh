#!/usr/bin/env bash
# Fails when a source file is not formatted as .clang-format says; --fix formats them.
set -euo pipefail
cd "$(dirname "$0")/../.."

mapfile -t files < <(find model sim scenarios tools tests bench -name '*.h' -o -name '*.cc' 2>/dev/null | sort)
[ ${#files[@]} -gt 0 ] || exit 0
if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
else
  clang-format --dry-run -Werror "${files[@]}"
  echo "format: clean (${#files[@]} files)"
fi
