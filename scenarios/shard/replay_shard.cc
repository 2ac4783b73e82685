#include "scenarios/shard/replay_shard.h"

#include <utility>

#include "scenarios/shard/verdict_fields.h"

namespace waypath::scenarios {

template <class A>
void fields(A& a, Of<A, LogPlace> p) {
  a(p.file, p.line);
}
template <class A>
void fields(A& a, Of<A, Traffic> t) {
  a(t.count, t.sent, t.received);
}
template <class A>
void fields(A& a, Of<A, LogLines::Bad> b) {
  a(b.at, b.place, b.why, b.text);
}
template <class A>
void fields(A& a, Of<A, LogLines> l) {
  a(l.total, l.records, l.opened, l.tunnel, l.other, l.blank, l.unreadable, l.shown);
}
template <class A>
void fields(A& a, Of<A, Prediction> p) {
  a(p.outcome, p.symptom, p.reason, p.by, p.place, p.detail);
}
template <class A>
void fields(A& a, Of<A, ReplayRow> r) {
  a(r.client, r.target, r.observer, r.traffic, r.seen, r.first, r.line, r.agreement, r.why, r.prediction);
}
template <class A>
void fields(A& a, Of<A, RowFinding> r) {
  a(r.key, r.flow, r.first, r.row);
}
template <class A>
void fields(A& a, Of<A, FlowFate> f) {
  a(f.before, f.after, f.change, f.error);
}
template <class A>
void fields(A& a, Of<A, FlowFinding> f) {
  a(f.identity, f.flow, f.valid, f.fate);
}

namespace {

// First byte of a key.
constexpr char kLines = 'a', kFlow = 'f', kRow = 'r';

template <class A>
void common_fields(A& a, Of<A, ReplayFindings> f) {
  a(f.most_flows, f.shown_unreadable, f.with_change, f.objects);
}

// Appends, or merges with the last one when it is the same.
template <class T>
void take(std::vector<T>& list, T one, const std::string T::*key) {
  if (!list.empty() && list.back().*key == one.*key)
    merge(list.back(), std::move(one));
  else
    list.push_back(std::move(one));
}

}  // namespace

void write_replay(const ReplayFindings& f, ShardWriter& out) {
  ArchiveWriter common;
  common_fields(common, f);
  out.add({}, common.take());
  out.add(std::string(1, kLines), archived(f.lines));
  for (const auto& flow : f.flows) out.add(kFlow + flow.identity, archived(flow));
  for (const auto& row : f.rows) out.add(kRow + row.key, archived(row));
}

std::optional<ReplayReport> read_replay(const ShardSet& shards, ShardError& error) {
  ReplayFindings out;
  ArchiveReader common(shards.common());
  common_fields(common, out);
  bool fine = common.whole();
  if (fine)
    shards.for_each([&](std::string_view key, std::string_view payload) {
      ArchiveReader archive(payload);
      if (key.front() == kLines) {
        LogLines lines;
        archive(lines);
        merge(out.lines, lines, out.shown_unreadable);
      } else if (key.front() == kFlow) {
        FlowFinding flow;
        archive(flow);
        take(out.flows, std::move(flow), &FlowFinding::identity);
      } else {
        RowFinding row;
        archive(row);
        take(out.rows, std::move(row), &RowFinding::key);
      }
      fine = archive.whole();
      return fine;
    });
  if (fine) return report_of(std::move(out));
  error = {"a record is none of `replay`", "run the shards again"};
  return std::nullopt;
}

}  // namespace waypath::scenarios
