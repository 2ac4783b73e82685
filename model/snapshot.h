#pragma once
// The immutable result of loading (stage 3): every resource, sorted, with the files they came from. Overlays
// share what they do not change.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/any_resource.h"
#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"

namespace waypath::model {

/// Where an object's text stands, so that a patch can read it again.
struct RawObject {
  ResourceKey key;
  std::uint32_t file = 0;
  std::size_t offset = 0, length = 0;  // byte range of its document in the file
  std::uint32_t first_line = 1;        // line of the file where `offset` stands
  int item = -1;                       // index in `items` when the document is a List, else -1
  std::string patched_json;            // not empty: the object as patched by an overlay; replaces the text
  SourcePos patch_pos;                 // place of the change that made patched_json
};

template <class T>
using ResourceList = std::shared_ptr<const std::vector<std::shared_ptr<const T>>>;

class SnapshotBuilder;

class Snapshot {
 public:
  // In snapshot.cc, as the builder's, so that not every file that holds one compiles the lists of all kinds.
  Snapshot();
  Snapshot(const Snapshot&);
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(const Snapshot&);
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot();

  /// All resources of one type, sorted by key. Derived objects (pods of workloads, waypoint pods) included.
  template <class T>
  [[nodiscard]] std::span<const std::shared_ptr<const T>> all() const {
    return *std::get<ResourceList<T>>(lists_);
  }
  /// The resource of this identity, or null. Binary search.
  template <class T>
  [[nodiscard]] std::shared_ptr<const T> find(const ResourceKey& key) const;
  /// By namespace and name (kinds that share a struct: first match).
  template <class T>
  [[nodiscard]] const T* find(std::string_view ns, std::string_view name) const;

  [[nodiscard]] const SourceFiles& files() const { return files_; }
  /// The same objects with one more file, so that places of changes written in it can be told; `id` is its
  /// number.
  [[nodiscard]] Snapshot with_file(std::string path, std::string text, std::uint32_t& id) const;
  /// What ObjectMeta::raw refers to; index 0 is unused.
  [[nodiscard]] const RawObject& raw(std::uint32_t index) const { return *(*raw_)[index]; }
  /// Kinds that were seen and not modelled, with counts, sorted by kind: the load report.
  struct Skipped {
    std::string api_version, kind;
    std::size_t count = 0;
  };
  [[nodiscard]] std::span<const Skipped> skipped() const { return skipped_; }
  [[nodiscard]] const MeshConfig& mesh() const { return mesh_; }
  [[nodiscard]] const FeatureFlags& flags() const { return flags_; }
  /// Istio's version as the manifests show it (istiod image, labels), if they do; `detected_pos` where.
  [[nodiscard]] const std::string& detected_version() const { return detected_version_; }

 private:
  friend class SnapshotBuilder;
  template <class T>
  using List = ResourceList<T>;
  ResourceTypes::Apply<List> lists_;
  SourceFiles files_;
  std::shared_ptr<const std::vector<std::shared_ptr<const RawObject>>> raw_;
  std::vector<Skipped> skipped_;
  MeshConfig mesh_;
  FeatureFlags flags_;
  std::string detected_version_;
};

/// Collects decoded resources, then freezes them. `build` adds derived objects (derive.h), resolves
/// namespaces, reports duplicates and reads mesh config. Also the base of overlays:
/// `SnapshotBuilder(snapshot)` starts from its manifest objects.
class SnapshotBuilder {
 public:
  SnapshotBuilder();
  explicit SnapshotBuilder(const Snapshot& base);
  SnapshotBuilder(SnapshotBuilder&&) noexcept;
  SnapshotBuilder& operator=(SnapshotBuilder&&) noexcept;
  ~SnapshotBuilder();
  void add(AnyResource resource);
  /// Removes a manifest object; false when there is none.
  bool remove(const ResourceKey& key);
  std::uint32_t add_raw(RawObject raw);  // index for ObjectMeta::raw
  void add_skipped(std::string api_version, std::string kind, std::size_t count);
  SourceFiles& files() { return files_; }
  /// Freezes. The builder is empty afterwards.
  [[nodiscard]] Snapshot build(Diagnostics& diagnostics);

 private:
  template <class T>
  using Slot = std::vector<std::shared_ptr<const T>>;
  ResourceTypes::Apply<Slot> slots_;
  std::vector<std::shared_ptr<const RawObject>> raw_{std::make_shared<const RawObject>()};
  std::vector<Snapshot::Skipped> skipped_;
  SourceFiles files_;
};

}  // namespace waypath::model
