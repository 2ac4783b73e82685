#pragma once
// A YAML text that a ConfigMap holds as the value of a key.

#include <cstddef>
#include <functional>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"
#include "model/kube/workloads.h"
#include "model/load/decode.h"

namespace waypath::model {

/// Where the text starts in the ConfigMap's file, and by how much a block scalar indents it.
struct ConfigMapText {
  SourcePos start;
  std::uint32_t indent = 0;
};
[[nodiscard]] ConfigMapText config_map_text(const ConfigMap& map, std::size_t index,
                                            const SourceFiles& files);

/// Calls `fn(root)` when the value of `data[index]` is a YAML mapping. What is wrong with it is reported as
/// of the ConfigMap: fields as "data.KEY.FIELD", places as in its file; `invalid` stands for wrong types and
/// values.
void read_config_map_text(const ConfigMap& map, std::size_t index, const SourceFiles& files, Code invalid,
                          Diagnostics& diagnostics, const std::function<void(const Field&)>& fn);

}  // namespace waypath::model
