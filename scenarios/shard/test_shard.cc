#include "scenarios/shard/test_shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "scenarios/shard/digest.h"
#include "scenarios/shard/verdict_fields.h"

namespace waypath::scenarios {

template <class A>
void fields(A& a, Of<A, CaseResult> r) {
  a(r.scenario, r.path, r.variant, r.flow, r.tags, r.invariant, r.status, r.expected, r.mismatches,
    r.predicted, r.message, r.checked, r.violations, r.place);
}

namespace {

/// A case with the digest of its cluster's files: shards that know a scenario only by cases of others do not
/// read them.
struct CaseRecord {
  std::string cluster;
  CaseResult result;
};

template <class A>
void fields(A& a, Of<A, CaseRecord> r) {
  a(r.cluster, r.result);
}

// What no report says of a case that passed.
void thin(sim::Verdict& verdict) {
  const auto deciding = std::find_if(verdict.paths.begin(), verdict.paths.end(),
                                     [&](const auto& path) { return path.outcome == verdict.outcome; });
  if (deciding == verdict.paths.end()) return;
  sim::PathVerdict path = std::move(*deciding);
  path.legs.clear();
  for (auto& hop : path.hops) hop.decisions.clear();
  path.assumptions.clear();
  path.near_misses.clear();
  verdict.paths.clear();
  verdict.paths.push_back(std::move(path));
}

std::string digest_of(const model::SourceFiles& files) {
  Digest digest;
  digest.files(files);
  return digest.hex();
}

}  // namespace

void write_cases(const Report& report, ShardWriter& out) {
  std::pair<std::uint64_t, std::uint64_t> last{~std::uint64_t{0}, 0};
  std::string cluster;
  for (const auto& result : report.cases) {
    // All cases of a cluster or variant have the files of one snapshot.
    const std::pair<std::uint64_t, std::uint64_t> now{result.order[0], result.order[1]};
    const bool asked = result.files.size() > 0;
    if (asked && now != last) {
      cluster = digest_of(result.files);
      last = now;
    }
    CaseRecord record{asked ? cluster : std::string(), result};
    if (result.status == CaseResult::Status::Passed) thin(record.result.predicted);
    ArchiveWriter archive(result.files);
    archive(record);
    out.add(shard_key({result.order[0], result.order[1], result.order[2], result.order[3]}), archive.take());
  }
}

std::optional<Report> read_cases(const ShardSet& shards, ShardError& error) {
  Report out;
  std::map<std::string, std::string> clusters;  // (scenario, variant) -> digest
  shards.for_each([&](std::string_view key, std::string_view payload) {
    ArchiveReader archive(payload);
    CaseRecord record;
    archive(record);
    if (!archive.whole()) {
      error = {"a record is none of `test`", "run the shards again"};
      return false;
    }
    const std::string place(key.substr(0, 16));
    if (!record.cluster.empty()) {
      const auto& known = clusters.emplace(place, record.cluster).first->second;
      if (known != record.cluster) {
        error = {fmt::format("shards saw different manifests of \"{}\" ({})", record.result.scenario,
                             record.result.path),
                 "run all shards over the same files"};
        return false;
      }
    }
    record.result.files = archive.files();
    out.add(std::move(record.result));
    return true;
  });
  if (!error.message.empty()) return std::nullopt;
  return out;
}

}  // namespace waypath::scenarios
