// DestinationRule: which one holds for a proxy and a host, its subsets and its TLS; BackendTLSPolicy
// (routing.md 3.6, 2.6).

#include <fmt/format.h>

#include <algorithm>

#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using model::ClientTlsMode;

/// The rules of the most specific host of one namespace that covers `host`. Source: istio
/// pilot/pkg/model/config.go MostSpecificHostMatch.
const std::vector<MergedDestinationRule>* most_specific(const DestinationRuleIndex& index,
                                                        std::string_view host) {
  if (const auto exact = index.find(host); exact != index.end()) return &exact->second;
  const DestinationRuleIndex::value_type* best = nullptr;
  for (const auto& entry : index) {
    if (host_covers(entry.first, host) && (best == nullptr || more_specific(entry.first, best->first)))
      best = &entry;
  }
  return best == nullptr ? nullptr : &best->second;
}

using Rules = std::vector<const MergedDestinationRule*>;

/// What other namespaces see of one namespace's rules. The most specific host is chosen first: where its
/// rules are hidden from the viewer, a wider one does not stand in.
Rules exported(const RouteTables::Impl& impl, model::Symbol ns, std::string_view host, model::Symbol viewer) {
  Rules out;
  const auto it = impl.exported_rules.find(ns.view());
  if (it == impl.exported_rules.end()) return out;
  const auto* rules = most_specific(it->second, host);
  if (rules == nullptr) return out;
  for (const MergedDestinationRule& rule : *rules) {
    if (rule.export_to.empty() || rule.export_to.contains("*") || rule.export_to.contains(viewer.str()))
      out.push_back(&rule);
  }
  return out;
}

/// The first step that has rules for the host wins entirely: the proxy's own namespace, the Service's, the
/// root namespace. Source: istio pilot/pkg/model/push_context.go destinationRule,
/// getExportedDestinationRuleFromNamespace.
Rules find_rules(const RouteTables::Impl& impl, model::Symbol proxy_ns, model::Symbol service_ns,
                 std::string_view host) {
  const model::Symbol root = impl.cluster.mesh().root_namespace;
  const DestinationRuleIndex* local = nullptr;
  if (proxy_ns == root) {
    local = &impl.root_local_rules;
  } else if (const auto it = impl.local_rules.find(proxy_ns.view()); it != impl.local_rules.end()) {
    local = &it->second;
  }
  if (const auto* own = local == nullptr ? nullptr : most_specific(*local, host)) {
    Rules out;
    for (const MergedDestinationRule& rule : *own) out.push_back(&rule);
    return out;
  }
  if (!service_ns.empty()) {
    if (Rules theirs = exported(impl, service_ns, host, proxy_ns); !theirs.empty()) return theirs;
  }
  return exported(impl, root, host, proxy_ns);
}

/// A rule whose selector fits stands alone; else the last of those without one. Source: istio
/// pilot/pkg/model/sidecar.go SidecarScope.DestinationRule.
const MergedDestinationRule* choose(const Rules& rules, const ProxyView& proxy) {
  const MergedDestinationRule* of_all = nullptr;
  for (const MergedDestinationRule* rule : rules) {
    const model::DestinationRule& first = *rule->parts.front();
    if (!first.workload_selector) {
      of_all = rule;
    } else if (first.meta.ns() == proxy.ns &&
               (first.workload_selector->empty() ||
                (proxy.labels != nullptr && first.workload_selector->matches(*proxy.labels)))) {
      return rule;
    }
  }
  return of_all;
}

/// TLS settings and who says them.
struct Tls {
  model::ClientTls settings;
  std::optional<ObjectAt> at;
  const model::BackendTlsPolicy* policy = nullptr;  // not null: of a policy, not of a DestinationRule
};

const model::ClientTls* of_port(const model::TrafficPolicy& policy, std::uint16_t port) {
  const auto it = std::find_if(policy.port_levels.begin(), policy.port_levels.end(),
                               [&](const auto& entry) { return entry.first == port; });
  return it == policy.port_levels.end() ? nullptr : &it->second;
}

