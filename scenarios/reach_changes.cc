#include "scenarios/reach_changes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "model/snapshot_difference.h"
#include "scenarios/reach_change_ends.h"
#include "sim/reach/compiled.h"
#include "sim/reach/delta.h"
#include "sim/reach/matrix.h"

namespace waypath::scenarios {
namespace {

using model::Cluster;
using model::ClusterPolicy;
using model::NetworkPolicy;
using Pods = std::vector<std::pair<const model::Pod*, model::PodId>>;

/// Numbers of changes: the same for the same contents before and after.
class Changes {
 public:
  /// Nullopt when nothing changes.
  std::optional<std::uint32_t> number(ReachChange::Ports before, ReachChange::Ports after) {
    if (before == after) return std::nullopt;
    const auto text = [](const ReachChange::Ports& p) {
      return p.sure.str() + "|" + p.possible.str() + "|" + p.conditional.str();
    };
    const auto [at, added] =
        known_.emplace(text(before) + "||" + text(after), static_cast<std::uint32_t>(all_.size()));
    if (added) all_.emplace_back(std::move(before), std::move(after));
    return at->second;
  }
  [[nodiscard]] const ChangeSides& operator[](std::uint32_t number) const { return all_[number]; }

 private:
  std::unordered_map<std::string, std::uint32_t> known_;
  std::vector<ChangeSides> all_;
};

/// Ends in the making.
class Ends {
 public:
  /// One end for each workload among pods that nothing tells apart.
  std::vector<std::uint32_t> add(const Pods& pods, const sim::ReachOptions& options) {
    std::map<std::string, std::uint32_t> of;
    std::vector<std::uint32_t> out;
    for (const auto& [pod, id] : pods) {
      const auto [at, added] = of.emplace(sim::workload_text(*pod), static_cast<std::uint32_t>(ends_.size()));
      if (added) {
        out.push_back(at->second);
        const sim::ReachEndpoint end{at->first, id, {}, {}};
        ends_.push_back({{}, {}, asked(options.from, end), asked(options.to, end)});
      }
      ends_[at->second].pods.push_back(pod);
    }
    return out;
  }
  std::uint32_t add(const sim::AddressRange& range, const sim::ReachOptions& options) {
    const sim::ReachEndpoint end{range.str(), {}, range.low, range.high};
    ends_.push_back({{}, range, asked(options.from, end), asked(options.to, end)});
    return static_cast<std::uint32_t>(ends_.size() - 1);
  }
  [[nodiscard]] std::vector<ChangeEnd> take() { return std::move(ends_); }

