#include "tools/render/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/render/json.h"
#include "tools/render/names.h"
#include "tools/render/plan.h"
#include "tools/render/words.h"

namespace waypath::tools {
namespace {

using scenarios::Agreement;
using scenarios::ReplayReport;
using scenarios::ReplayRow;
using scenarios::Traffic;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMarkdownRows = 200;
// Of each kind in a text: -o json and csv have all.
constexpr std::size_t kTextRows = 50;

std::string traffic_text(const Traffic& t) {
  return fmt::format("{}, {}", counted(t.count, "record"), bytes_text(t.sent + t.received));
}

std::string percent(const ReplayReport& r) {
  // Never 100 % with a disagreement.
  const double shown = r.disagree.lines > 0 ? std::min(r.trust().value_or(0) * 100, 99.99) : 100.0;
  return fmt::format("{:.2f} %", shown);
}

std::string summary(const ReplayReport& r) {
  std::string out = fmt::format("Read {}: {}, {} different.", counted(r.lines.total, "line"),
                                counted(r.lines.records, "record"), count_text(r.rows.size()));
  std::vector<std::string> rest;
  const auto add = [&](std::uint64_t n, const char* what) {
    if (n > 0) rest.push_back(fmt::format("{} {}", count_text(n), what));
  };
  add(r.lines.opened, "connection opened");
  add(r.lines.tunnel, "of HBONE legs of waypoints");
  add(r.lines.other, "of the proxies' own log");
  add(r.lines.blank, "blank");
  add(r.lines.unreadable, "unreadable");
  if (!rest.empty()) out += fmt::format(" The rest: {}.", join(rest, ", "));
  return out;
}

std::string agreement(const ReplayReport& r) {
  if (!r.trust())
    return fmt::format("Agreement: nothing can be compared; undetermined: {} of {}.",
                       counted(r.undetermined.lines, "record"), counted(r.undetermined.flows, "flow"));
  return fmt::format("Agreement: {} of {} ({} agree, {} disagree); undetermined: {} of {}.", percent(r),
                     counted(r.agree.lines + r.disagree.lines, "record"), counted(r.agree.flows, "flow"),
                     count_text(r.disagree.flows), counted(r.undetermined.lines, "record"),
                     counted(r.undetermined.flows, "flow"));
}

std::string beyond(const ReplayReport& r) {
  if (r.beyond.count == 0) return {};
  return fmt::format("Not compared: {} of further flows (--max-flows).", counted(r.beyond.count, "record"));
}

struct Impact {
  std::uint64_t flows = 0;
  Traffic traffic;
};
/// By verb of plan, the grave ones first.
std::vector<std::pair<std::string, Impact>> impacts(const ReplayReport& r) {
  std::map<std::string, Impact> by_verb;
  for (const auto& one : r.impact) {
    auto& sum = by_verb[change_words(r.plan->changes[one.change]).verb];
    ++sum.flows;
    sum.traffic.add(one.traffic);
  }
  std::vector<std::pair<std::string, Impact>> out;
  for (const char* verb :
       {"breaks", "OPENS UNGUARDED", "UNGUARDED", "opens", "enforcement", "rerouted", "symptom"})
    if (const auto it = by_verb.find(verb); it != by_verb.end()) out.push_back(*it);
  return out;
}

std::string change_summary(const ReplayReport& r) {
  std::string out = fmt::format("Change: of {} recorded ({}), ", counted(r.plan->compared, "flow"),
                                traffic_text(r.recorded));
  std::vector<std::string> parts;
  for (const auto& [verb, sum] : impacts(r))
    parts.push_back(fmt::format("{} {} ({})", counted(sum.flows, "flow"),
                                verb == "UNGUARDED"         ? "would lose an enforcement point"
                                : verb == "breaks"          ? "would break"
                                : verb == "opens"           ? "would open"
                                : verb == "OPENS UNGUARDED" ? "would open unguarded"
                                : verb == "enforcement"     ? "would be enforced elsewhere"
                                : verb == "rerouted"        ? "would take another path"
                                                            : "would fail differently",
                                traffic_text(sum.traffic)));
  out += parts.empty() ? "none would change" : join(parts, "; ");
  if (r.plan->only_before + r.plan->only_after > 0)
    out += fmt::format("; not compared: {} whose client is on one side alone",
                       counted(r.plan->only_before + r.plan->only_after, "flow"));
  return out + ".";
}

// Impacts, breaks first, then by traffic.
std::vector<const ReplayReport::Impact*> ordered_impact(const ReplayReport& r) {
  std::vector<const ReplayReport::Impact*> out;
  for (const auto& one : r.impact) out.push_back(&one);
  const auto rank = [&](const ReplayReport::Impact* i) {
    const auto& c = r.plan->changes[i->change];
    return c.kind == scenarios::FlowChangeKind::Breaks ? 0 : c.loses_enforcement ? 1 : 2;
  };
  std::stable_sort(out.begin(), out.end(), [&](const auto* a, const auto* b) {
    return std::pair(rank(a), ~a->traffic.count) < std::pair(rank(b), ~b->traffic.count);
  });
  return out;
}

/// Rows that are undetermined for one cause, the first of them as an example.
struct Cause {
  std::uint64_t flows = 0, lines = 0;
  const ReplayRow* example = nullptr;
};
std::vector<std::pair<std::string, Cause>> causes(const ReplayReport& r) {
  std::map<std::string, Cause> by_why;
  for (const auto& row : r.rows) {
    if (row.agreement != Agreement::Undetermined) continue;
    auto& cause = by_why[row.why];
    ++cause.flows;
    cause.lines += row.traffic.count;
    if (cause.example == nullptr) cause.example = &row;
  }
  std::vector<std::pair<std::string, Cause>> out(by_why.begin(), by_why.end());
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.second.lines > b.second.lines; });
  return out;
}

