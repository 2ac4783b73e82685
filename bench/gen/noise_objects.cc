// What a dump of everything holds beside traffic: some of it long.

#include <fmt/format.h>

#include "bench/gen/objects.h"
#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

std::string base64(Random& random, int length) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (int i = 0; i < length; ++i) out.push_back(kAlphabet[static_cast<std::size_t>(random.below(64))]);
  return out;
}

}  // namespace

Json noise_object(const Layout& layout, int index) {
  Random random(layout.parameters().seed, {number(Stream::Noise), static_cast<std::uint64_t>(index)});
  const int workload = random.below(layout.workloads());
  const std::string ns = layout.namespace_name(layout.namespace_of(workload)),
                    app = layout.workload_name(workload);
  const auto object = [&](std::string_view api_version, std::string_view kind) {
    return new_object(layout, Stream::Noise, index, api_version, kind, ns,
                      fmt::format("{}-{:06x}", app, index));
  };
  switch (index % 8) {
    case 0: {
      Json out = object("v1", "Secret");
      out["data"] = {{"tls.crt", base64(random, 1600)}, {"tls.key", base64(random, 2272)}};
      out["type"] = "kubernetes.io/tls";
      return out;
    }
    case 1: {
      Json out = object("v1", "ConfigMap");
      out["data"]["application.yaml"] = fmt::format(
          "server:\n  port: 8080\n  threads: {}\nlogging:\n  level: info\n# by hand\nretry:\n- 1s\n- 5s\n",
          random.below(64));
      return out;
    }
    case 2: {
      Json out = object("coordination.k8s.io/v1", "Lease");
      out["spec"] = {{"holderIdentity", app},
                     {"leaseDurationSeconds", 15},
                     {"renewTime", "2026-03-01T10:00:00.000000Z"}};
      return out;
    }
    case 3: {
      Json out = object("rbac.authorization.k8s.io/v1", "Role");
      out["rules"] = Json::array({{{"apiGroups", {""}},
                                   {"resources", {"configmaps", "secrets"}},
                                   {"verbs", {"get", "list", "watch"}}},
                                  {{"apiGroups", {"*"}}, {"resources", {"*"}}, {"verbs", {"*"}}}});
      return out;
    }
    case 4: {
      Json out = object("rbac.authorization.k8s.io/v1", "RoleBinding");
      out["roleRef"] = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", app}};
      out["subjects"] = Json::array({{{"kind", "ServiceAccount"}, {"name", app}, {"namespace", ns}}});
      return out;
    }
    case 5: {
      Json out = object("autoscaling/v2", "HorizontalPodAutoscaler");
      out["spec"] = {
          {"maxReplicas", 10},
          {"metrics", Json::array({{{"resource",
                                     {{"name", "cpu"},
                                      {"target", {{"averageUtilization", 70}, {"type", "Utilization"}}}}},
                                    {"type", "Resource"}}})},
          {"minReplicas", 2},
          {"scaleTargetRef", {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", app}}}};
      return out;
    }
    case 6: {
      Json out = object("v1", "Event");
      out["involvedObject"] = {
          {"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"}, {"name", app}, {"namespace", ns}};
      out["message"] = "Created pod: " + app + "; \"ready\" after 3s # no trouble";
      out["reason"] = "SuccessfulCreate";
      out["type"] = "Normal";
      return out;
    }
    default: {
      Json out = object("policy/v1", "PodDisruptionBudget");
      out["spec"] = {{"maxUnavailable", 1}, {"selector", {{"matchLabels", {{"app", app}}}}}};
      return out;
    }
  }
}

}  // namespace waypath::gen
