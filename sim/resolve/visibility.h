#pragma once
// Which services and configuration a proxy sees: exportTo and the Sidecar resource (routing.md 3.4).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/resolve/route_tables.h"

namespace waypath::sim {

/// exportTo of a registry service: the ServiceEntry's field, or the Service's annotation
/// networking.istio.io/exportTo.
[[nodiscard]] bool service_visible(const model::Cluster& cluster, const model::RegistryService& service,
                                   model::Symbol viewer);

/// What a client's sidecar imports. Without a Sidecar resource: everything visible.
class SidecarScope {
 public:
  SidecarScope(const model::Cluster& cluster, model::Symbol client_ns, const model::Labels& client_labels);
  [[nodiscard]] const model::Sidecar* resource() const { return sidecar_; }
  [[nodiscard]] model::OutboundMode outbound() const;
  [[nodiscard]] bool imports_service(const model::RegistryService& service, std::uint16_t port) const;
  [[nodiscard]] bool imports_config(const RouteConfig& config, std::uint16_t port) const;

 private:
  struct Import {
    std::string ns;  // "*", "~" or a name; "." is resolved
    std::string host;
    std::optional<std::uint16_t> port;
  };
  [[nodiscard]] bool applies(const Import& import, std::uint16_t port) const;
  [[nodiscard]] bool excluded(model::Symbol ns, std::string_view host, std::uint16_t port) const;
  const model::Cluster& cluster_;
  model::Symbol ns_;
  const model::Sidecar* sidecar_ = nullptr;
  std::vector<Import> imports_;   // when a resource limits egress
  std::vector<Import> excluded_;  // what of them is taken away again
  bool limited_ = false;
};

}  // namespace waypath::sim
