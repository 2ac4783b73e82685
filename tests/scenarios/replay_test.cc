// Replay of recorded traffic: agreement, what stays open, what a change would break.

#include "scenarios/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "model/change.h"
#include "model/load/manifest_loader.h"
#include "scenarios/flow_enumeration.h"
#include "scenarios/scenario.h"
#include "tests/support/corpus.h"

namespace waypath::scenarios {
namespace {

using EnginePtr = std::shared_ptr<const sim::Engine>;
using sim::HopKind;
using sim::Outcome;

EnginePtr engine_of(model::Snapshot snapshot) {
  model::Diagnostics diagnostics;
  return sim::Engine::build(model::Cluster::build(std::move(snapshot), {}, diagnostics), {}, diagnostics);
}

model::Snapshot load(const std::string& folder) {
  model::Diagnostics diagnostics;
  return model::load_manifests({tests::source_dir() + "/scenarios/clusters/" + folder}, {}, diagnostics);
}

EnginePtr with(const model::Snapshot& base, const std::string& changes) {
  model::Diagnostics diagnostics;
  model::SourceFiles files;
  const auto list = parse_changes("change.yaml", "change:\n" + changes, files, diagnostics);
  auto out = model::apply_changes(base, list, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  return engine_of(std::move(out));
}

std::vector<std::string> shipped_log(const std::string& name) {
  std::vector<std::string> out;
  std::string text = tests::read_text(tests::source_dir() + "/scenarios/logs/bigbang-waypoint/" + name);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

ReplayReport replay(const EnginePtr& engine, const std::vector<std::string>& lines,
                    const sim::Engine* after = nullptr, ReplayOptions options = {}) {
  options.jobs = 1;
  Replay replay(engine, options);
  std::uint64_t number = 0;
  for (const auto& line : lines) replay.add_line("a.log", ++number, line);
  return replay.report(after);
}

std::string shape(const ReplayReport& report) {
  std::string out;
  for (const auto& row : report.rows)
    out += fmt::format("{} -> {} by {}: {} x{} {} | {}\n", row.client, row.target, to_string(row.observer),
                       row.seen, row.traffic.count, to_string(row.agreement), row.why);
  return out;
}

// ---- the log that our own predictions would produce ----

std::string target_host(const model::RegistryService& service) { return service.host; }

/// Writes what the proxies of a path log.
class LogWriter {
 public:
  explicit LogWriter(const sim::Engine& engine) : engine_(engine) {}

  void add(const sim::Flow& flow) {
    model::Diagnostics diagnostics;
    const auto verdict = sim::simulate(engine_, flow, {}, diagnostics);
    if (diagnostics.has_errors() || verdict.split) return;
    const auto& path = verdict.paths.front();
    if (path.outcome == Outcome::Unknown) return;
    const auto colon = flow.to.rfind(':');
    const std::string scheme = flow.to.substr(0, flow.to.find("://"));
    if (scheme == "udp" || scheme == "sctp") return;
    const std::string host = flow.to.substr(scheme.size() + 3, colon - scheme.size() - 3);
    for (const auto& service : engine_.cluster().services()) {
      const std::string name = service.service != nullptr
                                   ? fmt::format("{}.{}", service.name.view(), service.ns.view())
                                   : service.host;
      if (name != host || service.vips.empty() || service.symbolic_vip) continue;
      const auto port = static_cast<std::uint16_t>(std::stoi(flow.to.substr(colon + 1)));
      source_ztunnel(path, service, port);
      destination_ztunnel(path, service);
      if (scheme == "http" || scheme == "grpc") waypoint(path, service, port);
    }
    if (flow.from == "internet") gateway(path, flow);
  }

  std::vector<std::string> lines;

 private:
  [[nodiscard]] std::string address(const sim::HopResult& hop) const {
    const auto id = engine_.cluster().find_pod(hop.ns, hop.pod);
    if (!id.valid() || engine_.cluster().pod(id).ips.empty()) return {};
    return engine_.cluster().pod(id).ips.front().to_string();
  }

  static std::string ztunnel_error(Outcome outcome) {
    switch (outcome) {
      case Outcome::Deny:
        return " error=\"http status: 401 Unauthorized\"";
      case Outcome::Timeout:
        return " error=\"connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: deadline "
               "has elapsed\"";
      case Outcome::Unreachable:
        return " error=\"no healthy upstream: 10.0.0.1:80\"";
      case Outcome::Allow:
      case Outcome::Unknown:
        break;
    }
    return {};
  }

  void source_ztunnel(const sim::PathVerdict& path, const model::RegistryService& service,
                      std::uint16_t port) {
    const auto view = view_of(path, Observer::SourceZtunnel);
    if (!view.present || view.outcome == Outcome::Unknown || path.hops.size() < 3) return;
    const auto& client = path.hops.front();
    const std::string from = address(client), to = address(path.hops[2]);
    const bool waypoint = path.hops[2].kind == HopKind::Waypoint;
    if (from.empty() || to.empty() || path.legs.size() < 2) return;
    const auto& leg = path.legs[1];
    const bool tunnelled = leg.transport == sim::Transport::Hbone;
    const std::uint16_t inner = tunnelled ? leg.inner_port : leg.wire_port;
    lines.push_back(fmt::format(
        "2026-08-20T09:15:07.311905Z\tinfo\taccess\tconnection complete\tsrc.addr={}:40000 "
        "src.workload=\"{}\" "
        "src.namespace=\"{}\" dst.addr={}:{}{} dst.service=\"{}\" dst.workload=\"{}\" dst.namespace=\"{}\" "
        "direction=\"outbound\" bytes_sent=0 bytes_recv=0 duration=\"1ms\"{}",
        from, client.pod, client.ns, to, leg.wire_port,
        tunnelled ? fmt::format(" dst.hbone_addr={}:{}", waypoint ? service.vips.front().to_string() : to,
                                waypoint ? port : inner)
                  : "",
        target_host(service), path.hops[2].pod, path.hops[2].ns, ztunnel_error(view.outcome)));
  }

  void destination_ztunnel(const sim::PathVerdict& path, const model::RegistryService& service) {
    const auto view = view_of(path, Observer::DestinationZtunnel);
    if (!view.present || view.outcome == Outcome::Unknown) return;
    std::size_t at = path.hops.size();
    for (std::size_t i = 2; i < path.hops.size(); ++i)
      if (path.hops[i].kind == HopKind::Ztunnel) at = i;
    // Through a waypoint its own connection is another flow.
    if (at == path.hops.size() || path.hops.front().kind != HopKind::Client ||
        std::any_of(path.hops.begin(), path.hops.end(), [](const auto& h) {
          return h.kind == HopKind::Waypoint || h.kind == HopKind::Gateway || h.kind == HopKind::Sidecar;
        }))
      return;
    const std::string from = address(path.hops.front()), to = address(path.hops[at]);
    if (from.empty() || to.empty()) return;
    const auto& leg = path.legs[at - 1];
    const bool tunnelled = leg.transport == sim::Transport::Hbone;
    lines.push_back(fmt::format(
        "2026-08-20T09:15:07.311905Z\tinfo\taccess\tconnection complete\tsrc.addr={}:40000 "
        "src.workload=\"{}\" "
        "src.namespace=\"{}\" dst.addr={}:{}{} dst.service=\"{}\" dst.workload=\"{}\" dst.namespace=\"{}\" "
        "direction=\"inbound\" bytes_sent=0 bytes_recv=0 duration=\"1ms\"{}",
        from, path.hops.front().pod, path.hops.front().ns, to, leg.wire_port,
        tunnelled ? fmt::format(" dst.hbone_addr={}:{}", to, leg.inner_port) : "", target_host(service),
        path.hops[at].pod, path.hops[at].ns,
        view.outcome == Outcome::Deny
            ? " error=\"connection closed due to policy rejection: allow policies exist, but none allowed\""
            : ztunnel_error(view.outcome)));
  }

  // "CODE FLAGS DETAILS" and the duration, as an Envoy writes what it answered or passed on.
  static std::pair<std::string, int> answer(const sim::PathVerdict& path, HopKind envoy) {
    const bool own = path.decided_at_hop && path.hops[*path.decided_at_hop].kind == envoy;
    const int status = path.response.status;
    if (path.outcome == Outcome::Allow && status != 0)
      return {fmt::format("{} - direct_response -", status), 0};
    if (path.outcome == Outcome::Allow) return {"200 - via_upstream -", 3};
    if (own && status == 403) return {"403 - rbac_access_denied_matched_policy[none] -", 1};
    if (own && status == 401) return {"401 - jwt_authn_access_denied{Jwt_is_missing} -", 1};
    if (own && status == 302) return {"302 UAEX ext_authz_denied -", 4};
    if (own && status == 404) return {"404 NR route_not_found -", 0};
    if (own && path.outcome == Outcome::Unreachable && status == 503)
      return {"503 UH no_healthy_upstream -", 0};
    if (!own && status != 0 && status != 503) return {fmt::format("{} - via_upstream -", status), 5};
    if (status == 503)
      return {"503 UC upstream_reset_before_response_started{connection_termination} -",
              path.outcome == Outcome::Timeout ? 10003 : 12};
    return {};
  }

  void waypoint(const sim::PathVerdict& path, const model::RegistryService& service, std::uint16_t port) {
    const auto view = view_of(path, Observer::Waypoint);
    const std::string from = address(path.hops.front());
    const auto [said, duration] = answer(path, HopKind::Waypoint);
    if (!view.present || from.empty() || said.empty()) return;
    lines.push_back(
        fmt::format("[2026-08-20T09:15:01.004Z] \"GET / HTTP/1.1\" {} \"-\" 0 0 {} - \"-\" \"curl\" \"id\" "
                    "\"{}.{}:{}\" \"-\" "
                    "inbound-vip|{}|http|{} - {}:{} {}:40000 - default",
                    said, duration, service.name.view(), service.ns.view(), port, port, service.host,
                    service.vips.front().to_string(), port, from));
  }

  void gateway(const sim::PathVerdict& path, const sim::Flow& flow) {
    const auto view = view_of(path, Observer::Gateway);
    const auto hop = std::find_if(path.hops.begin(), path.hops.end(),
                                  [](const auto& h) { return h.kind == HopKind::Gateway; });
    const auto [said, duration] = answer(path, HopKind::Gateway);
    if (!view.present || hop == path.hops.end() || said.empty() || address(*hop).empty()) return;
    const auto scheme = flow.to.find("://");
    const auto slash = flow.to.find('/', scheme + 3);
    const std::string authority = flow.to.substr(scheme + 3, slash - scheme - 3);
    const bool tls = flow.to.compare(0, 5, "https") == 0;
    const std::string local = fmt::format("{}:{}", address(*hop), tls ? 8443 : 8080);
    lines.push_back(fmt::format(
        "[2026-08-20T09:15:01.004Z] \"GET {} HTTP/2\" {} \"-\" 0 0 {} - \"-\" \"curl\" \"id\" \"{}\" \"-\" "
        "outbound|80||some.where.svc.cluster.local - {} 203.0.113.9:50000 {} -",
        slash == std::string::npos ? "/" : flow.to.substr(slash), said, duration, authority, local,
        tls ? authority.substr(0, authority.find(':')) : "-"));
  }

  const sim::Engine& engine_;
};

std::vector<std::string> predicted_log(const EnginePtr& engine) {
  LogWriter writer(*engine);
  for (const auto& flow : enumerate_flows(engine->cluster())) writer.add(flow);
  for (const char* url : {"https://prometheus.dev.bigbang.mil/graph", "https://grafana.dev.bigbang.mil/",
                          "https://none.dev.bigbang.mil/"}) {
    sim::Flow flow;
    flow.from = "internet";
    flow.to = url;
    writer.add(flow);
  }
  return writer.lines;
}

}  // namespace

TEST_CASE("the log that our own predictions would produce agrees with them, all of it") {
  for (const char* folder : {"bigbang-waypoint", "bigbang-gateway", "package-operator", "paths"}) {
    DYNAMIC_SECTION(folder) {
      const auto engine = engine_of(load(folder));
      const auto lines = predicted_log(engine);
      const auto report = replay(engine, lines);
      INFO(shape(report));
      CHECK(report.lines.records == lines.size());
      CHECK(report.disagree.flows == 0);
      CHECK(report.undetermined.flows == 0);
      if (std::string_view(folder) == "bigbang-waypoint") CHECK(report.agree.flows > 60);
    }
  }
}

TEST_CASE("the shipped log agrees but for what it cannot tell and one drift") {
  const auto engine = engine_of(load("bigbang-waypoint"));
  auto lines = shipped_log("ztunnel.log");
  const auto more = shipped_log("envoy.log");
  lines.insert(lines.end(), more.begin(), more.end());
  const auto report = replay(engine, lines);
  CHECK(report.lines.records == 12);
  CHECK(report.lines.tunnel == 1);
  CHECK(report.lines.other == 1);
  CHECK(report.lines.unreadable == 0);
  CHECK(report.agree.lines == 9);
  CHECK(report.disagree.lines == 1);
  CHECK(report.undetermined.lines == 2);
  CHECK(report.trust() == Approx(0.9));
  for (const auto& row : report.rows)
    if (row.agreement == Agreement::Disagrees) {
      CHECK(row.first == "a.log:8");
      REQUIRE(row.prediction);
      CHECK(row.prediction->reason == "NETPOL_EGRESS_DEFAULT_DENY");
      CHECK(row.prediction->place.find("61-kiali-policies.yaml:") != std::string::npos);
    }
}

TEST_CASE("the report is the same whatever the order of lines") {
  const auto engine = engine_of(load("bigbang-waypoint"));
  auto lines = predicted_log(engine);
  const auto more = shipped_log("ztunnel.log");
  lines.insert(lines.end(), more.begin(), more.end());
  const std::string expected = shape(replay(engine, lines));
  std::mt19937 random(7);
  for (int i = 0; i < 3; ++i) {
    std::shuffle(lines.begin(), lines.end(), random);
    CHECK(shape(replay(engine, lines)) == expected);
  }
}

TEST_CASE(
    "a log that several threads read gives the same report, and so when it has more flows than are kept") {
  const auto engine = engine_of(load("bigbang-waypoint"));
  const auto shipped = shipped_log("ztunnel.log");
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("waypath-threads-{}.log", std::rand());
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < 17000; ++i) {
    std::string line = shipped[i % shipped.size()];
    const auto name = line.find("src.workload=\"");
    if (name != std::string::npos && i % 3 == 0)
      line.insert(name + 14, fmt::format("guest{}-", i * 31 % 701));
    if (i % 1999 == 7) line += " broken=\"";
    lines.push_back(line);
  }
  {
    std::ofstream out(path, std::ios::binary);
    for (const auto& line : lines) out << line << "\n";
  }
  const auto whole = [](const ReplayReport& report) {
    std::string out = shape(report);
    for (const auto& row : report.rows)
      out += row.first + " " + row.line + fmt::format(" {} {}\n", row.traffic.sent, row.traffic.received);
    for (const auto& bad : report.lines.shown) out += bad.place + " " + bad.why + "\n";
    return out + fmt::format("{} {} {} beyond {} {}", report.lines.total, report.lines.records,
                             report.lines.unreadable, report.beyond.count, report.beyond.sent);
  };
  for (const std::size_t most : {1'000'000U, 400U, 3U}) {
    std::vector<std::string> said;
    for (const unsigned jobs : {1U, 2U, 3U}) {
      ReplayOptions options;
      options.jobs = jobs;
      options.most_flows = most;
      Replay reader(engine, options);
      REQUIRE_FALSE(reader.read(path.string()));
      REQUIRE_FALSE(reader.read(path.string()));
      said.push_back(whole(reader.report(nullptr)));
    }
    CHECK(said[1] == said[0]);
    CHECK(said[2] == said[0]);
    CHECK((said[0].find("beyond 0 ") == std::string::npos) == (most < 1000));
  }
  std::filesystem::remove(path);
}

TEST_CASE("a workload, a Service and an address that the manifests lack are named, not guessed") {
  const auto engine = engine_of(load("bigbang-waypoint"));
  const auto line = [](const std::string& src, const std::string& dst) {
    return "2026-08-20T09:15:07.3Z\tinfo\taccess\tconnection complete\t" + src + " " + dst +
           " direction=\"outbound\" bytes_sent=1 bytes_recv=1 duration=\"1ms\"";
  };
  const std::string kiali =
      "src.addr=10.42.1.60:1 src.workload=\"kiali-5f4f9bd98c-zzzzz\" src.namespace=\"kiali\"";
  const auto report = replay(
      engine,
      {line("src.addr=10.42.9.9:1 src.workload=\"loki-0\" src.namespace=\"logging\"",
            "dst.addr=10.42.0.52:3000 dst.service=\"grafana.monitoring.svc.cluster.local\""),
       line(
           kiali,
           "dst.addr=10.42.0.99:15008 dst.hbone_addr=10.42.0.99:80 dst.service=\"gone.x.svc.cluster.local\""),
       line(kiali,
            "dst.addr=10.42.0.52:15008 dst.hbone_addr=10.42.0.52:9999 "
            "dst.service=\"grafana.monitoring.svc.cluster.local\" dst.workload=\"grafana-5f4f9bd98c-k2j6z\" "
            "dst.namespace=\"monitoring\"")});
  REQUIRE(report.rows.size() == 3);
  CHECK(report.undetermined.lines == 3);
  CHECK(report.rows[1].why ==
        "a port of grafana.monitoring.svc.cluster.local that leads to port 9999 of "
        "monitoring/deployment/grafana");
  CHECK(report.rows[0].why == "Service or ServiceEntry host gone.x.svc.cluster.local");
  CHECK(report.rows[2].why == "workload logging/loki-0: the manifests have no pod or workload of this name");
  // A pod of a new name is one of its workload's.
  CHECK(report.rows[0].client == "kiali/deployment/kiali");
}

TEST_CASE("a change is weighed with the traffic that was recorded, each connection once") {
  const auto base = load("bigbang-waypoint");
  const auto engine = engine_of(base);
  const auto after =
      with(base,
           "  - delete: NetworkPolicy/kiali/allow-egress-from-kiali-to-ns-monitoring-pod-grafana-tcp-"
           "port-3000\n");
  const auto report = replay(engine, shipped_log("ztunnel.log"), after.get());
  REQUIRE(report.plan);
  REQUIRE(report.impact.size() == 1);
  const auto& change = report.plan->changes[report.impact[0].change];
  CHECK(change.kind == FlowChangeKind::Breaks);
  CHECK(change.flow.from == "kiali/deployment/kiali");
  // Both ends logged the first of two connections.
  CHECK(report.impact[0].traffic.count == 2);
  CHECK(report.impact[0].traffic.sent == 812 + 790);
}

TEST_CASE("beyond the most flows that are kept lines are counted, none is lost") {
  const auto engine = engine_of(load("bigbang-waypoint"));
  const auto lines = predicted_log(engine);
  ReplayOptions options;
  options.most_flows = 5;
  const auto report = replay(engine, lines, nullptr, options);
  std::uint64_t kept = 0;
  for (const auto& row : report.rows) kept += row.traffic.count;
  CHECK(report.rows.size() == 5);
  CHECK(kept + report.beyond.count == lines.size());
}

TEST_CASE("observations of ztunnel and Envoy: what each error, flag and code may mean") {
  struct Case {
    const char* error;
    bool tunnelled;
    std::uint64_t received;
    const char* fits;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"", true, 0, "allow"},
           {"connection closed due to policy rejection: explicitly denied by: a/b", true, 0, "deny"},
           {"http status: 401 Unauthorized", true, 0, "deny"},
           {"http status: 503 Service Unavailable", true, 0, "unreachable"},
           {"io error: deadline has elapsed", false, 0, "timeout"},
           {"io error: Connection refused (os error 111)", false, 0, "deny or unreachable"},
           {"no healthy upstream: 10.0.0.1:80", true, 0, "unreachable"},
           {"receive: Connection reset by peer (os error 104)", true, 0, "allow"},
           {"receive: Connection reset by peer (os error 104)", false, 0, ""},
           {"receive: Connection reset by peer (os error 104)", false, 9, "allow"},
           {"tls error: peer closed", true, 0, ""}}) {
    LogRecord r;
    r.writer = LogRecord::Writer::ZtunnelOutbound;
    r.error = c.error;
    r.dst_hbone_addr = c.tunnelled ? "10.0.0.1:80" : "";
    r.received = c.received;
    INFO(c.error);
    CHECK(observe(r).fits.text() == c.fits);
  }
  struct Answer {
    int status;
    const char *flags, *details, *fits;
    std::uint64_t duration;
  };
  for (const Answer& a : std::initializer_list<Answer>{
           {200, "", "via_upstream", "allow", 1},
           {403, "", "rbac_access_denied_matched_policy[none]", "deny", 1},
           {401, "", "jwt_authn_access_denied{Jwt_is_missing}", "deny", 1},
           {302, "UAEX", "ext_authz_denied", "deny", 1},
           {404, "NR", "route_not_found", "unreachable", 1},
           {503, "UH", "no_healthy_upstream", "unreachable", 1},
           {503, "UF", "upstream_reset_before_response_started{connection_timeout}", "timeout", 1},
           {503, "UC", "upstream_reset_before_response_started{connection_termination}", "timeout", 10001},
           {503, "UC", "upstream_reset_before_response_started{connection_termination}",
            "deny or unreachable", 3},
           {301, "", "direct_response", "allow", 1},
           {0, "DC", "downstream_remote_disconnect", "", 1}}) {
    LogRecord r;
    r.method = "GET";
    r.status = a.status;
    r.response_flags = a.flags;
    r.details = a.details;
    r.duration_ms = a.duration;
    INFO(a.details);
    CHECK(observe(r).fits.text() == a.fits);
  }
}

}  // namespace waypath::scenarios
