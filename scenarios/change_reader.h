#pragma once
// Changes as a scenario's variant or a change file lists them.

#include <filesystem>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/load/decode.h"

namespace waypath::scenarios {

/// A path written in the file `path`, seen from where that file lies.
[[nodiscard]] std::string beside(const std::string& path, const std::string& written);

/// The changes of a list; those that cannot be understood are reported and left out. `path` is the file they
/// stand in.
[[nodiscard]] std::vector<model::Change> read_changes(const model::Field& list, const std::string& path);

}  // namespace waypath::scenarios
