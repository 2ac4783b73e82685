#pragma once
// What every resource has: identity, labels, annotations, owner, origin. Values are decoded once and never
// change.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/base/source_pos.h"
#include "model/base/symbol.h"

namespace waypath::model {

/// Stable identity across snapshots: "Kind/namespace/name". `ns` is empty for cluster-scoped kinds. Kinds
/// that exist in two API groups (Gateway) are told apart by the group as well.
struct ResourceKey {
  Symbol kind;   // "Gateway" for gateway.networking.k8s.io, "IstioGateway" never appears: see `group`
  Symbol group;  // "" for core
  Symbol ns;
  Symbol name;
  friend bool operator==(const ResourceKey&, const ResourceKey&) = default;
  /// "Kind/ns/name", or "Kind/name" when cluster-scoped.
  [[nodiscard]] std::string str() const;
};
/// By kind, group, namespace, name as text.
[[nodiscard]] bool operator<(const ResourceKey& a, const ResourceKey& b);

struct Label {
  Symbol key;
  Symbol value;
  SourcePos pos;
};

/// Labels sorted by key text. Small: linear search.
class Labels {
 public:
  Labels() = default;
  explicit Labels(std::vector<Label> labels);  // sorts; a later duplicate key wins
  [[nodiscard]] const Label* find(Symbol key) const;
  [[nodiscard]] const Label* find(std::string_view key) const;
  /// The value, or nullopt when the key is absent (an empty value is a present key).
  [[nodiscard]] std::optional<std::string_view> get(std::string_view key) const;
  [[nodiscard]] std::span<const Label> all() const { return labels_; }
  [[nodiscard]] bool empty() const { return labels_.empty(); }
  [[nodiscard]] Labels with(Symbol key, Symbol value, SourcePos pos) const;
  friend bool operator==(const Labels& a, const Labels& b);  // keys and values, not places

 private:
  std::vector<Label> labels_;
};

struct Annotation {
  Symbol key;
  std::string value;
  SourcePos pos;
};

struct OwnerReference {
  Symbol kind, name;
  bool controller = false;
};

/// Where an object comes from: written in a manifest, or implied by one.
enum class Origin : std::uint8_t { Manifest, Derived };

struct ObjectMeta {
  ResourceKey key;
  Labels labels;
  std::vector<Annotation> annotations;  // only those that can matter (istio.io, ambient.istio.io,
                                        // sidecar.istio.io, ...); sorted by key
  std::vector<OwnerReference> owners;
  std::string creation_timestamp;  // RFC 3339, empty when not given
  bool deleting = false;           // deletionTimestamp present
  Origin origin = Origin::Manifest;
  ResourceKey derived_from;  // the manifest object that implies this one, when Derived
  SourcePos pos;             // first line of the object
  std::uint32_t raw = 0;     // index into Snapshot's raw objects (for patches); 0 = none

  [[nodiscard]] Symbol ns() const { return key.ns; }
  [[nodiscard]] Symbol name() const { return key.name; }
  [[nodiscard]] const Annotation* annotation(std::string_view name) const;
};

}  // namespace waypath::model
