#include "sim/resolve/ingress.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/reason_codes_route.h"

namespace waypath::sim {

namespace {

TextMatcher path_prefix(std::string value) {
  TextMatcher out;
  out.kind = TextMatcher::Kind::PathPrefix;
  out.value = std::move(value);
  return out;
}

/// Source: istio pilot/pkg/config/kube/ingress/conversion.go createFallbackStringMatch,
/// ConvertIngressVirtualService.
TextMatcher path_matcher(const model::IngressPath& path) {
  switch (path.type) {
    case model::IngressPathType::Exact:
      return exact(path.path);
    case model::IngressPathType::Prefix: {
      std::string value = path.path.empty() ? "/" : path.path;
      while (value.size() > 1 && value.ends_with('/')) value.pop_back();
      return path_prefix(std::move(value));
    }
    case model::IngressPathType::ImplementationSpecific:
      break;
  }
  const std::string& text = path.path;
  if (text.empty() || text == "*" || text == "/*" || text == ".*") return path_prefix("/");
  TextMatcher out;
  out.kind = TextMatcher::Kind::Prefix;
  if (text.ends_with(".*")) {
    out.value = text.substr(0, text.size() - 2);
    return out;
  }
  if (text.ends_with("/*")) {
    out.value = text.substr(0, text.size() - 2);
    return out;
  }
  return exact(text);
}

std::optional<std::uint16_t> backend_port(const model::Cluster& cluster, const model::Ingress& ingress,
                                          const model::IngressBackend& backend) {
  if (const auto* number = std::get_if<std::uint16_t>(&backend.port)) return *number;
  const model::ServiceId id = cluster.find_service(ingress.meta.ns().view(), backend.service.view());
  if (!id.valid()) return std::nullopt;
  for (const model::RegistryService::Port& port : cluster.service(id).ports) {
    if (port.name == std::get<model::Symbol>(backend.port)) return port.port;
  }
  return std::nullopt;
}

}  // namespace

bool ingress_taken(const model::Cluster& cluster, const model::Ingress& ingress) {
  const model::MeshConfig& mesh = cluster.mesh();
  if (const model::Annotation* a = ingress.meta.annotation("kubernetes.io/ingress.class")) {
    return mesh.ingress_controller_mode != "OFF" && a->value == mesh.ingress_class;
  }
  if (ingress.ingress_class_name) {
    const auto* found = cluster.snapshot().find<model::IngressClass>("", *ingress.ingress_class_name);
    return found != nullptr && found->controller == "istio.io/ingress-controller";
  }
  return mesh.ingress_controller_mode == "DEFAULT";
}

void build_ingresses(RouteTables::Impl& impl) {
  std::vector<const model::Ingress*> taken;
  for (const auto& ingress : impl.cluster.snapshot().all<model::Ingress>()) {
    if (ingress_taken(impl.cluster, *ingress)) taken.push_back(ingress.get());
  }
  std::stable_sort(taken.begin(), taken.end(), [](const model::Ingress* a, const model::Ingress* b) {
    if (a->meta.creation_timestamp != b->meta.creation_timestamp) {
      return a->meta.creation_timestamp < b->meta.creation_timestamp;
    }
    if (a->meta.name() != b->meta.name()) return a->meta.name().view() < b->meta.name().view();
    return a->meta.ns().view() < b->meta.ns().view();
  });
  // One config for each host over all Ingresses.
  std::map<std::string, RouteConfig> by_host;
  for (const model::Ingress* ingress : taken) {
    for (std::size_t i = 0; i < ingress->rules.size(); ++i) {
      const model::IngressRule& rule = ingress->rules[i];
      const std::string host = rule.host.empty() ? "*" : lower_case(rule.host);
      const auto [it, added] = by_host.try_emplace(host);
      RouteConfig& config = it->second;
      if (added) {
        config.kind = "Ingress";
        config.key = ingress->meta.key;
        config.pos = ingress->meta.pos;
        config.ns = ingress->meta.ns();
        config.created = ingress->meta.creation_timestamp;
        config.hosts = {host};
        config.gateways = {std::string(kIngressGatewayName)};
        config.export_to = {"*"};
      }
      for (const model::IngressPath& path : rule.paths) {
        const ObjectAt at = object_at(ingress->meta, path.pos, static_cast<int>(i), "rules");
        const std::optional<std::uint16_t> port = backend_port(impl.cluster, *ingress, path.backend);
        if (path.backend.resource || !port) {
          config.losers.push_back(trace_node(
              "route", Decision::NotApplicable, kRouteIgnoredHere, at,
              path.backend.resource ? "a resource backend: Istio serves Service backends only"
                                    : fmt::format("port name not found on Service {}: Istio drops the path",
                                                  path.backend.service.view())));
          continue;
        }
        auto compiled = std::make_shared<HttpRule>();
        compiled->at = at;
        RuleDestination destination;
        destination.host = impl.cluster.host_of(ingress->meta.ns(), path.backend.service);
        destination.port = port;
        destination.at = at;
        compiled->destinations.push_back(std::move(destination));
        HttpEntry entry;
        entry.match.path = path_matcher(path);
        entry.match.pos = path.pos;
        entry.rule = std::move(compiled);
        entry.at = at;
        config.http.push_back(std::move(entry));
      }
    }
  }
  for (auto& [host, config] : by_host) {
    // Longest path first; Exact before Prefix of the same length.
    std::stable_sort(config.http.begin(), config.http.end(), [](const HttpEntry& a, const HttpEntry& b) {
      const TextMatcher& x = *a.match.path;
      const TextMatcher& y = *b.match.path;
      if (x.value.size() != y.value.size()) return x.value.size() > y.value.size();
      return x.kind == TextMatcher::Kind::Exact && y.kind != TextMatcher::Kind::Exact;
    });
    impl.configs.push_back(std::move(config));
  }
}

}  // namespace waypath::sim
