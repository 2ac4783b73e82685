#pragma once
// The values that tell requests apart: of the conditions that policies and routes put on one attribute, texts
// that between them fall into every class the conditions cut.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/match/regex_match.h"

namespace waypath::sim {

/// One text condition of a policy or route.
struct TextPattern {
  enum class Kind : std::uint8_t { Exact, Prefix, Suffix, Present, Regex } kind = Kind::Exact;
  std::string text;     // without the star; the expression of a Regex
  std::string written;  // as the manifest has it
  bool ignore_case = false;
  std::shared_ptr<const RegexMatch> regex;
  [[nodiscard]] bool matches(std::string_view value) const;
};
/// "*", "*x", "x*" or "x", as AuthorizationPolicy writes values.
[[nodiscard]] TextPattern value_pattern(std::string_view written);
[[nodiscard]] TextPattern regex_pattern(std::string_view expression, std::string_view written);

/// What values of an attribute look like.
enum class TextShape : std::uint8_t { Path, Method, Host, Plain };

struct TextMembers {
  struct Member {
    std::string text, written;  // of the pattern that it stands for, "" for a text outside all of them
  };
  std::vector<Member> members;        // each text once; those outside come first
  std::vector<std::string> left_out;  // patterns, or meetings of two, that no member was found for
};
/// Exact texts, prefixes and suffixes are covered with all their meetings; an expression by its members.
[[nodiscard]] TextMembers text_members(const std::vector<TextPattern>& patterns, TextShape shape);

}  // namespace waypath::sim
