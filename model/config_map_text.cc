#include "model/config_map_text.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "model/diagnostic_codes.h"
#include "model/yaml/reader.h"

namespace waypath::model {

// A block scalar's text starts on the line below `mesh: |`, indented by what its first line shows.
ConfigMapText config_map_text(const ConfigMap& map, std::size_t index, const SourceFiles& files) {
  const SourcePos at = index < map.data_pos.size() ? map.data_pos[index] : map.meta.pos;
  const auto line = files.line(at.file, at.line);
  const auto rest =
      at.column >= 1 && at.column - 1 < line.size() ? line.substr(at.column - 1) : std::string_view{};
  if (rest.empty() || (rest.front() != '|' && rest.front() != '>')) return {at, 0};
  const auto first = files.line(at.file, at.line + 1);
  return {{at.file, at.line + 1, 1},
          static_cast<std::uint32_t>(std::min(first.find_first_not_of(' '), first.size()))};
}

void read_config_map_text(const ConfigMap& map, std::size_t index, const SourceFiles& files, Code invalid,
                          Diagnostics& diagnostics, const std::function<void(const Field&)>& fn) {
  const auto& [key, text] = map.data[index];
  const ConfigMapText at = config_map_text(map, index, files);
  yaml::Slice slice;
  slice.length = text.size();
  slice.first_line = at.start.line == 0 ? 1 : at.start.line;
  Diagnostics own;
  const auto document = yaml::read_slice(text, slice, at.start.file, own, {.prune = false});
  DecodeContext context(own);
  context.key = map.meta.key;
  if (document && document->root != nullptr && document->root->is_mapping())
    fn(Field(context, *document->root));
  for (auto d : own.items()) {
    d.object = map.meta.key.str();
    d.field = "data." + key + (d.field.empty() ? "" : "." + d.field);
    d.pos.column += at.indent;
    if (d.code == kFieldType || d.code == kFieldInvalid) d.code = invalid;
    diagnostics.report(std::move(d));
  }
}

}  // namespace waypath::model
