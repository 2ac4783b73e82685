#include "sim/reach/mesh_keys.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "sim/policy/attachment.h"
#include "sim/resolve/captures.h"

namespace waypath::sim {
namespace {

using model::AuthorizationAction;
using model::AuthorizationPolicy;
using model::PeerAuthentication;

// Values with wildcards and names count for nothing here: ports are matched as whole numbers.
void add_ports(const model::PolicyValues& values, std::vector<std::uint16_t>& out) {
  for (const auto& v : values) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(v.text.data(), v.text.data() + v.text.size(), port);
    if (error == std::errc() && end == v.text.data() + v.text.size() && port != 0) out.push_back(port);
  }
}

std::vector<std::uint16_t> ports_of(const model::AuthorizationRule& rule) {
  std::vector<std::uint16_t> out;
  for (const auto& to : rule.to) {
    add_ports(to.ports, out);
    add_ports(to.not_ports, out);
  }
  for (const auto& when : rule.when) {
    if (when.key != "destination.port") continue;
    add_ports(when.values, out);
    add_ports(when.not_values, out);
  }
  return out;
}

template <class T>
void sort_unique(std::vector<T>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

// Source: istio.io/docs/reference/config/security/conditions (source.ip, remote.ip, destination.ip)
void add_blocks(const model::AuthorizationRule& rule, std::vector<model::Cidr>& out) {
  const auto add = [&](const model::PolicyValues& values) {
    for (const auto& v : values)
      if (const auto cidr = model::parse_cidr_or_ip(v.text)) out.push_back(*cidr);
  };
  for (const auto& from : rule.from)
    for (const auto* values :
         {&from.ip_blocks, &from.not_ip_blocks, &from.remote_ip_blocks, &from.not_remote_ip_blocks})
      add(*values);
  for (const auto& when : rule.when)
    if (when.key == "source.ip" || when.key == "remote.ip" || when.key == "destination.ip")
      for (const auto* values : {&when.values, &when.not_values}) add(*values);
}

bool looks_at_destination(const model::AuthorizationRule& rule) {
  return std::any_of(rule.when.begin(), rule.when.end(),
                     [](const auto& when) { return when.key == "destination.ip"; });
}

}  // namespace

PolicyPoint reach_point(const model::Cluster& cluster, model::PodId id, Dataplane dataplane) {
  const model::Pod& pod = cluster.pod(id);
  PolicyPoint point;
  point.kind = dataplane == Dataplane::Sidecar ? PolicyPoint::Kind::Sidecar : PolicyPoint::Kind::Ztunnel;
  point.ns = pod.meta.key.ns;
  point.labels = pod.meta.labels;
  point.workload_name = pod.meta.key.name;
  point.http = false;
  return point;
}

ReachMeshKeys::ReachMeshKeys(const model::Cluster& cluster, bool assume_meshed)
    : cluster_(cluster), assume_meshed_(assume_meshed) {
  for (const auto& policy : cluster.snapshot().all<AuthorizationPolicy>()) {
    // Gateways and waypoints alone have targets; AUDIT refuses nothing.
    if (!policy->attachment.target_refs.empty() || policy->action == AuthorizationAction::Audit) continue;
    Policy& one = policies_.emplace_back();
    one.policy = policy.get();
    for (const auto& rule : policy->rules) {
      add_blocks(rule, blocks_);
      const auto ports = ports_of(rule);
      one.ports.insert(one.ports.end(), ports.begin(), ports.end());
    }
    sort_unique(one.ports);
  }
  const auto& flags = cluster.flags();
  own_points_ = flags.boolean(flags.istiod, "PILOT_AUTO_ALLOW_WAYPOINT_POLICY").value_or(false);
}

ReachTokens ReachMeshKeys::places(const model::Pod& pod, const AddressPartition& ranges) const {
  ReachTokens out;
  if (blocks_.empty()) return out;
  for (const auto& ip : pod.ips) out.push_back(ranges.part_of(ip));
  return out;
}

void ReachMeshKeys::resolve(std::vector<model::PodId> pods, const AddressPartition& ranges) {
  pods_ = std::move(pods);
  const auto captures = captures_of(cluster_, pods_);
  ends_.assign(pods_.size(), {});
  bool ztunnels = false, sidecars = false;
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    const Capture& capture = captures[i];
    ReachMeshEnd& end = ends_[i];
    end.dataplane = capture.dataplane;
    if (assume_meshed_ && end.dataplane == Dataplane::None) end.dataplane = Dataplane::Ambient;
    end.bypass_inbound = end.dataplane == Dataplane::Ambient && capture.bypass_inbound;
    end.takes_hbone =
        end.dataplane == Dataplane::Ambient || (end.dataplane == Dataplane::Sidecar && capture.sidecar_hbone);
    switch (end.dataplane) {
      case Dataplane::None:
        end.client = ReachClient::Plain;
        break;
      case Dataplane::Sidecar:
        end.client = ReachClient::Sidecar;
        break;
      case Dataplane::Ambient:
        end.client = ReachClient::Ztunnel;
        break;
      case Dataplane::Gateway:
      case Dataplane::Waypoint:
        end.client = ReachClient::Gateway;
        break;
    }
    ztunnels = ztunnels || end.dataplane == Dataplane::Ambient;
    sidecars = sidecars || end.dataplane == Dataplane::Sidecar;
  }
  if (ztunnels) dialects_.push_back(Dialect::Ztunnel);
  if (sidecars) dialects_.push_back(Dialect::EnvoyTcp);
  find_callers(ranges);
  find_points(ranges);
  match_rules();
  for (ReachMeshEnd& end : ends_) end.part = part_of_[end.part];
  for (std::uint32_t& caller : range_callers_) caller = part_of_[caller];
  plain_part_ = part_of_.front();
  // What was for this alone.
  std::vector<Caller>().swap(callers_);
  std::vector<Policy>().swap(policies_);
  std::vector<std::vector<std::uint32_t>>().swap(point_policies_);
  std::vector<std::uint32_t>().swap(part_of_);
  by_principal_.clear();
  by_namespace_.clear();
}

