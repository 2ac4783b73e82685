#pragma once
// What a dialled name or address means, and which endpoints of a Service can be used: ambient-path.md section
// 3, routing.md section 1.

#include <optional>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/resolve/client.h"
#include "sim/resolve/published.h"
#include "sim/resolve/url.h"
#include "sim/verdict.h"

namespace waypath::sim {

struct Destination {
  enum class Kind : std::uint8_t {
    Service,       // a VIP of the registry
    Pod,           // a pod's own address
    Pods,          // a headless name: any of `endpoints`, the port is not translated
    Address,       // an address that the cluster does not know
    Node,          // a node's address
    ExternalName,  // a CNAME out of the cluster
    ExternalHost,  // a name that the cluster does not know and public DNS may
    Unknown        // a name inside the cluster domain that does not exist
  } kind = Kind::Unknown;
  model::ServiceId service;
  model::PodId pod;
  std::vector<model::Endpoint> endpoints;
  std::optional<model::IpAddress> address;
  std::uint16_t port = 0;
  std::string host;                    // as asked, or the CNAME's target
  model::ServiceId node_port_service;  // the dialled node port belongs to it
  std::uint16_t node_port_service_port = 0;
  bool by_external_address = false;     // load balancer address or externalIP
  bool api_server = false;              // ExternalHost: where Service default/kubernetes leads is not given
  bool lookup = false;                  // the name is asked of the name server, on the wire
  std::vector<std::string> near_names;  // Unknown, ExternalHost: what may have been meant
  std::string detail;  // Unknown: why the name has no address, when it is not for its spelling
  std::vector<std::string> missing_facts;
};

[[nodiscard]] Destination resolve_destination(const model::Cluster& cluster, const Published& published,
                                              const Client& client, const Target& target);

/// Who picks the endpoint: rules differ (O10, routing.md 1.2). Entry: kube-proxy, for what is dialled by load
/// balancer address, externalIP or node port.
enum class ProxyKind : std::uint8_t { Ztunnel, Envoy, KubeProxy, Entry };

struct EndpointChoice {
  std::vector<model::Endpoint> endpoints;  // usable ones
  std::vector<ObjectAt> causes;            // of having none
  std::vector<Assumption> assumptions;
  std::vector<std::string> missing_facts;
  std::string detail;    // why there is none
  bool dropped = false;  // a policy Local without a local endpoint: silence
};
/// `node`: where the one who picks stands, for internalTrafficPolicy Local; for Entry the node whose port is
/// dialled from outside, for externalTrafficPolicy Local, invalid when any node may take the packet.
[[nodiscard]] EndpointChoice usable_endpoints(const model::Cluster& cluster, model::ServiceId service,
                                              std::uint16_t port, model::NodeId node, ProxyKind proxy,
                                              std::optional<model::Protocol> protocol = std::nullopt);

}  // namespace waypath::sim
