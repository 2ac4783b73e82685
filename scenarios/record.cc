#include "scenarios/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/base/parallel.h"
#include "scenarios/expectation.h"

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

}  // namespace

std::string record_scenario(const sim::Engine& engine, const std::vector<sim::Flow>& flows,
                            const RecordHeader& header, unsigned jobs) {
  std::string cluster = "manifests: " + list(header.manifests);
  if (!header.istio_version.empty()) cluster += ", istioVersion: \"" + header.istio_version + "\"";
  if (!header.cni.empty()) cluster += ", cni: " + header.cni;
  std::vector<std::string> lines(flows.size());
  model::parallel_for_index(flows.size(), jobs, [&](std::size_t i) {
    model::Diagnostics diagnostics;
    const auto verdict = sim::simulate(engine, flows[i], {}, diagnostics);
    if (diagnostics.has_errors()) return;
    lines[i] = fmt::format("  - {{from: {}, to: {}, expect: {{{}}}}}\n", text(flows[i].from),
                           text(flows[i].to), expectation(verdict));
  });
  std::string out = fmt::format(
      "# Recorded predictions: `waypath test` on this file fails where one of them changes.\n"
      "apiVersion: waypath.dev/v1\nkind: Scenario\nmetadata: {{name: {}}}\ncluster: {{{}}}\nflows:\n",
      text(header.name), cluster);
  for (const auto& line : lines) out += line;
  return out;
}

}  // namespace waypath::scenarios
