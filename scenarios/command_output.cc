#include "scenarios/command_output.h"

#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace waypath::scenarios {

std::string shell_quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

std::optional<std::string> output_of(const std::vector<std::string>& words, const std::string& directory,
                                     std::string& error) {
  std::string line;
  if (!directory.empty()) line = "cd " + shell_quoted(directory) + " && ";
  line += "exec";
  for (const auto& word : words) line += " " + shell_quoted(word);
  std::FILE* pipe = ::popen(line.c_str(), "r");
  if (pipe == nullptr) {
    error = std::string("cannot be started: ") + std::strerror(errno);
    return std::nullopt;
  }
  std::string out;
  char block[1 << 16];
  while (const std::size_t got = std::fread(block, 1, sizeof block, pipe)) out.append(block, got);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return out;
  // Source: POSIX, Shell Command Language 2.8.2 (127: not found)
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    error = "there is no program \"" + words.front() + "\" here";
  else if (WIFEXITED(status))
    error = "exit code " + std::to_string(WEXITSTATUS(status)) + "; it says why on standard error";
  else
    error = "ended by a signal";
  return std::nullopt;
}

}  // namespace waypath::scenarios
