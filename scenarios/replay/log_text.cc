#include "scenarios/replay/log_text.h"

#include <algorithm>
#include <charconv>

#include "scenarios/replay/log_fields.h"

namespace waypath::scenarios {
namespace {

std::uint64_t number(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// A quoted value as Rust's Debug writes it: \" \\ \n \t \r \0 \' and \u{...}, which stays as it is.
// `at` stands behind the opening quote and is moved behind the closing one. `escapes`: the line has a
// backslash somewhere.
bool quoted(std::string_view line, bool escapes, std::size_t& at, std::string_view& value,
            std::string& unescaped) {
  const std::size_t begin = at;
  std::size_t end = line.find('"', at);
  if (end == std::string_view::npos) return false;
  const bool plain = !escapes || line.substr(begin, end - begin).find('\\') == std::string_view::npos;
  if (!plain) {
    for (end = begin; end < line.size() && line[end] != '"'; ++end)
      if (line[end] == '\\') ++end;
    if (end >= line.size()) return false;
  }
  value = line.substr(begin, end - begin);
  at = end + 1;
  if (plain) return true;
  const std::size_t start = unescaped.size();
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size() || value[i + 1] == 'u') {
      unescaped += value[i];
      continue;
    }
    const char c = value[++i];
    unescaped += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
  }
  value = std::string_view(unescaped).substr(start);
  return true;
}

std::string_view no_dash(std::string_view text) { return text == "-" ? std::string_view{} : text; }

// The fields of Envoy's default format: a bracketed time, quoted texts, words.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  bool bracketed(std::string_view& out) { return between('[', ']', out); }
  // Envoy does not escape quotes in a quoted field: it ends where a quote stands before a blank or the end.
  bool quoted(std::string_view& out) {
    if (rest_.empty() || rest_.front() != '"') return false;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] != '"' || (i + 1 < rest_.size() && rest_[i + 1] != ' ')) continue;
      out = rest_.substr(1, i - 1);
      advance(i + 1);
      return true;
    }
    return false;
  }
  bool word(std::string_view& out) {
    const std::size_t end = rest_.find(' ');
    out = rest_.substr(0, end);
    advance(out.size());
    return !out.empty();
  }
  // From the end of the line.
  bool last_word(std::string_view& out) {
    const std::size_t blank = rest_.rfind(' ');
    if (blank == std::string_view::npos) return false;
    out = rest_.substr(blank + 1);
    rest_ = rest_.substr(0, blank);
    return !out.empty();
  }
  bool last_quoted(std::string_view& out) {
    if (rest_.size() < 3 || rest_.back() != '"') return false;
    const std::size_t open = rest_.rfind(" \"", rest_.size() - 2);
    if (open == std::string_view::npos) return false;
    out = rest_.substr(open + 2, rest_.size() - open - 3);
    rest_ = rest_.substr(0, open);
    return true;
  }

 private:
  bool between(char open, char close, std::string_view& out) {
    if (rest_.empty() || rest_.front() != open) return false;
    const std::size_t end = rest_.find(close);
    if (end == std::string_view::npos) return false;
    out = rest_.substr(1, end - 1);
    advance(end + 1);
    return true;
  }
  void advance(std::size_t n) {
    rest_.remove_prefix(n);
    if (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

}  // namespace

HostAndPort split_address(std::string_view text) {
  HostAndPort out;
  const auto colon = text.rfind(':');
  const bool bare_v6 =
      colon != std::string_view::npos && text.find(':') != colon && (text.empty() || text.front() != '[');
  if (colon == std::string_view::npos || bare_v6 || (!text.empty() && text.back() == ']')) {
    out.host = text;
  } else {
    out.host = text.substr(0, colon);
    unsigned port = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
    if (parsed.ec == std::errc() && parsed.ptr == end && port <= 65535)
      out.port = static_cast<std::uint16_t>(port);
  }
  if (out.host.size() >= 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

LineKind finish_ztunnel(std::string_view message, LogRecord& out, std::string& why) {
  if (message == "connection opened") return LineKind::Opened;
  out.failed_early = message == "connection failed";
  if (message != "connection complete" && !out.failed_early) return LineKind::Other;
  out.writer =
      out.direction == "inbound" ? LogRecord::Writer::ZtunnelInbound : LogRecord::Writer::ZtunnelOutbound;
  if (out.direction.empty())
    why = "ztunnel's access log without direction";
  else if (split_address(out.src_addr).host.empty())
    why = "ztunnel's access log without src.addr";
  else if (split_address(out.dst_addr).port == 0)
    why = "ztunnel's access log without a port in dst.addr";
  else if (out.failed_early && out.error.empty())
    why = "ztunnel's access log of a failure without error";
  else
    return LineKind::Record;
  return LineKind::Unreadable;
}

LineKind read_ztunnel_text(std::string_view line, LogRecord& out, std::string& unescaped, std::string& why) {
  // "<time>\t<level>\t<scope>\t<message>\t<fields>", before 1.23 "<time>  <LEVEL> <scope>: <message>
  // <fields>".
  static constexpr std::string_view kAccess = "\taccess\tconnection ";
  // Behind time and level, where it is; else wherever.
  std::size_t at = line.substr(0, 41).find('\t');
  for (int tab = 0; tab < 2 && at != std::string_view::npos && !line.substr(at).starts_with(kAccess); ++tab)
    at = line.find('\t', at + 1);
  if (at == std::string_view::npos || !line.substr(at).starts_with(kAccess)) at = line.find(kAccess);
  char separator = '\t';
  if (at != std::string_view::npos) {
    at += 8;
  } else {
    at = line.find(" access: connection ");
    separator = ' ';
    if (at == std::string_view::npos) return LineKind::Other;
    at += 9;
  }
  std::size_t end = line.find(separator, at + std::string_view("connection ").size());
  if (end == std::string_view::npos) end = line.size();
  const std::string_view message = line.substr(at, end - at);
  at = end;
  unescaped.clear();
  unescaped.reserve(line.size());  // values are views into it
  const auto fields = ztunnel_fields();
  const bool escapes = line.find('\\') != std::string_view::npos;
  std::size_t next = 0;
  while (at < line.size()) {
    if (line[at] == ' ' || line[at] == '\t') {
      ++at;
      continue;
    }
    const LogField* field = expected_field(fields, line.substr(at), next);
    std::string_view key;
    if (field != nullptr) {
      key = field->name;
    } else {
      const std::size_t equals = line.find('=', at);
      if (equals == std::string_view::npos) {
        why = "a field without \"=\"";
        return LineKind::Unreadable;
      }
      key = line.substr(at, equals - at);
      field = find_field(fields, key, next);
    }
    at += key.size() + 1;
    std::string_view value;
    if (at < line.size() && line[at] == '"') {
      ++at;
      if (!quoted(line, escapes, at, value, unescaped)) {
        why = "the value of " + std::string(key.substr(0, 40)) + " has no closing quote";
        return LineKind::Unreadable;
      }
    } else {
      const std::size_t stop = std::min(line.find(' ', at), line.size());
      value = line.substr(at, stop - at);
      at = stop;
    }
    if (field == nullptr) continue;
    if (field->text != nullptr) out.*field->text = value;
    if (field->number != nullptr) out.*field->number = number(value);
  }
  return finish_ztunnel(message, out, why);
}

LineKind finish_envoy(LogRecord& out, std::string& why) {
  for (std::string_view LogRecord::*field :
       {&LogRecord::method, &LogRecord::path, &LogRecord::authority, &LogRecord::response_flags,
        &LogRecord::details, &LogRecord::termination, &LogRecord::transport_failure,
        &LogRecord::upstream_cluster, &LogRecord::downstream_local, &LogRecord::downstream_remote,
        &LogRecord::sni})
    out.*field = no_dash(out.*field);
  out.writer = LogRecord::Writer::Envoy;
  // The listeners around a waypoint's own: CONNECT is terminated, then originated.
  // Source: istio/istio pilot/pkg/networking/core/listener_waypoint.go (ConnectTerminate, MainInternalName,
  // ConnectOriginate)
  if (out.method == "CONNECT" || out.upstream_cluster == "main_internal" ||
      starts_with(out.downstream_remote, "envoy://internal_client_address") ||
      out.upstream_cluster == "connect_originate")
    return LineKind::Tunnel;
  if (out.downstream_remote.empty() && out.authority.empty()) {
    why = "Envoy's access log with neither authority nor downstream address";
    return LineKind::Unreadable;
  }
  return LineKind::Record;
}

LineKind read_envoy_text(std::string_view line, LogRecord& out, std::string& why) {
  Fields fields(line);
  std::string_view time, request, code, sent, received, duration, ignored, route;
  if (!fields.bracketed(time) || !fields.quoted(request)) return LineKind::Other;
  const bool whole =
      fields.word(code) && fields.word(out.response_flags) && fields.word(out.details) &&
      fields.word(out.termination) && fields.quoted(out.transport_failure) && fields.word(received) &&
      fields.word(sent) && fields.word(duration) && fields.word(ignored) /* upstream service time */ &&
      fields.quoted(ignored) /* x-forwarded-for */ &&
      // A user agent may hold quotes: what stands behind it is read from the end.
      fields.last_word(route) && fields.last_word(out.sni) && fields.last_word(out.downstream_remote) &&
      fields.last_word(out.downstream_local) && fields.last_word(ignored) /* upstream local address */ &&
      fields.last_word(out.upstream_cluster) && fields.last_quoted(ignored) /* upstream host */ &&
      fields.last_quoted(out.authority) && fields.last_quoted(ignored) /* request id */;
  unsigned status = 0;
  const auto parsed = std::from_chars(code.data(), code.data() + code.size(), status);
  if (!whole || parsed.ec != std::errc() || parsed.ptr != code.data() + code.size() || status > 999) {
    why = "not Istio's default format of Envoy's access log";
    return LineKind::Unreadable;
  }
  out.status = static_cast<int>(status);
  out.sent = number(sent);
  out.received = number(received);
  out.duration_ms = number(duration);
  // "GET /path HTTP/1.1"; "- - -" without HTTP.
  const auto first = request.find(' '), last = request.rfind(' ');
  if (first == std::string_view::npos || last == first) {
    why = "no \"METHOD PATH PROTOCOL\" in Envoy's access log";
    return LineKind::Unreadable;
  }
  out.method = request.substr(0, first);
  out.path = request.substr(first + 1, last - first - 1);
  return finish_envoy(out, why);
}

}  // namespace waypath::scenarios
