// Endpoints of a service port (routing: Service, port -> ready and unready addresses).

#include <algorithm>

#include "model/cluster_index.h"

namespace waypath::model {
namespace {

// One port number may be served for several protocols. Without a wish TCP comes first: only TCP enters the
// mesh.
const ServicePort* port_of(const Service& service, std::uint16_t number, std::optional<Protocol> protocol) {
  const ServicePort* found = nullptr;
  for (const auto& p : service.ports) {
    if (p.port != number || (protocol && p.protocol != *protocol)) continue;
    if (p.protocol == protocol.value_or(Protocol::Tcp)) return &p;
    if (found == nullptr) found = &p;
  }
  return found;
}

void entry_endpoint(const RegistryService& service, const WorkloadEntrySpec& spec, std::uint16_t service_port,
                    Symbol ns, std::vector<Endpoint>& out) {
  Endpoint e;
  if (const auto ip = parse_ip(spec.address)) {
    e.address = *ip;
  } else {
    e.hostname = spec.address.empty() ? service.host : spec.address;
  }
  e.port = service_port;
  for (const auto& port : service.entry->ports) {
    if (port.number != service_port) continue;
    if (port.target_port != 0) e.port = port.target_port;
    for (const auto& [name, number] : spec.ports)
      if (name == port.name) e.port = number;
  }
  e.service_account = spec.service_account;
  e.ns = ns;
  e.labels = spec.labels;
  e.pos = spec.pos;
  out.push_back(std::move(e));
}

// The first address of the family that the Service has.
std::optional<IpAddress> address_for(const Pod& pod, const RegistryService& service) {
  if (pod.ips.empty()) return std::nullopt;
  if (!service.symbolic_vip && !service.vips.empty()) {
    const bool v4 = service.vips.front().is_v4();
    for (const auto& ip : pod.ips)
      if (ip.is_v4() == v4) return ip;
  }
  return pod.ips.front();
}

class EndpointList {
 public:
  EndpointList(const Cluster& cluster, const RegistryService& service)
      : cluster_(cluster), service_(service) {}

  void add_pod(PodId id, std::uint16_t port) {
    const auto& p = cluster_.pod(id);
    Endpoint e;
    e.pod = id;
    e.address = address_for(p, service_);
    e.port = port;
    e.ready = cluster_.pod_ready(id);
    if (const auto node = cluster_.node_of(id)) e.node = *node;
    e.service_account = p.spec.service_account;
    e.ns = p.meta.key.ns;
    e.pos = p.meta.pos;
    out.push_back(std::move(e));
  }

  // Slice ports join Service ports by name.
  // Source: kubernetes pkg/proxy/endpointslicecache.go; istio ambient/workloads.go endpointSlicesBuilder
  void add_slice(const EndpointSlice& slice, const ServicePort& port) {
    if (slice.fqdn) return;
    for (const auto& p : slice.ports) {
      if (p.name != port.name || p.protocol != port.protocol || p.port == 0) continue;
      for (const auto& endpoint : slice.endpoints) add_slice_endpoint(slice, endpoint, p.port);
    }
  }

  std::vector<Endpoint> out;

 private:
  void add_slice_endpoint(const EndpointSlice& slice, const SliceEndpoint& endpoint, std::uint16_t port) {
    const bool ready = endpoint.ready && !endpoint.terminating;
    PodId known;
    if (!endpoint.target_pod.empty())
      known = cluster_.find_pod(slice.meta.key.ns.view(), endpoint.target_pod.view());
    for (const auto& ip : endpoint.addresses)
      if (!known.valid()) known = cluster_.pod_by_ip(ip);
    if (known.valid()) {
      const bool listed = std::any_of(out.begin(), out.end(),
                                      [&](const auto& e) { return e.pod == known && e.port == port; });
      if (listed) return;  // an Endpoints object and the slices that mirror it say the same
      add_pod(known, port);
      out.back().ready = ready && out.back().ready;
      return;
    }
    for (const auto& ip : endpoint.addresses) {
      const bool listed = std::any_of(out.begin(), out.end(),
                                      [&](const auto& e) { return e.address == ip && e.port == port; });
      if (listed) continue;
      Endpoint e;
      e.address = ip;
      e.port = port;
      e.ready = ready;
      if (!endpoint.node_name.empty()) e.node = cluster_.find_node(endpoint.node_name.view());
      e.ns = slice.meta.key.ns;
      e.pos = endpoint.pos;
      out.push_back(std::move(e));
    }
  }

  const Cluster& cluster_;
  const RegistryService& service_;
};

}  // namespace

std::optional<std::pair<Protocol, std::uint16_t>> Cluster::named_port(const Pod& pod, Symbol name,
                                                                      std::optional<Protocol> protocol) {
  for (const bool sidecars : {false, true}) {
    for (const auto& container : pod.spec.containers) {
      if (container.native_sidecar != sidecars) continue;
      for (const auto& port : container.ports)
        if (port.name == name && !name.empty() && (!protocol || port.protocol == *protocol))
          return std::pair(port.protocol, port.port);
    }
  }
  return std::nullopt;
}

std::vector<Endpoint> Cluster::endpoints(ServiceId id, std::uint16_t service_port,
                                         std::optional<Protocol> protocol) const {
  const auto& r = service(id);
  EndpointList list(*this, r);
  if (r.service != nullptr) {
    const ServicePort* port = r.external_name() ? nullptr : port_of(*r.service, service_port, protocol);
    if (port == nullptr) return {};
    const auto& slices = index_->service_slices[id.index];
    for (const auto* slice : slices) list.add_slice(*slice, *port);
    if (!slices.empty()) return std::move(list.out);
    for (const PodId pod_id : index_->service_pods[id.index]) {
      if (const auto* number = std::get_if<std::uint16_t>(&port->target_port)) {
        list.add_pod(pod_id, *number);
      } else if (const auto named =
                     named_port(pod(pod_id), std::get<Symbol>(port->target_port), port->protocol)) {
        list.add_pod(pod_id, named->second);
      }
    }
    return std::move(list.out);
  }
  if (r.find_port(service_port) == nullptr) return {};
  for (const PodId pod_id : index_->service_pods[id.index]) {
    std::uint16_t target = service_port;
    for (const auto& p : r.entry->ports) {
      if (p.number != service_port) continue;
      if (p.target_port != 0) target = p.target_port;
      // Pods that a ServiceEntry selects are matched by port name first.
      // Source: istio pilot/pkg/serviceregistry/kube/controller/ambient/workloads.go constructServices
      if (!profile_.has(Feature::ServiceEntryPortNameMatched)) continue;
      if (const auto named = named_port(pod(pod_id), p.name, std::nullopt)) target = named->second;
    }
    list.add_pod(pod_id, target);
  }
  auto& out = list.out;
  for (const auto* entry : index_->service_entries[id.index])
    entry_endpoint(r, entry->spec, service_port, entry->meta.key.ns, out);
  for (const auto& spec : r.entry->endpoints) entry_endpoint(r, spec, service_port, r.ns, out);
  const bool dns = r.entry->resolution == Resolution::Dns || r.entry->resolution == Resolution::DnsRoundRobin;
  if (dns && r.entry->endpoints.empty() && !r.entry->workload_selector)
    entry_endpoint(r, WorkloadEntrySpec{}, service_port, r.ns, out);
  return std::move(out);
}

}  // namespace waypath::model
