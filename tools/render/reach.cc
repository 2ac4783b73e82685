#include "tools/render/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "tools/render/diagram.h"
#include "tools/render/json.h"
#include "tools/render/names.h"

namespace waypath::tools {
namespace {

using Cell = sim::ReachResult::Cell;

struct Pair {
  std::string from, to, sure, possible, conditional;  // `possible` where it differs, `conditional` where some
};

std::vector<Pair> pairs_of(const sim::ReachResult& matrix) {
  std::vector<Pair> out;
  matrix.for_each_pair([&](const std::string& from, const std::string& to, const Cell& cell) {
    out.push_back({from, to, matrix.connections(cell.sure),
                   cell.sure == cell.possible ? "" : matrix.connections(cell.possible),
                   cell.conditional == sim::PortSetTable::kNone ? "" : matrix.connections(cell.conditional)});
  });
  return out;
}

std::string answer(const Pair& p) {
  return p.possible.empty() ? p.sure : fmt::format("{} (up to {})", p.sure, p.possible);
}

std::string ends(std::size_t n, const char* one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); }

std::string or_dash(const sim::PortSet& set) { return set.empty() ? "-" : set.str(); }

std::string text(const ReachReport& report, const std::vector<Pair>& pairs, bool colour) {
  const Paint paint(colour);
  const auto& m = report.matrix;
  std::size_t workloads = 0;
  for (const auto& end : m.sources()) workloads += end.external() ? 0 : 1;
  std::string out = fmt::format("{} asked, {} connected  (layer {})\n", ends(workloads, "workload"),
                                ends(pairs.size(), "pair"), report.layer);
  for (std::size_t i = 0; i < pairs.size();) {
    const std::string& from = pairs[i].from;
    // Destinations with the same connections stand together.
    std::vector<std::pair<std::string, std::vector<std::string>>> groups;
    for (; i < pairs.size() && pairs[i].from == from; ++i) {
      const std::string said = answer(pairs[i]);
      auto it = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == said; });
      if (it == groups.end()) it = groups.insert(groups.end(), {said, {}});
      it->second.push_back(pairs[i].to + (pairs[i].conditional.empty() ? "" : " *"));
    }
    out += "\n" + paint.bold(printable(from)) + "\n";
    std::size_t width = 0;
    for (const auto& g : groups) width = std::max(width, std::min<std::size_t>(columns(g.first), 24));
    for (const auto& [said, to] : groups) {
      const bool beside = columns(said) <= width;
      out += "  " + padded(said, width) + (beside ? "  " : "\n");
      for (std::size_t n = 0; n < to.size(); ++n)
        out += (n == 0 && beside ? "" : std::string(width + 4, ' ')) + printable(to[n]) + "\n";
    }
  }
  if (std::any_of(pairs.begin(), pairs.end(), [](const Pair& p) { return !p.conditional.empty(); }))
    out += "\n* HTTP rules at the sidecar of the destination may narrow it\n";
  if (!report.exposures.empty()) {
    std::size_t name = columns("workload"), any = columns("any pod"), world = columns("internet");
    for (const auto& e : report.exposures) {
      name = std::max(name, columns(e.workload));
      any = std::max(any, columns(or_dash(e.any_pod)));
      world = std::max(world, columns(or_dash(e.internet)));
    }
    out += "\n" + paint.bold("exposure") +
           ": what a pod without labels in a namespace of its own reaches, "
           "and public addresses\n";
    out += fmt::format("  {}  {}  {}  {}\n", padded("workload", name), padded("any pod", any),
                       padded("internet", world), "by Ingress");
    for (const auto& e : report.exposures) {
      std::string row = fmt::format("  {}  {}  {}  {}", padded(printable(e.workload), name),
                                    padded(or_dash(e.any_pod), any), padded(or_dash(e.internet), world),
                                    or_dash(e.ingress));
      out += row + "\n";
    }
  }
  for (const auto& e : m.excluded()) out += fmt::format("\nnot judged: {} ({})", printable(e.name), e.why);
  if (!m.excluded().empty()) out += "\n";
  for (const auto& fact : m.missing_facts()) out += "missing fact: " + printable(fact) + "\n";
  return out;
}

