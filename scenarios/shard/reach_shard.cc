#include "scenarios/shard/reach_shard.h"

#include <utility>

#include "scenarios/shard/archive.h"

namespace waypath::sim {

template <class A>
void fields(A& a, scenarios::Of<A, PortSet> set) {
  if constexpr (A::kReading) {
    std::string text;
    a(text);
    set = PortSet::parse(text).value_or(PortSet());
  } else {
    a(set.str());
  }
}
template <class A>
void fields(A& a, scenarios::Of<A, ReachResult::Excluded> e) {
  a(e.name, e.why);
}

}  // namespace waypath::sim

namespace waypath::scenarios {

template <class A>
void fields(A& a, Of<A, ReachTable::Pair> p) {
  a(p.to, p.sure, p.possible, p.conditional);
}
template <class A>
void fields(A& a, Of<A, ReachTable::Row> r) {
  a(r.number, r.from, r.pairs);
}
template <class A>
void fields(A& a, Of<A, ReachTable::Exposure> e) {
  a(e.number, e.workload, e.any_pod, e.internet, e.ingress);
}

namespace {

constexpr std::uint64_t kRow = 1, kExposure = 2;

// What every shard finds alike: the matrix of classes is evaluated by each, its rows are what they share out.
template <class A>
void common_fields(A& a, Of<A, ReachTable> t) {
  a(t.layer, t.sources, t.destinations, t.excluded, t.missing_facts, t.complete);
}

template <class T>
std::string archived(const T& value) {
  ArchiveWriter archive;
  archive(value);
  return archive.take();
}

}  // namespace

void write_reach(const ReachTable& table, ShardWriter& out) {
  ArchiveWriter common;
  common_fields(common, table);
  out.add({}, common.take());
  for (const auto& row : table.rows) out.add(shard_key({kRow, row.number}), archived(row));
  for (const auto& one : table.exposures) out.add(shard_key({kExposure, one.number}), archived(one));
}

std::optional<ReachTable> read_reach(const ShardSet& shards, ShardError& error) {
  ReachTable out;
  ArchiveReader common(shards.common());
  common_fields(common, out);
  bool fine = common.whole();
  const std::string rows = shard_key({kRow});
  if (fine)
    shards.for_each([&](std::string_view key, std::string_view payload) {
      ArchiveReader archive(payload);
      if (key.substr(0, rows.size()) == rows)
        archive(out.rows.emplace_back());
      else
        archive(out.exposures.emplace_back());
      fine = archive.whole();
      return fine;
    });
  for (std::size_t i = 0; i < out.rows.size(); ++i) fine = fine && out.rows[i].number == i;
  for (std::size_t i = 0; i < out.exposures.size(); ++i) fine = fine && out.exposures[i].number == i;
  if (fine) return out;
  error = {"the records are not those of a whole `reach`", "run the shards again"};
  return std::nullopt;
}

}  // namespace waypath::scenarios
