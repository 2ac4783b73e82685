#pragma once
// The one place where waypath runs another program (kubectl, git, what a scenario names): no shell, standard
// input closed.

#include <optional>
#include <string>
#include <vector>

namespace waypath::scenarios {

struct CommandResult {
  int exit_code = -1;  // 127: not found; 128+N: ended by signal N
  std::string out, err;
};
/// Runs `command` (found in PATH) to its end in `directory` ("" = here) and keeps what it prints. Safe from
/// several threads.
[[nodiscard]] CommandResult run_command(const std::vector<std::string>& command,
                                        const std::string& directory = {});

/// Standard output of a command that has to succeed; nullopt and what went wrong in a sentence when it cannot
/// be started or fails. What a command that succeeds prints on standard error goes to ours.
[[nodiscard]] std::optional<std::string> output_of(const std::vector<std::string>& command,
                                                   const std::string& directory, std::string& error);

}  // namespace waypath::scenarios
