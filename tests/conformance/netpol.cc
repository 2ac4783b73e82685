// Network policy cases: manifests with the full connectivity, single verdicts, the difference of two inputs,
// or the error that an input gets. Every pair, probe, change and error of a case is a check, and so is every
// other key that says something of the input; a key that this runner does not read counts as a failed check.

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/load/decode.h"
#include "model/yaml/reader.h"
#include "sim/policy/policy_evaluator.h"
#include "sim/reach/reach.h"
#include "tests/conformance/corpus.h"
#include "tests/conformance/netpol_world.h"
#include "tests/conformance/node_text.h"

namespace waypath::conformance {
namespace {

namespace fs = std::filesystem;
using model::yaml::Node;
using sim::AddressRange;
using sim::PortSet;

class Case {
 public:
  explicit Case(fs::path folder) : folder_(std::move(folder)) {}

  struct Failure {
    std::string what, expected, predicted;
  };
  std::size_t checks = 0, passed = 0;
  std::vector<Failure> failures;

  void run() {
    model::Diagnostics diagnostics;
    std::ifstream in(folder_ / "expected.yaml", std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto documents = model::yaml::read_documents(source, 0, diagnostics, {.prune = false});
    if (documents.empty() || documents.front().root == nullptr)
      return check("expected.yaml", "a document", "nothing");
    const Node* root = documents.front().root;
    const std::string kind = text(root, "kind");
    known(root, "",
          {"origin",
           "commit",
           "licence",
           "manifests_from",
           "expected_from",
           "before_from",
           "after_from",
           "kind",
           "tags",
           "upstream_test",
           "basis",
           "adapted",
           "note",
           "step",
           "class",
           "errors",
           "workloads",
           "excluded_workloads",
           "ipblock_selects_pods",
           "counts",
           "pairs",
           "ingress_pairs",
           "complete",
           "protocols",
           "probes",
           "changes"});
    if (kind == "connlist") {
      connlist(root);
    } else if (kind == "probes") {
      probes(root);
    } else if (kind == "diff") {
      diff(root);
    } else if (kind == "reject" || kind == "duplicate" || kind == "warn") {
      refused(root, kind);
    } else if (kind == "accept") {
      accepted();
    } else {
      check("kind", "a kind that the runner reads", kind);
    }
  }

 private:
  void check(const std::string& what, const std::string& expected, const std::string& predicted) {
    ++checks;
    if (expected == predicted)
      ++passed;
    else
      failures.push_back({what, expected, predicted});
  }
  void known(const Node* map, const std::string& path, const std::set<std::string>& keys) {
    if (map == nullptr) return;
    for (const auto& m : map->members)
      if (keys.count(std::string(m.key)) == 0)
        check(path + std::string(m.key), "a key that the runner reads", "unread");
  }

  /// What the case fixes of the plugin. AuthorizationPolicies are judged where there are any.
  static sim::ReachOptions options_for(const Node* root, const model::Cluster& cluster) {
    sim::ReachOptions options;
    const std::string pods = text(root, "ipblock_selects_pods");
    options.sim.ipblock_selects_pods = pods == "yes";
    if (!cluster.snapshot().all<model::AuthorizationPolicy>().empty()) {
      options.layer = sim::ReachOptions::Layer::Mesh;
      options.assume_meshed = true;
    }
    return options;
  }

  static std::set<std::string> excluded(const Node* root) {
    std::set<std::string> out;
    if (const Node* list = root->find("excluded_workloads"))
      for (const Node* item : list->items) out.insert(item->is_scalar() ? text(item) : text(item, "name"));
    return out;
  }

  /// `text` with the protocols that are judged, in the runner's own order.
  std::string normal(const std::string& connections) const {
    auto set = PortSet::parse(connections);
    if (!set) return connections;
    if (!judged_.empty()) *set &= judged_;
    return set->str();
  }

  void connlist(const Node* root) {
    NetpolWorld world(folder_ / "manifests");
    loads(world);
    world.connect(options_for(root, *world.cluster));
    for (const auto& name : strings(root->find("protocols"))) {
      const auto set = PortSet::parse(name + " 1-65535");
      check("protocols", name, set ? name : "not read");
      if (set) judged_ |= *set;
    }
    const NetpolTable table(*world.reach);
    const auto out = excluded(root);
    const auto listed = strings(root->find("workloads"));
    for (const auto& name : listed) {
      if (out.count(name) == 0)
        check("workload " + name, "present", table.workloads.count(name) != 0 ? "present" : "absent");
    }
    std::map<std::pair<std::string, std::string>, bool> seen;
    std::map<std::pair<std::string, bool>, std::vector<AddressRange>>
        ranges;  // by workload and whether it is the source
    const Node* pairs = root->find("pairs");
    for (const Node* pair : pairs != nullptr ? pairs->items : decltype(pairs->items)()) {
      known(pair, "pairs.", {"src", "dst", "connections"});
      const std::string from = text(pair, "src"), to = text(pair, "dst");
      seen[{from, to}] = true;
      if (const auto range = parse_range(from)) ranges[{to, false}].push_back(*range);
      if (const auto range = parse_range(to)) ranges[{from, true}].push_back(*range);
      check(from + " to " + to, normal(text(pair, "connections")), normal(table.between(from, to)));
    }
    if (text(root, "complete") == "true") {
      const std::set<std::string> workloads(listed.begin(), listed.end());
      std::string more;
      for (const auto& row : table.rows) {
        if (normal(row.connections) == "none" || out.count(row.from) != 0 || out.count(row.to) != 0) continue;
        const auto source = parse_range(row.from), destination = parse_range(row.to);
        if (source || destination) {
          const AddressRange range = source ? *source : *destination;
          if (!range.low.is_v4() || all_covered(ranges[{source ? row.to : row.from, !source}], range))
            continue;
        } else if (seen.count({row.from, row.to}) != 0) {
          continue;
        }
        if (!workloads.empty() &&
            ((!source && workloads.count(row.from) == 0) || (!destination && workloads.count(row.to) == 0)))
          continue;
        more += fmt::format("{}{} to {} {}", more.empty() ? "" : ", ", row.from, row.to, row.connections);
      }
      check("complete", "nothing else", more.empty() ? "nothing else" : more);
    }
    counts(root->find("counts"), world);
    if (const Node* list = root->find("ingress_pairs")) ingress(list, world, root);
  }

  void counts(const Node* node, const NetpolWorld& world) {
    if (node == nullptr) return;
    known(node, "counts.", {"pods", "namespaces", "networkpolicies", "anp", "banp"});
    std::map<std::string, std::size_t> found{
        {"networkpolicies", world.cluster->snapshot().all<model::NetworkPolicy>().size()}};
    for (const auto& p : world.cluster->snapshot().all<model::ClusterPolicy>()) {
      ++found[p->meta.key.kind == std::string_view("AdminNetworkPolicy")           ? "anp"
              : p->meta.key.kind == std::string_view("BaselineAdminNetworkPolicy") ? "banp"
                                                                                   : "cnp"];
    }
    for (const char* key : {"networkpolicies", "anp", "banp"})
      if (node->find(key) != nullptr)
        check(std::string("counts.") + key, text(node, key), std::to_string(found[key]));
  }

  void ingress(const Node* list, const NetpolWorld& world, const Node* root);

  void probes(const Node* root) {
    NetpolWorld world(folder_ / "manifests");
    loads(world);
    const auto options = options_for(root, *world.cluster);
    world.connect(options);
    const NetpolTable table(*world.reach);
    const auto policies = sim::compile_policies(world.cluster, options.sim, world.diagnostics);
    const Node* list = root->find("probes");
    for (const Node* probe : list != nullptr ? list->items : decltype(list->items)()) {
      known(probe, "probes.", {"src", "dst", "protocol", "port", "allow", "note"});
      sim::Connection c;
      c.source = peer_of(text(probe, "src"), *world.cluster);
      c.destination = peer_of(text(probe, "dst"), *world.cluster);
      const std::string protocol = text(probe, "protocol");
      c.protocol = protocol == "UDP"    ? model::Protocol::Udp
                   : protocol == "SCTP" ? model::Protocol::Sctp
                                        : model::Protocol::Tcp;
      const Node* port = probe->find("port");
      c.port = static_cast<std::uint16_t>(port == nullptr ? 0 : port->as_integer().value_or(0));
      c.self = c.source.pod.valid() && c.source.pod == c.destination.pod;
      const std::string what =
          fmt::format("{} to {} {} {}", text(probe, "src"), text(probe, "dst"), protocol, c.port);
      check(what, text(probe, "allow"), verdict(policies, c, table, text(probe, "src"), text(probe, "dst")));
    }
  }

  void diff(const Node* root) {
    NetpolWorld before(folder_ / "before" / "manifests"), after(folder_ / "after" / "manifests");
    loads(before);
    loads(after);
    const auto old_options = options_for(root, *before.cluster),
               new_options = options_for(root, *after.cluster);
    before.connect(old_options);
    after.connect(new_options);
    const NetpolTable old_table(*before.reach), new_table(*after.reach);
    const auto out = excluded(root);
    std::set<std::pair<std::string, std::string>> listed;
    std::map<std::pair<std::string, bool>, std::vector<AddressRange>> ranges;
    const Node* changes = root->find("changes");
    for (const Node* change : changes != nullptr ? changes->items : decltype(changes->items)()) {
      known(change, "changes.", {"change", "src", "dst", "before", "after", "note"});
      const std::string from = text(change, "src"), to = text(change, "dst"), kind = text(change, "change");
      listed.insert({from, to});
      if (const auto range = parse_range(from)) ranges[{to, false}].push_back(*range);
      if (const auto range = parse_range(to)) ranges[{from, true}].push_back(*range);
      const std::string was = normal(text(change, "before")), is = normal(text(change, "after"));
      std::string had, has;
      if (from == "ingress-controller") {
        had = ingress_connections(*before.cluster, old_options, to);
        has = ingress_connections(*after.cluster, new_options, to);
      } else {
        had = normal(old_table.between(from, to));
        has = normal(new_table.between(from, to));
      }
      check(fmt::format("{} {} to {}", kind, from, to), was + " -> " + is, had + " -> " + has);
    }
    if (text(root, "complete") != "true") return;
    // External ends are compared part by part: the tables cut the address space at different bounds.
    std::string more;
    std::set<std::pair<std::string, std::string>> ends;
    for (const NetpolTable* t : {&old_table, &new_table}) {
      for (const auto& row : t->rows) {
        const auto source = parse_range(row.from), destination = parse_range(row.to);
        if (source || destination)
          ranges[{source ? row.to : row.from, !source}];
        else
          ends.insert({row.from, row.to});
      }
    }
    for (const auto& [end, changed] : ranges) {
      const auto& [workload, outward] = end;
      for (const AddressRange& part : parts_of({&old_table, &new_table}, workload, outward, changed))
        if (std::none_of(changed.begin(), changed.end(),
                         [&](const AddressRange& r) { return r.contains(part.low); }))
          ends.insert(outward ? std::pair(workload, part.str()) : std::pair(part.str(), workload));
    }
    for (const auto& [from, to] : ends) {
      if (out.count(from) != 0 || out.count(to) != 0 || listed.count({from, to}) != 0) continue;
      const std::string had = normal(old_table.between(from, to)), has = normal(new_table.between(from, to));
      if (had != has)
        more += fmt::format("{}{} to {}: {} -> {}", more.empty() ? "" : ", ", from, to, had, has);
    }
    check("complete", "nothing else", more.empty() ? "nothing else" : more);
  }

  /// The input is legal. Of two objects with one identity the first counts; what the
  /// report of them says is the matter of kind `duplicate`.
  void loads(const NetpolWorld& world) {
    for (const auto& d : world.diagnostics.items())
      if (d.severity == model::Severity::Error && d.error_type != model::error_type::kDuplicate)
        check("loads", "no error", d.object + " " + d.field + ": " + d.message);
  }
  void accepted() {
    const NetpolWorld world(folder_ / "manifests");
    std::string errors;
    for (const auto& d : world.diagnostics.items())
      if (d.severity == model::Severity::Error)
        errors += fmt::format("{}{}: {}", errors.empty() ? "" : ", ", d.field, d.message);
    check("accept", "no error", errors.empty() ? "no error" : errors);
  }

  void refused(const Node* root, const std::string& kind) {
    NetpolWorld world(folder_ / "manifests");
    world.connect({});
    const std::string reach_class = text(root, "class");
    const Node* errors = root->find("errors");
    if (errors == nullptr || errors->items.empty()) {
      const bool any = world.diagnostics.has_errors();
      return check(kind, "an error", any ? "an error" : "none");
    }
    for (const Node* error : errors->items) {
      known(error, "errors.", {"field", "type", "reason"});
      const std::string field = text(error, "field"), type = text(error, "type");
      std::string nearest = "no report";
      bool found = false;
      for (const auto& d : world.diagnostics.items()) {
        const bool severe =
            kind == "warn" ? d.severity == model::Severity::Warning : d.severity == model::Severity::Error;
        if (!severe && !(type == "unknown-field" && d.severity == model::Severity::Warning)) continue;
        const bool here = fits(field, d, kind);
        const bool typed = type.empty() || d.error_type == type ||
                           (type == "decode-type" && d.error_type == "Invalid") || type == "unknown-field";
        if (here && typed) found = true;
        nearest = fmt::format("{} {} {}: {}", d.code.text, d.error_type, d.field, d.message);
        if (found) break;
      }
      check(fmt::format("{} {}", kind, field), fmt::format("{} {} {}", field, type, text(error, "reason")),
            found ? fmt::format("{} {} {}", field, type, text(error, "reason")) : nearest);
    }
  }

  /// Whether a report's field is the one a case names; `*`, `{a,b}` and a missing index stand for any.
  static bool fits(const std::string& field, const model::Diagnostic& d, const std::string& kind);

  fs::path folder_;
  PortSet judged_;
};

// Upstream's summaries say "spec.{ingress,egress}[*].ports[*]", or name fields alone: "networks or
// ipBlock.cidr", "selector".
bool Case::fits(const std::string& field, const model::Diagnostic& d, const std::string& kind) {
  if (kind == "duplicate")
    return d.error_type == "Duplicate" || d.code.text.find("DUPLICATE") != std::string_view::npos;
  if (field == "conflict") return d.field == "spec.priority";
  if (const auto either = field.find(" or "); either != std::string::npos)
    return fits(field.substr(0, either), d, kind) || fits(field.substr(either + 4), d, kind);
  std::string pattern;
  int braces = 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const char c = field[i];
    if (c == '{' || c == '}') {
      braces += c == '{' ? 1 : -1;
      pattern += c == '{' ? "(?:" : ")";
    } else if (c == ',' && braces > 0) {
      pattern += '|';
    } else if (c == '*') {
      pattern += "[^.]*";
    } else if (c == '.' || c == '[' || c == ']') {
      pattern += '\\';
      pattern += c;
    } else {
      pattern += c;
    }
  }
  const bool whole_path = field.rfind("spec", 0) == 0 || field.rfind("metadata", 0) == 0;
  const std::regex path((whole_path ? "^" : "") + pattern + (whole_path ? "(?=$|[.\\[])" : ""),
                        whole_path ? std::regex::ECMAScript : std::regex::ECMAScript | std::regex::icase);
  return std::regex_search(d.field, path);
}

void Case::ingress(const Node* list, const NetpolWorld& world, const Node* root) {
  const auto options = options_for(root, *world.cluster);
  for (const Node* pair : list->items)
    check("ingress to " + text(pair, "dst"), text(pair, "connections"),
          ingress_connections(*world.cluster, options, text(pair, "dst")));
}

}  // namespace

int run_netpol(const std::string& dir) {
  std::vector<fs::path> folders;
  if (fs::is_directory(dir))
    for (const auto& entry : fs::directory_iterator(dir))
      if (entry.is_directory() && fs::exists(entry.path() / "expected.yaml")) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  if (folders.empty()) {
    std::puts("netpol: no cases found");
    return 77;
  }
  std::size_t cases = 0, checks = 0, passed = 0;
  std::vector<std::string> lines, deviating;
  const auto deviations = read_deviations();
  for (const auto& folder : folders) {
    const std::string name = folder.filename().string();
    Case one(folder);
    one.run();
    checks += one.checks;
    passed += one.passed;
    bool fine = true;
    std::set<std::string> found;
    for (const auto& f : one.failures) {
      const std::string key = "netpol/" + name + " | " + f.what;
      const std::string line =
          fmt::format("{}: {}: expected {}, predicted {}", name, f.what, f.expected, f.predicted);
      bool listed = false;
      for (const auto& d : deviations) {
        if (!covers(d, key)) continue;
        listed = true;
        found.insert(d);
      }
      fine = fine && listed;
      (listed ? deviating : lines).push_back(line);
    }
    for (const auto& key : deviations) {
      if (!covers(key.substr(0, key.find(" | ")), "netpol/" + name) || found.contains(key)) continue;
      lines.push_back(key + ": listed as a deviation, but holds");
      fine = false;
    }
    if (fine) ++cases;
  }
  fmt::print("netpol: {} of {} cases, {} of {} checks\n", cases, folders.size(), passed + deviating.size(),
             checks);
  for (const auto& line : lines) fmt::print("{}\n", line);
  fmt::print("listed as deviations: {}\n", deviating.size());
  for (const auto& line : deviating) fmt::print("  {}\n", line);
  return lines.empty() ? 0 : 1;
}

}  // namespace waypath::conformance
