#include "tools/render/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "tools/render/diagram.h"
#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/picture.h"
#include "tools/render/reach_fields.h"

namespace waypath::tools {
namespace {

using scenarios::ReachTable;
using Pair = ReachTable::Pair;

template <class Fn>
void for_each_pair(const ReachTable& table, const Fn& fn) {
  table.each_row([&](const ReachTable::Row& row) {
    for (const Pair& pair : row.pairs) fn(row.from, pair);
    return true;
  });
}

std::string answer(const Pair& p) {
  return p.possible.empty() ? p.sure : fmt::format("{} (up to {})", p.sure, p.possible);
}

std::string ends(std::size_t n, const char* one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); }

std::string or_dash(const sim::PortSet& set) { return set.empty() ? "-" : set.str(); }

// How many of the pairs of workloads that are asked about there are, and how many of them are connected.
std::string summary(const ReachTable& table) {
  std::vector<std::string> asked;
  std::set_union(table.sources.begin(), table.sources.end(), table.destinations.begin(),
                 table.destinations.end(), std::back_inserter(asked));
  const auto among = [](const std::vector<std::string>& sorted, const std::string& name) {
    return std::binary_search(sorted.begin(), sorted.end(), name);
  };
  std::size_t possible = table.sources.size() * table.destinations.size(), connected = 0;
  for (const auto& name : table.sources) possible -= among(table.destinations, name) ? 1 : 0;
  table.each_row([&](const ReachTable::Row& row) {
    if (!row.outside)
      connected += static_cast<std::size_t>(std::count_if(
          row.pairs.begin(), row.pairs.end(), [](const Pair& p) { return !sim::is_outside(p.to); }));
    return true;
  });
  return fmt::format(
      "{}; {} of {} of them connected, by {} (layer {})\n", ends(asked.size(), "workload"), connected,
      ends(possible, "pair"),
      table.layer == "netpol" ? "NetworkPolicy and its kin" : "NetworkPolicy, HBONE and L4 authorization",
      table.layer);
}

std::string row_text(const ReachTable::Row& row, const Paint& paint) {
  // Destinations with the same connections stand together.
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  for (const Pair& p : row.pairs) {
    const std::string said = p.possible.empty()
                                 ? spoken(p.sure)
                                 : fmt::format("{} (up to {})", spoken(p.sure), spoken(p.possible));
    auto it = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == said; });
    if (it == groups.end()) it = groups.insert(groups.end(), {said, {}});
    it->second.push_back(spoken_end(p.to) + (p.conditional.empty() ? "" : " *"));
  }
  std::string out = "\n" + paint.bold(spoken_end(row.from)) + "\n";
  std::size_t width = 0;
  for (const auto& g : groups) width = std::max(width, std::min<std::size_t>(columns(g.first), 24));
  for (const auto& [said, to] : groups) {
    const bool beside = columns(said) <= width;
    out += "  " + padded(said, width) + (beside ? "  " : "\n");
    for (std::size_t n = 0; n < to.size(); ++n)
      out += (n == 0 && beside ? "" : std::string(width + 4, ' ')) + to[n] + "\n";
  }
  return out;
}

std::string exposure_text(const ReachTable& table, const Paint& paint) {
  std::size_t name = columns("workload"), any = columns("any pod"), world = columns("internet");
  for (const auto& e : table.exposures) {
    name = std::max(name, columns(e.workload));
    any = std::max(any, columns(spoken(or_dash(e.any_pod))));
    world = std::max(world, columns(spoken(or_dash(e.internet))));
  }
  std::string out = "\n" + paint.bold("exposure") +
                    ": what a pod without labels in a namespace of its own reaches, "
                    "and public addresses\n";
  out += fmt::format("  {}  {}  {}  {}\n", padded("workload", name), padded("any pod", any),
                     padded("internet", world), "by Ingress or Route");
  for (const auto& e : table.exposures)
    out += fmt::format("  {}  {}  {}  {}\n", padded(printable(e.workload), name),
                       padded(spoken(or_dash(e.any_pod)), any), padded(spoken(or_dash(e.internet)), world),
                       spoken(or_dash(e.ingress)));
  return out;
}

void text(const ReachTable& table, bool colour, const ReachSink& write) {
  const Paint paint(colour);
  bool more = write(summary(table)), conditional = false;
  table.each_row([&](const ReachTable::Row& row) {
    conditional = conditional || std::any_of(row.pairs.begin(), row.pairs.end(),
                                             [](const Pair& p) { return !p.conditional.empty(); });
    return more = more && write(row_text(row, paint));
  });
  std::string out;
  if (conditional) out += "\n* HTTP rules at the sidecar of the destination may narrow it\n";
  if (!table.exposures.empty()) out += exposure_text(table, paint);
  for (const auto& e : table.excluded) out += fmt::format("\nnot judged: {} ({})", printable(e.name), e.why);
  if (!table.excluded.empty()) out += "\n";
  for (const auto& fact : table.missing_facts) out += "missing fact: " + printable(fact) + "\n";
  if (more) static_cast<void>(write(out));
}

