// Who a pod is: SPIFFE identity (ambient-path.md section 6), and which Gateway it belongs to.

#include <string>

#include "model/derive.h"
#include "sim/resolve/mesh.h"

namespace waypath::sim {
namespace {

using model::Cluster;

constexpr std::string_view kGatewayName = "gateway.networking.k8s.io/gateway-name";

}  // namespace

PeerIdentity identity_of(const Cluster& cluster, model::Symbol ns, model::Symbol service_account) {
  // Source: istio pkg/spiffe/spiffe.go; written without "spiffe://", as policies write it.
  PeerIdentity out;
  out.ns = ns;
  out.service_account = service_account;
  out.principal = cluster.mesh().trust_domain + "/ns/" + ns.str() + "/sa/" + service_account.str();
  return out;
}

PeerIdentity identity_of(const Cluster& cluster, model::PodId pod) {
  const model::Pod& p = cluster.pod(pod);
  return identity_of(cluster, p.meta.key.ns, p.spec.service_account);
}

std::string_view gateway_controller(const Cluster& cluster, const model::Gateway& gateway) {
  return model::gateway_controller(gateway.class_name, cluster.snapshot().all<model::GatewayClass>());
}

bool is_waypoint(const Cluster& cluster, const model::Gateway& gateway) {
  return gateway_controller(cluster, gateway) == model::kMeshController;
}

std::vector<model::PodId> gateway_pods(const Cluster& cluster, const model::Gateway& gateway) {
  static const auto label = model::intern(kGatewayName);
  const auto pods = cluster.pods_with(gateway.meta.key.ns, label, gateway.meta.key.name);
  return {pods.begin(), pods.end()};
}

const model::Gateway* gateway_of_pod(const Cluster& cluster, model::PodId pod) {
  const model::Pod& p = cluster.pod(pod);
  const model::Label* label = p.meta.labels.find(kGatewayName);
  if (label == nullptr) return nullptr;
  static const auto kind = model::intern("Gateway"), group = model::intern("gateway.networking.k8s.io");
  return cluster.snapshot()
      .find<model::Gateway>(model::ResourceKey{kind, group, p.meta.key.ns, label->value})
      .get();
}

}  // namespace waypath::sim
