#pragma once
// Pods that no policy can tell apart, and the rules of all policies resolved to them.

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/cluster.h"
#include "sim/cni_profile.h"
#include "sim/policy/net_attachment.h"
#include "sim/policy/net_match.h"
#include "sim/reach/bits.h"
#include "sim/reach/mesh_keys.h"
#include "sim/reach/peers.h"
#include "sim/reach/ranges.h"

namespace waypath::sim {

/// One rule of one policy, with the ends it matches: classes first, then address ranges (class count +
/// position).
struct ReachRule {
  const model::NetworkPolicyRule* network = nullptr;  // one of the two is set
  const model::ClusterPolicyRule* cluster = nullptr;
  model::Symbol ns;          // of the NetworkPolicy
  bool every_peer = false;   // no list of peers
  bool by_subject = false;   // peers depend on the pod the policy applies to: `members` is not filled
  bool named_ports = false;  // ports depend on the destination
  using Member = ReachMember;
  std::uint32_t peers = UINT32_MAX;  // number of the set of ends; UINT32_MAX with the first two flags
  std::span<const Member> members;   // the ends of the set, ascending; with `keep_identity` alone
};

/// A rule whose peers are not resolved yet.
[[nodiscard]] ReachRule reach_rule(const model::NetworkPolicyRule& rule, model::Symbol ns);
[[nodiscard]] ReachRule reach_rule(const model::ClusterPolicyRule& rule);

/// The rules of one policy in both directions, as positions in ReachClasses::rules().
struct ReachPolicy {
  std::uint32_t ingress_first = 0, ingress_last = 0, egress_first = 0, egress_last = 0;
  [[nodiscard]] bool has(Direction d) const {
    return d == Direction::Egress ? egress_first != egress_last : ingress_first != ingress_last;
  }
};

struct ReachClass {
  model::PodId pod;  // that stands for it
  NetAttachment attached;
  bool address_unknown = false;
  std::uint32_t ports = 0;  // equal where names of ports mean the same
};

/// A set of ends as rows of words are worked out with it.
struct ReachPeerBits {
  BitWords sure, maybe;  // matched for certain; by a fact that is not known
};

class ReachClasses {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// `keep_identity`: pods of different namespaces, labels, service accounts or dataplanes are never joined.
  /// `keep_labels`: pods of different namespaces, labels or names of ports are not either, so that selectors
  /// and ports of policies to come part no class; IPv6 is cut into ranges even when no block asks for it.
  ReachClasses(const model::Cluster& cluster, const CniProfile& profile, bool keep_identity,
               model::Diagnostics& diagnostics, bool keep_labels = false);
  /// Pods that the mesh tells apart are never joined. Resolves `mesh`.
  ReachClasses(const model::Cluster& cluster, const CniProfile& profile, ReachMeshKeys& mesh,
               model::Diagnostics& diagnostics, bool keep_labels = false);

  /// By namespace and name of the first pod.
  [[nodiscard]] const std::vector<ReachClass>& classes() const { return classes_; }
  [[nodiscard]] const AddressPartition& ranges() const { return ranges_; }
  [[nodiscard]] const std::vector<ReachRule>& rules() const { return rules_; }
  [[nodiscard]] ReachPolicy policy(const void* policy) const { return policies_.at(policy); }
  [[nodiscard]] const ReachPeerBits& bits(const ReachRule& rule) const { return bits_[rule.peers]; }
  /// With `keep_labels`: what stands for the classes, in their order; the ranges with their addresses.
  [[nodiscard]] const PodSelection& pods() const { return pods_; }
  [[nodiscard]] const std::vector<std::vector<std::uint32_t>>& parts() const { return parts_; }
  /// kNone for hostNetwork pods.
  [[nodiscard]] std::uint32_t class_of(model::PodId pod) const { return class_of_[pod.index]; }
  /// Number of pods of each class.
  [[nodiscard]] std::vector<std::uint32_t> sizes() const;
  /// Classes, then ranges.
  [[nodiscard]] std::size_t ends() const { return classes_.size() + ranges_.ranges().size(); }
  /// The connection's end at a position, for rules that have to be asked one by one.
  [[nodiscard]] NetPeer end(std::uint32_t position) const;

 private:
  struct Groups;
  ReachClasses(const model::Cluster& cluster, const CniProfile& profile, bool keep_identity,
               ReachMeshKeys* mesh, model::Diagnostics& diagnostics, bool keep_labels);
  [[nodiscard]] Groups group(const CniProfile& profile, bool keep_identity, const ReachMeshKeys* mesh,
                             const std::vector<model::Symbol>& names) const;
  void collect_rules(const std::vector<NetAttachment>& attached);
  void resolve(const Groups& groups, const CniProfile& profile);
  void join(const Groups& groups, const std::vector<NetAttachment>& attached, bool keep_all,
            bool keep_members, const ReachMeshKeys* mesh);

  const model::Cluster& cluster_;
  std::vector<ReachRule> rules_;
  std::unordered_map<const void*, ReachPolicy> policies_;
  AddressPartition ranges_;
  std::vector<ReachClass> classes_;
  std::vector<std::uint32_t> class_of_;
  std::vector<std::vector<ReachMember>> sets_;
  std::vector<ReachPeerBits> bits_;
  PodSelection pods_;
  std::vector<std::vector<std::uint32_t>> parts_;
};

}  // namespace waypath::sim
