// A request at a gateway proxy: port, listener or server, virtual host, rule (routing.md 2.3, 3.1).

#include <fmt/format.h>

#include <algorithm>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "sim/resolve/hostname.h"
#include "sim/resolve/istio_gateway.h"
#include "sim/resolve/route_tables.h"

namespace waypath::sim {

namespace {

using model::ServerTlsMode;

/// The virtual host that a port without any route gets: it covers every host and has no rule.
/// Source: istio pilot/pkg/networking/core/gateway.go buildGatewayHTTPRouteConfig.
constexpr std::string_view kBlackholeHost = "blackhole";

/// An API listener at this proxy, with the ports it really opens.
struct OpenListener {
  const ApiGateway* gateway = nullptr;
  const ApiListener* listener = nullptr;
};

/// Envoy takes plaintext requests for encrypted when a trusted proxy in front says so.
/// Source: envoy source/common/http/conn_manager_utility.cc mutateRequestHeaders (x-forwarded-proto).
bool forwarded_as_https(const model::Cluster& cluster, const RequestView& view) {
  if (cluster.mesh().num_trusted_proxies == 0) return false;
  const std::string* proto = view.header("x-forwarded-proto");
  return proto != nullptr && lower_case(*proto) == "https";
}

class GatewayRouter {
 public:
  GatewayRouter(const RouteTables::Impl& impl, const GatewayProxy& proxy, std::uint16_t port,
                std::uint16_t pod_port, const RouteRequest& request)
      : impl_(impl), proxy_(proxy), request_(request) {
    port_ = port;
    pod_port_ = pod_port != 0 ? pod_port : translate(port);
    host_ = host_without_port(request.host);
    sni_ = lower_case(request.sni);
  }

  RouteDecision decide() {
    const std::vector<OpenListener> open = api_listeners();
    if (out_.kind == RouteDecision::Kind::Unknown) return std::move(out_);
    if (!open.empty()) {
      decide_api(open);
    } else {
      decide_classic();
    }
    return std::move(out_);
  }

 private:
  /// Services in front of the proxy; looked up when something depends on them.
  const std::vector<model::ServiceId>& services() const {
    if (!services_) services_ = services_of_proxy(impl_.cluster, proxy_);
    return *services_;
  }

  std::uint16_t translate(std::uint16_t port) const {
    // Istio's own deployments listen on the ports that their Service has.
    if (proxy_.gateway != nullptr && !proxy_.pod.valid()) return port;
    for (const model::ServiceId id : services()) {
      if (impl_.cluster.service(id).find_port(port) != nullptr)
        return target_port(impl_.cluster, proxy_, id, port);
    }
    return port;
  }

  void end(RouteDecision::Kind kind, Code code, std::optional<ObjectAt> by, std::string detail) {
    out_.kind = kind;
    out_.reason = {code, by, detail};
    out_.trace.push_back(trace_node("listener", Decision::Deny, code, std::move(by), std::move(detail)));
  }

  void unknown(Code code, std::optional<ObjectAt> by, std::string missing) {
    out_.kind = RouteDecision::Kind::Unknown;
    out_.reason = {code, std::move(by), missing};
    out_.missing_facts.push_back(std::move(missing));
  }

  void chosen(const ObjectAt& at, std::string_view name, std::string detail) {
    out_.listener = at;
    out_.listener_name = std::string(name);
    out_.trace.push_back(trace_node("listener", Decision::Allow, kListenerMatched, at, std::move(detail)));
  }

  // ---- Gateway API ----

  /// The Gateway that the proxy belongs to, and manual deployments bound to a Service in front of it.
  bool serves(const ApiGateway& gateway) const {
    if (proxy_.gateway != nullptr && gateway.gateway->meta.key == proxy_.gateway->meta.key) return true;
    if (!gateway.bound_services) return false;
    return std::any_of(gateway.bound_services->begin(), gateway.bound_services->end(),
                       [&](model::ServiceId id) {
                         return std::find(services().begin(), services().end(), id) != services().end();
                       });
  }

