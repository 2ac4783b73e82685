// Pods that the mesh does not take as their labels seem to say (ambient-path section 1).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/lint/context.h"

namespace waypath::sim {

namespace {

using model::Severity;

constexpr std::string_view kDataplaneMode = "istio.io/dataplane-mode";

bool enrolled_namespace(const LintContext& c, model::Symbol ns) {
  return c.cluster.namespace_labels(ns).get(kDataplaneMode) == "ambient";
}

void pods(LintContext& c) {
  std::set<std::string> told;  // one finding a workload and code
  const auto report = [&](Code code, const model::Pod& pod, model::PodId id, ObjectAt at, std::string message,
                          std::string fix, std::optional<Severity> severity = std::nullopt) {
    (void)pod;
    if (told.insert(std::string(code.text) + c.pod_text(id)).second)
      c.report(code, std::move(at), std::move(message), std::move(fix), severity);
  };
  for (std::uint32_t i = 0; i < c.cluster.pods().size(); ++i) {
    const model::PodId id{i};
    const model::Pod& pod = c.cluster.pod(id);
    const Capture& capture = c.capture(id);
    const std::string who = c.pod_text(id);
    const auto* label = pod.meta.labels.find(kDataplaneMode);
    const bool own = label != nullptr && label->value == std::string_view("ambient");
    const bool wanted = own || (enrolled_namespace(c, pod.meta.ns()) &&
                                !(label != nullptr && label->value == std::string_view("none")));
    if (capture.host_network && wanted) {
      const bool open = !capture.missing_facts.empty();
      report(kLintHostNetworkAmbient, pod, id, lint_at(pod.meta),
             open ? fmt::format(
                        "{} uses the node's network in an ambient namespace, and istio-cni of this version "
                        "may capture it",
                        who)
                  : fmt::format(
                        "{} uses the node's network and is not captured: it has no identity, and STRICT pods "
                        "refuse it",
                        who),
             fmt::format("label its pods {}: none, or take hostNetwork off", kDataplaneMode),
             open || own ? Severity::Warning : Severity::Info);
    }
    const auto* gateway = gateway_of_pod(c.cluster, id);
    if (capture.proxy_captured && (gateway == nullptr || !sandwiched(c.cluster, *gateway)))
      report(
          kLintGatewayCaptured, pod, id, lint_at(pod.meta),
          fmt::format("{} is a gateway and its ztunnel captures it as well: what it sends by HBONE would be "
                      "tunnelled twice and fails",
                      who),
          fmt::format("label its pods {}: none", kDataplaneMode));
    if (capture.dataplane == Dataplane::Sidecar && wanted)
      report(kLintSidecarInAmbient, pod, id, lint_at(pod.meta),
             fmt::format(
                 "{} gets a sidecar although it is labelled for ambient: the sidecar wins, ztunnel does not "
                 "capture it and waypoints are skipped",
                 who),
             "remove the injection label or annotation, or the ambient one");
    if (capture.annotation_mismatch)
      report(
          kLintCaptureMismatch, pod, id, lint_at(pod.meta),
          *capture.annotation_mismatch
              ? fmt::format(
                    "{} is captured (ambient.istio.io/redirection) although its labels do not enrol it", who)
              : fmt::format("{} should be captured by its labels and istio-cni has not done so", who),
          "restart the pod, and see the istio-cni log on its node");
    if (capture.bypass_inbound && capture.dataplane == Dataplane::Ambient) {
      const auto policies = c.policies_at(c.ztunnel_point(id));
      report(
          kLintBypassCapture, pod, id, lint_at(pod.meta),
          fmt::format(
              "plaintext to {} goes past ztunnel (ambient.istio.io/bypass-inbound-capture): neither STRICT "
              "nor {} applies to it",
              who,
              policies.empty() ? std::string("any AuthorizationPolicy")
                               : LintContext::object_text(policies.front()->meta.key)),
          "remove the annotation", policies.empty() ? Severity::Info : Severity::Warning);
    }
  }
}

// E8: only two values mean something.
void label_values(LintContext& c) {
  const auto check = [&](const model::ObjectMeta& meta, const model::Labels& labels) {
    const auto* label = labels.find(kDataplaneMode);
    if (label == nullptr || label->value == std::string_view("ambient") ||
        label->value == std::string_view("none"))
      return;
    const bool ns = meta.key.kind == std::string_view("Namespace");
    c.report(
        kLintDataplaneLabel, lint_at(meta, label->pos),
        fmt::format("{}: {} on {} is neither ambient nor none: {}", kDataplaneMode, label->value.view(),
                    LintContext::object_text(meta.key),
                    ns ? "the namespace is not enrolled" : "it decides nothing, the namespace's label does"),
        "write ambient or none");
  };
  for (const auto& ns : c.snapshot.all<model::Namespace>()) check(ns->meta, ns->meta.labels);
  for (const auto& workload : c.snapshot.all<model::Workload>()) {
    if (workload->meta.origin == model::Origin::Derived) continue;
    check(workload->meta, workload->template_labels);
    const auto* label = workload->meta.labels.find(kDataplaneMode);
    const auto* of_pods = workload->template_labels.find(kDataplaneMode);
    if (label == nullptr || (of_pods != nullptr && of_pods->value == label->value)) continue;
    // The label asks for what the namespace gives anyway.
    const bool ambient = label->value == std::string_view("ambient");
    if (of_pods == nullptr && ambient == enrolled_namespace(c, workload->meta.ns())) continue;
    c.report(kLintLabelOnWorkload, lint_at(workload->meta, label->pos),
             fmt::format("{} stands on {} itself and not on its pods: istio-cni does not see it",
                         kDataplaneMode, LintContext::object_text(workload->meta.key)),
             "move it to spec.template.metadata.labels");
  }
  for (const auto& pod : c.snapshot.all<model::Pod>())
    if (pod->meta.origin == model::Origin::Manifest && pod->meta.owners.empty())
      check(pod->meta, pod->meta.labels);
}

}  // namespace

void lint_capture(LintContext& c) {
  pods(c);
  label_values(c);
}

}  // namespace waypath::sim
