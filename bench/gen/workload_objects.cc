// Namespaces, Nodes, Pods and the controllers that made them.

#include <fmt/format.h>

#include <algorithm>

#include "bench/gen/objects.h"
#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

constexpr std::string_view kCreated = "2026-03-01T10:00:00Z";
constexpr std::string_view kReady = "2026-03-01T10:00:07Z";

Json condition(std::string_view type, std::string_view status, bool probes) {
  Json out{{"lastTransitionTime", kReady}, {"status", status}, {"type", type}};
  if (probes) out["lastProbeTime"] = nullptr;
  return out;
}

Json owner(std::string_view api_version, std::string_view kind, std::string_view name,
           const std::string& uid) {
  return Json::array({{{"apiVersion", api_version},
                       {"blockOwnerDeletion", true},
                       {"controller", true},
                       {"kind", kind},
                       {"name", name},
                       {"uid", uid}}});
}

Json pod_labels(const Layout& layout, int workload) {
  Json out{{"app", layout.workload_name(workload)}, {"pod-template-hash", layout.template_hash(workload)}};
  for (int i = 0; i < layout.parameters().labels; ++i) out[label_key(i)] = label_value(layout, workload, i);
  return out;
}

std::string image(const Layout& layout, int workload) {
  return fmt::format("registry.example.com/{}/{}:1.{}.0",
                     layout.namespace_name(layout.namespace_of(workload)), layout.workload_name(workload),
                     workload % 17);
}

