#include "scenarios/replay/log_names.h"

#include <algorithm>

#include "model/gateway/gateway.h"
#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "model/kube/cluster_policy.h"
#include "model/kube/network_policy.h"
#include "scenarios/flow_enumeration.h"
#include "sim/reach/reach.h"
#include "sim/resolve/mesh.h"

namespace waypath::scenarios {
namespace {

using model::Cidr;
using model::PodId;

// Where pods and nodes have their addresses. Source: RFC 1918, RFC 6598, RFC 4193, RFC 3927, RFC 4291
std::vector<Cidr> private_blocks() {
  std::vector<Cidr> out;
  for (const char* text : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
                           "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"})
    out.push_back(*model::parse_cidr(text));
  return out;
}

bool is_private(const model::IpAddress& address) {
  static const std::vector<Cidr> blocks = private_blocks();
  return std::any_of(blocks.begin(), blocks.end(), [&](const Cidr& b) { return b.contains(address); });
}

std::vector<Cidr> all_blocks(const model::Cluster& cluster) {
  auto out = policy_blocks(cluster);
  const auto own = private_blocks();
  out.insert(out.end(), own.begin(), own.end());
  return out;
}

void add(const model::PolicyValues& values, std::vector<Cidr>& out) {
  for (const auto& value : values)
    if (const auto block = model::parse_cidr_or_ip(value.text)) out.push_back(*block);
}

void add(const std::vector<model::NetworkPolicyRule>& rules, std::vector<Cidr>& out) {
  for (const auto& rule : rules)
    for (const auto& peer : rule.peers) {
      if (!peer.ip_block) continue;
      out.push_back(peer.ip_block->cidr);
      out.insert(out.end(), peer.ip_block->except.begin(), peer.ip_block->except.end());
    }
}

// Pods of a controller are called "<owner>-<random>", those of a Deployment or CronJob have the ReplicaSet's
// hash or the Job's minute in between. Source: kubernetes apiserver storage/names/generate.go
bool may_own(std::string_view kind, int parts) {
  return parts == 2 ? kind == "Deployment" || kind == "CronJob" : kind != "Deployment" && kind != "CronJob";
}

bool covers(std::string_view pattern, std::string_view host) {
  if (pattern.empty() || pattern == "*" || pattern == host) return true;
  return pattern.substr(0, 2) == "*." && host.size() > pattern.size() - 1 &&
         host.substr(host.size() - pattern.size() + 1) == pattern.substr(1);
}

}  // namespace

std::vector<Cidr> policy_blocks(const model::Cluster& cluster) {
  std::vector<Cidr> out;
  const auto& snapshot = cluster.snapshot();
  for (const auto& policy : snapshot.all<model::NetworkPolicy>()) {
    add(policy->ingress, out);
    add(policy->egress, out);
  }
  for (const auto& policy : snapshot.all<model::ClusterPolicy>())
    for (const auto* rules : {&policy->ingress, &policy->egress})
      for (const auto& rule : *rules)
        for (const auto& peer : rule.peers) out.insert(out.end(), peer.networks.begin(), peer.networks.end());
  for (const auto& policy : snapshot.all<model::AuthorizationPolicy>())
    for (const auto& rule : policy->rules) {
      for (const auto& source : rule.from)
        for (const auto* values : {&source.ip_blocks, &source.not_ip_blocks, &source.remote_ip_blocks,
                                   &source.not_remote_ip_blocks})
          add(*values, out);
      for (const auto& condition : rule.when)  // source.ip, remote.ip
        if (condition.key.find("ip") != std::string::npos) {
          add(condition.values, out);
          add(condition.not_values, out);
        }
    }
  return out;
}

LogNames::LogNames(const model::Cluster& cluster) : cluster_(cluster), blocks_(all_blocks(cluster)) {
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
    const model::Pod& pod = cluster.pod({i});
    if (pod.workload_name.empty()) continue;
    const auto [at, added] = workloads_.try_emplace({pod.meta.ns().str(), pod.workload_name.str()}, PodId{i});
    // A pod whose address is known stands for its siblings.
    if (!added && cluster.pod(at->second).ips.empty() && !pod.ips.empty()) at->second = {i};
  }
}

PodId LogNames::pod(std::string_view ns, std::string_view name) const {
  if (const auto id = cluster_.find_pod(ns, name); id.valid()) return id;
  const auto find = [&](std::string_view workload) {
    const auto it = workloads_.find(std::pair<std::string, std::string>(ns, workload));
    return it == workloads_.end() ? PodId{} : it->second;
  };
  if (const auto id = find(name); id.valid()) return id;
  for (int parts = 1; parts <= 2; ++parts) {
    const auto dash = name.rfind('-');
    if (dash == std::string_view::npos) break;
    name = name.substr(0, dash);
    const auto id = find(name);
    if (id.valid() && may_own(cluster_.pod(id).workload_kind.view(), parts)) return id;
  }
  return {};
}

std::string LogNames::client(PodId pod) const { return client_name(cluster_.pod(pod)); }

std::string LogNames::client(std::string_view address) const {
  const auto ip = model::parse_ip(address);
  if (!ip) return std::string(address);
  if (const auto pod = cluster_.pod_by_ip(*ip); pod.valid()) return client(pod);
  if (const auto node = cluster_.node_by_ip(*ip); node.valid())
    return "node/" + cluster_.node_names()[node.index];
  if (is_private(*ip)) return ip->to_string();
  const auto part = blocks_.part_of(*ip);
  return part < blocks_.ranges().size() ? blocks_.ranges()[part].str() : ip->to_string();
}

std::optional<model::IpAddress> LogNames::address(PodId pod) const {
  const model::Pod& own = cluster_.pod(pod);
  if (!own.ips.empty()) return own.ips.front();
  const auto it = workloads_.find(std::pair(own.meta.ns().str(), own.workload_name.str()));
  if (it == workloads_.end() || cluster_.pod(it->second).ips.empty()) return std::nullopt;
  return cluster_.pod(it->second).ips.front();
}

std::optional<std::uint16_t> LogNames::service_port(model::ServiceId service, std::uint16_t target) const {
  std::optional<std::uint16_t> best;
  for (const auto& port : cluster_.service(service).ports) {
    if (best && *best <= port.port) continue;
    const auto endpoints = cluster_.endpoints(service, port.port, port.protocol);
    if (std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& e) { return e.port == target; }))
      best = port.port;
  }
  return best;
}

LogNames::Fronts LogNames::fronts(std::string_view host) const {
  Fronts out;
  const auto serve = [&](std::string_view pattern, bool with_tls) {
    if (covers(pattern, host)) (with_tls ? out.tls : out.plain) = true;
  };
  for (const auto& gateway : cluster_.snapshot().all<model::Gateway>())
    if (!sim::is_waypoint(cluster_, *gateway))
      for (const auto& listener : gateway->listeners)
        serve(listener.hostname, listener.protocol == "HTTPS" || listener.protocol == "TLS");
  for (const auto& gateway : cluster_.snapshot().all<model::IstioGateway>())
    for (const auto& server : gateway->servers)
      for (const std::string_view written : server.hosts)
        serve(written.substr(written.find('/') == std::string_view::npos ? 0 : written.find('/') + 1),
              server.port.protocol == "HTTPS" || server.port.protocol == "TLS");
  return out;
}

}  // namespace waypath::scenarios
