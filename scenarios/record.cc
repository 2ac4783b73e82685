#include "scenarios/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "model/base/parallel.h"
#include "scenarios/expectation.h"
#include "scenarios/flow_selector.h"

namespace waypath::scenarios {
namespace {

// JSON is YAML: quoted where a plain scalar could be read as something else.
std::string text(const std::string& value) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '-' || c == '.' || c == '_';
  };
  const bool letter = !value.empty() && ((value.front() >= 'a' && value.front() <= 'z') ||
                                         (value.front() >= 'A' && value.front() <= 'Z'));
  if (letter && value.size() > 5 && std::all_of(value.begin(), value.end(), plain)) return value;
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
}

std::string list(const std::vector<std::string>& values) {
  std::string out;
  for (const auto& value : values) out += (out.empty() ? "" : ", ") + text(value);
  return "[" + out + "]";
}

// A flow that takes several ways is pinned to what they have in common.
std::string expectation(const sim::Verdict& verdict) {
  std::string out = fmt::format("outcome: {}", sim::to_string(verdict.outcome));
  if (verdict.split || verdict.paths.empty()) return out;
  const auto& first = verdict.paths.front();
  const auto alike = [&](const auto& get) {
    return std::all_of(verdict.paths.begin(), verdict.paths.end(),
                       [&](const auto& path) { return get(path) == get(first); });
  };
  if (verdict.outcome == sim::Outcome::Unknown) return out;
  if (verdict.outcome != sim::Outcome::Allow) {
    if (alike([](const auto& p) { return p.symptom; })) out += ", symptom: " + text(first.symptom);
    const auto code = [](const sim::PathVerdict& p) { return std::string(p.reason.code.text); };
    if (alike(code)) out += ", reason: " + text(code(first));
    const auto by = [](const sim::PathVerdict& p) {
      return p.reason.by && !p.reason.by->key.name.empty() ? p.reason.by->key.str() : std::string();
    };
    if (alike(by) && !by(first).empty()) out += ", by: " + text(by(first));
    return out;
  }
  const auto proxies = [](const sim::PathVerdict& path) {
    std::vector<std::string> names;
    for (const auto& hop : path.hops)
      if (hop.kind == sim::HopKind::Gateway || hop.kind == sim::HopKind::Waypoint)
        names.push_back(hop_name(hop));
    return names;
  };
  if (alike(proxies) && !proxies(first).empty()) out += ", via: " + list(proxies(first));
  if (alike([](const auto& p) { return p.backend; }) && !first.backend.empty())
    out += ", backend: " + text(first.backend);
  if (alike([](const auto& p) { return p.bypassed; }))
    out += first.bypassed.empty() ? "" : ", bypassed: true";
  return out;
}

/// Flows that come out alike: every client with every target.
struct Group {
  std::vector<std::string> clients, targets;
  std::string method, expect;
};

// For each target its clients by what comes out; then targets whose clients and verdicts are the same,
// together.
std::vector<Group> grouped(const std::vector<sim::Flow>& flows, const std::vector<std::string>& expected) {
  std::vector<std::string> order;  // targets as they come
  std::map<std::string, std::vector<Group>> by_target;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    if (expected[i].empty()) continue;
    const std::string target = flows[i].method + " " + flows[i].to;
    auto [it, fresh] = by_target.try_emplace(target);
    if (fresh) order.push_back(target);
    auto& groups = it->second;
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.expect == expected[i]; });
    if (group == groups.end())
      group = groups.insert(groups.end(), {{}, {flows[i].to}, flows[i].method, expected[i]});
    group->clients.push_back(flows[i].from);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {  // by URL, then method
    const auto url = [](const std::string& t) { return t.substr(t.find(' ')); };
    return url(a) != url(b) ? url(a) < url(b) : a < b;
  });
  std::vector<Group> out;
  std::map<std::string, std::size_t> known;  // by clients, method and expectation
  for (const auto& target : order)
    for (auto& group : by_target[target]) {
      std::string key = group.method + " " + group.expect;
      for (const auto& client : group.clients) key += " " + client;
      const auto [it, fresh] = known.emplace(key, out.size());
      if (fresh)
        out.push_back(std::move(group));
      else
        out[it->second].targets.push_back(group.targets.front());
    }
  return out;
}

std::string ends(const char* key, const std::vector<std::string>& values) {
  if (values.size() == 1) return fmt::format("{}: {}\n", key, text(values.front()));
  std::string out = fmt::format("{}:\n", key);
  for (const auto& value : values) out += "      - " + text(value) + "\n";
  return out;
}

std::string written(const Group& g) {
  std::string out = "  - " + ends("to", g.targets) + "    " + ends("from", g.clients);
  if (g.method != "GET") out += fmt::format("    http: {{method: {}}}\n", g.method);
  return out + fmt::format("    expect: {{{}}}\n", g.expect);
}

std::string cluster_text(const RecordHeader& header) {
  std::string out = "manifests: " + list(header.manifests);
  if (!header.istio_version.empty()) out += ", istioVersion: \"" + header.istio_version + "\"";
  if (!header.cni.empty()) out += ", cni: " + header.cni;
  return out;
}

// What each flow comes out as; "" for one that cannot be asked here.
std::vector<std::string> expectations(const sim::Engine& engine, const std::vector<sim::Flow>& flows,
                                      const sim::Assume& assume, unsigned jobs) {
  std::vector<std::string> out(flows.size());
  model::parallel_for_index(flows.size(), jobs, [&](std::size_t i) {
    model::Diagnostics diagnostics;
    const auto verdict = sim::simulate(engine, flows[i], assume, diagnostics);
    if (!diagnostics.has_errors()) out[i] = expectation(verdict);
  });
  return out;
}

std::string head(const std::string& name) {
  return fmt::format(
      "# Recorded predictions: `waypath test` on this file fails where one of them changes.\n"
      "apiVersion: waypath.dev/v1\nkind: Scenario\nmetadata: {{name: {}}}\n",
      text(name));
}

}  // namespace

std::string record_scenario(const sim::Engine& engine, const std::vector<sim::Flow>& flows,
                            const RecordHeader& header, unsigned jobs) {
  std::string out = head(header.name) + fmt::format("cluster: {{{}}}\nflows:\n", cluster_text(header));
  for (const auto& group : grouped(flows, expectations(engine, flows, {}, jobs))) out += written(group);
  return out;
}

std::string record_flows(const sim::Engine& engine, const Scenario& scenario, const std::string& name,
                         const std::string& included, unsigned jobs) {
  std::vector<sim::Flow> flows;
  std::set<std::string> names;
  FlowSelection selection(engine.cluster());
  for (const auto& flow : scenario.flows)
    for (auto& one : selection.expand(flow))
      if (names.insert(one.flow.name).second) flows.push_back(std::move(one.flow));
  const auto expected = expectations(engine, flows, scenario.assume, jobs);
  std::string out = head(name) + fmt::format("include: [{}]\nexpect:\n", text(included));
  for (std::size_t i = 0; i < flows.size(); ++i)
    if (!expected[i].empty()) out += fmt::format("  {}: {{{}}}\n", text(flows[i].name), expected[i]);
  return out;
}

}  // namespace waypath::scenarios
