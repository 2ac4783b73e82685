#pragma once
// Which field of a log line goes where, in the order in which the proxy writes them: a reader that looks
// behind the field that it found last finds nearly all at once.

#include <cstdint>
#include <span>
#include <string_view>

#include "scenarios/replay/log_record.h"

namespace waypath::scenarios {

/// Both members null: written by the proxy, of no matter here.
struct LogField {
  std::string_view name;
  std::string_view LogRecord::*text = nullptr;
  std::uint64_t LogRecord::*number = nullptr;
};

/// Source: istio/ztunnel src/proxy/metrics.rs (access_log!)
[[nodiscard]] std::span<const LogField> ztunnel_fields();
/// Source: istio/istio pilot/pkg/model/telemetry_logging.go (EnvoyJSONLogFormatIstio); a map, written in the
/// order of its keys.
[[nodiscard]] std::span<const LogField> envoy_json_fields();

/// The field of this name, or null. `next`: where to look first; behind the one found afterwards.
[[nodiscard]] const LogField* find_field(std::span<const LogField> fields, std::string_view name,
                                         std::size_t& next);
/// The field whose name and "=" stand at the start of `text`, of those from `next` on; null when it is none
/// of them.
[[nodiscard]] const LogField* expected_field(std::span<const LogField> fields, std::string_view text,
                                             std::size_t& next);

}  // namespace waypath::scenarios
