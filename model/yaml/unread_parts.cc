#include "model/yaml/unread_parts.h"

#include <algorithm>
#include <array>
#include <span>

namespace waypath::model::yaml {
namespace {

/// What the model reads of `status`: addresses, readiness, load balancers. Other collections there are left
/// out.
constexpr std::array<std::string_view, 7> kStatusKept{"podIP",      "podIPs",    "hostIP",      "hostIPs",
                                                      "conditions", "addresses", "loadBalancer"};
/// Of a condition: words for people and times.
constexpr std::array<std::string_view, 5> kConditionDropped{"message", "lastTransitionTime", "lastProbeTime",
                                                            "lastUpdateTime", "lastHeartbeatTime"};

/// Parts of a pod spec without effect on traffic. (env, ports, probes and volumes are read.)
constexpr std::array<std::string_view, 8> kContainerDropped{
    "resources",    "volumeMounts",           "volumeDevices",   "lifecycle",
    "resizePolicy", "terminationMessagePath", "imagePullPolicy", "stdin"};
constexpr std::array<std::string_view, 4> kPodSpecDropped{"affinity", "tolerations",
                                                          "topologySpreadConstraints", "imagePullSecrets"};

bool holds(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Part part_below(Part part, std::string_view key) {
  switch (part) {
    case Part::Root:
      return key == "metadata" ? Part::Metadata
             : key == "spec"   ? Part::Spec
             : key == "status" ? Part::Status
                               : Part::Other;
    case Part::Metadata:
      return key == "annotations" ? Part::Annotations : Part::Other;
    case Part::Status:
      return key == "conditions" ? Part::Conditions : Part::Other;
    case Part::Spec:
      if (key == "template") return Part::Template;
      [[fallthrough]];
    case Part::TemplateSpec:
      return key == "containers" || key == "initContainers" ? Part::Containers : Part::Other;
    case Part::Template:
      return key == "spec" ? Part::TemplateSpec : Part::Other;
    case Part::Annotations:
    case Part::Conditions:
    case Part::Containers:
    case Part::Other:
      break;
  }
  return Part::Other;
}

bool unread(Part part, std::string_view key, bool inline_value) {
  switch (part) {
    case Part::Metadata:
      return key == "managedFields" || key == "selfLink";
    case Part::Annotations:
      return key == "kubectl.kubernetes.io/last-applied-configuration";
    case Part::Status:
      return !inline_value && !holds(kStatusKept, key);
    case Part::Conditions:
      return holds(kConditionDropped, key);
    case Part::Spec:
    case Part::TemplateSpec:
      return holds(kPodSpecDropped, key);
    case Part::Containers:
      return holds(kContainerDropped, key);
    case Part::Root:
    case Part::Template:
    case Part::Other:
      break;
  }
  return false;
}

}  // namespace waypath::model::yaml
