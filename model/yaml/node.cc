#include "model/yaml/node.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>

namespace waypath::model::yaml {
namespace {

enum class PlainType : std::uint8_t { String, Bool, Integer, Float, Null };

struct Resolved {
  PlainType type = PlainType::String;
  bool boolean = false;
  std::optional<std::int64_t> integer;  // absent when beyond 64 bits
  double number = 0;
};

struct Word {
  std::string_view text;
  PlainType type;
  bool boolean;
  double number;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The one table of words that plain text may stand for.
// Source: kubernetes-sigs/yaml goyaml.v2/resolve.go resolveMapList (YAML 1.1, as kubectl and the API server
// read manifests).
constexpr std::array kWords{
    Word{"", PlainType::Null, false, 0},
    Word{"~", PlainType::Null, false, 0},
    Word{"null", PlainType::Null, false, 0},
    Word{"Null", PlainType::Null, false, 0},
    Word{"NULL", PlainType::Null, false, 0},
    Word{"true", PlainType::Bool, true, 0},
    Word{"True", PlainType::Bool, true, 0},
    Word{"TRUE", PlainType::Bool, true, 0},
    Word{"false", PlainType::Bool, false, 0},
    Word{"False", PlainType::Bool, false, 0},
    Word{"FALSE", PlainType::Bool, false, 0},
    Word{"y", PlainType::Bool, true, 0},
    Word{"Y", PlainType::Bool, true, 0},
    Word{"yes", PlainType::Bool, true, 0},
    Word{"Yes", PlainType::Bool, true, 0},
    Word{"YES", PlainType::Bool, true, 0},
    Word{"n", PlainType::Bool, false, 0},
    Word{"N", PlainType::Bool, false, 0},
    Word{"no", PlainType::Bool, false, 0},
    Word{"No", PlainType::Bool, false, 0},
    Word{"NO", PlainType::Bool, false, 0},
    Word{"on", PlainType::Bool, true, 0},
    Word{"On", PlainType::Bool, true, 0},
    Word{"ON", PlainType::Bool, true, 0},
    Word{"off", PlainType::Bool, false, 0},
    Word{"Off", PlainType::Bool, false, 0},
    Word{"OFF", PlainType::Bool, false, 0},
    Word{".nan", PlainType::Float, false, kNan},
    Word{".NaN", PlainType::Float, false, kNan},
    Word{".NAN", PlainType::Float, false, kNan},
    Word{".inf", PlainType::Float, false, kInfinity},
    Word{".Inf", PlainType::Float, false, kInfinity},
    Word{".INF", PlainType::Float, false, kInfinity},
    Word{"+.inf", PlainType::Float, false, kInfinity},
    Word{"+.Inf", PlainType::Float, false, kInfinity},
    Word{"+.INF", PlainType::Float, false, kInfinity},
    Word{"-.inf", PlainType::Float, false, -kInfinity},
    Word{"-.Inf", PlainType::Float, false, -kInfinity},
    Word{"-.INF", PlainType::Float, false, -kInfinity},
};

/// First characters of these words and of numbers.
constexpr std::array<bool, 256> kMayMean = [] {
  std::array<bool, 256> out{};
  for (const char c : std::string_view("+-0123456789")) out[static_cast<unsigned char>(c)] = true;
  for (const Word& word : kWords)
    if (!word.text.empty()) out[static_cast<unsigned char>(word.text.front())] = true;
  return out;
}();

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Go's strconv.ParseInt/ParseUint with base 0: sign, then 0x, 0o, 0b or a leading 0 (octal). Sets `integer`
/// when it fits 64 bits.
bool parse_integer(std::string_view text, Resolved& out) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char prefix = static_cast<char>(text[1] | 0x20);
    base = prefix == 'x' ? 16 : prefix == 'b' ? 2 : 8;
    text.remove_prefix(base == 8 && prefix != 'o' ? 1 : 2);
  }
  if (text.empty()) return false;
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return false;
  out.type = PlainType::Integer;
  out.number = static_cast<double>(magnitude) * (negative ? -1 : 1);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error == std::errc() && magnitude <= kMax) {
    out.integer = negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
  } else if (error == std::errc() && negative && magnitude == kMax + 1) {
    out.integer = std::numeric_limits<std::int64_t>::min();
  }
  return true;
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < text.size() && digit(text[i])) ++i;
    return i - start;
  };
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  const std::size_t whole = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

