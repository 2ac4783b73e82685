#include "model/yaml/pruner.h"

#include <utility>
#include <vector>

#include "model/yaml/block_lexer.h"
#include "model/yaml/unread_parts.h"

namespace waypath::model::yaml {
std::optional<std::string> prune_block(std::string_view text, LineMap& lines) {
  std::string kept;
  kept.reserve(text.size());
  LineMap map = lines;
  std::vector<Part> parts{Part::Root};
  std::vector<std::uint32_t> columns;  // of the keys that `parts` but the first stand below
  std::uint32_t kept_lines = 0;
  bool dropping = false;
  std::uint32_t drop_column = 0;
  std::size_t run = 0;  // start of the lines to keep that are not copied yet

  BlockLexer lexer(text);
  BlockLine line;
  while (lexer.next(line)) {
    const bool opens = line.kind == BlockLine::Kind::Key || line.kind == BlockLine::Kind::Item ||
                       line.kind == BlockLine::Kind::Text;
    if (dropping) {
      // A mapping's list may stand at the column of its key: dashes there still belong to it.
      const bool inside =
          !opens || line.indent > drop_column || (line.indent == drop_column && line.dashes > 0);
      if (inside) {
        map.skip(kept_lines, 1);
        continue;
      }
      dropping = false;
      run = line.begin;
    }
    if (line.kind == BlockLine::Kind::Key) {
      while (!columns.empty() &&
             (line.dashes > 0 ? columns.back() > line.indent : columns.back() >= line.column)) {
        parts.pop_back();
        columns.pop_back();
      }
      const bool leave_out = line.dashes == 0 && unread(parts.back(), line.key, !line.value.empty());
      parts.push_back(part_below(parts.back(), line.key));
      columns.push_back(line.column);
      if (leave_out) {
        kept.append(text.substr(run, line.begin - run));
        dropping = true;
        drop_column = line.column;
        map.skip(kept_lines, 1);
        continue;
      }
    }
    ++kept_lines;
  }
  if (!lexer.plain()) return std::nullopt;
  if (!dropping) kept.append(text.substr(run));
  lines = std::move(map);
  return kept;
}

}  // namespace waypath::model::yaml
