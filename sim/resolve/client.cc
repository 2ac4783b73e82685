#include "sim/resolve/client.h"

#include <algorithm>
#include <array>
#include <set>

#include "model/base/edit_distance.h"
#include "sim/reason_codes_path.h"
#include "sim/reason_codes_walk.h"

namespace waypath::sim {
namespace {

using model::Cluster;
using model::PodId;

struct KindName {
  std::string_view word, kind;
};
constexpr std::array kKinds{KindName{"deploy", "Deployment"},
                            KindName{"deployment", "Deployment"},
                            KindName{"deployments", "Deployment"},
                            KindName{"sts", "StatefulSet"},
                            KindName{"statefulset", "StatefulSet"},
                            KindName{"ds", "DaemonSet"},
                            KindName{"daemonset", "DaemonSet"},
                            KindName{"rs", "ReplicaSet"},
                            KindName{"replicaset", "ReplicaSet"},
                            KindName{"job", "Job"},
                            KindName{"cj", "CronJob"},
                            KindName{"cronjob", "CronJob"},
                            KindName{"rc", "ReplicationController"},
                            KindName{"po", "Pod"},
                            KindName{"pod", "Pod"}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

void not_found(const Cluster& cluster, const std::string& wanted, model::Diagnostics& diagnostics) {
  std::set<std::string> names{"internet"};
  for (const auto* pod : cluster.pods()) {
    names.insert(pod->meta.key.ns.str() + "/" + pod->meta.key.name.str());
    if (pod->workload_kind != std::string_view("Pod"))
      names.insert(pod->meta.key.ns.str() + "/" + lower(pod->workload_kind.view()) + "/" +
                   pod->workload_name.str());
  }
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const auto& name : names) ranked.emplace_back(model::edit_distance(name, wanted), name);
  std::sort(ranked.begin(), ranked.end());
  std::string near;
  for (std::size_t i = 0; i < ranked.size() && i < 5; ++i)
    near.append(i == 0 ? "" : ", ").append(ranked[i].second);
  diagnostics.report({kFlowInvalid,
                      model::Severity::Error,
                      model::Reach::Input,
                      {},
                      {},
                      {},
                      {},
                      "no pod, workload, node or address is called \"" + wanted + "\"",
                      "did you mean one of: " + near +
                          "? Forms: ns/pod, ns/deploy/name, internet, an address, node/NAME, kubelet/NAME"});
}

Client pod_client(const Cluster& cluster, PodId id, double share) {
  Client c;
  c.pod = id;
  c.share = share;
  if (const auto node = cluster.node_of(id)) c.node = *node;
  const auto& meta = cluster.pod(id).meta;
  c.name = meta.key.ns.str() + "/" + meta.key.name.str();
  return c;
}

// Pods of a workload: one client for those alike, several where labels, identity or network differ.
std::vector<Client> workload_clients(const Cluster& cluster, const std::vector<PodId>& pods) {
  std::vector<std::vector<PodId>> groups;
  for (const PodId id : pods) {
    const auto& p = cluster.pod(id);
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& g) {
      const auto& q = cluster.pod(g.front());
      // Labels that controllers make per pod differ between replicas that are alike.
      const auto comparable = [](const model::Labels& l) {
        std::vector<std::pair<std::string_view, std::string_view>> out;
        for (const auto& x : l.all())
          if (x.key != std::string_view("statefulset.kubernetes.io/pod-name") &&
              x.key != std::string_view("apps.kubernetes.io/pod-index"))
            out.emplace_back(x.key.view(), x.value.view());
        return out;
      };
      return comparable(p.meta.labels) == comparable(q.meta.labels) &&
             p.spec.service_account == q.spec.service_account && p.spec.host_network == q.spec.host_network;
    });
    if (same == groups.end()) {
      groups.push_back({id});
    } else {
      same->push_back(id);
    }
  }
  std::vector<Client> out;
  for (auto& g : groups) {
    std::stable_sort(g.begin(), g.end(),
                     [&](PodId a, PodId b) { return cluster.pod_ready(a) && !cluster.pod_ready(b); });
    out.push_back(
        pod_client(cluster, g.front(), static_cast<double>(g.size()) / static_cast<double>(pods.size())));
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

std::vector<Client> resolve_client(const Cluster& cluster, const Flow& flow,
                                   model::Diagnostics& diagnostics) {
  const std::string_view from = flow.from;
  if (from == "internet") {
    Client c;
    c.kind = HopKind::External;
    c.name = "internet";
    c.address = flow.source_ip;
    return {c};
  }
  if (const auto ip = model::parse_ip(from)) {
    if (const auto pod = cluster.pod_by_ip(*ip); pod.valid()) return {pod_client(cluster, pod, 1.0)};
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
  if (!tail.empty() && second == std::string_view::npos) {
    if (const auto pod = cluster.find_pod(head, tail); pod.valid()) return {pod_client(cluster, pod, 1.0)};
    // A workload named without its kind.
    std::vector<PodId> pods;
    for (const PodId id : cluster.pods_in(model::intern(head)))
      if (cluster.pod(id).workload_name == tail) pods.push_back(id);
    if (!pods.empty()) return workload_clients(cluster, pods);
  } else if (second != std::string_view::npos) {
    const auto word = lower(tail.substr(0, second)), name = std::string(tail.substr(second + 1));
    for (const auto& k : kKinds) {
      if (k.word != word) continue;
      const auto pods = cluster.pods_of(k.kind, head, name);
      if (!pods.empty()) return workload_clients(cluster, pods);
    }
  }
  not_found(cluster, flow.from, diagnostics);
  return {};
}

}  // namespace waypath::sim
