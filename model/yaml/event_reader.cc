#include "model/yaml/event_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>
#include <optional>
#include <streambuf>
#include <string>
#include <unordered_map>
#include <utility>

#include "model/yaml/block_text.h"
#include "model/yaml/tree_builder.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model::yaml {
namespace {

/// Lets yaml-cpp read memory without a copy.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::string_view text) {
    char* const begin = const_cast<char*>(text.data());  // streambuf's get area is never written to
    setg(begin, begin, begin + text.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir dir, std::ios_base::openmode) override {
    const off_type base = dir == std::ios_base::beg   ? 0
                          : dir == std::ios_base::cur ? gptr() - eback()
                                                      : egptr() - eback();
    const off_type target = base + offset;
    if (target < 0 || target > egptr() - eback()) return pos_type(off_type(-1));
    setg(eback(), eback() + target, egptr());
    return pos_type(target);
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
    return seekoff(off_type(position), std::ios_base::beg, mode);
  }
};

/// Ends the parse of a document; the diagnostic says why.
struct Refused {
  Diagnostic diagnostic;
};

constexpr std::string_view kPlainTag = "?";
constexpr std::string_view kQuotedTag = "!";
constexpr std::string_view kMergeTag = "tag:yaml.org,2002:merge";

/// Collects the events of one document into a tree.
class TreeHandler : public YAML::EventHandler {
 public:
  TreeHandler(const LineMap& lines, std::uint32_t file, Diagnostics& diagnostics)
      : lines_(lines), file_(file), diagnostics_(diagnostics) {}

