#pragma once
// The ends that the peers of policies' rules match. Rules with equal peers share them.

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "model/cluster.h"
#include "sim/match/pod_selection.h"
#include "sim/policy/net_match.h"
#include "sim/reach/ranges.h"

namespace waypath::sim {

/// An end of a connection that a list of peers matches: for certain, or by a fact that is not known.
struct ReachMember {
  std::uint32_t end = 0;
  Fit fit = Fit::Yes;
  friend bool operator==(const ReachMember&, const ReachMember&) = default;
};

/// Adds the blocks at whose bounds a policy's rules part addresses.
void add_blocks(const model::NetworkPolicy& policy, std::vector<model::Cidr>& out);
void add_blocks(const model::ClusterPolicy& policy, std::vector<model::Cidr>& out);
/// Where peers are nodes, their addresses are such blocks.
[[nodiscard]] bool selects_nodes(const model::ClusterPolicy& policy);
void add_node_addresses(const model::Cluster& cluster, std::vector<model::Cidr>& out);

/// Lists of numbers as keys.
using ReachTokens = std::vector<std::uint64_t>;
struct ReachTokensHash {
  std::size_t operator()(const ReachTokens& tokens) const noexcept;
};

/// Small numbers for symbols and pointers, in order of first use.
template <class T>
class ReachNumbers {
 public:
  std::uint64_t operator()(const T& key) { return numbers_.emplace(key, numbers_.size()).first->second; }

 private:
  std::unordered_map<T, std::uint64_t> numbers_;
};

class ReachPeers {
 public:
  /// Ends are positions in `pods` (none of them in its node's network), then address ranges. `parts` has, of
  /// each pod, the ranges that hold its addresses.
  ReachPeers(const NetMatch& match, const PodSelection& pods, const AddressPartition& ranges,
             std::vector<std::vector<std::uint32_t>> parts);
  /// Number of the set of ends that the peers match, each once, ascending. Peers must not depend on the pod
  /// that the policy applies to.
  [[nodiscard]] std::uint32_t set_of(const std::vector<model::NetworkPolicyPeer>& peers, model::Symbol ns);
  [[nodiscard]] std::uint32_t set_of(const std::vector<model::ClusterPolicyPeer>& peers,
                                     model::TierAction action);
  [[nodiscard]] std::vector<std::vector<ReachMember>> take() { return std::move(sets_); }

 private:
  using Members = std::vector<ReachMember>;
  template <class Make>
  std::uint32_t one(ReachTokens key, const Make& make);
  std::uint32_t united(std::vector<std::uint32_t> ones);
  void describe(const model::LabelSelector& selector, ReachTokens& key);
  [[nodiscard]] std::uint32_t selected(const model::LabelSelector* namespaces,
                                       const model::LabelSelector* pods, model::Symbol ns);
  [[nodiscard]] std::uint32_t in_block(const model::Cidr& cidr, const std::vector<model::Cidr>& except);
  [[nodiscard]] std::uint32_t every(Fit fit);
  [[nodiscard]] std::uint32_t named();
  [[nodiscard]] std::uint32_t nodes(const model::ClusterPolicyPeer& peer);
  const NetMatch& match_;
  const PodSelection& pods_;
  const AddressPartition& ranges_;
  std::vector<std::vector<std::uint32_t>> parts_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> in_part_;  // (range, pod), sorted
  std::vector<std::uint32_t> without_address_;                    // pods
  ReachNumbers<model::Symbol> number_;
  std::unordered_map<ReachTokens, std::uint32_t, ReachTokensHash> ones_, united_;
  std::vector<Members> of_one_, sets_;
};

}  // namespace waypath::sim
