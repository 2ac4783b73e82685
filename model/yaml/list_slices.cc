#include "model/yaml/list_slices.h"

#include <cstring>
#include <optional>

namespace waypath::model::yaml {
namespace {

/// The text of one line, without its line break.
std::string_view line_at(std::string_view text, std::size_t offset, std::size_t end) {
  const std::size_t newline = text.find('\n', offset);
  std::string_view line = text.substr(offset, std::min(newline, end) - offset);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

struct RootKey {
  std::string_view key, value;  // value without spaces around it
};

std::optional<RootKey> root_key(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  if (colon + 1 < line.size() && line[colon + 1] != ' ') return std::nullopt;
  for (const char c : line.substr(0, colon)) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word) return std::nullopt;
  }
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return RootKey{line.substr(0, colon), value};
}

/// Whether an anchor may stand in the text: an item of a list that uses one cannot be read alone. It sees
/// anchors that are none (in a text, say), never misses one.
bool may_hold_anchor(std::string_view text) {
  std::size_t i = 0;
  while ((i = text.find('&', i)) != std::string_view::npos) {
    // Something follows it, and a node can start here: behind an indicator, or behind a tag.
    const bool named = i + 1 < text.size() && text[i + 1] != ' ' && text[i + 1] != '\n' && text[i + 1] != '&';
    if (named && i > 0 &&
        (text[i - 1] == ' ' || text[i - 1] == '\n' || text[i - 1] == '[' || text[i - 1] == '{' ||
         text[i - 1] == ',')) {
      const std::size_t before = text.find_last_not_of(' ', i - 1);
      if (before == std::string_view::npos || std::strchr("\n:-?[{,", text[before]) != nullptr) return true;
      const std::size_t line = text.rfind('\n', i);
      if (text.substr(line == std::string_view::npos ? 0 : line,
                      i - (line == std::string_view::npos ? 0 : line))
              .find('!') != std::string_view::npos)
        return true;
    }
    ++i;
  }
  return false;
}

class ListSlicer {
 public:
  ListSlicer(std::string_view text, const Slice& document, const Passed& passed)
      : text_(text), document_(document), passed_(passed), end_(document.offset + document.length) {}

  bool run(std::span<const TopLine> top) {
    if (!read_root(top) || !items_ || !kind_.ends_with("List")) return false;
    if (starts_.empty() && !indented_starts()) return false;
    if (starts_.empty() || may_hold_anchor(document_.offset, starts_.front().offset)) return false;
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      const std::size_t next = i + 1 < starts_.size() ? starts_[i + 1].offset : end_;
      if (!starts_with_key(starts_[i].offset) || may_hold_anchor(starts_[i].offset, next)) return false;
      if (passed_) passed_(starts_[i].offset, next - starts_[i].offset);
    }
    return true;
  }

  void add_to(std::vector<Slice>& out) const {
    out.reserve(out.size() + starts_.size());
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      Slice item;
      item.offset = starts_[i].offset;
      item.length = (i + 1 < starts_.size() ? starts_[i + 1].offset : items_end_) - item.offset;
      item.first_line = starts_[i].line;
      item.item = static_cast<int>(i);
      if (kind_ != "List") {
        item.list_kind = kind_.substr(0, kind_.size() - 4);
        item.list_api_version = api_version_;
      }
      out.push_back(item);
    }
  }

 private:
  /// Of a part that starts with a line: nothing before it tells whether an anchor stands in it.
  [[nodiscard]] bool may_hold_anchor(std::size_t begin, std::size_t end) const {
    return yaml::may_hold_anchor(text_.substr(begin, end - begin));
  }

  /// The keys of the document, and the items when they stand at the same column.
  bool read_root(std::span<const TopLine> top) {
    bool in_items = false;
    items_end_ = end_;
    for (const TopLine& line : top) {
      const std::string_view text = line_at(text_, line.offset, end_);
      if (text.starts_with("- ") && in_items) {
        starts_.push_back(line);
        continue;
      }
      const std::optional<RootKey> root = root_key(text);
      if (!root) return false;
      if (in_items) items_end_ = line.offset;
      in_items = false;
      if (root->key == "items") {
        if (items_ || !root->value.empty()) return false;
        items_ = line;
        in_items = true;
      }
      if (root->key == "kind" && !plain(root->value, kind_)) return false;
      if (root->key == "apiVersion" && !plain(root->value, api_version_)) return false;
    }
    return true;
  }

  static bool plain(std::string_view value, std::string_view& out) {
    if (!out.empty() || value.empty() || value.find_first_of("\"'#&*!|>{[ ") != std::string_view::npos)
      return false;
    out = value;
    return true;
  }

  /// The items when they are indented below `items:`.
  bool indented_starts() {
    std::size_t i = text_.find('\n', items_->offset);
    std::uint32_t number = items_->line;
    std::optional<std::size_t> column;
    while (i != std::string_view::npos && i + 1 < items_end_) {
      const std::size_t begin = i + 1;
      ++number;
      i = text_.find('\n', begin);
      const std::string_view line = line_at(text_, begin, items_end_);
      const std::size_t indent = line.find_first_not_of(' ');
      if (indent == std::string_view::npos || line[indent] == '#') continue;
      const bool dash = line.substr(indent).starts_with("- ");
      if (!column) {
        if (!dash) return false;
        column = indent;
      }
      if (indent > *column) continue;
      if (indent < *column || !dash) return false;
      starts_.push_back({begin, number});
    }
    return true;
  }

  [[nodiscard]] bool starts_with_key(std::size_t offset) const {
    std::string_view line = line_at(text_, offset, end_);
    line.remove_prefix(line.find('-') + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    return root_key(line).has_value();
  }

  std::string_view text_;
  const Slice& document_;
  const Passed& passed_;
  std::size_t end_, items_end_ = 0;
  std::string_view kind_, api_version_;
  std::optional<TopLine> items_;
  std::vector<TopLine> starts_;
};

}  // namespace

bool slice_list(std::string_view text, const Slice& document, std::span<const TopLine> top,
                std::vector<Slice>& out, const Passed& passed) {
  ListSlicer slicer(text, document, passed);
  if (!slicer.run(top)) return false;
  slicer.add_to(out);
  return true;
}

}  // namespace waypath::model::yaml