  /// Pod port of a listener: Istio's own deployments listen on the number itself, manual ones on the
  /// Service's target.
  bool opens(const ApiGateway& gateway, const ApiListener& listener) const {
    const std::uint16_t number = listener.listener->port;
    if (!gateway.bound_services) return number == port_ || (port_ == 0 && number == pod_port_);
    return std::any_of(gateway.bound_services->begin(), gateway.bound_services->end(),
                       [&](model::ServiceId id) {
                         return impl_.cluster.service(id).find_port(number) != nullptr &&
                                target_port(impl_.cluster, proxy_, id, number) == pod_port_;
                       });
  }

  std::vector<OpenListener> api_listeners() {
    std::vector<OpenListener> out;
    for (const ApiGateway& gateway : impl_.gateways) {
      if (!serves(gateway)) continue;
      if (gateway.controller.empty()) {
        unknown(kListenerClassUnknown, object_at(gateway.gateway->meta),
                fmt::format("what the controller of GatewayClass {} makes of {}",
                            gateway.gateway->class_name.view(), gateway.gateway->meta.key.str()));
        return {};
      }
      for (const ApiListener& listener : gateway.listeners) {
        if (listener.listener->port != port_ && !opens(gateway, listener)) continue;
        if (!listener.programmed) {
          closed_.push_back(trace_node(
              "listener", Decision::NotApplicable, listener.why_not, listener.at,
              fmt::format("listener {}: {}", listener.listener->name.view(), listener.why_not_detail)));
          continue;
        }
        if (!opens(gateway, listener)) continue;
        // Source: istio pilot/pkg/networking/core/gateway.go: a TCP server without a route opens no listener.
        if (listener.listener->protocol == "TCP" && !listener.tcp) {
          closed_.push_back(trace_node("listener", Decision::NotApplicable, kListenerNone, listener.at,
                                       fmt::format("listener {}: no TCPRoute attaches, so nothing listens",
                                                   listener.listener->name.view())));
          continue;
        }
        if (listener.outcome_unknown) {
          unknown(kListenerConflicted, listener.at,
                  fmt::format("what Istio makes of HTTP and TLS listeners that share port {}",
                              listener.listener->port));
          return {};
        }
        out.push_back({&gateway, &listener});
      }
    }
    return out;
  }

  /// The listener whose hostname covers `name` best, of those with one of these protocols.
  const OpenListener* best(const std::vector<OpenListener>& open,
                           std::initializer_list<std::string_view> protocols, std::string_view name) const {
    const OpenListener* found = nullptr;
    for (const OpenListener& o : open) {
      if (std::find(protocols.begin(), protocols.end(), o.listener->listener->protocol) == protocols.end())
        continue;
      const std::string hostname = lower_case(o.listener->listener->hostname);
      if (!hostname.empty() && hostname != "*" && !host_covers(hostname, name)) continue;
      if (found == nullptr || more_specific(hostname, lower_case(found->listener->listener->hostname)))
        found = &o;
    }
    return found;
  }
  static const OpenListener* any(const std::vector<OpenListener>& open,
                                 std::initializer_list<std::string_view> protocols) {
    for (const OpenListener& o : open) {
      if (std::find(protocols.begin(), protocols.end(), o.listener->listener->protocol) != protocols.end())
        return &o;
    }
    return nullptr;
  }

  void take(const OpenListener& o) {
    const model::Listener& l = *o.listener->listener;
    chosen(o.listener->at, l.name.view(),
           fmt::format("listener {} ({} {}{})", l.name.view(), l.protocol, l.port,
                       l.hostname.empty() ? std::string() : ", host " + l.hostname));
    out_.assumptions.insert(out_.assumptions.end(), o.listener->assumptions.begin(),
                            o.listener->assumptions.end());
  }

  void decide_api(const std::vector<OpenListener>& open) {
    out_.trace.insert(out_.trace.end(), closed_.begin(), closed_.end());
    if (request_.tls) return decide_api_tls(open);
    if (const OpenListener* http = any(open, {"HTTP"})) {
      if (!parses_as_http(request_.app)) {
        return end(RouteDecision::Kind::NoFilterChain, kListenerProtocolError, http->listener->at,
                   fmt::format("port {} is parsed as HTTP; the client sends something else", port_));
      }
      const OpenListener* listener = best(open, {"HTTP"}, host_);
      if (listener == nullptr) return no_virtual_host(*http);
      take(*listener);
      return api_http(*listener, false);
    }
    if (const OpenListener* tcp = any(open, {"TCP"})) {
      take(*tcp);
      return decide_l4(out_, impl_, api_view(*tcp, false), *tcp->listener->tcp);
    }
    const OpenListener& secure = open.front();
    end(RouteDecision::Kind::NoFilterChain, kListenerPlaintextToTls, secure.listener->at,
        fmt::format("port {} speaks TLS; the client sends plaintext", port_));
  }

