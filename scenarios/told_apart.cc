#include "scenarios/told_apart.h"

#include <algorithm>

#include "model/istio/security.h"
#include "scenarios/request_conditions.h"
#include "sim/match/route_match.h"
#include "sim/match/text_members.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/mesh.h"

namespace waypath::scenarios {
namespace {

using Kind = RequestAttribute::Kind;
using model::PodId;
using model::ServiceId;

constexpr const char* kPlainMethod = "GET";

bool of_request(const sim::Condition& c) {
  const auto http = 1U << static_cast<unsigned>(sim::Dialect::EnvoyHttp);
  return (c.active & http) != 0 &&
         (c.attribute == sim::Attribute::Method || c.attribute == sim::Attribute::Path);
}

sim::PolicyPoint waypoint_point(const model::Gateway& gateway, ServiceId service) {
  sim::PolicyPoint out;
  out.kind = sim::PolicyPoint::Kind::Waypoint;
  out.ns = gateway.meta.ns();
  out.gateway_name = gateway.meta.name();
  out.gateway_class = gateway.class_name;
  out.service = service;
  return out;
}

// A text for each set of conditions, the plain one first.
std::vector<std::string> texts_of(const RequestAttribute& attribute) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& text) {
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
  };
  for (const auto& value : attribute.values) {
    add(value.text);
    for (const auto& fit : value.fits) add(fit.text);
  }
  return out;
}

bool names_path(const std::vector<sim::Condition>& operation) {
  return std::any_of(operation.begin(), operation.end(),
                     [](const auto& c) { return c.attribute == sim::Attribute::Path; });
}

/// Whether some value that the operation lists fits one of the method and a plain request's and not the
/// other.
bool tells_method(const std::vector<sim::Condition>& operation, const std::string& method) {
  for (const auto& c : operation)
    if (c.attribute == sim::Attribute::Method)
      for (const auto* values : {c.written, c.not_written})
        if (values != nullptr && std::any_of(values->begin(), values->end(), [&](const auto& value) {
              const auto pattern = sim::value_pattern(value.text);
              return pattern.matches(method) != pattern.matches(kPlainMethod);
            }))
          return true;
  return false;
}

/// Whether the operation's paths may have one of these.
bool may_fit(const model::Cluster& cluster, const std::vector<sim::Condition>& operation,
             const std::vector<std::string>& paths) {
  return std::all_of(operation.begin(), operation.end(), [&](const sim::Condition& c) {
    return c.attribute != sim::Attribute::Path ||
           std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
             sim::RequestState state;
             state.path = path;
             const sim::PolicyRequest request(state, cluster.mesh().path_normalization, true);
             return !path.empty() &&
                    sim::match_condition(c, sim::Dialect::EnvoyHttp, request, nullptr) != sim::Tri::No;
           });
  });
}

/// A route's rules, each by itself.
void split(const model::Cluster& cluster, const RouteHosts& route, std::vector<RequestConditions>& out) {
  const auto add = [&](const RouteHosts& one) { out.emplace_back(cluster).add(one); };
  if (route.virtual_service != nullptr)
    for (const auto& http : route.virtual_service->http) {
      auto part = *route.virtual_service;
      part.http = {http};
      RouteHosts one;
      one.virtual_service = &part;
      add(one);
    }
  if (route.http_route != nullptr)
    for (const auto& rule : route.http_route->rules) {
      auto part = *route.http_route;
      part.rules = {rule};
      RouteHosts one;
      one.http_route = &part;
      add(one);
    }
  if (route.ingress != nullptr)
    for (const auto& path : route.ingress->paths) {
      auto part = *route.ingress;
      part.paths = {path};
      RouteHosts one;
      one.ingress = &part;
      add(one);
    }
}

/// Which rules may take the path: paths of one kind lead to the same places.
std::string taken_by(const std::vector<RequestConditions>& rules, const std::string& path) {
  std::string out;
  for (const auto& rule : rules)
    out += rule.answers(Kind::Path, "", {path}).find('1') != std::string::npos ? '1' : '0';
  return out;
}

}  // namespace

