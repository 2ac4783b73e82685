#include "model/diagnostic_codes.h"

#include <algorithm>
#include <array>

#include "model/yaml/yaml_codes.h"

namespace waypath::model {
namespace {

constexpr auto kDiagnostic = CodeInfo::Kind::Diagnostic;
constexpr std::string_view kApiConcepts =
    "kubernetes.io/docs/reference/using-api/api-concepts (field validation)";

constexpr std::array kRows{
    CodeInfo{kObjectNotAnObject, kDiagnostic, "a document is no Kubernetes object",
             "Every object has apiVersion and kind. Values files, notes and other text cannot be evaluated.",
             "Give the folder of the manifests alone, or render the chart first.",
             "kubernetes.io docs/concepts/overview/working-with-objects (required fields)"},
    CodeInfo{kObjectDuplicate, kDiagnostic, "two objects share kind, namespace and name and differ",
             "A cluster holds one object of a name; which one it would be depends on the order of apply. The "
             "first is used.",
             "Remove one of the two; the message names both places.",
             "kubernetes.io docs/concepts/overview/working-with-objects/names"},
    CodeInfo{kObjectRepeated, kDiagnostic, "the same object stands in the input twice",
             "Both are alike, so nothing depends on which is used.", "Leave one out.",
             "kubernetes.io docs/concepts/overview/working-with-objects/names"},
    CodeInfo{kNamespaceDefaulted, kDiagnostic, "objects without metadata.namespace",
             "The API server puts a namespaced object without a namespace into that of the request, as "
             "kubectl -n does.",
             "Write the namespace, or name it with -n.",
             "kubernetes.io docs/concepts/overview/working-with-objects/namespaces"},
    CodeInfo{kFieldType, kDiagnostic, "a field has the wrong type",
             "The API server decodes manifests strictly by type: \"80\" is text, 80 a number. It refuses the "
             "object, so it has no effect here.",
             "Write the value as the message says.", kApiConcepts},
    CodeInfo{kFieldUnknown, kDiagnostic, "a field is not known",
             "kubectl asks for strict validation and is refused; a server without it drops the field and "
             "takes the rest. The object is used "
             "without the field.",
             "Correct the name, or move the field where it belongs.", kApiConcepts},
    CodeInfo{kFieldInvalid, kDiagnostic, "the API server would refuse this object",
             "A field breaks a rule of the kind's validation. As in a cluster the object has no effect.",
             "Write the value as the message says; --strict makes this an error of the run.", kApiConcepts},
    CodeInfo{kFieldNotModelled, kDiagnostic, "a field can change traffic and is not modelled",
             "The verdict is given as if the field were not there.",
             "Read verdicts that involve this object with that in mind.",
             "waypath README.md (What is modelled)"},
    CodeInfo{kFieldIgnored, kDiagnostic, "a field is read in an older meaning",
             "The API has dropped this field; clusters with an older CRD still honour it.",
             "Write the field that replaced it.", "kubernetes-sigs/network-policy-api CHANGELOG.md"},
    CodeInfo{kKindNotModelled, kDiagnostic, "a kind can change traffic and is not modelled",
             "Objects of this kind are known to exist and nothing more; verdicts are given as if they were "
             "not there.",
             "Read verdicts for what they touch with that in mind.", "waypath README.md (What is modelled)"},
    CodeInfo{kKindUnknown, kDiagnostic, "a kind is not known", "Kinds of other controllers are left out.",
             "Nothing, if the kind routes or filters no traffic.", "waypath README.md (What is modelled)"},
    CodeInfo{kKindVersionUnknown, kDiagnostic, "a kind has an unknown version",
             "The object is read in the shape of the versions that are known.", "Write a served version.",
             "kubernetes.io docs/reference/using-api (API versioning)"},
    CodeInfo{
        kHelmHookIgnored, kDiagnostic, "passing Helm hooks are left out",
        "Pods and Jobs annotated helm.sh/hook end, hooks with the delete policy hook-succeeded are taken "
        "away, and those of deleting, rolling back and testing are not made yet. Other hooks stay in the "
        "cluster and are read, as is everything that was read from one.",
        "Remove the annotation in a copy to evaluate the cluster while the hook runs.",
        "helm.sh/docs/topics/charts_hooks"},
    CodeInfo{kPolicyRefusedByWebhook, kDiagnostic, "istiod's webhook would refuse this policy",
             "The policy breaks a rule of Istio's validation. Objects that got past the webhook exist and "
             "are evaluated as the proxies do.",
             "Write the policy as the message says.", "istio pkg/config/validation/validation.go"},
    CodeInfo{kPolicySamePriority, kDiagnostic, "two admin policies have one priority",
             "The order of policies of one priority is undefined; they are taken by name.",
             "Give each its own priority.", "kubernetes-sigs/network-policy-api apis/v1alpha1"},
    CodeInfo{kMeshConfigInvalid, kDiagnostic, "the mesh configuration has a bad value",
             "istiod refuses the whole mesh configuration and keeps the last good one; the other values are "
             "used here.",
             "Write the value as the message says.", "istio pkg/config/mesh/mesh.go"},
    CodeInfo{kMeshConfigSeveral, kDiagnostic, "several mesh configurations",
             "Each revision of istiod has its own; revisions are not told apart.",
             "Give the manifests of one revision.", "istio.io docs/setup/upgrade/canary (revisions)"},
    CodeInfo{
        kGatewayParameters, kDiagnostic, "the parameters of a Gateway cannot be laid over",
        "A ConfigMap that spec.infrastructure.parametersRef of a Gateway names, or that has the defaults "
        "of its class, patches the Deployment and the Service that istiod makes. It is not given, or "
        "istiod would refuse it.",
        "Do as the message says.",
        "istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go (applyOverlay)"},
    CodeInfo{kSelectorGeneratedLabel, kDiagnostic, "a selector names a label that a controller makes up",
             "Pods that are derived from a workload's template lack labels such as pod-template-hash, whose "
             "values only a cluster knows; "
             "the selector matches none of them.",
             "Give the live pods, or select by labels of the template.",
             "kubernetes.io docs/concepts/workloads/controllers/deployment (pod-template-hash label)"},
    CodeInfo{kChangeUnknownObject, kDiagnostic, "a change names an object that is not there",
             "A reference is Kind/namespace/name, or Kind/name for a cluster-scoped kind.",
             "See the near names in the message.", "waypath scenarios/FORMAT.md"},
    CodeInfo{kChangeFailed, kDiagnostic, "a change cannot be applied",
             "The patch does not fit the object, or its result is no object.",
             "See the message for the part that does not fit.", "RFC 6902, RFC 7396"},
};

}  // namespace

std::vector<CodeInfo> diagnostic_codes() {
  std::vector<CodeInfo> out(kRows.begin(), kRows.end());
  const auto input = yaml::input_codes();
  out.insert(out.end(), input.begin(), input.end());
  std::sort(out.begin(), out.end(), [](const CodeInfo& a, const CodeInfo& b) { return a.code < b.code; });
  return out;
}

}  // namespace waypath::model
