// What waypath predicts for drawn policies and requests: cases as JSON on standard input, statuses on
// standard output. Each request is judged by judge_hop at a sidecar, the function that simulate calls there.

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "model/load/manifest_loader.h"
#include "sim/policy/policy_evaluator.h"

namespace {

using nlohmann::json;
using namespace waypath;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

struct World {
  std::shared_ptr<const model::Cluster> cluster;
  sim::EvaluatorTable table;
  explicit World(const json& manifests) {
    std::string text;
    for (const auto& object : manifests) text += "---\n" + object.dump() + "\n";
    model::Diagnostics diagnostics;
    cluster =
        model::Cluster::build(model::load_texts({{"case.yaml", text}}, {}, diagnostics), {}, diagnostics);
    for (const auto& d : diagnostics.items())
      if (d.severity == model::Severity::Error) std::cerr << model::format_diagnostic(d, cluster->files());
    table = sim::compile_policies(cluster, {}, diagnostics);
  }
};

sim::RequestState request_of(const json& r, std::uint16_t port) {
  sim::RequestState out;
  out.source_ip = out.remote_ip = model::parse_ip(r.at("source").get<std::string>());
  out.destination_ip = model::parse_ip("127.0.0.1");
  out.port = port;
  out.method = r.at("method").get<std::string>();
  out.scheme = "http";
  out.host = r.at("host").get<std::string>();
  out.path = r.at("path").get<std::string>();
  for (const auto& h : r.at("headers"))
    out.headers.emplace_back(lower(h.at(0).get<std::string>()), h.at(1).get<std::string>());
  return out;
}

// The authorizer of provider.py: it sees the header x-ext alone.
sim::Assume assume_for(const json& r, bool reachable) {
  sim::Assume out;
  auto& answer = out.ext_authz["ext"];
  answer.unreachable = !reachable;
  answer.allow_when_headers.emplace("x-ext", "allow");
  answer.set_headers = {{"x-team", "ext"}, {"x-other", "ext"}};
  for (const auto& h : r.at("headers"))
    if (h.at(0) == "x-ext" && h.at(1) == "broken") answer.else_status = 503;
  return out;
}

}  // namespace

int main() {
  sim::PolicyPoint point;
  point.kind = sim::PolicyPoint::Kind::Sidecar;
  point.ns = model::intern("shop");
  point.workload_name = model::intern("web");
  json out = json::array();
  for (const auto& c : json::parse(std::cin)) {
    const World world(c.at("manifests"));
    json statuses = json::array();
    for (const auto& r : c.at("requests")) {
      auto request = request_of(r, c.at("port").get<std::uint16_t>());
      const auto assume = assume_for(r, c.at("reachable").get<bool>());
      request.assume = &assume;
      const auto said = sim::judge_hop(world.table, point, request, nullptr);
      const bool refused = said.decision == sim::Decision::Deny || said.decision == sim::Decision::Drop;
      statuses.push_back(said.decision == sim::Decision::Unknown ? -1 : refused ? said.status : 200);
    }
    out.push_back(std::move(statuses));
  }
  std::cout << out.dump() << "\n";
  return 0;
}
