#include "tests/conformance/routing_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "sim/match/route_match.h"
#include "sim/reasons/route.h"
#include "tests/conformance/node_text.h"

namespace waypath::conformance {
namespace {

using model::yaml::Node;
using sim::RouteDecision;
using sim::RouteTarget;

/// The parts of a Location.
struct Location {
  std::string scheme, host, port, path, query;
};
Location split_location(const std::string& url) {
  Location out;
  std::string rest = url;
  if (const auto mark = rest.find("://"); mark != std::string::npos) {
    out.scheme = rest.substr(0, mark);
    rest = rest.substr(mark + 3);
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    out.host = rest.substr(0, end);
    rest = rest.substr(end);
    if (const auto colon = out.host.rfind(':'); colon != std::string::npos) {
      out.port = out.host.substr(colon + 1);
      out.host.resize(colon);
    }
  }
  const std::size_t question = std::min(rest.find('?'), rest.size());
  out.path = rest.substr(0, question);
  if (question < rest.size()) out.query = rest.substr(question + 1);
  return out;
}

/// What a backend or client receives of headers, names in lower case, values joined.
using HeaderMap = std::vector<std::pair<std::string, std::string>>;
void set_header(HeaderMap& headers, const std::string& name, const std::string& value) {
  std::erase_if(headers, [&](const auto& h) { return h.first == name; });
  headers.emplace_back(name, value);
}
void add_header(HeaderMap& headers, const std::string& name, const std::string& value) {
  for (auto& [key, old] : headers) {
    if (key != name) continue;
    old += "," + value;
    return;
  }
  headers.emplace_back(name, value);
}
const std::string* find_header(const HeaderMap& headers, const std::string& name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

HeaderMap headers_at_backend(const CaseRequest& request, const RouteTarget& target) {
  HeaderMap out;
  for (const auto& [name, value] : request.route.headers) add_header(out, sim::lower_case(name), value);
  for (const std::string& name : target.remove_headers)
    std::erase_if(out, [&](const auto& h) { return h.first == name; });
  for (const auto& [name, value] : target.set_headers) set_header(out, name, value);
  for (const auto& [name, value] : target.add_headers) add_header(out, name, value);
  return out;
}

HeaderMap headers_at_client(const HeaderMap& of_backend, const RouteDecision& decision,
                            const RouteTarget* target) {
  HeaderMap out = of_backend;
  const auto apply = [&](const auto& set, const auto& add, const auto& remove) {
    for (const std::string& name : remove) std::erase_if(out, [&](const auto& h) { return h.first == name; });
    for (const auto& [name, value] : set) set_header(out, name, value);
    for (const auto& [name, value] : add) add_header(out, name, value);
  };
  apply(decision.response_set, decision.response_add, decision.response_remove);
  if (target != nullptr) apply(target->response_set, target->response_add, target->response_remove);
  return out;
}

/// Lists are compared item by item; those of CORS are sets (fetch.spec.whatwg.org, CORS protocol).
bool same_list(const std::string& name, const std::string& wanted, const std::string& got) {
  const auto items = [&](const std::string& list) {
    std::vector<std::string> out;
    std::size_t start = 0;
    while (start <= list.size()) {
      const std::size_t end = std::min(list.find(',', start), list.size());
      std::string item = list.substr(start, end - start);
      item.erase(0, item.find_first_not_of(' '));
      item.erase(item.find_last_not_of(' ') + 1);
      out.push_back(std::move(item));
      start = end + 1;
    }
    if (name.starts_with("access-control-")) std::sort(out.begin(), out.end());
    return out;
  };
  return items(wanted) == items(got);
}

std::string describe(const RouteDecision& d) {
  constexpr std::string_view kKinds[] = {"forward",         "respond", "refuse", "no listener",
                                         "no filter chain", "close",   "unknown"};
  return fmt::format("{}: {} {}", kKinds[static_cast<std::size_t>(d.kind)], d.reason.code.text,
                     d.reason.detail);
}
std::string explained(const std::string& value, const Prediction& p) {
  return fmt::format("{} ({})", value, describe(p.decision));
}
std::string status_text(const Prediction& p) {
  std::vector<int> statuses = p.statuses;
  std::sort(statuses.begin(), statuses.end());
  statuses.erase(std::unique(statuses.begin(), statuses.end()), statuses.end());
  if (statuses.size() == 1) return fmt::to_string(statuses.front());
  if (!statuses.empty()) return fmt::format("{}", fmt::join(statuses, " or "));
  return fmt::format("none ({})", describe(p.decision));
}

const RouteTarget* first_target(const RouteDecision& decision) {
  for (const RouteTarget& target : decision.targets) {
    if (target.share > 0) return &target;
  }
  return nullptr;
}

std::string error_of(const RouteDecision& d) {
  if (d.kind == RouteDecision::Kind::NoListener) return "no_listener";
  if (d.reason.code == sim::kListenerSniMismatch) return "no_filter_chain";
  if (d.reason.code == sim::kRouteNoRule) return "no_route";
  // Without any route a port has one virtual host that covers everything and has no rule.
  if (d.reason.code == sim::kRouteNoVirtualHost)
    return d.virtual_host == "blackhole" ? "no_route" : "no_virtual_host";
  if (d.reason.code == sim::kRouteHttpsRedirect) return "tls_redirect";
  if (d.reason.code == sim::kListenerClientCertificate) return "tls_error";
  return d.kind == RouteDecision::Kind::NoFilterChain ? "protocol_error" : "none";
}

}  // namespace

IstioNote::IstioNote(const std::string& note) {
  sidecars_only = note.find("Holds for sidecars") != std::string::npos;
  no_misdirected = note.find("where 421 is expected Istio answers from the routes") != std::string::npos;
  constexpr std::string_view kExpect = "(expect ";
  if (const auto at = note.find(kExpect);
      at != std::string::npos && note.find(" there)", at) != std::string::npos) {
    status = std::atoi(note.c_str() + at + kExpect.size());
  }
}

void RoutingChecks::check(const std::string& what, const std::string& expected, const std::string& predicted,
                          bool holds) {
  ++count;
  const std::string deviation = fmt::format("routing/{} | {} | {}", case_, request_, what);
  if (deviations_.contains(deviation)) {
    deviating.push_back(fmt::format("{}: expected {}, predicted {}", deviation, expected, predicted));
    if (holds) failures.push_back(fmt::format("{}: {}: listed as a deviation, but holds", request_, what));
    if (!holds) ++passed;
    return;
  }
  if (holds) {
    ++passed;
  } else {
    failures.push_back(fmt::format("{}: {}: expected {}, predicted {}", request_, what, expected, predicted));
  }
}

void RoutingChecks::check_keys(const Node* map, std::initializer_list<std::string_view> known,
                               const std::string& where) {
  for (const auto& member : map->members) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    check(fmt::format("{}{}", where, member.key), "a key that the runner reads", "an unread key", false);
  }
}

void RoutingChecks::check_all(const Node* expect, const World& world, const Entry& entry,
                              const CaseRequest& asked, const Prediction& p, const IstioNote& note) {
  if (note.status) return check("status (Istio)", fmt::to_string(*note.status), status_text(p));
  check_status(expect, asked, p, note);
  check_backend(expect, p);
  check_request_seen(expect, asked, p);
  check_response(expect, p);
  check_connection(expect, p);
  if (const Node* envoy = expect->find("envoy")) check_envoy(envoy, p);
  if (const Node* node = expect->find("hops")) {
    check("hops", fmt::format("{}", fmt::join(strings(node), " ")),
          fmt::format("{}", fmt::join(p.hops, " ")));
  }
  if (const Node* node = expect->find("no_virtual_host_named")) {
    const std::vector<std::string> names = world.virtual_hosts(entry, asked.port);
    const bool found = std::find(names.begin(), names.end(), text(node)) != names.end();
    check("no_virtual_host_named", text(node) + " absent", fmt::format("{}", fmt::join(names, " ")), !found);
  }
}

void RoutingChecks::check_status(const Node* expect, const CaseRequest& asked, const Prediction& p,
                                 const IstioNote& note) {
  const std::string predicted = status_text(p);
  if (const Node* node = expect->find("status")) {
    if (note.no_misdirected && text(node) == "421") {
      check("status (Istio)", "404 or 200", predicted, predicted == "404" || predicted == "200");
    } else {
      check("status", text(node), predicted == text(node) ? predicted : explained(predicted, p),
            predicted == text(node));
    }
  }
  if (const Node* node = expect->find("status_any")) {
    const std::vector<std::string> any = strings(node);
    check("status_any", fmt::format("{}", fmt::join(any, " ")), predicted,
          std::find(any.begin(), any.end(), predicted) != any.end());
  }
  if (const Node* node = expect->find("status_not")) {
    check("status_not", "not " + text(node), predicted, !p.statuses.empty() && predicted != text(node));
  }
  if (const Node* node = expect->find("grpc_status")) {
    // Source: gRPC doc/http-grpc-status-mapping.md.
    std::string code = !asked.grpc                                                      ? "no gRPC"
                       : predicted == "200"                                             ? "0"
                       : predicted == "404"                                             ? "12"
                       : predicted == "403"                                             ? "7"
                       : predicted == "503" || predicted == "504" || predicted == "502" ? "14"
                                                                                        : "2";
    if (p.decision.grpc_status) code = fmt::to_string(*p.decision.grpc_status);
    check("grpc_status", text(node), code == text(node) ? code : explained(code, p), code == text(node));
  }
}

void RoutingChecks::check_backend(const Node* expect, const Prediction& p) {
  const auto all_contain = [](const std::vector<std::set<std::string>>& sets, const std::string& wanted) {
    return !sets.empty() && std::all_of(sets.begin(), sets.end(),
                                        [&](const std::set<std::string>& s) { return s.contains(wanted); });
  };
  const auto shown = [&](const std::vector<std::set<std::string>>& sets) {
    std::vector<std::string> parts;
    for (const auto& s : sets) parts.push_back(fmt::format("{}", fmt::join(s, "=")));
    return explained(fmt::format("{}", fmt::join(parts, " and ")), p);
  };
  if (const Node* node = expect->find("backend")) {
    check("backend", text(node), shown(p.backends), all_contain(p.backends, text(node)));
  }
  if (const Node* node = expect->find("backend_workload")) {
    const bool only =
        all_contain(p.workloads, text(node)) &&
        std::all_of(p.workloads.begin(), p.workloads.end(), [](const auto& s) { return s.size() == 1; });
    check("backend_workload", text(node), shown(p.workloads), only);
  }
  if (const Node* node = expect->find("backend_port")) {
    const auto wanted = node->as_integer();
    const bool all = !p.backend_ports.empty() &&
                     std::all_of(p.backend_ports.begin(), p.backend_ports.end(),
                                 [&](std::uint16_t port) { return wanted && port == *wanted; });
    check("backend_port", text(node), fmt::format("{}", fmt::join(p.backend_ports, " ")), all);
  }
  if (const Node* node = expect->find("distribution")) {
    for (const auto& member : node->members) {
      const double wanted = member.value->as_number().value_or(-1);
      const auto it = p.shares.find(std::string(member.key));
      const double share = it == p.shares.end() ? 0 : it->second;
      check(fmt::format("distribution {}", member.key), fmt::to_string(wanted), fmt::to_string(share),
            std::abs(wanted - share) < 1e-6);
    }
  }
  if (const Node* node = expect->find("destination")) {
    const RouteTarget* target = first_target(p.decision);
    const std::string none = describe(p.decision);
    check_keys(node, {"host", "port", "subset"}, "expect.destination.");
    if (node->find("host") != nullptr) {
      check("destination.host", text(node, "host"), target == nullptr ? none : explained(target->host, p),
            target != nullptr && target->host == text(node, "host"));
    }
    if (node->find("port") != nullptr) {
      check("destination.port", text(node, "port"), target == nullptr ? none : fmt::to_string(target->port),
            target != nullptr && fmt::to_string(target->port) == text(node, "port"));
    }
    if (node->find("subset") != nullptr) {
      check("destination.subset", text(node, "subset"), target == nullptr ? none : target->subset,
            target != nullptr && target->subset == text(node, "subset"));
    }
  }
  if (const Node* node = expect->find("mirrored_to")) {
    std::vector<std::string> wanted = strings(node), got = p.decision.mirrored_to;
    std::sort(wanted.begin(), wanted.end());
    std::sort(got.begin(), got.end());
    check("mirrored_to", fmt::format("{}", fmt::join(wanted, " ")), fmt::format("{}", fmt::join(got, " ")));
  }
}

void RoutingChecks::check_request_seen(const Node* expect, const CaseRequest& asked, const Prediction& p) {
  // When several destinations share the request, each must show what is expected.
  std::vector<const RouteTarget*> targets;
  for (const RouteTarget& t : p.decision.targets) {
    if (t.share > 0 && t.error_status == 0) targets.push_back(&t);
  }
  const auto each = [&](const std::string& what, const std::string& wanted, auto&& value_of) {
    if (targets.empty()) return check(what, wanted, describe(p.decision), false);
    std::string shown;
    bool all = true;
    for (const RouteTarget* t : targets) {
      const std::string value = value_of(*t);
      all = all && value == wanted;
      shown = value == wanted && !shown.empty() ? shown : value;
    }
    check(what, wanted, shown, all);
  };
  if (const Node* node = expect->find("path_seen")) {
    const std::string wanted = text(node);
    const bool with_query = wanted.find('?') != std::string::npos;
    each("path_seen", wanted, [&](const RouteTarget& t) {
      std::string seen = t.path_rewrite.value_or(asked.route.path);
      if (!with_query) seen.resize(std::min(seen.find('?'), seen.size()));
      return seen;
    });
  }
  if (const Node* node = expect->find("host_seen")) {
    each("host_seen", text(node),
         [&](const RouteTarget& t) { return t.host_rewrite.value_or(asked.route.host); });
  }
  if (const Node* node = expect->find("sni_seen_at_backend")) {
    each("sni_seen_at_backend", text(node),
         [&](const RouteTarget& t) { return t.upstream_tls ? t.upstream_sni : asked.route.sni; });
  }
  if (const Node* node = expect->find("headers_seen")) {
    for (const auto& member : node->members) {
      const std::string key = sim::lower_case(member.key);
      each(fmt::format("headers_seen {}", member.key),
           fmt::format("{}", fmt::join(strings(member.value), ",")), [&](const RouteTarget& t) {
             const HeaderMap headers = headers_at_backend(asked, t);
             const std::string* value = find_header(headers, key);
             return value == nullptr ? std::string("(absent)") : *value;
           });
    }
  }
  for (const std::string& header : strings(expect->find("headers_absent_at_backend"))) {
    each(fmt::format("headers_absent_at_backend {}", header), "(absent)", [&](const RouteTarget& t) {
      const HeaderMap headers = headers_at_backend(asked, t);
      const std::string* value = find_header(headers, sim::lower_case(header));
      return value == nullptr ? std::string("(absent)") : *value;
    });
  }
}

void RoutingChecks::check_response(const Node* expect, const Prediction& p) {
  if (const Node* node = expect->find("redirect")) check_redirect(node, p);
  HeaderMap of_backend;
  if (const Node* node = expect->find("backend_sets_response_headers")) {
    for (const auto& member : node->members) {
      for (const std::string& value : strings(member.value))
        add_header(of_backend, sim::lower_case(member.key), value);
    }
  }
  const HeaderMap headers = headers_at_client(of_backend, p.decision, first_target(p.decision));
  if (const Node* node = expect->find("response_headers")) {
    for (const auto& member : node->members) {
      const std::string* value = find_header(headers, sim::lower_case(member.key));
      const std::string wanted = fmt::format("{}", fmt::join(strings(member.value), ","));
      check(fmt::format("response_headers {}", member.key), wanted,
            value == nullptr ? explained("(absent)", p) : *value,
            value != nullptr && same_list(sim::lower_case(member.key), wanted, *value));
    }
  }
  for (const std::string& header : strings(expect->find("response_headers_absent"))) {
    const std::string* value = find_header(headers, sim::lower_case(header));
    check(fmt::format("response_headers_absent {}", header), "(absent)",
          value == nullptr ? "(absent)" : *value);
  }
}

void RoutingChecks::check_redirect(const Node* node, const Prediction& p) {
  check_keys(node, {"scheme", "host", "port", "path", "query", "location"}, "expect.redirect.");
  const Location got = split_location(p.decision.redirect);
  const auto part = [&](const char* key, const std::string& value) {
    if (node->find(key) != nullptr) {
      const std::string wanted = text(node, key);
      check(fmt::format("redirect.{}", key), wanted, fmt::format("{} in {}", value, p.decision.redirect),
            value == wanted);
    }
  };
  part("scheme", got.scheme);
  part("host", got.host);
  part("port", got.port);
  part("path", got.path);
  part("query", got.query);
  part("location", p.decision.redirect);
}

void RoutingChecks::check_connection(const Node* expect, const Prediction& p) {
  const RouteDecision& d = p.decision;
  const bool usable = d.kind == RouteDecision::Kind::Forward && !p.backends.empty();
  if (const Node* node = expect->find("connection")) {
    const bool answered =
        usable || d.kind == RouteDecision::Kind::Respond || d.kind == RouteDecision::Kind::Refuse;
    const std::string got = d.kind == RouteDecision::Kind::Unknown ? "unknown"
                            : (d.http ? answered : usable)         ? "ok"
                                                                   : "rejected";
    check("connection", text(node), got == text(node) ? got : explained(got, p), got == text(node));
  }
  if (const Node* node = expect->find("error"))
    check("error", text(node), error_of(d) == text(node) ? error_of(d) : describe(d));
  if (const Node* node = expect->find("cluster")) {
    const RouteTarget* target = first_target(d);
    std::string got = target == nullptr              ? std::string()
                      : target->original_destination ? "PassthroughCluster"
                                                     : target->host;
    if (d.kind == RouteDecision::Kind::Close && d.reason.code == sim::kRouteBlocked) got = "BlackHoleCluster";
    check("cluster", text(node), got == text(node) ? got : explained(got, p), got == text(node));
  }
}

/// Names inside Envoy: those that are part of the prediction. Listeners and route configs have no
/// counterpart.
void RoutingChecks::check_envoy(const Node* node, const Prediction& p) {
  check_keys(node, {"listener", "route_config", "virtual_host", "virtual_host_domain", "route"},
             "expect.envoy.");
  const RouteDecision& d = p.decision;
  const auto host = [&](const char* key) {
    if (node->find(key) == nullptr) return;
    std::string wanted = text(node, key);
    wanted.resize(std::min(wanted.rfind(':'), wanted.size()));
    check(fmt::format("envoy.{}", key), wanted,
          d.virtual_host == wanted ? wanted : explained(d.virtual_host, p), d.virtual_host == wanted);
  };
  host("virtual_host");
  host("virtual_host_domain");
  if (const Node* route = node->find("route")) {
    const std::string got = d.reason.code == sim::kRouteDefault ? "default" : d.rule_name;
    check("envoy.route", text(route), got == text(route) ? got : explained(got, p), got == text(route));
  }
}

}  // namespace waypath::conformance
