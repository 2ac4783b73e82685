#pragma once
// What the owner of a Gateway lays over the objects that istiod makes for it.
// Source: istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go render, applyOverlay: the
// ConfigMap of the class' defaults, then that of spec.infrastructure.parametersRef, each with a patch for a
// kind under the keys deployment, service, serviceAccount, horizontalPodAutoscaler and podDisruptionBudget.

#include <vector>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"
#include "model/derive.h"

namespace waypath::model {

class GatewayOverlays {
 public:
  /// All three outlive this. A ConfigMap that is not given, or that istiod would refuse, is reported: the
  /// objects are then taken as without it.
  GatewayOverlays(Objects<ConfigMap> maps, const SourceFiles& files, Diagnostics& diagnostics)
      : maps_(maps), files_(files), diagnostics_(diagnostics) {}
  void lay_over(const Gateway& gateway, Workload& deployment) const;
  void lay_over(const Gateway& gateway, Service& service) const;
  /// Reports what is wrong with them, once a Gateway.
  void check(const Gateway& gateway) const;

 private:
  /// In the order in which they are laid over.
  [[nodiscard]] std::vector<const ConfigMap*> of(const Gateway& gateway) const;
  [[nodiscard]] const ConfigMap* parameters(const Gateway& gateway) const;
  template <class Fn>
  void each(const Gateway& gateway, std::string_view key, const Fn& fn) const;

  Objects<ConfigMap> maps_;
  const SourceFiles& files_;
  Diagnostics& diagnostics_;
};

}  // namespace waypath::model
