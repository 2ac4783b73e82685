// Authorization cases: policies, one request and one enforcement point each. Everything is decided by
// judge_hop, as in simulate; this file only turns the words of a case into a PolicyPoint and a RequestState.

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/load/manifest_loader.h"
#include "model/yaml/reader.h"
#include "sim/match/forwarded_for.h"
#include "sim/policy/policy_evaluator.h"
#include "tests/conformance/corpus.h"
#include "tests/conformance/node_text.h"

namespace waypath::conformance {
namespace {

namespace fs = std::filesystem;
using model::yaml::Node;
using sim::PolicyPoint;
using sim::RequestState;

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string lower(std::string s) {
  std::transform(s.begin(), s.end(), s.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return s;
}

/// Reads the members of one mapping and knows which were asked for: a key that nobody reads fails the case.
class Fields {
 public:
  Fields(const Node* node, std::string path, std::vector<std::string>& unread)
      : node_(node), path_(std::move(path)), unread_(unread) {}
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  ~Fields() {
    if (node_ == nullptr || !node_->is_mapping()) return;
    for (const auto& m : node_->members)
      if (read_.count(std::string(m.key)) == 0) unread_.push_back(path_ + std::string(m.key));
  }
  const Node* get(const char* key) {
    read_.insert(key);
    return node_ == nullptr ? nullptr : node_->find(key);
  }
  std::string str(const char* key) { return text(get(key)); }
  std::uint16_t port(const char* key) {
    const Node* n = get(key);
    const auto value = n == nullptr ? std::nullopt : n->as_integer();
    return value && *value > 0 && *value < 65536 ? static_cast<std::uint16_t>(*value) : std::uint16_t{0};
  }
  void informative(std::initializer_list<const char*> keys) {
    for (const char* k : keys) read_.insert(k);
  }

 private:
  const Node* node_;
  std::string path_;
  std::vector<std::string>& unread_;
  std::set<std::string> read_;
};

sim::Claim claim_of(const Node& node) {
  sim::Claim c;
  if (node.is_sequence()) {
    c.kind = sim::Claim::Kind::List;
    for (const Node* item : node.items)
      if (item->is_string()) c.list.push_back(text(item));
  } else if (node.is_mapping()) {
    c.kind = sim::Claim::Kind::Object;
    for (const auto& m : node.members) c.object.emplace(std::string(m.key), claim_of(*m.value));
  } else {
    c.kind = node.is_string() ? sim::Claim::Kind::String : sim::Claim::Kind::Other;
    c.text = text(&node);
  }
  return c;
}

struct Request {
  std::string name, where;
  std::map<std::string, std::string> ext_authz;  // answer by provider; "" is for all others
  // destination
  std::string ns, service, service_entry, waypoint, waypoint_ns, gateway;
  std::vector<std::pair<std::string, std::string>> labels;
  bool tcp = false, has_http = false, jwks_unavailable = false, in_mesh = true;
  std::string source_ns, source_sa, trust_domain, principal, source_ip, destination_ip;
  RequestState state;
  std::string expect;
  std::optional<std::int64_t> expect_status;
  std::vector<std::string> unread;
};

std::optional<sim::Token> token_of(const Node* node, std::vector<std::string>& unread) {
  if (node == nullptr) return std::nullopt;
  sim::Token t;
  Fields f(node, "http.jwt.", unread);
  t.issuer = f.str("issuer");
  t.subject = f.str("subject");
  t.audiences = strings(f.get("audiences"));
  if (const Node* claims = f.get("claims"); claims != nullptr)
    for (const auto& m : claims->members) t.claims.emplace(std::string(m.key), claim_of(*m.value));
  const std::string state = f.str("state");
  using State = sim::Token::State;
  for (const auto& [word, value] :
       {std::pair{"", State::Valid}, std::pair{"valid", State::Valid}, std::pair{"expired", State::Expired},
        std::pair{"not_yet_valid", State::NotYetValid}, std::pair{"bad_format", State::Malformed},
        std::pair{"bad_signature", State::BadSignature}})
    if (state == word) t.state = value;
  if (t.state == State::Valid && !state.empty() && state != "valid")
    unread.push_back("http.jwt.state " + state);
  if (const Node* location = f.get("location"); location != nullptr) {
    Fields l(location, "http.jwt.location.", unread);
    const std::string header = l.str("header"), param = l.str("param"), cookie = l.str("cookie"),
                      prefix = l.str("prefix");
    if (!param.empty() || !cookie.empty()) {
      t.where = param.empty() ? sim::Token::Where::Cookie : sim::Token::Where::Param;
      t.name = param.empty() ? cookie : param;
      t.prefix.clear();
    } else {
      t.name = lower(header);
      t.prefix = prefix;
    }
  }
  return t;
}

Request request_of(const Node& node) {
  Request r;
  Fields f(&node, "", r.unread);
  f.informative({"origin", "why", "derived"});
  r.name = f.str("name");
  r.where = f.str("enforced_at");
  if (const Node* answers = f.get("ext_authz"); answers != nullptr) {
    if (answers->is_mapping())
      for (const auto& m : answers->members) r.ext_authz.emplace(std::string(m.key), text(m.value));
    if (answers->is_scalar()) r.ext_authz.emplace("", text(answers));
    for (const auto& [provider, word] : r.ext_authz)
      if (word != "allow" && word != "deny" && word != "unreachable") r.unread.push_back("ext_authz " + word);
  }
  r.expect = f.str("expect");
  if (const Node* status = f.get("expect_status"); status != nullptr) r.expect_status = status->as_integer();
  if (const std::string jwks = f.str("jwks"); !jwks.empty()) {
    r.jwks_unavailable = jwks == "unavailable";
    if (!r.jwks_unavailable) r.unread.push_back("jwks " + jwks);
  }
  {
    Fields s(f.get("source"), "source.", r.unread);
    r.source_ns = s.str("namespace");
    r.source_sa = s.str("service_account");
    r.trust_domain = s.str("trust_domain");
    r.principal = s.str("principal");
    r.source_ip = s.str("ip");
    const Node* mesh = s.get("in_mesh");
    r.in_mesh = mesh == nullptr || mesh->as_bool().value_or(true);
  }
  {
    Fields d(f.get("destination"), "destination.", r.unread);
    d.informative({"service_port"});
    r.ns = d.str("namespace");
    r.destination_ip = d.str("ip");
    r.service = d.str("service");
    r.service_entry = d.str("service_entry");
    r.waypoint = d.str("waypoint");
    r.waypoint_ns = d.str("waypoint_namespace");
    r.gateway = d.str("gateway");
    const std::string protocol = d.str("protocol");
    r.tcp = protocol == "tcp";
    if (!protocol.empty() && protocol != "tcp" && protocol != "http")
      r.unread.push_back("destination.protocol " + protocol);
    r.state.port = d.port("port");
    if (const Node* labels = d.get("labels"); labels != nullptr)
      for (const auto& m : labels->members) r.labels.emplace_back(std::string(m.key), text(m.value));
  }
  if (const Node* tls = f.get("tls"); tls != nullptr) r.state.sni = Fields(tls, "tls.", r.unread).str("sni");
  if (const Node* http = f.get("http"); http != nullptr) {
    r.has_http = true;
    Fields h(http, "http.", r.unread);
    r.state.scheme = "http";
    r.state.method = h.str("method");
    r.state.host = h.str("host");
    r.state.path = h.str("path");
    if (const Node* headers = h.get("headers"); headers != nullptr)
      for (const auto& m : headers->members)
        for (const auto& value : strings(m.value))
          r.state.headers.emplace_back(lower(std::string(m.key)), value);
    if (const Node* jwt = h.get("jwt"); jwt != nullptr) {
      for (const Node* one : jwt->is_sequence() ? jwt->items : std::span<const Node* const>(&jwt, 1))
        if (auto token = token_of(one, r.unread)) r.state.tokens.push_back(std::move(*token));
    }
  }
  return r;
}

/// Objects that a case takes for granted: namespaces, services and waypoints that only its requests name, and
/// the services of providers that are said to answer.
std::string implied_manifests(const std::vector<Request>& requests, const model::Snapshot& given) {
  std::set<std::string> out;
  const bool asked =
      std::any_of(requests.begin(), requests.end(), [](const Request& r) { return !r.ext_authz.empty(); });
  for (const auto& provider : given.mesh().extension_providers) {
    // "ns/name.ns.svc.cluster.local" or the host alone
    std::string host = provider.service.substr(
        provider.service.find('/') == std::string::npos ? 0 : provider.service.find('/') + 1);
    const auto dot = host.find('.');
    if (!asked || dot == std::string::npos || !provider.port) continue;
    const std::string name = host.substr(0, dot), rest = host.substr(dot + 1),
                      ns = rest.substr(0, rest.find('.'));
    if (given.find<model::Service>(ns, name) == nullptr)
      out.insert(
          fmt::format("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {}, namespace: {}}}\nspec: "
                      "{{ports: [{{port: {}}}]}}\n",
                      name, ns, *provider.port));
  }
  for (const auto& r : requests) {
    for (const auto& ns : {r.ns, r.source_ns})
      if (!ns.empty() && given.find<model::Namespace>("", ns) == nullptr)
        out.insert(fmt::format("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: \"{}\"}}\n", ns));
    const std::string waypoint_ns = r.waypoint_ns.empty() ? r.ns : r.waypoint_ns;
    if (!r.waypoint.empty() && given.find<model::Gateway>(waypoint_ns, r.waypoint) == nullptr)
      out.insert(fmt::format(
          "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: {}, namespace: "
          "{}}}\nspec:\n"
          "  gatewayClassName: istio-waypoint\n  listeners: [{{name: mesh, port: 15008, protocol: HBONE}}]\n",
          r.waypoint, waypoint_ns));
    if (!r.service.empty() && given.find<model::Service>(r.ns, r.service) == nullptr)
      out.insert(
          fmt::format("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {}, namespace: {}}}\nspec: "
                      "{{ports: [{{name: {}, port: {}}}]}}\n",
                      r.service, r.ns, r.has_http ? "http" : "tcp", r.state.port));
    if (!r.service_entry.empty() && given.find<model::ServiceEntry>(r.ns, r.service_entry) == nullptr)
      out.insert(fmt::format(
          "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {}, namespace: "
          "{}}}\nspec:\n"
          "  hosts: [\"{}\"]\n  ports: [{{number: {}, name: http, protocol: HTTP}}]\n  resolution: DNS\n",
          r.service_entry, r.ns, r.state.host, r.state.port));
    if (r.where != "waypoint" && !r.labels.empty() && given.find<model::Namespace>("", r.ns) == nullptr) {
      std::string labels;
      for (const auto& [k, v] : r.labels)
        labels += fmt::format("{}\"{}\": \"{}\"", labels.empty() ? "" : ", ", k, v);
      out.insert(
          fmt::format("---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-{}\n  namespace: \"{}\"\n  "
                      "labels: {{{}}}\nspec: {{containers: "
                      "[{{name: app, image: app}}]}}\n",
                      out.size(), r.ns, labels));
    }
  }
  std::string text;
  for (const auto& one : out) text += one;
  return text;
}

model::Labels labels_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<model::Label> out;
  for (const auto& [k, v] : pairs) out.push_back({model::intern(k), model::intern(v), {}});
  return model::Labels(std::move(out));
}

class Case {
 public:
  explicit Case(const fs::path& dir) : dir_(dir) {}

