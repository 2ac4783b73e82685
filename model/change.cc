#include "model/change.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "model/base/edit_distance.h"
#include "model/derive.h"
#include "model/diagnostic_codes.h"
#include "model/load/manifest_loader.h"
#include "model/yaml/node_builder.h"
#include "model/yaml/reader.h"

namespace waypath::model {
namespace {

using Json = nlohmann::json;

template <class F, class... Ts>
void each_type(TypeList<Ts...>, F fn) {
  (fn(static_cast<const Ts*>(nullptr)), ...);
}

std::vector<const ObjectMeta*> all_objects(const Snapshot& snapshot) {
  std::vector<const ObjectMeta*> out;
  each_type(ResourceTypes{}, [&](const auto* type) {
    using T = std::remove_const_t<std::remove_pointer_t<decltype(type)>>;
    for (const auto& o : snapshot.all<T>()) out.push_back(&o->meta);
  });
  return out;
}

const ObjectMeta* find_meta(const Snapshot& snapshot, const ResourceKey& key) {
  for (const auto* meta : all_objects(snapshot))
    if (meta->key == key) return meta;
  return nullptr;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct RefParts {
  std::string kind, group, ns, name;
  bool group_given = false;
};

// "Kind/ns/name", "Kind/name", "Kind.group/ns/name".
std::optional<RefParts> split_ref(std::string_view text) {
  const auto first = text.find('/');
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  RefParts out;
  const auto kind = text.substr(0, first);
  const auto dot = kind.find('.');
  out.kind = lower(kind.substr(0, dot));
  if (dot != std::string_view::npos) {
    out.group_given = true;
    out.group = std::string(kind.substr(dot + 1));
  }
  const auto rest = text.substr(first + 1);
  const auto second = rest.find('/');
  if (second != std::string_view::npos) out.ns = std::string(rest.substr(0, second));
  out.name = std::string(second == std::string_view::npos ? rest : rest.substr(second + 1));
  if (out.name.empty()) return std::nullopt;
  return out;
}

void report(Diagnostics& diagnostics, Code code, SourcePos pos, std::string object, std::string message, std::string hint = {}) {
  diagnostics.report({code, Severity::Error, Reach::Input, pos, std::move(object), {}, {}, std::move(message), std::move(hint)});
}

std::string near_names(const Snapshot& snapshot, const RefParts& ref, const std::string& text) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const auto* meta : all_objects(snapshot)) {
    auto name = meta->key.str();
    const bool same_kind = lower(meta->key.kind.view()) == ref.kind;
    const auto distance = edit_distance(name, text);
    if (same_kind || distance <= 3) ranked.emplace_back(distance + (same_kind ? 0 : 100), std::move(name));
  }
  std::sort(ranked.begin(), ranked.end());
  std::string out;
  for (std::size_t i = 0; i < ranked.size() && i < 3; ++i) out.append(i == 0 ? "" : ", ").append(ranked[i].second);
  return out;
}

// One step of an overlay: from `current` to the snapshot with one change made.
class Overlay {
 public:
  Overlay(const Snapshot& base, Diagnostics& diagnostics) : current_(base), diagnostics_(diagnostics) {}

  void apply(const Change& change) {
    pos_ = change.pos;
    std::visit([&](const auto& what) { make(what); }, change.what);
  }

  Snapshot take() { return std::move(current_); }

 private:
  void make(const ApplyChange& c) {
    const std::string text = std::string(c.first_line > 1 ? c.first_line - 1 : 0, '\n') + c.text;
    std::vector<ResourceKey> keys;
    SnapshotBuilder scratch;
    scratch.files() = current_.files();
    Diagnostics ignored;
    load_into(scratch, c.path, text, {}, ignored, &keys);
    SnapshotBuilder builder(current_);
    for (const auto& key : keys) {
      const auto* existing = find_meta(current_, key);
      if (existing != nullptr && existing->origin == Origin::Manifest && c.must_be_new)
        report(diagnostics_, kChangeFailed, pos_, key.str(), key.str() + " exists already, at " + current_.files().format(existing->pos),
               "use apply without the demand that it is new");
      builder.remove(key);
    }
    load_into(builder, c.path, text, {}, diagnostics_);
    if (keys.empty()) report(diagnostics_, kChangeFailed, pos_, {}, "the change holds no object that is modelled");
    finish(std::move(builder));
  }

  void make(const DeleteChange& c) {
    const auto key = resolve(c.ref);
    if (!key) return;
    SnapshotBuilder builder(current_);
    builder.remove(*key);
    if (key->kind == std::string_view("Gateway") && key->group == std::string_view("gateway.networking.k8s.io")) remove_deployed(builder, *key);
    finish(std::move(builder));
  }

