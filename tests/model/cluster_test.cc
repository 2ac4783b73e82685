// What a cluster knows of its services and pods (model/cluster.h).

#include "model/cluster.h"

#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"

namespace waypath {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): a test of this one header

std::shared_ptr<const Cluster> cluster_of(const std::string& text, Diagnostics* diagnostics = nullptr) {
  Diagnostics own;
  Diagnostics& d = diagnostics != nullptr ? *diagnostics : own;
  auto snapshot = load_texts({{"cluster.yaml", text}}, {}, d);
  return Cluster::build(std::move(snapshot), {}, d);
}

std::string pod(const std::string& name, const std::string& labels, const std::string& ip,
                const std::string& ports) {
  return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: a, labels: {" + labels +
         "}}\n" + "spec: {nodeName: n1, containers: [{name: c, ports: [" + ports + "]}]}\n" +
         (ip.empty() ? ""
                     : "status: {phase: Running, podIP: " + ip +
                           ", conditions: [{type: Ready, status: \"True\"}]}\n");
}

std::string ports_of(const Cluster& c, const std::vector<Endpoint>& endpoints) {
  std::string out;
  for (const auto& e : endpoints)
    out += (e.pod.valid() ? c.pod(e.pod).meta.key.name.str()
            : e.address   ? e.address->to_string()
                          : e.hostname) +
           ":" + std::to_string(e.port) + (e.ready ? "" : "!") + " ";
  return out;
}

}  // namespace

TEST_CASE("a named target port resolves on each pod, and a pod without it is left out for that port") {
  const auto c =
      cluster_of(R"(apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80, targetPort: main}
    - {name: admin, port: 81, targetPort: 9000}
)" + pod("p1", "app: web", "10.0.0.1", "{name: main, containerPort: 8080}") +
                 pod("p2", "app: web", "10.0.0.2", "{name: main, containerPort: 8081}") +
                 pod("p3", "app: web", "10.0.0.3", "{name: main, containerPort: 53, protocol: UDP}") +
                 pod("p4", "app: other", "10.0.0.4", "{name: main, containerPort: 8080}"));
  const auto id = c->find_service("a", "web");
  REQUIRE(id.valid());
  CHECK(ports_of(*c, c->endpoints(id, 80)) == "p1:8080 p2:8081 ");
  CHECK(ports_of(*c, c->endpoints(id, 81)) == "p1:9000 p2:9000 p3:9000 ");
  CHECK(c->endpoints(id, 82).empty());
  CHECK(c->services_of_pod(c->find_pod("a", "p3")) == std::vector<ServiceId>{id});
  CHECK(c->pod_by_ip(*parse_ip("10.0.0.2")) == c->find_pod("a", "p2"));
}

TEST_CASE("a port number that TCP and UDP share means TCP unless the caller says otherwise") {
  const auto c = cluster_of(R"(apiVersion: v1
kind: Service
metadata: {name: dns, namespace: a}
spec:
  selector: {app: dns}
  ports:
    - {name: udp, port: 53, targetPort: 1053, protocol: UDP}
    - {name: tcp, port: 53, targetPort: 2053}
)" + pod("p", "app: dns", "10.0.0.1", ""));
  const auto id = c->find_service("a", "dns");
  CHECK(ports_of(*c, c->endpoints(id, 53)) == "p:2053 ");
  CHECK(ports_of(*c, c->endpoints(id, 53, Protocol::Udp)) == "p:1053 ");
  CHECK(c->endpoints(id, 53, Protocol::Sctp).empty());
}

TEST_CASE("an empty selector selects nothing; hand-made slices give the endpoints, joined by port name") {
  const auto c = cluster_of(R"(apiVersion: v1
kind: Service
metadata: {name: db, namespace: a}
spec:
  ports: [{name: sql, port: 5432}, {name: metrics, port: 9187}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: a, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{name: sql, port: 15432}]
endpoints:
  - {addresses: [192.0.2.7]}
  - {addresses: [192.0.2.8], conditions: {ready: false}}
---
apiVersion: v1
kind: Endpoints
metadata: {name: db, namespace: a}
subsets: [{addresses: [{ip: 192.0.2.7}], ports: [{name: sql, port: 15432}]}]
)" + pod("p", "app: db", "10.0.0.1", ""));
  const auto id = c->find_service("a", "db");
  CHECK(ports_of(*c, c->endpoints(id, 5432)) == "192.0.2.7:15432 192.0.2.8:15432! ");
  CHECK(c->endpoints(id, 9187).empty());
}

