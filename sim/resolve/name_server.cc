#include "sim/resolve/name_server.h"

#include <algorithm>

namespace waypath::sim {

model::ServiceId name_server(const model::Cluster& cluster) {
  for (std::size_t i = 0; i < cluster.services().size(); ++i) {
    const model::RegistryService& reg = cluster.services()[i];
    if (reg.service == nullptr) continue;
    const bool labelled = reg.service->meta.labels.get("k8s-app") == std::string_view("kube-dns");
    const bool selects =
        std::any_of(reg.service->selector.begin(), reg.service->selector.end(),
                    [](const auto& pair) { return pair.first == "k8s-app" && pair.second == "kube-dns"; });
    const bool port = std::any_of(reg.service->ports.begin(), reg.service->ports.end(), [](const auto& p) {
      return p.port == kDnsPort && p.protocol == model::Protocol::Udp;
    });
    if ((labelled || selects) && port) return model::ServiceId{static_cast<std::uint32_t>(i)};
  }
  return {};
}

}  // namespace waypath::sim
