#pragma once
// Manifests of a git revision, read through the git command: git:REV:PATH.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/source_pos.h"

namespace waypath::scenarios {

/// Whether a path given for a cluster names a git revision.
[[nodiscard]] bool is_git_path(std::string_view path);

/// Files of "git:REV:PATH", each named "REV:file" as git shows it: the file, or *.yaml, *.yml and *.json
/// below the directory. PATH is seen from the root of the repository, "./x" from here. Nullopt and what went
/// wrong when git does not know it.
[[nodiscard]] std::optional<std::vector<model::SourceFile>> read_git_tree(const std::string& path,
                                                                          std::string& error);

}  // namespace waypath::scenarios
