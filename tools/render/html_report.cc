#include "tools/render/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <unordered_map>

#include "model/base/version.h"
#include "sim/reason_codes.h"
#include "tools/render/names.h"
#include "tools/render/report_page.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kExcerptLines = 400, kExcerptColumns = 400;

std::size_t indent_of(std::string_view line) {
  const auto at = line.find_first_not_of(' ');
  return at == std::string_view::npos ? line.size() : at;
}

// "apiVersion:" or "- apiVersion:" (or kind first): a line at which an object can begin.
bool begins_object(std::string_view line) {
  line.remove_prefix(indent_of(line));
  if (line.substr(0, 2) == "- ") line.remove_prefix(2);
  return line.substr(0, 11) == "apiVersion:" || line.substr(0, 5) == "kind:";
}

bool ends_document(std::string_view line) { return line.substr(0, 3) == "---" || line.substr(0, 3) == "..."; }

// Text for HTML outside of scripts.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '<'   ? std::string("&lt;")
           : c == '>' ? std::string("&gt;")
           : c == '&' ? std::string("&amp;")
           : c == '"' ? std::string("&quot;")
                      : std::string(1, c);
  }
  return out;
}

// JSON inside of a script element: no `<` may stand in it. Source: html.spec.whatwg.org,
// restrictions-for-contents-of-script-elements
std::string in_script(const Json& json) {
  std::string out;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out;
}

std::string leg_label(const sim::LegResult& leg) {
  if (leg.transport == sim::Transport::InPod)
    return leg.inner_port == 0 ? "in pod" : fmt::format("in pod :{}", leg.inner_port);
  return fmt::format("{} {}", to_string(leg.transport), port_text(leg));
}

}  // namespace

namespace {

// The innermost block of indented JSON around the line that is an object of its own. Nothing of JSON on one
// line: all objects of a list would come with it.
std::pair<std::size_t, std::size_t> json_block(const std::vector<std::string_view>& lines, std::size_t at) {
  const auto starts = [&](std::size_t i, std::string_view word) {
    return lines[i].substr(indent_of(lines[i])).substr(0, word.size()) == word;
  };
  std::size_t inner = indent_of(lines[at]);
  for (std::size_t i = at; i-- > 0;) {
    const std::size_t indent = indent_of(lines[i]);
    if (lines[i].find_first_not_of(" \r") == std::string_view::npos || indent >= inner) continue;
    inner = indent;
    if (!starts(i, "{")) continue;
    std::size_t last = at;
    bool object = false;
    for (std::size_t j = i + 1; j < lines.size(); ++j) {
      object = object || (starts(j, "\"apiVersion\"") && indent_of(lines[j]) <= indent_of(lines[i + 1]));
      last = j;
      if (indent_of(lines[j]) == indent && starts(j, "}")) break;
    }
    if (object) return {i, last};
  }
  return {at, at};
}

}  // namespace

SourceExcerpt excerpt(std::string_view text, std::uint32_t line) {
  std::vector<std::string_view> lines;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  if (line == 0 || line > lines.size()) return {};
  const std::size_t at = line - 1;
  // Up to the start of the document; within a List, to the item: a "- " that opens an object further out than
  // the line.
  std::size_t first = at;
  for (std::size_t i = at + 1; i-- > 0;) {
    if (ends_document(lines[i])) break;
    first = i;
    const std::string_view bare = lines[i].substr(indent_of(lines[i]));
    if (bare.substr(0, 2) == "- " && begins_object(lines[i]) &&
        (i == at || indent_of(lines[i]) < indent_of(lines[at])))
      break;
  }
  const bool item =
      lines[first].substr(indent_of(lines[first])).substr(0, 2) == "- " && begins_object(lines[first]);
  std::size_t last = at;
  for (std::size_t i = at + 1; i < lines.size(); ++i) {
    if (ends_document(lines[i])) break;
    if (item && lines[i].find_first_not_of(' ') != std::string_view::npos &&
        indent_of(lines[i]) <= indent_of(lines[first]))
      break;
    last = i;
  }
  const auto opening = text.find_first_not_of(" \t\r\n");
  if (opening != std::string_view::npos && (text[opening] == '{' || text[opening] == '['))
    std::tie(first, last) = json_block(lines, at);
  while (first < at && lines[first].find_first_not_of(" \r") == std::string_view::npos) ++first;
  while (last > at && lines[last].find_first_not_of(" \r") == std::string_view::npos) --last;
  if (at - first > kExcerptLines / 2) first = at - kExcerptLines / 2;
  last = std::min(last, first + kExcerptLines);
  // No Secret comes along, however the object around the line was found.
  const auto secret = [](std::string_view l) {
    return l.find("kind: Secret") != std::string_view::npos ||
           l.find("\"kind\": \"Secret\"") != std::string_view::npos ||
           l.find("\"kind\":\"Secret\"") != std::string_view::npos;
  };
  if (std::any_of(lines.begin() + static_cast<std::ptrdiff_t>(first),
                  lines.begin() + static_cast<std::ptrdiff_t>(last + 1), secret))
    return {};
  SourceExcerpt out;
  out.line = static_cast<std::uint32_t>(first + 1);
  for (std::size_t i = first; i <= last; ++i) {
    out.text += (i == first ? "" : "\n") + printable(lines[i].substr(0, kExcerptColumns));
    if (lines[i].size() > kExcerptColumns) out.text += "...";
  }
  return out;
}

