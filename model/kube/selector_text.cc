#include "model/kube/selector_text.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace waypath::model {
namespace {

std::string_view trimmed(std::string_view s) {
  const auto space = [](char c) { return c == ' ' || c == '\t'; };
  while (!s.empty() && space(s.front())) s.remove_prefix(1);
  while (!s.empty() && space(s.back())) s.remove_suffix(1);
  return s;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] != ',' || depth != 0) continue;
    out.push_back(trimmed(text.substr(start, i - start)));
    start = i + 1;
  }
  out.push_back(trimmed(text.substr(start)));
  return out;
}

std::optional<SelectorRequirement> set_based(std::string_view text) {
  for (const auto& [word, op] : {std::pair{std::string_view(" notin "), SelectorOperator::NotIn},
                                 std::pair{std::string_view(" in "), SelectorOperator::In}}) {
    const auto at = text.find(word);
    if (at == std::string_view::npos) continue;
    const std::string_view list = trimmed(text.substr(at + word.size()));
    if (list.size() < 2 || list.front() != '(' || list.back() != ')') return std::nullopt;
    SelectorRequirement r{intern(trimmed(text.substr(0, at))), op, {}, {}};
    for (const auto value : split(list.substr(1, list.size() - 2))) r.values.push_back(intern(value));
    return r;
  }
  return std::nullopt;
}

// Source: kubernetes staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsQualifiedName
bool valid_key(std::string_view key) {
  return !key.empty() && key.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "-_./") == std::string_view::npos;
}

}  // namespace

// The forms of `kubectl get -l`. Source: kubernetes staging/src/k8s.io/apimachinery/pkg/labels/selector.go
// Parse
std::optional<LabelSelector> parse_label_selector(std::string_view text) {
  LabelSelector out;
  for (const auto term : split(text)) {
    if (term.empty()) return std::nullopt;
    if (auto r = set_based(term)) {
      out.requirements.push_back(std::move(*r));
      continue;
    }
    const auto equals = term.find('=');
    if (equals == std::string_view::npos) {
      const bool absent = term.front() == '!';
      out.requirements.push_back({intern(absent ? term.substr(1) : term),
                                  absent ? SelectorOperator::DoesNotExist : SelectorOperator::Exists,
                                  {},
                                  {}});
      continue;
    }
    const bool differs = equals > 0 && term[equals - 1] == '!';
    std::string_view value = term.substr(equals + 1);
    if (!value.empty() && value.front() == '=') value.remove_prefix(1);
    out.requirements.push_back({intern(trimmed(term.substr(0, differs ? equals - 1 : equals))),
                                differs ? SelectorOperator::NotIn : SelectorOperator::In,
                                {intern(trimmed(value))},
                                {}});
  }
  const bool keys_valid = std::all_of(out.requirements.begin(), out.requirements.end(),
                                      [](const SelectorRequirement& r) { return valid_key(r.key.view()); });
  if (!keys_valid) return std::nullopt;
  return out;
}

}  // namespace waypath::model
