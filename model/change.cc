#include "model/change.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "model/change_follow.h"
#include "model/diagnostic_codes.h"
#include "model/load/manifest_loader.h"
#include "model/yaml/node_builder.h"
#include "model/yaml/reader.h"

namespace waypath::model {
namespace {

using Json = nlohmann::json;

const ObjectMeta* find_meta(const Snapshot& snapshot, const ResourceKey& key) {
  for (const auto* meta : all_objects(snapshot))
    if (meta->key == key) return meta;
  return nullptr;
}

// Whether an object goes when `owner` is deleted.
// Source: kubernetes pkg/controller/garbagecollector; pkg/controller/namespace/deletion; istiod's objects for
// a Gateway: istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go (owner references and labels)
bool goes_with(const ObjectMeta& meta, const ResourceKey& owner) {
  if (owner.kind == std::string_view("Namespace")) return meta.key.ns == owner.name;
  if (meta.key.ns != owner.ns) return false;
  if (owner.kind == std::string_view("Gateway")) {
    if (owner.group != std::string_view("gateway.networking.k8s.io")) return false;
    if (meta.labels.find("gateway.istio.io/managed") != nullptr &&
        meta.labels.get("gateway.networking.k8s.io/gateway-name") == owner.name.view())
      return true;
  }
  return std::any_of(meta.owners.begin(), meta.owners.end(),
                     [&](const auto& o) { return o.kind == owner.kind && o.name == owner.name; });
}

// The snapshot under change. Each change makes a new one from the last; objects that it leaves alone are
// shared.
class Overlay {
 public:
  Overlay(const Snapshot& base, Diagnostics& diagnostics)
      : base_(base), current_(base), diagnostics_(diagnostics) {}

  void apply(const Change& change) {
    pos_ = change.pos;
    std::visit([&](const auto& what) { make(what); }, change.what);
  }

  Snapshot take() { return std::move(current_); }

 private:
  void fail(const ResourceKey& key, std::string message, std::string hint = {}) {
    diagnostics_.report({kChangeFailed,
                         Severity::Error,
                         Reach::Input,
                         pos_,
                         key.str(),
                         {},
                         {},
                         std::move(message),
                         std::move(hint)});
  }

  void make(const ApplyChange& c) {
    const std::string text = std::string(c.first_line > 1 ? c.first_line - 1 : 0, '\n') + c.text;
    std::vector<ResourceKey> keys;
    SnapshotBuilder builder(current_);
    SnapshotBuilder probe;  // tells the keys: what the API server refuses leaves the old object in place
    Diagnostics found;
    load_into(probe, c.path, text, {}, found, &keys);
    for (const auto& key : keys) {
      const auto* existing = find_meta(current_, key);
      const bool exists = existing != nullptr && existing->origin == Origin::Manifest;
      if (exists && c.must_be_new) {
        fail(key, key.str() + " exists already, at " + current_.files().format(existing->pos),
             "use apply without the demand that it is new");
        return;
      }
      builder.remove(key);
    }
    load_into(builder, c.path, text, {}, diagnostics_);
    if (keys.empty() && !found.has_errors()) fail({}, "the change holds no object that is modelled");
    finish(std::move(builder), true);
  }

  void make(const DeleteChange& c) {
    if (went_before(c.ref)) return;
    const auto key = resolve(c.ref);
    if (!key) return;
    const auto* meta = find_meta(current_, *key);
    if (meta->origin == Origin::Derived && key->kind != std::string_view("Namespace")) {
      fail(*key, key->str() + " is implied by " + meta->derived_from.str() + " and comes back when deleted",
           "delete " + meta->derived_from.str() + ", or fail it");
      return;
    }
    SnapshotBuilder builder(current_);
    std::vector<ResourceKey> gone{*key};
    const auto objects = all_objects(current_);
    for (std::size_t i = 0; i < gone.size(); ++i) {
      builder.remove(gone[i]);
      for (const auto* object : objects) {
        if (object->origin == Origin::Derived || !goes_with(*object, gone[i])) continue;
        if (std::find(gone.begin(), gone.end(), object->key) == gone.end()) gone.push_back(object->key);
      }
    }
    finish(std::move(builder));
  }

  void make(const PatchChange& c) {
    if (const auto key = resolve(c.ref)) patch(*key, c.patch_json, c.json_patch);
  }

  void make(const LabelChange& c) {
    const auto key = resolve(c.ref);
    if (!key) return;
    Json labels = Json::object();
    for (const auto& [name, value] : c.labels) labels[name] = value ? Json(*value) : Json(nullptr);
    patch(*key, Json{{"metadata", {{"labels", labels}}}}.dump(), false);
  }

  void make(const ScaleChange& c) {
    const auto key = resolve(c.ref);
    if (!key) return;
    static constexpr std::string_view kScalable[] = {
        "Deployment", "ReplicaSet",       "StatefulSet", "ReplicationController",
        "Rollout",    "DeploymentConfig", "CloneSet"};
    if (std::find(std::begin(kScalable), std::end(kScalable), key->kind.view()) == std::end(kScalable))
      return fail(*key, key->kind.str() + " cannot be scaled",
                  "scale a Deployment, ReplicaSet or StatefulSet; fail takes any workload down");
    if (c.replicas < 0) return fail(*key, "replicas cannot be negative");
    const auto workload = current_.find<Workload>(*key);
    if (workload->meta.origin == Origin::Derived) {  // what istiod makes for a Gateway
      SnapshotBuilder builder(current_);
      Workload copy = *workload;
      copy.meta.origin = Origin::Manifest;
      copy.replicas = c.replicas;
      builder.add(std::move(copy));
      finish(std::move(builder));
      return;
    }
    patch(*key, Json{{"spec", {{"replicas", c.replicas}}}}.dump(), false);
  }

