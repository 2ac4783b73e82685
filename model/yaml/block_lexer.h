#pragma once
// A line-by-line look at block-style YAML: which lines open a key or an item, at which column, and which only
// continue a text. Enough to cut Lists into items and to skip parts by indentation; values are left to the
// reader. It follows the YAML rules for what it accepts and gives up (`plain() == false`) on everything else:
// anchors, aliases, tags, tabs before a value, flow collections over several lines, complex keys, document
// markers and directives.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace waypath::model::yaml {

struct BlockLine {
  enum class Kind : std::uint8_t {
    Key,      // "key: ..." or "- key: ..."
    Item,     // "- ..." without a key
    Text,     // a plain or quoted text without a key: continues or is the value of a line above
    Content,  // inside a block or quoted text
    Blank,    // nothing, or a comment
  };
  static constexpr std::uint32_t kNoDash = UINT32_MAX;

  Kind kind = Kind::Blank;
  std::size_t begin = 0;  // offset of the line, and of the line after it
  std::size_t next = 0;
  std::uint32_t indent = 0;  // column (0-based) of its first character
  std::uint32_t dashes = 0;  // how many "- " it starts with
  std::uint32_t column = 0;  // of the key, or of what follows the dashes
  std::string_view key;      // without quotes
  std::string_view value;    // after "key:" or the dashes, without comment; may be empty
};

class BlockLexer {
 public:
  explicit BlockLexer(std::string_view text) : text_(text) {}

  /// The next line. False at the end and when something is met that this look does not understand.
  bool next(BlockLine& line);
  [[nodiscard]] bool plain() const { return plain_; }
  /// Offset and size of the largest scalar met so far that is over the limit of a value; size 0 when there is
  /// none.
  [[nodiscard]] std::size_t oversized_at() const { return oversized_at_; }
  [[nodiscard]] bool oversized() const { return oversized_; }

 private:
  enum class Open : std::uint8_t { Nothing, Plain, Block, Quote };

  bool give_up();
  bool node(BlockLine& line, std::size_t i, std::size_t end);
  bool value(BlockLine& line, std::size_t i, std::size_t end, std::int64_t parent);
  [[nodiscard]] std::size_t quoted_end(std::size_t i, std::size_t end) const;
  [[nodiscard]] std::size_t flow_end(std::size_t i, std::size_t end) const;
  [[nodiscard]] bool rest_is_blank(std::size_t i, std::size_t end) const;
  void grow(std::size_t begin, std::size_t end);

  std::string_view text_;
  std::size_t at_ = 0;
  bool plain_ = true;
  Open open_ = Open::Nothing;      // a text that the next line may continue
  std::int64_t parent_ = -1;       // lines indented more than this continue it
  std::int64_t last_parent_ = -1;  // column of the last key or dash
  char quote_ = '"';
  std::size_t scalar_begin_ = 0;
  bool oversized_ = false;
  std::size_t oversized_at_ = 0;
};

}  // namespace waypath::model::yaml