std::string head(const ReplayRow& row) { return printable(row.client) + " -> " + printable(row.target); }

std::string prediction_text(const scenarios::Prediction& p) {
  std::string out = fmt::format("{} ({})", p.outcome, p.symptom);
  for (const auto& part : {p.reason, p.by, p.place})
    if (!part.empty()) out += "  " + part;
  return printable(out);
}

// The beginning of a log line, on one line.
std::string shown_line(std::string line) {
  constexpr std::size_t kShown = 240;
  std::replace(line.begin(), line.end(), '\t', ' ');
  return printable(line.substr(0, kShown)) + (line.size() > kShown ? "..." : "");
}

std::string left_out(std::size_t all) {
  return all > kTextRows ? fmt::format("  and {} more (-o json lists all)\n", count_text(all - kTextRows))
                         : "";
}

std::string text(const ReplayReport& r, bool colour) {
  const Paint paint(colour);
  std::string out = summary(r) + "\n";
  for (const auto& bad : r.lines.shown)
    out += fmt::format("  {}: {}\n    {}\n", printable(bad.place), bad.why, shown_line(bad.text));
  if (r.lines.unreadable > r.lines.shown.size() && !r.lines.shown.empty())
    out += fmt::format("  and {} more\n", count_text(r.lines.unreadable - r.lines.shown.size()));
  const std::string agreed = agreement(r);
  out += (r.disagree.lines > 0 ? paint.bad(agreed) : r.agree.lines > 0 ? paint.good(agreed) : agreed) + "\n";
  if (r.beyond.count > 0) out += paint.bad(beyond(r)) + "\n";
  std::size_t shown = 0;
  for (const auto& row : r.rows) {
    if (row.agreement != Agreement::Disagrees || ++shown > kTextRows) continue;
    if (shown == 1) out += "\n" + paint.bold("Disagreements") + "\n";
    out += fmt::format("  {}  {}\n", head(row), traffic_text(row.traffic));
    out += fmt::format("    log   {} ({})  {}\n", printable(row.seen), to_string(row.observer),
                       printable(row.first));
    for (const auto& line : wrapped(shown_line(row.line), 100)) out += "          " + line + "\n";
    out += fmt::format("    here  {} ({})  {}\n", row.prediction->outcome, printable(row.prediction->symptom),
                       row.prediction->reason);
    for (const auto& part : {row.prediction->by, row.prediction->place})
      if (!part.empty()) out += fmt::format("          {}\n", printable(part));
    if (!row.prediction->detail.empty())
      out += fmt::format("          {}\n", printable(row.prediction->detail));
    out += fmt::format("          {}\n", printable(row.why));
  }
  out += left_out(shown);
  shown = 0;
  for (const auto& [why, cause] : causes(r)) {
    if (++shown > kTextRows) continue;
    if (shown == 1) out += "\n" + paint.bold("Undetermined") + "\n";
    out += fmt::format("  {} of {}: {}\n", counted(cause.lines, "record"), counted(cause.flows, "flow"),
                       printable(why));
    out += fmt::format("    {}  {}  {}\n", head(*cause.example), printable(cause.example->seen),
                       printable(cause.example->first));
  }
  out += left_out(shown);
  if (!r.plan) return out;
  const std::string what = change_summary(r);
  out += "\n" + (r.impact.empty() ? what : paint.bold(what)) + "\n";
  shown = 0;
  for (const auto* impact : ordered_impact(r)) {
    if (++shown > kTextRows) continue;
    const auto& change = r.plan->changes[impact->change];
    const ChangeWords words = change_words(change);
    const std::string line =
        fmt::format("  {} {:<11}  {}", words.sign, words.verb, printable(change.flow.name));
    out += (words.sign == "+"   ? paint.good(line)
            : words.sign == "-" ? paint.bad(line)
                                : line) +
           fmt::format("  {}\n", traffic_text(impact->traffic));
    out += fmt::format("{:17}{}\n{:17}{}\n", "", printable(words.transition), "", printable(words.reason));
    for (const auto i : change.causes)
      out += fmt::format("{:17}{} {}  {}\n", "", printable(r.plan->objects[i].object),
                         to_string(r.plan->objects[i].how), printable(r.plan->objects[i].place));
  }
  return out + left_out(shown);
}