  struct Line {
    std::string request, expected, predicted;
  };
  std::vector<Line> failures;
  std::size_t checks = 0, passed = 0;

  void run() {
    model::Diagnostics diagnostics;
    const std::string text = read_text(dir_ / "requests.yaml");
    model::Diagnostics unread_yaml;
    const auto documents = model::yaml::read_documents(text, 1, unread_yaml, {false});
    std::vector<Request> requests;
    for (const auto& d : documents)
      for (const Node* item : d.root->items) requests.push_back(request_of(*item));
    if (requests.empty()) failures.push_back({"requests.yaml", "a list of requests", "none could be read"});
    std::vector<model::SourceFile> files;
    for (const char* name : {"policies.yaml", "workloads.yaml"})
      if (fs::exists(dir_ / name)) files.push_back({name, read_text(dir_ / name)});
    model::Snapshot snapshot = model::load_texts(files, {}, diagnostics);
    if (const std::string more = implied_manifests(requests, snapshot); !more.empty()) {
      files.push_back({"implied.yaml", more});
      model::Diagnostics again;
      snapshot = model::load_texts(files, {}, again);
    }
    cluster_ = model::Cluster::build(std::move(snapshot), {}, diagnostics);
    table_ = sim::compile_policies(cluster_, {}, diagnostics);
    for (auto& r : requests) judge(r);
  }

