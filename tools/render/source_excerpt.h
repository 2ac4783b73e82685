#pragma once
// The part of a manifest that is shown beside what was decided by it.

#include <cstdint>
#include <string>
#include <string_view>

namespace waypath::tools {

/// The lines of a manifest that hold the object at `line`, and the number of the first one. Documents of a
/// stream end at `---`, items of a List where the next one begins. Empty when a Secret would come along.
struct SourceExcerpt {
  std::uint32_t line = 0;
  std::string text;
};
[[nodiscard]] SourceExcerpt excerpt(std::string_view text, std::uint32_t line);

}  // namespace waypath::tools
