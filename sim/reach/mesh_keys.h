#pragma once
// Which pods the mesh cannot tell apart, as clients and as servers: by capture, by the policies that a server
// has, and by the rules of these policies that a client can match. Rules are compared with clients once, not
// once for each server.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/cluster.h"
#include "model/istio/security.h"
#include "sim/policy/authorization_rule.h"
#include "sim/reach/peers.h"
#include "sim/reach/ranges.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {

/// How connections are opened: as they are, by the node's ztunnel, by a gateway or waypoint, by a sidecar.
enum class ReachClient : std::uint8_t { Plain, Ztunnel, Gateway, Sidecar };
inline constexpr std::size_t kReachClients = 4;

/// One end as the mesh sees it.
struct ReachMeshEnd {
  Dataplane dataplane = Dataplane::None;
  bool takes_hbone = false;      // inbound connections of HBONE clients are tunnelled
  bool bypass_inbound = false;   // other inbound connections pass the proxy by
  bool behind_waypoint = false;  // ztunnels of clients send to a waypoint what is for this pod
  ReachClient client = ReachClient::Plain;
  std::uint32_t part = 0;  // of clients: those of one part get the same answers everywhere
  std::uint32_t point =
      0;  // of servers: those with one number give the same answers; 0: gives none of its own
};

/// The proxy that enforces for a pod: its node's ztunnel or its sidecar.
[[nodiscard]] PolicyPoint reach_point(const model::Cluster& cluster, model::PodId pod, Dataplane dataplane);

class ReachMeshKeys {
 public:
  /// What the answers of servers depend on.
  struct Point {
    std::vector<std::uint16_t> ports;  // that policies name; all others are alike
    std::vector<std::uint32_t> parts;  // of clients that some rule can match
    bool every_part = false;           // some rule matches so many that they are not listed
  };

  /// `assume_meshed`: see ReachOptions.
  ReachMeshKeys(const model::Cluster& cluster, bool assume_meshed);

  /// Address blocks that policies of the mesh compare. When there are some, pods are told apart by them.
  [[nodiscard]] const std::vector<model::Cidr>& blocks() const { return blocks_; }
  /// `pods`: ascending, each standing for others of equal namespace, labels, service account, annotations and
  /// place among the blocks. `ranges` is cut at the blocks.
  void resolve(std::vector<model::PodId> pods, const AddressPartition& ranges);

  /// Of `pods` of `resolve`.
  [[nodiscard]] const ReachMeshEnd& end(model::PodId pod) const;
  /// The part of clients that a range of addresses is in.
  [[nodiscard]] std::uint32_t part_of_range(std::size_t range) const {
    return range_callers_.empty() ? plain_part_ : range_callers_[range];
  }
  [[nodiscard]] std::size_t parts() const { return parts_; }
  [[nodiscard]] const std::vector<Point>& points() const { return points_; }

 private:
  struct Caller {
    ReachClient client = ReachClient::Plain;
    PeerIdentity identity;
    std::optional<model::IpAddress> address;  // asked only when policies compare addresses
  };
  struct Policy {
    const model::AuthorizationPolicy* policy = nullptr;
    bool used = false;                   // some pod has it
    std::vector<std::uint32_t> callers;  // that some rule can match
    std::vector<std::uint16_t> ports;    // that it names
    bool broad = false;                  // too many callers to list
  };
  struct InNamespace {
    std::uint64_t number = 0;
    std::vector<const model::PeerAuthentication*> selecting;
  };
  void find_callers(const AddressPartition& ranges);
  void find_points(const AddressPartition& ranges);
  void match_rules();
  void match_rule(Policy& policy, const CompiledRule& rule, const model::AuthorizationRule& written);
  void split(const std::vector<std::pair<std::uint32_t, ReachTokens>>& matched);
  [[nodiscard]] std::vector<std::uint32_t> candidates(const CompiledRule& rule) const;
  /// The blocks that hold a pod's addresses; nothing when no policy asks.
  [[nodiscard]] ReachTokens places(const model::Pod& pod, const AddressPartition& ranges) const;

  const model::Cluster& cluster_;
  bool assume_meshed_;
  bool own_points_ = false;  // what a server refuses depends on more than its policies
  std::vector<model::Cidr> blocks_;
  std::vector<Policy> policies_;
  std::vector<Dialect> dialects_;  // of the servers there are
  std::vector<model::PodId> pods_;
  std::vector<ReachMeshEnd> ends_;  // by position in `pods_`; `part` is a caller until all rules are asked
  std::vector<Caller> callers_;     // 0: plain and without an address
  std::vector<std::uint32_t> range_callers_;  // by range, when addresses count; in the end parts
  std::uint32_t plain_part_ = 0;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_principal_, by_namespace_;
  std::vector<std::uint32_t> part_of_;  // by caller
  std::size_t parts_ = 0;
  std::vector<Point> points_;
  std::vector<std::vector<std::uint32_t>> point_policies_;
};

}  // namespace waypath::sim
