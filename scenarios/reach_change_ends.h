#pragma once
// Changed cells between ends that no policy tells apart, told as changes between workloads.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/reach_changes.h"
#include "sim/reach/ranges.h"

namespace waypath::scenarios {

/// Pods of one workload that nothing tells apart, or a range of addresses.
struct ChangeEnd {
  std::vector<const model::Pod*> pods;  // empty of a range
  sim::AddressRange range;
  bool from = true, to = true;  // asked for as source, as destination
};

/// The changed cells of one source: (destination, number of the change), by destination.
using ChangeRow = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
/// What a change was and is.
using ChangeSides = std::pair<ReachChange::Ports, ReachChange::Ports>;

class ChangeLister {
 public:
  using Fn = std::function<bool(const ReachChange&)>;
  /// `row(source)` gives changed cells; numbers of changes differ where contents do.
  ChangeLister(std::vector<ChangeEnd> ends, std::function<ChangeRow(std::uint32_t)> row,
               std::function<const ChangeSides&(std::uint32_t)> change);
  [[nodiscard]] ReachChanges list(const Fn& fn);

 private:
  struct Workload {
    std::string name;
    std::vector<std::uint32_t> ends;
    std::size_t pods = 0;
  };
  /// A workload, a range or a pod on its own.
  struct Side {
    std::string name;
    const model::Pod* pod = nullptr;
  };
  /// Numbers of changes with each of a workload's ends; kSame for none.
  using Pattern = std::vector<std::uint32_t>;
  static constexpr std::uint32_t kSame = UINT32_MAX;

  void count(std::uint32_t source, const ChangeRow& row);
  [[nodiscard]] bool from_workload(const Workload& source);
  [[nodiscard]] bool from_outside();
  void tell(const Workload& workload, const Pattern& pattern,
            const std::function<void(const Side&, std::uint32_t)>& fn) const;
  [[nodiscard]] bool say(const Side& from, const Side& to, std::uint32_t change) const;
  [[nodiscard]] bool range(std::uint32_t end) const { return ends_[end].pods.empty(); }

  std::vector<ChangeEnd> ends_;
  std::function<ChangeRow(std::uint32_t)> row_;
  std::function<const ChangeSides&(std::uint32_t)> change_;
  std::vector<Workload> workloads_;         // by name
  std::vector<std::uint32_t> workload_of_;  // by end
  std::vector<std::uint32_t> ranges_;       // ends, by address
  const Fn* fn_ = nullptr;
  ReachChanges counts_;
};

}  // namespace waypath::scenarios
