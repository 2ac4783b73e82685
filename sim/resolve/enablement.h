#pragma once
// Which pods istio-cni enrols by label: its own default, or what its configuration says (E4, E5, E7).

#include <optional>
#include <string_view>
#include <vector>

#include "model/kube/label_selector.h"
#include "model/kube/workloads.h"

namespace waypath::sim {

/// A pod is enrolled when both selectors match; empty ones match everything.
struct EnablementSelector {
  model::LabelSelector pod, ns;
};

/// The value of AMBIENT_ENABLEMENT_SELECTOR. Nullopt when it cannot be read.
[[nodiscard]] std::optional<std::vector<EnablementSelector>> read_enablement_selectors(std::string_view text);

/// The node proxy itself: its container has a sidecar's name, and it is none.
/// Source: istio manifests/charts/ztunnel/templates/daemonset.yaml
[[nodiscard]] bool is_ztunnel(const model::Pod& pod);

/// What istio-cni has built in. Source: istio manifests/charts/istio-cni/values.yaml enablementSelectors
[[nodiscard]] const std::vector<EnablementSelector>& default_enablement_selectors();

}  // namespace waypath::sim
