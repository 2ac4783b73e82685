#include "scenarios/replay/findings.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace waypath::scenarios {
namespace {

bool earlier(const LogPlace& a, const LogPlace& b) {
  return std::tie(a.file, a.line) < std::tie(b.file, b.line);
}

// More rows than are kept: those stay that came first.
void cut(ReplayFindings& f) {
  if (f.rows.size() <= f.most_flows) return;
  std::vector<std::size_t> order(f.rows.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return earlier(f.rows[a].first, f.rows[b].first); });
  std::vector<char> stays(f.rows.size(), 0);
  for (std::size_t i = 0; i < f.most_flows; ++i) stays[order[i]] = 1;
  std::vector<RowFinding> kept;
  for (std::size_t i = 0; i < f.rows.size(); ++i) {
    if (stays[i] != 0)
      kept.push_back(std::move(f.rows[i]));
    else
      f.beyond.add(f.rows[i].row.traffic);
  }
  f.rows = std::move(kept);
  std::set<std::string_view> asked;
  for (const auto& row : f.rows) asked.insert(row.flow);
  std::erase_if(f.flows, [&](const FlowFinding& flow) { return !asked.contains(flow.identity); });
}

// What was recorded of each flow, once: of several proxies that logged the same requests, the one that logged
// most of them.
std::vector<Traffic> traffic_of_flows(const ReplayReport& report) {
  std::vector<std::map<Observer, Traffic>> by_observer(report.flows.size());
  for (const auto& row : report.rows)
    if (row.flow && !row.both_ends) by_observer[*row.flow][row.observer].add(row.traffic);
  std::vector<Traffic> out(report.flows.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    for (const auto& [observer, traffic] : by_observer[i])
      if (traffic.count > out[i].count) out[i] = traffic;
  return out;
}

void add_plan(ReplayFindings& findings, ReplayReport& out) {
  const std::vector<Traffic> traffic = traffic_of_flows(out);
  out.plan.emplace();
  out.plan->objects = std::move(findings.objects);
  for (std::size_t i = 0; i < out.flows.size(); ++i) {
    out.recorded.add(traffic[i]);
    if (!findings.flows[i].valid || traffic[i].count == 0) continue;
    FlowFate& fate = findings.flows[i].fate;
    if (fate.change) {
      fate.change->flow = out.flows[i];
      out.impact.push_back({out.plan->changes.size(), traffic[i]});
    }
    count_in(*out.plan, std::move(fate));
  }
}

}  // namespace

void merge(RowFinding& to, const RowFinding& from) {
  to.row.traffic.add(from.row.traffic);
  if (!earlier(from.first, to.first)) return;
  to.first = from.first;
  to.row.first = from.row.first;
  to.row.line = from.row.line;
}

void merge(FlowFinding& to, FlowFinding from) {
  if (from.flow.name < to.flow.name) to = std::move(from);
}

void merge(LogLines& to, const LogLines& from, std::size_t shown_unreadable) {
  to.total += from.total;
  to.records += from.records;
  to.opened += from.opened;
  to.tunnel += from.tunnel;
  to.other += from.other;
  to.blank += from.blank;
  to.unreadable += from.unreadable;
  std::vector<LogLines::Bad> shown;
  std::merge(to.shown.begin(), to.shown.end(), from.shown.begin(), from.shown.end(),
             std::back_inserter(shown), [](const auto& a, const auto& b) { return earlier(a.at, b.at); });
  if (shown.size() > shown_unreadable) shown.resize(shown_unreadable);
  to.shown = std::move(shown);
}

ReplayReport report_of(ReplayFindings findings) {
  cut(findings);
  ReplayReport out;
  out.lines = std::move(findings.lines);
  out.beyond = findings.beyond;
  std::map<std::string_view, std::size_t> known;
  for (const auto& flow : findings.flows) {
    known.emplace(flow.identity, out.flows.size());
    out.flows.push_back(flow.flow);
  }
  std::set<std::string> source_side;
  for (auto& found : findings.rows) {
    ReplayRow& row = out.rows.emplace_back(std::move(found.row));
    if (row.observer == Observer::SourceZtunnel) source_side.insert(row.client);
    if (found.flow.empty()) continue;
    const std::size_t flow = known.at(found.flow);
    if (findings.flows[flow].valid) row.flow = flow;
  }
  for (auto& row : out.rows) {
    row.both_ends = row.observer == Observer::DestinationZtunnel && source_side.contains(row.client);
    Tally& tally = row.agreement == Agreement::Agrees      ? out.agree
                   : row.agreement == Agreement::Disagrees ? out.disagree
                                                           : out.undetermined;
    ++tally.flows;
    tally.lines += row.traffic.count;
  }
  if (findings.with_change) add_plan(findings, out);
  // What only the order of lines tells apart comes last.
  std::sort(out.rows.begin(), out.rows.end(), [](const ReplayRow& a, const ReplayRow& b) {
    return std::tie(a.client, a.target, a.observer, a.seen, a.flow, a.why, a.traffic.count, a.first) <
           std::tie(b.client, b.target, b.observer, b.seen, b.flow, b.why, b.traffic.count, b.first);
  });
  return out;
}

}  // namespace waypath::scenarios
