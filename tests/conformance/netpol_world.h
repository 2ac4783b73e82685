#pragma once
// Network policy cases: what the simulator says of one input, by the names that the cases use.

#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach/ranges.h"
#include "sim/reach/reach.h"

namespace waypath::conformance {

/// "ext:ADDRESS" or "ext:ADDRESS-ADDRESS"; nullopt for names of workloads.
[[nodiscard]] std::optional<sim::AddressRange> parse_range(const std::string& name);

/// One loaded input and its connectivity.
struct NetpolWorld {
  model::Diagnostics diagnostics;
  std::shared_ptr<const model::Cluster> cluster;
  std::optional<sim::ReachResult> reach;

  explicit NetpolWorld(const std::filesystem::path& manifests);
  void connect(const sim::ReachOptions& options) { reach = sim::reach(cluster, options, diagnostics); }
};

/// The connectivity by names, with ranges as a function of the address.
class NetpolTable {
 public:
  explicit NetpolTable(const sim::ReachResult& reach);

  struct Row {
    std::string from, to, connections;
  };
  /// The connections between two ends; of a range that is cut, the parts with their answers.
  [[nodiscard]] std::string between(const std::string& from, const std::string& to) const;

  std::vector<Row> rows;
  std::set<std::string> workloads;

 private:
  struct Part {
    sim::AddressRange range;
    std::string connections;
  };
  using Parts = std::map<std::string, std::vector<Part>>;

  static std::string over(const Parts& parts, const std::string& workload, const sim::AddressRange& asked);

  std::map<std::pair<std::string, std::string>, std::string> pairs_;
  Parts inward_, outward_;
};

/// Whether `parts` together hold every address of the range.
[[nodiscard]] bool all_covered(std::vector<sim::AddressRange> parts, const sim::AddressRange& range);
/// The IPv4 space, cut at every bound that the tables or the case's changes have for a workload.
[[nodiscard]] std::vector<sim::AddressRange> parts_of(std::initializer_list<const NetpolTable*> tables,
                                                      const std::string& workload, bool outward,
                                                      const std::vector<sim::AddressRange>& changed);

/// "ns/pod", "ns/pod[Kind]" or a range: its first address.
[[nodiscard]] sim::NetPeer peer_of(const std::string& name, const model::Cluster& cluster);
/// Whether the policies let a connection through: the evaluator's word with and without a recorder, and the
/// matrix' between the ends by their names; a difference between them is said.
[[nodiscard]] std::string verdict(const sim::EvaluatorTable& policies, const sim::Connection& c,
                                  const NetpolTable& table, const std::string& from, const std::string& to);
/// What Ingress and Route objects open of a workload.
[[nodiscard]] std::string ingress_connections(const model::Cluster& cluster, const sim::ReachOptions& options,
                                              const std::string& workload);

}  // namespace waypath::conformance