// As one document is written, with its pairs put in one by one.
void json(const ReachTable& table, const ReachSink& write) {
  using Json = nlohmann::ordered_json;
  const auto dump = [](const Json& value, std::size_t indent) {
    const std::string plain = value.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace);
    std::string out;
    for (const char c : plain) {
      out += c;
      if (c == '\n') out.append(indent, ' ');
    }
    return out;
  };
  bool more = write(fmt::format("{{\n  \"apiVersion\": {},\n  \"layer\": {},\n  \"pairs\": [",
                                dump(Json(kApiVersion), 0), dump(Json(table.layer), 0)));
  bool first = true;
  table.each_row([&](const ReachTable::Row& row) {
    std::string out;
    for (const Pair& p : row.pairs) {
      Json one{{"src", row.from}, {"dst", p.to}, {"connections", p.sure}};
      if (!p.possible.empty()) one["possible"] = p.possible;
      if (!p.conditional.empty()) one["conditional"] = fmt::format("sidecar of {}: {}", p.to, p.conditional);
      out += (first ? "\n    " : ",\n    ") + dump(one, 4);
      first = false;
    }
    return more = more && write(out);
  });
  Json open = Json::array();
  for (const auto& e : table.exposures)
    open.push_back(Json{{"workload", e.workload},
                        {"anyPod", e.any_pod.str()},
                        {"internet", e.internet.str()},
                        {"ingress", e.ingress.str()}});
  Json excluded = Json::array();
  for (const auto& e : table.excluded) excluded.push_back(Json{{"workload", e.name}, {"reason", e.why}});
  if (more)
    static_cast<void>(write(fmt::format(
        "{}],\n  \"complete\": {},\n  \"exposure\": {},\n  \"excluded\": {},\n  \"missingFacts\": {}\n}}\n",
        first ? "" : "\n  ", table.complete(), dump(open, 2), dump(excluded, 2),
        dump(Json(table.missing_facts), 2))));
}

void csv(const ReachTable& table, const ReachSink& write) {
  bool more = write(kReachCsvHead);
  table.each_row([&](const ReachTable::Row& row) {
    std::string out;
    for (const Pair& p : row.pairs) out += reach_csv_row(row.from, p.to, {p.sure, p.possible, p.conditional});
    return more = more && write(out);
  });
}

void markdown(const ReachTable& table, const ReachSink& write) {
  const auto cell = [](const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
      if (c == '|' || c == '\\' || c == '<') out += '\\';
      out += c;
    }
    return "`" + out + "`";
  };
  bool more = write("| from | to | connections |\n|---|---|---|\n");
  table.each_row([&](const ReachTable::Row& row) {
    std::string out;
    for (const Pair& p : row.pairs)
      out += fmt::format("| {} | {} | {}{} |\n", cell(row.from), cell(p.to), answer(p),
                         p.conditional.empty() ? "" : " (HTTP rules may narrow it)");
    return more = more && write(out);
  });
  if (table.exposures.empty() || !more) return;
  std::string out =
      "\n| workload | open to any pod | to the internet | by Ingress or Route |\n|---|---|---|---|\n";
  for (const auto& e : table.exposures)
    out += fmt::format("| {} | {} | {} | {} |\n", cell(e.workload), or_dash(e.any_pod), or_dash(e.internet),
                       or_dash(e.ingress));
  static_cast<void>(write(out));
}

}  // namespace

Picture reach_picture(const ReachTable& table) {
  Picture out;
  out.name = "reach";
  std::map<std::string, std::size_t> groups, nodes;
  const auto group_of = [](const std::string& name) {
    return name.compare(0, 4, "ext:") == 0 ? std::string("outside the cluster")
                                           : name.substr(0, name.find('/'));
  };
  for_each_pair(table, [&](const std::string& from, const Pair& p) {
    for (const auto* name : {&from, &p.to}) {
      groups.emplace(group_of(*name), 0);
      nodes.emplace(*name, 0);
    }
  });
  for (auto& [name, index] : groups) {
    index = out.groups.size();
    out.groups.push_back(name);
  }
  for (auto& [name, index] : nodes) {
    index = out.nodes.size();
    const bool outside = name.compare(0, 4, "ext:") == 0;
    PictureNode node;
    node.id = fmt::format("e{}", index);
    node.lines = {outside ? name.substr(4) : name.substr(name.find('/') + 1)};
    node.shape = outside ? Shape::Round : Shape::Box;
    node.look = outside ? Look::Outside : Look::Plain;
    node.group = groups[group_of(name)];
    node.mergeable = true;
    node.keys = {outside ? "external" : name.substr(0, name.find('[')), name};
    out.nodes.push_back(std::move(node));
  }
  for_each_pair(table, [&](const std::string& from, const Pair& p) {
    std::vector<std::string> lines{answer(p)};
    if (!p.conditional.empty()) lines.emplace_back("HTTP rules may narrow it");
    out.edges.push_back({nodes[from], nodes[p.to], std::move(lines), Line::Solid,
                         p.possible.empty() ? Look::Plain : Look::Unknown});
  });
  return out;
}

void write_reach(const ReachTable& table, std::string_view format, bool colour, const ReachSink& write) {
  if (format == "json") return json(table, write);
  if (format == "csv") return csv(table, write);
  if (format == "markdown") return markdown(table, write);
  text(table, colour, write);
}

}  // namespace waypath::tools
