#pragma once
// Trees to and from nlohmann::json: JSON Patch works on JSON values; patched and inline objects are decoded
// like read ones.

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "model/base/source_pos.h"
#include "model/yaml/node.h"

namespace waypath::model::yaml {

/// The value a node has for the API server: typed as sigs.k8s.io/yaml types it (010 is 8, yes is true, "8080"
/// is text).
[[nodiscard]] nlohmann::json to_json(const Node& node);

/// The place of the value at a JSON pointer ("/spec/ingress/0"; "" is the root).
using PositionOf = std::function<SourcePos(const std::string& pointer)>;

[[nodiscard]] Document from_json(const nlohmann::json& value, SourcePos pos);
[[nodiscard]] Document from_json(const nlohmann::json& value, const PositionOf& position_of);

/// The node at a JSON pointer, or null.
[[nodiscard]] const Node* at_pointer(const Node& root, const std::string& pointer);

/// A document of its own for a part of another: nodes and texts are copied.
[[nodiscard]] Document copy_document(const Node& root);

}  // namespace waypath::model::yaml
