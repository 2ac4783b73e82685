#include "sim/match/text_members.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/match/regex_members.h"

namespace waypath::sim {
namespace {

using Kind = TextPattern::Kind;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool starts_with(std::string_view text, std::string_view head) { return text.substr(0, head.size()) == head; }
bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

// What a plain request may have, and what lies outside whatever patterns there are.
std::vector<std::string> plain_texts(TextShape shape) {
  switch (shape) {
    case TextShape::Path:
      return {"/", "/x", "/x/y", "/other", "/other-1"};
    case TextShape::Method:
      return {"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "PURGE"};
    case TextShape::Host:
      return {"x.example", "other.example", "other-1.example"};
    case TextShape::Plain:
      return {"x", "other", "other-1"};
  }
  return {};
}

// Put behind a prefix or before a suffix: inside and outside of what further patterns may say.
std::vector<std::string> fillers(TextShape shape) {
  switch (shape) {
    case TextShape::Path:
      return {"", "x", "/x", "/x/y", "1"};
    case TextShape::Method:
      return {"", "X"};
    case TextShape::Host:
      return {"", "x", "1"};
    case TextShape::Plain:
      return {"", "x", "1"};
  }
  return {};
}

bool possible(std::string_view text, TextShape shape) {
  switch (shape) {
    case TextShape::Path:
      return starts_with(text, "/") && text.find_first_of(" \n\r\t") == std::string_view::npos;
    case TextShape::Method:
      return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
      });
    case TextShape::Host:
      return !text.empty() && text.front() != '.' && text.front() != ':' &&
             text.find_first_of(" /\n\r\t") == std::string_view::npos;
    case TextShape::Plain:
      return !text.empty() && text.find_first_of("\n\r") == std::string_view::npos;
  }
  return false;
}

class Collector {
 public:
  Collector(const std::vector<TextPattern>& patterns, TextShape shape) : patterns_(patterns), shape_(shape) {}

