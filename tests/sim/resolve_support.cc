#include "tests/sim/resolve_support.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "model/load/manifest_loader.h"

namespace waypath::sim::tests {
namespace {

std::string metadata(const std::string& ns, const std::string& name, const std::string& labels,
                     const std::string& annotations) {
  return fmt::format("metadata: {{name: {}{}, labels: {{{}}}, annotations: {{{}}}}}\n", name,
                     ns.empty() ? "" : ", namespace: " + ns, labels, annotations);
}

}  // namespace

std::shared_ptr<const model::Cluster> load_cluster(const std::string& manifests, std::string_view version) {
  model::Diagnostics diagnostics;
  auto snapshot = model::load_texts({{"cluster.yaml", manifests}}, {}, diagnostics);
  for (const auto& item : diagnostics.items())
    UNSCOPED_INFO(item.object << " " << item.field << ": " << item.message);
  CHECK_FALSE(diagnostics.has_errors());
  model::ClusterOptions options;
  if (!version.empty()) options.version = model::parse_istio_version(version);
  return model::Cluster::build(std::move(snapshot), options, diagnostics);
}

std::string ns_yaml(const std::string& name, const std::string& labels) {
  return "---\napiVersion: v1\nkind: Namespace\n" + metadata("", name, labels, "");
}

std::string pod_yaml(const std::string& ns, const std::string& name, const PodYaml& pod) {
  return "---\napiVersion: v1\nkind: Pod\n" + metadata(ns, name, pod.labels, pod.annotations) + "spec: {" +
         pod.spec + "}\n" + (pod.status.empty() ? "" : "status: {" + pod.status + "}\n");
}

std::string running(const std::string& ip, bool ready) {
  return fmt::format("phase: Running, podIP: {}, conditions: [{{type: Ready, status: \"{}\"}}]", ip,
                     ready ? "True" : "False");
}

std::string service_yaml(const std::string& ns, const std::string& name, const std::string& spec,
                         const std::string& labels, const std::string& annotations) {
  return "---\napiVersion: v1\nkind: Service\n" + metadata(ns, name, labels, annotations) + "spec: {" + spec +
         "}\n";
}

std::string waypoint_yaml(const std::string& ns, const std::string& name, const std::string& more,
                          const std::string& listener, const std::string& gateway_class,
                          const std::string& status) {
  return fmt::format(
      "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: {}, namespace: "
      "{}{}}}\n"
      "spec: {{gatewayClassName: {}, listeners: [{{name: mesh, port: 15008, protocol: HBONE{}}}]}}\n{}",
      name, ns, more.empty() ? "" : ", " + more, gateway_class, listener.empty() ? "" : ", " + listener,
      status.empty() ? "" : "status: {" + status + "}\n");
}

model::PodId pod_named(const model::Cluster& cluster, const std::string& ns, const std::string& name) {
  const auto id = cluster.find_pod(ns, name);
  REQUIRE(id.valid());
  return id;
}

Client client_pod(const model::Cluster& cluster, const std::string& ns, const std::string& name) {
  Client client;
  client.pod = pod_named(cluster, ns, name);
  client.name = ns + "/" + name;
  if (const auto node = cluster.node_of(client.pod)) client.node = *node;
  return client;
}

}  // namespace waypath::sim::tests
