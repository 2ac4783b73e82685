#pragma once
// Who reaches whom, on which ports: the matrix. Pods that no policy can tell apart form a class and are
// judged once (sim/reach/classes.h); external addresses are cut at the bounds of the policies' CIDR blocks.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/cluster.h"
#include "sim/flow.h"
#include "sim/match/port_set.h"
#include "sim/reach/cell.h"

namespace waypath::sim {

struct ReachOptions {
  enum class Layer : std::uint8_t {
    Netpol,  // NetworkPolicy and its cluster-scoped kin
    Mesh,    // and L4 authorization, with meshed pods connecting through their ztunnels
  } layer = Layer::Netpol;
  SimOptions sim;
  /// Takes every pod for meshed, with its service account's identity: policies without the mesh's
  /// installation.
  bool assume_meshed = false;
  bool external = true;  // external address ranges as ends
  /// Endpoints to keep; null keeps all. See `reach_selector`.
  std::function<bool(const struct ReachEndpoint&)> from, to;
  /// Of the sources those whose rows are wanted; null wants all. The others are named and have no pairs. See
  /// ReachResult::cell.
  std::function<bool(const struct ReachEndpoint&)> part;
};

/// A workload, a pod that differs from its siblings, or a range of addresses outside the cluster.
struct ReachEndpoint {
  std::string name;            // "ns/name[Kind]", "ext:0.0.0.0-9.255.255.255"
  model::PodId pod;            // that stands for it; invalid for a range
  model::IpAddress low, high;  // of a range, inclusive
  [[nodiscard]] bool external() const { return !pod.valid(); }
};

/// Not for use by several threads at once.
class ReachResult {
 public:
  using Cell = ReachCell;
  struct Excluded {
    std::string name, why;
  };
  using PairFn = std::function<bool(const std::string&, const std::string&, const Cell&)>;

  [[nodiscard]] const std::vector<ReachEndpoint>& sources() const { return sources_; }
  [[nodiscard]] const std::vector<ReachEndpoint>& destinations() const { return destinations_; }
  /// Sources and destinations by position. A workload with itself and two external ranges have no cell, nor
  /// has a source that ReachOptions::part left out: `none`.
  [[nodiscard]] Cell cell(std::size_t source, std::size_t destination) const;
  [[nodiscard]] const PortSet& ports(PortSetTable::Id id) const;
  [[nodiscard]] std::string connections(PortSetTable::Id id) const { return ports(id).str(); }
  /// Every pair with a connection, in order of source, then destination. External ranges next to each other
  /// with equal connections come as one. `fn(source name, destination name, cell)`.
  void for_each_pair(
      const std::function<void(const std::string&, const std::string&, const Cell&)>& fn) const;
  /// The same, until `fn` says false. Holds one row at a time, and what comes from outside the cluster.
  void for_each_pair_while(const PairFn& fn) const;
  /// Position of an endpoint among classes, then ranges: ends of one position have the same answers.
  [[nodiscard]] std::uint32_t class_of_source(std::size_t source) const { return source_class_[source]; }
  [[nodiscard]] std::uint32_t class_of_destination(std::size_t destination) const {
    return destination_class_[destination];
  }
  [[nodiscard]] const class ReachClasses& classes() const;
  /// The rows by classes (sim/reach/matrix.h).
  [[nodiscard]] class ReachMatrix& matrix() const;
  /// False when some cell lacks a fact: its `sure` and `possible` differ.
  [[nodiscard]] bool complete() const { return missing_facts_.empty(); }
  [[nodiscard]] const std::vector<std::string>& missing_facts() const { return missing_facts_; }
  /// hostNetwork pods: their traffic is their node's.
  [[nodiscard]] const std::vector<Excluded>& excluded() const { return excluded_; }

  /// How much there was to do, for benchmarks: classes of pods, parts of the address space, distinct rows.
  struct Counts {
    std::size_t pods = 0, classes = 0, ranges = 0, egress_rows = 0, ingress_rows = 0, port_sets = 0;
  } counts;

 private:
  friend class ReachBuilder;
  struct Compiled;
  std::shared_ptr<Compiled> compiled_;  // rows of policies; cells are put together as they are asked for
  std::vector<ReachEndpoint> sources_, destinations_;
  std::vector<bool> wanted_;  // of sources
  std::vector<std::uint32_t> source_class_, destination_class_, source_workload_, destination_workload_;
  std::vector<std::string> missing_facts_;
  std::vector<Excluded> excluded_;
};

/// Whether the name of an end is that of a range.
[[nodiscard]] bool is_outside(std::string_view name);

/// "ns/name[Kind]": the name of the end that stands for all alike pods of a pod's workload.
[[nodiscard]] std::string workload_text(const model::Pod& pod);

[[nodiscard]] ReachResult reach(const std::shared_ptr<const model::Cluster>& cluster,
                                const ReachOptions& options, model::Diagnostics& diagnostics);

/// A condition on endpoints as `--from` and `--to` take it: "ns", "ns/name" or "ns/name[Kind]" (with `*`),
/// "external", an address (the range that holds it), or a label selector ("app=web,tier!=db"). Nullopt and a
/// message when it is none of these.
[[nodiscard]] std::optional<std::function<bool(const ReachEndpoint&)>> reach_selector(
    std::string_view text, const model::Cluster& cluster, std::string& error);

}  // namespace waypath::sim
