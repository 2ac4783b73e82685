// peek: what the lines of a slice tell without reading it.

#include <cstring>

#include "model/yaml/json_slices.h"
#include "model/yaml/reader.h"

namespace waypath::model::yaml {
namespace {

/// Reads apiVersion, kind, metadata.namespace and metadata.name off the lines that stand at the columns of an
/// object's keys and of its metadata's keys. Block texts and lists are indented more, or start with a dash.
class Peeker {
 public:
  Peeker(std::string_view body, bool item) : body_(body), item_(item) {}

  /// Up to where apiVersion and kind are known: what else the object says may still contradict them.
  bool run_to_kind() {
    to_kind_ = true;
    return run() && !api_version.empty() && !kind.empty();
  }

  /// False: only reading tells.
  bool run() {
    std::size_t next = 0;
    while (next < body_.size() && known_ && !complete()) {
      const std::size_t begin = next;
      const void* const newline = std::memchr(body_.data() + begin, '\n', body_.size() - begin);
      std::size_t end = newline == nullptr
                            ? body_.size()
                            : static_cast<std::size_t>(static_cast<const char*>(newline) - body_.data());
      next = end + 1;
      if (end > begin && body_[end - 1] == '\r') --end;
      std::size_t first = begin;
      while (first < end && body_[first] == ' ') ++first;
      if (first == end || body_[first] == '#') continue;
      line(begin, first, end);
    }
    return known_;
  }

  std::string_view api_version, kind, ns, name;

 private:
  static constexpr std::size_t kUnset = static_cast<std::size_t>(-1);

  [[nodiscard]] bool complete() const {
    if (to_kind_ && !api_version.empty() && !kind.empty()) return true;
    return !api_version.empty() && !kind.empty() && metadata_ == Metadata::Passed && !pending_;
  }

  void line(std::size_t begin, std::size_t first, std::size_t end) {
    if (column_ == kUnset && item_) {  // the dash of the item stands before its first key
      if (body_[first] != '-') return unknown();
      ++first;
      while (first < end && body_[first] == ' ') ++first;
      if (first == end) return unknown();
    }
    const std::size_t column = first - begin;
    if (column_ == kUnset) column_ = column;
    if (column < column_) return unknown();
    const std::string_view text = body_.substr(first, end - first);
    if (column > column_) {
      if (pending_ && column > pending_column_) return unknown();  // the value goes on
      if (metadata_ != Metadata::Inside) return;
      if (metadata_column_ == kUnset) metadata_column_ = column;
      if (column == metadata_column_) metadata_key(text, column);
      return;
    }
    if (text.starts_with("- ") || text == "-") return;  // a list at the column of its key
    root_key(text, column);
  }

  void root_key(std::string_view text, std::size_t column) {
    pending_ = false;
    if (metadata_ == Metadata::Inside) metadata_ = Metadata::Passed;
    std::string_view key, value;
    if (!split(text, key, value) || key == "<<") return unknown();
    if (key == "apiVersion") take(api_version, value, column);
    if (key == "kind") take(kind, value, column);
    if (key == "metadata") {
      if (metadata_ != Metadata::Ahead || !value.empty()) return unknown();
      metadata_ = Metadata::Inside;
    }
  }

  void metadata_key(std::string_view text, std::size_t column) {
    pending_ = false;
    std::string_view key, value;
    if (text.starts_with("- ") || text == "-") return;
    if (!split(text, key, value) || key == "<<") return unknown();
    if (key == "name") take(name, value, column);
    if (key == "namespace") take(ns, value, column);
  }

  static bool split(std::string_view text, std::string_view& key, std::string_view& value) {
    std::size_t colon = text.find(':');
    while (colon != std::string_view::npos && colon + 1 < text.size() && text[colon + 1] != ' ')
      colon = text.find(':', colon + 1);
    if (colon == std::string_view::npos) return false;
    key = text.substr(0, colon);
    if (key.size() >= 2 && (key.front() == '"' || key.front() == '\'') && key.back() == key.front())
      key = key.substr(1, key.size() - 2);
    value = text.substr(colon + 1);
    if (const std::size_t comment = value.find(" #"); comment != std::string_view::npos)
      value = value.substr(0, comment);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return true;
  }

  void take(std::string_view& field, std::string_view value, std::size_t column) {
    if (!field.empty() || value.empty()) return unknown();  // twice: reading will report it
    pending_ = true;
    pending_column_ = column;
    const char quote = value.front();
    if (quote == '"' || quote == '\'') {
      const bool simple = value.size() > 2 && value.back() == quote &&
                          value.find('\\') == std::string_view::npos &&
                          value.find(quote, 1) == value.size() - 1;
      if (!simple) return unknown();
      field = value.substr(1, value.size() - 2);
      return;
    }
    if (std::strchr("|>{[&*!,]}%@`", quote) != nullptr || value == "null" || value == "~") return unknown();
    field = value;
  }

  void unknown() { known_ = false; }

  std::string_view body_;
  bool item_;
  bool known_ = true, pending_ = false, to_kind_ = false;
  enum class Metadata { Ahead, Inside, Passed } metadata_ = Metadata::Ahead;
  std::size_t column_ = kUnset, metadata_column_ = kUnset, pending_column_ = 0;
};

}  // namespace

KindName peek_kind(std::string_view text, const Slice& slice) {
  const std::string_view body = text.substr(slice.offset, slice.length);
  if (slice.json) return peek_json_kind(body);
  Peeker peeker(body, slice.item >= 0);
  return peeker.run_to_kind() ? KindName{peeker.api_version, peeker.kind} : KindName{};
}

void peek(std::string_view text, Slice& slice) {
  if (slice.peeked) return;
  if (slice.json) {
    peek_json(text, slice);
    return;
  }
  Peeker peeker(text.substr(slice.offset, slice.length), slice.item >= 0);
  if (!peeker.run()) return;
  slice.peeked = true;
  slice.api_version = peeker.api_version;
  slice.kind = peeker.kind;
  slice.ns = peeker.ns;
  slice.name = peeker.name;
  if (slice.kind.empty() && !slice.list_kind.empty()) {
    slice.kind = slice.list_kind;
    if (slice.api_version.empty()) slice.api_version = slice.list_api_version;
  }
}

}  // namespace waypath::model::yaml