  /// The filter chain that takes the connection: chains of all listeners of the port stand side by side, by
  /// the listener's hostname where TLS is terminated, by the names of routes where it passes through. Source:
  /// istio pilot/pkg/networking/core/gateway.go createGatewayTCPFilterChainOpts.
  const OpenListener* tls_chain(const std::vector<OpenListener>& open) const {
    const OpenListener* found = nullptr;
    std::string best_name;
    const auto offer = [&](const OpenListener& o, std::string name) {
      if (!name.empty() && name != "*" && !host_covers(name, sni_)) return;
      if (found != nullptr && !more_specific(name, best_name)) return;
      found = &o;
      best_name = std::move(name);
    };
    for (const OpenListener& o : open) {
      const ApiListener& l = *o.listener;
      const std::string& protocol = l.listener->protocol;
      if (protocol == "TLS" && !l.terminates()) {
        for (const SniRule& rule : l.tls) offer(o, rule.sni);
      } else if (protocol == "HTTPS" || (protocol == "TLS" && (l.tcp || !l.tls.empty()))) {
        offer(o, lower_case(l.listener->hostname));
      }
    }
    return found;
  }

  void decide_api_tls(const std::vector<OpenListener>& open) {
    const OpenListener* listener = tls_chain(open);
    // None: the listener that covers the name tells why.
    if (listener == nullptr) listener = best(open, {"HTTPS", "TLS"}, sni_);
    if (listener == nullptr) {
      if (const OpenListener* tcp = any(open, {"TCP"})) {
        take(*tcp);
        return decide_l4(out_, impl_, api_view(*tcp, false), *tcp->listener->tcp);
      }
      const OpenListener& other = open.front();
      if (any(open, {"HTTPS", "TLS"}) == nullptr) {
        return end(RouteDecision::Kind::NoFilterChain, kListenerTlsToPlaintext, other.listener->at,
                   fmt::format("port {} speaks plain HTTP; the client opens TLS", port_));
      }
      return end(RouteDecision::Kind::NoFilterChain, kListenerSniMismatch, other.listener->at,
                 fmt::format("no listener of port {} covers SNI {}", port_, sni_.empty() ? "(none)" : sni_));
    }
    take(*listener);
    const ApiListener& l = *listener->listener;
    if (!l.terminates()) {
      out_.http = false;
      return by_sni(l.tls, api_view(*listener, true), l.at);
    }
    if (!client_certificate_fits(l.client_certificate, l.at)) return;
    out_.tls_terminated = true;
    if (l.listener->protocol == "HTTPS") {
      if (!parses_as_http(request_.app)) {
        return end(RouteDecision::Kind::NoFilterChain, kListenerProtocolError, l.at,
                   "inside TLS the listener parses HTTP; the client sends something else");
      }
      return api_http(*listener, true);
    }
    out_.http = false;
    // Source: istio pilot/pkg/networking/core/gateway.go buildGatewayNetworkFiltersFromTCPRoutes: the
    // listener's chain has one rule, the first; names of TLSRoutes do not tell them apart once TLS is
    // terminated.
    if (!l.tls.empty()) return decide_l4(out_, impl_, api_view(*listener, true), l.tls.front().rule);
    if (l.tcp) return decide_l4(out_, impl_, api_view(*listener, true), *l.tcp);
    end(RouteDecision::Kind::Close, kRouteNoL4Rule, l.at, "no TLSRoute or TCPRoute attaches to the listener");
  }

  ProxyView api_view(const OpenListener& o, bool tls) const {
    ProxyView view;
    view.ns = proxy_.ns.empty() ? o.gateway->gateway->meta.ns() : proxy_.ns;
    view.labels = &proxy_.labels;
    view.port = o.listener->listener->port;
    view.tls = tls;
    return view;
  }

