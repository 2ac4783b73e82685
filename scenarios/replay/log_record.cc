#include "scenarios/replay/log_record.h"

#include <simdjson.h>

#include <charconv>
#include <utility>

#include "scenarios/replay/log_fields.h"
#include "scenarios/replay/log_text.h"

namespace waypath::scenarios {
namespace {

using Element = simdjson::dom::element;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view text_of(const Element& value) {
  std::string_view out;
  return value.get(out) == simdjson::SUCCESS ? out : std::string_view{};
}

// Numbers as numbers or as texts: Envoy's JSON format writes both, as its configuration says.
std::uint64_t number_of(const Element& value) {
  std::uint64_t out = 0;
  if (value.get(out) == simdjson::SUCCESS) return out;
  const auto text = text_of(value);
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

void set(LogRecord& out, const LogField& field, const Element& value) {
  if (field.text != nullptr) out.*field.text = text_of(value);
  if (field.number != nullptr) out.*field.number = number_of(value);
}

// "[pod/NAME/CONTAINER] " of kubectl logs --prefix.
void take_kubectl_prefix(std::string_view& line, LogRecord& out) {
  if (line.substr(0, 5) != "[pod/") return;
  const auto close = line.find("] ");
  if (close == std::string_view::npos) return;
  const auto name = line.substr(5, close - 5);
  out.pod = name.substr(0, name.find('/'));
  line.remove_prefix(close + 2);
}

// "2026-08-20T13:45:53.123456789Z stdout F " of container runtimes.
// Source: kubernetes pkg/kubelet/kuberuntime/logs parseCRILog
void take_runtime_prefix(std::string_view& line) {
  const auto at = line.substr(0, 41).find(' ');
  if (at == std::string_view::npos) return;
  const auto rest = line.substr(at);
  if (rest.starts_with(" stdout F ") || rest.starts_with(" stderr F ")) line.remove_prefix(at + 10);
}

}  // namespace

struct LogLineReader::State {
  simdjson::dom::parser parser{kLongestDocument};
  std::string unescaped;
  static constexpr std::size_t kLongestDocument = std::size_t{1} << 21;
};

LogLineReader::LogLineReader() : state_(std::make_unique<State>()) {}
LogLineReader::~LogLineReader() = default;

LineKind LogLineReader::read(std::string_view line, LogRecord& out, std::string& why, bool padded) {
  out = {};
  take_kubectl_prefix(line, out);
  take_runtime_prefix(line);
  if (line.find_first_not_of(" \t") == std::string_view::npos) return LineKind::Blank;
  if (line.front() == '{') return read_json(line, out, why, padded);
  // "[2026-08-20T..." is a request, "[2026-08-20 13:..." Envoy's own log.
  if (line.front() == '[') {
    if (line.size() < 12 || !is_digit(line[1]) || !is_digit(line[4])) {
      why = "no access log of ztunnel or Envoy";
      return LineKind::Unreadable;
    }
    return line[11] == 'T' ? read_envoy_text(line, out, why) : LineKind::Other;
  }
  if (line.size() > 20 && is_digit(line[0]) && line[4] == '-' && line[10] == 'T')
    return read_ztunnel_text(line, out, state_->unescaped, why);
  why = "no access log of ztunnel or Envoy";
  return LineKind::Unreadable;
}

LineKind LogLineReader::read_json(std::string_view line, LogRecord& out, std::string& why, bool padded) {
  simdjson::dom::object object;
  if (const auto error = state_->parser.parse(line.data(), line.size(), !padded).get(object)) {
    why = std::string("no JSON object: ") + simdjson::error_message(error);
    return LineKind::Unreadable;
  }
  std::string_view scope, message;
  bool own_log = false, envoy_seen = false;
  std::size_t next_ztunnel = 0, next_envoy = 0;
  for (const auto& [key, value] : object) {
    // No name stands for two things, so that it need not be known yet whose line it is.
    if (key == "scope") {
      scope = text_of(value);
      own_log = true;
    } else if (key == "message" || key == "msg") {
      message = text_of(value);
      own_log = own_log || key == "msg";
    } else if (key == "response_code") {
      const auto status = number_of(value);
      envoy_seen = status <= 999;
      out.status = static_cast<int>(status);
    } else if (const LogField* field = find_field(ztunnel_fields(), key, next_ztunnel)) {
      set(out, *field, value);
    } else if (const LogField* other = find_field(envoy_json_fields(), key, next_envoy)) {
      set(out, *other, value);
    }
  }
  if (scope == "access") return finish_ztunnel(message, out, why);
  if (envoy_seen) return finish_envoy(out, why);
  if (own_log) return LineKind::Other;
  why = "JSON that is no access log of ztunnel (scope: access) or Envoy (response_code)";
  return LineKind::Unreadable;
}

}  // namespace waypath::scenarios