 private:
  void check(const std::string& request, const std::string& expected, const std::string& predicted) {
    ++checks;
    if (expected == predicted) {
      ++passed;
    } else {
      failures.push_back({request, expected, predicted});
    }
  }

  std::optional<PolicyPoint> point_of(const Request& r, std::string& problem) const {
    using Kind = PolicyPoint::Kind;
    PolicyPoint p;
    p.ns = model::intern(r.ns);
    p.labels = labels_of(r.labels);
    p.http = r.has_http && !r.tcp;
    p.workload_name = model::intern("destination");
    const auto gateway_label = p.labels.get("gateway.networking.k8s.io/gateway-name");
    if (r.where == "ztunnel") {
      p.kind = Kind::Ztunnel;
      p.http = false;
    } else if (r.where == "sidecar") {
      p.kind = Kind::Sidecar;
    } else if (r.where == "gateway") {
      p.kind = r.gateway.empty() && !gateway_label ? Kind::ClassicGateway : Kind::GatewayApi;
      if (p.kind == Kind::GatewayApi)
        set_gateway(p, r.gateway.empty() ? std::string(*gateway_label) : r.gateway);
    } else if (r.where == "waypoint") {
      p.kind = Kind::Waypoint;
      if (!r.waypoint_ns.empty()) p.ns = model::intern(r.waypoint_ns);
      set_gateway(p, r.waypoint);
      p.labels = labels_of({{"gateway.networking.k8s.io/gateway-name", r.waypoint}});
      for (const auto id : cluster_->pods_in(p.ns))
        if (cluster_->pod(id).meta.labels.get("gateway.networking.k8s.io/gateway-name") ==
            std::string_view(r.waypoint))
          p.labels = cluster_->pod(id).meta.labels;
      if (!r.service.empty()) p.service = cluster_->find_service(r.ns, r.service);
      if (!r.service_entry.empty()) {
        for (std::uint32_t i = 0; i < cluster_->services().size(); ++i) {
          const auto& s = cluster_->services()[i];
          if (s.entry != nullptr && s.ns == std::string_view(r.ns) &&
              s.name == std::string_view(r.service_entry))
            p.service = {i};
        }
      }
      if ((!r.service.empty() || !r.service_entry.empty()) && !p.service.valid())
        problem = "service not in the registry";
    } else {
      problem = "enforced_at " + r.where;
    }
    return problem.empty() ? std::optional(p) : std::nullopt;
  }

