#include "sim/reach.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "sim/cni_profile.h"
#include "sim/reach_classes.h"
#include "sim/reach_mesh.h"
#include "sim/reach_rows.h"

namespace waypath::sim {

namespace {

std::string pod_text(const model::Pod& pod) {
  return pod.meta.key.ns.str() + "/" + pod.meta.key.name.str() + "[Pod]";
}

}  // namespace

class ReachBuilder {
 public:
  ReachBuilder(const std::shared_ptr<const model::Cluster>& cluster, const ReachOptions& options,
               model::Diagnostics& diagnostics)
      : cluster_(*cluster),
        options_(options),
        profile_(cni_profile(options.sim)),
        classes_(cluster_, profile_, options.layer == ReachOptions::Layer::Mesh, diagnostics),
        rows_(cluster_, profile_, classes_, out_.table_) {
    if (options.layer == ReachOptions::Layer::Mesh)
      mesh_ = std::make_unique<ReachMesh>(cluster, options, classes_, out_.table_, diagnostics);
  }

  ReachResult run() {
    endpoints();
    matrix();
    facts();
    out_.counts = {
        cluster_.pods().size(),         classes_.classes().size(),       classes_.ranges().ranges().size(),
        rows_.count(Direction::Egress), rows_.count(Direction::Ingress), out_.table_.size()};
    return std::move(out_);
  }

 private:
  // Replicas that nothing tells apart are their workload; others stand for themselves.
  void endpoints() {
    using Key = std::tuple<std::string_view, std::string_view, std::string_view>;
    std::map<Key, std::vector<model::PodId>> workloads;
    for (std::uint32_t i = 0; i < cluster_.pods().size(); ++i) {
      const model::Pod& pod = cluster_.pod({i});
      workloads[{pod.meta.key.ns.view(), pod.workload_name.view(), pod.workload_kind.view()}].push_back({i});
    }
    std::uint32_t number = 0;
    std::vector<std::tuple<ReachEndpoint, std::uint32_t, std::uint32_t>> found;  // endpoint, class, workload
    for (const auto& [key, pods] : workloads) {
      const model::Pod& first = cluster_.pod(pods.front());
      if (first.spec.host_network) {
        out_.excluded_.push_back({workload_text(first), "hostNetwork"});
        continue;
      }
      const auto of = classes_.class_of(pods.front());
      const bool alike =
          std::all_of(pods.begin(), pods.end(), [&](model::PodId p) { return classes_.class_of(p) == of; });
      for (const model::PodId pod : pods) {
        found.push_back({{alike ? workload_text(first) : pod_text(cluster_.pod(pod)), pod, {}, {}},
                         classes_.class_of(pod),
                         number});
        if (alike) break;
      }
      ++number;
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return std::get<0>(a).name < std::get<0>(b).name; });
    if (options_.external) {
      const auto& ranges = classes_.ranges().ranges();
      for (std::uint32_t i = 0; i < ranges.size(); ++i)
        found.push_back({{ranges[i].str(), {}, ranges[i].low, ranges[i].high},
                         static_cast<std::uint32_t>(classes_.classes().size()) + i,
                         ReachClasses::kNone});
    }
    for (const auto& [endpoint, of, workload] : found) {
      if (!options_.from || options_.from(endpoint)) {
        out_.sources_.push_back(endpoint);
        out_.source_class_.push_back(of);
        out_.source_workload_.push_back(workload);
      }
      if (!options_.to || options_.to(endpoint)) {
        out_.destinations_.push_back(endpoint);
        out_.destination_class_.push_back(of);
        out_.destination_workload_.push_back(workload);
      }
    }
  }

  [[nodiscard]] std::vector<bool> asked(const std::vector<std::uint32_t>& classes) const {
    std::vector<bool> out(classes_.ends(), false);
    for (const auto c : classes) out[c] = true;
    return out;
  }

  // One row of the matrix at a time: what the source lets out, cut by what each destination lets in.
  void matrix() {
    const auto count = static_cast<std::uint32_t>(classes_.classes().size());
    const auto ends = static_cast<std::uint32_t>(classes_.ends());
    const std::vector<bool> sources = asked(out_.source_class_),
                            destinations = asked(out_.destination_class_);
    out_.row_of_.assign(ends, 0);
    std::vector<const ReachRow*> ingress(count, nullptr);
    for (std::uint32_t d = 0; d < count; ++d)
      if (destinations[d]) ingress[d] = &rows_.row(d, Direction::Ingress);
    std::map<std::vector<std::uint32_t>, std::uint32_t> known_rows;
    std::vector<std::uint32_t> row(ends, 0);
    std::vector<ReachAnswer> egress(ends);
    cell_id({});
    for (std::uint32_t s = 0; s < ends; ++s) {
      if (!sources[s]) continue;
      egress.assign(ends, ReachAnswer());
      if (s < count) {
        const ReachRow& out = rows_.row(s, Direction::Egress);
        egress.assign(ends, out.usual);
        for (const auto& [end, answer] : out.others) egress[end] = answer;
      }
      for (std::uint32_t d = 0; d < ends; ++d) {
        row[d] = 0;
        if (!destinations[d] || (s >= count && d >= count)) continue;
        const ReachAnswer out = egress[d];
        if (out.possible == PortSetTable::kNone && mesh_ == nullptr) continue;
        const ReachAnswer in = d < count ? ingress[d]->at(s) : ReachAnswer();
        ReachResult::Cell cell{out_.table_.intersect(out.sure, in.sure),
                               out_.table_.intersect(out.possible, in.possible), PortSetTable::kNone};
        if (cell.sure != cell.possible) {
          if (out.sure != out.possible && d < count) unknown_.insert(d);
          if (in.sure != in.possible && s < count) unknown_.insert(s);
        }
        if (mesh_ != nullptr) cell = mesh_->apply(s, d, cell);
        row[d] = cell_id(cell);
      }
      const auto [at, added] = known_rows.emplace(row, static_cast<std::uint32_t>(out_.rows_.size()));
      if (added) out_.rows_.push_back(row);
      out_.row_of_[s] = at->second;
    }
  }

