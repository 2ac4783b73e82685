#include "sim/resolve/protocol.h"

#include <array>

#include "sim/match/route_match.h"

namespace waypath::sim {

namespace {

struct Row {
  std::string_view protocol;
  PortKind kind;
};
constexpr std::array kRows = {
    Row{"http", PortKind::Http},     Row{"http2", PortKind::Http},      Row{"grpc", PortKind::Http},
    Row{"grpc-web", PortKind::Http}, Row{"http_proxy", PortKind::Http}, Row{"hbone", PortKind::Http},
    Row{"https", PortKind::Tls},     Row{"tls", PortKind::Tls},         Row{"tcp", PortKind::Tcp},
    Row{"mongo", PortKind::Tcp},     Row{"redis", PortKind::Tcp},       Row{"mysql", PortKind::Tcp},
    Row{"udp", PortKind::Udp},       Row{"sctp", PortKind::Udp},
};

}  // namespace

PortKind port_kind(std::string_view protocol) {
  const std::string name = lower_case(protocol);
  for (const Row& row : kRows) {
    if (row.protocol == name) return row.kind;
  }
  return PortKind::Auto;
}

}  // namespace waypath::sim