Json container(const Layout& layout, int workload) {
  Json probe{{"failureThreshold", 3},
             {"httpGet", {{"path", "/healthz"}, {"port", "http"}, {"scheme", "HTTP"}}},
             {"periodSeconds", 10},
             {"successThreshold", 1},
             {"timeoutSeconds", 1}};
  return {{"args", {"--listen=:8080", "--log-format=json"}},
          {"env",
           Json::array(
               {{{"name", "LOG_LEVEL"}, {"value", "info"}},
                {{"name", "POD_NAMESPACE"},
                 {"valueFrom", {{"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}}}}}},
                {{"name", "GOMAXPROCS"}, {"value", "2"}}})},
          {"image", image(layout, workload)},
          {"imagePullPolicy", "IfNotPresent"},
          {"livenessProbe", probe},
          {"name", "app"},
          {"ports", Json::array({{{"containerPort", 8080}, {"name", "http"}, {"protocol", "TCP"}},
                                 {{"containerPort", 9090}, {"name", "metrics"}, {"protocol", "TCP"}}})},
          {"readinessProbe", probe},
          {"resources",
           {{"limits", {{"memory", "256Mi"}}}, {"requests", {{"cpu", "100m"}, {"memory", "128Mi"}}}}},
          {"securityContext", {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}}},
          {"terminationMessagePath", "/dev/termination-log"},
          {"terminationMessagePolicy", "File"}};
}

Json pod_spec(const Layout& layout, int workload) {
  return {{"containers", Json::array({container(layout, workload)})},
          {"dnsPolicy", "ClusterFirst"},
          {"restartPolicy", "Always"},
          {"schedulerName", "default-scheduler"},
          {"securityContext", Json::object()},
          {"serviceAccount", layout.workload_name(workload)},
          {"serviceAccountName", layout.workload_name(workload)},
          {"terminationGracePeriodSeconds", 30}};
}

Json pod_status(const Layout& layout, int pod) {
  const int workload = layout.workload_of(pod);
  Random random(layout.parameters().seed, {number(Stream::Pod), static_cast<std::uint64_t>(pod)});
  const auto digest = [&] {
    return fmt::format("{:016x}{:016x}{:016x}{:016x}", random.next(), random.next(), random.next(),
                       random.next());
  };
  Json conditions = Json::array();
  for (const std::string_view type :
       {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"})
    conditions.push_back(condition(type, "True", true));
  const std::string ip = layout.pod_ip(pod), host = layout.node_ip(layout.node_of(pod));
  return {{"conditions", std::move(conditions)},
          {"containerStatuses", Json::array({{{"containerID", "containerd://" + digest()},
                                              {"image", image(layout, workload)},
                                              {"imageID", image(layout, workload) + "@sha256:" + digest()},
                                              {"lastState", Json::object()},
                                              {"name", "app"},
                                              {"ready", true},
                                              {"restartCount", random.below(3)},
                                              {"started", true},
                                              {"state", {{"running", {{"startedAt", kReady}}}}}}})},
          {"hostIP", host},
          {"hostIPs", Json::array({{{"ip", host}}})},
          {"phase", "Running"},
          {"podIP", ip},
          {"podIPs", Json::array({{{"ip", ip}}})},
          {"qosClass", "Burstable"},
          {"startTime", kCreated}};
}

}  // namespace

std::string label_key(int label) {
  return label == 0   ? "tier"
         : label == 1 ? "app.kubernetes.io/version"
                      : fmt::format("example.com/label-{}", label);
}

std::string label_value(const Layout& layout, int workload, int label) {
  Random random(layout.parameters().seed, {number(Stream::Labels), static_cast<std::uint64_t>(workload),
                                           static_cast<std::uint64_t>(label)});
  if (label == 0) return random.chance(0.5) ? "backend" : random.chance(0.5) ? "frontend" : "data";
  return fmt::format("v{}", random.below(10));
}

Json new_object(const Layout& layout, Stream stream, int index, std::string_view api_version,
                std::string_view kind, std::string_view ns, std::string_view name) {
  const int id = static_cast<int>(stream);
  Json metadata{{"creationTimestamp", kCreated},
                {"name", name},
                {"resourceVersion", std::to_string(100'000 + id * 7'919 + index)},
                {"uid", layout.uid(id, index)}};
  if (!ns.empty()) metadata["namespace"] = ns;
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}};
}

Json namespace_object(const Layout& layout, int ns) {
  const std::string name = layout.namespace_name(ns);
  Json out = new_object(layout, Stream::Namespace, ns, "v1", "Namespace", {}, name);
  Json& labels = out["metadata"]["labels"];
  labels = {{"kubernetes.io/metadata.name", name}, {"stage", ns % 3 == 0 ? "test" : "production"}};
  if (layout.ambient(ns)) labels["istio.io/dataplane-mode"] = "ambient";
  if (layout.has_waypoint(ns)) labels["istio.io/use-waypoint"] = "waypoint";
  out["spec"]["finalizers"] = {"kubernetes"};
  out["status"]["phase"] = "Active";
  return out;
}

Json node_object(const Layout& layout, int node) {
  const std::string name = layout.node_name(node);
  Json out = new_object(layout, Stream::Node, node, "v1", "Node", {}, name);
  out["metadata"]["labels"] = {{"beta.kubernetes.io/arch", "amd64"},
                               {"kubernetes.io/hostname", name},
                               {"kubernetes.io/os", "linux"},
                               {"topology.kubernetes.io/zone", fmt::format("zone-{}", node % 3)}};
  out["spec"]["providerID"] = "example://" + name;
  out["status"] = {{"addresses", Json::array({{{"address", layout.node_ip(node)}, {"type", "InternalIP"}},
                                              {{"address", name}, {"type", "Hostname"}}})},
                   {"capacity", {{"cpu", "16"}, {"memory", "65536Mi"}, {"pods", "110"}}},
                   {"conditions", Json::array({condition("Ready", "True", false)})}};
  return out;
}

Json pod_object(const Layout& layout, int pod) {
  const int workload = layout.workload_of(pod);
  const std::string name = layout.pod_name(pod), set = name.substr(0, name.rfind('-'));
  Json out = new_object(layout, Stream::Pod, pod, "v1", "Pod",
                        layout.namespace_name(layout.namespace_of(workload)), name);
  Json& metadata = out["metadata"];
  metadata["generateName"] = set + "-";
  metadata["labels"] = pod_labels(layout, workload);
  if (layout.parameters().scale)  // what the selectors of scale codes count by
    metadata["labels"]["num"] =
        std::to_string(pod % (layout.parameters().workloads * layout.parameters().replicas) + 1);
  metadata["ownerReferences"] =
      owner("apps/v1", "ReplicaSet", set, layout.uid(static_cast<int>(Stream::ReplicaSet), workload));
  Json& spec = out["spec"];
  spec = pod_spec(layout, workload);
  spec["nodeName"] = layout.node_name(layout.node_of(pod));
  spec["enableServiceLinks"] = true;
  spec["preemptionPolicy"] = "PreemptLowerPriority";
  spec["priority"] = 0;
  spec["containers"][0]["volumeMounts"] =
      Json::array({{{"mountPath", "/var/run/secrets/kubernetes.io/serviceaccount"},
                    {"name", "kube-api-access"},
                    {"readOnly", true}}});
  spec["tolerations"] = Json::array();
  for (const std::string_view key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})
    spec["tolerations"].push_back(
        {{"effect", "NoExecute"}, {"key", key}, {"operator", "Exists"}, {"tolerationSeconds", 300}});
  spec["volumes"] = Json::array(
      {{{"name", "kube-api-access"},
        {"projected",
         {{"defaultMode", 420},
          {"sources",
           Json::array({{{"serviceAccountToken", {{"expirationSeconds", 3607}, {"path", "token"}}}},
                        {{"configMap",
                          {{"items", Json::array({{{"key", "ca.crt"}, {"path", "ca.crt"}}})},
                           {"name", "kube-root-ca.crt"}}}}})}}}}});
  out["status"] = pod_status(layout, pod);
  return out;
}

Json deployment_object(const Layout& layout, int workload) {
  const std::string name = layout.workload_name(workload);
  Json out = new_object(layout, Stream::Deployment, workload, "apps/v1", "Deployment",
                        layout.namespace_name(layout.namespace_of(workload)), name);
  out["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1";
  out["metadata"]["generation"] = 1;
  out["metadata"]["labels"]["app"] = name;
  Json labels = pod_labels(layout, workload);
  labels.erase("pod-template-hash");
  out["spec"] = {
      {"progressDeadlineSeconds", 600},
      {"replicas", layout.replicas(workload)},
      {"revisionHistoryLimit", 10},
      {"selector", {{"matchLabels", {{"app", name}}}}},
      {"strategy",
       {{"rollingUpdate", {{"maxSurge", "25%"}, {"maxUnavailable", "25%"}}}, {"type", "RollingUpdate"}}},
      {"template", {{"metadata", {{"labels", std::move(labels)}}}, {"spec", pod_spec(layout, workload)}}}};
  const int replicas = layout.replicas(workload);
  out["status"] = {{"availableReplicas", replicas},
                   {"conditions", Json::array({condition("Available", "True", false),
                                               condition("Progressing", "True", false)})},
                   {"observedGeneration", 1},
                   {"readyReplicas", replicas},
                   {"replicas", replicas},
                   {"updatedReplicas", replicas}};
  return out;
}

Json replica_set_object(const Layout& layout, int workload) {
  const std::string deployment = layout.workload_name(workload), hash = layout.template_hash(workload);
  Json out = new_object(layout, Stream::ReplicaSet, workload, "apps/v1", "ReplicaSet",
                        layout.namespace_name(layout.namespace_of(workload)), deployment + "-" + hash);
  const int replicas = layout.replicas(workload);
  Json labels = pod_labels(layout, workload);
  out["metadata"]["labels"] = labels;
  out["metadata"]["generation"] = 1;
  out["metadata"]["ownerReferences"] =
      owner("apps/v1", "Deployment", deployment, layout.uid(static_cast<int>(Stream::Deployment), workload));
  out["spec"] = {
      {"replicas", replicas},
      {"selector", {{"matchLabels", {{"app", deployment}, {"pod-template-hash", hash}}}}},
      {"template", {{"metadata", {{"labels", std::move(labels)}}}, {"spec", pod_spec(layout, workload)}}}};
  out["status"] = {{"availableReplicas", replicas},
                   {"fullyLabeledReplicas", replicas},
                   {"observedGeneration", 1},
                   {"readyReplicas", replicas},
                   {"replicas", replicas}};
  return out;
}

}  // namespace waypath::gen
