#pragma once
// Clusters in a few lines, for tests of sim/resolve: capture, waypoint binding, clients, destinations.

#include <memory>
#include <string>
#include <string_view>

#include "model/cluster.h"
#include "sim/resolve/client.h"

namespace waypath::sim::tests {

/// The cluster that `manifests` say, for an Istio version ("" = the newest known). Fails the test on input
/// errors.
[[nodiscard]] std::shared_ptr<const model::Cluster> load_cluster(const std::string& manifests,
                                                                 std::string_view version = "");

// Manifests, each a document of its own. `labels` and `annotations` are flow mappings without braces.
[[nodiscard]] std::string ns_yaml(const std::string& name, const std::string& labels = "");
struct PodYaml {
  std::string labels, annotations;
  std::string spec = "containers: [{name: app, ports: [{name: web, containerPort: 8080}]}]";
  std::string status;  // "" = none
};
[[nodiscard]] std::string pod_yaml(const std::string& ns, const std::string& name, const PodYaml& pod = {});
[[nodiscard]] std::string running(const std::string& ip, bool ready = true);
[[nodiscard]] std::string service_yaml(const std::string& ns, const std::string& name,
                                       const std::string& spec, const std::string& labels = "",
                                       const std::string& annotations = "");
/// A waypoint, or whatever class is named; `more` are further fields of its metadata, `listener` of its
/// listener.
[[nodiscard]] std::string waypoint_yaml(const std::string& ns, const std::string& name,
                                        const std::string& more = "", const std::string& listener = "",
                                        const std::string& gateway_class = "istio-waypoint",
                                        const std::string& status = "");

[[nodiscard]] model::PodId pod_named(const model::Cluster& cluster, const std::string& ns,
                                     const std::string& name);
[[nodiscard]] Client client_pod(const model::Cluster& cluster, const std::string& ns,
                                const std::string& name);

}  // namespace waypath::sim::tests
