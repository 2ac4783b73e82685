#pragma once
// Every kind the loader knows: which decoder reads it, or why it can be skipped. Adding a kind: a row in
// kind_table.cc.

#include <cstdint>
#include <span>
#include <string_view>

#include "model/load/decoders.h"

namespace waypath::model {

enum class KindSupport : std::uint8_t {
  Modelled,
  Unmodelled,  // affects traffic, kept as a name so that verdicts can mention it
  MakesPods,   // its operator makes pods that are not in the manifests; kept as a name
  NoEffect     // changes no path and no verdict; skipped
};

struct KindRow {
  std::string_view group, kind;
  KindSupport support = KindSupport::NoEffect;
  bool namespaced = true;
  void (*decode)(const Field& root, ObjectMeta meta, Decoded& out) = nullptr;
  std::string_view versions;  // "v1,v1beta1": versions whose shape the decoder reads
  std::string_view note;      // what it may change; NoEffect: said when there is a note
};

/// Null for a kind the table does not know. API groups that hold no traffic rule have one row with kind "*".
[[nodiscard]] const KindRow* find_kind(std::string_view group, std::string_view kind);
[[nodiscard]] std::span<const KindRow> kind_table();

/// Whether an operator makes pods of such objects.
[[nodiscard]] bool makes_pods(std::string_view group, std::string_view kind);

/// "networking.k8s.io/v1" -> {"networking.k8s.io", "v1"}; "v1" -> {"", "v1"}.
[[nodiscard]] std::pair<std::string_view, std::string_view> split_api_version(std::string_view api_version);

/// ConfigMaps and Secrets are kept when something modelled reads them: mesh config, istio-cni's config,
/// the configuration of an authservice (a JSON with `chains`), and what is laid over a Gateway's objects.
/// `text` is the object as written. Everything else in them stays unread.
[[nodiscard]] bool config_matters(std::string_view kind, std::string_view name, std::string_view text);

}  // namespace waypath::model
