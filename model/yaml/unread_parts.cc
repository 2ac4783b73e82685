#include "model/yaml/unread_parts.h"

#include <algorithm>
#include <array>

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

bool unread(std::span<const std::string_view> path, bool inline_value) {
  const std::string_view root = path.front(), key = path.back();
  if (root == "metadata") {
    if (path.size() == 2) return key == "managedFields" || key == "selfLink";
    return path.size() == 3 && path[1] == "annotations" &&
           key == "kubectl.kubernetes.io/last-applied-configuration";
  }
  if (root == "status") {
    if (path.size() == 2) return !inline_value && !holds(kStatusKept, key);
    return path.size() == 3 && path[1] == "conditions" && holds(kConditionDropped, key);
  }
  if (root != "spec") return false;
  // Pods keep their spec at the root, workloads below spec.template.
  std::span<const std::string_view> pod = path.subspan(1);
  if (pod.size() > 2 && pod[0] == "template" && pod[1] == "spec") pod = pod.subspan(2);
  if (pod.size() == 1) return holds(kPodSpecDropped, key);
  return pod.size() == 2 && (pod[0] == "containers" || pod[0] == "initContainers") &&
         holds(kContainerDropped, key);
}

}  // namespace waypath::model::yaml
