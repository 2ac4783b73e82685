#include "sim/match/regex_members.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "sim/match/regex_match.h"

namespace waypath::sim {
namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t kMostTexts = 24;
constexpr unsigned kMostRepeats = 64;
// Tried in this order for a class of characters: what reads well in a path, a host or a header first.
constexpr std::string_view kPicks =
    "xabcdefghijklmnopqrstuvwyz1023456789XABCDEFGHIJKLMNOPQRSTUVWYZ-_/.~:@%+=,;!$&'()*? ";

void cap(Texts& texts) {
  Texts unique;
  for (auto& t : texts)
    if (std::find(unique.begin(), unique.end(), t) == unique.end()) unique.push_back(std::move(t));
  if (unique.size() > kMostTexts) unique.resize(kMostTexts);
  texts = std::move(unique);
}

/// Syntax: github.com/google/re2/wiki/Syntax. Nullopt from a step: what stands there is not walked.
class Walk {
 public:
  explicit Walk(std::string_view pattern) : rest_(pattern) {}
  std::optional<Texts> all() {
    auto out = alternatives();
    return rest_.empty() ? out : std::nullopt;
  }

 private:
  [[nodiscard]] bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  bool take(std::string_view text) {
    if (rest_.substr(0, text.size()) != text) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::optional<Texts> alternatives() {
    Texts out;
    do {
      auto one = sequence();
      if (!one) return std::nullopt;
      out.insert(out.end(), one->begin(), one->end());
    } while (take("|"));
    cap(out);
    return out;
  }

  std::optional<Texts> sequence() {
    Texts out{""};
    while (!rest_.empty() && !next_is('|') && !next_is(')')) {
      auto part = repeated();
      if (!part) return std::nullopt;
      Texts joined;
      for (const auto& head : out)
        for (const auto& tail : *part) joined.push_back(head + tail);
      cap(joined);
      out = std::move(joined);
    }
    return out;
  }

  std::optional<Texts> repeated() {
    auto out = atom();
    while (out && !rest_.empty()) {
      unsigned least = 0;
      if (take("*") || take("?")) {
        least = 0;
      } else if (take("+")) {
        least = 1;
      } else if (next_is('{')) {
        const auto counted = count();
        if (!counted) return std::nullopt;
        least = *counted;
      } else {
        break;
      }
      take("?");  // lazy: the same language
      Texts texts;
      if (least == 0) texts.emplace_back();
      for (const auto& t : *out) {
        std::string many;
        for (unsigned i = 0; i < std::max(least, 1U); ++i) many += t;
        texts.push_back(std::move(many));
      }
      cap(texts);
      out = std::move(texts);
    }
    return out;
  }

  // "{2}", "{2,}", "{2,5}".
  std::optional<unsigned> count() {
    const auto close = rest_.find('}');
    if (close == std::string_view::npos) return std::nullopt;
    unsigned least = 0;
    const auto* begin = rest_.data() + 1;
    const auto [end, error] = std::from_chars(begin, rest_.data() + close, least);
    if (error != std::errc() || end == begin || least > kMostRepeats) return std::nullopt;
    rest_.remove_prefix(close + 1);
    return least;
  }

  std::optional<Texts> atom() {
    if (take("(")) return group();
    if (take("[")) return character_class();
    if (take(".")) return Texts{"x"};
    if (take("^") || take("$")) return Texts{""};
    if (take("\\")) return escape();
    Texts out{std::string(1, rest_.front())};
    rest_.remove_prefix(1);
    return out;
  }

  std::optional<Texts> group() {
    if (take("?")) {
      // (?:...), (?i:...), (?i), (?P<name>...), (?<name>...)
      if (take("P<") || take("<")) {
        const auto close = rest_.find('>');
        if (close == std::string_view::npos) return std::nullopt;
        rest_.remove_prefix(close + 1);
      } else {
        const auto end = rest_.find_first_of(":)");
        if (end == std::string_view::npos) return std::nullopt;
        const bool flags_only = rest_[end] == ')';
        rest_.remove_prefix(end + 1);
        if (flags_only) return Texts{""};
      }
    }
    auto out = alternatives();
    return out && take(")") ? out : std::nullopt;
  }

  static std::optional<char> control(char c) {
    switch (c) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      default:
        return std::nullopt;
    }
  }

  std::optional<Texts> escape() {
    if (rest_.empty()) return std::nullopt;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    switch (c) {
      case 'd':
        return Texts{"1"};
      case 'D':
      case 'w':
      case 'S':
        return Texts{"x"};
      case 'W':
        return Texts{"-"};
      case 's':
        return Texts{" "};
      case 'A':
      case 'z':
        return Texts{""};
      case 'Q': {
        const auto end = rest_.find("\\E");
        Texts out{std::string(rest_.substr(0, end))};
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
        return out;
      }
      default:
        break;
    }
    if (const auto text = control(c)) return Texts{std::string(1, *text)};
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter_or_digit) return std::nullopt;
    return Texts{std::string(1, c)};
  }

  // RE2 itself says which characters a class holds.
  std::optional<Texts> character_class() {
    std::size_t end = 0;
    if (end < rest_.size() && rest_[end] == '^') ++end;
    if (end < rest_.size() && rest_[end] == ']') ++end;
    while (end < rest_.size() && rest_[end] != ']') {
      if (rest_[end] == '\\') {
        ++end;
      } else if (rest_.substr(end, 2) == "[:") {
        const auto close = rest_.find(":]", end);
        if (close == std::string_view::npos) return std::nullopt;
        end = close + 1;
      }
      ++end;
    }
    if (end >= rest_.size()) return std::nullopt;
    const RegexMatch one("[" + std::string(rest_.substr(0, end + 1)));
    rest_.remove_prefix(end + 1);
    for (const char c : kPicks)
      if (one.full_match(std::string_view(&c, 1))) return Texts{std::string(1, c)};
    return std::nullopt;
  }

  std::string_view rest_;
};

// Every match lies between the two in the order of bytes. Nullopt: RE2 does not tell.
std::optional<std::pair<std::string, std::string>> range_of(std::string_view pattern) {
  // The anchors keep it to matches of the whole text.
  const re2::RE2 anchored("\\A(?:" + std::string(pattern) + ")\\z", re2::RE2::Quiet);
  std::pair<std::string, std::string> out;
  constexpr int kLongest = 256;
  if (!anchored.ok() || !anchored.PossibleMatchRange(&out.first, &out.second, kLongest)) return std::nullopt;
  return out;
}

}  // namespace

std::vector<std::string> regex_members(std::string_view pattern) {
  const RegexMatch regex(pattern);
  if (!regex.valid()) return {};
  auto found = Walk(pattern).all();
  if (!found) return {};
  std::erase_if(*found, [&](const std::string& text) { return !regex.full_match(text); });
  return std::move(*found);
}

bool regex_excludes_prefix(std::string_view pattern, std::string_view prefix) {
  const auto range = range_of(pattern);
  return range && (range->second < prefix || range->first > std::string(prefix) + '\xff');
}

bool regexes_disjoint(std::string_view a, std::string_view b) {
  const auto one = range_of(a), other = range_of(b);
  return one && other && (one->second < other->first || other->second < one->first);
}

bool regex_is_text(std::string_view pattern) {
  const auto range = range_of(pattern);
  return range && range->first == range->second;
}

}  // namespace waypath::sim