  void api_http(const OpenListener& o, bool tls) {
    const VirtualHost* host = find_virtual_host(o.listener->http, host_);
    note_detached(*o.gateway);
    if (host == nullptr) return no_virtual_host(o);
    decide_http(out_, impl_, api_view(o, tls), *host, request_, view_request(impl_.cluster, request_, tls));
  }

  void no_virtual_host(const OpenListener& o) {
    if (o.listener->http.empty()) out_.virtual_host = std::string(kBlackholeHost);
    out_.kind = RouteDecision::Kind::Refuse;
    out_.status = 404;
    out_.reason = {kRouteNoVirtualHost, o.listener->at,
                   fmt::format("no route for host {} at port {} of {}", host_, port_,
                               o.gateway->gateway->meta.key.str())};
    out_.trace.push_back(
        trace_node("virtual host", Decision::Deny, kRouteNoVirtualHost, out_.reason.by, out_.reason.detail));
  }

  /// Routes that named this Gateway for this host and attach nowhere.
  void note_detached(const ApiGateway& gateway) {
    for (const ApiGateway::Detached& route : gateway.detached) {
      const bool concerns = route.hosts.empty() ||
                            std::any_of(route.hosts.begin(), route.hosts.end(),
                                        [&](const auto& h) { return host_covers(lower_case(h), host_); });
      if (concerns) out_.trace.push_back(route.node);
    }
  }

  // ---- shared ----

  /// The most specific SNI pattern decides. Source: gateway-api apis/v1/tlsroute_types.go; envoy
  /// source/extensions/filters/listener/tls_inspector, filter_chain_match.server_names.
  void by_sni(const std::vector<SniRule>& rules, const ProxyView& view, const ObjectAt& at) {
    const SniRule* found = nullptr;
    for (const SniRule& rule : rules) {
      if (rule.sni != "*" && !rule.sni.empty() && !host_covers(rule.sni, sni_)) continue;
      if (found == nullptr || more_specific(rule.sni, found->sni)) found = &rule;
    }
    if (found == nullptr) {
      return end(RouteDecision::Kind::NoFilterChain, kListenerSniMismatch, at,
                 fmt::format("no TLS route for SNI {}", sni_.empty() ? "(none)" : sni_));
    }
    out_.virtual_host = found->sni;
    decide_l4(out_, impl_, view, found->rule);
  }

  bool client_certificate_fits(bool required, const ObjectAt& at) {
    if (!required || request_.client_certificate.value_or(false)) return true;
    if (!request_.client_certificate) {
      unknown(kListenerClientCertificate, at,
              "whether the client presents a certificate that the listener accepts");
      return false;
    }
    end(RouteDecision::Kind::NoFilterChain, kListenerClientCertificate, at,
        "the listener demands a client certificate; the client presents none");
    return false;
  }

  // ---- classic Gateway, Ingress ----

  void decide_classic() {
    const std::shared_ptr<const ClassicTable> table = classic_table(impl_, proxy_);
    const auto it = table->ports.find(pod_port_);
    const ClassicPort* found = it == table->ports.end() ? nullptr : &it->second;
    out_.trace.insert(out_.trace.end(), closed_.begin(), closed_.end());
    if (found != nullptr) out_.trace.insert(out_.trace.end(), found->losers.begin(), found->losers.end());
    if (found == nullptr ||
        (found->http_server == nullptr && found->tcp_server == nullptr && found->tls.empty())) {
      std::optional<ObjectAt> by;
      if (!closed_.empty()) by = closed_.front().reason.by;
      if (!by && proxy_.gateway != nullptr) by = object_at(proxy_.gateway->meta);
      return end(
          RouteDecision::Kind::NoListener, closed_.empty() ? kListenerNone : closed_.front().reason.code, by,
          closed_.empty()
              ? fmt::format("nothing listens on port {} of {}/{}", pod_port_, proxy_.ns.view(), proxy_.name)
              : closed_.front().reason.detail);
    }
    if (found->rejected) {
      out_.trace.push_back(*found->rejected);
      return unknown(kListenerConflicted, found->rejected->reason.by, found->rejected->reason.detail);
    }
    if (request_.tls) return classic_tls(*found);
    if (found->http_server != nullptr) {
      if (!parses_as_http(request_.app)) {
        return end(RouteDecision::Kind::NoFilterChain, kListenerProtocolError, found->http_server->at,
                   fmt::format("port {} is parsed as HTTP; the client sends something else", pod_port_));
      }
      take(*found->http_server);
      return classic_http(*found->http_server, found->http, false);
    }
    if (found->tcp_server != nullptr) {
      take(*found->tcp_server);
      return decide_l4(out_, impl_, classic_view(*found->tcp_server, false), *found->tcp);
    }
    end(RouteDecision::Kind::NoFilterChain, kListenerPlaintextToTls, found->tls.front().server->at,
        fmt::format("port {} speaks TLS; the client sends plaintext", pod_port_));
  }

