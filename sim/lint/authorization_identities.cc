// Callers that policies name, held against the service accounts and namespaces there are.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/base/edit_distance.h"
#include "sim/lint/context.h"

namespace waypath::sim {

namespace {

using model::AuthorizationPolicy;
using model::Severity;

/// Who there is: service accounts by namespace, and whether their pods are in the mesh.
struct Accounts {
  struct Account {
    bool pods = false, meshed = false;
  };
  std::map<std::string, std::map<std::string, Account, std::less<>>, std::less<>> by_namespace;

  explicit Accounts(const LintContext& c) {
    for (const auto& ns : c.cluster.namespaces()) by_namespace[ns->meta.name().str()];
    for (const auto& account : c.snapshot.all<model::ServiceAccount>())
      by_namespace[account->meta.ns().str()][account->meta.name().str()];
    for (std::uint32_t i = 0; i < c.cluster.pods().size(); ++i) {
      const model::Pod& pod = c.cluster.pod({i});
      Account& account = by_namespace[pod.meta.ns().str()][pod.spec.service_account.str()];
      account.pods = true;
      account.meshed = account.meshed || c.dataplane({i}) != Dataplane::None;
    }
  }
  // Without a single pod a namespace's accounts are not among the manifests.
  [[nodiscard]] static bool has_pods(const std::map<std::string, Account, std::less<>>& accounts) {
    return std::any_of(accounts.begin(), accounts.end(), [](const auto& a) { return a.second.pods; });
  }
};

class IdentityCheck {
 public:
  IdentityCheck(LintContext& c, const AuthorizationPolicy& policy, const Accounts& accounts)
      : c_(c), policy_(policy), accounts_(accounts) {}

  void check() {
    for (std::size_t i = 0; i < policy_.rules.size(); ++i) {
      rule_ = i;
      for (const auto& source : policy_.rules[i].from) {
        for (const auto* values : {&source.principals, &source.not_principals}) each(*values, true);
        for (const auto* values : {&source.namespaces, &source.not_namespaces})
          for (const auto& value : *values) ns(value.text, value.pos);
        for (const auto* values : {&source.service_accounts, &source.not_service_accounts})
          for (const auto& value : *values) service_account(value);
      }
      for (const auto& when : policy_.rules[i].when) {
        for (const auto* values : {&when.values, &when.not_values}) {
          if (when.key == "source.principal") each(*values, true);
          if (when.key == "source.namespace") each(*values, false);
        }
      }
    }
  }

 private:
  void each(const model::PolicyValues& values, bool principals) {
    for (const auto& value : values) principals ? principal(value) : ns(value.text, value.pos);
  }

  [[nodiscard]] ObjectAt at(model::SourcePos pos) const {
    return lint_at(policy_.meta, pos.known() ? pos : policy_.rules[rule_].pos, static_cast<int>(rule_),
                   "rules");
  }

  // "TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT". Source: istio pkg/spiffe/spiffe.go
  void principal(const model::PolicyValue& value) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    const std::string& text = value.text;
    if (text.find('*') != std::string::npos) return;
    while (start <= text.size()) {
      const std::size_t end = std::min(text.find('/', start), text.size());
      parts.push_back(text.substr(start, end - start));
      start = end + 1;
    }
    if (parts.size() != 5 || parts[1] != "ns" || parts[3] != "sa") {
      const bool scheme = text.rfind("spiffe://", 0) == 0;
      c_.report(
          kLintAuthzPrincipalForm, at(value.pos),
          fmt::format("\"{}\" is no caller's identity: {}", text,
                      scheme ? "principals are written without spiffe://"
                             : "principals are TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT"),
          scheme ? fmt::format("write {}", text.substr(9))
                 : fmt::format("write {}/ns/NAMESPACE/sa/SERVICE-ACCOUNT", c_.cluster.mesh().trust_domain));
      return;
    }
    trust_domain(parts[0], value);
    account(parts[2], parts[4], value.pos);
  }

