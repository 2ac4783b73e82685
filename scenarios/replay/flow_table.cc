#include "scenarios/replay/flow_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>

#include "model/gateway/routes.h"
#include "model/istio/networking.h"
#include "scenarios/shard/archive.h"

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

// Long enough for a time limit to have ended it.
bool slow(const LogRecord& r) { return r.duration_ms >= 9000; }

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

// Four characters, and texts with their lengths, one behind the other.
void pack(std::string& out, const std::array<char, 4>& head, std::initializer_list<std::string_view> parts) {
  std::size_t size = head.size();
  for (const std::string_view part : parts) size += sizeof(std::uint32_t) + part.size();
  out.resize(size);
  char* to = out.data();
  std::memcpy(to, head.data(), head.size());
  to += head.size();
  for (const std::string_view part : parts) {
    const auto length = static_cast<std::uint32_t>(part.size());
    std::memcpy(to, &length, sizeof length);
    to += sizeof length;
    if (length != 0) std::memcpy(to, part.data(), length);
    to += length;
  }
}

}  // namespace

std::uint32_t TextPool::id(std::string_view text) {
  if (const auto it = ids_.find(text); it != ids_.end()) return it->second;
  const auto next = static_cast<std::uint32_t>(texts_.size());
  texts_.emplace_back(text);
  ids_.emplace(texts_.back(), next);
  return next;
}

std::uint32_t TextPool::find(std::string_view text) const {
  const auto it = ids_.find(text);
  return it == ids_.end() ? kNone : it->second;
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

FlowTable::FlowTable(const LogNames& names)
    : names_(names), keep_query_(routes_by_query(names.cluster().snapshot())) {}

// A full table takes no more texts: a line with a text that it does not have is of no row of it.
std::uint32_t FlowTable::text_id(std::string_view text) {
  return full() ? texts_.find(text) : texts_.id(text);
}

// The client or target as LogNames calls it; by its address where the log gives no name.
std::uint32_t FlowTable::workload(std::string_view ns, std::string_view name, std::string_view address) {
  if (name.empty() || ns.empty()) return text_id(names_.client(address));
  scratch_.assign(ns);
  scratch_ += '/';
  scratch_ += name;
  const auto it = workloads_.find(scratch_);
  if (it != workloads_.end()) return it->second;
  const auto pod = names_.pod(ns, name);
  const auto id = text_id(pod.valid() ? names_.client(pod) : "?" + scratch_);
  if (!full()) workloads_.emplace(scratch_, id);
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
    scratch_ += slow(r) ? 's' : 'f';
  } else if (!r.error.empty()) {
    scratch_ = r.error;
    scratch_ += r.received > 0 ? 'r' : '-';
    scratch_ += r.dst_hbone_addr.empty() ? '-' : 'h';
    scratch_ += r.failed_early ? 'e' : '-';
  }
  const auto it = seen_.find(scratch_);
  if (it != seen_.end()) return it->second;
  if (full()) return TextPool::kNone;
  const auto id = static_cast<std::uint32_t>(observations_.size());
  observations_.push_back(observe(r));
  seen_texts_.push_back(scratch_);
  seen_.emplace(scratch_, id);
  return id;
}

std::string FlowTable::key(const FlowRow& row) const {
  ArchiveWriter out;
  out(row.writer, row.via, row.port);
  for (const auto text : {row.client, row.service, row.target, row.request}) out(texts_.text(text));
  out(seen_texts_[row.seen]);
  return out.take();
}

void FlowTable::fill_ztunnel(const LogRecord& r, FlowRow& row) {
  const auto source = split_address(r.src_addr), wire = split_address(r.dst_addr),
             inner = split_address(r.dst_hbone_addr);
  row.client = workload(r.src_namespace, r.src_workload, source.host);
  row.target = workload(r.dst_namespace, r.dst_workload, wire.host);
  row.service = text_id(r.dst_service);
  const bool tunnelled = !r.dst_hbone_addr.empty();
  row.port = tunnelled ? inner.port : wire.port;
  // Straight to a workload, the tunnel's target is the address that it is dialled at.
  row.via = tunnelled && inner.host != wire.host && r.writer == LogRecord::Writer::ZtunnelOutbound;
}

void FlowTable::fill_envoy(const LogRecord& r, FlowRow& row) {
  const auto remote = split_address(r.downstream_remote), local = split_address(r.downstream_local);
  const ClusterName cluster = parse_cluster(r.upstream_cluster);
  row.client = text_id(names_.client(remote.host));
  row.service = cluster.direction == "inbound-vip" ? text_id(cluster.host) : 0;
  row.port = cluster.direction == "inbound-vip" ? cluster.port : local.port;
  row.target = text_id(local.host);
  std::string_view path = r.path;
  if (!keep_query_) path = path.substr(0, path.find_first_of("?#"));
  scratch_.clear();
  for (const std::string_view part : {cluster.direction, r.method, r.authority, path, r.sni}) {
    scratch_ += part;
    scratch_ += kSeparator;
  }
  scratch_ += r.pod;
  row.request = text_id(scratch_);
}

