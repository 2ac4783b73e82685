#include "sim/reach_mesh.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace waypath::sim {
namespace {

using model::AuthorizationPolicy;
using model::Protocol;

constexpr std::uint16_t kHbonePort = 15008;

bool refuses(Decision d) { return d == Decision::Deny || d == Decision::Drop; }

/// Ports that some policy names. Values with wildcards and names count for nothing here: ports are matched as
/// whole numbers.
class NamedPorts {
 public:
  void add(const model::PolicyValues& values) {
    for (const auto& v : values) {
      std::uint16_t port = 0;
      const auto [end, error] = std::from_chars(v.text.data(), v.text.data() + v.text.size(), port);
      if (error == std::errc() && end == v.text.data() + v.text.size() && port != 0) ports.insert(port);
    }
  }
  std::set<std::uint16_t> ports;
};

}  // namespace

ReachMesh::ReachMesh(std::shared_ptr<const model::Cluster> cluster, const ReachOptions& options,
                     const ReachClasses& classes, PortSetTable& table, model::Diagnostics& diagnostics)
    : cluster_(std::move(cluster)),
      classes_(classes),
      table_(table),
      policies_(compile_policies(cluster_, options.sim, diagnostics)) {
  cut_ports();
  for (const ReachClass& c : classes_.classes()) {
    const model::Pod& pod = cluster_->pod(c.pod);
    End end;
    const Capture capture = capture_of(*cluster_, c.pod);
    end.dataplane = capture.dataplane;
    if (options.assume_meshed && end.dataplane == Dataplane::None) end.dataplane = Dataplane::Ambient;
    end.unmeshed_inbound = capture.bypass_inbound;
    if (end.dataplane != Dataplane::None) end.identity = identity_of(*cluster_, c.pod);
    end.point.kind =
        end.dataplane == Dataplane::Sidecar ? PolicyPoint::Kind::Sidecar : PolicyPoint::Kind::Ztunnel;
    end.point.ns = pod.meta.key.ns;
    end.point.labels = pod.meta.labels;
    end.point.workload_name = pod.meta.key.name;
    end.point.http = false;
    ends_.push_back(std::move(end));
  }
}

// Each port that a policy names alone, and all others together: authorization treats these alike.
void ReachMesh::cut_ports() {
  NamedPorts named;
  for (const auto& policy : cluster_->snapshot().all<AuthorizationPolicy>()) {
    for (const auto& rule : policy->rules) {
      for (const auto& to : rule.to) {
        named.add(to.ports);
        named.add(to.not_ports);
      }
      for (const auto& when : rule.when) {
        if (when.key != "destination.port") continue;
        named.add(when.values);
        named.add(when.not_values);
      }
    }
  }
  for (const auto& policy : cluster_->snapshot().all<model::PeerAuthentication>())
    for (const auto& [port, mode] : policy->port_level) named.ports.insert(port);
  PortSet rest = PortSet::protocol(Protocol::Tcp);
  for (const std::uint16_t port : named.ports) {
    parts_.push_back({port, PortSet::one(Protocol::Tcp, port)});
    rest -= parts_.back().ports;
  }
  std::uint16_t other = 1;
  while (named.ports.count(other) != 0) ++other;
  parts_.push_back({other, std::move(rest)});
}

ReachResult::Cell ReachMesh::apply(std::uint32_t source, std::uint32_t destination, ReachResult::Cell cell) {
  if (destination >= ends_.size()) return cell;
  const End& to = ends_[destination];
  const End* from = source < ends_.size() ? &ends_[source] : nullptr;
  if (to.dataplane == Dataplane::None || to.dataplane == Dataplane::Gateway ||
      to.dataplane == Dataplane::Waypoint)
    return cell;
  PortSet sure = table_.set(cell.sure), possible = table_.set(cell.possible);
  const PortSet tcp = PortSet::protocol(Protocol::Tcp);

  // Between meshed ends NetworkPolicies see HBONE only: TCP 15008 opens every port, or none. Ambient-path
  // section 5.
  const bool tunnelled = from != nullptr &&
                         (from->dataplane == Dataplane::Ambient || from->dataplane == Dataplane::Gateway ||
                          from->dataplane == Dataplane::Waypoint) &&
                         to.dataplane == Dataplane::Ambient && !to.unmeshed_inbound;
  if (tunnelled) {
    const auto whole = [&](PortSet& set) {
      set = set.contains(Protocol::Tcp, kHbonePort) ? set | tcp : set - tcp;
    };
    whole(sure);
    whole(possible);
  }
  const bool identified =
      from != nullptr &&
      (tunnelled || (from->dataplane == Dataplane::Sidecar && to.dataplane == Dataplane::Sidecar));
  PortSet conditional;
  for (const Part& part : parts_) {
    if ((possible & part.ports).empty()) continue;
    RequestState request;
    if (identified) request.peer = from->identity;
    const NetPeer other = classes_.end(source);
    if (other.address) request.source_ip = other.address;
    if (other.pod.valid() && !cluster_->pod(other.pod).ips.empty())
      request.source_ip = cluster_->pod(other.pod).ips.front();
    request.port = part.port;
    TraceRecorder recorder;
    const Decision decision = judge_hop(policies_, to.point, request, &recorder).decision;
    if (refuses(decision)) {
      sure -= part.ports;
      possible -= part.ports;
    } else if (decision == Decision::Unknown) {
      sure -= part.ports;
      missing_facts_.insert(missing_facts_.end(), recorder.missing_facts.begin(),
                            recorder.missing_facts.end());
    } else if (to.dataplane == Dataplane::Sidecar) {
      conditional |= sure & part.ports;  // HTTP rules may narrow what its TCP chain lets through
    }
  }
  cell.sure = table_.id(sure);
  cell.possible = table_.id(possible);
  cell.conditional = table_.id(conditional);
  return cell;
}

}  // namespace waypath::sim
