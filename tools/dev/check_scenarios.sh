#!/usr/bin/env bash
# Runs the shipped scenarios. Fails when a case fails that tests/known_failures.txt does not list, or a listed one passes.
set -euo pipefail
waypath=$1
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$waypath" test scenarios -o tap >"$work/tap" || true
grep -q '^ok' "$work/tap" || { echo "error: no case passed" >&2; exit 1; }
sed -n 's/^not ok [0-9]* - //p' "$work/tap" | LC_ALL=C sort >"$work/failing"
grep -v '^#' tests/known_failures.txt | LC_ALL=C sort >"$work/known"
if ! diff -u "$work/known" "$work/failing"; then
  echo "error: failing cases differ from tests/known_failures.txt (- listed, + failing)" >&2
  exit 1
fi
echo "scenarios: $(grep -c '^ok' "$work/tap") cases pass, $(wc -l <"$work/failing") known failures"
