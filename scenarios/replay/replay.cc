#include "scenarios/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "model/base/parallel.h"
#include "scenarios/replay/credentials.h"
#include "scenarios/replay/findings.h"
#include "scenarios/replay/log_stream.h"

namespace waypath::scenarios {
namespace {

// Blocks that a worker reads before the next ones are fetched, and the most workers: more wait for the disk.
constexpr std::size_t kBlocksAtOnce = 2, kMostReaders = 32;

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

}  // namespace

/// What reads lines: a thread has one of its own.
struct Replay::Worker {
  explicit Worker(const LogNames& names) : table(names) {}

  void add(const LogLine& line, std::uint32_t file, bool padded, const State& s);

  FlowTable table;
  LogLineReader reader;
  LogRecord record;
  std::string why;
  LogLines lines;
};

struct Replay::State {
  State(std::shared_ptr<const sim::Engine> e, ReplayOptions o)
      : engine(std::move(e)), options(std::move(o)), names(engine->cluster()) {
    const std::size_t threads =
        options.jobs != 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < std::min(threads, kMostReaders); ++i)
      workers.push_back(std::make_unique<Worker>(names));
    if (workers.size() == 1) workers.front()->table.limit(options.most_flows);
  }

  std::uint32_t file_id(const std::string& name) {
    if (files.empty() || files.back() != name) files.push_back(name);
    return static_cast<std::uint32_t>(files.size()) - 1;
  }
  [[nodiscard]] std::string place(LogPlace at) const {
    return fmt::format("{}:{}", files[at.file] == "-" ? "<stdin>" : files[at.file], at.line);
  }
  [[nodiscard]] std::uint64_t lines_read() const {
    std::uint64_t out = 0;
    for (const auto& worker : workers) out += worker->lines.total;
    return out;
  }
  // Everything at the first worker.
  void gather() {
    if (workers.size() == 1) return;
    Worker& first = *workers.front();
    for (std::size_t i = 1; i < workers.size(); ++i) {
      first.table.absorb(workers[i]->table);
      merge(first.lines, workers[i]->lines, options.shown_unreadable);
    }
    workers.resize(1);
    first.table.limit(options.most_flows);
  }
  void read(std::vector<LogBlock>& blocks, std::uint32_t file);

  std::shared_ptr<const sim::Engine> engine;
  ReplayOptions options;
  LogNames names;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::string> files;
};

void Replay::Worker::add(const LogLine& line, std::uint32_t file, bool padded, const State& s) {
  ++lines.total;
  why.clear();
  const LineKind kind = line.cut ? LineKind::Unreadable : reader.read(line.text, record, why, padded);
  if (line.cut) why = fmt::format("longer than {} bytes", kLongestLogLine);
  switch (kind) {
    case LineKind::Record:
      ++lines.records;
      table.add(record, {file, line.number}, line.text);
      return;
    case LineKind::Opened:
      ++lines.opened;
      return;
    case LineKind::Tunnel:
      ++lines.tunnel;
      return;
    case LineKind::Other:
      ++lines.other;
      return;
    case LineKind::Blank:
      ++lines.blank;
      return;
    case LineKind::Unreadable:
      break;
  }
  ++lines.unreadable;
  if (lines.shown.size() >= s.options.shown_unreadable) return;
  const LogPlace at{file, line.number};
  lines.shown.push_back({at, s.place(at), why, std::string(line.text.substr(0, FlowTable::kShownLine))});
}

// Each worker takes neighbours, so that its lines come in order. What a table holds does not depend on which
// worker read it: rows are known by their first line, and as long as all tables together have no more rows
// than are kept, none is beyond them. When they have, one goes on alone.
void Replay::State::read(std::vector<LogBlock>& blocks, std::uint32_t file) {
  const std::size_t share = (blocks.size() + workers.size() - 1) / workers.size();
  model::parallel_for_index(workers.size(), options.jobs, [&](std::size_t w) {
    bool own = true;
    for (std::size_t i = w * share; i < std::min((w + 1) * share, blocks.size()); ++i) {
      std::uint64_t group = ~std::uint64_t{0};
      for_each_line(blocks[i], [&](const LogLine& line) {
        if (options.shard && (line.number - 1) / kShardLines != group) {
          group = (line.number - 1) / kShardLines;
          own = options.shard->has(fmt::format("{} {}", file, group));
        }
        if (own) workers[w]->add(line, file, true, *this);
      });
    }
  });
  blocks.clear();
  std::size_t rows = 0;
  for (const auto& worker : workers) rows += worker->table.rows().size();
  if (workers.size() > 1 && rows > options.most_flows) gather();
}

Replay::Replay(std::shared_ptr<const sim::Engine> engine, ReplayOptions options)
    : state_(std::make_unique<State>(std::move(engine), std::move(options))) {}
