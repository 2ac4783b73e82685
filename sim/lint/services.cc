// Services and ServiceEntries that have no endpoint, no address, or a protocol that hides what is written for
// them.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "model/base/edit_distance.h"
#include "sim/lint/context.h"
#include "sim/lint/selector_slip.h"
#include "sim/resolve/pods_not_given.h"
#include "sim/resolve/protocol.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using model::ServiceId;
using model::Severity;
using model::Symbol;

// A workload whose template has the labels and that has no pods now.
const model::Workload* scaled_down(const LintContext& c, const model::Service& service) {
  const auto selector = as_selector(service.selector);
  for (const auto& workload : c.snapshot.all<model::Workload>())
    if (workload->meta.ns() == service.meta.ns() && selector.matches(workload->template_labels))
      return workload.get();
  return nullptr;
}

void selectors(LintContext& c) {
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const auto* service = c.cluster.service({i}).service;
    if (service == nullptr || service->selector.empty() || service->meta.origin == model::Origin::Derived)
      continue;
    if (service->type == model::ServiceType::ExternalName) continue;
    const auto selector = as_selector(service->selector);
    const auto pods = c.cluster.select(service->meta.ns(), selector);
    if (pods.empty()) {
      if (names_generated_label(c, selector)) continue;
      if (const auto* workload = scaled_down(c, *service)) {
        c.report(kLintServiceSelectsNothing, lint_at(service->meta),
                 fmt::format("{} has no endpoint: {} has no pods now", c.service_text({i}),
                             LintContext::object_text(workload->meta.key)),
                 "scale it up", Severity::Info);
        continue;
      }
      if (const auto facts = pods_not_given(c.cluster, {i}); !facts.empty()) {
        c.report(kLintServiceSelectsNothing, lint_at(service->meta),
                 fmt::format("{} selects {}, which is no pod that is given: {} are not", c.service_text({i}),
                             selector.str(), fmt::join(facts, ", ")),
                 "give the pods as well", Severity::Info);
        continue;
      }
      const std::array here{service->meta.ns()};
      const auto slip = selector_slip(c, here, selector);
      c.report(kLintServiceSelectsNothing, lint_at(service->meta),
               fmt::format("{} selects {}, which is no pod: it has no endpoint{}{}", c.service_text({i}),
                           selector.str(), slip ? "; " : "", slip.value_or("")),
               slip ? "correct the selector" : "deploy the pods, or delete the Service",
               slip || !c.cluster.pods_in(service->meta.ns()).empty() ? Severity::Warning : Severity::Info);
      continue;
    }
    for (const auto& port : service->ports) {
      const auto* name = std::get_if<Symbol>(&port.target_port);
      if (name == nullptr) continue;
      std::set<std::string> declared;
      const bool known = std::any_of(pods.begin(), pods.end(), [&](model::PodId pod) {
        for (const auto& container : c.cluster.pod(pod).spec.containers)
          for (const auto& p : container.ports)
            if (!p.name.empty()) declared.insert(p.name.str());
        return model::Cluster::named_port(c.cluster.pod(pod), *name, port.protocol).has_value();
      });
      if (known) continue;
      const std::vector<std::string_view> names(declared.begin(), declared.end());
      const auto near = model::nearest(name->view(), names);
      c.report(
          kLintServiceTargetPort, lint_at(service->meta, port.pos),
          fmt::format(
              "targetPort {} of port {} of {}: no container of {} declares it{}, so the port has no endpoint",
              name->view(), port.port, c.service_text({i}), c.pod_text(pods.front()),
              near ? fmt::format(" (there is {})", *near) : std::string()),
          "write the number, or a name that the containers give");
    }
  }
}

// ---- protocols ----

