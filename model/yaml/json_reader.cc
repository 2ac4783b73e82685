#include "model/yaml/json_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "model/yaml/line_masks.h"
#include "model/yaml/line_scan.h"
#include "model/yaml/tree_builder.h"
#include "model/yaml/unread_parts.h"
#include "model/yaml/yaml_codes.h"

namespace waypath::model::yaml {
namespace {

namespace od = simdjson::ondemand;

struct Refused {
  Diagnostic diagnostic;
};

/// simdjson's words name its own states; users need to know what was expected.
std::string_view wording(simdjson::error_code error) {
  switch (error) {
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "the text ends before the last { or [ is closed";
    case simdjson::TAPE_ERROR:
      return "expected , or a closing bracket, or \"key\": value";
    case simdjson::STRING_ERROR:
      return "a text holds an escape or a character that JSON does not allow";
    case simdjson::UNCLOSED_STRING:
      return "a text is not closed, or holds a line break";
    case simdjson::UNESCAPED_CHARS:
      return "a text holds a control character: write it as \\n, \\t or \\u00..";
    case simdjson::NUMBER_ERROR:
      return "this is no number that JSON allows";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "expected true, false or null";
    case simdjson::INCORRECT_TYPE:
      return "expected a value: \"text\", a number, true, false, null, { or [";
    case simdjson::DEPTH_ERROR:
      return "values are nested too deeply";
    case simdjson::UTF8_ERROR:
      return "the text is not valid UTF-8";
    case simdjson::TRAILING_CONTENT:
      return "text follows the end of the value";
    default:
      return "this is not JSON";
  }
}

class Walker {
 public:
  Walker(std::string_view text, std::size_t readable, SourcePos start, const ReadOptions& options,
         Diagnostics& diagnostics)
      : text_(text), readable_(readable), start_(start), options_(options), diagnostics_(diagnostics) {}

  /// The document, or a `Refused`.
  Document read() {
    // Reused: its buffers grow to the largest value a thread has seen.
    static thread_local od::parser parser;
    // simdjson reads some bytes past the end: where the file ends first, it gets a copy.
    simdjson::padded_string copy;
    if (readable_ < text_.size() + simdjson::SIMDJSON_PADDING) copy = simdjson::padded_string(text_);
    base_ = copy.size() != 0 ? copy.data() : text_.data();
    in_place_ = options_.borrow && copy.size() == 0;
    od::document document;
    check(parser.iterate(base_, text_.size(), text_.size() + simdjson::SIMDJSON_PADDING).get(document),
          base_);
    od::value root;
    check(document.get_value().get(root), base_);
    const Node* node = nullptr;
    try {
      node = value(root, 0, options_.prune ? Part::Root : Part::Other);
    } catch (Refused& refused) {
      // Errors found by stage 1 and while walking know best where they stand.
      const char* where = nullptr;
      if (refused.diagnostic.pos.line == 0 && document.current_location().get(where) == simdjson::SUCCESS) {
        refused.diagnostic.pos = pos(where);
      }
      throw;
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) == simdjson::SUCCESS) check(simdjson::TRAILING_CONTENT, rest);
    return builder_.finish(node);
  }

 private:
  const Node* value(od::value v, std::size_t depth, Part part) {
    const std::string_view token = v.raw_json_token();
    const char* const at = token.data();
    if (depth >= kMaxDepth) {
      refuse(kTooDeep, pos(at), fmt::format("values are nested more than {} levels deep", kMaxDepth));
    }
    od::json_type type{};
    check(v.type().get(type), at);
    switch (type) {
      case od::json_type::object:
        return object(v, at, depth, part);
      case od::json_type::array:
        return array(v, at, depth, part);
      case od::json_type::string: {
        std::string_view content;
        if (in_place_ && plain(at, content)) {
          if (content.size() <= kMaxScalarBytes)
            return builder_.scalar_view(ScalarStyle::JsonString, content, pos(at));
        } else {
          check(v.get_string().get(content), at);
        }
        if (content.size() > kMaxScalarBytes)
          refuse(kScalarTooLarge, pos(at), "a value of more than 16 MiB is no manifest");
        return builder_.scalar(ScalarStyle::JsonString, content, pos(at));
      }
      case od::json_type::number: {
        double number = 0;
        check(v.get_double().get(number), at);
        const std::size_t end = token.find_first_of(" \t\r\n,]}");
        return builder_.scalar(ScalarStyle::JsonNumber, token.substr(0, end), pos(at));
      }
      case od::json_type::boolean: {
        bool boolean = false;
        check(v.get_bool().get(boolean), at);
        return builder_.scalar(ScalarStyle::JsonBool, boolean ? "true" : "false", pos(at));
      }
      case od::json_type::null: {
        bool null = false;  // "netw" is of this type, too
        if (v.is_null().get(null) != simdjson::SUCCESS || !null) check(simdjson::N_ATOM_ERROR, at);
        return builder_.null(pos(at));
      }
    }
    refuse(kJsonSyntax, pos(at), "this is not JSON");
  }

