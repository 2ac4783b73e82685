#include "scenarios/replay/log_fields.h"

#include <array>

namespace waypath::scenarios {
namespace {

using R = LogRecord;

constexpr std::array<LogField, 17> kZtunnelFields{{
    {"level", nullptr, nullptr},  // these two in JSON alone
    {"time", nullptr, nullptr},
    {"src.addr", &R::src_addr, nullptr},
    {"src.workload", &R::src_workload, nullptr},
    {"src.namespace", &R::src_namespace, nullptr},
    {"src.identity", nullptr, nullptr},
    {"dst.addr", &R::dst_addr, nullptr},
    {"dst.hbone_addr", &R::dst_hbone_addr, nullptr},
    {"dst.service", &R::dst_service, nullptr},
    {"dst.workload", &R::dst_workload, nullptr},
    {"dst.namespace", &R::dst_namespace, nullptr},
    {"dst.identity", nullptr, nullptr},
    {"direction", &R::direction, nullptr},
    {"bytes_sent", nullptr, &R::sent},
    {"bytes_recv", nullptr, &R::received},
    {"duration", nullptr, &R::duration_ms},  // "12ms"
    {"error", &R::error, nullptr},
}};

constexpr std::array<LogField, 24> kEnvoyJsonFields{{
    {"authority", &R::authority, nullptr},
    {"bytes_received", nullptr, &R::received},
    {"bytes_sent", nullptr, &R::sent},
    {"connection_termination_details", &R::termination, nullptr},
    {"downstream_local_address", &R::downstream_local, nullptr},
    {"downstream_remote_address", &R::downstream_remote, nullptr},
    {"duration", nullptr, &R::duration_ms},
    {"method", &R::method, nullptr},
    {"path", &R::path, nullptr},
    {"protocol", nullptr, nullptr},
    {"request_id", nullptr, nullptr},
    {"requested_server_name", &R::sni, nullptr},
    {"response_code_details", &R::details, nullptr},
    {"response_flags", &R::response_flags, nullptr},
    {"route_name", nullptr, nullptr},
    {"start_time", nullptr, nullptr},
    {"upstream_cluster", &R::upstream_cluster, nullptr},
    {"upstream_host", nullptr, nullptr},
    {"upstream_local_address", nullptr, nullptr},
    {"upstream_request_attempt_count", nullptr, nullptr},
    {"upstream_service_time", nullptr, nullptr},
    {"upstream_transport_failure_reason", &R::transport_failure, nullptr},
    {"user_agent", nullptr, nullptr},
    {"x_forwarded_for", nullptr, nullptr},
}};

}  // namespace

std::span<const LogField> ztunnel_fields() { return kZtunnelFields; }
std::span<const LogField> envoy_json_fields() { return kEnvoyJsonFields; }

const LogField* find_field(std::span<const LogField> fields, std::string_view name, std::size_t& next) {
  for (std::size_t n = 0; n < fields.size(); ++n) {
    const std::size_t i = next + n < fields.size() ? next + n : next + n - fields.size();
    if (fields[i].name != name) continue;
    next = i + 1 < fields.size() ? i + 1 : 0;
    return &fields[i];
  }
  return nullptr;
}

const LogField* expected_field(std::span<const LogField> fields, std::string_view text, std::size_t& next) {
  for (std::size_t i = next; i < fields.size(); ++i) {
    const std::string_view name = fields[i].name;
    if (text.size() <= name.size() || text[name.size()] != '=' || !text.starts_with(name)) continue;
    next = i + 1;
    return &fields[i];
  }
  return nullptr;
}

}  // namespace waypath::scenarios
