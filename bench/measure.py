"""Runs waypath_bench in parts that cannot take each other's time, and single programs as whole processes."""

import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


@dataclass
class Result:
    name: str
    ns: float  # of one iteration, processor time unless the benchmark asks for real time; the median of the repetitions
    counters: dict
    error: str = ""


# What belongs together: a name for it, the benchmarks, and the seconds it may take. What fits none comes last.
# A peak of memory is that of the process: each of its benchmarks has its own.
GROUPS = (
    ("memory of YAML", r"^p3_memory/yaml", 30),
    ("memory of JSON", r"^p3_memory/json", 30),
    ("load", r"^(p\d+_|load_|yaml_cpp)", 150),
    ("reach", r"^(all_pairs|judge_connection|trace_connection|reach_)", 150),
    ("what-if", r"^(plan_|whatif|what_if|edit)", 60),
    ("replay", r"^replay", 60),
    ("the rest", r"", 150),
)
KNOWN = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "repetition_index", "threads",
         "iterations", "real_time", "cpu_time", "time_unit", "aggregate_name", "aggregate_unit", "label", "error_occurred",
         "error_message"}


def groups_of(program):
    """The names of each group; every benchmark is in one."""
    names = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True, check=True).stdout.split("\n")
    left = [name for name in names if name]
    for title, pattern, limit in GROUPS:
        mine = [name for name in left if re.search(pattern, name)]
        left = [name for name in left if name not in mine]
        if mine:
            yield title, mine, limit


def run_benchmarks(program, quick):
    """Results by name, and what was ended by its limit."""
    results, ended = {}, []
    for title, names, limit in groups_of(program):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.json"
            alone = all(name.startswith("p") and name[1:2].isdigit() for name in names)  # takes medians itself
            argv = [program, "--benchmark_filter=^(" + "|".join(re.escape(name) for name in names) + ")$", f"--benchmark_out={out}",
                    "--benchmark_out_format=json", f"--benchmark_min_time={0.02 if quick else 0.1}",
                    f"--benchmark_repetitions={1 if quick or alone else 3}"]
            try:
                done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=limit, check=False)
                if done.returncode != 0:
                    ended.append(f"{title}: exit code {done.returncode}: {done.stderr[-200:]}")
            except subprocess.TimeoutExpired:
                ended.append(f"{title}: ended after {limit} s")
            for row in rows_of(out):
                add(results, row)
    return {name: folded(runs) for name, runs in results.items()}, ended


def rows_of(path):
    """The benchmarks of a result file; one that was cut short holds those that were done."""
    if not path.exists():
        return []
    text = path.read_text()
    try:
        return json.loads(text)["benchmarks"]
    except json.JSONDecodeError:
        start = text.find('"benchmarks": [')
        end = text.rfind("}")
        return json.loads(text[start + len('"benchmarks": ') : end + 1] + "]") if 0 <= start < end else []


def add(results, row):
    if row.get("run_type") == "iteration":
        results.setdefault(row["run_name"], []).append(row)


def folded(runs):
    counters = {}
    for key in runs[0].keys() - KNOWN:
        values = [run[key] for run in runs if isinstance(run.get(key), (int, float))]
        if values:
            counters[key] = statistics.median(values)
    time_of = "real_time" if "real_time" in runs[0]["run_name"] else "cpu_time"
    ns = statistics.median(run[time_of] * NANOSECONDS[run["time_unit"]] for run in runs) if time_of in runs[0] else 0.0
    return Result(runs[0]["run_name"], ns, counters, next((run["error_message"] for run in runs if run.get("error_occurred")), ""))


@dataclass
class Process:
    seconds: float
    peak: int  # bytes
    ended: bool = False


def process(argv, limit=60):
    """One whole process: seconds and peak memory."""
    begin = time.perf_counter()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = begin + limit
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() > deadline:
            child.kill()
            os.wait4(child.pid, 0)
            child.returncode = -9
            return Process(limit, 0, ended=True)
        time.sleep(0.002)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    if child.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit code {child.returncode}: {child.stderr.read()[-400:].decode()}")
    return Process(seconds, usage.ru_maxrss * 1024)


def median_process(argv, runs, limit=60):
    done = []
    for _ in range(runs):
        done.append(process(argv, limit))
        if done[-1].ended:
            return done[-1]
    return Process(statistics.median(one.seconds for one in done), max(one.peak for one in done))