void ReachMeshKeys::find_callers(const AddressPartition& ranges) {
  ReachNumbers<model::Symbol> symbol;
  std::unordered_map<ReachTokens, std::uint32_t, ReachTokensHash> known;
  const auto caller = [&](ReachTokens key, const auto& make) {
    const auto [at, added] = known.emplace(std::move(key), static_cast<std::uint32_t>(callers_.size()));
    if (added) callers_.push_back(make());
    return at->second;
  };
  const std::uint64_t plain = static_cast<std::uint64_t>(ReachClient::Plain);
  caller({plain, UINT64_MAX, UINT64_MAX}, [] { return Caller(); });
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    const model::Pod& pod = cluster_.pod(pods_[i]);
    const bool meshed = ends_[i].client != ReachClient::Plain;
    ReachTokens key{static_cast<std::uint64_t>(ends_[i].client),
                    meshed ? symbol(pod.meta.key.ns) : UINT64_MAX,
                    meshed ? symbol(pod.spec.service_account) : UINT64_MAX};
    const ReachTokens at = places(pod, ranges);
    key.insert(key.end(), at.begin(), at.end());
    ends_[i].part = caller(std::move(key), [&] {
      Caller out;
      out.client = ends_[i].client;
      if (meshed) out.identity = identity_of(cluster_, pods_[i]);
      if (!blocks_.empty() && !pod.ips.empty()) out.address = pod.ips.front();
      return out;
    });
  }
  for (std::size_t r = 0; !blocks_.empty() && r < ranges.ranges().size(); ++r)
    range_callers_.push_back(caller({plain, UINT64_MAX, UINT64_MAX, r}, [&] {
      Caller out;
      out.address = ranges.ranges()[r].low;
      return out;
    }));
  for (std::uint32_t c = 0; c < callers_.size(); ++c) {
    const PeerIdentity& identity = callers_[c].identity;
    if (!identity.present()) continue;
    by_principal_[identity.principal].push_back(c);
    by_namespace_[identity.ns.str()].push_back(c);
  }
}