/// What a port's level leaves out it does not inherit. Source: istio pilot/pkg/networking/util/util.go
/// GetPortLevelTrafficPolicy.
Tls tls_of(const RouteTables::Impl& impl, const model::DestinationRule& rule, std::uint16_t port) {
  const model::TrafficPolicy& policy = *rule.traffic_policy;
  const model::ClientTls* level = of_port(policy, port);
  Tls out{level != nullptr ? *level : policy.tls, std::nullopt, nullptr};
  if (out.settings.mode != ClientTlsMode::Unset) out.at = object_at(rule.meta, policy.pos);
  if (const auto it = impl.backend_policies.find(&rule); it != impl.backend_policies.end()) {
    out.policy = it->second.all_ports;
    for (const auto& [number, of] : it->second.ports)
      if (number == port) out.policy = of;
  }
  return out;
}

/// The trafficPolicy of merged rules is that of the first that has one; what is made of BackendTLSPolicies is
/// the first of all. Since release note 60358 fields of DestinationRules that somebody wrote come before
/// those of the policies, port by port. Source: istio pilot/pkg/model/destination_rule.go
/// mergeDestinationRule, mergeBackendPolicyTrafficPolicy.
Tls merged_tls(const RouteTables::Impl& impl, const MergedDestinationRule& rule, std::uint16_t port) {
  const model::DestinationRule* written = nullptr;
  const model::DestinationRule* made = nullptr;
  for (const model::DestinationRule* part : rule.parts) {
    if (!part->traffic_policy) continue;
    auto*& slot = impl.backend_policies.contains(part) ? made : written;
    if (slot == nullptr) slot = part;
  }
  if (made == nullptr) return written == nullptr ? Tls() : tls_of(impl, *written, port);
  const Tls of_policies = tls_of(impl, *made, port);
  if (written == nullptr ||
      !impl.cluster.profile().has(model::Feature::DestinationRuleWinsOverBackendTlsPolicy))
    return of_policies;
  const Tls of_rule = tls_of(impl, *written, port);
  const bool rule_has_port = of_port(*written->traffic_policy, port) != nullptr;
  const bool policies_have_port = of_port(*made->traffic_policy, port) != nullptr;
  if (rule_has_port != policies_have_port) return rule_has_port ? of_rule : of_policies;
  return of_rule.settings.mode != ClientTlsMode::Unset ? of_rule : of_policies;
}

/// Source: istio pilot/pkg/networking/util/util.go MergeSubsetTrafficPolicy.
void overlay(Tls& tls, const model::DestinationRule& rule, const model::DestinationRule::Subset& subset,
             std::uint16_t port) {
  if (!subset.traffic_policy) return;
  const model::ClientTls* level = of_port(*subset.traffic_policy, port);
  const model::ClientTls& settings = level != nullptr ? *level : subset.traffic_policy->tls;
  if (settings.mode == ClientTlsMode::Unset && level == nullptr) return;
  tls = {settings, std::nullopt, nullptr};
  if (settings.mode != ClientTlsMode::Unset) tls.at = object_at(rule.meta, subset.pos);
}

/// A rule is merged into each earlier one of its host that it may be, and stands apart unless the last that
/// it was compared with took it in. Source: istio pilot/pkg/model/destination_rule.go mergeDestinationRule.
void merge(const RouteTables::Impl& impl, DestinationRuleIndex& index, const std::string& host,
           const model::DestinationRule& rule, std::set<std::string> export_to) {
  const bool by_export = impl.cluster.profile().has(model::Feature::DestinationRulesApartByExport);
  std::vector<MergedDestinationRule>& list = index[host];
  bool apart = true;
  for (MergedDestinationRule& other : list) {
    if (by_export) {
      apart = other.export_to != export_to;
      if (apart &&
          (other.export_to.empty() || !std::includes(export_to.begin(), export_to.end(),
                                                     other.export_to.begin(), other.export_to.end())))
        continue;
    }
    const auto& theirs = other.parts.front()->workload_selector;
    const auto& own = rule.workload_selector;
    if (theirs && own && theirs->str() != own->str()) {
      apart = true;
      continue;
    }
    if (theirs.has_value() == own.has_value()) apart = false;
    other.parts.push_back(&rule);
  }
  if (!by_export && !list.empty()) {  // one exportTo for all of them, the first that is given
    if (!list.front().export_to.empty()) export_to = list.front().export_to;
    for (MergedDestinationRule& other : list) other.export_to = export_to;
  }
  if (apart) list.push_back({{&rule}, std::move(export_to)});
}

