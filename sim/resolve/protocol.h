#pragma once
// What a port's declared protocol lets a proxy do with its bytes.

#include <cstdint>
#include <string_view>

namespace waypath::sim {

/// Http: parsed as HTTP. Tls: bytes pass, SNI can be read. Tcp: bytes pass. Auto: sniffed. Udp: never in the
/// mesh data path.
enum class PortKind : std::uint8_t { Http, Tls, Tcp, Auto, Udp };

/// `protocol` as Istio names it: "http", "http2", "grpc", "grpc-web", "https", "tls", "tcp", "mongo", ..., ""
/// = not declared. Any case. Source: istio pkg/config/protocol/instance.go IsHTTP, IsTLS, IsTCP,
/// IsUnsupported.
[[nodiscard]] PortKind port_kind(std::string_view protocol);

}  // namespace waypath::sim
