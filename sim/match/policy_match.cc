#include "sim/match/policy_match.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "sim/match/route_match.h"

namespace waypath::sim {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}
bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool unreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' || c == '~';
}

// Percent-encoded unreserved characters decoded; other escapes stay as they were sent.
std::string decode_unreserved(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size() && hex(path[i + 1]) >= 0 && hex(path[i + 2]) >= 0) {
      const auto c = static_cast<char>(hex(path[i + 1]) * 16 + hex(path[i + 2]));
      if (unreserved(c))
        out.push_back(c);
      else
        out.append(path.substr(i, 3));
      i += 2;
    } else {
      out.push_back(path[i] == '\\' ? '/' : path[i]);
    }
  }
  return out;
}

std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> segments;
  std::size_t start = 1;
  bool trailing = false;
  while (start <= path.size()) {
    const auto end = std::min(path.find('/', start), path.size());
    const auto segment = path.substr(start, end - start);
    trailing = false;
    if (segment == ".." || segment == ".") {
      if (segment == ".." && !segments.empty()) segments.pop_back();
      trailing = end == path.size();
    } else {
      segments.push_back(segment);
    }
    start = end + 1;
  }
  std::string out;
  for (const auto s : segments) out.append("/").append(s);
  if (trailing || out.empty()) out.push_back('/');
  return out;
}

// What stands between slashes, joined by one each: of slashes alone the first and the last are left.
// Source: envoy source/common/http/path_utility.cc mergeSlashes
std::string merge_slashes(std::string_view path) {
  std::string out;
  for (const char c : path)
    if (c != '/' || out.empty() || out.back() != '/') out.push_back(c);
  if (out == "/" && path.size() > 1) out = "//";
  return out;
}

std::string decode_slashes(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto escape = lower_case(path.substr(i, 3));
    if (escape == "%2f" || escape == "%5c") {
      out.push_back(escape == "%2f" ? '/' : '\\');
      i += 2;
    } else {
      out.push_back(path[i]);
    }
  }
  return out;
}

}  // namespace

bool match_value(std::string_view pattern, std::string_view text, bool ignore_case) {
  if (ignore_case) return ValueMatch(pattern, true).matches(lower_case(text));
  if (pattern == "*") return !text.empty();
  if (starts_with(pattern, "*")) return ends_with(text, pattern.substr(1));
  if (ends_with(pattern, "*")) return starts_with(text, pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

ValueMatch::ValueMatch(std::string_view pattern, bool ignore_case) {
  if (pattern == "*") {
    kind_ = Kind::Present;
    return;
  }
  if (starts_with(pattern, "*")) {
    kind_ = Kind::Suffix;
    pattern.remove_prefix(1);
  } else if (ends_with(pattern, "*")) {
    kind_ = Kind::Prefix;
    pattern.remove_suffix(1);
  }
  text_ = ignore_case ? lower_case(pattern) : std::string(pattern);
}

ValueMatch ValueMatch::exact(std::string_view text) {
  ValueMatch out;
  out.text_ = std::string(text);
  return out;
}

bool ValueMatch::matches(std::string_view text) const {
  switch (kind_) {
    case Kind::Exact:
      return text == text_;
    case Kind::Prefix:
      return starts_with(text, text_);
    case Kind::Suffix:
      return ends_with(text, text_);
    case Kind::Present:
      return !text.empty();
  }
  return false;
}

bool is_path_template(std::string_view value) {
  return value.find("{*}") != std::string_view::npos || value.find("{**}") != std::string_view::npos;
}

std::string path_template_regex(std::string_view value) {
  static constexpr std::string_view kSegment = "a-zA-Z0-9\\-._~%!$&'()+,;:@=";
  std::string out;
  while (!value.empty()) {
    const auto open = std::min(value.find('{'), value.size());
    out += quoted_regex(value.substr(0, open));
    value.remove_prefix(open);
    if (starts_with(value, "{**}")) {
      out.append("[").append(kSegment).append("/]*");
      value.remove_prefix(4);
    } else if (starts_with(value, "{*}")) {
      out.append("[").append(kSegment).append("]+");
      value.remove_prefix(3);
    } else if (!value.empty()) {
      out += "\\{";
      value.remove_prefix(1);
    }
  }
  return out;
}

std::string quoted_regex(std::string_view text, std::string_view star) {
  std::string out;
  for (const char c : text) {
    if (c == '*' && !star.empty()) {
      out += star;
      continue;
    }
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string unquoted_regex(std::string_view text, std::string_view star) {
  std::string out;
  for (const char c : text) {
    if (c == '*' && !star.empty()) {
      out += star;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool has_regex_syntax(std::string_view text) {
  return text.find_first_of("\\.+?()|[]{}^$") != std::string_view::npos;
}

std::string normalized_path(std::string_view path, model::PathNormalization mode) {
  using Mode = model::PathNormalization;
  std::string out(path.substr(0, path.find_first_of("?#")));
  if (mode == Mode::None || out.empty() || out.front() != '/') return out;
  if (mode == Mode::DecodeAndMergeSlashes) out = decode_slashes(out);
  out = remove_dot_segments(decode_unreserved(out));
  if (mode == Mode::MergeSlashes || mode == Mode::DecodeAndMergeSlashes) out = merge_slashes(out);
  return out;
}

bool can_be_normalized(std::string_view path, model::PathNormalization mode) {
  return mode == model::PathNormalization::None ||
         path.substr(0, path.find('?')).find("%00") == std::string_view::npos;
}

}  // namespace waypath::sim
