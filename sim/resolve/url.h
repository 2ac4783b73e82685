#pragma once
// What a flow asks for, as curl takes it: a URL, or host:port.

#include <cstdint>
#include <optional>
#include <string>

#include "model/base/diagnostic.h"
#include "sim/flow.h"
#include "sim/resolve/route.h"

namespace waypath::sim {

struct Target {
  std::string scheme;      // http, https, grpc, tcp, tls, udp, sctp
  std::string host;        // without brackets and port, lower case
  std::uint16_t port = 0;  // given, or the scheme's default
  bool port_given = false;
  std::string path;       // with query; empty for L4 schemes
  std::string authority;  // the Host header that a client sends: no default port
  bool is_ip = false;
  RouteRequest::App app = RouteRequest::App::Http;
};

[[nodiscard]] model::Protocol transport_protocol(const Target& target);

/// Reads Flow.to and Flow.protocol. Nullopt after a report of what is wrong and what was expected.
[[nodiscard]] std::optional<Target> parse_target(const Flow& flow, model::Diagnostics& diagnostics);
/// Where the connection really goes when Flow.connect_to says so; the rest stays the target's.
[[nodiscard]] Target parse_connect_to(const Flow& flow, const Target& target);

}  // namespace waypath::sim
