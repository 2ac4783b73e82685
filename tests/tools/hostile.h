#pragma once
// Names that try to break out of where a renderer puts them.

#include <string>
#include <vector>

namespace waypath::tests {

[[nodiscard]] const std::vector<std::string>& hostile_names();
/// As a renderer may show it: control characters are blanks.
[[nodiscard]] std::string without_control_characters(std::string text);

}  // namespace waypath::tests
