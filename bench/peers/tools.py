"""The tools that waypath is measured against: how each is had, run and understood."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import answers

PROBES = [("TCP", 8080), ("TCP", 9090), ("UDP", 53)]


class Missing(Exception):
    """The tool cannot be had here; the text says which package and why."""


def quiet(argv, **more):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)


class Tool:
    """`flags` make waypath answer the question that the tool answers; `differs` says what else is known to differ, and where
    in the tool's source that is read."""

    flags = ()
    differs = ()
    largest = 10**9  # pods; beyond it a run takes longer than a benchmark should

    def obtain(self, home, install):
        """Makes `self.program`. Raises Missing."""
        raise NotImplementedError

    def version(self):
        return self.package

    def prepare(self, cluster, scratch):
        """What the tool needs besides the manifests; not timed."""

    def argv(self, cluster, scratch):
        raise NotImplementedError

    def answer(self, text, scratch):
        raise NotImplementedError

    def comparable(self, ours):
        """Of our answer, what the tool speaks of."""
        return ours

    def restated(self, cluster, scratch):
        """A folder with manifests that mean the same and avoid what the tool is known to get wrong, and what that is, read in
        its source; or None. A difference counts as explained when it is gone there."""
        return None


def objects_of(scratch):
    return json.loads(scratch.joinpath("cluster.json").read_text())["items"]


