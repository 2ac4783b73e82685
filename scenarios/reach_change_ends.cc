#include "scenarios/reach_change_ends.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace waypath::scenarios {
namespace {

std::string pod_text(const model::Pod& pod) {
  return pod.meta.key.ns.str() + "/" + pod.meta.key.name.str() + "[Pod]";
}

}  // namespace

ChangeLister::ChangeLister(std::vector<ChangeEnd> ends, std::function<ChangeRow(std::uint32_t)> row,
                           std::function<const ChangeSides&(std::uint32_t)> change)
    : ends_(std::move(ends)), row_(std::move(row)), change_(std::move(change)) {
  std::map<std::string, Workload> by_name;
  for (std::uint32_t e = 0; e < ends_.size(); ++e) {
    if (range(e)) {
      ranges_.push_back(e);
      continue;
    }
    Workload& workload = by_name[sim::workload_text(*ends_[e].pods.front())];
    workload.ends.push_back(e);
    workload.pods += ends_[e].pods.size();
  }
  std::sort(ranges_.begin(), ranges_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return ends_[a].range.low < ends_[b].range.low; });
  workload_of_.resize(ends_.size());
  for (auto& [name, workload] : by_name) {
    for (const std::uint32_t e : workload.ends)
      workload_of_[e] = static_cast<std::uint32_t>(workloads_.size());
    workload.name = name;
    workloads_.push_back(std::move(workload));
  }
}

void ChangeLister::count(std::uint32_t source, const ChangeRow& row) {
  for (const auto& [to, number] : row) {
    if (!ends_[to].to || range(to)) continue;
    const std::uint64_t own = ends_[source].pods.size();
    const std::uint64_t pairs = own * ends_[to].pods.size() - (to == source ? own : 0);
    const auto& [before, after] = change_(number);
    const ReachChange change{{}, {}, before, after};
    counts_.pod_pairs += pairs;
    if (!change.opens().empty()) counts_.opened += pairs;
    if (!change.closes().empty()) counts_.closed += pairs;
  }
}

// Ends of a workload whose changes are one as the workload, others pod by pod.
void ChangeLister::tell(const Workload& workload, const Pattern& pattern,
                        const std::function<void(const Side&, std::uint32_t)>& fn) const {
  if (std::adjacent_find(pattern.begin(), pattern.end(), std::not_equal_to<>()) == pattern.end()) {
    if (pattern.front() != kSame) fn({workload.name, nullptr}, pattern.front());
    return;
  }
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == kSame) continue;
    for (const model::Pod* pod : ends_[workload.ends[i]].pods) fn({pod_text(*pod), pod}, pattern[i]);
  }
}

bool ChangeLister::say(const Side& from, const Side& to, std::uint32_t change) const {
  if (from.pod != nullptr && from.pod == to.pod) return true;  // a pod with itself
  const auto& [before, after] = change_(change);
  return (*fn_)({from.name, to.name, before, after});
}

bool ChangeLister::from_workload(const Workload& source) {
  std::map<std::uint32_t, Pattern> by_end;  // of destinations: what each end of the source does there
  for (std::size_t i = 0; i < source.ends.size(); ++i) {
    const std::uint32_t s = source.ends[i];
    if (!ends_[s].from) continue;
    const ChangeRow row = row_(s);
    count(s, row);
    for (const auto& [to, number] : row) {
      if (!ends_[to].to) continue;
      Pattern& pattern = by_end[to];
      pattern.resize(source.ends.size(), kSame);
      pattern[i] = number;
    }
  }
  if (by_end.empty()) return true;
  const Pattern nothing(source.ends.size(), kSame);
  const auto at = [&](std::uint32_t end) -> const Pattern& {
    const auto found = by_end.find(end);
    return found == by_end.end() ? nothing : found->second;
  };
  bool more = true;
  const auto put = [&](const Side& to, const Pattern& pattern) {
    tell(source, pattern,
         [&](const Side& from, std::uint32_t number) { more = more && say(from, to, number); });
  };
  std::vector<std::uint32_t> touched;
  for (const auto& [end, pattern] : by_end)
    if (!range(end)) touched.push_back(workload_of_[end]);
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  for (const std::uint32_t w : touched) {
    const Workload& to = workloads_[w];
    const bool alike = std::all_of(to.ends.begin(), to.ends.end(),
                                   [&](std::uint32_t e) { return at(e) == at(to.ends.front()); });
    if (alike) {
      if (&to != &source || source.pods > 1) put({to.name, nullptr}, at(to.ends.front()));
      continue;
    }
    for (const std::uint32_t e : to.ends)
      for (const model::Pod* pod : ends_[e].pods) put({pod_text(*pod), pod}, at(e));
  }
  for (std::size_t r = 0; r < ranges_.size();) {
    const Pattern& pattern = at(ranges_[r]);
    sim::AddressRange whole = ends_[ranges_[r]].range;
    for (++r;
         r < ranges_.size() && at(ranges_[r]) == pattern && sim::adjacent(whole, ends_[ranges_[r]].range);
         ++r)
      whole.high = ends_[ranges_[r]].range.high;
    put({whole.str(), nullptr}, pattern);
  }
  return more;
}

bool ChangeLister::from_outside() {
  // By workload, then by position of the range: what it does to each end.
  std::map<std::uint32_t, std::map<std::uint32_t, Pattern>> by_workload;
  for (std::uint32_t r = 0; r < ranges_.size(); ++r) {
    if (!ends_[ranges_[r]].from) continue;
    for (const auto& [to, number] : row_(ranges_[r])) {
      if (!ends_[to].to) continue;
      const auto& ends = workloads_[workload_of_[to]].ends;
      Pattern& pattern = by_workload[workload_of_[to]][r];
      pattern.resize(ends.size(), kSame);
      pattern[static_cast<std::size_t>(std::find(ends.begin(), ends.end(), to) - ends.begin())] = number;
    }
  }
  struct Found {
    sim::AddressRange range;
    Side to;
    std::uint32_t number = 0;
  };
  std::vector<Found> found;
  for (const auto& [w, rows] : by_workload)
    for (auto at = rows.begin(); at != rows.end();) {
      const Pattern& pattern = at->second;
      sim::AddressRange whole = ends_[ranges_[at->first]].range;
      for (++at;
           at != rows.end() && at->second == pattern && sim::adjacent(whole, ends_[ranges_[at->first]].range);
           ++at)
        whole.high = ends_[ranges_[at->first]].range.high;
      tell(workloads_[w], pattern, [&](const Side& to, std::uint32_t number) {
        found.push_back({whole, to, number});
      });
    }
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.range.low, a.range.high, a.to.name) < std::tie(b.range.low, b.range.high, b.to.name);
  });
  return std::all_of(found.begin(), found.end(), [&](const Found& one) {
    return say({one.range.str(), nullptr}, one.to, one.number);
  });
}

ReachChanges ChangeLister::list(const Fn& fn) {
  fn_ = &fn;
  counts_ = {};
  bool more = true;
  for (std::size_t w = 0; w < workloads_.size() && more; ++w) more = from_workload(workloads_[w]);
  if (more) static_cast<void>(from_outside());
  return counts_;
}

}  // namespace waypath::scenarios
