#include "scenarios/changed_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "model/base/mapped_sources.h"
#include "model/change.h"
#include "model/snapshot_difference.h"

namespace waypath::scenarios {
namespace {

using model::ObjectMeta;
using model::Snapshot;
using model::SnapshotDifference;
using Objects = std::vector<const ObjectMeta*>;

Objects written(const Snapshot& snapshot) {
  auto out = model::all_objects(snapshot);
  std::erase_if(out, [](const ObjectMeta* meta) { return meta->origin != model::Origin::Manifest; });
  std::sort(out.begin(), out.end());
  return out;
}

// Whether one was made from the other by changes: then the files are the same, not copies.
bool same_origin(const Snapshot& a, const Snapshot& b) {
  const auto files = static_cast<std::uint32_t>(std::min(a.files().size(), b.files().size()));
  for (std::uint32_t id = 1; id <= files; ++id)
    if (!model::same_file(a.files(), b.files(), id)) return false;
  return files > 0;
}

// An overlay shares what no change speaks of.
SnapshotDifference not_shared(const Snapshot& before, const Snapshot& after) {
  const auto a = written(before), b = written(after);
  SnapshotDifference out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out.gone));
  std::set_difference(b.begin(), b.end(), a.begin(), a.end(), std::back_inserter(out.come));
  return out;
}

// Whether both have the same text, or are patched alike. What a pod takes from its owner is no text of it.
bool written_alike(const Snapshot& a, const ObjectMeta& one, const Snapshot& b, const ObjectMeta& other) {
  if (one.raw == 0 || other.raw == 0) return one.raw == other.raw;
  const model::RawObject &x = a.raw(one.raw), &y = b.raw(other.raw);
  if (!x.patched_json.empty() || !y.patched_json.empty()) return x.patched_json == y.patched_json;
  const auto text = [](const Snapshot& snapshot, const model::RawObject& raw) {
    return model::text_part(snapshot.files(), raw.file, raw.offset, raw.length);
  };
  return text(a, x) == text(b, y);
}

std::map<std::string, const ObjectMeta*> by_name(const Objects& objects) {
  std::map<std::string, const ObjectMeta*> out;
  for (const ObjectMeta* meta : objects) out.emplace(meta->key.str(), meta);
  return out;
}

std::string place(const Snapshot& snapshot, const ObjectMeta& meta) {
  // A patched object stands where the change was written.
  const model::SourcePos changed = meta.raw == 0 ? model::SourcePos{} : snapshot.raw(meta.raw).patch_pos;
  model::SourcePos pos = changed.known() ? changed : meta.pos;
  pos.column = 0;
  return snapshot.files().format(pos);
}

// A pod that stands for what a workload or Gateway makes is down: the change is theirs, whatever side it is
// on.
bool stands_for_owner(const ObjectMeta& meta) {
  return meta.key.kind == std::string_view("Pod") && !meta.derived_from.name.empty();
}

// Of a pod given as a live object a `fail` changes nothing that is written.
bool readiness_differs(const Snapshot& a, const Snapshot& b, const ObjectMeta& meta) {
  if (meta.key.kind != std::string_view("Pod")) return false;
  const auto one = a.find<model::Pod>(meta.key), other = b.find<model::Pod>(meta.key);
  return one != nullptr && other != nullptr && one->ready != other->ready;
}

}  // namespace

std::string_view to_string(ChangedObject::How how) {
  switch (how) {
    case ChangedObject::How::Added:
      return "added";
    case ChangedObject::How::Removed:
      return "removed";
    case ChangedObject::How::Changed:
      return "changed";
  }
  return {};
}

std::vector<ChangedObject> changed_objects(const sim::Engine& before, const sim::Engine& after) {
  using How = ChangedObject::How;
  const auto &a = before.cluster().snapshot(), &b = after.cluster().snapshot();
  const auto objects = same_origin(a, b) ? not_shared(a, b) : model::snapshot_difference(a, b);
  const auto old_objects = by_name(objects.gone), new_objects = by_name(objects.come);
  std::vector<ChangedObject> out;
  std::set<std::string> owners;
  const auto of_owner = [&](const Snapshot& snapshot, const ObjectMeta& meta) {
    auto owner = meta.derived_from.str();
    if (owners.insert(owner).second) out.push_back({How::Changed, std::move(owner), place(snapshot, meta)});
  };
  for (const auto& [key, meta] : old_objects) {
    if (new_objects.contains(key)) continue;
    if (stands_for_owner(*meta))
      of_owner(a, *meta);
    else
      out.push_back({How::Removed, key, place(a, *meta)});
  }
  for (const auto& [key, meta] : new_objects) {
    const auto it = old_objects.find(key);
    if (it == old_objects.end() && stands_for_owner(*meta))
      of_owner(b, *meta);
    else if (it == old_objects.end())
      out.push_back({How::Added, key, place(b, *meta)});
    else if (!written_alike(a, *it->second, b, *meta) || readiness_differs(a, b, *meta))
      out.push_back({How::Changed, key, place(b, *meta)});
  }
  const auto old_version = before.cluster().profile().version(),
             new_version = after.cluster().profile().version();
  if (old_version != new_version)
    out.push_back({How::Changed, fmt::format("Istio {} -> {}", old_version.str(), new_version.str()), {}});
  std::stable_sort(out.begin(), out.end(), [](const auto& x, const auto& y) { return x.object < y.object; });
  // The owner itself may have changed, too.
  out.erase(
      std::unique(out.begin(), out.end(), [](const auto& x, const auto& y) { return x.object == y.object; }),
      out.end());
  return out;
}

}  // namespace waypath::scenarios
