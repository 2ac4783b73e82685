// The network plugin that the manifests show: whether it enforces policies at all, and whether it is the one
// that they are judged by (network-policy.md section 6).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "sim/lint/context.h"

namespace waypath::sim {

namespace {

/// Agents of plugins, by the last part of the image's name without tag; Rancher's mirrors write the whole
/// path there.
struct Agent {
  std::string_view image;
  std::string_view name;
  std::optional<Cni> cni;  // one that --cni knows
  bool enforces = true;
};

// Source: the DaemonSets of the projects' own manifests and charts: cilium install/kubernetes/cilium,
// projectcalico manifests/calico.yaml, flannel-io Documentation/kube-flannel.yml, antrea build/yamls,
// cloudnativelabs/kube-router daemonset, aws amazon-vpc-cni-k8s charts, weaveworks/weave;
// rancher/image-mirror
constexpr std::array kAgents{
    Agent{"cilium/cilium", "cilium", Cni::Cilium},
    Agent{"mirrored-cilium-cilium", "cilium", Cni::Cilium},
    Agent{"calico/node", "calico", Cni::Calico},
    Agent{"mirrored-calico-node", "calico", Cni::Calico},
    Agent{"hardened-calico", "calico", Cni::Calico},
    Agent{"flannel", "flannel", std::nullopt, false},
    Agent{"mirrored-flannel-io-flannel", "flannel", std::nullopt, false},
    Agent{"mirrored-flannelcni-flannel", "flannel", std::nullopt, false},
    Agent{"hardened-flannel", "flannel", std::nullopt, false},
    Agent{"kube-router", "kube-router", std::nullopt},
    Agent{"kube-network-policies", "kube-network-policies", std::nullopt},
    Agent{"antrea-agent-ubuntu", "antrea", std::nullopt},
    Agent{"aws-network-policy-agent", "the AWS network policy agent", std::nullopt},
    Agent{"weave-npc", "weave", std::nullopt},
};
// OVN-Kubernetes has images of many names; its containers have these.
constexpr std::array kOvnContainers{std::string_view("ovnkube-node"), std::string_view("ovnkube-controller")};

const Agent* agent_of(const model::Container& container) {
  static constexpr Agent kOvn{"", "ovn", Cni::Ovn};
  if (std::find(kOvnContainers.begin(), kOvnContainers.end(), container.name.view()) != kOvnContainers.end())
    return &kOvn;
  std::string_view image = container.image;
  image = image.substr(0, image.find('@'));
  if (const auto slash = image.rfind('/'), colon = image.rfind(':');
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash))
    image = image.substr(0, colon);
  for (const Agent& agent : kAgents) {
    if (image == agent.image) return &agent;
    if (image.size() > agent.image.size() && image.ends_with(agent.image) &&
        image[image.size() - agent.image.size() - 1] == '/')
      return &agent;
  }
  return nullptr;
}

std::string_view name_of(Cni cni) {
  switch (cni) {
    case Cni::Generic:
      return "generic";
    case Cni::Calico:
      return "calico";
    case Cni::Cilium:
      return "cilium";
    case Cni::Ovn:
      return "ovn";
  }
  return {};
}

}  // namespace

void lint_cni(LintContext& c) {
  const auto networks = c.snapshot.all<model::NetworkPolicy>();
  const std::size_t policies = networks.size() + c.snapshot.all<model::ClusterPolicy>().size();
  if (policies == 0) return;
  std::map<std::string_view, std::pair<const Agent*, model::PodId>> found;  // by name
  for (std::uint32_t i = 0; i < c.cluster.pods().size(); ++i) {
    const model::Pod& pod = c.cluster.pod({i});
    if (pod.workload_kind != std::string_view("DaemonSet")) continue;
    for (const auto& container : pod.spec.containers)
      if (const Agent* agent = agent_of(container)) found.try_emplace(agent->name, agent, model::PodId{i});
  }
  if (found.empty()) return;
  const bool enforced =
      std::any_of(found.begin(), found.end(), [](const auto& f) { return f.second.first->enforces; });
  const Cni given = c.engine.options().cni;
  for (const auto& [name, at] : found) {
    const auto& [agent, pod] = at;
    const auto& meta = c.cluster.pod(pod).meta;
    if (!agent->enforces && !enforced)
      c.report(
          kLintCniNothing, lint_at(meta),
          fmt::format("{} alone enforces no policy: the cluster applies none of the {} here, whatever is "
                      "said of them",
                      agent->name, policies),
          "run a plugin that enforces policies, or one beside it (calico, kube-router, "
          "kube-network-policies)");
    if (!agent->cni || *agent->cni == given) continue;
    c.report(
        kLintCniOther, lint_at(meta),
        given == Cni::Generic
            ? fmt::format("the cluster runs {}, and policies are judged as the API tells alone", agent->name)
            : fmt::format("the cluster runs {}, and policies are judged as {} does", agent->name,
                          name_of(given)),
        fmt::format("give --cni {}", name_of(*agent->cni)),
        given == Cni::Generic ? model::Severity::Info : model::Severity::Warning);
  }
}

}  // namespace waypath::sim
