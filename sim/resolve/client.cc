#include "sim/resolve/client.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <tuple>

#include "model/base/edit_distance.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/mesh.h"
#include "sim/topology.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::PodId;

struct KindName {
  std::string_view word, kind;
};
// kubectl's names; the first word of a kind is its short one.
constexpr std::array kKinds{KindName{"deploy", "Deployment"},
                            KindName{"deployment", "Deployment"},
                            KindName{"deployments", "Deployment"},
                            KindName{"sts", "StatefulSet"},
                            KindName{"statefulset", "StatefulSet"},
                            KindName{"statefulsets", "StatefulSet"},
                            KindName{"ds", "DaemonSet"},
                            KindName{"daemonset", "DaemonSet"},
                            KindName{"daemonsets", "DaemonSet"},
                            KindName{"rs", "ReplicaSet"},
                            KindName{"replicaset", "ReplicaSet"},
                            KindName{"replicasets", "ReplicaSet"},
                            KindName{"job", "Job"},
                            KindName{"jobs", "Job"},
                            KindName{"cj", "CronJob"},
                            KindName{"cronjob", "CronJob"},
                            KindName{"cronjobs", "CronJob"},
                            KindName{"rc", "ReplicationController"},
                            KindName{"replicationcontroller", "ReplicationController"},
                            KindName{"replicationcontrollers", "ReplicationController"},
                            KindName{"rollout", "Rollout"},
                            KindName{"rollouts", "Rollout"},
                            KindName{"dc", "DeploymentConfig"},
                            KindName{"deploymentconfig", "DeploymentConfig"},
                            KindName{"deploymentconfigs", "DeploymentConfig"},
                            KindName{"cloneset", "CloneSet"},
                            KindName{"clonesets", "CloneSet"},
                            KindName{"po", "Pod"},
                            KindName{"pod", "Pod"},
                            KindName{"pods", "Pod"}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// The kind as a flow is usually written: kubectl's shortest name for it.
std::string short_kind(std::string_view kind) {
  for (const auto& k : kKinds)
    if (k.kind == kind) return std::string(k.word);
  return lower(kind);
}

constexpr const char* kForms =
    "Forms: ns/pod, ns/deploy/name (any workload kind), internet, an address, node/NAME, kubelet/NAME";

void report(model::Diagnostics& diagnostics, std::string message, std::string hint) {
  diagnostics.report({kFlowInvalid,
                      model::Severity::Error,
                      model::Reach::Input,
                      {},
                      {},
                      {},
                      {},
                      std::move(message),
                      std::move(hint)});
}

std::vector<std::string> nearest(const std::set<std::string>& names, const std::string& wanted) {
  constexpr std::size_t kMost = 5;
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const auto& name : names) ranked.emplace_back(model::edit_distance(name, wanted), name);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> out;
  for (std::size_t i = 0; i < ranked.size() && i < kMost; ++i) out.push_back(ranked[i].second);
  return out;
}

void not_found(const Cluster& cluster, const std::string& wanted, model::Diagnostics& diagnostics) {
  std::set<std::string> names{"internet"};
  for (const auto* pod : cluster.pods()) {
    const auto ns = pod->meta.key.ns.str();
    names.insert(ns + "/" + pod->meta.key.name.str());
    if (pod->workload_name.empty() || pod->workload_kind == std::string_view("Pod")) continue;
    names.insert(ns + "/" + short_kind(pod->workload_kind.view()) + "/" + pod->workload_name.str());
  }
  for (const auto& node : cluster.node_names()) names.insert("node/" + node);
  std::string near;
  for (const auto& name : nearest(names, wanted)) near.append(near.empty() ? "" : ", ").append(name);
  report(diagnostics, "no pod, workload, node or address is called \"" + wanted + "\"",
         "did you mean one of: " + near + "? " + kForms);
}

// Objects that exist and have no pod that could send: said as such, not as a spelling mistake.
bool without_pods(const Cluster& cluster, std::string_view kind, std::string_view ns, std::string_view name,
                  model::Diagnostics& diagnostics) {
  for (const auto& w : cluster.snapshot().all<model::Workload>()) {
    if (w->meta.key.ns != ns || w->meta.key.name != name || (!kind.empty() && w->meta.key.kind != kind))
      continue;
    report(diagnostics, w->meta.key.str() + " has no running pod" + (w->suspended ? ": it is suspended" : ""),
           "scale it up in a change, or name another client");
    return true;
  }
  if (!kind.empty() && kind != "Pod") return false;
  for (const auto& p : cluster.snapshot().all<model::Pod>()) {
    if (p->meta.key.ns != ns || p->meta.key.name != name) continue;
    report(diagnostics, p->meta.key.str() + " has ended and sends nothing", "name another client");
    return true;
  }
  return false;
}

Client pod_client(const Cluster& cluster, PodId id, double share, const Topology* graph) {
  Client c;
  c.pod = id;
  if (graph != nullptr) c.capture = &graph->capture(id);
  c.share = share;
  if (const auto node = cluster.node_of(id)) c.node = *node;
  const auto& meta = cluster.pod(id).meta;
  c.name = meta.key.ns.str() + "/" + meta.key.name.str();
  return c;
}

