#pragma once
// YAML text -> trees, by yaml-cpp's events (the only user of yaml-cpp). The reference reader and the one for
// all of YAML.

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/yaml/line_map.h"
#include "model/yaml/node.h"

namespace waypath::model::yaml {

/// All documents of `text`, empty ones left out. `lines` maps its lines to those of the file. After a syntax
/// error the rest is lost and `failed` is set; documents before it are returned.
[[nodiscard]] std::vector<Document> read_yaml_events(std::string_view text, const LineMap& lines,
                                                     std::uint32_t file, Diagnostics& diagnostics,
                                                     bool& failed);

}  // namespace waypath::model::yaml
