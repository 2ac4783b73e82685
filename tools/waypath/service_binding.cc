#include "tools/waypath/service_binding.h"

#include <fmt/format.h>

#include "sim/topology.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using State = sim::WaypointBinding::State;

std::string_view state_word(State state) {
  switch (state) {
    case State::None:
      return "none";
    case State::OptedOut:
      return "opted out";
    case State::Bound:
      return "bound";
    case State::Missing:
      return "missing";
    case State::NotReady:
      return "not ready";
    case State::NotAllowed:
      return "not allowed";
    case State::WrongTrafficType:
      return "serves other traffic";
    case State::Exempt:
      return "none: a waypoint's own Service";
  }
  return "";
}

}  // namespace

ServiceBinding service_binding(const sim::Engine& engine, model::ServiceId service) {
  const auto& cluster = engine.cluster();
  const auto& meta = cluster.service(service).meta();
  const sim::WaypointBinding& binding = engine.topology().binding(service);
  const sim::IngressWaypointUse use = sim::ingress_uses_waypoint(cluster, service);
  const auto place = [&](const sim::Reason& reason) {
    return reason.by ? place_of(cluster.files(), reason.by->pos) : std::string();
  };
  ServiceBinding out;
  out.object = meta.key.str();
  out.place = place_of(cluster.files(), meta.pos);
  out.state = binding.unmodelled.empty() ? state_word(binding.state) : "not modelled";
  if (!binding.named.empty()) out.waypoint = binding.named_ns + "/" + binding.named;
  out.why = binding.unmodelled.empty() ? binding.reason.detail
                                       : binding.reason.detail + "; unknown: " + binding.unmodelled;
  out.why_place = place(binding.reason);
  out.gateways_use_it = use.uses && binding.bound();
  out.gateways = use.reason.detail;
  out.gateways_place = place(use.reason);
  if (use.uses && !binding.bound()) out.gateways += ", but there is no waypoint to go through";
  for (const auto pod : binding.pods)
    out.pods.push_back(
        {fmt::format("{}/{}", cluster.pod(pod).meta.ns().view(), cluster.pod(pod).meta.name().view()),
         cluster.pod_ready(pod)});
  for (const auto& assumption : binding.assumptions) out.assumptions.push_back(assumption.detail);
  return out;
}

}  // namespace waypath::tools
