#pragma once
// What to do next, in commands that work where the reader stands.

#include <string>

namespace waypath::tools {

/// The shipped example cluster: below the working directory, else beside the installed program. "" when
/// neither is there.
[[nodiscard]] std::string example_cluster();
/// What a run without arguments says below the description. `program`: "waypath" or "kubectl waypath".
[[nodiscard]] std::string first_steps(const std::string& program);

}  // namespace waypath::tools