ToldApart::ToldApart(const model::Cluster& cluster, const std::vector<RouteHosts>& routes)
    : cluster_(cluster), routes_(routes), index_(cluster) {
  for (const auto& policy : cluster.snapshot().all<model::AuthorizationPolicy>()) {
    if (policy->action == model::AuthorizationAction::Audit) continue;
    std::vector<Operation> operations;
    for (const auto& rule : policy->rules)
      for (const auto& to : rule.to) {
        auto operation = sim::compile_operation(*policy, to);
        std::erase_if(operation, [](const sim::Condition& c) { return !of_request(c); });
        if (!operation.empty()) operations.push_back(std::move(operation));
      }
    if (operations.empty()) continue;
    index_.add(static_cast<std::uint32_t>(policies_.size()), policy->meta, policy->attachment);
    policies_.push_back(std::move(operations));
  }
  for (std::uint32_t i = 0; i < routes.size(); ++i) {
    for (const ServiceId id : routes[i].parents) mesh_routes_[id.index].push_back(i);
    if (routes[i].fronts.empty()) continue;
    const auto& hosts = routes[i].hosts;
    if (hosts.empty() || std::any_of(hosts.begin(), hosts.end(), [](const std::string& host) {
          return host.empty() || sim::is_wildcard(host);
        }))
      wide_routes_.push_back(i);
    else
      for (const auto& host : hosts) host_routes_[sim::lower_case(host)].push_back(i);
  }
  for (std::uint32_t i = 0; i < cluster.pods().size() && !sidecars_; ++i) sidecars_ = sidecar({i});
}

bool ToldApart::sidecar(PodId pod) const {
  return sim::capture_of(cluster_, pod).dataplane == sim::Dataplane::Sidecar;
}

void ToldApart::add_at(const sim::PolicyPoint& point, Positions& out) const {
  for (const auto position : index_.at(point)) out.insert(position);
}

void ToldApart::add_gateway(PodId pod, Positions& out) const {
  const model::Gateway* gateway = sim::gateway_of_pod(cluster_, pod);
  sim::PolicyPoint point;
  point.kind =
      gateway != nullptr ? sim::PolicyPoint::Kind::GatewayApi : sim::PolicyPoint::Kind::ClassicGateway;
  point.ns = cluster_.pod(pod).meta.ns();
  point.labels = cluster_.pod(pod).meta.labels;
  if (gateway != nullptr) {
    point.gateway_name = gateway->meta.name();
    point.gateway_class = gateway->class_name;
  }
  add_at(point, out);
}

// `by_address`: its own waypoint may take what comes to it, too.
const ToldApart::Positions& ToldApart::at_pod(PodId pod, bool by_address) {
  const auto [at, fresh] = pods_.try_emplace({pod.index, by_address});
  if (!fresh) return at->second;
  Positions& out = at->second;
  if (sidecars_ && sidecar(pod)) {
    sim::PolicyPoint point;
    point.kind = sim::PolicyPoint::Kind::Sidecar;
    point.ns = cluster_.pod(pod).meta.ns();
    point.labels = cluster_.pod(pod).meta.labels;
    add_at(point, out);
  }
  if (!by_address) return out;
  if (const auto binding = sim::bind_pod(cluster_, pod); binding.bound())
    add_at(waypoint_point(*binding.gateway, {}), out);
  return out;
}

void ToldApart::add_service(ServiceId id, Positions& out) {
  if (policies_.empty()) return;
  const auto binding = sim::bind_service(cluster_, id);
  for (const auto* one = &binding; one != nullptr && one->bound(); one = one->canary.get())
    add_at(waypoint_point(*one->gateway, id), out);
  const auto& service = cluster_.service(id);
  if (!sidecars_ && !service.headless()) return;
  for (const auto& port : service.ports)
    for (const auto& endpoint : cluster_.endpoints(id, port.port, port.protocol))
      if (endpoint.pod.valid()) out.merge(Positions(at_pod(endpoint.pod, service.headless())));
}

