#!/usr/bin/env bash
# The README's first two commands have to be the ones that exist: try.sh and check.sh, written as they are run.
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=0
for script in ./tools/dev/try.sh ./tools/dev/check.sh; do
  if ! grep -qxE "[[:space:]]*(\\$ )?${script//./\\.}" README.md; then
    echo "error: README.md has no line that is the command $script" >&2
    bad=1
  fi
  [ -x "$script" ] || { echo "error: $script cannot be run" >&2; bad=1; }
done
# Whatever path of this repository the README names in a code line or a link has to exist.
while read -r path; do
  [ -e "$path" ] || { echo "error: README.md names $path, which does not exist" >&2; bad=1; }
done < <(grep -oE '\]\([A-Za-z0-9_./-]+\)' README.md | sed -e 's/^](//' -e 's/)$//' | sort -u)
[ "$bad" = 0 ] && echo "README: its commands and links exist"
exit "$bad"
