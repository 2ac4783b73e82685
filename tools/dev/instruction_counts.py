#!/usr/bin/env python3
"""Holds counts of instructions against the file that keeps them: instruction_counts.py FILE UPDATE COMPILER NAME=COUNT..."""

import json
import sys
from pathlib import Path

LIMIT = 1.10  # of the count that is kept
HOW = "tools/dev/check_instructions.sh --update writes the new counts; commit them with the change, and say why"


def main(path, update, compiler, *measured):
    counts = {name: int(count) for name, count in (word.split("=") for word in measured)}
    for name, count in counts.items():
        if count < 100_000:
            sys.exit(f"error: {name}: {count} instructions: nothing was counted")
    path = Path(path)
    if update == "1":
        path.write_text(json.dumps({"compiler": compiler, "instructions": counts}, indent=2) + "\n")
        print(f"instructions: written to {path}")
        return 0
    if not path.exists():
        print(f"error: {path} is missing; {HOW}", file=sys.stderr)
        return 1
    kept = json.loads(path.read_text())
    if kept["compiler"] != compiler:
        print(f"instructions: skipped, the counts are those of {kept['compiler']}, this is {compiler}")
        return 0
    failed = set(kept["instructions"]) != set(counts)
    if failed:
        print(f"error: {path} holds {sorted(kept['instructions'])}, counted were {sorted(counts)}; {HOW}", file=sys.stderr)
    for name in sorted(counts.keys() & kept["instructions"].keys()):
        before, now = kept["instructions"][name], counts[name]
        print(f"instructions: {name:6} {now:>14,}  {100 * (now / before - 1):+.1f} % of {before:,}")
        if now > before * LIMIT:
            failed = True
            print(f"error: {name} takes more than {100 * (LIMIT - 1):.0f} % more instructions than {path} says; {HOW}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