/// Source: istio pilot/pkg/model/push_context.go setDestinationRules.
void index_rule(RouteTables::Impl& impl, const std::string& host, const model::DestinationRule& rule) {
  const std::string ns = rule.meta.ns().str();
  std::set<std::string> export_to(rule.export_to.begin(), rule.export_to.end());
  if (rule.workload_selector) export_to = {"."};
  if (export_to.empty() || export_to.contains("*") || export_to.contains(".") || export_to.contains(ns))
    merge(impl, impl.local_rules[ns], host, rule, export_to);
  const std::vector<std::string>& by_default = impl.cluster.mesh().default_destination_rule_export_to;
  const bool is_private = export_to.empty()
                              ? std::find(by_default.begin(), by_default.end(), ".") != by_default.end()
                              : export_to.size() == 1 && (export_to.contains(".") || export_to.contains(ns));
  if (!is_private) {
    merge(impl, impl.exported_rules[ns], host, rule, export_to);
  } else if (rule.meta.ns() == impl.cluster.mesh().root_namespace) {
    merge(impl, impl.root_local_rules, host, rule, export_to);
  }
}

bool targets(const model::BackendTlsPolicy& policy, const model::BackendTlsPolicy::Target& target,
             const model::RegistryService& service) {
  const std::string_view kind = service.service != nullptr ? "Service" : "ServiceEntry";
  return target.kind == kind && service.meta().ns() == policy.meta.ns() &&
         service.meta().name() == target.name;
}

/// The oldest policy of a host, and of each of its ports, becomes a DestinationRule of the target's
/// namespace: every proxy that sees such a rule has it. Source: istio
/// pilot/pkg/config/kube/gateway/backend_policies.go DestinationRuleCollection, BackendTLSPolicyCollection.
void make_backend_rules(RouteTables::Impl& impl) {
  if (!impl.cluster.profile().has(model::Feature::BackendTlsPolicyApplied)) return;
  std::vector<const model::BackendTlsPolicy*> policies;
  for (const auto& policy : impl.cluster.snapshot().all<model::BackendTlsPolicy>())
    policies.push_back(policy.get());
  std::stable_sort(policies.begin(), policies.end(), [](const auto* a, const auto* b) {
    return std::pair(std::string_view(a->meta.creation_timestamp), a->meta.name().view()) <
           std::pair(std::string_view(b->meta.creation_timestamp), b->meta.name().view());
  });
  if (policies.empty()) return;
  for (const model::RegistryService& service : impl.cluster.services()) {
    BackendPolicyRule made;
    for (const model::BackendTlsPolicy* policy : policies) {
      for (const model::BackendTlsPolicy::Target& target : policy->targets) {
        if (!targets(*policy, target, service)) continue;
        if (target.section_name.empty()) {
          if (made.all_ports == nullptr) made.all_ports = policy;
          continue;
        }
        for (const model::RegistryService::Port& port : service.ports) {
          if (port.name == std::string_view(target.section_name) &&
              std::none_of(made.ports.begin(), made.ports.end(),
                           [&](const auto& entry) { return entry.first == port.port; }))
            made.ports.emplace_back(port.port, policy);
        }
      }
    }
    if (made.all_ports == nullptr && made.ports.empty()) continue;
    const auto settings = [](const model::BackendTlsPolicy& policy) {
      return model::ClientTls{ClientTlsMode::Simple, policy.hostname, policy.subject_alt_names};
    };
    model::DestinationRule& rule = impl.backend_rules.emplace_back();
    rule.meta = (made.all_ports != nullptr ? made.all_ports : made.ports.front().second)->meta;
    rule.host = service.host;
    rule.traffic_policy.emplace();
    if (made.all_ports != nullptr) rule.traffic_policy->tls = settings(*made.all_ports);
    for (const auto& [port, policy] : made.ports)
      rule.traffic_policy->port_levels.emplace_back(port, settings(*policy));
    impl.backend_policies.emplace(&rule, std::move(made));
  }
}

