// Where AuthorizationPolicies and RequestAuthentications are enforced, and where they only seem to be
// (authorization.md section 2).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/lint/context.h"
#include "sim/lint/selector_slip.h"
#include "sim/policy/attachment.h"

namespace waypath::sim {

namespace {

using model::AuthorizationAction;
using model::AuthorizationPolicy;
using model::PodId;
using model::Severity;
using model::Symbol;

/// A policy of either kind.
struct Policy {
  const model::ObjectMeta& meta;
  const model::PolicyAttachment& attachment;
  const AuthorizationPolicy* authorization = nullptr;
  [[nodiscard]] std::string text() const { return LintContext::object_text(meta.key); }
  [[nodiscard]] ObjectAt at() const {
    return lint_at(meta, attachment.selector ? attachment.selector->pos : meta.pos);
  }
};

// ---- targetRefs ----

// A target of that kind and name in another namespace.
std::optional<std::string> elsewhere(const LintContext& c, const model::PolicyTargetRef& ref) {
  const auto look = [&](const auto& objects) -> std::optional<std::string> {
    for (const auto& object : objects)
      if (object->meta.name() == ref.name) return object->meta.ns().str();
    return std::nullopt;
  };
  if (ref.kind == "Gateway") return look(c.snapshot.all<model::Gateway>());
  if (ref.kind == "Service") return look(c.snapshot.all<model::Service>());
  if (ref.kind == "ServiceEntry") return look(c.snapshot.all<model::ServiceEntry>());
  return std::nullopt;
}

void targets(LintContext& c, const Policy& p) {
  for (const auto& ref : p.attachment.target_refs) {
    std::string why;
    const PolicyCondition condition = target_condition(c.cluster, p.meta, ref, why);
    if (condition.status) continue;
    ObjectAt at = lint_at(p.meta, ref.pos);
    const auto lost = [&](std::string_view text) {
      return fmt::format("{} is enforced nowhere by its targetRef: {}", p.text(), text);
    };
    if (condition.reason == "TargetNotFound") {
      if (const auto ns = elsewhere(c, ref)) {
        c.report(kLintAuthzTargetNamespace, std::move(at),
                 lost(fmt::format("{} {} is in namespace {}, and a targetRef reaches its own namespace only",
                                  ref.kind, ref.name.view(), *ns)),
                 fmt::format("move the policy to namespace {}", *ns));
      } else {
        c.report(kLintAuthzTargetMissing, std::move(at), lost(why), "correct kind and name of the targetRef");
      }
    } else if (condition.reason == "AncestorNotBound") {
      c.report(
          kLintAuthzTargetUnbound, std::move(at), lost(why),
          fmt::format("bind {} {} to a waypoint (istio.io/use-waypoint), or select the pods for L4 rules",
                      ref.kind, ref.name.view()));
    } else {
      c.report(kLintAuthzTargetInvalid, std::move(at), lost(why),
               "target a Gateway, Service or ServiceEntry of the policy's namespace");
    }
  }
}

// ---- selectors ----

/// The pods that a policy reaches by namespace and selector, by what carries their traffic.
struct Reached {
  std::map<Dataplane, std::vector<std::string>> workloads;  // names without repeats
  std::vector<std::string> other_namespaces;                // workloads outside the policy's, no gateways
  [[nodiscard]] bool any(Dataplane d) const { return workloads.contains(d); }
  [[nodiscard]] std::string list(Dataplane d) const { return LintContext::list_text(workloads.at(d)); }
};

Reached reach_of(const LintContext& c, const Policy& p) {
  Reached out;
  const bool root = p.meta.ns() == c.cluster.mesh().root_namespace;
  const model::LabelSelector every;
  const auto& selector = p.attachment.selector ? *p.attachment.selector : every;
  std::set<std::string> seen;
  for (const auto& ns : c.cluster.namespaces()) {
    if (!root && ns->meta.name() != p.meta.ns()) continue;
    for (const PodId id : c.cluster.select(ns->meta.name(), selector)) {
      std::string name = c.pod_text(id);
      if (!seen.insert(name).second) continue;
      const Dataplane dataplane = c.dataplane(id);
      if (ns->meta.name() != p.meta.ns() && dataplane != Dataplane::Gateway &&
          dataplane != Dataplane::Waypoint)
        out.other_namespaces.push_back(name);
      out.workloads[dataplane].push_back(std::move(name));
    }
  }
  return out;
}

void selected_nothing(LintContext& c, const Policy& p) {
  const auto& selector = *p.attachment.selector;
  if (names_generated_label(c, selector)) return;
  std::vector<Symbol> namespaces{p.meta.ns()};
  if (p.meta.ns() == c.cluster.mesh().root_namespace)
    for (const auto& ns : c.cluster.namespaces()) namespaces.push_back(ns->meta.name());
  const auto slip = selector_slip(c, namespaces, selector);
  c.report(kLintAuthzSelectsNothing, p.at(),
           fmt::format("{} selects {}, which is no pod{}{}", p.text(), selector.str(), slip ? ": " : "",
                       slip.value_or("")),
           slip ? "correct the selector, or the namespace" : "delete the policy if its pods are gone",
           slip ? Severity::Warning : Severity::Info);
}

void by_selector(LintContext& c, const Policy& p) {
  const Reached reached = reach_of(c, p);
  const bool named = p.attachment.selector && !p.attachment.selector->empty();
  if (reached.workloads.empty()) {
    if (named) selected_nothing(c, p);
    return;
  }
  if (p.attachment.selector && !named && reached.any(Dataplane::Ambient))
    c.report(
        kLintAuthzEmptySelector, p.at(),
        fmt::format(
            "{} has a selector without labels, which ztunnel attaches to no pod: it is not enforced for {}",
            p.text(), reached.list(Dataplane::Ambient)),
        "remove the selector to mean the namespace");
  if (named && reached.any(Dataplane::Waypoint) && !layered_waypoint_policies(c.cluster))
    c.report(
        kLintAuthzSelectsWaypoint, p.at(),
        fmt::format(
            "{} selects the pods of {}, and a waypoint takes no policy by selector: it is not enforced there",
            p.text(), reached.list(Dataplane::Waypoint)),
        "use targetRefs: the waypoint's Gateway, or the Service");
  const bool mesh_wide = !named && p.meta.ns() == c.cluster.mesh().root_namespace;
  const bool alone = reached.workloads.size() == 1;
  if (reached.any(Dataplane::None) && !mesh_wide && (named || alone))
    c.report(
        kLintAuthzOutsideMesh, p.at(),
        fmt::format("{} {}in the mesh, so nothing enforces {} there", reached.list(Dataplane::None),
                    reached.workloads.at(Dataplane::None).size() == 1 ? "is not " : "are not ", p.text()),
        "enrol the pods (istio.io/dataplane-mode: ambient), or use a NetworkPolicy",
        p.meta.ns() == c.cluster.mesh().root_namespace ? Severity::Info : Severity::Warning);
  if (named && p.meta.ns() == c.cluster.mesh().root_namespace && !reached.other_namespaces.empty())
    c.report(kLintAuthzMeshWide, p.at(),
             fmt::format("{} is in the root namespace: its selector reaches pods of every namespace, here {}",
                         p.text(), LintContext::list_text(reached.other_namespaces)),
             "move the policy to the namespace that is meant, if it is one");
  if (p.authorization == nullptr || !reached.any(Dataplane::Ambient)) return;
  if (p.attachment.selector && !named) return;
  const auto action = p.authorization->action;
  if (action != AuthorizationAction::Custom && action != AuthorizationAction::Audit) return;
  const bool custom = action == AuthorizationAction::Custom;
  const bool elsewhere_too = reached.any(Dataplane::Gateway) || reached.any(Dataplane::Sidecar);
  c.report(kLintAuthzAction, p.at(),
           fmt::format("{} is {}, which ztunnel does not enforce: {} {} it", p.text(),
                       custom ? "CUSTOM" : "AUDIT", reached.list(Dataplane::Ambient),
                       reached.workloads.at(Dataplane::Ambient).size() == 1 ? "goes without" : "go without"),
           "bind the Services to a waypoint and target that, or narrow the selector to gateways",
           custom && !elsewhere_too ? Severity::Error : Severity::Warning);
}

// ---- what an ALLOW does to everything else ----

bool plain_allow(const AuthorizationPolicy& p) {
  return p.action == AuthorizationAction::Allow && !p.dry_run;
}

void default_deny(LintContext& c) {
  const Symbol root = c.cluster.mesh().root_namespace;
  const auto mesh_wide = [&](const AuthorizationPolicy& p) {
    return plain_allow(p) && p.meta.ns() == root && p.attachment.target_refs.empty() &&
           !p.attachment.selector;
  };
  const auto policies = c.snapshot.all<AuthorizationPolicy>();
  const bool meant = std::any_of(policies.begin(), policies.end(),
                                 [&](const auto& p) { return mesh_wide(*p) && p->rules.empty(); });
  for (const auto& p : policies)
    if (!meant && mesh_wide(*p))
      c.report(
          kLintAuthzDefaultDeny, lint_at(p->meta),
          fmt::format(
              "{} is an ALLOW policy for the whole mesh: every workload refuses what no ALLOW policy allows",
              LintContext::object_text(p->meta.key)),
          "give it a selector, or say that this is meant with an ALLOW policy without rules beside it",
          Severity::Warning);
  // Workloads that this one policy makes default-deny.
  std::map<std::string, std::pair<const AuthorizationPolicy*, std::vector<std::string>>> sole;
  for (const EnforcementPoint& point : c.points()) {
    if (point.point.kind != PolicyPoint::Kind::Ztunnel) continue;
    const AuthorizationPolicy* one = nullptr;
    bool several = false;
    for (const auto* p : c.policies_at(point.point)) {
      if (!plain_allow(*p)) continue;
      several = several || one != nullptr;
      one = p;
    }
    if (several || one == nullptr || !one->attachment.selector || one->rules.empty()) continue;
    auto& entry = sole[one->meta.key.str()];
    entry.first = one;
    entry.second.push_back(c.pod_text(point.pods.front()));
  }
  for (const auto& [key, entry] : sole)
    c.report(
        kLintAuthzDefaultDeny, lint_at(entry.first->meta),
        fmt::format("{} is the only ALLOW policy of {}: all that it does not allow is refused",
                    LintContext::object_text(entry.first->meta.key), LintContext::list_text(entry.second)),
        "nothing, if that is meant; a DENY policy refuses without changing the rest");
}

void dry_runs(LintContext& c) {
  for (const auto& p : c.snapshot.all<AuthorizationPolicy>()) {
    if (!p->dry_run) continue;
    const bool custom = p->action == AuthorizationAction::Custom;
    c.report(
        kLintAuthzDryRun, lint_at(p->meta),
        custom
            ? fmt::format("{} is CUSTOM and a dry run: the generated filter may refuse what its rules match",
                          LintContext::object_text(p->meta.key))
            : fmt::format("{} is a dry run: it is not enforced", LintContext::object_text(p->meta.key)),
        "remove the annotation istio.io/dry-run to enforce it", custom ? Severity::Warning : Severity::Info);
  }
}

}  // namespace

void lint_authorization_attachment(LintContext& c) {
  const auto check = [&](const Policy& p) {
    if (p.attachment.target_refs.empty()) {
      by_selector(c, p);
    } else {
      targets(c, p);
    }
  };
  for (const auto& p : c.snapshot.all<AuthorizationPolicy>()) check({p->meta, p->attachment, p.get()});
  for (const auto& p : c.snapshot.all<model::RequestAuthentication>())
    check({p->meta, p->attachment, nullptr});
  default_deny(c);
  dry_runs(c);
}

}  // namespace waypath::sim
