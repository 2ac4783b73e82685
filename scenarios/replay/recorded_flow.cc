#include "scenarios/replay/recorded_flow.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/resolve/mesh.h"

namespace waypath::scenarios {
namespace {

using model::PodId;
using sim::Dataplane;

bool lacking(const std::string& workload) { return !workload.empty() && workload.front() == '?'; }
std::string bare(const std::string& workload) { return lacking(workload) ? workload.substr(1) : workload; }

std::string address_text(const std::string& host, std::uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

class Builder {
 public:
  Builder(const LogNames& names, const FlowTable& table, const FlowRow& row)
      : names_(names), cluster_(names.cluster()), table_(table), row_(row) {
    client_ = table.texts().text(row.client);
    target_ = table.texts().text(row.target);
    service_ = table.texts().text(row.service);
    out_.client = client_.empty() ? "unknown" : bare(client_);
  }

  RecordedFlow take() {
    if (row_.writer == LogRecord::Writer::Envoy)
      envoy();
    else
      ztunnel();
    return std::move(out_);
  }

 private:
  void lacks(std::string fact) { out_.missing = std::move(fact); }

  void flow(const std::string& from, std::string to) {
    sim::Flow flow;
    flow.from = from;
    flow.to = std::move(to);
    if (from.compare(0, 4, "ext:") == 0) {
      // Any address of the range: no policy tells them apart.
      const auto range = from.substr(4);
      const auto dash = range.find('-');
      const auto low = model::parse_ip(range.substr(0, dash)), high = model::parse_ip(range.substr(dash + 1));
      flow.from = "internet";
      flow.source_ip = low && !low->is_unspecified() ? low : high;
    }
    out_.flow = std::move(flow);
  }

  // A pod of "ns/kind/name" or "ns/name" as LogNames::client writes it.
  [[nodiscard]] PodId pod_of(const std::string& client) const {
    const auto first = client.find('/'), last = client.rfind('/');
    if (first == std::string::npos || client.compare(0, 5, "node/") == 0) return {};
    return names_.pod(client.substr(0, first), client.substr(last + 1));
  }

  [[nodiscard]] Dataplane dataplane_of(PodId pod) const {
    return pod.valid() ? sim::capture_of(cluster_, pod).dataplane : Dataplane::None;
  }

  bool known_client() {
    if (client_.empty())
      lacks("the client: the line has no address of it");
    else if (lacking(client_))
      lacks(fmt::format("workload {}: the manifests have no pod or workload of this name", bare(client_)));
    return out_.missing.empty();
  }

  // ---- ztunnel: connections ----

  void ztunnel() {
    const bool outbound = row_.writer == LogRecord::Writer::ZtunnelOutbound;
    out_.observer = outbound ? Observer::SourceZtunnel : Observer::DestinationZtunnel;
    const bool straight = !outbound || service_.empty();
    const bool named = target_.find('/') != std::string::npos && target_.compare(0, 5, "node/") != 0;
    const std::string place = bare(target_);
    out_.target = !straight ? fmt::format("tcp://{}:{}", service_, row_.port)
                  : named   ? fmt::format("{} port {}", place, row_.port)
                            : fmt::format("tcp://{}", address_text(place, row_.port));
    if (!known_client()) return;
    if (!straight) return to_service();
    if (lacking(target_))
      return lacks(fmt::format("workload {}: the manifests have no pod or workload of this name", place));
    const auto how = dataplane_of(pod_of(client_));
    const bool proxy = how == Dataplane::Waypoint || how == Dataplane::Gateway;
    std::string host = place;
    if (named) {
      const auto address = names_.address(pod_of(target_));
      if (!address && !proxy && unguarded_service()) return to_service();
      if (!address)
        return lacks(
            fmt::format("the address of {}: its pods are not in the manifests (add the output of "
                        "kubectl get pods -A -o yaml)",
                        place));
      host = address->to_string();
    }
    flow(client_, "tcp://" + address_text(host, row_.port));
    // Waypoints and gateways speak HBONE themselves to what is in the mesh.
    if (!outbound && proxy) out_.flow->tunnel = "hbone";
  }

  // A Service without a waypoint leads to its pods as their own addresses do.
  [[nodiscard]] bool unguarded_service() const {
    const auto ids = cluster_.services_by_host(service_);
    return !ids.empty() && std::none_of(ids.begin(), ids.end(), [&](model::ServiceId id) {
      return sim::bind_service(cluster_, id).bound();
    });
  }

  void to_service() {
    const auto ids = cluster_.services_by_host(service_);
    if (ids.empty()) return lacks(fmt::format("Service or ServiceEntry host {}", service_));
    std::optional<std::uint16_t> port = row_.port;
    if (!row_.via) {
      port.reset();
      for (const auto id : ids)
        if (!port) port = names_.service_port(id, row_.port);
      if (!port)
        return lacks(
            fmt::format("a port of {} that leads to port {} of {}", service_, row_.port, bare(target_)));
    }
    out_.target = fmt::format("tcp://{}:{}", service_, *port);
    flow(client_, out_.target);
  }

  // ---- Envoy: requests ----

  void envoy() {
    if (!known_client()) return;
    const EnvoyRequest request = unpack_request(table_.texts().text(row_.request));
    const auto local = model::parse_ip(target_);
    const PodId own = local ? cluster_.pod_by_ip(*local) : PodId{};
    const PodId sender = pod_of(client_);
    const auto authority = split_address(request.authority);
    const auto fronts = names_.fronts(authority.host.empty() ? request.sni : authority.host);
    const std::string what = request.authority.empty() ? std::string() : request.authority + request.path;
    const auto name_target = [&](std::string_view scheme) {
      out_.target = request.method.empty() ? fmt::format("{}://{}", scheme, what)
                                           : fmt::format("{} {}://{}", request.method, scheme, what);
      return fmt::format("{}://{}", scheme, what);
    };
    if (request.cluster == "inbound-vip" || at_waypoint(local, own, sender, request)) {
      out_.observer = Observer::Waypoint;
      const auto how = dataplane_of(sender);
      if (request.method.empty()) {
        out_.target = fmt::format("tcp://{}:{}", service_.empty() ? target_ : service_, row_.port);
        return flow(client_, out_.target);
      }
      // A gateway passes on what came from outside.
      if (how == Dataplane::Gateway) {
        flow("internet", name_target(fronts.tls ? "https" : "http"));
      } else {
        flow(client_, name_target("http"));
        if (!service_.empty()) out_.flow->connect_to = fmt::format("{}:{}", service_, row_.port);
      }
      out_.flow->method = request.method;
      return;
    }
    const bool gateway = dataplane_of(own) == Dataplane::Gateway || (!own.valid() && fronts.any());
    if (gateway) return at_gateway(request, fronts.tls && !fronts.plain, name_target);
    const bool server_side = request.cluster == "inbound";
    if (dataplane_of(server_side ? own : sender) == Dataplane::Sidecar) {
      out_.observer = Observer::Sidecar;
      if (request.method.empty()) {
        out_.target = fmt::format("tcp://{}", address_text(target_, row_.port));
        return flow(client_, out_.target);
      }
      flow(client_, name_target("http"));
      out_.flow->method = request.method;
      return;
    }
    name_target("http");
    lacks(
        fmt::format("which proxy wrote this: no gateway, waypoint or pod with a sidecar has the address {} "
                    "(add the output of kubectl get pods -A -o yaml)",
                    target_));
  }

  // Without an upstream cluster (a request that was refused before): a Service's address that a client
  // without a sidecar dialled.
  [[nodiscard]] bool at_waypoint(const std::optional<model::IpAddress>& local, PodId own, PodId sender,
                                 const EnvoyRequest& request) const {
    return request.cluster.empty() && local && !own.valid() && !cluster_.services_by_vip(*local).empty() &&
           dataplane_of(sender) != Dataplane::Sidecar;
  }

  template <class NameTarget>
  void at_gateway(const EnvoyRequest& request, bool only_tls, const NameTarget& name_target) {
    out_.observer = Observer::Gateway;
    std::string to;
    if (request.method.empty()) {
      if (request.sni.empty()) {
        out_.target = fmt::format("tcp://{}", address_text(target_, row_.port));
        return lacks("which listener of the gateway took a TCP connection without a server name");
      }
      to = out_.target = fmt::format("tls://{}:443", request.sni);
    } else {
      to = name_target(only_tls || !request.sni.empty() ? "https" : "http");
    }
    // A node's address stands for whoever it forwarded; a pod goes through the gateway as a client of its
    // own.
    const bool pod = client_.find('/') != std::string::npos && client_.compare(0, 5, "node/") != 0;
    const auto address = model::parse_ip(client_);
    flow(client_.compare(0, 4, "ext:") == 0 || pod ? client_ : "internet", std::move(to));
    if (address) out_.flow->source_ip = address;
    if (pod) out_.flow->connect_to = address_text(target_, row_.port);
    if (!request.method.empty()) out_.flow->method = request.method;
    if (!request.sni.empty() && request.sni != split_address(request.authority).host)
      out_.flow->sni = request.sni;
  }

  const LogNames& names_;
  const model::Cluster& cluster_;
  const FlowTable& table_;
  const FlowRow& row_;
  std::string client_, target_, service_;
  RecordedFlow out_;
};

}  // namespace

RecordedFlow recorded_flow(const LogNames& names, const FlowTable& table, const FlowRow& row) {
  return Builder(names, table, row).take();
}

}  // namespace waypath::scenarios
