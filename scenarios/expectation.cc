#include "scenarios/expectation.h"

#include <algorithm>

namespace waypath::scenarios {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& i : items) out.append(out.empty() ? "" : ", ").append(i);
  return out.empty() ? "none" : out;
}

// A ztunnel acts for a pod: both its workload's and the pod's name find it; a pod also answers to
// pod/ns/name.
std::vector<std::string> hop_names(const sim::HopResult& hop) {
  const std::string kind(sim::to_string(hop.kind));
  std::vector<std::string> out{hop_name(hop)};
  const auto add = [&](const std::string& k, const std::string& name) {
    if (!name.empty()) out.push_back(k + "/" + hop.ns + "/" + name);
  };
  const auto pod = hop.pod.substr(hop.pod.rfind('/') == std::string::npos ? 0 : hop.pod.rfind('/') + 1);
  add(kind, pod);
  if (hop.kind == sim::HopKind::Application || hop.kind == sim::HopKind::Client) {
    add("pod", pod);
    add("pod", hop.name);
    add("workload", hop.name);
  }
  return out;
}

bool names(const sim::HopResult& hop, const std::string& wanted) {
  const auto all = hop_names(hop);
  return std::any_of(all.begin(), all.end(), [&](const auto& n) { return glob(wanted, n); });
}

std::vector<std::string> objects(const sim::PathVerdict& path) {
  std::vector<std::string> out;
  const auto add = [&](const sim::ObjectAt& o) {
    auto name = o.key.str();
    if (!o.key.name.empty() && std::find(out.begin(), out.end(), name) == out.end())
      out.push_back(std::move(name));
  };
  if (path.reason.by) add(*path.reason.by);
  for (const auto& d : path.deciders) add(d);
  for (const auto& d : path.bypass_causes) add(d);
  return out;
}

// The identity that the last enforcing hop saw; hops behind the one that decided saw nothing.
std::string final_identity(const sim::PathVerdict& path) {
  std::size_t reached = path.hops.size();
  if (path.decided_at_hop) reached = *path.decided_at_hop + 1;
  if (path.decided_at_leg && *path.decided_at_leg < path.legs.size())
    reached = path.legs[*path.decided_at_leg].from + 1;
  reached = std::min(reached, path.hops.size());
  for (auto it = path.hops.rend() - static_cast<std::ptrdiff_t>(reached); it != path.hops.rend(); ++it)
    if (it->seen_peer.present()) return it->seen_peer.principal;
  return "none";
}

bool leg_matches(const Expectation::Leg& wanted, const sim::PathVerdict& path, const sim::LegResult& leg) {
  if (wanted.from && !names(path.hops[leg.from], *wanted.from)) return false;
  if (wanted.to && !names(path.hops[leg.to], *wanted.to)) return false;
  if (wanted.transport && *wanted.transport != sim::to_string(leg.transport)) return false;
  return !wanted.port || *wanted.port == leg.wire_port;
}

void compare_path(const Expectation& e, const sim::PathVerdict& path, std::vector<Mismatch>& out) {
  const auto differ = [&](std::string part, std::string expected, std::string predicted) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const Mismatch& m) { return m.part == part; });
    if (!known) out.push_back({std::move(part), std::move(expected), std::move(predicted)});
  };
  const auto text = [&](const char* part, const std::optional<std::string>& wanted,
                        const std::string& found) {
    if (wanted && !glob(*wanted, found)) differ(part, *wanted, found.empty() ? "none" : found);
  };
  text("outcome", e.outcome, std::string(sim::to_string(path.outcome)));
  text("symptom", e.symptom, path.symptom);
  text("reason", e.reason, std::string(path.reason.code.text));
  text("backend", e.backend, path.backend);
  text("identity", e.identity, final_identity(path));
  const auto found = objects(path);
  // What admitted the request counts on an allow.
  auto all = found;
  for (const auto& hop : path.hops)
    for (const auto& node : hop.decisions)
      if (path.outcome == sim::Outcome::Allow && node.decision == sim::Decision::Allow && node.reason.by)
        all.push_back(node.reason.by->key.str());
  for (const auto& leg : path.legs)
    for (const auto* list : {&leg.egress, &leg.ingress})
      for (const auto& node : *list)
        if (path.outcome == sim::Outcome::Allow && node.decision == sim::Decision::Allow && node.reason.by)
          all.push_back(node.reason.by->key.str());
  for (const auto& by : e.by)
    if (std::none_of(all.begin(), all.end(), [&](const auto& o) { return glob(by, o); }))
      differ("by", by, join(found));
  if (e.rule && (!path.reason.by || path.reason.by->rule != *e.rule))
    differ("rule", std::to_string(*e.rule), path.reason.by ? std::to_string(path.reason.by->rule) : "none");
  std::vector<std::string> hops;
  for (const auto& h : path.hops) hops.push_back(hop_name(h));
  auto next = path.hops.begin();
  for (const auto& via : e.via) {
    next = std::find_if(next, path.hops.end(), [&](const auto& h) { return names(h, via); });
    if (next == path.hops.end()) {
      differ("via", join(e.via), join(hops));
      break;
    }
    ++next;
  }
  for (const auto& not_via : e.not_via)
    if (std::any_of(path.hops.begin(), path.hops.end(), [&](const auto& h) { return names(h, not_via); }))
      differ("notVia", not_via, join(hops));
  for (const auto& leg : e.legs) {
    if (std::any_of(path.legs.begin(), path.legs.end(),
                    [&](const auto& l) { return leg_matches(leg, path, l); }))
      continue;
    differ("legs",
           leg.from.value_or("*") + " -> " + leg.to.value_or("*") + " " + leg.transport.value_or("") +
               (leg.port ? " :" + std::to_string(*leg.port) : ""),
           join(hops));
  }
  if (e.bypassed && *e.bypassed == path.bypassed.empty())
    differ("bypassed", *e.bypassed ? "true" : "false", join(path.bypassed));
  if (e.bypassed_text && std::none_of(path.bypassed.begin(), path.bypassed.end(),
                                      [&](const auto& b) { return glob(*e.bypassed_text, b); }))
    differ("bypassed", *e.bypassed_text, join(path.bypassed));
}

}  // namespace

bool glob(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const auto rest = pattern.substr(star + 1);
  for (std::size_t i = star; i <= text.size(); ++i)
    if (glob(rest, text.substr(i))) return true;
  return false;
}

std::string hop_name(const sim::HopResult& hop) {
  return std::string(sim::to_string(hop.kind)) + (hop.ns.empty() ? "" : "/" + hop.ns) + "/" + hop.name;
}

std::vector<Mismatch> compare(const Expectation& expected, const sim::PathVerdict& path) {
  std::vector<Mismatch> out;
  compare_path(expected, path, out);
  return out;
}

std::vector<Mismatch> compare(const Expectation& expected, const sim::Verdict& verdict) {
  std::vector<Mismatch> out;
  for (const auto& path : verdict.paths) compare_path(expected, path, out);
  if (verdict.paths.empty()) out.push_back({"outcome", expected.outcome.value_or("a verdict"), "none"});
  return out;
}

}  // namespace waypath::scenarios
