// What stands in front of workloads, and who they are.

#include "bench/gen/objects.h"

namespace waypath::gen {

Json service_object(const Layout& layout, int workload) {
  const std::string name = layout.workload_name(workload);
  const int ns = layout.namespace_of(workload);
  Json out = new_object(layout, Stream::Service, workload, "v1", "Service", layout.namespace_name(ns), name);
  Json& labels = out["metadata"]["labels"];
  labels["app"] = name;
  if (layout.names_waypoint(workload)) {
    const int at = layout.waypoint_of(workload).value_or(ns);
    labels["istio.io/use-waypoint"] = "waypoint";
    if (at != ns) labels["istio.io/use-waypoint-namespace"] = layout.namespace_name(at);
  }
  const std::string ip = layout.service_ip(workload);
  out["spec"] = {
      {"clusterIP", ip},
      {"clusterIPs", {ip}},
      {"internalTrafficPolicy", "Cluster"},
      {"ipFamilies", {"IPv4"}},
      {"ipFamilyPolicy", "SingleStack"},
      {"ports",
       Json::array({{{"name", "http"}, {"port", 80}, {"protocol", "TCP"}, {"targetPort", "http"}},
                    {{"name", "http-metrics"}, {"port", 9090}, {"protocol", "TCP"}, {"targetPort", 9090}}})},
      {"selector", {{"app", name}}},
      {"sessionAffinity", "None"},
      {"type", "ClusterIP"}};
  out["status"]["loadBalancer"] = Json::object();
  return out;
}

Json endpoint_slice_object(const Layout& layout, int workload) {
  const std::string name = layout.workload_name(workload);
  const std::string ns = layout.namespace_name(layout.namespace_of(workload));
  Json out = new_object(layout, Stream::EndpointSlice, workload, "discovery.k8s.io/v1", "EndpointSlice", ns,
                        name + "-" + layout.template_hash(workload).substr(0, 5));
  Json& metadata = out["metadata"];
  metadata["generateName"] = name + "-";
  metadata["generation"] = 3;
  metadata["labels"] = {{"app", name},
                        {"endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"},
                        {"kubernetes.io/service-name", name}};
  metadata["ownerReferences"] =
      Json::array({{{"apiVersion", "v1"},
                    {"blockOwnerDeletion", true},
                    {"controller", true},
                    {"kind", "Service"},
                    {"name", name},
                    {"uid", layout.uid(static_cast<int>(Stream::Service), workload)}}});
  out["addressType"] = "IPv4";
  Json& endpoints = out["endpoints"];
  endpoints = Json::array();
  for (int i = 0; i < layout.replicas(workload); ++i) {
    const int pod = layout.first_pod(workload) + i;
    endpoints.push_back({{"addresses", {layout.pod_ip(pod)}},
                         {"conditions", {{"ready", true}, {"serving", true}, {"terminating", false}}},
                         {"nodeName", layout.node_name(layout.node_of(pod))},
                         {"targetRef",
                          {{"kind", "Pod"},
                           {"name", layout.pod_name(pod)},
                           {"namespace", ns},
                           {"uid", layout.uid(static_cast<int>(Stream::Pod), pod)}}}});
  }
  out["ports"] = Json::array({{{"name", "http"}, {"port", 8080}, {"protocol", "TCP"}},
                              {{"name", "http-metrics"}, {"port", 9090}, {"protocol", "TCP"}}});
  return out;
}

Json service_account_object(const Layout& layout, int workload) {
  return new_object(layout, Stream::ServiceAccount, workload, "v1", "ServiceAccount",
                    layout.namespace_name(layout.namespace_of(workload)), layout.workload_name(workload));
}

}  // namespace waypath::gen
