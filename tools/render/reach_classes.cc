// The compressed answer of reach: classes of endpoints, and the connections between classes.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "sim/reach/classes.h"
#include "sim/reach/matrix.h"
#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/reach.h"
#include "tools/render/reach_fields.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::ordered_json;

/// One class that was asked for, or one range of addresses.
struct ReachGroup {
  std::string name;                  // "c12"; of a range its own name
  std::vector<std::string> members;  // endpoints, by name
  std::size_t pods = 0;              // 0 of ranges
  bool source = false, destination = false;
};

struct ReachReport {
  const sim::ReachResult& matrix;
  const std::string& layer;
};

class Grouped {
 public:
  explicit Grouped(const sim::ReachResult& matrix) : matrix_(matrix) {
    const auto sizes = matrix.classes().sizes();
    const auto classes = static_cast<std::uint32_t>(sizes.size());
    const auto add = [&](const sim::ReachEndpoint& end, std::uint32_t of) -> ReachGroup& {
      ReachGroup& group = groups_[of];
      if (group.members.empty()) group.pods = of < classes ? sizes[of] : 0;
      if (std::find(group.members.rbegin(), group.members.rend(), end.name) == group.members.rend())
        group.members.push_back(end.name);
      return group;
    };
    const auto& from = matrix.sources();
    const auto& to = matrix.destinations();
    for (std::size_t i = 0; i < from.size(); ++i) add(from[i], matrix.class_of_source(i)).source = true;
    for (std::size_t i = 0; i < to.size(); ++i) add(to[i], matrix.class_of_destination(i)).destination = true;
    std::size_t number = 0;
    for (auto& [of, group] : groups_) {
      std::sort(group.members.begin(), group.members.end());
      group.name = of < classes ? fmt::format("c{}", ++number) : group.members.front();
    }
    classes_ = number;
  }

  [[nodiscard]] const std::map<std::uint32_t, ReachGroup>& groups() const { return groups_; }
  [[nodiscard]] std::size_t classes() const { return classes_; }

  /// Pairs of groups with a connection, by source, then destination. A workload with itself is no pair: a
  /// class of one endpoint has none with itself.
  template <class Fn>
  void each_pair(const Fn& fn) const {
    sim::ReachStream stream(matrix_.matrix());
    for (const auto& [s, from] : groups_) {
      if (!from.source) continue;
      std::map<std::uint32_t, sim::ReachMatrix::CellId> row;
      for (const auto& run : stream.row(s))
        sim::each_bit(run.word, run.bits, [&](std::uint32_t d) { row[d] = run.cell; });
      for (const auto& [d, cell] : row) {
        const ReachGroup& to = groups_.at(d);
        if (s == d && from.members.size() == 1) continue;
        if (!fn(from, to, matrix_.matrix().cell(cell))) return;
      }
    }
  }

 private:
  const sim::ReachResult& matrix_;
  std::map<std::uint32_t, ReachGroup> groups_;  // by class, then by range
  std::size_t classes_ = 0;
};

std::string count(std::size_t n, const char* one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : one[0] == 'c' ? "es" : "s");
}

