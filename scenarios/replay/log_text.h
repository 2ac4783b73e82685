#pragma once
// The text forms of access logs.

#include <string>
#include <string_view>

#include "scenarios/replay/log_record.h"

namespace waypath::scenarios {

/// "TIME<tab>level<tab>access<tab>connection complete<tab>k=v k=v", and the older "TIME  LEVEL access: ...".
/// `unescaped` holds values that were quoted with escapes.
LineKind read_ztunnel_text(std::string_view line, LogRecord& out, std::string& unescaped, std::string& why);
/// "[TIME] "METHOD PATH PROTOCOL" CODE FLAGS ...".
LineKind read_envoy_text(std::string_view line, LogRecord& out, std::string& why);

/// What the fields that were read make of the line; names what is missing.
LineKind finish_ztunnel(std::string_view message, LogRecord& out, std::string& why);
LineKind finish_envoy(LogRecord& out, std::string& why);

}  // namespace waypath::scenarios