TEST_CASE("slices of a Service with a selector count only when nothing given is selected") {
  const std::string service = R"(apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: a, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 80}]
endpoints: [{addresses: [10.9.9.9], targetRef: {kind: Pod, name: gone}}]
)";
  const auto alone = cluster_of(service);
  CHECK(ports_of(*alone, alone->endpoints(alone->find_service("a", "web"), 80)) == "10.9.9.9:80 ");
  const auto with_pod = cluster_of(service + pod("p", "app: web", "10.0.0.1", ""));
  CHECK(ports_of(*with_pod, with_pod->endpoints(with_pod->find_service("a", "web"), 80)) == "p:80 ");
  const auto scaled_down = cluster_of(service + R"(---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec: {replicas: 0, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
)");
  CHECK(scaled_down->endpoints(scaled_down->find_service("a", "web"), 80).empty());
}

TEST_CASE("an unready or deleting pod stays an endpoint, not ready; a pod without status counts as ready") {
  const auto c = cluster_of(R"(apiVersion: v1
kind: Service
metadata: {name: web, namespace: a}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: deleting, namespace: a, labels: {app: web}, deletionTimestamp: "2026-01-01T00:00:00Z"}
spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: done, namespace: a, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {phase: Succeeded, podIP: 10.0.0.9}
---
apiVersion: v1
kind: Pod
metadata: {name: pending, namespace: a, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {phase: Pending}
)" + pod("written", "app: web", "", ""));
  CHECK(ports_of(*c, c->endpoints(c->find_service("a", "web"), 80)) ==
        "deleting:80! pending:80! written:80 ");
  CHECK_FALSE(c->pod_by_ip(*parse_ip("10.0.0.9")).valid());
}

TEST_CASE("a Service without clusterIP has an address of its own that is marked as made up") {
  const auto c = cluster_of(R"(apiVersion: v1
kind: Service
metadata: {name: rendered, namespace: a}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: a}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: live, namespace: a}
spec: {clusterIP: 10.96.0.4, clusterIPs: [10.96.0.4, "fd00::4"], selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: a}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}
)");
  const auto& rendered = c->service(c->find_service("a", "rendered"));
  const auto& other = c->service(c->find_service("a", "other"));
  REQUIRE(rendered.vips.size() == 1);
  CHECK(rendered.symbolic_vip);
  CHECK(rendered.vips != other.vips);
  CHECK(c->services_by_vip(rendered.vips.front()) ==
        std::vector<ServiceId>{c->find_service("a", "rendered")});
  CHECK(c->services_by_vip(*parse_ip("fd00::4")) == std::vector<ServiceId>{c->find_service("a", "live")});
  CHECK(c->service(c->find_service("a", "headless")).vips.empty());
  CHECK(c->services_by_host("live.a.svc.cluster.local").size() == 1);
}

TEST_CASE(
    "protocol of a port: appProtocol, else the name up to its first dash, else by number, else sniffed") {
  struct Row {
    const char *port, *expected;
  };
  const Row rows[] = {
      {"{port: 1, name: http-web}", "http"},
      {"{port: 2, name: HTTP2}", "http2"},
      {"{port: 3, name: grpc-web-x}", "grpc-web"},
      {"{port: 4, name: tcp-http}", "tcp"},
      {"{port: 5, name: https}", "https"},
      {"{port: 6, name: web}", ""},
      {"{port: 7, name: web, appProtocol: kubernetes.io/h2c}", "http2"},
      {"{port: 8, name: http, appProtocol: kubernetes.io/wss}", "https"},
      {"{port: 9, name: http, appProtocol: example.com/x}", ""},
      {"{port: 3306, name: sql}", "tcp"},
      {"{port: 10, name: http, protocol: UDP}", "udp"},
  };
  for (const auto& row : rows) {
    const auto c = cluster_of(
        std::string("apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: a}\nspec: {ports: [") +
        row.port + "]}\n");
    INFO(row.port);
    const auto& ports = c->service(c->find_service("a", "s")).ports;
    REQUIRE(ports.size() == 1);
    CHECK(ports[0].app_protocol == row.expected);
  }
}