  /// Where the last quoted text of the document starts; nullopt when it has none.
  [[nodiscard]] std::optional<YAML::Mark> last_quoted() const { return last_quoted_; }
  [[nodiscard]] const YAML::Mark& start() const { return start_; }
  [[nodiscard]] bool only_null() const { return root_ == nullptr || root_->is_null(); }
  [[nodiscard]] Document finish() { return builder_.finish(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override { start_ = mark; }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add({builder_.null(pos(mark)), 1, 1}, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      refuse(kYamlAlias, mark, "the alias stands inside the value of its own anchor", "write the value out");
    Tree tree = found->second;
    tree.alias = true;
    expanded_ += tree.nodes;
    if (expanded_ > kMaxExpandedNodes) {
      refuse(kYamlAlias, mark,
             fmt::format("the aliases of this document expand to more than {} nodes", kMaxExpandedNodes),
             "write the values out, or check where this file comes from");
    }
    if (frames_.size() + tree.height > kMaxDepth) refuse_depth(mark);
    tree.node = builder_.copy_at(*tree.node, pos(mark));
    add(tree, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (value.size() > kMaxScalarBytes) {
      refuse(kScalarTooLarge, mark, "a value of more than 16 MiB is no manifest", "leave this file out");
    }
    if (tag != kPlainTag) last_quoted_ = mark;
    const SourcePos at = pos(mark);
    add({scalar(mark, tag, value, at), 1, 1}, anchor,
        value == "<<" && (tag == kPlainTag || tag == kMergeTag));
  }

  // Tags of collections mean nothing. Source: kubernetes-sigs/yaml goyaml.v2/decode.go mapping, sequence
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(NodeKind::Sequence, mark, anchor);
  }

  void OnSequenceEnd() override {
    Frame frame = close();
    add({builder_.sequence(frame.items, frame.pos), frame.nodes, frame.height + 1}, frame.anchor);
  }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(NodeKind::Mapping, mark, anchor);
  }

  void OnMapEnd() override {
    Frame frame = close();
    if (!frame.merges.empty()) apply_merges(frame);
    add({builder_.mapping(frame.members, frame.pos, diagnostics_), frame.nodes, frame.height + 1},
        frame.anchor);
  }

 private:
  struct Tree {
    const Node* node = nullptr;
    std::uint64_t nodes = 1;  // with aliases expanded
    std::size_t height = 1;
    bool alias = false;
  };
  struct Merge {
    std::size_t before = 0;  // members that stand before it
    SourcePos key_pos;
    const Node* value = nullptr;
  };
  struct Frame {
    NodeKind kind = NodeKind::Null;
    SourcePos pos;
    YAML::anchor_t anchor = 0;
    std::vector<const Node*> items;
    std::vector<Member> members;
    std::optional<Member> key;  // a mapping's key that waits for its value
    bool merge = false;         // that key is a merge key
    std::vector<Merge> merges;
    std::uint64_t nodes = 1;
    std::size_t height = 0;
  };

  [[nodiscard]] SourcePos pos(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    return {file_, lines_.file_line(static_cast<std::uint32_t>(mark.line)),
            static_cast<std::uint32_t>(mark.column) + 1};
  }

  [[noreturn]] void refuse(Code code, const YAML::Mark& mark, std::string message, std::string hint) const {
    refuse(code, pos(mark), std::move(message), std::move(hint));
  }
  [[noreturn]] static void refuse(Code code, SourcePos pos, std::string message, std::string hint) {
    Diagnostic d;
    d.code = code;
    d.pos = pos;
    d.message = std::move(message);
    d.hint = std::move(hint);
    throw Refused{std::move(d)};
  }

  [[noreturn]] void refuse_depth(const YAML::Mark& mark) const {
    refuse(kTooDeep, mark, fmt::format("values are nested more than {} levels deep", kMaxDepth),
           "check what wrote this file");
  }

  void open(NodeKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (frames_.size() >= kMaxDepth) refuse_depth(mark);
    Frame frame;
    frame.kind = kind;
    frame.pos = pos(mark);
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  Frame close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    return frame;
  }

  void add(Tree tree, YAML::anchor_t anchor, bool merge_key = false) {
    ++expanded_;
    if (anchor != 0) anchors_[anchor] = tree;
    if (frames_.empty()) {
      root_ = tree.node;
      return;
    }
    Frame& frame = frames_.back();
    frame.nodes += tree.nodes;
    frame.height = std::max(frame.height, tree.height - merged_levels(frame, *tree.node));
    if (frame.kind == NodeKind::Sequence) {
      frame.items.push_back(tree.node);
    } else if (!frame.key) {
      frame.key = key(*tree.node);
      frame.merge = merge_key;
    } else {
      if (frame.merge) {
        check_merged(tree, frame.key->key_pos);
        frame.merges.push_back({frame.members.size(), frame.key->key_pos, tree.node});
      } else {
        frame.key->value = tree.node;
        frame.members.push_back(*frame.key);
      }
      frame.key.reset();
    }
  }

  /// Levels that a merge key's value loses: its members become those of the mapping that it stands in.
  [[nodiscard]] static std::size_t merged_levels(const Frame& frame, const Node& value) {
    if (!frame.key || !frame.merge) return 0;
    return value.is_mapping() ? 1 : value.is_sequence() && !value.items.empty() ? 2 : 0;
  }

  [[nodiscard]] static Member key(const Node& node) {
    if (!node.is_scalar()) {
      refuse(kYamlKey, node.pos, "a key has to be text, not a list, a mapping or null",
             "write the key as text");
    }
    return Member{node.scalar, node.pos, nullptr};
  }

  /// Source: kubernetes-sigs/yaml goyaml.v2/decode.go merge
  static void check_merged(const Tree& tree, SourcePos key_pos) {
    const Node& value = *tree.node;
    const bool mappings =
        value.is_mapping() || (value.is_sequence() && !tree.alias &&
                               std::all_of(value.items.begin(), value.items.end(),
                                           [](const Node* item) { return item->is_mapping(); }));
    if (mappings) return;
    refuse(kYamlMergeKey, key_pos, "a merge key (<<) takes a mapping or a list of mappings",
           "give it one, or quote the key");
  }

  /// Merge keys are applied where they stand: they replace what stands before them, what stands behind them
  /// replaces what they gave, and of a list the first mapping counts. Source: kubernetes-sigs/yaml
  /// goyaml.v2/decode.go mapping, merge. kustomize's version 3 has written keys win wherever they stand.
  void apply_merges(Frame& frame) {
    struct Origin {
      std::size_t member = 0;
      std::size_t merge = 0;  // 1 and up; 0: written
    };
    const std::vector<Member> written = std::exchange(frame.members, {});
    std::vector<Member>& out = frame.members;
    std::unordered_map<std::string_view, Origin> known;
    std::size_t next = 0;
    const auto write_to = [&](std::size_t end) {
      for (; next < end; ++next) {
        const Member& member = written[next];
        const auto [at, added] = known.try_emplace(member.key, Origin{out.size(), 0});
        if (!added && at->second.merge != 0) {
          out[at->second.member] = member;
          at->second.merge = 0;
        } else {
          out.push_back(member);  // a repeat is reported where the mapping is made
        }
      }
    };
    for (std::size_t i = 0; i < frame.merges.size(); ++i) {
      const Merge& merge = frame.merges[i];
      write_to(merge.before);
      const Member* replaced = nullptr;
      const auto take = [&](const Node& source) {
        for (const Member& member : source.members) {
          const auto [at, added] = known.try_emplace(member.key, Origin{out.size(), i + 1});
          if (added) {
            out.push_back(member);
            continue;
          }
          if (at->second.merge == i + 1) continue;  // an earlier mapping of the list has it
          Member& old = out[at->second.member];
          if (replaced == nullptr && !same_scalar(*old.value, *member.value)) replaced = &member;
          old = member;
          at->second.merge = i + 1;
        }
      };
      if (merge.value->is_mapping()) {
        take(*merge.value);
      } else {
        for (const Node* const item : merge.value->items) take(*item);
      }
      if (replaced != nullptr) warn_replaced(merge.key_pos, replaced->key);
    }
    write_to(written.size());
  }

  [[nodiscard]] static bool same_scalar(const Node& a, const Node& b) {
    return a.is_scalar() && b.is_scalar() && a.style == b.style && a.scalar == b.scalar;
  }

  void warn_replaced(SourcePos key_pos, std::string_view key) const {
    Diagnostic d;
    d.code = kYamlMergeKey;
    d.severity = Severity::Warning;
    d.pos = key_pos;
    d.message = fmt::format(
        "this merge key (<<) replaces \"{}\", which stands before it: kubectl takes the merged value, "
        "kustomize "
        "does not",
        key);
    d.hint = "put << first in its mapping";
    diagnostics_.report(std::move(d));
  }

  /// Any tag but these makes a text of its value, whatever stands there.
  /// Source: kubernetes-sigs/yaml goyaml.v2/resolve.go resolvableTag, resolve
  const Node* scalar(const YAML::Mark& mark, const std::string& tag, const std::string& value, SourcePos at) {
    if (tag == kPlainTag || tag.empty()) return builder_.scalar(ScalarStyle::Plain, value, at);
    if (tag == kQuotedTag) return builder_.scalar(ScalarStyle::Quoted, value, at);
    const std::string_view core = core_tag(tag);
    if (core == "binary") {
      refuse(kYamlTag, mark, "a !!binary value is not decoded", "write the value as text");
    }
    const bool typed = core == "int" || core == "bool" || core == "float" || core == "null";
    if (!typed) return builder_.scalar(ScalarStyle::Quoted, value, at);
    const Node* const node = builder_.scalar(ScalarStyle::Plain, value, at);
    const bool fits = (core == "int" && node->is_integer()) || (core == "bool" && node->is_bool()) ||
                      (core == "float" && (node->is_float() || node->is_integer()));
    if (fits) return node;
    if (core == "null" && (value.empty() || is_null_word(value))) return builder_.null(at);
    refuse(kYamlTag, mark, fmt::format("the tag !!{} cannot be applied to \"{}\"", core, value.substr(0, 40)),
           "remove the tag");
  }

  [[nodiscard]] static std::string_view core_tag(std::string_view tag) {
    constexpr std::string_view kPrefix = "tag:yaml.org,2002:";
    return tag.starts_with(kPrefix) ? tag.substr(kPrefix.size()) : std::string_view{};
  }

  const LineMap& lines_;
  std::uint32_t file_;
  TreeBuilder builder_;
  Diagnostics& diagnostics_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Tree> anchors_;
  std::uint64_t expanded_ = 0;
  const Node* root_ = nullptr;
  std::optional<YAML::Mark> last_quoted_;
  YAML::Mark start_;
};

/// yaml-cpp 0.7 takes a text whose closing quote is missing when the file ends with a line break. Whether the
/// quoted text that starts at or after `offset` is closed.
bool quote_is_closed(std::string_view text, std::size_t offset) {
  std::size_t i = text.find_first_of("\"'\n", offset);  // an anchor or a tag may stand before it
  if (i == std::string_view::npos || text[i] == '\n') return true;
  const char quote = text[i++];
  while (i < text.size()) {
    if (text[i] == '\\' && quote == '"') {
      i += 2;
    } else if (text[i] != quote) {
      ++i;
    } else if (quote == '\'' && i + 1 < text.size() && text[i + 1] == quote) {
      i += 2;
    } else {
      return true;
    }
  }
  return false;
}

struct Wording {
  std::string_view yaml_cpp;  // the start of yaml-cpp's message
  std::string_view message;
  std::string_view hint;
};

/// yaml-cpp's messages name its own parser states; users need to know what was expected.
Wording wording(std::string_view message) {
  static constexpr std::array kTable{
      Wording{"end of map not found",
              "the mapping ends in a way YAML does not allow: expected `key: value` at this indentation",
              "check the indentation of this line against the lines above it"},
      Wording{"end of map flow not found", "a { ... } mapping is not closed: expected , or }", ""},
      Wording{"end of sequence not found",
              "the list ends in a way YAML does not allow: expected `- ` at this indentation",
              "check the indentation of this line against the lines above it"},
      Wording{"end of sequence flow not found", "a [ ... ] list is not closed: expected , or ]", ""},
      Wording{"illegal map value", "a value may not start here: expected one `key: value` a line",
              "quote a text that holds \": \", and check the indentation"},
      Wording{"illegal block entry", "a list item (`- `) may not start here",
              "check the indentation of this line"},
      Wording{"illegal character in scalar", "an unindented character stands inside a quoted text",
              "is the closing quote missing on a line above?"},
      Wording{"illegal document indicator", "a document marker (--- or ...) stands inside a quoted text",
              "is the closing quote missing on a line above?"},
      Wording{"illegal EOF in scalar", "the text ends inside a quoted value: the closing quote is missing",
              ""},
      Wording{"illegal tab when looking for indentation", "a tab stands where indentation was expected",
              "indent with spaces: YAML does not allow tabs there"},
      Wording{"unknown escape character", "an unknown escape follows the backslash in a double-quoted text",
              "write \\\\ for a backslash, or use single quotes"},
      Wording{"the referenced anchor is not defined",
              "an alias names an anchor that does not stand in this document",
              "quote a text that starts with *"},
      Wording{"unknown token", "a value may not start with this character", "quote the text"},
      Wording{"illegal flow end", "a closing bracket without its opening one", ""},
  };
  for (const Wording& row : kTable) {
    if (message.starts_with(row.yaml_cpp)) return row;
  }
  return Wording{"", message, ""};
}

}  // namespace