Replay::~Replay() = default;

void Replay::add_line(const std::string& file, std::uint64_t number, std::string_view text, bool cut) {
  state_->gather();
  state_->workers.front()->add({number, text, cut}, state_->file_id(file), false, *state_);
}

std::optional<std::string> Replay::read(const std::string& path) {
  State& s = *state_;
  // A log that is given twice is two.
  s.files.push_back(path);
  const auto file = static_cast<std::uint32_t>(s.files.size()) - 1;
  if (s.options.input != nullptr) s.options.input->text(path);
  std::vector<LogBlock> wave;
  auto error = for_each_log_block(path, [&](LogBlock block) {
    if (s.options.input != nullptr) s.options.input->bytes(block.text());
    wave.push_back(std::move(block));
    if (wave.size() < s.workers.size() * kBlocksAtOnce) return;
    s.read(wave, file);
    if (s.options.progress) s.options.progress(s.lines_read());
  });
  s.read(wave, file);
  return error;
}

ReplayFindings Replay::findings(const sim::Engine* after) {
  State& s = *state_;
  s.gather();
  const FlowTable& table = s.workers.front()->table;
  ReplayFindings out;
  out.lines = s.workers.front()->lines;
  out.beyond = table.beyond();
  out.most_flows = s.options.most_flows;
  out.shown_unreadable = s.options.shown_unreadable;
  const auto& rows = table.rows();
  std::vector<RecordedFlow> recorded(rows.size());
  out.rows.resize(rows.size());
  model::parallel_for_index(rows.size(), s.options.jobs, [&](std::size_t i) {
    recorded[i] = recorded_flow(s.names, table, rows[i]);
    out.rows[i].key = table.key(rows[i]);
    if (recorded[i].flow) out.rows[i].flow = identity(*recorded[i].flow);
  });
  // Distinct flows, in the order of their identity so that the report does not depend on the order of lines.
  std::map<std::string_view, std::size_t> known;
  for (const auto& row : out.rows)
    if (!row.flow.empty()) known.emplace(row.flow, 0);
  for (auto& [key, index] : known) {
    index = out.flows.size();
    out.flows.emplace_back().identity = key;
  }
  std::vector<std::vector<std::size_t>> rows_of(out.flows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const FlowRow& row = rows[i];
    RowFinding& to = out.rows[i];
    to.first = row.first;
    to.row.client = recorded[i].client;
    to.row.target = recorded[i].target;
    to.row.observer = recorded[i].observer;
    to.row.traffic = row.traffic;
    to.row.seen = table.observations()[row.seen].text;
    to.row.first = s.place(row.first);
    to.row.line = row.line;
    to.row.why = recorded[i].missing;
    if (!recorded[i].flow) continue;
    const std::size_t of = known.at(to.flow);
    rows_of[of].push_back(i);
    sim::Flow& flow = out.flows[of].flow;
    const std::string name = flow_name(recorded[i]);
    if (flow.name.empty() || name < flow.name) {
      flow = *recorded[i].flow;
      flow.name = name;
    }
  }
  // A verdict lives as long as its rows are compared: there may be many.
  model::parallel_for_index(out.flows.size(), s.options.jobs, [&](std::size_t n) {
    FlowFinding& of = out.flows[n];
    model::Diagnostics wrong;
    const auto verdict = sim::simulate(*s.engine, of.flow, {}, wrong);
    std::string error;
    for (const auto& d : wrong.items())
      if (d.severity == model::Severity::Error && error.empty()) error = d.message;
    of.valid = error.empty();
    for (const std::size_t i : rows_of[n]) {
      if (of.valid)
        judge(*s.engine, of.flow, verdict, table.observations()[rows[i].seen], out.rows[i].row);
      else
        out.rows[i].row.why = error;
    }
  });
  if (after != nullptr) {
    out.with_change = true;
    std::vector<sim::Flow> asked;
    for (const auto& flow : out.flows)
      if (flow.valid) asked.push_back(flow.flow);
    auto fates = flow_fates(*s.engine, *after, asked, {}, s.options.jobs, out.objects);
    std::size_t next = 0;
    for (auto& flow : out.flows)
      if (flow.valid) flow.fate = std::move(fates[next++]);
  }
  std::sort(out.rows.begin(), out.rows.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return out;
}

ReplayReport Replay::report(const sim::Engine* after) { return report_of(findings(after)); }

std::optional<double> ReplayReport::trust() const {
  const auto decided = agree.lines + disagree.lines;
  if (decided == 0) return std::nullopt;
  return static_cast<double>(agree.lines) / static_cast<double>(decided);
}

}  // namespace waypath::scenarios
