// The conditions of `--from` and `--to`.

#include <algorithm>
#include <cctype>

#include "model/kube/selector_text.h"
#include "sim/reach/reach.h"

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
    if (const auto selector = model::parse_label_selector(text))
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
