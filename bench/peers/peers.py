#!/usr/bin/env python3
"""Other analyzers of NetworkPolicies on the same files as waypath: first whether the answers agree, pair by pair and port by
port, then how long each takes, alternating, as whole processes (start, reading, answer, printing).

  bench/peers/peers.py                       all tools, clusters of 100, 300 and 1,000 pods
  bench/peers/peers.py --only cyclonus       one of them
  bench/peers/peers.py --quick               fewer runs and sizes

Tools are taken from PATH, or installed from their registries under build/peers; one that cannot be had is skipped with its
package and the reason. Exit code 1 when answers differ in a way that is not explained, 2 when something cannot be run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import answers
import tools

ROOT = Path(__file__).resolve().parents[2]
SIZES = (100, 300, 1000)
# As many policies as pods. Names of ports are left out: netpol-analyzer ends at the first that stands beside a peer outside the
# cluster ("cannot convert named port for an IP destination").
SHAPE = ("--netpol-only", "--no-managed-fields", "--workloads", "10", "--replicas", "5", "--policies", "50", "--named-port-share", "0")


class Slow(Exception):
    """A run was ended by its time limit."""


def run(argv, limit):
    """Seconds and standard output of one process."""
    begin = time.perf_counter()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Slow from None
    seconds = time.perf_counter() - begin
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: exit code {process.returncode}\n{err[-800:]}")
    return seconds, out


def ours(options, cluster, flags):
    return [str(options.waypath), "reach", "-f", str(cluster), "--layer", "netpol", "-o", "csv", "-q", *flags]


def compare(tool, options, cluster, scratch):
    """The differences, our answer, and the seconds that the tool took."""
    _, text = run(ours(options, cluster, tool.flags), options.limit)
    mine = tool.comparable(answers.of_waypath(text))
    seconds, text = run(tool.argv(cluster, scratch), options.limit)
    return answers.differences(mine, tool.answer(text, scratch)), mine, seconds


def runs_of(seconds, quick):
    """As many alternating runs as a tool that takes `seconds` deserves."""
    if quick:
        return 3 if seconds < 1 else 1
    return 5 if seconds < 3 else 3 if seconds < 15 else 1


def measure(tool, options, pods, scratch):
    cluster = scratch / "manifests"
    tool.prepare(cluster, scratch)
    row = {"tool": tool.name, "package": tool.package, "pods": pods, "policies": options.policies_of(scratch)}
    try:
        different, mine, seconds = compare(tool, options, cluster, scratch)
        pairs = len(mine.pairs)
        if not pairs:
            raise RuntimeError(f"{cluster}: no pair is connected, nothing was compared")
    except Slow:
        mine = [run(ours(options, cluster, tool.flags), options.limit)[0] for _ in range(5)]
        ratio = options.limit / statistics.median(mine)
        return {**row, "slow": True, "theirs": options.limit, "ours": statistics.median(mine), "ratio": ratio, "runs": 1}
    row |= {"pairs": pairs, "differences": [vars(d) for d in different], "explained": ""}
    if different and (restated := tool.restated(cluster, scratch)):
        _, theirs = run(tool.argv(restated[0], scratch), options.limit)
        if not answers.differences(mine, tool.answer(theirs, scratch)):
            row["explained"] = f"{restated[1]} (restated as In, the answers are the same)"
    if different and not row["explained"] and not compare(tool, options, cluster, scratch)[0]:
        row["explained"] = "answers of its own that change from run to run (asked again, they are the same)"
    mine, theirs = [], [seconds]
    for i in range(5):
        mine.append(run(ours(options, cluster, tool.flags), options.limit)[0])
        if i + 1 < runs_of(seconds, options.quick):
            theirs.append(run(tool.argv(cluster, scratch), 2 * options.limit)[0])
    row |= {"ours": statistics.median(mine), "theirs": statistics.median(theirs), "runs": len(theirs)}
    return {**row, "ratio": row["theirs"] / row["ours"]}


def generate(options, pods):
    """The same cluster as YAML documents, which the tools read, and as JSON, of which models are made."""
    scratch = options.home / f"cluster-{pods}"
    scratch.joinpath("manifests").mkdir(parents=True, exist_ok=True)
    for form, path in (("yaml", scratch / "manifests" / "cluster.yaml"), ("json", scratch / "cluster.json")):
        argv = [str(options.generator), *SHAPE, "--namespaces", str(max(2, pods // 50)), "--pods", str(pods),
                "--seed", str(options.seed), "--form", form, "--out", str(path)]
        done = tools.quiet(argv)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr}")
    return scratch


def say(row):
    head = f"{row['tool']:24} {row['pods']:6} pods"
    if row.get("slow"):
        print(f"{head}  ended after {row['theirs']:.0f} s; waypath {row['ours'] * 1e3:.0f} ms: at least {row['ratio']:.0f} times")
        return
    agreed = f"{len(row['differences'])} differences" if row["differences"] else "the same"
    print(f"{head}  {row['pairs']} connected pairs: {agreed}; {row['theirs']:.3f} s, waypath {row['ours'] * 1e3:.1f} ms: "
          f"{row['ratio']:.0f} times ({row['runs']} runs)")
    if row["explained"]:
        print(f"  all {len(row['differences'])} come of {row['explained']}")
        return
    for one in row["differences"][:5]:
        print(f"  {one['where']}: waypath {one['ours']}; {row['tool']} {one['theirs']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = Path(os.environ.get("WAYPATH_BUILD_ROOT", ROOT / "build"))
    parser.add_argument("--waypath", type=Path, default=build / "release" / "waypath")
    parser.add_argument("--generator", type=Path, default=build / "release" / "waypath_gen")
    parser.add_argument("--home", type=Path, default=build / "peers", help="where tools and clusters are kept")
    parser.add_argument("--only", action="append", help="names of tools")
    parser.add_argument("--sizes", type=lambda text: [int(part) for part in text.split(",")], help="pods, e.g. 100,1000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=90, help="seconds that a run may take")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-install", action="store_true", help="only tools that are there")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    options.policies_of = lambda scratch: sum(
        item["kind"] == "NetworkPolicy" for item in json.loads(scratch.joinpath("cluster.json").read_text())["items"])
    options.home.mkdir(parents=True, exist_ok=True)
    scratches = {pods: generate(options, pods) for pods in options.sizes or (SIZES if not options.quick else (100, 1000))}
    rows, skipped, unexplained = [], [], 0
    for kind in tools.ALL_TOOLS:
        tool = kind()
        if options.only and tool.name not in options.only:
            continue
        try:
            tool.obtain(options.home, not options.no_install)
        except tools.Missing as missing:
            skipped.append({"tool": tool.name, "reason": str(missing)})
            print(f"{tool.name:24} skipped: {missing}")
            continue
        for note in tool.differs:
            print(f"{tool.name:24} note: {note}")
        for pods, scratch in scratches.items():
            if pods > tool.largest:
                continue
            row = measure(tool, options, pods, scratch)
            rows.append(row)
            say(row)
            unexplained += len(row.get("differences", ())) if not row.get("explained") else 0
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, "skipped": skipped}, indent=1) + "\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
