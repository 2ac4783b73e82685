// The conditions of `--from` and `--to`.

#include <algorithm>
#include <cctype>

#include "sim/reach.h"

namespace waypath::sim {
namespace {

using Condition = std::function<bool(const ReachEndpoint&)>;

// `*` stands for any text.
bool glob(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  pattern.remove_prefix(star + 1);
  text.remove_prefix(star);
  for (std::size_t i = 0; i <= text.size(); ++i)
    if (glob(pattern, text.substr(i))) return true;
  return false;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front())) != 0) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back())) != 0) s.remove_suffix(1);
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

std::optional<model::SelectorRequirement> set_based(std::string_view text) {
  for (const auto& [word, op] : {std::pair{std::string_view(" notin "), model::SelectorOperator::NotIn},
                                 std::pair{std::string_view(" in "), model::SelectorOperator::In}}) {
    const auto at = text.find(word);
    if (at == std::string_view::npos) continue;
    const std::string_view list = trimmed(text.substr(at + word.size()));
    if (list.size() < 2 || list.front() != '(' || list.back() != ')') return std::nullopt;
    model::SelectorRequirement r{model::intern(trimmed(text.substr(0, at))), op, {}, {}};
    for (const auto value : split(list.substr(1, list.size() - 2))) r.values.push_back(model::intern(value));
    return r;
  }
  return std::nullopt;
}

// The forms of `kubectl get -l`. Source: kubernetes staging/src/k8s.io/apimachinery/pkg/labels/selector.go
// Parse
std::optional<model::LabelSelector> label_selector(std::string_view text) {
  model::LabelSelector out;
  for (const auto term : split(text)) {
    if (term.empty()) return std::nullopt;
    if (auto r = set_based(term)) {
      out.requirements.push_back(std::move(*r));
      continue;
    }
    const auto equals = term.find('=');
    if (equals == std::string_view::npos) {
      const bool absent = term.front() == '!';
      out.requirements.push_back(
          {model::intern(absent ? term.substr(1) : term),
           absent ? model::SelectorOperator::DoesNotExist : model::SelectorOperator::Exists,
           {},
           {}});
      continue;
    }
    const bool differs = equals > 0 && term[equals - 1] == '!';
    std::string_view value = term.substr(equals + 1);
    if (!value.empty() && value.front() == '=') value.remove_prefix(1);
    out.requirements.push_back({model::intern(trimmed(term.substr(0, differs ? equals - 1 : equals))),
                                differs ? model::SelectorOperator::NotIn : model::SelectorOperator::In,
                                {model::intern(trimmed(value))},
                                {}});
  }
  return out;
}

}  // namespace

std::optional<Condition> reach_selector(std::string_view text, const model::Cluster& cluster,
                                        std::string& error) {
  text = trimmed(text);
  if (text == "external" || text == "internet") return [](const ReachEndpoint& e) { return e.external(); };
  if (const auto address = model::parse_ip(text))
    return [address](const ReachEndpoint& e) {
      return e.external() && e.low.is_v4() == address->is_v4() && e.low <= *address && *address <= e.high;
    };
  const bool labels = text.find_first_of("=!(") != std::string_view::npos;
  if (labels) {
    if (const auto selector = label_selector(text))
      return [selector, &cluster](const ReachEndpoint& e) {
        return !e.external() && selector->matches(cluster.pod(e.pod).meta.labels);
      };
  } else if (!text.empty() && text.find_first_of(" ,") == std::string_view::npos) {
    const std::string pattern(text);
    const bool with_kind = pattern.find('[') != std::string::npos;
    if (pattern.find('/') == std::string::npos)
      return [pattern, &cluster](const ReachEndpoint& e) {
        return !e.external() && glob(pattern, cluster.pod(e.pod).meta.key.ns.view());
      };
    return [pattern, with_kind](const ReachEndpoint& e) {
      return !e.external() && glob(pattern, with_kind ? std::string_view(e.name)
                                                      : std::string_view(e.name).substr(0, e.name.find('[')));
    };
  }
  error = "\"" + std::string(text) +
          "\" is neither a namespace, namespace/name, a label selector, an address nor \"external\"";
  return std::nullopt;
}

}  // namespace waypath::sim
