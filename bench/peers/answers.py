"""What a tool says of a cluster's connectivity, in one form, and where two of them differ.

An `Answer` holds, for every ordered pair of workloads, the protocols and ports that are open, and for every workload the same
towards (`out`) and from (`in`) each range of addresses outside. Connections are tuples of (protocol, lowest port, highest port),
sorted and merged; a pair that is not there has none.
"""

import csv
import io
import ipaddress
import re
from dataclasses import dataclass, field

PROTOCOLS = ("SCTP", "TCP", "UDP")
ALL = tuple((protocol, 1, 65535) for protocol in PROTOCOLS)


def merged(ports):
    """Ranges of ports of one connection, sorted and with neighbours joined."""
    out = []
    for protocol, low, high in sorted(ports):
        if out and out[-1][0] == protocol and low <= out[-1][2] + 1:
            out[-1] = (protocol, out[-1][1], max(out[-1][2], high))
        else:
            out.append((protocol, low, high))
    return tuple(out)


@dataclass
class Answer:
    pairs: dict = field(default_factory=dict)  # (source, destination) -> connections
    outside: dict = field(default_factory=dict)  # (workload, "in" or "out") -> [(first address, last address, connections)]

    def add(self, source, destination, ports):
        """Each side is the name of a workload, or a pair of addresses (integers)."""
        if isinstance(source, tuple) and isinstance(destination, tuple):
            return
        if isinstance(source, tuple):
            self.outside.setdefault((destination, "in"), []).append((*source, merged(ports)))
        elif isinstance(destination, tuple):
            self.outside.setdefault((source, "out"), []).append((*destination, merged(ports)))
        elif source != destination:
            key = (source, destination)
            self.pairs[key] = merged([*self.pairs.get(key, ()), *ports])

    def finish(self):
        """Address ranges with the same connections that touch become one."""
        for key, ranges in self.outside.items():
            self.outside[key] = joined(ranges)
        return self


def joined(ranges):
    """Cuts at every bound, adds up what overlaps, joins what is alike."""
    bounds = sorted({low for low, _, _ in ranges} | {high + 1 for _, high, _ in ranges})
    starts = {}
    for low, high, ports in ranges:
        starts.setdefault(low, []).append((high, ports))
    active, out = [], []
    for low, after in zip(bounds, bounds[1:]):
        active = [(high, ports) for high, ports in active if high >= low] + starts.get(low, [])
        ports = merged([port for _, some in active for port in some])
        if not ports:
            continue
        if out and out[-1][1] + 1 == low and out[-1][2] == ports:
            out[-1] = (out[-1][0], after - 1, ports)
        else:
            out.append((low, after - 1, ports))
    return out


def address_range(text):
    """10.0.0.0-10.0.0.255, 10.0.0.0/24 or one address."""
    if "/" in text:
        network = ipaddress.ip_network(text)
        return int(network[0]), int(network[-1])
    low, _, high = text.partition("-")
    return int(ipaddress.ip_address(low)), int(ipaddress.ip_address(high or low))


def listed_ports(text):
    """`TCP 80,443-445; UDP 53` and `SCTP 1-65535,TCP 80`."""
    out, protocol = [], None
    for word, low, high in re.findall(r"([A-Z]+)|(\d+)(?:-(\d+))?", text):
        if word:
            protocol = word
        else:
            out.append((protocol, int(low), int(high or low)))
    return out


def of_waypath(text):
    """`waypath reach --layer netpol -o csv`."""
    answer = Answer()
    for row in csv.DictReader(io.StringIO(text)):
        if row["possible"] or row["conditional"]:
            raise ValueError(f"waypath does not decide {row['src']} -> {row['dst']}: {row['possible']} {row['conditional']}")
        sides = [address_range(side[4:]) if side.startswith("ext:") else side for side in (row["src"], row["dst"])]
        answer.add(*sides, ALL if row["connections"] == "all" else listed_ports(row["connections"]))
    return answer.finish()


def of_netpol_analyzer(text):
    """`netpol-analyzer list -o csv`."""
    answer = Answer()
    for row in csv.DictReader(io.StringIO(text)):
        sides = [address_range(s.removesuffix("[External]")) if s.endswith("[External]") else s for s in (row["src"], row["dst"])]
        answer.add(*sides, ALL if row["conn"] == "All Connections" else listed_ports(row["conn"]))
    return answer.finish()


