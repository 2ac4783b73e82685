#pragma once
// Values in the files of cases.

#include <string>
#include <vector>

#include "model/yaml/reader.h"

namespace waypath::conformance {

/// Empty for what is no scalar.
inline std::string text(const model::yaml::Node* node) {
  return node != nullptr && node->is_scalar() ? std::string(node->scalar) : std::string();
}
inline std::string text(const model::yaml::Node* map, const char* key) {
  return map == nullptr ? std::string() : text(map->find(key));
}

/// Of a list its items, of a scalar the one; nothing of null.
inline std::vector<std::string> strings(const model::yaml::Node* node) {
  std::vector<std::string> out;
  if (node == nullptr) return out;
  if (node->is_scalar()) out.push_back(text(node));
  for (const model::yaml::Node* item : node->items) out.push_back(text(item));
  return out;
}

}  // namespace waypath::conformance