// What a row is made of, as the log has it: two lines with the same bytes are of one row.
void FlowTable::pack_raw(const LogRecord& r) {
  if (r.writer == LogRecord::Writer::Envoy) {
    const std::string_view path = keep_query_ ? r.path : r.path.substr(0, r.path.find_first_of("?#"));
    pack(raw_,
         {static_cast<char>(r.writer), slow(r) ? 's' : 'f', static_cast<char>(r.status / 100),
          static_cast<char>(r.status % 100)},
         {split_address(r.downstream_remote).host, r.downstream_local, r.upstream_cluster, r.method,
          r.authority, path, r.sni, r.pod, r.response_flags, r.details, r.termination, r.transport_failure});
    return;
  }
  const bool named = !r.src_workload.empty() && !r.src_namespace.empty();
  pack(raw_, {static_cast<char>(r.writer), r.received > 0 ? 'r' : '-', r.failed_early ? 'e' : '-', 0},
       {named ? std::string_view() : split_address(r.src_addr).host, r.src_workload, r.src_namespace,
        r.dst_workload, r.dst_namespace, r.dst_service, r.dst_addr, r.dst_hbone_addr, r.error});
}

FlowTable::Key FlowTable::key_of(const FlowRow& row) {
  const auto pack = [](std::uint32_t high, std::uint32_t low) {
    return (static_cast<std::uint64_t>(high) << 32) | low;
  };
  return {pack(row.client, row.service), pack(row.target, row.request),
          pack(row.seen, (static_cast<std::uint32_t>(row.port) << 8) |
                             (static_cast<std::uint32_t>(row.writer) << 1) | (row.via ? 1U : 0U))};
}

void FlowTable::add(const LogRecord& r, LogPlace place, std::string_view line) {
  const Traffic traffic{1, r.sent, r.received};
  pack_raw(r);
  if (const auto row = known_.find(raw_)) return rows_[*row].traffic.add(traffic);
  FlowRow row;
  row.writer = r.writer;
  if (r.writer == LogRecord::Writer::Envoy)
    fill_envoy(r, row);
  else
    fill_ztunnel(r, row);
  row.seen = seen(r);
  const auto next = static_cast<std::uint32_t>(rows_.size());
  const auto it = index_.find(key_of(row));
  if (it == index_.end() && full()) return beyond_.add(traffic);
  const std::uint32_t at = it == index_.end() ? next : it->second;
  known_.insert(raw_, at);
  if (at != next) return rows_[at].traffic.add(traffic);
  index_.emplace(key_of(row), next);
  row.traffic = traffic;
  row.first = place;
  row.line = line.substr(0, kShownLine);
  rows_.push_back(std::move(row));
}

void FlowTable::absorb(const FlowTable& other) {
  for (const FlowRow& from : other.rows_) {
    FlowRow row = from;
    for (std::uint32_t FlowRow::*id :
         {&FlowRow::client, &FlowRow::service, &FlowRow::target, &FlowRow::request})
      row.*id = texts_.id(other.texts_.text(row.*id));
    const std::string& text = other.seen_texts_[from.seen];
    const auto [seen, fresh] = seen_.emplace(text, static_cast<std::uint32_t>(observations_.size()));
    if (fresh) {
      observations_.push_back(other.observations_[from.seen]);
      seen_texts_.push_back(text);
    }
    row.seen = seen->second;
    const auto [at, added] = index_.emplace(key_of(row), static_cast<std::uint32_t>(rows_.size()));
    if (added) {
      rows_.push_back(std::move(row));
      continue;
    }
    FlowRow& to = rows_[at->second];
    to.traffic.add(row.traffic);
    if (row.first < to.first) {
      to.first = row.first;
      to.line = std::move(row.line);
    }
  }
  beyond_.add(other.beyond_);
}

void FlowTable::limit(std::size_t most) {
  most_ = most;
  std::sort(rows_.begin(), rows_.end(), [](const FlowRow& a, const FlowRow& b) { return a.first < b.first; });
  for (std::size_t i = most; i < rows_.size(); ++i) beyond_.add(rows_[i].traffic);
  if (rows_.size() > most) rows_.resize(most);
  known_.clear();
  index_.clear();
  for (std::size_t i = 0; i < rows_.size(); ++i)
    index_.emplace(key_of(rows_[i]), static_cast<std::uint32_t>(i));
}

}  // namespace waypath::scenarios
