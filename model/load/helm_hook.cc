#include "model/load/helm_hook.h"

#include <algorithm>
#include <array>

namespace waypath::model {
namespace {

constexpr std::array<std::string_view, 4> kStaying{"pre-install", "post-install", "pre-upgrade",
                                                   "post-upgrade"};

// Of a list with commas.
bool lists(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t comma = words.find(',');
    std::string_view one = words.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == word) return true;
    words.remove_prefix(comma == std::string_view::npos ? words.size() : comma + 1);
  }
  return false;
}

}  // namespace

bool passing_hook(const yaml::Node& metadata, std::string_view kind) {
  const yaml::Node* const annotations = metadata.find("annotations");
  const auto text = [](const yaml::Node* node) {
    return node != nullptr && node->is_scalar() ? node->scalar : std::string_view{};
  };
  const yaml::Node* const hook = annotations == nullptr ? nullptr : annotations->find("helm.sh/hook");
  if (hook == nullptr) return false;
  if (const yaml::Node* const created = metadata.find("creationTimestamp");
      created != nullptr && !created->is_null())
    return false;
  if (kind == "Pod" || kind == "Job") return true;
  if (lists(text(annotations->find("helm.sh/hook-delete-policy")), "hook-succeeded")) return true;
  return std::none_of(kStaying.begin(), kStaying.end(),
                      [&](std::string_view moment) { return lists(text(hook), moment); });
}

}  // namespace waypath::model
