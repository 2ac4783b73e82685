#pragma once
// What-if: a list of changes makes an overlay snapshot. The base is never touched; unchanged resources are
// shared.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/snapshot.h"

namespace waypath::model {

/// "Kind/namespace/name", "Kind/name" for cluster-scoped kinds; "Gateway.networking.istio.io/ns/name" when a
/// group is needed.
struct ObjectRef {
  std::string text;
  SourcePos pos;
};

struct ApplyChange {             // create or replace
  std::string path;              // file name shown in reasons
  std::string text;              // manifests (YAML or JSON)
  std::uint32_t first_line = 1;  // of `text` in `path`, for inline objects
  bool must_be_new = false;
};
struct DeleteChange {
  ObjectRef ref;
};
struct PatchChange {
  ObjectRef ref;
  bool json_patch = true;  // RFC 6902; else merge patch (RFC 7396)
  std::string patch_json;
  std::string path;  // file of the change, for patched fields
};
struct LabelChange {  // value null removes the label
  ObjectRef ref;
  std::vector<std::pair<std::string, std::optional<std::string>>> labels;
};
struct ScaleChange {
  ObjectRef ref;
  int replicas = 0;
};  // 0 = no ready pods
struct FailChange {
  ObjectRef ref;
};  // node, pod, workload, gateway (waypoint) or service is down: its pods are not ready
struct VersionChange {
  std::string istio_version;
};

struct Change {
  std::variant<ApplyChange, DeleteChange, PatchChange, LabelChange, ScaleChange, FailChange, VersionChange>
      what;
  SourcePos pos;  // of the change itself
};

/// The overlay: the base with the changes made in order. A change that cannot be made is reported and leaves
/// things as they were. What controllers do about a change is part of it (change_follow.h): pods given as
/// live objects follow their workload, what istiod made for a Gateway follows the Gateway, deleting an object
/// takes what it owns and a namespace all that is in it. A deleted pod stays away unless it was the last of a
/// workload that wants pods: then a derived one stands for its successor. VersionChange changes no object:
/// callers give the version to Cluster::build.
[[nodiscard]] Snapshot apply_changes(const Snapshot& base, std::span<const Change> changes,
                                     Diagnostics& diagnostics);

/// Every object of a snapshot, derived ones included, by kind of struct and key.
[[nodiscard]] std::vector<const ObjectMeta*> all_objects(const Snapshot& snapshot);

/// Objects of one kind and name that `text` may mean ("did you mean"), or the one it means.
[[nodiscard]] std::optional<ResourceKey> resolve_ref(const Snapshot& snapshot, const ObjectRef& ref,
                                                     Diagnostics& diagnostics);

}  // namespace waypath::model
