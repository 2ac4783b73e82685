#include "sim/resolve/foreign_entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/derive.h"
#include "sim/match/route_match.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/ingress.h"

namespace waypath::sim {

std::optional<ForeignEntry> foreign_entry(const model::Cluster& cluster, std::string_view host,
                                          std::uint16_t port) {
  const std::string name = host_without_port(host);
  const model::Snapshot& snapshot = cluster.snapshot();
  std::optional<ForeignEntry> best;
  const auto consider = [&](std::string_view written, const model::ObjectMeta& meta, std::string_view whose) {
    const std::string pattern = written == "*" ? std::string() : lower_case(written);
    if (!host_covers(pattern, name) || (best && !more_specific(pattern, best->pattern))) return;
    best = ForeignEntry{pattern, object_at(meta),
                        fmt::format("what {} does with {}: {} runs it", meta.key.str(), name, whose)};
  };
  if (port == 80 || port == 443) {
    for (const auto& ingress : snapshot.all<model::Ingress>()) {
      if (ingress_taken(cluster, *ingress)) continue;
      if (ingress->rules.empty() && ingress->default_backend)
        consider("", ingress->meta, "another controller than Istio's");
      for (const auto& rule : ingress->rules)
        consider(rule.host, ingress->meta, "another controller than Istio's");
    }
  }
  for (const auto& gateway : snapshot.all<model::Gateway>()) {
    const auto controller =
        model::gateway_controller(gateway->class_name, snapshot.all<model::GatewayClass>());
    if (!controller.empty() && !model::foreign_controller(controller)) continue;
    const std::string whose =
        controller.empty()
            ? fmt::format("the controller of class {}, which is not given,", gateway->class_name.view())
            : std::string(controller);
    const auto attached = [&](const auto& routes) {
      for (const auto& route : routes) {
        const bool here = std::any_of(route->parents.begin(), route->parents.end(), [&](const auto& parent) {
          return parent.kind == "Gateway" && parent.ns == gateway->meta.ns() &&
                 parent.name == gateway->meta.name();
        });
        if (!here) continue;
        if (route->hostnames.empty()) consider("", gateway->meta, whose);
        for (const auto& written : route->hostnames) consider(written, gateway->meta, whose);
      }
    };
    for (const model::Listener& listener : gateway->listeners) {
      if (listener.port != port) continue;
      if (!listener.hostname.empty()) {
        consider(listener.hostname, gateway->meta, whose);
        continue;
      }
      attached(snapshot.all<model::HttpRoute>());
      attached(snapshot.all<model::L4Route>());
    }
  }
  return best;
}

}  // namespace waypath::sim
