#pragma once
// Lines of access logs, counted by what makes them equal: client, target, request, outcome.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scenarios/replay/known_lines.h"
#include "scenarios/replay/log_names.h"
#include "scenarios/replay/log_record.h"
#include "scenarios/replay/observation.h"

namespace waypath::scenarios {

/// Dense ids for texts; id 0 is the empty text.
class TextPool {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  TextPool() { (void)id({}); }
  std::uint32_t id(std::string_view text);
  /// kNone when the pool does not have it.
  [[nodiscard]] std::uint32_t find(std::string_view text) const;
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
  friend auto operator<=>(const LogPlace&, const LogPlace&) = default;
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

  explicit FlowTable(const LogNames& names);
  /// Lines of rows beyond the first `most` are counted in `beyond` alone: memory stays bounded. Rows beyond
  /// it that are there already are moved there, too.
  void limit(std::size_t most);
  void add(const LogRecord& record, LogPlace place, std::string_view line);
  /// Takes in what another table of the same names counted.
  void absorb(const FlowTable& other);

  [[nodiscard]] const std::vector<FlowRow>& rows() const { return rows_; }
  [[nodiscard]] const TextPool& texts() const { return texts_; }
  [[nodiscard]] const std::vector<Observation>& observations() const { return observations_; }
  [[nodiscard]] const Traffic& beyond() const { return beyond_; }
  /// What makes lines equal to those of a row: bytes that do not depend on what else the table holds.
  [[nodiscard]] std::string key(const FlowRow& row) const;

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

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Ids = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;

  [[nodiscard]] bool full() const { return rows_.size() >= most_; }
  std::uint32_t text_id(std::string_view text);
  [[nodiscard]] static Key key_of(const FlowRow& row);
  void pack_raw(const LogRecord& record);

  const LogNames& names_;
  std::size_t most_ = std::numeric_limits<std::size_t>::max();
  bool keep_query_ = false;
  TextPool texts_;
  Ids workloads_, seen_;  // raw text -> id
  // The fields of a line that a row is made of, as they stand in the log -> row. Most lines are known by
  // them: no name has to be looked up.
  KnownLines known_;
  std::string scratch_, raw_;
  std::vector<Observation> observations_;
  std::vector<std::string> seen_texts_;  // what `observations_` were made of
  std::vector<FlowRow> rows_;
  std::unordered_map<Key, std::uint32_t, KeyHash> index_;
  Traffic beyond_;
};

}  // namespace waypath::scenarios