  // What istiod made for a Gateway goes with it.
  // Source: istio pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go (owner references)
  void remove_deployed(SnapshotBuilder& builder, const ResourceKey& gateway) {
    for (const auto* meta : all_objects(current_)) {
      const bool kind = meta->key.kind == std::string_view("Deployment") || meta->key.kind == std::string_view("Service") ||
                        meta->key.kind == std::string_view("ServiceAccount") || meta->key.kind == std::string_view("Pod");
      if (!kind || meta->key.ns != gateway.ns) continue;
      const bool owned = std::any_of(meta->owners.begin(), meta->owners.end(),
                                     [&](const auto& o) { return o.kind == std::string_view("Gateway") && o.name == gateway.name; });
      const bool labelled = meta->labels.find("gateway.istio.io/managed") != nullptr &&
                            meta->labels.get("gateway.networking.k8s.io/gateway-name") == gateway.name.view();
      if (owned || labelled) builder.remove(meta->key);
    }
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
    static constexpr std::string_view kScalable[] = {"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"};
    if (std::find(std::begin(kScalable), std::end(kScalable), key->kind.view()) == std::end(kScalable)) {
      report(diagnostics_, kChangeFailed, pos_, key->str(), key->kind.str() + " cannot be scaled",
             "scale a Deployment, ReplicaSet or StatefulSet; fail takes any workload down");
      return;
    }
    const auto* meta = find_meta(current_, *key);
    if (meta != nullptr && meta->origin == Origin::Derived) {  // a waypoint's Deployment that istiod made
      SnapshotBuilder builder(current_);
      Workload copy = *current_.find<Workload>(*key);
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
      if (!belongs(*pod, *key)) continue;
      ++failed;
      Pod down = *pod;
      down.meta.origin = Origin::Manifest;  // a derived pod would come back ready
      down.has_status = true;
      down.ready = false;
      builder.remove(pod->meta.key);
      builder.add(std::move(down));
    }
    if (failed == 0) report(diagnostics_, kChangeFailed, pos_, key->str(), key->str() + " has no pods that could fail");
    finish(std::move(builder));
  }

  [[nodiscard]] bool belongs(const Pod& pod, const ResourceKey& key) const {
    const auto kind = key.kind.view();
    if (kind == "Node") return pod.spec.node_name == key.name;
    if (pod.meta.key.ns != key.ns) return false;
    if (kind == "Pod") return pod.meta.key.name == key.name;
    if (kind == "Gateway") return pod.meta.labels.get("gateway.networking.k8s.io/gateway-name") == key.name.view();
    if (kind == "Service") {
      const auto service = current_.find<Service>(key);
      return service && !service->selector.empty() &&
             std::all_of(service->selector.begin(), service->selector.end(), [&](const auto& s) {
               const auto* label = pod.meta.labels.find(s.first);
               return label != nullptr && label->value == s.second;
             });
    }
    return pod.workload_kind == key.kind && pod.workload_name == key.name;
  }

  void make(const VersionChange&) {}  // a choice of the cluster's options, not of its objects

  std::optional<ResourceKey> resolve(const ObjectRef& ref) {
    ObjectRef placed = ref;
    if (!placed.pos.known()) placed.pos = pos_;
    return resolve_ref(current_, placed, diagnostics_);
  }

  std::optional<yaml::Document> read(const RawObject& raw) {
    if (!raw.patched_json.empty()) return yaml::from_json(Json::parse(raw.patched_json), raw.patch_pos);
    return yaml::read_object(current_.files().text(raw.file), raw.offset, raw.length, raw.first_line, raw.item, raw.file, diagnostics_);
  }

  void patch(const ResourceKey& key, const std::string& patch_text, bool json_patch) {
    const auto* meta = find_meta(current_, key);
    if (meta == nullptr || meta->raw == 0) {
      report(diagnostics_, kChangeFailed, pos_, key.str(), key.str() + " is implied by " + (meta != nullptr ? meta->derived_from.str() : "nothing") + " and cannot be patched",
             "patch the object that implies it, or apply one of this name");
      return;
    }
    RawObject raw = current_.raw(meta->raw);
    const auto document = read(raw);
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
      report(diagnostics_, kChangeFailed, pos_, key.str(), std::string("the patch does not fit: ") + e.what(), "compare its paths with the object");
      return;
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
    SnapshotBuilder builder(current_);
    SnapshotBuilder probe;  // an object that the API server refuses leaves the old one in place
    Diagnostics refused;
    if (!load_object(probe, *result.root, raw, {}, refused)) {
      diagnostics_.append(std::move(refused));
      return;
    }
    builder.remove(key);
    load_object(builder, *result.root, std::move(raw), {}, diagnostics_);
    finish(std::move(builder));
  }

