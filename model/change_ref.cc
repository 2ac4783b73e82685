// References to objects as changes write them: "Kind/namespace/name".

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "model/base/edit_distance.h"
#include "model/change.h"
#include "model/diagnostic_codes.h"

namespace waypath::model {
namespace {

template <class... Ts>
std::vector<const ObjectMeta*> collect(const Snapshot& snapshot, TypeList<Ts...>) {
  std::vector<const ObjectMeta*> out;
  const auto add = [&](const auto& list) {
    for (const auto& object : list) out.push_back(&object->meta);
  };
  (add(snapshot.all<Ts>()), ...);
  return out;
}

}  // namespace

std::vector<const ObjectMeta*> all_objects(const Snapshot& snapshot) {
  return collect(snapshot, ResourceTypes{});
}

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct RefParts {
  std::string kind, group, ns, name;
  bool group_given = false;
};

// "Kind/ns/name", "Kind/name", "Kind.group/ns/name".
std::optional<RefParts> split_ref(std::string_view text) {
  const auto first = text.find('/');
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  RefParts out;
  const auto kind = text.substr(0, first);
  const auto dot = kind.find('.');
  out.kind = lower(kind.substr(0, dot));
  if (dot != std::string_view::npos) {
    out.group_given = true;
    out.group = std::string(kind.substr(dot + 1));
  }
  const auto rest = text.substr(first + 1);
  const auto second = rest.find('/');
  if (second != std::string_view::npos) out.ns = std::string(rest.substr(0, second));
  out.name = std::string(second == std::string_view::npos ? rest : rest.substr(second + 1));
  if (out.name.empty()) return std::nullopt;
  return out;
}

void report(Diagnostics& diagnostics, Code code, SourcePos pos, std::string object, std::string message,
            std::string hint = {}) {
  diagnostics.report({code,
                      Severity::Error,
                      Reach::Input,
                      pos,
                      std::move(object),
                      {},
                      {},
                      std::move(message),
                      std::move(hint)});
}

std::string near_names(const Snapshot& snapshot, const RefParts& ref, const std::string& text) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const auto* meta : all_objects(snapshot)) {
    auto name = meta->key.str();
    const bool same_kind = lower(meta->key.kind.view()) == ref.kind;
    const auto distance = edit_distance(name, text);
    if (same_kind || distance <= 3) ranked.emplace_back(distance + (same_kind ? 0 : 100), std::move(name));
  }
  std::sort(ranked.begin(), ranked.end());
  std::string out;
  for (std::size_t i = 0; i < ranked.size() && i < 3; ++i)
    out.append(i == 0 ? "" : ", ").append(ranked[i].second);
  return out;
}

}  // namespace

std::optional<ResourceKey> resolve_ref(const Snapshot& snapshot, const ObjectRef& ref,
                                       Diagnostics& diagnostics) {
  const auto parts = split_ref(ref.text);
  if (!parts) {
    report(diagnostics, kChangeUnknownObject, ref.pos, {}, "\"" + ref.text + "\" names no object",
           "write Kind/namespace/name, or Kind/name for a cluster-scoped kind");
    return std::nullopt;
  }
  std::vector<const ObjectMeta*> found;
  for (const auto* meta : all_objects(snapshot)) {
    const auto& key = meta->key;
    if (lower(key.kind.view()) != parts->kind || key.ns != std::string_view(parts->ns) ||
        key.name != std::string_view(parts->name))
      continue;
    if (parts->group_given && key.group != std::string_view(parts->group)) continue;
    found.push_back(meta);
  }
  if (found.size() == 1) return found.front()->key;
  if (found.empty()) {
    const auto near = near_names(snapshot, *parts, ref.text);
    report(diagnostics, kChangeUnknownObject, ref.pos, {}, "there is no " + ref.text,
           near.empty() ? "" : "near: " + near);
  } else {
    std::string groups;
    for (const auto* meta : found)
      groups.append(groups.empty() ? "" : " or ")
          .append(meta->key.kind.view())
          .append(".")
          .append(meta->key.group.view());
    report(diagnostics, kChangeUnknownObject, ref.pos, {}, ref.text + " is ambiguous",
           "write " + groups + " as the kind");
  }
  return std::nullopt;
}

}  // namespace waypath::model
