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
template <class A>
void fields(A& a, scenarios::Of<A, WorkloadExposure> e) {
  a(e.workload, e.any_pod, e.internet, e.ingress);
}

}  // namespace waypath::sim

namespace waypath::scenarios {

template <class A>
void fields(A& a, Of<A, ReachTable::Pair> p) {
  a(p.to, p.sure, p.possible, p.conditional);
}
template <class A>
void fields(A& a, Of<A, ReachTable::Row> r) {
  a(r.from, r.pairs, r.outside);
}

namespace {

// Kinds of records in the order of a table.
constexpr std::uint64_t kRow = 1, kOutside = 2, kExposure = 3, kFact = 4;

// What every shard finds alike, because it depends on names and classes alone.
template <class A>
void common_fields(A& a, Of<A, ReachTable> t) {
  a(t.layer, t.sources, t.destinations, t.excluded);
}

bool is(std::string_view key, std::uint64_t kind) {
  const std::string prefix = shard_key({kind});
  return key.substr(0, prefix.size()) == prefix;
}

}  // namespace

void write_reach(const ReachTable& table, ShardWriter& out) {
  ArchiveWriter common;
  common_fields(common, table);
  out.add({}, common.take());
  std::uint64_t outside = 0;
  table.each_row([&](const ReachTable::Row& row) {
    out.add(row.outside ? shard_key({kOutside, outside++}) : shard_key({kRow}) + row.from, archived(row));
    return true;
  });
  for (const auto& one : table.exposures) out.add(shard_key({kExposure}) + one.workload, archived(one));
  for (const auto& fact : table.missing_facts) out.add(shard_key({kFact}) + fact, archived(fact));
}

std::optional<ReachTable> read_reach(const ShardSet& shards, ShardError& error) {
  ReachTable out;
  ArchiveReader common(shards.common());
  common_fields(common, out);
  bool fine = common.whole();
  // Rows are read again when they are asked for.
  if (fine)
    shards.for_each([&](std::string_view key, std::string_view payload) {
      ArchiveReader archive(payload);
      if (is(key, kRow) || is(key, kOutside)) {
        ReachTable::Row row;
        archive(row);
      } else if (is(key, kExposure)) {
        archive(out.exposures.emplace_back());
      } else {
        std::string fact;
        archive(fact);
        // Several shards may lack the same.
        if (out.missing_facts.empty() || out.missing_facts.back() != fact)
          out.missing_facts.push_back(std::move(fact));
      }
      fine = archive.whole();
      return fine;
    });
  if (!fine) {
    error = {"the records are not those of a whole `reach`", "run the shards again"};
    return std::nullopt;
  }
  out.each_row = [&shards](const ReachTable::Take& take) {
    shards.for_each([&](std::string_view key, std::string_view payload) {
      if (!is(key, kRow) && !is(key, kOutside)) return false;
      ArchiveReader archive(payload);
      ReachTable::Row row;
      archive(row);
      return take(row);
    });
  };
  return out;
}

}  // namespace waypath::scenarios
