#pragma once
// The one list of kinds a snapshot stores. Adding a kind: its struct and decoder, a row in
// load/kind_table.cc, a name here.

#include <tuple>

#include "model/gateway/gateway.h"
#include "model/gateway/routes.h"
#include "model/istio/mesh_config.h"
#include "model/istio/networking.h"
#include "model/istio/security.h"
#include "model/kube/cluster_policy.h"
#include "model/kube/network_policy.h"
#include "model/kube/services.h"
#include "model/kube/workloads.h"

namespace waypath::model {

template <class... Ts>
struct TypeList {
  template <template <class> class F>
  using Apply = std::tuple<F<Ts>...>;
};

using ResourceTypes =
    TypeList<Namespace, Node, Pod, Workload, ServiceAccount, ConfigMap, Service, EndpointSlice, Ingress,
             IngressClass, NetworkPolicy, ClusterPolicy, GatewayClass, Gateway, ListenerSet, ReferenceGrant,
             BackendTlsPolicy, HttpRoute, L4Route, AuthorizationPolicy, RequestAuthentication,
             PeerAuthentication, IstioGateway, VirtualService, DestinationRule, ServiceEntry, WorkloadEntry,
             Sidecar, UnmodelledPolicy>;

}  // namespace waypath::model
