#include "sim/reach/reach.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "sim/reach/compiled.h"
#include "sim/reach/matrix.h"

namespace waypath::sim {

namespace {

std::string pod_text(const model::Pod& pod) {
  return pod.meta.key.ns.str() + "/" + pod.meta.key.name.str() + "[Pod]";
}

}  // namespace

struct ReachResult::Compiled : ReachCompiled {
  using ReachCompiled::ReachCompiled;
  std::optional<ReachMatrix> matrix;
};

class ReachBuilder {
 public:
  ReachBuilder(const std::shared_ptr<const model::Cluster>& cluster, const ReachOptions& options,
               model::Diagnostics& diagnostics)
      : cluster_(*cluster), options_(options) {
    out_.compiled_ = std::make_shared<ReachResult::Compiled>(cluster, options, diagnostics);
  }

  ReachResult run() {
    auto& c = *out_.compiled_;
    endpoints();
    c.matrix.emplace(c.classes, c.rows, c.mesh.get(), c.table, wanted(), asked(out_.destination_class_));
    facts();
    out_.counts = {
        cluster_.pods().size(),          c.classes.classes().size(),       c.classes.ranges().ranges().size(),
        c.rows.count(Direction::Egress), c.rows.count(Direction::Ingress), c.table.size()};
    return std::move(out_);
  }

 private:
  // Replicas that nothing tells apart are their workload; others stand for themselves.
  void endpoints() {
    const ReachClasses& classes = out_.compiled_->classes;
    using Key = std::tuple<std::string_view, std::string_view, std::string_view>;
    std::map<Key, std::vector<model::PodId>> workloads;
    for (std::uint32_t i = 0; i < cluster_.pods().size(); ++i) {
      const model::Pod& pod = cluster_.pod({i});
      workloads[{pod.meta.key.ns.view(), pod.workload_name.view(), pod.workload_kind.view()}].push_back({i});
    }
    std::uint32_t number = 0;
    std::vector<std::tuple<ReachEndpoint, std::uint32_t, std::uint32_t>> found;  // endpoint, class, workload
    for (auto& [key, pods] : workloads) {
      const model::Pod& first = cluster_.pod(pods.front());
      const auto on_host = [&](model::PodId p) { return cluster_.pod(p).spec.host_network; };
      if (std::all_of(pods.begin(), pods.end(), on_host)) {
        out_.excluded_.push_back({workload_text(first), "hostNetwork"});
        continue;
      }
      // Replicas of before and after a change of the template.
      for (const model::PodId pod : pods)
        if (on_host(pod)) out_.excluded_.push_back({pod_text(cluster_.pod(pod)), "hostNetwork"});
      std::erase_if(pods, on_host);
      const auto of = classes.class_of(pods.front());
      const bool alike =
          std::all_of(pods.begin(), pods.end(), [&](model::PodId p) { return classes.class_of(p) == of; });
      for (const model::PodId pod : pods) {
        found.push_back({{alike ? workload_text(first) : pod_text(cluster_.pod(pod)), pod, {}, {}},
                         classes.class_of(pod),
                         number});
        if (alike) break;
      }
      ++number;
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return std::get<0>(a).name < std::get<0>(b).name; });
    if (options_.external) {
      const auto& ranges = classes.ranges().ranges();
      for (std::uint32_t i = 0; i < ranges.size(); ++i)
        found.push_back({{ranges[i].str(), {}, ranges[i].low, ranges[i].high},
                         static_cast<std::uint32_t>(classes.classes().size()) + i,
                         ReachClasses::kNone});
    }
    for (const auto& [endpoint, of, workload] : found) {
      if (!options_.from || options_.from(endpoint)) {
        out_.sources_.push_back(endpoint);
        out_.source_class_.push_back(of);
        out_.source_workload_.push_back(workload);
        out_.wanted_.push_back(!options_.part || options_.part(endpoint));
      }
      if (!options_.to || options_.to(endpoint)) {
        out_.destinations_.push_back(endpoint);
        out_.destination_class_.push_back(of);
        out_.destination_workload_.push_back(workload);
      }
    }
  }