 private:
  static bool asked(const std::function<bool(const sim::ReachEndpoint&)>& condition,
                    const sim::ReachEndpoint& end) {
    return !condition || condition(end);
  }
  std::vector<ChangeEnd> ends_;
};

/// Addresses of IPv6 are ends where some policy has a block of them.
bool asks_for_v6(const Cluster& cluster) {
  std::vector<model::Cidr> blocks;
  for (const auto& p : cluster.snapshot().all<NetworkPolicy>()) sim::add_blocks(*p, blocks);
  for (const auto& p : cluster.snapshot().all<ClusterPolicy>()) {
    sim::add_blocks(*p, blocks);
    if (sim::selects_nodes(*p)) sim::add_node_addresses(cluster, blocks);
  }
  return std::any_of(blocks.begin(), blocks.end(), [](const model::Cidr& c) { return !c.is_v4(); });
}

struct Asked {
  const sim::ReachOptions &options, &of_after;
  bool v6 = false;
  [[nodiscard]] bool shows(const sim::AddressRange& range) const {
    return options.external && (v6 || range.low.is_v4());
  }
};

/// The policies that are not the same, when nothing else differs.
std::optional<sim::ReachEdit> policy_edit(const Cluster& before, const Cluster& after) {
  if (before.profile().version() != after.profile().version() ||
      before.pods().size() != after.pods().size() ||
      !std::equal(before.pod_cidrs().begin(), before.pod_cidrs().end(), after.pod_cidrs().begin(),
                  after.pod_cidrs().end()))
    return std::nullopt;
  const auto objects = model::snapshot_difference(before.snapshot(), after.snapshot());
  sim::ReachEdit edit;
  const auto add = [](const Cluster& cluster, const model::ObjectMeta& meta,
                      sim::ReachEdit::Policies& policies) {
    if (const auto network = cluster.snapshot().find<NetworkPolicy>(meta.key))
      policies.network.push_back(network.get());
    else if (const auto wide = cluster.snapshot().find<ClusterPolicy>(meta.key))
      policies.cluster.push_back(wide.get());
    else
      return false;
    return true;
  };
  for (const auto* meta : objects.gone)
    if (!add(before, *meta, edit.gone)) return std::nullopt;
  for (const auto* meta : objects.come)
    if (!add(after, *meta, edit.come)) return std::nullopt;
  return edit;
}

ReachChanges of_edit(const std::shared_ptr<const Cluster>& before, const sim::ReachEdit& edit,
                     const Asked& asked, model::Diagnostics& diagnostics, const ChangeLister::Fn& fn) {
  sim::ReachWhatIf what_if(std::make_shared<const sim::ReachBase>(before, asked.options, diagnostics));
  const sim::ReachBase& base = what_if.base();
  const sim::ReachDelta& delta = what_if.evaluate(edit);
  const auto classes = static_cast<std::uint32_t>(base.classes().classes().size());
  std::map<std::uint32_t, const sim::ReachPiece*> rests;
  for (const auto& rest : delta.rests) rests.emplace(rest.parent, &rest);
  Ends ends;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> of;  // ends by end of the delta
  std::vector<std::uint32_t> in_delta;                               // and back
  const auto add_pods = [&](std::uint32_t end, const auto& pods) {
    Pods some;
    for (const model::PodId pod : pods) some.emplace_back(&before->pod(pod), pod);
    of[end] = ends.add(some, asked.options);
    in_delta.resize(in_delta.size() + of[end].size(), end);
  };
  const auto add_range = [&](std::uint32_t end, const sim::AddressRange& range) {
    if (!asked.shows(range)) return;
    of[end] = {ends.add(range, asked.options)};
    in_delta.push_back(end);
  };
  for (std::uint32_t e = 0; e < base.classes().ends(); ++e) {
    const auto rest = rests.find(e);
    if (e >= classes)
      add_range(e, rest != rests.end() ? rest->second->range : base.classes().ranges().ranges()[e - classes]);
    else if (rest != rests.end())
      add_pods(e, rest->second->pods);
    else
      add_pods(e, base.pods_of(e));
  }
  for (std::uint32_t p = 0; p < delta.pieces.size(); ++p) {
    const sim::ReachPiece& piece = delta.pieces[p];
    piece.pods.empty() ? add_range(delta.first_piece + p, piece.range)
                       : add_pods(delta.first_piece + p, piece.pods);
  }
  Changes changes;
  std::unordered_map<std::uint32_t, ChangeRow> rows;  // by source, ends of the delta
  const auto ports = [&](const sim::ReachCell& cell) {
    return ReachChange::Ports{what_if.ports(cell.sure), what_if.ports(cell.possible),
                              what_if.ports(cell.conditional)};
  };
  for (const auto& run : delta.runs) {
    const auto number = changes.number(ports(run.before), ports(run.after));
    if (!number) continue;
    sim::each_bit(run.word, run.bits, [&](std::uint32_t end) {
      rows[run.incoming ? end : run.subject].emplace_back(run.incoming ? run.subject : end, *number);
    });
  }
  ChangeLister lister(
      ends.take(),
      [&](std::uint32_t source) {
        ChangeRow out;
        const auto row = rows.find(in_delta[source]);
        if (row == rows.end()) return out;
        for (const auto& [to, number] : row->second)
          for (const std::uint32_t end : of[to]) out.emplace_back(end, number);
        std::sort(out.begin(), out.end());
        return out;
      },
      [&](std::uint32_t number) -> const ChangeSides& { return changes[number]; });
  ReachChanges out = lister.list(fn);
  out.delta = true;
  return out;
}

/// One of two clusters, compiled as the base of an edit is, a row at a time.
class Whole {
 public:
  Whole(const std::shared_ptr<const Cluster>& cluster, const sim::ReachOptions& options,
        model::Diagnostics& diagnostics)
      : compiled_(cluster, options, diagnostics, true) {
    const std::vector<bool> all(classes().ends(), true);
    matrix_.emplace(compiled_.classes, compiled_.rows, compiled_.mesh.get(), compiled_.table, all, all);
    stream_.emplace(*matrix_);
  }
  [[nodiscard]] const sim::ReachClasses& classes() const { return compiled_.classes; }
  /// Cells of a source by destination; nothing when it is not there.
  [[nodiscard]] const std::vector<sim::ReachMatrix::CellId>& row(std::uint32_t source) {
    row_.assign(classes().ends(), sim::ReachMatrix::kNothing);
    if (source == sim::ReachClasses::kNone) return row_;
    for (const auto& run : stream_->row(source))
      sim::each_bit(run.word, run.bits, [&](std::uint32_t end) { row_[end] = run.cell; });
    return row_;
  }
  [[nodiscard]] ReachChange::Ports ports(sim::ReachMatrix::CellId id) const {
    const auto& cell = matrix_->cell(id);
    const auto& table = compiled_.table;
    return {table.set(cell.sure), table.set(cell.possible), table.set(cell.conditional)};
  }

