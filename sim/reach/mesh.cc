#include "sim/reach/mesh.h"

#include <algorithm>

#include "model/istio/proxy_ports.h"
#include "sim/policy/families.h"

namespace waypath::sim {
namespace {

using model::Protocol;

constexpr std::uint32_t kUnset = UINT32_MAX;

bool refuses(Decision d) { return d == Decision::Deny || d == Decision::Drop; }

}  // namespace

ReachMesh::ReachMesh(std::shared_ptr<const model::Cluster> cluster, const ReachClasses& classes,
                     const ReachMeshKeys& keys, PortSetTable& table, model::Diagnostics& diagnostics)
    : cluster_(std::move(cluster)),
      classes_(classes),
      keys_(keys),
      table_(table),
      policies_(compile_hop_policies(cluster_, diagnostics)),
      tcp_(table.id(PortSet::protocol(Protocol::Tcp))),
      row_of_point_(keys.points().size(), kUnset) {
  static_cast<void>(id({}));  // kAsIs
  for (const ReachClass& c : classes_.classes()) ends_.push_back(keys_.end(c.pod));
}

void ReachMesh::group_sources(const std::vector<bool>& asked) {
  grouped_ = true;
  sources_.resize(keys_.parts());
  const auto count = static_cast<std::uint32_t>(ends_.size());
  for (std::uint32_t s = 0; s < classes_.ends(); ++s) {
    if (!asked[s]) continue;
    Sources& part = sources_[s < count ? ends_[s].part : keys_.part_of_range(s - count)];
    if (part.ends.empty()) part.first = s;
    part.client = client(s);
    append_bit(part.ends, s);
  }
}

// Each port that a policy names alone, and all others together: authorization treats these alike.
std::vector<ReachMesh::Part> ReachMesh::cut_ports(const std::vector<std::uint16_t>& named) {
  std::vector<Part> out;
  PortSetTable::Id rest = tcp_;
  std::uint16_t other = 1;
  for (const std::uint16_t port : named) {
    out.push_back({port, table_.id(PortSet::one(Protocol::Tcp, port))});
    rest = table_.subtract(rest, out.back().ports);
    if (port == other) ++other;
  }
  out.push_back({other, rest});
  return out;
}

std::uint32_t ReachMesh::id(Answer answer) {
  const auto [at, added] = ids_.emplace(std::move(answer), static_cast<std::uint32_t>(answers_.size()));
  if (added) {
    undecided_ = undecided_ || !at->first.facts.empty();
    answers_.push_back(&at->first);
  }
  return at->second;
}

std::uint32_t ReachMesh::judge(std::uint32_t destination, const PolicyPoint& point,
                               const std::vector<Part>& parts, std::uint32_t source) {
  const ReachMeshEnd& to = ends_[destination];
  const bool pod = source < ends_.size();
  Answer answer;
  answer.sidecar = to.dataplane == Dataplane::Sidecar;
  const bool ztunnel = client(source) == ReachClient::Ztunnel;
  if (ztunnel && to.behind_waypoint) {
    const auto& meta = bind_pod(*cluster_, classes_.classes()[destination].pod).gateway->meta;
    answer.elsewhere = true;
    answer.unknown = tcp_;
    answer.facts.push_back({tcp_,
                            {"what waypoint " + meta.key.ns.str() + "/" + meta.key.name.str() +
                             " lets through to pods behind it"}});
    return id(std::move(answer));
  }
  answer.tunnelled = (ztunnel || client(source) == ReachClient::Gateway) && to.takes_hbone;
  if (to.bypass_inbound) {
    if (!answer.tunnelled) return kAsIs;
    // Source: see the feature; the tunnel is opened and nobody answers it.
    if (!cluster_->profile().has(model::Feature::BypassInboundCaptureWorks)) {
      answer.refused = tcp_;
      return id(std::move(answer));
    }
  }
  RequestState request;
  if (answer.tunnelled || (client(source) == ReachClient::Sidecar && answer.sidecar))
    request.peer = identity_of(*cluster_, classes_.classes()[source].pod);
  if (!pod)
    request.source_ip = classes_.end(source).address;
  else if (const auto& ips = cluster_->pod(classes_.classes()[source].pod).ips; !ips.empty())
    request.source_ip = ips.front();
  request.remote_ip = request.source_ip;
  const auto& server = cluster_->pod(classes_.classes()[destination].pod);
  if (!server.ips.empty()) request.destination_ip = server.ips.front();
  for (const Part& part : parts) {
    request.port = part.port;
    const Decision decision = judge_hop(policies_, point, request, nullptr).decision;
    if (refuses(decision)) {
      answer.refused = table_.unite(answer.refused, part.ports);
    } else if (decision == Decision::Unknown) {
      answer.unknown = table_.unite(answer.unknown, part.ports);
      TraceRecorder recorder;
      static_cast<void>(judge_hop(policies_, point, request, &recorder));
      answer.facts.emplace_back(part.ports, std::move(recorder.missing_facts));
    }
  }
  return id(std::move(answer));
}

ReachMeshRow ReachMesh::compute(std::uint32_t destination) {
  const ReachMeshKeys::Point& key = keys_.points()[ends_[destination].point];
  const PolicyPoint point =
      reach_point(*cluster_, classes_.classes()[destination].pod, ends_[destination].dataplane);
  const std::vector<Part> ports = cut_ports(key.ports);
  const auto named = [&](std::uint32_t part) {
    return key.every_part || std::binary_search(key.parts.begin(), key.parts.end(), part);
  };
  ReachMeshRow row;
  std::array<bool, kReachClients> found{};
  // Sources that no rule matches; where there are none, the first that is asked for.
  for (const bool any : {false, true})
    for (std::uint32_t p = 0; p < sources_.size(); ++p) {
      const auto client = static_cast<std::size_t>(sources_[p].client);
      if (sources_[p].ends.empty() || found[client] || (!any && named(p))) continue;
      found[client] = true;
      row.usual[client] = judge(destination, point, ports, sources_[p].first);
    }
  const auto add = [&](std::uint32_t p) {
    if (sources_[p].ends.empty()) return;
    const std::uint32_t answer = judge(destination, point, ports, sources_[p].first);
    if (answer == row.usual[static_cast<std::size_t>(sources_[p].client)]) return;
    for (const BitWord& w : sources_[p].ends) row.others.push_back({w.at, answer, w.bits});
  };
  if (key.every_part)
    for (std::uint32_t p = 0; p < sources_.size(); ++p) add(p);
  else
    for (const std::uint32_t p : key.parts) add(p);
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
  row.others.shrink_to_fit();
  return row;
}

std::uint32_t ReachMesh::row(std::uint32_t destination, const std::vector<bool>& asked) {
  if (!grouped_) group_sources(asked);
  std::uint32_t& row = row_of_point_[ends_[destination].point];
  if (row == kUnset) {
    row = static_cast<std::uint32_t>(rows_.size());
    rows_.push_back(ends_[destination].point == 0 ? ReachMeshRow() : compute(destination));
  }
  return row;
}

ReachCell ReachMesh::apply(ReachCell cell, std::uint32_t answer, PortSetTable& table,
                           std::set<std::string>& facts) const {
  if (answer == kAsIs) return cell;
  const Answer& a = *answers_[answer];
  // Between meshed ends NetworkPolicies see HBONE only: TCP 15008 opens every port, or none. Ambient-path
  // section 5.
  if (a.tunnelled)
    for (auto* set : {&cell.sure, &cell.possible})
      *set = table.set(*set).contains(Protocol::Tcp, model::kHbonePort) ? table.unite(*set, tcp_)
                                                                        : table.subtract(*set, tcp_);
  if (a.elsewhere) cell.possible = table.unite(cell.possible, tcp_);
  for (const auto& [ports, missing] : a.facts)
    if (table.intersect(cell.possible, ports) != PortSetTable::kNone)
      facts.insert(missing.begin(), missing.end());
  cell.sure = table.subtract(table.subtract(cell.sure, a.refused), a.unknown);
  cell.possible = table.subtract(cell.possible, a.refused);
  // HTTP rules of a sidecar may narrow what its TCP chain lets through.
  cell.conditional = a.sidecar ? table.intersect(cell.sure, tcp_) : PortSetTable::kNone;
  return cell;
}

}  // namespace waypath::sim
