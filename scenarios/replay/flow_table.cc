#include "scenarios/replay/flow_table.h"

#include <algorithm>
#include <array>

#include "model/gateway/routes.h"
#include "model/istio/networking.h"

namespace waypath::scenarios {
namespace {

constexpr char kSeparator = '\x1f';

// Queries matter where a route looks at them; elsewhere they only tell requests apart.
bool routes_by_query(const model::Snapshot& snapshot) {
  for (const auto& route : snapshot.all<model::HttpRoute>())
    for (const auto& rule : route->rules)
      for (const auto& match : rule.matches)
        if (!match.query_params.empty()) return true;
  for (const auto& vs : snapshot.all<model::VirtualService>())
    for (const auto& route : vs->http)
      for (const auto& match : route.matches)
        if (!match.query_params.empty()) return true;
  return false;
}

std::uint64_t mix(std::uint64_t h, std::uint64_t v) {
  h ^= v + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2);
  h *= 0xff51afd7ed558ccdULL;
  return h ^ (h >> 33);
}

// "outbound|9080|v1|reviews.default.svc.cluster.local" as Istio names Envoy's clusters.
// Source: istio/istio pilot/pkg/model/push_context.go BuildSubsetKey; core/cluster_waypoint.go (inbound-vip)
struct ClusterName {
  std::string_view direction, host;
  std::uint16_t port = 0;
};
ClusterName parse_cluster(std::string_view text) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto bar = i + 1 == parts.size() ? std::string_view::npos : text.find('|');
    parts[i] = text.substr(0, bar);
    if (bar == std::string_view::npos) break;
    text.remove_prefix(bar + 1);
  }
  ClusterName out;
  static constexpr std::array<std::string_view, 3> kDirections{"inbound-vip", "outbound", "inbound"};
  if (std::find(kDirections.begin(), kDirections.end(), parts[0]) == kDirections.end()) return out;
  out.direction = parts[0];
  out.host = parts[3];
  for (const char c : parts[1])
    if (c >= '0' && c <= '9') out.port = static_cast<std::uint16_t>(out.port * 10 + (c - '0'));
  return out;
}

}  // namespace

std::uint32_t TextPool::id(std::string_view text) {
  if (const auto it = ids_.find(text); it != ids_.end()) return it->second;
  const auto next = static_cast<std::uint32_t>(texts_.size());
  texts_.emplace_back(text);
  ids_.emplace(texts_.back(), next);
  return next;
}

EnvoyRequest unpack_request(std::string_view packed) {
  EnvoyRequest out;
  for (std::string* part : {&out.cluster, &out.method, &out.authority, &out.path, &out.sni, &out.pod}) {
    const auto end = packed.find(kSeparator);
    *part = packed.substr(0, end);
    packed.remove_prefix(end == std::string_view::npos ? packed.size() : end + 1);
  }
  return out;
}

std::size_t FlowTable::KeyHash::operator()(const Key& k) const noexcept {
  return mix(mix(mix(0, k.a), k.b), k.c);
}

FlowTable::FlowTable(const LogNames& names, std::size_t most)
    : names_(names), most_(most), keep_query_(routes_by_query(names.cluster().snapshot())) {}

// The client or target as LogNames calls it; by its address where the log gives no name.
std::uint32_t FlowTable::workload(std::string_view ns, std::string_view name, std::string_view address) {
  if (name.empty() || ns.empty()) return texts_.id(names_.client(address));
  scratch_.assign(ns);
  scratch_ += '/';
  scratch_ += name;
  const auto it = workloads_.find(scratch_);
  if (it != workloads_.end()) return it->second;
  const auto pod = names_.pod(ns, name);
  const auto id = texts_.id(pod.valid() ? names_.client(pod) : "?" + scratch_);
  workloads_.emplace(scratch_, id);
  return id;
}