double to_double(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  static_cast<void>(end);
  if (error == std::errc::result_out_of_range)
    return text.find("e-") == std::string_view::npos ? kInfinity : 0;
  return value;
}

/// What plain text is. Timestamps stay text, as go-yaml leaves them for untyped values.
/// Source: kubernetes-sigs/yaml goyaml.v2/resolve.go resolve
Resolved resolve_plain(std::string_view text) {
  Resolved out;
  const char first = text.empty() ? '\0' : text.front();
  // Whatever starts otherwise is neither a word of the table nor a number.
  if (!text.empty() && !kMayMean[static_cast<unsigned char>(first)]) return out;
  if (text.size() <= 5) {
    const auto* const word =
        std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.text == text; });
    if (word != kWords.end()) {
      out.type = word->type;
      out.boolean = word->boolean;
      out.number = word->number;
      return out;
    }
  }
  if (!digit(first) && first != '-' && first != '+' && first != '.') return out;
  if (text.size() > 4096) return out;  // no number anybody writes; keeps the copies below small
  if (first == '.') {                  // no underscores here
    if (looks_like_float(text)) {
      out.type = PlainType::Float;
      out.number = to_double(text);
    }
    return out;
  }
  std::string stripped;
  std::string_view plain = text;
  if (text.find('_') != std::string_view::npos) {
    stripped = text;
    std::erase(stripped, '_');
    plain = stripped;
  }
  if (parse_integer(plain, out)) return out;
  if (looks_like_float(plain)) {
    out.type = PlainType::Float;
    out.number = to_double(plain);
  }
  return out;
}

Resolved resolve(const Node& node) {
  Resolved out;
  if (!node.is_scalar()) return out;
  switch (node.style) {
    case ScalarStyle::Quoted:
    case ScalarStyle::Block:
    case ScalarStyle::JsonString:
      return out;
    case ScalarStyle::Plain:
    case ScalarStyle::JsonBool:
      return resolve_plain(node.scalar);
    case ScalarStyle::JsonNumber:
      if (parse_integer(node.scalar, out)) return out;
      out.type = PlainType::Float;
      out.number = to_double(node.scalar);
      return out;
  }
  return out;
}

}  // namespace

bool Node::is_string() const {
  if (!is_scalar()) return false;
  if (style == ScalarStyle::Plain) return resolve_plain(scalar).type == PlainType::String;
  return style != ScalarStyle::JsonNumber && style != ScalarStyle::JsonBool;
}
bool Node::is_bool() const { return is_scalar() && resolve(*this).type == PlainType::Bool; }
bool Node::is_integer() const { return is_scalar() && resolve(*this).type == PlainType::Integer; }
bool Node::is_float() const { return is_scalar() && resolve(*this).type == PlainType::Float; }

std::optional<bool> Node::as_bool() const {
  const Resolved value = resolve(*this);
  return value.type == PlainType::Bool ? std::optional(value.boolean) : std::nullopt;
}

std::optional<std::int64_t> Node::as_integer() const {
  const Resolved value = resolve(*this);
  return value.type == PlainType::Integer ? value.integer : std::nullopt;
}

std::optional<double> Node::as_number() const {
  const Resolved value = resolve(*this);
  if (value.type != PlainType::Integer && value.type != PlainType::Float) return std::nullopt;
  return value.number;
}

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    // Most keys differ in length or in their first letter: no call is needed to tell.
    if (member.key.size() != key.size()) continue;
    if (key.empty() || (member.key.front() == key.front() && member.key == key)) return member.value;
  }
  return nullptr;
}

}  // namespace waypath::model::yaml