void ReachMeshKeys::find_points(const AddressPartition& ranges) {
  AttachmentIndex index(cluster_);
  for (std::uint32_t i = 0; i < policies_.size(); ++i)
    index.add(i, policies_[i].policy->meta, policies_[i].policy->attachment);
  std::unordered_map<model::Symbol, InNamespace> peer_authentications;
  for (const auto& p : cluster_.snapshot().all<PeerAuthentication>()) {
    auto& in = peer_authentications.emplace(p->meta.key.ns, InNamespace{peer_authentications.size() + 1, {}})
                   .first->second;
    if (p->selector && !p->selector->empty()) in.selecting.push_back(p.get());
  }
  const bool by_destination = std::any_of(policies_.begin(), policies_.end(), [](const Policy& p) {
    return std::any_of(p.policy->rules.begin(), p.policy->rules.end(), looks_at_destination);
  });
  const bool gateways = !cluster_.snapshot().all<model::Gateway>().empty();
  ReachNumbers<const PeerAuthentication*> pointer;
  ReachNumbers<const model::Gateway*> gateway;
  std::unordered_map<ReachTokens, std::uint32_t, ReachTokensHash> known;
  points_.emplace_back();  // 0: no point
  point_policies_.emplace_back();
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    ReachMeshEnd& end = ends_[i];
    if (end.dataplane != Dataplane::Ambient && end.dataplane != Dataplane::Sidecar) continue;
    const PolicyPoint point = reach_point(cluster_, pods_[i], end.dataplane);
    ReachTokens key{static_cast<std::uint64_t>(end.dataplane),
                    (end.bypass_inbound ? 2U : 0U) + (end.takes_hbone ? 1U : 0U)};
    std::vector<std::uint16_t> ports;
    const auto in = peer_authentications.find(point.ns);
    key.push_back(in == peer_authentications.end() ? 0 : in->second.number);
    if (in != peer_authentications.end())
      for (const auto* p : in->second.selecting) {
        if (!p->selector->matches(point.labels)) continue;
        key.push_back(pointer(p));
        for (const auto& [port, mode] : p->port_level) ports.push_back(port);
      }
    key.push_back(UINT64_MAX);
    const PolicyPositions policies = index.at(point);
    key.insert(key.end(), policies.begin(), policies.end());
    if (by_destination) {
      key.push_back(UINT64_MAX);
      const ReachTokens at = places(cluster_.pod(pods_[i]), ranges);
      key.insert(key.end(), at.begin(), at.end());
    }
    const WaypointBinding waypoint = gateways ? bind_pod(cluster_, pods_[i]) : WaypointBinding();
    end.behind_waypoint = waypoint.bound();
    if (end.behind_waypoint) key.insert(key.end(), {UINT64_MAX, gateway(waypoint.gateway)});
    if (own_points_) key.insert(key.end(), {UINT64_MAX, i});
    const auto [at, added] = known.emplace(std::move(key), static_cast<std::uint32_t>(points_.size()));
    end.point = at->second;
    if (!added) continue;
    for (const auto p : policies) {
      policies_[p].used = true;
      ports.insert(ports.end(), policies_[p].ports.begin(), policies_[p].ports.end());
    }
    sort_unique(ports);
    points_.push_back({std::move(ports), {}, own_points_});
    point_policies_.emplace_back(policies.begin(), policies.end());
  }
}

// Nothing: any caller may match.
std::vector<std::uint32_t> ReachMeshKeys::candidates(const CompiledRule& rule) const {
  std::vector<std::uint32_t> out;
  const auto add = [&](const auto& index, const std::vector<std::string>& names) {
    for (const auto& name : names)
      if (const auto at = index.find(name); at != index.end())
        out.insert(out.end(), at->second.begin(), at->second.end());
  };
  for (const Dialect dialect : dialects_) {
    if (const auto principals = rule.only_principals(dialect)) {
      add(by_principal_, *principals);
    } else if (const auto namespaces = rule.only_namespaces(dialect)) {
      add(by_namespace_, *namespaces);
    } else {
      out.resize(callers_.size());
      for (std::uint32_t c = 0; c < out.size(); ++c) out[c] = c;
      return out;
    }
  }
  sort_unique(out);
  return out;
}

