// Routing cases: manifests and requests with what the client and the backend see. Every expected key is a
// check; a key that this runner does not read counts as a failed one.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/yaml/reader.h"
#include "sim/match/route_match.h"
#include "tests/conformance/corpus.h"
#include "tests/conformance/node_text.h"
#include "tests/conformance/routing_checks.h"
#include "tests/conformance/routing_world.h"

namespace waypath::conformance {
namespace {

namespace fs = std::filesystem;
using model::yaml::Node;
using sim::RouteRequest;

std::uint16_t number(const Node* map, const char* key) {
  const Node* node = map == nullptr ? nullptr : map->find(key);
  const auto value = node == nullptr ? std::nullopt : node->as_integer();
  return value ? static_cast<std::uint16_t>(*value) : std::uint16_t{0};
}

/// The port of "name:port"; 0 without one. Bare IPv6 addresses have none.
std::uint16_t port_of_host(const std::string& host) {
  const std::size_t colon = host.rfind(':');
  if (colon == std::string::npos || host.find(':') != colon || host.starts_with("{")) return 0;
  const int port = std::atoi(host.c_str() + colon + 1);
  return port > 0 && port < 65536 ? static_cast<std::uint16_t>(port) : std::uint16_t{0};
}

Entry read_entry(const Node* via) {
  Entry out;
  out.gateway = text(via, "gateway");
  out.gateway_pod = text(via, "gateway_pod");
  out.mesh_client = text(via, "mesh_client");
  out.mesh_client_namespace = text(via, "mesh_client_namespace");
  out.proxy = text(via, "proxy");
  out.scheme = text(via, "scheme");
  out.port = number(via, "port");
  return out;
}

CaseRequest read_request(const Entry& entry, const Node* node) {
  CaseRequest out;
  RouteRequest& route = out.route;
  const bool gateway = !entry.gateway.empty() || !entry.gateway_pod.empty();
  out.port = number(node, "port");
  if (out.port == 0 && !gateway) out.port = port_of_host(text(node, "host"));
  if (out.port == 0) out.port = gateway ? entry.port : std::uint16_t{80};
  const std::string protocol = text(node, "protocol"), tls = text(node, "tls");
  route.tls = tls == "tls" || tls == "mtls" || entry.scheme == "https" || entry.scheme == "tls";
  route.client_certificate = tls == "mtls";
  if (protocol == "grpc" || node->find("grpc_service") != nullptr || node->find("grpc_method") != nullptr) {
    route.app = RouteRequest::App::Grpc;
    out.grpc = true;
  } else if (protocol == "http2" || protocol == "h2c") {
    route.app = RouteRequest::App::Http2;
  } else if (protocol == "tcp" || entry.scheme == "tcp") {
    route.app = RouteRequest::App::Tcp;
  } else if (entry.scheme == "tls") {
    route.app = RouteRequest::App::Tls;
  }
  route.scheme = route.tls ? "https" : "http";
  route.host = text(node, "host");
  // A gateway that is dialled by its address: a client sends that as Host.
  if (route.host.empty() && gateway) {
    const bool usual = entry.port == (route.tls ? 443 : 80);
    route.host = usual ? "192.0.2.10" : fmt::format("192.0.2.10:{}", entry.port);
  }
  route.sni = text(node, "sni");
  const std::string bare = sim::host_without_port(route.host);
  if (route.tls && route.sni.empty() && !model::parse_ip(bare)) route.sni = bare;
  out.dialled = text(node, "connect_to");
  if (out.dialled.empty()) out.dialled = bare;
  if (out.dialled.starts_with("{"))
    out.dialled = text(node, node->find("connect_to") != nullptr ? "connect_to" : "host");
  if (const std::string method = text(node, "method"); !method.empty()) route.method = method;
  if (out.grpc && route.method == "GET") route.method = "POST";
  std::string target = text(node, "path");
  if (target.empty())
    target = out.grpc ? fmt::format("/{}/{}", text(node, "grpc_service"), text(node, "grpc_method")) : "/";
  const std::string query = text(node, "query");
  if (!query.empty()) target += "?" + query;
  route.path = target;
  if (const auto delay = target.find("delay="); delay != std::string::npos) {
    char* end = nullptr;
    const double value = std::strtod(target.c_str() + delay + 6, &end);
    out.delay_seconds = std::string_view(end).starts_with("ms") ? value / 1000 : value;
  }
  if (const Node* headers = node->find("headers")) {
    for (const auto& member : headers->members) {
      for (const std::string& value : strings(member.value))
        route.headers.emplace_back(sim::lower_case(member.key), value);
    }
  }
  return out;
}

class Case {
 public:
  Case(const fs::path& folder, const std::set<std::string>& deviations)
      : checks(folder.filename().string(), deviations), folder_(folder), world_(folder / "manifests.yaml") {}