void text(const ReachReport& report, const Grouped& grouped, const ReachSink& write) {
  std::size_t pods = 0;
  for (const auto& [of, group] : grouped.groups()) pods += group.pods;
  std::string out = fmt::format("{} of {} (layer {})\n", count(grouped.classes(), "class"),
                                count(pods, "pod"), report.layer);
  for (const auto& [of, group] : grouped.groups()) {
    if (group.pods == 0) continue;
    out += fmt::format("\n{}  {}\n", group.name, count(group.pods, "pod"));
    for (const auto& member : group.members) out += "  " + printable(member) + "\n";
  }
  bool more = write(out);
  // Destinations of a class with the same connections stand together.
  std::string source;
  std::vector<std::pair<std::string, std::vector<std::string>>> same;
  const auto flush = [&] {
    if (source.empty()) return;
    std::string lines = fmt::format("\n{} ->\n", source);
    for (const auto& [said, to] : same) lines += fmt::format("  {}: {}\n", said, fmt::join(to, ", "));
    more = more && write(lines);
    same.clear();
  };
  grouped.each_pair([&](const ReachGroup& from, const ReachGroup& to, const sim::ReachCell& cell) {
    if (from.name != source) {
      flush();
      source = from.name;
    }
    const ReachFields f = reach_fields(report.matrix, cell);
    const std::string said = f.sure + (f.possible.empty() ? "" : " (up to " + f.possible + ")") +
                             (f.conditional.empty() ? "" : " *");
    auto at = std::find_if(same.begin(), same.end(), [&](const auto& g) { return g.first == said; });
    if (at == same.end()) at = same.insert(same.end(), {said, {}});
    at->second.push_back(to.name);
    return more;
  });
  flush();
  out.clear();
  for (const auto& e : report.matrix.excluded())
    out += fmt::format("\nnot judged: {} ({})", printable(e.name), e.why);
  if (!report.matrix.excluded().empty()) out += "\n";
  for (const auto& fact : report.matrix.missing_facts()) out += "missing fact: " + printable(fact) + "\n";
  if (more && !out.empty()) write(out);
}

void json(const ReachReport& report, const Grouped& grouped, const ReachSink& write) {
  const auto dump = [](const Json& one) {
    return one.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
  };
  bool more = write(fmt::format("{{\n  \"apiVersion\": {},\n  \"layer\": {},\n  \"classes\": [",
                                dump(Json(kApiVersion)), dump(Json(report.layer))));
  const char* before = "\n    ";
  for (const auto& [of, group] : grouped.groups()) {
    if (group.pods == 0) continue;
    more = more &&
           write(before + dump(Json{{"name", group.name}, {"pods", group.pods}, {"members", group.members}}));
    before = ",\n    ";
  }
  more = more && write("\n  ],\n  \"pairs\": [");
  before = "\n    ";
  grouped.each_pair([&](const ReachGroup& from, const ReachGroup& to, const sim::ReachCell& cell) {
    const ReachFields f = reach_fields(report.matrix, cell);
    Json one{{"src", from.name}, {"dst", to.name}, {"connections", f.sure}};
    if (!f.possible.empty()) one["possible"] = f.possible;
    if (!f.conditional.empty()) one["conditional"] = f.conditional;
    more = more && write(before + dump(one));
    before = ",\n    ";
    return more;
  });
  Json excluded = Json::array();
  for (const auto& e : report.matrix.excluded())
    excluded.push_back(Json{{"workload", e.name}, {"reason", e.why}});
  if (more)
    write(fmt::format("\n  ],\n  \"complete\": {},\n  \"excluded\": {},\n  \"missingFacts\": {}\n}}\n",
                      report.matrix.complete(), dump(excluded), dump(Json(report.matrix.missing_facts()))));
}

void csv(const ReachReport& report, const Grouped& grouped, const ReachSink& write) {
  bool more = write("record,class,pods,member,dst,connections,possible,conditional\r\n");
  for (const auto& [of, group] : grouped.groups())
    for (const auto& member : group.members)
      if (group.pods != 0)
        more =
            more && write(fmt::format("member,{},{},{},,,,\r\n", group.name, group.pods, csv_field(member)));
  grouped.each_pair([&](const ReachGroup& from, const ReachGroup& to, const sim::ReachCell& cell) {
    const ReachFields f = reach_fields(report.matrix, cell);
    more = more && write(fmt::format("pair,{},,,{},{},{},{}\r\n", from.name, to.name, csv_field(f.sure),
                                     csv_field(f.possible), csv_field(f.conditional)));
    return more;
  });
}

}  // namespace

void write_reach_classes(const sim::ReachResult& matrix, const std::string& layer, std::string_view format,
                         const ReachSink& write) {
  const Grouped grouped(matrix);
  const ReachReport report{matrix, layer};
  if (format == "json") return json(report, grouped, write);
  if (format == "csv") return csv(report, grouped, write);
  text(report, grouped, write);
}

}  // namespace waypath::tools