  [[nodiscard]] std::vector<bool> asked(const std::vector<std::uint32_t>& classes) const {
    std::vector<bool> out(out_.compiled_->classes.ends(), false);
    for (const auto c : classes) out[c] = true;
    return out;
  }

  // Classes of the sources whose rows are wanted.
  [[nodiscard]] std::vector<bool> wanted() const {
    std::vector<bool> out(out_.compiled_->classes.ends(), false);
    for (std::size_t i = 0; i < out_.wanted_.size(); ++i)
      if (out_.wanted_[i]) out[out_.source_class_[i]] = true;
    return out;
  }

  // What cells lack is told by the cells that occur: all of them are looked at when some answer lacks a fact.
  void facts() {
    auto& c = *out_.compiled_;
    ReachMatrix& matrix = *c.matrix;
    std::vector<bool> unknown(matrix.ends(), false);  // classes without address on which an answer hangs
    if (matrix.undecided() || (c.mesh != nullptr && c.mesh->undecided())) {
      ReachStream stream(matrix);
      stream.mark_undecided(unknown);
      const std::vector<bool> sources = wanted();
      for (std::uint32_t s = 0; s < matrix.ends(); ++s)
        if (sources[s]) static_cast<void>(stream.row(s));
    }
    std::set<std::string> facts;
    const auto add = [&](const std::vector<ReachEndpoint>& ends, const std::vector<std::uint32_t>& classes) {
      for (std::size_t i = 0; i < ends.size(); ++i)
        if (unknown[classes[i]] && !ends[i].external()) facts.insert("the address of " + ends[i].name);
    };
    add(out_.sources_, out_.source_class_);
    add(out_.destinations_, out_.destination_class_);
    facts.insert(matrix.missing_facts().begin(), matrix.missing_facts().end());
    const auto pods = unknown.begin() + static_cast<std::ptrdiff_t>(c.classes.classes().size());
    if (facts.empty() && std::find(unknown.begin(), pods, true) != pods) facts.insert("addresses of pods");
    // Of addresses outside, what a rule of names or of node labels hangs on.
    if (std::find(pods, unknown.end(), true) != unknown.end()) named_facts(facts);
    out_.missing_facts_.assign(facts.begin(), facts.end());
  }

  void named_facts(std::set<std::string>& facts) const {
    bool names = false;
    for (const auto& policy : cluster_.snapshot().all<model::ClusterPolicy>())
      for (const auto& rule : policy->egress)
        for (const auto& peer : rule.peers)
          for (const auto& name : peer.domain_names) {
            facts.insert("the addresses of " + name);
            names = true;
          }
    if (!names) facts.insert("labels of nodes");
  }

  const model::Cluster& cluster_;
  const ReachOptions& options_;
  ReachResult out_;
};

bool is_outside(std::string_view name) { return name.substr(0, 4) == "ext:"; }

std::string workload_text(const model::Pod& pod) {
  return pod.meta.key.ns.str() + "/" + pod.workload_name.str() + "[" + pod.workload_kind.str() + "]";
}

ReachResult reach(const std::shared_ptr<const model::Cluster>& cluster, const ReachOptions& options,
                  model::Diagnostics& diagnostics) {
  return ReachBuilder(cluster, options, diagnostics).run();
}

const PortSet& ReachResult::ports(PortSetTable::Id id) const { return compiled_->table.set(id); }

const ReachClasses& ReachResult::classes() const { return compiled_->classes; }
ReachMatrix& ReachResult::matrix() const { return *compiled_->matrix; }

ReachResult::Cell ReachResult::cell(std::size_t source, std::size_t destination) const {
  if (!wanted_[source]) return {};
  const auto from = source_workload_[source];
  if (from != ReachClasses::kNone && from == destination_workload_[destination] &&
      sources_[source].name == destinations_[destination].name)
    return {};
  ReachMatrix& matrix = *compiled_->matrix;
  return matrix.cell(matrix.at(source_class_[source], destination_class_[destination]));
}