def go_program(package, name, home, install):
    """A program named in the environment or in PATH, else built by `go install`."""
    variable = "WAYPATH_PEER_" + name.upper().replace("-", "_")
    module, _, _ = package.partition("@")
    for found in (os.environ.get(variable), shutil.which(name), home / "bin" / module.rsplit("/", 1)[1]):
        if found and Path(found).exists():
            return str(found)
    if not install:
        raise Missing(f"Go module {package}: not in PATH, and --no-install was given")
    if not shutil.which("go"):
        raise Missing(f"Go module {package}: no go command (package golang-go)")
    home.joinpath("bin").mkdir(parents=True, exist_ok=True)
    done = quiet(["go", "install", package], env={**os.environ, "GOBIN": str(home / "bin"), "GOFLAGS": "-mod=mod"}, cwd=home)
    if done.returncode != 0:
        reasons = [line.strip() for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        raise Missing(f"Go module {package}: {'; '.join(reasons)[:240] or 'go install failed'} ({variable} may name a program)")
    return str(home / "bin" / module.rsplit("/", 1)[1])


class NetpolAnalyzer(Tool):
    name = "netpol-analyzer"
    package = "github.com/np-guard/netpol-analyzer/cmd/netpolicy@v1.4.4"
    flags = ("--cni", "cilium")
    differs = (
        "it takes no pod for a peer of an ipBlock, whatever its address (pkg/netpol/eval/internal/k8s/netpol.go, ruleSelectsPeer);"
        " compared with waypath --cni cilium, where that holds as well",
    )

    def obtain(self, home, install):
        self.program = go_program(self.package, self.name, home, install)

    def argv(self, cluster, scratch):
        return [self.program, "list", "-q", "--dirpath", str(cluster), "-o", "csv"]

    def answer(self, text, scratch):
        return answers.of_netpol_analyzer(text)


class NetworkConfigAnalyzer(Tool):
    name = "network-config-analyzer"
    package = "network-config-analyzer==2.1.0"
    flags = ("--cni", "cilium")
    largest = 300
    differs = (
        "it takes no pod for a peer of an ipBlock (nca/Parsers/K8sPolicyYamlParser.py, parse_ip_block); compared with waypath --cni"
        " cilium, where that holds as well",
    )

    def obtain(self, home, install):
        venv = home / "nca"
        found = venv / "bin" / "nca"
        if not found.exists():
            if not install:
                raise Missing(f"PyPI package {self.package}: not installed, and --no-install was given")
            done = quiet([sys.executable, "-m", "venv", str(venv)])
            if done.returncode == 0:
                done = quiet([str(venv / "bin" / "pip"), "install", "-q", self.package])
            if done.returncode != 0:
                shutil.rmtree(venv, ignore_errors=True)
                raise Missing(f"PyPI package {self.package}: {(done.stderr or done.stdout).strip().splitlines()[-1][:240]}")
        self.program = str(found)

    def argv(self, cluster, scratch):
        return [self.program, "--connectivity", str(cluster), "-r", str(cluster), "-o", "txt_no_fw_rules",
                "--output_endpoints", "deployments", "--return_0"]

    def answer(self, text, scratch):
        return answers.of_nca(text)

    def restated(self, cluster, scratch):
        """Exists and DoesNotExist in the podSelector of a peer as In and NotIn of every value that a pod has for the key."""
        objects = objects_of(scratch)
        values, changed = {}, 0
        for pod in (o for o in objects if o["kind"] == "Pod"):
            for key, value in pod["metadata"].get("labels", {}).items():
                values.setdefault(key, set()).add(value)
        for policy in (o for o in objects if o["kind"] == "NetworkPolicy"):
            for rule in [*(policy["spec"].get("ingress") or []), *(policy["spec"].get("egress") or [])]:
                for peer in [*(rule.get("from") or []), *(rule.get("to") or [])]:
                    for term in (peer.get("podSelector") or {}).get("matchExpressions") or []:
                        operator = {"Exists": "In", "DoesNotExist": "NotIn"}.get(term["operator"])
                        if operator:
                            term |= {"operator": operator, "values": sorted(values.get(term["key"], {"none"}))}
                            changed += 1
        if not changed:
            return None
        folder = scratch / "restated"
        folder.mkdir(exist_ok=True)
        folder.joinpath("cluster.yaml").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        return folder, (f"Exists in the podSelector of {changed} peers, which it looks for in the policy's own namespace even beside a"
                        " namespaceSelector (nca/Parsers/K8sPolicyYamlParser.py, parse_label_selector_requirement)")


def workload(pod):
    """As waypath names it."""
    meta = pod["metadata"]
    owner = next((o for o in meta.get("ownerReferences", []) if o.get("controller")), None)
    return f"{meta['namespace']}/{owner['name'] if owner else meta['name']}[{owner['kind'] if owner else 'Pod'}]"


class Cyclonus(Tool):
    """Answers for pods and single ports: asked at PROBES, from a model of the pods that is made of the manifests."""

    name = "cyclonus"
    package = "github.com/mattfenwick/cyclonus/cmd/cyclonus@v0.5.6"
    largest = 100

    def obtain(self, home, install):
        self.program = go_program(self.package, self.name, home, install)

    def prepare(self, cluster, scratch):
        objects = objects_of(scratch)
        policies = [o for o in objects if o["kind"] == "NetworkPolicy"]
        scratch.joinpath("policies.json").write_text(
            json.dumps({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": policies}))
        pods = []
        for pod in (o for o in objects if o["kind"] == "Pod"):
            named = {(p.get("protocol", "TCP"), p["containerPort"]): p.get("name", "")
                     for c in pod["spec"]["containers"] for p in c.get("ports", [])}
            pods.append({
                "Namespace": pod["metadata"]["namespace"], "Name": pod["metadata"]["name"],
                "Labels": pod["metadata"].get("labels", {}), "IP": pod["status"]["podIP"], "Workload": workload(pod),
                "Containers": [{"Name": f"c{i}", "Protocol": q, "Port": p, "PortName": named.get((q, p), "") or f"port-{p}"}
                               for i, (q, p) in enumerate(PROBES)],
            })
        self.model = {
            "Resources": {
                "Namespaces": {o["metadata"]["name"]: o["metadata"].get("labels", {}) for o in objects if o["kind"] == "Namespace"},
                "Pods": pods,
            },
            "Probes": [{"Protocol": q, "Port": p} for q, p in PROBES],
        }
        scratch.joinpath("model.json").write_text(json.dumps(self.model))

    def argv(self, cluster, scratch):
        return [self.program, "analyze", "--mode", "probe", "--policy-path", str(scratch / "policies.json"),
                "--probe-path", str(scratch / "model.json")]

    def answer(self, text, scratch):
        return answers.of_cyclonus(text, self.model)

    def comparable(self, ours):
        return answers.at_ports(ours, PROBES)


ALL_TOOLS = (NetpolAnalyzer, NetworkConfigAnalyzer, Cyclonus)
