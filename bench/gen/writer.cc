// JSON values as kubectl prints them: `-o yaml` is go-yaml's block style (sigs.k8s.io/yaml), `-o json` has
// four spaces.

#include <array>
#include <cctype>
#include <string>

#include "bench/gen/generator.h"
#include "bench/gen/objects.h"

namespace waypath::gen {
namespace {

bool like_a_number(std::string_view text) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
  if (i < text.size() && text[i] == '.') ++i;
  if (i >= text.size() || !digit(text[i])) return false;
  return text.find_first_not_of("0123456789abcdefABCDEFxo_.:+-TZ") == std::string_view::npos;
}

// Text that would be read as another type without quotes gets double ones; text with characters that mean
// something, single ones.
bool needs_double_quotes(std::string_view text) {
  if (text.empty() || like_a_number(text)) return true;
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const std::string_view word : {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "~"})
    if (lower == word) return true;
  return false;
}

bool needs_single_quotes(std::string_view text) {
  constexpr std::string_view kFirst = "-?:,[]{}#&*!|>'\"%@` ";
  if (kFirst.find(text.front()) != std::string_view::npos &&
      !(text.front() == '-' && text.size() > 1 && text[1] != ' '))
    return true;
  return text.back() == ' ' || text.back() == ':' || text.find(": ") != std::string_view::npos ||
         text.find(" #") != std::string_view::npos;
}

class Yaml {
 public:
  explicit Yaml(std::string& out) : out_(out) {}

  void mapping(const Json& value, std::size_t indent, bool first_is_placed) {
    bool placed = first_is_placed;
    for (const auto& [key, member] : value.items()) {
      if (!placed) out_.append(indent, ' ');
      placed = false;
      scalar(key, indent);
      out_.push_back(':');
      after_key(member, indent);
    }
  }

 private:
  void after_key(const Json& value, std::size_t indent) {
    if (value.is_object() && !value.empty()) {
      out_.push_back('\n');
      mapping(value, indent + 2, false);
    } else if (value.is_array() && !value.empty()) {
      out_.push_back('\n');
      sequence(value, indent);
    } else {
      out_.push_back(' ');
      leaf(value, indent + 2);
      out_.push_back('\n');
    }
  }

  void sequence(const Json& value, std::size_t indent) {
    for (const auto& item : value) {
      out_.append(indent, ' ').append("- ");
      if (item.is_object() && !item.empty()) {
        mapping(item, indent + 2, true);
      } else {
        leaf(item, indent + 2);
        out_.push_back('\n');
      }
    }
  }

  void leaf(const Json& value, std::size_t indent) {
    if (value.is_string()) {
      scalar(value.get_ref<const std::string&>(), indent);
    } else if (value.is_object()) {
      out_ += "{}";
    } else {
      out_ += value.dump();  // [], numbers, booleans, null
    }
  }

  void scalar(std::string_view text, std::size_t indent) {
    if (text.find('\n') != std::string_view::npos) {
      block(text, indent);
    } else if (needs_double_quotes(text)) {
      out_.append("\"").append(text).append("\"");
    } else if (needs_single_quotes(text)) {
      out_.push_back('\'');
      for (const char c : text) out_.append(c == '\'' ? 2 : 1, c);
      out_.push_back('\'');
    } else {
      out_ += text;
    }
  }

  void block(std::string_view text, std::size_t indent) {
    const bool ends_line = text.back() == '\n';
    if (ends_line) text.remove_suffix(1);
    out_ += ends_line ? "|" : "|-";
    for (std::size_t at = 0; at <= text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      out_.append("\n").append(indent, ' ').append(text.substr(at, end - at));
      at = end + 1;
    }
  }

  std::string& out_;
};

void pretty(const Json& object, std::string& out) {
  for (const char c : object.dump(4)) {
    out.push_back(c);
    if (c == '\n') out.append(8, ' ');
  }
}

}  // namespace

void write(const Parameters& parameters, Form form, const std::function<void(std::string_view)>& take) {
  std::string out;
  bool first = true;
  if (form == Form::List) out = "apiVersion: v1\nitems:\n";
  if (form == Form::JsonList) out = "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        ";
  each_object(parameters, [&](const Json& object) {
    switch (form) {
      case Form::Documents:
        if (!first) out += "---\n";
        Yaml(out).mapping(object, 0, false);
        break;
      case Form::List:
        out += "- ";
        Yaml(out).mapping(object, 2, true);
        break;
      case Form::JsonList:
        if (!first) out += ",\n        ";
        pretty(object, out);
        break;
      case Form::NdJson:
        out += object.dump();
        out.push_back('\n');
        break;
    }
    first = false;
    if (out.size() < 1U << 20U) return;
    take(out);
    out.clear();
  });
  if (form == Form::List) out += "kind: List\nmetadata:\n  resourceVersion: \"\"\n";
  if (form == Form::JsonList)
    out +=
        "\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    "
        "}\n}\n";
  take(out);
}

std::string text(const Parameters& parameters, Form form) {
  std::string out;
  write(parameters, form, [&](std::string_view part) { out += part; });
  return out;
}

}  // namespace waypath::gen