  void set_gateway(PolicyPoint& p, const std::string& name) const {
    p.gateway_name = model::intern(name);
    const auto* gateway = cluster_->snapshot().find<model::Gateway>(p.ns.view(), name);
    p.gateway_class = gateway != nullptr
                          ? gateway->class_name
                          : model::intern(p.kind == PolicyPoint::Kind::Waypoint ? "istio-waypoint" : "istio");
  }

  void judge(Request& r) {
    for (const auto& key : r.unread) check(r.name, "every key is read", "not read: " + key);
    std::string problem;
    const auto point = point_of(r, problem);
    if (!point) return check(r.name, r.expect, problem);
    RequestState& state = r.state;
    if (r.in_mesh) {
      state.peer.ns = model::intern(r.source_ns);
      state.peer.service_account = model::intern(r.source_sa);
      state.peer.principal =
          !r.principal.empty()
              ? r.principal
              : fmt::format("{}/ns/{}/sa/{}", r.trust_domain.empty() ? "cluster.local" : r.trust_domain,
                            r.source_ns, r.source_sa);
    }
    // A case without addresses means one that no block holds. RFC 5737, TEST-NET-1.
    state.source_ip = model::parse_ip(r.source_ip.empty() ? "192.0.2.1" : r.source_ip);
    state.remote_ip = sim::forwarded_client(point->kind, point->http, state.headers,
                                            cluster_->mesh().num_trusted_proxies, state.source_ip);
    state.destination_ip = model::parse_ip(r.destination_ip);
    sim::Assume assume;
    if (r.jwks_unavailable) assume.jwks_unavailable.emplace_back("*");
    if (!r.ext_authz.empty()) {
      for (const auto& provider : cluster_->mesh().extension_providers) {
        const auto named = r.ext_authz.find(provider.name),
                   it = named != r.ext_authz.end() ? named : r.ext_authz.find("");
        if (it == r.ext_authz.end()) continue;
        sim::ExtAuthzAnswer& answer = assume.ext_authz[provider.name];
        answer.allow_always = it->second == "allow";
        answer.unreachable = it->second == "unreachable";
      }
    }
    state.assume = &assume;
    RequestState plain = state;
    sim::TraceRecorder recorder;
    const auto result = sim::judge_hop(table_, *point, state, &recorder);
    const auto silent = sim::judge_hop(table_, *point, plain, nullptr);
    std::string verdict(to_string(result.decision));
    if (result.decision == sim::Decision::NotApplicable) verdict = "allow";
    if (silent.decision != result.decision || silent.status != result.status)
      verdict += " (differs without a recorder)";
    check(r.name, r.expect,
          verdict == r.expect
              ? verdict
              : fmt::format("{} [{} {}]", verdict, result.reason.code.text, result.reason.detail));
    if (r.expect_status) {
      const int status = verdict == "allow" ? 200 : result.status;
      check(r.name, fmt::format("status {}", *r.expect_status), fmt::format("status {}", status));
    }
  }

  fs::path dir_;
  std::shared_ptr<const model::Cluster> cluster_;
  sim::EvaluatorTable table_;
};

}  // namespace

int run_authz(const std::string& dir) {
  std::vector<fs::path> folders;
  if (fs::is_directory(dir))
    for (const auto& entry : fs::directory_iterator(dir))
      if (entry.is_directory() && fs::exists(entry.path() / "requests.yaml")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  if (folders.empty()) {
    std::puts("authz: no cases found");
    return 77;
  }
  std::size_t cases = 0, checks = 0, passed = 0;
  std::vector<std::string> lines;
  for (const auto& folder : folders) {
    Case one(folder);
    one.run();
    checks += one.checks;
    passed += one.passed;
    if (one.failures.empty()) ++cases;
    for (const auto& f : one.failures)
      lines.push_back(fmt::format("{}: {}: expected {}, predicted {}", folder.filename().string(), f.request,
                                  f.expected, f.predicted));
  }
  fmt::print("authz: {} of {} cases, {} of {} checks\n", cases, folders.size(), passed, checks);
  for (const auto& line : lines) fmt::print("{}\n", line);
  return lines.empty() ? 0 : 1;
}

}  // namespace waypath::conformance
