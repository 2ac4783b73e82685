#pragma once
// Values in the files of cases.

#include <string>

#include "model/yaml/reader.h"

namespace waypath::conformance {

/// Empty for what is no scalar.
inline std::string text(const model::yaml::Node* node) {
  return node != nullptr && node->is_scalar() ? std::string(node->scalar) : std::string();
}
inline std::string text(const model::yaml::Node* map, const char* key) {
  return map == nullptr ? std::string() : text(map->find(key));
}

}  // namespace waypath::conformance