  void make(const FailChange& c) {
    const auto key = resolve(c.ref);
    if (!key) return;
    SnapshotBuilder builder(current_);
    std::size_t failed = 0;
    for (const auto& pod : current_.all<Pod>()) {
      if (!pod_belongs(current_, *pod, *key)) continue;
      ++failed;
      Pod down = *pod;
      down.meta.origin = Origin::Manifest;  // a derived pod would come back ready
      down.has_status = true;
      down.ready = false;
      builder.remove(pod->meta.key);
      builder.add(std::move(down));
    }
    if (failed == 0) return fail(*key, key->str() + " has no pods that could fail");
    finish(std::move(builder));
  }

  void make(const VersionChange&) {}  // a choice of the cluster's options, not of its objects

  std::optional<ResourceKey> resolve(const ObjectRef& ref) {
    ObjectRef placed = ref;
    if (!placed.pos.known()) placed.pos = pos_;
    return resolve_ref(current_, placed, diagnostics_);
  }

  // The object as it stands: as last patched, else as written. A namespace that is only named has the text
  // every one has.
  std::optional<yaml::Document> read(const ObjectMeta& meta, RawObject& raw) {
    if (meta.raw == 0) {
      raw.key = meta.key;
      return yaml::from_json(
          Json{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", meta.key.name.str()}}}},
          pos_);
    }
    raw = current_.raw(meta.raw);
    if (!raw.patched_json.empty()) return yaml::from_json(Json::parse(raw.patched_json), raw.patch_pos);
    return yaml::read_object(current_.files().text(raw.file), raw.offset, raw.length, raw.first_line,
                             raw.item, raw.file, diagnostics_);
  }

  void patch(const ResourceKey& key, const std::string& patch_text, bool json_patch) {
    const auto* meta = find_meta(current_, key);
    if (meta->raw == 0 && key.kind != std::string_view("Namespace"))
      return fail(key, key.str() + " is implied by " + meta->derived_from.str() + " and cannot be patched",
                  "patch the object that implies it, or apply one of this name");
    RawObject raw;
    const auto document = read(*meta, raw);
    if (!document || document->root == nullptr) return;
    Json patched;
    try {
      const Json original = yaml::to_json(*document->root);
      const Json change = Json::parse(patch_text);
      if (json_patch) {
        patched = original.patch(change);
      } else {
        patched = original;
        patched.merge_patch(change);
      }
    } catch (const Json::exception& e) {
      return fail(key, std::string("the patch does not fit: ") + e.what(),
                  "compare its paths with the object");
    }
    // Values that the patch left alone keep their place; the others stand where the change stands.
    const auto position_of = [&](const std::string& pointer) {
      const auto* node = yaml::at_pointer(*document->root, pointer);
      if (node == nullptr) return pos_;
      if (!node->is_scalar()) return node->pos;
      const Json::json_pointer p(pointer);
      return patched.contains(p) && patched.at(p) == yaml::to_json(*node) ? node->pos : pos_;
    };
    const auto result = yaml::from_json(patched, position_of);
    raw.patched_json = patched.dump();
    raw.patch_pos = pos_;
    SnapshotBuilder probe;  // an object that the API server refuses leaves the old one in place
    Diagnostics found;
    const bool accepted = load_object(probe, *result.root, raw, {}, found);
    diagnostics_.append(std::move(found));
    if (!accepted) return;
    SnapshotBuilder builder(current_);
    builder.remove(key);
    Diagnostics again;
    load_object(builder, *result.root, std::move(raw), {}, again);
    finish(std::move(builder), false, &key);
  }

  // `kept`: an object that must still be there, since a patch cannot rename.
  void finish(SnapshotBuilder builder, bool applied = false, const ResourceKey* kept = nullptr) {
    const auto known_files = current_.files().size();
    Diagnostics rebuilt;
    Snapshot next = builder.build(rebuilt);
    if (kept != nullptr && find_meta(next, *kept) == nullptr)
      return fail(*kept, "a patch cannot change kind, namespace or name",
                  "delete the object and apply another");
    follow_changes(current_, next, applied);
    // What the base has wrong was reported when it was loaded.
    for (const auto& d : rebuilt.items())
      if (d.pos.file > known_files || (d.pos.known() && d.pos == pos_)) diagnostics_.report(d);
    current_ = std::move(next);
  }

  // What an earlier change took along (a pod of a workload that was scaled) is gone already.
  bool went_before(const ObjectRef& ref) {
    Diagnostics quiet;
    return !resolve_ref(current_, ref, quiet) && resolve_ref(base_, ref, quiet);
  }

  const Snapshot& base_;
  Snapshot current_;
  Diagnostics& diagnostics_;
  SourcePos pos_;
};

}  // namespace

Snapshot apply_changes(const Snapshot& base, std::span<const Change> changes, Diagnostics& diagnostics) {
  Overlay overlay(base, diagnostics);
  for (const auto& change : changes) overlay.apply(change);
  return overlay.take();
}

}  // namespace waypath::model
