#include "sim/resolve/filter_chain.h"

#include "sim/resolve/protocol.h"

namespace waypath::sim {

namespace {

bool speaks_http(const RouteRequest& app) {
  return !app.tls && (app.app == RouteRequest::App::Http || app.app == RouteRequest::App::Http2 ||
                      app.app == RouteRequest::App::Grpc);
}

}  // namespace

ChainKind chain_for(std::string_view protocol, const RouteRequest& app) {
  switch (port_kind(protocol)) {
    case PortKind::Http:
      return {speaks_http(app), !speaks_http(app)};
    case PortKind::Auto:
      return {speaks_http(app), false};
    case PortKind::Tls:
    case PortKind::Tcp:
    case PortKind::Udp:
      return {};
  }
  return {};
}

}  // namespace waypath::sim