// Labels that controllers give each pod of its own: replicas that differ in nothing else are alike.
bool per_pod_label(std::string_view key) {
  static constexpr std::array<std::string_view, 10> kKeys{"statefulset.kubernetes.io/pod-name",
                                                          "apps.kubernetes.io/pod-index",
                                                          "pod-template-hash",
                                                          "controller-revision-hash",
                                                          "job-name",
                                                          "controller-uid",
                                                          "batch.kubernetes.io/job-name",
                                                          "batch.kubernetes.io/controller-uid",
                                                          "pod-template-generation",
                                                          "batch.kubernetes.io/job-completion-index"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

// What policies, capture and name resolution can see of a pod.
auto traits(const Cluster& cluster, PodId id, const Topology* graph) {
  const auto& pod = cluster.pod(id);
  std::vector<std::pair<std::string_view, std::string_view>> labels;
  for (const auto& l : pod.meta.labels.all())
    if (!per_pod_label(l.key.view())) labels.emplace_back(l.key.view(), l.value.view());
  const Capture c = graph != nullptr ? graph->capture(id) : capture_of(cluster, id);
  return std::tuple(std::move(labels), pod.spec.service_account.view(), pod.spec.host_network,
                    pod.spec.dns_policy, c.dataplane, c.proxy_captured, c.dns_capture, c.sidecar_hbone,
                    c.missing_facts);
}

// Pods of a workload: one client for those alike, represented by the first ready one; several where they
// differ.
std::vector<Client> workload_clients(const Cluster& cluster, std::span<const PodId> pods,
                                     const Topology* graph) {
  using Traits = decltype(traits(cluster, PodId{}, graph));
  std::vector<std::pair<Traits, std::vector<PodId>>> groups;
  for (const PodId id : pods) {
    auto own = traits(cluster, id, graph);
    const auto same =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == own; });
    if (same == groups.end()) {
      groups.emplace_back(std::move(own), std::vector{id});
    } else {
      same->second.push_back(id);
    }
  }
  std::vector<Client> out;
  for (auto& [own, members] : groups) {
    std::stable_sort(members.begin(), members.end(),
                     [&](PodId a, PodId b) { return cluster.pod_ready(a) && !cluster.pod_ready(b); });
    out.push_back(pod_client(cluster, members.front(),
                             static_cast<double>(members.size()) / static_cast<double>(pods.size()), graph));
  }
  return out;
}

Client node_client(const Cluster& cluster, model::NodeId node, bool probe) {
  Client c;
  c.kind = HopKind::Node;
  c.node = node;
  c.kubelet_probe = probe;
  c.name = (probe ? "kubelet " : "node ") +
           (node.valid() ? cluster.node_names()[node.index] : std::string("of the pod"));
  if (node.valid()) {
    const auto ips = cluster.node_ips(node);
    if (!ips.empty()) c.address = ips.front();
  }
  return c;
}

}  // namespace

std::vector<Client> resolve_client(const Cluster& cluster, const Flow& flow, model::Diagnostics& diagnostics,
                                   const Topology* graph) {
  const std::string_view from = flow.from;
  if (from == "internet") {
    Client c;
    c.kind = HopKind::External;
    c.name = "internet";
    c.address = flow.source_ip;
    return {c};
  }
  if (const auto ip = model::parse_ip(from)) {
    if (const auto pod = cluster.pod_by_ip(*ip); pod.valid()) return {pod_client(cluster, pod, 1.0, graph)};
    if (const auto node = cluster.node_by_ip(*ip); node.valid()) return {node_client(cluster, node, false)};
    Client c;
    c.kind = HopKind::External;
    c.name = ip->to_string();
    c.address = *ip;
    return {c};
  }
  const auto first = from.find('/');
  const auto head = from.substr(0, first),
             tail = first == std::string_view::npos ? std::string_view{} : from.substr(first + 1);
  const auto node_by_name = [&](bool probe) -> std::vector<Client> {
    const auto node = cluster.find_node(tail);
    if (node.valid() || (probe && (tail.empty() || tail == "kubelet")))
      return {node_client(cluster, node, probe)};
    return {};
  };
  if (head == "kubelet") {
    auto out = node_by_name(true);
    if (out.empty()) not_found(cluster, flow.from, diagnostics);
    return out;
  }
  if (head == "node" && tail.find('/') == std::string_view::npos && cluster.find_node(tail).valid())
    return node_by_name(false);
  const auto second = tail.find('/');
  std::string kind, name(tail);
  if (!tail.empty() && second == std::string_view::npos) {
    if (const auto pod = cluster.find_pod(head, tail); pod.valid())
      return {pod_client(cluster, pod, 1.0, graph)};
    // A workload named without its kind.
    if (const auto pods = cluster.pods_of({}, head, tail); !pods.empty())
      return workload_clients(cluster, pods, graph);
  } else if (second != std::string_view::npos) {
    const auto word = lower(tail.substr(0, second));
    name = std::string(tail.substr(second + 1));
    const auto known =
        std::find_if(kKinds.begin(), kKinds.end(), [&](const KindName& k) { return k.word == word; });
    if (known == kKinds.end()) {
      report(diagnostics, "\"" + word + "\" in \"" + flow.from + "\" is no kind of workload",
             "known: deploy, sts, ds, rs, rc, job, cj, pod and their long names, rollout, dc, cloneset");
      return {};
    }
    kind = std::string(known->kind);
    if (kind == "Pod") {
      if (const auto pod = cluster.find_pod(head, name); pod.valid())
        return {pod_client(cluster, pod, 1.0, graph)};
    } else if (const auto pods = cluster.pods_of(kind, head, name); !pods.empty()) {
      return workload_clients(cluster, pods, graph);
    }
  }
  if (!without_pods(cluster, kind, head, name, diagnostics)) not_found(cluster, flow.from, diagnostics);
  return {};
}

}  // namespace waypath::sim