std::vector<Document> read_yaml_events(std::string_view text, const LineMap& lines, std::uint32_t file,
                                       Diagnostics& diagnostics, bool& failed) {
  std::vector<Document> documents;
  failed = true;
  try {
    MemoryBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    for (int start_of_last = -1;;) {
      TreeHandler handler(lines, file, diagnostics);
      if (!parser.HandleNextDocument(handler)) break;
      // A separator of flow collections where a document may start: yaml-cpp takes none of it, for ever.
      if (handler.start().pos == start_of_last && handler.only_null())
        throw YAML::ParserException(handler.start(), "unknown token");
      start_of_last = handler.start().pos;
      const std::optional<YAML::Mark> quoted = handler.last_quoted();
      if (quoted && !quote_is_closed(text, static_cast<std::size_t>(quoted->pos))) {
        throw YAML::ParserException(*quoted, YAML::ErrorMsg::EOF_IN_SCALAR);
      }
      if (!handler.only_null()) documents.push_back(handler.finish());
    }
    failed = false;
  } catch (Refused& refused) {
    diagnostics.report(std::move(refused.diagnostic));
  } catch (const YAML::DeepRecursion& e) {
    Diagnostic d;
    d.code = kTooDeep;
    d.pos = {file, lines.file_line(static_cast<std::uint32_t>(std::max(0, e.mark.line))),
             static_cast<std::uint32_t>(e.mark.column + 1)};
    d.message = fmt::format("values are nested more than {} levels deep", kMaxDepth);
    d.hint = "check what wrote this file";
    diagnostics.report(std::move(d));
  } catch (const YAML::Exception& e) {
    const Wording words = wording(e.msg);
    Diagnostic d;
    d.code = kYamlSyntax;
    d.pos = {file, lines.file_line(static_cast<std::uint32_t>(std::max(0, e.mark.line))),
             static_cast<std::uint32_t>(std::max(0, e.mark.column) + 1)};
    d.message = words.message;
    d.hint = words.hint;
    diagnostics.report(std::move(d));
  }
  return documents;
}

}  // namespace waypath::model::yaml
