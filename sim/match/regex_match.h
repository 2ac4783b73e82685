#pragma once
// Regular expressions as Envoy evaluates them: RE2, whole text, bounded program size. Compiled once, shared
// between threads.

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace waypath::sim {

/// Source: istio pkg/bootstrap/config.go (re2.max_program_size.error_level).
inline constexpr int kMaxRegexProgramSize = 32768;

/// One compiled expression. An expression that RE2 refuses, or that is too large for Envoy, is kept with its
/// error and matches nothing: the caller decides what a rejected configuration means.
class RegexMatch {
 public:
  explicit RegexMatch(std::string_view pattern);
  ~RegexMatch();
  RegexMatch(RegexMatch&&) noexcept;
  RegexMatch& operator=(RegexMatch&&) noexcept;

  [[nodiscard]] bool valid() const { return error_.empty(); }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] const std::string& pattern() const { return pattern_; }
  /// Source: envoy source/common/common/regex.h CompiledGoogleReMatcher::match (RE2::FullMatch).
  [[nodiscard]] bool full_match(std::string_view text) const;
  /// Every match replaced; `rewrite` refers to groups as \1.
  /// Source: envoy source/common/common/regex.h CompiledGoogleReMatcher::replaceAll (RE2::GlobalReplace).
  [[nodiscard]] std::string replace_all(std::string_view text, std::string_view rewrite) const;

 private:
  std::string pattern_;
  std::string error_;
  std::unique_ptr<const re2::RE2> regex_;
};

}  // namespace waypath::sim
