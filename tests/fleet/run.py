"""The manifests of scenarios/fleet, applied by the real kubectl to a server that speaks the Kubernetes API, and their own commands run
as processes: one a completion index, one of them killed and run again, then the merge.

Usage: run.py WAYPATH SOURCE_DIR WORK_DIR. Exit code 77: kubectl is not there, skipped.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import http.server

# What a server with strict field validation knows of the kinds that the manifests use.
# Source: kubernetes staging/src/k8s.io/api/batch/v1/types.go (JobSpec, PodFailurePolicy), core/v1/types.go (PodSpec, Container)
FIELDS = {
    "Job.spec": {"parallelism", "completions", "activeDeadlineSeconds", "podFailurePolicy", "successPolicy", "backoffLimit",
                 "backoffLimitPerIndex", "maxFailedIndexes", "selector", "manualSelector", "template", "ttlSecondsAfterFinished",
                 "completionMode", "suspend", "podReplacementPolicy", "managedBy"},
    "Job.spec.podFailurePolicy": {"rules"},
    "Job.spec.podFailurePolicy.rules": {"action", "onExitCodes", "onPodConditions"},
    "Job.spec.podFailurePolicy.rules.onExitCodes": {"containerName", "operator", "values"},
    "Job.spec.template": {"metadata", "spec"},
    "Job.spec.template.spec": {"volumes", "containers", "initContainers", "restartPolicy", "securityContext",
                               "automountServiceAccountToken", "serviceAccountName", "nodeSelector", "tolerations",
                               "terminationGracePeriodSeconds", "imagePullSecrets"},
    "Job.spec.template.spec.containers": {"name", "image", "command", "args", "env", "envFrom", "resources", "securityContext",
                                          "volumeMounts", "imagePullPolicy", "workingDir"},
    "Job.spec.template.spec.containers.volumeMounts": {"name", "mountPath", "readOnly", "subPath"},
    "Job.spec.template.spec.volumes": {"name", "configMap", "persistentVolumeClaim", "emptyDir"},
    "PersistentVolumeClaim.spec": {"accessModes", "selector", "resources", "storageClassName", "volumeMode", "volumeName"},
}
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print("FAIL: " + what)


def unknown_fields(value, path):
    """Paths of fields that FIELDS does not have; what it does not list is not looked at."""
    if isinstance(value, list):
        return [field for one in value for field in unknown_fields(one, path)]
    if not isinstance(value, dict):
        return []
    known = FIELDS.get(path)
    out = [path + "." + key for key in value if known is not None and key not in known]
    return out + [field for key, one in value.items() for field in unknown_fields(one, path + "." + key)]


def api_server(source):
    """The server of tests/snapshot, which takes objects, too."""
    spec = importlib.util.spec_from_file_location("snapshot", os.path.join(source, "tests/snapshot/run.py"))
    snapshot = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(snapshot)
    snapshot.GROUPS[("", "v1")].append(("persistentvolumeclaims", "PersistentVolumeClaim", True))
    snapshot.GROUPS[("batch", "v1")] = [("jobs", "Job", True)]
    snapshot.GROUPS[("argoproj.io", "v1alpha1")] = [("workflows", "Workflow", True)]

    class Server(snapshot.Server):
        applied = []

        def do_GET(self):
            parts = [p for p in self.path.split("?")[0].split("/") if p]
            # One object by name: none is there yet.
            if len(parts) >= 4 and parts[-2] in ("namespaces", "configmaps", "persistentvolumeclaims", "jobs"):
                return self.status(404, "NotFound", "not found")
            return super().do_GET()

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            unknown = unknown_fields(body.get("spec", {}), body["kind"] + ".spec")
            if unknown:
                return self.status(400, "BadRequest", "strict decoding error: unknown field " + ", ".join(unknown))
            Server.applied.append(body)
            return self.answer(body, 201)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, Server


class Kubelet:
    """Runs the container of a pod: its command, its volumes as folders."""

    def __init__(self, waypath, work, configmap):
        self.waypath, self.work = waypath, work
        os.makedirs(os.path.join(work, "shards"))
        os.makedirs(os.path.join(work, "inputs"))
        for name, text in configmap["data"].items():
            with open(os.path.join(work, "inputs", name), "w", encoding="utf-8") as out:
                out.write(text)

    def command(self, words):
        out = [self.waypath if words[0] == "waypath" else words[0]]
        for word in words[1:]:
            for mount in ("/inputs", "/shards"):
                if word == mount or word.startswith(mount + "/"):
                    word = self.work + word
            out.append(word)
        return out

    def start(self, words, index=None):
        environment = {"PATH": os.environ["PATH"]}
        if index is not None:
            environment["JOB_COMPLETION_INDEX"] = str(index)
        return subprocess.Popen(self.command(words), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, words, index=None):
        process = self.start(words, index)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err


def run_fleet(kubelet, shard_command, count, merge_command, whole_command, indexed):
    """`shard_command(i)` for each index at once, the first one killed and all that is missing run again, then the merge."""
    shards = os.path.join(kubelet.work, "shards")
    for name in os.listdir(shards):
        os.remove(os.path.join(shards, name))
    running = [kubelet.start(shard_command(i), i if indexed else None) for i in range(count)]
    running[0].send_signal(signal.SIGKILL)
    codes = []
    for process in running:
        _, err = process.communicate(timeout=300)
        codes.append(process.returncode)
        check(process.returncode in (0, -signal.SIGKILL), "a shard exits 0: %s" % err.decode())
    check(not any(name.endswith("-0-of-%d.shard" % count) for name in os.listdir(shards)) or codes[0] == 0,
          "a shard that was killed leaves no file of its name")
    if codes[0] != 0:
        code, out, err = kubelet.run(merge_command)
        check(code == 2 and b"shards are missing: 0" in err and not out, "merge says which shard is missing: %s" % err.decode())
    again = {i: kubelet.start(shard_command(i), i if indexed else None) for i in (0, count - 1)}  # an index may run twice
    for i, process in again.items():
        _, err = process.communicate(timeout=300)
        check(process.returncode == 0, "shard %d run again exits 0: %s" % (i, err.decode()))
    merged, whole = kubelet.run(merge_command), kubelet.run(whole_command)
    check(merged[1] == whole[1] and merged[1], "merge prints what the whole run prints")
    check(merged[0] == whole[0], "merge exits as the whole run: %d, %d" % (merged[0], whole[0]))


def main():
    waypath, source, work = (os.path.abspath(p) for p in sys.argv[1:4])
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        print("fleet: skipped, the Debian package kubernetes-client cannot be installed: no command kubectl")
        sys.exit(77)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    server, Server = api_server(source)
    config = os.path.join(work, "kubeconfig")
    with open(config, "w", encoding="utf-8") as out:
        json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "fake",
                   "clusters": [{"name": "fake", "cluster": {"server": "http://127.0.0.1:%d" % server.server_port}}],
                   "users": [{"name": "dev", "user": {}}],
                   "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "dev"}}]}, out)
    folder = os.path.join(source, "scenarios/fleet")
    manifests = ["inputs.yaml", "shards.yaml", "merge.yaml"]

    def run_kubectl(*words):
        done = subprocess.run([kubectl, *words, "--validate=false"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={"PATH": os.environ["PATH"], "HOME": work, "KUBECONFIG": config}, check=False, timeout=300)
        check(done.returncode == 0, "kubectl %s: %s" % (" ".join(words), done.stderr))
        return done.stdout

    for name in manifests:
        run_kubectl("create", "--dry-run=client", "-o", "json", "-f", name)
    run_kubectl("apply", *[word for name in manifests for word in ("-f", name)])
    by_name = {(o["kind"], o["metadata"]["name"]): o for o in Server.applied}
    check(len(by_name) == 5, "five objects are applied: %s" % sorted(by_name))
    shards, merge = by_name[("Job", "waypath-shards")]["spec"], by_name[("Job", "waypath-merge")]["spec"]
    check(shards["completionMode"] == "Indexed" and shards["backoffLimitPerIndex"] > 0, "the shards' Job restarts an index by itself")
    check(all(o["metadata"].get("namespace", "waypath") == "waypath" for o in Server.applied), "all stands in one namespace")
    kubelet = Kubelet(waypath, os.path.join(work, "node"), by_name[("ConfigMap", "waypath-inputs")])
    words = shards["template"]["spec"]["containers"][0]["command"]
    merge_words = merge["template"]["spec"]["containers"][0]["command"]
    whole = words[:words.index("--shard")] + merge_words[merge_words.index("-o"):]
    run_fleet(kubelet, lambda _: words, shards["completions"], merge_words, whole, indexed=True)

    workflow = json.loads(run_kubectl("create", "--dry-run=client", "-o", "json", "-f", "argo-workflow.yaml"))
    templates = {t["name"]: t for t in workflow["spec"]["templates"]}
    steps = [step for group in templates[workflow["spec"]["entrypoint"]]["steps"] for step in group]
    count = int(next(s for s in steps if s["template"] == "shard")["withSequence"]["count"])
    shard_words = templates["shard"]["container"]["command"]
    merge_words = templates["merge"]["container"]["command"]
    run_fleet(kubelet, lambda i: [w.replace("{{inputs.parameters.index}}", str(i)) for w in shard_words], count, merge_words, whole,
              indexed=False)

    loaded = subprocess.run([waypath, "reach", *[word for name in manifests for word in ("-f", os.path.join(folder, name))]],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    check(loaded.returncode == 0 and not loaded.stderr, "waypath loads the manifests without a word: " + loaded.stderr)
    server.shutdown()
    print("fleet: FAILED" if failures else "fleet: as it should be")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
