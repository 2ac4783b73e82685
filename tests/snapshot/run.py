"""`waypath snapshot` with the real kubectl against a server that speaks the Kubernetes API: discovery, lists, refusals.

Usage: run.py WAYPATH WORK_DIR. Exit code 77: kubectl is not there, skipped.
"""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.parse

GROUPS = {
    ("", "v1"): [("namespaces", "Namespace", False), ("nodes", "Node", False), ("pods", "Pod", True), ("services", "Service", True),
                 ("configmaps", "ConfigMap", True), ("secrets", "Secret", True), ("events", "Event", True)],
    ("apps", "v1"): [("deployments", "Deployment", True)],
    ("networking.k8s.io", "v1"): [("networkpolicies", "NetworkPolicy", True)],
    ("rbac.authorization.k8s.io", "v1"): [("roles", "Role", True)],
    ("security.istio.io", "v1"): [("authorizationpolicies", "AuthorizationPolicy", True)],
}


def meta(name, ns=None, **more):
    out = {"name": name, "uid": "u-" + name, "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
           "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}, **more}
    if ns:
        out["namespace"] = ns
    return out


def objects():
    for ns in ("shop", "data", "istio-system"):
        yield "namespaces", {"metadata": meta(ns, labels={"kubernetes.io/metadata.name": ns})}
    yield "nodes", {"metadata": meta("node-a")}
    for ns, name in (("shop", "cart"), ("data", "db")):
        yield "pods", {"metadata": meta(name + "-0", ns, labels={"app": name}),
                       "spec": {"containers": [{"name": name, "image": "x", "ports": [{"containerPort": 5432}]}]},
                       "status": {"phase": "Running", "podIP": "10.0.0.%d" % (1 if ns == "shop" else 2),
                                  "conditions": [{"type": "Ready", "status": "True"}]}}
    yield "services", {"metadata": meta("db", "data"), "spec": {"selector": {"app": "db"}, "clusterIP": "10.1.0.2",
                                                               "ports": [{"port": 5432, "targetPort": 5432, "protocol": "TCP"}]}}
    yield "networkpolicies", {"metadata": meta("deny-all", "data"), "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}
    yield "secrets", {"metadata": meta("password", "data"), "data": {"password": "aHVudGVyMg=="}}
    yield "configmaps", {"metadata": meta("istio", "istio-system"), "data": {"mesh": "trustDomain: example.test\n"}}
    yield "configmaps", {"metadata": meta("app-settings", "data"), "data": {"token": "not for the snapshot"}}
    yield "roles", {"metadata": meta("reader", "data"), "rules": []}


class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked, refuse = [], set()

    def answer(self, body, code=200):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def status(self, code, reason, message):
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}, code)

    def log_message(self, *_):
        pass

    def do_GET(self):
        parts = [p for p in urllib.parse.urlparse(self.path).path.split("/") if p]
        if parts == ["version"]:
            return self.answer({"major": "1", "minor": "32", "gitVersion": "v1.32.0"})
        if parts == ["api"]:
            return self.answer({"kind": "APIVersions", "versions": ["v1"]})
        if parts == ["apis"]:
            groups = [{"name": g, "versions": [{"groupVersion": g + "/" + v, "version": v}],
                       "preferredVersion": {"groupVersion": g + "/" + v, "version": v}} for g, v in GROUPS if g]
            return self.answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
        kinds = GROUPS.get((group, version))
        if kinds is None:
            return self.status(404, "NotFound", "the server could not find the requested resource")
        full = version if not group else group + "/" + version
        if not rest:
            return self.answer({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": full, "resources": [
                {"name": n, "singularName": "", "namespaced": s, "kind": k, "verbs": ["get", "list"]} for n, k, s in kinds]})
        ns, resource = (rest[1], rest[2]) if rest[0] == "namespaces" and len(rest) > 2 else (None, rest[0])
        Server.asked.append((ns, resource))
        kind = next((k for n, k, _ in kinds if n == resource), None)
        if (ns, resource) in Server.refuse:
            return self.status(403, "Forbidden", '%s is forbidden: User "dev" cannot list resource "%s"' % (resource, resource))
        items = [dict(o, apiVersion=full, kind=kind) for r, o in objects()
                 if r == resource and (ns is None or o["metadata"].get("namespace") == ns)]
        return self.answer({"kind": kind + "List", "apiVersion": full, "metadata": {"resourceVersion": "1"}, "items": items})


