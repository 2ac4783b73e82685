// How a walk ends, and the endpoints that it branches over.

#include <fmt/format.h>

#include "sim/exposure.h"
#include "sim/path/path_builder.h"
#include "sim/reasons/walk.h"
#include "sim/resolve/interception.h"
#include "sim/topology.h"

namespace waypath::sim {

using model::IpAddress;
using model::PodId;
using model::ServiceId;

TraceNode fact_node(std::string layer, Reason reason) {
  TraceNode node;
  node.layer = std::move(layer);
  node.reason = std::move(reason);
  return node;
}

void PathBuilder::finish(Walk walk, PathEnd end) {
  end.missing_facts.insert(end.missing_facts.begin(), walk.path.end.missing_facts.begin(),
                           walk.path.end.missing_facts.end());
  // What the graph does not connect is not predicted.
  for (const Leg& leg : walk.path.legs) {
    if (leg.edges[0].valid() || leg.to >= walk.path.hops.size()) continue;
    const auto title = [&](std::size_t i) {
      return fmt::format("{} {}/{}", to_string(walk.path.hops[i].kind), walk.path.hops[i].ns,
                         walk.path.hops[i].name);
    };
    end = {};
    end.outcome = Outcome::Unknown;
    end.reason = {kFactMissing, std::nullopt,
                  fmt::format("how {} opens {} to {}: the graph of the cluster has no such connection",
                              title(leg.from), to_string(leg.transport), title(leg.to))};
    end.missing_facts.push_back(end.reason.detail);
    break;
  }
  // Nor is what addresses of two families say to each other: something between them has to translate.
  for (const Leg& leg : walk.path.legs) {
    const auto &from = leg.connection.source.address, &to = leg.connection.destination.address;
    const bool pods = leg.connection.source.pod.valid() || leg.connection.destination.pod.valid();
    if (!leg.on_wire || !pods || !from || !to || from->is_v4() == to->is_v4()) continue;
    end = {};
    end.outcome = Outcome::Unknown;
    end.reason = {kFactMissing, std::nullopt,
                  fmt::format("what translates between {} and {}: they are of two address families",
                              from->to_string(), to->to_string())};
    end.missing_facts.push_back(end.reason.detail);
    break;
  }
  walk.path.end = std::move(end);
  out_.push_back(std::move(walk.path));
}

void PathBuilder::arrived(Walk walk, PodId pod, std::uint16_t port, ServiceId service, std::string backend) {
  PathEnd end;
  end.outcome = Outcome::Allow;
  end.reason.code = kReachesApp;
  walk.path.service = service;
  walk.path.backend = std::move(backend);
  if (pod.valid()) {
    const model::Pod& p = cluster_.pod(pod);
    walk.path.backend_pod = fmt::format("{}/{}", p.meta.ns().view(), p.meta.name().view());
    if (!p.has_status && !p.ready) {
      walk.path.assumptions.push_back(
          {kAssumeReady,
           fmt::format("pod {} is taken as running and ready: no status is given", walk.path.backend_pod),
           p.meta.pos});
    }
  }
  const bool http = walk.app.app == RouteRequest::App::Http || walk.app.app == RouteRequest::App::Http2 ||
                    walk.app.app == RouteRequest::App::Grpc;
  BackendRequest request;
  request.port = port;
  if (http) {
    request.host = walk.app.host;
    request.path = walk.app.path;
    request.headers = walk.set_headers;
    request.removed_headers = walk.removed_headers;
  }
  walk.path.backend_request = std::move(request);
  finish(std::move(walk), std::move(end));
}

void PathBuilder::fail(Walk walk, Failure::Kind kind, Outcome outcome, Reason reason,
                       std::vector<ObjectAt> deciders) {
  PathEnd end;
  end.outcome = outcome;
  end.failure.kind = kind;
  end.reason = std::move(reason);
  end.deciders = std::move(deciders);
  finish(std::move(walk), std::move(end));
}

void PathBuilder::no_endpoint(Walk walk, ServiceId service, std::uint16_t port,
                              const EndpointChoice& choice) {
  const model::RegistryService& reg = cluster_.service(service);
  std::vector<ObjectAt> deciders = choice.causes;
  if (deciders.empty()) deciders.push_back(object_at(reg.meta()));
  if (!choice.missing_facts.empty()) {
    walk.path.end.missing_facts = choice.missing_facts;
    return unknown(std::move(walk), fmt::format("whether {}:{} has an endpoint", reg.host, port),
                   object_at(reg.meta()));
  }
  // A node-local service without local endpoint: kube-proxy drops, proxies have nobody to send to.
  const bool silent = choice.dropped && walk.sender.kind == Sender::Kind::Plain;
  fail(std::move(walk), silent ? Failure::Kind::Unanswered : Failure::Kind::NoUpstream,
       silent ? Outcome::Timeout : Outcome::Unreachable,
       {kEndpointNone, deciders.front(),
        choice.detail.empty() ? fmt::format("{}:{} has no ready endpoint", reg.host, port) : choice.detail},
       deciders);
}

void PathBuilder::fail_name(Walk walk, const Destination& destination) {
  if (!destination.missing_facts.empty()) {
    walk.path.end.missing_facts = destination.missing_facts;
    return unknown(std::move(walk), fmt::format("what {} means", destination.host));
  }
  std::string detail = fmt::format("no Service, ServiceEntry or pod has the name {}", destination.host);
  if (!destination.near_names.empty()) {
    detail += "; near: ";
    for (std::size_t i = 0; i < destination.near_names.size(); ++i)
      detail += (i == 0 ? "" : ", ") + destination.near_names[i];
  }
  if (!destination.detail.empty()) detail = destination.detail;
  const auto by = destination.service.valid()
                      ? std::optional(object_at(cluster_.service(destination.service).meta()))
                      : std::nullopt;
  fail(std::move(walk), Failure::Kind::NameUnknown, Outcome::Unreachable, {kNameUnknown, by, detail});
}

void PathBuilder::unknown(Walk walk, std::string fact, std::optional<ObjectAt> by) {
  PathEnd end;
  end.outcome = Outcome::Unknown;
  end.reason = {kFactMissing, std::move(by), fact};
  end.missing_facts.push_back(std::move(fact));
  finish(std::move(walk), std::move(end));
}

// ---- endpoints ----

std::vector<PathBuilder::EndpointClass> PathBuilder::classes(const std::vector<model::Endpoint>& endpoints,
                                                             const Walk& walk) const {
  if (endpoints.size() == 1) return {{endpoints.front(), 1.0, 1}};
  std::map<std::string, std::size_t> index;
  std::vector<EndpointClass> out;
  for (const model::Endpoint& endpoint : endpoints) {
    std::string key;
    if (endpoint.pod.valid()) {
      const model::Pod& pod = cluster_.pod(endpoint.pod);
      const Capture& cap = capture(endpoint.pod);
      key = fmt::format("{}|{}|{}|{}|{}|{}|{}", pod.meta.ns().view(), pod.spec.service_account.view(),
                        endpoint.port, static_cast<int>(cap.dataplane), cap.bypass_inbound, cap.sidecar_hbone,
                        cap.host_network);
      key += engine_.exposure().trait(pod);
      if (cap.dataplane == Dataplane::Sidecar) key += inbound_exceptions(pod);
      // The client itself may be an endpoint (L21), and host processes reach pods of their own node otherwise
      // (K5).
      if (endpoint.pod == walk.sender.pod) key += "|self";
      const auto node = cluster_.node_of(endpoint.pod);
      if (walk.sender.host_process && node && *node == walk.sender.node) key += "|same-node";
    } else {
      key = fmt::format("@{}|{}|{}", endpoint.address ? endpoint.address->to_string() : "", endpoint.hostname,
                        endpoint.port);
    }
    const auto [it, fresh] = index.emplace(std::move(key), out.size());
    if (fresh) {
      out.push_back({endpoint, 0.0, 0});
    }
    ++out[it->second].count;
  }
  for (EndpointClass& c : out) c.share = static_cast<double>(c.count) / static_cast<double>(endpoints.size());
  return out;
}

void PathBuilder::each_endpoint(Walk walk, const std::vector<model::Endpoint>& endpoints,
                                const std::function<void(Walk, const model::Endpoint&)>& step) {
  const std::vector<EndpointClass> all = classes(endpoints, walk);
  for (const EndpointClass& c : all) {
    Walk next = &c == &all.back() ? std::move(walk) : walk;
    next.path.share *= c.share;
    next.endpoint_address = c.endpoint.address;
    if (c.count > 1) {
      next.path.notes.push_back(fmt::format("one of {} endpoints that no policy tells apart", c.count));
    }
    step(std::move(next), c.endpoint);
  }
}

}  // namespace waypath::sim