namespace {

/// Positions of endpoints by class or range, ascending.
class Positions {
 public:
  Positions(const std::vector<std::uint32_t>& classes, std::size_t ends) : first_(ends + 1, 0) {
    for (const auto c : classes) ++first_[c + 1];
    for (std::size_t e = 0; e < ends; ++e) first_[e + 1] += first_[e];
    at_.resize(classes.size());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (std::uint32_t i = 0; i < classes.size(); ++i) at_[next[classes[i]]++] = i;
  }
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t end) const {
    return {at_.data() + first_[end], at_.data() + first_[end + 1]};
  }

 private:
  std::vector<std::uint32_t> first_, at_;
};

/// Ranges next to each other with one answer.
struct RangeRun {
  AddressRange range;
  ReachMatrix::CellId cell = ReachMatrix::kNothing;
  [[nodiscard]] bool extend(const ReachEndpoint& end, ReachMatrix::CellId next) {
    if (cell != next || !adjacent(range, {end.low, end.high})) return false;
    range.high = end.high;
    return true;
  }
};

}  // namespace

void ReachResult::for_each_pair(
    const std::function<void(const std::string&, const std::string&, const Cell&)>& fn) const {
  for_each_pair_while([&](const std::string& from, const std::string& to, const Cell& cell) {
    fn(from, to, cell);
    return true;
  });
}

void ReachResult::for_each_pair_while(const PairFn& fn) const {
  ReachMatrix& matrix = *compiled_->matrix;
  ReachStream stream(matrix);
  const Positions positions(destination_class_, matrix.ends());
  std::vector<std::pair<std::uint32_t, ReachMatrix::CellId>> row;
  const auto read_row = [&](std::size_t source) {
    row.clear();
    for (const auto& run : stream.row(source_class_[source]))
      each_bit(run.word, run.bits, [&](std::uint32_t end) {
        for (const std::uint32_t d : positions.of(end)) row.emplace_back(d, run.cell);
      });
    std::sort(row.begin(), row.end());
  };
  struct FromOutside {
    AddressRange range;
    std::uint32_t destination = 0;
    ReachMatrix::CellId cell = ReachMatrix::kNothing;
  };
  std::vector<FromOutside> from_outside;
  std::vector<std::optional<RangeRun>> open(destinations_.size());
  const auto close = [&](std::uint32_t d) {
    if (open[d]) from_outside.push_back({open[d]->range, d, open[d]->cell});
    open[d].reset();
  };
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    if (!wanted_[s]) continue;
    read_row(s);
    if (sources_[s].external()) {
      for (const auto& [d, cell] : row) {
        if (open[d] && open[d]->extend(sources_[s], cell)) continue;
        close(d);
        open[d] = RangeRun{{sources_[s].low, sources_[s].high}, cell};
      }
      continue;
    }
    std::optional<RangeRun> run;
    bool more = true;
    const auto flush = [&] {
      if (run) more = more && fn(sources_[s].name, run->range.str(), matrix.cell(run->cell));
      run.reset();
    };
    for (const auto& [d, cell] : row) {
      if (!more) return;
      const ReachEndpoint& to = destinations_[d];
      if (!to.external()) {
        if (source_workload_[s] == destination_workload_[d] && sources_[s].name == to.name) continue;
        more = fn(sources_[s].name, to.name, matrix.cell(cell));
      } else if (!run || !run->extend(to, cell)) {
        flush();
        run = RangeRun{{to.low, to.high}, cell};
      }
    }
    flush();
    if (!more) return;
  }
  for (std::uint32_t d = 0; d < destinations_.size(); ++d) close(d);
  std::sort(from_outside.begin(), from_outside.end(), [](const FromOutside& a, const FromOutside& b) {
    return std::tie(a.range.low, a.range.high, a.destination) <
           std::tie(b.range.low, b.range.high, b.destination);
  });
  for (const auto& one : from_outside)
    if (!fn(one.range.str(), destinations_[one.destination].name, matrix.cell(one.cell))) return;
}

}  // namespace waypath::sim