std::string json(const ReachReport& report, const std::vector<Pair>& pairs) {
  using Json = nlohmann::ordered_json;
  Json out;
  out["apiVersion"] = kApiVersion;
  out["layer"] = report.layer;
  Json list = Json::array();
  for (const auto& p : pairs) {
    Json one{{"src", p.from}, {"dst", p.to}, {"connections", p.sure}};
    if (!p.possible.empty()) one["possible"] = p.possible;
    if (!p.conditional.empty()) one["conditional"] = fmt::format("sidecar of {}: {}", p.to, p.conditional);
    list.push_back(std::move(one));
  }
  out["pairs"] = std::move(list);
  out["complete"] = report.matrix.complete();
  Json open = Json::array();
  for (const auto& e : report.exposures)
    open.push_back(Json{{"workload", e.workload},
                        {"anyPod", e.any_pod.str()},
                        {"internet", e.internet.str()},
                        {"ingress", e.ingress.str()}});
  out["exposure"] = std::move(open);
  Json excluded = Json::array();
  for (const auto& e : report.matrix.excluded())
    excluded.push_back(Json{{"workload", e.name}, {"reason", e.why}});
  out["excluded"] = std::move(excluded);
  out["missingFacts"] = report.matrix.missing_facts();
  return out.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

// RFC 4180.
std::string csv_field(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string csv(const std::vector<Pair>& pairs) {
  std::string out = "src,dst,connections,possible,conditional\r\n";
  for (const auto& p : pairs)
    out += fmt::format("{},{},{},{},{}\r\n", csv_field(p.from), csv_field(p.to), csv_field(p.sure),
                       csv_field(p.possible), csv_field(p.conditional));
  return out;
}

std::string markdown(const ReachReport& report, const std::vector<Pair>& pairs) {
  const auto cell = [](const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
      if (c == '|' || c == '\\' || c == '<') out += '\\';
      out += c;
    }
    return "`" + out + "`";
  };
  std::string out = "| from | to | connections |\n|---|---|---|\n";
  for (const auto& p : pairs)
    out += fmt::format("| {} | {} | {}{} |\n", cell(p.from), cell(p.to), answer(p),
                       p.conditional.empty() ? "" : " (HTTP rules may narrow it)");
  if (report.exposures.empty()) return out;
  out += "\n| workload | open to any pod | to the internet | by Ingress |\n|---|---|---|---|\n";
  for (const auto& e : report.exposures)
    out += fmt::format("| {} | {} | {} | {} |\n", cell(e.workload), or_dash(e.any_pod), or_dash(e.internet),
                       or_dash(e.ingress));
  return out;
}

std::string graph(const std::vector<Pair>& pairs, bool dot) {
  std::map<std::string, std::size_t> ids;
  for (const auto& p : pairs) {
    ids.emplace(p.from, 0);
    ids.emplace(p.to, 0);
  }
  std::string out = dot ? "digraph reach {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
                        : "flowchart LR\n";
  std::size_t next = 0;
  for (auto& [name, id] : ids) {
    id = next++;
    out += dot ? fmt::format("  e{} [label=\"{}\"];\n", id, dot_text(name))
               : fmt::format("  e{}[\"{}\"]\n", id, mermaid_text(name));
  }
  for (const auto& p : pairs)
    out += dot ? fmt::format("  e{} -> e{} [label=\"{}\"];\n", ids[p.from], ids[p.to], dot_text(answer(p)))
               : fmt::format("  e{} -->|\"{}\"| e{}\n", ids[p.from], mermaid_text(answer(p)), ids[p.to]);
  return out + (dot ? "}\n" : "");
}

}  // namespace

std::string reach_report(const ReachReport& report, std::string_view format, bool colour) {
  const auto pairs = pairs_of(report.matrix);
  if (format == "json") return json(report, pairs);
  if (format == "csv") return csv(pairs);
  if (format == "markdown") return markdown(report, pairs);
  if (format == "mermaid" || format == "dot") return graph(pairs, format == "dot");
  return text(report, pairs, colour);
}

}  // namespace waypath::tools
