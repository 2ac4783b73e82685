#pragma once
// The output of a program: manifests that kustomize or helm render, files of a git revision.

#include <optional>
#include <string>
#include <vector>

namespace waypath::scenarios {

/// A word as the shell takes it for one, whatever it holds.
[[nodiscard]] std::string shell_quoted(const std::string& word);

/// Standard output of `words`, run without a shell's expansions in `directory` ("" = here). Its standard
/// error is ours. Nullopt and what went wrong when it cannot be started or fails.
[[nodiscard]] std::optional<std::string> output_of(const std::vector<std::string>& words,
                                                   const std::string& directory, std::string& error);

}  // namespace waypath::scenarios
