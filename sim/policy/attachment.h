#pragma once
// Which policies an enforcement point has: authorization.md section 2.

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/cluster.h"
#include "model/istio/security.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::sim {

/// Whether a policy with this metadata and attachment is enforced at the point. RequestAuthentication and
/// AuthorizationPolicy alike (ztunnel is never sent the former).
[[nodiscard]] bool attaches(const model::Cluster& cluster, const model::ObjectMeta& meta,
                            const model::PolicyAttachment& attachment, const PolicyPoint& point);

/// Whether a policy is enforced where a waypoint terminates HBONE, by selector and with L4 conditions only
/// (ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES).
[[nodiscard]] bool attaches_layered(const model::Cluster& cluster, const model::ObjectMeta& meta,
                                    const model::PolicyAttachment& attachment, const PolicyPoint& waypoint);

/// Whether istiod has the flag of layered waypoint policies.
[[nodiscard]] bool layered_waypoint_policies(const model::Cluster& cluster);

/// The first field that tells apart which requests a policy can match, over all proxies that may have it.
struct Discriminator {
  enum class Kind : std::uint8_t { None, Principal, Port } kind = Kind::None;
  std::vector<std::string> principals;
  std::vector<std::uint16_t> ports;
};

/// Positions of policies, ascending: their order by namespace and name.
using PolicyPositions = boost::container::small_vector<std::uint32_t, 16>;

/// Finds the policies that can attach to a point without looking at the others: by namespace, by one label of
/// the selector, by target; and among them those that can match a request, by their discriminator.
class AttachmentIndex {
 public:
  explicit AttachmentIndex(const model::Cluster& cluster)
      : cluster_(&cluster), layered_(layered_waypoint_policies(cluster)) {}
  /// In ascending order of `position`. `isolates`: see `isolated`.
  void add(std::uint32_t position, const model::ObjectMeta& meta, const model::PolicyAttachment& attachment,
           const Discriminator& discriminator = {}, bool isolates = false);
  [[nodiscard]] PolicyPositions at(const PolicyPoint& point) const;
  /// Those of `at` that can match a request of this principal to this port.
  [[nodiscard]] PolicyPositions matching(const PolicyPoint& point, const std::string& principal,
                                         std::uint16_t port) const;
  /// Whether `at` holds a policy that isolates.
  [[nodiscard]] bool isolated(const PolicyPoint& point) const;
  [[nodiscard]] PolicyPositions layered_at(const PolicyPoint& waypoint) const;
  /// Policies whose selector names the labels of a proxy that takes policies by target only.
  [[nodiscard]] PolicyPositions selecting_in_vain(const PolicyPoint& waypoint) const;

 private:
  struct Entry {
    std::uint32_t position;
    const model::ObjectMeta* meta;
    const model::PolicyAttachment* attachment;
  };
  using Entries = std::vector<Entry>;
  struct Bucket {
    Entries all, isolating;
    Entries any_request;
    std::unordered_map<std::string, Entries> by_principal;
    std::unordered_map<std::uint16_t, Entries> by_port;
    void add(const Entry& entry, const Discriminator& discriminator, bool isolates);
  };
  struct Key {  // namespace; label key and value, or kind and name of a target
    model::Symbol ns, first, second;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const noexcept {
      const std::hash<model::Symbol> h;
      return (h(k.ns) * 31 + h(k.first)) * 31 + h(k.second);
    }
  };
  using Map = std::unordered_map<Key, Bucket, KeyHash>;
  /// Buckets that may hold policies of the point; false from `use` ends it.
  template <class Use>
  void each_bucket(const PolicyPoint& point, const Use& use) const;
  template <class Use>
  bool by_selector(const PolicyPoint& point, const Use& use) const;
  [[nodiscard]] bool fits(const Entry& entry, const PolicyPoint& point) const;

  const model::Cluster* cluster_;
  bool layered_;
  Map selecting_, targeting_;
};

}  // namespace waypath::sim
