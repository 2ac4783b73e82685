#include "model/yaml/block_text.h"

namespace waypath::model::yaml {

QuotedText double_quoted(std::string_view line) {
  QuotedText out;
  std::size_t close = line.find('"', 1);
  if (close == std::string_view::npos) return out;
  if (line.substr(1, close - 1).find('\\') != std::string_view::npos) {
    out.escaped = true;
    close = 1;
    while (close < line.size() && line[close] != '"') close += line[close] == '\\' ? 2 : 1;
    if (close >= line.size()) return out;
  }
  out.inside = line.substr(1, close - 1);
  out.length = close + 1;
  return out;
}

QuotedText single_quoted(std::string_view line) {
  QuotedText out;
  std::size_t close = line.find('\'', 1);
  while (close != std::string_view::npos && close + 1 < line.size() && line[close + 1] == '\'') {
    out.escaped = true;
    close = line.find('\'', close + 2);
  }
  if (close == std::string_view::npos) return out;
  out.inside = line.substr(1, close - 1);
  out.length = close + 1;
  return out;
}

std::optional<std::string> unescape_double(std::string_view inside) {
  std::string value;
  value.reserve(inside.size());
  for (std::size_t k = 0; k < inside.size(); ++k) {
    if (inside[k] != '\\') {
      value.push_back(inside[k]);
      continue;
    }
    switch (inside[++k]) {
      case '"':
      case '\\':
      case '/':
        value.push_back(inside[k]);
        break;
      case 'n':
        value.push_back('\n');
        break;
      case 't':
        value.push_back('\t');
        break;
      case 'r':
        value.push_back('\r');
        break;
      default:
        return std::nullopt;
    }
  }
  return value;
}

std::string unescape_single(std::string_view inside) {
  std::string value;
  value.reserve(inside.size());
  for (std::size_t k = 0; k < inside.size(); ++k) {
    value.push_back(inside[k]);
    if (inside[k] == '\'') ++k;
  }
  return value;
}

}  // namespace waypath::model::yaml