bool ToldApart::read(ServiceId id) {
  if (sidecars_ || mesh_routes_.contains(id.index) || sim::bind_service(cluster_, id).bound()) return true;
  const auto& service = cluster_.service(id);
  if (!service.headless()) return false;
  for (const auto& port : service.ports)
    for (const auto& endpoint : cluster_.endpoints(id, port.port, port.protocol))
      if (endpoint.pod.valid() && sim::bind_pod(cluster_, endpoint.pod).bound()) return true;
  return false;
}

const ToldRequests& ToldApart::of_service(ServiceId id) {
  Positions policies;
  add_service(id, policies);
  const auto at = mesh_routes_.find(id.index);
  if (at == mesh_routes_.end()) return requests(policies, {});
  for (const auto i : at->second)
    for (const ServiceId next : routes_[i].services) add_service(next, policies);
  return requests(policies, at->second);
}

const ToldRequests& ToldApart::of_host(const std::string& host) {
  std::vector<std::uint32_t> chosen;
  if (const auto at = host_routes_.find(sim::lower_case(host)); at != host_routes_.end()) chosen = at->second;
  for (const auto i : wide_routes_) {
    const auto& hosts = routes_[i].hosts;
    if (hosts.empty() || std::any_of(hosts.begin(), hosts.end(), [&](const std::string& pattern) {
          return pattern.empty() || sim::host_covers(pattern, host);
        }))
      chosen.push_back(i);
  }
  Positions policies;
  std::set<std::uint32_t> all(chosen.begin(), chosen.end());
  for (const auto i : chosen) {
    if (!policies_.empty())
      for (const PodId pod : routes_[i].gateway_pods) add_gateway(pod, policies);
    for (const ServiceId id : routes_[i].services) {
      add_service(id, policies);
      if (const auto at = mesh_routes_.find(id.index); at != mesh_routes_.end())
        all.insert(at->second.begin(), at->second.end());
    }
  }
  return requests(policies, {all.begin(), all.end()});
}

const ToldRequests& ToldApart::requests(const Positions& policies, std::vector<std::uint32_t> routes) {
  const auto [at, fresh] = known_.try_emplace({policies, std::move(routes)});
  if (fresh) at->second = find(policies, at->first.second);
  return at->second;
}

ToldRequests ToldApart::find(const Positions& policies, const std::vector<std::uint32_t>& routes) const {
  RequestConditions all(cluster_), of_routes(cluster_);
  std::vector<const Operation*> operations;
  for (const auto position : policies)
    for (const auto& operation : policies_[position]) {
      operations.push_back(&operation);
      for (const auto& condition : operation) all.add(condition);
    }
  for (const auto i : routes) {
    all.add(routes_[i]);
    of_routes.add(routes_[i]);
  }
  std::vector<std::string> unread;
  const auto methods = texts_of(all.attribute(Kind::Method, "", unread));
  std::vector<RequestConditions> rules;
  if (methods.size() > 1)
    for (const auto i : routes) split(cluster_, routes_[i], rules);
  // Conditions on the method alone are asked once wherever rules send requests, not at each path.
  std::set<std::string> places;
  ToldRequests out;
  for (const auto& path : texts_of(all.attribute(Kind::Path, "", unread))) {
    out.push_back({kPlainMethod, path});
    if (methods.size() < 2) continue;
    const bool first = places.insert(taken_by(rules, path)).second;
    const auto becomes = all.rewritten(path);
    for (const auto& method : methods) {
      if (method == kPlainMethod) continue;
      const bool by_routes = first && of_routes.answers(Kind::Method, "", {method}) !=
                                          of_routes.answers(Kind::Method, "", {kPlainMethod});
      if (by_routes || std::any_of(operations.begin(), operations.end(), [&](const Operation* operation) {
            if (!tells_method(*operation, method)) return false;
            return names_path(*operation) ? !becomes || may_fit(cluster_, *operation, *becomes) : first;
          }))
        out.push_back({method, path});
    }
  }
  return out;
}

}  // namespace waypath::scenarios