TEST_CASE("ServiceEntry: hosts, wildcards, longest CIDR, auto-allocated addresses") {
  const auto c = cluster_of(R"(apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: a}
spec: {hosts: [api.example.com], resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: off, namespace: a, labels: {networking.istio.io/enable-autoallocate-ip: "False"}}
spec: {hosts: [off.example.com], resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wild, namespace: a}
spec: {hosts: ["*.example.com"], resolution: NONE, ports: [{number: 443, name: tls, protocol: TLS}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: wide, namespace: a}
spec: {hosts: [wide.test], addresses: [192.0.2.0/24], resolution: NONE, ports: [{number: 1, name: tcp, protocol: TCP}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: narrow, namespace: a}
spec: {hosts: [narrow.test], addresses: [192.0.2.64/26], resolution: NONE, ports: [{number: 1, name: tcp, protocol: TCP}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: live, namespace: a}
spec: {hosts: [one.test, two.test], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}],
       endpoints: [{address: 192.0.2.9, ports: {http: 8081}}, {address: 192.0.2.10}]}
status: {addresses: [{value: 240.240.3.1, host: one.test}, {value: 240.240.3.2, host: two.test}]}
)");
  const auto host = [&](const char* name) -> const RegistryService& {
    const auto ids = c->services_by_host(name);
    REQUIRE(ids.size() == 1);
    return c->service(ids.front());
  };
  CHECK(host("api.example.com").symbolic_vip);
  CHECK(host("off.example.com").vips.empty());
  CHECK(host("else.example.com").host == "*.example.com");
  CHECK(host("else.example.com").vips.empty());
  CHECK(c->services_by_host("example.com").empty());
  CHECK(host("two.test").vips == std::vector<IpAddress>{*parse_ip("240.240.3.2")});
  const auto by_vip = c->services_by_vip(*parse_ip("192.0.2.70"));
  REQUIRE(by_vip.size() == 1);
  CHECK(c->service(by_vip.front()).host == "narrow.test");
  const auto id = c->services_by_host("one.test").front();
  CHECK(ports_of(*c, c->endpoints(id, 80)) == "192.0.2.9:8081 192.0.2.10:8080 ");
  CHECK(ports_of(*c, c->endpoints(c->services_by_host("api.example.com").front(), 443)) ==
        "api.example.com:443 ");
}

TEST_CASE("a ServiceEntry with workloadSelector takes pods and WorkloadEntries of its namespace") {
  const auto c = cluster_of(R"(apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: vm, namespace: a}
spec: {hosts: [vm.test], location: MESH_INTERNAL, resolution: STATIC, workloadSelector: {labels: {app: vm}},
       ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm-1, namespace: a}
spec: {address: 192.0.2.1, serviceAccount: vm, labels: {app: vm}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm-2, namespace: b}
spec: {address: 192.0.2.2, labels: {app: vm}}
)" + pod("p", "app: vm", "10.0.0.1", "{name: http, containerPort: 9090}"));
  const auto ids = c->services_by_host("vm.test");
  REQUIRE(ids.size() == 1);
  CHECK(ports_of(*c, c->endpoints(ids.front(), 80)) == "p:9090 192.0.2.1:8080 ");
}

TEST_CASE("selecting pods by any operator gives the pods of one namespace in order") {
  const auto c = cluster_of("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n" +
                            pod("p1", "app: x, tier: t1", "", "") + pod("p2", "app: w, tier: t1", "", "") +
                            pod("p3", "app: x", "", "") + pod("p4", "", "", ""));
  const auto names = [&](const LabelSelector& s) {
    std::string out;
    for (const PodId id : c->select(intern("a"), s)) out += c->pod(id).meta.key.name.str() + " ";
    return out;
  };
  const auto term = [](const char* key, SelectorOperator op, std::vector<const char*> values) {
    SelectorRequirement r;
    r.key = intern(key);
    r.op = op;
    for (const auto* v : values) r.values.push_back(intern(v));
    return r;
  };
  LabelSelector s;
  CHECK(names(s) == "p1 p2 p3 p4 ");
  s.requirements = {term("app", SelectorOperator::In, {"w", "x"})};
  CHECK(names(s) == "p1 p2 p3 ");
  s.requirements.push_back(term("tier", SelectorOperator::DoesNotExist, {}));
  CHECK(names(s) == "p3 ");
  s.requirements = {term("app", SelectorOperator::NotIn, {"x"})};
  CHECK(names(s) == "p2 p4 ");
}

TEST_CASE("nodes: given ones and those that pods name, with the addresses that pods report") {
  const auto c = cluster_of(R"(apiVersion: v1
kind: Node
metadata: {name: n2}
status: {addresses: [{type: InternalIP, address: 10.1.0.2}]}
---
apiVersion: v1
kind: Pod
metadata: {name: host, namespace: a}
spec: {nodeName: n1, hostNetwork: true, containers: [{name: c}]}
status: {phase: Running, hostIP: 10.1.0.1, podIP: 10.1.0.1}
)");
  REQUIRE(c->node_names().size() == 2);
  CHECK(c->node_by_ip(*parse_ip("10.1.0.1")) == c->find_node("n1"));
  CHECK(c->node_object(c->find_node("n1")) == nullptr);
  CHECK(c->node_by_ip(*parse_ip("10.1.0.2")) == c->find_node("n2"));
  CHECK_FALSE(c->pod_by_ip(*parse_ip("10.1.0.1")).valid());
}

TEST_CASE("a selector that names a label which only a cluster knows is reported") {
  Diagnostics d;
  cluster_of(R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: hash, namespace: a}
spec:
  podSelector: {matchLabels: {app: web, pod-template-hash: 5f4f}}
)",
             &d);
  REQUIRE(d.items().size() == 1);
  CHECK(d.items().front().code.text == std::string_view("SELECTOR_GENERATED_LABEL"));
  CHECK(d.items().front().pos.line == 10);
}

}  // namespace waypath