  std::uint32_t cell_id(const ReachResult::Cell& cell) {
    const auto [at, added] = cells_.emplace(std::tuple(cell.sure, cell.possible, cell.conditional),
                                            static_cast<std::uint32_t>(out_.cells_.size()));
    if (added) out_.cells_.push_back(cell);
    return at->second;
  }

  void facts() {
    std::set<std::string> facts;
    const auto add = [&](const std::vector<ReachEndpoint>& ends, const std::vector<std::uint32_t>& classes) {
      for (std::size_t i = 0; i < ends.size(); ++i)
        if (unknown_.count(classes[i]) != 0) facts.insert("the address of " + ends[i].name);
    };
    add(out_.sources_, out_.source_class_);
    add(out_.destinations_, out_.destination_class_);
    if (mesh_ != nullptr) facts.insert(mesh_->missing_facts().begin(), mesh_->missing_facts().end());
    if (facts.empty() && !unknown_.empty()) facts.insert("addresses of pods");
    out_.missing_facts_.assign(facts.begin(), facts.end());
  }

  const model::Cluster& cluster_;
  const ReachOptions& options_;
  CniProfile profile_;
  ReachResult out_;
  ReachClasses classes_;
  ReachRows rows_;
  std::unique_ptr<ReachMesh> mesh_;
  std::map<std::tuple<PortSetTable::Id, PortSetTable::Id, PortSetTable::Id>, std::uint32_t> cells_;
  std::set<std::uint32_t> unknown_;  // classes without address on which an answer hangs
};

std::string workload_text(const model::Pod& pod) {
  return pod.meta.key.ns.str() + "/" + pod.workload_name.str() + "[" + pod.workload_kind.str() + "]";
}

ReachResult reach(const std::shared_ptr<const model::Cluster>& cluster, const ReachOptions& options,
                  model::Diagnostics& diagnostics) {
  return ReachBuilder(cluster, options, diagnostics).run();
}

ReachResult::Cell ReachResult::cell(std::size_t source, std::size_t destination) const {
  const auto from = source_workload_[source];
  if (from != ReachClasses::kNone && from == destination_workload_[destination] &&
      sources_[source].name == destinations_[destination].name)
    return {};
  return cells_[rows_[row_of_[source_class_[source]]][destination_class_[destination]]];
}

void ReachResult::for_each_pair(
    const std::function<void(const std::string&, const std::string&, const Cell&)>& fn) const {
  // A run of ranges with one answer.
  struct Run {
    AddressRange range;
    Cell cell;
  };
  const auto extend = [](std::optional<Run>& run, const ReachEndpoint& end, const Cell& cell) {
    if (run && run->cell == cell && adjacent(run->range, {end.low, end.high})) {
      run->range.high = end.high;
      return true;
    }
    return false;
  };
  std::vector<std::tuple<model::IpAddress, model::IpAddress, std::size_t, Cell>> from_outside;
  for (std::size_t s = 0; s < sources_.size(); ++s) {
    if (sources_[s].external()) continue;
    std::optional<Run> run;
    const auto flush = [&] {
      if (run && run->cell.possible != PortSetTable::kNone) fn(sources_[s].name, run->range.str(), run->cell);
      run.reset();
    };
    for (std::size_t d = 0; d < destinations_.size(); ++d) {
      const Cell at = cell(s, d);
      if (!destinations_[d].external()) {
        if (at.possible != PortSetTable::kNone) fn(sources_[s].name, destinations_[d].name, at);
      } else if (!extend(run, destinations_[d], at)) {
        flush();
        run = Run{{destinations_[d].low, destinations_[d].high}, at};
      }
    }
    flush();
  }
  for (std::size_t d = 0; d < destinations_.size(); ++d) {
    if (destinations_[d].external()) continue;
    std::optional<Run> run;
    const auto flush = [&] {
      if (run && run->cell.possible != PortSetTable::kNone)
        from_outside.emplace_back(run->range.low, run->range.high, d, run->cell);
      run.reset();
    };
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      if (!sources_[s].external()) continue;
      const Cell at = cell(s, d);
      if (extend(run, sources_[s], at)) continue;
      flush();
      run = Run{{sources_[s].low, sources_[s].high}, at};
    }
    flush();
  }
  std::sort(from_outside.begin(), from_outside.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a), std::get<2>(a)) <
           std::tie(std::get<0>(b), std::get<1>(b), std::get<2>(b));
  });
  for (const auto& [low, high, d, at] : from_outside)
    fn(AddressRange{low, high}.str(), destinations_[d].name, at);
}

}  // namespace waypath::sim