  void take(const ClassicServer& server) {
    chosen(
        server.at, server.name,
        fmt::format("{}: server {} ({} {})", server.at.key.str(), server.name, server.protocol, server.port));
  }

  ProxyView classic_view(const ClassicServer& server, bool tls) const {
    ProxyView view;
    view.ns = proxy_.ns;
    view.labels = &proxy_.labels;
    view.gateway = server.gateway_name;
    view.port = server.port;
    view.tls = tls;
    return view;
  }

  void classic_tls(const ClassicPort& port) {
    const TlsChain* chain = nullptr;
    std::string chain_sni;
    for (const TlsChain& candidate : port.tls) {
      for (const std::string& pattern : candidate.served_sni()) {
        if (pattern != "*" && !host_covers(pattern, sni_)) continue;
        if (chain == nullptr || more_specific(pattern, chain_sni)) {
          chain = &candidate;
          chain_sni = pattern;
        }
      }
    }
    if (chain == nullptr) {
      if (port.tcp_server != nullptr) {
        take(*port.tcp_server);
        return decide_l4(out_, impl_, classic_view(*port.tcp_server, false), *port.tcp);
      }
      // A server that covers the name and has no rule for it tells why.
      const auto idle = std::find_if(port.tls.begin(), port.tls.end(), [&](const TlsChain& candidate) {
        return std::any_of(candidate.sni.begin(), candidate.sni.end(), [&](const std::string& pattern) {
          return pattern == "*" || host_covers(pattern, sni_);
        });
      });
      if (idle != port.tls.end()) chain = &*idle;
    }
    if (chain == nullptr) {
      if (port.tls.empty()) {
        return end(RouteDecision::Kind::NoFilterChain, kListenerTlsToPlaintext, port.http_server->at,
                   fmt::format("port {} speaks plain HTTP; the client opens TLS", pod_port_));
      }
      return end(
          RouteDecision::Kind::NoFilterChain, kListenerSniMismatch, port.tls.front().server->at,
          fmt::format("no TLS server of port {} covers SNI {}", pod_port_, sni_.empty() ? "(none)" : sni_));
    }
    const ClassicServer& server = *chain->server;
    take(server);
    if (!chain->terminates) {
      out_.http = false;
      if (server.tls == ServerTlsMode::AutoPassthrough) return auto_passthrough(server);
      return by_sni(chain->passthrough, classic_view(server, true), server.at);
    }
    const bool certificate = server.tls == ServerTlsMode::Mutual || server.tls == ServerTlsMode::IstioMutual;
    if (!client_certificate_fits(certificate, server.at)) return;
    out_.tls_terminated = true;
    if (server.is_http()) {
      if (!parses_as_http(request_.app)) {
        return end(RouteDecision::Kind::NoFilterChain, kListenerProtocolError, server.at,
                   "inside TLS the server parses HTTP; the client sends something else");
      }
      return classic_http(server, chain->http, true);
    }
    out_.http = false;
    if (chain->tcp) return decide_l4(out_, impl_, classic_view(server, true), *chain->tcp);
    end(RouteDecision::Kind::Close, kRouteNoL4Rule, server.at, "no tcp rule for the server");
  }