  void run() {
    std::ifstream in(folder_ / "requests.yaml", std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    model::Diagnostics diagnostics;
    for (const model::yaml::Document& document : model::yaml::read_documents(file, 0, diagnostics)) {
      for (const Node* item : document.root->items) run_request(item);
    }
  }

  RoutingChecks checks;
  std::vector<std::string> noted;

 private:
  void run_request(const Node* item) {
    const std::string name = text(item, "name");
    checks.begin(name);
    const Node* expect = item->find("expect");
    const Node* request = item->find("request");
    const Node* via = item->find("via");
    if (expect == nullptr || request == nullptr || via == nullptr) {
      return checks.check("form", "via, request and expect", "something missing", false);
    }
    checks.check_keys(item, {"name", "via", "request", "expect", "note", "istio_note", "origin"}, "");
    checks.check_keys(
        via, {"gateway", "gateway_pod", "mesh_client", "mesh_client_namespace", "proxy", "port", "scheme"},
        "via.");
    checks.check_keys(request,
                      {"host", "connect_to", "port", "path", "query", "method", "headers", "protocol", "tls",
                       "sni", "alpn", "grpc_service", "grpc_method"},
                      "request.");
    checks.check_keys(expect,
                      {"status",
                       "status_any",
                       "status_not",
                       "grpc_status",
                       "backend",
                       "backend_workload",
                       "distribution",
                       "destination",
                       "redirect",
                       "path_seen",
                       "host_seen",
                       "headers_seen",
                       "headers_absent_at_backend",
                       "sni_seen_at_backend",
                       "backend_port",
                       "response_headers",
                       "response_headers_absent",
                       "backend_sets_response_headers",
                       "mirrored_to",
                       "connection",
                       "error",
                       "client_sees",
                       "cluster",
                       "destination_any_of",
                       "no_virtual_host_named",
                       "envoy",
                       "hops",
                       "note"},
                      "expect.");
    const Entry entry = read_entry(via);
    const CaseRequest asked = read_request(entry, request);
    const std::string note_text = text(item, "istio_note");
    const IstioNote note(note_text);
    if (!note_text.empty()) noted.push_back(name);
    for (const Prediction& prediction : world_.predict(entry, asked, note.sidecars_only))
      checks.check_all(expect, world_, entry, asked, prediction, note);
  }

  fs::path folder_;
  World world_;
};

}  // namespace

int run_routing(const std::string& dir) {
  std::vector<fs::path> folders;
  if (fs::is_directory(dir)) {
    for (const auto& entry : fs::directory_iterator(dir)) {
      if (entry.is_directory() && fs::exists(entry.path() / "requests.yaml")) folders.push_back(entry.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  if (folders.empty()) {
    std::puts("routing: no cases found");
    return 77;
  }
  std::size_t cases = 0, checks = 0, passed = 0;
  std::vector<std::string> lines, noted, deviating;
  const std::set<std::string> deviations = read_deviations();
  for (const fs::path& folder : folders) {
    Case one(folder, deviations);
    one.run();
    checks += one.checks.count;
    passed += one.checks.passed;
    if (one.checks.failures.empty()) ++cases;
    for (const std::string& failure : one.checks.failures)
      lines.push_back(fmt::format("{}: {}", folder.filename().string(), failure));
    deviating.insert(deviating.end(), one.checks.deviating.begin(), one.checks.deviating.end());
    for (const std::string& name : one.noted)
      noted.push_back(fmt::format("{}: {}", folder.filename().string(), name));
  }
  fmt::print("routing: {} of {} cases, {} of {} checks\n", cases, folders.size(), passed, checks);
  for (const std::string& line : lines) fmt::print("{}\n", line);
  fmt::print("listed as deviations: {}\n", deviating.size());
  for (const std::string& line : deviating) fmt::print("  {}\n", line);
  fmt::print(
      "held against what the note says of Istio, where it says something else than the API text: {} "
      "requests\n",
      noted.size());
  for (const std::string& line : noted) fmt::print("  {}\n", line);
  return lines.empty() ? 0 : 1;
}

}  // namespace waypath::conformance