  // Source: istio pilot/pkg/security/trustdomain/bundle.go; the conversion for ztunnel knows no aliases.
  void trust_domain(const std::string& domain, const model::PolicyValue& value) {
    const auto& mesh = c_.cluster.mesh();
    if (domain == mesh.trust_domain) return;
    const bool alias = domain == "cluster.local" ||
                       std::find(mesh.trust_domain_aliases.begin(), mesh.trust_domain_aliases.end(),
                                 domain) != mesh.trust_domain_aliases.end();
    const bool at_ztunnel = policy_.attachment.target_refs.empty() && c_.ambient();
    if (alias && !at_ztunnel) return;
    c_.report(kLintAuthzTrustDomain, at(value.pos),
              alias ? fmt::format("\"{}\": ztunnel compares trust domains literally, and callers are of {}",
                                  value.text, mesh.trust_domain)
                    : fmt::format("\"{}\": the mesh's trust domain is {}{}", value.text, mesh.trust_domain,
                                  mesh.given ? "" : " (no mesh configuration is given)"),
              fmt::format("write {}{}", mesh.trust_domain, value.text.substr(domain.size())),
              mesh.given ? Severity::Warning : Severity::Info);
  }

  void service_account(const model::PolicyValue& value) {
    const auto slash = value.text.find('/');
    if (slash == std::string::npos) return account(policy_.meta.ns().str(), value.text, value.pos);
    account(value.text.substr(0, slash), value.text.substr(slash + 1), value.pos);
  }

  void account(const std::string& in, const std::string& name, model::SourcePos pos) {
    const auto it = accounts_.by_namespace.find(in);
    if (it == accounts_.by_namespace.end()) return unknown_namespace(in, pos);
    const auto found = it->second.find(name);
    if (found != it->second.end()) {
      if (found->second.pods && !found->second.meshed)
        c_.report(kLintAuthzNoIdentity, at(pos),
                  fmt::format("the pods of service account {}/{} are not in the mesh and present no identity",
                              in, name),
                  "enrol them, or match by ipBlocks");
      return;
    }
    if (!Accounts::has_pods(it->second)) {
      c_.report(
          kLintAuthzPrincipal, at(pos),
          fmt::format(
              "no pod of namespace {} is among the manifests, so whether service account {} exists is not "
              "known",
              in, name),
          "give the manifests of the namespace too", Severity::Info);
      return;
    }
    std::vector<std::string_view> names;
    for (const auto& [other, account] : it->second) names.push_back(other);
    const auto near = model::nearest(name, names);
    c_.report(kLintAuthzPrincipal, at(pos),
              fmt::format("namespace {} has no service account {}{}", in, name,
                          near ? fmt::format(", but {}", *near) : std::string()),
              near ? fmt::format("write {}", *near)
                   : fmt::format("write one that pods of {} use: {}", in,
                                 LintContext::list_text({names.begin(), names.end()})));
  }

  void ns(const std::string& name, model::SourcePos pos) {
    if (name.find('*') != std::string::npos) return;
    const auto it = accounts_.by_namespace.find(name);
    if (it == accounts_.by_namespace.end()) return unknown_namespace(name, pos);
    const bool meshed = std::any_of(it->second.begin(), it->second.end(),
                                    [](const auto& account) { return account.second.meshed; });
    if (meshed || !Accounts::has_pods(it->second)) return;
    c_.report(kLintAuthzNoIdentity, at(pos),
              fmt::format("no pod of namespace {} is in the mesh, so none presents an identity", name),
              "enrol the namespace, or match by ipBlocks");
  }

  void unknown_namespace(const std::string& name, model::SourcePos pos) {
    std::vector<std::string_view> names;
    for (const auto& [other, accounts] : accounts_.by_namespace) names.push_back(other);
    const auto near = model::nearest(name, names);
    c_.report(
        kLintAuthzNamespace, at(pos),
        fmt::format("nothing is in namespace {}{}", name, near ? fmt::format(", there is {}", *near) : ""),
        near ? fmt::format("write {}", *near) : std::string("give its manifests too, or remove the value"),
        near ? Severity::Warning : Severity::Info);
  }

  LintContext& c_;
  const AuthorizationPolicy& policy_;
  const Accounts& accounts_;
  std::size_t rule_ = 0;
};

}  // namespace

void lint_authorization_identities(LintContext& c) {
  const Accounts accounts(c);
  for (const auto& policy : c.snapshot.all<AuthorizationPolicy>())
    IdentityCheck(c, *policy, accounts).check();
}

}  // namespace waypath::sim
