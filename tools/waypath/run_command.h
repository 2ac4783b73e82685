#pragma once
// The one place where waypath runs another program: no shell, standard input closed.

#include <string>
#include <vector>

namespace waypath::tools {

struct CommandResult {
  int exit_code = -1;  // 127: not found; 128+N: ended by signal N
  std::string out, err;
};
/// Runs `command` (found in PATH) to its end and keeps what it prints. Safe from several threads.
[[nodiscard]] CommandResult run_command(const std::vector<std::string>& command);

}  // namespace waypath::tools
