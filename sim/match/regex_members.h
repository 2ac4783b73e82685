#pragma once
// Texts that a regular expression accepts, found by walking its syntax.

#include <string>
#include <string_view>
#include <vector>

namespace waypath::sim {

/// A few texts that RE2 fully matches with the expression: one for each alternative, with repetitions left
/// out and made once. Empty when the expression uses what is not walked (look-around does not exist in RE2;
/// Unicode classes, word boundaries), or is refused by RE2. Every text was checked with RE2.
[[nodiscard]] std::vector<std::string> regex_members(std::string_view pattern);

/// Whether no text that the expression accepts can begin with `prefix`. False when that is not certain.
[[nodiscard]] bool regex_excludes_prefix(std::string_view pattern, std::string_view prefix);
/// Whether no text fits both. False when that is not certain.
[[nodiscard]] bool regexes_disjoint(std::string_view a, std::string_view b);
/// Whether the expression accepts one text alone, so that its member shows all of it.
[[nodiscard]] bool regex_is_text(std::string_view pattern);

}  // namespace waypath::sim
