#include "sim/resolve/url.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/reasons/walk.h"

namespace waypath::sim {
namespace {

struct Scheme {
  std::string_view name;
  std::uint16_t port;
  RouteRequest::App app;
};
constexpr std::array kSchemes{
    Scheme{"http", 80, RouteRequest::App::Http}, Scheme{"https", 443, RouteRequest::App::Http},
    Scheme{"grpc", 80, RouteRequest::App::Grpc}, Scheme{"grpcs", 443, RouteRequest::App::Grpc},
    Scheme{"h2c", 80, RouteRequest::App::Http2}, Scheme{"tcp", 0, RouteRequest::App::Tcp},
    Scheme{"tls", 443, RouteRequest::App::Tls},  Scheme{"udp", 0, RouteRequest::App::Tcp},
    Scheme{"sctp", 0, RouteRequest::App::Tcp},   Scheme{"ws", 80, RouteRequest::App::Http},
    Scheme{"wss", 443, RouteRequest::App::Http}};

const Scheme* find_scheme(std::string_view name) {
  const auto it =
      std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Scheme& s) { return s.name == name; });
  return it == kSchemes.end() ? nullptr : &*it;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

void invalid(model::Diagnostics& diagnostics, std::string message, std::string hint) {
  diagnostics.report({kFlowInvalid,
                      model::Severity::Error,
                      model::Reach::Input,
                      {},
                      {},
                      {},
                      {},
                      std::move(message),
                      std::move(hint)});
}

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  bool given = false, valid = true;
};

HostPort split_host_port(std::string_view text) {
  HostPort out;
  std::string_view port;
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    out.valid = close != std::string_view::npos;
    if (!out.valid) return out;
    out.host = lower(text.substr(1, close - 1));
    if (close + 1 < text.size()) {
      out.valid = text[close + 1] == ':';
      port = text.substr(close + 2);
    }
  } else {
    const auto colon = text.rfind(':');
    // More than one colon without brackets is an IPv6 address.
    const bool v6 = colon != std::string_view::npos && text.find(':') != colon;
    out.host = lower(v6 ? text : text.substr(0, colon));
    if (!v6 && colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      out.valid = !port.empty();
    }
  }
  if (!port.empty()) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    out.given = out.valid =
        error == std::errc() && end == port.data() + port.size() && number >= 1 && number <= 65535;
    out.port = static_cast<std::uint16_t>(number);
  }
  return out;
}

// An address, or a name of letters, digits, "-", "_" and dots. "<workload>-*.<namespace>.pod.<domain>" names
// a pod that its controller has not named yet, as model/derive.h calls it.
bool plausible_host(std::string_view host) {
  if (model::parse_ip(host)) return true;
  if (const auto star = host.find("-*."); star != std::string_view::npos && star > 0) {
    const auto ns = host.find('.', star + 3);
    if (ns == std::string_view::npos || host.substr(ns).substr(0, 5) != ".pod.") return false;
    return plausible_host(host.substr(0, star)) && plausible_host(host.substr(star + 3));
  }
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

std::string authority_of(const Target& t, std::uint16_t default_port) {
  const std::string host = t.host.find(':') == std::string::npos ? t.host : "[" + t.host + "]";
  return t.port == default_port ? host : host + ":" + std::to_string(t.port);
}

}  // namespace

std::optional<Target> parse_target(const Flow& flow, model::Diagnostics& diagnostics) {
  std::string_view rest = flow.to;
  Target t;
  const auto mark = rest.find("://");
  if (mark != std::string_view::npos) {
    t.scheme = lower(rest.substr(0, mark));
    rest.remove_prefix(mark + 3);
  }
  if (!flow.protocol.empty()) t.scheme = lower(flow.protocol);
  const auto slash = rest.find_first_of("/?#");
  std::string_view host_port = rest.substr(0, slash);
  std::string path =
      slash == std::string_view::npos ? "" : std::string(rest.substr(slash, rest.find('#', slash) - slash));
  if (!path.empty() && path.front() != '/') path.insert(path.begin(), '/');
  if (const auto user = host_port.rfind('@'); user != std::string_view::npos)
    host_port.remove_prefix(user + 1);
  const auto parts = split_host_port(host_port);
  if (!parts.valid || parts.host.empty() || !plausible_host(parts.host)) {
    invalid(diagnostics, "\"" + flow.to + "\" is no destination",
            "write a URL or host:port, for example https://prometheus.example.com/graph, web.shop:8080 or "
            "10.0.0.7:80");
    return std::nullopt;
  }
  if (t.scheme.empty())
    t.scheme = parts.port == 443 ? "https" : "http";  // as curl without a scheme, and TLS where it is usual
  const Scheme* scheme = find_scheme(t.scheme);
  if (scheme == nullptr) {
    invalid(diagnostics, "unknown protocol \"" + t.scheme + "\" in \"" + flow.to + "\"",
            "known: http, https, grpc, h2c, tcp, tls, udp, sctp");
    return std::nullopt;
  }
  t.host = parts.host;
  t.port_given = parts.given;
  t.port = parts.given ? parts.port : scheme->port;
  if (t.port == 0) {
    invalid(diagnostics, "\"" + flow.to + "\" needs a port: " + t.scheme + " has no usual one",
            "write " + t.scheme + "://host:port");
    return std::nullopt;
  }
  t.is_ip = model::parse_ip(t.host).has_value();
  t.app = scheme->app;
  const bool http = t.app == RouteRequest::App::Http || t.app == RouteRequest::App::Http2 ||
                    t.app == RouteRequest::App::Grpc;
  if (http) t.path = path.empty() ? "/" : std::move(path);
  t.authority = authority_of(t, scheme->port);
  // The rest of the engine knows two schemes of HTTP.
  if (t.scheme == "wss" || t.scheme == "grpcs") t.scheme = "https";
  if (t.scheme == "ws" || t.scheme == "grpc" || t.scheme == "h2c") t.scheme = "http";
  return t;
}

Target parse_connect_to(const Flow& flow, const Target& target) {
  Target out = target;
  const auto parts = split_host_port(flow.connect_to);
  if (!parts.valid) return out;
  if (!parts.host.empty()) out.host = parts.host;
  if (parts.given) out.port = parts.port;
  out.is_ip = model::parse_ip(out.host).has_value();
  return out;
}

model::Protocol transport_protocol(const Target& target) {
  if (target.scheme == "udp") return model::Protocol::Udp;
  if (target.scheme == "sctp") return model::Protocol::Sctp;
  return model::Protocol::Tcp;
}

}  // namespace waypath::sim
