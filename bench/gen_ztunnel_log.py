#!/usr/bin/env python3
"""Writes a cluster of N workloads and a ztunnel access log of about SIZE bytes of its traffic.

    bench/gen_ztunnel_log.py DIR [--size 1000000000] [--workloads 1000] [--json]

DIR/cluster.yaml and DIR/ztunnel.log; the same arguments give the same bytes. Then, for time and peak memory:

    /usr/bin/time -v waypath replay DIR/ztunnel.log -f DIR/cluster.yaml
"""
import argparse
import json
import os


def cluster(workloads):
    yield "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n"
    for i in range(workloads):
        yield (
            f"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w{i}, namespace: shop}}\n"
            f"spec: {{selector: {{matchLabels: {{app: w{i}}}}}, template: {{metadata: {{labels: {{app: w{i}}}}}, "
            "spec: {containers: [{name: c, image: c}]}}}\n"
            f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: w{i}, namespace: shop}}\n"
            f"spec: {{clusterIP: 10.96.{i // 250}.{i % 250 + 1}, selector: {{app: w{i}}}, "
            "ports: [{port: 80, targetPort: 8080}]}\n"
        )


def line(i, workloads, as_json):
    # Each workload asks twenty others; pods are replaced now and then; one connection in fifty fails.
    source = i * 7 % workloads
    target = (source * 31 + i // workloads % 20 * 17 + 1) % workloads
    pod = i // 100000 * 10 + i % 10
    fields = {
        "src.addr": f"10.{source // 250}.{source % 250}.{pod % 250 + 1}:{30000 + i % 30000}",
        "src.workload": f"w{source}-5f4f9bd98c-{pod:05d}",
        "src.namespace": "shop",
        "src.identity": "spiffe://cluster.local/ns/shop/sa/default",
        "dst.addr": f"10.{target // 250}.{target % 250}.9:15008",
        "dst.hbone_addr": f"10.{target // 250}.{target % 250}.9:8080",
        "dst.service": f"w{target}.shop.svc.cluster.local",
        "dst.workload": f"w{target}-5f4f9bd98c-abcde",
        "dst.namespace": "shop",
        "dst.identity": "spiffe://cluster.local/ns/shop/sa/default",
        "direction": "outbound" if i % 2 else "inbound",
        "bytes_sent": i % 9000,
        "bytes_recv": 0 if i % 50 == 0 else i * 3 % 90000,
        "duration": f"{i % 900}ms",
    }
    failed = i % 50 == 0
    if failed:
        fields["error"] = "http status: 401 Unauthorized"
    level = "error" if failed else "info"
    time = f"2026-08-20T{i // 3600000 % 24:02d}:{i // 60000 % 60:02d}:{i // 1000 % 60:02d}.{i % 1000:03d}000Z"
    if as_json:
        return json.dumps({"level": level, "time": time, "scope": "access", "message": "connection complete", **fields},
                          separators=(",", ":")) + "\n"
    plain = ("src.addr", "dst.addr", "dst.hbone_addr", "bytes_sent", "bytes_recv")
    text = " ".join(f"{k}={v}" if k in plain else f'{k}="{v}"' for k, v in fields.items())
    return f"{time}\t{level}\taccess\tconnection complete\t{text}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir")
    parser.add_argument("--size", type=int, default=1_000_000_000)
    parser.add_argument("--workloads", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.dir, exist_ok=True)
    with open(os.path.join(options.dir, "cluster.yaml"), "w", encoding="utf-8") as out:
        out.writelines(cluster(options.workloads))
    written = i = 0
    with open(os.path.join(options.dir, "ztunnel.log"), "w", encoding="utf-8", buffering=1 << 20) as out:
        while written < options.size:
            text = line(i, options.workloads, options.json)
            out.write(text)
            written += len(text)
            i += 1
    print(f"{i} lines, {written} bytes")


if __name__ == "__main__":
    main()