// Callers of a part that the rule answers differently part from each other. Parts keep their numbers where
// the rule matches nobody.
void ReachMeshKeys::split(const std::vector<std::pair<std::uint32_t, ReachTokens>>& matched) {
  std::unordered_map<ReachTokens, std::uint32_t, ReachTokensHash> apart;
  for (const auto& [caller, answers] : matched) {
    ReachTokens key = answers;
    key.push_back(part_of_[caller]);
    const auto [at, added] = apart.emplace(std::move(key), static_cast<std::uint32_t>(parts_));
    if (added) ++parts_;
    part_of_[caller] = at->second;
  }
}

// The rule is asked for each caller and each port that it names, and one that it does not name.
void ReachMeshKeys::match_rule(Policy& policy, const CompiledRule& rule,
                               const model::AuthorizationRule& written) {
  std::vector<std::uint16_t> ports = ports_of(written);
  sort_unique(ports);
  std::uint16_t other = 1;
  while (std::binary_search(ports.begin(), ports.end(), other)) ++other;
  ports.push_back(other);
  const bool by_destination = looks_at_destination(written);
  std::vector<std::pair<std::uint32_t, ReachTokens>> matched;
  for (const std::uint32_t c : candidates(rule)) {
    const Caller& caller = callers_[c];
    ReachTokens answers;
    bool some = by_destination;
    if (by_destination) answers.push_back(c);
    const auto ask = [&](const PeerIdentity& identity) {
      RequestState state;
      state.peer = identity;
      state.source_ip = state.remote_ip = caller.address;
      for (const std::uint16_t port : ports) {
        state.port = port;
        const PolicyRequest request(state, {}, false);
        for (const Dialect dialect : dialects_) {
          const Tri answer = rule.matches(dialect, request, nullptr);
          some = some || answer != Tri::No;
          answers.push_back(static_cast<std::uint64_t>(answer));
        }
      }
    };
    if (!by_destination) {
      ask(caller.identity);
      // A connection that is not tunnelled has no identity.
      if (!blocks_.empty() && caller.identity.present()) ask({});
    }
    if (!some) continue;
    policy.callers.push_back(c);
    matched.emplace_back(c, std::move(answers));
  }
  split(matched);
}

void ReachMeshKeys::match_rules() {
  // What a caller is counts before any rule is asked.
  std::unordered_map<std::uint32_t, std::uint32_t> kinds;
  for (const Caller& caller : callers_) {
    const auto kind = static_cast<std::uint32_t>(caller.client) * 2 + (caller.address ? 1 : 0);
    part_of_.push_back(kinds.emplace(kind, static_cast<std::uint32_t>(kinds.size())).first->second);
  }
  parts_ = kinds.size();
  for (Policy& policy : policies_) {
    if (!policy.used) continue;
    for (const auto& written : policy.policy->rules)
      match_rule(policy, CompiledRule(cluster_, *policy.policy, written), written);
    sort_unique(policy.callers);
    policy.broad = policy.callers.size() * 4 > callers_.size() && callers_.size() > 64;
    if (policy.broad) std::vector<std::uint32_t>().swap(policy.callers);
  }
  // Numbers without a gap, in the order of callers.
  std::unordered_map<std::uint32_t, std::uint32_t> dense;
  for (auto& part : part_of_)
    part = dense.emplace(part, static_cast<std::uint32_t>(dense.size())).first->second;
  parts_ = dense.size();
  for (std::size_t p = 0; p < points_.size(); ++p) {
    Point& point = points_[p];
    for (const auto i : point_policies_[p]) {
      point.every_part = point.every_part || policies_[i].broad;
      for (const auto caller : policies_[i].callers) point.parts.push_back(part_of_[caller]);
    }
    sort_unique(point.parts);
  }
}

const ReachMeshEnd& ReachMeshKeys::end(model::PodId pod) const {
  const auto at = std::lower_bound(pods_.begin(), pods_.end(), pod,
                                   [](model::PodId a, model::PodId b) { return a.index < b.index; });
  return ends_[static_cast<std::size_t>(at - pods_.begin())];
}

}  // namespace waypath::sim
