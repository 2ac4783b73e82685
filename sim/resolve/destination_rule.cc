// DestinationRule: which one holds for a proxy and a host, its subsets and its TLS; BackendTLSPolicy
// (routing.md 3.6, 2.6).

#include <fmt/format.h>

#include <algorithm>

#include "sim/reason_codes_route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using model::ClientTlsMode;

/// The most specific rule of one namespace that covers the host and is visible to the viewer.
const MergedDestinationRule* best_of(const RouteTables::Impl& impl, model::Symbol ns, std::string_view host,
                                     model::Symbol viewer, bool private_only) {
  const auto it = impl.destination_rules_by_ns.find(ns.view());
  if (it == impl.destination_rules_by_ns.end()) return nullptr;
  const MergedDestinationRule* best = nullptr;
  for (const MergedDestinationRule* rule : it->second) {
    if (!host_covers(rule->host, host)) continue;
    const bool is_private = rule->export_to == model::ExportTo{"."};
    if (private_only ? !is_private
                     : !visible_to(rule->export_to, impl.cluster.mesh().default_destination_rule_export_to,
                                   rule->ns, viewer)) {
      continue;
    }
    if (best == nullptr || more_specific(rule->host, best->host)) best = rule;
  }
  return best;
}

/// The first step that has a rule for the host wins entirely: the proxy's own namespace, the Service's, the
/// root namespace. Source: istio pilot/pkg/model/push_context.go destinationRule.
const MergedDestinationRule* find_rule(const RouteTables::Impl& impl, model::Symbol proxy_ns,
                                       model::Symbol service_ns, std::string_view host) {
  const model::Symbol root = impl.cluster.mesh().root_namespace;
  const bool at_root = proxy_ns == root;
  if (const auto* own = best_of(impl, proxy_ns, host, proxy_ns, at_root)) return own;
  if (!service_ns.empty()) {
    if (const auto* theirs = best_of(impl, service_ns, host, proxy_ns, false)) return theirs;
  }
  return best_of(impl, root, host, proxy_ns, false);
}

struct Tls {
  ClientTlsMode mode = ClientTlsMode::Unset;
  std::string sni;
  std::vector<std::string> sans;
};

void overlay(Tls& tls, const std::optional<model::TrafficPolicy>& policy, std::uint16_t port,
             bool port_levels) {
  if (!policy) return;
  const auto it = std::find_if(policy->port_tls.begin(), policy->port_tls.end(),
                               [&](const auto& entry) { return entry.first == port; });
  const ClientTlsMode mode = port_levels && it != policy->port_tls.end() ? it->second : policy->tls;
  if (mode == ClientTlsMode::Unset) return;
  tls.mode = mode;
  tls.sni = policy->sni;
  tls.sans = policy->subject_alt_names;
}

/// Source: gateway-api apis/v1/backendtlspolicy_types.go; istio
/// pilot/pkg/config/kube/gateway/backend_policies.go.
const model::BackendTlsPolicy* backend_tls_policy(const RouteTables::Impl& impl,
                                                  const model::RegistryService& service, std::uint16_t port) {
  if (!impl.cluster.profile().has(model::Feature::BackendTlsPolicyApplied) || service.service == nullptr)
    return nullptr;
  const model::RegistryService::Port* p = service.find_port(port);
  const auto of_service = impl.backend_tls_policies.find(std::pair(service.ns.str(), service.name.str()));
  if (of_service == impl.backend_tls_policies.end()) return nullptr;
  const model::BackendTlsPolicy* of_all_ports = nullptr;
  for (const auto& [policy, section] : of_service->second) {
    if (section.empty()) {
      if (of_all_ports == nullptr) of_all_ports = policy;
    } else if (p != nullptr && p->name == std::string_view(section)) {
      return policy;
    }
  }
  return of_all_ports;
}

/// Oldest first; ties by name. Source: istio pilot/pkg/config/kube/gateway/backend_policies.go.
void index_backend_tls_policies(RouteTables::Impl& impl) {
  std::vector<const model::BackendTlsPolicy*> policies;
  for (const auto& policy : impl.cluster.snapshot().all<model::BackendTlsPolicy>())
    policies.push_back(policy.get());
  std::stable_sort(policies.begin(), policies.end(), [](const auto* a, const auto* b) {
    return std::pair(std::string_view(a->meta.creation_timestamp), a->meta.name().view()) <
           std::pair(std::string_view(b->meta.creation_timestamp), b->meta.name().view());
  });
  for (const model::BackendTlsPolicy* policy : policies) {
    for (const model::BackendTlsPolicy::Target& target : policy->targets) {
      if (target.kind != "Service") continue;
      impl.backend_tls_policies[{policy->meta.ns().str(), target.name.str()}].emplace_back(
          policy, target.section_name);
    }
  }
}

}  // namespace

