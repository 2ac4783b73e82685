#include "sim/resolve/bare_endpoint.h"

#include <algorithm>

namespace waypath::sim {

using model::Endpoint;
using model::ServiceId;

bool listed_by_address(const model::Cluster& cluster, ServiceId service, const Endpoint& endpoint) {
  if (!service.valid() || !endpoint.pod.valid()) return false;
  const model::Service* object = cluster.service(service).service;
  if (object == nullptr) return false;
  const model::Pod& pod = cluster.pod(endpoint.pod);
  const auto selected = [&](const auto& pair) {
    return pod.meta.labels.get(pair.first.view()) == pair.second.view();
  };
  if (pod.meta.ns() == object->meta.ns() && !object->selector.empty() &&
      std::all_of(object->selector.begin(), object->selector.end(), selected))
    return false;  // the control plane's own slices name their pods
  bool listed = false;
  for (const auto& slice : cluster.snapshot().all<model::EndpointSlice>()) {
    if (slice->meta.ns() != object->meta.ns() || slice->service != object->meta.name()) continue;
    for (const model::SliceEndpoint& e : slice->endpoints) {
      if (e.target_pod == pod.meta.name() && pod.meta.ns() == object->meta.ns()) return false;
      listed = listed || std::any_of(e.addresses.begin(), e.addresses.end(), [&](const auto& ip) {
                 return std::find(pod.ips.begin(), pod.ips.end(), ip) != pod.ips.end();
               });
    }
  }
  return listed;
}

std::vector<Endpoint> pods_behind(const model::Cluster& cluster, const Endpoint& endpoint) {
  if (endpoint.pod.valid()) return {endpoint};
  std::vector<ServiceId> services;
  if (endpoint.address) {
    if (const auto pod = cluster.pod_by_ip(*endpoint.address); pod.valid()) {
      Endpoint out = endpoint;
      out.pod = pod;
      return {out};
    }
    services = cluster.services_by_vip(*endpoint.address);
  } else if (!endpoint.hostname.empty()) {
    services = cluster.services_by_host(endpoint.hostname);
  }
  std::vector<Endpoint> out;
  for (const ServiceId id : services) {
    if (cluster.service(id).service == nullptr) continue;
    for (Endpoint& e : cluster.endpoints(id, endpoint.port))
      if (e.pod.valid()) out.push_back(std::move(e));
  }
  return out;
}

}  // namespace waypath::sim
