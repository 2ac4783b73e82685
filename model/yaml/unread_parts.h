#pragma once
// Which parts of an object no decoder reads: most of what `kubectl get -o yaml` prints. Leaving them out
// before they are read costs a hundredth of reading them.

#include <span>
#include <string_view>

namespace waypath::model::yaml {

/// Whether the value of the last key of `path` can be left out. `path` holds the keys from the root of the
/// object; lists do not show in it. `inline_value`: the value starts on the line of its key.
[[nodiscard]] bool unread(std::span<const std::string_view> path, bool inline_value);

/// No path that is longer than this is unread.
inline constexpr std::size_t kUnreadDepth = 5;

}  // namespace waypath::model::yaml