void build_destination_rules(RouteTables::Impl& impl) {
  index_backend_tls_policies(impl);
  std::vector<const model::DestinationRule*> rules;
  for (const auto& rule : impl.cluster.snapshot().all<model::DestinationRule>()) rules.push_back(rule.get());
  std::stable_sort(rules.begin(), rules.end(), [](const auto* a, const auto* b) {
    if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
      return a->meta.creation_timestamp < b->meta.creation_timestamp;
    }
    return a->meta.name().view() < b->meta.name().view();
  });
  for (const model::DestinationRule* rule : rules) {
    std::string host = resolve_short_host(lower_case(rule->host), rule->meta.ns().view(),
                                          impl.cluster.mesh().cluster_domain);
    MergedDestinationRule& merged = impl.destination_rules[{rule->meta.ns().str(), host}];
    if (merged.parts.empty()) {
      merged.host = std::move(host);
      merged.ns = rule->meta.ns();
      merged.export_to = rule->export_to;
    }
    merged.parts.push_back(rule);
  }
  for (const auto& [key, merged] : impl.destination_rules)
    impl.destination_rules_by_ns[key.first].push_back(&merged);
}

void apply_destination_rule(const RouteTables::Impl& impl, const ProxyView& proxy, RouteTarget& target) {
  const model::RegistryService* service =
      target.service.valid() ? &impl.cluster.service(target.service) : nullptr;
  const MergedDestinationRule* rule =
      find_rule(impl, proxy.ns, service == nullptr ? model::Symbol() : service->ns, target.host);
  Tls tls;
  std::optional<std::string> policy_created;  // of the DestinationRule whose trafficPolicy is taken
  const bool port_levels =
      !proxy.waypoint || impl.cluster.profile().has(model::Feature::WaypointPortLevelSettings);
  const model::DestinationRule::Subset* subset = nullptr;
  if (rule != nullptr) {
    // Source: istio pilot/pkg/model/destination_rule.go mergeDestinationRule: subsets of all, the oldest
    // trafficPolicy.
    // Source: istio releasenotes ambient-waypoint-portlevel.yaml
    bool policy_taken = false;
    for (const model::DestinationRule* part : rule->parts) {
      const bool selected = !part->workload_selector || part->workload_selector->empty() ||
                            (proxy.labels != nullptr && part->workload_selector->matches(*proxy.labels));
      if (!selected) continue;
      if (!policy_taken && part->traffic_policy) {
        overlay(tls, part->traffic_policy, target.port, port_levels);
        if (tls.mode != ClientTlsMode::Unset)
          target.rule_at = object_at(part->meta, part->traffic_policy->pos);
        policy_created = part->meta.creation_timestamp;
        policy_taken = true;
      }
      for (const model::DestinationRule::Subset& s : part->subsets) {
        if (subset == nullptr && !target.subset.empty() && s.name == target.subset) subset = &s;
      }
    }
  }
  if (!target.subset.empty()) {
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
    overlay(tls, subset->traffic_policy, target.port, port_levels);
    if (subset->traffic_policy && subset->traffic_policy->tls != ClientTlsMode::Unset)
      target.rule_at = object_at(rule->parts.front()->meta, subset->pos);
  }
  const bool gateway = !proxy.waypoint && !proxy.sidecar;
  const model::BackendTlsPolicy* policy =
      gateway && service != nullptr ? backend_tls_policy(impl, *service, target.port) : nullptr;
  // Source: istio release note 60358: since then a DestinationRule's own TLS settings come before those of
  // the policy; before, the older of the two objects counted.
  const bool rule_first = impl.cluster.profile().has(model::Feature::DestinationRuleWinsOverBackendTlsPolicy);
  const bool policy_wins =
      policy != nullptr &&
      (rule_first ? tls.mode == ClientTlsMode::Unset
                  : !policy_created || policy->meta.creation_timestamp < *policy_created);
  if (!policy_wins) {
    target.tls_mode = tls.mode;
    if (tls.mode == ClientTlsMode::Simple || tls.mode == ClientTlsMode::Mutual) {
      target.upstream_tls = true;
      target.upstream_sni = tls.sni;
      target.upstream_sans = tls.sans;
    }
    return;
  }
  target.upstream_tls = true;
  target.tls_mode = ClientTlsMode::Simple;
  target.upstream_sni = policy->hostname;
  target.upstream_sans = policy->subject_alt_names;
  if (policy->well_known_ca) target.upstream_ca.emplace_back("system");
  for (const model::CertificateRef& ref : policy->ca_refs) {
    target.upstream_ca.push_back(fmt::format("{}/{}/{}", ref.kind.empty() ? "ConfigMap" : ref.kind,
                                             policy->meta.ns().view(), ref.name));
    if (ref.kind != "ConfigMap" && ref.kind != "Secret" && !ref.kind.empty()) {
      target.error_status = 503;
      target.error = kRouteBackendTlsInvalid;
      target.error_detail =
          fmt::format("{}: caCertificateRefs names kind {}", policy->meta.key.str(), ref.kind);
    }
  }
}

}  // namespace waypath::sim
