"""The goals, and how each is read off what was measured. A function of `Measured` gives lines of (what was measured, met or None);
no line: it could not be measured."""

import math
from dataclasses import dataclass, field


@dataclass
class Measured:
    bench: dict  # name -> measure.Result
    processes: dict = field(default_factory=dict)  # what results.py times as whole processes
    peers: dict = field(default_factory=dict)  # of bench/peers/peers.py

    def counter(self, name):
        """(benchmark, value) of every benchmark with this counter."""
        return [(one.name, one.counters[name]) for one in self.bench.values() if name in one.counters]

    def named(self, start):
        return [one for name, one in self.bench.items() if name.startswith(start) and not one.error]


def short(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def by_counter(prefix, *bounds):
    """Counters are named after the goal (P1_..., P4_...): each with its bound, as (part of the name, "at least" or "at most",
    value)."""

    def lines(m):
        out = []
        for one in m.bench.values():
            for name, value in sorted(one.counters.items()):
                if not name.startswith(prefix + "_"):
                    continue
                met = None
                for part, sense, bound in bounds:
                    if part in name:
                        met = value >= bound if sense == "at least" else value <= bound
                out.append((f"{name[len(prefix) + 1:].replace('_', ' ')} {value:.3g} ({one.name.split('/iterations')[0]})", met))
        return out

    return lines


def decisions(m):
    out = []
    for one in m.bench.values():
        if "goal_us" in one.counters:
            out.append((f"{one.name} {short(one.ns)}, goal {one.counters['goal_us']:g} us", one.ns <= one.counters["goal_us"] * 1e3))
    return out


def all_pairs(m):
    out = []
    for one in m.named("all_pairs"):
        if "goal_ms" in one.counters:
            goal, heap = one.counters["goal_ms"], one.counters.get("heap_mb")
            text = f"{one.name.rsplit('/goal', 1)[0]}: {short(one.ns)} + compile {one.counters.get('compile_ms', 0):.3g} ms, goal {goal:g} ms"
            if "times_netpol" in one.counters:
                text += f", {one.counters['times_netpol']:.2f} times NetworkPolicy alone"
            if heap is not None:
                text += f"; {heap:.0f} MB"
            out.append((text, one.ns <= goal * 1e6 and (heap is None or heap <= 100)))
    return out


def what_if(m):
    out = by_counter("P8", ("edits", "at most", 1), ("share", "at most", 1 / 500), ("times", "at least", 500))(m)
    for one in m.named("plan_one_policy"):
        if "ratio" in one.counters:
            out.append((f"{one.name.split('/iterations')[0]} pods: 1/{one.counters['ratio']:.0f} of the full evaluation",
                        one.counters["ratio"] >= 500 if "/10000" in one.name else None))
    return out


def difference(m):
    out = []
    for name, (diff, loads, ended) in m.processes.get("diff", {}).items():
        ratio = diff / loads
        out.append((f"{name}: {'more than ' if ended else ''}{ratio:.1f} times loading both ({diff:.2f} s, {loads:.2f} s)",
                    ratio <= 1.1 and not ended))
    return out


def exponent(points):
    """Least squares of log against log."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def by_policies(benchmarks):
    """policies -> (pods, nanoseconds), by pods"""
    out = {}
    for one in benchmarks:
        words = dict(word.split(":") for word in one.name.split("/")[1:])
        out.setdefault(words["policies"], []).append((int(words["pods"]), one.ns))
    return {policies: sorted(some) for policies, some in out.items()}


def growth(m):
    out = by_counter("P10", ("load", "at most", 1.1), ("pairs", "at most", 1.5), ("trace", "at most", 0.1))(m)
    if len(points := m.processes.get("load", [])) > 2:
        value = exponent(points)
        sizes = ", ".join(f"{size / 1e6:.1f} MB in {seconds * 1e3:.0f} ms" for size, seconds in points)
        out.append((f"load and one trace, whole process: {value:.2f} in bytes ({sizes})", value <= 1.1))
    for policies, some in by_policies(one for one in m.named("all_pairs") if "/path:0" in one.name).items():
        if len(some) > 2:
            value = exponent(some)
            out.append((f"all pairs at {policies} policies: {value:.2f} in pods ({len(some)} sizes)", value <= 1.5))
    for policies, some in by_policies(m.named("trace_connection")).items():
        if len(some) > 2:
            value = exponent(some)
            sizes = ", ".join(f"{short(ns)} at {pods:,}" for pods, ns in some)
            out.append((f"one trace at {policies} policies: {value:.2f} in pods ({sizes})", value <= 0.1))
    return out


def peers(m):
    out = []
    ratios = {}
    wrong = {row["tool"] for row in m.peers.get("rows", []) if row.get("differences") and not row.get("explained")}
    for row in m.peers.get("rows", []):
        ratios.setdefault(row["tool"], []).append((row["pods"], row["ratio"], row.get("slow", False)))
    for tool, some in ratios.items():
        some.sort()
        text = ", ".join(f"{'more than ' if slow else ''}{ratio:.0f} times at {pods:,} pods" for pods, ratio, slow in some)
        grows = all(a[1] < b[1] for a, b in zip(some, some[1:]))
        last = some[-1]
        met = (last[1] >= 100 and grows and tool not in wrong) if last[0] >= 1000 else None
        out.append((f"{tool}: {text}{'' if met is not None else ' (too slow for 1,000)'}", met))
    out += [(f"{one['tool']}: skipped, {one['reason']}", None) for one in m.peers.get("skipped", [])]
    return out


def authorization(m):
    out = []
    for level in ("l4", "l7"):
        some = sorted((int(one.name.rsplit("/", 1)[1]), one.ns) for one in m.named(f"authz/attached_{level}/"))
        if len(some) > 1:
            text = ", ".join(f"{short(ns)} at {count:,}" for count, ns in some)
            out.append((f"{level.upper()}: {text}; exponent {exponent(some):.2f}", exponent(some) <= 0.1))
    return out


def lines_of(*starts):
    def lines(m):
        out = []
        for one in m.bench.values():
            if one.name.startswith(starts) and not one.error:
                each = one.counters.get("items_per_second")
                out.append((f"{one.name} {short(one.ns)}" + (f", {each:,.0f} flows/s" if each else ""), None))
        return out

    return lines


def lint(m):
    out = []
    for one in m.named("lint_cluster"):
        grows = one.counters.get("exponent")
        out.append((f"{one.name} {short(one.ns)}" + (f", exponent {grows:.2f}" if grows else ""), None if grows is None else grows <= 1.2))
    return out


# id, work, goal, how
GOALS = (
    ("P1", "load kubectl-style YAML", "at least 40 times yaml-cpp's bare event parse per core, 1.7 times more on two",
     by_counter("P1", ("times_yaml_cpp", "at least", 40), ("two_cores", "at least", 1.7))),
    ("P2", "load JSON", "at least 0.5 of bare simdjson", by_counter("P2", ("simdjson", "at least", 0.5))),
    ("P3", "peak memory of loading", "at most 0.5 of the input plus 1 KB per kept object", by_counter("P3", ("allowance", "at most", 1))),
    ("P4", "second load of the same input (`--cache`)", "at most 1 % of the first", by_counter("P4", ("share", "at most", 0.01))),
    ("P5", "one decision, one explained trace at 10k pods", "10 us, 100 us", decisions),
    ("P6", "replay", "2 million flows/s per core at L4, 0.5 million at L7; 300 MB/s with parsing",
     by_counter("P6", ("flows", "at least", 2e6), ("l7", "at least", 5e5), ("MB", "at least", 300))),
    ("P7", "all pairs, all ports, one core: 1k/1k, 10k/10k, 100k/10k pods and policies",
     "1 ms, 30 ms, 300 ms; under 100 MB; 1.5 times that with ambient paths and L4 authorization", all_pairs),
    ("P8", "what-if of one policy at 10k and 10k", "at most 1/500 of full evaluation; 1,000 edits within 1 s", what_if),
    ("P9", "diff of two clusters", "at most 1.1 times loading both", difference),
    ("P10", "growth over four sizes", "load 1.0 in bytes, all pairs at most 1.5 in pods at fixed policies, trace 0", growth),
    ("P11", "other analyzers on the same files, answers compared first", "at least 100 times at 1k pods, growing with size", peers),
)
MORE = (
    ("one authorization decision at 1, 100 and 10,000 policies", "cost follows the policies that can match", authorization),
    ("one trace of the shipped cluster; all flows of its scenario; its engine", "-", lines_of("trace_browser", "all_flows", "build_engine")),
    ("trace and replay at 10k pods, 1k Services, 1k routes", "-", lines_of("trace_10k_pods", "replay_10k_pods")),
    ("a request against 1k routes", "by index, not by scan", lines_of("route_at_gateway", "route_tables")),
    ("lint", "linear in pods", lint),
)