  TextMembers run() {
    for (const auto& text : plain_texts(shape_))
      if (outside(text)) add(text, "");
    for (const auto& p : patterns_) of(p);
    for (const auto& text : plain_texts(shape_)) add(text, "");
    // Only now: what a presence condition fits are the texts of the others, and any plain one.
    for (const auto& p : patterns_)
      if (!known_to_match(p) && !never(p))
        out_.left_out.push_back(fmt::format("\"{}\": no text that fits was found", p.written));
    meetings();
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool outside(std::string_view text) const {
    return std::none_of(patterns_.begin(), patterns_.end(), [&](const auto& p) { return p.matches(text); });
  }
  [[nodiscard]] bool known_to_match(const TextPattern& p) const {
    return std::any_of(out_.members.begin(), out_.members.end(),
                       [&](const auto& m) { return p.matches(m.text); });
  }
  /// No request can have such a value: a path that does not begin with "/".
  [[nodiscard]] bool never(const TextPattern& p) const {
    if (p.kind != Kind::Exact && p.kind != Kind::Prefix) return false;
    return !p.text.empty() && !possible(p.text, shape_);
  }

  void add(const std::string& text, const std::string& written) {
    if (possible(text, shape_) && seen_.insert(text).second) out_.members.push_back({text, written});
  }

  void of(const TextPattern& p) {
    switch (p.kind) {
      case Kind::Exact:
        return add(p.text, p.written);
      case Kind::Present:
        return;
      case Kind::Prefix:
        if (shape_ == TextShape::Method)
          for (const auto& method : plain_texts(shape_))
            if (p.matches(method)) add(method, p.written);
        for (const auto& filler : fillers(shape_)) add(p.text + filler, p.written);
        return;
      case Kind::Suffix: {
        const std::string head = shape_ == TextShape::Path && !starts_with(p.text, "/") ? "/" : "";
        for (const auto& filler : fillers(shape_))
          add(head + (head.empty() ? filler : filler.substr(starts_with(filler, "/") ? 1 : 0)) + p.text,
              p.written);
        if (shape_ == TextShape::Path && head.empty()) add("/x" + p.text, p.written);
        return;
      }
      case Kind::Regex:
        for (const auto& text : regex_members(p.text)) add(text, p.written);
        return;
    }
  }

  // Of two patterns: a text that fits both, where there can be one.
  void meetings() {
    for (std::size_t i = 0; i < patterns_.size(); ++i)
      for (std::size_t j = i + 1; j < patterns_.size(); ++j) meet(patterns_[i], patterns_[j]);
  }

  void meet(const TextPattern& a, const TextPattern& b) {
    if (a.kind == Kind::Exact || b.kind == Kind::Exact || a.kind == Kind::Present || b.kind == Kind::Present)
      return;  // the text itself shows it
    if (a.kind == Kind::Suffix && b.kind == Kind::Prefix) return meet(b, a);
    if (b.kind == Kind::Regex && a.kind != Kind::Regex) return meet(b, a);
    if (a.kind == Kind::Prefix && b.kind == Kind::Suffix) {
      for (const auto& filler : fillers(shape_))
        add(a.text + filler + b.text, a.written + " and " + b.written);
      return;
    }
    if (a.kind != Kind::Regex) return;  // two prefixes, two suffixes: the longer one shows it
    if (a.text == b.text || regex_is_text(a.text) || (b.kind == Kind::Regex && regex_is_text(b.text))) return;
    splice(a, b);
    const bool met = std::any_of(out_.members.begin(), out_.members.end(),
                                 [&](const auto& m) { return a.matches(m.text) && b.matches(m.text); });
    if (met || (b.kind == Kind::Prefix && regex_excludes_prefix(a.text, b.text))) return;
    if (b.kind == Kind::Regex && regexes_disjoint(a.text, b.text)) return;
    out_.left_out.push_back(fmt::format("whether a text fits both \"{}\" and \"{}\"", a.written, b.written));
  }

  // A member of the expression that ends or begins as the other pattern says, if one of a few does.
  void splice(const TextPattern& regex, const TextPattern& other) {
    if (other.kind != Kind::Prefix && other.kind != Kind::Suffix) return;
    for (const auto& member : regex_members(regex.text))
      for (std::size_t cut = 0; cut <= member.size(); ++cut)
        for (const auto& filler : fillers(shape_)) {
          const std::string text = other.kind == Kind::Suffix ? member.substr(0, cut) + filler + other.text
                                                              : other.text + filler + member.substr(cut);
          if (!regex.matches(text) || !other.matches(text)) continue;
          return add(text, regex.written + " and " + other.written);
        }
  }

  const std::vector<TextPattern>& patterns_;
  TextShape shape_;
  TextMembers out_;
  std::set<std::string> seen_;
};

}  // namespace

bool TextPattern::matches(std::string_view value) const {
  const std::string folded = ignore_case ? lower(value) : std::string();
  const std::string_view v = ignore_case ? std::string_view(folded) : value;
  switch (kind) {
    case Kind::Exact:
      return v == text;
    case Kind::Prefix:
      return starts_with(v, text);
    case Kind::Suffix:
      return ends_with(v, text);
    case Kind::Present:
      return !v.empty();
    case Kind::Regex:
      return regex != nullptr && regex->full_match(v);
  }
  return false;
}

TextPattern value_pattern(std::string_view written) {
  TextPattern out;
  out.written = written;
  if (written == "*") {
    out.kind = Kind::Present;
  } else if (!written.empty() && written.front() == '*') {
    out.kind = Kind::Suffix;
    out.text = written.substr(1);
  } else if (!written.empty() && written.back() == '*') {
    out.kind = Kind::Prefix;
    out.text = written.substr(0, written.size() - 1);
  } else {
    out.text = written;
  }
  return out;
}

TextPattern regex_pattern(std::string_view expression, std::string_view written) {
  TextPattern out;
  out.kind = Kind::Regex;
  out.text = expression;
  out.written = written;
  out.regex = std::make_shared<const RegexMatch>(expression);
  return out;
}

TextMembers text_members(const std::vector<TextPattern>& patterns, TextShape shape) {
  return Collector(patterns, shape).run();
}

}  // namespace waypath::sim