Json traffic_json(const Traffic& t) {
  return {{"records", t.count}, {"bytesSent", t.sent}, {"bytesReceived", t.received}};
}

Json row_json(const ReplayRow& row) {
  Json prediction = nullptr;
  if (row.prediction) {
    const auto& p = *row.prediction;
    prediction = Json{{"outcome", p.outcome}, {"symptom", p.symptom}, {"reason", p.reason},
                      {"by", p.by},           {"place", p.place},     {"detail", p.detail}};
  }
  return {{"client", row.client},
          {"target", row.target},
          {"observer", to_string(row.observer)},
          {"traffic", traffic_json(row.traffic)},
          {"bothEnds", row.both_ends},
          {"seen", row.seen},
          {"first", row.first},
          {"line", row.line},
          {"agreement", to_string(row.agreement)},
          {"why", row.why},
          {"predicted", std::move(prediction)}};
}

std::string json(const ReplayReport& r) {
  const auto tally = [](const scenarios::Tally& t) { return Json{{"flows", t.flows}, {"records", t.lines}}; };
  Json out{{"apiVersion", kApiVersion}};
  Json bad = Json::array(), rows = Json::array();
  for (const auto& one : r.lines.shown)
    bad.push_back(Json{{"place", one.place}, {"why", one.why}, {"text", one.text}});
  for (const auto& row : r.rows) rows.push_back(row_json(row));
  out["lines"] =
      Json{{"total", r.lines.total},           {"records", r.lines.records},       {"opened", r.lines.opened},
           {"tunnel", r.lines.tunnel},         {"other", r.lines.other},           {"blank", r.lines.blank},
           {"unreadable", r.lines.unreadable}, {"firstUnreadable", std::move(bad)}};
  const auto trust = r.trust();
  out["agreement"] = Json{{"share", trust ? Json(*trust) : Json(nullptr)},
                          {"agree", tally(r.agree)},
                          {"disagree", tally(r.disagree)},
                          {"undetermined", tally(r.undetermined)},
                          {"beyondLimit", traffic_json(r.beyond)}};
  out["flows"] = std::move(rows);
  if (r.plan) {
    Json changes = Json::array();
    for (const auto* impact : ordered_impact(r)) {
      const auto& change = r.plan->changes[impact->change];
      const ChangeWords words = change_words(change);
      Json because = Json::array();
      for (const auto i : change.causes)
        because.push_back(Json{{"object", r.plan->objects[i].object}, {"place", r.plan->objects[i].place}});
      changes.push_back(
          Json{{"flow", {{"from", change.flow.from}, {"to", change.flow.to}, {"name", change.flow.name}}},
               {"change", to_string(change.kind)},
               {"losesEnforcement", change.loses_enforcement},
               {"traffic", traffic_json(impact->traffic)},
               {"before", change.before.outcome},
               {"after", change.after.outcome},
               {"what", words.transition},
               {"reason", words.reason},
               {"cause", std::move(because)}});
    }
    out["change"] = Json{{"compared", r.plan->compared},
                         {"traffic", traffic_json(r.recorded)},
                         {"onlyBefore", r.plan->only_before},
                         {"onlyAfter", r.plan->only_after},
                         {"changes", std::move(changes)}};
  }
  return out.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

std::string markdown(const ReplayReport& r) {
  std::string out = "### waypath replay\n\n" + summary(r) + "\n\n" + agreement(r) + "\n";
  if (r.beyond.count > 0) out += "\n" + beyond(r) + "\n";
  std::size_t shown = 0, left = 0;
  for (const auto& row : r.rows) {
    if (row.agreement != Agreement::Disagrees) continue;
    if (shown == kMarkdownRows) {
      ++left;
      continue;
    }
    if (shown++ == 0) out += "\n| disagreement | records | the log | predicted |\n|---|---|---|---|\n";
    out += fmt::format("| {} | {} | {} {} | {} |\n", markdown_code(head(row)), count_text(row.traffic.count),
                       markdown_code(row.seen), markdown_code(row.first),
                       markdown_code(prediction_text(*row.prediction)));
  }
  if (left > 0) out += fmt::format("\n{} more disagreements.\n", count_text(left));
  if (!causes(r).empty())
    out += "\n| undetermined because | records | flows | for example |\n|---|---|---|---|\n";
  for (const auto& [why, cause] : causes(r))
    out += fmt::format("| {} | {} | {} | {} {} |\n", markdown_code(why), count_text(cause.lines),
                       count_text(cause.flows), markdown_code(head(*cause.example)),
                       markdown_code(cause.example->first));
  if (!r.plan) return out;
  out += "\n" + change_summary(r) + "\n";
  shown = left = 0;
  for (const auto* impact : ordered_impact(r)) {
    if (shown == kMarkdownRows) {
      ++left;
      continue;
    }
    if (shown++ == 0) out += "\n| | flow | records | bytes | change | reason |\n|---|---|---|---|---|---|\n";
    const auto& change = r.plan->changes[impact->change];
    const ChangeWords words = change_words(change);
    out += fmt::format("| {} {} | {} | {} | {} | {} | {} |\n",
                       words.sign == "-"   ? "🔴"
                       : words.sign == "+" ? "🟢"
                                           : "🟡",
                       words.verb, markdown_code(change.flow.name), count_text(impact->traffic.count),
                       bytes_text(impact->traffic.sent + impact->traffic.received),
                       markdown_code(words.transition), markdown_code(words.reason));
  }
  if (left > 0) out += fmt::format("\n{} more flows change.\n", count_text(left));
  return out;
}

std::string csv(const ReplayReport& r) {
  std::map<std::string, std::string> changes;
  if (r.plan)
    for (const auto& change : r.plan->changes) changes[change.flow.name] = change_words(change).verb;
  std::string out =
      "client,target,observer,records,bytesSent,bytesReceived,seen,agreement,why,predicted,symptom,reason,by,"
      "first,change\n";
  for (const auto& row : r.rows) {
    const auto p = row.prediction.value_or(scenarios::Prediction{});
    const auto change = row.flow ? changes.find(r.flows[*row.flow].name) : changes.end();
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(row.client),
                       csv_field(row.target), to_string(row.observer), row.traffic.count, row.traffic.sent,
                       row.traffic.received, csv_field(row.seen), to_string(row.agreement),
                       csv_field(row.why), p.outcome, csv_field(p.symptom), p.reason, csv_field(p.by),
                       csv_field(row.first), change == changes.end() ? "" : change->second);
  }
  return out;
}

}  // namespace

std::string replay_text(const ReplayReport& report, std::string_view format, bool colour) {
  if (format == "json") return json(report);
  if (format == "markdown") return markdown(report);
  if (format == "csv") return csv(report);
  return text(report, colour);
}

}  // namespace waypath::tools
