#include "scenarios/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "model/base/parallel.h"
#include "scenarios/replay/credentials.h"
#include "scenarios/replay/log_stream.h"

namespace waypath::scenarios {
namespace {

constexpr std::uint64_t kProgressLines = 1U << 18;

const sim::PathVerdict& deciding(const sim::Verdict& verdict) {
  for (const auto& path : verdict.paths)
    if (path.outcome == verdict.outcome) return path;
  return verdict.paths.front();
}

Prediction prediction_of(const sim::Engine& engine, const sim::PathVerdict& path) {
  Prediction out;
  out.outcome = sim::to_string(path.outcome);
  out.symptom = path.symptom;
  out.reason = path.reason.code.text;
  out.detail = path.reason.detail;
  if (path.reason.by) {
    out.by = path.reason.by->key.str();
    model::SourcePos pos = path.reason.by->pos;
    pos.column = 0;
    if (pos.known()) out.place = engine.cluster().files().format(pos);
  }
  return out;
}

// Flows that differ in nothing that the simulation sees.
std::string identity(const sim::Flow& f) {
  return fmt::format("{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}", f.from, f.to, f.method, f.connect_to, f.sni,
                     f.source_ip ? f.source_ip->to_string() : "", f.tunnel.value_or(""));
}

// Unique among the flows of a report: what tells flows of one client and URL apart comes behind.
std::string flow_name(const RecordedFlow& recorded) {
  const sim::Flow& f = *recorded.flow;
  std::string out =
      fmt::format("{}{} -> {}", f.from, f.source_ip ? fmt::format(" ({})", f.source_ip->to_string()) : "",
                  recorded.target);
  if (!f.connect_to.empty() && f.to.find(f.connect_to) == std::string::npos)
    out += fmt::format(" at {}", f.connect_to);
  if (!f.sni.empty()) out += fmt::format(" (server name {})", f.sni);
  if (f.tunnel) out += " (tunnelled)";
  return out;
}

// Compares one row with the verdict of its flow.
void judge(const sim::Engine& engine, const sim::Flow& flow, const sim::Verdict& verdict,
           const Observation& seen, ReplayRow& row) {
  const Comparison said = compare(verdict, row.observer, seen);
  row.agreement = said.agreement;
  row.why = said.why;
  row.prediction = prediction_of(
      engine, said.agreement == Agreement::Agrees ? deciding(verdict) : verdict.paths[said.path]);
  if (said.agreement != Agreement::Disagrees) return;
  if (auto hidden = hidden_credentials(engine, flow, verdict, row.observer, seen)) {
    row.agreement = Agreement::Undetermined;
    row.why = std::move(*hidden);
  }
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

}  // namespace

struct Replay::State {
  State(std::shared_ptr<const sim::Engine> e, ReplayOptions o)
      : engine(std::move(e)),
        options(std::move(o)),
        names(engine->cluster()),
        table(names, options.most_flows) {}

  std::uint32_t file_id(const std::string& name) {
    if (!files.empty() && files.back() == name) return static_cast<std::uint32_t>(files.size()) - 1;
    const auto it = std::find(files.begin(), files.end(), name);
    if (it != files.end()) return static_cast<std::uint32_t>(it - files.begin());
    files.push_back(name);
    return static_cast<std::uint32_t>(files.size()) - 1;
  }
  [[nodiscard]] std::string place(LogPlace at) const {
    return fmt::format("{}:{}", files[at.file] == "-" ? "<stdin>" : files[at.file], at.line);
  }