struct HtmlReport::Data {
  std::string title, about;
  std::unordered_map<std::string, int> ids;
  Json strings = Json::array(), flows = Json::array(), traces = Json::array(), findings = Json::array(),
       numbers = Json::array(), reach;
  std::string status_title = "Status";
  std::unordered_map<std::string, int> trace_ids;
  struct Policy {
    std::string place;
    SourceExcerpt source;
    std::set<std::uint32_t> marks;
    std::size_t flows = 0;
  };
  std::map<std::string, Policy> policies;
  std::set<std::string> codes;
  std::set<std::string> deciding;  // of the flow that is being added

  int id(const std::string& text) {
    const auto [it, fresh] = ids.try_emplace(text, static_cast<int>(strings.size()));
    if (fresh) strings.push_back(printable(text));
    return it->second;
  }

  Json object(const sim::ObjectAt& o, const model::SourceFiles& files, bool decides) {
    if (o.key.name.empty()) return nullptr;
    const std::string name = o.key.str();
    const std::string full = object_with_rule(o);
    // A Secret is named and never shown.
    if (decides && o.pos.known() && o.key.kind.view() != "Secret") {
      auto& policy = policies[name];
      if (policy.place.empty()) {
        policy.place = place_of(files, o.pos);
        policy.source = excerpt(files.text(o.pos.file), o.pos.line);
      }
      if (o.pos.line >= policy.source.line) policy.marks.insert(o.pos.line);
      deciding.insert(name);
    }
    return Json::array({id(name), id(full.substr(name.size())), id(place_of(files, o.pos))});
  }

  Json decisions(const std::vector<sim::TraceNode>& nodes, const model::SourceFiles& files) {
    Json out = Json::array();
    for (const auto& node : nodes) {
      if (node.decision == sim::Decision::NotApplicable) continue;
      out.push_back(
          Json::array({id(node.layer), id(std::string(to_string(node.decision))),
                       node.reason.by ? object(*node.reason.by, files, node.decision != sim::Decision::Allow)
                                      : Json(nullptr),
                       id(node.reason.detail)}));
    }
    return out;
  }

  int trace(const sim::PathVerdict& path, const model::SourceFiles& files) {
    std::vector<bool> reached(path.hops.size(), false);
    if (!reached.empty()) reached[0] = true;
    for (std::size_t i = 0; i < path.legs.size(); ++i)
      if (!path.legs[i].auxiliary && leg_reached(path, i)) reached[path.legs[i].to] = true;
    Json hops = Json::array(), legs = Json::array();
    for (std::size_t i = 0; i < path.hops.size(); ++i) {
      const auto& hop = path.hops[i];
      hops.push_back(
          Json::array({id(hop_title(hop)), id(std::string(to_string(hop.kind))), id(hop.seen_peer.principal),
                       static_cast<bool>(reached[i]), decisions(hop.decisions, files)}));
    }
    for (std::size_t i = 0; i < path.legs.size(); ++i) {
      const auto& leg = path.legs[i];
      Json said = decisions(leg.egress, files);
      for (auto& d : decisions(leg.ingress, files)) said.push_back(std::move(d));
      legs.push_back(Json::array({leg.from, leg.to, id(leg_label(leg)),
                                  id(std::string(to_string(leg.decision))), leg.auxiliary, id(leg.purpose),
                                  leg.auxiliary || leg_reached(path, i), std::move(said)}));
    }
    const std::size_t at = path.decided_at_leg   ? path.legs[*path.decided_at_leg].to
                           : path.decided_at_hop ? *path.decided_at_hop
                           : path.hops.empty()   ? 0
                                                 : path.hops.size() - 1;
    Json near = Json::array(), missing = Json::array(), assumed = Json::array(), notes = Json::array(),
         bypassed = Json::array();
    for (const auto& miss : path.near_misses)
      near.push_back(Json::array({object(miss.object, files, true), id(miss.detail)}));
    for (const auto& fact : path.missing_facts) missing.push_back(id(fact));
    for (const auto& a : path.assumptions)
      assumed.push_back(Json::array({id(std::string(a.code.text)), id(a.detail)}));
    for (const auto& note : path.notes) notes.push_back(id(note));
    for (const auto& b : path.bypassed) bypassed.push_back(id(b));
    const std::string code(path.reason.code.text);
    codes.insert(code);
    Json out{{"hops", std::move(hops)},
             {"legs", std::move(legs)},
             {"at", at},
             {"outcome", id(std::string(to_string(path.outcome)))},
             {"symptom", id(path.symptom)},
             {"reason", id(code)},
             {"detail", id(path.reason.detail)},
             {"by", path.reason.by ? object(*path.reason.by, files, true) : Json(nullptr)},
             {"near", std::move(near)},
             {"missing", std::move(missing)},
             {"assumed", std::move(assumed)},
             {"notes", std::move(notes)},
             {"bypassed", std::move(bypassed)}};
    const auto [it, fresh] = trace_ids.try_emplace(out.dump(), static_cast<int>(traces.size()));
    if (fresh) traces.push_back(std::move(out));
    return it->second;
  }