def check(ok, what):
    if not ok:
        print("FAILED " + what)
        check.failed = True


def main():
    waypath, work = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        print("snapshot: skipped, the Debian package kubernetes-client cannot be installed: no command kubectl")
        sys.exit(77)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = os.path.join(work, "kubeconfig")
    with open(config, "w", encoding="utf-8") as out:
        json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "fake",
                   "clusters": [{"name": "fake", "cluster": {"server": "http://127.0.0.1:%d" % server.server_port}}],
                   "users": [{"name": "dev", "user": {}}],
                   "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "dev"}}]}, out)
    environment = {"PATH": os.environ["PATH"], "HOME": work, "KUBECONFIG": config}

    def run(*words):
        Server.asked.clear()
        return subprocess.run([waypath, *words], cwd=work, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=300)

    got = run("snapshot", "live")
    check(got.returncode == 0, "snapshot exits 0: %s%s" % (got.stdout, got.stderr))
    check("Next: waypath reach -f live" in got.stdout, "the next step is named: " + got.stdout)
    files = sorted(os.listdir(os.path.join(work, "live")))
    check(files == ["_cluster.json", "data.json", "istio-system.json", "shop.json"], "one file a namespace: %s" % files)
    text = "".join(open(os.path.join(work, "live", f), encoding="utf-8").read() for f in files)
    for word in ("managedFields", "last-applied", "hunter", "aHVudGVy", "not for the snapshot"):
        check(word not in text, word + " is in the snapshot")
    for word in ("deny-all", "cart-0", "trustDomain", "node-a"):
        check(word in text, word + " is not in the snapshot")
    for unwanted in ("secrets", "events", "roles"):
        check(all(r != unwanted for _, r in Server.asked), unwanted + " were asked for")
    trace = run("trace", "shop/cart-0", "tcp://db.data:5432", "-f", "live", "-o", "json", "-q")
    check(trace.returncode == 0 and json.loads(trace.stdout)["outcome"] == "timeout", "the snapshot is a cluster: " + trace.stdout[:300] + trace.stderr)

    again = run("snapshot", "live")
    check(again.returncode == 2 and "--resume" in again.stderr, "a folder that is not empty is left alone: " + again.stderr)
    os.remove(os.path.join(work, "live", "data.json"))
    resumed = run("snapshot", "live", "--resume")
    check(resumed.returncode == 0, "--resume exits 0: " + resumed.stderr)
    asked = {ns for ns, r in Server.asked if r == "pods"}
    check(asked == {"data"}, "--resume reads only what is missing: %s" % asked)

    Server.refuse.add(("data", "networkpolicies"))
    partly = run("snapshot", "partly")
    check(partly.returncode == 1 and "not read: networkpolicies.networking.k8s.io in data" in partly.stderr,
          "a kind that may not be read is named: " + partly.stderr)
    check("db" in open(os.path.join(work, "partly", "data.json"), encoding="utf-8").read(), "the other kinds of the namespace are there")
    Server.refuse.add((None, "namespaces"))
    lost = run("snapshot", "lost")
    check(lost.returncode == 2 and "-n " in lost.stderr, "without namespaces the way out is named: " + lost.stderr)
    chosen = run("snapshot", "chosen", "-n", "shop")
    check(sorted(os.listdir(os.path.join(work, "chosen"))) == ["_cluster.json", "shop.json"], "-n chooses namespaces")
    check(chosen.returncode == 1 and "not read: namespaces" in chosen.stderr, "labels of namespaces are missed: " + chosen.stderr)
    server.shutdown()
    down = run("snapshot", "down", "--kubectl", "no-such-kubectl")
    check(down.returncode == 2 and "--kubectl" in down.stderr, "a kubectl that is not there is named: " + down.stderr)
    print("snapshot: as it should be" if not check.failed else "snapshot: FAILED")
    sys.exit(1 if check.failed else 0)


check.failed = False
if __name__ == "__main__":
    main()