// HTTP rules and tokens mean nothing on ports whose bytes are not parsed.
void protocols(LintContext& c) {
  const RouteTables::Impl& impl = c.engine.routes().impl();
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const ServiceId id{i};
    const auto& service = c.cluster.service(id);
    const PolicyPoint* chain = c.waypoint_chain(id);
    if (chain == nullptr) continue;
    std::vector<std::string> hidden;
    if (const auto it = impl.mesh_configs_by_host.find(service.host); it != impl.mesh_configs_by_host.end())
      for (const std::uint32_t position : it->second)
        if (!impl.configs[position].http.empty())
          hidden.push_back(LintContext::object_text(impl.configs[position].key));
    for (const auto* p : c.authentication_at(*chain)) hidden.push_back(LintContext::object_text(p->meta.key));
    if (hidden.empty()) continue;
    // A Service of several protocols has its HTTP port for the HTTP rules.
    const bool http = std::any_of(service.ports.begin(), service.ports.end(), [](const auto& port) {
      const PortKind kind = port_kind(port.app_protocol);
      return kind == PortKind::Http || kind == PortKind::Auto;
    });
    if (http) continue;
    for (const auto& port : service.ports) {
      const PortKind kind = port_kind(port.app_protocol);
      if (kind != PortKind::Tcp && kind != PortKind::Tls) continue;
      c.report(kLintServiceProtocol, lint_at(service.meta(), port.pos),
               fmt::format("port {} of {} is {}: its waypoint parses no HTTP there, and {} {} no effect",
                           port.port, c.service_text(id), port.app_protocol, LintContext::list_text(hidden),
                           hidden.size() == 1 ? "has" : "have"),
               "set appProtocol: http (or name the port http-...) if it carries plain HTTP");
      break;
    }
  }
}

// ---- ServiceEntry ----

void service_entries(LintContext& c) {
  std::map<std::string, ServiceId> kubernetes;
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i)
    if (c.cluster.services()[i].service != nullptr)
      kubernetes.emplace(c.cluster.services()[i].host, ServiceId{i});
  for (std::uint32_t i = 0; i < c.cluster.services().size(); ++i) {
    const ServiceId id{i};
    const auto& service = c.cluster.service(id);
    if (service.entry == nullptr) continue;
    const std::string who = c.service_text(id);
    if (const auto taken = kubernetes.find(service.host); taken != kubernetes.end())
      c.report(
          kLintServiceEntryHost, lint_at(service.meta()),
          fmt::format(
              "{} declares host {}, which is {}: the two are merged or shadow each other, depending on the "
              "proxy",
              who, service.host, c.service_text(taken->second)),
          "use another host, or add endpoints to the Service");
    const WaypointBinding& b = c.binding(id);
    if (b.bound() && service.vips.empty() && service.cidr_vips.empty())
      c.report(
          kLintServiceEntryAddress, lint_at(service.meta()),
          fmt::format(
              "{} has no address for {}: clients connect to what the name resolves to, and waypoint {}/{} "
              "is skipped",
              who, service.host, b.gateway->meta.ns().view(), b.gateway->meta.name().view()),
          "give it addresses, or a resolution for which istiod allocates one (STATIC, DNS; DYNAMIC_DNS for "
          "wildcards)");
    const auto& entry = *service.entry;
    if (entry.workload_selector && !service.ports.empty() &&
        c.cluster.endpoints(id, service.ports.front().port).empty()) {
      const std::array here{entry.meta.ns()};
      const auto slip = selector_slip(c, here, *entry.workload_selector);
      c.report(kLintServiceEntrySelectsNothing, lint_at(service.meta()),
               fmt::format("{} selects {}, which is no pod and no WorkloadEntry: {} has no endpoint{}{}", who,
                           entry.workload_selector->str(), service.host, slip ? "; " : "", slip.value_or("")),
               "correct workloadSelector.labels");
    } else if (entry.resolution == model::Resolution::Static && !entry.workload_selector &&
               entry.endpoints.empty()) {
      c.report(kLintServiceEntrySelectsNothing, lint_at(service.meta()),
               fmt::format("{} is STATIC without endpoints: {} leads nowhere", who, service.host),
               "give it endpoints, or resolution DNS");
    }
  }
}

}  // namespace

void lint_services(LintContext& c) {
  selectors(c);
  protocols(c);
  service_entries(c);
}

}  // namespace waypath::sim
