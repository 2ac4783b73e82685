#include "tools/render/html_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "model/base/version.h"
#include "sim/lint/lint_codes.h"
#include "sim/reasons/reason_codes.h"
#include "tools/render/lint.h"
#include "tools/render/names.h"
#include "tools/render/report_page.h"
#include "tools/render/source_excerpt.h"

namespace waypath::tools {
namespace {

using Json = nlohmann::json;

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

// Ends of a matrix and what connects them: from, to, ports for certain, ports at most ("" for the same).
using Connected = std::tuple<std::string, std::string, std::string, std::string>;

// "monitoring" of "monitoring/grafana[Deployment]"; outside addresses stand for themselves.
std::string namespace_of_end(const std::string& end) {
  const auto slash = end.find('/');
  const auto other = end.find_first_of(".:");
  return slash == std::string::npos || other < slash ? end : end.substr(0, slash);
}

// How dark a cell is drawn: some ports, all of a protocol, all.
int shade(const std::string& connections) {
  return connections == "all" ? 2 : connections.find("1-65535") != std::string::npos ? 1 : 0;
}

Json by_namespace(const std::vector<Connected>& pairs, const std::map<std::string, std::size_t>& from,
                  const std::map<std::string, std::size_t>& to, const auto& id) {
  struct Cell {
    std::size_t count = 0;
    int shade = 0;
    bool unknown = false;
    std::set<std::string> ways;
  };
  std::map<std::string, std::size_t> rows, columns;  // namespace, how many ends
  for (const auto& [name, index] : from) ++rows[namespace_of_end(name)];
  for (const auto& [name, index] : to) ++columns[namespace_of_end(name)];
  std::map<std::pair<std::string, std::string>, Cell> cells;
  for (const auto& [a, b, sure, possible] : pairs) {
    Cell& cell = cells[{namespace_of_end(a), namespace_of_end(b)}];
    ++cell.count;
    cell.shade = std::max(cell.shade, shade(sure));
    cell.unknown = cell.unknown || !possible.empty();
    cell.ways.insert(possible.empty() ? sure : possible);
  }
  const auto axis = [&](const std::map<std::string, std::size_t>& ends) {
    Json out = Json::array();
    for (const auto& [name, count] : ends) out.push_back(Json::array({id(name), count}));
    return out;
  };
  const auto at = [](const std::map<std::string, std::size_t>& ends, const std::string& name) {
    return std::distance(ends.begin(), ends.find(name));
  };
  Json out_cells = Json::array();
  for (const auto& [key, cell] : cells)
    out_cells.push_back(Json::array({at(rows, key.first), at(columns, key.second), cell.count, cell.shade,
                                     cell.unknown, id(*cell.ways.begin()), cell.ways.size() - 1}));
  return {
      {"from", axis(rows)}, {"to", axis(columns)}, {"cells", std::move(out_cells)}, {"pairs", pairs.size()}};
}

}  // namespace

struct HtmlReport::Data {
  std::string title, about;
  std::unordered_map<std::string, int> ids;
  Json strings = Json::array(), flows = Json::array(), traces = Json::array(), findings = Json::array(),
       numbers = Json::array(), reach;
  std::string status_title = "Status";
  std::unordered_map<std::string, int> trace_ids;
  struct Source {
    std::string place;
    SourceExcerpt excerpt;
    std::set<std::uint32_t> marks;
    std::size_t flows = 0;  // that the object decides; 0: it stands here for a finding
  };
  std::map<std::string, Source> sources;  // by object
  std::set<std::string> codes;
  std::set<std::string> deciding;  // of the flow that is being added

  int id(const std::string& text) {
    const auto [it, fresh] = ids.try_emplace(text, static_cast<int>(strings.size()));
    if (fresh) strings.push_back(printable(text));
    return it->second;
  }

  // A Secret is named and never shown.
  bool keep_source(const sim::ObjectAt& o, const model::SourceFiles& files) {
    if (!o.pos.known() || o.key.name.empty() || o.key.kind.view() == "Secret") return false;
    auto& source = sources[o.key.str()];
    if (source.place.empty()) {
      source.place = place_of(files, o.pos);
      source.excerpt = excerpt(files.text(o.pos.file), o.pos.line);
    }
    if (o.pos.line >= source.excerpt.line) source.marks.insert(o.pos.line);
    return true;
  }

  Json object(const sim::ObjectAt& o, const model::SourceFiles& files, bool decides) {
    if (o.key.name.empty()) return nullptr;
    const std::string name = o.key.str();
    const std::string full = object_with_rule(o);
    if (decides && keep_source(o, files)) deciding.insert(name);
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
    for (const auto& object : deciding) ++sources[object].flows;
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
  std::vector<Connected> pairs;
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
  Json open = Json::array();
  for (const auto& e : exposures)
    open.push_back(Json::array({data_->id(e.workload), data_->id(e.any_pod.str()),
                                data_->id(e.internet.str()), data_->id(e.ingress.str())}));
  data_->reach = Json{{"layer", data_->id(layer)}, {"exposure", std::move(open)}};
  const auto number = [&](std::map<std::string, std::size_t>& ends) {
    Json names = Json::array();
    for (auto& [name, index] : ends) {
      index = names.size();
      names.push_back(data_->id(name));
    }
    return names;
  };
  if (pairs.size() > kMostCells) {
    data_->reach["namespaces"] =
        by_namespace(pairs, from, to, [&](const auto& text) { return data_->id(text); });
    return;
  }
  data_->reach["from"] = number(from);
  data_->reach["to"] = number(to);
  Json cells = Json::array();
  for (const auto& [a, b, sure, possible] : pairs)
    cells.push_back(Json::array({from[a], to[b], data_->id(sure), data_->id(possible)}));
  data_->reach["cells"] = std::move(cells);
}

void HtmlReport::add_finding(const sim::Finding& finding, const model::SourceFiles& files,
                             const std::string& change) {
  const std::string code(finding.code.text);
  data_->codes.insert(code);
  data_->keep_source(finding.object, files);
  data_->findings.push_back(Json::array(
      {data_->id(change), data_->id(std::string(severity_word(finding.severity))), data_->id(code),
       data_->id(finding.object.key.ns.str()), data_->object(finding.object, files, false),
       data_->id(finding.message), data_->id(finding.fix)}));
}

void HtmlReport::add_number(const std::string& label, std::size_t value, const std::string& look) {
  data_->numbers.push_back(Json::array({label, value, look}));
}

std::string HtmlReport::html() const {
  Json sources = Json::object(), codes = Json::object();
  for (const auto& [name, source] : data_->sources)
    sources[name] = Json{{"place", source.place},
                         {"line", source.excerpt.line},
                         {"text", source.excerpt.text},
                         {"marks", source.marks},
                         {"flows", source.flows}};
  for (const auto& info : sim::all_codes())
    if (data_->codes.contains(std::string(info.code.text)))
      codes[std::string(info.code.text)] = data_->id(std::string(info.summary));
  for (const auto& row : sim::lint_codes())
    if (data_->codes.contains(std::string(row.info.code.text)))
      codes[std::string(row.info.code.text)] = data_->id(std::string(row.info.summary));
  const Json all{
      {"title", data_->title},         {"about", fmt::format("{} waypath {}", data_->about, model::kVersion)},
      {"summary", data_->numbers},     {"statusTitle", data_->status_title},
      {"flows", data_->flows},         {"traces", data_->traces},
      {"sources", std::move(sources)}, {"codes", std::move(codes)},
      {"reach", data_->reach},         {"findings", data_->findings},
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