  std::shared_ptr<const sim::Engine> engine;
  ReplayOptions options;
  LogNames names;
  FlowTable table;
  LogLineReader reader;
  LogRecord record;
  std::string why;
  LogLines lines;
  std::vector<std::string> files;
};

Replay::Replay(std::shared_ptr<const sim::Engine> engine, ReplayOptions options)
    : state_(std::make_unique<State>(std::move(engine), std::move(options))) {}
Replay::~Replay() = default;

void Replay::add_line(const std::string& file, std::uint64_t number, std::string_view text, bool cut) {
  State& s = *state_;
  ++s.lines.total;
  s.why.clear();
  LineKind kind = cut ? LineKind::Unreadable : s.reader.read(text, s.record, s.why);
  if (cut) s.why = fmt::format("longer than {} bytes", kLongestLogLine);
  switch (kind) {
    case LineKind::Record:
      ++s.lines.records;
      s.table.add(s.record, {s.file_id(file), number}, text);
      return;
    case LineKind::Opened:
      ++s.lines.opened;
      return;
    case LineKind::Tunnel:
      ++s.lines.tunnel;
      return;
    case LineKind::Other:
      ++s.lines.other;
      return;
    case LineKind::Blank:
      ++s.lines.blank;
      return;
    case LineKind::Unreadable:
      break;
  }
  ++s.lines.unreadable;
  if (s.lines.shown.size() < s.options.shown_unreadable)
    s.lines.shown.push_back(
        {s.place({s.file_id(file), number}), s.why, std::string(text.substr(0, FlowTable::kShownLine))});
}

std::optional<std::string> Replay::read(const std::string& path) {
  return for_each_log_line(path, [&](const LogLine& line) {
    add_line(path, line.number, line.text, line.cut);
    if (state_->options.progress && state_->lines.total % kProgressLines == 0)
      state_->options.progress(state_->lines.total);
  });
}

ReplayReport Replay::report(const sim::Engine* after, model::Diagnostics& diagnostics) const {
  const State& s = *state_;
  ReplayReport out;
  out.lines = s.lines;
  out.beyond = s.table.beyond();
  const auto& rows = s.table.rows();
  std::vector<RecordedFlow> recorded(rows.size());
  model::parallel_for_index(rows.size(), s.options.jobs,
                            [&](std::size_t i) { recorded[i] = recorded_flow(s.names, s.table, rows[i]); });
  // Distinct flows, in the order of their identity so that the report does not depend on the order of lines.
  std::map<std::string, std::size_t> known;
  std::vector<std::string> identities(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (recorded[i].flow) known.emplace(identities[i] = identity(*recorded[i].flow), 0);
  for (auto& [key, index] : known) {
    index = out.flows.size();
    out.flows.emplace_back();
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!recorded[i].flow) continue;
    sim::Flow& flow = out.flows[known.at(identities[i])];
    const std::string name = flow_name(recorded[i]);
    if (flow.name.empty() || name < flow.name) {
      flow = *recorded[i].flow;
      flow.name = name;
    }
  }
  std::vector<std::vector<std::size_t>> rows_of(out.flows.size());
  out.rows.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const FlowRow& row = rows[i];
    ReplayRow& to = out.rows[i];
    to.client = recorded[i].client;
    to.target = recorded[i].target;
    to.observer = recorded[i].observer;
    to.traffic = row.traffic;
    to.seen = s.table.observations()[row.seen].text;
    to.first = s.place(row.first);
    to.line = row.line;
    to.why = recorded[i].missing;
    if (recorded[i].flow) rows_of[known.at(identities[i])].push_back(i);
  }
  // A verdict lives as long as its rows are compared: there may be many.
  std::vector<char> valid(out.flows.size(), 0);
  model::parallel_for_index(out.flows.size(), s.options.jobs, [&](std::size_t flow) {
    model::Diagnostics wrong;
    const auto verdict = sim::simulate(*s.engine, out.flows[flow], {}, wrong);
    std::string error;
    for (const auto& d : wrong.items())
      if (d.severity == model::Severity::Error && error.empty()) error = d.message;
    valid[flow] = error.empty() ? 1 : 0;
    for (const std::size_t i : rows_of[flow]) {
      if (error.empty())
        judge(*s.engine, out.flows[flow], verdict, s.table.observations()[rows[i].seen], out.rows[i]);
      else
        out.rows[i].why = error;
      if (error.empty()) out.rows[i].flow = flow;
    }
  });
  std::set<std::string> source_side;
  for (const auto& row : out.rows)
    if (row.observer == Observer::SourceZtunnel) source_side.insert(row.client);
  for (auto& row : out.rows) {
    row.both_ends = row.observer == Observer::DestinationZtunnel && source_side.contains(row.client);
    Tally& tally = row.agreement == Agreement::Agrees      ? out.agree
                   : row.agreement == Agreement::Disagrees ? out.disagree
                                                           : out.undetermined;
    ++tally.flows;
    tally.lines += row.traffic.count;
  }
  if (after != nullptr) {
    const std::vector<Traffic> traffic = traffic_of_flows(out);
    for (const Traffic& one : traffic) out.recorded.add(one);
    std::vector<sim::Flow> asked;
    for (std::size_t i = 0; i < out.flows.size(); ++i)
      if (valid[i] != 0 && traffic[i].count > 0) asked.push_back(out.flows[i]);
    out.plan = compare_clusters(*s.engine, *after, asked, {}, s.options.jobs, diagnostics);
    std::map<std::string, std::size_t> by_name;
    for (std::size_t i = 0; i < out.flows.size(); ++i) by_name.emplace(identity(out.flows[i]), i);
    for (std::size_t i = 0; i < out.plan->changes.size(); ++i)
      out.impact.push_back({i, traffic[by_name.at(identity(out.plan->changes[i].flow))]});
  }
  // What only the order of lines tells apart comes last.
  std::sort(out.rows.begin(), out.rows.end(), [](const ReplayRow& a, const ReplayRow& b) {
    return std::tie(a.client, a.target, a.observer, a.seen, a.flow, a.why, a.traffic.count, a.first) <
           std::tie(b.client, b.target, b.observer, b.seen, b.flow, b.why, b.traffic.count, b.first);
  });
  return out;
}

std::optional<double> ReplayReport::trust() const {
  const auto decided = agree.lines + disagree.lines;
  if (decided == 0) return std::nullopt;
  return static_cast<double>(agree.lines) / static_cast<double>(decided);
}

}  // namespace waypath::scenarios
