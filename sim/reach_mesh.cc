#include "sim/reach_mesh.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

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

// Source: istio.io/docs/reference/config/security/conditions (source.ip, remote.ip)
bool looks_at_addresses(const AuthorizationPolicy& policy) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [](const auto& rule) {
    return std::any_of(rule.from.begin(), rule.from.end(),
                       [](const auto& from) {
                         return !from.ip_blocks.empty() || !from.not_ip_blocks.empty() ||
                                !from.remote_ip_blocks.empty() || !from.not_remote_ip_blocks.empty();
                       }) ||
           std::any_of(rule.when.begin(), rule.when.end(),
                       [](const auto& when) { return when.key == "source.ip" || when.key == "remote.ip"; });
  });
}

}  // namespace

ReachMesh::ReachMesh(std::shared_ptr<const model::Cluster> cluster, const ReachOptions& options,
                     const ReachClasses& classes, PortSetTable& table, model::Diagnostics& diagnostics)
    : cluster_(std::move(cluster)),
      classes_(classes),
      table_(table),
      policies_(compile_policies(cluster_, options.sim, diagnostics)) {
  cut_ports();
  for (const auto& policy : cluster_->snapshot().all<AuthorizationPolicy>())
    by_address_ = by_address_ || looks_at_addresses(*policy);
  answers_.emplace_back();  // kAsIs
  rows_.push_back({kAsIs, {}});
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

void ReachMesh::group_sources(const std::vector<bool>& asked) {
  std::map<std::tuple<int, std::string, std::uint32_t>, std::size_t> known;
  for (std::uint32_t s = 0; s < classes_.ends(); ++s) {
    if (!asked[s]) continue;
    const End* from = s < ends_.size() ? &ends_[s] : nullptr;
    const auto dataplane = from == nullptr ? Dataplane::None : from->dataplane;
    const bool hbone = dataplane == Dataplane::Ambient || dataplane == Dataplane::Gateway ||
                       dataplane == Dataplane::Waypoint;
    const int kind = hbone ? 1 : dataplane == Dataplane::Sidecar ? 2 : 0;
    const auto [at, added] = known.emplace(
        std::tuple(kind, kind == 0 ? std::string() : from->identity.principal, by_address_ ? s : 0U),
        sources_.size());
    if (added) sources_.push_back({s, {}});
    append_bit(sources_[at->second].ends, s);
  }
}

std::uint32_t ReachMesh::id(Answer answer) {
  const auto at = std::find(answers_.begin() + 1, answers_.end(), answer);
  if (at != answers_.end()) return static_cast<std::uint32_t>(at - answers_.begin());
  undecided_ = undecided_ || !answer.facts.empty();
  answers_.push_back(std::move(answer));
  return static_cast<std::uint32_t>(answers_.size() - 1);
}

std::uint32_t ReachMesh::judge(const End& to, std::uint32_t source) {
  const End* from = source < ends_.size() ? &ends_[source] : nullptr;
  Answer answer;
  answer.sidecar = to.dataplane == Dataplane::Sidecar;
  answer.tunnelled = from != nullptr &&
                     (from->dataplane == Dataplane::Ambient || from->dataplane == Dataplane::Gateway ||
                      from->dataplane == Dataplane::Waypoint) &&
                     to.dataplane == Dataplane::Ambient && !to.unmeshed_inbound;
  const bool identified =
      from != nullptr &&
      (answer.tunnelled || (from->dataplane == Dataplane::Sidecar && to.dataplane == Dataplane::Sidecar));
  for (const Part& part : parts_) {
    RequestState request;
    if (identified) request.peer = from->identity;
    const NetPeer other = classes_.end(source);
    if (other.address) request.source_ip = other.address;
    if (other.pod.valid() && !cluster_->pod(other.pod).ips.empty())
      request.source_ip = cluster_->pod(other.pod).ips.front();
    request.port = part.port;
    const Decision decision = judge_hop(policies_, to.point, request, nullptr).decision;
    if (refuses(decision)) {
      answer.refused |= part.ports;
    } else if (decision == Decision::Unknown) {
      answer.unknown |= part.ports;
      TraceRecorder recorder;
      static_cast<void>(judge_hop(policies_, to.point, request, &recorder));
      answer.facts.emplace_back(part.ports, std::move(recorder.missing_facts));
    }
  }
  return id(std::move(answer));
}

std::uint32_t ReachMesh::row(std::uint32_t destination, const std::vector<bool>& asked) {
  const End& to = ends_[destination];
  if (to.dataplane == Dataplane::None || to.dataplane == Dataplane::Gateway ||
      to.dataplane == Dataplane::Waypoint)
    return 0;
  if (sources_.empty()) group_sources(asked);
  std::map<std::uint32_t, std::vector<const BitWords*>> by_answer;
  for (const Alike& alike : sources_) by_answer[judge(to, alike.first)].push_back(&alike.ends);
  ReachRow row;
  std::size_t most = 0;
  for (const auto& [answer, sets] : by_answer) {
    if (sets.size() <= most) continue;
    most = sets.size();
    row.usual = answer;
  }
  for (const auto& [answer, sets] : by_answer) {
    if (answer == row.usual) continue;
    for (const BitWords* ends : sets)
      for (const BitWord& w : *ends) row.others.push_back({w.at, answer, w.bits});
  }
  std::sort(row.others.begin(), row.others.end(), [](const auto& a, const auto& b) {
    return std::tie(a.word, a.answer) < std::tie(b.word, b.answer);
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < row.others.size(); ++i) {
    const auto& e = row.others[i];
    if (kept > 0 && row.others[kept - 1].word == e.word && row.others[kept - 1].answer == e.answer)
      row.others[kept - 1].bits |= e.bits;
    else
      row.others[kept++] = e;
  }
  row.others.resize(kept);
  rows_.push_back(std::move(row));
  return static_cast<std::uint32_t>(rows_.size() - 1);
}

ReachMesh::Ports ReachMesh::apply(PortSet sure, PortSet possible, std::uint32_t answer,
                                  std::set<std::string>& facts) const {
  if (answer == kAsIs) return {std::move(sure), std::move(possible), {}};
  const Answer& a = answers_[answer];
  const PortSet tcp = PortSet::protocol(Protocol::Tcp);
  // Between meshed ends NetworkPolicies see HBONE only: TCP 15008 opens every port, or none. Ambient-path
  // section 5.
  if (a.tunnelled) {
    const auto whole = [&](PortSet& set) {
      set = set.contains(Protocol::Tcp, kHbonePort) ? set | tcp : set - tcp;
    };
    whole(sure);
    whole(possible);
  }
  for (const auto& [ports, missing] : a.facts)
    if (!(possible & ports).empty()) facts.insert(missing.begin(), missing.end());
  // HTTP rules of a sidecar may narrow what its TCP chain lets through.
  PortSet conditional = a.sidecar ? (sure & tcp) - a.refused - a.unknown : PortSet();
  sure -= a.refused;
  sure -= a.unknown;
  possible -= a.refused;
  return {std::move(sure), std::move(possible), std::move(conditional)};
}

ReachCell ReachMesh::apply(ReachCell cell, std::uint32_t answer, std::set<std::string>& facts) const {
  if (answer == kAsIs) return cell;
  const Ports ports = apply(table_.set(cell.sure), table_.set(cell.possible), answer, facts);
  return {table_.id(ports.sure), table_.id(ports.possible), table_.id(ports.conditional)};
}

}  // namespace waypath::sim
