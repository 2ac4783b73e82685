#pragma once
// Clusters as of netpol_world with replicas, cluster-scoped policies and pods without address, and edits of
// their policies drawn by chance: added, removed, another selector, other peers, ports or blocks.

#include <map>
#include <set>
#include <string>

#include "tests/sim/netpol_world.h"

namespace waypath::tests::netpol {

/// Cluster-scoped policies as text, by name.
using ClusterPolicies = std::map<std::string, std::string>;

struct Input {
  World world;
  ClusterPolicies cluster;
  std::string more;                  // other manifests
  std::set<std::string> no_address;  // of pods whose status is not given
};

[[nodiscard]] Input draw_input(Dice& dice);
[[nodiscard]] std::string text_of(const Input& input);
void edit_network_policy(Dice& dice, World& world);
void edit_cluster_policy(Dice& dice, ClusterPolicies& policies);

}  // namespace waypath::tests::netpol
