#pragma once
// Which protocol Istio takes a port to speak. Source: istio pkg/config/kube/conversion.go ConvertProtocol,
// pkg/config/protocol

#include <optional>
#include <string>
#include <string_view>

#include "model/kube/workloads.h"

namespace waypath::model {

/// "http", "http2", "grpc", "grpc-web", "https", "tls", "tcp", "udp", "mongo", ...; "" = not declared:
/// proxies sniff.
[[nodiscard]] std::string select_protocol(Protocol protocol, std::string_view name,
                                          const std::optional<std::string>& app_protocol, std::uint16_t port);

/// The name as ServiceEntry and Gateway ports write it ("HTTP", "GRPC-Web"), "" when it is none.
[[nodiscard]] std::string parse_protocol(std::string_view text);

}  // namespace waypath::model