  // One row. `before` and `verdict` may be null: not simulated.
  void row(const std::string& name, const std::string& from, const std::string& to,
           const sim::Verdict* verdict, const model::SourceFiles* files, const std::string& status,
           std::string note, const sim::Verdict* before, const model::SourceFiles* files_before) {
    deciding.clear();
    int now = -1, was = -1;
    std::string outcome = "unknown", symptom, reason, by;
    std::set<std::string> namespaces;
    const auto slash = from.find('/');
    if (slash != std::string::npos) namespaces.insert(from.substr(0, slash));
    if (before != nullptr && !before->paths.empty()) was = trace(deciding_path(*before), *files_before);
    if (verdict != nullptr && !verdict->paths.empty()) {
      const auto& path = deciding_path(*verdict);
      now = trace(path, *files);
      outcome = to_string(verdict->outcome);
      symptom = verdict->symptom;
      reason = path.reason.code.text;
      if (path.reason.by) by = path.reason.by->key.str();
      for (const auto& hop : path.hops)
        if (!hop.ns.empty()) namespaces.insert(hop.ns);
      if (verdict->split) {
        note += note.empty() ? "" : "\n";
        note += "its paths differ:";
        for (const auto& p : verdict->paths)
          note += fmt::format(" {:.0f}% {} ({});", p.share * 100, to_string(p.outcome), p.symptom);
        note.pop_back();
      }
    }
    for (const auto& policy : deciding) ++policies[policy].flows;
    Json ns = Json::array();
    for (const auto& one : namespaces) ns.push_back(id(one));
    flows.push_back(Json::array({id(name), id(from), id(to), id(outcome), id(symptom), id(reason), id(by),
                                 id(status), now, was, id(note), std::move(ns)}));
  }
};

HtmlReport::HtmlReport(std::string title, std::string about) : data_(std::make_unique<Data>()) {
  data_->title = std::move(title);
  data_->about = std::move(about);
  (void)data_->id("");
}
HtmlReport::~HtmlReport() = default;

void HtmlReport::add_flow(const sim::Flow& flow, const sim::Verdict& verdict,
                          const model::SourceFiles& files) {
  data_->row(flow.name, flow.from, flow.to, &verdict, &files, "", "", nullptr, nullptr);
}

void HtmlReport::add_case(const scenarios::CaseResult& c) {
  using Status = scenarios::CaseResult::Status;
  std::string note;
  for (const auto& m : c.mismatches)
    note += fmt::format("{}{}: expected {}, predicted {}", note.empty() ? "" : "\n", m.part, m.expected,
                        m.predicted);
  if (!c.message.empty()) note += (note.empty() ? "" : "\n") + c.message;
  if (!c.place.empty()) note += (note.empty() ? "" : "\n") + c.place;
  const std::string title = c.scenario + " / " + (c.variant.empty() ? "" : c.variant + " / ") + c.flow;
  const bool simulated = !c.predicted.paths.empty();
  data_->row(title, c.predicted.from, c.predicted.to, simulated ? &c.predicted : nullptr, &c.files,
             c.status == Status::Passed   ? "passed"
             : c.status == Status::Failed ? "failed"
                                          : "skipped",
             note, nullptr, nullptr);
}

