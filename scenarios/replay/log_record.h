#pragma once
// One line of an access log, as ztunnel and Istio's Envoys write it.
//
// ztunnel: istio/ztunnel src/proxy/metrics.rs (access_log!, log_early_deny), src/telemetry.rs (IstioFormat,
// IstioJsonFormat). Envoy: istio/istio pilot/pkg/model/telemetry_logging.go (EnvoyTextLogFormat,
// EnvoyJSONLogFormatIstio); Envoy docs, "Access logging".

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace waypath::scenarios {

/// Texts are empty where the log has nothing or "-". Views point into the line or into the reader: valid
/// until its next line.
struct LogRecord {
  enum class Writer : std::uint8_t { ZtunnelOutbound, ZtunnelInbound, Envoy } writer = Writer::Envoy;
  std::string_view pod;  // that wrote it, where a prefix of kubectl logs tells

  // ztunnel. Addresses are "ip:port".
  std::string_view src_addr, src_workload, src_namespace;
  std::string_view dst_addr, dst_hbone_addr, dst_service, dst_workload, dst_namespace;
  std::string_view direction;
  std::string_view error;     // empty: the connection was proxied
  bool failed_early = false;  // "connection failed": refused before the request was built

  // Envoy.
  std::string_view method, path, authority, response_flags, details, termination, transport_failure;
  std::string_view upstream_cluster, downstream_local, downstream_remote, sni;
  int status = 0;  // 0: no HTTP, or no answer was sent

  std::uint64_t sent = 0, received = 0;  // bytes, from the client's view for ztunnel
  std::uint64_t duration_ms = 0;
};

/// What a line is.
enum class LineKind : std::uint8_t {
  Record,      // the end of a connection or request
  Opened,      // ztunnel's "connection opened" (debug): its end is told by another line
  Tunnel,      // the HBONE legs of a waypoint: the request inside has its own line
  Other,       // a line of the proxy's own log
  Blank,       //
  Unreadable,  // none of these
};

class LogLineReader {
 public:
  LogLineReader();
  ~LogLineReader();
  LogLineReader(const LogLineReader&) = delete;
  LogLineReader& operator=(const LogLineReader&) = delete;

  /// Prefixes of kubectl logs --prefix ("[pod/NAME/CONTAINER] ") and of container runtimes
  /// ("TIME stdout F ") are taken off. `why` says what is wrong with an unreadable line. `padded`:
  /// kLogPadding bytes behind the line may be read, which saves a copy of JSON.
  LineKind read(std::string_view line, LogRecord& out, std::string& why, bool padded = false);

 private:
  struct State;
  LineKind read_json(std::string_view line, LogRecord& out, std::string& why, bool padded);
  std::unique_ptr<State> state_;
};

/// "10.0.0.1:80" or "[fd00::1]:80" in two; port 0 when there is none.
struct HostAndPort {
  std::string_view host;
  std::uint16_t port = 0;
};
[[nodiscard]] HostAndPort split_address(std::string_view text);

}  // namespace waypath::scenarios
