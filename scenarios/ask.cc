#include "scenarios/ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "model/base/edit_distance.h"
#include "scenarios/expectation.h"
#include "scenarios/flow_enumeration.h"

namespace waypath::scenarios {
namespace {

// Whether every choice of the box is in the set.
bool inside(const RequestBox& box, const std::set<RequestChoice>& choices) {
  RequestChoice at(box.values.size(), 0);
  std::vector<std::size_t> digit(box.values.size(), 0);
  for (;;) {
    for (std::size_t i = 0; i < digit.size(); ++i) at[i] = box.values[i][digit[i]];
    if (!choices.contains(at)) return false;
    std::size_t i = 0;
    while (i < digit.size() && ++digit[i] == box.values[i].size()) digit[i++] = 0;
    if (i == digit.size()) return true;
  }
}

bool covers(const RequestBox& box, const RequestChoice& choice) {
  for (std::size_t i = 0; i < choice.size(); ++i)
    if (!std::binary_search(box.values[i].begin(), box.values[i].end(), choice[i])) return false;
  return true;
}

// kubectl's short names as members are written.
std::string long_kind(const std::string& kind) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kKinds{
      {{"deploy", "deployment"},
       {"deployments", "deployment"},
       {"sts", "statefulset"},
       {"statefulsets", "statefulset"},
       {"ds", "daemonset"},
       {"daemonsets", "daemonset"},
       {"rs", "replicaset"},
       {"cj", "cronjob"}}};
  for (const auto& [word, full] : kKinds)
    if (word == kind) return std::string(full);
  return kind;
}

/// "ns/name" or "ns/kind/name" of a class against "ns", "ns/name", "ns/kind/name".
bool fits(const std::string& pattern, const std::string& member) {
  const auto first = pattern.find('/'), last = pattern.rfind('/');
  const auto ns_end = member.find('/'), name_at = member.rfind('/') + 1;
  const std::string ns = member.substr(0, ns_end), name = member.substr(name_at);
  if (first == std::string::npos) return glob(pattern, ns);
  if (!glob(pattern.substr(0, first), ns) || !glob(pattern.substr(last + 1), name)) return false;
  if (first == last) return true;
  const std::string kind = name_at > ns_end + 1 ? member.substr(ns_end + 1, name_at - ns_end - 2) : "pod";
  return long_kind(pattern.substr(first + 1, last - first - 1)) == kind;
}

}  // namespace

std::vector<RequestBox> boxes_of(const RequestClasses& classes, const std::vector<RequestChoice>& choices) {
  const std::set<RequestChoice> all(choices.begin(), choices.end());
  std::set<RequestChoice> left = all;
  std::vector<RequestBox> out;
  for (const auto& choice : choices) {  // the plainest first
    if (!left.contains(choice)) continue;
    RequestBox box;
    for (const auto value : choice) box.values.push_back({value});
    for (std::size_t i = 0; i < choice.size(); ++i) {
      std::vector<std::size_t> kept = box.values[i];
      for (std::size_t v = 0; v < classes.attributes[i].values.size(); ++v) {
        if (v == choice[i]) continue;
        RequestBox one = box;
        one.values[i] = {v};
        if (inside(one, all)) kept.push_back(v);
      }
      std::sort(kept.begin(), kept.end());
      box.values[i] = std::move(kept);
    }
    std::erase_if(left, [&](const auto& c) { return covers(box, c); });
    out.push_back(std::move(box));
  }
  return out;
}

AskReport run_ask(const sim::Engine& engine, AskTarget target, std::vector<GuardPoint> avoiding,
                  const ClientFilter& keep, SearchOptions options) {
  AskReport out;
  out.target = std::move(target);
  out.avoiding = avoiding;
  options.points = std::move(avoiding);
  out.search = search_ways(engine, out.target, keep, options);
  if (out.target.whole_namespace && !keep) out.target.scope = "from outside it";
  bool undecided = false;
  for (std::size_t i = 0; i < out.search.ways.size(); ++i) {
    const Way& way = out.search.ways[i];
    undecided = undecided || way.unknown_around;
    if (!way.around) continue;
    std::vector<RequestChoice> open;
    for (const auto& [choice, answer] : way.answers)
      if (answer.around) open.push_back(choice);
    out.rows.push_back({i, boxes_of(way.classes, open)});
  }
  out.verdict = !out.rows.empty()        ? AskReport::Verdict::Some
                : undecided              ? AskReport::Verdict::Undecided
                : !out.search.complete() ? AskReport::Verdict::Unproven
                                         : AskReport::Verdict::None;
  return out;
}

std::optional<ClientFilter> client_filter(const model::Cluster& cluster, const std::string& text,
                                          std::string& error) {
  if (text == "internet" || text == "external")
    return ClientFilter([](ClientClass& c) { return c.kind == ClientClass::Kind::Outside; });
  if (const auto ip = model::parse_ip(text)) {
    if (const auto pod = cluster.pod_by_ip(*ip); pod.valid())
      return client_filter(
          cluster, cluster.pod(pod).meta.ns().str() + "/" + cluster.pod(pod).meta.name().str(), error);
    // One class is asked with this very address.
    return ClientFilter([ip, done = std::make_shared<bool>(false)](ClientClass& c) {
      if (c.kind != ClientClass::Kind::Outside || *done) return false;
      *done = true;
      c.source_ip = ip;
      c.members = {"this address"};
      return true;
    });
  }
  if (text.compare(0, 5, "node/") == 0) {
    if (!cluster.find_node(text.substr(5)).valid()) {
      error = fmt::format("there is no node {}", text.substr(5));
      return std::nullopt;
    }
    return ClientFilter([text, done = std::make_shared<bool>(false)](ClientClass& c) {
      if (c.kind != ClientClass::Kind::Node || *done) return false;
      *done = true;
      c.from = text;
      c.about = "a node";
      c.members = {text};
      return true;
    });
  }
  std::vector<std::string> names;
  std::string pod_of;  // a pod's own name stands for its workload
  for (const auto& client : enumerate_clients(cluster))
    if (client.pod != nullptr) names.push_back(client.text);
  bool known = std::any_of(names.begin(), names.end(), [&](const auto& name) { return fits(text, name); });
  if (!known) {
    const auto slash = text.find('/');
    if (slash != std::string::npos)
      if (const auto pod = cluster.find_pod(text.substr(0, slash), text.substr(slash + 1)); pod.valid()) {
        pod_of = client_name(cluster.pod(pod));
        known = std::find(names.begin(), names.end(), pod_of) != names.end();
      }
  }
  if (!known) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto near = model::nearest(text, views);
    error = fmt::format("no client of the cluster is \"{}\"{}", text,
                        near ? fmt::format(", did you mean {}?", *near) : "");
    return std::nullopt;
  }
  const std::string wanted = pod_of.empty() ? text : pod_of;
  return ClientFilter([wanted](ClientClass& c) {
    if (c.kind != ClientClass::Kind::Workload) return false;
    std::erase_if(c.members, [&](const auto& member) { return !fits(wanted, member); });
    if (c.members.empty()) return false;
    // Alike: any of them may stand for the class. A class that is named by one pod keeps it.
    const bool by_workload = std::count(c.from.begin(), c.from.end(), '/') > 1;
    if (by_workload && !fits(wanted, c.from)) c.from = c.members.front();
    return true;
  });
}

}  // namespace waypath::scenarios