void HtmlReport::add_change(const scenarios::Plan& plan, const scenarios::FlowChange& change,
                            const sim::Verdict& before, const model::SourceFiles& files_before,
                            const sim::Verdict& after, const model::SourceFiles& files_after) {
  std::string note;
  for (const auto i : change.causes)
    note += fmt::format("{}because of {} ({}{}{})", note.empty() ? "" : "\n", plan.objects[i].object,
                        to_string(plan.objects[i].how), plan.objects[i].place.empty() ? "" : ", ",
                        plan.objects[i].place);
  data_->status_title = "Change";
  data_->row(change.flow.name, change.flow.from, change.flow.to, &after, &files_after,
             change.loses_enforcement ? "unguarded" : std::string(to_string(change.kind)), note, &before,
             &files_before);
}

void HtmlReport::set_reach(const sim::ReachResult& matrix,
                           const std::vector<sim::WorkloadExposure>& exposures, const std::string& layer) {
  std::map<std::string, std::size_t> from, to;
  std::vector<std::tuple<std::string, std::string, std::string, std::string>> pairs;
  for (const auto& end : matrix.sources())
    if (!end.external()) from.emplace(end.name, 0);
  for (const auto& end : matrix.destinations())
    if (!end.external()) to.emplace(end.name, 0);
  matrix.for_each_pair([&](const std::string& a, const std::string& b, const sim::ReachResult::Cell& cell) {
    from.emplace(a, 0);
    to.emplace(b, 0);
    pairs.emplace_back(a, b, matrix.connections(cell.sure),
                       cell.sure == cell.possible ? "" : matrix.connections(cell.possible));
  });
  Json sources = Json::array(), destinations = Json::array(), cells = Json::array(), open = Json::array();
  for (auto& [name, index] : from) {
    index = sources.size();
    sources.push_back(data_->id(name));
  }
  for (auto& [name, index] : to) {
    index = destinations.size();
    destinations.push_back(data_->id(name));
  }
  for (const auto& [a, b, sure, possible] : pairs)
    cells.push_back(Json::array({from[a], to[b], data_->id(sure), data_->id(possible)}));
  for (const auto& e : exposures)
    open.push_back(Json::array({data_->id(e.workload), data_->id(e.any_pod.str()),
                                data_->id(e.internet.str()), data_->id(e.ingress.str())}));
  data_->reach = Json{{"layer", data_->id(layer)},
                      {"from", std::move(sources)},
                      {"to", std::move(destinations)},
                      {"cells", std::move(cells)},
                      {"exposure", std::move(open)}};
}

void HtmlReport::add_finding(const std::string& severity, const std::string& code, const std::string& object,
                             const std::string& place, const std::string& message, const std::string& fix) {
  data_->findings.push_back(Json::array({data_->id(severity), data_->id(code), data_->id(object),
                                         data_->id(place), data_->id(message), data_->id(fix)}));
}

void HtmlReport::add_number(const std::string& label, std::size_t value, const std::string& look) {
  data_->numbers.push_back(Json::array({label, value, look}));
}

std::string HtmlReport::html() const {
  Json policies = Json::object(), codes = Json::object();
  for (const auto& [name, p] : data_->policies)
    policies[name] = Json{{"place", p.place},
                          {"line", p.source.line},
                          {"text", p.source.text},
                          {"marks", p.marks},
                          {"flows", p.flows}};
  for (const auto& info : sim::all_codes())
    if (data_->codes.contains(std::string(info.code.text)))
      codes[std::string(info.code.text)] = data_->id(std::string(info.summary));
  const Json all{{"title", data_->title},
                 {"about", fmt::format("{} waypath {}", data_->about, model::kVersion)},
                 {"summary", data_->numbers},
                 {"statusTitle", data_->status_title},
                 {"flows", data_->flows},
                 {"traces", data_->traces},
                 {"policies", std::move(policies)},
                 {"codes", std::move(codes)},
                 {"reach", data_->reach},
                 {"findings", data_->findings},
                 {"strings", data_->strings}};
  // Each mark stands once in the page; what is put in is not searched again.
  std::string out;
  std::string_view rest = kReportPage;
  for (const auto& [mark, text] :
       {std::pair<std::string_view, std::string>{"@TITLE@", escaped(printable(data_->title))},
        {"@CSS@", std::string(kReportStyle)},
        {"@DATA@", in_script(all)},
        {"@JS@", std::string(kReportScript)}}) {
    const auto at = rest.find(mark);
    out += rest.substr(0, at);
    out += text;
    rest.remove_prefix(at + mark.size());
  }
  return out + std::string(rest);
}

}  // namespace waypath::tools
