#include "sim/match/policy_match.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace waypath::sim {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}
bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

// Literals of a template between its operators, matched from the left with backtracking over {**}.
bool match_template(std::string_view pattern, std::string_view path) {
  const auto star = pattern.find('{');
  if (star == std::string_view::npos) return pattern == path;
  if (!starts_with(path, pattern.substr(0, star))) return false;
  path.remove_prefix(star);
  if (starts_with(pattern.substr(star), "{**}")) {
    const auto rest = pattern.substr(star + 4);
    for (std::size_t i = 0; i <= path.size(); ++i)
      if (match_template(rest, path.substr(i))) return true;
    return false;
  }
  if (!starts_with(pattern.substr(star), "{*}")) return false;
  const auto rest = pattern.substr(star + 3);
  for (std::size_t i = 1; i <= path.size() && path[i - 1] != '/'; ++i)
    if (match_template(rest, path.substr(i))) return true;
  return false;
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

// Percent-encoded unreserved characters decoded, the rest of an escape in upper case.
std::string decode_unreserved(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size() && hex(path[i + 1]) >= 0 && hex(path[i + 2]) >= 0) {
      const auto c = static_cast<char>(hex(path[i + 1]) * 16 + hex(path[i + 2]));
      if (unreserved(c)) {
        out.push_back(c);
      } else {
        out.push_back('%');
        out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(path[i + 1]))));
        out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(path[i + 2]))));
      }
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

std::string merge_slashes(std::string_view path) {
  std::string out;
  for (const char c : path)
    if (c != '/' || out.empty() || out.back() != '/') out.push_back(c);
  return out;
}

std::string decode_slashes(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto escape = lower(path.substr(i, 3));
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
  if (ignore_case) return match_value(lower(pattern), lower(text));
  if (pattern == "*") return !text.empty();
  if (starts_with(pattern, "*")) return ends_with(text, pattern.substr(1));
  if (ends_with(pattern, "*")) return starts_with(text, pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

bool match_wildcards(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!starts_with(text, pattern.substr(0, star))) return false;
  const auto rest = pattern.substr(star + 1);
  for (std::size_t i = star; i <= text.size(); ++i)
    if (match_wildcards(rest, text.substr(i))) return true;
  return false;
}

bool match_path(std::string_view pattern, std::string_view path) {
  if (pattern.find("{*}") != std::string_view::npos || pattern.find("{**}") != std::string_view::npos)
    return match_template(pattern, path);
  return match_value(pattern, path);
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

}  // namespace waypath::sim