/// Only a ConfigMap can hold the certificates, and only the first reference counts. With another kind the
/// certificates never come, which blocks the traffic; a sidecar is not given such a reference and speaks
/// plaintext. Source: istio pilot/pkg/config/kube/gateway/backend_policies.go getBackendTLSCredentialName;
/// pilot/pkg/networking/core/cluster_tls.go buildUpstreamClusterTLSContext.
void add_certificates(const model::BackendTlsPolicy& policy, const ProxyView& proxy, RouteTarget& target) {
  if (policy.well_known_ca) {
    target.upstream_ca.emplace_back("system");
    return;
  }
  if (policy.ca_refs.empty()) return;
  const model::CertificateRef& ref = policy.ca_refs.front();
  const std::string kind = ref.kind.empty() ? "ConfigMap" : ref.kind;
  target.upstream_ca.push_back(fmt::format("{}/{}/{}", kind, policy.meta.ns().view(), ref.name));
  if (kind == "ConfigMap") return;
  if (proxy.sidecar) {
    target.upstream_tls = false;
    target.tls_mode = ClientTlsMode::Disable;
    target.upstream_sni.clear();
    target.upstream_sans.clear();
    target.upstream_ca.clear();
    return;
  }
  target.error_status = 503;
  target.error = kRouteBackendTlsInvalid;
  target.error_detail = fmt::format("{}: caCertificateRefs names kind {}", policy.meta.key.str(), ref.kind);
}

}  // namespace

void build_destination_rules(RouteTables::Impl& impl) {
  make_backend_rules(impl);
  std::vector<const model::DestinationRule*> rules;
  for (const model::DestinationRule& rule : impl.backend_rules) rules.push_back(&rule);  // as if oldest
  for (const auto& rule : impl.cluster.snapshot().all<model::DestinationRule>()) rules.push_back(rule.get());
  // Source: istio pilot/pkg/model/push_context.go sortConfigBySelectorAndCreationTime.
  const auto place = [&](const model::DestinationRule& rule) {
    const bool made = impl.backend_policies.contains(&rule);
    return std::tuple(!rule.workload_selector, !made,
                      made ? std::string_view() : std::string_view(rule.meta.creation_timestamp),
                      rule.meta.name().view());
  };
  std::stable_sort(rules.begin(), rules.end(),
                   [&](const auto* a, const auto* b) { return place(*a) < place(*b); });
  for (const model::DestinationRule* rule : rules) {
    index_rule(impl,
               resolve_short_host(lower_case(rule->host), rule->meta.ns().view(),
                                  impl.cluster.mesh().cluster_domain),
               *rule);
  }
}

void apply_destination_rule(const RouteTables::Impl& impl, const ProxyView& proxy, RouteTarget& target) {
  const model::RegistryService* service =
      target.service.valid() ? &impl.cluster.service(target.service) : nullptr;
  const MergedDestinationRule* rule = choose(
      find_rules(impl, proxy.ns, service == nullptr ? model::Symbol() : service->ns, target.host), proxy);
  // Source: istio releasenotes ambient-waypoint-portlevel.yaml
  const bool port_levels =
      !proxy.waypoint || impl.cluster.profile().has(model::Feature::WaypointPortLevelSettings);
  const std::uint16_t port = port_levels ? target.port : std::uint16_t{0};  // which no level has
  Tls tls;
  if (rule != nullptr) tls = merged_tls(impl, *rule, port);
  if (!target.subset.empty()) {
    // The subsets of all, the first of a name.
    const model::DestinationRule::Subset* subset = nullptr;
    const model::DestinationRule* owner = nullptr;
    if (rule != nullptr) {
      for (const model::DestinationRule* part : rule->parts) {
        for (const model::DestinationRule::Subset& s : part->subsets) {
          if (subset != nullptr || s.name != target.subset) continue;
          subset = &s;
          owner = part;
        }
      }
    }
    if (subset == nullptr) {
      target.error_status = 503;
      target.error = kRouteSubsetNotFound;
      target.error_detail =
          fmt::format("subset {} of {} is defined in no DestinationRule that namespace {} sees",
                      target.subset, target.host, proxy.ns.view());
      return;
    }
    for (const auto& [key, value] : subset->labels) target.subset_labels.emplace_back(key.str(), value.str());
    std::sort(target.subset_labels.begin(), target.subset_labels.end());
    overlay(tls, *owner, *subset, port);
  }
  target.tls_mode = tls.settings.mode;
  target.rule_at = tls.at;
  if (target.tls_mode != ClientTlsMode::Simple && target.tls_mode != ClientTlsMode::Mutual) return;
  target.upstream_tls = true;
  target.upstream_sni = tls.settings.sni;
  target.upstream_sans = tls.settings.subject_alt_names;
  if (tls.policy != nullptr) add_certificates(*tls.policy, proxy, target);
}

}  // namespace waypath::sim
