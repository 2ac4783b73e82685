#pragma once
// Lines of access logs, counted by what makes them equal: client, target, request, outcome.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scenarios/replay/log_names.h"
#include "scenarios/replay/log_record.h"
#include "scenarios/replay/observation.h"

namespace waypath::scenarios {

/// Dense ids for texts; id 0 is the empty text.
class TextPool {
 public:
  TextPool() { (void)id({}); }
  std::uint32_t id(std::string_view text);
  [[nodiscard]] std::string_view text(std::uint32_t id) const { return texts_[id]; }
  [[nodiscard]] std::size_t size() const { return texts_.size(); }

 private:
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, std::uint32_t> ids_;
};

/// Lines, connections or requests, and their bytes.
struct Traffic {
  std::uint64_t count = 0, sent = 0, received = 0;
  void add(const Traffic& other) {
    count += other.count;
    sent += other.sent;
    received += other.received;
  }
};

/// Where a line stands.
struct LogPlace {
  std::uint32_t file = 0;
  std::uint64_t line = 0;
};

/// Equal lines. All texts are ids of FlowTable::texts().
struct FlowRow {
  LogRecord::Writer writer = LogRecord::Writer::Envoy;
  bool via = false;           // ztunnel: the tunnel leads to a Service's address, so through a waypoint
  std::uint16_t port = 0;     // of the target: of the Service when `via` or a waypoint's, else of the pod
  std::uint32_t client = 0;   // as LogNames::client; "?ns/name" for a pod that the manifests lack
  std::uint32_t service = 0;  // host
  std::uint32_t target = 0;   // ztunnel: workload as LogNames::client or an address; Envoy: local address
  std::uint32_t request = 0;  // Envoy: see `EnvoyRequest`
  std::uint32_t seen = 0;     // index of FlowTable::observations()
  Traffic traffic;
  LogPlace first;
  std::string line;  // the first one, at most kShownLine bytes
};

/// What an Envoy's line tells of the request and of the Envoy's kind; packed into one text.
struct EnvoyRequest {
  std::string cluster;  // "inbound-vip", "outbound", "inbound", ""
  std::string method, authority, path, sni, pod;
};
[[nodiscard]] EnvoyRequest unpack_request(std::string_view packed);

class FlowTable {
 public:
  static constexpr std::size_t kShownLine = 400;

  /// Lines of rows beyond `most` rows are counted in `beyond` alone: memory stays bounded.
  FlowTable(const LogNames& names, std::size_t most);
  void add(const LogRecord& record, LogPlace place, std::string_view line);

  [[nodiscard]] const std::vector<FlowRow>& rows() const { return rows_; }
  [[nodiscard]] const TextPool& texts() const { return texts_; }
  [[nodiscard]] const std::vector<Observation>& observations() const { return observations_; }
  [[nodiscard]] const Traffic& beyond() const { return beyond_; }

 private:
  struct Key {
    std::uint64_t a = 0, b = 0, c = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const noexcept;
  };
  std::uint32_t workload(std::string_view ns, std::string_view name, std::string_view address);
  std::uint32_t seen(const LogRecord& record);
  void fill_ztunnel(const LogRecord& record, FlowRow& row);
  void fill_envoy(const LogRecord& record, FlowRow& row);

  const LogNames& names_;
  std::size_t most_;
  bool keep_query_ = false;
  TextPool texts_;
  std::unordered_map<std::string, std::uint32_t> workloads_, seen_;  // raw text -> id
  std::string scratch_;
  std::vector<Observation> observations_;
  std::vector<FlowRow> rows_;
  std::unordered_map<Key, std::uint32_t, KeyHash> index_;
  Traffic beyond_;
};

}  // namespace waypath::scenarios