  const Node* object(od::value v, const char* at, std::size_t depth, Part part) {
    const SourcePos start = pos(at);
    od::object object;
    check(v.get_object().get(object), at);
    const std::size_t mark = members_.size();
    for (auto&& entry : object) {
      od::field field;
      check(std::move(entry).get(field), nullptr);
      const char* const quote = field.key().raw() - 1;  // before unescaped_key, which takes the key out
      const SourcePos key_pos = pos(quote);
      std::string_view stored;
      if (!in_place_ || !plain(quote, stored)) {
        std::string_view key;
        check(field.unescaped_key().get(key), quote);
        stored = builder_.text(key);
      }
      const std::string_view token = field.value().raw_json_token();
      const bool inline_value = token.front() != '{' && token.front() != '[';
      // simdjson passes a value that is not asked for.
      if (part != Part::Other && unread(part, stored, inline_value)) continue;
      const Node* const node = value(field.value(), depth + 1, part_below(part, stored));
      members_.push_back({stored, key_pos, node});
    }
    const std::span<const Member> own(members_.data() + mark, members_.size() - mark);
    const Node* node = nullptr;
    if (TreeBuilder::repeats_key(own)) {
      std::vector<Member> members(own.begin(), own.end());
      node = builder_.mapping(members, start, diagnostics_);
    } else {
      node = builder_.mapping(own, start);
    }
    members_.resize(mark);
    return node;
  }

  const Node* array(od::value v, const char* at, std::size_t depth, Part part) {
    const SourcePos start = pos(at);
    od::array array;
    check(v.get_array().get(array), at);
    const std::size_t mark = items_.size();
    for (auto&& entry : array) {
      od::value item;
      check(std::move(entry).get(item), nullptr);
      const Node* const node = value(item, depth + 1, part);
      items_.push_back(node);
    }
    const Node* const node =
        builder_.sequence(std::span<const Node* const>(items_.data() + mark, items_.size() - mark), start);
    items_.resize(mark);
    return node;
  }

  /// What stands between the quote at `at` and the next one, when nothing there is escaped. The text was
  /// found to be well-formed but for its escapes.
  [[nodiscard]] bool plain(const char* at, std::string_view& content) const {
    const char* const end = text_.data() + text_.size();
    const auto* const close =
        static_cast<const char*>(std::memchr(at + 1, '"', static_cast<std::size_t>(end - at - 1)));
    if (close == nullptr) return false;
    content = {at + 1, static_cast<std::size_t>(close - at - 1)};
    return content.find('\\') == std::string_view::npos;
  }

  /// Values are asked for in the order of the text, so lines are counted once.
  SourcePos pos(const char* at) {
    const auto offset = std::min<std::size_t>(static_cast<std::size_t>(at - base_), text_.size());
    if (offset < seen_) {
      seen_ = 0;
      lines_ = 0;
      line_start_ = 0;
    }
    const std::string_view passed = text_.substr(seen_, offset - seen_);
    if (passed.size() < kMaskBytes && seen_ + kMaskBytes <= text_.size()) {
      const std::uint64_t inside = (std::uint64_t{1} << passed.size()) - 1;
      for (std::uint64_t rest = line_masks(text_.data() + seen_).newline & inside; rest != 0;
           rest &= rest - 1) {
        ++lines_;
        line_start_ = seen_ + static_cast<std::size_t>(std::countr_zero(rest)) + 1;
      }
    } else if (passed.size() > 256) {
      if (const std::size_t last = passed.rfind('\n'); last != std::string_view::npos) {
        lines_ += static_cast<std::uint32_t>(count_lines(passed));
        line_start_ = seen_ + last + 1;
      }
    } else {
      for (std::size_t i = 0; i < passed.size(); ++i) {
        const void* const newline = std::memchr(passed.data() + i, '\n', passed.size() - i);
        if (newline == nullptr) break;
        i = static_cast<std::size_t>(static_cast<const char*>(newline) - passed.data());
        ++lines_;
        line_start_ = seen_ + i + 1;
      }
    }
    seen_ = offset;
    const auto column = static_cast<std::uint32_t>(offset - line_start_);
    return {start_.file, start_.line + lines_, lines_ == 0 ? start_.column + column : column + 1};
  }

  [[noreturn]] static void refuse(Code code, SourcePos at, std::string message) {
    Diagnostic d;
    d.code = code;
    d.pos = at;
    d.message = std::move(message);
    throw Refused{std::move(d)};
  }

  /// `at` null: where the parser stands.
  void check(simdjson::error_code error, const char* at) {
    if (error == simdjson::SUCCESS) return;
    refuse(kJsonSyntax, at == nullptr ? SourcePos{start_.file, 0, 0} : pos(at), std::string(wording(error)));
  }

  std::string_view text_;
  std::size_t readable_;
  SourcePos start_;
  const ReadOptions& options_;
  Diagnostics& diagnostics_;
  TreeBuilder builder_;
  // Stacks that the recursion shares.
  std::vector<Member> members_;
  std::vector<const Node*> items_;
  const char* base_ = nullptr;
  bool in_place_ = false;  // nodes may point into the text
  std::size_t seen_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t lines_ = 0;
};

}  // namespace

std::optional<Document> read_json_value(std::string_view text, std::size_t readable, SourcePos start,
                                        const ReadOptions& options, Diagnostics& diagnostics) {
  try {
    return Walker(text, readable, start, options, diagnostics).read();
  } catch (Refused& refused) {
    if (refused.diagnostic.pos.line == 0) refused.diagnostic.pos = start;
    diagnostics.report(std::move(refused.diagnostic));
    return std::nullopt;
  }
}

}  // namespace waypath::model::yaml
