#include "bench/gen/generator.h"

#include <array>

#include "bench/gen/objects.h"
#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

class Cluster {
 public:
  Cluster(const Parameters& parameters, const std::function<void(const Json&)>& take)
      : layout_(parameters), p_(layout_.parameters()), take_(take) {}

  void all() {
    const int namespaces = layout_.namespaces(), workloads = layout_.workloads();
    const bool mesh = !p_.netpol_only;
    if (mesh) platform();
    run(namespaces, namespace_object);
    if (mesh) run(layout_.nodes(), node_object);
    if (mesh && p_.services) run(workloads, service_account_object);
    run(layout_.pods(), pod_object);
    if (mesh && p_.services) {
      run(workloads, service_object);
      run(workloads, endpoint_slice_object);
    }
    if (mesh && p_.controllers) {
      run(workloads, deployment_object);
      run(workloads, replica_set_object);
    }
    for (int ns = 0; ns < namespaces; ++ns)
      for (int i = layout_.first_policy(ns); i < layout_.first_policy(ns + 1); ++i)
        put(network_policy_object(layout_, ns, i));
    if (!mesh) return;
    run(totals(p_).cluster_wide_policies, cluster_wide_policy_object);
    for (int ns = 0; ns < namespaces; ++ns)
      if (layout_.has_waypoint(ns) || layout_.has_own_waypoint(ns)) put(waypoint_object(layout_, ns));
    run(p_.gateways, gateway_object);
    // Routes and L7 policies name Services.
    if (p_.services && (p_.gateways > 0 || layout_.waypoint_namespace(0)))
      run(p_.http_routes, http_route_object);
    run(p_.authorization_policies, authorization_policy_object);
    run(static_cast<int>(static_cast<double>(layout_.pods()) * p_.noise), noise_object);
  }

 private:
  void platform() {
    for (const bool waypoint : {false, true}) put(gateway_class_object(layout_, waypoint));
    put(mesh_config_object(layout_));
    put(istiod_object(layout_));
    put(ext_authz_service_object(layout_));
  }

  void run(int count, Json (*make)(const Layout&, int)) {
    for (int i = 0; i < count; ++i) put(make(layout_, i));
  }

  void put(Json object) {
    if (p_.managed_fields) add_managed_fields(object);
    if (!p_.status) object.erase("status");
    take_(object);
  }

  Layout layout_;
  const Parameters& p_;
  const std::function<void(const Json&)>& take_;
};

}  // namespace

void each_object(const Parameters& parameters, const std::function<void(const Json&)>& take) {
  check(parameters);
  Cluster(parameters, take).all();
}

}  // namespace waypath::gen