 private:
  sim::ReachCompiled compiled_;
  std::optional<sim::ReachMatrix> matrix_;
  std::optional<sim::ReachStream> stream_;
  std::vector<sim::ReachMatrix::CellId> row_;
};

ReachChanges of_both(const std::shared_ptr<const Cluster>& before,
                     const std::shared_ptr<const Cluster>& after, const Asked& asked,
                     model::Diagnostics& diagnostics, const ChangeLister::Fn& fn) {
  constexpr auto kNone = sim::ReachClasses::kNone;
  model::Diagnostics again;  // what the first has wrong, the second mostly has as well
  Whole was(before, asked.options, diagnostics), is(after, asked.options, again);
  using Key = std::pair<std::uint32_t, std::uint32_t>;  // a class or range on each side
  std::map<Key, Pods> pods, fresh;                      // fresh: `before` lacks them
  for (std::uint32_t i = 0; i < before->pods().size(); ++i) {
    const model::Pod& pod = before->pod({i});
    const auto other = after->find_pod(pod.meta.ns().view(), pod.meta.name().view());
    pods[{was.classes().class_of({i}), other.valid() ? is.classes().class_of(other) : kNone}].emplace_back(
        &pod, model::PodId{i});
  }
  for (std::uint32_t i = 0; i < after->pods().size(); ++i) {
    const model::Pod& pod = after->pod({i});
    if (!before->find_pod(pod.meta.ns().view(), pod.meta.name().view()).valid())
      fresh[{kNone, is.classes().class_of({i})}].emplace_back(&pod, model::PodId{i});
  }
  Ends ends;
  std::vector<Key> sides;  // by end
  const auto add = [&](const std::map<Key, Pods>& of, const sim::ReachOptions& options) {
    for (const auto& [key, some] : of)
      if (key != Key(kNone, kNone)) sides.resize(sides.size() + ends.add(some, options).size(), key);
  };
  add(pods, asked.options);
  add(fresh, asked.of_after);
  // Both partitions hold every address.
  const auto &a = was.classes().ranges().ranges(), &b = is.classes().ranges().ranges();
  const auto a_classes = static_cast<std::uint32_t>(was.classes().classes().size()),
             b_classes = static_cast<std::uint32_t>(is.classes().classes().size());
  for (std::uint32_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const sim::AddressRange range{std::max(a[i].low, b[j].low), std::min(a[i].high, b[j].high)};
    if (asked.shows(range)) {
      static_cast<void>(ends.add(range, asked.options));
      sides.emplace_back(a_classes + i, b_classes + j);
    }
    const bool next_a = a[i].high == range.high, next_b = b[j].high == range.high;
    i += next_a ? 1 : 0;
    j += next_b ? 1 : 0;
  }
  Changes changes;
  std::unordered_map<std::uint64_t, std::optional<std::uint32_t>> known;
  ChangeLister lister(
      ends.take(),
      [&](std::uint32_t source) {
        const auto &one = was.row(sides[source].first), &other = is.row(sides[source].second);
        const auto cell = [](const auto& row, std::uint32_t end) {
          return end == kNone ? sim::ReachMatrix::kNothing : row[end];
        };
        ChangeRow out;
        for (std::uint32_t e = 0; e < sides.size(); ++e) {
          const auto x = cell(one, sides[e].first), y = cell(other, sides[e].second);
          const auto [at, added] = known.emplace(std::uint64_t{x} << 32U | y, std::nullopt);
          if (added) at->second = changes.number(was.ports(x), is.ports(y));
          if (at->second) out.emplace_back(e, *at->second);
        }
        return out;
      },
      [&](std::uint32_t number) -> const ChangeSides& { return changes[number]; });
  return lister.list(fn);
}

}  // namespace

sim::PortSet ReachChange::opens() const {
  return (after.sure - before.sure) | (after.possible - before.possible);
}

sim::PortSet ReachChange::closes() const {
  return (before.sure - after.sure) | (before.possible - after.possible);
}

ReachChanges each_reach_change(const std::shared_ptr<const Cluster>& before,
                               const std::shared_ptr<const Cluster>& after, const sim::ReachOptions& options,
                               const sim::ReachOptions& of_after, model::Diagnostics& diagnostics,
                               const std::function<bool(const ReachChange&)>& fn) {
  const Asked asked{options, of_after, asks_for_v6(*before) || asks_for_v6(*after)};
  if (const auto edit = policy_edit(*before, *after)) return of_edit(before, *edit, asked, diagnostics, fn);
  return of_both(before, after, asked, diagnostics, fn);
}

}  // namespace waypath::scenarios
