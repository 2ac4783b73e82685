#include "scenarios/gateway_fronts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace waypath::scenarios {
namespace {

// A server's port is that of the gateway's pods; clients dial the port of the Service in front of them.
// Source: istio pilot/pkg/model/gateway.go MergeGateways (servers by target port)
std::vector<std::uint16_t> dialled_ports(const model::Cluster& cluster, const model::IstioGateway& gateway,
                                         std::uint16_t server_port) {
  std::set<std::uint16_t> out;
  for (std::uint32_t i = 0; i < cluster.pods().size(); ++i) {
    const model::PodId id{i};
    if (!selects(gateway, cluster.pod(id))) continue;
    for (const auto service : cluster.services_of_pod(id))
      for (const auto& port : cluster.service(service).ports)
        for (const auto& endpoint : cluster.endpoints(service, port.port))
          if (endpoint.port == server_port) out.insert(port.port);
  }
  if (out.empty()) out.insert(server_port);
  return {out.begin(), out.end()};
}

}  // namespace

bool selects(const model::IstioGateway& gateway, const model::Pod& pod) {
  return !gateway.selector.empty() &&
         std::all_of(gateway.selector.begin(), gateway.selector.end(), [&](const auto& pair) {
           return pod.meta.labels.get(pair.first.view()) == pair.second.view();
         });
}

bool front_covers(const GatewayFront& front, const std::string& host) {
  const std::string& pattern = front.host;
  if (pattern.empty() || pattern == "*" || pattern == host) return true;
  return pattern.compare(0, 2, "*.") == 0 && host.size() > pattern.size() - 1 &&
         host.compare(host.size() - pattern.size() + 1, std::string::npos, pattern, 1) == 0;
}

std::string front_url(const GatewayFront& front, const std::string& host, const std::string& path) {
  const bool usual = front.port == (front.tls ? 443 : 80);
  return fmt::format("{}://{}{}{}", front.tls ? "https" : "http", host,
                     usual ? "" : fmt::format(":{}", front.port), path);
}

std::vector<GatewayFront> fronts_of(const std::vector<model::Listener>& listeners) {
  std::vector<GatewayFront> out;
  for (const auto& listener : listeners)
    if (listener.protocol == "HTTP" || listener.protocol == "HTTPS" || listener.protocol == "TLS")
      out.push_back({listener.hostname, listener.port, listener.protocol != "HTTP"});
  return out;
}

std::vector<GatewayFront> fronts_of(const model::Cluster& cluster, const model::IstioGateway& gateway) {
  std::vector<GatewayFront> out;
  for (const auto& server : gateway.servers) {
    const auto ports = dialled_ports(cluster, gateway, server.port.number);
    for (const auto& written : server.hosts) {
      const auto slash = written.find('/');
      const std::string& protocol = server.port.protocol;
      const bool tls = protocol == "HTTPS" || protocol == "TLS";
      if (!tls && protocol.compare(0, 4, "HTTP") != 0 && protocol != "GRPC") continue;
      for (const auto port : ports)
        out.push_back({slash == std::string::npos ? written : written.substr(slash + 1), port, tls});
    }
  }
  return out;
}

}  // namespace waypath::scenarios