def nca_ports(text):
    """`All connections`, `{protocols:TCP,dst_ports:80,443-445}`, `{protocols:all but SCTP,TCP,UDP}`."""
    if text == "All connections":
        return ALL
    out = []
    for body in re.findall(r"\{([^}]*)\}", text):
        fields = dict(re.findall(r"(\w+):\s*(.*?)(?=,\w+:|$)", body))
        if set(fields) - {"protocols", "dst_ports"}:
            raise ValueError(f"not understood: {text}")
        named = fields.get("protocols", "all but ")
        protocols = named.removeprefix("all but ").replace(" ", "").split(",")
        if named.startswith("all but"):
            protocols = [p for p in PROTOCOLS if p not in protocols]
        ports = [(int(a), int(b or a)) for a, b in re.findall(r"(\d+)(?:-(\d+))?", fields.get("dst_ports", "1-65535"))]
        out += [(protocol, low, high) for protocol in protocols if protocol in PROTOCOLS for low, high in ports]
    return out


def of_nca(text):
    """`nca --connectivity DIR -o txt_no_fw_rules --output_endpoints deployments`."""
    answer = Answer()
    for line in text.splitlines():
        match = re.fullmatch(r"(.*) => (.*) : (.*)", line)
        if not match:
            continue
        left, right, ports = match.groups()
        ranges = lambda side: [side] if "[" in side else [address_range(part) for part in re.split(r",\s*", side)]
        for source in ranges(left):
            for destination in ranges(right):
                answer.add(source, destination, nca_ports(ports))
    return answer.finish()


def of_cyclonus(text, model):
    """`cyclonus analyze --mode probe`: one table of pods for each probe of the model, combined ingress and egress."""
    answer = Answer()
    tables = re.split(r"^Combined:$", text, flags=re.M)[1:]
    probes = model["Probes"]
    if len(tables) < len(probes):
        raise ValueError(f"{len(tables)} tables for {len(probes)} probes")
    owner = {f"{pod['Namespace']}/{pod['Name']}": pod["Workload"] for pod in model["Resources"]["Pods"]}
    for probe, table in zip(probes, tables):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")]
        rows = rows[1:]  # the header, whose order is that of the rows
        if len(rows) < len(owner):
            raise ValueError(f"{len(rows)} rows for {len(owner)} pods")
        names = [row[0] for row in rows[: len(owner)]]
        for row in rows[: len(owner)]:
            for name, cell in zip(names, row[1:]):
                if cell == ".":
                    answer.add(owner[row[0]], owner[name], [(probe["Protocol"], probe["Port"], probe["Port"])])
                elif cell != "X":
                    raise ValueError(f"cell {cell!r} of {row[0]} -> {name}")
    return answer.finish()


def at_ports(answer, probes):
    """Only the pairs, and of them only the ports of the probes."""
    out = Answer()
    for (source, destination), ports in answer.pairs.items():
        kept = [(q, p, p) for q, p in probes if any(q == protocol and low <= p <= high for protocol, low, high in ports)]
        if kept:
            out.add(source, destination, kept)
    return out.finish()


@dataclass
class Difference:
    where: str
    ours: str
    theirs: str


def words(ports):
    return "; ".join(f"{p} {low}" if low == high else f"{p} {low}-{high}" for p, low, high in ports) or "nothing"


def differences(ours, theirs):
    """Pair by pair and port by port; ranges outside only where both speak of them."""
    out = []
    for key in sorted(ours.pairs.keys() | theirs.pairs.keys()):
        left, right = ours.pairs.get(key, ()), theirs.pairs.get(key, ())
        if left != right:
            out.append(Difference(f"{key[0]} -> {key[1]}", words(left), words(right)))
    for key in sorted(ours.outside.keys() | theirs.outside.keys()):
        left, right = ours.outside.get(key, []), theirs.outside.get(key, [])
        if left != right:
            where = f"outside -> {key[0]}" if key[1] == "in" else f"{key[0]} -> outside"
            out.append(Difference(where, *(range_words(side, other) for side, other in ((left, right), (right, left)))))
    return out


def range_words(ranges, other):
    only = [r for r in ranges if r not in other]
    return ", ".join(f"{ipaddress.ip_address(low)}-{ipaddress.ip_address(high)} {words(ports)}" for low, high, ports in only[:3]) or "nothing more"