  /// "outbound_.<port>_.<subset>_.<host>". Source: istio pilot/pkg/model/push_context.go
  /// BuildDNSSrvSubsetKey.
  void auto_passthrough(const ClassicServer& server) {
    constexpr std::string_view kStart = "outbound_.";
    const auto mismatch = [&] {
      end(RouteDecision::Kind::NoFilterChain, kListenerSniMismatch, server.at,
          fmt::format("SNI {} is not of the form outbound_.<port>_.<subset>_.<host>",
                      sni_.empty() ? "(none)" : sni_));
    };
    if (!sni_.starts_with(kStart)) return mismatch();
    const std::size_t port_end = sni_.find("_.", kStart.size());
    const std::size_t subset_end = port_end == std::string::npos ? port_end : sni_.find("_.", port_end + 2);
    if (subset_end == std::string::npos) return mismatch();
    unsigned number = 0;
    for (const char c : std::string_view(sni_).substr(kStart.size(), port_end - kStart.size())) {
      if (c < '0' || c > '9' || number > 65535) return mismatch();
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    RuleDestination destination;
    destination.port = static_cast<std::uint16_t>(number);
    destination.subset = sni_.substr(port_end + 2, subset_end - port_end - 2);
    destination.host = sni_.substr(subset_end + 2);
    destination.at = server.at;
    L4Rule rule;
    rule.at = server.at;
    rule.destinations.push_back(std::move(destination));
    decide_l4(out_, impl_, classic_view(server, true), rule);
  }

  void classic_http(const ClassicServer& server, const std::vector<VirtualHost>& hosts, bool tls) {
    const VirtualHost* host = find_virtual_host(hosts, host_);
    if (host == nullptr) {
      if (hosts.empty()) out_.virtual_host = std::string(kBlackholeHost);
      out_.kind = RouteDecision::Kind::Refuse;
      out_.status = 404;
      out_.reason = {kRouteNoVirtualHost, server.at,
                     hosts.empty()
                         ? fmt::format("no VirtualService is bound to {} for its hosts", server.gateway_name)
                         : fmt::format("no VirtualService of {} has host {}", server.gateway_name, host_)};
      out_.trace.push_back(
          trace_node("virtual host", Decision::Deny, kRouteNoVirtualHost, server.at, out_.reason.detail));
      return;
    }
    const RequestView view = view_request(impl_.cluster, request_, tls);
    if (host->require_tls && !tls && !forwarded_as_https(impl_.cluster, view))
      return https_redirect(*host, server);
    decide_http(out_, impl_, classic_view(server, tls), *host, request_, view);
  }

  /// Source: istio pilot/pkg/networking/core/gateway.go (VirtualHost.require_tls ALL); envoy
  /// source/common/router/config_impl.cc (SSL_REDIRECT_ROUTE).
  void https_redirect(const VirtualHost& host, const ClassicServer& server) {
    out_.kind = RouteDecision::Kind::Respond;
    out_.status = 301;
    out_.virtual_host = host.host;
    // The port of the Host header is dropped when it is the one plain HTTP has.
    std::string authority = request_.host;
    if (authority.ends_with(":80")) authority.resize(authority.size() - 3);
    out_.redirect = fmt::format("https://{}{}", authority, request_.path);
    out_.reason = {kRouteHttpsRedirect, host.require_tls_at.value_or(server.at),
                   fmt::format("httpsRedirect: every plaintext request for {} is sent to https", host.host)};
    out_.trace.push_back(
        trace_node("virtual host", Decision::Allow, kRouteHttpsRedirect, out_.reason.by, out_.reason.detail));
  }

  const RouteTables::Impl& impl_;
  const GatewayProxy& proxy_;
  mutable std::optional<std::vector<model::ServiceId>> services_;
  const RouteRequest& request_;
  std::uint16_t port_ = 0, pod_port_ = 0;
  std::string host_, sni_;
  std::vector<TraceNode> closed_;  // listeners of the port that do not serve
  RouteDecision out_;
};

}  // namespace

RouteDecision route_at_gateway(const RouteTables& tables, const GatewayProxy& proxy, std::uint16_t port,
                               std::uint16_t pod_port, const RouteRequest& request) {
  return GatewayRouter(tables.impl(), proxy, port, pod_port, request).decide();
}

}  // namespace waypath::sim