  void finish(SnapshotBuilder builder) {
    Diagnostics rebuilt;  // what the base has wrong was reported when it was loaded
    Snapshot next = builder.build(rebuilt);
    follow_workloads(next);
    current_ = std::move(next);
  }

  // Pods given as live objects follow their workload: none when it is gone or has no replicas, relabelled when its template is.
  void follow_workloads(Snapshot& next) {
    std::map<ResourceKey, std::pair<const Workload*, const Workload*>> changed;  // before, after
    for (const auto& before : current_.all<Workload>()) {
      const auto after = next.find<Workload>(before->meta.key);
      if (after.get() != before.get() && before->meta.origin == Origin::Manifest) changed[before->meta.key] = {before.get(), after.get()};
      if (before->meta.origin == Origin::Derived && after && after->meta.origin == Origin::Manifest) changed[before->meta.key] = {before.get(), after.get()};
    }
    if (changed.empty()) return;
    SnapshotBuilder builder(next);
    bool touched = false;
    for (const auto& pod : current_.all<Pod>()) {
      if (pod->meta.origin == Origin::Derived) continue;
      for (const auto& [key, versions] : changed) {
        if (!belongs(*pod, key)) continue;
        const auto* after = versions.second;
        if (next.find<Pod>(pod->meta.key) == nullptr) continue;
        if (after == nullptr || after->suspended || (after->replicas && *after->replicas == 0)) {
          touched |= builder.remove(pod->meta.key);
        } else if (auto moved = follow(*pod, *versions.first, *after)) {
          builder.remove(pod->meta.key);
          builder.add(std::move(*moved));
          touched = true;
        }
      }
    }
    if (!touched) return;
    Diagnostics rebuilt;
    next = builder.build(rebuilt);
  }

  static std::optional<Pod> follow(const Pod& pod, const Workload& before, const Workload& after) {
    Pod out = pod;
    std::vector<Label> labels;
    for (const auto& label : pod.meta.labels.all()) {
      const bool from_template = before.template_labels.find(label.key) != nullptr;
      if (!from_template || after.template_labels.find(label.key) != nullptr) labels.push_back(label);
    }
    for (const auto& label : after.template_labels.all()) {
      const auto* old = before.template_labels.find(label.key);
      if (old == nullptr || old->value != label.value) labels.push_back(label);
    }
    out.meta.labels = Labels(std::move(labels));
    out.spec.service_account = before.template_spec.service_account == after.template_spec.service_account
                                   ? pod.spec.service_account
                                   : after.template_spec.service_account;
    if (before.template_spec.host_network != after.template_spec.host_network) out.spec.host_network = after.template_spec.host_network;
    const bool same = out.meta.labels == pod.meta.labels && out.spec.service_account == pod.spec.service_account &&
                      out.spec.host_network == pod.spec.host_network;
    return same ? std::nullopt : std::optional(std::move(out));
  }

  Snapshot current_;
  Diagnostics& diagnostics_;
  SourcePos pos_;
};

}  // namespace

std::optional<ResourceKey> resolve_ref(const Snapshot& snapshot, const ObjectRef& ref, Diagnostics& diagnostics) {
  const auto parts = split_ref(ref.text);
  if (!parts) {
    report(diagnostics, kChangeUnknownObject, ref.pos, {}, "\"" + ref.text + "\" names no object",
           "write Kind/namespace/name, or Kind/name for a cluster-scoped kind");
    return std::nullopt;
  }
  std::vector<const ObjectMeta*> found;
  for (const auto* meta : all_objects(snapshot)) {
    const auto& key = meta->key;
    if (lower(key.kind.view()) != parts->kind || key.ns != std::string_view(parts->ns) || key.name != std::string_view(parts->name)) continue;
    if (parts->group_given && key.group != std::string_view(parts->group)) continue;
    found.push_back(meta);
  }
  if (found.size() == 1) return found.front()->key;
  if (found.empty()) {
    const auto near = near_names(snapshot, *parts, ref.text);
    report(diagnostics, kChangeUnknownObject, ref.pos, {}, "there is no " + ref.text, near.empty() ? "" : "near: " + near);
  } else {
    std::string groups;
    for (const auto* meta : found) groups.append(groups.empty() ? "" : " or ").append(meta->key.kind.view()).append(".").append(meta->key.group.view());
    report(diagnostics, kChangeUnknownObject, ref.pos, {}, ref.text + " is ambiguous", "write " + groups + " as the kind");
  }
  return std::nullopt;
}

Snapshot apply_changes(const Snapshot& base, std::span<const Change> changes, Diagnostics& diagnostics) {
  Overlay overlay(base, diagnostics);
  for (const auto& change : changes) overlay.apply(change);
  return overlay.take();
}

}  // namespace waypath::model