std::uint32_t FlowTable::seen(const LogRecord& r) {
  scratch_.clear();
  if (r.writer == LogRecord::Writer::Envoy) {
    for (const std::string_view part : {r.response_flags, r.details, r.termination, r.transport_failure}) {
      scratch_ += part;
      scratch_ += kSeparator;
    }
    scratch_ += std::to_string(r.status);
    scratch_ += r.method.empty() ? 't' : 'h';
    scratch_ += r.duration_ms >= 9000 ? 's' : 'f';
  } else if (!r.error.empty()) {
    scratch_ = r.error;
    scratch_ += r.received > 0 ? 'r' : '-';
    scratch_ += r.dst_hbone_addr.empty() ? '-' : 'h';
    scratch_ += r.failed_early ? 'e' : '-';
  }
  const auto it = seen_.find(scratch_);
  if (it != seen_.end()) return it->second;
  const auto id = static_cast<std::uint32_t>(observations_.size());
  observations_.push_back(observe(r));
  seen_.emplace(scratch_, id);
  return id;
}

void FlowTable::fill_ztunnel(const LogRecord& r, FlowRow& row) {
  const auto source = split_address(r.src_addr), wire = split_address(r.dst_addr),
             inner = split_address(r.dst_hbone_addr);
  row.client = workload(r.src_namespace, r.src_workload, source.host);
  row.target = workload(r.dst_namespace, r.dst_workload, wire.host);
  row.service = texts_.id(r.dst_service);
  const bool tunnelled = !r.dst_hbone_addr.empty();
  row.port = tunnelled ? inner.port : wire.port;
  // Straight to a workload, the tunnel's target is the address that it is dialled at.
  row.via = tunnelled && inner.host != wire.host && r.writer == LogRecord::Writer::ZtunnelOutbound;
}

void FlowTable::fill_envoy(const LogRecord& r, FlowRow& row) {
  const auto remote = split_address(r.downstream_remote), local = split_address(r.downstream_local);
  const ClusterName cluster = parse_cluster(r.upstream_cluster);
  row.client = texts_.id(names_.client(remote.host));
  row.service = cluster.direction == "inbound-vip" ? texts_.id(cluster.host) : 0;
  row.port = cluster.direction == "inbound-vip" ? cluster.port : local.port;
  row.target = texts_.id(local.host);
  std::string_view path = r.path;
  if (!keep_query_) path = path.substr(0, path.find_first_of("?#"));
  scratch_.clear();
  for (const std::string_view part : {cluster.direction, r.method, r.authority, path, r.sni}) {
    scratch_ += part;
    scratch_ += kSeparator;
  }
  scratch_ += r.pod;
  row.request = texts_.id(scratch_);
}

void FlowTable::add(const LogRecord& r, LogPlace place, std::string_view line) {
  const Traffic traffic{1, r.sent, r.received};
  // A full table takes no more texts: what would need them is beyond it.
  const bool full = rows_.size() >= most_;
  if (full && texts_.size() + observations_.size() > 8 * most_ + 1024) return beyond_.add(traffic);
  FlowRow row;
  row.writer = r.writer;
  if (r.writer == LogRecord::Writer::Envoy)
    fill_envoy(r, row);
  else
    fill_ztunnel(r, row);
  row.seen = seen(r);
  const auto pack = [](std::uint32_t high, std::uint32_t low) {
    return (static_cast<std::uint64_t>(high) << 32) | low;
  };
  const Key key{pack(row.client, row.service), pack(row.target, row.request),
                pack(row.seen, (static_cast<std::uint32_t>(row.port) << 8) |
                                   (static_cast<std::uint32_t>(row.writer) << 1) | (row.via ? 1U : 0U))};
  const auto it = index_.find(key);
  if (it != index_.end()) return rows_[it->second].traffic.add(traffic);
  if (full) return beyond_.add(traffic);
  index_.emplace(key, static_cast<std::uint32_t>(rows_.size()));
  row.traffic = traffic;
  row.first = place;
  row.line = line.substr(0, kShownLine);
  rows_.push_back(std::move(row));
}

}  // namespace waypath::scenarios
