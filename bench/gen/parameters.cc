#include <fmt/format.h>

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "bench/gen/generator.h"
#include "bench/gen/layout.h"
#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

int pods_of(std::string_view size) {
  for (const auto& [name, pods] :
       {std::pair<std::string_view, int>{"S", 100}, {"M", 1'000}, {"L", 10'000}, {"XL", 100'000}})
    if (name == size) return pods;
  throw std::invalid_argument(fmt::format("size {} is none of S, M, L, XL", size));
}

}  // namespace

Parameters profile(std::string_view profile, std::string_view size) {
  Parameters out;
  out.pods = pods_of(size);
  if (profile == "tenants") {
    out.workloads = 3;
    out.replicas = 3;
    out.policies = 22.6;
  } else if (profile == "teams") {
    out.workloads = 26;
    out.replicas = 5;
    // As many policies as pods, 10,000 at most.
    out.policies = out.pods > 10'000 ? 13 : 130;
  } else {
    throw std::invalid_argument(fmt::format("profile {} is none of tenants, teams", profile));
  }
  const int each = out.workloads * out.replicas;
  out.namespaces = (out.pods + each - 1) / each;
  out.gateways = out.pods >= 10'000 ? 20 : 2;
  out.authorization_policies = out.pods / 10;
  out.http_routes = out.pods / 20;
  return out;
}

ScaleCode scale_code(std::string_view text) {
  ScaleCode out;
  const std::array fields{&out.local_pods,      &out.single_ports, &out.port_ranges, &out.pod_selectors,
                          &out.peer_namespaces, &out.peer_pods,    &out.cidrs};
  const auto refuse = [&] {
    throw std::invalid_argument(
        fmt::format("scale code {} is not LOCAL_PODS-SINGLE_PORTS-PORT_RANGES-POD_SELECTORS-PEER_NAMESPACES-"
                    "PEER_PODS-CIDRS, for example 10-10-10-10-10-10-10",
                    text));
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i != 0 && (at == end || *at++ != '-')) refuse();
    const auto read = std::from_chars(at, end, *fields[i]);
    if (read.ec != std::errc() || *fields[i] < 0 || *fields[i] > 10'000) refuse();
    at = read.ptr;
  }
  if (at != end) refuse();
  return out;
}

void check(const Parameters& p) {
  for (const auto& [name, value] : {std::pair<std::string_view, int>{"namespaces", p.namespaces},
                                    {"workloads", p.workloads},
                                    {"replicas", p.replicas},
                                    {"pods-per-node", p.pods_per_node}})
    if (value < 1) throw std::invalid_argument(fmt::format("{}: at least 1, not {}", name, value));
  for (const auto& [name, value] : {std::pair<std::string_view, int>{"pods", p.pods},
                                    {"labels", p.labels},
                                    {"rules", p.rules},
                                    {"peers", p.peers},
                                    {"ports", p.ports},
                                    {"gateways", p.gateways},
                                    {"http-routes", p.http_routes},
                                    {"authorization-policies", p.authorization_policies}})
    if (value < 0) throw std::invalid_argument(fmt::format("{}: at least 0, not {}", name, value));
  for (const auto& [name, value] : {std::pair<std::string_view, double>{"cidr-share", p.cidr_share},
                                    {"all-ports-share", p.all_ports_share},
                                    {"range-share", p.range_share},
                                    {"named-port-share", p.named_port_share},
                                    {"ineffective-share", p.ineffective_share},
                                    {"cluster-wide-share", p.cluster_wide_share},
                                    {"ambient-share", p.ambient_share},
                                    {"waypoint-share", p.waypoint_share},
                                    {"service-waypoint-share", p.service_waypoint_share},
                                    {"cross-namespace-waypoint-share", p.cross_namespace_waypoint_share},
                                    {"l7-share", p.l7_share},
                                    {"deny-share", p.deny_share},
                                    {"custom-share", p.custom_share}})
    if (!(value >= 0 && value <= 1))
      throw std::invalid_argument(fmt::format("{}: 0 to 1, not {}", name, value));
  if (!(p.policies >= 0)) throw std::invalid_argument("policies: at least 0");
  if (!(p.noise >= 0 && p.noise <= 100)) throw std::invalid_argument("noise: 0 to 100 for each pod");
  if (static_cast<std::int64_t>(p.namespaces) * p.workloads * p.replicas > 2'000'000)
    throw std::invalid_argument("namespaces x workloads x replicas: at most 2,000,000 pods");
  if (static_cast<double>(p.namespaces) * p.policies > 5'000'000)
    throw std::invalid_argument("namespaces x policies: at most 5,000,000 policies");
}

Totals totals(const Parameters& parameters) {
  const Layout layout(parameters);
  Totals out;
  out.namespaces = layout.namespaces();
  out.nodes = layout.nodes();
  out.workloads = layout.workloads();
  out.pods = layout.pods();
  out.network_policies = layout.first_policy(out.namespaces);
  if (!parameters.scale)
    out.ineffective_policies = count_share(out.network_policies, parameters.ineffective_share);
  if (!parameters.netpol_only)
    out.cluster_wide_policies = count_share(out.network_policies, parameters.cluster_wide_share);
  for (int ns = 0; ns < out.namespaces; ++ns) {
    if (layout.ambient(ns)) ++out.ambient_namespaces;
    if (layout.has_waypoint(ns) || layout.has_own_waypoint(ns)) ++out.waypoints;
  }
  return out;
}

}  // namespace waypath::gen
