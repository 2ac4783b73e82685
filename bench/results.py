#!/usr/bin/env python3
"""Measures every goal and rewrites bench/RESULTS.md. Called by bench/run.sh, which builds first.

  bench/run.sh              everything
  bench/run.sh --quick      fewer repetitions and sizes
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import goals
import measure

ROOT = Path(__file__).resolve().parent.parent


def output(*argv):
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()


def machine(build):
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
                 "unknown")
    compiler = next((line.split("=", 1)[1] for line in (build / "CMakeCache.txt").read_text().splitlines()
                     if line.startswith("CMAKE_CXX_COMPILER:")), "c++")
    generator = re.search(r"kGeneratorVersion = (\d+)", (ROOT / "bench/gen/generator.h").read_text()).group(1)
    changed = [line for line in output("git", "status", "--porcelain").splitlines() if "RESULTS.md" not in line]
    load = os.getloadavg()[0]
    return (
        ("machine", f"{os.cpu_count()} cores, {model}; load {load:.1f} at the start"),
        ("compiler", f"{output(compiler, '--version').splitlines()[0]}, -O2"),
        ("date", datetime.date.today().isoformat()),
        ("commit", output("git", "log", "-1", "--format=%h") + (" and changes that are not committed" if changed else "")),
        ("input", f"waypath_gen version {generator}, seed 1, profile teams"),
    )


def generated(build, folder, size, form="json"):
    path = folder / f"{size}.{form}"
    subprocess.run([build / "waypath_gen", "--profile", "teams", "--size", size, "--form", form, "--out", path], check=True)
    return path


def one_trace(build, path, flow):
    return [str(build / "waypath"), "trace", *flow, "-f", str(path), "-q", "-j", "1"]


def processes(build, quick):
    """What is only true of whole processes: growth of loading, and diff against loading both sides."""
    out = {"load": [], "diff": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in ("S", "M") if quick else ("S", "M", "L"):
            items = json.loads(generated(build, folder, size).read_text())
            pods = [one for one in items["items"] if one["kind"] == "Pod"]
            flow = [f"{pods[0]['metadata']['namespace']}/{pods[0]['metadata']['name']}", f"{pods[9]['status']['podIP']}:8080"]
            path = generated(build, folder, size, "yaml")
            took = measure.median_process(one_trace(build, path, flow), 3 if quick else 5)
            out["load"].append((path.stat().st_size, took.seconds))
            before = folder / f"{size}.json"
            policies = [one for one in items["items"] if one["kind"] == "NetworkPolicy"]
            items["items"].remove(policies[-1])
            after = folder / f"{size}-after.json"
            after.write_text(json.dumps(items, indent=4))
            loads = sum(measure.median_process(one_trace(build, side, flow), 3).seconds for side in (before, after))
            diff = measure.median_process([str(build / "waypath"), "diff", str(before), str(after), "-q", "-j", "1"], 1, limit=25)
            out["diff"][f"{len(pods):,} pods, one policy less"] = (diff.seconds, loads, diff.ended)
    return out


def other_tools(build, quick):
    with tempfile.TemporaryDirectory() as name:
        rows = Path(name) / "peers.json"
        argv = [sys.executable, ROOT / "bench/peers/peers.py", "--json", rows, "--waypath", build / "waypath", "--generator",
                build / "waypath_gen", *(["--quick"] if quick else [])]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        print(done.stdout + done.stderr, end="")
        if not rows.exists():
            return {"skipped": [{"tool": "bench/peers", "reason": (done.stderr.strip().splitlines() or ["it failed"])[-1]}]}
        return json.loads(rows.read_text())


def cell(text):
    return text.replace("|", "\\|")


def table(rows, measured, with_id=True):
    yield "| id | work | goal | measured | met |" if with_id else "| work | goal | measured | met |"
    yield "|---|---|---|---|---|" if with_id else "|---|---|---|---|"
    for row in rows:
        *head, how = row
        lines = how(measured) or [("not measured: no benchmark of it is there, or it was ended by its limit", None)]
        known = [met for _, met in lines if met is not None]
        verdict = "-" if not known else "yes" if all(known) else "no" if not any(known) else "in part"
        words = {True: "", False: " (not met)", None: ""}
        text = "<br>".join(cell(line) + (words[met] if verdict == "in part" else "") for line, met in lines)
        yield "| " + " | ".join([*map(cell, head), text, verdict]) + " |"


def compared(peers):
    for row in peers.get("rows", []):
        if row.get("slow"):
            yield f"| {row['tool']} | {row['pods']:,} | {row['policies']:,} | not finished | more than {row['theirs']:.0f} s | {row['ours'] * 1e3:.0f} ms | more than {row['ratio']:.0f} |"
            continue
        answers = f"the same on {row['pairs']:,} connected pairs"
        if row["differences"]:
            answers = f"{len(row['differences']):,} of {row['pairs']:,} pairs differ: {row['explained'] or 'NOT EXPLAINED'}"
        yield f"| {row['tool']} | {row['pods']:,} | {row['policies']:,} | {answers} | {row['theirs']:.2f} s | {row['ours'] * 1e3:.0f} ms | {row['ratio']:.0f} |"
    for one in peers.get("skipped", []):
        yield f"| {one['tool']} | - | - | skipped: {cell(one['reason'])} | - | - | - |"


def counters(one):
    left = {name: value for name, value in one.counters.items() if not name.startswith("goal")}
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(left.items()))


def page(facts, measured, ended, quick):
    yield "# Results"
    yield ""
    yield f"Written by `bench/run.sh{' --quick' if quick else ''}`; do not edit. Medians; ratios are taken in one run."
    yield ""
    yield "| | |\n|---|---|"
    for name, value in facts:
        yield f"| {name} | {cell(value)} |"
    yield ""
    yield "## Goals"
    yield ""
    yield from table(goals.GOALS, measured)
    yield ""
    yield "## More"
    yield ""
    yield from table(goals.MORE, measured, with_id=False)
    if measured.peers:
        yield ""
        yield "## Other analyzers"
        yield ""
        yield "Whole processes on the same files, alternating; how answers are compared stands in [peers](peers/README.md)."
        yield ""
        yield "| tool | pods | policies | answers | theirs | waypath | ratio |\n|---|---|---|---|---|---|---|"
        yield from compared(measured.peers)
    yield ""
    yield "## All benchmarks"
    yield ""
    yield "| benchmark | time | counters |\n|---|---|---|"
    for one in measured.bench.values():
        yield f"| {one.name.split('/iterations')[0]} | {'error: ' + cell(one.error) if one.error else goals.short(one.ns)} | {counters(one)} |"
    if ended:
        yield ""
        yield "Not all ran: " + "; ".join(ended) + "."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and sizes")
    parser.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--no-peers", action="store_true", help="without the other tools")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "RESULTS.md")
    options = parser.parse_args()
    facts = machine(options.build)
    bench, ended = measure.run_benchmarks(str(options.build / "waypath_bench"), options.quick)
    whole = {}
    try:
        whole = processes(options.build, options.quick)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        ended.append(f"whole processes: {error}")
    measured = goals.Measured(bench, whole, {} if options.no_peers else other_tools(options.build, options.quick))
    text = "\n".join(page(facts, measured, ended, options.quick)) + "\n"
    options.out.write_text(text)
    print(text.split("## More")[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
